"""The incomplete beta function's derivatives by its parameters, with NumPy alone.

With D the beta density of a + 1 and b + 1, and r = x / (1 - x),

    I_x(a, b) = D b (1 / (a+b) + r ∫ (1 + r (1 - e^-v))^(b-1) e^(-(a+1) v) dv) / (a+b+1),  v > 0,

from DLMF 8.17.8 after one step of the series. For x <= (a+1) / (a+b+2) the integrand falls from 1;
it is cut off where it is below rounding, and Gauss-Legendre quadrature then gives all digits. The
derivatives of the integral by the parameters are integrals with logarithms of the powers' bases,
and those of the factors are series, so that derivatives of all orders come of one formula. Beyond,
I_x(a, b) = 1 - I_(1-x)(b, a). DLMF 8.17.4.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..recorder import bind
from ._jets import Jet, derivative, exponential, product, table
from ._numeric import Slope, numeric
from .densities import beta_density
from .elementwise import equal, log, log1p, logical_or, where
from .gamma_slope import polygamma

_CUT = 40.0  # e^-40 is less than rounding
_NODES = 64
_BLOCK = 1 << 15  # numbers that are worked on at once


def betainc_by_a(a: Any, b: Any, x: Any) -> Any:
    """The derivative of the regularised incomplete beta function I_x(a, b) by a."""
    return beta_density(a + 1, b + 1, x) * beta_shape(a, b, x, 1, 0)


def betainc_by_b(a: Any, b: Any, x: Any) -> Any:
    """The derivative of the regularised incomplete beta function I_x(a, b) by b."""
    return beta_density(a + 1, b + 1, x) * beta_shape(a, b, x, 0, 1)


def beta_sample_slopes(a: Any, b: Any, x: Any) -> tuple[Slope, Slope]:
    """How a sample x of the beta distribution moves with a and with b, at fixed I_x(a, b).

    From dI = 0: dx/da = -(∂I/∂a) / (∂I/∂x). Figurnov, Mohamed & Mnih (2018).
    """
    n = a + b
    scale = -(x * (1 - x)) * (n * (n + 1) / (a * b))
    return lambda: scale * beta_shape(a, b, x, 1, 0), lambda: scale * beta_shape(a, b, x, 0, 1)


def beta_shape(a: Any, b: Any, x: Any, by_a: int, by_b: int) -> Any:
    """A derivative of I_x(a, b) by a and b, over the density of a + 1 and b + 1."""
    return bind(BETA_SHAPE, a, b, x, by_a=by_a, by_b=by_b)


def _values(a: np.ndarray, b: np.ndarray, x: np.ndarray, *, by_a: int, by_b: int) -> np.ndarray:
    value = np.full(x.shape, np.nan)
    low = x <= (a + 1) / (a + b + 2)
    if low.any():
        value[low] = _below(a[low], b[low], x[low], by_a, by_b)
    high = x > (a + 1) / (a + b + 2)
    if high.any():
        value[high] = -_below(b[high], a[high], 1 - x[high], by_b, by_a)
    return value


def _below(a: np.ndarray, b: np.ndarray, x: np.ndarray, by_a: int, by_b: int) -> np.ndarray:
    rows, columns = by_a + 1, by_b + 1
    x = np.maximum(x, 1e-300)
    odds = x / (1 - x)
    integrals = _integrals(a, b, odds, rows, columns)
    first = _reciprocal(a + b, rows, columns)
    total = table(rows, columns, lambda i, j: first[i][j] + odds * integrals[i][j])
    total = product(total, _reciprocal(a + b + 1, rows, columns))
    shape = table(rows, columns, lambda i, j: (b, 1.0)[j] if i == 0 and j < 2 else 0.0)
    return derivative(product(product(_factor(a, b, x, rows, columns), shape), total))


@lru_cache(maxsize=1)
def _rule() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the Gauss-Legendre rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2


def _integrals(a: np.ndarray, b: np.ndarray, odds: np.ndarray, rows: int, columns: int) -> Jet:
    """The integral as a series in the parameters."""
    sums: Jet = table(rows, columns, lambda i, j: 0.0)
    limit, (nodes, weights) = _limit(a, b, odds), _rule()
    at_once = max(1, _BLOCK // max(limit.size, 1))
    for start in range(0, _NODES, at_once):
        part = slice(start, start + at_once)
        v = nodes[part, None] * limit
        grown = np.log1p(-odds * np.expm1(-v))
        row = np.exp((b - 1) * grown - (a + 1) * v)
        for i in range(rows):
            term = row
            for j in range(columns):
                sums[i][j] = sums[i][j] + weights[part] @ term
                term = term * grown / (j + 1)
            row = row * -v / (i + 1)
    return [[entry * limit for entry in row] for row in sums]


def _limit(a: np.ndarray, b: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """Where the integrand has fallen far enough."""
    b = np.maximum(b, 1)
    slope = a + 1 - (b - 1) * odds  # at v = 0, below which a concave exponent stays
    limit = np.minimum(_CUT / slope, (_CUT + (b - 1) * np.log1p(odds)) / (a + 1))
    for _ in range(12):  # Newton's steps, from the far side of a concave function
        grown = -odds * np.expm1(-limit)
        value = (b - 1) * np.log1p(grown) - (a + 1) * limit
        step = (b - 1) * odds * np.exp(-limit) / (1 + grown) - (a + 1)
        limit = limit - (value + _CUT) / step
    return limit


# Series of the factors, traceable


def _factor(a: Any, b: Any, x: Any, rows: int, columns: int) -> Jet:
    """The density of a + 1 and b + 1, over its value."""

    def entry(i: int, j: int) -> Any:
        if i + j == 0:
            return 0.0
        value = polygamma(i + j - 1, a + b + 2)
        if j == 0:
            value = value - polygamma(i - 1, a + 1)
        if i == 0:
            value = value - polygamma(j - 1, b + 1)
        if i + j == 1:
            value = value + (log(x) if i else log1p(-x))
        return value * (1 / (math.factorial(i) * math.factorial(j)))

    return exponential(table(rows, columns, entry))


def _reciprocal(n: Any, rows: int, columns: int) -> Jet:
    """1 / n, where n is a sum of both parameters."""
    return table(
        rows, columns, lambda i, j: n ** (-1.0 - i - j) * ((-1.0) ** (i + j) * math.comb(i + j, i))
    )


def _product_of_parameters(a: Any, b: Any, i: int, j: int) -> Any:
    return ((a * b, a), (b, 1.0))[i][j] if i < 2 and j < 2 else 0.0


def _slopes(h: Any, a: Any, b: Any, x: Any, *, by_a: int, by_b: int) -> tuple[Slope, ...]:
    """Of a derivative of I over D, where ∂I/∂x = D a b / ((a+b) (a+b+1) x (1-x))."""
    x = where(logical_or(equal(x, 0), equal(x, 1)), 0.5, x)  # the density beside it is 0 there

    def in_a() -> Any:
        step = log(x) - polygamma(0, a + 1) + polygamma(0, a + b + 2)
        return beta_shape(a, b, x, by_a + 1, by_b) - h * step

    def in_b() -> Any:
        step = log1p(-x) - polygamma(0, b + 1) + polygamma(0, a + b + 2)
        return beta_shape(a, b, x, by_a, by_b + 1) - h * step

    def in_x() -> Any:
        rows, columns = by_a + 1, by_b + 1
        both = table(rows, columns, lambda i, j: _product_of_parameters(a, b, i, j))
        for n in (a + b, a + b + 1):
            both = product(both, _reciprocal(n, rows, columns))
        moved = derivative(product(_factor(a, b, x, rows, columns), both))
        return moved / (x * (1 - x)) - h * (a / x - b / (1 - x))

    return in_a, in_b, in_x


BETA_SHAPE = numeric("beta_shape", _values, _slopes)
