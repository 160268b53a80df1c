"""Shared subexpressions: what is computed twice from the same operands is computed once.

What acts is done as often as it is written.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..ir import ACTS, Atom, Equation, Program, Var

_WHOLE_KEY = 64  # bytes; larger literals are compared by identity, not by content


def common_subexpressions(program: Program) -> Program:
    """The Program in which equal equations on equal operands are one."""
    same: dict[Atom, Atom] = {}
    seen: dict[Hashable, tuple[Var, ...]] = {}
    kept = []
    for equation in program.equations:
        inputs = tuple([same.get(atom, atom) for atom in equation.inputs])
        key = (
            equation.primitive,
            tuple([operand_key(atom) for atom in inputs]),
            tuple(equation.params.items()),
        )
        earlier = seen.get(key)
        if earlier is not None and ACTS not in equation.effects:
            same.update(zip(equation.outputs, earlier, strict=True))
            continue
        seen[key] = equation.outputs
        if any(new is not old for new, old in zip(inputs, equation.inputs, strict=True)):
            equation = Equation(
                equation.primitive, inputs, equation.params, equation.outputs, equation.position
            )
        kept.append(equation)
    if not same:
        return program
    outputs = [same.get(atom, atom) for atom in program.outputs]
    return Program(program.inputs, kept, outputs, program.name)


def operand_key(atom: Atom) -> Hashable:
    """What makes two operands the same."""
    if isinstance(atom, Var) or atom.value.nbytes > _WHOLE_KEY:
        return atom
    return atom.key
