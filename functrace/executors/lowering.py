"""From equations to kernel calls.

Each equation becomes kernel calls on numbered values. The lowering knows for each value its shape
and whose memory it may share, so that outputs have memory of their own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..ir import UNKNOWN, ArrayType, Equation, Literal, Program, Shape, Var
from ..ops.cast import ASTYPE
from ..ops.contract import EINSUM
from ..ops.elementwise import STOP_GRADIENT
from ..ops.index import SLICE
from ..ops.shape import BROADCAST_TO, COPY, REDUCE_SUM, RESHAPE, TRANSPOSE
from ..ops.windows import WINDOWS
from .accurate import LONG
from .einsum import lower_einsum
from .kernels import KERNELS
from .tiling import KernelCall, gather


class Lowering:
    """The kernel calls of a Program, whose einsums have at most two operands.

    Args:
        plan: makes the plan of a Program that an equation carries.
        fresh: whether outputs must have memory of their own.

    Attributes:
        inputs, outputs: the values of the Program's inputs and outputs.
        constants: values and what they are.
        calls: the kernel calls, in order.
        shapes, dtypes: the shape and the dtype of each value.
        roots: the value whose memory a value shares.
        foreign: roots whose memory is not ours: inputs, constants and what may be one of them.
    """

    def __init__(
        self, program: Program, plan: Callable[[Program], Any], fresh: bool = True
    ) -> None:
        self._plan = plan
        self.calls: list[KernelCall] = []
        self.constants: list[tuple[int, Literal]] = []
        self.shapes: list[Shape] = []
        self.dtypes: list[np.dtype[Any]] = []
        self.roots: list[int] = []
        self._read_only: set[int] = set()  # views that NumPy does not let anybody write to
        self.foreign: set[int] = set()
        self._dtype = np.dtype(np.float64)  # that of the equation's output
        self._origin = -1  # the number of the equation
        self._values: dict[Any, int] = {}
        self._literals: dict[Any, Literal] = {}
        self.inputs = [self._outside(var) for var in program.inputs]
        values = self._values
        for self._origin, equation in enumerate(program.equations):
            operands = [values[a] if a in values else self._value(a) for a in equation.inputs]
            values.update(zip(equation.outputs, self._lower(equation, operands), strict=True))
        self._origin = -1
        outputs = [self._value(atom) for atom in program.outputs]
        self.outputs = self._own(outputs) if fresh else outputs
        self.calls = gather(self)

    def new(self, shape: Shape, root: int | None = None) -> int:
        """A new value; with a root, one that shares the root's memory."""
        self.shapes.append(shape)
        self.dtypes.append(self._dtype)
        self.roots.append(len(self.roots) if root is None else root)
        return len(self.roots) - 1

    def emit(self, kernel: str, operands: Sequence[int], shape: Shape, *params: Any) -> int:
        """Append a kernel call of one result; the result's value."""
        first = operands[0]
        root = self.roots[first] if KERNELS[kernel].view else None
        result = self.new(shape, root)
        if KERNELS[kernel].read_only or (root is not None and first in self._read_only):
            self._read_only.add(result)
        self.calls.append(KernelCall(kernel, params, tuple(operands), (result,), self._origin))
        return result

    def sum(self, value: int, axes: tuple[int, ...], shape: Shape, dtype: np.dtype[Any]) -> int:
        """Emit the sum over some axes; its value.

        A product with ones is several times as fast for short rows, and for columns. NumPy sums
        columns one row at a time, unless they are neighbours in memory, as our own seldom are.
        """
        full = self.shapes[value]
        own = dtype in _PRODUCTS and self.roots[value] == value and UNKNOWN not in full
        if not own or not axes or axes[-1] - axes[0] != len(axes) - 1:
            return self.emit("reduce", [value], shape, np.add, axes, dtype)
        before, count, after = (
            prod(full[: axes[0]]), prod(full[axes[0] : axes[-1] + 1]), prod(full[axes[-1] + 1 :])
        )  # fmt: skip
        if after > 1 and count > (_FEW_HALVES if dtype == np.float16 else LONG):
            return self.emit("columns", [value], shape, before, count, after, shape)
        real = dtype.char in _SHORT_ROW and count > 1
        if real and after == 1 < before and count <= _SHORT_ROW[dtype.char]:
            rows = self._reshaped(value, (before, count))
            ones = self._value(self._ones(count, dtype))
            return self._reshaped(self.emit("dot", [rows, ones], (before,)), shape)
        if real and before == 1 < after:
            rows = self._reshaped(value, (count, after))
            ones = self._value(self._ones(count, dtype))
            return self._reshaped(self.emit("dot", [ones, rows], (after,)), shape)
        return self.emit("reduce", [value], shape, np.add, axes, dtype)

    def _reshaped(self, value: int, shape: Shape) -> int:
        return value if self.shapes[value] == shape else self.emit("reshape", [value], shape, shape)

    def _ones(self, length: int, dtype: np.dtype[Any]) -> Literal:
        known = self._literals.get((length, dtype))
        if known is None:
            known = self._literals[length, dtype] = Literal(np.ones(length, dtype))
        return known

    def _outside(self, atom: Var | Literal) -> int:
        """The value of an input or a constant, whose memory is not ours to give away."""
        value = self._values[atom] = self.new(atom.type.shape)
        self.dtypes[value] = atom.type.dtype
        self.foreign.add(value)
        return value

    def _value(self, atom: Var | Literal) -> int:
        known = self._values.get(atom)
        if known is None:
            assert isinstance(atom, Literal)
            known = self._outside(atom)
            self.constants.append((known, atom))
        return known

    def _lower(self, equation: Equation, operands: list[int]) -> list[int]:
        """Append the calls of one equation; the values of its outputs."""
        if not equation.outputs:
            return self._call(equation, operands)
        primitive, params, result = equation.primitive, equation.params, equation.outputs[0].type
        self._dtype = result.dtype
        if isinstance(primitive.impl, np.ufunc):
            types = tuple([atom.type for atom in equation.inputs])
            kernel, how = _ufunc_kernel(primitive.impl, types)
            return [self.emit(kernel, operands, result.shape, how)]
        if primitive is EINSUM:
            return [lower_einsum(self, operands, result, **params)]
        if primitive is STOP_GRADIENT or primitive is COPY:
            return operands  # nothing in a plan changes a value, and outputs are copied at the end
        if primitive in _VIEWS:
            return [self.emit(_VIEWS[primitive], operands, result.shape, *params.values())]
        if primitive is REDUCE_SUM:
            return [self.sum(operands[0], params["axes"], result.shape, result.dtype)]
        if primitive is ASTYPE and equation.inputs[0].type.dtype.kind != "c":
            return [self.emit("astype", operands, result.shape, params["dtype"])]
        return self._call(equation, operands)

    def _call(self, equation: Equation, operands: list[int]) -> list[int]:
        """Append the call of an op that has no kernel of its own; the values of its outputs."""
        primitive, results = equation.primitive, []
        for var in equation.outputs:
            self._dtype = var.type.dtype
            results.append(self.new(var.type.shape))
        kernel, named = "call", (primitive, tuple(equation.params.items()))
        if primitive.prepare is not None:
            kernel = "nested"
            named += (tuple([(inner, self._plan(inner)) for _, inner in equation.programs]),)
        if primitive.aliases:
            self.foreign.update(results)
        call = KernelCall(kernel, named, tuple(operands), tuple(results), self._origin)
        self.calls.append(call)
        return results

    def _own(self, outputs: list[int]) -> list[int]:
        """Copy the outputs whose memory is not theirs alone; make those without axes scalars."""
        taken: set[int] = set()
        owned = []
        for value in outputs:
            root, shape = self.roots[value], self.shapes[value]
            self._dtype = self.dtypes[value]
            if not shape:
                value = self.emit("scalar", [value], ())
            elif (
                root in self.foreign
                or root in taken
                or value in self._read_only
                or prod(shape) != prod(self.shapes[root])
            ):
                value = self.emit("copy", [value], shape)
            taken.add(self.roots[value])
            owned.append(value)
        return owned


_PRODUCTS = [np.dtype(char) for char in "efdFD"]  # dtypes that are summed by products with ones
_FEW_HALVES = 8  # numbers of half precision, each of whose sums is rounded to three digits
_SHORT_ROW = {"f": 256, "d": 128}  # elements; longer rows NumPy adds in pairs, more accurately
_VIEWS = {
    RESHAPE: "reshape", TRANSPOSE: "transpose", SLICE: "slice", BROADCAST_TO: "broadcast",
    WINDOWS: "windows",
}  # fmt: skip

# What Python's operators do with two NumPy scalars in a tenth of a ufunc's time, and warn alike.
_OPERATORS = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
    np.divide: operator.truediv, np.less: operator.lt, np.less_equal: operator.le,
    np.greater: operator.gt, np.greater_equal: operator.ge, np.equal: operator.eq,
    np.not_equal: operator.ne,
}  # fmt: skip


@lru_cache(maxsize=4096)
def _ufunc_kernel(ufunc: np.ufunc, types: tuple[ArrayType, ...]) -> tuple[str, Any]:
    """How a ufunc runs: as itself, or as an operator between real numbers without axes."""
    scalars = all(type.dtype.kind == "f" and not type.shape for type in types)
    if scalars and ufunc in _OPERATORS:
        return "operator", _OPERATORS[ufunc]
    counts = all(type.dtype == np.int64 and not type.shape for type in types)
    if counts and ufunc in _OPERATORS and ufunc not in (np.multiply, np.divide):
        return "operator", _OPERATORS[ufunc]
    return "ufunc", ufunc
