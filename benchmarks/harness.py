"""Timing rivals in turns, and checking that they agree.

Times on a shared machine drift. So all candidates of a workload run in one process, round after
round in turns, and what counts is the ratio of the medians.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .libraries import Library

Call = Callable[[], Any]
SLICE = 4e-3  # seconds that a candidate runs in each round, at least one call
WARM = 12  # calls before timing, so that everything is compiled
PAUSE = 0.03  # seconds in which the threads of the one before stop waiting for more, on our cores


def leaves(value: Any) -> list[np.ndarray]:
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in leaves(value[key])]
    if isinstance(value, (tuple, list)):
        return [leaf for part in value for leaf in leaves(part)]
    return [np.asarray(value)]


def check(name: str, reference: Any, candidate: str, value: Any, rtol: float) -> None:
    """Check that two results are equal, but for rounding."""
    for a, b in zip(leaves(reference), leaves(value), strict=True):
        scale = float(np.max(np.abs(a), initial=1e-300))
        if not np.allclose(a, b, rtol=rtol, atol=rtol * scale):
            raise AssertionError(f"{name}: {candidate} differs by {np.max(np.abs(a - b)):.2e}")


def race(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """The median seconds of each call, timed in turns."""
    counts = {}
    for name, call in calls.items():
        seconds = 0.0
        time.sleep(PAUSE)
        for _ in range(WARM):
            start = time.perf_counter()
            call()
            seconds = time.perf_counter() - start
            if seconds > 0.5:
                break
        counts[name] = max(1, int(SLICE / max(seconds, 1e-9)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            count = counts[name]
            time.sleep(PAUSE)
            if count > 1:  # the first call wakes threads
                call()
            start = time.perf_counter()
            for _ in range(count):
                call()
            times[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(values) for name, values in times.items()}


class Row(NamedTuple):
    """A workload's seconds for each library, None where it cannot do it."""

    name: str
    seconds: dict[str, float]


def measure(
    workloads: Iterable[tuple[str, Callable[[Library], Call | None], float]],
    rivals: Sequence[Library],
    rounds: int,
) -> Iterable[Row]:
    """Run workloads: each a name, a function that prepares a call, and a tolerance."""
    for name, prepare, rtol in workloads:
        calls: dict[str, Call] = {}
        reference: Any = None
        for library in rivals:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call = prepare(library)
                if call is None:
                    continue
                value = call()
            if not calls:
                reference = value
            check(name, reference, library.name, value, rtol)
            calls[library.name] = call
        yield Row(name, race(calls, rounds))


def clock(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def multiple(ratio: float) -> str:
    """A ratio with the digits that mean something."""
    if ratio < 0.1:
        return f"x{ratio:.1g}"
    return f"x{ratio:.2f}" if ratio < 10 else f"x{ratio:.0f}"


def table(rows: Sequence[Row], rivals: Sequence[Library]) -> str:
    """A Markdown table: the first one's time, and how many times as long the others take."""
    first, *others = used(rows, rivals)
    lines = [
        f"| workload | {first} | " + " | ".join(others) + " |",
        "|---|---|" + "---|" * len(others),
    ]
    for row in rows:
        base = row.seconds[first]
        cells = [multiple(row.seconds[n] / base) if n in row.seconds else "" for n in others]
        lines.append(f"| {row.name} | {clock(base)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(rows: Sequence[Row], rivals: Sequence[Library]) -> str:
    """A Markdown table of how many times as long the others take, over what they can do.

    They are compared with the first rival, and those without jit with the second as well: these
    two are functrace in both ways.
    """
    jitted, plain, *others = used(rows, rivals)
    lines = [
        f"| | to {jitted}: mean | least | to {plain}, without jit: mean | least |",
        "|---|---|---|---|---|",
    ]
    for name in others:
        cells = compared(rows, name, jitted)
        cells += ["", ""] if name.endswith(" jit") else compared(rows, name, plain)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def compared(rows: Sequence[Row], name: str, base: str) -> list[str]:
    """The geometric mean of how many times as long one takes as another, and the least."""
    ratios = [row.seconds[name] / row.seconds[base] for row in rows if name in row.seconds]
    return [multiple(geometric_mean(ratios)), multiple(min(ratios))]


def used(rows: Sequence[Row], rivals: Sequence[Library]) -> list[str]:
    """The names of those that some row has."""
    return [r.name for r in rivals if any(r.name in row.seconds for row in rows)]


def geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))
