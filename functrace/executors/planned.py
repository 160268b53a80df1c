"""The planned executor: runs a plan's steps one by one, or as straight-line generated code.

Generated code runs a step in about half the time, and making it costs about as much as ten runs.
So a plan is interpreted at first; its caller decides when code is worth while.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .kernels import KERNELS
from .plan import Plan, Step


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
    """A function of straight-line code: a line a step, kernels and constants bound by name."""
    bound: dict[str, Any] = {f"v{slot}": value for slot, value in plan.constants}
    inputs = "".join(f"v{i}, " for i in plan.inputs)
    lines = [f"{inputs}= inputs"] if inputs else []
    for number, (call, step) in enumerate(zip(_callables(plan.steps), plan.steps, strict=True)):
        bound[f"k{number}"] = call
        results = ", ".join(f"v{i}" for i in step.results)
        lines.append(f"{results} = k{number}({', '.join(f'v{i}' for i in step.operands)})")
        if step.release:
            lines.append(f"{' = '.join(f'v{i}' for i in step.release)} = None")
    lines.append(f"return [{', '.join(f'v{i}' for i in plan.outputs)}]")
    source = "def run(inputs):\n" + "".join(f"  {line}\n" for line in lines)
    exec(compile(source, "<functrace plan>", "exec"), bound)  # noqa: S102 -- our own text
    return bound["run"]
