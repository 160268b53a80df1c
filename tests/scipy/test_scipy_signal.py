"""Signal processing by SciPy's names: SciPy's values in all shapes and modes, and errors."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import scipy.signal

import functrace as ft
import functrace.scipy.signal as ours
from functrace.errors import OptionError, ShapeError

from ..cases.op_cases_scipy_linalg import Pair
from ..cases.op_cases_scipy_signal import PAIRS
from ..helpers import assert_close, mapped_leaves, narrowed


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_values_and_dtypes_are_scipys(pair: Pair, single: bool) -> None:
    operands = mapped_leaves(narrowed, pair.operands) if single else pair.operands
    actual, expected = (pair.function(s, *operands) for s in (ours, scipy.signal))
    assert actual.dtype == expected.dtype
    assert_close(np.asarray(actual), np.asarray(expected), 2e-6 if single else 1e-12)


_SHAPES = [((5,), (2,)), ((4,), (4,)), ((2,), (5,)), ((3, 4), (2, 3)), ((2, 3), (3, 4)),
           ((2, 4), (4, 2)), ((1, 3), (3, 1)), ((2, 3, 2), (2, 2, 1))]  # fmt: skip


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("method", ["auto", "direct", "fft"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_all_modes_and_methods_of_all_shapes_are_scipys(name: str, method: str, mode: str) -> None:
    random = np.random.default_rng(0)
    for left, right in _SHAPES:
        x, y = random.normal(size=left), random.normal(size=right) + 1j
        _same_outcome(name, x, y, mode=mode, method=method)
        _same_outcome(name, x.round().astype(int), y.real.round().astype(int), mode=mode,
                      method=method)  # fmt: skip


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
def test_all_boundaries_are_scipys(name: str, boundary: str, mode: str) -> None:
    random = np.random.default_rng(0)
    sizes = [(3, 3), (2, 2), (1, 4), (4, 3)]
    for left, right in product(sizes, sizes):
        x, y = random.normal(size=left), random.normal(size=right) + 1j
        _same_outcome(name, x, y, mode=mode, boundary=boundary, fillvalue=2)


def _same_outcome(name: str, x: Any, y: Any, **options: Any) -> None:
    try:
        expected = getattr(scipy.signal, name)(x, y, **options)
    except ValueError:
        with pytest.raises(ValueError, match="valid"):
            getattr(ours, name)(x, y, **options)
        return
    for call in (getattr(ours, name), ft.jit(getattr(ours, name), static_argnames=tuple(options))):
        actual = call(x, y, **options)
        assert actual.dtype == expected.dtype
        assert_close(actual, expected, 1e-11)


def test_breakpoints_and_axes_of_detrend_are_scipys() -> None:
    x = np.random.default_rng(0).normal(size=(7, 3))
    for bp in (0, [3], [2, 5, 2], [0, 7], 6):
        assert_close(ours.detrend(x, 0, bp=bp), scipy.signal.detrend(x, 0, bp=bp))


def test_empty_operands_of_fftconvolve_give_nothing() -> None:
    assert ours.fftconvolve(np.ones(0), np.ones(2)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: ours.convolve(x, x[0]), ShapeError),
        (lambda x: ours.convolve(x[:0], x), ShapeError),
        (lambda x: ours.convolve(x, x.T, "valid"), ShapeError),
        (lambda x: ours.convolve(x, x, "all"), OptionError),
        (lambda x: ours.convolve(x, x, method="magic"), OptionError),
        (lambda x: ours.fftconvolve(x, x, axes=[]), OptionError),
        (lambda x: ours.convolve2d(x[0], x[0]), ShapeError),
        (lambda x: ours.convolve2d(x, x, boundary="cliff"), OptionError),
        (lambda x: ours.detrend(x, type="cubic"), OptionError),
        (lambda x: ours.detrend(x, bp=9), OptionError),
    ],
)
def test_bad_arguments_are_named(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(np.ones((2, 3)))
