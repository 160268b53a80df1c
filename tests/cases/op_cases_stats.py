"""Cases of `functrace.scipy.stats`: for each distribution all its methods at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from functrace.scipy import stats

from .op_cases import case, positive, real, unit

DENSITY = ("logpdf", "pdf")
MASS = ("logpmf", "pmf")
PROBABILITY = ("cdf", "sf", "logcdf", "logsf")
QUANTILE = ("ppf", "isf")


def methods(name: str, names: Any, x: Any, *parameters: Any) -> Any:
    """What the methods of a distribution give."""
    return [getattr(getattr(stats, name), method)(x, *parameters) for method in names]


def all_of(name: str, names: Any, *operands: Any) -> None:
    case(f"stats.{name} {names[0]}", partial(methods, name, names), *operands)


def each(names: Any, chosen: Any, x: Any, *parameters: Any) -> Any:
    """What the methods of several distributions give."""
    return [methods(name, chosen, x, *parameters) for name in names]


_SOME = ("logpdf", "cdf", "logsf")  # from which the others follow
_loc, _scale = np.float64(-0.3), np.float64(1.7)
_share = np.array([0.15, 0.4, 0.7])
_LINE = ("laplace", "logistic", "cauchy", "gumbel_r", "gumbel_l")
_HALF_LINE = ("expon", "halfnorm")

all_of("norm", (*DENSITY, *PROBABILITY), real(3), _loc, _scale)
case("stats on the line", partial(each, _LINE, _SOME), real(3))
case("stats on the half line", partial(each, _HALF_LINE, _SOME), positive(3))
all_of("uniform", _SOME, _share, _loc, _scale)
all_of("t", _SOME, real(2), np.float64(3.5))
all_of("beta", _SOME, _share, np.float64(2.5), np.float64(1.5))
all_of("gamma", _SOME, positive(2), np.float64(2.5))
all_of("chi2", _SOME, positive(2), np.float64(3.5))
all_of("lognorm", _SOME, positive(2), np.float64(0.8))
all_of("weibull_min", _SOME, positive(2), np.float64(1.4))
all_of("pareto", _SOME, positive(2) + 1, np.float64(1.4))
all_of("truncnorm", _SOME, unit(3), np.float64(-1.5), np.float64(1.2))
all_of("gennorm", DENSITY, real(2), np.float64(1.5))
all_of("vonmises", DENSITY, real(2), np.float64(1.5))
all_of("wrapcauchy", DENSITY, positive(2), np.float64(0.4))

_k = np.array([1, 3, 4])
_MASS = ("logpmf", "cdf", "logsf")
all_of("poisson", (*MASS, *PROBABILITY), _k, np.float64(2.5))
case("stats.bernoulli",
     lambda k, p: methods("bernoulli", MASS, k, p) + methods("bernoulli", PROBABILITY, 0 * k, p),
     np.array([0, 1]), _share[:2])  # fmt: skip
case("stats.binom", lambda k, p: methods("binom", _MASS, k, 9, p), _k, np.float64(0.3))
all_of("nbinom", _MASS, _k, np.float64(2.5), np.float64(0.3))
all_of("geom", _MASS, _k, np.float64(0.3))
case("stats.betabinom", lambda k, a, b: methods("betabinom", MASS, k, 9, a, b), _k,
     np.float64(1.5), np.float64(2.5))  # fmt: skip

# Quantiles

case("stats quantiles", partial(each, ("norm", "uniform", *_LINE, *_HALF_LINE), QUANTILE), _share)
case("stats quantiles with a shape",
     partial(each, ("t", "gamma", "chi2", "lognorm", "weibull_min", "pareto"), QUANTILE),
     _share, np.float64(1.5))  # fmt: skip
all_of("beta", QUANTILE, _share, np.float64(2.5), np.float64(1.5))

# Vectors


def shares(x: Any) -> Any:
    """Positive numbers as shares of their sum, in double precision."""
    x = x.astype(np.float64)
    return x / x.sum(0)


def covariance(x: Any) -> Any:
    return x @ x.T + np.eye(x.shape[0])


def line(c: Any) -> Any:
    """The covariance of numbers along one direction, in double precision."""
    c = c.astype(np.float64)
    return c[:, None] * c


case("stats.dirichlet", lambda x, alpha: methods("dirichlet", DENSITY, shares(x), alpha),
     positive(3, 2), positive(3))  # fmt: skip
case("stats.dirichlet of all but the last",
     lambda x, alpha: stats.dirichlet.logpdf(shares(x)[:-1], alpha),
     positive(3), positive(3))  # fmt: skip
case("stats.multinomial", lambda k, p: methods("multinomial", MASS, k, 8, shares(p)), _k,
     positive(3))  # fmt: skip
case("stats.multivariate_normal",
     lambda x, m, c: methods("multivariate_normal", DENSITY, x, m, covariance(c)),
     real(2, 3), real(3), real(3, 3))  # fmt: skip
case("stats.multivariate_normal of a diagonal",
     lambda x, m, c: stats.multivariate_normal.logpdf(x, m, c), real(2), real(2),
     positive(2))  # fmt: skip
case("stats.multivariate_normal of one component",
     lambda x, c: stats.multivariate_normal.logpdf(x, cov=c), real(3), positive())  # fmt: skip
case("stats.multivariate_normal singular",
     lambda x, c: stats.multivariate_normal.logpdf(x[:, None] * c, cov=line(c),
                                                   allow_singular=True),
     real(2), positive(2))  # fmt: skip
case("stats.multivariate_normal entropy",
     lambda c: stats.multivariate_normal.entropy(cov=covariance(c)), real(3, 3))  # fmt: skip
case("stats.dirichlet moments",
     lambda a: [getattr(stats.dirichlet, m)(a) for m in ("mean", "var", "cov", "entropy")],
     positive(3))  # fmt: skip
case("stats.multinomial moments",
     lambda n, p: [stats.multinomial.mean(n, shares(p)), stats.multinomial.cov(n, shares(p))],
     np.float64(8), positive(3))  # fmt: skip
