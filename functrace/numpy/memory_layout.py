"""What is known of the memory of a traced array: `x.flags` and `x.strides`.

Where a value will lie is decided when a Program is planned. Known is what the order of creation
says, and whether the traced function may assign to the array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dispatch import REASONS
from ..errors import UnsupportedAttributeError
from ..sharing import Foreign, View
from ..tracer import Tracer
from ._register import implements


class Flags:
    """The flags of a traced array, as attributes and by NumPy's names of them.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.grad(lambda x: print(x.flags.writeable, x.copy().flags["C"]) or x[0])(np.ones(2))
        False True
        array([1., 0.])
    """

    __slots__ = ("_array",)

    def __init__(self, array: Tracer):
        self._array = array

    def __getitem__(self, name: str) -> bool:
        attribute = _NAMES.get(name, name.lower())
        if attribute.startswith("_") or not hasattr(type(self), attribute):
            raise KeyError(f"unknown flag {name!r}")
        return getattr(self, attribute)

    @property
    def writeable(self) -> bool:
        """Whether the traced function may assign to the array."""
        return not isinstance(self._array.alias, Foreign)

    @property
    def owndata(self) -> bool:
        """Whether the array owns its memory."""
        return not isinstance(self._array.alias, (Foreign, View))

    @property
    def aligned(self) -> bool:
        """True: NumPy's own arrays are."""
        return True

    writebackifcopy = property(lambda self: False, doc="False: no traced array stands for another.")

    @property
    def c_contiguous(self) -> bool:
        """Whether the last axis is the one of neighbours; an error where that is not known."""
        shape = self._array.shape
        if self._array.c_order or self._array.size <= 1:
            return True
        raise _unknown("flags.c_contiguous", f"of shape {shape}")

    @property
    def f_contiguous(self) -> bool:
        """Whether the first axis is the one of neighbours; an error where that is not known."""
        wide = [n for n in self._array.shape if n != 1]
        return self.c_contiguous and (len(wide) < 2 or self._array.size == 0)

    contiguous = property(lambda self: self.c_contiguous, doc="As c_contiguous.")
    forc = property(lambda self: self.c_contiguous or self.f_contiguous, doc="Either order.")
    fnc = property(lambda self: self.f_contiguous and not self.c_contiguous, doc="F, not C.")
    farray = property(lambda self: self.fnc and self.writeable, doc="F, not C, and writeable.")
    carray = property(lambda self: self.c_contiguous and self.writeable, doc="C and writeable.")


_NAMES = {
    "C": "c_contiguous", "F": "f_contiguous", "FORTRAN": "f_contiguous", "O": "owndata",
    "W": "writeable", "A": "aligned",
    "X": "writebackifcopy", "CA": "carray", "FA": "farray",
}  # fmt: skip

implements(np.ndarray.flags)(Flags)  # type: ignore[attr-defined] -- a descriptor, as a key


@implements(np.ndarray.strides)  # type: ignore[attr-defined]
def strides(x: Tracer) -> tuple[int, ...]:
    """The bytes from one element to the next along each axis, of an array in C order."""
    if not x.c_order and x.ndim:
        raise _unknown("strides", f"of shape {x.shape}")
    return np.empty(x.shape, x.dtype).strides


def _unknown(name: str, which: str) -> Any:
    why, remedy = REASONS["ndarray.strides"]
    return UnsupportedAttributeError(f"a traced array {which} has no {name}: {why}", remedy)
