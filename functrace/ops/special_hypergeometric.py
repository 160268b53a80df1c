"""SciPy's hypergeometric functions, and functions whose derivatives they are.

The derivative of a hypergeometric function by its argument is the function of parameters that are
greater by 1, times a constant. So the elementary functions here that are quotients, such as
(e^x - 1) / x, have derivatives of every order without cancellation where both parts vanish.
"""

from __future__ import annotations

import math
from typing import Any

from scipy.special import _ufuncs as sc

from ._families import binary, ufunc_op, unary
from .elementwise import absolute, exp, less, log, log1p, power, square, where
from .special_tools import no_derivative


def _parameters(name: str, *parameters: str) -> list[Any]:
    return [no_derivative(name, parameter) for parameter in parameters]


# DLMF 16.3.1, 13.3.22

hyp0f1 = binary(
    "hyp0f1", sc.hyp0f1, no_derivative("hyp0f1", "v"),
    lambda t, y, v, z: t * (hyp0f1(v + 1, z) / v),
)  # fmt: skip
hyp1f1 = ufunc_op(
    "hyp1f1", sc.hyp1f1,
    (*_parameters("hyp1f1", "a", "b"),
     lambda t, y, a, b, z: t * (hyp1f1(a + 1, b + 1, z) * (a / b))),
)  # fmt: skip
hyp2f1 = ufunc_op(
    "hyp2f1", sc.hyp2f1,
    (*_parameters("hyp2f1", "a", "b", "c"),
     lambda t, y, a, b, c, z: t * (hyp2f1(a + 1, b + 1, c + 1, z) * (a * b / c))),
)  # fmt: skip
hyperu = ufunc_op(
    "hyperu", sc.hyperu,
    (*_parameters("hyperu", "a", "b"), lambda t, y, a, b, z: -t * (hyperu(a + 1, b + 1, z) * a)),
)  # fmt: skip


def _constants(x: Any, *values: float) -> list[Any]:
    """Parameters in the real dtype of an operand."""
    return [x.real.dtype.type(value) for value in values]


def hypergeometric(a: float, b: float, c: float, x: Any) -> Any:
    """Gauss's function of constant parameters."""
    return hyp2f1(*_constants(x, a, b, c), x)


# Quotients

exprel = unary(
    "exprel", sc.exprel, lambda t, y, x: t * (hyp1f1(*_constants(x, 2, 3), x) * 0.5)
)  # fmt: skip


def _spence_slope(x: Any) -> Any:
    """log(x) / (1 - x). DLMF 25.12.2."""
    near = less(absolute(x - 1), 0.5)
    far = where(near, 2, x)
    return where(near, -hypergeometric(1, 1, 2, 1 - where(near, x, 1)), log(far) / (1 - far))


spence = unary("spence", sc.spence, lambda t, y, x: t * _spence_slope(x))

# Powers of Box and Cox: (x^λ - 1) / λ, which is L (e^u - 1) / u with L = log x and u = λ L


def _boxcox_by_lambda(root: Any, power_: Any, value: Any, x: Any) -> Any:
    """L² times the derivative of (e^u - 1) / u; for large u as (L e^u - value) / λ."""
    u = root * power_
    near = less(absolute(u), 1)
    small = where(near, u, 0)
    series = square(root) * (hyp1f1(*_constants(u, 2, 3), small) * 0.5)
    vanishes = less(u, -700)  # where e^u L is 0, also for infinite L
    product = where(vanishes, 0, where(vanishes, 0, root) * exp(where(vanishes, 0, u)))
    return where(near, series, (product - value) / where(near, 1, power_))


boxcox = binary(
    "boxcox", sc.boxcox,
    lambda t, y, x, lmbda: t * power(x, lmbda - 1),
    lambda t, y, x, lmbda: t * _boxcox_by_lambda(log(x), lmbda, y, x),
)  # fmt: skip
boxcox1p = binary(
    "boxcox1p", sc.boxcox1p,
    lambda t, y, x, lmbda: t * exp((lmbda - 1) * log1p(x)),
    lambda t, y, x, lmbda: t * _boxcox_by_lambda(log1p(x), lmbda, y, x),
)  # fmt: skip


def _inverse_by_lambda(x: Any, y: Any, lmbda: Any) -> Any:
    """Of x = exp(log(1 + λ y) / λ): y² x times the derivative of log(1 + v) / v at v = λ y."""
    return x * square(y) * (hypergeometric(2, 2, 3, -lmbda * y) * -0.5)


inv_boxcox = binary(
    "inv_boxcox", sc.inv_boxcox,
    lambda t, x, y, lmbda: t * (x / (1 + lmbda * y)),
    lambda t, x, y, lmbda: t * _inverse_by_lambda(x, y, lmbda),
)  # fmt: skip
inv_boxcox1p = binary(
    "inv_boxcox1p", sc.inv_boxcox1p,
    lambda t, x, y, lmbda: t * ((1 + x) / (1 + lmbda * y)),
    lambda t, x, y, lmbda: t * _inverse_by_lambda(1 + x, y, lmbda),
)  # fmt: skip

# Complete elliptic integrals of the parameter m. DLMF 19.5.1, 19.5.2, 19.4.1


def ellipk_slope(m: Any) -> Any:
    """The derivative of K(m)."""
    return hypergeometric(1.5, 1.5, 2, m) * (math.pi / 8)


def ellipe_slope(m: Any) -> Any:
    """The derivative of E(m)."""
    return hypergeometric(0.5, 1.5, 2, m) * (-math.pi / 8)


ellipk = unary("ellipk", sc.ellipk, lambda t, y, m: t * ellipk_slope(m))
ellipe = unary("ellipe", sc.ellipe, lambda t, y, m: t * ellipe_slope(m))


def _ellipkm1_partial(t: Any, y: Any, p: Any) -> Any:
    near = less(p, 0.5)
    small = where(near, p, 0.5)
    log_like = (ellipe(1 - small) / small - ellipkm1(small)) / (2 * (1 - small))
    return -t * where(near, log_like, ellipk_slope(1 - p))


ellipkm1 = unary("ellipkm1", sc.ellipkm1, _ellipkm1_partial)
