"""QR, singular values, polar factors, eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import OptionError
from ...numpy._values import is_true
from ...ops import cast, linalg, matrix_functions, shape, spectra
from ...ops import elementwise as ops
from ...ops import matrix_pencil as pencil
from ...ops import matrix_triangular as triangular
from ...ops.matrix_schur import schur as triangularized
from ...ops.qr import qr as factored
from .operands import lapack, refuse, square

# QR, singular values, polar factors


def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full",
    pivoting: bool = False, check_finite: bool = True,
) -> tuple[Any, ...]:  # fmt: skip
    """As `scipy.linalg.qr`: (q, r), with `pivoting` (q, r, p) where a[:, p] = q @ r.

    Args:
        a: of shape (..., m, n).
        mode: "full", "economic", or "r" for r without q.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import qr
        >>> qr(np.array([[3.0], [4.0]]), mode="r")
        (array([[-5.],
               [ 0.]]),)
    """
    if mode not in ("full", "economic", "r"):
        raise OptionError(f"linalg.qr: the mode is 'full', 'economic' or 'r', not {mode!r}")
    x = lapack(a, check_finite)
    order = ()
    if pivoting:
        order = (triangular.column_order(x),)
        permuted = triangular.permute_rows(linalg.matrix_transpose(x), *order)
        x = linalg.matrix_transpose(permuted)
    q, r = factored(x, complete=mode != "economic")
    return (r, *order) if mode == "r" else (q, r, *order)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False,
    check_finite: bool = True, lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """As `scipy.linalg.svd`.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import svd
        >>> svd(np.diag([3.0, 2.0]), compute_uv=False)
        array([3., 2.])
    """
    x = lapack(a, check_finite)
    if not compute_uv:
        return spectra.svdvals(x, hermitian=False)
    return spectra.svd(x, full=bool(full_matrices), hermitian=False)


def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.svdvals`."""
    return svd(a, compute_uv=False, check_finite=check_finite)


def polar(a: Any, side: str = "right") -> tuple[Any, Any]:
    """As `scipy.linalg.polar`: u and p with a = u @ p, or a = p @ u for the left side.

    Raises:
        LinAlgError: from derivatives, when the matrix has not full rank.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import polar
        >>> polar(np.array([[0.0, -2], [1, 0]]))[1]
        array([[1., 0.],
               [0., 2.]])
    """
    if side not in ("right", "left"):
        raise OptionError(f"linalg.polar: the side is 'right' or 'left', not {side!r}")
    x = lapack(a, False)
    m, n = x.shape[-2:]
    if m >= n:  # p of the other side is u p u^H
        u, p = matrix_functions.polar(x)
        return u, p if side == "right" else linalg.product(u, p, linalg.adjoint(u))
    turned, p = matrix_functions.polar(linalg.adjoint(x))
    return linalg.adjoint(turned), (
        p if side == "left" else linalg.product(turned, p, linalg.adjoint(turned))
    )


# Eigenvalues


def schur(
    a: Any, output: str = "real", lwork: Any = None, overwrite_a: bool = False, sort: Any = None,
    check_finite: bool = True,
) -> tuple[Any, Any]:  # fmt: skip
    """As `scipy.linalg.schur`: the t and z with a = z @ t @ z.conj().T, t upper triangular.

    With output "real", t of a real matrix has blocks of two rows for pairs of complex eigenvalues.

    Raises:
        NonDifferentiableError: from derivatives, where there are such blocks, or eigenvalues are
            equal.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import schur
        >>> schur(np.array([[1.0, 2], [0, 3]]))[0]
        array([[1., 2.],
               [0., 3.]])
    """
    if output not in ("real", "complex", "r", "c"):
        raise OptionError(f"linalg.schur: the output is 'real' or 'complex', not {output!r}")
    refuse("schur", sort=sort)
    x = square("schur", lapack(a, check_finite))
    wide = np.result_type(x.dtype, np.complex64)
    return triangularized(x, dtype=wide if output[0] == "c" else x.dtype)


def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False,
    overwrite_a: bool = False, overwrite_b: bool = False, type: int = 1,
    check_finite: bool = True, subset_by_index: Any = None, subset_by_value: Any = None,
    driver: Any = None,
) -> Any:  # fmt: skip
    """As `scipy.linalg.eigh`: w and v with a @ v = v * w, or a @ v = b @ v * w.

    Args:
        a, b: Hermitian matrices of shape (..., n, n), b positive definite.
        subset_by_index: the first and the last of the eigenvalues that are wanted.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import eigh
        >>> eigh(np.diag([2.0, 6.0]), np.diag([1.0, 2.0]), eigvals_only=True)
        array([2., 3.])
    """
    refuse("eigh", subset_by_value=subset_by_value, type=None if b is None or type == 1 else type)
    x = square("eigh", lapack(a, check_finite))
    if b is None:
        w, v = pencil.eigh(x, lower=bool(lower))
    else:
        x, y = cast.promote_together(x, lapack(b, check_finite))
        lead = shape.broadcast_shapes("eigh", [x.shape[:-2], y.shape[:-2]])
        x, y = (shape.broadcast_to(z, lead + z.shape[-2:]) for z in (x, y))
        w, v = pencil.generalized_eigh(x, y, bool(lower))
    if subset_by_index is not None:
        first, last = subset_by_index
        w, v = w[..., first : last + 1], v[..., first : last + 1]
    return w if eigvals_only else (w, v)


def eigvalsh(a: Any, b: Any = None, **options: Any) -> Any:
    """As `scipy.linalg.eigvalsh`; the options are those of `eigh`."""
    return eigh(a, b, eigvals_only=True, **options)


def eig(
    a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """As `scipy.linalg.eig`: complex eigenvalues, and vectors that are real where all values are.

    Under jit and vmap the values are unknown while tracing, and the vectors are always complex.

    Example:
        >>> import numpy as np
        >>> from functrace.scipy.linalg import eig
        >>> eig(np.diag([2.0, 3.0]), right=False)
        array([2.+0.j, 3.+0.j])
    """
    refuse("eig", b=b, left=left, homogeneous_eigvals=homogeneous_eigvals)
    x = square("eig", lapack(a, check_finite))
    wide = np.result_type(x.dtype, np.complex64)
    if not right:
        return spectra.eigvals(x, dtype=wide)
    w, v = spectra.eig(x, dtype=wide)
    if x.dtype.kind == "f" and _are_real(w):
        w, v = spectra.eig(x, dtype=x.dtype)
    return cast.astype(w, wide), v


def _are_real(values: Any) -> bool:
    """Whether complex numbers are known to have no imaginary parts."""
    imaginary = ops.imag(ops.stop_gradient_op(values))
    return is_true(ops.equal(imaginary, 0).all(), otherwise=False)


def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """As `scipy.linalg.eigvals`."""
    return eig(a, b, False, False, check_finite=check_finite,
               homogeneous_eigvals=homogeneous_eigvals)  # fmt: skip
