"""Convolution: windows of the input, as views, and one einsum with the weights."""

from __future__ import annotations

from typing import Any

from ..errors import ShapeError
from ..numpy.elementwise import array
from ..ops.contract import LETTERS, einsum
from ..ops.shape import reshape
from ..ops.windows import windows
from ._window_geometry import per_axis, widths, with_zeros


def conv(
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = "VALID",
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolution as neural networks have it: the weights slide over the input, not mirrored.

    For each output channel o and, with two spatial axes, each place i, j, with stride s, dilation d
    and zeros p put before the axes:

        y[o, i, j] = Σ_c Σ_a Σ_b w[o, c, a, b] x[c, s i + d a - p, s j + d b - p]

    Channels come before the spatial axes, as in PyTorch and in `jax.lax.conv`; for images with the
    channels last, use `np.moveaxis(images, -1, 1)`.

    Args:
        x: a minibatch [examples, channels, *lengths], or one example [channels, *lengths], with
            any number of spatial axes.
        w: weights [output channels, channels / groups, *sizes].
        stride: the distance of neighbouring places; an integer, or one for each spatial axis.
        padding: zeros around x: "VALID" for none; "SAME" for ceil(length / stride) places;
            an integer; or for each spatial axis an integer or a pair (before, after).
        dilation: the distance in x of neighbouring weights; an integer, or one for each axis.
        groups: the channels fall into so many groups, and the output channels likewise; each group
            of output channels sees its own group of channels only.

    Returns:
        The output [examples, output channels, *places], or without examples if x has none, of the
        dtype to which NumPy promotes x and w.

    Raises:
        ShapeError: for shapes that do not fit together, or weights larger than the padded input.
        OptionError: for a stride, padding or dilation that is none.

    Example:
        >>> import numpy as np, functrace as ft
        >>> x = np.array([[1.0, 2.0, 4.0, 8.0]])  # one channel
        >>> ft.nn.conv(x, np.array([[[1.0, -1.0]]]))
        array([[-1., -2., -4.]])
        >>> images, w = np.ones((32, 3, 28, 28)), np.ones((8, 3, 5, 5))
        >>> ft.nn.conv(images, w, stride=2, padding="SAME").shape
        (32, 8, 14, 14)
    """
    x, w = array(x), array(w)
    axes = w.ndim - 2
    batched = x.ndim == axes + 2
    _check(x, w, groups)
    sizes, lengths = w.shape[2:], x.shape[x.ndim - axes :]
    strides = per_axis("conv", "stride", stride, axes)
    dilations = per_axis("conv", "dilation", dilation, axes)
    pairs = widths("conv", padding, lengths, sizes, strides, dilations)
    x = with_zeros(x, pairs)
    n, g, o, c, *rest = LETTERS[: 4 + 2 * axes]
    inside, across = "".join(rest[:axes]), "".join(rest[axes:])
    n, g = n * batched, g * (groups > 1)
    outputs, examples = w.shape[0], x.shape[:batched]
    if g:
        x = reshape(x, (*examples, groups, w.shape[1], *x.shape[batched + 1 :]))
        w = reshape(w, (groups, outputs // groups, *w.shape[1:]))
    view = windows(x, sizes, strides, dilations)
    y = einsum(f"{n}{g}{c}{inside}{across},{g}{o}{c}{inside}->{n}{g}{o}{across}", view, w)
    return reshape(y, (*examples, outputs, *view.shape[view.ndim - axes :]))


def _check(x: Any, w: Any, groups: int) -> None:
    """Check that a convolution's shapes fit.

    Raises:
        ShapeError: when they do not.
    """
    axes = w.ndim - 2
    what = f"conv of x of shape {x.shape} and weights of shape {w.shape}"
    if axes < 1 or x.ndim not in (axes + 1, axes + 2):
        raise ShapeError(
            f"{what}: weights are [output channels, channels, *sizes], and x is [examples, "
            "channels, *lengths] or [channels, *lengths], with as many lengths as sizes",
            "channels come first; an image without a channel axis gets one by x[None]",
        )
    channels, outputs = x.shape[x.ndim - axes - 1], w.shape[0]
    if groups < 1 or channels != w.shape[1] * groups:
        each = f" in each of {groups} groups" if groups != 1 else ""
        raise ShapeError(
            f"{what}: x has {channels} channels, and the weights are for {w.shape[1]}{each}",
            "channels come first: x is [examples, channels, *lengths]; for channels last, use "
            "np.moveaxis(x, -1, 1)",
        )
    if outputs % groups:
        raise ShapeError(f"{what}: {outputs} output channels do not fall into {groups} groups")
    if not all(w.shape[2:]):
        raise ShapeError(f"{what}: the weights have a size of 0")
