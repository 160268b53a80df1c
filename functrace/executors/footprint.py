"""How much memory a run takes, worked out from the plan without running it.

Counted are arrays: the workspace, what is freshly allocated for as long as somebody needs it, and
the same of the Programs that steps carry, one at a time. What NumPy's functions allocate for
themselves is not known here. A length that is known only when the Program has run, such as that of
what a while loop keeps of its steps, is what the caller says.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..ir import UNKNOWN, Shape
from ..passes.guarded import GUARDED
from .kernels import KERNELS
from .plan import Plan, Step

_ASKS = np.lib.NumpyVersion(np.__version__) >= "2.1.0"  # whether reshape can be asked not to copy


class Footprint(NamedTuple):
    """Bytes of memory of one run of a Program.

    Attributes:
        inputs: the inputs.
        constants: constants, those of Programs that it carries included.
        outputs: the outputs.
        temporaries: the most that what is neither of these takes at one time.
        workspace: the part of them that is kept for the next run. Programs that are carried take
            turns with theirs.
        peak: the most that all but the inputs and constants take at one time.
        bounded: whether all lengths are known.
    """

    inputs: int
    constants: int
    outputs: int
    temporaries: int
    workspace: int
    peak: int
    bounded: bool


def footprint(plan: Plan, steps: int = 1) -> Footprint:
    """The memory that a plan takes.

    Args:
        steps: what counts as a length that is not known.
    """
    bounded = all(UNKNOWN not in shape for shape in plan.shapes)
    plan = plan._replace(shapes=tuple([_known(shape, steps) for shape in plan.shapes]))
    roots = _roots(plan)
    inner = [_carried(step, steps) for step in plan.steps]
    carried = [part for parts in inner for part in parts]
    workspace = sum(plan.layout.buffers) + max([part.workspace for part in carried], default=0)
    outputs = {roots[value] for value in plan.outputs}
    own = [_fresh(plan, roots, k) for k in range(len(plan.steps))]
    inside = [
        max([_beside(step, part, results) for part in parts], default=0)
        for step, parts, results in zip(plan.steps, inner, own, strict=True)
    ]
    temporary = [[(v, n) for v, n in results if v not in outputs] for results in own]
    last = _last_uses(plan, roots)
    return Footprint(
        inputs=_bytes(plan, plan.inputs),
        constants=sum(_stored(literal.value) for _, literal in plan.constants)
        + sum(part.constants for part in carried),
        outputs=_bytes(plan, plan.outputs),
        temporaries=workspace + _most(temporary, inside, last),
        workspace=workspace,
        peak=workspace + _most(own, inside, last),
        bounded=bounded and all(part.bounded for part in carried),
    )


Fresh = list[tuple[int, int]]  # values, and the bytes that are allocated for them


def _most(allocated: Sequence[Fresh], inside: Sequence[int], last: dict[int, int]) -> int:
    """The most bytes at one time, of what each step allocates and what runs inside of it."""
    live = most = 0
    freed = [0] * len(allocated)
    for k, results in enumerate(allocated):
        for value, size in results:
            live += size
            end = last.get(value, k)
            if end < len(allocated):
                freed[end] += size
        most = max(most, live + inside[k])
        live -= freed[k]
    return most


def _fresh(plan: Plan, roots: Sequence[int], k: int) -> Fresh:
    """What a step allocates."""
    targets, results = plan.layout.targets[k], plan.steps[k].results
    found = []
    several = targets if type(targets) is tuple else [targets] * len(results)
    for value, target in zip(results, several, strict=True):
        if target is not None:
            continue
        if roots[value] == value and plan.shapes[value]:
            found.append((value, prod(plan.shapes[value]) * plan.dtypes[value].itemsize))
    return found


def _last_uses(plan: Plan, roots: Sequence[int]) -> dict[int, int]:
    """The last step that needs a piece of memory; beyond all steps for that of outputs."""
    last: dict[int, int] = {}
    for k, step in enumerate(plan.steps):
        last.update((roots[value], k) for value in (*step.operands, *step.results))
    last.update((roots[value], len(plan.steps)) for value in plan.outputs)
    return last


# Programs that steps carry


def _carried(step: Step, steps: int) -> list[Footprint]:
    if not KERNELS[step.kernel].carries_plans:
        return []
    primitive, params, plans = step.params
    seldom = dict(params)["slow"] if primitive is GUARDED else None
    return [footprint(plan, steps) for program, plan in plans if program is not seldom]


def _beside(step: Step, part: Footprint, results: Fresh) -> int:
    """What a Program takes while it runs for a step, besides workspace and the step's results.

    A choice gives what its branch gives. A loop copies it, and holds on to what its body gave the
    time before.
    """
    fresh = part.peak - part.workspace
    if step.params[0].aliases:
        return max(0, fresh - sum(size for _, size in results))
    return fresh + part.outputs


# Who shares memory


def _roots(plan: Plan) -> list[int]:
    """For each value the value whose memory it lies in.

    A reshape gives a view or a copy, as NumPy finds it. To find out, views are taken of arrays that
    have strides and no memory behind them, which are never read.
    """
    roots = list(range(len(plan.shapes)))
    shapes: dict[int, np.ndarray] = {}
    for number in plan.inputs:
        shapes[number] = _hollow(plan.shapes[number])
    for number, _ in plan.constants:
        shapes[number] = _hollow(plan.shapes[number])
    for k, step in enumerate(plan.steps):
        for value in step.results:
            shapes[value] = _hollow(plan.shapes[value])
        if k in plan.layout.changes:
            roots[step.results[0]] = roots[step.operands[0]]
        elif KERNELS[step.kernel].view:
            view = _view(step, shapes[step.operands[0]])
            if view is not None:
                shapes[step.results[0]] = view
                roots[step.results[0]] = roots[step.operands[0]]
    return roots


def _view(step: Step, operand: np.ndarray) -> np.ndarray | None:
    """The view that a kernel gives of an array; None where it has to copy."""
    if step.kernel in ("scalar", "as_written"):
        return operand
    if step.kernel != "reshape":
        return KERNELS[step.kernel].make(*step.params)(operand)
    try:
        if _ASKS:
            return operand.reshape(step.params[0], copy=False)
        view = operand.view()
        view.shape = step.params[0]
        return view
    except (ValueError, AttributeError):
        return None


def _hollow(shape: Shape) -> np.ndarray:
    """An array in C order of which there is one byte."""
    strides = [prod([max(n, 1) for n in shape[i + 1 :]]) for i in range(len(shape))]
    return np.lib.stride_tricks.as_strided(np.empty(1, np.uint8), shape, strides)


# Sizes


def _known(shape: Shape, steps: int) -> Shape:
    return tuple([steps if n == UNKNOWN else n for n in shape])


def _bytes(plan: Plan, values: Sequence[int]) -> int:
    return sum(prod(plan.shapes[value]) * plan.dtypes[value].itemsize for value in values)


def _stored(value: Any) -> int:
    """The bytes of an array, those that it repeats counted once."""
    lengths = zip(np.shape(value), np.asarray(value).strides, strict=True)
    return prod([n for n, stride in lengths if stride]) * np.asarray(value).dtype.itemsize
