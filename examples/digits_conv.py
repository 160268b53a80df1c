"""Train a small convolutional network to read handwritten digits.

    python examples/digits_conv.py

The network is written for one image; `vmap` makes it one for a minibatch, in which the convolution
of each image has become that of all of them.

    image [1, 8, 8] -> 16 features -> 32 features -> the greatest of each 2 x 2 -> 10 logits

The data are the 1797 images of 8 x 8 pixels that come with scikit-learn.
"""

import argparse

import numpy as np
from _extras import examples_extra

import functrace as ft
from functrace import nn

GOAL = 0.98  # of the test images


def load_data():
    """Images [1, 8, 8] of grey values from 0 to 1, and their digits; a fifth is for testing."""
    with examples_extra():
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    X, Y = load_digits(return_X_y=True)
    images = np.float32(X / 16).reshape(-1, 1, 8, 8)
    return train_test_split(images, Y, test_size=0.2, random_state=0, stratify=Y)


def initial(rng):
    """Weights that keep the variance of what passes a ReLU."""

    def weights(*shape):
        return np.float32(rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape))

    return {
        "near": {"w": weights(16, 1, 3, 3), "b": np.zeros((16, 1, 1), np.float32)},
        "wide": {"w": weights(32, 16, 3, 3), "b": np.zeros((32, 1, 1), np.float32)},
        "read": {"w": weights(10, 32 * 4 * 4), "b": np.zeros(10, np.float32)},
    }


def logits(params, image):
    """Ten logits for one image."""
    features = image
    for layer in (params["near"], params["wide"]):
        features = nn.relu(nn.conv(features, layer["w"], padding="SAME") + layer["b"])
    pooled = nn.max_pool(features, (2, 2))
    return params["read"]["w"] @ pooled.ravel() + params["read"]["b"]


def loss(params, images, digits):
    """The mean cross-entropy of a minibatch."""
    scores = ft.vmap(logits, in_axes=(None, 0))(params, images)
    return -np.mean(np.sum(nn.one_hot(digits, 10) * nn.log_softmax(scores), axis=1))


def shifted(images, rng):
    """The images moved by up to a pixel, so that the network cannot learn them by heart."""
    return np.roll(images, rng.integers(-1, 2, 2), axis=(2, 3))


def descend(params, velocity, gradient, rate, momentum=0.9):
    """A step of gradient descent with momentum: the velocity remembers recent gradients."""
    velocity = ft.tree.map(lambda v, g: momentum * v - rate * g, velocity, gradient)
    return ft.tree.map(np.add, params, velocity), velocity


def train(params, images, digits, *, epochs, rng, size=32, rate=0.05):
    """Stochastic gradient descent, its rate falling to 0."""
    step = ft.jit(ft.value_and_grad(loss))
    velocity = ft.tree.map(np.zeros_like, params)
    for epoch in range(epochs):
        order, losses = rng.permutation(len(images)), []
        for start in range(0, len(images) - size + 1, size):
            few = order[start : start + size]
            value, gradient = step(params, shifted(images[few], rng), digits[few])
            params, velocity = descend(params, velocity, gradient, rate * (1 - epoch / epochs))
            losses.append(value)
        print(f"epoch {epoch + 1:2}: loss {np.mean(losses):.4f}")
    return params


def main():
    parser = argparse.ArgumentParser(description="Train a convolutional network on digits.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)

    images, test_images, digits, test_digits = load_data()
    params = train(initial(rng), images, digits, epochs=options.epochs, rng=rng)
    scores = ft.jit(ft.vmap(logits, in_axes=(None, 0)))(params, test_images)
    reached = np.mean(np.argmax(scores, axis=1) == test_digits)
    print(f"accuracy on {len(test_digits)} test images: {reached:.4f}")
    if reached < GOAL:
        raise SystemExit(f"the goal of {GOAL} was missed")


if __name__ == "__main__":
    main()
