"""Python's own control flow on traced values, where they have values, and its errors elsewhere."""

import math

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ConcretizationError
from functrace.ir import ArrayType
from functrace.recorder import recording
from functrace.tracer import UFUNCS

from ..numerical import assert_close, numerical_grad


def cube_root(a):
    """Newton's iteration to convergence: the number of steps depends on a."""
    x = a * 1.0
    while abs(x**3 - a) > 1e-13 * a:
        x = x - (x**3 - a) / (3 * x**2)
    return x


def positive_part(x):
    total = 0.0
    for element in x:
        if element > 0:
            total = total + element**2
    return total


def power_by_counting(x, n):
    result = x * 0 + 1
    for _ in range(int(n)):
        result = result * x
    return result


def masked_sum(x):
    return np.sum(x[x > 0] ** 3)


X = np.array([0.5, -1.5, 2.0, -0.3])
MODES = {
    "grad": ft.grad,
    "vjp": lambda f: lambda x: ft.vjp(f, x)[1](1.0)[0],
    "jvp": lambda f: lambda x: ft.jvp(f, (x,), (1.0,))[1],
    "linearize": lambda f: lambda x: ft.linearize(f, x)[1](1.0),
    "jacfwd": ft.jacfwd,
    "jacrev": ft.jacrev,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("a", [0.01, 2.0, 1e6])
def test_a_while_loop_to_convergence_has_the_derivative_of_its_limit(mode, a):
    assert_close(MODES[mode](cube_root)(a), a ** (-2 / 3) / 3)


@pytest.mark.parametrize("outer", MODES)
@pytest.mark.parametrize("inner", MODES)
def test_second_derivatives_of_a_while_loop(outer, inner):
    second = MODES[outer](MODES[inner](cube_root))
    assert_close(second(2.0), -2 / 9 * 2.0 ** (-5 / 3))


def test_the_hessian_of_a_while_loop():
    f = lambda x: cube_root(x[0] * x[1])
    a, b = 2.0, 3.0
    first, second = (a * b) ** (-2 / 3) / 3, -2 / 9 * (a * b) ** (-5 / 3)
    expected = [[second * b * b, second * a * b + first], [second * a * b + first, second * a * a]]
    assert_close(ft.hessian(f)(np.array([a, b])), expected)


def test_each_branch_of_an_if_has_its_own_derivative():
    def f(x):
        if x > 0:
            return x**2
        if x < -1:
            return np.exp(x)
        return -3.0 * x

    for x, slope in [(2.0, 4.0), (-2.0, math.exp(-2.0)), (-0.5, -3.0)]:
        assert_close(ft.grad(f)(x), slope)
        assert_close(ft.value_and_grad(f)(x)[0], f(x))


def test_a_new_branch_is_seen_at_each_call():
    f = ft.grad(lambda x: x**2 if x > 0 else -x)
    assert [float(f(x)) for x in (1.0, -1.0, 3.0, -3.0)] == [2.0, -1.0, 6.0, -1.0]


def test_iteration_with_an_if_on_each_element():
    expected = np.where(X > 0, 2 * X, 0.0)
    assert_close(ft.grad(positive_part)(X), expected)
    assert_close(ft.hessian(positive_part)(X), np.diag(2.0 * (X > 0)))


def test_conditional_expressions_and_or_and_not():
    def f(x):
        a = x if x > 1 and not x > 5 else -x
        return a * (2.0 if x > 10 or x < 0 else 3.0)

    assert [float(ft.grad(f)(x)) for x in (2.0, 6.0, 20.0, -1.0)] == [3.0, -3.0, -2.0, -2.0]


def test_chained_comparisons_assert_and_any_all():
    def f(x):
        assert np.all(x > -10)
        return np.sum(x) if np.any(x > 1) and 0 < x[0] < 1 else np.sum(x) * 2

    assert_close(ft.grad(f)(X), np.ones(4))
    assert_close(ft.grad(f)(-X), 2 * np.ones(4))


def test_python_min_max_and_sorted_choose_by_value():
    f = lambda x: max(x) * 2 + min(x) * 3 + sorted(x, key=lambda e: e)[1]
    assert_close(ft.grad(f)(X), [0.0, 3.0, 2.0, 1.0])


def test_range_of_a_traced_integer():
    f = lambda x, n: power_by_counting(x, n)
    assert_close(ft.grad(f)(2.0, 5), 80.0)
    by_argument = lambda x: power_by_counting(x[0], np.argmax(x) + 1)
    assert_close(ft.grad(by_argument)(np.array([2.0, 1.0, 7.0])), [12.0, 0.0, 0.0])

    def by_count(x):
        total = 0.0
        for i in range(np.sum(x > 0)):  # range takes the traced integer itself
            total = total + x[i] * (i + 1)
        return total

    assert_close(ft.grad(by_count)(X), [1.0, 2.0, 0.0, 0.0])


def test_boolean_masks_select_by_value():
    assert_close(ft.grad(masked_sum)(X), np.where(X > 0, 3 * X**2, 0))
    assert_close(ft.hessian(masked_sum)(X), np.diag(np.where(X > 0, 6 * X, 0)))
    f = lambda x: np.sum(x[x > 0] * x[x < 0])
    assert_close(ft.grad(f)(X), numerical_grad(f, X), rtol=1e-7)


def test_masks_of_rows_and_masks_in_two_axes():
    matrix = np.arange(12.0).reshape(3, 4) - 5
    rows = lambda m: np.sum(m[m[:, 0] > -2] ** 2)
    assert_close(ft.grad(rows)(matrix), numerical_grad(rows, matrix), rtol=1e-6, atol=1e-7)
    both = lambda m: np.sum(m[m > 0] ** 2)
    assert_close(ft.grad(both)(matrix), np.where(matrix > 0, 2 * matrix, 0))


def test_a_traced_integer_is_an_index_of_lists_tuples_and_arrays():
    functions = [np.sin, np.cos, np.exp]
    f = lambda x: functions[np.argmax(x)](x[0]) + (10.0, 20.0, 30.0)[np.argmin(x)] * x[1]
    x = np.array([0.1, 0.2, 0.3])
    assert_close(ft.grad(f)(x), [math.exp(0.1), 10.0, 0.0])
    assert_close(ft.grad(lambda x: x[np.argmax(x)])(x), [0.0, 0.0, 1.0])
    assert_close(ft.grad(lambda x: np.array([1.0, 2.0, 3.0])[np.argmax(x)] * x[0])(x), [3, 0, 0])


def test_a_traced_integer_is_a_key_of_a_dict_by_its_value():
    table = {0: 2.0, 1: 3.0}
    f = lambda x: table[int(np.argmax(x))] * x[0]
    assert_close(ft.grad(f)(np.array([0.0, 1.0])), [3.0, 0.0])


def test_booleans_and_integers_convert_to_python():
    def f(x):
        count = np.sum(x > 0)
        assert isinstance(bool(count), bool)
        assert int(count) == 2
        assert float(count) == 2.0
        assert complex(count) == 2.0
        assert count.item() == 2
        assert (x > 0).tolist() == [True, False, True, False]
        assert list(range(count)) == [0, 1]
        return np.sum(x) * int(count)

    assert_close(ft.grad(f)(X), np.full(4, 2.0))


def test_slices_and_shapes_of_traced_integers():
    f = lambda x: np.sum(x[: np.argmax(x)] ** 2) + np.sum(np.reshape(x, (np.argmax(x), -1))[0])
    assert_close(ft.grad(f)(X), [2 * 0.5 + 1, 2 * -1.5 + 1, 0, 0])


def test_values_are_known_in_nested_grads_and_closures():
    def f(x):
        def g(y):
            return x * y**2 if x > 1 and y > x else x**2 * y

        return ft.grad(g)(3.0) * (2 if x < 2.5 else 1)

    assert_close(ft.grad(f)(2.0), 12.0)  # x < y: 2 * (2 x y)' = 4 y
    assert_close(ft.grad(f)(4.0), 8.0)  # else: (x^2)' = 2 x
    assert_close(ft.grad(f)(0.5), 2.0)  # 2 * (x^2)' = 4 x


def test_values_pass_through_a_jitted_function_and_a_vmap():
    square = ft.jit(lambda x: x * x)
    f = lambda x: 3 * x if square(x) > 4 else -x
    assert [float(ft.grad(f)(x)) for x in (1.0, 3.0)] == [-1.0, 3.0]
    g = lambda x: np.sum(x) if np.any(ft.vmap(lambda e: e > 1)(x)) else -np.sum(x)
    assert_close(ft.grad(g)(X), np.ones(4))


def test_values_of_what_was_computed_from_an_inner_derivative():
    f = lambda x: x**3 if ft.grad(lambda y: y**2)(x) > 1 else x
    assert_close(ft.grad(f)(1.0), 3.0)
    assert_close(ft.grad(f)(0.25), 1.0)


@pytest.mark.filterwarnings("ignore::functrace.errors.UnrolledLoopWarning")  # long on purpose
def test_a_long_chain_is_evaluated_without_recursion():
    def f(x):
        y = x
        for _ in range(5000):
            y = y * 0.999 + 0.001
        return x * 2 if y > 0 else x

    assert_close(ft.grad(f)(3.0), 2.0)


def test_a_value_is_computed_once(monkeypatch):
    calls, primitive = [], UFUNCS[np.sin].primitive

    def counted(x):
        calls.append(x)
        return np.sin(x)

    monkeypatch.setattr(primitive, "impl", counted)
    with recording() as recorder:
        y = np.sin(recorder.input(ArrayType((), float), value=np.float64(1.0)))
        assert not calls  # recording computes nothing
        for bound in (0.1, 0.2, 0.3):
            assert y > bound
    assert len(calls) == 1


def test_an_array_known_when_traced_is_unlocked_and_used_by_value():
    big = np.linspace(-1, 1, 20_000)  # large enough to be locked while tracing
    f = lambda x: np.sum(x * big) if np.sum(x * big) > -1 else x[0]
    assert_close(ft.grad(f)(np.ones(20_000)), big)
    big[0] = 5.0


# Where values are unknown


NEEDS_A_VALUE = {
    "if": lambda x: x if x > 0 else -x,
    "while": lambda x: cube_root(x),
    "and": lambda x: x > 0 and x,
    "bool": lambda x: bool(x > 0),
    "int": lambda x: x * int(x > 0),
    "range": lambda x: x * len(range(np.sum(x > 0))),
    "index of a list": lambda x: [1.0, 2.0][np.argmax(np.stack([x, x]))],
    "item": lambda x: (x > 0).item(),
    "mask": lambda x: np.stack([x, x])[np.stack([x, x]) > 0],
    "max": lambda x: max(x, 2 * x),
    "in": lambda x: 1.0 in np.stack([x, x]),
    "assert": lambda x: bool(np.allclose(x, 1.0)),
}
WITHHOLD = {
    "jit": lambda f: ft.jit(f)(1.0),
    "vmap": lambda f: ft.vmap(f)(np.ones(3)),
    "grad in jit": lambda f: ft.jit(lambda x: ft.jvp(f, (x,), (1.0,)))(1.0),
    "grad in vmap": lambda f: ft.vmap(lambda x: ft.vjp(f, x)[0])(np.ones(3)),
    "jit in grad": lambda f: ft.grad(ft.jit(f))(1.0),
    "vmap in grad": lambda f: ft.grad(lambda x: np.sum(ft.vmap(f)(np.ones(3) * x)))(1.0),
    "hessian of jit": lambda f: ft.hessian(ft.jit(f))(1.0),
    "trace": lambda f: ft.trace(f)(1.0),
    "eval_shape": lambda f: ft.eval_shape(f, 1.0),
}


@pytest.mark.parametrize("transform", WITHHOLD)
@pytest.mark.parametrize("what", NEEDS_A_VALUE)
def test_a_needed_value_that_is_unknown_raises(what, transform):
    with pytest.raises(ConcretizationError):
        WITHHOLD[transform](NEEDS_A_VALUE[what])


def test_an_outer_value_is_known_where_only_inner_ones_are_not():
    def f(x):
        return ft.jit(lambda y: y * 2 if x > 1 else y * 3)(x)

    assert_close(ft.grad(f)(2.0), 2.0)
    assert_close(ft.grad(f)(0.5), 3.0)
    g = lambda x: np.sum(ft.vmap(lambda y: y * x if x > 1 else -y)(np.ones(3)))
    assert_close(ft.grad(g)(2.0), 3.0)


def test_static_arguments_of_jit_have_values():
    f = ft.jit(power_by_counting, static_argnums=1)
    assert_close(f(2.0, 5), 32.0)
    assert_close(ft.grad(lambda x: f(x, 3))(2.0), 12.0)


def test_shapes_and_lengths_are_known_under_jit():
    f = ft.jit(lambda x: x.sum() / len(x) if x.shape[0] > 2 and x.ndim == 1 else x.sum())
    assert_close(f(np.ones(4)), 1.0)
    assert_close(f(np.ones(2)), 2.0)
