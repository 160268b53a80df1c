"""Lists that are cut apart and put together again."""

from __future__ import annotations

import pytest

from functrace.lists import merge, partition, select, split


def test_split_gives_parts_of_the_lengths_and_the_rest() -> None:
    assert split((1, 2, 3, 4), 1, 0, 2) == [[1], [], [2, 3], [4]]
    assert split([], 0) == [[], []]


def test_partition_keeps_the_order_on_both_sides() -> None:
    assert partition("abcd", [True, False, False, True]) == (["a", "d"], ["b", "c"])


def test_merge_undoes_select() -> None:
    mask = [False, True, True, False]
    assert merge(select("abcd", mask), mask) == [None, "b", "c", None]


def test_a_mask_has_the_length_of_the_list() -> None:
    with pytest.raises(ValueError, match="shorter"):
        select([1, 2], [True])
