"""Random programs of what is hard to differentiate: against differences in higher precision.

The grammar is made of lengths and their squares, maxima around exponentials, functions with tails,
matrices of which one triangle is read, masks, and sums that passes rewrite. A program is a list of
rows (op, operand, operand), as in `test_random_programs.py`. Derivatives are compared with
differences of the plain function in NumPy's longest floating-point type, with and without the
passes, and in single precision with those in double precision.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import functrace as ft
from functrace.executors import reference
from functrace.transforms.transpose import value_and_gradient

from ..numerical import assert_close, many, numerical_jvp

N = 4  # rows and columns of every matrix


def cholesky(a):
    """As NumPy's, which reads the lower triangle, and in any precision."""
    if a.dtype != np.longdouble:
        return np.linalg.cholesky(a)
    root = np.zeros_like(a)
    for j in range(len(a)):
        root[j, j] = np.sqrt(a[j, j] - np.sum(root[j, :j] ** 2))
        for i in range(j + 1, len(a)):
            root[i, j] = (a[i, j] - np.sum(root[i, :j] * root[j, :j])) / root[j, j]
    return root


def distinct(x):
    """x with a slope, so that a maximum is attained once."""
    return x + np.linspace(0, 0.3, x.size).reshape(x.shape).astype(x.dtype)


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def logsumexp(x):
    m = np.max(x, axis=-1, keepdims=True)
    return m + np.log(np.sum(np.exp(x - m), axis=-1, keepdims=True))


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def pairs(x, y):
    """The differences of all rows of two matrices."""
    return x[:, None] - y[None]


def spread(column):
    """A column, or one number, as a matrix."""
    return np.broadcast_to(column, (N, N)) * 1


def positive_definite(x):
    """Of the lower triangle alone: the other is not read."""
    return np.tril(np.sin(x)) + 5 * np.eye(N, dtype=x.dtype)


# Matrices to matrices.
OPS = {
    # lengths, at zero as well
    "squared norm": lambda x, y: spread(np.linalg.norm(x) ** 2),
    "squared norms of rows": lambda x, y: spread(np.linalg.norm(x, axis=1, keepdims=True) ** 2),
    "norm to the fourth": lambda x, y: spread(np.linalg.norm(x, axis=0) ** 4),
    "product of norms": lambda x, y: spread(np.linalg.norm(x) * np.linalg.norm(x)),
    "scaled distances": lambda x, y: (np.linalg.norm(pairs(x, y), axis=-1) / 1.5) ** 2,
    "radial basis": lambda x, y: np.exp(-0.5 * np.linalg.norm(pairs(x, x), axis=-1) ** 2),
    "squared deviation": lambda x, y: spread(np.std(x, axis=0) ** 2),
    "squared hypotenuse": lambda x, y: np.hypot(x, y) ** 2,
    "squared absolute value": lambda x, y: np.abs(x) ** 2 + np.abs(y) * np.abs(y),
    "squared modulus": lambda x, y: np.abs(x + 1j * y) ** 2,
    # maxima around exponentials
    "softmax": lambda x, y: softmax(x),
    "logarithm of a sum": lambda x, y: spread(logsumexp(x)),
    "maximum": lambda x, y: spread(np.max(distinct(x), axis=1, keepdims=True)) * y,
    "maximum of exponentials": lambda x, y: spread(np.max(np.exp(distinct(np.tanh(x))))),
    "exponential of a maximum": lambda x, y: np.exp(-np.max(distinct(x) ** 2)) * x,
    "shifted, and the shift": lambda x, y: (
        np.exp(np.tanh(x) - np.max(distinct(np.tanh(x)))) * np.max(distinct(np.tanh(x)))
    ),
    "minimum": lambda x, y: x - np.min(distinct(y), axis=0),
    # tails
    "expm1": lambda x, y: np.expm1(-(x**2)),
    "logarithm of expm1": lambda x, y: np.log(-np.expm1(-np.sqrt(x**2 + 0.5))),
    "elu": lambda x, y: elu(x - 0.4),
    "tanh": lambda x, y: np.tanh(x) * y,
    "softplus": lambda x, y: np.logaddexp(x, 0),
    "logistic": lambda x, y: 1 / (1 + np.exp(-x)),
    "sine": lambda x, y: np.sin(x + y),
    # one triangle
    "cholesky": lambda x, y: cholesky(positive_definite(x)),
    "solve by cholesky": lambda x, y: cholesky(positive_definite(x)) @ y,
    # what passes rewrite
    "mean of squares": lambda x, y: spread(np.mean(x**2, axis=1)),
    "variance": lambda x, y: spread(np.var(x, axis=1, keepdims=True)),
    "scaled sum": lambda x, y: spread(np.sum(x * 0.25, axis=0)),
    "sum of quotients": lambda x, y: spread(np.sum(x / 3, axis=1, keepdims=True)) * y,
    "sum of a product": lambda x, y: spread(np.sum(x * y)),
    "squared norm of an outer product": lambda x, y: spread(np.sum(np.outer(x[0], y[1]) ** 2)),
    "chain": lambda x, y: spread((x @ y.T) @ x[0]),
    "product": lambda x, y: np.tanh(x @ y),
    "quotient": lambda x, y: x / (1 + y**2),
    # masks and integers
    "mask": lambda x, y: x * (x > -0.4) ** 2 + y * (np.arange(N) % 2),
    "where": lambda x, y: np.where(x > 0.4, x**2, np.sin(y)),
    "indexed": lambda x, y: x[np.array([0, 0, 2, -1])] + y[:, ::-1],
}

rows = st.tuples(st.sampled_from(list(OPS)), st.integers(0, 5), st.integers(0, 5))
programs = st.lists(rows, min_size=1, max_size=4)
seeds = st.integers(0, 1000)
zeros = st.integers(0, 3)  # the rows of the first operand that are zero


def function_of(program):
    """The rows as a plain NumPy function of two matrices to one number."""

    def f(x, y):
        pool = [x, y]
        for op, i, j in program:
            a, b = pool[-1 - i % len(pool)], pool[-1 - j % len(pool)]
            result = OPS[op](a, b)
            pool.append(result / np.sqrt(1 + result**2))  # within the range of all dtypes
        return np.sum(np.sin(pool[-1] * np.arange(1, 1 + N)))

    return f


def operands(seed, empty, dtype=np.float64):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, N, N))
    x[:empty] = 0
    return x.astype(dtype), y.astype(dtype)


EPS = float(np.finfo(np.longdouble).eps)
STEP = EPS ** (1 / 3)
TOLERANCE = 1e3 * EPS ** (2 / 3) + 1e-10


def differences(f, x, y, directions):
    """The slope of a function along directions, in the longest type."""
    long = [np.asarray(part, np.longdouble) for part in (x, y, *directions)]
    return float(numerical_jvp(f, long[:2], long[2:], step=np.longdouble(STEP)))


@many(120)
@given(programs, seeds, zeros)
def test_both_modes_agree_with_differences_in_higher_precision(program, seed, empty):
    f, (x, y) = function_of(program), operands(seed, empty)
    directions = operands(seed + 1, 0)
    expected = differences(f, x, y, directions)
    gradients = ft.grad(f, argnums=(0, 1))(x, y)
    slope = sum(np.vdot(g, d) for g, d in zip(gradients, directions, strict=True))
    assert_close(slope, expected, rtol=TOLERANCE, atol=TOLERANCE)
    assert_close(ft.jvp(f, (x, y), directions)[1], slope, rtol=1e-9, atol=1e-10)


@many(60)
@given(programs, seeds, zeros)
def test_second_derivatives_agree_with_differences_of_the_first(program, seed, empty):
    f, (x, y) = function_of(program), operands(seed, empty)
    directions = operands(seed + 1, 0)
    gradient = ft.grad(f, argnums=(0, 1))
    for i, found in enumerate(ft.hvp(f, (x, y), directions)):
        expected = numerical_jvp(lambda *z, i=i: gradient(*z)[i], (x, y), directions, step=1e-5)
        assert_close(found, expected, rtol=2e-5, atol=2e-5)


@many(120)
@given(programs, seeds, zeros)
def test_the_passes_change_no_derivative(program, seed, empty):
    f, (x, y) = function_of(program), operands(seed, empty)
    traced = ft.trace(f)(x, y)
    expected = reference.run(value_and_gradient(traced, [True, True], np.float64(1)), [x, y])
    value, gradients = ft.jit(ft.value_and_grad(f, argnums=(0, 1)))(x, y)
    for found, wanted in zip((value, *gradients), expected, strict=True):
        assert_close(found, wanted, rtol=1e-9, atol=1e-10)


@many(120)
@given(programs, seeds, zeros)
def test_single_precision_is_near_double_precision(program, seed, empty):
    f = function_of(program)
    single = ft.grad(f, argnums=(0, 1))(*operands(seed, empty, np.float32))
    double = ft.grad(f, argnums=(0, 1))(*(z.astype(float) for z in operands(seed, empty, "f4")))
    for s, d in zip(single, double, strict=True):
        scale = max(1.0, float(np.max(np.abs(d))))
        assert s.dtype == np.float32
        assert_close(s, d, rtol=0, atol=5e-4 * scale)
