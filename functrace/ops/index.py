"""Taking parts of arrays, and putting parts together.

`slice_` and `place` (into zeros) are each other's transposes, and so are `gather` and
`scatter_add`. `set_slice` and `scatter_set` are what assignment (`x[...] = v`) becomes. An index
along one axis is a triple (start, length, step) with a step of either sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType, Shape, zeros
from ..primitive import LINEAR, Linear, Primitive
from ..recorder import bind
from ._families import align_ranks
from ._large import clear_around
from .cast import astype
from .shape import broadcast_shapes, broadcast_to, moveaxis, remaining, reshape

Ranges = tuple[tuple[int, int, int], ...]  # for each axis: start, length, step


def whole(shape: Shape) -> Ranges:
    """The ranges that take everything."""
    return tuple([(0, n, 1) for n in shape])


def python_slice(start: int, length: int, step: int) -> slice:
    """The Python slice of a range."""
    stop = start + length * step
    return (
        slice(start, stop, step)
        if stop >= 0 and length
        else slice(start, None if length else start, step)
    )


def _slices_text(ranges: Ranges) -> str:
    parts = []
    for start, length, step in ranges:
        item = python_slice(start, length, step)
        begin = "" if start == 0 and step > 0 else str(start)
        end = "" if item.stop is None else str(item.stop)
        parts.append(f"{begin}:{end}" + (f":{step}" if step != 1 else ""))
    return ", ".join(parts)


# slice


def slice_(x: Any, ranges: Ranges) -> Any:
    """The elements at start, start + step, ... along each axis."""
    return x if ranges == whole(x.shape) else bind(SLICE, x, ranges=ranges)


def slice_axis(x: Any, axis: int, start: int, length: int, step: int = 1) -> Any:
    """A slice along one axis."""
    ranges = list(whole(x.shape))
    ranges[axis] = (start, length, step)
    return slice_(x, tuple(ranges))


def flip(x: Any, axes: Sequence[int]) -> Any:
    """The elements in reverse order along some axes."""
    ranges = [(n - 1, n, -1) if i in axes and n else (0, n, 1) for i, n in enumerate(x.shape)]
    return slice_(x, tuple(ranges))


def _slice_infer(x: ArrayType, *, ranges: Ranges) -> ArrayType:
    return x.with_shape([length for _, length, _ in ranges])


def _slice_impl(x: Any, *, ranges: Ranges) -> Any:
    return np.asarray(x)[tuple([python_slice(*r) for r in ranges])]


def _slice_transpose(ct: Any, operands: Any, *, ranges: Ranges) -> Any:
    return (place(ct, operands[0].shape, ranges),)


def _slice_batch(size: int, operands: Any, mapped: Any, *, ranges: Ranges) -> Any:
    return slice_(operands[0], ((0, size, 1), *ranges))


SLICE = Primitive(
    "slice",
    infer=_slice_infer,
    impl=_slice_impl,
    jvp=LINEAR,
    transpose=_slice_transpose,
    batch=_slice_batch,
    text=lambda x, *, ranges: f"{x}[{_slices_text(ranges)}]",
    view=lambda x, new, *, ranges: set_slice(x, new, ranges),
    total=True,
    foldable=True,
    moves=True,
)

# place


def place(x: Any, shape: Shape, ranges: Ranges) -> Any:
    """Zeros of a shape, with x written at some ranges."""
    return x if ranges == whole(shape) else bind(PLACE, x, shape=shape, ranges=ranges)


def _place_impl(x: Any, *, shape: Shape, ranges: Ranges) -> Any:
    x = np.asarray(x)
    if 2 * x.size > math.prod(shape):
        return _place_into(x, shape=shape, ranges=ranges, out=np.empty(shape, x.dtype))
    out = np.zeros(shape, x.dtype)  # of zeros alone, the system hands out pages when they are used
    out[tuple([python_slice(*r) for r in ranges])] = x
    return out


def _place_into(x: Any, *, shape: Shape, ranges: Ranges, out: Any) -> Any:
    clear_around(out, ranges)[tuple([python_slice(*r) for r in ranges])] = x
    return out


def _place_transpose(ct: Any, operands: Any, *, shape: Shape, ranges: Ranges) -> Any:
    return (slice_(ct, ranges),)


def _place_batch(size: int, operands: Any, mapped: Any, *, shape: Shape, ranges: Ranges) -> Any:
    return place(operands[0], (size, *shape), ((0, size, 1), *ranges))


PLACE = Primitive(
    "place",
    infer=lambda x, *, shape, ranges: x.with_shape(shape),
    impl=_place_impl,
    jvp=LINEAR,
    transpose=_place_transpose,
    batch=_place_batch,
    text=lambda x, *, shape, ranges: f"zeros({shape}).place[{_slices_text(ranges)}]({x})",
    into=_place_into,
)

# set_slice


def set_slice(x: Any, values: Any, ranges: Ranges) -> Any:
    """x with values in the place of what `slice_(x, ranges)` gives."""
    return values if ranges == whole(x.shape) else bind(SET_SLICE, x, values, ranges=ranges)


def _change_slice(out: Any, values: Any, *, ranges: Ranges) -> Any:
    out[tuple([python_slice(*r) for r in ranges])] = values
    return out


def _set_slice_impl(x: Any, values: Any, *, ranges: Ranges) -> Any:
    return _change_slice(np.array(x), values, ranges=ranges)


def _set_slice_jvp(primals: Any, tangents: Any, out: Any, *, ranges: Ranges) -> Any:
    old, new = tangents
    if old is None:
        return place(new, primals[0].shape, ranges)
    return set_slice(old, zeros(primals[1]) if new is None else new, ranges)


def _set_slice_transpose(ct: Any, operands: Any, *, ranges: Ranges) -> Any:
    x, values = operands
    return (
        set_slice(ct, zeros(values), ranges) if isinstance(x, Linear) else None,
        slice_(ct, ranges) if isinstance(values, Linear) else None,
    )


def _set_slice_batch(size: int, operands: Any, mapped: Any, *, ranges: Ranges) -> Any:
    x, values = (materialize(size, *pair) for pair in zip(operands, mapped, strict=True))
    return set_slice(x, values, ((0, size, 1), *ranges))


SET_SLICE = Primitive(
    "set_slice",
    infer=lambda x, values, *, ranges: x.strong,
    impl=_set_slice_impl,
    jvp=_set_slice_jvp,
    transpose=_set_slice_transpose,
    batch=_set_slice_batch,
    text=lambda x, values, *, ranges: f"{x}.at[{_slices_text(ranges)}].set({values})",
)

# add_slice


def add_slice(x: Any, values: Any, ranges: Ranges) -> Any:
    """x with values added to what `slice_(x, ranges)` gives."""
    return bind(ADD_SLICE, x, values, ranges=ranges)


def _change_slice_by_adding(out: Any, values: Any, *, ranges: Ranges) -> Any:
    out[tuple([python_slice(*r) for r in ranges])] += values
    return out


def _add_slice_transpose(ct: Any, operands: Any, *, ranges: Ranges) -> Any:
    x, values = operands
    return (
        ct if isinstance(x, Linear) else None,
        slice_(ct, ranges) if isinstance(values, Linear) else None,
    )


def _add_slice_batch(size: int, operands: Any, mapped: Any, *, ranges: Ranges) -> Any:
    x, values = (materialize(size, *pair) for pair in zip(operands, mapped, strict=True))
    return add_slice(x, values, ((0, size, 1), *ranges))


ADD_SLICE = Primitive(
    "add_slice",
    infer=lambda x, values, *, ranges: x.strong,
    impl=lambda x, values, *, ranges: _change_slice_by_adding(np.array(x), values, ranges=ranges),
    jvp=LINEAR,
    transpose=_add_slice_transpose,
    batch=_add_slice_batch,
    text=lambda x, values, *, ranges: f"{x}.at[{_slices_text(ranges)}].add({values})",
)

# concatenate


def concatenate(operands: Sequence[Any], axis: int) -> Any:
    """Operands of one dtype, one after the other along an axis."""
    return operands[0] if len(operands) == 1 else bind(CONCATENATE, *operands, axis=axis)


def _concatenate_infer(*types: ArrayType, axis: int) -> ArrayType:
    first = types[0]
    for i, type in enumerate(types):
        if remaining(type.shape, [axis]) != remaining(first.shape, [axis]) or (
            type.ndim != first.ndim
        ):
            raise ShapeError(
                f"concatenate along axis {axis}: array 0 has shape {first.shape} and array {i} "
                f"{type.shape}; all other axes must have equal lengths"
            )
    shape = list(first.shape)
    shape[axis] = sum(type.shape[axis] for type in types)
    return first.with_shape(shape)


def _concatenate_transpose(ct: Any, operands: Any, *, axis: int) -> Any:
    parts, start = [], 0
    for x in operands:
        length = x.shape[axis]
        parts.append(slice_axis(ct, axis, start, length) if isinstance(x, Linear) else None)
        start += length
    return tuple(parts)


def _concatenate_batch(size: int, operands: Any, mapped: Any, *, axis: int) -> Any:
    full = [materialize(size, x, is_mapped) for x, is_mapped in zip(operands, mapped, strict=True)]
    return concatenate(full, axis + 1)


def materialize(size: int, x: Any, is_mapped: bool) -> Any:
    """An operand with a mapped axis, repeated along it where it had none."""
    return x if is_mapped else broadcast_to(x, (size, *x.shape))


CONCATENATE = Primitive(
    "concatenate",
    infer=_concatenate_infer,
    impl=lambda *operands, axis: np.concatenate(operands, axis=axis),
    jvp=LINEAR,
    transpose=_concatenate_transpose,
    batch=_concatenate_batch,
    text=lambda *xs, axis: f"concatenate([{', '.join(xs)}], axis={axis})",
    into=lambda *operands, axis, out: np.concatenate(operands, axis=axis, out=out),
    total=True,
)

# gather


def gather(x: Any, indices: Sequence[Any], axes: tuple[int, ...]) -> Any:
    """Elements of x at integer indices along some axes.

    The axes of the indices, which broadcast, come first in the result; then come the other axes
    of x.
    """
    return bind(GATHER, x, *indices, axes=axes)


def _axes_first(x: Any, axes: tuple[int, ...]) -> Any:
    return np.transpose(x, (*axes, *[i for i in range(np.ndim(x)) if i not in axes]))


def _gather_infer(x: ArrayType, *indices: ArrayType, axes: tuple[int, ...]) -> ArrayType:
    lead = broadcast_shapes("index arrays", [i.shape for i in indices])
    return x.with_shape(lead + remaining(x.shape, axes))


def _gather_impl(x: Any, *indices: Any, axes: tuple[int, ...]) -> Any:
    if axes == (0,) and np.ndim(indices[0]) and x.flags.c_contiguous:
        return x.take(indices[0], 0)  # twice as fast, but it copies an x that is not contiguous
    taken = _axes_first(x, axes)[indices]
    # An index without axes gives a view, and a result must have memory of its own.
    return taken if any(np.ndim(i) for i in indices) else taken.copy()


def _gather_jvp(primals: Any, tangents: Any, out: Any, *, axes: tuple[int, ...]) -> Any:
    return gather(tangents[0], primals[1:], axes)


def _gather_transpose(ct: Any, operands: Any, *, axes: tuple[int, ...]) -> Any:
    x, *indices = operands
    start = np.broadcast_to(x.dtype.type(0), x.shape)
    return (scatter_add(start, ct, indices, axes), *[None] * len(indices))


def _rows(size: int, indices: Sequence[Any], mapped: Sequence[bool]) -> list[Any]:
    """Indices of one rank, preceded by one that counts along the mapped axis."""
    rank = max(i.ndim - is_mapped for i, is_mapped in zip(indices, mapped, strict=True))
    return [np.arange(size).reshape(size, *(1,) * rank), *align_ranks(size, indices, mapped)]


def _gather_batch(size: int, operands: Any, mapped: Any, *, axes: tuple[int, ...]) -> Any:
    x, *indices = operands
    count, *aligned = _rows(size, indices, mapped[1:])
    if not mapped[0]:
        return gather(x, aligned, axes)
    shifted = tuple(a + 1 for a in axes)
    if any(mapped[1:]):
        return gather(x, [count, *aligned], (0, *shifted))
    return moveaxis(gather(x, indices, shifted), count.ndim - 1, 0)


def _gather_text(x: str, *indices: str, axes: tuple[int, ...]) -> str:
    parts = [":"] * (max(axes) + 1)
    for axis, index in zip(axes, indices, strict=True):
        parts[axis] = index
    return f"{x}[{', '.join(parts)}]"


GATHER = Primitive(
    "gather",
    infer=_gather_infer,
    impl=_gather_impl,
    jvp=_gather_jvp,
    transpose=_gather_transpose,
    batch=_gather_batch,
    text=_gather_text,
    view=lambda x, new, *indices, axes: scatter_set(x, new, indices, axes),
)

# scatter_add


def scatter_add(x: Any, updates: Any, indices: Sequence[Any], axes: tuple[int, ...]) -> Any:
    """x with updates added at integer indices; where indices repeat, all are added.

    Args:
        updates: of the shape that `gather(x, indices, axes)` has.
    """
    return bind(SCATTER_ADD, x, updates, *indices, axes=axes)


def _scatter_infer(
    x: ArrayType, updates: ArrayType, *indices: ArrayType, axes: tuple[int, ...]
) -> ArrayType:
    expected = _gather_infer(x, *indices, axes=axes).shape
    if updates.shape != expected:
        raise ShapeError(f"scatter: updates have shape {updates.shape}, not {expected}")
    return x


_FEW = 512  # elements: below, np.add.at takes less time than working out their places
_BLOCK = 1 << 15  # elements: their places fit into the cache


def _change_by_adding(out: Any, updates: Any, *indices: Any, axes: tuple[int, ...]) -> Any:
    """NumPy adds several times as fast where one index finds each element of a flat array."""
    quick = updates.size > _FEW and updates.dtype == out.dtype and out.flags.c_contiguous
    starts = _starts(out, indices, axes) if quick else None
    if starts is None:
        np.add.at(_axes_first(out, axes), indices, updates)
        return out
    inner = _offsets(out, [a for a in range(out.ndim) if a not in axes])
    flat, rows = out.reshape(-1), updates.reshape(len(starts), len(inner))
    step = max(1, _BLOCK // len(inner))
    for i in range(0, len(starts), step):
        places = starts[i : i + step, None] + inner
        np.add.at(flat, places.reshape(-1), rows[i : i + step].reshape(-1))
    return out


def _starts(out: Any, indices: Sequence[Any], axes: tuple[int, ...]) -> Any:
    """The place in memory where each row begins; None if an index is negative or out of range."""
    total = np.zeros((), np.intp)
    for index, axis in zip(indices, axes, strict=True):
        if np.min(index) < 0 or np.max(index) >= out.shape[axis]:
            return None
        total = total + np.asarray(index, np.intp) * (out.strides[axis] // out.itemsize)
    return total.reshape(-1)


def _offsets(out: Any, axes: Sequence[int]) -> Any:
    """Where the elements along some axes lie, counted from the first."""
    total = np.zeros((), np.intp)
    for axis in axes:
        total = total[..., None] + np.arange(out.shape[axis]) * (out.strides[axis] // out.itemsize)
    return total.reshape(-1)


def _scatter_impl(x: Any, updates: Any, *indices: Any, axes: tuple[int, ...]) -> Any:
    return _change_by_adding(np.array(x), updates, *indices, axes=axes)


def _scatter_transpose(ct: Any, operands: Any, *, axes: tuple[int, ...]) -> Any:
    x, updates, *indices = operands
    return (
        ct if isinstance(x, Linear) else None,
        gather(ct, indices, axes) if isinstance(updates, Linear) else None,
        *[None] * len(indices),
    )


def _scatter_batch(size: int, operands: Any, mapped: Any, *, axes: tuple[int, ...]) -> Any:
    x, updates, *indices = operands
    return scatter_add(
        materialize(size, x, mapped[0]),
        materialize(size, updates, mapped[1]),
        _rows(size, indices, mapped[2:]),
        (0, *(a + 1 for a in axes)),
    )


SCATTER_ADD = Primitive(
    "scatter_add",
    infer=_scatter_infer,
    impl=_scatter_impl,
    jvp=LINEAR,
    transpose=_scatter_transpose,
    batch=_scatter_batch,
    text=lambda x, updates, *indices, axes: (
        f"scatter_add({x}, {updates}, [{', '.join(indices)}], axes={axes})"
    ),
)

# scatter_set


def scatter_set(x: Any, updates: Any, indices: Sequence[Any], axes: tuple[int, ...]) -> Any:
    """x with updates in the place of what `gather(x, indices, axes)` gives.

    Where indices repeat, the last update counts.
    """
    return bind(SCATTER_SET, x, updates, *indices, axes=axes)


def _change_elements(out: Any, updates: Any, *indices: Any, axes: tuple[int, ...]) -> Any:
    _axes_first(out, axes)[indices] = updates
    return out


def _scatter_set_impl(x: Any, updates: Any, *indices: Any, axes: tuple[int, ...]) -> Any:
    return _change_elements(np.array(x), updates, *indices, axes=axes)


def _scatter_set_jvp(primals: Any, tangents: Any, out: Any, *, axes: tuple[int, ...]) -> Any:
    old, new = (
        zeros(primal) if tangent is None else tangent
        for primal, tangent in zip(primals[:2], tangents[:2], strict=True)
    )
    return scatter_set(old, new, primals[2:], axes)


def _scatter_set_transpose(ct: Any, operands: Any, *, axes: tuple[int, ...]) -> Any:
    x, updates, *indices = operands
    old = new = None
    if isinstance(x, Linear):
        old = scatter_set(ct, zeros(updates), indices, axes)
    if isinstance(updates, Linear):
        new = gather(ct, indices, axes)
        # An update that a later one has overwritten gets nothing.
        lead = broadcast_shapes("index arrays", [i.shape for i in indices])
        number = np.arange(math.prod(lead)).reshape(lead)
        unwritten = np.zeros([x.shape[a] for a in axes], number.dtype)
        first = tuple(range(len(axes)))
        kept = gather(scatter_set(unwritten, number, indices, first), indices, first) == number
        kept = reshape(kept, lead + (1,) * (new.ndim - len(lead)))
        new = new * astype(kept, new.dtype)
    return (old, new, *[None] * len(indices))


def _scatter_set_batch(size: int, operands: Any, mapped: Any, *, axes: tuple[int, ...]) -> Any:
    x, updates, *indices = operands
    return scatter_set(
        materialize(size, x, mapped[0]),
        materialize(size, updates, mapped[1]),
        _rows(size, indices, mapped[2:]),
        (0, *(a + 1 for a in axes)),
    )


SCATTER_SET = Primitive(
    "scatter_set",
    infer=_scatter_infer,
    impl=_scatter_set_impl,
    jvp=_scatter_set_jvp,
    transpose=_scatter_set_transpose,
    batch=_scatter_set_batch,
    text=lambda x, updates, *indices, axes: (
        f"scatter_set({x}, {updates}, [{', '.join(indices)}], axes={axes})"
    ),
)

# What executors call where the first operand is not used again: it is changed in place.
CHANGES = {
    SET_SLICE: _change_slice,
    ADD_SLICE: _change_slice_by_adding,
    SCATTER_SET: _change_elements,
    SCATTER_ADD: _change_by_adding,
}
