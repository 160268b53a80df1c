"""Dead code: equations whose outputs nobody uses are dropped, unless they act."""

from __future__ import annotations

from ..ir import ACTS, Program, Var


def dead_code(program: Program) -> Program:
    """The Program without the equations that its outputs do not depend on."""
    live = {atom for atom in program.outputs if isinstance(atom, Var)}
    kept = []
    pruned = False
    for equation in reversed(program.equations):
        used = [var in live for var in equation.outputs]
        if any(used) or ACTS in equation.effects:
            prune = equation.primitive.prune
            if prune is not None and not all(used):
                equation = prune(equation, used)
                pruned = True
            kept.append(equation)
            live.update([atom for atom in equation.inputs if isinstance(atom, Var)])
    if len(kept) == len(program.equations) and not pruned:
        return program
    return Program(program.inputs, kept[::-1], program.outputs, program.name)
