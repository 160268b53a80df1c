"""The reference executor: one NumPy call an equation.

It is what a Program means, and the oracle that other executors are tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import Literal, Program, Var


def run(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a Program for NumPy inputs. Results may share memory with the inputs."""
    values: dict[Var, Any] = dict(zip(program.inputs, inputs, strict=True))
    for equation in program.equations:
        operands = [
            atom.value if isinstance(atom, Literal) else values[atom] for atom in equation.inputs
        ]
        try:
            results = equation.primitive.evaluate(operands, equation.params)
        except Exception as error:
            types = ", ".join(str(atom.type) for atom in equation.inputs)
            error.add_note(f"in {equation.primitive.name}({types}), recorded at {equation.source}")
            raise
        values.update(zip(equation.outputs, results, strict=True))
    return [atom.value if isinstance(atom, Literal) else values[atom] for atom in program.outputs]
