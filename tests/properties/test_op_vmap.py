"""`vmap` of every op, and of its derivative, computes what a Python loop over examples does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import tree

from ..cases.op_cases import Case
from ..helpers import (
    TRACEABLE,
    assert_close,
    assert_equal,
    differentiable_part,
    examples,
    is_inexact,
    name_of,
    random_like,
    subsets,
)

SIZE = 3
BATCHABLE = [
    c for c in TRACEABLE if any(isinstance(x, (np.ndarray, np.generic)) for x in c.operands)
]
DIFFERENTIABLE = [
    c
    for c in BATCHABLE
    if c.differentiable
    and any(is_inexact(x) for x in c.operands)
    and any(is_inexact(y) for y in tree.leaves(c.fun(*c.operands)))
]


def _mappable(operands: Sequence[Any]) -> list[int]:
    return [i for i, x in enumerate(operands) if isinstance(x, (np.ndarray, np.generic))]


def _loop(function: Callable[..., Any], rows: Sequence[Sequence[Any]], axis: int) -> Any:
    """The outputs for each example, stacked."""
    results = [function(*row) for row in rows]
    return tree.map(lambda *parts: np.stack(parts, axis), results[0], *results[1:])


def _check_against_loop(
    function: Callable[..., Any], operands: Sequence[Any], axis: int, compare: Callable[..., None]
) -> None:
    for mapped in subsets(_mappable(operands)):
        variants = {i: examples(operands[i], SIZE) for i in mapped}
        rows = [
            [variants[i][number] if i in mapped else x for i, x in enumerate(operands)]
            for number in range(SIZE)
        ]
        stacked = [
            np.stack(variants[i], axis) if i in mapped else x for i, x in enumerate(operands)
        ]
        axes = tuple([axis if i in mapped else None for i in range(len(operands))])
        batched = ft.vmap(function, in_axes=axes, out_axes=axis)
        compare(batched(*stacked), _loop(function, rows, axis))


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("c", BATCHABLE, ids=name_of)
def test_vmap_equals_a_loop_whatever_is_mapped(c: Case, axis: int) -> None:
    _check_against_loop(c.fun, c.operands, axis, assert_equal)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_vmap_of_a_gradient_equals_a_loop(c: Case) -> None:
    function, operands = differentiable_part(c)
    random = np.random.default_rng(3)
    cotangents = tuple([random_like(y, random) for y in function(*operands)])

    def gradient(*xs: Any) -> Any:
        return ft.vjp(function, *xs)[1](cotangents)

    _check_against_loop(gradient, operands, 0, lambda a, b: assert_close(a, b, 1e-11))


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_the_gradient_of_vmap_equals_a_loop_of_gradients(c: Case) -> None:
    function, operands = differentiable_part(c)
    mapped = _mappable(operands)
    rows = [examples(operands[i], SIZE) for i in mapped]
    axes = tuple([0 if i in mapped else None for i in range(len(operands))])
    stacked = [np.stack(rows[mapped.index(i)]) if i in mapped else x
               for i, x in enumerate(operands)]  # fmt: skip
    values, pull = ft.vjp(ft.vmap(function, in_axes=axes), *stacked)
    random = np.random.default_rng(4)
    cotangents = tuple([random_like(y, random) for y in values])
    actual = pull(cotangents)
    expected: list[Any] = []
    for number in range(SIZE):
        row = [rows[mapped.index(i)][number] if i in mapped else x for i, x in enumerate(operands)]
        expected.append(ft.vjp(function, *row)[1](tuple([ct[number] for ct in cotangents])))
    for i, gradient in enumerate(actual):
        parts = [row[i] for row in expected]
        assert_close(gradient, np.stack(parts) if i in mapped else sum(parts), 1e-11)


@pytest.mark.parametrize("c", BATCHABLE, ids=name_of)
def test_vmap_of_vmap_equals_vmap_of_the_stacked_examples(c: Case) -> None:
    mapped = _mappable(c.operands)
    axes = tuple([0 if i in mapped else None for i in range(len(c.operands))])
    flat = [np.stack(examples(x, 4)) if i in mapped else x for i, x in enumerate(c.operands)]
    nested = [x.reshape(2, 2, *x.shape[1:]) if i in mapped else x for i, x in enumerate(flat)]
    once = ft.vmap(c.fun, in_axes=axes)(*flat)
    twice = ft.vmap(ft.vmap(c.fun, in_axes=axes), in_axes=axes)(*nested)
    assert_equal(twice, tree.map(lambda y: y.reshape(2, 2, *y.shape[1:]), once))


def test_vmap_over_no_examples_gives_empty_results() -> None:
    batched = ft.vmap(lambda W, x: np.tanh(W @ x), in_axes=(None, 0))
    assert batched(np.ones((2, 3)), np.ones((0, 3))).shape == (0, 2)
