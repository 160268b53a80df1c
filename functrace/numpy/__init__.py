"""NumPy's namespace, for traced arrays as well.

`np.sum(x)` of a traced array arrives in this package by NumPy's own dispatch, so that
`import numpy as np` is nearly all that user code needs. `functrace.numpy` has all of NumPy's names.
Each is NumPy's own function, but for those that its dispatch does not cover or that take more:

| name                                             | what is added                                 |
|--------------------------------------------------|-----------------------------------------------|
| `array`, `asarray`, `full`, `r_`, `c_`, `kaiser` | traced values, also in nested lists           |
| `zeros`, `ones`, `empty`, `arange`, `eye`, `tri` | arrays that a traced function may assign to   |
| `vectorize`                                      | traced elements                               |
| `polynomial`                                     | traced coefficients and points                |
| `take`                                           | traced positions in a plain array             |
| `nonzero`, `flatnonzero`, `argwhere`, `unique`   | `size=`, for a result of fixed size under jit |
| `bincount`                                       | `length=`, for the same                       |
| `sort`, `clip`, `fft.fftfreq` and others         | options of the array API standard             |

Example:
    >>> import numpy as np, functrace as ft
    >>> import functrace.numpy as fnp
    >>> ft.grad(lambda t: fnp.linalg.det(fnp.array([[t, 1], [2, t]])))(3.0)
    np.float64(6.0)
    >>> ft.jit(lambda x: fnp.nonzero(x > 0, size=2))(np.array([0.5, -1.0, 2.0]))
    (array([0, 2]),)
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

import numpy as _numpy

if TYPE_CHECKING:
    from numpy import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]

    from . import polynomial as polynomial
    from . import standard_fft as fft  # noqa: F401 -- of the same functions
    from .assignment import at as at
    from .creation import arange as arange
    from .creation import array as array  # pyright: ignore[reportGeneralTypeIssues]
    from .creation import asanyarray as asanyarray
    from .creation import asarray as asarray
    from .creation import empty as empty  # pyright: ignore[reportGeneralTypeIssues]
    from .creation import eye as eye
    from .creation import full as full
    from .creation import identity as identity
    from .creation import kaiser as kaiser
    from .creation import ones as ones  # pyright: ignore[reportGeneralTypeIssues]
    from .creation import zeros as zeros  # pyright: ignore[reportGeneralTypeIssues]
    from .histograms import bincount as bincount
    from .indexing import take_any as take  # noqa: F401
    from .installed import install as install
    from .installed import uninstall as uninstall
    from .like import ascontiguousarray as ascontiguousarray
    from .like import asfortranarray as asfortranarray
    from .like import require as require
    from .like import tri as tri
    from .selection import argwhere as argwhere
    from .selection import flatnonzero as flatnonzero
    from .selection import nonzero as nonzero
    from .sets import unique as unique
    from .shorthand import c_ as c_  # pyright: ignore[reportGeneralTypeIssues]
    from .shorthand import r_ as r_  # pyright: ignore[reportGeneralTypeIssues]
    from .standard import VERSION as __array_api_version__  # noqa: F401
    from .standard import argsort as argsort
    from .standard import clip as clip
    from .standard import diff as diff
    from .standard import from_dlpack as from_dlpack
    from .standard import namespace_info as __array_namespace_info__  # noqa: F401
    from .standard import sort as sort
    from .standard import take_along_axis as take_along_axis
    from .vectorized import vectorize as vectorize
else:  # on demand: front ends take as long to import as NumPy itself

    def _load() -> None:
        """Load all front ends; those names that are not NumPy's own become ours."""
        _import_module("._namespace", __name__)

    def __getattr__(name: str) -> Any:
        if "__array_api_version__" not in globals():
            _load()
            if name in globals():
                return globals()[name]
        if name == "polynomial":  # which few use
            return _import_module(f"{__name__}.{name}")
        if name not in _numpy.__all__ and name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(_numpy, name)
        if not callable(value):
            return value
        value = globals()[name] = globals()["_listed"](value)
        return value

    def __dir__() -> list[str]:
        _load()
        names = [name for name in dir(_numpy) if not name.startswith("__")]
        return sorted({*globals(), *names, *_numpy.__all__})
