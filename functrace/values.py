"""What counts as an array: its type, and the NumPy value it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError, IntegerRangeError, LeafTypeError
from .ir import FLOAT0, ArrayType
from .nodes import STAND_INS
from .operands import USUAL, as_array, is_array_like
from .tracer import Tracer

NUMERIC_KINDS = "biufc"


def type_of(value: Any) -> ArrayType:
    """The type of a tracer, NumPy array, NumPy scalar or Python scalar.

    Raises:
        LeafTypeError: for anything else.
        DTypeError: for arrays of objects, strings, dates and the like.
    """
    kind = type(value)
    if kind is Tracer:
        return value.type
    known = _SCALAR_KINDS.get(kind)
    if known is not None:
        return known
    if kind is np.ndarray and value.dtype in _PLAIN_DTYPES:
        return ArrayType(value.shape, value.dtype)
    if isinstance(value, (np.ndarray, np.generic)):
        if kind in STAND_INS:
            return type_of(STAND_INS[kind](value))
        if value.dtype.kind not in NUMERIC_KINDS and value.dtype != FLOAT0:
            raise DTypeError(
                f"an array of dtype {value.dtype} cannot be traced",
                "convert it to a number type with .astype",
            )
        subclass = isinstance(value, np.ndarray) and kind is not np.ndarray
        if subclass and isinstance(value, (np.ma.MaskedArray, np.matrix)):  # slow to import
            raise LeafTypeError(
                f"a {type(value).__name__} computes by rules of its own, which cannot be traced",
                "use np.asarray(value), or value.filled(...) for a masked array",
            )
        dtype = value.dtype
        return ArrayType(value.shape, dtype if dtype.isnative else dtype.newbyteorder("="))
    for scalar, known in _WEAK_TYPES.items():  # subclasses, such as an enum of ints
        if isinstance(value, scalar):
            return known
    raise LeafTypeError(
        f"expected an array or a number, got a {kind.__qualname__}{_short(value)}",
        "pass arrays and numbers, in tuples, lists, dicts, named tuples or dataclasses; let other "
        "values come from the closure, or mark them static under jit",
    )


def _short(value: Any) -> str:
    text = repr(value)
    return f" ({text})" if len(text) < 40 else ""


SCALAR_TYPES: dict[np.dtype[Any], ArrayType] = {
    np.dtype(kind): ArrayType((), kind)
    for kind in (np.float64, np.float32, np.int64, np.bool_, np.complex128)
}
_PLAIN_DTYPES = {np.dtype(kind) for kind in "?bhilqBHILQefdFD"}  # native numbers
_WEAK_TYPES = {
    bool: ArrayType((), np.bool_, weak=True),
    int: ArrayType((), np.int64, weak=True),
    float: ArrayType((), np.float64, weak=True),
    complex: ArrayType((), np.complex128, weak=True),
}
_SCALAR_KINDS = {**_WEAK_TYPES, **{dtype.type: type for dtype, type in SCALAR_TYPES.items()}}


def plain(value: Any) -> Any:
    """A NumPy scalar for a Python scalar, and an ndarray of native byte order for an array."""
    if type(value) is np.ndarray and value.dtype in _PLAIN_DTYPES:
        return value
    if type(value) in STAND_INS:
        value = STAND_INS[type(value)](value)
        return operand(value)
    if type(value) not in USUAL and not isinstance(value, np.matrix) and is_array_like(value):
        value = as_array(value)
        if type(value) is Tracer:
            return value
    dtype = type_of(value).dtype
    if isinstance(value, np.ndarray):
        return value if value.dtype.isnative else value.astype(dtype)
    if isinstance(value, np.generic):
        return value
    try:
        return dtype.type(value)
    except OverflowError:
        raise IntegerRangeError(
            f"the Python int {value} does not fit {dtype}",
            "pass it as a float; or let it come from the closure, or mark it static under jit",
        ) from None


def operand(value: Any) -> Any:
    """A tracer as it is, and the NumPy value of anything else."""
    return value if type(value) is Tracer else plain(value)


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays are equal in shape, dtype and all bits."""
    return (
        left.shape == right.shape
        and left.dtype == right.dtype
        and left.tobytes() == right.tobytes()
    )
