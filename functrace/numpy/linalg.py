"""NumPy's linear algebra, but for norms."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import MatrixShapeError, OptionError, ShapeError, UnsupportedFunctionError
from ..ops import cast, contract, linalg, spectra
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.qr import qr as factored
from ..tracer import Tracer, weakened
from . import contractions, matrices, reductions, shaping
from ._register import implements, refuse
from ._values import is_true
from .elementwise import array
from .norms import norm

_MISSING: Any = np._NoValue  # type: ignore[attr-defined] -- what NumPy's signatures hold for "not given"
_ONE = np.eye(1)
_ALWAYS_COMPLEX = np.linalg.eigvals(_ONE).dtype.kind == "c"  # from NumPy 2.5 on

# NumPy's named tuples
EigResult = type(np.linalg.eig(_ONE))
EighResult = type(np.linalg.eigh(_ONE))
QRResult = type(np.linalg.qr(_ONE))
SlogdetResult = type(np.linalg.slogdet(_ONE))
SVDResult = type(np.linalg.svd(_ONE))


def matrix(a: Any) -> Any:
    """An array as linear algebra takes it: integers become floating-point numbers."""
    x = array(a)
    if x.dtype.kind in "biu":
        return cast.astype(x, np.dtype(np.float64))
    linalg.check_precision(x.dtype)
    return x


# Systems and inverses


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    x, y = cast.promote_together(matrix(a), matrix(b))
    if y.ndim != 1:
        return linalg.solve(x, y)
    solved = linalg.solve(x, shapes.expand_dims(y, (1,)))
    return shapes.reshape(solved, solved.shape[:-1])


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    return linalg.inv(matrix(a))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _MISSING) -> Any:
    x = matrix(a)
    if rcond is not None and rtol is not _MISSING:
        raise OptionError("linalg.pinv takes one of rtol and rcond, not both")
    if rcond is None:
        eps = float(np.finfo(x.dtype).eps)
        default = max(x.shape[-2:], default=1) * eps if rtol is None else rtol
        rcond = 1e-15 if rtol is _MISSING else default
    return spectra.pinv(x, array(rcond), bool(hermitian))


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """As `np.linalg.lstsq`. Under jit and vmap the rank is unknown while tracing, and the residuals
    are those of a matrix of full rank.
    """
    x, y = cast.promote_together(matrix(a), matrix(b))
    if x.ndim != 2 or y.ndim not in (1, 2):
        raise MatrixShapeError(f"linalg.lstsq of shapes {x.shape} and {y.shape}: not matrices")
    (m, n), right = x.shape, shapes.reshape(y, (y.shape[0], y.size // max(y.shape[0], 1)))
    eps = float(np.finfo(np.float64).eps)
    cutoff = eps * max(m, n) if rcond is None else float(rcond)
    solution, rank, s = spectra.lstsq(x, right, cutoff if cutoff >= 0 else eps)
    if m > n and is_true(ops.equal(rank, n), otherwise=True):
        misfit = right - linalg.product(x, solution)
        residuals = shapes.reduce_sum(ops.real(ops.conjugate(misfit) * misfit), (0,))
    else:
        residuals = np.empty(0, s.dtype)
    return shapes.reshape(solution, (n, *y.shape[1:])), residuals, rank, s


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    x, y = array(a), array(b)
    order = list(range(x.ndim))
    for axis in axes or ():
        order.remove(axis)
        order.insert(x.ndim, axis)
    x = shapes.transpose(x, tuple(order))
    unknown = x.shape[-(x.ndim - y.ndim) :]
    if x.size != y.size**2:
        raise MatrixShapeError(
            f"linalg.tensorsolve of shapes {x.shape} and {y.shape}: the first has to be as many "
            "equations for as many unknowns"
        )
    solved = solve(shapes.reshape(x, (y.size, y.size)), shaping.ravel(y))
    return shapes.reshape(solved, unknown)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    x = array(a)
    if ind <= 0:
        raise OptionError(f"linalg.tensorinv: ind must be positive, not {ind}")
    rows, columns = x.shape[:ind], x.shape[ind:]
    height, width = (int(np.prod(lengths, dtype=int)) for lengths in (rows, columns))
    inverse = inv(shapes.reshape(x, (height, width)))
    return shapes.reshape(inverse, columns + rows)


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    x, n = array(a), operator.index(n)
    _demand_square("matrix_power", x)
    if n == 0:
        return np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)
    square, result, n = inv(x) if n < 0 else x, None, abs(n)
    while n:
        n, odd = divmod(n, 2)
        if odd:
            result = square if result is None else contractions.matmul(result, square)
        if n:
            square = contractions.matmul(square, square)
    return result


def _demand_square(name: str, x: Any) -> None:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise MatrixShapeError(f"linalg.{name} of shape {x.shape}: the matrix must be square")


# Determinants


@implements(np.linalg.det)
def det(a: Any) -> Any:
    return linalg.det(matrix(a))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    return SlogdetResult(*linalg.slogdet(matrix(a)))


# Factors


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    x = matrix(a)
    if upper:  # which looks at the upper triangle
        return linalg.adjoint(linalg.cholesky(linalg.adjoint(x)))
    return linalg.cholesky(x)


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    if mode == "raw":
        raise UnsupportedFunctionError(
            'np.linalg.qr(mode="raw") of a traced array: LAPACK\'s reflectors are not derived from',
            'the factors themselves are: mode="reduced", "complete" or "r"',
        )
    if mode not in ("reduced", "complete", "r"):
        raise OptionError(f"linalg.qr(mode={mode!r})", "modes are reduced, complete and r")
    q, r = factored(matrix(a), complete=mode == "complete")
    return r if mode == "r" else QRResult(q, r)


# Eigenvalues and singular values


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    return EighResult(*spectra.eigh(matrix(a), lower=_is_lower(UPLO)))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return spectra.eigvalsh(matrix(a), lower=_is_lower(UPLO))


def _is_lower(triangle: str) -> bool:
    if triangle.upper() not in ("L", "U"):
        raise OptionError(f"UPLO is 'L' or 'U', not {triangle!r}")
    return triangle.upper() == "L"


def _eigenvalues(x: Any) -> Any:
    """Complex eigenvalues; before NumPy 2.5 real ones where all are real, as NumPy gives them.

    Under jit and vmap the values are unknown while tracing, and their dtype is always complex.
    """
    values = spectra.eigvals(x, dtype=np.result_type(x.dtype, np.complex64))
    if _ALWAYS_COMPLEX or x.dtype.kind == "c" or not is_true(_are_real(values), otherwise=False):
        return values
    return spectra.eigvals(x, dtype=x.dtype)


def _are_real(values: Any) -> Any:
    return reductions.all(ops.equal(ops.imag(values), 0))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """As `np.linalg.eigvals`; under jit and vmap always complex."""
    return _eigenvalues(matrix(a))


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """As `np.linalg.eig`; under jit and vmap always complex."""
    x = matrix(a)
    return EigResult(*spectra.eig(x, dtype=_eigenvalues(x).dtype))


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    x = matrix(a)
    if not compute_uv:
        return spectra.svdvals(x, hermitian=hermitian)
    return SVDResult(*spectra.svd(x, full=bool(full_matrices), hermitian=hermitian))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    return spectra.svdvals(matrix(x), hermitian=False)


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if tol is not None and rtol is not None:
        raise OptionError("linalg.matrix_rank takes one of tol and rtol, not both")
    if array(A).ndim < 2:  # a Python int in NumPy
        some = cast.astype(reductions.any(ops.not_equal(array(A), 0)), np.dtype(np.int64))
        return weakened(some) if type(some) is Tracer else int(some)
    x = matrix(A)
    s = spectra.svdvals(x, hermitian=hermitian)
    if tol is None:
        default = max(x.shape[-2:]) * np.finfo(s.dtype).eps
        relative = default if rtol is None else array(rtol)[..., None]
        limit = reductions.max(s, -1, keepdims=True, initial=0) * relative
    else:
        limit = array(tol)[..., None]
    return reductions.count_nonzero(ops.greater(s, limit), -1)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    given = matrix(x)
    if p is None or p in (2, -2):
        s = spectra.svdvals(given, hermitian=False)
        if not s.shape[-1]:
            raise MatrixShapeError("linalg.cond is not defined on empty arrays")
        first, last = (s[..., i] for i in ((-1, 0) if p == -2 else (0, -1)))
        singular = ops.equal(last, 0)
        return ops.where(singular, np.inf, first / ops.where(singular, 1, last))
    _demand_square("cond", given)
    inverse = linalg.inv(given, strict=False)
    result = norm(given, p, (-2, -1)) * norm(inverse, p, (-2, -1))
    unknown = reductions.any(ops.isnan(given), (-2, -1))
    infinite = ops.logical_and(ops.isnan(result), ops.logical_not(unknown))
    return ops.where(infinite, np.inf, result)


# Products, and parts of matrices


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    refuse("linalg.multi_dot", out=out)
    parts = [array(x) for x in arrays]
    letters = contract.LETTERS[: len(parts) + 1]
    terms = [letters[i : i + 2] for i in range(len(parts))]
    if parts[0].ndim == 1:
        terms[0] = terms[0][1:]
    if parts[-1].ndim == 1:
        terms[-1] = terms[-1][:1]
    output = (terms[0][:-1]) + (terms[-1][1:])
    return contract.einsum(f"{','.join(terms)}->{output}", *parts, product=True)


@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    return contractions.matmul(x1, x2)


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return contractions.vecdot(x1, x2, axis=axis)


@implements(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return contractions.tensordot(x1, x2, axes)


@implements(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    x, y = array(x1), array(x2)
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(
            f"linalg.outer of shapes {x.shape} and {y.shape}: it takes vectors",
            "np.outer takes arrays of any shape",
        )
    return contractions.outer(x, y)


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x, y = array(x1), array(x2)
    if x.shape[axis] != 3 or y.shape[axis] != 3:
        raise ShapeError(
            f"linalg.cross of shapes {x.shape} and {y.shape}: vectors must have length 3"
        )
    return matrices.cross(x, y, axis=axis)


@implements(np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    return shaping.matrix_transpose(x)


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return matrices.diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return contractions.trace(x, offset, -2, -1, dtype)
