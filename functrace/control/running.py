"""How loops run, whatever runs their bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..ir import UNKNOWN, ArrayType, Program
from .programs import filler

Run = Callable[[Sequence[Any]], Sequence[Any]]
_FEW = 8  # steps for which code of the body is not worth while


def prepare(
    compile: Callable[[Program, bool], Run],
    *,
    body: Program,
    consts: int,
    carry: int,
    length: int = UNKNOWN,
    reverse: bool = False,
    cond: Program | None = None,
) -> Callable[..., tuple[Any, ...]]:
    """A function of a loop's operands."""
    types = body.output_types[carry:]
    first = consts + carry
    often = not 0 <= length <= _FEW
    step = compile(body, often)
    counts = (consts, carry, len(body.inputs) - first, len(types))

    def scan(*operands: Any) -> tuple[Any, ...]:
        xs, count = operands[first:], length
        if count == UNKNOWN:
            count, xs = _aligned(xs)
        numbers = range(count)
        if reverse:
            numbers, xs = numbers[::-1], [x[::-1] for x in xs]
        stacks = [_stack(kind, count) for kind in types]
        last = run(step, numbers, operands[:first], xs, stacks)
        return _results(last, [s.cut(count) if type(s) is _Uneven else s for s in stacks])

    if cond is None:
        run = _scan_code(*counts)
        return scan
    proceed = compile(cond, often)
    repeat = _while_code(*counts)

    def loop(*operands: Any) -> tuple[Any, ...]:
        tapes = [_tape(type) for type in types]
        count, last = repeat(proceed, step, operands, tapes)
        return _results(last, [tape.cut(count) for tape in tapes])

    return loop


# A loop's own work is to hand values about. Written out for the numbers of consts, carries, xs and
# ys, it takes half the time that it would take with slices of tuples.


@cache
def _scan_code(consts: int, carry: int, xs: int, ys: int) -> Callable[..., Any]:
    fixed, state, slices, new, stacks = _names(consts, carry, xs, ys)
    rows = "".join(f"x{i}, " for i in range(xs))
    return _function(
        "run(step, numbers, operands, xs, stacks)",
        [
            f"[{fixed}{state}] = operands",
            f"[{rows}] = xs",
            f"[{stacks}] = stacks",
            f"for i, {slices} in zip(numbers, {rows}):" if xs else "for i in numbers:",
            f"  [{state}{new}] = step(({fixed}{state}{slices}))",
            *[f"  y{j}[i] = z{j}" for j in range(ys)],
            f"return [{state}]",
        ],
    )


@cache
def _while_code(consts: int, carry: int, xs: int, ys: int) -> Callable[..., Any]:
    fixed, state, _, new, stacks = _names(consts, carry, xs, ys)
    return _function(
        "run(proceed, step, operands, stacks)",
        [
            f"[{fixed}{state}] = operands",
            f"[{stacks}] = stacks",
            "i = 0",
            f"while proceed(({fixed}{state}))[0]:",
            f"  [{state}{new}] = step(({fixed}{state}))",
            *[f"  y{j}[i] = z{j}" for j in range(ys)],
            "  i += 1",
            f"return i, [{state}]",
        ],
    )


def _names(consts: int, carry: int, xs: int, ys: int) -> list[str]:
    """Names of consts, carries, slices of xs, those of ys, and the stacks of these."""
    counts = zip("csrzy", (consts, carry, xs, ys, ys), strict=True)
    return ["".join(f"{letter}{i}, " for i in range(count)) for letter, count in counts]


def _function(head: str, lines: Sequence[str]) -> Callable[..., Any]:
    bound: dict[str, Any] = {}
    source = f"def {head}:\n" + "".join(f"  {line}\n" for line in lines)
    exec(compile(source, "<functrace loop>", "exec"), bound)  # noqa: S102 -- our own text
    return bound["run"]


def _results(state: Sequence[Any], stacks: Sequence[Any]) -> tuple[Any, ...]:
    """The last carry in memory of its own, and what was stacked."""
    last = [np.array(x) if isinstance(x, np.ndarray) and x.ndim else x for x in state]
    return (*last, *stacks)


def _aligned(xs: Sequence[Any]) -> tuple[int, list[Any]]:
    """The one length of all xs, where one of length 1 may stand for zeros of any length."""
    count = max([len(x) for x in xs])
    if min([len(x) for x in xs]) == 0:
        count = 0
    return count, [
        x if len(x) == count else np.broadcast_to(x[:1], (count, *x.shape[1:])) for x in xs
    ]


def _stack(type: ArrayType, count: int) -> Any:
    if UNKNOWN in type.shape:
        return _Uneven(type)
    return np.empty((count, *type.shape), type.dtype)


def _tape(type: ArrayType) -> Any:
    return _Uneven(type) if UNKNOWN in type.shape else _Tape(type)


class _Tape:
    """A stack that grows as it is written to, in place where the system can."""

    __slots__ = ("array", "room")

    def __init__(self, type: ArrayType):
        self.room = 8
        self.array = np.empty((self.room, *type.shape), type.dtype)

    def __setitem__(self, i: int, value: Any) -> None:
        if i == self.room:
            self.room *= 2
            self.array.resize((self.room, *self.array.shape[1:]), refcheck=False)
        self.array[i] = value

    def cut(self, count: int) -> Any:
        """The stack of what was written."""
        self.array.resize((count, *self.array.shape[1:]), refcheck=False)
        return self.array


class _Uneven:
    """A stack of arrays whose shapes differ, which are filled up."""

    __slots__ = ("parts", "type")

    def __init__(self, type: ArrayType):
        self.type = type
        self.parts: dict[int, Any] = {}

    def __setitem__(self, i: int, value: Any) -> None:
        self.parts[i] = value

    def cut(self, count: int) -> Any:
        """The stack of what was written."""
        shapes = [np.shape(part) for part in self.parts.values()]
        least = [1 if n == UNKNOWN else n for n in self.type.shape]
        shape = [max(lengths) for lengths in zip(*shapes, strict=True)] if shapes else least
        stack = np.full((count, *shape), filler(self.type.with_shape(())).value)
        for i, part in self.parts.items():
            stack[(i, *[slice(n) for n in part.shape])] = part
        return stack
