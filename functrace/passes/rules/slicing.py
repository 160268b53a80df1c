"""Rules for parts of arrays: taken, put among zeros, added, and put side by side."""

from __future__ import annotations

from typing import Any

from ...ir import Atom, Equation, Literal, Shape
from ...ops.index import (
    ADD_SLICE,
    CONCATENATE,
    PLACE,
    SLICE,
    Ranges,
    add_slice,
    concatenate,
    place,
    slice_,
)
from ..match import Match, rule
from .arithmetic import ADD

_MOST = 16  # parts that are put side by side


@rule(SLICE, some=(SLICE,))
def slice_of_slice(match: Match) -> Any:
    """One slice for two."""
    inner = match.made_by(SLICE, match.equation.inputs[0])
    if inner is None:
        return None
    ranges = [
        (start + step * first, length, step * stride)
        for (start, _, step), (first, length, stride) in zip(
            inner.params["ranges"], match.equation.params["ranges"], strict=True
        )
    ]
    return slice_(match.value(inner.inputs[0]), tuple(ranges))


@rule(SLICE, some=(CONCATENATE,))
def slice_of_parts(match: Match) -> Any:
    """A slice of arrays side by side that lies within one of them is a slice of that one."""
    whole = match.made_by(CONCATENATE, match.equation.inputs[0])
    if whole is None:
        return None
    axis, ranges = whole.params["axis"], match.equation.params["ranges"]
    first, length, step = ranges[axis]
    ends = (first, first + step * (length - 1)) if length else (first, first)
    begin = 0
    for part in whole.inputs:
        size = part.type.shape[axis]
        if begin <= min(ends) and max(ends) < begin + size:
            inside = (*ranges[:axis], (first - begin, length, step), *ranges[axis + 1 :])
            return slice_(match.value(part), inside)
        begin += size
    return None


@rule(ADD, some=(PLACE,))
def add_of_placed(match: Match) -> Any:
    """x plus y among zeros is x with y added to a part of it; a part of both is added first.

    An element that is -0.0 may stay so, where adding 0.0 would make it 0.0.
    """
    left, right = match.equation.inputs
    first, second = match.made_by(PLACE, left), match.made_by(PLACE, right)
    if first is None and second is None:
        return None
    if first is not None and second is not None:
        if first.params == second.params:
            total = match.value(first.inputs[0]) + match.value(second.inputs[0])
            return place(total, **first.params)
        x, placed = left, second
    else:
        x, placed = (left, second) if second is not None else (right, first)
    assert placed is not None
    target = match.equation.outputs[0].type
    if x.type is not target or placed.outputs[0].type is not target or isinstance(x, Literal):
        return None
    return add_slice(match.value(x), match.value(placed.inputs[0]), placed.params["ranges"])


@rule(ADD_SLICE)
def add_to_parts(match: Match) -> Any:
    """Parts among zeros that together are the whole array are put side by side.

    What is added to one of several parts side by side is added to the part alone. An element that
    is -0.0 may stay so, as above.
    """
    x, values = match.equation.inputs
    interval = _interval(match.equation.params["ranges"], x.type.shape)
    if interval is None or values.type.dtype is not x.type.dtype:
        return None
    axis, start, length = interval
    found = _parts(match, x, axis)
    if found is None:
        return None
    if any(other != start and other < start + length and start < other + part.type.shape[axis]
           for other, part in found.items()):  # fmt: skip
        return None
    own = match.value(values)
    if start in found:
        if found[start].type.shape != values.type.shape:
            return None
        own = match.value(found[start]) + own
    places = sorted({*found, start})
    parts = [own if at == start else match.value(found[at]) for at in places]
    if sum(part.shape[axis] for part in parts) != x.type.shape[axis]:
        return None
    return concatenate(parts, axis)


def _interval(ranges: Ranges, shape: Shape) -> tuple[int, int, int] | None:
    """The axis, the start and the length, of a part that is whole along all other axes."""
    partial = [i for i, r in enumerate(ranges) if r != (0, shape[i], 1)]
    if len(partial) != 1 or ranges[partial[0]][2] != 1:
        return None
    return partial[0], *ranges[partial[0]][:2]


def _parts(match: Match, atom: Atom, axis: int) -> dict[int, Atom] | None:
    """The parts along an axis, by their starts, that an array is made of; all else is 0."""
    found: dict[int, Atom] = {}
    for _ in range(_MOST):
        maker: Equation | None = match.maker(atom)
        if maker is None or not match.alone(maker):
            return None
        if maker.primitive is CONCATENATE and maker.params["axis"] == axis and not found:
            start = 0
            for part in maker.inputs:
                found[start] = part
                start += part.type.shape[axis]
            return found if len(found) <= _MOST else None
        if maker.primitive not in (PLACE, ADD_SLICE):
            return None
        part = maker.inputs[-1]
        interval = _interval(maker.params["ranges"], atom.type.shape)
        if interval is None or interval[0] != axis or _meets(interval, part, found, axis):
            return None
        found[interval[1]] = part
        if maker.primitive is PLACE:
            return found
        atom = maker.inputs[0]
    return None


def _meets(interval: tuple[int, int, int], part: Atom, found: dict[int, Atom], axis: int) -> bool:
    """Whether a part has elements in common with others, or is repeated."""
    _, start, length = interval
    return part.type.shape[axis] != length or any(
        other < start + length and start < other + one.type.shape[axis]
        for other, one in found.items()
    )
