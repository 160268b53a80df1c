"""What is kept of earlier calls, for users to look at and to clear."""

from __future__ import annotations

from ..executors.workspace import POOL
from ..memo import site, specialise, varying
from ..memo.structural import FINISHED, RETRACES, CacheInfo
from ..transforms import recalled


def cache_info() -> CacheInfo:
    """Hits, misses, size and limit of the cache of finished Programs.

    Example:
        >>> import functrace as ft
        >>> ft.cache_info().limit
        512
    """
    return FINISHED.info()


def explain_retrace() -> str:
    """Why the last Program that was rewritten and planned was not found in the cache.

    It compares the Program with the one before of the same function, under the same transform: an
    input of another type, another operation at a line, another constant.

    Example:
        >>> import numpy as np, functrace as ft
        >>> def f(x):
        ...     return np.sum(x**2)
        >>> gradients = [ft.grad(f)(np.ones(n)) for n in (3, 4)]
        >>> ft.explain_retrace()
        'grad of f was rewritten and planned anew: the input x has type f64[4], and had f64[3]'
    """
    return RETRACES.explain()


def clear_cache() -> None:
    """Forget all finished Programs, and the memory that is kept for running them.

    Example:
        >>> import functrace as ft
        >>> ft.clear_cache()
        >>> ft.cache_info().size
        0
    """
    FINISHED.clear()
    RETRACES.clear()
    POOL.clear()
    for forget in (recalled.forget, varying.forget, site.forget, specialise.forget):
        forget()
