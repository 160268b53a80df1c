"""Smooth steps: tanh, the logistic function and its integral, without overflow at either end.

Their slopes are ops of their own. Computed from the values, as 1 - tanh², they would have no digits
left where a value rounds to its limit; differentiated by their formulas, none near 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..primitive import ZERO, Rule
from ..recorder import bind
from ._families import elementwise, unary


def _smooth(name: str, into: Rule, slope: Rule, **traits: Any) -> Callable[[Any], Any]:
    """An op of one operand of real floating point.

    Args:
        into: writes the values for an array into another one, `out`.
    """
    impl = lambda x: into(x, out=np.empty_like(x))[()]
    primitive = elementwise(name, impl, lambda x: x.dtype, (slope,), into=into, **traits)
    return partial(bind, primitive)


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


def _logistic_slope_into(x: Any, *, out: Any) -> Any:
    """The quotient e / (1 + e)² for e = exp(-|x|)."""
    np.exp(np.negative(np.abs(x, out=out), out=out), out=out)
    whole = np.add(out, 1)
    return np.divide(np.divide(out, whole, out=out), whole, out=out)


logistic_slope = _smooth(
    "logistic_slope", _logistic_slope_into, lambda t, y, x: t * (y * tanh(x * -0.5)),
    total=True, even=True, never_minus_zero=True, nonnegative=True, finite_slope=True,
)  # fmt: skip
sigmoid = _smooth(
    "sigmoid", _sigmoid_into, lambda t, y, x: t * logistic_slope(x),
    total=True, never_minus_zero=True, nonnegative=True, finite_slope=True,
)  # fmt: skip
softplus = _smooth(
    "softplus", _softplus_into, lambda t, y, x: t * sigmoid(x),
    total=True, never_minus_zero=True, nonnegative=True, finite_slope=True,
)  # fmt: skip

# The hyperbolic tangent

# By dtype: 1, and the least 1 - y² that has not lost digits. Arrays save ufuncs the conversion.
_SLOPES = {
    np.dtype(dtype): (np.ones((), dtype), np.full((), least, dtype))
    for dtype, least in [("e", 0.2), ("f", 0.03), ("d", 0.01), ("g", 0.01)]
}


def _tanh_slope_into(x: Any, y: Any, *, out: Any) -> Any:
    """1 - y², and in the tails 1 / cosh(x)².

    Tails are few as a rule, so that it costs less to find them than to compute cosh everywhere.
    """
    if out.dtype not in _SLOPES:
        return _complex_tanh_slope_into(x, out=out)
    one, least = _SLOPES[out.dtype]
    np.subtract(one, np.multiply(y, y, out=out), out=out)
    tails = np.less(out, least)
    far = x[tails]
    if far.size:
        with np.errstate(over="ignore"):
            out[tails] = np.square(np.reciprocal(np.cosh(far)))
    return out


def _complex_tanh_slope_into(x: Any, *, out: Any) -> Any:
    """4 e / (1 + e)², for the smaller e of exp(2 x) and exp(-2 x)."""
    e = np.exp(np.where(np.real(x) < 0, 2, -2).astype(x.real.dtype) * x)
    return np.divide(4 * e, np.square(1 + e), out=out)


def _tanh_slope_impl(x: Any, y: Any) -> Any:
    return _tanh_slope_into(np.asarray(x), np.asarray(y), out=np.empty_like(x))[()]


TANH_SLOPE = elementwise(
    "tanh_slope", _tanh_slope_impl, lambda x, y: x.dtype,
    (lambda t, slope, x, y: t * (slope * y * -2), ZERO),  # y moves with x, which counts once
    into=_tanh_slope_into,
    total=True,
)  # fmt: skip


def tanh_slope(x: Any, y: Any) -> Any:
    """1 - tanh(x)², for y = tanh(x)."""
    return bind(TANH_SLOPE, x, y)


tanh = unary("tanh", np.tanh, lambda t, y, x: t * tanh_slope(x, y), total=True, finite_slope=True)
