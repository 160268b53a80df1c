"""SciPy's incomplete gamma and beta functions."""

from __future__ import annotations

from typing import Any

import scipy.special as sc

from ._families import binary, ufunc_op
from ._special import no_derivative
from .elementwise import exp
from .special_elementary import xlog1py, xlogy
from .special_gamma import betaln, gammaln


def gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) e^(-x) / Γ(a), the derivative of P(a, x) by x. DLMF 8.8.13."""
    return exp(xlogy(a - 1, x) - x - gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b), the derivative of I_x(a, b) by x. DLMF 8.17.1."""
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


gammainc = binary(
    "gammainc", sc.gammainc, no_derivative("gammainc", "a"),
    lambda t, y, a, x: t * gamma_density(a, x),
)  # fmt: skip
gammaincc = binary(
    "gammaincc", sc.gammaincc, no_derivative("gammaincc", "a"),
    lambda t, y, a, x: -t * gamma_density(a, x),
)  # fmt: skip
betainc = ufunc_op(
    "betainc", sc.betainc,
    (no_derivative("betainc", "a"), no_derivative("betainc", "b"),
     lambda t, y, a, b, x: t * beta_density(a, b, x)),
)  # fmt: skip
