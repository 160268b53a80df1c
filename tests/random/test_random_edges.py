"""Draws at the edges of their parameters: NumPy's values, or the limits, and finite gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import random

KEY = random.key(3)
INF = np.inf
DTYPES = [np.float64, np.float32, np.float16]
Draw = Callable[..., Any]


def each_way(draw: Draw, *parameters: Any) -> list[Any]:
    """A draw by itself, compiled, and as one example of a batch."""
    batch = [np.stack([np.asarray(p)] * 3) for p in parameters]
    return [draw(*parameters), ft.jit(draw)(*parameters), ft.vmap(draw)(*batch)[1]]


# name: a draw, its parameters, and what each draw is
VALUES: dict[str, tuple[Draw, tuple[Any, ...], Any]] = {
    "gamma of 0": (lambda a: random.gamma(KEY, a, (3,)), (0.0,), [0.0] * 3),
    "gamma of 0 among others": (lambda a: random.gamma(KEY, a) == 0, ([0.0, 2.0],), [True, False]),
    "loggamma of 0": (lambda a: random.loggamma(KEY, a, (3,)), (0.0,), [-INF] * 3),
    "chisquare of 0": (lambda a: random.chisquare(KEY, a, (3,)), (0.0,), [0.0] * 3),
    "beta of 0 and 1": (lambda a, b: random.beta(KEY, a, b, (3,)), (0.0, 1.0), [0.0] * 3),
    "beta of 1 and 0": (lambda a, b: random.beta(KEY, a, b, (3,)), (1.0, 0.0), [1.0] * 3),
    "beta of 0 and 0": (lambda a, b: random.beta(KEY, a, b), (0.0, 0.0), np.nan),
    "dirichlet of 0": (lambda a: random.dirichlet(KEY, a), ([0.0, 1.0, 0.0],), [0.0, 1.0, 0.0]),
    "dirichlet of zeros": (lambda a: random.dirichlet(KEY, a), ([0.0, 0.0],), [0.0, 0.0]),
    "dirichlet of one": (lambda a: random.dirichlet(KEY, a), ([0.5],), [1.0]),
    "normal between equal bounds": (
        lambda low, high: random.truncated_normal(KEY, low, high), (50.0, 50.0), 50.0,
    ),
    "normal between infinities": (
        lambda low, high: random.truncated_normal(KEY, low, high), (INF, INF), INF,
    ),
    "uniform between equal bounds": (
        lambda low, high: random.uniform(KEY, (), float, low, high), (2.0, 2.0), 2.0,
    ),
    "poisson of 0": (lambda a: random.poisson(KEY, a, (3,)), (0.0,), [0] * 3),
    "binomial of no trials": (lambda n: random.binomial(KEY, n, 0.3), (0.0,), 0.0),
    "binomial without success": (lambda p: random.binomial(KEY, 7, p), (0.0,), 0.0),
    "binomial with success": (lambda p: random.binomial(KEY, 7, p), (1.0,), 7.0),
    "bernoulli of 0": (lambda p: random.bernoulli(KEY, p, (50,)).any(), (0.0,), False),
    "bernoulli of 1": (lambda p: random.bernoulli(KEY, p, (50,)).all(), (1.0,), True),
    "categorical of -inf": (
        lambda x: random.categorical(KEY, x, shape=(4,)), ([-INF, 0.0, -INF],), [1] * 4,
    ),
    "choice of 0": (
        lambda p: random.choice(KEY, 3, (4,), p=p), ([0.0, 1.0, 0.0],), [1] * 4,
    ),
    "choice of 0 without replacement": (
        lambda p: np.sort(random.choice(KEY, 4, (2,), replace=False, p=p)),
        ([0.0, 0.5, 0.0, 0.5],), [1, 3],
    ),
    "normal vectors of no variance": (
        lambda c: random.multivariate_normal(KEY, np.ones(2), c, method="eigh"),
        (np.zeros((2, 2)),), [1.0, 1.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_a_draw_at_an_edge_is_the_limit(name: str) -> None:
    draw, parameters, expected = VALUES[name]
    for drawn in each_way(draw, *[np.asarray(p) for p in parameters]):
        np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_has_no_weight_has_no_share_and_leaves_the_others_theirs(dtype: Any) -> None:
    def draw(alpha: Any) -> Any:
        return random.dirichlet(KEY, alpha, (5, 3), dtype)

    alpha = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.5], [1.0, 2.0, 3.0]], dtype)
    for drawn in each_way(draw, alpha):
        np.testing.assert_array_equal(drawn == 0, np.broadcast_to(alpha == 0, drawn.shape))
        np.testing.assert_allclose(drawn.sum(-1), 1, rtol=4 * np.finfo(dtype).eps)
        assert drawn.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("absent", [0.0, 1e-3])
def test_gradients_of_shares_beside_an_absent_one_are_those_without_it(
    dtype: Any, absent: float
) -> None:
    # An alpha of 1e-3 gives shares too small for a float too, whose logarithms have slopes that
    # half precision cannot hold.
    full = np.array([absent, 1.0, 2.0], dtype)

    def draw(alpha: Any) -> Any:
        return random.dirichlet(KEY, alpha, dtype=dtype)

    def others(alpha: Any) -> Any:
        logarithms = random.loggamma(KEY, np.stack([dtype(1), *alpha]), dtype=dtype)[1:]
        return ft.nn.softmax(logarithms)

    assert draw(full)[0] == 0
    expected = ft.jacobian(others)(full[1:])
    for mode in (ft.jacrev, ft.jacfwd, lambda f: ft.jit(ft.jacrev(f))):
        slopes = mode(draw)(full)
        np.testing.assert_array_equal(slopes[0], 0)
        np.testing.assert_array_equal(slopes[:, 0], 0)
        np.testing.assert_allclose(slopes[1:, 1:], expected, rtol=8 * np.finfo(dtype).eps)


SMALL = [0.0, 1e-300, 1e-150, 1e-30]


@pytest.mark.parametrize("a", SMALL)
def test_gradients_at_and_near_a_shape_of_zero_are_zero(a: float) -> None:
    for mode in (ft.jacrev, ft.jacfwd):
        assert mode(lambda a: random.gamma(KEY, a))(a) == 0
        assert mode(lambda a: random.chisquare(KEY, a))(a) == 0
        for draw in (lambda a: random.beta(KEY, a, 1.5), lambda a: random.beta(KEY, 1.5, a)):
            assert mode(draw)(a) == 0
            if a in (0.0, 1e-30):  # between, second derivatives are of squares that overflow
                assert ft.grad(mode(draw))(a) == 0
        slopes = mode(lambda a: random.dirichlet(KEY, np.stack([a, a, a])))(a)
        np.testing.assert_array_equal(slopes, 0)


def test_the_logarithm_of_a_gamma_number_moves_as_that_of_a_power() -> None:
    # log x is (log(u) + log Γ(a+1)) / a for small a, so that a dy/da is -y - γ
    for a in (1e-140, 1e-110, 1e-99, 1e-60):
        y, slope = ft.jvp(lambda a: random.loggamma(KEY, a), (a,), (1.0,))
        np.testing.assert_allclose(slope * a, -y - np.euler_gamma, rtol=1e-12)
    assert ft.grad(lambda a: random.loggamma(KEY, a))(0.0) == INF


def test_parameters_out_of_range_are_nan_beside_an_edge() -> None:
    a = np.array([0.0, -1.0, np.nan, INF, 2.0])
    nan = [False, True, True, True, False]
    for draw in (random.gamma, random.loggamma, random.chisquare):
        np.testing.assert_array_equal(np.isnan(draw(KEY, a)), nan)
        slopes = ft.jvp(lambda a, draw=draw: draw(KEY, a), (a[[0, 4]],), (np.ones(2),))[1]
        assert not np.isnan(slopes).any()
    assert np.isnan(random.dirichlet(KEY, [-1.0, 0.0, 1.0])).all()
    assert np.isnan(random.beta(KEY, -1.0, 0.0))
    assert np.isnan(random.truncated_normal(KEY, 2.0, 1.0))


def test_gradients_of_one_draw_are_finite_where_another_is_at_its_edge() -> None:
    a = np.array([0.0, 2.0])
    for draw in (random.gamma, random.chisquare):
        slopes = ft.grad(lambda a, draw=draw: np.sum(draw(KEY, a)))(a)
        alone = ft.jacfwd(lambda a, draw=draw: draw(KEY, np.stack([1.0, a]))[1])(2.0)
        np.testing.assert_allclose(slopes, [0.0, alone], rtol=1e-14)


# Bounds that are equal or infinite: with a probability of u below, (1 - u, u)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.0, 1.0, None),
        (50.0, 50.0, None),
        (INF, INF, None),
        (-INF, -INF, None),
        (-INF, INF, (0.0, 0.0)),
    ],
)
def test_normal_numbers_between_bounds_move_with_them(
    low: float, high: float, expected: Any
) -> None:
    def draw(low: Any, high: Any) -> Any:
        return random.truncated_normal(KEY, low, high)

    slopes = ft.grad(draw, (0, 1))(low, high)
    if expected is None:
        assert 0 < slopes[1] < 1
        expected = (1 - slopes[1], slopes[1])
    np.testing.assert_allclose(slopes, expected, rtol=1e-12)


# Normal vectors in a plane


@pytest.mark.parametrize("method", ["eigh", "svd"])
def test_normal_vectors_of_a_singular_covariance_stay_in_its_plane(method: str) -> None:
    def draw(mean: Any, cov: Any) -> Any:
        return random.multivariate_normal(KEY, mean, cov, (4,), method=method)

    mean, cov = np.array([1.0, 2.0, 3.0]), np.diag([4.0, 0.0, 1.0])
    cov[0, 2] = cov[2, 0] = 1.0
    drawn = draw(mean, cov)
    np.testing.assert_array_equal(drawn[:, 1], 2.0)
    slopes = ft.jacrev(draw, (0, 1))(mean, cov)
    assert all(np.isfinite(s).all() for s in slopes)
    np.testing.assert_array_equal(slopes[0], np.broadcast_to(np.eye(3), (4, 3, 3)))
    # along a direction of the same rank, as by differences; the vectors' signs are the same
    step = 1e-6 * cov
    ahead, behind = draw(mean, cov + step), draw(mean, cov - step)
    along = np.einsum("nijk,jk->ni", slopes[1], cov)
    np.testing.assert_allclose(along, (ahead - behind) / 2e-6, rtol=1e-7, atol=1e-9)
