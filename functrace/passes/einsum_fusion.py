"""Contractions across equations: chains of products and sums become one einsum of many operands.

An einsum, or a sum, takes in the equations that make its operands: einsums, products, sums,
transposes, broadcasts, signs and numbers. Nothing is taken in that somebody else uses, so that
nothing is computed twice, and the einsum stays only where it is estimated to be cheaper than what
it replaces.

Where the terms of the sum stay the products that they were, and are added in another order at most,
the einsum takes the place of the equations (`_Form.same_terms`): `sum(x * y)` becomes a product of
vectors. Otherwise sums are exchanged with products, as when `(A @ B) @ v` becomes `A @ (B @ v)`, or
the squared norm of an outer product that of its two factors. Then the einsum is the fast way of a
`guarded` equation, which takes it where all numbers are in range.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ..ir import UNKNOWN, Atom, Equation, Literal, Program, Shape, Var
from ..ops import elementwise as ops
from ..ops.contract import EINSUM, LETTERS, canonical, split
from ..ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, TRANSPOSE, broadcast_to, reshape
from ..recorder import bind, rewriting
from .contraction_order import contraction_order, summed_first
from .cost import CALL, cost, einsum_cost
from .guarded import GUARDED
from .match import least_normal

_MOST = 12  # operands of one einsum; the order of more takes long to find
_GAIN = 0.9  # of the estimated cost is to be left at most
_LOOK = 4 * CALL  # of an operand's norm, besides reading it

Term = tuple[int, ...]  # an index for each axis of an operand; _DROPPED for axes of length 1
_DROPPED = -1


class _Form:
    """A product of operands with indices, times a number, summed over what the output has not.

    Attributes:
        operands, terms: what is multiplied, and the index of each axis.
        output: the index of each axis of the result. Some may be in no term: these repeat it.
        sizes: the length of each index.
        numbers: the numbers, none of which is 1.
    """

    __slots__ = ("numbers", "operands", "output", "sizes", "terms")

    def __init__(
        self,
        operands: Sequence[Atom],
        terms: Sequence[Term],
        output: Term,
        sizes: dict[int, int],
        numbers: Sequence[Any] = (),
    ):
        self.operands = list(operands)
        self.terms = list(terms)
        self.output = output
        self.sizes = sizes
        self.numbers = [*numbers]

    def with_inlined(self, maker: Equation) -> _Form:
        """The form in which that of the equation which makes an operand takes its place."""
        operands: list[Atom] = []
        terms: list[Term] = []
        sizes, numbers = dict(self.sizes), [*self.numbers]
        for operand, term in zip(self.operands, self.terms, strict=True):
            if operand is not maker.outputs[0]:
                operands.append(operand)
                terms.append(term)
                continue
            inner: _Form = _form(maker)  # with indices of its own each time
            rename: dict[int, int] = {
                theirs: ours
                for theirs, ours in zip(inner.output, term, strict=True)
                if ours != _DROPPED
            }
            sizes.update((rename.get(i, i), n) for i, n in inner.sizes.items())
            operands.extend(inner.operands)
            dropped = {i for i, ours in zip(inner.output, term, strict=True) if ours == _DROPPED}
            terms.extend(
                tuple([_DROPPED if i in dropped else rename.get(i, i) for i in inner_term])
                for inner_term in inner.terms
            )
            numbers += inner.numbers
        return _Form(operands, terms, self.output, sizes, numbers)

    def same_terms(self) -> bool:
        """Whether what is added up are the products that there were, and nothing is added before.

        There are two factors at most, which are exchanged perhaps. No index that is summed over is
        in one of them alone, which would be added up first.
        """
        if any(number != -1 for number in self.numbers) or len(self.operands) > 2:
            return False
        return len(self.operands) == 1 or not self.lone()

    def lone(self) -> list[int]:
        """The indices summed over that one operand alone has."""
        count = Counter(i for term in self.terms for i in set(term) if i != _DROPPED)
        return [
            i for i, times in count.items()
            if times == 1 and i not in self.output and self.sizes[i] > 1
        ]  # fmt: skip

    def extent(self) -> float:
        """What bounds the sum of products, besides the norms of the operands; 1 at least."""
        found = self.spec()
        assert found is not None
        lone = math.sqrt(math.prod([self.sizes[i] for i in self.lone()]))
        return found[2] * lone * math.prod([max(float(abs(x)), 1.0) for x in self.numbers])

    def spec(self) -> tuple[str, tuple[Shape, ...], float] | None:
        """The einsum, its operands' shapes, and the number of equal terms that it leaves out."""
        present = dict.fromkeys(i for term in self.terms for i in term if i != _DROPPED)
        if len(present) > len(LETTERS):
            return None
        letters = dict(zip(present, LETTERS, strict=False))
        kept = [tuple([i for i in term if i != _DROPPED]) for term in self.terms]
        inputs = ",".join("".join([letters[i] for i in term]) for term in kept)
        output = "".join([letters[i] for i in self.output if i in present])
        shapes = tuple([tuple([self.sizes[i] for i in term]) for term in kept])
        summed = set(self.sizes) - set(present) - set(self.output)
        repeats = math.prod([self.sizes[i] for i in summed if self.sizes[i] != 1])
        return canonical(f"{inputs}->{output}"), shapes, repeats


def einsum_fusion(program: Program) -> Program:
    """The Program with einsums and sums taking in what makes their operands, where it pays."""
    if not any(e.primitive in _ROOTS for e in program.equations):
        return program
    uses = _Uses(program)
    forms: dict[int, _Grown] = {}
    for number in range(len(program.equations) - 1, -1, -1):
        if program.equations[number].primitive in _ROOTS and number not in uses.taken:
            grown = _grown(number, uses)
            if grown is not None:
                forms[number] = grown
    return _rebuilt(program, forms, uses.taken) if forms else program


class _Grown(NamedTuple):
    """What an equation has grown into: a form, and the numbers of the equations in it."""

    form: _Form
    inside: list[int]


class _Uses:
    """Who makes and who uses each value of a Program.

    Attributes:
        equations: the Program's.
        makers: the number of the equation that makes a Var.
        users: the numbers of the equations that use it, and -1 for the Program's outputs.
        taken: the numbers of the equations that others have taken in.
    """

    def __init__(self, program: Program):
        self.equations = program.equations
        self.makers = {v: i for i, e in enumerate(program.equations) for v in e.outputs}
        self.users: dict[Atom, set[int]] = {}
        self.taken: set[int] = set()
        for number, equation in enumerate(program.equations):
            for atom in equation.inputs:
                self.users.setdefault(atom, set()).add(number)
        for atom in program.outputs:
            self.users.setdefault(atom, set()).add(-1)

    def maker_within(self, atom: Atom, inside: set[int]) -> int | None:
        """The number of the equation that makes a value which is not used outside."""
        number = self.makers.get(atom) if isinstance(atom, Var) else None
        if number is None or number in self.taken or not self.users[atom] <= inside:
            return None
        return number


def _grown(number: int, uses: _Uses) -> _Grown | None:
    """The cheapest form that an equation grows into by taking in others, if it is any cheaper."""
    form = _form(uses.equations[number])
    if form is None:
        return None
    inside = {number}
    separate = cost(uses.equations[number])
    best, gain = None, 0.0
    refused: set[Atom] = set()
    while len(form.operands) <= _MOST:
        merged = _form_cost(form) if len(inside) > 1 or not form.same_terms() else None
        if merged is not None and merged < _GAIN * separate and separate - merged > gain:
            best, gain = _Grown(form, sorted(inside)), separate - merged
        for atom in form.operands:
            place = uses.maker_within(atom, inside) if atom not in refused else None
            maker = None if place is None else uses.equations[place]
            if place is None or maker is None or _form(maker) is None:
                refused.add(atom)
                continue
            form = form.with_inlined(maker)
            inside.add(place)
            separate += cost(maker)
            break
        else:
            break
    if best is not None:
        uses.taken.update(best.inside[:-1])
    return best


# The forms of equations


def _form(equation: Equation) -> Any:
    """The form of an equation, with indices of its own; None when it has none."""
    make = _FORMS.get(equation.primitive)
    type = equation.outputs[0].type
    if make is None or type.dtype.kind not in "fc" or not type.size or UNKNOWN in type.shape:
        return None
    # Partial products in another order easily leave the narrow range of half precision.
    return None if type.dtype == np.float16 else make(equation)


_fresh = count()


def _indices(shape: Shape) -> tuple[Term, dict[int, int]]:
    term = tuple([next(_fresh) for _ in shape])
    return term, dict(zip(term, shape, strict=True))


def _aligned(shape: Shape, output: Term, target: Shape) -> Term:
    """The indices of an operand that broadcasts to an output."""
    lead = len(target) - len(shape)
    return tuple(
        [
            output[lead + i] if n == target[lead + i] else _DROPPED
            for i, n in enumerate(shape)
        ]
    )  # fmt: skip


def _of_einsum(equation: Equation) -> _Form:
    inputs, output = split(equation.params["spec"])
    numbers = {c: next(_fresh) for c in dict.fromkeys("".join(inputs))}
    sizes = {
        numbers[c]: n
        for term, atom in zip(inputs, equation.inputs, strict=True)
        for c, n in zip(term, atom.type.shape, strict=True)
    }
    terms = [tuple([numbers[c] for c in term]) for term in inputs]
    return _Form(equation.inputs, terms, tuple([numbers[c] for c in output]), sizes)


def _of_product(equation: Equation) -> _Form | None:
    type = equation.outputs[0].type
    target = type.shape
    output, sizes = _indices(target)
    numbers = [a.value for a in equation.inputs if isinstance(a, Literal) and not a.type.shape]
    operands = [a for a in equation.inputs if not isinstance(a, Literal) or a.type.shape]
    if not operands or not all(np.isfinite(x) and x for x in numbers):
        return None
    terms = [_aligned(atom.type.shape, output, target) for atom in operands]
    return _Form(operands, terms, output, sizes, [x for x in numbers if x != 1])


def _of_square(equation: Equation) -> _Form:
    (operand,) = equation.inputs
    output, sizes = _indices(operand.type.shape)
    return _Form([operand, operand], [output, output], output, sizes)


def _of_negative(equation: Equation) -> _Form:
    (operand,) = equation.inputs
    output, sizes = _indices(operand.type.shape)
    return _Form([operand], [output], output, sizes, [-1])


def _of_transpose(equation: Equation) -> _Form:
    (operand,) = equation.inputs
    term, sizes = _indices(operand.type.shape)
    output = tuple([term[i] for i in equation.params["permutation"]])
    return _Form([operand], [term], output, sizes)


def _of_sum(equation: Equation) -> _Form:
    (operand,) = equation.inputs
    term, sizes = _indices(operand.type.shape)
    axes = equation.params["axes"]
    output = tuple([index for i, index in enumerate(term) if i not in axes])
    return _Form([operand], [term], output, sizes)


def _of_broadcast(equation: Equation) -> _Form:
    (operand,) = equation.inputs
    target = equation.outputs[0].type.shape
    output, sizes = _indices(target)
    return _Form([operand], [_aligned(operand.type.shape, output, target)], output, sizes)


def _of_reshape(equation: Equation) -> _Form | None:
    """A reshape that only adds or drops axes of length 1."""
    (operand,) = equation.inputs
    shape, target = operand.type.shape, equation.outputs[0].type.shape
    if [n for n in shape if n != 1] != [n for n in target if n != 1]:
        return None
    output, sizes = _indices(target)
    long = iter([index for index, n in zip(output, target, strict=True) if n != 1])
    term = tuple([_DROPPED if n == 1 else next(long) for n in shape])
    return _Form([operand], [term], output, sizes)


_FORMS: dict[Any, Callable[[Equation], _Form | None]] = {
    EINSUM: _of_einsum,
    ops.multiply.primitive: _of_product,
    ops.square.primitive: _of_square,
    ops.negative.primitive: _of_negative,
    TRANSPOSE: _of_transpose,
    REDUCE_SUM: _of_sum,
    BROADCAST_TO: _of_broadcast,
    RESHAPE: _of_reshape,
}
_ROOTS = (EINSUM, REDUCE_SUM)

# Costs, in elements moved


def _form_cost(form: _Form) -> float | None:
    """The estimated cost of a form as one einsum; None when it has no spec."""
    found = form.spec()
    if found is None or any(atom.type.size == 0 for atom in form.operands):
        return None
    spec, shapes, repeats = found
    kind = form.operands[0].type.dtype
    factor = math.prod(form.numbers) * repeats
    if not least_normal(kind) <= abs(factor) <= np.finfo(kind).max:
        return None
    scaling = 0.0 if factor == 1 else math.prod([form.sizes[i] for i in form.output]) + CALL
    same = form.same_terms()
    proof = 0.0 if same else sum(a.type.size + _LOOK for a in dict.fromkeys(form.operands)) + _LOOK
    return einsum_cost(spec, shapes, exchanged=not same) + scaling + proof


# Equations of forms


def _rebuilt(program: Program, forms: dict[int, _Grown], taken: set[int]) -> Program:
    renamed: dict[Atom, Atom] = {}
    with rewriting(program) as recorder:
        for number, equation in enumerate(program.equations):
            if number in taken:
                continue
            recorder.position = equation.position
            grown = forms.get(number)
            if grown is None:
                recorder.equations.append(equation.renamed(renamed))
            elif grown.form.same_terms():
                operands = [recorder.value_of_atom(renamed.get(a, a)) for a in grown.form.operands]
                result = _value(grown.form, operands, equation)
                renamed[equation.outputs[0]] = recorder.atom(result)
            else:
                inner = [program.equations[i] for i in grown.inside]
                recorder.equations.append(_proved(grown.form, inner).renamed(renamed))
        return program.rewritten(recorder.equations, renamed)


def _proved(form: _Form, equations: list[Equation]) -> Equation:
    """The guarded equation of a form, and of the equations that it stands for."""
    root = equations[-1]
    made = {var for equation in equations for var in equation.outputs}
    others = [a for e in equations for a in e.inputs if isinstance(a, Var) and a not in made]
    atoms = list(dict.fromkeys([*form.operands, *others]))
    inputs = [atom if isinstance(atom, Var) else Var(atom.type) for atom in atoms]
    slow = Program(inputs, equations, root.outputs, "as written")
    known = dict(zip(atoms, inputs, strict=True))
    with rewriting(slow) as recorder:
        recorder.position = root.position
        operands = [recorder.value_of_atom(known[atom]) for atom in form.operands]
        value = _value(form, operands, root)
        fast = Program(inputs, recorder.equations, [recorder.atom(value)], "exchanged")
    params = {
        "fast": contraction_order(fast),
        "slow": contraction_order(slow),
        "degrees": tuple([form.operands.count(atom) for atom in atoms]),
        "factor": math.prod([min(float(abs(x)), 1.0) for x in form.numbers], start=1.0),
        "extent": form.extent(),
    }
    return Equation(GUARDED, tuple(atoms), params, root.outputs, root.position)


def _value(form: _Form, operands: list[Any], root: Equation) -> Any:
    type = root.outputs[0].type
    spec, shapes, repeats = form.spec()  # type: ignore[misc] -- it had a cost
    operands = [reshape(x, shape) for x, shape in zip(operands, shapes, strict=True)]
    if not form.same_terms():
        spec, sums = summed_first(spec)
        operands = [x if one is None else bind(EINSUM, x, spec=canonical(one))
                    for x, one in zip(operands, sums, strict=True)]  # fmt: skip
    summed = {"summed": True} if root.primitive is REDUCE_SUM and len(operands) > 1 else {}
    result = bind(EINSUM, *operands, spec=canonical(spec), **summed)
    if (factor := math.prod(form.numbers) * repeats) != 1:
        result = result * type.dtype.type(factor)
    present = {i for term in form.terms for i in term}
    lengths = tuple([form.sizes[i] if i in present else 1 for i in form.output])
    return broadcast_to(reshape(result, lengths), type.shape)
