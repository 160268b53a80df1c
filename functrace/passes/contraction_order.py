"""Contraction order: an einsum of three or more operands becomes a chain of pairwise ones.

opt_einsum chooses the order. It sees index sets and sizes, never arrays. What one operand alone is
summed over is summed first.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from ..ir import ArrayType, Atom, Equation, Program, Shape, Var
from ..ops.contract import EINSUM, canonical, split

_FEW = 5  # operands, of which all orders are tried

Pairing = tuple[tuple[int, ...], str]  # positions in the list of operands, and their einsum


def contraction_order(program: Program) -> Program:
    """The Program with every einsum on at most two operands."""
    if not any(e.primitive is EINSUM and len(e.inputs) > 2 for e in program.equations):
        return program
    equations: list[Equation] = []
    for equation in program.equations:
        if equation.primitive is EINSUM and len(equation.inputs) > 2:
            equations.extend(_pairwise(equation))
        else:
            equations.append(equation)
    return program.replace(equations=equations)


def _pairwise(equation: Equation) -> list[Equation]:
    spec = equation.params["spec"]
    result: list[Equation] = []
    operands: list[Atom] = []
    spec, alone = summed_first(spec)
    for atom, one in zip(equation.inputs, alone, strict=True):
        if one is not None:
            shape = _result_shape(one, [atom.type.shape])
            summed = Var(ArrayType(shape, atom.type.dtype))
            params = {"spec": canonical(one)}
            result.append(Equation(EINSUM, (atom,), params, (summed,), equation.position))
            atom = summed
        operands.append(atom)
    steps = pairings(spec, tuple(atom.type.shape for atom in operands))
    for number, (positions, step) in enumerate(steps):
        chosen = tuple(operands[i] for i in positions)
        for i in sorted(positions, reverse=True):
            del operands[i]
        if number == len(steps) - 1:
            outputs = equation.outputs
        else:
            shape = _result_shape(step, [atom.type.shape for atom in chosen])
            outputs = (Var(ArrayType(shape, chosen[0].type.dtype)),)
        params = {**equation.params, "spec": canonical(step)}
        result.append(Equation(EINSUM, chosen, params, outputs, equation.position))
        operands.append(outputs[0])
    return result


@lru_cache(maxsize=4096)
def summed_first(spec: str) -> tuple[str, tuple[str | None, ...]]:
    """The einsum of operands that are summed, and for each operand the einsum of it that sums.

    That is None for an operand all of whose indices the output or another operand has.
    """
    terms, output = split(spec)
    left, sums = [], []
    for i, term in enumerate(terms):
        others = set(output).union(*terms[:i], *terms[i + 1 :])
        kept = term
        if not others.issuperset(term):
            kept = "".join([c for c in dict.fromkeys(term) if c in others])
        left.append(kept)
        sums.append(None if kept == term else f"{term}->{kept}")
    return f"{','.join(left)}->{output}", tuple(sums)


def _result_shape(spec: str, shapes: list[Shape]) -> list[int]:
    terms, output = split(spec)
    sizes = {
        c: n
        for term, shape in zip(terms, shapes, strict=True)
        for c, n in zip(term, shape, strict=True)
    }
    return [sizes[c] for c in output]


@lru_cache(maxsize=4096)
def pairings(spec: str, shapes: tuple[Shape, ...]) -> tuple[Pairing, ...]:
    """The pairwise einsums that opt_einsum chooses; each result joins the end of the operands."""
    terms, output = split(spec)
    # Of operands with an operand of no index, "auto" takes the number into the first of them.
    search = "branch-all" if "" in terms and len(terms) <= _FEW else "auto"
    contract_path = import_module("opt_einsum").contract_path  # slow to import
    path, _ = contract_path(spec, *shapes, shapes=True, optimize=search)
    steps = []
    for number, positions in enumerate(path):
        chosen = [terms[i] for i in positions]
        for i in sorted(positions, reverse=True):
            del terms[i]
        needed = set(output).union(*terms)
        result = (
            output
            if number == len(path) - 1
            else "".join(c for c in dict.fromkeys("".join(chosen)) if c in needed)
        )
        terms.append(result)
        steps.append((tuple(positions), f"{','.join(chosen)}->{result}"))
    return tuple(steps)
