"""The planned executor: runs a plan's steps, as straight-line generated code or one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .kernels import KERNELS
from .plan import Plan, Step

_COMPILE_BELOW = 3000  # steps; a longer plan is interpreted, which costs it little
_CHUNK = 200


def executable(plan: Plan) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function from the plan's inputs to its outputs."""
    return compiled(plan) if len(plan.steps) < _COMPILE_BELOW else interpreter(plan)


def _callables(steps: Sequence[Step]) -> list[Callable[..., Any]]:
    return [KERNELS[step.kernel].make(*step.params) for step in steps]


def interpreter(plan: Plan) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function that walks over the steps."""
    template: list[Any] = [None] * plan.slots
    for slot, value in plan.constants:
        template[slot] = value
    rows = [
        (call, step.operands, step.results, step.release)
        for call, step in zip(_callables(plan.steps), plan.steps, strict=True)
    ]

    def run(inputs: Sequence[Any]) -> Sequence[Any]:
        slots = template.copy()
        for slot, value in zip(plan.inputs, inputs, strict=True):
            slots[slot] = value
        for call, operands, results, release in rows:
            value = call(*[slots[i] for i in operands])
            if len(results) == 1:
                slots[results[0]] = value
            else:
                for slot, part in zip(results, value, strict=True):
                    slots[slot] = part
            for slot in release:
                slots[slot] = None
        return [slots[i] for i in plan.outputs]

    return run


def compiled(plan: Plan) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function of straight-line code: a line a step, kernels and constants bound as locals."""
    bound: dict[str, Any] = {f"v{slot}": value for slot, value in plan.constants}
    constants = set(bound)
    lines = []
    for number, (call, step) in enumerate(zip(_callables(plan.steps), plan.steps, strict=True)):
        bound[f"k{number}"] = call
        results = ", ".join(f"v{i}" for i in step.results)
        lines.append(f"{results} = k{number}({', '.join(f'v{i}' for i in step.operands)})")
        gone = [f"v{i}" for i in step.release if f"v{i}" not in constants]
        if gone:
            lines.append(f"{' = '.join(gone)} = None")
    return _build(plan, bound, lines)


def _build(
    plan: Plan, bound: dict[str, Any], lines: list[str]
) -> Callable[[Sequence[Any]], Sequence[Any]]:
    inputs = "".join(f"v{i}, " for i in plan.inputs)
    body = [f"{inputs}= inputs"] if plan.inputs else []
    body += lines
    body.append(f"return [{', '.join(f'v{i}' for i in plan.outputs)}]")
    source = "\n".join(
        [
            f"def make({', '.join(bound)}):",
            "  def run(inputs):",
            *(f"    {line}" for line in body),
            "  return run",
        ]
    )
    namespace: dict[str, Any] = {}
    exec(compile(source, "<functrace plan>", "exec"), namespace)  # noqa: S102 -- our own text
    return namespace["make"](**bound)
