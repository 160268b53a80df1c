"""Matrices that are made of a few numbers. Axes before the last stack them, as in SciPy."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...errors import OptionError, ShapeError
from ...numpy.creation import asarray
from ...numpy.joining import concatenate
from ...ops import cast, index, shape
from ...ops import elementwise as ops
from ...ops.checks import require


def _vector(a: Any) -> Any:
    x = asarray(a)
    return shape.reshape(x, (1,)) if not x.ndim else x


def _padded(x: Any, columns: int, beside: int) -> Any:
    """Matrices between columns of zeros, some of them on the left."""
    ranges = [*index.whole(x.shape[:-1]), (beside, x.shape[-1], 1)]
    return index.place(x, (*x.shape[:-1], columns), tuple(ranges))


def block_diag(*arrs: Any) -> Any:
    """As `scipy.linalg.block_diag`: matrices along the diagonal of one; vectors are rows.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import block_diag
        >>> block_diag(np.eye(1), np.array([2.0, 3.0]))
        array([[1., 0., 0.],
               [0., 2., 3.]])
    """
    blocks = [asarray(a) for a in arrs or ([],)]
    blocks = [shape.reshape(x, (1,) * (2 - x.ndim) + x.shape) for x in blocks]
    blocks = cast.promote_together(*blocks)
    lead = shape.broadcast_shapes("block_diag", [x.shape[:-2] for x in blocks])
    rows, columns = (sum(x.shape[axis] for x in blocks) for axis in (-2, -1))
    beside, strips = 0, []
    for x in blocks:
        strips.append(_padded(shape.broadcast_to(x, lead + x.shape[-2:]), columns, beside))
        beside += x.shape[-1]
    return index.concatenate(strips, len(lead)) if rows else np.zeros((*lead, 0, columns))


def toeplitz(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.toeplitz`: the matrix with first column c and first row r.

    Args:
        r: by default the conjugate of c; its first element does not count.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import toeplitz
        >>> toeplitz(np.array([1, 2, 3]), np.array([1, 7]))
        array([[1, 7],
               [2, 1],
               [3, 2]])
    """
    column = _vector(c)
    row = ops.conjugate(column) if r is None else _vector(r)
    m, n = column.shape[-1], row.shape[-1]
    lead = shape.broadcast_shapes("toeplitz", [column.shape[:-1], row.shape[:-1]])
    column, row = (shape.broadcast_to(x, (*lead, x.shape[-1])) for x in (column, row))
    values = concatenate([column[..., ::-1], row[..., 1:]], -1)
    return values[..., np.arange(m)[::-1, None] + np.arange(n)]


def circulant(c: Any) -> Any:
    """As `scipy.linalg.circulant`: the matrix with first column c, each next one turned by one."""
    x = _vector(c)
    places = np.arange(x.shape[-1])
    return x[..., (places[:, None] - places) % max(x.shape[-1], 1)]


def hankel(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.hankel`: the matrix with first column c and last row r.

    Args:
        r: by default zeros; its first element does not count.

    Raises:
        ShapeError: when an operand is no vector.
    """
    column = _vector(c)
    row = np.zeros(column.shape, column.dtype) if r is None else _vector(r)
    if column.ndim != 1 or row.ndim != 1:
        raise ShapeError(f"linalg.hankel of shapes {column.shape} and {row.shape}: not vectors")
    m, n = column.shape[0], row.shape[0]
    values = concatenate([column, row[1:]])
    return values[..., np.arange(m)[:, None] + np.arange(n)]


def companion(a: Any) -> Any:
    """As `scipy.linalg.companion`: the matrix whose characteristic polynomial is a.

    Raises:
        ValueError: when the first coefficient is 0.
    """
    x = _vector(a)
    n = x.shape[-1] - 1
    if n < 1:
        raise ShapeError("linalg.companion: a polynomial has two coefficients or more")
    first = x[..., :1] * 1.0
    first = require(first, first != 0, "linalg.companion: the first coefficient must not be 0")
    row = shape.expand_dims(-x[..., 1:] / first, (x.ndim - 1,))
    below = np.broadcast_to(np.eye(n - 1, n, dtype=row.dtype), (*x.shape[:-1], n - 1, n))
    return concatenate([row, below], -2)


def leslie(f: Any, s: Any) -> Any:
    """As `scipy.linalg.leslie`: the matrix of fecundities f and survivals s.

    Raises:
        ShapeError: unless f and s are vectors, f of one element more.
    """
    x, y = cast.promote_together(_vector(f), _vector(s))
    if x.ndim != 1 or y.shape != (x.size - 1,) or not y.size:
        raise ShapeError(
            f"linalg.leslie of shapes {x.shape} and {y.shape}: the survivals must be one fewer, "
            "and at least one"
        )
    n = x.size
    below = shape.expand_dims(y, (1,)) * np.eye(n - 1, n, dtype=y.dtype)
    return concatenate([shape.expand_dims(x, (0,)), below])


def fiedler(a: Any) -> Any:
    """As `scipy.linalg.fiedler`: the matrix of distances |a[i] - a[j]|."""
    x = _vector(a)
    if x.shape[-1] < 2:
        return np.zeros((x.size, x.size) if x.size else 0)
    return ops.absolute(x[..., :, None] - x[..., None, :])


def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """As `scipy.linalg.convolution_matrix`: A with A @ v equal to the convolution of a and v.

    Args:
        a: of shape (..., m).
        n: the length of v.
        mode: "full", "same" or "valid", as in `np.convolve`.
    """
    x, n = asarray(a), operator.index(n)
    if n <= 0 or not x.size:
        raise ShapeError(f"linalg.convolution_matrix of shape {x.shape} for length {n}: empty")
    if mode not in ("full", "same", "valid"):
        raise OptionError(f"the mode is 'full', 'same' or 'valid', not {mode!r}")
    length = x.shape[-1]
    zeros = np.zeros((*x.shape[:-1], n - 1), x.dtype)
    full = toeplitz(concatenate([x, zeros], -1), concatenate([x[..., :1], zeros], -1))
    shorter = min(n, length) - 1
    before = {"full": 0, "same": shorter // 2, "valid": shorter}[mode]
    after = {"full": 0, "same": shorter - shorter // 2, "valid": shorter}[mode]
    return full[..., before : length + n - 1 - after, :]


def khatri_rao(a: Any, b: Any) -> Any:
    """As `scipy.linalg.khatri_rao`: the Kronecker products of the columns of two matrices."""
    x, y = asarray(a), asarray(b)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ShapeError(
            f"linalg.khatri_rao of shapes {x.shape} and {y.shape}: expected matrices with as many "
            "columns"
        )
    columns = x[:, None, :] * y[None, :, :]
    return shape.reshape(columns, (x.shape[0] * y.shape[0], x.shape[1]))
