"""Distributions by SciPy's names: SciPy's values, tails, edges of the support, errors."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.stats

import functrace as ft
from functrace.errors import ArgumentError, DTypeError, ShapeError, UnsupportedFunctionError
from functrace.scipy import stats

from ..helpers import assert_close
from ..numerical import numerical_grad

inf, nan = np.inf, np.nan
PARAMETERS: dict[str, list[tuple[float, ...]]] = {
    "norm": [()],
    "t": [(0.5,), (3.0,), (1e6,), (inf,), (-1.0,), (nan,)],
    "beta": [(2.0, 3.0), (0.5, 0.5), (1.0, 1.0), (50.0, 3.0), (0.0, 1.0)],
    "gamma": [(2.0,), (0.3,), (1.0,), (50.0,), (-1.0,), (0.0,)],
    "expon": [()],
    "uniform": [()],
    "laplace": [()],
    "logistic": [()],
    "cauchy": [()],
    "chi2": [(1.0,), (2.0,), (7.0,), (0.0,)],
    "lognorm": [(1.0,), (0.3,), (-1.0,)],
    "pareto": [(2.0,), (0.5,), (0.0,)],
    "truncnorm": [(-1.0, 2.0), (1.0, 3.0), (-5.0, -3.0), (-inf, 1.0), (0.0, inf), (-40.0, -30.0),
                  (30.0, 40.0), (2.0, 1.0)],
    "weibull_min": [(1.0,), (2.5,), (0.5,), (0.0,)],
    "gumbel_r": [()],
    "gumbel_l": [()],
    "halfnorm": [()],
    "gennorm": [(1.0,), (2.0,), (0.5,), (0.0,)],
    "vonmises": [(0.0,), (2.0,), (700.0,), (-1.0,)],
    "wrapcauchy": [(0.3,), (0.9,), (0.0,), (1.0,)],
    "poisson": [(2.0,), (0.0,), (30.0,), (-1.0,)],
    "bernoulli": [(0.3,), (0.0,), (1.0,), (1.2,)],
    "binom": [(5, 0.3), (0, 0.5), (30, 0.9), (5, 0.0), (5, 1.0), (2.5, 0.3), (5, -0.1)],
    "nbinom": [(3, 0.4), (2.5, 0.9), (2, 1.0), (0, 0.5), (2, 0.0)],
    "geom": [(0.3,), (1.0,), (0.01,), (0.0,)],
    "betabinom": [(5, 2.0, 3.0), (10, 0.5, 0.7), (2.5, 1.0, 1.0), (3, 0.0, 1.0)],
}  # fmt: skip
POINTS = np.array([-30, -8, -3.3, -1, -0.5, -1e-3, 0, 1e-8, 0.25, 0.5, 1, 1.5, 2, 2 * np.pi, 3, 8,
                   20, 60, nan])  # fmt: skip
SHARES = np.array([-0.1, 0, 1e-20, 1e-5, 0.3, 0.5, 0.7, 0.99, 1, 1.1, nan])
PROBABILITIES = ("cdf", "sf", "logcdf", "logsf")
QUANTILES = ("ppf", "isf")


def _methods(name: str) -> list[str]:
    ours = getattr(stats, name)
    return [m for m in (*PROBABILITIES, *QUANTILES, "logpdf", "pdf", "logpmf", "pmf")
            if m in ours._functions]  # fmt: skip


def _places(name: str) -> list[dict[str, float]]:
    if hasattr(getattr(scipy.stats, name), "pmf"):
        return [{}, {"loc": 1}]
    return [{}, {"loc": 0.5, "scale": 2.0}, {"scale": 0.0}, {"scale": -1.0}]


# SciPy's values


@pytest.mark.parametrize("name", PARAMETERS)
def test_values_are_scipys_in_and_out_of_the_support(name: str) -> None:
    for parameters in PARAMETERS[name]:
        for place in _places(name):
            for method in _methods(name):
                x = SHARES if method in QUANTILES else POINTS
                with np.errstate(all="ignore"):
                    expected = getattr(getattr(scipy.stats, name), method)(x, *parameters, **place)
                actual = getattr(getattr(stats, name), method)(x, *parameters, **place)
                if np.isnan(actual).all():  # SciPy's logcdf of counts forgets bad parameters
                    expected = np.where(method == "logcdf", nan, expected)
                if name == "halfnorm" and method == "logsf":  # which SciPy gives up on here
                    expected = np.where(np.isinf(expected), actual, expected)
                np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


def test_every_distribution_is_compared() -> None:
    ours = {k for k, v in vars(stats).items() if isinstance(v, stats.distribution.Distribution)}
    assert ours == set(PARAMETERS)


def test_results_are_scalars_of_scalars_and_in_double_precision() -> None:
    for value in (stats.norm.logpdf(0.5), stats.uniform.cdf(2), stats.poisson.pmf(1, 2.0),
                  stats.norm.ppf(np.float32(0.5)), stats.binom.logpmf(9, 3, 0.5)):  # fmt: skip
        assert type(value) is np.float64
    x = np.ones(2, np.float32)
    assert stats.gamma.logpdf(x, x).dtype == np.float64
    assert ft.grad(lambda x: stats.norm.logpdf(x).sum())(x).dtype == np.float32


def test_parameters_broadcast_and_each_is_checked_alone() -> None:
    a, scale = np.array([2.0, -1.0, 3.0]), np.array([[1.0], [0.0]])
    with np.errstate(divide="ignore"):
        expected = scipy.stats.gamma.cdf(1.5, a, scale=scale)
    assert_close(stats.gamma.cdf(1.5, a, scale=scale), expected)
    assert_close(ft.jit(lambda a, s: stats.gamma.cdf(1.5, a, scale=s))(a, scale), expected)


# Tails


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (stats.norm.logcdf(-1e4), scipy.stats.norm.logcdf(-1e4)),
        (stats.expon.logsf(1e6), -1e6),
        (stats.expon.logcdf(1e-30), np.log(1e-30)),
        (stats.expon.logcdf(100), -np.exp(-100)),
        (stats.halfnorm.logsf(60), np.log(2) + scipy.stats.norm.logcdf(-60)),
        (stats.halfnorm.logsf(1e-12), -np.sqrt(2 / np.pi) * 1e-12),
        (stats.weibull_min.logsf(1e3, 2), -1e6),
        (stats.pareto.logsf(1e300, 3.0), -3 * np.log(1e300)),
        (stats.pareto.cdf(1 + 2.0**-40, 2.0), 2.0**-39),
        (stats.laplace.logsf(800.0), -800 - np.log(2)),
        (stats.logistic.logcdf(-800.0), -800.0),
        (stats.gumbel_r.logcdf(-5.0), -np.exp(5.0)),
        (stats.cauchy.cdf(-1e200), 1e-200 / np.pi),
        (stats.geom.logsf(10**6, 0.5), 1e6 * np.log(0.5)),
        (stats.beta.logsf(1e-200, 1.0, 2.0), -2e-200),
        (stats.poisson.logcdf(60, 2.0), -scipy.stats.poisson.sf(60, 2.0)),
    ],
)
def test_logarithms_of_probabilities_keep_their_digits(value: float, expected: float) -> None:
    np.testing.assert_allclose(value, expected, rtol=1e-11)


def test_derivatives_in_the_tails_are_those_of_the_limits() -> None:
    np.testing.assert_allclose(ft.grad(stats.norm.logcdf)(-1e4), 1e4, rtol=1e-7)
    np.testing.assert_allclose(ft.grad(stats.norm.logsf)(1e4), -1e4, rtol=1e-7)
    np.testing.assert_allclose(ft.grad(stats.logistic.logcdf)(-800.0), 1.0)
    np.testing.assert_allclose(ft.grad(stats.truncnorm.logpdf)(35.0, 30.0, 40.0), -35.0)


# Edges of the support, and beyond


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_derivative_is_nan_and_none_is_left_outside_of_the_support(name: str) -> None:
    parameters = [float(p) for p in PARAMETERS[name][0]]
    outside = {"truncnorm": [-7.0, 9.0], "wrapcauchy": [-1.0, 7.0]}.get(name, [-7.0, 1.01])
    points = np.array([0.3, 0.6, *outside] if name not in ("pareto",) else [1.3, 1.6, *outside])
    if name in ("binom", "poisson", "nbinom", "geom", "bernoulli", "betabinom"):
        points = np.array([0.0, 1.0, -2.0, 0.5])
    for method in _methods(name):
        x = np.array([0.3, 0.6]) if method in QUANTILES else points

        def loss(x: Any, *parameters: Any, method: str = method) -> Any:
            value = getattr(getattr(stats, name), method)(x, *parameters)
            return np.where(np.isinf(value), 0.0, value).sum()

        gradients = ft.grad(loss, argnums=tuple(range(1 + len(parameters))))(x, *parameters)
        for gradient in gradients:
            assert np.isfinite(gradient).all(), method
        if method not in QUANTILES:
            low, high = getattr(scipy.stats, name).support(*parameters)
            np.testing.assert_array_equal(gradients[0][(x < low) | (x > high)], 0)


@pytest.mark.parametrize("name", ["norm", "laplace", "logistic", "cauchy", "gumbel_r", "t"])
def test_the_derivative_of_a_probability_is_the_density_also_at_0(name: str) -> None:
    d, shapes = getattr(stats, name), (3.0,) if name == "t" else ()
    for x in (-1.5, 0.0, 1.5):
        np.testing.assert_allclose(ft.grad(d.cdf)(x, *shapes), d.pdf(x, *shapes), rtol=1e-10)
        np.testing.assert_allclose(ft.grad(d.sf)(x, *shapes), -d.pdf(x, *shapes), rtol=1e-10)


def test_the_logistic_density_has_its_second_derivative_at_its_peak() -> None:
    np.testing.assert_allclose(ft.hessian(stats.logistic.logpdf)(0.0), -0.5)


def test_likelihoods_of_data_outside_of_the_support_do_not_spoil_gradients() -> None:
    x = np.array([-1.0, 0.0, 0.5, 2.0])

    def loss(a: Any) -> Any:
        value = stats.gamma.logpdf(x, a)
        return np.where(np.isfinite(value), value, 0.0).sum()

    expected = ft.grad(lambda a: stats.gamma.logpdf(x[2:], a).sum())(1.7)
    with np.errstate(divide="ignore"):  # the derivative at 0 is that of log(0)
        np.testing.assert_allclose(ft.grad(loss)(1.7), expected)
        np.testing.assert_allclose(ft.jvp(loss, (1.7,), (1.0,))[1], expected)


# How parameters are given


def test_parameters_are_positions_or_names_as_in_scipy() -> None:
    expected = scipy.stats.gamma.logpdf(1.5, 2.0, 0.5, 3.0)
    assert_close(stats.gamma.logpdf(1.5, 2.0, 0.5, 3.0), expected)
    assert_close(stats.gamma.logpdf(scale=3.0, a=2.0, loc=0.5, x=1.5), expected)
    assert_close(stats.gamma(2.0, loc=0.5, scale=3.0).logpdf(1.5), expected)
    assert_close(stats.norm.ppf(q=0.3), scipy.stats.norm.ppf(0.3))
    assert_close(stats.poisson(3.0).pmf(2), scipy.stats.poisson.pmf(2, 3.0))


def test_a_distribution_with_fixed_parameters_is_differentiated_by_them() -> None:
    gradient = ft.grad(lambda mu: stats.norm(mu, scale=2.0).logpdf(1.0))(0.0)
    np.testing.assert_allclose(gradient, 0.25)


def test_other_methods_and_names_are_scipys_own() -> None:
    assert stats.norm.mean(1.0, 2.0) == 1.0
    assert stats.gamma(2.0).std() == scipy.stats.gamma.std(2.0)
    assert stats.poisson.ppf(0.5, 3.0) == 3.0
    assert stats.vonmises.cdf(0.0, 1.0) == 0.5
    assert stats.rayleigh is scipy.stats.rayleigh
    with pytest.raises(UnsupportedFunctionError, match=r"vonmises\.cdf"):
        ft.grad(lambda x: stats.vonmises.cdf(x, 1.0))(0.5)
    with pytest.raises(UnsupportedFunctionError, match=r"functrace\.random"):
        ft.jit(lambda x: stats.norm.rvs(x))(0.5)
    for module in (stats, ft.numpy, ft.scipy.special, ft.scipy.linalg, ft.scipy.signal):
        assert all(hasattr(module, name) for name in dir(module))
    with pytest.raises(AttributeError):
        stats.norm.no_such_method(1.0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: stats.gamma.logpdf(1.0), ArgumentError, "a"),
        (lambda: stats.norm.cdf(1.0, 0.0, 1.0, 2.0), ArgumentError, "loc"),
        (lambda: stats.norm.cdf(1.0, sigma=2.0), ArgumentError, "sigma"),
        (lambda: stats.poisson.pmf(1, 2.0, scale=2.0), ArgumentError, "scale"),
        (lambda: stats.norm.cdf(1j), DTypeError, "real"),
        (lambda: stats.dirichlet.pdf(np.ones(4) / 4, np.ones(3)), ShapeError, "shapes"),
        (lambda: stats.multinomial.pmf([1, 2], 3, [0.2, 0.3, 0.5]), ShapeError, "shapes"),
        (lambda: stats.multivariate_normal.pdf(np.ones(2), np.zeros(2), np.eye(3)), ShapeError,
         "covariance"),
        (lambda: stats.multivariate_normal.pdf(np.ones(2), cov=np.ones(2)), ShapeError,
         "covariance"),
        (lambda: stats.multivariate_normal.pdf(np.ones(3), np.zeros(2)), ShapeError, "components"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


# Vectors


@pytest.mark.parametrize("wrap", [lambda f: f, ft.jit], ids=["plain", "jit"])
@pytest.mark.parametrize(
    ("x", "alpha"),
    [([0.5, 0.6], [1.0, 2.0]), ([-0.5, 1.5], [1.0, 2.0]), ([0.5, 0.5], [1.0, 0.0]),
     ([0.0, 1.0], [0.5, 1.0])],
)  # fmt: skip
def test_what_are_no_shares_raises_as_in_scipy(wrap: Any, x: Any, alpha: Any) -> None:
    x, alpha = np.array(x), np.array(alpha)
    for logpdf in (scipy.stats.dirichlet.logpdf, wrap(stats.dirichlet.logpdf)):
        with pytest.raises(ValueError, match=r"(?i)positive|must|greater"):
            logpdf(x, alpha)


def test_dirichlet_of_points_is_scipys() -> None:
    alpha = np.array([0.5, 2.0, 3.0])
    x = np.random.default_rng(0).dirichlet(alpha, 4).T
    for points in (x, x[:-1], x[:, 0], x[:-1, 0]):
        expected = scipy.stats.dirichlet.logpdf(points, alpha)
        assert_close(stats.dirichlet.logpdf(points, alpha), expected)
    assert_close(stats.dirichlet(alpha).pdf(x), scipy.stats.dirichlet.pdf(x, alpha))


def test_multinomial_is_minus_infinity_for_other_counts_and_nan_for_other_parameters() -> None:
    p = np.array([0.2, 0.3, 0.5])
    x = np.array([[1, 2, 1], [0, 0, 4], [1, 1, 1], [-1, 3, 2]])
    expected = scipy.stats.multinomial.logpmf(x, 4, p)
    assert_close(stats.multinomial.logpmf(x, 4, p), expected)
    assert_close(stats.multinomial.pmf(x, 4, p), np.exp(expected))
    assert np.isnan(stats.multinomial.logpmf(x[0], -4, p))
    assert np.isnan(stats.multinomial.logpmf(x[0], 4, 2 * p))
    assert np.isnan(stats.multinomial.logpmf(x[0], 4, np.array([-0.5, 0.5, 1.0])))
    gradient = ft.grad(lambda p: np.exp(stats.multinomial.logpmf(x, 4, p)).sum())(p)
    assert np.isfinite(gradient).all()


_COV = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]])


@pytest.mark.parametrize(
    ("x", "parameters"),
    [
        (np.zeros((2, 4, 3)), (np.ones(3), _COV)),
        (np.ones(3), (None, _COV)),
        (np.ones((1, 3)), (np.zeros(3), 2.0)),
        (np.ones(3), (np.zeros(3), np.array([1.0, 2.0, 3.0]))),
        (np.arange(4.0), (1.0, 2.0)),
        (np.arange(4.0), ()),
        (0.5, (1.0, np.array([[2.0]]))),
        (np.ones((4, 1)), (np.zeros(1), 3.0)),
    ],
)
def test_the_normal_distribution_of_vectors_is_scipys(x: Any, parameters: Any) -> None:
    for method in ("logpdf", "pdf"):
        expected = getattr(scipy.stats.multivariate_normal, method)(x, *parameters)
        actual = getattr(stats.multivariate_normal, method)(x, *parameters)
        assert type(actual) is type(expected)
        assert_close(actual, expected)


@pytest.mark.parametrize("wrap", [lambda f: f, ft.jit, ft.grad], ids=["plain", "jit", "grad"])
def test_a_singular_covariance_raises_unless_it_may_be(wrap: Any) -> None:
    cov = np.outer([1.0, 2, 3], [1.0, 2, 3])
    plain: Any = scipy.stats.multivariate_normal.logpdf
    for logpdf in (plain, wrap(stats.multivariate_normal.logpdf)):
        with pytest.raises(np.linalg.LinAlgError):
            logpdf(np.zeros(3), np.zeros(3), cov)
    points = np.array([[1.0, 2, 3], [0, 0, 0], [1, 0, 0]])
    expected = plain(points, None, cov, allow_singular=True)
    assert np.isinf(expected[-1])
    assert_close(stats.multivariate_normal.logpdf(points, None, cov, True), expected)


def test_second_derivatives_hold_where_variances_are_equal() -> None:
    x, weights = np.array([0.5, -1.0]), np.arange(4.0).reshape(2, 2)

    def slope(cov: Any) -> Any:
        loss = partial(stats.multivariate_normal.logpdf, x, np.zeros(2))
        return (ft.grad(loss)(cov) * weights).sum()

    symmetric = numerical_grad(lambda c: slope((c + c.T) / 2), np.eye(2))
    assert_close(ft.grad(slope)(np.eye(2)), symmetric, 1e-8)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_probability_of_an_outcome_has_its_slope_where_it_is_certain_or_impossible(
    p: float,
) -> None:
    assert ft.grad(lambda p: stats.bernoulli.pmf(1, p))(p) == 1
    assert ft.grad(lambda p: stats.bernoulli.pmf(0, p))(p) == -1


@pytest.mark.parametrize("cov", [np.diag([2.0, 2.0]), [[2.0, 1.0], [1.0, 3.0]], 3.0, [1.0, 2.0],
                                 np.ones((2, 2)), np.diag([0.0, 4.0])])  # fmt: skip
def test_the_entropy_of_normal_vectors_is_scipys(cov: Any) -> None:
    mean = np.zeros(2) if np.ndim(cov) else None
    expected = scipy.stats.multivariate_normal.entropy(mean, cov)
    assert_close(stats.multivariate_normal.entropy(mean, cov), expected)
    assert_close(ft.jit(stats.multivariate_normal.entropy)(mean, np.asarray(cov)), expected)
    assert_close(stats.multivariate_normal(mean, cov, allow_singular=True).entropy(), expected)


def test_the_entropy_of_normal_vectors_has_all_derivatives() -> None:
    def by_determinant(cov: Any) -> Any:
        return 0.5 * np.linalg.slogdet((cov + cov.T) / 2)[1]

    for cov in (2 * np.eye(3), np.eye(3) + 0.5):
        entropy = lambda cov: stats.multivariate_normal.entropy(cov=cov)
        assert_close(ft.grad(entropy)(cov), ft.grad(by_determinant)(cov))
        assert_close(ft.hessian(entropy)(cov), ft.hessian(by_determinant)(cov))
    gradient = ft.grad(lambda s: stats.multivariate_normal.entropy(cov=s * np.ones((2, 2))))(2.0)
    assert_close(gradient, 0.25)


def test_moments_of_shares_and_counts_are_scipys() -> None:
    alpha, p = np.array([0.5, 1.5, 3.0]), np.array([0.2, 0.3, 0.5])
    for name in ("mean", "var", "cov", "entropy"):
        expected = getattr(scipy.stats.dirichlet, name)(alpha)
        assert_close(ft.jit(getattr(stats.dirichlet, name))(alpha), expected)
        assert_close(getattr(stats.dirichlet(alpha), name)(), expected)
    for name in ("mean", "cov"):
        method, plain = getattr(stats.multinomial, name), getattr(scipy.stats.multinomial, name)
        for n, q in ((4, p), (np.array([4, 2]), p), (-1, p)):
            assert_close(method(n, q), plain(n, q))
