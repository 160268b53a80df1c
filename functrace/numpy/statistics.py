"""NumPy's statistics: averages, covariances, medians and quantiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError, OptionError, ShapeError, ZeroWeightsError
from ..ops import cast, contract, index
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.reduce import reduced_first
from ..ops.shape import normalize_axes, normalize_axis
from ..ops.sort import argsort, permute, sort
from ..recorder import type_of
from ..tracer import Tracer
from . import reductions
from ._register import implements, refuse
from ._values import is_true
from .elementwise import array
from .nan_reductions import nanmean
from .reductions import MISSING

_FLOAT = np.dtype(np.float64)

# Averages


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    x = array(a)
    if weights is None:
        mean = reductions.mean(x, axis, keepdims=keepdims)
        total = mean.dtype.type(x.size / max(mean.size, 1))
    else:
        w = _aligned_weights(x, array(weights), axis)
        dtype = np.result_type(x.dtype, w.dtype, *(["f8"] if x.dtype.kind in "biu" else []))
        total = reductions.sum(w, axis, dtype, keepdims=keepdims)
        if is_true(reductions.any(ops.equal(total, 0)), otherwise=False):
            raise ZeroWeightsError("average: the weights sum to zero", "give other weights")
        products = ops.multiply(cast.astype(x, dtype), cast.astype(w, dtype))
        mean = reductions.sum(products, axis, keepdims=keepdims) / total
    return (mean, shapes.broadcast_to(total, mean.shape)) if returned else mean


def _aligned_weights(x: Any, w: Any, axis: Any) -> Any:
    """Weights of some axes, as an array that broadcasts against x."""
    if w.shape == x.shape:
        return w
    if axis is None:
        raise DTypeError("give axis= where weights have another shape than the array")
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [normalize_axis(a, x.ndim) for a in given]
    if w.shape != tuple([x.shape[a] for a in axes]):
        raise ShapeError(f"weights of shape {w.shape} for axes {axes} of shape {x.shape}")
    w = shapes.transpose(w, tuple([int(i) for i in np.argsort(axes)]))
    return shapes.reshape(w, tuple([n if i in axes else 1 for i, n in enumerate(x.shape)]))


@implements(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    parts = [array(part) for part in (m, y) if part is not None]
    dtype = np.result_type(*[x.dtype for x in parts], _FLOAT) if dtype is None else np.dtype(dtype)
    rows = [cast.astype(_variables(x, rowvar), dtype) for x in parts]
    x = index.concatenate(rows, 0)
    if ddof is None:
        ddof = 0 if bias else 1
    given = [cast.astype(array(w), _FLOAT) for w in (fweights, aweights) if w is not None]
    if not given:
        factor = max(x.shape[1] - ddof, 0)
        centred = weighted = x - reductions.mean(x, 1, keepdims=True)
    else:
        w = given[0] * given[1] if len(given) == 2 else given[0]
        mean, total = average(x, 1, w, True, keepdims=True)
        total = shapes.reshape(index.slice_axis(total, 0, 0, 1), ())
        lost = ddof if aweights is None else ddof * reductions.sum(w * given[-1]) / total
        factor = ops.maximum(ops.real(total) - lost, 0) if ddof else total
        centred = x - mean
        weighted = centred * w
    covariance = contract.einsum("ij,kj->ik", centred, ops.conjugate(weighted))
    covariance = cast.astype(covariance * ops.divide(1, factor), dtype)
    return shapes.reshape(covariance, tuple([n for n in covariance.shape if n != 1]))


def _variables(x: Any, rowvar: bool) -> Any:
    """A row for each variable, a column for each observation."""
    if x.ndim > 2:
        raise ShapeError(f"cov of an array of shape {x.shape}: it has more than two axes")
    if x.ndim == 2:
        return x if rowvar else shapes.transpose(x, (1, 0))
    return shapes.reshape(x, (1, x.size))


@implements(np.corrcoef)
def corrcoef(
    x: Any, y: Any = None, rowvar: bool = True, bias: Any = MISSING, ddof: Any = MISSING,
    *, dtype: Any = None,
) -> Any:  # fmt: skip
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    steps = np.arange(c.shape[0])
    deviation = ops.sqrt(ops.real(index.gather(c, [steps, steps], (0, 1))))
    c = c / shapes.expand_dims(deviation, (1,)) / deviation
    if c.dtype.kind != "c":
        return _clipped(c)
    return _clipped(ops.real(c)) + _clipped(ops.imag(c)) * c.dtype.type(1j)


def _clipped(c: Any) -> Any:
    """Values between -1 and 1; only rounding leads beyond, so that the derivative is that of c."""
    constant = ops.stop_gradient_op(c)
    return c + (ops.minimum(ops.maximum(constant, -1), 1) - constant)


# Medians


def _sorted(a: Any, axis: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """The array, its values ascending along a first axis, and the axes that this stands for."""
    x = array(a)
    axes = normalize_axes(axis, x.ndim)
    return x, sort(reduced_first(x, axes), 0), axes


def _with_nan(result: Any, ascending: Any) -> Any:
    """NaN where a slice holds NaN, which the order puts last."""
    if ascending.dtype.kind not in "fc":
        return result
    last = index.gather(ascending, [np.intp(ascending.shape[0] - 1)], (0,))
    return ops.where(ops.isnan(last), cast.astype(last, result.dtype), result)


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    refuse("median", out=out)
    x, ascending, axes = _sorted(a, axis)
    count = ascending.shape[0]
    if not count:
        return reductions.mean(x, axis, keepdims=keepdims)  # NaN, with NumPy's warning
    first = (count - 1) // 2
    middle = index.slice_axis(ascending, 0, first, count // 2 - first + 1)
    result = _with_nan(reductions.mean(middle, 0), ascending)
    return reductions.keep(result, x, axes, keepdims)


@implements(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    if array(a).dtype.kind not in "fc":
        return median(a, axis, out, keepdims=keepdims)
    refuse("nanmedian", out=out)
    x, ascending, axes = _sorted(a, axis)
    if not ascending.shape[0]:
        return reductions.mean(x, axis, keepdims=keepdims)
    count = _count(ascending)
    middle = [_take(ascending, ops.maximum(place, 0)) for place in ((count - 1) // 2, count // 2)]
    result = ops.where(ops.equal(count % 2, 1), middle[0], (middle[0] + middle[1]) / 2)
    result = ops.add(result, 0)  # NumPy's means of the middle are never -0.0
    return reductions.keep(result, x, axes, keepdims)


def _count(ascending: Any) -> Any:
    """How many elements of each slice are not NaN."""
    return reductions.sum(ops.logical_not(ops.isnan(ascending)), 0)


def _take(ascending: Any, places: Any) -> Any:
    """Elements along the first axis, at places of their own in each slice."""
    rest = ascending.shape[1:]
    grid = [
        np.arange(n).reshape((1,) * i + (n,) + (1,) * (len(rest) - i - 1))
        for i, n in enumerate(rest)
    ]
    return index.gather(ascending, [ops.minimum(places, ascending.shape[0] - 1), *grid],
                        tuple(range(ascending.ndim)))  # fmt: skip


# Quantiles. The methods are those of Hyndman & Fan (1996), "Sample quantiles in statistical
# packages", and four that NumPy adds.

_CONTINUOUS = {  # the plotting positions (k - α) / (n + 1 - α - β)
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
_PLACES: dict[str, Callable[[Any, Any], Any]] = {  # methods that choose one element
    "lower": lambda n, q: ops.floor((n - 1) * q),
    "higher": lambda n, q: ops.ceil((n - 1) * q),
    "nearest": lambda n, q: ops.rint((n - 1) * q),
    "inverted_cdf": lambda n, q: ops.ceil(n * q - 1),
    "closest_observation": lambda n, q: _half_to_even(n * q - 1.5),
}

_METHODS = {"linear", "midpoint", "averaged_inverted_cdf"} | _CONTINUOUS.keys() | _PLACES.keys()


def _half_to_even(h: Any) -> Any:
    below = ops.floor(h)
    keep = ops.logical_and(ops.equal(h, below), ops.equal(below % 2, 1))
    return ops.where(keep, below, below + 1)


def _position(n: Any, q: Any, method: str) -> tuple[Any, Any]:
    """A fractional position in the sorted values, and how far to go from its floor to the next."""
    if method == "midpoint":
        exact = (n - 1) * q
        h = 0.5 * (ops.floor(exact) + ops.ceil(exact))
        return h, ops.where(ops.equal(h % 1, 0), 0.0, 0.5)
    if method == "averaged_inverted_cdf":
        h = n * q - 1
        return h, ops.where(ops.equal(h % 1, 0), 0.5, 1.0)
    if method == "linear":
        h = (n - 1) * q
    else:
        alpha, beta = _CONTINUOUS[method]
        h = n * q + (alpha + q * (1 - alpha - beta)) - 1
    return h, h - ops.floor(h)


def _quantiles(ascending: Any, n: Any, q: Any, method: str, weak: bool) -> Any:
    """Quantiles of n sorted values in each slice; q broadcasts against n."""

    def take(places: Any) -> Any:
        places = cast.astype(ops.maximum(ops.minimum(places, n - 1), 0), np.dtype(np.intp))
        whole = isinstance(n, int)
        return index.gather(ascending, [places], (0,)) if whole else _take(ascending, places)

    if method in _PLACES:
        return take(_PLACES[method](n, q))
    if q.dtype.kind in "biu" and method == "linear":
        return take((n - 1) * q)
    h, share = _position(n, q, method)
    if isinstance(n, int):
        share = shapes.reshape(share, share.shape + (1,) * (ascending.ndim - 1))
    if weak and ascending.dtype.kind == "f":
        share = cast.astype(share, ascending.dtype)
    low, high = take(ops.floor(h)), take(ops.floor(h) + 1)
    rise = high - low
    return ops.where(ops.less(share, 0.5), low + rise * share, high - rise * (1 - share))


_SKIPS_ZERO = np.quantile([1.0, 2.0], 0, weights=[0, 1], method="inverted_cdf") == 2  # from 2.3 on


def _weighted_quantiles(
    x: Any, weights: Any, axes: tuple[int, ...], levels: Any, without_nan: bool
) -> Any:
    """The first elements at which the share of the weights so far reaches the levels."""
    if is_true(reductions.any(ops.less(weights, 0)), otherwise=False):
        raise OptionError("quantiles with negative weights", "give weights of 0 or more")
    values, weights = (reduced_first(part, axes) for part in (x, weights))
    order = argsort(values, 0)
    ascending, weights = permute(values, order, 0), permute(weights, order, 0)
    if without_nan and x.dtype.kind == "f":
        weights = ops.where(ops.isnan(ascending), 0, weights)
    reached = reductions.cumsum(weights, 0, _FLOAT)
    last = reached.shape[0] - 1
    share = reached / index.slice_axis(reached, 0, last, 1)
    if levels.dtype.kind == "f":
        share = cast.astype(share, levels.dtype)
    if _SKIPS_ZERO:
        share = ops.where(ops.equal(share, 0), -1, share)
    columns = shapes.reshape(levels, (*levels.shape, 1) + (1,) * (share.ndim - 1))
    places = reductions.count_nonzero(ops.less(share, columns), levels.ndim)
    result = _take(ascending, ops.minimum(places, last))
    return result if without_nan else _with_nan(result, ascending)


def _quantile(scale: int, without_nan: bool, name: str) -> Callable[..., Any]:
    def quantile(
        a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
        method: str = "linear", keepdims: Any = False, *, weights: Any = None,
    ) -> Any:  # fmt: skip
        refuse(name, out=out)
        if without_nan and not np.size(a):
            return nanmean(a, axis, keepdims=keepdims)
        x, ascending, axes = _sorted(a, axis)
        if not ascending.shape[0]:
            raise ShapeError(f"{name} of no elements: shape {x.shape}")
        if x.dtype.kind == "c":
            raise DTypeError(f"{name} of complex numbers, which have no order")
        if method not in _METHODS:
            raise OptionError(
                f"{name}: method must be one of {', '.join(sorted(_METHODS))}, not {method!r}"
            )
        weak = type_of(cast.converted(q)).weak
        levels = array(q) if scale == 1 else ops.divide(array(q), scale)
        if type(levels) is not Tracer:
            np.quantile(np.zeros(1), levels, method=method)  # type: ignore[call-overload] -- raises as NumPy does
        if weights is not None:
            if method != "inverted_cdf":
                raise OptionError(
                    f"{name}(weights=, method={method!r})", 'give method="inverted_cdf"'
                )
            w = shapes.broadcast_to(_aligned_weights(x, array(weights), axis), x.shape)
            result = _weighted_quantiles(x, w, axes, levels, without_nan)
        elif without_nan and x.dtype.kind == "f":
            columns = shapes.reshape(levels, levels.shape + (1,) * (ascending.ndim - 1))
            whole = levels.dtype.kind in "biu"
            count = cast.astype(_count(ascending), _FLOAT if whole else levels.dtype)
            result = _quantiles(ascending, count, columns, method, weak)
        else:
            result = _quantiles(ascending, ascending.shape[0], levels, method, weak)
            result = _with_nan(result, ascending)
        if not reductions.keeps(keepdims):
            return result
        return shapes.reshape(result, levels.shape + shapes.keep_axes(x.shape, axes))

    return quantile


quantile = implements(np.quantile)(_quantile(1, False, "quantile"))
percentile = implements(np.percentile)(_quantile(100, False, "percentile"))
nanquantile = implements(np.nanquantile)(_quantile(1, True, "nanquantile"))
nanpercentile = implements(np.nanpercentile)(_quantile(100, True, "nanpercentile"))
