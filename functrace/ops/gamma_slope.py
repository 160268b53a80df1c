"""How a gamma variable moves with its shape parameter, to any order, by NumPy alone.

Let x = e^y be gamma distributed with shape a. In y its density is q = exp(a y - e^y) / Γ(a), so
that the derivative of P(a, x) by a is the integral of (s - ψ(a)) q(s) over s below y, and minus
that over s above y. At a fixed quantile of the distribution, y then moves by

    dy/da = -(dP/da) / q(y) = T_1 + (y - ψ(a)) T_0,

    T_n(a, y) = integral over s > y of (s - y)^n exp(a (s - y) - (e^s - e^y)) ds,

or minus the same integral over s < y: the two differ by terms that cancel in dy/da. Of the two
sides the one is taken on which s - ψ(a) has one sign, so that nothing else cancels. Derivatives of
T_n are made of T_n-1, T_n and T_n+1, and those of ψ are polygamma functions, so that dy/da has all
derivatives. The use of dy/da for gradients of random numbers is that of Figurnov, Mohamed and
Mnih, "Implicit reparameterization gradients", 2018.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Primitive
from ..recorder import bind
from ._families import align_ranks, elementwise
from .elementwise import exp
from .shape import broadcast_shapes


def _order(name: str, impl: Any, jvp: Any) -> Primitive:
    """An elementwise primitive of a family whose derivatives are its members of other orders."""

    def infer(*types: ArrayType, order: int) -> ArrayType:
        return ArrayType(broadcast_shapes(name, [t.shape for t in types]), types[0].dtype)

    def batch(size: int, operands: Any, mapped: Any, *, order: int) -> Any:
        return bind(primitive, *align_ranks(size, operands, mapped), order=order)

    primitive = Primitive(
        name, infer=infer, impl=impl, jvp=jvp, transpose=NOT_LINEAR, batch=batch, elementwise=True
    )
    return primitive


# The polygamma functions


def polygamma(order: int, x: Any) -> Any:
    """The derivative of this order of ψ(x), the logarithmic derivative of Γ, for x > 0.

    Or for complex x on the right of 0.
    """
    return bind(POLYGAMMA, x, order=order)


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _polygamma_impl(x: Any, *, order: int) -> Any:
    """Up the recurrence, DLMF 5.15.5, to where the asymptotic series 5.11.2, 5.15.8 is exact."""
    n = order
    z = np.asarray(x, np.promote_types(np.asarray(x).dtype, np.float64))
    sign = -1.0 if n % 2 else 1.0
    with np.errstate(all="ignore"):
        total = np.zeros_like(z)
        for _ in range(12 + n):
            total = total - sign * math.factorial(n) / z ** (n + 1)
            z = z + 1
        series = 0.5 * math.factorial(n) / z ** (n + 1)
        for k, b in enumerate(_BERNOULLI, 1):
            series += b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) / z ** (2 * k + n)
        leading = -np.log(z) if n == 0 else math.factorial(n - 1) / z**n
        return (total - sign * (leading + series)).astype(np.asarray(x).dtype)[()]


def _polygamma_jvp(primals: Any, tangents: Any, out: Any, *, order: int) -> Any:
    return tangents[0] * polygamma(order + 1, primals[0])


POLYGAMMA = _order("psi", _polygamma_impl, _polygamma_jvp)

# The tails


def _tail(a: Any, y: Any, order: int) -> Any:
    return bind(GAMMA_TAIL, a, y, order=order)


def _tail_jvp(primals: Any, tangents: Any, out: Any, *, order: int) -> Any:
    a, y = primals
    total = None
    if tangents[0] is not None:
        total = tangents[0] * _tail(a, y, order + 1)
    if tangents[1] is not None:
        slope = (exp(y) - a) * out - (order * _tail(a, y, order - 1) if order else 1)
        along = tangents[1] * slope
        total = along if total is None else total + along
    return total


def _tail_impl(a: Any, y: Any, *, order: int) -> Any:
    return _in_parts(lambda a, y: _tails(a, y, (order,))[0], a, y)


GAMMA_TAIL = _order("gamma_tail", _tail_impl, _tail_jvp)

# The slope


def log_gamma_slope(a: Any, y: Any) -> Any:
    """The derivative by a of the logarithm y of a gamma variable of shape a, at a fixed quantile.

    Args:
        a: positive, of the floating dtype of y, with which it broadcasts.
    """
    return bind(LOG_GAMMA_SLOPE, a, y)


def _slope_impl(a: Any, y: Any) -> Any:
    def slope(a: np.ndarray, y: np.ndarray) -> np.ndarray:
        zeroth, first = _tails(a, y, (0, 1))
        value = first + (y - _polygamma_impl(a, order=0)) * zeroth
        # T_n are too large for the least a, for which x is (u Γ(a+1))^(1/a)
        return np.where(a < _LITTLE, (-np.euler_gamma - y) / a, value)

    return _in_parts(slope, a, y)


LOG_GAMMA_SLOPE = elementwise(
    "log_gamma_slope", _slope_impl, lambda a, y: y.dtype,
    (
        lambda t, slope, a, y: t * (
            _tail(a, y, 2) + (y - polygamma(0, a)) * _tail(a, y, 1)
            - polygamma(1, a) * _tail(a, y, 0)
        ),
        lambda t, slope, a, y: t * (polygamma(0, a) - y + slope * (exp(y) - a)),
    ),
)  # fmt: skip

# The integrals, on arrays of one axis

_CHUNK = 1024  # elements; what is computed at a time, with all its nodes, stays in the cache
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2  # on [0, 1]
_DECAY = 37.0  # where exp(-_DECAY) is nothing beside 1, the integral ends
_TERMS = 22  # of the series, for x up to 1
_LITTLE = 1e-100  # as a shape


def _in_parts(function: Any, a: Any, y: Any) -> Any:
    """A function of vectors in double precision, applied to arrays that broadcast."""
    dtype = np.asarray(y).dtype
    shape = np.broadcast_shapes(np.shape(a), np.shape(y))
    flat = [np.broadcast_to(np.asarray(x, np.float64), shape).ravel() for x in (a, y)]
    out = np.empty(math.prod(shape))
    with np.errstate(all="ignore"):
        for start in range(0, len(out), _CHUNK):
            part = slice(start, start + _CHUNK)
            out[part] = function(flat[0][part], flat[1][part])
    return out.reshape(shape).astype(dtype)[()]


def _tails(a: np.ndarray, y: np.ndarray, orders: Sequence[int]) -> np.ndarray:
    """T_n for each of some orders n, stacked."""
    x = np.exp(y)
    small = x <= 1
    below = ~small & (y < _polygamma_impl(a, order=0))
    out = np.empty((len(orders), len(a)))
    for here, rule in ((small, _series), (below, _below), (~small & ~below, _above)):
        if here.all():
            return rule(a, x, orders)
        if here.any():
            out[:, here] = rule(a[here], x[here], orders)
    return out


def _series(a: Any, x: Any, orders: Sequence[int]) -> np.ndarray:
    """From below, with exp(-e^s) expanded in powers of e^s."""
    total = np.zeros((len(orders), len(a)))
    power = np.exp(x)
    for k in range(_TERMS):
        for row, n in zip(total, orders, strict=True):
            row += power / (a + k) ** (n + 1) * (math.factorial(n) * (1 if n % 2 else -1))
        power *= x / -(k + 1)
    return total


def _below(a: Any, x: Any, orders: Sequence[int]) -> np.ndarray:
    """From below: s = y - v, where the exponent is -(a - x) v - x (e^-v - 1 + v)."""
    d = a - x
    # e^-v - 1 + v > v^2 / (2 + v); the larger root of (d + x) v^2 + (2 d - D) v - 2 D
    half = _DECAY / 2 - d
    end = (half + np.sqrt(half**2 + 2 * _DECAY * a)) / a
    v = end[:, None] * _NODES
    integrand = np.exp(-d[:, None] * v - x[:, None] * (np.expm1(-v) + v))
    return np.stack([-end * ((-v) ** n * integrand @ _WEIGHTS) for n in orders])


def _above(a: Any, x: Any, orders: Sequence[int]) -> np.ndarray:
    """From above: s = y + v, where the exponent is -(x - a) v - x (e^v - 1 - v)."""
    d = x - a
    end = (-d + np.sqrt(d**2 + 2 * _DECAY * x)) / x  # from e^v - 1 - v > v^2 / 2
    for _ in range(3):  # from above towards the root of x (e^v - 1) = D + a v
        end = np.minimum(end, np.log1p((_DECAY + a * end) / x))
    v = end[:, None] * _NODES
    integrand = np.exp(-d[:, None] * v - x[:, None] * (np.expm1(v) - v))
    return np.stack([end * (v**n * integrand @ _WEIGHTS) for n in orders])
