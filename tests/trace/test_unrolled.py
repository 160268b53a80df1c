"""Long traces of Python loops: who is warned, of which line, and how often."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import UnrolledLoopWarning

X = np.array([0.2, 0.4, 0.6])


class _Files:
    """Code of a file of its own, which is equal to no other."""

    def __init__(self) -> None:
        self.count = 0

    def function(self, *lines: str) -> Callable[[Any], Any]:
        self.count += 1
        bound: dict[str, Any] = {"np": np, "ft": ft}
        text = "\n".join([*lines, f"unlike = {self.count}"])
        exec(compile(text, f"unrolled_{self.count}.py", "exec"), bound)
        return bound["walk"]

    def loop(self, steps: int) -> Callable[[Any], Any]:
        """A loop of four equations a step."""
        return self.function(
            "def walk(x):",
            f"  for _ in range({steps}):",
            "    x = np.sin(x) * 0.5 + x * 0.1",
            f"  return np.sum(x) * {self.count}",
        )


FILES = _Files()


def warned(run: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        run()
    return [w for w in found if w.category is UnrolledLoopWarning]


TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "grad": ft.grad,
    "the trace of a gradient": lambda f: ft.trace(ft.grad(f)),
    "the trace of a batch": lambda f: lambda x: ft.trace(ft.vmap(f))(np.stack([x, x])),
    "a trace": ft.trace,
    "a trace in a named scope": lambda f: lambda x: _scoped(f, x),
}


def _scoped(f: Any, x: Any) -> Any:
    with ft.named_scope("model"):
        return ft.trace(f)(x)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_long_loop_is_warned_of_once(name: str) -> None:
    function = FILES.loop(600)
    transformed = TRANSFORMS[name](function)
    (warning,) = warned(lambda: [transformed(X) for _ in range(3)])
    assert (warning.filename, warning.lineno) == (function.__code__.co_filename, 3)
    text = str(warning.message)
    assert f"line 3 of {warning.filename}, in walk, was traced 600 times" in text
    assert "2,402 equations" in text
    assert "functrace.scan" in text
    assert "functrace.fori_loop" in text
    assert issubclass(UnrolledLoopWarning, UserWarning)


def test_another_loop_is_warned_of_as_well() -> None:
    first, second = FILES.loop(600), FILES.loop(700)
    both = warned(lambda: [ft.trace(f)(X) for f in (first, second, first, second)])
    assert [w.filename for w in both] == [f.__code__.co_filename for f in (first, second)]


def test_a_short_trace_is_not_warned_of_though_its_derivatives_are_long() -> None:
    function = FILES.loop(499)
    assert len(ft.trace(ft.grad(function))(X).equations) > 4000
    for transform in (ft.trace, lambda f: ft.trace(ft.grad(f)), lambda f: ft.trace(ft.vmap(f))):
        assert not warned(lambda: transform(function)(X))


def test_a_long_trace_that_does_not_repeat_is_not_warned_of() -> None:
    steps = [f"  x = np.sin(x) * 0.5 + x * {0.1 + i / 1e4}" for i in range(600)]
    function = FILES.function("def walk(x):", *steps, "  return np.sum(x)")
    assert len(ft.trace(function)(X).equations) == 2401
    assert not warned(lambda: ft.trace(function)(X))


def test_a_scan_of_the_same_loop_is_not_warned_of() -> None:
    function = FILES.function(
        "def walk(x):",
        "  step = lambda i, x: np.sin(x) * 0.5 + x * 0.1",
        "  return np.sum(ft.fori_loop(0, 600, step, x))",
    )
    assert not warned(lambda: ft.grad(function)(X))


def test_a_body_of_one_instruction_counts_its_runs() -> None:
    function = FILES.function(
        "def walk(x):",
        "  for _ in range(500):",
        "    x = x - np.mean(x) / np.std(x)",
        "  return np.sum(x)",
    )
    (warning,) = warned(lambda: ft.trace(function)(X))
    assert "was traced 500 times" in str(warning.message)
    assert warning.lineno == 3


def test_the_body_is_named_where_it_is_a_function() -> None:
    function = FILES.function(
        "def step(x):",
        "  y = np.tanh(x) * 0.9",
        "  return y + x * 0.01 - y ** 2 * 0.1",
        "def walk(x):",
        "  for _ in range(400):",
        "    x = step(x)",
        "  return np.sum(x)",
    )
    (warning,) = warned(lambda: ft.trace(function)(X))
    assert warning.lineno == 2
    assert "in step, was traced 400 times" in str(warning.message)


def test_as_an_error_it_leaves_the_library_as_it_was() -> None:
    function = FILES.loop(650)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnrolledLoopWarning)
        with pytest.raises(UnrolledLoopWarning):
            ft.trace(function)(X)
        assert len(ft.trace(function)(X).equations) == 2602
