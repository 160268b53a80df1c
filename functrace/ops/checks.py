"""Conditions on values, which hold or raise when a Program runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import ArrayType
from ..primitive import Linear, Primitive
from ..recorder import bind
from ..tracer import Tracer
from .elementwise import isfinite
from .index import materialize


def require(
    x: Any, condition: Any, message: str, error: type[Exception] = ValueError, remedy: str = ""
) -> Any:
    """The operand itself; where running finds that a condition does not hold everywhere, an error.

    Args:
        remedy: what the user can do; for an error of functrace.

    Raises:
        error: when it runs, with the message.
    """
    return bind(REQUIRE, x, condition, message=message, error=error, remedy=remedy)


def require_finite(x: Any) -> Any:
    """The operand, which must have no NaN and no infinite elements."""
    if x.dtype.kind not in "fc":
        return x
    if type(x) is not Tracer:
        return np.asarray_chkfinite(x)
    return require(x, isfinite(x), "array must not contain infs or NaNs")


def _impl(x: Any, condition: Any, *, message: str, error: type[Exception], remedy: str) -> Any:
    if not np.all(condition):
        raise error(message, remedy) if remedy else error(message)
    return np.array(x)[()]


def _infer(x: ArrayType, condition: ArrayType, **_: Any) -> ArrayType:
    return x


def _transpose(ct: Any, operands: Any, **_: Any) -> tuple[Any, ...]:
    return (ct if isinstance(operands[0], Linear) else None, None)


def _batch(size: int, operands: Any, mapped: Any, **params: Any) -> Any:
    return require(materialize(size, operands[0], mapped[0]), operands[1], **params)


REQUIRE = Primitive(
    "require",
    infer=_infer,
    impl=_impl,
    jvp=lambda primals, tangents, out, **_: tangents[0],
    transpose=_transpose,
    batch=_batch,
    text=lambda x, condition, **_: f"require({x}, {condition})",
)
