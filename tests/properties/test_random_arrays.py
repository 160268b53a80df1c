"""Random functions of arrays of every kind: plain NumPy, executors and derivatives agree.

The arrays have all dtypes and layouts, no axes or no elements; they are viewed, assigned to, chosen
and looped over, and several of them are returned. A function is a list of rows (op, operand,
operand, number), as in `test_random_programs.py`, where all numbers are double precision.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import functrace as ft
import functrace.numpy as fnp

DTYPES = ["f8", "f8", "f4", "f2", "c16", "c8", "i8", "i4", "u1", "u1", "?"]
SHAPES = [(), (3,), (4,), (2, 3), (1, 3), (3, 1), (3, 3), (2, 1, 3), (0,), (2, 0), (1,), (2, 3, 2)]
PRECISION = {"f2": 5e-2, "f4": 3e-4, "c8": 3e-4}
LARGEST = 80  # elements; larger results are cut
TWICE = ft.jit(lambda x: (x + x, x.T)[1])


def number(x: Any) -> Any:
    return x.astype(np.int64) if x.dtype.kind == "b" else x


def inexact(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def fitted(y: Any, x: Any) -> Any:
    """y where it broadcasts with x, else its sum."""
    pairs = zip(y.shape[::-1], x.shape[::-1], strict=False)
    return y if all(m == n or 1 in (m, n) for m, n in pairs) else np.sum(y)


def along(x: Any, k: int) -> Any:
    return k % x.ndim if x.ndim else None


def assigned(x: Any, y: Any, k: int) -> Any:
    """A changed copy of x, or a view of it that was changed."""
    if not x.ndim or x.dtype.kind == "b":
        return x
    z = fnp.array(x)
    v = [z[:2], z[::-1], z.T, z[..., None], z[...], z[:1], z.real][k % 7]
    w = fitted(number(y), v)
    if w.ndim <= v.ndim and np.broadcast_shapes(w.shape, v.shape) == v.shape and w.dtype == v.dtype:
        v[...] = w
    z[-1:] = z[:1]
    v *= v.dtype.type(2)
    return z if k % 2 else v + v.dtype.type(0)


def chosen(x: Any, y: Any, k: int) -> Any:
    """The result of a choice, whose operand is changed afterwards."""
    z = number(x) + fnp.ones(x.shape, x.dtype if x.dtype.kind != "b" else int)
    picked = ft.cond(np.sum(np.real(z)) > k % 2, lambda a: a, lambda a: a * a, z)
    if z.ndim:
        z[:1] = z[-1:] * k
    return picked if k % 3 else z


def looped(x: Any, y: Any, k: int) -> Any:
    if not x.ndim or x.dtype.kind == "b":
        return x
    start = fnp.zeros(x.shape[1:], x.dtype)
    return ft.scan(lambda c, row: (c + row, c * row), start, x)[k % 2]


def contraction(x: Any, y: Any, k: int) -> Any:
    x, y = number(x), number(y)
    if not x.ndim or not y.ndim:
        return x * y
    if x.shape[-1] == y.shape[0]:
        return np.tensordot(x, y, (-1, 0))
    a, b = x.reshape(-1)[:3], y.reshape(-1)[:2]
    spec = ["i,j,i->ij", "i,j,i->j", "i,j->ji"][k % 3]
    return np.einsum(spec, *([a, b, a] if spec.count(",") == 2 else [a, b]))


def diagonal(x: Any, y: Any, k: int) -> Any:
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        return x
    return np.einsum(["ii->i", "ii->", "ij->ji", "ij->j"][k % 4], number(x))


OPS = [
    lambda x, y, k: np.sin(inexact(x)),
    lambda x, y, k: number(x) + fitted(number(y), x),
    lambda x, y, k: number(x) - fitted(-number(y), x),
    lambda x, y, k: number(x) * fitted(number(y), x) * [1, 2, 0.5][k % 3],
    lambda x, y, k: -number(x),
    lambda x, y, k: number(x) / [2, 0.5, 4, 3, 1][k % 5],
    lambda x, y, k: np.clip(np.abs(inexact(x)), 0.5, 2) ** [2, 3, 4, -1, -2, 0, 1, 0.5][k % 8]
    if x.dtype.kind != "c" else x * x,
    lambda x, y, k: np.abs(-number(x)) ** (1 + k % 2),
    lambda x, y, k: np.where(np.real(number(x)) > 0, x, fitted(y, x)),
    lambda x, y, k: np.maximum(x, fitted(y, x)),
    lambda x, y, k: np.sum(x, axis=along(x, k)),
    lambda x, y, k: np.sum(np.broadcast_to(number(x) * 2, (3, *x.shape)), axis=0),
    lambda x, y, k: np.mean(-number(x), axis=along(x, k), keepdims=True) if x.size else x,
    lambda x, y, k: np.cumsum(x, axis=along(x, k)),
    contraction,
    diagonal,
    lambda x, y, k: x.T,
    lambda x, y, k: x.reshape(x.shape[::-1]),
    lambda x, y, k: x.ravel(),
    lambda x, y, k: x[..., None] if k % 2 else x[None],
    lambda x, y, k: np.broadcast_to(x, (2, *x.shape)).T,
    lambda x, y, k: x[..., ::-2] if x.ndim else x[()],
    lambda x, y, k: x[::-1][1:] if x.ndim else x,
    lambda x, y, k: np.concatenate([x, x[::-1]]) if x.ndim else np.stack([x, x]),
    lambda x, y, k: np.real(x).astype(["f4", "f2"][k % 2]),
    lambda x, y, k: (np.real, np.imag, np.conj)[k % 3](number(x)),
    lambda x, y, k: x.copy(),
    assigned, assigned, chosen, looped,
    lambda x, y, k: TWICE(number(x)),
    lambda x, y, k: ft.vmap(lambda row: row.T)(x) if x.ndim and len(x) else x,
    lambda x, y, k: ft.stop_gradient(x),
]  # fmt: skip


def function_of(choose: random.Random) -> Any:
    rows = [[choose.randrange(len(OPS))] + [choose.randrange(10) for _ in range(3)]
            for _ in range(choose.randint(3, 12))]  # fmt: skip
    outputs = [choose.randrange(8) for _ in range(choose.randint(1, 3))]

    def f(*inputs: Any) -> list[Any]:
        pool = list(inputs)
        for op, i, j, k in rows:
            result = OPS[op](pool[-1 - i % len(pool)], pool[-1 - j % len(pool)], k)
            pool.append(result if result.size <= LARGEST else result.ravel()[:7])
        return [pool[-1 - i % len(pool)] for i in outputs]

    return f


def array(rng: Any, shape: Any, dtype: Any) -> Any:
    x = rng.normal(size=shape) * 1.5
    if dtype.startswith("c"):
        x = x + 1j * rng.normal(size=shape)
    x = np.asarray(np.abs(x) * 2 if dtype == "u1" else x > 0 if dtype == "?" else x).astype(dtype)
    layouts = [np.asfortranarray, lambda x: np.repeat(x, 2, 0)[::2], lambda x: x[::-1], np.copy]
    return layouts[rng.integers(4)](x) if x.ndim else x


def assert_same(found: Any, expected: Any, precision: float) -> None:
    expected = np.asarray(expected)
    assert np.shape(found) == expected.shape
    assert found.dtype == expected.dtype
    assert isinstance(found, np.ndarray) == (expected.ndim > 0)
    if expected.dtype.kind in "fc":
        finite = np.abs(expected[np.isfinite(expected)]).astype(float)
        size = max([1.0, *finite])
        np.testing.assert_allclose(found, expected, rtol=precision, atol=precision * size)
    else:
        np.testing.assert_array_equal(found, expected)


def precision_of(program: ft.Program) -> float:
    """That of the narrowest dtype in a Program."""
    types = [*program.input_types, *[v.type for e in program.equations for v in e.outputs]]
    return max(PRECISION.get(type.dtype.str[1:], 1e-9) for type in types)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("block", range(20))
def test_jit_evaluate_and_numpy_agree(block: int) -> None:
    for seed in range(40 * block, 40 * block + 40):
        choose, rng = random.Random(seed), np.random.default_rng(seed)
        kinds = [
            (choose.choice(SHAPES), choose.choice(DTYPES)) for _ in range(choose.randint(1, 3))
        ]
        inputs = [array(rng, *kind) for kind in kinds]
        kept, f = [x.copy() for x in inputs], function_of(choose)
        expected = f(*[x.copy() for x in inputs])
        program, run = ft.trace(f)(*inputs), ft.jit(f)
        first, evaluated = run(*inputs), ft.evaluate(program, *inputs)
        later = [run(*inputs) for _ in range(9)][-1]  # of compiled code
        for found in (evaluated if len(expected) > 1 else [evaluated], first, later):
            for x, y in zip(found, expected, strict=True):
                assert_same(x, y, precision_of(program))
        arrays = [x for x in first if isinstance(x, np.ndarray)]
        for i, x in enumerate(arrays):
            assert x.flags.writeable
            assert not any(np.shares_memory(x, y) for y in [*arrays[i + 1 :], *inputs])
        for x, y in zip(inputs, kept, strict=True):
            np.testing.assert_array_equal(x, y)
