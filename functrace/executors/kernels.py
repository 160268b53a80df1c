"""The kernels that a plan's steps name.

A kernel is a name, and a way from static parameters to a callable of NumPy values. A `view`
shares the memory of its first operand, or may; all others give fresh memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter, methodcaller
from typing import Any, NamedTuple

import numpy as np

from ..ops._large import reduced
from ..ops.index import CHANGES, python_slice
from ..ops.windows import windows_view
from ..primitive import PRIMITIVES
from .accurate import as_written, column_sums, inner, inner_in_runs, rows


class Kernel(NamedTuple):
    """How a step runs: `make(*params)` gives the callable.

    `make_into(*params)` gives one that takes an array for the result, `out=`.
    """

    make: Callable[..., Callable[..., Any]]
    view: bool = False
    make_into: Callable[..., Callable[..., Any]] | None = None


def _reduce(ufunc: np.ufunc, axes: tuple[int, ...], dtype: np.dtype[Any]) -> Callable[..., Any]:
    return partial(reduced, ufunc, axis=axes, dtype=dtype)


def _call(name: str, params: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    impl = PRIMITIVES[name].impl
    return partial(impl, **dict(params)) if params else impl


def _call_into(name: str, params: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    into = PRIMITIVES[name].into
    assert into is not None
    return partial(into, **dict(params)) if params else into


def _convert_into(x: Any, out: Any) -> Any:
    np.copyto(out, x, casting="unsafe")
    return out


def change_in_place(name: str, params: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    """An assignment that changes its first operand, and gives it."""
    return partial(CHANGES[name], **dict(params))


def _slice(ranges: Any) -> Callable[..., Any]:
    return itemgetter(tuple([python_slice(*r) for r in ranges]))


def _windows(sizes: Any, strides: Any, dilations: Any) -> Callable[..., Any]:
    return partial(windows_view, sizes=sizes, strides=strides, dilations=dilations)


def _columns(before: int, count: int, after: int, shape: Any) -> Callable[..., Any]:
    return lambda x: column_sums(x.reshape(before, count, after)).reshape(shape)


KERNELS: dict[str, Kernel] = {
    "ufunc": Kernel(lambda ufunc: ufunc, make_into=lambda ufunc: ufunc),
    "operator": Kernel(lambda function: function),
    "reduce": Kernel(_reduce),
    "columns": Kernel(_columns),
    "inner": Kernel(lambda: inner),
    "inner_in_runs": Kernel(lambda count: partial(inner_in_runs, count=count)),
    "rows": Kernel(lambda: rows),
    "as_written": Kernel(lambda form: partial(as_written, form=form), view=True),
    "dot": Kernel(lambda: np.dot, make_into=lambda: np.dot),
    "matmul": Kernel(lambda: np.matmul, make_into=lambda: np.matmul),
    "vecdot": Kernel(lambda: np.vecdot, make_into=lambda: np.vecdot),
    "einsum": Kernel(
        lambda spec: partial(np.einsum, spec), make_into=lambda spec: partial(np.einsum, spec)
    ),
    "call": Kernel(_call, make_into=_call_into),
    "astype": Kernel(
        lambda dtype: methodcaller("astype", dtype), make_into=lambda dtype: _convert_into
    ),
    "reshape": Kernel(lambda shape: methodcaller("reshape", shape), view=True),
    "transpose": Kernel(lambda permutation: methodcaller("transpose", permutation), view=True),
    "slice": Kernel(_slice, view=True),
    "broadcast": Kernel(lambda shape: partial(np.broadcast_to, shape=shape), view=True),
    "windows": Kernel(_windows, view=True),
    "diagonal": Kernel(lambda a, b: methodcaller("diagonal", 0, a, b), view=True),
    "copy": Kernel(lambda: np.array),
    "scalar": Kernel(lambda: itemgetter(()), view=True),
}
