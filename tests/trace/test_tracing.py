"""What a tracer is and does: leaks, captured arrays, operators, conversions, NumPy's protocols."""

import copy
import gc
import operator
import pickle

import numpy as np
import pytest

import functrace as ft
from functrace.errors import (
    CapturedArrayChangedError,
    LeakedTracerError,
    TracerAssignmentError,
    TracerConversionError,
    TracerHashError,
    UnsupportedFunctionError,
)

from ..numerical import assert_close

X = np.array([1.0, 2.0, 3.0])
LARGE = 20_000  # elements; such an array is locked while it is traced, and not copied


def caught(function, *args):
    """The exception's type, or None."""
    try:
        function(*args)
    except Exception as error:
        return type(error)
    return None


# Leaks


def leak(transform=ft.grad, argument=2.0):
    kept = []

    def f(x):
        kept.extend([x, x * 2])
        return np.sum(x)

    transform(f)(argument)
    return kept


TRANSFORMS = {
    "grad": ft.grad,
    "jit": ft.jit,
    "vjp": lambda f: lambda x: ft.vjp(f, x),
    "jvp": lambda f: lambda x: ft.jvp(f, (x,), (x,)),
    "trace": ft.trace,
    "vmap": lambda f: lambda x: ft.vmap(f)(np.stack([x, x])),
}
USES = {
    "operator": lambda t: t + 1,
    "function": lambda t: np.sin(t),
    "truth value": lambda t: bool(t > 0),
    "index": lambda t: np.stack([t])[0],
    "argument of grad": lambda t: ft.grad(lambda x: x * 2)(t),
    "argument of jit": lambda t: ft.jit(lambda x: x * 2)(t),
    "argument of vmap": lambda t: ft.vmap(lambda x: x * 2)(np.stack([t, t])),
    "closure of grad": lambda t: ft.grad(lambda x: x * t)(1.0),
    "closure of jit": lambda t: ft.jit(lambda x: x * t)(1.0),
    "output of grad": lambda t: ft.grad(lambda x: (x, t), has_aux=True)(1.0),
    "output of jit": lambda t: ft.jit(lambda x: t)(1.0),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_every_use_of_a_leaked_tracer_raises(transform, use):
    for tracer in leak(TRANSFORMS[transform]):
        with pytest.raises(LeakedTracerError):
            USES[use](tracer)


def test_a_leak_names_the_line_or_the_argument():
    argument, product = leak()
    with pytest.raises(LeakedTracerError, match="it is the argument x"):
        argument + 1
    with pytest.raises(LeakedTracerError, match="made at test_tracing.py"):
        product + 1


def test_a_tracer_of_an_inner_function_does_not_reach_the_outer_one():
    def f(x):
        kept = []
        ft.grad(lambda y: (kept.append(y * x), y)[1])(1.0)
        return kept[0] * 2

    for transform in TRANSFORMS.values():
        with pytest.raises(LeakedTracerError):
            transform(f)(1.0)


def test_a_tracer_of_a_sibling_function_is_refused():
    kept = []

    def f(x):
        ft.grad(lambda y: (kept.append(y), y)[1])(x)
        return ft.grad(lambda y: y * kept[0])(x)

    with pytest.raises(LeakedTracerError):
        ft.grad(f)(1.0)


def test_a_failed_trace_leaves_no_recorder_behind():
    def broken(x):
        raise ZeroDivisionError

    for transform in TRANSFORMS.values():
        with pytest.raises(ZeroDivisionError):
            transform(broken)(1.0)
        assert np.sin(0.0) == 0.0
        assert_close(ft.grad(lambda x: x**2)(3.0), 6.0)


# Captured arrays


def test_grad_sees_changes_of_captured_arrays_between_calls():
    for size in (3, LARGE):
        scale = np.ones(size)
        gradient = ft.grad(lambda x, scale=scale: np.sum(x * scale))
        assert_close(gradient(np.ones(size)), scale)
        scale[0] = 7.0
        assert_close(gradient(np.ones(size)), scale)
        assert gradient(np.ones(size))[0] == 7.0


def test_grad_sees_changed_globals_and_closures():
    factor = 2.0
    gradient = ft.grad(lambda x: x * factor)
    assert gradient(1.0) == 2.0
    factor = 3.0
    assert gradient(1.0) == 3.0


def test_jit_copies_captured_arrays_when_first_traced():
    for size in (3, LARGE):
        scale = np.ones(size)
        f = ft.jit(lambda x, scale=None, s=scale: x * s)
        assert_close(f(np.ones(size)), np.ones(size))
        scale[:] = 5.0
        assert_close(f(np.ones(size)), np.ones(size))
        f.clear_cache()
        assert_close(f(np.ones(size)), np.full(size, 5.0))


def test_a_small_array_keeps_the_value_of_each_use():
    def f(x):
        scale = np.array([1.0, 2.0, 3.0])
        first = x * scale
        scale *= 10
        second = x * scale
        scale[:] = 0
        return np.sum(first + second)

    expected = np.array([11.0, 22.0, 33.0])
    assert_close(ft.grad(f)(X), expected)
    assert_close(ft.jit(ft.grad(f))(X), expected)
    assert_close(ft.vmap(ft.grad(f))(np.stack([X, X])), [expected, expected])
    assert_close(ft.jit(f)(X), X @ expected)


def test_a_small_array_filled_in_a_loop_keeps_the_value_of_each_use():
    def f(x):
        buffer = np.zeros(3)
        total = 0.0
        for i in range(3):
            buffer[i] = i + 1
            total = total + np.sum(x * buffer)
        return total

    assert_close(ft.grad(f)(X), [3.0, 4.0, 3.0])


def test_a_small_read_only_view_of_an_array_keeps_the_value_of_each_use():
    def f(x):
        scale = np.ones(3)
        view = np.broadcast_to(scale, (2, 3))
        first = x * view
        scale[:] = 10.0
        return np.sum(first + x * view)

    assert_close(ft.grad(f)(np.ones((2, 3))), np.full((2, 3), 11.0))
    assert_close(ft.jit(ft.grad(f))(np.ones((2, 3))), np.full((2, 3), 11.0))


def test_a_large_array_is_locked_while_it_is_traced_and_unlocked_after():
    big = np.ones(LARGE)

    def f(x):
        y = np.sum(x * big)
        big[0] = 2.0
        return y

    for transform in (ft.grad, ft.jit, lambda g: lambda x: ft.vjp(g, x)):
        with pytest.raises(CapturedArrayChangedError, match="changed in place"):
            transform(f)(np.ones(LARGE))
        assert big.flags.writeable
    assert big[0] == 1.0
    big[0] = 3.0


def test_the_base_of_a_large_view_is_locked_too():
    base = np.ones((2, LARGE))
    row = base[0]

    def f(x):
        y = np.sum(x * row)
        base[0, 0] = 2.0
        return y

    with pytest.raises(CapturedArrayChangedError):
        ft.grad(f)(np.ones(LARGE))
    assert base.flags.writeable
    assert row.flags.writeable


def test_a_large_array_is_unlocked_after_any_exception():
    big = np.ones(LARGE)

    def f(x):
        np.sum(x * big)
        raise KeyError("user")

    with pytest.raises(KeyError):
        ft.grad(f)(np.ones(LARGE))
    assert big.flags.writeable


def test_a_large_array_stays_locked_until_the_outermost_trace_that_uses_it_ends():
    big = np.ones(LARGE)
    seen = []

    def inner(y):
        return np.sum(y * big)

    def outer(x):
        total = np.sum(x * big)
        total = total + ft.jit(inner)(x)
        seen.append(big.flags.writeable)
        return total

    assert_close(ft.grad(outer)(np.ones(LARGE)), np.full(LARGE, 2.0))
    assert seen == [False]
    assert big.flags.writeable


def test_a_read_only_array_stays_read_only():
    for size in (3, LARGE):
        frozen = np.ones(size)
        frozen.flags.writeable = False
        ft.grad(lambda x, frozen=frozen: np.sum(x * frozen))(np.ones(size))
        ft.jit(lambda x, frozen=frozen: np.sum(x * frozen))(np.ones(size))
        assert not frozen.flags.writeable


def test_arguments_are_never_locked_or_changed():
    for size in (3, LARGE):
        x = np.ones(size)

        def f(x, size=size):
            return np.sum(np.sin(x) * x)

        ft.grad(f)(x)
        ft.jit(f)(x)
        ft.vjp(f, x)[1](1.0)
        assert x.flags.writeable
        assert np.all(x == 1)


def test_arguments_that_are_not_differentiated_are_captured_by_value_at_use():
    def f(x, scale):
        first = x * scale
        scale[:] = 10.0
        return np.sum(first + x * scale)

    assert_close(ft.grad(f)(X, np.ones(3)), np.full(3, 11.0))


@pytest.mark.parametrize("size", [3, LARGE])
def test_residuals_do_not_alias_the_arguments(size):
    scale = np.full(size, 2.0)

    def f(x):
        return np.sum(x**2 * scale)

    x = np.full(size, 3.0)
    _, pull = ft.vjp(f, x)
    _, push = ft.linearize(f, x)
    x[:] = 100.0
    scale[:] = 100.0
    assert_close(pull(1.0)[0], np.full(size, 12.0))
    assert_close(push(np.ones(size)), 12.0 * size)
    assert_close(pull(1.0)[0], np.full(size, 12.0))


@pytest.mark.parametrize("size", [3, LARGE])
def test_a_transposed_function_does_not_alias_what_it_captured(size):
    scale = np.full(size, 2.0)
    transposed = ft.linear_transpose(lambda x: x * scale, np.ones(size))
    scale[:] = 100.0
    assert_close(transposed(np.ones(size))[0], np.full(size, 2.0))


def test_results_of_pullbacks_are_not_shared_between_calls():
    _, pull = ft.vjp(lambda x: x * X, X)
    first = pull(np.ones(3))[0]
    first[:] = 0
    assert_close(pull(np.ones(3))[0], X)


# Operators


BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip
OTHERS = {
    "int": 2,
    "float": 2.5,
    "bool": True,
    "np.float64": np.float64(2.5),
    "np.float32": np.float32(2.5),
    "np.int64": np.int64(3),  # not 2: NumPy 2.0 takes x ** 2 of every 2 for that of an int
    "array": np.array([2.5, 1.5, 0.5]),
    "float32 array": np.array([2.5, 1.5, 0.5], np.float32),
    "int array": np.array([2, 1, 3]),
    "0-d array": np.array(2.5),
    "list": [2.5, 1.5, 0.5],
}


def check_like_numpy(f, x):
    expected = f(x)
    for found in (ft.jit(f)(x), ft.vjp(lambda y: (f(y),), x)[0][0]):
        single = np.asarray(expected).dtype == np.float32
        assert_close(found, expected, rtol=1e-6 if single else 1e-9)
        assert np.asarray(found).dtype == np.asarray(expected).dtype
        assert np.shape(found) == np.shape(expected)
        assert isinstance(found, (float, int)) == isinstance(expected, (float, int))


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_operators_take_everything_on_either_side_as_numpy_does(function, name, dtype):
    other = OTHERS[name]
    x = np.array([1, 2, 3], dtype)
    check_like_numpy(lambda x: function(x, other), x)
    check_like_numpy(lambda x: function(other, x), x)


@pytest.mark.parametrize("scalar", [2, 3.5, True, np.float32(2.5), np.int8(3)])
@pytest.mark.parametrize("name", ["int", "float", "bool", "np.float32", "np.int64", "array"])
@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_operators_of_scalars_have_the_types_of_python_and_numpy(function, name, scalar):
    other = OTHERS[name]
    for f in (lambda x: function(x, other), lambda x: function(other, x)):
        if caught(f, scalar) is None:
            check_like_numpy(f, scalar)


@pytest.mark.parametrize(
    "f",
    [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift],
    ids=lambda f: f.__name__,
)
def test_bit_operators_work_on_integers_and_booleans(f):
    bits = np.array([1, 2, 3])
    check_like_numpy(lambda x: f(x, 2), bits)
    check_like_numpy(lambda x: f(2, x), bits)
    check_like_numpy(lambda x: f(x, bits), bits)
    if f not in (operator.lshift, operator.rshift):
        check_like_numpy(lambda x: f(x, np.array([True, False])), np.array([True, True]))
        check_like_numpy(lambda x: f(x, True), True)


def test_unary_operators():
    for f in (operator.neg, operator.pos, abs, lambda x: round(x, 1), lambda x: divmod(x, 2)[0]):
        for x in (1.55, -2, np.float32(-1.5), np.float64(2.25)):
            check_like_numpy(f, x)
    check_like_numpy(operator.neg, X)
    check_like_numpy(abs, -X)
    check_like_numpy(operator.invert, np.array([1, 2]))
    check_like_numpy(operator.invert, np.array([True, False]))
    check_like_numpy(round, 2.5)
    check_like_numpy(round, np.float64(3.5))


def test_matrix_products_take_arrays_and_lists_on_either_side():
    matrix = np.arange(9.0).reshape(3, 3)
    for other in (matrix, matrix[0], matrix.tolist(), matrix.astype(np.float32), np.arange(3)):
        check_like_numpy(lambda x, other=other: x @ np.asarray(other), X)
        assert_close(ft.jit(lambda x, other=other: x @ other)(X), X @ np.asarray(other))
        assert_close(ft.jit(lambda x, other=other: other @ x)(X), np.asarray(other) @ X)


def test_ufuncs_take_lists_beside_tracers():
    check_like_numpy(lambda x: np.add([1.0, 2.0, 3.0], x), X)
    check_like_numpy(lambda x: np.multiply(x, (1, 2, 3)), X)
    check_like_numpy(lambda x: np.maximum([[1.5], [2.5]], x), X)


def test_augmented_assignment_of_a_plain_array_by_a_tracer_is_refused():
    def f(x):
        y = np.ones(3)
        y += x
        return np.sum(y)

    with pytest.raises(TracerAssignmentError):
        ft.grad(f)(X)


def test_python_scalars_do_not_widen():
    x = np.ones(3, np.float32)
    for f in (
        lambda x: x * 2,
        lambda x: 2.5 * x,
        lambda x: x**2 + 1.0 / 3,
        lambda x: np.maximum(x, 0),
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: np.power(x, 3),
        lambda x: np.mean(x) * 2.0,
        lambda x: np.clip(x, 0.0, 1.0),
        lambda x: np.logaddexp(x, 1.0),
    ):
        check_like_numpy(f, x)
        assert ft.jit(f)(x).dtype == np.float32
        assert ft.grad(lambda x, f=f: np.sum(f(x)))(x).dtype == np.float32


def test_a_traced_python_scalar_does_not_widen_either():
    x = np.ones(3, np.float32)
    for f in (lambda x, s: x * s, lambda x, s: x + s * 2, lambda x, s: (s + 1.0) / x):
        assert ft.jit(f)(x, 2.0).dtype == f(x, 2.0).dtype == np.float32
        assert ft.jit(f)(x, np.float64(2.0)).dtype == f(x, np.float64(2.0)).dtype == np.float64
        by_scalar = ft.grad(lambda s, f=f: np.sum(f(x, s)))(2.0)
        assert by_scalar.dtype == np.float64
    assert type(ft.jit(lambda s: s * 2)(2.0)) is float
    assert type(ft.jit(lambda s: s * 2)(2)) is int
    assert type(ft.jit(lambda s: np.sin(s))(2.0)) is np.float64


def test_an_unknown_operand_is_left_to_its_own_reflected_operator():
    class Other:
        def __radd__(self, x):
            return "radd"

    seen = []
    ft.jit(lambda x: (seen.append(x + Other()), x)[1])(1.0)
    assert seen == ["radd"]
    for bad in ("text", None, object(), {}):
        with pytest.raises(TypeError):
            ft.jit(lambda x, bad=bad: x + bad)(1.0)


# NumPy's protocols


def test_unsupported_ufunc_methods_are_refused_by_name():
    with pytest.raises(UnsupportedFunctionError, match=r"np.less.reduce"):
        ft.grad(lambda x: np.less.reduce(x))(X)
    with pytest.raises(UnsupportedFunctionError, match=r"np.ldexp.reduceat"):
        ft.grad(lambda x: np.sum(np.ldexp.reduceat(x, [0, 1])))(X)
    with pytest.raises(UnsupportedFunctionError, match=r"np.hypot.at"):
        ft.grad(lambda x: np.hypot.at(x * 1, [0], x[0]) or x[0])(X)


def test_reductions_of_ufuncs_that_have_a_function_work():
    assert_close(ft.grad(lambda x: np.add.reduce(x))(X), np.ones(3))
    assert_close(ft.grad(lambda x: np.multiply.reduce(x))(X), [6.0, 3.0, 2.0])
    assert_close(ft.jit(lambda x: np.maximum.reduce(x))(X), 3.0)
    assert_close(ft.jit(lambda x: np.add.accumulate(x))(X), [1.0, 3.0, 6.0])


def test_where_and_out_of_ufuncs_are_refused():
    with pytest.raises(UnsupportedFunctionError, match="where"):
        ft.grad(lambda x: np.sum(np.sqrt(x, where=np.array([True, False, True]))))(X)
    with pytest.raises(TracerAssignmentError, match="out="):
        ft.grad(lambda x: np.sum(np.sin(x, out=np.empty(3))))(X)
    assert_close(ft.jit(lambda x: np.sin(x, out=None, where=True))(X), np.sin(X))
    for f in (np.sum, np.mean, np.cumsum, np.prod, np.max):
        with pytest.raises(UnsupportedFunctionError, match="out="):
            ft.grad(lambda x, f=f: f(x, out=np.empty(())))(X)


def test_an_unsupported_function_is_named():
    with pytest.raises(UnsupportedFunctionError, match="np.busday_count"):
        ft.grad(lambda x: np.busday_count(x, x))(X)


def test_functions_take_lists_and_tuples_of_tracers():
    def f(x):
        a, b = x[0], x[1:]
        return (
            np.stack([a, a * 2]),
            np.concatenate((b, x, [1.0])),
            np.hstack([a, b]),
            np.vstack([x, x]),
            np.stack([x, np.ones(3)], axis=1),
            np.column_stack((x, x)),
        )

    for found, expected in zip(ft.jit(f)(X), f(X), strict=True):
        assert_close(found, expected)
    g = lambda x: np.sum(np.stack([x[0], x[1] * 2]) ** 2) + np.sum(np.concatenate([x, x]))
    assert_close(ft.grad(g)(X), [4.0, 18.0, 2.0])


def test_a_tracer_among_plain_arrays_decides_wherever_it_stands():
    f = lambda x: np.where(np.array([True, False, True]), np.ones(3), x) @ np.array([1.0, 2.0, 3.0])
    assert_close(ft.grad(f)(X), [0.0, 2.0, 0.0])
    assert_close(ft.grad(lambda x: np.einsum("i,i->", np.ones(3), x))(X), np.ones(3))
    assert_close(ft.grad(lambda x: np.dot(np.ones((2, 3)), x)[1])(X), np.ones(3))
    assert_close(ft.grad(lambda x: np.tensordot(np.ones(3), x, 1))(X), np.ones(3))


CONVERSIONS = {
    "np.asarray": np.asarray,
    "np.array": np.array,
    "array of tracers": lambda x: np.array([x, x]),
    "array of parts": lambda x: np.array([x[0], x[1]]),
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
    "complex": lambda x: complex(x[0]),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: x.tolist(),
    "math": lambda x: __import__("math").sin(x[0]),
}


@pytest.mark.parametrize("transform", [ft.grad, ft.jit], ids=["grad", "jit"])
@pytest.mark.parametrize("what", CONVERSIONS)
def test_conversions_that_would_cut_the_derivative_raise(what, transform):
    with pytest.raises(TracerConversionError):
        transform(lambda x: (CONVERSIONS[what](x), np.sum(x))[1])(X)


def test_assignments_of_and_into_tracers_raise():
    def into_array(x):
        a = np.zeros(3)
        a[0] = x[0]
        return np.sum(a)

    def into_tracer(x):
        x[0] = 1.0
        return np.sum(x)

    def rows(x):
        a = np.zeros((2, 3))
        a[1] = x
        return np.sum(a)

    for f in (into_array, into_tracer, rows):
        for transform in (ft.grad, ft.jit):
            with pytest.raises(TracerAssignmentError):
                transform(f)(X)


# The tracer as an object


def traced(x, inspect):
    """What `inspect` says of a tracer like x."""
    seen = []
    ft.jit(lambda t: (seen.append(inspect(t)), t)[1])(x)
    return seen[0]


def test_attributes_are_those_of_the_array():
    x = np.ones((2, 3, 4), np.float32)
    for name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes"):
        assert traced(x, operator.attrgetter(name)) == getattr(x, name)
    assert traced(x, len) == 2
    assert traced(x, lambda t: t.T.shape) == (4, 3, 2)
    assert traced(x, lambda t: t.mT.shape) == (2, 4, 3)
    assert traced(x, lambda t: (np.shape(t), np.ndim(t), np.size(t), np.size(t, 1))) == (
        (2, 3, 4), 3, 24, 3,
    )  # fmt: skip
    assert traced(x, lambda t: isinstance(t, ft.Tracer))


def test_text_shows_the_value_where_it_is_known():
    seen = []

    def f(x):
        y = x[0] * 2
        seen.append([repr(x), str(y), f"{x > 1}", f"{y:.2f}", "%.1f %d %s" % (y, y, y)])
        return ft.grad(lambda z: seen.append(repr(z)) or z * y)(x[1])

    expected = [
        "Tracer(f64[3] = [1. 2. 3.])", "Tracer(f64 = 2.0)", "Tracer(bool[3] = [False  True  True])",
        "2.00", "2.0 2 Tracer(f64 = 2.0)",
    ]  # fmt: skip
    for _ in range(5):  # as a replay, too
        ft.grad(f)(X)
        assert seen == [expected, "Tracer(f64 = 2.0)"]
        seen.clear()
    ft.grad(lambda a: seen.append(repr(a)) or np.sum(a))(np.eye(2))
    assert seen == ["Tracer(f64[2,2] = [[1. 0.]\n                   [0. 1.]])"]


def test_text_of_a_value_that_is_not_known_says_how_to_see_it():
    for inspect in (repr, str, lambda t: f"{t}", lambda t: "%s" % t):
        assert traced(X, inspect) == (
            "Tracer(f64[3], no value under jit: functrace.debug.print shows it)"
        )
    seen = []
    ft.grad(lambda x: ft.scan(lambda c, _: (c * x, seen.append(str(c))), x, length=2)[0])(1.0)
    assert "no value" in seen[0]
    kept = []
    ft.grad(lambda x: kept.append(x) or x * 1.0)(2.0)
    assert repr(kept[0]) == "Tracer(f64~, of a trace that has ended)"
    singular = np.zeros((2, 2))
    ft.grad(lambda x: seen.append(repr(np.linalg.inv(singular * x))) or x)(1.0)
    assert seen[-1] == "Tracer(f64[2,2], no value: Singular matrix)"


def test_text_changes_no_derivative():
    def f(x):
        y = np.sin(x)
        view = y[1:]
        text = f"{x} {y} {view} {np.sum(view):.3f}"
        view *= 2
        return np.sum(y) * len(text) ** 0

    assert_close(ft.grad(f)(X), np.cos(X) * [1, 2, 2])


def test_len_and_iteration_of_a_scalar_raise_type_errors():
    for inspect in (len, iter, list):
        with pytest.raises(TypeError):
            traced(1.0, inspect)


def test_iteration_and_unpacking_go_along_the_first_axis():
    def f(x):
        a, b, c = x
        first, *rest = x
        return np.sum(a) + 2 * np.sum(rest[0]) + sum(row[0] for row in x) + c[1] + b[0] + first[1]

    x = np.arange(6.0).reshape(3, 2)
    assert_close(ft.jit(f)(x), f(x))
    assert_close(ft.grad(f)(x), [[2, 2], [4, 2], [1, 1]])
    assert [float(g) for g in ft.grad(lambda x: sum(reversed(list(x))))(X)] == [1, 1, 1]
    assert traced(X, lambda t: [i for i, _ in enumerate(t)]) == [0, 1, 2]


def test_contains_asks_for_values():
    assert_close(ft.grad(lambda x: x[0] if 2.0 in x else x[1])(X), [1, 0, 0])
    assert_close(ft.grad(lambda x: x[0] if 9.0 in x else x[1])(X), [0, 1, 0])


def test_copies_of_a_tracer_are_traced_arrays_of_their_own():
    assert traced(X, lambda t: copy.copy(t) is not t and t.copy() is not t)
    assert_close(ft.jit(lambda t: copy.deepcopy([t])[0])(X), X)


def test_a_tracer_has_no_hash_and_compares_elementwise():
    with pytest.raises(TracerHashError, match="hashed"):
        traced(X, lambda t: {t})
    assert traced(X, lambda t: (t == t).shape) == (3,)
    assert_close(ft.jit(lambda x: x == X)(X), [True, True, True])
    assert_close(ft.jit(lambda x: np.ones(3) == x)(X), [True, False, False])


def test_a_tracer_is_not_pickled():
    with pytest.raises(TypeError, match="pickle"):
        traced(X, pickle.dumps)


def test_methods_are_the_functions_of_that_name():
    x = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.0]])
    calls = {
        "sum": (), "mean": (0,), "max": (1,), "min": (), "prod": (0,), "argmax": (), "argmin": (1,),
        "var": (), "std": (0,), "cumsum": (1,), "cumprod": (0,), "ravel": (), "flatten": (),
        "squeeze": (), "swapaxes": (0, 1), "dot": (X,), "clip": (0.0, 1.0), "round": (1,),
        "take": ([0, 1],), "reshape": (3, 2), "transpose": (1, 0), "astype": (np.float32,),
        "conj": (), "conjugate": (), "copy": (), "any": (), "all": (1,), "trace": (),
        "diagonal": (),
    }  # fmt: skip
    for name, args in calls.items():
        f = lambda x, name=name, args=args: getattr(x, name)(*args)
        np.testing.assert_allclose(ft.jit(f)(x), f(x), err_msg=name)


def test_reshape_takes_its_lengths_in_every_form():
    x = np.arange(6.0)
    for f in (
        lambda x: x.reshape(2, 3),
        lambda x: x.reshape((2, 3)),
        lambda x: x.reshape(-1, 2),
        lambda x: x.reshape([3, -1]),
        lambda x: x.reshape(6),
        lambda x: x.reshape(-1),
        lambda x: x.reshape(2, 3, order="F"),
        lambda x: np.reshape(x, (np.int64(2), 3)),
        lambda x: x.reshape(2, 3).transpose(),
        lambda x: x.reshape(1, 2, 3).transpose(2, 0, 1),
        lambda x: x.reshape(1, 2, 3).transpose((2, 0, 1)),
    ):
        assert_close(ft.jit(f)(x), f(x))
        assert ft.jit(f)(x).shape == f(x).shape


def test_indexing_is_numpys():
    x = np.arange(24.0).reshape(2, 3, 4)
    keys = [
        0, -1, (1, 2), (0, slice(None), 1), slice(0, 1), slice(None, None, -1), Ellipsis, None,
        (Ellipsis, 0), (0, Ellipsis), (slice(None), None, 1), (None, Ellipsis, None), (),
        [0, 1, 0], np.array([1, 0]), (slice(None), [0, 2]), (0, [0, 2], 1),
        ([0, 1], slice(None), [0, 1]), (slice(None), [[0], [1]], [0, 1, 2]), x > 5,
        (0, x[0] > 2), (slice(None), np.array([True, False, True])), (np.int64(1), np.int32(2)),
        slice(5, 2), (slice(None), slice(-2, None), slice(None, None, 2)),
        ([0, 1], None, [0, 1]), np.array(1), [True, False],
    ]  # fmt: skip
    for key in keys:
        found = ft.jit(lambda x, key=key: x[key])(x)
        assert_close(found, x[key])
        assert np.shape(found) == np.shape(x[key])
        if np.ndim(found):
            assert not np.shares_memory(found, x)
        gradient = ft.grad(lambda x, key=key: np.sum(x[key] ** 2))(x)
        expected = np.zeros_like(x)
        np.add.at(expected, key, 2 * x[key])
        assert_close(gradient, expected)


def test_indices_out_of_bounds_raise_index_errors():
    for key in (3, -4, (0, 0), [0, 3], (0, 1, 2), 1.5, "a"):
        with pytest.raises(IndexError):
            ft.jit(lambda x, key=key: x[key])(X)


def test_a_plain_array_is_indexed_by_a_traced_integer():
    table = np.array([10.0, 20.0, 30.0])
    by_place = lambda x: table[np.argmax(x)] * np.sum(x)
    assert_close(ft.grad(by_place)(X), np.full(3, 30.0))


def test_traced_integers_and_booleans_stand_for_plain_arrays_where_they_have_values():
    table, order = np.array([10.0, 20.0, 30.0]), np.zeros((2, 3), int)

    def f(x):
        order[1] = np.argsort(x)
        places = np.asarray(np.argsort(x))
        places[0] = 2  # an array of its own
        one_hot = np.eye(3)[np.argsort(x)]
        return table[np.argsort(-x)] @ x + np.sum(one_hot @ x) + np.sum(table[x > 1.5]) * x[0]

    assert_close(ft.grad(f)(X), [30.0 + 1 + 50, 20.0 + 1, 10.0 + 1])
    np.testing.assert_array_equal(order[1], [0, 1, 2])
    for transform in (ft.jit, lambda f: ft.vmap(f, axis_size=1, in_axes=None)):
        with pytest.raises(TracerConversionError, match=r"functrace\.numpy\.take"):
            transform(lambda x: table[np.argsort(x)])(X)
        with pytest.raises(TracerAssignmentError, match=r"functrace\.numpy\.zeros"):
            transform(f)(X)


def test_the_cycle_collector_is_on_again_after_a_trace_and_after_an_error():
    def fails(x):
        raise RuntimeError("no")

    assert gc.isenabled()
    ft.grad(np.sum)(X)
    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="no"):
        ft.grad(fails)(X)
    assert gc.isenabled()
    gc.disable()
    try:
        ft.grad(np.sum)(X)
        assert not gc.isenabled()
    finally:
        gc.enable()
