"""Arrays made by NumPy's own functions with `like=x`: traced ones, where x is traced.

`np.array([s, t], like=t)` is `functrace.numpy.array([s, t])`, for code that imports NumPy alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import creation
from ._register import implements
from .shaping import atleast_1d

NAMES = (
    "array", "asarray", "asanyarray", "full", "zeros", "ones", "empty", "arange", "eye", "identity",
    "ascontiguousarray", "asfortranarray", "require", "tri",
)  # fmt: skip

for _name in NAMES[:10]:
    implements(getattr(np, _name))(getattr(creation, _name))


# How a traced array will lie in memory is not decided yet.


@implements(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    if creation.has_tracer(a):
        return atleast_1d(creation.asarray(a, dtype))
    return np.ascontiguousarray(a, dtype)


@implements(np.asfortranarray)
def asfortranarray(a: Any, dtype: Any = None) -> Any:
    if creation.has_tracer(a):
        return atleast_1d(creation.asarray(a, dtype))
    return np.asfortranarray(a, dtype)


@implements(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None) -> Any:
    if creation.has_tracer(a):
        return creation.asarray(a, dtype)
    return np.require(a, dtype, requirements)


@implements(np.tri)
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = float) -> Any:
    return creation.fillable(np.tri(N, M, k, dtype))
