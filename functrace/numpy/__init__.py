"""NumPy's functions for traced arrays, by NumPy's names.

`np.sum(x)` of a traced array arrives here by NumPy's own dispatch, so `import numpy as np` is all
that user code needs.
"""

from . import (
    contractions,
    creation,
    elementwise,
    fft,
    indexing,
    joining,
    linalg,
    matrices,
    norms,
    padding,
    reductions,
    selection,
    sets,
    shaping,
    sorting,
    ufunc_methods,
)

__all__ = [
    "contractions",
    "creation",
    "elementwise",
    "fft",
    "indexing",
    "joining",
    "linalg",
    "matrices",
    "norms",
    "padding",
    "reductions",
    "selection",
    "sets",
    "shaping",
    "sorting",
    "ufunc_methods",
]
