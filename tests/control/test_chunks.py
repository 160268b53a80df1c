"""`vmap` and Jacobians in chunks: the same results, in less memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ArgumentError, MappedAxisError
from functrace.passes.pipeline import clean, optimize

from ..helpers import assert_close, assert_equal

RANDOM = np.random.default_rng(5)
W, X, Y = RANDOM.normal(size=(3, 3)), RANDOM.normal(size=(7, 3)), RANDOM.normal(size=(3, 7))
SIZES = [1, 2, 3, 6, 7, 100]


def example(W: Any, x: Any, y: Any) -> dict[str, Any]:
    """Outputs that differ between examples, that do not, and that are operands or constants."""
    V = np.linalg.inv(W @ W.T + np.eye(3))
    return {
        "each": np.tanh(V @ x) * y,
        "shared": V,
        "number": np.sum(x * y),
        "constant": 1.0,
        "zeros": np.zeros_like(x),
        "operand": x,
        "integer": np.argmax(x),
    }


OUT_AXES = {"each": 1, "shared": None, "number": 0, "constant": None, "zeros": 0, "operand": -1,
            "integer": 0}  # fmt: skip


def mapped(**options: Any) -> Callable[..., Any]:
    return ft.vmap(example, (None, 0, 1), OUT_AXES, **options)


def loss(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda W, X, Y: sum(
        np.sum(np.sin(f(W, X, Y)[name])) for name in ("each", "shared", "number", "operand")
    )


@pytest.mark.parametrize("size", SIZES)
def test_chunks_give_what_vmap_gives(size: int) -> None:
    for wrap in (lambda f: f, ft.jit):
        assert_equal(wrap(mapped(chunk_size=size))(W, X, Y), mapped()(W, X, Y))


@pytest.mark.parametrize("size", [2, 7])
def test_chunks_nest_in_transforms(size: int) -> None:
    chunked, plain = mapped(chunk_size=size), mapped()
    assert_close(
        ft.grad(loss(chunked), (0, 1, 2))(W, X, Y), ft.grad(loss(plain), (0, 1, 2))(W, X, Y)
    )
    second = lambda f: ft.jacfwd(ft.grad(loss(f)))(W, X, Y)
    assert_close(second(chunked), second(plain))
    many = lambda f: ft.vmap(loss(f), (0, None, 0))(np.stack([W, W.T]), X, np.stack([Y, -Y]))
    assert_close(many(chunked), many(plain))
    assert_close(
        ft.jvp(loss(chunked), (W, X, Y), (W, X, Y)), ft.jvp(loss(plain), (W, X, Y), (W, X, Y))
    )


def test_chunks_nest_in_chunks() -> None:
    def outer(f: Callable[..., Any], **options: Any) -> Any:
        return ft.vmap(lambda x: ft.vmap(lambda y: x * np.sum(f(y)), **options)(Y), **options)(X)

    assert_close(outer(np.sin, chunk_size=2), outer(np.sin))


def test_trees_and_keyword_arguments_go_by_chunks() -> None:
    def f(p: dict[str, Any], *, scale: Any) -> tuple[Any, ...]:
        return p["a"] * scale, (p["b"],)

    tree = {"a": X, "b": np.arange(7)}
    scale = np.linspace(0, 1, 7)
    axes = ({"a": 0, "b": None},)
    for in_axes in (0, axes):
        found = ft.vmap(f, in_axes, chunk_size=3)(tree, scale=scale)
        assert_equal(found, ft.vmap(f, in_axes)(tree, scale=scale))


def test_empty_and_constant_batches_go_by_chunks() -> None:
    assert ft.vmap(np.sin, chunk_size=2)(np.zeros((0, 3))).shape == (0, 3)
    assert_equal(ft.vmap(lambda: 3.0, axis_size=5, chunk_size=2)(), np.full(5, 3.0))


def test_what_differs_between_examples_must_have_an_axis() -> None:
    with pytest.raises(MappedAxisError, match="differs between examples"):
        ft.vmap(np.sin, out_axes=None, chunk_size=2)(X)


def test_what_all_examples_share_is_computed_before_the_chunks() -> None:
    program = optimize(clean(ft.trace(mapped(chunk_size=2))(W, X, Y)))
    outside = [e.primitive.name for e in program.equations]
    assert outside.count("inv") == 1
    (scan,) = [e for e in program.equations if e.primitive.name == "scan"]
    assert all(e.primitive.name != "inv" for e in scan.params["body"].equations)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2"])
def test_a_chunk_has_a_number_of_examples(size: Any) -> None:
    for transform in (ft.vmap, ft.jacfwd, ft.jacrev, ft.jacobian, ft.hessian):
        with pytest.raises(ArgumentError, match="chunk_size"):
            transform(np.sin, chunk_size=size)


# Jacobians


def outputs(p: dict[str, Any], x: Any) -> dict[str, Any]:
    return {"a": np.tanh(p["W"] @ x) * p["b"], "b": np.prod(x) * p["W"][:, :2]}


P = {"W": W, "b": 0.5}


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_jacobians_in_chunks_are_the_same(size: int) -> None:
    for transform in (ft.jacfwd, ft.jacrev, ft.jacobian):
        plain = transform(outputs, argnums=(0, 1))(P, X[0])
        chunked = transform(outputs, argnums=(0, 1), chunk_size=size)
        assert_close(chunked(P, X[0]), plain)
        assert_close(ft.jit(chunked)(P, X[0]), plain)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_a_jacobian_in_chunks_takes_every_mode(mode: str) -> None:
    f = lambda x: np.array([2.0, 3.0]) * np.sum(np.sin(x))
    found = ft.jacobian(f, mode=mode, chunk_size=2)(X[0])
    assert_close(found, ft.jacobian(f)(X[0]))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_hessian_in_chunks_is_the_same(size: int) -> None:
    f = lambda x: np.sum(np.tanh(W @ x) ** 2) * x[0]
    chunked, plain = ft.hessian(f, chunk_size=size), ft.hessian(f)
    assert_close(chunked(X[0]), plain(X[0]))
    assert_close(ft.vmap(chunked, chunk_size=2)(X), ft.vmap(plain)(X))
    third = lambda h: ft.grad(lambda x: np.sum(h(x) ** 2))(X[0])
    assert_close(third(chunked), third(plain), 1e-10)


def test_a_jacobian_in_chunks_has_auxiliary_data_and_complex_numbers() -> None:
    found = ft.jacrev(lambda x: (x**2, {"n": x > 0}), has_aux=True, chunk_size=2)(X[0])
    assert_equal(found, (np.diag(2 * X[0]), {"n": X[0] > 0}))
    z = X[0] + 1j
    found = ft.jacfwd(lambda z: z**2, holomorphic=True, chunk_size=2)(z)
    assert_close(found, np.diag(2 * z))


# Memory


def test_the_memory_of_chunks_grows_with_their_size() -> None:
    rows = RANDOM.normal(size=(64, 50))
    f = lambda x: np.sum(np.tanh(np.outer(x, x)))
    used = {
        size: ft.memory(ft.vmap(f, chunk_size=size))(rows).temporaries for size in (1, 8, 64, None)
    }
    row = 50 * 50 * 8
    assert used[64] == used[None]
    assert 64 * row <= used[64] < 65 * row
    assert 8 * row <= used[8] < 10 * row
    assert row <= used[1] < 4 * row


def test_a_gradient_over_chunks_of_a_checkpoint_takes_the_memory_of_a_chunk() -> None:
    rows = RANDOM.normal(size=(64, 50))
    f = lambda x: np.sum(np.tanh(np.outer(x, x)))
    used = lambda f, **options: ft.memory(
        ft.grad(lambda rows: np.sum(ft.vmap(f, **options)(rows)))
    )(rows).temporaries  # fmt: skip
    assert used(f) >= 64 * 50 * 50 * 8
    assert used(ft.checkpoint(f), chunk_size=4) < used(f) / 6


def test_a_hessian_in_chunks_takes_little_more_than_its_result() -> None:
    V = RANDOM.normal(size=(400, 200))
    f = lambda x: np.sum(np.tanh(V @ x) ** 4)
    plain, chunked = (ft.memory(ft.hessian(f, chunk_size=n))(V[0]) for n in (None, 10))
    assert plain.outputs == chunked.outputs == 200 * 200 * 8
    assert chunked.temporaries < plain.temporaries / 3
    assert chunked.constants < plain.constants
