"""Shifts: maxima that are subtracted for the sake of the range, and have no slope.

To keep `exp` in range, `log(sum(exp(x)))` is written as `m + log(sum(exp(x - m)))` with m the
maximum of x, and a softmax as `e / sum(e)` with `e = exp(x - m)`. Neither depends on m, for any m.
So no tangent of m has to be computed: what it would come to is 0, except for rounding.

The analysis has to prove this. It replaces m by m + c, with a c for each element of m, and follows
what that does to each value on the ways from m. A value v becomes

    v + a * c, which is *shifted* by the amount a, or
    v * e ** (a * c), which is *scaled* by the amount a,

or is lost to the analysis. With `free` for an operand that c does not change:

| op                         | of shifted values           | of scaled values                     |
|----------------------------|-----------------------------|--------------------------------------|
| x + y, x - y               | amounts add, subtract       | kept, when both have the same amount |
| x + free, x - free         | kept                        | lost                                 |
| x * y, x / y               | lost                        | amounts add, subtract                |
| x * number, x / number     | amount times, over number   | kept                                 |
| x * free, x / free         | lost                        | kept                                 |
| free / x, reciprocal       | lost                        | negated                              |
| -x                         | negated                     | kept                                 |
| square, sqrt               | lost                        | doubled, halved                      |
| exp                        | scaled by the same amount   | lost                                 |
| log                        | lost                        | shifted by the same amount           |
| sums, einsum               | lost                        | kept, amounts of factors add         |
| reshape, transpose, ...    | kept                        | kept                                 |
| every other op             | lost                        | lost                                 |

The elements of c are told apart by the axes of the value along which they lie: two effects combine
only where these are the same, and a sum over one of them is lost. A value whose amount is 0 does
not depend on m, and is followed no further. So m is a shift exactly when nothing is lost and each
way from m ends in such a value. An m that is an output, or reaches one with another amount, is not
a shift, nor is one that nothing uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..ir import UNKNOWN, Atom, Equation, Literal, Program, Shape, Var
from ..ops import elementwise as ops
from ..ops.contract import EINSUM, split
from ..ops.index import SLICE
from ..ops.reduce import reduce_max, reduce_min  # noqa: F401 -- defines the primitives
from ..ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, TRANSPOSE
from ..primitive import PRIMITIVES, Primitive

_MOST = 40  # equations on the ways from a maximum
_ROUNDING = 1e-14  # of amounts, which are products and sums of the user's numbers


class _Effect(NamedTuple):
    """What another m would do to a value.

    Attributes:
        scales: whether it scales, rather than shifts.
        amount: the multiple of c that is added, or the power of e^c that multiplies.
        axes: where in the value's shape the axes of m are, those of length 1 left out.
    """

    scales: bool
    amount: float
    axes: tuple[int, ...]


class _LostError(Exception):
    """An op does something else to what m has shifted or scaled."""


def shifts(program: Program) -> set[Var]:
    """The maxima and minima on which, by proof, nothing but values on the way depends."""
    maxima = [e.outputs[0] for e in program.equations if e.primitive in _EXTREMA]
    if not maxima or not any(e.primitive is _EXP for e in program.equations):
        return set()
    users: dict[Atom, list[int]] = {}
    for i, equation in enumerate(program.equations):
        for atom in dict.fromkeys(equation.inputs):
            users.setdefault(atom, []).append(i)
    outputs = set(program.outputs)
    return {var for var in maxima if var in users and _cancels(var, program, users, outputs)}


def _cancels(
    maximum: Var, program: Program, users: dict[Atom, list[int]], outputs: set[Atom]
) -> bool:
    """Whether all values on the ways from a maximum come to what does not depend on it."""
    axes = [i for i, length in enumerate(maximum.type.shape) if length != 1]
    effects: dict[Atom, _Effect] = {maximum: _Effect(False, 1.0, tuple(axes))}
    if maximum in outputs:
        return False
    waiting = set(users[maximum])
    for _ in range(_MOST):
        place = min(waiting)  # in order, so that the effects on all operands are known
        waiting.remove(place)
        equation = program.equations[place]
        effect = _effect_on_output(equation, effects)
        if effect is None:
            return False
        if effect.amount:
            (out,) = equation.outputs
            if out in outputs:
                return False
            effects[out] = effect
            waiting.update(users.get(out, ()))
        if not waiting:
            return True
    return False


def _effect_on_output(equation: Equation, effects: dict[Atom, _Effect]) -> _Effect | None:
    """What another m does to the output of an equation; None where that is lost."""
    rule = _RULES.get(equation.primitive)
    if rule is None:
        return None
    type = equation.outputs[0].type
    if UNKNOWN in type.shape or type.dtype.kind != "f":
        return None
    try:
        return rule(equation, [effects.get(atom) for atom in equation.inputs])
    except _LostError:
        return None


# What ops do


_Given = Sequence[_Effect | None]  # None for an operand that does not depend on m
_Rule = Callable[[Equation, _Given], _Effect]


def _broadcast(equation: Equation, given: _Given) -> list[_Effect | None]:
    """The effects on operands as they are repeated to the shape of the output."""
    ndim = equation.outputs[0].type.ndim
    moved = [
        None if effect is None else _moved(effect, [i + ndim - atom.type.ndim for i in effect.axes])
        for atom, effect in zip(equation.inputs, given, strict=True)
    ]
    if len({effect.axes for effect in moved if effect is not None}) > 1:
        raise _LostError
    return moved


def _moved(effect: _Effect, axes: Sequence[int]) -> _Effect:
    return _Effect(effect.scales, effect.amount, tuple(axes))


def _with(effect: _Effect, amount: float) -> _Effect:
    return _Effect(effect.scales, amount, effect.axes)


def _total(first: float, second: float) -> float:
    """The sum of two amounts: 0 where they cancel, however small they are."""
    total = first + second
    return 0.0 if abs(total) <= _ROUNDING * max(abs(first), abs(second)) else total


def _sum(sign: float) -> _Rule:
    def rule(equation: Equation, given: _Given) -> _Effect:
        """Shifts add up; what is scaled alike stays so."""
        left, right = _broadcast(equation, given)
        known = left or right
        assert known is not None
        if any(effect is not None and effect.scales for effect in (left, right)):
            if left is None or right is None or left != right:
                raise _LostError
            return left
        first, second = (0.0 if effect is None else effect.amount for effect in (left, right))
        return _with(known, _total(first, sign * second))

    return rule


def _product(sign: float) -> _Rule:
    def rule(equation: Equation, given: _Given) -> _Effect:
        """Scales multiply; a shift may be multiplied by a number."""
        left, right = _broadcast(equation, given)
        known = left or right
        assert known is not None
        if known.scales and (left is None or right is None or left.scales == right.scales):
            first, second = (0.0 if effect is None else effect.amount for effect in (left, right))
            return _with(known, _total(first, sign * second))
        others = [atom for atom, effect in zip(equation.inputs, given, strict=True) if not effect]
        number = others[0].value if others and isinstance(others[0], Literal) else None
        if number is None or number.ndim or (sign < 0 and left is None) or not number:
            raise _LostError
        amount = known.amount * float(number) if sign > 0 else known.amount / float(number)
        if not amount or not math.isfinite(amount):
            raise _LostError
        return _with(known, amount)

    return rule


def _power(shift: float | None, scale: float | None) -> _Rule:
    def rule(equation: Equation, given: _Given) -> _Effect:
        """A shift, or the power of a scale, is multiplied by a number."""
        (effect,) = given
        assert effect is not None
        by = scale if effect.scales else shift
        if by is None:
            raise _LostError
        return _with(effect, effect.amount * by)

    return rule


def _turned(scales: bool) -> _Rule:
    def rule(equation: Equation, given: _Given) -> _Effect:
        """`exp` makes scales of shifts, `log` shifts of scales."""
        (effect,) = given
        assert effect is not None
        if effect.scales != scales:
            raise _LostError
        return _Effect(not scales, effect.amount, effect.axes)

    return rule


def _of_sum(equation: Equation, given: _Given) -> _Effect:
    (effect,) = given
    axes = equation.params["axes"]
    assert effect is not None
    if not effect.scales or set(axes) & set(effect.axes):
        raise _LostError
    return _moved(effect, [i - sum(a < i for a in axes) for i in effect.axes])


def _of_einsum(equation: Equation, given: _Given) -> _Effect:
    terms, output = split(equation.params["spec"])
    found = [(term, e) for term, e in zip(terms, given, strict=True) if e is not None]
    letters = {"".join([term[i] for i in e.axes]) for term, e in found}
    (shared, *others) = letters
    if others or not all(e.scales for _, e in found) or not set(shared) <= set(output):
        raise _LostError
    amount = sum(e.amount for _, e in found)
    return _Effect(True, amount, tuple([output.index(c) for c in shared]))


def _of_reshape(equation: Equation, given: _Given) -> _Effect:
    """Axes of length 1 may come and go."""
    (effect,) = given
    assert effect is not None
    old, new = (_long(atom.type.shape) for atom in (equation.inputs[0], equation.outputs[0]))
    lengths = [n for _, n in old]
    if lengths != [n for _, n in new]:
        raise _LostError
    there = {i: j for (i, _), (j, _) in zip(old, new, strict=True)}
    return _moved(effect, [there[i] for i in effect.axes])


def _long(shape: Shape) -> list[tuple[int, int]]:
    return [(i, n) for i, n in enumerate(shape) if n != 1]


def _of_transpose(equation: Equation, given: _Given) -> _Effect:
    (effect,) = given
    assert effect is not None
    permutation = equation.params["permutation"]
    return _moved(effect, [permutation.index(i) for i in effect.axes])


def _of_slice(equation: Equation, given: _Given) -> _Effect:
    (effect,) = given
    assert effect is not None
    shape, ranges = equation.inputs[0].type.shape, equation.params["ranges"]
    if any(ranges[i] != (0, shape[i], 1) for i in effect.axes):
        raise _LostError
    return effect


def _of_broadcast(equation: Equation, given: _Given) -> _Effect:
    (effect,) = _broadcast(equation, given)
    assert effect is not None
    return effect


_EXP = ops.exp.primitive
_EXTREMA = (PRIMITIVES["max"], PRIMITIVES["min"])
_RULES: dict[Primitive, _Rule] = {
    ops.add.primitive: _sum(1.0),
    ops.subtract.primitive: _sum(-1.0),
    ops.multiply.primitive: _product(1.0),
    ops.divide.primitive: _product(-1.0),
    ops.negative.primitive: _power(shift=-1.0, scale=1.0),
    ops.square.primitive: _power(shift=None, scale=2.0),
    ops.sqrt.primitive: _power(shift=None, scale=0.5),
    ops.reciprocal.primitive: _power(shift=None, scale=-1.0),
    _EXP: _turned(scales=False),
    ops.log.primitive: _turned(scales=True),
    REDUCE_SUM: _of_sum,
    EINSUM: _of_einsum,
    RESHAPE: _of_reshape,
    TRANSPOSE: _of_transpose,
    BROADCAST_TO: _of_broadcast,
    SLICE: _of_slice,
}
