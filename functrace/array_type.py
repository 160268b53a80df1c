"""The type of a value: shape and dtype."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

Shape = tuple[int, ...]
UNKNOWN = -1  # a length that is known when the Program has run: of what a while loop has stacked

_PYTHON_KIND = {"i": int, "u": int, "f": float, "c": complex}


class ArrayType:
    """Shape and dtype of a value, and whether it stems from a Python scalar.

    Instances are interned: equal types are the same object. A `weak` type is that of a Python
    `int`, `float` or `complex`, which NumPy's promotion lets give way to an array's dtype.

    Attributes:
        shape: a tuple of ints.
        dtype: the NumPy dtype.
        weak: whether the value is a Python scalar.
        ndim: the rank.
        size: the number of elements.
        inexact: whether values are real or complex floating point, so that they have derivatives.
        promotion: the dtype, or for a weak type its Python type, as NumPy's promotion sees it.

    Example:
        >>> import numpy as np
        >>> from functrace.ir import ArrayType
        >>> ArrayType((3, 4), np.float32)
        f32[3,4]
    """

    __slots__ = ("__weakref__", "dtype", "inexact", "ndim", "promotion", "shape", "size", "weak")
    shape: Shape
    dtype: np.dtype[Any]
    weak: bool
    ndim: int
    size: int
    inexact: bool
    promotion: Any

    def __new__(cls, shape: Sequence[int], dtype: Any, weak: bool = False) -> ArrayType:
        shape = tuple(shape)
        dtype = np.dtype(dtype)
        key = (shape, dtype, weak)
        known = _types.get(key)
        if known is not None:
            return known
        self = object.__new__(cls)
        self.shape = shape = tuple([int(index(length)) for length in shape])  # NumPy's ints equal
        self.dtype = dtype
        self.weak = weak
        self.ndim = len(shape)
        size = 1
        for length in shape:
            size *= length
        self.size = size
        self.inexact = dtype.kind in "fc"
        self.promotion = _PYTHON_KIND.get(dtype.kind, dtype) if weak else dtype
        with _types_mutex:
            _drop_unused_types()
            return _types.setdefault(key, self)

    @property
    def strong(self) -> ArrayType:
        """The same type without the mark of a Python scalar."""
        return ArrayType(self.shape, self.dtype) if self.weak else self

    def with_shape(self, shape: Sequence[int]) -> ArrayType:
        """The type of another shape and the same dtype."""
        return ArrayType(shape, self.dtype)

    def __repr__(self) -> str:
        kind, bits = self.dtype.kind, self.dtype.itemsize * 8
        name = {"b": "bool", "V": "float0"}.get(kind, f"{kind}{bits}")
        lengths = ["?" if length == UNKNOWN else str(length) for length in self.shape]
        shape = f"[{','.join(lengths)}]" if lengths else ""
        return f"{name}{shape}{'~' if self.weak else ''}"

    def __reduce__(self) -> tuple[Any, ...]:
        return ArrayType, (self.shape, self.dtype, self.weak)


_types: dict[Any, ArrayType] = {}
_types_mutex = threading.Lock()
_most_types = 4096


def _drop_unused_types() -> None:
    """Forget the types that are not in use, when there are twice as many as were in use before."""
    global _most_types
    if len(_types) < _most_types:
        return
    for key in list(_types):
        reference = weakref.ref(_types.pop(key))
        used = reference()
        if used is not None:
            _types[key] = used
    _most_types = max(4096, 2 * len(_types))


def fits(shape: Shape, expected: Shape) -> bool:
    """Whether a shape can be the expected one: where a length is unknown, any other will do."""
    return shape == expected or (
        len(shape) == len(expected)
        and all(m == n or UNKNOWN in (m, n) for m, n in zip(shape, expected, strict=True))
    )
