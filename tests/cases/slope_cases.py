"""Rows of `test_slopes`: a function, the same by mpmath, and the points at which to compare.

A tolerance that is wider than the usual has its reason beside it. It is a factor of the usual one,
which is 3e-13 in double and 5e-6 in single precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
import scipy.special as sc

from functrace import nn
from functrace.scipy import special, stats

SIZES = (1e-300, 1e-9, 1e-3, 1.0, 30.0, 50.0, 300.0)
POSITIVE = (*SIZES, 5.0, 20.0)
REAL = (*(-x for x in POSITIVE), *POSITIVE)
NOT_TINY = tuple(x for x in REAL if abs(x) >= 1e-3)


def between(low: float, high: float, *more: float) -> tuple[float, ...]:
    return (*(x for x in REAL if low < x < high), *more)


def usual(low: float, high: float) -> tuple[float, ...]:
    """Without the least, at which references take long."""
    return tuple(x for x in between(low, high) if abs(x) > 1e-10)


UNIT = between(-1, 1, -0.999, -0.5, 0.5, 0.999)
SHARES = between(0, 1, 0.02, 0.5, 0.9, 0.999)


@dataclass(frozen=True)
class Row:
    """A function of one variable.

    Attributes:
        single: whether it is compared in single precision as well.
        factor: of the usual tolerance.
    """

    function: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    points: Sequence[float] = REAL
    orders: tuple[int, ...] = (1, 2)
    single: bool = True
    factor: float = 1


e = mp.exp


def logistic(x: Any) -> Any:
    return 1 / (1 + e(-x))


def normal(x: Any) -> Any:
    """The normal distribution function."""
    return mp.erfc(-x / mp.sqrt(2)) / 2


def log_normal(x: Any) -> Any:
    return mp.log(normal(x)) if x < 5 else mp.log1p(-normal(-x))


ELEMENTARY = {
    "reciprocal": Row(np.reciprocal, lambda x: 1 / x),
    "square": Row(np.square, lambda x: x * x),
    "exp": Row(np.exp, e),
    "exp2": Row(np.exp2, lambda x: mp.mpf(2) ** x),
    "exp10": Row(sc.exp10, lambda x: mp.mpf(10) ** x),
    "expm1": Row(np.expm1, mp.expm1),
    "scipy's expm1": Row(sc.expm1, mp.expm1),
    "log": Row(np.log, mp.log, POSITIVE),
    "log2": Row(np.log2, lambda x: mp.log(x, 2), POSITIVE),
    "log10": Row(np.log10, mp.log10, POSITIVE),
    "log1p": Row(np.log1p, mp.log1p, between(-1, 400, -0.9)),
    "sqrt": Row(np.sqrt, mp.sqrt, POSITIVE),
    "cbrt": Row(np.cbrt, lambda x: mp.sign(x) * mp.cbrt(abs(x))),
    "sin": Row(np.sin, mp.sin),
    "cos": Row(np.cos, mp.cos),
    "tan": Row(np.tan, mp.tan),
    "cosm1": Row(sc.cosm1, lambda x: mp.cos(x) - 1),
    "arcsin": Row(np.arcsin, mp.asin, UNIT),
    "arccos": Row(np.arccos, mp.acos, UNIT),
    "arctan": Row(np.arctan, mp.atan),
    "sinh": Row(np.sinh, mp.sinh),
    "cosh": Row(np.cosh, mp.cosh),
    "tanh": Row(np.tanh, mp.tanh, orders=(1, 2, 3)),
    "arcsinh": Row(np.arcsinh, mp.asinh),
    "arccosh": Row(np.arccosh, mp.acosh, (1.000001, 1.5, 30.0, 50.0, 300.0)),
    "arctanh": Row(np.arctanh, mp.atanh, UNIT),
    "sinc": Row(np.sinc, lambda x: mp.sinc(mp.pi * x)),
    "i0": Row(np.i0, lambda x: mp.besseli(0, x), between(-400, 400)),
    "sindg": Row(sc.sindg, lambda x: mp.sin(x * mp.pi / 180)),
    "cosdg": Row(sc.cosdg, lambda x: mp.cos(x * mp.pi / 180)),
    "tandg": Row(sc.tandg, lambda x: mp.tan(x * mp.pi / 180)),
    "cotdg": Row(sc.cotdg, lambda x: mp.cot(x * mp.pi / 180)),
    "3 / x": Row(lambda x: 3 / x, lambda x: 3 / x),
    "log(-expm1(x))": Row(
        lambda x: np.log(-np.expm1(x)), lambda x: mp.log(-mp.expm1(x)), between(-400, 0)
    ),
    "log1p(exp(x))": Row(
        # the second slope is a difference of two numbers near 1 on the right
        lambda x: np.log1p(np.exp(x)), lambda x: mp.log1p(e(x)), between(-400, 60), (1,),
    ),
}  # fmt: skip

for p in (3.0, -2.0, 0.75, 2.0, 1.0, 0.5, -1.0):
    ELEMENTARY[f"x**{p}"] = Row(lambda x, p=p: x**p, lambda x, p=p: x ** mp.mpf(p), POSITIVE)
    ELEMENTARY[f"power(x, {p})"] = Row(
        lambda x, p=p: np.power(x, x.dtype.type(p)), lambda x, p=p: x ** mp.mpf(p), POSITIVE
    )
for b in (2.0, 0.25, 300.0, 1.0):
    ELEMENTARY[f"{b}**x"] = Row(
        lambda x, b=b: np.power(x.dtype.type(b), x), lambda x, b=b: mp.mpf(b) ** x
    )
for b in (1.0, -3.0, 30.0, 0.0):
    for ufunc, base in ((np.logaddexp, mp.e), (np.logaddexp2, mp.mpf(2))):
        exact = lambda x, b=b, base=base: mp.log(base**x + base**b) / mp.log(base)
        ELEMENTARY[f"{ufunc.__name__}(x, {b})"] = Row(
            lambda x, b=b, f=ufunc: f(x, x.dtype.type(b)), exact
        )
        ELEMENTARY[f"{ufunc.__name__}({b}, x)"] = Row(
            lambda x, b=b, f=ufunc: f(x.dtype.type(b), x), exact
        )
for b in (1.0, -3.0, 30.0, 2.0**-30):
    ELEMENTARY[f"hypot(x, {b})"] = Row(
        lambda x, b=b: np.hypot(x, x.dtype.type(b)), lambda x, b=b: mp.sqrt(x * x + mp.mpf(b) ** 2)
    )
    ELEMENTARY[f"arctan2(x, {b})"] = Row(
        lambda x, b=b: np.arctan2(x, x.dtype.type(b)), lambda x, b=b: mp.atan2(x, b)
    )
    ELEMENTARY[f"arctan2({b}, x)"] = Row(
        lambda x, b=b: np.arctan2(x.dtype.type(b), x), lambda x, b=b: mp.atan2(b, x)
    )

ACTIVATIONS = {
    "elu": Row(nn.elu, lambda x: x if x > 0 else mp.expm1(x)),
    "elu with alpha": Row(lambda x: nn.elu(x, 0.5), lambda x: x if x > 0 else mp.expm1(x) / 2),
    "sigmoid": Row(nn.sigmoid, logistic, orders=(1, 2, 3)),
    "log_sigmoid": Row(nn.log_sigmoid, lambda x: mp.log(logistic(x))),
    "softplus": Row(nn.softplus, lambda x: mp.log1p(e(x)), orders=(1, 2, 3)),
    "silu": Row(nn.silu, lambda x: x * logistic(x)),
    "gelu": Row(
        nn.gelu,
        lambda x: x * logistic(mp.sqrt(8 / mp.pi) * x * (1 + mp.mpf("0.044715") * x * x)),
        between(-6, 400),
        factor=2,  # the cube in the exponent
    ),
    "gelu, exact": Row(
        lambda x: nn.gelu(x, approximate=False), lambda x: x * normal(x), between(-6, 40)
    ),
    "mish": Row(lambda x: x * np.tanh(nn.softplus(x)), lambda x: x * mp.tanh(mp.log1p(e(x))),
                factor=2),  # e^x is rounded in the argument of a tail of tanh
    "expit": Row(sc.expit, logistic, orders=(1, 2, 3)),
    "log_expit": Row(sc.log_expit, lambda x: mp.log(logistic(x))),
    "logit": Row(sc.logit, lambda x: mp.log(x / (1 - x)), SHARES),
    "nn.logsumexp": Row(
        # second slopes are p (1 - p) for a p that is rounded to 1
        lambda x: nn.logsumexp(np.stack([x, 0 * x]), axis=0), lambda x: mp.log1p(e(x)), orders=(1,),
    ),
}  # fmt: skip


SPECIAL = {
    "exprel": Row(sc.exprel, lambda x: mp.expm1(x) / x, usual(-400, 400)),
    "entr": Row(sc.entr, lambda x: -x * mp.log(x), POSITIVE),
    "wrightomega": Row(sc.wrightomega, lambda x: mp.lambertw(e(x)), usual(-400, 60)),
    "erf": Row(sc.erf, mp.erf, usual(-25, 25)),
    "erfc": Row(sc.erfc, mp.erfc, usual(-25, 25)),
    "erfi": Row(sc.erfi, mp.erfi, usual(-25, 25)),
    "erfcx": Row(  # 1 - √π x y cancels
        sc.erfcx, lambda x: e(x * x) * mp.erfc(x), usual(-21, 31), factor=3
    ),
    "dawsn": Row(
        # 1 - 2 x y cancels, up to an x of 8 by 128
        sc.dawsn, lambda x: mp.sqrt(mp.pi) / 2 * e(-x * x) * mp.erfi(x), usual(-31, 31), factor=4,
    ),
    "ndtr": Row(sc.ndtr, normal, usual(-31, 31)),
    "log_ndtr": Row(sc.log_ndtr, log_normal, usual(-31, 31)),
    "gammaln": Row(sc.gammaln, mp.loggamma, between(1e-10, 400, 0.5, 1.5, 2.0, 10.0)),
    "gamma": Row(sc.gamma, mp.gamma, between(1e-10, 171, 0.5, 1.5, 10.0)),
    "rgamma": Row(sc.rgamma, mp.rgamma, between(1e-10, 171, 0.5, 1.5, 10.0)),
    "digamma": Row(sc.psi, mp.digamma, between(1e-10, 400, 0.5, 1.5, -0.5, -2.75)),
    "sine integral": Row(lambda x: sc.sici(x)[0], mp.si, orders=(1, 2, 3)),
    "cosine integral": Row(lambda x: sc.sici(x)[1], mp.ci, POSITIVE[1:], orders=(1, 2, 3)),
    "hyperbolic sine integral": Row(lambda x: sc.shichi(x)[0], mp.shi, orders=(1, 2, 3)),
    "hyperbolic cosine integral": Row(
        lambda x: sc.shichi(x)[1], mp.chi, POSITIVE[1:], orders=(1, 2, 3)
    ),
    "expi": Row(sc.expi, mp.ei, between(1e-10, 100)),
    "exp1": Row(sc.exp1, mp.e1, between(1e-10, 100)),
    "j0": Row(sc.j0, partial(mp.besselj, 0), usual(-400, 400)),
    "j1": Row(sc.j1, partial(mp.besselj, 1), between(1e-10, 400)),
    "i1": Row(sc.i1, partial(mp.besseli, 1), between(1e-10, 400)),
}  # fmt: skip


def pairs(
    name: str, function: Any, exact: Any, constants: Sequence[float], first: Any, second: Any
) -> None:
    """Rows of a function of two operands, by each while the other is constant."""
    for b in constants:
        SPECIAL[f"{name}(x, {b})"] = Row(
            lambda x: function(x, x.dtype.type(b)), lambda x: exact(x, mp.mpf(b)), first
        )
        SPECIAL[f"{name}({b}, x)"] = Row(
            lambda x: function(x.dtype.type(b), x), lambda x: exact(mp.mpf(b), x), second
        )


def box_cox(x: Any, power: Any) -> Any:
    return mp.expm1(power * mp.log(x)) / power


def huber(delta: Any, r: Any) -> Any:
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


pairs("xlogy", sc.xlogy, lambda x, y: x * mp.log(y), (2.0, 30.0), REAL, POSITIVE)
pairs("xlog1py", sc.xlog1py, lambda x, y: x * mp.log1p(y), (2.0,), REAL, between(-1, 400))
pairs("rel_entr", sc.rel_entr, lambda x, y: x * mp.log(x / y), (2.0, 30.0), POSITIVE, POSITIVE)
pairs("huber", sc.huber, huber, (2.0, 0.125), POSITIVE, REAL)
pairs("pseudo_huber", sc.pseudo_huber, lambda d, r: d * (mp.sqrt(d * d + r * r) - d), (2.0,),
      (1.0, 5.0), REAL)  # fmt: skip
pairs("inv_boxcox", sc.inv_boxcox, lambda y, p: e(mp.log1p(p * y) / p), (2.0, 0.25),
      between(1e-10, 100), (1e-3, 1.0))  # fmt: skip
pairs("boxcox", sc.boxcox, box_cox, (2.0, 0.25), between(1e-10, 100), (1e-3, 1.0, 5.0))


def log_normal_density(x: Any) -> Any:
    return -x * x / 2 - mp.log(2 * mp.pi) / 2


def _stats(function: Any, exact: Any, points: Any = REAL, *parameters: float) -> Row:
    return Row(lambda x: function(x, *parameters), exact, points, single=False)  # always double


STATS = {
    "norm.logpdf": _stats(stats.norm.logpdf, log_normal_density),
    "norm.logcdf": _stats(stats.norm.logcdf, log_normal, between(-31, 31)),
    "norm.logsf": _stats(stats.norm.logsf, lambda x: log_normal(-x), between(-31, 31)),
    # these are differences of two slopes, which are equal at the mode, 0
    "logistic.logpdf": _stats(stats.logistic.logpdf, lambda x: -x - 2 * mp.log1p(e(-x)), NOT_TINY),
    "gumbel_r.logpdf": _stats(stats.gumbel_r.logpdf, lambda x: -x - e(-x), NOT_TINY),
    "logistic.cdf": _stats(stats.logistic.cdf, logistic),
    "gumbel_l.cdf": _stats(
        stats.gumbel_l.cdf, lambda x: -mp.expm1(-e(x)), [x for x in NOT_TINY if x < 6]
    ),
    "cauchy.logpdf": _stats(stats.cauchy.logpdf, lambda x: -mp.log(1 + x * x)),
    "cauchy.cdf": _stats(stats.cauchy.cdf, lambda x: mp.atan(x) / mp.pi),
    "expon.cdf": _stats(stats.expon.cdf, lambda x: -mp.expm1(-x), POSITIVE),
    "expon.logcdf": _stats(stats.expon.logcdf, lambda x: mp.log(-mp.expm1(-x)), POSITIVE),
    "t.logpdf": _stats(stats.t.logpdf, lambda x: -2 * mp.log1p(x * x / 3), REAL, 3.0),
    "gamma.logpdf": _stats(stats.gamma.logpdf, lambda x: 2 * mp.log(x) - x, POSITIVE, 3.0),
    "beta.logpdf": _stats(
        stats.beta.logpdf, lambda x: 2 * mp.log(x) + mp.log1p(-x), SHARES, 3.0, 2.0
    ),
    "weibull_min.logpdf": _stats(
        stats.weibull_min.logpdf, lambda x: mp.log(x) / 2 - x ** mp.mpf(1.5), POSITIVE, 1.5
    ),
    "halfnorm.logsf": _stats(stats.halfnorm.logsf, lambda x: log_normal(-x), between(0, 31)),
}  # fmt: skip

GROUPS = {
    "elementary": ELEMENTARY,
    "activations": ACTIVATIONS,
    "special": SPECIAL,
    "stats": STATS,
}
assert special  # importing it registers SciPy's functions
