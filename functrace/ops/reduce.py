"""Reductions and cumulations other than the sum, which is in `shape`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType
from ..primitive import LINEAR, NOT_LINEAR, ZERO, Declared, Primitive, Rule
from ..recorder import bind
from .cast import astype
from .elementwise import equal
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
        impl=lambda x, *, axes: ufunc.reduce(x, axis=axes, dtype=np.asarray(x).dtype),
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


def _prod_jvp(primals: Any, tangents: Any, out: Any, *, axes: Axes) -> Any:
    """The product rule along a tree of pairwise products, which is exact where factors are zero."""
    x, t = (_reduced_first(value, axes) for value in (primals[0], tangents[0]))
    if x.shape[0] == 0:
        return None
    while x.shape[0] > 1:
        half = x.shape[0] // 2
        (x0, x1, x2), (t0, t1, t2) = (
            (
                slice_axis(value, 0, 0, half),
                slice_axis(value, 0, half, half),
                slice_axis(value, 0, 2 * half, value.shape[0] - 2 * half),
            )
            for value in (x, t)
        )
        x, t = x0 * x1, t0 * x1 + x0 * t1
        if x2.shape[0]:
            x, t = concatenate([x, x2], 0), concatenate([t, t2], 0)
    return reshape(t, out.shape)


def _reduced_first(x: Any, axes: Axes) -> Any:
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


def _cumprod_jvp(primals: Any, tangents: Any, out: Any, *, axis: int, reverse: bool) -> Any:
    """The product rule along runs of doubling length, which is exact where factors are zero."""
    x, t = primals[0], tangents[0]
    if reverse:
        x, t = flip(x, [axis]), flip(t, [axis])
    length, run = x.shape[axis], 1
    while run < length:
        x0, t0 = (slice_axis(value, axis, 0, length - run) for value in (x, t))
        x1, t1 = (slice_axis(value, axis, run, length - run) for value in (x, t))
        heads = [slice_axis(value, axis, 0, run) for value in (x, t)]
        x = concatenate([heads[0], x0 * x1], axis)
        t = concatenate([heads[1], t0 * x1 + x0 * t1], axis)
        run *= 2
    return flip(t, [axis]) if reverse else t


cumsum = cumulation("cumsum", np.cumsum, LINEAR, _cumsum_transpose)
cumprod = cumulation("cumprod", np.cumprod, _cumprod_jvp, NOT_LINEAR)
