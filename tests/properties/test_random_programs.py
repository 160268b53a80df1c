"""Random programs: derivatives, batching, jit and executors agree on functions nobody thought of.

A program is a list of rows (op, operand, operand, number). Each op adapts to whatever operands the
row names, so every list is a program and hypothesis shrinks a failure to a short list.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import functrace as ft
from functrace.executors import reference
from functrace.executors.plan import make_plan
from functrace.executors.planned import compiled, interpreter
from functrace.passes.pipeline import clean, optimize
from functrace.transforms.jvp import jvp
from functrace.transforms.linearize import linearize
from functrace.transforms.transpose import pullback, value_and_gradient
from functrace.transforms.vmap import vmap

from ..numerical import assert_close, many, numerical_jvp

LARGEST = 60  # elements; larger results are cut


def fitted(y, x):
    """y where it broadcasts with x, else its mean."""
    pairs = zip(y.shape[::-1], x.shape[::-1], strict=False)
    return y if all(m == n or 1 in (m, n) for m, n in pairs) else np.mean(y)


def along(x, k):
    """An axis of x; None for a scalar."""
    return k % x.ndim if x.ndim else None


def flat(x, most=4):
    return np.reshape(x, -1)[:most]


def sliced(x, k, part):
    axis = along(x, k)
    return x if axis is None else x[(slice(None),) * axis + (part,)]


def places(x, k):
    """Indices, with repeats and negative ones, for an axis of x."""
    length = x.shape[along(x, k)]
    return np.array([k % length, 0, -1, k % length])


def joined(x, y, k):
    """x and something of y's one after the other."""
    axis = along(x, k)
    if axis is None:
        return np.stack([x, np.mean(y)])
    return np.concatenate([x, np.sin(x) * np.mean(y)], axis=axis)


def product(x, y, k):
    """The product of the last axis of x and the first that fits of y, or an outer product."""
    if x.ndim and y.ndim and x.shape[-1] == y.shape[0]:
        return np.tanh(np.tensordot(x, y, axes=(-1, 0)))
    return np.tanh(np.outer(flat(x), flat(y)))


def matrix_product(x, y, k):
    if x.ndim < 2:
        return np.tanh(np.dot(flat(x), flat(x)))
    return np.tanh(x @ np.swapaxes(np.cos(x), -1, -2))


def triple_product(x, y, k):
    a, b = flat(x, 3), flat(y, 2)
    return np.einsum("i,j,i->ij" if k % 2 else "i,j,i->j", np.sin(a), np.cos(b), a)


def batched_product(x, y, k):
    spec = "...,...->..." if k % 2 or not x.ndim else "...i,...i->..."
    return np.einsum(spec, np.sin(x), np.cos(x))


def distinct(x):
    """x with a slope added, so that a maximum is attained once."""
    return x + np.linspace(0.0, 0.3, x.size).reshape(x.shape)


OPS = {
    # elementwise
    "sin": lambda x, y, k: np.sin(x),
    "tanh": lambda x, y, k: np.tanh(x) * 1.5,
    "negative": lambda x, y, k: -x,
    "exp": lambda x, y, k: np.exp(-np.square(x)),
    "log": lambda x, y, k: np.log(x**2 + 1.1),
    "sqrt": lambda x, y, k: np.sqrt(x * x + 0.7),
    "power": lambda x, y, k: np.tanh(x) ** (k % 4),
    "root": lambda x, y, k: (x**2 + 1) ** -0.3,
    "arctan": lambda x, y, k: np.arctan(x),
    "expm1": lambda x, y, k: np.expm1(np.sin(x)),
    "log1p": lambda x, y, k: np.log1p(np.exp(-np.abs(x) - 0.1)),
    "clip": lambda x, y, k: np.clip(x, -0.71, 0.83),
    # two operands
    "add": lambda x, y, k: x + fitted(y, x),
    "subtract": lambda x, y, k: fitted(y, x) - 2.0 * x,
    "multiply": lambda x, y, k: np.sin(x) * fitted(y, x),
    "divide": lambda x, y, k: x / (1.0 + fitted(y, x) ** 2),
    "maximum": lambda x, y, k: np.maximum(x, fitted(y, x) - 0.3),
    "logaddexp": lambda x, y, k: np.logaddexp(x, fitted(y, x)),
    "arctan2": lambda x, y, k: np.arctan2(x, np.square(fitted(y, x)) + 0.5),
    "hypot": lambda x, y, k: np.hypot(x, fitted(y, x) + 3.0),
    "where": lambda x, y, k: np.where(x > 0, x**2, np.sin(x) ** 2 * np.mean(y)),
    "choose": lambda x, y, k: np.where(np.arange(x.size).reshape(x.shape) % 2 == 0, x, np.mean(y)),
    # contractions
    "product": product,
    "matrix_product": matrix_product,
    "triple_product": triple_product,
    "batched_product": batched_product,
    "norm": lambda x, y, k: (
        np.linalg.norm(np.append(1.0, [2.0]) * 1.3) * x + np.sqrt(np.vdot(x, x) + 1.0)
    ),
    # reductions and cumulations
    "sum": lambda x, y, k: np.sum(x, axis=along(x, k)),
    "sum_keepdims": lambda x, y, k: x - np.sum(x, axis=along(x, k), keepdims=True),
    "mean": lambda x, y, k: np.mean(x, axis=along(x, k)),
    "max": lambda x, y, k: np.max(distinct(x), axis=along(x, k)),
    "min": lambda x, y, k: np.min(distinct(x), axis=along(x, k), keepdims=True),
    "prod": lambda x, y, k: np.prod(np.cos(x), axis=along(x, k)),
    "var": lambda x, y, k: np.var(x, axis=along(x, k)),
    "std": lambda x, y, k: np.std(np.append(1.0, [2.0])) * np.mean(x, axis=along(x, k)),
    "cumsum": lambda x, y, k: np.cumsum(x, axis=along(x, k)),
    "softmax": lambda x, y, k: (
        np.exp(x - np.max(distinct(x))) / np.sum(np.exp(x - np.max(distinct(x))))
    ),
    # rearranging
    "ravel": lambda x, y, k: x.ravel(),
    "transpose": lambda x, y, k: x.T,
    "reshape": lambda x, y, k: x.reshape(x.shape[::-1]),
    "expand": lambda x, y, k: x[..., None] if k % 2 else np.expand_dims(x, 0),
    "squeeze": lambda x, y, k: np.squeeze(x),
    "moveaxis": lambda x, y, k: np.moveaxis(x, 0, -1) if x.ndim else x,
    "broadcast": lambda x, y, k: np.broadcast_to(x, (2, *x.shape)),
    "flip": lambda x, y, k: np.flip(x),
    "roll": lambda x, y, k: np.roll(x, k),
    "tile": lambda x, y, k: np.tile(x, 2),
    # parts
    "first": lambda x, y, k: sliced(x, k, 0),
    "reversed": lambda x, y, k: sliced(x, k, slice(None, None, -1)),
    "every_other": lambda x, y, k: sliced(x, k, slice(None, None, 2)),
    "gather": lambda x, y, k: np.take(x, places(x, k), axis=along(x, k)) if x.ndim else x,
    "fancy": lambda x, y, k: sliced(x, k, places(x, k)) if x.ndim else x,
    "largest": lambda x, y, k: flat(x)[np.argmax(distinct(flat(x)))],
    "by_value": lambda x, y, k: np.take_along_axis(
        flat(x), (flat(x) > 0.1).astype(int) * (min(x.size, 4) - 1), 0
    ),
    # joining
    "join": joined,
    "stack": lambda x, y, k: np.stack([x, np.cos(x)], axis=-1),
    "pad": lambda x, y, k: np.pad(flat(x), (1, 2)),
}
SHAPES = [(), (3,), (2, 3), (1, 3), (3, 2, 2), (1,)]

rows = st.tuples(
    st.sampled_from(list(OPS)), st.integers(0, 9), st.integers(0, 9), st.integers(0, 5)
)
programs = st.lists(rows, min_size=1, max_size=9)
shapes = st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3)
seeds = st.integers(0, 1000)


def function_of(program):
    """The rows as a plain NumPy function; negative operands count from the latest result."""

    def f(*inputs):
        pool = list(inputs)
        for op, i, j, k in program:
            x, y = pool[-1 - i % len(pool)], pool[-1 - j % len(pool)]
            result = OPS[op](x, y, k)
            pool.append(flat(result, LARGEST) if result.size > LARGEST else result)
        return pool[-1]

    return f


def scalar_of(program):
    f = function_of(program)
    return lambda *inputs: np.sum(np.sin(f(*inputs)))


def arrays(shapes, seed):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


def traced(program, inputs):
    """The Program of the rows, malformed or not, and which inputs are active."""
    return ft.trace(function_of(program))(*inputs), [True] * len(inputs)


@many(250)
@given(programs, shapes, seeds)
def test_grad_agrees_with_finite_differences(program, shapes, seed):
    f, inputs = scalar_of(program), arrays(shapes, seed)
    directions = arrays(shapes, seed + 1)
    gradients = ft.grad(f, argnums=tuple(range(len(inputs))))(*inputs)
    slope = sum(np.vdot(g, d) for g, d in zip(gradients, directions, strict=True))
    assert_close(slope, numerical_jvp(f, inputs, directions), rtol=2e-5, atol=2e-6)


@many(100)
@given(programs, shapes, seeds)
def test_second_derivatives_agree_with_finite_differences(program, shapes, seed):
    f, inputs = scalar_of(program), arrays(shapes, seed)
    directions = arrays(shapes, seed + 1)
    gradient = ft.grad(f, argnums=tuple(range(len(inputs))))
    products = ft.hvp(f, inputs, directions)
    products = (products,) if len(inputs) == 1 else products
    for i, found in enumerate(products):
        expected = numerical_jvp(lambda *x, i=i: gradient(*x)[i], inputs, directions)
        assert_close(found, expected, rtol=1e-4, atol=1e-5)


@many(200)
@given(programs, shapes, seeds)
def test_forward_and_reverse_mode_are_each_others_transposes(program, shapes, seed):
    f, inputs = function_of(program), arrays(shapes, seed)
    directions = arrays(shapes, seed + 1)
    value, tangent = ft.jvp(f, inputs, directions)
    same_value, pull = ft.vjp(f, *inputs)
    same_again, push = ft.linearize(f, *inputs)
    (cotangent,) = arrays([np.shape(value)], seed + 2)
    cotangents = pull(cotangent)
    assert_close(same_value, value)
    assert_close(same_again, value)
    assert_close(push(*directions), tangent)
    assert [np.shape(ct) for ct in cotangents] == [x.shape for x in inputs]
    backward = sum(np.vdot(ct, d) for ct, d in zip(cotangents, directions, strict=True))
    assert_close(backward, np.vdot(cotangent, tangent), rtol=1e-8, atol=1e-9)


@many(200)
@given(programs, shapes, seeds)
def test_jit_agrees_with_the_plain_function(program, shapes, seed):
    f, inputs = function_of(program), arrays(shapes, seed)
    jitted, expected = ft.jit(f), f(*inputs)
    for _ in range(2):  # interpreted, then compiled
        found = jitted(*inputs)
        assert_close(found, expected)
        assert np.shape(found) == np.shape(expected)
        assert found.dtype == expected.dtype
        if found.ndim:
            assert found.flags.writeable
            assert not any(np.shares_memory(found, x) for x in inputs)
    assert_close(ft.jit(ft.grad(scalar_of(program)))(*inputs), ft.grad(scalar_of(program))(*inputs))


@many(200)
@given(programs, shapes, seeds, st.integers(1, 7), st.sampled_from([0, -1]))
def test_vmap_agrees_with_a_loop(program, shapes, seed, mapped, axis):
    f = function_of(program)
    is_mapped = [bool(mapped >> i & 1) for i in range(len(shapes))]
    is_mapped[0] = is_mapped[0] or not any(is_mapped)
    size = 3
    batches = [
        np.moveaxis(np.stack(arrays([shape] * size, seed + i)), 0, axis) if m else x
        for i, (shape, m, x) in enumerate(zip(shapes, is_mapped, arrays(shapes, seed), strict=True))
    ]
    in_axes = tuple(axis if m else None for m in is_mapped)
    examples = [
        [
            np.asarray(np.take(x, n, axis=axis)) if m else x
            for x, m in zip(batches, is_mapped, strict=True)
        ]
        for n in range(size)
    ]
    assert_close(ft.vmap(f, in_axes)(*batches), np.stack([f(*x) for x in examples]))
    gradient = ft.grad(scalar_of(program))
    expected = np.stack([gradient(*x) for x in examples])
    assert_close(ft.vmap(gradient, in_axes)(*batches), expected, rtol=1e-8, atol=1e-9)
    assert_close(ft.jit(ft.vmap(gradient, in_axes))(*batches), expected, rtol=1e-8, atol=1e-9)


def check_executors(program, inputs):
    """A Program is well-formed before and after optimisation, and all executors agree on it."""
    program.check()
    expected = reference.run(program, inputs)
    for rewritten in (clean(program), optimize(program)):
        rewritten.check()
        for found, value in zip(reference.run(rewritten, inputs), expected, strict=True):
            assert_close(found, value)
    plan = make_plan(optimize(program))
    for run in (interpreter(plan), compiled(plan)):
        for found, value in zip(run(inputs), expected, strict=True):
            assert_close(found, value)
            assert np.shape(found) == np.shape(value)


@many(150)
@given(programs, shapes, seeds)
def test_every_transform_makes_well_formed_programs_that_all_executors_run(program, shapes, seed):
    inputs, tangents = arrays(shapes, seed), arrays(shapes, seed + 1)
    original, active = traced(program, inputs)
    check_executors(original, inputs)
    both, reached = jvp(original, active)
    check_executors(both, [*inputs, *tangents])
    parts = linearize(original, active)
    check_executors(parts.primal, inputs)
    residuals = reference.run(parts.primal, inputs)[1:]
    check_executors(parts.linear, [*residuals, *tangents])
    if reached[0]:
        (cotangent,) = arrays([original.output_types[0].shape], seed)
        check_executors(pullback(parts), [*residuals, cotangent])
    batched, _ = vmap(original, active, 2)
    check_executors(batched, [np.stack([x, np.cos(x)]) for x in inputs])
    scalar = ft.trace(scalar_of(program))(*inputs)
    gradient = value_and_gradient(scalar, active, np.float64(1))
    check_executors(gradient, inputs)
    batched_gradient, _ = vmap(gradient, active, 2)
    check_executors(batched_gradient, [np.stack([x, np.cos(x)]) for x in inputs])
