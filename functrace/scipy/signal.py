"""`scipy.signal`, for traced arrays as well: convolution and correlation in any number of axes.

Names, signatures and values are SciPy's. This module has all of SciPy's names: those that are not
below are SciPy's own functions, which take plain arrays.

Example:
    >>> import numpy as np, functrace as ft
    >>> from functrace.scipy.signal import convolve
    >>> image, kernel = np.arange(9.0).reshape(3, 3), np.ones((2, 2))
    >>> ft.grad(lambda k: convolve(image, k, mode="valid").sum())(kernel)
    array([[24., 20.],
           [12.,  8.]])
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.signal as _plain
from scipy.fft import next_fast_len

from ..errors import OptionError, ShapeError
from ..numpy.creation import asarray
from ..numpy.padding import pad
from ..ops import cast
from ..ops import convolve as _vectors
from ..ops import windows as _windows
from ..ops.contract import LETTERS, einsum
from ..ops.index import flip
from ..ops.shape import normalize_axis
from ..tracer import Tracer


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_plain, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *[name for name in dir(_plain) if not name.startswith("__")]})


# Operands and modes


def _operands(name: str, in1: Any, in2: Any) -> tuple[Any, Any]:
    x, y = asarray(in1), asarray(in2)
    if x.ndim != y.ndim:
        raise ShapeError(
            f"signal.{name} of shapes {x.shape} and {y.shape}: they must have as many axes"
        )
    return x, y


def _sorted(name: str, mode: str, x: Any, y: Any, axes: Sequence[int]) -> tuple[Any, Any]:
    """The operands with, for the mode `valid`, the longer one first."""
    if mode not in ("full", "same", "valid"):
        raise OptionError(f"signal.{name}: the mode is 'full', 'same' or 'valid', not {mode!r}")
    longer = [x.shape[a] >= y.shape[a] for a in axes]
    if mode != "valid" or all(longer):
        return x, y
    if any(x.shape[a] > y.shape[a] for a in axes):
        raise ShapeError(
            f"signal.{name} of shapes {x.shape} and {y.shape}: for the mode 'valid' one of them "
            "must be at least as long as the other along every axis"
        )
    return y, x


def _centered(x: Any, lengths: Sequence[int]) -> Any:
    """The middle of an array."""
    starts = [(n - length) // 2 for n, length in zip(x.shape, lengths, strict=True)]
    return x[tuple([slice(i, i + n) for i, n in zip(starts, lengths, strict=True)])]


def _reversed(x: Any) -> Any:
    """The conjugate, backwards along all axes."""
    return np.conjugate(flip(x, range(x.ndim)))


# Convolution


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """As `scipy.signal.convolve`, of arrays with as many axes.

    Args:
        mode: "full" for all overlaps, "valid" for the complete ones, "same" for the middle part of
            all, of the shape of `in1`.
        method: "direct", "fft", or "auto" for the one that is likely to be faster.

    Raises:
        ShapeError: when the numbers of axes differ, or the shapes have no complete overlap.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.signal import convolve
        >>> convolve(np.array([1, 2, 3]), np.array([1, 10]))
        array([ 1, 12, 23, 30])
    """
    x, y = _operands("convolve", in1, in2)
    if not x.ndim:
        return x * y
    x, y = _sorted("convolve", mode, x, y, range(x.ndim))
    if method not in ("auto", "direct", "fft"):
        raise OptionError(
            f"signal.convolve: the method is 'auto', 'direct' or 'fft', not {method!r}"
        )
    if (_faster(x, y, mode) if method == "auto" else method) == "direct":
        x, y = cast.promote_together(x, y)
        return _direct(x, y, mode)
    dtype = cast.result_dtype(x, y)
    result = fftconvolve(x, y, mode)
    return cast.astype(np.round(result) if dtype.kind in "iu" else result, dtype)


def _faster(x: Any, y: Any, mode: str) -> str:
    """SciPy's choice of a method, which depends on values for integers alone."""
    if x.dtype.kind in "iu" or y.dtype.kind in "iu":
        if type(x) is Tracer or type(y) is Tracer:
            return "direct"
    else:
        x, y = (np.broadcast_to(z.dtype.type(0), z.shape) for z in (x, y))
    return str(_plain.choose_conv_method(x, y, mode))


def _direct(x: Any, y: Any, mode: str) -> Any:
    """Products of windows of the larger operand with the other one, of one dtype."""
    if not x.size or not y.size:
        raise ShapeError(f"convolution of shapes {x.shape} and {y.shape}: an operand is empty")
    large, small = (x, y) if x.size >= y.size else (y, x)
    if mode == "valid":
        return _valid(x, y)
    around = [(n - 1, n - 1) for n in small.shape]
    full = _vectors.convolve(large, small, "full") if x.ndim == 1 else (
        _valid(pad(large, around), small)
    )  # fmt: skip
    return full if mode == "full" else _centered(full, x.shape)


def _valid(x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return _vectors.convolve(x, y, "valid")
    n, ones = x.ndim, (1,) * x.ndim
    inside, places = LETTERS[:n], LETTERS[n : 2 * n]
    return einsum(
        f"{inside}{places},{inside}->{places}",
        _windows.windows(x, y.shape, ones, ones), flip(y, range(n)),
    )  # fmt: skip


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """As `scipy.signal.fftconvolve`: convolution by Fourier transforms.

    Args:
        mode: as for `convolve`.
        axes: those to convolve along, by default all; along the others the shapes broadcast.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.signal import fftconvolve
        >>> fftconvolve(np.array([1.0, 2]), np.array([1.0, 10])).round(12)
        array([ 1., 12., 20.])
    """
    x, y = (_inexact(z) for z in _operands("fftconvolve", in1, in2))
    if not x.ndim:
        return x * y
    if not x.size or not y.size:
        return np.array([])
    given = range(x.ndim) if axes is None else np.atleast_1d(axes).tolist()
    if not len(given):
        raise OptionError("signal.fftconvolve: axes must not be empty")
    numbers = [normalize_axis(a, x.ndim) for a in given]
    along = [a for a in numbers if x.shape[a] != 1 and y.shape[a] != 1]
    x, y = _sorted("fftconvolve", mode, x, y, along)
    lengths = [
        x.shape[a] + y.shape[a] - 1 if a in along else max(x.shape[a], y.shape[a])
        for a in range(x.ndim)
    ]
    full = _by_transforms(x, y, along, lengths)
    if mode == "full":
        return full
    if mode == "same":
        return _centered(full, x.shape)
    return _centered(full, [
        x.shape[a] - y.shape[a] + 1 if a in along else lengths[a] for a in range(x.ndim)
    ])  # fmt: skip


def _inexact(x: Any) -> Any:
    """Integers in double precision, and half precision in single."""
    if x.dtype.kind in "biu":
        return cast.astype(x, np.dtype(np.float64))
    return cast.astype(x, np.dtype(np.float32)) if x.dtype.char == "e" else x


def _by_transforms(x: Any, y: Any, axes: Sequence[int], lengths: Sequence[int]) -> Any:
    if not axes:
        return x * y
    is_real = x.dtype.kind == y.dtype.kind == "f"
    fast: Any = [next_fast_len(lengths[a], is_real) for a in axes]
    if is_real:
        product = np.fft.rfftn(x, fast, axes) * np.fft.rfftn(y, fast, axes)
        result = np.fft.irfftn(product, fast, axes)
    else:
        result = np.fft.ifftn(np.fft.fftn(x, fast, axes) * np.fft.fftn(y, fast, axes), fast, axes)
    return result[tuple([slice(n) for n in lengths])]


def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """As `scipy.signal.oaconvolve`: the same numbers as `fftconvolve`, by which it is computed."""
    return fftconvolve(in1, in2, mode, axes)


# Correlation


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """As `scipy.signal.correlate`: the convolution with the conjugate of in2 backwards.

    Args:
        mode, method: as for `convolve`.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.signal import correlate
        >>> correlate(np.array([1, 2, 3]), np.array([0, 1]), mode="valid")
        array([2, 3])
    """
    x, y = _operands("correlate", in1, in2)
    return convolve(x, _reversed(y), mode, method)


# In two axes, with boundaries

_BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """As `scipy.signal.convolve2d`.

    Args:
        boundary: what is beyond the edges of `in1`: "fill" for `fillvalue`, "wrap" for the matrix
            repeated, "symm" for it mirrored.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.signal import convolve2d
        >>> convolve2d(np.eye(2), np.ones((1, 2)), mode="same", boundary="wrap")
        array([[1., 1.],
               [1., 1.]])
    """
    x, y = _matrices("convolve2d", in1, in2)
    x, y = _sorted("convolve2d", mode, x, y, (0, 1))
    start = [(n - 1) // 2 for n in y.shape]
    return _bordered("convolve2d", x, y, mode, boundary, fillvalue, start)


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """As `scipy.signal.correlate2d`; the options are those of `convolve2d`."""
    given, y = _matrices("correlate2d", in1, in2)
    x, y = _sorted("correlate2d", mode, given, _reversed(y), (0, 1))
    start = [n // 2 for n in y.shape]  # for an even length not where `correlate` begins
    result = _bordered("correlate2d", x, y, mode, boundary, fillvalue, start)
    return result if x is given else np.conjugate(result)  # SciPy conjugates the shorter operand


def _matrices(name: str, in1: Any, in2: Any) -> tuple[Any, Any]:
    x, y = _operands(name, in1, in2)
    if x.ndim != 2:
        raise ShapeError(f"signal.{name} of shapes {x.shape} and {y.shape}: expected matrices")
    x, y = cast.promote_together(x, y)
    return x, y


def _bordered(
    name: str, x: Any, y: Any, mode: str, boundary: str, fillvalue: Any, start: Sequence[int]
) -> Any:
    """The convolution with something beyond the edges.

    Args:
        start: where in the whole result the mode `same` begins.
    """
    if boundary not in _BOUNDARIES:
        raise OptionError(
            f"signal.{name}: the boundary is 'fill', 'wrap' or 'symm', not {boundary!r}"
        )
    if mode == "valid":
        return _valid(x, y)
    around = [(n - 1, n - 1) for n in y.shape]
    options = {"constant_values": fillvalue} if boundary == "fill" else {}
    full = _valid(pad(x, around, _BOUNDARIES[boundary], **options), y)
    if mode == "full":
        return full
    return full[tuple([slice(i, i + n) for i, n in zip(start, x.shape, strict=True)])]


# Trends


def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Any:
    """As `scipy.signal.detrend`: the data without a least-squares trend along an axis.

    Args:
        type: "linear" or "constant".
        bp: places between which there is a trend each.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.signal import detrend
        >>> detrend(np.array([1.0, 3.0, 5.0, 8.0])).round(12)
        array([ 0.2, -0.1, -0.4,  0.3])
    """
    x = asarray(data)
    if type in ("constant", "c"):
        return x - np.mean(x, axis, keepdims=True)
    if type not in ("linear", "l"):
        raise OptionError(f"signal.detrend: the type is 'linear' or 'constant', not {type!r}")
    x = x if x.dtype.char in "dfDF" else cast.astype(x, np.dtype(np.float64))
    last = np.moveaxis(x, axis, -1)
    length = last.shape[-1]
    ends = np.unique(np.concatenate([[0], np.ravel(bp), [length]])).tolist()
    if ends[-1] > length:
        raise OptionError(f"signal.detrend: a breakpoint in {bp} lies beyond the length {length}")
    parts = [_without_line(last[..., a:b]) for a, b in pairwise(ends)]
    return np.moveaxis(np.concatenate(parts, -1), -1, axis)


def _without_line(x: Any) -> Any:
    """The last axis without its projection on straight lines."""
    count = x.shape[-1]
    basis, _ = np.linalg.qr(np.stack([np.ones(count), np.arange(count)], -1))
    basis = basis.astype(x.dtype)
    return x - (x @ basis) @ basis.T
