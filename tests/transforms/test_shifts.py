"""Maxima that are subtracted for the sake of the range have no slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.testing import check_grads
from functrace.transforms.shift_invariance import shifts

rng = np.random.default_rng(5)
X, Y = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))


def logsumexp(x: Any) -> Any:
    m = np.max(x, axis=1, keepdims=True)
    return np.log(np.sum(np.exp(x - m), axis=1)) + m[:, 0]


def softmax(x: Any, axis: int = 1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x: Any) -> Any:
    shifted = x - np.max(x, axis=1)[:, None]
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


def tempered(x: Any) -> Any:
    m = np.max(x)
    return 3 * np.log(np.sum(np.exp((x - m) / 3))) + m


def smallest(x: Any) -> Any:
    m = np.min(x, axis=0)
    return m - np.log(np.sum(np.exp(m - x), axis=0))


def attention(x: Any) -> Any:
    scores = np.einsum("qd,kd->qk", x, x)
    weights = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return (weights @ x) / np.sum(weights, axis=1, keepdims=True)


FREE: dict[str, Callable[..., Any]] = {
    "log of a sum of exponentials": lambda x: np.sum(logsumexp(x) ** 2),
    "softmax": lambda x: np.sum(softmax(x) * Y),
    "softmax of columns": lambda x: np.sum(softmax(x, 0) * Y),
    "softmax of rows of a transpose": lambda x: np.sum(softmax(x.T).T ** 2),
    "log of softmax": lambda x: np.sum(log_softmax(x) * Y),
    "a temperature": tempered,
    "a soft minimum": lambda x: np.sum(smallest(x) ** 2),
    "attention": lambda x: np.sum(attention(x) * Y),
    "two, one after the other": lambda x: np.sum(softmax(softmax(x)) * Y),
    "a root of squares": lambda x: np.sum(
        np.sqrt(np.sum((e := np.exp(x - np.max(x))) ** 2)) / np.sum(e)),
}  # fmt: skip


@pytest.mark.parametrize("name", FREE)
def test_what_cancels_has_no_slope_and_derivatives_are_right(name: str) -> None:
    function = FREE[name]
    program = ft.trace(function)(X)
    maxima = [e.outputs[0] for e in program.equations if e.primitive.name in ("max", "min")]
    assert shifts(program) == set(maxima) != set()
    assert not any(e.primitive.name == "equal" for e in ft.trace(ft.grad(function))(X).equations)
    check_grads(function, (X,), order=2)


BOUND: dict[str, Callable[..., Any]] = {
    "the maximum": lambda x: np.sum(np.max(x, axis=1) ** 2),
    "a sum without it": lambda x: np.sum(np.log(np.sum(np.exp(x - np.max(x))))),
    "it is returned as well": lambda x: (
        np.log(np.sum(np.exp(x - (m := np.max(x))))) + m, m),
    "a small number is added": lambda x: np.sum(
        (e := np.exp(x - np.max(x))) / (np.sum(e) + 0.1)),
    "sums over the maxima": lambda x: np.sum(
        (e := np.exp(x - np.max(x, axis=1, keepdims=True))) / np.sum(e)),
    "rows are mixed": lambda x: np.sum(
        (e := np.exp(x - np.max(x, axis=1, keepdims=True))) / np.sum(e, axis=1)[::-1, None]),
    "another op": lambda x: np.sum(np.sin(np.exp(x - np.max(x)))),
    "weights": lambda x: np.sum((x - np.max(x)) * Y) + np.sum(np.exp(x)),
    "a small multiple": lambda x: np.sum(np.exp(x)) + 1e10 * (1e-10 * np.max(x)),
    "nearly all of it": lambda x: (
        1e9 * (np.log(np.sum(np.exp(x - (m := np.max(x))))) + m * (1 + 5e-10))),
    "half of it": lambda x: np.log(np.sum(np.exp(x - np.max(x)))) + 0.5 * np.max(x),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUND)
def test_what_does_not_cancel_has_its_slope(name: str) -> None:
    function = BOUND[name]
    assert not shifts(ft.trace(function)(X))
    check_grads(lambda x: ft.tree.leaves(function(x))[-1], (X,), order=1)


def test_nan_spreads_as_it_did() -> None:
    x = X.copy()
    x[1, 2], x[3, 1] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        gradient = ft.grad(lambda x: np.sum(logsumexp(x)))(x)
    np.testing.assert_array_equal(np.isnan(gradient).any(axis=1), [False, True, False, True, False])
    x = np.where(X > 0.5, -np.inf, X)
    gradient = ft.grad(lambda x: np.sum(logsumexp(x)))(x)
    np.testing.assert_allclose(gradient, softmax(x))


def test_many_maxima_take_time_in_proportion() -> None:
    def deep(x: Any, n: int) -> Any:
        for _ in range(n):
            x = softmax(x)
        return np.sum(x)

    program = ft.trace(lambda x: deep(x, 200))(X)
    assert len(shifts(program)) == 200
