"""Bits packed into bytes, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, OptionError
from ..ops import cast, index, shape
from ..ops import elementwise as ops
from ..ops.shape import normalize_axis
from ._register import implements
from .elementwise import array
from .shaping import ravel


def _places(bitorder: str) -> np.ndarray:
    """How far each bit of a byte is from its last one."""
    if bitorder not in ("big", "little"):
        raise OptionError(f"bitorder must be 'big' or 'little', not {bitorder!r}")
    return np.arange(8, dtype=np.uint8)[:: -1 if bitorder == "big" else 1]


def _bits_last(a: Any, axis: int | None) -> tuple[Any, int]:
    x = ravel(a) if axis is None else array(a)
    axis = normalize_axis(0 if axis is None else axis, x.ndim)
    return shape.moveaxis(x, axis, x.ndim - 1), axis


@implements(np.packbits)
def packbits(a: Any, /, axis: int | None = None, bitorder: str = "big") -> Any:
    x, axis = _bits_last(a, axis)
    if x.dtype.kind not in "biu":
        raise DTypeError(f"packbits takes integers or booleans, not {x.dtype}")
    *lead, count = x.shape
    length = -(-count // 8)
    ranges = (*index.whole(tuple(lead)), (0, count, 1))
    bits = index.place(ops.not_equal(x, x.dtype.type(0)), (*lead, 8 * length), ranges)
    groups = shape.reshape(bits, (*lead, length, 8))
    weighed = ops.left_shift(cast.astype(groups, np.dtype(np.uint8)), _places(bitorder))
    return shape.moveaxis(shape.reduce_sum(weighed, (x.ndim,)), x.ndim - 1, axis)


@implements(np.unpackbits)
def unpackbits(
    a: Any, /, axis: int | None = None, count: int | None = None, bitorder: str = "big"
) -> Any:
    x, axis = _bits_last(a, axis)
    if x.dtype != np.uint8:
        raise DTypeError(f"unpackbits takes uint8, not {x.dtype}")
    *lead, length = x.shape
    spread = ops.right_shift(shape.expand_dims(x, (x.ndim,)), _places(bitorder))
    bits = shape.reshape(ops.bitwise_and(spread, np.uint8(1)), (*lead, 8 * length))
    total = 8 * length if count is None else count if count >= 0 else max(8 * length + count, 0)
    kept = index.slice_axis(bits, x.ndim - 1, 0, min(total, 8 * length))
    filled = index.place(kept, (*lead, total), index.whole(kept.shape))
    return shape.moveaxis(filled, x.ndim - 1, axis)
