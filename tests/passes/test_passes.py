"""The optimising passes: what they make of a Program, and that its meaning stays."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.api import _execute
from functrace.errors import FunctraceError
from functrace.ir import ArrayType, Equation, Literal, Program, Var
from functrace.ops.lengths import times_power
from functrace.passes import pipeline
from functrace.passes.common_subexpressions import common_subexpressions
from functrace.passes.cost import bytes_moved, einsum_cost, flops
from functrace.passes.dead_code import dead_code
from functrace.passes.einsum_fusion import einsum_fusion
from functrace.passes.guarded import GUARDED
from functrace.passes.match import Condition
from functrace.passes.pipeline import optimize
from functrace.passes.simplify import RULES, simplify
from functrace.primitive import PRIMITIVES

from ..helpers import assert_close

X = np.array([1.5, -2.0, 0.25])
M = np.arange(12.0).reshape(3, 4) - 5
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324, -3.0])


def ops(program: Program) -> Counter[str]:
    """How often each primitive stands in a Program."""
    return Counter(e.primitive.name for e in program.equations)


def kept(function: Callable[..., Any], *operands: Any) -> Program:
    """The simplified Program of a function; what nobody uses is gone."""
    return dead_code(simplify(ft.trace(function)(*operands)))


ALGEBRA: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
    "x + -y": (lambda x: x + -np.exp(x), {"exp": 1, "subtract": 1}),
    "-x + y": (lambda x: -np.exp(x) + x, {"exp": 1, "subtract": 1}),
    "x + -y reshaped": (
        lambda x: x + np.reshape(-np.exp(np.sum(x)), (1,)),
        {"sum": 1, "exp": 1, "subtract": 1, "reshape": 1},
    ),
    "x - -y": (lambda x: x - -np.exp(x), {"exp": 1, "add": 1}),
    "x - 0": (lambda x: x - 0.0, {}),
    "- -x": (lambda x: -(-x), {}),
    "-(x * 3)": (lambda x: -(x * 3), {"multiply": 1}),
    "(-x) ** 2": (lambda x: (-x) ** 2, {"square": 1}),
    "abs(x) ** 2": (lambda x: abs(x) ** 2, {"square": 1}),
    "a length": (lambda x: np.linalg.norm(x), {"square": 1, "sum": 1, "sqrt": 1}),
    "x / length": (
        lambda x: times_power(x, np.exp(x), -1, 1),
        {"exp": 1, "equal": 1, "where": 1, "divide": 1},
    ),
    "x * length": (lambda x: times_power(x, np.exp(x), 1, 2), {"exp": 1, "multiply": 1}),
    "abs(-x)": (lambda x: abs(-x), {"abs": 1}),
    "x * 1": (lambda x: 1 * x * np.ones(3), {}),
    "x * -1": (lambda x: x * -1, {"negative": 1}),
    "-x * 3": (lambda x: -x * 3, {"multiply": 1}),
    "2 * (x * 3) * 4": (lambda x: 2 * (x * 3) * 4, {"multiply": 1}),
    "-x * -y": (lambda x: -x * -np.exp(x), {"exp": 1, "multiply": 1}),
    "x * x": (lambda x: x * x, {"square": 1}),
    "x / 1": (lambda x: x / 1, {}),
    "x / 8": (lambda x: x / 8, {"multiply": 1}),
    "x / 3": (lambda x: x / 3, {"divide": 1}),
    "x ** 3": (lambda x: np.power(x, 3.0), {"square": 1, "multiply": 1}),
    "x ** 4": (lambda x: x**4, {"square": 2}),
    "x ** -2": (lambda x: x**-2.0, {"square": 1, "reciprocal": 1}),
    "x ** 5": (lambda x: x**5, {"power": 1}),
    "x + -0.0": (lambda x: x + -0.0, {}),
    "0 + x ** 2": (lambda x: sum([x**2, x]), {"square": 1, "add": 1}),
    "0 + x": (lambda x: 0.0 + x, {"add": 1}),
    "where(c, x, x)": (lambda x: np.where(x > 0, x, x), {}),
    "where(c, 2, 2)": (lambda x: x + np.where(x > 0, 2.0, 2.0), {"add": 1}),
    "where(c, 0, -0)": (lambda x: np.where(x > 0, 0.0, -0.0), {"greater": 1, "where": 1}),
    "where(True, x, y)": (lambda x: np.where(True, x, -x), {}),
    "c and True": (
        lambda x: np.where(np.logical_and(x > 0, True), x, 1),
        {"greater": 1, "where": 1},
    ),
    "c or True": (lambda x: np.where(np.logical_or(x > 0, True), x, 1), {}),
    "not not c": (lambda x: np.where(~np.logical_not(x > 0), x, 0.5), {"greater": 1, "where": 1}),
    "x == 1 and isinf(x)": (lambda x: np.where((x == 1) & np.isinf(x), 5.0, x), {}),
    "repeated number": (lambda x: x * np.full(3, 2.0) * 2, {"multiply": 1}),
    "constants": (lambda x: x + np.sum(np.ones(3) * 2), {"add": 1}),
}


@pytest.mark.parametrize("name", ALGEBRA)
def test_equations_become_simpler(name: str) -> None:
    function, expected = ALGEBRA[name]
    program = kept(function, X)
    assert ops(program) == Counter(expected)
    assert_close(ft.evaluate(program, X), function(X), 1e-15)


@pytest.mark.parametrize("name", ALGEBRA)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_infinities_and_signs_of_zeros_are_kept(name: str) -> None:
    function, _ = ALGEBRA[name]
    operand = SPECIAL[:3] if name in ("x * 1", "repeated number", "constants") else SPECIAL
    plain, simple = function(operand), ft.evaluate(kept(function, operand), operand)
    np.testing.assert_array_equal(np.isnan(plain), np.isnan(simple))
    finite = ~np.isnan(plain)
    np.testing.assert_array_equal(np.signbit(plain[finite]), np.signbit(simple[finite]))
    np.testing.assert_allclose(simple, plain, rtol=1e-15)


SCALED: dict[str, tuple[Callable[..., Any], Any]] = {
    "a mean in half precision": (lambda x: np.sum(x / 1024), np.full(1024, 100, np.float16)),
    "many equal numbers": (lambda x: np.sum(np.broadcast_to(x, (70000,))), np.float16(1e-3)),
    "squares in half precision": (lambda x: np.sum(np.square(x * np.float16(0.01))),
                                  np.full(100, 300, np.float16)),
    "a norm in single precision": (lambda x: np.sqrt(np.sum((x * np.float32(1e-20)) ** 2)),
                                   np.full(100, 1e25, np.float32)),
    "a norm in double precision": (lambda x: np.sqrt(np.sum((x * 1e-200) ** 2)) * 1e200,
                                   np.full(100, 1e190)),
    "a sum of products": (lambda x: np.sum((x * 1e-200) * (x[0] * 1e-200)),
                          np.full((30, 30), 1e200)),
    "an inverse square": (lambda x: x**-2, np.array([300, 600], np.float16)),
    "unsigned numbers": (lambda x: abs(-x), np.array([1, 200], np.uint8)),
    "complex infinities": (lambda x: -1 * (x * 1) * np.ones(2), np.array([np.inf, 1j * np.nan])),
    "sums of complex infinities": (lambda x: np.sum(np.broadcast_to(x, (3, 2)), axis=0),
                                   np.array([np.inf, 1j])),
}  # fmt: skip


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_that_fit_their_dtype_still_do(name: str) -> None:
    function, operand = SCALED[name]
    expected = function(operand)
    found = ft.jit(function)(operand)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-2 if expected.itemsize < 4 else 1e-5)


SHAPES: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
    "transposes": (
        lambda x: x.reshape(3, 2, 2).transpose(1, 2, 0).transpose(1, 2, 0), {"transpose": 1}),
    "what is symmetric": (
        lambda x: np.sin((y := x[:, :3]) + y.T).T,
        {"slice": 1, "add": 1, "sin": 1, "transpose": 1}),
    "an einsum that moves": (lambda x: np.einsum("ij->ji", x), {"transpose": 1}),
    "an einsum with a number": (
        lambda x: np.einsum(",ij->ji", 3.0, x), {"multiply": 1, "transpose": 1}),
    "a number of what repeats": (
        lambda x: np.broadcast_to(x[:, :1], (3, 4)) * 3.0,
        {"slice": 1, "multiply": 1, "broadcast_to": 1}),
    "reshapes": (lambda x: x.reshape(2, 6).reshape(4, 3).reshape(3, 4), {}),
    "slices": (lambda x: x[1:][::-1][:, ::2][:1, 1:], {"slice": 1}),
    "broadcasts": (
        lambda x: np.broadcast_to(x[None], (2, 3, 4)) + x, {"add": 1, "broadcast_to": 1}),
    "sums": (lambda x: np.sum(np.sum(x, axis=1)), {"sum": 1}),
    "a sum of a broadcast": (
        lambda x: np.sum(np.broadcast_to(x[:, :1], (3, 4)), axis=1), {"slice": 1, "multiply": 1}),
    "parts among zeros": (
        lambda x: ft.grad(lambda x: np.sum(x[1:] ** 2) + np.sum(x[:2] ** 3) + np.sum(x[1:]))(x),
        {"slice": 2, "multiply": 2, "add": 1, "square": 1, "place": 1, "add_slice": 1}),
    "back to a shape": (
        lambda x: np.sqrt(1 + np.abs(x.reshape(2, 6) * 2)).reshape(3, 4),
        {"abs": 1, "multiply": 1, "add": 1, "sqrt": 1}),
    "parts side by side": (
        lambda x: ft.grad(lambda x: np.sum(x[:, :1] ** 4) + np.sum(np.exp(x[:, 1:])))(x),
        {"slice": 2, "square": 1, "multiply": 2, "exp": 1, "concatenate": 1}),
    "a part of these twice": (
        lambda x: ft.grad(
            lambda x: np.sum(np.sin(x[:1])) + np.sum(np.exp(x[1:])) + np.sum(np.tan(x[1:])))(x),
        {"slice": 2, "cos": 1, "exp": 1, "tan": 1, "square": 1, "add": 2, "concatenate": 1}),
    "a slice of a part": (
        lambda x: np.concatenate([x, np.exp(x)])[1:3] + np.concatenate([np.sin(x), x])[4:2:-1]
        + np.concatenate([np.sin(x), x])[2:4],
        {"concatenate": 1, "slice": 3, "add": 2, "sin": 1}),
    "a sum of a multiple": (lambda x: np.sum(-(x * 3)), {"sum": 1, "multiply": 1}),
    "a sum of a negative": (lambda x: np.sum(-np.exp(x)), {"sum": 1, "exp": 1, "negative": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_moves_and_sums_are_joined(name: str) -> None:
    function, expected = SHAPES[name]
    program = optimize(ft.trace(function)(M))
    counts = ops(program)
    del counts["reshape"]
    assert counts == Counter(expected)
    assert_close(ft.evaluate(program, M), function(M), 1e-15)


def test_every_rule_is_shown_by_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    fired = set()

    def watched(rule: Any) -> Any:
        def apply(match: Any) -> Any:
            value = rule(match)
            if value is not None:
                fired.add(rule.__name__)
            return value

        return apply

    names = {rule.__name__ for rules in RULES.values() for rule, _ in rules}
    for primitive, rules in list(RULES.items()):
        monkeypatch.setitem(RULES, primitive, [(watched(rule), when) for rule, when in rules])
    monkeypatch.setattr("functrace.passes.simplify._CHOSEN", {})
    for function, _ in ALGEBRA.values():
        kept(function, X)
    for function, _ in SHAPES.values():
        optimize(ft.trace(function)(M))
    assert fired == names


def test_conditions_only_leave_out_rules_that_would_find_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = [(f, X) for f, _ in ALGEBRA.values()] + [(f, M) for f, _ in SHAPES.values()]

    def texts() -> list[str]:
        found = []
        for function, x in cases:
            for transformed, operand in (
                (function, x), (_gradient(function), x), (ft.vmap(function), np.stack([x, x])),
            ):  # fmt: skip
                with contextlib.suppress(FunctraceError):
                    found.append(str(optimize(ft.trace(transformed)(operand))))
        return found

    with_conditions = texts()
    monkeypatch.setattr("functrace.passes.simplify._CHOSEN", {})
    monkeypatch.setattr(Condition, "holds", lambda self, _, twice: twice or not self.twice)
    assert len(with_conditions) > 2 * len(cases)
    assert texts() == with_conditions


def _gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    return ft.grad(lambda x: np.sum(np.sin(function(x))))


def test_simplification_is_linear_in_the_length_of_a_chain() -> None:
    def chain(x: Any) -> Any:
        for _ in range(500):
            x = -(-x * 2.0)
        return x

    program = kept(chain, X)
    assert len(program.equations) == 1 or len(program.equations) < 600


# Shared subexpressions


def shared(function: Callable[..., Any], *operands: Any) -> Counter[str]:
    program = common_subexpressions(ft.trace(function)(*operands))
    for value, expected in zip(ft.evaluate(program, *operands), function(*operands), strict=True):
        assert_close(value, expected, 1e-15)
    return ops(program)


def test_equal_literals_are_one_by_their_bits_when_small() -> None:
    assert shared(lambda x: (x * np.eye(3), x * np.eye(3)), X)["multiply"] == 1
    assert shared(lambda x: (x + np.full(3, 0.0), x + np.full(3, -0.0)), X)["add"] == 2


def test_large_literals_are_one_where_their_array_is() -> None:
    large, other = np.ones((4096, 3)), np.ones((4096, 3))
    (x,) = ft.trace(np.sin)(X).inputs

    def products(*arrays: np.ndarray) -> Program:
        outputs = [Var(ArrayType(a.shape, a.dtype)) for a in arrays]
        return Program(
            [x],
            [Equation(PRIMITIVES["multiply"], (x, Literal(a)), {}, (y,))
             for a, y in zip(arrays, outputs, strict=True)],
            outputs,
        )  # fmt: skip

    assert ops(common_subexpressions(products(large, large)))["multiply"] == 1
    assert ops(common_subexpressions(products(large, other)))["multiply"] == 2
    assert ops(common_subexpressions(products(large, large[::-1])))["multiply"] == 2


def test_operands_of_sums_and_products_may_be_exchanged() -> None:
    assert shared(lambda x: (x * np.sin(x), np.sin(x) * x), X)["multiply"] == 1
    assert shared(lambda x: (x - np.sin(x), np.sin(x) - x), X)["subtract"] == 2
    assert shared(lambda x: (x + x, x + np.sin(x)), X)["add"] == 2


# Contractions

rng = np.random.default_rng(0)
A, B, C = rng.normal(size=(40, 50)), rng.normal(size=(50, 60)), rng.normal(size=(60, 40))
V = rng.normal(size=60)


def both_ways(function: Callable[..., Any], *operands: Any) -> Program:
    program = optimize(ft.trace(function)(*operands))
    assert_close(ft.jit(function)(*operands), function(*operands), 1e-11)
    return program


def largest(program: Program) -> int:
    return max(var.type.size for e in program.equations for var in e.outputs)


def fast(program: Program) -> Program:
    """What the one guarded equation of a Program runs where numbers are in range."""
    (guarded,) = [e for e in program.equations if e.primitive is GUARDED]
    return guarded.params["fast"]


def test_a_product_of_matrices_with_a_vector_is_two_products_with_vectors() -> None:
    assert largest(fast(both_ways(lambda A, B, V: (A @ B) @ V, A, B, V))) == 50
    assert largest(fast(both_ways(lambda A, B, V: (B.T @ A.T).T @ V, A, B, V))) == 50


def test_the_trace_of_a_product_forms_no_large_product() -> None:
    assert largest(both_ways(lambda A, B, C: np.trace(A @ B @ C), A, B, C)) <= 40 * 60


def test_sums_of_products_are_contractions() -> None:
    program = both_ways(lambda A: np.sum((-A) ** 2, axis=1) + np.sum(-A * A, axis=1), A)
    assert ops(program)["square"] == 0
    assert largest(program) == 40


def test_a_value_that_others_use_is_not_taken_in() -> None:
    program = both_ways(lambda A, B, V: ((A @ B) @ V, A @ B), A, B, V)
    assert largest(program) == 40 * 60


def test_a_traced_number_multiplies_what_comes_out() -> None:
    program = fast(both_ways(lambda s, X: np.sum(s * X), 2.5, rng.normal(size=(200, 200))))
    assert [e.outputs[0].type.shape for e in program.equations] == [(), ()]


def test_what_is_small_stays_as_it_is() -> None:
    program = ft.trace(lambda x, y: np.sum(x * y) + np.sum(x @ x * y))(X, X)
    assert ops(einsum_fusion(program))["einsum"] >= ops(program)["einsum"]


def test_norms_of_gradients_of_examples_form_no_gradient() -> None:
    W, b, w = rng.normal(size=(32, 20)), rng.normal(size=32), rng.normal(size=32)
    inputs, targets = rng.normal(size=(50, 20)), rng.normal(size=50)

    def loss(params: Any, x: Any, y: Any) -> Any:
        W, b, w = params
        return (w @ np.tanh(W @ x + b) - y) ** 2

    def norms(params: Any, X: Any, Y: Any) -> Any:
        def one(x: Any, y: Any) -> Any:
            gradient = ft.grad(loss)(params, x, y)
            return sum(np.sum(g**2) for g in gradient)

        return ft.vmap(one)(X, Y)

    program = optimize(ft.trace(norms)((W, b, w), inputs, targets))
    assert largest(program) <= 50 * 32  # and not 50 * 32 * 20
    expected = []
    for x, y in zip(inputs, targets, strict=True):
        gradient = ft.grad(loss)((W, b, w), x, y)
        expected.append(sum(np.sum(g**2) for g in gradient))
    assert_close(ft.jit(norms)((W, b, w), inputs, targets), np.array(expected), 1e-11)


def test_broadcasts_and_repeated_indices_keep_their_meaning() -> None:
    both_ways(lambda A, V: np.sum(A[:, :, None] * V, axis=(0, 2)), A, V)
    both_ways(lambda A: np.sum(np.broadcast_to(A[:1], (7, 50)) * A[:7]), A)
    both_ways(lambda A: np.einsum("ii,ij->j", (A @ A.T), A), A)
    both_ways(lambda A: np.sum(np.broadcast_to(A[:, :1], (40, 3)) @ np.ones((3, 2)), axis=0), A)
    both_ways(lambda A: np.sum(np.broadcast_to(A.sum(), (4, 5)) ** 2, axis=1), A)
    both_ways(lambda A: np.sum((A[:0] * 2) ** 2, axis=0), A)
    both_ways(lambda A: np.sum((A * 1j) * A, axis=0), A)
    narrow = A.astype(np.float32)
    optimized = ft.jit(lambda A: np.sum(A**2, axis=0))(narrow)
    assert optimized.dtype == np.float32
    assert_close(optimized, np.sum(narrow**2, axis=0), 1e-5)


def test_the_cost_of_a_chain_counts_its_order() -> None:
    chain = einsum_cost("ij,jk,k->i", ((40, 50), (50, 60), (60,)))
    assert chain < einsum_cost("ij,jk->ik", ((40, 50), (50, 60)))


# Explanations


def test_what_optimising_did_is_told() -> None:
    f = ft.jit(lambda A, B, V: np.sum(-(-((A @ B) @ V)) * 1.0 ** np.ones(40)))
    told = f.explain(A, B, V)
    assert told.work_before.flops > 40 * 50 * 60 * 2 > 10 * told.work_after.flops
    assert told.work_after.peak < told.work_before.peak
    assert told.work_after.equations < told.work_before.equations
    assert told.rules["negative_of_negative"] == 1
    assert next(name for name, _ in told.passes) == "simplify"
    text = str(told)
    for word in ("flops", "bytes", "peak", "rule negative_of_negative: 1", "einsum_fusion left"):
        assert word in text


def test_rules_that_are_applied_after_other_passes_are_told_too() -> None:
    told = ft.jit(lambda x, y: (-x) @ -(y * 2.0)).explain(np.ones(40), np.ones(40))
    assert [name for name, _ in told.passes] == ["simplify", "dead_code", "signs", "simplify"]
    assert told.rules == {"negative_of_negative": 1, "multiply_by_number": 1, "fold": 1}


def _twice_negative(x: Any) -> Any:
    return np.sum(-(-np.sin(x)) * 1.0)


def _custom_jvp(function: Any) -> Any:
    ruled = ft.custom_jvp(function)
    ruled.defjvp(lambda primals, tangents: (function(*primals), 2.0 * tangents[0].sum()))
    return ruled


def _custom_vjp(function: Any) -> Any:
    ruled = ft.custom_vjp(function)
    ruled.defvjp(lambda x: (function(x), None), lambda _, ct: (ct * np.ones(len(V)),))
    return ruled


@pytest.mark.parametrize("ruled", [_custom_jvp, _custom_vjp, ft.checkpoint])
def test_rules_in_functions_with_rules_are_told(ruled: Any) -> None:
    plain = ft.jit(_twice_negative).explain(V)
    told = ft.jit(ruled(_twice_negative)).explain(V)
    assert plain.rules == told.rules == {"negative_of_negative": 1, "multiply_by_number": 1}
    assert told.after == plain.after
    assert "inline" in [name for name, _ in told.passes]


def test_rules_in_bodies_and_branches_are_told() -> None:
    step = lambda carry, x: (carry + _twice_negative(x), -(-carry))

    def function(x: Any) -> Any:
        total, ys = ft.scan(step, 0.0, np.stack([x, x]))
        outer = ft.scan(lambda c, _: (ft.scan(step, c, np.stack([x, x]))[0], None), total, length=3)
        return ft.cond(total > 0, _twice_negative, np.sum, x) + np.sum(ys) + outer[0]

    told = ft.jit(function).explain(V)
    names = {name.partition(" in ")[2] for name, _ in told.passes if name.startswith("simplify")}
    assert {"scan.body", "scan.body/scan.body"} <= names
    assert any(name.startswith("cond.branches[") for name in names)
    assert told.rules["multiply_by_number"] == 3
    assert "simplify in scan.body/scan.body left" in str(told)


def test_the_program_that_runs_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where loops that Python unrolled become loops again."""
    planned = []
    make_plan = _execute.make_plan
    monkeypatch.setattr(_execute, "make_plan", lambda p: planned.append(p) or make_plan(p))

    def walk(x: Any) -> Any:
        for _ in range(1000):
            x = np.sin(x) * 0.5 + x * 0.25
        return np.sum(x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ft.errors.UnrolledLoopWarning)
        for function in (_twice_negative, walk):
            compiled = ft.jit(function)
            told = compiled.explain(V)
            compiled(V)
            assert planned[-1] == told.after
    assert told.passes[0] == ("rolled", 2)


def test_no_pass_is_applied_to_what_it_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(program: ft.Program) -> ft.Program:
        calls.append(program)
        return dead_code(program)

    monkeypatch.setattr(pipeline, "CLEANUP", (counted,))
    program = pipeline.clean(ft.trace(_twice_negative)(V))
    assert pipeline.clean(program) is program
    assert len(calls) == 1


def test_flops_of_a_product_of_matrices_count_two_for_each_term() -> None:
    (equation,) = ft.trace(lambda A, B: A @ B)(A, B).equations
    assert flops(equation) == 2 * 40 * 50 * 60
    assert bytes_moved(equation) == 8 * (40 * 50 + 50 * 60 + 40 * 60)
