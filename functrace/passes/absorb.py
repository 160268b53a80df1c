"""Contractions across equations: chains of products and sums become one einsum of many operands.

An einsum, or a sum, takes in the equations that make its operands: einsums, products, sums,
transposes, broadcasts, signs and numbers. What comes out is one einsum, whose order of evaluation
`contraction.py` then chooses freely: `(A @ B) @ v` becomes `A @ (B @ v)`, and the squared norm of
an outer product that of its two factors. Nothing is taken in that somebody else uses, so that
nothing is computed twice; nothing is distributed over additions; and the einsum stays only where it
is estimated to be cheaper than what it replaces.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..ir import UNKNOWN, ArrayType, Atom, Equation, Literal, Program, Shape, Var
from ..ops import elementwise as ops
from ..ops.contract import EINSUM, LETTERS, canonical, split
from ..ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, TRANSPOSE, broadcast_to, reshape
from ..recorder import bind, rewriting
from .cost import CALL, cost, einsum_cost
from .factors import factors
from .match import may_wait
from .simplify import simplify

_MOST = 12  # operands of one einsum; the order of more takes long to find
_GAIN = 0.9  # of the estimated cost is to be left at most

Term = tuple[int, ...]  # an index for each axis of an operand; _DROPPED for axes of length 1
_DROPPED = -1


class _Form:
    """A product of operands with indices, times a number, summed over what the output has not.

    Attributes:
        operands, terms: what is multiplied, and the index of each axis.
        output: the index of each axis of the result. Some may be in no term: these repeat it.
        sizes: the length of each index.
        factor: the number.
    """

    __slots__ = ("factor", "operands", "output", "sizes", "terms")

    def __init__(
        self,
        operands: Sequence[Atom],
        terms: Sequence[Term],
        output: Term,
        sizes: dict[int, int],
        factor: Any = 1,
    ):
        self.operands = list(operands)
        self.terms = list(terms)
        self.output = output
        self.sizes = sizes
        self.factor = factor

    def with_inlined(self, maker: Equation) -> _Form:
        """The form in which that of the equation which makes an operand takes its place."""
        operands: list[Atom] = []
        terms: list[Term] = []
        sizes, factor = dict(self.sizes), self.factor
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
            factor = factor * inner.factor
        return _Form(operands, terms, self.output, sizes, factor)

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


def absorb(program: Program, fired: Counter[str] | None = None) -> Program:
    """The Program with einsums and sums taking in what makes their operands, where it pays.

    Args:
        fired: is to count the rules of algebra that were applied afterwards.
    """
    if not any(e.primitive in _ROOTS for e in program.equations):
        return program
    uses = _Uses(program)
    forms: dict[int, _Form] = {}
    for number in range(len(program.equations) - 1, -1, -1):
        if program.equations[number].primitive in _ROOTS and number not in uses.taken:
            form = _grown(number, uses)
            if form is not None:
                forms[number] = form
    if not forms:
        return program
    rebuilt = simplify(_rebuilt(program, forms, uses.taken), fired, settled=program)
    return factors(rebuilt, fired)  # numbers may meet others


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
        """The number of the equation that makes a value which nobody outside uses."""
        number = self.makers.get(atom) if isinstance(atom, Var) else None
        if number is None or number in self.taken or not self.users[atom] <= inside:
            return None
        return number


def _grown(number: int, uses: _Uses) -> _Form | None:
    """The cheapest form that an equation grows into by taking in others, if it is any cheaper."""
    form = _form(uses.equations[number])
    if form is None:
        return None
    inside = {number}
    separate = cost(uses.equations[number])
    best, gain, absorbed = None, 0.0, set[int]()
    refused: set[Atom] = set()
    while len(form.operands) <= _MOST:
        merged = _form_cost(form) if len(inside) > 1 else None
        if merged is not None and merged < _GAIN * separate and separate - merged > gain:
            best, gain, absorbed = form, separate - merged, inside - {number}
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
    uses.taken |= absorbed
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
    factor: Any = 1
    operands = []
    for atom in equation.inputs:
        if isinstance(atom, Literal) and not atom.type.shape:
            factor = factor * atom.value
        else:
            operands.append(atom)
    if not operands or not may_wait(factor, type.dtype):
        return None
    terms = [_aligned(atom.type.shape, output, target) for atom in operands]
    return _Form(operands, terms, output, sizes, factor)


def _of_square(equation: Equation) -> _Form:
    (operand,) = equation.inputs
    output, sizes = _indices(operand.type.shape)
    return _Form([operand, operand], [output, output], output, sizes)


def _of_negative(equation: Equation) -> _Form:
    (operand,) = equation.inputs
    output, sizes = _indices(operand.type.shape)
    return _Form([operand], [output], output, sizes, -1)


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
    if not may_wait(form.factor, form.operands[0].type.dtype):
        return None
    spec, shapes, repeats = found
    size = math.prod([form.sizes[i] for i in form.output])
    scaling = 0.0 if repeats * form.factor == 1 else min([size, *map(math.prod, shapes)]) + CALL
    return einsum_cost(spec, shapes) + scaling


# Equations of forms


def _rebuilt(program: Program, forms: dict[int, _Form], taken: set[int]) -> Program:
    renamed: dict[Atom, Atom] = {}
    with rewriting(program) as recorder:
        for number, equation in enumerate(program.equations):
            if number in taken:
                continue
            recorder.position = equation.position
            form = forms.get(number)
            if form is not None:
                operands = [recorder.value_of_atom(renamed.get(a, a)) for a in form.operands]
                result = _value(form, operands, equation.outputs[0].type)
                renamed[equation.outputs[0]] = recorder.atom(result)
                continue
            recorder.equations.append(equation.renamed(renamed))
        return program.rewritten(recorder.equations, renamed)


def _value(form: _Form, operands: list[Any], type: ArrayType) -> Any:
    spec, shapes, repeats = form.spec()  # type: ignore[misc] -- it had a cost
    factor = form.factor * repeats
    operands = [reshape(x, shape) for x, shape in zip(operands, shapes, strict=True)]
    scale = None if factor == 1 else type.dtype.type(factor)
    smallest = min(range(len(operands)), key=lambda i: math.prod(shapes[i]))
    if scale is not None and math.prod(shapes[smallest]) < type.size:
        operands[smallest], scale = operands[smallest] * scale, None
    result = bind(EINSUM, *operands, spec=spec)
    if scale is not None:
        result = result * scale
    present = {i for term in form.terms for i in term}
    lengths = tuple([form.sizes[i] if i in present else 1 for i in form.output])
    return broadcast_to(reshape(result, lengths), type.shape)
