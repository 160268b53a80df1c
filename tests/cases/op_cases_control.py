"""Cases for loops and choices: one row for each way that a rule can go."""

import operator

import numpy as np

import functrace as ft

from .op_cases import booleans, case, complex_, integers, positive, real, unit

# Choices


def clipped(x, low):
    return ft.cond(np.sum(x) > low, lambda x: x * low, lambda x: np.sin(x), x)


case("choice by cond", clipped, real(3), real())
case("cond of trees", lambda p, x: ft.cond(
    p, lambda x: (x["a"], {"b": x["a"] * 2}), lambda x: (-x["a"], {"b": np.exp(x["a"])}), {"a": x}
), booleans(), real(2))  # fmt: skip
case("cond with constants", lambda p, x: ft.cond(p, lambda: 1.0, lambda: x), booleans(), real())
case("cond of integers", lambda n, x: ft.cond(n, lambda x: x, lambda x: -x, x), 2, integers(3))
case("switch", lambda i, x: ft.switch(i, [np.sin, np.exp, lambda x: x], x), integers(), unit(3))
case("switch without operands", lambda i, x: ft.switch(i - 3, [lambda: x, lambda: x * x]),
     integers(), real(2))  # fmt: skip

# Scans


def mixed(x, n, xs):
    def step(carry, a):
        c, k, b = carry
        return (c * np.cos(a) + x, k + 1, b ^ (c[0] > 0)), (c * a, k, None)

    return ft.scan(step, (x, n, False), xs)


case("scan", lambda c, xs: ft.scan(lambda c, x: (np.sin(c) * x, c + x), c, xs), real(), real(4))
case("scan of a mixed carry", mixed, real(2), integers(), real(3))
case("scan reversed", lambda c, a, b: ft.scan(
    lambda c, x: (c @ x["a"] + x["b"], np.sum(c)), c, {"a": a, "b": b}, reverse=True
), real(2), real(3, 2, 2), real(3, 2))  # fmt: skip
case("scan of complex", lambda c, xs: ft.scan(lambda c, x: (c * x, np.abs(c)), c, xs),
     complex_(), complex_(3))  # fmt: skip
case("scan without xs", lambda c, a: ft.scan(lambda c, _: (c * a, c), c, length=3), real(2), real())
case("scan of no steps", lambda c, xs: ft.scan(lambda c, x: (c * x, c + x), c, xs),
     real(2), real(0, 2))  # fmt: skip
case("scan of empty slices", lambda c, xs: ft.scan(lambda c, x: (c, x * c), c, xs),
     real(), real(2, 0))  # fmt: skip
case("scan with a constant result", lambda c, xs: ft.scan(
    lambda c, x: (np.tanh(c), (1.0, np.arange(3), x)), c, xs), real(), real(3))  # fmt: skip
case("scan of exchanged carries", lambda a, b, xs: ft.scan(
    lambda c, x: ((c[1], c[0] * x, c[2]), None), (a, b, a), xs
), real(), real(), real(3))  # fmt: skip
case("map", lambda xs: ft.map(lambda x: (np.exp(x), np.sum(x)), xs), real(3, 2))
case("map in batches", lambda xs: ft.map(np.sum, xs, batch_size=2), real(5, 2))
case("fori_loop", lambda x: ft.fori_loop(1, 4, lambda i, c: c * np.sin(x) + i, x), real(2))
case("fori_loop to a traced number", lambda n, x: ft.fori_loop(
    0, n, lambda i, c: c * np.cos(x) + i, x), integers(), real(2))  # fmt: skip

# Loops of unknown length


def halved(x, limit):
    step = lambda value: (value[0] * np.cos(value[0]) * 0.5, value[1] + 1)
    return ft.while_loop(lambda value: np.sum(value[0] ** 2) > limit, step, (x, 0))


case("while_loop", halved, real(3), positive() * 0.01)
case("while_loop of no steps", lambda x: ft.while_loop(lambda x: x < -9, np.sin, x), real())
case("while_loop of integers", lambda n: ft.while_loop(
    lambda c: c[0] > 0, lambda c: (c[0] // 2, c[1] + c[0]), (n, 0)), integers())  # fmt: skip
case("while_loop of complex", lambda z: ft.while_loop(
    lambda z: np.abs(z) > 0.1, lambda z: z * z * (0.2 - 0.1j), z), complex_())  # fmt: skip
case("scan of a while_loop", lambda c, xs: ft.scan(
    lambda c, x: (halved(c * x, 0.05)[0] + x, c), c, xs), real(2), real(3, 2))  # fmt: skip

# Prefixes

case("associative_scan", lambda x: ft.associative_scan(np.add, x), real(7))
case("associative_scan reversed", lambda x: ft.associative_scan(
    np.multiply, x, reverse=True, axis=1), real(2, 4))  # fmt: skip
case(
    "associative_scan of matrices", lambda A: ft.associative_scan(operator.matmul, A), real(5, 2, 2)
)
