"""Signs meet on their way, and end on the smallest array; other numbers stay where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.ir import Literal, Program
from functrace.passes.pipeline import optimize

from ..helpers import assert_close

rng = np.random.default_rng(3)
A, B = rng.normal(size=(30, 20)), rng.normal(size=(20, 30))
V, W = rng.normal(size=20), rng.normal(size=20)


def scalings(program: Program) -> list[int]:
    """The sizes of the arrays that are multiplied, or divided, by a number, or change sign."""
    return [
        e.outputs[0].type.size
        for e in program.equations
        if e.primitive.name == "negative"
        or (
            e.primitive.name in ("multiply", "divide")
            and any(isinstance(atom, Literal) and not atom.type.shape for atom in e.inputs)
        )
    ]


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], list[int]]] = {
    "a sum": (lambda x, y: np.sum(-x * y), (A, B.T), [1]),
    "a matrix": (lambda A, v: (-A) @ v, (A, V), [20]),
    "a quotient": (lambda A, v: np.exp(-(A / v)), (A, V), [20]),
    "a mean": (lambda w, X, y: ft.grad(lambda w: np.mean((y - X @ w) ** 2))(w),
               (V, A, A[:, 0]), [30]),
    "half a mean": (lambda w, X, y: ft.grad(lambda w: 0.5 * np.sum((X @ w - y) ** 2) / 30)(w),
                    (V, A, A[:, 0]), [30]),
    "a sign that meets a sign": (lambda a, b: -((-a) @ b), (A, B), []),
    "signs of three factors": (lambda a, b, c: (-a @ -b) * -c, (A, B, A[:, 0]), [30]),
    "what meets on its way": (lambda x, y: np.exp((x * -y) / -(y + x)), (V, W), []),
    "squares": (lambda x, y: np.exp(np.square(-x) * -y), (V, W), [20]),
    "what moves": (lambda x: np.exp(-(-x).T.reshape(5, -1)[1:]), (A,), []),
    "a solution": (lambda A, b: -np.linalg.solve(A, -b), (A[:20], V), []),
    "a matrix of a system": (lambda A, b: -np.linalg.solve(-A, b), (A[:20], V), [400, 20]),
    "an outer product": (lambda x, y: np.exp(-np.outer(x, y)), (V, A[:, 0]), [20]),
    "a product that was small before": (lambda A, B: np.exp(-(A @ B)), (A, B), [600]),
    "what came of a vector": (lambda x, y: np.exp(-np.outer(x, y).T[1:]), (V, A[:, 0]), [20]),
    "a denominator": (lambda A, v: np.exp(-(A / (A * v[0] + 1))), (A, V), [600]),
    "a small denominator": (lambda A, v: np.exp(-(A / v)), (A, V), [20]),
    "a square": (lambda A, B: np.exp(-np.square(A @ B)), (A, B), [900]),
    "a value that is returned": (lambda A, B: ((z := A @ B), -z), (A, B), [900]),
    "what others need": (lambda x, y: ((z := -x), np.exp(z * y)), (V, W), [20]),
    "what meets one of many": (
        lambda x, y: ((z := -np.outer(-x, y))[:1] * y, z[:2] * -y), (V, rng.normal(size=300)),
        [300]),
    "what many take": (lambda x, A: ((z := -x) * A[:, 0], z * A[:, 1]), (A[:, 2], A), [30]),
    "numbers before a sum": (lambda x, y: np.sum(0.5 * x * y), (A, B.T), [600]),
    "numbers of a matrix": (lambda A, v: (A / 3) @ (v * 2.0), (A, V), [600, 20]),
    "numbers that scale alike": (lambda x: np.exp(x * 2 * 3.0), (V,), [20]),
    "numbers that scale differently": (lambda x: np.exp(x * 3.0 * 0.25), (V,), [20, 20]),
    "numbers of what repeats": (lambda x: np.exp(np.broadcast_to(x, (30, 20)) * 3.0), (V,), [20]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_signs_end_on_the_smallest_array_and_numbers_stay(name: str) -> None:
    function, operands, expected = CASES[name]
    program = optimize(ft.trace(function)(*operands))
    assert scalings(program) == expected
    values, plain = ft.jit(function)(*operands), function(*operands)
    for value, other in zip(ft.tree.leaves(values), ft.tree.leaves(plain), strict=True):
        assert_close(value, other, 1e-12)


def test_a_division_alone_stays_one_and_rounds_as_it_did() -> None:
    x = rng.normal(size=1000)
    (equation,) = optimize(ft.trace(lambda x: -x / 3)(x)).equations
    assert equation.primitive.name == "divide"
    np.testing.assert_array_equal(ft.jit(lambda x: -x / 3)(x), -x / 3)


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-3, -3.0])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_infinities_and_signs_of_zeros_are_kept() -> None:
    left, right = np.meshgrid(SPECIAL, SPECIAL)
    for function in (
        lambda x, y: np.exp(0) + (x * 3) * (y * -4),
        lambda x, y: np.maximum((x * 3) / (-y / 5), -10),
        lambda x, y: np.minimum(-np.square(x * -2) * (-y), 5),
    ):
        plain, simple = function(left, right), ft.jit(function)(left, right)
        np.testing.assert_array_equal(simple, plain)
        known = ~np.isnan(plain)
        np.testing.assert_array_equal(np.signbit(simple[known]), np.signbit(plain[known]))


@pytest.mark.parametrize(
    ("factor", "dtype"), [(1e-200, np.float64), (1e-20, np.float32), (0.01, np.float16)]
)
def test_numbers_that_keep_others_in_range_stay(factor: float, dtype: Any) -> None:
    factor = dtype(factor)
    large = np.full(8, np.sqrt(np.finfo(dtype).max) * 2, dtype)

    def function(x: Any, y: Any) -> Any:
        return np.sqrt((x * factor) * (y * factor))

    found = ft.jit(function)(large, large)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, function(large, large), rtol=1e-2)


def test_integers_and_complex_numbers_are_left_alone() -> None:
    assert scalings(optimize(ft.trace(lambda x: (x * 2) @ x)(np.arange(300)))) == [300]
    found = Counter(scalings(optimize(ft.trace(lambda x: (x * 2) * x)(V * 1j))))
    assert found == {20: 1}
