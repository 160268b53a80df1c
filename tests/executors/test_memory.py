"""Where plans put their results: reuse of memory never shows."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.executors.plan import Plan, make_plan
from functrace.executors.planned import compiled, interpreter
from functrace.executors.workspace import POOL
from functrace.ir import Program
from functrace.ops.elementwise import STOP_GRADIENT
from functrace.passes.pipeline import optimize

from ..helpers import TRACEABLE, assert_close

X = np.random.default_rng(0).normal(size=(40, 50))


def plan_of(function: Any, *operands: Any) -> Plan:
    return make_plan(optimize(ft.trace(function)(*operands)))


def chain(x: Any) -> Any:
    for _ in range(10):
        x = np.tanh(x) * x + 1
    return x


def test_a_chain_of_elementwise_steps_needs_few_buffers() -> None:
    layout = plan_of(chain, X).layout
    assert len(layout.buffers) <= 2
    assert sum(target is not None for target in layout.targets) >= 28


def test_outputs_are_never_in_the_workspace() -> None:
    def f(x: Any) -> Any:
        y = np.exp(x)
        return y, y.T[1:], y + 1, np.sum(y * 2, axis=0)

    run = ft.jit(f)
    first = run(X)
    saved = [part.copy() for part in first]
    for scale in (2.0, 3.0):
        run(X * scale)
    for part, copy in zip(first, saved, strict=True):
        np.testing.assert_array_equal(part, copy)
        assert part.flags.writeable
    assert not np.may_share_memory(first[0], first[1])


@pytest.mark.parametrize("make", [interpreter, compiled])
def test_both_ways_of_running_write_into_the_workspace(make: Any) -> None:
    def f(x: Any, y: Any) -> Any:
        z = np.exp(x @ y.T) * 0.1
        return (z.astype(np.float32) + 1) @ z.T.astype(np.float32), z.sum()

    run = make(plan_of(f, X / 50, X / 50))
    for _ in range(3):
        assert_close(run([X / 50, X / 50]), list(f(X / 50, X / 50)), 1e-5)


def test_views_keep_what_they_look_at() -> None:
    def f(x: Any) -> Any:
        y = np.exp(x)
        rows = y[::2]
        for _ in range(3):
            y = y * 0.5 + x
        return rows.sum(axis=0) + y.sum(axis=0)

    assert_close(ft.jit(f)(X), f(X), 1e-12)


def test_an_operand_that_is_used_twice_may_be_written_over() -> None:
    f = ft.jit(lambda x: np.sin((y := x * 2) + y[::-1]) * y.sum())
    assert_close(f(X), np.sin(X * 2 + X[::-1] * 2) * np.sum(X * 2), 1e-12)


def test_a_function_within_itself_has_a_workspace_of_its_own() -> None:
    inner = ft.jit(chain)

    outer = ft.jit(lambda x: inner(x) + x)
    results: list[Any] = []

    def work(scale: float) -> None:
        results.extend([(scale, inner(X * scale)) for _ in range(20)])

    threads = [threading.Thread(target=work, args=(s,)) for s in (0.5, 1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for scale, value in results:
        assert_close(value, chain(X * scale), 1e-12)
    assert_close(outer(X), chain(X) + X, 1e-12)


def test_an_error_in_the_middle_leaves_later_calls_right() -> None:
    @ft.jit
    def f(x: Any) -> Any:
        return np.linalg.inv(np.exp(x) - 1) + x

    good = np.eye(3) + 1
    with pytest.raises(np.linalg.LinAlgError):
        f(np.zeros((3, 3)))
    assert_close(f(good), np.linalg.inv(np.exp(good) - 1) + good, 1e-12)


def test_large_workspaces_are_shared_by_all_functions_and_forgotten_on_request() -> None:
    ft.clear_cache()
    large = np.ones(1 << 15)
    for function in (chain, lambda x: chain(x) * 2, lambda x: chain(x) - 1):
        ft.jit(function)(large)
    size = POOL.size()
    assert 0 < size <= 4 * large.nbytes
    ft.clear_cache()
    assert POOL.size() == 0


def test_a_filled_array_is_filled_in_place() -> None:
    def fill(x: Any) -> Any:
        y = ft.numpy.zeros((8, 50))
        for i in range(8):
            y[i] = x[i] * i
        y[[0, 0]] += 1.0
        np.add.at(y, ([1, 1], [0, 0]), 1.0)
        return y

    layout = plan_of(fill, X).layout
    assert len(layout.changes) >= 9  # all but the first, which copies the constant
    assert_close(ft.jit(fill)(X), fill(X), 1e-12)


def test_what_is_needed_as_it_was_is_not_changed() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        part = y.at[1].set(0.0)
        top = y[:2]
        other = y.at[0].set(top[1])
        return part, other, y

    y = X * 2
    part, other = y.copy(), y.copy()
    part[1], other[0] = 0.0, y[1]
    assert_close(ft.jit(f)(X), (part, other, y), 1e-12)
    given = X.copy()
    ft.jit(lambda x: x.at[0].set(1.0))(given)
    np.testing.assert_array_equal(given, X)


def test_what_a_choice_gives_on_is_not_changed() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        z = ft.cond(np.sum(x) > 0, lambda y: y, lambda y: -y, y)
        y[0] = 55.0
        return z * 2, y * 3

    run, x = ft.jit(f), np.ones((2, 3))
    for _ in range(10):  # interpreted, then compiled
        assert_close(run(x), f(x), 1e-12)


def _arrays(values: Any) -> list[Any]:
    return [v for v in values if isinstance(v, np.ndarray) and v.ndim]


@pytest.mark.parametrize("c", TRACEABLE, ids=lambda c: c.name)
def test_only_views_share_memory_with_their_operands(c: Any) -> None:
    program: Program = ft.trace(c.fun)(*c.operands)
    values: dict[Any, Any] = dict(zip(program.inputs, map(np.asarray, c.operands), strict=True))
    for equation in program.equations:
        operands = [values.get(a, getattr(a, "value", None)) for a in equation.inputs]
        results = equation.primitive.evaluate(operands, equation.params)
        values.update(zip(equation.outputs, results, strict=True))
        # Plans give the operand of stop_gradient for its result, and know that they do.
        known = equation.primitive.aliases or equation.primitive is STOP_GRADIENT
        if equation.primitive.view is None and not known:
            for result in _arrays(results):
                assert not any(np.may_share_memory(result, x) for x in _arrays(operands))
