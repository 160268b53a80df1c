"""define_op: ops with rules of the user, and what is said when these do not fit."""

import pickle

import numpy as np
import pytest
import scipy.ndimage
import scipy.special

import functrace as ft
from functrace.dispatch import UFUNCS
from functrace.errors import (
    ArgumentError,
    CustomRuleError,
    ForwardModeError,
    MissingRuleError,
    NonDifferentiableError,
    OpDefinitionError,
    StaticArgumentError,
)
from functrace.primitive import PRIMITIVES

from ..helpers import assert_close, difference

X = np.array([0.3, -0.8, 1.2, 0.5])


@pytest.fixture(autouse=True)
def _no_ops_are_left_behind():
    before = dict(PRIMITIVES), dict(UFUNCS)
    yield
    for table, entries in zip((PRIMITIVES, UFUNCS), before, strict=True):
        table.clear()
        table.update(entries)


def smoothing(batch="expand_dims"):
    """A linear op of compiled code: its own transpose, as the kernel is symmetric."""
    op = ft.define_op(
        "smooth",
        lambda x, *, sigma=1.0: scipy.ndimage.gaussian_filter1d(x, sigma, mode="constant"),
        infer=lambda x, *, sigma: x,
        jvp="linear",
        transpose=lambda ct, operands, *, sigma: op(ct, sigma=sigma),
        batch=batch,
    )
    return op


def matrix(sigma=1.0):
    return scipy.ndimage.gaussian_filter1d(np.eye(4), sigma, axis=0, mode="constant")


USES = {
    "value": lambda f: f(X),
    "jacfwd": lambda f: ft.jacfwd(f)(X),
    "jacrev": lambda f: ft.jacrev(f)(X),
    "hessian": lambda f: ft.hessian(lambda x: np.sum(f(x) ** 3))(X),
    "jit": lambda f: ft.jit(ft.grad(lambda x: np.sum(np.sin(f(x)))))(X),
    "vmap": lambda f: ft.vmap(f)(np.stack([X, X**2])),
    "vmap of grad": lambda f: ft.vmap(ft.grad(lambda x: np.sum(f(f(x)) ** 2)))(np.stack([X, X**2])),
    "grad of vmap": lambda f: ft.grad(lambda x: np.sum(ft.vmap(f)(np.outer(x, x)) ** 2))(X),
    "vmap of vmap": lambda f: ft.vmap(ft.vmap(f))(np.stack([np.outer(X, X)] * 2)),
    "scan": lambda f: ft.grad(lambda x: np.sum(ft.scan(lambda c, a: (f(c) * a, c), x, X)[1]))(X),
    "transpose": lambda f: ft.linear_transpose(f, X)(X),
    "checkpoint": lambda f: ft.grad(lambda x: np.sum(ft.checkpoint(lambda x: f(f(x)))(x)))(X),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "batch",
    ["expand_dims", "broadcast_all", "sequential", "sequential_unrolled",
     lambda size, operands, mapped, *, sigma: operands[0] @ matrix(sigma).T],
)  # fmt: skip
def test_an_op_of_compiled_code_goes_through_every_transform(batch, use):
    if use == "vmap" and batch in ("expand_dims", "broadcast_all"):
        assert "scan" not in str(ft.trace(ft.vmap(smoothing(batch)))(np.stack([X, X])))
    assert_close(USES[use](smoothing(batch)), USES[use](lambda x: matrix() @ x), 1e-11)


def test_static_parameters_are_checked_and_part_of_the_program():
    op = smoothing()
    assert "smooth(x, sigma=2.0)" in str(ft.trace(lambda x: op(x, sigma=2.0))(X))
    assert_close(op(X), matrix() @ X)
    assert_close(ft.grad(lambda x: np.sum(op(x, sigma=2.0)))(X), matrix(2.0).sum(0))
    assert_close(op([1, 2.5, 3, 4]), matrix() @ np.array([1, 2.5, 3, 4]))
    for value, kind in ((np.ones(1), "ndarray"), ([1.0], "list")):
        with pytest.raises(StaticArgumentError, match=f"parameter sigma of smooth is a {kind}"):
            op(X, sigma=value)
    with pytest.raises(StaticArgumentError, match="sigma of smooth is a traced array"):
        ft.grad(lambda s: np.sum(op(X, sigma=s)))(1.0)
    with pytest.raises(ArgumentError, match="unexpected keyword argument 'width'"):
        op(X, width=2.0)
    with pytest.raises(ArgumentError, match="missing a required argument: 'x'"):
        op()
    assert repr(op) == "<op smooth>"
    assert op.__name__ == "smooth"


def test_partial_derivatives_add_up():
    op = ft.define_op(
        "weighted", lambda x, y, n, *, k: np.hypot(x, y) * n**k, elementwise=True,
        jvp=(lambda t, r, x, y, n, *, k: t * x / np.hypot(x, y) * n**k,
             lambda t, r, x, y, n, *, k: t * y / np.hypot(x, y) * n**k, None),
    )  # fmt: skip
    plain = lambda x, y, n: np.hypot(x, y) * n**2
    n = np.array([[2.0], [3.0]])
    for i in (0, 1):
        assert_close(
            ft.jacfwd(lambda *a: op(*a, k=2), i)(X, 2.0, n), ft.jacfwd(plain, i)(X, 2.0, n)
        )
        assert_close(
            ft.jacrev(lambda *a: op(*a, k=2), i)(X, 2.0, n), ft.jacrev(plain, i)(X, 2.0, n)
        )
    assert np.all(ft.grad(lambda n: np.sum(op(X, 2.0, n, k=2)))(n) == 0)
    batched = ft.vmap(lambda x, n: op(x, 2.0, n, k=2), (0, None))(X, n)
    assert_close(batched, np.stack([plain(x, 2.0, n) for x in X]))
    assert ft.elementwise_grad(lambda x: op(x, 2.0, 1.0, k=1))(X).shape == (4,)


def test_reverse_mode_may_have_a_rule_of_its_own():
    calls = []

    def pull(ct, primals, out):
        calls.append("vjp")
        return ct * np.cos(primals[0])

    sine = lambda x: np.sin(x)
    both = ft.define_op(
        "both", sine, elementwise=True, jvp=lambda p, t, out: t[0] * np.cos(p[0]), vjp=pull
    )
    assert_close(ft.jacfwd(both)(X), np.diag(np.cos(X)))
    assert calls == []
    assert_close(ft.jacrev(both)(X), np.diag(np.cos(X)))
    assert calls
    assert_close(ft.hessian(lambda x: np.sum(both(x)))(X), -np.diag(np.sin(X)))
    assert_close(ft.jacrev(ft.grad(lambda x: np.sum(both(x))))(X), -np.diag(np.sin(X)))
    assert_close(ft.grad(lambda x: ft.jvp(both, (x,), (2.0,))[1])(0.3), -2 * np.sin(0.3))
    assert_close(ft.vmap(ft.grad(both))(X), np.cos(X))
    reverse = ft.define_op("reverse", sine, elementwise=True, vjp=pull)
    assert_close(ft.grad(lambda x: np.sum(ft.vmap(reverse)(x)))(X), np.cos(X))
    with pytest.raises(ForwardModeError, match="through reverse"):
        ft.jvp(reverse, (1.0,), (1.0,))


def test_several_outputs_are_tuples_in_every_rule():
    op = ft.define_op(
        "sincos", lambda x: (np.sin(x), np.cos(x), np.sign(x).astype(int)),
        infer=lambda x: (x, x, ft.ArrayType(x.shape, int)), multiple=True,
        jvp=lambda p, t, out: (t[0] * out[1], -t[0] * out[0], None),
        batch=lambda size, operands, mapped: op(operands[0]),
    )  # fmt: skip
    assert_close(op(X), (np.sin(X), np.cos(X), np.sign(X).astype(int)))
    assert_close(ft.jacrev(lambda x: op(x)[:2])(X), (np.diag(np.cos(X)), -np.diag(np.sin(X))))
    assert_close(ft.vmap(ft.grad(lambda x: op(x)[0] * op(x)[1]))(X), np.cos(2 * X))
    assert_close(ft.jit(op)(X), op(X))


def test_a_ufunc_is_answered_for():
    def slope(t, y, x):  # of a series that is short for x from 1/2 on
        terms = [(-1) ** k * k**2 * np.exp(-2 * k**2 * x**2) for k in range(1, 9)]
        return 8 * x * sum(terms) * t

    ft.define_op("kolmogorov", scipy.special.kolmogorov, jvp=(slope,))
    f, x = scipy.special.kolmogorov, np.array([0.6, 0.9, 1.4])
    (expected,) = difference(lambda x: [f(x)], [x], [np.ones(3)])
    assert_close(ft.elementwise_grad(f)(x), expected, 1e-8)
    assert_close(ft.vmap(ft.grad(f))(x), expected, 1e-8)
    assert ft.jit(f)(np.float32(0.5)).dtype == f(np.float32(0.5)).dtype
    assert "kolmogorov(x)" in str(ft.trace(lambda x: f(x))(x))
    ft.define_op("kolmogorov", scipy.special.kolmogorov, jvp="zero")
    assert ft.grad(f)(0.6) == 0.0
    with pytest.raises(OpDefinitionError, match="exp of traced arrays is known already"):
        ft.define_op("exp", np.exp)
    with pytest.raises(OpDefinitionError, match="several outputs"):
        ft.define_op("modf", np.modf)


def test_impl_can_not_change_operands_and_its_result_is_owned():
    inside = ft.define_op("inside", lambda x: np.add(x, 1, out=x), infer=lambda x: x)
    for run in (inside, ft.jit(inside)):
        with pytest.raises(ValueError, match="read-only"):
            run(X.copy())
    same = ft.define_op("same", lambda x: x[:2], infer=lambda x: x.with_shape((2,)))
    x = X.copy()
    y = same(x)
    y[...] = 0
    assert_close(x, X)
    y, z = ft.jit(lambda x: (same(x), x))(x)
    y[...] = 0
    assert_close((x, z), (X, X))


def test_an_op_can_be_defined_again_and_is_found_by_its_name():
    first = smoothing()
    program = ft.trace(first)(X)
    assert pickle.loads(pickle.dumps(program)) == program
    second = ft.define_op("smooth", lambda x: 2 * x, infer=lambda x: x)
    assert_close((first(X), second(X)), (matrix() @ X, 2 * X))
    assert_close(ft.jit(first)(X), matrix() @ X)
    assert second.primitive.name.endswith("test_define_op.smooth")


# What is wrong is said


def base(**options):
    given = {"impl": lambda x, *, k=1: k * x, "infer": lambda x, *, k: x, **options}
    return ft.define_op("scaled", given.pop("impl"), **given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"infer": None}, "there is no infer"),
        ({"infer": lambda x: x}, r"infer has the signature \(x\): got an unexpected keyword.*'k'"),
        ({"infer": lambda x, y, *, k: x}, "infer has the signature .* missing a required argument"),
        ({"infer": ft.ArrayType((), float)}, "infer is a ArrayType"),
        ({"jvp": lambda p, t: t[0]}, "jvp has the signature .* too many positional arguments"),
        ({"jvp": "lineal"}, "jvp='lineal'"),
        ({"jvp": (None, None)}, "2 partial derivatives, and there are 1 operands"),
        ({"jvp": (lambda t, x, *, k: t,)}, "a partial derivative has the signature"),
        ({"jvp": (3,)}, "a partial derivative is a int"),
        ({"jvp": "linear", "vjp": lambda ct, p, out, *, k: ct}, "jvp='linear' says all"),
        ({"vjp": lambda ct, p, *, k: ct}, "vjp has the signature"),
        ({"transpose": lambda ct, *, k: ct}, "transpose has the signature"),
        ({"transpose": "self"}, "transpose='self'"),
        ({"batch": lambda operands, mapped, *, k: operands[0]}, "batch has the signature"),
        ({"batch": "fast"}, "batch='fast'"),
        ({"batch": "expand_dims", "elementwise": True}, "an elementwise op is batched as it is"),
        ({"impl": lambda x, k=1: x}, "the parameter k=1 of impl is neither an array nor static"),
        ({"impl": lambda x, **k: x}, r"the parameter \*\*k of impl is neither"),
        ({"impl": 3}, "impl is a int"),
        ({"impl": min}, "tells no signature"),
    ],
)
def test_a_definition_is_checked_when_it_is_made(options, message):
    with pytest.raises(OpDefinitionError, match=r"define_op\('scaled'\).*" + message) as error:
        base(**options)
    assert error.value.remedy
    assert error.value.source.filename == __file__
    with pytest.raises(OpDefinitionError, match="'my op' is no name"):
        ft.define_op("my op", lambda x: x, infer=lambda x: x)


def test_rules_that_are_not_there_are_missed_where_they_are_needed():
    with pytest.raises(NonDifferentiableError, match="scaled has no derivative"):
        ft.grad(lambda x: np.sum(base()(x)))(X)
    with pytest.raises(MissingRuleError, match="scaled has no batch rule"):
        ft.vmap(base())(X)
    with pytest.raises(MissingRuleError, match="scaled has no transpose rule"):
        ft.grad(lambda x: np.sum(base(jvp="linear")(x)))(X)
    assert_close(ft.jvp(base(jvp="linear"), (X,), (X,)), (X, X))
    assert_close(ft.grad(lambda x: np.sum(base(jvp="zero")(x)))(X), 0 * X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jvp": lambda p, t, out, *, k: t[0][:2]},
         r"the jvp rule of scaled: the tangent has type f64\[2\], and it must be f64\[4\]"),
        ({"jvp": lambda p, t, out, *, k: {"a": t[0]}}, "expected an array or a number, got a dict"),
        ({"jvp": "linear", "transpose": lambda ct, operands, *, k: ct[:1]},
         r"the transpose rule of scaled: the cotangent has type f64\[1\]"),
        ({"jvp": "linear", "transpose": lambda ct, operands, *, k: (ct, ct)},
         "the transpose rule of scaled returned 2 cotangents, and there must be 1"),
        ({"vjp": lambda ct, p, out, *, k: (ct[:1],)},
         r"the vjp rule of scaled: the cotangent has type f64\[1\]"),
        ({"vjp": lambda ct, p, out, *, k: (ct, None)}, "returned 2 cotangents"),
    ],
)  # fmt: skip
def test_what_derivatives_return_is_checked(options, message):
    op = base(**options)
    with pytest.raises(CustomRuleError, match=message) as error:
        ft.grad(lambda x: np.sum(op(x)))(X)
    assert error.value.source.filename == __file__


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (lambda size, operands, mapped, *, k: operands[0][0],
         r"the batch rule of scaled: the output has type f64\[4\], and it must be f64\[2,4\]"),
        (lambda size, operands, mapped, *, k: operands[0].astype(int),
         r"the output has type i64\[2,4\], and it must be f64\[2,4\]"),
    ],
)  # fmt: skip
def test_what_a_batching_rule_returns_is_checked(batch, message):
    with pytest.raises(CustomRuleError, match=message):
        ft.vmap(base(batch=batch))(np.stack([X, X]))


def test_types_and_values_must_agree():
    op = base(infer=lambda x, *, k: x.with_shape((7,)))
    for run in (op, ft.jit(op)):
        with pytest.raises(
            OpDefinitionError, match=r"scaled computed f64\[4\], and its infer says"
        ):
            run(X)
    with pytest.raises(OpDefinitionError, match=r"infer of scaled returned \(4,\)"):
        base(infer=lambda x, *, k: x.shape)(X)
    with pytest.raises(CustomRuleError, match="impl of scaled returned a ndarray"):
        base(multiple=True)(X)
    with pytest.raises(CustomRuleError, match="infer of scaled returned a ArrayType"):
        ft.jit(base(multiple=True))(X)
    batched = base(batch="expand_dims", infer=lambda x, *, k: x.with_shape((4,)))
    with pytest.raises(CustomRuleError, match="batch='expand_dims' of scaled: the output has type"):
        ft.vmap(batched)(np.stack([X, X]))
