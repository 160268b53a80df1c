"""What `functrace.numpy.install` costs a call of NumPy's constructors outside of traces.

    python -m benchmarks.installed

Each figure is the least of many rounds, in which plain and installed calls take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

import numpy as np

import functrace as ft

X = np.zeros(3)
CALLS = 500
ROUNDS = 2000
CASES: dict[str, tuple[str, Callable[[Callable[..., object]], object]]] = {
    "zeros(3)": ("zeros", lambda f: f(3)),
    "zeros(3, dtype=int)": ("zeros", lambda f: f(3, dtype=int)),
    "array([1.0, 2.0])": ("array", lambda f: f([1.0, 2.0])),
    "asarray(X)": ("asarray", lambda f: f(X)),
    "arange(3)": ("arange", lambda f: f(3)),
    "full(3, 1.0)": ("full", lambda f: f(3, 1.0)),
}


def measure(plain: Callable[..., object], installed: Callable[..., object], use: Callable) -> float:
    """Nanoseconds that a call of the installed function takes more than one of the plain."""
    least = {plain: float("inf"), installed: float("inf")}
    for _ in range(ROUNDS):
        for function in least:
            start = perf_counter_ns()
            for _ in range(CALLS):
                use(function)
            least[function] = min(least[function], (perf_counter_ns() - start) / CALLS)
    return least[installed] - least[plain]


def main() -> None:
    plain = {name: getattr(np, name) for name, _ in CASES.values()}
    with ft.numpy.install():
        for label, (name, use) in CASES.items():
            print(f"{label:22} {measure(plain[name], getattr(np, name), use):6.1f} ns")


if __name__ == "__main__":
    main()
