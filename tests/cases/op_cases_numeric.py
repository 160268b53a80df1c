"""Cases of the numerical functions: ufuncs of parts and integers, statistics, polynomials."""

from __future__ import annotations

import numpy as np

import functrace as ft
from functrace.ops.activations import logistic_slope, tanh_slope
from functrace.ops.elementwise import cosine, one_less_square
from functrace.ops.series import sin_quotient, sinh_quotient
from functrace.tracer import UFUNCS

from .op_cases import booleans, case, complex_, integers, positive, quiet, real

# Ufuncs

case("copysign", np.copysign, real(2, 3), real(3))
case("ldexp", np.ldexp, real(2, 3), integers(3))
case("ldexp by a Python int", lambda x: np.ldexp(x, -2), real(3))
case("frexp", np.frexp, real(2, 3))
case("modf", np.modf, real(2, 3))
case("gcd", np.gcd, integers(2, 3), integers(3))
case("lcm", np.lcm, integers(2, 3), integers(3))
case("bitwise_count", np.bitwise_count, integers(3))
if hasattr(np, "matvec"):
    case("matvec", np.matvec, real(2, 1, 3, 2), real(3, 2))
    case("matvec of complex", np.matvec, complex_(3, 2), complex_(2))
    case("vecmat", np.vecmat, real(3), real(2, 3, 2))
    case("vecmat of complex", np.vecmat, complex_(2), complex_(2, 3))

_PAIRWISE = [u for u in UFUNCS if u.nin == 2 and u.nout == 1 and u.signature is None]
_OF_INTEGERS = {np.gcd, np.lcm, np.ldexp} | {u for u in UFUNCS if "d" not in "".join(u.types)}
case("outer of ufuncs",
     lambda x, y: [u.outer(x, y) for u in _PAIRWISE if u not in {*_OF_INTEGERS, np.nextafter}],
     positive(2, 1), positive(2))  # fmt: skip
case("outer of integers",
     lambda x, y: [u.outer(x, y) for u in _PAIRWISE if u is not np.float_power],
     integers(2), integers(2))  # fmt: skip
case("outer with a scalar", lambda x: (np.multiply.outer(x, 2.0), np.multiply.outer(2.0, x)),
     real(2))  # fmt: skip
for _ufunc in (np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot):
    case(f"{_ufunc.__name__} reduce and accumulate",
         lambda x, u=_ufunc: (u.reduce(x, axis=(0, 1)), u.accumulate(x, 1), u.reduce(x[:1])),
         real(3, 2))  # fmt: skip
for _ufunc in (np.gcd, np.lcm, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_xor):
    case(f"{_ufunc.__name__} reduce and accumulate",
         lambda x, u=_ufunc: (u.reduce(x), u.accumulate(x, 1)), integers(3, 2))  # fmt: skip
case("logaddexp reduce where",
     lambda x, m: np.logaddexp.reduce(x, 1, where=m, initial=-1, keepdims=True),
     real(2, 3), np.array([True, False, True]))  # fmt: skip
case("logaddexp reduce of no elements", np.logaddexp.reduce, real(0, 2), differentiable=False)
for _ufunc in (np.maximum, np.minimum):
    case(f"{_ufunc.__name__} accumulate",
         lambda x, u=_ufunc: (u.accumulate(x), u.accumulate(x, -1)), real(3, 4))  # fmt: skip
case("maximum accumulate of integers", np.maximum.accumulate, np.array([2, 5, 3, 5]))

# Elementwise functions

case("sinc", np.sinc, real(2, 3))
with np.errstate(invalid="ignore"):  # older versions of NumPy have no half-precision sinc(0)
    _zero_in_half = not np.isnan(np.sinc(np.zeros(1, np.float16))).any()
case("sinc near 0", np.sinc, np.array([0.0, 1e-9, -0.1, 2.0])[0 if _zero_in_half else 2 :])
case("sinc of complex", np.sinc, complex_(3))
case("sinc of integers", np.sinc, integers(3))
case("quotients", lambda x: [sin_quotient(x), sinh_quotient(x)], real(3))
case("quotients of complex", lambda x: [sin_quotient(x), sinh_quotient(x)], complex_(3))

# Slopes that are ops

case("slopes of steps", lambda x: [tanh_slope(x, np.tanh(x)), logistic_slope(x)], real(2, 3))
case("slope of tanh of complex", lambda x: tanh_slope(x, np.tanh(x)), complex_(3))
case("1 - x**2", one_less_square, real(3))
case("cosine", lambda x, y: cosine(x, y, np.hypot(x, y)), real(2, 1), real(3))
case("i0", np.i0, np.array([-1.5, 0.0, 0.3, 7.9, 10.0]))
case("i0 of integers", np.i0, integers(3))
case("fix", quiet(np.fix), real(4))
case("angle", np.angle, complex_(3))
case("angle in degrees", lambda z: np.angle(z, deg=True), complex_(3))
case("angle of real", np.angle, real(3))
case("nan_to_num", np.nan_to_num, real(3))
case("nan_to_num of NaN and infinities",
     lambda x: (np.nan_to_num(x - [np.nan, np.inf, -np.inf, 0.0]),
                np.nan_to_num(x - [np.nan, np.inf, -np.inf, 0.0], nan=3.0, posinf=1.0, neginf=-1)),
     real(4))  # fmt: skip
case("nan_to_num of complex", np.nan_to_num, complex_(3))
case("nan_to_num of integers", np.nan_to_num, integers(3))
case("isposinf and isneginf", lambda x: (np.isposinf(x), np.isneginf(x)),
     np.array([1.0, np.inf, -np.inf, np.nan]))  # fmt: skip
case("iscomplex and isreal", lambda z: (np.iscomplex(z), np.isreal(z)), np.array([1, 1j, 2 + 1j]))
case("isreal of real", lambda x: (np.isreal(x), np.iscomplex(x)), real(2))
case("real_if_close", lambda z: np.real_if_close(z * (1 + 0j)), complex_(3), needs_values=True)
case("real_if_close of nearly real", lambda x: np.real_if_close(x + 1e-15j), real(3),
     needs_values=True)  # fmt: skip
case("real_if_close of real", np.real_if_close, real(3))
case("array_equiv", lambda x: x * np.array_equiv(x, x[None]), real(3))

# Differences

case("diff", np.diff, real(2, 4))
case("diff of order 2", lambda x: (np.diff(x, 2, axis=0), np.diff(x, 0)), real(4, 2))
case("diff with edges", lambda x, y: np.diff(x, prepend=0, append=y), real(3, 2), real(3, 1))
case("diff of booleans", np.diff, booleans(5))
case("diff of no elements", lambda x: (np.diff(x, axis=0), np.diff(x[:, :1])), real(0, 3))
case("ediff1d", np.ediff1d, real(2, 3))
case("ediff1d with edges", lambda x, y: np.ediff1d(x, to_end=[1, 2], to_begin=y), real(4), real())
case("gradient", np.gradient, real(5))
case("gradient of edge order 2", lambda x: np.gradient(x, 0.5, axis=0, edge_order=2), real(4, 2))
case("gradient by a spacing", np.gradient, real(2, 3), positive())
case("gradient by coordinates",
     lambda x, y: (np.gradient(x, np.cumsum(y), 2.0), np.gradient(x, np.cumsum(y), axis=0,
                                                                  edge_order=2)),
     real(4, 3), positive(4))  # fmt: skip
case("gradient by constant coordinates",
     lambda x: np.gradient(x, [0, 1, 2, 3], [0.0, 1.0, 4.0], axis=(0, 1)), real(4, 3))  # fmt: skip
case("gradient of integers", np.gradient, integers(4))
case("trapezoid", lambda x: (np.trapezoid(x), np.trapezoid(x, dx=0.5, axis=0)), real(3, 4))
case("trapezoid by coordinates", lambda y, x: np.trapezoid(y, x, axis=0), real(3, 2), real(3))
case("trapezoid by an array", np.trapezoid, real(3, 2), real(3, 2))
case("unwrap", np.unwrap, np.array([0.1, 3.0, -3.0, 9.5, 1.0]))
case("unwrap axis", lambda x: np.unwrap(x, axis=0, discont=2.0, period=3.0), 4 * real(4, 2))
case("unwrap of integers", lambda x: np.unwrap(x, period=4), np.array([0, 1, 3, 0, 2, 8]))
if hasattr(np, "cumulative_sum"):
    case("cumulative_sum", lambda x: (np.cumulative_sum(x), np.cumulative_sum(x, axis=0,
         include_initial=True, dtype=np.complex128)), real(3))  # fmt: skip
    case("cumulative_prod", lambda x: np.cumulative_prod(x, axis=1, include_initial=True),
         real(2, 3))  # fmt: skip

# Searching and counting

case("searchsorted", lambda a, v: np.searchsorted(np.sort(a), v), real(4), real(2, 3))
case("searchsorted right", lambda a, v: np.searchsorted(a, v, side="right"),
     np.array([1, 2, 2, 5]), np.array([2.0, 7.0, 1.5]))  # fmt: skip
case("searchsorted sorter", lambda a: np.searchsorted(a, 0.3, sorter=np.argsort(a)), real(4))
case(".searchsorted", lambda x: np.sort(x).searchsorted([0.0, 0.5]), real(4))
case("digitize", lambda x: (np.digitize(x, [-1.0, 0.0, 1.0]),
                            np.digitize(x, [1.0, 0.0, -1.0], right=True)), real(4))  # fmt: skip
case("digitize by traced bins", lambda x, b: np.digitize(x, np.cumsum(b)), real(4), positive(3))
case("interp", np.interp, np.array([0.3, 2.6, 1.4]), np.array([0.0, 1.0, 2.5]), real(3))
case("interp outside", lambda x, f: np.interp(x, [0.0, 1.0], f, left=-3, right=f[0]),
     np.array([[-1.0, 0.4], [5.0, 0.7]]), real(2))  # fmt: skip
case("interp of complex", lambda x, f: np.interp(x, [0.0, 1.0], f), 0.3, complex_(2))
case("interp of a period", lambda x, f: np.interp(x, [170, 190, -140], f, period=360.0),
     np.array([-181.0, 3.0, 362.0]), real(3))  # fmt: skip
case("bincount", lambda x: x * np.bincount([0, 2, 2])[1], real(2))
case("bincount of traced places", lambda x: np.bincount(x, minlength=8), integers(4),
     needs_values=True)  # fmt: skip
case("bincount of a length", lambda x, w: ft.numpy.bincount(x, w, length=3), integers(5), real(5))
case("bincount of weights", lambda w: np.bincount([0, 2, 2], w, minlength=5), real(3))
case("histogram", lambda x: np.histogram(x, bins=3), real(7))
case("histogram of a range", lambda x: np.histogram(x, 4, range=(-1, 1.5)), real(2, 3))
case("histogram of weights and edges", lambda x, w: np.histogram(x, [-2.0, 0.0, 0.5, 2.0],
     weights=w), real(4), real(4))  # fmt: skip
case("histogram of density", lambda x, w: np.histogram(x, 2, weights=w, density=True), real(4),
     positive(4))  # fmt: skip
case("histogram of integers", lambda x: np.histogram(x, 3), np.array([1, 1, 4, 5, 9]))
case("histogram_bin_edges", lambda x: (np.histogram_bin_edges(x, 4),
     np.histogram_bin_edges(x * 0, 2)), real(4))  # fmt: skip
case("histogram2d", lambda x, y, w: np.histogram2d(x, y, (2, 3), weights=w), real(5), real(5),
     positive(5))  # fmt: skip
case("histogram2d of edges", lambda x, y: np.histogram2d(x, y, [-2.0, 0.0, 2.0], density=True),
     real(5), real(5))  # fmt: skip
case("histogramdd", lambda x: np.histogramdd(x, 2, range=[(-2, 2), None]), real(5, 2))

# Statistics

case("average", lambda x: np.average(x, axis=0), real(3, 2))
case("average of weights", lambda x, w: np.average(x, axis=1, weights=w, keepdims=True),
     real(2, 3), positive(3))  # fmt: skip
case("average returned", lambda x, w: np.average(x, weights=w, returned=True), integers(3),
     positive(3))  # fmt: skip
case("average over axes", lambda x, w: np.average(x, axis=(2, 0), weights=w), real(2, 2, 3),
     positive(3, 2))  # fmt: skip
case("cov", np.cov, real(2, 4))
case("cov of a vector", lambda x: np.cov(x, bias=True), real(4))
case("cov of two", lambda x, y: np.cov(x, y, rowvar=False, ddof=0), real(4, 2), real(4, 1))
case("cov of weights", lambda x, w: np.cov(x, fweights=[1, 2, 1, 3], aweights=w), real(2, 4),
     positive(4))  # fmt: skip
case("cov of complex", lambda x, w: np.cov(x, aweights=w, ddof=0), complex_(2, 3), positive(3))
case("corrcoef", np.corrcoef, real(3, 5))
case("corrcoef of two", np.corrcoef, complex_(4), complex_(4))
case("corrcoef of a vector", np.corrcoef, real(4))
case("median", np.median, real(5))
case("median axis", lambda x: (np.median(x, axis=0), np.median(x, (0, 1), keepdims=True)),
     real(4, 3))  # fmt: skip
case("median of integers", np.median, integers(4))
case("quantile", lambda x: np.quantile(x, 0.3), real(5))
case("quantile of levels", lambda x, q: np.quantile(x, q, axis=0), real(4, 2),
     np.array([[0.2, 0.9], [0.5, 0.7]]))  # fmt: skip
case("quantile keepdims", lambda x: np.quantile(x, [0.0, 0.5, 1.0], axis=(0, 2), keepdims=True),
     real(2, 2, 3))  # fmt: skip
case("quantile of integers", lambda x: (np.quantile(x, 0.4), np.quantile(x, 1)), integers(5))
for _method in (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint",
    "nearest",
):  # fmt: skip
    case(f"quantile by {_method}",
         lambda x, m=_method: np.quantile(x, [0.0, 0.1, 0.25, 0.4, 0.5, 0.77, 1.0], method=m),
         real(8))  # fmt: skip
case("percentile", lambda x: np.percentile(x, [20, 70], axis=1), real(2, 4))
case("percentile of one level", lambda x, q: np.percentile(x, q), real(4), 37.0)

# Reductions without NaN

_NAN = np.array([[0.0, np.nan, 0.0], [0.0, 0.0, 0.0]])
for _reduction in (
    np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd, np.nanargmax,
    np.nanargmin, np.nanmedian,
):  # fmt: skip
    _name = _reduction.__name__
    case(_name, lambda x, r=_reduction: (r(x + _NAN), r(x + _NAN, axis=1, keepdims=True)),
         real(2, 3))  # fmt: skip
    case(f"{_name} of integers", _reduction, integers(2, 3))
for _cumulation in (np.nancumsum, np.nancumprod):
    case(_cumulation.__name__, lambda x, r=_cumulation: (r(x + _NAN), r(x + _NAN, axis=0)),
         real(2, 3))  # fmt: skip
case("nanvar ddof and where", lambda x: np.nanvar(x + _NAN, 1, ddof=1,
     where=np.array([[True, True, True], [True, False, True]])),
     real(2, 3))  # fmt: skip
case("nanquantile", lambda x, q: np.nanquantile(x + _NAN, q, axis=1), real(2, 3),
     np.array([0.3, 0.9]))  # fmt: skip
case("nanquantile of all", lambda x: np.nanquantile(x + _NAN, 0.3, keepdims=True), real(2, 3))
case("nanpercentile", lambda x: np.nanpercentile(x + _NAN, [25, 60], axis=0, method="hazen"),
     real(2, 3))  # fmt: skip

# Convolutions and polynomials

for _function in (np.convolve, np.correlate):
    for _mode in ("full", "same", "valid"):
        case(f"{_function.__name__} {_mode}", lambda x, y, f=_function, m=_mode: f(x, y, m),
             real(5), real(4))  # fmt: skip
        case(f"{_function.__name__} {_mode} of a longer second",
             lambda x, y, f=_function, m=_mode: f(x, y, m), real(2), complex_(5))  # fmt: skip
case("convolve of integers", np.convolve, integers(3), integers(2))
case("convolve of a constant", lambda x: np.convolve([1.0, 2.0], np.sin(x)), real(3))
case("polyval", np.polyval, real(4), real(2, 3))
case("polyval of integers", np.polyval, integers(3), integers(2))
case("polyadd and polysub", lambda p, q: (np.polyadd(p, q), np.polysub(q, p)), real(4), real(2))
case("polymul", np.polymul, real(3), complex_(2))
case("polydiv", np.polydiv, np.array([1.0, -2.5, 3.0, 0.5, 1.5]), np.array([2.0, 1.0, -0.5]))
case("polydiv by a longer", lambda p: np.polydiv(p, [2.0, 3.0, 1.0]), real(2))
case("polyder", lambda p: (np.polyder(p), np.polyder(p, 2), np.polyder(p[:1])), real(4))
case("polyint", lambda p, k: (np.polyint(p), np.polyint(p, 2, k), np.polyint(p, 2, 3.0)), real(3),
     real(2))  # fmt: skip
case("poly", np.poly, real(3))
case("poly of integers", np.poly, integers(3))
case("vander", lambda x: (np.vander(x), np.vander(x, 2, increasing=True)), real(3))
case("vander of integers", lambda x: np.vander(x, 4), integers(3))
case("polyfit", lambda x, y: np.polyfit(x, y, 2), real(5), real(5))
case("polyfit of weights", lambda x, y, w: np.polyfit(x, y, 1, w=w, cov="unscaled"), real(4),
     real(4, 2), positive(4))  # fmt: skip
case("polyfit with covariance", lambda y: np.polyfit([0.0, 1.0, 2.0, 4.0], y, 1, cov=True),
     real(4, 2))  # fmt: skip
case("roots", np.roots, np.array([1.0, 0.5, 2.0, -0.3]))
case("roots of complex", np.roots, complex_(3))
