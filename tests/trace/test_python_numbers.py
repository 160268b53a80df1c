"""Python numbers beside arrays: NumPy's dtype and value, or an error of the same class.

NumPy 2 lets a Python number take the dtype of the array beside it (NEP 50). What happens at the
bounds of dtypes differs from function to function: arithmetic raises, comparisons are exact, `clip`
takes a bound out of range for none, `where` wraps, and assignment raises.

The sweep below computes each function of an array of each dtype and some Python numbers, chosen
by a fixed seed among those at the bounds of dtypes, with one operand traced or both.
"""

from __future__ import annotations

import operator
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import FunctraceError, IntegerRangeError

from ..helpers import run_reference

DTYPES = [np.dtype(code) for code in "?bhilBHILefdFD"]
NUMBERS: list[Any] = [
    True, False, 0, 1, 2, -1, 127, 128, 255, 256, -129, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64,
    2**70, -(2**63) - 1, 0.5, 2.0, -0.0, 1e40, float("inf"), float("nan"), 1j,
]  # fmt: skip
COMPARISONS = (
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
)  # fmt: skip
BINARY = (
    np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.remainder, np.fmod, np.power,
    np.float_power, np.divmod, np.logaddexp, np.arctan2, np.hypot, np.maximum, np.minimum, np.fmax,
    np.fmin, np.logical_and, np.logical_or, np.logical_xor, np.bitwise_and, np.bitwise_or,
    np.bitwise_xor, np.left_shift, np.right_shift, np.gcd, np.lcm, np.copysign, np.nextafter,
    np.heaviside, np.ldexp, operator.add, operator.sub, operator.mul, operator.truediv,
    operator.floordiv, operator.mod, operator.pow, operator.and_, operator.or_, operator.xor,
    operator.lshift, operator.rshift, divmod, np.isclose, *COMPARISONS,
)  # fmt: skip
MASK = np.array([True, False, True, False])


def _with_item(x: Any, number: Any) -> Any:
    y = x.copy()
    y[1] = number
    return y


# Functions of an array and a number, in this order.
ARRAY_FIRST: dict[str, Callable[[Any, Any], Any]] = {
    "where": lambda x, n: np.where(MASK, x, n),
    "where reversed": lambda x, n: np.where(MASK, n, x),
    "select": lambda x, n: np.select([x == 0], [x], n),
    "clip below": lambda x, n: np.clip(x, n, None),
    "clip above": lambda x, n: np.clip(x, None, n),
    "clip both": lambda x, n: np.clip(x, n, n) + 0,  # the sign of a zero is anybody's
    "x.clip": lambda x, n: x.clip(max=n),
    "full_like": np.full_like,
    "pad": lambda x, n: np.pad(x, 1, constant_values=n),
    "pad pair": lambda x, n: np.pad(x, 1, constant_values=(0, n)),
    "insert": lambda x, n: np.insert(x, 1, n),
    "x[1] = n": _with_item,
    "sum initial": lambda x, n: np.sum(x, initial=n),
    "prod initial": lambda x, n: np.prod(x, initial=n),
    "max initial": lambda x, n: np.max(x, initial=n),
}
# Functions that make an array of the number, which holds objects where no dtype holds it.
OF_ARRAYS: dict[str, Callable[[Any, Any], Any]] = {
    "append": np.append,
    "concatenate": lambda x, n: np.concatenate([x, [n]]),
    "choose": lambda x, n: np.choose(np.array([0, 1, 0, 1]), [x, n]),
    "searchsorted": lambda x, n: np.searchsorted(np.sort(x), n),
    "isin": np.isin,
    "kron": lambda x, n: np.kron(x, n) + 0,
    "outer": lambda x, n: np.outer(x, n) + 0,
    "linspace": lambda x, n: np.linspace(x, n, 3),
    "diff prepend": lambda x, n: np.diff(x, prepend=n),
    "ediff1d": lambda x, n: np.ediff1d(x, to_end=n),
    "nan_to_num": lambda x, n: np.nan_to_num(x, nan=n),
}


def _array(dtype: np.dtype[Any]) -> np.ndarray:
    values = {"b": [0, 1, 1, 0], "u": [0, 1, 5, 3]}.get(dtype.kind, [0, -1, 5, 3])
    return np.array(values).astype(dtype)


def _outcome(function: Callable[[], Any]) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function()
        except (ArithmeticError, TypeError, ValueError) as error:
            return error


def _traced(function: Callable[..., Any], operands: Any, places: Any) -> Any:
    """What the Program of a function gives, with the operands at some places traced."""

    def of_traced(*traced: Any) -> Any:
        full = list(operands)
        for place, value in zip(places, traced, strict=True):
            full[place] = value
        return function(*full)

    values = [operands[place] for place in places]
    return run_reference(ft.trace(of_traced)(*values), values)


def _assert_alike(got: Any, expected: Any, number_is_plain: bool) -> None:
    if isinstance(expected, Exception):
        kinds = [k for k in (OverflowError, TypeError, ValueError) if isinstance(expected, k)]
        assert isinstance(got, kinds[0]), (got, expected)
        # While tracing it is said at which line, and when the Program runs by its executor.
        assert isinstance(got, FunctraceError) or not number_is_plain or kinds[0] is ValueError
        return
    assert not isinstance(got, Exception), (got, expected)
    for a, b in zip(got, expected if isinstance(expected, tuple) else (expected,), strict=True):
        x, y = np.asarray(a), np.asarray(b)
        assert x.dtype == y.dtype, (x, y)
        precision = {"e": 1e-2, "f": 1e-5, "F": 1e-5}.get(x.dtype.char, 1e-12)
        np.testing.assert_allclose(x, y, rtol=precision if x.dtype.kind in "fc" else 0)
        if x.dtype.kind == "f":
            zeros = y == 0
            np.testing.assert_array_equal(np.signbit(x[zeros]), np.signbit(y[zeros]))


def _sweep(function: Callable[..., Any], name: str, numbers: list[Any], swaps: bool) -> None:
    choice = random.Random(name)
    for dtype in DTYPES:
        x = _array(dtype)
        for number in choice.sample(numbers, 4):
            swapped = swaps and choice.random() < 0.5
            operands = (number, x) if swapped else (x, number)
            expected = _outcome(lambda: function(*operands))
            places = (1,) if swapped else (0,)
            fits = not isinstance(number, int) or -(2**63) <= number < 2**63
            for traced in (places, (0, 1)) if fits else (places,):
                if len(traced) == 2 and _by_value(name, dtype, number):
                    continue
                got = _outcome(lambda: _traced(function, operands, traced))
                try:
                    _assert_alike(got, expected, len(traced) == 1)
                except AssertionError as error:
                    raise AssertionError(
                        f"{name} of {operands}, {traced} traced: {error}"
                    ) from None


def _by_value(name: str, dtype: np.dtype[Any], number: Any) -> bool:
    """Whether what NumPy does depends on the value of the number, which is not known if traced.

    These are the dtype of powers of booleans, and which floats may be assigned to integers.
    """
    if name == "pow":
        return dtype.kind == "b" and number == 2
    if name.startswith("pad"):  # NumPy wraps or raises, by the dtype and the number of values
        return dtype.kind not in "fc"
    return name in ARRAY_FIRST and not isinstance(number, int) and dtype.kind not in "fc"


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f"{type(f).__name__} {f.__name__}")
def test_binary_functions_take_python_numbers_as_numpy(function: Any) -> None:
    _sweep(function, function.__name__, NUMBERS, swaps=True)


@pytest.mark.parametrize("name", list(ARRAY_FIRST))
def test_functions_of_arrays_take_python_numbers_as_numpy(name: str) -> None:
    # NumPy pads real arrays with the real part of a complex number, and warns. Here it is refused.
    numbers = NUMBERS[:-1] if name.startswith("pad") else NUMBERS
    _sweep(ARRAY_FIRST[name], name, numbers, swaps=False)


@pytest.mark.parametrize("name", list(OF_ARRAYS))
def test_functions_that_make_arrays_of_python_numbers_give_numpys(name: str) -> None:
    held = [n for n in NUMBERS if not isinstance(n, int) or -(2**63) <= n < 2**64]
    _sweep(OF_ARRAYS[name], name, held, swaps=False)


@pytest.mark.parametrize("number", [-1, 0, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**70, -(2**70)])
@pytest.mark.parametrize("compare", COMPARISONS)
def test_integers_compare_exactly_with_python_ints_of_any_size(compare: Any, number: int) -> None:
    for dtype in (np.uint64, np.int64, np.int8, np.uint8):
        limits = np.iinfo(dtype)
        x = np.array([limits.min, 0, 1, limits.max - 1, limits.max], dtype)
        expected = [compare(int(value), number) for value in x]
        assert ft.jit(lambda x: compare(x, number))(x).tolist() == expected
        reverse = [compare(number, int(value)) for value in x]
        assert ft.jit(lambda x: compare(number, x))(x).tolist() == reverse
        if -(2**63) <= number < 2**63:
            assert ft.jit(compare)(x, number).tolist() == expected
            batch = ft.vmap(compare, (None, 0))(x, np.array([number, number]))
            assert batch[1].tolist() == [bool(compare(value, np.int64(number))) for value in x]


def test_comparisons_with_large_ints_work_in_loops_and_derivatives() -> None:
    x = np.array([1, 2**64 - 1], np.uint64)

    def loss(y: Any) -> Any:
        return ft.fori_loop(0, 2, lambda i, s: s + np.where(x > -1, y, 0).sum(), 0.0 * y)

    assert ft.grad(loss)(1.5) == 4.0
    assert ft.jit(lambda n: (n < 2**70, n > -(2**70), n == 2**70))(5) == (True, True, False)


def test_squares_and_conjugates_of_booleans_have_numpys_dtypes() -> None:
    flags = np.array([True, False])
    assert ft.jit(lambda b: b**2)(flags).dtype == np.int8
    assert ft.jit(lambda b: b[0] ** 2)(flags).dtype == np.int64
    assert ft.jit(lambda b: b**True)(flags).dtype == np.int8
    for dtype in DTYPES:
        x = _array(dtype)
        for method in ("conj", "conjugate"):
            got = ft.jit(lambda x, m=method: getattr(x, m)())(x)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, x.conj())


def test_an_int_that_does_not_fit_is_an_error_with_the_line_and_a_remedy() -> None:
    small = np.array([1, 2], np.uint8)
    for function in (
        lambda x: x + 300,
        lambda x: np.maximum(x, -1),
        lambda x: np.full_like(x, 256),
    ):
        with pytest.raises(IntegerRangeError, match=r"at .*test_python_numbers[\s\S]*remedy"):
            ft.trace(function)(small)
    with pytest.raises(OverflowError, match="300"):
        ft.jit(np.add)(small, 300)


def test_clip_takes_a_python_int_out_of_range_for_no_bound() -> None:
    x = np.array([0, 100, 255], np.uint8)
    bounds: Any = ((-1, 300), (-(2**70), 100), (3, 2**70), (-5, None), (None, 256))
    for low, high in bounds:
        np.testing.assert_array_equal(ft.jit(lambda x: x.clip(low, high))(x), x.clip(low, high))
    np.testing.assert_array_equal(ft.jit(np.clip)(x, -1, 300), x)
    with pytest.raises(OverflowError):
        ft.jit(lambda x: x.clip(300, None))(x)


def test_where_wraps_a_python_int_as_numpy() -> None:
    mask, x = np.array([True, False]), np.array([1, 2], np.uint64)
    expected = np.where(mask, -7, x)
    np.testing.assert_array_equal(ft.jit(lambda m, x: np.where(m, -7, x))(mask, x), expected)
    np.testing.assert_array_equal(ft.jit(np.where)(mask, -7, x), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16])
@pytest.mark.parametrize("decimals", [-2, -1, 0, 1])
def test_rounded_integers_keep_their_dtype(dtype: Any, decimals: int) -> None:
    x = np.array([3, 15, 25, 114], dtype)
    got = ft.jit(lambda x: np.round(x, decimals))(x)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.round(x, decimals))


_ZEROS: dict[str, Callable[[Any], Any]] = {
    "pad": lambda x: np.pad(x, 2, constant_values=-0.0),
    "pad pairs": lambda x: np.pad(x, 1, constant_values=(-0.0, 0.0)),
    "quantile": lambda x: np.quantile(x, 0.5),
    "quantiles": lambda x: np.quantile(x, [0.0, 0.3, 1.0]),
    "lower quantile": lambda x: np.quantile(x, 0.3, method="lower"),
    "nanquantile": lambda x: np.nanquantile(x, 0.25),
    "percentile": lambda x: np.percentile(x, 30),
    "median": np.median,
    "max": np.max,
    "cumsum": np.cumsum,
    "prod": np.prod,
    "cumprod": np.cumprod,
    "sum of none": lambda x: np.sum(x[:0]),
    "mean": lambda x: np.mean(x[:2]),
    "where": lambda x: np.where(x > 0, x, -0.0),
    "copysign": lambda x: np.copysign(1.0, x),
    "round": lambda x: np.round(x - 0.04, 1),
    "fix": lambda x: np.fix(x - 0.5),
    "maximum": lambda x: np.maximum(x, x),
    "full_like": lambda x: np.full_like(x, -0.0),
    "insert": lambda x: np.insert(x, 0, -0.0),
    "negative": lambda x: -x,
    "times": lambda x: x * -1,
    "plus nothing": lambda x: x + -0.0,
    "minus zero": lambda x: x - 0.0,
    "0 - x": lambda x: 0.0 - x,
    "cube": lambda x: x**3,
    "select": lambda x: np.select([x > 0], [x], -0.0),
}


@pytest.mark.parametrize("name", list(_ZEROS))
def test_zeros_have_numpys_sign(name: str) -> None:
    function = _ZEROS[name]
    for x in (np.full(3, -0.0), np.array([0.0, -0.0, -0.0]), np.zeros(3)):
        expected = function(x)
        for got in (ft.jit(function)(x), ft.jvp(function, (x,), (x,))[0]):
            np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
