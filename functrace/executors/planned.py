"""The planned executor: runs a plan's steps one by one, or as straight-line generated code.

Generated code runs a step in about half the time, and making it costs about as much as ten runs.
So a plan is interpreted at first; its caller decides when code is worth while.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from ..ir import Program
from ..primitive import PRIMITIVES
from .kernels import KERNELS, change_in_place
from .plan import Plan, Step
from .workspace import workspace

Run = Callable[[Sequence[Any]], Sequence[Any]]
INTERPRETED_RUNS = 8  # making code costs about as much as these save
LONGEST_CODE = 3000  # steps; beyond, Python's compiler would keep the user waiting


def callables(plan: Plan) -> list[Callable[..., Any]]:
    """What each step calls. It can serve an interpreter and then code."""
    layout = plan.layout
    made = []
    for number, (step, target) in enumerate(zip(plan.steps, layout.targets, strict=True)):
        if step.kernel == "nested":
            made.append(_nested(*step.params))
        elif number in layout.changes:
            made.append(change_in_place(*step.params))
        else:
            kernel = KERNELS[step.kernel]
            make = kernel.make if target is None else kernel.make_into
            assert make is not None
            made.append(make(*step.params))
    return made


def _nested(name: str, params: Sequence[tuple[str, Any]], plans: Any) -> Callable[..., Any]:
    """The function of an op that carries Programs, whose plans are at hand."""
    known = {id(program): plan for program, plan in plans}

    def compile_program(program: Program, often: bool = False) -> Run:
        plan = known[id(program)]
        return compiled(plan) if often and worth_code(plan) else adaptive(plan)

    prepare = PRIMITIVES[name].prepare
    assert prepare is not None
    return prepare(compile_program, **dict(params))


def _alone(step: Step) -> bool:
    """Whether a step gives its one result as it is, and not a sequence of results."""
    return len(step.results) == 1 and step.kernel not in ("nested", "blocks")


def _places(plan: Plan) -> list[Any]:
    """For each step the numbers of the arrays in the workspace for its results, or None."""
    numbers = count()
    return [
        tuple([None if part is None else next(numbers) for part in target])
        if type(target) is tuple
        else None
        if target is None
        else next(numbers)
        for target in plan.layout.targets
    ]


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
    return len(plan.steps) <= LONGEST_CODE


def interpreter(plan: Plan, calls: Sequence[Callable[..., Any]] | None = None) -> Run:
    """A function that walks over the steps."""
    template: list[Any] = [None] * plan.slots
    for slot, value in plan.constants:
        template[slot] = value
    rows = [
        (call, step.operands, step.results, step.release, _alone(step), place)
        for call, step, place in zip(
            calls or callables(plan), plan.steps, _places(plan), strict=True
        )
    ]
    take, give = workspace(plan.layout)

    def run(inputs: Sequence[Any]) -> Sequence[Any]:
        slots = template.copy()
        for slot, value in zip(plan.inputs, inputs, strict=True):
            slots[slot] = value
        arrays = take()
        for call, operands, results, release, alone, place in rows:
            if place is None:
                value = call(*[slots[i] for i in operands])
            elif type(place) is tuple:
                out = [None if p is None else arrays[p] for p in place]
                value = call(*[slots[i] for i in operands], out=out)
            else:
                value = call(*[slots[i] for i in operands], out=arrays[place])
            if alone:
                slots[results[0]] = value
            else:
                for slot, part in zip(results, value, strict=True):
                    slots[slot] = part
            for slot in release:
                slots[slot] = None
        outputs = [slots[i] for i in plan.outputs]
        give(arrays)
        return outputs

    return run


def compiled(plan: Plan, calls: Sequence[Callable[..., Any]] | None = None) -> Run:
    """A function of straight-line code: a line a step, kernels and constants bound by name."""
    bound: dict[str, Any] = {f"v{slot}": value for slot, value in plan.constants}
    inputs = "".join(f"v{i}, " for i in plan.inputs)
    lines = [f"{inputs}= inputs"] if inputs else []
    places, size = _places(plan), len(plan.layout.parts)
    if size:
        bound["take"], bound["give"] = workspace(plan.layout)
        names = ", ".join(f"b{i}" for i in range(size))
        lines += ["arrays = take()", f"{names}, _ = arrays"]
    for number, (call, step) in enumerate(zip(calls or callables(plan), plan.steps, strict=True)):
        bound[f"k{number}"] = call
        results = ", ".join(f"v{i}" for i in step.results) + ("" if _alone(step) else ",")
        results = results if step.results else "[]"
        operands = [f"v{i}" for i in step.operands]
        place = places[number]
        if type(place) is tuple:
            operands.append(f"out=({''.join('None, ' if p is None else f'b{p}, ' for p in place)})")
        elif place is not None:
            operands.append(f"out=b{place}")
        lines.append(f"{results} = k{number}({', '.join(operands)})")
        if step.release:
            lines.append(f"{' = '.join(f'v{i}' for i in step.release)} = None")
    if size:
        lines.append("give(arrays)")
    lines.append(f"return [{', '.join(f'v{i}' for i in plan.outputs)}]")
    source = "def run(inputs):\n" + "".join(f"  {line}\n" for line in lines)
    exec(compile(source, "<functrace plan>", "exec"), bound)  # noqa: S102 -- our own text
    return bound["run"]
