"""Rules for signs, factors and powers."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir import Atom, Equation
from ...ops import elementwise as ops
from ...ops.lengths import RADICAL, TIMES_POWER, divisors
from ...ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, broadcast_to, reshape
from ...primitive import PRIMITIVES
from ...recorder import bind
from ..match import CONSTANTS, NUMBER, Match, full_scalar, is_bits, least_normal, rule, scalar

ADD, SUBTRACT = ops.add.primitive, ops.subtract.primitive
MULTIPLY, DIVIDE = ops.multiply.primitive, ops.divide.primitive
NEGATIVE, SQUARE = ops.negative.primitive, ops.square.primitive
ABSOLUTE, POWER = ops.absolute.primitive, PRIMITIVES["power"]

# Signs


@rule(ADD, some=(NEGATIVE, RESHAPE))
def add_of_negative(match: Match) -> Any:
    """x + -y is x - y."""
    left, right = match.equation.inputs
    if (y := _negated(match, right)) is not None:
        return match.value(left) - y
    if (x := _negated(match, left)) is not None:
        return match.value(right) - x
    return None


@rule(SUBTRACT, some=(NEGATIVE, RESHAPE, *CONSTANTS))
def subtract_of_negative(match: Match) -> Any:
    """x - -y is x + y, and x - 0 is x."""
    left, right = match.equation.inputs
    if (y := _negated(match, right)) is not None:
        return match.value(left) + y
    zero = full_scalar(right)
    return match.value(left) if zero is not None and is_bits(zero, 0) else None


def _negated(match: Match, atom: Atom) -> Any:
    """y where an atom is -y, reshaped perhaps."""
    if (y := match.under(NEGATIVE, atom)) is not None:
        return y
    moved = match.made_by(RESHAPE, atom)
    y = None if moved is None else match.under(NEGATIVE, moved.inputs[0])
    return None if y is None else reshape(y, atom.type.shape)


@rule(NEGATIVE, some=(NEGATIVE, MULTIPLY))
def negative_of_negative(match: Match) -> Any:
    """- -x is x, and -(x * c) is x * -c."""
    (operand,) = match.equation.inputs
    if (x := match.under(NEGATIVE, operand)) is not None:
        return x
    product = match.made_by(MULTIPLY, operand)
    if product is not None and match.alone(product):
        x, factor = with_factor(product)
        if factor is not None:
            return match.value(x) * -factor
    return None


@rule(SQUARE, ABSOLUTE, some=(NEGATIVE, ABSOLUTE))
def even_of_sign(match: Match) -> Any:
    """(-x) ** 2 is x ** 2, and abs(x) ** 2 is x ** 2 of a real x; abs(-x) is abs(x)."""
    (operand,) = match.equation.inputs
    if operand.type.dtype.kind == "u":  # whose negative numbers are large ones
        return None
    if (x := match.under(NEGATIVE, operand)) is not None:
        return bind(match.equation.primitive, x)
    if match.equation.primitive is SQUARE and operand.type.dtype.kind == "f":
        x = match.under(ABSOLUTE, operand)
        return None if x is None or x.dtype != operand.type.dtype else ops.square(x)
    return None


# Lengths


@rule(RADICAL)
def power_of_radical(match: Match) -> Any:
    """A radical is a power, once nothing is left to be differentiated."""
    return ops.power(match.value(match.equation.inputs[0]), match.equation.params["exponent"])


@rule(TIMES_POWER)
def product_of_power(match: Match) -> Any:
    """So is a product with a power; where the length is 0, t / inf is 0 and keeps a NaN."""
    t, r = (match.value(atom) for atom in match.equation.inputs)
    power, order = (match.equation.params[name] for name in ("power", "order"))
    if power < 0 < order:
        r = ops.where(ops.equal(r, 0), np.inf, r)
    for divisor in divisors(r, power, ops.power):
        t = t / divisor
    return t if power < 0 else t * (r if power == 1 else ops.power(r, power))


# Sums


@rule(ADD, some=CONSTANTS)
def add_of_zero(match: Match) -> Any:
    """x + -0.0 is x; x + 0.0 is x where no element can be -0.0."""
    left, right = match.equation.inputs
    for x, other in ((left, right), (right, left)):
        zero = full_scalar(other) if other.type.dtype.kind == "f" else None
        if zero is None or x.type is not match.equation.outputs[0].type:
            continue
        if is_bits(zero, -0.0) or (is_bits(zero, 0.0) and _never_minus_zero(match, x)):
            return match.value(x)
    return None


_DEPTH = 4  # equations that are looked at, one behind the other


def _never_minus_zero(match: Match, atom: Atom, depth: int = _DEPTH) -> bool:
    """Whether no element can be -0.0, from the equations that made them."""
    maker = match.maker(atom)
    if maker is None or not depth or not atom.type.size:
        return False
    primitive = maker.primitive
    if primitive.traits.never_minus_zero:
        return maker.inputs[0].type.dtype.kind == "f"
    known = (_never_minus_zero(match, x, depth - 1) for x in maker.inputs)
    if primitive is ADD:
        return any(known)  # both would have to be
    if primitive is REDUCE_SUM:
        return bool(maker.inputs[0].type.size) and all(known)
    return primitive.traits.moves and all(known)


def _power_of_two(number: Any) -> bool:
    return number.dtype.kind == "f" and abs(math.frexp(number)[0]) == 0.5


# Factors


def with_factor(product: Equation) -> tuple[Atom, Any]:
    """The other operand and the number by which a product multiplies it, if it does."""
    left, right = product.inputs
    for x, factor in ((left, scalar(right)), (right, scalar(left))):
        if factor is not None and x.type.inexact and factor and cmath.isfinite(factor):
            return x, factor
    return left, None


@rule(MULTIPLY, some=(NUMBER,))
def multiply_by_number(match: Match) -> Any:
    """x * 1 is x, x * -1 is -x, -x * c is x * -c, and (x * c) * d is x * (c * d).

    The last where c and d are both at least 1, or both at most: then x * (c * d) overflows where
    x * c or its product with d would.
    """
    x, factor = with_factor(match.equation)
    if factor is None:
        return None
    if factor == 1 and x.type.dtype.kind == "f":  # complex infinities become NaN
        return match.value(x)
    if factor == -1 and x.type.dtype.kind == "f":
        return -match.value(x)
    if (inner := match.under(NEGATIVE, x)) is not None:
        return inner * -factor
    product = match.made_by(MULTIPLY, x)
    y, first = (x, None) if product is None else with_factor(product)
    if first is None or first.dtype.kind != "f" or (abs(first) < 1 < abs(factor)):
        return None
    if abs(factor) < 1 < abs(first):
        return None
    with np.errstate(all="ignore"):
        both = first * factor
    in_range = np.isfinite(both) and abs(both) >= least_normal(both.dtype)
    return match.value(y) * both if in_range else None


@rule(MULTIPLY, some=(BROADCAST_TO,))
def multiply_of_broadcast(match: Match) -> Any:
    """Elements that repeat are multiplied by a number once."""
    x, factor = with_factor(match.equation)
    repeated = None if factor is None else match.under(BROADCAST_TO, x)
    if repeated is None or repeated.size == x.type.size:
        return None
    return broadcast_to(repeated * factor, x.type.shape)


@rule(MULTIPLY, twice=True)
def multiply_by_itself(match: Match) -> Any:
    """x * x is its square."""
    left, _ = match.equation.inputs
    return ops.square(match.value(left)) if left.type.dtype.kind == "f" else None


@rule(MULTIPLY, some=(NEGATIVE, *CONSTANTS))
def multiply_by_ones(match: Match) -> Any:
    """x * ones is x, and -x * -y is x * y."""
    left, right = match.equation.inputs
    for x, ones in ((left, right), (right, left)):
        factor = full_scalar(ones) if ones.type.dtype.kind != "c" else None
        if factor is not None and is_bits(factor, 1):
            return match.value(x)
    a, b = match.under(NEGATIVE, left), match.under(NEGATIVE, right)
    return None if a is None or b is None else a * b


@rule(DIVIDE, some=(NUMBER,))
def divide_by_number(match: Match) -> Any:
    """x / 1 is x; x / c is x * (1 / c) where c is a power of two, which is exact."""
    left, right = match.equation.inputs
    divisor = scalar(right)
    if divisor is None or divisor.dtype.kind != "f":
        return None
    if divisor == 1:
        return match.value(left)
    if not _power_of_two(divisor) or not np.isfinite(divisor):
        return None
    reciprocal = 1 / divisor
    exact = abs(reciprocal) >= least_normal(reciprocal.dtype) and np.isfinite(reciprocal)
    return match.value(left) * reciprocal if exact else None


@rule(POWER, some=CONSTANTS)
def power_of_small_integer(match: Match) -> Any:
    """x ** 3 is x * x ** 2, and so on: a power costs as much as twenty products."""
    base, exponent = match.equation.inputs
    n = full_scalar(exponent)
    if n is None or base.type.dtype.kind != "f" or exponent.type.ndim > base.type.ndim:
        return None
    x = match.value(base)
    powers: dict[float, Callable[[], Any]] = {
        1: lambda: x,
        2: lambda: ops.square(x),
        3: lambda: x * ops.square(x),
        4: lambda: ops.square(ops.square(x)),
        -1: lambda: ops.reciprocal(x),
        -2: lambda: ops.square(ops.reciprocal(x)),  # the square alone might overflow
    }
    return powers[float(n)]() if float(n) in powers else None
