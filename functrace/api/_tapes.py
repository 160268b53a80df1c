"""The tapes of functions that are traced again and again.

A place is a function's code under a transform, with arguments of some structure and types. The
first trace at a place is an ordinary one. The second writes a tape, and later ones are replays of
it (`replay.py`), unless they keep turning out different: then the place is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..ir import ArrayType
from ..recorder import SCOPE, Recorder, innermost
from ..recording import Recording
from ..replay import Replay, Taping
from ..tape import Tape
from ..tree import TreeDef
from ._numbers import with_varying_numbers
from ._recent import Recent

_PLACES = 512
_CALLS = 200_000  # on all tapes together
_PATIENCE = 2  # traces at a place that may be unlike the tape, besides one in four


class Place:
    """A function under a transform, for arguments of one structure: its tape, and how it fares."""

    __slots__ = ("hits", "misses", "seen", "tape")

    def __init__(self) -> None:
        self.tape: Tape | None = None
        self.seen = self.hits = self.misses = 0

    def recorder(self, reason: str) -> Recorder | None:
        """What to trace with, None for an ordinary recorder."""
        self.seen += 1
        tape = self.tape
        if tape is not None:
            return Replay(tape, innermost(), reason)
        if self.seen == 1 or self.misses > _PATIENCE + self.hits // 4:
            return None
        return Taping(innermost(), reason)

    def learned(self, recorder: Recorder | None, recording: Recording) -> Recording:
        """What to go on with after a trace. Its tape is kept, or one that was no use given up."""
        if recording.tape is not None:
            self.hits += 1
            return recording
        useful = with_varying_numbers(recording)
        if recorder is not None:
            written = recorder.written if type(recorder) is Taping else None
            if written is not None and useful is not recording:
                written = written.with_numbers(useful)
            self.tape = written
            if self.tape is None:
                self.misses += 1
            else:
                _shrink()
        return useful


_places: Recent[Place] = Recent(_PLACES)


def place_of(
    code: Any,
    name: str,
    reason: str,
    structure: TreeDef,
    types: Sequence[ArrayType],
    names: Sequence[str],
) -> Place | None:
    """The place of a function in the surroundings of now; None without code.

    Args:
        code, name: the function's code, and what its Program is called.
        reason: the transform that withholds values, for error messages.
        structure, types, names: those of the arguments.
    """
    if code is None:
        return None
    arguments = structure, tuple(types), tuple(names)
    key = code, name, reason, arguments, innermost() is None, SCOPE.get()
    return _places.find(key, Place)


def _shrink() -> None:
    """Drop the tapes of the places least recently used, when all together are too long."""
    left = _CALLS
    for place in reversed(_places.values()):
        tape = place.tape
        if tape is not None:
            left -= len(tape.calls)
            if left < 0:
                place.tape = None


def forget() -> None:
    """Forget all tapes."""
    _places.clear()


def code_of(fun: Callable[..., Any]) -> Any:
    """The code that a call of a function runs, or None where it is not Python's."""
    inner: Any = fun
    while True:
        if hasattr(inner, "__wrapped__"):
            inner = inner.__wrapped__
        elif isinstance(inner, partial):
            inner = inner.func
        elif hasattr(inner, "__func__"):
            inner = inner.__func__
        else:
            break
    code = getattr(inner, "__code__", None)
    return code if code is not None else getattr(type(inner).__call__, "__code__", None)
