"""What `memory` reports, beside what Python's own `tracemalloc` measures."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ArgumentError, LeafTypeError

RANDOM = np.random.default_rng(6)
A, B = RANDOM.normal(size=(300, 400)), RANDOM.normal(size=(400, 500))
V = RANDOM.normal(size=300)
NEAR = 1.15  # the most by which a measured peak and a planned one may differ, as a factor


def measured(fun: Callable[..., Any], *args: Any) -> int:
    """The peak of what a call allocates, with no workspace left from the call before."""
    run = ft.jit(fun)
    run(*args)
    ft.clear_cache()
    tracemalloc.start()
    try:
        result = run(*args)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    del result
    return peak


def loss(A: Any, B: Any) -> Any:
    return np.sum(np.maximum(np.tanh(A @ B) @ B.T, 0) ** 2)


def while_gradient(x: Any) -> Any:
    step = lambda v: (np.tanh(v[0] * 2), v[1] + 1)
    return ft.grad(lambda x: np.sum(ft.while_loop(lambda v: v[1] < 20, step, (x, 0))[0]))(x)


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "a chain": (lambda x: np.tanh(np.sin(x) * 2 + 1) ** 2, (A,)),
    "a sum": (lambda x: np.sum(np.exp(x)), (A,)),
    "a gradient": (ft.grad(loss, (0, 1)), (A, B)),
    "a reshape that copies": (lambda x: np.sum(np.cumsum(x.T.reshape(-1))), (A,)),
    "a reshape that does not": (lambda x: np.cumsum(x.reshape(-1)), (A,)),
    "an assignment": (lambda x: (x * 2).at[3].set(0.0).at[4].add(1.0), (A,)),
    "an einsum": (lambda x: np.einsum("ijk,jil->kl", x, x), (RANDOM.normal(size=(60, 60, 40)),)),
    "a batch": (ft.vmap(lambda x: np.sum(np.tanh(np.outer(x, x)))), (A[:60],)),
    "a batch in chunks": (
        ft.vmap(lambda x: np.sum(np.tanh(np.outer(x, x))), chunk_size=20), (A[:60],),
    ),
    "a choice": (lambda x: ft.cond(x[0, 0] > 9, lambda x: x, lambda x: (x @ x.T) @ x, x), (A,)),
    "a Hessian": (ft.hessian(lambda x: np.sum(np.tanh(A.T @ x) ** 2)), (V,)),
    "a sort": (lambda x: np.sort(x, axis=1)[:, ::-1] * 2, (A,)),
    "a convolution": (
        ft.grad(lambda w: np.sum(ft.nn.conv(np.ones((8, 4, 32, 32)), w) ** 2)),
        (RANDOM.normal(size=(8, 4, 3, 3)),),
    ),
    "a checkpoint": (ft.grad(ft.checkpoint(loss), (0, 1)), (A, B)),
    "a scan": (ft.grad(lambda c: np.sum(
        ft.scan(lambda c, _: (np.sin(c), c), c, length=500)[1] ** 2)), (V,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_planned_peak_is_near_the_measured_one(name: str) -> None:
    fun, args = CASES[name]
    planned, found = ft.memory(fun)(*args).peak, measured(fun, *args)
    assert planned / NEAR < found < planned * NEAR


def test_a_loop_of_unknown_length_is_counted_by_the_steps_that_are_given() -> None:
    report = ft.memory(while_gradient)(A)
    assert not report.bounded
    assert "unknown length" in str(report)
    planned = ft.memory(while_gradient, steps=20)(A).peak
    # The stack of residuals doubles when it is full: it has room for 32 steps. NumPy 2.5 tells of
    # the memory for these before it tells that that for 16 is no more.
    twice = 16 * A.nbytes if np.lib.NumpyVersion(np.__version__) >= "2.5.0" else 0
    assert planned < measured(while_gradient, A) - twice < 2 * planned


# Growth with the number of steps

CARRY = RANDOM.normal(size=200)


def gradient_of_scan(length: int, **options: Any) -> Callable[..., Any]:
    def run(c: Any) -> Any:
        last, _ = ft.scan(lambda c, _: (np.tanh(c) + np.sin(c), None), c, length=length, **options)
        return np.sum(last)

    return ft.grad(run)


def in_blocks(length: int) -> Callable[..., Any]:
    return gradient_of_scan(length, checkpoint_every=math.isqrt(length))


def test_the_planned_memory_of_a_scan_is_linear_and_that_of_blocks_like_the_square_root() -> None:
    lengths = [625, 2500, 10_000]
    plain, blocks = (
        [ft.memory(make(n))(CARRY).temporaries for n in lengths]
        for make in (gradient_of_scan, in_blocks)
    )
    assert plain[0] >= 625 * CARRY.nbytes
    for i in range(2):
        assert plain[i + 1] / plain[i] == pytest.approx(4, rel=0.1)
        assert blocks[i + 1] / blocks[i] == pytest.approx(2, rel=0.15)
    # n/k + k carries, and of k steps what else the derivative needs
    assert blocks[2] < 5 * 100 * CARRY.nbytes


def test_the_measured_memory_of_a_scan_is_linear_and_that_of_blocks_like_the_square_root() -> None:
    lengths = [2500, 10_000]
    plain, blocks = (
        [measured(make(n), CARRY) for n in lengths] for make in (gradient_of_scan, in_blocks)
    )
    assert plain[1] / plain[0] == pytest.approx(4, rel=0.2)
    assert blocks[1] / blocks[0] == pytest.approx(2, rel=0.3)
    assert plain[1] > 40 * blocks[1]


# The report


def test_a_report_tells_inputs_constants_and_outputs_apart() -> None:
    report = ft.memory(lambda x, n: (x @ B, x * n))(A, 2)
    assert report.inputs == A.nbytes + 8
    assert report.constants == B.nbytes
    assert report.outputs == 300 * 500 * 8 + A.nbytes
    assert report.temporaries == 0
    assert report.peak == report.outputs
    assert report.bounded


def test_repeated_constants_count_once() -> None:
    report = ft.memory(lambda x: np.sin(x) * np.full_like(x, 1.5))(A)
    assert report.constants <= 8
    assert ft.memory(lambda x: x + x)(A).constants == 0


def test_what_is_computed_on_the_way_is_temporary() -> None:
    report = ft.memory(lambda x: np.sum(np.exp(x)))(A)
    assert report.temporaries == report.workspace == report.peak == A.nbytes
    report = ft.memory(lambda x: np.sum(np.cumsum(x, axis=0)))(A)
    assert (report.temporaries, report.workspace) == (A.nbytes, 0)


def test_types_stand_for_arrays_that_do_not_exist() -> None:
    huge = ft.ArrayType((10**6, 10**6), np.float32)
    assert ft.memory(lambda x: np.sum(np.exp(x)))(huge).temporaries == 4 * 10**12


def test_functions_whose_python_code_looks_at_values_have_a_report() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.exp(x)) if x[0, 0] < 100 else x

    assert ft.memory(f)(A).temporaries == A.nbytes
    assert ft.memory(ft.grad(f))(A).outputs == A.nbytes


def test_arguments_that_are_no_arrays_are_handed_on() -> None:
    f = lambda x, how, options: how(x) * options["n"]
    assert ft.memory(f, static_argnums=2)(A, np.sin, {"n": 2}).outputs == A.nbytes
    with pytest.raises(LeafTypeError):
        ft.memory(ft.jit(f))(A, np.sin, {"n": 2})


def test_a_report_prints_as_a_table() -> None:
    def double(x: Any) -> Any:
        return np.sin(x) * 2

    lines = str(ft.memory(double)(np.ones(200_000))).splitlines()
    assert lines[0] == "memory of double, in bytes"
    assert lines[1].split() == ["inputs", "1,600,000", "1.6", "MB"]
    assert lines[3].split() == ["outputs", "1,600,000", "1.6", "MB"]
    assert lines[6].split() == ["peak", "of", "a", "call", "3,200,000", "3.2", "MB"]


@pytest.mark.parametrize("steps", [0, -1, 2.0])
def test_steps_are_counted_in_integers(steps: Any) -> None:
    with pytest.raises(ArgumentError, match="steps"):
        ft.memory(np.sin, steps=steps)
