"""SciPy's gamma function and related ones: logarithm, reciprocal, digamma, beta, binomial, zeta."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import _ufuncs as sc

from ..primitive import ZERO
from ._families import binary, unary
from .elementwise import cos, equal, exp, less, real, sin, square, where
from .gamma_slope import polygamma
from .hurwitz import hurwitz
from .special_tools import no_derivative

# Γ. DLMF 5.2.2

gamma = unary("gamma", sc.gamma, lambda t, y, x: t * (y * digamma(x)))
gammaln = unary("gammaln", sc.gammaln, lambda t, y, x: t * digamma(x))
loggamma = unary("loggamma", sc.loggamma, lambda t, y, x: t * digamma(x))
gammasgn = unary("gammasgn", sc.gammasgn, ZERO)


def _rgamma_slope(x: Any) -> Any:
    """The derivative of 1/Γ, by reflection on the left, where Γ has poles. DLMF 5.5.3."""
    left = less(real(x), 0.5)
    mirrored = where(left, 1 - x, 1)
    wave = cos(x * math.pi) - sin(x * math.pi) * digamma(mirrored) / math.pi
    right = where(left, 1, x)
    return where(left, wave * gamma(mirrored), -digamma(right) * rgamma(right))


rgamma = unary("rgamma", sc.rgamma, lambda t, y, x: t * _rgamma_slope(x))


def _trigamma(x: Any) -> Any:
    if x.dtype.kind == "f":
        return zeta(x.dtype.type(2), x)  # DLMF 25.11.12
    left = less(real(x), 0.5)  # DLMF 5.15.6
    here = polygamma(1, where(left, 1 - x, x))
    return where(left, square(math.pi / sin(where(left, x, 0.5) * math.pi)) - here, here)


digamma = unary("digamma", sc.psi, lambda t, y, x: t * _trigamma(x))

# Quotients of Γ. Where a factor 1/Γ is 0, its own derivative counts alone.

beta = binary(
    "beta", sc.beta,
    lambda t, z, a, b: t * (z * (digamma(a) - digamma(a + b))),
    lambda t, z, a, b: t * (z * (digamma(b) - digamma(a + b))),
)  # fmt: skip
betaln = binary(
    "betaln", sc.betaln,
    lambda t, z, a, b: t * (digamma(a) - digamma(a + b)),
    lambda t, z, a, b: t * (digamma(b) - digamma(a + b)),
)  # fmt: skip


def _binom_partial(by_n: int, by_k: int) -> Any:
    """Of Γ(n+1) / (Γ(k+1) Γ(n-k+1)), by n or k. DLMF 1.2.6."""

    def partial(t: Any, z: Any, n: Any, k: Any) -> Any:
        pole = equal(z, 0)
        low, rest = where(pole, 1, k + 1), where(pole, 1, n - k + 1)
        slope = z * ((digamma(where(pole, 1, n + 1)) * by_n)
                     - digamma(low) * by_k - digamma(rest) * (by_n - by_k))  # fmt: skip
        low, rest = where(pole, k + 1, 1), where(pole, n - k + 1, 1)
        at_pole = _rgamma_slope(low) * rgamma(rest) * by_k + (
            _rgamma_slope(rest) * rgamma(low) * (by_n - by_k)
        )
        return t * where(pole, gamma(where(pole, n + 1, 1)) * at_pole, slope)

    return partial


binom = binary("binom", sc.binom, _binom_partial(1, 0), _binom_partial(0, 1))


def _poch_by_z(t: Any, y: Any, z: Any, m: Any) -> Any:
    """Of Γ(z+m) / Γ(z). DLMF 5.2.5."""
    pole = equal(y, 0)
    safe = where(pole, 1, z)
    slope = y * (digamma(safe + m) - digamma(safe))
    safe = where(pole, z, 1)
    return t * where(pole, gamma(safe + m) * _rgamma_slope(safe), slope)


poch = binary("poch", sc.poch, _poch_by_z, lambda t, y, z, m: t * (y * digamma(z + m)))

# Zeta

zeta = binary(
    "zeta", sc._zeta,
    lambda t, z, s, q: t * hurwitz(s, q, 1) if s.dtype.kind == "f" else no_derivative(
        "zeta", "a complex argument")(t),
    lambda t, z, s, q: -t * (s * zeta(s + 1, q)),  # DLMF 25.11.17
)  # fmt: skip


def _riemann_partial(t: Any, z: Any, s: Any) -> Any:
    """On the left of 0 by the functional equation, DLMF 25.4.1."""
    if s.dtype.kind == "c":
        return no_derivative("zeta", "a complex argument")(t)
    left = less(s, 0)
    one = s.dtype.type(1)
    mirrored = where(left, 1 - s, 2)
    size = exp(s * math.log(2 * math.pi)) / math.pi * gamma(mirrored)
    wave, slope = sin(s * (math.pi / 2)), cos(s * (math.pi / 2)) * (math.pi / 2)
    there = zeta(mirrored, one)
    along = slope + wave * (math.log(2 * math.pi) - digamma(mirrored))
    reflected = size * (along * there - wave * hurwitz(mirrored, one, 1))
    return t * where(left, reflected, hurwitz(where(left, 2, s), one, 1))


riemann_zeta = unary("riemann_zeta", sc._riemann_zeta, _riemann_partial)
zetac = unary("zetac", sc.zetac, _riemann_partial)
