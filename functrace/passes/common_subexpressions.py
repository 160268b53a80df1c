"""Shared subexpressions: what is computed twice from the same operands is computed once.

What acts is done as often as it is written.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..ir import ACTS, Atom, Equation, Program, Var

_WHOLE_KEY = 1 << 13  # bytes; larger literals are the same where their arrays are one array


def common_subexpressions(program: Program) -> Program:
    """The Program in which equal equations on equal operands are one."""
    kept, same = repeats(program)
    return program.rewritten(kept, same) if same else program


def repeats(program: Program) -> tuple[list[Equation], dict[Atom, Atom]]:
    """The equations that no earlier one equals, and what stands for the results of the others."""
    same: dict[Atom, Atom] = {}
    seen: dict[Hashable, tuple[Var, ...]] = {}
    kept = []
    for equation in program.equations:
        equation = equation.renamed(same)
        primitive, params = equation.primitive, equation.params
        operands: Hashable = tuple(
            [atom if type(atom) is Var else operand_key(atom) for atom in equation.inputs]
        )
        if primitive.traits.commutative:
            operands = frozenset(operands)
        key = (primitive, operands, tuple(params.items())) if params else (primitive, operands)
        earlier = seen.setdefault(key, equation.outputs)
        if earlier is equation.outputs:
            kept.append(equation)
        elif primitive.pure or ACTS not in equation.effects:
            same.update(zip(equation.outputs, earlier, strict=True))
        else:
            kept.append(equation)
    return kept, same


def operand_key(atom: Atom) -> Hashable:
    """What makes two operands the same, as long as their Program exists."""
    if isinstance(atom, Var):
        return atom
    value = atom.value
    if not atom.type.shape or value.nbytes <= _WHOLE_KEY:
        return atom.key
    if not any(value.strides):  # one number, repeated
        return atom.type, value[(0,) * value.ndim].tobytes()
    return atom.type, value.__array_interface__["data"][0], value.strides
