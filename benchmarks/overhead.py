"""What functrace itself costs, where NumPy's own work is next to nothing.

    python -m benchmarks.overhead

Gradients of small functions on arrays of three elements, with and without jit, beside the rivals
that are installed; and the microseconds that tracing, the passes and the executor take for each
equation of long functions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import functrace as ft
from benchmarks.harness import measure, summary, table
from benchmarks.libraries import libraries
from benchmarks.workloads import Workload, gradient, rosenbrock
from functrace.passes.pipeline import clean, optimize

ROUNDS = 9
X = np.linspace(0.1, 1.0, 3)
W = np.linspace(-1.0, 1.0, 9).reshape(3, 3)


def squares(xp: Any, _: Any) -> Callable[..., Any]:
    return lambda x: xp.sum(xp.tanh(x) ** 2)


def one_layer(xp: Any, _: Any) -> Callable[..., Any]:
    return lambda x, W: (xp.sum(xp.maximum(xp.dot(W, x) + 0.5, 0.0)) - 2.0) ** 2


def chain(xp: Any, _: Any) -> Callable[..., Any]:
    def function(x: Any) -> Any:
        for _ in range(25):
            x = xp.sin(x) * 0.5 + x
        return xp.sum(x)

    return function


def small_workloads() -> list[Workload]:
    """Functions of three numbers."""
    return [
        ("tanh, square, sum", gradient(squares, X), 1e-9),
        ("one layer", gradient(one_layer, X, W), 1e-9),
        ("Rosenbrock", gradient(rosenbrock, X), 1e-9),
        ("75 equations", gradient(chain, X), 1e-9),
    ]


def tracing() -> str:
    """A Markdown table: microseconds for each equation of long functions."""
    lines = [
        "| equations | trace | trace of the gradient | passes over it | gradient, structure new "
        "| gradient, seen before | jitted gradient |",
        "|---|---|---|---|---|---|---|",
    ]
    for count in (1_000, 10_000):

        def loop(x: Any, count: int = count) -> Any:
            for _ in range(count // 4):
                x = np.sin(x) * 0.5 + x * 0.1
            return np.sum(x)

        gradient, jitted = ft.grad(loop), ft.jit(ft.grad(loop))
        program = ft.trace(gradient)(X)

        def cold(gradient: Any = gradient) -> None:
            ft.clear_cache()
            gradient(X)

        for _ in range(9):  # until the plan has become code
            jitted(X)
        runs: list[Callable[[], Any]] = [
            call(ft.trace(loop), X), call(ft.trace(gradient), X), call(passes, program), cold,
            call(gradient, X), call(jitted, X),
        ]  # fmt: skip
        row = [statistics.median(once(run) for _ in range(3)) / count * 1e6 for run in runs]
        lines.append(f"| {count:,} | {' | '.join(f'{time:.2f}' for time in row)} |")
    return "\n".join(lines)


def passes(program: ft.Program) -> ft.Program:
    return optimize(clean(program))


def call(fun: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    return lambda: fun(x)


def once(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    rivals = libraries()
    rows = list(measure(small_workloads(), rivals, ROUNDS))
    print(table(rows, rivals), "", summary(rows, rivals), "", tracing(), sep="\n")
