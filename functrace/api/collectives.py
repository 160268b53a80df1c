"""Functions across the examples of a batch: `psum` and the others, for `vmap` with `axis_name`."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from .. import axes, tree
from ..errors import ArgumentError, OptionError, ShapeError
from ..ops import collectives as ops
from ..ops.cast import astype
from ..ops.shape import moveaxis, normalize_axis, reshape
from ..primitive import Primitive
from ..recorder import bind
from ..tracer import Tracer
from ..values import operand
from ._border import leaf_types, short_tracebacks

Name = Hashable | Sequence[Hashable]

_INTEGERS = np.dtype(np.int64)


@short_tracebacks
def psum(x: Any, axis_name: Name, *, axis_index_groups: Any = None) -> Any:
    """The sum over all examples of a mapped axis, or of several.

    A derivative with respect to one example's x, taken inside of the mapped function, is that of
    the sum of all examples' outputs, as in JAX.

    Args:
        x: an array of numbers, or a tree of them. Booleans count as integers. A plain number gives
            a plain number: `psum(1, "batch")` is the length of the axis.
        axis_name: the name that `vmap` gave to the axis; a tuple of names for several axes.
        axis_index_groups: accepted for likeness to JAX's function; must be `None`.

    Returns:
        The sum, the same for all examples, with the shapes and dtypes of x.

    Raises:
        UnboundAxisError: when no mapped axis has the name.

    Example:
        >>> import numpy as np, functrace as ft
        >>> share = ft.vmap(lambda x: x / ft.psum(x, "batch"), axis_name="batch")
        >>> share(np.array([1.0, 2.0, 5.0]))
        array([0.125, 0.25 , 0.625])
    """
    _no_groups("psum", axis_index_groups)
    return _reduced(ops.PSUM, x, axis_name, lambda leaf, size: leaf * size)


@short_tracebacks
def pmean(x: Any, axis_name: Name, *, axis_index_groups: Any = None) -> Any:
    """The mean over all examples of a mapped axis. Arguments and errors as for `psum`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> centred = ft.vmap(lambda x: x - ft.pmean(x, "batch"), axis_name="batch")
        >>> centred(np.array([1.0, 2.0, 6.0]))
        array([-2., -1.,  3.])
    """
    _no_groups("pmean", axis_index_groups)
    size = _length(axis_name, "pmean")
    total = _reduced(ops.PSUM, x, axis_name, lambda leaf, size: leaf * size, "pmean")
    return tree.map(lambda leaf: leaf / size, total)


@short_tracebacks
def pmax(x: Any, axis_name: Name, *, axis_index_groups: Any = None) -> Any:
    """The largest value of all examples of a mapped axis. Arguments and errors as for `psum`.

    Examples that share the largest value share its derivative equally.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.vmap(lambda x: x - ft.pmax(x, "batch"), axis_name="batch")(np.array([1.0, 2.0, 6.0]))
        array([-5., -4.,  0.])
    """
    _no_groups("pmax", axis_index_groups)
    return _reduced(ops.PMAX, x, axis_name, lambda leaf, size: leaf)


@short_tracebacks
def pmin(x: Any, axis_name: Name, *, axis_index_groups: Any = None) -> Any:
    """The smallest value of all examples of a mapped axis. As `pmax`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.vmap(lambda x: x - ft.pmin(x, "batch"), axis_name="batch")(np.array([1.0, 2.0, 6.0]))
        array([0., 1., 5.])
    """
    _no_groups("pmin", axis_index_groups)
    return _reduced(ops.PMIN, x, axis_name, lambda leaf, size: leaf)


@short_tracebacks
def all_gather(
    x: Any, axis_name: Name, *, axis_index_groups: Any = None, axis: int = 0, tiled: bool = False
) -> Any:
    """The values of all examples of a mapped axis, side by side.

    Args:
        x: an array, or a tree of them.
        axis_name: the name that `vmap` gave to the axis. For several the first counts slowest.
        axis_index_groups: accepted for likeness to JAX's function; must be `None`.
        axis: the axis of the result along which the examples lie.
        tiled: whether they are concatenated along an axis that x has, rather than stacked along a
            new one.

    Raises:
        UnboundAxisError: when no mapped axis has the name.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.vmap(lambda x: ft.all_gather(x, "batch"), axis_name="batch")(np.array([1.0, 2.0]))
        array([[1., 2.],
               [1., 2.]])
    """
    _no_groups("all_gather", axis_index_groups)
    names = _names(axis_name)
    size = _length(axis_name, "all_gather")

    def gathered(leaf: Any) -> Any:
        place = normalize_axis(axis, np.ndim(leaf) + (not tiled))
        full = leaf
        for name in reversed(names):
            full = bind(ops.ALL_GATHER, full, **_named(name, "all_gather"), axis=place)
        lead, rest = full.shape[:place], full.shape[place + len(names) :]
        merged = (size * rest[0], *rest[1:]) if tiled else (size, *rest)
        return reshape(full, (*lead, *merged))

    return _map(gathered, x, "all_gather")


@short_tracebacks
def ppermute(x: Any, axis_name: Hashable, perm: Sequence[tuple[int, int]]) -> Any:
    """Values handed from example to example of a mapped axis.

    Args:
        x: an array, or a tree of them.
        axis_name: the name that `vmap` gave to the axis.
        perm: pairs of the number of an example and that of the one that gets its value. Nobody
            gives twice or gets twice; who gets nothing has zeros.

    Raises:
        UnboundAxisError: when no mapped axis has the name.
        OptionError: for pairs that do not fit.

    Example:
        >>> import numpy as np, functrace as ft
        >>> turn = lambda x: ft.ppermute(x, "ring", [(0, 1), (1, 2), (2, 0)])
        >>> ft.vmap(turn, axis_name="ring")(np.array([1.0, 2.0, 3.0]))
        array([3., 1., 2.])
    """
    named = _named(_one_name(axis_name, "ppermute"), "ppermute")
    pairs = _pairs(perm, named["length"])
    return _map(lambda leaf: bind(ops.PPERMUTE, leaf, **named, perm=pairs), x, "ppermute")


@short_tracebacks
def psum_scatter(
    x: Any, axis_name: Hashable, *, scatter_dimension: int = 0, axis_index_groups: Any = None,
    tiled: bool = False,
) -> Any:  # fmt: skip
    """The sum over all examples of a mapped axis, of which each gets its part.

    Args:
        x: an array, or a tree of them, with a part for each example along an axis.
        axis_name: the name that `vmap` gave to the axis.
        scatter_dimension: the axis of x along which the parts lie.
        axis_index_groups: accepted for likeness to JAX's function; must be `None`.
        tiled: whether a part is a slice of that axis, rather than one element without it.

    Raises:
        UnboundAxisError: when no mapped axis has the name.
        ShapeError: when the axis has another length than there are parts.

    Example:
        >>> import numpy as np, functrace as ft
        >>> part = lambda x: ft.psum_scatter(x, "batch")
        >>> ft.vmap(part, axis_name="batch")(np.array([[1.0, 2.0], [10.0, 20.0]]))
        array([11., 22.])
    """
    _no_groups("psum_scatter", axis_index_groups)
    named = _named(_one_name(axis_name, "psum_scatter"), "psum_scatter")

    def scattered(leaf: Any) -> Any:
        place = normalize_axis(scatter_dimension, np.ndim(leaf))
        parts = _in_parts(leaf, place, named["length"], "psum_scatter") if tiled else leaf
        return bind(ops.PSUM_SCATTER, parts, **named, axis=place)

    return _map(scattered, x, "psum_scatter", numbers=True)


@short_tracebacks
def all_to_all(
    x: Any, axis_name: Hashable, split_axis: int, concat_axis: int, *,
    axis_index_groups: Any = None, tiled: bool = False,
) -> Any:  # fmt: skip
    """Parts exchanged between all examples of a mapped axis: each gets one from each.

    Args:
        x: an array, or a tree of them, with a part for each example along `split_axis`.
        axis_name: the name that `vmap` gave to the axis.
        split_axis: the axis of x along which the parts to be given lie.
        concat_axis: the axis of the result along which those that were received lie.
        axis_index_groups: accepted for likeness to JAX's function; must be `None`.
        tiled: whether a part is a slice of `split_axis`, and parts are concatenated along an axis
            that x has; rather than one element without that axis, along a new one.

    Raises:
        UnboundAxisError: when no mapped axis has the name.
        ShapeError: when the axis has another length than there are parts.

    Example:
        >>> import numpy as np, functrace as ft
        >>> swap = lambda x: ft.all_to_all(x, "batch", 0, 0)
        >>> ft.vmap(swap, axis_name="batch")(np.array([[1, 2], [3, 4]]))
        array([[1, 3],
               [2, 4]])
    """
    _no_groups("all_to_all", axis_index_groups)
    named = _named(_one_name(axis_name, "all_to_all"), "all_to_all")

    def exchanged(leaf: Any) -> Any:
        split = normalize_axis(split_axis, np.ndim(leaf))
        place = normalize_axis(concat_axis, np.ndim(leaf))
        parts = _in_parts(leaf, split, named["length"], "all_to_all") if tiled else leaf
        received = bind(ops.ALL_TO_ALL, parts, **named, axis=split)
        moved = moveaxis(received, split, place)
        if not tiled:
            return moved
        shape = moved.shape
        return reshape(
            moved, (*shape[:place], shape[place] * shape[place + 1], *shape[place + 2 :])
        )

    return _map(exchanged, x, "all_to_all")


@short_tracebacks
def axis_index(axis_name: Name) -> Any:
    """The number of an example along a mapped axis, counted from 0.

    Args:
        axis_name: the name that `vmap` gave to the axis. For several the last counts fastest.

    Raises:
        UnboundAxisError: when no mapped axis has the name.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.vmap(lambda x: x * ft.axis_index("batch"), axis_name="batch")(np.ones(3))
        array([0., 1., 2.])
    """
    first, *inner = [_named(name, "axis_index") for name in _names(axis_name)]
    number = bind(ops.AXIS_INDEX, **first)
    for named in inner:
        number = number * named["length"] + bind(ops.AXIS_INDEX, **named)
    return number


@short_tracebacks
def axis_size(axis_name: Name) -> int:
    """The number of examples along a mapped axis, an int.

    Args:
        axis_name: the name that `vmap` gave to the axis; for several the product is given.

    Raises:
        UnboundAxisError: when no mapped axis has the name.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.vmap(lambda x: x / ft.axis_size("batch"), axis_name="batch")(np.ones(4))
        array([0.25, 0.25, 0.25, 0.25])
    """
    return _length(axis_name, "axis_size")


# Names


def _names(axis_name: Name) -> list[Hashable]:
    names = list(axis_name) if isinstance(axis_name, (tuple, list)) else [axis_name]
    if not names:
        raise ArgumentError("there is no axis in an empty tuple of names")
    return names


def _one_name(axis_name: Name, function: str) -> Hashable:
    names = _names(axis_name)
    if len(names) != 1:
        raise ArgumentError(f"{function} is along one axis, and was given {axis_name!r}")
    return names[0]


def _named(name: Hashable, function: str) -> dict[str, Any]:
    return {"axis_name": name, "length": axes.length(name, function)}


def _length(axis_name: Name, function: str) -> int:
    return math.prod([axes.length(name, function) for name in _names(axis_name)])


# Operands


def _no_groups(function: str, groups: Any) -> None:
    if groups is not None:
        raise OptionError(
            f"{function}(axis_index_groups=...) is not supported",
            "split the mapped axis in two, by reshape and a vmap in a vmap, each with a name",
        )


def _map(call: Callable[[Any], Any], x: Any, function: str, numbers: bool = False) -> Any:
    leaves, structure = tree.flatten(x)
    leaf_types(leaves, [f"{function}: x{path}" for path in tree.paths(structure)])
    given = [operand(leaf) for leaf in leaves]
    if numbers:
        given = [astype(leaf, _INTEGERS) if leaf.dtype == bool else leaf for leaf in given]
    return tree.unflatten(structure, [call(leaf) for leaf in given])


def _reduced(
    primitive: Primitive, x: Any, axis_name: Name, shared: Callable[[Any, int], Any],
    function: str = "",
) -> Any:  # fmt: skip
    """Reduce over some axes.

    Args:
        shared: for a value that is no tracer and an axis's length, the result.
    """
    function = function or primitive.name
    named = [_named(name, function) for name in _names(axis_name)]
    counts = primitive is ops.PSUM

    def reduced(leaf: Any) -> Any:
        for axis in named:
            if type(leaf) is not Tracer:
                leaf = shared(leaf, axis["length"])
                continue
            if counts and leaf.dtype == bool:
                leaf = astype(leaf, _INTEGERS)
            leaf = bind(primitive, leaf, **axis)
        return leaf

    leaves, structure = tree.flatten(x)
    leaf_types(leaves, [f"{function}: x{path}" for path in tree.paths(structure)])
    return tree.unflatten(structure, [reduced(leaf) for leaf in leaves])


def _in_parts(x: Any, axis: int, count: int, function: str) -> Any:
    """An array with an axis split in two, a number of parts and their length."""
    size, rest = divmod(x.shape[axis], count) if count else (0, x.shape[axis])
    if rest:
        raise ShapeError(
            f"{function}(tiled=True): axis {axis} of an array of shape {x.shape} cannot be split "
            f"into {count} equal parts"
        )
    return reshape(x, (*x.shape[:axis], count, size, *x.shape[axis + 1 :]))


def _pairs(perm: Sequence[tuple[int, int]], length: int) -> ops.Pairs:
    try:
        pairs = tuple(sorted((int(start), int(end)) for start, end in perm))
    except (TypeError, ValueError):
        raise OptionError(
            f"ppermute: perm={perm!r} is no sequence of pairs", "write [(source, destination), ...]"
        ) from None
    for column in zip(*pairs, strict=True):
        if len(set(column)) < len(column) or not all(0 <= number < length for number in column):
            raise OptionError(
                f"ppermute: perm={list(pairs)!r} for {length} examples",
                f"each source and each destination is one of 0 ... {length - 1}, and comes once",
            )
    return pairs
