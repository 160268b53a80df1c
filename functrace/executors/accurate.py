"""Sums and sums of products that are as accurate as NumPy's own, at any length.

NumPy adds neighbours in memory up in pairs, and so loses a few units in the last place of a sum of
a million numbers. BLAS adds one product after another to a few sums: in single precision, it may
lose four digits. It is several times as fast, though. So here it adds up blocks, and the sums of
blocks are added up in blocks again, or by NumPy in pairs.
"""

from __future__ import annotations

from cmath import isfinite
from functools import cache
from typing import Any

import numpy as np

BLOCK = 128  # terms that are added one after the other
LONG = 2 * BLOCK  # terms up to which nothing is put in blocks
# Terms of a product of two vectors, which BLAS adds to some tens of sums. In double precision that
# is more, as it takes two threads for long vectors.
_RUN = {"f": 1024, "F": 512, "d": 1 << 14, "D": 1 << 14}


def column_sums(x: np.ndarray) -> np.ndarray:
    """The sum over the last axis but one, by products with ones."""
    if x.dtype.kind == "c":  # a complex infinity times 1 has parts that are NaN
        real = np.ascontiguousarray(x).view(np.finfo(x.dtype).dtype)
        return column_sums(real).view(x.dtype)
    if x.dtype == np.float16:  # NumPy adds rows of them up in single precision, columns not
        return column_sums(x.astype(np.float32)).astype(np.float16)
    *lead, n, m = x.shape
    if n <= LONG:
        return np.matmul(_ones(n, x.dtype), x)
    k, rest = divmod(n, BLOCK)
    blocks = x[..., : n - rest, :].reshape(*lead, k, BLOCK, m)
    total = column_sums(np.matmul(_ones(BLOCK, x.dtype), blocks))
    if rest:
        total += np.matmul(_ones(rest, x.dtype), x[..., n - rest :, :])
    return total


@cache
def _ones(n: int, dtype: np.dtype[Any]) -> np.ndarray:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def runs(n: int, dtype: np.dtype[Any]) -> int:
    """In how many runs a product of vectors is added up: such as leave no rest, if there are."""
    run = _RUN.get(dtype.char, BLOCK)
    if n <= 2 * run:
        return 1
    least = -(-n // run)
    return next((k for k in range(least, 2 * least) if n % k == 0), least)


def inner(x: np.ndarray, y: np.ndarray) -> Any:
    """The product of two vectors; of real arrays of one shape, the product of their elements.

    It is checked here and not in a step of its own, which would take as long as a short product.
    """
    found = _dot(x, y)
    return found if isfinite(found) else np.add.reduce(x * y, axis=None)  # see `as_written`


def inner_in_runs(x: np.ndarray, y: np.ndarray, count: int) -> Any:
    """The product of two vectors, added up in a number of runs."""
    rest = x.size % count
    heads = [v[: v.size - rest].reshape(count, -1) for v in (x, y)]
    found = np.add.reduce(inner_each(heads[0], heads[1]))
    if rest:
        found = found + _dot(x[-rest:], y[-rest:])
    return found if isfinite(found) else np.add.reduce(x * y)


def _dot(x: np.ndarray, y: np.ndarray) -> Any:
    # NumPy's vdot warns of nothing: the products do, where there is something to warn of.
    return np.vdot(x, y) if x.dtype.kind == "f" else np.dot(x, y)


def inner_each(x: np.ndarray, y: np.ndarray) -> Any:
    """The products of vectors along the last axis; others broadcast."""
    if x.dtype.kind == "f":
        return np.vecdot(x, y)
    return np.matmul(x[..., None, :], y[..., :, None])[..., 0, 0]


def rows(x: np.ndarray, y: np.ndarray) -> Any:
    """The products of vectors along the last axis, long ones in blocks; others broadcast."""
    n, run = x.shape[-1], _RUN.get(x.dtype.char, BLOCK)
    if n <= 2 * run:
        return inner_each(x, y)
    k, rest = divmod(n, run)
    heads = [v[..., : n - rest].reshape(*v.shape[:-1], k, run) for v in (x, y)]
    total = np.add.reduce(inner_each(heads[0], heads[1]), axis=-1)
    return total + inner_each(x[..., n - rest :], y[..., n - rest :]) if rest else total


def as_written(found: Any, left: Any, right: Any, form: tuple[Any, ...]) -> Any:
    """A sum of products that BLAS found; where it is not finite, products and their sum anew.

    Processors multiply and add at once, without overflow in between: infinity and a product that
    overflows to minus infinity make NaN as written, and infinity as BLAS adds them.

    Args:
        form: how the two operands are transposed and reshaped to broadcast, and the axes to sum.
    """
    flat = found.reshape(-1)
    if isfinite(np.vdot(flat, flat)) or np.isfinite(flat).all():
        return found
    (order, shape), (other_order, other_shape), axes = form
    terms = left.transpose(order).reshape(shape) * right.transpose(other_order).reshape(other_shape)
    return np.add.reduce(terms, axis=axes)
