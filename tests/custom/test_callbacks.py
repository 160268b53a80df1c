"""pure_callback and custom_vmap: plain Python code in Programs, and batches by rules of users."""

import math

import numpy as np
import pytest

import functrace as ft
from functrace.errors import (
    ArgumentError,
    CallbackError,
    CustomRuleError,
    MissingRuleError,
    NonDifferentiableError,
    OptionError,
    RuleClosureError,
)

from ..helpers import assert_close

X = np.array([0.3, -0.8, 1.2])
F64 = ft.ArrayType((), float)
METHODS = ["sequential", "sequential_unrolled", "expand_dims", "broadcast_all"]


def called(method):
    """A function with derivatives that calls back for all that it computes."""

    def f(x, y):
        return ft.pure_callback(lambda x, y: np.sin(x) * y, F64, x, y, vmap_method=method)

    def df(x, y, dx, dy):
        return ft.pure_callback(
            lambda x, y, dx, dy: np.cos(x) * y * dx + np.sin(x) * dy, F64, x, y, dx, dy,
            vmap_method=method,
        )  # fmt: skip

    g = ft.custom_jvp(f)
    g.defjvp(lambda p, t: (g(*p), df_rule(*p, *t)))
    df_rule = ft.custom_vjp(df)
    df_rule.defvjp(
        lambda x, y, dx, dy: (df(x, y, dx, dy), (x, y)),
        lambda r, ct: (None, None, ct * df(*r, 1.0, 0.0), ct * df(*r, 0.0, 1.0)),
    )
    return f, g


def plain(x, y):
    return np.sin(x) * y


USES = {
    "vmap": lambda f: lambda x: np.sum(ft.vmap(f)(x, x + 1)),
    "vmap of one": lambda f: lambda x: np.sum(ft.vmap(f, (0, None))(x, 2.0)),
    "vmap of vmap": lambda f: lambda x: np.sum(
        ft.vmap(ft.vmap(f, (None, 0)), (0, None))(x, np.cos(x)) ** 2
    ),
    "scan": lambda f: lambda x: ft.scan(lambda c, a: (f(c, a), c), 0.5, x)[0],
    "while": lambda f: lambda x: ft.while_loop(
        lambda c: abs(c) > 0.1, lambda c: f(c, 0.9), x[2]
    ) * x[0],
    "cond": lambda f: lambda x: ft.cond(x[0] > 0, lambda x: f(x[0], x[1]), lambda x: x[0], x),
    "vmap of scan": lambda f: lambda x: np.sum(
        ft.vmap(lambda c: ft.scan(lambda c, a: (f(c, a), c), c, X)[1])(x)
    ),
    "checkpoint": lambda f: lambda x: ft.checkpoint(lambda x: f(f(x[0], x[1]), x[2]))(x),
}  # fmt: skip


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("method", METHODS)
def test_a_callback_computes_what_it_would_outside(method, use):
    f, _ = called(method)
    for transform in (lambda g: g, ft.jit, ft.checkpoint):
        for _ in range(2):
            assert_close(transform(USES[use](f))(X), USES[use](plain)(X))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("method", ["sequential", "expand_dims"])
def test_a_callback_with_a_rule_has_derivatives(method, use):
    _, g = called(method)
    expected = ft.grad(USES[use](plain))(X)
    for transform in (ft.grad, lambda h: ft.jit(ft.grad(h)), ft.jacrev):
        assert_close(transform(USES[use](g))(X), expected, 1e-11)
    rows = np.stack([X, X + 0.1])
    assert_close(
        ft.vmap(ft.grad(USES[use](g)))(rows), ft.vmap(ft.grad(USES[use](plain)))(rows), 1e-11
    )


def test_rules_can_be_given_with_the_call():
    def sine(x):
        return ft.pure_callback(np.sin, x, x, jvp=sine_jvp, vmap_method="expand_dims")

    def sine_jvp(primals, tangents):
        return sine(*primals), np.cos(primals[0]) * tangents[0]

    def back(x):
        return ft.pure_callback(
            np.sin, x, x, vjp=(lambda x: (np.sin(x), x), lambda x, ct: (np.cos(x) * ct,))
        )

    assert_close(ft.hessian(lambda x: np.sum(sine(x)))(X), -np.diag(np.sin(X)))
    assert_close(ft.jacfwd(sine)(X), np.diag(np.cos(X)))
    assert_close(ft.jacrev(back)(X), np.diag(np.cos(X)))
    with pytest.raises(ft.errors.ForwardModeError):
        ft.jacfwd(back)(X)
    with pytest.raises(ArgumentError, match="given jvp= and vjp="):
        ft.pure_callback(np.sin, X, X, jvp=sine_jvp, vjp=(np.sin, np.cos))
    with pytest.raises(ArgumentError, match="vjp= is a pair"):
        ft.pure_callback(np.sin, X, X, vjp=np.sin)
    with pytest.raises(ArgumentError, match="given k by keyword"):
        ft.pure_callback(lambda x, k: x, X, X, k=1.0, jvp=sine_jvp)


def test_arguments_and_results_are_trees():
    def call(p, *, scale):
        return {"y": p["a"] * scale[0], "n": (p["b"] + 1,)}

    announced = {"y": ft.ArrayType((3,), float), "n": (np.int64(0),)}
    use = lambda p: ft.pure_callback(call, announced, p, scale=[2.0])
    for transform in (lambda f: f, ft.jit):
        assert_close(transform(use)({"a": X, "b": 4}), {"y": 2 * X, "n": (5,)})


def test_a_callback_gets_arrays_of_its_own_and_gives_such():
    kept, buffer = [], np.zeros(3)

    def call(x):
        kept.append(x)
        x *= 2
        buffer[...] = x
        return buffer

    f = ft.jit(lambda x: (ft.pure_callback(call, x, x), ft.pure_callback(call, x, x + 1), x))
    x = X.copy()
    for _ in range(10):
        first, second, same = f(x)
        assert_close((first, second, same), (2 * X, 2 * (X + 1), X))
    first[...] = 0
    assert_close(buffer, 2 * (X + 1))
    assert all(not np.shares_memory(a, b) for a, b in zip(kept[::2], kept[1::2], strict=True))
    assert_close(x, X)


def test_equal_calls_are_one_and_unused_ones_none():
    calls = []

    def count(x):
        calls.append(1)
        return np.sin(x)

    def f(x):
        ft.pure_callback(count, F64, x + 1)
        return ft.pure_callback(count, F64, x) + ft.pure_callback(count, F64, x)

    assert_close(ft.jit(f)(0.5), 2 * np.sin(0.5))
    assert len(calls) == 1


def test_a_new_lambda_of_the_same_code_makes_no_new_plan():
    def use(x, power):
        g = lambda x: ft.pure_callback(lambda a: a**power, F64, x, vmap_method="expand_dims")
        return ft.vmap(g)(x)

    ft.clear_cache()
    assert_close(use(X, 2), X**2)
    misses = ft.cache_info().misses
    assert_close(use(2 * X, 2), 4 * X**2)
    assert ft.cache_info().misses == misses
    assert_close(use(X, 3), X**3)
    assert ft.cache_info().misses > misses


def test_a_callback_sees_its_closure_as_it_was_when_it_was_recorded():
    calls = 0

    def f(x):
        total = 0.0
        for k in (1.0, 2.0, 3.0):

            def call(x):
                nonlocal calls
                calls += 1  # what it sets itself stays its own
                return k * x

            total = total + ft.pure_callback(call, F64, x, vmap_method="sequential_unrolled")
        return total

    for run in (f, ft.jit(f), lambda x: ft.vmap(f)(np.array([x]))[0]):
        assert run(2.0) == 12.0
    assert calls == 9


def test_an_error_in_a_callback_reaches_the_caller():
    def fail(x):
        raise KeyError("no such table")

    for run in (
        lambda x: ft.pure_callback(fail, F64, x),
        ft.jit(lambda x: ft.pure_callback(fail, F64, x)),
    ):
        with pytest.raises(KeyError, match="no such table"):
            run(1.0)
    with pytest.raises(ValueError, match="math domain error") as error:
        ft.jit(lambda x: ft.pure_callback(math.sqrt, F64, x))(-1.0)
    assert "pure_callback" in "".join(error.value.__notes__)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda x: (x, x), r"the tree \(\*, \*\), and result_shape_dtypes has {'y': \*}"),
        (lambda x: {"y": x[:2]}, r"returned at \['y'\] f64\[2\], and result_shape_dtypes says"),
        (lambda x: {"y": x.astype(np.float32)}, r"returned at \['y'\] f32\[3\], and"),
        (lambda x: {"y": "text"}, r"returned at \['y'\]: expected an array or a number"),
        (lambda x: {"y": 1.0}, r"returned at \['y'\] f64, and"),
    ],
)
def test_what_a_callback_returns_is_checked(returned, message):
    use = lambda x: ft.pure_callback(returned, {"y": X}, x)["y"]
    for transform in (lambda f: f, ft.jit, lambda f: ft.jit(ft.checkpoint(f))):
        with pytest.raises(CallbackError, match=message) as error:
            transform(use)(X)
        assert error.value.source.filename == __file__


def test_what_can_not_be_done_is_said_with_a_remedy():
    f = lambda x: ft.pure_callback(np.sin, x, x)
    with pytest.raises(NonDifferentiableError, match="the callback sin has no derivative") as error:
        ft.grad(lambda x: np.sum(f(x)))(X)
    assert error.value.source.text.startswith("f = lambda")
    assert_close(ft.grad(lambda x: np.sum(f(ft.stop_gradient(x)) * x))(X), np.sin(X))
    with pytest.raises(MissingRuleError, match="vmap of the callback sin") as error:
        ft.vmap(f)(X)
    assert "sequential" in error.value.remedy
    with pytest.raises(OptionError, match="vmap_method='fast'"):
        ft.pure_callback(np.sin, X, X, vmap_method="fast")
    with pytest.raises(OptionError, match="sharding"):
        ft.pure_callback(np.sin, X, X, sharding="cpu")
    with pytest.raises(ArgumentError, match=r"result_shape_dtypes\[1\] is a str"):
        ft.pure_callback(np.sin, (X, "f64"), X)
    with pytest.raises(ft.errors.LeafTypeError):
        ft.pure_callback(np.sin, X, "text")


def test_a_batch_of_none_calls_nobody():
    for method in METHODS:
        f = lambda x, m=method: ft.pure_callback(np.sin, F64, x, vmap_method=m)
        assert ft.vmap(f)(np.ones(0)).shape == (0,)


# custom_vmap


def test_the_rule_is_called_with_what_is_mapped():
    seen = []
    f = ft.custom_vmap(lambda p, x: {"y": p["a"] * x, "b": p["b"]})

    @f.def_vmap
    def rule(size, mapped, p, x):
        seen.append((size, mapped, np.shape(p["a"]), np.shape(x)))
        return {"y": 100 + p["a"] * x, "b": p["b"]}, {"y": True, "b": mapped[0]["b"]}

    p = {"a": 2.0, "b": np.ones(2)}
    out = ft.vmap(f, ({"a": None, "b": None}, 0))(p, X)
    assert_close(out, {"y": 100 + 2 * X, "b": np.ones((3, 2))})
    assert seen == [(3, ({"a": False, "b": False}, True), (), (3,))]
    assert_close(f(p, 3.0), {"y": 6.0, "b": np.ones(2)})
    assert_close(ft.jit(f)(p, 3.0), {"y": 6.0, "b": np.ones(2)})
    nested = ft.vmap(ft.vmap(f, ({"a": None, "b": None}, 0)), ({"a": None, "b": None}, 0))
    assert_close(nested(p, np.stack([X, X]))["y"], 100 + 2 * np.stack([X, X]))
    inside = ft.vmap(lambda x: ft.scan(lambda c, _: (f(p, c)["y"], None), x, length=2)[0])(X)
    assert_close(inside, 100 + 2 * (100 + 2 * X))


def test_values_come_from_the_rule_and_derivatives_from_the_function():
    f = ft.custom_vmap(lambda x: x**3)
    f.def_vmap(lambda size, mapped, x: (x**3 + 1, True))
    values, gradients = ft.vmap(ft.value_and_grad(f))(X)
    assert_close((values, gradients), (X**3 + 1, 3 * X**2))
    assert_close(ft.vmap(lambda x: ft.jvp(f, (x,), (1.0,)))(X), (X**3 + 1, 3 * X**2))
    assert_close(ft.grad(lambda x: np.sum(ft.vmap(f)(x)))(X), 3 * X**2)
    assert_close(ft.vmap(ft.hessian(f))(X), 6 * X)
    both = ft.custom_vjp(f)
    both.defvjp(lambda x: (f(x), x), lambda x, ct: (ct * f(x),))
    assert_close(ft.vmap(ft.grad(both))(X), X**3 + 1)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda n, m, x: x, "the vmap rule of f returned a Tracer"),
        (lambda n, m, x: (x, "yes"), "returned 'yes' to tell which outputs are mapped"),
        (lambda n, m, x: ((x,), True), r"the output has the tree \(\*,\)"),
        (lambda n, m, x: (x[0], True), r"the output has type f64, and it must be f64\[3\]"),
        (lambda n, m, x: (x, False), r"the output has type f64\[3\], and it must be f64"),
    ],
)
def test_what_a_batching_rule_returns_is_checked(rule, message):
    def f(x):
        return x

    wrong = ft.custom_vmap(f)
    wrong.def_vmap(rule)
    with pytest.raises(CustomRuleError, match=message) as error:
        ft.vmap(wrong)(X)
    assert error.value.source.filename == __file__


def test_a_batching_rule_knows_nothing_of_closures():
    def outer(x, y):
        f = ft.custom_vmap(lambda x: x * y)
        f.def_vmap(lambda n, m, x: (x * y, True))
        return f(x)

    with pytest.raises(RuleClosureError, match="takes a mapped value from its closure"):
        ft.vmap(outer)(X, X)
    with pytest.raises(RuleClosureError, match="uses a traced value of the surrounding"):
        ft.vmap(outer, (0, None))(X, 2.0)
    with pytest.raises(CustomRuleError, match="has no rule"):
        ft.custom_vmap(np.sin)(1.0)


def test_changes_of_what_a_batching_rule_refers_to_are_seen():
    f = ft.custom_vmap(lambda x: x)
    f.def_vmap(lambda n, m, x: (x * scale, True))
    for scale in (1.0, 2.0, 2.0, 3.0):
        assert_close(ft.vmap(f)(X), scale * X)


def test_sequential_vmap_is_a_loop():
    f = ft.sequential_vmap(lambda A, b: np.linalg.solve(A, b))
    A, B = np.eye(2) * 2, np.ones((4, 2))
    assert "scan" in str(ft.trace(ft.vmap(f, (None, 0)))(A, B))
    assert_close(ft.vmap(f, (None, 0))(A, B), B / 2)
    assert_close(ft.grad(lambda b: np.sum(ft.vmap(f, (None, 0))(A, b)))(B), B / 2)
