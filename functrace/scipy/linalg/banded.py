"""Systems of matrices that are stored by their diagonals."""

from __future__ import annotations

import operator
from typing import Any

from ...errors import MatrixShapeError
from ...ops import elementwise as ops
from ...ops import linalg
from ...ops import matrix_bands as banded
from ...ops.index import concatenate
from .operands import lapack, solution, system


def solve_banded(
    l_and_u: tuple[int, int], ab: Any, b: Any, overwrite_ab: bool = False,
    overwrite_b: bool = False, check_finite: bool = True,
) -> Any:  # fmt: skip
    """As `scipy.linalg.solve_banded`: the x with a @ x = b, of a matrix given by its diagonals.

    Args:
        l_and_u: how many diagonals lie below and above the main one.
        ab: of shape (..., l + u + 1, n), with ab[u + i - j, j] = a[i, j]. What lies outside of the
            matrix is not read.
        b: of shape (n,) or (..., n, k).

    Raises:
        LinAlgError: when the matrix is singular.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import solve_banded
        >>> ab = np.array([[0.0, 1, 1], [2, 2, 2], [1, 1, 0]])
        >>> solve_banded((1, 1), ab, np.array([3.0, 4, 3])).round(12)
        array([1., 1., 1.])
    """
    lower, upper = (operator.index(count) for count in l_and_u)
    x, y, vector = system(lapack(ab, check_finite), lapack(b, check_finite))
    if x.ndim < 2 or lower < 0 or upper < 0 or x.shape[-2] != lower + upper + 1:
        raise MatrixShapeError(
            f"linalg.solve_banded of shape {x.shape}: with {lower} diagonals below the main one "
            f"and {upper} above it there must be {lower + upper + 1} rows"
        )
    return solution(banded.solve_banded(x, y, lower), vector)


def solveh_banded(
    ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, lower: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """As `scipy.linalg.solveh_banded`: as `solve_banded`, of a Hermitian positive definite matrix
    whose diagonals on one side are given.

    Args:
        ab: of shape (..., u + 1, n), with ab[u + i - j, j] = a[i, j], or if `lower`
            ab[i - j, j] = a[i, j].
        b: of shape (n,) or (..., n, k).

    Raises:
        LinAlgError: when the matrix is not positive definite.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import solveh_banded
        >>> solveh_banded(np.array([[0.0, 1, 1], [2, 2, 2]]), np.array([3.0, 4, 3])).round(12)
        array([1., 1., 1.])
    """
    x, y, vector = system(lapack(ab, check_finite), lapack(b, check_finite))
    if x.ndim < 2:
        raise MatrixShapeError(f"linalg.solveh_banded of shape {x.shape}: diagonals must be rows")
    count = x.shape[-2] - 1
    given = [linalg.rows(x, i, i + 1) for i in range(count + 1)]
    if not lower:
        given.reverse()
    main, *beside = given
    if x.dtype.kind == "c":
        main = ops.real(main) + x.dtype.type(0)
    across, step = x.ndim - 1, 1 if lower else -1
    mirrored = [
        banded.moved(ops.conjugate(part), step * i, across) for i, part in enumerate(beside, 1)
    ]
    above, below = (mirrored, beside) if lower else (beside, mirrored)
    bands = concatenate([*reversed(above), main, *below], x.ndim - 2)
    return solution(banded.solve_banded(bands, y, count, definite=True), vector)
