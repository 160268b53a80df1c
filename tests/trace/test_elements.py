"""`x.flat`, `x.item(i)`, `x.flags` and `x.strides` of traced arrays."""

import numpy as np
import pytest

import functrace as ft
from functrace import errors

from ..helpers import assert_close

X = np.arange(6.0).reshape(2, 3) + 1


def both(function, x):
    """What a function of traced arrays gives, under jit and where values are known."""
    jitted, concrete = ft.jit(function)(x), ft.vjp(function, x)[0]
    assert_close(jitted, concrete)
    return jitted


READS = {
    "place": lambda x: x.flat[4],
    "place from the end": lambda x: x.flat[-1],
    "slice": lambda x: x.flat[1:5:2],
    "list": lambda x: x.flat[[0, 0, 5]],
    "mask": lambda x: x.flat[np.array([True, False] * 3)],
    "iteration": lambda x: sum(i * e for i, e in enumerate(x.flat)),
    "length": lambda x: x[0, 0] * len(x.flat),
    "copy": lambda x: x.flat.copy(),
    "ufunc": lambda x: np.exp(x.flat),
    "function": lambda x: np.cumsum(x.flat),
    "keyword": lambda x: np.sum(a=x.flat),
    "comparison": lambda x: x.flat == 3.0,
    "item": lambda x: x.item(4) * 2,
    "item from the end": lambda x: x.item(-1) * 2,
    "item of axes": lambda x: x.item(1, 2) * x.item((0, 1)),
    "transposed": lambda x: x.T.flat[1],
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("name", READS)
def test_elements_are_read_as_numpy_reads_them(name, dtype):
    x = X.astype(dtype)
    result, expected = both(READS[name], x), READS[name](x)
    assert_close(result, expected, rtol=1e-6)
    assert np.asarray(result).dtype == np.asarray(expected).dtype


def test_elements_have_derivatives():
    assert_close(ft.grad(lambda x: x.flat[1] ** 2 + x.item(5))(X), np.array([[0, 4, 0], [0, 0, 1]]))
    assert_close(ft.grad(lambda x: sum(e * e for e in x.flat))(X), 2 * X)
    assert_close(ft.vmap(lambda row: row.item(1) * row)(X), X[:, 1:2] * X)


@pytest.mark.parametrize("value", [7.0, [7.0, 8.0], np.arange(9.0)])
@pytest.mark.parametrize("key", [2, -1, slice(None), slice(1, 5, 2), [3, 0], [True, False] * 3])
def test_elements_are_assigned_as_numpy_assigns_them(key, value):
    def function(x):
        y = x.copy()
        row = y[0]
        y.flat[np.array(key) if isinstance(key, list) else key] = value
        return y, row * 1.0

    expected = X.copy()
    try:
        expected.flat[np.array(key) if isinstance(key, list) else key] = value
    except ValueError:
        with pytest.raises(ValueError, match="sequence|shape"):
            ft.jit(function)(X)
        return
    assert_close(both(function, X), (expected, expected[0]))


def test_all_elements_are_assigned_at_once():
    def function(x):
        y = np.zeros_like(x)
        y.flat = x[0]
        return y

    assert_close(both(function, X), np.stack([X[0], X[0]]))
    assert_close(ft.jacobian(lambda x: function(x)[1])(X)[:, 0], np.eye(3))


def test_elements_of_arguments_are_not_the_functions_to_change():
    def function(x):
        x.flat[0] = 1.0  # here
        return x

    with pytest.raises(errors.TracerAssignmentError):
        ft.jit(function)(X)


def test_items_out_of_range_raise():
    for index in ((6,), (-7,), (2, 0), (1, 1, 1), ((1,),)):
        with pytest.raises(IndexError):
            ft.jit(lambda x: x.item(*index))(X)
    with pytest.raises(errors.IndexingError):
        ft.jit(lambda x: x.flat[6])(X)
    with pytest.raises(errors.IndexingError):
        ft.jit(lambda x: (x * 1).flat.__setitem__(6, 1.0))(X)


def seen(look):
    found = []
    ft.jit(lambda x: found.append(look(x)) or x)(X)
    return found[0]


def test_flags_tell_what_is_known():
    assert not seen(lambda x: x.flags.writeable)
    assert seen(lambda x: x.copy().flags.writeable)
    assert seen(lambda x: (x * 2).flags["W"])
    assert seen(lambda x: x.copy().flags["C_CONTIGUOUS"])
    assert seen(lambda x: x.copy().flags.c_contiguous)
    assert not seen(lambda x: x.copy().flags.f_contiguous)
    assert seen(lambda x: x.copy().flags.owndata)
    assert not seen(lambda x: x.copy()[0].flags.owndata)
    assert seen(lambda x: x[0, 0].flags.contiguous)
    assert seen(lambda x: ft.numpy.zeros(3).flags.forc)
    with pytest.raises(KeyError, match="unknown flag"):
        seen(lambda x: x.flags["Q"])


def test_strides_are_those_of_arrays_in_c_order():
    assert seen(lambda x: x.copy().strides) == X.strides
    assert seen(lambda x: x[0, 0].strides) == ()
    assert seen(lambda x: ft.numpy.zeros((2, 0, 3), np.float32).strides) == (
        np.zeros((2, 0, 3), np.float32).strides
    )


def test_a_layout_that_is_not_decided_raises():
    for look in (lambda x: x.T.strides, lambda x: x.T.flags.c_contiguous, lambda x: x.strides):
        with pytest.raises(errors.UnsupportedAttributeError, match="not decided"):
            seen(look)


def test_the_dtype_answers_whether_a_real_array_is_complex():
    for function, answer in ((np.iscomplex, False), (np.isreal, True)):
        for x in (X, np.arange(3), np.float64(1.0)):
            assert_close(ft.jit(lambda t: function(t) * 1)(x), function(x) * 1)
        assert seen(lambda x: bool(function(x).all() == answer))
    z = np.array([1.0, 1j])
    assert_close(ft.jit(np.iscomplex)(z), np.array([False, True]))
    with pytest.raises(errors.ConcretizationError):
        ft.jit(lambda z: z if np.isreal(z).any() else -z)(z)


@pytest.mark.parametrize(
    ("shape", "axis"), [((0, 3), 0), ((0, 3), None), ((3, 0), 0), ((2, 0), (0, 1))]
)
@pytest.mark.parametrize("q", [0.5, [0.1, 0.9]])
@pytest.mark.parametrize("function", [np.nanquantile, np.nanpercentile])
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_quantiles_of_nothing_are_nan_where_numpys_are(function, q, shape, axis):
    x = np.zeros(shape, np.float32)
    expected = function(x, q, axis=axis)
    result = ft.jit(lambda x: function(x, q, axis=axis))(x)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


def test_signatures_are_numpys():
    import inspect

    for name in ("arange", "eye", "identity"):
        try:
            expected = inspect.signature(getattr(np, name))
        except ValueError:  # before NumPy 2.4
            continue
        assert inspect.signature(getattr(ft.numpy, name)) == expected
