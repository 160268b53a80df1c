"""Jacobians in the order that costs least: the same matrix, and the order that was to be found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.api._accumulation import segments
from functrace.errors import ArgumentError, DerivativeTypeError, OptionError
from functrace.transforms.linearize import linearize

from .helpers import assert_close

rng = np.random.default_rng(0)
IN, WAIST, OUT = rng.normal(size=(3, 50)), rng.normal(size=(60, 3)), rng.normal(size=50)


def waist(x: Any) -> Any:
    return np.sin(WAIST @ np.tanh(IN @ np.sin(x)))


def modes(function: Any, *operands: Any) -> list[bool]:
    program = ft.trace(function)(*operands)
    parts = linearize(program, [True] * len(operands))
    return [segment.forward for segment in segments(parts.linear, parts.residuals)]


def test_a_narrow_waist_is_reached_from_both_sides() -> None:
    assert modes(waist, OUT) == [False, True]


def test_without_a_waist_the_smaller_end_is_where_it_begins() -> None:
    A = rng.normal(size=(4, 30))
    assert modes(lambda x: np.sin(A @ np.sin(x)), np.ones(30)) == [False]
    assert modes(lambda x: np.sin(A.T @ np.sin(x)), np.ones(4)) == [True]
    assert modes(lambda x: np.sum(x**2), np.ones(30)) == [False]


def pair(x: Any, y: Any) -> Any:
    s = np.sum(x * y)
    return {"a": np.outer(x, y) * s, "b": s, "c": x * 0 + 1.0}


FUNCTIONS = {
    "waist": (waist, (OUT,)),
    "trees": (lambda t: pair(*t), ((rng.normal(size=3), rng.normal(size=3)),)),
    "scalar": (lambda x: np.sum(np.exp(x)), (rng.normal(size=(2, 3)),)),
    "of a scalar": (lambda t: t * np.arange(6.0).reshape(2, 3), (2.0,)),
    "identity": (lambda x: x, (rng.normal(size=3),)),
    "constant": (lambda x: np.ones(2), (rng.normal(size=3),)),
    "waist of two": (lambda x: np.outer(np.sin(x[:9].sum()) * OUT[:20], x[9:].sum() * OUT[:9]),
                     (rng.normal(size=30),)),
    "float32": (lambda x: np.sin(x) * x.sum(), (rng.normal(size=3).astype(np.float32),)),
    "loop": (lambda x: ft.scan(lambda c, _: (np.sin(c * x[:2]), c.sum()), x[:2], None, length=3),
             (rng.normal(size=4),)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("wrap", [lambda f: f, ft.jit], ids=["plain", "jit"])
def test_all_modes_give_one_matrix(name: str, wrap: Any) -> None:
    function, operands = FUNCTIONS[name]
    rtol = 1e-5 if name == "float32" else 1e-11
    expected = ft.jacrev(function)(*operands)
    for mode in ("auto", "forward", "reverse"):
        assert_close(wrap(ft.jacobian(function, mode=mode))(*operands), expected, rtol)


def test_arguments_auxiliary_data_and_nesting() -> None:
    x, y = rng.normal(size=3), rng.normal(size=3)
    assert_close(
        ft.jacobian(pair, argnums=(0, 1))(x, y), ft.jacrev(pair, argnums=(0, 1))(x, y), 1e-11
    )
    assert_close(ft.jacobian(pair, argnames="y")(x, y), ft.jacrev(pair, argnames="y")(x, y), 1e-11)
    matrix, aux = ft.jacobian(lambda x: (x**2, {"n": x.sum(), "k": 3}), has_aux=True)(x)
    assert_close((matrix, aux), (np.diag(2 * x), {"n": x.sum(), "k": 3}), 1e-12)
    second = ft.jacobian(ft.jacobian(waist))(OUT[:50])
    assert_close(second, ft.jacfwd(ft.jacrev(waist))(OUT), 1e-10)
    batch = rng.normal(size=(2, 50))
    stacked = np.stack([ft.jacrev(waist)(row) for row in batch])
    assert_close(ft.vmap(ft.jacobian(waist))(batch), stacked, 1e-11)


def test_complex_numbers_follow_the_rules_of_reverse_mode() -> None:
    z = np.array([1 + 2j, 0.5j])
    holomorphic = ft.jacobian(lambda z: z**2, holomorphic=True)(z)
    assert_close(holomorphic, np.diag(2 * z), 1e-12)
    assert_close(
        ft.jacobian(lambda z: np.abs(z) ** 2)(z), ft.jacrev(lambda z: np.abs(z) ** 2)(z), 1e-12
    )
    with pytest.raises(DerivativeTypeError):
        ft.jacobian(lambda x: x * 1j)(np.ones(2))


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(OptionError, match="auto, forward, reverse"):
        ft.jacobian(waist, mode="sideways")
    with pytest.raises(ArgumentError, match="has_aux"):
        ft.jacobian(waist, has_aux=True)(OUT)
    with pytest.raises(DerivativeTypeError):
        ft.jacobian(lambda n: n * 2)(np.arange(3))
