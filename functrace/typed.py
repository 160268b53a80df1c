"""What is known of a value whose type alone is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ArgumentError
from .ir import ArrayType


class Typed:
    """The attributes of arrays that follow from the type.

    Attributes:
        type: shape and dtype.
    """

    __slots__ = ()
    type: ArrayType

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, a tuple of ints."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.type.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.type.size

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self.type.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.type.size * self.type.dtype.itemsize

    def __len__(self) -> int:
        if not self.type.shape:
            raise ArgumentError("len() of a traced array with no axes")
        return self.type.shape[0]

    @property
    def device(self) -> str:
        """Where the values will be: "cpu"."""
        return "cpu"

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # DLPack's number of the CPU, and the first of them
