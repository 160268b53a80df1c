"""SciPy's exponential, sine and cosine integrals, elliptic integrals, and Lambert's function."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import _ufuncs as sc

from ..primitive import ZERO
from ._families import binary, ufunc_op, unary
from .elementwise import cos, cosh, equal, exp, rint, sin, sqrt, square, where
from .series import sin_quotient, sinh_quotient
from .special_hypergeometric import ellipe_slope, ellipk_slope
from .special_tools import no_derivative, several

# DLMF 6.2.1, 6.2.5, 8.19.13

expi = unary("expi", sc.expi, lambda t, y, x: t * (exp(x) / x))
exp1 = unary("exp1", sc.exp1, lambda t, y, x: -t * (exp(-x) / x))


def _expn_partial(t: Any, y: Any, n: Any, x: Any) -> Any:
    first = equal(n, 0)  # e^-x / x
    return -t * where(first, y * (1 + 1 / where(first, x, 1)), expn(where(first, 1, n) - 1, x))


expn = binary("expn", sc.expn, no_derivative("expn", "n"), _expn_partial)


# DLMF 6.2.9, 6.2.13, 6.2.15, 6.2.16


def _sici_jvp(tangents: Any, outs: Any, x: Any) -> tuple[Any, Any]:
    (t,) = tangents
    return t * sin_quotient(x), t * (cos(x) / x)


def _shichi_jvp(tangents: Any, outs: Any, x: Any) -> tuple[Any, Any]:
    (t,) = tangents
    return t * sinh_quotient(x), t * (cosh(x) / x)


sici = several("sici", sc.sici, _sici_jvp)
shichi = several("shichi", sc.shichi, _shichi_jvp)

# Lambert's function: w e^w = z. DLMF 4.13.4

lambertw = ufunc_op(
    "lambertw", sc._lambertw,
    (lambda t, w, z, k, tol: t * (exp(-w) / (1 + w)), ZERO, no_derivative("lambertw", "tol")),
)  # fmt: skip

# Carlson's symmetric integrals. DLMF 19.18.1 and, by partial fractions, 19.18.2


def _r_d_by(x: Any, y: Any, z: Any, value: Any) -> Any:
    """The derivative of R_D(x, y, z) by x."""
    return (elliprd(y, z, x) - value) / (2 * (x - z))


def _r_d_by_last(t: Any, value: Any, x: Any, y: Any, z: Any) -> Any:
    """From Euler's equation: R_D is homogeneous, of degree -3/2."""
    along = x * _r_d_by(x, y, z, value) + y * _r_d_by(y, x, z, value)
    return -t * ((value * 1.5 + along) / z)


elliprf = ufunc_op(
    "elliprf", sc.elliprf,
    (lambda t, v, x, y, z: t * (elliprd(y, z, x) / -6),
     lambda t, v, x, y, z: t * (elliprd(x, z, y) / -6),
     lambda t, v, x, y, z: t * (elliprd(x, y, z) / -6)),
)  # fmt: skip
elliprd = ufunc_op(
    "elliprd", sc.elliprd,
    (lambda t, v, x, y, z: t * _r_d_by(x, y, z, v), lambda t, v, x, y, z: t * _r_d_by(y, x, z, v),
     _r_d_by_last),
)  # fmt: skip

# Incomplete elliptic integrals. The slope by m is an integral of sin², R_D by DLMF 19.25.5; each
# half turn adds twice the complete integral.


def _squared_sines(phi: Any, m: Any, last: bool) -> tuple[Any, Any]:
    turns = rint(phi / math.pi)
    rest = phi - turns * math.pi
    s = sin(rest)
    one, q = s.dtype.type(1), 1 - m * square(s)
    triple = (square(cos(rest)), one, q) if last else (square(cos(rest)), q, one)
    return s * square(s) * elliprd(*triple) / 6, turns * 2


def _first_by_m(t: Any, y: Any, phi: Any, m: Any) -> Any:
    part, halves = _squared_sines(phi, m, last=True)
    turned = equal(halves, 0)
    return t * (part + where(turned, 0, halves * ellipk_slope(where(turned, 0, m))))


def _second_by_m(t: Any, y: Any, phi: Any, m: Any) -> Any:
    part, halves = _squared_sines(phi, m, last=False)
    return t * (halves * ellipe_slope(m) - part)


ellipkinc = binary(
    "ellipkinc", sc.ellipkinc,
    lambda t, y, phi, m: t / sqrt(1 - m * square(sin(phi))), _first_by_m,
)  # fmt: skip
ellipeinc = binary(
    "ellipeinc", sc.ellipeinc,
    lambda t, y, phi, m: t * sqrt(1 - m * square(sin(phi))), _second_by_m,
)  # fmt: skip


def _ellipj_jvp(tangents: Any, outs: Any, u: Any, m: Any) -> tuple[Any, ...]:
    """DLMF 22.13.1, 22.13.2, 22.13.3."""
    t, by_m = tangents
    if by_m is not None:
        no_derivative("ellipj", "m")(by_m)
    sn, cn, dn, _ = outs
    return t * (cn * dn), -t * (sn * dn), -t * (m * sn * cn), t * dn


ellipj = several("ellipj", sc.ellipj, _ellipj_jvp)
