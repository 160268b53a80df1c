"""Pooling: the greatest or the mean element of each window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from ..errors import DTypeError, OptionError, ShapeError
from ..ir import Shape
from ..numpy.elementwise import array
from ..numpy.padding import pad
from ..numpy.reductions import mean
from ..ops.reduce import reduce_max
from ..ops.windows import windows, windows_view
from ._window_geometry import Pairs, per_axis, widths, with_zeros


def max_pool(x: Any, window: Sequence[int], stride: Any = None, padding: Any = "VALID") -> Any:
    """The greatest element of each window over the last axes.

    Elements that share the maximum share its derivative equally.

    Args:
        x: an array [..., *lengths] of real numbers; what its leading axes mean is up to the caller.
        window: a length for each of the last axes that windows slide over, such as (2, 2).
        stride: the distance of neighbouring windows; an integer, or one for each axis. By default
            windows lie side by side.
        padding: as for `conv`; padding is never the greatest.

    Returns:
        The maxima [..., *windows], of the dtype of x.

    Raises:
        ShapeError: when no window fits.
        OptionError: for a window, stride or padding that is none.
        DTypeError: for complex numbers.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.max_pool(np.array([1.0, 3.0, 2.0, 0.0]), (2,))
        array([3., 2.])
        >>> ft.nn.max_pool(np.ones((32, 8, 28, 28)), (3, 3), stride=2, padding="SAME").shape
        (32, 8, 14, 14)
    """
    x = array(x)
    if x.dtype.kind == "c":
        raise DTypeError("max_pool of complex numbers, which have no order")
    sizes, strides, pairs = _frame("max_pool", x, window, stride, padding)
    if any(map(any, pairs)):
        full = ((0, 0),) * (x.ndim - len(sizes)) + pairs
        x = pad(x, full, constant_values=_least(x.dtype))
    return reduce_max(windows(x, sizes, strides, (1,) * len(sizes)), _inside(x, sizes))


def avg_pool(
    x: Any,
    window: Sequence[int],
    stride: Any = None,
    padding: Any = "VALID",
    count_include_pad: bool = True,
) -> Any:
    """The mean element of each window over the last axes.

    Args:
        x: an array [..., *lengths]; what its leading axes mean is up to the caller.
        window: a length for each of the last axes that windows slide over, such as (2, 2).
        stride: the distance of neighbouring windows; an integer, or one for each axis. By default
            windows lie side by side.
        padding: zeros around x, as for `conv`.
        count_include_pad: whether the zeros count as elements.

    Returns:
        The means [..., *windows], of the dtype of `np.mean(x)`.

    Raises:
        ShapeError: when no window fits.
        OptionError: for a window, stride or padding that is none.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.nn.avg_pool(np.array([1.0, 3.0, 2.0, 0.0]), (2,))
        array([2., 1.])
        >>> ft.nn.avg_pool(np.ones(3), (2,), padding=((0, 1),), count_include_pad=False)
        array([1., 1.])
    """
    x = array(x)
    sizes, strides, pairs = _frame("avg_pool", x, window, stride, padding)
    lengths, ones = x.shape[x.ndim - len(sizes) :], (1,) * len(sizes)
    means = mean(windows(with_zeros(x, pairs), sizes, strides, ones), _inside(x, sizes))
    if count_include_pad or not any(map(any, pairs)):
        return means
    shares = [
        windows_view(np.pad(np.ones(n), pair), (size,), (step,), (1,)).mean(axis=0)
        for n, pair, size, step in zip(lengths, pairs, sizes, strides, strict=True)
    ]
    return means / reduce(np.multiply.outer, shares).astype(means.dtype)


def _frame(
    function: str, x: Any, window: Any, stride: Any, padding: Any
) -> tuple[Shape, Shape, Pairs]:
    """The lengths of windows, their distances, and the padding.

    Raises:
        ShapeError: when x has too few axes.
        OptionError: for a window, stride or padding that is none.
    """
    if not isinstance(window, Sequence) or not window:
        raise OptionError(
            f"{function}(window={window!r})",
            "give a tuple of a length for each of the last axes, such as (2, 2) for images",
        )
    axes = len(window)
    sizes = per_axis(function, "window", window, axes)
    if x.ndim < axes:
        raise ShapeError(f"{function} with windows of shape {sizes} of x of shape {x.shape}")
    strides = sizes if stride is None else per_axis(function, "stride", stride, axes)
    lengths = x.shape[x.ndim - axes :]
    pairs = widths(function, padding, lengths, sizes, strides, (1,) * axes)
    if not prod(lengths) or any(max(pair) >= n for pair, n in zip(pairs, sizes, strict=True)):
        raise OptionError(
            f"{function} with windows of shape {sizes} of x of shape {x.shape}, padded by {pairs}: "
            "a window would see padding alone",
            "pad by less than the window's length",
        )
    return sizes, strides, pairs


def _inside(x: Any, sizes: Shape) -> tuple[int, ...]:
    """The axes of windows that lie in a window."""
    lead = x.ndim - len(sizes)
    return tuple(range(lead, x.ndim))


def _least(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min
