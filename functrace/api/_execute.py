"""Running Programs, and finding finished ones again by their structure.

A transform traces its function at every call, so changed closures and Python control flow are
seen. What follows the trace, rewriting, optimising and planning, is found again when a Program of
the same structure comes along: values of captured arrays are inputs of the Program and no part of
its structure.
"""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..executors import reference
from ..executors.plan import Plan, make_plan
from ..executors.planned import compiled, interpreter
from ..ir import Program
from ..passes.pipeline import clean, optimize
from ..recorder import plain, recorder_for


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause Python's cycle collector: rewriting makes many objects, all of which stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_NUMPY_ERRORS = (ValueError, IndexError, ArithmeticError)  # ArithmeticError under np.errstate
_INTERPRETED_RUNS = 8  # making code costs about as much as these save
_LONGEST_CODE = 3000  # steps; beyond, Python's compiler would keep the user waiting


class Runner:
    """A finished Program: runs on arrays, and is replayed into a recorder on tracers."""

    __slots__ = ("_plan", "_run", "_runs", "program")

    def __init__(self, program: Program):
        self.program = clean(program)
        self._plan: Plan | None = None
        self._run: Callable[[Sequence[Any]], Sequence[Any]] = self._first
        self._runs = 0

    def __call__(self, operands: Sequence[Any]) -> Sequence[Any]:
        """The outputs for arrays, scalars or tracers of the inputs' types."""
        recorder = recorder_for(operands)
        if recorder is not None:
            return recorder.inline(self.program, operands)
        values = [plain(x) for x in operands]
        try:
            return self._run(values)
        except _NUMPY_ERRORS:
            reference.run(self.program, values)  # raises again, noting the equation and its line
            raise

    def _first(self, operands: Sequence[Any]) -> Sequence[Any]:
        with _no_collection():
            plan = self._plan = make_plan(optimize(self.program))
        run = interpreter(plan)

        def interpret(operands: Sequence[Any]) -> Sequence[Any]:
            self._runs += 1
            if self._runs == _INTERPRETED_RUNS and len(plan.steps) <= _LONGEST_CODE:
                self._run = compiled(plan)
            return run(operands)

        self._run = interpret
        return run(operands)


class CacheInfo(NamedTuple):
    """How often finished Programs were found again."""

    hits: int
    misses: int
    size: int
    limit: int


class _StructuralCache:
    """A table from structures to finished Programs, bounded in entries and in equations.

    The least recently used go first.
    """

    def __init__(self, limit: int, equations: int):
        self.limit = limit
        self.equations = equations
        self.hits = self.misses = 0
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._weight = 0
        self._mutex = threading.Lock()

    def get(self, key: Hashable, weight: int, make: Callable[[], Any]) -> Any:
        with self._mutex:
            found = self._entries.get(key)
            if found is not None:
                self.hits += 1
                self._entries.move_to_end(key)
                return found[0]
        with _no_collection():
            made = make()
        with self._mutex:
            self.misses += 1
            if key not in self._entries:  # or another thread was faster
                self._entries[key] = made, weight
                self._weight += weight
            while len(self._entries) > self.limit or self._weight > self.equations:
                self._weight -= self._entries.popitem(last=False)[1][1]
        return made

    def clear(self) -> None:
        with self._mutex:
            self._entries.clear()
            self._weight = 0
            self.hits = self.misses = 0

    def info(self) -> CacheInfo:
        return CacheInfo(self.hits, self.misses, len(self._entries), self.limit)


_finished = _StructuralCache(limit=512, equations=200_000)


def finished(kind: Hashable, program: Program, make: Callable[[], Any]) -> Any:
    """What `make` gives for a Program, made once for each kind and structure."""
    return _finished.get((kind, program.key), len(program.equations), make)


def cache_info() -> CacheInfo:
    """Hits, misses, size and limit of the cache of finished Programs.

    Example:
        >>> import functrace as ft
        >>> ft.cache_info().limit
        512
    """
    return _finished.info()


def clear_cache() -> None:
    """Forget all finished Programs.

    Example:
        >>> import functrace as ft
        >>> ft.clear_cache()
        >>> ft.cache_info().size
        0
    """
    _finished.clear()
