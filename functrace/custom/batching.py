"""Ways to make a function of many examples of one that takes one, by name.

| method                 | what happens                                                          |
|------------------------|-----------------------------------------------------------------------|
| `sequential`           | one call for each example, in a loop                                  |
| `sequential_unrolled`  | one call for each example, without a loop                             |
| `expand_dims`          | one call; the mapped axis is first, of length 1 where it is not there |
| `broadcast_all`        | one call; all have the mapped axis at its full length                 |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..control.loop import Loop
from ..control.programs import build
from ..ir import ArrayType
from ..lists import partition
from ..ops.index import concatenate, materialize, slice_axis
from ..ops.shape import expand_dims, reshape
from ..recorder import type_of

METHODS = ("sequential", "sequential_unrolled", "expand_dims", "broadcast_all")
Types = Sequence[ArrayType]


def batched(
    method: str, size: int, operands: Sequence[Any], mapped: Sequence[bool], types: Types,
    one: Callable[[Sequence[Any]], Sequence[Any]], many: Callable[[Sequence[Any]], Sequence[Any]],
) -> Sequence[Any]:  # fmt: skip
    """The outputs for all examples.

    Args:
        types: of the outputs for one example.
        one: the function of the operands of one example.
        many: the function of the operands of all.
    """
    if method == "sequential":
        return _looped(one, size, operands, mapped)
    if method == "sequential_unrolled":
        return _unrolled(one, size, operands, mapped, types)
    return many(
        [
            x if on else expand_dims(x, (0,)) if method == "expand_dims"
            else materialize(size, x, on)
            for x, on in zip(operands, mapped, strict=True)
        ]
    )  # fmt: skip


def _unrolled(
    one: Callable[..., Sequence[Any]], size: int, operands: Sequence[Any], mapped: Sequence[bool],
    types: Types,
) -> list[Any]:  # fmt: skip
    rows = []
    for i in range(size):
        row = [
            reshape(slice_axis(x, 0, i, 1), x.shape[1:]) if on else x
            for x, on in zip(operands, mapped, strict=True)
        ]
        rows.append([expand_dims(y, (0,)) for y in one(row)])
    if not rows:
        return [np.zeros((0, *type.shape), type.dtype) for type in types]
    return [concatenate(column, 0) for column in zip(*rows, strict=True)]


def _looped(
    one: Callable[..., Sequence[Any]], size: int, operands: Sequence[Any], mapped: Sequence[bool]
) -> Sequence[Any]:
    rows, shared = partition(operands, mapped)
    count = len(shared)

    def body(inputs: list[Any]) -> Sequence[Any]:
        fixed, slices = iter(inputs[:count]), iter(inputs[count:])
        return one([next(slices) if on else next(fixed) for on in mapped])

    slices = [type_of(x).strong.with_shape(x.shape[1:]) for x in rows]
    program = build(body, [*[type_of(x).strong for x in shared], *slices], "one_example")
    return Loop(program, count, 0, size).bind(shared, [], rows)[1]
