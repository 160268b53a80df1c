"""Writing into traced arrays: `x[...] = v`, `x.at[...].set(v)`, and NumPy's functions in place.

Each computes the changed array, as a new value. `x.at` returns it; the others let the tracer, and
all that shares its memory, stand for it (`sharing.py`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dispatch import or_install
from ..errors import DTypeError, OptionError, ShapeError, TracerAssignmentError
from ..ops import cast, index, sort
from ..ops import elementwise as ops
from ..ops.reduce import doubling_scan
from ..ops.shape import broadcast_shapes, broadcast_to, inverse, reshape, transpose
from ..sharing import View, assign, demand_own
from ..tracer import UFUNCS, Tracer, overwrite
from ._register import implements
from .creation import started
from .elementwise import array, array_of
from .indexing import Selection, selected, selection, with_selected, within

_REMEDY = "use the new array that x.at[...].set(v) or np.where(mask, v, x) gives"

# Assignment


@implements(operator.setitem)
def setitem(x: Any, key: Any, value: Any) -> None:
    """`x[key] = value` for a traced array."""
    demand_own(x, "x[...] = v", _REMEDY)
    mask = _mask(x, key, value)
    if mask is not None:
        new = ops.where(mask, array_of(value, x.dtype), x)
    else:
        chosen = selection(x.shape, key)
        if _is_part(value, x, chosen):  # the end of `x[i] += y`
            return
        new = with_selected(x, chosen, _fitted(value, chosen.shape, x.dtype))
    assign(x, new if type(new) is Tracer else started(new), "x[...] = v", _REMEDY)


def _is_part(value: Any, x: Tracer, chosen: Selection) -> bool:
    """Whether a value is the very view of an array that it is assigned to, or all of it."""
    alias = value.alias if type(value) is Tracer else None
    if chosen.axes or not (value is x or (isinstance(alias, View) and alias.source is x)):
        return False
    ranges, shape = index.whole(x.shape), x.shape
    for step in () if value is x else alias.steps:
        if step.primitive is index.SLICE and shape == x.shape:
            ranges, shape = step.params["ranges"], step.outputs[0].type.shape
        elif step.primitive.name == "reshape":
            shape = step.params["shape"]
        else:
            return False
    return ranges == chosen.ranges and shape == chosen.shape


def _fitted(value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """A value as it is assigned to a part of some shape and dtype."""
    value = array_of(value, dtype)
    while value.ndim > len(shape) and value.shape[0] == 1:
        value = reshape(value, value.shape[1:])
    if value.ndim > len(shape) or broadcast_shapes("assignment", [value.shape, shape]) != shape:
        raise ShapeError(f"a value of shape {value.shape} does not fit a part of shape {shape}")
    return broadcast_to(value, shape)


def _mask(x: Any, key: Any, value: Any) -> Any:
    """A mask to choose by, when a key is one and a value goes to each of its places alike."""
    if isinstance(key, tuple) and len(key) == 1:
        (key,) = key
    if not isinstance(key, (slice, tuple, list)) and key is not None and key is not Ellipsis:
        key = cast.converted(key)
    if not isinstance(key, (np.ndarray, Tracer)) or key.dtype.kind != "b":
        return None
    rest = x.ndim - key.ndim
    if np.ndim(value) > rest or key.shape != x.shape[: key.ndim]:
        return None
    return reshape(key, key.shape + (1,) * rest)


# Changed copies: x.at


class Updates:
    """`x.at`, which an index turns into an `Update`."""

    __slots__ = ("_x",)

    def __init__(self, x: Any):
        self._x = x

    def __getitem__(self, key: Any) -> Update:
        return Update(self._x, key)


class Update:
    """`x.at[key]`: what is changed there, in a copy. The array itself stays what it is.

    Where an index array names an element several times, `add`, `subtract`, `multiply`, `min` and
    `max` apply all of the values, and of those of `set` the last one counts.
    """

    __slots__ = ("_key", "_x")

    def __init__(self, x: Any, key: Any):
        self._x, self._key = x, key

    def get(self) -> Any:
        """The part itself, as `x[key]`."""
        part = selected(self._x, selection(self._x.shape, self._key))
        return np.copy(part) if part is self._x or type(part) is not Tracer else part

    def set(self, values: Any) -> Any:
        """The part replaced by values."""
        return _with_part(self._x, self._key, values, lambda part, new: new)

    def add(self, values: Any) -> Any:
        """Values added to the part."""
        return accumulated(np.add, self._x, self._key, values)

    def subtract(self, values: Any) -> Any:
        """Values subtracted from the part."""
        return accumulated(np.subtract, self._x, self._key, values)

    def multiply(self, values: Any) -> Any:
        """The part multiplied by values."""
        return accumulated(np.multiply, self._x, self._key, values)

    def divide(self, values: Any) -> Any:
        """The part divided by values."""
        return accumulated(np.multiply, self._x, self._key, np.reciprocal(array(values)))

    def min(self, values: Any) -> Any:
        """The smaller of the part and values."""
        return accumulated(np.minimum, self._x, self._key, values)

    def max(self, values: Any) -> Any:
        """The larger of the part and values."""
        return accumulated(np.maximum, self._x, self._key, values)

    def power(self, values: Any) -> Any:
        """The part to the power of values; each element may be named once."""
        return _with_part(self._x, self._key, values, UFUNCS[np.power])

    def apply(self, function: Callable[[Any], Any]) -> Any:
        """A function of the part in its place; each element may be named once."""
        return _with_part(self._x, self._key, None, lambda part, _: function(part))


@implements(np.ufunc.at)
def at(x: Any) -> Updates:
    """Changed copies of an array, plain or traced: `at(x)[i].set(v)`.

    A traced array has `x.at` as well.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.numpy.at(np.zeros(3))[[0, 0, 2]].add(1.0)
        array([2., 0., 1.])
    """
    return Updates(array(x))


def _with_part(x: Any, key: Any, values: Any, change: Callable[[Any, Any], Any]) -> Any:
    mask = _mask(x, key, values)
    if mask is not None:
        new = change(x, None if values is None else array(values))
        return ops.where(mask, _kept(new, x.dtype), x)
    chosen = selection(x.shape, key)
    new = change(selected(x, chosen), None if values is None else array(values))
    return with_selected(x, chosen, _fitted(_kept(new, x.dtype), chosen.shape, x.dtype))


def _kept(new: Any, dtype: np.dtype[Any]) -> Any:
    """A changed part in the dtype of its array, as NumPy's in-place operators have it."""
    if not np.can_cast(new.dtype, dtype, "same_kind") and dtype.kind not in "biuf":
        raise DTypeError(f"a part of dtype {new.dtype} in an array of dtype {dtype}")
    return array_of(new, dtype)


# Accumulation, also where elements are named several times

_ACCUMULATED = (np.add, np.subtract, np.multiply, np.maximum, np.minimum)


def accumulated(ufunc: np.ufunc, x: Any, key: Any, values: Any) -> Any:
    """An array with values combined into a part of it, all of them where elements repeat."""
    op = UFUNCS[ufunc]
    if _mask(x, key, values) is not None:
        return _with_part(x, key, values, op)
    chosen = selection(x.shape, key)
    if not chosen.axes or _unique(chosen):
        return _with_part(x, key, values, op)
    given = array(values)
    if not np.can_cast(op(x.dtype.type(1), given.dtype.type(1)).dtype, x.dtype, "same_kind"):
        raise DTypeError(
            f"values of dtype {given.dtype} cannot be combined into an array of dtype {x.dtype}",
            "convert one of them with .astype",
        )
    spread = _fitted(given, chosen.shape, x.dtype)
    arranged = tuple([chosen.picked[i] for i in chosen.order])
    updates = transpose(reshape(spread, arranged), inverse(chosen.order))
    whole = reshape(x, chosen.base)
    part = index.slice_(whole, chosen.ranges)
    if ufunc in (np.add, np.subtract):
        updates = updates if ufunc is np.add else ops.negative(updates)
        part = index.scatter_add(part, updates, chosen.indices, chosen.axes)
    else:
        part = _combined(op, part, updates, chosen)
    return reshape(index.set_slice(whole, part, chosen.ranges), x.shape)


def _unique(chosen: Selection) -> bool:
    """Whether it is plain to see that index arrays name no element twice."""
    if any(type(i) is Tracer for i in chosen.indices):
        return False
    places = np.stack([i.ravel() for i in np.broadcast_arrays(*chosen.indices)])
    lengths = np.array([chosen.ranges[axis][1] for axis in chosen.axes])[:, None]
    return np.unique(places % lengths, axis=1).shape[1] == places.shape[1]


def _combined(op: Callable[..., Any], part: Any, updates: Any, chosen: Selection) -> Any:
    """Combine all updates of an element with it: running combinations of sorted updates.

    The last running combination for an element is that of all, and the last update counts.
    """
    lead = updates.shape[: updates.ndim - (part.ndim - len(chosen.axes))]
    count = math.prod(lead)
    lengths = [part.shape[axis] for axis in chosen.axes]
    places = [
        reshape(broadcast_to(ops.remainder(i, n), lead), (count,))
        for i, n in zip(chosen.indices, lengths, strict=True)
    ]
    number = np.intp(0)
    for place, length in zip(places, lengths, strict=True):
        number = ops.add(ops.multiply(number, length), place)
    order = sort.argsort(number, 0)
    places = [index.gather(place, [order], (0,)) for place in places]
    flat = reshape(updates, (count, *updates.shape[len(lead) :]))
    flat = index.gather(flat, [order], (0,))
    column = reshape(index.gather(number, [order], (0,)), (count,) + (1,) * (flat.ndim - 1))

    def combine(left: list[Any], right: list[Any]) -> list[Any]:
        same = ops.equal(left[0], right[0])
        return [right[0], ops.where(same, op(left[1], right[1]), right[1])]

    _, running = doubling_scan(combine, [column, flat], 0)
    new = op(index.gather(part, places, chosen.axes), running)
    return index.scatter_set(part, new, places, chosen.axes)


def _at_method(ufunc: np.ufunc) -> Callable[..., Any]:
    def method(a: Any, indices: Any, b: Any) -> None:
        x = _traced_target(a, f"np.{ufunc.__name__}.at")
        new = accumulated(ufunc, x, indices, b)
        overwrite(x, new, f"np.{ufunc.__name__}.at(x, i, v)", _REMEDY)

    return method


for _ufunc in _ACCUMULATED:
    implements(_ufunc.at)(_at_method(_ufunc))


# NumPy's functions that change an array


def _traced_target(a: Any, name: str) -> Tracer:
    if type(a) is not Tracer:
        raise TracerAssignmentError(
            f"{name} was asked to write traced values into a plain array, which can hold numbers "
            "only",
            "make the array with functrace.numpy.zeros (empty, full, array): such arrays can be "
            f"assigned to while a function is traced{or_install()}",
        )
    return a


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    x, value = _traced_target(dst, "np.copyto"), array(src)
    if not np.can_cast(value.dtype, x.dtype, casting):  # type: ignore[arg-type] -- as NumPy checks
        raise DTypeError(f"np.copyto: {value.dtype} cannot be cast to {x.dtype} ({casting})")
    new = _fitted(value, x.shape, x.dtype)
    x[...] = new if where is True else ops.where(where, new, x)


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    x, flat = _traced_target(a, "np.putmask"), np.ravel(array(values))
    repeated = flat if flat.size == 1 else np.reshape(np.resize(flat, x.size), x.shape)
    x[...] = ops.where(array(mask), array_of(repeated, x.dtype), x)


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    x, flat = _traced_target(arr, "np.place"), np.ravel(array(vals))
    if not flat.size:
        raise OptionError("np.place: there are no values to put")
    chosen = reshape(array(mask), x.shape)
    count = np.cumsum(np.ravel(chosen)) - 1
    turn = ops.remainder(ops.maximum(count, 0), flat.size)
    values = reshape(index.gather(flat, [turn], (0,)), x.shape)
    x[...] = ops.where(ops.not_equal(chosen, 0), array_of(values, x.dtype), x)


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    x = _traced_target(a, "np.put")
    places = np.ravel(within(array(ind), x.size, mode))
    values = np.resize(np.ravel(array(v)), places.shape)
    flat = reshape(x, (x.size,))
    chosen = selection(flat.shape, places)
    new = with_selected(flat, chosen, _fitted(values, chosen.shape, x.dtype))
    x[...] = reshape(new, x.shape)


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    x = _traced_target(arr, "np.put_along_axis")
    places = array(indices)
    if axis is None:
        put(x, places, np.broadcast_to(array(values), places.shape))
        return
    axis = axis % x.ndim
    grid = [
        places if i == axis else np.arange(n).reshape([-1 if j == i else 1 for j in range(x.ndim)])
        for i, n in enumerate(x.shape)
    ]
    x[tuple(grid)] = values


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    x = _traced_target(a, "np.fill_diagonal")
    if x.ndim < 2 or (x.ndim > 2 and len(set(x.shape)) > 1):
        raise ShapeError(
            f"np.fill_diagonal: an array of shape {x.shape}; it must have two axes or more, and "
            "more than two must be of one length"
        )
    step = sum(math.prod(x.shape[i:]) for i in range(1, x.ndim + 1))
    end = x.shape[1] ** 2 if x.ndim == 2 and not wrap else x.size
    put(x, np.arange(0, min(end, x.size), step), val)
