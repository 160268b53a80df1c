"""Functions of square matrices, such as the exponential; Sylvester equations; polar factors.

NumPy has none of them: SciPy computes the values. As in `linalg`, matrices are the last two axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from ..errors import MatrixShapeError
from ..ir import ArrayType
from ..primitive import Linear, NotLinearError, Primitive
from ..recorder import bind
from .cast import astype
from .index import concatenate
from .linalg import (
    adjoint,
    check_matrix,
    check_precision,
    columns,
    inv,
    matrix_op,
    matrix_transpose,
    product,
    repeated,
    rows,
)
from .matrix_triangular import stacked


def _same(x: ArrayType, *_: Any, **__: Any) -> ArrayType:
    return x


# The Fréchet derivative L(A, E) of a function, the derivative at A along E


def frechet_derivative(name: str, impl: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The op L(A, E) of an analytic function of square matrices, with A and E of one dtype.

    Args:
        impl: gives L(A, E) of one matrix A and one direction E.
    """

    def derivative(a: Any, e: Any) -> Any:
        return bind(primitive, a, e)

    def jvp(primals: Any, tangents: Any, out: Any) -> Any:
        (a, e), (da, de) = primals, tangents
        along_e = None if de is None else derivative(a, de)
        if da is None:
            return along_e
        along_a = _second(derivative, a, e, da)
        return along_a if along_e is None else along_a + along_e

    def transpose(ct: Any, operands: Any) -> Any:
        a, _ = operands
        if isinstance(a, Linear):
            raise NotLinearError(a)
        # tr(L(A, E) C) = tr(E L(A, C)) for every E and C.
        return None, matrix_transpose(derivative(a, matrix_transpose(ct)))

    def infer(a: ArrayType, e: ArrayType) -> ArrayType:
        check_matrix(f"{name}_frechet", a, square=True)
        return a

    primitive = Primitive(
        f"{name}_frechet",
        infer=infer,
        impl=stacked(infer, lambda a, e: impl(a, e).astype(a.dtype)),
        jvp=jvp,
        transpose=transpose,
        batch=lambda size, operands, mapped: derivative(*repeated(size, operands, mapped)),
        text=lambda a, e: f"linalg.{name}_frechet({a}, {e})",
    )
    return derivative


def _second(derivative: Callable[[Any, Any], Any], a: Any, e: Any, d: Any) -> Any:
    """The derivative of L(A, E) along D in A, which is the upper right block of
    L([[A, E], [0, A]], [[D, 0], [0, D]]).

    N. J. Higham, "Functions of Matrices" (2008), theorem 3.6, applied to L.
    """
    n, zero = a.shape[-1], np.zeros(a.shape, a.dtype)
    along = derivative(_blocks(a, e, a), _blocks(d, zero, d))
    return columns(rows(along, 0, n), n, 2 * n)


def _blocks(a: Any, b: Any, d: Any) -> Any:
    """The matrices [[A, B], [0, D]], of square blocks of one shape."""
    across, down = a.ndim - 1, a.ndim - 2
    zero = np.zeros(a.shape, a.dtype)
    return concatenate([concatenate([a, b], across), concatenate([zero, d], across)], down)


# expm, by scaling and squaring

expm_frechet = frechet_derivative(
    "expm",  # A. H. Al-Mohy and N. J. Higham, "Computing the Fréchet derivative ..." (2009)
    lambda a, e: scipy.linalg.expm_frechet(a, e, compute_expm=False, check_finite=False),
)
expm = matrix_op("expm", scipy.linalg.expm, _same, lambda x, dx, y: expm_frechet(x, dx))

# logm, real or complex as `dtype` says


def _logm_frechet(a: Any, e: Any) -> Any:
    """L(A, E) as the upper right block of the function of [[A, E], [0, A]], as in Higham (2008)."""
    n = a.shape[-1]
    return _logm(np.block([[a, e], [np.zeros_like(a), a]]))[:n, n:]


def _logm(a: Any) -> Any:
    """In double precision, outside of which SciPy warns of errors of the size of rounding."""
    return scipy.linalg.logm(a.astype(np.result_type(a.dtype, np.float64)))


def _cast_types(x: ArrayType, *, dtype: np.dtype[Any]) -> ArrayType:
    return ArrayType(x.shape, dtype)


logm_frechet = frechet_derivative("logm", _logm_frechet)
logm = matrix_op(
    "logm",
    stacked(_cast_types, lambda x, *, dtype: np.asarray(_logm(x)).astype(dtype)),
    _cast_types,
    lambda x, dx, y, *, dtype: logm_frechet(astype(x, dtype), astype(dx, dtype)),
)

# solve_sylvester


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The X with A X + X B = Q; leading axes are equal."""
    return bind(SOLVE_SYLVESTER, a, b, q)


def _sylvester_infer(a: ArrayType, b: ArrayType, q: ArrayType) -> ArrayType:
    for x in (a, b):
        check_matrix("solve_sylvester", x, square=True)
    if q.shape != (*a.shape[:-1], b.shape[-1]) or a.shape[:-2] != b.shape[:-2]:
        raise MatrixShapeError(
            f"linalg.solve_sylvester of shapes {a.shape}, {b.shape} and {q.shape}: the last must "
            "have the rows of the first and the columns of the second"
        )
    return q


def _sylvester_jvp(primals: Any, tangents: Any, out: Any) -> Any:
    (a, b, _), (da, db, dq) = primals, tangents
    terms = [dq] if dq is not None else []
    terms += [-product(da, out)] if da is not None else []
    terms += [-product(out, db)] if db is not None else []
    return solve_sylvester(a, b, sum(terms[1:], terms[0]))


def _sylvester_transpose(ct: Any, operands: Any) -> Any:
    a, b, _ = operands
    for x in (a, b):
        if isinstance(x, Linear):
            raise NotLinearError(x)
    return None, None, solve_sylvester(matrix_transpose(a), matrix_transpose(b), ct)


SOLVE_SYLVESTER = Primitive(
    "solve_sylvester",
    infer=_sylvester_infer,
    impl=stacked(_sylvester_infer, scipy.linalg.solve_sylvester),
    jvp=_sylvester_jvp,
    transpose=_sylvester_transpose,
    batch=lambda size, operands, mapped: solve_sylvester(*repeated(size, operands, mapped)),
    text=lambda a, b, q: f"linalg.solve_sylvester({a}, {b}, {q})",
)

# sqrtm, real or complex as `dtype` says


sqrtm = matrix_op(
    "sqrtm",
    stacked(_cast_types, lambda x, *, dtype: np.asarray(scipy.linalg.sqrtm(x)).astype(dtype)),
    _cast_types,
    # Y Y = X, so that Y dY + dY Y = dX.
    lambda x, dx, y, *, dtype: solve_sylvester(y, y, astype(dx, dtype)),
)

# polar


def _polar_impl(x: Any) -> tuple[Any, ...]:
    return tuple(scipy.linalg.polar(x))


def _polar_types(x: ArrayType) -> tuple[ArrayType, ...]:
    check_precision(x.dtype)
    return x, x.with_shape((*x.shape[:-2], x.shape[-1], x.shape[-1]))


def _polar_jvp(x: Any, dx: Any, out: Any) -> Any:
    """A = U P with U^H U = 1 gives U^H dA = W P + dP, where W = U^H dU is antihermitian and dP
    Hermitian, hence W P + P W = U^H dA - dA^H U.
    """
    u, p = out
    inside = product(adjoint(u), dx)
    turn = solve_sylvester(p, p, inside - adjoint(inside))
    du = product(u, turn) + product(dx - product(u, inside), inv(p))
    return du, inside - product(turn, p)


polar = matrix_op(
    "polar",  # A = U P of matrices with at least as many rows as columns
    stacked(_polar_types, _polar_impl), _polar_types, _polar_jvp, square=False, multiple=True,
)  # fmt: skip
