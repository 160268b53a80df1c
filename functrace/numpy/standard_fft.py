"""The namespace `functrace.numpy.fft`: NumPy's, with the options that the array API standard adds.

Frequencies take a `dtype=`, and transforms of several axes take lengths `s` without `axes`, for the
last axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.fft import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]

from ._register import demand_cpu


def _of_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    def frequencies(n: int, d: Any = 1.0, device: Any = None, *, dtype: Any = None) -> Any:
        demand_cpu(function.__name__, device)
        places = function(n, d)
        return places if dtype is None else places.astype(dtype)

    frequencies.__name__ = function.__name__
    frequencies.__doc__ = f"As `np.fft.{function.__name__}`, in any dtype."
    return frequencies


fftfreq = _of_dtype(np.fft.fftfreq)
rfftfreq = _of_dtype(np.fft.rfftfreq)


def _of_last_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    def transform(
        a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None
    ) -> Any:
        if s is not None and axes is None:
            axes = range(-len(s), 0)
        return function(a, s, axes, norm, out)

    transform.__name__ = function.__name__
    transform.__doc__ = f"As `np.fft.{function.__name__}`; `s` without `axes` is of the last axes."
    return transform


fftn = _of_last_axes(np.fft.fftn)
ifftn = _of_last_axes(np.fft.ifftn)
rfftn = _of_last_axes(np.fft.rfftn)
irfftn = _of_last_axes(np.fft.irfftn)
