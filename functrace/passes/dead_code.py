"""Dead code elimination: equations whose outputs are not used are removed, unless they act."""

from __future__ import annotations

from ..ir import ACTS, Atom, Program


def dead_code(program: Program) -> Program:
    """The Program without the equations that its outputs do not depend on."""
    live: set[Atom] = set(program.outputs)
    kept = []
    pruned = False
    for equation in reversed(program.equations):
        primitive, outputs = equation.primitive, equation.outputs
        if live.isdisjoint(outputs) and (primitive.pure or ACTS not in equation.effects):
            continue
        if primitive.prune is not None and not live.issuperset(outputs):
            equation = primitive.prune(equation, [var in live for var in outputs])
            pruned = True
        kept.append(equation)
        live.update(equation.inputs)
    if len(kept) == len(program.equations) and not pruned:
        return program
    return program.replace(equations=kept[::-1])
