"""Loops and choices: types of carries, memory, printing, growth, errors."""

import gc
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import functrace as ft
from functrace.errors import (
    ArgumentError,
    BranchError,
    CarryError,
    ConcretizationError,
    DTypeError,
    MissingRuleError,
    ShapeError,
    TracerAssignmentError,
)
from functrace.ir import Program

from ..helpers import assert_close, assert_equal

XS = np.arange(1.0, 4.0)


def python_scan(f, carry, xs, reverse=False):
    ys = []
    for x in xs[::-1] if reverse else xs:
        carry, y = f(carry, x)
        ys.append(y)
    return carry, np.stack(ys[::-1] if reverse else ys)


# Values and types


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_a_python_loop(reverse):
    step = lambda c, x: (c * 0.5 + x, c - x)
    assert_equal(
        ft.scan(step, np.float64(2.0), XS, reverse=reverse),
        python_scan(step, np.float64(2.0), XS, reverse),
    )


def test_a_python_scalar_at_the_start_is_promoted_as_numpy_does():
    single = XS.astype(np.float32)
    carry, ys = ft.scan(lambda c, x: (c + x, c * x), 0.0, single)
    assert carry.dtype == ys.dtype == np.float32
    assert ft.scan(lambda c, x: (c + x, None), 0, XS)[0].dtype == np.float64
    assert type(ft.scan(lambda c, x: (c + 1, None), 0, XS)[0]) is int
    assert type(ft.fori_loop(0, 3, lambda i, c: c + i * 0.5, 0)) is float
    assert ft.fori_loop(0, 3, lambda i, c: c * i, np.float32(1)).dtype == np.float32
    assert ft.scan(lambda c, x: (0.0, c), np.float32(1), XS)[1].dtype == np.float32


def test_branches_return_what_numpy_promotes_python_scalars_to():
    f = lambda p, x: ft.cond(p, lambda: 0.0, lambda: x)
    assert f(True, np.float32(2)).dtype == np.float32
    assert type(f(True, 2)) is float
    assert type(ft.cond(False, lambda: 1, lambda: 2)) is int


def test_an_index_out_of_range_means_the_nearest_branch():
    branches = [lambda: 10, lambda: 20, lambda: 30]
    for pick in (ft.switch, ft.jit(lambda i, b=branches: ft.switch(i, b))):
        args = (branches,) if pick is ft.switch else ()
        assert [pick(i, *args) for i in (-5, 0, 1, 2, 9)] == [10, 10, 20, 30, 30]
    each = ft.vmap(lambda i: ft.switch(i, branches))(np.array([-5, 1, 9]))
    np.testing.assert_array_equal(each, [10, 20, 30])


def test_carries_and_outputs_are_trees():
    def step(carry, x):
        return {"n": carry["n"] + 1, "v": (carry["v"][0] * x, None)}, [x, {"d": carry["n"]}]

    carry, ys = ft.scan(step, {"n": 0, "v": (np.ones(2), None)}, XS)
    assert carry["n"] == 3
    assert carry["v"][1] is None
    np.testing.assert_array_equal(carry["v"][0], [6, 6])
    np.testing.assert_array_equal(ys[1]["d"], [0, 1, 2])


def test_loops_of_no_steps_give_the_start_and_empty_stacks():
    carry, ys = ft.scan(lambda c, x: (c + x, (c, x.astype(int))), 2.0, np.zeros(0))
    assert carry == 2.0
    assert [(y.shape, y.dtype.kind) for y in ys] == [((0,), "f"), ((0,), "i")]
    assert ft.fori_loop(3, 1, lambda i, c: c * i, 5.0) == 5.0
    assert ft.jit(lambda n: ft.fori_loop(3, n, lambda i, c: c * i, 5.0))(1) == 5.0
    assert ft.grad(lambda x: ft.scan(lambda c, a: (c * a * x, None), x, np.zeros(0))[0])(3.0) == 1.0
    assert ft.map(np.sin, np.zeros((0, 2))).shape == (0, 2)


def test_results_share_no_memory():
    x = np.ones(3)
    for f in (
        lambda x: ft.scan(lambda c, a: (c, c), x, XS),
        lambda x: ft.scan(lambda c, a: ((c[1], c[0]), c[0]), (x, x), XS),
        lambda x: ft.while_loop(lambda c: False, lambda c: c, (x, x)),
        lambda x: ft.cond(x[0] > 0, lambda x: (x, x), lambda x: (x, x * 2), x),
        lambda x: ft.associative_scan(np.add, (x[:1], x[:1]), axis=0),
    ):
        for call in (f, ft.jit(f)):
            for _ in range(9):
                leaves = ft.tree.leaves(call(x))
            for i, leaf in enumerate(leaves):
                leaf[...] = 7.0
                assert not any(np.any(other == 7.0) for other in leaves[i + 1 :])
            np.testing.assert_array_equal(x, np.ones(3))


def test_arrays_and_tracers_of_the_closure_are_used_as_they_are():
    scale = np.array([1.0, 2.0, 3.0])
    f = ft.grad(lambda x: ft.scan(lambda c, a: (c + np.sum(a * scale) * x, None), 0.0, XS)[0])
    assert f(1.0) == 36.0
    scale[0] = 7.0
    assert f(1.0) == 72.0
    loop = lambda x, y: ft.scan(lambda c, a: (c * x * y, None), 1.0, XS)[0]
    outer = lambda x: ft.grad(lambda y: loop(x, y))(2.0)
    assert_close(ft.grad(outer)(3.0), 324.0)  # d/dx of 3 x^3 y^2


def test_python_may_look_at_what_a_loop_gave():
    def f(x):
        total = ft.scan(lambda c, a: (c + a * x, None), 0.0, XS)[0]
        return x**2 if total > 5 else -x

    assert [float(ft.grad(f)(x)) for x in (1.0, 0.5)] == [2.0, -1.0]


def test_in_place_changes_of_arrays_made_in_the_body():
    def step(c, a):
        new = c * a
        new[0] += 1.0
        new += a
        return new, new[1]

    carry, ys = ft.scan(step, np.ones(2), XS)
    expected, column = np.ones(2), []
    for a in XS:
        expected = expected * a
        expected[0] += 1.0
        expected += a
        column.append(expected[1])
    assert_close((carry, ys), (expected, np.array(column)))


def test_linear_loops_are_transposed_and_others_refused():
    counted = lambda x: ft.fori_loop(0, 3, lambda i, c: c * i + c, x)
    assert ft.linear_transpose(counted, 1.0)(2.0) == (12.0,)
    step = lambda value: (value[0] + 1, value[1] * 2)
    looped = lambda x: ft.while_loop(lambda value: value[0] < 3, step, (0, x))[1]
    assert ft.linear_transpose(looped, 1.0)(2.0) == (16.0,)
    with pytest.raises(MissingRuleError):
        ft.linear_transpose(lambda x: ft.fori_loop(0, 3, lambda i, c: c * c, x), 1.0)(2.0)


def test_a_division_behind_a_branch_not_taken_does_no_harm_under_vmap():
    f = lambda x: ft.cond(x > 0, lambda x: np.log(x) / x, lambda x: x * 0.0, x)
    with np.errstate(all="ignore"):
        slopes = ft.vmap(ft.grad(f))(np.array([0.0, 1.0, -1.0]))
    np.testing.assert_array_equal(slopes, [0.0, 1.0, 0.0])


def test_rows_of_a_batch_that_are_done_stay_as_they_are():
    f = lambda x: ft.while_loop(lambda c: c[0] < 8.0, lambda c: (c[0] * 2, c[1] + 1), (x, 0))
    values, steps = ft.vmap(f)(np.array([9.0, 4.0, 1.0]))
    np.testing.assert_array_equal(values, [9.0, 8.0, 8.0])
    np.testing.assert_array_equal(steps, [0, 1, 3])


def test_steps_and_branches_that_do_not_count_divide_by_nothing():
    def root(a):
        return ft.while_loop(lambda y: abs(y * y - a) > 1e-9, lambda y: (y + a / y) / 2, a + 1)

    def roots(a):
        return ft.scan(lambda c, _: (root(c + a), c), a, length=3)[0]

    a = np.array([1.0, 4.0, 50.0])
    with np.errstate(all="raise"):
        assert_close(ft.vmap(ft.grad(root))(a), 0.5 / np.sqrt(a), 1e-9)
        looped = np.stack([ft.grad(roots)(x) for x in a])
        assert_close(ft.vmap(ft.grad(roots))(a), looped, 1e-9)
        either = lambda x: ft.cond(x > 2, lambda x: np.sin(x) / (x * x), np.exp, x)
        expected = [ft.grad(either)(x) for x in a]
        assert_close(ft.vmap(ft.grad(either))(a), np.array(expected), 1e-9)


# Programs


def test_a_loop_prints_its_body_indented():
    f = lambda x: ft.scan(lambda c, a: (c * a, c), x, XS)[0]
    text = str(ft.trace(f)(2.0))
    assert "\n  a: f64, b: f64[3] = scan(x, c0, length=3)\n    function(c: f64, a: f64)" in text
    assert "\n      b: f64 = c * a\n      return b, c" in text


def test_programs_with_loops_are_plain_data():
    step = lambda c, a: (ft.cond(c > 0, np.sin, np.cos, c), a)
    f = lambda x: ft.while_loop(lambda c: c < 3, lambda c: c + 1, ft.scan(step, x, XS)[0])
    program = ft.trace(f)(2.0)
    copy = pickle.loads(pickle.dumps(program))
    assert copy == program
    assert hash(copy) == hash(program) == hash(ft.trace(f)(2.0))
    assert copy != ft.trace(lambda x: f(x) + ft.scan(step, x, XS[:2])[0])(2.0)
    copy.check()
    assert ft.evaluate(copy, 2.0) == f(2.0)


def test_what_no_step_needs_is_pruned():
    def f(x):
        def step(carry, a):
            used, unused = carry
            return (used * a, np.sin(unused) + used), np.exp(unused)

        return ft.scan(step, (x, x), XS)[0][0]

    (loop,) = [e for e in ft.trace(ft.jit(f))(2.0).equations if e.primitive.name == "scan"]
    assert len(loop.outputs) == 1
    assert len(ft.trace(f)(2.0).equations[0].outputs) == 3
    text = str(ft.trace(ft.grad(f))(2.0))
    assert "exp" not in text
    assert "sin" not in text


def count(program: Program) -> int:
    return len(program.equations) + sum(
        count(inner) for e in program.equations for _, inner in e.programs
    )


TRANSFORMS = {
    "value": lambda f: f,
    "grad": ft.grad,
    "hessian": ft.hessian,
    "vmap": lambda f: lambda x: ft.vmap(f)(np.ones(3) * x),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_scan_is_traced_and_rewritten_in_a_size_that_its_length_does_not_change(transform):
    def equations(n):
        def f(x):
            step = lambda c, a: (np.tanh(c * a) + x, np.sin(c))
            return np.sum(ft.scan(step, x, np.zeros(n))[1])

        return count(ft.trace(TRANSFORMS[transform](f))(0.5))

    assert equations(10) == equations(10_000)


def test_residuals_that_do_not_depend_on_the_step_are_stored_once():
    W = np.ones((50, 50)) * 0.01

    def loss(W, n=20):
        return np.sum(ft.scan(lambda h, _: (np.tanh(np.exp(W) @ h), None), W[0], length=n)[0])

    program = ft.trace(ft.grad(loss))(W)
    largest = max(v.type.size for e in program.equations for v in e.outputs)
    assert largest == 50 * 50
    inside = [i for e in program.equations for _, p in e.programs for i in p.equations]
    assert not any(e.primitive.name == "exp" for e in inside)


def peak(call):
    gc.collect()
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("kind", ["scan", "while"])
def test_memory_of_reverse_mode_grows_in_proportion_to_the_number_of_steps(kind):
    def f(x, n):
        if kind == "scan":
            return np.sum(ft.fori_loop(0, n, lambda i, c: np.sin(c) * x, x))
        step = lambda v: (np.sin(v[0]) * x, v[1] + 1)
        return np.sum(ft.while_loop(lambda v: v[1] < n, step, (x, 0))[0])

    x = np.ones(500)
    gradients = {n: ft.jit(ft.grad(lambda x, n=n: f(x, n))) for n in (100, 400)}
    for gradient in gradients.values():
        gradient(x)
    short, long = (peak(lambda g=g: g(x)) for g in gradients.values())
    assert 3 < long / short < 5
    forward = ft.jit(lambda x: f(x, 400))
    forward(x)
    assert peak(lambda: forward(x)) < short / 5


# Errors

WRONG = {
    "dtype of a carry": (
        lambda: ft.scan(lambda c, x: ({"h": c["h"] + x}, None), {"h": np.zeros(2, "f4")}, XS),
        CarryError, ["the carry['h']", "f32[2]", "f64[2]", "astype(np.float32)"]),
    "shape of a carry": (
        lambda: ft.while_loop(lambda c: True, lambda c: np.stack([c, c]), 1.0),
        CarryError, ["while_loop", "f64~", "f64[2]"]),
    "tree of a carry": (
        lambda: ft.fori_loop(0, 2, lambda i, c: (c, c), 1.0), CarryError, ["(*, *)"]),
    "no pair": (lambda: ft.scan(lambda c, x: c, 1.0, XS), CarryError, ["(carry, y)", "Tracer"]),
    "shapes of branches": (
        lambda: ft.cond(True, lambda x: x, lambda x: x[:1], XS), BranchError,
        ["the false branch", "the true branch", "f64[3]", "f64[1]"]),
    "trees of branches": (
        lambda: ft.switch(0, [lambda: 1, lambda: (1, 2)]), BranchError, ["branch 0", "branch 1"]),
    "dtypes of branches": (
        lambda: ft.cond(True, lambda x: x.astype("f4"), lambda x: x, XS), BranchError,
        ["f32[3]", "f64[3]", "astype"]),
    "no branches": (lambda: ft.switch(0, []), ArgumentError, ["no branches"]),
    "index of floats": (lambda: ft.switch(0.5, [np.sin], 1.0), DTypeError, ["integer"]),
    "condition with axes": (
        lambda: ft.cond(XS > 0, np.sin, np.cos, XS), ShapeError, ["(3,)", "np.where"]),
    "lengths": (
        lambda: ft.scan(lambda c, x: (c, None), 1.0, {"a": XS, "b": XS[:2]}), ShapeError,
        ["xs['a']: shape (3,)", "xs['b']: shape (2,)"]),
    "length": (
        lambda: ft.scan(lambda c, x: (c, None), 1.0, XS, length=5), ShapeError, ["length=5"]),
    "no length": (lambda: ft.scan(lambda c, x: (c, None), 1.0), ArgumentError, ["length="]),
    "limits": (lambda: ft.fori_loop(0, 2.5, lambda i, c: c, 1.0), DTypeError, ["integers"]),
    "truth value in a body": (
        lambda: ft.scan(lambda c, x: (c if c > 0 else x, None), 1.0, XS), ConcretizationError,
        ["under scan", "functrace.cond"]),
    "change of the carry in place": (
        lambda: ft.scan(lambda c, x: (c.__iadd__(x), None), XS, XS), TracerAssignmentError,
        ["argument"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_raises_its_own_error_with_what_there_is_and_what_to_do(name):
    call, kind, words = WRONG[name]
    with pytest.raises(kind) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert "test_control_behaviour.py" in str(caught.value)


def test_an_error_of_numpy_in_a_body_names_the_equation_and_its_line():
    f = ft.jit(lambda A: ft.scan(lambda c, a: (c, np.linalg.inv(a)), 0.0, A))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        f(np.zeros((2, 2, 2)))
    notes = "\n".join(caught.value.__notes__)
    assert "in inv(f64[2,2])" in notes
    assert "test_control_behaviour.py" in notes


# Random bodies

OPS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=6
)


def random_body(rows):
    """A step from two carries and a slice to two carries and a y, and the same in plain Python."""

    def step(carry, a, branch):
        values = [*carry, a, carry[0] * 0.5]
        for op, i, j in rows:
            x, y = values[i % len(values)], values[j % len(values)]
            values.append(
                [
                    lambda x, y: x + y,
                    lambda x, y: np.sin(x) * y,
                    lambda x, y: np.tanh(x - y),
                    lambda x, y: branch(np.sum(x) > np.sum(y), x, y),
                    lambda x, y: np.cos(x) + a,
                    lambda x, y: x * 0.3,
                    lambda x, y: np.sum(x * y) * x * 0.1,
                    lambda x, y: np.exp(-(x**2)),
                    lambda x, y: y,
                ][op](x, y)
            )
        return (np.tanh(values[-1]), np.tanh(values[-2])), values[len(values) // 2]

    return step


def ours(p, x, y):
    return ft.cond(p, lambda: np.sin(x), lambda: x * y)


def plains(p, x, y):
    return np.sin(x) if p else x * y


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(OPS, st.booleans(), st.booleans())
def test_random_loops_equal_their_unrolled_form_to_second_order(rows, reverse, unknown):
    step = random_body(rows)
    slices = np.array([[0.3, -0.2], [0.5, 0.1], [-0.7, 0.4]])

    def looped(x):
        start = (x, x * 0.7)
        if unknown:
            body = lambda v: (step(v[0], ft.numpy.take(slices, v[1], axis=0), ours)[0], v[1] + 1)
            (first, second), _ = ft.while_loop(lambda v: v[1] < 3, body, (start, 0))
            return np.sum(first * second)
        (first, second), ys = ft.scan(lambda c, a: step(c, a, ours), start, slices, reverse=reverse)
        return np.sum(first * second) + np.sum(np.sin(ys))

    def unrolled(x):
        carry, total = (x, x * 0.7), 0.0
        for a in slices[::-1] if reverse and not unknown else slices:
            carry, y = step(carry, a, plains)
            total = total + (0.0 if unknown else np.sum(np.sin(y)))
        return np.sum(carry[0] * carry[1]) + total

    x, v = np.array([0.4, -0.3]), np.array([0.2, 0.9])
    assert_close(looped(x), unrolled(x), 1e-9)
    assert_close(ft.grad(looped)(x), ft.grad(unrolled)(x), 1e-9)
    assert_close(ft.hvp(looped, (x,), (v,)), ft.hvp(unrolled, (x,), (v,)), 1e-9)
    rows_of_x = np.stack([x, v, -x])
    expected = np.stack([ft.grad(unrolled)(row) for row in rows_of_x])
    assert_close(ft.vmap(ft.grad(looped))(rows_of_x), expected, 1e-9)
