"""Elementwise ops: a row each, with their partial derivatives.

Conventions where the derivative does not exist: `maximum` and `minimum` share the tangent equally
between equal operands; `abs` and `sign` have derivative 0 at 0; steps (`floor`, `round`,
comparisons) have derivative 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ir import ArrayType, zeros
from ..primitive import (
    LINEAR,
    NONDIFFERENTIABLE,
    NOT_LINEAR,
    ZERO,
    Linear,
    Masked,
    NotLinearError,
    Primitive,
)
from ..recorder import bind, type_of
from ..tracer import UFUNCS, Tracer, copied
from ._families import Comparison, ElementwiseOp, binary, elementwise, unary
from ._large import select, select_into
from .activations import sigmoid
from .activations import tanh as tanh
from .cast import astype, converted, promote, promote_together, real_dtype_of
from .lengths import CONVENTION, times_power
from .lengths import radical as radical
from .lengths import root_of_squares as root_of_squares
from .shape import unbroadcast

# Arithmetic

add = binary(
    "add", np.add, lambda t, z, x, y: t, lambda t, z, x, y: t, linear=(0, 1), text="{} + {}",
    total=True, finite_slope=True, commutative=True,
)  # fmt: skip
subtract = binary(
    "subtract", np.subtract, lambda t, z, x, y: t, lambda t, z, x, y: -t,
    linear=(0, 1), text="{} - {}",
    total=True, finite_slope=True,
)  # fmt: skip
multiply = binary(
    "multiply", np.multiply, lambda t, z, x, y: t * y, lambda t, z, x, y: x * t,
    linear=(0, 1), text="{} * {}",
    total=True, finite_slope=True, commutative=True,
)  # fmt: skip
divide = binary(
    "divide", np.divide, lambda t, z, x, y: t / y, lambda t, z, x, y: -t * (z / y),
    linear=(0,), text="{} / {}",
)  # fmt: skip
floor_divide = binary("floor_divide", np.floor_divide, ZERO, ZERO, text="{} // {}")
remainder = binary(
    "remainder", np.remainder,
    lambda t, z, x, y: t, lambda t, z, x, y: -t * floor_divide(x, y), text="{} % {}",
)  # fmt: skip


def divmod_(x: Any, y: Any) -> tuple[Any, Any]:
    """As `np.divmod`."""
    return floor_divide(x, y), remainder(x, y)


UFUNCS[np.divmod] = divmod_
fmod = binary(
    "fmod", np.fmod, lambda t, z, x, y: t, lambda t, z, x, y: -t * rint((x - z) / y)
)  # fmt: skip
negative = unary(
    "negative", np.negative, lambda t, y, x: -t, linear=(0,), text="-{}",
    total=True, finite_slope=True,
)  # fmt: skip
reciprocal = unary("reciprocal", np.reciprocal, lambda t, y, x: -t * square(y), text="1 / {}")
square = unary(
    "square", np.square, lambda t, y, x: t * x * 2, text="{} ** 2",
    total=True, finite_slope=True, even=True, never_minus_zero=True, nonnegative=True,
)  # fmt: skip


def positive(x: Any) -> Any:
    """As `np.positive`."""
    result = promote(np.positive, [x])[0]
    return copied(result) if result is x and type(x) is Tracer else result


UFUNCS[np.positive] = positive


def _power_of_base(t: Any, z: Any, x: Any, y: Any) -> Any:
    if not isinstance(y, Tracer) and y.ndim == 0:
        if y == 0:
            return None  # x**0 is 1 everywhere, also at 0
        return t if y == 1 else t * (y * power(x, y - 1))
    constant = logical_and(equal(x, 0), equal(y, 0))  # there, x**(y-1) is infinite
    return t * (y * power(x, where(constant, 1, y - 1)))


def _power_of_exponent(t: Any, z: Any, x: Any, y: Any) -> Any:
    return t * (z * log(where(equal(x, 0), 1, x)))  # 0**y is constant for y > 0


_power = binary(
    "power", np.power, _power_of_base, _power_of_exponent, text="{} ** {}",
    partial_for_integers=True,  # negative exponents raise
)  # fmt: skip
_EXACT_POWERS = {2: lambda x: square(x), 1: positive, 0.5: lambda x: sqrt(x)}


def power(x: Any, y: Any) -> Any:
    """As `np.power`; the exponents 2, 1 and 0.5 take the shorter ways that NumPy's `**` takes."""
    if type(y) in (int, float) and y in _EXACT_POWERS and type_of(converted(x)).inexact:
        return _EXACT_POWERS[y](x)
    return _power(x, y)


UFUNCS[np.power] = power


def float_power(x: Any, y: Any) -> Any:
    """As `np.float_power`: a power computed in at least double precision."""
    return _power(*promote(np.float_power, [x, y]))


UFUNCS[np.float_power] = float_power

# Exponentials and logarithms

exp = unary(
    "exp", np.exp, lambda t, y, x: t * y,
    total=True, finite_slope=True, never_minus_zero=True, nonnegative=True,
)  # fmt: skip
exp2 = unary(
    "exp2", np.exp2, lambda t, y, x: t * (y * math.log(2)),
    finite_slope=True, total=True, never_minus_zero=True, nonnegative=True,
)  # fmt: skip
expm1 = unary("expm1", np.expm1, lambda t, y, x: t * exp(x), finite_slope=True, total=True)
log = unary("log", np.log, lambda t, y, x: t / x, never_minus_zero=True)
log2 = unary("log2", np.log2, lambda t, y, x: t / (x * math.log(2)), never_minus_zero=True)
log10 = unary("log10", np.log10, lambda t, y, x: t / (x * math.log(10)), never_minus_zero=True)
log1p = unary("log1p", np.log1p, lambda t, y, x: t / (x + 1))
sqrt = unary("sqrt", np.sqrt, lambda t, y, x: t / (y * 2), nonnegative=True)
cbrt = unary("cbrt", np.cbrt, lambda t, y, x: t / (square(y) * 3), total=True)


def _share(x: Any, y: Any, scale: float = 1) -> Any:
    """The share of e^x in e^x + e^y; a half where both are the same infinity."""
    tied = logical_and(equal(x, y), isinf(x))
    return sigmoid((where(tied, 0, x) - where(tied, 0, y)) * scale)


logaddexp = binary(
    "logaddexp", np.logaddexp,
    lambda t, z, x, y: t * _share(x, y), lambda t, z, x, y: t * _share(y, x),
    finite_slope=True, commutative=True, total=True, never_minus_zero=True,
)  # fmt: skip
logaddexp2 = binary(
    "logaddexp2", np.logaddexp2,
    lambda t, z, x, y: t * _share(x, y, math.log(2)),
    lambda t, z, x, y: t * _share(y, x, math.log(2)),
    commutative=True, total=True, never_minus_zero=True,
)  # fmt: skip

# Trigonometry. Where a slope is 1 - x² or x / length, the derivative of that is an op's rule, as it
# would have no digits by the formula where one of the operands is small.


def _one_less_square_into(x: Any, *, out: Any) -> Any:
    """1 - x², with all its digits also near 1.

    Where a complex x lies on a branch cut, the sign of its imaginary part 0 tells the side. It
    outlives subtracting a real number, and not adding one.
    """
    if out.dtype.kind == "f":
        return np.multiply(np.subtract(1, x, out=out), 1 + x, out=out)
    return np.multiply(np.negative(np.subtract(x, 1, out=out), out=out), x - -1, out=out)


ONE_LESS_SQUARE = elementwise(
    "one_less_square", lambda x: _one_less_square_into(x, out=np.empty_like(x))[()],
    lambda x: x.dtype, (lambda t, y, x: t * (x * -2),), into=_one_less_square_into,
)  # fmt: skip


def one_less_square(x: Any) -> Any:
    """1 - x²; see above."""
    return bind(ONE_LESS_SQUARE, x)


sin = unary("sin", np.sin, lambda t, y, x: t * cos(x), total=True, finite_slope=True)
cos = unary(
    "cos", np.cos, lambda t, y, x: -t * sin(x),
    total=True, finite_slope=True, even=True, never_minus_zero=True,
)  # fmt: skip
tan = unary("tan", np.tan, lambda t, y, x: t * (square(y) + 1), total=True)
arcsin = unary("arcsin", np.arcsin, lambda t, y, x: t / sqrt(one_less_square(x)))
arccos = unary(
    "arccos", np.arccos, lambda t, y, x: -t / sqrt(one_less_square(x)),
    never_minus_zero=True, nonnegative=True,
)  # fmt: skip
arctan = unary(
    "arctan", np.arctan, lambda t, y, x: t / (square(x) + 1), total=True, finite_slope=True
)  # fmt: skip
sinh = unary("sinh", np.sinh, lambda t, y, x: t * cosh(x), total=True, finite_slope=True)
cosh = unary(
    "cosh", np.cosh, lambda t, y, x: t * sinh(x),
    total=True, finite_slope=True, even=True, never_minus_zero=True, nonnegative=True,
)  # fmt: skip
arcsinh = unary(
    "arcsinh", np.arcsinh, lambda t, y, x: t / _root_of_square_and_1(x),
    total=True, finite_slope=True,
)  # fmt: skip
arccosh = unary(
    "arccosh", np.arccosh, lambda t, y, x: t / (sqrt(x - 1) * sqrt(x - -1)),
    never_minus_zero=True, nonnegative=True,
)  # fmt: skip
arctanh = unary("arctanh", np.arctanh, lambda t, y, x: t / one_less_square(x))
arctan2 = binary(
    "arctan2", np.arctan2,
    lambda t, z, y, x: t * _over_square(x, hypot(x, y)),
    lambda t, z, y, x: -t * _over_square(y, hypot(x, y)),
    total=True,
)  # fmt: skip


def _over_square(x: Any, length: Any) -> Any:
    """x / length², where the square itself may be too large or too small."""
    return (x / length) / length


def _root_of_square_and_1(x: Any) -> Any:
    return hypot(x, 1) if x.dtype.kind == "f" else sqrt(square(x) + 1)


def _cosine_into(x: Any, y: Any, z: Any, *, out: Any) -> Any:
    out[...] = 0
    return np.divide(x, z, out=out, where=np.not_equal(z, 0))


COSINE = elementwise(
    "cosine", lambda x, y, z: _cosine_into(x, y, z, out=np.empty_like(z))[()],
    lambda x, y, z: x.dtype,
    (
        lambda t, c, x, y, z: t * (square(cosine(y, x, z)) * reciprocal(z)),
        lambda t, c, x, y, z: -t * (c * cosine(y, x, z) * reciprocal(z)),
        ZERO,  # z moves with x and y, which counts once
    ),
    into=_cosine_into,
)  # fmt: skip


def cosine(x: Any, y: Any, z: Any) -> Any:
    """x / z for z = hypot(x, y), and 0 where z is 0."""
    return bind(COSINE, x, y, z)


def _direction(x: Any, length: Any) -> Any:
    """The quotient, and 0 where the length is 0; its derivatives are not 0 there."""
    return times_power(x, length, -1, CONVENTION)


hypot = binary(
    "hypot", np.hypot,
    lambda t, z, x, y: t * cosine(x, y, z), lambda t, z, x, y: t * cosine(y, x, z),
    total=True, commutative=True, never_minus_zero=True, nonnegative=True,
)  # fmt: skip
deg2rad = unary("deg2rad", np.deg2rad, lambda t, y, x: t * (math.pi / 180), linear=(0,), total=True)
rad2deg = unary("rad2deg", np.rad2deg, lambda t, y, x: t * (180 / math.pi), linear=(0,), total=True)
UFUNCS[np.radians] = deg2rad
UFUNCS[np.degrees] = rad2deg

# Absolute value, sign, complex parts


def _abs_partial(t: Any, y: Any, x: Any) -> Any:
    return t * sign(x) if x.dtype.kind == "f" else real(t * _direction(conjugate(x), y))


def _sign_partial(t: Any, y: Any, x: Any) -> Any:
    if x.dtype.kind == "f":
        return None
    radial = y * real(t * conjugate(y))  # x/|x| turns, but does not grow
    return _direction(t - radial, absolute(x))


absolute = unary(
    "abs", np.absolute, _abs_partial,
    total=True, finite_slope=True, even=True, never_minus_zero=True, nonnegative=True,
)  # fmt: skip
fabs = unary(
    "fabs", np.fabs, _abs_partial,
    total=True, finite_slope=True, nonnegative=True, even=True, never_minus_zero=True,
)  # fmt: skip
sign = unary("sign", np.sign, _sign_partial, total=True, never_minus_zero=True)
conjugate = unary(
    "conjugate", np.conjugate, lambda t, y, x: conjugate(t), linear=(0,),
    total=True, finite_slope=True,
)  # fmt: skip


def _real_dtype(x: ArrayType) -> np.dtype[Any]:
    return real_dtype_of(x.dtype)


REAL = elementwise(
    "real", lambda x: np.real(x).copy(), _real_dtype, (),
    jvp=LINEAR, transpose=lambda ct, operands: (astype(ct, operands[0].dtype),),
    view=lambda z, new: new + imag(z) * z.dtype.type(1j),
    total=True,
)  # fmt: skip
IMAG = elementwise(
    "imag", lambda x: np.imag(x).copy(), _real_dtype, (),
    jvp=LINEAR, transpose=lambda ct, operands: (ct * operands[0].dtype.type(-1j),),
    view=lambda z, new: real(z) + new * z.dtype.type(1j),
    total=True,
)  # fmt: skip


def real(x: Any) -> Any:
    """The real part; x itself where x is real."""
    return bind(REAL, x) if x.dtype.kind == "c" else x


def imag(x: Any) -> Any:
    """The imaginary part; zeros where x is real."""
    return bind(IMAG, x) if x.dtype.kind == "c" else where(False, x, x.dtype.type(0))


# Steps and other ops without slope

floor = unary("floor", np.floor, ZERO, total=True)
ceil = unary("ceil", np.ceil, ZERO, total=True)
trunc = unary("trunc", np.trunc, ZERO, total=True)
rint = unary("rint", np.rint, ZERO, total=True)
heaviside = binary(
    "heaviside", np.heaviside, ZERO, lambda t, z, x, y: where(equal(x, 0), t, 0),
    total=True,
)  # fmt: skip
nextafter = binary("nextafter", np.nextafter, NONDIFFERENTIABLE, NONDIFFERENTIABLE, total=True)
spacing = unary("spacing", np.spacing, NONDIFFERENTIABLE, total=True, never_minus_zero=True)
isfinite = unary("isfinite", np.isfinite, ZERO, total=True, even=True)
isinf = unary("isinf", np.isinf, ZERO, total=True, even=True)
isnan = unary("isnan", np.isnan, ZERO, total=True, even=True)
signbit = unary("signbit", np.signbit, ZERO, total=True)


def _comparison(name: str, ufunc: np.ufunc, text: str, **traits: Any) -> ElementwiseOp:
    return binary(name, ufunc, ZERO, ZERO, text=text, front_end=Comparison, **traits)


equal = _comparison("equal", np.equal, "{} == {}", total=True, commutative=True)
not_equal = _comparison("not_equal", np.not_equal, "{} != {}", total=True, commutative=True)
less = _comparison("less", np.less, "{} < {}", total=True)
less_equal = _comparison("less_equal", np.less_equal, "{} <= {}", total=True)
greater = _comparison("greater", np.greater, "{} > {}", total=True)
greater_equal = _comparison("greater_equal", np.greater_equal, "{} >= {}", total=True)

logical_and = binary("logical_and", np.logical_and, ZERO, ZERO, total=True, commutative=True)
logical_or = binary("logical_or", np.logical_or, ZERO, ZERO, total=True, commutative=True)
logical_xor = binary("logical_xor", np.logical_xor, ZERO, ZERO, total=True, commutative=True)
logical_not = unary("logical_not", np.logical_not, ZERO, total=True, even=True)
bitwise_and = binary(
    "bitwise_and", np.bitwise_and, ZERO, ZERO, text="{} & {}", total=True, commutative=True
)  # fmt: skip
bitwise_or = binary(
    "bitwise_or", np.bitwise_or, ZERO, ZERO, text="{} | {}", total=True, commutative=True
)  # fmt: skip
bitwise_xor = binary(
    "bitwise_xor", np.bitwise_xor, ZERO, ZERO, text="{} ^ {}", total=True, commutative=True
)  # fmt: skip
invert = unary("invert", np.invert, ZERO, text="~{}", total=True)
left_shift = binary("left_shift", np.left_shift, ZERO, ZERO, text="{} << {}")
right_shift = binary("right_shift", np.right_shift, ZERO, ZERO, text="{} >> {}")
bitwise_count = unary("bitwise_count", np.bitwise_count, ZERO, even=True)
gcd = binary("gcd", np.gcd, ZERO, ZERO, commutative=True)
lcm = binary("lcm", np.lcm, ZERO, ZERO, commutative=True)

# Choices


def _balance_into(x: Any, y: Any, *, out: Any) -> Any:
    np.greater(x, y, out=out)
    ties = np.equal(x, y)
    if ties.any():
        out += np.multiply(ties, out.dtype.type(0.5))
    return out


def _balance_impl(x: Any, y: Any) -> Any:
    out = np.empty(np.broadcast_shapes(np.shape(x), np.shape(y)), x.dtype)
    return _balance_into(x, y, out=out)[()]


BALANCE = elementwise(
    "balance", _balance_impl, lambda x, y: x.dtype, (ZERO, ZERO), into=_balance_into
)


def balance(x: Any, y: Any) -> Any:
    """1 where x is larger, a half where both are equal, 0 where y is larger or one is NaN."""
    return bind(BALANCE, *promote_together(x, y))


def _larger(t: Any, z: Any, x: Any, y: Any) -> Any:
    return t * balance(x, y)


def _smaller(t: Any, z: Any, x: Any, y: Any) -> Any:
    return t * balance(y, x)


def _sole(partial: Any) -> Any:
    """As a partial derivative by x, where y may be NaN and then does not count."""
    return lambda t, z, x, y: where(isnan(y), t, partial(t, z, x, y))


maximum = binary(
    "maximum", np.maximum, _larger, lambda t, z, x, y: _larger(t, z, y, x),
    total=True, finite_slope=True,
)  # fmt: skip
minimum = binary(
    "minimum", np.minimum, _smaller, lambda t, z, x, y: _smaller(t, z, y, x),
    total=True, finite_slope=True,
)  # fmt: skip
fmax = binary(
    "fmax", np.fmax, _sole(_larger), lambda t, z, x, y: _sole(_larger)(t, z, y, x),
    total=True, finite_slope=True,
)  # fmt: skip
fmin = binary(
    "fmin", np.fmin, _sole(_smaller), lambda t, z, x, y: _sole(_smaller)(t, z, y, x),
    total=True, finite_slope=True,
)  # fmt: skip


def where(condition: Any, x: Any, y: Any) -> Any:
    """As `np.where` with three arguments."""
    x, y = promote_together(x, y)
    return bind(WHERE, astype(converted(condition), np.dtype(bool)), x, y)


def _where_jvp(primals: Any, tangents: Any, out: Any) -> Any:
    zero = out.dtype.type(0)
    _, x, y = (zero if t is None else t for t in tangents)
    tangent = where(primals[0], x, y)
    return tangent if tangent.shape == out.shape else tangent + zeros(out)


def _where_transpose(ct: Any, operands: Any) -> tuple[Any, ...]:
    condition, *branches = operands
    if isinstance(condition, Linear):
        raise NotLinearError(condition)
    return (
        None,
        *[
            _branch(ct, condition, taken, x) if isinstance(x, Linear) else None
            for x, taken in zip(branches, (True, False), strict=True)
        ],
    )


def _branch(ct: Any, condition: Any, taken: bool, x: Linear) -> Any:
    if x.shape == ct.shape:
        return Masked(ct, ((condition, taken),))
    return unbroadcast(unmasked(Masked(ct, ((condition, taken),))), x.shape)


def unmasked(ct: Any) -> Any:
    """A cotangent with its conditions applied."""
    if not isinstance(ct, Masked):
        return ct
    value = ct.value
    for condition, taken in ct.conditions:
        value = where(condition, value, 0) if taken else where(condition, 0, value)
    return value


WHERE = elementwise(
    "where", select, lambda condition, x, y: x.dtype, (),
    jvp=_where_jvp, transpose=_where_transpose, into=select_into,
    total=True, finite_slope=True,
)  # fmt: skip

# Derivative stops here


def stop_gradient_op(x: Any) -> Any:
    """The operand itself, with a derivative of zero."""
    return bind(STOP_GRADIENT, x)


STOP_GRADIENT = Primitive(
    "stop_gradient",
    infer=lambda x: x.strong,
    impl=lambda x: x,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped: stop_gradient_op(operands[0]),
    elementwise=True,
    total=True,
)
