"""Cases of `numpy.linalg`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from functrace.ops import free_columns
from functrace.ops.linalg import adjugate, adjugate_tangent
from functrace.ops.qr import FULL_RANK
from functrace.recorder import bind

from .op_cases import case, complex_, integers, real

linalg = np.linalg


def regular(*shape: int) -> Any:
    """Square matrices far from singular, with different eigenvalues."""
    return real(*shape) * 0.4 + np.diag(np.arange(1.0, shape[-1] + 1))


def complex_regular(*shape: int) -> Any:
    return complex_(*shape) * 0.4 + np.diag(np.arange(1.0, shape[-1] + 1))


def turning(x: Any) -> Any:
    """Real square matrices whose eigenvalues are not all real."""
    ones = np.ones(x.shape[-2:])
    return x * 0.1 + np.triu(ones) - np.tril(ones)


def hermitian(x: Any) -> Any:
    return x + np.conj(np.swapaxes(x, -1, -2))


def positive_definite(x: Any) -> Any:
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1])


def magnitudes(parts: Any) -> Any:
    """What is left of complex vectors when their phases do not count."""
    return [np.abs(part) for part in parts]


# Systems and inverses

case("solve", linalg.solve, regular(3, 3), real(3, 2))
case("solve of a vector", linalg.solve, regular(3, 3), real(3))
case("solve of stacks", linalg.solve, regular(2, 2, 2), real(2, 1))
case("solve of one matrix and stacks", linalg.solve, regular(2, 2), real(2, 2, 1))
case("solve of complex", linalg.solve, complex_regular(2, 2), real(2, 1))
_diagonal = 9 * np.eye(2, dtype=int)
case("solve of integers", lambda a, b: linalg.solve(a + _diagonal, b), integers(2, 2), integers(2))
case("inv", linalg.inv, regular(2, 3, 3))
case("inv of complex", linalg.inv, complex_regular(2, 2))
case("inv of no matrices", linalg.inv, real(0, 2, 2))
case("pinv", linalg.pinv, real(2, 2, 3))
case("pinv tall rtol", partial(linalg.pinv, rtol=None), real(3, 2))
case("pinv of complex", partial(linalg.pinv, rcond=1e-9), complex_(3, 2))
case("pinv of lower rank", lambda x, y: linalg.pinv(np.outer(x, y), 1e-6), real(2), real(3))
case("pinv hermitian", lambda x: linalg.pinv(hermitian(x), hermitian=True), regular(2, 2))
case("pinv by rtol", lambda x, rtol: linalg.pinv(x, rtol=rtol), real(3, 2), np.float64(1e-3))
case("pinv by rtols", lambda x, rtol: linalg.pinv(x, rtol=rtol), real(2, 3, 2),
     np.array([1e-3, 2e-3]))  # fmt: skip
case("lstsq", linalg.lstsq, real(4, 2), real(4, 2))
case("lstsq of a vector", lambda a, b: linalg.lstsq(a, b)[0], real(4, 2), real(4))
case("lstsq wide", linalg.lstsq, real(2, 3), real(2))
case("lstsq of complex", lambda a, b: linalg.lstsq(a, b)[0], complex_(3, 2), real(3, 1))
case("tensorinv", partial(linalg.tensorinv, ind=1), regular(4, 4).reshape(4, 2, 2))
case("tensorsolve", linalg.tensorsolve, regular(4, 4).reshape(2, 2, 4), real(2, 2))
case("tensorsolve axes", partial(linalg.tensorsolve, axes=(0,)), regular(2, 2), real(2))
for _power in (0, 1, 5, -2):
    case(f"matrix_power {_power}", partial(linalg.matrix_power, n=_power), regular(2, 2))
case("matrix_power of integers", partial(linalg.matrix_power, n=3), integers(2, 2, 2))

# Determinants

case("det", linalg.det, regular(3, 3))
case("det of a stack", linalg.det, regular(2, 2, 2))
case("det of complex", linalg.det, complex_regular(2, 2))
case("det of singular matrices", linalg.det, np.array([[[1.0, 2], [2, 4]], [[0, 0], [0, 0]]]))
case("det of integers", linalg.det, integers(2, 2))
case("adjugate", adjugate, regular(3, 3))
case("adjugate_tangent", adjugate_tangent, regular(3, 3), real(3, 3))
case("adjugate_tangent of complex", adjugate_tangent, complex_regular(2, 2), complex_(2, 2))
case("slogdet", linalg.slogdet, -regular(3, 3))
case("slogdet of a stack", linalg.slogdet, regular(2, 2, 2))
case("slogdet of complex", linalg.slogdet, complex_regular(2, 2))

# Factors

case("cholesky", lambda x: linalg.cholesky(positive_definite(x)), real(3, 3))
case("cholesky upper", lambda x: linalg.cholesky(positive_definite(x), upper=True), real(2, 2, 2))
case("cholesky of complex", lambda x: linalg.cholesky(positive_definite(x)), complex_(2, 2))
case("qr", linalg.qr, real(2, 3, 2))
case("qr wide", linalg.qr, regular(3, 3)[:2])
case("qr r", partial(linalg.qr, mode="r"), regular(3, 3))
case("qr complete", lambda x: linalg.qr(x, "complete")[1], real(3, 2))
case("qr of complex", linalg.qr, complex_(3, 2))


def _outside(x: Any) -> Any:
    """The projection on what is orthogonal to the columns, by the completing columns of Q."""
    q = linalg.qr(x, "complete")[0][:, x.shape[1] :]
    return q @ q.T


case("qr complete beyond the columns", _outside, real(3, 1))

# Eigenvalues

case("eigh", lambda x: linalg.eigh(hermitian(x)), regular(3, 3))
case("eigh upper", lambda x: linalg.eigh(hermitian(x), "U"), regular(2, 2, 2))
case("eigh of complex", lambda x: magnitudes(linalg.eigh(hermitian(x))), complex_regular(2, 2))
case("eigvalsh", lambda x: linalg.eigvalsh(hermitian(x)), regular(2, 2, 2))
case("eigvalsh of complex", lambda x: linalg.eigvalsh(hermitian(x)), complex_regular(2, 2))
case("eig", lambda x: linalg.eig(turning(x)), real(3, 3))
case("eig of a stack", lambda x: linalg.eig(turning(x)), real(2, 2, 2))
case("eig of complex", linalg.eig, complex_regular(3, 3))
case("eigvals", lambda x: linalg.eigvals(turning(x)), real(3, 3))
case("eigvals of complex", linalg.eigvals, complex_regular(2, 2, 2))

# Singular values

case("svd", lambda x: linalg.svd(x, full_matrices=False), real(2, 3, 2))
case("svd wide", lambda x: linalg.svd(x, full_matrices=False), regular(3, 3)[:2])
case("svd square", linalg.svd, regular(3, 3))
case("svd hermitian", lambda x: linalg.svd(hermitian(x), hermitian=True)[1:], regular(2, 2))
case("svd of complex", lambda x: magnitudes(linalg.svd(x, full_matrices=False)), complex_(3, 2))


def _polar(x: Any) -> Any:
    u, _, vh = linalg.svd(x, full_matrices=False)
    return u @ vh


def _beside(x: Any) -> Any:
    """The projection on the null space, by the completing rows of V^H."""
    v = linalg.svd(x)[2][x.shape[0] :]
    return v.T @ v


case("svd of complex, both vectors", _polar, complex_(2, 3))
case("svd full", _beside, real(2, 3))
case("svdvals", linalg.svdvals, real(2, 2, 3))
case("svd without vectors", partial(linalg.svd, compute_uv=False), complex_(3, 2))
case("matrix_rank", linalg.matrix_rank, np.array([[[1.0, 2], [2, 4]], [[0, 0], [0, 1]]]))
case("matrix_rank tol", partial(linalg.matrix_rank, tol=[0.5]), integers(1, 2, 2))
case("matrix_rank rtol", lambda x, rtol: linalg.matrix_rank(x, rtol=rtol), real(2, 2, 2),
     np.array([0.1, 0.9]))  # fmt: skip
case("matrix_rank by tol", lambda x, tol: linalg.matrix_rank(x, tol), real(2, 2), np.float64(0.5))
case("cond", linalg.cond, regular(2, 2, 2))
for _order in (-2, 1, "fro"):
    case(f"cond {_order}", partial(linalg.cond, p=_order), regular(2, 2))

# Norms

for _order in (2, -2, "nuc"):
    case(f"matrix norm {_order}", partial(linalg.norm, ord=_order), real(2, 3))
    case(f"matrix norm {_order} axes", partial(linalg.norm, ord=_order, axis=(2, 0), keepdims=True),
         real(2, 2, 3))  # fmt: skip
case("matrix norm of complex", partial(linalg.norm, ord="nuc"), complex_(2, 2))
case("matrix norm inf of complex", partial(linalg.norm, ord=np.inf), complex_(2, 2))
case("norm ord -2.5 axis", partial(linalg.norm, ord=-2.5, axis=0), real(2, 3))
case("norm of no elements", partial(linalg.norm, ord=3, axis=1), real(2, 0))
case("matrix_norm", linalg.matrix_norm, real(2, 2, 3))
case("vector_norm", linalg.vector_norm, real(2, 3))
case("vector_norm axes", partial(linalg.vector_norm, axis=(0, 2), ord=3, keepdims=True),
     real(2, 2, 2))  # fmt: skip

# Products, and parts of matrices

case("linalg.matmul", linalg.matmul, real(2, 3), real(3, 2))
case("linalg.vecdot", partial(linalg.vecdot, axis=0), complex_(3, 2), complex_(3, 2))
case("linalg.tensordot", partial(linalg.tensordot, axes=1), real(2, 3), real(3, 2))
case("linalg.outer", linalg.outer, real(2), real(3))
case("linalg.cross", partial(linalg.cross, axis=0), real(3, 2), real(3, 2))
case("linalg.matrix_transpose", linalg.matrix_transpose, real(2, 3, 2))
case("linalg.diagonal", partial(linalg.diagonal, offset=1), real(2, 3, 3))
case("linalg.trace", partial(linalg.trace, offset=-1), real(2, 3, 3))
case("linalg.trace of integers", partial(linalg.trace, dtype=np.float32), integers(3, 3))

# Columns that are free up to a rotation

_KEPT = np.array([1.0, 0, 0])
_BASIS = np.linalg.qr(regular(3, 3))[0]


def _with_basis(function: Any) -> Any:
    """A function of a change of columns, of which the first is determined."""
    return lambda x: function(x, _BASIS.astype(x.dtype), _KEPT.astype(x.dtype))


case("free_columns", lambda x: _with_basis(free_columns.free)(x)[:, :1], real(3, 3))
case("settled_cotangent", _with_basis(free_columns.settled), real(3, 3))
case("independent_of_choice", lambda ct: bind(free_columns.INDEPENDENT, ct, _BASIS, _KEPT),
     real(3, 3))  # fmt: skip
case("full_rank", lambda r: bind(FULL_RANK, np.triu(r)), regular(3, 3))
