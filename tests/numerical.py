"""Derivatives by finite differences, and examples by hypothesis, for the tests to compare with."""

import numpy as np
from hypothesis import HealthCheck, settings


def many(examples):
    """So many examples of a property, the same in every run."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def numerical_jvp(f, primals, tangents, step=1e-6):
    """The central difference of a function of arrays to one array, along a direction."""
    ahead = f(*[x + step * t for x, t in zip(primals, tangents, strict=True)])
    behind = f(*[x - step * t for x, t in zip(primals, tangents, strict=True)])
    return (np.asarray(ahead) - np.asarray(behind)) / (2 * step)


def numerical_grad(f, x, step=1e-6):
    """The gradient of a scalar function of one array, element by element."""
    x = np.asarray(x, float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        direction = np.zeros_like(x)
        direction[index] = 1.0
        gradient[index] = numerical_jvp(f, [x], [direction], step)
    return gradient


def assert_close(actual, expected, rtol=1e-9, atol=1e-11):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)
