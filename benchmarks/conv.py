"""Convolution and pooling beside JAX and PyTorch, when they are installed.

    python -m benchmarks.conv

Milliseconds of jitted functions on a minibatch, and the others' times as multiples of them. The
candidates take turns, and the ratios are medians of rounds, because machines are noisy. Results
are compared before they are timed. All use as many threads as they choose; to compare single ones,
set OPENBLAS_NUM_THREADS=1 and XLA_FLAGS=--xla_cpu_multi_thread_eigen=false.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import functrace as ft
from benchmarks.libraries import optional
from functrace import nn

ROUNDS = 15
EXAMPLES = 32
SIZES = (  # channels, lengths, output channels, sizes
    (1, 28, 8, 3),
    (16, 32, 32, 3),
    (64, 8, 64, 3),
)

Candidates = dict[str, Callable[[], Any]]


def milliseconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def compare(title: str, candidates: Candidates) -> None:
    """Print a row: functrace's time, and the others' as multiples of it."""
    ours = candidates["functrace"]()
    for name, call in candidates.items():
        scale = np.max(np.abs(ours))
        np.testing.assert_allclose(
            np.asarray(call()), ours, rtol=1e-3, atol=1e-4 * scale, err_msg=f"{title}: {name}"
        )
    for call in candidates.values():  # until plans have become code
        for _ in range(10):
            call()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, call in candidates.items():
            times[name].append(milliseconds(call))
    base = times.pop("functrace")
    ratios = [
        f"{name} x{statistics.median(t / b for t, b in zip(row, base, strict=True)):.2f}"
        for name, row in times.items()
    ]
    print(f"| {title} | {statistics.median(base):.2f} | {', '.join(ratios) or '-'} |")


def of_functrace(x: Any, w: Any) -> dict[str, Callable[[], Any]]:
    def loss(x: Any, w: Any) -> Any:
        return np.sum(nn.conv(x, w) ** 2)

    def of_one(x: Any, w: Any) -> Any:
        return nn.max_pool(nn.conv(x, w), (2, 2))

    def pooled(x: Any, w: Any) -> Any:
        return np.sum(ft.vmap(of_one, (0, None))(x, w) ** 2)

    return {
        "conv": bound(ft.jit(nn.conv), x, w),
        "by weights": bound(ft.jit(ft.grad(loss, 1)), x, w),
        "by input": bound(ft.jit(ft.grad(loss, 0)), x, w),
        "conv, max_pool of vmap, by weights": bound(ft.jit(ft.grad(pooled, 1)), x, w),
    }


def of_jax(jax: Any, x: Any, w: Any) -> dict[str, Callable[[], Any]]:
    def conv(x: Any, w: Any) -> Any:
        return jax.lax.conv(x, w, (1, 1), "VALID")

    def loss(x: Any, w: Any) -> Any:
        return jax.numpy.sum(conv(x, w) ** 2)

    def pooled(x: Any, w: Any) -> Any:
        window = (1, 1, 2, 2)
        y = jax.lax.reduce_window(conv(x, w), -np.inf, jax.lax.max, window, window, "VALID")
        return jax.numpy.sum(y**2)

    def ready(function: Callable[..., Any]) -> Callable[[], Any]:
        compiled, operands = jax.jit(function), [jax.numpy.asarray(a) for a in (x, w)]
        return lambda: jax.block_until_ready(compiled(*operands))

    return {
        "conv": ready(conv),
        "by weights": ready(jax.grad(loss, 1)),
        "by input": ready(jax.grad(loss, 0)),
        "conv, max_pool of vmap, by weights": ready(jax.grad(pooled, 1)),
    }


def of_torch(torch: Any, x: Any, w: Any) -> dict[str, Callable[[], Any]]:
    functional = torch.nn.functional

    def gradient(by: int, pool: bool = False) -> Callable[[], Any]:
        def call() -> Any:
            operands = [torch.from_numpy(a).requires_grad_(i == by) for i, a in enumerate((x, w))]
            y = functional.conv2d(*operands)
            y = functional.max_pool2d(y, 2) if pool else y
            return torch.autograd.grad((y**2).sum(), operands[by])[0].numpy()

        return call

    return {
        "conv": lambda: functional.conv2d(torch.from_numpy(x), torch.from_numpy(w)).numpy(),
        "by weights": gradient(1),
        "by input": gradient(0),
        "conv, max_pool of vmap, by weights": gradient(1, pool=True),
    }


def bound(function: Callable[..., Any], *operands: Any) -> Callable[[], Any]:
    return lambda: function(*operands)


def main() -> None:
    jax, torch = optional("jax"), optional("torch")
    if jax:
        jax.config.update("jax_enable_x64", True)
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {EXAMPLES} examples\n")
    print("| function | functrace, ms | others, as multiples |\n|---|---|---|")
    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for channels, length, outputs, size in SIZES:
            x = random.normal(size=(EXAMPLES, channels, length, length)).astype(dtype)
            w = random.normal(size=(outputs, channels, size, size)).astype(dtype)
            rows = {"functrace": of_functrace(x, w)}
            if jax:
                rows["jax.jit"] = of_jax(jax, x, w)
            if torch:
                rows["torch"] = of_torch(torch, x, w)
            where = (
                f"{channels} x {length} x {length}, {outputs} of {size} x {size}, {dtype.__name__}"
            )
            for title in rows["functrace"]:
                compare(f"{title}: {where}", {name: calls[title] for name, calls in rows.items()})


if __name__ == "__main__":
    main()
