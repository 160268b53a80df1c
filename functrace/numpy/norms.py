"""NumPy's norms of vectors and matrices. The derivative of a norm at 0 is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import OptionError, ShapeError
from ..ops import cast, spectra
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.shape import keep_axes, normalize_axis
from . import reductions
from ._register import implements
from .elementwise import array
from .shaping import as_shape


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = _inexact(x)
    axes = _axes(axis, x.ndim)
    frobenius = ord is None or ord in ("fro", "f")
    if (axis is None and ord is None) or (len(axes) == 2 and frobenius):
        result = _euclidean(x, axes)
    elif len(axes) == 1:
        result = _vector_norm(x, ord, axes)
    elif len(axes) == 2:
        result = _matrix_norm(x, ord, axes)
    else:
        raise ShapeError(f"linalg.norm of order {ord} over {len(axes)} axes: one or two make sense")
    return shapes.reshape(result, keep_axes(x.shape, axes)) if keepdims else result


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    x = _inexact(x)
    axes = _axes(axis, x.ndim)
    result = _vector_norm(x, ord, axes)
    return shapes.reshape(result, keep_axes(x.shape, axes)) if keepdims else result


def _inexact(x: Any) -> Any:
    x = array(x)
    return cast.astype(x, np.dtype(np.float64)) if x.dtype.kind in "biu" else x


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    axes = tuple([normalize_axis(i, ndim) for i in as_shape(axis)]) if axis is not None else None
    if axes is not None and len(set(axes)) != len(axes):
        raise ShapeError(f"linalg.norm: {axis} names an axis twice")
    return tuple(range(ndim)) if axes is None else axes


def _euclidean(x: Any, axes: tuple[int, ...]) -> Any:
    squares = ops.square(x) if x.dtype.kind != "c" else ops.real(ops.conjugate(x) * x)
    return _power_of_sum(squares, axes, 0.5)


def _power(x: Any, exponent: float) -> Any:
    """A power of what is not negative; a root has derivative 0 where x is 0."""
    return ops.radical(x, exponent) if 0 < exponent < 1 else ops.power(x, exponent)


def _power_of_sum(x: Any, axes: tuple[int, ...], exponent: float) -> Any:
    total = shapes.reduce_sum(x, axes)
    return _power(total, exponent) if x.size or exponent < 0 else total  # which is 0, a constant


def _largest(x: Any, axes: tuple[int, ...]) -> Any:
    """The maximum of numbers that are not negative; that of none is 0."""
    empty = any(x.shape[i] == 0 for i in axes)
    return reductions.max(x, axes, **({"initial": 0} if empty else {}))


def _vector_norm(x: Any, order: Any, axes: tuple[int, ...]) -> Any:
    if isinstance(order, str):
        raise OptionError(f"linalg.norm: {order!r} is no order of a vector's norm")
    if order is None or order == 2:
        return _euclidean(x, axes)
    size = ops.absolute(x)
    if order == np.inf:
        return _largest(size, axes)
    if order == -np.inf:
        return reductions.min(size, axes)
    if order == 0:
        return shapes.reduce_sum(cast.astype(ops.not_equal(x, 0), size.dtype), axes)
    if order == 1:
        return shapes.reduce_sum(size, axes)
    return _power_of_sum(_power(size, order), axes, 1 / order)


def _matrix_norm(x: Any, order: Any, axes: tuple[int, ...]) -> Any:
    if order not in (1, -1, 2, -2, np.inf, -np.inf, "nuc"):
        raise OptionError(f"linalg.norm: {order!r} is no order of a matrix's norm")
    rest = [i for i in range(x.ndim) if i not in axes]
    x = shapes.transpose(x, (*rest, *axes))
    rows, columns = x.ndim - 2, x.ndim - 1
    if order in (2, -2, "nuc"):
        values = spectra.svdvals(x, hermitian=False)
    else:
        values = shapes.reduce_sum(ops.absolute(x), (rows if abs(order) == 1 else columns,))
    last = (values.ndim - 1,)
    if order == "nuc":
        return shapes.reduce_sum(values, last)
    return _largest(values, last) if order > 0 else reductions.min(values, last)
