"""What NumPy takes as an array is taken: nested lists, pandas, xarray, buffers and the like."""

import array
import ctypes

import numpy as np
import pytest

import functrace as ft
import functrace.numpy as fnp
from functrace.errors import ArgumentError, DTypeError, FunctraceError, LeafTypeError

X = np.array([1.5, -0.5, 2.0])
P = np.abs(X)
A = np.array([[2.0, 1.0, 0.0], [0.5, 3.0, 1.0], [1.0, 0.0, 4.0]])

LISTS = {
    "sum": lambda x: fnp.sum([x, x**2]),
    "two lists": lambda x: fnp.dot([x[0], 1.0], [x[1], x[2]]),
    "method of a ufunc": lambda x: fnp.add.reduce(x),
    "plus": lambda x: x + [x[0], 1, 2],
    "plus, reflected": lambda x: (x[0], 1, 2) - x,
    "nested": lambda x: x * [[x[0], 1, 2], [3, x[1], x[2]]],
    "matmul": lambda x: x @ [x[0], 1, 2],
    "matmul, reflected": lambda x: [[x[0], 1, 2], [0, 1, 0]] @ x,
    "where": lambda x: np.where(x > 0, x, [x[2], x[0], 1]),
    "dot": lambda x: np.dot(x, [x[0], 1, 2]),
    "concatenate": lambda x: np.concatenate([x, [x[0], 7.0], (x[1],)]),
    "stack": lambda x: np.stack([x, [1, x[0], 2]]),
    "vstack": lambda x: np.vstack([x, (x[0], 1, 2)]),
    "interp": lambda x: np.interp(x[0], [0, 1, 3], [x[1], 2, x[2]]),
    "einsum": lambda x: np.einsum("i,i", x, [x[0], 1, 2]),
    "maximum": lambda x: np.maximum(x, [x[2], 0, 0]),
    "clip": lambda x: np.clip(x, [0, 0, 0], [x[0], 1, 1]),
    "clip of a list": lambda x: fnp.clip([x[0], 9.0], 0, 3),
    "sort": lambda x: fnp.sort([x[0], x[1], 1.0]),
    "diff": lambda x: fnp.diff([x[0], x[1], 4.0]),
    "mean along an axis": lambda x: fnp.mean([x, [1, 2, x[0]]], axis=0),
    "solve": lambda x: np.linalg.solve(A + x, [x[0], 1, 2]),
    "determinant": lambda x: np.linalg.det(fnp.array([[x[0], 1], [2, x[1]]])),
    "norm": lambda x: np.linalg.norm(fnp.array([x[0], 3.0])),
    "fft": lambda x: np.abs(np.fft.fft(fnp.stack([x[0], 1.0]))),
    "shape": lambda x: x * fnp.ndim([x, x]),
    "index": lambda x: x[[np.argmax(x), 0]],
    "in place": lambda x: in_place(x, [x[0], 1, 2]),
    "assigned": lambda x: assigned(x, [x[0], 1, x[1]]),
}


def in_place(x, value):
    y = x.copy()
    y *= value
    return y


def assigned(x, value):
    y = np.zeros_like(x)
    y[:] = value
    return y


def numerically(f, x, direction):
    step = 1e-6
    return (f(x + step * direction) - f(x - step * direction)) / (2 * step)


def plainly(f, x):
    return f(x)


@pytest.mark.parametrize("name", LISTS)
def test_lists_with_traced_values_are_operands(name):
    f = LISTS[name]
    np.testing.assert_allclose(ft.jit(f)(X), f(X), rtol=1e-12)
    direction = np.array([0.3, -0.7, 0.4])
    _, tangent = ft.jvp(f, (X,), (direction,))
    np.testing.assert_allclose(tangent, numerically(f, X, direction), rtol=1e-6, atol=1e-8)
    if name not in ("index", "concatenate"):
        batch = np.stack([X, X * 1.25])
        np.testing.assert_allclose(ft.vmap(f)(batch), [f(row) for row in batch], rtol=1e-12)
    _, pull = ft.vjp(f, X)
    (cotangent,) = pull(np.ones_like(f(X)))
    np.testing.assert_allclose(cotangent @ direction, np.sum(tangent), rtol=1e-9)


# Arrays of other libraries


class Tensor:
    """As torch's: an array for those who ask."""

    def __array__(self, dtype=None, copy=None):
        return np.array(P, dtype)


class Interface:
    """Memory described by a dict."""

    def __init__(self):
        self.array = P.copy()
        self.__array_interface__ = self.array.__array_interface__


def _series():
    return pytest.importorskip("pandas").Series(P)


def _nullable():
    return pytest.importorskip("pandas").Series([1, 2, 3], dtype="Int64")


OTHERS = {
    "series": _series,
    "nullable series": _nullable,
    "index": lambda: pytest.importorskip("pandas").Index(P),
    "table": lambda: pytest.importorskip("pandas").DataFrame(A + 1),
    "DataArray": lambda: pytest.importorskip("xarray").DataArray(P),
    "masked array": lambda: np.ma.array(P),
    "tensor": Tensor,
    "interface": Interface,
    "memoryview": lambda: memoryview(P),
    "array.array": lambda: array.array("d", P),
    "ctypes": lambda: (ctypes.c_double * 3)(*P),
}
USES = {
    "t * a": lambda t, a: t * a,
    "t - a": lambda t, a: t - a,
    "t @ a": lambda t, a: t @ a,
    "t > a": lambda t, a: t > a,
    "a * t": lambda t, a: a * t,
    "a - t": lambda t, a: a - t,
    "a / t": lambda t, a: a / t,
    "a ** t": lambda t, a: a**t,
    "np.multiply(t, a)": lambda t, a: np.multiply(t, a),
    "np.where": lambda t, a: np.where(t > 0, t, a),
    "np.dot(t, a)": lambda t, a: np.dot(t, a),
    "np.stack": lambda t, a: np.concatenate([np.atleast_2d(t), np.atleast_2d(np.sin(t)), [t]]) + a,
    "in place": lambda t, a: in_place(t + np.zeros((3, 3)), a),
    "assigned": lambda t, a: assigned(t + np.zeros((3, 3)), a),
}
LEFT = {  # who goes first, and does not ask us
    "masked array": {"a * t", "a - t", "a / t", "a ** t"},
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", OTHERS)
def test_arrays_of_other_libraries_are_operands(name, use):
    other, f = OTHERS[name](), USES[use]
    t = np.abs(X) + 0.5
    if use in LEFT.get(name, ()):
        with pytest.raises(TypeError):
            ft.jit(lambda t: f(t, other))(t)
        return
    expected = f(t, np.asarray(other))
    found = ft.jit(lambda t: f(t, other))(t)
    assert type(found) in (np.ndarray, np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    if expected.dtype != bool:
        gradient = ft.grad(lambda t: np.sum(f(t, other) + 0.0))(t)
        np.testing.assert_allclose(gradient, ft.grad(lambda t: np.sum(f(t, np.asarray(other))))(t))


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "nullable series"])
def test_arrays_of_other_libraries_are_arguments(name):
    other = OTHERS[name]()
    values = np.asarray(other)

    def f(x):
        return np.sum(x**2 * 3)

    for result in (ft.grad(f)(other), ft.jit(ft.grad(f))(other), ft.jacrev(f)(other)):
        assert type(result) is np.ndarray
        np.testing.assert_allclose(result, 6 * values)
    np.testing.assert_allclose(ft.jit(f)(other), f(values))
    np.testing.assert_allclose(ft.vmap(np.sin)(other), np.sin(values))
    np.testing.assert_allclose(ft.jvp(f, (other,), (other,))[1], np.sum(6 * values**2))
    np.testing.assert_allclose(ft.vjp(np.sin, other)[1](other)[0], np.cos(values) * values)
    total, _sums = ft.scan(lambda c, x: (c + np.sum(x), c), 0.0, other)
    np.testing.assert_allclose(total, np.sum(values))
    np.testing.assert_allclose(ft.cond(True, np.sin, np.cos, other), np.sin(values))
    np.testing.assert_allclose(ft.jit(lambda x: (x, other))(1.0)[1], values)
    assert ft.eval_shape(np.sin, other).shape == values.shape


@pytest.mark.parametrize("transform", [ft.jit, lambda f: lambda x: ft.jvp(f, (x,), (x,))[0]])
def test_arrays_of_other_libraries_are_indices(transform):
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    x = np.array([1.0, 2.0, 3.0])
    for index, expected in [
        (pd.Series([2, 0]), [3, 1]),
        (pd.Series(x) > 1.5, [2, 3]),
        (pd.Index([1]), [2]),
        (xr.DataArray([0, 0]), [1, 1]),
        (np.ma.array([1, 2]), [2, 3]),
        (array.array("l", [2]), [3]),
        ((pd.Series([1, 2]),), [2, 3]),
    ]:
        np.testing.assert_array_equal(transform(lambda x, i=index: x[i])(x), expected)
    np.testing.assert_array_equal(
        ft.jit(lambda x: x.at[pd.Series([0, 2])].set(pd.Series([7.0, 8.0])))(x), [7, 2, 8]
    )
    np.testing.assert_array_equal(ft.jit(lambda x: np.take(x, pd.Series([2, 1])))(x), [3, 2])


def test_masked_values_are_refused():
    masked = np.ma.array(X, mask=[0, 1, 0])
    for call in (lambda: ft.grad(np.sum)(masked), lambda: ft.jit(lambda x: x * masked)(X)):
        with pytest.raises(LeafTypeError, match="1 masked") as caught:
            call()
        assert "filled" in str(caught.value)


def test_what_holds_no_numbers_is_refused():
    pd = pytest.importorskip("pandas")
    with pytest.raises(DTypeError, match="object|str"):
        ft.jit(lambda x: x * pd.Series(["a", "b", "c"], dtype=object))(X)
    with pytest.raises(FunctraceError):
        ft.grad(np.sum)(pd.Series(["a", "b"], dtype=object))
    with pytest.raises(TypeError):
        ft.jit(lambda x: x * b"abc")(X)


def test_xarrays_methods_go_on_with_traced_values():
    xr = pytest.importorskip("xarray")
    other = xr.DataArray(P, dims="i")
    f = lambda t: (np.exp(other * t).sum() - (other > t).sum() + (t - other).max()).data[()]
    expected = lambda t: np.exp(P * t).sum() - (t < P).sum() + (t - P).max()
    x = np.array([0.3, 0.1, -0.2])
    np.testing.assert_allclose(ft.grad(f)(x), ft.grad(expected)(x))
    np.testing.assert_allclose(ft.jit(lambda t: other * t)(x), P * x)


def test_methods_that_ask_for_values_say_what_to_write():
    pd = pytest.importorskip("pandas")
    for other in (pd.DataFrame(A), pd.Series(X)):
        with pytest.raises(FunctraceError, match=r"x\.to_numpy\(\) @ t"):
            ft.jit(lambda t, other=other: other @ t)(X)


# Labels


def test_labels_that_do_not_align_are_refused():
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    s = pd.Series(X, index=list("abc"))
    other = pd.Series(X, index=list("bca"))
    table = pd.DataFrame(A, columns=list("cab"))
    shifted = xr.DataArray(X, dims="i", coords={"i": [1, 2, 3]})
    for call in (
        lambda: ft.grad(lambda x: np.sum(x * other))(s),
        lambda: ft.grad(lambda x: np.sum(np.exp(x) * other))(s),
        lambda: ft.jit(lambda x: other * x)(s),
        lambda: ft.jit(lambda x: x * table)(s),
        lambda: ft.jit(lambda x: np.where(x > 0, s, other))(X),
        lambda: ft.grad(lambda x, y: np.sum(x * y))(s, other),
        lambda: ft.jit(lambda x: ft.jit(lambda y: y * other)(x))(s),
        lambda: ft.jit(lambda x: x * shifted)(xr.DataArray(X, dims="i", coords={"i": [0, 1, 2]})),
    ):
        with pytest.raises(ArgumentError, match="do not align") as caught:
            call()
        assert "to_numpy" in str(caught.value)


def test_labels_that_align_change_nothing():
    pd = pytest.importorskip("pandas")
    s = pd.Series(X, index=list("abc"))
    table = pd.DataFrame(A, index=list("abc"), columns=["u", "v", "w"])
    f = lambda x, y: np.sum(x * y + x * s - s.to_numpy()[::-1] * x) + np.sum(table.T @ X)
    np.testing.assert_allclose(ft.grad(f)(s, s * 2), ft.grad(f)(X, X * 2))
    unrelated = pd.Series([1.0, 2.0, 3.0], index=["p", "q", "r"])
    np.testing.assert_allclose(ft.grad(lambda x, y: np.sum(x) * np.sum(y))(s, unrelated), 6.0)


# Python integers


def test_an_integer_argument_says_how_to_write_a_float():
    for transform in (ft.grad, ft.value_and_grad, ft.hessian, ft.jacfwd):
        with pytest.raises(ft.errors.DerivativeTypeError, match=r"pass 3\.0, or float\(x\)"):
            transform(lambda x: x**2)(3)


# autoray


def test_autoray_finds_the_functions_of_traced_arrays():
    autoray = pytest.importorskip("autoray")
    do = autoray.do

    def f(x):
        if type(x) is ft.Tracer:
            assert autoray.infer_backend(x) == "functrace"
        square = do("reshape", x[:4], (2, 2))
        filled = do("zeros", (2,), like=x)
        filled[0] = x[1]
        made = do("array", [x[0], 2.0], like=x)
        parts = [
            do("sum", x), do("linalg.norm", x), do("tensordot", x, x, axes=1), do("trace", square),
            do("sum", filled), do("prod", made), do("einsum", "i,i->", x, x),
            do("linalg.svd", square)[1][0], do("stack", [x, x], axis=1)[0, 1],
            autoray.numpy.sum(autoray.numpy.exp(x)), do("real", do("fft.fft", x))[1],
            do("transpose", square, (1, 0))[0, 1], autoray.astype(x, "float64")[0],
            do("where", x > 1, x, 0.5)[2], do("linalg.solve", square, x[:2])[0],
        ]  # fmt: skip
        return sum(parts) * autoray.shape(x)[0]

    x = np.array([1.0, 2.0, 0.5, 4.0, 0.3])
    np.testing.assert_allclose(ft.jit(f)(x), f(x))
    gradient = ft.grad(f)(x)
    for i, unit in enumerate(np.eye(5)):
        np.testing.assert_allclose(gradient[i], numerically(f, x, unit), rtol=1e-6)


def test_ranges_are_operands_and_indices():
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(ft.jit(lambda t: t * range(3) + t[range(1, 2)])(x), [2, 4, 8])
    np.testing.assert_array_equal(ft.grad(lambda t: np.sum(range(3) * t))(x), [0, 1, 2])


def test_a_masked_array_on_the_left_is_refused_with_the_other_order():
    x, masked = np.ones(3), np.ma.array(np.arange(3.0))
    with pytest.raises(ft.errors.TracerConversionError, match=r"write t \* m for m \* t"):
        ft.grad(lambda t: np.sum(masked * t))(x)
    np.testing.assert_array_equal(ft.grad(lambda t: np.sum(t * masked))(x), [0, 1, 2])
