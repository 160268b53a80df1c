"""Linear algebra by SciPy's names: SciPy's values and errors, and derivatives at special points."""

from __future__ import annotations

import inspect
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import functrace as ft
import functrace.scipy.linalg as ours
from functrace import tree
from functrace.errors import (
    MatrixShapeError,
    NonDifferentiableError,
    OptionError,
    UnsupportedFunctionError,
)

from ..cases.op_cases_scipy_linalg import PAIRS, Pair
from ..helpers import assert_close, mapped_leaves, narrowed
from ..numerical import numerical_grad

A = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.2], [0.5, -0.2, 2.0]])
FUNCTIONS = sorted(
    name
    for name, value in vars(ours).items()
    if getattr(value, "__module__", "").startswith(ours.__name__ + ".")
)


def _name(pair: Pair) -> str:
    return pair.name


def _same(actual: Any, expected: Any, rtol: float = 1e-12) -> None:
    got, wanted = tree.leaves(actual), tree.leaves(expected)
    assert tree.structure(actual) == tree.structure(expected)
    for a, b in zip(got, wanted, strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert_close(np.asarray(a), np.asarray(b), rtol)


# SciPy's values


@pytest.mark.parametrize("pair", PAIRS, ids=_name)
def test_values_and_dtypes_are_scipys(pair: Pair) -> None:
    _same(pair.function(ours, *pair.operands), pair.function(scipy.linalg, *pair.operands))


@pytest.mark.parametrize("pair", PAIRS, ids=_name)
def test_single_precision_is_scipys(pair: Pair) -> None:
    operands = mapped_leaves(narrowed, pair.operands)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # logm's of an error of single precision
        expected = pair.function(scipy.linalg, *operands)
    _same(pair.function(ours, *operands), expected, 2e-5)


_SIMPLE = [
    lambda s, a: s.solve(a, a[0]),
    lambda s, a: s.solve_triangular(a, a[0]),
    lambda s, a: s.inv(a),
    lambda s, a: s.det(a),
    lambda s, a: s.cholesky(a),
    lambda s, a: s.lu(a),
    lambda s, a: s.qr(a),
    lambda s, a: s.svd(a),
    lambda s, a: s.eigh(a),
    lambda s, a: s.eigvals(a),
    lambda s, a: s.polar(a),
    lambda s, a: s.expm(a),
    lambda s, a: s.sqrtm(a),
    lambda s, a: s.toeplitz(a[0]),
    lambda s, a: s.block_diag(a, a),
]


@pytest.mark.parametrize("dtype", [np.int8, np.int64])
@pytest.mark.parametrize("function", _SIMPLE)
def test_integers_become_what_scipy_computes_in(function: Any, dtype: Any) -> None:
    a = (2 * A).astype(dtype)
    _same(function(ours, a), function(scipy.linalg, a), 2e-5)


@pytest.mark.parametrize("function", _SIMPLE[:-2])
def test_half_precision_becomes_single(function: Any) -> None:
    a = A.astype(np.float16)
    _same(function(ours, a), function(ours, a.astype(np.float32)))


def test_a_sylvester_equation_of_real_and_complex_matrices_is_solved() -> None:
    a = np.array([[1.0, 2], [-2, 1]])  # of complex eigenvalues
    b, q = A[:2, :2] + 1j, A[1:, 1:]
    x = ours.solve_sylvester(a, b, q)
    assert_close(a @ x + x @ b, q + 0j)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_have_scipys_names_and_order(name: str) -> None:
    actual, expected = (
        list(inspect.signature(getattr(module, name)).parameters) for module in (ours, scipy.linalg)
    )
    assert actual[0] == expected[0]
    shared = [p for p in actual if p in expected]  # versions of SciPy differ in the others
    assert shared == [p for p in expected if p in actual]


def test_other_names_are_scipys_own() -> None:
    assert ours.hilbert is scipy.linalg.hilbert
    with pytest.raises(AttributeError):
        getattr(ours, "no_such_function")


# Real and complex


@pytest.mark.parametrize("function", [ours.sqrtm, ours.logm])
def test_a_root_is_real_where_it_is_known_to_be_and_complex_where_that_is_unknown(
    function: Any,
) -> None:
    plain = getattr(scipy.linalg, function.__name__)
    _same(function(A), plain(A))
    _same(function(-A), plain(-A))
    value, pull = ft.vjp(function, A)
    _same(value, plain(A))
    assert pull(np.eye(3))[0].dtype == np.float64
    _same(ft.jit(function)(A), plain(A).astype(complex))


def test_eigenvectors_are_real_where_all_eigenvalues_are() -> None:
    _same(ours.eig(A), scipy.linalg.eig(A))
    _same(ft.vjp(ours.eig, A)[0], scipy.linalg.eig(A))


# Derivatives at special points


@pytest.mark.parametrize("function", [ours.sqrtm, ours.logm])
def test_real_roots_and_logarithms_have_derivatives_of_first_and_second_order(
    function: Any,
) -> None:
    def loss(a: Any) -> Any:
        return (function(a) ** 3).sum()

    assert_close(ft.grad(loss)(A), numerical_grad(loss, A), 1e-6)
    along = np.arange(9.0).reshape(3, 3)
    second = ft.grad(lambda a: (ft.grad(loss)(a) * along).sum())(A)
    assert_close(second, numerical_grad(lambda a: (ft.grad(loss)(a) * along).sum(), A), 1e-6)
    assert_close(ft.jit(ft.grad(lambda a: (function(a) ** 3).sum().real))(A), ft.grad(loss)(A))


def test_the_other_triangle_has_no_part_in_the_derivative() -> None:
    a = np.array([[2.0, np.nan], [1.0, 4.0]])
    solve = partial(ours.solve_triangular, b=np.ones(2), lower=True, check_finite=False)
    gradient = ft.grad(lambda a: solve(a).sum())(a)
    assert gradient[0, 1] == 0
    assert np.isfinite(gradient).all()


def test_a_unit_diagonal_has_no_part_in_the_derivative() -> None:
    gradient = ft.grad(lambda a: ours.solve_triangular(a, [1.0, 2, 3], unit_diagonal=True).sum())(A)
    np.testing.assert_array_equal(np.diag(gradient), 0)


@pytest.mark.parametrize("side", ["right", "left"])
def test_polar_factors_of_equal_singular_values_have_derivatives(side: str) -> None:
    weights = np.arange(4.0).reshape(2, 2)

    def loss(a: Any) -> Any:
        u, p = ours.polar(a, side)
        return (weights * u).sum() + (weights**2 * p).sum()

    assert_close(ft.grad(loss)(np.eye(2)), numerical_grad(loss, np.eye(2)), 1e-7)


def test_generalized_eigenvectors_of_equal_eigenvalues_stay_normalized() -> None:
    def loss(b: Any) -> Any:
        w, v = ours.eigh(2 * np.eye(3), b + b.T)
        return (w**2).sum() + (v @ v.T)[0, 1]  # the inverse of b, whatever basis v is

    b = np.eye(3) / 2
    assert_close(ft.grad(loss)(b), numerical_grad(loss, b), 1e-7)


def test_expm_of_large_and_of_nilpotent_matrices_has_derivatives() -> None:
    for a in (30 * A, np.triu(A, 1), np.zeros((3, 3))):
        e = np.arange(9.0).reshape(3, 3)
        expected = scipy.linalg.expm_frechet(a, e, compute_expm=False)
        assert_close(ft.jvp(ours.expm, (a,), (e,))[1], expected, 1e-11)


def test_the_third_derivative_of_expm_is_that_of_the_exponential() -> None:
    third = ft.grad(ft.grad(ft.grad(lambda t: ours.expm(t * np.eye(2))[0, 0])))
    assert_close(third(0.5), np.exp(0.5))


def test_cho_solve_of_many_right_hand_sides_solves_them_together() -> None:
    solve = ft.vmap(lambda b: ours.cho_solve(ours.cho_factor(A), b))
    program = ft.trace(solve)(np.ones((5, 3)))
    solves = [e for e in program.equations if e.primitive.name == "solve_triangular"]
    assert [e.inputs[1].type.shape for e in solves] == [(3, 5), (3, 5)]


# Errors


@pytest.mark.parametrize("wrap", [lambda f: f, ft.jit, ft.grad], ids=["plain", "jit", "grad"])
@pytest.mark.parametrize(
    "function",
    [
        lambda s, a: s.solve(a, np.ones(2)).sum(),
        lambda s, a: s.solve(a, np.ones(2), assume_a="diagonal").sum(),
        lambda s, a: s.solve(a, np.ones(2), assume_a="pos").sum(),
        lambda s, a: s.solve_triangular(a, np.ones(2)).sum(),
        lambda s, a: s.inv(a).sum(),
        lambda s, a: s.cholesky(a).sum(),
        lambda s, a: s.cho_factor(a)[0].sum(),
    ],
)
def test_singular_matrices_raise_as_in_scipy(function: Any, wrap: Any) -> None:
    singular = np.diag([1.0, 0.0])
    with pytest.raises(np.linalg.LinAlgError):
        function(scipy.linalg, singular)
    with pytest.raises(np.linalg.LinAlgError):
        wrap(partial(function, ours))(singular)


def test_infinities_and_nans_raise_as_in_scipy_unless_told_not_to_look() -> None:
    a = np.array([[1.0, np.nan], [0, 1]])
    for call in (ours.solve, ft.jit(ours.solve)):
        with pytest.raises(ValueError, match="infs or NaNs"):
            call(a, np.ones(2))
    assert np.isnan(ours.cholesky(a, check_finite=False, lower=False)).any()
    with pytest.raises(ValueError, match="infs or NaNs"):
        ft.vmap(ours.inv)(np.stack([np.eye(2), a]))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ft.trace(ours.solve_triangular)(A, np.ones(2)), MatrixShapeError),
        (lambda: ours.solve(A[:2], np.ones(2)), MatrixShapeError),
        (lambda: ours.expm(A[:2]), MatrixShapeError),
        (lambda: ft.trace(ours.solve_sylvester)(A, A, A[:2]), MatrixShapeError),
        (lambda: ft.trace(ours.eigh)(A, A[:2, :2]), MatrixShapeError),
        (lambda: ours.leslie(A[0], A[0]), ValueError),
        (lambda: ours.hankel(A), ValueError),
        (lambda: ours.companion([0.0, 1.0]), ValueError),
        (lambda: ours.companion([1.0]), ValueError),
        (lambda: ours.convolution_matrix([1.0], 0), ValueError),
        (lambda: ours.convolution_matrix([1.0], 1, "all"), OptionError),
        (lambda: ours.khatri_rao(A, A[0]), ValueError),
        (lambda: ours.solve(A, A, assume_a="round"), OptionError),
        (lambda: ours.solve_triangular(A, A, trans=3), OptionError),
        (lambda: ours.qr(A, mode="raw"), OptionError),
        (lambda: ours.polar(A, "up"), OptionError),
        (lambda: ours.eig(A, A), UnsupportedFunctionError),
        (lambda: ours.eigh(A, A, type=2), UnsupportedFunctionError),
    ],
)
def test_bad_arguments_are_named(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


# Bands and Schur forms


def test_gradients_of_banded_systems_are_of_what_is_read() -> None:
    ab = np.array([[9.0, 1, 1, 2], [5, 6, 7, 8], [1, 2, 1, 9]])
    gradient = ft.jit(ft.grad(lambda ab: ours.solve_banded((1, 1), ab, np.arange(4.0)).sum()))(ab)
    assert gradient[0, 0] == gradient[2, 3] == 0
    assert np.count_nonzero(gradient) == 10
    half = ft.grad(lambda ab: ours.solveh_banded(ab, np.arange(4.0)).sum())(ab[:2])
    assert half[0, 0] == 0
    below = ft.grad(lambda ab: ours.solveh_banded(ab, np.arange(4.0), lower=True).sum())(
        np.array([ab[1], [*ab[0, 1:], 0]])
    )
    assert_close(half[0, 1:], below[1, :3])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x: ours.solve_banded((1, 2), x, np.ones(3)), "4 rows"),
        (lambda x: ours.solve_banded((1, 1), x, np.ones(4)), "as many rows"),
        (lambda x: ours.solveh_banded(x[0], np.ones(3)), "rows"),
    ],
)
def test_bands_that_do_not_fit_raise_a_value_error(call: Any, match: str) -> None:
    with pytest.raises(MatrixShapeError, match=match):
        ft.jit(call)(np.ones((3, 3)))


def test_bands_of_matrices_that_are_not_definite_raise_scipys_error() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        ft.jit(lambda ab: ours.solveh_banded(ab, np.ones(2)))(np.array([[0.0, 3], [1, 1]]))


@pytest.mark.parametrize(
    ("x", "output", "match"),
    [
        (np.array([[0.0, -1], [1, 0]]), "real", "complex"),
        (np.eye(2) + np.eye(2, k=1), "real", "equal eigenvalues"),
        (np.eye(3), "complex", "equal eigenvalues"),
    ],
)
def test_schur_forms_that_are_not_determined_have_no_derivative(
    x: Any, output: str, match: str
) -> None:
    value = ft.jit(lambda x: ours.schur(x, output))(x)
    assert_close(value, scipy.linalg.schur(x, output))
    for derivative in (ft.grad, ft.jacfwd):
        with pytest.raises(NonDifferentiableError, match=match):
            derivative(lambda x: np.abs(ours.schur(x, output)[1]).sum())(x)
