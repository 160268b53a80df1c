"""Systems, inverses, determinants; Cholesky and LU factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import OptionError
from ...ops import cast, linalg, shape
from ...ops import elementwise as ops
from ...ops import matrix_triangular as triangular
from ...ops.sort import argsort
from .operands import DOUBLE, inexact, lapack, solution, square, system, turned


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    """As `scipy.linalg.solve_triangular`: the x with a @ x = b, of a triangle of a.

    Args:
        a: of shape (..., n, n).
        b: of shape (n,) or (..., n, k).

    Raises:
        LinAlgError: when the matrix is singular.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.linalg import solve_triangular
        >>> a = np.array([[2.0, 0.0], [1.0, 4.0]])
        >>> ft.jacobian(lambda b: solve_triangular(a, b, lower=True))(np.array([2.0, 5.0]))
        array([[ 0.5  ,  0.   ],
               [-0.125,  0.25 ]])
    """
    x, y, vector = system(lapack(a, check_finite), lapack(b, check_finite))
    flipped = trans not in (0, "N")
    solved = triangular.solve_triangular(
        turned(x, trans), y, bool(lower) != flipped, bool(unit_diagonal)
    )
    return solution(solved, vector)


_GENERAL = {None, "gen", "general", "banded"}
_SYMMETRIC = {"sym": False, "symmetric": False, "her": True, "hermitian": True}
_POSITIVE = {"pos", "positive definite"}
_TRIANGULAR = {"upper triangular": False, "lower triangular": True}


def solve(
    a: Any, b: Any, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
    check_finite: bool = True, assume_a: str | None = None, transposed: bool = False,
) -> Any:  # fmt: skip
    """As `scipy.linalg.solve`: the x with a @ x = b.

    Args:
        a: of shape (..., n, n).
        b: of shape (n,) or (..., n, k).
        lower: makes no difference: what is to be symmetric or Hermitian is made so, where SciPy
            reads one triangle, and so is its gradient.
        assume_a: a structure of the matrix.

    Raises:
        LinAlgError: when the matrix is singular, or not positive definite where it should be.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import solve
        >>> solve(np.array([[4.0, 2], [2, 3]]), np.array([8.0, 8]), assume_a="pos")
        array([1., 2.])
    """
    x, y, vector = system(inexact(a, check_finite), inexact(b, check_finite))
    x = linalg.matrix_transpose(square("solve", x)) if transposed else square("solve", x)
    if assume_a in _GENERAL:
        solved = linalg.solve(x, y)
    elif assume_a == "tridiagonal":
        solved = linalg.solve(linalg.triangle(linalg.triangle(x, True, 1), False, 1), y)
    elif assume_a in _SYMMETRIC:
        solved = linalg.solve(linalg.symmetrized(x, "linalg.solve", _SYMMETRIC[assume_a]), y)
    elif assume_a in _POSITIVE:
        factor = linalg.cholesky(linalg.symmetrized(x, "linalg.solve"))
        solved = _solve_factored(factor, True, y)
    elif assume_a in _TRIANGULAR:
        solved = triangular.solve_triangular(x, y, _TRIANGULAR[assume_a] != transposed)
    elif assume_a == "diagonal":
        solved = triangular.solve_triangular(linalg.triangle(x, True), y, lower=False)
    else:
        raise OptionError(f"linalg.solve: {assume_a!r} is not a known structure of a matrix")
    return solution(solved, vector)


def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *,
    assume_a: str | None = None, lower: bool = False,
) -> Any:  # fmt: skip
    """As `scipy.linalg.inv`. Raises LinAlgError for a singular matrix.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import inv
        >>> inv(np.array([[2.0, 0], [0, 4]]))
        array([[0.5 , 0.  ],
               [0.  , 0.25]])
    """
    x = square("inv", lapack(a, check_finite))
    if assume_a in _GENERAL:
        return linalg.inv(x)
    return solve(x, np.eye(x.shape[-1], dtype=x.dtype), lower, assume_a=assume_a)


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.det`: always in double precision.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.linalg import det
        >>> ft.grad(det)(np.array([[1.0, 2], [3, 4]]))
        array([[ 4., -3.],
               [-2.,  1.]])
    """
    x = square("det", inexact(a, check_finite))
    return linalg.det(cast.astype(x, np.result_type(x.dtype, DOUBLE)))


# Cholesky


def _factor(x: Any, lower: bool) -> Any:
    """The Cholesky factor of the triangle that counts."""
    return linalg.cholesky(x) if lower else linalg.adjoint(linalg.cholesky(linalg.adjoint(x)))


def _solve_factored(factor: Any, lower: bool, b: Any) -> Any:
    first, second = factor, linalg.adjoint(factor)
    if not lower:
        first, second = second, first
    return triangular.solve_triangular(
        second, triangular.solve_triangular(first, b, lower=True), lower=False
    )


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.cholesky`: the upper factor U with a = U^H U, or the lower one.

    Raises:
        LinAlgError: when the matrix is not positive definite.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import cholesky
        >>> cholesky(np.array([[4.0, 2], [2, 5]]))
        array([[2., 1.],
               [0., 2.]])
    """
    return _factor(square("cholesky", lapack(a, check_finite)), bool(lower))


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Any, bool]:
    """As `scipy.linalg.cho_factor`: the factor, and `lower`; the other triangle is zeros.

    Raises:
        LinAlgError: when the matrix is not positive definite.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import cho_factor, cho_solve
        >>> cho_solve(cho_factor(np.array([[4.0, 2], [2, 3]])), np.array([8.0, 8]))
        array([1., 2.])
    """
    return _factor(square("cho_factor", lapack(a, check_finite)), bool(lower)), lower


def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.cho_solve`: the x with a @ x = b, of what `cho_factor` made of a.

    Args:
        b: of shape (n,) or (..., n, k).
    """
    factor, lower = c_and_lower
    x, y, vector = system(lapack(factor, check_finite), lapack(b, check_finite))
    return solution(_solve_factored(square("cho_solve", x), bool(lower), y), vector)


# LU


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """As `scipy.linalg.lu_factor`: L and U in one matrix, and LAPACK's interchanges of rows.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import lu_factor, lu_solve
        >>> lu_solve(lu_factor(np.array([[0.0, 2], [4, 1]])), np.array([2.0, 5]))
        array([1., 1.])
    """
    return triangular.lu_factor(lapack(a, check_finite))


def lu_solve(
    lu_and_piv: Any, b: Any, trans: Any = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.lu_solve`: the x with a @ x = b, of what `lu_factor` made of a.

    Args:
        b: of shape (n,) or (..., n, k).
        trans: 0 for a, 1 for its transpose, 2 for its adjoint.
    """
    packed, pivots = lu_and_piv
    x, y, vector = system(lapack(packed, check_finite), lapack(b, check_finite))
    x = square("lu_solve", x)
    order = triangular.permutation(pivots, x.shape[-1])
    lead = shape.broadcast_shapes("lu_solve", [x.shape[:-2], y.shape[:-2]])
    y = shape.broadcast_to(y, lead + y.shape[-2:])
    matrix = turned(x, trans)
    if trans in (0, "N"):
        y = triangular.permute_rows(y, order)
        first = triangular.solve_triangular(matrix, y, lower=True, unit_diagonal=True)
        return solution(triangular.solve_triangular(matrix, first, lower=False), vector)
    first = triangular.solve_triangular(matrix, y, lower=True)
    second = triangular.solve_triangular(matrix, first, lower=False, unit_diagonal=True)
    return solution(triangular.permute_rows(second, _inverse(order)), vector)


def _inverse(order: Any) -> Any:
    return cast.astype(argsort(order, order.ndim - 1), np.dtype(np.int32))


def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True,
    p_indices: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """As `scipy.linalg.lu`: p, l and u with a = p @ l @ u.

    Args:
        a: of shape (..., m, n).
        permute_l: whether to return p @ l and u.
        p_indices: whether p is given as indices, with a = l[p] @ u.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import lu
        >>> lu(np.array([[2.0, 1], [4, 4]]), p_indices=True)
        (array([1, 0], dtype=int32), array([[1. , 0. ],
               [0.5, 1. ]]), array([[ 4.,  4.],
               [ 0., -1.]]))
    """
    x = lapack(a, check_finite)
    m, n = x.shape[-2:]
    k = min(m, n)
    packed, pivots = triangular.lu_factor(x)
    below = linalg.triangle(linalg.columns(packed, 0, k), True, -1)
    lower = below + np.eye(m, k, dtype=x.dtype)
    upper = linalg.triangle(linalg.rows(packed, 0, k), False)
    order = triangular.permutation(pivots, m)
    if permute_l:
        return triangular.permute_rows(lower, _inverse(order)), upper
    if p_indices:
        return _inverse(order), lower, upper
    chosen = ops.equal(np.arange(m)[:, None], shape.expand_dims(order, (order.ndim - 1,)))
    return cast.astype(chosen, cast.real_dtype_of(x.dtype)), lower, upper
