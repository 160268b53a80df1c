"""Corner points, errors and completeness of the ufuncs and the numerical functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import errors
from functrace.tracer import FUNCTIONS, UFUNCS

from ..helpers import assert_equal
from ..numerical import numerical_grad

# Completeness

_REFUSED = {np.isnat: "it takes dates alone"}


def test_every_ufunc_of_numpy_is_answered_for_or_refused() -> None:
    ufuncs = {u for u in vars(np).values() if isinstance(u, np.ufunc)}
    assert ufuncs - set(UFUNCS) == set(_REFUSED)
    for ufunc in _REFUSED:
        with pytest.raises(errors.UnsupportedFunctionError, match=ufunc.__name__):
            ft.trace(ufunc)(1.0)


def test_every_ufunc_of_two_operands_has_an_outer() -> None:
    for ufunc in {u for u in vars(np).values() if isinstance(u, np.ufunc)}:
        if ufunc.nin == 2 and ufunc.nout == 1 and ufunc.signature is None:
            assert ufunc.outer in FUNCTIONS, ufunc


# Derivatives at corner points


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.sinc, 0.0, 0.0),
        (np.sinc, 1e-9, -(np.pi**2) / 3 * 1e-9),
        (np.i0, 0.0, 0.0),
        (lambda x: np.i0(x) / np.i0(700.0), 700.0, 0.9992854588184262),
        (lambda x: np.i0(x) / np.i0(700.0), -700.0, -0.9992854588184262),
        (lambda x: np.copysign(x, -1.0), 2.0, -1.0),
        (lambda x: np.copysign(x, 1.0), -2.0, -1.0),
        (lambda x: np.copysign(x, -0.0), 0.0, 0.0),
        (lambda x: np.copysign(3.0, x), 2.0, 0.0),
        (lambda x: np.ldexp(x, 3), 0.0, 8.0),
        (lambda x: np.frexp(x)[0], 6.0, 1 / 8),
        (lambda x: np.frexp(x)[0], 0.0, 1.0),
        (lambda x: np.modf(x)[0], -2.5, 1.0),
        (lambda x: np.modf(x)[0], 2.0, 1.0),
        (lambda x: np.arctan2(x, 2.0), 0.0, 0.5),
        (lambda x: np.arctan2(x, -2.0), 0.0, -0.5),
        (lambda x: np.arctan2(2.0, x), 0.0, -0.5),
        (lambda x: np.arctan2(0.0, x), 2.0, 0.0),
        (np.nan_to_num, np.nan, 0.0),
        (np.nan_to_num, np.inf, 0.0),
        (lambda x: np.logaddexp.reduce(np.stack([x, -np.inf, -np.inf])), 0.0, 1.0),
        (lambda x: np.logaddexp.accumulate(np.stack([x, x]))[1], 0.0, 1.0),
        (lambda x: np.hypot.reduce(np.stack([x, 0.0])), 0.0, 0.0),
        (lambda x: np.maximum.accumulate(np.stack([x, 1.0, 1.0]))[2], 1.0, 1 / 3),
        (lambda x: np.minimum.accumulate(np.stack([1.0, x, 2.0]))[2], 1.0, 0.5),
        (lambda x: np.interp(x, [0.0, 1.0, 1.0], [1.0, 3.0, 5.0]), 2.0, 0.0),
        (lambda x: np.interp(x, [0.0, 1.0, 1.0], [1.0, 3.0, 5.0]), 0.5, 2.0),
        (lambda x: np.interp(0.5, [0.5], np.stack([x])), 2.0, 1.0),
        (lambda x: np.nanmax(np.stack([x, np.nan, 1.0])), 2.0, 1.0),
        (lambda x: np.nanmean(np.stack([x, np.nan, 1.0])), 2.0, 0.5),
        (lambda x: np.nanprod(np.stack([x, np.nan, 0.0])), 2.0, 0.0),
        (lambda x: np.nanmedian(np.stack([x, np.nan, 0.0, 9.0])), 2.0, 1.0),
        (lambda x: np.median(np.stack([x, x, 0.0, 9.0])), 2.0, 1.0),
        (lambda x: np.quantile(np.array([1.0, 2.0, 4.0]), x), 0.75, 4.0),
        (lambda x: np.unwrap(np.stack([0.0, x]))[1], 6.0, 1.0),
    ],
)  # fmt: skip
def test_derivatives_at_corner_points(function: Any, x: float, expected: float) -> None:
    np.testing.assert_allclose(ft.grad(function)(x), expected, rtol=1e-13)
    np.testing.assert_allclose(ft.jvp(function, (x,), (1.0,))[1], expected, rtol=1e-13)


@pytest.mark.parametrize("order", range(5))
def test_all_derivatives_of_sinc_and_i0_at_0_are_those_of_their_power_series(order: int) -> None:
    sinc, bessel = np.sinc, np.i0
    for _ in range(order):
        sinc, bessel = ft.grad(sinc), ft.grad(bessel)
    series = {0: (1, 1), 2: (-(np.pi**2) / 3, 1 / 2), 4: (np.pi**4 / 5, 3 / 8)}
    np.testing.assert_allclose((sinc(0.0), bessel(0.0)), series.get(order, (0, 0)), atol=1e-14)


@pytest.mark.parametrize("x", [0.3, 0.63, 0.64, 0.95, 1.3, 8.0, -4.2])
def test_higher_derivatives_of_sinc_have_all_digits(x: float) -> None:
    first, second = ft.grad(np.sinc), ft.grad(ft.grad(np.sinc))
    y = np.pi * x
    slope = (y * np.cos(y) - np.sin(y)) / (y * x)
    np.testing.assert_allclose(first(x), slope, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(second(x), -(np.pi**2) * np.sinc(x) - 2 * slope / x, rtol=1e-12)


@pytest.mark.parametrize("x", [0.1, 7.9, 8.1, 24.9, 25.1, 60.0, -3.0])
def test_i0_solves_its_differential_equation(x: float) -> None:
    first, second = ft.grad(np.i0), ft.grad(ft.grad(np.i0))
    np.testing.assert_allclose(second(x) + first(x) / x, np.i0(x), rtol=1e-13)


def test_maximum_accumulate_shares_the_derivative_among_ties() -> None:
    J = ft.jacrev(np.maximum.accumulate)(np.array([1.0, 2.0, 2.0, 0.0, 3.0]))
    expected = [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0, 0],
                [0, 0, 0, 0, 1]]  # fmt: skip
    np.testing.assert_array_equal(J, expected)


# NaN


def test_medians_and_quantiles_of_nan_are_nan_as_in_numpy() -> None:
    x = np.array([[1.0, np.nan, 3.0, 2.0], [4.0, 7.0, 5.0, 6.0]])

    def several(x: Any) -> Any:
        return (np.median(x, 1), np.quantile(x, [0.2, 0.9], axis=1), np.quantile(x, 0.5),
                np.nanmedian(x, 1), np.nanquantile(x, [0.0, 0.4], 1))  # fmt: skip

    assert_equal(ft.jit(several)(x), several(x))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "function", [np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanstd, np.nanmedian,
                 lambda x, axis: np.nanquantile(x, 0.3, axis=axis)],
)  # fmt: skip
def test_slices_of_nan_alone_give_what_numpy_gives(function: Any) -> None:
    x = np.array([[np.nan, np.nan], [1.0, np.nan]])
    assert_equal(ft.jit(lambda x: function(x, axis=1))(x), function(x, axis=1))


def test_the_gradient_of_a_reduction_without_nan_is_zero_at_nan() -> None:
    x = np.array([1.0, np.nan, 3.0])
    for function in (np.nansum, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmedian):
        gradient = ft.grad(function)(x)
        expected = numerical_grad(function, np.array([1.0, 3.0]))
        np.testing.assert_allclose(gradient, [expected[0], 0, expected[1]], atol=1e-8)


# Histograms and places


def test_histograms_put_values_at_edges_where_numpy_puts_them() -> None:
    x = np.array([0.0, 0.1, 0.3, 0.30000000000000004, 0.7, 1.0, np.nextafter(0.6, 1), 1.5, -0.1])
    for bins in (10, 3, np.linspace(0, 1, 11)):
        for bounds in (None, (0.0, 1.0)):
            expected = np.histogram(x, bins, bounds)
            assert_equal(ft.jit(lambda x, b=bins, r=bounds: np.histogram(x, b, r))(x), expected)


def test_a_histogram_of_equal_values_has_bins_around_them() -> None:
    assert_equal(ft.jit(lambda x: np.histogram(x, 2))(np.ones(3)), np.histogram(np.ones(3), 2))


def test_the_gradient_of_weights_reaches_the_bins() -> None:
    x, w = np.array([0.5, 1.5, 0.7, 3.0]), np.ones(4)
    gradient = ft.grad(lambda w: np.histogram(x, [0.0, 1.0, 2.0], weights=w)[0] @ np.array([2, 5]))
    np.testing.assert_array_equal(gradient(w), [2, 5, 2, 0])


# Errors


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda x: np.diff(x, -1), errors.OptionError, "order -1"),
        (lambda x: np.diff(x[0]), errors.ShapeError, "no axes"),
        (lambda x: np.gradient(x[:1]), errors.ShapeError, "2 elements"),
        (lambda x: np.gradient(x, edge_order=3), errors.OptionError, "edge_order"),
        (lambda x: np.gradient(x, 1.0, 2.0), errors.ArgumentError, "2 spacings"),
        (lambda x: np.gradient(x, [1.0, 2.0]), errors.ShapeError, "coordinates"),
        (lambda x: np.ediff1d(x, to_end=1j), errors.ArgumentError, "complex128"),
        (lambda x: np.average(x, weights=[1.0, 2.0]), errors.DTypeError, "axis="),
        (lambda x: np.average(x, 0, weights=[1.0, 2.0]), errors.ShapeError, r"\(2,\)"),
        (lambda x: np.quantile(x[:0], 0.5), errors.ShapeError, "no elements"),
        (lambda x: np.histogram2d(x, x[:1]), errors.ShapeError, "coordinates"),
        (lambda x: np.histogramdd(x[None, None]), errors.ShapeError, "row for each"),
        (lambda x: np.histogram(x, x[0]), errors.TracerConversionError, "index"),
        (lambda x: np.take(x, 0, mode="edge"), errors.OptionError, "edge"),
        (lambda x: np.quantile(x, 2.0), ValueError, "range"),
        (lambda x: np.quantile(x, 0.5, method="best"), ValueError, "method"),
        (lambda x: np.quantile(x * 1j, 0.5), errors.DTypeError, "complex"),
        (lambda x: np.quantile(x, 0.5, weights=x), errors.OptionError, "inverted_cdf"),
        (lambda x: np.histogram(x, "auto"), errors.ConcretizationError, "number of bins"),
        (lambda x: np.histogram(x, "auto", weights=x), errors.DTypeError, "without weights"),
        (lambda x: np.histogramdd(x, "auto"), errors.DTypeError, "one axis"),
        (lambda x: np.histogram(x, [1.0, 0.0]), ValueError, "monoton"),
        (lambda x: np.histogram(x, 2, range=(1, 0)), ValueError, "larger"),
        (lambda x: np.digitize(x, [0.0, 2.0, 1.0]), ValueError, "monoton"),
        (lambda x: np.digitize(x * 1j, [0.0]), errors.DTypeError, "complex"),
        (lambda x: np.bincount(x > 0), errors.ConcretizationError, "bincount"),
        (lambda x: ft.numpy.bincount(x, length=2), errors.DTypeError, "vector of integers"),
        (lambda x: np.convolve(x, x[:0]), errors.ShapeError, "empty"),
        (lambda x: np.convolve(x, x, "most"), errors.OptionError, "most"),
        (lambda x: np.correlate(x[None], x), errors.ShapeError, "vectors"),
        (lambda x: np.polyint(x, -1), errors.OptionError, "polyder"),
        (lambda x: np.polyder(x, -1), errors.OptionError, "polyint"),
        (lambda x: np.polyint(x, 3, [1, 2]), errors.ShapeError, "2 constants"),
        (lambda x: np.poly(x[None]), errors.ShapeError, "square"),
        (lambda x: np.vander(x[None]), errors.ShapeError, "vector"),
        (lambda x: np.i0(x * 1j), errors.DTypeError, "complex"),
        (lambda x: np.fmax.reduce(x[:0]), errors.ShapeError, "no elements"),
        (lambda x: np.fmax.reduce(x, where=x > 0), errors.OptionError, "initial"),
        (lambda x: np.subtract.reduce(x[:0]), errors.ShapeError, "no elements"),
        (lambda x: np.subtract.reduce(x, where=x > 0), errors.OptionError, "initial"),
        (lambda x: np.subtract.reduce(x[None], None), errors.AxisError, "one axis"),
        (lambda x: np.add.reduceat(x, [0, 3]), errors.IndexingError, r"\[0, 3\)"),
        (lambda x: np.add.reduceat(x, 0), errors.ShapeError, "vector"),
        (lambda x: np.less.reduce(x), errors.UnsupportedFunctionError, "less.reduce"),
        (lambda x: np.einsum("...,...->", x, x), errors.ShapeError, "ellipsis"),
        (lambda x: np.einsum("i->", x, dtype=int), errors.DTypeError, "safe"),
        (lambda x: np.concatenate([x, x], dtype=int), errors.DTypeError, "same_kind"),
        (lambda x: np.hypot.at(x, 0, 1.0), NotImplementedError, "at"),
        (lambda x: np.cov(x[None, None]), errors.ShapeError, "more than two axes"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_in_words(function: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        ft.jit(function)(np.array([0.5, 1.5, 2.5]))


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: np.average(x, weights=x - 2), ZeroDivisionError),
        (lambda x: np.nanargmax(x * np.nan), ValueError),
        (lambda x: np.nanargmin(np.stack([x, x * np.nan]), axis=1), ValueError),
        (lambda x: np.quantile(x, 0.5, weights=x - 2, method="inverted_cdf"), ValueError),
    ],
)
def test_values_without_a_result_are_errors_where_they_are_known(function: Any, error: Any) -> None:
    x = np.array([1.0, 2.0, 3.0])
    for run in (lambda: function(x), lambda: ft.vjp(function, x)):
        with pytest.raises(error):
            run()
    with np.errstate(all="ignore"):
        ft.jit(function)(x)  # where they are not, there is NaN or some place


# Values on which a shape depends


def test_bincount_takes_traced_places_whose_values_are_known() -> None:
    places, weights = np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0])

    def loss(w: Any, p: Any) -> Any:
        return np.sum(np.bincount(p, w) ** 2)

    np.testing.assert_array_equal(ft.grad(loss)(weights, places), [2.0, 10.0, 10.0])


def test_the_dtype_of_a_covariance_is_kept() -> None:
    x = np.array([[0.0, 1.0, 3.0], [2.0, -1.0, 0.5]])
    for function in (np.cov, np.corrcoef):
        found = ft.jit(lambda x, function=function: function(x, dtype=np.float32))(x)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, function(x), rtol=1e-5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_median_of_no_elements_is_nan() -> None:
    x = np.zeros((0, 3))
    for function in (np.median, np.nanmedian):
        np.testing.assert_array_equal(ft.jit(lambda x, f=function: f(x, axis=0))(x), [np.nan] * 3)
        assert np.isnan(ft.jit(function)(x))


def test_bincount_of_a_length_counts_what_is_inside() -> None:
    places = np.array([0, 2, 2, 5, -1, 3])
    weights = np.arange(6.0)
    for given, dtype in ((None, np.intp), (weights, np.float64)):
        expected = np.array([1, 0, 2, 1] if given is None else [0.0, 0, 3, 5], dtype)
        for count in (ft.numpy.bincount, ft.jit(ft.numpy.bincount, static_argnames="length")):
            found = count(places, given, length=4)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found, expected)
    assert ft.numpy.bincount(places > 0, length=3).tolist() == [2, 4, 0]
    assert ft.numpy.bincount(np.array([0, 2]), minlength=4).tolist() == [1, 0, 1, 0]


def test_real_if_close_keeps_the_derivative() -> None:
    assert ft.grad(lambda x: np.real_if_close(x * (3 + 0j)))(2.0) == 3.0


def test_polyfit_with_all_its_results_is_numpys() -> None:
    x, y = np.array([0.0, 1.0, 2.0, 4.0, 5.0]), np.array([1.0, -1.0, 0.5, 2.0, 8.0])

    def fit(x: Any, y: Any) -> Any:
        return np.polyfit(x, y, 2, full=True)

    assert_equal(list(ft.vjp(lambda *xs: fit(*xs)[:2], x, y)[0]), list(fit(x, y)[:2]))
    assert_equal(ft.jit(fit)(x, y)[3], fit(x, y)[3])


def test_the_polynomial_of_roots_in_conjugate_pairs_is_real_where_they_are_known() -> None:
    def f(z: Any) -> Any:
        return np.poly(np.stack([z, np.conjugate(z)]))

    z = 0.5 + 2.0j
    assert_equal(ft.vjp(f, z)[0], f(z))
    assert ft.jit(f)(z).dtype == np.complex128
    np.testing.assert_allclose(ft.grad(lambda z: f(z)[2])(z), 2 * np.conjugate(z))


def test_the_polynomial_of_a_matrix_has_a_derivative_at_equal_eigenvalues() -> None:
    J = ft.jacrev(np.poly)(np.eye(2) * 3)
    np.testing.assert_allclose(J, [np.zeros((2, 2)), -np.eye(2), 3 * np.eye(2)], atol=1e-14)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_weighted_quantiles_take_nan_and_zero_weights_as_numpy_does() -> None:
    x, w = np.array([3.0, np.nan, 1.0, 2.0]), np.array([0.0, 2.0, 0.0, 1.0])
    for q in (0.0, 0.3, 1.0):
        for quantile in (np.quantile, np.nanquantile):
            call = lambda x, w, f=quantile, q=q: f(x, q, weights=w, method="inverted_cdf")
            assert_equal(ft.jit(call)(x, w), call(x, w))
    gradient = ft.grad(lambda x: np.nanquantile(x, 0.3, weights=w, method="inverted_cdf"))(x)
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 0.0, 1.0])


def test_the_edges_by_a_rule_follow_the_values() -> None:
    x = np.array([0.3, 1.0, 2.0, 4.0, 4.5])
    gradient = ft.grad(lambda x: np.histogram_bin_edges(x, "sturges")[1])(x)
    np.testing.assert_allclose(gradient, [0.75, 0.0, 0.0, 0.0, 0.25])
    with pytest.raises(ValueError, match="estimator"):
        ft.grad(lambda x: np.histogram(x, "best")[1][0])(x)


@pytest.mark.parametrize("function", [np.polyadd, np.polysub, np.polymul])
def test_leading_zeros_of_polynomials_are_kept(function: Any) -> None:
    p, q = np.array([0.0, 2.0, 3.0]), np.array([1.0, 4.0])
    result, expected = ft.jit(function)(p, q), function(p, q)
    np.testing.assert_allclose(np.trim_zeros(result, "f"), np.trim_zeros(expected, "f"))
    assert len(result) == (4 if function is np.polymul else 3)
