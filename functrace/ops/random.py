"""Random numbers as pure functions of a key.

A key is an array of two 64-bit words, the key of a Philox generator (see `philox.py`). What an op
draws depends on the key, the parameters and the place of an element, and on nothing else: not on
what was drawn before, on the thread, or on how the work is split. So a batch of keys gives what a
loop gives, and a key that is the same for all examples gives all of them the same numbers.

The operands are a key of shape (*leading, 2) and parameters of shape (*leading, *core). Leading
axes are those that `vmap` maps; they broadcast. The core is as a rule that of `shape`, with axes of
length 1 where the parameter is the same along them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import OptionError
from ..ir import ArrayType, Shape
from ..primitive import NONDIFFERENTIABLE, NOT_LINEAR, PRIMITIVES, Declared, Primitive, Rule
from ..recorder import bind
from .philox import ATTEMPTS, CHILDREN, FOLDED, Words, blocks, runs, wide_product, words
from .shape import broadcast_shapes, reshape
from .ziggurat import standard_normal

Sampler = Callable[..., np.ndarray]


def drawing(
    name: str,
    sampler: Sampler,
    *,
    jvp: Rule | Declared = NONDIFFERENTIABLE,
    core: int | None = None,
) -> Primitive:
    """A primitive that draws an array from a key.

    Args:
        sampler: called as `(keys, *parameters, count=, dtype=, **params)`, with keys of shape
            (m, 2) and parameters of shape (m, count), gives numbers of shape (m, count). Where
            something is the same for all rows or elements, the length of that axis is 1.
        core: the number of core axes of a parameter, which the sampler then gets as they are.
    """

    def ranks(operands: Sequence[Any], shape: Shape) -> list[int]:
        return [1, *[len(shape) if core is None else core] * (len(operands) - 1)]

    def leading(operands: Sequence[Any], shape: Shape) -> Shape:
        lengths = [
            x.shape[: len(x.shape) - r]
            for x, r in zip(operands, ranks(operands, shape), strict=True)
        ]
        alike = all(n == lengths[0] for n in lengths)
        return lengths[0] if alike else broadcast_shapes(name, lengths)

    def infer(*types: ArrayType, shape: Shape, dtype: Any, **_: Any) -> ArrayType:
        return ArrayType(leading(types, shape) + shape, dtype)

    def impl(*operands: Any, shape: Shape, dtype: Any, **params: Any) -> Any:
        lead = leading(operands, shape)
        size = math.prod(lead), math.prod(shape)
        if 0 in size:
            return np.empty(lead + shape, dtype)
        key, *parameters = [
            _rows(x, lead, r) for x, r in zip(operands, ranks(operands, shape), strict=True)
        ]
        if core is None:
            parameters = [_elements(x, shape) for x in parameters]
        drawn = sampler(key, *parameters, count=size[1], dtype=dtype, **params)
        if len(drawn) != size[0]:
            drawn = np.repeat(drawn, size[0], axis=0)
        return drawn.reshape(lead + shape)[()]

    def batch(size: int, operands: Any, mapped: Any, *, shape: Shape, **params: Any) -> Any:
        own = ranks(operands, shape)
        lengths = [x.ndim - r - m for x, r, m in zip(operands, own, mapped, strict=True)]
        aligned = [
            reshape(x, (size, *(1,) * (max(lengths) - n), *x.shape[1:])) if is_mapped else x
            for x, n, is_mapped in zip(operands, lengths, mapped, strict=True)
        ]
        return bind(PRIMITIVES[name], *aligned, shape=shape, **params)

    return Primitive(
        name, infer=infer, impl=impl, jvp=jvp, transpose=NOT_LINEAR, batch=batch, text=_text(name)
    )


def _text(name: str) -> Rule:
    def text(*operands: str, shape: Shape, dtype: Any, **params: Any) -> str:
        options = [f"{key}={value!r}" for key, value in params.items()]
        return f"{name}({', '.join([*operands, f'shape={shape}', *options])})"

    return text


def _rows(x: Any, leading: Shape, rank: int) -> Any:
    """An operand with one leading axis, whose length is 1 where all rows are the same."""
    core = x.shape[len(x.shape) - rank :]
    if len(x.shape) == rank or x.size == math.prod(core):
        return x.reshape(1, *core)
    return np.broadcast_to(x, leading + core).reshape(-1, *core)


def _elements(x: Any, shape: Shape) -> Any:
    """A parameter with one axis of elements, whose length is 1 where all are the same."""
    if x.size == len(x):
        return x.reshape(-1, 1)
    return np.broadcast_to(x, (len(x), *shape)).reshape(len(x), -1)


# bits, uniform, normal


def _bits(keys: Words, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    found = words(keys, count)
    spare = 64 - dtype.itemsize * 8
    return found if not spare else (found >> np.uint64(spare)).astype(dtype)


_PRECISION = {8: 53, 4: 24, 2: 11}  # the bits of a fraction, by the bytes of its dtype


def _uniform(keys: Words, *, count: int, dtype: np.dtype[Any], open: bool) -> np.ndarray:
    bits = _PRECISION[dtype.itemsize] - open  # the last bit is a half, if neither 0 nor 1 may be
    out = np.empty((len(keys), count), dtype)
    for rows, columns, found in runs(keys, count):
        found >>= np.uint64(64 - bits)
        whole = found.view(np.int64)
        np.multiply(
            whole + 0.5 if open else whole, 2.0**-bits, out=out[rows, columns], casting="same_kind"
        )
    return out


def _normal(keys: Words, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    return standard_normal(keys, count).astype(dtype, copy=False)


BITS = drawing("random_bits", _bits)
UNIFORM = drawing("random_uniform", _uniform)
NORMAL = drawing("random_normal", _normal)


def bits(key: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Random unsigned integers over the whole range of their dtype."""
    return bind(BITS, key, shape=shape, dtype=dtype)


def uniform(key: Any, shape: Shape, dtype: np.dtype[Any], open: bool = False) -> Any:
    """Uniform numbers in [0, 1), or between 0 and 1 when `open`.

    They are multiples of 2^-53, 2^-24 or 2^-11, by the dtype's precision.
    """
    return bind(UNIFORM, key, shape=shape, dtype=dtype, open=open)


def normal(key: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Standard normal numbers."""
    return bind(NORMAL, key, shape=shape, dtype=dtype)


# truth values


def _truths(keys: Words, p: Any, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    if not ((p >= 0) & (p <= 1)).all():
        raise OptionError(
            f"bernoulli: p must be probabilities, and they are between {np.min(p)} and {np.max(p)}",
            "bring p into [0, 1], as by 1 / (1 + np.exp(-logits))",
        )
    return _uniform(keys, count=count, dtype=np.dtype(np.float64), open=False) < p


TRUTHS = drawing("random_bernoulli", _truths)


def truths(key: Any, p: Any, shape: Shape) -> Any:
    """Truth values that are true with probability p.

    Raises:
        OptionError: when a probability is not in [0, 1].
    """
    return bind(TRUTHS, key, p, shape=shape, dtype=np.dtype(bool))


# integers


def _integers(keys: Words, low: Any, high: Any, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Unbiased (Lemire, "Fast random integer generation in an interval", 2019)."""
    if (low >= high).any():
        raise OptionError(
            "randint: minval must be less than maxval",
            "maxval itself is never drawn: randint(key, shape, 0, 6) has 0 to 5",
        )
    limits = np.iinfo(dtype)
    if (low < limits.min).any() or (high - 1 > limits.max).any():
        raise OptionError(
            f"randint: [minval, maxval) does not fit {dtype}, which has {limits.min} to "
            f"{limits.max}",
            "give a wider dtype=",
        )
    span = high.astype(np.uint64) - low.astype(np.uint64)
    chosen, rest = wide_product(words(keys, count), span)
    biased = rest < span
    if biased.any():
        _drawn_again(keys, chosen, rest, np.broadcast_to(span, chosen.shape), biased)
    chosen += low.astype(np.uint64)
    return chosen.astype(dtype)


def _drawn_again(keys: Words, chosen: Any, rest: Any, span: Any, biased: Any) -> None:
    """Draw anew, in place, the elements of the few words that would be drawn too often."""
    rows, columns = np.nonzero(biased)
    attempt = 0
    while len(rows):
        spans = span[rows, columns]
        keep = rest[rows, columns] < (~spans + np.uint64(1)) % spans
        rows, columns, spans = rows[keep], columns[keep], spans[keep]
        block = blocks(keys[rows % len(keys)], columns, attempt, ATTEMPTS)
        chosen[rows, columns], rest[rows, columns] = wide_product(block[:, 0], spans)
        attempt += 1


INTEGERS = drawing("random_integers", _integers)


def integers(key: Any, low: Any, high: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Integers of [low, high), each as likely as any other.

    Raises:
        OptionError: when an interval is empty, or does not fit the dtype.
    """
    return bind(INTEGERS, key, low, high, shape=shape, dtype=dtype)


# keys from keys


def _children(keys: Words, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    found = words(keys, 2 * count, CHILDREN).reshape(len(keys), count // 2, 4)
    return found[:, :, :2].reshape(len(keys), count)


CHILDREN_OF = drawing("random_split", _children)


def split(key: Any, shape: Shape) -> Any:
    """Keys that are independent of each other and of all that the key gives: shape (*shape, 2)."""
    return bind(CHILDREN_OF, key, shape=(*shape, 2), dtype=np.dtype(np.uint64))


def _folded(keys: Words, data: Any, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    return blocks(keys, 0, data.astype(np.uint64), FOLDED)[:, :2]


FOLD_IN = drawing("random_fold_in", _folded, core=0)


def fold_in(key: Any, data: Any) -> Any:
    """A key that depends on a key and an integer."""
    return bind(FOLD_IN, key, data, shape=(2,), dtype=np.dtype(np.uint64))


# choices by weight

_ROUNDING = {8: 1.5e-8, 4: 3.5e-4, 2: 3.2e-2}  # by the bytes of the dtype: what a sum may be off 1


def _choices(keys: Words, p: Any, *, count: int, dtype: np.dtype[Any], replace: bool) -> np.ndarray:
    _demand_probabilities(p, count, replace)
    p = p.astype(np.float64)
    if not replace:  # the first in a race of exponential times, each as fast as its weight
        with np.errstate(divide="ignore"):
            times = -np.log(_uniform(keys, count=p.shape[1], dtype=p.dtype, open=True)) / p
        return np.argsort(times, axis=1, kind="stable")[:, :count].astype(dtype)
    u = _uniform(keys, count=count, dtype=p.dtype, open=False)
    sums = np.cumsum(p, axis=1)
    sums /= sums[:, -1:]
    if len(sums) == 1:
        return np.searchsorted(sums[0], u, side="right").astype(dtype)
    out = np.empty((len(sums), count), dtype)
    for row, ends, numbers in zip(out, sums, np.broadcast_to(u, out.shape), strict=True):
        row[:] = np.searchsorted(ends, numbers, side="right")
    return out


def _demand_probabilities(p: Any, count: int, replace: bool) -> None:
    wrong = ""
    if not np.all(p >= 0):
        wrong = f"the smallest of them is {np.min(p)}"
    elif np.any(np.abs(np.sum(p, axis=1, dtype=np.float64) - 1) > _ROUNDING[p.dtype.itemsize]):
        wrong = f"their sum is {np.sum(p, axis=1)[0]}"
    if wrong:
        raise OptionError(
            f"choice: p must be probabilities, with sum 1, and {wrong}",
            "divide weights by their sum: p / np.sum(p)",
        )
    if not replace and np.any(np.count_nonzero(p, axis=1) < count):
        raise OptionError(
            f"choice: {count} different elements were asked for, and fewer have p > 0",
            "ask for fewer, or pass replace=True",
        )


CHOICES = drawing("random_choice", _choices, core=1)


def choices(key: Any, p: Any, shape: Shape, replace: bool) -> Any:
    """Places in a vector of probabilities, drawn by them.

    Raises:
        OptionError: when p is negative or does not sum to 1, or has too few elements to differ.
    """
    return bind(CHOICES, key, p, shape=shape, dtype=np.dtype(np.int64), replace=replace)
