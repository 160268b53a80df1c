"""Algebra: equations that become simpler ones, or none.

A rule looks at an equation and at the equations that made its operands, and gives a simpler value
for the same output, or None. Rules are code in functrace's own ops. They may change a result by
re-association of products and sums alone, as rounding does. They keep NaN and infinities: x * 0 is
not 0, x - x is not 0, and exp(log(x)) is not x. They keep the sign of zeros, too: x + 0 is not x,
as -0.0 + 0.0 is 0.0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..ir import UNKNOWN, Atom, Equation, Literal, Program, Shape, Var
from ..ops import elementwise as ops
from ..ops.index import PLACE, SLICE, add_slice, place, slice_
from ..ops.shape import (
    BROADCAST_TO,
    REDUCE_SUM,
    RESHAPE,
    TRANSPOSE,
    broadcast_to,
    reduce_sum,
    remaining,
    reshape,
    transpose,
)
from ..primitive import PRIMITIVES, Primitive
from ..recorder import Recorder, bind, rewriting

_ROUNDS = 8  # rules that may be applied one after the other to one equation
_FOLDED = 1024  # elements; results of constants up to this size are computed once and for all

Rule = Callable[["Match"], Any]
RULES: dict[Primitive, list[Rule]] = {}


def simplify(program: Program, fired: Counter[str] | None = None) -> Program:
    """The Program with every rule applied, operands first.

    Args:
        fired: is to count how often each rule was applied.
    """
    changed = False
    with rewriting(program) as recorder:
        makers: dict[Atom, Equation] = {}
        renamed: dict[Atom, Atom] = {}
        for equation in program.equations:
            if any(atom in renamed for atom in equation.inputs):
                inputs = tuple([renamed.get(a, a) for a in equation.inputs])
                equation = Equation(
                    equation.primitive, inputs, equation.params, equation.outputs, equation.position
                )
            if not equation.outputs:
                recorder.equations.append(equation)
                continue
            simpler = _simplest(recorder, equation, makers, fired)
            if simpler is not equation.outputs[0]:
                changed = True
                renamed[equation.outputs[0]] = simpler
        if not changed:
            return program
        outputs = [renamed.get(atom, atom) for atom in program.outputs]
        return Program(program.inputs, recorder.equations, outputs, program.name)


def _simplest(
    recorder: Recorder,
    equation: Equation,
    makers: dict[Atom, Equation],
    fired: Counter[str] | None,
) -> Atom:
    """Record what an equation comes to when no rule finds more to do; its output."""
    for _ in range(_ROUNDS):
        start = len(recorder.equations)
        simpler = _simpler(Match(recorder, equation, makers), fired)
        made = recorder.equations[start:]
        if simpler is None:
            break
        if not made or made[-1].outputs[0] is not simpler:
            makers.update([(var, e) for e in made for var in e.outputs])
            return simpler
        equation = recorder.equations.pop()  # to be looked at again
        makers.update([(var, e) for e in made[:-1] for var in e.outputs])
    recorder.equations.append(equation)
    makers.update(dict.fromkeys(equation.outputs, equation))
    return equation.outputs[0]


class Match:
    """An equation that a rule looks at.

    Attributes:
        equation: the equation, its operands simplified.
    """

    __slots__ = ("_makers", "_recorder", "equation")

    def __init__(self, recorder: Recorder, equation: Equation, makers: dict[Atom, Equation]):
        self._recorder = recorder
        self._makers = makers
        self.equation = equation

    def value(self, atom: Atom) -> Any:
        """An atom as rules compute with it."""
        return self._recorder.value_of_atom(atom)

    def made_by(self, primitive: Primitive, atom: Atom) -> Equation | None:
        """The equation that made an atom, if it is one of a primitive."""
        maker = self._makers.get(atom)
        return maker if maker is not None and maker.primitive is primitive else None

    def under(self, primitive: Primitive, atom: Atom) -> Any:
        """The operand of the equation of a primitive that made an atom, if that is how it is."""
        maker = self.made_by(primitive, atom)
        return None if maker is None else self.value(maker.inputs[0])

    def record(self, function: Callable[[], Any]) -> Atom | None:
        """What a function gives, recorded at the place of the equation."""
        self._recorder.position = self.equation.position
        value = function()
        return None if value is None else self._recorder.atom(value)


def _simpler(match: Match, fired: Counter[str] | None) -> Atom | None:
    equation = match.equation
    if len(equation.outputs) != 1:
        return None
    type = equation.outputs[0].type
    if UNKNOWN in type.shape:
        return None
    for rule in (*RULES.get(equation.primitive, ()), *_EVERYWHERE):
        start = len(match._recorder.equations)
        atom = match.record(lambda rule=rule: rule(match))
        if atom is not None and atom.type is type:
            if fired is not None:
                fired[rule.__name__] += 1
            return atom
        del match._recorder.equations[start:]
    return None


def rule(*primitives: Primitive) -> Callable[[Rule], Rule]:
    """Add a rule for some primitives."""

    def register(function: Rule) -> Rule:
        for primitive in primitives:
            RULES.setdefault(primitive, []).append(function)
        return function

    return register


def scalar(atom: Atom) -> Any:
    """The number that an atom is; None for anything else."""
    return atom.value if isinstance(atom, Literal) and not atom.type.shape else None


def full_scalar(atom: Atom) -> Any:
    """The number that an atom is, or repeats; None for anything else."""
    if not isinstance(atom, Literal) or atom.type.size == 0:
        return None
    value = atom.value
    if not atom.type.shape:
        return value
    first = value[(0,) * value.ndim]
    if not any(value.strides):
        return first
    bits = np.ascontiguousarray(value).tobytes() if value.size <= _FOLDED else b""
    return first if bits == first.tobytes() * value.size else None


_ADD, _SUBTRACT = ops.add.primitive, ops.subtract.primitive
_MULTIPLY, _DIVIDE = ops.multiply.primitive, ops.divide.primitive
_NEGATIVE, _SQUARE = ops.negative.primitive, ops.square.primitive
_ABSOLUTE, _POWER = ops.absolute.primitive, PRIMITIVES["power"]

# Signs


@rule(_ADD)
def add_of_negative(match: Match) -> Any:
    """X + -y is x - y."""
    left, right = match.equation.inputs
    if (y := match.under(_NEGATIVE, right)) is not None:
        return match.value(left) - y
    if (x := match.under(_NEGATIVE, left)) is not None:
        return match.value(right) - x
    return None


@rule(_SUBTRACT)
def subtract_of_negative(match: Match) -> Any:
    """X - -y is x + y, and x - 0 is x."""
    left, right = match.equation.inputs
    if (y := match.under(_NEGATIVE, right)) is not None:
        return match.value(left) + y
    zero = full_scalar(right)
    return match.value(left) if zero is not None and _is_bits(zero, 0) else None


@rule(_NEGATIVE)
def negative_of_negative(match: Match) -> Any:
    """- -x is x, and -(x * c) is x * -c."""
    (operand,) = match.equation.inputs
    if (x := match.under(_NEGATIVE, operand)) is not None:
        return x
    product = match.made_by(_MULTIPLY, operand)
    if product is not None:
        x, factor = _with_factor(product)
        if factor is not None:
            return match.value(x) * -factor
    return None


@rule(_SQUARE, _ABSOLUTE)
def even_of_sign(match: Match) -> Any:
    """(-x) ** 2 is x ** 2, and abs(x) ** 2 is x ** 2 of a real x; abs(-x) is abs(x)."""
    (operand,) = match.equation.inputs
    if operand.type.dtype.kind == "u":  # whose negative numbers are large ones
        return None
    if (x := match.under(_NEGATIVE, operand)) is not None:
        return bind(match.equation.primitive, x)
    if match.equation.primitive is _SQUARE and operand.type.dtype.kind == "f":
        x = match.under(_ABSOLUTE, operand)
        return None if x is None or x.dtype != operand.type.dtype else ops.square(x)
    return None


@rule(_ADD)
def add_of_placed(match: Match) -> Any:
    """X plus y among zeros is x with y added to a part of it; a part of both is added first.

    An element that is -0.0 may stay so, where adding 0.0 would make it 0.0.
    """
    left, right = match.equation.inputs
    first, second = match.made_by(PLACE, left), match.made_by(PLACE, right)
    if first is None and second is None:
        return None
    if first is not None and second is not None:
        if first.params == second.params:
            total = match.value(first.inputs[0]) + match.value(second.inputs[0])
            return place(total, **first.params)
        x, placed = left, second
    else:
        x, placed = (left, second) if second is not None else (right, first)
    assert placed is not None
    target = match.equation.outputs[0].type
    if x.type is not target or placed.outputs[0].type is not target or isinstance(x, Literal):
        return None
    return add_slice(match.value(x), match.value(placed.inputs[0]), placed.params["ranges"])


# Factors


def _with_factor(product: Equation) -> tuple[Atom, Any]:
    """The other operand and the number by which a product multiplies it, if it does."""
    left, right = product.inputs
    for x, factor in ((left, scalar(right)), (right, scalar(left))):
        if factor is not None and x.type.dtype.kind in "fc" and np.isfinite(factor) and factor:
            return x, factor
    return left, None


@rule(_MULTIPLY)
def multiply_by_number(match: Match) -> Any:
    """X * 1 is x, x * -1 is -x, -x * c is x * -c, and (x * c) * d is x * (c * d)."""
    x, factor = _with_factor(match.equation)
    if factor is None:
        return None
    if factor == 1 and x.type.dtype.kind == "f":  # complex infinities become NaN
        return match.value(x)
    if factor == -1 and x.type.dtype.kind == "f":
        return -match.value(x)
    if (inner := match.under(_NEGATIVE, x)) is not None:
        return inner * -factor
    product = match.made_by(_MULTIPLY, x)
    if product is not None:
        y, first = _with_factor(product)
        with np.errstate(all="ignore"):
            both = None if first is None else first * factor
        if both is not None and np.isfinite(both) and abs(both) >= _least_normal(both.dtype):
            return match.value(y) * both
    return None


def may_wait(factor: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a number may multiply a sum of products rather than each term.

    Users scale large numbers down, and small ones up, to stay within the range of their dtype. So a
    number that takes a large part of that range stays where it is.
    """
    bits = (np.finfo(dtype).maxexp - 16) // 8  # 126 for double precision, 14 for single, 0 for half
    return 2.0**-bits <= abs(factor) <= 2.0**bits


def _least_normal(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).smallest_normal)


@rule(_MULTIPLY)
def multiply_by_ones(match: Match) -> Any:
    """X * ones is x; x * x is its square; -x * -y is x * y."""
    left, right = match.equation.inputs
    if left is right and left.type.dtype.kind == "f":
        return ops.square(match.value(left))
    for x, ones in ((left, right), (right, left)):
        factor = full_scalar(ones) if ones.type.dtype.kind != "c" else None
        if factor is not None and _is_bits(factor, 1):
            return match.value(x)
    a, b = match.under(_NEGATIVE, left), match.under(_NEGATIVE, right)
    return None if a is None or b is None else a * b


@rule(_DIVIDE)
def divide_by_number(match: Match) -> Any:
    """X / 1 is x; x / c is x * (1 / c) where c is a power of two, which is exact."""
    left, right = match.equation.inputs
    divisor = scalar(right)
    if divisor is None or divisor.dtype.kind != "f":
        return None
    if divisor == 1:
        return match.value(left)
    if abs(math.frexp(divisor)[0]) != 0.5 or not np.isfinite(divisor):
        return None
    reciprocal = 1 / divisor
    exact = abs(reciprocal) >= _least_normal(reciprocal.dtype) and np.isfinite(reciprocal)
    return match.value(left) * reciprocal if exact else None


@rule(_POWER)
def power_of_small_integer(match: Match) -> Any:
    """X ** 3 is x * x ** 2, and so on: a power costs as much as twenty products."""
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


def _is_bits(value: Any, number: float) -> bool:
    """Whether a value is a number, zeros with their signs."""
    return value.tobytes() == value.dtype.type(number).tobytes()


# Shapes


@rule(TRANSPOSE)
def transpose_of_transpose(match: Match) -> Any:
    """One permutation for two."""
    (operand,) = match.equation.inputs
    inner = match.made_by(TRANSPOSE, operand)
    if inner is None:
        return None
    first, second = inner.params["permutation"], match.equation.params["permutation"]
    return transpose(match.value(inner.inputs[0]), tuple([first[i] for i in second]))


@rule(RESHAPE)
def reshape_of_reshape(match: Match) -> Any:
    """One reshape for two, none for the shape that is there."""
    x = match.under(RESHAPE, match.equation.inputs[0])
    return None if x is None else reshape(x, match.equation.params["shape"])


@rule(BROADCAST_TO)
def broadcast_of_broadcast(match: Match) -> Any:
    """One broadcast for two; new axes of length 1 in front need no reshape."""
    (operand,) = match.equation.inputs
    shape = match.equation.params["shape"]
    x = match.under(BROADCAST_TO, operand)
    if x is None:
        x = match.under(RESHAPE, operand)
        if x is None or (1,) * (operand.type.ndim - x.ndim) + x.shape != operand.type.shape:
            return None
    return broadcast_to(x, shape)


@rule(SLICE)
def slice_of_slice(match: Match) -> Any:
    """One slice for two."""
    inner = match.made_by(SLICE, match.equation.inputs[0])
    if inner is None:
        return None
    ranges = [
        (start + step * first, length, step * stride)
        for (start, _, step), (first, length, stride) in zip(
            inner.params["ranges"], match.equation.params["ranges"], strict=True
        )
    ]
    return slice_(match.value(inner.inputs[0]), tuple(ranges))


# Sums


@rule(REDUCE_SUM)
def sum_of_sum(match: Match) -> Any:
    """One sum for two."""
    inner = match.made_by(REDUCE_SUM, match.equation.inputs[0])
    if inner is None:
        return None
    first = inner.params["axes"]
    left = [i for i in range(inner.inputs[0].type.ndim) if i not in first]
    axes = (*first, *[left[i] for i in match.equation.params["axes"]])
    return reduce_sum(match.value(inner.inputs[0]), tuple(sorted(axes)))


@rule(REDUCE_SUM)
def sum_of_broadcast(match: Match) -> Any:
    """The sum of n equal elements is n times one."""
    (operand,) = match.equation.inputs
    inner = match.made_by(BROADCAST_TO, operand)
    if inner is None or operand.type.dtype.kind not in "fc" or not operand.type.size:
        return None
    x, shape = match.value(inner.inputs[0]), operand.type.shape
    axes = match.equation.params["axes"]
    x = reshape(x, (1,) * (len(shape) - x.ndim) + x.shape)
    repeated = [i for i in axes if x.shape[i] != shape[i]]
    if not repeated:
        return None
    count = math.prod([shape[i] for i in repeated])
    if count > np.finfo(x.dtype).max:
        return None
    total = reduce_sum(x, tuple([i for i in axes if x.shape[i] != 1]))
    total = reshape(total, remaining(x.shape, axes))
    return broadcast_to(total, remaining(shape, axes)) * x.dtype.type(count)


@rule(REDUCE_SUM)
def sum_of_multiple(match: Match) -> Any:
    """The sum of x times a number is the number times the sum, and that of -x is minus the sum."""
    (operand,) = match.equation.inputs
    axes = match.equation.params["axes"]
    if (negated := match.under(_NEGATIVE, operand)) is not None:
        return -reduce_sum(negated, axes)
    product = match.made_by(_MULTIPLY, operand)
    if product is None:
        return None
    x, factor = _with_factor(product)
    if factor is None or not may_wait(factor, operand.type.dtype):
        return None
    return reduce_sum(match.value(x), axes) * factor


# Everywhere


def drop_broadcast(match: Match) -> Any:
    """An elementwise op repeats its operands by itself."""
    equation = match.equation
    if not equation.primitive.elementwise or len(equation.inputs) < 2:
        return None
    target = equation.outputs[0].type.shape
    atoms = list(equation.inputs)
    for i, atom in enumerate(atoms):
        narrow = _unrepeated(match, atom)
        others = [a.type.shape for j, a in enumerate(atoms) if j != i]
        if narrow is not None and _spans([narrow.type.shape, *others], target):
            atoms[i] = narrow
    if all(new is old for new, old in zip(atoms, equation.inputs, strict=True)):
        return None
    return bind(equation.primitive, *map(match.value, atoms), **equation.params)


def _unrepeated(match: Match, atom: Atom) -> Atom | None:
    """What an atom repeats, if it does."""
    if isinstance(atom, Literal):
        number = full_scalar(atom) if atom.type.shape else None
        return None if number is None else Literal(number)
    inner = match.made_by(BROADCAST_TO, atom)
    return None if inner is None else inner.inputs[0]


def _spans(shapes: Iterable[Shape], target: Shape) -> bool:
    return np.broadcast_shapes(*shapes) == target


def fold(match: Match) -> Any:
    """Constants of constants are computed once."""
    equation = match.equation
    if equation.primitive not in _FOLDABLE and not equation.primitive.elementwise:
        return None
    if equation.outputs[0].type.size > _FOLDED or equation.primitive.prepare is not None:
        return None
    if not all(isinstance(atom, Literal) and atom.type.size <= _FOLDED for atom in equation.inputs):
        return None
    with np.errstate(all="ignore"):
        value = equation.primitive.impl(
            *[atom.value for atom in equation.inputs if not isinstance(atom, Var)],
            **equation.params,
        )
    return value if np.all(np.isfinite(value)) else None  # else NumPy is to warn at every run


_FOLDABLE = {RESHAPE, TRANSPOSE, REDUCE_SUM, SLICE}
_EVERYWHERE: tuple[Rule, ...] = (fold, drop_broadcast)
