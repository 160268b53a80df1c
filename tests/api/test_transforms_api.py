"""The signatures of the transforms: argument choice, trees, auxiliary data, axes, dtypes."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

import functrace as ft
from functrace.errors import (
    ArgumentError,
    DerivativeTypeError,
    MappedAxisError,
    MissingRuleError,
    NotElementwiseError,
    ShapeError,
    TreeStructureError,
)

from ..numerical import assert_close

X = np.array([1.0, 2.0, 3.0])
Y = np.array([0.5, -1.0, 2.0])


class Params(NamedTuple):
    w: object
    b: object


def f(x, y, z=2.0, *, k=1.0):
    return np.sum(x * y**2) * z * k


BY_X, BY_Y, BY_Z, BY_K = Y**2 * 2, 2 * X * Y * 2, np.sum(X * Y**2), np.sum(X * Y**2) * 2


# argnums and argnames


def test_argnums_choose_arguments():
    assert_close(ft.grad(f)(X, Y), BY_X)
    assert_close(ft.grad(f, 1)(X, Y), BY_Y)
    assert_close(ft.grad(f, argnums=-1)(X, Y), BY_Y)
    assert_close(ft.grad(f, argnums=-2)(X, Y, 2.0), BY_Y)
    assert_close(ft.grad(f, argnums=2)(X, Y, 2.0), BY_Z)
    assert_close(ft.grad(f, argnums=np.int64(1))(X, Y), BY_Y)


def test_several_argnums_give_a_tuple_in_their_order():
    for argnums in ((0, 1), [0, 1], (-2, -1)):
        gradient = ft.grad(f, argnums=argnums)(X, Y)
        assert isinstance(gradient, tuple)
        assert_close(gradient[0], BY_X)
        assert_close(gradient[1], BY_Y)
    by_y, by_x = ft.grad(f, argnums=(1, 0))(X, Y)
    assert_close(by_x, BY_X)
    assert_close(by_y, BY_Y)
    (alone,) = ft.grad(f, argnums=(1,))(X, Y)
    assert_close(alone, BY_Y)


def test_argnames_choose_arguments_however_they_are_passed():
    assert_close(ft.grad(f, argnames="y")(X, Y), BY_Y)
    assert_close(ft.grad(f, argnames="y")(X, y=Y), BY_Y)
    assert_close(ft.grad(f, argnames="k")(X, Y, k=1.0), BY_K)
    assert_close(ft.grad(f, argnames="z")(X, Y, z=2.0), BY_Z)
    both = ft.grad(f, argnames=("z", "k"))(X, Y, z=2.0, k=1.0)
    assert_close(both["z"], BY_Z)
    assert_close(both["k"], BY_K)


def test_argnums_and_argnames_together_give_both():
    (by_x,), named = ft.grad(f, argnums=0, argnames="k")(X, Y, k=1.0)
    assert_close(by_x, BY_X)
    assert_close(named["k"], BY_K)


def test_other_arguments_may_be_anything():
    g = lambda x, mode, table, n=1: np.sum(x) * table[mode] ** n
    assert_close(ft.grad(g)(X, "a", {"a": 3.0}, n=2), [9.0, 9.0, 9.0])
    assert_close(ft.value_and_grad(g)(X, "b", {"b": 2.0})[0], 12.0)


def test_an_argument_that_is_not_passed_is_named():
    with pytest.raises(ArgumentError, match="argument 5"):
        ft.grad(f, argnums=5)(X, Y)
    with pytest.raises(ArgumentError, match="'q'"):
        ft.grad(f, argnames="q")(X, Y)
    with pytest.raises(ArgumentError, match="argnames"):
        ft.grad(f)(x=X, y=Y)
    for transform in (ft.jacfwd, ft.jacrev, ft.hessian):
        with pytest.raises(ArgumentError):
            transform(f, argnums=7)(X, Y)


def test_keyword_arguments_reach_the_function():
    assert_close(ft.grad(f)(X, Y, k=3.0), 3 * BY_X)
    assert_close(ft.grad(f)(X, y=Y, z=1.0), BY_X / 2)
    assert_close(ft.jit(ft.grad(f))(X, Y, k=3.0), 3 * BY_X)
    assert_close(ft.jacfwd(f)(X, Y, k=3.0), 3 * BY_X)
    assert_close(ft.hessian(lambda x, p=2: np.sum(x**p))(X, p=3), np.diag(6 * X))


@pytest.mark.parametrize("transform", [ft.jacfwd, ft.jacrev, ft.hessian])
def test_jacobians_choose_arguments_as_grad_does(transform):
    g = lambda x, y: np.sum(x**2 * y)
    single = transform(g, argnums=1)(X, Y)
    (alone,) = transform(g, argnums=(1,))(X, Y)
    named = transform(g, argnames="y")(X, y=Y)
    alone = alone[0] if transform is ft.hessian else alone
    assert_close(single, alone)
    assert_close(single, named)


# Structure of results


def test_a_jacobian_has_the_outputs_tree_of_the_arguments_tree():
    def g(p, x):
        return {"out": p["w"] @ x, "pair": (np.sum(p["b"]), p["b"] * x[0])}

    p = {"w": np.arange(6.0).reshape(2, 3), "b": np.ones(2)}
    forward, reverse = ft.jacfwd(g)(p, X), ft.jacrev(g)(p, X)
    expected = {
        "out": {"w": (2, 2, 3), "b": (2, 2)},
        "pair": ({"w": (2, 3), "b": (2,)}, {"w": (2, 2, 3), "b": (2, 2)}),
    }
    for found in (forward, reverse):
        shapes = ft.tree.map(np.shape, found)
        assert shapes == expected
    ft.tree.map(assert_close, forward, reverse)
    assert_close(forward["out"]["w"][1], [[0, 0, 0], X])
    assert_close(forward["pair"][1]["b"], X[0] * np.eye(2))


def test_a_jacobian_by_several_arguments_has_a_tuple_in_each_output():
    g = lambda x, y: (x * y, np.sum(y))
    for transform in (ft.jacfwd, ft.jacrev):
        (by_x, by_y), (sum_by_x, sum_by_y) = transform(g, argnums=(0, 1))(X, Y)
        assert_close(by_x, np.diag(Y))
        assert_close(by_y, np.diag(X))
        assert_close(sum_by_x, np.zeros(3))
        assert_close(sum_by_y, np.ones(3))


def test_a_hessian_of_a_tree_is_a_tree_of_trees():
    g = lambda p: np.sum(p.w**2) * p.b
    found = ft.hessian(g)(Params(X, 2.0))
    assert isinstance(found, Params)
    assert isinstance(found.w, Params)
    assert_close(found.w.w, 4 * np.eye(3))
    assert_close(found.w.b, 2 * X)
    assert_close(found.b.w, 2 * X)
    assert_close(found.b.b, 0.0)


def test_a_hessian_by_several_arguments_is_a_tuple_of_tuples():
    (xx, xy), (yx, yy) = ft.hessian(lambda x, y: np.sum(x**2 * y), argnums=(0, 1))(X, Y)
    assert_close(xx, np.diag(2 * Y))
    assert_close(xy, np.diag(2 * X))
    assert_close(yx, np.diag(2 * X))
    assert_close(yy, np.zeros((3, 3)))


def test_jacobians_of_matrices_have_all_axes():
    matrix = np.arange(6.0).reshape(2, 3)
    for transform in (ft.jacfwd, ft.jacrev):
        found = transform(lambda m: m.T @ m)(matrix)
        assert found.shape == (3, 3, 2, 3)
        expected = np.einsum("ik,aj->ijak", np.eye(3), matrix)
        assert_close(found, expected + expected.transpose(1, 0, 2, 3))


def test_jacobians_of_scalars_and_of_nothing():
    for transform in (ft.jacfwd, ft.jacrev):
        assert_close(transform(np.sin)(0.0), 1.0)
        assert transform(lambda x: x * 2)(np.zeros((0, 2))).shape == (0, 2, 0, 2)
        assert_close(transform(lambda x: np.ones(2))(X), np.zeros((2, 3)))


def test_gradients_have_shape_and_dtype_of_the_argument():
    for dtype in (np.float16, np.float32, np.float64):
        for shape in ((), (3,), (2, 0)):
            gradient = ft.grad(lambda x: np.sum(x * x))(np.ones(shape, dtype))
            assert (gradient.shape, gradient.dtype) == (shape, dtype)
    mixed = lambda x, y: np.sum(x * y)
    by_x, by_y = ft.grad(mixed, (0, 1))(np.ones(2, np.float32), np.ones(2))
    assert (by_x.dtype, by_y.dtype) == (np.float32, np.float64)


def test_arguments_that_do_not_matter_have_zero_gradients():
    gradient = ft.grad(lambda p: np.sum(p["used"]))({"used": X, "unused": np.ones((2, 2))})
    assert_close(gradient["unused"], np.zeros((2, 2)))
    assert_close(ft.grad(lambda x: 3.0)(X), np.zeros(3))
    assert_close(ft.grad(lambda x: np.sum(Y))(X), np.zeros(3))
    assert gradient["unused"].flags.writeable


def test_values_are_of_the_types_that_the_function_returns():
    value, gradient = ft.value_and_grad(lambda x: x * 2)(3.0)
    assert type(value) is float
    assert type(gradient) is np.float64
    value, _ = ft.value_and_grad(np.sum)(X)
    assert type(value) is np.float64


# Auxiliary data


def test_auxiliary_data_has_its_own_dtypes():
    def g(x):
        return np.sum(x), {"n": np.argmax(x), "flag": x[0] > 0, "half": x.astype(np.float16)}

    _, aux = ft.grad(g, has_aux=True)(X)
    assert aux["n"] == 2
    assert aux["n"].dtype == np.int64
    assert aux["flag"].dtype == np.bool_
    assert aux["half"].dtype == np.float16


def test_auxiliary_data_gets_no_derivative():
    g = lambda x: (np.sum(x), np.sin(x))
    value, tangent, aux = ft.jvp(g, (X,), (X,), has_aux=True)
    assert_close(value, X.sum())
    assert_close(tangent, X.sum())
    assert_close(aux, np.sin(X))
    _, pull, aux = ft.vjp(g, X, has_aux=True)
    assert_close(pull(2.0)[0], np.full(3, 2.0))
    assert_close(aux, np.sin(X))


def test_has_aux_needs_a_pair():
    for bad in (lambda x: np.sum(x), lambda x: (np.sum(x),), lambda x: [np.sum(x), x]):
        for call in (
            lambda g: ft.grad(g, has_aux=True)(X),
            lambda g: ft.vjp(g, X, has_aux=True),
            lambda g: ft.jvp(g, (X,), (X,), has_aux=True),
            lambda g: ft.linearize(g, X, has_aux=True),
            lambda g: ft.jacfwd(g, has_aux=True)(X),
            lambda g: ft.jacrev(g, has_aux=True)(X),
        ):
            with pytest.raises(TypeError, match="auxiliary"):
                call(bad)


# Integers and complex numbers


def test_integer_arguments_need_allow_int():
    g = lambda n, x: np.sum(n * x)
    with pytest.raises(DerivativeTypeError, match="argument n"):
        ft.grad(g)(np.arange(3), X)
    by_n, by_x = ft.grad(g, argnums=(0, 1), allow_int=True)(np.arange(3), X)
    assert by_n.dtype == ft.float0
    assert by_n.shape == (3,)
    assert_close(by_x, np.arange(3))
    _, gradient = ft.value_and_grad(g, allow_int=True)(np.arange(3), X)
    assert gradient.dtype == ft.float0
    for transform in (ft.jacfwd, ft.jacrev, ft.hessian, ft.elementwise_grad):
        with pytest.raises(DerivativeTypeError):
            transform(lambda n: np.sum(n * 1.0))(3)


def test_integers_pass_through_vjp_and_jvp():
    _, pull = ft.vjp(lambda x, n: (x * n, n), X, np.arange(3))
    by_x, by_n = pull((np.ones(3), np.zeros(3, ft.float0)))
    assert_close(by_x, np.arange(3))
    assert by_n.dtype == ft.float0
    _, (tangent, dn) = ft.jvp(
        lambda x, n: (x * n, n), (X, np.arange(3)), (X, np.zeros(3, ft.float0))
    )
    assert_close(tangent, X * np.arange(3))
    assert dn.dtype == ft.float0


def test_holomorphic_functions_have_complex_derivatives():
    z = np.array([1 + 2j, 0.5 - 1j])
    g = lambda z: np.sum(z**3)
    assert_close(ft.grad(g, holomorphic=True)(z), 3 * z**2)
    assert_close(ft.value_and_grad(g, holomorphic=True)(z)[0], np.sum(z**3))
    cube = lambda z: z**3
    assert_close(ft.jacfwd(cube, holomorphic=True)(z), np.diag(3 * z**2))
    assert_close(ft.jacrev(cube, holomorphic=True)(z), np.diag(3 * z**2))
    assert_close(ft.hessian(g, holomorphic=True)(z), np.diag(6 * z))


def test_a_real_function_of_complex_numbers_has_the_conjugate_gradient():
    assert_close(ft.grad(lambda z: np.abs(z) ** 2)(3 + 4j), 6 - 8j)
    assert_close(ft.grad(lambda z: np.real(z * z))(3 + 4j), 6 + 8j)
    assert_close(ft.grad(lambda z: np.imag(z))(3 + 4j), -1j)
    assert_close(ft.grad(lambda x: np.real(np.exp(1j * x)))(0.5), -np.sin(0.5))


def test_holomorphic_wants_complex_numbers_and_others_want_real_results():
    with pytest.raises(DerivativeTypeError, match="real"):
        ft.grad(lambda z: z, holomorphic=True)(1.0)
    with pytest.raises(DerivativeTypeError):
        ft.grad(lambda z: np.abs(z), holomorphic=True)(1 + 1j)
    with pytest.raises(DerivativeTypeError, match="holomorphic"):
        ft.grad(lambda z: z * z)(1 + 1j)


# jvp, vjp, linearize: their arguments


def test_tangents_and_cotangents_must_fit():
    g = lambda p, x: p["w"] * x
    p, dp = {"w": X}, {"w": np.ones(3)}
    assert_close(ft.jvp(g, (p, X), (dp, np.zeros(3)))[1], X)
    assert_close(ft.jvp(g, [p, X], [dp, np.zeros(3)])[1], X)
    _, pull = ft.vjp(g, p, X)
    _, push = ft.linearize(g, p, X)
    for bad in [
        lambda: ft.jvp(g, (p, X), (dp,)),
        lambda: ft.jvp(g, (p, X), ({"v": X}, X)),
        lambda: push(dp),
        lambda: push(dp, (X,)),
        lambda: pull((X,)),
        lambda: pull({"a": X}),
    ]:
        with pytest.raises(TreeStructureError):
            bad()
    for bad in [
        lambda: ft.jvp(g, (p, X), (dp, np.ones(4))),
        lambda: ft.jvp(g, (p, X), (dp, 1.0)),
        lambda: push(dp, np.ones((3, 1))),
        lambda: pull(1.0),
        lambda: pull(np.ones((1, 3))),
    ]:
        with pytest.raises(ShapeError):
            bad()
    for bad in [
        lambda: ft.jvp(g, (p, X), (dp, X * 1j)),
        lambda: pull(X * 1j),
        lambda: ft.jvp(g, p, dp),
        lambda: ft.jvp(g, X, X),
    ]:
        with pytest.raises(TypeError):
            bad()


def test_tangents_take_the_dtype_of_their_primal():
    x = X.astype(np.float32)
    assert ft.jvp(np.sin, (x,), (np.ones(3),))[1].dtype == np.float32
    assert ft.jvp(np.sin, (x,), (np.ones(3, int),))[1].dtype == np.float32
    assert ft.vjp(np.sin, x)[1](np.ones(3))[0].dtype == np.float32
    assert ft.linearize(np.sin, x)[1](np.ones(3)).dtype == np.float32


def test_vjp_returns_a_tuple_with_an_entry_for_each_argument():
    _, pull = ft.vjp(lambda x: x * 2, 3.0)
    assert_close(pull(1.0), (2.0,))
    _, pull = ft.vjp(lambda x, p: {"a": x * p[0], "b": p[1]}, X, (2.0, Y))
    by_x, (by_first, by_second) = pull({"a": np.ones(3), "b": X})
    assert_close(by_x, np.full(3, 2.0))
    assert_close(by_first, X.sum())
    assert_close(by_second, X)


def test_a_pushforward_is_linear_and_does_not_run_the_function_again():
    calls = []

    def g(x):
        calls.append(1)
        return np.sin(x)

    _, push = ft.linearize(g, X)
    assert len(calls) == 1
    assert_close(push(X) + 2 * push(Y), push(X + 2 * Y))
    assert_close(push(Y), np.cos(X) * Y)
    assert len(calls) == 1


def test_hvp_is_the_product_with_the_hessian():
    g = lambda x: np.sum(x**3) + x[0] * x[1]
    assert_close(ft.hvp(g, (X,), (Y,)), ft.hessian(g)(X) @ Y)
    two = lambda x, y: np.sum(x**2 * y)
    by_x, by_y = ft.hvp(two, (X, Y), (np.ones(3), np.zeros(3)))
    assert_close(by_x, 2 * Y)
    assert_close(by_y, 2 * X)
    tree = ft.hvp(
        lambda p: np.sum(p["w"] ** 2) * p["b"], ({"w": X, "b": 2.0},), ({"w": Y, "b": 0.0},)
    )
    assert_close(tree["w"], 4 * Y)
    assert_close(tree["b"], 2 * X @ Y)
    with pytest.raises(ArgumentError, match="tuple"):
        ft.hvp(g, X, Y)


# vmap


MATRIX = np.arange(6.0).reshape(2, 3)


def test_in_axes_choose_the_axis_of_each_argument():
    g = lambda x, y: x * y
    assert_close(ft.vmap(g)(X, Y), X * Y)
    assert_close(ft.vmap(g, in_axes=(0, None))(X, 2.0), 2 * X)
    assert_close(ft.vmap(g, in_axes=(None, 0))(2.0, X), 2 * X)
    assert_close(ft.vmap(np.sum, in_axes=1)(MATRIX), MATRIX.sum(0))
    assert_close(ft.vmap(np.sum, in_axes=-1)(MATRIX), MATRIX.sum(0))
    assert_close(ft.vmap(np.sum, in_axes=-2)(MATRIX), MATRIX.sum(1))
    assert_close(ft.vmap(np.dot, in_axes=(1, 0))(MATRIX, MATRIX.T), (MATRIX**2).sum(0))
    assert_close(ft.vmap(g, in_axes=[0, None])(X, Y), X[:, None] * Y)


def test_in_axes_may_be_trees_that_stop_anywhere():
    g = lambda p, x: p["w"] @ x + p["b"][0]
    p = {"w": np.ones((2, 3)), "b": (np.arange(4.0), None)}
    xs = np.ones((4, 3))
    found = ft.vmap(g, in_axes=({"w": None, "b": 0}, 0))(p, xs)
    assert_close(found, 3.0 + np.arange(4.0)[:, None] * np.ones(2))
    assert_close(ft.vmap(g, in_axes=({"w": None, "b": (0, None)}, 0))(p, xs), found)
    assert_close(ft.vmap(lambda p: p.w + p.b, in_axes=(Params(0, None),))(Params(X, 1.0)), X + 1)


def test_out_axes_place_the_mapped_axis():
    g = lambda x: np.ones((2, 5)) * x
    assert ft.vmap(g, out_axes=0)(X).shape == (3, 2, 5)
    assert ft.vmap(g, out_axes=1)(X).shape == (2, 3, 5)
    assert ft.vmap(g, out_axes=2)(X).shape == (2, 5, 3)
    assert ft.vmap(g, out_axes=-1)(X).shape == (2, 5, 3)
    assert ft.vmap(g, out_axes=-2)(X).shape == (2, 3, 5)
    a, b = ft.vmap(lambda x: (g(x), {"b": g(x)}), out_axes=(2, {"b": 1}))(X)
    assert a.shape == (2, 5, 3)
    assert b["b"].shape == (2, 3, 5)
    a, b = ft.vmap(lambda x: (g(x), [g(x)]), out_axes=(2, 1))(X)
    assert b[0].shape == (2, 3, 5)


def test_outputs_without_the_axis_may_stay_without_it():
    _, constant = ft.vmap(lambda x, y: (x * y, y + 1), in_axes=(0, None), out_axes=(0, None))(
        X, 2.0
    )
    assert_close(constant, 3.0)
    assert np.shape(constant) == ()
    with pytest.raises(MappedAxisError, match="out_axes is None"):
        ft.vmap(lambda x: x, out_axes=None)(X)
    assert_close(ft.vmap(lambda x: 5.0)(X), np.full(3, 5.0))
    assert_close(ft.vmap(lambda x: Y, out_axes=1)(X), np.stack([Y] * 3, 1))


def test_axis_size_serves_where_no_argument_is_mapped():
    assert_close(ft.vmap(lambda: 2.0, axis_size=3)(), np.full(3, 2.0))
    assert_close(ft.vmap(lambda x: x + 1, in_axes=None, axis_size=2)(X), np.stack([X + 1] * 2))
    assert_close(ft.vmap(np.sin, axis_size=3)(X), np.sin(X))
    with pytest.raises(MappedAxisError, match="axis_size=4"):
        ft.vmap(np.sin, axis_size=4)(X)
    with pytest.raises(MappedAxisError, match="no argument is mapped"):
        ft.vmap(np.sin, in_axes=None)(X)


def test_keyword_arguments_are_mapped_over_their_first_axis():
    assert_close(ft.vmap(lambda x, k: x * k)(X, k=Y), X * Y)
    assert_close(ft.vmap(lambda x, k: x * k, in_axes=(None,))(2.0, k=Y), 2 * Y)


def test_axes_that_do_not_fit_are_explained_with_every_argument():
    with pytest.raises(MappedAxisError) as error:
        ft.vmap(lambda p, x: x)({"a": np.ones(4), "b": np.ones((3, 2))}, np.ones(3))
    for words in ("p['a']: shape (4,), axis 0, length 4", "p['b']: shape (3, 2)", "x: shape (3,)"):
        assert words in str(error.value)
    for in_axes in (1, (0, 5), (0, 0, 0), ({"a": 0}, 0), "0"):
        with pytest.raises(MappedAxisError):
            ft.vmap(lambda x, y: x, in_axes=in_axes)(X, Y)
    for out_axes in (2, -3, (0, 0), {"a": 0}):
        with pytest.raises(MappedAxisError):
            ft.vmap(lambda x: x, out_axes=out_axes)(X)


def test_an_axis_of_length_zero_or_one_can_be_mapped():
    assert ft.vmap(np.sin)(np.zeros((0, 2))).shape == (0, 2)
    assert ft.vmap(lambda x: x @ x)(np.zeros((0, 2))).shape == (0,)
    assert_close(ft.vmap(lambda x: x @ x)(np.ones((1, 2))), [2.0])


def test_results_of_vmap_are_writable_and_own_their_memory():
    x = np.ones((3, 2))
    for g in (lambda r: r, lambda r: r[:1], lambda r: Y, lambda r: 1.0, lambda r: r.T):
        found = ft.vmap(g)(x)
        assert found.flags.writeable
        assert not np.shares_memory(found, x)
        found[...] = 7
    assert np.all(x == 1)
    assert Y[0] == 0.5


# Other transforms


def test_eval_shape_gives_types_and_computes_nothing():
    def g(x, n):
        return {"a": np.sin(x) @ np.ones((3, 2)), "b": (x > n, n * 2)}

    found = ft.eval_shape(g, ft.ArrayType((5, 3), np.float32), 3)
    assert found["a"].shape == (5, 2)
    assert found["a"].dtype == np.float64
    assert found["b"][0] is ft.ArrayType((5, 3), bool)
    assert found["b"][1].shape == ()
    assert ft.eval_shape(lambda x, k: x * k, X, k=2.0) is ft.ArrayType((3,), float)
    huge = ft.ArrayType((10**6, 10**6), float)
    assert ft.eval_shape(lambda a: a @ a, huge) is huge


def test_stop_gradient_keeps_the_value_and_cuts_the_derivative():
    assert_close(ft.grad(lambda x: x * ft.stop_gradient(x))(3.0), 3.0)
    g = lambda p: np.sum(p["a"] * ft.stop_gradient(p)["a"])
    assert_close(ft.grad(g)({"a": X})["a"], X)
    assert_close(ft.jvp(ft.stop_gradient, (X,), (X,))[1], np.zeros(3))
    assert_close(ft.jit(ft.stop_gradient)(X), X)
    assert_close(ft.hessian(lambda x: x**2 * ft.stop_gradient(x))(3.0), 6.0)
    assert_close(ft.vmap(ft.grad(lambda x: x * ft.stop_gradient(x)))(X), X)
    assert ft.stop_gradient({"a": 1, "b": "text"}) == {"a": 1, "b": "text"}


def test_linear_transpose_of_every_shape_of_linear_function():
    A = np.arange(6.0).reshape(2, 3)
    for g, x in [
        (lambda x: A @ x, X),
        (lambda x: x[1:] * 2 - x[:-1], X),
        (lambda x: np.sum(x) * 3, X),
        (lambda x: np.concatenate([x, x[::-1]]), X),
        (lambda x: np.where(np.array([True, False, True]), x, -x), X),
        (lambda x: np.cumsum(x.reshape(3, 1) / 2, 0), X),
        (lambda x: x[np.array([0, 2, 0])], X),
        (lambda x: np.broadcast_to(x, (2, 3)).T, X),
    ]:
        y = g(x)
        cotangent = np.cos(np.arange(y.size)).reshape(np.shape(y))
        (back,) = ft.linear_transpose(g, x)(cotangent)
        assert_close(np.vdot(cotangent, g(Y)), np.vdot(back, Y))


def test_linear_transpose_of_trees_and_types():
    g = lambda p, x: {"a": p["w"] * 2.0 + x, "b": x[0]}
    types = ({"w": ft.ArrayType((3,), float)}, ft.ArrayType((3,), float))
    by_p, by_x = ft.linear_transpose(g, *types)({"a": X, "b": 5.0})
    assert_close(by_p["w"], 2 * X)
    assert_close(by_x, X + [5, 0, 0])


@pytest.mark.parametrize(
    "g",
    [
        lambda x: x * x,
        lambda x: x @ x,
        lambda x: np.einsum("i,i,i->", x, x, x),
        lambda x: np.sin(x),
        lambda x: 1.0 / x,
        lambda x: x**2,
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: np.where(x, x, 0.0),
        lambda x: np.maximum(x, 0.0),
        lambda x: x / x,
        lambda x: np.prod(x),
    ],
)
def test_linear_transpose_of_a_function_that_is_not_linear_raises(g):
    with pytest.raises(MissingRuleError):
        ft.linear_transpose(g, X)


# elementwise_grad


ELEMENTWISE = {
    "sin": (np.sin, np.cos),
    "with constants": (lambda x: x**2 * 3 + 1, lambda x: 6 * x),
    "broadcast constants": (lambda x: x * np.ones(3) * 2.0, lambda x: 0 * x + 2),
    "array constants": (lambda x: x**2 * Y, lambda x: 2 * x * Y),
    "reshaped and back": (lambda x: np.sin(x.ravel()).reshape(x.shape), np.cos),
    "transposed and back": (lambda x: np.exp(x.T).T, np.exp),
    "where": (lambda x: np.where(x > 1.5, x**2, -x), lambda x: np.where(x > 1.5, 2 * x, -1)),
    "parts": (
        lambda x: np.concatenate([x[:1] ** 2, np.sin(x[1:])]) if x.ndim == 1 else x,
        lambda x: np.concatenate([2 * x[:1], np.cos(x[1:])]) if x.ndim == 1 else 0 * x + 1,
    ),
    "mean of constants": (lambda x: x * np.mean(Y), lambda x: 0 * x + np.mean(Y)),
    "constant": (lambda x: x * 0 + 3.0, lambda x: 0 * x),
    "independent": (np.zeros_like, lambda x: 0 * x),
    "jitted": (ft.jit(np.tanh), lambda x: 1 - np.tanh(x) ** 2),
    "mapped": (ft.vmap(lambda row: np.sin(row)), np.cos),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("x", [X, np.stack([X, Y])], ids=["vector", "matrix"])
def test_elementwise_grad_is_the_derivative_at_each_element(name, x):
    g, derivative = ELEMENTWISE[name]
    assert_close(ft.elementwise_grad(g)(x), derivative(x))


@pytest.mark.parametrize(
    "g",
    [
        lambda x: np.cumsum(x),
        lambda x: x - np.mean(x),
        lambda x: x / np.linalg.norm(x),
        lambda x: np.exp(x) / np.sum(np.exp(x)),
        lambda x: x[::-1],
        lambda x: np.roll(x, 1) * x,
        lambda x: np.ones((3, 3)) @ x,
        lambda x: x * x[0],
        lambda x: x[np.array([2, 1, 0])] ** 2,
    ],
)
def test_elementwise_grad_refuses_functions_that_mix_elements(g):
    with pytest.raises(NotElementwiseError, match="mixes elements: .* at test_transforms_api.py"):
        ft.elementwise_grad(g)(X)


def test_elementwise_grad_names_the_line_that_mixes():
    def g(x):
        y = np.sin(x)
        z = np.cumsum(y)
        return z * 2

    with pytest.raises(NotElementwiseError) as error:
        ft.elementwise_grad(g)(X)
    assert error.value.source.text == "z = np.cumsum(y)"


def test_elementwise_grad_of_other_arguments_and_orders():
    g = lambda a, x: a * x**3
    assert_close(ft.elementwise_grad(g, argnums=1)(2.0, X), 6 * X**2)
    second = ft.elementwise_grad(ft.elementwise_grad(np.sin))
    assert_close(second(X), -np.sin(X))
    assert_close(ft.jit(ft.elementwise_grad(np.sin))(X), np.cos(X))
    assert_close(ft.vmap(ft.elementwise_grad(np.sin))(MATRIX), np.cos(MATRIX))
    assert_close(ft.elementwise_grad(np.sin)(0.5), np.cos(0.5))
    assert ft.elementwise_grad(np.sin)(X.astype(np.float32)).dtype == np.float32


def test_elementwise_grad_wants_one_array_of_one_shape():
    for g in (np.sum, lambda x: x[:2], lambda x: (x, x), lambda x: np.stack([x, x])):
        with pytest.raises(NotElementwiseError):
            ft.elementwise_grad(g)(X)
    with pytest.raises(NotElementwiseError):
        ft.elementwise_grad(lambda p: p["a"])({"a": X, "b": X})


# All of them


TRANSFORMS = [
    ft.grad, ft.value_and_grad, ft.vmap, ft.jit, ft.jacfwd, ft.jacrev, ft.hessian,
    ft.elementwise_grad,
]  # fmt: skip


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: t.__name__)
def test_a_transform_takes_a_function_and_dresses_its_result(transform):
    def my_function(x):
        """My words."""
        return x

    dressed = transform(my_function)
    assert "my_function" in dressed.__name__
    assert dressed.__doc__ == "My words."
    assert dressed.__wrapped__ is my_function
    for bad in (3.0, np.ones(3), None if transform is not ft.jit else 1, "f"):
        with pytest.raises(ArgumentError, match="function"):
            transform(bad)
    for odd in (partial(lambda a, x: x * a, 2.0), np.sin, abs):
        assert callable(transform(odd))


def test_vjp_jvp_linearize_and_linear_transpose_take_functions():
    for call in (
        lambda: ft.jvp(3.0, (X,), (X,)),
        lambda: ft.vjp(3.0, X),
        lambda: ft.linearize(3.0, X),
        lambda: ft.linear_transpose(3.0, X),
        lambda: ft.hvp(3.0, (X,), (X,)),
    ):
        with pytest.raises(ArgumentError, match="function"):
            call()
