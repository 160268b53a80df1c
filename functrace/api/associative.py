"""`associative_scan`: all prefixes of a sum, or of another associative operation, in few steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import tree
from ..errors import ArgumentError, ShapeError
from ..ops.index import concatenate, flip, slice_axis
from ..ops.shape import normalize_axis, reshape
from ..tracer import Tracer
from ..values import operand
from ._border import leaf_types, short_tracebacks


@short_tracebacks
def associative_scan(
    fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All prefixes of an associative operation, in a number of steps like the logarithm of theirs.

    Each step is one call of the operation for many pairs, where `scan` makes one for each element
    (Blelloch 1990, Prefix sums and their applications).

    Args:
        fn: associative; from two trees of arrays to one. It is called with many elements, along
            `axis`, and must treat each pair alone.
        elems: a tree of arrays of one length along `axis`.
        reverse: take suffixes in place of prefixes.

    Returns:
        A tree like `elems`: at place i along `axis`, the elements up to i combined.

    Raises:
        ShapeError: when the arrays differ in length.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.associative_scan(np.multiply, np.array([1.0, 2.0, 3.0, 4.0]))
        array([ 1.,  2.,  6., 24.])
    """
    leaves, structure = tree.flatten(elems)
    leaves = [operand(x) for x in leaves]
    paths = tree.paths(structure)
    types = leaf_types(leaves, [f"associative_scan: elems{path}" for path in paths])
    if not types:
        raise ArgumentError("associative_scan: there are no arrays in elems")
    axes = [normalize_axis(axis, type.ndim) for type in types]
    if len({type.shape[a] for type, a in zip(types, axes, strict=True)}) != 1:
        rows = [f"      elems{p}: shape {t.shape}" for p, t in zip(paths, types, strict=True)]
        raise ShapeError(
            f"associative_scan: arrays must have one length along axis {axis}, but\n"
            + "\n".join(rows)
        )

    def combine(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
        result = fn(tree.unflatten(structure, left), tree.unflatten(structure, right))
        return tree.flatten_up_to(structure, result)

    def turned(values: Sequence[Any]) -> list[Any]:
        return [flip(x, [a]) for x, a in zip(values, axes, strict=True)] if reverse else [*values]

    return tree.unflatten(structure, turned(_prefixes(combine, turned(leaves), axes)))


def _prefixes(combine: Any, values: list[Any], axes: Sequence[int]) -> list[Any]:
    """Combine neighbours, take the prefixes of these, and fill the places between."""
    length = values[0].shape[axes[0]]
    if length < 2:
        return [x if type(x) is Tracer else x.copy() for x in values]
    half = length // 2
    left, right = ([_every(x, a, first, half) for x, a in zip(values, axes, strict=True)]
                   for first in (0, 1))  # fmt: skip
    odd = _prefixes(combine, combine(left, right), axes)
    count = (length - 1) // 2
    before = [slice_axis(x, a, 0, count) for x, a in zip(odd, axes, strict=True)]
    after = [_every(x, a, 2, count) for x, a in zip(values, axes, strict=True)]
    between = combine(before, after) if count else after
    return [
        _interleaved(concatenate([slice_axis(x, a, 0, 1), even], a), o, a)
        for x, even, o, a in zip(values, between, odd, axes, strict=True)
    ]


def _every(x: Any, axis: int, first: int, count: int) -> Any:
    """Every second slice from the first on."""
    return slice_axis(x, axis, first, count, 2)


def _interleaved(even: Any, odd: Any, axis: int) -> Any:
    """Slices of two arrays in turn; the first has as many as the second, or one more."""
    count = odd.shape[axis]
    wide = [
        reshape(x, (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
        for x in (slice_axis(even, axis, 0, count), odd)
    ]
    pairs = concatenate(wide, axis + 1)
    shape = list(odd.shape)
    shape[axis] = 2 * count
    both = reshape(pairs, tuple(shape))
    if even.shape[axis] == count:
        return both
    return concatenate([both, slice_axis(even, axis, count, 1)], axis)
