"""The lectures' flow graph, L = (w·ReLU(Wx + b) + b0 - y)^2: its gradient, and its minibatch."""

import numpy as np
import pytest

import functrace as ft
from functrace.ops.contract import EINSUM

RNG = np.random.default_rng(0)
PARAMS = (RNG.normal(size=(4, 3)), RNG.normal(size=4), RNG.normal(size=4), 0.5)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=7)


def loss(params, x, y):
    W, b, w, b0 = params
    return (w @ np.maximum(W @ x + b, 0) + b0 - y) ** 2


def by_hand(params, x, y):
    """The pullback of the graph, written out: value and gradient for one example."""
    W, b, w, b0 = params
    hidden = W @ x + b
    active = np.maximum(hidden, 0)
    residual = w @ active + b0 - y
    upstream = 2 * residual
    reached = upstream * w * (hidden > 0)
    return residual**2, (np.outer(reached, x), reached, upstream * active, upstream)


def batch(params, X, Y):
    return np.mean(ft.vmap(loss, in_axes=(None, 0, 0))(params, X, Y))


def matrix_form(params, X, Y):
    W, b, w, b0 = params
    return np.mean((np.maximum(X @ W.T + b, 0) @ w + b0 - Y) ** 2)


def assert_trees_close(left, right):
    assert ft.tree.structure(left) == ft.tree.structure(right)
    for a, b in zip(ft.tree.leaves(left), ft.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_the_gradient_of_one_example_is_the_one_worked_out_by_hand():
    value, gradient = by_hand(PARAMS, X[0], Y[0])
    assert_trees_close(ft.value_and_grad(loss)(PARAMS, X[0], Y[0]), (value, gradient))
    assert_trees_close(ft.grad(loss)(PARAMS, X[0], Y[0]), gradient)
    value, pullback = ft.vjp(loss, PARAMS, X[0], Y[0])
    assert_trees_close(pullback(1.0)[0], gradient)


def test_forward_mode_agrees_with_reverse_mode():
    gradient = ft.grad(loss)(PARAMS, X[0], Y[0])
    direction = ft.tree.map(lambda p: RNG.normal(size=np.shape(p))[()], PARAMS)
    _, along = ft.jvp(lambda p: loss(p, X[0], Y[0]), (PARAMS,), (direction,))
    products = ft.tree.map(lambda g, v: np.sum(g * v), gradient, direction)
    np.testing.assert_allclose(along, sum(ft.tree.leaves(products)))


@pytest.mark.parametrize("wrap", [lambda f: f, ft.jit], ids=["plain", "jit"])
def test_the_minibatch_is_the_mean_over_examples(wrap):
    rows = [by_hand(PARAMS, x, y) for x, y in zip(X, Y, strict=True)]
    value = np.mean([row[0] for row in rows])
    gradient = ft.tree.map(lambda *parts: np.mean(parts, axis=0), *[row[1] for row in rows])
    assert_trees_close(wrap(ft.value_and_grad(batch))(PARAMS, X, Y), (value, gradient))


def test_vmap_of_the_loss_is_its_matrix_form():
    batched, written = (ft.trace(f)(PARAMS, X, Y) for f in (batch, matrix_form))
    assert "X @ params[0].T" in str(batched)
    assert "X @ params[0].T" in str(ft.trace(ft.value_and_grad(batch))(PARAMS, X, Y))
    np.testing.assert_allclose(
        ft.evaluate(batched, *PARAMS, X, Y), ft.evaluate(written, *PARAMS, X, Y), rtol=1e-14
    )


def test_the_minibatch_step_makes_no_product_for_each_example():
    program = ft.jit(ft.value_and_grad(batch)).trace(PARAMS, X, Y)
    largest = 7 * 4  # examples by hidden units
    for equation in program.equations:
        for var in equation.outputs:
            assert var.type.ndim <= 2
            assert var.type.size <= largest, str(equation)
    products = [e for e in program.equations if e.primitive is EINSUM]
    assert len(products) == 5  # X W^T, its product with w, and what those hand back


def test_per_example_gradients_are_there_when_asked_for():
    gradients = ft.vmap(ft.grad(loss), in_axes=(None, 0, 0))(PARAMS, X, Y)
    for i in range(len(X)):
        assert_trees_close(
            ft.tree.map(lambda g, i=i: g[i], gradients), by_hand(PARAMS, X[i], Y[i])[1]
        )
