"""Binary logistic regression: tell malignant breast tumours from benign ones.

One example x with label y (0 or 1) has the logit z = w·x + b, the probability sigma(z) of the
label 1, and the cross-entropy loss

    L = -y log sigma(z) - (1 - y) log(1 - sigma(z)) = log(1 + e^z) - y z

with the gradient  dL/dw = (sigma(w·x + b) - y) x^T.
"""

import numpy as np
from _extras import examples_extra

import functrace as ft


def loss(w, b, x, y):
    """The loss of one example. np.logaddexp(0, z) is log(1 + e^z), without overflow."""
    z = w @ x + b
    return np.logaddexp(0, z) - y * z


def batch_loss(w, b, X, Y):
    """The mean loss of the examples in the rows of X, and a pull of w towards 0."""
    losses = ft.vmap(loss, in_axes=(None, None, 0, 0))(w, b, X, Y)
    return np.mean(losses) + w @ w / (2 * len(X))


def closed_form(w, b, x, y):
    """The gradient of `loss` by w and b, derived by hand."""
    slope = 1 / (1 + np.exp(-(w @ x + b))) - y
    return slope * x, slope


def load_data():
    """Tumours in rows: 30 measurements each; the label is 0 for malignant and 1 for benign."""
    with examples_extra():
        from sklearn.datasets import load_breast_cancer
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler
    X, Y = load_breast_cancer(return_X_y=True)
    X_train, X_test, Y_train, Y_test = train_test_split(
        X, Y, test_size=0.2, random_state=0, stratify=Y
    )
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), Y_train, Y_test


def by_scikit_learn(X, Y):
    """The w and b of scikit-learn, whose default regularisation is that of `batch_loss`."""
    with examples_extra():
        from sklearn.linear_model import LogisticRegression
    fitted = LogisticRegression(tol=1e-8, max_iter=1000).fit(X, Y)
    return fitted.coef_[0], fitted.intercept_[0]


def train(X, Y, steps=10000, rate=0.5):
    """Gradient descent from zero."""
    w, b = np.zeros(X.shape[1]), 0.0
    step = ft.jit(ft.value_and_grad(batch_loss, argnums=(0, 1)))
    for _ in range(steps):
        _, (dw, db) = step(w, b, X, Y)
        w, b = w - rate * dw, b - rate * db
    return w, b


def accuracy(w, b, X, Y):
    """The share of tumours that are classified rightly."""
    return np.mean((X @ w + b > 0) == Y)


def main():
    X, X_test, Y, Y_test = load_data()

    w, b, x, y = np.linspace(-1, 1, 30), 0.5, X[0], Y[0]
    print(ft.trace(loss)(w, b, x, y), end="\n\n")
    print(ft.trace(ft.grad(loss, argnums=(0, 1)))(w, b, x, y), end="\n\n")

    for found, expected in zip(
        ft.grad(loss, argnums=(0, 1))(w, b, x, y), closed_form(w, b, x, y), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    print("grad agrees with the closed form (sigma(w·x + b) - y) x^T")

    w, b = train(X, Y)
    w_known, b_known = by_scikit_learn(X, Y)
    print(f"accuracy on {len(Y_test)} held-out tumours: {accuracy(w, b, X_test, Y_test):.4f}")
    print(f"                   by scikit-learn: {accuracy(w_known, b_known, X_test, Y_test):.4f}")
    np.testing.assert_allclose(w, w_known, atol=1e-3)


if __name__ == "__main__":
    main()
