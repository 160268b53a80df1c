"""Hermitian eigenproblems as SciPy solves them: A v = w v and A v = w B v.

SciPy calls other routines of LAPACK than NumPy, which give eigenvectors of other signs.
"""

from __future__ import annotations

from typing import Any

import scipy.linalg

from ..errors import MatrixShapeError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Primitive
from ..recorder import bind
from .cast import astype, real_dtype_of
from .elementwise import equal, real
from .linalg import adjoint, check_matrix, diagonal, matrix_op, of_triangle, product, repeated
from .matrix_triangular import stacked
from .shape import expand_dims
from .spectra import eigh_jvp, reciprocal_gaps


def _types(x: ArrayType, *_: ArrayType, lower: bool) -> tuple[ArrayType, ...]:
    return ArrayType(x.shape[:-1], real_dtype_of(x.dtype)), x


def _impl(*matrices: Any, lower: bool) -> tuple[Any, ...]:
    return tuple(scipy.linalg.eigh(*matrices, lower=lower, check_finite=False))


eigh = matrix_op("scipy_eigh", stacked(_types, _impl), _types, eigh_jvp, multiple=True)


def generalized_eigh(a: Any, b: Any, lower: bool) -> tuple[Any, Any]:
    """The w and V with A V = B V diag(w) and V^H B V = 1, of positive definite B."""
    return bind(GENERALIZED_EIGH, a, b, lower=lower)


def _generalized_infer(a: ArrayType, b: ArrayType, *, lower: bool) -> tuple[ArrayType, ...]:
    for x in (a, b):
        check_matrix("eigh", x, square=True)
    if a.shape != b.shape:
        raise MatrixShapeError(f"linalg.eigh of shapes {a.shape} and {b.shape}: they must be equal")
    return _types(a, lower=lower)


def _generalized_jvp(primals: Any, tangents: Any, out: Any, *, lower: bool) -> Any:
    """Of dV = V C, the equation determines C_ij by the gap of w_j and w_i, and V^H B V = 1 the
    Hermitian part of C. Where there is no gap the rest is taken to be 0, as for `eigh`.
    """
    w, v = out
    inner, growth = (
        None if t is None else product(adjoint(v), of_triangle(t, lower), v) for t in tangents
    )
    if growth is not None:
        moved = -growth * expand_dims(w, [w.ndim - 1])
        inner = moved if inner is None else inner + moved
    gaps = reciprocal_gaps(w)
    turn = inner * gaps
    if growth is not None:
        turn = turn - growth * (astype(equal(gaps, 0), w.dtype) * w.dtype.type(0.5))
    return real(diagonal(inner)), product(v, turn)


GENERALIZED_EIGH = Primitive(
    "generalized_eigh",
    infer=_generalized_infer,
    impl=stacked(_generalized_infer, _impl),
    jvp=_generalized_jvp,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, lower: generalized_eigh(
        *repeated(size, operands, mapped), lower=lower
    ),
    text=lambda a, b, *, lower: f"linalg.eigh({a}, {b}, lower={lower})",
    multiple=True,
)
