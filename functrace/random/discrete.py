"""Discrete distributions, permutations and choices.

What is drawn are integers and truth values, which carry no derivative; a choice among floating
numbers carries the derivative of those that were chosen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import DTypeError, OptionError, ShapeError
from ..ir import Shape
from ..numpy.indexing import take
from ..ops import elementwise as el
from ..ops import random as ops
from ..ops import rejection
from ..ops.cast import astype
from ..ops.reduce import argmax
from ..ops.shape import moveaxis, normalize_axis, reshape
from ..ops.sort import argsort, permute
from ._arguments import (
    as_key,
    common_shape,
    floating,
    integral,
    parameter,
    ranked,
    shape_of,
    values,
)
from .continuous import gumbel


def bernoulli(key: Any, p: Any = 0.5, shape: Any = None) -> Any:
    """Truth values that are true with probability `p`.

    Args:
        p: probabilities, which broadcast to the shape.
        shape: the shape of the result; by default that of `p`.

    Returns:
        An array of the shape, of dtype bool. As `jax.random.bernoulli`.

    Raises:
        KeyTypeError: when `key` is no key.
        OptionError: when a probability is not in [0, 1].
        ShapeError: when `p` does not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.bernoulli(ft.random.key(0), 0.3, (3,))
        array([ True,  True,  True])
    """
    p = parameter(p, float)
    target = common_shape("bernoulli", shape, p)
    return ops.truths(as_key(key), ranked(p, target), target)


def rademacher(key: Any, shape: Any = (), dtype: Any = int) -> Any:
    """Numbers that are 1 or -1, each with probability 1/2.

    Returns:
        An array of the shape and dtype. As `jax.random.rademacher`.

    Raises:
        KeyTypeError: when `key` is no key.

    Example:
        >>> import functrace as ft
        >>> ft.random.rademacher(ft.random.key(0), (3,))
        array([-1, -1, -1])
    """
    found = np.dtype(int if dtype is None else dtype)
    if found.kind not in "if":
        raise DTypeError(f"rademacher: dtype {found} cannot hold -1")
    drawn = ops.bits(as_key(key), shape_of("rademacher", shape), np.dtype(np.uint8))
    return astype(el.right_shift(drawn, np.uint8(7)), found) * 2 - 1


def randint(key: Any, shape: Any, minval: Any, maxval: Any, dtype: Any = int) -> Any:
    """Integers of minval to maxval - 1, each as likely as any other.

    The method is that of Lemire, "Fast random integer generation in an interval", 2019.

    Args:
        minval, maxval: integers, which broadcast to the shape.

    Returns:
        An array of the shape and an integer dtype. As `jax.random.randint`.

    Raises:
        KeyTypeError: when `key` is no key.
        OptionError: when an interval is empty, or does not fit the dtype.
        DTypeError: when the bounds are not integers.
        ShapeError: when the bounds do not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.randint(ft.random.key(0), (5,), 1, 7)
        array([1, 2, 1, 4, 4])
    """
    found = integral("randint", dtype)
    bounds = [_bound("minval", minval, found), _bound("maxval", maxval, found)]
    target = common_shape("randint", shape, *bounds)
    low, high = (ranked(x, target) for x in bounds)
    return ops.integers(as_key(key), low, high, target, found)


def _bound(name: str, value: Any, dtype: np.dtype[Any]) -> Any:
    wide = np.dtype(np.uint64 if dtype == np.uint64 else np.int64)
    if type(value) is int and value in range(2**63, 2**64) and wide == np.uint64:
        value = np.uint64(value)
    bound = values(value)
    if bound.dtype.kind not in "iu" or (bound.dtype == np.uint64 and wide != np.uint64):
        raise DTypeError(
            f"randint: {name} has dtype {bound.dtype}, for integers of dtype {dtype}",
            f"convert it: {name}.astype({wide.name!r})",
        )
    return parameter(bound, wide)


def poisson(key: Any, lam: Any, shape: Any = None, dtype: Any = int) -> Any:
    """Poisson counts of mean `lam`.

    The methods are inversion, and from a mean of 10 on that of Hörmann, "The transformed rejection
    method for generating Poisson random variables", 1993.

    Args:
        lam: means, at least 0, which broadcast to the shape.
        shape: the shape of the result; by default that of `lam`.

    Returns:
        An array of the shape and an integer dtype. As `jax.random.poisson`.

    Raises:
        KeyTypeError: when `key` is no key.
        OptionError: when a mean is negative, NaN, or too large for the dtype.
        ShapeError: when `lam` does not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.poisson(ft.random.key(0), 4.0, (5,))
        array([3, 4, 3, 3, 6])
    """
    found = integral("poisson", dtype)
    mean = parameter(lam, float)
    target = common_shape("poisson", shape, mean)
    return rejection.poisson(as_key(key), ranked(mean, target), target, found)


def binomial(key: Any, n: Any, p: Any, shape: Any = None, dtype: Any = float) -> Any:
    """Binomial counts: how many of `n` trials succeed, each with probability `p`.

    The methods are inversion, and from a mean of 10 on that of Hörmann, "The generation of binomial
    random variates", 1993.

    Args:
        n, p: numbers of trials and probabilities, which broadcast to the shape.
        shape: the shape of the result; by default that to which `n` and `p` broadcast.

    Returns:
        An array of the shape and a floating dtype, with a derivative of 0; NaN where `n` is
        negative or `p` is not in [0, 1]. As `jax.random.binomial`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when `n` and `p` do not broadcast to the shape.

    Example:
        >>> import functrace as ft
        >>> ft.random.binomial(ft.random.key(0), 10, 0.3, (5,))
        array([2., 3., 2., 3., 4.])
    """
    found = floating("binomial", dtype)
    n, p = parameter(n, float), parameter(p, float)
    target = common_shape("binomial", shape, n, p)
    return rejection.binomial(as_key(key), ranked(n, target), ranked(p, target), target, found)


def categorical(
    key: Any, logits: Any, axis: int = -1, shape: Any = None, replace: bool = True
) -> Any:
    """Places along an axis of unnormalised log probabilities, drawn by them.

    The largest of the logits with Gumbel numbers added is where the draw falls. Without
    replacement, those of the few largest are.

    Args:
        logits: log probabilities, up to a constant along the axis.
        axis: the axis of the probabilities.
        shape: the shape of the result, which ends with that of `logits` without the axis, the
            default.
        replace: whether the draws along the leading axes of `shape` may be the same.

    Returns:
        Integers of shape `shape`. As `jax.random.categorical`.

    Raises:
        KeyTypeError: when `key` is no key.
        ShapeError: when `shape` does not end as it should, or asks for too many different places.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.random.categorical(ft.random.key(0), np.log([0.1, 0.2, 0.7]), shape=(5,))
        array([2, 2, 1, 1, 2])
    """
    logits = values(logits)
    logits = logits if logits.dtype.kind == "f" else astype(logits, np.dtype(float))
    axis = normalize_axis(axis, logits.ndim)
    logits = moveaxis(logits, axis, logits.ndim - 1)
    *rest, count = logits.shape
    target = tuple(rest) if shape is None else shape_of("categorical", shape)
    lead = target[: len(target) - len(rest)]
    if target != (*lead, *rest):
        raise ShapeError(
            f"categorical: shape={target} does not end with {tuple(rest)}, the shape of the logits "
            "without their axis"
        )
    if replace:
        noise = gumbel(key, (*target, count), logits.dtype)
        return argmax(logits + noise, len(target))
    wanted = math.prod(lead)
    if wanted > count:
        raise ShapeError(f"categorical: {wanted} different places of {count}, without replacement")
    order = argsort(-(logits + gumbel(key, logits.shape, logits.dtype)), logits.ndim - 1)
    return reshape(moveaxis(order[..., :wanted], len(rest), 0), target)


def permutation(key: Any, x: Any, axis: int = 0, independent: bool = False) -> Any:
    """The elements of an array along an axis, in random order.

    Args:
        x: an array; or an int, for the integers below it.
        axis: the axis that is reordered.
        independent: whether each vector along the axis has an order of its own.

    Returns:
        An array of the shape and dtype of `x`, and a derivative that follows its elements. As
        `jax.random.permutation`.

    Raises:
        KeyTypeError: when `key` is no key.
        AxisError: when there is no such axis.

    Example:
        >>> import functrace as ft
        >>> ft.random.permutation(ft.random.key(0), 5)
        array([0, 2, 1, 4, 3])
    """
    key = as_key(key)
    if isinstance(x, (int, np.integer)):
        return _order(key, (_positive("permutation", x),), 0)
    x = values(x)
    axis = normalize_axis(axis, x.ndim)
    if independent:
        return permute(x, _order(key, x.shape, axis), axis)
    return take(x, _order(key, x.shape[axis : axis + 1], 0), axis)


def _order(key: Any, shape: Shape, axis: int) -> Any:
    """A random order along an axis: that of random words, which are as good as all different."""
    return argsort(ops.bits(key, shape, np.dtype(np.uint64)), axis)


def _positive(function: str, count: Any) -> int:
    if count < 0:
        raise OptionError(f"{function}: {count} is negative, and must be a number of elements")
    return int(count)


def choice(
    key: Any, a: Any, shape: Any = (), replace: bool = True, p: Any = None, axis: int = 0
) -> Any:
    """Elements of an array, drawn with or without replacement.

    Args:
        a: an array; or an int, for the integers below it.
        shape: the shape of the draws.
        replace: whether an element may be drawn more than once.
        p: the probabilities of the elements, with sum 1; by default all are equal.
        axis: the axis of `a` whose elements are drawn.

    Returns:
        An array of the dtype of `a`, of the shape of `a` with the axis replaced by `shape`; its
        derivative goes to the elements that were drawn. As `jax.random.choice`.

    Raises:
        KeyTypeError: when `key` is no key.
        OptionError: when `p` is negative or does not sum to 1, or when there are too few elements.
        ShapeError: when `p` is no vector of one probability for each element.

    Example:
        >>> import functrace as ft
        >>> ft.random.choice(ft.random.key(0), 10, (4,), replace=False)
        array([0, 2, 9, 1])
    """
    key, target = as_key(key), shape_of("choice", shape)
    whole = isinstance(a, (int, np.integer))
    if whole:
        count = _positive("choice", a)
    else:
        a = values(a)
        axis = normalize_axis(axis, a.ndim)
        count = a.shape[axis]
    wanted = math.prod(target)
    if wanted > (count if not replace else wanted * min(count, 1)):
        raise OptionError(
            f"choice: {wanted} of {count} elements cannot be drawn"
            f"{'' if replace else ' without replacement'}",
            "ask for fewer, or pass replace=True",
        )
    places = _places(key, count, target, replace, p)
    return places if whole else take(a, places, axis)


def _places(key: Any, count: int, target: Shape, replace: bool, p: Any) -> Any:
    if p is not None:
        p = parameter(p, floating("choice", getattr(p, "dtype", None)))
        if p.shape != (count,):
            raise ShapeError(f"choice: p has shape {p.shape}, and there are {count} elements")
        return ops.choices(key, p, target, replace)
    if replace:
        return randint(key, target, 0, count) if count else np.zeros(target, int)
    return reshape(_order(key, (count,), 0)[: math.prod(target)], target)
