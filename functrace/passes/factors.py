"""Numbers that multiply: on their way through products they meet, and end on the smallest array.

A product with a number is not computed at once when all that is done with it is to multiply,
divide, contract, sum or move its elements. The number waits, meets others on its way, signs cancel,
and what has come together is applied where the next op needs it, or where arrays would grow again:
`(2 * A) @ (v / s)` becomes `A @ v * (2 / s)`, and `-((-a) @ b)` becomes `a @ b`.

This is re-association. A number that takes a large part of the range of its dtype stays where it
is, as do all in half precision (`may_wait`). Numbers here are finite and not 0, so that NaN and
infinities come out as they would. A number that only divided still divides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..ir import UNKNOWN, ArrayType, Atom, Equation, Literal, Program, Var
from ..ops import elementwise as ops
from ..ops.contract import EINSUM
from ..ops.index import SLICE
from ..ops.linalg import SOLVE
from ..ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, TRANSPOSE
from ..primitive import Primitive
from .cost import CALL
from .match import FOLDED, may_wait, scalar
from .simplify import simplify

_MULTIPLY, _DIVIDE = ops.multiply.primitive, ops.divide.primitive
_NEGATIVE, _SQUARE = ops.negative.primitive, ops.square.primitive


class _Number(NamedTuple):
    """What multiplies a value: a quotient, so that a division by a number stays one."""

    over: float = 1.0
    under: float = 1.0

    def __mul__(self, other: Any) -> _Number:
        return _Number(self.over * other.over, self.under * other.under)

    def inverse(self) -> _Number:
        return _Number(self.under, self.over)

    def value(self) -> float:
        return self.over / self.under


_ONE = _Number()


def _product(numbers: Sequence[_Number]) -> _Number:
    total = _ONE
    for number in numbers:
        total = total * number
    return total


# What an op makes of the numbers of its operands; None where it does not take one of them.
_TAKES: dict[Primitive, Callable[[Sequence[_Number]], _Number | None]] = {
    _MULTIPLY: _product,
    EINSUM: _product,
    _DIVIDE: lambda numbers: numbers[0] * numbers[1].inverse(),
    _SQUARE: lambda numbers: numbers[0] * numbers[0],
    _NEGATIVE: lambda numbers: numbers[0] * _Number(-1.0),
    SOLVE: lambda numbers: numbers[1] if numbers[0] == _ONE else None,
    **dict.fromkeys([REDUCE_SUM, TRANSPOSE, RESHAPE, BROADCAST_TO, SLICE], _product),
}

_NUMBERED = (_MULTIPLY, _DIVIDE, _NEGATIVE)
# The operands to one of which a number can be applied in place of the result; its inverse, if it is
# a divisor.
_SCALED = {_MULTIPLY: slice(2), EINSUM: slice(None), _DIVIDE: slice(2)}

# The operands in which an op is linear, where these are not all.
_LINEAR = {_DIVIDE: (0,), SOLVE: (1,), _SQUARE: ()}


def factors(program: Program, fired: Counter[str] | None = None) -> Program:
    """The Program with fewer products with numbers, and those on smaller arrays.

    Args:
        fired: is to count the rules of algebra that were applied afterwards.
    """
    if not any(e.primitive in _NUMBERED for e in program.equations):
        return program
    rewritten = _Rewriting(program).program()
    if rewritten is None:
        return program
    return simplify(rewritten, fired, settled=program)  # signs may meet sums


def _plain(equation: Equation) -> bool:
    """Whether an equation is one of real numbers of single or double precision that takes some."""
    return (
        equation.primitive in _TAKES
        and all(_real(atom.type) for atom in equation.inputs)
        and _real(equation.outputs[0].type)
    )


@cache
def _real(type: ArrayType) -> bool:
    return type.dtype.char in "fd" and not type.weak and UNKNOWN not in type.shape


def _split(equation: Equation) -> tuple[Atom, _Number] | None:
    """The operand and the number, where an equation is a product of one with a number."""
    if equation.primitive not in _NUMBERED:
        return None
    first, *others = equation.inputs
    if equation.primitive is _NEGATIVE:
        return first, _Number(-1.0)
    known, other = scalar(others[0]), scalar(first)
    if known is not None and np.isfinite(known) and known and isinstance(first, Var):
        over = equation.primitive is _MULTIPLY
        return first, _Number(float(known)) if over else _Number(under=float(known))
    if equation.primitive is _MULTIPLY and other is not None and np.isfinite(other) and other:
        return others[0], _Number(float(other))
    return None


class _Place(NamedTuple):
    """An operand, that an equation has alone, to which a number may be applied."""

    equation: int
    operand: int
    size: int
    inverse: bool = False  # of a divisor


class _Waiting(NamedTuple):
    """A value that is not computed: another times a number."""

    value: Atom
    number: _Number


class _Rewriting:
    """One run of the pass.

    Attributes:
        equations: those recorded.
        ahead: by the number of a recorded equation, what is to be computed just before it.
        places: where a number for a value can be applied further up.
    """

    def __init__(self, program: Program):
        self.source = program
        self.equations: list[Equation] = []
        self.ahead: dict[int, Equation] = {}
        self.waiting: dict[Atom, _Waiting] = {}
        self.places: dict[Atom, _Place] = {}
        self.users: dict[Atom, list[Equation]] = {}
        self.changed = False
        for equation in program.equations:
            for atom in dict.fromkeys(equation.inputs):
                self.users.setdefault(atom, []).append(equation)
        self.outputs = set(program.outputs)
        self.plain = {id(e) for e in program.equations if _plain(e)}

    def program(self) -> Program | None:
        """The Program rewritten; None when it is as it was."""
        for equation in self.source.equations:
            if id(equation) in self.plain:
                self.rewrite(equation)
            else:
                self.equations.append(equation)
        if not self.changed:
            return None
        equations = []
        for i, equation in enumerate(self.equations):
            if i in self.ahead:
                equations.append(self.ahead[i])
            equations.append(equation)
        return Program(self.source.inputs, equations, self.source.outputs, self.source.name)

    def rewrite(self, equation: Equation) -> None:
        """Record what computes an equation's output, or let a number wait."""
        (out,) = equation.outputs
        split = _split(equation)
        if split is None and self.waiting.keys().isdisjoint(equation.inputs):
            self.equations.append(equation)
            self.note(out, self.place(equation) if self.alone(out) else None)
            return
        atoms = equation.inputs if split is None else (split[0],)
        found = [self.waiting.get(atom, _Waiting(atom, _ONE)) for atom in atoms]
        if split is None:
            number = _TAKES[equation.primitive]([w.number for w in found])
        else:
            number = found[0].number * split[1]
        if number is None or not _may_wait(number, out.type):
            inputs = tuple([self.computed(atom, equation) for atom in equation.inputs])
            self.add(equation.primitive, inputs, equation.params, out, equation)
        elif split is not None:
            place = self.places.get(atoms[0]) if self.alone(atoms[0]) else None
            self.hand_on(found[0].value, number, place, out, equation)
        else:
            core = Var(out.type)
            inputs = tuple([w.value for w in found])
            self.add(equation.primitive, inputs, equation.params, core, equation)
            self.hand_on(core, number, self.place(equation), out, equation)

    def note(self, out: Var, place: _Place | None) -> None:
        """Keep the place for a number of a value."""
        if place is not None:
            self.places[out] = place

    def place(self, equation: Equation) -> _Place | None:
        """The smallest operand to which a number for the result can be applied.

        It is one of the equation recorded last, or of those that made its operands for it alone.
        """
        own, best = len(self.equations) - 1, None
        inputs = self.equations[own].inputs[_SCALED.get(equation.primitive, slice(0))]
        for i, atom in enumerate(inputs):
            weight = _weight(atom)
            if best is None or weight < best.size:
                best = _Place(own, i, weight, inverse=i == 1 and equation.primitive is _DIVIDE)
        for i in _LINEAR.get(equation.primitive, range(len(equation.inputs))):
            atom = equation.inputs[i]
            place = self.places.get(atom)
            if place is not None and self.alone(atom) and equation.inputs.count(atom) == 1:
                best = place if best is None or place.size < best.size else best
        return best

    def alone(self, atom: Atom) -> bool:
        """Whether one equation uses a value, and nobody else."""
        return len(self.users.get(atom, ())) == 1 and atom not in self.outputs

    def hand_on(
        self, core: Atom, number: _Number, place: _Place | None, out: Var, equation: Equation
    ) -> None:
        """Let a number wait, or apply it where the array is smallest."""
        if number != _ONE and self.waits(out):
            self.changed = True
            self.waiting[out] = _Waiting(core, number)
            self.note(out, place)
        elif number != _ONE and place is not None and place.size < out.type.size:
            self.changed = True
            changed = self.equations[place.equation]
            inputs = list(changed.inputs)
            scaled = inputs[place.operand] = Var(inputs[place.operand].type.strong)
            applied = number.inverse() if place.inverse else number
            self.apply(changed.inputs[place.operand], applied, scaled, changed)
            self.ahead[place.equation] = self.equations.pop()
            self.equations[place.equation] = Equation(
                changed.primitive, tuple(inputs), changed.params, changed.outputs, changed.position
            )
            self.apply(core, _ONE, out, equation)
        elif core in equation.inputs:  # as it was
            self.equations.append(equation)
        else:
            self.changed = True
            self.apply(core, number, out, equation)

    def computed(self, atom: Atom, near: Equation) -> Atom:
        """An atom that has a value: a number that waits is applied."""
        known = self.waiting.get(atom)
        if known is None:
            return atom
        value = Var(atom.type)
        self.apply(known.value, known.number, value, near)
        return value

    def apply(self, atom: Atom, number: _Number, out: Var, near: Equation) -> None:
        """Record the product of an atom with a number; the pass after this drops those with 1."""
        kind = out.type.dtype.type
        if number.value() == -1:
            self.add(_NEGATIVE, (atom,), {}, out, near)
        elif number.under != 1 and abs(number.over) == 1:
            divisor = Literal(kind(number.under * number.over))
            self.add(_DIVIDE, (atom, divisor), {}, out, near)
        else:
            self.add(_MULTIPLY, (atom, Literal(kind(number.value()))), {}, out, near)

    def add(
        self, primitive: Primitive, inputs: tuple[Atom, ...], params: Any, out: Var, near: Equation
    ) -> None:
        self.equations.append(Equation(primitive, inputs, params, (out,), near.position))

    def waits(self, var: Var) -> bool:
        """Whether all users of a value take a number; several of them must not make more work."""
        users = self.users.get(var, [])
        if var in self.outputs or not users:
            return False
        if not all(id(user) in self.plain and _takes(user, var) for user in users):
            return False
        return len(users) == 1 or sum(_price(user, var) for user in users) <= var.type.size + CALL


def _price(user: Equation, var: Var) -> float:
    """What it costs at most when a number is applied by a user rather than before."""
    others = [x for x in user.inputs[_SCALED.get(user.primitive, slice(0))] if x is not var]
    return min([user.outputs[0].type.size, *map(_weight, others)]) + CALL


def _takes(equation: Equation, var: Var) -> bool:
    two = _Number(2.0)
    numbers = [two if atom is var else _ONE for atom in equation.inputs]
    return _TAKES[equation.primitive](numbers) is not None


def _may_wait(number: _Number, type: ArrayType) -> bool:
    parts = (number.value(), number.over, number.under)
    return number == _ONE or all(may_wait(part, type.dtype) for part in parts)


def _weight(atom: Atom) -> int:
    """The elements that a product with a number would take; none where it is computed once."""
    folded = isinstance(atom, Literal) and atom.type.size <= FOLDED
    return 0 if folded else atom.type.size
