"""Sums over steps, taken after the loop where that is one product of matrices.

The cotangent of a weight matrix that every step of a loop uses is a sum of products of vectors, one
for each step. To add them up step by step moves the whole matrix every time. The factors, stacked,
take less memory, and the sum of their products is one einsum with the step as a summed index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..ir import Atom, Equation, Literal, Program, Var
from ..ops.contract import EINSUM, einsum, split
from ..ops.elementwise import add
from ..primitive import PRIMITIVES

_STEP = "@"  # a letter that no einsum has


class Deferred(NamedTuple):
    """How the first outputs of a step's Program are summed over the steps.

    Attributes:
        terms: for each of them what is to be added step by step.
        products: for each of them the einsums to be taken after the loop.
        stacked: what of the step these need.
    """

    terms: list[list[Atom]]
    products: list[list[Equation]]
    stacked: list[Var]

    def after(
        self, sums: Sequence[Any], known: Callable[[Var], Any], stacks: Sequence[Any]
    ) -> list[Any]:
        """The whole sums.

        Args:
            sums: what was added step by step, None where nothing was.
            known: an input of the step's Program as an operand of the loop, and whether that is a
                stack of slices; None for what is no input.
            stacks: those of `stacked`.
        """
        found: dict[Atom, Any] = dict(zip(self.stacked, stacks, strict=True))

        def operand(atom: Atom) -> tuple[Any, bool]:
            if isinstance(atom, Literal):
                return atom.value, False
            if atom in found:
                return found[atom], True
            return known(atom)

        totals = []
        for total, products in zip(sums, self.products, strict=True):
            for equation in products:
                terms, output = split(equation.params["spec"])
                operands = [operand(atom) for atom in equation.inputs]
                steps = [
                    _STEP + term if sliced else term
                    for term, (_, sliced) in zip(terms, operands, strict=True)
                ]
                product = einsum(f"{','.join(steps)}->{output}", *[value for value, _ in operands])
                total = product if total is None else add(total, product)
            totals.append(total)
        return totals


def deferred(program: Program, count: int, fixed: set[Var], slices: set[Var]) -> Deferred:
    """Choose what of the first `count` outputs of a step's Program is summed after the loop.

    Args:
        fixed: inputs that are the same at every step.
        slices: inputs that are slices of stacks.
    """
    made = {var: equation for equation in program.equations for var in equation.outputs}
    uses = Counter(a for e in program.equations for a in e.inputs if isinstance(a, Var))
    uses.update(a for a in program.outputs if isinstance(a, Var))
    stacked: dict[Var, None] = {}
    terms: list[list[Atom]] = []
    products: list[list[Equation]] = []
    for output in program.outputs[:count]:
        terms.append([])
        products.append([])
        for term in _terms(output, made, uses):
            equation = made.get(term) if isinstance(term, Var) and uses[term] == 1 else None
            if equation is not None and equation.primitive is EINSUM:
                varying = [a for a in equation.inputs if isinstance(a, Var) and a not in fixed]
                new = {a: None for a in varying if a not in slices and a not in stacked}
                if varying and sum(a.type.size for a in new) < term.type.size:
                    stacked.update(new)
                    products[-1].append(equation)
                    continue
            terms[-1].append(term)
    return Deferred(terms, products, list(stacked))


def step_by_step(program: Program, count: int) -> Deferred:
    """Leave nothing for after the loop."""
    return Deferred([[atom] for atom in program.outputs[:count]], [[] for _ in range(count)], [])


def _terms(atom: Atom, made: dict[Var, Equation], uses: Counter[Var]) -> list[Atom]:
    """What a value is a sum of."""
    found: list[Atom] = []
    waiting = [atom]
    while waiting:
        term = waiting.pop()
        equation = made.get(term) if isinstance(term, Var) and uses[term] == 1 else None
        if (
            equation is not None
            and equation.primitive is PRIMITIVES["add"]
            and all(a.type is term.type for a in equation.inputs)
        ):
            waiting.extend(equation.inputs)
        else:
            found.append(term)
    return found
