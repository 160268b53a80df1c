"""Cases of the numerical functions: ufuncs of parts and integers, statistics, polynomials."""

from __future__ import annotations

import numpy as np

from functrace.tracer import UFUNCS

from .op_cases import case, complex_, integers, positive, real

# Ufuncs

case("copysign", np.copysign, real(2, 3), real(3))
case("ldexp", np.ldexp, real(2, 3), integers(3))
case("ldexp by a Python int", lambda x: np.ldexp(x, -2), real(3))
case("frexp", np.frexp, real(2, 3))
case("modf", np.modf, real(2, 3))
case("gcd", np.gcd, integers(2, 3), integers(3))
case("lcm", np.lcm, integers(2, 3), integers(3))
case("bitwise_count", np.bitwise_count, integers(3))
if hasattr(np, "matvec"):
    case("matvec", np.matvec, real(2, 1, 3, 2), real(3, 2))
    case("matvec of complex", np.matvec, complex_(3, 2), complex_(2))
    case("vecmat", np.vecmat, real(3), real(2, 3, 2))
    case("vecmat of complex", np.vecmat, complex_(2), complex_(2, 3))

_PAIRWISE = [u for u in UFUNCS if u.nin == 2 and u.nout == 1 and u.signature is None]
_OF_INTEGERS = {np.gcd, np.lcm, np.ldexp} | {u for u in UFUNCS if "d" not in "".join(u.types)}
case("outer of ufuncs",
     lambda x, y: [u.outer(x, y) for u in _PAIRWISE if u not in {*_OF_INTEGERS, np.nextafter}],
     positive(2, 1), positive(2))  # fmt: skip
case("outer of integers",
     lambda x, y: [u.outer(x, y) for u in _PAIRWISE if u is not np.float_power],
     integers(2), integers(2))  # fmt: skip
case("outer with a scalar", lambda x: (np.multiply.outer(x, 2.0), np.multiply.outer(2.0, x)),
     real(2))  # fmt: skip
for _ufunc in (np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot):
    case(f"{_ufunc.__name__} reduce and accumulate",
         lambda x, u=_ufunc: (u.reduce(x, axis=(0, 1)), u.accumulate(x, 1), u.reduce(x[:1])),
         real(3, 2))  # fmt: skip
for _ufunc in (np.gcd, np.lcm, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_xor):
    case(f"{_ufunc.__name__} reduce and accumulate",
         lambda x, u=_ufunc: (u.reduce(x), u.accumulate(x, 1)), integers(3, 2))  # fmt: skip
case("logaddexp reduce where",
     lambda x, m: np.logaddexp.reduce(x, 1, where=m, initial=-1, keepdims=True),
     real(2, 3), np.array([True, False, True]))  # fmt: skip
case("logaddexp reduce of no elements", np.logaddexp.reduce, real(0, 2), differentiable=False)
for _ufunc in (np.maximum, np.minimum):
    case(f"{_ufunc.__name__} accumulate",
         lambda x, u=_ufunc: (u.accumulate(x), u.accumulate(x, -1)), real(3, 4))  # fmt: skip
case("maximum accumulate of integers", np.maximum.accumulate, np.array([2, 5, 3, 5]))

# Elementwise functions

case("sinc", np.sinc, real(2, 3))
case("sinc near 0", np.sinc, np.array([0.0, 1e-9, -0.1, 2.0]))
case("sinc of complex", np.sinc, complex_(3))
case("sinc of integers", np.sinc, integers(3))
case("i0", np.i0, np.array([-1.5, 0.0, 0.3, 7.9, 10.0]))
case("i0 of integers", np.i0, integers(3))
case("fix", np.fix, real(4))
case("angle", np.angle, complex_(3))
case("angle in degrees", lambda z: np.angle(z, deg=True), complex_(3))
case("angle of real", np.angle, real(3))
case("nan_to_num", np.nan_to_num, real(3))
case("nan_to_num of NaN and infinities",
     lambda x: (np.nan_to_num(x - [np.nan, np.inf, -np.inf, 0.0]),
                np.nan_to_num(x - [np.nan, np.inf, -np.inf, 0.0], nan=3.0, posinf=1.0, neginf=-1)),
     real(4))  # fmt: skip
case("nan_to_num of complex", np.nan_to_num, complex_(3))
case("nan_to_num of integers", np.nan_to_num, integers(3))
case("isposinf and isneginf", lambda x: (np.isposinf(x), np.isneginf(x)),
     np.array([1.0, np.inf, -np.inf, np.nan]))  # fmt: skip
case("iscomplex and isreal", lambda z: (np.iscomplex(z), np.isreal(z)), np.array([1, 1j, 2 + 1j]))
case("isreal of real", lambda x: (np.isreal(x), np.iscomplex(x)), real(2))
case("real_if_close", lambda z: np.real_if_close(z * (1 + 0j)), complex_(3), needs_values=True)
case("real_if_close of nearly real", lambda x: np.real_if_close(x + 1e-15j), real(3),
     needs_values=True)  # fmt: skip
case("real_if_close of real", np.real_if_close, real(3))
case("array_equiv", lambda x: x * np.array_equiv(x, x[None]), real(3), needs_values=True)
