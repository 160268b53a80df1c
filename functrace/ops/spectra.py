"""Eigenvalues, singular values and what rests on them: eigh, eig, svd, pinv, lstsq.

Vectors that belong to equal values are not determined, and have no derivative. The rules leave the
turn of such vectors among themselves at zero, so that derivatives of functions that do not depend
on it, such as symmetric functions of the spectrum, are finite and right. Singular vectors of values
that are zero, and those that complete the others, are `free_columns`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import MatrixShapeError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Primitive
from ..recorder import bind
from .cast import astype, real_dtype_of
from .contract import LETTERS, einsum
from .elementwise import (
    absolute,
    conjugate,
    equal,
    greater,
    imag,
    less_equal,
    not_equal,
    real,
    sign,
    where,
)
from .free_columns import completed, free
from .index import concatenate, materialize
from .linalg import (
    adjoint,
    check_matrix,
    columns,
    diagonal,
    inv,
    matrix_op,
    of_triangle,
    one_below_another,
    product,
    repeated,
    side_by_side,
)
from .reduce import argmax, reduce_max
from .shape import broadcast_shapes, broadcast_to, expand_dims, reduce_sum, reshape

_EQUAL = 8  # values nearer than this many rounding errors of the largest count as equal


def _as_row(x: Any) -> Any:
    return expand_dims(x, [x.ndim - 1])


def _as_column(x: Any) -> Any:
    return expand_dims(x, [x.ndim])


def _reciprocal(x: Any) -> Any:
    """1 / x, and 0 where x is 0."""
    zero = equal(x, 0)
    return where(zero, 0, 1 / where(zero, 1, x))


def reciprocal_gaps(values: Any) -> Any:
    """1 / (w_j - w_i) in row i and column j, and 0 where w_i and w_j are equal up to rounding."""
    gaps = _as_row(values) - _as_column(values)
    if not values.size:
        return gaps
    largest = reduce_max(absolute(values), (values.ndim - 1,))
    rounding = largest * largest.dtype.type(_EQUAL * np.finfo(largest.dtype).eps)
    near = less_equal(absolute(gaps), _as_column(_as_column(rounding)))
    return where(near, 0, 1 / where(near, 1, gaps))


def _values_type(x: ArrayType, **_: Any) -> ArrayType:
    return ArrayType((*x.shape[:-2], min(x.shape[-2:])), real_dtype_of(x.dtype))


def _diagonal_of_product(left: Any, middle: Any, right: Any) -> Any:
    """The diagonal of left @ middle @ right, at the cost of one matrix product."""
    batch = LETTERS[3:][: left.ndim - 2]
    return einsum(f"{batch}ij,{batch}jk,{batch}ki->{batch}i", left, middle, right)


# eigh and eigvalsh


def _triangle(lower: bool) -> Any:
    return "L" if lower else "U"


def eigh_jvp(x: Any, dx: Any, out: Any, *, lower: bool) -> Any:
    """Perturbation theory of first order, as in J. R. Magnus, "On differentiating eigenvalues and
    eigenvectors" (1985).
    """
    w, v = out
    inner = product(adjoint(v), of_triangle(dx, lower), v)
    return real(diagonal(inner)), product(v, inner * reciprocal_gaps(w))


def _eigvalsh_jvp(x: Any, dx: Any, w: Any, *, lower: bool) -> Any:
    _, v = eigh(x, lower=lower)
    return real(_diagonal_of_product(adjoint(v), of_triangle(dx, lower), v))


eigh = matrix_op(
    "eigh",
    lambda x, *, lower: tuple(np.linalg.eigh(x, _triangle(lower))),
    lambda x, *, lower: (_values_type(x), x),
    eigh_jvp,
    multiple=True,
    dense=True,
)
eigvalsh = matrix_op(
    "eigvalsh",
    lambda x, *, lower: np.linalg.eigvalsh(x, _triangle(lower)),
    _values_type,
    _eigvalsh_jvp,
)

# eig and eigvals, which give complex or real numbers as `dtype` says


def _eig_impl(x: Any, *, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    return tuple([_in(part, dtype) for part in np.linalg.eig(x)])


def _in(values: Any, dtype: np.dtype[Any]) -> Any:
    """Values in a dtype; from NumPy 2.5 on they are complex where they might be real."""
    return (values if dtype.kind == "c" else values.real).astype(dtype)


def _eig_types(x: ArrayType, *, dtype: np.dtype[Any]) -> tuple[ArrayType, ...]:
    return ArrayType(x.shape[:-1], dtype), ArrayType(x.shape, dtype)


def _eig_jvp(x: Any, dx: Any, out: Any, *, dtype: np.dtype[Any]) -> Any:
    w, v = out
    inner = product(inv(v), astype(dx, dtype), v)
    dv = product(v, inner * reciprocal_gaps(w))
    return diagonal(inner), dv - v * _as_row(_along(v, dv))


def _along(v: Any, dv: Any) -> Any:
    """For each vector of length 1, whose largest element is real, the part of its tangent along
    it, without which it stays so.
    """
    rows_axis = v.ndim - 2
    growth = reduce_sum(real(conjugate(v) * dv), (rows_axis,))
    if v.dtype.kind != "c":
        return growth
    sizes = real(conjugate(v) * v)
    place = _as_row(argmax(sizes, rows_axis))
    largest = equal(place, np.arange(v.shape[-2])[:, None])
    turn = reduce_sum(where(largest, imag(conjugate(v) * dv) / where(largest, sizes, 1), 0),
                      (rows_axis,))  # fmt: skip
    return growth + turn * v.dtype.type(1j)


def _eigvals_jvp(x: Any, dx: Any, w: Any, *, dtype: np.dtype[Any]) -> Any:
    _, v = eig(x, dtype=dtype)
    return _diagonal_of_product(inv(v), astype(dx, dtype), v)


eig = matrix_op("eig", _eig_impl, _eig_types, _eig_jvp, multiple=True)
eigvals = matrix_op(
    "eigvals",
    lambda x, *, dtype: _in(np.linalg.eigvals(x), dtype),
    lambda x, *, dtype: ArrayType(x.shape[:-1], dtype),
    _eigvals_jvp,
)

# svd and svdvals


def _svd_impl(x: Any, *, full: bool, hermitian: bool) -> tuple[Any, ...]:
    return tuple(np.linalg.svd(x, full, True, hermitian))


def _svd_types(x: ArrayType, *, full: bool, hermitian: bool) -> tuple[ArrayType, ...]:
    *lead, m, n = x.shape
    k = min(m, n)
    u, vh = (m, m if full else k), (n if full else k, n)
    return x.with_shape((*lead, *u)), _values_type(x), x.with_shape((*lead, *vh))


def _svd_jvp(x: Any, dx: Any, out: Any, *, full: bool, hermitian: bool) -> Any:
    """J. Townsend, "Differentiating the singular value decomposition" (2016).

    The phase that a complex pair of vectors shares stays as it is, and so do the completing vectors
    but for what the others make them turn. So do vectors of values that are zero.
    """
    (m, n), k = x.shape[-2:], out[1].shape[-1]
    positive = _positive(out[1], max(m, n))
    if hermitian:
        return _hermitian_svd_jvp(x, dx, out, positive)
    u, s, vh = out
    u1, v = columns(u, 0, k), adjoint(vh)
    v1 = columns(v, 0, k)
    from_right, from_left = product(dx, v1), product(adjoint(dx), u1)
    inner = product(adjoint(u1), from_right)
    turn_u, turn_v = _svd_turns(inner, s)
    du, dv = product(u1, turn_u), product(v1, turn_v)
    if m > k:
        du = du + _beside(from_right - product(u1, inner), u1) * _as_row(_reciprocal(s))
        du = completed(u1, du, columns(u, k, m)) if full else du
    if n > k:
        dv = dv + _beside(from_left - product(v1, adjoint(inner)), v1) * _as_row(_reciprocal(s))
        dv = completed(v1, dv, columns(v, k, n)) if full else dv
    du, dv = _of_kernel(du, u, positive), _of_kernel(dv, v, positive)
    return du, real(diagonal(inner)), adjoint(dv)


def _beside(x: Any, v: Any) -> Any:
    """What is orthogonal to columns, of which rounding has left something: it may be divided by
    singular values that are rounding themselves.
    """
    return x - product(v, adjoint(v), x)


def _positive(s: Any, longest: int) -> Any:
    """Which singular values are more than rounding."""
    rounding = s.dtype.type(max(longest, _EQUAL) * np.finfo(s.dtype).eps)
    return greater(s, s[..., :1] * rounding)


def _of_kernel(tangent: Any, v: Any, positive: Any) -> Any:
    """The tangent of singular vectors, of which those of zeros, and completing ones, are free."""
    kept = astype(positive, real_dtype_of(v.dtype))
    rest = v.shape[-1] - kept.shape[-1]
    if rest:
        kept = concatenate([kept, np.zeros((*kept.shape[:-1], rest), kept.dtype)], kept.ndim - 1)
    return free(tangent, v, kept) if v.shape[-2] > 1 else tangent


def _hermitian_svd_jvp(x: Any, dx: Any, out: Any, positive: Any) -> Any:
    """NumPy makes singular values of eigenvalues: U are the eigenvectors, V is U with signs."""
    u, s, vh = out
    signs = sign(real(diagonal(product(vh, u))))
    dw, du = eigh_jvp(x, dx, (s * signs, u), lower=True)
    du = _of_kernel(du, u, positive)
    return du, dw * signs, adjoint(du * _as_row(signs))


def _svd_turns(inner: Any, s: Any) -> tuple[Any, Any]:
    """U^H dU and V^H dV within the first columns, both antihermitian."""
    row, column = _as_row(s), _as_column(s)
    weights = reciprocal_gaps(s) * _reciprocal(row + column)
    turned = adjoint(inner)
    turn_u = (inner * row + column * turned) * weights
    turn_v = (column * inner + turned * row) * weights
    if inner.dtype.kind == "c":
        eye = np.eye(s.shape[-1], dtype=s.dtype)
        phase = (inner - turned) * (eye * _reciprocal(row * 4))
        return turn_u + phase, turn_v - phase
    return turn_u, turn_v


def singular_values_tangent(x: Any, dx: Any, s: Any, hermitian: bool = False) -> Any:
    """The tangent of singular values; 0 where they are 0, as that of an absolute value."""
    dx = of_triangle(dx, lower=True) if hermitian else dx
    u, _, vh = svd(x, full=False, hermitian=hermitian)
    along = real(_diagonal_of_product(adjoint(u), dx, adjoint(vh)))
    return along * astype(not_equal(s, 0), s.dtype)


svd = matrix_op(
    "svd", _svd_impl, _svd_types, _svd_jvp, square=False, multiple=True, dense=True, ambiguous=True
)
svdvals = matrix_op(
    "svdvals",
    lambda x, *, hermitian: np.linalg.svd(x, compute_uv=False, hermitian=hermitian),
    _values_type,
    singular_values_tangent,
    square=False,
)

# pinv


def pinv(x: Any, rcond: Any, hermitian: bool) -> Any:
    """The pseudo-inverses, of singular values that are more than `rcond` of the largest.

    Args:
        rcond: numbers, which broadcast to the leading axes.
    """
    return bind(PINV, x, rcond, hermitian=hermitian)


def _pinv_infer(x: ArrayType, rcond: ArrayType, *, hermitian: bool) -> ArrayType:
    check_matrix("pinv", x, hermitian)
    lead = x.shape[:-2]
    if broadcast_shapes("pinv", [lead, rcond.shape]) != lead:
        raise MatrixShapeError(
            f"linalg.pinv of shape {x.shape}: a limit of shape {rcond.shape} does not fit"
        )
    return x.with_shape((*lead, x.shape[-1], x.shape[-2]))


def _pinv_jvp(primals: Any, tangents: Any, y: Any, *, hermitian: bool) -> Any:
    """G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate" (1973), for a rank that stays.
    """
    (x, _), (dx, _) = primals, tangents
    if dx is None:
        return None
    if hermitian:
        x, dx = of_triangle(x, lower=True), of_triangle(dx, lower=True)
    left = product(y, adjoint(y), adjoint(dx))
    right = product(adjoint(dx), adjoint(y), y)
    return (left - product(left, x, y)) + (right - product(y, x, right)) - product(y, dx, y)


def _pinv_batch(size: int, operands: Any, mapped: Any, *, hermitian: bool) -> Any:
    x, rcond = operands
    if mapped[1]:
        x = materialize(size, x, mapped[0])
        between = (1,) * (x.ndim - 2 - rcond.ndim)
        rcond = reshape(rcond, (size, *between, *rcond.shape[1:]))
    return pinv(x, rcond, hermitian)


PINV = Primitive(
    "pinv",
    infer=_pinv_infer,
    impl=lambda x, rcond, *, hermitian: np.linalg.pinv(x, rcond, hermitian),
    jvp=_pinv_jvp,
    transpose=NOT_LINEAR,
    batch=_pinv_batch,
    text=lambda x, rcond, *, hermitian: f"linalg.pinv({x}, {rcond}, hermitian={hermitian})",
)

# lstsq


def lstsq(a: Any, b: Any, rcond: float) -> tuple[Any, Any, Any]:
    """The least-squares solution X of A X = B, the rank of A and its singular values."""
    return bind(LSTSQ, a, b, rcond=rcond)


def _lstsq_infer(a: ArrayType, b: ArrayType, *, rcond: float) -> tuple[ArrayType, ...]:
    check_matrix("lstsq", a)
    if b.ndim != a.ndim or b.shape[:-1] != a.shape[:-1]:
        raise MatrixShapeError(
            f"linalg.lstsq of shapes {a.shape} and {b.shape}: they must have as many rows"
        )
    *lead, _, n = a.shape
    solution = b.with_shape((*lead, n, b.shape[-1]))
    return solution, ArrayType(lead, np.intc), _values_type(a)


def _lstsq_impl(a: Any, b: Any, *, rcond: float) -> tuple[Any, ...]:
    if a.ndim == 2:
        x, _, rank, s = np.linalg.lstsq(a, b, rcond)
        return x, rank, s
    types = _lstsq_infer(*[ArrayType(z.shape, z.dtype) for z in (a, b)], rcond=rcond)
    outputs = tuple([np.empty(type.shape, type.dtype) for type in types])
    for i in np.ndindex(a.shape[:-2]):
        for output, value in zip(outputs, _lstsq_impl(a[i], b[i], rcond=rcond), strict=True):
            output[i] = value
    return outputs


def _lstsq_jvp(primals: Any, tangents: Any, out: Any, *, rcond: float) -> Any:
    """The product rule for X = A^+ B, with the derivative of the pseudo-inverse as above."""
    (a, b), (da, db), (x, _, s) = primals, tangents, out
    inverse = pinv(a, np.float64(rcond), hermitian=False)
    dx = None if db is None else product(inverse, db)
    if da is None:
        return dx, None, None
    left = product(inverse, adjoint(inverse), adjoint(da), b - product(a, x))
    right = product(adjoint(da), adjoint(inverse), x)
    along_a = left - product(inverse, da, x) + (right - product(inverse, a, right))
    total = along_a if dx is None else dx + along_a
    return total, None, singular_values_tangent(a, da, s)


def _lstsq_batch(size: int, operands: Any, mapped: Any, *, rcond: float) -> Any:
    a, b = operands
    if mapped[0] or b.ndim > 3:
        a, b = repeated(size, operands, mapped)
        return lstsq(a, b, rcond)
    x, rank, s = lstsq(a, side_by_side(b), rcond)
    shared = [broadcast_to(value, (size, *value.shape)) for value in (rank, s)]
    return one_below_another(x, size, b.shape[-1]), *shared


LSTSQ = Primitive(
    "lstsq",
    infer=_lstsq_infer,
    impl=_lstsq_impl,
    jvp=_lstsq_jvp,
    transpose=NOT_LINEAR,
    batch=_lstsq_batch,
    text=lambda a, b, *, rcond: f"linalg.lstsq({a}, {b}, rcond={rcond})",
    multiple=True,
)
