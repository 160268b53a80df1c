"""SciPy's orthogonal polynomials, as functions of a degree, parameters and x; spherical harmonics.

The derivative by x is a polynomial of the next lower degree and greater parameters; none is offered
by the others. DLMF 18.9.15 to 18.9.25.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special
from scipy.special import _ufuncs as sc

from ..primitive import ZERO
from ..recorder import bind
from ._families import ElementwiseOp, elementwise, ufunc_op
from .cast import astype
from .elementwise import equal, exp, maximum, sqrt, where
from .special_tools import no_derivative

_NAMES = ("its degree", "its first parameter", "its second parameter")


def _polynomial(name: str, slope: Callable[..., Any]) -> ElementwiseOp:
    """A row: a polynomial and its slope, from the degree, parameters and x."""
    name = f"eval_{name}"
    ufunc: np.ufunc = getattr(sc, name)
    refused = [no_derivative(name, parameter) for parameter in _NAMES[: ufunc.nin - 1]]
    return ufunc_op(name, ufunc, (*refused, lambda t, y, *operands: t * slope(*operands)))


def _number(value: float, like: Any) -> Any:
    return like.real.dtype.type(value)


def _before(n: Any) -> Any:
    """The degree below, where it is a factor: any will do below 0."""
    return where(equal(n, 0), 0, n - 1)


jacobi = _polynomial(
    "jacobi", lambda n, a, b, x: jacobi(n - 1, a + 1, b + 1, x) * ((n + a + b + 1) * 0.5)
)
gegenbauer = _polynomial("gegenbauer", lambda n, a, x: gegenbauer(n - 1, a + 1, x) * (2 * a))
genlaguerre = _polynomial("genlaguerre", lambda n, a, x: -genlaguerre(n - 1, a + 1, x))
laguerre = _polynomial("laguerre", lambda n, x: -genlaguerre(n - 1, _number(1, x), x))
legendre = _polynomial(
    "legendre",
    lambda n, x: jacobi(n - 1, _number(1, x), _number(1, x), x) * ((n + 1) * _number(0.5, x)),
)
chebyt = _polynomial("chebyt", lambda n, x: chebyu(_before(n), x) * (n * _number(1, x)))
chebyu = _polynomial("chebyu", lambda n, x: gegenbauer(n - 1, _number(2, x), x) * 2)
hermite = _polynomial("hermite", lambda n, x: hermite(_before(n), x) * (2 * n))
hermitenorm = _polynomial("hermitenorm", lambda n, x: hermitenorm(_before(n), x) * n)

# Of x/2, and shifted, of 2x - 1

chebyc = _polynomial("chebyc", lambda n, x: chebys(_before(n), x) * (n * _number(1, x)))
chebys = _polynomial("chebys", lambda n, x: gegenbauer(n - 1, _number(2, x), x * 0.5))
sh_chebyt = _polynomial("sh_chebyt", lambda n, x: sh_chebyu(_before(n), x) * (n * _number(2, x)))
sh_chebyu = _polynomial("sh_chebyu", lambda n, x: gegenbauer(n - 1, _number(2, x), 2 * x - 1) * 4)
sh_legendre = _polynomial(
    "sh_legendre",
    lambda n, x: jacobi(n - 1, _number(1, x), _number(1, x), 2 * x - 1) * (n + _number(1, x)),
)
sh_jacobi = _polynomial("sh_jacobi", lambda n, p, q, x: sh_jacobi(_before(n), p + 2, q + 1, x) * n)


# Spherical harmonics. The slope by the polar angle is half the difference of both ladder operators,
# which has no pole. DLMF 14.30.1, 14.30.11


def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """As `scipy.special.sph_harm_y`, for integers n and m and angles of one real dtype."""
    return bind(SPH_HARM_Y, n, m, theta, phi)


def _by_polar_angle(t: Any, y: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
    def step(k: Any) -> Any:
        size = astype(maximum((n + 1) * n - m * k, 0), theta.dtype)
        return sqrt(size) * sph_harm_y(n, k, theta, phi)

    turn = exp(phi * 1j)
    return t * ((step(m + 1) / turn - step(m - 1) * turn) * 0.5)


def _by_azimuth(t: Any, y: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return t * (y * (astype(m, theta.dtype) * 1j))


SPH_HARM_Y = elementwise(
    "sph_harm_y",
    lambda *operands: scipy.special.sph_harm_y(*operands),
    lambda n, m, theta, phi: np.result_type(theta.dtype, np.complex64),
    (ZERO, ZERO, _by_polar_angle, _by_azimuth),
)
