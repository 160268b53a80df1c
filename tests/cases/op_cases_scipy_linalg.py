"""Cases of `functrace.scipy.linalg`, each to be compared with SciPy's own function as well."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import functrace.scipy.linalg
from functrace.ops import matrix_functions
from functrace.ops.matrix_schur import schur_turn

from .op_cases import case, complex_, real, unit
from .op_cases_linalg import (
    complex_regular,
    hermitian,
    magnitudes,
    positive_definite,
    regular,
    turning,
)


class Pair(NamedTuple):
    """A function of a module, ours or SciPy's, and operands for it."""

    name: str
    function: Callable[..., Any]
    operands: tuple[Any, ...]


PAIRS: list[Pair] = []


def both(name: str, function: Callable[..., Any], *operands: Any, **options: bool) -> None:
    """A case of ours, which SciPy computes as well."""
    PAIRS.append(Pair(name, function, operands))
    case(f"scipy.linalg {name}", partial(function, functrace.scipy.linalg), *operands, **options)


def with_diagonal(x: Any) -> Any:
    """Triangles of it are far from singular."""
    return x * 0.5 + 2 * np.eye(x.shape[-1])


# Systems

for _trans in (0, "T"):
    both(f"solve_triangular {_trans}",
         lambda s, a, b, t=_trans: s.solve_triangular(with_diagonal(a), b, t),
         real(3, 3), real(3, 2))  # fmt: skip
both("solve_triangular of a vector",
     lambda s, a, b: s.solve_triangular(a, b, lower=True, unit_diagonal=True),
     unit(2, 2), real(2))  # fmt: skip
both("solve_triangular of complex", lambda s, a, b: s.solve_triangular(with_diagonal(a), b, "C"),
     complex_(2, 2), real(2, 1))  # fmt: skip
case("solve_triangular of stacks",
     lambda a, b: functrace.scipy.linalg.solve_triangular(with_diagonal(a), b, lower=True),
     real(2, 2, 2), real(2, 1))  # fmt: skip
both("solve", lambda s, a, b: s.solve(a, b), regular(2, 2), real(2))
both("solve transposed", lambda s, a, b: s.solve(a, b, transposed=True), regular(2, 2), real(2, 1))
for _kind in ("sym", "pos"):
    both(f"solve {_kind}", lambda s, a, b, k=_kind: s.solve(positive_definite(a), b, assume_a=k),
         real(2, 2), real(2))  # fmt: skip
both("solve her", lambda s, a, b: s.solve(hermitian(a), b, lower=True, assume_a="her"),
     complex_regular(2, 2), complex_(2))  # fmt: skip
both("solve upper triangular",
     lambda s, a, b: s.solve(np.triu(with_diagonal(a)), b, assume_a="upper triangular"),
     real(2, 2), real(2))  # fmt: skip
both("solve diagonal", lambda s, a, b: s.solve(np.diag(a), b, assume_a="diagonal"),
     real(2), real(2))  # fmt: skip
both("inv", lambda s, a: s.inv(a), regular(2, 2))
both("inv pos", lambda s, a: s.inv(positive_definite(a), assume_a="pos"), real(2, 2))
both("det", lambda s, a: s.det(a), regular(2, 2))

# Bands


def banded(x: Any) -> Any:
    """Diagonals of matrices that are far from singular."""
    return x * 0.2 + np.eye(x.shape[-2])[1][:, None]


both("solve_banded", lambda s, ab, b: s.solve_banded((1, 1), banded(ab), b), unit(3, 4), real(4))
both("solve_banded below", lambda s, ab, b: s.solve_banded((2, 1), banded(ab), b),
     unit(4, 4), real(4, 2))  # fmt: skip
both("solve_banded of complex", lambda s, ab, b: s.solve_banded((0, 2), banded(ab[::-1])[::-1], b),
     complex_(3, 4), real(4))  # fmt: skip
case("solve_banded of stacks",
     lambda ab, b: functrace.scipy.linalg.solve_banded((1, 1), banded(ab), b),
     unit(2, 3, 3), real(3, 1))  # fmt: skip
for _lower in (False, True):
    _flipped = slice(None, None, 1 if _lower else -1)
    both(f"solveh_banded {_lower}",
         lambda s, ab, b, w=_lower, f=_flipped: s.solveh_banded(
             (ab * 0.2 + np.array([[2.0], [0], [0]]))[f], b, lower=w),
         unit(3, 4), real(4))  # fmt: skip
    both(f"solveh_banded of complex {_lower}",
         lambda s, ab, b, w=_lower, f=_flipped: s.solveh_banded(
             (ab * 0.2 + np.array([[2.0], [0]]))[f], b, lower=w),
         complex_(2, 3), complex_(3, 2))  # fmt: skip

# Factors

both("schur", lambda s, a: s.schur(hermitian(a) + np.triu(a)), regular(3, 3))
both("schur complex",
     lambda s, a: [np.abs(p) ** 2 for p in s.schur(turning(a), output="complex")],
     real(3, 3))  # fmt: skip
case("schur of stacks of complex",
     lambda a: [np.abs(p) ** 2 for p in functrace.scipy.linalg.schur(np.triu(a) + 0.1 * a)],
     complex_regular(2, 3, 3))  # fmt: skip
case("schur_turn",
     lambda t, e: schur_turn(np.triu(t).astype(np.float64), e.astype(np.float64)),
     unit(3, 3) + np.diag([0.0, 3, 6]), real(3, 3))  # fmt: skip
for _lower in (False, True):
    both(f"cholesky {_lower}", lambda s, a, w=_lower: s.cholesky(positive_definite(a), w),
         real(3, 3))  # fmt: skip
    _kept = np.tril if _lower else np.triu  # what the other triangle holds is left open
    both(f"cho_factor {_lower}",
         lambda s, a, w=_lower, t=_kept: t(s.cho_factor(positive_definite(a), w)[0]),
         complex_(2, 2))  # fmt: skip
    both(f"cho_solve {_lower}",
         lambda s, a, b, w=_lower: s.cho_solve(s.cho_factor(positive_definite(a), w), b),
         complex_(2, 2), complex_(2))  # fmt: skip
for _trans in (0, 1, 2):
    both(f"lu_solve {_trans}", lambda s, a, b, t=_trans: s.lu_solve(s.lu_factor(turning(a)), b, t),
         complex_(3, 3), real(3, 1))  # fmt: skip
both("lu_factor", lambda s, a: s.lu_factor(a)[0], real(3, 3))
both("lu", lambda s, a: s.lu(a), real(3, 3))
both("lu tall", lambda s, a: s.lu(a, permute_l=True), real(3, 2))
both("lu wide", lambda s, a: s.lu(a, p_indices=True), real(2, 3))
case("lu of stacks", lambda a: functrace.scipy.linalg.lu(a), regular(2, 2, 2))
case("lu_solve of stacks",
     lambda a, b: functrace.scipy.linalg.lu_solve(functrace.scipy.linalg.lu_factor(a), b),
     regular(2, 2, 2), real(2, 1))  # fmt: skip
both("qr", lambda s, a: s.qr(a, mode="economic"), real(3, 2))
both("qr r", lambda s, a: list(s.qr(a, mode="r")), real(3, 2))
both("qr pivoting", lambda s, a: s.qr(a, pivoting=True), regular(3, 3))
case("qr pivoting of stacks",
     lambda a: functrace.scipy.linalg.qr(a, pivoting=True)[1], regular(2, 2, 2))  # fmt: skip
both("svd", lambda s, a: s.svd(a, full_matrices=False), real(3, 2))
both("svdvals", lambda s, a: s.svdvals(a), complex_(2, 3))
both("polar", lambda s, a: s.polar(a), real(3, 2))
both("polar left", lambda s, a: s.polar(a, "left"), real(2, 3))
both("polar left of tall", lambda s, a: s.polar(a, "left"), real(3, 2))
both("polar of wide complex", lambda s, a: s.polar(a), complex_(2, 3))

# Eigenvalues

both("eigh", lambda s, a: magnitudes(s.eigh(hermitian(a))), regular(3, 3))
both("eigh of complex", lambda s, a: magnitudes(s.eigh(hermitian(a))), complex_regular(2, 2))
both("eigh generalized", lambda s, a, b: magnitudes(s.eigh(hermitian(a), positive_definite(b))),
     regular(3, 3), real(3, 3))  # fmt: skip
both("eigh generalized complex",
     lambda s, a, b: magnitudes(s.eigh(hermitian(a), positive_definite(b), lower=False)),
     regular(2, 2), complex_(2, 2))  # fmt: skip
both("eigvalsh", lambda s, a: s.eigvalsh(hermitian(a), subset_by_index=[1, 2]), regular(3, 3))
case("eigvalsh of stacks",
     lambda a, b: functrace.scipy.linalg.eigvalsh(hermitian(a), positive_definite(b)),
     regular(2, 2, 2), real(2, 2))  # fmt: skip
both("eig", lambda s, a: s.eig(turning(a)), real(3, 3))
both("eigvals", lambda s, a: s.eigvals(a), complex_regular(2, 2))

# Functions of matrices

both("expm", lambda s, a: s.expm(a), real(3, 3))
both("expm of complex", lambda s, a: s.expm(a), complex_(2, 2))
case("expm of stacks", lambda a: functrace.scipy.linalg.expm(a), real(2, 2, 2))
both("expm_frechet", lambda s, a, e: s.expm_frechet(a, e), real(2, 2), real(2, 2))
both("expm_frechet of complex", lambda s, a, e: s.expm_frechet(a, e, compute_expm=False),
     complex_(2, 2), real(2, 2))  # fmt: skip
both("sqrtm", lambda s, a: s.sqrtm(-positive_definite(a)), real(2, 2))
both("sqrtm of complex", lambda s, a: s.sqrtm(a), complex_regular(2, 2))
case("sqrtm of stacks", lambda a: functrace.scipy.linalg.sqrtm(a + 0j), regular(2, 2, 2))
both("logm of complex", lambda s, a: s.logm(a), complex_regular(2, 2))
case("logm_frechet", matrix_functions.logm_frechet, complex_regular(2, 2), complex_(2, 2))
for _function in ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"):
    both(_function, lambda s, a, f=_function: getattr(s, f)(a), unit(2, 2))
both("cosm of complex", lambda s, a: s.cosm(a), complex_(2, 2))
both("sinm of complex", lambda s, a: s.sinm(a), complex_(2, 2))
both("solve_sylvester", lambda s, a, b, q: s.solve_sylvester(a, b, q),
     regular(2, 2), regular(3, 3), real(2, 3))  # fmt: skip
both("solve_sylvester of complex", lambda s, a, b, q: s.solve_sylvester(a, b, q),
     complex_regular(2, 2), complex_regular(2, 2), complex_(2, 2))  # fmt: skip

# Matrices made of a few numbers

both("block_diag", lambda s, a, b, c: s.block_diag(a, b, c), real(2, 1), real(2), real())
case("block_diag of stacks", lambda a, b: functrace.scipy.linalg.block_diag(a, b),
     real(2, 1, 2), real(1, 1))  # fmt: skip
both("toeplitz", lambda s, c, r: s.toeplitz(c, r), real(3), real(2))
both("toeplitz of one", lambda s, c: s.toeplitz(c), complex_(3))
both("circulant", lambda s, c: s.circulant(c), real(3))
both("hankel", lambda s, c, r: s.hankel(c, r), real(3), real(2))
both("hankel of one", lambda s, c: s.hankel(c), real(3))
both("companion", lambda s, a: s.companion(a), np.array([1.5, -2.0, 0.5]))
both("leslie", lambda s, f, p: s.leslie(f, p), real(3), real(2))
both("fiedler", lambda s, a: s.fiedler(a), real(3))
for _mode in ("full", "same", "valid"):
    both(f"convolution_matrix {_mode}", lambda s, a, m=_mode: s.convolution_matrix(a, 2, m),
         real(3))  # fmt: skip
both("khatri_rao", lambda s, a, b: s.khatri_rao(a, b), real(2, 2), real(3, 2))
