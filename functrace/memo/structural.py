"""Finished Programs, found again by the structure of the Programs that they were made from.

A transform traces its function at every call, so changed closures and Python control flow are
seen. What follows the trace, rewriting, optimising and planning, is found again when a Program of
the same structure comes along: values of captured arrays are inputs of the Program and no part of
its structure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from importlib import import_module
from typing import Any, NamedTuple

from ..gc_pause import PausedCollection
from ..ir import Program
from ..recorder import innermost
from .guards import Guards
from .lru import LRU
from .why import Retraces

_LONG = 512  # equations; shorter Programs are rewritten as they are


def rolled(program: Program, long: int, **options: bool) -> Program:
    """The Program with loops that Python unrolled as loops, if it is long (`control/rolled.py`)."""
    if len(program.equations) < long:
        return program
    return import_module("..control.rolled", __package__).rolled(program, long, **options)


def shortened(program: Program) -> Program:
    """The Program as it is to be rewritten: with loops for what Python unrolled, if it is long."""
    # Rules of a transform around this one may look across the steps.
    return program if innermost() is not None else rolled(program, _LONG)


class CacheInfo(NamedTuple):
    """How often finished Programs were found again."""

    hits: int
    misses: int
    size: int
    limit: int


class StructuralCache:
    """A table from structures to finished Programs, bounded in entries and in equations."""

    def __init__(self, limit: int, equations: int):
        self.limit = limit
        self.hits = self.misses = 0
        self._entries: LRU[Any] = LRU(limit, equations)

    def get(self, kind: Hashable, program: Program, make: Callable[[Program], Any]) -> Any:
        key = kind, program.key
        found = self._entries.get(key)
        if found is not None:
            self.hits += 1
            return found
        self.misses += 1
        with PausedCollection():
            made = make(shortened(program))
        return self._entries.add(key, made, len(program.equations), program.holds_objects)

    def clear(self) -> None:
        self._entries.clear()
        self.hits = self.misses = 0

    def info(self) -> CacheInfo:
        return CacheInfo(self.hits, self.misses, len(self._entries), self.limit)


FINISHED = StructuralCache(limit=512, equations=200_000)
RETRACES = Retraces()


def finished(
    kind: Hashable,
    program: Program,
    make: Callable[[Program], Any],
    guards: Guards | None = None,
) -> Any:
    """What `make` gives for a Program, made once for each kind and structure.

    Args:
        make: gets the Program, or one that computes the same with loops for what Python unrolled.
        guards: the recorded trace that the trace of the Program repeated.
    """
    if guards is not None and kind in guards.finished:
        FINISHED.hits += 1
        return guards.finished[kind]
    misses = FINISHED.misses
    found = FINISHED.get(kind, program, make)
    RETRACES.note(kind, program, new=FINISHED.misses != misses)
    if guards is not None:
        guards.finished[kind] = found
    return found
