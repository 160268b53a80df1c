"""What NumPy takes as an array though it is none: arrays of other libraries, and buffers.

They become plain arrays where they are operands, indices or arguments. What they know beside their
values is lost, but for one thing: labels (pandas' indexes, xarray's coordinates) tell which
elements belong together, and a traced function that combines arrays by place must not combine
others than pandas would.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from .errors import ArgumentError, LeafTypeError
from .typed import Typed

# The types that need no look: NumPy's and Python's own.
USUAL: set[type] = {np.ndarray, bool, int, float, complex, *np.sctypeDict.values()}

Labels = tuple[Any, ...]  # an index for each axis, and None for an axis without one

_labels: dict[int, Labels] = {}  # by the id of a converted array, as long as it lives


def is_array_like(x: Any) -> bool:
    """Whether NumPy makes an array of numbers of a value of another library."""
    kind = type(x)
    if kind is range:
        return True
    if issubclass(kind, (type, str, bytes)) or isinstance(x, type):
        return False
    if any(hasattr(kind, name) for name in ("__array__", "__array_struct__")):
        return True
    if hasattr(x, "__array_interface__"):
        return True
    try:
        return memoryview(x).format not in ("O", None)
    except (TypeError, ValueError, BufferError):
        return False


def as_array(x: Any) -> Any:
    """The plain array that a value stands for; of an array around a traced one, as xarray makes of
    `a * t`, that one.

    Raises:
        LeafTypeError: for a masked array with masked values.
    """
    if "numpy.ma" in sys.modules and isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            count = int(np.sum(np.ma.getmaskarray(x)))
            raise LeafTypeError(
                f"a masked array of shape {x.shape} has {count} masked values, which a traced "
                "function cannot leave out",
                "use value.filled(...), or np.where(mask, other, values)",
            )
        return np.asarray(x.data)
    if isinstance(getattr(x, "data", None), Typed):
        return x.data
    array = np.asarray(x)
    labels = _labels_in(x)
    if labels:
        array = array.view()  # of its own, to remember the labels by
        _labels[id(array)] = labels
        weakref.finalize(array, _labels.pop, id(array), None)
    return array


def _labels_in(x: Any) -> Labels:
    module = type(x).__module__.partition(".")[0]
    if module == "pandas" and hasattr(x, "axes"):
        return tuple(x.axes)
    if module == "xarray" and hasattr(x, "indexes"):
        return tuple([x.indexes.get(name) for name in x.dims])
    return ()


def labels_of(array: Any) -> Labels:
    """The labels of what an array was made from, if it had any."""
    return _labels.get(id(array), ()) if _labels else ()


def check_labels(given: Iterable[Any], known: Sequence[Labels]) -> None:
    """Check that the labels of operands are those of the traced function's arguments.

    Args:
        known: the labels of the arguments.

    Raises:
        ArgumentError: where an axis is as long as some of the arguments' and has other labels.
    """
    before = list(known)
    for array in given:
        labels = labels_of(array)
        for index in labels:
            others = [other for axes in before for other in axes if _same_length(index, other)]
            if others and not any(index.equals(other) for other in others):
                raise ArgumentError(
                    f"the labels {_shown(index)} of a {_named(array)} do not align with "
                    f"{_shown(others[0])}: a traced function combines elements by place",
                    "align first, as with a, b = a.align(b); or give the values, a.to_numpy()",
                )
        if labels:
            before.append(labels)


def check_arguments(arrays: Sequence[Any], names: Sequence[str]) -> None:
    """Check that the labels of arguments are in one order, where they are the same labels.

    Raises:
        ArgumentError: where they are not.
    """
    if not _labels:
        return
    known = [(name, labels_of(x)) for name, x in zip(names, arrays, strict=False)]
    for name, labels in known[-1:]:
        for other_name, others in known[:-1]:
            for index, other in product(labels, others):
                if not _same_length(index, other) or index.equals(other):
                    continue
                if len(index.intersection(other)):
                    raise ArgumentError(
                        f"the labels {_shown(index)} of argument {name} do not align with "
                        f"{_shown(other)} of argument {other_name}: a traced function combines "
                        "elements by place",
                        "align them first, as with a, b = a.align(b); or give a.to_numpy()",
                    )


def _same_length(index: Any, other: Any) -> bool:
    return index is not None and other is not None and len(index) == len(other) > 1


def _shown(index: Any) -> str:
    shown = ", ".join(map(str, index[:4]))
    return f"[{shown}, ...]" if len(index) > 4 else f"[{shown}]"


def _named(array: Any) -> str:
    return "table" if array.ndim > 1 else "series"
