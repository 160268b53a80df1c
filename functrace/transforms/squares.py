"""What the way values are made tells about them: which are equal, and which are sums of squares.

A sum of squares s is never negative, and smooth. So its slope vanishes where s does, as fast as the
root of s: a function with second derivatives that is nowhere negative cannot leave 0 with a slope.
Absolute values and maxima are not negative either, but have kinks, and so do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from ..ir import Atom, Equation, Literal
from ..ops import elementwise as ops
from ..ops.cast import ASTYPE
from ..ops.contract import EINSUM, split
from ..ops.index import CONCATENATE, GATHER, PLACE, SLICE
from ..ops.shape import BROADCAST_TO, COPY, REDUCE_SUM, RESHAPE, TRANSPOSE
from ..primitive import PRIMITIVES, Primitive


class Facts:
    """Facts about the values of a Program, whose equations are given one after the other."""

    def __init__(self) -> None:
        self._makers: dict[Atom, Equation] = {}
        self._first: dict[Hashable, Atom] = {}
        self._same: dict[Atom, Atom] = {}
        self._squares: set[Atom] = set()

    def note(self, equation: Equation) -> bool:
        """Note what an equation tells; whether its output is a value that there was not before."""
        if len(equation.outputs) != 1 or not equation.primitive.cacheable:
            return False
        (out,) = equation.outputs
        self._makers[out] = equation
        operands = tuple([self._key(atom) for atom in equation.inputs])
        key: Hashable = equation.primitive, operands, tuple(equation.params.items())
        if equation.primitive is ops.multiply.primitive and operands[0] is operands[1]:
            key = ops.square.primitive, operands[:1], ()
        first = self._first.setdefault(key, out)
        if first is not out:
            self._same[out] = first
            return False
        rule = _RULES.get(equation.primitive)
        if rule is not None and out.type.dtype.kind == "f" and rule(equation, self):
            self._squares.add(out)
        return True

    def _key(self, atom: Atom) -> Hashable:
        if isinstance(atom, Literal) and not atom.type.shape:
            return atom.key
        return self.same(atom)

    def same(self, atom: Atom) -> Atom:
        """The first of all values that are known to equal an atom's."""
        return self._same.get(atom, atom)

    def maker(self, atom: Atom) -> Equation | None:
        """The equation that made an atom."""
        return self._makers.get(atom)

    def square(self, atom: Atom) -> bool:
        """Whether an atom is known to be a sum of squares."""
        if isinstance(atom, Literal):
            return atom.type.dtype.kind in "iuf" and bool(np.all(atom.value >= 0))
        return self.same(atom) in self._squares

    def positive(self, atom: Atom) -> bool:
        """Whether an atom is a positive number and what is not negative: its root has no kink."""
        maker = self.maker(self.same(atom))
        if maker is None or maker.primitive is not ops.add.primitive or atom.type.dtype.kind != "f":
            return False
        left, right = maker.inputs
        return any(
            isinstance(number, Literal) and bool(np.all(number.value > 0)) and self._at_least_0(x)
            for number, x in ((left, right), (right, left))
        )

    def _at_least_0(self, atom: Atom) -> bool:
        maker = self.maker(self.same(atom))
        return self.square(atom) or (maker is not None and maker.primitive.traits.nonnegative)


_Rule = Callable[[Equation, Facts], bool]


def _all_from(first: int) -> _Rule:
    return lambda equation, facts: all(facts.square(x) for x in equation.inputs[first:])


def _first(equation: Equation, facts: Facts) -> bool:
    return facts.square(equation.inputs[0])


def _product(equation: Equation, facts: Facts) -> bool:
    left, right = equation.inputs
    return facts.same(left) is facts.same(right) or (facts.square(left) and facts.square(right))


def _power(equation: Equation, facts: Facts) -> bool:
    exponent = equation.inputs[1]
    return isinstance(exponent, Literal) and bool(np.all(exponent.value % 2 == 0))


def _contraction(equation: Equation, facts: Facts) -> bool:
    """Of factors that come in pairs, or are sums of squares themselves."""
    terms, _ = split(equation.params["spec"])
    alone: set[tuple[str, Atom]] = set()
    for term, atom in zip(terms, equation.inputs, strict=True):
        if not facts.square(atom):
            alone ^= {(term, facts.same(atom))}
    return not alone


def _magnitude(equation: Equation, facts: Facts) -> bool:
    """The real part of a complex value times its conjugate."""
    product = facts.maker(equation.inputs[0])
    if product is None or product.primitive is not ops.multiply.primitive:
        return False
    for x, other in (product.inputs, product.inputs[::-1]):
        maker = facts.maker(other)
        if maker is not None and maker.primitive is ops.conjugate.primitive:
            return facts.same(maker.inputs[0]) is facts.same(x)
    return False


_RULES: dict[Primitive, _Rule] = {
    ops.square.primitive: lambda equation, facts: True,
    ops.exp.primitive: lambda equation, facts: True,
    ops.multiply.primitive: _product,
    ops.divide.primitive: _all_from(0),
    ops.add.primitive: _all_from(0),
    PRIMITIVES["power"]: _power,
    ops.REAL: _magnitude,
    ops.WHERE: _all_from(1),
    EINSUM: _contraction,
    CONCATENATE: _all_from(0),
} | dict.fromkeys(
    [REDUCE_SUM, GATHER, PLACE, SLICE, RESHAPE, TRANSPOSE, BROADCAST_TO, COPY, ASTYPE], _first
)
