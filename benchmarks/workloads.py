"""What is timed: the losses of courses on learning, statistics, and numerical loops.

A workload takes a library and gives a function of no arguments to be timed, or None where the
library cannot do it. Functions are written once, against the namespace of the library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .harness import Call
from .libraries import Library

Workload = tuple[str, Callable[[Library], Call | None], float]
rng = np.random.default_rng(0)


def gradient(
    make: Callable[[Any, Any], Callable[..., Any]], *operands: Any, value: bool = False
) -> Callable[[Library], Call | None]:
    """The gradient, by its first argument, of the function that `make(xp, special)` gives."""

    def prepare(library: Library) -> Call | None:
        transform = library.value_and_grad if value else library.grad
        function = library.jit(transform(make(library.xp, library.special)))
        return bound(library, function, operands, by_first=True)

    return prepare


def bound(
    library: Library, function: Callable[..., Any], operands: Any, by_first: bool = False
) -> Call:
    """The call of a function; `by_first` says that it differentiates by its first operand."""
    own = [convert(library.array, x) for x in operands]
    if by_first:
        own[0] = convert(library.parameter, operands[0])
    return lambda: library.wait(function(*own))


def convert(make: Callable[[Any], Any], x: Any) -> Any:
    """A tree of arrays, each of them made into another."""
    if isinstance(x, (list, tuple)):
        return type(x)(convert(make, v) for v in x)
    return make(x)


# Losses


def linear(xp: Any, _: Any) -> Callable[..., Any]:
    return lambda w, X, y: xp.mean((X @ w - y) ** 2)


def logistic(xp: Any, _: Any) -> Callable[..., Any]:
    return lambda w, X, y: xp.mean(xp.logaddexp(0.0, -y * (X @ w)))


def log_softmax_loss(xp: Any, scores: Any, labels: Any) -> Any:
    top = xp.max(scores, axis=1, keepdims=True)
    total = xp.log(xp.sum(xp.exp(scores - top), axis=1)) + top[:, 0]
    return xp.mean(total - xp.sum(scores * labels, axis=1))


def softmax(xp: Any, _: Any) -> Callable[..., Any]:
    return lambda W, X, Y: log_softmax_loss(xp, X @ W, Y)


def flow_graph(xp: Any, _: Any) -> Callable[..., Any]:
    """One item of L = (w·ReLU(Wx + b) + b0 - y)^2."""

    def loss(params: Any, x: Any, y: Any) -> Any:
        W, b, w, b0 = params
        return (xp.dot(w, xp.maximum(xp.dot(W, x) + b, 0.0)) + b0 - y) ** 2

    return loss


def flow_graph_matrix(xp: Any, _: Any) -> Callable[..., Any]:
    """The same for a minibatch, in matrix form."""

    def loss(params: Any, X: Any, Y: Any) -> Any:
        W, b, w, b0 = params
        return xp.mean((xp.dot(xp.maximum(xp.dot(X, W.T) + b, 0.0), w) + b0 - Y) ** 2)

    return loss


def flow_graph_vmap(library: Library) -> Call | None:
    """The same by vmap of the loss of one item."""
    if library.vmap is None:
        return None
    one = flow_graph(library.xp, None)

    def loss(params: Any, X: Any, Y: Any) -> Any:
        return library.xp.mean(library.vmap(lambda x, y: one(params, x, y))(X, Y))

    function = library.jit(library.grad(loss))
    return bound(library, function, (FLOW, FLOW_X, FLOW_Y), by_first=True)


def network(xp: Any, _: Any) -> Callable[..., Any]:
    def loss(params: Any, X: Any, Y: Any) -> Any:
        for i, (W, b) in enumerate(params):
            X = xp.dot(X, W) + b
            if i < len(params) - 1:
                X = xp.maximum(X, 0.0)
        return log_softmax_loss(xp, X, Y)

    return loss


def rosenbrock(xp: Any, _: Any) -> Callable[..., Any]:
    return lambda x: xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def log_sum_exp(xp: Any, _: Any) -> Callable[..., Any]:
    def function(x: Any) -> Any:
        top = xp.max(x)
        return xp.log(xp.sum(xp.exp(x - top))) + top

    return function


def option_prices(xp: Any, special: Any) -> Callable[..., Any]:
    """The sum of Black and Scholes' prices of calls, by the prices of the shares."""

    def cdf(z: Any) -> Any:
        return 0.5 * special.erfc(-z / math.sqrt(2.0))

    def total(spot: Any, strike: Any, volatility: Any) -> Any:
        spread = volatility * 0.7
        d1 = (xp.log(spot / strike) + (0.02 + 0.5 * volatility**2) * 0.49) / spread
        return xp.sum(spot * cdf(d1) - strike * math.exp(-0.0098) * cdf(d1 - spread))

    return total


# Statistics and others


def mixture(xp: Any, _: Any) -> Callable[..., Any]:
    """The log-likelihood of a mixture of spherical normal distributions."""

    def loss(params: Any, X: Any) -> Any:
        means, log_scales, logits = params
        square = xp.sum((X[:, None, :] - means[None]) ** 2, axis=2)
        score = -0.5 * square * xp.exp(-2.0 * log_scales) - X.shape[1] * log_scales + logits
        top = xp.max(score, axis=1, keepdims=True)
        return -xp.sum(xp.log(xp.sum(xp.exp(score - top), axis=1)) + top[:, 0])

    return loss


def k_means(xp: Any, _: Any) -> Callable[..., Any]:
    def loss(centres: Any, X: Any) -> Any:
        square = (
            xp.sum(X**2, axis=1)[:, None] - 2.0 * xp.dot(X, centres.T) + xp.sum(centres**2, axis=1)
        )
        return xp.sum(xp.min(square, axis=1))

    return loss


def gaussian_process(xp: Any, _: Any) -> Callable[..., Any]:
    """Minus the log marginal likelihood, by the logarithms of length, scale and noise."""

    def loss(theta: Any, X: Any, y: Any) -> Any:
        length, scale, noise = xp.exp(theta[0]), xp.exp(theta[1]), xp.exp(theta[2])
        square = xp.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=2)
        K = scale * xp.exp(-0.5 * square / length) + noise * xp.eye(X.shape[0])
        return 0.5 * xp.dot(y, xp.linalg.solve(K, y)) + 0.5 * xp.linalg.slogdet(K)[1]

    return loss


def attention(xp: Any, _: Any) -> Callable[..., Any]:
    """A block of four heads on a sequence."""

    def loss(params: Any, X: Any) -> Any:
        WQ, WK, WV, WO = params
        n, d = X.shape
        Q, K, V = (xp.reshape(xp.dot(X, W), (n, 4, d // 4)) for W in (WQ, WK, WV))
        scores = xp.einsum("qhd,khd->hqk", Q, K) / math.sqrt(d / 4)
        weights = xp.exp(scores - xp.max(scores, axis=2, keepdims=True))
        weights = weights / xp.sum(weights, axis=2, keepdims=True)
        mixed = xp.reshape(xp.einsum("hqk,khd->qhd", weights, V), (n, d))
        return xp.sum(xp.tanh(xp.dot(mixed, WO)) ** 2)

    return loss


def item_net(xp: Any) -> Callable[..., Any]:
    def loss(params: Any, x: Any, y: Any) -> Any:
        W1, b1, W2, b2 = params
        h = xp.tanh(xp.dot(W1, x) + b1)
        return xp.sum((xp.dot(W2, h) + b2 - y) ** 2)

    return loss


def per_example(norms: bool) -> Callable[[Library], Call | None]:
    """The gradients of all examples, or the squares of their norms."""

    def prepare(library: Library) -> Call | None:
        if library.vmap is None:
            return None
        xp, one = library.xp, library.inner_grad(item_net(library.xp))

        def each(params: Any, x: Any, y: Any) -> Any:
            g = one(params, x, y)
            return sum(xp.sum(part**2) for part in g) if norms else g

        function = library.jit(library.vmap(each, in_axes=(None, 0, 0)))
        return bound(library, function, (ITEM, ITEM_X, ITEM_Y))

    return prepare


def jacobian(
    make: Callable[[Any], Callable[..., Any]], tall: bool, *operands: Any
) -> Callable[[Library], Call | None]:
    """The Jacobian, in the order that its shape suggests."""

    def prepare(library: Library) -> Call | None:
        transform = library.jacfwd if tall else library.jacrev
        return bound(library, library.jit(transform(make(library.xp))), operands)

    return prepare


def waist(xp: Any) -> Callable[..., Any]:
    """From 200 numbers over 3 to 200."""
    return lambda x, A, B: xp.sin(xp.dot(B, xp.tanh(xp.dot(A, xp.sin(x)))))


def decays(xp: Any) -> Callable[..., Any]:
    """The residuals of a sum of two decays, for a fit by least squares."""
    return lambda p, t, y: p[0] * xp.exp(-p[1] * t) + p[2] * xp.exp(-p[3] * t) + p[4] - y


def readings(xp: Any) -> Callable[..., Any]:
    """A few sums of a function of many numbers."""
    return lambda x, B: xp.dot(B, xp.sin(x) * x)


def rng_for(name: str) -> np.random.Generator:
    return np.random.default_rng(sum(map(ord, name)))


def hessian(library: Library) -> Call | None:
    return bound(
        library, library.jit(library.hessian(logistic(library.xp, None))),
        (LOGISTIC[0], LOGISTIC[1], LOGISTIC[2]),
    )  # fmt: skip


def hessian_vector(library: Library) -> Call | None:
    loss = network(library.xp, None)

    def product(params: Any, vectors: Any, X: Any, Y: Any) -> Any:
        return library.hvp(lambda p: loss(p, X, Y), params, vectors)

    small = net_params((64, 128, 10), np.float64)
    operands = (small, small, *net_batch(64, 64, np.float64))
    return bound(library, library.jit(product), operands, by_first=True)


# Loops


def lstm(library: Library) -> Call | None:
    """The gradient of a recurrent network over 64 steps of a minibatch."""
    xp, scan = library.xp, library.scan

    def loss(params: Any, X: Any) -> Any:
        WX, WH, b = params
        n = WH.shape[0]

        def sigmoid(z: Any) -> Any:
            return 0.5 * (1.0 + xp.tanh(0.5 * z))

        def step(carry: Any, x: Any) -> Any:
            h, c = carry
            z = xp.dot(x, WX) + xp.dot(h, WH) + b
            c = sigmoid(z[:, :n]) * c + sigmoid(z[:, n : 2 * n]) * xp.tanh(z[:, 2 * n : 3 * n])
            h = sigmoid(z[:, 3 * n :]) * xp.tanh(c)
            return (h, c), None

        zero = xp.zeros((X.shape[1], n))
        (h, _), _ = scan(step, (zero, zero), X)
        return xp.sum(h**2)

    r = rng_for("lstm")
    params = (r.normal(size=(16, 128)) / 4, r.normal(size=(32, 128)) / 6, np.zeros(128))
    operands = (params, r.normal(size=(64, 8, 16)))
    return bound(library, library.jit(library.grad(loss)), operands, by_first=True)


def runge_kutta(library: Library) -> Call | None:
    """The gradient of the end of a pendulum's path, by its start, over 500 steps."""
    xp, scan = library.xp, library.scan

    def field(s: Any) -> Any:
        return xp.stack([s[1], -xp.sin(s[0]) - 0.1 * s[1]])

    def end(start: Any) -> Any:
        def step(s: Any, _: Any) -> Any:
            h = 0.02
            k1 = field(s)
            k2 = field(s + 0.5 * h * k1)
            k3 = field(s + 0.5 * h * k2)
            k4 = field(s + h * k3)
            return s + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), None

        return xp.sum(scan(step, start, None, length=500)[0] ** 2)

    operands = (np.array([1.0, 0.5]),)
    return bound(library, library.jit(library.grad(end)), operands, by_first=True)


def leapfrog(library: Library) -> Call | None:
    """Twenty steps of Hamilton's equations with the gradient of a logistic regression."""
    slope = library.grad(logistic(library.xp, None))

    def path(w: Any, v: Any, X: Any, y: Any) -> Any:
        def step(state: Any, _: Any) -> Any:
            w, v = state
            v = v - 0.05 * slope(w, X, y)
            return (w + 0.1 * v, v), None

        return library.scan(step, (w, v), None, length=20)[0]

    w, X, y = LOGISTIC
    return bound(library, library.jit(path), (w, w * 0.1, X, y))


# Data

LINEAR = (rng.normal(size=10), rng.normal(size=(500, 10)), rng.normal(size=500))
LOGISTIC = (
    rng.normal(size=30), rng.normal(size=(569, 30)), np.sign(rng.normal(size=569))
)  # fmt: skip
SOFTMAX = (
    rng.normal(size=(64, 10)), rng.normal(size=(1500, 64)), np.eye(10)[rng.integers(10, size=1500)]
)  # fmt: skip
FLOW = (rng.normal(size=(16, 8)), rng.normal(size=16), rng.normal(size=16), 0.5)
FLOW_X, FLOW_Y = rng.normal(size=(64, 8)), rng.normal(size=64)
ITEM = (
    rng.normal(size=(128, 64)) / 8, np.zeros(128), rng.normal(size=(10, 128)) / 11, np.zeros(10)
)  # fmt: skip
ITEM_X, ITEM_Y = rng.normal(size=(256, 64)), rng.normal(size=(256, 10))
WAIST = (rng.normal(size=200), rng.normal(size=(3, 200)), rng.normal(size=(200, 3)))
DECAYS = (np.array([1.0, 0.5, 2.0, 3.0, 0.1]), np.linspace(0, 4, 500), rng.normal(size=500))
READINGS = (rng.normal(size=500), rng.normal(size=(5, 500)))
GP_X, GP_Y = rng.normal(size=(120, 2)), rng.normal(size=120)
MIXTURE = (rng.normal(size=(8, 4)), np.zeros(8), np.zeros(8))
POINTS = rng.normal(size=(2000, 4))
ATTENTION = tuple(rng.normal(size=(64, 64)) / 8 for _ in range(4))
SEQUENCE = rng.normal(size=(128, 64))


def net_params(sizes: tuple[int, ...], dtype: Any) -> list[Any]:
    r = rng_for("net")
    return [
        ((r.normal(size=(m, n)) / np.sqrt(m)).astype(dtype), np.zeros(n, dtype))
        for m, n in pairwise(sizes)
    ]


def net_batch(size: int, width: int, dtype: Any) -> tuple[Any, Any]:
    r = rng_for("batch")
    X = r.normal(size=(size, width)).astype(dtype)
    return X, np.eye(10, dtype=dtype)[r.integers(10, size=size)]


def prices(n: int) -> tuple[Any, Any, Any]:
    r = rng_for("prices")
    return r.uniform(80, 120, n), r.uniform(80, 120, n), r.uniform(0.1, 0.4, n)


def all_workloads(large: bool = True) -> list[Workload]:
    """The workloads without loops."""
    found: list[Workload] = [
        ("linear regression, 500 x 10", gradient(linear, *LINEAR), 1e-9),
        ("logistic regression, 569 x 30", gradient(logistic, *LOGISTIC), 1e-9),
        ("softmax regression, 1500 x 64 x 10", gradient(softmax, *SOFTMAX), 1e-9),
        ("flow graph, one item", gradient(flow_graph, FLOW, FLOW_X[0], 0.3), 1e-9),
        ("flow graph, minibatch of 64 by vmap", flow_graph_vmap, 1e-9),
        ("flow graph, minibatch in matrix form", gradient(flow_graph_matrix, FLOW, FLOW_X, FLOW_Y),
         1e-9),
    ]  # fmt: skip
    for dtype, tolerance in ((np.float32, 2e-3), (np.float64, 1e-8)):
        for batch in (1, 32, 128, 1024)[: 4 if large else 2]:
            params = net_params((784, 512, 256, 10), dtype)
            X, Y = net_batch(batch, 784, dtype)
            name = f"network 784-512-256-10, batch {batch}, {np.dtype(dtype)}"
            found.append((name, gradient(network, params, X, Y, value=True), tolerance))
    for n in (2, 100, 100_000)[: 3 if large else 2]:
        x = rng_for("rosenbrock").normal(size=n)
        found.append((f"Rosenbrock, n = {n}", gradient(rosenbrock, x), 1e-9))
    for n in (1_000, 1_000_000)[: 2 if large else 1]:
        x = rng_for("lse").normal(size=n)
        found.append((f"log-sum-exp, n = {n}", gradient(log_sum_exp, x), 1e-9))
        found.append((f"option prices, n = {n}", gradient(option_prices, *prices(n)), 1e-9))
    found += [
        ("Jacobian, 5 to 500", jacobian(decays, True, *DECAYS), 1e-9),
        ("Jacobian, 500 to 5", jacobian(readings, False, *READINGS), 1e-9),
        ("Jacobian, 200 to 3 to 200", jacobian(waist, False, *WAIST), 1e-8),
        ("Hessian of logistic regression", hessian, 1e-8),
        ("Hessian-vector product, 64-128-10", hessian_vector, 1e-8),
        ("gradients of 256 examples, 64-128-10", per_example(norms=False), 1e-8),
        ("their squared norms", per_example(norms=True), 1e-8),
        ("Gaussian mixture, 2000 x 4 x 8", gradient(mixture, MIXTURE, POINTS), 1e-8),
        ("k-means direction, 2000 x 4 x 8", gradient(k_means, MIXTURE[0], POINTS), 1e-8),
        ("Gaussian process, 120", gradient(gaussian_process, np.zeros(3), GP_X, GP_Y), 1e-7),
        ("attention block, 128 x 64", gradient(attention, ATTENTION, SEQUENCE), 1e-8),
    ]
    return found


def loop_workloads() -> list[Workload]:
    """Loops that are one equation of the Program."""
    return [
        ("LSTM, 64 steps of 8 x 32", lstm, 1e-8),
        ("Runge-Kutta, 500 steps", runge_kutta, 1e-8),
        ("leapfrog, 20 steps", leapfrog, 1e-8),
    ]
