"""Programs of 20,000 equations: no recursion anywhere, and work in proportion to the length."""

import pickle
import sys

import numpy as np
import pytest

import functrace as ft

from ..numerical import assert_close

# They are long on purpose; test_unrolled.py is about the warning.
pytestmark = pytest.mark.filterwarnings("ignore::functrace.errors.UnrolledLoopWarning")

LENGTH = 20_000
X = np.array([0.3, -0.2])
FACTOR = 1 - 1e-4


def chain(equations):
    """A function of about as many equations, in a Python loop."""

    def f(x):
        for _ in range(equations // 2):
            x = x * FACTOR + 0.0001
        return np.sum(x)

    return f


def fan(equations):
    """One value used by every equation, and all results used at the end."""

    def f(x):
        return np.sum(np.stack([x * float(i) for i in range(equations // 2)]))

    return f


F = chain(LENGTH)
SLOPE = np.full(2, FACTOR ** (LENGTH // 2))


@pytest.fixture(scope="module")
def program():
    return ft.trace(F)(X)


def test_a_long_loop_traces_to_that_many_equations(program):
    assert len(program.equations) == LENGTH + 1
    program.check()


def test_a_long_program_is_differentiated_in_both_modes():
    assert_close(ft.grad(F)(X), SLOPE)
    assert_close(ft.jvp(F, (X,), (np.ones(2),))[1], SLOPE.sum())


def test_a_long_program_runs_mapped():
    assert_close(ft.vmap(F)(np.stack([X, 2 * X])), [F(X), F(2 * X)])


def test_a_long_program_runs_jitted():
    f = ft.jit(F)
    for _ in range(2):
        assert_close(f(X), F(X))


def test_a_long_program_that_is_just_short_enough_is_compiled():
    f = ft.jit(chain(2900))
    for _ in range(2):
        assert_close(f(X), chain(2900)(X))


def test_a_long_gradient_is_differentiated_again():
    square = lambda x: chain(2000)(x) ** 2
    assert_close(ft.hvp(square, (X,), (np.ones(2),)), np.full(2, 4 * FACTOR**2000))


def test_a_long_program_prints_a_line_an_equation(program):
    lines = str(program).splitlines()
    assert len(lines) == LENGTH + 3
    assert lines[-1].startswith("  return ")


def test_a_long_program_is_pickled_and_compared(program):
    copy = pickle.loads(pickle.dumps(program))
    assert copy == program
    assert hash(copy) == hash(program)
    assert copy != ft.trace(chain(LENGTH - 2))(X)
    assert_close(ft.evaluate(copy, X), F(X))


def test_a_wide_program_is_differentiated_and_mapped():
    f = fan(LENGTH)
    count = LENGTH // 2
    assert_close(ft.grad(f)(X), np.full(2, count * (count - 1) / 2))


def calls_in(function):
    """The number of Python function calls that a call makes."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def uncached(function):
    def run():
        ft.clear_cache()
        function()

    return run


WORK = {
    "trace": lambda f: ft.trace(f)(X),
    "grad": lambda f: ft.grad(f)(X),
    "jvp": lambda f: ft.jvp(f, (X,), (X,)),
    "vjp": lambda f: ft.vjp(f, X)[1](1.0),
    "vmap": lambda f: ft.vmap(f)(np.stack([X, X])),
    "jit": lambda f: ft.jit(f)(X),
    "jit of grad": lambda f: ft.jit(ft.grad(f))(X),
    "print": lambda f: str(ft.trace(f)(X)),
    "compare": lambda f: ft.trace(f)(X) == ft.trace(f)(X),
    "check": lambda f: ft.trace(f)(X).check(),
    "pickle": lambda f: pickle.loads(pickle.dumps(ft.trace(f)(X))),
    "values on demand": lambda f: ft.grad(lambda x: f(x) if f(x) > -1e9 else x[0])(X),
}


@pytest.mark.parametrize("shape", [chain, fan])
@pytest.mark.parametrize("work", WORK)
def test_the_number_of_calls_grows_in_proportion_to_the_length(work, shape, monkeypatch):
    monkeypatch.setattr("functrace.memo.structural.rolled", lambda program, *_, **__: program)
    short, long = (calls_in(uncached(lambda n=n: WORK[work](shape(n)))) for n in (400, 1600))
    assert 3.2 * short < long < 4.4 * short


@pytest.mark.parametrize("shape", [chain, fan])
@pytest.mark.parametrize("work", WORK)
def test_blocks_that_repeat_take_no_more_calls(work, shape):
    """As a loop, or one by one where they are few, or no loop."""
    short, long = (calls_in(uncached(lambda n=n: WORK[work](shape(n)))) for n in (400, 1600))
    assert long < 4.4 * short


def equations_of(transform, length):
    function = chain(length)  # linear: its gradient alone needs none of it
    return len(ft.trace(transform(lambda x: function(x) ** 2))(X).equations)


@pytest.mark.parametrize("transform", [ft.grad, ft.value_and_grad, ft.jacfwd, ft.jacrev])
def test_the_number_of_equations_of_a_derivative_grows_in_proportion(transform):
    first, second, third = (equations_of(transform, n) for n in (200, 400, 600))
    assert second - first == third - second
    assert 200 <= second - first <= 600  # a few equations for each of the function's
