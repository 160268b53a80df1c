"""SciPy's special functions, for traced arrays as well.

`scipy.special.erf(x)` of a traced array arrives here by NumPy's dispatch of ufuncs. This module has
all of `scipy.special`'s names. Each is SciPy's own function, but for those that SciPy writes in
Python, such as `logsumexp`, which take traced arrays only here.

Example:
    >>> import numpy as np, functrace as ft
    >>> import scipy.special
    >>> ft.grad(scipy.special.erf)(0.0)
    np.float64(1.1283791670955126)
    >>> from functrace.scipy.special import logsumexp
    >>> ft.grad(logsumexp)(np.zeros(4))
    array([0.25, 0.25, 0.25, 0.25])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.special as _sc

from ..errors import DTypeError, OptionError, UnsupportedFunctionError
from ..numpy.elementwise import array
from ..ops import elementwise as ops
from ..ops import softmax as _softmax
from ..ops import special_bessel as _special_bessel
from ..ops import special_distributions as _special_distributions  # noqa: F401 -- has the ufuncs
from ..ops import special_elementary as _special_elementary  # noqa: F401 -- as above
from ..ops import special_error as _special_error  # noqa: F401 -- as above
from ..ops import special_gamma as _special_gamma
from ..ops import special_hypergeometric as _special_hypergeometric  # noqa: F401 -- as above
from ..ops import special_incomplete as _special_incomplete  # noqa: F401 -- as above
from ..ops import special_integrals as _special_integrals  # noqa: F401 -- as above
from ..ops import special_polynomials as _special_polynomials
from ..ops.cast import astype, result_dtype
from ..ops.reduce import reduce_max
from ..ops.shape import (
    broadcast_shapes,
    broadcast_to,
    keep_axes,
    normalize_axes,
    reduce_sum,
    spread,
)
from ..ops.shape import reshape as _reshape
from ..tracer import Tracer

if TYPE_CHECKING:
    from scipy.special import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
else:

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        ufunc = getattr(_sc._ufuncs, name, None)  # also where SciPy wraps it: SCIPY_ARRAY_API
        return getattr(_sc, name) if ufunc is None else ufunc

    def __dir__() -> list[str]:
        return sorted({*globals(), *[name for name in dir(_sc) if not name.startswith("__")]})


def _traced(*operands: Any) -> bool:
    return any(type(x) is Tracer for x in operands)


def _floating(*operands: Any) -> list[Any]:
    """Operands in their common dtype, floating-point, and at least one axis each."""
    dtype = result_dtype(*operands)
    dtype = dtype if dtype.kind in "fc" else np.dtype(np.float64)
    return [astype(array(x), dtype) for x in operands]


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """The logarithm of the sum of `b * exp(a)`, as `scipy.special.logsumexp`.

    Elements that share an infinite maximum share the derivative equally. Where a weight `b` is 0,
    `a` may be infinite or NaN.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.special import logsumexp
        >>> ft.grad(logsumexp)(np.array([-np.inf, 0.0, 0.0]))
        array([0. , 0.5, 0.5])
    """
    if not _traced(a, b):
        return _sc.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)
    operands = _floating(a) if b is None else _floating(a, b)
    shape = broadcast_shapes("logsumexp", [(1,), *(x.shape for x in operands)])
    operands = [broadcast_to(x, shape if x.ndim else (1,)) for x in operands]
    axes = normalize_axes(axis, len(shape))
    if b is None and operands[0].dtype.kind == "f":
        result = _softmax.logsumexp(operands[0], axes)
        sign = ops.where(ops.equal(result, -np.inf), 0, result.dtype.type(1))
    else:
        result, sign = _weighted(*operands, axes=axes, signed=return_sign)
    kept = keep_axes(shape, axes)
    outputs = [_reshape(x, kept) if keepdims else x for x in (result, sign)]
    return tuple(outputs) if return_sign else outputs[0]


def _weighted(x: Any, b: Any = 1, *, axes: tuple[int, ...], signed: bool) -> tuple[Any, Any]:
    """The logarithm of |Σ b e^x|, or of the sum itself unless `signed`, and the sum's sign."""
    real = ops.real(x)
    top = reduce_max(ops.where(ops.equal(b, 0), real.dtype.type(-np.inf), real), axes)
    top = ops.stop_gradient_op(ops.where(ops.isfinite(top), top, 0))
    shift = spread(top, x.shape, axes)
    # Beside a weight of 0 an element does not count; its power only has to stay finite.
    limit = ops.fmin(real, shift + float(np.log(np.finfo(real.dtype).max) / 2))
    x = ops.where(ops.equal(b, 0), limit, x)
    total = reduce_sum(ops.exp(x - shift) * b, axes)
    nothing = ops.equal(total, 0)
    size = ops.where(nothing, 1, total)
    if signed or total.dtype.kind == "f":
        size = ops.absolute(size)
    result = ops.where(nothing, -np.inf, ops.log(size) + top)
    if not signed and total.dtype.kind == "f":
        result = ops.where(ops.less(total, 0), np.nan, result)
    return result, ops.sign(total)


def softmax(x: Any, axis: Any = None) -> Any:
    """`exp(x)` over its sum along axes, as `scipy.special.softmax`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.special import softmax
        >>> ft.jacobian(softmax)(np.zeros(2))
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
    """
    if not _traced(x):
        return _sc.softmax(x, axis=axis)
    (x,) = _floating(x)
    axes = normalize_axes(axis, x.ndim)
    if x.dtype.kind == "f":
        return _softmax.softmax(x, axes)
    powers = ops.exp(x - spread(ops.stop_gradient_op(reduce_max(ops.real(x), axes)), x.shape, axes))
    return powers / spread(reduce_sum(powers, axes), x.shape, axes)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax(x)`, as `scipy.special.log_softmax`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.special import log_softmax
        >>> ft.grad(lambda x: log_softmax(x)[0])(np.zeros(2))
        array([ 0.5, -0.5])
    """
    if not _traced(x):
        return _sc.log_softmax(x, axis=axis)
    (x,) = _floating(x)
    axes = normalize_axes(axis, x.ndim)
    return x - spread(_softmax.logsumexp(x, axes), x.shape, axes)


def polygamma(n: Any, x: Any) -> Any:
    """The derivative of order n of the digamma function, as `scipy.special.polygamma`.

    Args:
        n: integers; they have no derivative.

    Raises:
        DTypeError: for traced n that are no integers.

    Example:
        >>> import functrace as ft
        >>> from functrace.scipy.special import polygamma
        >>> ft.grad(lambda x: polygamma(0, x))(1.0), float(polygamma(1, 1.0))
        (np.float64(1.6449340668482266), 1.6449340668482266)
    """
    if not _traced(n, x):
        return _sc.polygamma(n, x)
    if type(n) is Tracer and n.dtype.kind not in "iu":
        raise DTypeError(
            f"polygamma of a traced order n of dtype {n.dtype}",
            "pass integers, such as a Python int, or n.astype(int)",
        )
    order, x = array(n), array(x)
    if type(n) is not Tracer and not order.any():
        return _special_gamma.digamma(x) + order * 1.0  # SciPy gives double precision
    sign = ops.where(ops.equal(order % 2, 0), -1.0, 1.0)
    value = sign * _special_gamma.gamma(order + 1.0) * _special_gamma.zeta(order + 1, x)
    if type(n) is not Tracer and order.all():
        return value
    return ops.where(ops.equal(order, 0), _special_gamma.digamma(x), value)


def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the multivariate gamma function, as `scipy.special.multigammaln`.

    Args:
        a: of any shape, greater than (d - 1) / 2; otherwise the result is NaN, where SciPy raises.
        d: the dimension, a positive integer.

    Raises:
        OptionError: for another d.

    Example:
        >>> import functrace as ft
        >>> from functrace.scipy.special import multigammaln
        >>> ft.grad(multigammaln)(3.0, 2).round(6)
        np.float64(1.625941)
    """
    if not _traced(a):
        return _sc.multigammaln(a, d)  # pyright: ignore[reportAttributeAccessIssue]
    if not np.isscalar(d) or d != int(d) or d < 1:
        raise OptionError(f"multigammaln of dimension d={d!r}, which is no positive integer")
    (x,) = _floating(a)
    halves = np.arange(int(d), dtype=x.dtype) / 2
    parts = _special_gamma.gammaln(_reshape(x, (*x.shape, 1)) - halves)
    value = reduce_sum(parts, (x.ndim,)) + np.float64(d * (d - 1) / 4 * np.log(np.pi))
    return ops.where(ops.greater(x, (d - 1) / 2), value, np.nan)


def _refuse_exact(function: str, exact: bool) -> None:
    if exact:
        raise UnsupportedFunctionError(
            f"scipy.special.{function}(..., exact=True) of traced values, which are no Python ints",
            "leave exact=True away",
        )


def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """Γ(n + 1), and with `extend="zero"` 0 below 0, as `scipy.special.factorial`.

    Raises:
        UnsupportedFunctionError: for `exact=True` of a traced n.

    Example:
        >>> import functrace as ft
        >>> from functrace.scipy.special import factorial
        >>> factorial(3.0), ft.grad(factorial)(3.0).round(6)
        (np.float64(6.0), np.float64(7.536706))
    """
    if not _traced(n):
        options = {} if extend == "zero" else {"extend": extend}  # new in SciPy 1.15
        return _sc.factorial(n, exact=exact, **options)
    _refuse_exact("factorial", exact)
    (x,) = _floating(n)
    if extend == "complex":
        return _special_gamma.gamma(x + 1)
    below = ops.less(x, 0)
    value = ops.where(below, 0, _special_gamma.gamma(ops.where(below, 0, x) + 1))
    return astype(value, np.dtype(np.float64)) if x.ndim else value


def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """The binomial coefficient, and 0 where it counts nothing, as `scipy.special.comb`.

    Raises:
        UnsupportedFunctionError: for `exact=True` of traced values.

    Example:
        >>> import functrace as ft
        >>> from functrace.scipy.special import comb
        >>> ft.jit(comb)(5.0, 2)
        np.float64(10.0)
    """
    if not _traced(N, k):
        return _sc.comb(N, k, exact=exact, repetition=repetition)
    _refuse_exact("comb", exact)
    if repetition:
        value = _special_gamma.binom(N + k - 1, k)
        one_way = ops.logical_and(ops.equal(k, 0), ops.greater_equal(N, 0))
        return ops.where(one_way, 1, value)
    return _counted(_special_gamma.binom(N, k), N, k)


def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """The number of ordered choices of k of N things, as `scipy.special.perm`.

    Raises:
        UnsupportedFunctionError: for `exact=True` of traced values.

    Example:
        >>> import functrace as ft
        >>> from functrace.scipy.special import perm
        >>> ft.jit(perm)(5.0, 2)
        np.float64(20.0)
    """
    if not _traced(N, k):
        return _sc.perm(N, k, exact=exact)
    _refuse_exact("perm", exact)
    return _counted(_special_gamma.poch(N - k + 1, k), N, k)


def _counted(value: Any, N: Any, k: Any) -> Any:
    possible = ops.logical_and(ops.less_equal(k, N), ops.greater_equal(k, 0))
    return ops.where(ops.logical_and(possible, ops.greater_equal(N, 0)), value, 0)


def _spherical(kind: str) -> Any:
    plain = getattr(_sc, f"spherical_{kind}n")
    rows = _special_bessel.SPHERICAL[kind]

    def spherical(n: Any, z: Any, derivative: bool = False) -> Any:
        if not _traced(n, z):
            return plain(n, z, derivative)
        return rows[bool(derivative)](astype(array(n), np.dtype("long")), *_floating(z))

    spherical.__name__ = spherical.__qualname__ = plain.__name__
    spherical.__doc__ = f"As `scipy.special.{plain.__name__}`; n are integers."
    return spherical


spherical_jn = _spherical("j")
spherical_yn = _spherical("y")
spherical_in = _spherical("i")
spherical_kn = _spherical("k")


def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    """Spherical harmonics of a polar angle theta and an azimuth phi, as `scipy.special.sph_harm_y`.

    Args:
        n, m: integers.
        diff_n: how many derivatives to return as well; none of traced angles, which grad and
            jacobian differentiate.

    Raises:
        UnsupportedFunctionError: for derivatives of traced angles.

    Example:
        >>> import functrace as ft
        >>> from functrace.scipy.special import sph_harm_y
        >>> ft.grad(lambda theta: sph_harm_y(1, 0, theta, 0.0).real)(0.0)
        np.float64(0.0)
    """
    if not _traced(n, m, theta, phi):
        return _sc.sph_harm_y(n, m, theta, phi, diff_n=diff_n)
    if diff_n:
        raise UnsupportedFunctionError(
            f"scipy.special.sph_harm_y(..., diff_n={diff_n}) of traced angles",
            "leave diff_n away, and differentiate with functrace.jacobian or grad",
        )
    degrees = [astype(array(x), np.dtype(np.int64)) for x in (n, m)]
    return _special_polynomials.sph_harm_y(*degrees, *_floating(theta, phi))
