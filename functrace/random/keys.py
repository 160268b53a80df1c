"""Keys, and keys made of keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, OptionError
from ..ops import random as ops
from ..ops.index import concatenate
from ..ops.shape import reshape
from ._arguments import as_key, parameter, shape_of

_WORD = 2**64


def key(seed: Any) -> Any:
    """The key of a seed: an array of two 64-bit words.

    Different seeds give unrelated numbers.

    Args:
        seed: an int of 0 to 2**128 - 1, or a (possibly traced) integer of NumPy's; a negative one
            that is traced counts from 2**64 down.

    Raises:
        OptionError: when the seed is negative or too large.
        DTypeError: when it is no single integer.

    Example:
        >>> import functrace as ft
        >>> ft.random.key(7)
        array([7, 0], dtype=uint64)
    """
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        if not 0 <= int(seed) < _WORD**2:
            raise OptionError(
                f"key: the seed {seed} is not in 0 to 2**128 - 1",
                "take a seed that is not negative",
            )
        return np.array([int(seed) % _WORD, int(seed) // _WORD], np.uint64)
    low = reshape(_integer("key", "seed", seed), (1,))
    return concatenate([low, np.zeros(1, np.uint64)], 0)


PRNGKey = key


def split(key: Any, num: Any = 2) -> Any:
    """New keys made of one, which are independent of each other and of what the key itself draws.

    Child i does not depend on how many there are. As `jax.random.split`; the way to make keys of
    keys by a block cipher is that of Claessen and Pałka, "Splittable pseudorandom number generators
    using cryptographic hashing", 2013.

    Args:
        key: a key.
        num: how many keys, or a shape of keys.

    Returns:
        An array of keys, of shape (num, 2), or (*num, 2).

    Raises:
        KeyTypeError: when `key` is no key.

    Example:
        >>> import functrace as ft
        >>> key, dropout_key = ft.random.split(ft.random.key(0))
        >>> ft.random.split(key, 3).shape
        (3, 2)
    """
    return ops.split(as_key(key), shape_of("split", num))


def fold_in(key: Any, data: Any) -> Any:
    """A new key made of a key and an integer, such as the number of a step or of a layer.

    Args:
        key: a key.
        data: an integer; it may be traced, as in a loop.

    Raises:
        KeyTypeError: when `key` is no key.
        DTypeError: when `data` is no single integer.

    Example:
        >>> import functrace as ft
        >>> step_key = ft.random.fold_in(ft.random.key(0), 7)
    """
    return ops.fold_in(as_key(key), _integer("fold_in", "data", data))


def _integer(function: str, name: str, value: Any) -> Any:
    """An integer as a 64-bit word, negative ones from 2**64 down."""
    x: Any = np.uint64(value % _WORD) if type(value) is int else value
    if not hasattr(x, "dtype") or x.dtype.kind not in "iu" or x.shape:
        kind = f"{x.dtype} of shape {x.shape}" if hasattr(x, "dtype") else type(value).__name__
        raise DTypeError(f"{function}: {name} must be one integer, not {kind}")
    return parameter(x, np.uint64)


def bits(key: Any, shape: Any = (), dtype: Any = np.uint64) -> Any:
    """Random bits: unsigned integers, each of whose bits is 0 or 1 with equal probability.

    Those of dtype uint64 are the words of NumPy's Philox generator with this key. As
    `jax.random.bits`, whose default dtype is smaller.

    Returns:
        An array of the shape and an unsigned dtype.

    Raises:
        KeyTypeError: when `key` is no key.
        DTypeError: when `dtype` is not an unsigned integer type.

    Example:
        >>> import functrace as ft
        >>> ft.random.bits(ft.random.key(0), (3,), "uint8")
        array([ 2, 61, 28], dtype=uint8)
    """
    found = np.dtype(np.uint64 if dtype is None else dtype)
    if found.kind != "u":
        raise DTypeError(f"bits: dtype {found} is not an unsigned integer type")
    return ops.bits(as_key(key), shape_of("bits", shape), found)
