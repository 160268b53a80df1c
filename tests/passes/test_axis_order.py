"""Ops on pairs of short vectors run along their longest axis."""

import numpy as np
import pytest

import functrace as ft
from functrace.passes.axis_order import axis_order
from functrace.passes.pipeline import optimize

RNG = np.random.default_rng(0)
X, Y, SCALE = RNG.normal(size=(300, 3)), RNG.normal(size=(40, 3)), np.array([1.0, 2.0, 0.5])


def distances(x, y):
    return np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=-1)


def scaled(x, y):
    return np.sum(((x[:, None] - y[None]) / SCALE) ** 2 * SCALE, axis=2)


def forces(x, y):
    d = x[:, None] - y
    return np.einsum("ijk,ij->ik", d, np.exp(-np.einsum("ijk,ijk->ij", d, d)))


def absolute(x, y):
    return np.abs(x[:, None] - y) @ SCALE


TURNED = (distances, scaled, forces, absolute)


def shapes_of(function, *args):
    program = optimize(ft.trace(function)(*args))
    program.check()
    return [e.outputs[0].type.shape for e in program.equations if e.primitive.elementwise]


@pytest.mark.parametrize("function", TURNED, ids=lambda f: f.__name__)
def test_the_longest_axis_is_last_where_only_contractions_look(function):
    shapes = shapes_of(function, X, Y)
    assert (40, 3, 300) in shapes
    assert (300, 40, 3) not in shapes
    np.testing.assert_allclose(ft.jit(function)(X, Y), function(X, Y), rtol=1e-12)


@pytest.mark.parametrize("function", TURNED, ids=lambda f: f.__name__)
def test_derivatives_are_the_same(function):
    weights = RNG.normal(size=function(X, Y).shape)

    def loss(x, y):
        return np.sum(weights * function(x, y))

    for argnum in (0, 1):
        gradient = ft.jit(ft.grad(loss, argnum))(X, Y)
        direction = RNG.normal(size=gradient.shape)
        step = [np.zeros_like(X), np.zeros_like(Y)]
        step[argnum] = 1e-6 * direction
        slope = (loss(X + step[0], Y + step[1]) - loss(X - step[0], Y - step[1])) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-6)
    items = ft.vmap(function, (0, None))(np.stack([X, 2 * X]), Y)
    np.testing.assert_allclose(items[1], function(2 * X, Y), rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x[:, None] - y,  # a result
        lambda x, y: np.sort(x[:, None] - y, axis=-1),  # an op that has an order of axes
        lambda x, y: np.sum((x[:5, None] - y[:5]) ** 2, axis=-1),  # few
        lambda x, y: np.sum((np.ones((300, 40, 3)).cumsum(0) * x[:, None]) ** 2 + y, axis=-1),
        lambda x, y: np.sum((x.T[:, None] - y.T[:, :, None].repeat(300, 2)) ** 2, axis=0),
    ],
)  # fmt: skip
def test_all_else_stays_as_it_is(function):
    assert (40, 3, 300) not in shapes_of(function, X, Y)
    np.testing.assert_allclose(ft.jit(function)(X, Y), function(X, Y), rtol=1e-12)


def test_a_value_that_is_returned_too_stays_as_it_is():
    def both(x, y):
        d = x[:, None] - y
        return np.sum(d**2, axis=-1), d

    for found, expected in zip(ft.jit(both)(X, Y), both(X, Y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_programs_without_pairs_are_handed_back():
    program = ft.trace(lambda x: np.sum(np.sin(x) * 2, axis=0))(X)
    assert axis_order(program) is program
