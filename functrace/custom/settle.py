"""Recording rules while the surrounding trace goes on.

A rule that is recorded when a transform needs it finds arguments without values, and traced values
of its surroundings gone. Where a function is traced in order to be differentiated at once, its
rules are therefore recorded at the end of the trace: Python's control flow in them works as it
does in the function, and what they take from their closures is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import Equation, Var
from ..recorder import Recorder
from .jvp import CUSTOM_JVP, JvpRule, KnownJvp, Pushforward
from .rules import closure_error
from .vjp import CUSTOM_VJP, KnownVjp, VjpRule


def settle(recorder: Recorder) -> None:
    """Record the rules of the equations so far that inputs reach."""
    equations = recorder.equations
    if not any(e.primitive is CUSTOM_JVP or e.primitive is CUSTOM_VJP for e in equations):
        return
    reached = {var for var in recorder.inputs if var.type.inexact}
    for i, equation in enumerate(equations):
        if any(atom in reached for atom in equation.inputs):
            reached.update([var for var in equation.outputs if var.type.inexact])
            equations[i] = _settled(recorder, equation)
            _demand_earlier(equations, i)


def _demand_earlier(equations: Sequence[Equation], number: int) -> None:
    """Check that an equation uses nothing that is computed later."""
    equation = equations[number]
    used = set(equation.inputs)
    if any(var in used for later in equations[number:] for var in later.outputs):
        raise closure_error(f"the rule of {equation.params['program'].name}", equation.source)


def _settled(recorder: Recorder, equation: Equation) -> Equation:
    rule: Any = equation.params.get("rule")
    kind = type(rule)
    if kind not in (JvpRule, VjpRule) or rule.symbolic:
        return equation
    values = [recorder.value_of_atom(a) for a in equation.inputs[equation.params["captured"] :]]
    recording, found = rule.record(rule.call.active, values)
    if kind is JvpRule:
        known: Any = KnownJvp(Pushforward(recording.program, rule.call.active, found))
    else:
        known = KnownVjp(rule.name, found)
    extras = tuple([recorder.atom(x) for x in recording.captured])
    program = equation.params["program"]
    more = [Var(atom.type) for atom in extras]
    params = {
        **equation.params,
        "program": type(program)(
            [*program.inputs, *more], program.equations, program.outputs, program.name
        ),
        "extras": len(extras),
        "rule": known,
    }
    return Equation(
        equation.primitive, (*equation.inputs, *extras), params, equation.outputs, equation.position
    )
