"""What once went wrong, and must not again: one test for each defect."""

import dataclasses
import enum
import functools

import numpy as np
import pytest

import functrace as ft
from functrace import errors

# Memory


def test_a_view_captured_inside_a_trace_that_uses_its_base_is_unlocked_with_the_base():
    base = np.ones((200, 200))
    view = base[:]

    def f(x):
        y = x @ base
        return np.sum(y * ft.grad(lambda z: np.sum(view @ z))(x))

    np.testing.assert_allclose(ft.grad(f)(np.ones(200)), np.full(200, 200.0 * 200))
    assert base.flags.writeable
    assert view.flags.writeable


def test_constants_of_a_compiled_function_survive_writing_to_them_inside_another_trace():
    constant = np.ones(3)
    compiled = ft.jit(lambda x: (x * 2, constant))

    def f(x):
        doubled, k = compiled(x)
        k += 1
        return np.sum(doubled * k)

    for _ in range(3):
        np.testing.assert_array_equal(ft.grad(f)(np.ones(3)), np.full(3, 4.0))


def test_a_zero_gradient_computed_inside_a_trace_can_be_written_to():
    def f(x):
        gradient = ft.grad(lambda y: np.sum(x))(np.ones(3))
        gradient += 1
        return np.sum(gradient * x)

    np.testing.assert_array_equal(ft.grad(f)(np.ones(3)), np.ones(3))


# What is static


@pytest.mark.parametrize(("one", "other"), [((1,), (1.0,)), ((True,), (1,)), ((0.0,), (-0.0,))])
def test_equal_static_arguments_of_different_meaning_are_traced_apart(one, other):
    f = ft.jit(lambda x, s: np.copysign(x, s[0]) * s[0], static_argnums=1)
    x = np.arange(3, dtype=np.float32)
    for s in (one, other, one):
        expected = np.copysign(x, s[0]) * s[0]
        assert f(x, s).dtype == expected.dtype
        np.testing.assert_array_equal(np.signbit(f(x, s)), np.signbit(expected))
    assert f.cache_info().size == 2


class Mode(enum.IntEnum):
    FAST = 1


@dataclasses.dataclass
class Layer:
    w: object
    scale: object = dataclasses.field(metadata={"static": True})


@pytest.mark.parametrize("scales", [(1, 1.0), (1, True), (1, Mode.FAST), (0.0, -0.0)])
def test_static_fields_that_are_equal_but_not_the_same_are_kept_apart(scales):
    for scale in scales:
        gradient = ft.grad(lambda layer: layer.w * 2.0)(Layer(1.0, scale))
        assert repr(gradient.scale) == repr(scale)
        assert repr(ft.jit(lambda layer: layer)(Layer(1.0, scale)).scale) == repr(scale)


def test_static_fields_that_cannot_be_hashed_are_compared_by_value():
    f = ft.jit(lambda layer: layer.w * sum(layer.scale))
    for scale, expected in (([1, 2], 3.0), ([1, 2], 3.0), ([1, 4], 5.0)):
        assert f(Layer(1.0, scale)) == expected
        assert ft.grad(lambda layer: layer.w * 2.0)(Layer(1.0, scale)).scale == scale
    assert f.cache_info().size == 2


def test_shapes_are_of_python_ints():
    ft.ArrayType((np.int64(977),), float)
    assert type(ft.eval_shape(lambda x: x, np.ones(977)).shape[0]) is int


# Arguments


def test_jit_called_with_a_type_says_what_to_call():
    with pytest.raises(errors.LeafTypeError, match="eval_shape"):
        ft.jit(lambda x: x)(ft.ArrayType((3,), float))


def test_a_python_int_that_fits_no_dtype_is_refused_by_name():
    with pytest.raises(errors.DTypeError, match="does not fit int64"):
        ft.jit(lambda x, n: x * n)(np.ones(3), 2**70)


def test_any_collection_of_argnums_gives_a_tuple():
    assert ft.grad(lambda x, y: x * y, argnums=range(2))(2.0, 3.0) == (3.0, 2.0)


@pytest.mark.parametrize("chosen", [{"argnums": (0, -2)}, {"argnums": 0, "argnames": "x"}])
def test_an_argument_chosen_twice_is_refused(chosen):
    with pytest.raises(errors.ArgumentError, match="twice"):
        ft.grad(lambda x, y: x * y, **chosen)(2.0, 3.0)


@pytest.mark.parametrize("argnums", ["x", 0.0, (0, "y")])
def test_argnums_that_are_no_ints_are_refused(argnums):
    with pytest.raises(errors.ArgumentError, match="argnames"):
        ft.grad(lambda x, y: x * y, argnums=argnums)(2.0, 3.0)


@pytest.mark.parametrize("tangent", [1, 1.0, np.ones(())])
def test_a_tangent_of_an_integer_is_refused(tangent):
    with pytest.raises(errors.DerivativeTypeError, match="no tangent"):
        ft.jvp(lambda x: x * 2.0, (3,), (tangent,))


def test_a_trace_inside_another_keeps_the_outer_values_as_inputs():
    programs = []

    def f(x):
        programs.append(ft.trace(lambda y: y * x)(2.0))
        return x

    ft.grad(f)(3.0)
    assert ft.evaluate(programs[0], 2.0, 3.0) == 6.0


# Time


def test_a_buffer_changed_at_every_step_is_compared_with_its_last_value_only():
    buffer = np.zeros(2)
    compared = []

    class Watched(np.ndarray):
        def tobytes(self, *args):
            compared.append(1)
            return super().tobytes(*args)

    watched = buffer.view(Watched)

    def f(x):
        for i in range(50):
            buffer[:] = i
            x = x + watched
        return np.sum(x)

    np.testing.assert_array_equal(ft.grad(f)(np.zeros(2)), np.ones(2))
    assert len(compared) < 500


def test_a_writable_view_of_a_read_only_array_stays_writable():
    base = np.ones((200, 200))
    view = base[:]
    base.flags.writeable = False
    ft.grad(lambda x: np.sum(view @ x))(np.ones(200))
    assert view.flags.writeable


# What has no derivative, or one that a transform cannot give


@pytest.mark.parametrize("transform", [ft.jacfwd, ft.jacrev, ft.hessian, ft.elementwise_grad])
def test_jacobians_of_integers_are_refused(transform):
    with pytest.raises(errors.DerivativeTypeError, match="returned i64"):
        transform(lambda x: np.sign(x).astype(int))(np.ones(2))


@pytest.mark.parametrize("transform", [ft.jacrev, ft.elementwise_grad])
def test_complex_derivatives_by_real_numbers_in_reverse_mode_are_refused(transform):
    with pytest.raises(errors.DerivativeTypeError, match="returned c128"):
        transform(lambda x: x * 1j)(np.ones(2))


def test_jacfwd_by_complex_numbers_needs_holomorphic():
    z = np.array([1 + 2j])
    with pytest.raises(errors.DerivativeTypeError, match="holomorphic=True"):
        ft.jacfwd(np.conj)(z)
    np.testing.assert_array_equal(ft.jacfwd(lambda z: z * z, holomorphic=True)(z), [2 * z])


def test_linear_transpose_by_integers_is_refused():
    with pytest.raises(errors.DerivativeTypeError, match="linear_transpose by argument x"):
        ft.linear_transpose(lambda x: x * 2, np.arange(3))


def test_mixing_of_elements_is_seen_however_small_the_derivatives_are():
    with pytest.raises(errors.NotElementwiseError):
        ft.elementwise_grad(lambda x: 1e-20 * np.cumsum(x))(np.ones(3))


def test_mixing_of_elements_is_seen_beside_an_infinite_derivative():
    with np.errstate(all="ignore"), pytest.raises(errors.NotElementwiseError):
        ft.elementwise_grad(lambda x: np.cumsum(np.sqrt(x)))(np.array([1.0, 2.0, 0.0]))


@pytest.mark.parametrize("transform", [ft.jacfwd, ft.jacrev])
def test_jacobians_by_and_of_nothing_are_empty(transform):
    assert transform(lambda p: 1.0)(()) == ()
    assert transform(lambda x: ())(np.ones(2)) == ()


def test_the_imaginary_part_of_booleans_is_boolean():
    found = ft.jit(np.imag)(np.array([True, False]))
    assert found.dtype == np.bool_
    assert not found.any()


def test_the_imaginary_part_of_an_infinite_real_number_is_zero():
    x = np.array([np.inf, np.nan, 1.0])
    np.testing.assert_array_equal(ft.jit(np.imag)(x), np.zeros(3))
    np.testing.assert_array_equal(ft.grad(lambda x: np.sum(np.imag(x) * 2))(x), np.zeros(3))


# vmap


@pytest.mark.parametrize("size", [-1, 2.0, True])
def test_an_axis_size_that_is_no_length_is_refused(size):
    with pytest.raises(errors.MappedAxisError, match="axis_size is a length"):
        ft.vmap(lambda: 1.0, axis_size=size)


def test_axes_of_vmap_may_be_of_numpys_ints_and_not_booleans():
    assert ft.vmap(lambda x: x, in_axes=np.int64(1))(np.ones((2, 3))).shape == (3, 2)
    with pytest.raises(errors.MappedAxisError, match="in_axes=True"):
        ft.vmap(lambda x: x, in_axes=True)(np.ones((2, 3)))


def test_out_axes_that_do_not_fit_are_compared_with_the_output():
    with pytest.raises(errors.MappedAxisError, match="does not fit the output"):
        ft.vmap(lambda x: x, out_axes=(0, 0))(np.ones(2))


# Text


def test_a_decorated_method_names_its_arguments_without_self():
    class Model:
        @functools.wraps(lambda self, weights: None)
        def loss(self, weights):
            return weights

    with pytest.raises(errors.LeafTypeError, match="argument weights"):
        ft.grad(Model().loss)("no number")


def test_complex_numbers_print_in_parentheses():
    assert "a * (1+2j)" in str(ft.trace(lambda x: x * (1 + 2j))(1.0))


def test_an_error_that_user_code_makes_of_ours_stays_the_users():
    def f(x):
        try:
            return float(x)
        except TypeError as error:
            raise ValueError("not here") from error

    with pytest.raises(ValueError, match="not here"):
        ft.grad(f)(1.0)


def test_gradients_of_integers_pass_through_other_transforms():
    gradient = ft.grad(lambda p: p["x"] * p["n"].sum(), allow_int=True)
    params = {"x": 2.0, "n": np.arange(3)}
    for transform in (ft.jit, lambda f: ft.vmap(f, in_axes=None, axis_size=4, out_axes=None)):
        found = transform(gradient)(params)
        assert found["x"] == 3.0
        assert (found["n"].shape, found["n"].dtype) == ((3,), ft.float0)
    outer = ft.grad(lambda x: gradient({"x": x, "n": np.arange(3)})["x"] * x)
    assert outer(2.0) == 3.0


@pytest.mark.parametrize("cotangent", [1j, np.complex128(1j)])
def test_a_complex_cotangent_of_a_real_output_is_refused(cotangent):
    with pytest.raises(errors.DerivativeTypeError, match="has dtype complex128"):
        ft.vjp(lambda x: x * 2, 1.0)[1](cotangent)


@pytest.mark.parametrize("numbers", ["x", 0.5, ("x",)])
def test_static_argnums_that_are_no_ints_are_refused(numbers):
    with pytest.raises(errors.ArgumentError, match="static_argnames"):
        ft.jit(lambda x: x, static_argnums=numbers)


def test_static_argnums_may_be_numpys_ints():
    assert ft.jit(lambda x, n: x * n, static_argnums=np.int64(1))(1.0, 2) == 2.0
