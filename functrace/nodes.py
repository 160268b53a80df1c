"""Which classes are containers of trees, and how they are taken apart and put together."""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from .errors import OptionError
from .keys import DictKey, FlattenedIndexKey, GetAttrKey, Key, SequenceKey

T = TypeVar("T")


class Node(NamedTuple):
    """How one container type is taken apart and put together."""

    flatten: Callable[[Any], tuple[Sequence[Any], Any]]
    unflatten: Callable[[Any, Sequence[Any]], Any]
    keys: Callable[[Any, int], Sequence[Key]]  # of the static data and the number of children


LEAF_KINDS: set[type] = {float, int, bool, complex, str}  # types known to be no containers
NODES: dict[type, Node] = {}
# Leaves that stand for another value, and what gives it.
STAND_INS: dict[type, Callable[[Any], Any]] = {}


_found: set[type] = set()  # containers that nobody registered: named tuples and dataclasses


def register_node(
    kind: type[T],
    flatten: Callable[[T], tuple[Sequence[Any], Any]],
    unflatten: Callable[[Any, Sequence[Any]], T],
) -> None:
    """Make instances of `kind` containers of trees.

    Args:
        kind: the class; instances of subclasses need a registration of their own.
        flatten: returns the children and static data, which is compared by type and value.
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
    _register(
        kind,
        Node(flatten, unflatten, lambda _, n: [FlattenedIndexKey(i) for i in range(n)]),
    )


def _register(kind: type, node: Node) -> None:
    if kind in NODES and kind not in _found:
        raise ValueError(f"{kind.__qualname__} is registered as a tree node already")
    LEAF_KINDS.discard(kind)
    _found.discard(kind)
    NODES[kind] = node


def register_node_class(kind: type[T]) -> type[T]:
    """Make instances of a class containers of trees, by its methods. A class decorator.

    Args:
        kind: has a method `tree_flatten()`, which returns the children and static data, and a class
            method `tree_unflatten(static, children)`.

    Example:
        >>> from functrace import tree
        >>> @tree.register_node_class
        ... class Pair:
        ...     def __init__(self, a, b): self.a, self.b = a, b
        ...     def tree_flatten(self): return (self.a, self.b), None
        ...     @classmethod
        ...     def tree_unflatten(cls, static, children): return cls(*children)
        >>> tree.map(lambda x: 2 * x, Pair(1.0, 2.0)).b
        4.0
    """
    own: Any = kind
    register_node(own, lambda x: x.tree_flatten(), own.tree_unflatten)
    return kind


def register_dataclass(
    nodetype: type[T],
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
    drop_fields: Sequence[str] = (),
) -> type[T]:
    """Say which fields of a dataclass, or another class, are children, and which static.

    Dataclasses are containers without this, too: then fields are children unless they are declared
    with `metadata={"static": True}`. New instances are made without `__init__`.

    Args:
        nodetype: the class, which is returned.
        data_fields: the fields that are children.
        meta_fields: the fields that are static data.
        drop_fields: fields that are neither; new instances have their defaults.

    Raises:
        OptionError: when fields of a dataclass are left out, or it has no such fields.

    Example:
        >>> import dataclasses
        >>> from functrace import tree
        >>> @dataclasses.dataclass
        ... class Layer:
        ...     weights: list
        ...     name: str
        >>> Layer = tree.register_dataclass(Layer, ["weights"], ["name"])
        >>> tree.leaves(Layer([1.0, 2.0], "first"))
        [1.0, 2.0]
    """
    if (data_fields is None) != (meta_fields is None):
        raise OptionError("register_dataclass takes data_fields and meta_fields together")
    if data_fields is None or meta_fields is None:
        if not dataclasses.is_dataclass(nodetype):
            raise OptionError(
                f"register_dataclass: {nodetype.__qualname__} is not a dataclass",
                "name its data_fields and meta_fields",
            )
        data_fields, meta_fields = _declared(nodetype)
    data, meta, drop = tuple(data_fields), tuple(meta_fields), tuple(drop_fields)
    defaults: dict[str, Any] = {}
    if dataclasses.is_dataclass(nodetype):
        fields = {field.name: field for field in dataclasses.fields(nodetype)}
        needed = {name for name, field in fields.items() if field.init}
        given = {*data, *meta, *drop}
        wrong = sorted((needed - given) | (given - set(fields)))
        if wrong:
            raise OptionError(
                f"register_dataclass: the fields of {nodetype.__qualname__} are "
                f"{', '.join(fields)}; left out, or unknown: {', '.join(wrong)}",
                "name each field once, in data_fields, meta_fields or drop_fields",
            )
        defaults = {name: fields[name] for name in drop}
    _register(nodetype, _fields_node(nodetype, data, meta, defaults))
    return nodetype


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


def _item_keys(_static: Any, count: int) -> Sequence[Key]:
    return [SequenceKey(i) for i in range(count)]


def _mapping_keys(keys: Any, _count: int) -> Sequence[Key]:
    return [DictKey(key) for key in keys]


def _flatten_defaultdict(mapping: defaultdict[Any, Any]) -> tuple[Sequence[Any], Hashable]:
    children, keys = _flatten_dict(mapping)
    return children, (mapping.default_factory, keys)


NODES[tuple] = Node(lambda t: (t, None), lambda _, children: tuple(children), _item_keys)
NODES[list] = Node(lambda t: (t, None), lambda _, children: list(children), _item_keys)
NODES[dict] = Node(
    _flatten_dict,
    lambda keys, children: dict(zip(keys, children, strict=True)),  # type: ignore[arg-type] -- static data is what flatten gave
    _mapping_keys,
)
NODES[OrderedDict] = Node(
    lambda mapping: (tuple(mapping.values()), tuple(mapping)),
    lambda keys, children: OrderedDict(zip(keys, children, strict=True)),  # type: ignore[arg-type] -- as above
    _mapping_keys,
)
NODES[defaultdict] = Node(
    _flatten_defaultdict,
    lambda static, children: defaultdict(static[0], zip(static[1], children, strict=True)),  # type: ignore[index] -- as above
    lambda static, count: _mapping_keys(static[1], count),
)


def _namedtuple_node(kind: Any) -> Node:
    return Node(
        lambda t: (t, None),
        lambda _, children: kind(*children),
        lambda _, __: [GetAttrKey(name) for name in kind._fields],
    )


def _declared(kind: Any) -> tuple[list[str], list[str]]:
    """The fields of a dataclass that are children, and those that are declared static."""
    fields = dataclasses.fields(kind)
    return (
        [field.name for field in fields if not field.metadata.get("static", False)],
        [field.name for field in fields if field.metadata.get("static", False)],
    )


def _fields_node(
    kind: Any, data: Sequence[str], meta: Sequence[str], defaults: dict[str, Any]
) -> Node:
    def flatten(instance: Any) -> tuple[Sequence[Any], Any]:
        return (
            [getattr(instance, name) for name in data],
            tuple([getattr(instance, name) for name in meta]),
        )

    def unflatten(static: Any, children: Sequence[Any]) -> Any:
        # Not through __init__, which may check or convert: children can be tracers or markers.
        instance = object.__new__(kind)
        for name, value in zip(data, children, strict=True):
            object.__setattr__(instance, name, value)
        for name, value in zip(meta, static, strict=True):
            object.__setattr__(instance, name, value)
        for name, field in defaults.items():
            if field.default_factory is not dataclasses.MISSING:
                object.__setattr__(instance, name, field.default_factory())
            elif field.default is not dataclasses.MISSING:
                object.__setattr__(instance, name, field.default)
        return instance

    return Node(flatten, unflatten, lambda _, __: [GetAttrKey(name) for name in data])


class Partial(functools.partial):
    """A `functools.partial` that is a container: its arguments are children, its function static.

    It can be an argument and a result of a function under `jit`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> half = ft.tree.Partial(np.multiply, 0.5)
        >>> ft.jit(lambda f, x: f(x))(half, 3.0)
        np.float64(1.5)
    """


NODES[Partial] = Node(
    lambda p: ((p.args, p.keywords), p.func),
    lambda func, children: Partial(func, *children[0], **children[1]),
    lambda _, __: [GetAttrKey("args"), GetAttrKey("keywords")],
)


def node_of(kind: type) -> Node | None:
    """The node of a container type, or None when instances are leaves."""
    node = NODES.get(kind)
    if node is None:
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            node = NODES[kind] = _namedtuple_node(kind)
            _found.add(kind)
        elif dataclasses.is_dataclass(kind):
            node = NODES[kind] = _fields_node(kind, *_declared(kind), {})
            _found.add(kind)
        elif len(LEAF_KINDS) < 4096 and kind not in STAND_INS:
            LEAF_KINDS.add(kind)
    return node
