"""What neural networks are made of, beyond plain NumPy: convolution, pooling, activations.

All are functions of arrays. They trace, differentiate, batch and compile as NumPy's own functions
do, and take plain arrays as well. Activations have the names of `jax.nn`.

Example:
    >>> import numpy as np, functrace as ft
    >>> def network(w, images):
    ...     features = ft.nn.relu(ft.nn.conv(images, w, padding="SAME"))
    ...     return ft.nn.max_pool(features, (2, 2))
    >>> w, images = np.ones((8, 3, 5, 5)), np.ones((4, 3, 28, 28))
    >>> network(w, images).shape
    (4, 8, 14, 14)
    >>> ft.grad(lambda w: np.sum(network(w, images)))(w).shape
    (8, 3, 5, 5)
"""

from .activations import (
    elu,
    gelu,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    logsumexp,
    one_hot,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
)
from .convolution import conv
from .pooling import avg_pool, max_pool

__all__ = [
    "avg_pool", "conv", "elu", "gelu", "leaky_relu", "log_sigmoid", "log_softmax", "logsumexp",
    "max_pool", "one_hot", "relu", "sigmoid", "silu", "softmax", "softplus",
]  # fmt: skip
