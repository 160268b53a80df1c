"""The planned executor: runs a plan's steps one by one, or as straight-line generated code.

Generated code runs a step in about half the time, and making it costs about as much as ten runs.
So a plan is interpreted at first; its caller decides when code is worth while.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from ..ir import Program
from ..primitive import Primitive
from .kernels import KERNELS
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
        kernel = KERNELS[step.kernel]
        make = _nested if kernel.carries_plans else kernel.make
        if number in layout.changes:
            make = kernel.make_changing
        elif target is not None:
            make = kernel.make_into
        assert make is not None
        made.append(make(*step.params))
    return made


def _nested(
    primitive: Primitive, params: Sequence[tuple[str, Any]], plans: Any
) -> Callable[..., Any]:
    """The function of an op that carries Programs, whose plans are at hand."""
    known = {id(program): plan for program, plan in plans}

    def compile_program(program: Program, often: bool = False) -> Run:
        plan = known[id(program)]
        return compiled(plan) if often and worth_code(plan) else adaptive(plan)

    prepare = primitive.prepare
    assert prepare is not None
    return prepare(compile_program, **dict(params))


def _alone(step: Step) -> bool:
    """Whether a step gives its one result as it is, and not a sequence of results."""
    return len(step.results) == 1 and not KERNELS[step.kernel].several


def _targets(plan: Plan) -> list[Any]:
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
    """A function that interprets a plan at first, and makes code of it when it has run often.

    The code is then its attribute `quick`.
    """
    calls = callables(plan)
    run = interpreter(plan, calls)
    runs = 0

    def adapt(inputs: Sequence[Any]) -> Sequence[Any]:
        nonlocal run, runs
        runs += 1
        if runs == INTERPRETED_RUNS and worth_code(plan):
            run = compiled(plan, calls)
            adapt.quick = run  # type: ignore[attr-defined] -- a function may have any
        return run(inputs)

    return adapt


def worth_code(plan: Plan) -> bool:
    """Whether a plan is short enough to be made code."""
    return len(plan.steps) <= LONGEST_CODE


class _Slots:
    """Places for the values of a plan; a result takes the place of a value that is gone.

    Attributes:
        places: that of each value.
        empty: for each step, the places that are empty after it.
        count: the number of places.
    """

    def __init__(self, plan: Plan):
        places = {value: slot for slot, value in enumerate(plan.inputs)}
        for value, _ in plan.constants:
            places.setdefault(value, len(places))
        self.places, self.empty, self.count = places, [], len(places)
        free: list[int] = []
        for step in plan.steps:
            results = step.results
            left = [places[v] for v in step.gone if v not in results]
            free += left
            for value in results:
                if not free:
                    free.append(self.count)
                    self.count += 1
                places[value] = free.pop()
            taken = {places[v] for v in results}
            unused = [places[v] for v in results if v in step.gone]
            free += unused
            self.empty.append([slot for slot in left if slot not in taken] + unused)


def interpreter(plan: Plan, calls: Sequence[Callable[..., Any]] | None = None) -> Run:
    """A function that walks over the steps."""
    slots_of = _Slots(plan)
    places = slots_of.places
    template: list[Any] = [None] * slots_of.count
    for value, literal in plan.constants:
        template[places[value]] = literal.value
    rows = [
        (
            call,
            [places[v] for v in step.operands],
            [places[v] for v in step.results],
            empty,
            _alone(step),
            target,
        )
        for call, step, empty, target in zip(
            calls or callables(plan), plan.steps, slots_of.empty, _targets(plan), strict=True
        )
    ]
    inputs_at = [places[v] for v in plan.inputs]
    outputs_at = [places[v] for v in plan.outputs]
    take, give = workspace(plan.layout)

    def run(inputs: Sequence[Any]) -> Sequence[Any]:
        slots = template.copy()
        for slot, value in zip(inputs_at, inputs, strict=True):
            slots[slot] = value
        arrays = take()
        for call, operands, results, empty, alone, place in rows:
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
            for slot in empty:
                slots[slot] = None
        outputs = [slots[i] for i in outputs_at]
        give(arrays)
        return outputs

    return run


def compiled(plan: Plan, calls: Sequence[Callable[..., Any]] | None = None) -> Run:
    """A function of straight-line code: a line a step, kernels and constants bound by name."""
    slots = _Slots(plan)
    at = slots.places
    bound: dict[str, Any] = {f"v{at[value]}": literal.value for value, literal in plan.constants}
    inputs = "".join(f"v{at[i]}, " for i in plan.inputs)
    lines = [f"{inputs}= inputs"] if inputs else []
    places, size = _targets(plan), len(plan.layout.parts)
    if size:
        bound["take"], bound["give"] = workspace(plan.layout)
        names = ", ".join(f"b{i}" for i in range(size))
        lines += ["arrays = take()", f"{names}, _ = arrays"]
    for number, (call, step) in enumerate(zip(calls or callables(plan), plan.steps, strict=True)):
        bound[f"k{number}"] = call
        results = ", ".join(f"v{at[i]}" for i in step.results) + ("" if _alone(step) else ",")
        results = results if step.results else "[]"
        operands = [f"v{at[i]}" for i in step.operands]
        place = places[number]
        if type(place) is tuple:
            operands.append(f"out=({''.join('None, ' if p is None else f'b{p}, ' for p in place)})")
        elif place is not None:
            operands.append(f"out=b{place}")
        lines.append(f"{results} = k{number}({', '.join(operands)})")
        if slots.empty[number]:
            lines.append(f"{' = '.join(f'v{i}' for i in slots.empty[number])} = None")
    if size:
        lines.append("give(arrays)")
    lines.append(f"return [{', '.join(f'v{at[i]}' for i in plan.outputs)}]")
    source = "def run(inputs):\n" + "".join(f"  {line}\n" for line in lines)
    exec(compile(source, "<functrace plan>", "exec"), bound)  # noqa: S102 -- our own text
    return bound["run"]
