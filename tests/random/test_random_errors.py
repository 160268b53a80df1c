"""Random functions refuse what is no key, and what cannot be drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import random
from functrace.errors import (
    AxisError,
    DTypeError,
    KeyTypeError,
    OptionError,
    ShapeError,
    TracerConversionError,
)

KEY = random.key(11)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (5, "not 5"),
        (np.array([1, 2]), "dtype int64 and shape \\(2,\\)"),
        (np.zeros(4, np.uint32), "dtype uint32"),
        (random.split(KEY, 3), "functrace.vmap, or pass one of them"),
        (np.random.default_rng(0), "a Generator"),
        (None, "a NoneType"),
    ],
)
def test_what_is_no_key_is_refused(key: Any, what: str) -> None:
    for draw in (random.normal, random.split, lambda key: random.gamma(key, 2.0)):
        with pytest.raises(KeyTypeError, match=what):
            draw(key)


def test_a_key_of_the_wrong_type_is_refused_while_tracing() -> None:
    with pytest.raises(KeyTypeError, match="functrace.random.key"):
        ft.jit(random.normal)(np.zeros(2))


@pytest.mark.parametrize(
    ("call", "error", "what"),
    [
        (lambda: random.key(-1), OptionError, "seed -1"),
        (lambda: random.key(2**128), OptionError, "2\\*\\*128 - 1"),
        (lambda: random.key(1.5), DTypeError, "one integer"),
        (lambda: random.key(np.arange(3)), DTypeError, "int64 of shape"),
        (lambda: random.fold_in(KEY, 0.5), DTypeError, "data must be one integer"),
        (lambda: random.split(KEY, -1), ShapeError, "negative"),
        (lambda: random.normal(KEY, (2, -1)), ShapeError, "negative"),
        (lambda: random.normal(KEY, (2,), int), DTypeError, "int64"),
        (lambda: random.uniform(KEY, (2,), bool), DTypeError, "bool"),
        (lambda: random.uniform(KEY, (2,), minval=np.zeros(3)), ShapeError, "uniform"),
        (lambda: random.gamma(KEY, np.ones(3), (3, 2)), ShapeError, "gamma"),
        (lambda: random.gamma(KEY, np.ones((2, 3)), (3,)), ShapeError, "whole shape"),
        (lambda: random.bits(KEY, (), int), DTypeError, "unsigned"),
        (lambda: random.randint(KEY, (2,), 3, 3), OptionError, "less than maxval"),
        (lambda: random.randint(KEY, (2,), 0, 300, np.uint8), OptionError, "0 to 255"),
        (lambda: random.randint(KEY, (2,), 0.0, 3), DTypeError, "minval"),
        (lambda: random.randint(KEY, (2,), 0, np.uint64(3)), DTypeError, "maxval"),
        (lambda: random.bernoulli(KEY, [0.5, 1.5]), OptionError, "0.5 and 1.5"),
        (lambda: random.poisson(KEY, -1.0), OptionError, "lam"),
        (lambda: random.poisson(KEY, np.nan), OptionError, "lam"),
        (lambda: random.poisson(KEY, 200.0, dtype=np.int8), OptionError, "127"),
        (lambda: random.dirichlet(KEY, 2.0), ShapeError, "axis"),
        (lambda: random.choice(KEY, 3, (2,), p=[0.5, 0.4, 0.2]), OptionError, "sum is 1.1"),
        (lambda: random.choice(KEY, 2, (2,), p=[1.5, -0.5]), OptionError, "-0.5"),
        (lambda: random.choice(KEY, 3, (2,), p=[0.5, 0.5]), ShapeError, "3 elements"),
        (lambda: random.choice(KEY, 3, (4,), replace=False), OptionError, "without replacement"),
        (lambda: random.choice(KEY, 0, (4,)), OptionError, "4 of 0"),
        (lambda: random.choice(KEY, 2, (2,), False, [1.0, 0.0]), OptionError, "different"),
        (lambda: random.choice(KEY, -2), OptionError, "negative"),
        (lambda: random.choice(KEY, np.ones(3), axis=1), AxisError, "axis 1"),
        (lambda: random.permutation(KEY, np.ones(3), axis=-2), AxisError, "axis -2"),
        (lambda: random.rademacher(KEY, (), np.uint8), DTypeError, "-1"),
        (lambda: random.categorical(KEY, np.ones((2, 3)), shape=(3,)), ShapeError, "\\(2,\\)"),
        (lambda: random.categorical(KEY, np.ones(3), shape=(4,), replace=False), ShapeError, "4"),
        (lambda: random.multivariate_normal(KEY, [0.0], np.eye(2)), ShapeError, "\\(1,\\)"),
        (lambda: random.multivariate_normal(KEY, [0.0], [[1.0]], method="lu"), OptionError, "svd"),
    ],
)
def test_arguments_that_can_not_be_drawn_from_are_refused(
    call: Any, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        call()


def test_parameters_out_of_range_are_found_when_a_compiled_function_runs() -> None:
    draw = ft.jit(lambda key, p: random.bernoulli(key, p))
    assert not draw(KEY, 0.0)
    with pytest.raises(OptionError, match="1.25"):
        draw(KEY, 1.25)


def test_parameters_out_of_range_give_nan_where_there_is_one() -> None:
    a = np.array([-1.0, np.nan, np.inf, 2.0])
    assert np.isnan(random.gamma(KEY, a)).tolist() == [True] * 3 + [False]
    assert np.isnan(random.beta(KEY, a, 1.0)).tolist() == [True] * 3 + [False]
    p = np.array([-0.1, 1.1, np.nan, 0.5])
    assert np.isnan(random.binomial(KEY, 40, p)).tolist() == [True] * 3 + [False]
    assert np.isnan(random.truncated_normal(KEY, 1.0, [0.0, 2.0])).tolist() == [True, False]


# NumPy's generators

_GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda x: np.random.normal(loc=x), "np.random.normal"),
        (lambda x: _GENERATOR.normal(x, 1.0), "Generator.normal"),
        (lambda x: np.random.RandomState(0).gamma(x), "np.random.gamma"),
        (lambda x: _GENERATOR.choice(3, p=x), "Generator.choice"),
        (lambda x: _GENERATOR.permutation(x), "Generator.permutation"),
        (lambda x: _GENERATOR.integers(0, x * 10), "Generator.integers"),
        (lambda x: np.random.default_rng(x), "np.random.default_rng"),
    ],
)
@pytest.mark.parametrize("transform", [ft.grad, ft.jit, ft.trace])
def test_numpys_generators_refuse_traced_values_and_name_this_module(
    draw: Any, name: str, transform: Any
) -> None:
    def f(x: Any) -> Any:
        return np.sum(draw(x))

    with pytest.raises(TracerConversionError, match=name) as caught:
        transform(f)(np.array([0.2, 0.3, 0.5]))
    assert "functrace.random.normal" in str(caught.value)
    assert caught.value.source is not None
    assert caught.value.source.filename == __file__


def test_a_wrong_argument_of_numpys_generators_keeps_numpys_error() -> None:
    generator: Any = _GENERATOR
    with pytest.raises(TypeError, match="nothing"):
        ft.grad(lambda x: x * generator.normal(nothing=1))(1.0)
