"""NumPy's functions that join arrays and split them."""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ArgumentError, AxisError, DTypeError, OptionError, ShapeError
from ..ops import cast, index, shape
from ..ops.shape import normalize_axis
from ._register import implements, refuse
from .elementwise import array
from .shaping import as_shape, atleast_1d, atleast_2d, atleast_3d, ravel


@implements(np.concatenate, *([np.concat] if hasattr(np, "concat") else []))
def concatenate(
    arrays: Any, /, axis: int | None = 0, out: Any = None, *, dtype: Any = None, casting: Any = None
) -> Any:
    refuse("concatenate", out=out)
    parts = _join(arrays, dtype, casting)
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    if parts[0].ndim == 0:
        raise ShapeError("concatenate of arrays with no axes; use np.stack")
    return index.concatenate(parts, normalize_axis(axis, parts[0].ndim))


def _join(arrays: Any, dtype: Any = None, casting: Any = None) -> list[Any]:
    """The parts of a sequence or of a traced array, in their common dtype, or in another."""
    parts = [array(x) for x in arrays]
    if not parts:
        raise ShapeError("need at least one array to join")
    if dtype is None and casting is None:
        return cast.promote_together(*parts)
    to = cast.result_dtype(*parts) if dtype is None else np.dtype(dtype).newbyteorder("=")
    rule = casting or "same_kind"
    for x in parts:
        if not np.can_cast(x.dtype, to, rule):
            raise DTypeError(f"arrays of {x.dtype} cannot be joined to one of {to} by {rule!r}")
    return [cast.astype(x, to) for x in parts]


@implements(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = None
) -> Any:
    refuse("stack", out=out)
    parts = _join(arrays, dtype, casting)
    if any(x.shape != parts[0].shape for x in parts):
        raise ShapeError(
            f"stack needs arrays of one shape, got {', '.join(str(x.shape) for x in parts)}"
        )
    axis = normalize_axis(axis, parts[0].ndim + 1)
    return index.concatenate([shape.expand_dims(x, (axis,)) for x in parts], axis)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    return concatenate([atleast_2d(x) for x in tup], 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    parts = [atleast_1d(x) for x in tup]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    return concatenate([atleast_3d(x) for x in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    parts = [array(x) for x in tup]
    return concatenate([x if x.ndim > 1 else shape.reshape(x, (x.size, 1)) for x in parts], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    depth = _depth(arrays)
    return _block(arrays, depth, max(depth, *[array(x).ndim for x in _leaves(arrays)], 0))


def _leaves(arrays: Any) -> list[Any]:
    """The arrays in nested lists."""
    if isinstance(arrays, tuple):
        raise ArgumentError("block: arrays are nested in lists, not in tuples")
    return [leaf for x in arrays for leaf in _leaves(x)] if isinstance(arrays, list) else [arrays]


def _depth(arrays: Any) -> int:
    """How deep lists are nested, the same everywhere."""
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(x) for x in arrays}
    if len(depths) != 1:
        raise ShapeError("block: lists must not be empty, and be nested equally deep everywhere")
    return 1 + depths.pop()


def _block(arrays: Any, depth: int, ndim: int) -> Any:
    """Nested lists joined along the axis, counted from the end, that their depth stands for."""
    if not depth:
        x = array(arrays)
        return shape.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return concatenate([_block(x, depth - 1, ndim) for x in arrays], ndim - depth)


# Splitting


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    x = array(ary)
    length = x.shape[normalize_axis(axis, x.ndim)]
    if isinstance(indices_or_sections, (int, np.integer)) and length % indices_or_sections:
        raise ShapeError(
            f"split of {length} elements into {indices_or_sections} equal parts",
            "np.array_split makes parts that differ by one",
        )
    return array_split(x, indices_or_sections, axis)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    x = array(ary)
    axis = normalize_axis(axis, x.ndim)
    length = x.shape[axis]
    if np.ndim(indices_or_sections) == 0:
        count = operator.index(indices_or_sections)
        if count < 1:
            raise OptionError(f"the number of parts must be larger than 0, not {count}")
        small, larger = divmod(length, count)  # the first parts have one more
        bounds = [i * small + min(i, larger) for i in range(1, count)]
    else:
        given = as_shape(indices_or_sections)
        bounds = [min(max(i + length if i < 0 else i, 0), length) for i in given]
    return [
        index.slice_axis(x, axis, start, max(stop - start, 0))
        for start, stop in pairwise([0, *bounds, length])
    ]


def _split_along(name: str, x: Any, sections: Any, axis: int, needed: int) -> list[Any]:
    if x.ndim < needed:
        raise AxisError(f"{name} needs an array of {needed} or more axes, got shape {x.shape}")
    return split(x, sections, axis)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    x = array(ary)
    return _split_along("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1, 1)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return _split_along("vsplit", array(ary), indices_or_sections, 0, 2)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return _split_along("dsplit", array(ary), indices_or_sections, 2, 3)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The parts along an axis, without that axis."""
    parts = array(x)
    axis = normalize_axis(axis, parts.ndim)
    rest = shape.remaining(parts.shape, [axis])
    return tuple(
        [shape.reshape(index.slice_axis(parts, axis, i, 1), rest) for i in range(parts.shape[axis])]
    )


if hasattr(np, "unstack"):  # NumPy 2.1
    implements(np.unstack)(unstack)
