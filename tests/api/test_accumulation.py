"""Jacobians in the order that costs least: the same matrix, and the order that was to be found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.api._accumulation import segments
from functrace.errors import ArgumentError, DerivativeTypeError, OptionError
from functrace.transforms.linearize import linearize

from ..helpers import assert_close

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


TREE = {"a": np.array([0.3, -1.2]), "b": [np.array(0.7), np.ones((2, 2)) * 0.5]}


def of_a_tree(p: Any, scale: Any = 1.0) -> Any:
    y = np.tanh(p["b"][1] @ p["a"]) * p["b"][0] * scale
    return {"sum": np.sum(y**2), "all": y * p["a"]}


def of_two(x: Any, y: Any) -> Any:
    return np.sum(np.sin(x) * y), {"product": x * y, "size": np.sum(x)}


@pytest.mark.parametrize(
    ("fun", "args", "options"),
    [
        (of_a_tree, (TREE,), {}),
        (of_a_tree, (TREE, 0.5), {"argnums": (1, 0)}),
        (of_a_tree, (TREE, 0.5), {"argnames": "scale"}),
        (
            of_two,
            (np.array([0.2, 0.4]), np.array([1.0, 3.0])),
            {"has_aux": True, "argnums": (0, 1)},
        ),
        (lambda x: x**3, (0.5,), {}),
        (lambda x: (np.sum(x * x), 2.0, np.float32(1) * x[0]), (np.ones(2),), {}),
        (lambda x: np.sum(x), (np.ones(2, np.float32),), {}),
    ],
)
def test_hessians_are_derivatives_of_derivatives(fun: Any, args: Any, options: Any) -> None:
    for call in (ft.hessian(fun, **options), ft.jit(ft.hessian(fun, **options))):
        found = call(*args)
        expected = ft.jacfwd(ft.jacrev(fun, **options), **options)(*args)
        assert ft.tree.structure(found) == ft.tree.structure(expected)
        for a, b in zip(ft.tree.leaves(found), ft.tree.leaves(expected), strict=True):
            assert np.shape(a) == np.shape(b)
            assert np.result_type(a) == np.result_type(b)
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("transform", [ft.jacfwd, ft.jacrev, ft.hessian, ft.jacobian])
def test_functions_are_called_once_for_each_matrix(transform: Any) -> None:
    called = []

    def f(x: Any) -> Any:
        called.append(1)
        return np.sum(np.sin(x))

    for count in range(1, 8):
        transform(f)(np.ones(3))
        assert len(called) == count


def test_what_turns_free_columns_is_refused_in_whole_hessians() -> None:
    def f(x: Any) -> Any:
        q, _ = np.linalg.qr(x, mode="complete")
        return np.sum(q[:, -1] ** 3)

    x = np.arange(6.0).reshape(3, 2) ** 1.5 + np.eye(3, 2)
    x = np.vstack([x, x[:1] * 2 + 1])
    for call in (ft.hessian(f), lambda x: ft.hvp(f, (x,), (x,)), ft.jacfwd(f), ft.jacrev(f)):
        with pytest.raises(ft.errors.FreeColumnsError):
            call(x)
