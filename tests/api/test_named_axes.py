"""Functions that refer to a mapped axis by its name."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import (
    ArgumentError,
    ConcretizationError,
    LeafTypeError,
    MappedAxisError,
    OptionError,
    ShapeError,
    UnboundAxisError,
)

X = np.array([0.5, -1.0, 2.0])


def over(fun: Any, **options: Any) -> Any:
    return ft.vmap(fun, axis_name="i", **options)


def equal(found: Any, expected: Any) -> None:
    if isinstance(expected, list):
        expected = np.array(expected)
    for a, b in zip(ft.tree.leaves(found), ft.tree.leaves(expected), strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-12)


# Values


def test_reductions_are_those_of_numpy_over_the_mapped_axis() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 3))
    for function, expected in (
        (ft.psum, rows.sum(0)), (ft.pmean, rows.mean(0)), (ft.pmax, rows.max(0)),
        (ft.pmin, rows.min(0)),
    ):  # fmt: skip
        equal(over(lambda x, f=function: f(x, "i"))(rows), np.broadcast_to(expected, (4, 3)))
        equal(over(lambda x, f=function: f(x, "i"), out_axes=None)(rows), expected)


def test_dtypes_stay_as_they_are_and_booleans_count() -> None:
    small = np.array([100, 100, 100], np.int8)
    total = over(lambda n: ft.psum(n, "i"))(small)
    assert total.dtype == np.int8
    equal(total, np.full(3, np.add.reduce(small, dtype=np.int8)))
    assert over(lambda x: ft.psum(x, "i"))(X.astype(np.float32)).dtype == np.float32
    equal(over(lambda x: ft.psum(x > 0, "i"))(X), [2, 2, 2])
    assert over(lambda n: ft.pmean(n, "i"))(small.astype(np.int64)).dtype == np.float64


def test_trees_are_reduced_leaf_by_leaf() -> None:
    found = over(lambda x: ft.psum({"a": x, "b": (x**2, 1)}, "i"))(X)
    equal(found, {"a": np.full(3, X.sum()), "b": (np.full(3, (X**2).sum()), np.full(3, 3))})


def test_the_sum_of_a_plain_number_is_a_plain_number() -> None:
    def f(x: Any) -> Any:
        size = ft.psum(1, "i")
        assert type(size) is int
        assert size == ft.axis_size("i") == 3
        return x * size

    equal(over(f)(X), 3 * X)


def test_what_examples_share_is_counted_for_each() -> None:
    equal(
        over(lambda x, w: ft.psum(w, "i") + ft.pmax(w, "i"), in_axes=(0, None))(X, 2.0), [8.0] * 3
    )
    gathered = over(lambda x, w: ft.all_gather(w, "i"), in_axes=(0, None), out_axes=None)(X, 2.0)
    equal(gathered, [2.0, 2.0, 2.0])
    shared = np.arange(3.0)
    scattered = over(lambda x, w: ft.psum_scatter(w, "i"), in_axes=(0, None))(X, shared)
    equal(scattered, 3 * shared)
    dealt = over(lambda x, w: ft.all_to_all(w, "i", 0, 0), in_axes=(0, None))(X, shared)
    equal(dealt, np.repeat(shared[:, None], 3, 1))


def test_permutations_send_values_and_leave_zeros() -> None:
    equal(over(lambda x: ft.ppermute(x, "i", [(0, 2), (2, 0), (1, 1)]))(X), X[::-1])
    equal(over(lambda x: ft.ppermute(x, "i", [(0, 1)]))(X), [0, X[0], 0])
    equal(over(lambda x: ft.ppermute(7.0, "i", [(0, 1)]))(X), [0, 7, 0])
    equal(over(lambda x: ft.ppermute(7.0, "i", [(0, 1), (1, 2), (2, 0)]))(X), [7, 7, 7])


def test_gathering_puts_the_examples_where_axis_says() -> None:
    rows = np.arange(6.0).reshape(2, 3)
    equal(over(lambda x: ft.all_gather(x, "i", axis=1), out_axes=None)(rows), rows.T)
    equal(over(lambda x: ft.all_gather(x, "i", axis=-1), out_axes=None)(rows), rows.T)
    equal(over(lambda x: ft.all_gather(x, "i", tiled=True), out_axes=None)(rows), rows.ravel())


def test_exchanged_parts_come_back_when_exchanged_again() -> None:
    x = np.random.default_rng(1).normal(size=(3, 6, 2))

    def there(x: Any) -> Any:
        return ft.all_to_all(x, "i", 0, 1, tiled=True)

    out = over(there)(x)
    assert out.shape == (3, 2, 6)
    equal(over(lambda y: ft.all_to_all(y, "i", 1, 0, tiled=True))(out), x)
    equal(out[1, :, :2], x[0, 2:4])


def test_no_examples_at_all() -> None:
    empty = np.zeros((0, 2))
    assert over(lambda x: x - ft.pmax(x, "i") + ft.psum(x, "i"))(empty).shape == (0, 2)
    assert over(lambda x: ft.ppermute(x, "i", []))(empty).shape == (0, 2)


# Several names


def test_each_name_means_its_own_axis() -> None:
    x = np.arange(6.0).reshape(2, 3)
    both = lambda f: ft.vmap(ft.vmap(f, axis_name="j"), axis_name="i")
    equal(both(lambda x: ft.psum(x, "i"))(x), np.tile(x.sum(0), (2, 1)))
    equal(both(lambda x: ft.psum(x, "j"))(x), np.tile(x.sum(1)[:, None], (1, 3)))
    equal(both(lambda x: ft.pmean(x, ("i", "j")))(x), np.full((2, 3), x.mean()))
    equal(both(lambda x: ft.axis_index(("i", "j")))(x), x)
    equal(
        both(lambda x: ft.axis_index("i") * 10 + ft.axis_index("j"))(x), [[0, 1, 2], [10, 11, 12]]
    )
    equal(both(lambda x: ft.all_gather(x, ("j", "i")))(x)[0, 0], x.T.ravel())
    equal(both(lambda x: ft.axis_size(("i", "j")))(x), np.full((2, 3), 6))


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: ft.all_gather(x, "i", axis=1), lambda x: np.moveaxis(x, 0, 2)),
        (lambda x: ft.psum_scatter(x, "i"), lambda x: np.moveaxis(x.sum(0), 1, 0)),
        (lambda x: ft.all_to_all(x, "i", 0, 0), lambda x: np.moveaxis(x, 2, 0).swapaxes(1, 2)),
        (lambda x: ft.ppermute(x, "i", [(0, 1), (1, 0)]), lambda x: x[::-1]),
    ],
    ids=["all_gather", "psum_scatter", "all_to_all", "ppermute"],
)
def test_another_mapped_axis_is_handed_on(f: Any, expected: Any) -> None:
    x = np.random.default_rng(2).normal(size=(2, 3, 2))  # i, another axis, the example's own
    for inner in (ft.vmap(f), ft.vmap(f, axis_name="j")):
        out = over(inner)(x)
        whole = expected(x)
        equal(out, whole if out.shape == whole.shape else np.broadcast_to(whole, out.shape))


def test_an_inner_axis_hides_an_outer_one_of_the_same_name() -> None:
    x = np.arange(6.0).reshape(2, 3)
    f = lambda row: over(lambda x: ft.psum(x, "i"))(row) + ft.psum(row, "i")
    equal(over(f)(x), x.sum(1, keepdims=True) + x.sum(0))


def test_a_name_is_bound_where_the_function_is_mapped_not_where_it_is_defined() -> None:
    f = lambda x: ft.psum(x, "i")
    equal(over(f)(X), np.full(3, X.sum()))
    equal(ft.vmap(lambda y: over(f)(y * X))(X), np.outer(X, np.full(3, X.sum())))
    with pytest.raises(UnboundAxisError):
        f(1.0)


# Derivatives


def loss(x: Any) -> Any:
    mean = ft.pmean(x, "i")
    spread = ft.psum((x - mean) ** 2, "i")
    return np.sin(x * spread) + ft.all_gather(x, "i") @ np.arange(3.0) * ft.pmax(x, "i")


def test_a_derivative_inside_is_that_of_the_sum_of_all_outputs() -> None:
    equal(over(ft.grad(loss))(X), ft.grad(lambda x: np.sum(over(loss)(x)))(X))
    equal(over(ft.grad(lambda x: ft.psum(x**2, "i")))(X), 6 * X)


def test_a_forward_derivative_inside_sees_the_tangents_of_all_examples() -> None:
    v = np.array([1.0, 0.3, -2.0])
    inside = over(lambda x, v: ft.jvp(loss, (x,), (v,)))(X, v)
    equal(inside, ft.jvp(over(loss), (X,), (v,)))


def test_second_derivatives() -> None:
    total = lambda x: np.sum(over(loss)(x))
    equal(over(ft.grad(ft.grad(loss)))(X), ft.grad(lambda x: np.sum(ft.grad(total)(x)))(X))
    ft.testing.check_grads(over(loss), (X,), order=2)


def test_derivatives_by_what_examples_share() -> None:
    f = lambda x, w: ft.psum(np.sin(x * w), "i")
    inside = over(ft.grad(f, argnums=1), in_axes=(0, None))(X, 2.0)
    equal(inside, 3 * X * np.cos(X * 2.0))  # of each example by its own copy


def test_jacobians_inside() -> None:
    rows = np.random.default_rng(3).normal(size=(3, 2))
    f = lambda x: ft.psum(np.sin(x), "i") * x
    expected = over(lambda x: ft.jacfwd(lambda v: f(v))(x))(rows)
    # by forward mode all examples move together; in reverse the sum of all outputs is meant
    c, s = np.cos(rows), np.sin(rows).sum(0)
    forward = [np.diag(s + x * c.sum(0)) for x in rows]
    equal(expected, forward)
    reverse = [np.diag(s) + np.diag(rows.sum(0) * a) for a in c]
    equal(over(ft.jacrev(f))(rows), reverse)


# In other transforms, loops and choices


def test_inside_jit_and_around_it() -> None:
    f = lambda x: x * ft.psum(x, "i") + ft.axis_index("i")
    plain = over(f)(X)
    equal(over(ft.jit(f))(X), plain)
    equal(ft.jit(over(f))(X), plain)


def test_a_jitted_function_is_traced_for_each_length_and_name() -> None:
    f = ft.jit(lambda x: x / ft.axis_size("i") + ft.psum(1.0, "i"))
    for _ in range(2):
        equal(over(f)(X), X / 3 + 3)
        equal(over(f)(X[:2]), X[:2] / 2 + 2)
    constant = ft.jit(lambda x: x + ft.axis_size("i"))
    for n in (3, 2, 3):
        for _ in range(12):  # so often that it takes the short way
            equal(
                over(lambda x, n=n: x + constant(np.ones(2)))(np.zeros((n, 2))),
                np.full((n, 2), n + 1.0),
            )


def test_functions_without_traced_operands_are_recorded() -> None:
    number = ft.jit(lambda: ft.axis_index("i") * 2)
    equal(over(lambda x: x + number())(X), X + [0, 2, 4])
    counted = lambda x: ft.scan(lambda c, _: (c + ft.axis_index("i"), None), 0, length=3)[0]
    equal(over(counted)(X), [0, 3, 6])
    chosen = lambda x: ft.cond(True, lambda: ft.axis_index("i"), lambda: -1)
    equal(over(chosen)(X), [0, 1, 2])
    kept = lambda x: ft.checkpoint(lambda: ft.axis_index("i") * 1.0)()
    equal(over(kept)(X), [0, 1, 2])
    slope = lambda x: ft.grad(lambda w: w * ft.axis_index("i"))(2.0)
    equal(over(slope)(X), [0, 1, 2])


def stepped(x: Any) -> Any:
    def step(c: Any, a: Any) -> Any:
        return np.sin(c) + a * ft.pmean(c, "i"), ft.psum(c, "i")

    return ft.scan(step, x, np.array([0.5, 0.2]))


def unrolled(x: Any) -> Any:
    totals = []
    for a in (0.5, 0.2):
        totals.append(np.full(3, x.sum()))
        x = np.sin(x) + a * x.mean()
    return x, np.stack(totals, 1)


def test_in_a_scan_as_in_an_unrolled_loop() -> None:
    equal(over(stepped)(X), unrolled(X))
    total = lambda f: lambda x: np.sum(f(x)[0] * np.cos(f(x)[1][..., 1]))
    gradient = ft.grad(lambda x: np.sum(over(total(stepped))(x)))(X)
    expected = ft.grad(
        lambda x: np.sum(unrolled_traced(x)[0] * np.cos(unrolled_traced(x)[1]))
    )(X)  # fmt: skip
    equal(gradient, expected)
    equal(over(ft.grad(total(stepped)))(X), expected)


def unrolled_traced(x: Any) -> Any:
    last = None
    for a in (0.5, 0.2):
        last = np.sum(x)
        x = np.sin(x) + a * np.mean(x)
    return x, last


def test_in_a_while_loop_that_ends_for_all_together() -> None:
    f = lambda x: ft.while_loop(lambda c: ft.psum(c**2, "i") > 0.1, lambda c: c * 0.5, x)
    expected = X
    while np.sum(expected**2) > 0.1:
        expected = expected * 0.5
    equal(over(f)(X), expected)
    scale = expected[0] / X[0]
    equal(over(ft.grad(f))(X), [scale] * 3)


def test_in_branches_of_each_examples_choice() -> None:
    f = lambda x: ft.cond(x > 0, lambda x: ft.psum(x, "i"), lambda x: x * ft.axis_index("i"), x)
    equal(over(f)(X), [X.sum(), X[1], X.sum()])
    equal(over(ft.grad(f))(X), [2.0, 3.0, 2.0])  # an example adds to sums that others choose


CHOICES = {
    "where": lambda x: np.where(x > 0, ft.psum(np.sin(x), "i"), x**2),
    "cond": lambda x: ft.cond(x > 0, lambda x: ft.psum(np.sin(x), "i"), lambda x: x**2, x),
    "switch": lambda x: ft.switch(
        ft.axis_index("i"),
        [np.sin, lambda x: x * ft.pmean(np.exp(x), "i"), lambda x: ft.all_gather(x**2, "i")[0]], x,
    ),
    "while_loop": lambda x: ft.while_loop(
        lambda c: c < 3, lambda c: c + 1 + 0.1 * ft.psum(np.sin(c), "i"), x
    ),
    "scan of while_loop": lambda x: ft.scan(
        lambda c, a: (ft.while_loop(
            lambda v: v < a, lambda v: v + 1 + 0.1 * ft.psum(v * v, "i"), c) * 0.5, None),
        x, np.array([3.0, 2.0]),
    )[0],
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
def test_examples_that_choose_differently_meet_all_the_same(name: str) -> None:
    """Derivatives inside, where the choice is still to be mapped, are those of the values."""
    f = CHOICES[name]
    ft.testing.check_grads(over(f), (X,), order=2)
    equal(over(ft.grad(f))(X), ft.grad(lambda x: np.sum(over(f)(x)))(X))
    v = np.array([1.0, 0.3, -2.0])
    moved = ft.jvp(over(f), (X,), (v,))
    equal(over(lambda x, v: ft.jvp(f, (x,), (v,)))(X, v), moved)
    equal(over(lambda x, v: ft.linearize(f, x)[1](v))(X, v), moved[1])
    curved = ft.grad(lambda x: np.sum(ft.grad(lambda x: np.sum(over(f)(x)))(x)))(X)
    equal(over(ft.grad(ft.grad(f)))(X), curved)


def test_under_checkpoint() -> None:
    f = lambda x: np.sum(stepped(x)[0]) * ft.psum(x, "i")
    equal(over(ft.grad(ft.checkpoint(f)))(X), over(ft.grad(f))(X))


def test_rules_of_the_user_refer_to_the_axis() -> None:
    @ft.custom_jvp
    def f(x: Any) -> Any:
        return x**2

    f.defjvp(lambda primals, tangents: (f(*primals), ft.psum(2 * primals[0] * tangents[0], "i")))

    @ft.custom_vjp
    def g(x: Any) -> Any:
        return x**2

    g.defvjp(lambda x: (x**2, x), lambda x, ct: (ft.psum(2 * x * ct, "i"),))
    for function, expected in ((f, 6 * X), (g, np.full(3, 2 * X.sum()))):
        equal(over(ft.grad(function))(X), expected)
        equal(ft.grad(lambda x, h=function: np.sum(over(h)(x)))(X), expected)


def test_names_are_those_of_this_thread() -> None:
    found: list[Any] = []

    def other() -> None:
        try:
            ft.axis_size("i")
        except UnboundAxisError as error:
            found.append(error)

    def f(x: Any) -> Any:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return x

    over(f)(X)
    assert len(found) == 1


# Programs


def test_a_program_shows_the_axis() -> None:
    texts: list[str] = []

    def f(x: Any) -> Any:
        inner = lambda x: ft.psum(x, "i") + ft.ppermute(x, "i", [(0, 1)]) * ft.axis_index("i")
        texts.append(str(ft.trace(inner)(x)))
        return x

    over(f)(X)
    assert "psum(x, 'i')" in texts[0]
    assert "ppermute(x, 'i', perm=((0, 1),))" in texts[0]
    assert "axis_index('i')" in texts[0]


def test_a_program_that_refers_to_an_axis_does_not_run_by_itself() -> None:
    programs: list[Any] = []
    over(lambda x: programs.append(ft.trace(lambda x: ft.psum(x, "i"))(x)) or x)(X)
    assert programs[0].effects == {"i"}
    with pytest.raises(UnboundAxisError, match="'i'"):
        ft.evaluate(programs[0], 1.0)


# Errors


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnboundAxisError, match=r"named 'k' here; .*'i' \(length 3\)") as info:
        over(lambda x: ft.psum(x, "k"))(X)
    assert isinstance(info.value, NameError)
    assert 'ft.psum(x, "k")' in str(info.value)
    with pytest.raises(UnboundAxisError, match="no axis in scope has a name"):
        ft.pmean(X, "i")
    with pytest.raises(UnboundAxisError, match="axis_index: no mapped axis is named 'j'"):
        over(lambda x: ft.axis_index(("i", "j")))(X)


def test_python_can_not_ask_for_an_examples_number() -> None:
    with pytest.raises(ConcretizationError):
        over(lambda x: x if ft.axis_index("i") == 0 else -x)(X)
    with pytest.raises(ConcretizationError):
        over(lambda x: ft.grad(lambda w: w if ft.axis_index("i") == 0 else -w)(2.0))(X)


@pytest.mark.parametrize(
    ("error", "f"),
    [
        (OptionError, lambda x: ft.psum(x, "i", axis_index_groups=[[0, 1], [2]])),
        (OptionError, lambda x: ft.ppermute(x, "i", [(0, 3)])),
        (OptionError, lambda x: ft.ppermute(x, "i", [(0, 1), (0, 2)])),
        (OptionError, lambda x: ft.ppermute(x, "i", [0, 1])),  # type: ignore
        (ArgumentError, lambda x: ft.ppermute(x, ("i", "i"), [])),
        (ArgumentError, lambda x: ft.psum(x, ())),
        (LeafTypeError, lambda x: ft.psum("text", "i")),
        (ShapeError, lambda x: ft.psum_scatter(np.stack([x, x]), "i")),
        (ShapeError, lambda x: ft.all_to_all(np.stack([x, x]), "i", 0, 0, tiled=True)),
    ],
)
def test_bad_arguments(error: Any, f: Any) -> None:
    with pytest.raises(error):
        over(f)(X)


def test_chunks_can_not_part_the_examples_of_a_sum() -> None:
    with pytest.raises(ArgumentError, match="chunk_size"):
        over(lambda x: ft.psum(x, "i"), chunk_size=2)(X)
    equal(over(np.sin, chunk_size=2)(X), np.sin(X))


def test_a_name_has_to_be_hashable() -> None:
    with pytest.raises(ArgumentError, match="hashed"):
        ft.vmap(np.sin, axis_name=["i"])


def test_what_differs_between_examples_is_still_refused_for_a_shared_output() -> None:
    with pytest.raises(MappedAxisError):
        over(lambda x: ft.psum(x, "i") * x, out_axes=None)(X)
