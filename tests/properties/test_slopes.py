"""Slopes of elementwise and special functions keep their digits: near 0, and in both tails.

First and second derivatives, and some third ones, are compared with mpmath's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import functrace as ft

mp: Any = pytest.importorskip("mpmath")
pytest.importorskip("scipy")
from ..cases.slope_cases import GROUPS, Row  # noqa: E402 -- which needs both

TOLERANCES = {np.float64: 3e-13, np.float32: 5e-6}
DIGITS = (40, 90, 200, 420, 900)


@cache
def derivative(exact: Callable[[Any], Any], x: float, order: int) -> Any:
    """By differences with steps in proportion to x.

    Near 0 with digits for numbers that differ by x^(order + 2), elsewhere with as many as it takes
    for two results to agree.
    """
    small = -float(mp.log10(abs(x)))
    before = mp.mpf(0)
    for digits in DIGITS if small < 5 else (40 + int(small) * (order + 2),):
        with mp.workdps(digits):
            value = mp.re(mp.diff(exact, mp.mpf(x), order, relative=True))
            if small >= 5 and abs(value * mp.mpf(x) ** order) < abs(exact(x)) * mp.eps:
                return mp.mpf(0)  # what differences of a linear function come to
            if value and abs(value - before) < abs(value) * mp.mpf(10) ** -20:
                return value
            before = value
    return before


def points(row: Row, dtype: Any) -> np.ndarray:
    """The row's points, of 1e-30 at least in single precision."""
    x = np.array(row.points, np.float64)
    if dtype is np.float32:
        x = np.copysign(np.maximum(np.abs(x), 1e-30), x)
    return x.astype(np.float32).astype(dtype) if dtype is np.float32 else x


def in_reverse(functions: list[Any], order: int) -> Any:
    """The derivatives of an order of functions, each of an array of its own."""

    def total(xs: list[Any]) -> Any:
        return sum(np.sum(f(x)) for f, x in zip(functions, xs, strict=True))

    slopes = ft.grad(total)
    for _ in range(order - 1):
        slopes = ft.grad(lambda xs, slopes=slopes: sum(np.sum(s) for s in slopes(xs)))
    return slopes


def forwards(functions: list[Any], order: int) -> Any:
    def values(xs: list[Any]) -> Any:
        return [f(x) for f, x in zip(functions, xs, strict=True)]

    slopes = values
    for _ in range(order):
        slopes = lambda xs, f=slopes: ft.jvp(f, (xs,), ([np.ones_like(x) for x in xs],))[1]
    return slopes


WAYS = {
    "reverse": in_reverse,
    "forward": forwards,
    "compiled": lambda functions, order: ft.jit(in_reverse(functions, order)),
}


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("group", GROUPS)
def test_slopes_keep_their_digits(group: str, order: int, dtype: Any) -> None:
    single = dtype is np.float32
    rows = {
        n: r for n, r in GROUPS[group].items() if order in r.orders and (r.single or not single)
    }
    if not rows:
        pytest.skip("the group has no such rows")
    xs = [points(row, dtype) for row in rows.values()]
    faults = []
    for way, derive in WAYS.items():
        with np.errstate(all="ignore"):
            found = derive([row.function for row in rows.values()], order)(xs)
        for (name, row), x, slopes in zip(rows.items(), xs, found, strict=True):
            assert slopes.dtype == dtype
            faults += [
                f"{way}: {name} at {float(at)!r}: {float(slope)!r}, and not {exact}"
                for at, slope in zip(x, slopes, strict=True)
                if (exact := wrong(row, float(at), order, slope))
            ]
    assert not faults, "\n".join(faults)


def wrong(row: Row, x: float, order: int, slope: Any) -> str:
    """The right slope, where this one is not."""
    limits = np.finfo(slope.dtype)
    exact = derivative(row.exact, x, order)
    if abs(exact) > float(limits.max):
        return ""
    tolerance = abs(exact) * TOLERANCES[slope.dtype.type] * row.factor + 2 * float(limits.tiny)
    close = np.isfinite(slope) and abs(mp.mpf(float(slope)) - exact) <= tolerance
    return "" if close else mp.nstr(exact, 17)


# Complex numbers


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_slopes_of_complex_numbers_keep_their_digits(dtype: Any) -> None:
    z = np.array(
        [-40 + 1j, -20 - 3j, -1 + 2j, 1e-9 + 1e-9j, 0.5 - 0.5j, 3 + 1j, 20 + 2j, 40 - 1j], dtype
    )
    slopes = {
        np.tanh: lambda z: 1 / mp.cosh(z) ** 2,
        np.expm1: mp.exp,
        np.arctanh: lambda z: 1 / (1 - z * z),
        np.arcsin: lambda z: 1 / mp.sqrt(1 - z * z),
    }
    for function, exact in slopes.items():
        one = np.ones_like(z)
        first = lambda z, f=function, one=one: ft.jvp(f, (z,), (one,))[1]
        second = ft.jvp(first, (z,), (one,))[1]
        for order, found in ((0, first(z)), (1, second)):
            with mp.workdps(60):
                expected = [mp.diff(exact, mp.mpc(complex(x)), order) for x in z]
            expected = np.array([complex(x) for x in expected])
            error = np.abs(found - expected) / np.abs(expected)
            assert error.max() < 20 * np.finfo(dtype).eps * 20, (function, order, error)
