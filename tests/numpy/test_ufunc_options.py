"""Options of ufuncs, and functions of NumPy that give one truth value, where values are traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import DTypeError, UnsupportedFunctionError

X, Y = np.array([1.5, 2.0, -3.0]), np.array([2, 3, 1])
OPTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: np.add(x, y, dtype=np.float32),
    "add of a number": lambda x, y: np.add(y, 1, dtype=np.float64),
    "multiply integers": lambda x, y: np.multiply(y, y, dtype=np.float32),
    "divide": lambda x, y: np.divide(y, 2, dtype=np.float32),
    "unsafe": lambda x, y: np.add(x, y, dtype=np.int64, casting="unsafe"),
    "exp of integers": lambda x, y: np.exp(y, dtype=np.float32),
    "sqrt": lambda x, y: np.sqrt(y, dtype="f4"),
    "complex": lambda x, y: np.multiply(x, 2.0, dtype=complex),
    "comparison": lambda x, y: np.less(x, y, dtype=bool),
    "casting alone": lambda x, y: np.subtract(x, y, casting="safe"),
    "order and subok": lambda x, y: np.add(x, y, order="C", subok=False),
    "matmul": lambda x, y: np.matmul(y, y, dtype=np.float64),
    "divmod": lambda x, y: np.divmod(y, 2, dtype=np.float32)[1],
    "reduce": lambda x, y: np.add.reduce(y, dtype=np.float32),
    "accumulate": lambda x, y: np.multiply.accumulate(y, dtype=np.float32),
    "outer": lambda x, y: np.multiply.outer(y, y, dtype=np.float32),
    "maximum.outer": lambda x, y: np.maximum.outer(x, y, dtype=np.float32),
}


@pytest.mark.parametrize("name", list(OPTIONS))
def test_ufuncs_compute_in_the_dtype_that_is_asked_for(name: str) -> None:
    function = OPTIONS[name]
    expected = function(X, Y)
    for got in (ft.jit(function)(X, Y), ft.jvp(lambda x: function(x, Y), (X,), (X,))[0]):
        assert np.asarray(got).dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    batch = ft.vmap(function)(np.stack([X, X]), np.stack([Y, Y]))
    assert batch.dtype == expected.dtype
    np.testing.assert_allclose(batch[1], expected, rtol=1e-6)


def test_derivatives_go_through_the_dtype_that_is_asked_for() -> None:
    gradient = ft.grad(lambda x: np.sum(np.multiply(x, x, dtype=np.float32)))(X)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, 2 * X)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.add(x, 1.0, dtype=np.int64),
        lambda x: np.add(x, x, dtype=np.float32, casting="safe"),
        lambda x: np.bitwise_and(x, 1, dtype=np.float64),
    ],
)
def test_a_loop_that_numpy_has_not_is_refused(function: Any) -> None:
    with pytest.raises(TypeError):
        function(X)
    with pytest.raises(DTypeError, match="remedy"):
        ft.jit(function)(X)


def test_a_signature_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedFunctionError, match="signature"):
        ft.jit(lambda x: np.add(x, x, signature="ff->f"))(X)


NAN = np.array([1.0, np.nan])
TRUTHS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "equal": (np.array_equal, (X, X)),
    "not equal": (np.array_equal, (X, X + 1)),
    "other shapes": (np.array_equal, (X, X[:2])),
    "equal NaN": (lambda a, b: np.array_equal(a, b, equal_nan=True), (NAN, NAN)),
    "NaN": (np.array_equal, (NAN, NAN)),
    "integers": (np.array_equal, (Y, Y.astype(np.int8))),
    "equivalent": (np.array_equiv, (np.ones((2, 3)), np.ones(3))),
    "not equivalent": (np.array_equiv, (np.ones((2, 3)), np.ones(2))),
    "close": (np.allclose, (X, X + 1e-9)),
    "far": (np.allclose, (X, X + 1e-3)),
    "close enough": (lambda a, b: np.allclose(a, b, atol=1e-2), (X, X + 1e-3)),
    "close NaN": (lambda a, b: np.allclose(a, b, equal_nan=True), (NAN, NAN)),
}


@pytest.mark.parametrize("name", list(TRUTHS))
def test_one_truth_value_of_arrays_is_traced(name: str) -> None:
    function, operands = TRUTHS[name]
    expected = function(*operands)
    got = ft.jit(function)(*operands)
    assert bool(got) == expected
    assert type(got) is bool
    a, b = operands
    chosen = ft.jit(lambda a, b: np.where(function(a, b), 1.0, 2.0))(a, b)
    assert chosen == (1.0 if expected else 2.0)
    batch = ft.vmap(lambda a: np.where(function(a, b), 1, 2))(np.stack([a, a]))
    assert batch.tolist() == [1 if expected else 2] * 2

    def loss(x: Any) -> Any:
        return np.sum(x) if function(x.astype(a.dtype), b) else -np.sum(x)

    np.testing.assert_array_equal(
        ft.grad(loss)(a.astype(float)), np.full(a.shape, 1.0 if expected else -1.0)
    )


Z = np.array([[1 + 2j, np.nan, 1 + 5j], [np.nan + 1j, complex(0, np.nan), -2j]])


@pytest.mark.parametrize("function", [np.nanmax, np.nanmin])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_extrema_of_complex_numbers_leave_nan_out(function: Any, axis: Any) -> None:
    z = Z.copy()
    z[0, 1] = 3.0
    got = ft.jit(lambda z: function(z, axis))(z)
    np.testing.assert_array_equal(got, function(z, axis))
    initial = 0.5 + 0j
    np.testing.assert_array_equal(
        ft.jit(lambda z: function(z, axis, initial=initial))(z), function(z, axis, initial=initial)
    )


def test_extrema_of_complex_nan_alone_are_nan() -> None:
    got = ft.jit(lambda z: np.nanmax(z, 0))(np.array([[1j, np.nan], [2j, np.nan]]))
    assert got[0] == 2j
    assert np.isnan(got[1])


def test_the_gradient_of_a_complex_extremum_is_at_its_place() -> None:
    gradient = ft.grad(lambda z: np.real(np.nanmax(z)))(np.array([1 + 2j, np.nan, 3 - 1j]))
    np.testing.assert_array_equal(gradient, [0, 0, 1])
