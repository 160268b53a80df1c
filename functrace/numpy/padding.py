"""NumPy's `pad` in all its modes, and functions that repeat arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, OptionError, ShapeError, UnsupportedFunctionError
from ..ops import cast, index, shape
from ..ops import elementwise as ops
from ..ops.shape import normalize_axis
from ..recorder import type_of
from ..tracer import Tracer, is_weak
from ._register import implements
from ._values import concrete
from .creation import array as build
from .creation import has_tracer, linspace
from .elementwise import array, array_of
from .indexing import take
from .shaping import as_shape, ravel

Pair = tuple[Any, Any]


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    x, counts = array(A), as_shape(reps)
    ndim = max(x.ndim, len(counts))
    lengths = (1,) * (ndim - x.ndim) + x.shape
    counts = (1,) * (ndim - len(counts)) + counts
    pairs = [n for pair in zip(counts, lengths, strict=True) for n in pair]
    spread = shape.reshape(x, tuple([n for length in lengths for n in (1, length)]))
    final = tuple([c * n for c, n in zip(counts, lengths, strict=True)])
    return shape.reshape(shape.broadcast_to(spread, tuple(pairs)), final)


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    x = array(a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    if type(repeats) is Tracer:
        repeats = concrete(repeats, "repeat", "give repeats that are not traced")
    if np.size(repeats) != 1:
        return take(x, np.repeat(np.arange(x.shape[axis]), repeats), axis)
    count = np.asarray(repeats).item()
    before, length, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    spread = shape.broadcast_to(shape.expand_dims(x, (axis + 1,)), (*before, length, count, *after))
    return shape.reshape(spread, (*before, length * count, *after))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    x, target = ravel(a), as_shape(new_shape)
    if any(n < 0 for n in target):
        raise ShapeError(f"resize to {target}: lengths cannot be negative")
    size = int(np.prod(target))
    if not x.size or not size:
        return np.zeros(target, x.dtype)
    full = tile(x, -(-size // x.size))
    return shape.reshape(index.slice_axis(full, 0, 0, size), target)


# Padding: axis after axis, so that the corners are padding of padding, as in NumPy.


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    return _pad(array, pad_width, mode, kwargs)


_OPTIONS = {
    "empty": (), "edge": (), "wrap": (), "constant": ("constant_values",),
    "linear_ramp": ("end_values",), "maximum": ("stat_length",), "mean": ("stat_length",),
    "median": ("stat_length",), "minimum": ("stat_length",), "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
}  # fmt: skip


def _pad(given: Any, pad_width: Any, mode: Any, options: dict[str, Any]) -> Any:
    x = array(given)
    if callable(mode):
        raise UnsupportedFunctionError(
            "np.pad with a function as its mode is not supported: the function writes into arrays",
            "pad with np.concatenate",
        )
    if mode not in _OPTIONS:
        raise OptionError(f"pad: mode must be one of {', '.join(_OPTIONS)}, not {mode!r}")
    for name in options.keys() - {*_OPTIONS[mode]}:
        raise OptionError(f"pad: mode {mode!r} does not take {name}=")
    widths = _widths(pad_width, x.ndim)
    if mode == "empty" or (mode == "constant" and _is_zero(options.get("constant_values", 0))):
        return _zeros_around(x, widths)
    for axis, pair in enumerate(widths):
        if any(pair) and not x.shape[axis] and mode != "constant":
            raise ShapeError(f"pad: mode {mode!r} cannot extend axis {axis}, of length 0")
    choices = _choices(mode, options, x.ndim)
    for axis, pair in enumerate(widths):
        if any(pair):
            x = _MODES[mode](x, axis, pair, choices[axis])
    return x


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        pairs: list[Any] = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axis] = (width, width) if np.ndim(width) == 0 else width
        pad_width = pairs
    widths = np.broadcast_to(np.asarray(pad_width), (ndim, 2))
    if widths.size and (widths.dtype.kind not in "iu" or widths.min() < 0):
        raise ArgumentError(f"pad: widths are integers from 0, not {pad_width!r}")
    return [(int(before), int(after)) for before, after in widths]


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == 0 and not np.signbit(value)


def _zeros_around(x: Any, widths: list[tuple[int, int]]) -> Any:
    ranges = tuple([(before, n, 1) for n, (before, _) in zip(x.shape, widths, strict=True)])
    target = tuple([n + b + a for n, (b, a) in zip(x.shape, widths, strict=True)])
    return index.place(x, target, ranges)


def _choices(mode: str, options: dict[str, Any], ndim: int) -> list[Any]:
    """What a mode has to know for each axis; for numbers a pair, before and after."""
    if mode in ("reflect", "symmetric"):
        return [options.get("reflect_type", "even")] * ndim
    given = options.get(*_OPTIONS[mode]) if options else None
    if given is None:
        return [(None, None) if mode in _STATISTICS else (0, 0)] * ndim
    if not has_tracer(given):  # as NumPy has them when it assigns them
        pairs = np.asarray(given)
        if pairs.size > 2:
            return np.broadcast_to(pairs, (ndim, 2)).tolist()
        return [tuple(np.broadcast_to(pairs.ravel(), 2))] * ndim
    pair = (given, given) if is_weak(given) else given
    if isinstance(pair, (tuple, list)) and len(pair) == 2 and all(is_weak(v) for v in pair):
        return [tuple(pair)] * ndim  # Python numbers, which have to fit the dtype
    pairs = shape.broadcast_to(build(given), (ndim, 2))
    return [(pairs[i, 0], pairs[i, 1]) for i in range(ndim)]


def _around(before: Any, x: Any, after: Any, axis: int) -> Any:
    parts = [part for part in (before, x, after) if part.shape[axis]]
    return index.concatenate(parts or [x], axis)


def _spread(edge: Any, axis: int, length: int) -> Any:
    """One slice repeated along an axis."""
    return shape.broadcast_to(edge, (*edge.shape[:axis], length, *edge.shape[axis + 1 :]))


def _edges(x: Any, axis: int) -> tuple[Any, Any]:
    return tuple([index.slice_axis(x, axis, at, 1) for at in (0, x.shape[axis] - 1)])


def _constant(x: Any, axis: int, widths: Pair, values: Pair) -> Any:
    rest = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    filled = [shape.broadcast_to(array_of(_fitting(v, x), x.dtype), rest) for v in values]
    return _around_slices(x, axis, widths, filled)


def _fitting(value: Any, x: Any) -> Any:
    """The real part of a complex value beside a real array, with NumPy's warning."""
    if x.dtype.kind == "c" or type_of(value).dtype.kind != "c":
        return value
    warnings.warn(
        "pad discards the imaginary part of a value, as the array is real",
        np.exceptions.ComplexWarning, stacklevel=2,
    )  # fmt: skip
    return ops.real(value)


def _around_slices(x: Any, axis: int, widths: Pair, slices: Sequence[Any]) -> Any:
    before, after = (_spread(s, axis, width) for s, width in zip(slices, widths, strict=True))
    return _around(before, x, after, axis)


def _edge(x: Any, axis: int, widths: Pair, _: Any) -> Any:
    return _around_slices(x, axis, widths, _edges(x, axis))


def _linear_ramp(x: Any, axis: int, widths: Pair, ends: Pair) -> Any:
    ends = tuple([_fitting(end, x) for end in ends]) if x.dtype.kind == "f" else ends
    before, after = (
        linspace(end, _without(edge, axis), width, endpoint=False, dtype=x.dtype, axis=axis)
        for end, edge, width in zip(ends, _edges(x, axis), widths, strict=True)
    )
    return _around(before, x, index.flip(after, [axis]), axis)


def _without(x: Any, axis: int) -> Any:
    return shape.reshape(x, shape.remaining(x.shape, [axis]))


_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min,
}  # fmt: skip


def _statistic(name: str) -> Callable[..., Any]:
    def extend(x: Any, axis: int, widths: Pair, lengths: Pair) -> Any:
        full = x.shape[axis]
        before, after = (full if n is None else min(int(n), full) for n in lengths)
        if not (before and after) and name in ("maximum", "minimum"):
            raise OptionError(f"pad: stat_length of 0 yields no value for mode {name!r}")
        parts = index.slice_axis(x, axis, 0, before), index.slice_axis(x, axis, full - after, after)
        values = [_STATISTICS[name](part, axis=axis, keepdims=True) for part in parts]
        if x.dtype.kind in "iu" and name in ("mean", "median"):
            values = [ops.rint(value) for value in values]
        return _around_slices(x, axis, widths, [cast.astype(value, x.dtype) for value in values])

    return extend


def _mirror(with_edge: bool) -> Callable[..., Any]:
    """Mirror images of the whole, until the axis is long enough."""

    def extend(x: Any, axis: int, widths: Pair, method: str) -> Any:
        period = x.shape[axis] - (not with_edge)
        if period + (not with_edge) == 1:
            return _edge(x, axis, widths, None)
        left, right = widths
        while left or right:
            length = x.shape[axis]
            usable = (length - (not with_edge)) // period * period
            before, after = min(usable, left), min(usable, right)
            skip = 0 if with_edge else 1
            ends = (
                index.slice_axis(x, axis, skip, before),
                index.slice_axis(x, axis, length - skip - after, after),
            )
            images = [index.flip(part, [axis]) for part in ends]
            if method == "odd":
                images = [
                    ops.subtract(ops.multiply(2, edge), image)
                    for edge, image in zip(_edges(x, axis), images, strict=True)
                ]
            x = _around(images[0], x, images[1], axis)
            left, right = left - before, right - after
        return x

    return extend


def _wrap(x: Any, axis: int, widths: Pair, _: Any) -> Any:
    return take(x, np.pad(np.arange(x.shape[axis]), widths, mode="wrap"), axis)


_MODES: dict[str, Callable[..., Any]] = {
    "constant": _constant, "edge": _edge, "linear_ramp": _linear_ramp, "wrap": _wrap,
    "reflect": _mirror(with_edge=False), "symmetric": _mirror(with_edge=True),
    **{name: _statistic(name) for name in _STATISTICS},
}  # fmt: skip
