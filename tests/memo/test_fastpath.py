"""Calls of a jitted function that come again and again take a short way to the same results."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest

import functrace as ft
from functrace.errors import LeafTypeError

from ..helpers import assert_close

X = np.array([1.0, 2.0, 3.0])


class Pair(NamedTuple):
    left: Any
    right: Any


def often(f: Any, *args: Any, **kwargs: Any) -> Any:
    for _ in range(12):
        result = f(*args, **kwargs)
    return result


ARGUMENTS = {
    "arrays": (X, X + 1),
    "nested": ({"w": [X, (X, None)], "b": X}, ()),
    "numbers": ({"w": X}, 2.5, 3, np.float64(1.5), np.float32(0.5)),
    "none at all": (),
    "a mapping of another kind": (OrderedDict(a=X, b=X),),
    "a named tuple": (Pair(X, X),),
    "an array without axes": (np.array(2.0), X),
    "another byte order": (X.astype(">f8"), X),
    "a list of many": ([X] * 300,),
    "booleans": (True, np.array([True, False])),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_results_and_their_trees_stay_the_same(name: str) -> None:
    def f(*args: Any) -> Any:
        return {"all": ft.tree.map(lambda x: x * 2 + 1, args), "more": [None, (X,)]}

    args = ARGUMENTS[name]
    run = ft.jit(f)
    first = run(*args)
    assert_close(often(run, *args), first)
    assert ft.tree.structure(first) == ft.tree.structure(f(*args))


def test_other_arguments_are_noticed() -> None:
    f = ft.jit(lambda t, n: t["x"] * n)
    often(f, {"x": X}, 2.0)
    short = f.cache_info().misses
    assert_close(f({"x": X * 2}, 3.0), X * 6)
    assert f.cache_info().misses == short
    for tree, n in (
        ({"x": X.astype(np.float32)}, 2.0), ({"x": X[:2]}, 2.0), ({"x": X, "y": X}, 2.0),
        ({"x": X}, 2), ({"x": X}, np.float64(2.0)), ({"x": X}, X), ({"x": 1.5}, 2.0),
        ({"x": np.ma.masked_array(X).filled()}, 2.0), ({"x": X}, True),
    ):  # fmt: skip
        result = f(tree, n)
        assert_close(result, tree["x"] * n)
        assert np.asarray(result).dtype == np.asarray(tree["x"] * n).dtype
    assert_close(f(t={"x": X}, n=2.0), X * 2)
    with pytest.raises(LeafTypeError, match="argument t"):
        f({"x": "text"}, 2.0)
    with pytest.raises(TypeError):
        f({"x": X})


def test_traced_arguments_take_the_general_way() -> None:
    f = ft.jit(lambda x: np.sum(x**3))
    often(f, X)
    assert_close(ft.grad(f)(X), 3 * X**2)
    assert_close(ft.vmap(f)(np.stack([X, X])), np.array([36.0, 36.0]))


def test_results_are_new_arrays_and_arguments_stay() -> None:
    f = ft.jit(lambda x, y: (x, y * 1, x))
    a, b, c = often(f, X, X)
    assert not any(np.may_share_memory(p, q) for p, q in ((a, X), (b, X), (a, c)))


def test_errors_name_the_line_and_forgetting_forgets() -> None:
    def pick(x: Any, i: Any) -> Any:
        return x[i]  # pick

    f = ft.jit(pick)
    often(f, X, np.array([0, 1]))
    with pytest.raises(IndexError) as caught:
        f(X, np.array([0, 7]))
    assert any("test_fastpath.py" in note for note in caught.value.__notes__)
    f.clear_cache()
    f(X, np.array([0, 1]))
    assert f.cache_info().size == 1


def test_big_python_ints_keep_their_error() -> None:
    f = ft.jit(lambda x, n: x * n)
    often(f, X, 3)
    with pytest.raises(TypeError, match="does not fit"):
        f(X, 2**70)


def test_static_arguments_take_the_general_way() -> None:
    f = ft.jit(lambda x, n: x * n, static_argnums=1)
    assert_close(often(f, X, 2), X * 2)
    assert_close(often(f, X, 3), X * 3)
