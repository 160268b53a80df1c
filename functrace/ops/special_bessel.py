"""SciPy's Bessel, Airy, Kelvin, Struve and spherical Bessel functions.

Derivatives are by the argument, from the two neighbouring orders; none is offered by the order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special
from scipy.special import _ufuncs as sc

from ..primitive import ZERO
from ..recorder import bind
from ._families import ElementwiseOp, binary, elementwise, unary
from .cast import astype, real_dtype_of
from .elementwise import equal, maximum, power, sign, where
from .special_gamma import rgamma
from .special_tools import no_derivative, several

Op = Callable[..., Any]
Slope = Callable[..., Any]


def _of_order(name: str, ufunc: np.ufunc, slope: Slope) -> ElementwiseOp:
    """A function of an order v and an argument x, from its slope `(op, y, v, x)` by x."""
    op = binary(
        name, ufunc, no_derivative(name, "its order"), lambda t, y, v, x: t * slope(op, y, v, x)
    )
    return op


def _falling(op: Any, y: Any, v: Any, x: Any) -> Any:
    """DLMF 10.6.1, of J, Y and both Hankel functions."""
    return (op(v - 1, x) - op(v + 1, x)) * 0.5


def _rising(op: Any, y: Any, v: Any, x: Any) -> Any:
    """DLMF 10.29.1, of I."""
    return (op(v - 1, x) + op(v + 1, x)) * 0.5


def _sinking(op: Any, y: Any, v: Any, x: Any) -> Any:
    """DLMF 10.29.1, of K."""
    return (op(v - 1, x) + op(v + 1, x)) * -0.5


def _scaled(slope: Slope, factor: Any) -> Slope:
    """The slope of a function times e^(factor x)."""
    return lambda op, y, v, x: slope(op, y, v, x) + y * factor


def _scaled_by_size(name: str, slope: Slope, factor: Slope) -> Slope:
    """The slope of a function times a power of e that depends on the size of x alone."""

    def scaled(op: Any, y: Any, v: Any, x: Any) -> Any:
        if x.dtype.kind == "c":
            return no_derivative(name, "a complex argument")(x)
        return slope(op, y, v, x) + y * factor(x)

    return scaled


jv = _of_order("jv", sc.jv, _falling)
yv = _of_order("yv", sc.yv, _falling)
iv = _of_order("iv", sc.iv, _rising)
kv = _of_order("kv", sc.kv, _sinking)
yn = _of_order("yn", sc.yn, _falling)
kn = _of_order("kn", sc.kn, _sinking)
jve = _of_order("jve", sc.jve, _scaled_by_size("jve", _falling, lambda x: 0))
yve = _of_order("yve", sc.yve, _scaled_by_size("yve", _falling, lambda x: 0))
ive = _of_order("ive", sc.ive, _scaled_by_size("ive", _rising, lambda x: -sign(x)))
kve = _of_order("kve", sc.kve, _scaled(_sinking, 1))
hankel1 = _of_order("hankel1", sc.hankel1, _falling)
hankel2 = _of_order("hankel2", sc.hankel2, _falling)
hankel1e = _of_order("hankel1e", sc.hankel1e, _scaled(_falling, -1j))
hankel2e = _of_order("hankel2e", sc.hankel2e, _scaled(_falling, 1j))

# Of the orders 0 and 1


def _two(op: Any, x: Any) -> Any:
    return op(x.dtype.type(2), x)


j0 = unary("j0", sc.j0, lambda t, y, x: -t * j1(x))
j1 = unary("j1", sc.j1, lambda t, y, x: t * ((j0(x) - _two(jv, x)) * 0.5))
y0 = unary("y0", sc.y0, lambda t, y, x: -t * y1(x))
y1 = unary("y1", sc.y1, lambda t, y, x: t * ((y0(x) - _two(yv, x)) * 0.5))
i0 = unary("i0", sc.i0, lambda t, y, x: t * i1(x))
i1 = unary("i1", sc.i1, lambda t, y, x: t * ((i0(x) + _two(iv, x)) * 0.5))
k0 = unary("k0", sc.k0, lambda t, y, x: -t * k1(x))
k1 = unary("k1", sc.k1, lambda t, y, x: -t * ((k0(x) + _two(kv, x)) * 0.5))
i0e = unary("i0e", sc.i0e, lambda t, y, x: t * (i1e(x) - sign(x) * y))
i1e = unary("i1e", sc.i1e, lambda t, y, x: t * ((i0e(x) + _two(ive, x)) * 0.5 - sign(x) * y))
k0e = unary("k0e", sc.k0e, lambda t, y, x: t * (y - k1e(x)))
k1e = unary("k1e", sc.k1e, lambda t, y, x: t * (y - (k0e(x) + _two(kve, x)) * 0.5))

# Spherical Bessel functions of an order that is an integer. DLMF 10.51.2, 10.51.5


def _spherical(kind: str, below: int, above: int) -> tuple[Op, Op]:
    """The function and its derivative, which is (below n f(n-1) + above (n+1) f(n+1)) / (2n+1)."""
    function = getattr(scipy.special, f"spherical_{kind}n")

    def slope(op: Op, t: Any, y: Any, n: Any, x: Any) -> Any:
        order = astype(n, real_dtype_of(y.dtype))
        before, after = op(maximum(n - 1, 0), x), op(n + 1, x)
        value = (before * (order * below) + after * ((order + 1) * above)) / (2 * order + 1)
        return astype(t, y.dtype) * value

    def row(name: str, derivative: bool) -> Op:
        def impl(n: Any, x: Any) -> Any:
            return function(n, x, derivative)

        def op(n: Any, x: Any) -> Any:
            return bind(primitive, n, x)

        primitive = elementwise(
            name,
            impl,
            lambda n, x: impl(np.ones(1, n.dtype), np.ones(1, x.dtype)).dtype,  # SciPy's choice
            (ZERO, lambda t, y, n, x: slope(op, t, y, n, x)),
        )
        return op

    return row(f"spherical_{kind}n", False), row(f"spherical_{kind}n_slope", True)


SPHERICAL = {
    kind: _spherical(kind, *factors)
    for kind, factors in {"j": (1, -1), "y": (1, -1), "i": (1, 1), "k": (-1, -1)}.items()
}

# Airy functions. DLMF 9.2.1


def _airy_jvp(tangents: Any, outs: Any, x: Any) -> tuple[Any, ...]:
    (t,), (ai, aip, bi, bip) = tangents, outs
    return t * aip, t * (x * ai), t * bip, t * (x * bi)


airy = several("airy", sc.airy, _airy_jvp)

# Kelvin functions, each the real or the imaginary part of one Bessel function. DLMF 10.61.3


def _kelvin(real: str, imaginary: str, at_zero: float) -> None:
    f = unary(real, getattr(sc, real), lambda t, y, x: t * fp(x))
    g = unary(imaginary, getattr(sc, imaginary), lambda t, y, x: t * gp(x))
    fp = unary(f"{real}p", getattr(sc, f"{real}p"), lambda t, y, x: -t * (g(x) + over(y, x, 0)))
    gp = unary(
        f"{imaginary}p", getattr(sc, f"{imaginary}p"),
        lambda t, y, x: t * (f(x) - over(y, x, at_zero)),
    )  # fmt: skip

    def over(y: Any, x: Any, limit: float) -> Any:
        zero = equal(x, 0)
        return where(zero, limit, y / where(zero, 1, x))


_kelvin("ber", "bei", 0.5)
_kelvin("ker", "kei", math.inf)


# Struve functions. DLMF 11.4.25, 11.4.26


def _struve(name: str, ufunc: np.ufunc, slope: Slope) -> None:
    def with_power(op: Any, y: Any, v: Any, x: Any) -> Any:
        term = power(x * 0.5, v) * rgamma(v + 1.5) / math.sqrt(math.pi)
        return slope(op, y, v, x) + term * 0.5

    _of_order(name, ufunc, with_power)


_struve("struve", sc.struve, _falling)
_struve("modstruve", sc.modstruve, _rising)

# Integrals of Bessel functions from 0


def _integral(name: str, ufunc: np.ufunc, first: Any, second: Any) -> None:
    several(name, ufunc, lambda ts, outs, x: (ts[0] * first(x), ts[0] * second(x)))


_integral("itj0y0", sc.itj0y0, j0, y0)
_integral("iti0k0", sc.iti0k0, i0, k0)
