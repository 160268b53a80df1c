"""Forward mode: a Program becomes one that also computes tangents.

The equations of the original stay as they are, with the same Vars; behind each one that a tangent
reaches come the equations of its jvp rule, which for a loop or a choice take its place. A tangent
that is zero for certain is no value at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import Atom, Equation, Program
from ..recorder import Recorder, rewriting
from ..source import derived
from ..tracer import Tracer
from .chain_rule import check_tangents, pushed
from .free_columns import repeats_of_free_columns
from .lengths import lengths
from .rename_outputs import rename_outputs
from .shift_invariance import shifts


def jvp(
    program: Program, active: Sequence[bool], separate: bool = False
) -> tuple[Program, tuple[bool, ...]]:
    """The Program of primals and tangents.

    Args:
        active: for each input, whether it has a tangent.
        separate: whether no equation may make an output and use a tangent, so that the two can be
            parted.

    Returns:
        A Program from the inputs and the tangents of the active ones to the outputs and the
        tangents of some of them, and for each output whether it has one; the other tangents are
        zero.

    Raises:
        NonDifferentiableError: when an op on the way has no derivative.
    """
    with rewriting(program) as recorder:
        tangents: dict[Atom, Any] = {}
        flat, same = shifts(program), repeats_of_free_columns(program)
        better = lengths(program, recorder, tangents)
        for var, is_active in zip(program.inputs, active, strict=True):
            if is_active:
                tangents[var] = recorder.input(var.type, f"d{var.name}" if var.name else "")
        for equation in program.equations:
            reached = not tangents.keys().isdisjoint(equation.inputs) and any(
                var.type.inexact for var in equation.outputs
            )
            if same and equation.outputs and equation.outputs[0] in same:
                recorder.equations.append(equation)
                known = {var: tangents.get(same[var]) for var in equation.outputs}
                tangents.update((var, t) for var, t in known.items() if t is not None)
                continue
            if not reached:
                recorder.equations.append(equation)
                continue
            given = [tangents.get(atom) for atom in equation.inputs]
            if equation.primitive.joint:
                _replace(recorder, equation, given, tangents, separate)
                continue
            recorder.equations.append(equation)
            if equation.outputs[0] not in flat:
                recorder.position = derived(equation.position, equation.primitive.name)
                made = None if better is None else better.tangent(equation)
                _note(equation, made or pushed(recorder, equation, given), tangents)
        found = [tangents.get(atom) for atom in program.outputs]
        outputs = [*program.outputs, *(recorder.atom(t) for t in found if t is not None)]
        result = Program(recorder.inputs, recorder.equations, outputs, f"jvp_{program.name}")
        return result, tuple([t is not None for t in found])


def _replace(
    recorder: Recorder,
    equation: Equation,
    given: list[Any],
    tangents: dict[Atom, Any],
    separate: bool,
) -> None:
    """Record what gives an equation's outputs and their tangents, in place of the equation."""
    recorder.position = derived(equation.position, equation.primitive.name)
    primals = [recorder.value_of_atom(atom) for atom in equation.inputs]
    start = len(recorder.equations)
    rule = equation.primitive.rule("jvp", "forward and reverse mode")
    outputs, found = rule(primals, given, separate, **equation.params)
    check_tangents(equation, found)
    renamed = rename_outputs(recorder, start, equation.outputs, outputs)
    moved = [
        Tracer(recorder, renamed[t.symbol], t.type)
        if type(t) is Tracer and t.symbol in renamed
        else t
        for t in found
    ]
    _note(equation, moved, tangents)


def _note(equation: Equation, found: Sequence[Any], tangents: dict[Atom, Any]) -> None:
    for var, tangent in zip(equation.outputs, found, strict=True):
        if tangent is not None and var.type.inexact:
            tangents[var] = tangent
