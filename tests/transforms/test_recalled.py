"""Derivative rules that are recorded once give what they give when they are run each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.ir import Program
from functrace.transforms import chain_rule, recalled, transpose
from functrace.transforms.jvp import jvp
from functrace.transforms.linearize import linearize
from functrace.transforms.transpose import pullback

from ..cases.op_cases import CASES, Case
from ..properties.test_op_derivatives import DIFFERENTIABLE

X = np.array([0.3, 0.8, 1.2])
DERIVED = [c for c in DIFFERENTIABLE if not c.needs_values][::2]


def _derivatives(program: Program) -> list[Program]:
    active = [var.type.inexact for var in program.inputs]
    parts = linearize(program, active)
    return [jvp(program, active)[0], parts.primal, parts.linear, pullback(parts)]


def _run_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (chain_rule, transpose):
        monkeypatch.setattr(module, "recall", lambda *args: args[-1]())


@pytest.mark.parametrize("start", range(8))
def test_every_rule(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: Sequence[Case] = DERIVED[start::8]
    programs = [ft.trace(lambda *xs, c=c: c.fun(*xs))(*c.operands) for c in chosen]
    first = [_derivatives(program) for program in programs]
    again = [_derivatives(program) for program in programs]
    _run_each_time(monkeypatch)
    for case, one, two, program in zip(chosen, first, again, programs, strict=True):
        assert one == two == _derivatives(program), case.name


def test_rules_are_recalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred steps of four equations run some ten rules."""
    calls = []
    for module in (chain_rule, transpose):
        run = module._run
        monkeypatch.setattr(module, "_run", lambda *args, run=run: calls.append(1) or run(*args))
    ft.clear_cache()

    def walk(x: Any) -> Any:
        for _ in range(200):
            x = np.sin(x) * 0.5 + x * 0.1
        return np.sum(x)

    ft.trace(ft.grad(walk))(X)
    assert 5 < len(calls) < 20


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x**2 + x**3 + x**2.5 + x**0.5 + x**1,  # one op, by the constant
        lambda x: x * x + x * np.sin(x) + np.sin(x) * x,  # one operand twice
        lambda x: x * 2 + x * 3 + 2 * x + x * X + X * x + x * X[::-1],
        lambda x: x / 2 + 2 / x + x / x + X / x,
        lambda x: np.maximum(x, 0.5) + np.maximum(0.5, x) + np.maximum(x, 0.9) + np.maximum(x, x),
        lambda x: np.where(x > 0.5, x, 0.0) + np.where(x > 0.5, 0.0, x) + np.where(x > 0.5, x, x),
        lambda x: np.where(x > 0.5, np.log(x), 1.0) + np.where(x > 0.5, 1.0, np.log(x)),
        lambda x: np.sum(x) * np.ones(3) + np.sum(x, keepdims=True) + np.mean(x),
        lambda x: x @ x * X + x @ X * x + np.outer(x, x) @ X + np.outer(X, x) @ x,
        lambda x: np.power(2.0, x) + np.power(x, x) + np.power(X, x),
    ],
)
def test_equations_that_are_alike(function: Any) -> None:
    """What differs in a constant, in which operand has a tangent, or in what is one operand."""

    def loss(x: Any) -> Any:
        return np.sum(np.sin(function(x)))

    ft.clear_cache()
    ft.testing.check_grads(loss, (X,), order=2)


def test_values_of_another_trace() -> None:
    """A tangent that comes from a trace around this one."""

    def outer(y: Any) -> Any:
        inner = lambda x: np.sum(np.sin(x) * y * x)
        return np.sum(ft.grad(inner)(X * y) ** 2) + np.sum(ft.jvp(inner, (X,), (y * X,))[1])

    ft.clear_cache()
    ft.testing.check_grads(outer, (X,), order=2)
    ft.testing.check_grads(outer, (X,), order=2)


def test_lines_are_those_of_each_equation() -> None:
    def function(x: Any) -> Any:
        y = np.sin(x)
        return np.sum(np.sin(y))

    equations = ft.trace(ft.grad(function))(X).equations
    lines = {e.source.line for e in equations if e.primitive.name == "cos" and e.source}
    assert len(lines) == 2


def test_a_defined_op_runs_its_rules() -> None:
    scale = [2.0]
    op = ft.define_op(
        "scaled_for_recall",
        impl=lambda x: np.sin(x),
        infer=lambda x: x,
        jvp=lambda primals, tangents, out: tangents[0] * scale[0],
    )
    assert ft.grad(lambda x: op(x))(1.0) == 2
    scale[0] = 3.0
    ft.clear_cache()
    assert ft.grad(lambda x: op(x) + op(x))(1.0) == 6


def test_the_table_is_bounded() -> None:
    for i in range(50):
        ft.grad(lambda x, i=i: np.sum(x**2 * float(i)))(X)
    assert len(recalled._RECIPES) <= 4096
    ft.clear_cache()
    assert not recalled._RECIPES


assert len(CASES) > len(DERIVED) > 500
