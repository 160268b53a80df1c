"""SciPy's special functions: limits, corner points, parameters, errors, and life without SciPy."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
import scipy.special as sc

import functrace as ft
from functrace.errors import (
    DTypeError,
    NonDifferentiableError,
    OptionError,
    TracerConversionError,
    UnsupportedFunctionError,
)
from functrace.ops.densities import beta_density, gamma_density
from functrace.ops.hurwitz import hurwitz
from functrace.scipy import special

INF = np.inf


def gradient(function: Any, *point: float) -> Any:
    """The derivatives by all arguments."""
    with np.errstate(all="ignore"):
        return ft.grad(function, tuple(range(len(point))))(*point)


# Where a slope is a limit, or infinite

CORNERS = {
    "xlogy absent": (sc.xlogy, (0.0, 0.0), (-INF, 0.0)),
    "xlogy impossible": (sc.xlogy, (2.0, 0.0), (-INF, INF)),
    "xlog1py absent": (sc.xlog1py, (0.0, -1.0), (-INF, 0.0)),
    "rel_entr absent": (sc.rel_entr, (0.0, 0.0), (0.0, 0.0)),
    "rel_entr of nothing": (sc.rel_entr, (0.0, 1.0), (-INF, 0.0)),
    "kl_div absent": (sc.kl_div, (0.0, 0.0), (-1.0, 1.0)),
    "kl_div equal": (sc.kl_div, (2.0, 2.0), (0.0, 0.0)),
    "entr": (sc.entr, (0.0,), (INF,)),
    "logit at 0": (sc.logit, (0.0,), (INF,)),
    "logit at 1": (sc.logit, (1.0,), (INF,)),
    "expit far right": (sc.expit, (800.0,), (0.0,)),
    "expit right": (sc.expit, (50.0,), (np.exp(-50.0),)),
    "expit left": (sc.expit, (-50.0,), (np.exp(-50.0),)),
    "log_expit far left": (sc.log_expit, (-800.0,), (1.0,)),
    "erf at 0": (sc.erf, (0.0,), (2 / np.sqrt(np.pi),)),
    "erf far": (sc.erf, (40.0,), (0.0,)),
    "erfinv at 1": (sc.erfinv, (1.0,), (INF,)),
    "erfcx far": (sc.erfcx, (1e6,), (-1e-12 / np.sqrt(np.pi),)),
    "dawsn far": (sc.dawsn, (1e6,), (-0.5e-12,)),
    "log_ndtr far left": (sc.log_ndtr, (-40.0,), (40.02496884720727,)),
    "log_ndtr very far left": (sc.log_ndtr, (-1e8,), (1e8,)),
    "log_ndtr far right": (sc.log_ndtr, (40.0,), (0.0,)),
    "ndtri_exp far left": (sc.ndtri_exp, (sc.log_ndtr(-40.0),), (1 / 40.02496884720727,)),
    "huber at the kink": (sc.huber, (1.0, 1.0), (0.0, 1.0)),
    "huber beyond": (sc.huber, (1.0, -3.0), (2.0, -1.0)),
    "pseudo_huber at 0": (sc.pseudo_huber, (0.0, 0.0), (0.0, 0.0)),
    "boxcox at lambda 0": (sc.boxcox, (np.e, 0.0), (1 / np.e, 0.5)),
    "boxcox at x 0": (lambda lmbda: sc.boxcox(0.0, lmbda), (2.0,), (0.25,)),
    "boxcox1p at lambda 0": (sc.boxcox1p, (1.0, 0.0), (0.5, np.log(2) ** 2 / 2)),
    "inv_boxcox at lambda 0": (sc.inv_boxcox, (1.0, 0.0), (np.e, -np.e / 2)),
    "exprel at 0": (sc.exprel, (0.0,), (0.5,)),
    "spence at 1": (sc.spence, (1.0,), (-1.0,)),
    "rgamma at 0": (sc.rgamma, (0.0,), (1.0,)),
    "rgamma at -3": (sc.rgamma, (-3.0,), (-6.0,)),
    "binom beyond n": (sc.binom, (2.0, 3.0), (1 / 3, -1 / 3)),
    "poch at 0": (sc.poch, (0.0, 3.0), (2.0, 0.0)),
    "Riemann's zeta at 0": (sc.zeta, (0.0,), (-np.log(2 * np.pi) / 2,)),
    "Riemann's zeta at -2": (sc.zeta, (-2.0,), (-0.030448457058393,)),
    "gammainc at 0, a = 1": (lambda x: sc.gammainc(1.0, x), (0.0,), (1.0,)),
    "gammainc at 0, a > 1": (sc.gammainc, (2.0, 0.0), (0.0, 0.0)),
    "gammainc at 0, a < 1": (lambda x: sc.gammainc(0.5, x), (0.0,), (INF,)),
    "gammainc at infinity": (sc.gammainc, (2.0, INF), (0.0, 0.0)),
    "betainc at 0": (sc.betainc, (1.0, 2.0, 0.0), (0.0, 0.0, 2.0)),
    "betainc at 1": (sc.betainc, (2.0, 1.0, 1.0), (0.0, 0.0, 2.0)),
    "stdtr at 0": (sc.stdtr, (1.0, 0.0), (0.0, 1 / np.pi)),
    "ellipk at 0": (sc.ellipk, (0.0,), (np.pi / 8,)),
    "ellipe at 0": (sc.ellipe, (0.0,), (-np.pi / 8,)),
    "ellipkinc at m 0": (sc.ellipkinc, (0.5, 0.0), (1.0, (0.5 - np.sin(0.5) * np.cos(0.5)) / 4)),
    "j1 at 0": (sc.j1, (0.0,), (0.5,)),
    "i1 at 0": (sc.i1, (0.0,), (0.5,)),
    "i0e at 0": (sc.i0e, (0.0,), (0.0,)),
    "i1e at 0": (sc.i1e, (0.0,), (0.5,)),
    "beip at 0": (sc.beip, (0.0,), (0.5,)),
    "sine integral at 0": (lambda x: sc.sici(x)[0], (0.0,), (1.0,)),
    "spherical j1 at 0": (lambda x: special.spherical_jn(1, x), (0.0,), (1 / 3,)),
    "lambertw at 0": (lambda x: sc.lambertw(x).real, (0.0,), (1.0,)),
    "legendre at 1": (lambda x: sc.eval_legendre(3, x), (1.0,), (6.0,)),
}


@pytest.mark.parametrize("name", CORNERS)
def test_slopes_at_corner_points(name: str) -> None:
    function, point, expected = CORNERS[name]
    np.testing.assert_allclose(gradient(function, *point), expected, rtol=1e-11, atol=1e-300)


SECOND = {
    "expit": (sc.expit, 800.0, 0.0),
    "exprel at 0": (sc.exprel, 0.0, 1 / 3),
    "spence at 1": (sc.spence, 1.0, 0.5),
    "erfcx far": (sc.erfcx, 1e4, 2e-12 / np.sqrt(np.pi)),
    "log_ndtr far left": (sc.log_ndtr, -1e3, -1.0),
    "j1 at 0": (sc.j1, 0.0, 0.0),
    "gammainc at 0": (lambda x: sc.gammainc(2.0, x), 0.0, 1.0),
    "betainc at 0": (lambda x: sc.betainc(2.0, 3.0, x), 0.0, 12.0),
    "betainc at 1": (lambda x: sc.betainc(1.0, 2.0, x), 1.0, -2.0),
    "ellipk at 0": (sc.ellipk, 0.0, 9 * np.pi / 64),
    "boxcox at lambda 0": (lambda lmbda: sc.boxcox(np.e, lmbda), 0.0, 1 / 3),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives_at_corner_points(name: str) -> None:
    function, x, expected = SECOND[name]
    with np.errstate(all="ignore"):
        actual = ft.grad(ft.grad(function))(x)
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=1e-12)


# logsumexp and softmax


@pytest.mark.parametrize(
    ("x", "shares"),
    [
        ([-INF, 0.0], [0, 1]),
        ([-INF, -INF], [0.5, 0.5]),
        ([INF, 0.0, INF], [0.5, 0, 0.5]),
        ([1e4, 1e4], [0.5, 0.5]),
        ([-1e4, -1e4 - 1e3], [1, 0]),
    ],
)
def test_the_gradient_of_logsumexp_is_finite_for_infinite_and_huge_elements(
    x: Any, shares: Any
) -> None:
    x = np.array(x)
    value, actual = ft.value_and_grad(special.logsumexp)(x)
    np.testing.assert_array_equal(value, sc.logsumexp(x))
    np.testing.assert_allclose(actual, shares)


def test_logsumexp_keeps_what_is_small_beside_the_greatest() -> None:
    assert ft.jit(special.logsumexp)(np.array([0.0, -50.0])) == np.log1p(np.exp(-50.0))


def test_a_weight_of_zero_hides_what_it_weighs_and_has_a_gradient() -> None:
    x, b = np.array([0.0, INF, np.nan, 1.0]), np.array([1.0, 0.0, 0.0, 0.0])
    value, actual = ft.value_and_grad(lambda b: special.logsumexp(x[[0, 3]], b=b))(b[[0, 3]])
    assert value == 0
    np.testing.assert_allclose(actual, [1, np.e])
    assert ft.jit(lambda x: special.logsumexp(x, b=b))(x) == sc.logsumexp(x, b=b) == 0


def test_weights_that_cancel_give_minus_infinity_and_negative_sums_nan() -> None:
    for b in ([1.0, -1.0], [1.0, -2.0]):
        with np.errstate(invalid="ignore"):  # of which older versions of SciPy warn
            expected = sc.logsumexp(np.zeros(2), b=b)
        actual = ft.jit(lambda x, b=b: special.logsumexp(x, b=np.array(b)))(np.zeros(2))
        np.testing.assert_array_equal(actual, expected)


def test_logsumexp_and_softmax_take_all_axes_that_scipy_takes() -> None:
    x = np.linspace(0, 1, 24).reshape(2, 3, 4)
    for axis in (None, 0, -1, (0, 2), (1, -1, 0)):
        for function in (special.logsumexp, special.softmax, special.log_softmax):
            traced = ft.jit(lambda x, f=function, axis=axis: f(x, axis=axis))(x)
            np.testing.assert_allclose(traced, function(x, axis=axis), rtol=1e-13)


# Parameters of the incomplete functions, against differences of longer steps


def _slope(function: Any, x: float) -> float:
    """By Richardson's extrapolation of central differences."""
    step = 1e-3 * x
    rows = [[(function(x + h) - function(x - h)) / (2 * h)] for h in step / 2.0 ** np.arange(5)]
    for i in range(1, 5):
        for k in range(i):
            rows[i].append(rows[i][k] + (rows[i][k] - rows[i - 1][k]) / (4.0 ** (k + 1) - 1))
    return rows[-1][-1]


@pytest.mark.parametrize("x", [1e-3, 0.7, 5.0, 30.0])
@pytest.mark.parametrize("a", [1e-12, 1e-9, 1e-3, 0.0999, 0.1001])
def test_gammainc_by_a_small_parameter_keeps_its_digits(a: float, x: float) -> None:
    mp = pytest.importorskip("mpmath")

    def probability(t: Any) -> Any:
        return mp.gammainc(t, 0, x, regularized=True)

    with mp.workdps(50):
        expected = [float(mp.diff(probability, a, n, h=mp.mpf(a) * 1e-12)) for n in (1, 2)]
    slope = ft.grad(lambda a: sc.gammainc(a, x))
    np.testing.assert_allclose([slope(a), ft.grad(slope)(a)], expected, rtol=2e-11)


@pytest.mark.parametrize("a", [0.02, 0.7, 3.0, 40.0, 900.0])
@pytest.mark.parametrize("ratio", [0.05, 0.6, 1.0, 1.1, 3.0])
def test_gammainc_by_its_parameter(a: float, ratio: float) -> None:
    x = a * ratio if a > 1 else ratio
    function = sc.gammainc if x < a else sc.gammaincc
    sign = 1 if x < a else -1
    expected = sign * _slope(lambda a: function(a, x), a)
    np.testing.assert_allclose(ft.grad(sc.gammainc)(a, x), expected, rtol=3e-9, atol=1e-200)


@pytest.mark.parametrize("a", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("b", [0.4, 2.0, 200.0])
@pytest.mark.parametrize("x", [0.01, 0.2, 0.7, 0.97])
def test_betainc_by_its_parameters(a: float, b: float, x: float) -> None:
    small = x < a / (a + b)
    function, sign = (sc.betainc, 1) if small else (sc.betaincc, -1)
    by_a = sign * _slope(lambda a: function(a, b, x), a)
    by_b = sign * _slope(lambda b: function(a, b, x), b)
    actual = ft.grad(sc.betainc, (0, 1))(a, b, x)
    np.testing.assert_allclose(actual, (by_a, by_b), rtol=3e-8, atol=1e-13)


def test_the_gradient_of_a_quantile_inverts_that_of_the_distribution_function() -> None:
    a, p = 2.3, 0.4
    x = sc.gammaincinv(a, p)
    by_a, by_x = ft.grad(sc.gammainc, (0, 1))(a, x)
    np.testing.assert_allclose(
        ft.grad(sc.gammaincinv, (0, 1))(a, p), (-by_a / by_x, 1 / by_x), rtol=1e-12
    )


def test_third_derivatives_by_parameters() -> None:
    def third(function: Any) -> Any:
        return ft.grad(ft.grad(ft.grad(function)))

    for function in (lambda a: sc.gammainc(a, 1.3), lambda a: sc.betainc(a, 1.5 * a, 0.4)):
        second = ft.grad(ft.grad(function))
        np.testing.assert_allclose(third(function)(2.0), _slope(second, 2.0), rtol=1e-7)


def test_densities_keep_all_digits_for_large_parameters() -> None:
    """By the sum of the binomial and Poisson weights, which is 1."""
    k = np.arange(10**6 - 10**4, 10**6 + 10**4, dtype=float)
    assert abs(np.sum(gamma_density(k + 1, 1e6)) - 1) < 1e-13
    n, k = 1e6, np.arange(4e5, 6e5)
    assert abs(np.sum(beta_density(k + 1, n - k + 1, 0.5)) / (n + 1) - 1) < 1e-13


@pytest.mark.parametrize("s", [1.01, 1.5, 2.0, 6.0, 30.0])
@pytest.mark.parametrize("q", [0.1, 1.0, 7.5, 300.0])
def test_the_hurwitz_zeta_function_and_its_slope_by_the_order(s: float, q: float) -> None:
    s, q = np.float64(s), np.float64(q)
    np.testing.assert_allclose(hurwitz(s, q), sc.zeta(s, q), rtol=1e-13)
    t = q + np.arange(1e5)
    end = t[-1] + 0.5  # beyond, by an integral
    rest = end ** (1 - s) * (np.log(end) / (s - 1) + (s - 1) ** -2)
    expected = -np.sum(np.log(t) * t**-s) - rest
    np.testing.assert_allclose(ft.grad(sc.zeta)(s, q), expected, rtol=1e-11)


# What is not offered says so

REFUSED = {
    "jv": (lambda v: sc.jv(v, 1.0), "its order"),
    "kve": (lambda v: sc.kve(v, 1.0), "its order"),
    "hyp1f1": (lambda b: sc.hyp1f1(1.0, b, 0.5), "respect to b"),
    "hyp2f1": (lambda c: sc.hyp2f1(1.0, 1.0, c, 0.5), "respect to c"),
    "bdtr": (lambda k: sc.bdtr(k, 5, 0.5), "k, a count"),
    "pdtr": (lambda k: sc.pdtr(k, 5.0), "k, a count"),
    "expn": (lambda n: sc.expn(n, 5.0), "respect to n"),
    "ellipj": (lambda m: sc.ellipj(0.4, m)[0], "respect to m"),
    "eval_legendre": (lambda n: sc.eval_legendre(n, 0.3), "its degree"),
}


@pytest.mark.filterwarnings("ignore:non-integer arg:DeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_a_derivative_that_is_not_offered_is_an_error_that_names_the_parameter(name: str) -> None:
    function, parameter = REFUSED[name]
    for differentiate in (ft.grad, lambda f: lambda x: ft.jvp(f, (x,), (1.0,))):
        with pytest.raises(NonDifferentiableError, match=parameter) as caught:
            differentiate(function)(1.5)
        assert f"scipy.special.{name}" in str(caught.value)
        assert caught.value.source is not None
        assert caught.value.source.filename == __file__


def test_no_derivative_is_asked_of_parameters_that_do_not_vary() -> None:
    order = ft.stop_gradient
    assert ft.grad(lambda v: sc.jv(order(v), 2 * v))(1.0) == 2 * sc.jvp(1.0, 2.0)


def test_scaled_bessel_functions_of_complex_numbers_are_not_holomorphic() -> None:
    with pytest.raises(NonDifferentiableError, match="complex"):
        ft.grad(lambda z: sc.ive(1.0, z), holomorphic=True)(1 + 1j)


def test_a_function_that_nobody_answers_for_is_refused_by_its_own_name() -> None:
    with pytest.raises(UnsupportedFunctionError, match=r"scipy\.special\.chndtr of a traced array"):
        ft.grad(lambda x: sc.chndtr(x, 1.0, 2.0))(1.0)


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax", "polygamma", "comb"])
def test_scipys_own_function_of_a_traced_array_says_what_to_call_instead(name: str) -> None:
    arguments = (2,) if name in ("polygamma", "comb") else ()
    with pytest.raises(TracerConversionError, match=f"functrace.scipy.special.{name}") as caught:
        ft.jit(lambda x: getattr(sc, name)(*arguments, x))(np.ones(3))
    assert caught.value.source is not None
    assert caught.value.source.filename == __file__


def test_dtypes_and_options_that_are_not_taken_are_named() -> None:
    with pytest.raises(DTypeError, match=r"scipy\.special\.gammaln.*complex"):
        ft.jit(sc.gammaln)(1j)
    with pytest.raises(DTypeError, match="order n"):
        ft.jit(special.polygamma)(1.0, 2.0)
    with pytest.raises(OptionError, match="d=0"):
        ft.jit(lambda x: special.multigammaln(x, 0))(2.0)
    for function in (special.factorial, lambda n, **o: special.comb(n, 2, **o)):
        with pytest.raises(UnsupportedFunctionError, match="exact=True"):
            ft.jit(lambda n, f=function: f(n, exact=True))(3.0)


def test_multigammaln_outside_its_domain_is_nan() -> None:
    assert np.isnan(ft.jit(lambda a: special.multigammaln(a, 3))(0.9))


def test_the_namespace_has_scipys_names_and_computes_plain_arrays_as_scipy() -> None:
    assert set(dir(special)) > {"erf", "gammaln", "logsumexp", "jv", "kolmogorov"}
    assert special.erf is sc.erf
    assert special.logsumexp([1.0, 2.0]) == sc.logsumexp([1.0, 2.0])
    assert special.factorial(5, exact=True) == 120
    with pytest.raises(AttributeError):
        special.no_such_function


# SciPy is an extra


def _run(code: str) -> str:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_importing_functrace_does_not_import_scipy_or_its_ops() -> None:
    printed = _run("""
        import sys, functrace
        print([m for m in sys.modules if m.startswith("scipy") or "special" in m])
    """)
    assert printed == "[]\n"


def test_scipys_ufuncs_are_answered_for_without_an_import_of_ours() -> None:
    printed = _run("""
        import functrace as ft, scipy.special
        print(ft.grad(lambda x: scipy.special.erf(x))(0.0))
    """)
    assert float(printed) == 2 / np.sqrt(np.pi)


def test_without_scipy_functrace_works_and_its_scipy_part_names_the_extra() -> None:
    printed = _run("""
        import sys
        sys.modules["scipy"] = None  # imports of it fail from here on
        import numpy as np, functrace as ft
        print(ft.grad(lambda x: np.sum(np.tanh(x)))(np.zeros(2)))
        try:
            import functrace.scipy.special
        except ImportError as error:
            print(type(error).__name__, "functrace[scipy]" in str(error))
    """)
    assert printed == "[1. 1.]\nMissingExtraError True\n"
