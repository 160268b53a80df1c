"""The shift analysis only drops slopes that cancel: random programs with it and without it.

A program is a list of rows (op, operand, operand, number), as in `test_random_programs.py`. The
grammar is made of what the analysis follows: maxima, minima, `exp`, `log`, sums and quotients, and
whole softmaxes and logarithms of sums of exponentials, nested in any way. Any value may be
returned, maxima as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import functrace as ft
from functrace.transforms.shift_invariance import shifts

X = np.random.default_rng(11).normal(size=(3, 4))
V, W = np.random.default_rng(12).normal(size=(2, 3, 4))


@contextmanager
def without_analysis() -> Iterator[None]:
    """Derivatives with the slopes of all maxima."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("functrace.transforms.jvp.shifts", lambda program: set())
        ft.clear_cache()
        try:
            yield
        finally:
            ft.clear_cache()


# The grammar


def kept(x: Any, k: int) -> dict[str, Any]:
    """Options of a reduction of an array: along all axes, or one of them."""
    return {"axis": (None, 0, -1)[k % 3] if x.ndim else None, "keepdims": True}


def fitted(y: Any, x: Any) -> Any:
    """y where it broadcasts with x, else its largest element."""
    pairs = zip(y.shape[::-1], x.shape[::-1], strict=False)
    return y if all(m == n or 1 in (m, n) for m, n in pairs) else np.max(y)


def softmax(x: Any, k: int) -> Any:
    e = np.exp(x - np.max(x, **kept(x, k)))
    return e / np.sum(e, **kept(x, k))


def logsumexp(x: Any, m: Any, k: int) -> Any:
    """With any m, which need not be the maximum of x."""
    return m + np.log(np.sum(np.exp(x - m), **kept(x, k)))


def log_softmax(x: Any, k: int) -> Any:
    return x - logsumexp(x, np.max(x, **kept(x, k)), k)


NUMBERS = (1.0, -1.0, 0.5, 2.0, 3.0)
OPS: dict[str, Callable[[Any, Any, int], Any]] = {
    "max": lambda x, y, k: np.max(x, **kept(x, k)),
    "min": lambda x, y, k: np.min(x, **kept(x, k)),
    "amax": lambda x, y, k: np.amax(x, **kept(x, k)),
    "maximum.reduce": lambda x, y, k: np.maximum.reduce(x, **kept(x, k)),
    "add": lambda x, y, k: x + fitted(y, x),
    "subtract": lambda x, y, k: x - fitted(y, x),
    "from the maximum": lambda x, y, k: x - np.max(x, **kept(x, k)),
    "multiply": lambda x, y, k: x * fitted(y, x),
    "divide": lambda x, y, k: x / fitted(y, x),
    "normalise": lambda x, y, k: x / np.sum(x, **kept(x, k)),
    "scale": lambda x, y, k: x * NUMBERS[k % 5],
    "exp": lambda x, y, k: np.exp(x),
    "log": lambda x, y, k: np.log(x),
    "square": lambda x, y, k: x * x,
    "sqrt": lambda x, y, k: np.sqrt(x),
    "negative": lambda x, y, k: -x,
    "sum": lambda x, y, k: np.sum(x, **kept(x, k)),
    "softmax": lambda x, y, k: softmax(x, k),
    "log_softmax": lambda x, y, k: log_softmax(x, k),
    "logsumexp": lambda x, y, k: logsumexp(x, np.max(x, **kept(x, k)), k),
    "logsumexp by another": lambda x, y, k: logsumexp(x, fitted(y, x), k),
    "logsumexp by rows": lambda x, y, k: logsumexp(x, np.max(x, **kept(x, k + 1)), k),
    "transpose": lambda x, y, k: x.T,
    "tanh": lambda x, y, k: np.tanh(x),
}
ROWS = st.tuples(
    st.sampled_from(sorted(OPS)), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)
)
PROGRAMS = st.lists(ROWS, min_size=2, max_size=7)
RETURNED = st.lists(st.integers(0, 9), min_size=1, max_size=3)


def program_of(rows: Any, returned: Any) -> Callable[[Any], tuple[Any, ...]]:
    """A function of an array that computes the rows and returns the last value, and others."""

    def function(x: Any) -> tuple[Any, ...]:
        values = [x]
        for name, i, j, k in rows:
            values.append(OPS[name](values[-1 - i % len(values)], values[-1 - j % len(values)], k))
        return (values[-1], *[values[i % len(values)] for i in returned])

    return function


def in_a_scan(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def steps(x: Any) -> Any:
        return ft.scan(lambda carry, v: (carry + 0.1 * v, function(carry + v)), x, np.stack([V, W]))

    return steps


def in_a_choice(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def choice(x: Any) -> Any:
        return ft.cond(np.sum(x) < 100, function, lambda x: function(2 * x), x)

    return choice


PLACES: dict[str, Callable[[Callable[[Any], Any]], Callable[[Any], Any]]] = {
    "in the open": lambda function: function,
    "jit": ft.jit,
    "vmap": lambda function: lambda x: ft.vmap(function)(np.stack([V, W]) + x),
    "checkpoint": ft.checkpoint,
    "scan": in_a_scan,
    "cond": in_a_choice,
}


def loss(function: Callable[[Any], Any], power: int = 2) -> Callable[[Any], Any]:
    """A number that depends on all that a function returns."""
    return lambda x: sum(np.sum(y**power) for y in ft.tree.leaves(function(x)))


def moderate(values: Any) -> bool:
    leaves = [np.asarray(y) for y in ft.tree.leaves(values)]
    return all(np.isfinite(y).all() and np.abs(y).max() < 1e4 for y in leaves)


def close(actual: Any, expected: Any, rtol: float = 1e-9) -> None:
    for a, b in zip(ft.tree.leaves(actual), ft.tree.leaves(expected), strict=True):
        scale = max(1.0, float(np.max(np.abs(b), initial=0.0)))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


def slope(function: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """Along v, by central differences of the fourth order."""
    h = 1e-3
    ahead, behind = function(x + h * v), function(x - h * v)
    further = function(x + 2 * h * v) - function(x - 2 * h * v)
    return (8 * (ahead - behind) - further) / (12 * h)


def examples(most: int) -> settings:
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(deadline=None, max_examples=most, derandomize=True, suppress_health_check=quiet)


def test_derivatives_are_those_without_the_analysis() -> None:
    seen: Counter[bool] = Counter()

    @examples(25)
    @given(PROGRAMS, RETURNED, st.sampled_from(sorted(PLACES)))
    def holds(rows: Any, returned: Any, place: str) -> None:
        function = program_of(rows, returned)
        with np.errstate(all="ignore"):
            assume(moderate(function(X)) and moderate(loss(function)(X)))
            seen[bool(shifts(ft.trace(function)(X)))] += 1
            own = loss(PLACES[place](function))

            def derivatives() -> Any:
                pushed = ft.jvp(PLACES[place](function), (X,), (V,))[1]
                return ft.grad(own)(X), pushed, ft.hvp(own, (X,), (V,))

            analysed = derivatives()
            with without_analysis():
                full = derivatives()
        assume(moderate(full))
        close(analysed, full)

    holds()
    assert min(seen[True], seen[False]) > 5  # else this would show nothing


@examples(40)
@given(PROGRAMS, RETURNED)
def test_slopes_are_those_of_differences(rows: Any, returned: Any) -> None:
    own = loss(program_of(rows, returned), 1)
    with np.errstate(all="ignore"):
        points = [own(X + h * V) for h in np.linspace(-2e-3, 2e-3, 5)]
        assume(moderate(points))
        expected, rough = slope(own, X, V), (points[3] - points[1]) / 2e-3
        assume(abs(expected - rough) < 1e-3 * max(1, abs(expected)))  # no kink is near
        actual = np.sum(ft.grad(own)(X) * V)
        assume(np.isfinite(actual))  # as it is not for sqrt(x - x)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


# What was taken for shifts, by name

UNSHIFTED: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {
    "the maximum of exp": (lambda x: np.max(np.exp(x)), lambda x: np.exp(x) * (x == x.max())),
    "the minimum of exp": (lambda x: np.min(np.exp(x)), lambda x: np.exp(x) * (x == x.min())),
    "amax": (lambda x: np.amax(np.exp(-x)), lambda x: -np.exp(-x) * (x == x.min())),
    "maximum.reduce": (
        lambda x: np.maximum.reduce(np.exp(x), axis=None),
        lambda x: np.exp(x) * (x == x.max()),
    ),
    "beside an exp": (lambda x: (np.max(x), np.exp(x)), None),
    "of a softmax": (lambda x: np.max(softmax(x, 0)), None),
    "the maximum and a logsumexp": (
        lambda x: (m := np.max(x), m + np.log(np.sum(np.exp(x - m)))), None),
    "one of two outputs cancels": (
        lambda x: (m := np.max(x), np.sum((e := np.exp(x - m)) / np.sum(e)), np.exp(x - m)), None),
    "exp of it": (lambda x: np.exp(np.max(x)) * np.exp(-x), None),
    "a divisor": (lambda x: np.exp(x / np.max(x)), None),
    "a maximum of maxima": (lambda x: np.max(np.max(np.exp(x), axis=0)), None),
    "exp of something else": (lambda x: np.log(np.sum(np.exp(x))) - np.max(x), None),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSHIFTED)
@pytest.mark.parametrize("place", PLACES)
def test_a_maximum_that_is_returned_has_its_slope(name: str, place: str) -> None:
    function, gradient = UNSHIFTED[name]
    own = loss(PLACES[place](function), 1)
    expected = slope(own, X, W)
    np.testing.assert_allclose(np.sum(ft.grad(own)(X) * W), expected, rtol=1e-7)
    np.testing.assert_allclose(ft.jvp(own, (X,), (W,))[1], expected, rtol=1e-7)
    if gradient is not None and place == "in the open":
        np.testing.assert_allclose(ft.grad(function)(X), gradient(X))


def test_a_maximum_in_a_while_loop_and_in_a_rule_has_its_slope() -> None:
    def repeated(x: Any) -> Any:
        return ft.while_loop(
            lambda state: state[0] < 3, lambda state: (state[0] + 1, softly(state[1])), (0, x)
        )[1]

    def softly(x: Any) -> Any:
        return 0.1 * np.exp(x) + np.max(np.exp(x * 0.1))

    @ft.custom_jvp
    def ruled(x: Any) -> Any:
        return np.max(np.exp(x))

    @ruled.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return ft.jvp(lambda x: np.max(np.exp(x)), primals, tangents)

    np.testing.assert_allclose(ft.grad(ruled)(X), np.exp(X) * (X.max() == X))
    expected = slope(loss(repeated, 1), X, V)
    np.testing.assert_allclose(ft.jvp(loss(repeated, 1), (X,), (V,))[1], expected, rtol=1e-7)
    np.testing.assert_allclose(np.sum(ft.grad(loss(repeated, 1))(X) * V), expected, rtol=1e-7)


def test_second_derivatives_of_a_maximum_of_exp() -> None:
    x = np.array([0.5, 1.0, -1.0])
    expected = np.zeros((3, 3))
    expected[1, 1] = np.exp(1.0)
    np.testing.assert_allclose(ft.hessian(lambda x: np.max(np.exp(x)))(x), expected)
    np.testing.assert_allclose(ft.jacfwd(ft.jacfwd(lambda x: np.max(np.exp(x))))(x), expected)


def test_an_unused_maximum_is_no_shift() -> None:
    program = ft.trace(lambda x: (np.max(x), np.exp(x))[1])(X)
    assert not shifts(program)
