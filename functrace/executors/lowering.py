"""From equations to kernel calls.

Each equation becomes kernel calls on numbered values. The lowering knows for each value its shape
and whose memory it may share, so that what is handed out is nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..ir import Equation, Literal, Program, Shape, Var
from ..ops.cast import ASTYPE
from ..ops.contract import EINSUM
from ..ops.elementwise import STOP_GRADIENT
from ..ops.index import SLICE
from ..ops.shape import BROADCAST_TO, COPY, REDUCE_SUM, RESHAPE, TRANSPOSE
from ..ops.windows import WINDOWS
from .einsum import lower_einsum
from .kernels import KERNELS


class KernelCall(NamedTuple):
    """results = kernel[params](operands), on numbered values."""

    kernel: str
    params: tuple[Any, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]


class Lowering:
    """The kernel calls of a Program, whose einsums have at most two operands.

    Args:
        plan: makes the plan of a Program that an equation carries.
        fresh: whether outputs must have memory of their own.

    Attributes:
        inputs, outputs: the values of the Program's inputs and outputs.
        constants: values and what they are.
        calls: the kernel calls, in order.
        shapes: the shape of each value.
    """

    def __init__(
        self, program: Program, plan: Callable[[Program], Any], fresh: bool = True
    ) -> None:
        self._plan = plan
        self.calls: list[KernelCall] = []
        self.constants: list[tuple[int, Any]] = []
        self.shapes: list[Shape] = []
        self._roots: list[int] = []  # the value whose memory a value shares
        self._read_only: set[int] = set()  # views that NumPy does not let anybody write to
        self._foreign: set[int] = set()  # roots whose memory is not ours: inputs and constants
        self._values: dict[Any, int] = {}
        self.inputs = [self._outside(var) for var in program.inputs]
        for equation in program.equations:
            results = self._lower(equation, [self._value(atom) for atom in equation.inputs])
            self._values.update(zip(equation.outputs, results, strict=True))
        outputs = [self._value(atom) for atom in program.outputs]
        self.outputs = self._own(outputs) if fresh else outputs

    def new(self, shape: Shape, root: int | None = None) -> int:
        """A new value; with a root, one that shares the root's memory."""
        self.shapes.append(shape)
        self._roots.append(len(self._roots) if root is None else root)
        return len(self._roots) - 1

    def emit(self, kernel: str, operands: Sequence[int], shape: Shape, *params: Any) -> int:
        """Append a kernel call of one result; the result's value."""
        first = operands[0]
        root = self._roots[first] if KERNELS[kernel].view else None
        result = self.new(shape, root)
        if kernel in _READ_ONLY or (root is not None and first in self._read_only):
            self._read_only.add(result)
        self.calls.append(KernelCall(kernel, params, tuple(operands), (result,)))
        return result

    def _outside(self, atom: Var | Literal) -> int:
        """The value of an input or a constant, whose memory is not ours to give away."""
        value = self._values[atom] = self.new(atom.type.shape)
        self._foreign.add(value)
        return value

    def _value(self, atom: Var | Literal) -> int:
        known = self._values.get(atom)
        if known is None:
            assert isinstance(atom, Literal)
            known = self._outside(atom)
            self.constants.append((known, atom.value))
        return known

    def _lower(self, equation: Equation, operands: list[int]) -> list[int]:
        """Append the calls of one equation; the values of its outputs."""
        primitive, params, result = equation.primitive, equation.params, equation.outputs[0].type
        if isinstance(primitive.impl, np.ufunc):
            return [self.emit("ufunc", operands, result.shape, primitive.impl)]
        if primitive is EINSUM:
            return [lower_einsum(self, params["spec"], operands, result)]
        if primitive is STOP_GRADIENT or primitive is COPY:
            return operands  # nothing in a plan changes a value, and outputs are copied at the end
        if primitive in _VIEWS:
            return [self.emit(_VIEWS[primitive], operands, result.shape, *params.values())]
        if primitive is REDUCE_SUM:
            return [
                self.emit("reduce", operands, result.shape, np.add, params["axes"], result.dtype)
            ]
        if primitive is ASTYPE and equation.inputs[0].type.dtype.kind != "c":
            return [self.emit("astype", operands, result.shape, params["dtype"])]
        results = [self.new(var.type.shape) for var in equation.outputs]
        kernel, named = "call", (primitive.name, tuple(params.items()))
        if primitive.prepare is not None:
            kernel = "nested"
            named += (tuple([(inner, self._plan(inner)) for _, inner in equation.programs]),)
        if primitive.aliases:
            self._foreign.update(results)
        self.calls.append(KernelCall(kernel, named, tuple(operands), tuple(results)))
        return results

    def _own(self, outputs: list[int]) -> list[int]:
        """Copy the outputs whose memory is not theirs alone; make those without axes scalars."""
        taken: set[int] = set()
        owned = []
        for value in outputs:
            root, shape = self._roots[value], self.shapes[value]
            if not shape:
                value = self.emit("scalar", [value], ())
            elif (
                root in self._foreign
                or root in taken
                or value in self._read_only
                or prod(shape) != prod(self.shapes[root])
            ):
                value = self.emit("copy", [value], shape)
            taken.add(self._roots[value])
            owned.append(value)
        return owned


_READ_ONLY = ("broadcast", "diagonal", "windows")
_VIEWS = {
    RESHAPE: "reshape", TRANSPOSE: "transpose", SLICE: "slice", BROADCAST_TO: "broadcast",
    WINDOWS: "windows",
}  # fmt: skip
