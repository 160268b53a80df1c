"""The Hurwitz zeta function and its derivatives, with NumPy alone.

By Euler-Maclaurin summation: a few terms of the series as they are, and an asymptotic expansion of
the rest, each as a Taylor series in the order s. DLMF 25.11.5.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..recorder import bind
from ._jets import Jet, derivative, product, table
from ._numeric import Slope, numeric

_SHIFT = 10  # terms that are summed as they are, beside as many as the order
_BERNOULLI = (  # B2, B4, ... DLMF 24.2.1
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330,
)  # fmt: skip


def hurwitz(s: Any, q: Any, order: int = 0) -> Any:
    """The derivative of an order by s of Σ (q + k)^(-s), for q > 0; continued to s < 1."""
    return bind(HURWITZ, s, q, order=order)


def _values(s: np.ndarray, q: np.ndarray, *, order: int) -> np.ndarray:
    terms = _SHIFT + int(np.max(np.abs(s), initial=0, where=np.abs(s) < 100))
    w = q + terms
    value = np.zeros(s.shape)
    for k in range(terms):
        value += (q + k) ** -s * (-np.log(q + k)) ** order
    power = _series(lambda j: w**-s * (-np.log(w)) ** j / math.factorial(j), order)
    tail = _series(lambda j: w * (-1) ** j * (s - 1) ** (-j - 1.0) + 0.5 * (j == 0), order)
    rising = _shifted(s, order)
    for k, number in enumerate(_BERNOULLI, 1):
        factor = number / math.factorial(2 * k) * w ** (1 - 2 * k)
        tail = [[a + factor * b for a, b in zip(tail[0], rising[0], strict=True)]]
        for step in (2 * k - 1, 2 * k):  # (s)_(2k-1) becomes (s)_(2k+1)
            rising = product(rising, _shifted(s + step, order))
    return value + derivative(product(power, tail))


def _shifted(x: Any, order: int) -> Jet:
    """The series of x + δ."""
    return _series(lambda j: (x, 1.0)[j] if j < 2 else 0.0, order)


def _series(entry: Any, order: int) -> Jet:
    return table(1, order + 1, lambda _, j: entry(j))


def _slopes(z: Any, s: Any, q: Any, *, order: int) -> tuple[Slope, ...]:
    """By q: ∂ζ(s, q)/∂q = -s ζ(s+1, q), differentiated by s. DLMF 25.11.17."""

    def by_q() -> Any:
        slope = s * hurwitz(s + 1, q, order)
        return -(slope + hurwitz(s + 1, q, order - 1) * order if order else slope)

    return lambda: hurwitz(s, q, order + 1), by_q


HURWITZ = numeric("hurwitz", _values, _slopes)
