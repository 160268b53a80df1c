"""The array API standard, 2024.12, where a version of NumPy has less of it.

`x.__array_namespace__()` of a traced array is `functrace.numpy`. NumPy's own functions are what
the standard asks for, but for those here: options that NumPy does not have (`descending=`,
`prepend=None`, `dtype=` of frequencies), and names and options that older versions lack. All work
for traced and for plain arrays, since they call NumPy's functions, which dispatch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import OptionError
from ..tracer import Tracer
from . import contractions, joining, reductions
from ._register import demand_cpu, implements

VERSION = "2024.12"
_VERSIONS = ("2021.12", "2022.12", "2023.12", VERSION)


# The namespace, and what it says of itself


@implements(np.ndarray.__array_namespace__)
def array_namespace(x: Any, /, *, api_version: str | None = None) -> ModuleType:
    """The namespace of the functions that take x: `functrace.numpy`.

    Raises:
        OptionError: for a version of the standard that is not supported.
    """
    if api_version is not None and api_version not in _VERSIONS:
        raise OptionError(
            f"version {api_version!r} of the array API standard",
            f"versions are {', '.join(_VERSIONS)}",
        )
    return sys.modules[__name__.rpartition(".")[0]]


class NamespaceInfo:
    """What the standard lets a program ask of a namespace.

    Example:
        >>> import functrace.numpy as fnp
        >>> fnp.__array_namespace_info__().capabilities()["boolean indexing"]
        True
    """

    def capabilities(self) -> dict[str, Any]:
        """What indexing can do: all, but under `jit` and `vmap`, where values are unknown."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The one device."""
        return "cpu"

    def devices(self) -> list[str]:
        """All devices."""
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, np.dtype[Any]]:
        """The dtypes of arrays for which none was asked."""
        demand_cpu("default_dtypes", device)
        return {
            "real floating": np.dtype(np.float64),
            "complex floating": np.dtype(np.complex128),
            "integral": np.dtype(np.int_),
            "indexing": np.dtype(np.intp),
        }

    def dtypes(
        self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, np.dtype[Any]]:
        """The standard's dtypes by name, all or those of one or several kinds."""
        demand_cpu("dtypes", device)
        known = {name: np.dtype(name) for name in _DTYPES}
        if kind is None:
            return known
        return {name: dtype for name, dtype in known.items() if np.isdtype(dtype, kind)}


_DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
)  # fmt: skip


def namespace_info() -> NamespaceInfo:
    """The standard's `__array_namespace_info__`."""
    return NamespaceInfo()


# Arrays from elsewhere


@implements(np.ndarray.to_device)
def to_device(x: Any, device: Any, /, *, stream: Any = None) -> Any:
    demand_cpu("to_device", device)
    if stream is not None:
        raise OptionError(f"to_device(stream={stream!r}): arrays of the CPU have no streams")
    return x


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """As `np.from_dlpack`; a traced array is one already."""
    demand_cpu("from_dlpack", device)
    given = x if type(x) is Tracer else np.from_dlpack(x)
    return np.copy(given) if copy else given


# Options that NumPy does not have


def sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None,
    descending: bool = False,
) -> Any:  # fmt: skip
    """As `np.sort`, and `descending`. Equal elements keep their order, and NaN comes first then."""
    if not descending:
        return np.sort(a, axis, kind, order, stable=stable)
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    return np.flip(np.sort(np.flip(a, axis), axis, stable=True), axis)


def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None,
    descending: bool = False,
) -> Any:  # fmt: skip
    """As `np.argsort`, and `descending`, as for `sort`."""
    if not descending:
        return np.argsort(a, axis, kind, order, stable=stable)
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    last = np.size(a, axis) - 1
    return last - np.flip(np.argsort(np.flip(a, axis), axis, stable=True), axis)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """As `np.diff`; None for what there is none of."""
    given = {"prepend": prepend, "append": append}
    edges = {name: edge for name, edge in given.items() if reductions.given(edge)}
    return np.diff(a, n, axis, **edges)


def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None,
    max: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """As `np.clip`, whose bounds may all be left out."""
    low = a_min if reductions.given(a_min) else min
    high = a_max if reductions.given(a_max) else max
    if low is None and high is None and out is None:
        return np.copy(a)[()]
    return np.clip(a, low, high, out, **options)


def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """As `np.take_along_axis`, by default along the last axis."""
    return np.take_along_axis(arr, indices, axis)


# What older versions of NumPy lack


def _reshape(a: Any, /, shape: Any, order: Any = "C", *, copy: bool | None = None) -> Any:
    """As NumPy 2.1's `np.reshape`."""
    result = np.reshape(a, shape, order)
    if copy:
        return np.copy(result)
    if copy is False and isinstance(a, np.ndarray) and not np.may_share_memory(a, result):
        raise ValueError("reshape(copy=False): this shape needs a copy")
    return result


def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """As NumPy 2.1's `np.astype`."""
    demand_cpu("astype", device)
    return np.astype(x, dtype, copy=copy)


def _limits(function: Callable[..., Any]) -> Callable[..., Any]:
    """`np.finfo` and `np.iinfo`, also of an array."""

    def limits(type: Any, /) -> Any:
        return function(type.dtype if isinstance(type, (np.ndarray, Tracer)) else type)

    return limits


LATER: dict[str, Callable[..., Any]] = {}
if np.lib.NumpyVersion(np.__version__) < "2.1.0":
    LATER |= {
        "astype": _astype,
        "cumulative_prod": reductions.cumulative_prod,
        "cumulative_sum": reductions.cumulative_sum,
        "finfo": _limits(np.finfo),
        "iinfo": _limits(np.iinfo),
        "reshape": _reshape,
        "unstack": joining.unstack,
    }
if np.lib.NumpyVersion(np.__version__) < "2.2.0":
    LATER |= {"matvec": contractions.matvec, "vecmat": contractions.vecmat}
