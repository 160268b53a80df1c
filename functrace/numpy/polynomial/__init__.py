"""NumPy's `numpy.polynomial`, for traced coefficients and points as well.

NumPy writes these functions and classes in Python, and they make plain arrays of what they are
given. Here NumPy's own source is imported a second time, under these names, and with
`functrace.numpy` in the place of `numpy`. The classes are therefore not NumPy's own: objects of the
two kinds do not mix in one expression.

Example:
    >>> import numpy as np, functrace as ft
    >>> from functrace.numpy.polynomial import Chebyshev, chebyshev
    >>> ft.jacobian(lambda c: chebyshev.chebval(0.5, c))(np.array([1.0, 2.0, 3.0]))
    array([ 1. ,  0.5, -0.5])
    >>> ft.grad(lambda x: Chebyshev([1.0, 2.0, 3.0]).deriv()(x))(0.5)
    np.float64(12.0)
"""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING, Any

import numpy as _np
import numpy.polynomial as _numpys

from ...errors import ConcretizationError as _ConcretizationError
from ...tracer import Tracer as _Tracer

if TYPE_CHECKING:
    from numpy.polynomial import (
        Chebyshev as Chebyshev,
    )
    from numpy.polynomial import (
        Hermite as Hermite,
    )
    from numpy.polynomial import (
        HermiteE as HermiteE,
    )
    from numpy.polynomial import (
        Laguerre as Laguerre,
    )
    from numpy.polynomial import (
        Legendre as Legendre,
    )
    from numpy.polynomial import (
        Polynomial as Polynomial,
    )
    from numpy.polynomial import (
        chebyshev as chebyshev,
    )
    from numpy.polynomial import (
        hermite as hermite,
    )
    from numpy.polynomial import (
        hermite_e as hermite_e,
    )
    from numpy.polynomial import (
        laguerre as laguerre,
    )
    from numpy.polynomial import (
        legendre as legendre,
    )
    from numpy.polynomial import (
        polynomial as polynomial,
    )

__path__ = list(_numpys.__path__)  # where the modules below are found: the source is NumPy's


class _ArrayCheck(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, (_np.ndarray, _Tracer))


class _ArrayOrTracer(metaclass=_ArrayCheck):
    """What NumPy's source compares with in `isinstance(x, np.ndarray)`."""


def _least_squares(a: Any, b: Any, rcond: Any = None) -> Any:
    """As `np.linalg.lstsq`. A fit warns of a low rank, which is not known under jit."""
    solution, residuals, rank, values = _np.linalg.lstsq(a, b, rcond)
    try:
        rank = int(rank)
    except _ConcretizationError:
        rank = min(_np.shape(a))
    return solution, residuals, rank, values


def _trimmed(trim: Any) -> Any:
    """`trimseq` of NumPy's, which drops trailing zeros; traced coefficients keep theirs.

    A coefficient that is zero may still have a derivative. So results have the length that
    coefficients other than zero give, whatever the values are.
    """
    return lambda seq: seq if type(seq) is _Tracer else trim(seq)


def _namespace() -> _ModuleType:
    """`functrace.numpy` as NumPy's source sees it."""
    ours = _import_module("..", __name__)
    space = _ModuleType("numpy")
    linalg = _ModuleType("numpy.linalg")
    linalg.__getattr__ = lambda name: getattr(_np.linalg, name)  # type: ignore[method-assign]
    space.__getattr__ = lambda name: getattr(ours, name)  # type: ignore[method-assign]
    vars(linalg).update(lstsq=_least_squares)
    vars(space).update(ndarray=_ArrayOrTracer, linalg=linalg)
    return space


def _import() -> dict[str, Any]:
    """The modules, and the classes that they define."""
    space, found = _namespace(), {}
    for name in ("polyutils", "_polybase", *_FAMILIES.values()):
        found[name] = _import_module(f"{__name__}.{name}")
        names = vars(found[name])
        names["np"] = space
        for key, value in list(names.items()):  # those that NumPy's dispatch would ask about
            names[key] = getattr(value, "_implementation", value)
    found["polyutils"].trimseq = _trimmed(found["polyutils"].trimseq)
    return found


_FAMILIES = {
    "Chebyshev": "chebyshev", "Hermite": "hermite", "HermiteE": "hermite_e",
    "Laguerre": "laguerre", "Legendre": "legendre", "Polynomial": "polynomial",
}  # fmt: skip
_modules = _import()
globals().update(_modules)
globals().update({name: getattr(_modules[file], name) for name, file in _FAMILIES.items()})


def set_default_printstyle(style: str) -> None:
    """As `np.polynomial.set_default_printstyle`, for these classes."""
    if style not in ("unicode", "ascii"):
        raise ValueError(f"unsupported print style {style!r}: use 'ascii' or 'unicode'")
    _modules["_polybase"].ABCPolyBase._use_unicode = style == "unicode"
