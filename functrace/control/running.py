"""How loops run, whatever runs their bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..ir import UNKNOWN, ArrayType, Program

Run = Callable[[Sequence[Any]], Sequence[Any]]


def prepare(
    compile: Callable[[Program], Run],
    *,
    body: Program,
    consts: int,
    carry: int,
    length: int = UNKNOWN,
    reverse: bool = False,
    cond: Program | None = None,
) -> Callable[..., tuple[Any, ...]]:
    """A function of a loop's operands."""
    step = compile(body)
    stacked = body.output_types[carry:]
    first = consts + carry

    def scan(*operands: Any) -> tuple[Any, ...]:
        fixed, state, xs = operands[:consts], operands[consts:first], operands[first:]
        count = length
        if count == UNKNOWN:
            count, xs = _aligned(xs)
        stacks = [_stack(type, count) for type in stacked]
        numbers = range(count - 1, -1, -1) if reverse else range(count)
        slices: Iterable[Any] = zip(*[x[::-1] for x in xs] if reverse else xs, strict=True)
        for i, row in zip(numbers, slices if xs else ((),) * count, strict=True):
            outputs = step((*fixed, *state, *row))
            state = outputs[:carry]
            for stack, y in zip(stacks, outputs[carry:], strict=True):
                stack[i] = y
        return _results(state, [s.cut(count) if type(s) is _Uneven else s for s in stacks])

    if cond is None:
        return scan
    proceed = compile(cond)

    def loop(*operands: Any) -> tuple[Any, ...]:
        fixed, state = operands[:consts], operands[consts:]
        tapes = [_tape(type) for type in stacked]
        count = 0
        while proceed((*fixed, *state))[0]:
            outputs = step((*fixed, *state))
            state = outputs[:carry]
            for tape, y in zip(tapes, outputs[carry:], strict=True):
                tape[count] = y
            count += 1
        return _results(state, [tape.cut(count) for tape in tapes])

    return loop


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
    """A stack of arrays whose shapes differ, which are filled up with zeros."""

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
        stack = np.zeros((count, *shape), self.type.dtype)
        for i, part in self.parts.items():
            stack[(i, *[slice(n) for n in part.shape])] = part
        return stack
