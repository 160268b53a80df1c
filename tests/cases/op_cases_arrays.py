"""Cases of sorting, rearranging, indexing helpers and creation."""

from __future__ import annotations

from functools import partial

import numpy as np

from .op_cases import booleans, case, complex_, integers, positive, quiet, real

# Sorting

case("sort", np.sort, real(2, 4))
case("sort axis 0", partial(np.sort, axis=0), real(4, 2))
case("sort axis None", partial(np.sort, axis=None), real(2, 3))
case("sort kinds", lambda x: (np.sort(x, kind="heapsort"), np.sort(x, stable=True)), real(5))
case("sort of integers", np.sort, integers(5))
case("sort of complex", np.sort, complex_(4))
case("sort of no elements", np.sort, real(2, 0))
case("argsort", np.argsort, real(2, 4))
case("argsort of ties", partial(np.argsort, stable=True), integers(5))
case("argsort axis None", partial(np.argsort, axis=None, kind="mergesort"), real(2, 3))
case("argsort of a scalar", np.argsort, real())
case(".argsort", lambda x: x[x.argsort()], real(4))
case("sorted twice", lambda x: np.sort(np.sort(x**2, axis=0)), real(3, 3))
case("partition", lambda x: np.partition(x, 2), real(2, 5))
case("partition of several", lambda x: np.partition(x, (-1, 1), axis=0), real(5, 2))
case("partition axis None", lambda x: np.partition(x, 3, axis=None), real(2, 3))
case("argpartition", lambda x: np.argpartition(x, 1), real(2, 4))
case("argpartition of a scalar", lambda x: np.argpartition(x, 0), real())
case(".argpartition", lambda x: x.argpartition(1, axis=0), real(3, 2))
case("lexsort", lambda x, y: np.lexsort((x, y)), real(6), integers(6))
case("lexsort axis 0", lambda x: np.lexsort(x, axis=0), integers(2, 4, 2))
case("sort_complex", np.sort_complex, complex_(4))
case("sort_complex of reals", np.sort_complex, real(4))

# Rearranging and joining

case(
    "rollaxis",
    lambda x: (np.rollaxis(x, 2), np.rollaxis(x, 0, 3), np.rollaxis(x, 0, -1)),
    real(2, 3, 4),
)
for _turns in (1, 2, 3, 4):
    case(f"rot90 k={_turns}", partial(np.rot90, k=_turns), real(2, 3))
case("rot90 axes", lambda x: np.rot90(x, axes=(2, 0)), real(2, 2, 3))
case("atleast_3d", np.atleast_3d, real(), real(2), real(2, 3), real(1, 2, 2))
case("dstack", lambda x, y: np.dstack([x, y]), real(3), real(1, 3))
case("append", np.append, real(2, 3), real(2))
case("append axis", lambda x, y: np.append(x, y, axis=1), real(2, 3), real(2, 1))
case("block of one", np.block, real(2))
case("block of a list", lambda x, y: np.block([x, y, 1.0]), real(2), real())
case("block of rows", lambda x, y: np.block([[x, y], [y.T, np.eye(1)]]), real(2, 2), real(2, 1))
case("array_split", lambda x: np.array_split(x, 3), real(7))
case("array_split axis", lambda x: np.array_split(x, [1, -1], axis=1), real(2, 4))
case("hsplit", lambda x, y: (np.hsplit(x, 2), np.hsplit(y, [1])), real(2, 4), real(3))
case("vsplit", lambda x: np.vsplit(x, 2), real(4, 2))
case("dsplit", lambda x: np.dsplit(x, [1]), real(2, 1, 3))
if hasattr(np, "unstack"):
    case("unstack", lambda x: np.unstack(x, axis=1), real(2, 3))
case("resize", lambda x: np.resize(x, (2, 5)), real(2, 3))
case("resize to fewer", lambda x: np.resize(x, 2), real(3))
case("resize of nothing", lambda x: np.resize(x, 2), real(0))
case("repeat", lambda x: np.repeat(x, 2), real(2, 3))
case("repeat axis", lambda x: np.repeat(x, 2, axis=1), real(2, 3))
case("repeat of each", lambda x: x.repeat([2, 0, 1], axis=1), real(2, 3))
case("repeat by traced", lambda x, n: np.repeat(x, n, 0), real(3, 2), np.array([1, 0, 2]),
     needs_values=True)  # fmt: skip
case("copy", np.copy, real(3))

# Padding

_WIDTHS = ((1, 2), (3, 0))
for _mode in ("edge", "linear_ramp", "maximum", "mean", "median", "minimum", "wrap", "reflect",
              "symmetric"):  # fmt: skip
    case(f"pad {_mode}", partial(np.pad, pad_width=_WIDTHS, mode=_mode), real(3, 4))
    case(f"pad {_mode} of integers", partial(np.pad, pad_width=2, mode=_mode), integers(4))
for _mode in ("reflect", "symmetric"):
    case(f"pad {_mode} odd", partial(np.pad, pad_width=_WIDTHS, mode=_mode, reflect_type="odd"),
         real(3, 4))  # fmt: skip
    for _kind in ("even", "odd"):
        _pad = partial(np.pad, pad_width=(8, 5), mode=_mode, reflect_type=_kind)
        case(f"pad {_mode} {_kind} repeatedly", _pad, real(3))
    case(f"pad {_mode} of one element", partial(np.pad, pad_width=2, mode=_mode), real(1))
case("pad wrap repeatedly", partial(np.pad, pad_width=(7, 4), mode="wrap"), real(3))
case("pad with constants", partial(np.pad, pad_width=1, constant_values=((1, 2), (3, 4))),
     real(2, 2))  # fmt: skip
case("pad with traced constants", lambda x, a, b: np.pad(x, 1, constant_values=(a, b)),
     real(2, 2), real(), real())  # fmt: skip
case("pad of nothing", lambda x: np.pad(x, 1, constant_values=2.0), real(0))
case("pad linear_ramp ends", partial(np.pad, pad_width=2, mode="linear_ramp", end_values=(1, 3)),
     real(3))  # fmt: skip
case("pad mean of some", partial(np.pad, pad_width=(1, 2), mode="mean", stat_length=(2, 1)),
     real(3))  # fmt: skip
case("pad empty", lambda x: np.pad(x, 1, mode="empty")[1:-1], real(3))
case("pad edge of complex", partial(np.pad, pad_width=1, mode="edge"), complex_(2))

# Matrices and grids

case("diagflat", lambda x: np.diagflat(x, 1), real(2, 2))
case("tril_indices_from", lambda x: x[np.tril_indices_from(x, -1)], real(3, 3))
case("triu_indices_from", lambda x: x[np.triu_indices_from(x)], real(2, 3))
case("diag_indices_from", lambda x: x[np.diag_indices_from(x)], real(2, 2, 2))
case("meshgrid", np.meshgrid, real(2), real(3))
case("meshgrid ij", partial(np.meshgrid, indexing="ij"), real(2), real(3), real(1))
case("meshgrid sparse", partial(np.meshgrid, sparse=True), real(2), real(3))
case("meshgrid of one", np.meshgrid, real(2))
case("ix_", lambda x, i: x[np.ix_(i, [0, 2])], real(3, 3), np.array([2, 0]))
case("ix_ of a mask", lambda x, m: x[np.ix_(m, [1])], real(3, 2), booleans(3), needs_values=True)
case("kron", np.kron, real(2, 2), real(3))
case("kron of a scalar", np.kron, real(2), real())
case("cross", np.cross, real(2, 3), real(3))
case("cross axes", lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0), real(3, 2), real(2, 3))
case("cross axis", lambda x, y: np.cross(x, y, axis=0), real(3, 2), real(3, 2))
if np.lib.NumpyVersion(np.__version__) < "2.5.0":  # NumPy takes three components alone since
    case("cross of two components", quiet(np.cross), real(2, 2), real(2))
    case("cross of two and three components", quiet(np.cross), real(2), real(3))
case("cross of complex", np.cross, complex_(3), complex_(3))

# Choosing

_SPARSE = np.array([[5, 0, -1], [0, 2, 0]])
_SIGNED = np.array([[0.5, -0.7, -1.0], [1.5, 2.0, -0.2]])
case("nonzero", lambda x: (np.nonzero(x), x[np.nonzero(x)]), _SPARSE, needs_values=True)
case(".nonzero", lambda x: x.nonzero(), _SPARSE, needs_values=True)
case("flatnonzero", np.flatnonzero, _SPARSE, needs_values=True)
case("argwhere", np.argwhere, _SPARSE, needs_values=True)
case("where of a condition", lambda x: x[np.where(x > 0)] ** 2, _SIGNED, needs_values=True)
case("compress", lambda m, x: np.compress(m, x, axis=1), booleans(2), real(2, 3), needs_values=True)
case(".compress", lambda x: x.compress([True, False, True]), real(2, 3))
case("extract", lambda x: np.extract(x > 0, x), _SIGNED, needs_values=True)
case("select", lambda x, y: np.select([x > 1, x > 0], [x, y]), real(5), real(5))
case("select default", lambda x, y: np.select([x > 0], [1], y), real(3), real(2, 1))
case("piecewise", lambda x: np.piecewise(x, [x < -0.5, x >= 0.5], [np.exp, np.log]), real(6))
case("piecewise default", lambda x: np.piecewise(x, [x > 0, x < -1], [np.sqrt, -1, np.square]),
     real(6))  # fmt: skip
case("piecewise one condition", lambda x: np.piecewise(x, x > 0, [np.sin, 0.5]), real(4))
case("piecewise of a scalar", lambda x: np.piecewise(x, [x > 0, x <= 0], [1, np.sin]), real())
case("piecewise arguments", lambda x: np.piecewise(x, [x > 0], [np.multiply], 3.0), real(4))
case("choose", lambda i, x, y: np.choose(i, [x, y, 2.5]), np.array([2, 0, 1]), real(2, 3), real(3))
case("choose wrap", lambda i, x: np.choose(i, x, mode="wrap"), np.array([2, -1]), real(2, 2))
case("choose clip", lambda i, x: np.choose(i, [x, -x], mode="clip"), np.array([5, -1]), real(2))
case("unravel_index", lambda i: np.unravel_index(i, (2, 3, 4)), np.array([0, 7, 23]))
case("unravel_index order F", lambda i: np.unravel_index(i, (4, 3), "F"), np.array([5, 11]))
case("ravel_multi_index", lambda i, j: np.ravel_multi_index((i, j), (3, 4), order="F"),
     np.array([2, 0]), np.array([1, 3]))  # fmt: skip
case("ravel_multi_index modes", lambda i: np.ravel_multi_index(i, (2, 3), mode=("wrap", "clip")),
     np.array([[3, -1], [2, 9]]))  # fmt: skip
case("can_cast", lambda x: x * np.can_cast(x, np.float64), real(2))
case("packbits", lambda x: (np.packbits(x, axis=1), np.packbits(x, bitorder="little")),
     booleans(2, 9))  # fmt: skip
case("unpackbits", lambda x: (np.unpackbits(x, axis=0, count=5), np.unpackbits(x, count=-3)),
     np.array([[5, 200], [77, 3]], np.uint8))  # fmt: skip
case("unpackbits beyond", lambda x: np.unpackbits(x, count=10, bitorder="little"),
     np.array([5], np.uint8))  # fmt: skip
case("common_type", lambda x: np.zeros(2, np.common_type(x, np.float32(1))) + x, real(2))
case("array_repr", lambda x: [x for f in (np.array_repr, np.array_str, np.array2string) if f(x)],
     real(2))  # fmt: skip
case("einsum_path", lambda x: np.einsum("ij,kj", x, x, optimize=np.einsum_path("ij,kj", x, x)[0]),
     real(2, 3))  # fmt: skip
case("piecewise conditions in one array",
     lambda x: np.piecewise(x, np.stack([x > 0, x < 0]), [1, np.sin]), real(3))  # fmt: skip
case("insert", lambda x, y: np.insert(x, 1, y, axis=1), real(2, 3), real(2))
case("insert flat", lambda x: np.insert(x, [1, 4], 2.5), real(2, 3))
case("insert several at one place", lambda x, y: np.insert(x, [1], y, axis=0), real(2, 2),
     real(3, 2))  # fmt: skip
case("insert at a slice", lambda x, y: np.insert(x, np.s_[::2], y), real(4), real(2))
case("insert at a mask", quiet(lambda x: np.insert(x, np.array([True, False, True]), 0)), real(3))
case("insert a float among integers", lambda x: np.insert(x, -1, 2.5), integers(3))
case("insert at a traced place", lambda x, i: np.insert(x, i, 7), real(3), 2, needs_values=True)
case("delete", lambda x: np.delete(x, 1, axis=1), real(2, 3))
case("delete several", lambda x: np.delete(x, [0, -1]), real(2, 3))
case("delete a slice", lambda x: np.delete(x, np.s_[1:]), real(4))
case("delete by a mask", lambda x, m: np.delete(x, m), real(4), booleans(4), needs_values=True)
case("trim_zeros", np.trim_zeros, np.array([0, 0, 3, 0, 2, 0]), needs_values=True)
case("trim_zeros f", lambda x: np.trim_zeros(x, "f"), np.array([0, 1, 0]), needs_values=True)
case("trim_zeros of zeros", np.trim_zeros, np.zeros(3, int), needs_values=True)
case("apply_along_axis", lambda x: np.apply_along_axis(np.cumsum, 1, x), real(2, 3, 2))
case("apply_along_axis to a matrix", lambda x: np.apply_along_axis(np.diag, 0, x), real(3, 2))
case("apply_along_axis to a number", lambda x: np.apply_along_axis(np.sum, -1, x), real(2, 3))
case("apply_along_axis of a vector", lambda x: np.apply_along_axis(np.sum, 0, x), real(3))
case("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, [0, 2]), real(2, 3, 2))

# Sets

_REPEATING = np.array([[3, -1, 3], [4, -1, 1]])
case("unique", np.unique, _REPEATING, needs_values=True)
case("unique of distinct reals", np.unique, real(2, 2), needs_values=True)
case("unique with all", lambda x: np.unique(x, True, True, True), _REPEATING, needs_values=True)
case("unique axis", lambda x: np.unique(x, axis=0), _REPEATING[[0, 1, 0]], needs_values=True)
case("unique_all", lambda x: tuple(np.unique_all(x)), _REPEATING, needs_values=True)
case("unique_counts", lambda x: tuple(np.unique_counts(x)), _REPEATING, needs_values=True)
case("unique_inverse", lambda x: tuple(np.unique_inverse(x)), _REPEATING, needs_values=True)
case("unique_values", lambda x: np.sort(np.unique_values(x)), _REPEATING, needs_values=True)
case("isin", np.isin, integers(2, 3), integers(3))
case("isin invert", lambda x: np.isin(x, [1, 2.5], invert=True), integers(4))
if hasattr(np, "in1d"):  # deprecated since NumPy 2.0
    case("in1d", quiet(lambda x, y: np.in1d(x, y)), integers(2, 2), integers(3))
_OTHERS = np.array([1, 7, 3])
case("intersect1d", lambda x: np.intersect1d(x, _OTHERS), _REPEATING, needs_values=True)
case("intersect1d places", lambda x: np.intersect1d(x, _OTHERS, return_indices=True), _REPEATING,
     needs_values=True)  # fmt: skip
case("union1d of reals", np.union1d, real(2), real(3), needs_values=True)
case("setdiff1d of reals", np.setdiff1d, real(4), _OTHERS, needs_values=True)
case("union1d", np.union1d, _REPEATING, _OTHERS, needs_values=True)
case("setdiff1d", np.setdiff1d, _REPEATING, _OTHERS, needs_values=True)
case("setxor1d", np.setxor1d, _REPEATING, _OTHERS, needs_values=True)

# Creation

case("linspace", lambda a, b: np.linspace(a, b, 5), real(), real())
case("linspace without the end", lambda a, b: np.linspace(a, b, 3, endpoint=False, axis=1),
     real(2), real(2, 1)[:, 0])  # fmt: skip
case("linspace with the step", lambda a: np.linspace(a, 2, 4, retstep=True), real())
case("linspace of integers", lambda a: np.linspace(a, 9, 4, dtype=int), 2)
case("linspace of one and of none", lambda a: (np.linspace(a, 3, 1), np.linspace(a, 3, 0)), real())
case("logspace", lambda a, b: np.logspace(a, b, 4), real(), real(2))
case("logspace base", lambda a, b: np.logspace(0, a, 3, base=b), real(), np.array([2.0, 3.0]))
case("geomspace", lambda a, b: np.geomspace(a, b, 4), positive(2), positive(2))
case("geomspace of negatives", lambda a: np.geomspace(a, -8.0, 3, endpoint=False), -1.5)
case("geomspace of complex", lambda a, b: np.geomspace(a, b, 3), complex_(), complex_())
