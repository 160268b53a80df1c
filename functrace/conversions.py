"""What Python and NumPy get of a traced array when they ask for plain numbers.

A number that Python keeps cuts the derivative of what is computed with it, so that floating-point
values give none. Integers and booleans have no derivative: they answer where their value is known
while tracing, and for what NumPy's own answer for.
"""

from __future__ import annotations

import operator
from contextlib import suppress
from typing import Any

import numpy as np

from .dispatch import FUNCTIONS, instead, or_install
from .errors import (
    ConcretizationError,
    ShapeError,
    TracerAssignmentError,
    TracerConversionError,
)
from .printable import Printable
from .source import user_operation


class Convertible(Printable):
    """What converts to plain numbers and arrays where that cuts no derivative."""

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if not self.type.inexact:  # no derivative is cut
            with suppress(ConcretizationError):
                return np.array(self.recorder.value(self, "it was made a plain array"), dtype)
        operation = user_operation()
        if operation == "store":
            raise self._assigned()
        if operation == "load" and not self.type.inexact:
            masks = self.type.dtype.kind == "b"
            raise TracerConversionError(
                f"a plain NumPy array was indexed by a traced value of type {self.type}",
                "write np.where(mask, a, other) for a[mask], whose shape depends on the mask"
                if masks
                else "write functrace.numpy.take(a, i, axis=0) for a[i]",
            )
        raise TracerConversionError(
            f"a traced value of type {self.type} was converted to a plain NumPy array"
            f"{', which would cut its derivative' if self.type.inexact else ''} (np.asarray, "
            "np.array, or a function that calls them)",
            instead()
            or "use NumPy's functions on the traced value itself; to convert its dtype, as "
            "np.float32(x) does, use x.astype(np.float32); to build an array of traced values use "
            f"np.stack or functrace.numpy.array{or_install()}",
        )

    # Values on demand.

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                f"the truth value of an array with {self.size} elements is ambiguous",
                "use .any() or .all()",
            )
        return self.recorder.look(self, bool, "its truth value was asked for (if, while, and, or)")

    def __index__(self) -> int:
        if user_operation() == "format" and not self.type.inexact:
            return operator.index(self.known("formatted by %"))
        self._demand_integer("used as an index")
        self._demand_number("used as an index", "np.take(values, indices)")
        if self.type.dtype.kind == "b":
            raise TracerConversionError(
                f"a traced value of type {self.type} was used as a Python integer (an index, a "
                "length, a limit of a slice or range), for which booleans do not stand",
                "choose with np.where(condition, a, b) or functrace.cond; where the value is known "
                "while tracing, int(condition) is 0 or 1",
            )
        if user_operation() == "load":
            return self.recorder.look(
                self,
                int,
                "it was used as the index of a list or tuple",
                "make one array of the list with np.stack, and index that",
            )
        return self.recorder.look(self, int, "it was used as a Python integer (range, a shape)")

    def __int__(self) -> int:
        if user_operation() == "format":
            return int(self.known("formatted by %"))
        self._demand_integer("converted by int()")
        self._demand_number("converted by int()", "x.astype(int)")
        return self.recorder.look(self, int, "int() was called on it")

    def __float__(self) -> float:
        if user_operation() == "format":
            return float(self.known("formatted by %"))
        self._demand_integer("converted by float(), or by a function of the math module")
        self._demand_number("converted by float(), or by a function of math", "x.astype(float)")
        return self.recorder.look(self, float, "float() was called on it")

    def __complex__(self) -> complex:
        self._demand_integer("converted by complex()")
        self._demand_number("converted by complex()", "x.astype(complex)")
        return self.recorder.look(self, complex, "complex() was called on it")

    def item(self, *index: Any) -> Any:
        """The element of a number or an index, as a Python scalar is traced.

        Without an index, the Python scalar of an integer or boolean; an error for others, as for
        `float`.
        """
        if index:
            return FUNCTIONS[np.ndarray.item](self, *index)
        self._demand_integer("converted by .item()")
        return self.recorder.look(self, _item, ".item() was called on it")

    def tolist(self) -> Any:
        """Nested lists of an integer or boolean array; an error for others, as for `float`."""
        self._demand_integer("converted by .tolist()")
        return self.recorder.value(self, ".tolist() was called on it").tolist()

    def _demand_integer(self, done: str) -> None:
        """Integers and booleans carry no derivative, so that a plain number can stand for them."""
        if not self.type.inexact:
            return
        if user_operation() == "store":
            raise self._assigned()
        raise TracerConversionError(
            f"a traced value of type {self.type} was {done}: a plain number would cut its "
            "derivative",
            "use NumPy's function of the same name (np.sin for math.sin), or compute with the "
            "value as it is",
        )

    def _demand_number(self, done: str, instead: str) -> None:
        """Arrays with axes do not stand for one number, even if they have one element."""
        if self.type.shape:
            raise TracerConversionError(
                f"a traced array of type {self.type} was {done}, for which only arrays without "
                "axes stand",
                f"take an element, x[0] or x.item(), or compute with the whole array: {instead}",
            )

    def __trunc__(self) -> int:
        self._demand_integer("converted by math.trunc()")
        return int(self)

    def __bytes__(self) -> bytes:
        if not self.type.shape and self.type.dtype.kind in "iu":
            return bytes(operator.index(self))  # so many zeros, as Python has it
        raise TracerConversionError(
            f"a traced value of type {self.type} was converted by bytes(): a traced array has no "
            "memory yet",
            "return the array from the function, and use the bytes of the result",
        )

    def _assigned(self) -> TracerAssignmentError:
        return TracerAssignmentError(
            f"a traced value of type {self.type} was assigned into a plain NumPy array, which "
            "can hold numbers only",
            "make the array with functrace.numpy.zeros (empty, full, array) or np.zeros_like of a "
            f"traced array: such arrays can be assigned to; or build it with np.stack"
            f"{or_install()}",
        )


def _item(value: Any) -> Any:
    return value.item()
