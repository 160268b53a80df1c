"""jit: when it traces again, what it returns, static arguments, memory, decorators."""

import gc
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import functrace as ft
from functrace.errors import ArgumentError, ConcretizationError, LeafTypeError, StaticArgumentError

from ..numerical import assert_close

X = np.array([1.0, 2.0, 3.0])


class Traced:
    """A function that counts how often its body runs."""

    def __init__(self, function):
        self.function, self.count = function, 0

    def __call__(self, *args, **kwargs):
        self.count += 1
        return self.function(*args, **kwargs)


# When it traces


def test_changed_values_are_not_traced_again():
    body = Traced(lambda p, x: {"y": p["w"] * x + p["b"]})
    f = ft.jit(body)
    for i in range(4):
        found = f({"w": X * i, "b": float(i)}, np.float64(i))
        assert_close(found["y"], X * i * i + i)
    assert body.count == 1
    info = f.cache_info()
    assert (info.hits, info.misses, info.size) == (3, 1, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.ones(3), np.ones(4)),
        (np.ones(3), np.ones((3, 1))),
        (np.ones(3), np.ones(3, np.float32)),
        (1.0, 1),
        (1.0, np.float64(1)),
        (True, 1),
        (1.0, 1j),
        ((1.0, 2.0), [1.0, 2.0]),
        ({"a": 1.0}, {"b": 1.0}),
        ((1.0, None), (1.0, (2.0,))),
    ],
)
def test_another_type_or_tree_is_traced_again(one, other):
    body = Traced(lambda tree: ft.tree.map(lambda x: x * 2, tree))
    f = ft.jit(body)
    for argument in (one, other, one, other):
        found = f(argument)
        expected = ft.tree.map(lambda x: x * 2, argument)
        assert ft.tree.structure(found) == ft.tree.structure(expected)
        for a, b in zip(ft.tree.leaves(found), ft.tree.leaves(expected), strict=True):
            assert_close(a, b)
            assert type(a) is type(b)
    assert body.count == 2


def test_layout_and_byte_order_of_arrays_do_not_matter_to_the_result():
    f = ft.jit(lambda x: x[0] * 2 + x.T[0, 0])
    x = np.arange(6.0).reshape(2, 3)
    for same in (x, np.asfortranarray(x), x.astype(">f8"), np.repeat(x, 2, 1)[:, ::2]):
        assert_close(f(same), f(x))
        assert f(same).dtype == np.float64
        assert f(same).dtype.isnative


def test_the_cache_is_bounded():
    f = ft.jit(lambda x, n: x * n, static_argnums=1)
    limit = f.cache_info().limit
    for n in range(limit + 20):
        assert f(2.0, n) == 2.0 * n
    assert f.cache_info().size == limit
    assert f(2.0, 0) == 0.0


def test_the_cache_can_be_cleared():
    body = Traced(lambda x: x + 1)
    f = ft.jit(body)
    f(1.0)
    f.clear_cache()
    assert f.cache_info().size == 0
    f(1.0)
    assert body.count == 2


def test_each_jit_has_its_own_cache():
    body = Traced(lambda x: x + 1)
    ft.jit(body)(1.0)
    ft.jit(body)(1.0)
    assert body.count == 2


def test_a_jitted_function_called_with_tracers_is_traced_once_for_their_type():
    body = Traced(lambda x: x * x)
    f = ft.jit(body)
    for x in (1.0, 2.0, 3.0):
        assert_close(ft.grad(f)(x), 2 * x)
    assert body.count == 1
    assert_close(ft.vmap(f)(X), X**2)
    assert body.count == 2  # a float64 that is no Python scalar


def test_a_function_that_failed_is_traced_again():
    state = {"broken": True}

    def body(x):
        if state["broken"]:
            raise ZeroDivisionError
        return x + 1

    f = ft.jit(body)
    with pytest.raises(ZeroDivisionError):
        f(1.0)
    state["broken"] = False
    assert f(1.0) == 2.0


@pytest.mark.parametrize("transform", [ft.jit, ft.grad, ft.vmap])
def test_arguments_and_captured_arrays_are_not_kept_alive(transform):
    x, scale = np.ones((3, 30_000)), np.ones(30_000)

    def body(x, scale=scale):
        return np.sum(x * 2 * scale)

    f = transform(body)
    f(x)
    f(x)
    reference = weakref.ref(x)
    del x
    gc.collect()
    assert reference() is None


# Scalars


SCALARS = {
    "sum": lambda x: x + 1,
    "product": lambda x: x * 2.5,
    "quotient": lambda x: x / 2,
    "power": lambda x: x**2,
    "chain": lambda x: (x * 2 + 1) ** 2 - x,
    "comparison": lambda x: x > 1,
    "identity": lambda x: x,
    "constant": lambda x: 5.0,
    "integer constant": lambda x: 5,
    "negative": lambda x: -x,
    "floor": lambda x: x // 2,
    "remainder": lambda x: x % 2,
    "reflected": lambda x: 2 - x,
    "numpy function": lambda x: np.sin(x),
    "numpy scalar": lambda x: np.float64(2) * x,
    "single precision": lambda x: x * np.float32(2),
    "mean": lambda x: np.mean(x),
    "where": lambda x: np.where(x > 1, x, 0.0)[()],
}


@pytest.mark.parametrize("x", [3, 2.5, True, 1 + 2j, np.float64(2.5), np.float32(2.5), np.int32(3)])
@pytest.mark.parametrize("name", SCALARS)
def test_scalars_come_back_with_the_type_that_plain_python_gives(name, x):
    f = SCALARS[name]
    try:
        expected = f(x)
    except TypeError:
        with pytest.raises(TypeError):
            ft.jit(f)(x)
        return
    jitted = ft.jit(f)
    for _ in range(2):
        found = jitted(x)
        assert type(found) is type(expected)
        assert_close(found, expected, rtol=1e-6)


def test_results_without_axes_are_numpy_scalars():
    for f in (np.sum, lambda x: x[0], lambda x: x @ x, lambda x: x.max()):
        found = ft.jit(f)(X)
        assert type(found) is np.float64
        assert found == f(X)


# Static arguments


def test_static_arguments_are_plain_values():
    def power(x, n, flag=True):
        result = x * 0 + 1
        for _ in range(n):
            result = result * x
        return result if flag else -result

    for f in (
        ft.jit(power, static_argnums=(1, 2)),
        ft.jit(power, static_argnums=(-2, 2)),
        ft.jit(power, static_argnames=("n", "flag")),
        ft.jit(power, static_argnums=1, static_argnames="flag"),
    ):
        assert_close(f(2.0, 3, True), 8.0)
        assert_close(f(2.0, 3, False), -8.0)
    by_name = ft.jit(power, static_argnames=("n", "flag"))
    assert_close(by_name(2.0, n=3), 8.0)
    assert_close(by_name(2.0, n=4, flag=False), -16.0)
    assert_close(ft.jit(power, static_argnums=1)(2.0, n=3), 8.0)
    assert_close(ft.jit(power, static_argnames="n")(2.0, 3), 8.0)


def test_each_static_value_is_traced_once():
    body = Traced(lambda x, n: x * n)
    f = ft.jit(body, static_argnums=1)
    for n in (1, 2, 1, 2, 1):
        assert f(3.0, n) == 3.0 * n
    assert body.count == 2


def test_static_values_that_are_equal_but_of_other_types_are_told_apart():
    f = ft.jit(lambda x, n: x * n, static_argnums=1)
    values = (2, 2.0, np.float32(2), np.int8(2), np.float64(2))
    assert [type(f(3, n)) for n in values] == [type(3 * n) for n in values]
    assert f.cache_info().size == 5


def test_static_strings_functions_and_tuples():
    f = ft.jit(lambda x, mode, g, shape: g(np.reshape(x, shape)) if mode == "go" else x,
               static_argnums=(1, 2, 3))  # fmt: skip
    assert_close(f(X, "go", np.sin, (3, 1)), np.sin(X)[:, None])
    assert_close(f(X, "stop", None, None), X)


def test_a_static_value_that_can_not_be_hashed_is_named():
    f = ft.jit(lambda x, n: x, static_argnames="n")
    with pytest.raises(StaticArgumentError, match="list"):
        f(1.0, [1, 2])
    with pytest.raises(StaticArgumentError, match="'n'"):
        f(1.0, n=np.ones(2))


def test_an_unknown_static_name_is_refused():
    with pytest.raises(ArgumentError, match="'m'"):
        ft.jit(lambda x, n: x, static_argnames="m")


def test_a_traced_argument_that_should_be_static_says_so():
    with pytest.raises(ConcretizationError, match="static_argnums"):
        ft.jit(lambda x, n: x * len(range(n)))(1.0, 3)


def test_leaves_that_are_no_arrays_are_named():
    f = ft.jit(lambda p, x: x)
    for bad in ("text", object(), {1, 2}):
        with pytest.raises(LeafTypeError, match=r"p\['mode'\]"):
            f({"mode": bad}, 1.0)
    with pytest.raises(LeafTypeError):
        ft.jit(lambda x: "text")(1.0)


# Arguments


def test_defaults_keywords_and_variable_arguments():
    def body(x, y=2.0, *rest, k=1.0, **others):
        return x * y + sum(rest) * k + others.get("z", 0.0)

    f = ft.jit(body)
    for args, kwargs in [
        ((1.0,), {}), ((1.0, 3.0), {}), ((1.0, 3.0, 4.0, 5.0), {"k": 2.0}), ((1.0,), {"z": 7.0}),
        ((1.0,), {"y": 5.0, "k": 3.0}),
    ]:  # fmt: skip
        assert_close(f(*args, **kwargs), body(*args, **kwargs))


def test_a_function_without_arguments():
    assert_close(ft.jit(lambda: np.arange(3.0) * 2)(), [0.0, 2.0, 4.0])
    assert ft.jit(lambda: 3.5)() == 3.5


def test_wrong_arguments_raise_what_the_function_raises():
    with pytest.raises(TypeError, match="positional argument"):
        ft.jit(lambda x: x)(1.0, 2.0)
    with pytest.raises(TypeError, match="unexpected keyword"):
        ft.jit(lambda x: x)(1.0, q=2.0)


# Closures


def test_closures_and_globals_are_read_when_traced():
    factor = 2.0
    f = ft.jit(lambda x: x * factor)
    assert f(3.0) == 6.0
    factor = 5.0
    assert f(3.0) == 6.0
    assert f(3) == 15.0  # another type: traced now


def test_a_large_array_of_the_closure_is_copied_once():
    weights = np.ones(50_000)
    f = ft.jit(lambda x: x * weights)
    f(1.0)
    weights[:] = 2.0
    assert_close(f(1.0)[:3], np.ones(3))


# Decorators


def test_jit_decorates_with_and_without_arguments():
    @ft.jit
    def plain(x):
        """Words."""
        return x * 2

    @ft.jit(static_argnums=1)
    def with_arguments(x, n):
        return x * n

    @ft.jit()
    def empty(x):
        return x * 4

    assert (plain(2.0), with_arguments(2.0, 3), empty(2.0)) == (4.0, 6.0, 8.0)
    assert plain.__name__ == "plain"
    assert plain.__doc__ == "Words."


def test_methods_are_decorated_with_a_static_self():
    class Model:
        def __init__(self, scale):
            self.scale = scale

        @ft.jit(static_argnums=0)
        def __call__(self, x):
            return x * self.scale

        @ft.jit(static_argnames=("self", "n"))
        def power(self, x, n=2):
            return self.scale * x**n

        @staticmethod
        @ft.jit
        def double(x):
            return 2 * x

        @classmethod
        def make(cls):
            return ft.jit(lambda x: cls(3.0)(x))

    one, other = Model(2.0), Model(5.0)
    assert (one(3.0), other(3.0), one(3.0)) == (6.0, 15.0, 6.0)
    assert one.power(3.0) == 18.0
    assert other.power(2.0, n=3) == 40.0
    assert Model.double(4.0) == 8.0
    assert Model.make()(2.0) == 6.0
    assert_close(ft.grad(one)(3.0), 2.0)


def test_a_self_that_is_a_tree_is_traced():
    class Model(NamedTuple):
        scale: float

        @ft.jit
        def apply(self, x):
            return x * self.scale

    assert Model(2.0).apply(3.0) == 6.0
    assert Model(5.0).apply(3.0) == 15.0


def test_bound_methods_and_callable_objects():
    class Model:
        scale = 3.0

        def apply(self, x):
            return x * self.scale

        def __call__(self, x):
            return x + self.scale

    model = Model()
    assert ft.jit(model.apply)(2.0) == 6.0
    assert ft.jit(model)(2.0) == 5.0
    assert str(ft.trace(model.apply)(2.0)).startswith("apply(x: f64)")


def test_trace_gives_the_program_that_would_run():
    f = ft.jit(lambda x, n: x**n, static_argnums=1)
    program = f.trace(X, 3)
    assert isinstance(program, ft.Program)
    assert_close(ft.evaluate(program, X), X**3)


# Memory


ALIASING = {
    "the argument": lambda x: x,
    "the argument twice": lambda x: (x, x),
    "a view": lambda x: x[1:],
    "the reverse": lambda x: x[::-1],
    "all of it": lambda x: x[:],
    "transposed": lambda x: x.T,
    "reshaped": lambda x: x.reshape(3, 2),
    "two views of one result": lambda x: (lambda y: (y, y.T, y[0], y))(x * 2),
    "broadcast": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "broadcast result": lambda x: np.broadcast_to(x[0] * 2, (4, 3)),
    "reshaped broadcast": lambda x: np.broadcast_to(x[0] * 2, (4, 3)).reshape(12),
    "diagonal": lambda x: np.diagonal(x[:, :2] * 1.0),
    "einsum diagonal": lambda x: np.einsum("ii->i", x[:, :2] + 1.0),
    "diagonal of one": lambda x: np.einsum("ii->i", x[:1, :1] + 1.0),
    "a row by a traced index": lambda x: x[np.argmax(x[:, 0])],
    "a cast that changes nothing": lambda x: x.astype(np.float64),
    "stop_gradient": lambda x: ft.stop_gradient(x),
    "the real part": lambda x: (x.real, np.conj(x)),
    "a constant": lambda x: (CONSTANT, CONSTANT),
    "part of a constant": lambda x: CONSTANT[1:] if x.ndim else x,
    "zeros": lambda x: (np.zeros_like(x), np.ones_like(x)),
    "a full array": lambda x: np.full_like(x, 2.0),
    "concatenation of one": lambda x: np.concatenate([x]),
    "squeezed": lambda x: np.squeeze(x[None] * 1),
    "expanded": lambda x: np.expand_dims(x, 0),
    "a sum over nothing": lambda x: np.sum(x, axis=()),
    "padded by nothing": lambda x: np.pad(x, 0),
    "clipped by nothing": lambda x: np.clip(x, -np.inf, np.inf),
    "nested jit": lambda x: ft.jit(lambda y: y)(x),
    "positive": lambda x: +x,
}
CONSTANT = np.arange(3.0)


def root(x):
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


@pytest.mark.parametrize("name", ALIASING)
def test_results_are_nobody_elses_memory_and_writable(name):
    f = ft.jit(ALIASING[name])
    x = np.arange(6.0).reshape(2, 3)
    for _ in range(3):  # traced, interpreted or compiled
        expected = ft.tree.leaves(ALIASING[name](np.arange(6.0).reshape(2, 3)))
        results = ft.tree.leaves(f(x))
        for i, (found, value) in enumerate(zip(results, expected, strict=True)):
            assert_close(found, value)
            assert type(found) is np.ndarray
            assert found.flags.writeable
            for other in (x, CONSTANT, *results[:i]):
                assert not np.shares_memory(found, other)
                assert root(found) is not root(other)
        for found in results:
            found[...] = -1.0
        assert_close(x, np.arange(6.0).reshape(2, 3))
        assert_close(CONSTANT, np.arange(3.0))


@pytest.mark.parametrize(
    "transform",
    [
        lambda g: lambda x: ft.vjp(g, x)[0],
        lambda g: lambda x: ft.jvp(g, (x,), (x,)),
        lambda g: lambda x: ft.vjp(g, x)[1](np.ones((2, 3))),
        lambda g: ft.value_and_grad(lambda x: (np.sum(x), g(x)), has_aux=True),
        lambda g: lambda x: ft.linearize(g, x)[1](x),
    ],
)
@pytest.mark.parametrize("g", [lambda x: x, lambda x: x + 0, lambda x: x[::-1]])
def test_results_of_derivatives_are_nobody_elses_memory(transform, g):
    x = np.arange(6.0).reshape(2, 3)
    results = [r for r in ft.tree.leaves(transform(g)(x)) if np.ndim(r)]
    for i, found in enumerate(results):
        assert found.flags.writeable
        assert not any(np.shares_memory(found, other) for other in (x, *results[:i]))


def test_a_result_does_not_keep_a_larger_array_alive():
    found = ft.jit(lambda x: (x * 2)[:1])(np.ones(1000))
    assert found.base is None or found.base.size == 1


def test_a_function_may_be_called_while_it_is_traced():
    @ft.jit
    def f(x, depth):
        return x if depth == 0 else f(x * 2, depth - 1)

    g = ft.jit(f.__wrapped__, static_argnums=1)

    def recursive(x, depth):
        return x if depth == 0 else h(x * 2, depth - 1)

    h = ft.jit(recursive, static_argnums=1)
    assert h(1.0, 5) == 32.0
    assert h(1.0, 3) == 8.0
    with pytest.raises(ConcretizationError):
        g(1.0, 2)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64])
@pytest.mark.parametrize("number", [300, -200])
def test_a_traced_python_int_that_does_not_fit_raises_as_in_numpy(dtype, number):
    def f(x, n):
        return x + n

    x = np.ones(2, dtype)
    if np.iinfo(dtype).min <= number <= np.iinfo(dtype).max:
        np.testing.assert_array_equal(ft.jit(f)(x, number), f(x, number))
        return
    with pytest.raises(OverflowError, match="out of bounds"):
        f(x, number)
    with pytest.raises(OverflowError, match="out of bounds"):
        ft.jit(f)(x, number)
