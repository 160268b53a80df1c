"""Sorting along an axis, the permutations that it gives, and membership.

The derivative of a sort is the permutation that sorts, applied to the tangent. Where elements are
equal, the first of them in the operand is the first in the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, ZERO, Primitive
from ..recorder import bind
from .elementwise import equal, logical_not
from .index import materialize
from .reduce import reduce_any
from .shape import reshape

# permute


def permute(x: Any, permutation: Any, axis: int, inverse: bool = False) -> Any:
    """The elements along an axis in another order, or with `inverse` put back in place.

    Args:
        permutation: integers of the shape of x; along the axis, each place occurs once.
    """
    return bind(PERMUTE, x, permutation, axis=axis, inverse=inverse)


def _permute_infer(x: ArrayType, permutation: ArrayType, *, axis: int, inverse: bool) -> ArrayType:
    if x.shape != permutation.shape:
        raise ShapeError(f"permute of shape {x.shape} by places of shape {permutation.shape}")
    return x


def _permute_impl(x: Any, permutation: Any, *, axis: int, inverse: bool) -> Any:
    if not inverse:
        return np.take_along_axis(x, permutation, axis)
    out = np.empty(x.shape, x.dtype)
    np.put_along_axis(out, permutation, x, axis)
    return out


def _permute_jvp(primals: Any, tangents: Any, out: Any, *, axis: int, inverse: bool) -> Any:
    return permute(tangents[0], primals[1], axis, inverse)


def _permute_transpose(ct: Any, operands: Any, *, axis: int, inverse: bool) -> Any:
    return permute(ct, operands[1], axis, not inverse), None


def _permute_batch(size: int, operands: Any, mapped: Any, *, axis: int, inverse: bool) -> Any:
    x, order = (materialize(size, *each) for each in zip(operands, mapped, strict=True))
    return permute(x, order, axis + 1, inverse)


def _permute_text(x: str, permutation: str, *, axis: int, inverse: bool) -> str:
    name = "permute_back" if inverse else "permute"
    return f"{name}({x}, {permutation}, axis={axis})"


PERMUTE = Primitive(
    "permute",
    infer=_permute_infer,
    impl=_permute_impl,
    jvp=_permute_jvp,
    transpose=_permute_transpose,
    batch=_permute_batch,
    text=_permute_text,
)

# sort and argsort


def sort(x: Any, axis: int, kind: str = "stable") -> Any:
    """The elements in ascending order along an axis; NaN comes last."""
    return bind(SORT, x, axis=axis, kind=kind)


def argsort(x: Any, axis: int, kind: str = "stable") -> Any:
    """The permutation that sorts x along an axis."""
    return bind(ARGSORT, x, axis=axis, kind=kind)


def _sort_jvp(primals: Any, tangents: Any, out: Any, *, axis: int, kind: str) -> Any:
    return permute(tangents[0], argsort(primals[0], axis), axis)


def _sort_text(name: str) -> Callable[..., str]:
    return lambda x, *, axis, kind: (
        f"{name}({x}, axis={axis}{', stable=True' if kind == 'stable' else ''})"
    )


SORT = Primitive(
    "sort",
    infer=lambda x, *, axis, kind: x,
    impl=lambda x, *, axis, kind: np.sort(x, axis, kind),
    jvp=_sort_jvp,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, axis, kind: sort(operands[0], axis + 1, kind),
    text=_sort_text("sort"),
)
ARGSORT = Primitive(
    "argsort",
    infer=lambda x, *, axis, kind: ArrayType(x.shape, np.intp),
    impl=lambda x, *, axis, kind: np.argsort(x, axis, kind),
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, axis, kind: argsort(operands[0], axis + 1, kind),
    text=_sort_text("argsort"),
)

# partition and argpartition

Kth = tuple[int, ...]


def partition(x: Any, kth: Kth, axis: int) -> Any:
    """As `np.partition`: elements as far from the start as in sorted order, at the places `kth`."""
    return bind(PARTITION, x, kth=kth, axis=axis)


def argpartition(x: Any, kth: Kth, axis: int) -> Any:
    """As `np.argpartition`."""
    return bind(ARGPARTITION, x, kth=kth, axis=axis)


def _partition_jvp(primals: Any, tangents: Any, out: Any, *, kth: Kth, axis: int) -> Any:
    # NumPy leaves open in which order the parts are; the sorted order of both tells.
    ascending = permute(tangents[0], argsort(primals[0], axis), axis)
    return permute(ascending, argsort(out, axis), axis, inverse=True)


PARTITION = Primitive(
    "partition",
    infer=lambda x, *, kth, axis: x,
    impl=lambda x, *, kth, axis: np.partition(x, kth, axis),
    jvp=_partition_jvp,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, kth, axis: partition(operands[0], kth, axis + 1),
    text=lambda x, *, kth, axis: f"partition({x}, {kth}, axis={axis})",
)
ARGPARTITION = Primitive(
    "argpartition",
    infer=lambda x, *, kth, axis: ArrayType(x.shape, np.intp),
    impl=lambda x, *, kth, axis: np.argpartition(x, kth, axis),
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, kth, axis: argpartition(operands[0], kth, axis + 1),
    text=lambda x, *, kth, axis: f"argpartition({x}, {kth}, axis={axis})",
)

# isin


def isin(x: Any, among: Any, invert: bool = False) -> Any:
    """Whether each element of x is one of the elements of a vector, or with `invert` none."""
    return bind(ISIN, x, among, invert=invert)


def _isin_batch(size: int, operands: Any, mapped: Any, *, invert: bool) -> Any:
    x, among = operands
    if not mapped[1]:
        return isin(x, among, invert)
    rank = x.ndim - mapped[0]
    elements = reshape(x, (*x.shape, 1))
    equals = equal(elements, reshape(among, (size, *(1,) * rank, among.shape[1])))
    found = reduce_any(equals, (rank + 1,))
    return logical_not(found) if invert else found


ISIN = Primitive(
    "isin",
    infer=lambda x, among, *, invert: ArrayType(x.shape, np.bool_),
    impl=lambda x, among, *, invert: np.isin(x, among, invert=invert)[()],
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=_isin_batch,
    text=lambda x, among, *, invert: f"isin({x}, {among}{', invert=True' if invert else ''})",
)
