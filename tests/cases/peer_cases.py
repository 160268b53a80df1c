"""Rows of the differential tests against JAX: NumPy's functions, at generic and corner points.

A row is a function of a library and arrays. `xp` has NumPy's names, for JAX those of `jax.numpy`;
`xp.special`, `xp.stats`, `xp.slinalg` and `xp.nn` are the further namespaces of each; `xp.at`,
`xp.conv` and `xp.max_pool` are what the two spell differently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """A function of a namespace and arrays.

    Attributes:
        second: whether to compare second derivatives as well.
    """

    name: str
    fun: Callable[..., Any]
    operands: tuple[Any, ...]
    second: bool = False


@dataclass(frozen=True)
class Convention:
    """A function with its gradient at a point where functrace and JAX differ by design."""

    name: str
    fun: Callable[..., Any]
    operand: Any
    ours: Any
    theirs: Any


ROWS: list[Row] = []
CONVENTIONS: list[Convention] = []


def row(name: str, fun: Callable[..., Any], *operands: Any, second: bool = False) -> None:
    arrays = tuple([np.asarray(x) for x in operands])
    ROWS.append(Row(name, fun, arrays, second))


def named(name: str) -> Callable[..., Any]:
    """The function of a namespace that has a name, such as `linalg.inv`."""

    def fun(xp: Any, *operands: Any) -> Any:
        for part in name.split("."):
            xp = getattr(xp, part)
        return xp(*operands)

    return fun


def rows(names: str, *operands: Any, second: bool = False, at: str = "", of: str = "") -> None:
    """A row for each of the functions of some names, which may be those of a further namespace."""
    for name in names.split():
        path = f"{of}.{name}" if of else name
        row(f"{path}{at}", named(path), *operands, second=second)


inf, nan = np.inf, np.nan
ANY = np.array([-1.3, 0.4, 1.7])
OTHER = np.array([0.6, -0.8, 1.1])
POSITIVE = np.array([0.5, 1.4, 2.2])
UNIT = np.array([-0.7, 0.2, 0.6])
COMPLEX = np.array([0.7 + 0.4j, -0.3 + 1.1j, 0.5 - 0.8j])
COMPLEX2 = np.array([1.2 - 0.5j, 0.4 + 0.3j, -0.6 - 0.9j])

# Elementwise, at generic points

rows("negative exp exp2 expm1 sin cos tan arctan sinh cosh tanh arcsinh cbrt absolute fabs sign "
     "square reciprocal deg2rad sinc i0 nan_to_num", ANY)  # fmt: skip
rows("log log2 log10 log1p sqrt", POSITIVE)
rows("arcsin arccos arctanh", UNIT)
row("arccosh", lambda xp, x: xp.arccosh(x + 1), POSITIVE)
rows("add subtract multiply divide floor_divide remainder fmod maximum minimum fmax fmin hypot "
     "arctan2 logaddexp logaddexp2 copysign heaviside", ANY, OTHER)  # fmt: skip
rows("power", POSITIVE, OTHER, second=True)
row("ldexp", lambda xp, x: xp.ldexp(x, np.array([2, -1, 0])), ANY)
row("modf", lambda xp, x: xp.modf(x), ANY)
row("frexp", lambda xp, x: xp.frexp(x)[0], ANY)
row("divmod", lambda xp, x, y: xp.divmod(x, y), ANY, OTHER)
row("clip", lambda xp, x: xp.clip(x, -1, 1), ANY)
row("clip by arrays", lambda xp, x, y: xp.clip(x, y, y + 1), ANY, OTHER)
row("round", lambda xp, x: xp.round(x, 1), ANY)
row("broadcasting", lambda xp, x, y: x[:, None] * y - xp.exp(x), ANY, OTHER, second=True)
row("x ** 3", lambda xp, x: x**3, ANY, second=True)
row("x ** 2.5", lambda xp, x: x**2.5, POSITIVE, second=True)
row("2 ** x", lambda xp, x: 2.0**x, ANY, second=True)
row("integers mixed with floats", lambda xp, x: x * xp.arange(3) / 2 + xp.ones(3, int), ANY)

# Elementwise, at corner points

EDGES = np.array([0.0, -0.0, 1.0])
rows("sign square sinh tanh arctan sin expm1 sinc log1p", EDGES, second=True, at=" at 0")
rows("floor ceil trunc rint", np.array([0.0, 0.5, 2.0]), at=" at jumps")
rows("exp expm1 tanh arctan arcsinh exp2", np.array([-800.0, 800.0, 0.0]), at=" far out")
rows("nan_to_num", np.array([nan, inf, -inf]), at=" of what is no number")
rows("maximum minimum", ANY, ANY, second=True, at=" of equal operands")
rows("arctan2", np.array([0.0, 0.0, 2.0]), np.array([1.5, -1.5, 0.0]), second=True, at=" on axes")
rows("hypot", np.array([0.0, -2.0, 0.0]), np.array([3.0, 0.0, -1.0]), at=" on axes")
rows("logaddexp logaddexp2", np.array([-inf, 3.0, 900.0]), np.array([1.0, 3.0, -900.0]),
     at=" at infinity")  # fmt: skip
rows("divide", np.array([0.0, 1.0, -1.0]), np.array([2.0, inf, -inf]), at=" by infinity")
rows("divide", np.array([0.0, 1.0, -1.0]), np.array([0.0, 0.0, -0.0]), at=" by 0")
rows("reciprocal log sqrt cbrt log2", np.array([0.0, 1.0, 4.0]), at=" at 0")
rows("log1p", np.array([-1.0, 0.0, 1e-20]), at=" at -1")
rows("arcsin arccos arctanh", np.array([-1.0, 1.0, 0.0]), at=" at the ends")
rows("power", np.array([0.0, 0.0, -2.0]), np.array([2.0, 3.0, 3.0]), at=" of 0 and negative bases")
for n in (0, 1, 2, 3, -1, -2, 0.5, 1.5):
    row(f"x ** {n} at corners", lambda xp, x, n=n: x**n, np.array([0.0, -1.5, 2.0]))
    row(f"power(x, {n}.) at corners", lambda xp, x, n=n: xp.power(x, xp.full(3, float(n))),
        np.array([0.0 if n else 1.0, -1.5, 2.0]), second=n in (2, 3))  # fmt: skip
row("0 ** x", lambda xp, x: xp.power(xp.zeros(3), x), np.array([0.5, 2.0, 0.0]))
row("clip at bounds", lambda xp, x: xp.clip(x, -1.0, 1.0), np.array([-1.0, 1.0, 2.0]))
row("clip of crossed bounds", lambda xp, x, y, z: xp.clip(x, y, z), ANY, ANY + 1, ANY - 1)
row("round at halves", lambda xp, x: xp.round(x), np.array([0.5, 1.5, 2.5]))
rows("heaviside", np.array([0.0, -1.0, 1.0]), OTHER, at=" at 0")
rows(
    "remainder fmod floor_divide",
    np.array([6.0, -6.0, 5.0]),
    np.array([2.0, 3.0, -2.5]),
    at=" at multiples",
)
row("where over an unsafe branch", lambda xp, x: xp.where(x > 0, xp.sqrt(xp.where(x > 0, x, 1)), 0),
    np.array([-1.0, 0.0, 4.0]), second=True)  # fmt: skip
row("where of shared operands", lambda xp, x, y: xp.where(x > y, x * y, xp.sin(y)), ANY, OTHER,
    second=True)  # fmt: skip
row("xlogy by where", lambda xp, x, y: xp.where(x == 0, 0, x * xp.log(xp.where(x == 0, 1, y))),
    np.array([0.0, 0.5, 1.0]), np.array([0.0, 2.0, 3.0]))  # fmt: skip

# Complex

rows("exp sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arctanh sqrt log log2 "
     "log10 log1p expm1 square reciprocal absolute conjugate real imag angle negative",
     COMPLEX, at=" of complex")  # fmt: skip
rows("add subtract multiply divide power", COMPLEX, COMPLEX2, second=True, at=" of complex")
rows("add multiply divide power", COMPLEX, POSITIVE, at=" of complex and real")
rows("prod var std cumprod linalg.norm", COMPLEX, second=True, at=" of complex")
rows("absolute real imag conjugate", np.array([0j, 1 + 0j, 1j]), at=" of complex corners")
row("complex x ** 2", lambda xp, z: z**2, COMPLEX, second=True)
row("|z|^2", lambda xp, z: xp.abs(z) ** 2, COMPLEX, second=True)
row("z conj(z)", lambda xp, z: (z * xp.conj(z)).real, COMPLEX, second=True)
row("real to complex", lambda xp, x: xp.exp(1j * x), ANY, second=True)
row("sort of complex", lambda xp, z: xp.sort(z), COMPLEX)

# Reductions

MATRIX = np.array([[1.2, -0.7, 0.4], [0.3, 2.1, -1.5]])
TIES = np.array([[2.0, 1.0, 2.0], [0.5, 0.5, 0.5]])
ZEROS = np.array([[0.0, 3.0, 2.0], [0.0, 5.0, 0.0]])
rows("prod var std max min median ptp nanvar nanmax cumsum cumprod", MATRIX, second=True)
for _name in ("prod", "std", "max", "median", "cumsum"):
    row(f"{_name} along an axis", lambda xp, x, n=_name: getattr(xp, n)(x, axis=1), MATRIX)
row("var ddof", lambda xp, x: xp.var(x, axis=1, ddof=1), MATRIX, second=True)
row("std ddof", lambda xp, x: xp.std(x, axis=0, ddof=1), MATRIX, second=True)
row("sum where", lambda xp, x: xp.sum(x, where=np.array([True, False, True])), MATRIX)
row("max where", lambda xp, x: xp.max(x, where=np.array([True, False, True]), initial=0.5), MATRIX)
row("mean where", lambda xp, x: xp.mean(x, axis=1, where=np.array([True, False, True])), MATRIX)
row("quantile", lambda xp, x: xp.quantile(x, xp.array([0.1, 0.5, 0.8]), axis=1), MATRIX)
row("quantile in q", lambda xp, x, q: xp.quantile(x, q), ANY, np.array(0.3))
for method in ("nearest", "midpoint"):
    row(f"percentile {method}", lambda xp, x, m=method: xp.percentile(x, 40, method=m), MATRIX)
row("nanquantile", lambda xp, x: xp.nanquantile(x, 0.4, axis=1),
    np.array([[1.0, nan, 3.0], [4.0, 2.0, nan]]))  # fmt: skip
rows("nansum nanmean nanvar nanstd nanmax nanmin nanprod nanmedian nancumsum nancumprod",
     np.array([1.0, nan, 3.0, 0.5]), at=" with nan")  # fmt: skip
rows("max min median ptp sort", TIES, at=" of ties")
row("max of ties along an axis", lambda xp, x: xp.max(x, axis=1), TIES, second=True)
rows("prod cumprod nanprod", ZEROS, second=True, at=" with zeros")
row("prod along an axis with zeros", lambda xp, x: xp.prod(x, axis=1), ZEROS, second=True)
row("cumprod along an axis with zeros", lambda xp, x: xp.cumprod(x, axis=1), ZEROS, second=True)
row("var of equal elements", lambda xp, x: xp.var(x), np.ones(3), second=True)
row("average", lambda xp, x, w: xp.average(x, weights=w), ANY, POSITIVE, second=True)
row("cov", lambda xp, x: xp.cov(x), MATRIX, second=True)
row("corrcoef", lambda xp, x: xp.corrcoef(x), MATRIX, second=True)
row("diff", lambda xp, x: xp.diff(x, n=2), MATRIX)
row("gradient", lambda xp, x: xp.gradient(x, 0.5, axis=1), MATRIX)
row("trapezoid", lambda xp, y, x: xp.trapezoid(y, x), ANY, POSITIVE)
row("interp", lambda xp, x, p, f: xp.interp(x, p, f), np.array([0.2, 1.3, 2.6, 9.0]),
    np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, -1.0, 0.5, 2.0]))  # fmt: skip
row("interp at knots", lambda xp, x, f: xp.interp(x, np.arange(4.0), f),
    np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, -1.0, 0.5, 2.0]))  # fmt: skip
row("unwrap", lambda xp, x: xp.unwrap(x), np.array([0.0, 3.0, 6.5, -1.0]))
row("convolve", lambda xp, x, y: xp.convolve(x, y), ANY, OTHER, second=True)
row("correlate", lambda xp, x, y: xp.correlate(x, y, "same"), ANY, OTHER)
row("polyval", lambda xp, p, x: xp.polyval(p, x), ANY, OTHER, second=True)
row(
    "histogram weights",
    lambda xp, w: xp.histogram(ANY, np.array([-2.0, 0, 3]), weights=w)[0],
    OTHER,
)

# Sorting and rearranging

rows("sort argsort", ANY)
row("stable sort", lambda xp, x: xp.sort(x) * xp.arange(4), np.array([2.0, 1.0, 2.0, 1.0]))
row("partition", lambda xp, x: xp.sort(xp.partition(x, 1)[:2]), np.array([2.0, 1.0, 3.0, 0.0]))
row("take_along_axis", lambda xp, x: xp.take_along_axis(x, np.array([[0, 2], [1, 1]]), 1), MATRIX)
row("gather", lambda xp, x: x[np.array([0, 1, 1]), np.array([2, 2, 0])], MATRIX, second=True)
for _name in ("set", "add", "max", "min"):
    row(f"scatter {_name}",
        lambda xp, x, v, n=_name: getattr(xp.at(x)[np.array([0, 1, 1, 2])], n)(v) * xp.arange(4.0),
        np.array([1.0, 2, 3, 0.5]), np.array([1.0, 5, 5, 3]), second=_name == "set")  # fmt: skip
row("slices", lambda xp, x: x[::-1, 1:] * x[0, :2], MATRIX, second=True)
row("rearranging", lambda xp, x: xp.concatenate([xp.roll(x, 1, 1), xp.flip(x), xp.tile(x, (1, 1))]),
    MATRIX)  # fmt: skip
row("repeat", lambda xp, x: xp.repeat(x, 2, axis=1), MATRIX)
row("stack and swap", lambda xp, x: xp.swapaxes(xp.stack([x, 2 * x]), 0, 2), MATRIX)
for mode in ("edge", "reflect", "wrap", "maximum", "linear_ramp"):
    row(f"pad {mode}", lambda xp, x, m=mode: xp.pad(x, ((1, 0), (1, 2)), mode=m), MATRIX)
row("tril and diag", lambda xp, x: xp.tril(x[:, :2]) + xp.diag(x[0, :2]) + xp.trace(x), MATRIX)
row("kron", lambda xp, x, y: xp.kron(x, y), MATRIX, ANY, second=True)
row("cross", lambda xp, x, y: xp.cross(x, y), ANY, OTHER, second=True)
row("select", lambda xp, x: xp.select([x > 1, x > 0], [x**2, xp.sin(x)], x), ANY)
row("piecewise", lambda xp, x: xp.piecewise(x, [x < 0, x > 1], [xp.cos, xp.exp, 0.0]), ANY)

# Contractions

SQUARE = np.array([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.7, 0.2, 1.1]])
STACK = np.stack([SQUARE, SQUARE.T + 0.5 * np.eye(3)])
rows("matmul dot inner outer", SQUARE, MATRIX.T @ MATRIX, second=True)
rows("vdot tensordot", SQUARE, SQUARE.T)
row("matmul of stacks", lambda xp, x, y: x @ y, STACK, SQUARE)
row("einsum", lambda xp, x, y: xp.einsum("bij,kj,k->bi", x, y, y[0]), STACK, SQUARE, second=True)
row("einsum of a diagonal", lambda xp, x: xp.einsum("ii->i", x) + xp.einsum("ii", x), SQUARE)
row("einsum of complex", lambda xp, x, y: xp.einsum("i,j->ij", x, xp.conj(y)), COMPLEX, COMPLEX2,
    second=True)  # fmt: skip
row("vecdot of complex", lambda xp, x, y: xp.vecdot(x, y), COMPLEX, COMPLEX2, second=True)

# Linear algebra

SPD = SQUARE @ SQUARE.T + np.eye(3)
HERMITIAN = SPD + 1j * np.array([[0, 0.3, -0.1], [-0.3, 0, 0.2], [0.1, -0.2, 0]])
TALL = np.array([[1.0, 0.5], [-0.3, 2.0], [0.8, -1.1]])
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
rows("linalg.inv linalg.det linalg.slogdet linalg.pinv linalg.svdvals", SQUARE, second=True)
rows("linalg.inv linalg.det", STACK, at=" of stacks")
rows(
    "linalg.inv linalg.det linalg.slogdet", SQUARE + 0.3j * SQUARE.T, second=True, at=" of complex"
)
rows("linalg.det", SINGULAR, at=" of a singular matrix")
rows("linalg.solve", SQUARE, MATRIX.T, second=True)
row("solve of a vector", lambda xp, a, b: xp.linalg.solve(a, b), SQUARE, ANY, second=True)
row("solve broadcasting", lambda xp, a, b: xp.linalg.solve(a, b), STACK, MATRIX.T)
row("solve of complex", lambda xp, a, b: xp.linalg.solve(a, b), SQUARE + 0.3j, COMPLEX, second=True)


def hermitian_part(xp: Any, x: Any) -> Any:
    """What JAX makes of a matrix before it reads one triangle."""
    return (x + xp.conj(x.T)) / 2


for _at, _matrix in (("", SPD), (" of Hermitian", HERMITIAN)):
    for _name in ("cholesky", "eigvalsh"):
        row(f"linalg.{_name}{_at}",
            lambda xp, x, name=_name: getattr(xp.linalg, name)(hermitian_part(xp, x)),
            _matrix, second=True)  # fmt: skip
row(
    "eigh",
    lambda xp, x: [p**k for k, p in enumerate(xp.linalg.eigh(hermitian_part(xp, x)), 1)],
    SPD,
    second=True,
)
row(
    "eigh of Hermitian",
    lambda xp, x: xp.abs(xp.linalg.eigh(hermitian_part(xp, x))[1]),
    HERMITIAN,
    second=True,
)
row(
    "exp of tied eigenvalues",
    lambda xp, x: xp.sum(xp.exp(xp.linalg.eigvalsh(hermitian_part(xp, x)))),
    np.diag([2.0, 2, 2]),
)
row("qr", lambda xp, x: list(xp.linalg.qr(x)), TALL, second=True)
row("qr of a square matrix", lambda xp, x: xp.linalg.qr(x)[1], SQUARE)
row("svd", lambda xp, x: [p**2 for p in xp.linalg.svd(x, full_matrices=False)], TALL, second=True)
row("svd of complex", lambda xp, x: xp.linalg.svd(x, full_matrices=False)[1], TALL + 0.2j * TALL**2)
row("eig", lambda xp, x: xp.sum(xp.linalg.eigvals(x) ** 3).real, SQUARE)
row("pinv of a tall matrix", lambda xp, x: xp.linalg.pinv(x), TALL, second=True)
row("lstsq", lambda xp, a, b: xp.linalg.lstsq(a, b)[0], TALL, ANY)
for n in (-2, 0, 1, 3):
    row(f"matrix_power {n}", lambda xp, x, n=n: xp.linalg.matrix_power(x, n), SQUARE)
row("multi_dot", lambda xp, x, y: xp.linalg.multi_dot([x, y, x[0]]), SQUARE, SPD)
row("cond", lambda xp, x: xp.linalg.cond(x), SQUARE)
for order in ("fro", "nuc", 1, -2, inf):
    row(f"matrix norm {order}", lambda xp, x, p=order: xp.linalg.norm(x, p), SQUARE)
for order in (None, 0, 1, 2.5, -1, inf):
    row(f"vector norm {order}", lambda xp, x, p=order: xp.linalg.norm(x, p), ANY)
row("tensorsolve", lambda xp, a, b: xp.linalg.tensorsolve(a, b), SQUARE, ANY)

# Fourier transforms

rows("fft.fft fft.ifft fft.fftn fft.fft2 fft.hfft fft.irfft", COMPLEX + 0 * np.ones((2, 1)))
rows("fft.rfft fft.ihfft fft.rfftn fft.fftshift", MATRIX)
row("fft with n and norm", lambda xp, x: xp.fft.fft(x, 5, norm="ortho"), COMPLEX)
row("irfft with n", lambda xp, x: xp.fft.irfft(x, 5, norm="forward"), COMPLEX)
row("power spectrum", lambda xp, x: xp.abs(xp.fft.rfft(x)) ** 2, ANY, second=True)

# Single precision

SINGLE, SINGLE_TOO = ANY.astype(np.float32), POSITIVE.astype(np.float32)
row(
    "elementwise in single precision",
    lambda xp, x, y: [
        xp.exp(x) * y / 3, y**x + 2, xp.hypot(x, y), xp.logaddexp(x, 1.5), xp.maximum(x, 0),
        xp.sinc(x), xp.arctan2(y, x),
    ],
    SINGLE, SINGLE_TOO,
)  # fmt: skip
row(
    "reductions in single precision",
    lambda xp, x: [
        xp.mean(x), xp.std(x), xp.prod(x), xp.median(x), xp.cumsum(x), xp.sort(x),
        xp.linalg.norm(x), xp.quantile(x, 0.3),
    ],
    SINGLE,
)  # fmt: skip
row(
    "products in single precision",
    lambda xp, a, x: [a @ x, xp.linalg.solve(a, x), xp.linalg.det(a), xp.linalg.svdvals(a)],
    SQUARE.astype(np.float32), SINGLE,
)  # fmt: skip
row("single and double precision", lambda xp, x, y: x * y + x, SINGLE, ANY)
row("single precision, complex", lambda xp, x, z: [xp.fft.fft(x), xp.abs(z) * x, xp.linalg.norm(z)],
    SINGLE, COMPLEX.astype(np.complex64))  # fmt: skip

# Where JAX takes another of the possible derivatives, or has none


def convention(name: str, fun: Callable[..., Any], operand: Any, ours: Any, theirs: Any) -> None:
    CONVENTIONS.append(Convention(name, fun, np.asarray(operand), ours, theirs))


_HALF_PLANE = np.array([-0.3 + 1.1j])
_SLOPE = 1 / np.sqrt(_HALF_PLANE - 1) / np.sqrt(_HALF_PLANE + 1)
convention("abs at 0", lambda xp, x: xp.abs(x), EDGES, [0, 0, 1], [1, 1, 1])
convention("fabs at 0", lambda xp, x: xp.fabs(x), EDGES, [0, 0, 1], [1, 1, 1])
convention("copysign of 0", lambda xp, x: xp.copysign(x, -1.0), EDGES, [0, 0, -1], [-1, -1, -1])
convention("fmax of equal", lambda xp, x: xp.fmax(x, 1.0), EDGES, [0, 0, 0.5], [0, 0, 0])
convention("fmin of equal", lambda xp, x: xp.fmin(x, 1.0), EDGES, [1, 1, 0.5], [1, 1, 0])
convention("hypot at 0", lambda xp, x: xp.hypot(x, 0.0), EDGES, [0, 0, 1], [0.5, 0.5, 1])
convention("x ** 0 at 0", lambda xp, x: xp.power(x, xp.zeros(3)), EDGES, [0, 0, 0], [nan, nan, 0])
convention("length 0", lambda xp, x: xp.linalg.norm(x), np.zeros(2), [0, 0], [nan, nan])
convention(
    "length 0 of order 3", lambda xp, x: xp.linalg.norm(x, 3), np.zeros(2), [0, 0], [nan, nan]
)
convention("sum of |x| at 0", lambda xp, x: xp.linalg.norm(x, 1), EDGES, [0, 0, 1], [1, 1, 1])
convention(
    "nuclear norm of 0", lambda xp, x: xp.linalg.norm(x, "nuc"), np.zeros((2, 2)), 0, np.eye(2)
)
convention("std of equal", lambda xp, x: xp.std(x), np.ones(2), [0, 0], [nan, nan])
convention("nanstd of one", lambda xp, x: xp.nanstd(x), np.array([nan, 1]), [0, 0], [0, nan])
convention("running maxima of ties", lambda xp, x: xp.maximum.accumulate(x),
           np.ones(3), [11 / 6, 5 / 6, 1 / 3], [1.75, 0.75, 0.5])  # fmt: skip
convention("a window of ties", lambda xp, x: xp.max_pool(x, (2,)),
           np.array([1.0, 1, 2, 0]), [0.5, 0.5, 1, 0], [1, 0, 1, 0])  # fmt: skip
convention("a branch not taken", lambda xp, x: xp.where(x > 0, xp.log(x), 0.0),
           np.array([0.0, -1.0, 2.0]), [0, 0, 0.5], [nan, 0, 0.5])  # fmt: skip
convention("logaddexp of the same infinity", lambda xp, x: xp.logaddexp(x, -inf),
           np.array([-inf, 0]), [0.5, 1], [nan, 1])  # fmt: skip
convention("sign of complex", lambda xp, z: xp.sign(z).real, np.array([1 + 1j]),
           [(1 + 1j) / np.sqrt(8)], [0])  # fmt: skip
convention("arccosh left of the imaginary axis", lambda xp, z: xp.arccosh(z).real, _HALF_PLANE,
           _SLOPE, -_SLOPE)  # fmt: skip
convention("relative entropy at 0", lambda xp, x: xp.special.rel_entr(x, 1.0), EDGES,
           [-inf, -inf, 1], [0, 0, 1])  # fmt: skip
