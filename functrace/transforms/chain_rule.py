"""One equation pushed forward: the tangents of its outputs by the rule of its primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import NonDifferentiableError
from ..ir import Equation, zeros
from ..primitive import LINEAR, NONDIFFERENTIABLE, ZERO
from ..recorder import Recorder, bind
from ..tracer import Tracer


def pushed(recorder: Recorder, equation: Equation, given: Sequence[Any]) -> Sequence[Any]:
    """The tangents of an equation's outputs; None for one that is zero.

    Args:
        recorder: who has the equation, and records what its rule computes.
        given: the tangents of the operands; None for one that is zero.

    Raises:
        NonDifferentiableError: when the op has no derivative.
    """
    primitive = equation.primitive
    rule = primitive.jvp
    if rule is ZERO:
        return [None] * len(equation.outputs)
    if rule is NONDIFFERENTIABLE:
        raise NonDifferentiableError(
            f"{primitive.name} has no derivative, and lies on the path that is differentiated",
            "leave it out of the path, or cut the path with functrace.stop_gradient",
            equation.source,
        )
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
    return out if primitive.multiple else (out,)
