"""NumPy's functions that choose elements: by conditions, by values, by places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError, OptionError, ShapeError
from ..ir import zeros
from ..ops import cast, index, shape, sort
from ..ops import elementwise as ops
from ..ops.reduce import argmax
from ..ops.shape import normalize_axis
from ..tracer import Tracer
from ._register import implements, refuse
from ._values import concrete
from .elementwise import array, array_of
from .indexing import getitem, take, within
from .joining import concatenate, stack
from .shaping import as_shape, moveaxis, order_of, ravel

# Where: the places of elements that are not zero

_FIXED_SIZE = "functrace.numpy.nonzero(x, size=...) has a fixed size; or use np.where(mask, a, b)"


@implements(np.nonzero)
def nonzero(a: Any, *, size: int | None = None, fill_value: int = 0) -> tuple[Any, ...]:
    """As `np.nonzero`.

    Args:
        size: the number of places in the result, for use under jit. Places beyond it are left out.
        fill_value: what stands in the places that are missing.
    """
    x = array(a)
    if size is None:
        return np.nonzero(concrete(x, "nonzero", _FIXED_SIZE))
    flat = ops.not_equal(ravel(x), x.dtype.type(0))
    order = sort.argsort(ops.logical_not(flat), 0)
    padded = concatenate([order, np.zeros(max(size - x.size, 0), np.intp)])
    found = index.slice_axis(padded, 0, 0, size)
    missing = ops.greater_equal(np.arange(size), np.sum(flat))
    return tuple([ops.where(missing, fill_value, at) for at in unravel_index(found, x.shape)])


@implements(np.flatnonzero)
def flatnonzero(a: Any, *, size: int | None = None, fill_value: int = 0) -> Any:
    """As `np.flatnonzero`; `size` and `fill_value` as for `nonzero`."""
    x = ravel(a)
    if size is None:
        return np.flatnonzero(concrete(x, "flatnonzero", _FIXED_SIZE))
    return nonzero(x, size=size, fill_value=fill_value)[0]


@implements(np.argwhere)
def argwhere(a: Any, *, size: int | None = None, fill_value: int = 0) -> Any:
    """As `np.argwhere`; `size` and `fill_value` as for `nonzero`."""
    x = array(a)
    if size is None:
        return np.argwhere(concrete(x, "argwhere", _FIXED_SIZE))
    return stack(nonzero(x, size=size, fill_value=fill_value), axis=-1)


def _integers(function: str, indices: Any) -> Any:
    x = array(indices)
    if x.dtype.kind not in "iu":
        raise DTypeError(f"{function} takes indices that are integers, not {x.dtype}")
    return x


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    rest, places = _integers("unravel_index", indices), []
    lengths, reverse = as_shape(shape), order_of(order, "CF") == "C"
    for length in lengths[::-1] if reverse else lengths:
        places.append(ops.remainder(rest, length))
        rest = ops.floor_divide(rest, length)
    return tuple(places[::-1] if reverse else places)


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    places = [_integers("ravel_multi_index", i) for i in multi_index]
    lengths = as_shape(dims)
    modes = [mode] * len(lengths) if isinstance(mode, (str, int)) else list(mode)
    if not len(places) == len(lengths) == len(modes):
        raise OptionError(f"ravel_multi_index: {len(places)} indices for {len(lengths)} axes")
    axes = list(zip(places, lengths, modes, strict=True))
    flat: Any = np.intp(0)
    for place, length, how in axes[::-1] if order_of(order, "CF") == "F" else axes:
        flat = ops.add(ops.multiply(flat, length), within(place, length, how))
    return flat


# By a condition


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    refuse("compress", out=out)
    x = array(a)
    if axis is None:
        x, axis = ravel(x), 0
    mask = concrete(condition, "compress", "use np.where(mask, a, other), which keeps the shape")
    if mask.ndim != 1:
        raise ShapeError(f"compress: the condition must have one axis, got shape {mask.shape}")
    return take(x, np.flatnonzero(mask), axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return compress(ravel(condition), ravel(arr), 0)


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    conditions, choices = [array(c) for c in condlist], list(choicelist)
    if len(conditions) != len(choices) or not choices:
        raise OptionError(f"select: {len(conditions)} conditions for {len(choices)} choices")
    for condition in conditions:
        if condition.dtype.kind != "b":
            raise DTypeError(f"select: conditions are boolean arrays, not {condition.dtype}")
    *choices, result = cast.promote_together(*choices, default)
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        result = ops.where(condition, choice, result)
    return result


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """As `np.piecewise`, for functions that work element by element.

    Each function is given a whole array, in which an element that belongs to the function stands
    where others would be, so that it never meets elements that are not its own.
    """
    points = array(x)
    conditions = [cast.astype(c, np.dtype(bool)) for c in _conditions(points, condlist)]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        covered = conditions[0]
        for condition in conditions[1:]:
            covered = ops.logical_or(covered, condition)
        conditions.append(ops.logical_not(covered))
    if len(functions) != len(conditions):
        raise OptionError(f"piecewise: {len(functions)} functions, {len(conditions)} conditions")
    result = zeros(points)
    for condition, function in zip(conditions, functions, strict=True):
        value = function
        if callable(function):
            value = function(_inside(points, condition), *args, **kw)
        result = ops.where(condition, cast.astype(array(value), points.dtype), result)
    return result


def _conditions(x: Any, condlist: Any) -> list[Any]:
    """Each condition as an array; a single one may be given without a list around it."""
    if isinstance(condlist, (list, tuple)) or array(condlist).ndim:
        several = isinstance(condlist[0], (list, tuple)) or array(condlist[0]).ndim
        if several or not x.ndim:
            return [array(c) for c in condlist]
    return [array(condlist)]


def _inside(x: Any, condition: Any) -> Any:
    """The elements for which a condition holds, with one of them in place of the others."""
    if not x.size:
        return x
    first = argmax(ravel(shape.broadcast_to(condition, x.shape)), 0)
    return ops.where(condition, x, ops.stop_gradient_op(getitem(ravel(x), first)))


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    refuse("choose", out=out)
    parts = [array(c) for c in cast.promote_together(*choices)]
    which = array(a)
    if which.dtype.kind == "b":
        which = cast.astype(which, np.dtype(np.intp))
    which = within(which, len(parts), mode)
    target = shape.broadcast_shapes("choose", [which.shape, *[x.shape for x in parts]])
    stacked = index.concatenate(
        [shape.expand_dims(shape.broadcast_to(x, target), (0,)) for x in parts], 0
    )
    grid = [
        np.arange(n).reshape([-1 if j == i else 1 for j in range(len(target))])
        for i, n in enumerate(target)
    ]
    return index.gather(
        stacked, [shape.broadcast_to(which, target), *grid], tuple(range(len(target) + 1))
    )


# Elements added and taken away


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    x = array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    length = x.shape[axis]
    obj = np.arange(length)[obj] if isinstance(obj, slice) else _places(obj, "insert")
    new = array_of(values, x.dtype)
    if new.ndim < x.ndim:
        new = shape.reshape(new, (1,) * (x.ndim - new.ndim) + new.shape)
    count = np.insert(np.zeros(length), obj, 0).size - length
    if count == 1:  # one place, where several elements may be inserted
        new = new if np.ndim(obj) else moveaxis(new, 0, axis)
        count = new.shape[axis]
    new = shape.broadcast_to(new, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    order = np.insert(np.arange(length), obj, length + np.arange(count))
    return take(index.concatenate([x, new], axis), order, axis)


def _places(obj: Any, function: str) -> Any:
    """Places to insert at or to delete, as NumPy takes them."""
    if type(obj) is Tracer:
        return concrete(obj, function, "give places that are not traced")
    return obj


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    x = array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    return take(x, np.delete(np.arange(x.shape[axis]), _places(obj, "delete")), axis)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    x = array(filt)
    value = concrete(x, "trim_zeros", "slice the array by static bounds")
    axes = shape.normalize_axes(axis, x.ndim)
    kept = np.argwhere(value)
    for i in axes:
        ahead, behind = (kept[:, i].min(), kept[:, i].max() + 1) if kept.size else (0, 0)
        start = ahead if "f" in trim.lower() or not kept.size else 0
        stop = behind if "b" in trim.lower() or not kept.size else x.shape[i]
        x = index.slice_axis(x, i, int(start), int(stop - start))
    return x


# Functions applied along axes


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    x = array(arr)
    axis = normalize_axis(axis, x.ndim)
    last = shape.moveaxis(x, axis, x.ndim - 1)
    lead = last.shape[:-1]
    if 0 in lead:
        raise ShapeError("apply_along_axis: the axes that it goes along must not be empty")
    rows = [array(func1d(getitem(last, at), *args, **kwargs)) for at in np.ndindex(lead)]
    rows = [cast.astype(row, rows[0].dtype) for row in rows]
    result = shape.reshape(stack(rows), (*lead, *rows[0].shape))
    inner = range(len(lead), result.ndim)
    return shape.transpose(result, (*range(axis), *inner, *range(axis, len(lead))))


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    x = array(a)
    for axis in (axes,) if np.ndim(axes) == 0 else axes:
        at = normalize_axis(axis, array(a).ndim)
        result = array(func(x, at))
        x = result if result.ndim == x.ndim else shape.expand_dims(result, (at,))
    return x
