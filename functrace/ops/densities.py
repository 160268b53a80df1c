"""The gamma and the beta density as ops that keep all digits, with NumPy alone.

Both are a few large numbers' difference in an exponent. Here that difference is one of small
numbers: of the errors of Stirling's formula, and of what the argument is off the mode. Loader
(2000), "Fast and accurate computation of binomial probabilities".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..recorder import bind
from ._numeric import Slope, numeric
from .elementwise import equal, greater_equal, log, log1p, logical_and, logical_or, where
from .gamma_slope import polygamma

_TINY, _HUGE = 1e-300, 1e300


def _stirling_rest(a: np.ndarray) -> np.ndarray:
    """Give log Γ(a+1) - a log a + a, for a >= 0. DLMF 5.11.1."""
    near = a < 10
    shifted = np.where(near, a + 10, a)
    square = shifted**2
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / (1188 * square)) / square) / square)
              / square) / shifted  # fmt: skip
    value = 0.5 * np.log(2 * np.pi * shifted) + series
    if near.any():
        low = np.where(near, a, 0.0)
        rising = np.ones_like(low)
        for k in range(1, 11):
            rising = rising * (low + k)
        lower = value + (low + 10) * np.log(low + 10) - 10 - np.log(rising) - _x_log_x(low)
        value = np.where(near, lower, value)
    return value


def _x_log_x(x: np.ndarray) -> np.ndarray:
    return x * np.log(np.maximum(x, _TINY))


def _deviance(a: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Give mean - a - a log(mean / a), which is at least 0."""
    positive = np.maximum(a, _TINY)
    excess = (mean - a) / positive
    near = np.abs(excess) < 0.5
    close = a * (excess - np.log1p(np.where(near, excess, 0)))
    apart = mean - a - a * (np.log(np.maximum(mean, _TINY)) - np.log(positive))
    return np.where(near, close, apart)


def _at_end(shape: np.ndarray, height: Any) -> np.ndarray:
    """A density at an end of its range, where it behaves as a power of shape - 1."""
    return np.select([shape > 1, shape == 1, shape == 0], [0.0, height, 0.0], np.inf)


def _where_present(density: Any, x: Any, slope: Callable[[Any], Any]) -> Any:
    """A slope in proportion to a density: 0 where the density is, wherever that x may be."""
    absent = equal(density, 0)
    return where(absent, 0, density * slope(where(absent, 0.5, x)))


# Gamma


def gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) e^(-x) / Γ(a), and 0 for a = 0; for operands of one real dtype."""
    return bind(GAMMA_DENSITY, a, x)


def _gamma_values(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    inner = np.clip(x, _TINY, _HUGE)
    exponent = -_stirling_rest(np.maximum(a, 0)) - _deviance(a, inner)
    value = np.where(x == 0, _at_end(a, 1.0), np.exp(exponent) * (a / inner))
    return np.where((x < 0) | (a < 0), np.nan, value)


def _gamma_slopes(p: Any, a: Any, x: Any) -> tuple[Slope, ...]:
    def by_x() -> Any:
        start = logical_and(equal(x, 0), greater_equal(a, 1))  # there as p(a-1) - p(a)
        inside = p * ((a - 1) / where(start, 1, x) - 1)
        return where(start, gamma_density(where(start, a - 1, 1), x) - p, inside)

    return lambda: _where_present(p, x, lambda x: log(x) - polygamma(0, a)), by_x


GAMMA_DENSITY = numeric("gamma_density", _gamma_values, _gamma_slopes)

# Beta


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b), and 0 for a = 0 or b = 0; for operands of one real dtype."""
    return bind(BETA_DENSITY, a, b, x)


def _beta_values(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    inside = (x > 0) & (x < 1)
    x_in = np.where(inside, x, 0.5)
    y_in = 1 - x_in
    n = a + b
    exponent = _stirling_rest(n) - _stirling_rest(a) - _stirling_rest(b)
    exponent = exponent - _deviance(a, n * x_in) - _deviance(b, n * y_in)
    value = np.exp(exponent) * (a * b / (np.maximum(n, _TINY) * x_in * y_in))
    at_end = np.where(x == 0, _at_end(a, b), np.where(x == 1, _at_end(b, a), np.nan))
    return np.where((a < 0) | (b < 0), np.nan, np.where(inside, value, at_end))


def _beta_slopes(p: Any, a: Any, b: Any, x: Any) -> tuple[Slope, ...]:
    def by_x() -> Any:
        """As (a+b-1) (p(a-1, b) - p(a, b-1)) at the ends of the range."""
        start = logical_and(equal(x, 0), greater_equal(a, 1))
        end = logical_and(equal(x, 1), greater_equal(b, 1))
        rising = (a + b - 1) * beta_density(where(start, a - 1, 1), b, x)
        falling = (a + b - 1) * beta_density(a, where(end, b - 1, 1), x)
        at_start = rising - where(equal(a, 1), b * (b - 1), 0)
        at_end = where(equal(b, 1), a * (a - 1), 0) - falling
        y = where(logical_or(start, end), 0.5, x)
        inner = p * ((a - 1) / y - (b - 1) / (1 - y))
        return where(start, at_start, where(end, at_end, inner))

    def both() -> Any:
        return polygamma(0, a + b)

    return (
        lambda: _where_present(p, x, lambda x: log(x) + both() - polygamma(0, a)),
        lambda: _where_present(p, x, lambda x: log1p(-x) + both() - polygamma(0, b)),
        by_x,
    )


BETA_DENSITY = numeric("beta_density", _beta_values, _beta_slopes)
