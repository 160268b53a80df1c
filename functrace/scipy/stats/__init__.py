"""`scipy.stats`, for traced arrays as well: densities, probabilities and their logarithms.

| distributions    | methods for traced arrays                                                  |
|------------------|----------------------------------------------------------------------------|
| with a density   | `logpdf`, `pdf`, `cdf`, `logcdf`, `sf`, `logsf`; some have `ppf` and `isf` |
| on whole numbers | `logpmf`, `pmf`, `cdf`, `logcdf`, `sf`, `logsf`                            |
| of vectors       | `logpdf` and `pdf`, or `logpmf` and `pmf`                                  |

Parameters, their order and the values are SciPy's, in double precision. Derivatives exist by the
variable and all parameters inside the support; outside of it they are 0. All other methods, and all
names that are not below, are SciPy's own, which take plain arrays.

Example:
    >>> import numpy as np, functrace as ft
    >>> from functrace.scipy.stats import norm
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> ft.grad(lambda mu, sigma: norm.logpdf(x, mu, sigma).sum(), argnums=(0, 1))(1.0, 1.0)
    (np.float64(3.0), np.float64(2.0))
"""

from typing import Any

import scipy.stats as _plain

from .continuous import beta as beta
from .continuous import cauchy as cauchy
from .continuous import chi2 as chi2
from .continuous import expon as expon
from .continuous import gamma as gamma
from .continuous import gennorm as gennorm
from .continuous import gumbel_l as gumbel_l
from .continuous import gumbel_r as gumbel_r
from .continuous import halfnorm as halfnorm
from .continuous import laplace as laplace
from .continuous import logistic as logistic
from .continuous import lognorm as lognorm
from .continuous import norm as norm
from .continuous import pareto as pareto
from .continuous import t as t
from .continuous import truncnorm as truncnorm
from .continuous import uniform as uniform
from .continuous import vonmises as vonmises
from .continuous import weibull_min as weibull_min
from .continuous import wrapcauchy as wrapcauchy
from .discrete import bernoulli as bernoulli
from .discrete import betabinom as betabinom
from .discrete import binom as binom
from .discrete import geom as geom
from .discrete import nbinom as nbinom
from .discrete import poisson as poisson
from .multivariate import dirichlet as dirichlet
from .multivariate import multinomial as multinomial
from .multivariate import multivariate_normal as multivariate_normal


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_plain, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *[name for name in dir(_plain) if not name.startswith("__")]})
