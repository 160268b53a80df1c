"""Loops: a Program runs again and again on what it gave the time before.

    scan(*consts, *carry, *xs; body, consts, carry, length, reverse)
    while(*consts, *carry; cond, body, consts, carry)

`body` goes from consts, carry and one slice of each of xs to the new carry and one slice of each of
ys. The outputs are the last carry and the ys, stacked. A `scan` makes `length` steps, from the last
to the first when `reverse`; a `while` goes on while `cond`, a Program of consts and carry, is true.

How often a `while` runs is known when it has run, and so is the length of its ys, which for a type
is UNKNOWN. So is the length of a `scan` over them: it is that of its xs. Where such lengths
differ, because an inner loop ran longer at one step than at another, what is stacked is filled up:
with false flags, and any numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ProgramError
from ..ir import ACTS, UNKNOWN, ArrayType, Literal, Program, fits
from ..ops.reduce import reduce_any
from ..ops.shape import moveaxis
from ..primitive import Primitive, Shared
from ..transforms.vmap import vmap as vmap_program
from .hoisting import hoist
from .loop import Loop
from .loop_rules import jvp, transpose
from .programs import (
    build,
    filler,
    inline,
    reference_compile,
    rows,
    rows_program,
    select_rows,
)
from .pruning import prune
from .running import prepare

# Meaning


def _infer(*types: ArrayType, **params: Any) -> tuple[ArrayType, ...]:
    loop = Loop(**params)
    body, name = loop.body, "scan" if loop.cond is None else "while"
    consts, carry, xs = loop.split(types)
    for type in xs:
        if not type.shape or not fits(type.shape[:1], (loop.length,)):
            raise ProgramError(f"{name} of {loop.length} steps over {type}")
    given = [*consts, *carry, *[type.with_shape(type.shape[1:]) for type in xs]]
    _demand(name, "operands", given, body.input_types)
    _demand(name, "the new carry", body.output_types[: loop.carry], loop.split(body.input_types)[1])
    if loop.cond is not None:
        _demand(name, "the condition's operands", given, loop.cond.input_types)
        _demand(name, "the condition", loop.cond.output_types, [ArrayType((), bool)])
    return tuple(loop.output_types)


def _demand(
    name: str, what: str, given: Sequence[ArrayType], expected: Sequence[ArrayType]
) -> None:
    if len(given) != len(expected) or not all(
        fits(g.shape, e.shape) and g.dtype == e.dtype for g, e in zip(given, expected, strict=True)
    ):
        raise ProgramError(f"{name}: {what} {tuple(given)}, expected {tuple(expected)}")


def _impl(*operands: Any, **params: Any) -> tuple[Any, ...]:
    return prepare(reference_compile, **params)(*operands)


# Batching


def _batch(size: int, operands: Sequence[Any], mapped: Sequence[bool], **params: Any) -> list[Any]:
    """The loop of batched steps."""
    loop = Loop(**params)

    def batched(body: Program, flags: list[bool]) -> tuple[Program, Sequence[bool]]:
        return vmap_program(body, flags, size)

    body, flags, reached = loop.settled(mapped, batched)
    if loop.cond is not None:
        cond, apart = vmap_program(loop.cond, flags, size)
        if apart[0]:
            return _batch_apart(loop, size, operands, mapped)
        loop = loop._replace(cond=cond)
    wanted = [*loop.split(flags)[1], *reached[loop.carry :]]
    loop = loop._replace(body=rows_program(body, reached, wanted, size))
    last, ys = loop.bind(*_mapped_operands(loop, size, operands, mapped, flags))
    stacks = [
        moveaxis(y, 1, 0) if on else y for y, on in zip(ys, reached[loop.carry :], strict=True)
    ]
    return [x if on else Shared(x) for x, on in zip([*last, *stacks], wanted, strict=True)]


def _mapped_operands(
    loop: Loop, size: int, operands: Sequence[Any], mapped: Sequence[bool], flags: Sequence[bool]
) -> tuple[list[Any], list[Any], list[Any]]:
    """The operands with the mapped axis where a batched body has it."""
    wide = [
        rows(size, x, have) if want else x
        for x, have, want in zip(operands, mapped, flags, strict=True)
    ]
    consts, carry, xs = loop.split(wide)
    slices = [
        moveaxis(x, 0, 1) if on else x for x, on in zip(xs, loop.split(flags)[2], strict=True)
    ]
    return consts, carry, slices


def _batch_apart(
    loop: Loop, size: int, operands: Sequence[Any], mapped: Sequence[bool]
) -> list[Any]:
    """A `while` whose rows end at different steps: those that have ended stay as they are.

    Which rows go on is carried along. A row that has ended adds false flags to the stacks, and any
    numbers; but where rows meet in a step, in a sum over all of them, what it adds to that counts.
    """
    n, k = loop.consts, loop.carry
    flags = [*mapped[:n], *[True] * k]
    body = vmap_program(loop.body, flags, size)[0]
    assert loop.cond is not None
    cond = vmap_program(loop.cond, flags, size)[0]
    shapes = [type.shape for type in loop.body.output_types]
    nothing = [filler(type).value for type in loop.body.output_types[k:]]
    meet = bool(loop.body.effects - {ACTS})
    counts = [meet and not isinstance(atom, Literal) for atom in loop.body.outputs[k:]]

    def step(inputs: list[Any]) -> list[Any]:
        consts, going, state = inputs[:n], inputs[n], inputs[n + 1 :]
        new = inline(body, [*consts, *state])
        rest = [y if on else other for y, other, on in zip(new[k:], nothing, counts, strict=True)]
        chosen = [
            x if x is y else select_rows(going, x, y, shape)
            for x, y, shape in zip(new, [*state, *rest], shapes, strict=True)
        ]
        return [inline(cond, [*consts, *chosen[:k]])[0], *chosen]

    consts, carry, _ = _mapped_operands(loop, size, operands, mapped, flags)
    types = body.input_types
    more = [*types[:n], ArrayType((size,), bool), *types[n:]]
    whole = Loop(
        build(step, more, body.name),
        n,
        k + 1,
        cond=build(lambda inputs: [reduce_any(inputs[n], (0,))], more, cond.name),
    )
    last, ys = whole.bind(consts, [inline(cond, [*consts, *carry])[0], *carry], [])
    return [*last[1:], *[moveaxis(y, 1, 0) for y in ys]]


# The primitives


def _scan_text(*operands: str, length: int, reverse: bool, **_: Any) -> str:
    options = [f"length={'?' if length == UNKNOWN else length}", *["reverse=True"] * reverse]
    return f"scan({', '.join([*operands, *options])})"


SCAN = Primitive(
    "scan",
    infer=_infer,
    impl=_impl,
    jvp=jvp,
    transpose=transpose,
    batch=_batch,
    text=_scan_text,
    multiple=True,
    joint=True,
    carries_programs=True,
    prepare=prepare,
    prune=prune,
    hoist=hoist,
)
WHILE = Primitive(
    "while",
    infer=_infer,
    impl=_impl,
    jvp=jvp,
    transpose=transpose,
    batch=_batch,
    text=lambda *operands, **_: f"while({', '.join(operands)})",
    multiple=True,
    joint=True,
    carries_programs=True,
    prepare=prepare,
    prune=prune,
    hoist=hoist,
)
