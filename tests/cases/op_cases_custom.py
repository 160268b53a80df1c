"""Cases for functions and ops with rules of the user, at module level, as pickle asks.

Rules give true derivatives, so that finite differences of the functions themselves apply.
"""

import numpy as np
import scipy.linalg

import functrace as ft

from .op_cases import case, integers, positive, real

# custom_jvp


@ft.custom_jvp
def softplus(x):
    return np.log(1.0 + np.exp(x))


@softplus.defjvp
def softplus_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return softplus(x), t / (1.0 + np.exp(-x))


@ft.custom_jvp
def weighted(params, x, n):
    return {"y": params["a"] * x**2 + n, "sum": np.sum(params["b"] * x)}


@weighted.defjvp
def weighted_jvp(primals, tangents):
    params, x, n = primals
    d, t, _ = tangents
    out = weighted(params, x, n)
    moved = {
        "y": d["a"] * x**2 + params["a"] * 2 * x * t,
        "sum": np.sum(d["b"] * x + params["b"] * t),
    }
    return out, moved


@ft.custom_jvp
def looped(c, xs):
    return ft.scan(lambda c, x: (np.sin(c) * x, c), c, xs)


@looped.defjvp
def looped_jvp(primals, tangents):  # mixes primals and tangents in one loop
    return ft.jvp(lambda c, xs: ft.scan(lambda c, x: (np.sin(c) * x, c), c, xs), primals, tangents)


def by_parts(a, x):
    return a * np.sin(x)


by_parts_with_rules = ft.custom_jvp(by_parts)
by_parts_with_rules.defjvps(
    lambda t, y, a, x: t * np.sin(x), lambda t, y, a, x: a * np.cos(x) * t
)  # fmt: skip

case("custom_jvp", softplus, real(3))
case("custom_jvp of trees", lambda a, b, x, n: weighted({"a": a, "b": b}, x, n),
     real(), real(3), real(3), integers())  # fmt: skip
case("custom_jvp with a loop in its rule", looped, real(), real(3))
case("custom_jvp inside a loop", lambda c, xs: ft.scan(
    lambda c, x: (softplus(c * x), c), c, xs), real(2), real(3, 2))  # fmt: skip

# custom_vjp, but for its derivatives, which tests here ask for in forward mode as well


@ft.custom_vjp
def clipped(x, limit):
    return np.tanh(x) * limit


def clipped_fwd(x, limit):
    return clipped(x, limit), (x, limit)


def clipped_bwd(residuals, ct):
    _, limit = residuals
    return np.clip(ct, -limit, limit), None


clipped.defvjp(clipped_fwd, clipped_bwd)
case("custom_vjp", clipped, real(3), positive(), differentiable=False)

# A linear function with its own transpose


def rotated(angle, x):
    c, s = np.cos(angle), np.sin(angle)
    return ft.numpy.array([c * x[0] - s * x[1], s * x[0] + c * x[1]])


def rotated_back(angle, ct):
    return rotated(-angle, ct)


case("linear_call", lambda angle, x: ft.linear_call(rotated, rotated_back, angle, x),
     real(), real(2, 3))  # fmt: skip

# custom_vmap


@ft.custom_vmap
def solved(A, b):
    return np.linalg.solve(A, b)


@solved.def_vmap
def solved_vmap(size, mapped, A, b):
    if mapped == (False, True):
        return np.linalg.solve(A, b.T).T, True
    return ft.vmap(np.linalg.solve, [0 if on else None for on in mapped])(A, b), True


case("custom_vmap", lambda A, b: solved(A + 4 * np.eye(2), b), real(2, 2), real(2))
case("sequential_vmap", ft.sequential_vmap(by_parts), real(3), real())

# Callbacks


def spoilt_sine(x, y):
    x[...] = np.sin(x)  # a callback may change what it gets
    return x * y


def called(x, y):
    return ft.pure_callback(spoilt_sine, x, x, y, jvp=called_jvp, vmap_method="broadcast_all")


def called_cosine(x):
    return ft.pure_callback(np.cos, x, x, jvp=cosine_jvp, vmap_method="sequential")


def cosine_jvp(primals, tangents):
    return np.cos(primals[0]), -np.sin(primals[0]) * tangents[0]


def called_jvp(primals, tangents):
    (x, y), (t, s) = primals, tangents
    return called(x, y), called_cosine(x) * y * t + np.sin(x) * s


case("pure_callback", called, real(3), real(3))
for _method in ("sequential", "sequential_unrolled", "expand_dims"):
    case(f"pure_callback {_method}",
         lambda x, y, m=_method: ft.pure_callback(np.add, x, x, y, vmap_method=m),
         integers(2, 3), integers(2, 3))  # fmt: skip

# Solutions


def newton(f, x):
    return ft.fori_loop(0, 8, lambda _, x: x - np.linalg.solve(ft.jacobian(f)(x), f(x)), x)


def by_jacobian(g, y):
    return np.linalg.solve(ft.jacobian(g)(y), y)


def equilibrium(A, b):
    def f(x):
        return x + 0.2 * np.tanh(A @ x) - b

    return ft.custom_root(f, np.zeros(2), newton, by_jacobian)


def jacobi(matvec, b):
    return ft.fori_loop(0, 60, lambda _, x: x + (b - matvec(x)) / 4, b)


def jacobi_with_residual(matvec, b):
    x = jacobi(matvec, b)
    return x, np.max(np.abs(matvec(x) - b)) > 1e-6


case("custom_root", equilibrium, real(2, 2), real(2))
case("custom_linear_solve", lambda A, b: ft.custom_linear_solve(
    lambda x: 4 * x + A @ x, b, jacobi, jacobi), real(2, 2), real(2))  # fmt: skip
case("custom_linear_solve symmetric", lambda a, b, c: ft.custom_linear_solve(
    lambda x: {"u": 4 * x["u"] + a * x["v"], "v": a * x["u"] + 4 * x["v"]}, {"u": b, "v": c},
    lambda matvec, b: _by_halves(matvec, b), symmetric=True, has_aux=True,
), real(), real(2), real(2))  # fmt: skip


def _by_halves(matvec, b):
    def step(_, x):
        return ft.tree.map(lambda x, b, y: x + (b - y) / 4, x, b, matvec(x))

    return ft.fori_loop(0, 60, step, b), 3


# Ops that a user defines


def banded(ab, x):
    below = ab[1, :-1] * x[:-1]
    above = ab[1, :-1] * x[1:]
    y = ab[0] * x
    y = y.at[1:].add(below)
    return y.at[:-1].add(above)


def _solve_banded(ab, b):
    dtype = np.result_type(ab, b, np.float32)  # SciPy has no half precision
    return scipy.linalg.solveh_banded(ab.astype(dtype), b.astype(dtype), lower=True)


solve = ft.define_op(
    "solve_banded",
    _solve_banded,
    infer=lambda ab, b: b,
    jvp=(lambda t, x, ab, b: -solve(ab, banded(t, x)), lambda t, x, ab, b: solve(ab, t)),
    transpose=lambda ct, operands: (None, solve(operands[0], ct)),
    batch="sequential",
)
scale = ft.define_op(
    "scale", lambda x, *, by: by * x, infer=lambda x, *, by: x, jvp="linear",
    transpose=lambda ct, operands, *, by: scale(ct, by=by), batch="expand_dims",
)  # fmt: skip
polar = ft.define_op(
    "polar",
    lambda x, y: (np.hypot(x, y), np.arctan2(y, x)),
    infer=lambda x, y: (x, y),
    jvp=lambda primals, tangents, out: _polar_jvp(primals, tangents, out),
    vjp=lambda ct, primals, out: _polar_vjp(ct, primals, out),
    batch="broadcast_all",
    multiple=True,
)
sine = ft.define_op(
    "sine", lambda x, y: np.sin(x) * y, elementwise=True,
    jvp=(lambda t, out, x, y: t * np.cos(x) * y, lambda t, out, x, y: np.sin(x) * t),
)  # fmt: skip


def _polar_jvp(primals, tangents, out):
    (x, y), (r, _) = primals, out
    dx, dy = [np.zeros_like(x) if t is None else t for t in tangents]
    return (x * dx + y * dy) / r, (x * dy - y * dx) / r**2


def _polar_vjp(ct, primals, out):
    (x, y), (r, _), (a, b) = primals, out, ct
    return (x * a / r - y * b / r**2, y * a / r + x * b / r**2)


def strong_diagonal(d, e):
    return ft.numpy.array([d + 3, e])


case(
    "define_op", lambda d, e, b: solve(strong_diagonal(d, e), b), positive(3), positive(3), real(3)
)
case("define_op linear", lambda x: scale(x, by=3.0), real(2, 2))
case("define_op for both modes", polar, positive(3), real(3))
case("define_op elementwise", sine, real(2, 1), real(3))
