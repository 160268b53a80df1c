"""SciPy's error functions, and the normal distribution's."""

from __future__ import annotations

import math
from typing import Any

import scipy.special as sc

from ._families import unary
from .elementwise import exp, square

_TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)
_HALF_ROOT_PI = math.sqrt(math.pi) / 2
_ROOT_2PI = math.sqrt(2 * math.pi)

erf = unary("erf", sc.erf, lambda t, y, x: t * (exp(-square(x)) * _TWO_BY_ROOT_PI))
erfc = unary("erfc", sc.erfc, lambda t, y, x: -t * (exp(-square(x)) * _TWO_BY_ROOT_PI))
erfi = unary("erfi", sc.erfi, lambda t, y, x: t * (exp(square(x)) * _TWO_BY_ROOT_PI))
erfinv = unary("erfinv", sc.erfinv, lambda t, y, x: t * (exp(square(y)) * _HALF_ROOT_PI))
erfcinv = unary("erfcinv", sc.erfcinv, lambda t, y, x: -t * (exp(square(y)) * _HALF_ROOT_PI))
erfcx = unary("erfcx", sc.erfcx, lambda t, y, x: t * (x * y * 2 - _TWO_BY_ROOT_PI))


def _mills(x: Any) -> Any:
    """Φ(x) / φ(x), which neither under- nor overflows on the left."""
    return erfcx(x * -math.sqrt(0.5)) * math.sqrt(math.pi / 2)


ndtr = unary("ndtr", sc.ndtr, lambda t, y, x: t * (exp(square(x) * -0.5) / _ROOT_2PI))
log_ndtr = unary("log_ndtr", sc.log_ndtr, lambda t, y, x: t / _mills(x))
ndtri = unary("ndtri", sc.ndtri, lambda t, y, x: t * (exp(square(y) * 0.5) * _ROOT_2PI))
ndtri_exp = unary("ndtri_exp", sc.ndtri_exp, lambda t, y, x: t * _mills(y))
