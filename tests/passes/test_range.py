"""Passes leave NaN, infinities and overflow where they are: random programs near the ends of range.

A program is drawn as a list of NumPy's operations on arrays whose elements are ordinary numbers,
numbers near both ends of the range of their dtype, zeros, infinities and NaN. It is traced, and the
Program runs as it was traced, and as the passes leave it. Products of the elements either overflow
by far or leave room for sums, so that the order of a sum makes no difference.

FUNCTRACE_RANGE_PROGRAMS=5000 draws more programs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.executors import reference
from functrace.executors.plan import make_plan
from functrace.executors.planned import interpreter
from functrace.passes.pipeline import optimize

PROGRAMS = int(os.environ.get("FUNCTRACE_RANGE_PROGRAMS", "100"))
EXPONENTS = {np.float64: (3, 100, 160, 250), np.float32: (1, 12, 20, 30)}
SHAPES = ((2, 2), (3, 2), (2, 3), (40, 40), (3, 50), (50, 3))

Generator = np.random.Generator


def elements(rng: Generator, shape: tuple[int, ...], dtype: Any, signs: bool) -> np.ndarray:
    """Numbers of all sizes; special ones are seldom, or all others would drown."""
    exponents = np.array([0, 0, 0, *EXPONENTS[dtype], *(-e for e in EXPONENTS[dtype])])
    if rng.random() < 0.4:
        exponents = exponents[[0, rng.integers(3, exponents.size)]]  # of two sizes
    x = rng.uniform(1, 2, shape) * 10.0 ** rng.choice(exponents, shape)
    if signs:
        x *= rng.choice([-1, 1], shape)
    special = rng.choice([0.0, np.inf, np.nan], shape, p=[0.8, 0.15, 0.05])
    rare = rng.choice([0, 0, 1 / (2 * x.size + 1), 0.2])
    return np.where(rng.random(shape) < rare, special, x).astype(dtype)


def number(rng: Generator, dtype: Any, signs: bool) -> float:
    small, *large = EXPONENTS[dtype]
    size = float(rng.choice([0.25, 0.3, 0.5, 1, 2, 3, 10.0**small, 10.0**-small,
                             10.0 ** large[0], 10.0 ** -large[0]]))  # fmt: skip
    return -size if signs and rng.random() < 0.3 else size


Step = Callable[[Any, Any], Any]


def step(rng: Generator, dtype: Any, signs: bool) -> Step:
    """An operation on the value so far, of any shape, and another array or number."""
    c = number(rng, dtype, signs)
    axis = int(rng.integers(-2, 2))
    choices: list[Step] = [
        lambda x, y: x * c,
        lambda x, y: c * x,
        lambda x, y: x / c,
        lambda x, y: x * y,
        lambda x, y: y * x,
        lambda x, y: x / y if signs else x * y,
        lambda x, y: np.square(x),
        lambda x, y: x * y[..., :1],
        lambda x, y: x * y[0, 0],
        lambda x, y: np.sum(x * y[0, 0], axis=axis, keepdims=True) * y,
        lambda x, y: np.sum(x * y, axis=axis, keepdims=True) * y,
        lambda x, y: np.sum(x, axis=axis, keepdims=True) * y,
        lambda x, y: np.mean(x * c, axis=axis, keepdims=True) + 0 * y,
        lambda x, y: np.sum(x[:, :, None] * y[:, None, :], axis=(0, 1)) * y,
        lambda x, y: np.sum(x[:, None, :] * y[None, :, :], axis=2)[:1, :1] * y,
        lambda x, y: (x @ y.T) @ y,
        lambda x, y: x @ (y.T @ y),
        lambda x, y: (x * c) @ (y.T / 3) @ y,
        lambda x, y: np.sum(np.outer(x[0], y[:, 0]) ** 2) * y,
        lambda x, y: np.sum(np.outer(x[:, 0] * c, y[0]), axis=0) * y,
        lambda x, y: np.einsum("ij,kj->k", x, y)[:, None] * y,
        lambda x, y: np.einsum("ij,kl->jl", x, y)[:1, :1] * y,
        lambda x, y: np.einsum(",ij->ij", c, x),
        lambda x, y: np.broadcast_to(np.sum(np.broadcast_to(x[:1], x.shape), axis=0), x.shape),
        lambda x, y: x.T.reshape(x.shape) * c,
        lambda x, y: np.where(y > 1, x, y),
        lambda x, y: np.maximum(x, y),
        lambda x, y: x + y,
    ]
    if signs:
        choices += [
            lambda x, y: -x,
            lambda x, y: x * c - y * c,
            lambda x, y: x * c + y * c,
            lambda x, y: x - y,
            lambda x, y: np.sum(-x * y, axis=axis, keepdims=True) * -y,
            lambda x, y: -(x @ -y.T) @ y,
            lambda x, y: x**3,
            lambda x, y: x**-2.0,
            lambda x, y: np.exp(-(x**2)) * y,
        ]
    return choices[rng.integers(len(choices))]


def draw(seed: int, dtype: Any) -> tuple[Callable[..., Any], list[np.ndarray], bool]:
    rng = np.random.default_rng([seed, np.dtype(dtype).itemsize])
    signs = bool(rng.random() < 0.5)
    shape = SHAPES[rng.integers(len(SHAPES))]
    operands = [elements(rng, shape, dtype, signs) for _ in range(3)]
    steps = [(step(rng, dtype, signs), int(rng.integers(3))) for _ in range(rng.integers(1, 5))]
    last = rng.integers(3)

    def function(*xs: Any) -> Any:
        value = xs[0]
        for apply, i in steps:
            value = apply(value, xs[i])
        return (value, np.sum(value), np.mean(value, axis=0))[last]

    return function, operands, signs


def flags(run: Callable[[], Any]) -> tuple[Any, set[str]]:
    """A result, and what NumPy would have warned of."""
    seen: set[str] = set()
    with np.errstate(all="call", under="ignore", call=lambda kind, _: seen.add(kind)):
        return run(), seen


def places(x: Any) -> tuple[bytes, ...]:
    """Where NaN and the infinities of either sign are."""
    return tuple([where(x).tobytes() for where in (np.isnan, np.isposinf, np.isneginf)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_infinities_and_overflow_are_where_they_were(dtype: Any) -> None:
    for seed in range(PROGRAMS):
        function, operands, signs = draw(seed, dtype)
        program = ft.trace(function)(*operands)
        run = interpreter(make_plan(optimize(program)))
        (plain,), _ = flags(lambda p=program, xs=operands: reference.run(p, xs))
        numpys, warned = flags(lambda f=function, xs=operands: f(*xs))
        (found,), more = flags(lambda run=run, xs=operands: run(xs))
        told = f"seed {seed}\n{program}\n{optimize(program)}"
        if places(found) != places(numpys):  # whose matmul is another than its einsum
            assert places(found) == places(plain), told
        if np.isfinite(operands).all() and "einsum" not in str(program):  # which warns of nothing
            assert more <= warned or (warned and more <= {*warned, "invalid value"}), told
        if not signs:  # and nothing cancels
            least = np.finfo(dtype).smallest_normal * 1e6
            finite = np.where(np.isfinite(plain), plain, 0)
            atol = max(least, np.max(finite) * np.finfo(dtype).eps ** 5)
            np.testing.assert_allclose(
                np.where(np.isfinite(found), found, 0), finite, 1e-3, atol, err_msg=told
            )


HUGE, LARGE = np.full(2, 1e308), np.full(1000, 1e38, np.float32)
ZERO_ONE = np.array([0.0, 1.0] * 4000)
SQUARE = np.diag(np.full(60, 1e200))

CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "an infinite factor of a sum": (lambda v, x: np.sum(v * x), (np.inf, ZERO_ONE[:2])),
    "of a long one": (lambda v, x: np.sum(v * x), (np.inf, ZERO_ONE)),
    "of a mean": (lambda v, x: np.mean(x * v), (np.inf, ZERO_ONE)),
    "of a sum of an outer product": (
        lambda v, x: np.sum(np.outer(v, x), axis=1), (np.array([np.inf, 1.0]), ZERO_ONE)),
    "of a sum of all of it": (
        lambda v, x: np.sum(np.outer(v, x)), (np.array([np.inf] * 200), ZERO_ONE)),
    "of an einsum": (lambda v, x: np.einsum("i,jk->", v, x),
                     (np.array([np.inf] * 90), ZERO_ONE.reshape(80, 100))),
    "a number before a sum": (lambda x: np.sum(x * 0.25), (HUGE,)),
    "a divisor before a sum": (lambda x: np.sum(x / np.float32(1000)), (LARGE,)),
    "a divisor of a power of two": (
        lambda x: np.sum(x / 1024, axis=0), (np.full((1000, 2), 1e308),)),
    "a number before a product": (lambda x, y: (0.25 * x) @ y, (HUGE, np.ones(2))),
    "a divisor before a product of matrices": (
        lambda A, v, s: (2 * A) @ (v / s), (np.full((2, 2), 1e308), np.ones(2), 4.0)),
    "a number after a sum": (lambda x: np.sum(x) * 0.25, (HUGE,)),
    "numbers that would meet": (lambda x: x * 1e200 * 1e200 * 1e-300, (np.array([1e-10, 1.0]),)),
    "numbers that would cancel": (lambda x: (x * 4) * 0.25, (HUGE,)),
    "a number of two terms": (lambda x, y: x * 2 - y * 2, (HUGE, HUGE)),
    "three factors": (lambda x, y, z: np.sum(x * y * z), (HUGE, HUGE, np.full(2, 1e-308))),
    "squares of an outer product": (
        lambda x, y: np.sum(np.outer(x, y) ** 2), (np.full(90, 1e-170), np.full(90, 1e100))),
    "a chain with an intermediate that overflows": (
        lambda A, v: (A @ A) @ v, (SQUARE, np.full(60, 1e-200))),
    "a chain with infinities": (
        lambda A, v: (A @ A) @ v, (np.diag(np.full(60, np.inf)), np.zeros(60))),
    "a chain that underflows": (lambda A, v: (A @ A.T) @ v, (SQUARE / 1e100, np.full(60, 1e-310))),
    "a scaled system": (
        lambda A, b: np.linalg.solve(A, b) + np.linalg.solve(A, 0.25 * b),
        (np.eye(3) / 2, np.array([1e308, 1e307, 1.0]))),
    "a negative infinite sum": (lambda x: -np.sum(-x * -x), (HUGE,)),
    "a matrix of one column times a zero": (
        lambda A, v: A @ v, (np.array([[np.nan], [1.0], [np.inf]]), np.zeros(1))),
    "a zero times a matrix of one row": (
        lambda A, v: v @ A, (np.array([[np.nan, 1.0, -np.inf]]), np.zeros((1, 1)))),
    "an einsum with an index of length 1": (
        lambda A, B: np.einsum("ij,jk->ki", A, B),
        (np.array([[np.nan], [1.0]], np.float32), np.zeros((1, 1), np.float32))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_results_that_leave_the_range_are_numpys(name: str) -> None:
    function, operands = CASES[name]
    plain, warned = flags(lambda: function(*operands))
    for found, more in (flags(lambda: ft.jit(function)(*operands)),
                        flags(lambda: ft.jit(ft.vmap(function, axis_size=2))(
                            *[np.stack([x, x]) for x in operands]))):  # fmt: skip
        np.testing.assert_allclose(found, np.broadcast_to(plain, np.shape(found)), 1e-6)
        assert more - {"invalid value"} <= warned
