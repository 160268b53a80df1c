"""Static data, which is part of a structure: compared by type and value.

What cannot be hashed, such as a dict, a list or an array, may change later. A structure therefore
has a copy of it, and gives out copies.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from .errors import ArgumentError


def exact(value: Any) -> Hashable:
    """A key that tells apart what `==` does not: 1, 1.0 and True, or 0.0 and -0.0.

    Dicts, lists, sets and arrays have a key by what they hold.

    Raises:
        ArgumentError: for what can neither be hashed nor be compared.
    """
    kind = type(value)
    if isinstance(value, (tuple, list)):
        return kind, tuple([exact(part) for part in value])
    if isinstance(value, (float, complex)):
        return kind, repr(value)
    if isinstance(value, dict):
        return kind, frozenset([(exact(key), exact(part)) for key, part in value.items()])
    if isinstance(value, (set, frozenset)):
        return kind, frozenset([exact(part) for part in value])
    if isinstance(value, np.ndarray):
        content = exact(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return kind, value.shape, value.dtype, content
    unhashable = kind.__hash__ is None
    array = hasattr(kind, "__array_ufunc__") and not isinstance(value, np.generic)
    if array or (unhashable and kind.__eq__ is object.__eq__):
        raise ArgumentError(
            f"static data can neither be hashed nor compared: a {kind.__qualname__}",
            "make a field that holds arrays to be traced a child; a field that is static may hold "
            "numbers, texts, tuples, lists, dicts, sets, and NumPy's arrays",
        )
    if unhashable:
        return _Equal(value)
    return kind, value


class _Equal:
    """A value without a hash, equal to what equals it."""

    __slots__ = ("_value",)

    def __init__(self, value: Any):
        self._value = value

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Equal)
            and type(self._value) is type(other._value)
            and bool(self._value == other._value)
        )

    def __hash__(self) -> int:
        return hash(type(self._value))


def copied(value: Any) -> Any:
    """The same value, with containers and arrays of its own."""
    kind = type(value)
    if kind is tuple or kind is list:
        return kind([copied(part) for part in value])
    if kind is dict:
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, (set, bytearray, np.ndarray, list, dict)):
        return value.copy()
    return value


def changeable(value: Any) -> bool:
    """Whether a value holds what can be changed."""
    try:
        hash(value)
    except TypeError:
        return True
    return False
