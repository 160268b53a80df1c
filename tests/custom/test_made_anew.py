"""Rules and functions that are made anew at every call are found again, or forgotten.

Each kind below differentiates sum(factor * sin(x)), where the factor comes from the closure of what
the kind makes. Nothing grows with the number of calls, and the factor is that of the call.
"""

import functools
import gc
import sys

import numpy as np
import pytest

import functrace as ft
from functrace.array_type import ArrayType, _types
from functrace.memo import lru
from functrace.primitive import PRIMITIVES

X = np.array([0.5, 1.5])


def by_custom_jvp(read):
    @ft.custom_jvp
    def f(x):
        return read() * np.sin(x)

    f.defjvp(lambda p, t: (f(*p), read() * np.cos(p[0]) * t[0]))
    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_partials(read):
    @ft.custom_jvp
    def f(x):
        return read() * np.sin(x)

    f.defjvps(lambda t, y, x: read() * np.cos(x) * t)
    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_custom_vjp(read):
    @ft.custom_vjp
    def f(x):
        return read() * np.sin(x)

    f.defvjp(lambda x: (f(x), x), lambda x, ct: (read() * np.cos(x) * ct,))
    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_batched_rule(read):
    @ft.custom_vjp
    def f(x):
        return read() * np.sin(x)

    f.defvjp(lambda x: (f(x), x), lambda x, ct: (read() * np.cos(x) * ct,))
    return ft.vmap(ft.grad(f))(X)


def by_custom_gradient(read):
    f = ft.custom_gradient(lambda x: (read() * np.sin(x), lambda ct: read() * np.cos(x) * ct))
    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_custom_vmap(read):
    f = ft.custom_vmap(lambda x: read() * np.cos(x))
    f.def_vmap(lambda size, mapped, x: (read() * np.cos(x), True))
    return ft.vmap(f)(X)


def by_pure_callback(read):
    def g(x):
        return ft.pure_callback(lambda x: read() * np.cos(x), X, ft.stop_gradient(x))

    return ft.grad(lambda x: np.sum(x * g(x)))(X)


def by_callback_with_jvp(read):
    def f(x):
        return ft.pure_callback(
            lambda x: read() * np.sin(x), X, x, jvp=lambda p, t: (f(*p), read() * np.cos(*p) * t[0])
        )

    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_callback_with_vjp(read):
    def f(x):
        return ft.pure_callback(
            lambda x: read() * np.sin(x), X, x,
            vjp=(lambda x: (f(x), x), lambda x, ct: (read() * np.cos(x) * ct,)),
        )  # fmt: skip

    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_debug_callback(read):
    def f(x):
        factor = read()
        ft.debug.callback(lambda x: read(), x)
        return np.sum(factor * np.sin(x))

    return ft.grad(f)(X)


def by_custom_root(read):
    def f(x):
        y = read() * np.sin(x)
        return np.sum(
            ft.custom_root(lambda u: u * 1.0 - y, X, lambda f, u: u - f(u), lambda g, u: u)
        )

    return ft.grad(f)(X)


def by_linear_solve(read):
    def f(x):
        y = np.sin(x)
        matvec = lambda u: u / read()
        return np.sum(ft.custom_linear_solve(matvec, y, lambda m, b: b * read(), symmetric=True))

    return ft.grad(f)(X)


def by_linear_call(read):
    times = lambda _, x: read() * x
    return ft.grad(lambda x: np.sum(ft.linear_call(times, times, (), np.sin(x))))(X)


def by_closure_convert(read):
    def f(x):
        converted, values = ft.closure_convert(lambda y: read() * y * np.sin(x), X)
        return np.sum(converted(np.ones(2), *values))

    return ft.grad(f)(X)


def by_jit(read):
    return ft.jit(ft.grad(lambda x: np.sum(read() * np.sin(x))))(X)


def by_checkpoint(read):
    f = ft.checkpoint(lambda x: read() * np.sin(x), policy=lambda e: read() is None)
    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_scan(read):
    return ft.grad(lambda x: ft.scan(lambda c, a: (c + read() * np.sin(a), None), 0.0, x)[0])(X)


def by_cond(read):
    f = lambda x: ft.cond(x[0] > 0, lambda x: read() * np.sin(x), lambda x: x, x)
    return ft.grad(lambda x: np.sum(f(x)))(X)


def by_define_op(read):
    op = ft.define_op(
        "made_anew", lambda x: read() * np.sin(x), elementwise=True,
        jvp=(lambda t, y, x: read() * np.cos(x) * t,),
    )  # fmt: skip
    return ft.grad(lambda x: np.sum(op(x)))(X)


KINDS = [
    by_custom_jvp, by_partials, by_custom_vjp, by_batched_rule, by_custom_gradient, by_custom_vmap,
    by_pure_callback, by_callback_with_jvp, by_callback_with_vjp, by_debug_callback,
    by_custom_root, by_linear_solve, by_linear_call, by_closure_convert, by_jit, by_checkpoint,
    by_scan, by_cond, by_define_op,
]  # fmt: skip
TRACED = [by_custom_jvp, by_partials, by_custom_vjp, by_batched_rule, by_custom_gradient]


class Holder:
    def __init__(self, factor):
        self.factor = factor

    def read(self):
        return self.factor


def held_by(make, take):
    def reader(factor):
        held = make(factor)
        return lambda: take(held)

    return reader


CLOSURES = {
    "number": held_by(float, lambda held: held),
    "numpy number": held_by(np.float64, lambda held: held),
    "array": held_by(lambda a: np.full(2, a), lambda held: held[0]),
    "dict": held_by(lambda a: {"a": a}, lambda held: held["a"]),
    "dict of arrays": held_by(lambda a: {"a": [np.full(2, a)]}, lambda held: held["a"][0][0]),
    "list": held_by(lambda a: [a], lambda held: held[0]),
    "set": held_by(lambda a: {a}, lambda held: next(iter(held))),
    "instance": held_by(Holder, lambda held: held.factor),
    "lambda": held_by(lambda a: lambda: a, lambda held: held()),
    "bound method": lambda factor: Holder(factor).read,
    "partial": lambda factor: functools.partial(dict.get, {"a": factor}, "a"),
}


def calls_made(function):
    """How many Python functions a call calls."""
    count = 0

    def note(frame, event, arg):
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


CASES = [(kind, name) for kind in KINDS for name in ("dict", "instance")]
CASES += [(kind, name) for kind in (by_custom_jvp, by_pure_callback) for name in CLOSURES]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_a_late_call_is_as_cheap_as_an_early_one(kind, name, monkeypatch):
    monkeypatch.setattr(lru, "_HOLDING", 8)
    ft.clear_cache()
    make = CLOSURES[name]
    numbers = (2.0, 3.0, 0.5)
    costs, objects = [], []
    for _ in range(3):
        for i in range(9):
            factor = numbers[i % 3]
            np.testing.assert_allclose(kind(make(factor)), factor * np.cos(X))
        costs.append(calls_made(lambda: kind(make(2.0))))
        gc.collect()
        objects.append(len(gc.get_objects()))
    assert costs[2] <= 1.2 * costs[1] + 50
    assert objects[2] <= objects[1] + 300


@pytest.mark.parametrize("name", CLOSURES)
@pytest.mark.parametrize("kind", TRACED)
def test_a_rule_that_records_the_same_is_found_again(kind, name):
    ft.clear_cache()
    for _ in range(5):
        kind(CLOSURES[name](2.0))
    assert ft.cache_info().misses <= 2


@pytest.mark.parametrize("kind", [k for k in KINDS if k is not by_jit])
def test_what_a_closure_holds_may_change_between_calls(kind):
    held = {"a": 2.0}
    read = lambda: held["a"]
    for factor in (2.0, 3.0, 3.0, -1.0, 2.0):
        held["a"] = factor
        np.testing.assert_allclose(kind(read), factor * np.cos(X))


def test_a_callback_that_is_called_for_what_it_does_is_the_one_at_hand():
    for _ in range(3):
        seen = []

        def note(x, seen=seen):
            seen.append(x)
            return x

        f = lambda x, note=note: np.sum(x * ft.pure_callback(note, X, ft.stop_gradient(x)))
        np.testing.assert_allclose(ft.grad(f)(X), X)
        assert len(seen) == 1


def test_a_function_that_lasts_is_found_whatever_it_changes():
    known = {}

    def remembered(x):
        return known.setdefault(len(known), x)

    f = lambda x: np.sum(x * ft.pure_callback(remembered, X, ft.stop_gradient(x)))
    ft.clear_cache()
    for _ in range(5):
        ft.grad(f)(X)
    assert len(known) == 5
    assert ft.cache_info().misses == 1


def test_a_compiled_function_in_the_closure_of_a_rule_keeps_its_traces():
    traces = []
    scale = 2.0
    inner = ft.jit(lambda x: traces.append(1) or scale * np.cos(x))
    for kind in (by_custom_jvp, by_custom_vjp, by_pure_callback):
        traces.clear()
        inner.clear_cache()
        for _ in range(4):
            np.testing.assert_allclose(kind(lambda: inner(0.0)), 2.0 * np.cos(X))
        assert len(traces) == 1


def test_derivatives_in_the_closure_of_a_rule_are_those_of_the_call():
    for factor in (2.0, 3.0, 2.0):
        slope = ft.grad(lambda x, a=factor: a * x)
        np.testing.assert_allclose(by_custom_jvp(lambda s=slope: s(1.0)), factor * np.cos(X))
        np.testing.assert_allclose(by_pure_callback(lambda s=slope: s(1.0)), factor * np.cos(X))


def test_second_derivatives_of_rules_made_anew_are_those_of_the_call():
    def second(factor):
        held = {"a": factor}

        @ft.custom_jvp
        def f(x):
            return held["a"] * np.sin(x)

        f.defjvp(lambda p, t: (f(*p), held["a"] * np.cos(*p) * t[0]))
        return ft.hessian(lambda x: np.sum(f(x)))(X)

    for factor in (2.0, 3.0, 2.0):
        np.testing.assert_allclose(second(factor), np.diag(-factor * np.sin(X)))


def test_definitions_that_nobody_has_any_more_are_forgotten():
    for _ in range(5):
        by_define_op(lambda: 2.0)
    ft.clear_cache()
    gc.collect()
    assert len([name for name in PRIMITIVES if name.endswith("made_anew")]) == 1
    assert not [name for name in PRIMITIVES if "made_anew#" in name]


def test_types_that_nobody_has_any_more_are_forgotten():
    kept = ArrayType((123_457,), np.float32)
    for length in range(30_000):
        ArrayType((length, 77), np.float32)
    assert len(_types) < 20_000
    assert ArrayType((123_457,), np.float32) is kept
