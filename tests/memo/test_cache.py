"""Finished Programs are found again by structure, and what differs between traces is not lost."""

import numpy as np
import pytest

import functrace as ft

X = np.array([0.5, 1.5])


def first(x):
    return np.sum(np.sin(x) * x)  # first


def second(x):
    return np.sum(np.sin(x) * x)  # second


@pytest.fixture(autouse=True)
def empty_cache():
    ft.clear_cache()


def test_a_function_of_the_same_structure_is_found_again():
    ft.grad(first)(X)
    before = ft.cache_info()
    ft.grad(second)(X)
    after = ft.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


def test_another_dtype_or_constant_is_another_structure():
    for x, factor in ((X, 2.0), (X, 3.0), (X.astype(np.float32), 2.0), (X[:1], 2.0)):
        np.testing.assert_allclose(ft.grad(lambda x, c=factor: np.sum(c * x))(x), factor)
    assert ft.cache_info().misses == 4


def test_values_of_captured_arrays_are_no_part_of_the_structure():
    for scale in (1.0, 2.0, 3.0):
        weights = np.full(2, scale)
        gradient = ft.grad(lambda x, w=weights: np.sum(w * x * x))(X)
        np.testing.assert_allclose(gradient, 2 * scale * X)
    assert ft.cache_info().misses == 1


@pytest.mark.parametrize("transform", [ft.grad, ft.jacrev, lambda f: lambda x: ft.vjp(f, x)[0]])
def test_equations_found_again_show_the_lines_and_the_name_of_the_trace_at_hand(transform):
    transform(first)(X)
    program = ft.trace(transform(second))(X)
    lines = {equation.source.text for equation in program.equations if equation.source}
    assert any("# second" in line for line in lines)
    assert not any("# first" in line for line in lines)


def test_a_run_time_error_shows_the_line_of_the_trace_at_hand():
    def pick(x, i):
        return np.sum(x[i] ** 2)  # pick

    def choose(x, i):
        return np.sum(x[i] ** 2)  # choose

    ft.grad(pick)(X, np.array([0, 1]))
    for f in (pick, choose):
        jitted = ft.jit(ft.grad(f))
        with pytest.raises(IndexError) as caught:
            jitted(X, np.array([0, 7]))
        assert any("gather" in note and "test_cache.py" in note for note in caught.value.__notes__)


def test_the_cache_is_bounded():
    limit = ft.cache_info().limit
    for i in range(limit + 10):
        ft.vmap(lambda x: 2 * x)(np.ones(i + 1))
    assert ft.cache_info().size == limit


def test_numbers_that_vary_make_two_plans_and_no_more():
    for step in range(1, 30):
        rate, power = 0.5**step, step / 7.3

        def loss(x, rate=rate, power=power, step=step):
            return np.sum(rate * x**power + x * 3.0) / step

        expected = (rate * power * X ** (power - 1) + 3.0) / step
        np.testing.assert_allclose(ft.grad(loss)(X), expected, rtol=1e-13)
    assert ft.cache_info().misses <= 3


@pytest.mark.parametrize(
    "run",
    [
        lambda f: ft.grad(lambda x: np.sum(f(x)))(X),
        lambda f: ft.vjp(f, X)[1](X)[0],
        lambda f: ft.jvp(f, (X,), (X,))[1],
        lambda f: ft.linearize(f, X)[1](X),
        lambda f: ft.vmap(f)(X),
        lambda f: ft.hessian(lambda x: np.sum(f(x) ** 2))(X),
        lambda f: ft.elementwise_grad(f)(X),
        lambda f: ft.grad(lambda x: np.sum(ft.vmap(ft.grad(lambda y: f(y) * y))(x)))(X),
    ],
    ids=["grad", "vjp", "jvp", "linearize", "vmap", "hessian", "elementwise_grad", "nested"],
)
def test_every_transform_sees_the_numbers_of_the_call(run):
    def at(c):
        return run(lambda x: np.sin(c * x) + c)

    fresh = []
    for c in (0.5, -0.0, 0.0, 2, 1.5, True, 0.5):
        ft.clear_cache()
        fresh.append(at(c))
    ft.clear_cache()
    for c, expected in zip((0.5, -0.0, 0.0, 2, 1.5, True, 0.5), fresh, strict=True):
        np.testing.assert_allclose(at(c), expected, rtol=1e-14)


def test_the_printed_program_shows_the_numbers_of_the_call():
    for c in (2.5, 3.5, 4.5):
        ft.grad(lambda x, c=c: np.sum(x * c))(X)
        assert str(c) in str(ft.trace(lambda x, c=c: np.sum(x * c))(X))


def test_clearing_forgets_everything():
    ft.grad(first)(X)
    ft.clear_cache()
    info = ft.cache_info()
    assert (info.hits, info.misses, info.size) == (0, 0, 0)


def test_what_was_new_about_a_program_is_told():
    def f(x, y=None):
        z = np.sin(x) if y is None else np.cos(x)  # the line
        return np.sum(z.T)

    assert "nothing" in ft.explain_retrace()
    ft.grad(f)(X)
    assert "first" in ft.explain_retrace()
    ft.grad(f)(np.ones(3))
    assert "the input x has type f64[3], and had f64[2]" in ft.explain_retrace()
    ft.grad(lambda x: f(x, 1))(np.ones(3))
    ft.grad(f)(np.ones((2, 3)))
    ft.grad(f)(np.ones((2, 3)), 1)
    told = ft.explain_retrace()
    assert "is cos, and was sin" in told
    assert "# the line" in told
    ft.grad(f)(np.ones((2, 3)), 1)
    assert ft.explain_retrace() == told


def test_a_jitted_function_tells_why_it_was_traced_again():
    f = ft.jit(lambda x, n: x * n, static_argnames="n")
    assert "nothing" in f.explain_retrace()
    f(X, n=2)
    f(X, n=3)
    assert "has the constant 3.0, and had 2.0" in f.explain_retrace()
    f(X.astype(np.float32), n=3)
    assert "f32[2], and had f64[2]" in f.explain_retrace()
