"""custom_vjp, custom_gradient, linear_call, closure_convert: reverse mode by rules of the user."""

import numpy as np
import pytest

import functrace as ft
from functrace.errors import (
    ArgumentError,
    ConcretizationError,
    CustomRuleError,
    ForwardModeError,
    RuleClosureError,
)

from ..helpers import assert_close

X = np.array([0.3, -0.8, 1.2])
W = np.array([[0.5, -0.2, 0.1], [0.3, 0.9, -0.4], [0.2, 0.1, -0.6]])


def plain(w, x):
    return np.tanh(w @ x) * np.sum(x)


@ft.custom_vjp
def ruled(w, x):
    return plain(w, x)


def fwd(w, x):
    h, total = np.tanh(w @ x), np.sum(x)
    return h * total, {"w": w, "x": x, "h": h, "sum": total}


def bwd(r, ct):
    back = ct * (1 - r["h"] ** 2) * r["sum"]
    return np.outer(back, r["x"]), r["w"].T @ back + np.sum(ct * r["h"])


ruled.defvjp(fwd, bwd)


@ft.custom_gradient
def by_gradient(w, x):
    h, total = np.tanh(w @ x), np.sum(x)

    def pull(ct):
        back = ct * (1 - h**2) * total
        return np.outer(back, x), w.T @ back + np.sum(ct * h)

    return h * total, pull


def scalar(f):
    return lambda x: np.sum(np.sin(f(W, x)) * f(W + 0.1, x))


def by_matrix(f):
    return lambda x: np.sum(f(np.outer(x, x) + W, X) ** 2)


def scanned(f):
    return lambda x: np.sum(ft.scan(lambda c, a: (np.sum(f(W, x * c)) + a, f(W, x + c)), 0.2, X)[1])


def chosen(f):
    return lambda x: ft.cond(
        np.sum(x) > 0, lambda x: np.sum(f(W, x)), lambda x: np.sum(f(-W, x)), x
    )


def repeated(f):
    def step(value):
        x, n = value
        return 0.7 * x + 0.1 * f(W, x), n + 1

    return lambda x: np.sum(ft.while_loop(lambda v: np.sum(v[0] ** 2) > 0.2, step, (x, 0))[0] ** 2)


def mapped(f):
    return lambda x: np.sum(ft.vmap(f, in_axes=(None, 0))(W, np.stack([x, 2 * x, x**2])))


def mapped_shared(f):
    return lambda x: np.sum(ft.vmap(f, in_axes=(0, None))(np.stack([W, W * x, -W]), x) ** 2)


def mapped_twice(f):
    inner = ft.vmap(f, in_axes=(0, None))
    return lambda x: np.sum(
        ft.vmap(inner, in_axes=(None, 0))(np.stack([W, 2 * W]), np.stack([x, x**2]))
    )


def scanned_in_a_batch(f):
    return lambda x: np.sum(
        ft.vmap(lambda a: ft.scan(lambda c, b: (f(W, c) * b, f(W, c)), a, X)[1])(np.stack([x, -x]))
    )


def forgotten(f):
    return lambda x: np.sum(ft.checkpoint(lambda x: f(W, f(W.T, f(W, x))))(x))


def compiled(f):
    return lambda x: np.sum(ft.jit(f)(W, x) ** 2)


USES = [
    scalar, by_matrix, scanned, chosen, repeated, mapped, mapped_shared, mapped_twice,
    scanned_in_a_batch, forgotten, compiled,
]  # fmt: skip
TRANSFORMS = {
    "value": lambda f: f,
    "grad": ft.grad,
    "jacrev": ft.jacrev,
    "vjp": lambda f: lambda x: ft.vjp(f, x)[1](2.0),
    "grad of grad": lambda f: ft.grad(lambda x: np.sum(ft.grad(f)(x) ** 2)),
    "hessian": ft.hessian,
    "jit of grad": lambda f: ft.jit(ft.grad(f)),
    "grad of jit": lambda f: ft.grad(ft.jit(f)),
    "vmap of grad": lambda f: lambda x: ft.vmap(ft.grad(f))(np.stack([x, x + 0.1])),
    "grad of vmap": lambda f: ft.grad(lambda x: np.sum(ft.vmap(f)(np.stack([x, x + 0.1])))),
    "transpose of linearize": lambda f: (
        lambda x: ft.linear_transpose(ft.linearize(f, x)[1], x)(1.0)
    ),
    "transpose of vmap of linearize": lambda f: (
        lambda x: ft.linear_transpose(ft.vmap(ft.linearize(f, x)[1]), np.stack([x, x]))(
            np.array([1.0, 2.0])
        )
    ),
    "checkpoint": lambda f: ft.grad(ft.checkpoint(f)),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_a_true_rule_changes_nothing(use, transform):
    expected = TRANSFORMS[transform](use(plain))(X)
    for f in (ruled, by_gradient):
        assert_close(TRANSFORMS[transform](use(f))(X), expected, 1e-10)


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_the_rule_is_what_counts(use):
    nothing = ft.custom_vjp(plain)
    nothing.defvjp(lambda w, x: (plain(w, x), None), lambda r, ct: (None, None))
    gradient = ft.grad(use(nothing))(X)
    assert_close(use(nothing)(X), use(plain)(X))
    assert np.all(gradient == 0) == (use is not repeated)  # where x goes past the function
    assert not np.allclose(gradient, ft.grad(use(plain))(X))


# What rules may return and take


def test_none_is_a_zero_for_an_argument_a_branch_or_an_integer():
    f = ft.custom_vjp(lambda p, n, x: n * (p["a"][0] + p["a"][1] + p["b"]) * x)
    f.defvjp(
        lambda p, n, x: (f(p, n, x), (n, x)),
        lambda r, ct: ({"a": None, "b": r[0] * r[1] * ct}, None, None),
    )
    p = {"a": [1.0, np.float32(2.0)], "b": 3.0}
    gradient, dn, dx = ft.grad(f, (0, 1, 2), allow_int=True)(p, 2, 5.0)
    assert_close(gradient, {"a": [0.0, 0.0], "b": 10.0})
    assert gradient["a"][1].dtype == np.float32
    assert dn.dtype == ft.float0
    assert dx == 0.0


def test_cotangents_of_integers_are_left_alone_whatever_they_are():
    f = ft.custom_vjp(lambda x, n: x[n])
    f.defvjp(
        lambda x, n: (x[n], (np.zeros_like(x), n)), lambda r, ct: (r[0].at[r[1]].add(ct), r[1])
    )
    assert_close(ft.grad(f)(X, np.array(1)), np.array([0.0, 1.0, 0.0]))


def test_integer_outputs_have_empty_cotangents():
    seen = []

    def bwd(r, ct):
        seen.append(ct[1].dtype)
        return (ct[0],)

    f = ft.custom_vjp(lambda x: (x, np.argmax(x)))
    f.defvjp(lambda x: ((x, np.argmax(x)), None), bwd)
    assert_close(ft.grad(lambda x: np.sum(f(x)[0]) * f(x)[1])(X), 2 * np.ones(3))
    assert set(seen) == {ft.float0}


def test_arguments_that_are_no_arrays_are_fixed():
    f = ft.custom_vjp(lambda g, x, how: g(x) if how == "plain" else -g(x), nondiff_argnums=(0, 2))
    f.defvjp(
        lambda g, x, how: (f(g, x, how), x),
        lambda g, how, x, ct: (ct * ft.grad(g)(x) * (1 if how == "plain" else -1),),
    )
    for how, sign in (("plain", 1), ("turned", -1)):
        assert_close(ft.grad(lambda x, how=how: f(np.sin, x, how))(0.3), sign * np.cos(0.3))
        assert_close(ft.vmap(ft.grad(lambda x, how=how: f(np.sin, x, how)))(X), sign * np.cos(X))
    assert ft.grad(lambda x, a: f(lambda x: a * x, x, "plain"))(1.0, 3.0) == 3.0


def test_traced_arguments_that_are_not_differentiated_by_reach_bwd():
    f = ft.custom_vjp(lambda n, x: x**n, nondiff_argnums=(0,))
    f.defvjp(lambda n, x: (f(n, x), x), lambda n, x, ct: (ct * n * x ** (n - 1),))
    assert ft.jit(ft.grad(f, 1))(3.0, 2.0) == 12.0
    assert ft.grad(f, (0, 1))(3.0, 2.0) == (0.0, 12.0)
    assert_close(ft.vmap(ft.grad(f, 1))(np.array([2.0, 3.0]), np.array([5.0, 2.0])),
                 np.array([10.0, 12.0]))  # fmt: skip


def test_bwd_may_use_what_fwd_has_computed_through_its_closure():
    kept = {}

    def fwd(x):
        kept["y"] = np.exp(x)
        return kept["y"], None

    f = ft.custom_vjp(np.exp)
    f.defvjp(fwd, lambda r, ct: (ct * kept["y"],))
    assert ft.grad(f)(0.0) == 1.0
    assert_close(ft.vmap(ft.grad(f))(X), np.exp(X))
    assert_close(ft.jit(ft.grad(ft.grad(f)))(0.5), np.exp(0.5))


def test_python_control_flow_follows_values_in_both_parts():
    f = ft.custom_vjp(lambda x: x if x > 0 else -x)
    f.defvjp(lambda x: (f(x), x), lambda x, ct: (ct if x > 0 else -3 * ct,))
    assert ft.grad(f)(2.0) == 1.0
    assert ft.grad(f)(-2.0) == -3.0
    with pytest.raises(ConcretizationError, match="no value under jit"):
        ft.jit(ft.grad(f))(2.0)


def test_gradients_have_the_dtype_of_their_arguments():
    f = ft.custom_vjp(lambda x: x * 2)
    f.defvjp(lambda x: (f(x), None), lambda r, ct: (ct * np.float64(2),))
    gradient = ft.grad(lambda x: np.sum(f(x)))(np.ones(2, np.float32))
    assert gradient.dtype == np.float32


def test_fwd_is_told_what_is_differentiated_by():
    seen = []

    def fwd(x, y, n):
        seen.append([a.perturbed for a in (x, y, n)])
        return x.value * y.value, (x.value, y.value)

    f = ft.custom_vjp(lambda x, y, n: x * y)
    f.defvjp(fwd, lambda r, ct: (ct * r[1], ct * r[0], None), symbolic_zeros=True)
    assert ft.grad(f, 1)(2.0, 3.0, 4) == 2.0
    assert ft.grad(f, (0, 1))(2.0, 3.0, 4) == (3.0, 2.0)
    assert seen[-2:] == [[False, True, False], [True, True, False]]


def test_changes_of_what_a_rule_refers_to_are_seen_without_jit():
    scale = 1.0
    f = ft.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda r, ct: (scale * ct,))
    uses = [
        ft.grad(f), ft.grad(lambda x: np.sum(ft.vmap(f)(x * np.ones(2)))),
        ft.grad(lambda x: ft.scan(lambda c, _: (f(c), None), x, length=1)[0]),
    ]  # fmt: skip
    for scale in (1.0, 2.0, 5.0):
        assert [use(1.0) for use in uses] == [scale, 2 * scale, scale]


def test_finished_programs_are_found_again():
    def use(x):
        f = ft.custom_vjp(lambda x: np.sin(x))
        f.defvjp(lambda x: (np.sin(x), x), lambda x, ct: (np.cos(x) * ct,))
        inside = ft.scan(lambda c, a: (f(c + a), None), x, X)[0]
        return inside + np.sum(ft.vmap(f)(x * X)) + f(x)

    ft.clear_cache()
    first = ft.grad(use)(0.3)
    misses = ft.cache_info().misses
    assert ft.grad(use)(0.3) == first
    assert ft.cache_info().misses == misses


def test_a_jacobian_in_the_cheapest_order_is_by_reverse_mode():
    f = ft.custom_vjp(lambda x: np.outer(x, x))
    f.defvjp(lambda x: (np.outer(x, x), x), lambda x, ct: (ct @ x + ct.T @ x,))
    uses = {
        "plain": lambda f: lambda x: np.sin(f(x)),
        "scan": lambda f: lambda x: ft.scan(lambda c, a: (c, f(c * a)), x, X)[1],
        "vmap": lambda f: lambda x: ft.vmap(f)(np.stack([x, x * x])),
    }
    for use in uses.values():
        assert_close(ft.jacobian(use(f))(X), ft.jacobian(use(lambda x: np.outer(x, x)))(X))


def test_an_elementwise_gradient_needs_no_forward_mode():
    f = ft.custom_vjp(np.sin)
    f.defvjp(lambda x: (np.sin(x), x), lambda x, ct: (np.cos(x) * ct,))
    assert_close(ft.elementwise_grad(lambda x: f(x) * x)(X), np.cos(X) * X + np.sin(X))
    assert_close(ft.vmap(ft.elementwise_grad(f))(W), np.cos(W))


# Forward mode


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: ft.jvp(f, (X,), (X,)),
        lambda f: ft.jacfwd(f)(X),
        lambda f: ft.linearize(f, X)[1](X),
        lambda f: ft.jit(lambda x: ft.jvp(f, (x,), (x,)))(X),
        lambda f: ft.jvp(ft.jit(f), (X,), (X,)),
        lambda f: ft.jvp(lambda x: ft.vmap(f)(np.stack([x, x])), (X,), (X,)),
        lambda f: ft.vmap(lambda x: ft.jvp(f, (x,), (x,)))(np.stack([X, X])),
        lambda f: ft.vmap(ft.linearize(f, X)[1])(np.stack([X, X])),
        lambda f: ft.jvp(lambda x: ft.scan(lambda c, _: (f(c), None), x, length=2)[0], (X,), (X,)),
        lambda f: ft.jvp(lambda x: ft.cond(x[0] > 0, f, f, x), (X,), (X,)),
        lambda f: ft.hessian(lambda x: np.sum(recursive(x)))(X),
    ],
)
def test_forward_mode_raises_with_a_remedy(transform):
    with pytest.raises(
        ForwardModeError, match="forward mode .* through (plain|ruled|doubled)"
    ) as e:
        transform(lambda x: ruled(W, x))
    assert "custom_jvp" in e.value.remedy
    assert e.value.source.filename == __file__


@ft.custom_vjp
def doubled(x):
    return 2 * x


doubled.defvjp(lambda x: (doubled(x), None), lambda r, ct: (2 * ct,))


def recursive(x):
    return doubled(x) * x


def test_forward_mode_raises_at_the_line_of_the_call():
    def f(x):
        y = x * 2
        return doubled(y)

    with pytest.raises(ForwardModeError) as error:
        ft.jvp(f, (X,), (X,))
    assert error.value.source.text == "return doubled(y)"


# Rules that are wrong


WRONG_FWD = [
    (lambda p, x: x, "the fwd rule of f returned a Tracer"),
    (lambda p, x: (x, 1, 2), "the fwd rule of f returned a tuple of 3"),
    (lambda p, x: ((x,), None), r"the fwd rule of f: the output has the tree \(\*,\), and that of"),
    (lambda p, x: (x[:2], None), r"the output has type f64\[2\], and it must be f64\[3\]"),
    (lambda p, x: (x, "text"), "the fwd rule of f: residual: expected an array or a number"),
    (lambda p, x: (x, {"a": ["text"]}), r"residual\['a'\]\[0\]: expected an array or a number"),
]
WRONG_BWD = [
    (lambda r, ct: ct, "the bwd rule of f returned a Tracer"),
    (lambda r, ct: (ct,), "the bwd rule of f returned a tuple of 1"),
    (lambda r, ct: (ct, ct), r"what it returned has the tree \(\*, \*\), and it must be"),
    (
        lambda r, ct: ({"w": ct}, ct[:2]),
        r"the cotangent of x has type f64\[2\], and it must be f64",
    ),
    (lambda r, ct: ({"w": ct[0]}, None), r"the cotangent of p\['w'\] has type f64, and it must"),
    (lambda r, ct: ({"w": ct * 1j}, None), r"the cotangent of p\['w'\] has type c128\[3\]"),
    (lambda r, ct: ({"w": "text"}, None), r"cotangent of p\['w'\]: expected an array or a number"),
]


@pytest.mark.parametrize(
    ("fwd", "bwd", "message"),
    [
        *((fwd, lambda r, ct: (None, ct), message) for fwd, message in WRONG_FWD),
        *((lambda p, x: (x, None), bwd, message) for bwd, message in WRONG_BWD),
    ],
)
def test_what_rules_return_is_checked_at_once(fwd, bwd, message):
    def f(p, x):
        return x

    wrong = ft.custom_vjp(f)
    wrong.defvjp(fwd, bwd)

    def loss(x):
        return np.sum(wrong({"w": X}, x))

    for transform, x in (
        (ft.grad(loss), X),
        (ft.grad(ft.jit(loss)), X),
        (ft.vmap(ft.grad(loss)), np.stack([X, X])),
        (ft.grad(lambda x: ft.scan(lambda c, _: (c, loss(x)), 0.0, length=2)[1][0]), X),
    ):
        with pytest.raises(CustomRuleError, match=message) as error:
            transform(x)
        assert error.value.source.filename == __file__
        assert error.value.remedy


def test_functions_without_rules_and_with_closures_say_so():
    with pytest.raises(CustomRuleError, match="sin is a custom_vjp function, and has no rule"):
        ft.custom_vjp(np.sin)(1.0)
    with pytest.raises(ArgumentError, match="defvjp takes a function"):
        ft.custom_vjp(np.sin).defvjp(np.sin, None)

    def outer(x, y):
        g = ft.custom_vjp(lambda x: x * y)
        g.defvjp(lambda x: (g(x), None), lambda r, ct: (7 * ct,))
        return g(x)

    assert ft.grad(outer)(2.0, 3.0) == 7.0
    with pytest.raises(RuleClosureError, match="differentiated by a value.*its vjp rule"):
        ft.grad(outer, (0, 1))(2.0, 3.0)
    assert ft.grad(ft.jit(outer))(2.0, 3.0) == 7.0


# Others of the kind


def test_a_pullback_may_return_the_cotangent_alone_where_there_is_one_argument():
    one = ft.custom_gradient(lambda x: (x**2, lambda ct: 5 * ct))
    assert ft.grad(one)(1.0) == 5.0
    trees = ft.custom_gradient(lambda p: ({"y": p["a"] * 2}, lambda ct: ({"a": 7 * ct["y"]},)))
    assert_close(ft.grad(lambda p: trees(p)["y"])({"a": 1.0}), {"a": 7.0})
    assert one(3.0) == 9.0
    with pytest.raises(CustomRuleError, match="to which custom_gradient was applied"):
        ft.custom_gradient(lambda x: x)(1.0)


def test_linear_call_has_the_transpose_that_it_was_given():
    def forth(c, x):
        return {"y": c * x}

    def back(c, ct):
        return 10 * c * ct["y"]

    f = lambda c, x: ft.linear_call(forth, back, c, x)["y"]
    assert f(3.0, 2.0) == 6.0
    assert ft.jvp(lambda x: f(3.0, x), (2.0,), (1.0,)) == (6.0, 3.0)
    assert ft.grad(f, 1)(3.0, 2.0) == 30.0
    assert ft.grad(f, 0)(3.0, 2.0) == 2.0  # that is no transpose
    assert_close(ft.vmap(ft.grad(f, 1), (0, None))(X, 2.0), 10 * X)
    assert_close(ft.grad(lambda x: np.sum(ft.vmap(f, (0, None))(X, x)))(2.0), 10 * np.sum(X))
    assert ft.jit(ft.grad(lambda x: ft.grad(f, 1)(x, x)))(2.0) == 10.0
    wrong = lambda c, ct: {"a": 1.0}
    with pytest.raises(CustomRuleError, match="what .* returned has the tree {'a'"):
        ft.grad(lambda x: ft.linear_call(forth, wrong, 1.0, x)["y"])(1.0)


def test_converted_closures_are_arguments_of_rules():
    def apply(f, x):
        converted, values = ft.closure_convert(f, x)
        return _applied(converted, x, *values)

    assert ft.grad(lambda a, x: apply(lambda x: a * np.sin(x), x), (0, 1))(2.0, 0.5) == (
        np.sin(0.5), 2 * np.cos(0.5),
    )  # fmt: skip
    n = np.array([1, 2])
    converted, values = ft.closure_convert(lambda x: x * n, 1.0)
    assert values == []
    assert_close(converted(2.0), np.array([2.0, 4.0]))
    with pytest.raises(ArgumentError, match="it takes .* then 0 values"):
        converted(2.0, 3.0)


def _applied_fwd(f, x, *values):
    return f(x, *values), (x, values)


def _applied_bwd(f, r, ct):
    x, values = r
    return ft.vjp(f, x, *values)[1](ct)


_applied = ft.custom_vjp(lambda f, x, *values: f(x, *values), nondiff_argnums=(0,))
_applied.defvjp(_applied_fwd, _applied_bwd)
