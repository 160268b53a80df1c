"""custom_jvp: a true rule changes nothing under any transform, and a false one shows in all."""

import numpy as np
import pytest

import functrace as ft
from functrace import tree
from functrace.errors import ArgumentError, ConcretizationError, CustomRuleError, RuleClosureError

from ..helpers import assert_close

X = np.array([0.3, -0.8, 1.2])
W = np.array([[0.5, -0.2, 0.1], [0.3, 0.9, -0.4]])


def plain(w, x):
    return np.tanh(w @ x) * np.sum(x)


@ft.custom_jvp
def ruled(w, x):
    return plain(w, x)


@ruled.defjvp
def ruled_jvp(primals, tangents):
    (w, x), (dw, dx) = primals, tangents
    h = np.tanh(w @ x)
    return h * np.sum(x), (1 - h**2) * (dw @ x + w @ dx) * np.sum(x) + h * np.sum(dx)


def recursive(w, x):
    return recursive_ruled(w, x)


recursive_ruled = ft.custom_jvp(plain)


@recursive_ruled.defjvp
def recursive_jvp(primals, tangents):
    (w, x), (dw, dx) = primals, tangents
    y = recursive_ruled(w, x)
    slope = (1 - np.tanh(w @ x) ** 2) * np.sum(x)
    return y, slope * (dw @ x + w @ dx) + np.tanh(w @ x) * np.sum(dx)


def scalar(f):
    return lambda x: np.sum(np.sin(f(W, x)) * f(W + 0.1, x))


def scanned(f):
    return lambda x: np.sum(ft.scan(lambda c, a: (np.sum(f(W, x * c)) + a, f(W, x + c)), 0.2, X)[1])


def chosen(f):
    return lambda x: ft.cond(
        np.sum(x) > 0, lambda x: np.sum(f(W, x)), lambda x: np.sum(f(-W, x)), x
    )


def repeated(f):
    def step(value):
        x, n = value
        return 0.7 * x + 0.1 * np.sum(f(W, x)), n + 1

    return lambda x: np.sum(ft.while_loop(lambda v: np.sum(v[0] ** 2) > 0.2, step, (x, 0))[0] ** 2)


def mapped(f):
    return lambda x: np.sum(ft.vmap(f, in_axes=(None, 0))(W, np.stack([x, 2 * x, x**2])))


def mapped_twice(f):
    inner = ft.vmap(f, in_axes=(0, None))
    return lambda x: np.sum(
        ft.vmap(inner, in_axes=(None, 0))(np.stack([W, 2 * W]), np.stack([x, x**2]))
    )


def forgotten(f):
    return lambda x: np.sum(ft.checkpoint(lambda x: f(W, f(W.T, f(W, x))))(x))


def compiled(f):
    return lambda x: np.sum(ft.jit(f)(W, x) ** 2)


def nested(f):
    outer = ft.custom_jvp(lambda x: np.sum(f(W, x) ** 2))
    outer.defjvps(lambda t, y, x: 2 * np.sum(f(W, x) * ft.jvp(lambda x: f(W, x), (x,), (t,))[1]))
    return outer


USES = [
    scalar, scanned, chosen, repeated, mapped, mapped_twice, forgotten, compiled, nested,
]  # fmt: skip
TRANSFORMS = {
    "value": lambda f: f,
    "grad": ft.grad,
    "jacfwd": ft.jacfwd,
    "hessian": ft.hessian,
    "jvp": lambda f: lambda x: ft.jvp(f, (x,), (np.cos(x),)),
    "linearize": lambda f: lambda x: ft.linearize(f, x)[1](np.cos(x)),
    "grad of grad": lambda f: ft.grad(lambda x: np.sum(ft.grad(f)(x) ** 2)),
    "jit of grad": lambda f: ft.jit(ft.grad(f)),
    "grad of jit": lambda f: ft.grad(ft.jit(f)),
    "vmap of grad": lambda f: lambda x: ft.vmap(ft.grad(f))(np.stack([x, x + 0.1])),
    "grad of vmap": lambda f: ft.grad(lambda x: np.sum(ft.vmap(f)(np.stack([x, x + 0.1])))),
    "jit of vmap of hessian": lambda f: (
        lambda x: ft.jit(ft.vmap(ft.hessian(f)))(np.stack([x, 2 * x]))
    ),
    "checkpoint": lambda f: ft.grad(ft.checkpoint(f)),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_a_true_rule_changes_nothing(use, transform):
    expected = TRANSFORMS[transform](use(plain))(X)
    for f in (ruled, recursive):
        assert_close(TRANSFORMS[transform](use(f))(X), expected, 1e-10)


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_the_rule_is_what_counts(use):
    twice = ft.custom_jvp(plain)
    twice.defjvp(lambda p, t: (plain(*p), 2 * ft.jvp(plain, p, t)[1]))
    if use in (forgotten, scanned, nested, repeated):
        assert not np.allclose(ft.grad(use(twice))(X), ft.grad(use(plain))(X))
    else:
        assert_close(ft.grad(use(twice))(X), 2 * ft.grad(use(plain))(X), 1e-11)


# Trees, integers, arguments that are no arrays


def test_trees_of_arguments_and_outputs_reach_the_rule_as_they_are():
    seen = []

    @ft.custom_jvp
    def f(p, n):
        return {"y": p["a"] * p["b"][0], "n": n}, (p["b"][1],)

    @f.defjvp
    def rule(primals, tangents):
        seen.append((tree.structure(primals), tree.structure(tangents), tangents[1].dtype))
        (p, n), (d, _) = primals, tangents
        moved = {"y": d["a"] * p["b"][0] + p["a"] * d["b"][0], "n": None}, (d["b"][1],)
        return f(p, n), moved

    p, n = {"a": 2.0, "b": [3.0, X]}, 5
    gradient = ft.grad(lambda p: f(p, n)[0]["y"] * f(p, n)[0]["n"] + np.sum(f(p, n)[1][0]))(p)
    assert_close(gradient, {"a": 15.0, "b": [10.0, np.ones(3)]})
    assert all(primal == tangent for primal, tangent, _ in seen)
    assert {dtype for *_, dtype in seen} == {ft.float0}


def test_arguments_that_are_no_arrays_come_first_in_the_rule():
    seen = []
    f = ft.custom_jvp(lambda g, x, n=3: g(x) ** n, nondiff_argnums=0, nondiff_argnames="n")

    @f.defjvp
    def rule(g, n, primals, tangents):
        seen.append((g, n))
        (x,), (t,) = primals, tangents
        return g(x) ** n, n * g(x) ** (n - 1) * np.cos(x) * t

    for call in (lambda x: f(np.sin, x), lambda x: f(np.sin, n=3, x=x)):
        assert_close(ft.grad(call)(0.7), 3 * np.sin(0.7) ** 2 * np.cos(0.7))
        assert_close(ft.vmap(ft.grad(call))(X), 3 * np.sin(X) ** 2 * np.cos(X))
    assert set(seen) == {(np.sin, 3)}


def test_a_traced_argument_that_is_not_differentiated_by_has_no_tangent():
    f = ft.custom_jvp(lambda x, a: a * x, nondiff_argnums=(1,))
    f.defjvp(lambda a, primals, tangents: (a * primals[0], 10 * a * tangents[0]))
    assert ft.grad(f, (0, 1))(2.0, 3.0) == (30.0, 0.0)
    assert ft.jit(ft.grad(f, (0, 1)))(2.0, 3.0) == (30.0, 0.0)
    assert_close(ft.vmap(ft.grad(f))(X, X), 10 * X)


def test_defjvps_adds_up_the_derivatives_by_each_argument():
    f = ft.custom_jvp(lambda x, y, z: x * y + z)
    f.defjvps(lambda t, out, x, y, z: t * y, None, lambda t, out, x, y, z: 5 * t)
    assert ft.grad(f, (0, 1, 2))(2.0, 3.0, 4.0) == (3.0, 0.0, 5.0)
    none = ft.custom_jvp(lambda x: x)
    none.defjvps(None)
    assert ft.grad(none)(1.0) == 0.0
    short = ft.custom_jvp(lambda x: x)
    short.defjvps(None, None)
    with pytest.raises(CustomRuleError, match="called with 1 arguments.*given 2 rules"):
        ft.grad(short)(1.0)
    with pytest.raises(ArgumentError, match="no place for nondiff_argnums"):
        ft.custom_jvp(np.sin, nondiff_argnums=(0,)).defjvps(None)


def test_symbolic_zeros_tell_a_rule_what_does_not_move():
    seen = []
    f = ft.custom_jvp(lambda x, y, n: (x * y, y))

    def rule(primals, tangents):
        x, y, _ = primals
        seen.append([isinstance(t, ft.SymbolicZero) for t in tangents])
        t, s, _ = tangents
        first = x * s if isinstance(t, ft.SymbolicZero) else t * y
        return f(*primals), (first, s)

    f.defjvp(rule, symbolic_zeros=True)
    assert ft.grad(lambda x: f(x, 3.0, 2)[0])(2.0) == 3.0
    assert seen[-1] == [False, True, True]
    assert ft.jvp(lambda x: f(x, 3.0, 2), (2.0,), (1.0,)) == ((6.0, 3.0), (3.0, 0.0))
    assert ft.grad(lambda y: f(2.0, y, 2)[0] + f(2.0, y, 2)[1])(3.0) == 3.0
    assert seen[-1] == [True, False, True]
    assert_close(ft.vmap(ft.grad(lambda x: f(x, 3.0, 2)[0]))(X), np.full(3, 3.0))
    assert repr(ft.SymbolicZero((2,), float)) == "SymbolicZero(f64[2])"


def test_a_linear_function_with_a_rule_is_transposed_as_it_is():
    f = ft.custom_jvp(lambda x: W @ x)
    f.defjvp(lambda p, t: (f(*p), 100 * t[0][:2]))
    assert_close(ft.linear_transpose(f, X)(np.ones(2)), (W.sum(0),))
    g = ft.custom_jvp(lambda x: x**2)
    g.defjvp(lambda p, t: (g(*p), 2 * f(t[0]).sum() * np.ones(3)))
    assert_close(ft.grad(lambda x: g(x)[0])(X), 200 * np.array([1.0, 1.0, 0.0]))


def test_rules_know_the_names_of_mapped_axes():
    def centred(x):
        return x**2 - ft.pmean(x**2, "i")

    f = ft.custom_jvp(centred)
    f.defjvp(lambda p, t: (f(*p), 2 * p[0] * t[0] - ft.pmean(2 * p[0] * t[0], "i")))
    g = ft.custom_vjp(centred)
    g.defvjp(lambda x: (g(x), x), lambda x, ct: (2 * x * (ct - ft.pmean(ct, "i")),))
    use = lambda f: lambda x: np.sum(ft.vmap(f, axis_name="i")(x) ** 3)
    for ruled in (f, g):
        assert_close(ft.grad(use(ruled))(X), ft.grad(use(centred))(X))
        inner = [
            ft.vmap(ft.grad(lambda x, h=h: h(x) ** 3), axis_name="i")(X) for h in (ruled, centred)
        ]
        assert_close(*inner)


def test_plain_calls_are_calls_of_the_function():
    calls = []
    f = ft.custom_jvp(lambda x: calls.append(x) or x)
    f.defjvp(lambda p, t: (p[0], t[0]))
    assert f("text") == "text"
    assert calls == ["text"]
    assert ruled.__name__ == "ruled"
    assert repr(ruled) == "custom_jvp(ruled)"


# What rules may do


@ft.custom_jvp
def root(a):
    y = a
    while abs(y * y - a) > 1e-12:
        y = (y + a / y) / 2
    return y


@root.defjvp
def root_jvp(primals, tangents):
    y = root(*primals)
    factor = 2.0 if y > 1 else 1.0 + 1.0
    return y, tangents[0] / (factor * y)


def test_python_control_flow_follows_values_in_functions_and_in_rules():
    assert_close(ft.grad(root)(2.0), 0.5 / np.sqrt(2.0), 1e-10)
    assert_close(ft.grad(ft.grad(root))(2.0), -0.25 * 2.0**-1.5, 1e-10)
    assert_close(ft.grad(ft.grad(ft.grad(root)))(2.0), 0.375 * 2.0**-2.5, 1e-10)
    slope, bend = 0.5 / np.sqrt(2.0), -0.25 * 2.0**-1.5
    assert_close(
        ft.hessian(lambda x: np.sum(root(x[0]) * x))(np.array([2.0, 3.0])),
        np.array([[5 * bend + 2 * slope, slope], [slope, 0.0]]),
        1e-10,
    )


def test_rules_see_closures_as_they_are_when_their_function_is_called():
    def total(x):
        result = 0.0
        for k in (1.0, 2.0, 3.0):
            f = ft.custom_jvp(lambda x: np.exp(k * x))

            @f.defjvp
            def rule(primals, tangents):
                y = f(*primals)
                return y, k * y * tangents[0]

            result = result + f(x)
        return result

    known = lambda x: np.exp(x) + np.exp(2 * x) + np.exp(3 * x)
    for transform in (
        ft.grad,
        lambda f: ft.grad(ft.grad(f)),
        lambda f: ft.jit(ft.grad(ft.grad(ft.grad(f)))),
        lambda f: ft.grad(lambda x: np.sum(ft.vmap(f)(x * X))),
        lambda f: ft.grad(lambda x: np.sum(ft.vmap(ft.grad(f))(x * X))),
        lambda f: ft.grad(lambda x: ft.scan(lambda c, _: (f(c) / 50, None), x, length=2)[0]),
    ):
        assert_close(transform(total)(0.3), transform(known)(0.3), 1e-10)


def test_a_rule_that_is_not_needed_may_lack_what_it_needs():
    f = ft.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (p[0], t[0] if p[0] > 0 else -t[0]))
    assert ft.jit(ft.grad(lambda x, y: x * f(y)))(2.0, 3.0) == 3.0
    with pytest.raises(ConcretizationError, match="no value under"):
        ft.jit(ft.grad(lambda x: f(x)))(2.0)


@pytest.mark.parametrize("transform", [ft.jit, ft.vmap])
def test_there_are_no_values_under_jit_and_vmap(transform):
    x = np.ones(2) if transform is ft.vmap else 2.0
    with pytest.raises(ConcretizationError, match="no value under (jit|vmap)"):
        transform(ft.grad(root))(x)


def test_there_are_no_values_in_a_rule_inside_a_loop():
    f = ft.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (p[0], t[0] if p[0] > 0 else -t[0]))
    with pytest.raises(ConcretizationError, match="no value under the jvp rule of function"):
        ft.grad(lambda x: ft.scan(lambda c, _: (f(c), None), x, length=2)[0])(1.0)


def jvp_kind(y):
    f = ft.custom_jvp(lambda x: 2 * x)
    f.defjvp(lambda p, t: (f(*p), t[0] * np.sin(y)))
    return f


def vjp_kind(y):
    f = ft.custom_vjp(lambda x: 2 * x)
    f.defvjp(lambda x: (f(x), y), lambda r, ct: (ct * np.sin((r + y) / 2),))
    return f


def known_kind(y):  # what the others say of themselves, written with functions that have no rule
    return lambda x: 2 * ft.stop_gradient(x) + np.sin(y) * (x - ft.stop_gradient(x))


SURROUNDINGS = {
    "plain": lambda kind: lambda x, y: kind(y)(x) * x,
    "value from inside": lambda kind: lambda x, y: kind(np.exp(y) * 2)(x) * y,
    "jit": lambda kind: lambda x, y: ft.jit(lambda x, y: kind(y)(x) * x)(x, y),
    "vmap": lambda kind: lambda x, y: np.sum(
        ft.vmap(lambda a, b: kind(b * y)(a) * a)(x * X, y + X)
    ),
    "vmap of one": lambda kind: lambda x, y: np.sum(ft.vmap(lambda b: kind(b)(x))(y * X)),
    "scan": lambda kind: lambda x, y: ft.scan(lambda c, a: (kind(a * y + c)(c) + c, c), x, X)[0],
    "while": lambda kind: lambda x, y: ft.while_loop(
        lambda c: c < 20.0, lambda c: kind(c + y)(c) + 1.0, x
    ),
    "cond": lambda kind: lambda x, y: ft.cond(x > 0, lambda x: kind(x + y)(x), np.sin, x),
    "checkpoint": lambda kind: lambda x, y: ft.checkpoint(lambda x: kind(x * y)(x))(x),
    "grad": lambda kind: lambda x, y: ft.grad(lambda x: kind(y)(x) ** 2)(x) * y,
    "vmap of scan": lambda kind: lambda x, y: np.sum(ft.vmap(lambda b: ft.scan(
        lambda c, a: (kind(a * b + y)(c), c), x, X)[0])(X)),
}  # fmt: skip


@pytest.mark.parametrize("use", SURROUNDINGS)
@pytest.mark.parametrize("kind", [jvp_kind, vjp_kind])
def test_a_rule_may_use_traced_values_of_its_surroundings(kind, use):
    f, known = SURROUNDINGS[use](kind), SURROUNDINGS[use](known_kind)
    for transform in (
        ft.grad,
        lambda f: ft.grad(f, 1),
        lambda f: ft.jit(ft.grad(f)),
        lambda f: ft.grad(ft.jit(f)),
        lambda f: ft.vmap(ft.grad(f), (0, None)),
    ):
        if use == "grad" and transform is not ft.grad:
            continue  # that is a second derivative, which the known kind has not
        x = X if transform(f).__name__.startswith("vmap") else 1.5
        assert_close(transform(f)(x, 0.7), transform(known)(x, 0.7), 1e-11)


def test_second_derivatives_may_be_by_what_a_rule_takes_from_its_closure():
    for kind in (jvp_kind, vjp_kind):
        f = lambda x, y, kind=kind: kind(y)(x)
        for g in (f, ft.jit(f)):
            assert_close(ft.grad(g)(3.0, 0.7), np.sin(0.7))
            assert_close(ft.grad(g, 1)(3.0, 0.7), 0.0)
            assert_close(ft.grad(ft.grad(g), 1)(3.0, 0.7), np.cos(0.7))
            assert_close(ft.vmap(ft.grad(ft.grad(g), 1), (None, 0))(3.0, X), np.cos(X))


def test_a_rule_that_is_recorded_later_can_not():
    def f(x, y):
        g = ft.custom_jvp(lambda x: 2 * x)
        g.defjvp(lambda p, t: (g(*p), t[0] * y), symbolic_zeros=True)
        return g(x)

    with pytest.raises(RuleClosureError, match="the jvp rule of function uses a traced value") as e:
        ft.grad(ft.jit(f))(3.0, 2.0)
    assert "make the value an argument" in str(e.value)


def test_a_function_is_not_differentiated_by_its_closure():
    def outer(x, y):
        g = ft.custom_jvp(lambda x: x * y)
        g.defjvp(lambda p, t: (g(*p), 7 * t[0]))
        return g(x)

    assert ft.grad(outer)(2.0, 3.0) == 7.0
    assert ft.jit(outer)(2.0, 3.0) == 6.0
    assert ft.grad(lambda x, y: outer(x, ft.stop_gradient(y)), 1)(2.0, 3.0) == 0.0
    for transform in (ft.grad, ft.jacfwd):
        with pytest.raises(RuleClosureError, match="differentiated by a value.*its closure") as e:
            transform(outer, (0, 1))(2.0, 3.0)
        assert e.value.source.text == "return g(x)"


def test_changes_of_what_a_rule_refers_to_are_seen_without_jit():
    scale, array = 1.0, np.ones(2)
    f = ft.custom_jvp(lambda x: np.sum(x))
    f.defjvp(lambda p, t: (np.sum(p[0]), np.sum(scale * array * t[0])))
    uses = [
        ft.grad(f), ft.grad(lambda x: np.sum(ft.vmap(f)(np.stack([x, x])))),
        ft.grad(lambda x: ft.scan(lambda c, _: (c + f(x), None), 0.0, length=1)[0]),
    ]  # fmt: skip
    for expected in ([1.0, 1.0], [3.0, 3.0], [3.0, 6.0]):
        for use, times in zip(uses, (1, 2, 1), strict=True):
            for _ in range(2):
                assert_close(use(np.ones(2)), times * np.array(expected))
        if scale == 3.0:
            array[1] = 2.0
        scale = 3.0


def test_finished_programs_are_found_again():
    def use(x):
        f = ft.custom_jvp(lambda x: np.sin(x))
        f.defjvp(lambda p, t: (f(*p), np.cos(p[0]) * t[0] * (f(*p) + 1) / (1 + f(*p))))
        inside = ft.scan(lambda c, a: (f(c + a), None), x, X)[0]
        return inside + np.sum(ft.vmap(f)(x * X)) + f(x)

    for transform in (ft.grad, lambda f: ft.grad(ft.grad(f))):
        ft.clear_cache()
        first = transform(use)(0.3)
        misses = ft.cache_info().misses
        assert transform(use)(0.3) == first
        assert ft.cache_info().misses == misses


def test_what_runs_is_the_function_itself():
    def equations(program):
        for equation in program.equations:
            yield equation.primitive.name
            for _, inner in equation.programs:
                yield from equations(inner)

    from functrace.passes.pipeline import optimize

    program = ft.trace(lambda x: ft.scan(lambda c, a: (ruled(W, c) @ W + a, None), x, np.eye(3)))(X)
    assert "custom_jvp" in set(equations(program))
    assert "custom_jvp" not in set(equations(optimize(program)))


# Rules that are wrong


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda p, t: t[0], "the jvp rule of f returned a Tracer"),
        (lambda p, t: (1, 2, 3), "the jvp rule of f returned a tuple of 3"),
        (lambda p, t: (p[0], {"a": t[0]}), r"the output has the tree \*, and that of the function"),
        (lambda p, t: ({"a": p[0]}, t[0]), r"the tangent of the output has the tree \*"),
        (lambda p, t: ({"b": p[0]}, {"a": t[0]}), "the output has the tree {'b': \\*}"),
        (lambda p, t: ({"a": p[0]}, {"a": t[0][:1]}),
         r"tangent of the output\['a'\] has type f64\[1\], and it must be f64\[3\]"),
        (lambda p, t: ({"a": p[0][:1]}, {"a": t[0]}),
         r"the output\['a'\] has type f64\[1\], and it must be f64\[3\]"),
        (lambda p, t: ({"a": p[0].astype(np.float32)}, {"a": t[0]}),
         r"the output\['a'\] has type f32\[3\], and it must be f64\[3\]"),
        (lambda p, t: ({"a": p[0]}, {"a": t[0] * 1j}),
         r"tangent of the output\['a'\] has type c128\[3\]"),
        (lambda p, t: ({"a": p[0]}, {"a": "text"}), "expected an array or a number, got a str"),
        (lambda p, t: ({"a": p[0] + t[0]}, {"a": t[0]}), "the output depends on a tangent"),
    ],
)  # fmt: skip
def test_what_a_rule_returns_is_checked_at_once(rule, message):
    def f(x):
        return {"a": x}

    wrong = ft.custom_jvp(f)
    wrong.defjvp(rule)
    for transform in (
        ft.grad,
        ft.jacfwd,
        lambda g: ft.grad(ft.jit(g)),
        lambda g: ft.vmap(ft.grad(g)),
    ):
        x = np.stack([X, X]) if transform(ft.grad).__name__.startswith("vmap") else X
        with pytest.raises(CustomRuleError, match=message) as error:
            transform(lambda x: np.sum(wrong(x)["a"]))(x)
        assert error.value.source.filename == __file__
        assert error.value.remedy


def test_a_rule_that_is_not_linear_can_not_be_transposed():
    f = ft.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (p[0], t[0] * t[0]))
    assert ft.jvp(f, (1.0,), (3.0,)) == (1.0, 9.0)
    with pytest.raises(CustomRuleError, match="not linear in the tangents") as error:
        ft.grad(f)(1.0)
    assert error.value.source.text == "ft.grad(f)(1.0)"


def test_a_function_without_a_rule_says_so_at_its_first_call():
    with pytest.raises(CustomRuleError, match="has no rule") as error:
        ft.custom_jvp(np.sin)(1.0)
    assert "sin.defjvp(rule)" in error.value.remedy


def test_arguments_that_can_not_be_are_named():
    with pytest.raises(ArgumentError, match="custom_jvp takes a function"):
        ft.custom_jvp(3)
    f = ft.custom_jvp(lambda x, mode: x)
    f.defjvp(lambda p, t: (p[0], t[0]))
    with pytest.raises(ft.errors.LeafTypeError, match="argument mode of function") as error:
        ft.grad(lambda x: f(x, "fast"))(1.0)
    assert "nondiff_argnums" in error.value.remedy
    g = ft.custom_jvp(lambda x, mode: x, nondiff_argnames=("mod",))
    g.defjvp(lambda p, t: (p[0], t[0]))
    with pytest.raises(ArgumentError, match="'mod' is no parameter"):
        ft.grad(lambda x: g(x, "fast"))(1.0)

    def keyword(x, *, flag):
        return x

    h = ft.custom_jvp(keyword)
    h.defjvp(lambda p, t: (p[0], t[0]))
    with pytest.raises(ArgumentError, match="flag can be passed by keyword alone"):
        ft.grad(lambda x: h(x, flag=1))(1.0)
