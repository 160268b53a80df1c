"""A transform of one's own is one file: rules in the open table, and what applies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import MissingRuleError
from functrace.ir import Literal
from functrace.ops import elementwise as ops
from functrace.ops.shape import REDUCE_SUM, reduce_sum
from functrace.primitive import register

Interval = tuple[Any, Any]


def bounds(fun: Callable[[Any], Any]) -> Callable[[Any, Any], Interval]:
    """Bounds of a function's value from those of its argument, by interval arithmetic."""

    def bounded(low: Any, high: Any) -> Interval:
        program = ft.trace(fun)(np.zeros(low.shape))
        known: dict[Any, Interval] = {program.inputs[0]: (low, high)}

        def interval(atom: Any) -> Interval:
            return (atom.value, atom.value) if isinstance(atom, Literal) else known[atom]

        for equation in program.equations:
            rule = equation.primitive.rule("bounds", "interval arithmetic")
            known[equation.outputs[0]] = rule(*map(interval, equation.inputs), **equation.params)
        return interval(program.outputs[0])

    return bounded


def _product(x: Interval, y: Interval) -> Interval:
    corners = np.stack([a * b for a in x for b in y])
    return np.min(corners, axis=0), np.max(corners, axis=0)


for _primitive, _rule in {
    ops.add.primitive: lambda x, y: (x[0] + y[0], x[1] + y[1]),
    ops.negative.primitive: lambda x: (-x[1], -x[0]),
    ops.multiply.primitive: _product,
    ops.exp.primitive: lambda x: (np.exp(x[0]), np.exp(x[1])),
    REDUCE_SUM: lambda x, *, axes: (reduce_sum(x[0], axes), reduce_sum(x[1], axes)),
}.items():
    register(_primitive, "bounds", _rule)


def _energy(x: Any) -> Any:
    return np.sum(np.exp(-x) * x + 2 * x)


def test_a_toy_transform_bounds_what_a_function_gives() -> None:
    low, high = np.array([-1.0, 0.5, -3.0]), np.array([0.2, 0.7, -2.5])
    least, most = bounds(_energy)(low, high)
    points = low + (high - low) * np.random.default_rng(0).random((200, 3))
    values = np.array([_energy(x) for x in points])
    assert least <= values.min() < values.max() <= most
    assert np.allclose(bounds(_energy)(low, low), _energy(low))  # of a point it is the value


def test_it_composes_with_the_transforms_of_the_library() -> None:
    low, high = np.zeros((4, 3)), np.ones((4, 3)) * np.arange(1.0, 5)[:, None]
    rows = ft.jit(ft.vmap(bounds(_energy)))(low, high)
    alone = [bounds(_energy)(*row) for row in zip(low, high, strict=True)]
    np.testing.assert_allclose(np.transpose(rows), alone)
    slope = ft.grad(lambda high: bounds(_energy)(low[0], high)[1])(high[0])
    assert np.all(slope > 0)


def test_what_has_no_rule_says_so() -> None:
    with pytest.raises(MissingRuleError, match="sin has no bounds rule, which interval arith"):
        bounds(np.sin)(np.zeros(2), np.ones(2))
