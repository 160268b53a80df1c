"""Softmax regression: tell from which of three growers a wine comes.

One example x with label y (0, 1 or 2) has the logits z = Wx + b, the probabilities softmax(z), and
the cross-entropy loss

    L = -log softmax(z)_y = log(sum_k e^(z_k)) - z_y

with the gradient  dL/dW = (softmax(Wx + b) - onehot(y)) x^T.
"""

import numpy as np
from _extras import examples_extra

import functrace as ft


def loss(W, b, x, y):
    """The loss of one example. Subtracting the largest logit first keeps e^z from overflowing."""
    z = W @ x + b
    z = z - ft.stop_gradient(np.max(z))
    return np.log(np.sum(np.exp(z))) - z[y]


def batch_loss(W, b, X, Y):
    """The mean loss of the examples in the rows of X, and a pull of W towards 0."""
    losses = ft.vmap(loss, in_axes=(None, None, 0, 0))(W, b, X, Y)
    return np.mean(losses) + np.sum(W**2) / (2 * len(X))


def closed_form(W, b, x, y):
    """The gradient of `loss` by W and b, derived by hand."""
    e = np.exp(W @ x + b)
    slope = e / np.sum(e) - np.eye(len(b))[y]
    return np.outer(slope, x), slope


def load_data():
    """Wines in rows: 13 measurements each; the label is the grower."""
    with examples_extra():
        from sklearn.datasets import load_wine
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler
    X, Y = load_wine(return_X_y=True)
    X_train, X_test, Y_train, Y_test = train_test_split(
        X, Y, test_size=0.25, random_state=0, stratify=Y
    )
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), Y_train, Y_test


def by_scikit_learn(X, Y):
    """The W and b of scikit-learn, whose default regularisation is that of `batch_loss`."""
    with examples_extra():
        from sklearn.linear_model import LogisticRegression
    fitted = LogisticRegression(tol=1e-8, max_iter=1000).fit(X, Y)
    return fitted.coef_, fitted.intercept_


def train(X, Y, steps=3000, rate=0.5):
    """Gradient descent from zero."""
    W, b = np.zeros((3, X.shape[1])), np.zeros(3)
    step = ft.jit(ft.value_and_grad(batch_loss, argnums=(0, 1)))
    for _ in range(steps):
        _, (dW, db) = step(W, b, X, Y)
        W, b = W - rate * dW, b - rate * db
    return W, b


def accuracy(W, b, X, Y):
    """The share of wines whose grower is told rightly."""
    return np.mean(np.argmax(X @ W.T + b, axis=1) == Y)


def main():
    X, X_test, Y, Y_test = load_data()

    W, b, x, y = np.linspace(-1, 1, 39).reshape(3, 13), np.array([0.5, 0, -0.5]), X[0], Y[0]
    print(ft.trace(loss)(W, b, x, y), end="\n\n")
    print(ft.trace(ft.grad(loss, argnums=(0, 1)))(W, b, x, y), end="\n\n")

    for found, expected in zip(
        ft.grad(loss, argnums=(0, 1))(W, b, x, y), closed_form(W, b, x, y), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    print("grad agrees with the closed form (softmax(Wx + b) - onehot(y)) x^T")

    W, b = train(X, Y)
    W_known, b_known = by_scikit_learn(X, Y)
    print(f"accuracy on {len(Y_test)} held-out wines: {accuracy(W, b, X_test, Y_test):.4f}")
    print(f"                by scikit-learn: {accuracy(W_known, b_known, X_test, Y_test):.4f}")
    np.testing.assert_allclose(W, W_known, atol=1e-3)


if __name__ == "__main__":
    main()
