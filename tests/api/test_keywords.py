"""Keyword arguments of NumPy's functions: as NumPy takes them, or refused as NumPy refuses them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import AxisError, FunctraceError
from functrace.scipy import linalg as scipy_linalg
from functrace.scipy.signal import fftconvolve

numpy: Any = np  # for calls that NumPy takes, and its stubs do not
A = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -0.75]])
V = np.array([0.3, -0.6, 0.9])
HOLES = np.array([[1.0, np.nan, 3.0], [np.nan, -5.0, 6.0]])
INTEGERS = np.array([[3, -1, 2], [0, 5, 4]])
TYPES = (A, A.astype(np.float32), A + 1j * A[::-1], INTEGERS, A > 0)
REAL = tuple(a for a in TYPES if a.dtype.kind != "c")

Call = tuple[Callable[..., Any], tuple[Any, ...]]


def _spread_calls() -> dict[str, Call]:
    calls: dict[str, Call] = {}
    for function in (np.var, np.std, np.nanvar, np.nanstd):
        for a in TYPES:
            for dtype in (np.float32, np.float64, np.complex64):
                calls[f"{function.__name__} of {a.dtype} in {np.dtype(dtype)}"] = (
                    lambda x, f=function, d=dtype: f(x, 1, d), (a,)
                )  # fmt: skip
            calls[f"{function.__name__} of {a.dtype} about a number"] = (
                lambda x, f=function: f(x, mean=0.5), (a,)
            )  # fmt: skip
            calls[f"{function.__name__} of {a.dtype} about a mean"] = (
                lambda x, f=function: f(x, axis=1, mean=np.array([[0.5], [1.0]])), (a,)
            )  # fmt: skip
    calls["var as integers"] = lambda x: numpy.var(x, 1, "i4"), (A,)
    calls["std as an integer"] = lambda x: numpy.std(x, dtype="i4"), (A,)
    calls["var about a mean where"] = lambda x: numpy.var(x, mean=1.0, where=A > 0), (A,)
    return calls


# Products of whole axes

MATRICES, VECTOR = np.arange(24.0).reshape(2, 3, 4), np.array([0.5, -1.0, 2.0, 1.0])
PRODUCTS: dict[str, Call] = {
    "matmul of other axes": (
        lambda x, y: numpy.matmul(x, y, axes=[(0, 2), (-1, 0), (2, 0)]), (MATRICES, MATRICES)),
    "matmul of other axes in a dtype": (
        lambda x, y: numpy.matmul(x, y, axes=[(1, 2), (2, 1), (0, 1)], dtype=np.float32),
        (MATRICES, MATRICES)),
    "matmul of a matrix and a vector": (
        lambda x, y: numpy.matmul(x, y, axes=[(0, 2), 0, 0]), (MATRICES, VECTOR)),
    "vecdot along an axis": (
        lambda x: numpy.vecdot(x, x, axis=1, keepdims=True), (MATRICES,)),
    "vecdot that keeps the axis": (lambda x: numpy.vecdot(x, x, keepdims=True), (MATRICES,)),
    "vecdot of two axes": (
        lambda x, y: numpy.vecdot(x, y, axes=[2, 0, ()]), (MATRICES, VECTOR)),
}  # fmt: skip
if hasattr(np, "matvec"):  # NumPy 2.2
    PRODUCTS["matvec of other axes"] = (
        lambda x, y: numpy.matvec(x, y, axes=[(0, 2), 0, 1]), (MATRICES, VECTOR)
    )  # fmt: skip
    PRODUCTS["vecmat of other axes"] = (
        lambda x, y: numpy.vecmat(y, x, axes=[0, (2, 1), 0]), (MATRICES, VECTOR)
    )  # fmt: skip

CALLS: dict[str, Call] = {
    **_spread_calls(),
    **PRODUCTS,
    "clip below": (lambda x: numpy.clip(x, None, 1), (A,)),
    "clip by name": (lambda x: numpy.clip(x, min=0), (A,)),
    "round to a NumPy integer": (lambda x: numpy.round(x, np.int64(1)), (A.astype(np.float32),)),
    "reshape without an order": (lambda x: numpy.reshape(x, (3, 2), order=None), (A,)),
    "reshape in a small letter": (lambda x: numpy.reshape(x, (3, 2), order="f"), (A,)),
    "ravel without an order": (lambda x: numpy.ravel(x, None), (A,)),
    "unravel_index": (lambda i: numpy.unravel_index(i, (3, 4), order="F"), (np.array([5, 7]),)),
    "ravel_multi_index": (
        lambda i: numpy.ravel_multi_index((i, i), (3, 4), 0), (np.array([1, 9]),)),
    "take and clip": (lambda x: numpy.take(x, [5, -7], mode=0), (V,)),
    "take and wrap": (lambda x: numpy.take(x, [5, -7], mode=1), (V,)),
    "take and wrap by name": (lambda x: numpy.take(x, [5, -7], mode="wrap"), (V,)),
    "choose": (lambda x: numpy.choose([0, 5], [x[:2], x[1:]], mode=1), (V,)),
    "convolve": (lambda x: [numpy.convolve(x, V[:2], mode=i) for i in (0, 1, 2)], (V,)),
    "correlate": (lambda x: [numpy.correlate(x, V[:2], mode=i) for i in (0, 1, 2)], (V,)),
    "concatenate into another byte order": (
        lambda x: numpy.concatenate([x, x], dtype=">f8").astype("f8"), (INTEGERS,)),
    "cumprod in another byte order": (lambda x: numpy.cumprod(x, 0, dtype=np.float64), (A,)),
    "trapezoid by rows of places": (lambda y: numpy.trapezoid(y, A), (V,)),
    "fft of some lengths": (
        lambda x: np.abs(numpy.fft.fft2(x, s=[None, 2], axes=(0, 1))), (A,)),
    "irfft of some lengths": (
        lambda x: numpy.fft.irfftn(x, s=(4, None), axes=(0, 1)), (A,)),
    "axis of no axes": (lambda x: numpy.sort(x, axis=np.array(1)), (A,)),
    "axis of cumulations": (lambda x: numpy.cumsum(x, axis=np.array(1)), (A,)),
    "nan_to_num keeps signs": (
        lambda z: numpy.nan_to_num(z), (np.array([complex(-0.0, -0.0), complex(np.nan, 1)]),)),
    "nanmedian of -0.0": (np.nanmedian, (np.array([-0.0, np.nan]),)),
    "nanmedian of two -0.0": (lambda x: numpy.nanmedian(x, 0), (np.array([[-0.0], [-0.0]]),)),
    "nanmax where": (lambda x: numpy.nanmax(x, 1, initial=-9, where=A < 2), (HOLES,)),
    "nanmin": (lambda x: numpy.nanmin(x, (0, 1), keepdims=1), (HOLES,)),
}  # fmt: skip
_function: Any
for _function in (
    np.sum, np.prod, np.mean, np.std, np.max, np.min, np.all, np.any, np.ptp, np.argmax, np.median,
    np.nansum, np.nanmax, np.nanmean, np.nanmedian, np.nanstd, np.average, np.count_nonzero,
):  # fmt: skip
    for _keep in (0, 1):
        CALLS[f"{_function.__name__} keepdims={_keep}"] = (
            lambda x, f=_function, k=_keep: f(x, axis=1, keepdims=k), (A,)
        )  # fmt: skip
for _function in (np.median, np.argmin, np.nanmedian):
    CALLS[f"{_function.__name__} keepdims=np.True_"] = (
        lambda x, f=_function: f(x, keepdims=np.True_), (A,)
    )  # fmt: skip
for _function in (np.quantile, np.nanquantile):
    CALLS[f"{_function.__name__} keepdims=1"] = (
        lambda x, f=_function: f(x, [0.2, 0.5], axis=1, keepdims=1), (A,)
    )  # fmt: skip


@pytest.mark.parametrize("name", list(CALLS))
def test_keywords_mean_what_they_mean_to_numpy(name: str) -> None:
    function, operands = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        expected = function(*operands)
        for got in (ft.jit(function)(*operands), ft.vjp(function, *operands)[0]):
            _compare(got, expected, 1e-5 if "float32" in name else 1e-12)


def _compare(got: Any, expected: Any, rtol: float) -> None:
    if isinstance(expected, (list, tuple)):
        for one, other in zip(got, expected, strict=True):
            _compare(one, other, rtol)
        return
    got, expected = np.asarray(got), np.asarray(expected)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-5 if got.dtype.char in "fF" else rtol)
    if got.dtype.kind in "fc":
        np.testing.assert_array_equal(np.signbit(got.real), np.signbit(expected.real))
        np.testing.assert_array_equal(np.signbit(got.imag), np.signbit(expected.imag))


REFUSED: dict[str, Call] = {
    "axes that are too few": (
        lambda x: numpy.matmul(x, x, axes=[(0, 1), (1, 2)]), (MATRICES,)),
    "axes that are not a list": (lambda x: numpy.matmul(x, x, axes=3), (MATRICES,)),
    "one axis of matrices": (lambda x: numpy.matmul(x, x, axis=1), (MATRICES,)),
    "axis of a tuple": (lambda x: numpy.cumsum(x, axis=(0,)), (A,)),
    "axis that is a float": (lambda x: numpy.sort(x, axis=1.0), (A,)),
    "max where, with nothing left": (lambda x: numpy.max(x, where=A > 0), (A,)),
    "nanmin where, with nothing left": (lambda x: numpy.nanmin(x, where=A > 0), (A,)),
    "two pairs of bounds": (lambda x: numpy.clip(x, 0, 1, min=0), (A,)),
    "a wrong method": (lambda x: numpy.quantile(x, [0.5], method="auto"), (A,)),
    "a wrong kind": (lambda x: numpy.isin(x, V, kind="heap"), (A,)),
    "tables of floats": (lambda x: numpy.isin(x, V, kind="table"), (A,)),
    "a kind of partition": (lambda x: numpy.partition(x, 1, kind="quicksort"), (A,)),
    "joined against the rule": (
        lambda x: numpy.concatenate([x, x.astype(np.float32)], casting="no"), (A,)),
    "weights of another shape": (
        lambda x: numpy.histogram_bin_edges(x, weights=V), (A,)),
    "a wrong order": (lambda x: numpy.unravel_index(x, (3, 4), order="A"), (np.array([5]),)),
    "a float number of decimals": (lambda x: numpy.round(x, 1.5), (A,)),
    "nanmean as integers": (lambda x: numpy.nanmean(x, dtype=int), (A,)),
    "nanvar as integers": (lambda x: numpy.nanvar(x, dtype=int), (A,)),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_numpy_refuses_is_refused(name: str) -> None:
    function, operands = REFUSED[name]
    with pytest.raises((TypeError, ValueError)):
        function(*operands)
    with pytest.raises((TypeError, ValueError)):
        ft.jit(function)(*operands)


def test_arguments_of_scipys_functions() -> None:
    spread = A @ A.T
    values = ft.jit(lambda x: scipy_linalg.eigh(x, eigvals_only=True, type=2))(spread)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(spread), rtol=1e-12)  # of no other matrix
    with pytest.raises(FunctraceError, match="type"):
        ft.jit(lambda x: scipy_linalg.eigh(x, x, type=2))(spread)
    with pytest.raises(AxisError, match="out of bounds"):
        ft.jit(lambda x: fftconvolve(x, x, axes=[0, 1]))(V)


@pytest.mark.parametrize("function", [np.histogram, np.histogram_bin_edges])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bins_of_nan_are_refused_where_values_are_known(function: Any, value: float) -> None:
    x = np.array([1.0, value])
    with pytest.raises(ValueError, match="finite"):
        function(x)
    with pytest.raises(FunctraceError, match="NaN or infinite"):
        ft.grad(lambda x: numpy.sum(np.asarray(function(x)[-1])))(x)


@pytest.mark.parametrize("value", [1 + 2j, np.complex64(3j), (np.complex128(1j), 2.0)])
@pytest.mark.parametrize("x", [V, INTEGERS])
def test_pad_warns_where_it_drops_an_imaginary_part(value: Any, x: Any) -> None:
    def padded(x: Any) -> Any:
        return np.pad(x, 1, constant_values=value)

    with pytest.warns(np.exceptions.ComplexWarning):
        expected = padded(x)
    with pytest.warns(np.exceptions.ComplexWarning):
        got = ft.jit(padded)(x)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


def test_gradients_flow_through_keywords() -> None:
    product = ft.grad(lambda x: np.sum(numpy.vecdot(x, VECTOR, axes=[2, 0])))(MATRICES)
    np.testing.assert_array_equal(product, np.broadcast_to(VECTOR, MATRICES.shape))
    complex_spread = ft.grad(lambda x: np.real(numpy.std(x, dtype=np.complex128)))(V)
    np.testing.assert_allclose(complex_spread, ft.grad(np.std)(V), rtol=1e-12)
    kept = ft.grad(lambda x: np.sum(x / numpy.sum(x, axis=1, keepdims=1) * A[0]))(A)
    given = ft.grad(lambda x: np.sum(x / numpy.sum(x, axis=1)[:, None] * A[0]))(A)
    np.testing.assert_allclose(kept, given, rtol=1e-12)
