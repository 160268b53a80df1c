"""Dtypes: the one op that changes them, and NumPy's promotion.

Equations are strict: a primitive takes the dtypes of one inner loop of its ufunc. Promotion
happens here, at the front end, by asking NumPy which loop it would run and casting the operands
to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..ir import ArrayType
from ..nodes import STAND_INS
from ..operands import USUAL, as_array, check_labels, is_array_like, labels_of
from ..primitive import NOT_LINEAR, ZERO, Primitive
from ..recorder import bind, innermost, type_of
from ..tracer import FUNCTIONS, Tracer, spelled


def astype(x: Any, dtype: np.dtype[Any]) -> Any:
    """The values converted to a dtype; x itself where it has that dtype."""
    kind = type(x)
    if kind is Tracer:
        if x.type.dtype == dtype:
            return x if not x.type.weak else Tracer(x.recorder, x.variable, x.type.strong)
        narrows = x.type.weak and x.type.dtype.kind == "i" and dtype.kind in "iu"
        return bind(NARROW if narrows else ASTYPE, x, dtype=dtype)
    if isinstance(x, (np.ndarray, np.generic)):
        return x if x.dtype == dtype else _convert(x, dtype=dtype)
    return dtype.type(x)  # a Python scalar; raises OverflowError where NumPy does


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
        raise OverflowError(f"Python integer {x} out of bounds for {dtype}")
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
            known = ufunc.resolve_dtypes((*_exact(ufunc, promotions), *(None,) * ufunc.nout))
        except TypeError as error:
            names = ", ".join(getattr(p, "name", None) or p.__name__ for p in promotions)
            raise DTypeError(
                f"{spelled(ufunc)} does not take operands of dtype {names}",
                "convert them with .astype",
            ) from error
        _loops[key] = known
    return known


_INSIDE_INT64 = {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"}
_COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}


def _exact(ufunc: np.ufunc, promotions: tuple[Any, ...]) -> tuple[Any, ...]:
    """NumPy compares integers with Python ints of any size; in int64 that is exact."""
    others = [p for p in promotions if p is not int]
    if ufunc in _COMPARISONS and all(str(p) in _INSIDE_INT64 for p in others):
        return tuple([np.dtype(np.int64) if p is int else p for p in promotions])
    return promotions


def operand(x: Any) -> Any:
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
    """Operands as `operand` gives them."""
    for x in given:
        if type(x) is not Tracer and type(x) not in USUAL:
            converted = [operand(x) for x in given]
            check_labels(converted, ())
            return converted
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
    return [astype(x, dtype) for x in operands]
