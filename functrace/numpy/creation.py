"""NumPy's functions that create arrays."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ..errors import ConcretizationError, OptionError
from ..fillable import fillable, is_filled, noted, subjects
from ..ops import cast, index, shape
from ..ops import elementwise as ops
from ..recorder import tracing
from ..sharing import copy_mode
from ..tracer import Tracer
from ._register import demand_cpu, implements
from .elementwise import array as as_array
from .elementwise import i0
from .joining import stack
from .shaping import as_shape, expand_dims, moveaxis

# From values


def has_tracer(value: Any) -> bool:
    """Whether a value, or something in the lists and tuples it is made of, is traced."""
    if isinstance(value, (list, tuple)):
        return any(map(has_tracer, value))
    return type(value) is Tracer or is_filled(value)


def array(
    object: Any, dtype: Any = None, *, copy: bool | None = True, order: Any = "K",
    subok: bool = False, ndmin: int = 0,
) -> Any:  # fmt: skip
    """As `np.array`, and of traced arrays and nested lists of them.

    While a function is traced the result can be filled with traced values.

    Example:
        >>> import numpy as np, functrace as ft
        >>> def rotate(angle, v):
        ...     c, s = np.cos(angle), np.sin(angle)
        ...     return ft.numpy.array([[c, -s], [s, c]]) @ v
        >>> ft.jacfwd(rotate)(0.0, np.array([1.0, 0.0]))
        array([0., 1.])
    """
    object, copy = subjects(object), copy_mode(copy)
    if not has_tracer(object):
        plain = np.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin)  # type: ignore[call-overload]
        return fillable(plain) if copy else plain
    x = _joined(object)
    x = x if dtype is None else cast.astype(x, np.dtype(dtype))
    x = shape.reshape(x, (1,) * (ndmin - x.ndim) + x.shape)
    if copy is False and x is not object:
        raise OptionError(
            f"array(copy=False) of a {type(object).__name__} makes a new array of type {x.type}",
            "omit copy, or give copy=None: then a copy is made where it is needed",
        )
    return shape.copy(x) if copy and x is object else x


@implements(np.ndarray.__setitem__)
def started(value: Any) -> Any:
    """The traced array that a plain one becomes when the traced function assigns to it."""
    value = subjects(value)
    if type(value) is Tracer:
        return value
    recorder: Any = tracing()
    value = np.asarray(value)
    first = value.reshape(-1)[:1]
    if value.size > 1 and value.tobytes() == first.tobytes() * value.size:
        return _filled(first[0], value.shape, None, "C" if value.flags.c_contiguous else "K")
    result = recorder.record(shape.COPY, [value], {})
    result.c_order = value.flags.c_contiguous
    return result


implements(np.array)(array)  # which NumPy does not hand on, and we call ourselves


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: bool | None = None
) -> Any:
    """As `np.asarray`, and of traced arrays and nested lists of them."""
    demand_cpu("asarray", device)
    given, a = a, subjects(a)
    if has_tracer(a):
        return array(a, dtype, copy=copy)
    if copy_mode(copy) is None:
        return noted(np.asarray(a, dtype, order), (given,), np.asarray)
    return noted(np.array(a, dtype, copy=copy, order=order or "K"), (given,), np.array)


asanyarray = asarray


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """As `np.asarray_chkfinite`; a traced array is looked at where it has a value.

    Raises:
        OptionError: for NaN and infinities.
    """
    if not has_tracer(a):
        return np.asarray_chkfinite(a, dtype, order)
    x = asarray(a, dtype, order)
    with suppress(ConcretizationError):
        if x.dtype.kind in "fc" and not np.isfinite(x).all():
            raise OptionError("array must not contain infs or NaNs")
    return x


def fromiter(iter: Any, dtype: Any, count: int = -1) -> Any:
    """As `np.fromiter`, and of traced numbers."""
    given = list(iter)
    if not has_tracer(given):
        return fillable(np.fromiter(given, dtype, count))
    return array(given if count < 0 else given[:count], dtype)


def _joined(nested: Any) -> Any:
    """Nested lists with traced arrays in them, stacked."""
    if not isinstance(nested, (list, tuple)):
        return as_array(nested)
    return stack([_joined(x) for x in nested]) if has_tracer(nested) else np.asarray(nested)


@implements(np.copy, np.ndarray.copy)
def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    """The same value; in-place operators such as `+=` change the copy alone."""
    return shape.copy(as_array(a))


# Filled with one value. NumPy's own functions cannot be asked for an array that holds a tracer.


def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None
) -> Any:
    """As `np.full`, and of a traced value."""
    demand_cpu("full", device)
    target, fill_value = as_shape(shape), subjects(fill_value)
    if has_tracer(fill_value):
        return _filled(_joined(fill_value), target, dtype, order)
    return fillable(np.full(target, fill_value, dtype, order))


def _filled(value: Any, target: tuple[int, ...], dtype: Any, order: Any = "C") -> Any:
    """A traced array with the elements of another, repeated."""
    value = value if dtype is None else cast.astype(value, np.dtype(dtype))
    result = shape.broadcast_to(value, target)
    recorder = tracing()
    if recorder is not None and (result is value or type(result) is not Tracer):
        result = recorder.record(
            shape.COPY if result is value else shape.BROADCAST_TO,
            [value],
            {} if result is value else {"shape": target},
        )
    if type(result) is Tracer:
        result.c_order = order == "C" or not target
    return result


def _constant_array(function: Callable[..., Any]) -> Callable[..., Any]:
    def create(shape: Any, dtype: Any = float, order: Any = "C", *, device: Any = None) -> Any:
        demand_cpu(function.__name__, device)
        made = function if tracing() is None else np.ones if function is np.ones else np.zeros
        return fillable(made(as_shape(shape), dtype, order))

    create.__name__ = function.__name__
    create.__doc__ = f"As `np.{function.__name__}`; may be filled while a function is traced."
    return create


zeros = _constant_array(np.zeros)
empty = _constant_array(np.empty)
ones = _constant_array(np.ones)


def _given_array(function: Callable[..., Any]) -> Callable[..., Any]:
    def create(*args: Any, **kwargs: Any) -> Any:
        return fillable(function(*args, **kwargs))

    create.__signature__ = _signature(function)  # type: ignore[attr-defined]
    return functools.update_wrapper(create, function)


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature of a function of NumPy's; before NumPy 2.4 some have none."""
    try:
        return inspect.signature(function)
    except ValueError:
        return None


arange, eye, identity = map(_given_array, (np.arange, np.eye, np.identity))


def _layout(a: Any, target: Any, dtype: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of an array like another."""
    x = as_array(a)
    return (
        x.shape if target is None else as_shape(target),
        x.dtype if dtype is None else np.dtype(dtype),
    )


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None,
    *, device: Any = None,
) -> Any:  # fmt: skip
    demand_cpu("zeros_like", device)
    return _filled(np.asarray(0), *_layout(a, shape, dtype), order)


@implements(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None,
    *, device: Any = None,
) -> Any:  # fmt: skip
    demand_cpu("ones_like", device)
    return _filled(np.asarray(1), *_layout(a, shape, dtype), order)


@implements(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    demand_cpu("full_like", device)
    return _filled(_fill_value(fill_value), *_layout(a, shape, dtype), order)


def _fill_value(value: Any) -> Any:
    """What fills an array: Python ints have to fit its dtype, and all else is cast to it."""
    is_int = value.type.promotion is int if type(value) is Tracer else type(value) is int
    return value if is_int else as_array(value)


# Sequences of numbers, in NumPy's order of operations


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    demand_cpu("linspace", device)
    count = operator.index(num)
    if count < 0:
        raise OptionError(f"linspace: the number of samples, {count}, must not be negative")
    inexact = cast.result_dtype(start, stop, float(count))
    start, stop = (cast.astype(as_array(x), inexact) for x in (start, stop))
    delta = ops.subtract(stop, start)
    intervals = count - 1 if endpoint else count
    steps = np.arange(count, dtype=inexact).reshape(-1, *(1,) * delta.ndim)
    step = ops.divide(delta, intervals) if intervals > 0 else np.nan
    samples = ops.add(ops.multiply(steps, step if intervals > 0 else delta), start)
    if endpoint and count > 1:
        last = shape.expand_dims(shape.broadcast_to(stop, delta.shape), (0,))
        samples = index.concatenate([index.slice_axis(samples, 0, 0, count - 1), last], 0)
    samples = moveaxis(samples, 0, axis)
    if dtype is not None:
        if np.issubdtype(dtype, np.integer):
            samples = ops.floor(samples)
        samples = cast.astype(samples, np.dtype(dtype))
    return (samples, step) if retstep else samples


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (
            shape.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
            for x in map(as_array, (start, stop, base))
        )
        base = expand_dims(base, axis)
    samples = ops.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return samples if dtype is None else cast.astype(samples, np.dtype(dtype))


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    count = operator.index(num)
    common = cast.result_dtype(start, stop, float(count), np.zeros((), dtype))
    start, stop = (cast.astype(as_array(x), common) for x in (start, stop))
    # A factor of absolute value 1 makes the first sample real and positive, and is undone below.
    turn = ops.sign(start)
    first, last = ops.divide(start, turn), ops.divide(stop, turn)
    samples = logspace(ops.log10(first), ops.log10(last), count, endpoint)
    ends = [
        shape.expand_dims(shape.broadcast_to(x, samples.shape[1:]), (0,)) for x in (first, last)
    ]
    if count:
        body = index.slice_axis(samples, 0, 1, max(count - 1 - endpoint, 0))
        parts = [ends[0], body, ends[1]] if count > 1 and endpoint else [ends[0], body]
        samples = index.concatenate(parts, 0)
    result = moveaxis(ops.multiply(samples, turn), 0, axis)
    return cast.astype(result, common if dtype is None else np.dtype(dtype))


# Windows


def kaiser(M: Any, beta: Any) -> Any:
    """As `np.kaiser`, and of a traced `beta`."""
    if not has_tracer(beta):
        return np.kaiser(M, beta)
    middle = (operator.index(M) - 1) / 2
    if middle <= 0:
        return np.ones(max(M, 0))
    places = (np.arange(M) - middle) / middle
    return ops.divide(i0(ops.multiply(beta, np.sqrt(1 - places**2))), i0(beta))
