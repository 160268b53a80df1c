"""NumPy's functions that see arrays as sets.

The shapes of their results depend on values: the places of the elements are found from these, and
the elements are read at those places, so that derivatives flow through them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, OptionError
from ..ops import cast, index, sort
from ..ops import elementwise as ops
from ._register import implements
from ._values import concrete
from .elementwise import array
from .indexing import take
from .joining import concatenate
from .selection import flatnonzero
from .shaping import ravel

_REMEDY = "call it outside of the compiled function; functrace.numpy.unique takes a size="


@implements(np.unique)
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, *, size: int | None = None, fill_value: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """As `np.unique`.

    Args:
        size: the number of values in the result, for use under jit. Values beyond it, the largest,
            are left out. Of the other results and of axes there is then no choice.
        fill_value: what stands for the values that are missing; by default the smallest value.
    """
    x = array(ar)
    if size is not None:
        if return_index or return_inverse or return_counts or axis is not None:
            raise ArgumentError("unique with size= gives the values of the whole array alone")
        return _unique_of_size(ravel(x), size, fill_value)
    _, places, inverse, counts = np.unique(
        concrete(x, "unique", _REMEDY), True, True, True, axis, **options
    )
    values = take(x, places, axis)
    wanted = [(return_index, places), (return_inverse, inverse), (return_counts, counts)]
    further = [result for flag, result in wanted if flag]
    return (values, *further) if further else values


def _unique_of_size(x: Any, size: int, fill_value: Any) -> Any:
    ordered = sort.sort(x, 0)
    ahead, behind = (index.slice_axis(ordered, 0, i, max(x.size - 1, 0)) for i in (0, 1))
    both_nan = ops.logical_and(ops.not_equal(ahead, ahead), ops.not_equal(behind, behind))
    new = ops.logical_and(ops.not_equal(ahead, behind), ops.logical_not(both_nan))
    new = concatenate([np.ones(min(x.size, 1), bool), new])
    values = take(ordered, flatnonzero(new, size=size))
    if fill_value is None:
        return values
    missing = ops.greater_equal(np.arange(size), np.sum(new))
    return ops.where(missing, cast.astype(array(fill_value), x.dtype), values)


def _standard(function: Any) -> None:
    """A function of the array API standard: a tuple of what `unique` gives, with names."""

    @implements(function)
    def unique_by_name(x: Any, /) -> Any:
        parts = function(concrete(x, function.__name__, _REMEDY))
        values = unique(x, equal_nan=False)
        return type(parts)(values, *parts[1:]) if isinstance(parts, tuple) else values


for _function in (np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values):
    _standard(_function)


@implements(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False,
    *, kind: str | None = None,
) -> Any:  # fmt: skip
    x, among = cast.promote_together(array(element), ravel(test_elements))
    if kind not in (None, "sort", "table"):
        raise OptionError(f"kind must be None, 'sort' or 'table', not {kind!r}")
    if kind == "table" and x.dtype.kind not in "biu":
        raise OptionError(f"isin(kind='table') of {x.dtype}", "leave kind= to isin")
    return sort.isin(x, among, invert)


if hasattr(np, "in1d"):

    @implements(np.in1d)  # type: ignore[attr-defined] -- until NumPy 2.4
    def in1d(
        ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
    ) -> Any:
        return isin(ravel(ar1), ar2, invert=invert, kind=kind)


@implements(np.intersect1d)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    x, y = cast.promote_together(ravel(ar1), ravel(ar2))
    left, right = (concrete(z, "intersect1d", _REMEDY) for z in (x, y))
    _, first, second = np.intersect1d(left, right, assume_unique, return_indices=True)
    common = take(x, first)
    return (common, first, second) if return_indices else common


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    return unique(concatenate([ar1, ar2], None))


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    x = ravel(ar1) if assume_unique else unique(ar1)
    kept = concrete(isin(x, ar2, invert=True), "setdiff1d", _REMEDY)
    return take(x, np.flatnonzero(kept))


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    parts = [ravel(z) if assume_unique else unique(z) for z in (ar1, ar2)]
    values, counts = unique(concatenate(parts), return_counts=True)
    return take(values, np.flatnonzero(counts == 1))
