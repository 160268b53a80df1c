"""Python loops in long traces become loops again: what they compute, and what stays as it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.control.rolled import rolled
from functrace.errors import UnrolledLoopWarning
from functrace.executors import reference
from functrace.ir import Program
from functrace.passes.pipeline import clean

Body = Callable[[Any, int], Any]
X = np.linspace(0.2, 0.9, 3)
ROWS = np.random.default_rng(3).uniform(0.5, 1.5, (400, 3))


@pytest.fixture(autouse=True)
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnrolledLoopWarning)
        ft.clear_cache()
        yield


def loops(program: Program) -> list[Any]:
    """The loops of a Program, those in loops included."""
    found = []
    for equation in program.equations:
        found += [equation] if equation.primitive.name == "scan" else []
        for _, inner in equation.programs:
            found += loops(inner)
    return found


def shorter(function: Any, *args: Any, to_run: bool = False) -> Program:
    """The rolled Program, which gives to the last bit what the trace gives."""
    program = ft.trace(function)(*args)
    short = rolled(program, 64, to_run)
    short.check()
    expected, found = (reference.run(p, list(args)) for p in (program, short))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)
    return short


def unrolled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functrace.memo.structural.rolled", lambda program, *_, **__: program)
    ft.clear_cache()


def repeated(body: Body, steps: int = 80) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        for t in range(steps):
            x = body(x, t)
        return np.sum(x)

    return function


def two_before(x: Any) -> Any:
    old, new = x, x * 0.5
    for _ in range(80):
        old, new = new, np.sin(new) * 0.9 + 0.1 * np.cos(old)
    return np.sum(new) + np.sum(old * new)


def three_before(x: Any) -> Any:
    history = [x, x * 0.5, x + 1.0]
    for _ in range(80):
        history.append(np.sin(history[-1]) * 0.9 + 0.1 * np.cos(history[-3]))
    return np.sum(history[-1] * history[-2])


def collected(x: Any) -> Any:
    kept = []
    for _ in range(100):
        x = np.tanh(x) * 1.1 + 0.1
        kept.append(np.sum(x * x))
    return np.sum(np.stack(kept) * np.arange(100.0))


def one_step_used(x: Any) -> Any:
    for t in range(100):
        x = np.tanh(x) * 1.1 + 0.1
        middle = x if t == 40 else middle if t > 40 else None  # noqa: F821 -- of an earlier step
    return np.sum(x * middle)


def first_differs(x: Any) -> Any:
    total, state = 0.0, np.ones(3)
    for row in ROWS[:100]:
        state = np.tanh(state * x) + row * 0.1
        total = total + np.sum(state * row) - 0.5 * np.sum(state)
    return total


def two_loops(x: Any) -> Any:
    for _ in range(100):
        x = np.sin(x) * 0.5 + x * 0.6
    y = x
    for row in ROWS[:100]:
        y = np.cos(y * row) + x
    return np.sum(x * y)


def nested(x: Any) -> Any:
    for row in ROWS[:12]:
        for _ in range(20):
            x = np.sin(x) * 0.5 + x * 0.6
        x = x * row + 0.1
    return np.sum(x)


def layers(x: Any) -> Any:
    """Weights of each layer are rows."""
    weights = np.random.default_rng(0).normal(size=(60, 3, 3)) * 0.4
    for w, b in zip(weights, ROWS, strict=False):
        x = np.tanh(w @ x + b) * 0.9
    return np.sum(x**2)


def elements(x: Any) -> Any:
    """Elements of a traced array are rows, from the last to the first."""
    y = 0.0
    for t in range(len(x) - 1, -1, -1):
        y = np.tanh(y * 0.9 + x[t]) * 1.1 + x[t] * 0.1
    return y


LOOPS: dict[str, tuple[Callable[[Any], Any], Any, int]] = {
    "a chain": (repeated(lambda x, _: np.sin(x) * 0.5 + x * 0.6), X, 1),
    "numbers that vary": (repeated(lambda x, t: np.sin(x) * (t / 80) + x * 0.6), X, 1),
    "arrays that vary": (repeated(lambda x, t: np.sin(x * ROWS[t]) + 0.5 * x), X, 1),
    "a scalar": (repeated(lambda x, _: np.sin(x) * 0.5 + x * 0.6), 0.3, 1),
    "single precision": (
        repeated(lambda x, _: np.sin(x) * 0.5 + x * 0.6), X.astype(np.float32), 1,
    ),
    "complex numbers": (
        lambda x: np.real(repeated(lambda x, _: np.sin(x) * 0.5 + x * 0.6)(x)), X + 0.5j, 1,
    ),
    "Newton's steps": (
        lambda x: np.sum(repeated(lambda y, _: y - (y * y - x) / (2.0 * y), 100)(x)), X, 1,
    ),
    "two steps before": (two_before, X, 1),
    "three steps before": (three_before, X, 1),
    "results of all steps": (collected, X, 1),
    "the result of one step": (one_step_used, X, 1),
    "another first step": (first_differs, X, 1),
    "two loops": (two_loops, X, 2),
    "a loop in a loop": (nested, X, 2),
    "layers": (layers, X, 1),
    "a choice": (repeated(lambda x, _: np.where(x > 0.5, np.sin(x), np.cos(x)) * 0.9), X, 1),
    "a clipped step": (repeated(lambda x, _: np.clip(x * 1.1 - 0.1, 0.1, 0.8) + 0.1 * x), X, 1),
    "elements of the argument": (elements, ROWS[:80, 0], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_values_and_derivatives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, x, count = LOOPS[name]
    short = shorter(function, x)
    assert len(loops(short)) == count
    assert len(short.equations) < len(ft.trace(function)(x).equations) / 3
    gradient = clean(ft.trace(ft.grad(function))(x))
    derived = rolled(gradient, 64, to_run=True)
    derived.check()
    for one, other in zip(*[reference.run(p, [x]) for p in (gradient, derived)], strict=True):
        np.testing.assert_array_equal(one, other)
    given = np.cos(np.arange(np.size(x))).reshape(np.shape(x)).astype(np.asarray(x).dtype)
    calls: list[Callable[[], Any]] = [
        lambda: ft.grad(function)(x),
        lambda: ft.jvp(function, (x,), (given[()],)),
        lambda: ft.vmap(function)(np.stack([x, x * 0.5])),
        lambda: ft.jit(ft.grad(function))(x),
    ]
    if np.asarray(x).dtype.kind == "f" and np.size(x) < 10:
        calls.append(lambda: ft.hessian(function)(x))
        calls.append(lambda: ft.hvp(function, (x,), (given[()],)))
    monkeypatch.setattr("functrace.memo.structural._LONG", 64)
    monkeypatch.setattr("functrace.api._execute.LONGEST_CODE", 64)
    found = [call() for call in calls]
    unrolled(monkeypatch)
    tolerance = 2e-5 if np.asarray(x).dtype == np.float32 else 1e-12
    for one, call in zip(found, calls, strict=True):
        one, other = np.asarray(one), np.asarray(call())
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())


OPS = (
    lambda a, b, r, t: a * b + 0.1,
    lambda a, b, r, t: np.sin(a) - 0.3 * b,
    lambda a, b, r, t: np.tanh(a * r),
    lambda a, b, r, t: a * (0.5 + 0.001 * t),
    lambda a, b, r, t: np.mean(a) + b * 0.5,
    lambda a, b, r, t: np.outer(a, b)[0] * 0.1 + r,
    lambda a, b, r, t: a / (2.0 + b * b),
    lambda a, b, r, t: np.concatenate([a[1:], b[:1]]),
    lambda a, b, r, t: 0.7 * a + ROWS[7],
    lambda a, b, r, t: np.cos(a)[::-1] * 0.8,
)


@pytest.mark.parametrize("seed", range(24))
def test_random_loops(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """States of random loops depend on states of up to three steps before."""
    random = np.random.default_rng(seed)
    states = int(random.integers(1, 4))
    rows = [
        (int(random.integers(len(OPS))), *random.integers(0, 3 * states, 2).tolist())
        for _ in range(int(random.integers(2, 6)))
    ]
    first, keep = bool(random.integers(2)), int(random.integers(3))

    def function(x: Any) -> Any:
        history = [[x * (0.5 + 0.2 * i) for i in range(states)] for _ in range(3)]
        total, kept = 0.0, []
        for t in range(60):
            pool = [v for step in history[-3:] for v in step]
            for op, i, j in rows:
                if not (first and t == 0):
                    pool[i] = np.tanh(OPS[op](pool[i], pool[j], ROWS[t], t))
            history.append([pool[rows[s % len(rows)][1]] for s in range(states)])
            total = total + np.sum(history[-1][0])
            kept.append(history[-1][-1])
        extra = [0.0, np.sum(kept[30] * kept[31]), np.sum(np.stack(kept) * ROWS[:60])][keep]
        return total + extra + np.sum(history[-2][0] * history[-1][0])

    short = shorter(function, X)
    assert loops(short)
    monkeypatch.setattr("functrace.memo.structural._LONG", 64)
    found = ft.value_and_grad(function)(X)
    unrolled(monkeypatch)
    for one, other in zip(found, ft.value_and_grad(function)(X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def test_the_loop_is_the_one_that_was_written() -> None:
    """A Kalman filter carries its mean, its covariance and the likelihood."""
    transition, noise = np.array([[1.0, 0.1], [0.0, 1.0]]), np.eye(2)

    def function(scales: Any) -> Any:
        mean, covariance, total = np.zeros(2), np.eye(2), 0.0
        for row in ROWS[:100, :2]:
            mean = transition @ mean
            covariance = transition @ covariance @ transition.T + noise * scales[0]
            innovation = covariance + noise * scales[1]
            gain = np.linalg.solve(innovation, covariance).T
            total = total - 0.5 * np.linalg.slogdet(innovation)[1]
            mean, covariance = mean + gain @ (row - mean), covariance - gain @ covariance
        return total + np.sum(mean)

    (loop,) = loops(shorter(function, np.array([0.1, 0.5])))
    assert loop.params["carry"] == 3
    assert loop.params["length"] >= 98
    assert len(loop.inputs) == loop.params["consts"] + 3 + 1  # and the measurements


def test_as_many_equations_for_more_steps() -> None:
    for function, count in ((two_loops, 30), (layers, 10)):
        gradient = clean(ft.trace(ft.grad(function))(X))
        assert len(gradient.equations) > 300
        assert len(rolled(gradient, 64, to_run=True).equations) < count + 40


def _root(x: Any, _: int) -> Any:
    return 0.1 + x * 0.01 * np.linalg.norm(x) ** 2


LEFT_ALONE: dict[str, Callable[[Any], Any]] = {
    "a choice beside roots": repeated(lambda x, _: np.where(x > 0.5, np.sqrt(x), np.cos(x)) * 0.9),
    "a slope that is a choice beside roots": repeated(lambda x, _: np.sqrt(np.fmax(x, 0.3)) * 0.9),
    "a choice after the loop": lambda x: np.sum(
        np.where(x > 0.5, repeated(lambda x, _: np.sqrt(x) + x * 0.1)(x), 0.0)
    ),
    "lengths in products": repeated(_root, 60),
    "factors of matrices": lambda x: repeated(lambda a, _: np.linalg.qr(a)[0] * 0.5 + a * 0.3, 60)(
        np.outer(x, x) + np.eye(3)
    ),
    "no repetition": lambda x: np.sum(x),
    "few steps": repeated(lambda x, _: np.sin(x) * 0.5 + x * 0.6, 7),
    "large arrays": lambda x: repeated(lambda x, _: np.sin(x) * 0.5 + x * 0.6, 60)(
        np.tile(x, 10_000)
    ),
    "steps that look at values": repeated(
        lambda x, t: (np.sin(x) if t * t % 7 < 3 else np.cos(x * x) + x) * 0.9 + x * 0.1, 120
    ),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_left_alone(name: str) -> None:
    program = ft.trace(LEFT_ALONE[name])(X)
    short = rolled(program, 64)
    assert short is program or name == "steps that look at values"
    shorter(LEFT_ALONE[name], X, to_run=True)


def test_masks_reach_through_all_steps() -> None:
    """A choice keeps infinite slopes of all steps away from where it is not taken."""
    x = np.array([0.5, 0.0, -1.0])

    def function(x: Any) -> Any:
        y = x
        with np.errstate(all="ignore"):
            for _ in range(300):
                y = np.sqrt(y) * 0.5 + y * 0.2
        return np.sum(np.where(x > 0, y, 0.0))

    with np.errstate(all="ignore"):
        gradient = ft.grad(function)(x)
    assert np.all(np.isfinite(gradient))
    assert gradient[1] == gradient[2] == 0


def test_effects_stay_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    def function(x: Any) -> Any:
        for t in range(130):
            x = np.sin(x) * 0.5 + x * 0.6 + 0.1
            ft.debug.print("step {t}", t=t)
        return np.sum(x)

    ft.grad(function)(X)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"step {t}" for t in range(130)]


def test_errors_name_the_line_of_the_step() -> None:
    def function(x: Any) -> Any:
        for t in range(300):
            x = np.log(x) * 0.5 + x  # it is negative in the end
        return np.sum(x)

    with ft.debug_nans(), pytest.raises(ft.errors.FunctraceError) as caught:
        ft.grad(function)(X)
    assert "np.log(x) * 0.5" in str(caught.value)


def test_short_programs_stay_unrolled() -> None:
    function = repeated(lambda x, _: np.sin(x) * 0.5 + x * 0.6, 50)
    text = str(ft.trace(ft.grad(function))(X))
    assert "scan" not in text
    ft.grad(function)(X)
    assert "scan" not in str(ft.jit(ft.grad(function)).explain(X))
