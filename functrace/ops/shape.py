"""The linear ops that only move and repeat elements, and the sum that undoes repetition.

Everything else is built on these: `reshape`, `transpose`, `broadcast_to`, `copy`, `reduce_sum`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import AxisError, ShapeError
from ..ir import UNKNOWN, ArrayType, Shape
from ..primitive import LINEAR, Primitive
from ..recorder import bind
from ._large import reduced


def normalize_axis(axis: int, ndim: int) -> int:
    """An axis counted from the front.

    Raises:
        AxisError: when an array of `ndim` axes has no such axis.
        TypeError: for what is not an integer, as NumPy raises it.
    """
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise AxisError(f"axis {axis} is out of bounds for an array of {ndim} axes")
    return axis + ndim if axis < 0 else axis


def normalize_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes counted from the front, in increasing order; all of them for `None`.

    NumPy lets reductions name axis 0 of a value that has no axes.
    """
    if axis is None or (ndim == 0 and axis in (0, -1)):
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = sorted(normalize_axis(a, ndim) for a in given)
    if len(set(axes)) != len(axes):
        raise AxisError(f"axis {axis} names an axis twice")
    return tuple(axes)


# reshape


def reshape(x: Any, shape: Shape) -> Any:
    """The same elements, in C order, in another shape."""
    if x.shape == shape:
        return x
    return bind(RESHAPE, x, shape=shape)


def _reshape_infer(x: ArrayType, *, shape: Shape) -> ArrayType:
    if math.prod(shape) != x.size:
        raise ShapeError(f"an array of shape {x.shape} cannot be reshaped to {shape}")
    return x.with_shape(shape)


def _reshape_transpose(ct: Any, operands: Any, *, shape: Shape) -> Any:
    return (reshape(ct, operands[0].shape),)


def _reshape_batch(size: int, operands: Any, mapped: Any, *, shape: Shape) -> Any:
    return reshape(operands[0], (size, *shape))


def _reshape_text(x: str, *, shape: Shape) -> str:
    return f"{x}.reshape({', '.join(map(str, shape)) or '()'})"


RESHAPE = Primitive(
    "reshape",
    infer=_reshape_infer,
    impl=lambda x, *, shape: np.reshape(x, shape)[()],
    jvp=LINEAR,
    transpose=_reshape_transpose,
    batch=_reshape_batch,
    text=_reshape_text,
    view=lambda x, new, *, shape: reshape(new, x.shape),
    total=True,
    foldable=True,
    moves=True,
)


def expand_dims(x: Any, axes: Sequence[int]) -> Any:
    """New axes of length 1, where `axes` are positions in the result."""
    shape = list(x.shape)
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return reshape(x, tuple(shape))


# transpose


def transpose(x: Any, permutation: tuple[int, ...]) -> Any:
    """The axes in another order: axis i of the result is axis `permutation[i]` of x."""
    if permutation == tuple(range(len(permutation))):
        return x
    return bind(TRANSPOSE, x, permutation=permutation)


def moveaxis(x: Any, source: int, destination: int) -> Any:
    """One axis moved to another place, the others in their order."""
    order = [i for i in range(x.ndim) if i != source]
    order.insert(destination, source)
    return transpose(x, tuple(order))


def _transpose_infer(x: ArrayType, *, permutation: tuple[int, ...]) -> ArrayType:
    return x.with_shape([x.shape[i] for i in permutation])


def inverse(permutation: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes another."""
    return tuple(int(i) for i in np.argsort(permutation))


def _transpose_transpose(ct: Any, operands: Any, *, permutation: tuple[int, ...]) -> Any:
    return (transpose(ct, inverse(permutation)),)


def _transpose_batch(size: int, operands: Any, mapped: Any, *, permutation: Any) -> Any:
    return transpose(operands[0], (0, *(i + 1 for i in permutation)))


def _transpose_text(x: str, *, permutation: tuple[int, ...]) -> str:
    reverse = permutation == tuple(range(len(permutation)))[::-1]
    return f"{x}.T" if reverse else f"{x}.transpose{permutation}"


TRANSPOSE = Primitive(
    "transpose",
    infer=_transpose_infer,
    impl=lambda x, *, permutation: np.transpose(x, permutation),
    jvp=LINEAR,
    transpose=_transpose_transpose,
    batch=_transpose_batch,
    text=_transpose_text,
    view=lambda x, new, *, permutation: transpose(new, inverse(permutation)),
    total=True,
    foldable=True,
    moves=True,
)


# broadcast_to


def broadcast_to(x: Any, shape: Shape) -> Any:
    """Repeat along new leading axes and axes of length 1."""
    if x.shape == shape:
        return x
    return bind(BROADCAST_TO, x, shape=shape)


def broadcast_shapes(what: str, shapes: Sequence[Shape]) -> Shape:
    """The shape that NumPy's broadcasting gives.

    Raises:
        ShapeError: explaining how the shapes were aligned and which axes clash.
    """
    ndim = max(map(len, shapes))
    result = [1] * ndim
    for shape in shapes:
        for axis, length in enumerate(shape, ndim - len(shape)):
            if length != 1 and not (length == UNKNOWN != result[axis] != 1):
                if result[axis] not in (1, UNKNOWN, length):
                    raise _broadcast_error(what, shapes, axis)
                result[axis] = length
    return tuple(result)


def _broadcast_error(what: str, shapes: Sequence[Shape], axis: int) -> ShapeError:
    ndim = max(map(len, shapes))
    cells = [[""] * (ndim - len(shape)) + [str(n) for n in shape] for shape in shapes]
    width = max(len(cell) for row in cells for cell in row)
    rows = ["      " + " ".join(cell.rjust(width) for cell in row) for row in cells]
    marker = "      " + " ".join(("^" * width if i == axis else " " * width) for i in range(ndim))
    lengths = " and ".join(row[axis] for row in cells if row[axis] not in ("", "1"))
    return ShapeError(
        f"{what}: shapes {' and '.join(map(str, shapes))} do not broadcast. Shapes are aligned at "
        "the right, and each axis must have equal lengths or a 1:\n"
        + "\n".join([*rows, marker.rstrip()]),
        f"the lengths {lengths} clash. To add a vector along another axis give it that place: "
        "b[:, None] puts it along the rows; a minibatch is usually X @ W.T + b, one row an example",
    )


def unbroadcast(ct: Any, shape: Shape) -> Any:
    """Sum a cotangent over the axes along which an operand of `shape` was repeated."""
    have = ct.shape
    if have == shape:
        return ct
    lead = len(have) - len(shape)
    axes = [i for i, n in enumerate(have) if i < lead or (shape[i - lead] == 1 and n != 1)]
    return reshape(reduce_sum(ct, tuple(axes)), shape)


def _broadcast_infer(x: ArrayType, *, shape: Shape) -> ArrayType:
    if broadcast_shapes("broadcast_to", (x.shape, shape)) != shape:
        raise ShapeError(f"an array of shape {x.shape} cannot be broadcast to {shape}")
    return x.with_shape(shape)


def _broadcast_transpose(ct: Any, operands: Any, *, shape: Shape) -> Any:
    return (unbroadcast(ct, operands[0].shape),)


def _broadcast_batch(size: int, operands: Any, mapped: Any, *, shape: Shape) -> Any:
    (x,) = operands
    inner = x.shape[1:]
    aligned = reshape(x, (size, *(1,) * (len(shape) - len(inner)), *inner))
    return broadcast_to(aligned, (size, *shape))


BROADCAST_TO = Primitive(
    "broadcast_to",
    infer=_broadcast_infer,
    impl=lambda x, *, shape: np.broadcast_to(x, shape),
    jvp=LINEAR,
    transpose=_broadcast_transpose,
    batch=_broadcast_batch,
    text=lambda x, *, shape: f"broadcast_to({x}, {shape})",
    view=lambda x, new, *, shape: None,
    total=True,
    moves=True,
)


# copy


def copy(x: Any) -> Any:
    """The same value in memory of its own, which in-place operators of the user change alone."""
    return bind(COPY, x)


COPY = Primitive(
    "copy",
    infer=lambda x: x.strong,
    impl=lambda x: np.array(x)[()],
    jvp=LINEAR,
    transpose=lambda ct, operands: (ct,),
    batch=lambda size, operands, mapped: copy(operands[0]),
    text=lambda x: f"{x}.copy()",
    elementwise=True,
    total=True,
)


# reduce_sum


def reduce_sum(x: Any, axes: tuple[int, ...]) -> Any:
    """The sum over axes, in the dtype of x."""
    return bind(REDUCE_SUM, x, axes=axes) if axes else x


def _sum_infer(x: ArrayType, *, axes: tuple[int, ...]) -> ArrayType:
    return x.with_shape(remaining(x.shape, axes))


def remaining(shape: Shape, axes: Sequence[int]) -> Shape:
    """A shape without some axes."""
    return tuple([n for i, n in enumerate(shape) if i not in axes])


def keep_axes(shape: Shape, axes: Sequence[int]) -> Shape:
    """A shape in which some axes have length 1."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def spread(x: Any, shape: Shape, axes: Sequence[int]) -> Any:
    """Repeat a reduced value along the axes over which it was reduced."""
    return broadcast_to(reshape(x, keep_axes(shape, axes)), shape)


def _sum_transpose(ct: Any, operands: Any, *, axes: tuple[int, ...]) -> Any:
    return (spread(ct, operands[0].shape, axes),)


def _sum_batch(size: int, operands: Any, mapped: Any, *, axes: tuple[int, ...]) -> Any:
    return reduce_sum(operands[0], tuple(a + 1 for a in axes))


def axes_text(axes: Sequence[int]) -> str:
    """Axes as an argument reads: `axis=0`, `axis=(0, 1)`."""
    return f"axis={axes[0] if len(axes) == 1 else tuple(axes)}"


REDUCE_SUM = Primitive(
    "sum",
    infer=_sum_infer,
    impl=lambda x, *, axes: reduced(np.add, x, axis=axes, dtype=x.dtype),
    jvp=LINEAR,
    transpose=_sum_transpose,
    batch=_sum_batch,
    text=lambda x, *, axes: f"sum({x}, {axes_text(axes)})",
    total=True,
    foldable=True,
)
