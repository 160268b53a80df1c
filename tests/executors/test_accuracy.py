"""No reduction of a jitted function is much less accurate than NumPy's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft

N = int(os.environ.get("FUNCTRACE_ACCURACY_LENGTH", "60000"))  # a multiple of 2,000
# Units in the last place that NumPy's errors are taken for at least. In double precision, which has
# digits to spare, BLAS adds up longer runs, in two threads.
FLOOR = {"e": 1, "f": 1, "F": 1, "d": 64}
KINDS = ("constant", "random", "alternating")


def vector(kind: str, dtype: Any, n: int = N, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = {
        "constant": np.full(n, 0.1),
        "random": rng.uniform(0.5, 1.5, n),
        "alternating": np.resize([0.1, -0.1], n) + rng.uniform(0, 0.01, n),
    }[kind]
    return (x * (1 + 0.5j) if np.dtype(dtype).kind == "c" else x).astype(dtype)


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda x, y: np.sum(x + y),
    "a product": lambda x, y: np.sum(x * y),
    "the mean of squares": lambda x, y: np.mean(x**2),
    "variance": lambda x, y: np.var(x * y),
    "a norm": lambda x, y: np.sqrt(np.sum(abs(x) ** 2)),
    "rows": lambda x, y: np.sum((x * y).reshape(4, -1), axis=1),
    "short rows": lambda x, y: np.sum((x + y).reshape(-1, 200), axis=1),
    "rows times a vector": lambda x, y: np.sum(x.reshape(4, -1) * y[: x.size // 4], axis=1),
    "columns": lambda x, y: np.sum((x + y).reshape(-1, 4), axis=0),
    "columns that NumPy has as rows": lambda x, y: np.sum((x + y).reshape(4, -1).T * 2, axis=0),
    "columns of a product": lambda x, y: np.sum((x * y).reshape(-1, 4), axis=0),
    "columns times a vector": lambda x, y: np.sum(
        x.reshape(-1, 4) * y[: x.size // 4, None], axis=0),
    "middle axes": lambda x, y: np.sum((x + y).reshape(2, -1, 2), axis=1),
    "outer axes": lambda x, y: np.sum((x + y).reshape(500, -1, 4), axis=(0, 2)),
    "two axes": lambda x, y: np.mean((x * y).reshape(-1, 10, 2), axis=(0, 1)),
    "products of rows": lambda x, y: np.sum(
        x.reshape(2, 1, -1) * y.reshape(1, 2, -1), axis=2),
    "a multiple": lambda x, y: np.sum(x * 0.3),
    "a traced multiple": lambda x, y: np.sum(x * y[0]),
    "repeated": lambda x, y: np.sum(np.broadcast_to(x[:1000], (500, 1000))),
    "a slope": lambda x, y: ft.grad(
        lambda s: np.sum(abs(x * s + y)), allow_int=True)(np.ones((), x.real.dtype)),
    "slopes of a bias": lambda x, y: ft.grad(
        lambda b: np.sum(abs(x.reshape(-1, 4) * b)))(np.ones(4, x.real.dtype)),
}  # fmt: skip


def errors(function: Callable[..., Any], operands: list[np.ndarray]) -> tuple[float, float, float]:
    """The errors of the jitted and the plain function, in units of what is added, and the unit."""
    wide = [x.astype(np.clongdouble if x.dtype.kind == "c" else np.longdouble) for x in operands]
    real = np.finfo(operands[0].dtype)
    with np.errstate(all="ignore"):
        plain = function(*operands)
        found = ft.jit(function)(*operands)
    assert found.dtype == plain.dtype
    exact = function(*wide)
    size = max(np.max(np.abs(function(*[np.abs(x) for x in wide]))), np.abs(wide[0][0]) ** 2)
    return (
        float(np.max(np.abs(found - exact)) / size),
        float(np.max(np.abs(plain - exact)) / size),
        float(real.eps),
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64, np.float64])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_are_as_accurate_as_numpys(name: str, dtype: Any) -> None:
    n = N if dtype != np.float16 else 20_000  # whose sums soon leave the range
    for kind in KINDS:
        operands = [vector(kind, dtype, n, seed) for seed in (1, 2)]
        error, numpys, unit = errors(REDUCTIONS[name], operands)
        least = FLOOR[np.dtype(dtype).char] * unit
        assert error <= 4 * max(numpys, least), f"{kind}: {error / unit:.1f}, {numpys / unit:.1f}"
