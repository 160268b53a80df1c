"""The methods of ufuncs: `reduce`, `accumulate` and `outer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import cast, reduce
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.shape import normalize_axes, normalize_axis
from ..tracer import UFUNCS
from . import reductions
from ._register import implements, refuse
from .elementwise import array
from .reductions import MISSING, given, keep


def _outer_method(ufunc: np.ufunc) -> Callable[..., Any]:
    op = UFUNCS[ufunc]

    def outer(A: Any, B: Any, /, **options: Any) -> Any:
        refuse(f"{ufunc.__name__}.outer", **options)
        x, y = array(A), array(B)
        return op(shapes.reshape(x, x.shape + (1,) * y.ndim), y)

    return outer


def _named_reduce(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction as a ufunc's `reduce`, which by default works along the first axis."""

    def method(
        array_: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = MISSING, where: Any = True,
    ) -> Any:  # fmt: skip
        x = array(array_) if dtype is None else cast.astype(array(array_), np.dtype(dtype))
        start = {"initial": initial} if given(initial) else {}
        return function(x, axis, out=out, keepdims=keepdims, where=where, **start)

    return method


def _pairwise_reduce(ufunc: np.ufunc) -> Callable[..., Any]:
    """The `reduce` of an associative and commutative ufunc."""
    op = UFUNCS[ufunc]

    def method(
        array_: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = MISSING, where: Any = True,
    ) -> Any:  # fmt: skip
        refuse(f"{ufunc.__name__}.reduce", out=out)
        x = _in_loop_dtype(ufunc, array_, dtype)
        axes = normalize_axes(axis, x.ndim)
        start = initial if given(initial) else ufunc.identity
        if where is not True:
            if start is None:
                raise ArgumentError(f"np.{ufunc.__name__}.reduce(where=) needs initial=")
            # Without an identity these ufuncs are idempotent, so that `initial` may count twice.
            neutral = start if ufunc.identity is None else ufunc.identity
            x = ops.where(where, x, x.dtype.type(neutral))
        shape = shapes.remaining(x.shape, axes)
        if 0 in [x.shape[i] for i in axes]:
            if start is None:
                raise ShapeError(f"np.{ufunc.__name__}.reduce of no elements: shape {x.shape}")
            return keep(np.full(shape, start, x.dtype), x, axes, keepdims)
        (result,) = reduce.tree_reduce(lambda a, b: [op(a[0], b[0])], [x], axes)
        if given(initial) or (start is not None and result.size == x.size):
            result = op(result, x.dtype.type(start))  # np.hypot.reduce([-3.0]) is 3.0
        return keep(result, x, axes, keepdims)

    return method


def _pairwise_accumulate(ufunc: np.ufunc) -> Callable[..., Any]:
    """The `accumulate` of an associative ufunc."""
    op = UFUNCS[ufunc]

    def method(array_: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        refuse(f"{ufunc.__name__}.accumulate", out=out)
        x = _in_loop_dtype(ufunc, array_, dtype)
        axis = normalize_axis(axis, x.ndim)
        return reduce.doubling_scan(lambda a, b: [op(a[0], b[0])], [x], axis)[0]

    return method


def _in_loop_dtype(ufunc: np.ufunc, operand: Any, dtype: Any) -> Any:
    """An array in the dtype in which a ufunc reduces it."""
    x = array(operand)
    if dtype is None:
        dtype = cast.loop_dtypes(ufunc, (x.dtype, x.dtype))[-1]
    return cast.astype(x, np.dtype(dtype))


def _accumulate(op: Callable[..., Any]) -> Callable[..., Any]:
    """A cumulation that keeps the dtype, as a ufunc's `accumulate`."""

    def method(array_: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        refuse(f"{op.__name__}.accumulate", out=out)
        x = array(array_) if dtype is None else cast.astype(array(array_), np.dtype(dtype))
        return op(x, normalize_axis(axis, x.ndim))

    return method


for _ufunc in UFUNCS:
    if _ufunc.nin == 2 and _ufunc.nout == 1 and _ufunc.signature is None:
        implements(_ufunc.outer)(_outer_method(_ufunc))
for _ufunc, _function in {
    np.add: reductions.sum, np.multiply: reductions.prod, np.maximum: reductions.max,
    np.minimum: reductions.min, np.logical_and: reductions.all, np.logical_or: reductions.any,
}.items():  # fmt: skip
    implements(_ufunc.reduce)(_named_reduce(_function))
for _ufunc, _function in {np.add: reductions.cumsum, np.multiply: reductions.cumprod}.items():
    implements(_ufunc.accumulate)(
        lambda array_, axis=0, dtype=None, out=None, f=_function: f(array_, axis, dtype, out)
    )
implements(np.maximum.accumulate)(_accumulate(reduce.cummax))
implements(np.minimum.accumulate)(_accumulate(reduce.cummin))
for _ufunc in (
    np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot, np.gcd, np.lcm,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_xor,
):  # fmt: skip
    implements(_ufunc.reduce)(_pairwise_reduce(_ufunc))
    implements(_ufunc.accumulate)(_pairwise_accumulate(_ufunc))
