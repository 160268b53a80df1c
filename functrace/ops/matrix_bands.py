"""Systems of matrices that are stored by their diagonals; SciPy computes them.

Row u + i - j and column j of the bands hold the element in row i and column j of the matrix, whose
lowest diagonal is the l-th and whose uppermost the u-th. What lies outside is not read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from ..errors import MatrixShapeError
from ..ir import ArrayType
from ..primitive import Linear, NotLinearError, Primitive
from ..recorder import bind
from ._families import align_ranks
from .index import concatenate, slice_axis
from .linalg import check_matrix, rows
from .matrix_triangular import stacked
from .shape import broadcast_shapes, expand_dims, unbroadcast


def solve_banded(bands: Any, b: Any, lower: int, definite: bool = False) -> Any:
    """The X with A X = B, of matrices B; leading axes broadcast.

    Args:
        lower: how many diagonals lie below the main one.
        definite: whether the matrix is Hermitian and positive definite; both halves are given.
    """
    return bind(SOLVE_BANDED, bands, b, lower=lower, definite=definite)


def moved(x: Any, steps: int, axis: int) -> Any:
    """The elements along an axis moved to later places, and zeros where none come from."""
    n = x.shape[axis]
    count = min(abs(steps), n)
    if not count:
        return x
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    zeros = np.zeros(shape, x.dtype)
    kept = slice_axis(x, axis, 0 if steps > 0 else count, n - count)
    return concatenate([zeros, kept] if steps > 0 else [kept, zeros], axis)


def transposed(bands: Any, lower: int) -> Any:
    """The bands of the transpose, whose uppermost diagonal is the lowest of the matrix."""
    count = bands.shape[-2]
    parts = [
        moved(rows(bands, count - 1 - i, count - i), lower - i, bands.ndim - 1)
        for i in range(count)
    ]
    return concatenate(parts, bands.ndim - 2)


def _times(bands: Any, x: Any, lower: int) -> Any:
    """The product A X."""
    upper = bands.shape[-2] - 1 - lower
    total: Any = None
    for i in range(bands.shape[-2]):
        diagonal = expand_dims(bands[..., i, :], [bands.ndim - 1])
        part = moved(diagonal * x, i - upper, max(bands.ndim, x.ndim) - 2)
        total = part if total is None else total + part
    return total


def _infer(bands: ArrayType, b: ArrayType, *, lower: int, definite: bool) -> ArrayType:
    check_matrix("solve_banded", bands)
    if b.ndim < 2 or bands.shape[-1] != b.shape[-2]:
        raise MatrixShapeError(
            f"linalg.solve_banded of shapes {bands.shape} and {b.shape}: the right-hand side must "
            "have as many rows as the bands have columns"
        )
    lead = broadcast_shapes("solve_banded", [bands.shape[:-2], b.shape[:-2]])
    return b.with_shape((*lead, *b.shape[-2:]))


def _impl(bands: Any, b: Any, *, lower: int, definite: bool) -> Any:
    if not b.size:
        return np.empty_like(b)
    upper = bands.shape[-2] - 1 - lower
    if definite:
        return scipy.linalg.solveh_banded(bands[upper:], b, lower=True, check_finite=False)
    return scipy.linalg.solve_banded((lower, upper), bands, b, check_finite=False)


def _jvp(primals: Any, tangents: Any, out: Any, *, lower: int, definite: bool) -> Any:
    dbands, db = tangents
    if dbands is None:
        return solve_banded(primals[0], db, lower, definite)
    changed = _times(dbands, out, lower)
    right = -changed if db is None else db - changed
    return solve_banded(primals[0], right, lower, definite)


def _transpose(ct: Any, operands: Any, *, lower: int, definite: bool) -> Any:
    bands, b = operands
    if isinstance(bands, Linear):
        raise NotLinearError(bands)
    upper = bands.shape[-2] - 1 - lower
    return None, unbroadcast(solve_banded(transposed(bands, lower), ct, upper, definite), b.shape)


def _batch(size: int, operands: Any, mapped: Any, *, lower: int, definite: bool) -> Any:
    bands, b = align_ranks(size, operands, mapped)
    return solve_banded(bands, b, lower, definite)


SOLVE_BANDED = Primitive(
    "solve_banded",
    infer=_infer,
    impl=stacked(_infer, _impl),
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    text=lambda bands, b, *, lower, definite: (
        f"linalg.solve_banded({bands}, {b}, lower={lower}, definite={definite})"
    ),
)
