"""A plan: a Program scheduled for running, as data.

    Plan ::= inputs: slot*  constants: (slot, value)*  steps: Step*  outputs: slot*  layout: Layout
    Step ::= results: slot+ = kernel[params](operands: slot*)  release: slot*

Steps run in order. A slot holds one value at a time: when no later step needs a value, the next
result takes its slot, and `release` names the slots that are left empty until then. Outputs are
fresh: none shares memory with an input, a constant or another output, and each is writable. This
does not hold for the plan of a loop's body or a branch, which is among the parameters of the step
that runs it. The layout says which results lie in a workspace, and where (`memory.py`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..ir import Program
from .lowering import KernelCall, Lowering
from .memory import Layout, lay_out


class Step(NamedTuple):
    """One kernel call (see the head of this file)."""

    kernel: str
    params: tuple[Any, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]
    release: tuple[int, ...]


class Plan(NamedTuple):
    """Steps over slots (see the head of this file)."""

    slots: int
    inputs: tuple[int, ...]
    constants: tuple[tuple[int, Any], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    layout: Layout


def make_plan(program: Program, fresh: bool = True) -> Plan:
    """Schedule a Program, whose einsums have at most two operands.

    Args:
        fresh: whether outputs must not share memory with inputs, constants and one another.
    """
    lowered = Lowering(program, lambda inner: make_plan(inner, fresh=False), fresh)
    fixed = [value for value, _ in lowered.constants]
    slots = {value: slot for slot, value in enumerate([*lowered.inputs, *fixed])}
    count = len(slots)
    free: list[int] = []
    steps = []
    over = _last_uses(lowered.calls, {*lowered.outputs, *fixed})
    for call, gone in zip(lowered.calls, over, strict=True):
        operands = tuple([slots[v] for v in call.operands])
        left = [slots[v] for v in gone if v in slots]
        free += left
        for value in call.results:
            if not free:
                free.append(count)
                count += 1
            slots[value] = free.pop()
        results = tuple([slots[v] for v in call.results])
        release = [slot for slot in left if slot not in results]
        if len(left) < len(gone):  # there are results that nobody uses
            unused = [slots[v] for v in call.results if v in gone]
            free += unused
            release += unused
        steps.append(Step(call.kernel, call.params, operands, results, tuple(release)))
    return Plan(
        count,
        tuple([slots[v] for v in lowered.inputs]),
        tuple([(slots[v], constant) for v, constant in lowered.constants]),
        tuple(steps),
        tuple([slots[v] for v in lowered.outputs]),
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
