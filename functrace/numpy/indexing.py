"""Reading parts of arrays: `x[...]`, `take` and their kin."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import IndexingError, OptionError, ShapeError
from ..ops import cast, index
from ..ops import elementwise as ops
from ..ops.shape import (
    broadcast_shapes,
    inverse,
    normalize_axis,
    remaining,
    reshape,
    transpose,
)
from ..primitive import remember
from ..tracer import Tracer
from ._register import implements, refuse
from .elementwise import array
from .shaping import ravel


class _Item(NamedTuple):
    """One part of an index.

    A slice, an integer, an array of integers, a new axis, or "apart": an ellipsis that stands for
    no axis, yet keeps the arrays around it from being adjacent.
    """

    kind: str
    value: Any


class Selection(NamedTuple):
    """What an index takes of an array: a slice, then elements of it at index arrays, arranged.

    Attributes:
        base: the array's shape, with an axis of length 1 for each single boolean in the index.
        ranges: the slice, with a range for each axis of the array.
        indices, axes: the index arrays and the axes of the slice that they index; none for a slice
            alone.
        picked: the shape after indexing, in which the axes of the index arrays come first.
        order: the permutation that puts them where NumPy has them.
        shape: the shape of the result: with new axes, and without those that an integer took.
    """

    base: tuple[int, ...]
    ranges: index.Ranges
    indices: tuple[Any, ...]
    axes: tuple[int, ...]
    picked: tuple[int, ...]
    order: tuple[int, ...]
    shape: tuple[int, ...]


@implements(operator.getitem)
def getitem(x: Any, key: Any) -> Any:
    """`x[key]` with everything that NumPy takes as a key."""
    return selected(x, selection(x.shape, key))


def selected(x: Any, chosen: Selection) -> Any:
    """The selected part of an array."""
    part = index.slice_(reshape(x, chosen.base), chosen.ranges)
    if chosen.axes:
        part = transpose(index.gather(part, chosen.indices, chosen.axes), chosen.order)
    return reshape(part, chosen.shape)


def with_selected(x: Any, chosen: Selection, new: Any) -> Any:
    """An array with its selected part replaced by one of the same shape."""
    if not chosen.axes:
        return index.set_slice(x, reshape(new, chosen.picked), chosen.ranges)
    arranged = tuple([chosen.picked[i] for i in chosen.order])
    updates = transpose(reshape(new, arranged), inverse(chosen.order))
    whole = reshape(x, chosen.base)
    part = index.slice_(whole, chosen.ranges)
    part = index.scatter_set(part, updates, chosen.indices, chosen.axes)
    return reshape(index.set_slice(whole, part, chosen.ranges), x.shape)


def selection(shape: tuple[int, ...], key: Any) -> Selection:
    """What a key takes of an array of some shape.

    Raises:
        IndexingError: when the key does not fit the shape, or is no key.
    """
    basic = _basic(key)
    if basic is None:
        return _selection(shape, key)
    known = _selections.get((shape, basic))
    if known is None:
        known = _selection(shape, key)
        remember(_selections, (shape, basic), known)
    return known


_selections: dict[Any, Selection] = {}
_PLAIN = (int, type(None), type(Ellipsis))


def _basic(key: Any) -> tuple[Any, ...] | None:
    """A hashable form of a key of integers, slices, None and ellipses; None for other keys."""
    parts = []
    for part in key if type(key) is tuple else (key,):
        if type(part) is slice:
            part = (part.start, part.stop, part.step)
            if not all(type(limit) in _PLAIN for limit in part):
                return None
        elif type(part) not in _PLAIN:
            return None
        parts.append(part)
    return tuple(parts)


def _selection(shape: tuple[int, ...], key: Any) -> Selection:
    items, base = _parse(shape, key)
    ranges = [
        item.value if item.kind == "slice" else (0, n, 1)
        for item, n in zip(_consuming(items), base, strict=True)
    ]
    if any(item.kind == "array" for item in items):
        return _advanced(base, tuple(ranges), items)
    axis = 0
    result = []
    for item in items:
        if item.kind == "new":
            result.append(1)
        elif item.kind == "slice":
            result.append(ranges[axis][1])
        elif item.kind == "integer":
            ranges[axis] = (item.value, 1, 1)
        axis += item.kind in ("slice", "integer")
    lengths = tuple([length for _, length, _ in ranges])
    return Selection(
        base, tuple(ranges), (), (), lengths, tuple(range(len(lengths))), tuple(result)
    )


def _consuming(items: Sequence[_Item]) -> list[_Item]:
    """The parts that stand for an axis of the array."""
    return [item for item in items if item.kind not in ("new", "apart")]


def _advanced(base: tuple[int, ...], ranges: index.Ranges, items: Sequence[_Item]) -> Selection:
    """Index by arrays, where integers count as arrays without axes, as in NumPy."""
    consumed = _consuming(items)
    axes = tuple([i for i, item in enumerate(consumed) if item.kind in ("array", "integer")])
    indices = tuple([consumed[i].value for i in axes])
    try:
        lead = broadcast_shapes("index arrays", [i.shape for i in indices])
    except ShapeError as error:
        raise IndexingError(error.what, error.remedy) from None
    picked = lead + remaining(tuple([length for _, length, _ in ranges]), axes)
    count = len(lead)
    places = [i for i, item in enumerate(items) if item.kind in ("array", "integer")]
    adjacent = places == list(range(places[0], places[0] + len(places)))
    # The axes of the result, before new ones: those of the indices stand where the
    # indices stood when these were adjacent, and first otherwise.
    before = sum(item.kind == "slice" for item in items[: places[0]]) if adjacent else 0
    order = (*range(count, count + before), *range(count), *range(count + before, len(picked)))
    shape = [picked[i] for i in order]
    position = 0 if adjacent else count
    for i, item in enumerate(items):
        if item.kind == "new":
            shape.insert(position, 1)
        if item.kind in ("new", "slice"):
            position += 1
        elif adjacent and i == places[0]:
            position += count
    return Selection(base, ranges, indices, axes, picked, order, tuple(shape))


def _parse(shape: tuple[int, ...], key: Any) -> tuple[list[_Item], tuple[int, ...]]:
    """The parts of a key, and the shape that they stand for, as `Selection.base`."""
    parts = list(key) if isinstance(key, tuple) else [key]
    parts = [_as_part(part) for part in parts]
    used = sum(_axes_used(part) for part in parts)
    if used > len(shape):
        raise IndexingError(f"too many indices: {used} for an array of shape {shape}")
    ellipses = [i for i, part in enumerate(parts) if part is Ellipsis]
    if len(ellipses) > 1:
        raise IndexingError("an index can have only one ellipsis (...)")
    fill: list[Any] = [slice(None)] * (len(shape) - used)
    if ellipses and not fill:
        fill = [Ellipsis]
    at = ellipses[0] if ellipses else len(parts)
    parts[at : at + 1 if ellipses else at] = fill
    items: list[_Item] = []
    base, axis = list(shape), 0
    for part in parts:
        if _is_flag(part):  # indexes an axis of length 1 that is not there
            base.insert(axis + len(base) - len(shape), 1)
            items.append(_Item("array", np.zeros(int(bool(part)), np.intp)))
            continue
        items.extend(_items(part, shape, axis))
        axis += _axes_used(part)
    return items, tuple(base)


def _as_part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, (slice, int)):
        return part
    part = cast.converted(part)
    if isinstance(part, np.ndarray):
        part = np.asarray(part)
        return part.astype(np.intp) if part.size == 0 and part.dtype.kind == "f" else part
    return part


def _is_flag(part: Any) -> bool:
    """Whether a part of an index is a single boolean."""
    if isinstance(part, (np.ndarray, np.generic, Tracer)):
        return part.dtype.kind == "b" and not part.ndim
    return isinstance(part, bool)


def _axes_used(part: Any) -> int:
    if part is None or part is Ellipsis or _is_flag(part):
        return 0
    is_mask = isinstance(part, (np.ndarray, np.generic, Tracer)) and part.dtype.kind == "b"
    return part.ndim if is_mask else 1


def _items(part: Any, shape: tuple[int, ...], axis: int) -> list[_Item]:
    if part is None or part is Ellipsis:
        return [_Item("new" if part is None else "apart", None)]
    if isinstance(part, slice):
        return [_Item("slice", _range(part, shape[axis]))]
    if isinstance(part, (np.ndarray, Tracer)) and (part.ndim or type(part) is Tracer):
        if part.dtype.kind == "b":
            return [_Item("array", places) for places in _mask_places(part, shape, axis)]
        if part.dtype.kind not in "iu":
            raise IndexingError(
                f"arrays used as indices must be of integers or booleans, not {part.dtype}",
                "convert the index with .astype(int)",
            )
        if isinstance(part, np.ndarray):
            _check_bounds(part, shape, axis)
        return [_Item("array", part)]
    try:
        position = operator.index(part)
    except TypeError:
        raise IndexingError(
            "only integers, slices (:), ellipsis (...), None and arrays of integers or booleans "
            f"are valid indices, not {part!r}"
        ) from None
    length = shape[axis]
    if not -length <= position < length:
        raise IndexingError(f"index {position} is out of bounds for axis {axis} of length {length}")
    return [_Item("integer", np.intp(position % length))]


def _range(part: slice, length: int) -> tuple[int, int, int]:
    for limit in (part.start, part.stop, part.step):
        if type(limit) is Tracer and not limit.type.inexact:
            limit.recorder.value(
                limit,
                "it is a limit of a slice, and the shape of x[a:b] depends on its limits",
                "take or change a number of elements that is known: x[a + np.arange(n)]",
            )
    start, stop, step = part.indices(length)
    count = len(range(start, stop, step))
    return (start, count, step) if count else (0, 0, 1)


def _check_bounds(places: np.ndarray, shape: tuple[int, ...], axis: int) -> None:
    length = shape[axis]
    if places.size and not (places.min() >= -length and places.max() < length):
        raise IndexingError(
            f"an index between {places.min()} and {places.max()} is out of bounds for axis {axis} "
            f"of length {length}"
        )


def _mask_places(mask: Any, shape: tuple[int, ...], axis: int) -> tuple[np.ndarray, ...]:
    """The positions where a mask is true; a traced mask is asked for its value."""
    if mask.shape != shape[axis : axis + mask.ndim]:
        raise IndexingError(
            f"a boolean index of shape {mask.shape} does not fit axes {axis} to "
            f"{axis + mask.ndim - 1} of shape {shape}"
        )
    if type(mask) is Tracer:
        mask = mask.recorder.value(
            mask,
            "it is a boolean mask, and the shape of x[mask] depends on its values",
            "use np.where(mask, x, other), which keeps the shape, or a sum with where=mask; and "
            "x = x.at[mask].add(v) for x[mask] += v",
        )
    return np.nonzero(mask)


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    refuse("take", out=out)
    x, places = array(a), array(indices)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    places = within(places, x.shape[axis], mode)
    if places.dtype.kind == "b":
        places = cast.astype(places, np.dtype(np.intp))
    return (
        getitem(x, (slice(None),) * axis + (places,))
        if type(x) is Tracer
        else _plain_take(x, places, axis)
    )


def take_any(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
    """As `np.take`, of whose operands NumPy asks only the first who answers for it."""
    chosen = take if type(indices) is Tracer else np.take
    return chosen(a, indices, axis, out, mode)


# What NumPy takes as `mode=` of indices; the numbers are those of its C enumeration.
_MODES = {"raise": "raise", "wrap": "wrap", "clip": "clip", 0: "clip", 1: "wrap", 2: "raise"}


def within(places: Any, length: int, mode: Any) -> Any:
    """Indices brought into the range of an axis, as NumPy's `mode=` asks."""
    if mode not in _MODES:
        raise OptionError(f"mode must be 'raise', 'wrap' or 'clip', not {mode!r}")
    mode = _MODES[mode]
    if mode == "clip":
        return ops.minimum(ops.maximum(places, 0), length - 1)
    return ops.remainder(places, length) if mode == "wrap" else places


def _plain_take(x: Any, places: Any, axis: int) -> Any:
    gathered = index.gather(x, [places], (axis,))
    count = places.ndim
    order = [*range(count, count + axis), *range(count), *range(count + axis, gathered.ndim)]
    return transpose(gathered, tuple(order))


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    x, places = array(arr), array(indices)
    if axis is None:
        x, axis = ravel(x), 0
    if places.ndim != x.ndim:
        raise ShapeError(
            f"take_along_axis: indices of shape {places.shape} must have as many axes as the array "
            f"of shape {x.shape}"
        )
    if places.dtype.kind not in "iu":
        raise IndexingError(f"take_along_axis: indices must be integers, not {places.dtype}")
    axis = normalize_axis(axis, x.ndim)
    grid = [
        places if i == axis else np.arange(n).reshape([-1 if j == i else 1 for j in range(x.ndim)])
        for i, n in enumerate(x.shape)
    ]
    return index.gather(x, grid, tuple(range(x.ndim)))
