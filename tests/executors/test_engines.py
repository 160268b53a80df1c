"""Engines are chosen by name: one of a test counts its steps, and runs what NumPy's runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import OptionError
from functrace.executors import engines
from functrace.executors.plan import Plan
from functrace.executors.planned import callables

X = np.linspace(0.1, 1.0, 6).reshape(2, 3)


class Counting:
    """Runs the steps one after the other, keeps all values, and counts the kernels."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()

    def compile(self, plan: Plan) -> Callable[[Sequence[Any]], Sequence[Any]]:
        memory = plan.layout._replace(
            buffers=(), targets=(None,) * len(plan.steps), changes=frozenset()
        )
        calls = callables(plan._replace(layout=memory))

        def run(inputs: Sequence[Any]) -> Sequence[Any]:
            values = {number: literal.value for number, literal in plan.constants}
            values.update(zip(plan.inputs, inputs, strict=True))
            for call, step in zip(calls, plan.steps, strict=True):
                self.ran[step.kernel] += 1
                result = call(*[values[number] for number in step.operands])
                alone = len(step.results) == 1 and step.kernel not in ("nested", "blocks")
                values.update(zip(step.results, [result] if alone else result, strict=True))
            return [values[number] for number in plan.outputs]

        return run


@pytest.fixture
def counting() -> Iterator[Counting]:
    engine = Counting()
    engines.register("counting", engine)
    yield engine
    del engines.ENGINES["counting"]


def test_it_runs_what_numpy_runs(counting: Counting) -> None:
    loss = lambda x: np.sum(np.tanh(x @ x.T) ** 2)
    for call in (ft.grad(loss), ft.jit(ft.grad(loss)), ft.hessian(loss), ft.vmap(np.tanh)):
        expected = call(X)
        before = counting.ran.total()
        with engines.using("counting"):
            np.testing.assert_allclose(call(X), expected, rtol=1e-14)
        assert counting.ran.total() > before
        assert counting.ran["ufunc"] > 0
        before = counting.ran.total()
        np.testing.assert_array_equal(call(X), expected)
        assert counting.ran.total() == before


def test_an_engine_that_there_is_not() -> None:
    with pytest.raises(OptionError, match="(?s)no engine 'warp'.*choose one of 'numpy'"):
        engines.using("warp")
