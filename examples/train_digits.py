"""Train a deep ReLU network to read handwritten digits, and draw what it learned.

    python examples/train_digits.py

The network maps a minibatch X, one image a row, through layers H -> max(H W^T + b, 0) to logits Z.
The loss is the softmax cross-entropy, -log softmax(Z) at the right digit, averaged over the
minibatch. Everything is plain NumPy; functrace adds the gradient and the speed, in one line:

    step = ft.jit(ft.value_and_grad(loss))

The data are the 1797 images of 8 x 8 pixels that come with scikit-learn. The pictures go to
examples/output.
"""

import argparse
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _extras import examples_extra

import functrace as ft

OUTPUT = Path(__file__).parent / "output"
GOAL = 0.97  # of the test images


def load_data():
    """Images in rows of 64 grey values from 0 to 1, and their digits; a fifth is for testing."""
    with examples_extra():
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    X, Y = load_digits(return_X_y=True)
    return train_test_split(X / 16, Y, test_size=0.2, random_state=0, stratify=Y)


class Layer(NamedTuple):
    W: np.ndarray  # [outputs, inputs]
    b: np.ndarray  # [outputs]


def initial(sizes, rng):
    """A layer between each two sizes; the weights keep the variance of what passes a ReLU."""
    return [
        Layer(rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs)), np.zeros(outputs))
        for inputs, outputs in pairwise(sizes)
    ]


def logits(layers, X):
    """The network: a row of ten logits for each row of X."""
    H = X
    for layer in layers[:-1]:
        H = np.maximum(H @ layer.W.T + layer.b, 0)
    return H @ layers[-1].W.T + layers[-1].b


def loss(layers, X, Y):
    """The mean softmax cross-entropy of the digits Y."""
    Z = logits(layers, X)
    Z = Z - np.max(Z, axis=1, keepdims=True)  # e^Z cannot overflow now
    log_softmax = Z - np.log(np.sum(np.exp(Z), axis=1, keepdims=True))
    return -np.mean(log_softmax[np.arange(len(Y)), Y])


def accuracy(layers, X, Y):
    """The share of digits that are read rightly."""
    return np.mean(np.argmax(logits(layers, X), axis=1) == Y)


def minibatches(X, Y, size, rng):
    """All examples in a random order, `size` at a time; the few left over wait for their turn."""
    order = rng.permutation(len(X))
    for start in range(0, len(X) - size + 1, size):
        chosen = order[start : start + size]
        yield X[chosen], Y[chosen]


def descend(layers, velocity, gradient, rate, momentum):
    """A step of gradient descent with momentum: the velocity remembers recent gradients."""
    velocity = ft.tree.map(lambda v, g: momentum * v - rate * g, velocity, gradient)
    return ft.tree.map(np.add, layers, velocity), velocity


def train(layers, X, Y, *, epochs, rng, size=32, rate=0.05, momentum=0.9):
    """Stochastic gradient descent, its rate falling to 0. Returns the loss of each step too."""
    with examples_extra():
        from tqdm import tqdm
    step = ft.jit(ft.value_and_grad(loss))
    velocity = ft.tree.map(np.zeros_like, layers)
    losses = []
    progress = tqdm(range(epochs), unit="epoch")
    for epoch in progress:
        for X_few, Y_few in minibatches(X, Y, size, rng):
            value, gradient = step(layers, X_few, Y_few)
            layers, velocity = descend(
                layers, velocity, gradient, rate * (1 - epoch / epochs), momentum
            )
            losses.append(value)
        progress.set_postfix(loss=f"{value:.4f}", refresh=False)
    return layers, np.array(losses)


def draw_losses(losses, epochs, path):
    """The loss of every minibatch, and its mean over each epoch."""
    with examples_extra():
        from matplotlib.figure import Figure
    steps = len(losses) // epochs
    means = losses.reshape(epochs, steps).mean(axis=1)
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(
        np.arange(len(losses)) / steps, losses, ".", ms=2, color="0.75", label="minibatch"
    )
    axes.semilogy(np.arange(epochs) + 0.5, means, lw=2, color="tab:blue", label="mean of an epoch")
    axes.set(title="Training loss", xlabel="epoch", ylabel="softmax cross-entropy")
    axes.margins(x=0.01)
    axes.grid(alpha=0.3)
    axes.legend(markerscale=4)
    figure.savefig(path, dpi=150)


def draw_predictions(layers, X, Y, path, *, rows=4, columns=8):
    """Test images under what the network reads in them, its mistakes first."""
    with examples_extra():
        from matplotlib.figure import Figure
    read = np.argmax(logits(layers, X), axis=1)
    mistakes = np.count_nonzero(read != Y)
    shown = np.argsort(read == Y, kind="stable")[: rows * columns]
    figure = Figure(figsize=(1.1 * columns, 1.35 * rows + 0.6), layout="constrained")
    figure.suptitle(f"What the network reads in test images: {mistakes} of {len(Y)} are misread")
    for axes, i in zip(figure.subplots(rows, columns).flat, shown, strict=True):
        right = read[i] == Y[i]
        axes.imshow(X[i].reshape(8, 8), cmap="gray_r")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("0.8" if right else "tab:red")
        axes.set_title(
            f"{read[i]}" if right else f"{read[i]} (is {Y[i]})",
            fontsize=11, color="black" if right else "tab:red",
        )  # fmt: skip
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description="Train a deep ReLU network on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the pictures' folder")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)

    X, X_test, Y, Y_test = load_data()
    layers, losses = train(initial([64, 128, 64, 10], rng), X, Y, epochs=options.epochs, rng=rng)

    options.output.mkdir(parents=True, exist_ok=True)
    draw_losses(losses, options.epochs, options.output / "loss.png")
    draw_predictions(layers, X_test, Y_test, options.output / "predictions.png")
    print(f"pictures of the loss and of test images: {options.output}")

    reached = accuracy(layers, X_test, Y_test)
    print(f"accuracy on {len(Y_test)} test images: {reached:.4f}")
    if reached < GOAL:
        raise SystemExit(f"the goal of {GOAL} was missed")


if __name__ == "__main__":
    main()
