"""Reductions and cumulations other than the sum, which is in `shape`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType
from ..primitive import LINEAR, NOT_LINEAR, ZERO, Declared, Primitive, Rule
from ..recorder import bind
from ._large import reduced
from .cast import astype
from .elementwise import equal, maximum, minimum
from .index import concatenate, flip, slice_axis
from .shape import axes_text, reduce_sum, remaining, reshape, spread, transpose

Axes = tuple[int, ...]


def reduction(
    name: str,
    ufunc: np.ufunc,
    jvp: Rule | Declared,
    *,
    empty: bool = True,
) -> Callable[[Any, Axes], Any]:
    """An op `(x, axes)` that reduces by a ufunc and keeps the dtype.

    Args:
        empty: whether the reduction of no elements has a value.
    """

    def infer(x: ArrayType, *, axes: Axes) -> ArrayType:
        if not empty and any(x.shape[a] == 0 for a in axes):
            raise ShapeError(f"{name} of no elements: shape {x.shape}, {axes_text(axes)}")
        return x.with_shape(remaining(x.shape, axes))

    def apply(x: Any, axes: Axes) -> Any:
        return bind(primitive, x, axes=axes) if axes else x

    primitive = Primitive(
        name,
        infer=infer,
        impl=lambda x, *, axes: reduced(ufunc, x, axis=axes, dtype=x.dtype),
        jvp=jvp,
        transpose=NOT_LINEAR,
        batch=lambda size, operands, mapped, *, axes: apply(
            operands[0], tuple(a + 1 for a in axes)
        ),
        text=lambda x, *, axes: f"{name}({x}, {axes_text(axes)})",
    )
    apply.__name__ = name
    apply.__doc__ = f"Reduce over axes with `np.{ufunc.__name__}`."
    return apply


def _extremum_jvp(primals: Any, tangents: Any, out: Any, *, axes: Axes) -> Any:
    """Elements that share the extremum share the tangent equally."""
    (x,), (t,) = primals, tangents
    chosen = astype(equal(x, spread(out, x.shape, axes)), t.dtype)
    return reduce_sum(t * chosen, axes) / reduce_sum(chosen, axes)


def tree_reduce(combine: Callable[..., Any], values: Sequence[Any], axes: Axes) -> list[Any]:
    """Reduce arrays of one shape together, along a tree of pairs.

    Args:
        combine: an associative and commutative function of two lists of arrays.
    """
    values = [reduced_first(value, axes) for value in values]
    while (length := values[0].shape[0]) > 1:
        half = length // 2
        left, right, last = (
            [slice_axis(value, 0, start, count) for value in values]
            for start, count in ((0, half), (half, half), (2 * half, length - 2 * half))
        )
        values = combine(left, right)
        if length % 2:
            values = [concatenate(pair, 0) for pair in zip(values, last, strict=True)]
    return [reshape(value, value.shape[1:]) for value in values]


def _product_rule(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    (x0, t0), (x1, t1) = left, right
    return [x0 * x1, t0 * x1 + x0 * t1]


def _prod_jvp(primals: Any, tangents: Any, out: Any, *, axes: Axes) -> Any:
    """The product rule along a tree of pairwise products, which is exact where factors are zero."""
    if primals[0].size == 0:
        return None
    return tree_reduce(_product_rule, [primals[0], tangents[0]], axes)[1]


def reduced_first(x: Any, axes: Axes) -> Any:
    """The reduced axes as one leading axis."""
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = transpose(x, (*axes, *rest))
    lead = 1
    for a in axes:
        lead *= x.shape[a]
    return reshape(moved, (lead, *remaining(x.shape, axes)))


reduce_max = reduction("max", np.maximum, _extremum_jvp, empty=False)
reduce_min = reduction("min", np.minimum, _extremum_jvp, empty=False)
reduce_prod = reduction("prod", np.multiply, _prod_jvp)
reduce_all = reduction("all", np.logical_and, ZERO)
reduce_any = reduction("any", np.logical_or, ZERO)


# argmax and argmin


def _argument(name: str, function: Callable[..., Any]) -> Callable[[Any, int], Any]:
    def infer(x: ArrayType, *, axis: int) -> ArrayType:
        if x.shape[axis] == 0:
            raise ShapeError(f"{name} of no elements: shape {x.shape}, axis={axis}")
        return ArrayType(remaining(x.shape, [axis]), np.intp)

    def apply(x: Any, axis: int) -> Any:
        return bind(primitive, x, axis=axis)

    primitive = Primitive(
        name,
        infer=infer,
        impl=lambda x, *, axis: function(x, axis=axis),
        jvp=ZERO,
        transpose=NOT_LINEAR,
        batch=lambda size, operands, mapped, *, axis: apply(operands[0], axis + 1),
        text=lambda x, *, axis: f"{name}({x}, axis={axis})",
    )
    apply.__doc__ = f"As `np.{name}` along one axis."
    return apply


argmax = _argument("argmax", np.argmax)
argmin = _argument("argmin", np.argmin)


# cumulations


def _reversed(x: Any, axis: int, reverse: bool) -> Any:
    return np.flip(x, axis) if reverse else x


def cumulation(
    name: str, function: Callable[..., Any], jvp: Rule | Declared, transpose: Rule | Declared
) -> Callable[..., Any]:
    """An op `(x, axis, reverse=False)` of the running reductions along an axis."""

    def apply(x: Any, axis: int, reverse: bool = False) -> Any:
        return bind(primitive, x, axis=axis, reverse=reverse)

    def impl(x: Any, *, axis: int, reverse: bool) -> Any:
        ahead = _reversed(x, axis, reverse)
        return _reversed(function(ahead, axis=axis, dtype=x.dtype), axis, reverse)

    primitive = Primitive(
        name,
        infer=lambda x, *, axis, reverse: x,
        impl=impl,
        jvp=jvp,
        transpose=transpose,
        batch=lambda size, operands, mapped, *, axis, reverse: apply(
            operands[0], axis + 1, reverse
        ),
        text=lambda x, *, axis, reverse: (
            f"{name}({x}, axis={axis}{', reverse=True' if reverse else ''})"
        ),
    )
    apply.__doc__ = f"As `np.{name}`, from the end when `reverse`."
    return apply


def _cumsum_transpose(ct: Any, operands: Any, *, axis: int, reverse: bool) -> Any:
    return (cumsum(ct, axis, not reverse),)


def doubling_scan(combine: Callable[..., Any], values: Sequence[Any], axis: int) -> list[Any]:
    """The running reductions of arrays of one shape together, along runs of doubling length.

    Args:
        combine: an associative function of two lists of arrays.
    """
    length, run = values[0].shape[axis], 1
    while run < length:
        heads = [slice_axis(value, axis, 0, run) for value in values]
        early = [slice_axis(value, axis, 0, length - run) for value in values]
        late = [slice_axis(value, axis, run, length - run) for value in values]
        tails = combine(early, late)
        values = [concatenate(pair, axis) for pair in zip(heads, tails, strict=True)]
        run *= 2
    return list(values)


def _scanned(combine: Callable[..., Any], values: Any, axis: int, reverse: bool) -> list[Any]:
    if not reverse:
        return doubling_scan(combine, values, axis)
    flipped = doubling_scan(combine, [flip(value, [axis]) for value in values], axis)
    return [flip(value, [axis]) for value in flipped]


def _cumprod_jvp(primals: Any, tangents: Any, out: Any, *, axis: int, reverse: bool) -> Any:
    """The product rule, which is exact where factors are zero."""
    return _scanned(_product_rule, [primals[0], tangents[0]], axis, reverse)[1]


def _running_extremum_jvp(pairwise: Callable[..., Any]) -> Rule:
    """Elements that share the extremum so far share the tangent equally."""

    def combine(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
        extremum = pairwise(left[0], right[0])
        ahead, behind = (astype(equal(side[0], extremum), side[1].dtype) for side in (left, right))
        sums = [a * ahead + b * behind for a, b in zip(left[1:], right[1:], strict=True)]
        return [extremum, *sums]

    def jvp(primals: Any, tangents: Any, out: Any, *, axis: int, reverse: bool) -> Any:
        x, t = primals[0], tangents[0]
        ones = np.broadcast_to(t.dtype.type(1), t.shape)
        _, total, count = _scanned(combine, [x, t, ones], axis, reverse)
        return total / count

    return jvp


cumsum = cumulation("cumsum", np.cumsum, LINEAR, _cumsum_transpose)
cumprod = cumulation("cumprod", np.cumprod, _cumprod_jvp, NOT_LINEAR)
cummax = cumulation(
    "cummax", np.maximum.accumulate, _running_extremum_jvp(maximum), NOT_LINEAR
)  # fmt: skip
cummin = cumulation(
    "cummin", np.minimum.accumulate, _running_extremum_jvp(minimum), NOT_LINEAR
)  # fmt: skip
