"""Transforms nest to any depth and in any order."""

import math
from functools import partial

import numpy as np
import pytest

import functrace as ft

from ..numerical import assert_close, numerical_grad

rng = np.random.default_rng(7)
X = rng.normal(size=4)
BATCH = rng.normal(size=(5, 4))
W = rng.normal(size=(3, 4))
V = rng.normal(size=4)


def loss(x):
    """A scalar function of a vector with a full Hessian."""
    hidden = np.tanh(W @ x)
    return np.sum(hidden**2) + np.sin(x[0] * x[1]) * np.exp(-(x[2] ** 2))


def vector(x):
    """A function from 4 to 3 numbers."""
    return np.sin(W @ x) * np.sum(x**2)


LOSS_GRADIENT = numerical_grad(loss, X)
LOSS_HESSIAN = np.stack([ft.grad(lambda x, i=i: ft.grad(loss)(x)[i])(X) for i in range(4)])
VECTOR_JACOBIAN = np.cos(W @ X)[:, None] * W * np.sum(X**2) + np.outer(np.sin(W @ X), 2 * X)
BATCH_GRADIENTS = np.stack([ft.grad(loss)(x) for x in BATCH])


def test_the_gradient_agrees_with_finite_differences():
    assert_close(ft.grad(loss)(X), LOSS_GRADIENT, rtol=1e-6, atol=1e-8)


def test_the_hessian_agrees_with_differences_of_the_gradient():
    numerical = np.stack([numerical_grad(lambda x, i=i: ft.grad(loss)(x)[i], X) for i in range(4)])
    assert_close(LOSS_HESSIAN, numerical, rtol=1e-6, atol=1e-8)
    assert_close(LOSS_HESSIAN, LOSS_HESSIAN.T)


# Higher orders


CLOSED_FORMS = {
    "sin": (np.sin, lambda x, n: math.sin(x + n * math.pi / 2)),
    "exp": (np.exp, lambda x, n: math.exp(x)),
    "log": (
        np.log,
        lambda x, n: (-1) ** (n - 1) * math.factorial(n - 1) / x**n if n else math.log(x),
    ),
    "power": (
        lambda x: x**5,
        lambda x, n: math.factorial(5) / math.factorial(5 - n) * x ** (5 - n),
    ),
    "reciprocal": (lambda x: 1 / x, lambda x, n: (-1) ** n * math.factorial(n) / x ** (n + 1)),
    "product": (lambda x: x * np.exp(x), lambda x, n: (x + n) * math.exp(x)),
}


def derivative_forward(f):
    return lambda x: ft.jvp(f, (x,), (1.0,))[1]


def derivative_pullback(f):
    return lambda x: ft.vjp(f, x)[1](1.0)[0]


def derivative_linearized(f):
    return lambda x: ft.linearize(f, x)[1](1.0)


DERIVATIVES = {
    "grad": ft.grad,
    "jvp": derivative_forward,
    "vjp": derivative_pullback,
    "linearize": derivative_linearized,
    "jacfwd": ft.jacfwd,
    "jacrev": ft.jacrev,
    "elementwise_grad": ft.elementwise_grad,
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_repeated_grad_gives_the_closed_form_of_each_order(name, order):
    f, closed_form = CLOSED_FORMS[name]
    for _ in range(order):
        f = ft.grad(f)
    assert_close(f(0.7), closed_form(0.7, order))


@pytest.mark.parametrize("outer", DERIVATIVES)
@pytest.mark.parametrize("inner", DERIVATIVES)
def test_every_derivative_of_every_derivative_is_the_second_derivative(outer, inner):
    second = DERIVATIVES[outer](DERIVATIVES[inner](lambda x: np.sin(x) * x))
    assert_close(second(0.7), 2 * math.cos(0.7) - 0.7 * math.sin(0.7))


@pytest.mark.parametrize("outer", DERIVATIVES)
@pytest.mark.parametrize("middle", ["grad", "jvp", "vjp", "linearize"])
@pytest.mark.parametrize("inner", ["grad", "jvp"])
def test_third_derivatives_agree_in_every_mix_of_modes(outer, middle, inner):
    third = DERIVATIVES[outer](DERIVATIVES[middle](DERIVATIVES[inner](np.log)))
    assert_close(third(0.7), 2 / 0.7**3)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_jit_at_every_level_changes_nothing(name):
    derivative = DERIVATIVES[name]
    f = lambda x: np.exp(x) * np.sin(x)
    expected = 2 * math.exp(0.7) * math.cos(0.7)
    for levels in range(8):
        inner = ft.jit(f) if levels & 1 else f
        first = ft.jit(derivative(inner)) if levels & 2 else derivative(inner)
        second = ft.jit(derivative(first)) if levels & 4 else derivative(first)
        assert_close(second(0.7), expected)
        assert_close(second(0.7), expected)  # again, from the caches


# Hessians


HESSIANS = {
    "hessian": ft.hessian(loss),
    "jacfwd of grad": ft.jacfwd(ft.grad(loss)),
    "jacrev of grad": ft.jacrev(ft.grad(loss)),
    "jacfwd of jacfwd": ft.jacfwd(ft.jacfwd(loss)),
    "jacrev of jacfwd": ft.jacrev(ft.jacfwd(loss)),
    "jacrev of jacrev": ft.jacrev(ft.jacrev(loss)),
    "jit of hessian": ft.jit(ft.hessian(loss)),
    "hessian of jit": ft.hessian(ft.jit(loss)),
    "rows by hvp": lambda x: np.stack([ft.hvp(loss, (x,), (v,)) for v in np.eye(4)]),
    "vmap of hvp": lambda x: ft.vmap(lambda v: ft.hvp(loss, (x,), (v,)))(np.eye(4)),
    "vjp of grad": lambda x: np.stack([ft.vjp(ft.grad(loss), x)[1](v)[0] for v in np.eye(4)]),
    "linearize of grad": lambda x: ft.vmap(ft.linearize(ft.grad(loss), x)[1])(np.eye(4)),
    "grad of jvp": lambda x: np.stack(
        [ft.grad(lambda y, v=v: ft.jvp(loss, (y,), (v,))[1])(x) for v in np.eye(4)]
    ),
    "vmap of grad of jvp": lambda x: ft.vmap(
        lambda v: ft.grad(lambda y: ft.jvp(loss, (y,), (v,))[1])(x)
    )(np.eye(4)),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_all_ways_to_the_hessian_agree(name):
    assert_close(HESSIANS[name](X), LOSS_HESSIAN)


def test_hessian_of_vmap_is_block_diagonal():
    total = lambda batch: np.sum(ft.vmap(loss)(batch))
    found = ft.hessian(total)(BATCH)
    expected = np.zeros((5, 4, 5, 4))
    for i, x in enumerate(BATCH):
        expected[i, :, i] = ft.hessian(loss)(x)
    assert_close(found, expected)


def test_vmap_of_hessian_is_the_hessian_of_each_example():
    expected = np.stack([ft.hessian(loss)(x) for x in BATCH])
    assert_close(ft.vmap(ft.hessian(loss))(BATCH), expected)
    assert_close(ft.jit(ft.vmap(ft.hessian(loss)))(BATCH), expected)


def test_third_derivatives_of_a_vector_function_are_symmetric():
    third = ft.jacfwd(ft.jacrev(ft.grad(loss)))(X)
    assert third.shape == (4, 4, 4)
    for axes in [(0, 2, 1), (1, 0, 2), (2, 1, 0)]:
        assert_close(third, third.transpose(axes))


# Jacobians


@pytest.mark.parametrize("jacobian", [ft.jacfwd, ft.jacrev, ft.jacobian])
def test_jacobians_have_the_closed_form(jacobian):
    assert_close(jacobian(vector)(X), VECTOR_JACOBIAN)
    assert_close(ft.jit(jacobian(vector))(X), VECTOR_JACOBIAN)
    assert_close(jacobian(ft.jit(vector))(X), VECTOR_JACOBIAN)


def test_vmap_of_jacobian_is_that_of_each_example():
    for jacobian in (ft.jacfwd, ft.jacrev):
        expected = np.stack([jacobian(vector)(x) for x in BATCH])
        assert_close(ft.vmap(jacobian(vector))(BATCH), expected)


def test_jacobian_of_vmap_vanishes_between_examples():
    found = ft.jacfwd(ft.vmap(vector))(BATCH)
    assert found.shape == (5, 3, 5, 4)
    assert_close(found, ft.jacrev(ft.vmap(vector))(BATCH))
    for i in range(5):
        assert_close(found[i, :, i], ft.jacrev(vector)(BATCH[i]))
        assert not np.any(np.delete(found[i], i, axis=1))


# vmap


def test_vmap_of_grad_is_grad_of_each_example():
    for f in (
        ft.vmap(ft.grad(loss)),
        ft.jit(ft.vmap(ft.grad(loss))),
        ft.vmap(ft.jit(ft.grad(loss))),
        ft.vmap(ft.grad(ft.jit(loss))),
        ft.grad(lambda batch: np.sum(ft.vmap(loss)(batch))),
        ft.jit(ft.grad(lambda batch: ft.vmap(loss)(batch).sum())),
        ft.grad(lambda batch: np.sum(ft.jit(ft.vmap(loss))(batch))),
    ):
        assert_close(f(BATCH), BATCH_GRADIENTS)


def test_vmap_of_vmap_over_the_same_axes():
    cube = rng.normal(size=(2, 3, 4))
    expected = np.array([[loss(x) for x in row] for row in cube])
    assert_close(ft.vmap(ft.vmap(loss))(cube), expected)
    assert_close(ft.jit(ft.vmap(ft.vmap(loss)))(cube), expected)


def test_vmap_of_vmap_over_different_axes_and_arguments():
    f = lambda a, b: np.dot(a, b) * a[0]
    a, b = rng.normal(size=(4, 2)), rng.normal(size=(3, 4))
    inner = ft.vmap(f, in_axes=(None, 0))  # rows of b
    found = ft.vmap(inner, in_axes=(1, None))(a, b)  # columns of a
    assert_close(found, np.array([[f(a[:, i], b[j]) for j in range(3)] for i in range(2)]))
    transposed = ft.vmap(inner, in_axes=(1, None), out_axes=1)(a, b)
    assert_close(transposed, found.T)


def test_vmap_of_vmap_reaches_inner_axes_first():
    x = rng.normal(size=(2, 3, 4))
    outer_last = ft.vmap(ft.vmap(loss, in_axes=1), in_axes=1)(np.moveaxis(x, (0, 1, 2), (2, 1, 0)))
    assert_close(outer_last, np.array([[loss(x[j, i]) for j in range(2)] for i in range(3)]))


def test_three_vmaps_make_a_table_of_all_pairs():
    a, b, c = rng.normal(size=2), rng.normal(size=3), rng.normal(size=4)
    f = lambda x, y, z: np.sin(x) * y + z
    table = ft.vmap(
        ft.vmap(ft.vmap(f, in_axes=(None, None, 0)), in_axes=(None, 0, None)),
        in_axes=(0, None, None),
    )(a, b, c)
    assert_close(table, np.sin(a)[:, None, None] * b[:, None] + c)


def test_vmap_of_jvp_and_jvp_of_vmap_agree():
    directions = rng.normal(size=BATCH.shape)
    each = np.array([ft.grad(loss)(x) @ v for x, v in zip(BATCH, directions, strict=True)])
    by_vmap = ft.vmap(lambda x, v: ft.jvp(loss, (x,), (v,))[1])(BATCH, directions)
    by_jvp = ft.jvp(ft.vmap(loss), (BATCH,), (directions,))[1]
    assert_close(by_vmap, each)
    assert_close(by_jvp, each)


def test_vmap_of_vjp_and_vjp_of_vmap_agree():
    cotangents = rng.normal(size=(5, 3))
    each = np.array([ct @ ft.jacrev(vector)(x) for x, ct in zip(BATCH, cotangents, strict=True)])
    by_vmap = ft.vmap(lambda x, ct: ft.vjp(vector, x)[1](ct)[0])(BATCH, cotangents)
    by_vjp = ft.vjp(ft.vmap(vector), BATCH)[1](cotangents)[0]
    assert_close(by_vmap, each)
    assert_close(by_vjp, each)


def test_a_pullback_can_be_mapped():
    _, pull = ft.vjp(vector, X)
    assert_close(ft.vmap(pull)(np.eye(3))[0], VECTOR_JACOBIAN)


def test_jvp_of_vjp_is_the_hessian_product():
    gradient = lambda x: ft.vjp(loss, x)[1](1.0)[0]
    _, product = ft.jvp(gradient, (X,), (V,))
    assert_close(product, LOSS_HESSIAN @ V)


def test_vjp_of_jvp_is_the_hessian_product():
    slope = lambda x: ft.jvp(loss, (x,), (V,))[1]
    _, pull = ft.vjp(slope, X)
    assert_close(pull(1.0)[0], LOSS_HESSIAN @ V)


# linearize and linear_transpose


def test_a_pushforward_can_be_mapped_differentiated_and_transposed():
    value, push = ft.linearize(vector, X)
    assert_close(value, vector(X))
    assert_close(ft.vmap(push, out_axes=1)(np.eye(4)), VECTOR_JACOBIAN)
    assert_close(ft.jacrev(push)(V), VECTOR_JACOBIAN)
    (rows,) = ft.linear_transpose(push, V)(np.array([1.0, 0.0, 0.0]))
    assert_close(rows, VECTOR_JACOBIAN[0])


def test_linearize_inside_grad_and_vmap():
    slope = lambda x: ft.linearize(loss, x)[1](V)
    assert_close(ft.grad(slope)(X), LOSS_HESSIAN @ V)
    assert_close(ft.vmap(slope)(BATCH), BATCH_GRADIENTS @ V)
    assert_close(ft.jit(slope)(X), LOSS_GRADIENT @ V, rtol=1e-6)


def test_linear_transpose_inside_grad_vmap_and_jit():
    def quadratic(x, y):  # x^T diag(y) W^T W x through the transpose of x -> W x
        (back,) = ft.linear_transpose(lambda z: W @ z, x)(W @ x)
        return np.sum(x * back * y)

    gram = W.T @ W
    y = rng.normal(size=4)
    gradient = lambda x: (y * (gram @ x)) + gram @ (y * x)
    assert_close(ft.grad(quadratic)(X, y), gradient(X))
    assert_close(ft.jit(ft.grad(quadratic))(X, y), gradient(X))
    assert_close(
        ft.vmap(ft.grad(quadratic), in_axes=(0, None))(BATCH, y),
        np.stack([gradient(x) for x in BATCH]),
    )


def test_linear_transpose_of_a_function_that_closes_over_an_outer_tracer():
    def f(a):
        (t,) = ft.linear_transpose(lambda z: a * z, 1.0)(3.0)
        return t * a

    assert_close(ft.grad(f)(2.0), 12.0)
    assert_close(ft.vmap(ft.grad(f))(np.array([1.0, 2.0])), [6.0, 12.0])


def test_transposing_twice_gives_the_function_back():
    f = lambda x: W @ x
    transposed = lambda y: ft.linear_transpose(f, X)(y)[0]
    twice = lambda x: ft.linear_transpose(transposed, np.ones(3))(x)[0]
    assert_close(twice(V), W @ V)


def test_a_pullback_made_outside_works_inside_another_transform():
    _, pull = ft.vjp(vector, X)
    f = lambda ct: np.sum(pull(ct)[0] ** 2)
    ct = np.array([1.0, -2.0, 0.5])
    assert_close(ft.grad(f)(ct), 2 * VECTOR_JACOBIAN @ (VECTOR_JACOBIAN.T @ ct))
    assert_close(ft.jit(f)(ct), np.sum((VECTOR_JACOBIAN.T @ ct) ** 2))


# Closures over outer tracers


def test_grad_closes_over_a_grad_tracer():
    f = lambda x: ft.grad(lambda y: x**2 * y**3)(2.0)  # 12 x^2
    assert_close(ft.grad(f)(3.0), 72.0)


def test_grad_closes_over_a_vmap_tracer():
    f = lambda x: ft.grad(lambda y: np.sum(x * y) ** 2)(np.ones(4))
    assert_close(ft.vmap(f)(BATCH), 2 * BATCH.sum(1, keepdims=True) * BATCH)


def test_grad_closes_over_a_jit_tracer():
    f = ft.jit(lambda x: ft.grad(lambda y: np.sin(x * y))(1.0))
    assert_close(f(0.3), 0.3 * math.cos(0.3))
    assert_close(f(0.4), 0.4 * math.cos(0.4))


def test_jit_closes_over_the_tracers_of_grad_vmap_and_jit():
    f = lambda x: ft.jit(lambda y: x * y + y)(x)
    assert_close(ft.grad(f)(3.0), 7.0)
    assert_close(ft.vmap(f)(np.array([1.0, 2.0])), [2.0, 6.0])
    assert_close(ft.jit(f)(3.0), 12.0)


def test_one_jitted_function_closes_over_a_new_tracer_at_each_call():
    cell = {}
    inner = ft.jit(lambda y: cell["x"] * y)

    def f(x):
        cell["x"] = x
        return inner(2.0)

    assert_close(ft.grad(f)(3.0), 2.0)
    assert_close(ft.grad(lambda x: f(x) * f(x))(3.0), 24.0)
    assert_close(ft.vmap(f)(np.array([1.0, 2.0])), [2.0, 4.0])


def test_vmap_closes_over_grad_jit_and_vmap_tracers():
    f = lambda x: np.sum(ft.vmap(lambda y: x * y**2)(np.arange(3.0)))
    assert_close(ft.grad(f)(2.0), 5.0)
    assert_close(ft.jit(f)(2.0), 10.0)
    assert_close(ft.vmap(f)(np.array([1.0, 2.0])), [5.0, 10.0])


def test_a_closure_reaches_through_three_levels():
    def f(a):
        def g(b):
            return ft.grad(lambda c: a * b**2 * c**3)(2.0)  # 12 a b^2

        return ft.grad(g)(3.0)  # 24 a b = 72 a

    assert_close(ft.grad(f)(5.0), 72.0)
    assert_close(ft.vmap(f)(np.array([1.0, 2.0])), [72.0, 144.0])
    assert_close(ft.jit(f)(2.0), 144.0)
    assert_close(ft.jit(ft.vmap(ft.grad(f)))(np.array([1.0, 2.0])), [72.0, 72.0])


def test_an_inner_function_may_return_an_outer_tracer():
    assert_close(ft.grad(lambda x: ft.grad(lambda y: x)(1.0) + x)(2.0), 1.0)
    assert_close(ft.grad(lambda x: ft.jit(lambda y: x)(1.0) ** 2)(3.0), 6.0)
    assert_close(ft.grad(lambda x: ft.vmap(lambda y: x)(np.ones(4)).sum())(3.0), 4.0)


# Perturbation confusion


def test_an_inner_derivative_does_not_see_the_outer_perturbation():
    # d/dx [x * d/dy (x + y)] = 1: an implementation that confuses the two gives 2.
    for outer in DERIVATIVES.values():
        for inner in DERIVATIVES.values():
            f = lambda x, inner=inner: x * inner(lambda y: x + y)(1.0)
            assert_close(outer(f)(1.0), 1.0)


def test_no_confusion_in_nested_products():
    # d/dx [x * d/dy (x y^2)] at y = x  is d/dx [2 x^3] = 6 x^2
    f = lambda x: x * ft.grad(lambda y: x * y**2)(x)
    assert_close(ft.grad(f)(3.0), 54.0)
    assert_close(ft.jvp(f, (3.0,), (1.0,))[1], 54.0)
    assert_close(ft.vmap(ft.grad(f))(np.array([1.0, 2.0, 3.0])), [6.0, 24.0, 54.0])
    assert_close(ft.grad(lambda xs: np.sum(ft.vmap(f)(xs)))(np.array([1.0, 2.0])), [6.0, 24.0])


def test_no_confusion_when_a_derivative_is_returned_as_a_function():
    # The curried case: d/dx at 0 of (y -> x + y), applied to (y -> y).
    shift = lambda x: lambda f: lambda y: f(y + x)
    derivative = derivative_forward(lambda x: derivative_forward(shift(x)(np.sin))(0.4))
    assert_close(derivative(0.3), -math.sin(0.7))


def test_no_confusion_between_a_batch_and_an_inner_batch_of_equal_size():
    x = rng.normal(size=3)
    f = lambda a: ft.vmap(lambda b: a - b)(x)
    assert_close(ft.vmap(f)(x), x[:, None] - x)


# Auxiliary data


def with_aux(x):
    hidden = np.tanh(W @ x)
    return np.sum(hidden**2), {"hidden": hidden, "twice": 2.0 * x[0]}


def check_aux(aux, x):
    assert_close(aux["hidden"], np.tanh(W @ x))
    assert_close(aux["twice"], 2 * x[0])


def test_every_derivative_hands_auxiliary_data_through():
    f = lambda x: with_aux(x)[0]
    gradient, aux = ft.grad(with_aux, has_aux=True)(X)
    assert_close(gradient, ft.grad(f)(X))
    check_aux(aux, X)
    (value, aux), gradient = ft.value_and_grad(with_aux, has_aux=True)(X)
    assert_close(value, f(X))
    check_aux(aux, X)
    value, tangent, aux = ft.jvp(with_aux, (X,), (V,), has_aux=True)
    assert_close(tangent, gradient @ V)
    check_aux(aux, X)
    value, pull, aux = ft.vjp(with_aux, X, has_aux=True)
    assert_close(pull(1.0)[0], gradient)
    check_aux(aux, X)
    value, push, aux = ft.linearize(with_aux, X, has_aux=True)
    assert_close(push(V), gradient @ V)
    check_aux(aux, X)
    for jacobian in (ft.jacfwd, ft.jacrev):
        found, aux = jacobian(with_aux, has_aux=True)(X)
        assert_close(found, gradient)
        check_aux(aux, X)
    found, aux = ft.hessian(with_aux, has_aux=True)(X)
    assert_close(found, ft.hessian(f)(X))
    check_aux(aux, X)


def test_auxiliary_data_survives_nesting_and_jit():
    inner = ft.grad(with_aux, has_aux=True)
    gradients, aux = ft.vmap(inner)(BATCH)
    for i, x in enumerate(BATCH):
        assert_close(gradients[i], inner(x)[0])
        assert_close(aux["hidden"][i], np.tanh(W @ x))
    gradient, aux = ft.jit(inner)(X)
    assert_close(gradient, inner(X)[0])
    check_aux(aux, X)
    rows, aux = ft.jacfwd(inner, has_aux=True)(X)
    assert_close(rows, ft.hessian(lambda x: with_aux(x)[0])(X))
    check_aux(aux, X)


def test_auxiliary_data_can_be_differentiated_by_an_outer_grad():
    def f(x):
        _, aux = ft.grad(with_aux, has_aux=True)(x)
        return np.sum(aux["hidden"])

    assert_close(ft.grad(f)(X), (1 - np.tanh(W @ X) ** 2) @ W)


# jit


def test_jit_in_jit_in_jit():
    f = ft.jit(lambda x: ft.jit(lambda y: ft.jit(np.sin)(y) * y)(x) + x)
    assert_close(f(0.5), math.sin(0.5) * 0.5 + 0.5)
    assert_close(ft.grad(f)(0.5), 0.5 * math.cos(0.5) + math.sin(0.5) + 1)


def test_vmap_and_grad_of_a_jitted_function_with_many_arguments():
    f = ft.jit(lambda p, x, y: (p["w"] @ x + p["b"] - y) ** 2)
    p = {"w": rng.normal(size=4), "b": 0.5}
    xs, ys = BATCH, rng.normal(size=5)
    found = ft.vmap(ft.grad(f), in_axes=(None, 0, 0))(p, xs, ys)
    error = 2 * (xs @ p["w"] + p["b"] - ys)
    assert_close(found["w"], error[:, None] * xs)
    assert_close(found["b"], error)


def test_partial_functions_and_bound_methods_can_be_transformed():
    class Model:
        def __init__(self, scale):
            self.scale = scale

        def loss(self, x):
            return self.scale * np.sum(x**2)

        def __call__(self, x):
            return self.loss(x)

    assert_close(ft.grad(Model(3.0).loss)(X), 6 * X)
    assert_close(ft.jit(ft.grad(Model(3.0)))(X), 6 * X)
    assert_close(ft.grad(partial(np.tensordot, V, axes=1))(X), V)


def test_grad_of_an_unrolled_optimisation_reaches_the_step_size():
    def after_descent(rate):
        x = np.array([1.0, 2.0])
        for _ in range(5):
            x = x - rate * ft.grad(lambda z: np.sum(z**2))(x)
        return np.sum(x**2)

    # x_5 = (1 - 2 rate)^5 x_0, so the loss is 5 (1 - 2 rate)^10
    assert_close(after_descent(0.1), 5 * 0.8**10)
    assert_close(ft.grad(after_descent)(0.1), -100 * 0.8**9)
    assert_close(ft.jit(ft.grad(after_descent))(0.1), -100 * 0.8**9)
    assert_close(ft.grad(ft.grad(after_descent))(0.1), 1800 * 0.8**8)


def test_complex_functions_nest():
    f = lambda z: np.exp(1j * z) * z
    z = 0.3 + 0.2j
    derivative = (1 + 1j * z) * np.exp(1j * z)
    assert_close(ft.grad(f, holomorphic=True)(z), derivative)
    second = ft.grad(ft.grad(f, holomorphic=True), holomorphic=True)(z)
    assert_close(second, (2j - z) * np.exp(1j * z))
    zs = np.array([z, 2 * z])
    assert_close(ft.vmap(ft.grad(f, holomorphic=True))(zs)[0], derivative)
