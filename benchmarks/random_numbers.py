"""Random numbers beside NumPy's own generator and, when it is installed, JAX.

    python -m benchmarks.random_numbers

Nanoseconds for each number, in draws of one, of a thousand and of a million; the others' times are
multiples of functrace's. NumPy's is a `Generator` of Philox, whose streams may change with NumPy's
versions and whose state steps along; JAX's functions are compiled, in double precision. The
candidates take turns, and the ratios are medians of rounds, because machines are noisy. Mean
absolute values are compared before anything is timed.
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

ROUNDS = 7
SIZES = (1, 1_000, 1_000_000)
P = np.linspace(1, 2, 100) / np.sum(np.linspace(1, 2, 100))

Draw = Callable[[int], Any]


def keyed(random: Any, key: Any, compiled: Callable[[Any, int], Any]) -> dict[str, Draw]:
    """Draws of a module with the names of `jax.random`."""

    def draw(function: Callable[[Any, int], Any]) -> Draw:
        made: dict[int, Any] = {}

        def run(count: int) -> Any:
            if count not in made:
                made[count] = compiled(lambda key: function(key, count), key)
            return made[count](key)

        return run

    return {
        "uniform": draw(lambda key, n: random.uniform(key, (n,))),
        "normal": draw(lambda key, n: random.normal(key, (n,))),
        "exponential": draw(lambda key, n: random.exponential(key, (n,))),
        "integers below 1000": draw(lambda key, n: random.randint(key, (n,), 0, 1000)),
        "gamma, shape 2.5": draw(lambda key, n: random.gamma(key, 2.5, (n,))),
        "gamma, shape 0.5": draw(lambda key, n: random.gamma(key, 0.5, (n,))),
        "poisson, mean 3": draw(lambda key, n: random.poisson(key, 3.0, (n,))),
        "poisson, mean 30": draw(lambda key, n: random.poisson(key, 30.0, (n,))),
        "choice by weight": draw(lambda key, n: random.choice(key, 100, (n,), p=P)),
        "permutation": draw(lambda key, n: random.permutation(key, n)),
    }


def numpys() -> dict[str, Draw]:
    generator = np.random.Generator(np.random.Philox(0))
    return {
        "uniform": generator.random,
        "normal": generator.standard_normal,
        "exponential": generator.standard_exponential,
        "integers below 1000": lambda n: generator.integers(0, 1000, n),
        "gamma, shape 2.5": lambda n: generator.standard_gamma(2.5, n),
        "gamma, shape 0.5": lambda n: generator.standard_gamma(0.5, n),
        "poisson, mean 3": lambda n: generator.poisson(3.0, n),
        "poisson, mean 30": lambda n: generator.poisson(30.0, n),
        "choice by weight": lambda n: generator.choice(100, n, p=P),
        "permutation": generator.permutation,
    }


def jaxs() -> dict[str, Draw]:
    jax = optional("jax")
    if jax is None:
        return {}
    jax.config.update("jax_enable_x64", True)

    def compiled(function: Callable[[Any], Any], key: Any) -> Callable[[Any], Any]:
        jitted = jax.jit(function)
        return lambda key: jitted(key).block_until_ready()

    return keyed(jax.random, jax.random.key(0), compiled)


def seconds(call: Callable[[], Any]) -> float:
    """The time of one call, from as many as fill 20 ms."""
    call()
    count, spent, last = 1, 0.0, 1
    while spent < 0.02:
        start = time.perf_counter()
        for _ in range(count):
            call()
        spent = time.perf_counter() - start
        count, last = count * 2, count
    return spent / last


def row(name: str, candidates: dict[str, dict[str, Draw]]) -> str:
    draws = {label: table[name] for label, table in candidates.items() if table}
    means = [float(np.mean(np.abs(draw(100_000)))) for draw in draws.values()]
    np.testing.assert_allclose(means, means[0], rtol=0.02, err_msg=name)
    cells = []
    for size in SIZES:
        times: dict[str, list[float]] = {label: [] for label in draws}
        for _ in range(ROUNDS):
            for label, draw in draws.items():
                times[label].append(seconds(lambda draw=draw, size=size: draw(size)))
        base = times.pop("functrace")
        cells.append(f"{statistics.median(base) / size * 1e9:,.1f}")
        for found in times.values():
            ratio = statistics.median(t / b for t, b in zip(found, base, strict=True))
            cells.append(f"x{ratio:.2f}")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    random = ft.random
    candidates = {
        "functrace": keyed(random, random.key(0), lambda function, key: function),
        "numpy": numpys(),
        "jax": jaxs(),
    }
    present = [label for label, table in candidates.items() if table]
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}\n")
    print(f"| ns | {' | '.join(f'{label}, {size:,}' for size in SIZES for label in present)} |")
    print("|---" * (1 + len(SIZES) * len(present)) + "|")
    for name in candidates["functrace"]:
        print(row(name, candidates), flush=True)


if __name__ == "__main__":
    main()
