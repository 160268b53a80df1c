"""Loops of Python that a trace unrolls: a warning where it has become long.

Each step of such a loop is recorded by itself, and rewritten and planned by itself where it is not
the same block of equations each time (`control/rolled.py`). That costs tens of microseconds for
each of its equations, where `scan` does the work for one step. A long trace in which most equations
repeat at the places of the user's code where they were recorded is taken for one.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

from .errors import UnrolledLoopWarning
from .ir import Equation
from .primitive import Primitive
from .source import Place, Remark, Source, resolve

LONG = 2000  # equations; the loops of shorter traces are compiled before anybody waits
_OFTEN = 20  # times that a place has to repeat
_WARNED_MOST = 4096

_Step = tuple[int, int, Primitive]  # the code and the instruction that recorded an equation
_warned: dict[tuple[str, int], None] = {}


def warn_of_unrolled(equations: Sequence[Equation]) -> None:
    """Warn once for each place in the code where a long trace repeats.

    What transforms have added to the trace does not count: its lines are those of a trace that they
    were given.
    """
    if len(equations) <= LONG:
        return
    found = _repeated(equations)
    if found is None:
        return
    source, times = found
    where = source.filename, source.line
    if where in _warned:
        return
    if len(_warned) >= _WARNED_MOST:
        _warned.clear()
    _warned[where] = None
    warnings.warn_explicit(
        f"a Python loop was unrolled into a trace of {len(equations):,} equations, as each step "
        f"is traced by itself: line {source.line} of {source.filename}, in {source.function}, "
        f"was traced {times:,} times ({source.text or 'no text'})\n"
        "  remedy: functrace.scan, or functrace.fori_loop, compiles the body of the loop in one "
        "step",
        UnrolledLoopWarning,
        source.filename,
        source.line,
    )


def _repeated(equations: Sequence[Equation]) -> tuple[Source, int] | None:
    """The first of the places that repeat most often, and how often.

    None where the user's code recorded few equations, or most of them only once or a few times. An
    instruction may record several equations each time. It has run as often as the rarest of them
    was recorded.
    """
    places: dict[tuple[int, int], Place] = {}
    counts: Counter[_Step] = Counter()
    for equation in equations:
        place = equation.position
        while type(place) is Remark and not place.derivative_of:
            place = place.place
        if type(place) is tuple:
            code, offset = place
            step = (id(code), offset, equation.primitive)
            if step not in counts:
                places.setdefault(step[:2], place)
            counts[step] += 1
    times: dict[tuple[int, int], int] = {}
    for (code, offset, _), count in counts.items():
        times[code, offset] = min(count, times.get((code, offset), count))
    repeated = sum(count for step, count in counts.items() if times[step[:2]] >= _OFTEN)
    total = counts.total()
    if total <= LONG or 2 * repeated < total:
        return None
    most = max(places, key=lambda at: times[at])  # the first of them, as dicts are in order
    source = resolve(places[most])
    return None if source is None else (source, times[most])
