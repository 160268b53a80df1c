"""Ways of running that a `with` block chooses for what is called in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Modes(NamedTuple):
    """What is chosen now.

    Attributes:
        jit: whether functions under `jit` are traced and planned.
        nans, infs: whether each result is looked at for NaN, and for infinities.
    """

    jit: bool = True
    nans: bool = False
    infs: bool = False

    @property
    def checks(self) -> bool:
        """Whether results are looked at."""
        return self.nans or self.infs


_USUAL = Modes()
_modes: ContextVar[Modes | None] = ContextVar("functrace_modes", default=None)

# The modes, or None where all are as usual: to ask costs next to nothing.
chosen: Callable[[], Modes | None] = _modes.get


@contextmanager
def choosing(**changes: Any) -> Iterator[None]:
    """Change modes for the duration of a `with` block."""
    new = (chosen() or _USUAL)._replace(**changes)
    token = _modes.set(None if new == _USUAL else new)
    try:
        yield
    finally:
        _modes.reset(token)
