"""The memory of the gradient of a long scan, with and without checkpoints.

    python -m benchmarks.memory

For each number of steps: the peak of temporaries as planned (`functrace.memory`), the peak as
measured (`tracemalloc`), and the time of a call. A step is elementwise, on 200 numbers. Gradients
are compared before they are timed. The last lines tell how memory grows when the number of steps
becomes four times as large: four times without checkpoints, twice with a checkpoint every sqrt(n)
steps.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import functrace as ft

STEPS = (625, 2_500, 10_000, 40_000)
WEIGHTS = np.random.default_rng(0).normal(size=200)
START = np.ones(200)


def gradient(steps: int, wrap: Callable[..., Any] = lambda f: f, **options: Any) -> Any:
    """The gradient by the weights."""

    def loss(w: Any) -> Any:
        step = wrap(lambda h, _: (np.tanh(w * h) + 0.1 * np.sin(h), None))
        return np.sum(ft.scan(step, START, length=steps, **options)[0])

    return ft.jit(ft.grad(loss))


def variants(steps: int) -> dict[str, Any]:
    """Ways to keep what the way back needs."""
    every = math.isqrt(steps)
    return {
        "no checkpoints": gradient(steps),
        "each step a checkpoint": gradient(steps, ft.checkpoint),
        "every sqrt(n) steps": gradient(steps, checkpoint_every=every),
        "both": gradient(steps, ft.checkpoint, checkpoint_every=every),
    }


def peak(run: Callable[..., Any]) -> int:
    """The most bytes that a call allocates, by `tracemalloc`."""
    ft.clear_cache()
    tracemalloc.start()
    run(WEIGHTS)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def seconds(run: Callable[..., Any]) -> float:
    """The least time of three calls."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run(WEIGHTS)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    print("| steps | | planned | measured | seconds |")
    print("|---:|---|---:|---:|---:|")
    measured: dict[str, list[int]] = {}
    for steps in STEPS:
        expected = None
        for name, run in variants(steps).items():
            found = run(WEIGHTS)
            expected = found if expected is None else expected
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
            planned, used = ft.memory(run)(WEIGHTS).temporaries, peak(run)
            measured.setdefault(name, []).append(used)
            print(f"| {steps:,} | {name} | {planned:,} | {used:,} | {seconds(run):.3f} |")
    print()
    for name, sizes in measured.items():
        growth = [f"{b / a:.2f}" for a, b in pairwise(sizes)]
        print(f"- {name}: x{', x'.join(growth)} for four times the steps")


if __name__ == "__main__":
    main()
