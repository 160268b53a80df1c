"""Work shared between threads: pieces are taken from a counter until none is left.

NumPy lets other threads run while it computes on an array. The thread that asks takes part, and
takes all that others do not come to, so that nothing waits for a core that is busy elsewhere.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Work = Callable[[Callable[[], int]], None]  # takes numbers of pieces until there are none

_mutex = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def threads() -> int:
    """How many threads work at the same time.

    That is FUNCTRACE_NUM_THREADS, or OMP_NUM_THREADS, or the number of cores that the process may
    use.
    """
    for name in ("FUNCTRACE_NUM_THREADS", "OMP_NUM_THREADS"):
        given = os.environ.get(name, "")
        if given.isdecimal() and int(given):
            return int(given)
    if hasattr(os, "sched_getaffinity"):  # not on all systems
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(work: Work, pieces: int) -> None:
    """Call `work` in several threads at once, each with a function that gives the next piece.

    Errors of any of them are raised here, when none is at work any more.
    """
    numbers = count()

    def take() -> int:
        return next(numbers)  # one step of the interpreter: no two threads get the same

    helpers = min(threads(), pieces) - 1
    if helpers < 1:
        work(take)
        return
    others = _submitted(work, take, helpers)
    try:
        work(take)
    except BaseException:
        for _ in range(pieces):
            take()  # nothing is left for the others
        raise
    finally:
        begun = [future for future in others if not future.cancel()]
        for future in begun:
            future.exception()  # waits
    for future in begun:
        future.result()


def _submitted(work: Work, take: Callable[[], int], helpers: int) -> list[Future[None]]:
    others: list[Future[None]] = []
    try:
        pool = _started()
        for _ in range(helpers):  # each in a context of its own, where np.errstate is as here
            others.append(pool.submit(copy_context().run, work, take))
    except RuntimeError:
        pass  # the interpreter is about to end, or has no more threads: this one does the work
    return others


def _started() -> ThreadPoolExecutor:
    global _pool
    with _mutex:
        if _pool is None:
            kind = import_module("concurrent.futures").ThreadPoolExecutor  # slow to import
            _pool = kind(max(threads() - 1, 1), thread_name_prefix="functrace")
        assert _pool is not None
        return _pool


def _forget() -> None:
    global _pool, _mutex
    _pool, _mutex = None, threading.Lock()


if hasattr(os, "register_at_fork"):  # not on all systems
    os.register_at_fork(after_in_child=_forget)  # a child has none of the threads
