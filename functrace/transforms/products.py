"""Products of powers, with kinks among their factors (see `lengths.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..ir import Atom, Equation, Literal, Program, Var
from ..ops import elementwise as ops
from ..ops.cast import ASTYPE
from ..ops.contract import EINSUM, split
from ..ops.index import CONCATENATE, GATHER, PLACE, SCATTER_SET, SET_SLICE, SLICE
from ..ops.lengths import RADICAL, TIMES_POWER
from ..ops.shape import BROADCAST_TO, COPY, REDUCE_SUM, RESHAPE, TRANSPOSE
from ..ops.windows import WINDOWS
from ..primitive import PRIMITIVES, Primitive
from .squares import Facts

_MOST = 16  # factors of a product
_ROUNDING = 1e-9  # of powers, which are products of the user's numbers

SQUARE, NEGATIVE = ops.square.primitive, ops.negative.primitive
MULTIPLY, DIVIDE = ops.multiply.primitive, ops.divide.primitive
SQRT, CBRT, POWER = ops.sqrt.primitive, ops.cbrt.primitive, PRIMITIVES["power"]
ABSOLUTE, FABS, HYPOT = ops.absolute.primitive, ops.fabs.primitive, ops.hypot.primitive

Product = tuple[tuple[Atom, float], ...]  # factors, and the powers that they are taken to


class Root(NamedTuple):
    """A value with a kink.

    Attributes:
        equation: what makes it.
        degree: the lowest power of it that has no kink.
        exact: whether its half vanishes where it does.
        positive: whether it is never negative.
    """

    equation: Equation
    degree: float = 2.0
    exact: bool = True
    positive: bool = True

    def smooth(self, power: float) -> bool:
        """Whether a power has no kink."""
        times = power / self.degree
        return times > _ROUNDING and abs(times - round(times)) < _ROUNDING

    def better(self, power: float) -> bool:
        """Whether a power has a better tangent than that of the chain rule."""
        return self.smooth(power) or (self.exact and self.degree == 2 and power > 1)


class Products:
    """Which values of a Program are products with roots among their factors."""

    def __init__(self, program: Program):
        self.facts = Facts()
        self.roots: dict[Atom, Root] = {}
        self.gaining: dict[Var, Product] = {}  # what has a better tangent than by the chain rule
        self.decisive: set[Var] = set()  # powers whose exponents decide what kinks there are
        self._products: dict[Atom, Product] = {}
        for equation in program.equations:
            if self.facts.note(equation):
                if equation.outputs[0].type.inexact:
                    self._note(equation)
            elif len(equation.outputs) == 1:
                self._note_again(equation.outputs[0])

    def of(self, atom: Atom) -> Product:
        """The factors of a value; itself where it is not a product."""
        atom = self.facts.same(atom)
        return self._products.get(atom) or ((atom, 1.0),)

    def sole(self, atom: Atom) -> tuple[Atom, float, Root] | None:
        """The root that a value is a power of, and the power, if it is one."""
        (factor, power), *others = self.of(atom)
        root = self.roots.get(factor)
        return None if others or root is None else (factor, power, root)

    def powers(self, atom: Atom) -> list[tuple[Root, float]]:
        """The roots in a value, and their powers."""
        found = powers_of(self.of(atom)).items()
        return [(self.roots[factor], n) for factor, n in found if factor in self.roots]

    def kinked(self, atom: Atom) -> bool:
        """Whether a value has a kink where one of its roots is 0."""
        return not all(root.smooth(power) for root, power in self.powers(atom))

    def halved(self, atom: Atom) -> bool:
        """Whether a value's square has no kink."""
        return all(root.smooth(2 * power) for root, power in self.powers(atom))

    def exact(self, atom: Atom) -> bool:
        """Whether the roots in a value are exact."""
        return all(root.exact for root, _ in self.powers(atom))

    def _note(self, equation: Equation) -> None:
        out, primitive = equation.outputs[0], equation.primitive
        if primitive is EINSUM:
            _, group = repeated(equation)
            product = tuple([factor for atom in group for factor in self.of(atom)])
            if self._gains(group, product):
                self.gaining[out] = product
                return
        if primitive is POWER:
            (base, _) = equation.inputs
            if self.powers(base) or self.facts.square(base):
                self.decisive.add(out)
        product = _FACTORS[primitive](equation, self) if primitive in _FACTORS else None
        if product is not None:
            self._note_product(equation, product)
            return
        root = _ROOTS[primitive](equation, self) if primitive in _ROOTS else None
        if root is not None:
            self.roots[out] = root
            if root.exact and primitive in (RADICAL, SQRT):
                self._products.setdefault(self.facts.same(equation.inputs[0]), ((out, 2.0),))

    def _note_again(self, out: Var) -> None:
        """Note a value that equals an earlier one: the chain rule is as wrong for it."""
        first = self.facts.same(out)
        if first in self.gaining:
            self.gaining[out] = self.gaining[first]
        if first in self.decisive:
            self.decisive.add(out)

    def _note_product(self, equation: Equation, product: Product) -> None:
        out, operands = equation.outputs[0], equation.inputs
        if len(product) > _MOST:
            return
        if any(factor in self.roots for factor, _ in product):
            self._products[out] = product
            if equation.primitive is SQUARE:
                operands *= 2
            if self._gains(operands, product, equation.primitive in (SQRT, RADICAL, CBRT, POWER)):
                self.gaining[out] = product
        elif equation.primitive is POWER:  # of a sum of squares
            self.gaining[out] = product

    def _gains(self, operands: Sequence[Atom], product: Product, power: bool = False) -> bool:
        """Whether a product has less of a kink than its operands."""
        before = [powers_of(self.of(atom)) for atom in operands]
        for factor, n in powers_of(product).items():
            root = self.roots.get(factor)
            found = [powers[factor] for powers in before if factor in powers]
            several = power or len(found) > 1
            if root and root.better(n) and several and not all(root.smooth(m) for m in found):
                return True
        return False


def powers_of(product: Product) -> dict[Atom, float]:
    """The power of each factor of a product."""
    powers: dict[Atom, float] = {}
    for factor, power in product:
        powers[factor] = powers.get(factor, 0.0) + power
    return powers


# Which products and powers are products


def _of_multiply(equation: Equation, products: Products) -> Product:
    left, right = equation.inputs
    return products.of(left) + products.of(right)


def _of_divide(equation: Equation, products: Products) -> Product | None:
    left, right = equation.inputs
    if products.powers(right):
        return None
    return products.of(left) + tuple([(factor, -n) for factor, n in products.of(right)])


def _of_negative(equation: Equation, products: Products) -> Product:
    (x,) = equation.inputs
    return (*products.of(x), (Literal(x.type.dtype.type(-1)), 1.0))


def _of_square(equation: Equation, products: Products) -> Product:
    return products.of(equation.inputs[0]) * 2


def _of_power(equation: Equation, products: Products) -> Product | None:
    x, n = equation.inputs[0], exponent_of(equation)
    if n is None or n <= 0:
        return None
    sole = products.sole(x)
    if sole is not None:
        factor, power, root = sole
        return ((factor, power * n),) if root.positive or n.is_integer() else None
    if n.is_integer():
        return products.of(x) * int(n) if n <= _MOST else None
    kinked = n > 1 and products.facts.square(x) and not products.facts.positive(x)
    return ((products.facts.same(x), n),) if kinked else None


def _of_absolute(equation: Equation, products: Products) -> Product | None:
    sole = products.sole(equation.inputs[0])
    return products.of(equation.inputs[0]) if sole is not None and sole[2].positive else None


def exponent_of(equation: Equation) -> float | None:
    """The number that an operand is taken to the power of."""
    if equation.primitive is RADICAL:
        return equation.params["exponent"]
    if equation.primitive is POWER:
        exponent = equation.inputs[1]
        if not isinstance(exponent, Literal) or exponent.type.shape or exponent.value.imag:
            return None
        return float(exponent.value.real)
    return 1 / 3 if equation.primitive is CBRT else 0.5


_FACTORS: dict[Primitive, Callable[[Equation, Products], Product | None]] = {
    MULTIPLY: _of_multiply,
    DIVIDE: _of_divide,
    NEGATIVE: _of_negative,
    SQUARE: _of_square,
    POWER: _of_power,
    RADICAL: _of_power,
    SQRT: _of_power,
    CBRT: _of_power,
    ABSOLUTE: _of_absolute,
    FABS: _of_absolute,
}

# Which values are roots


def _root_of_power(equation: Equation, products: Products) -> Root | None:
    x, exponent = equation.inputs[0], exponent_of(equation)
    if exponent is None or not 0 < exponent < 1 or products.facts.positive(x):
        return None
    degree = 3.0 if equation.primitive is CBRT else 1 / exponent
    if products.kinked(x) and products.halved(x):  # the root of what is a root itself
        return Root(equation, 2 * degree, False, False)
    exact = degree == 2 and (equation.primitive is RADICAL or products.facts.square(x))
    positive = equation.primitive is not CBRT and x.type.dtype.kind == "f"
    return Root(equation, degree, exact, positive)


def _root_of_operands(equation: Equation, products: Products) -> Root | None:
    """Of `abs` and `hypot`."""
    if all(products.halved(x) for x in equation.inputs):
        return Root(equation, exact=all(products.exact(x) for x in equation.inputs))
    return None


def _root_of_elements(equation: Equation, products: Products) -> Root | None:
    operands = equation.inputs[ELEMENTS[equation.primitive]]
    if not any(products.kinked(x) for x in operands):
        return None
    if equation.primitive in (REDUCE_SUM, EINSUM) and not _selects(equation):
        return None
    sole = products.sole(operands[0])
    if len(operands) == 1 and sole is not None and sole[1] == 1:
        return sole[2]._replace(equation=equation)
    if not all(products.halved(x) for x in operands):
        return None
    return Root(equation, exact=all(products.exact(x) for x in operands), positive=False)


def _selects(equation: Equation) -> bool:
    """Whether a sum or an einsum has one term for each element."""
    if equation.primitive is REDUCE_SUM:
        return equation.inputs[0].type.size == equation.outputs[0].type.size
    terms, output = split(equation.params["spec"])
    return len(terms) == 1 and set(terms[0]) == set(output)


# What gives elements of its operands, and zeros perhaps: which operands those are.
ELEMENTS: dict[Primitive, slice] = {
    CONCATENATE: slice(None),
    ops.WHERE: slice(1, 3),
    SET_SLICE: slice(2),
    SCATTER_SET: slice(2),
} | dict.fromkeys(
    [
        RESHAPE, TRANSPOSE, BROADCAST_TO, COPY, SLICE, GATHER, PLACE, WINDOWS, ASTYPE, REDUCE_SUM,
        EINSUM,
    ],
    slice(1),
)  # fmt: skip
_POWERS = (SQRT, CBRT, POWER, RADICAL)
_ROOTS: dict[Primitive, Callable[[Equation, Products], Root | None]] = (
    dict.fromkeys(_POWERS, _root_of_power)
    | dict.fromkeys([ABSOLUTE, FABS, HYPOT], _root_of_operands)
    | dict.fromkeys(ELEMENTS, _root_of_elements)
)
KINKS = {*_POWERS, ABSOLUTE, FABS, HYPOT}


def may_gain(program: Program) -> bool:
    """Whether roots may meet in a product. This is quick to find out, and rarely so."""
    rooted: set[Atom] = set()
    for equation in program.equations:
        primitive, operands = equation.primitive, equation.inputs
        if primitive in KINKS:
            exponent = exponent_of(equation) if primitive is POWER else None
            if exponent is not None and exponent > 1:
                if operands[0] in rooted or not exponent.is_integer():
                    return True
                continue
            rooted.add(equation.outputs[0])
            rooted.add(operands[0])  # of which it is the root
        elif primitive is TIMES_POWER:
            return True
        elif rooted and primitive in _PASSING:
            count = sum([atom in rooted for atom in operands[: 1 if primitive is DIVIDE else None]])
            if count > 1 and primitive in (MULTIPLY, EINSUM):
                return True
            if count and primitive is SQUARE:
                return True
            if count:
                rooted.add(equation.outputs[0])
    return False


_PASSING = {*_FACTORS, *ELEMENTS} - KINKS


def repeated(equation: Equation) -> tuple[str, list[Atom]]:
    """Letters that several operands of an einsum have, and those operands."""
    terms, _ = split(equation.params["spec"])
    for term in terms:
        if terms.count(term) > 1:
            return term, [x for x, o in zip(equation.inputs, terms, strict=True) if o == term]
    return "", []
