"""Equations that take another's place: their results become the Vars that the other defined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ir import Equation, Var
from ..ops.shape import COPY
from ..recorder import Recorder
from ..tracer import Tracer


def rename_outputs(
    recorder: Recorder, start: int, variables: Sequence[Var], values: Sequence[Any]
) -> dict[Var, Var]:
    """Let values that were recorded be the Vars of an equation that is not.

    Args:
        start: the number of equations before those that take the equation's place.
        variables: Vars that the equation would have defined.
        values: what there is in their place.

    Returns:
        The new Vars for those that have become others.
    """
    made = {var for equation in recorder.equations[start:] for var in equation.outputs}
    renamed: dict[Var, Var] = {}
    for var, value in zip(variables, values, strict=True):
        known = type(value) is Tracer and value.recorder is recorder
        if not known or value.symbol not in made or value.symbol in renamed:
            value = recorder.record(COPY, (value,), {})  # an operand, a constant, or given twice
        renamed[value.symbol] = var
    recorder.equations[start:] = [_renamed(e, renamed) for e in recorder.equations[start:]]
    return renamed


def _renamed(equation: Equation, renamed: dict[Var, Var]) -> Equation:
    return equation.replace(
        inputs=tuple([renamed.get(a, a) if isinstance(a, Var) else a for a in equation.inputs]),
        outputs=tuple([renamed.get(var, var) for var in equation.outputs]),
    )
