"""SciPy's functions for traced arrays, by SciPy's names and signatures.

Needs SciPy, which comes with the extra `scipy`: `pip install functrace[scipy]`.

SciPy's ufuncs, such as `scipy.special.erf`, take traced arrays as they are. The functions here are
for what SciPy writes in Python, which would turn a traced array into a plain one.

Example:
    >>> import numpy as np, functrace as ft
    >>> from functrace.scipy import special
    >>> ft.grad(special.logsumexp)(np.array([0.0, 0.0]))
    array([0.5, 0.5])
"""

from importlib import import_module
from typing import Any

from ..errors import MissingExtraError

try:
    import scipy as _scipy  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "functrace.scipy needs SciPy, which is not installed",
        "install it with the extra: pip install functrace[scipy]",
    ) from error

from . import unsupported as _unsupported  # noqa: F401 -- the reasons that errors give

_PARTS = ("linalg", "signal", "special", "stats")


def __getattr__(name: str) -> Any:
    if name not in _PARTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PARTS})
