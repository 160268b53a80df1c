"""Normal numbers between two bounds, as a function of a uniform number.

The number x is where the distribution function, restricted to the bounds, is u. Probabilities are
taken from the nearer end, so that none is lost to 1. Where u stays and a bound moves,

    dx/dlower = (1 - u) exp((x^2 - lower^2) / 2),    dx/dupper = u exp((x^2 - upper^2) / 2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..primitive import ZERO
from ..recorder import bind
from ._families import elementwise
from .elementwise import equal, exp, isinf, logical_and, where

_FAR = 36.0  # beyond, probabilities are near the smallest numbers there are


def truncated_normal(u: Any, lower: Any, upper: Any) -> Any:
    """The number at u of the normal distribution between bounds; NaN where lower > upper.

    Args:
        u: uniform numbers between 0 and 1, of the floating dtype of the bounds.
    """
    return bind(TRUNCATED_NORMAL, u, lower, upper)


def _impl(u: Any, lower: Any, upper: Any) -> Any:
    wide = [np.asarray(x, np.float64) for x in (u, lower, upper)]
    with np.errstate(all="ignore"):
        found = _between(*wide)
        found = np.where(wide[1] == wide[2], wide[1], np.clip(found, wide[1], wide[2]))
        found = np.where(wide[1] > wide[2], np.nan, found)
    return found.astype(np.asarray(u).dtype)[()]


def _between(u: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    below, above = _cumulative(low), _cumulative(-high)  # what is cut off at both ends
    inside = np.where(low > 0, _cumulative(-low) - above, _cumulative(high) - below)
    from_below = below + u * inside
    from_above = above + (1 - u) * inside
    left = from_below < from_above
    quantile = _quantile(np.where(left, from_below, from_above))
    found = np.where(left, quantile, -quantile)
    far_right, far_left = low > _FAR, high < -_FAR
    if far_right.any():
        found = np.where(far_right, _far(u, np.maximum(low, _FAR), high), found)
    if far_left.any():
        found = np.where(far_left, -_far(1 - u, np.maximum(-high, _FAR), -low), found)
    return found


def _rise(x: Any, bound: Any) -> Any:
    """(x^2 - bound^2) / 2, and 0 where both are the same infinity."""
    same = logical_and(equal(x, bound), isinf(x))
    x, bound = where(same, 0, x), where(same, 0, bound)
    return (x - bound) * (x + bound) * 0.5


TRUNCATED_NORMAL = elementwise(
    "truncated_normal", _impl, lambda u, lower, upper: u.dtype,
    (
        ZERO,  # u is drawn from a key and carries no tangent
        lambda t, x, u, lower, upper: t * ((1 - u) * exp(_rise(x, lower))),
        lambda t, x, u, lower, upper: t * (u * exp(_rise(x, upper))),
    ),
)  # fmt: skip

# The distribution function of the normal distribution, and its inverse below 1/2

_erfc = np.frompyfunc(math.erfc, 1, 1)  # bounds are few


def _cumulative(x: np.ndarray) -> np.ndarray:
    return 0.5 * np.asarray(_erfc(x / -math.sqrt(2)), np.float64)


# Wichura, "Algorithm AS 241: The percentage points of the normal distribution", 1988 (PPND16):
# numerators and denominators of rational functions, the highest powers first.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
     1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
     1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
     6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip


def _quantile(p: np.ndarray) -> np.ndarray:
    """The number below which a normal number is with a probability of at most 1/2."""
    q = p - 0.5
    r = np.sqrt(-np.log(p))
    far = np.where(r <= 5, _ratio(_MIDDLE, r - 1.6), _ratio(_TAIL, r - 5))
    return np.where(q >= -0.425, q * _ratio(_CENTRE, 0.180625 - q * q), -far)


def _ratio(coefficients: Any, x: np.ndarray) -> np.ndarray:
    above, below = (np.polyval(np.array(c), x) for c in coefficients)
    return above / below


# Far out on the right


def _far(u: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """By Newton's method, from where the density x exp(-x^2 / 2) would have its number."""
    start = _log_beyond(low)
    part = np.log1p(u * np.expm1(_log_beyond(high) - start))
    x = np.sqrt(low**2 - 2 * part)
    for _ in range(3):
        x = x + (_log_beyond(x) - start - part) / (x + 1 / x)
    return x


def _log_beyond(x: np.ndarray) -> np.ndarray:
    """The logarithm of the probability beyond a large x, up to a constant. DLMF 7.12.1."""
    r = 1 / x**2
    series = -r * (1 - r * (3 - r * (15 - r * 105)))
    return -(x**2) / 2 - np.log(x) + np.log1p(series)
