"""Batching in chunks: some examples at once, one chunk after the other, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..ir import ACTS, Atom, Literal, Program, Var
from ..lists import merge, partition, select
from ..ops.index import concatenate, slice_axis
from ..ops.shape import reshape
from ..transforms.linearize import split_equations
from ..transforms.vmap import vmap
from .loop import Loop
from .programs import build, inline


class _Parts(NamedTuple):
    """A Program taken apart.

    Attributes:
        shared: from the inputs that are not mapped to what all examples share.
        each: from the inputs that are not mapped, what `shared` gives, and the mapped inputs to the
            outputs that depend on these.
        varies: for each output whether `each` gives it.
        known: what `each` does not give, and how `each` is told of it: its first inputs.
    """

    shared: Program
    each: Program
    varies: list[bool]
    known: list[Var]


def vmap_in_chunks(
    program: Program, mapped: Sequence[bool], size: int, chunk: int
) -> tuple[Program, tuple[bool, ...]]:
    """As `vmap`, by a scan over chunks, and what is left over by itself."""
    parts = _apart(program, mapped)
    body, reached = _batched(parts, chunk)

    def run(inputs: list[Any]) -> list[Any]:
        rows, own = partition(inputs, mapped)
        consts = [*own, *inline(parts.shared, own)]
        found: list[Any] = []
        if body.outputs or ACTS in body.effects:
            found = _in_chunks(parts, body, reached, consts, rows, size, chunk)
        values = dict(zip(parts.known, consts, strict=True))
        return [
            _value(atom, values) if x is None else x
            for atom, x in zip(program.outputs, merge(found, parts.varies), strict=True)
        ]

    types = [
        t.with_shape((size, *t.shape)) if on else t
        for t, on in zip(program.input_types, mapped, strict=True)
    ]
    flags = [bool(on) for on in merge(reached, parts.varies)]
    return build(run, types, f"vmap_{program.name}"), tuple(flags)


def _value(atom: Atom, values: dict[Var, Any]) -> Any:
    return atom.value if isinstance(atom, Literal) else values[atom]


def _apart(program: Program, mapped: Sequence[bool]) -> _Parts:
    rows, own = partition(program.inputs, mapped)
    steady, varying = split_equations(program.equations, rows)
    differs = {*rows, *(var for e in varying for var in e.outputs)}
    asked = {*program.outputs, *(atom for e in varying for atom in e.inputs)}
    used = [var for e in steady for var in e.outputs if var in asked]
    varies = [a in differs for a in program.outputs]
    known = [*own, *used]
    return _Parts(
        Program(own, steady, used, program.name),
        Program([*known, *rows], varying, select(program.outputs, varies), program.name),
        varies,
        known,
    )


def _batched(parts: _Parts, size: int) -> tuple[Program, tuple[bool, ...]]:
    """The Program of the outputs that vary for many examples, and which of them have their axis."""
    count = len(parts.each.inputs) - len(parts.known)
    return vmap(parts.each, [False] * len(parts.known) + [True] * count, size)


def _in_chunks(
    parts: _Parts, body: Program, reached: Sequence[bool], consts: Sequence[Any],
    rows: Sequence[Any], size: int, chunk: int,
) -> list[Any]:  # fmt: skip
    """The outputs that vary, all chunks together.

    Args:
        body: `parts.each` for the examples of one chunk.
        reached: whether its outputs have their axis.
    """
    blocks, rest = divmod(size, chunk)
    whole = blocks * chunk
    xs = [reshape(slice_axis(x, 0, 0, whole), (blocks, chunk, *x.shape[1:])) for x in rows]
    _, stacks = Loop(body, len(consts), 0, blocks).bind(consts, [], xs)
    found = [
        reshape(y, (whole, *y.shape[2:]))
        if on
        else reshape(slice_axis(y, 0, 0, 1), y.shape[1:])  # the same in all chunks
        for y, on in zip(stacks, reached, strict=True)
    ]
    if not rest:
        return found
    tail = [slice_axis(x, 0, whole, rest) for x in rows]
    more = inline(_batched(parts, rest)[0], [*consts, *tail])
    return [
        concatenate([y, z], 0) if on else y for y, z, on in zip(found, more, reached, strict=True)
    ]
