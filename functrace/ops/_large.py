"""What NumPy's functions do, in the ways that are several times faster for large arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_LARGE = 1 << 12  # elements
_FEW = {np.add: 8, np.multiply: 8}  # the longest runs that are worth moving; below for others
_FEW_OTHERWISE = 16
_BITS = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}


def select(condition: Any, x: Any, y: Any) -> Any:
    """`np.where(condition, x, y)`, of a boolean condition and operands of one dtype.

    NumPy branches at each element, which is slow where the processor cannot foresee the branch.
    Selecting bits takes a few passes, none with a branch.
    """
    bits = _BITS.get(x.dtype.itemsize)
    if condition.size < _LARGE or bits is None or x.dtype.kind not in "iuf":
        return np.where(condition, x, y)
    mask, left, right = condition.astype(bits), x.view(bits), y.view(bits)
    if not y.ndim and not right:
        return np.bitwise_and(np.negative(mask, out=mask), left).view(x.dtype)
    if not x.ndim and not left:
        return np.bitwise_and(np.subtract(mask, 1, out=mask), right).view(x.dtype)
    chosen = np.bitwise_xor(left, right) & np.negative(mask, out=mask)
    return np.bitwise_xor(chosen, right).view(x.dtype)


def select_into(condition: Any, x: Any, y: Any, *, out: Any) -> Any:
    """The same, into an array that is none of the operands."""
    bits = _BITS.get(out.dtype.itemsize)
    whole = condition.shape == out.shape
    if condition.size < _LARGE or bits is None or out.dtype.kind not in "iuf" or not whole:
        np.copyto(out, y)
        np.copyto(out, x, where=condition)
        return out
    mask, left, right = out.view(bits), x.view(bits), y.view(bits)
    np.copyto(mask, condition)
    np.negative(mask, out=mask)
    if not y.ndim and not right:
        np.bitwise_and(mask, left, out=mask)
        return out
    if not x.ndim and not left:
        np.bitwise_and(np.invert(mask, out=mask), right, out=mask)
        return out
    np.bitwise_and(mask, np.bitwise_xor(left, right), out=mask)
    np.bitwise_xor(mask, right, out=mask)
    return out


def reduced(ufunc: np.ufunc, x: Any, *, axis: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """`ufunc.reduce(x, axis, dtype)`.

    NumPy runs an inner loop for each result where the elements to reduce are neighbours in memory.
    When these are few, as in pooling, moving them first lets the inner loops run over results.
    """
    if x.size >= _LARGE and _in_short_runs(x, axis, _FEW.get(ufunc, _FEW_OTHERWISE)):
        rest = [i for i in range(x.ndim) if i not in axis]
        x = np.ascontiguousarray(np.transpose(x, (*axis, *rest)))
        axis = tuple(range(len(axis)))
    return ufunc.reduce(x, axis=axis, dtype=dtype)


def _in_short_runs(x: np.ndarray, axes: tuple[int, ...], few: int) -> bool:
    """Whether innermost in memory are up to `few` elements that are reduced to one."""
    if x.dtype.itemsize == 2 and x.dtype.kind == "f":
        return False  # NumPy adds a run of half precision up in single precision
    steps = [(abs(x.strides[i]), i not in axes, x.shape[i]) for i in range(x.ndim)]
    steps = sorted(step for step in steps if step[2] > 1)
    run, size = 1, x.dtype.itemsize
    for stride, kept, length in steps:
        if kept or (run > 1 and stride != run * size):
            break
        size, run = (stride, length) if run == 1 else (size, run * length)
    return 1 < run <= few and run < x.size


def clear_around(out: Any, ranges: Sequence[tuple[int, int, int]]) -> Any:
    """Write zeros to all of an array but what lies at ranges (start, length, step) along its axes.

    Where steps leave gaps, what lies there is written to as well.
    """
    inside: tuple[slice, ...] = ()
    for start, length, step in ranges if out.size >= _LARGE else [(0, 0, 1)]:
        if abs(step) != 1 or not length:
            out[inside] = 0
            return out
        low = start if step > 0 else start - length + 1
        out[(*inside, slice(0, low))] = 0
        out[(*inside, slice(low + length, None))] = 0
        inside = (*inside, slice(low, low + length))
    return out
