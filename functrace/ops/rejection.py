"""Gamma, Poisson and binomial numbers, by rejection: propose, accept or propose again.

Each attempt for each element has a block of four random words of its own, so that an element's
number depends on the key, its place and its own parameters, and not on how often others were
rejected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import OptionError
from ..ir import Shape
from ..primitive import ZERO
from ..recorder import bind
from .elementwise import absolute, equal, greater, log, minimum, where
from .gamma_slope import log_gamma_slope
from .philox import ATTEMPTS, Words, blocks, runs
from .random import drawing
from .ziggurat import unit

Proposal = Callable[..., tuple[Any, Any]]


def first_accepted(
    propose: Proposal, keys: Words, parameters: Sequence[Any], count: int
) -> np.ndarray:
    """Numbers of shape (m, count), each by its first proposal that is accepted.

    Args:
        propose: called as `(words, *parameters)`, with four arrays of words, gives values and
            whether they are accepted.
        keys: of shape (m, 2); or (1, 2), for the same words in each row.
        parameters: of shapes (m, count), where lengths may be 1.
    """
    rows = max(len(x) for x in (keys, *parameters))
    wide = [np.broadcast_to(x, (rows, count)) for x in parameters]
    out = np.empty((rows, count))
    again = []
    with np.errstate(all="ignore"):
        for some, columns, words in runs(keys, count, 4, ATTEMPTS):
            some = slice(0, rows) if len(keys) == 1 else some
            here = [_part(x, some, columns) for x in parameters]
            four = np.moveaxis(words.reshape(len(words), -1, 4), -1, 0)
            out[some, columns], accepted = propose(four, *here)
            if not accepted.all():
                i, j = np.nonzero(~accepted)
                again.append((i + some.start, j + columns.start))
        i, j = map(np.concatenate, zip(*again, strict=True)) if again else ((), ())
        attempt = 1
        while len(i):
            four = blocks(keys[i if len(keys) > 1 else i * 0], j, attempt, ATTEMPTS).T
            out[i, j], accepted = propose(four, *[x[i, j] for x in wide])
            i, j = i[~accepted], j[~accepted]
            attempt += 1
    return out


def _part(x: Any, rows: slice, columns: slice) -> Any:
    """A part of a parameter whose axes may have length 1."""
    x = x if x.shape[0] == 1 else x[rows]
    return x if x.shape[1] == 1 else x[:, columns]


def _decide(accepted: Any, test: Callable[..., Any], *operands: Any) -> None:
    """Accept, in place, those of the others that pass a test of their operands."""
    others = np.nonzero(~accepted)
    if len(others[0]):
        accepted[others] = test(*[np.broadcast_to(x, accepted.shape)[others] for x in operands])


def _twice(propose: Proposal) -> Proposal:
    """A proposal of two words that is made again, with the other two, where it is rejected."""

    def both(words: Any, *parameters: Any) -> tuple[Any, Any]:
        value, accepted = propose(words[:2], *parameters)
        others = np.nonzero(~accepted)
        if len(others[0]):
            here = [np.broadcast_to(x, value.shape)[others] for x in (*words[2:], *parameters)]
            value[others], accepted[others] = propose(here[:2], *here[2:])
        return value, accepted

    return both


# gamma


def _gamma_proposal(words: Any, a: Any, logarithm: bool) -> tuple[Any, Any]:
    """Marsaglia and Tsang, "A simple method for generating gamma variables", 2000, for a >= 1.

    For smaller a, a variable of shape a + 1 times a power of a uniform one.
    """
    small = a < 1
    d = a + (small - 1 / 3)
    normal = np.sqrt(-2 * np.log(unit(words[0])))
    normal *= np.cos(unit(words[1]) * (2 * math.pi))
    root = 1 + normal / np.sqrt(9 * d)
    u = unit(words[2])
    power = normal * normal
    accepted = (u < 1 - 0.0331 * (power * power)) & (root > 0)
    _decide(
        accepted,
        lambda u, d, v, power: np.log(u) < 0.5 * power + d * (1 - v**3 + 3 * np.log(v)),
        u, d, root, power,
    )  # fmt: skip
    value = 3 * np.log(root) + np.log(d) if logarithm else root * root * root * d
    if small.any():
        boost = np.where(small, np.log(unit(words[3])) / a, 0)
        value = value + boost if logarithm else value * np.exp(boost)
    proper = (a > 0) & (a < np.inf)
    if not proper.all():
        edge = np.where(a == 0, -np.inf if logarithm else 0.0, np.nan)
        value, accepted = np.where(proper, value, edge), accepted | ~proper
    return value, accepted


def _gamma(keys: Words, a: Any, *, count: int, dtype: np.dtype[Any], form: str) -> Any:
    propose = partial(_gamma_proposal, logarithm=form != "number")
    return first_accepted(propose, keys, [a.astype(np.float64)], count).astype(dtype, copy=False)


def _gamma_jvp(
    primals: Any, tangents: Any, out: Any, *, shape: Shape, dtype: Any, form: str
) -> Any:
    """Where shapes are so small that numbers are 0, these stay 0, as u^(1/a) does."""
    a, t = primals[1], tangents[1]
    if form == "number":
        absent = equal(out, 0)
        return t * where(absent, 0, out * _slope(absent, a, log(where(absent, 1, out))))
    steep = np.finfo(dtype).max / 4  # a slope is -log(x) / a for small a
    absent = greater(absolute(out), minimum(a, 1) * steep)
    return t * where(absent, 0 if form == "share" else np.inf, _slope(absent, a, out))


def _slope(absent: Any, a: Any, y: Any) -> Any:
    return log_gamma_slope(where(absent, 1, a), where(absent, 0, y))


GAMMA = drawing("random_gamma", _gamma, jvp=_gamma_jvp)


def gamma(key: Any, a: Any, shape: Shape, dtype: np.dtype[Any], form: str = "number") -> Any:
    """Gamma numbers of shape a; NaN where a is negative or not finite.

    Args:
        form: "number", or "logarithm"; or "share" for logarithms to make shares of, whose slope is
            taken as 0 where it is infinite, as the shares are 0 or 1 there and do not move.
    """
    return bind(GAMMA, key, a, shape=shape, dtype=dtype, form=form)


# Counts

_FEW = 10  # mean counts below this are found by searching the distribution from 0 up
_STEPS = 120  # and are never as large as this


def _searched(u: Any, first: Any, ratio: Callable[[int], Any]) -> np.ndarray:
    """Counts by inversion, where ratio(k) is the probability of k by that of k - 1."""
    count = np.zeros(np.broadcast_shapes(u.shape, np.shape(first)))
    probability = np.array(first)
    reached = probability
    for k in range(1, _STEPS):
        more = u > reached
        if not more.any():
            break
        count += more
        probability = probability * ratio(k)
        reached = reached + probability
    return count


_TABLE = 16
_FACTORIALS = np.array([math.lgamma(k + 1) for k in range(_TABLE)])


def _stirling(k: Any) -> Any:
    """What Stirling's (k + 1/2) log(k + 1) - k - 1 + log(2 π) / 2 lacks of log k!. DLMF 5.11.1."""
    n = k + 1
    r = 1 / n**2
    series = (1 / 12 - (1 / 360 - (1 / 1260 - r / 1680) * r) * r) / n
    near = _FACTORIALS[np.clip(k, 0, _TABLE - 1).astype(np.intp)]
    return np.where(
        k < _TABLE, near - (k + 0.5) * np.log(n) + n - 0.5 * math.log(2 * math.pi), series
    )


def _either(few: Any, search: Callable[[], Any], propose: Proposal) -> tuple[Any, Any]:
    """By inversion where few are expected, else by a proposal."""
    if few.all():
        found = search()
        return found, np.ones(found.shape, bool)
    value, accepted = propose()
    if few.any():
        value, accepted = np.where(few, search(), value), accepted | few
    return value, accepted


# Poisson


@_twice
def _poisson_proposal(words: Any, mean: Any) -> tuple[Any, Any]:
    """Hörmann, "The transformed rejection method for generating Poisson variables", 1993 (PTRS)."""
    few = mean < _FEW
    low, high = np.where(few, mean, 0), np.where(few, _FEW, mean)
    u = unit(words[0])

    def propose() -> tuple[Any, Any]:
        b = 0.931 + 2.53 * np.sqrt(high)
        a = -0.059 + 0.02483 * b
        v = unit(words[1])
        shift = u - 0.5
        side = 0.5 - np.abs(shift)
        k = np.floor((2 * a / side + b) * shift + (high + 0.43))
        accepted = (side >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2)) & (k >= 0)
        height = v * (1.1239 + 1.1328 / (b - 3.4)) / (a / side**2 + b)
        _decide(accepted, _below_poisson, height, k, high)
        return k, accepted

    return _either(few, lambda: _searched(u, np.exp(-low), lambda k: low / k), propose)


def _below_poisson(height: Any, k: Any, mean: Any) -> Any:
    """Whether heights lie below the probabilities of counts."""
    probability = k * np.log(mean / (k + 1)) + (k + 1 - mean) - 0.5 * np.log(k + 1) - _stirling(k)
    return (np.log(height) <= probability - 0.5 * math.log(2 * math.pi)) & (k >= 0)


def _poisson(keys: Words, mean: Any, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    limit = np.iinfo(dtype).max
    if not np.all((mean >= 0) & (mean < limit)):
        raise OptionError(
            f"poisson: the mean lam must be in [0, {limit}), what {dtype} holds",
            "see where lam becomes negative, NaN or too large",
        )
    found = first_accepted(_poisson_proposal, keys, [mean.astype(np.float64)], count)
    return np.minimum(found, limit - (limit > 2**53) * 1024).astype(dtype)


POISSON = drawing("random_poisson", _poisson, jvp=ZERO)


def poisson(key: Any, mean: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Poisson counts, of an integer dtype.

    Raises:
        OptionError: when a mean is negative, NaN, or too large for the dtype.
    """
    return bind(POISSON, key, mean, shape=shape, dtype=dtype)


# Binomial


@_twice
def _binomial_proposal(words: Any, n: Any, p: Any) -> tuple[Any, Any]:
    """Hörmann, "The generation of binomial random variates", 1993 (BTRS)."""
    proper = (n >= 0) & (n < np.inf) & (p >= 0) & (p <= 1)
    n, p = np.where(proper, n, 0), np.where(proper, p, 0)
    rare = np.minimum(p, 1 - p)
    odds = rare / (1 - rare)
    few = n * rare < _FEW
    u = unit(words[0])

    def search() -> Any:
        return _searched(u, np.exp(n * np.log1p(-rare)), lambda k: (n - k + 1) / k * odds)

    def propose() -> tuple[Any, Any]:
        spread = np.sqrt(n * rare * (1 - rare))
        b = 1.15 + 2.53 * spread
        a = -0.0873 + 0.0248 * b + 0.01 * rare
        v = unit(words[1])
        shift = u - 0.5
        side = 0.5 - np.abs(shift)
        k = np.floor((2 * a / side + b) * shift + (n * rare + 0.5))
        accepted = (side >= 0.07) & (v <= 0.92 - 4.2 / b) & (k >= 0) & (k <= n)
        height = v * ((2.83 + 5.1 / b) * spread) / (a / side**2 + b)
        _decide(accepted, _below_binomial, height, k, n, odds, np.floor((n + 1) * rare))
        return k, accepted

    value, accepted = _either(few, search, propose)
    value = np.where(p > 0.5, n - value, value)
    return np.where(proper, value, np.nan), accepted


def _below_binomial(height: Any, k: Any, n: Any, odds: Any, mode: Any) -> Any:
    """Whether heights lie below the probabilities of counts, by that of the mode."""
    probability = (
        (mode + 0.5) * np.log((mode + 1) / (odds * (n - mode + 1)))
        + (n + 1) * np.log((n - mode + 1) / (n - k + 1))
        + (k + 0.5) * np.log(odds * (n - k + 1) / (k + 1))
        + (_stirling(mode) + _stirling(n - mode) - _stirling(k) - _stirling(n - k))
    )
    return (np.log(height) <= probability) & (k >= 0) & (k <= n)


def _binomial(keys: Words, n: Any, p: Any, *, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    parameters = [np.floor(n.astype(np.float64)), p.astype(np.float64)]
    return first_accepted(_binomial_proposal, keys, parameters, count).astype(dtype, copy=False)


BINOMIAL = drawing("random_binomial", _binomial, jvp=ZERO)


def binomial(key: Any, n: Any, p: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Binomial counts, of a floating dtype; NaN where n is negative or p not in [0, 1]."""
    return bind(BINOMIAL, key, n, p, shape=shape, dtype=dtype)
