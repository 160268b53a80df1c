"""`softmax` and `logsumexp`, along any axes, safe against overflow and for infinite elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Primitive, Rule
from ..recorder import bind
from .elementwise import equal, isinf, logical_and, where
from .shape import axes_text, reduce_sum, remaining, spread

Axes = tuple[int, ...]


def _over_axes(name: str, infer: Rule, impl: Rule, jvp: Rule) -> Primitive:
    """A primitive `(x, axes)`, for x of a real floating-point dtype."""

    def batch(size: int, operands: Any, mapped: Any, *, axes: Axes) -> Any:
        return bind(primitive, operands[0], axes=tuple([a + 1 for a in axes]))

    primitive = Primitive(
        name,
        infer=infer,
        impl=impl,
        jvp=jvp,
        transpose=NOT_LINEAR,
        batch=batch,
        text=lambda x, *, axes: f"{name}({x}, {axes_text(axes)})",
    )
    return primitive


def softmax(x: Any, axes: Axes) -> Any:
    """e^x over its sum; NaN where the greatest element is infinite."""
    return bind(SOFTMAX, x, axes=axes)


def _softmax_impl(x: Any, *, axes: Axes) -> Any:
    powers = np.exp(x - np.max(x, axis=axes, keepdims=True, initial=-np.inf))
    return powers / np.sum(powers, axis=axes, keepdims=True)


def _softmax_jvp(primals: Any, tangents: Any, out: Any, *, axes: Axes) -> Any:
    (t,) = tangents
    mean = reduce_sum(out * t, axes)
    return out * (t - spread(mean, t.shape, axes))


SOFTMAX = _over_axes("softmax", lambda x, *, axes: x, _softmax_impl, _softmax_jvp)


def logsumexp(x: Any, axes: Axes) -> Any:
    """The logarithm of the sum of e^x."""
    return bind(LOGSUMEXP, x, axes=axes)


def _logsumexp_infer(x: ArrayType, *, axes: Axes) -> ArrayType:
    return x.with_shape(remaining(x.shape, axes))


def _logsumexp_impl(x: Any, *, axes: Axes) -> Any:
    """The greatest elements count apart, so that a small rest beside them is not lost."""
    x = np.asarray(x)
    top = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
    greatest = x == top
    count = np.sum(greatest, axis=axes, dtype=x.dtype)
    rest = np.exp(np.where(greatest, -np.inf, x) - np.where(top == -np.inf, 0, top))
    rest = np.sum(rest, axis=axes)
    count = np.maximum(count, 1)  # of no elements the greatest is -inf, which is the result
    return (np.log1p(rest / count) + np.log(count) + np.squeeze(top, axes))[()]


def _logsumexp_jvp(primals: Any, tangents: Any, out: Any, *, axes: Axes) -> Any:
    """The mean by softmax; elements that share an infinite maximum share the tangent equally."""
    (x,), (t,) = primals, tangents
    top = spread(out, x.shape, axes)
    infinite = isinf(top)
    tied = where(logical_and(infinite, equal(x, top)), x.dtype.type(0), x.dtype.type(-np.inf))
    return reduce_sum(t * softmax(where(infinite, tied, x), axes), axes)


LOGSUMEXP = _over_axes("logsumexp", _logsumexp_infer, _logsumexp_impl, _logsumexp_jvp)
