"""Searching in sorted arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, ZERO, Primitive
from ..recorder import bind
from .index import materialize


def searchsorted(a: Any, v: Any, side: str = "left") -> Any:
    """Where elements of v would stand in the ascending vector a. As `np.searchsorted`."""
    return bind(SEARCHSORTED, a, v, side=side, stacked=0)


def _infer(a: ArrayType, v: ArrayType, *, side: str, stacked: int) -> ArrayType:
    if a.ndim != stacked + 1 or a.shape[:stacked] != v.shape[:stacked]:
        raise ShapeError(f"searchsorted in shape {a.shape} of shape {v.shape}: not a vector")
    return ArrayType(v.shape, np.intp)


def _impl(a: Any, v: Any, *, side: Any, stacked: int) -> Any:
    if not stacked:
        return np.searchsorted(a, v, side)
    places = np.empty(v.shape, np.intp)
    for i in np.ndindex(a.shape[:stacked]):
        places[i] = np.searchsorted(a[i], v[i], side)
    return places


def _batch(size: int, operands: Any, mapped: Any, *, side: str, stacked: int) -> Any:
    a, v = operands
    if not mapped[0] and not stacked:
        return searchsorted(a, v, side)
    a, v = (materialize(size, *each) for each in zip(operands, mapped, strict=True))
    return bind(SEARCHSORTED, a, v, side=side, stacked=stacked + 1)


SEARCHSORTED = Primitive(
    "searchsorted",
    infer=_infer,
    impl=_impl,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=_batch,
    text=lambda a, v, *, side, stacked: f'searchsorted({a}, {v}, "{side}")',
)
