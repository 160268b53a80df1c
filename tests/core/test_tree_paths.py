"""Paths of leaves, ways to register nodes, and static data that cannot be hashed."""

import dataclasses
import pickle
from collections import namedtuple
from functools import partial
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import tree
from functrace.errors import ArgumentError, OptionError, TreeStructureError
from functrace.tree import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

Point = namedtuple("Point", "x y")


@tree.register_node_class
class Pair:
    def __init__(self, a, b, label=None):
        self.a, self.b, self.label = a, b, label

    def tree_flatten(self):
        return (self.a, self.b), self.label

    @classmethod
    def tree_unflatten(cls, label, children):
        return cls(*children, label)


@partial(tree.register_dataclass, data_fields=["w"], meta_fields=["name"], drop_fields=["cache"])
@dataclasses.dataclass
class Layer:
    w: Any
    name: Any = "layer"
    cache: dict = dataclasses.field(default_factory=dict)


@tree.register_dataclass
@dataclasses.dataclass(frozen=True)
class Declared:
    x: Any
    n: int = dataclasses.field(default=1, metadata={"static": True})


def test_each_leaf_has_the_keys_that_lead_to_it():
    value = {"a": [1, (2,)], "p": Point(3, None), "q": Pair(4, 5), "l": Layer(6)}
    found, structure = tree.flatten_with_path(value)
    assert found == [
        ((DictKey("a"), SequenceKey(0)), 1),
        ((DictKey("a"), SequenceKey(1), SequenceKey(0)), 2),
        ((DictKey("l"), GetAttrKey("w")), 6),
        ((DictKey("p"), GetAttrKey("x")), 3),
        ((DictKey("q"), FlattenedIndexKey(0)), 4),
        ((DictKey("q"), FlattenedIndexKey(1)), 5),
    ]
    assert tree.leaves_with_path(value) == found
    assert [tree.keystr(path) for path, _ in found] == tree.paths(structure)
    assert tree.leaves_with_path(1.0) == [((), 1.0)]
    assert tree.leaves_with_path([[1], 2], is_leaf=lambda x: x == [1])[0] == (
        (SequenceKey(0),),
        [1],
    )


def test_a_map_may_look_at_paths_and_at_more_trees():
    found = tree.map_with_path(
        lambda path, x, y: (tree.keystr(path), x + y[0]), {"a": 1, "b": [2]}, {"a": [3], "b": [[4]]}
    )
    assert found == {"a": ("['a']", 4), "b": [("['b'][0]", 6)]}
    decayed = tree.map_with_path(lambda p, g: g * (p[-1].key == "w"), {"w": 2.0, "b": 3.0})
    assert decayed == {"w": 2.0, "b": 0.0}
    with pytest.raises(TreeStructureError):
        tree.map_with_path(lambda path, x, y: x, [1], [1, 2])


def test_a_transpose_swaps_inside_and_outside():
    value = {"a": Point(1, 2), "b": Point(3, 4)}
    outer, inner = tree.structure({"a": 0, "b": 0}), tree.structure(Point(0, 0))
    expected = Point({"a": 1, "b": 3}, {"a": 2, "b": 4})
    assert tree.transpose(outer, inner, value) == expected
    assert tree.transpose(outer, None, value) == expected
    assert tree.transpose(inner, outer, expected) == value
    with pytest.raises(TreeStructureError):
        tree.transpose(inner, outer, value)
    with pytest.raises(TreeStructureError):
        tree.transpose(tree.structure([]), None, [])


def test_folding_needs_no_start():
    assert tree.reduce(max, {"a": 1, "b": [5, 3]}) == 5
    assert tree.all([True, [1, []]], is_leaf=lambda x: x == []) is False


@pytest.mark.parametrize("make", [Pair, lambda a, b: Layer([a, b]), lambda a, b: Declared((a, b))])
def test_registered_classes_go_through_transforms(make):
    def loss(value):
        a, b = tree.leaves(value)
        return a**2 * b

    gradient = ft.jit(ft.grad(loss))(make(3.0, 2.0))
    assert type(gradient) is type(make(0, 0))
    assert tree.leaves(gradient) == [12.0, 9.0]
    assert type(ft.vmap(lambda v: v)(make(np.ones(2), np.ones(2)))) is type(gradient)


def test_dropped_fields_start_anew():
    layer = tree.map(lambda x: x, Layer(1.0, "n", {"used": 1}))
    assert (layer.name, layer.cache) == ("n", {})


def test_a_dataclass_may_be_registered_after_it_was_used():
    @dataclasses.dataclass
    class Late:
        x: Any
        name: Any

    assert tree.leaves(Late(1, 2)) == [1, 2]
    tree.register_dataclass(Late, ["x"], ["name"])
    assert tree.leaves(Late(1, 2)) == [1]
    with pytest.raises(ValueError, match="already"):
        tree.register_dataclass(Late, ["x"], ["name"])


def test_another_class_may_be_registered_by_its_fields():
    class Plain:
        pass

    tree.register_dataclass(Plain, ["x"], ["y"])
    one = Plain()
    one.x, one.y = 2.0, [1]
    two = ft.grad(lambda p: p.x**2)(one)
    assert (two.x, two.y) == (4.0, [1])


def test_a_field_left_out_or_unknown_is_an_error():
    @dataclasses.dataclass
    class Two:
        x: Any
        y: Any

    for data, meta in ((["x"], []), (["x", "y"], ["z"]), (["x"], None)):
        with pytest.raises(OptionError):
            tree.register_dataclass(Two, data, meta)
    with pytest.raises(OptionError):
        tree.register_dataclass(int)


STATIC = [
    lambda: {"a": [1, {2}]},
    lambda: [1, "x"],
    lambda: np.array([1.0, 2.0]),
    lambda: (np.zeros((2, 2)), {"k": np.array(["s"])}),
    lambda: np.array([1, "x", None], object),
    lambda: {1.5, "a"},
    lambda: bytearray(b"ab"),
]
OTHER = [
    lambda: {"a": [1, {3}]},
    lambda: [True, "x"],
    lambda: np.array([1.0, 3.0]),
    lambda: (np.zeros((2, 2), np.float32), {"k": np.array(["s"])}),
    lambda: np.array([1, "y", None], object),
    lambda: {1.5, "b"},
    lambda: bytearray(b"ac"),
]


@pytest.mark.parametrize(("same", "other"), list(zip(STATIC, OTHER, strict=True)))
def test_static_data_is_compared_by_value(same, other):
    first, second = (tree.structure(Pair(1, 2, same())) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != tree.structure(Pair(1, 2, other()))
    assert pickle.loads(pickle.dumps(first)) == first
    traces = []
    f = ft.jit(lambda p: traces.append(1) or p.a * p.b)
    for make in (same, same, other, same):
        assert f(Pair(3.0, 2.0, make())) == 6.0
    assert len(traces) == 2
    assert tree.map(lambda x, y: x + y, Pair(1, 2, same()), Pair(3, 4, same())).b == 6
    with pytest.raises(TreeStructureError):
        tree.map(lambda x, y: x + y, Pair(1, 2, same()), Pair(3, 4, other()))


def test_a_structure_keeps_static_data_as_it_was():
    label = {"n": [1]}
    f = ft.jit(lambda p: p.a * p.label["n"][0])
    assert f(Pair(2.0, 0.0, label)) == 2.0
    label["n"][0] = 5
    assert f(Pair(2.0, 0.0, label)) == 10.0
    assert f(Pair(2.0, 0.0, {"n": [1]})) == 2.0
    out = ft.jit(lambda p: p)(Pair(2.0, 0.0, {"n": [1]}))
    out.label["n"][0] = 7
    assert ft.jit(lambda p: p)(Pair(2.0, 0.0, {"n": [1]})).label == {"n": [1]}


def test_a_traced_value_is_no_static_data():
    with pytest.raises(ArgumentError, match="child"):
        ft.grad(lambda x: tree.leaves(Pair(x, x, [x]))[0])(1.0)


def test_a_partial_is_an_argument_and_a_result():
    def line(a, x, *, b):
        return a * x + b

    def make(a):
        return tree.Partial(line, a, b=2.0 * a)

    assert ft.jit(make)(3.0)(1.0) == 9.0
    assert ft.grad(lambda f: f(2.0))(make(3.0)).args == (2.0,)
    assert tree.structure(make(1.0)) == tree.structure(make(2.0))
