"""Ops across the examples of a batch, which refer to the mapped axis by its name.

What they mean is what `vmap` with that name puts in their place: a sum over the mapped axis, its
numbers. To `vmap` with another name they are ops like others. What is the same for all examples
then has no mapped axis (`Shared`).

In reverse mode the cotangent of a sum's operand is the sum of the cotangents of all examples, as if
the sum of all outputs were differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from ..axes import is_named, unbound
from ..errors import ShapeError
from ..ir import ArrayType
from ..primitive import LINEAR, NOT_LINEAR, ZERO, Declared, Primitive, Rule, Shared
from ..recorder import bind
from .cast import astype
from .elementwise import divide, equal, multiply, where
from .index import gather
from .reduce import reduce_max, reduce_min
from .shape import broadcast_to, expand_dims, moveaxis, reduce_sum

Pairs = tuple[tuple[int, int], ...]


def collective(
    name: str,
    infer: Callable[..., ArrayType],
    across: Rule,
    alone: Rule,
    *,
    jvp: Rule | Declared = LINEAR,
    transpose: Rule | Declared = NOT_LINEAR,
) -> Primitive:
    """An op of one operand and of the axis `axis_name`, which has some `length`.

    A parameter `axis` is an axis of the operand or of the result that other mapped axes move on.

    Args:
        infer: `(type, length, **params)` gives the output's type.
        across: `(x, length, **params)` gives the output for all examples, whose axis is first.
        alone: the same for an x that all examples share.
    """

    def batch(
        size: int, operands: Sequence[Any], mapped: Sequence[bool], *,
        axis_name: Hashable, length: int, **params: Any,
    ) -> Any:  # fmt: skip
        if is_named(size, axis_name):
            return (across if mapped[0] else alone)(operands[0], length, **params)
        if "axis" in params:
            params["axis"] += 1
        return bind(primitive, *operands, axis_name=axis_name, length=length, **params)

    def impl(x: Any, *, axis_name: Hashable, **_: Any) -> Any:
        raise unbound(axis_name, name)

    def text(x: str, *, axis_name: Hashable, length: int, **params: Any) -> str:
        options = [f"{key}={value}" for key, value in params.items()]
        return f"{name}({', '.join([x, repr(axis_name), *options])})"

    primitive = Primitive(
        name,
        infer=lambda x, *, axis_name, length, **params: infer(x, length, **params),
        impl=impl,
        jvp=jvp,
        transpose=transpose,
        batch=batch,
        text=text,
        effects=lambda *, axis_name, **_: frozenset([axis_name]),
    )
    return primitive


def _same(x: ArrayType, length: int, **_: Any) -> ArrayType:
    return x


# Reductions over the examples


def _repeated(x: Any, length: int) -> Shared:
    return Shared(multiply(x, np.array(length).astype(x.dtype)[()]))


def _extremum(reduce: Callable[..., Any]) -> Rule:
    def across(x: Any, length: int) -> Any:
        return Shared(reduce(x, (0,))) if length else x  # of no examples nobody sees it

    return across


def _extremum_jvp(primals: Any, tangents: Any, out: Any, **named: Any) -> Any:
    """Examples that share the extremum share the tangent equally."""
    (x,), (t,) = primals, tangents
    chosen = astype(equal(x, out), t.dtype)
    return divide(
        bind(PSUM, multiply(t, chosen), **named), bind(PSUM, chosen, **named)
    )  # fmt: skip


PSUM = collective(
    "psum",
    _same,
    lambda x, length: Shared(reduce_sum(x, (0,))),
    _repeated,
    transpose=lambda ct, operands, **named: (bind(PSUM, ct, **named),),
)
PMAX = collective(
    "pmax", _same, _extremum(reduce_max), lambda x, length: Shared(x), jvp=_extremum_jvp
)
PMIN = collective(
    "pmin", _same, _extremum(reduce_min), lambda x, length: Shared(x), jvp=_extremum_jvp
)

# Exchanges between the examples


def _gathered(x: ArrayType, length: int, *, axis: int) -> ArrayType:
    shape = list(x.shape)
    shape.insert(axis, length)
    return x.with_shape(shape)


def _copies(x: Any, length: int, *, axis: int) -> Any:
    wide = expand_dims(x, (axis,))
    return Shared(broadcast_to(wide, (*x.shape[:axis], length, *x.shape[axis:])))


ALL_GATHER = collective(
    "all_gather",
    _gathered,
    lambda x, length, *, axis: Shared(moveaxis(x, 0, axis)),
    _copies,
    transpose=lambda ct, operands, **named: (bind(PSUM_SCATTER, ct, **named),),
)


def _demand_length(name: str, x: ArrayType, length: int, axis: int) -> None:
    if x.shape[axis] != length:
        raise ShapeError(
            f"{name}: axis {axis} of an array of shape {x.shape} is to have a place for each of "
            f"{length} examples"
        )


def _scattered(x: ArrayType, length: int, *, axis: int) -> ArrayType:
    _demand_length("psum_scatter", x, length, axis)
    return x.with_shape([*x.shape[:axis], *x.shape[axis + 1 :]])


PSUM_SCATTER = collective(
    "psum_scatter",
    _scattered,
    lambda x, length, *, axis: moveaxis(reduce_sum(x, (0,)), axis, 0),
    lambda x, length, *, axis: moveaxis(_repeated(x, length).value, axis, 0),
    transpose=lambda ct, operands, **named: (bind(ALL_GATHER, ct, **named),),
)


def _exchanged(x: ArrayType, length: int, *, axis: int) -> ArrayType:
    _demand_length("all_to_all", x, length, axis)
    return x


def _dealt(x: Any, length: int, *, axis: int) -> Any:
    """Example i of the batch gets element i from each of the others, which have the same."""
    own = expand_dims(moveaxis(x, axis, 0), (axis + 1,))
    return broadcast_to(own, (length, *x.shape))


ALL_TO_ALL = collective(
    "all_to_all",
    _exchanged,
    lambda x, length, *, axis: moveaxis(moveaxis(x, axis + 1, 0), 1, axis + 1),
    _dealt,
    transpose=lambda ct, operands, **named: (bind(ALL_TO_ALL, ct, **named),),
)


def _sources(length: int, perm: Pairs) -> tuple[Any, Any]:
    """For each example which other it gets its value from, and whether there is one."""
    source, reached = np.zeros(length, np.intp), np.zeros(length, bool)
    for start, end in perm:
        source[end], reached[end] = start, True
    return source, reached


def _received(x: Any, reached: Any) -> Any:
    """Values of examples, zero for those that get none."""
    mask = reached.reshape(-1, *(1,) * (x.ndim - 1))
    return x if reached.all() else where(mask, x, x.dtype.type(0))


def _permuted(x: Any, length: int, *, perm: Pairs) -> Any:
    source, reached = _sources(length, perm)
    return _received(gather(x, [source], (0,)), reached) if length else x


def _sent(x: Any, length: int, *, perm: Pairs) -> Any:
    reached = _sources(length, perm)[1]
    if reached.all():
        return Shared(x)
    return _received(broadcast_to(x, (length, *x.shape)), reached)


def _sent_back(ct: Any, operands: Any, *, perm: Pairs, **named: Any) -> Any:
    inverse = tuple(sorted((end, start) for start, end in perm))
    return (bind(PPERMUTE, ct, perm=inverse, **named),)


PPERMUTE = collective("ppermute", _same, _permuted, _sent, transpose=_sent_back)

# The number of an example


def _index_batch(
    size: int, operands: Any, mapped: Any, *, axis_name: Hashable, length: int
) -> Any:  # fmt: skip
    return np.arange(length)


def _index_impl(*, axis_name: Hashable, length: int) -> Any:
    raise unbound(axis_name, "axis_index")


AXIS_INDEX = Primitive(
    "axis_index",
    infer=lambda *, axis_name, length: ArrayType((), np.int64),
    impl=_index_impl,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=_index_batch,
    text=lambda *, axis_name, length: f"axis_index({axis_name!r})",
    effects=lambda *, axis_name, length: frozenset([axis_name]),
)
