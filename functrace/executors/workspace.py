"""Memory that plans write into, kept between calls.

A call checks a workspace out and gives it back, so that calls in several threads, or of a function
within itself, never share one. Small workspaces belong to their plan. Large ones are views of
pieces of memory that all plans share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .memory import Layout

_SMALL = 1 << 16  # bytes
_LARGEST = 1 << 30  # bytes; larger pieces are not kept
_PIECES = 4  # pieces that are kept

Arrays = list[Any]


class _Pool:
    """The pieces of memory that are free, the most recently used last."""

    def __init__(self) -> None:
        self._free: list[np.ndarray] = []
        self._mutex = threading.Lock()

    def take(self, size: int, liked: np.ndarray | None) -> np.ndarray:
        """A piece of at least some size: the one that is liked, if it is free."""
        with self._mutex:
            for i in range(len(self._free) - 1, -1, -1):
                if self._free[i] is liked:
                    return self._free.pop(i)
            fitting = [i for i, piece in enumerate(self._free) if piece.size >= size]
            if fitting:
                return self._free.pop(min(fitting, key=lambda i: self._free[i].size))
        return np.empty(size, np.uint8)

    def give(self, piece: np.ndarray) -> None:
        if piece.size <= _LARGEST:
            with self._mutex:
                self._free.append(piece)
                del self._free[:-_PIECES]

    def clear(self) -> None:
        with self._mutex:
            self._free.clear()

    def size(self) -> int:
        """The bytes that are kept."""
        with self._mutex:
            return sum(piece.size for piece in self._free)


POOL = _Pool()


def workspace(
    layout: Layout,
) -> tuple[Callable[[], Arrays], Callable[[Arrays], None]]:
    """Two functions: one checks out the arrays for the targets, the other gives them back.

    The last of the arrays is the memory itself.
    """
    offsets = [0]
    for size in layout.buffers:
        offsets.append(offsets[-1] + size)
    total = offsets[-1]

    def arrays(piece: np.ndarray) -> Arrays:
        views = {target: view(piece, *target) for target in set(layout.parts)}
        return [*[views[target] for target in layout.parts], piece]

    def view(piece: np.ndarray, buffer: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        start = offsets[buffer]
        end = start + prod(shape) * dtype.itemsize
        return piece[start:end].view(dtype).reshape(shape)

    ready: list[Arrays] = []

    def take() -> Arrays:
        return ready.pop() if ready else arrays(_aligned(total))

    if total <= _SMALL:
        return take, ready.append

    def take_large() -> Arrays:
        known = ready.pop() if ready else None
        piece = POOL.take(total, None if known is None else known[-1])
        return known if known is not None and known[-1] is piece else arrays(piece)

    def give_large(used: Arrays) -> None:
        ready[:] = [used]
        POOL.give(used[-1])

    return take_large, give_large


def _aligned(size: int) -> np.ndarray:
    """Memory that begins where a cache line does."""
    piece = np.empty(size + 63, np.uint8)
    start = -piece.ctypes.data % 64
    return piece[start : start + size]
