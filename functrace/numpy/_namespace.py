"""The names of `functrace.numpy` that are not NumPy's own, and everything that answers for NumPy.

Importing this module loads all of the front ends.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np

from . import (
    assignment,
    creation,
    histograms,
    indexing,
    installed,
    like,
    listed,
    selection,
    sets,
    standard,
    standard_fft,
)
from .listed import of_arrays
from .shorthand import c_, r_
from .vectorized import vectorize

# By their full names: `from . import linalg` would give NumPy's module of that name.
for _name in (
    "bits", "contractions", "differences", "elementwise", "elements", "fft", "joining", "linalg",
    "matrices", "memory_layout", "nan_reductions", "norms", "padding", "polynomials", "reductions",
    "shaping", "sorting", "statistics", "ufunc_methods", "unsupported",
):  # fmt: skip
    import_module(f"{__package__}.{_name}")

# By name; NumPy's own modules and functions are found where they are.
NAMES: dict[str, Any] = {
    **{
        name: listed.creating(getattr(np, name))
        for name, ours in installed.CONSTRUCTORS.items()
        if ours is None
    },
    "linalg": np.linalg,
    "fft": standard_fft,
    "at": assignment.at,
    "arange": creation.arange,
    "array": creation.array,
    "asanyarray": creation.asanyarray,
    "asarray": creation.asarray,
    "empty": creation.empty,
    "eye": creation.eye,
    "full": creation.full,
    "identity": creation.identity,
    "kaiser": creation.kaiser,
    "ones": creation.ones,
    "zeros": creation.zeros,
    "take": of_arrays(indexing.take_any),
    "ascontiguousarray": like.ascontiguousarray,
    "asfortranarray": like.asfortranarray,
    "require": like.require,
    "tri": like.tri,
    "argwhere": of_arrays(selection.argwhere),
    "flatnonzero": of_arrays(selection.flatnonzero),
    "nonzero": of_arrays(selection.nonzero),
    "unique": of_arrays(sets.unique),
    "bincount": of_arrays(histograms.bincount),
    "c_": c_,
    "r_": r_,
    "__array_api_version__": standard.VERSION,
    "argsort": of_arrays(standard.argsort),
    "clip": of_arrays(standard.clip),
    "diff": of_arrays(standard.diff),
    "from_dlpack": standard.from_dlpack,
    "__array_namespace_info__": standard.namespace_info,
    "sort": of_arrays(standard.sort),
    "take_along_axis": of_arrays(standard.take_along_axis),
    "vectorize": vectorize,
    "install": installed.install,
    "uninstall": installed.uninstall,
    "_listed": listed.listed,
    **standard.LATER,
}

# The package has its modules as attributes, `linalg` among them: these names come first.
vars(sys.modules[__package__ or "functrace.numpy"]).update(NAMES)
