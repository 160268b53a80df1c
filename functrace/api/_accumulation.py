"""Jacobians in the order that is estimated to cost least.

The derivative of a Program is a product of linear maps, and its matrix can be multiplied out from
either side: forward mode pushes every input's unit vector through, reverse mode pulls every
output's back. Where few values lie between inputs and outputs, a narrow waist, it is cheaper to
cut there: reverse mode before the waist, forward mode after it, and a product of the two matrices.
(Griewank and Walther, Evaluating Derivatives, 2008, chapter 10, on accumulation.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..custom.linear import reverse_only
from ..ir import UNKNOWN, Program, Var, zeros
from ..lists import select
from ..memo.structural import shortened
from ..ops.contract import einsum
from ..ops.shape import reshape, transpose
from ..passes.cost import CALL, cost
from ..passes.pipeline import clean
from ..recorder import Recorder, rewriting
from ..transforms.free_columns import guarded
from ..transforms.jvp import jvp
from ..transforms.linearize import Linearized, linearize
from ..transforms.transpose import transpose as transpose_program
from ..transforms.transpose import value_and_gradient
from ..transforms.vmap import vmap

Blocks = list[list[Any]]  # for each output and each input a matrix of shape (its size, its size)


class Segment(NamedTuple):
    """A part of a linear Program, and the mode in which its matrix is found.

    Attributes:
        program: from the residuals, and then the values at one cut, to those at the next.
        forward: whether by forward mode.
    """

    program: Program
    forward: bool


def jacobian_program(
    program: Program, active: Sequence[bool], outputs: int, forward: bool | None = None
) -> Program:
    """The Program of a function's outputs and the matrices of its derivatives.

    Args:
        active: the inputs to differentiate by.
        outputs: the number of outputs to differentiate; the others are auxiliary.
        forward: whether by forward mode or by reverse mode; None for what costs least.

    Returns:
        A Program whose outputs are those of the function, and then for each differentiated output
        and each active input an array of shape `output.shape + input.shape`.
    """
    first = program.replace(outputs=program.outputs[:outputs])
    parts = linearize(first, active)
    primal = parts.primal
    with rewriting(primal) as recorder:
        recorder.equations.extend(primal.equations)
        residuals = [recorder.value_of_atom(v) for v in parts.linear.inputs[: parts.residuals]]
        blocks: Blocks | None = None
        for segment in _segments(parts, forward):
            found = _matrices(recorder, segment, residuals)
            blocks = found if blocks is None else _product(found, blocks)
        arrived = iter(blocks or [])
        inputs = select(program.inputs, active)
        flat = []
        for atom, reached in zip(first.outputs, parts.active_outputs, strict=True):
            row = next(arrived) if reached else [None] * len(inputs)
            for matrix, var in zip(row, inputs, strict=True):
                type = atom.type.with_shape(atom.type.shape + var.type.shape)
                flat.append(zeros(type) if matrix is None else reshape(matrix, type.shape))
        return Program(
            program.inputs,
            recorder.equations,
            [*primal.outputs[:outputs], *program.outputs[outputs:], *map(recorder.atom, flat)],
            f"jacobian_{program.name}",
        )


def hessian_program(program: Program, active: Sequence[bool], outputs: int) -> Program:
    """The Program of a function's auxiliary outputs and second derivatives, forward over reverse.

    Arguments as for `jacobian_program`.

    Returns:
        A Program whose outputs are the auxiliary ones, and then for each differentiated output,
        and each active input, and each again, an array of all three shapes.
    """
    if outputs == 1 and not program.outputs[0].type.shape:
        rows = value_and_gradient(program, active, program.outputs[0].type.dtype.type(1))
    else:
        rows = jacobian_program(program, active, outputs, forward=False)
    count = len(program.outputs)
    auxiliary, blocks = rows.outputs[outputs:count], rows.outputs[count:]
    rows = shortened(clean(rows.replace(outputs=[*blocks, *auxiliary])))
    columns = jacobian_program(rows, active, len(blocks), forward=True)
    return columns.replace(outputs=columns.outputs[len(blocks) :], name=f"hessian_{program.name}")


def hvp_program(program: Program, active: Sequence[bool]) -> tuple[Program, list[bool]]:
    """The Program of the derivative of a scalar function's gradient along a direction.

    Returns:
        A Program of the inputs, and a direction for each active one, and for each active input
        whether the gradient by it changes, in which case its derivative is an output.
    """
    both = value_and_gradient(program, active, program.outputs[0].type.dtype.type(1))
    gradient = shortened(clean(both.replace(outputs=both.outputs[1:])))
    moving, reached = jvp(gradient, active)
    moving = guarded(moving, len(program.inputs), gradient)
    name = f"hvp_{program.name}"
    return moving.replace(outputs=moving.outputs[len(gradient.outputs) :], name=name), list(reached)


# Where to cut


def _segments(parts: Linearized, forward: bool | None) -> list[Segment]:
    if forward is None:
        return segments(parts.linear, parts.residuals)
    return [Segment(guarded(parts.linear, parts.residuals) if forward else parts.linear, forward)]


def segments(linear: Program, residuals: int) -> list[Segment]:
    """The linear Program in the parts, and each in the mode, that cost least together."""
    if reverse_only(linear):
        return [Segment(linear, forward=False)]
    tangents, ends = linear.inputs[residuals:], linear.outputs
    n, m = _total(tangents), _total(ends)
    prices = [cost(equation) for equation in linear.equations]
    whole = sum(prices) + CALL
    best, place = min(n, m) * whole, None
    before = 0.0
    unknown = set(tangents).union(*[e.outputs for e in linear.equations])
    if all(isinstance(atom, Var) and atom in unknown for atom in ends):
        for i, (price, width) in enumerate(zip(prices, _widths(linear, residuals), strict=True)):
            before += price
            after = whole - before
            split = min(n, width) * (before + CALL) + min(width, m) * after + n * width * m / 4
            if 0 < width < min(n, m) and split < best:
                best, place = split, i + 1
    if place is None:
        return [Segment(linear, n <= m)]
    given = linear.inputs[:residuals]
    waist = _live(linear, residuals, place)
    width = _total(waist)
    first = linear.replace(equations=linear.equations[:place], outputs=waist)
    last = Program([*given, *waist], linear.equations[place:], ends, linear.name)
    return [Segment(first, n < width), Segment(last, width <= m)]


def _total(atoms: Sequence[Any]) -> int:
    return sum(atom.type.size for atom in atoms)


def _last_uses(linear: Program) -> dict[Any, int]:
    last = {atom: i for i, e in enumerate(linear.equations) for atom in e.inputs}
    last.update(dict.fromkeys(linear.outputs, len(linear.equations)))
    return last


def _widths(linear: Program, residuals: int) -> list[int]:
    """After each equation the number of elements that later ones, or the outputs, need."""
    last = _last_uses(linear)
    ends: dict[int, int] = {}
    width = 0
    for var in linear.inputs[residuals:]:
        width += var.type.size
        ends[last.get(var, -1)] = ends.get(last.get(var, -1), 0) + var.type.size
    width -= ends.get(-1, 0)
    widths = []
    for i, equation in enumerate(linear.equations):
        for var in equation.outputs:
            if var in last:
                if UNKNOWN in var.type.shape:
                    return [0] * len(linear.equations)
                width += var.type.size
                ends[last[var]] = ends.get(last[var], 0) + var.type.size
        width -= ends.get(i, 0)
        widths.append(width)
    return widths


def _live(linear: Program, residuals: int, place: int) -> list[Var]:
    """The values made before a place that are needed from there on."""
    last = _last_uses(linear)
    made = [*linear.inputs[residuals:], *[v for e in linear.equations[:place] for v in e.outputs]]
    return [var for var in made if last.get(var, -1) >= place]


# Matrices


def _matrices(recorder: Recorder, segment: Segment, residuals: Sequence[Any]) -> Blocks:
    """The matrix of each output by each input of a segment."""
    program, count = segment.program, len(residuals)
    inputs = program.inputs[count:]
    if segment.forward:
        columns = _batch(recorder, program, residuals, inputs, program.outputs)
        return [
            [transpose(part, (1, 0)) for part in _parts(column, inputs)] for column in columns
        ]  # fmt: skip
    linear = [False] * count + [True] * len(inputs)
    reverse = transpose_program(program, linear)
    rows = _batch(recorder, reverse, residuals, program.outputs, reverse.outputs)
    split = [_parts(row, program.outputs) for row in rows]
    return [list(column) for column in zip(*split, strict=True)]


def _batch(
    recorder: Recorder,
    program: Program,
    residuals: Sequence[Any],
    ends: Sequence[Any],
    outputs: Sequence[Any],
) -> list[Any]:
    """A linear Program's outputs for all unit vectors, as matrices with a row for each vector."""
    size = _total(ends)
    basis, start = [], 0
    for end in ends:
        vectors = np.zeros((size, end.type.size), end.type.dtype)
        vectors[np.arange(start, start + end.type.size), np.arange(end.type.size)] = 1
        basis.append(vectors.reshape(size, *end.type.shape))
        start += end.type.size
    flags = [False] * len(residuals) + [True] * len(basis)
    batched, mapped = vmap(program, flags, size)
    results = recorder.inline(batched, [*residuals, *basis])
    return [
        reshape(x, (size, atom.type.size))
        if is_mapped
        else zeros(atom.type.with_shape((size, atom.type.size)))
        for x, is_mapped, atom in zip(results, mapped, outputs, strict=True)
    ]


def _parts(rows: Any, ends: Sequence[Any]) -> list[Any]:
    """The rows that belong to each of some values."""
    parts, start = [], 0
    for end in ends:
        parts.append(rows[start : start + end.type.size])
        start += end.type.size
    return parts


def _product(later: Blocks, earlier: Blocks) -> Blocks:
    """The matrices of a composition."""
    result = []
    for row in later:
        sums = []
        for k in range(len(earlier[0])):
            terms = [einsum("ij,jk->ik", a, b[k]) for a, b in zip(row, earlier, strict=True)]
            total = terms[0]
            for term in terms[1:]:
                total = total + term
            sums.append(total)
        result.append(sums)
    return result
