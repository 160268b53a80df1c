"""Gradients of random numbers by their parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import random
from functrace.ops.gamma_slope import log_gamma_slope

special: Any = pytest.importorskip("scipy.special")
stats: Any = pytest.importorskip("scipy.stats")

KEY = random.key(5)
SHAPES = np.array([0.02, 0.3, 1.0, 1.7, 6.0, 80.0, 3000.0])


def quantile_slope(a: Any, x: Any, step: float = 1e-4) -> Any:
    """The derivative by a of SciPy's quantile, by differences of the fourth order, as of log x."""
    lower = x < a  # SciPy's inverse keeps its digits from the nearer end

    def move(h: float) -> Any:
        below = special.gammaincinv(a * (1 + h), special.gammainc(a, x))
        above = special.gammainccinv(a * (1 + h), special.gammaincc(a, x))
        return np.log(np.where(lower, below, above))

    differences = 8 * (move(step) - move(-step)) - (move(2 * step) - move(-2 * step))
    return x * differences / (12 * step * a)


# One number: at a fixed quantile


@pytest.mark.parametrize("seed", range(4))
def test_a_gamma_number_moves_with_its_shape_as_the_quantile(seed: int) -> None:
    key = random.key(seed)
    drawn, slope = ft.jvp(lambda a: random.gamma(key, a), (SHAPES,), (np.ones(7),))
    usable = drawn > 1e-280
    expected = quantile_slope(SHAPES[usable], drawn[usable])
    np.testing.assert_allclose(slope[usable], expected, rtol=2e-7)


def test_far_out_in_both_tails_a_gamma_number_moves_as_the_quantile() -> None:
    for a in (0.5, 2.0, 40.0):
        tail = 10.0 ** -np.arange(1, 12)
        x = np.concatenate([special.gammaincinv(a, tail), special.gammainccinv(a, tail)])
        slope = x * log_gamma_slope(np.full(len(x), a), np.log(x))
        np.testing.assert_allclose(slope, quantile_slope(a, x), rtol=1e-6)


def test_the_second_derivative_of_a_gamma_number_is_that_of_the_quantile() -> None:
    a = SHAPES[1:5]
    drawn = random.gamma(KEY, a)
    second = ft.jvp(
        lambda a: ft.jvp(lambda a: random.gamma(KEY, a), (a,), (np.ones(4),))[1],
        (a,),
        (np.ones(4),),
    )[1]
    step = 1e-5 * a
    slopes = []
    for h in (step, -step):
        moved = special.gammaincinv(a + h, special.gammainc(a, drawn))
        slopes.append(quantile_slope(a + h, moved))
    np.testing.assert_allclose(second, (slopes[0] - slopes[1]) / (2 * step), rtol=1e-4)


def test_logarithms_too_small_for_a_float_move_as_a_power_of_a_uniform_number() -> None:
    # P(a, x) is x^a / Γ(a + 1) for small x, so that log x = (log P + log Γ(a + 1)) / a
    a = np.full(20, 1e-3)
    drawn, slope = ft.jvp(lambda a: random.loggamma(KEY, a), (a,), (np.ones(20),))
    assert (drawn < -50).sum() > 10
    expected = (special.digamma(a + 1) - drawn) / a
    np.testing.assert_allclose(slope[drawn < -50], expected[drawn < -50], rtol=1e-9)
    number, slope = ft.jvp(lambda a: random.gamma(KEY, a), (a,), (np.ones(20),))
    assert (number == 0).any()
    assert np.isfinite(slope).all()


def test_a_truncated_normal_number_moves_as_the_quantile() -> None:
    low, high = np.array([-1.0, 2.0, -9.0, 5.0]), np.array([0.5, 2.5, -7.0, 60.0])
    drawn = random.truncated_normal(KEY, low, high)
    cumulative = stats.truncnorm.cdf(drawn, low, high)
    step = 1e-5
    for argument, (dl, dh) in enumerate([(step, 0), (0, step)]):
        slope = ft.jvp(
            lambda *ends: random.truncated_normal(KEY, *ends), (low, high),
            (np.ones(4) * (argument == 0), np.ones(4) * (argument == 1)),
        )[1]  # fmt: skip
        ahead = stats.truncnorm.ppf(cumulative, low + dl, high + dh)
        behind = stats.truncnorm.ppf(cumulative, low - dl, high - dh)
        np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-8)


# Many numbers: the gradient of an expectation

COUNT = 100_000

EXPECTATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[float, ...]]] = {
    "normal": (
        lambda mean, scale: (mean + scale * random.normal(KEY, (COUNT,))) ** 2,
        lambda mean, scale: mean**2 + scale**2,
        (0.7, 1.3),
    ),
    "uniform": (
        lambda low, high: random.uniform(KEY, (COUNT,), minval=low, maxval=high) ** 2,
        lambda low, high: (low**2 + low * high + high**2) / 3,
        (-0.5, 2.0),
    ),
    "gamma": (lambda a: random.gamma(KEY, a, (COUNT,)) ** 2, lambda a: a * (a + 1), (0.6,)),
    "gamma of a large shape": (
        lambda a: random.gamma(KEY, a, (COUNT,)) ** 2 / 100,
        lambda a: a * (a + 1) / 100,
        (12.0,),
    ),
    "loggamma": (
        lambda a: random.loggamma(KEY, a, (COUNT,)),
        lambda a: special.digamma(a),
        (0.2,),
    ),
    "chisquare": (lambda k: random.chisquare(KEY, k, (COUNT,)) ** 2, lambda k: k * (k + 2), (3.0,)),
    "beta": (
        lambda a, b: random.beta(KEY, a, b, (COUNT,)) ** 2,
        lambda a, b: a * (a + 1) / ((a + b) * (a + b + 1)),
        (0.8, 2.5),
    ),
    "t": (lambda df: random.t(KEY, df, (COUNT,)) ** 2, lambda df: df / (df - 2), (12.0,)),
    "dirichlet": (
        lambda a, b: random.dirichlet(KEY, [a, b, 0.5], (COUNT,))[:, 0] ** 2,
        lambda a, b: a * (a + 1) / ((a + b + 0.5) * (a + b + 1.5)),
        (0.9, 3.0),
    ),
    "multivariate_normal": (
        lambda s, r: np.prod(
            random.multivariate_normal(KEY, [s, r], [[2.0, s], [s, 1.0]], (COUNT,)), -1
        ),
        lambda s, r: s * r + s,
        (0.6, -0.8),
    ),
}


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_the_gradient_of_a_mean_is_that_of_the_expectation(name: str) -> None:
    sample, expectation, parameters = EXPECTATIONS[name]
    slopes = ft.jacfwd(sample, argnums=tuple(range(len(parameters))))(*parameters)
    for i, slope in enumerate(slopes):
        step = 1e-4
        ahead, behind = (
            expectation(*[x + h * (i == j) for j, x in enumerate(parameters)])
            for h in (step, -step)
        )
        error = np.std(slope) / np.sqrt(COUNT)
        assert abs(np.mean(slope) - (ahead - behind) / (2 * step)) < 4 * error + 1e-6
        reverse = ft.grad(lambda *p: np.mean(sample(*p)), argnums=i)(*parameters)
        np.testing.assert_allclose(reverse, np.mean(slope), rtol=1e-9)


def test_second_derivatives_of_a_mean_are_those_of_the_expectation() -> None:
    for a in (0.7, 3.0):
        second = ft.hessian(lambda a: np.mean(random.gamma(KEY, a, (COUNT,)) ** 3))(a)
        np.testing.assert_allclose(second, 6 * a + 6, rtol=0.05)  # of a (a + 1) (a + 2)


# Under transforms


def test_gradients_are_the_same_under_jit_and_vmap() -> None:
    def f(a: Any, key: Any) -> Any:
        return np.sum(random.gamma(key, a, (3,)) * random.beta(key, a, 2.0, (3,)))

    keys, a = random.split(KEY, 5), np.linspace(0.2, 4, 5)
    expected = [ft.grad(f)(x, key) for x, key in zip(a, keys, strict=True)]
    np.testing.assert_allclose(ft.vmap(ft.grad(f))(a, keys), expected, rtol=1e-12)
    np.testing.assert_allclose(ft.vmap(ft.jit(ft.grad(f)))(a, keys), expected, rtol=1e-12)
    total = ft.grad(lambda a: np.sum(ft.vmap(f)(a, keys)))(a)
    np.testing.assert_allclose(total, expected, rtol=1e-12)
    one_key = ft.vmap(ft.grad(f), in_axes=(0, None))(a, KEY)
    np.testing.assert_allclose(one_key, [ft.grad(f)(x, KEY) for x in a], rtol=1e-12)


def test_forward_and_reverse_mode_agree_where_parameters_broadcast() -> None:
    def f(a: Any, b: Any) -> Any:
        return random.beta(KEY, a, b, (4, 2, 3))

    a, b = np.array([[0.5], [3.0]]), np.array([1.0, 2.0, 9.0])
    values, pull = ft.vjp(f, a, b)
    weights = np.linspace(-1, 1, values.size).reshape(values.shape)
    for i, ct in enumerate(pull(weights)):
        forward = ft.jacfwd(f, argnums=i)(a, b)
        np.testing.assert_allclose(ct, np.tensordot(weights, forward, 3), rtol=1e-11)


def test_a_variational_fit_by_reparametrised_gradients_finds_the_target() -> None:
    target = 3.5

    def loss(a: Any, key: Any) -> Any:  # the expected square distance of the mean of gamma numbers
        return (np.mean(random.gamma(key, a, (200,))) - target) ** 2

    step = ft.jit(ft.grad(loss))
    a = 1.0
    for i in range(150):
        a = a - 0.05 * step(a, random.fold_in(KEY, i))
    assert abs(a - target) < 0.2


# What carries a derivative, and what does not


def test_choices_and_permutations_carry_the_derivative_of_what_they_take() -> None:
    x = np.linspace(1, 2, 6)
    places = random.choice(KEY, 6, (4,))
    gradient = ft.grad(lambda x: np.sum(random.choice(KEY, x, (4,)) ** 2))(x)
    np.testing.assert_allclose(gradient, 2 * x * np.bincount(places, minlength=6))
    order = random.permutation(KEY, 6)
    gradient = ft.grad(lambda x: random.permutation(KEY, x) @ np.arange(6.0))(x)
    np.testing.assert_allclose(gradient[order], np.arange(6.0))
    p = np.full(6, 1 / 6)
    by_weight = ft.grad(lambda p: np.sum(random.choice(KEY, x, (4,), p=p)))(p)
    np.testing.assert_array_equal(by_weight, 0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda p: random.bernoulli(KEY, p, (5,)),
        lambda p: random.poisson(KEY, p, (5,)),
        lambda p: random.binomial(KEY, 9, p, (5,)),
        lambda p: random.categorical(KEY, stack_log(p), shape=(5,)),
    ],
)
def test_counts_and_truth_values_have_a_derivative_of_zero(draw: Any) -> None:
    assert ft.grad(lambda p: np.sum(p * draw(p)))(0.3) == np.sum(draw(0.3))


def stack_log(p: Any) -> Any:
    return np.log(ft.numpy.array([p, 1 - p]))


def test_a_key_has_no_derivative() -> None:
    with pytest.raises(TypeError, match="argument key"):
        ft.grad(lambda key: random.normal(key))(KEY)
    value = ft.jvp(lambda x: x * random.normal(KEY), (2.0,), (1.0,))
    np.testing.assert_allclose(value, [2 * random.normal(KEY), random.normal(KEY)])
