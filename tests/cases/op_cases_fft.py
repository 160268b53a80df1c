"""Cases of `numpy.fft`."""

from __future__ import annotations

from functools import partial

import numpy as np

from .op_cases import case, complex_, integers, real

fft = np.fft

# One axis

for _function in (fft.fft, fft.ifft, fft.irfft, fft.hfft):
    case(_function.__name__, _function, complex_(2, 4))
    case(f"{_function.__name__} n axis norm", partial(_function, n=5, axis=0, norm="ortho"),
         complex_(3, 2))  # fmt: skip
    case(f"{_function.__name__} of real numbers", partial(_function, n=3, norm="forward"), real(4))
for _function in (fft.rfft, fft.ihfft):
    case(_function.__name__, _function, real(2, 4))
    case(f"{_function.__name__} n axis norm", partial(_function, n=5, axis=0, norm="ortho"),
         real(3, 2))  # fmt: skip
    case(f"{_function.__name__} forward", partial(_function, n=3, norm="forward"), real(4))
case("irfft odd backward", partial(fft.irfft, n=5, norm="backward"), complex_(3))
case("fft of integers", fft.fft, integers(3))
case("rfft of integers", fft.rfft, integers(3))

# Several axes

for _function in (fft.fftn, fft.ifftn, fft.irfftn):
    case(_function.__name__, _function, complex_(2, 3, 3))
    case(f"{_function.__name__} s axes norm",
         partial(_function, s=(4, 3), axes=(2, 0), norm="ortho"), complex_(2, 2, 3))  # fmt: skip
case("fftn of real numbers", partial(fft.fftn, s=(-1, 2), axes=(0, 1)), real(2, 3))
case("rfftn", fft.rfftn, real(2, 3, 2))
case("rfftn s axes norm", partial(fft.rfftn, s=(4, 3), axes=(2, 0), norm="ortho"), real(2, 1, 3))
for _function in (fft.fft2, fft.ifft2, fft.irfft2):
    case(_function.__name__, _function, complex_(2, 2, 3))
case("rfft2", partial(fft.rfft2, norm="forward"), real(2, 2, 3))

# Order of frequencies

case("fftshift", fft.fftshift, real(3, 4))
case("fftshift axes", partial(fft.fftshift, axes=1), complex_(2, 3))
case("ifftshift", partial(fft.ifftshift, axes=(0,)), real(3, 2))
case("frequencies", lambda x: fft.rfftfreq(4, 0.5) * fft.rfft(x), real(4))
