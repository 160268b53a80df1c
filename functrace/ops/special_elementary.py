"""SciPy's special functions that are elementary: logarithms safe at 0, logistic, losses, powers.

The ops here and in the other `special_*` files register as the answer for SciPy's ufuncs when they
are imported, which needs SciPy. In a partial derivative `t` is the tangent of the operand. The
ufuncs come from where SciPy defines them: under its option SCIPY_ARRAY_API, `scipy.special` itself
has functions around them.
"""

from __future__ import annotations

import math
from typing import Any

from scipy.special import _ufuncs as sc

from ._families import binary, unary
from .activations import logistic_slope
from .elementwise import (
    absolute,
    cbrt,
    cosine,
    equal,
    exp2,
    expm1,
    hypot,
    less_equal,
    log,
    log1p,
    logical_and,
    power,
    rint,
    sign,
    sin,
    square,
    where,
)
from .special_tools import ratio, same

for _ufunc, _op in ((sc.exp2, exp2), (sc.expm1, expm1), (sc.log1p, log1p), (sc.cbrt, cbrt)):
    same(_ufunc, _op)
same(sc.round, rint)

# Logarithms times something, which is 0 where both are

xlogy = binary("xlogy", sc.xlogy, lambda t, z, x, y: t * log(y), lambda t, z, x, y: t * ratio(x, y))
xlog1py = binary(
    "xlog1py", sc.xlog1py, lambda t, z, x, y: t * log1p(y), lambda t, z, x, y: t * ratio(x, 1 + y)
)
entr = unary("entr", sc.entr, lambda t, y, x: -t * (log(x) + 1))


def _log_ratio(x: Any, y: Any) -> Any:
    """log(x / y) + 1, and 0 where x and y are 0, so that what is absent on both sides counts 0."""
    absent = logical_and(equal(x, 0), equal(y, 0))
    return where(absent, 0, log(where(absent, 1, x) / where(absent, 1, y)) + 1)


rel_entr = binary(
    "rel_entr", sc.rel_entr,
    lambda t, z, x, y: t * _log_ratio(x, y), lambda t, z, x, y: -t * ratio(x, y),
)  # fmt: skip
kl_div = binary(
    "kl_div", sc.kl_div,
    lambda t, z, x, y: t * (_log_ratio(x, y) - 1), lambda t, z, x, y: t * (1 - ratio(x, y)),
)  # fmt: skip

# The logistic function

expit = unary("expit", sc.expit, lambda t, y, x: t * logistic_slope(x))
logit = unary("logit", sc.logit, lambda t, y, x: t / (x * (1 - x)))
log_expit = unary("log_expit", sc.log_expit, lambda t, y, x: t * expit(-x))

# Losses


def _huber_by_delta(t: Any, z: Any, delta: Any, r: Any) -> Any:
    size = absolute(r)
    return t * where(less_equal(size, delta), 0, size - delta)


def _huber_by_residual(t: Any, z: Any, delta: Any, r: Any) -> Any:
    return t * where(less_equal(absolute(r), delta), r, delta * sign(r))


def _pseudo_huber_by_delta(t: Any, z: Any, delta: Any, r: Any) -> Any:
    """(h - δ)² / h with h² = δ² + r², for δ >= 0."""
    h = hypot(delta, r)
    h = where(equal(h, 0), 1, h)
    return t * (square(square(r) / (h + delta)) / h)


def _pseudo_huber_by_residual(t: Any, z: Any, delta: Any, r: Any) -> Any:
    return t * (delta * cosine(r, delta, hypot(delta, r)))


huber = binary("huber", sc.huber, _huber_by_delta, _huber_by_residual)
pseudo_huber = binary(
    "pseudo_huber", sc.pseudo_huber, _pseudo_huber_by_delta, _pseudo_huber_by_residual
)

# Powers and exponentials

exp10 = unary("exp10", sc.exp10, lambda t, y, x: t * (y * math.log(10)))
powm1 = binary(
    "powm1", sc.powm1,
    lambda t, z, x, y: t * (y * power(x, y - 1)), lambda t, z, x, y: t * ((z + 1) * log(x)),
)  # fmt: skip
cosm1 = unary("cosm1", sc.cosm1, lambda t, y, x: -t * sin(x))
wrightomega = unary("wrightomega", sc.wrightomega, lambda t, y, x: t * (y / (1 + y)))

# Angles in degrees

_DEGREE = math.pi / 180
sindg = unary("sindg", sc.sindg, lambda t, y, x: t * (cosdg(x) * _DEGREE))
cosdg = unary("cosdg", sc.cosdg, lambda t, y, x: -t * (sindg(x) * _DEGREE))
tandg = unary("tandg", sc.tandg, lambda t, y, x: t * ((square(y) + 1) * _DEGREE))
cotdg = unary("cotdg", sc.cotdg, lambda t, y, x: -t * (square(1 / sindg(x)) * _DEGREE))
