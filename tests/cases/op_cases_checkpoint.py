"""Cases for what is computed again, and for work in chunks."""

import numpy as np

import functrace as ft

from .op_cases import booleans, case, integers, real, unit


def layer(W, x):
    return np.tanh(W @ np.sin(x))


def is_sine(equation):
    return equation.primitive.name == "sin"


def assigned(x):
    y = ft.numpy.zeros((2, 3))
    y[0] = x
    y[1, 1:] = np.exp(x[:2])
    y[:, 0] *= x[1]
    return y


def step(W):
    def run(c, x):
        new = np.tanh(W @ c + x)
        return new, np.sum(new * c)

    return run


case("checkpoint", ft.checkpoint(layer), real(2, 3), real(3))
case("checkpoint that keeps products", ft.checkpoint(layer, policy="dots"), real(2, 3), real(3))
case("checkpoint that keeps all", ft.checkpoint(layer, policy="everything"), real(2, 3), real(3))
case("checkpoint by a predicate", ft.checkpoint(layer, policy=is_sine), real(2, 3), real(3))
case("checkpoint of trees", lambda x, n, b: ft.checkpoint(
    lambda d, b: ({"a": d["x"] * d["n"], "n": d["n"] + 1, "b": b}, 2.0)
)({"x": x, "n": n}, b), real(2), integers(), booleans())  # fmt: skip
case("checkpoint of a checkpoint", ft.checkpoint(
    lambda x, y: np.exp(ft.checkpoint(np.sin)(x * y)) * y), unit(2), unit(2))  # fmt: skip
case("checkpoint over an outer value", lambda x, y: ft.checkpoint(
    lambda x: np.sin(x) * np.exp(y))(x) + y, unit(2), unit(2))  # fmt: skip
case("checkpoint of assignments", ft.checkpoint(assigned), real(3))
case("checkpoint of a choice", ft.checkpoint(
    lambda p, x: ft.cond(p, np.sin, lambda x: x * x, x)), booleans(), real(2))  # fmt: skip
case("checkpoint of a while_loop", ft.checkpoint(lambda x: ft.while_loop(
    lambda v: np.sum(v[0] ** 2) > 0.1, lambda v: (v[0] * np.cos(v[0]) * 0.5, v[1] + 1), (x, 0)
)), real(2))  # fmt: skip
case("while_loop of a checkpoint", lambda x: ft.while_loop(
    lambda x: np.sum(x**2) > 0.1, ft.checkpoint(lambda x: x * np.cos(x) * 0.5), x
), real(2))  # fmt: skip
case("scan of a checkpoint", lambda W, c, xs: ft.scan(ft.checkpoint(step(W)), c, xs),
     unit(2, 2), real(2), real(3, 2))  # fmt: skip
case("scan in blocks of steps", lambda W, c, xs: ft.scan(step(W), c, xs, checkpoint_every=2),
     unit(2, 2), real(2), real(5, 2))  # fmt: skip
case("scan in blocks, reversed", lambda W, c, xs: ft.scan(
    step(W), c, xs, reverse=True, checkpoint_every=3), unit(2, 2), real(2), real(4, 2))  # fmt: skip
case("scan in blocks of one step", lambda c, a: ft.scan(
    lambda c, _: (np.sin(c) * a, None), c, length=3, checkpoint_every=1
)[0], real(2), real())  # fmt: skip

case("vmap in chunks", lambda W, X: ft.vmap(
    lambda x: (np.tanh(W @ x), W * 2, np.sum(x)), out_axes=(1, None, 0), chunk_size=2
)(X), real(2, 3), real(5, 3))  # fmt: skip
case("jacfwd in chunks", lambda x: ft.jacfwd(
    lambda x: x[:2] * np.sin(x[1:]), chunk_size=2)(x), real(3))  # fmt: skip
