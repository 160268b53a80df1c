"""Functions of square matrices, and Sylvester equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...numpy._values import is_true
from ...ops import cast, linalg, matrix_functions
from ...ops import elementwise as ops
from .operands import DOUBLE, inexact, square


def expm(A: Any) -> Any:
    """As `scipy.linalg.expm`: the exponential of matrices of shape (..., n, n).

    Its derivative is by scaling and squaring as well: A. H. Al-Mohy and N. J. Higham, "Computing
    the Fréchet derivative of the matrix exponential" (2009).

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import expm
        >>> expm(np.array([[0.0, 1], [0, 0]]))
        array([[1., 1.],
               [0., 1.]])
    """
    return matrix_functions.expm(square("expm", inexact(A)))


def expm_frechet(
    A: Any, E: Any, method: str | None = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.expm_frechet`: the exponential, and its derivative at A along E; in double
    precision.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import expm_frechet
        >>> expm_frechet(np.zeros((1, 1)), np.ones((1, 1)))
        (array([[1.]]), array([[1.]]))
    """
    given = [inexact(A, check_finite), inexact(E, check_finite)]
    dtype = np.result_type(*[x.dtype for x in given], DOUBLE)
    a, e = (cast.astype(x, dtype) for x in given)
    along = matrix_functions.expm_frechet(square("expm_frechet", a), e)
    return (matrix_functions.expm(a), along) if compute_expm else along


def sqrtm(A: Any) -> Any:
    """As `scipy.linalg.sqrtm`: the principal square root, real where that of a real matrix is.

    Under jit and vmap the values are unknown while tracing, and the root is always complex.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import sqrtm
        >>> sqrtm(np.diag([4.0, 9.0]))
        array([[2., 0.],
               [0., 3.]])
    """
    return _real_or_complex(matrix_functions.sqrtm, square("sqrtm", inexact(A)))


def logm(A: Any) -> Any:
    """As `scipy.linalg.logm`: the principal logarithm, in double precision.

    It is real where that of a real matrix is, and has no derivative where an eigenvalue is negative
    or zero. Under jit and vmap the values are unknown while
    tracing, and the logarithm is always complex.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import logm
        >>> logm(np.diag([1.0, np.e]))
        array([[0., 0.],
               [0., 1.]])
    """
    x = square("logm", inexact(A))
    return _real_or_complex(matrix_functions.logm, cast.astype(x, np.result_type(x.dtype, DOUBLE)))


def _real_or_complex(function: Callable[..., Any], x: Any) -> Any:
    """A function with complex values, but those of a real matrix that are known to be real."""
    values = function(x, dtype=np.result_type(x.dtype, np.complex64))
    imaginary = ops.imag(ops.stop_gradient_op(values))
    if x.dtype.kind == "f" and is_true(ops.equal(imaginary, 0).all(), otherwise=False):
        return function(x, dtype=x.dtype)
    return values


def cosm(A: Any) -> Any:
    """As `scipy.linalg.cosm`: the cosine of a matrix."""
    x, half_turned = _turns("cosm", A)
    if x.dtype.kind == "f":
        return ops.real(half_turned)
    return (half_turned + matrix_functions.expm(x * x.dtype.type(-1j))) * x.dtype.type(0.5)


def sinm(A: Any) -> Any:
    """As `scipy.linalg.sinm`: the sine of a matrix."""
    x, half_turned = _turns("sinm", A)
    if x.dtype.kind == "f":
        return ops.imag(half_turned)
    return (half_turned - matrix_functions.expm(x * x.dtype.type(-1j))) * x.dtype.type(-0.5j)


def _turns(name: str, a: Any) -> tuple[Any, Any]:
    """The matrix, and the exponential of i times it."""
    x = square(name, inexact(a))
    wide = np.result_type(x.dtype, np.complex64)
    return x, matrix_functions.expm(cast.astype(x, wide) * wide.type(1j))


def tanm(A: Any) -> Any:
    """As `scipy.linalg.tanm`: the tangent of a matrix."""
    return linalg.solve(cosm(A), sinm(A))


def coshm(A: Any) -> Any:
    """As `scipy.linalg.coshm`: the hyperbolic cosine of a matrix."""
    x = square("coshm", inexact(A))
    return (matrix_functions.expm(x) + matrix_functions.expm(-x)) * x.dtype.type(0.5)


def sinhm(A: Any) -> Any:
    """As `scipy.linalg.sinhm`: the hyperbolic sine of a matrix."""
    x = square("sinhm", inexact(A))
    return (matrix_functions.expm(x) - matrix_functions.expm(-x)) * x.dtype.type(0.5)


def tanhm(A: Any) -> Any:
    """As `scipy.linalg.tanhm`: the hyperbolic tangent of a matrix."""
    return linalg.solve(coshm(A), sinhm(A))


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """As `scipy.linalg.solve_sylvester`: the x with a @ x + x @ b = q.

    Args:
        a, b, q: of shapes (m, m), (n, n) and (m, n).

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import solve_sylvester
        >>> solve_sylvester(np.eye(1), np.eye(2), np.array([[2.0, 4.0]]))
        array([[1., 2.]])
    """
    return matrix_functions.solve_sylvester(
        *cast.promote_together(*[inexact(x) for x in (a, b, q)])
    )
