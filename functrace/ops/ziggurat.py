"""Standard normal numbers from random words, by a ziggurat of 1024 layers.

The area under exp(-x^2 / 2) is covered with layers of equal area (Marsaglia and Tsang, "The
ziggurat method for generating random variables", 2000): one word gives a layer and a place across
it, from different bits (Doornik, "An improved ziggurat method", 2005). In 99.6% of all cases the
place lies under the curve below the next layer, and is the number. This takes a multiplication and
a comparison, which are exact: the numbers are the same with every version of NumPy and on every
machine, save that the rare ones of the tail are as exact as a logarithm is.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .philox import Words, blocks_in_turn, runs

_LAYERS = 1024
_EDGE = Decimal("4.0388498461095045227144234053359")  # where the tail begins
_AREA = Decimal("0.0012263246463530880728853709277371")  # of a layer, and of the base with the tail


class _Tables(NamedTuple):
    """For each layer: a step across it, how wide the next is, where it begins, how high it is."""

    step: np.ndarray
    inner: np.ndarray
    low: np.ndarray
    rise: np.ndarray


@cache
def _tables() -> _Tables:
    """The layers, in decimals: a logarithm of floats is not the same on all machines."""
    with localcontext(prec=28):
        height = (-_EDGE * _EDGE / 2).exp()
        widths, heights = [_AREA / height, _EDGE], [Decimal(0), height]
        while len(widths) < _LAYERS:
            height += _AREA / widths[-1]
            heights.append(height)
            widths.append((-2 * height.ln()).sqrt())
    low, high = np.array(heights, float), np.array([*heights[1:], 1], float)
    inner = np.array([*widths[1:], 0], float)
    return _Tables(np.array(widths, float) * 2.0**-52, inner, low, high - low)


def standard_normal(keys: Words, count: int) -> np.ndarray:
    """Standard normal numbers, `count` of them for each key: shape (m, count)."""
    out = np.empty((len(keys), count))
    rejected = []
    for rows, columns, words in runs(keys, count):
        place, layer, outside = _across(words)
        out[rows, columns] = place
        if outside.any():
            i, j = np.nonzero(outside)
            rejected.append((i + rows.start, j + columns.start, layer[i, j]))
    if rejected:
        i, j, layer = map(np.concatenate, zip(*rejected, strict=True))
        out[i, j] = _decided(keys, i, layer, out[i, j])
    return out


def _across(words: Words) -> tuple[Any, Any, Any]:
    """Places across the layers that words choose, and which of them leave the next layer."""
    tables = _tables()
    layer = (words & np.uint64(_LAYERS - 1)).view(np.int64)
    place = (words.view(np.int64) >> 11) + 0.5  # 53 bits, never 0, as likely below as above
    place *= tables.step.take(layer)
    return place, layer, np.abs(place) >= tables.inner.take(layer)


def _decided(keys: Words, rows: Any, layer: Any, place: Any) -> np.ndarray:
    """The numbers of elements whose places lie outside of the next layer, or beyond the edge."""
    tables = _tables()
    out = np.empty(len(place))
    left = np.arange(len(place))
    attempt = 0
    while len(left):
        block = blocks_in_turn(keys, rows[left], attempt)
        height = tables.low.take(layer) + unit(block[:, 0]) * tables.rise.take(layer)
        under = height < np.exp(place * place * -0.5)
        other, other_layer, outside = _across(block[:, 2])
        out[left] = np.where(under, place, other)
        again = ~under & outside
        beyond = np.flatnonzero(layer == 0)
        if len(beyond):  # what is in the tail stays there
            out[left[beyond]], again[beyond] = _tail(block[beyond], place[beyond])
            other[beyond], other_layer[beyond] = place[beyond], 0
        left, place, layer = left[again], other[again], other_layer[again]
        attempt += 1
    return out


def _tail(block: Words, place: Any) -> tuple[Any, Any]:
    """Numbers beyond the edge, on the side of a place, and which of them are rejected."""
    beyond = np.log(unit(block[:, 0])) / -float(_EDGE)
    return np.copysign(float(_EDGE) + beyond, place), np.log(unit(block[:, 1])) * -2 < beyond**2


def unit(words: Words) -> np.ndarray:
    """Uniform numbers between 0 and 1, neither of which occurs."""
    return ((words >> np.uint64(12)).view(np.int64) + 0.5) * 2.0**-52
