"""Random numbers depend on the key and the parameters, and on nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import random
from functrace.ops import philox, ziggurat

KEY = random.key(11)
SHAPES = np.array([[0.3], [2.0], [40.0]])

DRAWS: dict[str, Callable[[Any], Any]] = {
    "bits": lambda key: random.bits(key, (5,), np.uint32),
    "uniform": lambda key: random.uniform(key, (2, 3), np.float32),
    "uniform between": lambda key: random.uniform(key, (3,), minval=-1, maxval=np.arange(3.0)),
    "normal": lambda key: random.normal(key, (200,)),
    "normal, complex": lambda key: random.normal(key, (3,), np.complex64),
    "truncated_normal": lambda key: random.truncated_normal(key, -1, SHAPES, (3, 2)),
    "exponential": random.exponential,
    "laplace": lambda key: random.laplace(key, (3,), np.float16),
    "logistic": lambda key: random.logistic(key, (3,)),
    "gumbel": lambda key: random.gumbel(key, (3,)),
    "cauchy": lambda key: random.cauchy(key, (3,)),
    "gamma": lambda key: random.gamma(key, SHAPES, (3, 40)),
    "loggamma": lambda key: random.loggamma(key, 1e-3, (3,)),
    "chisquare": lambda key: random.chisquare(key, 3.0, (3,)),
    "t": lambda key: random.t(key, SHAPES),
    "beta": lambda key: random.beta(key, SHAPES, 2.0, (3, 2)),
    "dirichlet": lambda key: random.dirichlet(key, [0.1, 2.0, 3.0], (2,)),
    "bernoulli": lambda key: random.bernoulli(key, 0.3, (5,)),
    "rademacher": lambda key: random.rademacher(key, (5,), np.int8),
    "randint": lambda key: random.randint(key, (5,), [-3, 0, 1, 5, 8], 2**62),
    "poisson": lambda key: random.poisson(key, SHAPES, (3, 40)),
    "binomial": lambda key: random.binomial(key, [5, 50, 500], SHAPES[:2] / 3),
    "categorical": lambda key: random.categorical(key, np.log(SHAPES.T), shape=(4, 1)),
    "categorical without replacement": lambda key: random.categorical(
        key, np.zeros((2, 5)), shape=(3, 2), replace=False
    ),
    "permutation": lambda key: random.permutation(key, 7),
    "permutation of rows": lambda key: random.permutation(key, SHAPES, 0, independent=True),
    "choice": lambda key: random.choice(key, SHAPES, (4,)),
    "choice by weight": lambda key: random.choice(key, 3, (4,), p=[0.2, 0.3, 0.5]),
    "choice without replacement": lambda key: random.choice(key, 6, (2, 2), replace=False),
    "choice by weight without replacement": lambda key: random.choice(
        key, SHAPES, (2,), replace=False, p=[0.2, 0.3, 0.5]
    ),
    "split": random.split,
    "fold_in": lambda key: random.fold_in(key, -5),
}
each_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))


def same(actual: Any, expected: Any) -> None:
    """Equal to the last bit, of equal shapes and dtypes."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected, strict=True)


# The same key gives the same numbers


@each_draw
def test_a_key_gives_the_same_numbers_again_and_under_jit(draw: Any) -> None:
    same(draw(KEY), draw(KEY))
    same(ft.jit(draw)(KEY), draw(KEY))


@each_draw
def test_different_keys_give_different_numbers(draw: Any) -> None:
    drawn = {np.asarray(draw(key)).tobytes() for key in random.split(KEY, 20)}
    assert len(drawn) > 1


@each_draw
@pytest.mark.parametrize("count", [3, 300])  # of which many are computed together
def test_vmap_over_keys_equals_a_loop(draw: Any, count: int) -> None:
    keys = random.split(KEY, count)
    expected = np.stack([draw(key) for key in keys])
    same(ft.vmap(draw)(keys), expected)
    nested = ft.vmap(ft.vmap(draw))(keys.reshape(3, -1, 2))
    same(nested, expected.reshape(3, -1, *expected.shape[1:]))


@each_draw
def test_loops_and_chunks_equal_a_python_loop(draw: Any) -> None:
    keys = random.split(KEY, 5)
    expected = np.stack([draw(key) for key in keys])
    same(ft.map(draw, keys), expected)
    same(ft.map(draw, keys, batch_size=2), expected)
    same(ft.jit(lambda keys: ft.scan(lambda c, key: (c, draw(key)), 0, keys)[1])(keys), expected)


@each_draw
def test_a_derivative_by_something_else_does_not_change_the_numbers(draw: Any) -> None:
    values, pull = ft.vjp(lambda x: x * draw(KEY).real.astype(float), 2.0)
    np.testing.assert_array_equal(values, 2 * draw(KEY).real.astype(float))
    np.testing.assert_allclose(pull(np.ones(values.shape))[0], np.sum(draw(KEY).real.astype(float)))


def test_threads_do_not_disturb_each_other() -> None:
    keys = random.split(KEY, 40)
    expected = [draw(key) for draw in DRAWS.values() for key in keys]
    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(draw, key) for draw in DRAWS.values() for key in keys]
        for future, value in zip(work, expected, strict=True):
            same(future.result(), value)


@pytest.mark.parametrize("name", ["uniform", "normal", "bits", "exponential", "rademacher"])
def test_a_longer_draw_begins_with_a_shorter_one(name: str) -> None:
    draw = getattr(random, name)
    long = draw(KEY, (100_000,))
    for count in (0, 1, 5, 8191, 8193, 40_000):
        same(draw(KEY, (count,)), long[:count])
    same(draw(KEY, (200, 500)), long.reshape(200, 500))


def test_a_longer_draw_with_parameters_begins_with_a_shorter_one() -> None:
    long = random.gamma(KEY, 1.5, (5000,))
    same(random.gamma(KEY, 1.5, (700,)), long[:700])
    same(random.poisson(KEY, 33.0, (700,)), random.poisson(KEY, 33.0, (5000,))[:700])


def test_single_precision_gives_the_same_numbers_rounded() -> None:
    for draw in (random.normal, random.uniform):
        np.testing.assert_allclose(draw(KEY, (50,), "f4"), draw(KEY, (50,)), rtol=1e-5, atol=1e-7)


# Parameters


PARAMETERS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "uniform": (
        lambda key, low, high: random.uniform(key, (2, 3), minval=low, maxval=high),
        (np.arange(12.0).reshape(4, 3), np.arange(4.0) + 20),
    ),
    "truncated_normal": (
        lambda key, low, high: random.truncated_normal(key, low, high, (2,)),
        (np.arange(4.0) - 9, np.arange(8.0).reshape(4, 2)),
    ),
    "gamma": (
        lambda key, a: random.gamma(key, a, (50, 3)),
        (np.linspace(0.2, 3, 12).reshape(4, 3),),
    ),
    "beta": (
        lambda key, a, b: random.beta(key, a, b, (5,)),
        (np.linspace(0.2, 3, 4), np.linspace(0.2, 30, 20).reshape(4, 5)),
    ),
    "bernoulli": (random.bernoulli, (np.linspace(0, 1, 12).reshape(4, 3),)),
    "randint": (
        lambda key, low, high: random.randint(key, (5,), low, high),
        (np.arange(4) * -3, np.arange(20).reshape(4, 5) + 2**62),
    ),
    "poisson": (random.poisson, (np.linspace(0, 60, 80).reshape(4, 20),)),
    "binomial": (
        random.binomial,
        (np.arange(4) * 30, np.linspace(0, 1, 12).reshape(4, 3)),
    ),
    "choice": (
        lambda key, p: random.choice(key, 3, (5,), p=p / np.sum(p)),
        (np.linspace(0, 1, 12).reshape(4, 3),),
    ),
    "fold_in": (random.fold_in, (np.array([0, 1, -1, 7]),)),
    "key and fold_in": (
        lambda key, seed, data: random.fold_in(random.key(seed), data),
        (np.arange(4), np.arange(4)),
    ),
}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("mapped_key", [False, True])
def test_mapped_parameters_give_what_a_loop_gives(name: str, mapped_key: bool) -> None:
    draw, parameters = PARAMETERS[name]
    keys = random.split(KEY, 4)
    for chosen in range(2 ** len(parameters)):
        axes = tuple([0 if chosen >> i & 1 else None for i in range(len(parameters))])
        if not mapped_key and set(axes) == {None}:
            continue
        given = [p if axis == 0 else p[0] for p, axis in zip(parameters, axes, strict=True)]
        batched = ft.vmap(draw, in_axes=(0 if mapped_key else None, *axes))
        actual = batched(keys if mapped_key else KEY, *given)
        for i in range(4):
            row = [p[i] if axis == 0 else p for p, axis in zip(given, axes, strict=True)]
            same(actual[i], draw(keys[i] if mapped_key else KEY, *row))


def test_an_element_depends_on_its_own_parameters_alone() -> None:
    a = np.linspace(0.1, 5, 300)
    changed = np.where(np.arange(300) % 7, a, a * 1.5)
    kept = changed == a
    for draw in (random.gamma, lambda key, a: random.poisson(key, 9 * a)):
        np.testing.assert_array_equal(draw(KEY, a)[kept], draw(KEY, changed)[kept])


def test_equal_parameters_given_for_each_element_or_once_give_the_same_numbers() -> None:
    same(random.gamma(KEY, np.full(9, 0.7)), random.gamma(KEY, 0.7, (9,)))
    same(random.randint(KEY, (9,), np.full(9, 2), 50), random.randint(KEY, (9,), 2, 50))
    same(random.poisson(KEY, np.full(9, 0.7)), random.poisson(KEY, 0.7, (9,)))


@each_draw
def test_vmap_over_no_keys_gives_empty_results(draw: Any) -> None:
    drawn = ft.vmap(draw)(np.zeros((0, 2), np.uint64))
    assert drawn.shape == (0, *np.shape(draw(KEY)))
    assert drawn.dtype == np.asarray(draw(KEY)).dtype


@pytest.mark.parametrize("name", PARAMETERS)
def test_vmap_over_no_parameters_gives_empty_results(name: str) -> None:
    draw, parameters = PARAMETERS[name]
    one = draw(KEY, *[p[0] for p in parameters])
    axes = (None, *[0] * len(parameters))
    assert ft.vmap(draw, in_axes=axes)(KEY, *[p[:0] for p in parameters]).shape == (0, *one.shape)


def test_shapes_without_elements() -> None:
    for shape in ((0,), (2, 0), 0):
        whole = shape if isinstance(shape, tuple) else (shape,)
        assert random.normal(KEY, shape).shape == whole
        assert random.gamma(KEY, 2.0, shape).shape == whole
        assert random.poisson(KEY, 2.0, shape).shape == whole
        assert random.choice(KEY, 0, shape).shape == whole
        assert random.choice(KEY, np.ones((3, 2)), shape).shape == (*whole, 2)
        assert random.split(KEY, shape).shape == (*whole, 2)


# Keys


def test_words_are_those_of_numpys_philox_generator() -> None:
    for key in random.split(KEY, 3):
        same(random.bits(key, (9,)), np.random.Philox(key=key).random_raw(9))


def test_children_are_blocks_of_a_stream_of_their_own() -> None:
    generator = np.random.Philox(key=KEY, counter=[0, 0, 0, philox.CHILDREN])
    same(random.split(KEY, 3), generator.random_raw(12).reshape(3, 4)[:, :2])
    generator = np.random.Philox(key=KEY, counter=[0, 9, 0, philox.FOLDED])
    same(random.fold_in(KEY, 9), generator.random_raw(2))


def test_blocks_by_numpys_integers_are_those_of_its_generator() -> None:
    keys = random.split(KEY, 200)
    second = np.arange(200) - 3
    together = philox.blocks(keys, np.arange(200), second, 2)
    for i in range(200):
        counter = np.array([i, (i - 3) % 2**64, 0, 2], np.uint64)
        same(together[i], np.random.Philox(key=keys[i], counter=counter).random_raw(4))


def test_a_child_does_not_depend_on_how_many_there_are() -> None:
    same(random.split(KEY, 500)[:2], random.split(KEY))
    same(random.split(KEY, (2, 3)), random.split(KEY, 6).reshape(2, 3, 2))


def test_keys_made_of_keys_are_all_different() -> None:
    children = random.split(KEY, 2000)
    folded = ft.vmap(random.fold_in, in_axes=(None, 0))(KEY, np.arange(2000))
    grandchildren = ft.vmap(random.split)(children[:1000]).reshape(-1, 2)
    both = np.concatenate([children, folded, grandchildren, KEY[None]])
    assert len(np.unique(both, axis=0)) == len(both)


def test_numbers_of_related_keys_are_uncorrelated() -> None:
    keys = [KEY, *random.split(KEY, 4), *random.split(random.split(KEY)[0], 3)]
    keys += [random.fold_in(KEY, i) for i in range(4)] + [random.key(i) for i in range(4)]
    numbers = np.stack([random.normal(key, (20_000,)) for key in keys])
    correlation = np.corrcoef(numbers) - np.eye(len(keys))
    assert np.max(np.abs(correlation)) < 4.5 / np.sqrt(20_000)


def test_seeds_are_the_low_word_first() -> None:
    same(random.key(2**64 + 5), np.array([5, 1], np.uint64))
    same(random.PRNGKey(np.int32(5)), random.key(5))
    same(ft.jit(random.key)(5), random.key(5))


def test_keys_are_arrays_that_go_through_trees_and_conditions() -> None:
    def f(state: dict[str, Any]) -> Any:
        key, other = random.split(state["key"])
        return ft.cond(state["flag"], random.normal, random.uniform, key), other

    same(ft.jit(f)({"key": KEY, "flag": True})[0], random.normal(random.split(KEY)[0]))
    same(ft.jit(f)({"key": KEY, "flag": False})[0], random.uniform(random.split(KEY)[0]))


def test_using_a_key_twice_gives_the_same_numbers_twice() -> None:
    program = ft.trace(lambda key: random.normal(key, (3,)) - random.normal(key, (3,)))(KEY)
    np.testing.assert_array_equal(ft.evaluate(program, KEY), 0)


# Frozen values: a change of these is a change of everybody's results


FROZEN_CHILDREN = [
    [16240888890765706997, 4220772825708211640],
    [12801134491388400716, 17653858818451563935],
]
FROZEN_FOLDED = [7851727634515868216, 7892874356913305346]
FROZEN_BITS = [17234461323001060555, 1460271564492649549]
FROZEN_RANDINT = [93, 7, 38, 79, 75, 34, 2, 39]
FROZEN_PERMUTATION = [6, 1, 5, 2, 7, 4, 3, 0]
FROZEN_POISSON = [3, 31, 313]
FROZEN_BINOMIAL = [5.0, 26.0, 44.0]
FROZEN_NORMAL_SUM = "-0x1.431af5bbdf892p+5"
FROZEN_ARGUMENTS: dict[str, Any] = {
    "truncated_normal": (-1.0, 2.0),
    "gamma": (0.7,),
    "loggamma": (0.01,),
    "beta": (2.0, 3.0),
    "t": (5.0,),
    "chisquare": (3.0,),
}
FROZEN = {
    "uniform": [0.9342820204007575, 0.07916148013208679, 0.3828279896411555],
    "normal": [-0.2837811408800148, 0.4159051308701566, 1.1268941350409074],
    "truncated_normal": [1.428691116596376, -0.7605718639993643, -0.07015238926580014],
    "exponential": [0.06797693729351692, 2.536265460442702, 0.960169503891505],
    "laplace": [2.029235548281339, -1.8431182798827568, -0.26702232333155973],
    "logistic": [2.6544057915477675, -2.453794871038344, -0.47756199498387064],
    "gumbel": [2.6885867887812056, -0.9306927079274607, 0.040645443552643386],
    "cauchy": [4.774557761583286, -3.9377783513052873, -0.38568666438074867],
    "gamma": [0.5987811228362262, 0.27147666598668885, 0.037658664622692066],
    "loggamma": [-88.55203210348726, -148.8665715381385, -200.8567839758855],
    "chisquare": [3.758281181191672, 4.059037826141654, 1.0337495839926636],
    "t": [-1.4318968038665465, 0.10247635891883582, -0.9167496065143642],
    "beta": [0.591098575242316, 0.5560470099430567, 0.16833473202358828],
}


def test_integer_streams_are_what_they_have_been() -> None:
    assert random.split(random.key(3)).tolist() == FROZEN_CHILDREN
    assert random.fold_in(random.key(3), 1).tolist() == FROZEN_FOLDED
    assert random.bits(random.key(3), (2,)).tolist() == FROZEN_BITS
    assert random.randint(random.key(3), (8,), 0, 100).tolist() == FROZEN_RANDINT
    assert random.permutation(random.key(3), 8).tolist() == FROZEN_PERMUTATION
    assert random.poisson(random.key(3), [3.0, 30.0, 300.0]).tolist() == FROZEN_POISSON
    assert random.binomial(random.key(3), 50, [0.1, 0.5, 0.9]).tolist() == FROZEN_BINOMIAL


def test_floating_streams_are_what_they_have_been() -> None:
    for name, expected in FROZEN.items():
        drawn = getattr(random, name)(random.key(3), *FROZEN_ARGUMENTS.get(name, ()), (3,))
        np.testing.assert_allclose(drawn, expected, rtol=1e-13, err_msg=name)


def test_uniform_and_normal_numbers_are_the_same_to_the_last_bit_on_all_machines() -> None:
    assert random.uniform(random.key(3), (2,)).tolist() == FROZEN["uniform"][:2]
    inside = np.abs(random.normal(random.key(3), (500,))) < 4  # the tail takes a logarithm
    assert inside.all()
    assert random.normal(random.key(3), (500,)).sum().hex() == FROZEN_NORMAL_SUM


# Costs


def test_importing_functrace_does_not_import_the_generators() -> None:
    code = (
        "import sys, functrace; assert 'functrace.random' not in sys.modules; "
        "functrace.random.key(0); assert 'functrace.random' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_layers_of_the_ziggurat_have_equal_areas_and_reach_the_top() -> None:
    step, _, low, rise = ziggurat._tables()
    width = step * 2.0**52
    np.testing.assert_allclose(width[1:] * rise[1:], width[1] * rise[1], rtol=1e-11)
    assert low[0] == 0
    assert low[-1] + rise[-1] == 1
