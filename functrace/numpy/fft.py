"""NumPy's Fourier transforms."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import OptionError, ShapeError
from ..ops import cast
from ..ops import fft as ops
from ..ops.elementwise import conjugate
from ..ops.index import place, slice_axis, whole
from ..ops.shape import normalize_axis
from ._register import implements, refuse
from .elementwise import array
from .shaping import as_shape, roll


def _norm(norm: Any) -> str:
    name = "backward" if norm is None else norm
    if name not in ops.SWAPPED:
        raise OptionError(f"fft: norm is {norm!r}", 'norms are "backward", "ortho" and "forward"')
    return name


def _complex(x: Any) -> Any:
    return cast.astype(x, np.result_type(x.dtype, 1j))


def _real(x: Any) -> Any:
    return cast.astype(
        x, np.result_type(x.dtype, np.float64 if x.dtype.kind in "biu" else np.float32)
    )


def _resized(x: Any, axis: int, n: int) -> Any:
    """The first n elements along an axis, followed by zeros where there are fewer."""
    if n < 1:
        raise OptionError(f"fft of {n} elements: there must be one at least")
    have = x.shape[axis]
    if n <= have:
        return slice_axis(x, axis, 0, n)
    ranges = list(whole(x.shape))
    return place(x, (*x.shape[:axis], n, *x.shape[axis + 1 :]), tuple(ranges))


def _as_in_half_precision(result: Any, given: np.dtype[Any], n: int, norm: str) -> Any:
    """NumPy rounds the factor of half-precision numbers, which has the direction `norm`, to half
    precision, though it computes in single precision.
    """
    if given != np.float16 or norm == "backward":
        return result
    divisor = np.sqrt(n, dtype=np.float16) if norm == "ortho" else np.float16(n)
    exact = float(np.sqrt(n)) if norm == "ortho" else n
    return result * (float(np.reciprocal(divisor)) * exact)


def _length(n: Any, default: int) -> int:
    return default if n is None else operator.index(n)


# One axis


def _one_axis(name: str, inverse: bool) -> Callable[..., Any]:
    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        refuse(f"fft.{name}", out=out)
        x = array(a)
        axis = normalize_axis(axis, x.ndim)
        return _along(x, [_length(n, x.shape[axis])], [axis], _norm(norm), inverse)

    return transform


def _along(x: Any, lengths: Sequence[int], axes: Sequence[int], norm: str, inverse: bool) -> Any:
    given = x.dtype
    for n, axis in zip(lengths, axes, strict=True):
        x = _resized(x, axis, n)
    result = ops.fft(_complex(x), tuple(axes), norm, inverse)
    direction = ops.SWAPPED[norm] if inverse else norm
    return _as_in_half_precision(result, given, lengths[0], direction) if axes else result


fft = implements(np.fft.fft)(_one_axis("fft", inverse=False))
ifft = implements(np.fft.ifft)(_one_axis("ifft", inverse=True))


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse("fft.rfft", out=out)
    x = array(a)
    axis = normalize_axis(axis, x.ndim)
    n, norm = _length(n, x.shape[axis]), _norm(norm)
    result = ops.rfft(_resized(_real(x), axis, n), axis, norm)
    return _as_in_half_precision(result, x.dtype, n, norm)


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse("fft.irfft", out=out)
    x = array(a)
    axis = normalize_axis(axis, x.ndim)
    n, norm = _length(n, 2 * (x.shape[axis] - 1)), _norm(norm)
    if n < 1:
        raise OptionError(f"fft of {n} elements: there must be one at least")
    result = ops.irfft(_resized(_complex(x), axis, n // 2 + 1), axis, n, norm)
    if x.dtype != np.float16:
        return result
    return cast.astype(_as_in_half_precision(result, x.dtype, n, ops.SWAPPED[norm]), x.dtype)


@implements(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse("fft.hfft", out=out)
    return irfft(conjugate(array(a)), n, axis, ops.SWAPPED[_norm(norm)])


@implements(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse("fft.ihfft", out=out)
    return conjugate(rfft(a, n, axis, ops.SWAPPED[_norm(norm)]))


# Several axes


def _lengths_and_axes(x: Any, s: Any, axes: Any, half: bool = False) -> tuple[list[int], list[int]]:
    """A length for each axis. With `half`, the last axis is by default half a spectrum.

    Lengths without axes are those of the last axes, of which NumPy warns.
    """
    if axes is None and s is not None:
        warnings.warn(
            "fft: `s` without `axes` is deprecated in NumPy 2.0", DeprecationWarning, stacklevel=4
        )
        axes = range(-len(s), 0)
    numbers = [normalize_axis(i, x.ndim) for i in (range(x.ndim) if axes is None else axes)]
    have = [x.shape[i] for i in numbers]
    if s is None:
        if half:
            have[-1] = 2 * (have[-1] - 1)
        return have, numbers
    if len(s) != len(numbers):
        raise ShapeError(f"fft: {len(s)} lengths for {len(numbers)} axes")
    lengths = [m if n is None or n == -1 else operator.index(n)
               for n, m in zip(s, have, strict=True)]  # fmt: skip
    if half and s[-1] is None:
        lengths[-1] = 2 * (have[-1] - 1)
    return lengths, numbers


def _several_axes(name: str, inverse: bool, default: Any = None) -> Callable[..., Any]:
    def transform(
        a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None
    ) -> Any:
        refuse(f"fft.{name}", out=out)
        x = array(a)
        lengths, numbers = _lengths_and_axes(x, s, axes)
        return _along(x, lengths[::-1], numbers[::-1], _norm(norm), inverse) if numbers else x

    return transform


def _several_axes_of_real(name: str, default: Any = None) -> Callable[..., Any]:
    def transform(
        a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None
    ) -> Any:
        refuse(f"fft.{name}", out=out)
        x = array(a)
        lengths, numbers = _lengths_and_axes(x, s, axes)
        spectrum = rfft(x, lengths[-1], numbers[-1], norm)
        return _along(spectrum, lengths[-2::-1], numbers[-2::-1], _norm(norm), inverse=False)

    return transform


def _several_axes_to_real(name: str, default: Any = None) -> Callable[..., Any]:
    def transform(
        a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None
    ) -> Any:
        refuse(f"fft.{name}", out=out)
        x = array(a)
        lengths, numbers = _lengths_and_axes(x, s, axes, half=True)
        x = _along(x, lengths[:-1], numbers[:-1], _norm(norm), inverse=True)
        return irfft(x, lengths[-1], numbers[-1], norm)

    return transform


_LAST = (-2, -1)
fftn = implements(np.fft.fftn)(_several_axes("fftn", inverse=False))
ifftn = implements(np.fft.ifftn)(_several_axes("ifftn", inverse=True))
fft2 = implements(np.fft.fft2)(_several_axes("fft2", inverse=False, default=_LAST))
ifft2 = implements(np.fft.ifft2)(_several_axes("ifft2", inverse=True, default=_LAST))
rfftn = implements(np.fft.rfftn)(_several_axes_of_real("rfftn"))
rfft2 = implements(np.fft.rfft2)(_several_axes_of_real("rfft2", default=_LAST))
irfftn = implements(np.fft.irfftn)(_several_axes_to_real("irfftn"))
irfft2 = implements(np.fft.irfft2)(_several_axes_to_real("irfft2", default=_LAST))


# Order of frequencies


def _shift(x: Any, axes: Any, half: Callable[[int], int]) -> Any:
    x = array(x)
    given = range(x.ndim) if axes is None else as_shape(axes)
    numbers = tuple(normalize_axis(i, x.ndim) for i in given)
    return roll(x, tuple(half(x.shape[i]) for i in numbers), numbers)


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    return _shift(x, axes, lambda n: n // 2)


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    return _shift(x, axes, lambda n: -(n // 2))
