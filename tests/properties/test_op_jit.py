"""What runs: results own their memory, rewritten Programs are well-formed, executors agree."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import tree
from functrace.ir import Program
from functrace.transforms.jvp import jvp
from functrace.transforms.linearize import linearize
from functrace.transforms.transpose import pullback
from functrace.transforms.vmap import vmap

from ..cases.op_cases import Case
from ..helpers import (
    TRACEABLE,
    assert_close,
    assert_equal,
    assert_runs_alike,
    differentiable_part,
    examples,
    is_inexact,
    name_of,
    pairing,
    random_like,
    run_reference,
)

DIFFERENTIABLE = [
    c for c in TRACEABLE if c.differentiable and any(is_inexact(x) for x in c.operands)
]


def _arrays(values: Any) -> Iterator[np.ndarray]:
    for value in tree.leaves(values):
        assert isinstance(value, (np.ndarray, np.generic, bool, int, float, complex))
        if isinstance(value, np.ndarray):
            assert type(value) is np.ndarray
            assert value.flags.writeable
            yield value


def _assert_own_memory(results: Any, others: Sequence[Any]) -> None:
    outputs = list(_arrays(results))
    for left, right in combinations(outputs, 2):
        assert not np.shares_memory(left, right)
    for output in outputs:
        for other in others:
            if isinstance(other, np.ndarray):
                assert not np.shares_memory(output, other)


@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_compiled_results_are_writable_and_own_their_memory(c: Case) -> None:
    compiled = ft.jit(c.fun)
    expected = c.fun(*c.operands)
    first = compiled(*c.operands)  # interpreted; later calls run generated code
    for _ in range(3):
        results = compiled(*c.operands)
        _assert_own_memory((first, results), c.operands)
        assert_equal(results, expected)
        for output in _arrays((first, results)):
            output[...] = 0
    assert_equal(compiled(*c.operands), expected)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_gradients_are_writable_and_own_their_memory(c: Case) -> None:
    function, operands = differentiable_part(c)
    values, pull = ft.vjp(function, *operands)
    cotangents = tuple([random_like(y, np.random.default_rng(1)) for y in values])
    gradients = pull(cotangents)
    again = pull(cotangents)
    _assert_own_memory((values, gradients, again), [*operands, *cotangents])
    for output in _arrays((values, gradients)):
        output[...] = 0
    assert_equal(pull(cotangents), again)


@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_batched_results_are_writable_and_own_their_memory(c: Case) -> None:
    mapped = [isinstance(x, (np.ndarray, np.generic)) for x in c.operands]
    stacked = [np.stack([x, x]) if m else x for x, m in zip(c.operands, mapped, strict=True)]
    axes = tuple([0 if m else None for m in mapped])
    results = ft.vmap(c.fun, in_axes=axes, axis_size=2)(*stacked)
    _assert_own_memory(results, [*stacked, *c.operands])


@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_traced_programs_are_well_formed_plain_data(c: Case) -> None:
    program = ft.trace(c.fun)(*c.operands)
    assert_runs_alike(program, c.operands)
    assert ft.trace(c.fun)(*c.operands) == program
    assert hash(pickle.loads(pickle.dumps(program))) == hash(program)
    assert pickle.loads(pickle.dumps(program)) == program
    assert str(program).count("\n") > len(program.equations)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_differentiated_programs_are_well_formed_and_executors_agree(c: Case) -> None:
    program = ft.trace(c.fun)(*c.operands)
    random = np.random.default_rng(2)
    active = [is_inexact(x) for x in c.operands]
    tangents = [random_like(x, random) for x, on in zip(c.operands, active, strict=True) if on]
    both, reached = jvp(program, active)
    pushed = assert_runs_alike(both, [*c.operands, *tangents])
    count = len(program.outputs)

    parts = linearize(program, active)
    assert parts.active_outputs == reached
    primal = assert_runs_alike(parts.primal, c.operands)
    assert_equal(primal[:count], pushed[:count])
    residuals = primal[count:]
    linear = assert_runs_alike(parts.linear, [*residuals, *tangents])
    assert_equal(linear, pushed[count:])

    cotangents = [random_like(y, random) for y in linear]
    gradients = assert_runs_alike(pullback(parts), [*residuals, *cotangents])
    assert_close(pairing(gradients, tangents), pairing(cotangents, linear), 1e-11)


@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_batched_programs_are_well_formed_and_executors_agree(c: Case) -> None:
    program = ft.trace(c.fun)(*c.operands)
    mapped = [isinstance(x, (np.ndarray, np.generic)) for x in c.operands]
    inputs = [np.stack(examples(x, 2)) if m else x
              for x, m in zip(c.operands, mapped, strict=True)]  # fmt: skip
    batched, reached = vmap(program, mapped, 2)
    results = assert_runs_alike(batched, inputs)
    assert len(reached) == len(results) == len(program.outputs)
    first = run_reference(program, [x[0] if m else x for x, m in zip(inputs, mapped, strict=True)])
    for value, on, alone in zip(results, reached, first, strict=True):
        assert_equal(value[0] if on else value, alone)


@pytest.mark.parametrize("c", DIFFERENTIABLE, ids=name_of)
def test_batched_derivatives_are_well_formed_and_executors_agree(c: Case) -> None:
    program = ft.trace(c.fun)(*c.operands)
    active = [is_inexact(x) for x in c.operands]
    linear = linearize(program, active)
    inputs = run_reference(linear.primal, c.operands)[len(program.outputs) :]
    cotangents = [np.ones(a.type.shape, a.type.dtype)[()] for a in linear.linear.outputs]
    values = [*inputs, *cotangents]
    batched, _ = vmap(pullback(linear), [True] * len(values), 2)
    assert_runs_alike(batched, [np.stack([x, x]) for x in values])


def test_a_program_is_unchanged_by_the_transforms_of_it() -> None:
    program: Program = ft.trace(lambda W, x: np.sum(np.tanh(W @ x)))(np.ones((2, 3)), np.ones(3))
    before = str(program)
    linearize(program, [True, True])
    vmap(program, [False, True], 4)
    assert str(program) == before
