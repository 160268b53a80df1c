"""Random words as a pure function of a key and a position: Philox4x64-10.

Philox (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011) maps a
key of two 64-bit words and a counter of four to a block of four random words. Nothing is stepped
along: any block can be asked for, in any order. The last word of the counter separates the streams
of a key, so that its numbers, its children and its retries never share a block.

| stream     | counter                   | what its blocks are for                                |
|------------|---------------------------|--------------------------------------------------------|
| `NUMBERS`  | (position, 0, 0, 0)       | the numbers drawn, one word for each element           |
| `CHILDREN` | (child, 0, 0, 1)          | the keys that `split` gives                            |
| `FOLDED`   | (0, data, 0, 2)           | the key that `fold_in` gives                           |
| `ATTEMPTS` | (place, attempt, 0, 3)    | four words for each attempt of a rejection method      |

Long runs come from NumPy's own bit generator, whose raw words are the same in all versions of
NumPy; it steps its counter before it makes a block, so its block 0 is Philox of counter 1.
Scattered blocks of many keys are computed here, with NumPy's integers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random import Philox

NUMBERS, CHILDREN, FOLDED, ATTEMPTS = range(4)

Words = np.ndarray[Any, np.dtype[np.uint64]]

_FEW_BLOCKS = 4  # a key that needs no more is better served together with others
_MANY = 128  # blocks; fewer are made faster one by one
_CHUNK = 8192  # words; what is computed at a time stays in the cache


def runs(keys: Words, count: int, each: int = 1, stream: int = NUMBERS) -> Iterator[Any]:
    """The first words of a stream, for each of many keys, in parts that fit the cache.

    Args:
        keys: of shape (m, 2).
        count: the number of elements.
        each: the words of an element, 1 or 4.

    Yields:
        A slice of keys, a slice of elements, and their words, of shape (keys, elements * each).
    """
    width = count * each
    together = max(1, _CHUNK // max(width, 1))
    for row in range(0, len(keys), together):
        rows = slice(row, min(row + together, len(keys)))
        if width <= _CHUNK:
            yield rows, slice(0, count), words(keys[rows], width, stream)
            continue
        for start in range(0, width, _CHUNK):
            stop = min(start + _CHUNK, width)
            part = _run(keys[row].tolist(), (start // 4, 0, 0, stream), stop - start)
            yield rows, slice(start // each, stop // each), part[None]


def words(keys: Words, count: int, stream: int = NUMBERS) -> Words:
    """The first words of a stream, for each of many keys.

    Args:
        keys: of shape (m, 2).

    Returns:
        An array of shape (m, count).
    """
    blocks_each = -(-count // 4)
    if len(keys) >= _MANY and blocks_each <= _FEW_BLOCKS:
        found = blocks(keys[:, None, :], np.arange(blocks_each, dtype=np.uint64), 0, stream)
        return found.reshape(len(keys), 4 * blocks_each)[:, :count]
    if len(keys) == 1:
        return _run(keys[0].tolist(), (0, 0, 0, stream), count)[None]
    out = np.empty((len(keys), count), np.uint64)
    for row, key in zip(out, keys.tolist(), strict=True):
        row[:] = _run(key, (0, 0, 0, stream), count)
    return out


def blocks(keys: Words, first: Any, second: Any, stream: int) -> Words:
    """Scattered blocks of a stream, by the first two words of their counters.

    Args:
        keys: of shape (..., 2), which broadcasts with `first` and `second`, of dtype uint64.

    Returns:
        An array of the shape that they broadcast to, and a last axis of four.
    """
    counter = [np.asarray(x).astype(np.uint64, copy=False) for x in (first, second)]
    places = np.broadcast(keys[..., 0], keys[..., 1], *counter)
    out = np.empty((places.size, 4), np.uint64)
    if places.size < _MANY:
        for i, (key0, key1, c0, c1) in enumerate(places):
            out[i] = _run((key0, key1), (c0, c1, 0, stream), 4)
    else:
        parts = np.broadcast_arrays(keys[..., 0], keys[..., 1], *counter)
        key0, key1, c0, c1 = [x.ravel() for x in parts]
        for start in range(0, places.size, _CHUNK // 2):
            part = slice(start, start + _CHUNK // 2)
            out[part] = _computed(key0[part], key1[part], c0[part], c1[part], stream)
    return out.reshape(*places.shape, 4)


def blocks_in_turn(keys: Words, rows: Any, attempt: int) -> Words:
    """Blocks of `ATTEMPTS`, where each of many keys hands out its own one after the other.

    Args:
        keys: of shape (m, 2).
        rows: for each block the row of its key, in ascending order.
    """
    if len(keys) == 1:
        return _run(keys[0].tolist(), (0, attempt, 0, ATTEMPTS), 4 * len(rows)).reshape(-1, 4)
    starts = np.searchsorted(rows, rows)
    return blocks(keys[rows], np.arange(len(rows)) - starts, attempt, ATTEMPTS)


# By NumPy's bit generator


class _Generators(threading.local):
    """A bit generator for each thread: it is slow to make, and quick to set."""

    def __init__(self) -> None:
        self.philox = Philox(0)


_generators = _Generators()


def _run(key: Any, counter: tuple[int, ...], count: int) -> Words:
    """Words from a counter on."""
    state: Any = {
        "bit_generator": "Philox",
        "state": {"counter": counter, "key": key},
        "buffer": (0, 0, 0, 0),
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    philox = _generators.philox
    philox.state = state
    return philox.random_raw(count)


# By NumPy's integers

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.array([[0xD2E7470EE14C6C93], [0xCA5A826395121157]], np.uint64)
_WEYL = np.array([[0x9E3779B97F4A7C15], [0xBB67AE8584CAA73B]], np.uint64)
_ROUNDS = 10


def _computed(key0: Words, key1: Words, c0: Words, c1: Words, stream: int) -> Words:
    """One block for each key and counter, where the counter is NumPy's before its step."""
    key = np.stack([key0, key1])
    even = np.stack([c0 + np.uint64(1), np.zeros_like(c0)])  # the words 0 and 2 of the counter
    odd = np.stack([c1, np.full_like(c1, stream)])  # the words 1 and 3
    for number in range(_ROUNDS):
        if number:
            key += _WEYL
        high, low = wide_product(even, _MULTIPLIERS)
        even, odd = high[::-1] ^ odd, low[::-1]
        even ^= key
    return np.stack([even[0], odd[0], even[1], odd[1]], axis=-1)


def wide_product(x: Words, y: Any) -> tuple[Words, Words]:
    """The high and the low word of the product of 64-bit words."""
    x_low, x_high = x & _LOW, x >> _HALF
    y_low, y_high = y & _LOW, y >> _HALF
    middle = x_low * y_low
    middle >>= _HALF
    middle += x_high * y_low
    crossed = x_low * y_high
    crossed += middle & _LOW
    high = x_high * y_high
    high += middle >> _HALF
    high += crossed >> _HALF
    return high, x * y
