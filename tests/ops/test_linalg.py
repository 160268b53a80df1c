"""Linear algebra and Fourier transforms at ties and zeros; their results and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import DTypeError, MatrixShapeError, OptionError, UnsupportedFunctionError

from ..helpers import assert_close, assert_equal
from ..numerical import numerical_grad

linalg = np.linalg
A = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.2], [0.5, -0.2, 2.0]])
TIED = np.ones((3, 3)) + 2 * np.eye(3)  # eigenvalues 2, 2 and 5, equal up to rounding


# Results


@pytest.mark.parametrize(
    "function", [linalg.eigh, linalg.eig, linalg.qr, linalg.svd, linalg.slogdet]
)
def test_results_are_numpys_named_tuples(function: Any) -> None:
    expected = type(function(A))
    assert type(ft.jit(function)(A)) is expected
    assert type(ft.vmap(function)(np.stack([A, A]))) is expected
    assert type(ft.vjp(function, A)[0]) is expected
    assert type(ft.jvp(function, (A,), (A,))[1]) is expected


def test_eigenvalues_are_real_when_all_are_and_complex_where_that_is_unknown() -> None:
    values, pull = ft.vjp(linalg.eigvals, A)
    assert_equal(values, linalg.eigvals(A))
    assert pull(np.ones(3, values.dtype))[0].dtype == np.float64
    assert_equal(ft.vjp(linalg.eig, A)[0], linalg.eig(A))
    assert_equal(ft.jit(linalg.eigvals)(A), linalg.eigvals(A).astype(complex))
    assert_close(ft.grad(lambda x: linalg.eigvals(x).real.sum())(A), np.eye(3))


def test_lstsq_gives_no_residuals_where_the_rank_is_too_low() -> None:
    a, b = np.ones((3, 2)), np.array([1.0, 2, 4])
    assert_equal(ft.vjp(linalg.lstsq, a, b)[0], linalg.lstsq(a, b))
    a[0, 0] = 0
    assert_equal(ft.vjp(linalg.lstsq, a, b)[0], linalg.lstsq(a, b))
    assert_equal(ft.jit(linalg.lstsq)(a, b), linalg.lstsq(a, b))


def test_one_matrix_is_factored_once_for_all_right_hand_sides() -> None:
    program = ft.trace(ft.vmap(linalg.solve, in_axes=(None, 0)))(A, np.ones((5, 3)))
    (solve,) = [e for e in program.equations if e.primitive.name == "solve"]
    assert solve.inputs[0].type.shape == (3, 3)
    assert solve.inputs[1].type.shape == (3, 5)


@pytest.mark.parametrize("function", [linalg.solve, lambda a, b: linalg.lstsq(a, b)[0]])
def test_linear_systems_without_examples_give_empty_results(function: Any) -> None:
    for axes, a in (((None, 0), A), ((0, 0), np.ones((0, 3, 3)))):
        assert ft.vmap(function, in_axes=axes)(a, np.ones((0, 3))).shape == (0, 3)


def test_limits_of_ranks_may_be_traced() -> None:
    x = np.diag([4.0, 1.0, 0.1])
    limits = np.array([0.01, 0.1, 0.5])
    for function in (lambda x, r: linalg.pinv(x, rtol=r), lambda x, r: linalg.pinv(x, r),
                     lambda x, r: linalg.pinv(x, rtol=r, hermitian=True),
                     lambda x, r: linalg.matrix_rank(x, rtol=r),
                     lambda x, r: linalg.matrix_rank(x, r)):  # fmt: skip
        expected = [function(x, limit) for limit in limits]
        assert_close([ft.jit(function)(x, limit) for limit in limits], expected)
        mapped = ft.vmap(function, in_axes=(None, 0))(x, limits)
        assert_close(list(mapped), [np.asarray(e) for e in expected])
        assert_close(function(np.stack([x] * 3), limits), mapped)
    gradients = ft.grad(lambda x, r: linalg.pinv(x, rtol=r).sum(), (0, 1))(x, 0.2)
    assert gradients[1] == 0
    assert_close(gradients[0], ft.grad(lambda x: linalg.pinv(x, 0.2).sum())(x))
    with pytest.raises(ft.errors.ShapeError):
        ft.jit(linalg.pinv)(x, np.ones(2))


# Derivatives at ties


@pytest.mark.parametrize("x", [np.eye(3), TIED, np.zeros((3, 3))])
def test_symmetric_functions_of_tied_eigenvalues_have_their_derivatives(x: Any) -> None:
    def of_values(x: Any) -> Any:
        return np.sum(np.exp(linalg.eigvalsh(x)))

    def of_both(x: Any) -> Any:
        return np.sum(np.exp(linalg.eigh(x)[0]))

    w, v = linalg.eigh(x)
    slopes = v @ np.diag(np.exp(w)) @ v.T
    by_triangle = 2 * np.tril(slopes) - np.diag(np.diag(slopes))  # which is the one that is read
    for function in (of_values, of_both):
        assert_close(ft.grad(function)(x), by_triangle)


@pytest.mark.parametrize("x", [np.eye(3), TIED, np.eye(3)[:2]])
def test_symmetric_functions_of_tied_singular_values_have_their_derivatives(x: Any) -> None:
    u, s, vh = linalg.svd(x, full_matrices=False)
    expected = u @ np.diag(3 * s**2) @ vh
    for part in (linalg.svdvals, lambda x: linalg.svd(x, full_matrices=False)[1]):
        assert_close(ft.grad(lambda x, part=part: np.sum(part(x) ** 3))(x), expected)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        *[(f, x) for f in (linalg.eigh, linalg.eig)
          for x in (np.eye(3), TIED, np.zeros((3, 3)), np.ones((3, 3)))],
        *[(linalg.svd, x) for x in (np.eye(3), TIED)],
    ],
)  # fmt: skip
def test_derivatives_of_vectors_at_ties_are_finite_and_moderate(function: Any, x: Any) -> None:
    values, pull = ft.vjp(lambda x: function(x + 0j if function is linalg.eig else x), x)
    gradient = pull(type(values)(*[np.ones_like(part) for part in values]))[0]
    assert np.all(np.abs(gradient) < 10)


def test_a_product_of_singular_vectors_and_values_has_its_derivative_at_lower_rank() -> None:
    weights = np.arange(6.0).reshape(3, 2)

    def rebuilt(x: Any) -> Any:
        u, s, vh = linalg.svd(x, full_matrices=False)
        return np.sum((u * s) @ vh * weights)

    assert_close(ft.grad(rebuilt)(np.outer([1.0, 2, 3], [1.0, -1])), weights)


@pytest.mark.parametrize("function", [linalg.pinv, lambda a: linalg.lstsq(a, np.arange(3.0))[0]])
def test_least_squares_are_differentiated_where_singular_values_are_equal(function: Any) -> None:
    def total(x: Any) -> Any:
        y = function(x)
        return np.sum(y * np.arange(1.0, y.size + 1).reshape(y.shape))

    x = np.eye(3)[:, :2]
    np.testing.assert_allclose(ft.grad(total)(x), numerical_grad(total, x), atol=1e-8)


# Derivatives at zeros and singular matrices


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_the_derivative_of_a_matrix_norm_at_zero_is_zero(order: Any) -> None:
    gradient = ft.grad(lambda x: linalg.norm(x, order))
    np.testing.assert_array_equal(gradient(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("order", [None, 0, 0.5, 1, 1.5, 2, 3, np.inf, -np.inf])
def test_the_derivative_of_a_vector_norm_at_zeros_is_zero(order: Any) -> None:
    gradient = ft.grad(lambda x: linalg.norm(x, order))
    np.testing.assert_array_equal(gradient(np.zeros(3)), np.zeros(3))
    assert gradient(np.array([0.0, 2.0]))[0] == 0


@pytest.mark.parametrize("order", [np.inf, "nuc", 2, 1])
def test_norms_of_no_elements_are_zero(order: Any) -> None:
    norm = ft.jit(lambda x: linalg.norm(x, order, axis=(0, 2)))
    np.testing.assert_array_equal(norm(np.zeros((0, 3, 2))), np.zeros(3))


@pytest.mark.parametrize(
    ("x", "cofactors"),
    [
        ([[1.0, 2], [2, 4]], [[4.0, -2], [-2, 1]]),
        ([[0.0, 0], [0, 0]], [[0.0, 0], [0, 0]]),
        ([[1.0, 0, 0], [0, 2, 0], [0, 0, 0]], [[0.0, 0, 0], [0, 0, 0], [0, 0, 2]]),
        ([[0.0]], [[1.0]]),
    ],
)
def test_the_gradient_of_det_is_the_cofactors_also_of_singular_matrices(
    x: Any, cofactors: Any
) -> None:
    assert_close(ft.grad(linalg.det)(np.array(x)), np.array(cofactors))


@pytest.mark.parametrize("x", [np.diag([1.0, 0, 0]), np.zeros((3, 3)), np.eye(3), A])
def test_the_hessian_of_det_is_right_at_any_rank(x: Any) -> None:
    def by_expansion(x: Any) -> Any:
        return np.dot(x[0], np.cross(x[1], x[2]))

    assert_close(ft.hessian(linalg.det)(x), ft.hessian(by_expansion)(x))


def test_third_derivatives_of_det_are_right_at_regular_matrices() -> None:
    def third(f: Any, x: Any) -> Any:
        return ft.jvp(ft.hessian(f), (x,), (np.arange(4.0).reshape(2, 2),))[1]

    x = np.array([[2.0, 1.0], [0.5, 1.0]])
    np.testing.assert_allclose(third(lambda x: linalg.det(x) ** 2, x),
                               third(lambda x: (x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]) ** 2, x),
                               atol=1e-12)  # fmt: skip


def test_the_condition_number_of_a_singular_matrix_is_infinite() -> None:
    x = np.stack([np.zeros((2, 2)), np.eye(2)])
    for order in (None, -2, 1, "fro"):
        with np.errstate(all="ignore"):
            expected = linalg.cond(x, order)
        assert_close(ft.jit(lambda x, p=order: linalg.cond(x, p))(x), expected)


# Errors


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (linalg.inv, np.ones((2, 3))),
        (linalg.det, np.ones(3)),
        (linalg.svd, np.ones(3)),
        (linalg.eig, np.ones((2, 3))),
        (lambda x: linalg.matrix_power(x, 3), np.ones((2, 3))),
        (lambda x: linalg.lstsq(x, np.ones(2)), np.ones((3, 2))),
        (lambda x: linalg.cond(x, 1), np.ones((2, 3))),
        (lambda x: linalg.tensorsolve(x, np.ones(2)), np.ones((2, 3))),
    ],
)
def test_shapes_that_do_not_fit_raise_numpys_error_with_the_line(function: Any, x: Any) -> None:
    with pytest.raises(linalg.LinAlgError):
        function(x)
    with pytest.raises(linalg.LinAlgError, match="test_linalg"):
        ft.jit(function)(x)
    assert issubclass(MatrixShapeError, ValueError)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (linalg.inv, np.ones((2, 2))),
        (linalg.cholesky, -np.eye(2)),
        (lambda x: ft.grad(lambda x: linalg.slogdet(x)[1])(x), np.zeros((2, 2))),
    ],
)
def test_singular_matrices_raise_numpys_error_and_name_the_line(function: Any, x: Any) -> None:
    with pytest.raises(linalg.LinAlgError) as info:
        ft.jit(function)(x)
    assert "test_linalg" in " ".join(info.value.__notes__)


def test_right_hand_sides_that_do_not_fit_raise_a_value_error_with_a_remedy() -> None:
    with pytest.raises(MatrixShapeError, match="as many rows"):
        ft.jit(lambda b: linalg.solve(A, b))(np.ones((2, 2)))


def test_half_precision_is_refused_as_in_numpy() -> None:
    with pytest.raises(DTypeError, match="float16"):
        ft.jit(linalg.inv)(np.eye(2, dtype=np.float16))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: linalg.norm(x, "cubic"),
        lambda x: linalg.norm(x, 3),
        lambda x: linalg.norm(x[0], "fro"),
        lambda x: linalg.eigh(x, "M"),
        lambda x: linalg.pinv(x, 0.1, rtol=0.1),
        lambda x: linalg.matrix_rank(x, 0.1, rtol=0.1),
        lambda x: linalg.tensorinv(x, ind=0),
        lambda x: np.fft.fft(x, norm="unitary"),
        lambda x: np.fft.rfft(x, 0),
        lambda x: np.fft.irfft(x, 0),
        lambda x: np.fft.irfft(x[:, :1]),
    ],
)
def test_options_that_numpy_refuses_raise_a_value_error(function: Any) -> None:
    with pytest.raises(ValueError):
        function(A)
    with pytest.raises(OptionError, match="test_linalg"):
        ft.jit(function)(A)


def test_the_raw_form_of_qr_is_not_supported() -> None:
    with pytest.raises(UnsupportedFunctionError, match="mode"):
        ft.jit(lambda x: linalg.qr(x, "raw"))(A)


@pytest.mark.parametrize("function", [np.outer, linalg.outer])
def test_linalg_outer_takes_vectors_only(function: Any) -> None:
    if function is np.outer:
        assert ft.jit(function)(A, A).shape == (9, 9)
    else:
        with pytest.raises(ValueError):
            ft.jit(function)(A, A)


def test_a_solution_is_linear_in_the_right_hand_side_alone() -> None:
    transposed = ft.linear_transpose(lambda b: linalg.solve(A, b), np.ones(3))
    assert_close(transposed(np.arange(3.0))[0], linalg.solve(A.T, np.arange(3.0)))
    with pytest.raises(ft.errors.MissingRuleError):
        ft.linear_transpose(lambda a: linalg.solve(a, np.ones(3)), A)(np.ones(3))


# Fourier transforms


def test_transforms_print_as_numpy_code() -> None:
    program = ft.trace(lambda x: np.fft.irfft(np.fft.rfft(x, norm="ortho"), 3))(np.ones(4))
    assert "fft.rfft(x, axis=0, norm='ortho')" in str(program)
    assert "fft.irfft" in str(program)


def test_lengths_without_axes_are_deprecated_as_in_numpy() -> None:
    with pytest.deprecated_call():
        expected = np.fft.fftn(A, s=(2,))
    with pytest.deprecated_call():
        actual = ft.jit(lambda x: np.fft.fftn(x, s=(2,)))(A)
    assert_equal(actual, expected)


def test_the_gradient_of_real_transforms_is_real_and_needs_no_whole_spectrum() -> None:
    gradient = ft.trace(ft.grad(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2)))(np.ones(6))
    names = {equation.primitive.name for equation in gradient.equations}
    assert {"rfft", "irfft"} <= names
    assert "fft" not in names
