"""Lists that are cut apart and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def split(values: Sequence[T], *counts: int) -> list[list[T]]:
    """Consecutive parts of the given lengths, and what is left.

    Example:
        >>> split("abcde", 1, 2)
        [['a'], ['b', 'c'], ['d', 'e']]
    """
    parts, start = [], 0
    for count in counts:
        parts.append(list(values[start : start + count]))
        start += count
    return [*parts, list(values[start:])]


def select(values: Sequence[T], mask: Sequence[bool]) -> list[T]:
    """The values where the mask is true."""
    return [x for x, on in zip(values, mask, strict=True) if on]


def partition(values: Sequence[T], mask: Sequence[bool]) -> tuple[list[T], list[T]]:
    """The values where the mask is true, and the others."""
    return select(values, mask), [x for x, on in zip(values, mask, strict=True) if not on]


def merge(values: Sequence[T], mask: Sequence[bool]) -> list[T | None]:
    """The values in the places where the mask is true, and None in the others.

    This undoes `select`.
    """
    rest = iter(values)
    return [next(rest) if on else None for on in mask]
