"""Ops on the parts of a floating-point number: its sign, exponent, fraction."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import NOT_LINEAR, ZERO, Primitive
from ..recorder import bind
from ..tracer import UFUNCS
from ._families import Partial, binary, elementwise
from .cast import loop_dtypes, promote
from .elementwise import negative, sign, trunc

copysign = binary(
    "copysign", np.copysign,
    lambda t, z, x, y: t * (sign(x) * copysign(x.dtype.type(1), y)), ZERO,  # |x| with a sign
    total=True,
)  # fmt: skip
ldexp = binary("ldexp", np.ldexp, lambda t, z, x, n: ldexp(t, n), ZERO, linear=(0,))


def _part(name: str, ufunc: np.ufunc, which: int, partial: Partial) -> Primitive:
    """One of the two outputs of a ufunc of one operand, as an op of its own."""
    return elementwise(
        name,
        lambda x: ufunc(x)[which],
        lambda x: loop_dtypes(ufunc, (x.dtype,))[1 + which],
        (partial,),
        transpose=NOT_LINEAR,
    )


EXPONENT = _part("exponent", np.frexp, 1, ZERO)
MANTISSA = _part(
    "mantissa", np.frexp, 0, lambda t, y, x: ldexp(t, negative(bind(EXPONENT, x)))
)  # fmt: skip
FRACTION = _part("fraction", np.modf, 0, lambda t, y, x: t)


def frexp(x: Any) -> tuple[Any, Any]:
    """As `np.frexp`: the mantissa, between 1/2 and 1 in magnitude, and the exponent of 2."""
    (x,) = promote(np.frexp, [x])
    return bind(MANTISSA, x), bind(EXPONENT, x)


def modf(x: Any) -> tuple[Any, Any]:
    """As `np.modf`: the fractional and the integral part."""
    (x,) = promote(np.modf, [x])
    return bind(FRACTION, x), trunc(x)


UFUNCS[np.frexp] = frexp
UFUNCS[np.modf] = modf
