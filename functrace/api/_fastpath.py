"""The short way through a call of a jitted function: code made for the arguments seen last.

For a structure of arguments that is made of tuples, lists and dicts, and leaves that are arrays and
numbers, the checks that the general way makes step by step become straight-line code: it takes the
leaves from where they are, compares their types, runs the plan and builds the result. Arguments of
any other kind get the general way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..tree import TreeDef

MISS: Any = object()  # what the code gives for arguments that it was not made for
ANY: Any = object()  # stands among the leaves for an argument that may be anything
_MOST = 256  # leaves; for more, code takes long to make


def make_fast(
    structure: TreeDef,
    leaves: Sequence[Any],
    run: Callable[[Sequence[Any]], Sequence[Any]],
    out_tree: TreeDef,
) -> Callable[[tuple[Any, ...]], Any] | None:
    """A function of the tuple of arguments that gives the result, or MISS.

    Args:
        structure: that of `(args, kwargs)`, without keywords.
        leaves: the arguments, whose types the function takes.
        run: from the leaves to the outputs' leaves.
        out_tree: the outputs' structure.

    Returns:
        None where there is no such function: for other containers and leaves.
    """
    if structure.size > _MOST:
        return None
    bound: dict[str, Any] = {"run": run, "MISS": MISS, "ndarray": np.ndarray}
    bound.update(float64=np.float64, int64=np.int64)
    lines: list[str] = []
    names = (f"x{i}" for i in count())
    arguments = structure.children[0]
    try:
        found = list(_taken(arguments, "args", lines, names, bound))
        result = _built(out_tree, (f"out[{i}]" for i in count()), bound)
    except _UnknownContainer:
        return None
    given = []
    for i, (name, leaf) in enumerate(zip(found, leaves, strict=True)):
        unfit, value = _checked(name, leaf, i, bound)
        if not unfit:
            return None
        lines.append(f"if {unfit}: return MISS")
        given.append(value)
    lines.append(f"out = run(({', '.join(given)}{',' if given else ''}))")
    lines.append(f"return {result}")
    source = "def fast(args):\n" + "".join(f"  {line}\n" for line in lines)
    exec(compile(source, "<functrace call>", "exec"), bound)  # noqa: S102 -- our own text
    return bound["fast"]


def make_builder(structure: TreeDef) -> Callable[[Sequence[Any]], Any] | None:
    """A function from leaves to the tree of a structure; None for containers of other kinds."""
    bound: dict[str, Any] = {}
    try:
        result = _built(structure, (f"leaves[{i}]" for i in count()), bound)
    except _UnknownContainer:
        return None
    source = f"def build(leaves): return {result}"
    exec(compile(source, "<functrace call>", "exec"), bound)  # noqa: S102 -- our own text
    return bound["build"]


class _UnknownContainer(Exception):  # noqa: N818 -- it never leaves this file
    """A container that the code does not know how to take apart or put together."""


def _taken(
    structure: TreeDef, name: str, lines: list[str], names: Iterator[str], bound: dict[str, Any]
) -> Iterator[str]:
    """Add the lines that take a tree apart; the names of its leaves."""
    kind = structure.kind
    if kind is None:
        yield name
        return
    if kind is type(None):
        lines.append(f"if {name} is not None: return MISS")
        return
    if kind not in (tuple, list, dict):
        raise _UnknownContainer
    size = len(structure.children)
    lines.append(f"if type({name}) is not {kind.__name__} or len({name}) != {size}: return MISS")
    parts = [next(names) for _ in range(size)]
    if kind is dict:
        for part, key in zip(parts, _keys(structure), strict=True):
            bound[f"k{part}"] = key
            lines.append(f"{part} = {name}.get(k{part}, MISS)")
    elif size:
        lines.append(f"{', '.join(parts)}, = {name}")
    for part, child in zip(parts, structure.children, strict=True):
        yield from _taken(child, part, lines, names, bound)


def _checked(name: str, leaf: Any, i: int, bound: dict[str, Any]) -> tuple[str, str]:
    """When a leaf is not like the one seen, and the value that the plan takes, as expressions."""
    if leaf is ANY:
        return "False", name
    kind = type(leaf)
    bound[f"t{i}"] = kind
    if kind is float:
        return f"type({name}) is not float", f"float64({name})"
    if kind is int:
        return f"type({name}) is not int or not {-(2**63)} <= {name} < {2**63}", f"int64({name})"
    if isinstance(leaf, np.generic):
        return f"type({name}) is not t{i}", name
    if kind is not np.ndarray or not leaf.dtype.isnative:
        return "", ""
    bound[f"d{i}"], bound[f"s{i}"] = leaf.dtype, leaf.shape
    unfit = f"type({name}) is not ndarray or {name}.dtype is not d{i} or {name}.shape != s{i}"
    return unfit, name


def _keys(structure: TreeDef) -> tuple[Any, ...]:
    return structure.static  # type: ignore[return-value] -- a dict's keys


def _built(structure: TreeDef, leaves: Iterator[str], bound: dict[str, Any]) -> str:
    """An expression that puts a tree together."""
    kind = structure.kind
    if kind is None:
        return next(leaves)
    if kind is type(None):
        return "None"
    if kind not in (tuple, list, dict):
        raise _UnknownContainer
    parts = [_built(child, leaves, bound) for child in structure.children]
    if kind is tuple:
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if kind is list:
        return f"[{', '.join(parts)}]"
    pairs = []
    for part, key in zip(parts, _keys(structure), strict=True):
        name = f"r{len(bound)}"
        bound[name] = key
        pairs.append(f"{name}: {part}")
    return f"{{{', '.join(pairs)}}}"
