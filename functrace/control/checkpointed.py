"""A scan in blocks of steps, each of them checkpointed.

Reverse mode keeps the carry at the start of each block, and of one block at a time what it needs of
each step. Of n steps in blocks of k it keeps n/k + k, which is least for k = sqrt(n); and every
step is made twice. (Griewank and Walther, "Evaluating Derivatives", 2nd edition 2008, chapter 12.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..lists import split
from ..ops.index import concatenate, slice_axis
from ..ops.shape import reshape
from ..recorder import type_of
from .checkpoint import checkpointed
from .loop import Loop
from .programs import build


def bind_in_blocks(
    loop: Loop, every: int, consts: Sequence[Any], carry: Sequence[Any], xs: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """The last carry and the ys of a `scan`, of which `every` steps are checkpointed together."""
    if every == 1:
        body = build(
            lambda inputs: checkpointed(loop.body, inputs), loop.body.input_types, loop.body.name
        )
        return loop._replace(body=body).bind(consts, carry, xs)
    blocks, rest = divmod(loop.length, every)
    whole = blocks * every
    first, last = (rest, 0) if loop.reverse else (0, whole)  # where the two parts begin
    part = [reshape(slice_axis(x, 0, first, whole), (blocks, every, *x.shape[1:])) for x in xs]
    state, ys = _blocks(loop, blocks, every).bind(consts, carry, part)
    ys = [reshape(y, (whole, *y.shape[2:])) for y in ys]
    if not rest:
        return state, ys
    tail = [slice_axis(x, 0, last, rest) for x in xs]
    state, more = split(_block(loop, rest, [*consts, *state, *tail]), loop.carry)
    pairs = zip(more, ys, strict=True) if loop.reverse else zip(ys, more, strict=True)
    return state, [concatenate(pair, 0) for pair in pairs]


def _blocks(loop: Loop, blocks: int, every: int) -> Loop:
    """The loop over blocks."""
    consts, carry, slices = loop.split(loop.body.input_types)
    types = [*consts, *carry, *[type.with_shape((every, *type.shape)) for type in slices]]
    body = build(lambda inputs: _block(loop, every, inputs), types, loop.body.name)
    return loop._replace(body=body, length=blocks)


def _block(loop: Loop, length: int, operands: Sequence[Any]) -> list[Any]:
    """A block of steps: the last carry and the ys."""

    def steps(inputs: list[Any]) -> list[Any]:
        state, ys = loop._replace(length=length).bind(*loop.split(inputs))
        return [*state, *ys]

    types = [type_of(x).strong for x in operands]
    return checkpointed(build(steps, types, loop.body.name), operands)
