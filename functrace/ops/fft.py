"""Discrete Fourier transforms: `fft` of complex numbers along axes, `rfft` and `irfft` along one.

All are linear over the real numbers, and each is its own derivative. To transform more or fewer
elements than an axis has, or several axes of real numbers, they are composed.
The parameter `norm` says, as in NumPy, which direction is divided by the number of elements n.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import ArrayType
from ..primitive import LINEAR, Primitive
from ..recorder import bind
from .elementwise import conjugate

SWAPPED = {"backward": "forward", "ortho": "ortho", "forward": "backward"}

# fft


def fft(x: Any, axes: tuple[int, ...], norm: str, inverse: bool = False) -> Any:
    """The transform of complex numbers along axes, or the inverse transform."""
    return bind(FFT, x, axes=axes, norm=norm, inverse=inverse) if axes else x


def _fft_impl(x: Any, *, axes: tuple[int, ...], norm: Any, inverse: bool) -> Any:
    function = np.fft.ifft if inverse else np.fft.fft
    for axis in axes:
        x = function(x, axis=axis, norm=norm)
    return x


def _fft_transpose(ct: Any, operands: Any, **params: Any) -> Any:
    return (bind(FFT, ct, **params),)  # the matrix of the transform is symmetric


def _fft_batch(size: int, operands: Any, mapped: Any, *, axes: Any, **params: Any) -> Any:
    return fft(operands[0], tuple(i + 1 for i in axes), **params)


def _fft_text(x: str, *, axes: tuple[int, ...], norm: str, inverse: bool) -> str:
    return f"fft.{'ifftn' if inverse else 'fftn'}({x}, axes={axes}{_norm_text(norm)})"


def _norm_text(norm: str) -> str:
    return "" if norm == "backward" else f", norm={norm!r}"


FFT = Primitive(
    "fft",
    infer=lambda x, **_: x,
    impl=_fft_impl,
    jvp=LINEAR,
    transpose=_fft_transpose,
    batch=_fft_batch,
    text=_fft_text,
)

# rfft and irfft


def rfft(x: Any, axis: int, norm: str) -> Any:
    """The first n // 2 + 1 elements of the transform of n real numbers; the others mirror them."""
    return bind(RFFT, x, axis=axis, norm=norm)


def irfft(x: Any, axis: int, n: int, norm: str) -> Any:
    """The n real numbers of which x, of length n // 2 + 1, is the transform."""
    return bind(IRFFT, x, axis=axis, n=n, norm=norm)


def _with_length(x: ArrayType, axis: int, n: int, dtype: Any) -> ArrayType:
    return ArrayType((*x.shape[:axis], n, *x.shape[axis + 1 :]), dtype)


def _rfft_infer(x: ArrayType, *, axis: int, norm: str) -> ArrayType:
    return _with_length(x, axis, x.shape[axis] // 2 + 1, np.result_type(x.dtype, 1j))


def _irfft_infer(x: ArrayType, *, axis: int, n: int, norm: str) -> ArrayType:
    return _with_length(x, axis, n, np.real(np.empty(0, x.dtype)).dtype)


def _occurrences(n: int, ndim: int, axis: int, dtype: np.dtype[Any]) -> np.ndarray:
    """How often each element of a half spectrum occurs in the whole: twice but for its ends."""
    k = np.arange(n // 2 + 1)
    counts = np.where((k == 0) | (2 * k == n), 1, 2).astype(dtype)
    return counts.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _rfft_transpose(ct: Any, operands: Any, *, axis: int, norm: str) -> Any:
    (x,) = operands
    n = x.shape[axis]
    shared = conjugate(ct) / _occurrences(n, ct.ndim, axis, x.dtype)
    return (irfft(shared, axis, n, SWAPPED[norm]),)


def _irfft_transpose(ct: Any, operands: Any, *, axis: int, n: int, norm: str) -> Any:
    spectrum = conjugate(rfft(ct, axis, SWAPPED[norm]))
    return (spectrum * _occurrences(n, ct.ndim, axis, ct.dtype),)


RFFT = Primitive(
    "rfft",
    infer=_rfft_infer,
    impl=lambda x, *, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
    jvp=LINEAR,
    transpose=_rfft_transpose,
    batch=lambda size, operands, mapped, *, axis, norm: rfft(operands[0], axis + 1, norm),
    text=lambda x, *, axis, norm: f"fft.rfft({x}, axis={axis}{_norm_text(norm)})",
)
IRFFT = Primitive(
    "irfft",
    infer=_irfft_infer,
    impl=lambda x, *, axis, n, norm: np.fft.irfft(x, n, axis, norm),
    jvp=LINEAR,
    transpose=_irfft_transpose,
    batch=lambda size, operands, mapped, *, axis, n, norm: irfft(operands[0], axis + 1, n, norm),
    text=lambda x, *, axis, n, norm: f"fft.irfft({x}, {n}, axis={axis}{_norm_text(norm)})",
)
