"""Locks on arrays: what a trace uses where it lies must not change until the trace ends."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np


class Locks:
    """Large captured arrays, made read-only while any trace uses them."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._count: dict[int, int] = {}
        self._waiting: list[np.ndarray] = []  # views nobody uses, whose base is locked still

    def changeable(self, array: Any) -> bool:
        """Whether an array or what it is a view of can be written to, now or when unlocked."""
        while isinstance(array, np.ndarray):
            if array.flags.writeable or id(array) in self._count:
                return True
            array = array.base
        return False

    def lock(self, array: np.ndarray, held: list[np.ndarray]) -> bool:
        """Lock an array and what it is a view of. False when that could not be undone."""
        chain = [array]
        while isinstance(chain[-1].base, np.ndarray):
            chain.append(chain[-1].base)
        if chain[-1].base is not None:
            return False  # its memory is not NumPy's own
        with self._mutex:
            writable = [m.flags.writeable or id(m) in self._count for m in chain]
            if writable != sorted(writable):
                return False  # once locked, a writable view of a read-only base stays so
            for member in chain:
                if not member.flags.writeable and id(member) not in self._count:
                    continue
                self._count[id(member)] = self._count.get(id(member), 0) + 1
                member.flags.writeable = False
                held.append(member)
        return True

    def unlock(self, held: list[np.ndarray]) -> None:
        with self._mutex:
            for member in held:
                self._count[id(member)] -= 1
            unused = [*reversed(held), *self._waiting]  # bases before their views
            self._waiting = []
            for member in unused:
                if self._count.get(id(member), 1):
                    continue  # still used, or unlocked a moment ago
                if id(member.base) in self._count:  # a view is writable only while its base is
                    self._waiting.append(member)
                else:
                    del self._count[id(member)]
                    member.flags.writeable = True
        held.clear()


LOCKS = Locks()
