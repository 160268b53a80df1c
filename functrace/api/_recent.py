"""A table that keeps what was used most recently."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """A table of at most some entries, of which the least recently used go first."""

    def __init__(self, limit: int):
        self._limit = limit
        self._entries: OrderedDict[Hashable, T] = OrderedDict()
        self._mutex = threading.RLock()  # comparing keys may run rules of the user

    def find(self, key: Hashable, make: Callable[[], T]) -> T:
        """The entry of a key, made when there is none."""
        with self._mutex:
            found = self._entries.get(key)
            if found is None:
                found = self._entries[key] = make()
                while len(self._entries) > self._limit:
                    self._entries.popitem(last=False)
            else:
                self._entries.move_to_end(key)
            return found

    def values(self) -> list[T]:
        """The entries, the most recently used last."""
        with self._mutex:
            return list(self._entries.values())

    def clear(self) -> None:
        """Forget all entries."""
        with self._mutex:
            self._entries.clear()
