"""`functrace.testing.check_grads`: it accepts right derivatives, and names what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ArgumentError, GradientCheckError, OptionError
from functrace.testing import check_grads

W, X = np.array([[0.5, -1.0], [0.3, 0.8]]), np.array([1.0, 2.0])


def off(factor: Any) -> Any:
    """The product of two arrays, whose derivative by the second is off by a factor."""

    @ft.custom_jvp
    def product(x: Any, y: Any) -> Any:
        return x * y

    product.defjvp(
        lambda primals, tangents: (
            primals[0] * primals[1],
            tangents[0] * primals[1] + factor * (primals[0] * tangents[1]),
        )
    )
    return product


# What is right


@pytest.mark.parametrize("order", [1, 2, 3])
def test_right_derivatives_pass(order: int) -> None:
    def f(p: Any, x: Any, n: Any) -> Any:
        y = np.tanh(p["W"] @ x + p["b"])
        return {"y": y**n, "kind": np.sum(x > 0)}, np.exp(-np.sum(y))

    check_grads(f, ({"W": W, "b": 0.1}, X, 2), order)


def test_complex_functions_pass() -> None:
    z = np.array([1.0 + 2.0j, -0.5 + 0.3j])
    check_grads(lambda z: (np.exp(z) * np.abs(z) ** 2, np.real(z) * np.conj(z)), (z,), 2)
    check_grads(lambda x: np.sum(x * z), (X,), 2)  # real to complex
    check_grads(lambda z: np.abs(z), (z,), 2)  # complex to real


def test_single_precision_passes_with_its_own_step_and_tolerance() -> None:
    check_grads(lambda x: np.sin(x) * x, (X.astype(np.float32),), 2)
    check_grads(lambda x: np.sin(x).astype(np.float32), (X,), 1)


def test_functions_made_by_transforms_pass() -> None:
    check_grads(ft.jit(lambda x: ft.scan(lambda c, a: (np.sin(c) * a, c), x, X)), (0.7,), 2)
    check_grads(ft.vmap(lambda x: x * ft.psum(x, "i"), axis_name="i"), (X,), 2)


# What is wrong


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_the_argument_is_named_with_both_numbers(mode: str) -> None:
    f = lambda p, x: np.sum(off(1.01)(p["a"], p["b"]) * x)
    with pytest.raises(GradientCheckError) as info:
        check_grads(f, ({"a": X, "b": X}, X), 1, modes=mode)
    assert isinstance(info.value, AssertionError)
    text = str(info.value)
    assert f"by p['b'] is wrong (mode {mode}, order 1)" in text
    assert "p['a']" not in text
    assert "test_check_grads.py" in text


def test_the_output_and_the_element_are_named() -> None:
    f = lambda x: {"right": x, "wrong": off(np.array([1.0, 2.0]))(X, x)}
    with pytest.raises(GradientCheckError, match=r"the output\['wrong'\]\[1\], it is .*and diff"):
        check_grads(f, (X,), 1)


@pytest.mark.parametrize(
    ("modes", "name"),
    [
        (("fwd",), "the forward derivative of f"),
        (("rev",), "the reverse derivative of f"),
    ],
)
def test_what_is_wrong_in_the_second_order_alone_is_found_there(modes: Any, name: str) -> None:
    @ft.custom_jvp
    def slope(x: Any) -> Any:
        return np.cos(x)

    slope.defjvp(lambda p, t: (np.cos(p[0]), np.sin(p[0]) * t[0]))  # its sign is wrong

    @ft.custom_jvp
    def f(x: Any) -> Any:
        return np.sin(x)

    f.defjvp(lambda p, t: (np.sin(p[0]), slope(p[0]) * t[0]))
    check_grads(f, (1.0,), 1, modes)
    with pytest.raises(GradientCheckError, match=f"{name} by x is wrong .*order 2"):
        check_grads(f, (1.0,), 2, modes)


def test_a_rule_that_returns_another_value_is_found() -> None:
    @ft.custom_jvp
    def f(x: Any) -> Any:
        return np.sin(x)

    f.defjvp(lambda p, t: (np.sin(p[0]) + 0.1, np.cos(p[0]) * t[0]))
    with pytest.raises(GradientCheckError, match="gives the output"):
        check_grads(f, (1.0,), 1)


def test_a_pullback_that_disagrees_with_the_function_is_found() -> None:
    @ft.custom_vjp
    def f(x: Any) -> Any:
        return x**2

    f.defvjp(lambda x: (x**2, x), lambda x, ct: (x * ct,))
    with pytest.raises(GradientCheckError, match="mode rev"):
        check_grads(f, (X,), 1, modes="rev")


def test_nan_is_wrong() -> None:
    with np.errstate(all="ignore"), pytest.raises(GradientCheckError, match="nan|inf"):
        check_grads(np.sqrt, (0.0,), 1)


def test_tolerances_and_step_are_those_that_are_given() -> None:
    f = lambda y: off(1.01)(X, y)
    check_grads(f, (X,), 1, rtol=0.05)
    check_grads(f, (X,), 1, atol=1.0)
    with pytest.raises(GradientCheckError, match="eps=0.001"):
        check_grads(f, (X,), 1, eps=1e-3)


@pytest.mark.parametrize(
    ("error", "args", "options"),
    [
        (OptionError, (X,), {"order": 0}),
        (OptionError, (X,), {"order": 1, "modes": "forward"}),
        (OptionError, (X,), {"order": 1, "modes": ()}),
        (ArgumentError, X, {"order": 1}),
        (ArgumentError, (np.arange(3),), {"order": 1}),
    ],
)
def test_bad_arguments(error: Any, args: Any, options: Any) -> None:
    with pytest.raises(error):
        check_grads(np.sin, args, **options)
