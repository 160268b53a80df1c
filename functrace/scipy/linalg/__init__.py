"""`scipy.linalg`, for traced arrays as well: systems, factors and functions of matrices.

Names, signatures, values and dtypes are SciPy's. This module has all of SciPy's names: those that
are not below are SciPy's own functions, which take plain arrays. Matrices are the last two axes;
over the others a function is repeated. `overwrite_a` and the like are accepted, and nothing is ever
overwritten.

Example:
    >>> import numpy as np, functrace as ft
    >>> from functrace.scipy.linalg import expm
    >>> ft.grad(lambda t: expm(t * np.array([[0.0, -1], [1, 0]]))[1, 0])(0.0)  # sin(t)
    np.float64(1.0)
"""

from typing import Any

import scipy.linalg as _plain

from .banded import solve_banded as solve_banded
from .banded import solveh_banded as solveh_banded
from .factors import eig as eig
from .factors import eigh as eigh
from .factors import eigvals as eigvals
from .factors import eigvalsh as eigvalsh
from .factors import polar as polar
from .factors import qr as qr
from .factors import schur as schur
from .factors import svd as svd
from .factors import svdvals as svdvals
from .functions import coshm as coshm
from .functions import cosm as cosm
from .functions import expm as expm
from .functions import expm_frechet as expm_frechet
from .functions import logm as logm
from .functions import sinhm as sinhm
from .functions import sinm as sinm
from .functions import solve_sylvester as solve_sylvester
from .functions import sqrtm as sqrtm
from .functions import tanhm as tanhm
from .functions import tanm as tanm
from .special_matrices import block_diag as block_diag
from .special_matrices import circulant as circulant
from .special_matrices import companion as companion
from .special_matrices import convolution_matrix as convolution_matrix
from .special_matrices import fiedler as fiedler
from .special_matrices import hankel as hankel
from .special_matrices import khatri_rao as khatri_rao
from .special_matrices import leslie as leslie
from .special_matrices import toeplitz as toeplitz
from .systems import cho_factor as cho_factor
from .systems import cho_solve as cho_solve
from .systems import cholesky as cholesky
from .systems import det as det
from .systems import inv as inv
from .systems import lu as lu
from .systems import lu_factor as lu_factor
from .systems import lu_solve as lu_solve
from .systems import solve as solve
from .systems import solve_triangular as solve_triangular


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_plain, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *[name for name in dir(_plain) if not name.startswith("__")]})
