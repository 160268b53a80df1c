"""Running Programs, and finding finished ones again by their structure.

A transform traces its function at every call, so changed closures and Python control flow are
seen. What follows the trace, rewriting, optimising and planning, is found again when a Program of
the same structure comes along: values of captured arrays are inputs of the Program and no part of
its structure.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from ..executors.plan import make_plan
from ..executors.planned import executable, interpreter
from ..ir import Program
from ..passes.pipeline import clean, optimize
from ..recorder import plain, recorder_for


class Runner:
    """A finished Program: runs on arrays, and is replayed into a recorder on tracers.

    The first run interprets the plan; generated code is made when the Program is run again.
    """

    __slots__ = ("_plan", "_run", "program")

    def __init__(self, program: Program):
        self.program = clean(program)
        self._plan: Any = None
        self._run: Callable[[Sequence[Any]], Sequence[Any]] | None = None

    def __call__(self, operands: Sequence[Any]) -> Sequence[Any]:
        """The outputs for arrays, scalars or tracers of the inputs' types."""
        recorder = recorder_for(operands)
        if recorder is not None:
            return recorder.inline(self.program, operands)
        return self.execute([plain(x) for x in operands])

    def execute(self, operands: Sequence[Any]) -> Sequence[Any]:
        """The outputs for NumPy values."""
        if self._run is None:
            if self._plan is None:
                self._plan = make_plan(optimize(self.program))
                return interpreter(self._plan)(operands)
            self._run = executable(self._plan)
        return self._run(operands)


class CacheInfo(NamedTuple):
    """How often finished Programs were found again."""

    hits: int
    misses: int
    size: int
    limit: int


class _StructuralCache:
    """A bounded table from structures to finished Programs, least recently used out first."""

    def __init__(self, limit: int):
        self.limit = limit
        self.hits = self.misses = 0
        self._entries: OrderedDict[Hashable, Any] = OrderedDict()
        self._mutex = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._mutex:
            found = self._entries.get(key)
            if found is not None:
                self.hits += 1
                self._entries.move_to_end(key)
                return found
        made = make()
        with self._mutex:
            self.misses += 1
            self._entries[key] = made
            while len(self._entries) > self.limit:
                self._entries.popitem(last=False)
        return made

    def clear(self) -> None:
        with self._mutex:
            self._entries.clear()
            self.hits = self.misses = 0

    def info(self) -> CacheInfo:
        return CacheInfo(self.hits, self.misses, len(self._entries), self.limit)


_finished = _StructuralCache(limit=512)


def finished(kind: Hashable, program: Program, make: Callable[[], Any]) -> Any:
    """What `make` gives for a Program, made once for each kind and structure."""
    return _finished.get((kind, program.key), make)


def cache_info() -> CacheInfo:
    """Hits, misses, size and limit of the cache of finished Programs.

    Example:
        >>> import functrace as ft
        >>> ft.cache_info().limit
        512
    """
    return _finished.info()


def clear_cache() -> None:
    """Forget all finished Programs."""
    _finished.clear()
