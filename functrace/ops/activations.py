"""Smooth steps: the logistic function and its integral, without overflow at either end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..primitive import Rule
from ..recorder import bind
from ._families import elementwise


def _smooth(name: str, value: Callable[[Any], Any], slope: Rule) -> Callable[[Any], Any]:
    """An op of one operand of real floating point."""
    primitive = elementwise(name, value, lambda x: x.dtype, (slope,))
    return partial(bind, primitive)


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    tail = small / (1 + small)
    return np.abs(np.greater_equal(x, 0) - tail)  # the tail on the left, 1 - tail on the right


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# The slope of the first is the product of its two tails, which keeps its digits in both.
sigmoid = _smooth("sigmoid", _sigmoid, lambda t, y, x: t * (y * sigmoid(-x)))
softplus = _smooth("softplus", _softplus, lambda t, y, x: t * sigmoid(x))
