"""Sorting, selection and creation where NumPy's rules alone do not say what should happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
import functrace.numpy as fnp
from functrace import errors

NAN = float("nan")

# Sorting


def test_equal_elements_keep_their_order_in_the_derivative_of_a_sort() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    gradient = ft.grad(lambda x: weights @ np.sort(x))(np.array([5.0, 4.0, 5.0]))
    np.testing.assert_array_equal(gradient, [2, 1, 3])


def test_nan_is_sorted_last_and_its_derivative_follows() -> None:
    value, pull = ft.vjp(np.sort, np.array([NAN, 2.0, 1.0]))
    np.testing.assert_array_equal(value, [1, 2, NAN])
    np.testing.assert_array_equal(pull(np.array([1.0, 2.0, 3.0]))[0], [3, 2, 1])


def test_a_partition_and_its_derivative_agree_where_numpy_leaves_the_order_open() -> None:
    x = np.random.default_rng(0).normal(size=200)
    value, tangent = ft.jvp(lambda x: np.partition(x, 17), (x,), (x**3,))
    np.testing.assert_array_equal(value, np.partition(x, 17))
    np.testing.assert_array_equal(tangent, value**3)


def test_unknown_kinds_of_sorting_are_refused() -> None:
    with pytest.raises(errors.OptionError, match="bubble"):
        ft.trace(lambda x: np.sort(x, kind="bubble"))(np.ones(3))


# Results whose shape depends on values

_BY_VALUE: dict[str, Callable[[Any], Any]] = {
    "nonzero": np.nonzero,
    "flatnonzero": np.flatnonzero,
    "argwhere": np.argwhere,
    "compress": lambda x: np.compress(x > 0, x),
    "unique": np.unique,
    "unique_counts": np.unique_counts,
    "intersect1d": lambda x: np.intersect1d(x, [1.0]),
    "setdiff1d": lambda x: np.setdiff1d(x, [1.0], assume_unique=True),
    "trim_zeros": np.trim_zeros,
    "insert": lambda x: np.insert(x, np.argmax(x), 1.0),
    "delete": lambda x: np.delete(x, x > 0),
    "repeat": lambda x: np.repeat(x, x.astype(int)),
    "ix_": lambda x: np.ix_(x > 0),
}


@pytest.mark.parametrize("transform", [ft.jit, ft.vmap], ids=["jit", "vmap"])
@pytest.mark.parametrize("name", _BY_VALUE)
def test_shapes_that_depend_on_values_can_not_be_compiled(name: str, transform: Any) -> None:
    x = np.array([0.0, 1.0, 2.0])
    function = transform(_BY_VALUE[name])
    with pytest.raises(errors.ConcretizationError, match=rf"np\.{name} .*\n.*\n.*\n  remedy"):
        function(x if transform is ft.jit else x[None])


def test_gradients_flow_through_values_that_were_found_by_value() -> None:
    x = np.array([0.0, 3.0, 0.0, 1.0, 3.0, 0.0])
    for function, expected in (
        (np.unique, [0, 6, 0, 2, 0, 0]),  # the first of equal elements
        (np.trim_zeros, [0, 6, 0, 2, 6, 0]),
        (lambda x: x[np.nonzero(x)], [0, 6, 0, 2, 6, 0]),
        (lambda x: np.intersect1d(x, [3.0]), [0, 6, 0, 0, 0, 0]),
        (lambda x: np.setdiff1d(x, [3.0]), [0, 0, 0, 2, 0, 0]),
        (lambda x: np.setxor1d(x, [0.0, 1.0]), [0, 6, 0, 0, 0, 0]),
        (lambda x: np.unique_values(x), [0, 6, 0, 2, 0, 0]),
    ):
        gradient = ft.grad(lambda x, f=function: np.sum(f(x) ** 2))(x)
        np.testing.assert_array_equal(gradient, expected)


def test_places_of_a_fixed_size_can_be_compiled_and_batched() -> None:
    x = np.array([[0, 2, 0], [4, 5, 0]])
    assert [list(i) for i in ft.jit(lambda x: fnp.nonzero(x, size=3))(x)] == [[0, 1, 1], [1, 0, 1]]
    rows, columns = ft.jit(lambda x: fnp.nonzero(x, size=5, fill_value=-1))(x)
    np.testing.assert_array_equal(rows, [0, 1, 1, -1, -1])
    np.testing.assert_array_equal(columns, [1, 0, 1, -1, -1])
    np.testing.assert_array_equal(
        ft.vmap(lambda x: fnp.flatnonzero(x, size=2, fill_value=9))(x), [[1, 9], [0, 1]]
    )
    np.testing.assert_array_equal(ft.jit(lambda x: fnp.argwhere(x, size=1))(x), [[0, 1]])
    assert fnp.flatnonzero(np.zeros(2), size=4).tolist() == [0, 0, 0, 0]


def test_unique_of_a_fixed_size_can_be_compiled() -> None:
    x = np.array([[3.0, NAN, 1.0], [3.0, NAN, 2.0]])

    def unique(x: Any, **options: Any) -> Any:
        return ft.jit(lambda x: fnp.unique(x, **options))(x)

    np.testing.assert_array_equal(unique(x, size=4), np.unique(x))
    np.testing.assert_array_equal(unique(x, size=2), [1, 2])
    np.testing.assert_array_equal(unique(x, size=6), [1, 2, 3, NAN, 1, 1])
    np.testing.assert_array_equal(unique(x, size=5, fill_value=-1), [1, 2, 3, NAN, -1])
    assert unique(np.zeros(0), size=0).shape == (0,)
    with pytest.raises(errors.ArgumentError, match="size="):
        fnp.unique(x, return_counts=True, size=2)


# Choosing


def test_a_piece_that_is_not_taken_contributes_no_nan_to_the_gradient() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.piecewise(x, [x > 0, x < 0], [np.log, np.sqrt, 7.0]))

    with np.errstate(invalid="raise", divide="raise"):
        gradient = ft.grad(f)(np.array([2.0, 0.0, 4.0]))
    np.testing.assert_array_equal(gradient, [0.5, 0, 0.25])


def test_select_demands_boolean_conditions() -> None:
    with pytest.raises(errors.DTypeError, match="boolean"):
        ft.trace(lambda x: np.select([x], [x]))(np.ones(2))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.fill_diagonal(x, 0.0),
        lambda x: np.put_along_axis(x, np.zeros((1, 2), int), 1.0, 0),
        lambda x: np.place(x, np.ones((2, 2), bool), [1.0]),
        lambda x: np.put(x, [0], 1.0),
        lambda x: np.sort(x) is x or x.sort(),
        lambda x: x.partition(1),
        lambda x: x.fill(1.0),
    ],
)
def test_functions_that_change_their_argument_are_refused(function: Any) -> None:
    with pytest.raises(errors.TracerAssignmentError, match=r"in place(.|\n)*x = x\.copy"):
        ft.trace(lambda x: function(x) or x)(np.ones((2, 2)))


# Padding


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"mode": lambda *_: None}, errors.UnsupportedFunctionError),
        ({"mode": "mirror"}, errors.OptionError),
        ({"mode": "edge", "end_values": 1}, errors.OptionError),
        ({"mode": "maximum", "stat_length": 0}, errors.OptionError),
        ({"pad_width": -1}, errors.ArgumentError),
        ({"pad_width": 0.5}, errors.ArgumentError),
    ],
)
def test_paddings_that_have_no_meaning_are_refused(options: Any, error: Any) -> None:
    with pytest.raises(error):
        ft.trace(lambda x: np.pad(x, **{"pad_width": 1, **options}))(np.ones(3))


def test_an_empty_axis_can_be_padded_with_constants_only() -> None:
    assert ft.jit(lambda x: np.pad(x, 1))(np.zeros((0, 1))).shape == (2, 3)
    assert ft.jit(lambda x: np.pad(x, ((0, 0), (1, 1)), "edge"))(np.zeros((0, 1))).shape == (0, 3)
    with pytest.raises(errors.ShapeError, match="axis 0"):
        ft.trace(lambda x: np.pad(x, 1, "edge"))(np.zeros((0, 1)))


# Joining and splitting


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: np.split(x, 2), errors.ShapeError),
        (lambda x: np.array_split(x, 0), errors.OptionError),
        (lambda x: np.vsplit(x, 1), errors.AxisError),
        (lambda x: np.block([[x], x]), errors.ShapeError),
        (lambda x: np.block([[x], []]), errors.ShapeError),
        (lambda x: np.lexsort((x, x[1:])), errors.ShapeError),
        (lambda x: np.rot90(x), errors.AxisError),
        (lambda x: np.resize(x, (-1,)), errors.ShapeError),
        (lambda x: np.cross(x[:1], x), errors.ShapeError),
        (lambda x: np.partition(x, 3), errors.OptionError),
        (lambda x: np.linspace(x, 1, -2), errors.OptionError),
        (lambda x: np.meshgrid(x, indexing="yx"), errors.OptionError),
        (lambda x: x if x > 0 else -x, errors.ShapeError),
        (lambda x: np.sum(x, axis=1), errors.AxisError),
        (lambda x: np.moveaxis(x, 0, 1), errors.AxisError),
        (lambda x: np.where(x > 0, x), errors.OptionError),
        (lambda x: np.interp(x, [0, 1], x), errors.ShapeError),
        (lambda x: np.interp(x, [], []), errors.ShapeError),
        (lambda x: np.polyfit(x, x, -1), errors.OptionError),
        (lambda x: np.tensordot(x, np.eye(3)), errors.AxisError),
        (lambda x: np.einsum("i->k", x), errors.OptionError),
        # A length of 1 broadcasts in einsum, and not in products.
        (lambda x: x[:1] @ x, errors.ShapeError),
        (lambda x: x[:, None] @ x, errors.ShapeError),
        (lambda x: np.dot(x[:1], np.eye(3)), errors.ShapeError),
        (lambda x: np.inner(np.eye(3), x[:1]), errors.ShapeError),
        (lambda x: np.vdot(x[:1], x), errors.ShapeError),
        (lambda x: np.vecdot(x[:1], x), errors.ShapeError),
        (lambda x: np.tensordot(x[:1], x, 1), errors.ShapeError),
        (lambda x: np.linalg.multi_dot([x, x[:, None], x[:1, None], x]), errors.ShapeError),
        (lambda x: np.einsum("i,i", x), errors.OptionError),
        (lambda x: np.select([x > 0], [x, x]), errors.OptionError),
        (lambda x: np.reshape(x, 3, order="X"), errors.OptionError),
        (lambda x: np.packbits(x > 0, bitorder="up"), errors.OptionError),
        (lambda x: np.ix_(x[None]), errors.ShapeError),
        (lambda x: np.tril_indices_from(x), errors.ShapeError),
        (lambda x: np.choose(x.astype(int), [x, x[:2]]), errors.ShapeError),
    ],
)
def test_what_numpy_refuses_is_refused(function: Any, error: Any) -> None:
    with pytest.raises((ValueError, IndexError, TypeError)) as plain:
        function(np.ones(3))
    with pytest.raises(error) as ours:
        ft.trace(function)(np.ones(3))
    assert isinstance(ours.value, plain.type)  # code that catches NumPy's error catches ours


# The namespace


def test_the_namespace_has_all_of_numpys_names() -> None:
    assert set(np.__all__) <= set(dir(fnp))
    for name in ("subtract", "sin", "linalg", "float32", "pi", "newaxis", "broadcast_shapes"):
        assert getattr(fnp, name) is getattr(np, name)
    assert set(np.fft.__all__) <= set(dir(fnp.fft))


def test_arrays_of_traced_values_are_built_from_nested_lists() -> None:
    def f(t: Any) -> Any:
        return fnp.array([[t, 1], (t * t, np.float32(2))])

    value, tangent = ft.jvp(f, (3.0,), (1.0,))
    np.testing.assert_array_equal(value, [[3, 1], [9, 2]])
    np.testing.assert_array_equal(tangent, [[1, 0], [6, 0]])
    np.testing.assert_array_equal(
        ft.grad(lambda x: fnp.asarray([x, [1.0, 2.0], x[::-1]])[2, 0])(np.array([5.0, 6.0])), [0, 1]
    )


@pytest.mark.parametrize("make", [fnp.array, fnp.asarray, fnp.asanyarray])
def test_an_array_of_a_traced_array_has_the_dtype_asked_for(make: Any) -> None:
    assert ft.jit(lambda x: make(x, np.complex64))(np.ones(2)).dtype == np.complex64
    assert ft.jit(lambda x: make([x, 1]))(2).dtype == np.int64
    assert make([1, 2], np.float32).dtype == np.float32
    x = np.ones(2)
    assert (make(x) is x) == (make is not fnp.array)


def test_array_adds_axes_to_a_traced_array() -> None:
    assert ft.jit(lambda x: fnp.array(x, ndmin=3))(np.ones(2)).shape == (1, 1, 2)


def test_parts_of_different_shapes_make_no_array() -> None:
    with pytest.raises(errors.ShapeError, match="one shape"):
        ft.trace(lambda x: fnp.array([x, [x, x]]))(1.0)


def test_full_takes_a_traced_value() -> None:
    assert ft.grad(lambda t: fnp.full((2, 3), t).sum())(1.0) == 6
    assert ft.jit(lambda t: fnp.full(2, t, np.float32))(1.5).dtype == np.float32
    np.testing.assert_array_equal(ft.jit(lambda t: fnp.full((2, 2), [t, 0]))(1.0), [[1, 0], [1, 0]])
    np.testing.assert_array_equal(fnp.full(2, 3), np.full(2, 3))


def test_a_number_of_samples_must_be_known() -> None:
    assert ft.grad(lambda t, n: np.linspace(0, t, n).sum())(1.0, 3) == 1.5
    with pytest.raises(errors.ConcretizationError):
        ft.jit(lambda t, n: np.linspace(0, t, n).sum())(1.0, 3)
