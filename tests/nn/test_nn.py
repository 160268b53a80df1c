"""Convolution, pooling and activations: against loops, in batches, and at the ends of the reals."""

from __future__ import annotations

import math
import sys
import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import nn
from functrace.errors import (
    ArgumentError,
    DTypeError,
    FunctraceError,
    MissingExtraError,
    OptionError,
    ShapeError,
)

from ..cases.op_cases import integers, real

# Convolution, written out


def every(value, axes):
    return value if isinstance(value, tuple) else (value,) * axes


def pairs_of(padding, lengths, sizes, stride, dilation):
    if padding == "VALID":
        return [(0, 0)] * len(lengths)
    if padding in ("SAME", "same"):
        result = []
        for n, k, s, d in zip(lengths, sizes, stride, dilation, strict=True):
            total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
            result.append((total // 2, total - total // 2))
        return result
    return [every(pair, 2) for pair in every(padding, len(lengths))]


def looped_conv(x, w, stride=1, padding="VALID", dilation=1, groups=1):
    axes = w.ndim - 2
    stride, dilation = every(stride, axes), every(dilation, axes)
    pairs = pairs_of(padding, x.shape[2:], w.shape[2:], stride, dilation)
    x = np.pad(x, [(0, 0), (0, 0), *pairs])
    places = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    y = np.zeros((len(x), len(w), *places), np.result_type(x, w))
    each, out = w.shape[1], len(w) // groups
    for n, o, c in product(range(len(x)), range(len(w)), range(each)):
        channel = o // out * each + c
        for place in np.ndindex(*places):
            for a in np.ndindex(*w.shape[2:]):
                at = [i * s + j * d for i, s, j, d in zip(place, stride, a, dilation, strict=True)]
                y[(n, o, *place)] += x[(n, channel, *at)] * w[(o, c, *a)]
    return y


CONVOLUTIONS = [
    *[
        ((2, 4, 7), (4, 4 // g, 3), {"stride": s, "padding": p, "dilation": d, "groups": g})
        for s, p, d, g in product((1, 2), ("VALID", "SAME", 2), (1, 2), (1, 2, 4))
    ],
    *[
        ((2, 3, 6, 5), (2, 3, 2, 3), {"stride": s, "padding": p, "dilation": d})
        for s, p, d in product(
            (1, (3, 2)), ("same", ((1, 2), 0), ((0, 1), (2, 0))), (1, (2, 1))
        )
    ],
    ((2, 4, 5, 4), (6, 2, 3, 2), {"groups": 2, "padding": 1}),
    ((1, 2, 4, 3, 5), (3, 2, 2, 3, 2), {"stride": (2, 1, 2), "padding": (1, (0, 1), 1)}),
    ((1, 2, 3, 3, 2, 2), (2, 2, 2, 1, 2, 2), {}),
    ((40, 3, 2, 2), (5, 3, 2, 1), {}),  # hardly any places
]  # fmt: skip


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), CONVOLUTIONS)
def test_conv_is_the_sum_over_windows(x_shape, w_shape, options):
    x, w = real(*x_shape), real(*w_shape)
    expected = looped_conv(x, w, **options)
    np.testing.assert_allclose(nn.conv(x, w, **options), expected, atol=1e-12)
    compiled = ft.jit(lambda x, w: nn.conv(x, w, **options))
    np.testing.assert_allclose(compiled(x, w), expected, atol=1e-12)
    np.testing.assert_allclose(compiled(x[:1], w), expected[:1], atol=1e-12)
    np.testing.assert_allclose(nn.conv(x[0], w, **options), expected[0], atol=1e-12)


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), CONVOLUTIONS[::5])
def test_gradients_of_conv_are_those_of_the_sum(x_shape, w_shape, options):
    x, w = real(*x_shape), real(*w_shape)
    ct = real(*looped_conv(x, w, **options).shape)

    def paired(x, w):
        return np.sum(ct * nn.conv(x, w, **options))

    by_x, by_w = ft.jit(ft.grad(paired, (0, 1)))(x, w)
    # The pairing is linear in each, so that unit vectors give the gradient exactly.
    for number, (operand, found) in enumerate(((x, by_x), (w, by_w))):
        for flat in range(0, operand.size, max(operand.size // 5, 1)):
            unit = np.zeros(operand.size)
            unit[flat] = 1
            given = [x, w]
            given[number] = unit.reshape(operand.shape)
            assert np.sum(ct * looped_conv(*given, **options)) == pytest.approx(found.flat[flat])


def test_conv_mirrors_nothing():
    x, w = np.array([[1.0, 2, 4, 8]]), np.array([[[1.0, 10]]])
    assert nn.conv(x, w).tolist() == [[21, 42, 84]]


def test_same_padding_keeps_lengths_and_divides_them_by_the_stride():
    for n, k, s, d in product((1, 5, 6), (1, 2, 3), (1, 2, 3), (1, 2)):
        y = nn.conv(np.ones((1, n)), np.ones((1, 1, k)), stride=s, dilation=d, padding="SAME")
        assert y.shape == (1, -(-n // s))


def test_vmap_of_conv_of_one_example_is_conv_of_the_minibatch():
    x, w = real(5, 2, 6, 6), real(3, 2, 3, 3)
    for batched in (ft.vmap(nn.conv, (0, None)), nn.conv):
        np.testing.assert_allclose(ft.jit(batched)(x, w), looped_conv(x, w), atol=1e-12)
    assert ft.trace(ft.vmap(nn.conv, (0, None)))(x, w) == ft.trace(nn.conv)(x, w)


def test_gradients_of_each_example_are_those_of_a_loop():
    x, w, ct = real(5, 2, 6, 6), real(3, 2, 3, 3), real(5, 3, 4, 4)

    def gradient_of_one(w, x, ct):
        return ft.grad(lambda w: np.sum(ct * nn.conv(x, w)))(w)

    found = ft.jit(ft.vmap(gradient_of_one, (None, 0, 0)))(w, x, ct)
    expected = np.stack([gradient_of_one(w, *one) for one in zip(x, ct, strict=True)])
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_conv_gives_the_dtype_that_numpy_promotes_to():
    x, w = integers(1, 1, 4), integers(1, 1, 2)
    for a, b in product((np.int8, np.int64, np.float16, np.float32, np.complex64), repeat=2):
        y = nn.conv(x.astype(a), w.astype(b))
        assert y.dtype == np.result_type(a, b)
        np.testing.assert_array_equal(y, looped_conv(x, w))


def test_a_result_of_windows_is_writable_and_leaves_the_argument_alone():
    x, w = real(1, 1, 4), np.ones((1, 1, 1))
    y = ft.jit(nn.conv)(x, w)
    before = x.copy()
    y += 1
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options", "error", "message"),
    [
        ((2, 3, 8, 8), (4, 2, 3, 3), {}, ShapeError, "x has 3 channels, and the weights are for 2"),
        ((2, 4, 8, 8), (4, 4, 3, 3), {"groups": 2}, ShapeError, "4 in each of 2 groups"),
        ((2, 4, 8, 8), (3, 2, 3, 3), {"groups": 2}, ShapeError, "3 output channels do not fall"),
        ((2, 4, 8, 8), (4, 4, 3, 3), {"groups": 0}, ShapeError, "in each of 0 groups"),
        ((8, 8), (4, 1, 3, 3), {}, ShapeError, "as many lengths as sizes"),
        ((2, 3, 8, 8), (4, 3), {}, ShapeError, "as many lengths as sizes"),
        ((2, 3, 8, 8), (4, 3, 0, 3), {}, ShapeError, "a size of 0"),
        ((2, 3, 8, 2), (4, 3, 3, 3), {}, ShapeError, "do not fit into axes of lengths (8, 2)"),
        ((2, 3, 4), (4, 3, 3), {"dilation": 2}, ShapeError, "span (5,) elements"),
        ((2, 3, 4), (4, 3, 3), {"stride": 0}, OptionError, "conv(stride=0) for 1 spatial axis"),
        ((2, 3, 4), (4, 3, 3), {"stride": (1, 1)}, OptionError, "a tuple of 1"),
        ((2, 3, 4), (4, 3, 3), {"dilation": 1.5}, OptionError, "dilation=1.5"),
        ((2, 3, 4), (4, 3, 3), {"padding": "FULL"}, OptionError, "padding='FULL'"),
        ((2, 3, 4), (4, 3, 3), {"padding": -1}, OptionError, "padding=-1"),
        ((2, 3, 4), (4, 3, 3), {"padding": ((1, 2, 3),)}, OptionError, "a pair of them"),
        ((2, 3, 4), (4, 3, 3), {"padding": (1, 1)}, OptionError, "for 1 spatial axis"),
    ],
)  # fmt: skip
def test_a_conv_that_can_not_be_is_refused(x_shape, w_shape, options, error, message):
    with pytest.raises(error) as raised:
        nn.conv(np.ones(x_shape), np.ones(w_shape), **options)
    assert message in str(raised.value)
    with pytest.raises(FunctraceError):
        ft.jit(lambda x, w: nn.conv(x, w, **options))(np.ones(x_shape), np.ones(w_shape))


# Pooling


def looped_pool(function, x, window, stride, pairs):
    """The function of the elements of each window that are not padding."""
    axes = len(window)
    lead = x.ndim - axes
    inside = np.pad(np.ones(x.shape, bool), [(0, 0)] * lead + pairs)
    x = np.pad(x, [(0, 0)] * lead + pairs)
    places = [(n - k) // s + 1 for n, k, s in zip(x.shape[lead:], window, stride, strict=True)]
    y = np.zeros((*x.shape[:lead], *places))
    for index in np.ndindex(*y.shape):
        at = [slice(i * s, i * s + k) for i, k, s in zip(index[lead:], window, stride, strict=True)]
        here = (*index[:lead], *at)
        y[index] = function(x[here][inside[here]])
    return y


@pytest.mark.parametrize(
    ("shape", "window", "stride", "padding"),
    [
        ((2, 3, 6, 6), (2, 2), None, "VALID"),
        ((2, 3, 7, 6), (3, 2), (2, 1), "SAME"),
        ((9,), (4,), 3, ((3, 1),)),
        ((2, 5, 4, 4), (2, 3, 2), 2, 1),
        ((5, 30, 30), (2, 2), None, "VALID"),  # large enough to be reduced in another way
        ((2, 30, 29), (3, 3), 1, "SAME"),
    ],
)
def test_pools_are_reductions_of_windows(shape, window, stride, padding):
    x = real(*shape)
    steps = every(window if stride is None else stride, len(window))
    ones = (1,) * len(window)
    pairs = pairs_of(padding, shape[len(shape) - len(window) :], window, steps, ones)
    greatest = looped_pool(np.max, x, window, steps, pairs)
    np.testing.assert_array_equal(nn.max_pool(x, window, stride, padding), greatest)
    means = looped_pool(np.mean, x, window, steps, pairs)
    found = nn.avg_pool(x, window, stride, padding, count_include_pad=False)
    np.testing.assert_allclose(found, means, rtol=1e-12, atol=1e-12)
    sums = looped_pool(np.sum, x, window, steps, pairs)
    found = ft.jit(lambda x: nn.avg_pool(x, window, stride, padding))(x)
    np.testing.assert_allclose(found, sums / np.prod(window), rtol=1e-12, atol=1e-12)


def test_elements_that_share_the_maximum_of_a_window_share_its_derivative():
    x = np.array([[1.0, 1.0, 0.0, 2.0], [1.0, 0.0, 2.0, 2.0]])
    found = ft.grad(lambda x: np.sum(nn.max_pool(x, (2, 2))))(x)
    np.testing.assert_allclose(found, [[1 / 3, 1 / 3, 0, 1 / 3], [1 / 3, 0, 1 / 3, 1 / 3]])


def test_padding_is_never_the_maximum():
    low = np.array([-5, -3], np.int8)
    assert nn.max_pool(low, (2,), 1, padding=1).tolist() == [-5, -3, -3]
    assert nn.max_pool(low, (2,), 1, padding=1).dtype == np.int8
    assert nn.max_pool(low * 1.0, (3,), padding="SAME").tolist() == [-3]
    assert nn.max_pool(np.array([False, False]), (2,), 1, padding=1).tolist() == [False] * 3
    gradient = ft.grad(lambda x: np.sum(nn.max_pool(x, (2,), 1, padding=1)))(low * 1.0)
    assert gradient.tolist() == [1, 2]


@pytest.mark.parametrize("pool", [nn.max_pool, nn.avg_pool])
@pytest.mark.parametrize(
    ("shape", "options", "error", "message"),
    [
        ((4, 4), {"window": 2}, OptionError, "such as (2, 2)"),
        ((4, 4), {"window": ()}, OptionError, "such as (2, 2)"),
        ((4, 4), {"window": (2, 0)}, OptionError, "window=(2, 0)"),
        ((4,), {"window": (2, 2)}, ShapeError, "of x of shape (4,)"),
        ((4,), {"window": (5,)}, ShapeError, "do not fit"),
        ((4,), {"window": (2,), "padding": 2}, OptionError, "padding alone"),
        ((4,), {"window": (2,), "stride": -1}, OptionError, "stride=-1"),
        ((0,), {"window": (2,), "padding": 1}, OptionError, "padding alone"),
    ],
)
def test_a_pool_that_can_not_be_is_refused(pool, shape, options, error, message):
    with pytest.raises(error) as raised:
        pool(np.ones(shape), **options)
    assert message in str(raised.value)


def test_complex_numbers_have_no_maximum():
    with pytest.raises(DTypeError):
        nn.max_pool(np.ones(4, complex), (2,))


# Activations

SMOOTH = [
    nn.elu, nn.sigmoid, nn.log_sigmoid, nn.softplus, nn.silu, nn.gelu, nn.leaky_relu, nn.relu,
]  # fmt: skip
SLOPES = {nn.leaky_relu: [0.01, 1], nn.log_sigmoid: [1, 0], nn.sigmoid: [0, 0]}  # at both ends
ENDS = {np.float16: 6e4, np.float32: 3e38, np.float64: 1e308}


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize("dtype", ENDS)
def test_activations_are_finite_to_the_ends_of_the_reals(function, dtype):
    far = ENDS[dtype]
    x = np.array([-far, -800, -90, -20, 20, 90, 800, far], dtype)
    first = ft.elementwise_grad(function)
    for order in (function, first, ft.elementwise_grad(first)):
        y = order(x)
        assert y.dtype == dtype
        assert np.all(np.isfinite(y))
    np.testing.assert_allclose(first(x)[[0, -1]], SLOPES.get(function, [0, 1]), rtol=1e-3)


@pytest.mark.parametrize("function", SMOOTH)
def test_activations_pass_nan_on(function):
    assert np.isnan(function(np.array([np.nan]))).all()


def test_relu_and_its_derivative_at_zero():
    x = np.array([-1.0, -0.0, 0.0, 1.0])
    assert nn.relu(x).tolist() == [0, 0, 0, 1]
    assert ft.elementwise_grad(nn.relu)(x).tolist() == [0, 0, 0, 1]
    assert nn.relu(np.array([-2, 3], np.int8)).dtype == np.int8


def test_the_infinite_slope_behind_a_relu_that_is_off_counts_nothing():
    x = np.array([-1.0, 4.0])
    with np.errstate(divide="ignore"):
        found = ft.grad(lambda x: np.sum(np.sqrt(nn.relu(x))))(x)
    assert found.tolist() == [0, 0.25]


def test_elu_is_smooth_at_zero_for_alpha_1():
    assert ft.grad(nn.elu)(0.0) == 1
    assert ft.grad(nn.elu)(-0.0) == 1


def test_both_tails_of_sigmoid_keep_their_digits():
    x = np.array([-700.0, -40.0, -1.0, 0.0, 1.0, 40.0])
    expected = [math.exp(v) / (1 + math.exp(v)) for v in x]
    np.testing.assert_allclose(nn.sigmoid(x), expected, rtol=1e-15)
    slopes = [math.exp(-abs(v)) / (1 + math.exp(-abs(v))) ** 2 for v in x]
    np.testing.assert_allclose(ft.elementwise_grad(nn.sigmoid)(x), slopes, rtol=2e-15)
    curvature = [s * -math.tanh(v / 2) for s, v in zip(slopes, x, strict=True)]
    second = ft.elementwise_grad(ft.elementwise_grad(nn.sigmoid))(x)
    np.testing.assert_allclose(second, curvature, rtol=1e-14)


def test_sigmoid_and_softplus_have_their_limits_at_infinity():
    ends = np.array([-np.inf, np.inf])
    assert nn.sigmoid(ends).tolist() == [0, 1]
    assert nn.softplus(ends).tolist() == [0, np.inf]
    assert nn.log_sigmoid(ends).tolist() == [-np.inf, 0]
    assert ft.elementwise_grad(nn.softplus)(ends).tolist() == [0, 1]


@pytest.mark.parametrize("approximate", [True, False])
def test_gelu_is_x_times_the_normal_distribution_function(approximate):
    x = np.linspace(-6, 6, 25)
    normal = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x])
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    accuracy = 2e-3 if approximate else 1e-14
    np.testing.assert_allclose(nn.gelu(x, approximate), x * normal, atol=accuracy)
    slope = ft.elementwise_grad(lambda x: nn.gelu(x, approximate))
    np.testing.assert_allclose(slope(x), normal + x * density, atol=accuracy)
    tanh = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(nn.gelu(x), tanh, atol=1e-14)
    assert np.all(np.isfinite(slope(np.array([-1e300, 1e300]))))


def test_an_exact_gelu_without_scipy_names_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("functrace.scipy")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError, match=r"pip install functrace\[scipy\]"):
        nn.gelu(1.0, approximate=False)


def test_activations_of_complex_numbers_are_refused():
    for function in (*SMOOTH, nn.softmax, nn.log_softmax, nn.logsumexp):
        with pytest.raises(DTypeError):
            function(1j)


# Probabilities


def test_softmax_of_distant_scores_is_exact_in_value_and_derivatives():
    x = np.array([1e300, 0.0, -1e300])
    assert nn.softmax(x).tolist() == [1, 0, 0]
    assert nn.log_softmax(x).tolist() == [0, -1e300, -2e300]
    assert nn.logsumexp(x) == 1e300
    for function in (nn.softmax, nn.log_softmax, nn.logsumexp):
        assert np.all(np.isfinite(ft.jacobian(function)(x)))
        assert np.all(np.isfinite(ft.hessian(function)(x)))
    assert ft.jacobian(nn.log_softmax)(x).tolist() == [[0, 0, 0], [-1, 1, 0], [-1, 0, 1]]


def test_a_common_offset_costs_log_softmax_no_digits():
    x = np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(nn.log_softmax(x + 2.0**40), nn.log_softmax(x), rtol=1e-15)


def test_elements_that_do_not_count_have_no_probability_and_no_derivative():
    x = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    mask = np.array([[True, False, True], [False, False, False]])
    two = nn.softmax(x[0, ::2])
    np.testing.assert_allclose(nn.softmax(x, where=mask), [[two[0], 0, two[1]], [0, 0, 0]])
    np.testing.assert_allclose(
        nn.log_softmax(x, where=mask), [[*np.log(two[:1]), -np.inf, np.log(two[1])], [-np.inf] * 3]
    )
    assert nn.logsumexp(x, axis=1, where=mask)[1] == -np.inf
    for function in (nn.softmax, nn.log_softmax):
        pulled = ft.vjp(lambda x, f=function: f(x, where=mask), x)[1](np.ones((2, 3)))[0]
        assert pulled[0, 1] == 0
        assert pulled[1].tolist() == [0, 0, 0]
    assert ft.grad(lambda x: nn.logsumexp(x[1], where=mask[1]))(x).tolist() == [[0] * 3] * 2


def test_the_gradient_of_the_cross_entropy_is_the_difference_of_probabilities():
    scores, labels = real(4, 3), np.array([0, 2, 1, 1])
    target = nn.one_hot(labels, 3)
    found = ft.grad(lambda z: -np.sum(target * nn.log_softmax(z)))(scores)
    np.testing.assert_allclose(found, nn.softmax(scores) - target, atol=1e-15)


def test_one_hot_puts_its_axis_where_it_is_told():
    x = np.array([[0, 2], [1, 7]])
    expected = np.zeros((2, 2, 3))
    expected[0, 0, 0] = expected[0, 1, 2] = expected[1, 0, 1] = 1
    for axis in (-1, 0, 1, 2):
        found = nn.one_hot(x, 3, axis=axis, dtype=np.float32)
        np.testing.assert_array_equal(found, np.moveaxis(expected, -1, axis))
        assert found.dtype == np.float32
    np.testing.assert_array_equal(ft.jit(lambda x: nn.one_hot(x, 3))(x), expected)
    with pytest.raises(ArgumentError):
        nn.one_hot(x * 1.0, 3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_sigmoid_has_its_digits_in_both_tails_and_does_not_warn(dtype: Any) -> None:
    ends = {np.float64: 700.0, np.float32: 86.0, np.float16: 9.0}
    x = np.linspace(-ends[dtype], ends[dtype], 401).astype(dtype)
    wide = x.astype(np.longdouble)
    expected = 1 / (1 + np.exp(-wide))
    slope = expected / (1 + np.exp(wide))
    eps = float(np.finfo(dtype).eps)
    compiled = ft.jit(lambda x: np.abs(ft.nn.sigmoid(x)))  # a result in the workspace
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in (ft.nn.sigmoid(x), compiled(x)):
            assert values.dtype == dtype
            assert float(np.max(np.abs(values / expected - 1))) < 4 * eps
        slopes = ft.elementwise_grad(ft.nn.sigmoid)(x)
        assert float(np.max(np.abs(slopes / slope - 1))) < 8 * eps
        beyond = ft.nn.sigmoid(np.array([-np.inf, -60000, 60000, np.inf, np.nan], dtype))
    np.testing.assert_array_equal(beyond, np.array([0, 0, 1, 1, np.nan], dtype))
