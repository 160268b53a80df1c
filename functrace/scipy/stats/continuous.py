"""Distributions with a density: a row each, of functions of the standard variable."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from .distribution import Continuous, inf, log

_LOG_2 = math.log(2)
_LOG_PI = math.log(math.pi)
_LOG_ROOT_2PI = math.log(2 * math.pi) / 2


def _positive(a: Any) -> Any:
    return a > 0


def _log1mexp(x: Any) -> Any:
    """log(1 - exp(-x)) for x > 0, without loss of digits at either end.

    M. Mächler, "Accurately computing log(1 - exp(-|a|))" (2012).
    """
    large = x > _LOG_2
    return np.where(
        large,
        np.log1p(-np.exp(-np.where(large, x, 1.0))),
        log(-np.expm1(-np.where(large, 1.0, x))),
    )


# The normal distribution and those derived from it


def _normal(x: Any) -> Any:
    return x * x * -0.5 - _LOG_ROOT_2PI


norm = Continuous(
    "norm",
    logpdf=_normal,
    cdf=sc.ndtr, logcdf=sc.log_ndtr,
    sf=lambda x: sc.ndtr(-x), logsf=lambda x: sc.log_ndtr(-x),
    ppf=sc.ndtri, isf=lambda q: -sc.ndtri(q),
)  # fmt: skip
lognorm = Continuous(
    "lognorm", "s", valid=_positive, support=(0.0, inf),
    logpdf=lambda x, s: _lognormal(x, s),
    cdf=lambda x, s: sc.ndtr(np.log(x) / s), logcdf=lambda x, s: sc.log_ndtr(np.log(x) / s),
    sf=lambda x, s: sc.ndtr(-np.log(x) / s), logsf=lambda x, s: sc.log_ndtr(-np.log(x) / s),
    ppf=lambda q, s: np.exp(s * sc.ndtri(q)), isf=lambda q, s: np.exp(-s * sc.ndtri(q)),
)  # fmt: skip


def _lognormal(x: Any, s: Any) -> Any:
    zero = x == 0
    logarithm = np.log(np.where(zero, 1.0, x))
    return np.where(zero, -inf, _normal(logarithm / s) - np.log(s) - logarithm)


halfnorm = Continuous(
    "halfnorm", support=(0.0, inf),
    logpdf=lambda x: _normal(x) + _LOG_2,
    cdf=lambda x: sc.erf(x / math.sqrt(2)),
    sf=lambda x: 2 * sc.ndtr(-x), logsf=lambda x: _log_half_normal_tail(x),
    ppf=lambda q: sc.ndtri((1 + q) / 2), isf=lambda q: -sc.ndtri(q / 2),
)  # fmt: skip


def _log_half_normal_tail(x: Any) -> Any:
    near = x < 1
    small = np.log1p(-sc.erf(np.where(near, x, 0.0) / math.sqrt(2)))
    return np.where(near, small, sc.log_ndtr(-np.where(near, 1.0, x)) + _LOG_2)


def _log_normal_mass(a: Any, b: Any) -> Any:
    """The logarithm of the normal probability between a < b, from the side where it is small."""
    right = a > 0
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    left = high <= 0  # both on one side: a difference of logarithms of probabilities
    upper = sc.log_ndtr(np.where(left, high, 0.0))
    below = upper + _log1mexp(upper - sc.log_ndtr(np.where(left, low, -1.0)))
    around = np.log1p(-sc.ndtr(np.where(left, -1.0, low)) - sc.ndtr(np.where(left, -1.0, -high)))
    return np.where(left, below, around)


def _log_share(part: Any, rest: Any, whole: Any) -> Any:
    """The logarithm of the share of an interval in another one, by the rest where it is near 1."""
    total = _log_normal_mass(*whole)
    share = _log_normal_mass(*part) - total
    near = share > -0.1
    return np.where(near, _log1mexp(np.where(near, total - _log_normal_mass(*rest), 1.0)), share)


truncnorm = Continuous(
    "truncnorm", "a b", valid=lambda a, b: a < b, support=lambda a, b: (a, b),
    logpdf=lambda x, a, b: _normal(x) - _log_normal_mass(a, b),
    logcdf=lambda x, a, b: _log_share((a, x), (x, b), (a, b)),
    logsf=lambda x, a, b: _log_share((x, b), (a, x), (a, b)),
)  # fmt: skip
t = Continuous(
    "t", "df", valid=_positive,
    logpdf=lambda x, df: _student(x, df),
    cdf=lambda x, df: sc.stdtr(df, x), sf=lambda x, df: sc.stdtr(df, -x),
    ppf=lambda q, df: sc.stdtrit(df, q), isf=lambda q, df: -sc.stdtrit(df, q),
)  # fmt: skip


def _student(x: Any, df: Any) -> Any:
    normal = df == inf
    v = np.where(normal, 1.0, df)
    ratio = np.log(sc.poch(v / 2, 0.5)) - np.log(v * math.pi) / 2
    return np.where(normal, _normal(x), ratio - (v + 1) / 2 * np.log1p(x * x / v))


# On a half line

expon = Continuous(
    "expon", support=(0.0, inf),
    logpdf=lambda x: -x,
    cdf=lambda x: -np.expm1(-x), logcdf=_log1mexp,
    sf=lambda x: np.exp(-x), logsf=lambda x: -x,
    ppf=lambda q: -np.log1p(-q), isf=lambda q: -np.log(q),
)  # fmt: skip
gamma = Continuous(
    "gamma", "a", valid=_positive, support=(0.0, inf),
    logpdf=lambda x, a: sc.xlogy(a - 1, x) - x - sc.gammaln(a),
    cdf=lambda x, a: sc.gammainc(a, x), sf=lambda x, a: sc.gammaincc(a, x),
    ppf=lambda q, a: sc.gammaincinv(a, q), isf=lambda q, a: sc.gammainccinv(a, q),
)  # fmt: skip
chi2 = Continuous(
    "chi2", "df", valid=_positive, support=(0.0, inf),
    logpdf=lambda x, df: sc.xlogy(df / 2 - 1, x) - x / 2 - sc.gammaln(df / 2) - df * (_LOG_2 / 2),
    cdf=lambda x, df: sc.gammainc(df / 2, x / 2), sf=lambda x, df: sc.gammaincc(df / 2, x / 2),
    ppf=lambda q, df: 2 * sc.gammaincinv(df / 2, q),
    isf=lambda q, df: 2 * sc.gammainccinv(df / 2, q),
)  # fmt: skip
weibull_min = Continuous(
    "weibull_min", "c", valid=_positive, support=(0.0, inf),
    logpdf=lambda x, c: np.log(c) + sc.xlogy(c - 1, x) - x**c,
    cdf=lambda x, c: -np.expm1(-(x**c)), logcdf=lambda x, c: _log1mexp(x**c),
    sf=lambda x, c: np.exp(-(x**c)), logsf=lambda x, c: -(x**c),
    ppf=lambda q, c: (-np.log1p(-q)) ** (1 / c), isf=lambda q, c: (-np.log(q)) ** (1 / c),
)  # fmt: skip
pareto = Continuous(
    "pareto", "b", valid=_positive, support=(1.0, inf),
    logpdf=lambda x, b: np.log(b) - (b + 1) * np.log(x),
    cdf=lambda x, b: -np.expm1(-b * np.log(x)), logcdf=lambda x, b: _log1mexp(b * np.log(x)),
    sf=lambda x, b: x**-b, logsf=lambda x, b: -b * np.log(x),
    ppf=lambda q, b: (1 - q) ** (-1 / b), isf=lambda q, b: q ** (-1 / b),
)  # fmt: skip

# On an interval

uniform = Continuous(
    "uniform", support=(0.0, 1.0),
    logpdf=lambda x: 0 * x, cdf=lambda x: x, sf=lambda x: 1 - x,
    ppf=lambda q: q, isf=lambda q: 1 - q,
)  # fmt: skip
beta = Continuous(
    "beta", "a b", valid=lambda a, b: np.logical_and(a > 0, b > 0), support=(0.0, 1.0),
    logpdf=lambda x, a, b: sc.xlog1py(b - 1, -x) + sc.xlogy(a - 1, x) - sc.betaln(a, b),
    cdf=lambda x, a, b: sc.betainc(a, b, x), sf=lambda x, a, b: sc.betaincc(a, b, x),
    ppf=lambda q, a, b: sc.betaincinv(a, b, q), isf=lambda q, a, b: sc.betainccinv(a, b, q),
)  # fmt: skip

# On the line


def _laplace_tail(x: Any) -> Any:
    """The probability of less than x."""
    upper = x > 0
    small = np.exp(np.where(upper, -x, x)) / 2  # not of |x|, which has derivative 0 at 0
    return np.where(upper, 1 - small, small)


def _log_laplace_tail(x: Any) -> Any:
    upper = x > 0
    exponent = np.where(upper, -x, x)
    return np.where(upper, np.log1p(-np.exp(exponent) / 2), exponent - _LOG_2)


def _laplace_quantile(q: Any) -> Any:
    upper = q > 0.5
    return np.where(upper, -1.0, 1.0) * np.log(2 * np.where(upper, 1 - q, q))


laplace = Continuous(
    "laplace",
    logpdf=lambda x: -np.abs(x) - _LOG_2,
    cdf=_laplace_tail, logcdf=_log_laplace_tail,
    sf=lambda x: _laplace_tail(-x), logsf=lambda x: _log_laplace_tail(-x),
    ppf=_laplace_quantile, isf=lambda q: -_laplace_quantile(q),
)  # fmt: skip
logistic = Continuous(
    "logistic",
    logpdf=lambda x: sc.log_expit(x) + sc.log_expit(-x),
    cdf=sc.expit, logcdf=sc.log_expit,
    sf=lambda x: sc.expit(-x), logsf=lambda x: sc.log_expit(-x),
    ppf=sc.logit, isf=lambda q: -sc.logit(q),
)  # fmt: skip
cauchy = Continuous(
    "cauchy",
    logpdf=lambda x: -_LOG_PI - 2 * np.log(np.hypot(1.0, x)),
    cdf=lambda x: np.arctan2(1.0, -x) / math.pi, sf=lambda x: np.arctan2(1.0, x) / math.pi,
    ppf=lambda q: -1 / np.tan(math.pi * q), isf=lambda q: 1 / np.tan(math.pi * q),
)  # fmt: skip
gumbel_r = Continuous(
    "gumbel_r",
    logpdf=lambda x: -x - np.exp(-x),
    logcdf=lambda x: -np.exp(-x), sf=lambda x: -np.expm1(-np.exp(-x)),
    logsf=lambda x: _log1mexp(np.exp(-x)),
    ppf=lambda q: -np.log(-np.log(q)), isf=lambda q: -np.log(-np.log1p(-q)),
)  # fmt: skip
gumbel_l = Continuous(
    "gumbel_l",
    logpdf=lambda x: x - np.exp(x),
    cdf=lambda x: -np.expm1(-np.exp(x)), logcdf=lambda x: _log1mexp(np.exp(x)),
    logsf=lambda x: -np.exp(x),
    ppf=lambda q: np.log(-np.log1p(-q)), isf=lambda q: np.log(-np.log(q)),
)  # fmt: skip


gennorm = Continuous(
    "gennorm",
    "beta",
    valid=_positive,
    logpdf=lambda x, beta: np.log(beta / 2) - sc.gammaln(1 / beta) - np.abs(x) ** beta,
)

# On a circle

vonmises = Continuous(
    "vonmises", "kappa", valid=lambda kappa: kappa >= 0,
    logpdf=lambda x, kappa: kappa * sc.cosm1(x) - np.log(sc.i0e(kappa)) - 2 * _LOG_ROOT_2PI,
)  # fmt: skip
wrapcauchy = Continuous(
    "wrapcauchy", "c", valid=lambda c: np.logical_and(c > 0, c < 1), support=(0.0, 2 * math.pi),
    logpdf=lambda x, c: (
        np.log1p(-c * c) - np.log1p(c * (c - 2 * np.cos(x))) - 2 * _LOG_ROOT_2PI
    ),
)  # fmt: skip
