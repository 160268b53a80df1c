"""Matrices that are symmetric by the way they are made are not transposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.passes.dead_code import dead_code
from functrace.passes.pipeline import optimize
from functrace.passes.simplify import simplify

from ..helpers import assert_close

rng = np.random.default_rng(6)
X, A, V = rng.normal(size=(6, 2)), rng.normal(size=(6, 6)), rng.normal(size=6)


def pairs(x: Any) -> Any:
    return x[:, None, :] - x[None, :, :]


SYMMETRIC: dict[str, Callable[..., Any]] = {
    "squares of distances": lambda x, a, v: np.sum(pairs(x) ** 2, axis=2),
    "distances": lambda x, a, v: np.sum(np.abs(pairs(x)), axis=-1),
    "a kernel": lambda x, a, v: (
        np.exp(v[0]) * np.exp(-0.5 * np.sum(pairs(x) ** 2, axis=2) / v[1]) + v[2] * np.eye(6)),
    "sums of pairs": lambda x, a, v: np.tanh(v[:, None] + v),
    "products of pairs": lambda x, a, v: np.sqrt(1 + (v[:, None] * v) ** 2),
    "a product with itself": lambda x, a, v: x @ x.T,
    "distances by products": lambda x, a, v: (
        (s := np.sum(x**2, axis=1))[:, None] + s - 2 * (x @ x.T)),
    "what is symmetric, squared": lambda x, a, v: np.einsum(
        "ijk,ijk->ij", d := pairs(x), d),
    "a matrix and its transpose": lambda x, a, v: a + a.T,
    "a constant": lambda x, a, v: np.exp(v[0] * (A + A.T)),
    "a stack": lambda x, a, v: np.swapaxes(np.exp(v[:, None, None] * (A + A.T)), 0, 0),
}  # fmt: skip

OTHERS: dict[str, Callable[..., Any]] = {
    "a matrix": lambda x, a, v: np.exp(a),
    "differences": lambda x, a, v: np.sum(pairs(x), axis=2),
    "differences of pairs": lambda x, a, v: v[:, None] - v,
    "rows": lambda x, a, v: v * (A + A.T),
    "quotients": lambda x, a, v: v[:, None] / v,
    "two arrays": lambda x, a, v: v[:, None] + np.sin(v),
    "a product of two": lambda x, a, v: x @ np.sin(x).T,
    "another constant": lambda x, a, v: A + v[0],
    "a product with a matrix between": lambda x, a, v: v @ A + x[:, :1] * V,
    "differences, times others": lambda x, a, v: np.einsum("ijk,ij->ij", pairs(x), a + a.T),
    "a matrix twice": lambda x, a, v: np.einsum("ij,ij->ij", a, a),
    "the square of a matrix": lambda x, a, v: np.sum(a[:, :, None] * a[None], axis=1),
    "distances of rows and columns": lambda x, a, v: np.sum((a[:, :, None] - a[None]) ** 2, axis=1),
    "a constant with signs of zeros": lambda x, a, v: v[0] * np.array([[1.0, -0.0], [0.0, 1.0]]),
}  # fmt: skip


def transposes(function: Callable[..., Any]) -> int:
    program = ft.trace(lambda x, a, v: np.swapaxes(function(x, a, v), -1, -2))(X, A, V)
    program = dead_code(simplify(program))
    value = ft.evaluate(program, X, A, V)
    assert_close(value, np.swapaxes(function(X, A, V), -1, -2), 1e-13)
    last = program.outputs[0]
    return sum(e.primitive.name == "transpose" and e.outputs[0] is last for e in program.equations)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_what_is_symmetric_is_not_transposed(name: str) -> None:
    assert transposes(SYMMETRIC[name]) == 0


@pytest.mark.parametrize("name", OTHERS)
def test_others_are(name: str) -> None:
    assert transposes(OTHERS[name]) == 1


def test_differences_of_unsigned_numbers_have_no_sign_to_drop() -> None:
    x = np.array([1, 5, 250], np.uint8)
    for function in (np.abs, np.square):
        found = ft.jit(lambda x, f=function: f(x[:, None] - x[None, :]).T)(x)
        np.testing.assert_array_equal(found, function(x[:, None] - x[None, :]).T)


def test_the_gradient_of_a_likelihood_solves_one_system() -> None:
    def loss(theta: Any, v: Any) -> Any:
        length, scale, noise = np.exp(theta)
        K = scale * np.exp(-0.5 * np.sum(pairs(X) ** 2, axis=2) / length) + noise * np.eye(6)
        return 0.5 * v @ np.linalg.solve(K, v) + 0.5 * np.linalg.slogdet(K)[1]

    theta = np.zeros(3)
    program = optimize(ft.trace(ft.grad(loss))(theta, V))
    assert Counter(e.primitive.name for e in program.equations)["solve"] == 1
    ft.testing.check_grads(loss, (theta, V), order=2)
    assert_close(ft.jit(ft.grad(loss))(theta, V), ft.grad(loss)(theta, V), 1e-10)
