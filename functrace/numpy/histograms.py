"""NumPy's searching and counting: `searchsorted`, `interp`, `bincount`, `histogram` and others.

A place in a sorted array has no derivative; interpolated values, bin edges, weights and densities
have.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError, OptionError, ShapeError
from ..ops import cast, index, reduce, search
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.sort import argsort
from ..recorder import type_of
from ..tracer import Tracer
from ._register import implements
from ._values import concrete, is_true
from .differences import diff
from .elementwise import array
from .reductions import sum

_FLOAT = np.dtype(np.float64)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    ascending, wanted = cast.promote_together(array(a), array(v))
    if sorter is not None:
        ascending = index.gather(ascending, [array(sorter)], (0,))
    return search.searchsorted(ascending, wanted, {"l": "left", "r": "right"}.get(side, side))


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    values, edges = array(x), array(bins)
    if values.dtype.kind == "c":
        raise DTypeError("digitize: x must not be complex")
    side = "left" if right else "right"
    if type(edges) is not Tracer:
        np.digitize(np.empty(0), edges)  # raises what NumPy raises for bins out of order
    rising = searchsorted(edges, values, side)
    if edges.size < 2:
        return rising
    falling = edges.size - searchsorted(index.flip(edges, [0]), values, side)
    return ops.where(ops.greater(_at(edges, 0), _at(edges, -1)), falling, rising)


def _at(x: Any, place: int) -> Any:
    """One element of a vector."""
    return shapes.reshape(index.slice_axis(x, 0, place % x.shape[0], 1), ())


# interp


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    x, xp = (array(value) for value in (x, xp))
    if "c" in (x.dtype.kind, xp.dtype.kind):
        raise DTypeError("interp: x and xp must be real", "take their real parts")
    x, xp = (cast.astype(value, _FLOAT) for value in (x, xp))
    fp = array(fp)
    fp = cast.astype(fp, np.dtype(np.complex128) if fp.dtype.kind == "c" else _FLOAT)
    if xp.ndim != 1 or not xp.size or fp.shape != xp.shape:
        raise ShapeError(
            f"interp: xp and fp of shapes {xp.shape} and {fp.shape} must be vectors of one length, "
            "of one number at least"
        )
    if period is not None:
        left = right = None
        x, xp, fp = _one_period(x, xp, fp, abs(period))
    ends = [type_of(x).dtype.kind for x in (left, right) if x is not None]
    if fp.dtype.kind != "c" and "c" in ends:
        raise DTypeError("interp: left and right must be real, as fp is", "make fp complex")
    last = xp.shape[0] - 1
    places = search.searchsorted(xp, x, "right") - 1
    before = ops.minimum(ops.maximum(places, 0), max(last - 1, 0))
    after = ops.minimum(before + 1, last)
    x0, x1, f0, f1 = (
        index.gather(values, [at], (0,)) for values in (xp, fp) for at in (before, after)
    )
    same = ops.equal(x0, x1)
    slope = (f1 - f0) / ops.where(same, 1.0, x1 - x0)
    result = slope * (x - x0) + f0
    below, above = _at(fp, 0) if left is None else left, _at(fp, -1) if right is None else right
    result = ops.where(ops.less(x, _at(xp, 0)), below, result)
    return cast.astype(ops.where(ops.greater(x, _at(xp, -1)), above, result), fp.dtype)


def _one_period(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """x and the samples moved into one period, with a sample of each neighbour."""
    x, xp = ops.remainder(x, period), ops.remainder(xp, period)
    order = argsort(xp, 0)
    xp, fp = (index.gather(values, [order], (0,)) for values in (xp, fp))
    (x_first, f_first), (x_last, f_last) = (
        [index.slice_axis(values, 0, start, 1) for values in (xp, fp)]
        for start in (0, xp.shape[0] - 1)
    )
    xp = index.concatenate([ops.subtract(x_last, period), xp, ops.add(x_first, period)], 0)
    return x, xp, index.concatenate([f_last, fp, f_first], 0)


# bincount


@implements(np.bincount)
def bincount(
    x: Any, /, weights: Any = None, minlength: int = 0, *, length: int | None = None
) -> Any:
    """As `np.bincount`.

    Args:
        length: the length of the result, for use under jit. Places that it does not have are not
            counted.
    """
    if length is not None:
        return _bincount_of_length(array(x), weights, length)
    places = concrete(x, "bincount", "functrace.numpy.bincount(x, length=n) has a known length")
    count = np.bincount(places, None, minlength)  # raises what NumPy raises
    if weights is None:
        return count
    amounts = cast.astype(array(weights), _FLOAT)
    return index.scatter_add(np.zeros(count.shape), amounts, [np.asarray(places, np.intp)], (0,))


def _bincount_of_length(places: Any, weights: Any, length: int) -> Any:
    if places.ndim != 1 or places.dtype.kind not in "biu":
        raise DTypeError(
            f"bincount: x must be a vector of integers, not {places.dtype} of shape {places.shape}"
        )
    places = cast.astype(places, np.dtype(np.intp))
    given = np.ones(places.shape, np.intp) if weights is None else weights
    amounts = cast.astype(array(given), np.dtype(np.intp) if weights is None else _FLOAT)
    inside = ops.logical_and(ops.greater_equal(places, 0), ops.less(places, length))
    bins = np.zeros(length + 1, amounts.dtype)  # the last one for places outside
    counted = index.scatter_add(bins, amounts, [ops.where(inside, places, length)], (0,))
    return index.slice_axis(counted, 0, 0, length)


# Histograms


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Any, Any]:
    x = _flat(a)
    edges = _edges("histogram", x, bins, range, weights)
    amounts = None if weights is None else _flat(weights)
    count = _count([x], [edges], amounts, np.dtype(np.intp) if amounts is None else amounts.dtype)
    if density:
        return count / cast.astype(diff(edges), _FLOAT) / sum(count), edges
    return count, edges


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    if weights is not None and array(weights).shape != array(a).shape:
        raise ShapeError(
            f"histogram_bin_edges: weights of shape {array(weights).shape} for an array of shape "
            f"{array(a).shape}"
        )
    return _edges("histogram_bin_edges", _flat(a), bins, range, weights)


@implements(np.histogram2d)
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Any, Any, Any]:
    if np.ndim(bins) == 1 and len(bins) > 2:  # the edges along both axes
        bins = [bins, bins]
    count, edges = _histogram([_flat(x), _flat(y)], bins, range, density, weights)
    return count, *edges


@implements(np.histogramdd)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Any, list[Any]]:
    return _histogram(_columns(sample), bins, range, density, weights)


def _columns(sample: Any) -> list[Any]:
    """A vector for each axis of the histogram."""
    if isinstance(sample, (list, tuple)):
        return [_flat(x) for x in sample]
    x = array(sample)
    if x.ndim > 2:
        raise ShapeError(f"histogramdd of a sample of shape {x.shape}: a row for each point")
    x = x if x.ndim == 2 else shapes.reshape(x, (x.size, 1))
    return [_flat(index.slice_axis(x, 1, i, 1)) for i in range(x.shape[1])]


def _histogram(
    columns: Sequence[Any], bins: Any, ranges: Any, density: Any, weights: Any
) -> tuple[Any, list[Any]]:
    if len({x.size for x in columns}) > 1:
        raise ShapeError(f"histogram of points with {[x.size for x in columns]} coordinates")
    bins = [bins] * len(columns) if np.ndim(bins) == 0 else list(bins)
    ranges = [None] * len(columns) if ranges is None else ranges
    edges = [
        _edges("histogramdd", x, count, bounds, in_dtype_of_range=True)
        for x, count, bounds in zip(columns, bins, ranges, strict=True)
    ]
    amounts = None if weights is None else cast.astype(_flat(weights), _FLOAT)
    count = _count(columns, edges, amounts, _FLOAT)
    if density:
        total = sum(count)
        for i, bounds in enumerate(edges):
            widths = diff(bounds)
            count = count / shapes.reshape(widths, (widths.size,) + (1,) * (len(edges) - i - 1))
        count = count / total
    return count, edges


def _flat(x: Any) -> Any:
    x = array(x)
    return shapes.reshape(x, (x.size,))


def _edges(
    function: str, x: Any, bins: Any, bounds: Any, weights: Any = None,
    *, in_dtype_of_range: bool = False,
) -> Any:  # fmt: skip
    """The edges of bins: given, or equally spaced over a range or over all values."""
    if isinstance(bins, str):  # the name of a rule for the number of bins
        if weights is not None or in_dtype_of_range:
            raise DTypeError(f"{function}(bins={bins!r}): rules are for one axis, without weights")
        known = concrete(x, function, "give a number of bins, or the edges")
        bins = np.histogram_bin_edges(known, bins, bounds).size - 1
    if type(bins) is Tracer:
        if bins.ndim:
            return bins
        bins = operator.index(bins)
    bins = array(bins) if np.ndim(bins) else bins
    checked = np.histogram_bin_edges(np.empty(0, x.dtype), bins, bounds)  # raises as NumPy does
    if np.ndim(bins):
        return bins
    if x.size == 0 and bounds is None:
        return checked
    if bounds is not None:
        low, high = bounds
        return np.linspace(low, high, int(bins) + 1) if in_dtype_of_range else checked
    low, high = reduce.reduce_min(x, (0,)), reduce.reduce_max(x, (0,))
    finite = ops.logical_and(ops.isfinite(low), ops.isfinite(high))
    if is_true(ops.logical_not(finite), otherwise=False):
        raise OptionError(
            f"{function}: the least or the greatest value is NaN or infinite, and no bins reach so "
            "far", "give range=, or the edges of the bins",
        )  # fmt: skip
    return _equal_bins(low, high, int(bins))


def _equal_bins(low: Any, high: Any, count: int) -> Any:
    if low.dtype.kind in "biu":
        low, high = cast.astype(low, _FLOAT), cast.astype(high, _FLOAT)
    same = ops.equal(low, high)
    low, high = ops.where(same, low - 0.5, low), ops.where(same, high + 0.5, high)
    inner = np.arange(count).astype(low.dtype) * ((high - low) / count) + low
    return index.concatenate([inner, shapes.reshape(high, (1,))], 0)


def _count(columns: Sequence[Any], edges: Sequence[Any], weights: Any, dtype: np.dtype[Any]) -> Any:
    """How many rows lie in each bin, or the sum of their weights; the last edge is inside."""
    places, inside = [], True
    for x, bounds in zip(columns, edges, strict=True):
        count = bounds.shape[0] - 1
        place = searchsorted(bounds, x, "right") - 1
        place = ops.where(ops.equal(x, _at(bounds, -1)), count - 1, place)
        valid = ops.logical_and(ops.greater_equal(place, 0), ops.less(place, count))
        inside = valid if inside is True else ops.logical_and(inside, valid)
        places.append(ops.where(valid, place, 0))
    amounts = cast.astype(inside, dtype) if weights is None else ops.where(inside, weights, 0)
    lengths = tuple([bounds.shape[0] - 1 for bounds in edges])
    return index.scatter_add(np.zeros(lengths, dtype), amounts, places, tuple(range(len(edges))))
