"""What the property tests share: comparing results, moving operands about, finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

import functrace as ft
from functrace import tree
from functrace.executors.plan import make_plan
from functrace.executors.planned import compiled, interpreter
from functrace.ir import Program
from functrace.passes.pipeline import clean, optimize

from .cases.op_cases import CASES, Case

STEP = 1e-6
_PRECISION = {"float16": 1e-2, "float32": 2e-5, "complex64": 2e-5}

TRACEABLE = [c for c in CASES if not c.needs_values]


def name_of(c: Case) -> str:
    """The label of a case in pytest's output."""
    return c.name


# Comparing


def tolerance(dtype: np.dtype[Any]) -> float:
    """The relative error that a few operations in another order may make."""
    return _PRECISION.get(dtype.name, 1e-12)


def assert_close(actual: Any, expected: Any, rtol: float = 1e-12) -> None:
    """Two trees of numbers have one structure, one shape in each leaf, and nearly equal values."""
    got, expected_leaves = tree.leaves(actual), tree.leaves(expected)
    assert tree.structure(actual) == tree.structure(expected)
    for a, b in zip(got, expected_leaves, strict=True):
        assert np.shape(a) == np.shape(b)
        scale = max(1.0, float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


def assert_equal(actual: Any, expected: Any, *, types: bool = True) -> None:
    """As `assert_close`, with equal dtypes, and with `types` the Python types a user would see."""
    assert_close(actual, expected, _loosest(expected))
    for a, b in zip(tree.leaves(actual), tree.leaves(expected), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        if types:
            assert type(a) is seen_type(b)


def _loosest(values: Any) -> float:
    return max([tolerance(np.asarray(x).dtype) for x in tree.leaves(values)], default=1e-12)


def seen_type(value: Any) -> type:
    """The type of a result: a NumPy scalar for all that NumPy computes without axes."""
    if isinstance(value, np.ndarray):
        return value.dtype.type if not value.ndim else np.ndarray
    return type(value)


# Operands


def is_inexact(x: Any) -> bool:
    """Whether a value is real or complex floating point."""
    return np.asarray(x).dtype.kind in "fc"


def mapped_leaves(function: Callable[[np.ndarray], Any], operands: Sequence[Any]) -> list[Any]:
    """Change the arrays and NumPy scalars among operands, and leave Python scalars alone."""
    return [function(x) if isinstance(x, (np.ndarray, np.generic)) else x for x in operands]


def strided(x: Any) -> Any:
    """The same array with gaps between its elements, and backwards in memory."""
    if not np.ndim(x):
        return x
    spread = np.repeat(np.repeat(x, 2, axis=0), 3, axis=-1)[::2, ..., ::3] if x.ndim > 1 else (
        np.repeat(x, 2)[::2]
    )  # fmt: skip
    return spread[::-1].copy(order="F")[::-1] if x.ndim > 1 else spread[::-1].repeat(2)[::-2]


def narrowed(x: Any, single: bool = True) -> Any:
    """A value in single (or half) precision, when it is a floating-point array."""
    names = {"f": np.float32 if single else np.float16, "c": np.complex64}
    return x.astype(names[x.dtype.kind]) if x.dtype.kind in names else x


def examples(x: Any, size: int) -> list[Any]:
    """Variations of an operand that stay in the domain of whatever takes it."""
    found = []
    for i in range(size):
        y = np.roll(x, i)
        if y.dtype.kind in "fc":
            y = y * y.dtype.type(1 - i / 32)
        elif not y.ndim and y.dtype.kind != "b":
            y = y - min(i, int(y))
        found.append(np.asarray(y, x.dtype)[()])
    return found


def subsets(positions: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All ways to choose one or more."""
    for count in range(1, len(positions) + 1):
        yield from combinations(positions, count)


def random_like(x: Any, random: np.random.Generator) -> Any:
    """A random direction of the shape and dtype of a value."""
    x = np.asarray(x)
    value = random.normal(size=x.shape)
    if x.dtype.kind == "c":
        value = value + 1j * random.normal(size=x.shape)
    return np.asarray(value, x.dtype)[()]


# Derivatives


def differentiable_part(c: Case) -> tuple[Callable[..., tuple[Any, ...]], list[Any]]:
    """A case as a function of its floating-point operands to its floating-point outputs."""
    active = [i for i, x in enumerate(c.operands) if is_inexact(x)]

    def function(*chosen: Any) -> tuple[Any, ...]:
        operands = list(c.operands)
        for i, x in zip(active, chosen, strict=True):
            operands[i] = x
        return tuple([y for y in tree.leaves(c.fun(*operands)) if _has_derivative(y)])

    return function, [c.operands[i] for i in active]


def _has_derivative(y: Any) -> bool:
    dtype = y.dtype if hasattr(y, "dtype") else np.asarray(y).dtype
    return dtype.kind in "fc"


def pairing(left: Sequence[Any], right: Sequence[Any]) -> float:
    """The real product of two lists of arrays that transposition keeps."""
    return float(sum(np.sum(np.multiply(a, b)).real for a, b in zip(left, right, strict=True)))


def difference(
    function: Callable[..., Sequence[Any]], operands: Sequence[Any], directions: Sequence[Any]
) -> list[Any]:
    """The derivative along a direction, by central differences."""
    ahead = function(*[x + STEP * v for x, v in zip(operands, directions, strict=True)])
    behind = function(*[x - STEP * v for x, v in zip(operands, directions, strict=True)])
    return [(a - b) / (2 * STEP) for a, b in zip(ahead, behind, strict=True)]


# Programs


def run_reference(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a Program that is well-formed, by the reference executor."""
    program.check()
    outputs = ft.evaluate(program, *inputs)
    return list(outputs) if len(program.outputs) != 1 else [outputs]


def assert_runs_alike(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """The passes and the executors keep a Program's meaning. Returns its outputs."""
    expected = run_reference(program, inputs)
    cleaned = clean(program)
    cleaned.check()
    optimized = optimize(cleaned)
    optimized.check()
    assert optimized.output_types == program.output_types
    plan = make_plan(optimized)
    values = [np.asarray(x)[()] for x in inputs]
    for execute in (interpreter(plan), compiled(plan)):
        assert_equal(list(execute(values)), expected)
    return expected
