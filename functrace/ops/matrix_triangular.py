"""Triangular systems and the LU factorisation, which NumPy has not: SciPy computes them.

As in `linalg`, matrices are the last two axes and an op is repeated over the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from ..errors import MatrixShapeError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, ZERO, Linear, NotLinearError, Primitive
from ..recorder import bind
from ._families import align_ranks
from .index import concatenate, gather
from .linalg import (
    check_matrix,
    columns,
    matrix_op,
    matrix_transpose,
    one_below_another,
    product,
    rows,
    side_by_side,
    triangle,
)
from .shape import broadcast_shapes, unbroadcast


def stacked(infer: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of matrices, repeated over their leading axes, which broadcast.

    Args:
        infer: gives the types of the results for those of the operands.
    """

    def impl(*operands: Any, **params: Any) -> Any:
        if all(x.ndim == 2 for x in operands):
            return function(*operands, **params)
        types = infer(*[ArrayType(x.shape, x.dtype) for x in operands], **params)
        outputs = [np.empty(t.shape, t.dtype) for t in (types if type(types) is tuple else [types])]
        lead = np.broadcast_shapes(*[x.shape[:-2] for x in operands])
        full = [np.broadcast_to(x, lead + x.shape[-2:]) for x in operands]
        for i in np.ndindex(lead):
            found = function(*[x[i] for x in full], **params)
            for output, value in zip(outputs, found if type(types) is tuple else [found],
                                     strict=True):  # fmt: skip
                output[i] = value
        return tuple(outputs) if type(types) is tuple else outputs[0]

    return impl


# solve_triangular


def solve_triangular(a: Any, b: Any, lower: bool, unit_diagonal: bool = False) -> Any:
    """The X with A X = B, of a triangle of A and matrices B; leading axes broadcast.

    Args:
        lower: whether it is the lower triangle that counts.
        unit_diagonal: whether the diagonal is taken to be ones.
    """
    return bind(SOLVE_TRIANGULAR, a, b, lower=lower, unit_diagonal=unit_diagonal)


def solve_triangular_right(b: Any, a: Any, lower: bool, unit_diagonal: bool = False) -> Any:
    """The X with X A = B."""
    turned = solve_triangular(matrix_transpose(a), matrix_transpose(b), not lower, unit_diagonal)
    return matrix_transpose(turned)


def _solve_infer(a: ArrayType, b: ArrayType, **_: bool) -> ArrayType:
    check_matrix("solve_triangular", a, square=True)
    if b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise MatrixShapeError(
            f"linalg.solve_triangular of shapes {a.shape} and {b.shape}: the right-hand side must "
            "have as many rows as the matrix",
            "stacked vectors are columns: solve_triangular(a, b[..., None])[..., 0]",
        )
    lead = broadcast_shapes("solve_triangular", [a.shape[:-2], b.shape[:-2]])
    return b.with_shape((*lead, *b.shape[-2:]))


def _solve_impl(a: Any, b: Any, *, lower: bool, unit_diagonal: bool) -> Any:
    if not b.size:
        return np.empty_like(b)
    return scipy.linalg.solve_triangular(
        a, b, lower=lower, unit_diagonal=unit_diagonal, check_finite=False
    )


def _solve_jvp(primals: Any, tangents: Any, out: Any, *, lower: bool, unit_diagonal: bool) -> Any:
    da, db = tangents
    if da is None:
        return solve_triangular(primals[0], db, lower, unit_diagonal)
    moved = product(triangle(da, lower, -1 if unit_diagonal else 0), out)
    right = -moved if db is None else db - moved
    return solve_triangular(primals[0], right, lower, unit_diagonal)


def _solve_transpose(ct: Any, operands: Any, *, lower: bool, unit_diagonal: bool) -> Any:
    a, b = operands
    if isinstance(a, Linear):
        raise NotLinearError(a)
    turned = solve_triangular(matrix_transpose(a), ct, not lower, unit_diagonal)
    return None, unbroadcast(turned, b.shape)


def _solve_batch(size: int, operands: Any, mapped: Any, *, lower: bool, unit_diagonal: bool) -> Any:
    a, b = operands
    if mapped[0] or a.ndim > 2 or b.ndim > 3:
        a, b = align_ranks(size, operands, mapped)
        return solve_triangular(a, b, lower, unit_diagonal)
    solved = solve_triangular(a, side_by_side(b), lower, unit_diagonal)
    return one_below_another(solved, size, b.shape[-1])


SOLVE_TRIANGULAR = Primitive(
    "solve_triangular",
    infer=_solve_infer,
    impl=stacked(_solve_infer, _solve_impl),
    jvp=_solve_jvp,
    transpose=_solve_transpose,
    batch=_solve_batch,
    text=lambda a, b, *, lower, unit_diagonal: (
        f"linalg.solve_triangular({a}, {b}, lower={lower}, unit_diagonal={unit_diagonal})"
    ),
)

# lu


def _lu_types(x: ArrayType) -> tuple[ArrayType, ...]:
    *lead, m, n = x.shape
    return x, ArrayType((*lead, min(m, n)), np.int32)


def _lu_jvp(x: Any, dx: Any, out: Any) -> Any:
    """With P A = L U: (L^-1 P dA U^-1) splits into L^-1 dL below and dU U^-1 on and above the
    diagonal. Rows or columns beyond the square part follow from L2 U1 = A2 and L1 U2 = A2.

    The square case is in S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear
    algebra functions with application in optimum experimental design" (2010).
    """
    packed, pivots = out
    m, n = x.shape[-2:]
    k = min(m, n)
    dx = permute_rows(dx, permutation(pivots, m))
    square = columns(rows(packed, 0, k), 0, k)

    def left(b: Any) -> Any:
        return solve_triangular(square, b, lower=True, unit_diagonal=True)

    def right(b: Any) -> Any:
        return solve_triangular_right(b, square, lower=False)

    inner = left(right(columns(rows(dx, 0, k), 0, k)))
    below, above = triangle(inner, True, -1), triangle(inner, False)
    lower = triangle(square, True, -1) + np.eye(k, dtype=x.dtype)
    dlower, dupper = product(lower, below), product(above, triangle(square, False))
    tangent = dlower + dupper
    if m > k:
        rest = rows(dx, k, m) - product(rows(packed, k, m), dupper)
        return concatenate([tangent, right(rest)], x.ndim - 2), None
    if n > k:
        rest = columns(dx, k, n) - product(dlower, columns(packed, k, n))
        return concatenate([tangent, left(rest)], x.ndim - 1), None
    return tangent, None


def _lu_impl(x: Any) -> tuple[Any, ...]:
    return tuple(scipy.linalg.lu_factor(x, check_finite=False))


lu_factor = matrix_op(
    "lu_factor", stacked(_lu_types, _lu_impl), _lu_types, _lu_jvp, square=False, multiple=True
)


def permutation(pivots: Any, rows: int) -> Any:
    """The row of A that LAPACK's interchanges bring to each row of L U; along the last axis."""
    return bind(PERMUTATION, pivots, rows=rows)


def _permutation_impl(pivots: Any, *, rows: int) -> Any:
    *lead, count = pivots.shape
    order = np.tile(np.arange(rows, dtype=np.int32), (math.prod(lead), 1))
    each = np.arange(len(order))
    for i, other in enumerate(pivots.reshape(len(order), count).T):
        order[each, i], order[each, other] = order[each, other], order[each, i]
    return order.reshape(*lead, rows)


PERMUTATION = Primitive(
    "permutation",
    infer=lambda pivots, *, rows: ArrayType((*pivots.shape[:-1], rows), np.int32),
    impl=_permutation_impl,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, rows: permutation(operands[0], rows),
)


def permute_rows(x: Any, order: Any) -> Any:
    """The rows of matrices in another order, given along the last axis of `order`."""
    lead = x.shape[:-2]
    grids = [np.arange(n).reshape(n, *(1,) * (len(lead) - i)) for i, n in enumerate(lead)]
    return gather(x, [*grids, order], tuple(range(x.ndim - 1)))


def column_order(x: Any) -> Any:
    """The order in which a QR factorisation with pivoting takes the columns of matrices."""
    return bind(COLUMN_ORDER, x)


COLUMN_ORDER = Primitive(
    "column_order",
    infer=lambda x: ArrayType((*x.shape[:-2], x.shape[-1]), np.int32),
    impl=lambda x: _column_order_impl(x),
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped: column_order(operands[0]),
)


def _column_order_impl(x: Any) -> Any:
    *lead, _, n = x.shape
    order = np.empty((*lead, n), np.int32)
    for i in np.ndindex(*lead):
        found: Any = scipy.linalg.qr(x[i], mode="r", pivoting=True, check_finite=False)
        order[i] = found[1]
    return order
