"""Convolution of vectors along the last axis; axes before it broadcast.

The op is bilinear, and its two modes are each other's transposes. `full` gives all overlaps of the
operands; `valid`, for a first operand that is at least as long as the second, the complete ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType
from ..primitive import Linear, NotLinearError, Primitive
from ..recorder import bind
from ._families import align_ranks
from .index import flip
from .shape import broadcast_shapes, unbroadcast


def convolve(a: Any, v: Any, mode: str) -> Any:
    """Σⱼ a[i - j] v[j] along the last axis, of operands of one dtype."""
    return bind(CONVOLVE, a, v, mode=mode)


def _infer(a: ArrayType, v: ArrayType, *, mode: str) -> ArrayType:
    if not (a.ndim and v.ndim and a.shape[-1] and v.shape[-1]):
        raise ShapeError(f"convolve of shapes {a.shape} and {v.shape}: an operand is empty")
    lead = broadcast_shapes("convolve", (a.shape[:-1], v.shape[:-1]))
    shorter = v.shape[-1] - 1
    return a.with_shape((*lead, a.shape[-1] + (shorter if mode == "full" else -shorter)))


def _impl(a: Any, v: Any, *, mode: Any) -> Any:
    if a.ndim == v.ndim == 1:
        return np.convolve(a, v, mode)
    lead = np.broadcast_shapes(a.shape[:-1], v.shape[:-1])
    shape = _infer(ArrayType(a.shape, a.dtype), ArrayType(v.shape, v.dtype), mode=mode).shape
    a, v = (np.broadcast_to(x, (*lead, x.shape[-1])) for x in (a, v))
    out = np.empty(shape, a.dtype)
    for i in np.ndindex(lead):
        out[i] = np.convolve(a[i], v[i], mode)
    return out


def _jvp(primals: Any, tangents: Any, out: Any, *, mode: str) -> Any:
    (a, v), (da, dv) = primals, tangents
    first = None if da is None else convolve(da, v, mode)
    second = None if dv is None else convolve(a, dv, mode)
    if first is None or second is None:
        return second if first is None else first
    return first + second


def _transpose(ct: Any, operands: Any, *, mode: str) -> Any:
    a, v = operands
    if isinstance(a, Linear) and isinstance(v, Linear):
        raise NotLinearError(a)
    if isinstance(a, Linear):
        other = "valid" if mode == "full" else "full"
        return unbroadcast(convolve(ct, _backwards(v), other), a.shape), None
    if mode == "full":
        return None, unbroadcast(convolve(ct, _backwards(a), "valid"), v.shape)
    return None, unbroadcast(_backwards(convolve(a, _backwards(ct), "valid")), v.shape)


def _backwards(x: Any) -> Any:
    return flip(x, [x.ndim - 1])


def _batch(size: int, operands: Any, mapped: Any, *, mode: str) -> Any:
    a, v = align_ranks(size, operands, mapped)
    return convolve(a, v, mode)


CONVOLVE = Primitive(
    "convolve",
    infer=_infer,
    impl=_impl,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    text=lambda a, v, *, mode: f'convolve({a}, {v}, "{mode}")',
)
