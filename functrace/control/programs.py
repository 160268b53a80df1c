"""Making the Programs that a rewritten loop or choice carries out of those that it had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..executors import reference
from ..ir import UNKNOWN, ArrayType, Atom, Literal, Program, Shape, Var, zero, zeros
from ..lists import merge
from ..ops.elementwise import where
from ..ops.index import materialize
from ..ops.shape import reshape
from ..recorder import plain, recorder_for, recording
from ..transforms.jvp import jvp as jvp_program
from ..transforms.linearize import linearize


def build(
    function: Callable[[list[Any]], Sequence[Any]], types: Sequence[ArrayType], name: str
) -> Program:
    """The Program of a rule's code. It takes a list of tracers; arrays in it become constants."""
    with recording() as recorder:
        recorder.rewriting = True
        recorder.position = recorder.parent.position if recorder.parent else None
        outputs = function([recorder.input(type) for type in types])
        return Program(
            recorder.inputs, recorder.equations, [recorder.atom(x) for x in outputs], name
        )


def inline(program: Program, operands: Sequence[Any]) -> list[Any]:
    """The outputs of a Program, whose equations are recorded where there is a tracer."""
    recorder = recorder_for(operands, program)
    if recorder is None:
        return reference.run(program, [plain(x) for x in operands])
    return recorder.inline(program, operands)


def pushed(
    program: Program, primals: Sequence[Any], tangents: Sequence[Any], separate: bool
) -> tuple[list[Any], list[Any]]:
    """The outputs of a Program, and their tangents."""
    active = [t is not None for t in tangents]
    given = [t for t in tangents if t is not None]
    count = len(program.outputs)
    if separate:
        parts = linearize(program, active)
        found = inline(parts.primal, primals)
        moved = inline(parts.linear, [*found[count:], *given])
        return found[:count], merge(moved, parts.active_outputs)
    both, reached = jvp_program(program, active)
    found = inline(both, [*primals, *given])
    return found[:count], merge(found[count:], reached)


def reference_compile(
    program: Program, often: bool = False
) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """What `prepare` makes of a Program where a plan is not at hand."""
    return lambda inputs: reference.run(program, inputs)


def fresh_inputs(types: Sequence[ArrayType]) -> list[Var]:
    """New inputs for a Program."""
    return [Var(type) for type in types]


def or_zero(atom: Atom | None, type: ArrayType) -> Atom:
    """An output of a Program, zero where there is none."""
    return zero(type) if atom is None else atom


def filler(type: ArrayType) -> Literal:
    """A constant in the place of what no step or branch that counts will use.

    It is a number that does no harm where it is computed with all the same, as under `vmap`: zero
    would be divided by. A boolean is false, as for the flag of a step that is not made.
    """
    value = type.dtype.type(1 if type.inexact else 0)
    return Literal(np.broadcast_to(value, zeros(type).shape)[()], type.strong)


def with_zeros(values: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """Tangents or cotangents with zeros in place of None."""
    return [zeros(type) if x is None else x for x, type in zip(values, types, strict=True)]


def rows(size: int, x: Any, is_mapped: bool) -> Any:
    """A value with a mapped axis, repeated along it where it had none."""
    if is_mapped or UNKNOWN not in x.shape:
        return materialize(size, x, is_mapped)
    everywhere = np.ones((size, *(1,) * len(x.shape)), bool)
    wide = reshape(x, (1, *x.shape))
    return where(everywhere, wide, wide)


def rows_program(program: Program, mapped: Sequence[bool], wanted: Sequence[bool], size: int) -> (
    Program
):  # fmt: skip
    """A batched Program with the mapped axis on all outputs where it is wanted."""
    if not any(want and not have for have, want in zip(mapped, wanted, strict=True)):
        return program
    return build(
        lambda inputs: [
            rows(size, value, have) if want else value
            for value, have, want in zip(inline(program, inputs), mapped, wanted, strict=True)
        ],
        program.input_types,
        program.name,
    )


def select_rows(condition: Any, x: Any, y: Any, shape: Shape) -> Any:
    """Choose between values of a shape, with or without a mapped axis, by a condition a row."""
    return where(reshape(condition, (*condition.shape, *(1,) * len(shape))), x, y)


def depends(program: Program, flags: Sequence[bool]) -> list[bool]:
    """Whether each output of a Program depends on the inputs that have a flag."""
    reached = {var for var, on in zip(program.inputs, flags, strict=True) if on}
    for equation in program.equations:
        if any(atom in reached for atom in equation.inputs):
            reached.update(equation.outputs)
    return [atom in reached for atom in program.outputs]


def used_inputs(program: Program) -> list[bool]:
    """Whether a Program uses each of its inputs."""
    atoms = {atom for e in program.equations for atom in e.inputs}.union(program.outputs)
    return [var in atoms for var in program.inputs]
