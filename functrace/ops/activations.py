"""Smooth steps: the logistic function and its integral, without overflow at either end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..primitive import Rule
from ..recorder import bind
from ._families import elementwise


def _smooth(name: str, into: Rule, slope: Rule) -> Callable[[Any], Any]:
    """An op of one operand of real floating point.

    Args:
        into: writes the values for an array into another one, `out`.
    """
    impl = lambda x: into(x, out=np.empty_like(x))[()]
    return partial(bind, elementwise(name, impl, lambda x: x.dtype, (slope,), into=into))


def _sigmoid_into(x: Any, *, out: Any) -> Any:
    """1 / (1 + exp(-x)).

    It has its digits in both tails. Where the exponential is infinite, the result is 0, which is
    less than the smallest normal number away; in half precision that would be many of its digits.
    """
    if out.dtype == np.float16:
        small = np.exp(-np.abs(x))
        tail = small / (1 + small)
        return np.abs(np.greater_equal(x, 0) - tail, out=out)  # 1 - tail on the right
    with np.errstate(over="ignore"):
        np.exp(np.negative(x, out=out), out=out)
    return np.reciprocal(np.add(out, 1, out=out), out=out)


def _softplus_into(x: Any, *, out: Any) -> Any:
    np.exp(np.negative(np.abs(x, out=out), out=out), out=out)
    np.log1p(out, out=out)
    return np.add(out, np.maximum(x, 0), out=out)


# The slope of the first is the product of its two tails, which keeps its digits in both.
sigmoid = _smooth("sigmoid", _sigmoid_into, lambda t, y, x: t * (y * sigmoid(-x)))
softplus = _smooth("softplus", _softplus_into, lambda t, y, x: t * sigmoid(x))
