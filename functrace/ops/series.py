"""`sinc`, sin(x) / x, sinh(x) / x and `i0`, with derivatives of every order, finite everywhere.

Each is one primitive whose static parameter `order` counts through a family that differentiation
does not leave. Where the closed form of a member cancels, its power series is summed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Primitive, Rule
from ..recorder import bind
from .cast import astype

_TERMS = 40  # of the power series of the quotients, for arguments below 2 + order
_FAR = 25.0  # from here on the asymptotic series of a Bessel function has all digits


def _family(name: str, impl: Rule, jvp: Rule) -> Primitive:
    def batch(size: int, operands: Any, mapped: Any, *, order: int) -> Any:
        return bind(primitive, operands[0], order=order)

    def infer(x: ArrayType, *, order: int) -> ArrayType:
        return x.strong

    def text(x: str, *, order: int) -> str:
        return f"{name}({x}{f', order={order}' if order else ''})"

    primitive = Primitive(
        name,
        infer=infer,
        impl=impl,
        jvp=jvp,
        transpose=NOT_LINEAR,
        batch=batch,
        text=text,
        elementwise=True,
    )
    return primitive


# Quotients f with y f = sin(y) or sinh(y)


def _quotient(y: Any, waves: tuple[Any, Any], order: int, sign: int) -> Any:
    """The derivative of an order of sin(y) / y, or for a sign of 1 of sinh(y) / y.

    Args:
        waves: the sine and cosine of y.
    """
    near = np.abs(y) < 2 + order
    far = _quotient_far(np.where(near, 1, y), waves, order, sign)
    return np.where(near, _quotient_near(np.where(near, y, 0), order, sign), far)


def _quotient_far(y: Any, waves: tuple[Any, Any], order: int, sign: int) -> Any:
    """From (y f)' = cos(y) by Leibniz: y f⁽ⁿ⁾ + n f⁽ⁿ⁻¹⁾ is the derivative of order n of y f."""
    sine, cosine = waves
    value = sine / y
    cycle = (sine, cosine, sign * sine, sign * cosine)
    for n in range(1, order + 1):
        value = (cycle[n % 4] - n * value) / y
    return value


def _quotient_near(y: Any, order: int, sign: int) -> Any:
    """The power series Σ (±1)ᵏ y²ᵏ / (2k+1)!, differentiated term by term."""
    first = (order + 1) // 2
    value = np.zeros_like(y)
    for k in range(first + _TERMS, first - 1, -1):
        power = 2 * k - order
        value = value + sign**k / ((2 * k + 1) * math.factorial(power)) * y**power
    return value


def sinc(x: Any, order: int = 0) -> Any:
    """The derivative of an order of sin(πx) / (πx), for x of a floating-point dtype."""
    return bind(SINC, x, order=order)


def _wide(x: Any) -> Any:
    """In double precision, as powers overflow soon."""
    return np.asarray(x, np.promote_types(x.dtype, np.float64))


def _sinc_impl(x: Any, *, order: int) -> Any:
    """By sines of πx less full turns, which are taken off before the rounding by π."""
    if order == 0:
        return np.sinc(x)[()]
    wide = _wide(x)
    angle = np.pi * (wide - 2 * np.rint(np.real(wide) / 2))
    value = _quotient(np.pi * wide, (np.sin(angle), np.cos(angle)), order, -1)
    return (value * np.pi**order).astype(x.dtype)[()]


def _sinc_jvp(primals: Any, tangents: Any, out: Any, *, order: int) -> Any:
    return tangents[0] * sinc(primals[0], order + 1)


SINC = _family("sinc", _sinc_impl, _sinc_jvp)


def _row(name: str, sign: int, sine: Any, cosine: Any) -> Callable[..., Any]:
    def quotient(x: Any, order: int = 0) -> Any:
        return bind(primitive, x, order=order)

    def impl(x: Any, *, order: int) -> Any:
        wide = _wide(x)
        return _quotient(wide, (sine(wide), cosine(wide)), order, sign).astype(x.dtype)[()]

    def jvp(primals: Any, tangents: Any, out: Any, *, order: int) -> Any:
        return tangents[0] * quotient(primals[0], order + 1)

    primitive = _family(name, impl, jvp)
    return quotient


sin_quotient = _row("sin_quotient", -1, np.sin, np.cos)  # sin(x) / x
sinh_quotient = _row("sinh_quotient", 1, np.sinh, np.cosh)  # sinh(x) / x

# The modified Bessel functions of the first kind


def bessel_i(x: Any, order: int = 0) -> Any:
    """The modified Bessel function of the first kind and an integer order, for real x."""
    return bind(BESSEL_I, x, order=order)


def _bessel_impl(x: Any, *, order: int) -> Any:
    if order == 0:
        return np.i0(x).astype(x.dtype)[()]
    wide = np.asarray(x, np.promote_types(x.dtype, np.float64))
    size = np.abs(wide)
    near = size < _FAR
    far = _bessel_far(np.where(near, _FAR, size), order)
    value = np.where(near, _bessel_near(np.where(near, size, 0), order), far)
    return (np.copysign(value, wide) if order % 2 else value).astype(x.dtype)[()]


def _bessel_near(x: Any, order: int) -> Any:
    """The power series, whose terms are positive. Abramowitz & Stegun (1964), 9.6.10."""
    half = x / 2
    value = term = half**order / math.factorial(order)
    for k in range(1, 80):
        term = term * (half * half / (k * (k + order)))
        value = value + term
    return value


def _bessel_far(x: Any, order: int) -> Any:
    """The asymptotic series. Abramowitz & Stegun (1964), 9.7.1."""
    value = term = np.ones_like(x)
    for k in range(1, 31):
        term = term * (-(4 * order * order - (2 * k - 1) ** 2) / (8 * k * x))
        value = value + term
    return value * np.exp(x) / np.sqrt(2 * np.pi * x)


def _bessel_jvp(primals: Any, tangents: Any, out: Any, *, order: int) -> Any:
    """Abramowitz & Stegun (1964), 9.6.26 and 9.6.27."""
    x, t = primals[0], tangents[0]
    above = bessel_i(x, order + 1)
    return t * above if order == 0 else t * ((bessel_i(x, order - 1) + above) * 0.5)


BESSEL_I = _family("bessel_i", _bessel_impl, _bessel_jvp)


def i0(x: Any) -> Any:
    """As `np.i0`, for x of a real dtype."""
    return bessel_i(x if x.dtype.kind == "f" else astype(x, np.dtype(np.float64)))
