"""Why a Program was not found again: in what it differs from the one before."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from ..ir import Equation, Literal, Program, Var

_KEPT = 256  # functions whose last Program is remembered


class _Miss(NamedTuple):
    """A Program that had to be rewritten and planned, and the one before of the same function."""

    kind: str
    program: Program
    before: Program | None


class Retraces:
    """The last Program of each function under each transform, and the last that was new."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Program] = {}
        self._miss: _Miss | None = None

    def note(self, kind: Hashable, program: Program, new: bool) -> None:
        """Note a Program that was found, or was new."""
        transform = str(kind[0] if isinstance(kind, tuple) else kind)
        key = (transform, program.name)
        if new:
            self._miss = _Miss(transform, program, self._last.get(key))
        if len(self._last) >= _KEPT and key not in self._last:
            del self._last[next(iter(self._last))]
        self._last[key] = program

    def clear(self) -> None:
        self._last.clear()
        self._miss = None

    def explain(self) -> str:
        """What was new about the last Program that was new."""
        if self._miss is None:
            return "nothing has been planned since the cache was cleared"
        kind, program, before = self._miss
        head = f"{kind} of {program.name} was rewritten and planned anew: "
        if before is None:
            return f"{head}it is the first of its name"
        return head + difference(program, before)


def difference(new: Program, old: Program) -> str:
    """The first thing in which two Programs differ, in words."""
    for a, b in zip(new.inputs, old.inputs, strict=False):
        if a.type is not b.type:
            return f"{_input(a)} has type {a.type}, and had {b.type}"
    if len(new.inputs) != len(old.inputs):
        return (
            f"it has {len(new.inputs)} inputs (captured arrays counted), and had {len(old.inputs)}"
        )
    number: dict[Any, int] = {}
    for i, (a, b) in enumerate(zip(new.inputs, old.inputs, strict=True)):
        number[a] = number[b] = i
    for i, (a, b) in enumerate(zip(new.equations, old.equations, strict=False)):
        found = _unequal(a, b, number)
        if found:
            return f"equation {i}{_place(a)} {found}"
        for x, y in zip(a.outputs, b.outputs, strict=True):
            number[x] = number[y] = len(number)
    if len(new.equations) != len(old.equations):
        return f"it has {len(new.equations)} equations, and had {len(old.equations)}"
    return "its outputs are others, or it was forgotten, or is used in another way"


def _input(var: Var) -> str:
    return f"the input {var.name}" if var.name else "a captured array"


def _place(equation: Equation) -> str:
    source = equation.source
    return "" if source is None else f" ({source}: {source.text})"


def _unequal(a: Equation, b: Equation, number: dict[Any, int]) -> str:
    if a.primitive is not b.primitive:
        return f"is {a.primitive.name}, and was {b.primitive.name}"
    if a.params != b.params:
        key = next(k for k in a.params if a.params[k] != b.params.get(k))
        return f"({a.primitive.name}) has {key}={a.params[key]}, and had {b.params.get(key)}"
    for x, y in zip(a.inputs, b.inputs, strict=False):
        if isinstance(x, Literal) and isinstance(y, Literal):
            if x.key != y.key:
                return f"({a.primitive.name}) has the constant {x.value}, and had {y.value}"
        elif number.get(x) != number.get(y) or isinstance(x, Literal) or isinstance(y, Literal):
            return f"({a.primitive.name}) has other operands than it had"
    return "" if len(a.inputs) == len(b.inputs) else "has another number of operands"
