"""Pytrees: nested containers of arrays.

A tree is a leaf (anything that is not a container), or `None` (an empty tree), or a container of
trees: `tuple`, `list`, `dict`, `OrderedDict`, `defaultdict`, a named tuple, a dataclass, or an
instance of a class that was registered with `register_node`.

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

import dataclasses
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from .errors import ArgumentError, TreeStructureError

T = TypeVar("T")


class Node(NamedTuple):
    """How one container type is taken apart and put together."""

    flatten: Callable[[Any], tuple[Sequence[Any], Hashable]]
    unflatten: Callable[[Hashable, Sequence[Any]], Any]
    keys: Callable[[Any, int], Sequence[str]]  # of the static data and the number of children


class TreeDef:
    """The structure of a tree: everything but its leaves. Comparable and hashable."""

    __slots__ = ("_exact", "_hash", "children", "kind", "size", "static")

    def __init__(self, kind: type | None, static: Hashable, children: tuple[TreeDef, ...]):
        self.kind = kind
        self.static = static
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

    def __repr__(self) -> str:
        return repr(unflatten(self, [_Star()] * self.size))

    def __reduce__(self) -> tuple[Any, ...]:
        return TreeDef, (self.kind, self.static, self.children)


def exact(value: Hashable) -> Hashable:
    """A key that tells apart what `==` does not: 1, 1.0 and True, or 0.0 and -0.0."""
    kind = type(value)
    if isinstance(value, tuple):
        return kind, tuple([exact(part) for part in value])
    if isinstance(value, (float, complex)):
        return kind, repr(value)
    return kind, value


def _exact_static(kind: type | None, static: Hashable) -> Hashable:
    """Equal keys of dicts are the same key; static fields, with which one computes, are not."""
    return static if static is None or kind in _MAPPINGS else exact(static)


_MAPPINGS = (dict, OrderedDict, defaultdict)


class _Star:
    def __repr__(self) -> str:
        return "*"


LEAF = TreeDef(None, None, ())
_NONE = TreeDef(type(None), None, ())
_leaf_kinds: set[type] = {float, int, bool, complex, str}  # types known to be no containers
_nodes: dict[type, Node] = {}


def register_node(
    kind: type[T],
    flatten: Callable[[T], tuple[Sequence[Any], Hashable]],
    unflatten: Callable[[Any, Sequence[Any]], T],
) -> None:
    """Make instances of `kind` containers of trees.

    Args:
        kind: the class; instances of subclasses need a registration of their own.
        flatten: returns the children and hashable static data.
        unflatten: called with the static data and new children.

    Raises:
        ValueError: when the class is registered already.

    Example:
        >>> from functrace import tree
        >>> class Pair:
        ...     def __init__(self, a, b): self.a, self.b = a, b
        >>> tree.register_node(Pair, lambda p: ((p.a, p.b), None), lambda _, ab: Pair(*ab))
        >>> tree.leaves(Pair(1.0, [2.0]))
        [1.0, 2.0]
    """
    if kind in _nodes:
        raise ValueError(f"{kind.__qualname__} is registered as a tree node already")
    _leaf_kinds.discard(kind)
    _nodes[kind] = Node(flatten, unflatten, lambda _, n: [f".children[{i}]" for i in range(n)])


def _sorted_keys(mapping: dict[Any, Any]) -> tuple[Any, ...]:
    try:
        return tuple(sorted(mapping))
    except TypeError:  # keys of different types: any order will do, if it is always the same
        return tuple(sorted(mapping, key=lambda key: (type(key).__qualname__, repr(key))))


def _flatten_dict(mapping: dict[Any, Any]) -> tuple[Sequence[Any], Hashable]:
    keys = _sorted_keys(mapping)
    if len(keys) == 1:
        return (mapping[keys[0]],), keys
    return (itemgetter(*keys)(mapping) if keys else ()), keys


def _item_keys(_static: Any, count: int) -> Sequence[str]:
    return [f"[{i}]" for i in range(count)]


def _mapping_keys(keys: Any, _count: int) -> Sequence[str]:
    return [f"[{key!r}]" for key in keys]


def _flatten_defaultdict(mapping: defaultdict[Any, Any]) -> tuple[Sequence[Any], Hashable]:
    children, keys = _flatten_dict(mapping)
    return children, (mapping.default_factory, keys)


_nodes[tuple] = Node(lambda t: (t, None), lambda _, children: tuple(children), _item_keys)
_nodes[list] = Node(lambda t: (t, None), lambda _, children: list(children), _item_keys)
_nodes[dict] = Node(
    _flatten_dict,
    lambda keys, children: dict(zip(keys, children, strict=True)),  # type: ignore[arg-type] -- static data is what flatten gave
    _mapping_keys,
)
_nodes[OrderedDict] = Node(
    lambda mapping: (tuple(mapping.values()), tuple(mapping)),
    lambda keys, children: OrderedDict(zip(keys, children, strict=True)),  # type: ignore[arg-type] -- as above
    _mapping_keys,
)
_nodes[defaultdict] = Node(
    _flatten_defaultdict,
    lambda static, children: defaultdict(static[0], zip(static[1], children, strict=True)),  # type: ignore[index] -- as above
    lambda static, count: _mapping_keys(static[1], count),
)


def _namedtuple_node(kind: Any) -> Node:
    return Node(
        lambda t: (t, None),
        lambda _, children: kind(*children),
        lambda _, __: [f".{name}" for name in kind._fields],
    )


def _dataclass_node(kind: Any) -> Node:
    fields = dataclasses.fields(kind)
    dynamic = [field.name for field in fields if not field.metadata.get("static", False)]
    static = [field.name for field in fields if field.metadata.get("static", False)]

    def flatten(instance: Any) -> tuple[Sequence[Any], Hashable]:
        return (
            [getattr(instance, name) for name in dynamic],
            tuple(getattr(instance, name) for name in static),
        )

    def unflatten(static_values: Any, children: Sequence[Any]) -> Any:
        # Not through __init__, which may check or convert: children can be tracers or markers.
        instance = object.__new__(kind)
        for name, value in zip(dynamic, children, strict=True):
            object.__setattr__(instance, name, value)
        for name, value in zip(static, static_values, strict=True):
            object.__setattr__(instance, name, value)
        return instance

    return Node(flatten, unflatten, lambda _, __: [f".{name}" for name in dynamic])


def _node_of(kind: type) -> Node | None:
    """The node of a container type, or None when instances are leaves."""
    node = _nodes.get(kind)
    if node is None:
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            node = _nodes[kind] = _namedtuple_node(kind)
        elif dataclasses.is_dataclass(kind):
            node = _nodes[kind] = _dataclass_node(kind)
        elif len(_leaf_kinds) < 4096:
            _leaf_kinds.add(kind)
    return node


_known: dict[Any, TreeDef] = {}  # structures seen, so that equal ones are mostly one object


def _structure_of(kind: type, static: Hashable, children: tuple[TreeDef, ...]) -> TreeDef:
    key = (kind, _exact_static(kind, static), children)
    try:
        known = _known.get(key)
    except TypeError:
        raise ArgumentError(
            f"the static data of a {kind.__qualname__} can not be hashed: {static!r}",
            "use tuples for lists; a field that holds arrays can not be static",
        ) from None
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
    if kind in _leaf_kinds:
        leaves.append(tree)
        return LEAF
    node = _nodes.get(kind) or _node_of(kind)
    if node is None:
        leaves.append(tree)
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
    node = _node_of(kind)
    assert node is not None
    return node.unflatten(structure.static, children)


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
        found.append(tree)
        return
    here = f"at {path}" if path else "at the root"
    if treedef.kind is type(None):
        if tree is not None:
            raise TreeStructureError(f"{here} of the tree: expected None, got {_describe(tree)}")
        return
    node = _node_of(treedef.kind)
    assert node is not None
    if type(tree) is not treedef.kind:
        raise TreeStructureError(
            f"{here} of the tree: expected a {treedef.kind.__qualname__}, got {_describe(tree)}"
        )
    children, static = node.flatten(tree)
    if static != treedef.static or len(children) != len(treedef.children):
        raise TreeStructureError(
            f"{here} of the tree: expected the structure {treedef}, got {structure(tree)}"
        )
    keys = node.keys(static, len(children))
    for child_def, child, key in zip(treedef.children, children, keys, strict=True):
        _descend(child_def, child, path + key, found)


def broadcast_prefix(prefix: Any, treedef: TreeDef, is_leaf: Callable[[Any], bool]) -> list[Any]:
    """For each leaf of a structure the leaf of a smaller tree that stands for its whole branch.

    Raises:
        TreeStructureError: when `prefix` has another structure.
    """
    if is_leaf(prefix):
        return [prefix] * treedef.size
    kind = type(prefix)
    node = None if kind is not treedef.kind else _node_of(kind)
    if node is None:
        raise TreeStructureError(f"expected the structure {treedef}, got {_describe(prefix)}")
    children, static = node.flatten(prefix)
    if static != treedef.static or len(children) != len(treedef.children):
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
    if treedef.kind is None:
        return [prefix]
    node = _node_of(treedef.kind)
    if node is None:
        return []
    keys = node.keys(treedef.static, len(treedef.children))
    return [
        path
        for key, child in zip(keys, treedef.children, strict=True)
        for path in paths(child, prefix + key)
    ]


def reduce(function: Callable[[Any, Any], Any], tree: Any, initial: Any) -> Any:
    """Fold the leaves of a tree, in order, into one value."""
    for leaf in leaves(tree):
        initial = function(initial, leaf)
    return initial


def all(tree: Any) -> bool:
    """Whether every leaf of a tree is true."""
    return reduce(lambda so_far, leaf: so_far and bool(leaf), tree, True)
