"""Forward mode: a Program becomes one that also computes tangents.

The equations of the original stay as they are, with the same Vars; behind each one that a tangent
reaches come the equations of its jvp rule, which for a loop or a choice take its place. A tangent
that is zero for certain is no value at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import NonDifferentiableError, ProgramError
from ..ir import ArrayType, Atom, Equation, Program, fits, zero
from ..primitive import LINEAR, NONDIFFERENTIABLE, ZERO
from ..recorder import Recorder, bind, rewriting
from ..source import derived
from ..tracer import Tracer
from .adopt import adopt
from .free_columns import repeats_of_free_columns
from .shifts import shifts


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
                _push(recorder, equation, given, tangents)
        found = [tangents.get(atom) for atom in program.outputs]
        outputs = [*program.outputs, *(recorder.atom(t) for t in found if t is not None)]
        result = Program(recorder.inputs, recorder.equations, outputs, f"jvp_{program.name}")
        return result, tuple([t is not None for t in found])


def _push(
    recorder: Recorder, equation: Equation, given: list[Any], tangents: dict[Atom, Any]
) -> None:
    """Record the tangents of an equation's outputs."""
    primitive = equation.primitive
    rule = primitive.jvp
    if rule is ZERO:
        return
    recorder.position = derived(equation.position, primitive.name)
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
    _note(equation, out if primitive.multiple else (out,), tangents)


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
    renamed = adopt(recorder, start, equation.outputs, outputs)
    moved = [
        Tracer(recorder, renamed[t.variable], t.type)
        if type(t) is Tracer and t.variable in renamed
        else t
        for t in found
    ]
    _note(equation, moved, tangents)


def _note(equation: Equation, found: Sequence[Any], tangents: dict[Atom, Any]) -> None:
    for var, tangent in zip(equation.outputs, found, strict=True):
        if tangent is not None and var.type.inexact:
            check_type(equation, "jvp", "tangent", tangent, "output", var.type)
            tangents[var] = tangent


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


def zeros(like: Any) -> Any:
    """Zeros of the shape and dtype of an array, tracer or type, costing no memory."""
    return zero(ArrayType(like.shape, like.dtype)).value
