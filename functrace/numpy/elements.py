"""Single elements by their number: `x.flat` and `x.item(i)`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import IndexingError, ShapeError
from ..ops import cast
from ..tracer import Tracer, copied, weakened
from ._register import implements
from .elementwise import array
from .padding import resize
from .selection import unravel_index
from .shaping import ravel


class Flat:
    """The elements of a traced array in C order, as `ndarray.flat` gives them.

    It can be indexed, assigned to and iterated over, and stands for `x.ravel()` in functions of
    NumPy's.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.grad(lambda x: x.flat[3] ** 2)(np.ones((2, 2)))
        array([[0., 0.],
               [0., 2.]])
    """

    __slots__ = ("base",)
    __hash__ = None  # type: ignore[assignment] -- == is elementwise, as for ndarray.flat

    def __init__(self, base: Tracer):
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return iter(ravel(self.base))

    def __getitem__(self, key: Any) -> Any:
        part = ravel(self.base)[key]
        return copied(part) if part.shape else part

    def __setitem__(self, key: Any, value: Any) -> None:
        places = key if type(key) is Tracer else self._places(key)
        value = array(value)
        if value.shape:  # NumPy repeats the values until all places are filled
            if not places.shape:
                raise ShapeError(f"one element was assigned an array of shape {value.shape}")
            value = resize(value, places.shape)
        self.base[unravel_index(places, self.base.shape)] = value

    def _places(self, key: Any) -> Any:
        try:
            return np.arange(self.base.size)[key]
        except IndexError as error:
            raise IndexingError(f"x.flat[...] of {self.base.size} elements: {error}") from None

    def copy(self) -> Any:
        """All elements along one axis."""
        return copied(ravel(self.base))

    def __eq__(self, other: object) -> Any:
        return ravel(self.base) == other

    def __ne__(self, other: object) -> Any:
        return ravel(self.base) != other

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return ravel(self.base).__array__(dtype, copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*map(_whole, inputs), **options)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...],
        options: Mapping[str, Any],
    ) -> Any:
        return function(*map(_whole, args), **{name: _whole(x) for name, x in options.items()})


def _whole(x: Any) -> Any:
    return ravel(x.base) if isinstance(x, Flat) else x


implements(np.ndarray.flat)(Flat)  # type: ignore[attr-defined] -- a descriptor, as a key


@implements(np.ndarray.item)
def item(x: Any, *index: Any) -> Any:
    """One element, by its number or by an index for each axis, as a Python scalar is traced."""
    place = index[0] if len(index) == 1 else index
    if isinstance(place, tuple) and len(place) != x.ndim:
        raise IndexingError(f"x.item{place} of an array with {x.ndim} axes")
    element = x[place] if isinstance(place, tuple) else ravel(x)[operator.index(place)]
    wide = _WIDE.get(x.dtype.kind, x.dtype)
    return weakened(cast.astype(element, wide))


_WIDE = {"f": np.dtype(np.float64), "c": np.dtype(np.complex128), "i": np.dtype(np.int64)}
