"""Derivatives of functions that read one triangle of a matrix, and of those that want both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
import functrace.scipy.linalg as sl
from functrace.errors import AsymmetricMatrixError
from functrace.scipy.stats import multivariate_normal
from functrace.testing import check_grads

from ..helpers import assert_close

linalg = np.linalg
A = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.2], [0.5, -0.2, 2.0]])
H = A + np.array([[0, 0.3j, 0], [-0.3j, 0, 0.2j], [0, -0.2j, 0]])
INDEFINITE = A - 2.7 * np.eye(3)

Function = Callable[[Any], Any]


def squares(function: Function) -> Function:
    """The magnitudes of what there is no sign or phase for."""
    return lambda x: [np.abs(part) ** 2 for part in function(x)]


# Functions of positive definite matrices and of Hermitian ones, and whether they read the lower
# triangle
POSITIVE: list[tuple[Function, bool]] = [
    (linalg.cholesky, True),
    (lambda x: linalg.cholesky(x, upper=True), False),
    (sl.cholesky, False),
    (lambda x: sl.cholesky(x, lower=True), True),
    (lambda x: sl.cho_solve(sl.cho_factor(x), np.arange(3.0)), False),
    (lambda x: sl.cho_factor(x, lower=True)[0], True),
    (lambda x: sl.eigh(INDEFINITE, x, eigvals_only=True), True),
    (squares(lambda x: sl.eigh(INDEFINITE, x, lower=False)), False),
]
HERMITIAN: list[tuple[Function, bool]] = [
    (squares(linalg.eigh), True),
    (squares(lambda x: linalg.eigh(x, "U")), False),
    (linalg.eigvalsh, True),
    (lambda x: linalg.eigvalsh(x, "u"), False),
    (squares(lambda x: linalg.svd(x, hermitian=True)), True),
    (lambda x: linalg.svd(x, compute_uv=False, hermitian=True), True),
    (lambda x: linalg.pinv(x, hermitian=True), True),
    (squares(sl.eigh), True),
    (squares(lambda x: sl.eigh(x, lower=False)), False),
    (lambda x: sl.eigvalsh(x, A, lower=False), False),
    (squares(lambda x: sl.eigh(x, A)), True),
]
ROWS = [(f, lower, x) for f, lower in POSITIVE for x in (A, H)]
ROWS += [(f, lower, x) for f, lower in HERMITIAN for x in (INDEFINITE, H - 2.7 * np.eye(3))]


def total(function: Function) -> Function:
    """The sum of all that a function gives, with different weights."""

    def summed(x: Any) -> Any:
        parts = [np.abs(part) ** 2 for part in ft.tree.leaves(function(x))]
        return sum(
            np.sum(part * np.arange(1.0, part.size + 1).reshape(part.shape)) for part in parts
        )

    return summed


def unread(lower: bool) -> np.ndarray:
    return (np.triu if lower else np.tril)(np.ones((3, 3)), 1 if lower else -1).astype(bool)


@pytest.mark.parametrize(("function", "lower", "x"), ROWS)
def test_the_derivative_is_by_the_triangle_that_is_read(
    function: Function, lower: bool, x: Any
) -> None:
    gradient = ft.grad(total(function))(x)
    assert np.all(gradient[unread(lower)] == 0)
    assert np.all(np.imag(np.diag(gradient)) == 0)
    assert np.all(np.abs(gradient[~unread(lower)]) > 1e-6)
    tangent = np.where(unread(lower), np.inf, 0) + np.zeros_like(x)
    with np.errstate(all="ignore"):
        assert np.all(np.asarray(ft.jvp(total(function), (x,), (tangent,))[1]) == 0)
    check_grads(function, (x,), order=1)


@pytest.mark.parametrize(("function", "x"), [(row[0], row[2]) for row in ROWS[::3]])
def test_second_derivatives_are_by_the_triangle_that_is_read(function: Function, x: Any) -> None:
    check_grads(total(function), (x,), order=2, atol=1e-5, rtol=1e-5)


def test_what_a_triangle_is_filled_with_has_the_whole_slope() -> None:
    def logdet(parts: Any) -> Any:
        matrix = ft.numpy.zeros((2, 2))
        matrix[0, 0], matrix[1, 1], matrix[1, 0] = parts
        return 2 * np.sum(np.log(np.diag(linalg.cholesky(matrix))))

    a, b, c = parts = np.array([2.0, 3.0, 1.0])
    expected = np.array([b, a, -2 * c]) / (a * b - c**2)
    assert_close(ft.grad(logdet)(parts), expected)
    assert_close(ft.jit(ft.jacfwd(logdet))(parts), expected)


@pytest.mark.parametrize("lower", [True, False])
def test_stacks_under_vmap_and_jit_have_the_derivatives_of_each(lower: bool) -> None:
    stack = np.stack([A, A @ A])
    gradient = ft.grad(total(lambda x: linalg.eigvalsh(x, "L" if lower else "U")))
    expected = np.stack([gradient(x) for x in stack])
    assert_close(ft.jit(ft.vmap(gradient))(stack), expected)
    whole = ft.grad(lambda xs: sum(total(linalg.eigvalsh)(x) for x in xs))(stack)
    assert np.all(whole[:, unread(True)] == 0)


def test_singular_values_of_opposite_eigenvalues_have_their_vectors_derivatives() -> None:
    x = np.array([[0.3, 1.0], [1.0, -0.3]])  # the eigenvalues are 1.04 and -1.04
    weights = np.array([[1.0, 2], [3, 4]])

    def put_together(x: Any) -> Any:
        u, s, vh = linalg.svd(x, hermitian=True)
        return np.sum(weights * ((u * s) @ vh)) + np.sum(s**2)

    assert_close(ft.grad(put_together)(x), np.array([[1.6, 0], [9.0, 3.4]]))


# Matrices that are symmetric by definition


def normal_density(cov: Any, singular: bool = False) -> Any:
    return multivariate_normal.logpdf(np.array([0.3, -0.5, 1.0]), None, cov, singular)


@pytest.mark.parametrize(
    "function",
    [
        normal_density,
        lambda x: normal_density(x, singular=True),
        lambda x: sl.solve(x, np.arange(3.0), assume_a="pos"),
        lambda x: sl.solve(x, np.arange(3.0), lower=True, assume_a="sym"),
        lambda x: sl.inv(x, assume_a="pos"),
        lambda x: ft.random.multivariate_normal(ft.random.key(1), np.zeros(3), x),
        lambda x: ft.random.multivariate_normal(ft.random.key(1), np.zeros(3), x, method="eigh"),
        lambda x: ft.random.multivariate_normal(ft.random.key(1), np.zeros(3), x, method="svd"),
    ],
)
def test_gradients_by_matrices_that_are_symmetric_by_definition_are_symmetric(
    function: Function,
) -> None:
    gradient = ft.grad(total(function))(A)
    assert np.max(np.abs(gradient)) > 1e-3
    assert_close(gradient, gradient.T)
    assert_close(function(A), function(A + np.array([[0, 1e-3, 0], [-1e-3, 0, 0], [0, 0, 0]])))
    check_grads(function, (A,), order=2, atol=1e-5, rtol=1e-5)


def test_the_gradient_by_a_hermitian_matrix_of_a_system_is_hermitian() -> None:
    function = lambda x: sl.solve(x, np.arange(3.0), assume_a="her")
    gradient = ft.grad(total(function))(H)
    assert_close(gradient, gradient.conj().T)
    check_grads(function, (H,), order=2, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("half", [np.tril(A), np.triu(A)])
@pytest.mark.parametrize(
    "function",
    [
        normal_density,
        lambda x: sl.solve(x, np.arange(3.0), assume_a="pos"),
        lambda x: sl.inv(x, assume_a="her"),
        lambda x: ft.random.multivariate_normal(ft.random.key(1), np.zeros(3), x),
    ],
)
def test_a_triangle_that_was_not_filled_is_an_error(function: Function, half: Any) -> None:
    for call in (function, ft.jit(function), ft.grad(total(function))):
        with pytest.raises(AsymmetricMatrixError, match=r"not symmetric[\s\S]*fill both"):
            call(half)


def test_a_tridiagonal_system_reads_three_diagonals() -> None:
    import scipy.linalg

    x = A + np.array([[0, 0, 9.0], [0, 0, 0], [7.0, 0, 0]])
    b = np.arange(3.0)
    found = ft.jit(lambda x: sl.solve(x, b, assume_a="tridiagonal"))(x)
    assert_close(found, scipy.linalg.solve(x, b, assume_a="tridiagonal"))
    gradient = ft.grad(lambda x: np.sum(sl.solve(x, b, assume_a="tridiagonal")))(x)
    assert gradient[0, 2] == gradient[2, 0] == 0
