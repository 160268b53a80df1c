"""One equation pushed forward: the tangents of its outputs by the rule of its primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import NonDifferentiableError, ProgramError
from ..ir import ArrayType, Equation, fits, zeros
from ..primitive import LINEAR, NONDIFFERENTIABLE, ZERO
from ..recorder import Recorder, bind
from ..tracer import Tracer
from .recalled import recall


def pushed(recorder: Recorder, equation: Equation, given: Sequence[Any]) -> Sequence[Any]:
    """The tangents of an equation's outputs; None for one that is zero.

    Args:
        recorder: who has the equation, and records what its rule computes.
        given: the tangents of the operands; None for one that is zero.

    Raises:
        NonDifferentiableError: when the op has no derivative.
    """
    primitive = equation.primitive
    rule = primitive.rules["jvp"]
    if rule is ZERO:
        return [None] * len(equation.outputs)
    if rule is NONDIFFERENTIABLE:
        raise NonDifferentiableError(
            f"{primitive.name} has no derivative, and lies on the path that is differentiated",
            "leave it out of the path, or cut the path with functrace.stop_gradient",
            equation.source,
        )
    run = lambda: _run(recorder, equation, given)
    return recall(recorder, "jvp", equation, equation.inputs, given, run)


def _run(recorder: Recorder, equation: Equation, given: Sequence[Any]) -> Sequence[Any]:
    """The tangents, by calling the rule."""
    primitive = equation.primitive
    rule = primitive.rules["jvp"]
    primals = [recorder.value_of_atom(atom) for atom in equation.inputs]
    if rule is LINEAR:
        full = [
            zeros(x) if t is None and atom.type.inexact else x if t is None else t
            for x, t, atom in zip(primals, given, equation.inputs, strict=True)
        ]
        out = bind(primitive, *full, **equation.params)
    else:
        values = tuple([Tracer(recorder, var, var.type) for var in equation.outputs])
        call = primitive.rule("jvp", "forward and reverse mode")
        out = call(primals, given, values if primitive.multiple else values[0], **equation.params)
    tangents = out if primitive.multiple else (out,)
    check_tangents(equation, tangents)
    return tangents


def check_tangents(equation: Equation, tangents: Sequence[Any]) -> None:
    """Check that the tangents that a rule gave have the types of the outputs.

    Raises:
        ProgramError: naming the primitive and both types.
    """
    for var, tangent in zip(equation.outputs, tangents, strict=True):
        if tangent is not None and var.type.inexact:
            check_type(equation, "jvp", "tangent", tangent, "output", var.type)


def check_type(
    equation: Equation, rule: str, given: str, value: Any, of: str, type: ArrayType
) -> None:
    """Check that what a rule gave has the type of the output or operand it belongs to.

    Raises:
        ProgramError: naming the primitive and both types.
    """
    if not fits(value.shape, type.shape) or value.dtype != type.dtype:
        raise ProgramError(
            f"the {rule} rule of {equation.primitive.name} gave a {given} {value.dtype}"
            f"{value.shape} for an {of} {type}",
            f"a {given} has the type of its {of}; mend the rule",
            equation.source,
        )
