"""Continuous distributions: those by a formula of uniform or normal numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ops import elementwise as el
from ..ops import random as ops
from ..ops import truncated
from ..ops.cast import astype
from ._arguments import as_key, common_shape, floating, parameter, shape_of

_SINGLE = np.dtype(np.float32)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to compute in: half precision has too few uniform numbers to make others of."""
    return max(dtype, _SINGLE)


def _open(function: str, key: Any, shape: Any, dtype: Any) -> tuple[Any, np.dtype[Any]]:
    """Uniform numbers between 0 and 1, neither included, to compute others with."""
    found = floating(function, dtype)
    return ops.uniform(as_key(key), shape_of(function, shape), _wide(found), open=True), found


def uniform(
    key: Any, shape: Any = (), dtype: Any = float, minval: Any = 0.0, maxval: Any = 1.0
) -> Any:
    """Uniform numbers in [minval, maxval).

    Rounding can give maxval itself where minval is not 0. The numbers of [0, 1) are the multiples
    of 2^-53, or 2^-24 in single precision; the others are `minval + (maxval - minval) * u`, through
    which gradients go.

    Args:
        minval, maxval: bounds, which broadcast to the shape.

    Returns:
        An array of the shape and a floating dtype. As `jax.random.uniform`.

    Raises:
        KeyTypeError: when `key` is no key.
        DTypeError: when `dtype` is not floating point.
        ShapeError: when the bounds do not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.uniform(ft.random.key(0), (3,))
        array([0.01154675, 0.2415492 , 0.11142586])
    """
    found = floating("uniform", dtype)
    low, high = parameter(minval, found), parameter(maxval, found)
    u = ops.uniform(as_key(key), common_shape("uniform", shape, low, high), found)
    if type(minval) is float and type(maxval) is float and (minval, maxval) == (0.0, 1.0):
        return u
    return u * (high - low) + low


def normal(key: Any, shape: Any = (), dtype: Any = float) -> Any:
    """Standard normal numbers.

    Of another mean and scale they are `mean + scale * normal(key, shape)`, through which gradients
    go.

    Args:
        dtype: of floating point; or complex, for real and imaginary parts of variance 1/2.

    Returns:
        An array of the shape and dtype. As `jax.random.normal`. The method is in
        `functrace/ops/ziggurat.py`.

    Raises:
        KeyTypeError: when `key` is no key.
        DTypeError: when `dtype` is not floating point.

    Example:
        >>> import functrace as ft
        >>> ft.random.normal(ft.random.key(0), (3,))
        array([0.05314361, 0.8077486 , 0.29750241])
    """
    key, shape = as_key(key), shape_of("normal", shape)
    if dtype is not None and np.dtype(dtype).kind == "c":
        found = np.dtype(dtype)
        parts = ops.normal(key, (2, *shape), np.finfo(found).dtype) * math.sqrt(0.5)
        return parts[0] + parts[1] * found.type(1j)
    return ops.normal(key, shape, floating("normal", dtype))


def truncated_normal(
    key: Any, lower: Any, upper: Any, shape: Any = None, dtype: Any = float
) -> Any:
    """Standard normal numbers under the condition that they lie between two bounds.

    Gradients go to the bounds. The method is inversion, in `functrace/ops/truncated.py`.

    Args:
        lower, upper: bounds, which may be infinite, and lie far out in a tail.
        shape: the shape of the result; by default that to which the bounds broadcast.

    Returns:
        An array of the shape and a floating dtype; NaN where lower > upper. As
        `jax.random.truncated_normal`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when the bounds do not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.truncated_normal(ft.random.key(0), -1.0, 1.0, (3,))
        array([-0.96793626, -0.45777137, -0.72337581])
    """
    found = floating("truncated_normal", dtype)
    low, high = parameter(lower, _wide(found)), parameter(upper, _wide(found))
    target = common_shape("truncated_normal", shape, low, high)
    u, _ = _open("truncated_normal", key, target, found)
    return astype(truncated.truncated_normal(u, low, high), found)


def exponential(key: Any, shape: Any = (), dtype: Any = float) -> Any:
    """Exponential numbers of mean 1, to be multiplied by another one.

    Returns:
        An array of the shape and a floating dtype. As `jax.random.exponential`.

    Raises:
        KeyTypeError: when `key` is no key.

    Example:
        >>> import functrace as ft
        >>> ft.random.exponential(ft.random.key(0), (3,))
        array([4.4613509 , 1.42068211, 2.19439588])
    """
    u, found = _open("exponential", key, shape, dtype)
    return astype(-el.log(u), found)


def laplace(key: Any, shape: Any = (), dtype: Any = float) -> Any:
    """Laplace numbers of location 0 and scale 1: density exp(-|x|) / 2.

    Returns:
        An array of the shape and a floating dtype. As `jax.random.laplace`.

    Raises:
        KeyTypeError: when `key` is no key.

    Example:
        >>> import functrace as ft
        >>> ft.random.laplace(ft.random.key(0), (3,))
        array([-3.76820372, -0.72753493, -1.5012487 ])
    """
    u, found = _open("laplace", key, shape, dtype)
    side = u - 0.5
    return astype(-el.sign(side) * el.log1p(-2 * el.absolute(side)), found)


def logistic(key: Any, shape: Any = (), dtype: Any = float) -> Any:
    """Logistic numbers of location 0 and scale 1: the logarithm of the odds of a uniform number.

    Returns:
        An array of the shape and a floating dtype. As `jax.random.logistic`.

    Raises:
        KeyTypeError: when `key` is no key.

    Example:
        >>> import functrace as ft
        >>> ft.random.logistic(ft.random.key(0), (3,))
        array([-4.44973696, -1.14420477, -2.0762587 ])
    """
    u, found = _open("logistic", key, shape, dtype)
    return astype(el.log(u) - el.log1p(-u), found)


def gumbel(key: Any, shape: Any = (), dtype: Any = float) -> Any:
    """Gumbel numbers of location 0 and scale 1: the distribution function is exp(-exp(-x)).

    Returns:
        An array of the shape and a floating dtype. As `jax.random.gumbel`.

    Raises:
        KeyTypeError: when `key` is no key.

    Example:
        >>> import functrace as ft
        >>> ft.random.gumbel(ft.random.key(0), (3,))
        array([-1.49545161, -0.35113712, -0.78590678])
    """
    u, found = _open("gumbel", key, shape, dtype)
    return astype(-el.log(-el.log(u)), found)


def cauchy(key: Any, shape: Any = (), dtype: Any = float) -> Any:
    """Cauchy numbers of location 0 and scale 1.

    Returns:
        An array of the shape and a floating dtype. As `jax.random.cauchy`.

    Raises:
        KeyTypeError: when `key` is no key.

    Example:
        >>> import functrace as ft
        >>> ft.random.cauchy(ft.random.key(0), (3,))
        array([-27.55495144,  -1.05455928,  -2.73904744])
    """
    u, found = _open("cauchy", key, shape, dtype)
    return astype(el.tan((u - 0.5) * math.pi), found)
