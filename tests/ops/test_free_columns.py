"""Derivatives of columns that are free up to a rotation: null spaces, and completed bases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
import functrace.scipy.linalg as sl
from functrace.errors import FreeColumnsError, NonDifferentiableError
from functrace.testing import check_grads

from ..helpers import assert_close

linalg = np.linalg
X = np.array([[1.0, 0.4], [-0.3, 2.0], [0.8, -1.1], [0.5, 0.7]])
Z = X + 0.3j * X[::-1]
LOW = np.outer([1.0, 2.0, -1.0], [1.0, -1.0, 2.0, 0.5])  # of rank 1
W = np.arange(16.0).reshape(4, 4) / 10 + np.eye(4)
Y = np.array([0.3, -1.0, 0.7, 2.0])

Function = Callable[[Any], Any]


def adjoint(x: Any) -> Any:
    return x.conj().T


# What is orthogonal to the columns of a matrix
BASES: list[Function] = [
    lambda x: linalg.qr(x, "complete")[0][:, 2:],
    lambda x: linalg.svd(x)[0][:, 2:],
    lambda x: adjoint(linalg.svd(adjoint(x))[2][2:]),
    lambda x: sl.qr(x)[0][:, 2:],
    lambda x: adjoint(sl.svd(adjoint(x))[2])[:, 2:],
]
# Functions of a basis that are the same for each, and others
INVARIANT: list[Function] = [
    lambda n: W * (n @ adjoint(n)),
    lambda n: linalg.norm(adjoint(n) @ Y) ** 2,
    lambda n: linalg.slogdet(adjoint(n) @ (W @ W.T) @ n)[1],
    lambda n: np.sum(np.abs(adjoint(n) @ Y) ** 2),
]
DEPENDENT: list[Function] = [
    lambda n: np.sum(W[:, :2] * n.real),
    lambda n: np.abs(n[0, 0]) ** 2,
    lambda n: np.sum((adjoint(n) @ Y)[:1].real),
    lambda n: np.sum(np.abs(n) ** 4),
]


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("x", [X, Z])
def test_what_every_basis_gives_has_its_derivatives_in_all_modes(basis: Function, x: Any) -> None:
    check_grads(lambda x: [f(basis(x)) for f in INVARIANT], (x,), order=1)


@pytest.mark.parametrize(("basis", "x"), [(BASES[0], X), (BASES[1], Z), (BASES[2], X)])
def test_projectors_have_second_derivatives(basis: Function, x: Any) -> None:
    check_grads(lambda x: np.abs(W * (basis(x) @ adjoint(basis(x)))), (x,), 2, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("basis", "function"), [*zip(BASES[:4], DEPENDENT, strict=True), (BASES[4], DEPENDENT[0])]
)
def test_what_depends_on_the_choice_is_refused_in_all_modes(
    basis: Function, function: Function
) -> None:
    def value(x: Any) -> Any:
        return function(basis(x))

    for derivative in (ft.grad, ft.jacfwd, ft.hessian):
        for transform in (derivative(value), ft.jit(derivative(value))):
            with pytest.raises(FreeColumnsError, match=r"rotation[\s\S]*projector"):
                transform(X)
    with pytest.raises(FreeColumnsError):
        ft.jvp(value, (X,), (X**2,))
    with pytest.raises(FreeColumnsError):
        ft.linearize(value, X)[1](X**2)
    with pytest.raises(FreeColumnsError):
        ft.vmap(ft.grad(value))(np.stack([X, X + 1]))


def test_the_error_names_the_line_and_is_one_of_derivatives() -> None:
    with pytest.raises(NonDifferentiableError) as info:
        ft.jit(ft.grad(lambda x: linalg.svd(x)[0][:, 2:].sum()))(X)
    assert isinstance(info.value, linalg.LinAlgError)
    assert "test_free_columns" in " ".join(info.value.__notes__)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: linalg.qr(x, "complete")[0][:, :2], X),
        (lambda x: linalg.qr(x, "complete")[1], X),
        (lambda x: linalg.qr(x, "complete"), X[:3]),  # one column is free in its sign alone
        (lambda x: linalg.svd(x), X[:3]),
        (lambda x: [linalg.svd(x)[0][:, :2], *linalg.svd(x)[1:]], X),
        (lambda x: linalg.svd(x)[2][0] * linalg.svd(x)[0][0, 0], LOW),
    ],
)
def test_columns_that_are_determined_have_their_derivatives(function: Function, x: Any) -> None:
    values, tangents = ft.jvp(function, (x,), (x @ np.diag(np.arange(1.0, x.shape[1] + 1)),))
    ahead, behind = (
        ft.tree.leaves(function(x + h * x @ np.diag(np.arange(1.0, x.shape[1] + 1))))
        for h in (1e-6, -1e-6)
    )
    for tangent, a, b in zip(ft.tree.leaves(tangents), ahead, behind, strict=True):
        np.testing.assert_allclose(tangent, (a - b) / 2e-6, atol=1e-7)
    pulled = ft.vjp(function, x)[1](ft.tree.map(np.ones_like, values))[0]
    assert_close(np.sum(pulled * x @ np.diag(np.arange(1.0, x.shape[1] + 1))),
                 sum(np.sum(t) for t in ft.tree.leaves(tangents)), 1e-9)  # fmt: skip


def test_a_cotangent_of_zero_asks_for_no_derivative() -> None:
    _, pull = ft.vjp(lambda x: linalg.qr(x, "complete"), X)
    cotangent = type(linalg.qr(X))(np.eye(4) * [1, 1, 0, 0], np.ones((4, 2)))
    _, reduced = ft.vjp(linalg.qr, X)
    expected = reduced(type(linalg.qr(X))(np.eye(4)[:, :2], np.ones((2, 2))))
    assert_close(pull(cotangent), expected)
    with pytest.raises(FreeColumnsError):
        pull(type(linalg.qr(X))(W, np.ones((4, 2))))


# Matrices of lower rank


@pytest.mark.parametrize("x", [LOW, LOW.T, LOW[:, :3]])
def test_null_spaces_of_lower_rank_have_the_derivatives_of_their_projectors(x: Any) -> None:
    def outside(x: Any) -> Any:
        v = linalg.svd(x)[2][1:]
        return v.T @ v

    direction = np.outer(np.arange(1.0, len(x) + 1), x[0])  # along which the rank stays 1
    tangent = ft.jvp(outside, (x,), (direction,))[1]
    ahead, behind = (outside(x + h * direction) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(tangent, (ahead - behind) / 2e-6, atol=1e-8)
    weights = np.arange(tangent.size).reshape(tangent.shape)
    gradient = ft.grad(lambda x: np.sum(weights * outside(x)))(x)
    assert_close(np.sum(gradient * direction), np.sum(weights * tangent), 1e-9)


def test_a_direction_that_changes_the_rank_is_refused_in_forward_mode() -> None:
    def rebuilt(x: Any) -> Any:
        u, s, vh = linalg.svd(x, full_matrices=False)
        return (u * s) @ vh

    x = np.outer([1.0, 2, 3], [1.0, -1])
    assert_close(ft.grad(lambda x: np.sum(rebuilt(x) * W[:3, :2]))(x), W[:3, :2])
    assert_close(ft.jvp(rebuilt, (x,), (x,))[1], x)
    with pytest.raises(FreeColumnsError):
        ft.jvp(rebuilt, (x,), (W[:3, :2],))
    for function in (linalg.norm, lambda x: linalg.svd(x)[0][:, 0] ** 2):
        assert np.isfinite(ft.jacfwd(function)(x)).all()
    assert np.isfinite(ft.hessian(lambda x: linalg.norm(x, 2))(x)).all()


@pytest.mark.parametrize("x", [LOW, LOW.T, LOW[:, :3], np.ones((3, 3)), np.zeros((3, 3))])
@pytest.mark.parametrize("full", [True, False])
def test_vectors_of_singular_values_that_are_zero_are_refused(x: Any, full: bool) -> None:
    for part in (0, 2):
        weights = np.arange(25.0).reshape(5, 5)

        def value(x: Any, part: int = part) -> Any:
            vectors = linalg.svd(x, full)[part]
            return np.sum(vectors * weights[: vectors.shape[0], : vectors.shape[1]])

        for derivative in (ft.grad(value), ft.jit(ft.jacfwd(value))):
            with pytest.raises(FreeColumnsError):
                derivative(x)


@pytest.mark.parametrize("noise", [0.0, 1e-17])
@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
def test_qr_of_dependent_columns_has_no_derivative(mode: Any, noise: float) -> None:
    x = LOW.T[:, :2] + noise
    with pytest.raises(FreeColumnsError, match="dependent"):
        ft.grad(lambda x: ft.tree.leaves(linalg.qr(x, mode))[0].sum())(x)
    scaled = X * [1.0, 1e-20]  # far from dependent
    check_grads(lambda x: linalg.qr(x * [1.0, 1e-20])[0], (X,), 1)
    assert np.isfinite(ft.grad(lambda x: linalg.qr(x)[1].sum())(scaled)).all()


# Inside of loops and other functions


def test_projectors_within_loops_have_their_derivatives() -> None:
    basis = BASES[0]

    def step(carry: Any, t: Any) -> Any:
        n = basis(carry * t + X)
        return carry + n @ (n.T @ carry) * 0.1, None

    check_grads(lambda c: ft.scan(step, c, np.arange(1.0, 4))[0], (X,), 2, atol=1e-5, rtol=1e-5)

    def wrong(carry: Any, t: Any) -> Any:
        return carry + basis(carry * t + X) * 0.1, None

    total = lambda c: np.sum(ft.scan(wrong, c, np.arange(1.0, 4))[0])
    for derivative in (ft.grad, ft.jacfwd):
        with pytest.raises(FreeColumnsError):
            derivative(total)(X)


@pytest.mark.parametrize("wrapped", [ft.jit, ft.checkpoint])
def test_a_basis_may_cross_the_border_of_a_function(wrapped: Any) -> None:
    basis = wrapped(BASES[1])

    def outside(x: Any) -> Any:
        n = basis(x)
        return W * (n @ n.T)

    check_grads(outside, (X,), 1)
