"""Lengths: products that have no kink though a factor of them has one.

A length r = sqrt(s), the root of a sum of squares, has a kink where it is 0, and its square has
none. The chain rule does not see this: it multiplies an infinite slope by zero. So the values of a
Program are followed as *products* of powers

    z = r ** n * a * b / c ...

where r, a *root*, is a length, the absolute value of a number, or elements of such; the other
factors are anything. For each root there is a product with its own tangent that has no kink, its
*half*, so called because it is half the tangent of a square:

| root                           | half = r ** (k - 1) * dr      | degree k  |
|--------------------------------|-------------------------------|-----------|
| sqrt(s), s ** p for 0 < p < 1  | p * ds                        | 1 / p     |
| cbrt(s)                        | ds / 3                        | 3         |
| abs(x), of a complex x         | x * dx, real(conj(x) * dx)    | 2         |
| hypot(x, y)                    | x * dx + y * dy               | 2         |
| elements of roots              | those elements of the halves  | the roots' |

The tangent of z by r is n * r ** (n - k) * half, times the other factors. With n = k, 2k, ... it
has no kink, nor has any derivative of it. Between, as for r ** 3, derivatives of an order below n
exist at 0, and are 0 there: `times_power` (ops/lengths.py) has that rule. It holds where s is known
to be a sum of squares (squares.py), so that ds vanishes with r.

Only the tangents of products that gain by this are made in this way, and values stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np

from ..ir import Atom, Equation, Program
from ..ops import elementwise as ops
from ..ops.contract import EINSUM, canonical, split
from ..ops.lengths import RADICAL, TIMES_POWER, root_of_squares, times_power
from ..ops.shape import broadcast_to
from ..recorder import Recorder
from .chain_rule import pushed
from .products import (
    ABSOLUTE,
    CBRT,
    ELEMENTS,
    FABS,
    HYPOT,
    Product,
    Products,
    Root,
    exponent_of,
    may_gain,
    powers_of,
    repeated,
)


def lengths(program: Program, recorder: Recorder, tangents: dict[Atom, Any]) -> Lengths | None:
    """What gives the better tangents of a Program's products, if it has any."""
    if not may_gain(program):
        return None
    products = Products(program)
    powers = any(e.primitive is TIMES_POWER for e in program.equations)
    return Lengths(products, recorder, tangents) if products.gaining or powers else None


class Lengths:
    """The better tangents of a Program's products, while its equations are pushed forward.

    Args:
        recorder: who records them.
        tangents: those of the Program's Vars so far.
    """

    def __init__(self, products: Products, recorder: Recorder, tangents: dict[Atom, Any]):
        self._products = products
        self._recorder = recorder
        self._tangents = tangents
        self._halves: dict[Atom, Any] = {}

    def tangent(self, equation: Equation) -> Sequence[Any] | None:
        """The tangent of an equation's output, where there is a better one than by its rule."""
        if equation.primitive is TIMES_POWER:
            return self._of_times_power(equation)
        product = self._products.gaining.get(equation.outputs[0])
        if product is None:
            return None
        if equation.primitive is EINSUM:
            return self._of_contraction(equation, product)
        out = equation.outputs[0]
        tangent = self._of_product(product, self._value(out))
        return (tangent if tangent is None else broadcast_to(tangent, out.type.shape),)

    def _value(self, atom: Atom) -> Any:
        return self._recorder.value_of_atom(atom)

    def _of_product(self, product: Product, value: Any) -> Any:
        """The product rule, with the tangents of roots by their halves."""
        total = None
        for factor, power in powers_of(product).items():
            term = self._of_factor(factor, power, value)
            if term is None:
                continue
            if power > 0:
                others = [(x, n) for x, n in product if x is not factor]
                term = reduce(self._times, others, term)
            total = term if total is None else total + term
        return total

    def _times(self, term: Any, factor: tuple[Atom, float]) -> Any:
        x, power = self._value(factor[0]), factor[1]
        for _ in range(-int(power)):
            term = term / x
        return term if power < 0 else term * _power(x, power)

    def _of_factor(self, factor: Atom, power: float, value: Any) -> Any:
        """The tangent of a power of a factor; of a divisor that of the whole product."""
        root = self._products.roots.get(factor)
        if root is not None and root.better(power):
            return self._of_root(factor, root, power)
        t, x = self._tangent(factor), self._value(factor)
        if t is None or not power:
            return None
        if power < 0:
            return value / x * power * t
        if not power.is_integer() and root is None:  # of a sum of squares
            return times_power(t * power, root_of_squares(x), 2 * power - 2, 2 * power - 1)
        return t if power == 1 else t * (_power(x, power - 1) * power)

    def _of_root(self, factor: Atom, root: Root, power: float) -> Any:
        half = self._half(factor)
        if half is None:
            return None
        rest = power - root.degree
        if not rest:
            return half * power
        x = self._value(factor)
        if root.smooth(rest):
            return half * (_power(x, rest) * power)
        return times_power(half * power, x, rest, power - 1)

    def _tangent(self, atom: Atom) -> Any:
        return self._tangents.get(atom)

    def _half(self, atom: Atom) -> Any:
        """The half of a root; of another value, half the tangent of its square."""
        factor = self._products.facts.same(atom)
        if factor not in self._halves:
            sole = self._products.sole(factor)
            if sole is not None and sole[1] == 1 and sole[0] is not factor:
                return self._half(sole[0])
            root = self._products.roots.get(factor)
            made = self._half_of_square(factor) if root is None else self._half_of_root(root)
            self._halves[factor] = made
        return self._halves[factor]

    def _half_of_square(self, atom: Atom) -> Any:
        x = self._value(atom)
        if self._products.powers(atom):
            tangent = self._of_product(self._products.of(atom) * 2, x * x)
            return None if tangent is None else broadcast_to(tangent / 2, x.shape)
        t = self._tangent(atom)
        return None if t is None else x * t

    def _half_of_root(self, root: Root) -> Any:
        """From the equation that makes the root (see the head of this file)."""
        equation, operands = root.equation, root.equation.inputs
        primitive, x = equation.primitive, operands[0]
        if primitive in ELEMENTS:
            data = range(*ELEMENTS[primitive].indices(len(operands)))
            halves = [self._half(a) if i in data else None for i, a in enumerate(operands)]
            return None if _none(halves) else pushed(self._recorder, equation, halves)[0]
        if primitive is HYPOT:
            halves = [half for a in operands if (half := self._half(a)) is not None]
            shape = equation.outputs[0].type.shape
            return broadcast_to(reduce(add, halves), shape) if halves else None
        if primitive in (ABSOLUTE, FABS) and x.type.dtype.kind != "c":
            return self._half(x)
        t = self._tangent(x)
        if primitive is ABSOLUTE:
            return None if t is None else ops.real(ops.conjugate(self._value(x)) * t)
        return self._half_of_power(root)

    def _half_of_power(self, root: Root) -> Any:
        equation, x = root.equation, root.equation.inputs[0]
        exponent = exponent_of(equation)
        of_half = self._products.kinked(x) and self._products.halved(x)
        t = self._half(x) if of_half else self._tangent(x)
        if t is None:
            return None
        half = t * exponent
        odd = equation.primitive in (RADICAL, CBRT) or x.type.dtype.kind != "f"
        if odd or self._products.facts.square(x):
            return half
        one = x.type.dtype.type(1)
        return half * ops.where(ops.less(self._value(x), 0), one * np.nan, one)  # as the root is

    def _of_contraction(self, equation: Equation, product: Product) -> Any:
        """Of an einsum in which the factors of the product have the same letters."""
        terms, output = split(equation.params["spec"])
        shared, group = repeated(equation)
        value = reduce(mul, [self._value(x) for x in group])
        tangent = self._of_product(product, value)
        rows = [(shared, self._recorder.atom(value), tangent)]
        rows += [
            (term, x, self._tangent(x))
            for term, x in zip(terms, equation.inputs, strict=True)
            if term != shared
        ]
        spec = canonical(f"{','.join([term for term, _, _ in rows])}->{output}")
        inputs, given = tuple([x for _, x, _ in rows]), [t for _, _, t in rows]
        merged = Equation(EINSUM, inputs, {"spec": spec}, equation.outputs, equation.position)
        return (None,) if _none(given) else pushed(self._recorder, merged, given)

    def _of_times_power(self, equation: Equation) -> Any:
        """By the half of the length, which leaves further derivatives their zeros."""
        t, r = equation.inputs
        power, order = equation.params["power"], equation.params["order"]
        sole = self._products.sole(r)
        better = sole is not None and sole[1] == 1 and sole[2].exact and sole[2].degree == 2
        if order <= 1 or not better or (half := self._half(r)) is None:
            return None
        value, length, dt = self._value(t), self._value(r), self._tangent(t)
        tangent = times_power(value, length, power - 2, order - 1) * power * half
        if dt is not None:
            tangent = tangent + times_power(dt, length, power, order)
        return (broadcast_to(tangent, equation.outputs[0].type.shape),)


def _none(values: Sequence[Any]) -> bool:
    return all(value is None for value in values)


def _power(x: Any, exponent: float) -> Any:
    return x if exponent == 1 else ops.power(x, exponent)
