"""Cases for random numbers: what is drawn is a function of a key and parameters.

Numbers made of gamma variables are differentiated at a fixed quantile, which no finite difference
of the method that draws them shows: `test_random` compares the derivatives with SciPy's quantiles.
"""

from __future__ import annotations

import numpy as np

import functrace as ft
from functrace import random
from functrace.ops import gamma_slope

from .op_cases import case, integers, positive, real, unit

KEY = np.array([20, 3], np.uint64)

case("random key", random.key, np.int64(5))
case("random split", lambda k: random.split(k, 3), KEY)
case("random fold_in", random.fold_in, KEY, np.int64(7))
case("random bits", lambda k: random.bits(k, (2, 3)), KEY)
case("random bits of 16", lambda k: random.bits(k, (3,), np.uint16), KEY)
case("random uniform", lambda k: random.uniform(k, (2, 3)), KEY)
case(
    "random uniform between bounds",
    lambda k, low, high: random.uniform(k, (2, 3), minval=low, maxval=high),
    KEY, real(3), real(2, 1),
)  # fmt: skip
case("random normal", lambda k, x: x * random.normal(k, (3,)), KEY, real(2, 1))
case("random normal, complex", lambda k: random.normal(k, (3,), complex), KEY)
case(
    "random truncated_normal",
    lambda k, low, high: random.truncated_normal(k, low, high, (2, 3)),
    KEY, real(3) - 2, real(2, 1) + 2,
)  # fmt: skip
case("random laplace", lambda k: random.laplace(k, (3,)), KEY)
case(
    "random gamma", lambda k, a: random.gamma(k, a, (2, 3)), KEY, positive(3), differentiable=False
)
case("random loggamma", random.loggamma, KEY, unit(3) ** 2, differentiable=False)
case("random beta", random.beta, KEY, positive(3), positive(2, 1), differentiable=False)
case("random dirichlet", random.dirichlet, KEY, positive(2, 3), differentiable=False)
case(
    "random multivariate_normal",
    lambda k, mean, x: random.multivariate_normal(k, mean, x @ x.T + np.eye(2), (3,)),
    KEY, real(2), real(2, 2),
)  # fmt: skip
case("random bernoulli", lambda k, p: random.bernoulli(k, p, (4, 3)), KEY, unit(3) ** 2)
case(
    "random randint", lambda k, low, high: random.randint(k, (2, 3), -low, high),
    KEY, integers(3), integers(2, 1),
)  # fmt: skip
case("random poisson", random.poisson, KEY, positive(3) * [0.1, 5, 30])
case("random binomial", lambda k, p: random.binomial(k, [5, 70, 9000], p), KEY, unit(3) ** 2)
case("random categorical", lambda k, x: random.categorical(k, x, shape=(4, 2)), KEY, real(2, 3))
case("random permutation", random.permutation, KEY, real(3, 2))
case(
    "random permutation of each column",
    lambda k, x: random.permutation(k, x, independent=True), KEY, real(3, 2),
)  # fmt: skip
case(
    "random choice", lambda k, x, p: random.choice(k, x, (3,), p=p / np.sum(p)),
    KEY, real(4, 2), positive(4),
)  # fmt: skip
case(
    "random choice without replacement",
    lambda k, x, p: random.choice(k, x, (3,), replace=False, p=p / np.sum(p)),
    KEY, real(4), positive(4),
)  # fmt: skip
case("log_gamma_slope", gamma_slope.log_gamma_slope, positive(3, 1) * [1, 9], real(3, 2))
case(
    "log_gamma_slope's derivative by the shape",
    lambda a, y: ft.jvp(
        lambda a: gamma_slope.log_gamma_slope(a, y), (a,), (np.ones((3, 1)),)
    )[1],
    positive(3, 1) * 5, real(3, 2),
)  # fmt: skip
case("polygamma", lambda x: gamma_slope.polygamma(1, x), positive(3))
