"""An op of one's own: a compiled solver of SciPy, with derivatives in both modes and batches.

Rows of a photograph y, spoilt by noise, are smoothed by solving

    (I + a D1^T D1 + b D2^T D2) x = y,

where D1 and D2 take first and second differences: x is near y, and its differences are small. The
matrix has five diagonals, and `scipy.linalg.solveh_banded` solves with it in linear time. Newton's
method chooses a and b on some rows, by first and second derivatives through the solver; other rows
show what that is worth.
"""

import functools

import numpy as np
from _extras import examples_extra

import functrace as ft

with examples_extra():
    import scipy.linalg

# The op: all its rules in one place.


def solve_rows(ab, y):
    """Solve A x = y for each row of y, where ab are the diagonal of A and those below it."""
    n = y.shape[-1]
    return scipy.linalg.solveh_banded(ab, y.reshape(-1, n).T, lower=True).T.reshape(y.shape)


def product_rows(ab, x):
    """A x for each row of x."""
    y = ab[0] * x
    for k in range(1, len(ab)):
        y[..., k:] += ab[k, :-k] * x[..., :-k]
        y[..., :-k] += ab[k, :-k] * x[..., k:]
    return y


def many(size, operands, mapped):
    """For one matrix and many right sides, one call; else one after the other."""
    ab, y = operands
    if mapped == (False, True):
        return banded_solve(ab, y)
    if mapped == (True, False):
        return ft.map(lambda ab: banded_solve(ab, y), ab)
    return ft.map(lambda pair: banded_solve(*pair), (ab, y))


banded_solve = ft.define_op(
    "banded_solve",
    solve_rows,
    infer=lambda ab, y: y,
    # From A x = y follows A x' = y' - A' x.
    jvp=(
        lambda t, x, ab, y: -banded_solve(ab, product_rows(t, x)),
        lambda t, x, ab, y: banded_solve(ab, t),
    ),
    # The solution is linear in y, and A is symmetric.
    transpose=lambda ct, operands: (None, banded_solve(operands[0], ct)),
    batch=many,
)

# What it is used for.


@functools.cache
def diagonals(n):
    """Of I, D1^T D1 and D2^T D2, as the solver wants them."""
    differences = [np.diff(np.eye(n), k, axis=0) for k in range(3)]
    return [np.array([np.pad(np.diag(D.T @ D, -k), (0, k)) for k in range(3)]) for D in differences]


def smoothed(weights, y):
    """A row, smoothed. The weights are the logarithms of a and b."""
    a, b = np.exp(weights)
    identity, first, second = diagonals(len(y))
    return banded_solve(identity + a * first + b * second, y)


def error(weights, noisy, clean):
    """The mean squared error of smoothed rows."""
    rows = ft.vmap(smoothed, in_axes=(None, 0))(weights, noisy)
    return np.mean((rows - clean) ** 2)


def load_rows(noise=0.05):
    """Rows of a photograph in grey, with and without noise: some to learn from, and others."""
    with examples_extra():
        from sklearn.datasets import load_sample_image
    clean = load_sample_image("flower.jpg").mean(axis=2)[::4] / 255
    noisy = clean + noise * np.random.default_rng(0).normal(size=clean.shape)
    return noisy[::2], clean[::2], noisy[1::2], clean[1::2]


def newton(weights, noisy, clean, steps=8):
    """Minimise the error by damped steps of Newton's method."""
    slope = ft.jit(ft.value_and_grad(error))
    bend = ft.jit(ft.hessian(error))
    for _ in range(steps):
        value, gradient = slope(weights, noisy, clean)
        curvature, axes = np.linalg.eigh(bend(weights, noisy, clean))
        step = -axes @ (axes.T @ gradient / np.maximum(np.abs(curvature), 1e-6))
        weights = weights + np.clip(step, -1, 1)
    return weights, value


def check_derivatives(noisy, clean):
    """Both modes and second derivatives against finite differences."""
    weights, h = np.array([0.3, -0.5]), 1e-5
    unit = np.eye(2)
    by_differences = np.array(
        [(error(weights + h * e, noisy, clean) - error(weights - h * e, noisy, clean)) / (2 * h)
         for e in unit]
    )  # fmt: skip
    for mode in (ft.grad, ft.jacfwd):
        np.testing.assert_allclose(mode(error)(weights, noisy, clean), by_differences, rtol=1e-6)
    gradient = ft.grad(error)
    by_differences = np.array(
        [(gradient(weights + h * e, noisy, clean) - gradient(weights - h * e, noisy, clean))
         / (2 * h) for e in unit]
    )  # fmt: skip
    found = ft.hessian(error)(weights, noisy, clean)
    np.testing.assert_allclose(found, by_differences, rtol=1e-5)
    print("derivatives in both modes, and second ones, agree with finite differences")


def main():
    noisy, clean, test_noisy, test_clean = load_rows()
    small = ft.trace(ft.vmap(lambda y: banded_solve(np.ones((3, 4)) + np.eye(3, 1) * 4, y)))(
        np.ones((5, 4))
    )
    print(small, end="\n\n")
    check_derivatives(noisy[:5], clean[:5])

    weights, found = newton(np.zeros(2), noisy, clean)
    grid, compiled = np.linspace(-3, 1.5, 10), ft.jit(error)
    best = min(compiled(np.array([a, b]), noisy, clean) for a in grid for b in grid)
    print(f"a = {np.exp(weights[0]):.3f}, b = {np.exp(weights[1]):.3f}")
    print(f"mean squared error on rows to learn from: {found:.6f}")
    print(f"                   the best on a grid of 100: {best:.6f}")
    assert found <= best

    before = np.mean((test_noisy - test_clean) ** 2)
    after = error(weights, test_noisy, test_clean)
    print(f"mean squared error on {len(test_noisy)} other rows, noisy: {before:.6f}")
    print(f"                                   smoothed: {after:.6f}")
    assert after < 0.4 * before


if __name__ == "__main__":
    main()
