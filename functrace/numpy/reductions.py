"""NumPy's reductions and cumulations."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import ArgumentError, OptionError
from ..ops import cast, index, reduce
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.cast import real_dtype_of
from ..ops.shape import keep_axes, normalize_axes, normalize_axis
from ._register import implements, refuse
from .elementwise import array, array_of
from .shaping import ravel

MISSING: Any = np._NoValue  # type: ignore[attr-defined] -- what NumPy's signatures hold for "not given"


def given(value: Any) -> bool:
    return value is not MISSING and value is not None


@lru_cache(maxsize=256)
def sum_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which NumPy adds up: at least the platform's integer for integers."""
    return np.add.reduce(np.zeros(1, dtype)).dtype


def keeps(keepdims: Any) -> bool:
    """Whether reduced axes stay; NumPy takes any number for a truth value."""
    return keepdims is not MISSING and bool(keepdims)


def keep(reduced: Any, x: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    return shapes.reshape(reduced, keep_axes(x.shape, axes)) if keeps(keepdims) else reduced


def masked(x: Any, where: Any, identity: Any) -> Any:
    """x with the elements that do not count replaced."""
    if where is MISSING or where is True:
        return x
    return ops.where(where, x, x.dtype.type(identity))


@implements(np.sum)
def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = MISSING, where: Any = True,
) -> Any:  # fmt: skip
    refuse("sum", out=out)
    x = array(a)
    x = cast.astype(x, sum_dtype(x.dtype) if dtype is None else np.dtype(dtype))
    x = masked(x, where, 0)
    axes = normalize_axes(axis, x.ndim)
    result = shapes.reduce_sum(x, axes)
    result = result + array_of(initial, x.dtype) if given(initial) else result
    return keep(result, x, axes, keepdims)


@implements(np.prod)
def prod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = MISSING, where: Any = True,
) -> Any:  # fmt: skip
    refuse("prod", out=out)
    x = array(a)
    x = cast.astype(x, sum_dtype(x.dtype) if dtype is None else np.dtype(dtype))
    x = masked(x, where, 1)
    axes = normalize_axes(axis, x.ndim)
    result = reduce.reduce_prod(x, axes)
    result = result * array_of(initial, x.dtype) if given(initial) else result
    return keep(result, x, axes, keepdims)


def _extremum(op: Callable[..., Any], pairwise: Callable[..., Any]) -> Callable[..., Any]:
    def extremum(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = MISSING, where: Any = True,
    ) -> Any:  # fmt: skip
        refuse(op.__name__, out=out)
        x = array(a)
        axes = normalize_axes(axis, x.ndim)
        if where is not True and where is not MISSING:
            if not given(initial):
                raise ArgumentError(
                    f"{op.__name__}(where=) without initial=: nothing may be left to compare",
                    "give initial=, which is the result then",
                )
            x = ops.where(where, x, array_of(initial, x.dtype))
        if given(initial) and x.size == 0:
            full = shapes.broadcast_to(array_of(initial, x.dtype), shapes.remaining(x.shape, axes))
            return keep(full, x, axes, keepdims)
        result = op(x, axes)
        result = pairwise(result, array_of(initial, x.dtype)) if given(initial) else result
        return keep(result, x, axes, keepdims)

    return extremum


max = implements(np.max, np.amax)(_extremum(reduce.reduce_max, ops.maximum))
min = implements(np.min, np.amin)(_extremum(reduce.reduce_min, ops.minimum))


def _logical(op: Callable[..., Any], identity: bool) -> Callable[..., Any]:
    def logical(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
    ) -> Any:
        refuse(op.__name__, out=out)
        x = masked(cast.astype(array(a), np.dtype(bool)), where, identity)
        axes = normalize_axes(axis, x.ndim)
        return keep(op(x, axes), x, axes, keepdims)

    return logical


all = implements(np.all)(_logical(reduce.reduce_all, True))
any = implements(np.any)(_logical(reduce.reduce_any, False))


def _count(x: Any, axes: tuple[int, ...]) -> int:
    return math.prod([x.shape[i] for i in axes])


def _float_dtype(x: Any, dtype: Any) -> np.dtype[Any]:
    if dtype is not None:
        return np.dtype(dtype)
    return np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype


def _working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """NumPy adds half precision up in single precision."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


@implements(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    refuse("mean", out=out)
    x = array(a)
    result_dtype = _float_dtype(x, dtype)
    x = cast.astype(x, _working(result_dtype))
    axes = normalize_axes(axis, x.ndim)
    count = _number(x, axes, where)
    total = shapes.reduce_sum(masked(x, where, 0), axes)
    return keep(cast.astype(total / count, result_dtype), x, axes, keepdims)


def _number(x: Any, axes: tuple[int, ...], where: Any) -> Any:
    """How many elements count, in the dtype of x."""
    if where is True or where is MISSING:
        return x.dtype.type(_count(x, axes))
    mask = np.broadcast_to(where, x.shape) if isinstance(where, (np.ndarray, np.generic)) else where
    return sum(shapes.broadcast_to(cast.astype(array(mask), x.dtype), x.shape), axes)


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = MISSING, correction: Any = MISSING,
) -> Any:  # fmt: skip
    refuse("var", out=out)
    ddof = correction if given(correction) else ddof
    x = array(a)
    sums = _float_dtype(x, dtype)  # in which NumPy adds the elements, and then their squares
    if dtype is not None:
        result_dtype = sums
    else:
        result_dtype = real_dtype_of(cast.result_dtype(x, mean) if given(mean) else sums)
    x = cast.astype(x, _working(_float_dtype(x, None)))
    axes = normalize_axes(axis, x.ndim)
    count = _number(x, axes, where)
    center = mean if given(mean) else _center(x, axes, where, _working(sums))
    squares = masked(_square_magnitude(x - center), where, 0)
    squares = cast.astype(squares, _working(result_dtype))
    spread = shapes.reduce_sum(squares, axes) / ops.maximum(ops.real(count) - ddof, 0)
    return keep(cast.astype(spread, result_dtype), x, axes, keepdims)


def _center(x: Any, axes: tuple[int, ...], where: Any, dtype: np.dtype[Any]) -> Any:
    """The mean in a dtype, beside x."""
    x = cast.astype(x, dtype)
    total = shapes.reduce_sum(masked(x, where, 0), axes)
    mean = cast.astype(total / _number(x, axes, where), dtype)
    return shapes.reshape(mean, keep_axes(x.shape, axes))


def _square_magnitude(x: Any) -> Any:
    return ops.square(x) if x.dtype.kind != "c" else ops.real(x * ops.conjugate(x))


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = MISSING, correction: Any = MISSING,
) -> Any:  # fmt: skip
    refuse("std", out=out)
    return root_of(
        var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    )


def root_of(variance: Any) -> Any:
    """A standard deviation, in the dtype of the variance, which may be complex or an integer."""
    real = ops.real(variance)
    return cast.astype(
        ops.root_of_squares(cast.astype(real, _float_dtype(real, None))), variance.dtype
    )


def _argument(op: Callable[..., Any]) -> Callable[..., Any]:
    def argument(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        refuse(op.__name__, out=out)
        x = array(a)
        if axis is None or (not x.ndim and axis in (0, -1)):
            result = op(ravel(x), 0)
            return keep(result, x, tuple(range(x.ndim)), keepdims)
        axis = normalize_axis(axis, x.ndim)
        return keep(op(x, axis), x, (axis,), keepdims)

    return argument


argmax = implements(np.argmax)(_argument(reduce.argmax))
argmin = implements(np.argmin)(_argument(reduce.argmin))


def _cumulation(op: Callable[..., Any]) -> Callable[..., Any]:
    def cumulate(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        refuse(op.__name__, out=out)
        x = array(a)
        x = cast.astype(x, sum_dtype(x.dtype) if dtype is None else np.dtype(dtype))
        if axis is None:
            return op(ravel(x), 0)
        return op(x, normalize_axis(axis, x.ndim))

    return cumulate


cumsum = implements(np.cumsum)(_cumulation(reduce.cumsum))
cumprod = implements(np.cumprod)(_cumulation(reduce.cumprod))


def _cumulative(op: Callable[..., Any], identity: int) -> Callable[..., Any]:
    def cumulate(
        x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None,
        include_initial: bool = False,
    ) -> Any:  # fmt: skip
        x = array(x)
        x = shapes.reshape(x, (1,)) if not x.ndim else x
        if axis is None and x.ndim != 1:
            raise OptionError(f"axis= must be given for an array of {x.ndim} axes")
        axis = normalize_axis(axis or 0, x.ndim)
        result = op(x, axis, dtype, out)
        if not include_initial:
            return result
        start = np.full(keep_axes(result.shape, [axis]), identity, result.dtype)
        return index.concatenate([start, result], axis)

    return cumulate


cumulative_sum, cumulative_prod = _cumulative(cumsum, 0), _cumulative(cumprod, 1)
if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    implements(np.cumulative_sum)(cumulative_sum)
    implements(np.cumulative_prod)(cumulative_prod)


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return sum(cast.astype(array(a), np.dtype(bool)), axis, keepdims=keepdims)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return max(a, axis, out, keepdims) - min(a, axis, out, keepdims)
