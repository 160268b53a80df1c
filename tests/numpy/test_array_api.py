"""`functrace.numpy` is a namespace of the array API standard, 2024.12, for traced and plain arrays.

The table has a row for each function of the standard: operands, and all of its keywords with the
values that the standard gives them by default. Each is called as the standard writes the call.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import functrace as ft
import functrace.numpy as fnp
from functrace import errors

from ..helpers import assert_equal
from ..numerical import numerical_grad

_random = np.random.default_rng(3)

X = _random.uniform(0.2, 0.9, (2, 3))
Y = _random.uniform(0.2, 0.9, (2, 3))
V = np.array([0.3, 0.9, 0.5])
Z = _random.uniform(0.2, 0.9, (4,)) + 1j * _random.uniform(0.2, 0.9, (4,))
I = np.array([5, 3, 6])  # noqa: E741 -- integers
J = np.array([2, 1, 3])
B = np.array([True, False, True])
C = np.array([True, True, False])
S = np.array([[2.0, 0.5, 0.1], [0.5, 1.5, 0.2], [0.1, 0.2, 1.0]])  # symmetric, positive definite
W = np.array([[1.0], [2.0]])


class Call(NamedTuple):
    """Operands, given by position, keywords, and the standard's keywords with their defaults."""

    operands: tuple[Any, ...]
    keywords: dict[str, Any]
    defaults: dict[str, Any]


def call(*operands: Any, given: dict[str, Any] | None = None, **defaults: Any) -> Call:
    return Call(operands, given or {}, defaults)


def words(text: str) -> list[str]:
    return text.split()


_AXES = {"axis": None, "keepdims": False}

ELEMENTWISE = {
    **{
        name: call(X)
        for name in words(
            "abs acos asin asinh atan atanh ceil cos cosh exp expm1 floor isfinite isinf isnan log "
            "log10 log1p log2 negative positive reciprocal round sign signbit sin sinh sqrt square "
            "tan tanh trunc"
        )
    },
    "acosh": call(X + 1),
    **{
        name: call(X, Y)
        for name in words(
            "add atan2 copysign divide equal floor_divide greater greater_equal hypot less "
            "less_equal logaddexp maximum minimum multiply nextafter not_equal pow remainder "
            "subtract"
        )
    },
    **{name: call(Z) for name in ("conj", "imag", "real")},
    **{
        name: call(I, J)
        for name in words(
            "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift"
        )
    },
    "bitwise_invert": call(I),
    **{name: call(B, C) for name in ("logical_and", "logical_or", "logical_xor")},
    "logical_not": call(B),
    "clip": call(X, min=None, max=None),
}
SHAPING = {
    "broadcast_arrays": call(X, V),
    "broadcast_to": call(V, (2, 3)),
    "concat": call([X, Y], axis=0),
    "expand_dims": call(X, given={"axis": 0}),
    "flip": call(X, axis=None),
    "moveaxis": call(X, 0, 1),
    "permute_dims": call(X, given={"axes": (1, 0)}),
    "repeat": call(X, 2, axis=None),
    "reshape": call(X, given={"shape": (3, 2)}, copy=None),
    "roll": call(X, given={"shift": 1}, axis=None),
    "squeeze": call(W, given={"axis": 1}),
    "stack": call([X, Y], axis=0),
    "tile": call(V, (2, 1)),
    "unstack": call(X, axis=0),
    "take": call(V, np.array([2, 0]), axis=None),
    "take_along_axis": call(X, np.array([[2, 0], [1, 1]]), axis=-1),
    "tril": call(S, k=0),
    "triu": call(S, k=0),
    "meshgrid": call(V, V, indexing="xy"),
}
SEARCHING = {
    "argmax": call(X, **_AXES),
    "argmin": call(X, **_AXES),
    "count_nonzero": call(X, given={"axis": 0}, keepdims=False),
    "searchsorted": call(np.sort(V), Y, side="left", sorter=None),
    "where": call(B, X, Y),
    "argsort": call(X, axis=-1, descending=False, stable=True),
    "sort": call(X, axis=-1, descending=False, stable=True),
}
BY_VALUE = {name: call(V) for name in (
    "nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values",
)}  # fmt: skip
REDUCTIONS = {
    "all": call(X, **_AXES),
    "any": call(X, **_AXES),
    "cumulative_prod": call(V, axis=None, dtype=None, include_initial=False),
    "cumulative_sum": call(V, axis=None, dtype=None, include_initial=False),
    "diff": call(X, axis=-1, n=1, prepend=None, append=None),
    "max": call(X, **_AXES),
    "mean": call(X, **_AXES),
    "min": call(X, **_AXES),
    "prod": call(X, dtype=None, **_AXES),
    "std": call(X, correction=0.0, **_AXES),
    "sum": call(X, dtype=None, **_AXES),
    "var": call(X, correction=0.0, **_AXES),
}
PRODUCTS = {
    "matmul": call(X, S),
    "matrix_transpose": call(X),
    "tensordot": call(X, S, given={"axes": 1}),
    "vecdot": call(X, Y, axis=-1),
}
LINALG = {
    **PRODUCTS,
    "cholesky": call(S, upper=False),
    "cross": call(X, Y, axis=-1),
    "det": call(S),
    "diagonal": call(S, offset=0),
    "eigh": call(S),
    "eigvalsh": call(S),
    "inv": call(S),
    "matrix_norm": call(S, keepdims=False, ord="fro"),
    "matrix_power": call(S, 3),
    "matrix_rank": call(S, rtol=None),
    "outer": call(V, V),
    "pinv": call(S, rtol=None),
    "qr": call(S, mode="reduced"),
    "slogdet": call(S),
    "solve": call(S, V),
    "svd": call(S, full_matrices=True),
    "svdvals": call(S),
    "trace": call(S, offset=0, dtype=None),
    "vector_norm": call(X, axis=None, keepdims=False, ord=2),
}
FFT = {
    **{
        name: call(Z, n=None, axis=-1, norm="backward")
        for name in ("fft", "ifft", "irfft", "hfft")
    },
    **{name: call(V, n=None, axis=-1, norm="backward") for name in ("rfft", "ihfft")},
    **{name: call(Z, s=None, axes=None, norm="backward") for name in ("fftn", "ifftn", "irfftn")},
    "rfftn": call(V, s=None, axes=None, norm="backward"),
    "fftshift": call(V, axes=None),
    "ifftshift": call(V, axes=None),
}  # fmt: skip
OF_ARRAYS = {
    "astype": call(X, fnp.float32, copy=True, device=None),
    "empty_like": call(X, dtype=None, device=None),
    "full_like": call(X, 2.5, dtype=None, device=None),
    "linspace": call(X[0], Y[0], given={"num": 4}, dtype=None, device=None, endpoint=True),
    "ones_like": call(X, dtype=None, device=None),
    "zeros_like": call(X, dtype=None, device=None),
    "asarray": call(X, dtype=None, device=None, copy=None),
    "from_dlpack": call(X, device=None, copy=None),
}
CREATION = {
    "arange": call(1, given={"stop": 7, "step": 2}, dtype=None, device=None),
    "empty": call((2, 3), dtype=None, device=None),
    "eye": call(3, 4, k=0, dtype=None, device=None),
    "full": call((2, 3), 1.5, dtype=None, device=None),
    "ones": call((2, 3), dtype=None, device=None),
    "zeros": call((2, 3), dtype=None, device=None),
}
FREQUENCIES = {name: call(5, d=1.0, dtype=None, device=None) for name in ("fftfreq", "rfftfreq")}
DTYPES = words(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"
)
MAIN = {**ELEMENTWISE, **SHAPING, **SEARCHING, **REDUCTIONS, **PRODUCTS, **OF_ARRAYS}

_CALLS = [
    *[(fnp, name, row) for name, row in MAIN.items()],
    *[(fnp.linalg, name, row) for name, row in LINALG.items()],
    *[(fnp.fft, name, row) for name, row in FFT.items()],
]


def _name(value: Any) -> str:
    return value if isinstance(value, str) else getattr(value, "__name__", "call")


def _called(module: Any, name: str, keywords: dict[str, Any]) -> Callable[..., Any]:
    """The function as one of the operands alone, with plain tuples for named ones."""

    def function(*operands: Any) -> Any:
        result = getattr(module, name)(*operands, **keywords)
        if name == "empty_like":  # its elements are anything
            result = fnp.zeros_like(result)
        return tuple(result) if isinstance(result, (tuple, list)) else result

    return function


@pytest.mark.parametrize(("module", "name", "row"), _CALLS, ids=_name)
def test_a_function_takes_the_standards_call_of_plain_and_traced_arrays(
    module: Any, name: str, row: Call
) -> None:
    function = _called(module, name, row.keywords | row.defaults)
    expected = function(*row.operands)
    assert_equal(expected, _called(module, name, row.keywords)(*row.operands), types=False)
    static = [i for i, x in enumerate(row.operands) if not isinstance(x, (np.ndarray, list))]
    assert_equal(ft.jit(function, static_argnums=static)(*row.operands), expected)


@pytest.mark.parametrize(("name", "row"), BY_VALUE.items(), ids=_name)
def test_a_function_whose_shape_depends_on_values_takes_the_standards_call(
    name: str, row: Call
) -> None:
    function = _called(fnp, name, row.defaults)
    assert_equal(ft.vjp(function, *row.operands)[0], function(*row.operands))


@pytest.mark.parametrize(
    ("module", "name", "row"),
    [(fnp, *row) for row in CREATION.items()] + [(fnp.fft, *row) for row in FREQUENCIES.items()],
    ids=_name,
)  # fmt: skip
def test_a_function_that_makes_arrays_takes_the_standards_call_and_the_one_device(
    module: Any, name: str, row: Call
) -> None:
    function = getattr(module, name)
    made = function(*row.operands, **row.keywords, **row.defaults)
    other = row.keywords | row.defaults | {"device": "cpu", "dtype": fnp.float32}
    on_cpu = function(*row.operands, **other)
    assert made.shape == on_cpu.shape
    assert on_cpu.dtype == np.float32
    if name != "empty":
        np.testing.assert_array_equal(made.astype(np.float32), on_cpu)
    with pytest.raises(ValueError, match="(?i)device"):
        function(*row.operands, **row.keywords, device="gpu")


@pytest.mark.parametrize("name", [n for n, row in OF_ARRAYS.items() if "device" in row.defaults])
def test_a_function_of_an_array_knows_the_one_device(name: str) -> None:
    row = OF_ARRAYS[name]
    function = lambda x, device: getattr(fnp, name)(
        x, *row.operands[1:], **row.keywords | row.defaults | {"device": device}
    )
    assert ft.jit(lambda x: function(x, "cpu"))(X).dtype in (np.float64, np.float32)
    for run in (ft.jit, lambda f: f):
        with pytest.raises(ValueError, match="(?i)device"):
            run(lambda x: function(x, "gpu"))(X)


# Names that are no functions


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_have_the_standards_names(name: str) -> None:
    dtype = getattr(fnp, name)
    assert fnp.zeros(2, dtype=dtype).dtype == dtype
    assert fnp.isdtype(fnp.zeros(1, dtype=dtype).dtype, dtype)


def test_constants_have_the_standards_names() -> None:
    assert (fnp.e, fnp.pi, fnp.inf, fnp.newaxis) == (np.e, np.pi, np.inf, None)
    assert np.isnan(fnp.nan)


def test_the_namespace_says_what_it_can_do() -> None:
    info = fnp.__array_namespace_info__()
    assert fnp.__array_api_version__ == "2024.12"
    assert info.capabilities().keys() == {
        "boolean indexing", "data-dependent shapes", "max dimensions"
    }  # fmt: skip
    assert info.devices() == [info.default_device()]
    assert set(info.dtypes()) == set(DTYPES)
    assert set(info.dtypes(kind="integral")) == {n for n in DTYPES if "int" in n}
    assert set(info.dtypes(kind=("bool", "real floating"))) == {"bool", "float32", "float64"}
    assert info.default_dtypes(device="cpu")["real floating"] == fnp.zeros(1).dtype
    assert info.default_dtypes()["indexing"] == fnp.argsort(fnp.ones(2)).dtype
    with pytest.raises(errors.OptionError, match="gpu"):
        info.dtypes(device="gpu")


@pytest.mark.parametrize(
    ("kind", "known"),
    [("bool", False), ("integral", False), ("numeric", True), ("real floating", True),
     ("complex floating", False), (("bool", "real floating"), True), (np.float64, True)],
)  # fmt: skip
def test_questions_about_dtypes_are_answered_while_tracing(kind: Any, known: bool) -> None:
    def f(x: Any) -> Any:
        xp = x.__array_namespace__()
        assert xp.isdtype(x.dtype, kind) is known
        assert xp.finfo(x).eps == xp.finfo(x.dtype).eps == np.finfo(np.float64).eps
        assert xp.iinfo(xp.argsort(x)).max == np.iinfo(np.intp).max
        assert xp.can_cast(x, xp.complex128)
        assert not xp.can_cast(x, xp.int32)
        assert xp.result_type(x, xp.complex64, 1) == np.complex128
        assert xp.result_type(xp.astype(x, xp.float32), 1.0) == np.float32
        return xp.sum(x)

    assert ft.grad(f)(V).tolist() == [1.0, 1.0, 1.0]


def test_a_traced_python_number_is_weak_in_result_type() -> None:
    seen = []
    ft.grad(lambda t: seen.append(fnp.result_type(t, fnp.float32)) or t)(2.0)
    assert seen == [np.float32]


# The array object

_OPERATORS = words(
    "abs add and bool complex dlpack dlpack_device eq float floordiv ge getitem gt index int "
    "invert le lshift lt matmul mod mul ne neg or pos pow rshift setitem sub truediv xor "
    "array_namespace radd rsub rmul rtruediv rfloordiv rpow rmod rmatmul rand ror rxor rlshift "
    "rrshift iadd isub imul itruediv ifloordiv ipow imod imatmul iand ior ixor ilshift irshift"
)


def test_a_traced_array_has_the_standards_attributes_and_methods() -> None:
    methods = [f"__{name}__" for name in _OPERATORS] + ["to_device"]
    attributes = ["dtype", "device", "mT", "ndim", "shape", "size", "T"]
    assert [name for name in methods + attributes if not hasattr(ft.Tracer, name)] == []

    def f(x: Any) -> Any:
        assert x.device == "cpu"
        assert (x.ndim, x.size, x.shape, x.T.shape, x.mT.shape) == (2, 6, (2, 3), (3, 2), (3, 2))
        assert x.__dlpack_device__() == np.ones(1).__dlpack_device__()
        assert x.__array_namespace__(api_version="2022.12") is fnp
        return x.to_device("cpu") * 2

    np.testing.assert_array_equal(ft.jit(f)(X), 2 * X)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x.__array_namespace__(api_version="2019.12"), "2019.12"),
        (lambda x: x.to_device("gpu"), "gpu"),
        (lambda x: x.to_device("cpu", stream=1), "stream"),
    ],
)
def test_what_the_standard_does_not_have_is_a_value_error(function: Any, words: str) -> None:
    with pytest.raises(errors.OptionError, match=words):
        ft.jit(function)(X)


def test_the_values_of_integers_alone_leave_by_dlpack() -> None:
    def f(x: Any) -> Any:
        return x[np.from_dlpack(fnp.argmax(x, keepdims=True))]

    assert ft.jacrev(f)(V).tolist() == [[0.0, 1.0, 0.0]]
    with pytest.raises(errors.TracerConversionError, match="DLPack"):
        ft.grad(lambda x: np.from_dlpack(x).sum())(V)
    with pytest.raises(errors.ConcretizationError, match="DLPack"):
        ft.jit(f)(V)


def test_from_dlpack_of_a_traced_array_is_the_array() -> None:
    assert (
        ft.grad(lambda x: fnp.sum(fnp.from_dlpack(x, copy=True) ** 2))(V).tolist()
        == (2 * V).tolist()
    )


# Where the standard has more than NumPy


def test_descending_sorts_keep_the_order_of_equal_elements() -> None:
    x = np.array([[1.0, 3.0, 1.0, 2.0], [2.0, 2.0, 5.0, 0.0]])
    for axis in (-1, 0, None):
        places = fnp.argsort(x, axis=axis, descending=True)
        flat = x.ravel() if axis is None else x
        expected = np.argsort(-flat, axis=-1 if axis is None else axis, stable=True)
        np.testing.assert_array_equal(places, expected)
        np.testing.assert_array_equal(
            fnp.sort(x, axis=axis, descending=True),
            np.take_along_axis(flat, expected, -1 if axis is None else axis),
        )
    ranks = np.arange(4.0)
    gradient = ft.grad(lambda x: fnp.sum(fnp.sort(x, descending=True) * ranks))(x[0])
    np.testing.assert_array_equal(gradient, [2.0, 0.0, 3.0, 1.0])


def test_clip_takes_any_bounds_in_any_spelling() -> None:
    for run in (ft.jit, lambda f: f):
        np.testing.assert_array_equal(run(lambda x: fnp.clip(x, 0.4))(V), [0.4, 0.9, 0.5])
        np.testing.assert_array_equal(run(lambda x: fnp.clip(x, max=0.4))(V), [0.3, 0.4, 0.4])
        np.testing.assert_array_equal(run(lambda x: fnp.clip(x, 0.4, max=0.6))(V), [0.4, 0.6, 0.5])
    assert fnp.clip(V) is not V


def test_frequencies_take_a_traced_spacing_and_a_dtype() -> None:
    function = lambda d: fnp.sum(fnp.fft.rfftfreq(4, d=d, dtype=fnp.float32))
    assert ft.jit(function)(0.5).dtype == np.float32
    np.testing.assert_allclose(ft.grad(function)(0.5), -3 / 4 / 0.5**2)


def test_transforms_of_several_axes_take_lengths_without_axes() -> None:
    for run in (ft.jit, lambda f: f):
        result = run(lambda x: fnp.fft.fftn(x, s=(2, 2)))(np.ones((3, 2, 4)))
        np.testing.assert_array_equal(result, np.fft.fftn(np.ones((3, 2, 4)), (2, 2), (1, 2)))


def test_names_that_numpy_has_are_numpys_own_functions() -> None:
    assert fnp.sin is np.sin
    assert fnp.linalg.norm is np.linalg.norm
    assert fnp.fft.rfft is np.fft.rfft


# Generic code


def _standardized(xp: Any, x: Any) -> Any:
    centred = x - xp.mean(x, axis=0, keepdims=True)
    return centred / xp.std(x, axis=0, correction=1, keepdims=True)


def _log_sum_exp(xp: Any, x: Any) -> Any:
    top = xp.max(x, axis=-1, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.asarray(0, dtype=x.dtype, device=x.device))
    return xp.squeeze(top, axis=-1) + xp.log(xp.sum(xp.exp(x - top), axis=-1))


def _whitened(xp: Any, x: Any) -> Any:
    x = x - xp.mean(x, axis=0)
    values, vectors = xp.linalg.eigh(x.mT @ x + xp.eye(x.shape[1], dtype=x.dtype))
    return x @ (vectors / xp.sqrt(values)) @ vectors.mT


def _spectrum(xp: Any, x: Any) -> Any:
    power = xp.abs(xp.fft.rfft(x, axis=0)) ** 2
    return xp.concat([power, xp.flip(power, axis=0)], axis=0) * xp.astype(xp.arange(3), x.dtype)


def _distances(xp: Any, x: Any) -> Any:
    i, j = xp.nonzero(xp.tril(xp.ones((4, 4)), k=-1))
    gaps = xp.linalg.vector_norm(xp.take(x, i, axis=0) - xp.take(x, j, axis=0), axis=-1)
    ordered = xp.sort(gaps, descending=True)
    return xp.cumulative_sum(ordered, include_initial=True) * xp.unstack(x, axis=1)[2][0]


@pytest.mark.parametrize(
    "function", [_standardized, _log_sum_exp, _whitened, _spectrum, _distances], ids=_name
)
def test_code_written_for_the_standard_computes_and_differentiates(function: Any) -> None:
    x = _random.normal(size=(4, 3))

    def generic(x: Any) -> Any:
        return function(x.__array_namespace__(), x)

    assert_equal(ft.jit(generic)(x), function(fnp, x))
    gradient = ft.grad(lambda x: fnp.sum(fnp.sin(generic(x))))(x)
    expected = numerical_grad(lambda x: np.sum(np.sin(function(fnp, x))), x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


_OF_SCIPY = """
import numpy as np, functrace as ft, scipy.stats
x = np.array([0.3, 0.9, 0.5])
J = ft.jacobian(scipy.stats.zscore)(x)
np.testing.assert_allclose(J, ft.jacobian(lambda x: (x - x.mean()) / x.std())(x), atol=1e-12)
g = ft.grad(scipy.stats.gmean)(x)
np.testing.assert_allclose(g, ft.grad(lambda x: np.prod(x) ** (1 / 3))(x))
"""


def test_scipys_functions_that_are_written_for_the_standard_differentiate() -> None:
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "FUNCTRACE_CHECK": "0"}
    run = [sys.executable, "-W", "ignore", "-c", _OF_SCIPY]
    subprocess.run(run, env=environment, check=True, timeout=120)
