"""NumPy's polynomials and convolutions.

A polynomial is a vector of coefficients, the highest power first. The shape of a result depends on
the shapes of the operands alone: leading coefficients that happen to be zero are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import OptionError, ShapeError
from ..ops import cast, contract, index, reduce
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.convolve import convolve as convolve_op
from ..ops.sort import sort
from . import reductions
from ._register import implements
from ._values import is_true
from .elementwise import array
from .linalg import eigvals, inv, lstsq

# Convolutions


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    x, y = _vectors("convolve", a, v)
    if y.size > x.size:
        x, y = y, x
    return _overlaps(x, y, mode, (y.size - 1) // 2)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    x, y = _vectors("correlate", a, v)
    y = index.flip(ops.conjugate(y) if y.dtype.kind == "c" else y, [0])
    if y.size > x.size:
        return _overlaps(y, x, mode, x.size // 2)
    return _overlaps(x, y, mode, (y.size - 1) // 2)


def _vectors(name: str, *operands: Any) -> list[Any]:
    vectors = [shapes.reshape(x, (x.size,)) if x.ndim < 1 else x for x in map(array, operands)]
    if any(x.ndim != 1 or not x.size for x in vectors):
        raise ShapeError(f"{name} of shapes {' and '.join(str(x.shape) for x in vectors)}: "
                         "both must be vectors, and not empty")  # fmt: skip
    return cast.promote_together(*vectors)


def _overlaps(long: Any, short: Any, mode: Any, start: int) -> Any:
    """A convolution; with mode "same" the part as long as the longer operand, from a start on."""
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)  # NumPy's C enumeration
    if mode == "valid":
        return convolve_op(long, short, "valid")
    full = convolve_op(long, short, "full")
    if mode == "full":
        return full
    if mode != "same":
        raise OptionError(f"mode must be 'full', 'same' or 'valid', not {mode!r}")
    return index.slice_axis(full, 0, start, long.size)


# Polynomials


def _coefficients(p: Any) -> Any:
    x = array(p)
    return shapes.reshape(x, (1,)) if not x.ndim else x


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    p, x = array(p), array(x)
    value = np.zeros(x.shape, x.dtype)
    for i in range(p.shape[0]):
        coefficient = shapes.reshape(index.slice_axis(p, 0, i, 1), p.shape[1:])
        value = ops.add(ops.multiply(value, x), coefficient)
    return value


def _aligned(a1: Any, a2: Any) -> list[Any]:
    """Coefficients of two polynomials, padded with zeros to one length."""
    p, q = _coefficients(a1), _coefficients(a2)
    length = max(p.shape[0], q.shape[0])
    return [index.place(x, (length,), ((length - x.shape[0], x.shape[0], 1),)) for x in (p, q)]


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    return ops.add(*_aligned(a1, a2))


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    return ops.subtract(*_aligned(a1, a2))


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return convolve(a1, a2)


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    u, v = (ops.add(_coefficients(p), 0.0) for p in (u, v))
    u, v = cast.promote_together(u, v)
    steps = u.shape[0] - v.shape[0] + 1
    if steps < 1:
        return np.zeros(1, u.dtype), u
    scale = ops.divide(1.0, index.slice_axis(v, 0, 0, 1))
    quotient, rest = [], u
    for k in range(steps):
        factor = ops.multiply(scale, index.slice_axis(rest, 0, k, 1))
        quotient.append(factor)
        product = ops.multiply(factor, v)
        rest = ops.subtract(rest, index.place(product, u.shape, ((k, v.shape[0], 1),)))
    # What was subtracted from the first coefficients leaves zeros, up to rounding.
    kept = max(v.shape[0] - 1, 1)
    return index.concatenate(quotient, 0), index.slice_axis(rest, 0, u.shape[0] - kept, kept)


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise OptionError(f"polyder of order {m}: see polyint for integrals")
    p = array(p)
    for _ in range(m):
        degree = max(p.shape[0] - 1, 0)
        p = ops.multiply(index.slice_axis(p, 0, 0, degree), np.arange(degree, 0, -1))
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    if m < 0:
        raise OptionError(f"polyint of order {m}: see polyder for derivatives")
    constants = np.zeros(m) if k is None else _coefficients(k)
    if constants.shape[0] == 1 and m > 1:
        constants = shapes.broadcast_to(constants, (m,))
    if constants.shape[0] < m:
        raise ShapeError(f"polyint of order {m} with {constants.shape[0]} constants")
    p = array(p)
    for i in range(m):
        raised = ops.divide(p, np.arange(p.shape[0], 0, -1))
        p = index.concatenate(
            cast.promote_together(raised, index.slice_axis(constants, 0, i, 1)), 0
        )
    return p


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """As `np.poly`. Of a complex matrix the polynomial is complex, where values are unknown."""
    given = zeros = _coefficients(seq_of_zeros)
    if given.ndim == 2 and given.shape[0] == given.shape[1] and given.size:
        zeros = eigvals(given)
    elif given.ndim != 1:
        raise ShapeError(f"poly of shape {given.shape}: give roots, or a square matrix")
    if zeros.dtype.kind in "biu" or zeros.dtype == np.float16:
        zeros = cast.astype(zeros, np.dtype(np.float64))
    one = np.ones(1, zeros.dtype)
    p: Any = one
    for i in range(zeros.shape[0]):
        factor = index.concatenate([one, ops.negative(index.slice_axis(zeros, 0, i, 1))], 0)
        p = convolve_op(p, factor, "full")
    if p.dtype.kind != "c":
        return p
    in_pairs = (given.ndim == 2 and given.dtype.kind != "c") or is_true(
        reductions.all(ops.equal(sort(zeros, 0), sort(ops.conjugate(zeros), 0))), otherwise=False
    )
    return ops.real(p) if in_pairs else p


@implements(np.roots)
def roots(p: Any) -> Any:
    """As `np.roots`, in the order in which the eigenvalues of the companion matrix come. The first
    coefficient must not be zero; under jit and vmap the roots are complex.
    """
    p = _coefficients(p)
    if p.ndim != 1:
        raise ShapeError(f"roots of shape {p.shape}: coefficients must be a vector")
    if p.dtype.kind in "biu":
        p = cast.astype(p, np.dtype(np.float64))
    degree = p.shape[0] - 1
    if degree < 1:
        return np.zeros(0, p.dtype)
    lead, rest = index.slice_axis(p, 0, 0, 1), index.slice_axis(p, 0, 1, degree)
    first = shapes.reshape(ops.negative(ops.divide(rest, lead)), (1, degree))
    return eigvals(index.concatenate([first, np.eye(degree, dtype=p.dtype)[:-1]], 0))


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    x, y = ops.add(array(x), 0.0), ops.add(array(y), 0.0)
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        raise ShapeError(f"polyfit of points of shapes {x.shape} and {y.shape}")
    if deg < 0:
        raise OptionError(f"polyfit: a polynomial of degree {deg}")
    powers = vander(x, deg + 1)
    if w is not None:
        weights = ops.add(array(w), 0.0)
        powers = ops.multiply(powers, shapes.reshape(weights, (x.size, 1)))
        y = ops.multiply(y, shapes.reshape(weights, (x.size,) + (1,) * (y.ndim - 1)))
    scale = ops.sqrt(shapes.reduce_sum(ops.square(powers), (0,)))  # for a good condition
    powers = ops.divide(powers, scale)
    rcond = x.size * np.finfo(x.dtype).eps if rcond is None else rcond
    solution, residuals, rank, s = lstsq(powers, y, rcond)
    fitted = ops.divide(solution, shapes.reshape(scale, scale.shape + (1,) * (y.ndim - 1)))
    if full:
        return fitted, residuals, rank, s, rcond
    if not cov:
        return fitted
    gram = contract.einsum("ij,ik->jk", powers, powers)
    base = ops.divide(ops.divide(inv(gram), scale), shapes.reshape(scale, (deg + 1, 1)))
    base = base if y.ndim == 1 else shapes.reshape(base, (*base.shape, 1))
    if cov == "unscaled":
        return fitted, base
    if x.size <= deg + 1:
        raise ShapeError(f"polyfit: the covariance of degree {deg} needs {deg + 2} points")
    return fitted, ops.multiply(base, ops.divide(residuals, x.size - deg - 1))


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    x = array(x)
    if x.ndim != 1:
        raise ShapeError(f"vander of shape {x.shape}: it must be a vector")
    count = x.shape[0] if N is None else N
    dtype = np.promote_types(x.dtype, int)
    ones = np.ones((x.shape[0], min(count, 1)), dtype)
    column = shapes.reshape(cast.astype(x, dtype), (x.shape[0], 1))
    factors = shapes.broadcast_to(column, (x.shape[0], max(count - 1, 0)))
    powers = reduce.cumprod(index.concatenate([ones, factors], 1), 1)
    return powers if increasing else index.flip(powers, [1])
