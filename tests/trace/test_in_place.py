"""In-place operators on traced arrays do what they do on NumPy's, or say that they cannot."""

import copy
import operator
import random

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import functrace as ft
from functrace.errors import DTypeError, ShapeError, TracerAssignmentError

fnp = ft.numpy
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


def filled(x):
    y = fnp.zeros((3, 3))
    y[0] = x
    y[1, 1:] = x[:2] * 2
    y[2, 0] = np.sum(x)
    y[:, 2] += x
    return y


def view_semantics(x):
    y = np.outer(x, x)
    row = y[1]
    row += 1  # shows in y
    y[1, 0] = 5.0  # shows in row
    turned = y.T
    turned[0] *= 2
    tail = y[1:, ::-1]
    tail -= x
    flipped = np.flip(y)
    flipped[0, 0] = x[0]
    return np.concatenate([y, row[None], turned, tail, flipped])


def rows_of_a_loop(x):
    y = fnp.empty((4, 3))
    for i, row in enumerate(y):
        row[...] = x ** (i + 1)
    for i in range(1, 4):
        y[i] += y[i - 1] / 2
    return y


def scalars_are_copies(x):
    y = x * 2
    first = y[0]
    y[0] = 7.0
    y += 1
    return first * y


def index_arrays(x):
    y = fnp.zeros((3, 4))
    y[[0, 2], [1, 1]] = x[:2]
    y[1, np.array([0, 0, 3])] = x  # the last value counts
    y[:, [0, 1]] += 1.0
    y[np.array([0, 0])] += x[0]  # once, as in NumPy
    y[np.ix_([0, 1], [2, 3])] = np.outer(x[:2], x[1:])
    return y


def masks(x):
    y = np.outer(x, x)
    y[y > 3.5] = 0.5
    y[np.eye(3, dtype=bool)] = x
    return y


def whole(x):
    y = fnp.full((2, 3), 2.0)
    y[:] = x
    y[...] *= x
    y[0] = y[1] = 3.0
    y.fill(4.0)
    y[()] += x
    return y


def self_overlap(x):
    y = np.concatenate([x, x])
    y[1:] = y[:-1]
    y[::-1] += y
    return y


def flat_view(x):
    y = fnp.zeros((3, 3))
    y.ravel()[::4] = x
    y.reshape(-1)[1] = x[0]
    y.T.ravel()[2] = 99.0  # a copy, in NumPy too
    y.flatten()[3] = 99.0
    return y


def functions_in_place(x):
    y = fnp.arange(9.0).reshape(3, 3)
    np.fill_diagonal(y, x)
    np.put(y, [1, 5], x[:2])
    np.copyto(y[2], x * 2)
    np.place(y, y > 6, x)
    np.putmask(y, y < 0.5, 9 * x)
    np.put_along_axis(y, np.array([[0], [1], [2]]), x[:, None], axis=1)
    np.add.at(y, ([0, 0, 1], [0, 0, 2]), x)
    np.maximum.at(y, [0, 0], np.stack([x, 2 * x]))
    np.multiply.at(y, (slice(None), [1, 1]), np.stack([x, x + 1], 1))
    return y


def sorted_in_place(x):
    y = np.array([2.0, -1.0, 1.0]) * x
    y.sort()
    z = y[::-1] * 1
    z.partition(1)
    return y + z


def out_arguments(x):
    y = fnp.zeros(3)
    result = np.multiply(x, 2.0, out=y)
    result += 1
    np.sin(y, out=y)
    np.add(y, x, out=y, where=x > 1.5)
    return y


def like_arrays(x):
    y = np.zeros_like(x)
    for i in range(3):
        y[i] = x[i] * (i + 1)
    z = np.full_like(x, 2.0)
    z[1:] = y[:-1]
    u = np.empty_like(x, shape=(2, 3))
    u[0], u[1] = y, z
    return u


def real_and_imaginary_parts(x):
    z = x * (1 + 2j)
    z.real[0] = 3.0
    z.imag += x
    return np.abs(z)


def integers(x):
    y = fnp.zeros(3, int)
    y[0] = 2
    y[1:] = [3.7, True]  # as NumPy casts
    return x[y % 3] * y


def broadcast_values(x):
    y = fnp.ones((2, 3), order="F")
    y[:, :] = x[None, None]
    y[:, 1:] = [[5.0], [6.0]]
    return y


def itself(x):
    y = x * 2
    y[::-1] = y
    y[[1, 2, 0]] = y
    y[:] = y
    y[...] += y
    return y


def arrays_without_axes(x):
    total = fnp.zeros(())
    same = total
    total += x[0]  # shows in `same`, as NumPy's arrays without axes are no numbers
    y = x * 1
    first, number, taken = y[0, ...], y[1], total[()]
    first *= 3  # shows in y
    number += 100
    total *= 2
    taken += number
    made, of_number = number[None], number[...]
    made += 1  # of a number, which does not change
    of_number += made[0]
    taken += of_number
    y[...] += total.copy()
    return y * same + taken


def views_that_only_look(x):
    y = np.outer(x, x)
    diagonal, other = np.diagonal(y), np.diag(y, 1)
    windows = sliding_window_view(y, 2, axis=1)
    y[0] = 7 * x
    y[1, 2] += 1
    return diagonal * windows[:, 0, 1] + other[1]


def einsum_views(x):
    y = fnp.zeros((3, 3))
    diagonal = np.einsum("ii->i", y)
    diagonal[1:] = x[1:]
    np.einsum("ij->ji", y)[0] += x
    np.einsum("i,i->i", x, x)[0] = 9.0
    return y * diagonal


def parts_of_a_view_that_may_be_one(x):
    flat = np.sin(np.outer(x, x)).ravel()
    flat[::4] += x
    head = flat[:3]
    flat *= 2
    return head


def results_put_into_arrays(x):
    y = np.outer(x, x)
    np.clip(y, 0.3, 5.0, out=y)
    y[1].clip(1.0, None, out=y[1])
    np.sum(y, axis=0, out=y[2])
    np.cumsum(y[2], out=y[2])
    y.mean(axis=1, out=y[:, 0])
    return y


def conversions(x):
    y = x * 1
    same = y.astype(float, copy=False)
    same += 1  # shows in y
    apart = y.astype(float)
    apart += 1
    y[:2] = [x[1], 5.0]
    y[[0, np.argmax(x)]] *= 2
    y[np.sum(x) > 100] = 0.0
    y[x[0] < x[1]] = y + x
    return y


FILLED = [
    itself, arrays_without_axes, views_that_only_look, einsum_views,
    parts_of_a_view_that_may_be_one, results_put_into_arrays, conversions, filled, view_semantics,
    rows_of_a_loop, scalars_are_copies, index_arrays, masks, whole, self_overlap, flat_view,
    functions_in_place, sorted_in_place, out_arguments, like_arrays, real_and_imaginary_parts,
    integers, broadcast_values,
]  # fmt: skip


@pytest.mark.parametrize("f", FILLED)
def test_assignment_gives_numpys_values_under_every_transform(f):
    expected = f(X)
    assert type(expected) is np.ndarray  # without a trace functrace.numpy makes plain arrays
    np.testing.assert_allclose(ft.jit(f)(X), expected)
    batch = np.stack([X, 2 * X, X - 0.25])
    rows = np.stack([f(row) for row in batch])
    if f not in (masks, sorted_in_place, integers):  # where a batch has no one shape, or value
        np.testing.assert_allclose(ft.vmap(f)(batch), rows)
    step = 1e-6
    columns = [(f(X + step * e) - f(X - step * e)) / (2 * step) for e in np.eye(3)]
    numerical = np.stack(columns, -1)
    np.testing.assert_allclose(ft.jacrev(f)(X), numerical, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(ft.jacfwd(ft.jit(f))(X), numerical, rtol=1e-5, atol=1e-4)


UPDATES = {
    "set": (lambda x, v: fnp.at(x)[[0, 2, 0]].set(v), lambda y, v: y.__setitem__([0, 2, 0], v)),
    "add": (lambda x, v: fnp.at(x)[[0, 2, 0]].add(v), lambda y, v: np.add.at(y, [0, 2, 0], v)),
    "subtract": (lambda x, v: fnp.at(x)[[0, 2, 0]].subtract(v),
                 lambda y, v: np.subtract.at(y, [0, 2, 0], v)),
    "multiply": (lambda x, v: fnp.at(x)[[0, 2, 0]].multiply(v),
                 lambda y, v: np.multiply.at(y, [0, 2, 0], v)),
    "divide": (lambda x, v: fnp.at(x)[[0, 2, 0]].divide(v),
               lambda y, v: np.divide.at(y, [0, 2, 0], v)),
    "min": (lambda x, v: fnp.at(x)[[0, 2, 0]].min(v), lambda y, v: np.minimum.at(y, [0, 2, 0], v)),
    "max": (lambda x, v: fnp.at(x)[[-1, 2, 0]].max(v),
            lambda y, v: np.maximum.at(y, [-1, 2, 0], v)),
    "power": (lambda x, v: fnp.at(x)[1:].power(v[1:]), lambda y, v: np.power.at(y, [1, 2], v[1:])),
    "apply": (lambda x, v: fnp.at(x)[1:].apply(np.exp), lambda y, v: np.exp.at(y, [1, 2])),
    "slice": (lambda x, v: fnp.at(x)[::2].add(v[:2]), lambda y, v: np.add.at(y, [0, 2], v[:2])),
    "mask": (lambda x, v: fnp.at(x)[x > 1.5].multiply(v[0]),
             lambda y, v: np.multiply.at(y, y > 1.5, v[0])),
}  # fmt: skip
V = np.array([2.5, -1.5, 0.5])


@pytest.mark.parametrize("name", UPDATES)
def test_updates_at_indices_are_changed_copies(name):
    update, in_place = UPDATES[name]

    def plain(x, v):
        y = x.copy()
        in_place(y, v)
        return y

    def kept(x, v):
        changed = update(x, v)
        return np.concatenate([changed, x])

    expected = plain(X, V)
    np.testing.assert_allclose(ft.jit(update)(X, V), expected)
    np.testing.assert_allclose(ft.jit(kept)(X, V), np.concatenate([expected, X]))
    for argnum in (0, 1):
        columns = []
        for e in np.eye(3) * 1e-6:
            shift = (e, 0) if argnum == 0 else (0, e)
            columns.append(
                (plain(X + shift[0], V + shift[1]) - plain(X - shift[0], V - shift[1])) / 2e-6
            )
        numerical = np.stack(columns, -1)
        np.testing.assert_allclose(ft.jacrev(update, argnum)(X, V), numerical, atol=1e-7, rtol=1e-7)
        np.testing.assert_allclose(ft.jacfwd(update, argnum)(X, V), numerical, atol=1e-7, rtol=1e-7)


def test_updates_at_traced_indices_combine_repeated_ones():
    for name in ("add", "multiply", "min", "max"):
        ufunc = {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum}[name]
        indices, values = np.array([[2, 0, 2], [0, -1, 2]]), np.arange(12.0).reshape(2, 3, 2) - 4
        expected = np.linspace(-2, 3, 6).reshape(3, 2)
        x = expected.copy()
        ufunc.at(expected, indices, values)
        f = ft.jit(lambda x, i, v, name=name: getattr(x.at[i], name)(v))
        np.testing.assert_allclose(f(x, indices, values), expected)


def test_updates_of_plain_arrays():
    x = np.zeros(3)
    np.testing.assert_array_equal(fnp.at(x)[1].set(2.0), [0, 2, 0])
    np.testing.assert_array_equal(fnp.at(x)[1:].get(), [0, 0])
    np.testing.assert_array_equal(x, 0)


def test_a_part_that_is_got_is_a_copy():
    def f(x):
        y = x * 1
        part = y.at[1:].get()
        part += 1
        return y

    np.testing.assert_array_equal(ft.jit(f)(X), X)


CHANGES = [
    lambda a, x: a[-1] if a.ndim > 1 and a.size else None,
    lambda a, x: a[:, 0] if a.ndim > 1 and a.size else None,
    lambda a, x: a[1::2],
    lambda a, x: a.T,
    lambda a, x: np.flip(a),
    lambda a, x: a[None, ..., None],
    lambda a, x: a.reshape(-1, 2) if a.size % 2 == 0 else None,
    lambda a, x: a.ravel(),
    lambda a, x: np.sin(a),
    lambda a, x: operator.setitem(a, ..., a + 1.5),
    lambda a, x: operator.setitem(a, ..., np.tanh(x[0, 0]) * a),
    lambda a, x: operator.setitem(a, slice(0, 1), np.sum(x)),
    lambda a, x: operator.setitem(a, np.array([0, -1, 0]), np.cos(x[0, 0])) if a.size else None,
    lambda a, x: operator.setitem(a, a > 1.0, 0.25),
    lambda a, x: decay(a[1:], a[:-1]) if a.shape[0] > 1 else None,
    lambda a, x: operator.setitem(a, slice(None, None, -1), a),
    lambda a, x: a[0, ...] if a.ndim > 1 and a.size else None,
    lambda a, x: np.cumsum(a, axis=0, out=a),
    lambda a, x: decay(a.ravel()[1::2], np.sum(x)) if a.size > 1 else None,
]


def decay(later, earlier):
    later -= earlier * 0.5


def random_changes(seed, x, namespace):
    """Random views of arrays and changes of them, the same for each call."""
    choose = random.Random(seed)
    arrays = [x.copy(), namespace.zeros((3, 4)), x * 1, namespace.ones((2, 3, 2)).copy(),
              namespace.ones(5)]  # fmt: skip
    for _ in range(choose.randint(2, 12)):
        view = choose.choice(CHANGES)(choose.choice(arrays), x)
        if view is not None:
            arrays.append(view)
    return sum(np.sum(np.cos(a)) * (i + 1) for i, a in enumerate(arrays))


LAYOUT_DECIDES = (20, 23, 25, 29, 30, 35, 47, 50)


@pytest.mark.parametrize("seed", range(60))
def test_random_views_and_changes_are_numpys(seed):
    x = np.random.default_rng(seed).normal(size=(4, 3))
    direction = np.random.default_rng(seed + 1).normal(size=(4, 3))
    step = 1e-6 * direction
    if seed in LAYOUT_DECIDES:
        with pytest.raises(TracerAssignmentError, match="memory layout"):
            ft.jit(lambda x: random_changes(seed, x, fnp))(x)
        return
    value = ft.jit(lambda x: random_changes(seed, x, fnp))(x)
    gradient = ft.grad(lambda x: random_changes(seed, x, fnp))(x)
    np.testing.assert_allclose(value, random_changes(seed, x, np))
    numerical = random_changes(seed, x + step, np) - random_changes(seed, x - step, np)
    np.testing.assert_allclose(np.sum(gradient * direction), numerical / 2e-6, rtol=1e-4, atol=1e-4)


def test_changes_of_many_views_take_linear_time():
    def rows_apart(x):
        y = fnp.zeros((len(x), 2))
        rows = list(y)
        for row, value in zip(rows, x, strict=True):
            row += value
        return y

    counts = [len(ft.trace(rows_apart)(np.arange(float(n))).equations) for n in (50, 100)]
    assert counts[1] < 2.2 * counts[0]


def counted_up(x):
    x += 1
    x *= x
    return x


def test_a_number_that_is_an_argument_may_get_another_value():
    for argument in (2.0, np.float64(2.0)):
        assert ft.grad(counted_up)(argument) == 6.0
        assert ft.jit(counted_up)(argument) == 9.0
    np.testing.assert_array_equal(ft.vmap(counted_up)(X), counted_up(X.copy()))

    def add(i, total):
        total += X[0] * i
        return total

    assert ft.fori_loop(0, 4, add, 0.0) == 6.0


def test_an_array_without_axes_that_is_an_argument_may_not_be_assigned_to():
    def f(x, copy):
        if copy:
            x = x.copy()
        x[...] = 3.0
        return x

    assert ft.jit(lambda x: f(x, copy=True))(np.array(2.0)) == 3.0
    with pytest.raises(TracerAssignmentError, match=r"x = x\.copy\(\)"):
        ft.jit(lambda x: f(x, copy=False))(np.array(2.0))


def into_an_argument(x):
    x += 1  # here
    return x


def into_a_name_of_an_argument(x):
    y = x
    y -= np.mean(y)  # here
    return y


def into_a_part_of_an_argument(x):
    x[0] = 1.0  # here
    return x


def into_a_view_of_an_argument(x):
    y = x[1:]
    y *= 2  # here
    return x


def sort_an_argument(x):
    x.sort()  # here
    return x


def into_a_read_only_view(x):
    y = np.broadcast_to(x * 2, (2, 3))
    y[0] = 1.0  # here
    return y


def into_a_diagonal(x):
    y = np.diagonal(np.outer(x, x))
    y += 1.0  # here
    return y


@pytest.mark.parametrize(
    "f",
    [into_an_argument, into_a_name_of_an_argument, into_a_part_of_an_argument,
     into_a_view_of_an_argument, sort_an_argument, into_a_read_only_view, into_a_diagonal],
)  # fmt: skip
@pytest.mark.parametrize("wrap", [ft.jit, ft.jacfwd, ft.vmap], ids=["jit", "jacfwd", "vmap"])
def test_what_is_not_the_functions_own_is_refused_with_the_line(f, wrap):
    argument = np.stack([X, X]) if wrap is ft.vmap else X
    with pytest.raises(TracerAssignmentError, match=r"x = x\.copy\(\)") as caught:
        wrap(f)(argument)
    assert "# here" in caught.value.source.text


def test_where_the_memory_layout_decides_the_next_use_is_refused():
    def f(x):
        y = np.sin(np.outer(x, x))  # in C order or not: that depends on x
        flat = y.ravel()
        flat += 1
        return y  # here

    with pytest.raises(TracerAssignmentError, match="memory layout"):
        ft.jit(f)(X)

    def unused(x):
        flat = np.sin(np.outer(x, x)).ravel()
        flat += 1
        return flat

    np.testing.assert_allclose(ft.jit(unused)(X), unused(X))


def test_a_plain_array_can_not_hold_traced_values():
    def f(x):
        y = np.zeros(3)
        y[0] = x[0]
        return y

    with pytest.raises(TracerAssignmentError, match=r"functrace\.numpy\.zeros"):
        ft.jit(f)(X)
    with pytest.raises(TracerAssignmentError, match=r"functrace\.numpy\.zeros"):
        ft.jit(lambda x: np.add.at(np.zeros(3), [0], x))(X)
    with pytest.raises(TracerAssignmentError, match=r"functrace\.numpy\.zeros"):
        ft.jit(lambda x: np.copyto(np.zeros(3), x))(X)


def test_values_that_do_not_fit_are_refused():
    def assign(value, key=slice(None)):
        def f(x):
            y = x * 1
            y[key] = value
            return y

        return ft.jit(f)

    with pytest.raises(ShapeError, match=r"\(2,\)"):
        assign(np.ones(2))(X)
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        ft.jit(lambda x: (x * 1).__setitem__(slice(1, None), x))(X)
    with pytest.raises(DTypeError, match="complex"):
        assign(1j)(X)
    with pytest.raises(IndexError, match="out of bounds"):
        assign(1.0, 3)(X)


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
