"""Batching: `vmap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import tree
from ..axes import Axis, scope, with_name
from ..control.chunks import vmap_in_chunks
from ..errors import ArgumentError, MappedAxisError, TreeStructureError
from ..ir import ArrayType, Program
from ..memo.specialise import converted
from ..memo.structural import finished
from ..ops.shape import broadcast_to, moveaxis
from ..recorder import plain
from ..recording import Recording
from ..tracer import Tracer
from ..transforms.vmap import vmap as vmap_program
from ..tree import TreeDef
from ._border import call_names, leaf_types, remakes, transformed
from ._checks import demand_count
from ._execute import Runner
from ._select import Selection
from ._transform import Finished, Transform


@remakes
def vmap(
    fun: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: Any = None,
    axis_size: int | None = None,
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Apply a function of one example to many at once.

    No loop runs: the function's Program is rewritten so that every operation works on all examples.

    Args:
        fun: a function of arrays without the mapped axis.
        in_axes: for each positional argument the axis to map over, or `None` for an argument that
            all examples share; an int for all; trees of these for arguments that are trees. Keyword
            arguments are mapped over their first axis.
        out_axes: where the mapped axis goes in the output; `None` for an output without it.
        axis_name: a name by which `fun` can refer to the axis, in `psum` and the like; hashable.
        axis_size: the length of the axis, when no argument tells it.
        chunk_size: work on so many examples at once, one chunk after the other, which bounds the
            memory of what is computed on the way. The results are the same. In reverse mode all
            chunks keep what they need, unless `fun` is a `checkpoint`.

    Returns:
        A function of arrays with the mapped axis.

    Raises:
        MappedAxisError: when axes and arguments do not fit, naming each argument's path, shape
            and axis.
        ArgumentError: when `chunk_size` is no positive int, or used with functions of all examples
            such as `psum`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> W, X = np.ones((2, 3)), np.ones((5, 3))
        >>> ft.vmap(lambda W, x: W @ x, in_axes=(None, 0))(W, X).shape
        (5, 2)
    """
    if not callable(fun):
        raise ArgumentError(f"vmap takes a function, and was given a {type(fun).__qualname__}")
    _check_name(axis_name)
    if axis_size is not None and not (_is_axis(axis_size) and axis_size >= 0):
        raise MappedAxisError(f"vmap: axis_size is a length, not {axis_size!r}")
    if chunk_size is not None:
        demand_count(chunk_size, "vmap: chunk_size", "examples")
    in_axes, out_axes = tree.map(_same, in_axes), tree.map(_same, out_axes)  # lists may change

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        leaves, structure = tree.flatten((args, kwargs))
        names = call_names(fun, structure)
        types = leaf_types(leaves, names)
        axes = _in_axes(in_axes, args, structure)
        axes = [_normalized(a, t.ndim) for a, t in zip(axes, types, strict=True)]
        size = _axis_size(axes, types, names, axis_size)
        inner = [
            t if a is None else t.with_shape([n for i, n in enumerate(t.shape) if i != a])
            for a, t in zip(axes, types, strict=True)
        ]

        def call(arguments: Any) -> Any:
            with scope(with_name(axis_name, size)):
                return fun(*arguments[0], **arguments[1])

        return Selection(
            call, leaves, structure, names, inner, _everything, list,
            arrange=_arrangement(axes), details=(axes, size),
        )  # fmt: skip

    def finish(chosen: Selection, recording: Recording, out_tree: TreeDef) -> Finished:
        axes, size = chosen.details
        mapped = (*(a is not None for a in axes), *[False] * len(recording.captured))
        program = recording.program
        chunk = chunk_size if chunk_size is not None and chunk_size < size else None
        if chunk is not None and axis_name in program.effects:
            raise ArgumentError(
                f"vmap: the function refers to all examples of the axis {axis_name!r}, which "
                "chunk_size would part",
                "leave chunk_size away",
            )

        def make(shorter: Program) -> tuple[Runner, tuple[bool, ...]]:
            if chunk is None:
                batched, mapped_outputs = vmap_program(shorter, mapped, Axis(size, axis_name))
            else:
                batched, mapped_outputs = vmap_in_chunks(shorter, mapped, size, chunk)
            return Runner(batched, program), mapped_outputs

        runner, mapped_outputs = finished(
            ("vmap", mapped, size, axis_name, chunk), program, make, recording.guards
        )
        types = runner.program.output_types
        return Finished(
            runner,
            lambda outputs: _out(outputs, types, mapped_outputs, out_axes, out_tree, size),
            steady=axis_name is None,
        )

    options = ("vmap", _key(in_axes), _key(out_axes), axis_name, axis_size, chunk_size)
    return transformed(Transform(fun, options, choose, finish, "vmap"), fun, "vmap")


def _same(axis: Any) -> Any:
    return axis


def _key(axes: Any) -> Any:
    """A key for a tree of axes; the tree itself, which has no hash, where there is none."""
    try:
        return tree.exact(axes)
    except ArgumentError:
        return axes


def _everything(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    return args, dict(kwargs)


def _arrangement(axes: Sequence[Any]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """From the arguments to those with the mapped axis first; None where it is."""
    if not any(axes):
        return None
    return lambda leaves: [
        moveaxis(_array(leaf), axis, 0) if axis else leaf
        for leaf, axis in zip(leaves, axes, strict=True)
    ]


def _check_name(name: Any) -> None:
    try:
        hash(name)
    except TypeError:
        raise ArgumentError(
            f"vmap: axis_name is a {type(name).__qualname__}, which cannot be hashed",
            'give the axis a name such as axis_name="batch"',
        ) from None


def _is_axis(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _array(leaf: Any) -> Any:
    return leaf if type(leaf) is Tracer else plain(leaf)


def _axes_of(prefix: Any, structure: TreeDef, what: str) -> list[Any]:
    """An axis for each leaf of a structure, from a tree of axes that stops where it likes."""
    try:
        return tree.broadcast_prefix(
            prefix, structure, is_leaf=lambda axis: axis is None or _is_axis(axis)
        )
    except TreeStructureError as error:
        whose = "arguments" if what == "in_axes" else "output"
        raise MappedAxisError(
            f"vmap: {what}={prefix!r} does not fit the {whose}: {error.what}",
            f"give an int or None, or a tree of these with the structure of the {whose}",
        ) from None


def _in_axes(in_axes: Any, args: Sequence[Any], structure: TreeDef) -> list[Any]:
    positional, keyword = structure.children
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise MappedAxisError(
            f"vmap: in_axes has {len(in_axes)} entries for {len(args)} positional arguments",
            "give one int for all arguments, or one entry for each",
        )
    return _axes_of(in_axes, positional, "in_axes") + [0] * keyword.size


def _normalized(axis: Any, ndim: int) -> Any:
    """An axis counted from the front; left as it is when it does not exist, for the error."""
    if axis is not None and -ndim <= axis < 0:
        return axis + ndim
    return axis


def _axis_size(
    axes: Sequence[Any], types: Sequence[Any], names: Sequence[str], given: int | None
) -> int:
    """The one length of all mapped axes."""
    sizes = set() if given is None else {given}
    fits = True
    for axis, type in zip(axes, types, strict=True):
        if axis is not None:
            if 0 <= axis < type.ndim:
                sizes.add(type.shape[axis])
            else:
                fits = False
    if fits and len(sizes) == 1:
        return sizes.pop()
    if not sizes and fits:
        raise MappedAxisError(
            "vmap: no argument is mapped, so the axis has no length",
            "give an in_axes entry that is not None, or axis_size=",
        )
    rows = [
        f"      {name}: shape {type.shape}, "
        + ("not mapped" if axis is None else f"axis {axis}, {_length(axis, type)}")
        for name, type, axis in zip(names, types, axes, strict=True)
    ]
    if given is not None:
        rows.append(f"      axis_size={given}")
    raise MappedAxisError(
        "vmap: the mapped axes must exist and have one length, but\n" + "\n".join(rows),
        "use in_axes=None for an argument that all examples share, as in "
        "vmap(loss, in_axes=(None, 0, 0))(params, X, Y)",
    )


def _length(axis: int, type: Any) -> str:
    if 0 <= axis < type.ndim:
        return f"length {type.shape[axis]}"
    return f"which an array of {type.ndim} axes does not have"


def _out(
    outputs: Sequence[Any],
    types: Sequence[ArrayType],
    mapped_outputs: Sequence[bool],
    out_axes: Any,
    out_tree: TreeDef,
    size: int,
) -> Any:
    axes = _axes_of(out_axes, out_tree, "out_axes")
    results = []
    for value, type, is_mapped, axis, path in zip(
        outputs, types, mapped_outputs, axes, tree.paths(out_tree, "output"), strict=True
    ):
        if axis is None:
            if is_mapped:
                raise MappedAxisError(
                    f"vmap: out_axes is None for {path}, whose value differs between examples",
                    "use an int in out_axes",
                )
            results.append(value)
            continue
        ndim = type.ndim if is_mapped else type.ndim + 1
        if not -ndim <= axis < ndim:
            raise MappedAxisError(
                f"vmap: out_axes is {axis} for {path}, which has {ndim} axes with the mapped one"
            )
        full = value if is_mapped else converted(partial(_repeated, size=size), value)
        place = axis % ndim
        move = partial(moveaxis, source=0, destination=place)
        results.append(converted(move, full) if place else full)
    return tree.unflatten(out_tree, results)


def _repeated(value: Any, size: int) -> Any:
    full = broadcast_to(value, (size, *value.shape))
    return full if type(full) is Tracer else full.copy()
