"""SciPy's distribution functions and their inverses, by the incomplete gamma and beta functions.

Where a parameter is a count that SciPy rounds down (`k` below), there is no derivative by it.
"""

from __future__ import annotations

from typing import Any

from scipy.special import _ufuncs as sc

from ._families import binary, ufunc_op
from .densities import beta_density, gamma_density
from .elementwise import exp, floor, less, log, log1p, sign, square, where
from .incomplete_beta import betainc_by_a, betainc_by_b
from .special_gamma import betaln
from .special_incomplete import gammainc_by_a, log_sample_slope
from .special_tools import no_derivative

# Chi-squared and gamma: P(v/2, x/2) and P(b, a x)


def _chi_by_v(v: Any, x: Any) -> Any:
    return gammainc_by_a(v * 0.5, x * 0.5) * 0.5


def _chi_density(v: Any, x: Any) -> Any:
    return gamma_density(v * 0.5, x * 0.5) * 0.5


chdtr = binary(
    "chdtr", sc.chdtr,
    lambda t, y, v, x: t * _chi_by_v(v, x), lambda t, y, v, x: t * _chi_density(v, x),
)  # fmt: skip
chdtrc = binary(
    "chdtrc", sc.chdtrc,
    lambda t, y, v, x: -t * _chi_by_v(v, x), lambda t, y, v, x: -t * _chi_density(v, x),
)  # fmt: skip
chdtri = binary(
    "chdtri", sc.chdtri,
    lambda t, x, v, p: t * (x * log_sample_slope(v * 0.5, x * 0.5) * 0.5),
    lambda t, x, v, p: -t / _chi_density(v, x),
)  # fmt: skip
gdtr = ufunc_op(
    "gdtr", sc.gdtr,
    (lambda t, y, a, b, x: t * (x * gamma_density(b, a * x)),
     lambda t, y, a, b, x: t * gammainc_by_a(b, a * x),
     lambda t, y, a, b, x: t * (a * gamma_density(b, a * x))),
)  # fmt: skip
gdtrc = ufunc_op(
    "gdtrc", sc.gdtrc,
    (lambda t, y, a, b, x: -t * (x * gamma_density(b, a * x)),
     lambda t, y, a, b, x: -t * gammainc_by_a(b, a * x),
     lambda t, y, a, b, x: -t * (a * gamma_density(b, a * x))),
)  # fmt: skip

# Poisson, binomial and negative binomial: 1 - P(k+1, m), 1 - I_p(k+1, n-k) and I_p(n, k+1).
# DLMF 8.4.8, 8.17.5


def _poisson_density(k: Any, m: Any) -> Any:
    return gamma_density(floor(k) + 1, m)


def _binomial_density(k: Any, n: Any, p: Any) -> Any:
    k = floor(k)
    return beta_density(k + 1, n * p.dtype.type(1) - k, p)


def _negative_binomial_density(k: Any, n: Any, p: Any) -> Any:
    one = p.dtype.type(1)
    return beta_density(n * one, k * one + 1, p)


_BY_K = "k, a count"
pdtr = binary(
    "pdtr", sc.pdtr, no_derivative("pdtr", _BY_K),
    lambda t, y, k, m: -t * _poisson_density(k, m),
)  # fmt: skip
pdtrc = binary(
    "pdtrc", sc.pdtrc, no_derivative("pdtrc", _BY_K),
    lambda t, y, k, m: t * _poisson_density(k, m),
)  # fmt: skip
pdtri = binary(
    "pdtri", sc.pdtri, no_derivative("pdtri", _BY_K),
    lambda t, m, k, y: -t / _poisson_density(k * y.dtype.type(1), m),
)  # fmt: skip


def _of_counts(name: str, partial: Any) -> None:
    counts = [no_derivative(name, _BY_K), no_derivative(name, "n, a count")]
    ufunc_op(name, getattr(sc, name), (*counts, partial))


_of_counts("bdtr", lambda t, y, k, n, p: -t * _binomial_density(k, n, p))
_of_counts("bdtrc", lambda t, y, k, n, p: t * _binomial_density(k, n, p))
_of_counts("bdtri", lambda t, p, k, n, y: -t / _binomial_density(k, n, p))
_of_counts("nbdtr", lambda t, y, k, n, p: t * _negative_binomial_density(k, n, p))
_of_counts("nbdtrc", lambda t, y, k, n, p: -t * _negative_binomial_density(k, n, p))
_of_counts("nbdtri", lambda t, p, k, n, y: t / _negative_binomial_density(k, n, p))

# F: I_w(m/2, n/2) with w = m x / (m x + n)


def _f_slopes(m: Any, n: Any, x: Any) -> tuple[Any, ...]:
    """Functions of nothing that give the derivatives by m, n and x."""
    total = m * x + n
    a, b, w = m * 0.5, n * 0.5, m * x / total
    moved = beta_density(a, b, w) / square(total)
    return (
        lambda: betainc_by_a(a, b, w) * 0.5 + moved * x * n,
        lambda: betainc_by_b(a, b, w) * 0.5 - moved * m * x,
        lambda: moved * m * n,
    )


def _f_partials(factor: int) -> tuple[Any, ...]:
    def by(which: int) -> Any:
        return lambda t, y, m, n, x: t * (_f_slopes(m, n, x)[which]() * factor)

    return tuple(by(which) for which in range(3))


def _f_inverse(which: int) -> Any:
    def partial(t: Any, x: Any, m: Any, n: Any, p: Any) -> Any:
        slopes = _f_slopes(m, n, x)
        return t / slopes[2]() if which == 2 else -t * (slopes[which]() / slopes[2]())

    return partial


fdtr = ufunc_op("fdtr", sc.fdtr, _f_partials(1))
fdtrc = ufunc_op("fdtrc", sc.fdtrc, _f_partials(-1))
fdtri = ufunc_op("fdtri", sc.fdtri, tuple(map(_f_inverse, range(3))))

# Student's t: 1 - I_w(v/2, 1/2) / 2 for t > 0, with w = v / (v + t²)


def _student_density(v: Any, x: Any) -> Any:
    exponent = log1p(square(x) / v) * ((v + 1) * -0.5)
    return exp(exponent - log(v) * 0.5 - betaln(v * 0.5, v.dtype.type(0.5)))


def _student_by_v(v: Any, x: Any) -> Any:
    """The slopes of the parameter and, along w, of the argument."""
    a, half = v * 0.5, v.dtype.type(0.5)
    squared = square(x)
    total = v + squared
    small = less(squared, v)  # then by 1 - w, which is exact there
    part = where(
        small,
        -betainc_by_b(half, a, where(small, squared, v) / total),
        betainc_by_a(a, half, v / total),
    )
    return -sign(x) * part * 0.25 - x * _student_density(v, x) / (2 * v)


stdtr = binary(
    "stdtr", sc.stdtr,
    lambda t, y, v, x: t * _student_by_v(v, x), lambda t, y, v, x: t * _student_density(v, x),
)  # fmt: skip
stdtrit = binary(
    "stdtrit", sc.stdtrit,
    lambda t, x, v, p: -t * (_student_by_v(v, x) / _student_density(v, x)),
    lambda t, x, v, p: t / _student_density(v, x),
)  # fmt: skip
