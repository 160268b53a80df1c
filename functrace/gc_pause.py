"""Python's cycle collector, paused while many objects are made that all stay.

Recording and rewriting make a handful of objects for each equation. None of them is garbage, and
yet each few hundred would set off a search for garbage through everything that the process holds.
"""

from __future__ import annotations

import gc
import threading
from types import TracebackType


class PausedCollection:
    """Pauses the collector in a `with` block, unless it is off already.

    Blocks nest and overlap, in several threads too: the last that ends turns it on again.
    """

    __slots__ = ()

    _mutex = threading.RLock()
    _open = 0  # blocks that have begun and not ended
    _paused = False  # whether the collector was on before the first of them

    def __enter__(self) -> None:
        state = PausedCollection
        with state._mutex:
            if state._open == 0:
                state._paused = gc.isenabled()
                gc.disable()
            state._open += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        state = PausedCollection
        with state._mutex:
            state._open -= 1
            if state._open == 0 and state._paused:
                gc.enable()
