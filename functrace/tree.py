"""Pytrees: nested containers of arrays.

A tree is a leaf (anything that is not a container), or `None` (an empty tree), or a container of
trees: `tuple`, `list`, `dict`, `OrderedDict`, `defaultdict`, a named tuple, a dataclass, or an
instance of a class that was registered with `register_node`, `register_node_class` or
`register_dataclass`.

    >>> from functrace import tree
    >>> leaves, structure = tree.flatten({"w": [1.0, 2.0], "b": None})
    >>> leaves
    [1.0, 2.0]
    >>> tree.unflatten(structure, [10.0, 20.0])
    {'b': None, 'w': [10.0, 20.0]}

A field of a dataclass is static (part of the structure, not a child) when it is declared with
`dataclasses.field(metadata={"static": True})`. Keys of dicts are taken in sorted order.
"""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from .errors import TreeStructureError
from .keys import DictKey as DictKey
from .keys import FlattenedIndexKey as FlattenedIndexKey
from .keys import GetAttrKey as GetAttrKey
from .keys import Key, Path
from .keys import SequenceKey as SequenceKey
from .nodes import LEAF_KINDS, NODES, STAND_INS, node_of
from .nodes import Partial as Partial
from .nodes import register_dataclass as register_dataclass
from .nodes import register_node as register_node
from .nodes import register_node_class as register_node_class
from .static import changeable, copied
from .static import exact as exact


class TreeDef:
    """The structure of a tree: everything but its leaves. Comparable and hashable."""

    __slots__ = ("_changeable", "_exact", "_hash", "children", "kind", "size", "static")

    def __init__(self, kind: type | None, static: Any, children: tuple[TreeDef, ...]):
        self.kind = kind
        self._changeable = changeable(static)
        self.static = copied(static) if self._changeable else static
        self.children = children
        self.size: int = 1 if kind is None else sum(child.size for child in children)
        self._exact = _exact_static(kind, static)
        self._hash = hash((kind, self._exact, children))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, TreeDef)
            and self._hash == other._hash
            and self.kind is other.kind
            and self._exact == other._exact
            and self.children == other.children
        )

    def __hash__(self) -> int:
        return self._hash

    def is_like(self, kind: type | None, static: Any, children: int) -> bool:
        """Whether the root is a node of a kind, with some static data and number of children."""
        return (
            self.kind is kind
            and len(self.children) == children
            and self._exact == _exact_static(kind, static)
        )

    def __repr__(self) -> str:
        return repr(unflatten(self, [_Star()] * self.size))

    def __reduce__(self) -> tuple[Any, ...]:
        return TreeDef, (self.kind, self.static, self.children)


def _exact_static(kind: type | None, static: Any) -> Hashable:
    """Equal keys of dicts are the same key; static fields, with which one computes, are not."""
    return static if static is None or kind in _MAPPINGS else exact(static)


_MAPPINGS = (dict, OrderedDict, defaultdict)


class _Star:
    def __repr__(self) -> str:
        return "*"


LEAF = TreeDef(None, None, ())
_NONE = TreeDef(type(None), None, ())
_known: dict[Any, TreeDef] = {}  # structures seen, so that equal ones are mostly one object


def _structure_of(kind: type, static: Any, children: tuple[TreeDef, ...]) -> TreeDef:
    key = (kind, _exact_static(kind, static), children)
    known = _known.get(key)
    if known is None:
        if len(_known) >= 1024:
            _known.clear()
        known = _known[key] = TreeDef(kind, static, children)
    return known


def _flatten_into(tree: Any, leaves: list[Any], is_leaf: Callable[[Any], bool] | None) -> TreeDef:
    if is_leaf is not None and is_leaf(tree):
        leaves.append(tree)
        return LEAF
    if tree is None:
        return _NONE
    kind = type(tree)
    if kind in LEAF_KINDS:
        leaves.append(tree)
        return LEAF
    node = NODES.get(kind) or node_of(kind)
    if node is None:
        leaves.append(STAND_INS[kind](tree) if kind in STAND_INS else tree)
        return LEAF
    children, static = node.flatten(tree)
    parts = tuple([_flatten_into(child, leaves, is_leaf) for child in children])
    return _structure_of(kind, static, parts)


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeDef]:
    """The leaves of a tree, in order, and its structure.

    Example:
        >>> from functrace import tree
        >>> tree.flatten((1, [2, 3]))
        ([1, 2, 3], (*, [*, *]))
    """
    leaves: list[Any] = []
    structure = _flatten_into(tree, leaves, is_leaf)
    return leaves, structure


def unflatten(structure: TreeDef, leaves: Iterable[Any]) -> Any:
    """The tree of a structure with new leaves. The inverse of `flatten`.

    Raises:
        TreeStructureError: when the number of leaves is not that of the structure.
    """
    leaves = leaves if isinstance(leaves, (list, tuple)) else list(leaves)
    if len(leaves) != structure.size:
        raise TreeStructureError(
            f"a tree of structure {structure} has {structure.size} leaves, got {len(leaves)}"
        )
    return _unflatten_from(structure, iter(leaves))


def _unflatten_from(structure: TreeDef, leaves: Any) -> Any:
    kind = structure.kind
    if kind is None:
        return next(leaves)
    if kind is tuple:
        return tuple([_unflatten_from(child, leaves) for child in structure.children])
    if kind is type(None):
        return None
    children = [_unflatten_from(child, leaves) for child in structure.children]
    node = node_of(kind)
    assert node is not None
    static = structure.static
    return node.unflatten(copied(static) if structure._changeable else static, children)


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of a tree, in order."""
    return flatten(tree, is_leaf)[0]


def structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeDef:
    """The structure of a tree."""
    return flatten(tree, is_leaf)[1]


def map(
    function: Callable[..., Any],
    tree: Any,
    *rest: Any,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:
    """Apply a function to each leaf, with the corresponding parts of the other trees.

    Example:
        >>> from functrace import tree
        >>> tree.map(lambda p, g: p - 0.5 * g, {"w": 1.0}, {"w": 2.0})
        {'w': 0.0}

    Raises:
        TreeStructureError: when a tree in `rest` has another structure than `tree`.
    """
    first, treedef = flatten(tree, is_leaf)
    columns = [first] + [flatten_up_to(treedef, other) for other in rest]
    return unflatten(treedef, [function(*row) for row in zip(*columns, strict=True)])


def flatten_up_to(treedef: TreeDef, tree: Any) -> list[Any]:
    """The subtrees of `tree` that stand where `treedef` has its leaves.

    Raises:
        TreeStructureError: when `treedef` is no prefix of `tree`, naming the place.
    """
    found: list[Any] = []
    _descend(treedef, tree, "", found)
    return found


def _descend(treedef: TreeDef, tree: Any, path: str, found: list[Any]) -> None:
    if treedef.kind is None:
        found.append(STAND_INS[type(tree)](tree) if type(tree) in STAND_INS else tree)
        return
    here = f"at {path}" if path else "at the root"
    if treedef.kind is type(None):
        if tree is not None:
            raise TreeStructureError(f"{here} of the tree: expected None, got {_describe(tree)}")
        return
    node = node_of(treedef.kind)
    assert node is not None
    if type(tree) is not treedef.kind:
        raise TreeStructureError(
            f"{here} of the tree: expected a {treedef.kind.__qualname__}, got {_describe(tree)}"
        )
    children, static = node.flatten(tree)
    if not treedef.is_like(type(tree), static, len(children)):
        raise TreeStructureError(
            f"{here} of the tree: expected the structure {treedef}, got {structure(tree)}"
        )
    keys = node.keys(static, len(children))
    for child_def, child, key in zip(treedef.children, children, keys, strict=True):
        _descend(child_def, child, f"{path}{key}", found)


def broadcast_prefix(prefix: Any, treedef: TreeDef, is_leaf: Callable[[Any], bool]) -> list[Any]:
    """For each leaf of a structure the leaf of a smaller tree that stands for its whole branch.

    Raises:
        TreeStructureError: when `prefix` has another structure.
    """
    if is_leaf(prefix):
        return [prefix] * treedef.size
    kind = type(prefix)
    node = None if kind is not treedef.kind else node_of(kind)
    if node is None:
        raise TreeStructureError(f"expected the structure {treedef}, got {_describe(prefix)}")
    children, static = node.flatten(prefix)
    if not treedef.is_like(kind, static, len(children)):
        raise TreeStructureError(f"expected the structure {treedef}, got {prefix!r}")
    return [
        leaf
        for child, sub in zip(children, treedef.children, strict=True)
        for leaf in broadcast_prefix(child, sub, is_leaf)
    ]


def _describe(tree: Any) -> str:
    return "None" if tree is None else f"a {type(tree).__qualname__}"


def paths(treedef: TreeDef, prefix: str = "") -> list[str]:
    """A path for each leaf, as one would write it in Python: `params['layers'][0].W`."""
    return [prefix + keystr(path) for path in _paths(treedef, ())]


def _paths(treedef: TreeDef, prefix: Path) -> list[Path]:
    if treedef.kind is None:
        return [prefix]
    node = node_of(treedef.kind)
    if node is None:
        return []
    keys = node.keys(treedef.static, len(treedef.children))
    return [
        path
        for key, child in zip(keys, treedef.children, strict=True)
        for path in _paths(child, (*prefix, key))
    ]


def keystr(path: Iterable[Key]) -> str:
    """The text of a path.

    Example:
        >>> from functrace import tree
        >>> tree.keystr((tree.DictKey("layers"), tree.SequenceKey(0), tree.GetAttrKey("W")))
        "['layers'][0].W"
    """
    return "".join([str(key) for key in path])


def flatten_with_path(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[tuple[Path, Any]], TreeDef]:
    """The leaves of a tree, each with its path, and its structure.

    A path is a tuple of keys: `SequenceKey(idx)`, `DictKey(key)`, `GetAttrKey(name)`,
    `FlattenedIndexKey(key)`.

    Example:
        >>> from functrace import tree
        >>> [(tree.keystr(path), x) for path, x in tree.flatten_with_path({"a": [1, 2]})[0]]
        [("['a'][0]", 1), ("['a'][1]", 2)]
    """
    found, structure = flatten(tree, is_leaf)
    return list(zip(_paths(structure, ()), found, strict=True)), structure


def leaves_with_path(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> list[tuple[Path, Any]]:
    """The leaves of a tree, each with its path."""
    return flatten_with_path(tree, is_leaf)[0]


def map_with_path(
    function: Callable[..., Any],
    tree: Any,
    *rest: Any,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:
    """As `map`, with a function that takes the path of a leaf first.

    Example:
        >>> from functrace import tree
        >>> tree.map_with_path(lambda path, x: x * (path[0].key != "bias"), {"bias": 1., "w": 2.})
        {'bias': 0.0, 'w': 2.0}
    """
    found, treedef = flatten(tree, is_leaf)
    columns = [_paths(treedef, ()), found, *[flatten_up_to(treedef, other) for other in rest]]
    return unflatten(treedef, [function(*row) for row in zip(*columns, strict=True)])


def transpose(outer_treedef: TreeDef, inner_treedef: TreeDef | None, pytree_to_transpose: Any) -> (
    Any
):  # fmt: skip
    """Of a tree of trees, the tree with inside what was outside.

    Args:
        outer_treedef: the structure of the outer tree.
        inner_treedef: that of each tree in it; `None` where it is that of the first.
        pytree_to_transpose: the tree.

    Raises:
        TreeStructureError: for a tree of another structure.

    Example:
        >>> from functrace import tree
        >>> gradients = [{"w": 1, "b": 2}, {"w": 3, "b": 4}]
        >>> tree.transpose(tree.structure([0, 0]), tree.structure({"w": 0, "b": 0}), gradients)
        {'b': [2, 4], 'w': [1, 3]}
    """
    parts = flatten_up_to(outer_treedef, pytree_to_transpose)
    inner = inner_treedef
    if inner is None:
        if not parts:
            raise TreeStructureError(
                "transpose: of an empty tree the inner structure cannot be told",
                "give inner_treedef",
            )
        inner = structure(parts[0])
    rows = [flatten_up_to(inner, part) for part in parts]
    columns = [[row[i] for row in rows] for i in range(inner.size)]
    return unflatten(inner, [unflatten(outer_treedef, column) for column in columns])


_NOTHING: Any = object()


def reduce(
    function: Callable[[Any, Any], Any],
    tree: Any,
    initial: Any = _NOTHING,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:
    """Fold the leaves of a tree, in order, into one value."""
    found = leaves(tree, is_leaf)
    return functools.reduce(function, found, *([] if initial is _NOTHING else [initial]))


def all(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether every leaf of a tree is true."""
    return reduce(lambda so_far, leaf: so_far and bool(leaf), tree, True, is_leaf)
