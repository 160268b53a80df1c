"""What a loop costs for each of its steps.

    python -m benchmarks.loops

Microseconds a step for loops on small arrays, their gradients, and their gradients under `vmap`:
functrace under `jit`, a plain Python loop on NumPy (for gradients: functrace's gradient of that
loop, unrolled), and `jax.jit` when JAX is installed. The candidates take turns, and each time is
the best of several rounds. Results are compared before they are timed. Two more tables show that
the time to trace does not depend on the number of steps, and how memory grows with it.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import functrace as ft
from benchmarks.libraries import optional

STEPS = 2000
ROUNDS = 7
W = np.linspace(-0.3, 0.3, 256).reshape(16, 16)
X = np.sin(np.arange(STEPS * 16.0)).reshape(STEPS, 16)


class Loops:
    """The loops of a library: functrace's, JAX's or plain ones of Python."""

    def __init__(self, np: Any, scan: Any, while_loop: Any):
        self.np = np
        self.scan = scan
        self.while_loop = while_loop

    def scalar(self, x: Any) -> Any:
        """Three operations on one number."""
        return self.scan(lambda c, a: (c * (0.9 + c * a), None), x, self.np.asarray(X[:, 0]))[0]

    def recurrent(self, x: Any) -> Any:
        """A recurrent network of 16 units."""
        weights, slices = self.np.asarray(W) * x, self.np.asarray(X)

        def step(h: Any, a: Any) -> Any:
            h = self.np.tanh(weights @ h + a)
            return h, h

        return self.np.sum(self.scan(step, self.np.zeros(16), slices)[1] ** 2)

    def counted(self, x: Any) -> Any:
        """A while loop, whose number of steps nobody knows."""
        step = lambda v: (v[0] * 0.999 + self.np.sin(v[0]) * x * 0.001, v[1] + 1)
        return self.while_loop(lambda v: v[1] < STEPS, step, (x, 0))[0]


def python_scan(f: Any, carry: Any, xs: Any) -> Any:
    ys = []
    for x in xs:
        carry, y = f(carry, x)
        ys.append(y)
    return carry, None if ys[0] is None else np.stack(ys)


def python_while(cond: Any, body: Any, value: Any) -> Any:
    while cond(value):
        value = body(value)
    return value


def best(candidates: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The least time of one call of each."""
    for call in candidates.values():
        for _ in range(3):
            call()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: min(row) for name, row in times.items()}


def per_step() -> None:
    jax, theirs = optional("jax"), None
    ours, plain = Loops(np, ft.scan, ft.while_loop), Loops(np, python_scan, python_while)
    if jax:
        jax.config.update("jax_enable_x64", True)
        theirs = Loops(optional("jax.numpy"), jax.lax.scan, jax.lax.while_loop)
    print("| loop | functrace, us a step | Python | jax.jit |\n|---|---|---|---|")
    batch = np.linspace(0.5, 1.0, 32)
    for name in ("scalar", "recurrent", "counted"):
        f, g = getattr(ours, name), getattr(plain, name)
        unrolled = ft.jit(ft.grad(g)) if name != "counted" else None
        kinds: dict[str, tuple[Any, Any, Any]] = {
            name: (f, g, 0.7),
            f"{name}, gradient": (ft.grad(f), unrolled, 0.7),
            f"{name}, gradient of 32": (ft.vmap(ft.grad(f)), None, batch),
        }
        for title, (fast, slow, x) in kinds.items():
            candidates = {"functrace": bound(ft.jit(fast), x)}
            if slow is not None:
                candidates["Python"] = bound(slow, np.float64(x))
            if jax and not (name == "counted" and fast is not f):  # JAX has no reverse mode there
                h = getattr(theirs, name)
                call = h if fast is f else jax.grad(h) if x is not batch else jax.vmap(jax.grad(h))
                compiled = jax.jit(call)
                candidates["jax"] = lambda compiled=compiled, x=x: np.asarray(compiled(x))
            expected = np.asarray(candidates["functrace"]())
            for other in candidates.values():
                np.testing.assert_allclose(np.asarray(other()), expected, rtol=1e-9)
            times = best(candidates)
            cells = [
                f"{times[n] / STEPS * 1e6:.2f}" if n in times else "-"
                for n in ("functrace", "Python", "jax")
            ]
            print(f"| {title} | {' | '.join(cells)} |")


def bound(fun: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    return lambda: fun(x)


def growth() -> None:
    print("\n| steps | tracing a gradient, ms | memory of a call, MB |\n|---|---|---|")
    for steps in (100, 1_000, 10_000):

        def f(x: Any, steps: int = steps) -> Any:
            return np.sum(ft.fori_loop(0, steps, lambda i, c: np.sin(c) * x, x))

        x = np.linspace(0.1, 1.0, 100)
        gradient = ft.jit(ft.grad(f))
        start = time.perf_counter()
        program = ft.trace(ft.grad(f))(x)
        first = time.perf_counter() - start
        gradient(x)
        tracemalloc.start()
        gradient(x)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"| {steps:,} | {first * 1e3:.1f} ({len(program.equations)} equations) "
              f"| {peak / 1e6:.2f} |")  # fmt: skip


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {STEPS} steps\n")
    per_step()
    growth()
