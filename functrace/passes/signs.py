"""Signs: on their way through products and sums they meet, and end on the smallest array.

A negation is not computed at once when all that is done with its result is to multiply, divide,
contract, sum or move its elements. The sign waits, meets others on its way, and what is left of
them is applied where the next op needs it, or where arrays would grow again: `-((-a) @ b)` becomes
`a @ b`, and `-np.outer(x, y)` the outer product of `-x` and y.

Rounding does not depend on signs, so that this is exact, NaN and infinities included; only a sum
that is 0 may have the other sign. Other numbers stay where they are: one that scales down before a
sum may be what keeps the sum in range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from ..ir import UNKNOWN, ArrayType, Atom, Equation, Literal, Program, Var
from ..ops import elementwise as ops
from ..ops.contract import EINSUM
from ..ops.index import SLICE
from ..ops.linalg import SOLVE
from ..ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, TRANSPOSE
from ..primitive import Primitive
from .cost import CALL
from .match import FOLDED

_MULTIPLY, _DIVIDE = ops.multiply.primitive, ops.divide.primitive
_NEGATIVE, _SQUARE = ops.negative.primitive, ops.square.primitive

# Whether a result is to be negated, from which of its operands are; None where an op does not say.
_TAKES: dict[Primitive, Callable[[Sequence[bool]], bool | None]] = {
    **dict.fromkeys(
        [_MULTIPLY, _DIVIDE, EINSUM, REDUCE_SUM, TRANSPOSE, RESHAPE, BROADCAST_TO, SLICE],
        lambda minus: bool(sum(minus) % 2),
    ),
    _NEGATIVE: lambda minus: not minus[0],
    _SQUARE: lambda minus: False,
    SOLVE: lambda minus: None if minus[0] else minus[1],
}

# The operands to one of which a sign can be applied in place of the result.
_SIGNED = {_MULTIPLY: slice(2), EINSUM: slice(None), _DIVIDE: slice(2)}

# The operands whose sign is that of the result, where these are not all.
_ODD = {_DIVIDE: (0,), SOLVE: (1,), _SQUARE: ()}


def signs(program: Program) -> Program:
    """The Program with fewer negations, and those of smaller arrays.

    It multiplies by 1 where a sign goes away, which `simplify` is to remove.
    """
    if not any(e.primitive is _NEGATIVE for e in program.equations):
        return program
    return _Rewriting(program).program() or program


def _plain(equation: Equation) -> bool:
    """Whether an equation is one of real numbers that takes some signs."""
    return (
        equation.primitive in _TAKES
        and all(_real(atom.type) for atom in equation.inputs)
        and _real(equation.outputs[0].type)
    )


@cache
def _real(type: ArrayType) -> bool:
    return type.dtype.kind == "f" and not type.weak and UNKNOWN not in type.shape


class _Place(NamedTuple):
    """An operand, that an equation has alone, to which a sign may be applied."""

    equation: int
    operand: int
    size: int


class _Rewriting:
    """One run of the pass.

    Attributes:
        equations: those recorded.
        ahead: by the number of a recorded equation, what is to be computed just before it.
        waiting: by a value that is not computed, what it is the negative of.
        places: where a sign for a value can be applied further up.
    """

    def __init__(self, program: Program):
        self.source = program
        self.equations: list[Equation] = []
        self.ahead: dict[int, Equation] = {}
        self.waiting: dict[Atom, Atom] = {}
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
        return self.source.replace(equations=equations)

    def rewrite(self, equation: Equation) -> None:
        """Record what computes an equation's output, or let a sign wait."""
        (out,) = equation.outputs
        negation = equation.primitive is _NEGATIVE
        if not negation and self.waiting.keys().isdisjoint(equation.inputs):
            self.equations.append(equation)
            self.note(out, self.place(equation) if self.alone(out) else None)
            return
        minus = _TAKES[equation.primitive]([atom in self.waiting for atom in equation.inputs])
        if minus is None:
            inputs = tuple([self.computed(atom, equation) for atom in equation.inputs])
            self.add(equation.primitive, inputs, equation.params, out, equation)
            return
        inputs = tuple([self.waiting.get(atom, atom) for atom in equation.inputs])
        if negation:
            place = self.places.get(equation.inputs[0]) if self.alone(equation.inputs[0]) else None
            self.hand_on(inputs[0], minus, place, out, equation)
        else:
            core = Var(out.type)
            self.add(equation.primitive, inputs, equation.params, core, equation)
            self.hand_on(core, minus, self.place(equation), out, equation)

    def note(self, out: Var, place: _Place | None) -> None:
        """Keep the place for the sign of a value."""
        if place is not None:
            self.places[out] = place

    def place(self, equation: Equation) -> _Place | None:
        """The smallest operand to which a sign for the result can be applied.

        It is one of the equation recorded last, or of those that made its operands for it alone.
        """
        own, best = len(self.equations) - 1, None
        inputs = self.equations[own].inputs[_SIGNED.get(equation.primitive, slice(0))]
        for i, atom in enumerate(inputs):
            weight = _weight(atom)
            if best is None or weight < best.size:
                best = _Place(own, i, weight)
        for i in _ODD.get(equation.primitive, range(len(equation.inputs))):
            atom = equation.inputs[i]
            place = self.places.get(atom)
            if place is not None and self.alone(atom) and equation.inputs.count(atom) == 1:
                best = place if best is None or place.size < best.size else best
        return best

    def alone(self, atom: Atom) -> bool:
        """Whether exactly one equation uses a value, and no output is it."""
        return len(self.users.get(atom, ())) == 1 and atom not in self.outputs

    def hand_on(
        self, core: Atom, minus: bool, place: _Place | None, out: Var, equation: Equation
    ) -> None:
        """Let a sign wait, or apply it where the array is smallest."""
        if minus and self.waits(out):
            self.changed = True
            self.waiting[out] = core
            self.note(out, place)
        elif minus and place is not None and place.size < out.type.size:
            self.changed = True
            changed = self.equations[place.equation]
            inputs = list(changed.inputs)
            turned = inputs[place.operand] = Var(inputs[place.operand].type.strong)
            self.apply(changed.inputs[place.operand], True, turned, changed)
            self.ahead[place.equation] = self.equations.pop()
            self.equations[place.equation] = changed.replace(inputs=tuple(inputs))
            self.apply(core, False, out, equation)
        elif core in equation.inputs and minus:  # as it was
            self.equations.append(equation)
        else:
            self.changed = True
            self.apply(core, minus, out, equation)

    def computed(self, atom: Atom, near: Equation) -> Atom:
        """An atom that has a value: a sign that waits is applied."""
        core = self.waiting.get(atom)
        if core is None:
            return atom
        value = Var(atom.type)
        self.apply(core, True, value, near)
        return value

    def apply(self, atom: Atom, minus: bool, out: Var, near: Equation) -> None:
        """Record a value or its negative; the rules applied after this drop the product with 1."""
        if minus:
            self.add(_NEGATIVE, (atom,), {}, out, near)
        else:
            self.add(_MULTIPLY, (atom, Literal(out.type.dtype.type(1))), {}, out, near)

    def add(
        self, primitive: Primitive, inputs: tuple[Atom, ...], params: Any, out: Var, near: Equation
    ) -> None:
        self.equations.append(Equation(primitive, inputs, params, (out,), near.position))

    def waits(self, var: Var) -> bool:
        """Whether all users of a value take a sign; several of them must not make more work."""
        users = self.users.get(var, [])
        if var in self.outputs or not users:
            return False
        if not all(id(user) in self.plain and _takes(user, var) for user in users):
            return False
        return len(users) == 1 or sum(_price(user, var) for user in users) <= var.type.size + CALL


def _price(user: Equation, var: Var) -> float:
    """What it costs at most when a sign is applied by a user rather than before."""
    others = [x for x in user.inputs[_SIGNED.get(user.primitive, slice(0))] if x is not var]
    return min([user.outputs[0].type.size, *map(_weight, others)]) + CALL


def _takes(equation: Equation, var: Var) -> bool:
    return _TAKES[equation.primitive]([atom is var for atom in equation.inputs]) is not None


def _weight(atom: Atom) -> int:
    """The elements that a negation would take; none where it is computed once."""
    folded = isinstance(atom, Literal) and atom.type.size <= FOLDED
    return 0 if folded else atom.type.size
