"""Rules that look at cotangents and tangents are called when these are known."""

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ConcretizationError

X = np.array([0.5, -1.5])


@ft.custom_vjp
def clipped(x):
    return x * 1.0


def bwd(x, ct):
    if np.any(np.abs(ct) > 1.0):  # a look at values
        return (ct / np.max(np.abs(ct)),)
    return (ct * 2.0,) if float(np.sum(ct)) != 0 else (None,)


clipped.defvjp(lambda x: (clipped(x), x), bwd)


def cotangent_of(ct):
    return ct / 3.0 if np.max(np.abs(ct)) > 1 else ct * 2.0


def test_a_gradient_has_the_value_of_the_branch_that_the_cotangent_takes():
    for scale, expected in ((3.0, 1.0), (0.5, 1.0), (0.25, 0.5), (0.0, 0.0)):
        f = lambda x, scale=scale: np.sum(clipped(x) * scale)
        np.testing.assert_allclose(ft.grad(f)(X), np.full(2, expected))
        np.testing.assert_allclose(ft.value_and_grad(f)(X)[1], np.full(2, expected))
    pull = ft.vjp(clipped, X)[1]
    np.testing.assert_allclose(pull(np.array([4.0, 2.0]))[0], [1.0, 0.5])
    np.testing.assert_allclose(pull(np.array([0.5, 0.0]))[0], [1.0, 0.0])


def test_the_rule_is_part_of_a_larger_function():
    f = lambda x: np.sum(np.sin(clipped(np.exp(x))) * 3.0)
    ct = 3.0 * np.cos(np.exp(X))
    np.testing.assert_allclose(ft.grad(f)(X), np.exp(X) * ct / np.max(np.abs(ct)))
    g = lambda x: np.sum(clipped(clipped(x)) * 3.0)
    np.testing.assert_allclose(ft.grad(g)(X), [2.0, 2.0])


def test_residuals_arguments_aside_and_trees_are_handed_on():
    def f(kind, x, n):
        return {"y": x["a"] * n, "n": n}

    g = ft.custom_vjp(f, nondiff_argnums=(0,))

    def back(kind, residual, ct):
        assert kind == "k"
        return ({"a": ct["y"] * residual["n"] if ct["y"] > 1 else -ct["y"]}, None)

    g.defvjp(lambda kind, x, n: (f(kind, x, n), {"n": n}), back)
    for scale, expected in ((2.0, 6.0), (0.5, -0.5)):
        found = ft.grad(lambda x, s=scale: g("k", x, 3)["y"] * s)({"a": 1.0})
        assert found == {"a": expected}


def test_calls_are_found_again_and_see_new_values():
    ft.clear_cache()
    for scale in (3.0, 0.25, 2.0, 0.1):
        s = np.full(2, scale)
        found = ft.grad(lambda x, s=s: np.sum(clipped(x) * s))(X)
        np.testing.assert_allclose(found, 1.0 if scale > 1 else 2 * scale)
    assert ft.cache_info().misses == 1


def test_a_callback_has_such_a_rule_too():
    def f(x, scale):
        rule = (lambda x: (x, None), lambda _, ct: (cotangent_of(ct),))
        return np.sum(ft.pure_callback(lambda x: x, X, x, vjp=rule) * scale)

    np.testing.assert_allclose(ft.grad(f)(X, 6.0), [2.0, 2.0])
    np.testing.assert_allclose(ft.grad(f)(X, 0.5), [1.0, 1.0])


def test_an_op_has_such_a_rule_too():
    op = ft.define_op(
        "looking", lambda x: x * 1.0, infer=lambda x: x, batch="sequential",
        vjp=lambda ct, primals, out: (cotangent_of(ct),),
    )  # fmt: skip
    for scale, expected in ((6.0, 2.0), (0.5, 1.0)):
        f = lambda x, s=scale: np.sum(op(x) * s)
        np.testing.assert_allclose(ft.grad(f)(X), np.full(2, expected))
        np.testing.assert_allclose(ft.jit(ft.grad(f))(X), np.full(2, expected))
        with pytest.raises(ConcretizationError, match=r"np\.where"):
            ft.vmap(ft.grad(f))(np.stack([X, X]))


def test_forward_mode_calls_a_jvp_rule_that_looks_at_tangents():
    @ft.custom_jvp
    def f(x):
        return np.sin(x)

    f.defjvp(lambda p, t: (f(*p), t[0] * 2 if np.all(t[0] > 0) else t[0] * 5))
    for t, factor in ((np.ones(2), 2), (-np.ones(2), 5)):
        value, tangent = ft.jvp(f, (X,), (t,))
        np.testing.assert_allclose(value, np.sin(X))
        np.testing.assert_allclose(tangent, factor * t)
    with pytest.raises(ConcretizationError, match="np.where"):
        ft.grad(lambda x: np.sum(f(x)))(X)


@pytest.mark.parametrize(
    "call",
    [
        lambda f: ft.jit(ft.grad(f))(X),
        lambda f: ft.vmap(ft.grad(f))(np.stack([X, X])),
        lambda f: ft.grad(lambda x: np.sum(ft.vmap(f)(np.stack([x, x]))))(X),
        lambda f: ft.grad(lambda x: ft.scan(lambda c, _: (c + f(x), None), 0.0, None, 3)[0])(X),
        lambda f: ft.hessian(f)(X),
        lambda f: ft.grad(lambda x: np.sum(ft.grad(f)(x) ** 2))(X),
        lambda f: ft.jacrev(clipped)(X),
    ],
)
def test_where_there_are_no_values_the_error_has_a_remedy(call):
    with pytest.raises(ConcretizationError, match=r"np\.where"):
        call(lambda x: np.sum(clipped(x) * np.sum(x)))
