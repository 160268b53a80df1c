"""The planned executor: runs a plan's steps one by one, or as straight-line generated code.

Generated code runs a step in about half the time, and making it costs about as much as ten runs.
So a plan is interpreted at first; its caller decides when code is worth while.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import PRIMITIVES
from .kernels import KERNELS
from .plan import Plan, Step


Run = Callable[[Sequence[Any]], Sequence[Any]]
INTERPRETED_RUNS = 8  # making code costs about as much as these save
_LONGEST_CODE = 3000  # steps; beyond, Python's compiler would keep the user waiting


def callables(plan: Plan) -> list[Callable[..., Any]]:
    """What each step calls. It can serve an interpreter and then code."""
    return [
        _nested(*step.params) if step.kernel == "nested" else KERNELS[step.kernel].make(*step.params)
        for step in plan.steps
    ]


def _nested(name: str, params: Sequence[tuple[str, Any]], plans: Any) -> Callable[..., Any]:
    """The function of an op that carries Programs, whose plans are at hand."""
    runs = {id(program): adaptive(plan) for program, plan in plans}
    prepare = PRIMITIVES[name].prepare
    assert prepare is not None
    return prepare(lambda program: runs[id(program)], **dict(params))


def _alone(step: Step) -> bool:
    """Whether a step gives its one result as it is, and not a sequence of results."""
    return len(step.results) == 1 and step.kernel != "nested"


def adaptive(plan: Plan) -> Run:
    """A function that interprets a plan at first, and makes code of it when it has run often."""
    calls = callables(plan)
    run = interpreter(plan, calls)
    runs = 0

    def adapt(inputs: Sequence[Any]) -> Sequence[Any]:
        nonlocal run, runs
        runs += 1
        if runs == INTERPRETED_RUNS and worth_code(plan):
            run = compiled(plan, calls)
        return run(inputs)

    return adapt


def worth_code(plan: Plan) -> bool:
    """Whether a plan is short enough to be made code."""
    return len(plan.steps) <= _LONGEST_CODE


def interpreter(plan: Plan, calls: Sequence[Callable[..., Any]] | None = None) -> Run:
    """A function that walks over the steps."""
    template: list[Any] = [None] * plan.slots
    for slot, value in plan.constants:
        template[slot] = value
    rows = [
        (call, step.operands, step.results, step.release, _alone(step))
        for call, step in zip(calls or callables(plan), plan.steps, strict=True)
    ]

    def run(inputs: Sequence[Any]) -> Sequence[Any]:
        slots = template.copy()
        for slot, value in zip(plan.inputs, inputs, strict=True):
            slots[slot] = value
        for call, operands, results, release, alone in rows:
            value = call(*[slots[i] for i in operands])
            if alone:
                slots[results[0]] = value
            else:
                for slot, part in zip(results, value, strict=True):
                    slots[slot] = part
            for slot in release:
                slots[slot] = None
        return [slots[i] for i in plan.outputs]

    return run


def compiled(plan: Plan, calls: Sequence[Callable[..., Any]] | None = None) -> Run:
    """A function of straight-line code: a line a step, kernels and constants bound by name."""
    bound: dict[str, Any] = {f"v{slot}": value for slot, value in plan.constants}
    inputs = "".join(f"v{i}, " for i in plan.inputs)
    lines = [f"{inputs}= inputs"] if inputs else []
    for number, (call, step) in enumerate(zip(calls or callables(plan), plan.steps, strict=True)):
        bound[f"k{number}"] = call
        results = ", ".join(f"v{i}" for i in step.results) + ("" if _alone(step) else ",")
        lines.append(f"{results} = k{number}({', '.join(f'v{i}' for i in step.operands)})")
        if step.release:
            lines.append(f"{' = '.join(f'v{i}' for i in step.release)} = None")
    lines.append(f"return [{', '.join(f'v{i}' for i in plan.outputs)}]")
    source = "def run(inputs):\n" + "".join(f"  {line}\n" for line in lines)
    exec(compile(source, "<functrace plan>", "exec"), bound)  # noqa: S102 -- our own text
    return bound["run"]
