"""A call that has been made before does what it would do the first time, for every transform."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import functrace as ft
from benchmarks import calls
from functrace.memo import specialise

X = np.array([0.5, 1.5, -0.3])
WARM = 14  # calls, after which code has been made for each transform and linear function


def pulled(f: Any, x: Any) -> Any:
    value, pull = ft.vjp(f, x)
    return value, pull(np.ones(np.shape(value), np.result_type(value)))


def pushed(f: Any, x: Any) -> Any:
    value, push = ft.linearize(f, x)
    return value, push(x)


def with_aux(f: Any) -> Any:
    return lambda x: (f(x), {"twice": x * 2})


def by_keyword(f: Any) -> Any:
    return lambda first, x: f(x) * first


def mapped(f: Any, x: Any) -> Any:
    return ft.vmap(f)(np.stack([x, x * 2]))


def mapped_last(f: Any, x: Any) -> Any:
    return ft.vmap(lambda x: (f(x), x), in_axes=-1, out_axes=(0, -1))(np.stack([x, x * 2], -1))


TRANSFORMS: dict[str, Callable[[Any, Any], Any]] = {
    "grad": lambda f, x: ft.grad(f)(x),
    "value_and_grad": lambda f, x: ft.value_and_grad(f)(x),
    "grad, has_aux": lambda f, x: ft.grad(with_aux(f), has_aux=True)(x),
    "value_and_grad, has_aux": lambda f, x: ft.value_and_grad(with_aux(f), has_aux=True)(x),
    "grad, keyword": lambda f, x: ft.grad(by_keyword(f))(2.0, x=x),
    "grad, argnames": lambda f, x: ft.grad(by_keyword(f), argnames="x")(2.0, x=x),
    "grad, both": lambda f, x: ft.grad(by_keyword(f), 0, argnames="x")(2.0, x=x),
    "jvp": lambda f, x: ft.jvp(f, (x,), (x,)),
    "jvp, has_aux": lambda f, x: ft.jvp(with_aux(f), [x], [x], has_aux=True),
    "vjp": pulled,
    "vjp, has_aux": lambda f, x: ft.vjp(with_aux(f), x, has_aux=True)[0::2],
    "linearize": pushed,
    "vmap": mapped,
    "vmap, last axis": mapped_last,
    "jacobian": lambda f, x: ft.jacobian(lambda x: f(x) * x)(x),
    "jacfwd": lambda f, x: ft.jacfwd(f)(x),
    "jacrev": lambda f, x: ft.jacrev(f)(x),
    "hessian": lambda f, x: ft.hessian(f)(x),
    "hvp": lambda f, x: ft.hvp(f, (x,), (x,)),
    "jit of grad": lambda f, x: ft.jit(ft.grad(f))(x),
}  # fmt: skip
of_all = pytest.mark.parametrize("name", TRANSFORMS)
of_those_that_trace = pytest.mark.parametrize("name", [n for n in TRANSFORMS if "jit" not in n])
_lines = itertools.count(1_000_000)


@pytest.fixture(autouse=True)
def empty_cache() -> Any:
    ft.clear_cache()
    yield
    ft.clear_cache()


def cold(f: Any) -> Any:
    """The function as code that was never seen before."""
    code = f.__code__.replace(co_firstlineno=next(_lines))
    return FunctionType(code, f.__globals__, f.__name__, f.__defaults__, f.__closure__)


def assert_same(found: Any, expected: Any) -> None:
    assert ft.tree.structure(found) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(found), ft.tree.leaves(expected), strict=True):
        assert type(a) is type(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert np.shape(a) == np.shape(b)
        if np.asarray(a).dtype == ft.float0:
            continue
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def warmed(name: str, f: Any, x: Any = X) -> Callable[[Any], Any]:
    """A call of a transform of the function that has been made often."""
    run = TRANSFORMS[name]
    for _ in range(WARM):
        run(f, x)
    return lambda x: run(f, x)


def loss(x: Any) -> Any:
    return np.sum(np.tanh(x) ** 2)


@of_those_that_trace
def test_code_is_made(name: str) -> None:
    warmed(name, loss)
    assert any(entry.call is not None for entry in specialise._specialised.values())


MOST = {"grad": 40, "grad of Newton's iteration": 300}  # Python calls; of others 60


@pytest.mark.parametrize("name", calls.cases())
def test_steady_calls_take_few_python_calls(name: str) -> None:
    assert calls.count(calls.cases()[name]).python <= MOST.get(name, 60)


@of_all
def test_closures_that_change_are_seen(name: str) -> None:
    scale, weights = 2.0, np.array([1.0, 2.0, 3.0])

    def f(x: Any) -> Any:
        return np.sum(np.tanh(x) * weights) * scale

    run = warmed(name, f) if name != "jit of grad" else lambda x: TRANSFORMS[name](f, x)
    for scale in (3.0, -1.5, 2):
        weights[0] += 1.0
        assert_same(run(X), TRANSFORMS[name](cold(f), X))
    for weights in (weights * 2, weights.astype(np.float32), np.ones((2, 3)), 4.0):
        assert_same(run(X), TRANSFORMS[name](cold(f), X))


@of_all
def test_arguments_of_other_types_are_seen(name: str) -> None:
    run = warmed(name, loss)
    others = [X.astype(np.float32), np.ones((2, 3)), np.ones(1), X * 1j, X, X[::-1], X > 0,
              np.arange(3)]  # fmt: skip
    for x in [*others, X]:
        try:
            expected = TRANSFORMS[name](cold(loss), x)
        except ft.errors.FunctraceError as error:
            with pytest.raises(type(error)):
                run(x)
        else:
            assert_same(run(x), expected)


@of_all
def test_numbers_of_other_kinds_are_seen(name: str) -> None:
    if "last axis" in name:
        pytest.skip("numbers have no axes")
    run = warmed(name, loss, 0.5)
    for x in (np.float64(0.5), np.float32(0.5), np.array(0.5), np.array(0.5, np.float32), 0.25):
        assert_same(run(x), TRANSFORMS[name](cold(loss), x))


@of_all
def test_trees_that_change_are_seen(name: str) -> None:
    if name not in ("grad", "value_and_grad", "jacobian", "jacfwd", "vjp", "linearize"):
        pytest.skip("takes one array here")

    def f(x: Any) -> Any:
        total = np.sum(np.tanh(x["a"]))
        return total + (np.sum(x["b"][0] ** 2) if "b" in x else 0.0)

    def run(f: Any, x: Any) -> Any:
        if name == "vjp":
            return ft.vjp(f, x)[0], ft.vjp(f, x)[1](1.0)
        if name == "linearize":
            return ft.linearize(f, x)[0], ft.linearize(f, x)[1](x)
        return getattr(ft, name)(f)(x)

    for _ in range(WARM):
        run(f, {"a": X, "b": [X]})
    for x in ({"a": X}, {"b": [X], "a": X}, {"a": X, "b": (X,)}, {"a": X, "b": [X, X]}):
        assert_same(run(f, x), run(cold(f), x))


@of_all
def test_the_order_of_keywords_is_kept(name: str) -> None:
    if not name.startswith(("grad", "value_and_grad")):
        pytest.skip("takes no keywords here")

    def f(x: Any, **others: Any) -> Any:
        first, second = others.values()
        return np.sum(x * first) ** 2 / second

    gradient = ft.grad(f)
    for _ in range(WARM):
        gradient(X, a=2.0, b=3.0)
    assert_same(gradient(X, b=3.0, a=2.0), ft.grad(cold(f))(X, b=3.0, a=2.0))


@of_those_that_trace
def test_code_that_takes_another_course_is_followed_at_once(name: str) -> None:
    which = [0]

    def f(x: Any) -> Any:
        y = np.tanh(x)
        return np.sum(y**2) if which[0] == 0 else np.sum(y**3) * np.sum(x)

    run = warmed(name, f)
    for now in (1, 0, 1, 1, 1, 1, 1, 1, 0):
        which[0] = now
        assert_same(run(X), TRANSFORMS[name](cold(f), X))


@of_those_that_trace
def test_an_output_of_another_tree_is_seen(name: str) -> None:
    if not name.startswith(("jvp", "vjp", "linearize", "vmap", "jacobian")) or "aux" in name:
        pytest.skip("takes scalars only")
    several = [False]

    def f(x: Any) -> Any:
        y = np.sum(x**2)
        return {"y": y} if several[0] else y

    run = {"jvp": lambda f: ft.jvp(f, (X,), (X,)), "vjp": lambda f: ft.vjp(f, X)[0],
           "linearize": lambda f: ft.linearize(f, X)[1](X), "vmap": lambda f: ft.vmap(f)(X),
           "jacobian": lambda f: ft.jacobian(f)(X)}[name.partition(",")[0]]  # fmt: skip
    for _ in range(WARM):
        run(f)
    several[0] = True
    assert_same(run(f), run(cold(f)))


@of_those_that_trace
def test_an_error_passes_names_its_line_and_the_next_call_is_right(name: str) -> None:
    broken = [False]

    def f(x: Any) -> Any:
        y = np.sum(x**2)
        return y + np.ones(3) @ np.ones(4) if broken[0] else y

    def g(x: Any) -> Any:
        return x @ np.ones(5) if broken[0] else np.sum(x**2)

    wrong = ft.errors.FunctraceError if name != "grad, keyword" else ValueError  # x is plain there
    for function, kind in ((f, ValueError), (g, wrong)):
        broken[0] = False
        run = warmed(name, function)
        expected = run(X)
        broken[0] = True
        with pytest.raises(kind) as caught:
            run(X)
        if kind is not ValueError:
            assert "in g" in str(caught.value)
        broken[0] = False
        assert_same(run(X), expected)


@of_all
def test_results_are_the_callers_own(name: str) -> None:
    run = warmed(name, loss)
    expected = ft.tree.map(np.array, run(X))
    for leaf in ft.tree.leaves(run(X)):
        if isinstance(leaf, np.ndarray) and leaf.flags.writeable:
            leaf += 1
    for a, b in zip(ft.tree.leaves(run(X)), ft.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)


@of_all
def test_arguments_and_captured_arrays_are_not_kept_alive(name: str) -> None:
    if name == "jit of grad":
        pytest.skip("keeps what it captured")
    data = np.ones(3)

    def f(x: Any) -> Any:
        return np.sum(x * data)

    watched = []
    for _ in range(WARM):
        x, data = X.copy(), X.copy()
        watched += [weakref.ref(x), weakref.ref(data)]
        TRANSFORMS[name](f, x)
    del x
    data = 1.0
    gc.collect()
    assert [ref() is None for ref in watched] == [True] * len(watched)


def test_arguments_may_be_called_as_the_parameters_of_ours() -> None:
    def f(x: Any, self: Any = 0.0, fun: Any = 0.0, args: Any = 0.0, given: Any = 0.0) -> Any:
        return np.sum(x**2) * (self + fun + args + given)

    gradient = ft.grad(f)
    for _ in range(WARM):
        found = gradient(X, self=1.0, fun=2.0, args=3.0, given=4.0)
        np.testing.assert_allclose(found, 20 * X)


def test_lists_of_argnums_have_the_quick_way() -> None:
    numbers = [0, 1]
    gradient = ft.grad(lambda x, y: np.sum(x * y), numbers)
    for _ in range(WARM):
        assert_same(gradient(X, 2 * X), (2 * X, X))
    assert any(entry.call is not None for entry in specialise._specialised.values())
    numbers.pop()
    assert len(gradient(X, 2 * X)) == 2


@of_all
def test_tracers_of_an_outer_transform_arrive_at_warm_calls(name: str) -> None:
    run = warmed(name, loss)

    def total(x: Any) -> Any:
        leaves = ft.tree.leaves(run(x))
        return sum(np.sum(leaf) for leaf in leaves)

    plain = total(X)
    np.testing.assert_allclose(ft.jit(total)(X), plain)
    np.testing.assert_allclose(ft.value_and_grad(total)(X)[0], plain)
    np.testing.assert_allclose(ft.vmap(total)(np.stack([X, X])), [plain, plain])
    step = 1e-6 * np.eye(3)
    slopes = [(total(X + h) - total(X - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(ft.grad(total)(X), slopes, rtol=1e-5, atol=1e-7)


@of_all
def test_warm_calls_within_the_function_itself(name: str) -> None:
    depth = [0]

    def f(x: Any) -> Any:
        if depth[0] == 0:
            return loss(x)
        depth[0] -= 1
        inner = ft.tree.leaves(TRANSFORMS[name](f, X))[0]
        return np.sum(inner) * loss(x)

    run = warmed(name, f)
    depth[0] = 1
    found = run(X)
    depth[0] = 1
    assert_same(found, TRANSFORMS[name](cold(f), X))


@of_all
def test_threads_share_warm_calls(name: str) -> None:
    run = warmed(name, loss)
    expected = [ft.tree.leaves(run(X * k)) for k in (1, 2)]
    failed: list[Any] = []

    def work(k: int) -> None:
        try:
            for _ in range(20):
                for a, b in zip(ft.tree.leaves(run(X * k)), expected[k - 1], strict=True):
                    np.testing.assert_array_equal(a, b)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@of_those_that_trace
def test_what_acts_does_so_at_every_call(name: str) -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        ft.debug.callback(seen.append, np.sum(x))
        return loss(x)

    run = TRANSFORMS[name]
    counts = []
    for _ in range(WARM):
        seen.clear()
        run(f, X)
        counts.append(len(seen))
    assert set(counts) == {counts[0]}
    assert counts[0]
    assert seen[0] == pytest.approx(np.sum(X))


@of_those_that_trace
def test_modes_are_heeded(name: str) -> None:
    if name in ("vjp, has_aux", "vmap", "vmap, last axis"):
        pytest.skip("computes no derivative here")

    def f(x: Any) -> Any:
        return np.sum(np.sqrt(x))

    run = warmed(name, f, np.ones(3))
    with np.errstate(all="ignore"), pytest.raises(ft.errors.NonFiniteError), ft.debug_nans():
        run(-np.ones(3))


@of_those_that_trace
def test_values_that_are_looked_at_decide(name: str) -> None:
    if "vmap" in name:
        pytest.skip("has no values")

    def f(x: Any) -> Any:
        y = x * 2.0
        size = np.sum(y * y)
        if size > 4.0:
            y = y / np.sqrt(size)
        for _ in range(int(np.argmax(x)) + 1):
            y = y * x
        return np.sum(y)

    run = warmed(name, f)
    for x in (X, X * 0.1, X, X[::-1].copy(), X * 0.1, X * 2, X[::-1].copy() * 0.1, X):
        assert_same(run(x), TRANSFORMS[name](cold(f), x))
