"""Timing rivals in turns, and checking that they agree.

Times on a shared machine drift. So all candidates of a workload run in one process, round after
round in turns, and what counts is the ratio of the medians.
"""

from __future__ import annotations

import importlib
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

Call = Callable[[], Any]
SLICE = 4e-3  # seconds that a candidate runs in each round, at least one call
WARM = 12  # calls before timing, so that everything is compiled


class Library(NamedTuple):
    """A rival: its namespace and its transforms.

    Attributes:
        xp: the namespace that workloads compute with.
        special: that of special functions, or None.
        array: makes an array of its own of a NumPy array.
        wait: waits for a result.
    """

    name: str
    xp: Any
    special: Any
    grad: Any
    value_and_grad: Any
    vmap: Any
    jit: Any
    array: Callable[[Any], Any]
    wait: Callable[[Any], Any]
    extra: Any = None


def optional(name: str) -> Any:
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def same(x: Any) -> Any:
    return x


def functrace_library(jit: bool) -> Library:
    import scipy.special

    import functrace as ft

    return Library(
        "functrace jit" if jit else "functrace", np, scipy.special, ft.grad, ft.value_and_grad,
        ft.vmap, ft.jit if jit else same, same, same, ft,
    )  # fmt: skip


def jax_library(jit: bool) -> Library | None:
    jax = optional("jax")
    if jax is None:
        return None
    import jax.numpy as jnp
    import jax.scipy.special as special

    jax.config.update("jax_enable_x64", True)
    return Library(
        "JAX jit" if jit else "JAX", jnp, special, jax.grad, jax.value_and_grad, jax.vmap,
        jax.jit if jit else same, jnp.asarray, jax.block_until_ready, jax,
    )  # fmt: skip


def autograd_library() -> Library | None:
    autograd = optional("autograd")
    if autograd is None:
        return None
    import autograd.numpy as anp
    import autograd.scipy.special as special

    return Library(
        "autograd", anp, special, autograd.grad, autograd.value_and_grad, None, same, same, same,
        autograd,
    )  # fmt: skip


def libraries() -> list[Library]:
    """Those that are installed, functrace under jit first."""
    found = [
        functrace_library(True), functrace_library(False), jax_library(True), jax_library(False),
        autograd_library(),
    ]  # fmt: skip
    return [library for library in found if library is not None]


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
            start = time.perf_counter()
            for _ in range(count):
                call()
            times[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(values) for name, values in times.items()}


class Row(NamedTuple):
    """A workload's seconds for each library, None where it can not do it."""

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


def table(rows: Sequence[Row], names: Sequence[str]) -> str:
    """A Markdown table: our time, and how many times as long the others take."""
    first, *others = names
    lines = [
        f"| workload | {first} | " + " | ".join(others) + " |",
        "|---|---|" + "---|" * len(others),
    ]
    for row in rows:
        base = row.seconds[first]
        cells = [f"x{row.seconds[n] / base:.2f}" if n in row.seconds else "" for n in others]
        lines.append(f"| {row.name} | {clock(base)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))
