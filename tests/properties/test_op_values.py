"""Traced functions compute what NumPy computes: values, shapes, dtypes and types."""

from __future__ import annotations

import operator
from itertools import product
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import tree
from functrace.tracer import UFUNCS

from ..cases.op_cases import CASES, Case
from ..helpers import (
    TRACEABLE,
    assert_equal,
    mapped_leaves,
    name_of,
    narrowed,
    run_reference,
    strided,
)


@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_the_reference_executor_gives_numpys_values_and_dtypes(c: Case) -> None:
    expected = tree.leaves(c.fun(*c.operands))
    program = ft.trace(c.fun)(*c.operands)
    assert_equal(run_reference(program, c.operands), expected, types=False)


@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_jit_gives_numpys_values_dtypes_and_types(c: Case) -> None:
    assert_equal(ft.jit(c.fun)(*c.operands), c.fun(*c.operands))


@pytest.mark.parametrize("c", [c for c in CASES if c.needs_values], ids=name_of)
def test_functions_that_ask_for_values_give_numpys_values(c: Case) -> None:
    assert_equal(ft.vjp(c.fun, *c.operands)[0], c.fun(*c.operands))


@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_the_layout_of_operands_in_memory_does_not_matter(c: Case) -> None:
    operands = mapped_leaves(strided, c.operands)
    assert_equal(ft.jit(c.fun)(*operands), c.fun(*c.operands))


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float16"])
@pytest.mark.parametrize("c", TRACEABLE, ids=name_of)
def test_narrow_operands_give_numpys_dtypes(c: Case, single: bool) -> None:
    operands = mapped_leaves(lambda x: narrowed(x, single), c.operands)
    try:
        expected = c.fun(*operands)
    except TypeError:  # such as half precision in linear algebra
        with pytest.raises(TypeError):
            ft.jit(c.fun)(*operands)
        return
    assert_equal(ft.jit(c.fun)(*operands), expected)


# Promotion

_DTYPES = (
    np.bool_, np.int8, np.uint8, np.int64, np.uint64, np.float16, np.float32, np.float64,
    np.complex64, np.complex128,
)  # fmt: skip
_VALUES: list[Any] = [np.array([1, 1]).astype(dtype) for dtype in _DTYPES]
_VALUES += [np.float32(3), np.int16(3), True, 1, 0.5, 0.5 + 1j]


def _same_outcome(function: Any, operands: tuple[Any, ...]) -> None:
    try:
        expected = function(*operands)
    except TypeError:
        with pytest.raises(TypeError):
            ft.jit(function)(*operands)
        return
    assert_equal(ft.jit(function)(*operands), expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore:non-integer arg:DeprecationWarning")  # of scipy.special.bdtr
@pytest.mark.parametrize("ufunc", list(UFUNCS), ids=lambda ufunc: ufunc.__name__)
def test_ufuncs_promote_all_dtypes_and_python_scalars_as_numpy(ufunc: np.ufunc) -> None:
    if ufunc.signature is not None:  # such as (m,n),(n)->(m), where n? would be optional
        cores = [core.split(",") for core in ufunc.signature.split("->")[0].split("),(")]
        ranks = [sum("?" not in letter for letter in core) for core in cores]
        pairs = product(*[[np.ones((2,) * rank, dtype) for dtype in _DTYPES] for rank in ranks])
    else:
        pairs = product(_VALUES if ufunc.nin < 3 else _VALUES[3::3], repeat=ufunc.nin)
    for operands in pairs:
        _same_outcome(ufunc, operands)


_OPERATORS = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge,
    operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, divmod,
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("op", _OPERATORS, ids=lambda op: op.__name__)
def test_operators_promote_all_dtypes_and_python_scalars_as_numpy(op: Any) -> None:
    for left, right in product(_VALUES, repeat=2):
        _same_outcome(op, (left, right))
        _same_outcome(lambda x, y=right: op(x, y), (left,))
        _same_outcome(lambda y, x=left: op(x, y), (right,))


@pytest.mark.parametrize("number", [300, -1, 2**40])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint32, np.int64])
@pytest.mark.parametrize("op", [operator.eq, operator.ne, operator.lt, operator.ge])
def test_python_ints_that_a_dtype_can_not_hold_compare_as_in_numpy(
    op: Any, dtype: Any, number: int
) -> None:
    x = np.array([1, 100]).astype(dtype)
    _same_outcome(op, (x, number))
    _same_outcome(lambda x: op(x, number), (x,))
    _same_outcome(lambda x: op(number, x), (x,))


@pytest.mark.parametrize("option", [{"signature": "dd->d"}, {"where": [True]}])
def test_options_of_ufuncs_that_have_no_meaning_here_are_refused_by_name(option: Any) -> None:
    with pytest.raises(ft.errors.UnsupportedFunctionError, match=next(iter(option))):
        ft.trace(lambda x: np.add(x, 1, **option))(np.ones(1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of ~True
@pytest.mark.parametrize("op", [operator.neg, operator.pos, abs, operator.invert])
def test_unary_operators_promote_as_numpy(op: Any) -> None:
    for value in _VALUES:
        _same_outcome(op, (value,))


@pytest.mark.parametrize(
    "function", [np.sum, np.prod, np.mean, np.max, np.std, np.cumsum, np.argmax, np.any, np.ptp]
)
def test_reductions_of_all_dtypes_give_numpys_dtype(function: Any) -> None:
    for value in _VALUES:
        _same_outcome(function, (value,))


@pytest.mark.parametrize("join", [np.concatenate, np.stack])
def test_joining_promotes_as_numpy(join: Any) -> None:
    for left, right in product(_VALUES[: len(_DTYPES)], repeat=2):
        _same_outcome(lambda x, y: join([x, y]), (left, right))


def test_where_promotes_as_numpy() -> None:
    mask = np.array([True, False])
    for left, right in product(_VALUES, repeat=2):
        _same_outcome(lambda x, y: np.where(mask, x, y), (left, right))


@pytest.mark.parametrize("scalar", [True, 2, 2.0, 1j], ids=repr)
@pytest.mark.parametrize(
    "function",
    [
        lambda x, v: np.dot(x, v),
        lambda x, v: np.inner(x, v),
        lambda x, v: np.outer(x, v),
        lambda x, v: np.tensordot(x, v, 0),
        lambda x, v: np.einsum("i,->i", x, v),
        lambda x, v: np.stack([x[0], v]),
        lambda x, v: np.hstack([x, v]),
        lambda x, v: np.where(x > 0, x, v),
        lambda x, v: np.where(v, x, -x),
        lambda x, v: np.maximum(x, v) * v,
        lambda x, v: np.broadcast_to(v, 2) * x,
        lambda x, v: np.broadcast_arrays(x, v)[1],
        lambda x, v: np.squeeze(v) * x,
        lambda x, v: np.reshape(v, (1,)) * x,
        lambda x, v: np.max(v) * x,
        lambda x, v: np.sum(v) * x,
        lambda x, v: np.mean(v) * x,
        lambda x, v: np.cumsum(v) * x,
        lambda x, v: np.real(v) * x,
        lambda x, v: np.abs(v) * x,
        lambda x, v: v.real * x + v.imag,
        lambda x, v: v.conjugate() * x,
        lambda x, v: np.sin(v) * x,
        lambda x, v: -v * x,
        lambda x, v: (v + v) * x,
        lambda x, v: v * 2.0 * x,
        lambda x, v: x * (v == 2),
        lambda x, v: x**v,
        lambda x, v: v**x,
    ],
)
def test_a_python_scalar_promotes_as_in_numpy_through_any_function(
    function: Any, scalar: Any
) -> None:
    x = np.array([1, 2], np.float32)
    _same_outcome(function, (x, scalar))
    _same_outcome(lambda x: function(x, scalar), (x,))


# Indexing

_X = np.arange(3 * 2 * 4).reshape(3, 2, 4)
_PARTS = {
    "1": 1,
    "-2": -2,
    ":": slice(None),
    "::-2": slice(None, None, -2),
    "1:": slice(1, None),
    "None": None,
    "...": Ellipsis,
    "list": [1, 0],
    "column": np.array([[0], [1]]),
}


def _numpys_index(x: np.ndarray, key: tuple[Any, ...]) -> Any:
    try:
        return x[key]
    except IndexError:
        return None


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_combination_of_index_parts_is_numpys(count: int) -> None:
    for key in product(_PARTS.values(), repeat=count):
        expected = _numpys_index(_X, key)
        if expected is None:
            with pytest.raises(IndexError):
                ft.trace(lambda x, k=key: x[k])(_X)
        else:
            program = ft.trace(lambda x, k=key: x[k])(_X)
            assert_equal(run_reference(program, [_X]), [expected], types=False)


@pytest.mark.parametrize("others", list(product([1, slice(1, None), None, [1, 0], ...], repeat=2)))
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("index", [np.int64(1), np.array([1, 0]), np.array([[1], [0]])])
def test_traced_indices_combine_with_others(others: Any, place: int, index: Any) -> None:
    def take(x: Any, i: Any) -> Any:
        return x[(*others[:place], i, *others[place:])]

    try:
        expected = take(_X, index)
    except IndexError:
        with pytest.raises(IndexError):
            ft.jit(take)(_X, index)
        return
    assert_equal(ft.jit(take)(_X, index), expected)


@pytest.mark.parametrize("others", list(product([1, slice(1, None), None, [1, 0], ...], repeat=2)))
@pytest.mark.parametrize("place", [0, 1, 2])
def test_masks_combine_with_others(others: Any, place: int) -> None:
    for mask in (np.array([True, True]), np.eye(3, 2, dtype=bool), np.array([True, False, True])):
        key = (*others[:place], mask, *others[place:])
        expected = _numpys_index(_X, key)
        if expected is None:
            with pytest.raises(IndexError):
                ft.jit(lambda x, k=key: x[k])(_X)
        else:
            assert_equal(ft.jit(lambda x, k=key: x[k])(_X), expected)


@pytest.mark.parametrize("length", [0, 1, 5])
def test_every_slice_is_numpys(length: int) -> None:
    x = np.arange(float(length))
    bounds = (None, -7, -2, -1, 0, 1, 3, 9)
    for start, stop, step in product(bounds, bounds, (None, 1, 2, -1, -3)):
        key = slice(start, stop, step)
        program = ft.trace(lambda x, k=key: x[k])(x)
        np.testing.assert_array_equal(ft.evaluate(program, x), x[key])
        y, pull = ft.vjp(lambda x, k=key: x[k], x)
        expected = np.zeros(length)
        expected[key] = 1
        np.testing.assert_array_equal(pull(np.ones(y.shape))[0], expected)
