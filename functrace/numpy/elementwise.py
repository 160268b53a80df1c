"""NumPy's elementwise functions that are not ufuncs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ..errors import ArgumentError, ConcretizationError, DTypeError, OptionError, ShapeError
from ..ops import cast, floating, series  # noqa: F401 -- `floating` answers for its ufuncs
from ..ops import elementwise as ops
from ..ops.cast import promotion_value
from ..recorder import plain, type_of
from ..tracer import UFUNCS, Tracer, is_weak, pythonic, weakened
from ._register import demand_cpu, implements, refuse

_MISSING: Any = np._NoValue  # type: ignore[attr-defined] -- what NumPy's signatures hold for "not given"


def array(x: Any) -> Any:
    """A traced or NumPy array, as `np.asarray` makes one: a Python scalar has its own dtype."""
    x = cast.converted(x)
    if type(x) is int and x >= 2**63:
        x = np.asarray(x)[()]  # of uint64, if that can hold it
    return cast.astype(x, x.dtype) if type(x) is Tracer else plain(x)


def array_of(x: Any, dtype: np.dtype[Any]) -> Any:
    """As `np.asarray(x, dtype)`, where a Python number must fit the dtype."""
    x = cast.converted(x)  # np.isscalar takes a memoryview for a scalar
    x = x if np.isscalar(x) or type(x) is Tracer else array(x)
    if type_of(x).dtype.kind == "c" and dtype.kind not in "bc":
        raise DTypeError(
            f"a complex value cannot be assigned to an array of dtype {dtype}",
            "take the real part (np.real), or make the array complex",
        )
    if type(x) is Tracer:
        return cast.astype(x, dtype)
    return cast.assigned(x, dtype) if np.isscalar(x) else cast.astype(array(x), dtype)


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise OptionError("where takes a condition alone, or with two choices")
    return ops.where(array(condition), x, y)


@implements(np.clip)
def clip(
    a: Any, a_min: Any = _MISSING, a_max: Any = _MISSING, out: Any = None, *,
    min: Any = _MISSING, max: Any = _MISSING,
) -> Any:  # fmt: skip
    refuse("clip", out=out)
    by_place = [bound for bound in (a_min, a_max) if bound is not _MISSING]
    if by_place and not (min is _MISSING and max is _MISSING):
        raise ArgumentError("clip: min= and max= beside a_min and a_max", "give one pair of them")
    bounds = (a_min, a_max) if by_place else (min, max)
    low, high = (None if bound is _MISSING else bound for bound in bounds)
    a = array(a) if isinstance(a, (list, tuple)) else a
    low, high = _bound(a, low, below=True), _bound(a, high, below=False)
    if low is not None:
        a = ops.maximum(a, low)
    return a if high is None else ops.minimum(a, high)


def _bound(a: Any, bound: Any, below: bool) -> Any:
    """A bound of `clip`. A Python int that lies beyond all numbers of an integer dtype is none."""
    dtype = type_of(a).dtype
    if dtype.kind not in "iu" or is_weak(a):
        return bound
    limit = cast.limits_of(dtype)[0 if below else 1]
    if type(bound) is int:
        return None if (bound <= limit if below else bound >= limit) else bound
    if type(bound) is Tracer and bound.type.promotion is int and limit < 2**63:
        return weakened(ops.maximum(bound, limit) if below else ops.minimum(bound, limit))
    return bound


@implements(np.real)
def real(val: Any) -> Any:
    return pythonic(ops.real, val) if type(val) is Tracer else np.real(val)


@implements(np.imag)
def imag(val: Any) -> Any:
    return pythonic(ops.imag, val) if type(val) is Tracer else np.imag(val)


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    refuse("round", out=out)
    x, decimals = array(a), operator.index(decimals)
    if x.dtype.kind in "iu" and decimals >= 0:
        return x
    if decimals == 0:
        return ops.rint(x)
    if x.dtype.kind == "b":
        raise DTypeError("round of booleans to a number of decimals", "convert them with .astype")
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return ops.rint(x * scale) / scale
    result = ops.rint(x / scale) * scale
    return cast.astype(result, x.dtype) if x.dtype.kind in "iu" else result


@implements(np.ndarray.astype, *([np.astype] if hasattr(np, "astype") else []))
def astype(
    x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None, casting: Any = "unsafe"
) -> Any:
    demand_cpu("astype", device)
    if not np.can_cast(x.dtype, dtype, casting):
        raise DTypeError(
            f"astype: {x.dtype} cannot be cast to {np.dtype(dtype)} by the rule {casting!r}",
            'choose casting="unsafe", which is the default',
        )
    return cast.astype(array(x), np.dtype(dtype))


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    x, y = (value if is_weak(value) else array(value) for value in (a, b))
    if type_of(y).dtype.kind in "biu":
        y = float(y) if type(y) in (bool, int) else _inexact(y)
    near = ops.less_equal(abs(x - y), atol + rtol * abs(y))
    close = ops.logical_or(ops.logical_and(near, ops.isfinite(y)), ops.equal(x, y))
    if equal_nan:
        return ops.logical_or(close, ops.logical_and(ops.isnan(x), ops.isnan(y)))
    return close


def _inexact(x: Any) -> Any:
    """An array of integers as floating point numbers, and a Python int as a Python float."""
    result = cast.astype(x, cast.result_dtype(x, 1.0))
    return weakened(result) if is_weak(x) else result


def _truth(flags: Any) -> Any:
    """Whether all flags are true: a Python bool, which is traced where it is not known."""
    result = flags.all()
    if type(result) is not Tracer:
        return bool(result)
    with suppress(ConcretizationError):
        return bool(result)
    return weakened(result)


@implements(np.allclose)
def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return _truth(isclose(a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    x, y = array(a1), array(a2)
    if x.shape != y.shape:
        return False
    same = ops.equal(x, y)
    if equal_nan:
        same = ops.logical_or(same, ops.logical_and(ops.isnan(x), ops.isnan(y)))
    return _truth(same)


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    return np.result_type(
        *[promotion_value(x.type) if type(x) is Tracer else x for x in arrays_and_dtypes]
    )


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    return np.common_type(*[np.empty(0, array(x).dtype) for x in arrays])


@implements(np.array_repr, np.array_str, np.array2string)
def array_repr(a: Any, *_: Any, **__: Any) -> str:
    return repr(a)


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return np.can_cast(from_.dtype, to, casting)


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    return array(x).dtype.kind != "c"


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return array(x).dtype.kind == "c"


def absolute(x: Any) -> Any:
    """As `np.absolute`."""
    return UFUNCS[np.absolute](x)


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    refuse("fix", out=out)
    return ops.trunc(x)


@implements(np.sinc)
def sinc(x: Any) -> Any:
    x = array(x)
    return series.sinc(x if x.dtype.kind in "fc" else cast.astype(x, np.dtype(np.float64)))


@implements(np.i0)
def i0(x: Any) -> Any:
    x = array(x)
    if x.dtype.kind == "c":
        raise DTypeError("np.i0 does not take complex operands")
    return series.i0(x)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    x = array(z)
    imaginary = ops.imag(x) if x.dtype.kind == "c" else 0
    radians = ops.arctan2(imaginary, ops.real(x))
    return radians * (180 / np.pi) if deg else radians


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    x = array(x)
    if x.dtype.kind == "c":
        parts = (nan_to_num(part, copy, nan, posinf, neginf) for part in (ops.real(x), ops.imag(x)))
        joined = sum(part * x.dtype.type(unit) for part, unit in zip(parts, (1, 1j), strict=True))
        return ops.where(ops.isfinite(x), x, joined)  # sums lose the signs of zeros
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    finite = ops.where(ops.isnan(x), array_of(nan, x.dtype), x)
    top = limits.max if posinf is None else posinf
    bottom = limits.min if neginf is None else neginf
    finite = ops.where(ops.equal(x, np.inf), array_of(top, x.dtype), finite)
    return ops.where(ops.equal(x, -np.inf), array_of(bottom, x.dtype), finite)


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    refuse("isposinf", out=out)
    return ops.logical_and(ops.isinf(x), ops.logical_not(ops.signbit(x)))


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    refuse("isneginf", out=out)
    return ops.logical_and(ops.isinf(x), ops.signbit(x))


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    return _imaginary(array(x), ops.not_equal)


@implements(np.isreal)
def isreal(x: Any) -> Any:
    return _imaginary(array(x), ops.equal)


def _imaginary(x: Any, compare: Callable[..., Any]) -> Any:
    """A comparison of imaginary parts with 0; a plain array where the dtype says it all."""
    if x.dtype.kind == "c":
        return compare(ops.imag(x), 0)
    return np.full(x.shape, compare(0, 0))[()]


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    x = array(a)
    if x.dtype.kind != "c":
        return x
    limit = np.finfo(x.dtype).eps * tol if tol > 1 else tol
    return ops.real(x) if bool((ops.absolute(ops.imag(x)) < limit).all()) else x


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> bool:
    x, y = array(a1), array(a2)
    try:
        return _truth(ops.equal(x, y))
    except ShapeError:
        return False
