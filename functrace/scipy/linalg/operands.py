"""What functions of matrices take: dtypes as LAPACK has them, and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import MatrixShapeError, OptionError, UnsupportedFunctionError
from ...numpy.creation import asarray
from ...ops import cast, linalg, shape
from ...ops.checks import require_finite

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def inexact(a: Any, check_finite: bool = False) -> Any:
    """An array of single or double precision, as SciPy takes one: integers become doubles."""
    x = asarray(a)
    if x.dtype.kind in "biu":
        return cast.astype(x, DOUBLE)
    x = cast.astype(x, SINGLE) if x.dtype.char == "e" else x
    linalg.check_precision(x.dtype)
    return require_finite(x) if check_finite else x


def lapack(a: Any, check_finite: bool) -> Any:
    """As `inexact`, but integers that single precision holds become singles."""
    x = asarray(a)
    if x.dtype.kind in "biu" and x.dtype.itemsize <= 2:
        return cast.astype(x, SINGLE)
    return inexact(x, check_finite)


def square(name: str, x: Any) -> Any:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise MatrixShapeError(f"linalg.{name} of shape {x.shape}: the matrix must be square")
    return x


def system(a: Any, b: Any) -> tuple[Any, Any, bool]:
    """Both sides of one dtype, the right one as columns, and whether it was a vector."""
    x, y = cast.promote_together(a, b)
    vector = y.ndim == 1
    return x, shape.expand_dims(y, (1,)) if vector else y, vector


def solution(x: Any, vector: bool) -> Any:
    return shape.reshape(x, x.shape[:-1]) if vector else x


def turned(a: Any, trans: Any) -> Any:
    """The matrix, its transpose or its adjoint, as LAPACK's `trans` says."""
    if trans in (0, "N"):
        return a
    if trans in (1, "T"):
        return linalg.matrix_transpose(a)
    if trans in (2, "C"):
        return linalg.adjoint(a)
    raise OptionError(f"trans is 0, 1, 2, 'N', 'T' or 'C', not {trans!r}")


def refuse(function: str, **options: Any) -> None:
    for name, value in options.items():
        if value is not None and value is not False:
            raise UnsupportedFunctionError(
                f"scipy.linalg.{function}(..., {name}={value!r}) is not supported",
                f"leave {name}= away",
            )
