"""Call sites: what is known of a function's code under a transform, and what that is good for.

Without jit a function is traced at every call, because its closures, or what it asks of values,
may have changed. Mostly they have not. A site is a function's code, with arguments of some
structure and types, in some surroundings. It climbs through tiers:

- cold: the first trace is an ordinary one;
- recorded: the second writes down guards, what must be the same for a trace to be the same;
- guarded: later traces are compared with them call by call (`replay.py`), and go on as ordinary
  traces at the first difference. Where traces keep turning out different, the site is given up;
- specialised: what a transform does before and after the trace becomes code (`specialise.py`).

A function under `jit` is not traced again. Its guards are the structure and types alone, and it is
specialised when calls of one kind keep coming.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..ir import ArrayType
from ..recorder import SCOPE, Recorder, innermost
from ..recording import Recording
from ..tree import TreeDef
from .guarding import Guarding
from .guards import Guards
from .lru import LRU
from .replay import Replay
from .varying import with_varying_numbers


class Thresholds(NamedTuple):
    """When a site changes its tier, and how much is remembered.

    Attributes:
        record: the trace whose guards are written down.
        patience: the traces unlike the guards after which a site is given up, besides one in four.
        specialise: the guarded calls in a row after which code is made for the next.
        specialise_typed: the same where types are the only guards, so that less is saved.
        attempts: how often code may bail out before none is made for the function any more.
        sites: the sites that are remembered.
        calls: the calls in the guards of all sites together.
        transforms: the functions under one transform whose code is remembered.
        leaves: the most leaves of arguments for which code is made.
    """

    record: int = 2
    patience: int = 2
    specialise: int = 2
    specialise_typed: int = 8
    attempts: int = 8
    sites: int = 512
    calls: int = 200_000
    transforms: int = 512
    leaves: int = 256


THRESHOLDS = Thresholds()


class CallSite:
    """A function's code under a transform, for arguments of one structure and types."""

    __slots__ = ("_hits_before", "guards", "hits", "misses", "seen")

    def __init__(self) -> None:
        self.guards: Guards | None = None
        self.seen = self.hits = self.misses = 0
        self._hits_before = 0  # until the trace that was last unlike the guards

    def recorder(self, reason: str) -> Recorder | None:
        """What to trace with, None for an ordinary recorder."""
        self.seen += 1
        guards = self.guards
        if guards is not None:
            return Replay(guards, innermost(), reason)
        given_up = self.misses > THRESHOLDS.patience + self.hits // 4
        if self.seen < THRESHOLDS.record or given_up:
            return None
        return Guarding(innermost(), reason)

    def learned(self, recorder: Recorder | None, recording: Recording) -> Recording:
        """What to go on with after a trace.

        Guards that were written are kept. They are dropped after two traces in a row that were
        unlike them: one may be an exception, as where a loop takes a step more.
        """
        if recording.guards is not None:
            self.hits += 1
            return recording
        useful = with_varying_numbers(recording)
        if type(recorder) is Replay and self.hits > self._hits_before:
            self._hits_before = self.hits
            self.misses += 1
        elif recorder is not None:
            written = recorder.written if type(recorder) is Guarding else None
            if written is not None and useful is not recording:
                written = written.with_numbers(useful)
            self.guards = written
            if self.guards is None:
                self.misses += 1
            else:
                _shrink()
        return useful


_sites: LRU[CallSite] = LRU(THRESHOLDS.sites)


def site_of(
    code: Any,
    name: str,
    reason: str,
    structure: TreeDef,
    types: Sequence[ArrayType],
    names: Sequence[str],
) -> CallSite | None:
    """The site of a function in the surroundings of now; None without code.

    Args:
        code, name: the function's code, and what its Program is called.
        reason: the transform that withholds values, for error messages.
        structure, types, names: those of the arguments.
    """
    if code is None:
        return None
    arguments = structure, tuple(types), tuple(names)
    key = code, name, reason, arguments, innermost() is None, SCOPE.get()
    return _sites.find(key, CallSite)


def _shrink() -> None:
    """Drop the guards of the sites least recently used, when all together are too long."""
    left = THRESHOLDS.calls
    for site in reversed(_sites.values()):
        guards = site.guards
        if guards is not None:
            left -= len(guards.calls)
            if left < 0:
                site.guards = None


def forget() -> None:
    """Forget all sites."""
    _sites.clear()


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
