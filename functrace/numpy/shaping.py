"""NumPy's functions that change shapes and the order of axes and elements."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import OptionError, ShapeError
from ..ops import index, shape
from ..ops import windows as sliding
from ..ops.shape import copy as copied
from ..ops.shape import normalize_axes, normalize_axis
from ..sharing import copy_mode
from ._register import implements
from .elementwise import array


def as_shape(given: Any) -> tuple[int, ...]:
    """A shape argument as a tuple of ints; traced integers are asked for their values."""
    if isinstance(given, (tuple, list)):
        return tuple([operator.index(n) for n in given])
    if isinstance(given, np.ndarray) and given.ndim:
        return tuple([int(n) for n in given])
    return (operator.index(given),)


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


def order_of(order: Any, allowed: str) -> str:
    """The letter of NumPy's `order=`, which may be small, or missing for "C"."""
    letter = "C" if order is None else order.upper() if isinstance(order, str) else ""
    if letter not in [*allowed]:
        raise OptionError(f"order must be one of {', '.join(allowed)}, not {order!r}")
    return letter


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
            raise ShapeError(f"an array of shape {x.shape} cannot be reshaped to {tuple(target)}")
        target[target.index(-1)] = x.size // known
    if order_of(order, "CFAK") == "F":
        result = transpose(_reshape(transpose(x), tuple(target)[::-1]))
    else:
        result = _reshape(x, tuple(target))
    return copied(result) if copy_mode(copy) else result


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


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    return _each(arys, _with_three_axes)


def _with_three_axes(x: Any) -> Any:
    return x if x.ndim > 2 else _reshape(x, (*atleast_2d(x).shape, 1))


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


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    x = array(a)
    axis = normalize_axis(axis, x.ndim)
    start = start if start == x.ndim else normalize_axis(start, x.ndim)
    return moveaxis(x, axis, start - 1 if axis < start else start)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    x = array(m)
    axes = normalize_axes(axis, x.ndim)
    return index.flip(x, axes) if x.ndim else copied(x)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    x = array(m)
    first, second = (normalize_axis(i, x.ndim) for i in axes)
    if first == second:
        raise ShapeError(f"rot90: the axes {tuple(axes)} are the same")
    if k % 4 == 0:
        return x
    if k % 4 == 2:
        return flip(x, (first, second))
    if k % 4 == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    x = array(a)
    if axis is None:
        return _reshape(roll(ravel(x), sum(as_shape(shift)), 0), x.shape)
    axes = [normalize_axis(i, x.ndim) for i in as_shape(axis)]
    for i, by in np.stack(np.broadcast_arrays(axes, as_shape(shift)), -1).tolist():
        length = x.shape[i]
        by = by % length if length else 0
        if by:
            tail = index.slice_axis(x, i, length - by, by)
            x = index.concatenate([tail, index.slice_axis(x, i, 0, length - by)], i)
    return x


# Broadcasting


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


# Windows


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    view, sizes = array(x), as_shape(window_shape)
    axes = range(view.ndim) if axis is None else as_shape(axis)
    if len(sizes) != len(axes):
        raise ShapeError(f"sliding_window_view: windows {sizes} for {len(axes)} axes")
    for i, size in zip(axes, sizes, strict=True):
        place = normalize_axis(i, array(x).ndim)
        windows = sliding.windows(shape.moveaxis(view, place, view.ndim - 1), (size,), (1,), (1,))
        view = shape.moveaxis(windows, windows.ndim - 1, place)
    return view
