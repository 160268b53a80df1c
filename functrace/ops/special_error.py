"""SciPy's error functions, and the normal distribution's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import _ufuncs as sc

from ..recorder import bind
from ._families import binary, elementwise, ufunc_op, unary
from .elementwise import absolute, cos, exp, imag, less, real, sin, square, where
from .special_tools import several

_TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)
_HALF_ROOT_PI = math.sqrt(math.pi) / 2
_ROOT_2PI = math.sqrt(2 * math.pi)

# DLMF 7.2.1, 7.2.2

erf = unary("erf", sc.erf, lambda t, y, x: t * (exp(-square(x)) * _TWO_BY_ROOT_PI))
erfc = unary("erfc", sc.erfc, lambda t, y, x: -t * (exp(-square(x)) * _TWO_BY_ROOT_PI))
erfi = unary("erfi", sc.erfi, lambda t, y, x: t * (exp(square(x)) * _TWO_BY_ROOT_PI))
erfinv = unary("erfinv", sc.erfinv, lambda t, y, x: t * (exp(square(y)) * _HALF_ROOT_PI))
erfcinv = unary("erfcinv", sc.erfcinv, lambda t, y, x: -t * (exp(square(y)) * _HALF_ROOT_PI))


def _remainder(x: Any, value: Any, sign: int) -> Any:
    """1 - 2 x D(x) for Dawson's integral, and by the other sign 1 - √π x erfcx(x).

    Far from 0 both cancel, and the asymptotic series is summed: ∓u - 3 u² ∓ 15 u³ ... with
    u = 1 / (2 x²). DLMF 7.12.1.
    """
    near = 1 - x * value
    if x.dtype.kind == "c":
        return near
    far = less(8, absolute(x) if sign > 0 else x)
    u = 0.5 / square(where(far, x, 8))
    series = u * 0
    for k in range(18, 0, -1):
        series = u * ((2 * k - 1) * sign) * (1 + series)
    return where(far, -series, near)


erfcx = unary(
    "erfcx", sc.erfcx,
    lambda t, y, x: -t * (_remainder(x, y * math.sqrt(math.pi), -1) * _TWO_BY_ROOT_PI),
)  # fmt: skip
dawsn = unary("dawsn", sc.dawsn, lambda t, y, x: t * _remainder(x, y * 2, 1))  # DLMF 7.10.3
wofz = unary("wofz", sc.wofz, lambda t, y, x: t * _wofz_slope(x, y))


def _wofz_slope(z: Any, w: Any) -> Any:
    """DLMF 7.10.2."""
    return z * w * -2 + _TWO_BY_ROOT_PI * 1j


def _fresnel_jvp(tangents: Any, outs: Any, x: Any) -> tuple[Any, Any]:
    """DLMF 7.2.7, 7.2.8."""
    angle = square(x) * (math.pi / 2)
    return tangents[0] * sin(angle), tangents[0] * cos(angle)


fresnel = several("fresnel", sc.fresnel, _fresnel_jvp)

# The normal distribution


def _mills(x: Any) -> Any:
    """Φ(x) / φ(x), which neither under- nor overflows on the left."""
    return erfcx(x * -math.sqrt(0.5)) * math.sqrt(math.pi / 2)


def _hazard_impl(x: Any) -> Any:
    with np.errstate(over="ignore"):  # far on the right, where the result is 0
        return 1 / (sc.erfcx(x * -math.sqrt(0.5)) * math.sqrt(math.pi / 2))


def _hazard_excess(h: Any, x: Any) -> Any:
    """x + φ(x) / Φ(x), which is h (1 + x / h), where both cancel on the left."""
    if x.dtype.kind == "c":
        return x + h
    left = less(x, 0)
    z = where(left, x * -math.sqrt(0.5), 0)
    return where(left, h * _remainder(z, erfcx(z) * math.sqrt(math.pi), -1), x + h)


NORMAL_HAZARD = elementwise(
    "normal_hazard", _hazard_impl, lambda x: x.dtype,
    (lambda t, h, x: -t * (h * _hazard_excess(h, x)),),
)  # fmt: skip


def normal_hazard(x: Any) -> Any:
    """φ(x) / Φ(x), the slope of log Φ."""
    return bind(NORMAL_HAZARD, x)


ndtr = unary("ndtr", sc.ndtr, lambda t, y, x: t * (exp(square(x) * -0.5) / _ROOT_2PI))
log_ndtr = unary("log_ndtr", sc.log_ndtr, lambda t, y, x: t * normal_hazard(x))
ndtri = unary("ndtri", sc.ndtri, lambda t, y, x: t * (exp(square(y) * 0.5) * _ROOT_2PI))
ndtri_exp = unary("ndtri_exp", sc.ndtri_exp, lambda t, y, x: t * _mills(y))


def _owens_by_h(t: Any, z: Any, h: Any, a: Any) -> Any:
    """Of ∫ exp(-h² (1+s²) / 2) / (1+s²) ds / 2π for s from 0 to a. Owen (1956)."""
    return t * (exp(square(h) * -0.5) * erf(a * h * math.sqrt(0.5)) * (-0.5 / _ROOT_2PI))


def _owens_by_a(t: Any, z: Any, h: Any, a: Any) -> Any:
    wide = 1 + square(a)
    return t * (exp(square(h) * wide * -0.5) / (wide * (2 * math.pi)))


owens_t = binary("owens_t", sc.owens_t, _owens_by_h, _owens_by_a)


def _voigt_partial(which: int) -> Any:
    """Of Re w(z) / (σ √2π) with z = (x + iγ) / (σ √2), by x, σ or γ. DLMF 7.19.4."""

    def partial(t: Any, y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
        scale = 1 / (sigma * math.sqrt(2))
        z = (x + gamma * 1j) * scale
        slope = _wofz_slope(z, wofz(z))
        along = (real(slope) * scale, -real(z * slope) / sigma, -imag(slope) * scale)[which]
        slope = along / (sigma * _ROOT_2PI)
        return t * (slope - y / sigma if which == 1 else slope)

    return partial


voigt_profile = ufunc_op("voigt_profile", sc.voigt_profile, tuple(map(_voigt_partial, range(3))))
