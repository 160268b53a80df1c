"""The derivative of an optimum: penalties of a logistic regression, chosen by gradients.

The weights w of a logistic regression minimise a loss with a penalty for each feature,

    L(w, p) = mean_i log(1 + exp(-y_i w.x_i)) + sum_j exp(p_j) w_j^2 / 2.

They are an implicit function of p: dL/dw (w, p) = 0. Its derivative follows from this equation, by
`custom_root`, however Newton's method got there. So the loss of cross-validation, on patients that
the weights were not fitted to, has a gradient by p, and p is chosen by descent.
"""

import numpy as np
from _extras import examples_extra

import functrace as ft


def loss(w, X, Y):
    """The mean loss of examples in the rows of X, with labels -1 and 1."""
    return np.mean(np.logaddexp(0, -Y * (X @ w)))


def penalized(w, p, X, Y):
    return loss(w, X, Y) + np.sum(np.exp(p) * w**2) / 2


def newton(f, w):
    """A root of f, by Newton's method to convergence."""

    def step(state):
        w, _ = state
        move = np.linalg.solve(ft.jacobian(f)(w), f(w))
        return w - move, np.max(np.abs(move))

    return ft.while_loop(lambda state: state[1] > 1e-10, step, (w, np.inf))[0]


def fitted(p, X, Y):
    """The weights that minimise the penalized loss."""
    return ft.custom_root(
        lambda w: ft.grad(penalized)(w, p, X, Y),
        np.zeros(X.shape[1]),
        newton,
        lambda g, y: np.linalg.solve(ft.jacobian(g)(y), y),
    )


def cross_validated(p, folds):
    """The mean loss on patients left out. All regressions are solved at once."""
    rest, left = folds
    return np.mean(ft.vmap(lambda fit, out: loss(fitted(p, *fit), *out))(rest, left))


def load_data(number=5, size=80):
    """Measurements of tumours and whether they are benign, in folds, and others to test with."""
    with examples_extra():
        from sklearn.datasets import load_breast_cancer
        from sklearn.preprocessing import StandardScaler
    X, Y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, Y = StandardScaler().fit_transform(X)[order], 2.0 * Y[order] - 1
    X = np.column_stack([X, np.ones(len(X))])
    places = np.arange(number * size).reshape(number, size)
    rest = np.array([np.delete(places, i, axis=0).ravel() for i in range(number)])
    folds = (X[rest], Y[rest]), (X[places], Y[places])
    return folds, (X[places.ravel()], Y[places.ravel()]), (X[places.size :], Y[places.size :])


def check_gradient(objective, p):
    """Both modes against finite differences, along a random direction."""
    v, h = np.random.default_rng(1).normal(size=len(p)), 1e-5
    expected = (objective(p + h * v) - objective(p - h * v)) / (2 * h)
    np.testing.assert_allclose(ft.grad(objective)(p) @ v, expected, rtol=1e-5)
    np.testing.assert_allclose(ft.jvp(objective, (p,), (v,))[1], expected, rtol=1e-5)
    print("the gradient of the optimum agrees with finite differences, in both modes")


def main():
    folds, train, test = load_data()
    number = train[0].shape[1]
    objective = ft.jit(lambda p: cross_validated(p, folds))
    slope = ft.jit(ft.value_and_grad(objective))
    check_gradient(objective, np.full(number, -3.0))

    common = min(np.linspace(-9, 1, 11), key=lambda c: objective(np.full(number, c)))
    p, velocity = np.full(number, common), np.zeros(number)
    before = objective(p)
    for _ in range(30):
        value, gradient = slope(p)
        velocity = 0.9 * velocity - 10.0 * gradient
        p = p + velocity
    print(f"cross-validated loss with the best common penalty: {before:.4f}")
    print(f"                   with a penalty for each feature: {value:.4f}")
    assert value < 0.9 * before

    first, last = (fitted(q, *train) for q in (np.full(number, common), p))
    print(
        f"loss on {len(test[1])} other patients: {loss(first, *test):.4f}, {loss(last, *test):.4f}"
    )
    accuracy = np.mean(np.sign(test[0] @ last) == test[1])
    print(f"share of them told rightly: {accuracy:.4f}")
    assert accuracy > 0.95


if __name__ == "__main__":
    main()
