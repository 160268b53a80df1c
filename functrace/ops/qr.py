"""The QR factorisation, of matrices whose first columns are independent."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import FreeColumnsError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, ZERO, Primitive
from ..recorder import bind
from .cast import real_dtype_of
from .checks import require
from .free_columns import completed, free
from .index import concatenate
from .linalg import adjoint, columns, inv, lower_half, matrix_op, product, rows
from .shape import broadcast_to


def _qr_types(x: ArrayType, *, complete: bool) -> tuple[ArrayType, ...]:
    *lead, m, n = x.shape
    k = m if complete else min(m, n)
    return x.with_shape((*lead, m, k)), x.with_shape((*lead, k, n))


def _qr_impl(x: Any, *, complete: bool) -> tuple[Any, ...]:
    return tuple(np.linalg.qr(x, "complete" if complete else "reduced"))


def _qr_jvp(x: Any, dx: Any, out: Any, *, complete: bool) -> Any:
    """S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with
    application in optimum experimental design" (2010).

    The first columns determine Q; those beyond follow Q. Completing columns stay orthogonal.
    """
    q, r = out
    m, n = x.shape[-2:]
    k = min(m, n)
    q1, r1 = columns(q, 0, k), _of_full_rank(columns(rows(r, 0, k), 0, k))
    scaled = product(columns(dx, 0, k), inv(r1))
    inner = product(adjoint(q1), scaled)
    lower = inner * lower_half(k, x.dtype)
    turn = lower - adjoint(lower)
    dq = scaled + product(q1, turn - inner)
    dr = product(inner - turn, r1)
    if n > k:
        beyond = product(adjoint(dq), columns(x, k, n)) + product(adjoint(q1), columns(dx, k, n))
        dr = concatenate([dr, beyond], dr.ndim - 1)
    if complete and m > k:
        dq = completed(q1, dq, columns(q, k, m))
        kept = (np.arange(m) < k).astype(real_dtype_of(x.dtype))
        dq = free(dq, q, broadcast_to(kept, (*q.shape[:-2], m))) if m > k + 1 else dq
        dr = concatenate([dr, np.zeros((*dr.shape[:-2], m - k, n), x.dtype)], dr.ndim - 2)
    return dq, dr


def _of_full_rank(r: Any) -> Any:
    """R, whose diagonal must be more than rounding: else Q is free, and not only in a rotation."""
    return require(
        r, bind(FULL_RANK, r),
        "the derivative of linalg.qr: the first columns of the matrix are dependent, and those of "
        "Q are free from there on",
        FreeColumnsError,
        "take a basis from np.linalg.svd, and of it what is determined",
    )  # fmt: skip


def _full_rank_impl(r: Any) -> Any:
    lengths = np.sqrt(np.sum(np.square(np.abs(r)), -2))
    rounding = max(r.shape[-1], 8) * np.finfo(lengths.dtype).eps
    dependent = np.abs(np.diagonal(r, 0, -2, -1)) <= lengths * rounding
    return np.logical_not(np.any(dependent, -1))


FULL_RANK = Primitive(
    "full_rank",
    infer=lambda r: ArrayType(r.shape[:-2], np.bool_),
    impl=_full_rank_impl,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped: bind(FULL_RANK, *operands),
)

qr = matrix_op(
    "qr", _qr_impl, _qr_types, _qr_jvp, square=False, multiple=True, dense=True, ambiguous=True
)
