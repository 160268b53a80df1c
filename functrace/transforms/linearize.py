"""Splitting a derivative: what can be computed now, and what is linear in the tangents.

The jvp of a Program is linear in its tangents. The equations that no tangent reaches form the
primal Program, which also returns what the others need of it, the residuals; the others form the
linear Program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..ir import ACTS, Atom, Equation, Program, Var
from .jvp import jvp


@dataclass(frozen=True)
class Linearized:
    """A Program split at its tangents.

    Attributes:
        primal: from the inputs to the outputs and the residuals.
        linear: from the residuals and the tangents of the active inputs to tangents of outputs.
        residuals: the number of residuals.
        active_outputs: for each output whether the linear Program gives a tangent for it.
    """

    primal: Program
    linear: Program
    residuals: int
    active_outputs: tuple[bool, ...]


def linearize(program: Program, active: Sequence[bool]) -> Linearized:
    """Split a Program's derivative with respect to the active inputs.

    Raises:
        NonDifferentiableError: when an op on the way has no derivative.
    """
    both, active_outputs = jvp(program, active, separate=True)
    count = len(program.inputs)
    tangents = both.inputs[count:]
    known, linear = split_equations(both.equations, tangents)
    outputs = both.outputs[len(program.outputs) :]
    linear = _used(linear, outputs)
    unknown = set(tangents).union(*(equation.outputs for equation in linear))
    needed = dict.fromkeys(
        atom
        for equation in linear
        for atom in equation.inputs
        if isinstance(atom, Var) and atom not in unknown
    )
    needed.update(dict.fromkeys(a for a in outputs if isinstance(a, Var) and a not in unknown))
    residuals = list(needed)
    primal = Program(
        program.inputs, known, [*program.outputs, *residuals], f"primal_{program.name}"
    )
    tangent = Program([*residuals, *tangents], linear, outputs, f"linear_{program.name}")
    return Linearized(primal, tangent, len(residuals), active_outputs)


def _used(equations: Sequence[Equation], outputs: Sequence[Atom]) -> list[Equation]:
    """The equations that outputs depend on, or that act: the others would want residuals."""
    wanted = set(outputs)
    used = []
    for equation in reversed(equations):
        if not wanted.isdisjoint(equation.outputs) or ACTS in equation.effects:
            wanted.update(equation.inputs)
            used.append(equation)
    return used[::-1]


def split_equations(
    equations: Sequence[Equation], unknown: Sequence[Var], acts: bool = False
) -> tuple[list[Equation], list[Equation]]:
    """The equations that do not depend on some Vars, and those that do.

    Args:
        acts: whether equations that act count as dependent.
    """
    reached: set[Atom] = set(unknown)
    known, dependent = [], []
    for equation in equations:
        if not reached.isdisjoint(equation.inputs) or (acts and ACTS in equation.effects):
            reached.update(equation.outputs)
            dependent.append(equation)
        else:
            known.append(equation)
    return known, dependent
