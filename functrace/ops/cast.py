"""Dtypes: the one op that changes them, and NumPy's promotion.

Equations are strict: a primitive takes the dtypes of one inner loop of its ufunc. Promotion
happens here, at the front end, by asking NumPy which loop it would run and casting the operands
to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DTypeError, FunctraceError, IntegerRangeError, OptionError
from ..ir import ArrayType
from ..nodes import STAND_INS
from ..operands import USUAL, as_array, check_labels, is_array_like, labels_of
from ..primitive import NOT_LINEAR, ZERO, Primitive
from ..recorder import bind, innermost, type_of
from ..tracer import FUNCTIONS, Tracer, is_weak, spelled


def astype(x: Any, dtype: np.dtype[Any]) -> Any:
    """The values converted to a dtype, of native byte order; x itself where it has that dtype."""
    kind = type(x)
    if kind is Tracer:
        if x.type.dtype == dtype:
            return x if not x.type.weak else Tracer(x.recorder, x.symbol, x.type.strong)
        if not dtype.isnative:
            return astype(x, dtype.newbyteorder("="))
        narrows = x.type.weak and x.type.dtype.kind == "i" and dtype.kind in "iu"
        return bind(NARROW if narrows else ASTYPE, x, dtype=dtype)
    if isinstance(x, (np.ndarray, np.generic)):
        return x if x.dtype == dtype else _convert(x, dtype=dtype.newbyteorder("="))
    return _of_scalar(x, dtype)


def _of_scalar(x: Any, dtype: np.dtype[Any]) -> Any:
    """A Python scalar in the dtype that it takes beside an array."""
    try:
        if dtype.kind == "b" and isinstance(x, int):
            np.int64(x)  # NumPy goes this way, which has a limit
        return dtype.type(x)
    except (OverflowError, TypeError, ValueError) as error:
        raise _unfit(x, dtype, error) from None


def assigned(x: Any, dtype: np.dtype[Any]) -> Any:
    """A Python or NumPy scalar as NumPy assigns it to a part of an array."""
    box = np.empty((), dtype)
    try:
        box[()] = x
    except (OverflowError, TypeError, ValueError) as error:
        raise _unfit(x, dtype, error) from None
    return box[()]


def _unfit(x: Any, dtype: np.dtype[Any], error: Exception) -> FunctraceError:
    """NumPy's error for a number that a dtype cannot hold, with the user's line and a remedy."""
    what = f"the Python number {x} does not fit {dtype}, the dtype of what it meets: {error}"
    if isinstance(error, OverflowError):
        return IntegerRangeError(
            what,
            "convert the array to a larger dtype with .astype first, or make the number a float",
        )
    # Such as NaN or a complex number as an integer.
    kind = DTypeError if isinstance(error, TypeError) else OptionError
    return kind(what, "convert the array with .astype first")


def _jvp(primals: Any, tangents: Any, out: Any, *, dtype: np.dtype[Any]) -> Any:
    return astype(tangents[0], dtype)


def _transpose(ct: Any, operands: Any, *, dtype: np.dtype[Any]) -> Any:
    # Complex to real drops the imaginary part, whose cotangent is then zero; the transpose of
    # real to complex keeps the real part. A cast does both.
    return (astype(ct, operands[0].dtype),)


def _convert(x: Any, *, dtype: np.dtype[Any]) -> Any:
    value = np.asarray(x)
    if value.dtype.kind == "c" and dtype.kind not in "cb":  # NumPy warns of what is meant here
        value = np.real(value)
    return value.astype(dtype)[()]


ASTYPE = Primitive(
    "astype",
    infer=lambda x, *, dtype: ArrayType(x.shape, dtype),
    impl=_convert,
    jvp=_jvp,
    transpose=_transpose,
    batch=lambda size, operands, mapped, *, dtype: astype(operands[0], dtype),
    text=lambda x, *, dtype: f"{x}.astype({ArrayType((), dtype)})",
    elementwise=True,
)


def _narrow(x: Any, *, dtype: np.dtype[Any]) -> Any:
    limits = np.iinfo(dtype)
    if np.any(x < limits.min) or np.any(x > limits.max):
        raise IntegerRangeError(
            f"Python integer {x} out of bounds for {dtype}, the dtype of the array beside it",
            "convert the array to a larger dtype with .astype first",
        )
    return np.asarray(x).astype(dtype)[()]


NARROW = Primitive(
    "narrow",  # a Python integer beside an array of a smaller integer type must fit, as in NumPy
    infer=lambda x, *, dtype: ArrayType(x.shape, dtype),
    impl=_narrow,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, dtype: bind(NARROW, operands[0], dtype=dtype),
    text=lambda x, *, dtype: f"{x}.astype({ArrayType((), dtype)})",
    elementwise=True,
)


def real_dtype_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the real part: float64 for complex128; itself for what is real."""
    return np.real(np.empty(0, dtype)).dtype


_loops: dict[Any, tuple[np.dtype[Any], ...]] = {}


def loop_dtypes(ufunc: np.ufunc, promotions: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    """The dtypes of the inner loop that NumPy would run: inputs, then outputs.

    Args:
        promotions: for each operand its dtype, or `int`, `float` or `complex` for a Python scalar.

    Raises:
        DTypeError: when the ufunc has no such loop.
    """
    key = (ufunc, promotions)
    known = _loops.get(key)
    if known is None:
        try:
            known = ufunc.resolve_dtypes((*promotions, *(None,) * ufunc.nout))
        except TypeError as error:
            names = ", ".join(getattr(p, "name", None) or p.__name__ for p in promotions)
            raise DTypeError(
                f"{spelled(ufunc)} does not take operands of dtype {names}",
                "convert them with .astype",
            ) from error
        _loops[key] = known
    return known


_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)


def comparable(x: Any, y: Any) -> Any:
    """What stands for x beside y in a comparison.

    NumPy compares integers with Python ints of any size, and exactly. A Python int that the dtype
    of y cannot hold has one of its own, for which NumPy has exact loops. What no integer dtype
    holds is on the same side of all integers as an infinity.
    """
    traced = type(x) is Tracer
    if x.type.promotion is not int if traced else isinstance(x, bool) or not isinstance(x, int):
        return x
    given = type_of(y).dtype
    if given.kind not in "iu":
        return x
    if traced:
        return x if is_weak(y) else astype(x, _INT64)
    for dtype in (given, _INT64, _UINT64):
        least, greatest = limits_of(dtype)
        if least <= x <= greatest:
            return dtype.type(x)
    return np.float64(np.inf if x > 0 else -np.inf)


@lru_cache(maxsize=16)
def limits_of(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the greatest number of an integer dtype."""
    limits = np.iinfo(dtype)  # which works them out anew for each object
    return int(limits.min), int(limits.max)


def converted(x: Any) -> Any:
    """A tracer, array or scalar as it is, and what NumPy makes an array of as that array.

    That are lists and tuples, also with traced values in them, and arrays of other libraries.
    """
    kind = type(x)
    return x if kind is Tracer or kind in USUAL else _converted(x)


def _converted(x: Any) -> Any:
    if type(x) in STAND_INS:
        return STAND_INS[type(x)](x)
    if isinstance(x, (list, tuple)):
        return FUNCTIONS[np.array](x, copy=None)
    if isinstance(x, np.matrix) or not is_array_like(x):
        return x
    array = as_array(x)
    recorder = innermost()
    while labels_of(array) and recorder is not None:
        check_labels([array], getattr(recorder, "labels", ()))
        recorder = recorder.parent
    return array


def operands_of(given: Sequence[Any]) -> Sequence[Any]:
    """Operands as `converted` gives them."""
    for x in given:
        if type(x) is not Tracer and type(x) not in USUAL:
            values = [converted(x) for x in given]
            check_labels(values, ())
            return values
    return given


def promote(ufunc: np.ufunc, operands: Sequence[Any]) -> list[Any]:
    """The operands, cast to the inner loop that NumPy would run."""
    operands = operands_of(operands)
    dtypes = loop_dtypes(ufunc, tuple([type_of(x).promotion for x in operands]))
    return [astype(x, dtypes[i]) for i, x in enumerate(operands)]


def result_dtype(*operands: Any) -> np.dtype[Any]:
    """The dtype to which NumPy promotes operands that become one array."""
    return np.result_type(*[promotion_value(type_of(x)) for x in operands_of(operands)])


def promotion_value(type: ArrayType) -> Any:
    """What stands for a value of a type where NumPy promotes: a dtype, or a Python scalar."""
    return type.promotion(0) if type.weak and type.dtype.kind != "b" else type.dtype


def _strong_dtype(x: Any) -> np.dtype[Any] | None:
    """The dtype of a traced or plain array; None for what gives way or is no array."""
    if type(x) is Tracer:
        return None if x.type.weak else x.type.dtype
    return x.dtype if type(x) is np.ndarray and x.dtype.isnative else None


def promote_together(*operands: Any) -> list[Any]:
    """Operands cast to their common dtype, as `np.where` and `np.concatenate` do."""
    operands = tuple(operands_of(operands))
    kinds = {_strong_dtype(x) for x in operands}
    if len(kinds) == 1 and None not in kinds:
        return list(operands)
    dtype = result_dtype(*operands)
    return [_unchecked(x, dtype) for x in operands]


def _unchecked(x: Any, dtype: np.dtype[Any]) -> Any:
    """As `astype`, without a look at whether a Python int fits: `np.where` and others wrap it."""
    if type(x) is Tracer and x.type.promotion is int:
        return astype(astype(x, _INT64), dtype)
    if type(x) is not int:
        return astype(x, dtype)
    if -(2**63) <= x < 2**64:
        return np.asarray(x).astype(dtype)[()]
    return _of_scalar(x, dtype)
