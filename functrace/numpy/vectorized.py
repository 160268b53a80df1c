"""`vectorize`: a function of single elements, called for each of them in turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import cast, shape
from ..recorder import tracing
from .elementwise import array
from .indexing import getitem
from .joining import stack


class vectorize(np.vectorize):  # pyright: ignore[reportIncompatibleVariableOverride]
    """As `np.vectorize`, and of traced arrays.

    As NumPy's it is a loop in Python. Where the function can be batched, `functrace.vmap` makes one
    operation of each of its operations, and is faster by far.

    Example:
        >>> import numpy as np, functrace as ft, functrace.numpy as fnp
        >>> step = fnp.vectorize(lambda x, y: x * y if x > 1 else y)
        >>> ft.grad(lambda x: np.sum(step(x, 3.0)))(np.array([1.0, 2.0]))
        array([0., 3.])
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results for all elements of the arguments, which broadcast."""
        if tracing() is None or not callable(self.pyfunc):
            return super().__call__(*args, **kwargs)
        places = [i for i in range(len(args)) if i not in self.excluded]
        names = [name for name in kwargs if name not in self.excluded]
        if self.signature is not None and names:
            raise ArgumentError("vectorize with a signature takes no keyword arguments")

        def of_elements(*elements: Any) -> Any:
            given, named = list(args), dict(kwargs)
            for i, element in zip(places, elements, strict=False):
                given[i] = element
            named.update(zip(names, elements[len(places) :], strict=True))
            return self.pyfunc(*given, **named)

        operands = [array(args[i]) for i in places] + [array(kwargs[name]) for name in names]
        return _looped(of_elements, operands, self._cores(len(operands)), self.otypes)

    def _cores(self, count: int) -> list[tuple[str, ...]]:
        """The names of the axes that the function sees of each operand: none by default."""
        if self.signature is None:
            return [()] * count
        inputs = self.signature.partition("->")[0]
        cores = [tuple(re.findall(r"\w+", core)) for core in re.findall(r"\(([^)]*)\)", inputs)]
        if len(cores) != count:
            raise ArgumentError(f"vectorize with signature {self.signature!r} of {count} arguments")
        return cores


def _looped(
    function: Callable[..., Any], operands: Sequence[Any], cores: Sequence[tuple[str, ...]],
    dtypes: Any,
) -> Any:  # fmt: skip
    """Call a function for each place of the axes that it does not see, and stack the results."""
    lengths: dict[str, int] = {}
    for x, core in zip(operands, cores, strict=True):
        if x.ndim < len(core):
            raise ShapeError(f"vectorize: an argument of shape {x.shape} has no axes {core}")
        for name, length in zip(core, x.shape[x.ndim - len(core) :], strict=True):
            if lengths.setdefault(name, length) != length:
                raise ShapeError(f"vectorize: axis {name!r} has lengths {lengths[name]}, {length}")
    loops = [x.shape[: x.ndim - len(core)] for x, core in zip(operands, cores, strict=True)]
    loop = shape.broadcast_shapes("vectorize", loops)
    if 0 in loop:
        raise ShapeError(
            f"vectorize of no elements: shapes {', '.join(str(x.shape) for x in operands)}"
        )
    spread = [
        shape.broadcast_to(x, loop + x.shape[x.ndim - len(core) :])
        for x, core in zip(operands, cores, strict=True)
    ]
    results = [function(*[getitem(x, place) for x in spread]) for place in np.ndindex(loop)]
    if not isinstance(results[0], tuple):
        return _stacked(results, loop, dtypes[0] if dtypes else None)
    columns = list(zip(*results, strict=True))
    return tuple(
        [_stacked(column, loop, dtypes[i] if dtypes else None) for i, column in enumerate(columns)]
    )


def _stacked(results: Sequence[Any], loop: tuple[int, ...], dtype: Any) -> Any:
    """Results as one array, of the dtype of the first, as NumPy has it."""
    values = [array(x) for x in results]
    to = values[0].dtype if dtype is None else np.dtype(dtype)
    joined = stack([cast.astype(x, to) for x in values])
    return shape.reshape(joined, loop + values[0].shape)
