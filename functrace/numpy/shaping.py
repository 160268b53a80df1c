"""NumPy's functions that create, rearrange and join arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, UnsupportedFunctionError
from ..ops import cast, index, shape
from ..ops.elementwise import where
from ..ops.shape import normalize_axes, normalize_axis
from ._register import implements, refuse
from .elementwise import array


def as_shape(given: Any) -> tuple[int, ...]:
    """A shape argument as a tuple of ints; traced integers are asked for their values."""
    if isinstance(given, (tuple, list)):
        return tuple([n.__index__() for n in given])
    if isinstance(given, np.ndarray) and given.ndim:
        return tuple([int(n) for n in given])
    return (given.__index__(),)


# Shape


@implements(np.shape)
def shape_(a: Any) -> tuple[int, ...]:
    return array(a).shape


@implements(np.ndim)
def ndim(a: Any) -> int:
    return array(a).ndim


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    x = array(a)
    return x.size if axis is None else x.shape[normalize_axis(axis, x.ndim)]


@implements(np.reshape)
def reshape(a: Any, /, shape: Any, order: Any = "C", *, copy: Any = None) -> Any:
    x = array(a)
    target = list(as_shape(shape))
    if target.count(-1) > 1:
        raise ShapeError(f"reshape to {tuple(target)}: only one length can be -1")
    if -1 in target:
        known = 1
        for n in target:
            known *= n if n != -1 else 1
        if known == 0 or x.size % known:
            raise ShapeError(f"an array of shape {x.shape} can not be reshaped to {tuple(target)}")
        target[target.index(-1)] = x.size // known
    if order in ("C", "A", "K"):
        return _reshape(x, tuple(target))
    if order != "F":
        raise ArgumentError(f"order must be 'C', 'F' or 'A', not {order!r}")
    return transpose(_reshape(transpose(x), tuple(target)[::-1]))


def _reshape(x: Any, target: tuple[int, ...]) -> Any:
    return shape.reshape(x, target)


@implements(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    return reshape(a, (-1,) if array(a).size else (0,), order)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    x = array(a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return shape.expand_dims(x, normalize_axes(axis, x.ndim + count))


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    x = array(a)
    if axis is None:
        axes = tuple([i for i, n in enumerate(x.shape) if n == 1])
    else:
        axes = normalize_axes(axis, x.ndim)
        if any(x.shape[i] != 1 for i in axes):
            raise ShapeError(f"squeeze of axes {axes} of shape {x.shape}: their length is not 1")
    return _reshape(x, shape.remaining(x.shape, axes))


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return _each(arys, lambda x: x if x.ndim else _reshape(x, (1,)))


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return _each(arys, lambda x: x if x.ndim > 1 else _reshape(x, (1, x.size)))


def _each(arrays: Sequence[Any], function: Any) -> Any:
    results = tuple([function(array(x)) for x in arrays])
    return results[0] if len(results) == 1 else results


# Order of axes


@implements(np.transpose, *([np.permute_dims] if hasattr(np, "permute_dims") else []))
def transpose(a: Any, axes: Any = None) -> Any:
    x = array(a)
    if axes is None:
        return shape.transpose(x, tuple(range(x.ndim))[::-1])
    order = tuple([normalize_axis(i, x.ndim) for i in as_shape(axes)])
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"transpose: {axes} is no permutation of the axes of shape {x.shape}")
    return shape.transpose(x, order)


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    if array(x).ndim < 2:
        raise ShapeError(f"matrix_transpose needs two axes, got shape {array(x).shape}")
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    x = array(a)
    order = list(range(x.ndim))
    i, j = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order[i], order[j] = order[j], order[i]
    return shape.transpose(x, tuple(order))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    x = array(a)
    sources = [normalize_axis(i, x.ndim) for i in as_shape(source)]
    targets = [normalize_axis(i, x.ndim) for i in as_shape(destination)]
    if len(sources) != len(targets):
        raise ShapeError("moveaxis: source and destination must have the same number of axes")
    order = [i for i in range(x.ndim) if i not in sources]
    for target, source_ in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source_)
    return shape.transpose(x, tuple(order))


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    x = array(m)
    return index.flip(x, normalize_axes(axis, x.ndim))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    return flip(m, 0)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    x = array(a)
    if axis is None:
        return _reshape(roll(ravel(x), shift, 0), x.shape)
    axes = [normalize_axis(i, x.ndim) for i in as_shape(axis)]
    shifts = as_shape(shift)
    for i, by in zip(axes, shifts * len(axes) if len(shifts) == 1 else shifts, strict=True):
        length = x.shape[i]
        by = by % length if length else 0
        if by:
            tail = index.slice_axis(x, i, length - by, by)
            x = index.concatenate([tail, index.slice_axis(x, i, 0, length - by)], i)
    return x


# Joining


@implements(np.concatenate, *([np.concat] if hasattr(np, "concat") else []))
def concatenate(
    arrays: Any, /, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: Any = None
) -> Any:
    refuse("concatenate", out=out, casting=casting)
    parts = _join(arrays, dtype)
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    if parts[0].ndim == 0:
        raise ShapeError("concatenate of arrays with no axes; use np.stack")
    return index.concatenate(parts, normalize_axis(axis, parts[0].ndim))


def _join(arrays: Any, dtype: Any = None) -> list[Any]:
    """The parts of a sequence or of a traced array, in their common dtype."""
    parts = [array(x) for x in arrays]
    if not parts:
        raise ShapeError("need at least one array to join")
    if dtype is not None:
        return [cast.astype(x, np.dtype(dtype)) for x in parts]
    return cast.promote_together(*parts)


@implements(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = None
) -> Any:
    refuse("stack", out=out, casting=casting)
    parts = _join(arrays, dtype)
    if any(x.shape != parts[0].shape for x in parts):
        raise ShapeError(
            f"stack needs arrays of one shape, got {', '.join(str(x.shape) for x in parts)}"
        )
    axis = normalize_axis(axis, parts[0].ndim + 1)
    return index.concatenate([shape.expand_dims(x, (axis,)) for x in parts], axis)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    return concatenate([atleast_2d(x) for x in tup], 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    parts = [atleast_1d(x) for x in tup]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    parts = [array(x) for x in tup]
    return concatenate([x if x.ndim > 1 else _reshape(x, (x.size, 1)) for x in parts], 1)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    x = array(ary)
    axis = normalize_axis(axis, x.ndim)
    length = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if length % indices_or_sections:
            raise ShapeError(f"split of {length} elements into {indices_or_sections} equal parts")
        step = length // int(indices_or_sections)
        bounds = list(range(step, length, step))
    else:
        bounds = [min(max(i + length if i < 0 else i, 0), length) for i in indices_or_sections]
    edges = [0, *bounds, length]
    return [
        index.slice_axis(x, axis, start, max(stop - start, 0)) for start, stop in pairwise(edges)
    ]


# Repeating and padding


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return _broadcast_to(array, as_shape(shape))


def _broadcast_to(x: Any, target: tuple[int, ...]) -> Any:
    return shape.broadcast_to(array(x), target)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    parts = [array(x) for x in args]
    target = shape.broadcast_shapes("broadcast_arrays", [x.shape for x in parts])
    return tuple([shape.broadcast_to(x, target) for x in parts])


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    x, counts = array(A), as_shape(reps)
    ndim = max(x.ndim, len(counts))
    lengths = (1,) * (ndim - x.ndim) + x.shape
    counts = (1,) * (ndim - len(counts)) + counts
    pairs = [n for pair in zip(counts, lengths, strict=True) for n in pair]
    spread = _reshape(x, tuple([n for length in lengths for n in (1, length)]))
    final = tuple([c * n for c, n in zip(counts, lengths, strict=True)])
    return _reshape(shape.broadcast_to(spread, tuple(pairs)), final)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    return _pad(array, pad_width, mode, **kwargs)


def _pad(given: Any, pad_width: Any, mode: str, constant_values: Any = 0) -> Any:
    x = array(given)
    if mode != "constant":
        raise UnsupportedFunctionError(
            f"np.pad(mode={mode!r}) of a traced array is not supported",
            "use mode='constant', or np.concatenate with slices of the array",
        )
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - x.ndim, (0, 0))) for i in range(x.ndim)]
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))
    target = tuple([int(n + a + b) for n, (a, b) in zip(x.shape, widths, strict=True)])
    ranges = tuple([(int(a), n, 1) for n, (a, _) in zip(x.shape, widths, strict=True)])
    padded = index.place(x, target, ranges)
    if isinstance(constant_values, (int, float, complex)) and constant_values == 0:
        return padded
    inside = np.zeros(target, bool)
    inside[tuple([index.python_slice(*r) for r in ranges])] = True
    return where(inside, padded, cast.astype(constant_values, x.dtype))


# Arrays like another


def _layout(a: Any, target: Any, dtype: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of an array like another."""
    x = array(a)
    return (
        x.shape if target is None else as_shape(target),
        x.dtype if dtype is None else np.dtype(dtype),
    )


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None,
    *, device: Any = None,
) -> Any:  # fmt: skip
    return np.zeros(*_layout(a, shape, dtype))


@implements(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None,
    *, device: Any = None,
) -> Any:  # fmt: skip
    return np.ones(*_layout(a, shape, dtype))


@implements(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    target, to = _layout(a, shape, dtype)
    return _broadcast_to(cast.astype(array(fill_value), to), target)


# Parts of matrices


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    x = array(m)
    return where(np.tri(*x.shape[-2:], k=k, dtype=bool), x, 0)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    x = array(m)
    return where(np.tri(*x.shape[-2:], k=k - 1, dtype=bool), 0, x)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    start = (max(-offset, 0), max(offset, 0))
    length = max(min(rows - start[0], columns - start[1]), 0)
    steps = np.arange(length)
    axes = (x.ndim - 2, x.ndim - 1)
    picked = index.gather(x, [steps + start[0], steps + start[1]], axes)
    return shape.moveaxis(picked, 0, picked.ndim - 1)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    x = array(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag of an array of shape {x.shape}: it must have one or two axes")
    n = x.shape[0] + abs(k)
    steps = np.arange(x.shape[0])
    zeros = np.zeros((n, n), x.dtype)
    return index.scatter_add(zeros, x, [steps + max(-k, 0), steps + max(k, 0)], (0, 1))
