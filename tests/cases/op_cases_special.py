"""Cases of SciPy's special functions: see `op_cases`. A row tries a whole family of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from functrace.ops.densities import beta_density, gamma_density
from functrace.ops.hurwitz import hurwitz
from functrace.ops.incomplete_beta import beta_sample_slopes, beta_shape
from functrace.ops.special_error import normal_hazard
from functrace.scipy import special

from .op_cases import above_one, case, complex_, integers, positive, real, unit


def each(*names: str) -> Callable[..., list[Any]]:
    """Several of SciPy's functions of the same operands."""
    functions = [getattr(sc, name) for name in names]
    return lambda *operands: [f(*operands) for f in functions]


def of_order(order: float, *names: str) -> Callable[[Any], list[Any]]:
    """Several of SciPy's functions of an order, or degree, that is constant, and an argument."""
    functions = [getattr(sc, name) for name in names]
    return lambda x: [f(order, x) for f in functions]


def between(*shape: int) -> Any:
    """Probabilities."""
    return (unit(*shape) + 1) / 2


# Elementary

case("special: steps of exponentials", each("exprel", "expm1", "exp2", "exp10", "cosm1"), real(3))
case("special: logarithms", each("entr", "log1p", "cbrt", "wrightomega"), positive(3))
case("special: logistic", each("expit", "log_expit"), real(2, 3))
case("special: logit", each("logit"), between(3))
case("special: degrees", each("sindg", "cosdg", "tandg", "cotdg", "round"), positive(3) * 20)
case("special: xlogy", each("xlogy", "xlog1py", "rel_entr", "kl_div", "powm1"),
     positive(2, 1), positive(3))  # fmt: skip
case("special: xlogy of complex", each("xlogy", "xlog1py"), complex_(3), complex_(3))
case("special: losses", each("huber", "pseudo_huber"), positive(2, 1), real(3))
case("special: Box-Cox", each("boxcox", "boxcox1p"), positive(2, 1), real(3))
case("special: inverse Box-Cox", each("inv_boxcox", "inv_boxcox1p"), unit(3), unit(3))

# Error functions

case("special: erf", each("erf", "erfc", "erfi", "erfcx", "dawsn", "ndtr", "log_ndtr"), real(2, 3))
case(
    "special: erf of complex",
    each("erf", "erfc", "erfi", "erfcx", "dawsn", "ndtr", "log_ndtr", "wofz"),
    complex_(3),
)
case("special: slope of log_ndtr", normal_hazard, real(3))
case("special: wofz", sc.wofz, real(3))  # fmt: skip
case("special: erfinv", each("erfinv"), unit(3))
case("special: ndtri", each("ndtri", "erfcinv"), between(3))
case("special: ndtri_exp", sc.ndtri_exp, -positive(3))
case("special: fresnel", sc.fresnel, real(3))
case("special: fresnel of complex", sc.fresnel, complex_(2))
case("special: owens_t", sc.owens_t, real(2, 1), real(3))
case("special: voigt_profile", sc.voigt_profile, real(3), positive(3), positive(2, 1))

# Gamma and zeta

case("special: gamma", each("gamma", "gammaln", "gammasgn", "loggamma", "rgamma", "psi", "zetac"),
     positive(3))  # fmt: skip
case("special: gamma left of 0", each("gamma", "gammaln", "gammasgn", "rgamma", "psi"),
     np.array([-0.4, -1.6, -3.3]))  # fmt: skip
case("special: gamma of complex", each("gamma", "loggamma", "rgamma", "psi"), complex_(3))
case("special: gamma left of 0 of complex", each("rgamma", "psi"), 0.2 - complex_(3))
case("special: beta", each("beta", "betaln", "poch"), positive(2, 1), positive(3))
case("special: binom", sc.binom, above_one(3) + 2, positive(3))
case("special: zeta", sc.zeta, above_one(2, 1), positive(3))
case("special: Riemann's zeta", sc.zeta, np.array([2.5, 0.3, -2.4]))
case("special: Hurwitz' zeta of an order", lambda s, q: hurwitz(s, q, 1), above_one(3), positive(3))
case("special: gamma of integers", each("gamma", "gammaln", "psi"), integers(3))
case("special: polygamma", lambda x: [special.polygamma(n, x) for n in (0, 1, 3)], positive(3))
case("special: polygamma of orders", lambda x: special.polygamma(np.arange(3), x), positive(3))
case("special: polygamma of a traced order", special.polygamma, np.array([0, 2, 1]), positive(3))
case("special: multigammaln", lambda x: special.multigammaln(x, 3), above_one(2, 2))
case("special: factorial", special.factorial, np.array([0.3, 2.7, -0.5]))
case("special: factorial of integers", special.factorial, np.array([0, 3, -1]))
if hasattr(sc, "sph_harm_y"):  # since SciPy 1.15
    case("special: complex factorial",
         lambda x: special.factorial(x, extend="complex"), positive(2))  # fmt: skip
case("special: comb", special.comb, np.array([3.5, 2.2, 4.1]), np.array([1.3, 3.6, -0.5]))
case("special: comb of repetitions", lambda n, k: special.comb(n, k, repetition=True),
     above_one(3) + 2, positive(3))  # fmt: skip
case("special: perm", special.perm, np.array([3.5, 2.2, 4.1]), np.array([1.3, 3.6, -0.5]))

# Incomplete gamma and beta functions

case("special: gammainc", each("gammainc", "gammaincc"), positive(2, 1), positive(3) * 2)
case("special: gammaincinv", each("gammaincinv", "gammainccinv"), positive(2, 1), between(3))
case("special: betainc", each("betainc", "betaincc"), positive(2, 1), positive(3), between(3))
case("special: betaincinv", each("betaincinv", "betainccinv"), positive(2), positive(2), between(2))
case("special: gamma density", gamma_density, positive(2, 1), positive(3))
case("special: beta density", beta_density, above_one(2, 1), above_one(3), between(3))
case("special: slopes of I_x(a, b)", lambda *o: [beta_shape(*o, 1, 0), beta_shape(*o, 0, 1)],
     positive(3), positive(3), between(3))  # fmt: skip
case(
    "special: slopes of a beta sample",
    lambda *o: [slope() for slope in beta_sample_slopes(*o)],
    positive(3),
    positive(3),
    between(3),
)

# Distributions

case("special: chi-squared and Poisson", each("chdtr", "chdtrc"), positive(2, 1), positive(3))
case("special: chdtri", sc.chdtri, above_one(2, 1), between(3))
case("special: gdtr", each("gdtr", "gdtrc"), positive(2, 1), positive(3), positive(3))
case("special: fdtr", each("fdtr", "fdtrc"), positive(2, 1), positive(3), positive(3))
case("special: fdtri", sc.fdtri, above_one(2), above_one(2), between(2))
case("special: stdtr", sc.stdtr, positive(2, 1), np.array([0.4, -1.3, 2.6]))
case("special: stdtrit", sc.stdtrit, above_one(3), between(3))
case("special: pdtr", of_order(2, "pdtr", "pdtrc"), positive(3))
case("special: pdtri", of_order(2, "pdtri"), between(3))
case(
    "special: bdtr",  # in single precision SciPy warns of its own conversion of 5
    lambda p: [f(2, 5, p.astype(float)) for f in (sc.bdtr, sc.bdtrc, sc.bdtri)],
    between(3),
)
case("special: nbdtr", lambda p: [f(2, 5, p) for f in (sc.nbdtr, sc.nbdtrc, sc.nbdtri)], between(3))
case("special: bdtr of traced counts", lambda k, n, p: sc.bdtr(k, n, p.astype(float)),
     np.array([1, 3]), np.array([4, 5]), between(2))  # fmt: skip

# Hypergeometric functions and integrals

case("special: hyp0f1", of_order(1.2, "hyp0f1"), real(3))
case("special: hyp1f1", lambda x: [sc.hyp1f1(1.2, 0.7, x), sc.hyperu(1.2, 0.7, x)], positive(3))
case("special: hyp2f1", lambda x: sc.hyp2f1(1.2, 0.7, 0.4, x), unit(3))
case("special: hypergeometric of complex",
     lambda z: [sc.hyp0f1(1.2, z), sc.hyp2f1(1.2, 0.7, 0.4, z / 3)],
     complex_(2))  # fmt: skip
if hasattr(sc, "sph_harm_y"):  # before SciPy 1.15 its values are wrong
    case("special: hyp1f1 of complex", lambda z: sc.hyp1f1(0.7, 1.2, z), complex_(2))
case("special: exponential integrals", each("exp1", "expi", "spence"), positive(3))
case("special: exponential integrals of complex", each("exp1", "expi", "spence"), complex_(3))
case("special: expn", lambda x: [sc.expn(n, x) for n in (0, 1, 4)], positive(3))
case("special: sine integrals", lambda x: [*sc.sici(x), *sc.shichi(x)], positive(3))
case("special: sine integrals of complex", lambda x: [*sc.sici(x), *sc.shichi(x)], complex_(2))
case("special: complete elliptic integrals", each("ellipk", "ellipe", "ellipkm1"), between(3))
case("special: elliptic integrals", each("ellipkinc", "ellipeinc"),
     np.array([[0.4], [4.1]]), unit(3))  # fmt: skip
case("special: symmetric elliptic integrals", each("elliprf", "elliprd"),
     positive(2), positive(2) + 2, positive(2) + 4)  # fmt: skip
case("special: ellipj", lambda u: sc.ellipj(u, 0.4), real(3))
case("special: lambertw", lambda z: [sc.lambertw(z), sc.lambertw(z, -1)], complex_(3))
case("special: lambertw of real", sc.lambertw, positive(3))

# Bessel functions

case(
    "special: Bessel functions of order 0 and 1",
    each("j0", "j1", "y0", "y1", "i0", "i1", "k0", "k1", "i0e", "i1e", "k0e", "k1e"),
    positive(3),
)
case("special: Bessel functions",
     of_order(1.3, "jv", "yv", "iv", "kv", "jve", "yve", "ive", "kve", "struve", "modstruve"),
     positive(3))  # fmt: skip
case("special: Bessel functions of complex",
     of_order(1.3, "jv", "yv", "iv", "kv", "kve", "hankel1", "hankel2", "hankel1e", "hankel2e"),
     complex_(2))  # fmt: skip
case("special: Bessel functions of an integer", of_order(2, "jn", "yn", "kn"), positive(3))
case("special: jvp", lambda x: [sc.jvp(1, x, 2), sc.kvp(2, x)], positive(3))
for _kind in "jyik":
    _spherical = getattr(special, f"spherical_{_kind}n")
    case(
        f"special: spherical {_kind}",
        lambda x, f=_spherical: [f(2, x), f(0, x), f(1, x, derivative=True)],
        positive(3),
    )
case("special: spherical j of complex", lambda z: special.spherical_jn(2, z), complex_(2))
case("special: Airy functions", sc.airy, real(3))
case("special: Airy functions of complex", sc.airy, complex_(2))
case("special: Kelvin functions",
     each("ber", "bei", "ker", "kei", "berp", "beip", "kerp", "keip"), positive(3))  # fmt: skip
case("special: integrals of Bessel functions",
     lambda x: [*sc.itj0y0(x), *sc.iti0k0(x)], positive(3))  # fmt: skip

# Polynomials

_POLYNOMIALS = (
    "eval_legendre", "eval_chebyt", "eval_chebyu", "eval_laguerre", "eval_chebyc", "eval_chebys",
    "eval_sh_chebyt", "eval_sh_chebyu", "eval_sh_legendre",
)  # fmt: skip
case("special: polynomials", of_order(3, *_POLYNOMIALS, "eval_hermite", "eval_hermitenorm"),
     unit(3))  # fmt: skip
case("special: polynomials of degree 0",
     of_order(0, *_POLYNOMIALS, "eval_hermite", "eval_hermitenorm"), unit(3))  # fmt: skip
case("special: polynomials of a broken degree", of_order(2.5, *_POLYNOMIALS), between(3))
case("special: polynomials with parameters",
     lambda x: [sc.eval_jacobi(3, 0.3, 1.2, x), sc.eval_gegenbauer(3, 0.3, x),
                sc.eval_genlaguerre(3, 0.3, x), sc.eval_sh_jacobi(3, 2.5, 1.4, x),
                sc.eval_sh_jacobi(0, 2.5, 1.4, x)], unit(3))  # fmt: skip
if hasattr(sc, "sph_harm_y"):
    case("special: spherical harmonics",
         lambda theta, phi: [special.sph_harm_y(3, m, theta, phi) for m in (-2, 0, 3)],
         positive(2, 1), real(3))  # fmt: skip

# Logarithms of sums

for _text, _options in {
    "": {}, " axis": {"axis": 1}, " axes": {"axis": (0, -1)}, " keepdims": {"keepdims": True},
}.items():  # fmt: skip
    case(f"special: logsumexp{_text}",
         lambda x, o=_options: special.logsumexp(x, **o), real(2, 3))  # fmt: skip
case(
    "special: logsumexp with weights",
    lambda x, b: special.logsumexp(x, axis=0, b=b, return_sign=True),
    real(3, 2),
    real(3, 1),
)
case("special: logsumexp with positive weights",
     lambda x, b: special.logsumexp(x, b=b), real(2, 3), positive(3))  # fmt: skip
case("special: logsumexp and sign", lambda x: special.logsumexp(x, 1, return_sign=True), real(2, 3))
case("special: logsumexp of complex", special.logsumexp, complex_(3))
case("special: logsumexp of integers", special.logsumexp, integers(3))
case("special: logsumexp of a scalar", special.logsumexp, real())
if hasattr(sc, "sph_harm_y"):  # since SciPy 1.15
    case("special: logsumexp of no elements",
         lambda x: special.logsumexp(x, 0), real(0, 2), differentiable=False)  # fmt: skip
case("special: softmax", lambda x: [special.softmax(x), special.softmax(x, axis=0)], real(2, 3))
case("special: softmax of complex", special.softmax, complex_(3))
case("special: log_softmax", lambda x: special.log_softmax(x, axis=-1), real(2, 3))
case("special: log_softmax of integers", special.log_softmax, integers(3))
