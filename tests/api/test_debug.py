"""Printing and calling back from Programs, the search for NaN, plain Python, named scopes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ArgumentError, ConcretizationError, NonFiniteError, OptionError
from functrace.ir import ACTS

X = np.array([1.0, 2.0])


def wave(x: Any) -> Any:
    y = np.sin(x)
    ft.debug.print("sin({}) = {y:.2f}", x, y=y)
    return y


def tell(*values: Any) -> Any:
    """A function that prints what it is given after a number, and returns the number."""
    ft.debug.print(" ".join(["{}"] * len(values)), *values)
    return values[0]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    """What a call prints, in lines."""

    def lines(call: Any) -> list[str]:
        capsys.readouterr()
        call()
        return capsys.readouterr().out.splitlines()

    return lines


ONE = "sin(1.0) = 0.84"


# Printing


def test_it_prints_once_in_plain_code_and_in_each_call_under_jit(printed: Any) -> None:
    assert printed(lambda: wave(1.0)) == [ONE]
    f = ft.jit(wave)
    for _ in range(12):  # so often that the plan is made code
        assert printed(lambda: f(1.0)) == [ONE]
    assert printed(lambda: f(2.0)) == ["sin(2.0) = 0.91"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: ft.grad(wave)(1.0),
        lambda: ft.jit(ft.grad(wave))(1.0),
        lambda: ft.value_and_grad(wave)(1.0),
        lambda: ft.vjp(wave, 1.0)[1](1.0),
        lambda: ft.jvp(wave, (1.0,), (2.0,)),
        lambda: ft.linearize(wave, 1.0)[1](1.0),
        lambda: ft.grad(ft.grad(wave))(1.0),
        lambda: ft.hessian(wave)(1.0),
        lambda: ft.jacrev(ft.jacfwd(wave))(1.0),
        lambda: ft.grad(ft.checkpoint(wave))(1.0),
        lambda: ft.jit(ft.grad(ft.checkpoint(wave)))(1.0),
        lambda: ft.elementwise_grad(lambda x: wave(x) + x * 0)(1.0),
    ],
)
def test_a_derivative_prints_once_in_the_forward_pass(printed: Any, call: Any) -> None:
    assert printed(call) == [ONE]


def test_a_pullback_and_a_transpose_print_nothing(printed: Any) -> None:
    pull = ft.vjp(wave, 1.0)[1]
    assert printed(lambda: pull(1.0)) == []
    back = ft.linear_transpose(lambda x: tell(x) * 2.0, 1.0)
    assert printed(lambda: back(3.0)) == []
    assert back(3.0) == (6.0,)


def test_each_example_has_a_line_and_what_they_share_one(printed: Any) -> None:
    f = lambda x, w: (tell(x), tell(w), ft.debug.print("end"))[0]
    lines = printed(lambda: ft.vmap(f, in_axes=(0, None))(X, 7.0))
    assert lines == ["1.0", "2.0", "7.0", "end"]
    nested = ft.vmap(ft.vmap(lambda x, y: tell(x, y), in_axes=(0, None)))
    assert printed(lambda: nested(np.arange(4.0).reshape(2, 2), X)) == [
        "0.0 1.0", "1.0 1.0", "2.0 2.0", "3.0 2.0",
    ]  # fmt: skip
    chunked = ft.vmap(lambda x: tell(x) * 2, chunk_size=2)
    assert printed(lambda: chunked(np.arange(3.0))) == ["0.0", "1.0", "2.0"]


def test_order_is_that_of_the_code_and_equal_lines_stay_apart(printed: Any) -> None:
    def f(x: Any) -> Any:
        ft.debug.print("start")
        y = np.sum(x @ x) * 2
        ft.debug.print("{}", y)
        ft.debug.print("start")
        ft.debug.print("{}", x[0])
        ft.debug.print("{}", y)
        return y

    expected = ["start", "10.0", "start", "1.0", "10.0"]
    for call in (f, ft.jit(f), ft.grad(f), ft.jit(ft.grad(f))):
        assert printed(lambda call=call: call(X)) == expected


def test_what_is_printed_alone_is_computed(printed: Any) -> None:
    f = ft.jit(lambda x: (ft.debug.print("{}", np.exp(x) * 0), x)[1])
    assert printed(lambda: f(3.0)) == ["0.0"]
    assert len(ft.trace(f)(1.0).equations) == 3
    assert printed(lambda: ft.jit(lambda: ft.debug.print("nothing else"))()) == ["nothing else"]


def test_results_do_not_depend_on_it() -> None:
    silent = lambda x: np.sum(np.sin(x) ** 2)
    loud = lambda x: np.sum(wave(x[0]) * 0 + np.sin(x) ** 2)
    for transform in (ft.jit, ft.grad, ft.hessian):
        np.testing.assert_allclose(transform(loud)(X), transform(silent)(X))


# In loops and choices


def steps(x: Any) -> Any:
    def step(c: Any, a: Any) -> Any:
        ft.debug.print("{} {}", c, a)
        ft.debug.print("step")
        return c * a, None

    return ft.scan(step, x, np.array([2.0, 3.0]))[0]


STEPS = ["1.0 2.0", "step", "2.0 3.0", "step"]


@pytest.mark.parametrize("transform", [lambda f: f, ft.jit, ft.grad, lambda f: ft.grad(ft.grad(f))])
def test_a_scan_prints_at_each_step(printed: Any, transform: Any) -> None:
    assert printed(lambda: transform(steps)(1.0)) == STEPS


def test_a_loop_that_nobody_needs_still_prints(printed: Any) -> None:
    f = ft.jit(lambda x: (steps(1.0), steps(x), x)[2])
    for _ in range(2):
        assert printed(lambda: f(1.0)) == STEPS * 2
    alone = lambda xs: ft.scan(lambda c, x: (c, ft.debug.print("{}", x)), None, xs)
    assert printed(lambda: ft.jit(alone)(X)) == ["1.0", "2.0"]


def test_a_while_loop_prints_in_test_and_body(printed: Any) -> None:
    def f(x: Any) -> Any:
        return ft.while_loop(lambda c: (tell(c, "?"), c < 3)[1], lambda c: tell(c) * 2, x)

    expected = ["1.0 ?", "1.0", "2.0 ?", "2.0", "4.0 ?"]
    for call in (f, ft.jit(f), ft.grad(f)):
        assert printed(lambda call=call: call(1.0)) == expected


def test_a_choice_prints_in_its_branch(printed: Any) -> None:
    def f(x: Any) -> Any:
        ft.cond(x > 0, lambda x: ft.debug.print("+ {}", x), lambda x: ft.debug.print("- {}", x), x)
        return ft.switch(1, [tell, lambda x: tell(-x)], x)

    for call in (f, ft.jit(f), ft.grad(f)):
        assert printed(lambda call=call: call(2.0)) == ["+ 2.0", "-2.0"]
        assert printed(lambda call=call: call(-2.0)) == ["- -2.0", "2.0"]
    mapped = printed(lambda: ft.vmap(lambda x: ft.cond(x > 1, tell, lambda x: x, x))(X))
    assert sorted(mapped) == ["1.0", "2.0"]  # all branches run where examples choose differently


def test_under_checkpoint_what_is_computed_again_is_not_printed_again(printed: Any) -> None:
    f = ft.checkpoint(lambda x: np.sin(steps(x)) * wave(x))
    assert printed(lambda: ft.grad(f)(1.0)) == [*STEPS, ONE]
    assert printed(lambda: ft.jit(ft.grad(lambda x: f(x) * f(x)))(1.0)) == [*STEPS, ONE] * 2


def test_a_look_at_a_value_during_the_trace_prints_nothing_more(printed: Any) -> None:
    f = lambda x: steps(x) if steps(x) > 0 else -x
    assert printed(lambda: ft.grad(f)(1.0)) == STEPS * 2


def test_rules_of_the_user_print_primals(printed: Any) -> None:
    @ft.custom_jvp
    def f(x: Any) -> Any:
        return np.sin(x)

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        ft.debug.print("at {}", primals[0])
        ft.debug.print("along {}", tangents[0])
        return np.sin(primals[0]), np.cos(primals[0]) * tangents[0]

    assert printed(lambda: ft.jvp(f, (1.0,), (2.0,))) == ["at 1.0", "along 2.0"]
    assert printed(lambda: ft.grad(f)(1.0)) == ["at 1.0"]  # in reverse no tangent has a value
    np.testing.assert_allclose(ft.grad(f)(1.0), np.cos(1.0))


def test_an_error_of_numpy_is_named_without_printing_again(printed: Any) -> None:
    f = ft.jit(lambda A: (tell(1.0), np.linalg.inv(A))[1])

    def call() -> None:
        with pytest.raises(np.linalg.LinAlgError):
            f(np.zeros((2, 2)))

    assert printed(call) == ["1.0"]


# Formats


@pytest.mark.parametrize(
    ("fmt", "args", "kwargs"),
    [
        ("{}", (), {}), ("{x}", (), {}), ("{}", (1, 2), {}), ("1.0", (1.0,), {}),
        ("{x}", (), {"x": 1, "y": 2}), ("{", (1,), {}), ("{0} {}", (1, 2), {}),
    ],
)  # fmt: skip
def test_a_format_that_does_not_fit_is_an_error_at_once(fmt: str, args: Any, kwargs: Any) -> None:
    with pytest.raises(OptionError, match=r"debug\.print"):
        ft.jit(lambda x: ft.debug.print(fmt, *args, **kwargs))(1.0)


def test_formats_show_parts_trees_and_texts(printed: Any) -> None:
    def f(p: Any) -> None:
        ft.debug.print("{0[a][1]:.1f} {p} {name}!", p, p=p["a"].shape, name="w")
        ft.debug.print("{}", {"b": [p["a"], None]})

    p = {"a": np.array([1.0, 2.5])}
    expected = ["2.5 (2,) w!", str({"b": [p["a"], None]})]
    assert printed(lambda: f(p)) == expected
    assert printed(lambda: ft.jit(f)(p)) == expected


def test_braces_are_printed_as_in_any_format(printed: Any) -> None:
    assert printed(lambda: ft.jit(lambda x: ft.debug.print("{{{}}}", x))(1)) == ["{1}"]


# Callbacks


def test_a_callback_gets_arrays_of_its_own() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        y = x * 2
        ft.debug.callback(seen.append, y)
        return np.sum((y + 1) * 3)

    jitted = ft.jit(f)
    for k in range(12):
        jitted(X + k)
    for k, kept in enumerate(seen):
        np.testing.assert_array_equal(kept, 2 * (X + k))
    seen[0][...] = 0
    assert jitted(X) == f(X)


def test_an_array_that_a_callback_writes_to_is_that_of_the_call() -> None:
    def run(x: float) -> Any:
        log = np.zeros(1)
        ft.grad(lambda x: (ft.debug.callback(lambda v: log.__setitem__(0, v), x), x * x)[1])(x)
        return log[0]

    assert [run(1.0), run(2.0), run(3.0)] == [1.0, 2.0, 3.0]


def test_equal_callbacks_are_found_again() -> None:
    seen: list[Any] = []
    slope = ft.grad(lambda x: (ft.debug.callback(seen.append, x), x * x)[1])
    slope(1.0)
    misses = ft.cache_info().misses
    slope(2.0)
    assert ft.cache_info().misses == misses
    assert seen == [1.0, 2.0]


def test_what_a_callback_raises_is_raised(capfd: Any) -> None:
    def stop(x: Any) -> None:
        raise KeyError(f"{x}")

    with pytest.raises(KeyError, match=r"3\.0"):
        ft.jit(lambda x: (ft.debug.callback(stop, x), x)[1])(3.0)


def test_a_callback_is_a_function() -> None:
    with pytest.raises(ArgumentError):
        ft.debug.callback(3, 4)  # type: ignore


def test_programs_show_and_keep_them(printed: Any) -> None:
    program = ft.trace(lambda x: (ft.debug.print("x {}", x), wave(x))[1])(1.0)
    assert "\n  print('x {}', x)\n" in str(program)
    assert ACTS in program.effects
    program.check()
    copy = pickle.loads(pickle.dumps(program))
    assert copy == program
    assert printed(lambda: ft.evaluate(copy, 1.0)) == ["x 1.0", ONE]
    assert "print" not in str(program.silent())


# NaN


def raised(call: Any, **options: Any) -> str:
    # What raises is not warned about besides; what is not looked for is.
    divide = "warn" if options else "ignore"
    with (
        ft.debug_nans(**options),
        np.errstate(divide=divide),
        pytest.raises(NonFiniteError) as info,
    ):
        call()
    assert isinstance(info.value, FloatingPointError)
    return str(info.value)


def logarithm(x: Any) -> Any:
    y = x - 1.5
    return np.sum(np.log(y))  # here


def test_nan_is_found_where_it_comes_up() -> None:
    text = raised(lambda: ft.jit(logarithm)(X))
    assert "log gave NaN in 1 of 2 elements" in text
    assert "b: f64[2] = log(a)" in text
    assert "a: from -0.5 to 0.5" in text
    assert "np.sum(np.log(y))  # here" in text
    assert "derivative" not in text


def test_a_derivative_names_its_forward_line_and_the_call() -> None:
    def root(x: Any) -> Any:
        return np.sum(np.sqrt(x) * 0)  # forward

    def call() -> Any:
        return ft.grad(root)(X * 0)  # the call

    text = raised(call)
    assert "in the derivative of multiply at" in text or "in the derivative of sqrt at" in text
    assert "np.sqrt(x) * 0)  # forward" in text
    assert text.index("# forward") < text.index("# the call")


def test_a_higher_derivative_says_so() -> None:
    text = raised(lambda: ft.grad(ft.grad(lambda x: np.abs(x) ** 1.5 * x))(0.0))
    assert "in the higher derivative of " in text


@pytest.mark.parametrize("transform", [ft.jit, ft.grad], ids=["jit", "grad"])
def test_the_step_of_a_loop_is_named(transform: Any) -> None:
    def f(x: Any) -> Any:
        return ft.scan(lambda c, a: (np.log(c) * a, None), x, np.ones(5))[0]

    text = raised(lambda: transform(f)(3.0))
    assert "log gave NaN" in text
    assert "in step 3 of the scan at" in text


def test_the_step_of_a_loop_that_runs_backwards() -> None:
    def f(x: Any) -> Any:
        return ft.scan(lambda c, a: (np.log(c) * a, None), x, np.ones(5), reverse=True)[0]

    assert "in step 1 of the scan" in raised(lambda: ft.jit(f)(3.0))
    whole = lambda x: ft.while_loop(lambda c: c > -9, np.log, x)
    assert "in step 3 of the while" in raised(lambda: ft.jit(whole)(3.0))


def test_a_pullback_names_the_step_it_is_at() -> None:
    def f(x: Any) -> Any:  # the slope is infinite at the second step
        return ft.scan(lambda c, a: (np.sqrt(c * a), None), x, np.array([1.0, 0.0, 1.0]))[0]

    text = raised(lambda: ft.grad(f)(1.0))
    assert "in the derivative of " in text
    assert "in step 1 of the scan" in text or "in step 2 of the scan" in text


def test_branches_rules_and_checkpoints_are_looked_into() -> None:
    assert "in the cond at" in raised(
        lambda: ft.jit(lambda x: ft.cond(x > 0, lambda x: x, np.log, x))(-1.0)
    )
    wrapped = ft.custom_jvp(np.log)
    wrapped.defjvp(lambda p, t: (np.log(p[0]), t[0] / p[0]))
    assert "log gave NaN" in raised(lambda: ft.jit(wrapped)(-1.0))
    assert "log gave NaN" in raised(lambda: ft.grad(ft.checkpoint(np.log))(-1.0))


def test_what_was_nan_already_is_said() -> None:
    text = raised(lambda: ft.jit(lambda x: x * 2)(np.array([np.nan, 1.0])))
    assert "x held NaN or infinities already" in text
    assert "x: from 1.0 to 1.0, 1 NaN or infinite" in text


def test_where_the_first_infinity_came_up_is_said() -> None:
    text = raised(lambda: ft.grad(lambda x: np.sqrt(np.sum(x**2)))(X * 0))
    assert "multiply gave NaN" in text
    assert "the first came up as divide in the derivative of sqrt at" in text


def test_infinities_are_found_where_they_are_looked_for() -> None:
    f = ft.jit(lambda x: 1 / x)
    with np.errstate(all="ignore"), ft.debug_nans():
        assert f(0.0) == np.inf
    assert "divide gave infinity" in raised(lambda: f(0.0), infs=True)


def test_outside_of_the_block_nothing_is_looked_for() -> None:
    f = ft.jit(logarithm)
    with np.errstate(all="ignore"):
        for _ in range(12):
            assert np.isnan(f(X))
        raised(lambda: f(X))  # the short way of a call is left as well
        assert np.isnan(f(X))
        with ft.debug_nans(), ft.debug_nans(False):
            assert np.isnan(f(X))
        careful = ft.debug_nans()(f)
        for _ in range(2):
            with pytest.raises(NonFiniteError):
                careful(X)


def test_values_are_those_of_other_runs() -> None:
    f = lambda x: np.sum(ft.scan(lambda c, a: (np.sin(c) * a, c), x, X)[1]) + wave(x)
    with ft.debug_nans(infs=True):
        found = ft.value_and_grad(f)(0.5)
    np.testing.assert_allclose(found, ft.value_and_grad(f)(0.5))


# Without jit


def test_without_jit_functions_are_plain_python() -> None:
    kinds: list[type] = []
    f = ft.jit(lambda x: (kinds.append(type(x)), x if x > 0 else -x)[1])
    with pytest.raises(ConcretizationError):
        f(1.0)
    with ft.disable_jit():
        assert f(-2.0) == 2.0
        with ft.disable_jit(False), pytest.raises(ConcretizationError):
            f(1.0)
        assert ft.grad(f)(-2.0) == -1.0  # other transforms trace
    assert kinds[1] is float
    with pytest.raises(ConcretizationError):
        f(1.0)


def test_a_function_that_took_the_short_way_is_plain_python_too() -> None:
    seen: list[Any] = []
    f = ft.jit(lambda x: (seen.append(x), x * 2)[1])
    for _ in range(12):
        f(X)
    count = len(seen)
    with ft.disable_jit():
        f(X)
    assert len(seen) == count + 1
    assert seen[-1] is X


# Names


def test_scopes_name_what_is_recorded_in_them() -> None:
    @ft.named_scope("outer")
    def f(x: Any) -> Any:
        y = np.sin(x)
        with ft.named_scope("inner"):
            y = y * x
        return np.cos(y)

    lines = str(ft.trace(lambda x: f(x) + 1)(1.0)).splitlines()[1:]
    assert [line.partition("  # ")[2] for line in lines] == [
        "outer",
        "outer/inner",
        "outer",
        "",
        "",
    ]


def test_scopes_reach_derivatives_loops_and_inner_traces() -> None:
    def f(x: Any) -> Any:
        with ft.named_scope("a"):
            y = ft.scan(lambda c, _: (np.sin(c), None), x, length=2)[0]
            return ft.grad(lambda z: z * np.cos(z))(y)

    text = str(ft.trace(ft.jit(ft.grad(f)))(1.0))
    assert [line for line in text.splitlines() if " = " in line and "# a" not in line] == []
    outside = ft.trace(lambda x: x + 1)
    with ft.named_scope("around"):
        assert "# around" in str(outside(1.0))
    assert "#" not in str(outside(1.0))


def test_a_scope_ends_with_an_error() -> None:
    def f(x: Any) -> Any:
        try:
            with ft.named_scope("a"):
                raise ValueError
        except ValueError:
            return x * 2

    assert "#" not in str(ft.trace(f)(1.0))


def test_errors_and_pickled_programs_have_the_scope() -> None:
    def f(x: Any) -> Any:
        with ft.named_scope("layer"):
            return np.log(x)

    assert "under layer" in raised(lambda: ft.jit(f)(-1.0))
    program = ft.trace(f)(1.0)
    assert "# layer" in str(pickle.loads(pickle.dumps(program)))
    assert program == ft.trace(np.log)(1.0)  # a name is no part of the structure


def test_a_scope_has_a_text_of_one_line() -> None:
    for name in ("", "a\nb", 3):
        with pytest.raises(ArgumentError), ft.named_scope(name):  # type: ignore
            pass
