"""Ways of running that a `with` block chooses for what is called in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any, NamedTuple


class Modes(NamedTuple):
    """What is chosen now.

    Attributes:
        jit: whether functions under `jit` are traced and planned.
        nans, infs: whether each result is looked at for NaN, and for infinities.
        engine: the name of what runs plans (`executors/engines.py`).
    """

    jit: bool = True
    nans: bool = False
    infs: bool = False
    engine: str = "numpy"

    @property
    def checks(self) -> bool:
        """Whether results are looked at."""
        return self.nans or self.infs


_USUAL = Modes()
_modes: ContextVar[Modes | None] = ContextVar("functrace_modes", default=None)

# The modes, or None where all are as usual: to ask costs next to nothing.
chosen: Callable[[], Modes | None] = _modes.get


class Choosing(ContextDecorator):
    """A `with` block, or a decorator, that changes modes."""

    def __init__(self, **changes: Any):
        self._changes = changes
        self._tokens: list[Token[Modes | None]] = []

    def __enter__(self) -> None:
        new = (chosen() or _USUAL)._replace(**self._changes)
        self._tokens.append(_modes.set(None if new == _USUAL else new))

    def __exit__(self, *_: object) -> None:
        _modes.reset(self._tokens.pop())

    def _recreate_cm(self) -> Choosing:  # a block of its own for each call of a decorated function
        return Choosing(**self._changes)
