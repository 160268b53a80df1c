"""Pytrees: every kind of node, paths, errors, and derivatives through each of them."""

import pickle
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import functrace as ft
from functrace import tree
from functrace.errors import TreeStructureError

from ..numerical import assert_close

Point = namedtuple("Point", "x y")


class Typed(NamedTuple):
    w: Any
    b: Any = 0.0


@dataclass
class Layer:
    W: Any
    b: Any
    name: str = field(default="layer", metadata={"static": True})


@dataclass(frozen=True)
class Frozen:
    scale: Any
    power: int = field(default=2, metadata={"static": True})


@dataclass(slots=True)
class Slotted:
    a: Any
    b: Any = None


@dataclass
class Checked:
    a: Any

    def __post_init__(self):
        if not isinstance(self.a, (float, np.floating)):
            raise TypeError("a must be a float")


@dataclass
class Derived(Layer):
    extra: Any = None


class Registered:
    def __init__(self, a, b, label):
        self.a, self.b, self.label = a, b, label


tree.register_node(
    Registered,
    lambda r: ((r.a, r.b), r.label),
    lambda label, children: Registered(*children, label),
)

TREES = {
    "leaf": 1.0,
    "None": None,
    "tuple": (1.0, 2.0),
    "list": [1.0, [2.0, 3.0]],
    "dict": {"b": 1.0, "a": 2.0},
    "OrderedDict": OrderedDict([("b", 1.0), ("a", 2.0)]),
    "defaultdict": defaultdict(list, {"b": 1.0, "a": 2.0}),
    "namedtuple": Point(1.0, 2.0),
    "NamedTuple": Typed(1.0),
    "dataclass": Layer(1.0, 2.0, "first"),
    "frozen": Frozen(1.0, 3),
    "slots": Slotted(1.0),
    "checked": Checked(1.0),
    "derived": Derived(1.0, 2.0, "d", 3.0),
    "empty tuple": (),
    "empty list": [],
    "empty dict": {},
    "nested": {"p": [Point(1.0, None), (2.0, {"q": Frozen(3.0)})], "e": ()},
    "integer keys": {2: 1.0, 1: 2.0},
    "mixed keys": {"a": 1.0, 1: 2.0, (1, 2): 3.0},
}
COUNTS = dict.fromkeys(TREES, 2) | {
    "leaf": 1, "None": 0, "list": 3, "frozen": 1, "slots": 1, "checked": 1, "derived": 3,
    "empty tuple": 0, "empty list": 0, "empty dict": 0, "nested": 3, "mixed keys": 3,
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_flatten_and_unflatten_are_inverse(name):
    value = TREES[name]
    leaves, structure = tree.flatten(value)
    assert len(leaves) == structure.size == COUNTS[name]
    back = tree.unflatten(structure, leaves)
    assert back == value
    assert type(back) is type(value)
    assert tree.structure(back) == structure
    assert hash(tree.structure(back)) == hash(structure)


@pytest.mark.parametrize("name", TREES)
def test_map_visits_every_leaf_and_keeps_the_structure(name):
    value = TREES[name]
    doubled = tree.map(lambda x: 2 * x, value)
    assert tree.structure(doubled) == tree.structure(value)
    assert tree.leaves(doubled) == [2 * x for x in tree.leaves(value)]
    assert tree.leaves(tree.map(lambda a, b: a - b, doubled, value)) == tree.leaves(value)


@pytest.mark.parametrize("name", TREES)
def test_structures_are_pickled(name):
    structure = tree.structure(TREES[name])
    copy = pickle.loads(pickle.dumps(structure))
    assert copy == structure
    assert tree.unflatten(copy, tree.leaves(TREES[name])) == TREES[name]


def test_different_trees_have_different_structures():
    structures = [tree.structure(value) for value in TREES.values()]
    assert len(set(structures)) == len(structures)
    for i, one in enumerate(structures):
        assert [one == other for other in structures].count(True) == 1, i


def test_leaves_of_a_dict_come_in_the_order_of_sorted_keys():
    assert tree.leaves({"b": 1, "c": 2, "a": 3}) == [3, 1, 2]
    assert tree.leaves(defaultdict(int, b=1, a=2)) == [2, 1]
    assert tree.leaves(OrderedDict(b=1, a=2)) == [1, 2]
    assert tree.structure({"a": 1, "b": 2}) == tree.structure({"b": 2, "a": 1})


def test_keys_that_can_not_be_sorted_have_one_order_whatever_the_insertion():
    one, other = {"a": 1, 2: 2, None: 3}, {None: 3, 2: 2, "a": 1}
    assert tree.flatten(one) == tree.flatten(other)
    assert tree.unflatten(tree.structure(one), tree.leaves(other)) == one


def test_a_defaultdict_keeps_its_factory():
    back = tree.map(lambda x: x, defaultdict(list, a=1.0))
    assert back["missing"] == []


def test_static_fields_belong_to_the_structure():
    assert tree.structure(Layer(1, 2, "a")) != tree.structure(Layer(1, 2, "b"))
    assert tree.structure(Layer(1, 2, "a")) == tree.structure(Layer(3, 4, "a"))
    assert tree.map(lambda x: x + 1, Layer(1, 2, "a")) == Layer(2, 3, "a")


def test_a_dataclass_is_rebuilt_without_its_constructor():
    marked = tree.map(lambda x: "a marker", Checked(1.0))
    assert marked.a == "a marker"


def test_a_registered_class_is_a_node():
    value = Registered(1.0, [2.0, 3.0], "label")
    leaves, structure = tree.flatten(value)
    assert leaves == [1.0, 2.0, 3.0]
    back = tree.unflatten(structure, [10.0, 20.0, 30.0])
    assert (back.a, back.b, back.label) == (10.0, [20.0, 30.0], "label")
    assert structure != tree.structure(Registered(1.0, [2.0, 3.0], "other"))


def test_a_class_is_registered_once():
    with pytest.raises(ValueError, match="registered"):
        tree.register_node(Registered, lambda r: ((), None), lambda _, __: None)
    with pytest.raises(ValueError, match="registered"):
        tree.register_node(dict, lambda r: ((), None), lambda _, __: None)


def test_instances_of_other_classes_are_leaves():
    class Plain:
        pass

    class MyList(list):
        pass

    for leaf in (Plain(), MyList([1, 2]), "text", np.ones(3), {1, 2}, Layer, range(3)):
        leaves, structure = tree.flatten(leaf)
        assert leaves == [leaf] or leaves[0] is leaf
        assert structure == tree.LEAF


def test_is_leaf_stops_the_descent():
    value = {"a": (1, 2), "b": [3, (4, 5)]}
    leaves = tree.leaves(value, is_leaf=lambda x: isinstance(x, tuple))
    assert leaves == [(1, 2), 3, (4, 5)]
    sizes = tree.map(len, [(1, 2), (3,)], is_leaf=lambda x: isinstance(x, tuple))
    assert sizes == [2, 1]


def test_none_is_a_node_without_leaves():
    assert tree.leaves([None, 1, None]) == [1]
    assert tree.map(lambda x: x + 1, [None, 1]) == [None, 2]
    assert tree.leaves(None, is_leaf=lambda x: x is None) == [None]


# Paths


def test_paths_read_as_python():
    value = {
        "layers": [Layer(1, 2), Layer(3, 4)],
        "point": Point(5, (6,)),
        3: None,
        "other": Registered(7, 8, "r"),
    }
    _, structure = tree.flatten(value)
    assert dict(zip(tree.paths(structure, "p"), tree.leaves(value), strict=True)) == {
        "p['layers'][0].W": 1, "p['layers'][0].b": 2, "p['layers'][1].W": 3,
        "p['layers'][1].b": 4, "p['point'].x": 5, "p['point'].y[0]": 6,
        "p['other'].children[0]": 7, "p['other'].children[1]": 8,
    }  # fmt: skip
    assert tree.paths(tree.LEAF, "x") == ["x"]
    assert tree.paths(tree.structure(None), "x") == []


def test_a_structure_prints_with_stars_for_leaves():
    assert repr(tree.structure({"a": (1, [2, None])})) == "{'a': (*, [*, None])}"
    assert repr(tree.structure(Point(1, 2))) == "Point(x=*, y=*)"


# Errors


def test_unflatten_wants_as_many_leaves_as_there_are():
    structure = tree.structure((1, 2))
    for leaves in ([1], [1, 2, 3], []):
        with pytest.raises(TreeStructureError, match="2 leaves"):
            tree.unflatten(structure, leaves)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"a": [1, (2, 3)]}, "at ['a'][1] of the tree: expected None"),
        ({"a": [1]}, "at ['a']"),
        ({"b": [1, None]}, "at the root"),
        ([1, None], "at the root of the tree: expected a dict, got a list"),
        ({"a": (1, None)}, "at ['a'] of the tree: expected a list, got a tuple"),
        (None, "expected a dict, got None"),
        (5, "expected a dict, got a int"),
    ],
)
def test_map_names_the_place_where_trees_differ(other, words):
    with pytest.raises(TreeStructureError) as error:
        tree.map(lambda x, y: x, {"a": [1, None]}, other)
    assert words in str(error.value)


def test_map_tells_named_tuples_and_dataclasses_apart():
    for one, other in [
        (Point(1, 2), (1, 2)),
        (Point(1, 2), Typed(1, 2)),
        (Layer(1, 2, "a"), Layer(1, 2, "b")),
        (Layer(1, 2), Derived(1, 2)),
        (OrderedDict(a=1), {"a": 1}),
        (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    ]:
        with pytest.raises(TreeStructureError):
            tree.map(lambda x, y: x, one, other)


def test_flatten_up_to_stops_where_the_structure_has_leaves():
    structure = tree.structure({"a": 1, "b": (2, 3)})
    value = {"a": [1, 2], "b": ({"c": 3}, None)}
    assert tree.flatten_up_to(structure, value) == [[1, 2], {"c": 3}, None]


def test_broadcast_prefix_repeats_a_leaf_over_its_branch():
    structure = tree.structure({"a": (1, 2), "b": [3, None]})
    is_leaf = lambda x: isinstance(x, int)
    assert tree.broadcast_prefix(7, structure, is_leaf) == [7, 7, 7]
    assert tree.broadcast_prefix({"a": 1, "b": [2, 9]}, structure, is_leaf) == [1, 1, 2]
    for prefix in ({"a": 1}, [1, 2], {"a": (1, 2, 3), "b": 1}):
        with pytest.raises(TreeStructureError):
            tree.broadcast_prefix(prefix, structure, is_leaf)


def test_reduce_and_all_fold_the_leaves():
    assert tree.reduce(lambda a, b: a + b, {"a": [1, 2], "b": None, "c": 3}, 10) == 16
    assert tree.all({"a": True, "b": (1, 2)})
    assert not tree.all({"a": True, "b": (1, 0)})
    assert tree.all(None)


# Derivatives


DIFFERENTIABLE = {n: v for n, v in TREES.items() if tree.leaves(v)} | {
    "registered": Registered(1.0, [2.0, 3.0], "label")
}


def weighted(value):
    return np.sum(np.stack([(i + 1) * x**2 for i, x in enumerate(tree.leaves(value))]))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_gradient_has_the_tree_of_the_argument(name):
    value = DIFFERENTIABLE[name]
    expected = [2 * (i + 1) * x for i, x in enumerate(tree.leaves(value))]
    for f in (ft.grad(weighted), ft.jit(ft.grad(weighted)), ft.grad(ft.jit(weighted))):
        gradient = f(value)
        assert tree.structure(gradient) == tree.structure(value)
        assert_close(tree.leaves(gradient), expected)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_transform_takes_and_returns_every_tree(name):
    value = DIFFERENTIABLE[name]
    structure = tree.structure(value)
    cube = lambda v: tree.map(lambda x: x**3, v)
    cubes = [x**3 for x in tree.leaves(value)]
    slopes = [3 * x**2 for x in tree.leaves(value)]
    ones = tree.map(np.ones_like, value)

    primal, tangent = ft.jvp(cube, (value,), (ones,))
    primal_again, pull = ft.vjp(cube, value)
    (cotangent,) = pull(ones)
    for found, expected in [
        (ft.jit(cube)(value), cubes),
        (primal, cubes),
        (primal_again, cubes),
        (tangent, slopes),
        (cotangent, slopes),
        (ft.linearize(cube, value)[1](ones), slopes),
    ]:
        assert tree.structure(found) == structure
        assert_close(tree.leaves(found), expected)

    batch = tree.map(lambda x: np.array([x, 2 * x]), value)
    mapped = ft.vmap(cube)(batch)
    assert tree.structure(mapped) == structure
    assert_close(tree.leaves(mapped), [[c, 8 * c] for c in cubes])


def test_static_fields_steer_the_computation():
    f = lambda frozen, x: frozen.scale * x**frozen.power
    assert_close(ft.grad(f)(Frozen(2.0, 3), 2.0).scale, 8.0)
    jitted = ft.jit(f)
    assert_close(jitted(Frozen(2.0, 3), 2.0), 16.0)
    assert_close(jitted(Frozen(2.0, 2), 2.0), 8.0)


def test_auxiliary_data_and_outputs_may_be_any_tree():
    aux = {"point": Point(1.0, None), "layer": Layer(2.0, ()), "none": None}
    f = lambda x: (x**2, tree.map(lambda leaf: leaf * x, aux))
    _, found = ft.grad(f, has_aux=True)(3.0)
    assert found == {"point": Point(3.0, None), "layer": Layer(6.0, ()), "none": None}
    assert ft.jit(lambda x: None)(1.0) is None
    assert ft.jit(lambda x: ((), [], {}))(1.0) == ((), [], {})
