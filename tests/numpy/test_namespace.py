"""What `functrace.numpy` has of its own: names that NumPy's dispatch does not reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import functrace as ft
import functrace.numpy as fnp
from functrace import errors

from ..helpers import assert_equal
from ..numerical import numerical_grad

V = np.array([1.0, 2.0, 3.0])
M = np.arange(6.0).reshape(2, 3)

# r_ and c_


@pytest.mark.parametrize(
    "join",
    [
        lambda m, v: m.r_[v, 0, v],
        lambda m, v: m.r_[1:4, v, 1:2:5j, 2.5],
        lambda m, v: m.r_["0,2", v, [1, 2, 3]],
        lambda m, v: m.r_["1,2,0", v, v],
        lambda m, v: m.r_["0,3,-1", v, v],
        lambda m, v: m.r_["-1", np.stack([v, v]), M],
        lambda m, v: m.r_[v.astype(np.float32), 2.0, 1],
        lambda m, v: m.r_[v[0], 2],
        lambda m, v: m.c_[v, v, [1, 2, 3]],
        lambda m, v: m.c_[np.ones((3, 2)), v, np.zeros((3, 0))],
    ],
)
def test_joining_by_an_index_is_numpys(join: Any) -> None:
    assert_equal(ft.jit(lambda v: join(fnp, v))(V), join(np, V))
    assert_equal(join(fnp, V), join(np, V))


def test_lists_of_traced_numbers_are_joined() -> None:
    gradient = ft.grad(lambda t: fnp.r_[t, 1, [t, 2.0]] @ np.arange(4.0))(3.0)
    assert gradient == 2.0


def test_joining_to_a_matrix_is_refused() -> None:
    with pytest.raises(errors.UnsupportedFunctionError, match="matrix"):
        ft.jit(lambda v: fnp.r_["r", v])(V)


# vectorize


@pytest.mark.parametrize(
    ("call", "operands"),
    [
        (lambda m, v: m.vectorize(lambda a, b: a * b)(v, v[:, None]), (V,)),
        (lambda m, v: m.vectorize(lambda a, b=2: a * b if a > 1 else a)(v, b=3), (V,)),
        (lambda m, v: m.vectorize(np.polyval, excluded=[0])([1, 2, 3], v), (V,)),
        (lambda m, v: m.vectorize(lambda x: x * 2, otypes="f")(v), (V,)),
        (lambda m, v: m.vectorize(lambda x: (x, x + 1))(v), (V,)),
        (lambda m, x, v: m.vectorize(np.dot, signature="(m,n),(n)->(m)")(x, v), (M, V)),
        (lambda m, x, v: m.vectorize(np.dot, signature="(n),(n)->()")(x, v), (M, V)),
        (lambda m, x: m.vectorize(lambda r: (r, r.sum()), signature="(n)->(n),()")(x), (M,)),
    ],
)
def test_vectorize_is_numpys(call: Any, operands: Any) -> None:
    expected = call(np, *operands)
    assert_equal(ft.vjp(lambda *xs: call(fnp, *xs), *operands)[0], expected)
    assert_equal(call(fnp, *operands), expected)


def test_vectorize_decorates_and_sees_traced_values_of_the_surrounding_code() -> None:
    @fnp.vectorize(signature="(n)->()")
    def norm(x: Any) -> Any:
        return np.sqrt(x @ x)

    np.testing.assert_allclose(ft.grad(norm)(V), V / np.sqrt(14))
    scale = ft.grad(lambda t: np.sum(fnp.vectorize(lambda i: i * t)(V)))(2.0)
    assert scale == 6.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: fnp.vectorize(np.dot, signature="(n),(n)->()")(x), errors.ArgumentError, "1 "),
        (lambda x: fnp.vectorize(np.dot, signature="(n),(n)->()")(x, x[:2]), errors.ShapeError,
         "lengths 3, 2"),
        (lambda x: fnp.vectorize(np.sum, signature="(m,n)->()")(x), errors.ShapeError, "no axes"),
        (lambda x: fnp.vectorize(np.sin)(x[:0]), errors.ShapeError, "no elements"),
        (lambda x: fnp.vectorize(np.dot, signature="(n),(n)->()")(x, b=x), errors.ArgumentError,
         "keyword"),
    ],
)  # fmt: skip
def test_what_vectorize_can_not_call_is_refused_in_words(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        ft.jit(call)(V)


# Windows


def test_the_kaiser_window_has_a_derivative_by_its_shape() -> None:
    for length in (0, 1, 2, 7):
        assert_equal(ft.jit(lambda b, n=length: fnp.kaiser(n, b))(3.0), np.kaiser(length, 3.0))
    weights = np.arange(5.0)
    gradient = ft.grad(lambda b: fnp.kaiser(5, b) @ weights)(2.0)
    expected = numerical_grad(lambda b: np.kaiser(5, float(b)) @ weights, 2.0)
    np.testing.assert_allclose(gradient, expected, rtol=1e-8)


def test_sliding_windows_that_do_not_fit_are_refused() -> None:
    view = np.lib.stride_tricks.sliding_window_view
    with pytest.raises(errors.ShapeError, match="axes"):
        ft.jit(lambda x: view(x, 2))(M)
    with pytest.raises(errors.ShapeError):
        ft.jit(lambda x: view(x, 4))(V)


# Of plain arrays


@pytest.mark.parametrize("name", ["ascontiguousarray", "asfortranarray", "require"])
def test_plain_arrays_are_laid_out_as_by_numpy(name: str) -> None:
    given, expected = getattr(fnp, name)(M.T), getattr(np, name)(M.T)
    assert given.flags.c_contiguous == expected.flags.c_contiguous
    np.testing.assert_array_equal(given, expected)
    np.testing.assert_array_equal(ft.jit(getattr(fnp, name))(M), M)
