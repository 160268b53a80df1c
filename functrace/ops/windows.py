"""Windows that slide over the last axes of an array, and the sum that lays them back.

Along each of these axes a window has a length (`sizes`), its elements lie `dilations` apart, and
neighbouring windows begin `strides` apart. For two axes:

    windows(x)[..., a, b, i, j] = x[..., i * strides[0] + a * dilations[0],
                                         j * strides[1] + b * dilations[1]]

`windows` is a view: it costs no memory until it is used. `overlap_add` is its transpose.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ir import ArrayType, Shape
from ..primitive import LINEAR, Primitive
from ..recorder import bind


def window_counts(lengths: Shape, sizes: Shape, strides: Shape, dilations: Shape) -> Shape:
    """How many windows fit along each axis.

    Raises:
        ShapeError: when not even one does.
    """
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(sizes, dilations, strict=True)]
    if any(n < span for n, span in zip(lengths, spans, strict=True)):
        raise ShapeError(
            f"windows of shape {sizes} span {tuple(spans)} elements with dilation {dilations}, and "
            f"do not fit into axes of lengths {lengths}",
            "make the window smaller, or pad the array",
        )
    return tuple([(n - span) // s + 1 for n, span, s in zip(lengths, spans, strides, strict=True)])


# windows


def windows(x: Any, sizes: Shape, strides: Shape, dilations: Shape) -> Any:
    """The windows over the last axes, which become two groups of axes: in a window, and windows."""
    return bind(WINDOWS, x, sizes=sizes, strides=strides, dilations=dilations)


def _windows_infer(x: ArrayType, *, sizes: Shape, strides: Shape, dilations: Shape) -> ArrayType:
    lead = x.ndim - len(sizes)
    counts = window_counts(x.shape[lead:], sizes, strides, dilations)
    return x.with_shape((*x.shape[:lead], *sizes, *counts))


def windows_view(x: Any, sizes: Shape, strides: Shape, dilations: Shape) -> Any:
    """The windows of an ndarray, as a view that cannot be written to."""
    lead = x.ndim - len(sizes)
    counts = window_counts(x.shape[lead:], sizes, strides, dilations)
    steps = x.strides[lead:]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:lead], *sizes, *counts),
        (
            *x.strides[:lead],
            *[step * d for step, d in zip(steps, dilations, strict=True)],
            *[step * s for step, s in zip(steps, strides, strict=True)],
        ),
        writeable=False,
    )


def _windows_transpose(ct: Any, operands: Any, *, sizes: Any, strides: Any, dilations: Any) -> Any:
    lengths = operands[0].shape[len(operands[0].shape) - len(sizes) :]
    return (overlap_add(ct, lengths, strides, dilations),)


def _windows_text(x: str, **params: Shape) -> str:
    options = [f", {name}={value}" for name, value in params.items() if set(value) != {1}]
    return f"windows({x}{''.join(options)})"


WINDOWS = Primitive(
    "windows",
    infer=_windows_infer,
    impl=windows_view,
    jvp=LINEAR,
    transpose=_windows_transpose,
    batch=lambda size, operands, mapped, **params: windows(operands[0], **params),
    text=_windows_text,
    view=lambda x, new, **params: None,  # read-only: one element may be in many windows
)

# overlap_add


def overlap_add(y: Any, lengths: Shape, strides: Shape, dilations: Shape) -> Any:
    """Windows laid where they were in axes of some lengths, and added up where they overlap."""
    return bind(OVERLAP_ADD, y, lengths=lengths, strides=strides, dilations=dilations)


def _overlap_infer(y: ArrayType, *, lengths: Shape, strides: Shape, dilations: Shape) -> ArrayType:
    lead = y.ndim - 2 * len(lengths)
    sizes = y.shape[lead : lead + len(lengths)]
    counts = window_counts(lengths, sizes, strides, dilations)
    if y.shape[lead + len(lengths) :] != counts:
        raise ShapeError(
            f"overlap_add: an array of shape {y.shape} is not one of {counts} windows of shape "
            f"{sizes}"
        )
    return y.with_shape((*y.shape[:lead], *lengths))


def _overlap_impl(y: Any, *, lengths: Shape, strides: Shape, dilations: Shape) -> Any:
    axes = len(lengths)
    lead = y.ndim - 2 * axes
    sizes, counts = y.shape[lead : lead + axes], y.shape[lead + axes :]
    if prod(counts) < prod(sizes):  # the two groups of axes play the same part in the sum
        y = np.moveaxis(y, range(lead + axes, y.ndim), range(lead, lead + axes))
        sizes, counts, strides, dilations = counts, sizes, dilations, strides
    out = np.zeros((*y.shape[:lead], *lengths), y.dtype)
    for element in product(*map(range, sizes)):
        places = [
            slice(a * d, a * d + (n - 1) * s + 1, s)
            for a, d, n, s in zip(element, dilations, counts, strides, strict=True)
        ]
        out[(..., *places)] += y[(..., *element, *(slice(None),) * axes)]
    return out


def _overlap_transpose(
    ct: Any, operands: Any, *, lengths: Any, strides: Any, dilations: Any
) -> Any:
    shape, axes = operands[0].shape, len(lengths)
    sizes = shape[len(shape) - 2 * axes : len(shape) - axes]
    return (windows(ct, sizes, strides, dilations),)


OVERLAP_ADD = Primitive(
    "overlap_add",
    infer=_overlap_infer,
    impl=_overlap_impl,
    jvp=LINEAR,
    transpose=_overlap_transpose,
    batch=lambda size, operands, mapped, **params: overlap_add(operands[0], **params),
    text=lambda y, *, lengths, strides, dilations: (
        f"overlap_add({y}, {lengths}, strides={strides}, dilations={dilations})"
    ),
)
