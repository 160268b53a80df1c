"""The Schur form A = Z T Z^H, with unitary Z and upper triangular T; SciPy computes it.

The derivative needs eigenvalues that differ, and with output="real" real ones: where T has blocks
of two rows for pairs of complex eigenvalues, that of output="complex" has one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from ..errors import NonDifferentiableError
from ..ir import ArrayType
from ..primitive import Linear, NotLinearError, Primitive
from ..recorder import bind
from .cast import astype
from .linalg import adjoint, check_matrix, matrix_op, matrix_transpose, product, repeated, triangle
from .matrix_triangular import stacked


def _types(x: ArrayType, *, dtype: np.dtype[Any]) -> tuple[ArrayType, ...]:
    return ArrayType(x.shape, dtype), ArrayType(x.shape, dtype)


def _impl(x: Any, *, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    output = "complex" if dtype.kind == "c" else "real"
    t, z = scipy.linalg.schur(x, output, check_finite=False)[:2]
    return t.astype(dtype), z.astype(dtype)


def _jvp(x: Any, dx: Any, out: Any, *, dtype: np.dtype[Any]) -> Any:
    """With W = Z^H dZ, which is antihermitian, Z^H dA Z = dT + W T - T W. What lies below the
    diagonal of this determines W there. The phases of complex columns stay as they are.
    """
    t, z = out
    inside = product(adjoint(z), astype(dx, dtype), z)
    below = schur_turn(t, inside)
    turn = below - adjoint(below)
    dt = triangle(inside + product(t, turn) - product(turn, t), lower=False)
    return dt, product(z, turn)


schur = matrix_op("schur", stacked(_types, _impl), _types, _jvp, multiple=True)


def schur_turn(t: Any, e: Any, transposed: bool = False) -> Any:
    """The X that is zero but below the diagonal, where X T - T X = E, for upper triangular T.

    Args:
        transposed: whether T is to be transposed.
    """
    return bind(SCHUR_TURN, t, e, transposed=transposed)


def _turn_impl(t: Any, e: Any, *, transposed: bool) -> Any:
    """Column by column, of which each is a triangular system, as in Bartels and Stewart (1972)."""
    n = t.shape[-1]
    _check_distinct(t)
    x = np.zeros_like(e)
    for j in range(n - 1)[:: -1 if transposed else 1]:
        below = slice(j + 1, n)
        known = x[below] @ (t[j] if transposed else t[:, j])
        matrix = t[j, j] * np.eye(n - j - 1, dtype=t.dtype) - t[below, below]
        x[below, j] = scipy.linalg.solve_triangular(
            matrix, e[below, j] - known, trans=int(transposed), check_finite=False
        )
    return x


def _check_distinct(t: Any) -> None:
    if np.any(np.diagonal(t, -1)):
        raise NonDifferentiableError(
            'the derivative of schur(output="real") of a matrix with complex eigenvalues, for '
            "which T has blocks of two rows",
            'use output="complex"',
        )
    values = np.diagonal(t)
    gaps = np.abs(values[:, None] - values) + np.diag(np.full(len(values), np.inf))
    limit = 8 * np.finfo(t.dtype).eps * np.max(np.abs(values), initial=0)
    if np.any(gaps <= limit):
        raise NonDifferentiableError(
            "the derivative of the Schur form of a matrix with equal eigenvalues: it is not "
            "determined",
            "of a function of a matrix take the derivative itself: expm, logm, sqrtm",
        )


def _turn_infer(t: ArrayType, e: ArrayType, *, transposed: bool) -> ArrayType:
    check_matrix("schur_turn", t, square=True)
    return e


def _turn_jvp(primals: Any, tangents: Any, out: Any, *, transposed: bool) -> Any:
    (t, _), (dt, de) = primals, tangents
    right = de
    if dt is not None:
        other = matrix_transpose(dt) if transposed else dt
        moved = product(out, other) - product(other, out)
        right = -moved if de is None else de - moved
    return schur_turn(t, triangle(right, True, -1), transposed)


def _turn_transpose(ct: Any, operands: Any, *, transposed: bool) -> Any:
    t, _ = operands
    if isinstance(t, Linear):
        raise NotLinearError(t)
    return None, schur_turn(t, triangle(ct, True, -1), not transposed)


def _turn_batch(size: int, operands: Any, mapped: Any, *, transposed: bool) -> Any:
    t, e = repeated(size, operands, mapped)
    return schur_turn(t, e, transposed)


SCHUR_TURN = Primitive(
    "schur_turn",
    infer=_turn_infer,
    impl=stacked(_turn_infer, _turn_impl),
    jvp=_turn_jvp,
    transpose=_turn_transpose,
    batch=_turn_batch,
)
