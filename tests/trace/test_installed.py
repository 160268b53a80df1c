"""`functrace.numpy.install`: NumPy's own constructors in code that nobody edits."""

import copy
import functools
import inspect
import math
import os
import pickle
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
from numpy import zeros

import functrace as ft
from functrace.errors import ConcretizationError, FunctraceError, TracerAssignmentError
from functrace.errors import TracerConversionError as ConversionError
from functrace.fillable import Fillable
from functrace.numpy.installed import CONSTRUCTORS

PLAIN = {name: getattr(np, name) for name in CONSTRUCTORS}


@pytest.fixture
def installed():
    with ft.numpy.install():
        yield
    assert all(getattr(np, name) is plain for name, plain in PLAIN.items())


# Code of others


def option_price(spot, strike, rate, volatility, time, steps=12):
    """An American put by a binomial tree, as finance packages write it."""
    dt = time / steps
    up = np.exp(volatility * np.sqrt(dt))
    p = (np.exp(rate * dt) - 1 / up) / (up - 1 / up)
    prices = np.zeros(steps + 1)
    for i in range(steps + 1):
        prices[i] = spot * up ** (steps - 2 * i)
    values = np.array([max(strike - s, 0.0) for s in prices])
    for step in np.arange(steps)[::-1]:
        for i in range(step + 1):
            kept = np.exp(-rate * dt) * (p * values[i] + (1 - p) * values[i + 1])
            values[i] = np.maximum(kept, strike - spot * up ** (step - 2 * i))
    return values[0]


def lorenz(state, sigma=10.0, rho=28.0, beta=8 / 3):
    x, y, z = state
    return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])


def trajectory(start, steps=5):
    states = np.empty((steps + 1, 3))
    states[0] = start
    for k in range(steps):
        states[k + 1] = states[k] + 0.01 * lorenz(states[k])
    return states


def kalman(q, readings=np.array([0.4, 0.9, 1.7, 1.9])):
    """Filtered means and variances of a walk with a trend."""
    n = len(readings)
    means, variances = np.zeros((n, 2)), np.zeros((n, 2, 2))
    F, H, Q, R = np.eye(2), np.zeros((1, 2)), np.zeros((2, 2)), np.full((1, 1), 0.5)
    F[0, 1] = H[0, 0] = 1.0
    np.fill_diagonal(Q, q)
    mean, P = np.zeros(2), np.eye(2) * 10
    for k, reading in enumerate(readings):
        mean, P = F @ mean, F @ P @ F.T + Q
        gain = P @ H.T @ np.linalg.inv(H @ P @ H.T + R)
        mean = mean + (gain @ (np.atleast_1d(reading) - H @ mean))
        P = (np.identity(2) - gain @ H) @ P
        means[k], variances[k, :, :] = mean, P
    return np.sum(means[:, 0] ** 2) + np.trace(variances[-1])


def log_prior(theta):
    bounds = np.array([[-5.0, 5.0], [0.0, 10.0]])
    logs = np.full(2, -np.inf)
    for i, (low, high) in enumerate(bounds):
        if low < theta[i] < high:
            logs[i] = -0.5 * theta[i] ** 2 - math.log(high - low)
    return logs.sum()


def polynomial_design(x, degree=3):
    X = np.ones((len(x), degree + 1))
    for j in range(1, degree + 1):
        X[:, j] = X[:, j - 1] * x
    return np.sum(np.cos(X.T @ X))


def views_of_rows(x):
    table = np.zeros((3, len(x)))
    first, columns, flat = table[0], table.T, table.ravel()
    first[:] = x
    flat[3:5] = x[0] * 2
    columns[1] += 5.0
    for row in table:
        row[0] += 1
    np.copyto(table[2], x)
    table[1:, ::2] *= x[1]
    return table


def joined(x):
    grid = np.mgrid[0:3, 0:2] * 1.0
    grid[0, :, 0] = x
    return np.r_[x, 1.0, grid.sum(axis=0)[:, 0]] @ np.r_[np.c_[x, x * 2].ravel(), 3.0]


VECTOR = np.array([0.4, 1.1, 0.7])
CALLS = {
    "binomial tree": (lambda v: option_price(100.0, 105.0, v, 0.2, 1.0), 0.05),
    "right-hand side": (lambda s: lorenz(s).sum(), VECTOR),
    "integrated": (lambda s: trajectory(s)[-1] @ VECTOR, VECTOR),
    "Kalman filter": (kalman, 0.3),
    "prior": (log_prior, np.array([0.5, 2.0])),
    "design matrix": (polynomial_design, VECTOR),
    "views": (lambda x: np.sum(np.sin(views_of_rows(x))), VECTOR),
    "joined": (joined, VECTOR),
}
NEEDS_VALUES = {"binomial tree", "prior"}  # Python's max, and an if


def difference(f, x):
    x, step = np.asarray(x, float), 1e-6
    units = np.eye(x.size).reshape(-1, *x.shape) * step
    slopes = [(f((x + u)[()]) - f((x - u)[()])) / (2 * step) for u in units]
    return np.reshape(slopes, x.shape)


@pytest.mark.parametrize("name", CALLS)
def test_code_of_others_is_differentiated(installed, name):
    f, x = CALLS[name]
    value, gradient = ft.value_and_grad(f)(x)
    np.testing.assert_allclose(value, f(x), rtol=1e-12)
    np.testing.assert_allclose(gradient, difference(f, x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ft.jvp(f, (x,), (np.ones_like(x),))[1], np.sum(gradient))
    if name not in NEEDS_VALUES:
        np.testing.assert_allclose(ft.jit(f)(x), f(x), rtol=1e-12)
        batch = np.stack([x, np.multiply(x, 1.1)])
        np.testing.assert_allclose(ft.vmap(f)(batch), [f(row) for row in batch], rtol=1e-12)
        hessian = ft.hessian(f)(x)
        slopes = difference(lambda v: np.sum(ft.grad(f)(v)), x)
        np.testing.assert_allclose(np.sum(hessian, 0) if np.ndim(x) else hessian, slopes, rtol=1e-4)


@pytest.mark.parametrize("name", CALLS)
def test_code_of_others_fails_without(name):
    f, x = CALLS[name]
    with pytest.raises(FunctraceError, match="functrace.numpy") as caught:
        ft.grad(f)(x)
    assert "install()" in str(caught.value) or name in ("binomial tree", "prior")


def test_scipys_test_functions_are_differentiated(installed):
    from scipy.optimize import rosen, rosen_der, rosen_hess

    x = np.array([1.3, 0.7, 0.8, 1.9])
    np.testing.assert_allclose(ft.grad(rosen)(x), rosen_der(x))
    np.testing.assert_allclose(ft.jacobian(rosen_der)(x), rosen_hess(x))
    np.testing.assert_allclose(ft.jit(rosen_hess)(x), rosen_hess(x))


def test_bodies_of_loops_make_arrays(installed):
    def step(state, u):
        new = np.zeros(2)
        new[0], new[1] = state[1], u - state[0]
        return new, np.array([new[0], u])

    def last(x):
        state, ys = ft.scan(step, np.array([x, 1.0]), np.arange(4.0))
        return state[0] + ys.sum()

    states = np.array([2.0, 1.0])
    total = 0.0
    for u in np.arange(4.0):
        states, y = step(states, u)
        total += y.sum()
    np.testing.assert_allclose(ft.jit(last)(2.0), states[0] + total)
    np.testing.assert_allclose(ft.grad(last)(2.0), difference(last, 2.0))
    chosen = ft.cond(True, lambda x: np.array([x, 1.0]), lambda x: np.zeros(2), 3.0)
    np.testing.assert_array_equal(chosen, [3.0, 1.0])


# Plain values stay plain


@pytest.mark.parametrize("transform", [ft.jit, ft.grad])
def test_constants_have_their_values(installed, transform):
    from scipy.interpolate import CubicSpline
    from scipy.spatial import cKDTree

    def f(t):
        y, places = np.zeros(3), np.arange(3)
        y[1] = 2.0
        assert y[1] > 1
        assert not y[0]
        assert float(y[1]) == 2
        assert int(y[1]) == 2
        assert y[1].item() == 2
        assert [10, 20, 30][places[2]] == 30
        assert {places[1]: "b"}[1] == "b"
        assert list(range(len(y))) == [0, 1, 2]
        assert range(places[2])[-1] == 1
        assert isinstance(y, np.ndarray)
        assert y.flags.writeable
        assert y.strides == (8,)
        assert f"{y[1]:.1f}" == "2.0"
        assert y.tolist() == [0, 2, 0]
        assert memoryview(y)[1] == 2.0
        assert math.sqrt(y[1]) == math.sqrt(2)
        assert str(y) == "[0. 2. 0.]"
        assert type(pickle.loads(pickle.dumps(y))) is np.ndarray
        assert np.asarray(y) is y
        assert np.array(y) is not y
        assert (y == [0, 2, 0]).all()
        grid = np.linspace(0.0, 3.0, 4)
        assert CubicSpline(grid, grid**2)(1.5) == pytest.approx(2.25)
        assert cKDTree(np.eye(3)).query(np.array([0.9, 0.1, 0.0]))[1] == 0
        assert np.linalg.solve(np.eye(3) * 2, y)[1] == 1
        np.testing.assert_allclose(np.ones(2), 1.0)
        copied = copy.deepcopy(y)
        copied[0] = t
        assert y[0] == 0
        return t * y[1] + copied[0]

    assert transform(f)(3.0) == (9.0 if transform is ft.jit else 3.0)


def test_arrays_given_are_the_arrays_returned(installed):
    x, series = np.ones(3), [1.0, 2.0]

    def f(t):
        assert np.asarray(x) is x
        assert np.ascontiguousarray(x) is x
        assert type(np.asarray(x)) is np.ndarray
        assert type(x * 2) is np.ndarray
        assert np.array(series, dtype=object).dtype == object
        assert np.array(["a"]).dtype.kind == "U"
        assert np.asarray(t) is t
        return t

    ft.jit(f)(np.ones(2))


def test_dtypes_of_arrays_decide_as_in_numpy(installed):
    def integers(t):
        y = np.zeros(2, dtype=int)
        y[0] = t
        return y

    assert ft.jit(integers)(2.7).tolist() == [2, 0]
    assert ft.jit(integers)(2.7).dtype == int

    def of_complex(t):
        y = np.zeros(2)
        y[0] = t * 1j
        return y

    with pytest.raises(ft.errors.DTypeError, match="complex"):
        ft.jit(of_complex)(2.0)
    assert ft.jit(lambda t: np.array([t, 1], dtype=np.float32))(2.0).dtype == np.float32


def test_checks_look_at_values(installed):
    def checked(x):
        np.testing.assert_allclose(x, [1.0, 2.0])
        np.testing.assert_array_less(np.array([x[0], 0.0]), 3.0)
        assert np.isscalar(x[0])
        assert not np.isscalar(x)
        assert np.ndim([x[0], 1.0]) == 1
        assert np.iterable(x)
        assert not np.iterable(x[0])
        assert np.shape([x, x]) == (2, 2)
        return np.sum(np.asarray_chkfinite(x) ** 2)

    np.testing.assert_allclose(ft.grad(checked)(np.array([1.0, 2.0])), [2.0, 4.0])
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        ft.grad(checked)(np.array([1.0, 2.5]))
    with pytest.raises(ConcretizationError, match="assert_allclose"):
        ft.jit(checked)(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="infs or NaNs"):
        ft.grad(lambda x: np.asarray_chkfinite(x)[0])(np.array([np.nan]))


@pytest.mark.parametrize("transform", [ft.jit, ft.vmap])
def test_a_module_is_given_our_namespace(transform):
    module = types.ModuleType("of_others")
    exec(
        "import numpy as np\n"
        "def f(t):\n"
        "    a, b, c = np.linspace(0.0, 1.0, 3), np.zeros_like(np.ones(3)), np.full(3, t)\n"
        "    a[1], b[0], c[2] = t, t**2, 1.0\n"
        "    d = np.diag(np.arange(3.0))\n"
        "    d[0] = np.sum([a, b], axis=0)\n"
        "    assert isinstance(np.eye(2), np.ndarray) and np.eye(2)[0, 0] == 1\n"
        "    return np.array([a, b, c]) @ d\n",
        vars(module),
    )
    x = np.array([2.0, 3.0]) if transform is ft.vmap else 2.0
    expected = [module.f(t) for t in x] if transform is ft.vmap else module.f(x)
    with pytest.raises(FunctraceError):
        transform(module.f)(x)
    module.np = ft.numpy
    np.testing.assert_allclose(transform(module.f)(x), expected)


def test_rules_and_front_ends_find_their_functions(installed):
    @ft.custom_jvp
    def first(x):
        y = np.zeros(2)
        y[0] = x[0]
        return y

    @first.defjvp
    def rule(primals, tangents):
        moved = np.zeros(2)
        moved[0] = tangents[0][0] * 5
        return first(primals[0]), moved

    assert ft.grad(lambda t: np.sum(first(np.array([t, 1.0]))))(2.0) == 5.0

    def changed(t):
        y = np.empty(4)
        np.multiply(np.ones(4), t, out=y)
        np.cumsum(y, out=y)
        np.add.at(y, [0, 0], t)
        y[[1, 3]] *= 2
        y.sort()
        return np.ma.array(np.ones(4)).sum() * y

    np.testing.assert_allclose(ft.jit(changed)(2.0), changed(2.0))
    np.testing.assert_allclose(ft.jvp(changed, (2.0,), (1.0,))[1], changed(1.0))

    def solved(t):
        matrix = np.eye(2)
        matrix[0, 1] = t
        return scipy_linalg.solve(matrix, np.ones(2))

    scipy_linalg = pytest.importorskip("scipy.linalg")
    with pytest.raises(FunctraceError):
        ft.jit(solved)(2.0)


def test_a_filled_array_is_not_read_by_its_memory(installed):
    def f(t):
        y = np.zeros(2)
        row = y[:1]
        y[0] = t
        for kept in (y, row):
            with pytest.raises(FunctraceError):
                math.sqrt(memoryview(PLAIN["asarray"](kept).astype(float))[0])
        return y[0]

    assert ft.grad(f)(2.0) == 1.0


def test_an_array_of_another_trace_is_not_filled(installed):
    kept = []

    def outer(x):
        y = np.zeros(2)

        def inner(t):
            y[0] = t
            return t

        return ft.grad(inner)(x)

    with pytest.raises(TracerAssignmentError, match="made outside"):
        ft.grad(outer)(1.0)

    def keeping(x):
        kept.append(np.zeros(2))
        return x

    ft.grad(keeping)(1.0)
    (left,) = kept
    left[0] = 3.0
    assert left.tolist() == [3.0, 0.0]
    with pytest.raises(TracerAssignmentError, match="new array for each call"):
        ft.grad(lambda x: left.__setitem__(0, x) or x)(1.0)


def test_a_large_array_can_be_used_and_changed(installed):
    def f(t):
        y = np.zeros(20_000)
        first = np.sum(y * t)
        y[3] = 2.0  # used above where it lies, as it is large
        return first + np.sum(y * t)

    assert ft.grad(f)(1.5) == ft.grad(f)(2.5) == 2.0


# NumPy's functions are NumPy's


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_functions_look_like_numpys(installed, name):
    plain, ours = PLAIN[name], getattr(np, name)
    assert ours is not plain
    for attribute in ("__doc__", "__name__", "__module__", "__qualname__"):
        assert getattr(ours, attribute) == getattr(plain, attribute, name) or (
            attribute == "__module__" and ours.__module__ == "numpy"
        )
    try:
        expected = inspect.signature(plain)
    except ValueError:
        with pytest.raises(ValueError, match="signature"):
            inspect.signature(ours)
    else:
        assert inspect.signature(ours) == expected
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(ours, protocol)) is ours
        assert pickle.loads(pickle.dumps(plain, protocol)) is plain
    assert copy.deepcopy(ours) is ours

    class Backend:
        function = ours

    assert Backend().function is ours  # as NumPy's, they become no methods


def test_names_are_pickled_by_name(installed):
    assert pickle.loads(pickle.dumps(np.array)) is np.array
    kept = np.zeros
    data = pickle.dumps(kept)
    assert b"numpy" in data
    assert b"functrace" not in data
    ft.numpy.uninstall()
    try:
        assert pickle.loads(data) is PLAIN["zeros"]
        assert pickle.loads(pickle.dumps(kept)) is kept
    finally:
        ft.numpy.install()


def test_plain_calls_give_what_numpy_gives(installed):
    for result, expected in [
        (np.zeros(3), [0, 0, 0]),
        (np.array([[1, 2]], dtype=np.float32), [[1, 2]]),
        (np.r_[1:3, 5], [1, 2, 5]),
        (functools.partial(np.full, 2)(7), [7, 7]),
    ]:
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    with pytest.raises(TypeError, match="shape"):
        np.zeros()
    with pytest.raises(TypeError, match="unexpected"):
        np.zeros(3, nonsense=1)


def test_calls_of_install_are_counted():
    ft.numpy.install()
    with pytest.raises(ZeroDivisionError), ft.numpy.install():
        1 / (np.zeros is PLAIN["zeros"])
    assert np.zeros is not PLAIN["zeros"]
    ft.numpy.uninstall()
    assert np.zeros is PLAIN["zeros"]
    ft.numpy.uninstall()  # once more changes nothing
    with ft.numpy.install() as manager:
        pass
    manager.__exit__(None, None, None)
    assert np.zeros is PLAIN["zeros"]
    assert ft.jit(lambda x: x * np.zeros(2))(1.0).tolist() == [0, 0]
    assert "__getitem__" not in vars(type(np.r_))


def test_errors_in_traces_leave_nothing_behind(installed):
    with pytest.raises(ZeroDivisionError):
        ft.grad(lambda x: 1 / 0)(1.0)
    assert np.zeros.func is PLAIN["zeros"]  # outside of traces it is called at once
    assert type(np.zeros(2)) is np.ndarray


def test_it_can_be_installed_in_a_traced_function():
    def f(t):
        with ft.numpy.install():
            y = np.zeros(2)
        y[0] = t
        return y.sum()

    assert ft.grad(f)(2.0) == 1.0
    assert np.zeros is PLAIN["zeros"]


def test_names_that_modules_imported_are_replaced():
    module = types.ModuleType("of_others")
    exec("from numpy import zeros, array as make, ones as zeros_", vars(module))
    sys.modules["of_others"] = module
    try:
        with ft.numpy.install():
            assert module.zeros is np.zeros is zeros
            assert module.make is PLAIN["array"]  # another name may mean what it is
        assert module.zeros is PLAIN["zeros"] is zeros
    finally:
        del sys.modules["of_others"]


def test_threads_that_do_not_trace_see_numpys_arrays(installed):
    traced, checked = threading.Event(), threading.Event()
    kinds = []

    def other():
        traced.wait(20)
        kinds.append(type(np.zeros(3)))
        kinds.append(type(np.r_[1:3]))
        checked.set()

    thread = threading.Thread(target=other)
    thread.start()

    def f(t):
        traced.set()
        assert checked.wait(20)
        y = np.zeros(2)
        assert type(y) is Fillable
        y[0] = t
        return y.sum()

    assert ft.grad(f)(2.0) == 1.0
    thread.join()
    assert kinds == [np.ndarray, np.ndarray]


def test_threads_trace_at_the_same_time(installed):
    results = {}

    def work(i):
        results[i] = [float(ft.grad(CALLS["views"][0])(VECTOR * i)[0]) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, found in results.items():
        np.testing.assert_allclose(found, difference(CALLS["views"][0], VECTOR * i)[0], rtol=1e-5)
    assert len(results) == 4


@pytest.mark.parametrize(
    ("value", "expected"), [("install", "Fillable"), ("", "ndarray"), (None, "ndarray")]
)
def test_the_environment_asks_for_it(value, expected):
    code = (
        "import numpy as np, functrace as ft\n"
        "ft.jit(lambda x: print(type(np.zeros(2)).__name__) or x)(1.0)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "FUNCTRACE_NUMPY"}
    environment |= {} if value is None else {"FUNCTRACE_NUMPY": value}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_our_own_code_makes_plain_arrays(installed):
    kinds = set()

    def f(x):
        kinds.add(type(ft.numpy.linalg.norm(x)))
        return (
            np.sum(np.linspace(0.0, x[0], 5)) + np.sum(np.pad(x, 2)) + np.sum(np.fft.rfft(x).real)
        )

    program = ft.trace(f)(np.array([1.0, 2.0]))
    for equation in program.equations:
        for atom in equation.inputs:
            assert type(getattr(atom, "value", None)) is not Fillable
    assert kinds == {ft.Tracer}


def of_lists(x):
    """NumPy's functions of lists of numbers, as loops over tables call them."""
    table = np.full((3, 3), np.inf)
    table[0, 0] = x[0] ** 2
    for i in range(1, 3):
        table[i, 0] = table[0, i] = table[i - 1, 0] + x[i]
        table[i, 1] = np.min([table[i - 1, 0], table[i, 0], 9.0]) + np.sum((x[0], 1.0))
    totals = np.sum(np.ones((2, 3)), axis=0)
    totals[0] = np.dot([x[0], 2.0], [x[1], x[2]])
    np.cumsum(x, out=table[:, 2])
    return (
        np.sum(table[1:])
        + np.prod(totals)
        + np.mean([[x[0], 1.0], [x[1], 2.0]], axis=0) @ [1.0, x[2]]
        + np.linalg.slogdet(np.block([[np.diag([x[0], 2.0]), np.zeros((2, 1))], [np.ones(3)]]))[1]
        + np.sum(np.stack([[x[0], 1.0], [2.0, x[1]]]) * np.tile([x[2]], 2))
        + np.median([x[0], x[1], x[2]])
        + np.sum(np.fromiter((v * v for v in x), float) * np.append([x[0]], [1.0, x[1]]))
    )


def test_functions_take_lists(installed):
    value, gradient = ft.value_and_grad(of_lists)(VECTOR)
    np.testing.assert_allclose(value, of_lists(VECTOR))
    np.testing.assert_allclose(gradient, difference(of_lists, VECTOR), rtol=1e-6)
    np.testing.assert_allclose(ft.jit(of_lists)(VECTOR), of_lists(VECTOR))
    batch = np.stack([VECTOR, VECTOR * 1.1])
    np.testing.assert_allclose(ft.vmap(of_lists)(batch), [of_lists(row) for row in batch])


def test_errors_offer_to_install_only_where_it_is_not_done():
    def of_a_ufunc(t):
        return np.exp([t, 1.0])[0]

    def of_a_series(t):
        return np.polynomial.Chebyshev([1.0, 2.0])(t)

    with pytest.raises(ConversionError, match=r"call functrace\.numpy\.install\(\)"):
        ft.grad(of_a_ufunc)(1.0)
    with pytest.raises(ConversionError, match=r"use functrace\.numpy\.polynomial, whose"):
        ft.grad(of_a_series)(1.0)
    with ft.numpy.install():
        with pytest.raises(ConversionError) as caught:
            ft.grad(of_a_ufunc)(1.0)
        assert "install()" not in str(caught.value)
        assert ft.grad(of_a_series)(1.0) == 2.0


MODES = {np._CopyMode.ALWAYS: True, np._CopyMode.IF_NEEDED: None, np._CopyMode.NEVER: False}


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("name", ["array", "asarray", "reshape", "astype"])
def test_copies_are_asked_for_as_in_numpy(installed, name, mode):
    def changed(x, copy):
        y = x * 2
        z = {
            "array": lambda: np.array(y, copy=copy),
            "asarray": lambda: ft.numpy.asarray(y, copy=copy),
            "reshape": lambda: np.reshape(y, (3,), copy=copy),
            "astype": lambda: y.astype(float, copy=copy),
        }[name]()
        z[0] = 7.0
        return y[0]

    expected = 2 * VECTOR[0] if MODES[mode] else 7.0
    assert ft.jit(lambda x: changed(x, mode))(VECTOR) == expected
    if MODES[mode] is not None or name != "astype":  # there, None does not ask
        assert ft.jit(lambda x: changed(x, MODES[mode]))(VECTOR) == expected


@pytest.mark.parametrize("never", [False, np._CopyMode.NEVER], ids=str)
def test_copies_that_are_needed_are_refused_where_none_may_be_made(installed, never):
    for make in (np.array, np.asarray):
        for given in (lambda x: [x, 1.0], lambda x: x):
            with pytest.raises(ft.errors.OptionError, match="copy"):
                ft.jit(lambda x, of=make, given=given: of(given(x), np.float32, copy=never))(2.0)


def test_scipys_matrices_of_blocks(installed):
    block_diag = pytest.importorskip("scipy.linalg").block_diag
    matrix = ft.jit(lambda x: block_diag(np.array([[x[0], 1.0]]), x[1]))(VECTOR)
    np.testing.assert_array_equal(matrix, [[VECTOR[0], 1.0, 0.0], [0.0, 0.0, VECTOR[1]]])
