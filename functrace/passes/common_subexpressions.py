"""Shared subexpressions: what is computed twice from the same operands is computed once.

What acts is done as often as it is written.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..ir import ACTS, Atom, Equation, Program, Var
from ..ops import elementwise as ops

_WHOLE_KEY = 1 << 13  # bytes; larger literals are the same where their arrays are one array

# What gives the same with operands exchanged, to the last bit.
_COMMUTATIVE = {
    op.primitive for op in (ops.add, ops.multiply, ops.equal, ops.not_equal, ops.logical_and)
}


def common_subexpressions(program: Program) -> Program:
    """The Program in which equal equations on equal operands are one."""
    same: dict[Atom, Atom] = {}
    seen: dict[Hashable, tuple[Var, ...]] = {}
    kept = []
    for equation in program.equations:
        inputs = tuple([same.get(atom, atom) for atom in equation.inputs])
        operands: Hashable = tuple([operand_key(atom) for atom in inputs])
        if equation.primitive in _COMMUTATIVE:
            operands = frozenset(operands)
        key = (equation.primitive, operands, tuple(equation.params.items()))
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
    """What makes two operands the same, as long as their Program exists."""
    if isinstance(atom, Var):
        return atom
    value = atom.value
    if value.nbytes <= _WHOLE_KEY:
        return atom.key
    if not any(value.strides):  # one number, repeated
        return atom.type, value[(0,) * value.ndim].tobytes()
    return atom.type, value.__array_interface__["data"][0], value.strides
