"""What functrace itself costs, where NumPy's own work is next to nothing.

    python -m benchmarks.overhead
    python -m benchmarks.overhead --calls

Gradients of small functions on arrays of three elements, with and without jit, beside the rivals
that are installed; the microseconds that tracing, the passes and the executor take for each
equation of long functions; and those that unrolled loops of several kinds take to a first
result. With `--calls` the Python calls of a steady call of each transform (`calls.py`).
"""

from __future__ import annotations

import functools
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import functrace as ft
from benchmarks.calls import calls
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


def long_on_purpose(function: Callable[..., str]) -> Callable[..., str]:
    """A function of loops that are unrolled to see what that takes."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ft.errors.UnrolledLoopWarning)
            return function(*args, **kwargs)

    return call


@long_on_purpose
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

        for _ in range(9):  # until the plan has become code
            jitted(X)
        runs: list[Callable[[], Any]] = [
            call(ft.trace(loop), X), call(ft.trace(gradient), X), call(passes, program),
            cold(ft.grad, loop, X), call(gradient, X), call(jitted, X),
        ]  # fmt: skip
        row = [statistics.median(once(run) for _ in range(3)) / count * 1e6 for run in runs]
        lines.append(f"| {count:,} | {' | '.join(f'{time:.2f}' for time in row)} |")
    return "\n".join(lines)


def unrolled_chain(steps: int) -> tuple[Callable[..., Any], Any]:
    """Four elementwise operations a step."""

    def function(x: Any) -> Any:
        for _ in range(steps):
            x = np.sin(x) * 0.5 + x * 0.1
        return np.sum(x)

    return function, X


def unrolled_mixture(steps: int) -> tuple[Callable[..., Any], Any]:
    """Twelve elementwise operations a step, among them roots and quotients."""

    def function(x: Any) -> Any:
        y = x
        for _ in range(steps):
            y = np.tanh(x * y) + np.exp(-y * y)
            y = np.sqrt(np.abs(y) + 1.0) / (1.0 + x**2)
        return np.sum(y)

    return function, X


def unrolled_layers(steps: int) -> tuple[Callable[..., Any], Any]:
    """A layer of a network a step: a product of matrices and three operations."""
    random = np.random.default_rng(0)
    batch, bias = random.normal(size=(4, 8)), random.normal(size=8)

    def function(weights: Any) -> Any:
        x = batch
        for _ in range(steps):
            x = np.tanh(x @ weights + bias) * 0.9
        return np.sum(x**2)

    return function, random.normal(size=(8, 8)) * 0.1


def unrolled_filter(steps: int) -> tuple[Callable[..., Any], Any]:
    """A step of a Kalman filter of two states: products, solutions, a determinant."""
    measured = np.random.default_rng(0).normal(size=(steps, 2))
    transition, noise = np.array([[1.0, 0.1], [0.0, 1.0]]), np.eye(2)

    def function(scales: Any) -> Any:
        mean, covariance, total = np.zeros(2), np.eye(2), 0.0
        for row in measured:
            mean = transition @ mean
            covariance = transition @ covariance @ transition.T + noise * scales[0]
            innovation = covariance + noise * scales[1]
            off = row - mean
            gain = np.linalg.solve(innovation, covariance).T
            total = total - 0.5 * off @ np.linalg.solve(innovation, off)
            total = total - 0.5 * np.linalg.slogdet(innovation)[1]
            mean, covariance = mean + gain @ off, covariance - gain @ covariance
        return total

    return function, np.array([0.1, 0.5])


UNROLLED = {
    "chain": (unrolled_chain, 4), "mixture": (unrolled_mixture, 12), "layers": (unrolled_layers, 4),
    "Kalman filter": (unrolled_filter, 25),
}  # fmt: skip
HESSIANS_UP_TO = 1_000  # equations


@long_on_purpose
def first_results(sizes: Sequence[int] = (100, 1_000, 10_000), rounds: int = 3) -> str:
    """A Markdown table: from a new structure to its first result, for each equation traced.

    It is processor time, in microseconds, the best of some rounds.
    """
    lines = [
        "| unrolled | equations | first gradient | first jitted gradient | first Hessian |",
        "|---|---|---|---|---|",
    ]
    for name, (make, each) in UNROLLED.items():
        for size in sizes:
            function, x = make(size // each)
            count = len(ft.trace(function)(x).equations)
            transforms = [ft.grad, lambda f: ft.jit(ft.grad(f)), ft.hessian]
            runs = [cold(transform, function, x) for transform in transforms]
            times = [
                f"{min(spent(run) for _ in range(rounds)) / count * 1e6:.1f}"
                for run in (runs if size <= HESSIANS_UP_TO else runs[:2])
            ]
            lines.append(f"| {name} | {count:,} | {' | '.join([*times, ''][:3])} |")
    return "\n".join(lines)


def cold(transform: Any, function: Callable[..., Any], x: Any) -> Callable[[], Any]:
    """A call that finds nothing in a cache."""

    def run() -> Any:
        ft.clear_cache()
        return transform(function)(x)

    return run


def spent(run: Callable[[], Any]) -> float:
    """The processor time of a call, which other processes lengthen less than they do its time."""
    start = time.process_time()
    run()
    return time.process_time() - start


def passes(program: ft.Program) -> ft.Program:
    return optimize(clean(program))


def call(fun: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    return lambda: fun(x)


def once(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main(arguments: Sequence[str]) -> None:
    if "--calls" in arguments:
        print(calls())
        return
    rivals = libraries()
    rows = list(measure(small_workloads(), rivals, ROUNDS))
    print(table(rows, rivals), "", summary(rows, rivals), "", sep="\n")
    print(tracing(), "", first_results(), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
