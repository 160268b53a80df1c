"""Python calls into functrace that a steady call of each transform takes.

    python -m benchmarks.overhead --calls

A call that has been made some times before finds its trace, its plan and its code. What it still
costs is interpreted Python, which calls count more steadily than a clock does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import functrace as ft

_WARM = 30  # calls before the one that is counted
_LIBRARY = os.path.dirname(os.path.abspath(ft.__file__)) + os.sep

X = np.array([0.5, 1.5, -0.3])
V = np.array([1.0, -1.0, 0.5])
ROWS = np.linspace(0.1, 1.0, 12).reshape(4, 3)


class Calls(NamedTuple):
    """The calls of functions of functrace, and the calls of compiled functions that they make."""

    python: int
    compiled: int


def loss(x: Any) -> Any:
    return np.sum(np.tanh(x) ** 2)


def loss_with_aux(x: Any) -> Any:
    y = np.tanh(x)
    return np.sum(y**2), y


def scaled(x: Any, scale: Any = 1.0) -> Any:
    return np.sum(np.tanh(x) ** 2) * scale


def elementwise(x: Any) -> Any:
    return np.tanh(x) ** 2


def newton(x: Any) -> Any:
    y = x
    while np.abs(y * y - x) > 1e-9:
        y = y - (y * y - x) / (2 * y)
    return y


def clipped(x: Any) -> Any:
    y = x * 2.0
    size = np.sum(y * y)
    if size > 1.0:
        y = y / np.sqrt(size)
    return np.sum(y * V)


def cases() -> dict[str, Callable[[], Any]]:
    """A steady call of each transform."""
    grad, both = ft.grad(loss), ft.value_and_grad(loss)
    grad_aux, both_aux = (
        ft.grad(loss_with_aux, has_aux=True),
        ft.value_and_grad(loss_with_aux, has_aux=True),
    )
    of_scaled, by_name = ft.grad(scaled), ft.grad(scaled, argnames="x")
    vmap, jacobian, hessian = ft.vmap(loss), ft.jacobian(elementwise), ft.hessian(loss)
    of_newton, of_clipped, elementwise_grad = (
        ft.grad(newton), ft.grad(clipped), ft.elementwise_grad(elementwise)
    )  # fmt: skip
    jacfwd, jacrev = ft.jacfwd(elementwise), ft.jacrev(elementwise)
    jitted = ft.jit(loss)
    _, pull = ft.vjp(loss, X)
    _, push = ft.linearize(loss, X)

    def pulled() -> Any:
        value, pull = ft.vjp(loss, X)
        return value, pull(1.0)

    def pushed() -> Any:
        value, push = ft.linearize(loss, X)
        return value, push(V)

    return {
        "grad": lambda: grad(X),
        "value_and_grad": lambda: both(X),
        "grad, has_aux": lambda: grad_aux(X),
        "value_and_grad, has_aux": lambda: both_aux(X),
        "grad, a keyword": lambda: of_scaled(X, scale=2.0),
        "grad, argnames": lambda: by_name(x=X),
        "jvp": lambda: ft.jvp(loss, (X,), (V,)),
        "vjp and its pullback": pulled,
        "a pullback": lambda: pull(1.0),
        "linearize and its pushforward": pushed,
        "a pushforward": lambda: push(V),
        "vmap": lambda: vmap(ROWS),
        "jacobian": lambda: jacobian(X),
        "jacfwd": lambda: jacfwd(X),
        "jacrev": lambda: jacrev(X),
        "hessian": lambda: hessian(X),
        "hvp": lambda: ft.hvp(loss, (X,), (V,)),
        "elementwise_grad": lambda: elementwise_grad(X),
        "grad of Newton's iteration": lambda: of_newton(2.0),
        "grad of a clipped step": lambda: of_clipped(X),
        "jit": lambda: jitted(X),
    }


def count(call: Callable[[], Any]) -> Calls:
    """The calls of one call that has been made some times before."""
    for _ in range(_WARM):
        call()
    python = compiled = 0

    def note(frame: Any, event: str, _: Any) -> None:
        nonlocal python, compiled
        if frame.f_code.co_filename.startswith((_LIBRARY, "<functrace")):
            python += event == "call"
            compiled += event == "c_call"

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return Calls(python, compiled)


def calls() -> str:
    """A Markdown table: the calls that a steady call of each transform makes."""
    lines = ["| steady call of | Python calls | compiled calls |", "|---|---|---|"]
    for name, call in cases().items():
        found = count(call)
        lines.append(f"| {name} | {found.python} | {found.compiled} |")
    return "\n".join(lines)
