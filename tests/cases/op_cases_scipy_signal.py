"""Cases of `functrace.scipy.signal`, each to be compared with SciPy's own function as well."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import functrace.scipy.signal

from .op_cases import case, complex_, integers, real
from .op_cases_scipy_linalg import Pair

PAIRS: list[Pair] = []


def both(name: str, function: Callable[..., Any], *operands: Any) -> None:
    """A case of ours, which SciPy computes as well."""
    PAIRS.append(Pair(name, function, operands))
    case(f"signal.{name}", partial(function, functrace.scipy.signal), *operands)


for _mode in ("full", "same", "valid"):
    both(f"convolve {_mode}", lambda s, x, y, m=_mode: s.convolve(x, y, m), real(2, 4), real(2, 3))
    both(f"correlate {_mode}", lambda s, x, y, m=_mode: s.correlate(x, y, m, "direct"),
         complex_(4), complex_(2))  # fmt: skip
    both(f"fftconvolve {_mode}", lambda s, x, y, m=_mode: s.fftconvolve(x, y, m, axes=1),
         real(1, 4), real(2, 2))  # fmt: skip
both("convolve fft", lambda s, x, y: s.convolve(x, y, method="fft"), complex_(3), real(2))
both("convolve of integers", lambda s, x, y: s.convolve(x, y), integers(2, 3), integers(2, 2))
both("convolve of numbers", lambda s, x, y: s.convolve(x, y), real(), real())
both("correlate of cubes", lambda s, x, y: s.correlate(x, y), real(2, 2, 1), real(1, 2, 2))
both("oaconvolve", lambda s, x, y: s.oaconvolve(x, y), real(3), real(2))
for _boundary in ("fill", "wrap", "symm"):
    both(f"convolve2d {_boundary}",
         lambda s, x, y, b=_boundary: s.convolve2d(x, y, boundary=b, fillvalue=0.5),
         real(2, 3), real(2, 2))  # fmt: skip
both("convolve2d same", lambda s, x, y: s.convolve2d(x, y, "same", "wrap"), real(3, 3), real(2, 3))
both("correlate2d", lambda s, x, y: s.correlate2d(x, y, "same", "symm"), complex_(2, 3),
     complex_(2, 2))  # fmt: skip
both("correlate2d valid", lambda s, x, y: s.correlate2d(x, y, "valid"), real(3, 3), real(2, 2))
both("detrend", lambda s, x: s.detrend(x, axis=0), real(4, 2))
both("detrend pieces", lambda s, x: s.detrend(x, bp=[2]), complex_(5))
both("detrend constant", lambda s, x: s.detrend(x, type="constant"), real(2, 3))
