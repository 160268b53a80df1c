"""Continuous distributions with parameters of shape, through which gradients go.

A gamma variable is differentiated at a fixed quantile of its distribution (Figurnov, Mohamed and
Mnih, "Implicit reparameterization gradients", 2018), to any order; most others are made of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import OptionError, ShapeError
from ..numpy import contractions, linalg
from ..ops import elementwise as el
from ..ops import random as ops
from ..ops import rejection
from ..ops.activations import sigmoid
from ..ops.cast import result_dtype
from ..ops.linalg import symmetrized
from ..ops.reduce import reduce_max
from ..ops.shape import broadcast_shapes, expand_dims, spread
from ..ops.softmax import softmax
from ._arguments import as_key, common_shape, floating, parameter, ranked, shape_of, values


def gamma(key: Any, a: Any, shape: Any = None, dtype: Any = float) -> Any:
    """Gamma numbers of shape `a` and scale 1, to be multiplied by another scale.

    For very small `a` most numbers are too small for a float, and 0; `loggamma` has them. The
    method is that of Marsaglia and Tsang (2000), and differentiation by `a` keeps the quantile.

    Args:
        a: numbers of at least 0, which broadcast to the shape.
        shape: the shape of the result; by default that of `a`.

    Returns:
        An array of the shape and a floating dtype; 0 where `a` is 0, as in NumPy, and NaN where it
        is negative or not finite. As `jax.random.gamma`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when `a` does not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> key = ft.random.key(0)
        >>> ft.random.gamma(key, 2.5, (3,))
        array([3.99536221, 3.97695421, 2.97571789])
        >>> ft.jacfwd(lambda a: ft.random.gamma(key, a, (3,)))(2.5)
        array([1.33889313, 1.33604896, 1.16465544])
    """
    return _gamma("gamma", key, a, shape, dtype, form="number")


def loggamma(key: Any, a: Any, shape: Any = None, dtype: Any = float) -> Any:
    """Logarithms of gamma numbers, also of those that are too small for a float.

    Args, results and errors are those of `gamma`; -inf where `a` is 0. As `jax.random.loggamma`.

    Example:
        >>> import functrace as ft
        >>> ft.random.loggamma(ft.random.key(0), 0.001, (3,))
        array([ -803.71338221, -1106.45192412,   -12.34626446])
    """
    return _gamma("loggamma", key, a, shape, dtype, form="logarithm")


def _gamma(function: str, key: Any, a: Any, shape: Any, dtype: Any, form: str) -> Any:
    found = floating(function, dtype)
    a = parameter(a, found)
    target = common_shape(function, shape, a)
    return rejection.gamma(as_key(key), ranked(a, target), target, found, form)


def chisquare(key: Any, df: Any, shape: Any = None, dtype: Any = float) -> Any:
    """Chi-square numbers of `df` degrees of freedom, which need not be whole.

    Args:
        df: numbers of at least 0, which broadcast to the shape.
        shape: the shape of the result; by default that of `df`.

    Returns:
        An array of the shape and a floating dtype; 0 where `df` is 0, and NaN where it is negative
        or not finite. As `jax.random.chisquare`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when `df` does not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.chisquare(ft.random.key(0), 3.0, (3,))
        array([5.22588628, 5.19514599, 3.56755029])
    """
    df = parameter(df, floating("chisquare", dtype))
    return _gamma("chisquare", key, df * 0.5, shape, dtype, form="number") * 2


def t(key: Any, df: Any, shape: Any = None, dtype: Any = float) -> Any:
    """Student's t numbers of `df` degrees of freedom.

    Args:
        df: positive numbers, which broadcast to the shape.
        shape: the shape of the result; by default that of `df`.

    Returns:
        An array of the shape and a floating dtype. As `jax.random.t`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when `df` does not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.t(ft.random.key(0), 3.0, (3,))
        array([-1.08555785, -0.0743959 ,  3.32212145])
    """
    found = floating("t", dtype)
    df = parameter(df, found)
    target = common_shape("t", shape, df)
    first, second = ops.split(as_key(key), (2,))
    half = df * 0.5
    mixing = _gamma("t", second, half, target, found, form="number")
    return ops.normal(first, target, found) * el.sqrt(half / mixing)


def beta(key: Any, a: Any, b: Any, shape: Any = None, dtype: Any = float) -> Any:
    """Beta numbers, in [0, 1]: the share of one of two gamma variables of shapes `a` and `b`.

    Args:
        a, b: numbers of at least 0, which broadcast to the shape.
        shape: the shape of the result; by default that to which `a` and `b` broadcast.

    Returns:
        An array of the shape and a floating dtype; 0 where only `a` is 0, 1 where only `b` is, and
        NaN where both are, or one is negative or not finite. As `jax.random.beta`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when `a` and `b` do not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.beta(ft.random.key(0), 2.0, 3.0, (3,))
        array([0.56304947, 0.45196376, 0.4490063 ])
    """
    found = floating("beta", dtype)
    a, b = parameter(a, found), parameter(b, found)
    target = common_shape("beta", shape, a, b)
    first, second = ops.split(as_key(key), (2,))
    left = _gamma("beta", first, a, target, found, form="share")
    right = _gamma("beta", second, b, target, found, form="share")
    neither = el.logical_and(el.equal(left, -np.inf), el.equal(right, -np.inf))
    return sigmoid(left - el.where(neither, np.nan, right))


def dirichlet(key: Any, alpha: Any, shape: Any = None, dtype: Any = float) -> Any:
    """Dirichlet vectors: the shares of gamma variables of shapes `alpha`, which sum to 1.

    Args:
        alpha: numbers of at least 0, of shape (..., n).
        shape: the shape of the result without its last axis; by default that of `alpha` without it.

    Returns:
        An array of shape (*shape, n) and a floating dtype; 0 where `alpha` is 0, also where all of
        a vector are, as in NumPy. NaN where one is negative or not finite. As
        `jax.random.dirichlet`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when `alpha` has no axis, or does not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.dirichlet(ft.random.key(0), [1.0, 2.0, 3.0])
        array([0.21345647, 0.3787198 , 0.40782373])
    """
    found = floating("dirichlet", dtype)
    alpha = parameter(alpha, found)
    if not alpha.ndim:
        raise ShapeError("dirichlet: alpha must have an axis, along which the numbers sum to 1")
    target = alpha.shape if shape is None else (*shape_of("dirichlet", shape), alpha.shape[-1])
    logarithms = _gamma("dirichlet", key, alpha, target, found, form="share")
    axes = (len(target) - 1,)
    nothing = spread(el.equal(reduce_max(logarithms, axes), -np.inf), target, axes)
    return el.where(nothing, 0, softmax(el.where(nothing, 0, logarithms), axes))


def multivariate_normal(
    key: Any, mean: Any, cov: Any, shape: Any = None, dtype: Any = None, method: str = "cholesky"
) -> Any:
    """Normal vectors of a mean and a covariance.

    Args:
        mean: of shape (..., n).
        cov: of shape (..., n, n): symmetric and positive definite, or for the methods other than
            Cholesky's positive semidefinite. It is made symmetric, and so is its gradient.
        shape: the shape of the result without its last axis; by default that to which the other
            axes of `mean` and `cov` broadcast.
        dtype: of floating point; by default that of `mean` and `cov`.
        method: how `cov` is factored, "cholesky", "eigh" or "svd". Where `cov` is singular the
            derivatives of the other two are those for a covariance of the same rank.

    Returns:
        An array of shape (*shape, n). As `jax.random.multivariate_normal`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when the shapes do not fit together.
        OptionError: when there is no such method.
        numpy.linalg.LinAlgError: when `cov` is not positive definite, by Cholesky's method.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.random.multivariate_normal(ft.random.key(0), np.zeros(2), np.eye(2))
        array([0.05314361, 0.8077486 ])
    """
    name = "multivariate_normal"
    mean, cov = values(mean), values(cov)
    found = floating(name, result_dtype(mean, cov, 1.0) if dtype is None else dtype)
    mean, cov = parameter(mean, found), parameter(cov, found)
    size = mean.shape[-1:]
    if not mean.ndim or cov.ndim < 2 or cov.shape[-2:] != size * 2:
        raise ShapeError(
            f"{name}: a mean of shape {mean.shape}, and a covariance of shape {cov.shape}",
            "they have shapes (..., n) and (..., n, n)",
        )
    lead = broadcast_shapes(name, [mean.shape[:-1], cov.shape[:-2]])
    target = lead if shape is None else shape_of(name, shape)
    if broadcast_shapes(name, [lead, target]) != target:
        raise ShapeError(f"{name}: a mean and covariance for {lead} do not fit shape={target}")
    z = ops.normal(as_key(key), target + size, found)
    return mean + contractions.einsum("...ij,...j->...i", _root(cov, method), z)


def _root(cov: Any, method: str) -> Any:
    """A matrix F with F F^T = cov, which is made symmetric first."""
    cov = symmetrized(cov, "multivariate_normal")
    if method == "cholesky":
        return linalg.cholesky(cov)
    if method == "eigh":
        values, vectors = linalg.eigh(cov)
    elif method == "svd":
        vectors, values, _ = linalg.svd(cov)
    else:
        raise OptionError(
            f"multivariate_normal(method={method!r})", "methods are cholesky, eigh and svd"
        )
    # The slopes are those at the same rank: others are infinite where a value is 0
    least = reduce_max(values, (values.ndim - 1,)) * (np.finfo(values.dtype).eps * values.shape[-1])
    absent = el.less_equal(values, expand_dims(least, (values.ndim - 1,)))
    roots = el.where(absent, 0, el.sqrt(el.where(absent, 1, values)))
    return vectors * expand_dims(roots, (values.ndim - 1,))
