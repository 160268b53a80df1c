"""The faster ways that large arrays take give what NumPy's own give."""

from itertools import product

import numpy as np
import pytest

import functrace as ft
from functrace.ops._large import reduced, select
from functrace.ops.windows import windows_view
from functrace.primitive import PRIMITIVES

RANDOM = np.random.default_rng(5)
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.5])


def values(dtype, *shape):
    drawn = RANDOM.choice(SPECIAL, shape) if np.dtype(dtype).kind in "fc" else None
    return (RANDOM.integers(-9, 9, shape) if drawn is None else drawn).astype(dtype)


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.int16, np.int64, np.int8, np.complex64, bool]
)
def test_select_gives_the_bits_of_where(dtype):
    condition = RANDOM.random((80, 90)) < 0.5
    x, y, zero = values(dtype, 80, 90), values(dtype, 80, 90), np.dtype(dtype).type(0)
    for left, right in (
        (x, y), (x, zero), (zero, y), (x, y[0]), (x[:, :1], zero), (zero, zero), (x[::-1], y),
        (x, y.T.copy().T), (x, zero if dtype is bool else -zero), (np.asarray(zero), y),
    ):  # fmt: skip
        found, expected = select(condition, left, right), np.where(condition, left, right)
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()
    wide = select(condition[:, None], x, y[0])
    assert wide.tobytes() == np.where(condition[:, None], x, y[0]).tobytes()


@pytest.mark.parametrize(
    ("ufunc", "dtype"),
    [
        *product((np.add, np.multiply, np.maximum), (np.float16, np.float64, np.int64)),
        (np.logical_and, bool),
    ],
)
def test_reduced_gives_what_reduce_gives(ufunc, dtype):
    x = RANDOM.integers(-2, 3, (40, 4, 30, 2)).astype(dtype)
    windows = windows_view(x[:, :, :, 0], (2, 3), (1, 2), (1, 1))
    for operand, axes in (
        (x, (3,)), (x, (1, 3)), (x, (0, 1)), (x, (2, 3)), (x.T, (0,)), (x.T, (3,)), (x[::-1], (3,)),
        (windows, (1, 2)), (x, (0, 1, 2, 3)), (np.broadcast_to(x[..., :1], (40, 4, 30, 7)), (3,)),
    ):  # fmt: skip
        found = reduced(ufunc, operand, axis=axes, dtype=x.dtype)
        expected = ufunc.reduce(operand, axis=axes, dtype=x.dtype)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_large_masks_and_windows_keep_their_gradients():
    x = RANDOM.normal(size=(60, 80))
    found = ft.jit(ft.grad(lambda x: np.sum(np.where(x > 0, np.exp(x), 0))))(x)
    np.testing.assert_allclose(found, np.where(x > 0, np.exp(x), 0))
    found = ft.jit(ft.grad(lambda x: np.sum(np.max(x.reshape(60, 40, 2), axis=2))))(x)
    chosen = x.reshape(60, 40, 2)
    expected = (chosen == chosen.max(axis=2, keepdims=True)).reshape(x.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "ranges",
    [
        ((0, 79, 1), (0, 90, 1)), ((3, 70, 1), (5, 80, 1)), ((79, 80, -1), (60, 50, -1)),
        ((0, 40, 2), (1, 80, 1)), ((1, 79, 1), (0, 30, 3)), ((7, 0, 1), (0, 90, 1)),
        ((0, 80, 1), (0, 90, 1)), ((60, 50, -1), (4, 0, 1)),
    ],
)  # fmt: skip
def test_parts_lie_among_zeros(ranges):
    lengths = [length for _, length, _ in ranges]
    x, expected = RANDOM.normal(size=lengths), np.zeros((80, 90))
    expected[np.ix_(*[start + step * np.arange(length) for start, length, step in ranges])] = x
    place = PRIMITIVES["place"]
    np.testing.assert_array_equal(place.impl(x, shape=(80, 90), ranges=ranges), expected)
    out = np.full((80, 90), np.nan)
    np.testing.assert_array_equal(place.into(x, shape=(80, 90), ranges=ranges, out=out), expected)
