"""Activation functions, and what turns scores into probabilities, by the names of `jax.nn`.

All are for real numbers; integers become floating point as in `np.exp`, except in `relu` and
`one_hot`. Values and derivatives of all orders stay finite for large operands of either sign.
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..numpy.elementwise import array
from ..ops import activations, cast
from ..ops import elementwise as ops
from ..ops.reduce import reduce_any, reduce_max
from ..ops.shape import (
    broadcast_to,
    expand_dims,
    keep_axes,
    normalize_axes,
    normalize_axis,
    reduce_sum,
    reshape,
    spread,
)
from ..ops.softmax import logsumexp as log_of_sum
from ..ops.softmax import softmax as share_of_sum

Axis = int | tuple[int, ...] | None


def relu(x: Any) -> Any:
    """max(x, 0), elementwise. The derivative at 0 is 0.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.relu(np.array([-1.0, 0.0, 2.0]))
        array([0., 0., 2.])
        >>> ft.grad(ft.nn.relu)(0.0)
        np.float64(0.0)
    """
    x = _given(x)
    return ops.where(ops.less_equal(x, 0), 0, x)


def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Any:
    """x where it is at least 0, elsewhere `negative_slope * x`; elementwise.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.leaky_relu(np.array([-1.0, 2.0]))
        array([-0.01,  2.  ])
    """
    x = _given(x)
    return ops.where(ops.greater_equal(x, 0), x, ops.multiply(x, negative_slope))


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where it is positive, elsewhere `alpha * (e^x - 1)`; elementwise.

    Source: Clevert, Unterthiner, Hochreiter (2015), Fast and accurate deep network learning by
    exponential linear units.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.elu(np.array([-np.inf, 2.0]), alpha=0.5)
        array([-0.5,  2. ])
    """
    x = _real(x)
    positive = ops.greater(x, 0)
    return ops.where(positive, x, ops.multiply(ops.expm1(ops.where(positive, 0, x)), alpha))


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + e^-x), elementwise.

    Example:
        >>> import functrace as ft
        >>> ft.nn.sigmoid(0.0), ft.grad(ft.nn.sigmoid)(0.0)
        (np.float64(0.5), np.float64(0.25))
    """
    return activations.sigmoid(_real(x))


def log_sigmoid(x: Any) -> Any:
    """The logarithm of `sigmoid`, elementwise.

    Example:
        >>> import functrace as ft
        >>> ft.nn.log_sigmoid(-1000.0)
        np.float64(-1000.0)
    """
    return -activations.softplus(-_real(x))


def softplus(x: Any) -> Any:
    """log(1 + e^x), elementwise: a smooth `relu`.

    Example:
        >>> import functrace as ft
        >>> ft.nn.softplus(1000.0), ft.grad(ft.nn.softplus)(-1000.0)
        (np.float64(1000.0), np.float64(0.0))
    """
    return activations.softplus(_real(x))


def silu(x: Any) -> Any:
    """x times `sigmoid(x)`, elementwise; also known as swish.

    Example:
        >>> import functrace as ft
        >>> ft.grad(ft.nn.silu)(0.0)
        np.float64(0.5)
    """
    x = _real(x)
    return x * activations.sigmoid(x)


def gelu(x: Any, approximate: bool = True) -> Any:
    """x times the normal distribution function of x, elementwise.

    Source: Hendrycks, Gimpel (2016), Gaussian error linear units.

    Args:
        approximate: whether to take tanh(√(2/π) (x + 0.044715 x³)) for erf(x/√2), as `jax.nn.gelu`
            does by default. The exact form needs SciPy.

    Raises:
        MissingExtraError: for the exact form without SciPy.

    Example:
        >>> import functrace as ft
        >>> ft.grad(ft.nn.gelu)(0.0)
        np.float64(0.5)
    """
    x = _real(x)
    if not approximate:
        near = ops.minimum(ops.maximum(x, -40), 40)  # beyond, the factor is 0 or 1 exactly
        return x * import_module("functrace.scipy.special").ndtr(near)
    near = ops.minimum(ops.maximum(x, -30), 30)  # likewise
    # (1 + tanh z) / 2 = sigmoid(2z), which keeps its digits where tanh is nearly -1
    return x * activations.sigmoid(
        near * (ops.square(near) * 0.044715 + 1) * math.sqrt(8 / math.pi)
    )


def softmax(x: Any, axis: Axis = -1, where: Any = None) -> Any:
    """e^x divided by its sum along an axis.

    Args:
        axis: an axis, several in a tuple, or `None` for all.
        where: which elements count; the others are 0 in the result.

    Returns:
        An array of the shape of x, which along the axis adds up to 1.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.softmax(np.array([0.0, 1000.0, 1000.0]))
        array([0. , 0.5, 0.5])
    """
    x = _real(x)
    axes = normalize_axes(axis, x.ndim)
    if where is None:
        return share_of_sum(x, axes)
    mask, x = _counting(x, axes, where)
    return ops.where(mask, share_of_sum(x, axes), 0)


def log_softmax(x: Any, axis: Axis = -1, where: Any = None) -> Any:
    """The logarithm of `softmax`.

    Args:
        axis: an axis, several in a tuple, or `None` for all.
        where: which elements count; the others are -inf in the result.

    Returns:
        An array of the shape of x.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.log_softmax(np.array([0.0, 1000.0]))
        array([-1000.,     0.])
    """
    x = _real(x)
    axes = normalize_axes(axis, x.ndim)
    if where is None:
        return _log_share(x, axes)
    mask, x = _counting(x, axes, where)
    return ops.where(mask, _log_share(x, axes), -np.inf)


def _log_share(x: Any, axes: tuple[int, ...]) -> Any:
    """Relative to the greatest element, so that a common offset costs no digits."""
    top = ops.stop_gradient_op(reduce_max(x, axes))
    x = x - spread(ops.where(ops.isfinite(top), top, 0), x.shape, axes)
    return x - spread(ops.log(reduce_sum(ops.exp(x), axes)), x.shape, axes)


def _counting(x: Any, axes: tuple[int, ...], where: Any) -> tuple[Any, Any]:
    """Which elements count, and x with -inf for the others; 0 where along the axes none counts."""
    mask = broadcast_to(cast.astype(array(where), np.dtype(bool)), x.shape)
    some = spread(reduce_any(mask, axes), x.shape, axes)
    return mask, ops.where(mask, x, ops.where(some, x.dtype.type(-np.inf), 0))


def logsumexp(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = None) -> Any:
    """log(Σ e^a) along an axis.

    For weighted sums and their signs see `functrace.scipy.special.logsumexp`.

    Args:
        axis: an axis, several in a tuple, or `None` for all.
        keepdims: whether the axis stays, with length 1.
        where: which elements count; of none the result is -inf.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.logsumexp(np.array([[0.0, 0.0], [1000.0, -1000.0]]), axis=1)
        array([6.93147181e-01, 1.00000000e+03])
    """
    x = _real(a)
    axes = normalize_axes(axis, x.ndim)
    if where is not None:
        mask = cast.astype(array(where), np.dtype(bool))
        x = ops.where(broadcast_to(mask, x.shape), x, -np.inf)
    result = log_of_sum(x, axes)
    return reshape(result, keep_axes(x.shape, axes)) if keepdims else result


def one_hot(x: Any, num_classes: int, *, dtype: Any = np.float64, axis: int = -1) -> Any:
    """A new axis that is 1 at the position x, and 0 elsewhere.

    Args:
        x: integers; where they are no position, the new axis is all 0.
        num_classes: the length of the new axis.
        axis: where it is in the result.

    Raises:
        ArgumentError: for an x that is not of integers.

    Example:
        >>> import functrace as ft
        >>> ft.nn.one_hot([2, 0, 3], 3)
        array([[0., 0., 1.],
               [1., 0., 0.],
               [0., 0., 0.]])
    """
    x = array(x)
    if x.dtype.kind not in "iub":
        raise ArgumentError(f"one_hot of {x.dtype}", "give integers, such as class labels")
    axis = normalize_axis(axis, x.ndim + 1)
    places = np.arange(num_classes).reshape(num_classes, *(1,) * (x.ndim - axis))
    return cast.astype(ops.equal(expand_dims(x, (axis,)), places), np.dtype(dtype))


def _given(x: Any) -> Any:
    """x as an array of real numbers.

    Raises:
        DTypeError: for complex numbers.
    """
    x = array(x)
    if x.dtype.kind == "c":
        raise DTypeError("an activation function of complex numbers", "take their real parts")
    return x


def _real(x: Any) -> Any:
    """x as floating point."""
    return cast.promote(np.expm1, [_given(x)])[0]
