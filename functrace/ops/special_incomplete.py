"""SciPy's incomplete gamma and beta functions and their inverses, with all derivatives.

An inverse moves with a parameter so that the function keeps its value, as a sample of the
distribution does.
"""

from __future__ import annotations

from typing import Any

from scipy.special import _ufuncs as sc

from ._families import binary, ufunc_op
from .densities import beta_density, gamma_density
from .elementwise import equal, less, log, where
from .gamma_slope import log_gamma_slope, polygamma
from .incomplete_beta import beta_sample_slopes, betainc_by_a, betainc_by_b


def log_sample_slope(a: Any, x: Any) -> Any:
    """The derivative by a of the logarithm of x, at fixed P(a, x)."""
    return log_gamma_slope(a, log(x))


_SMALL = 0.1  # below it a sample moves by 1 / a², and its density is a / x: they would cancel


def gammainc_by_a(a: Any, x: Any) -> Any:
    """From dP = 0 along a sample's path, where x p(a, x) = a p(a+1, x).

    For a small shape by that of a + 1, as P(a, x) = P(a+1, x) + p(a+1, x) (DLMF 8.8.5).
    """
    small = less(a, _SMALL)
    shape = where(small, a + 1, a)
    density = shape * gamma_density(shape + 1, x)
    absent = equal(density, 0)
    slope = where(absent, 0, -density * log_sample_slope(shape, where(absent, 1, x)))
    step = gamma_density(a + 1, x)
    gone = equal(step, 0)
    more = step * (log(where(gone, 1, x)) - polygamma(0, a + 1))
    return slope + where(small, where(gone, 0, more), 0)


# DLMF 8.8.13
gammainc = binary(
    "gammainc", sc.gammainc,
    lambda t, y, a, x: t * gammainc_by_a(a, x), lambda t, y, a, x: t * gamma_density(a, x),
)  # fmt: skip
gammaincc = binary(
    "gammaincc", sc.gammaincc,
    lambda t, y, a, x: -t * gammainc_by_a(a, x), lambda t, y, a, x: -t * gamma_density(a, x),
)  # fmt: skip
gammaincinv = binary(
    "gammaincinv", sc.gammaincinv,
    lambda t, x, a, p: t * x * log_sample_slope(a, x), lambda t, x, a, p: t / gamma_density(a, x),
)  # fmt: skip
gammainccinv = binary(
    "gammainccinv", sc.gammainccinv,
    lambda t, x, a, q: t * x * log_sample_slope(a, x), lambda t, x, a, q: -t / gamma_density(a, x),
)  # fmt: skip

# DLMF 8.17.1
betainc = ufunc_op(
    "betainc", sc.betainc,
    (lambda t, y, a, b, x: t * betainc_by_a(a, b, x),
     lambda t, y, a, b, x: t * betainc_by_b(a, b, x),
     lambda t, y, a, b, x: t * beta_density(a, b, x)),
)  # fmt: skip
betaincc = ufunc_op(
    "betaincc", sc.betaincc,
    (lambda t, y, a, b, x: -t * betainc_by_a(a, b, x),
     lambda t, y, a, b, x: -t * betainc_by_b(a, b, x),
     lambda t, y, a, b, x: -t * beta_density(a, b, x)),
)  # fmt: skip


def _moves(t: Any, a: Any, b: Any, x: Any, which: int) -> Any:
    return t * beta_sample_slopes(a, b, x)[which]()


betaincinv = ufunc_op(
    "betaincinv", sc.betaincinv,
    (lambda t, x, a, b, p: _moves(t, a, b, x, 0), lambda t, x, a, b, p: _moves(t, a, b, x, 1),
     lambda t, x, a, b, p: t / beta_density(a, b, x)),
)  # fmt: skip
betainccinv = ufunc_op(
    "betainccinv", sc.betainccinv,
    (lambda t, x, a, b, p: _moves(t, a, b, x, 0), lambda t, x, a, b, p: _moves(t, a, b, x, 1),
     lambda t, x, a, b, p: -t / beta_density(a, b, x)),
)  # fmt: skip
