"""The branch of `np.where` that is not taken contributes nothing, whatever its slope is there."""

import numpy as np
import pytest

import functrace as ft

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # log(0), as in plain NumPy
X = np.array([-1.0, 0.0, 2.0])


def safe_log(x):
    return np.sum(np.where(x > 0, np.log(x), 0.0))


def safe_sqrt(x):
    return np.sum(np.where(x > 0, np.sqrt(x), x))


def nested(x):
    return np.sum(np.where(x > -2, np.where(x > 0, 3 * np.log(2 * x), x), np.exp(x)))


def used_twice(x):
    y = np.log(x)
    return np.sum(np.where(x > 0, y * y, 0.0))


def in_several_branches(x):
    y, positive = np.log(x), x > 0
    inner = np.where(positive, np.where(x > 1, y, 2 * y), 0.0)
    return np.sum(inner + np.where(positive, 3 * y, x))


CASES = {
    "log": (safe_log, [0, 0, 0.5], [0, 0, -0.25]),
    "sqrt": (safe_sqrt, [1, 1, 0.5 / np.sqrt(2)], [0, 0, -0.25 * 2**-1.5]),
    "nested": (nested, [1, 1, 1.5], [0, 0, -0.75]),
    "used twice": (used_twice, [0, 0, np.log(2)], [0, 0, (1 - np.log(2)) / 2]),
    "in several branches": (in_several_branches, [1, 1, 2], [0, 0, -1]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("wrap", [lambda f: f, ft.jit], ids=["plain", "jit"])
def test_the_gradient_is_that_of_the_branch_taken(name, wrap):
    f, gradient, _ = CASES[name]
    np.testing.assert_allclose(wrap(ft.grad(f))(X), gradient)


@pytest.mark.parametrize("name", CASES)
def test_forward_mode_agrees(name):
    f, gradient, _ = CASES[name]
    tangents = [ft.jvp(f, (X,), (v,))[1] for v in np.eye(3)]
    np.testing.assert_allclose(tangents, gradient)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("second", [ft.hessian, lambda f: ft.jacrev(ft.jacrev(f))])
def test_second_derivatives_are_those_of_the_branch_taken(name, second):
    f, _, diagonal = CASES[name]
    np.testing.assert_allclose(second(f)(X), np.diag(diagonal), atol=1e-15)


def test_batches_agree():
    batch = np.stack([X, X + 1])
    expected = [ft.grad(safe_log)(row) for row in batch]
    np.testing.assert_allclose(ft.vmap(ft.grad(safe_log))(batch), expected)


def test_a_value_used_in_both_branches_and_elsewhere_gets_all_its_cotangents():
    def f(x):
        y = np.log(x)
        return np.sum(np.where(x > 1, y, -y) + 2 * y)

    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(ft.grad(f)(x), [1 / 0.5, 3 / 2.0])


def test_an_operand_that_broadcasts_gets_the_sum_over_the_elements_chosen():
    def f(a, x):
        return np.sum(np.where(x > 0, a * x, 0.0))

    np.testing.assert_allclose(ft.grad(f)(3.0, X), 2.0)


def test_a_branch_behind_a_contraction_stays_finite():
    W = np.arange(9.0).reshape(3, 3)

    def f(x):
        return np.sum(W @ np.where(x > 0, np.log(x), 0.0))

    np.testing.assert_allclose(ft.grad(f)(X), [0, 0, W[:, 2].sum() / 2])


def test_one_condition_for_a_whole_branch_reaches_behind_reductions_and_products():
    W = np.arange(9.0).reshape(3, 3)

    def f(x):
        return np.where(np.all(x > 0), np.sum(W @ np.log(np.reshape(x, (3, 1)))), x[0])

    np.testing.assert_array_equal(ft.grad(f)(X), [1, 0, 0])
    np.testing.assert_array_equal(ft.jit(ft.grad(f))(X), [1, 0, 0])
    np.testing.assert_allclose(ft.grad(f)(X + 2), W.sum(axis=0) / (X + 2))
    np.testing.assert_array_equal(ft.hessian(f)(X), np.zeros((3, 3)))
    np.testing.assert_allclose(ft.vmap(ft.grad(f))(np.stack([X, X + 2]))[0], [1, 0, 0])
