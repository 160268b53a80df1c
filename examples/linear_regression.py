"""Linear regression: predict how diabetes progresses from ten measurements of a patient.

One example x with target y has the prediction w·x + b and the loss

    L = (w·x + b - y)^2       with the gradient  dL/dw = 2(w·x + b - y) x^T.

The loss of a minibatch is the mean over its examples. It needs no formula of its own: `vmap` makes
it from the loss of one example.
"""

import numpy as np
from _extras import examples_extra

import functrace as ft


def loss(w, b, x, y):
    """The loss of one example."""
    return (w @ x + b - y) ** 2


def batch_loss(w, b, X, Y):
    """The mean loss of the examples in the rows of X."""
    return np.mean(ft.vmap(loss, in_axes=(None, None, 0, 0))(w, b, X, Y))


def closed_form(w, b, x, y):
    """The gradient of `loss` by w and b, derived by hand."""
    slope = 2 * (w @ x + b - y)
    return slope * x, slope


def load_data():
    """Patients in rows: 10 measurements each, and the progression of the disease after a year."""
    with examples_extra():
        from sklearn.datasets import load_diabetes
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler
    X, Y = load_diabetes(return_X_y=True)
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.2, random_state=0)
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), Y_train, Y_test


def normal_equation(X, Y):
    """The w and b that minimise `batch_loss`, from linear algebra."""
    ones = np.ones((len(X), 1))
    *w, b = np.linalg.lstsq(np.hstack([X, ones]), Y, rcond=None)[0]
    return np.array(w), b


def train(X, Y, steps=3000, rate=0.2):
    """Gradient descent from zero."""
    w, b = np.zeros(X.shape[1]), 0.0
    step = ft.jit(ft.value_and_grad(batch_loss, argnums=(0, 1)))
    for _ in range(steps):
        _, (dw, db) = step(w, b, X, Y)
        w, b = w - rate * dw, b - rate * db
    return w, b


def main():
    X, X_test, Y, Y_test = load_data()

    w, b, x, y = np.linspace(-1, 1, 10), 0.5, X[0], Y[0]
    print(ft.trace(loss)(w, b, x, y), end="\n\n")
    print(ft.trace(ft.grad(loss, argnums=(0, 1)))(w, b, x, y), end="\n\n")
    print(ft.trace(batch_loss)(w, b, X, Y), end="\n\n")

    for found, expected in zip(
        ft.grad(loss, argnums=(0, 1))(w, b, x, y), closed_form(w, b, x, y), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    print("grad agrees with the closed form 2(w·x + b - y) x^T")

    trained = batch_loss(*train(X, Y), X_test, Y_test)
    solved = batch_loss(*normal_equation(X, Y), X_test, Y_test)
    print(f"mean squared error on {len(Y_test)} held-out patients: {trained:.2f}")
    print(f"                          by the normal equation: {solved:.2f}")
    np.testing.assert_allclose(trained, solved, rtol=1e-3)


if __name__ == "__main__":
    main()
