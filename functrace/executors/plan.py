"""A plan: a Program scheduled for running, as data.

    Plan  ::= values: Value*  inputs: number*  constants: (number, Literal)*  steps: Step*
              outputs: number*  layout: Layout
    Value ::= shape dtype root foreign
    Step  ::= results: number+ = kernel[params](operands: number*)  gone: number*  origin: number

Values are numbered. Steps run in order, and each value is given once; `gone` are the values that
are not needed after a step, `origin` is the number of the equation that it came from. A value whose
`root` is another one may share the memory of that; memory is `foreign` where it is not the plan's
own: that of inputs, constants, and what may be one of them. The layout says which results lie in a
workspace, and where (`memory.py`).

Outputs are fresh: none shares memory with an input, a constant or another output, and each is
writable. This does not hold for the plan of a loop's body or a branch, which is among the
parameters of the step that runs it.

A plan can be pickled, and printed (`text.py`). It has all that an engine needs (`engines.py`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..ir import Literal, Program, Shape
from .lowering import KernelCall, Lowering
from .memory import Layout, lay_out
from .text import format_plan


class Value(NamedTuple):
    """What there is to know of a value before the plan runs."""

    shape: Shape
    dtype: np.dtype[Any]
    root: int
    foreign: bool


class Step(NamedTuple):
    """One kernel call (see the head of this file)."""

    kernel: str
    params: tuple[Any, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]
    gone: tuple[int, ...]
    origin: int


class Plan(NamedTuple):
    """Steps over values (see the head of this file).

    Attributes:
        name: that of the Program.
        shapes, dtypes, roots, foreign: the values, attribute by attribute.
    """

    name: str
    shapes: tuple[Shape, ...]
    dtypes: tuple[np.dtype[Any], ...]
    roots: tuple[int, ...]
    foreign: frozenset[int]
    inputs: tuple[int, ...]
    constants: tuple[tuple[int, Literal], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    layout: Layout

    @property
    def values(self) -> tuple[Value, ...]:
        """All values, by their numbers."""
        rows = zip(self.shapes, self.dtypes, self.roots, strict=True)
        return tuple([Value(*row, number in self.foreign) for number, row in enumerate(rows)])

    def __str__(self) -> str:
        return format_plan(self)


def make_plan(program: Program, fresh: bool = True) -> Plan:
    """Schedule a Program, whose einsums have at most two operands.

    Args:
        fresh: whether outputs must not share memory with inputs, constants and one another.
    """
    lowered = Lowering(program, lambda inner: make_plan(inner, fresh=False), fresh)
    kept = {*lowered.outputs, *[value for value, _ in lowered.constants]}
    gone = _last_uses(lowered.calls, kept)
    steps = [
        Step(call.kernel, call.params, call.operands, call.results, tuple(last), call.origin)
        for call, last in zip(lowered.calls, gone, strict=True)
    ]
    return Plan(
        program.name,
        tuple(lowered.shapes),
        tuple(lowered.dtypes),
        tuple(lowered.roots),
        frozenset(lowered.foreign),
        tuple(lowered.inputs),
        tuple(lowered.constants),
        tuple(steps),
        tuple(lowered.outputs),
        lay_out(lowered),
    )


def _last_uses(calls: list[KernelCall], kept: set[int]) -> list[set[int]]:
    """For each call the values that are not needed after it."""
    needed = set(kept)
    result = []
    for call in reversed(calls):
        last = {*call.operands, *call.results} - needed
        needed |= last
        result.append(last)
    return result[::-1]
