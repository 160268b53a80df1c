"""Additions at indices that repeat: the quick way of many elements agrees with `np.add.at`."""

import numpy as np
import pytest

import functrace as ft
from functrace.ops import index as index_ops


def added_by_numpy(x, updates, indices, axes):
    out = x.copy()
    rest = [a for a in range(x.ndim) if a not in axes]
    np.add.at(np.transpose(out, (*axes, *rest)), tuple(indices), updates)
    return out


def example(shape, axes, lead, dtype=np.float64, seed=0):
    """An array, indices along some of its axes that repeat and broadcast, and updates."""
    rng = np.random.default_rng(seed)
    indices = [rng.integers(0, shape[a], lead) for a in axes]
    if len(axes) > 1:
        indices[0] = indices[0][:1]
    rest = [n for a, n in enumerate(shape) if a not in axes]
    lead = np.broadcast_shapes(*[i.shape for i in indices])
    updates = rng.normal(size=(*lead, *rest)).astype(dtype)
    return rng.normal(size=shape).astype(dtype), updates, indices


@pytest.mark.parametrize("count", [3, 200])  # few elements, and several blocks of them
@pytest.mark.parametrize("axes", [(0,), (2,), (1, 0), (0, 2), (2, 0, 1)])
def test_scatter_add_is_add_at_for_any_axes(axes, count, monkeypatch):
    monkeypatch.setattr(index_ops, "_BLOCK", 100)
    x, updates, indices = example((4, 5, 6), axes, (count, 3))
    found = index_ops.scatter_add(x, updates, indices, axes)
    np.testing.assert_array_equal(found, added_by_numpy(x, updates, indices, axes))


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.int16, np.uint8])
def test_scatter_add_keeps_dtypes_and_reads_small_indices(dtype):
    x, updates, indices = example((200, 40), (0,), (300,), dtype)
    small = [indices[0].astype(np.uint8)]  # 199 * 40 is no uint8
    found = index_ops.scatter_add(x, updates, small, (0,))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, added_by_numpy(x, updates, indices, (0,)))


def test_scatter_add_of_many_counts_from_the_end_and_refuses_what_is_beyond():
    x, updates, _ = example((7, 30), (0,), (50,))
    updates = np.resize(updates, (50, 30))
    back = -1 - np.arange(50) % 7
    found = index_ops.scatter_add(x, updates, [back], (0,))
    np.testing.assert_array_equal(found, added_by_numpy(x, updates, [back], (0,)))
    with pytest.raises(IndexError):
        index_ops.scatter_add(x, updates, [back + 8], (0,))


def test_gradient_by_a_table_sums_over_the_places_where_a_row_is_used():
    rng = np.random.default_rng(0)
    table, codes = rng.normal(size=(10, 64)), rng.integers(0, 10, (20, 30))
    weights = rng.normal(size=(20, 30, 64))
    gradient = ft.jit(ft.grad(lambda table: np.sum(weights * table[codes])))(table)
    expected = np.stack([weights[codes == i].sum(0) for i in range(10)])
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)
    assert np.array_equal(gradient, ft.grad(lambda table: np.sum(weights * table[codes]))(table))
