"""NumPy's reductions that leave NaN out.

A slice of NaN alone gives NaN. Of `nanargmax` and `nanargmin` it is an error, where values are
known, and else the place 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import AllNaNError, DTypeError
from ..ops import cast
from ..ops import elementwise as ops
from . import reductions
from ._register import implements
from ._values import is_true
from .elementwise import array
from .reductions import MISSING


def _without_nan(a: Any, filler: complex) -> Any:
    """x with another number in place of NaN."""
    x = array(a)
    return ops.where(ops.isnan(x), x.dtype.type(filler), x) if x.dtype.kind in "fc" else x


def _valid(a: Any, where: Any = True) -> Any:
    """What counts: `True` for all, or a mask."""
    x = array(a)
    if x.dtype.kind not in "fc":
        return where
    valid = ops.logical_not(ops.isnan(x))
    return valid if where is True or where is MISSING else ops.logical_and(valid, where)


def _filling(function: Callable[..., Any], filler: float) -> Callable[..., Any]:
    def reduction(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = MISSING, where: Any = True,
    ) -> Any:  # fmt: skip
        return function(_without_nan(a, filler), axis, dtype, out, keepdims, initial, where)

    return reduction


nansum = implements(np.nansum)(_filling(reductions.sum, 0))
nanprod = implements(np.nanprod)(_filling(reductions.prod, 1))


def _cumulation(function: Callable[..., Any], filler: float) -> Callable[..., Any]:
    return lambda a, axis=None, dtype=None, out=None: function(
        _without_nan(a, filler), axis, dtype, out
    )


nancumsum = implements(np.nancumsum)(_cumulation(reductions.cumsum, 0))
nancumprod = implements(np.nancumprod)(_cumulation(reductions.cumprod, 1))


def _extremum(function: Callable[..., Any], filler: float) -> Callable[..., Any]:
    def extremum(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = MISSING, where: Any = True,
    ) -> Any:  # fmt: skip
        valid = _valid(a, where)
        x = _without_nan(a, filler if array(a).dtype.kind != "c" else complex(filler, filler))
        result = function(x, axis, out, keepdims, initial, where)
        if valid is where or reductions.given(initial):
            return result
        some = reductions.any(valid, axis, keepdims=keepdims)
        return ops.where(some, result, result.dtype.type(np.nan))

    return extremum


nanmax = implements(np.nanmax)(_extremum(reductions.max, -np.inf))
nanmin = implements(np.nanmin)(_extremum(reductions.min, np.inf))


def _place(name: str, function: Callable[..., Any], filler: float) -> Callable[..., Any]:
    def place(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        valid = _valid(a)
        if valid is not True and is_true(
            ops.logical_not(reductions.all(reductions.any(valid, axis))), otherwise=False
        ):
            raise AllNaNError(f"{name} of a slice that is all NaN")
        return function(_without_nan(a, filler), axis, out, keepdims=keepdims)

    return place


nanargmax = implements(np.nanargmax)(_place("nanargmax", reductions.argmax, -np.inf))
nanargmin = implements(np.nanargmin)(_place("nanargmin", reductions.argmin, np.inf))


@implements(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    _demand_inexact("nanmean", a, dtype)
    return reductions.mean(_without_nan(a, 0), axis, dtype, out, keepdims, where=_valid(a, where))


def _demand_inexact(function: str, a: Any, dtype: Any) -> None:
    if dtype is None or array(a).dtype.kind not in "fc" or np.dtype(dtype).kind in "fc":
        return
    raise DTypeError(
        f"{function}(dtype={np.dtype(dtype)}) of an array of {array(a).dtype}",
        "give a dtype of floats, and convert the result with .astype",
    )


@implements(np.nanvar)
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = MISSING, correction: Any = MISSING,
) -> Any:  # fmt: skip
    _demand_inexact("nanvar", a, dtype)
    if reductions.given(mean) and array(a).dtype.kind in "fc":
        mean = cast.astype(array(mean), array(a).dtype)  # NumPy puts the deviations into a copy
    return reductions.var(
        _without_nan(a, 0), axis, dtype, out, ddof, keepdims,
        where=_valid(a, where), mean=mean, correction=correction,
    )  # fmt: skip


@implements(np.nanstd)
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = MISSING, correction: Any = MISSING,
) -> Any:  # fmt: skip
    return reductions.root_of(
        nanvar(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)
    )
