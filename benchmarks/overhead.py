"""What functrace itself costs, where NumPy's own work is next to nothing.

    python benchmarks/overhead.py

Microseconds for recording one equation, for `grad(f)(x)` without jit, and for a jitted call, on
arrays of three elements, beside autograd and JAX when they are installed. The candidates take
turns, and the ratios are medians of rounds, because machines are noisy. Results are compared
before they are timed.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import functrace as ft

ROUNDS = 9
X = np.linspace(0.1, 1.0, 3)
W = np.linspace(-1.0, 1.0, 9).reshape(3, 3)


def optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def workloads(np: Any) -> dict[str, Callable[[Any], Any]]:
    """Small functions on the NumPy of a library."""

    def flow_graph(x: Any) -> Any:
        return (np.sum(np.maximum(W @ x + 0.5, 0)) - 2.0) ** 2

    def rosenbrock(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def chain(x: Any) -> Any:
        for _ in range(25):
            x = np.sin(x) * 0.5 + x
        return np.sum(x)

    return {
        "tanh, square, sum": lambda x: np.sum(np.tanh(x) ** 2),
        "flow graph": flow_graph,
        "Rosenbrock": rosenbrock,
        "75 equations": chain,
    }


def seconds(call: Callable[[], Any]) -> float:
    """The time of one call, from as many as fill 20 ms."""
    call()
    count, spent = 1, 0.0
    while spent < 0.02:
        start = time.perf_counter()
        for _ in range(count):
            call()
        spent = time.perf_counter() - start
        count, last = count * 2, count
    return spent / last


def compare(title: str, candidates: dict[str, Callable[[], Any]]) -> None:
    """Print a row: functrace's time, and the others' as multiples of it."""
    ours = np.asarray(candidates["functrace"]())
    for name, call in candidates.items():
        np.testing.assert_allclose(np.asarray(call()), ours, rtol=1e-5, err_msg=f"{title}: {name}")
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, call in candidates.items():
            times[name].append(seconds(call))
    base = times.pop("functrace")
    ratios = [
        f"{name} x{statistics.median(t / b for t, b in zip(row, base, strict=True)):.1f}"
        for name, row in times.items()
    ]
    print(f"| {title} | {statistics.median(base) * 1e6:.1f} | {', '.join(ratios) or '-'} |")


def gradients() -> None:
    autograd, jax = optional("autograd"), optional("jax")
    theirs: dict[str, dict[str, Callable[[Any], Any]]] = {}
    if autograd:
        theirs["autograd"] = workloads(optional("autograd.numpy"))
    if jax:
        jax.config.update("jax_enable_x64", True)
        theirs["jax"] = workloads(optional("jax.numpy"))
    print("| gradient of | functrace, us | others, as multiples |\n|---|---|---|")
    for name, fun in workloads(np).items():
        plain = {"functrace": call(ft.grad(fun), X)}
        jitted = {"functrace": call(ft.jit(ft.grad(fun)), X)}
        if autograd:
            gradient = autograd.grad(theirs["autograd"][name])
            plain["autograd"] = jitted["autograd"] = call(gradient, X)
        if jax:
            gradient = jax.grad(theirs["jax"][name])
            given = jax.numpy.asarray(X)
            plain["jax"] = call(gradient, given)
            jitted["jax.jit"] = call(jax.jit(gradient), given)
        compare(f"{name}, no jit", plain)
        compare(f"{name}, jit", jitted)


def call(fun: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    return lambda: fun(x)


def tracing() -> None:
    print("\n| equations | trace | grad, structure new | grad, seen before | jitted call |")
    print("|---|---|---|---|---|")
    for count in (1_000, 20_000):

        def loop(x: Any, count: int = count) -> Any:
            for _ in range(count // 4):
                x = np.sin(x) * 0.5 + x * 0.1
            return np.sum(x)

        gradient, jitted = ft.grad(loop), ft.jit(ft.grad(loop))

        def cold(gradient: Any = gradient) -> None:
            ft.clear_cache()
            gradient(X)

        for _ in range(9):
            jitted(X)
        row = [
            statistics.median(once(run) for _ in range(5)) / count * 1e6
            for run in (call(ft.trace(loop), X), cold, call(gradient, X), call(jitted, X))
        ]
        print(f"| {count:,} | {' | '.join(f'{time:.2f}' for time in row)} |")
    print("\nMicroseconds for each equation of the function.")


def once(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, three elements\n")
    gradients()
    tracing()
