"""Loops and choices under every transform, each against the same in plain Python, unrolled."""

import numpy as np
import pytest

import functrace as ft

from ..helpers import assert_close

A = np.array([[0.3, -0.2], [0.5, 0.4]])
ROWS = np.array([[0.9, 0.4], [-0.3, 1.1], [0.2, -0.7]])
XS = np.array([[0.5, -0.1], [0.3, 0.8], [-0.6, 0.2], [0.1, 0.4]])


# Each function of a vector of two exists twice: with loops that a Program keeps, and in Python.


def recurrent(x):
    def step(h, a):
        h = np.tanh(A @ h + a * x)
        return h, np.sum(h * a)

    h, ys = ft.scan(step, x * 0.1, XS)
    return np.sum(h**2) + np.sum(ys)


def recurrent_plain(x):
    h, total = x * 0.1, 0.0
    for a in XS:
        h = np.tanh(A @ h + a * x)
        total = total + np.sum(h * a)
    return np.sum(h**2) + total


def backwards(x):
    def step(carry, a):
        c, count = carry
        return (np.sin(c * a) + x, count + 1), (c, None, a * x)

    (c, count), (cs, _, rest) = ft.scan(step, (x, 0), {"a": XS}["a"], reverse=True)
    return np.sum(c) * count + np.sum(cs * rest) + cs[0, 1]


def backwards_plain(x):
    c, count, total = x, 0, 0.0
    for a in XS[::-1]:
        before, total = c, total + np.sum(c * (a * x))
        c, count = np.sin(c * a) + x, count + 1
    return np.sum(c) * count + total + before[1]


def scan_of_cond(x):
    def step(c, a):
        c = ft.cond(np.sum(c) > 0.5, lambda c: c * 0.5, lambda c: np.exp(c) * x, c)
        return c, ft.switch(np.sum(a > 0), [np.sin, np.cos, lambda c: c * x], c + a)

    c, ys = ft.scan(step, x, XS)
    return np.sum(c * x) + np.sum(ys)


def scan_of_cond_plain(x):
    c, total = x, 0.0
    for a in XS:
        c = c * 0.5 if np.sum(c) > 0.5 else np.exp(c) * x
        total = total + np.sum([np.sin, np.cos, lambda c: c * x][int(np.sum(a > 0))](c + a))
    return np.sum(c * x) + total


def cond_of_scan(x):
    def looped(x):
        return ft.scan(lambda c, a: (c * np.cos(a + c), None), x, XS)[0]

    return np.sum(ft.cond(x[0] > 0, looped, lambda x: x**3, x) * x)


def cond_of_scan_plain(x):
    if not x[0] > 0:
        return np.sum(x**3 * x)
    c = x
    for a in XS:
        c = c * np.cos(a + c)
    return np.sum(c * x)


def growing(x):
    def step(value):
        c, n = value
        return c * (1.3 + 0.1 * np.sin(x)) + 0.1 * x, n + 1

    c, n = ft.while_loop(lambda value: np.sum(value[0] ** 2) < 30.0, step, (x, 0))
    return np.sum(c) * n + np.prod(c)


def growing_plain(x):
    c, n = x, 0
    while np.sum(c**2) < 30.0:
        c, n = c * (1.3 + 0.1 * np.sin(x)) + 0.1 * x, n + 1
    return np.sum(c) * n + np.prod(c)


def never(x):
    return np.sum(ft.while_loop(lambda c: np.sum(c) > 100, lambda c: np.log(c) * x, x) * x)


def never_plain(x):
    return np.sum(x * x)


def scan_of_while(x):
    def step(c, a):
        c = ft.while_loop(lambda c: np.sum(np.abs(c)) > 1.0, lambda c: c * np.cos(c) * 0.6, c + a)
        return c + x, c * x

    c, ys = ft.scan(step, x, XS)
    return np.sum(c) + np.sum(ys**2)


def scan_of_while_plain(x):
    c, total = x, 0.0
    for a in XS:
        c = c + a
        while np.sum(np.abs(c)) > 1.0:
            c = c * np.cos(c) * 0.6
        total = total + np.sum((c * x) ** 2)
        c = c + x
    return np.sum(c) + total


def while_of_scan_of_while(x):
    def inner(c, a):
        d = ft.while_loop(lambda d: np.sum(d**2) > 0.4, lambda d: np.sin(d) * 0.7, c * a)
        return c * 0.4 + d * 0.5, np.sum(d)

    def step(value):
        c, total = value
        c, ys = ft.scan(inner, c, XS[:2])
        return c, total + np.sum(ys)

    c, total = ft.while_loop(lambda v: np.sum(v[0] ** 2) > 0.05, step, (x * 2, 0.0))
    return np.sum(c) + total


def while_of_scan_of_while_plain(x):
    c, total = x * 2, 0.0
    while np.sum(c**2) > 0.05:
        for a in XS[:2]:
            d = c * a
            while np.sum(d**2) > 0.4:
                d = np.sin(d) * 0.7
            c, total = c * 0.4 + d * 0.5, total + np.sum(d)
    return np.sum(c) + total


def counted(x):
    static = ft.fori_loop(2, 5, lambda i, c: c * x + i, x)
    dynamic = ft.fori_loop(0, np.sum(x > 0) + 1, lambda i, c: np.sin(c) * x + i, x)
    return np.sum(static * dynamic)


def counted_plain(x):
    static = dynamic = x
    for i in range(2, 5):
        static = static * x + i
    for i in range(int(np.sum(x > 0)) + 1):
        dynamic = np.sin(dynamic) * x + i
    return np.sum(static * dynamic)


def mapped(x):
    return np.sum(ft.map(lambda a: np.sin(a * x), XS)) * np.sum(
        ft.map(lambda a: np.prod(a + x), XS, batch_size=3)
    )


def mapped_plain(x):
    return np.sum(np.stack([np.sin(a * x) for a in XS])) * sum(np.prod(a + x) for a in XS)


def parallel(x):
    def combine(left, right):
        return left[0] * right[0], left[1] * right[0] + right[1]

    _, states = ft.associative_scan(combine, (np.sin(XS * x), XS + x))
    return np.sum(states**2)


def parallel_plain(x):
    c, total = np.zeros(2), 0.0
    for a in XS:
        c = c * np.sin(a * x) + a + x
        total = total + np.sum(c**2)
    return total


def gradient_inside(x):
    def step(c, a):
        slope = ft.grad(lambda c: ft.while_loop(lambda v: v < 2.0, lambda v: v * v + 0.3, c))
        return c - 0.01 * x * slope(np.sum(c * a) ** 2), None

    return np.sum(ft.scan(step, x, XS)[0] ** 2)


def gradient_inside_plain(x):
    def loop(v):
        while v < 2.0:
            v = v * v + 0.3
        return v

    c = x
    for a in XS:
        c = c - 0.01 * x * ft.grad(loop)(np.sum(c * a) ** 2)
    return np.sum(c**2)


PAIRS = {
    f.__name__: (f, globals()[f"{f.__name__}_plain"])
    for f in (
        recurrent, backwards, scan_of_cond, cond_of_scan, growing, never, scan_of_while,
        while_of_scan_of_while, counted, mapped, parallel, gradient_inside,
    )
}  # fmt: skip


def vmapped(f):
    return lambda rows: np.stack([f(row) for row in rows])


V = np.array([0.7, -0.4])
TRANSFORMS = {
    "value": lambda f: f,
    "grad": ft.grad,
    "jvp": lambda f: lambda x: ft.jvp(f, (x,), (V,))[1],
    "linearize": lambda f: lambda x: ft.linearize(f, x)[1](V),
    "vjp": lambda f: lambda x: ft.vjp(f, x)[1](2.0)[0],
    "hessian": ft.hessian,
    "jvp of grad": lambda f: lambda x: ft.jvp(ft.grad(f), (x,), (V,))[1],
    "grad of jvp": lambda f: ft.grad(lambda x: ft.jvp(f, (x,), (V,))[1]),
    "grad of grad": lambda f: ft.grad(lambda x: np.sum(ft.grad(f)(x) * V)),
    "jvp of jvp": lambda f: (
        lambda x: ft.jvp(lambda x: ft.jvp(f, (x,), (V,))[1], (x,), (V[::-1].copy(),))[1]
    ),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", PAIRS)
def test_a_loop_equals_its_unrolled_form(name, transform):
    f, plain = PAIRS[name]
    apply = TRANSFORMS[transform]
    for x in ROWS:
        expected = apply(plain)(x)
        assert_close(apply(f)(x), expected, 1e-10)
    jitted = ft.jit(apply(f))
    for x in ROWS:
        assert_close(jitted(x), apply(plain)(x), 1e-10)


@pytest.mark.parametrize("transform", ["value", "grad", "jvp", "hessian", "grad of grad"])
@pytest.mark.parametrize("name", PAIRS)
def test_vmap_of_a_loop_and_of_its_derivatives_equals_a_python_loop(name, transform):
    f, plain = PAIRS[name]
    apply = TRANSFORMS[transform]
    expected = np.stack([apply(plain)(x) for x in ROWS])
    assert_close(ft.vmap(apply(f))(ROWS), expected, 1e-10)
    assert_close(ft.jit(ft.vmap(apply(f)))(ROWS), expected, 1e-10)


@pytest.mark.parametrize("transform", ["grad", "jvp"])
@pytest.mark.parametrize("name", PAIRS)
def test_derivatives_of_vmap_of_a_loop_equal_a_python_loop(name, transform):
    f, plain = PAIRS[name]
    if transform == "grad":
        actual = ft.grad(lambda rows: np.sum(ft.vmap(f)(rows)))(ROWS)
        expected = np.stack([ft.grad(plain)(x) for x in ROWS])
    else:
        actual = ft.jvp(ft.vmap(f), (ROWS,), (np.stack([V] * 3),))[1]
        expected = np.stack([ft.jvp(plain, (x,), (V,))[1] for x in ROWS])
    assert_close(actual, expected, 1e-10)


@pytest.mark.parametrize("name", PAIRS)
def test_second_derivatives_through_vmap_equal_a_python_loop(name):
    f, plain = PAIRS[name]
    inner = lambda rows: ft.grad(lambda rows: np.sum(ft.vmap(f)(rows)))(rows)
    actual = ft.jvp(inner, (ROWS,), (np.stack([V] * 3),))[1]
    expected = np.stack([ft.jvp(ft.grad(plain), (x,), (V,))[1] for x in ROWS])
    assert_close(actual, expected, 1e-10)
    nested = ft.vmap(ft.vmap(ft.grad(f)))(np.stack([ROWS, ROWS[::-1]]))
    rows = np.stack([ft.grad(plain)(x) for x in ROWS])
    assert_close(nested, np.stack([rows, rows[::-1]]), 1e-10)
