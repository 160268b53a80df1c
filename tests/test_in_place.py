"""In-place operators on traced arrays do what they do on NumPy's, or say that they can not."""

import copy

import numpy as np
import pytest

import functrace as ft
from functrace.errors import DTypeError, ShapeError, TracerAssignmentError

X = np.array([1.0, 2.0, 3.0])


def own_array(x):
    y = x * 2
    y += 1
    y *= x
    y -= 2.0
    y /= 3
    y **= 2
    return y


def another_name(x):
    y = x * 2
    z = y
    z += 1
    return y + z


def a_list_of_arrays(x):
    parts = [x * 1, x * 2]
    for part in parts:
        part += 1
    return parts[0] + parts[1]


def copies(x):
    y = x.copy()
    y += 1
    z = np.copy(y)
    z *= 2
    u, v, w = y.astype(float), y.flatten(), copy.deepcopy(y)
    u += 1
    v += 2
    w += 3
    return x + 10 * y + 100 * z + u * v * w


def no_copy_made_inside(x):
    y = x * 2
    z = np.clip(y, None, 100)
    u = np.concatenate([y])
    v = +y
    z += 1
    u += 2
    v += 3
    return y + z * u * v


def scalars(x):
    total = 0.0
    for value in x:
        total += value**2
    kept = total
    total += 1
    return total * kept


def matrix(x):
    A = np.outer(x, x) + np.eye(3)
    A @= np.eye(3) * 2
    return A


def view_of_nothing_else(x):
    y = x * 2
    z = y.reshape(3)  # the same shape: NumPy's view of y, and here y itself
    z += 1
    return y


def in_an_inner_function(x):
    def inner(v):
        w = v * x
        w += 1
        return np.sum(w**2)

    return ft.grad(inner)(x)


FUNCTIONS = [
    own_array, another_name, a_list_of_arrays, copies, no_copy_made_inside, scalars, matrix,
    view_of_nothing_else,
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS)
def test_values_are_numpys(f):
    before = X.copy()
    np.testing.assert_allclose(ft.jit(f)(X), f(X))
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("f", [*FUNCTIONS, in_an_inner_function])
def test_derivatives_flow(f):
    jacobian = ft.jacrev(f)(X)
    step = 1e-6
    columns = [(f(X + step * e) - f(X - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(jacobian, np.stack(columns, -1), rtol=1e-6, atol=1e-5)


def into_an_argument(x):
    x += 1  # here
    return x


def into_a_name_of_an_argument(x):
    y = x
    y -= np.mean(y)  # here
    return y


def into_a_row(x):
    y = np.outer(x, x)
    row = y[1]
    row += 1  # here
    return y


def into_a_transpose(x):
    y = np.outer(x, x)
    z = y.T
    z *= 2  # here
    return y


def into_what_has_a_view(x):
    y = x * 2
    tail = y[1:]
    y += 1  # here
    return tail


@pytest.mark.parametrize(
    "f",
    [into_an_argument, into_a_name_of_an_argument, into_a_row, into_a_transpose,
     into_what_has_a_view],
)  # fmt: skip
@pytest.mark.parametrize("wrap", [ft.jit, ft.jacfwd, ft.vmap], ids=["jit", "jacfwd", "vmap"])
def test_what_others_would_see_is_refused_with_the_line(f, wrap):
    argument = np.stack([X, X]) if wrap is ft.vmap else X
    with pytest.raises(TracerAssignmentError, match=r"x = x .* y.*copy") as caught:
        wrap(f)(argument)
    assert "# here" in caught.value.source.text


def test_a_captured_value_can_not_be_changed_in_place():
    def outer(x):
        y = x * 2

        def inner(v):
            nonlocal y
            y += v
            return np.sum(y)

        return ft.grad(inner)(x)

    with pytest.raises(TracerAssignmentError):
        ft.jit(outer)(X)


def test_a_result_must_fit_the_array():
    def grows(x):
        y = x * 2
        y += np.ones((2, 3))
        return y

    def turns_float(x):
        y = np.arange(3) * x.astype(int)
        y += 0.5
        return y

    def narrows(x):
        y = x.astype(np.float32) * 2
        y += np.float64(1)
        return y

    with pytest.raises(ShapeError):
        ft.jit(grows)(X)
    with pytest.raises(DTypeError):
        ft.jit(turns_float)(X)
    result = ft.jit(narrows)(X)
    assert result.dtype == narrows(X).dtype == np.float32
