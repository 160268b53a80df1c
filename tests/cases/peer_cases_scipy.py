"""Rows of the differential tests against JAX: `scipy.special`, `stats`, `linalg`, and `nn`."""

from __future__ import annotations

import numpy as np

from .peer_cases import ANY, COMPLEX, EDGES, OTHER, POSITIVE, SPD, SQUARE, UNIT, inf, row, rows

INSIDE = np.array([0.15, 0.5, 0.8])  # probabilities
COUNTS = np.array([0.0, 2.0, 3.0])
TRIALS = np.array([3.0, 5.0, 4.0])

# scipy.special, at generic points; derivatives in all parameters that JAX differentiates in

rows("erf erfc erfcx dawsn expit log_ndtr ndtr i0 i0e i1 i1e gammaln digamma gamma", ANY,
     second=True, of="special")  # fmt: skip
rows("loggamma expi entr", POSITIVE, second=True, of="special")
rows("spence", np.array([0.3, 0.7, 2.6]), of="special")
rows("erfinv", UNIT, second=True, of="special")
rows("logit ndtri", INSIDE, second=True, of="special")
rows("beta betaln", POSITIVE, POSITIVE + 0.3, second=True, of="special")
rows("gammainc gammaincc", POSITIVE, POSITIVE[::-1], of="special")
rows(
    "xlogy xlog1py rel_entr kl_div boxcox boxcox1p owens_t",
    POSITIVE,
    POSITIVE[::-1] - 0.1,
    of="special",
)
rows("poch", POSITIVE, POSITIVE[::-1], of="special")
row("special.hyp1f1", lambda xp, x: xp.special.hyp1f1(POSITIVE, POSITIVE + 1, x), ANY)
row("betainc", lambda xp, x: xp.special.betainc(POSITIVE, OTHER**2, x), INSIDE, second=True)
for n in (1, 2):
    row(f"special.polygamma {n}", lambda xp, x, n=n: xp.special.polygamma(n, x), POSITIVE)
    row(f"special.expn {n}", lambda xp, x, n=n: xp.special.expn(n, x), POSITIVE)
row("zeta", lambda xp, q: xp.special.zeta(2.5, q), POSITIVE)
rows("sici fresnel", ANY, of="special")
row("multigammaln", lambda xp, x: xp.special.multigammaln(x + 2, 3), POSITIVE)
row(
    "logsumexp with weights",
    lambda xp, x, b: xp.special.logsumexp(x, b=b),
    ANY,
    POSITIVE,
    second=True,
)
rows("logsumexp softmax log_softmax", ANY, second=True, of="special")
rows("wofz", COMPLEX, of="special")

# scipy.special, at corner points

rows("erf expit log_ndtr i0e i1 i1e sici fresnel dawsn", EDGES, of="special", at=" at 0")
rows(
    "erf erfc expit log_ndtr ndtr softmax",
    np.array([-60.0, 60.0, 0.0]),
    of="special",
    at=" far out",
)
rows(
    "xlogy xlog1py", np.array([0.0, 0.0, 2.0]), np.array([3.0, 0.5, 0.0]), of="special", at=" of 0"
)
rows("gammaln digamma", np.array([1.0, 2.0, -1.5]), second=True, of="special", at=" at zeros")
rows("logsumexp softmax", np.array([2.0, 2.0, -inf]), of="special", at=" at infinity")

# scipy.stats, in the variable and all parameters, among them place and scale

LOC, SCALE = np.array([0.1, -0.2, 0.3]), np.array([0.8, 1.5, 1.1])
_CONTINUOUS = {
    "norm": (("logpdf", "pdf", "cdf", "logcdf", "logsf"), (ANY, LOC, SCALE)),
    "cauchy": (("logpdf", "cdf", "logsf"), (ANY, LOC, SCALE)),
    "gumbel_l gumbel_r": (("logcdf", "logsf"), (ANY, LOC, SCALE)),
    "laplace uniform": (("logpdf", "cdf"), (LOC + INSIDE * SCALE, LOC, SCALE)),
    "logistic": (("logpdf", "sf", "ppf"), (INSIDE, LOC, SCALE)),
    "expon": (("logpdf", "logcdf", "sf"), (LOC + POSITIVE, LOC, SCALE)),
    "gamma": (("logpdf", "cdf", "logsf"), (LOC + POSITIVE, POSITIVE[::-1], LOC, SCALE)),
    "chi2": (("logpdf",), (LOC + POSITIVE, POSITIVE[::-1], LOC, SCALE)),
    "t": (("logpdf",), (ANY, POSITIVE, LOC, SCALE)),
    "gennorm": (("logpdf",), (ANY, POSITIVE)),
    "pareto": (("logpdf", "cdf", "logsf"), (LOC + SCALE * (1 + POSITIVE), POSITIVE, LOC, SCALE)),
    "beta": (("logpdf",), (LOC + SCALE * INSIDE, POSITIVE, POSITIVE[::-1] + 0.2, LOC, SCALE)),
    "truncnorm": (("logpdf",), (LOC + SCALE * UNIT, ANY - 3, ANY + 2, LOC, SCALE)),
    "vonmises": (("logpdf",), (ANY, POSITIVE)),
    "wrapcauchy": (("logpdf",), (POSITIVE, INSIDE)),
}
for _names, (_methods, _operands) in _CONTINUOUS.items():
    for _name in _names.split():
        for _method in _methods:
            rows(f"{_name}.{_method}", *_operands, of="stats", second=_method == "logpdf")
_DISCRETE = {
    "poisson": (COUNTS, POSITIVE), "geom": (COUNTS + 1, INSIDE),
    "bernoulli": (np.array([0.0, 1, 1]), INSIDE), "binom": (COUNTS, TRIALS, INSIDE),
    "nbinom": (COUNTS, TRIALS, INSIDE), "betabinom": (COUNTS, TRIALS, POSITIVE, SCALE),
}  # fmt: skip
for _name, (_counts, *_parameters) in _DISCRETE.items():
    row(f"stats.{_name}.logpmf",
        lambda xp, *p, name=_name, k=_counts: getattr(xp.stats, name).logpmf(k, *p),
        *_parameters)  # fmt: skip
rows("multivariate_normal.logpdf", ANY, OTHER, SPD, second=True, of="stats")
row(
    "stats.dirichlet.logpdf",
    lambda xp, x, a: xp.stats.dirichlet.logpdf(x / x.sum(), a),
    POSITIVE,
    SCALE,
)
row("stats.multinomial.logpmf",
    lambda xp, p: xp.stats.multinomial.logpmf(np.array([1, 0, 2]), 3, p / p.sum()),
    POSITIVE)  # fmt: skip

# scipy.linalg

row(
    "solve_triangular",
    lambda xp, a, b: xp.slinalg.solve_triangular(a, b, lower=True),
    SQUARE,
    ANY,
    second=True,
)
row(
    "solve_triangular transposed",
    lambda xp, a, b: xp.slinalg.solve_triangular(a, b, trans=1),
    SQUARE,
    ANY,
)
row("cho_solve", lambda xp, a, b: xp.slinalg.cho_solve(xp.slinalg.cho_factor(a + a.T), b), SPD, ANY)
row("lu", lambda xp, x: list(xp.slinalg.lu(x)[1:]), SQUARE)
row("toeplitz", lambda xp, x, y: xp.slinalg.toeplitz(x, y), ANY, OTHER)
row("block_diag", lambda xp, x, y: xp.slinalg.block_diag(x, y), SQUARE, SPD[:2])

# nn

rows("relu leaky_relu elu sigmoid log_sigmoid softplus silu gelu", np.array([-900.0, 0.3, 900.0]),
     of="nn", second=True)  # fmt: skip
rows("relu sigmoid log_sigmoid softplus silu gelu", EDGES, of="nn", second=True, at=" at 0")
row("gelu exact", lambda xp, x: xp.nn.gelu(x, approximate=False), ANY, second=True)
rows("softmax log_softmax logsumexp", ANY, of="nn", second=True)
row("convolution", lambda xp, x, w: xp.conv(x, w),
    np.arange(16.0).reshape(1, 1, 4, 4) % 5, SQUARE[None, None, :2, :2])  # fmt: skip
row("strided convolution of groups", lambda xp, x, w: xp.conv(x, w, 2, "SAME", 2),
    np.arange(20.0).reshape(1, 2, 10) % 7, SQUARE[:2, None])  # fmt: skip
