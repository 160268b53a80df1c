"""Batching: a Program for one example becomes one for many.

Inside the Program the mapped axis of a value is always its first. Equations that no mapped value
reaches stay as they are; the others are replaced by their primitive's batch rule. So are those
that refer to the axis by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..axes import Axis
from ..ir import Equation, Program, Var
from ..primitive import Shared
from ..recorder import Recorder, rewriting
from .rename_outputs import rename_outputs


def vmap(program: Program, mapped: Sequence[bool], size: int) -> tuple[Program, tuple[bool, ...]]:
    """The Program that applies another to every element of a new first axis.

    Args:
        mapped: for each input whether it has the new axis.
        size: the length of the axis; an `Axis` where the Program refers to it by a name.

    Returns:
        The Program, and for each output whether it has the axis.
    """
    name = size.name if isinstance(size, Axis) else None
    with rewriting(program) as recorder:
        recorder.inputs.clear()
        batched: dict[Var, Any] = {}
        for var, is_mapped in zip(program.inputs, mapped, strict=True):
            if is_mapped:
                type = var.type.with_shape((size, *var.type.shape))
                batched[var] = recorder.input(type, var.name)
            else:
                recorder.inputs.append(var)
        for equation in program.equations:
            if any(atom in batched for atom in equation.inputs) or (
                name is not None and name in equation.effects
            ):
                _batch(recorder, equation, batched, size)
            else:
                recorder.equations.append(equation)
        outputs = [
            recorder.atom(batched[atom]) if isinstance(atom, Var) and atom in batched else atom
            for atom in program.outputs
        ]
        result = Program(recorder.inputs, recorder.equations, outputs, f"vmap_{program.name}")
        return result, tuple([atom in batched for atom in program.outputs])


def _batch(recorder: Recorder, equation: Equation, batched: dict[Var, Any], size: int) -> None:
    recorder.position = equation.position
    mapped = [atom in batched for atom in equation.inputs]
    operands = [
        batched[atom] if isinstance(atom, Var) and atom in batched else recorder.value_of_atom(atom)
        for atom in equation.inputs
    ]
    rule = equation.primitive.rule("batch", "vmap")
    start = len(recorder.equations)
    out = rule(size, operands, mapped, **equation.params)
    given = out if equation.primitive.multiple else (out,)
    values = list(zip(equation.outputs, given, strict=True))
    shared = [(var, value.value) for var, value in values if type(value) is Shared]
    if shared:
        rename_outputs(recorder, start, [var for var, _ in shared], [value for _, value in shared])
    batched.update([(var, value) for var, value in values if type(value) is not Shared])
