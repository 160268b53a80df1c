"""Asking traced values for what they are, where the shape of a result depends on them."""

from __future__ import annotations

from typing import Any

from ..errors import ConcretizationError
from ..tracer import Tracer
from .elementwise import array


def concrete(x: Any, function: str, remedy: str) -> Any:
    """The value of an array on which the shape of a function's result depends.

    Raises:
        ConcretizationError: when there is none, as under jit.
    """
    given = array(x)
    if type(given) is not Tracer:
        return given
    return given.recorder.value(
        given, f"the shape of the result of np.{function} depends on it", remedy
    )


def is_true(condition: Any, otherwise: bool) -> bool:
    """A truth value, where it is known while tracing."""
    try:
        return bool(condition)
    except ConcretizationError:
        return otherwise
