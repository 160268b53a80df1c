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
from ..primitive import Primitive
from .accurate import as_written, column_sums, inner, inner_in_runs, rows


class Kernel(NamedTuple):
    """How a step runs, and what there is to know about it.

    Attributes:
        make: `make(*params)` gives the callable.
        view: whether the result shares, or may share, the memory of the first operand.
        make_into: gives a callable that takes an array for the result, `out=`.
        writes: whether `make_into` is to be had for some parameters.
        make_changing: gives a callable that changes its first operand and gives it.
        changes: whether `make_changing` is to be had for some parameters.
        over_operand: whether `out` may be an operand.
        read_only: whether NumPy lets nobody write to the result.
        several: whether the results are a sequence, even when there is one.
        carries_plans: whether there are plans among the parameters, which the engine is to run.
    """

    make: Callable[..., Callable[..., Any]]
    view: bool = False
    make_into: Callable[..., Callable[..., Any]] | None = None
    writes: Callable[..., bool] = lambda *_: True
    make_changing: Callable[..., Callable[..., Any]] | None = None
    changes: Callable[..., bool] = lambda *_: True
    over_operand: bool = False
    read_only: bool = False
    several: bool = False
    carries_plans: bool = False

    def can_write(self, params: tuple[Any, ...]) -> bool:
        """Whether the kernel can write its result into a given array."""
        return self.make_into is not None and self.writes(*params)

    def can_change(self, params: tuple[Any, ...]) -> bool:
        """Whether the kernel can change its first operand in place of giving a result."""
        return self.make_changing is not None and self.changes(*params)


def _reduce(ufunc: np.ufunc, axes: tuple[int, ...], dtype: np.dtype[Any]) -> Callable[..., Any]:
    return partial(reduced, ufunc, axis=axes, dtype=dtype)


Params = tuple[tuple[str, Any], ...]


def _call(primitive: Primitive, params: Params) -> Callable[..., Any]:
    impl = primitive.impl
    return partial(impl, **dict(params)) if params else impl


def _call_into(primitive: Primitive, params: Params) -> Callable[..., Any]:
    into = primitive.into
    assert into is not None
    return partial(into, **dict(params)) if params else into


def _convert_into(x: Any, out: Any) -> Any:
    np.copyto(out, x, casting="unsafe")
    return out


def _change(primitive: Primitive, params: Params) -> Callable[..., Any]:
    """An assignment that changes its first operand, and gives it."""
    return partial(CHANGES[primitive], **dict(params))


def _slice(ranges: Any) -> Callable[..., Any]:
    return itemgetter(tuple([python_slice(*r) for r in ranges]))


def _windows(sizes: Any, strides: Any, dilations: Any) -> Callable[..., Any]:
    return partial(windows_view, sizes=sizes, strides=strides, dilations=dilations)


def _columns(before: int, count: int, after: int, shape: Any) -> Callable[..., Any]:
    return lambda x: column_sums(x.reshape(before, count, after)).reshape(shape)


def _nested(primitive: Primitive, *_: Any) -> Callable[..., Any]:
    raise TypeError(f"{primitive} carries plans, which an engine runs")


KERNELS: dict[str, Kernel] = {
    "ufunc": Kernel(lambda ufunc: ufunc, make_into=lambda ufunc: ufunc, over_operand=True),
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
    "call": Kernel(
        _call,
        make_into=_call_into,
        writes=lambda primitive, _: primitive.into is not None,
        make_changing=_change,
        changes=lambda primitive, _: primitive in CHANGES,
    ),
    "astype": Kernel(
        lambda dtype: methodcaller("astype", dtype), make_into=lambda dtype: _convert_into
    ),
    "reshape": Kernel(lambda shape: methodcaller("reshape", shape), view=True),
    "transpose": Kernel(lambda permutation: methodcaller("transpose", permutation), view=True),
    "slice": Kernel(_slice, view=True),
    "broadcast": Kernel(
        lambda shape: partial(np.broadcast_to, shape=shape), view=True, read_only=True
    ),
    "windows": Kernel(_windows, view=True, read_only=True),
    "diagonal": Kernel(lambda a, b: methodcaller("diagonal", 0, a, b), view=True, read_only=True),
    "nested": Kernel(_nested, several=True, carries_plans=True),
    "copy": Kernel(lambda: np.array),
    "scalar": Kernel(lambda: itemgetter(()), view=True),
}
