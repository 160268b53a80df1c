"""Recording rules at once, when their function is called.

A rule that is recorded when a transform needs it finds arguments without values, and traced values
of its surroundings gone. So it is recorded when its function is called, or when a finished Program
is replayed that has the function: Python's control flow works in rules where it works in functions,
and what they take from their closures is captured as in functions. Functions that are called while
a rule is recorded wait until a Program with them is replayed, or there would be no end. A rule that
asks for values of cotangents or tangents is called when they are known (`later.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..errors import ConcretizationError, RuleClosureError
from ..ir import Atom, Equation, Var
from ..recorder import Recorder
from .jvp import JvpRule, KnownJvp, Pushforward
from .later import will_have_values
from .rules import closure_error, may_record
from .vjp import KnownVjp, VjpRule


def settle(recorder: Recorder, start: int) -> None:
    """Record the rules of equations from some number on."""
    equations = recorder.equations
    if recorder.rewriting:
        return
    # Where nobody differentiates at once, nobody may ever need the rule; else it may lack values,
    # or be not on the path. The transform that needs it raises.
    tolerated = (Exception,) if recorder.reason else (ConcretizationError, RuleClosureError)
    for i in range(start, len(equations)):
        if _has_rule(equations[i]) and may_record(equations[i].params["rule"], recorder):
            with suppress(*tolerated):
                equations[i] = _settled(recorder, i)


def _has_rule(equation: Equation) -> bool:
    """Whether an equation has a rule of derivatives that is not recorded yet."""
    rule: Any = equation.params.get("rule")
    return type(rule) in (JvpRule, VjpRule) and not rule.symbolic


def _settled(recorder: Recorder, number: int) -> Equation:
    equation = recorder.equations[number]
    rule: Any = equation.params.get("rule")
    values = [recorder.value_of_atom(a) for a in equation.inputs[equation.params["captured"] :]]
    later = will_have_values(recorder)
    recording, found = rule.record(rule.call.active, values, later)
    if type(rule) is JvpRule:
        known: Any = KnownJvp(Pushforward(recording.program, rule.call.active, found))
    else:
        known = KnownVjp(rule.name, found)
    extras = tuple([recorder.atom(x) for x in recording.captured])
    _demand_earlier(recorder.equations[number:], extras)
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
    return equation.replace(inputs=(*equation.inputs, *extras), params=params)


def _demand_earlier(equations: Sequence[Equation], atoms: Sequence[Atom]) -> None:
    """Check that a rule uses nothing that is computed later than its function."""
    later = {var for equation in equations for var in equation.outputs}
    if any(atom in later for atom in atoms):
        raise closure_error(f"the rule of {equations[0].params['program'].name}", None)
