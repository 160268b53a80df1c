"""Elementwise primitives that are routines of ours, in double precision, with static orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import ArrayType
from ..primitive import NOT_LINEAR, PRIMITIVES, Primitive, Rule
from ..recorder import bind
from ._families import align_ranks
from .shape import broadcast_shapes, broadcast_to

Slope = Callable[[], Any]


def numeric(name: str, function: Callable[..., Any], slopes: Rule) -> Primitive:
    """An elementwise primitive of operands of one real dtype.

    Args:
        function: `(*arrays, **orders)`, the values, for arrays of one axis in double precision.
        slopes: `(out, *operands, **orders)`, a partial derivative for each operand, as a function
            of nothing that computes it if it is needed.
    """

    def infer(*types: ArrayType, **_: int) -> ArrayType:
        return ArrayType(broadcast_shapes(name, [t.shape for t in types]), types[0].dtype)

    def impl(*operands: Any, **orders: int) -> Any:
        wide = np.broadcast_arrays(*[np.asarray(x, np.float64) for x in operands])
        with np.errstate(all="ignore"):
            value = function(*[x.ravel() for x in wide], **orders)
        return value.reshape(wide[0].shape).astype(operands[0].dtype)[()]

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], out: Any, **orders: int) -> Any:
        partials = slopes(out, *primals, **orders)
        terms = [
            t * partial() for t, partial in zip(tangents, partials, strict=True) if t is not None
        ]
        return broadcast_to(sum(terms[1:], terms[0]), out.shape)

    def batch(size: int, operands: Any, mapped: Any, **orders: int) -> Any:
        return bind(PRIMITIVES[name], *align_ranks(size, operands, mapped), **orders)

    def text(*operands: str, **orders: int) -> str:
        return f"{name}({', '.join([*operands, *(f'{k}={n}' for k, n in orders.items())])})"

    return Primitive(
        name,
        infer=infer,
        impl=impl,
        jvp=jvp,
        transpose=NOT_LINEAR,
        batch=batch,
        text=text,
        elementwise=True,
    )
