"""Linear algebra of matrices, the last two axes of their operands: systems, inverses, factors.

All other axes are leading ones, over which an op is repeated. So `vmap` only adds a leading axis.

The adjoint A^H is the conjugate transpose. Factorisations of Hermitian matrices read one
triangle, and so do their derivatives: of a tangent they see that triangle, and the gradient by the
other is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import AsymmetricMatrixError, DTypeError, MatrixShapeError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Linear, NotLinearError, Primitive
from ..recorder import bind
from ._families import align_ranks
from .cast import real_dtype_of
from .checks import require
from .contract import LETTERS, einsum
from .elementwise import (
    absolute,
    conjugate,
    equal,
    greater,
    imag,
    logical_and,
    logical_not,
    real,
    stop_gradient_op,
    where,
)
from .index import materialize, slice_axis
from .reduce import reduce_max
from .shape import broadcast_shapes, reshape, transpose, unbroadcast

# Matrices


def matrix_transpose(x: Any) -> Any:
    """The last two axes swapped."""
    n = x.ndim
    return transpose(x, (*range(n - 2), n - 1, n - 2))


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    turned = matrix_transpose(x)
    return conjugate(turned) if x.dtype.kind == "c" else turned


def product(*matrices: Any) -> Any:
    """The matrix product of one dtype; of three or more, in the cheapest order."""
    lead = max(x.ndim for x in matrices) - 2
    batch = LETTERS[len(matrices) + 1 :][:lead]
    terms = [batch[lead - (x.ndim - 2) :] + LETTERS[i : i + 2] for i, x in enumerate(matrices)]
    return einsum(f"{','.join(terms)}->{batch}{LETTERS[0]}{LETTERS[len(matrices)]}", *matrices)


def diagonal(x: Any) -> Any:
    """The diagonals of matrices."""
    batch = LETTERS[1 : x.ndim - 1]
    return einsum(f"{batch}ii->{batch}i", x)


def trace_of_product(x: Any, y: Any) -> Any:
    """The trace of x @ y."""
    batch = LETTERS[2:][: x.ndim - 2]
    return einsum(f"{batch}ij,{batch}ji->{batch}", x, y)


def columns(x: Any, start: int, stop: int) -> Any:
    """Some of the columns of matrices."""
    return slice_axis(x, x.ndim - 1, start, stop - start)


def rows(x: Any, start: int, stop: int) -> Any:
    """Some of the rows of matrices."""
    return slice_axis(x, x.ndim - 2, start, stop - start)


def symmetrized(x: Any, function: str, conjugated: bool = True) -> Any:
    """(A + A^H) / 2 of matrices that are Hermitian by definition, but for rounding.

    Args:
        conjugated: whether they are Hermitian, rather than symmetric.

    Raises:
        AsymmetricMatrixError: when it runs, where one triangle was left at zeros.
    """
    turned = adjoint(x) if conjugated else matrix_transpose(x)
    if x.size:
        sizes = absolute(stop_gradient_op(x))
        largest = reduce_max(sizes, (x.ndim - 2, x.ndim - 1))
        limit = reshape(largest * sizes.dtype.type(0.01), (*x.shape[:-2], 1, 1))
        missing = logical_and(greater(sizes, limit), equal(matrix_transpose(sizes), 0))
        x = require(
            x, logical_not(missing),
            f"{function}: the matrix is not symmetric: elements of one triangle are 0 where those "
            "of the other are not",
            AsymmetricMatrixError,
            "fill both triangles: x + np.tril(x, -1).T of a matrix whose lower one is filled",
        )  # fmt: skip
    return (x + turned) * x.dtype.type(0.5)


def of_triangle(x: Any, lower: bool) -> Any:
    """The Hermitian matrices that a triangle stands for; imaginary parts of its diagonal are 0."""
    half = lower_half(x.shape[-1], x.dtype)
    kept = triangle(x, lower) * (half if lower else half.T)
    return kept + adjoint(kept)


def triangle(x: Any, lower: bool, offset: int = 0) -> Any:
    """The elements on and below (or above) the diagonal, and zeros elsewhere.

    Args:
        offset: of the outermost diagonal that is kept, counted away from the triangle.
    """
    m, n = x.shape[-2:]
    ones = np.ones((m, n), bool)
    kept = np.tril(ones, offset) if lower else np.triu(ones, -offset)
    return where(kept, x, x.dtype.type(0))


def lower_half(n: int, dtype: np.dtype[Any]) -> Any:
    """Ones below the diagonal and halves on it, so that H = L + L^H for L = H * this."""
    return np.tril(np.ones((n, n), real_dtype_of(dtype))) - 0.5 * np.eye(
        n, dtype=real_dtype_of(dtype)
    )


def check_matrix(name: str, x: ArrayType, square: bool = False) -> None:
    """Raise when NumPy's linear algebra does not take a type."""
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        raise MatrixShapeError(
            f"linalg.{name} of shape {x.shape}: the last two axes must be those of a "
            f"{'square ' if square else ''}matrix"
        )
    check_precision(x.dtype)


def check_precision(dtype: np.dtype[Any]) -> None:
    """Raise when NumPy has no linear algebra of a dtype."""
    if dtype.char not in "fdFD":
        raise DTypeError(
            f"linear algebra of dtype {dtype}: NumPy has it in single and double precision",
            "convert with .astype(np.float64)",
        )


def matrix_op(
    name: str,
    impl: Callable[..., Any],
    types: Callable[..., Any],
    jvp: Callable[..., Any],
    *,
    square: bool = True,
    multiple: bool = False,
    **traits: Any,
) -> Callable[..., Any]:
    """An op `(x, **params)` of matrices.

    Args:
        types: gives the output's type for the operand's, or a tuple of them.
        jvp: as `jvp(x, dx, out, **params)`.
        square: whether the matrices must be square.
        multiple: whether the op has several outputs.
        traits: what holds of it (see `traits.py`).
    """

    def infer(x: ArrayType, **params: Any) -> Any:
        check_matrix(name, x, square)
        return types(x, **params)

    def apply(x: Any, **params: Any) -> Any:
        return bind(primitive, x, **params)

    primitive = Primitive(
        name,
        infer=infer,
        impl=impl,
        jvp=lambda primals, tangents, out, **params: jvp(primals[0], tangents[0], out, **params),
        transpose=NOT_LINEAR,
        batch=lambda size, operands, mapped, **params: apply(operands[0], **params),
        text=lambda x, **params: f"linalg.{name}({', '.join([x, *_options(params)])})",
        multiple=multiple,
        **traits,
    )
    apply.__name__ = name
    return apply


def _options(params: dict[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in params.items()]


def _same(x: ArrayType, **_: Any) -> ArrayType:
    return x


# solve


def solve(a: Any, b: Any) -> Any:
    """The X with A X = B, of matrices; leading axes broadcast."""
    return bind(SOLVE, a, b)


def _solve_infer(a: ArrayType, b: ArrayType) -> ArrayType:
    check_matrix("solve", a, square=True)
    if b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise MatrixShapeError(
            f"linalg.solve of shapes {a.shape} and {b.shape}: the right-hand side must have as "
            "many rows as the matrix",
            "stacked vectors are columns: solve(a, b[..., None])[..., 0]",
        )
    return b.with_shape((*broadcast_shapes("solve", [a.shape[:-2], b.shape[:-2]]), *b.shape[-2:]))


def _solve_jvp(primals: Any, tangents: Any, out: Any) -> Any:
    da, db = tangents
    if da is None:
        return solve(primals[0], db)
    moved = product(da, out)
    return solve(primals[0], -moved if db is None else db - moved)


def _solve_transpose(ct: Any, operands: Any) -> Any:
    a, b = operands
    if isinstance(a, Linear):
        raise NotLinearError(a)
    return None, unbroadcast(solve(matrix_transpose(a), ct), b.shape)


def _solve_batch(size: int, operands: Any, mapped: Any) -> Any:
    a, b = operands
    if mapped[0] or a.ndim > 2 or b.ndim > 3:
        return solve(*align_ranks(size, operands, mapped))
    # One matrix with many right-hand sides is factored once.
    return one_below_another(solve(a, side_by_side(b)), size, b.shape[-1])


def side_by_side(x: Any) -> Any:
    """Stacked matrices of shape (size, n, k) as one of shape (n, size * k)."""
    size, n, k = x.shape
    return reshape(transpose(x, (1, 0, 2)), (n, size * k))


def one_below_another(x: Any, size: int, width: int) -> Any:
    """Matrices of some width that stand side by side as a stack of shape (size, n, width)."""
    return transpose(reshape(x, (x.shape[0], size, width)), (1, 0, 2))


SOLVE = Primitive(
    "solve",
    dense=True,
    infer=_solve_infer,
    impl=np.linalg.solve,
    jvp=_solve_jvp,
    transpose=_solve_transpose,
    batch=_solve_batch,
    text=lambda a, b: f"linalg.solve({a}, {b})",
)

# inv


def _inv_impl(x: Any, *, strict: bool) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        if strict:
            raise
    if x.ndim == 2:
        return np.full_like(x, np.nan)
    return np.stack([_inv_impl(matrix, strict=False) for matrix in x])


_inv = matrix_op(
    "inv", _inv_impl, _same, lambda x, dx, y, *, strict: -product(y, dx, y), dense=True
)


def inv(x: Any, strict: bool = True) -> Any:
    """The inverses; of a singular matrix an error, or if not strict NaN."""
    return _inv(x, strict=strict)


# det and slogdet


def _without_matrix(x: ArrayType) -> ArrayType:
    return x.with_shape(x.shape[:-2])


# Jacobi's formula: d det(A) = tr(adj(A) dA), also for singular A.
det = matrix_op(
    "det", np.linalg.det, _without_matrix, lambda x, dx, y: trace_of_product(adjugate(x), dx)
)


def _slogdet_types(x: ArrayType) -> tuple[ArrayType, ...]:
    return _without_matrix(x), ArrayType(x.shape[:-2], real_dtype_of(x.dtype))


def _slogdet_jvp(x: Any, dx: Any, out: Any) -> Any:
    sign, _ = out
    growth = trace_of_product(inv(x), dx)  # d log det(A)
    turn = sign * (imag(growth) * x.dtype.type(1j)) if x.dtype.kind == "c" else None
    return turn, real(growth)


slogdet = matrix_op(
    "slogdet",
    lambda x: tuple(np.linalg.slogdet(x)),
    _slogdet_types,
    _slogdet_jvp,
    multiple=True,
    dense=True,
)


def _products_of_others(s: Any) -> Any:
    """Along the last axis, for each number the product of all the others."""
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], -1), -1)
    behind = np.cumprod(np.concatenate([ones, s[..., :0:-1]], -1), -1)[..., ::-1]
    return before * behind


def _svd_and_orientation(x: Any) -> tuple[Any, Any, Any, Any]:
    u, s, vh = np.linalg.svd(x)
    orientation = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return u, s, vh, orientation


def _adjoint(x: np.ndarray) -> np.ndarray:
    return np.swapaxes(np.conjugate(x), -1, -2)


def _adjugate_impl(x: Any) -> Any:
    """adj(A) = det(A) A^-1, and for singular A, det(U V^H) V adj(S) U^H of A = U S V^H."""
    d = np.linalg.det(x)
    if np.all(d):
        return d[..., None, None] * np.linalg.inv(x)
    u, s, vh, orientation = _svd_and_orientation(x)
    scaled = _adjoint(vh) * _products_of_others(s)[..., None, :]
    return np.asarray(orientation * (scaled @ _adjoint(u)), x.dtype)


adjugate = matrix_op("adjugate", _adjugate_impl, _same, lambda x, dx, y: adjugate_tangent(x, dx))


def adjugate_tangent(a: Any, e: Any) -> Any:
    """The derivative of the adjugate of A along E, also for singular A; of equal shapes."""
    return bind(ADJUGATE_TANGENT, a, e)


def _adjugate_tangent_impl(a: Any, e: Any) -> Any:
    """The derivative of adj(S) along F = U^H E V, of which each element is a product of n-2 s."""
    u, s, vh, orientation = _svd_and_orientation(a)
    f = _adjoint(u) @ e @ _adjoint(vh)
    eye = np.eye(s.shape[-1], dtype=bool)
    pairs = np.where(eye, 0, _products_of_others(np.where(eye, 1, s[..., None, :])))
    rest = pairs @ np.diagonal(f, 0, -2, -1)[..., None]
    middle = np.where(eye, rest, -f * pairs)
    return np.asarray(orientation * (_adjoint(vh) @ middle @ _adjoint(u)), a.dtype)


def _adjugate_tangent_jvp(primals: Any, tangents: Any, out: Any) -> Any:
    a, e = primals
    da, de = tangents
    along_e = None if de is None else adjugate_tangent(a, de)
    if da is None:
        return along_e
    # For a regular A the derivative is (tr(X E) X - X E X) / det(A), where X = adj(A).
    x, dx = adjugate(a), adjugate_tangent(a, da)
    grown = _scaled(trace_of_product(dx, e), x) + _scaled(trace_of_product(x, e), dx)
    turned = product(dx, e, x) + product(x, e, dx)
    fallen = _scaled(trace_of_product(x, da), out)
    along_a = _scaled(1 / det(a), grown - turned - fallen)
    return along_a if along_e is None else along_a + along_e


def _scaled(factor: Any, matrix: Any) -> Any:
    return reshape(factor, (*factor.shape, 1, 1)) * matrix


def _adjugate_tangent_transpose(ct: Any, operands: Any) -> Any:
    """tr(D adj(A)[E] F) is the second derivative of det along E and F, which is symmetric."""
    a, _ = operands
    if isinstance(a, Linear):
        raise NotLinearError(a)
    return None, matrix_transpose(adjugate_tangent(a, matrix_transpose(ct)))


ADJUGATE_TANGENT = Primitive(
    "adjugate_tangent",
    infer=lambda a, e: a,
    impl=_adjugate_tangent_impl,
    jvp=_adjugate_tangent_jvp,
    transpose=_adjugate_tangent_transpose,
    batch=lambda size, operands, mapped: adjugate_tangent(*repeated(size, operands, mapped)),
)


def repeated(size: int, operands: Sequence[Any], mapped: Sequence[bool]) -> list[Any]:
    """Operands that all have the mapped axis."""
    return [materialize(size, x, m) for x, m in zip(operands, mapped, strict=True)]


# cholesky


def _cholesky_jvp(x: Any, dx: Any, factor: Any) -> Any:
    """I. Murray, "Differentiation of the Cholesky decomposition" (2016), section 3.1."""
    inverse = inv(factor)
    inner = product(inverse, of_triangle(dx, lower=True), adjoint(inverse))
    return product(factor, inner * lower_half(x.shape[-1], x.dtype))


cholesky = matrix_op("cholesky", np.linalg.cholesky, _same, _cholesky_jvp, dense=True)
