"""SciPy's gamma function and its kin: logarithm, reciprocal, digamma, beta, binomial, zeta."""

from __future__ import annotations

import math
from typing import Any

import scipy.special as sc

from ..errors import NonDifferentiableError
from ..primitive import ZERO
from ._families import ElementwiseOp, binary, unary
from ._special import no_derivative
from .elementwise import cos, less, real, sin, where

_hurwitz = getattr(sc, "_ufuncs")._zeta  # noqa: B009 -- what scipy.special.zeta(s, q) calls

gamma = unary("gamma", sc.gamma, lambda t, y, x: t * (y * digamma(x)))
gammaln = unary("gammaln", sc.gammaln, lambda t, y, x: t * digamma(x))
loggamma = unary("loggamma", sc.loggamma, lambda t, y, x: t * digamma(x))
gammasgn = unary("gammasgn", sc.gammasgn, ZERO)


def _rgamma_slope(x: Any) -> Any:
    """The derivative of 1/Γ, by reflection on the left, where Γ has poles. DLMF 5.5.3."""
    left = less(real(x), 0.5)
    mirrored = where(left, 1 - x, 1)
    wave = cos(x * math.pi) - sin(x * math.pi) / math.pi * digamma(mirrored)
    x = where(left, 1, x)
    return where(left, wave * gamma(mirrored), -digamma(x) * rgamma(x))


rgamma = unary("rgamma", sc.rgamma, lambda t, y, x: t * _rgamma_slope(x))


def _digamma_partial(t: Any, y: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        raise NonDifferentiableError("the derivative of digamma of complex numbers")
    return t * zeta(x.dtype.type(2), x)  # ψ'(x) = ζ(2, x). DLMF 25.11.12


digamma = unary("digamma", sc.digamma, _digamma_partial)

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


# ∂ζ(s, q)/∂q = -s ζ(s+1, q). DLMF 25.11.17
zeta: ElementwiseOp = binary(
    "zeta", _hurwitz, no_derivative("zeta", "s"),
    lambda t, z, s, q: -t * (s * zeta(s + 1, q)),
)  # fmt: skip
