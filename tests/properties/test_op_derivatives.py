"""Derivatives of every op: against finite differences, and forward against reverse mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import tree
from functrace.errors import NonDifferentiableError

from ..cases.op_cases import CASES, Case
from ..helpers import (
    assert_close,
    difference,
    differentiable_part,
    is_inexact,
    mapped_leaves,
    name_of,
    narrowed,
    pairing,
    random_like,
    tolerance,
)

Function = Callable[..., Sequence[Any]]


def _differentiable(c: Case) -> bool:
    if not c.differentiable or not any(is_inexact(x) for x in c.operands):
        return False
    return any(is_inexact(y) for y in tree.leaves(c.fun(*c.operands)))


DIFFERENTIABLE = [c for c in CASES if _differentiable(c)]


def _check_derivatives(function: Function, operands: Sequence[Any], rtol: float) -> None:
    """Forward mode against finite differences, and reverse mode against forward mode."""
    random = np.random.default_rng(7)
    directions = [random_like(x, random) for x in operands]
    values, tangents = ft.jvp(function, tuple(operands), tuple(directions))
    assert_close(list(values), list(function(*operands)))
    assert_close(list(tangents), difference(function, operands, directions), rtol)
    for value, tangent in zip(values, tangents, strict=True):
        assert np.asarray(tangent).dtype == np.asarray(value).dtype
    values, pull = ft.vjp(function, *operands)
    cotangents = tuple([random_like(y, random) for y in values])
    gradients = pull(cotangents)
    for x, gradient in zip(operands, gradients, strict=True):
        assert gradient.dtype == np.asarray(x).dtype
        assert gradient.shape == np.shape(x)
    expected = pairing(cotangents, tangents)
    scale = 1 + sum(float(np.sum(np.abs(c * t))) for c, t in zip(cotangents, tangents, strict=True))
    assert abs(pairing(gradients, directions) - expected) <= 1e-11 * scale


def _gradient_of(function: Function, operands: Sequence[Any]) -> Function:
    """Reverse mode with fixed cotangents, as a function of its own."""
    random = np.random.default_rng(8)
    cotangents = tuple([random_like(y, random) for y in function(*operands)])
    return lambda *xs: ft.vjp(function, *xs)[1](cotangents)


def _pushforward_of(function: Function, operands: Sequence[Any]) -> Function:
    """Forward mode along a fixed direction, as a function of its own."""
    random = np.random.default_rng(9)
    directions = tuple([random_like(x, random) for x in operands])
    return lambda *xs: ft.jvp(function, xs, directions)[1]


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_first_derivatives_agree_with_finite_differences(c: Case) -> None:
    _check_derivatives(*differentiable_part(c), rtol=2e-7)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_derivatives_of_reverse_mode_agree_with_finite_differences(c: Case) -> None:
    function, operands = differentiable_part(c)
    _check_derivatives(_gradient_of(function, operands), operands, rtol=2e-6)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_derivatives_of_forward_mode_agree_with_finite_differences(c: Case) -> None:
    function, operands = differentiable_part(c)
    _check_derivatives(_pushforward_of(function, operands), operands, rtol=2e-6)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_single_precision_gradients_are_single_and_near_the_double_ones(c: Case) -> None:
    function, operands = differentiable_part(c)
    expected = _gradient_of(function, operands)(*operands)
    narrow = mapped_leaves(narrowed, operands)
    random = np.random.default_rng(8)
    values, pull = ft.vjp(function, *narrow)
    wide = [random_like(y, random) for y in function(*operands)]
    actual = pull(tuple([w.astype(y.dtype) if hasattr(y, "dtype") else w
                         for w, y in zip(wide, values, strict=True)]))  # fmt: skip
    for x, gradient, double in zip(narrow, actual, expected, strict=True):
        assert gradient.dtype == np.asarray(x).dtype
        np.testing.assert_allclose(gradient, double, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_linearize_agrees_with_jvp(c: Case) -> None:
    function, operands = differentiable_part(c)
    random = np.random.default_rng(6)
    directions = [random_like(x, random) for x in operands]
    values, push = ft.linearize(function, *operands)
    assert_close((values, push(*directions)), ft.jvp(function, tuple(operands), tuple(directions)))


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_compiled_gradients_equal_the_plain_ones(c: Case) -> None:
    if c.needs_values:
        with pytest.raises(ft.errors.ConcretizationError):
            ft.jit(c.fun)(*c.operands)
        return
    function, operands = differentiable_part(c)
    gradient = _gradient_of(function, operands)
    assert_close(ft.jit(gradient)(*operands), gradient(*operands))


@pytest.mark.parametrize(
    "function", [np.spacing, lambda x: np.nextafter(x, 1.0), lambda x: np.nextafter(1.0, x)]
)
def test_ops_without_a_derivative_say_so(function: Any) -> None:
    with pytest.raises(NonDifferentiableError):
        ft.grad(function)(2.0)
    with pytest.raises(NonDifferentiableError):
        ft.jvp(function, (2.0,), (1.0,))


def test_stop_gradient_has_derivative_zero() -> None:
    assert ft.grad(ft.stop_gradient)(2.0) == 0
    assert ft.jvp(ft.stop_gradient, (2.0,), (1.0,)) == (2.0, 0.0)


def test_a_cast_to_single_precision_passes_the_derivative_on() -> None:
    x = np.array([0.5, 1.5])
    gradient = ft.grad(lambda x: np.sum(x.astype(np.float32) ** 2))(x)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, 2 * x)


# Where the derivative does not exist, or limits are needed


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.abs, 0.0, 0.0),
        (np.sign, 0.0, 0.0),
        (lambda x: np.maximum(x, 0.0), 0.0, 0.5),
        (lambda x: np.minimum(x, x), 1.0, 1.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: x**3, 0.0, 0.0),
        (lambda x: x**1.5, 0.0, 0.0),
        (lambda x: np.power(x, np.full((), 2.0)), 0.0, 0.0),
        (lambda x: 0.0**x, 2.0, 0.0),
        (lambda x: x**x, 1.0, 1.0),
        (lambda x: np.logaddexp(x, x), 3.0, 1.0),
        (lambda x: np.logaddexp(x, -np.inf), 3.0, 1.0),
        (lambda x: np.logaddexp(x, 3.0), np.inf, 1.0),
        (lambda x: np.logaddexp(3.0, x), -np.inf, 0.0),
        (lambda x: np.fmax(x, np.nan), 3.0, 1.0),
        (lambda x: np.fmin(np.nan, x), 3.0, 1.0),
        (lambda x: np.fmin(x, 2.0), np.nan, 0.0),
        (lambda x: np.logaddexp(x, -np.inf), -np.inf, 0.5),
        (lambda x: np.hypot(x, 0.0), 0.0, 0.0),
        (np.linalg.norm, 0.0, 0.0),
        (lambda x: np.prod(np.stack([x, x, 2.0])), 0.0, 0.0),
        (lambda x: np.prod(np.stack([x, 3.0, 2.0])), 0.0, 6.0),
        (lambda x: np.cumprod(np.stack([2.0, x, 3.0]))[2], 0.0, 6.0),
        (np.tanh, 500.0, 0.0),
        (np.expm1, -800.0, 0.0),
        (lambda x: np.std(np.stack([x, 1.0, 1.0])), 1.0, 0.0),
        (lambda x: np.nanstd(np.stack([x, np.nan, 1.0])), 1.0, 0.0),
        (lambda x: np.heaviside(0.0, x), 0.3, 1.0),
        (lambda x: np.heaviside(x, 0.3), 0.0, 0.0),
        (lambda x: np.fmod(1.0, x), 0.1, -9.0),
        (lambda x: np.arctan2(x, 1e-200), 1e-200, 5e199),
        (lambda x: np.arctan2(1e200, x), 1e200, -5e-201),
        (np.arcsinh, 1e200, 1e-200),
        (np.arcsin, 1 - 2.0**-40, 2.0**19.5 / np.sqrt(1 - 2.0**-41)),
        (np.arccos, 2.0**-40 - 1, -(2.0**19.5) / np.sqrt(1 - 2.0**-41)),
        (np.arctanh, 1 - 2.0**-40, 2.0**39 / (1 - 2.0**-41)),
        (lambda x: np.logaddexp(x, 1e16), 1e16, 0.5),
    ],
)  # fmt: skip
def test_derivatives_at_special_points(function: Any, x: float, expected: float) -> None:
    np.testing.assert_allclose(ft.grad(function)(x), expected, atol=1e-300)
    np.testing.assert_allclose(ft.jvp(function, (x,), (1.0,))[1], expected, atol=1e-300)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: np.logaddexp(x, 0.0), 0.0, 0.25),
        (lambda x: np.logaddexp2(0.0, x), 0.0, np.log(2) / 4),
        (lambda x: x**2, 0.0, 2.0),
        (lambda x: x**3, 0.0, 0.0),
        (lambda x: x**1, 0.0, 0.0),
        (lambda x: np.power(x, np.full((), 2.0)), 0.0, 2.0),
        (lambda x: np.power(np.full((), 2.0), x), 0.0, np.log(2) ** 2),
        (lambda x: np.power(1 + x, x), 0.0, 2.0),
        (lambda x: np.prod(np.stack([x, x, 2.0])), 0.0, 4.0),
        (lambda x: np.cumprod(np.stack([x, 3.0, x]))[2], 0.0, 6.0),
        (lambda x: np.abs(x) ** 2, 1.0, 2.0),
        (lambda x: np.maximum(x, 0.0) ** 2, 1.0, 2.0),
    ],
)
def test_second_derivatives_at_special_points(function: Any, x: float, expected: float) -> None:
    np.testing.assert_allclose(ft.grad(ft.grad(function))(x), expected, atol=1e-15)
    np.testing.assert_allclose(ft.hessian(function)(x), expected, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_derivatives_of_sinc_in_low_precision_are_those_in_double(dtype: Any) -> None:
    slope = ft.elementwise_grad(np.sinc)
    x = np.linspace(-3, 3, 14).astype(dtype)
    for derivative in (
        slope,
        ft.elementwise_grad(slope),
        ft.elementwise_grad(ft.elementwise_grad(slope)),
    ):
        expected = derivative(x.astype(np.float64))
        assert_close(derivative(x), expected.astype(dtype), tolerance(np.dtype(dtype)))


def test_the_slopes_of_inverse_functions_at_their_ends_are_infinite() -> None:
    with np.errstate(divide="ignore"):
        ends = np.array([-1.0, 1.0])
        for function, expected in ((np.arcsin, np.inf), (np.arccos, -np.inf), (np.arctanh, np.inf)):
            np.testing.assert_array_equal(ft.elementwise_grad(function)(ends), [expected] * 2)


@pytest.mark.parametrize("z", [2 + 0j, complex(2, -0.0), -2 + 0j, complex(-2, -0.0)])
@pytest.mark.parametrize("function", [np.arcsin, np.arccos, np.arccosh, np.log, np.sqrt])
def test_derivatives_on_branch_cuts_are_those_along_the_cut(function: Any, z: complex) -> None:
    ahead, behind = (function(complex(z.real + h, z.imag)) for h in (1e-6, -1e-6))
    expected = (ahead - behind) / 2e-6
    np.testing.assert_allclose(ft.jvp(function, (z,), (1 + 0j,))[1], expected, atol=1e-8)


def test_the_sign_of_a_complex_number_has_derivative_zero_at_zero() -> None:
    assert ft.jvp(np.sign, (0j,), (1 + 2j,))[1] == 0
    assert ft.grad(lambda z: np.sign(z).real)(0j) == 0


def test_the_hessian_of_a_power_is_symmetric_at_exponent_zero() -> None:
    H = ft.hessian(lambda p: np.power(p[0], p[1]))(np.array([2.0, 0.0]))
    np.testing.assert_allclose(H, [[0, 0.5], [0.5, np.log(2) ** 2]], atol=1e-15)


@pytest.mark.parametrize("function", [np.max, np.min])
def test_extrema_share_the_derivative_among_ties(function: Any) -> None:
    gradient = ft.grad(function)(np.array([[2.0, 2.0], [2.0, 2.0]]))
    np.testing.assert_array_equal(gradient, np.full((2, 2), 0.25))


@pytest.mark.parametrize("function", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_pairwise_extrema_share_the_derivative_among_ties(function: Any) -> None:
    assert ft.grad(function, argnums=(0, 1))(2.0, 2.0) == (0.5, 0.5)


def test_the_gradient_of_a_magnitude_is_conjugate_as_in_jax() -> None:
    z = 3 + 4j
    assert ft.grad(lambda z: np.abs(z) ** 2)(z) == pytest.approx(6 - 8j)
    assert ft.grad(lambda z: np.real(z * np.conj(z)))(z) == pytest.approx(6 - 8j)
    assert ft.grad(np.sin, holomorphic=True)(z) == pytest.approx(np.cos(z))


def test_derivatives_flow_around_masked_out_infinities() -> None:
    x = np.array([0.0, 4.0])

    def safe(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0))

    np.testing.assert_array_equal(ft.grad(safe)(x), [0.0, 0.25])


def test_unused_and_integer_operands_have_no_gradient() -> None:
    gradient = ft.grad(lambda x, n: np.sum(x[n]), argnums=(0, 1), allow_int=True)
    dx, dn = gradient(np.ones(3), np.array([1, 1]))
    np.testing.assert_array_equal(dx, [0, 2, 0])
    assert dn.dtype == ft.float0
    np.testing.assert_array_equal(ft.grad(lambda x, y: np.sum(y), argnums=0)(np.ones(2), 3.0), 0)
