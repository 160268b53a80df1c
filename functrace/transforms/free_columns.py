"""Forward mode where columns are free up to a rotation: results must not depend on their choice.

Where the columns take part in a derivative, the Program is followed from there on with tangents
that make them turn, and with others to compare with. An output's tangent is refused, when it runs,
where the first change it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..ir import Equation, Program, Var, zeros
from ..ops.elementwise import absolute, greater, logical_not
from ..ops.free_columns import FREE, Role, tolerance, unchanged
from ..ops.reduce import reduce_max
from ..passes.common_subexpressions import repeats
from ..recorder import Recorder, bind, rewriting


def repeats_of_free_columns(program: Program) -> dict[Var, Var]:
    """Where columns may be free, what stands for results that are computed again: of columns that
    are found twice, both are the same choice.
    """
    count = sum(equation.primitive.traits.ambiguous for equation in program.equations)
    same = repeats(program)[1] if count > 1 else {}
    return {a: b for a, b in same.items() if isinstance(a, Var) and isinstance(b, Var)}


def guarded(program: Program, known: int, original: Program | None = None) -> Program:
    """A Program of forward mode whose outputs' tangents are checked for depending on a choice.

    Args:
        known: the number of inputs before those in which the Program is linear.
        original: the Program whose derivative it is, if it computes that one's values as well.
    """
    if not any(_is_open(equation) for equation in program.equations):
        return program
    tangents = program.inputs[known:]
    primals = () if original is None else original.equations
    fixed = frozenset([var for equation in primals for var in equation.outputs])
    with rewriting(program) as recorder:
        recorder.equations.extend(_as(Role.SEEN, e) for e in program.equations)
        turned, other = (
            _followed(recorder, program, tangents, fixed, role)
            for role in (Role.TURNED, Role.OTHER)
        )
        outputs = [
            recorder.atom(_checked(recorder.value_of_atom(atom), turned[atom], other[atom]))
            if isinstance(atom, Var) and atom in turned and atom not in fixed and atom.type.size
            else atom
            for atom in program.outputs
        ]
        return Program(recorder.inputs, recorder.equations, outputs, program.name)


def _is_open(equation: Equation) -> bool:
    if equation.primitive is FREE:
        return equation.params["role"] is Role.OPEN
    return any(_is_open(inner) for _, part in equation.programs for inner in part.equations)


def _as(role: Role, equation: Equation) -> Equation:
    """An equation in another role, and so those of Programs in it, where the role is open."""
    if not _is_open(equation):
        return equation
    if equation.primitive is FREE:
        return equation.replace(params={"role": role})
    return equation.with_programs(
        lambda part: part.replace(equations=[_as(role, inner) for inner in part.equations])
    )


def _followed(
    recorder: Recorder, program: Program, tangents: Sequence[Var], fixed: Collection[Var],
    role: Role,
) -> dict[Var, Any]:  # fmt: skip
    """The tangents that follow from those of free columns alone."""
    reached, moved = set(tangents), {}
    for equation in program.equations:
        if reached.isdisjoint(equation.inputs):
            continue
        if _is_open(equation) or not moved.keys().isdisjoint(equation.inputs):
            recorder.position = equation.position
            operands = [
                moved[atom]
                if isinstance(atom, Var) and atom in moved
                else zeros(atom.type)
                if atom in reached
                else recorder.value_of_atom(atom)
                for atom in equation.inputs
            ]
            followed = operands[0]
            if equation.primitive is FREE:  # how large the tangent is, makes a difference
                operands[0] = recorder.value_of_atom(equation.inputs[0])
            out = bind(equation.primitive, *operands, **_as(role, equation).params)
            if equation.primitive is FREE:
                out = out - operands[0] + followed
            moved.update(
                zip(equation.outputs, out if equation.primitive.multiple else [out], strict=True)
            )
        reached.update(var for var in equation.outputs if var not in fixed)
    return moved


def _checked(tangent: Any, turned: Any, other: Any) -> Any:
    sizes = absolute(other)
    largest = reduce_max(sizes, tuple(range(sizes.ndim)))
    limit = largest * tolerance(sizes.dtype)
    return unchanged(tangent, logical_not(greater(absolute(turned), limit)))
