"""Python's cycle collector, paused while many objects are made that all stay.

Recording and rewriting make a handful of objects for each equation. None of them is garbage, and
yet each few hundred would set off a search for garbage through everything that the process holds.
"""

from __future__ import annotations

import gc
from types import TracebackType


class PausedCollection:
    """Pauses the collector in a `with` block, unless it is off already."""

    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._was_enabled:
            gc.enable()
