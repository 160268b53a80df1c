"""Derivatives of lengths at 0: the right ones where they exist, NaN or infinities elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import functrace as ft
from functrace.memo.structural import FINISHED
from functrace.testing import check_grads

norm = np.linalg.norm
A = np.array([[1.0, -2.0, 0.5], [0.25, 1.5, -1.0]])
V = np.array([1.0, -2.0, 3.0])
ZERO = np.zeros(3)
EYE = np.eye(3)

HESSIANS: dict[str, Callable[..., Any]] = {
    "hessian": ft.hessian,
    "forward over forward": lambda f: ft.jacfwd(ft.jacfwd(f)),
    "reverse over reverse": lambda f: ft.jacrev(ft.jacrev(f)),
    "reverse over forward": lambda f: ft.jacrev(ft.jacfwd(f)),
    "jit": lambda f: ft.jit(ft.hessian(f)),
    "hessian of jit": lambda f: ft.hessian(ft.jit(f)),
    "vmap": lambda f: lambda x: ft.vmap(ft.hessian(f))(np.stack([x, x]))[0],
}
THREE = ["hessian", "forward over forward", "reverse over reverse"]


def distances(x: Any) -> Any:
    """To the rows of A from as many points that are x away from them."""
    return np.linalg.norm((A + x) - A, axis=1)


# The functions, and their Hessians at 0
SQUARES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "norm(x)**2": (lambda x: norm(x) ** 2, 2 * EYE),
    "norm(x) * norm(x)": (lambda x: norm(x) * norm(x), 2 * EYE),
    "a length times itself": (lambda x: (r := norm(x)) * r, 2 * EYE),
    "np.square(norm(x))": (lambda x: np.square(norm(x)), 2 * EYE),
    "np.power(norm(x), 2)": (lambda x: np.power(norm(x), 2), 2 * EYE),
    "np.float_power(norm(x), 2)": (lambda x: np.float_power(norm(x), 2), 2 * EYE),
    "norm(x, ord=2)**2": (lambda x: norm(x, ord=2) ** 2, 2 * EYE),
    "norm of a matrix": (lambda x: norm(x * A, "fro") ** 2, np.diag(2 * np.sum(A**2, 0))),
    "norm of all axes": (lambda x: norm(x * A) ** 2, np.diag(2 * np.sum(A**2, 0))),
    "norm along an axis": (
        lambda x: np.sum(norm(x * A, axis=1) ** 2), np.diag(2 * np.sum(A**2, 0))),
    "norm with keepdims": (
        lambda x: np.sum(norm(x * A, axis=1, keepdims=True) ** 2 * np.ones((2, 3))),
        np.diag(6 * np.sum(A**2, 0))),
    "vector_norm": (lambda x: np.linalg.vector_norm(x) ** 2, 2 * EYE),
    "norm of a complex vector": (lambda x: norm((1 + 2j) * x) ** 2, 10 * EYE),
    "norm(x, ord=4)**4": (lambda x: norm(x, ord=4) ** 4, 0 * EYE),
    "norm(x, ord=3)**3": (lambda x: norm(x, ord=3) ** 3, 0 * EYE),
    "sqrt(s)**2": (lambda x: np.sqrt(np.sum(x**2)) ** 2, 2 * EYE),
    "sqrt(s) * sqrt(s)": (lambda x: np.sqrt(np.sum(x**2)) * np.sqrt(np.sum(x * x)), 2 * EYE),
    "(s ** 0.5) ** 2": (lambda x: ((x @ x) ** 0.5) ** 2, 2 * EYE),
    "(s ** 0.25) ** 4": (lambda x: (np.sum(x**2) ** 0.25) ** 4, 2 * EYE),
    "sqrt(sqrt(s)) ** 4": (lambda x: np.sqrt(np.sqrt(np.sum(x**2))) ** 4, 2 * EYE),
    "cbrt(s) ** 3": (lambda x: np.cbrt(np.sum(x**2)) ** 3, 2 * EYE),
    "sqrt of an einsum": (
        lambda x: np.sum(np.sqrt(np.einsum("ij,ij->i", x * A, x * A)) ** 2),
        np.diag(2 * np.sum(A**2, 0))),
    "hypot": (lambda x: np.hypot(x[0], x[1]) ** 2, np.diag([2.0, 2, 0])),
    "hypot of hypot": (lambda x: np.hypot(np.hypot(x[0], x[1]), x[2]) ** 2, 2 * EYE),
    "hypot.reduce": (lambda x: np.hypot.reduce(x) ** 2, 2 * EYE),
    "abs(x)**2": (lambda x: np.sum(np.abs(x) ** 2), 2 * EYE),
    "abs(x) * abs(x)": (lambda x: np.sum(abs(x) * abs(x)), 2 * EYE),
    "fabs(x)**2": (lambda x: np.sum(np.fabs(x) ** 2), 2 * EYE),
    "sqrt(abs(x)) ** 4": (lambda x: np.sum(np.sqrt(np.abs(x)) ** 4), 2 * EYE),
    "sqrt(3 * abs(x)) ** 4": (lambda x: np.sum(np.sqrt(3 * np.abs(x)) ** 4), 18 * EYE),
    "sqrt(x * x) ** 2": (lambda x: np.sum(np.sqrt(x * x) ** 2), 2 * EYE),
    "abs of complex": (lambda x: np.sum(np.abs(x * (1 + 1j)) ** 2), 4 * EYE),
    "std**2": (lambda x: np.std(x) ** 2, (2 * EYE - 2 / 3) / 3),
    "nanstd**2": (lambda x: np.nanstd(x) ** 2, (2 * EYE - 2 / 3) / 3),
    "std with ddof": (lambda x: x.std(ddof=1) ** 2, EYE - 1 / 3),
    "(norm(x) / ell)**2": (lambda x: (norm(x) / 0.5) ** 2, 8 * EYE),
    "(2 * norm(x))**2": (lambda x: (2 * norm(x)) ** 2, 8 * EYE),
    "(-norm(x))**2": (lambda x: (-norm(x)) ** 2, 2 * EYE),
    "-k * r * r": (lambda x: -0.5 * norm(x) * norm(x), -EYE),
    "a kernel": (lambda x: np.exp(-((norm(x) / 0.5) ** 2) / 2), -4 * EYE),
    "another kernel": (lambda x: (1 + norm(x) ** 2 / 3) ** -1.5, -EYE),
    "reshaped": (lambda x: np.sum(distances(x).reshape(2, 1) ** 2), 4 * EYE),
    "an element": (lambda x: distances(x)[1] ** 2, 2 * EYE),
    "elements by number": (lambda x: np.sum(distances(x)[[0, 1, 1]] ** 2), 6 * EYE),
    "transposed and repeated": (
        lambda x: np.sum(np.broadcast_to(distances(x)[:, None], (2, 3)).T ** 2), 12 * EYE),
    "a sum over one": (lambda x: np.sum(norm(x[None], axis=1)) ** 2, 2 * EYE),
    "stacked": (lambda x: np.sum(np.stack([norm(x), norm(2 * x)]) ** 2), 10 * EYE),
    "concatenated": (lambda x: np.sum(np.concatenate([distances(x), x]) ** 2), 6 * EYE),
    "chosen": (lambda x: np.where(x[0] > 1, 7.0, norm(x)) ** 2, 2 * EYE),
    "assigned": (lambda x: np.sum(filled(x) ** 2), 2 * EYE),
    "a dot product of lengths": (lambda x: distances(x) @ distances(x), 4 * EYE),
    "an einsum of lengths": (
        lambda x: np.einsum("i,i,i->", r := distances(x), [1.0, 3.0], r), 8 * EYE),
    "the norm of norms": (lambda x: norm(distances(x)) ** 2, 4 * EYE),
    "pairwise": (
        lambda x: np.sum(norm((y := A * x)[:, None] - y[None], axis=-1) ** 2),
        np.diag(4 * (A[0] - A[1]) ** 2)),
    "norm(x)**3": (lambda x: norm(x) ** 3, 0 * EYE),
    "norm(x)**2.5": (lambda x: norm(x) ** 2.5, 0 * EYE),
    "norm(x)**4": (lambda x: norm(x) ** 4, 0 * EYE),
    "s ** 1.5": (lambda x: np.sum(x**2) ** 1.5, 0 * EYE),
    "s * sqrt(s)": (lambda x: (s := np.sum(x**2)) * np.sqrt(s), 0 * EYE),
    "r**2 * r": (lambda x: norm(x) ** 2 * norm(x), 0 * EYE),
    "two lengths": (lambda x: norm(x[:2]) ** 2 * norm(x[1:]) ** 2, 0 * EYE),
    "(r1 * r2)**2": (
        lambda x: (norm(x[:2]) * norm(x[1:] + 1)) ** 2, np.diag([4.0, 4.0, 0.0])),
}  # fmt: skip


def filled(x: Any) -> Any:
    y = ft.numpy.zeros(2)
    y[1] = norm(x)
    return y


def in_a_scan(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: ft.scan(lambda c, _: (c + f(x), None), 0.0, None, length=2)[0] / 2


PLACES: dict[str, Callable[[Any], Any]] = {
    "a scan": in_a_scan,
    "a checkpoint": ft.checkpoint,
    "a choice": lambda f: lambda x: ft.cond(np.sum(x) < 1, f, lambda x: 2 * f(x), x),
    "jit": ft.jit,
    "vmap": lambda f: lambda x: ft.vmap(f)(x[None])[0],
    "another function": lambda f: lambda x: (lambda y: f(y + 0.0))(1 * x),
}


@pytest.mark.parametrize("name", SQUARES)
def test_hessians_at_0_are_right(name: str) -> None:
    f, expected = SQUARES[name]
    for mode in THREE:
        np.testing.assert_allclose(HESSIANS[mode](f)(ZERO), expected, atol=1e-12, err_msg=mode)
    np.testing.assert_array_equal(ft.grad(f)(ZERO), ZERO)
    x = V / 7
    np.testing.assert_allclose(ft.evaluate(ft.trace(f)(x), x), f(x), rtol=1e-14)
    h, gradient = 1e-5, ft.grad(f)
    slope = (f(x + h * A[0]) - f(x - h * A[0])) / (2 * h)
    np.testing.assert_allclose(gradient(x) @ A[0], slope, rtol=1e-7, atol=1e-9)
    change = (gradient(x + h * A[0]) - gradient(x - h * A[0])) / (2 * h)
    np.testing.assert_allclose(ft.hessian(f)(x) @ A[0], change, rtol=1e-7, atol=1e-8)


SOME = ["norm(x)**2", "a kernel", "std**2", "hypot", "abs(x)**2", "norm(x)**3", "-k * r * r"]


@pytest.mark.parametrize("mode", HESSIANS)
@pytest.mark.parametrize("name", SOME)
def test_all_ways_to_a_hessian_agree(name: str, mode: str) -> None:
    f, expected = SQUARES[name]
    np.testing.assert_allclose(HESSIANS[mode](f)(ZERO), expected, atol=1e-12)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["norm(x)**2", "a kernel", "abs(x)**2"])
def test_hessians_at_0_are_right_inside_of(place: str, name: str) -> None:
    f, expected = SQUARES[name]
    for hessian in (ft.hessian, HESSIANS["forward over forward"]):
        np.testing.assert_allclose(hessian(PLACES[place](f))(ZERO), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_squares_keep_their_dtype(dtype: Any) -> None:
    found = ft.hessian(lambda x: norm(x) ** 2)(np.zeros(2, dtype))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, 2 * np.eye(2))


# Powers: derivatives along a line through 0


LINES: dict[str, Callable[[Any], Any]] = {
    "norm": lambda t: norm(t * V),
    "sqrt": lambda t: np.sqrt(np.sum((t * V) ** 2)),
    "hypot": lambda t: np.hypot(t, 2 * t),
    "abs": np.abs,
    "abs of complex": lambda t: np.abs(t * (3 + 4j)),
    "half of a sum": lambda t: np.sqrt(np.sum(0.5 * (t * V) ** 2) / 3),
}


SQUARING = ("norm", "sqrt", "half of a sum")  # whose squares come to 0 before lengths do


def nth(f: Callable[[Any], Any], order: int, modes: str) -> Callable[[Any], Any]:
    for mode in (modes * order)[:order]:
        f = ft.jacfwd(f) if mode == "f" else ft.grad(f)
    return f


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("modes", ["f", "r"])
@pytest.mark.parametrize("power", [1.5, 2, 2.5, 3, 3.5, 4, 5])
@pytest.mark.parametrize("name", LINES)
def test_derivatives_of_powers_of_lengths_at_0(name: str, power: float, modes: str) -> None:
    """Those below the power are 0, and the others not finite but for even powers."""
    f = lambda t: LINES[name](t) ** power
    scale = float(LINES[name](1.0)) ** power
    for order in range(1, 5):
        found = nth(f, order, modes)(0.0)
        if power in (2, 4):
            expected = scale * (float(math.factorial(int(power))) if order == power else 0.0)
            np.testing.assert_allclose(found, expected, rtol=1e-14)
        elif order < power:
            assert found == 0
        else:
            assert not np.isfinite(found)


@pytest.mark.parametrize("power", [1, 2, 2.5, 3, 4])
@pytest.mark.parametrize("t", [1e-300, -1e-120, 1e-9, 0.3])
def test_derivatives_beside_0_are_those_in_higher_precision(power: float, t: float) -> None:
    """|c t| ** p, in any of its spellings."""
    for name, length in LINES.items():
        for order in (1, 2, 3):
            if abs(t) < 1e-100 and (power < order or (abs(t) < 1e-200 and name in SQUARING)):
                continue  # out of range, or nearly so
            found = nth(lambda t, length=length: length(t) ** power, order, "fr")(t)
            scale: Any = mpmath.mpf(float(length(1.0)))
            falling: Any = mpmath.ff(power, order) * mpmath.mpf(abs(t)) ** (power - order)
            expected = scale**power * falling * (np.sign(t) ** order)
            if name == "abs" and power == 1:
                expected = np.sign(t) if order == 1 else 0.0
            bound = 1e-12 * float(scale) ** power * abs(t) ** (power - order)
            assert abs(found - float(expected)) <= max(bound, 1e-300), (name, order)


# What is not removable

KINKS: dict[str, Callable[[Any], Any]] = {
    "norm": norm,
    "norm of order 3": lambda x: norm(x, ord=3),
    "norm of order 1.5": lambda x: norm(x, ord=1.5),
    "a matrix's norm": lambda x: norm(x * A),
    "norm along an axis": lambda x: np.sum(norm(x * A, axis=0)),
    "sqrt": lambda x: np.sqrt(np.sum(x**2)),
    "hypot": lambda x: np.hypot(x[0], x[1]),
    "abs of complex": lambda x: np.sum(np.abs(x * 1j)),
    "std": np.std,
    "nanstd": np.nanstd,
    "norm(x)**1.5": lambda x: norm(x) ** 1.5,
    "(norm(x) - 1)**2": lambda x: (norm(x) - 1) ** 2,
    "exp(-norm(x))": lambda x: np.exp(-norm(x)),
    "a product of two": lambda x: norm(x) * norm(x * V),
    "a sum of two, squared": lambda x: (norm(x) + norm(x * V)) ** 2,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", THREE)
@pytest.mark.parametrize("name", KINKS)
def test_second_derivatives_that_do_not_exist_are_not_finite(name: str, mode: str) -> None:
    assert not np.isfinite(np.diag(HESSIANS[mode](KINKS[name])(ZERO))[:2]).any()


@pytest.mark.parametrize("name", [name for name in KINKS if name != "sqrt"])
def test_first_derivatives_of_lengths_at_0_are_0(name: str) -> None:
    np.testing.assert_array_equal(ft.grad(KINKS[name])(ZERO), ZERO)
    np.testing.assert_array_equal(ft.jacfwd(KINKS[name])(ZERO), ZERO)


def test_kinks_of_real_numbers_have_slopes_only() -> None:
    assert ft.grad(np.abs)(0.0) == 0
    assert ft.grad(ft.grad(np.abs))(0.0) == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", [norm, np.std, lambda x: np.hypot(x[0], x[1])])
def test_debug_nans_names_the_op_and_its_line(function: Callable[[Any], Any]) -> None:
    with ft.debug_nans(), pytest.raises(ft.errors.NonFiniteError) as caught:
        ft.hessian(lambda x: function(x) + 1.0)(ZERO)
    assert "in the higher derivative of" in str(caught.value)
    assert "function(x) + 1.0" in str(caught.value)


# Values, and where roots are of what may be negative


def test_values_stay_those_of_numpy() -> None:
    big, tiny = np.array([1e160, 1e160]), np.array([1e-170, 1e-170])
    f = lambda x: (np.hypot(x[0], x[1]) / 1e150) ** 2
    value, gradient = ft.value_and_grad(f)(big)
    assert value == f(big)
    np.testing.assert_allclose(gradient, 2 * big / 1e300, rtol=1e-14)
    g = lambda x: (np.hypot(x[0], x[1]) / 1e-150) ** 2
    value, gradient = ft.value_and_grad(g)(tiny)
    assert value == g(tiny)
    np.testing.assert_allclose(gradient, 2 * (tiny / 1e-150) / 1e-150, rtol=1e-12)
    assert ft.jit(lambda x: norm(x) ** 2)(V) == norm(V) ** 2


def test_the_square_of_a_root_is_nan_where_the_root_is() -> None:
    f = lambda s: np.sqrt(s) ** 2
    with np.errstate(invalid="ignore"):
        assert np.isnan(ft.grad(f)(-1.0))
        assert np.isnan(ft.jvp(f, (-1.0,), (1.0,))[1])
        assert np.isnan(ft.grad(lambda s: (s**0.25) ** 4)(-1.0))
    assert ft.grad(f)(0.0) == 1
    assert ft.grad(ft.grad(f))(0.0) == 0
    assert ft.grad(ft.grad(f))(2.0) == 0
    assert ft.grad(lambda s: np.cbrt(s) ** 3)(-8.0) == pytest.approx(1)


def test_cubes_of_roots_of_anything_are_not_taken_for_lengths() -> None:
    """x ** 1.5 has no second derivative at 0, where x leaves it with a slope."""
    with np.errstate(all="ignore"):
        for f in (lambda x: np.sqrt(x) ** 3, lambda x: np.sqrt(np.abs(x)) ** 3, lambda x: x**1.5):
            assert not np.isfinite(ft.grad(ft.grad(f))(0.0))
    assert ft.grad(ft.grad(lambda x: np.sqrt(x) ** 3))(4.0) == pytest.approx(0.375)


def test_roots_of_what_is_never_0_need_no_rule_of_their_own() -> None:
    for f, second in (
        (lambda x: np.sqrt(x**2 + 0.5) ** 2, 2.0),
        (lambda x: (x**2 + 4.0) ** 1.5, 6.0),
        (lambda x: (r := np.sqrt(1.0 + x * x)) * r * r, 3.0),
        (lambda x: -(y := np.sqrt(np.sqrt(x * x + 1.0) + 3.0) / (1.0 + x**2)) * y, 15.0),
    ):
        assert ft.grad(f)(0.0) == 0
        assert ft.grad(ft.grad(f))(0.0) == pytest.approx(second)
        check_grads(f, (0.3,), order=2)
        names = {e.primitive.name for e in ft.trace(ft.grad(f))(0.3).equations}
        assert names.isdisjoint({"where", "radical", "times_power"})


def test_scales_that_are_traced_have_their_derivatives() -> None:
    def kernel(p: Any) -> Any:
        return np.exp(-((norm(p[:2]) / p[2]) ** 2) / 2) * p[3]

    p = np.array([0.0, 0.0, 0.5, 2.0])
    np.testing.assert_allclose(ft.hessian(kernel)(p), np.diag([-8.0, -8.0, 0.0, 0.0]), atol=1e-14)
    check_grads(kernel, (np.array([0.3, -0.2, 0.5, 2.0]),), order=2)
    spring = lambda p: p[2] * norm(p[:2]) * norm(p[:2]) / p[3]
    np.testing.assert_allclose(ft.hessian(spring)(p), np.diag([0.5, 0.5, 0, 0]), atol=1e-14)
    check_grads(spring, (np.array([0.3, -0.2, 0.5, 2.0]),), order=2)


def test_a_kernel_of_norms_has_mixed_derivatives_at_equal_points() -> None:
    k = lambda x, y: np.exp(-((norm(x - y) / 0.5) ** 2) / 2)
    for mixed in (ft.jacfwd(ft.grad(k, 0), 1), ft.jacrev(ft.jacfwd(k, 1), 0)):
        np.testing.assert_allclose(mixed(V, V), 4 * EYE, atol=1e-14)
    points = np.stack([V, V, 2 * V])
    gram = ft.vmap(lambda x: ft.vmap(lambda y: ft.jacfwd(ft.grad(k, 0), 1)(x, y))(points))(points)
    np.testing.assert_allclose(gram[0, 1], 4 * EYE, atol=1e-14)
    assert np.isfinite(gram).all()


def test_a_square_that_is_written_twice_counts_twice() -> None:
    x = np.array([0.0, 0.5])
    for square in (
        lambda r: r**2 + r * r,
        lambda r: r**2 + r**2,
        lambda r: np.square(r) * 3 - r * r,
        lambda r: np.einsum("i,i->i", r, r) + np.einsum("i,i->i", r, r),
    ):
        hessian = ft.hessian(lambda x: np.sum(square(np.abs(x))))(x)
        np.testing.assert_allclose(hessian, 4 * np.eye(2), rtol=1e-14)


def test_third_derivatives_of_squares_are_0() -> None:
    third = ft.jacfwd(ft.hessian(lambda x: norm(x) ** 2))
    np.testing.assert_array_equal(third(ZERO), np.zeros((3, 3, 3)))
    fourth = ft.jacfwd(ft.jacfwd(ft.hessian(lambda x: norm(x) ** 4)))(ZERO)
    dd = np.einsum("ij,kl->ijkl", EYE, EYE)
    np.testing.assert_allclose(
        fourth, 8 * (dd + dd.transpose(0, 2, 1, 3) + dd.transpose(0, 3, 2, 1)), atol=1e-14
    )


def test_exponents_that_vary_from_call_to_call_stay_constants() -> None:
    for power, expected in ((2, 2.0), (3, 0.0), (2.5, 0.0), (4, 0.0), (3, 0.0)):
        found = ft.hessian(lambda x, power=power: norm(x) ** power)(ZERO)
        np.testing.assert_array_equal(found, expected * EYE)
    before = FINISHED.info().misses
    for scale in (1.5, 2.5, 3.5, 4.5, 5.5, 6.5):
        found = ft.hessian(lambda x, scale=scale: (scale * norm(x)) ** 3)(ZERO)
        np.testing.assert_array_equal(found, 0 * EYE)
    assert FINISHED.info().misses - before <= 6


def test_long_programs_take_time_in_proportion() -> None:
    def chain(x: Any) -> Any:
        for _ in range(100):
            x = np.sqrt(x * x + 1.0) * x / norm(x)
        return np.sum(x)

    np.testing.assert_array_equal(np.isfinite(ft.grad(chain)(V)), True)
