"""What convolution and pooling share: lengths, strides and padding, an entry for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from ..errors import OptionError
from ..ir import Shape
from ..ops.index import place

Pairs = tuple[tuple[int, int], ...]


def per_axis(function: str, option: str, value: Any, axes: int) -> Shape:
    """A positive integer for each of some axes; one integer stands for all.

    Raises:
        OptionError: for anything else.
    """
    given = value if isinstance(value, Sequence) else (value,) * axes
    try:
        numbers = tuple([index(n) for n in given])
    except TypeError:
        numbers = ()
    if len(numbers) != axes or any(n < 1 for n in numbers):
        raise OptionError(
            f"{function}({option}={value!r}) for {_counted(axes)}",
            f"give a positive integer, or a tuple of {axes} of them",
        )
    return numbers


def _counted(axes: int) -> str:
    return f"{axes} spatial {'axis' if axes == 1 else 'axes'}"


def widths(
    function: str, padding: Any, lengths: Shape, sizes: Shape, strides: Shape, dilations: Shape
) -> Pairs:
    """How many elements to put before and after each axis.

    Args:
        padding: "VALID" for none; "SAME" for ceil(length / stride) windows, an odd element put
            after the axis; an integer; or for each axis an integer or a pair of them.

    Raises:
        OptionError: for anything else.
    """
    axes = len(lengths)
    if isinstance(padding, str):
        if padding.upper() == "VALID":
            return ((0, 0),) * axes
        if padding.upper() == "SAME":
            frame = zip(lengths, sizes, strides, dilations, strict=True)
            return tuple([_same(*each) for each in frame])
        raise _padding_error(function, padding, axes)
    given = padding if isinstance(padding, Sequence) else (padding,) * axes
    try:
        pairs = tuple([_pair(each) for each in given])
    except (TypeError, ValueError):
        pairs = ()
    if len(pairs) != axes or any(n < 0 for pair in pairs for n in pair):
        raise _padding_error(function, padding, axes)
    return pairs


def _same(length: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    count = -(-length // stride)
    total = max((count - 1) * stride + (size - 1) * dilation + 1 - length, 0)
    return total // 2, total - total // 2


def _pair(value: Any) -> tuple[int, int]:
    before, after = value if isinstance(value, Sequence) else (value, value)
    return index(before), index(after)


def _padding_error(function: str, padding: Any, axes: int) -> OptionError:
    return OptionError(
        f"{function}(padding={padding!r}) for {_counted(axes)}",
        '"VALID", "SAME", an integer from 0, or for each spatial axis such an integer or a pair of '
        "them",
    )


def with_zeros(x: Any, pairs: Pairs) -> Any:
    """Zeros put before and after the last axes."""
    full = ((0, 0),) * (x.ndim - len(pairs)) + pairs
    shape = tuple([a + n + b for n, (a, b) in zip(x.shape, full, strict=True)])
    return place(x, shape, tuple([(a, n, 1) for n, (a, _) in zip(x.shape, full, strict=True)]))
