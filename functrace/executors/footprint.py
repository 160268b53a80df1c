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

from ..ir import UNKNOWN, ArrayType, Program, Shape
from ..passes.guarded import GUARDED
from ..primitive import PRIMITIVES
from .kernels import KERNELS
from .lowering import KernelCall, Lowering
from .memory import Layout, lay_out

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


def footprint(program: Program, steps: int = 1, fresh: bool = True) -> Footprint:
    """The memory that an optimised Program takes.

    Args:
        steps: what counts as a length that is not known.
        fresh: whether outputs have memory of their own, as for `make_plan`.
    """
    lowered = Lowering(program, lambda inner: footprint(inner, steps, fresh=False), fresh)
    layout = lay_out(lowered)
    bounded = all(UNKNOWN not in shape for shape in lowered.shapes)
    lowered.shapes = [_known(shape, steps) for shape in lowered.shapes]
    roots = _roots(lowered, layout)
    inner = [_carried(call) for call in lowered.calls]
    carried = [part for parts in inner for part in parts]
    workspace = sum(layout.buffers) + max([part.workspace for part in carried], default=0)
    outputs = {roots[value] for value in lowered.outputs}
    own = [_fresh(lowered, layout, roots, k) for k in range(len(lowered.calls))]
    inside = [
        max([_beside(call, part, results) for part in parts], default=0)
        for call, parts, results in zip(lowered.calls, inner, own, strict=True)
    ]
    temporary = [[(v, n) for v, n in results if v not in outputs] for results in own]
    last = _last_uses(lowered, roots)
    return Footprint(
        inputs=_bytes(program.input_types, steps),
        constants=sum(_stored(value) for _, value in lowered.constants)
        + sum(part.constants for part in carried),
        outputs=_bytes(program.output_types, steps),
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


def _fresh(lowered: Lowering, layout: Layout, roots: Sequence[int], k: int) -> Fresh:
    """What a step allocates."""
    targets, results = layout.targets[k], lowered.calls[k].results
    found = []
    several = targets if type(targets) is tuple else [targets] * len(results)
    for value, target in zip(results, several, strict=True):
        if target is not None:
            continue
        dtype = lowered.dtypes[value]
        if roots[value] == value and dtype is not None and lowered.shapes[value]:
            found.append((value, prod(lowered.shapes[value]) * dtype.itemsize))
    return found


def _last_uses(lowered: Lowering, roots: Sequence[int]) -> dict[int, int]:
    """The last step that needs a piece of memory; beyond all steps for that of outputs."""
    last: dict[int, int] = {}
    for k, call in enumerate(lowered.calls):
        last.update((roots[value], k) for value in (*call.operands, *call.results))
    last.update((roots[value], len(lowered.calls)) for value in lowered.outputs)
    return last


# Programs that steps carry


def _carried(call: KernelCall) -> list[Footprint]:
    if call.kernel != "nested":
        return []
    name, params, plans = call.params
    seldom = dict(params)["slow"] if name == GUARDED.name else None
    return [part for program, part in plans if program is not seldom]


def _beside(call: KernelCall, part: Footprint, results: Fresh) -> int:
    """What a Program takes while it runs for a step, besides workspace and the step's results.

    A choice gives what its branch gives. A loop copies it, and holds on to what its body gave the
    time before.
    """
    fresh = part.peak - part.workspace
    if PRIMITIVES[call.params[0]].aliases:
        return max(0, fresh - sum(size for _, size in results))
    return fresh + part.outputs


# Who shares memory


def _roots(lowered: Lowering, layout: Layout) -> list[int]:
    """For each value the value whose memory it lies in.

    A reshape gives a view or a copy, as NumPy finds it. To find out, views are taken of arrays that
    have strides and no memory behind them, which nobody ever reads.
    """
    roots = list(range(len(lowered.shapes)))
    shapes: dict[int, np.ndarray] = {}
    for number in lowered.inputs:
        shapes[number] = _hollow(lowered.shapes[number])
    for number, value in lowered.constants:
        shapes[number] = _hollow(np.shape(value))
    for k, call in enumerate(lowered.calls):
        for value in call.results:
            shapes[value] = _hollow(lowered.shapes[value])
        if k in layout.changes:
            roots[call.results[0]] = roots[call.operands[0]]
        elif call.kernel != "nested" and KERNELS[call.kernel].view:
            view = _view(call, shapes[call.operands[0]])
            if view is not None:
                shapes[call.results[0]] = view
                roots[call.results[0]] = roots[call.operands[0]]
    return roots


def _view(call: KernelCall, operand: np.ndarray) -> np.ndarray | None:
    """The view that a kernel gives of an array; None where it has to copy."""
    if call.kernel in ("scalar", "as_written"):
        return operand
    if call.kernel != "reshape":
        return KERNELS[call.kernel].make(*call.params)(operand)
    try:
        if _ASKS:
            return operand.reshape(call.params[0], copy=False)
        view = operand.view()
        view.shape = call.params[0]
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


def _bytes(types: Sequence[ArrayType], steps: int) -> int:
    return sum(prod(_known(type.shape, steps)) * type.dtype.itemsize for type in types)


def _stored(value: Any) -> int:
    """The bytes of an array, those that it repeats counted once."""
    lengths = zip(np.shape(value), np.asarray(value).strides, strict=True)
    return prod([n for n, stride in lengths if stride]) * np.asarray(value).dtype.itemsize
