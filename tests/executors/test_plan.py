"""Plans are data: they tell all that running takes, print, and run in another process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import tree
from functrace.executors.footprint import footprint
from functrace.executors.plan import Plan, make_plan
from functrace.executors.planned import compiled, interpreter
from functrace.ir import Program
from functrace.passes.pipeline import clean, optimize

from ..cases.op_cases import Case
from ..helpers import TRACEABLE, assert_close

X = np.linspace(0.1, 1.0, 6).reshape(2, 3)


def planned(function: Any, *operands: Any) -> tuple[Program, Plan]:
    program = optimize(clean(ft.trace(function)(*operands)))
    return program, make_plan(program)


def loop(x: Any) -> Any:
    total, ys = ft.scan(lambda c, row: (np.tanh(c * row), c + row), x[0], x)
    return np.sum(total) + np.sum(ys**2)


def branches(x: Any) -> Any:
    return ft.cond(np.sum(x) > 3.0, lambda x: np.sum(x**2), lambda x: np.sum(np.exp(x)), x)


def repeated(x: Any) -> Any:
    return ft.while_loop(lambda c: np.sum(c) < 50.0, lambda c: c * 1.5 + 1.0, x)


FUNCTIONS: dict[str, Any] = {
    "elementwise": lambda x: np.tanh(x) * x + 1.0,
    "product": lambda x: x @ x.T @ np.arange(2.0),
    "gradient": ft.grad(lambda x: np.sum(np.tanh(x @ x.T) ** 2)),
    "views": lambda x: (x.T[1:], np.broadcast_to(x, (4, 2, 3)), x.reshape(3, 2) + 1),
    "scan": loop,
    "gradient of a scan": ft.grad(loop),
    "cond": branches,
    "while": repeated,
    "per example": ft.vmap(ft.grad(lambda x: np.prod(np.sin(x)))),
    "linear algebra": lambda x: np.linalg.solve(x @ x.T + np.eye(2), x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_that_the_steps_make(name: str) -> None:
    program, plan = planned(FUNCTIONS[name], X)
    values = plan.values
    given = {*plan.inputs, *[number for number, _ in plan.constants]}
    for number in given:
        assert values[number].foreign
    known = dict(zip(plan.inputs, program.input_types, strict=True))
    known.update(zip(plan.outputs, program.output_types, strict=True))
    for number, type in known.items():
        assert (values[number].shape, values[number].dtype) == (type.shape, type.dtype)
    for number, literal in plan.constants:
        type = literal.type
        assert (values[number].shape, values[number].dtype) == (type.shape, type.dtype)
    for step in plan.steps:
        assert given.issuperset(step.operands)
        assert given.isdisjoint(step.results), "a value is given once"
        given.update(step.results)
        given.difference_update(step.gone)
        assert -1 <= step.origin < len(program.equations)
    assert given.issuperset(plan.outputs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_running_gives_each_value_the_type_that_the_plan_tells(name: str) -> None:
    """An engine that keeps all values compares them."""
    from functrace.executors.planned import callables

    _, plan = planned(FUNCTIONS[name], X)
    plan = plan._replace(
        layout=plan.layout._replace(
            buffers=(), targets=(None,) * len(plan.steps), changes=frozenset()
        )
    )
    values: dict[int, Any] = {number: literal.value for number, literal in plan.constants}
    values.update(zip(plan.inputs, [X], strict=True))
    for call, step in zip(callables(plan), plan.steps, strict=True):
        result = call(*[values[number] for number in step.operands])
        several = step.kernel in ("nested", "blocks") or len(step.results) != 1
        for number, part in zip(step.results, result if several else [result], strict=True):
            values[number] = part
            told = plan.values[number]
            assert np.shape(part) == told.shape or -1 in told.shape
            assert np.asarray(part).dtype == told.dtype
            if told.root == number and not told.foreign and np.ndim(part):
                others = [values[n] for n in values if n not in step.results]
                assert not any(np.shares_memory(part, other) for other in others)


@pytest.mark.parametrize("case", TRACEABLE[::60], ids=lambda case: case.name)
def test_plans_are_pickled(case: Case) -> None:
    operands = [np.asarray(x)[()] for x in tree.leaves(case.operands)]
    program = optimize(clean(ft.trace(lambda *xs: case.fun(*xs))(*case.operands)))
    plan = make_plan(program)
    back = pickle.loads(pickle.dumps(plan))
    assert str(back) == str(plan)
    if len(operands) == len(program.inputs):
        assert_close(list(interpreter(back)(operands)), list(interpreter(plan)(operands)))
        assert_close(list(compiled(back)(operands)), list(compiled(plan)(operands)))


def test_a_plan_runs_in_another_process(tmp_path: Any) -> None:
    """From the data alone: nothing is traced or planned there."""
    plans = {name: planned(function, X)[1] for name, function in FUNCTIONS.items()}
    expected = {name: interpreter(plan)([X]) for name, plan in plans.items()}
    (tmp_path / "plans").write_bytes(pickle.dumps((plans, X)))
    code = (
        "import pickle, sys\n"
        "plans, X = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from functrace.executors.planned import interpreter\n"
        "found = {name: [x for x in interpreter(plan)([X])] for name, plan in plans.items()}\n"
        "assert 'functrace.api.gradients' not in sys.modules\n"
        "pickle.dump(found, open(sys.argv[2], 'wb'))\n"
    )
    paths = [str(tmp_path / "plans"), str(tmp_path / "found")]
    subprocess.run([sys.executable, "-c", code, *paths], check=True)
    found = pickle.loads((tmp_path / "found").read_bytes())
    for name, outputs in expected.items():
        for one, other in zip(outputs, found[name], strict=True):
            np.testing.assert_array_equal(one, other)


def test_how_a_plan_reads() -> None:
    _, plan = planned(lambda x: ft.scan(lambda c, r: (np.tanh(c) * r, None), x[0], x / 2.0)[0], X)
    assert (
        str(plan)
        == """\
plan of function(v0: f64[2,3]) -> v5
  workspace: 64 bytes
  v3: f64 = 0.5
  v1: f64[1,3] = slice[((0, 1, 1), (0, 3, 1))](v0)
  v2: f64[3] = reshape[(3,)](v1); v1 is gone
  v4: f64[2,3] = ufunc[multiply](v0, v3) into 0; v0 is gone
  v5: f64[3] = scan[consts=0, carry=1, length=2, reverse=False](v2, v4); v2, v4 are gone
    body(v0: f64[3], v1: f64[3]) -> v3
      workspace: 64 bytes
      v2: f64[3] = ufunc[tanh](v0) into 0; v0 is gone
      v3: f64[3] = ufunc[multiply](v2, v1); v1, v2 are gone"""
    )


def test_plans_that_steps_carry_are_shown() -> None:
    text = str(planned(branches, X)[1])
    assert " = cond(v" in text
    assert "    branches[0](v0: f64[2,3]) -> v" in text
    assert "reduce[add, (0, 1), float64]" in text


def test_the_memory_of_a_plan_is_read_from_it() -> None:
    _, plan = planned(FUNCTIONS["gradient of a scan"], X)
    found = footprint(pickle.loads(pickle.dumps(plan)))
    assert found == footprint(plan)
    assert found.inputs == X.nbytes
    assert found.outputs == X.nbytes
    assert found.workspace >= sum(plan.layout.buffers)
