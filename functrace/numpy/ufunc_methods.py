"""The methods of ufuncs: `reduce`, `accumulate`, `reduceat` and `outer`.

Comparisons have none but `outer`: NumPy has no loop that would fold what they give.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..dispatch import ufunc_answer
from ..errors import AxisError, DTypeError, IndexingError, OptionError, ShapeError
from ..ops import cast, index, reduce
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.shape import normalize_axes, normalize_axis
from ..recorder import type_of
from ..tracer import FUNCTIONS, UFUNCS, spelled
from . import reductions
from ._register import implements, refuse
from ._values import concrete
from .elementwise import array
from .indexing import take
from .joining import stack, unstack
from .reductions import MISSING, given, keep


@implements(np.ufunc.resolve_dtypes)
def in_loop(
    ufunc: np.ufunc, front_end: Callable[..., Any], *, dtype: Any = None,
    casting: Any = "same_kind", **_: Any,
) -> Callable[..., Any]:  # fmt: skip
    """A ufunc as its options `dtype=` and `casting=` have it."""
    outputs = (None if dtype is None else np.dtype(dtype),) * ufunc.nout

    def computed(*operands: Any, **options: Any) -> Any:
        operands = tuple(cast.operands_of(operands))
        promotions = [type_of(x).promotion for x in operands]
        try:
            dtypes = ufunc.resolve_dtypes(
                (*promotions, *(None,) * ufunc.nout),
                signature=(*(None,) * ufunc.nin, *outputs),
                casting=casting,
            )
        except TypeError as error:
            raise DTypeError(
                f"{spelled(ufunc)}(..., dtype={dtype}, casting={casting!r}): {error}",
                "convert operands or result with .astype",
            ) from None
        return front_end(*[cast.astype(x, dtypes[i]) for i, x in enumerate(operands)], **options)

    return computed


def _outer_method(ufunc: np.ufunc) -> Callable[..., Any]:
    def outer(A: Any, B: Any, /, **options: Any) -> Any:
        op = ufunc_answer(ufunc, "__call__", options)
        refuse(f"{ufunc.__name__}.outer", **options)
        x, y = array(A), array(B)
        return op(shapes.reshape(x, x.shape + (1,) * y.ndim), y)

    return outer


def _named_reduce(ufunc: np.ufunc, function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction as a ufunc's `reduce`, which by default works along the first axis."""

    def method(
        array_: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = MISSING, where: Any = True,
    ) -> Any:  # fmt: skip
        x = array(array_) if dtype is None else cast.astype(array(array_), np.dtype(dtype))
        options = {"out": out, "keepdims": keepdims, "where": where}
        if not given(initial):
            return function(x, axis, **options)
        if ufunc in (np.logical_and, np.logical_or):
            return UFUNCS[ufunc](function(x, axis, **options), initial)
        return function(x, axis, initial=initial, **options)

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
                raise OptionError(f"np.{ufunc.__name__}.reduce(where=) needs initial=")
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


def _sequential_reduce(ufunc: np.ufunc) -> Callable[..., Any]:
    """The `reduce` of a ufunc whose operands cannot be put in another order."""
    op = UFUNCS[ufunc]

    def method(
        array_: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = MISSING, where: Any = True,
    ) -> Any:  # fmt: skip
        refuse(f"{ufunc.__name__}.reduce", out=out)
        x = _in_loop_dtype(ufunc, array_, dtype)
        axes = normalize_axes(axis, x.ndim)
        if len(axes) > 1:
            raise AxisError(f"np.{ufunc.__name__}.reduce works along one axis, not along {axes}")
        if where is not True and not given(initial):
            raise OptionError(f"np.{ufunc.__name__}.reduce(where=) needs initial=")
        parts = unstack(x, axis=axes[0]) if axes else (x,)
        counts = unstack(shapes.broadcast_to(array(where), x.shape), axis=axes[0]) if axes else ()
        shape = shapes.remaining(x.shape, axes)
        if not parts and not given(initial):
            raise ShapeError(f"np.{ufunc.__name__}.reduce of no elements: shape {x.shape}")
        result = np.full(shape, initial, x.dtype)[()] if given(initial) else parts[0]
        for i in range(0 if given(initial) else 1, len(parts)):
            folded = op(result, parts[i])
            result = folded if where is True else ops.where(counts[i], folded, result)
        return keep(result, x, axes, keepdims)

    return method


def _sequential_accumulate(ufunc: np.ufunc) -> Callable[..., Any]:
    """The `accumulate` of a ufunc whose operands cannot be grouped in another way."""
    op = UFUNCS[ufunc]

    def method(array_: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        refuse(f"{ufunc.__name__}.accumulate", out=out)
        x = _in_loop_dtype(ufunc, array_, dtype)
        axis = normalize_axis(axis, x.ndim)
        parts = unstack(x, axis=axis)
        if not parts:
            return x
        results = [parts[0]]
        for part in parts[1:]:
            results.append(op(results[-1], part))
        return stack(results, axis)

    return method


def _reduceat(ufunc: np.ufunc) -> Callable[..., Any]:
    """Reductions of the runs that begin at some places, each up to where the next begins."""
    reduction = FUNCTIONS[ufunc.reduce]

    def method(array_: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        refuse(f"{ufunc.__name__}.reduceat", out=out)
        x = array(array_)
        axis = normalize_axis(axis, x.ndim)
        runs = _runs(f"{ufunc.__name__}.reduceat", indices, x.shape[axis])
        if ufunc is np.add:
            return _sums_of_runs(x, runs, axis, dtype)
        results = [
            reduction(index.slice_axis(x, axis, start, stop - start), axis, dtype, keepdims=True)
            for start, stop in runs
        ]
        if not results:
            to = ufunc.reduceat(np.ones(1, x.dtype), [0], 0, dtype).dtype
            return np.empty((*x.shape[:axis], 0, *x.shape[axis + 1 :]), to)
        return index.concatenate(results, axis)

    return method


def _runs(name: str, indices: Any, length: int) -> list[tuple[int, int]]:
    """Where runs start and stop. One that would stop before it starts has one element."""
    starts = concrete(indices, name, "give places that are not traced")
    if starts.ndim != 1:
        raise ShapeError(f"np.{name}: indices of shape {starts.shape} must be a vector")
    if starts.size and not 0 <= starts.min() <= starts.max() < length:
        raise IndexingError(f"np.{name}: indices must lie in [0, {length})")
    return [(i, max(i + 1, j)) for i, j in pairwise([*starts.tolist(), length])]


def _sums_of_runs(x: Any, runs: list[tuple[int, int]], axis: int, dtype: Any) -> Any:
    x = cast.astype(x, reductions.sum_dtype(x.dtype) if dtype is None else np.dtype(dtype))
    lengths = [stop - start for start, stop in runs]
    places = np.concatenate([np.arange(start, stop) for start, stop in runs] or [np.arange(0)])
    terms = take(shapes.moveaxis(x, axis, 0), places, 0)
    zero = np.zeros((len(runs), *terms.shape[1:]), x.dtype)
    sums = index.scatter_add(zero, terms, [np.repeat(np.arange(len(runs)), lengths)], (0,))
    return shapes.moveaxis(sums, 0, axis)


_COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}
_FOLDED = [
    ufunc for ufunc in UFUNCS
    if ufunc.nin == 2 and ufunc.nout == 1 and ufunc.signature is None
    and ufunc not in _COMPARISONS and ufunc is not np.ldexp  # its operands differ in type
]  # fmt: skip
for _ufunc in UFUNCS:
    if _ufunc.nin == 2 and _ufunc.nout == 1 and _ufunc.signature is None:
        implements(_ufunc.outer)(_outer_method(_ufunc))
for _ufunc, _function in {
    np.add: reductions.sum, np.multiply: reductions.prod, np.maximum: reductions.max,
    np.minimum: reductions.min, np.logical_and: reductions.all, np.logical_or: reductions.any,
}.items():  # fmt: skip
    implements(_ufunc.reduce)(_named_reduce(_ufunc, _function))
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
for _ufunc in (np.logical_and, np.logical_or):
    implements(_ufunc.accumulate)(_pairwise_accumulate(_ufunc))
for _ufunc in _FOLDED:
    if _ufunc.reduce not in FUNCTIONS:
        implements(_ufunc.reduce)(_sequential_reduce(_ufunc))
        implements(_ufunc.accumulate)(_sequential_accumulate(_ufunc))
    implements(_ufunc.reduceat)(_reduceat(_ufunc))
