"""Checkpoints: what is kept for the way back, what is computed again, and that nothing differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ArgumentError, ConcretizationError, OptionError
from functrace.ir import Equation, Program
from functrace.passes.pipeline import clean, optimize
from functrace.transforms.linearize import linearize

from ..helpers import assert_close

RANDOM = np.random.default_rng(4)
W, X = RANDOM.normal(size=(3, 3)), RANDOM.normal(size=3)


def layer(W: Any, x: Any) -> Any:
    return np.tanh(W @ np.sin(W @ x))


def equations(program: Program) -> Iterator[Equation]:
    """All equations, those of the Programs that they carry included."""
    for equation in program.equations:
        yield equation
        for _, inner in equation.programs:
            yield from equations(inner)


def count(name: str, fun: Callable[..., Any], *args: Any) -> int:
    """How many equations of a primitive there are in what runs."""
    program = optimize(clean(ft.trace(fun)(*args)))
    return sum(equation.primitive.name == name for equation in equations(program))


def total(fun: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: np.sum(fun(*args) ** 2)


# What is kept


def kept(fun: Callable[..., Any]) -> list[tuple[int, ...]]:
    """The shapes of the residuals that are no inputs."""
    program = ft.trace(fun)(W, X)
    parts = linearize(program, [True, True])
    return sorted(v.type.shape for v in parts.linear.inputs[: parts.residuals]
                  if v not in parts.primal.inputs)  # fmt: skip


def test_a_checkpoint_keeps_its_arguments_alone() -> None:
    assert kept(ft.checkpoint(layer)) == []
    assert kept(ft.checkpoint(layer, policy="nothing")) == []
    assert len(kept(layer)) >= 3


def test_the_policy_everything_keeps_what_the_plain_function_keeps() -> None:
    assert kept(ft.checkpoint(layer, policy="everything")) == kept(layer)


def test_the_policy_dots_keeps_products_of_matrices() -> None:
    assert kept(ft.checkpoint(layer, policy="dots")) == [(3,), (3,)]
    assert count("einsum", ft.grad(total(ft.checkpoint(layer, policy="dots"))), W, X) == 5
    assert count("einsum", ft.grad(total(ft.checkpoint(layer))), W, X) == 7
    assert kept(ft.checkpoint(lambda W, x: np.sin(W * 2), policy="dots")) == []


def test_a_predicate_is_asked_about_equations_of_the_users_lines() -> None:
    asked = []

    def policy(equation: Equation) -> bool:
        source = equation.source
        asked.append((equation.primitive.name, source and source.function))
        return equation.primitive.name == "sin"

    assert kept(ft.checkpoint(layer, policy=policy)) == [(3,)]
    assert ("sin", "layer") in asked


def test_a_value_that_the_policy_keeps_is_not_computed_again() -> None:
    def sines(equation: Equation) -> bool:
        return equation.primitive.name == "sin"

    assert count("sin", ft.grad(total(ft.checkpoint(layer))), W, X) == 2
    assert count("sin", ft.grad(total(ft.checkpoint(layer, policy=sines))), W, X) == 1


# What is computed again


@pytest.mark.parametrize("transform", [ft.grad, lambda f: ft.jit(ft.grad(f))])
def test_what_is_computed_again_is_not_merged_with_the_first_time(transform: Any) -> None:
    assert count("tanh", transform(total(layer)), W, X) == 1
    assert count("tanh", transform(total(ft.checkpoint(layer))), W, X) == 2
    assert count("tanh", transform(total(ft.checkpoint(layer, policy="everything"))), W, X) == 1


def test_a_checkpoint_within_a_checkpoint_computes_a_third_time() -> None:
    inner = ft.checkpoint(layer)
    assert count("tanh", ft.grad(total(inner)), W, X) == 2
    outer = ft.checkpoint(lambda W, x: np.exp(inner(W, x)))
    assert count("tanh", ft.grad(total(outer)), W, X) == 3
    assert_close(
        ft.grad(total(outer))(W, X), ft.grad(total(lambda W, x: np.exp(layer(W, x))))(W, X)
    )


def test_without_reverse_mode_a_checkpoint_leaves_no_trace_in_what_runs() -> None:
    f = ft.checkpoint(layer)
    assert count("checkpoint", f, W, X) == 0
    assert count("checkpoint", lambda W, x: ft.jvp(f, (W, x), (W, x)), W, X) == 0
    assert count("checkpoint", lambda W, x: ft.vmap(f, (None, 0))(W, x), W, np.stack([X, X])) == 0
    assert count("checkpoint", ft.grad(total(f)), W, X) == 1


def test_second_derivatives_compute_again_too() -> None:
    g = ft.grad(total(ft.checkpoint(layer)))
    second = ft.grad(lambda W, x: np.sum(g(W, x) ** 2))
    plain = ft.grad(lambda W, x: np.sum(ft.grad(total(layer))(W, x) ** 2))
    assert count("checkpoint", second, W, X) > 1
    assert_close(second(W, X), plain(W, X))


def test_what_nobody_needs_is_not_computed_again() -> None:
    def two(x: Any) -> Any:
        return np.sin(x), np.exp(np.tanh(x))

    def loss(x: Any) -> Any:
        return np.sum(ft.checkpoint(two)(x)[0])

    assert count("tanh", ft.grad(loss), X) == 0
    assert_close(ft.grad(loss)(X), np.cos(X))


def test_a_program_shows_what_is_computed_again() -> None:
    def loss(W: Any, x: Any) -> Any:
        return np.sum(ft.checkpoint(layer)(W, x) ** 2)

    text = str(ft.trace(ft.grad(loss))(W, X))
    assert "checkpoint(W, x)" in text
    assert "recompute(W, x, " in text
    assert text.count("tanh(") == 2


# How it is called


def test_without_a_trace_the_function_itself_is_called() -> None:
    seen = []
    ft.checkpoint(seen.append)(X)
    assert seen[0] is X


def test_checkpoint_is_a_decorator_with_and_without_options() -> None:
    @ft.remat
    def first(x: Any) -> Any:
        """Its documentation."""
        return np.sin(x)

    @ft.checkpoint(policy="dots")
    def second(x: Any) -> Any:
        return np.sin(x)

    assert first.__doc__ == "Its documentation."
    assert_close(ft.grad(lambda x: np.sum(first(x) + second(x)))(X), 2 * np.cos(X))


def test_what_is_no_array_is_handed_on_as_it_is() -> None:
    def power(x: Any, n: int, mode: str, scale: float = 1.0) -> Any:
        assert isinstance(n, int)
        assert isinstance(scale, float)
        for _ in range(n if mode == "repeat" else 0):
            x = x * scale
        return np.sum(x**n)

    for wrap in (ft.grad, lambda f: ft.jit(ft.grad(f))):
        found = wrap(lambda x: ft.checkpoint(power)(x, 3, "repeat", scale=2.0))(X)
        assert_close(found, ft.grad(lambda x: power(x, 3, "repeat", 2.0))(X))


def test_static_arguments_may_hold_arrays() -> None:
    def scaled(x: Any, options: dict[str, Any]) -> Any:
        assert isinstance(options["scale"], np.ndarray)
        return np.sum(x * options["scale"])

    f = ft.checkpoint(scaled, static_argnums=-1)
    assert_close(ft.grad(lambda x: f(x, {"scale": X}))(X), X)


def test_python_decides_by_values_where_there_are_values() -> None:
    def halves(x: Any) -> Any:
        while np.sum(x**2) > 0.1:
            x = x * 0.5
        return np.sum(np.sin(x))

    assert_close(ft.grad(ft.checkpoint(halves))(X), ft.grad(halves)(X))
    with pytest.raises(ConcretizationError, match="under jit"):
        ft.jit(ft.checkpoint(halves))(X)


def test_python_numbers_stay_python_numbers() -> None:
    f = ft.checkpoint(lambda x, y: (x * 2, y, 3))
    assert ft.jit(f)(2, np.float32(1)) == (4, np.float32(1), 3)
    assert ft.jit(lambda x: ft.checkpoint(lambda x: x * 2.0)(x))(np.float32(1)).dtype == np.float32


def test_functions_made_anew_at_each_call_are_found_again() -> None:
    def loss(x: Any) -> Any:
        f = ft.checkpoint(lambda x: np.sin(x) ** 2, policy=lambda equation: False)
        return np.sum(f(x))

    ft.clear_cache()
    for scale in (1.0, 2.0, 3.0):
        ft.grad(loss)(X * scale)
    assert (ft.cache_info().misses, ft.cache_info().hits) == (1, 2)


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(OptionError, match="everything, nothing, dots"):
        ft.checkpoint(layer, policy="dot")
    with pytest.raises(ArgumentError, match="takes a function"):
        ft.checkpoint(X)  # type: ignore[arg-type] -- that is the point
    with pytest.raises(ArgumentError, match="static_argnums names argument 5"):
        ft.grad(total(ft.checkpoint(layer, static_argnums=5)))(W, X)


# With other transforms and rules


def test_a_batch_of_checkpointed_layers_computes_again() -> None:
    def loss(W: Any, xs: Any) -> Any:
        return np.sum(ft.vmap(ft.checkpoint(layer), (None, 0))(W, xs) ** 2)

    xs = RANDOM.normal(size=(5, 3))
    plain = ft.grad(lambda W, xs: sum(np.sum(layer(W, x) ** 2) for x in xs))
    assert_close(ft.grad(loss)(W, xs), plain(W, xs))
    assert count("tanh", ft.grad(loss), W, xs) == 2


def test_random_numbers_are_the_same_when_they_are_drawn_again() -> None:
    def dropout(key: Any, x: Any) -> Any:
        return np.where(ft.random.bernoulli(key, 0.5, x.shape), x * 2, 0.0)

    def loss(wrap: Callable[..., Any], x: Any) -> Any:
        return np.sum(np.exp(wrap(dropout)(ft.random.key(7), np.sin(x))))

    xs = RANDOM.normal(size=20)
    found = ft.grad(lambda x: loss(ft.checkpoint, x))(xs)
    assert_close(found, ft.grad(lambda x: loss(lambda f: f, x))(xs))
    assert 0 < np.sum(found == 0) < 20


def test_rules_of_the_user_hold_inside_a_checkpoint() -> None:
    @ft.custom_jvp
    def first(x: Any) -> Any:
        return np.sin(x)

    first.defjvp(lambda primals, tangents: (first(primals[0]), 10 * tangents[0]))

    @ft.custom_vjp
    def second(x: Any) -> Any:
        return np.sin(x)

    second.defvjp(lambda x: (np.sin(x), None), lambda residual, ct: (100 * ct,))
    f = ft.checkpoint(lambda x: np.sum(first(x) + second(x)))
    for transform in (ft.grad, lambda f: ft.jit(ft.grad(f))):
        assert_close(transform(f)(X), np.full(3, 110.0))


def test_the_pullback_of_a_checkpoint_can_be_called_many_times() -> None:
    value, pull = ft.vjp(ft.checkpoint(layer), W, X)
    _, plain = ft.vjp(layer, W, X)
    assert_close(value, layer(W, X))
    for ct in np.eye(3):
        assert_close(pull(ct), plain(ct))


def test_a_linear_checkpoint_can_be_transposed() -> None:
    f = ft.checkpoint(lambda x: W @ (2 * x))
    assert_close(ft.linear_transpose(f, X)(X), (2 * W.T @ X,))


# Scans in blocks


def step(W: Any) -> Callable[..., Any]:
    def run(carry: Any, x: Any) -> Any:
        c, n = carry
        new = np.tanh(W @ c + x)
        return (new, n + 1), (np.sum(new * x), n)

    return run


def scanned(W: Any, c: Any, xs: Any, **options: Any) -> Any:
    (last, n), (ys, numbers) = ft.scan(step(W), (c, 0), xs, **options)
    return last, n, ys, numbers


def looped(W: Any, c: Any, xs: Any, reverse: bool) -> Any:
    carry, ys = (c, 0), {}
    numbers = range(len(xs))
    for i in reversed(numbers) if reverse else numbers:
        carry, ys[i] = step(W)(carry, xs[i])
    return np.sum(carry[0] ** 2) + sum(np.sin(ys[i][0]) * i for i in numbers)


def loss_of_scan(W: Any, c: Any, xs: Any, **options: Any) -> Any:
    last, _, ys, _ = scanned(W, c, xs, **options)
    return np.sum(last**2) + np.sum(np.sin(ys) * np.arange(len(xs)))


XS = RANDOM.normal(size=(7, 3))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("every", [1, 2, 3, 6, 7, 9])
def test_a_scan_in_blocks_gives_the_same(every: int, reverse: bool) -> None:
    options = {"reverse": reverse, "checkpoint_every": every}
    found, plain = scanned(W, X, XS, **options), scanned(W, X, XS, reverse=reverse)
    assert_close(found, plain)
    assert type(found[1]) is int
    gradient = ft.grad(loss_of_scan, (0, 1, 2))
    assert_close(gradient(W, X, XS, **options), ft.grad(looped, (0, 1, 2))(W, X, XS, reverse))


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_short_scan_in_blocks_gives_the_same(length: int) -> None:
    xs = XS[:length]
    found = ft.grad(loss_of_scan, (0, 1, 2))(W, X, xs, checkpoint_every=2)
    assert_close(found, ft.grad(loss_of_scan, (0, 1, 2))(W, X, xs))


def test_a_scan_in_blocks_nests_in_transforms() -> None:
    f = lambda c: loss_of_scan(W, c, XS, checkpoint_every=3)
    plain = lambda c: loss_of_scan(W, c, XS)
    batch = np.stack([X, -X])
    assert_close(ft.hessian(f)(X), ft.hessian(plain)(X), 1e-10)
    assert_close(ft.vmap(ft.grad(f))(batch), ft.vmap(ft.grad(plain))(batch))
    assert_close(ft.jvp(ft.grad(f), (X,), (X,)), ft.jvp(ft.grad(plain), (X,), (X,)), 1e-10)
    assert_close(ft.jit(ft.grad(f))(X), ft.grad(plain)(X))


def stacked(fun: Callable[..., Any], *args: Any) -> int:
    """The numbers that the scans of a Program stack, without those inside of other Programs."""
    program = optimize(clean(ft.trace(fun)(*args)))
    return sum(
        var.type.size
        for e in program.equations
        if e.primitive.name == "scan"
        for var in e.outputs[e.params["carry"] :]
    )


def test_a_scan_in_blocks_keeps_one_carry_a_block() -> None:
    def loss(c: Any, **options: Any) -> Any:
        last, _ = ft.scan(lambda c, _: (np.sin(c) * np.exp(c), None), c, length=100, **options)
        return np.sum(last)

    assert stacked(ft.grad(lambda c: loss(c)), X) >= 100 * 3
    assert stacked(ft.grad(lambda c: loss(c, checkpoint_every=1)), X) == 100 * 3
    assert stacked(ft.grad(lambda c: loss(c, checkpoint_every=10)), X) == 10 * 3
    assert stacked(ft.grad(lambda c: loss(c, checkpoint_every=30)), X) == 3 * 3


def test_a_scan_of_a_checkpoint_keeps_the_carries() -> None:
    body = ft.checkpoint(lambda c, _: (np.sin(c) * np.exp(c), None))
    found = stacked(ft.grad(lambda c: np.sum(ft.scan(body, c, length=100)[0])), X)
    assert found == 100 * 3


def test_the_number_of_steps_does_not_change_the_program() -> None:
    def number(length: int) -> int:
        loss = lambda c: np.sum(
            ft.scan(lambda c, _: (np.sin(c), None), c, length=length, checkpoint_every=10)[0]
        )
        return sum(1 for _ in equations(ft.trace(ft.grad(loss))(X)))

    assert number(100) == number(10_000)


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "10"])
def test_blocks_have_a_number_of_steps(every: Any) -> None:
    with pytest.raises(ArgumentError, match="checkpoint_every"):
        ft.scan(step(W), (X, 0), XS, checkpoint_every=every)
