"""A plan: a Program scheduled for running, as data.

    Plan ::= inputs: slot*  constants: (slot, value)*  steps: Step*  outputs: slot*
    Step ::= result: slot+ = kernel[params](operands: slot*)  release: slot*

A slot holds one value. Steps run in order; `release` names the slots that no later step needs.
Outputs are
fresh: none shares memory with an input, a constant or another output, and each is writable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..ir import Equation, Literal, Program, Var
from ..ops.cast import ASTYPE
from ..ops.contract import EINSUM
from ..ops.elementwise import STOP_GRADIENT
from ..ops.index import SLICE
from ..ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, TRANSPOSE
from .einsum import lower_einsum
from .kernels import KERNELS


@dataclass(frozen=True)
class Step:
    """One kernel call."""

    kernel: str
    params: tuple[Any, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]
    release: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Steps over slots (see the head of this file)."""

    slots: int
    inputs: tuple[int, ...]
    constants: tuple[tuple[int, Any], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


class Builder:
    """Collects steps, and knows for each slot its shape and whose memory it may share."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.constants: list[tuple[int, Any]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.roots: list[int] = []  # the slot whose memory a slot shares
        self.repeated: set[int] = set()  # slots in which elements share memory
        self.foreign: set[int] = set()  # roots that are not ours: inputs and constants
        self._constant_slots: dict[int, int] = {}

    def slot(self, shape: tuple[int, ...], root: int | None = None) -> int:
        """A new slot."""
        self.shapes.append(shape)
        self.roots.append(len(self.roots) if root is None else root)
        return len(self.roots) - 1

    def foreign_slot(self, shape: tuple[int, ...]) -> int:
        """A slot for an input or a constant, whose memory is not ours to give away."""
        slot = self.slot(shape)
        self.foreign.add(slot)
        return slot

    def constant(self, literal: Literal) -> int:
        """The slot of a constant."""
        slot = self._constant_slots.get(id(literal))
        if slot is None:
            slot = self._constant_slots[id(literal)] = self.foreign_slot(literal.type.shape)
            self.constants.append((slot, literal.value))
        return slot

    def emit(
        self, kernel: str, operands: Iterable[int], shape: tuple[int, ...], *params: Any
    ) -> int:
        """Append a step of one result."""
        operands = tuple(operands)
        root = self.roots[operands[0]] if KERNELS[kernel].view else None
        result = self.slot(shape, root)
        if kernel == "broadcast" or (root is not None and operands[0] in self.repeated):
            self.repeated.add(result)
        self.steps.append(Step(kernel, params, operands, (result,)))
        return result


def make_plan(program: Program) -> Plan:
    """Schedule a Program, whose einsums have at most two operands."""
    builder = Builder()
    slots: dict[Var, int] = {var: builder.foreign_slot(var.type.shape) for var in program.inputs}
    inputs = tuple(slots.values())

    def slot_of(atom: Any) -> int:
        return slots[atom] if isinstance(atom, Var) else builder.constant(atom)

    for equation in program.equations:
        results = _lower(builder, equation, [slot_of(atom) for atom in equation.inputs])
        slots.update(zip(equation.outputs, results, strict=True))
    outputs = _own(builder, [slot_of(atom) for atom in program.outputs])
    steps = _release(builder.steps, set(outputs))
    return Plan(len(builder.roots), inputs, tuple(builder.constants), steps, outputs)


def _lower(builder: Builder, equation: Equation, operands: list[int]) -> list[int]:
    """The steps of one equation; the slots of its outputs."""
    primitive, params = equation.primitive, equation.params
    shape = equation.outputs[0].type.shape
    if isinstance(primitive.impl, np.ufunc):
        return [builder.emit("ufunc", operands, shape, primitive.impl)]
    if primitive is EINSUM:
        return [lower_einsum(builder, params["spec"], operands, equation.outputs[0].type)]
    if primitive is STOP_GRADIENT:
        return operands
    view = _VIEWS.get(primitive)
    if view is not None:
        return [builder.emit(view, operands, shape, *params.values())]
    if primitive is REDUCE_SUM:
        dtype = equation.outputs[0].type.dtype
        return [builder.emit("reduce", operands, shape, np.add, params["axes"], dtype)]
    if primitive is ASTYPE and equation.inputs[0].type.dtype.kind != "c":
        return [builder.emit("astype", operands, shape, params["dtype"])]
    results = [builder.slot(var.type.shape) for var in equation.outputs]
    named = (primitive.name, tuple(params.items()))
    builder.steps.append(Step("call", named, tuple(operands), tuple(results)))
    return results


_VIEWS = {RESHAPE: "reshape", TRANSPOSE: "transpose", SLICE: "slice", BROADCAST_TO: "broadcast"}


def _own(builder: Builder, outputs: list[int]) -> tuple[int, ...]:
    """Copy the outputs whose memory is not theirs alone; make those without axes scalars."""
    taken: set[int] = set()
    result = []
    for slot in outputs:
        root, shape = builder.roots[slot], builder.shapes[slot]
        if not shape:
            slot = builder.emit("scalar", [slot], ())
        elif (
            root in builder.foreign
            or root in taken
            or slot in builder.repeated
            or prod(shape) < prod(builder.shapes[root])
        ):
            slot = builder.emit("copy", [slot], shape)
        taken.add(builder.roots[slot])
        result.append(slot)
    return tuple(result)


def _release(steps: list[Step], kept: set[int]) -> tuple[Step, ...]:
    """Note at each step the slots that are not needed after it."""
    needed = set(kept)
    result = []
    for step in reversed(steps):
        last = tuple(dict.fromkeys(s for s in step.operands if s not in needed))
        needed.update(last)
        unused = tuple(s for s in step.results if s not in needed)
        result.append(Step(step.kernel, step.params, step.operands, step.results, last + unused))
    return tuple(reversed(result))
