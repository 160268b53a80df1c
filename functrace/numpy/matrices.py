"""NumPy's functions for parts of matrices, grids, and products of grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import OptionError, ShapeError
from ..ops import elementwise as ops
from ..ops import index, shape
from ..ops.elementwise import where
from ..ops.shape import normalize_axis
from ._register import implements
from ._values import concrete
from .elementwise import array
from .joining import stack
from .shaping import moveaxis, ravel


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    x = array(m)
    return where(np.tri(*x.shape[-2:], k=k, dtype=bool), x, x.dtype.type(0))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    x = array(m)
    return where(np.tri(*x.shape[-2:], k=k - 1, dtype=bool), x.dtype.type(0), x)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    start = (max(-offset, 0), max(offset, 0))
    length = max(min(rows - start[0], columns - start[1]), 0)
    steps = np.arange(length)
    axes = (x.ndim - 2, x.ndim - 1)
    picked = index.gather(x, [steps + start[0], steps + start[1]], axes)
    return shape.moveaxis(picked, 0, picked.ndim - 1)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    x = array(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag of an array of shape {x.shape}: it must have one or two axes")
    n = x.shape[0] + abs(k)
    steps = np.arange(x.shape[0])
    zeros = np.zeros((n, n), x.dtype)
    return index.scatter_add(zeros, x, [steps + max(-k, 0), steps + max(k, 0)], (0, 1))


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return diag(ravel(v), k)


# Indices that depend on a shape alone


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    return np.tril_indices(_rows(arr), k, arr.shape[1])


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    return np.triu_indices(_rows(arr), k, arr.shape[1])


def _rows(arr: Any) -> int:
    if arr.ndim != 2:
        raise ShapeError(f"expected a matrix, got an array of shape {arr.shape}")
    return arr.shape[0]


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    if arr.ndim < 2 or len(set(arr.shape)) != 1:
        raise ShapeError(f"expected two or more axes of equal length, got shape {arr.shape}")
    return np.diag_indices(arr.shape[0], arr.ndim)


# Grids


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise OptionError(f"indexing must be 'xy' or 'ij', not {indexing!r}")
    vectors, count = [ravel(x) for x in xi], len(xi)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = 1, 0
    grids = [
        shape.reshape(x, tuple([x.size if i == place else 1 for i in range(count)]))
        for x, place in zip(vectors, places, strict=True)
    ]
    if sparse or not grids:
        return tuple(grids)
    full = shape.broadcast_shapes("meshgrid", [x.shape for x in grids])
    return tuple([shape.broadcast_to(x, full) for x in grids])


@implements(np.ix_)
def ix_(*args: Any) -> tuple[Any, ...]:
    grids = []
    for i, given in enumerate(args):
        x = array(given)
        if x.ndim != 1:
            raise ShapeError(f"ix_ needs vectors, got an array of shape {x.shape}")
        if x.dtype.kind == "b":
            x = np.flatnonzero(concrete(x, "ix_", "give the mask as an array that is not traced"))
        if isinstance(given, (list, tuple)) and not x.size:
            x = x.astype(np.intp)
        grids.append(shape.reshape(x, tuple([x.size if j == i else 1 for j in range(len(args))])))
    return tuple(grids)


# Products


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    x, y = array(a), array(b)
    ndim = max(x.ndim, y.ndim)
    left, right = ((1,) * (ndim - z.ndim) + z.shape for z in (x, y))
    product = ops.multiply(
        shape.reshape(x, tuple([n for length in left for n in (length, 1)])),
        shape.reshape(y, tuple([n for length in right for n in (1, length)])),
    )
    return shape.reshape(product, tuple([m * n for m, n in zip(left, right, strict=True)]))


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = (_components("cross", v, at) for v, at in ((a, axisa), (b, axisb)))

    def part(i: int, j: int) -> Any:
        return ops.subtract(ops.multiply(x[i], y[j]), ops.multiply(x[j], y[i]))

    if len(x) == len(y) == 2:
        return part(0, 1)
    zero = x[0].dtype.type(0)
    x, y = ([*z, zero] if len(z) == 2 else z for z in (x, y))
    result = stack([part(1, 2), part(2, 0), part(0, 1)], -1)
    return moveaxis(result, -1, normalize_axis(axisc, result.ndim))


def _components(name: str, vectors: Any, axis: int) -> list[Any]:
    x = array(vectors)
    axis = normalize_axis(axis, x.ndim)
    count = x.shape[axis]
    if count not in (2, 3):
        raise ShapeError(
            f"{name} of vectors of length {count}, along axis {axis} of shape {x.shape}; "
            "it is defined for lengths 2 and 3"
        )
    rest = shape.remaining(x.shape, [axis])
    return [shape.reshape(index.slice_axis(x, axis, i, 1), rest) for i in range(count)]
