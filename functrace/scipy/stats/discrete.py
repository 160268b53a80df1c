"""Distributions on whole numbers: a row each."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from .distribution import Discrete, inf


def _share(p: Any) -> Any:
    return np.logical_and(p >= 0, p <= 1)


def _positive_share(p: Any) -> Any:
    return np.logical_and(p > 0, p <= 1)


def _count(n: Any) -> Any:
    return np.logical_and(n >= 0, np.floor(n) == n)


def _log_choices(n: Any, k: Any) -> Any:
    return sc.gammaln(n + 1) - (sc.gammaln(k + 1) + sc.gammaln(n - k + 1))


poisson = Discrete(
    "poisson", "mu", valid=lambda mu: mu >= 0, support=(0.0, inf),
    logpmf=lambda k, mu: sc.xlogy(k, mu) - sc.gammaln(k + 1) - mu,
    cdf=lambda k, mu: sc.gammaincc(k + 1, mu), sf=lambda k, mu: sc.gammainc(k + 1, mu),
)  # fmt: skip
bernoulli = Discrete(
    "bernoulli", "p", valid=_share, support=(0.0, 1.0),
    logpmf=lambda k, p: sc.xlogy(k, p) + sc.xlog1py(1 - k, -p),
    pmf=lambda k, p: np.where(k == 1, p, 1 - p) + 0 * k,
    cdf=lambda k, p: 1 - p + 0 * k, sf=lambda k, p: p + 0 * k,
)  # fmt: skip
binom = Discrete(
    "binom", "n p", valid=lambda n, p: np.logical_and(_count(n), _share(p)),
    support=lambda n, p: (0.0, n),
    logpmf=lambda k, n, p: _log_choices(n, k) + sc.xlogy(k, p) + sc.xlog1py(n - k, -p),
    cdf=lambda k, n, p: sc.betaincc(k + 1, n - k, p),
    sf=lambda k, n, p: sc.betainc(k + 1, n - k, p),
)  # fmt: skip
nbinom = Discrete(
    "nbinom", "n p", valid=lambda n, p: np.logical_and(n > 0, _positive_share(p)),
    support=(0.0, inf),
    logpmf=lambda k, n, p: (
        sc.gammaln(n + k) - sc.gammaln(k + 1) - sc.gammaln(n) + n * np.log(p) + sc.xlog1py(k, -p)
    ),
    cdf=lambda k, n, p: sc.betainc(n, k + 1, p), sf=lambda k, n, p: sc.betaincc(n, k + 1, p),
)  # fmt: skip
geom = Discrete(
    "geom", "p", valid=_positive_share, support=(1.0, inf),
    logpmf=lambda k, p: sc.xlog1py(k - 1, -p) + np.log(p),
    cdf=lambda k, p: -np.expm1(sc.xlog1py(k, -p)), logsf=lambda k, p: sc.xlog1py(k, -p),
)  # fmt: skip
betabinom = Discrete(
    "betabinom", "n a b",
    valid=lambda n, a, b: np.logical_and(_count(n), np.logical_and(a > 0, b > 0)),
    support=lambda n, a, b: (0.0, n),
    logpmf=lambda k, n, a, b: (
        sc.betaln(k + a, n - k + b) - sc.betaln(a, b) - np.log(n + 1) - sc.betaln(n - k + 1, k + 1)
    ),
)  # fmt: skip
