"""Loops before they run: fewer operands, and what is the same at every step computed once."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.ir import Equation, Program
from functrace.passes.loop_invariants import loop_invariants
from functrace.passes.pipeline import optimize

from ..helpers import assert_close

W = np.linspace(-0.3, 0.4, 16).reshape(4, 4)
X = np.sin(np.arange(12.0)).reshape(3, 4)
H = np.zeros(4)


def loop_of(program: Program) -> Equation:
    """The only loop of a Program."""
    (equation,) = [e for e in program.equations if e.primitive.name in ("scan", "while")]
    return equation


def inside(program: Program, name: str = "body") -> Counter[str]:
    """How often each primitive stands in the body, or the condition, of the only loop."""
    inner = loop_of(program).params[name]
    return Counter(e.primitive.name for e in inner.equations)


def optimized(function: Callable[..., Any], *operands: Any) -> Program:
    """The Program of a function that is ready to run; its values are the plain ones."""
    program = ft.trace(function)(*operands)
    ready = optimize(program)
    ready.check()
    expected, found = (ft.evaluate(p, *operands) for p in (program, ready))
    for plain, fast in zip(ft.tree.leaves(expected), ft.tree.leaves(found), strict=True):
        assert_close(fast, plain, 1e-13)
    return ready


def recurrent(w: Any, h: Any, xs: Any) -> Any:
    return ft.scan(lambda h, x: (np.tanh(np.exp(w) @ h + x), h), h, xs)


def test_what_depends_on_consts_alone_is_computed_before_the_loop() -> None:
    ready = optimized(recurrent, W, H, X)
    assert inside(ready) == {"einsum": 1, "add": 1, "tanh": 1}
    assert loop_of(ready).params["consts"] == 1  # what it is computed from is not handed in


def test_products_of_consts_are_computed_before_products_are_ordered() -> None:
    ready = optimized(
        lambda w, v, h: ft.fori_loop(0, 5, lambda i, h: w @ v @ h, h), W, W + 1, H + 1.0
    )
    assert inside(ready)["einsum"] == 1


def test_inner_loops_leave_what_no_loop_changes_to_the_outermost() -> None:
    def nested(w: Any, h: Any) -> Any:
        step = lambda i, h: ft.fori_loop(0, 2, lambda j, h: np.tanh(np.sin(w) * h), h)
        return ft.fori_loop(0, 3, step, h)

    ready = optimized(nested, H + 0.5, H + 1)
    assert Counter(e.primitive.name for e in ready.equations)["sin"] == 1


def test_a_gradient_computes_what_both_of_its_loops_need_once() -> None:
    loss = lambda w: np.sum(recurrent(w, H, X)[1] ** 2)
    ready = optimize(ft.trace(ft.grad(loss))(W))
    assert Counter(e.primitive.name for e in ready.equations)["exp"] == 1
    assert_close(ft.jit(ft.grad(loss))(W), ft.grad(loss)(W), 1e-13)
    ft.testing.check_grads(loss, (W,), order=2)


@pytest.mark.parametrize("reverse", [False, True])
def test_steps_in_either_direction_have_what_was_computed_ahead(reverse: bool) -> None:
    scan = lambda w, xs: ft.scan(lambda c, x: (c * np.cos(w) + x, c), w, xs, reverse=reverse)
    assert inside(optimized(scan, W[0], X)) == {"multiply": 1, "add": 1}


def counting(x: Any, n: Any) -> Any:
    go = lambda v: v[1] < np.log(n) * 4
    return ft.while_loop(go, lambda v: (v[0] * np.sin(x) + np.log(x), v[1] + 1), (x, 0))


def test_a_loop_that_may_not_run_computes_nothing_ahead_that_may_be_undefined() -> None:
    ready = optimized(counting, 0.7, 3.0)
    assert inside(ready) == {"multiply": 1, "log": 1, "add": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ft.jit(counting)(0.0, 0.5)[1] == 0


def test_a_condition_is_asked_once_in_any_case() -> None:
    assert inside(optimized(counting, 0.7, 3.0), "cond") == {"astype": 1, "less": 1}


def test_a_scan_of_no_steps_computes_nothing_ahead_that_may_be_undefined() -> None:
    scan = lambda x, xs: ft.scan(lambda c, a: (c * np.log(x) + a, None), x, xs)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ft.jit(scan)(0.0, np.zeros(0)) == 0.0


def test_what_raises_stays_in_the_loop() -> None:
    matrix = np.eye(3)
    solve = lambda m, h: ft.fori_loop(0, 2, lambda i, h: np.linalg.solve(m, h), h)
    power = lambda n, k: ft.fori_loop(0, 2, lambda i, k: k + n**n, k)
    assert "solve" in inside(optimized(solve, matrix, np.ones(3)))
    assert "power" in inside(optimized(power, np.array([2, 1]), np.array([1, 1])))


def test_random_draws_and_effects_stay_in_the_loop(capfd: pytest.CaptureFixture[str]) -> None:
    key = ft.random.key(1)

    def step(i: Any, x: Any) -> Any:
        ft.debug.print("{}", key[0])
        return x + ft.random.uniform(key)

    f = lambda x: ft.fori_loop(0, 3, step, x)
    assert_close(ft.jit(f)(0.0), f(0.0), 1e-15)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 6
    ready = optimize(ft.trace(f)(0.0))
    assert not [e for e in ready.equations if e.primitive.name != "while" and not e.outputs]


def test_broadcasts_and_large_results_stay_in_the_loop() -> None:
    n = 400
    wide = lambda a, h: ft.fori_loop(
        0, 2, lambda i, h: h + np.sum(np.multiply.outer(a, a) * h, axis=1), h
    )
    ready = optimize(ft.trace(wide)(np.ones(n), np.ones(n)))
    sizes = [var.type.size for e in ready.equations for var in e.outputs]
    assert max(sizes) == n
    joined = lambda w, h: np.concatenate([np.broadcast_to(w, (2, 4)), h])[1:3]
    repeated = optimized(lambda w, h: ft.fori_loop(0, 2, lambda i, h: joined(w, h), h), W[0], X[:2])
    assert inside(repeated)["broadcast_to"] == 1
    assert all(e.primitive.name != "broadcast_to" for e in repeated.equations)


def test_the_same_operand_given_twice_is_one() -> None:
    scan = lambda x, xs: ft.scan(
        lambda c, a: ((c[0] + a[0] * a[1], c[1] + a[0] * a[1]), a[0]), (x, x), (xs, xs)
    )
    loop = loop_of(optimized(scan, 1.0, X[0]))
    assert (loop.params["carry"], len(loop.inputs)) == (2, 3)  # carries that may differ are two
    twins = lambda x: ft.fori_loop(0, 3, lambda i, c: (np.sin(c[0]),) * 2, (x, x))
    loop = loop_of(optimized(twins, 0.5))
    assert loop.params["carry"] == 1


def test_a_carry_that_is_handed_on_is_none() -> None:
    f = lambda x, y: ft.fori_loop(0, 3, lambda i, c: (c[0] * c[1], c[1] * 1), (x, y))
    ready = optimized(f, 1.5, 0.5)
    assert ready.outputs[1] is ready.inputs[1]
    assert loop_of(ready).params["carry"] == 1
    given = np.ones(3)
    result = ft.jit(f)(np.ones(3), given)[1]
    assert result is not given
    assert not np.shares_memory(result, given)


def test_numbers_are_put_into_the_body() -> None:
    scan = lambda x, xs: ft.scan(lambda c, a: ((c[0] * c[1] + a, c[1]), c[1]), (x, 2.0), xs)
    loop = loop_of(optimized(scan, 1.5, X[0]))
    assert loop.params["consts"] == 0
    assert len(loop.inputs) == 2


def test_carries_that_change_places_stay() -> None:
    swap = lambda x, y: ft.fori_loop(0, 3, lambda i, c: (c[1], c[0]), (x, y))
    assert [float(v) for v in ft.jit(swap)(1.0, 2.0)] == [2.0, 1.0]
    assert loop_of(optimized(swap, 1.0, 2.0)).params["carry"] >= 2


def test_two_loops_of_one_body_keep_apart() -> None:
    step = lambda c, x: (c * np.exp(x[0]) + W[0] * 2, None)
    program = ft.trace(lambda a, b: (ft.scan(step, a, X)[0], ft.scan(step, b, X)[0]))(H, H + 1)
    first, second = (e for e in program.equations if e.primitive.name == "scan")
    shared = Equation(second.primitive, second.inputs, first.params, second.outputs)
    twice = Program(
        program.inputs,
        [shared if e is second else e for e in program.equations],
        program.outputs,
    )
    moved = loop_invariants(twice)
    moved.check()
    for plain, fast in zip(ft.evaluate(twice, H, H + 1), ft.evaluate(moved, H, H + 1), strict=True):
        assert_close(fast, plain, 1e-15)


def test_the_pass_is_done_when_it_has_been_done() -> None:
    ready = loop_invariants(ft.trace(recurrent)(W, H, X))
    assert loop_invariants(ready) is ready


def test_a_sign_that_a_product_hands_on_meets_the_sign_after_it() -> None:
    f = lambda a, b: -np.sum(-a * b, axis=1)
    ready = optimize(ft.trace(f)(W, W.T))
    assert [e.primitive.name for e in ready.equations] == ["einsum"]
    assert_close(ft.evaluate(ready, W, W.T), f(W, W.T), 1e-15)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8])
def test_rows_that_are_taken_and_joined_in_the_workspace_are_the_right_ones(
    dtype: Any, order: Any
) -> None:
    table = np.asarray(np.sin(np.arange(100.0 * 300)).reshape(100, 300), order=order)
    take = ft.jit(lambda x, i: np.concatenate([x[i], x[i] + 1], axis=1) * 2)
    least = 0 if dtype is np.uint8 else -100
    for low in (least, 0):
        index = np.linspace(low, 99, 400).astype(dtype)
        expected = np.concatenate([table[index], table[index] + 1], axis=1) * 2
        np.testing.assert_array_equal(take(table, index), expected)
    for wrong in (100, -101):
        if np.iinfo(dtype).min <= wrong:
            index[7] = wrong
            with pytest.raises(IndexError, match="out of bounds"):
                take(table, index)


def lstm_like(c: Any, x: Any) -> Any:
    h, total = c
    wide = x.astype(np.float64) * 2.0
    h = np.tanh(h)
    mixed = h + wide  # the line
    h = np.sin(mixed) * 2
    return (h, total + 1), None


def grows(i: Any, h: Any) -> Any:
    pair = np.stack([h, h])  # the line
    return np.tanh(pair)


@pytest.mark.parametrize(
    ("function", "call"),
    [
        (lstm_like, lambda: ft.scan(lstm_like, (np.zeros(4, "f4"), 0), X.astype("f4"))),
        (grows, lambda: ft.fori_loop(0, 3, grows, H)),
    ],
)
def test_an_error_names_the_line_where_a_carry_gets_another_type(
    function: Callable[..., Any], call: Callable[[], Any]
) -> None:
    lines, first = inspect.getsourcelines(function)
    (place,) = [first + i for i, line in enumerate(lines) if "# the line" in line]
    with pytest.raises(ft.errors.CarryError) as raised:
        call()
    assert raised.value.source is not None
    assert raised.value.source.line == place
    assert "# the line" in str(raised.value)


def test_reverse_mode_of_a_while_loop_computes_ahead() -> None:
    def settle(x: Any) -> Any:
        go = lambda v: np.sum(v**2) > 0.1
        return np.sum(ft.while_loop(go, lambda v: v * np.tanh(x) * 0.9, x + 1.0))

    assert_close(ft.jit(ft.grad(settle))(X[0]), ft.grad(settle)(X[0]), 1e-13)
    batched = ft.jit(ft.vmap(ft.grad(settle)))(X)
    assert_close(batched, np.stack([ft.grad(settle)(x) for x in X]), 1e-13)


def test_checkpoints_in_loops_keep_their_values() -> None:
    def f(w: Any) -> Any:
        step = ft.checkpoint(lambda h, x: (np.tanh(np.exp(w) @ h + x), None))
        return np.sum(ft.scan(step, H, X)[0])

    plain = lambda w: np.sum(recurrent(w, H, X)[0])
    assert_close(ft.jit(ft.grad(f))(W), ft.grad(plain)(W), 1e-13)
    assert_close(ft.jit(ft.hessian(f))(W), ft.hessian(plain)(W), 1e-12)
