"""NumPy's differences and sums of sampled functions: `diff`, `gradient`, `trapezoid` and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, OptionError, ShapeError
from ..ops import cast, index, reduce
from ..ops import elementwise as ops
from ..ops import shape as shapes
from ..ops.shape import normalize_axes, normalize_axis
from ..recorder import type_of
from ._register import implements
from .elementwise import array
from .reductions import MISSING, sum

_FLOAT = np.dtype(np.float64)


def _part(x: Any, axis: int, start: int, length: int) -> Any:
    """Elements along an axis; a negative start counts from the end."""
    return index.slice_axis(x, axis, start % max(x.shape[axis], 1), length)


def _along(x: Any, axis: int, ndim: int) -> Any:
    """A vector as an array that broadcasts along one axis."""
    return shapes.reshape(x, (1,) * axis + x.shape + (1,) * (ndim - axis - 1))


def _pairs(x: Any, axis: int) -> tuple[Any, Any]:
    """The elements with one ahead of them, and those ahead."""
    count = max(x.shape[axis] - 1, 0)
    return _part(x, axis, 0, count), index.slice_axis(x, axis, x.shape[axis] - count, count)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = MISSING, append: Any = MISSING) -> Any:
    if n < 0:
        raise OptionError(f"diff of order {n}: the order must not be negative")
    x = array(a)
    if n == 0:
        return x
    if not x.ndim:
        raise ShapeError("diff of an array with no axes")
    axis = normalize_axis(axis, x.ndim)
    edge = shapes.keep_axes(x.shape, [axis])
    parts = [array(part) for part in (prepend, x, append) if part is not MISSING]
    parts = [part if part.ndim else shapes.broadcast_to(part, edge) for part in parts]
    x = index.concatenate(cast.promote_together(*parts), axis)
    op = ops.not_equal if x.dtype.kind == "b" else ops.subtract
    for _ in range(n):
        behind, ahead = _pairs(x, axis)
        x = op(ahead, behind)
    return x


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x = array(ary)
    x = shapes.reshape(x, (x.size,))
    behind, ahead = _pairs(x, 0)
    parts = [array(part) for part in (to_begin, ops.subtract(ahead, behind), to_end)
             if part is not None]  # fmt: skip
    for part in parts:
        if not np.can_cast(part.dtype, x.dtype, "same_kind"):
            raise ArgumentError(f"ediff1d of {x.dtype} cannot hold edges of {part.dtype}")
    flat = [cast.astype(shapes.reshape(part, (part.size,)), x.dtype) for part in parts]
    return index.concatenate(flat, 0)


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    values = array(y)
    along = normalize_axis(axis, values.ndim)
    if x is None:
        steps = dx
    else:
        places = array(x)
        steps = diff(places, axis=-1 if places.ndim == 1 else axis)
        steps = _along(steps, along, values.ndim) if places.ndim == 1 else steps
    behind, ahead = _pairs(values, along)
    return sum(ops.divide(ops.multiply(steps, ops.add(ahead, behind)), 2.0), axis)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    x = array(p)
    axis = normalize_axis(axis, x.ndim)
    jumps = diff(x, axis=axis)
    discont = period / 2 if discont is None else discont
    dtype = cast.result_dtype(jumps, period)
    whole = dtype.kind in "iu"
    high = period // 2 if whole else period / 2
    wrapped = ops.add(ops.remainder(ops.add(jumps, high), period), -high)
    if not whole or period % 2 == 0:  # a jump by half a period keeps its direction
        ambiguous = ops.logical_and(ops.equal(wrapped, -high), ops.greater(jumps, 0))
        wrapped = ops.where(ambiguous, high, wrapped)
    correction = ops.subtract(wrapped, jumps)
    correction = ops.where(ops.less(ops.absolute(jumps), discont), 0, correction)
    first = _part(x, axis, 0, min(x.shape[axis], 1))
    rest = ops.add(_pairs(x, axis)[1], reduce.cumsum(correction, axis))
    return index.concatenate([cast.astype(part, dtype) for part in (first, rest)], axis)


# gradient


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    x = array(f)
    if x.dtype.kind == "b":
        raise DTypeError("gradient of booleans", "convert them with .astype")
    if x.dtype.kind in "iu":
        x = cast.astype(x, _FLOAT)
    if isinstance(axis, (tuple, list)):
        axes = tuple([normalize_axis(a, x.ndim) for a in axis])
    else:
        axes = normalize_axes(axis, x.ndim)
    if edge_order not in (1, 2):
        raise OptionError(f"gradient: edge_order must be 1 or 2, not {edge_order}")
    if any(x.shape[a] <= edge_order for a in axes):
        raise ShapeError(f"gradient needs {edge_order + 1} elements along each axis: {x.shape}")
    spacings = _spacings(x, varargs, axes)
    results = [_slope(x, a, spacing, edge_order) for a, spacing in zip(axes, spacings, strict=True)]
    return results[0] if len(results) == 1 else tuple(results)


def _spacings(x: Any, given: Sequence[Any], axes: Sequence[int]) -> list[Any]:
    """For each axis the distance of neighbours, or a vector of distances."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and not type_of(cast.converted(given[0])).ndim:
        return list(given) * len(axes)
    if len(given) != len(axes):
        raise ArgumentError(f"gradient: {len(given)} spacings for {len(axes)} axes")
    return [_spacing(x, a, places) for places, a in zip(given, axes, strict=True)]


def _spacing(x: Any, axis: int, given: Any) -> Any:
    given = cast.converted(given)
    if not type_of(given).ndim:
        return given
    places = array(given)
    if places.shape != x.shape[axis : axis + 1]:
        raise ShapeError(f"gradient: coordinates of shape {places.shape} for axis {axis}")
    if places.dtype.kind in "iu":
        places = cast.astype(places, _FLOAT)
    steps = diff(places)
    uniform = isinstance(steps, np.ndarray) and bool((steps == steps[0]).all())
    return steps[0] if uniform else steps


def _slope(x: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    inner = x.shape[axis] - 2
    behind, here, ahead = (_part(x, axis, start, inner) for start in (0, 1, 2))
    uniform = not type_of(spacing).ndim
    if uniform:
        middle = ops.divide(ahead - behind, 2.0 * spacing)
    else:
        before, after = (_along(part, axis, x.ndim) for part in _pairs(spacing, 0))
        middle = (
            behind * (-after / (before * (before + after)))
            + here * ((after - before) / (before * after))
            + ahead * (before / (after * (before + after)))
        )
    edge = _edge_of_two if edge_order == 1 else _edge_of_three
    start = edge(x, axis, spacing if uniform else [spacing[0], spacing[min(1, inner)]], False)
    stop = edge(x, axis, spacing if uniform else [spacing[-1], spacing[-1 - min(1, inner)]], True)
    parts = [cast.astype(part, x.dtype) for part in (start, middle, stop)]
    return index.concatenate(parts, axis)


def _edge_of_two(x: Any, axis: int, spacing: Any, last: bool) -> Any:
    """The slope between the first, or last, two elements."""
    step = spacing[0] if isinstance(spacing, list) else spacing
    rise = _part(x, axis, -1, 1) - _part(x, axis, -2, 1) if last else (
        _part(x, axis, 1, 1) - _part(x, axis, 0, 1)
    )  # fmt: skip
    return ops.divide(rise, step)


def _edge_of_three(x: Any, axis: int, spacing: Any, last: bool) -> Any:
    """The slope at the end of the parabola through the first, or last, three elements."""
    near, far = spacing if isinstance(spacing, list) else (spacing, spacing)
    places = (-1, -2, -3) if last else (0, 1, 2)
    end, second, third = (_part(x, axis, place, 1) for place in places)
    both = near + far
    slope = (
        third * (near / (far * both)) * (-1)
        + second * (both / (near * far))
        - end * ((near + both) / (near * both))
    )
    return -slope if last else slope
