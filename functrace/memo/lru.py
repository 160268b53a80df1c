"""A table that keeps what was used most recently."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
_HOLDING = 64  # entries that hold objects of the user


class LRU(Generic[T]):
    """A table of at most some entries, of which the least recently used go first.

    A key with functions of the user keeps what these refer to in memory. Of those there are few:
    one whose functions are made anew at every call may never be looked for again, and is soon
    forgotten.

    Args:
        limit: the most entries.
        total: the most that the entries may weigh together.
    """

    def __init__(self, limit: int, total: float = float("inf")):
        self._limit = limit
        self._total = total
        self._weight = 0
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._holding: OrderedDict[Hashable, None] = OrderedDict()  # keys that hold objects
        self._mutex = threading.RLock()  # comparing keys may run rules of the user

    def get(self, key: Hashable) -> T | None:
        """The entry of a key, if there is one."""
        with self._mutex:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            if self._holding and key in self._holding:
                self._holding.move_to_end(key)
            return found[0]

    def add(self, key: Hashable, entry: T, weight: int = 1, holding: bool = False) -> T:
        """The entry of a key, which is this one where there is none."""
        with self._mutex:
            known = self._entries.get(key)
            if known is not None:  # another thread was faster
                return known[0]
            self._entries[key] = entry, weight
            self._weight += weight
            if holding:
                self._holding[key] = None
                if len(self._holding) > _HOLDING:
                    self._drop(next(iter(self._holding)))
            while len(self._entries) > self._limit or self._weight > self._total:
                self._drop(next(iter(self._entries)))
            return entry

    def _drop(self, key: Hashable) -> None:
        self._weight -= self._entries.pop(key)[1]
        self._holding.pop(key, None)

    def find(self, key: Hashable, make: Callable[[], T], holding: bool = False) -> T:
        """The entry of a key, made when there is none."""
        with self._mutex:
            found = self.get(key)
            return self.add(key, make(), 1, holding) if found is None else found

    def __len__(self) -> int:
        return len(self._entries)

    def values(self) -> list[T]:
        """The entries, the most recently used last."""
        with self._mutex:
            return [entry for entry, _ in self._entries.values()]

    def clear(self) -> None:
        """Forget all entries."""
        with self._mutex:
            self._entries.clear()
            self._holding.clear()
            self._weight = 0
