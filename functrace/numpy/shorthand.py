"""`r_` and `c_`: arrays joined by an index, `r_[x, 0, 1:4]`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedFunctionError
from ..ops import cast, shape
from .creation import array, has_tracer
from .joining import concatenate


class Joiner:
    """As `np.r_` or `np.c_`, and of traced arrays.

    Example:
        >>> import functrace as ft, functrace.numpy as fnp
        >>> ft.jit(lambda x: fnp.r_[x, 0, x])(2.0)
        array([2., 0., 2.])
    """

    def __init__(self, plain: Any, axis: int):
        self._plain = plain
        self._axis = axis

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(map(has_tracer, parts)):
            return self._plain[key]
        how = parts[:1] if isinstance(parts[0], str) else ()
        if how and how[0] in ("r", "c"):
            raise UnsupportedFunctionError(
                f"r_[{how[0]!r}, ...] makes a matrix, which cannot be traced", "use c_ or np.stack"
            )
        axis = int(how[0].partition(",")[0]) if how else self._axis
        given = [array(x) if has_tracer(x) and isinstance(x, (list, tuple)) else x
                 for x in parts[len(how) :]]  # fmt: skip
        made = [self._part(how, x) for x in given]
        # Numbers give way to the dtypes of arrays; slices and lists are arrays.
        typed = [x if has_tracer(x) or isinstance(x, (int, float, complex)) else part
                 for x, part in zip(given, made, strict=True)]  # fmt: skip
        return concatenate(made, axis, dtype=cast.result_dtype(*typed))

    def _part(self, how: tuple[str, ...], x: Any) -> Any:
        """One part with as many axes as the result; of a traced one NumPy tells where they are."""
        if not has_tracer(x):
            return self._plain[(*how, x)]
        return shape.reshape(x, self._plain[(*how, np.empty(x.shape))].shape)


r_ = Joiner(np.r_, 0)
c_ = Joiner(np.c_, -1)
