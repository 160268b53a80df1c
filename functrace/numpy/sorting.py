"""NumPy's sorting functions."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, OptionError, ShapeError
from ..ops import cast
from ..ops import sort as ops
from ..ops.shape import normalize_axis
from ._register import implements, refuse
from .elementwise import array
from .shaping import atleast_1d, ravel

_KINDS = {"q": "quicksort", "h": "heapsort", "m": "stable", "s": "stable"}  # by the first letter


def _kind(kind: Any, stable: Any) -> str:
    """One of NumPy's kinds of sorting, for the arguments that choose it."""
    if kind is not None and stable is not None:
        raise OptionError("`kind` and `stable` cannot both be given")
    if kind is None:
        return "stable" if stable else "quicksort"
    if str(kind)[:1].lower() not in _KINDS:
        raise OptionError(f"kind must be one of {', '.join(_KINDS.values())}, not {kind!r}")
    return _KINDS[str(kind)[:1].lower()]


def _axis(a: Any, axis: Any) -> tuple[Any, int]:
    """The array and the axis to sort along; without an axis, all elements along one."""
    x = array(a)
    return (ravel(x), 0) if axis is None else (x, normalize_axis(axis, x.ndim))


@implements(np.sort)
def sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    refuse("sort", order=order)
    x, axis = _axis(a, axis)
    return ops.sort(x, axis, _kind(kind, stable))


@implements(np.argsort)
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    refuse("argsort", order=order)
    x, axis = _axis(atleast_1d(a), axis)
    return ops.argsort(x, axis, _kind(kind, stable))


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    ordered = sort(a)
    narrow = ordered.dtype.char in "bhBH"
    if ordered.dtype.kind == "c":
        return ordered
    return cast.astype(ordered, np.dtype(np.complex64 if narrow else np.complex128))


def _places(kth: Any, length: int) -> tuple[int, ...]:
    given = [operator.index(k) for k in kth] if isinstance(kth, (Sequence, np.ndarray)) else [kth]
    if any(not -length <= k < length for k in given):
        raise OptionError(f"kth={kth} is out of bounds for an axis of length {length}")
    return tuple([int(k) % length for k in given])


def _demand_introselect(kind: Any) -> None:
    if kind != "introselect":
        raise OptionError(f"kind must be 'introselect', not {kind!r}")


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    refuse("partition", order=order)
    _demand_introselect(kind)
    x, axis = _axis(a, axis)
    return ops.partition(x, _places(kth, x.shape[axis]), axis)


@implements(np.argpartition)
def argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    refuse("argpartition", order=order)
    _demand_introselect(kind)
    x, axis = _axis(atleast_1d(a), axis)
    return ops.argpartition(x, _places(kth, x.shape[axis]), axis)


@implements(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    parts = [array(key) for key in keys]
    if not parts:
        raise ArgumentError("lexsort needs at least one key")
    if any(key.shape != parts[0].shape for key in parts):
        raise ShapeError(f"lexsort: keys of shapes {', '.join(str(k.shape) for k in parts)}")
    axis = normalize_axis(axis, parts[0].ndim)
    order = ops.argsort(parts[0], axis)
    for key in parts[1:]:  # the last key counts most; stable sorts keep what came before
        order = ops.permute(order, ops.argsort(ops.permute(key, order, axis), axis), axis)
    return order
