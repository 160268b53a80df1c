"""Random numbers have the distributions they are named for, by SciPy's. Keys are fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from functrace import random
from functrace.ops import philox, ziggurat

stats: Any = pytest.importorskip("scipy.stats")

COUNT = 20_000
LEAST = 1e-3  # the p-value below which a test would fail; keys are fixed, so it is passed for good
KEYS = random.split(random.key(1), 100)


CONTINUOUS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("uniform", (), stats.uniform()),
    ("normal", (), stats.norm()),
    ("exponential", (), stats.expon()),
    ("laplace", (), stats.laplace()),
    ("logistic", (), stats.logistic()),
    ("gumbel", (), stats.gumbel_r()),
    ("cauchy", (), stats.cauchy()),
    *[("truncated_normal", ends, stats.truncnorm(*ends))
      for ends in ((-1.0, 1.0), (-np.inf, -3.0), (4.0, 4.5), (-0.2, 9.0), (12.0, np.inf))],
    *[("gamma", (a,), stats.gamma(a)) for a in (0.1, 0.6, 1.0, 1.1, 4.0, 300.0, 1e6)],
    *[("chisquare", (df,), stats.chi2(df)) for df in (0.7, 5.0)],
    *[("t", (df,), stats.t(df)) for df in (0.8, 3.0, 60.0)],
    *[("beta", ab, stats.beta(*ab)) for ab in ((0.4, 0.3), (1.0, 1.0), (2.0, 7.0), (90.0, 30.0))],
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "distribution"), CONTINUOUS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_continuous_distributions(
    name: str, arguments: tuple[Any, ...], distribution: Any, dtype: Any
) -> None:
    for key in KEYS[:2]:
        drawn = getattr(random, name)(key, *arguments, shape=(COUNT,), dtype=dtype)
        assert drawn.dtype == dtype
        assert stats.kstest(drawn.astype(float), distribution.cdf).pvalue > LEAST


@pytest.mark.parametrize(("name", "arguments", "distribution"), CONTINUOUS)
def test_moments(name: str, arguments: tuple[Any, ...], distribution: Any) -> None:
    mean, variance, kurtosis = distribution.stats("mvk")
    if not np.isfinite(mean) or not np.isfinite(kurtosis):  # Cauchy's kind
        return
    drawn = getattr(random, name)(KEYS[2], *arguments, shape=(COUNT,))
    spread = np.sqrt(variance / COUNT)
    assert abs(np.mean(drawn) - mean) < 4 * spread
    assert abs(np.var(drawn) - variance) < 4 * variance * np.sqrt((kurtosis + 2) / COUNT)


def test_logarithms_of_gamma_numbers_that_are_too_small_for_a_float() -> None:
    for a in (1e-4, 0.01, 0.5):
        drawn = random.loggamma(KEYS[0], a, (COUNT,))
        assert np.isfinite(drawn).all()
        small = np.exp(stats.gamma(a).logcdf(np.exp(np.maximum(drawn, -600))))
        # P(a, x) is x^a / Γ(a + 1) where x is small. DLMF 8.7.1
        rank = np.where(drawn < -600, np.exp(a * drawn - np.log(stats.gamma(a + 1).pdf(1)) - 1), 0)
        if a < 0.1:
            rank = np.where(drawn < -600, rank, small)
            assert stats.kstest(rank, "uniform").pvalue > LEAST
        else:
            assert stats.kstest(small, "uniform").pvalue > LEAST


# Normal numbers more closely


def test_normal_numbers_fill_all_bins_evenly() -> None:
    drawn = random.normal(KEYS[3], (1_000_000,))
    edges = stats.norm.ppf(np.linspace(0, 1, 501))
    counts = np.histogram(drawn, edges)[0]
    assert stats.chisquare(counts).pvalue > LEAST


def test_normal_numbers_beyond_the_edge_of_the_ziggurat() -> None:
    edge = float(ziggurat._EDGE)
    blocks = philox.blocks(KEYS[4], np.arange(COUNT), 0, philox.ATTEMPTS)
    place = np.where(np.arange(COUNT) % 2, 1.0, -1.0)
    drawn, again = ziggurat._tail(blocks, place)
    assert again.mean() < 0.1
    beyond = stats.truncnorm(edge, np.inf)
    assert stats.kstest(np.abs(drawn[~again]), beyond.cdf).pvalue > LEAST
    assert np.array_equal(np.sign(drawn), place)


def test_normal_numbers_that_the_first_comparison_does_not_decide() -> None:
    """They are of the area between the curve and the layers' insides, or anew if rejected."""
    drawn = random.normal(KEYS[5], (2_000_000,))
    outside = ziggurat._across(philox.words(KEYS[5:6], len(drawn)))[2][0]
    tables, area = ziggurat._tables(), float(ziggurat._AREA)
    inside = float(np.sum(tables.rise * tables.inner))
    under, between = np.sqrt(np.pi / 2), len(tables.rise) * area - inside
    assert abs(outside.mean() - between / (between + inside)) < 2e-4
    accepted = (under - inside) / between

    def distribution(x: np.ndarray) -> np.ndarray:
        normal = 2 * stats.norm.cdf(x) - 1
        core = np.array([np.sum(tables.rise * np.minimum(each, tables.inner)) for each in x])
        return accepted * (under * normal - core) / (under - inside) + (1 - accepted) * normal

    assert stats.kstest(np.abs(drawn[outside]), distribution).pvalue > LEAST


# Counts


def chi_square(drawn: np.ndarray, distribution: Any) -> float:
    """The p-value of counts, with rare values put together."""
    low, high = int(drawn.min()), int(drawn.max())
    seen = np.bincount((drawn - low).astype(int)).astype(float)
    expected = distribution.pmf(np.arange(low, high + 1)) * len(drawn)
    often = expected > 8
    rest = len(drawn) - expected[often].sum()
    seen, expected = np.append(seen[often], seen[~often].sum()), np.append(expected[often], rest)
    return stats.chisquare(seen[expected > 4], expected[expected > 4], sum_check=False).pvalue


@pytest.mark.parametrize("mean", [0.02, 1.0, 9.9, 10.0, 11.0, 45.0, 2000.0])
def test_poisson_counts(mean: float) -> None:
    drawn = random.poisson(KEYS[6], mean, (COUNT,))
    assert chi_square(drawn, stats.poisson(mean)) > LEAST


def test_poisson_counts_of_a_large_mean_are_normal() -> None:
    drawn = random.poisson(KEYS[7], 1e12, (COUNT,))
    assert stats.kstest((drawn - 1e12) / 1e6, "norm").pvalue > LEAST
    assert (random.poisson(KEYS[7], 0.0, (9,)) == 0).all()


@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.3), (12, 0.5), (30, 0.34), (100, 0.05), (100, 0.95), (400, 0.5), (10**6, 1e-5)],
)
def test_binomial_counts(n: int, p: float) -> None:
    drawn = random.binomial(KEYS[8], n, p, (COUNT,))
    assert chi_square(drawn, stats.binom(n, p)) > LEAST


def test_binomial_counts_at_the_ends() -> None:
    assert (random.binomial(KEYS[9], 40, [0.0, 1.0]) == [0, 40]).all()
    assert random.binomial(KEYS[9], 0, 0.5) == 0
    large = random.binomial(KEYS[9], 10**14, 0.5, (COUNT,))
    assert stats.kstest((large - 5e13) / 5e6, "norm").pvalue > LEAST


def test_truth_values_and_signs() -> None:
    p = np.array([0.0, 0.2, 0.5, 1.0])
    drawn = random.bernoulli(KEYS[10], p, (COUNT, 4))
    np.testing.assert_allclose(drawn.mean(0), p, atol=4 * 0.5 / np.sqrt(COUNT))
    assert not drawn[:, 0].any()
    assert drawn[:, 3].all()
    signs = random.rademacher(KEYS[10], (COUNT,))
    assert set(signs) == {-1, 1}
    assert abs(signs.mean()) < 4 / np.sqrt(COUNT)


@pytest.mark.parametrize(("low", "high"), [(0, 2), (-7, 5), (0, 1000), (2**62, 2**62 + 3)])
def test_integers_are_equally_likely(low: int, high: int) -> None:
    drawn = random.randint(KEYS[11], (COUNT,), low, high)
    assert drawn.min() >= low
    assert drawn.max() < high
    assert stats.chisquare(np.bincount(drawn - low, minlength=high - low)).pvalue > LEAST


def test_integers_of_a_range_that_is_no_power_of_two_and_nearly_all_of_the_words() -> None:
    span = 3 * 2**62  # a fourth of all words has to be drawn again
    drawn = random.randint(KEYS[12], (COUNT,), -(2**63), -(2**63) + span)
    assert stats.kstest((drawn.astype(float) + 2.0**63) / span, "uniform").pvalue > LEAST
    thirds = np.bincount((drawn >> 62) + 2)
    assert stats.chisquare(thirds).pvalue > LEAST


def test_integers_up_to_the_ends_of_their_dtype() -> None:
    for dtype, high in ((np.uint8, 256), (np.int8, 128)):
        drawn = random.randint(KEYS[13], (COUNT,), high - 256, high, dtype)
        assert drawn.dtype == dtype
        assert len(np.unique(drawn)) == 256
    assert random.randint(KEYS[13], (COUNT,), 0, 2**64 - 1, np.uint64).max() > 2**63


def test_bits_are_0_or_1_equally_often_and_independent() -> None:
    bits = np.unpackbits(random.bits(KEYS[14], (COUNT,)).view(np.uint8)).reshape(COUNT, 64)
    assert np.max(np.abs(bits.mean(0) - 0.5)) < 4.5 * 0.5 / np.sqrt(COUNT)
    assert np.max(np.abs(np.corrcoef(bits.T) - np.eye(64))) < 5 / np.sqrt(COUNT)


# Choices


def test_categories_are_as_likely_as_their_weights() -> None:
    p = np.array([0.05, 0.15, 0.5, 0.3])
    logits = np.log(p) + 700
    drawn = random.categorical(KEYS[15], logits, shape=(COUNT,))
    assert stats.chisquare(np.bincount(drawn), p * COUNT).pvalue > LEAST
    drawn = random.choice(KEYS[15], 4, (COUNT,), p=p)
    assert stats.chisquare(np.bincount(drawn), p * COUNT).pvalue > LEAST
    drawn = random.choice(KEYS[15], 4, (COUNT,))
    assert stats.chisquare(np.bincount(drawn)).pvalue > LEAST


def test_what_has_no_weight_is_never_chosen() -> None:
    p = [0.0, 0.5, 0.0, 0.5, 0.0]
    assert set(random.choice(KEYS[16], 5, (COUNT,), p=p)) == {1, 3}
    assert set(random.choice(KEYS[16], 5, (2,), False, p)) == {1, 3}
    logits = [-np.inf, 0.0, -np.inf, 0.0]
    assert set(random.categorical(KEYS[16], logits, shape=(COUNT,))) == {1, 3}


def test_orders_are_equally_likely() -> None:
    keys = random.split(KEYS[17], 6000)
    orders = np.stack([random.permutation(key, 3) for key in keys])
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > LEAST


def test_draws_without_replacement_are_as_likely_as_one_after_the_other() -> None:
    p = np.array([0.5, 0.3, 0.2])
    keys = random.split(KEYS[18], 6000)
    for draw in (
        lambda key: random.choice(key, 3, (2,), False, p),
        lambda key: random.categorical(key, np.log(p), shape=(2,), replace=False),
    ):
        pairs = np.stack([draw(key) for key in keys])
        seen = np.bincount(3 * pairs[:, 0] + pairs[:, 1], minlength=9).reshape(3, 3)
        expected = 6000 * p[:, None] * p / (1 - p[:, None]) * (1 - np.eye(3))
        off = ~np.eye(3, dtype=bool)
        assert not seen[~off].any()
        assert stats.chisquare(seen[off], expected[off]).pvalue > LEAST


def test_each_vector_has_an_order_of_its_own_when_independent() -> None:
    x = np.tile(np.arange(50), (20, 1))
    mixed = random.permutation(KEYS[19], x, 1, independent=True)
    assert (np.sort(mixed, 1) == x).all()
    assert len(np.unique(mixed, axis=0)) == 20
    together = random.permutation(KEYS[19], x, 1)
    assert len(np.unique(together, axis=0)) == 1


# Vectors


def test_dirichlet_vectors() -> None:
    alpha = np.array([0.3, 2.0, 5.0])
    drawn = random.dirichlet(KEYS[20], alpha, (COUNT,))
    np.testing.assert_allclose(drawn.sum(1), 1, rtol=1e-14)
    for i in range(3):
        share = stats.beta(alpha[i], alpha.sum() - alpha[i])
        assert stats.kstest(drawn[:, i], share.cdf).pvalue > LEAST


@pytest.mark.parametrize("method", ["cholesky", "eigh", "svd"])
def test_normal_vectors(method: str) -> None:
    mean = np.array([1.0, -2.0, 0.5])
    cov = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.7]])
    drawn = random.multivariate_normal(KEYS[21], mean, cov, (COUNT,), method=method)
    distance = np.einsum("ni,ij,nj->n", drawn - mean, np.linalg.inv(cov), drawn - mean)
    assert stats.kstest(distance, stats.chi2(3).cdf).pvalue > LEAST
    np.testing.assert_allclose(np.cov(drawn.T), cov, atol=0.06)
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.05)


def test_normal_vectors_of_many_means_and_covariances() -> None:
    mean, cov = np.arange(6.0).reshape(3, 2), np.stack([np.eye(2) * s for s in (1e-6, 1, 4)])
    drawn = random.multivariate_normal(KEYS[22], mean, cov, (COUNT, 3))
    assert drawn.shape == (COUNT, 3, 2)
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.08)
    np.testing.assert_allclose(drawn.var(0), [[1e-6] * 2, [1] * 2, [4] * 2], rtol=0.06)


def test_complex_normal_numbers_have_variance_1() -> None:
    drawn = random.normal(KEYS[23], (COUNT,), complex)
    assert stats.kstest(drawn.real * np.sqrt(2), "norm").pvalue > LEAST
    assert stats.kstest(drawn.imag * np.sqrt(2), "norm").pvalue > LEAST
    assert abs(np.mean(drawn**2)) < 4 / np.sqrt(COUNT)
