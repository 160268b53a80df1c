"""Cases of the array API standard, of the methods of ufuncs, and of options seldom used."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import functrace.numpy as fnp

from .op_cases import case, complex_, integers, positive, real

# The array API standard

case("x.__array_namespace__()", lambda x: x.__array_namespace__().sin(x), real(3))
case("x.to_device()", lambda x: x.to_device("cpu") * 2, real(3))
case("reshape copy", lambda x: fnp.reshape(x, (3, 2), copy=True), real(2, 3))

# Methods of ufuncs

_IN_ORDER = (
    np.subtract, np.divide, np.power, np.float_power, np.arctan2, np.copysign, np.remainder,
    np.fmod, np.floor_divide, np.heaviside,
)  # fmt: skip
case("reduce of ufuncs in order", lambda x: [u.reduce(x) for u in _IN_ORDER], positive(3, 2))
case("accumulate of ufuncs in order", lambda x: [u.accumulate(x) for u in _IN_ORDER],
     positive(3, 2))  # fmt: skip
case("reduce and accumulate of integers in order",
     lambda x: [(u.reduce(x), u.accumulate(x)) for u in (np.left_shift, np.right_shift)],
     integers(3, 2))  # fmt: skip
case("nextafter reduce and accumulate",
     lambda x: (np.nextafter.reduce(x), np.nextafter.accumulate(x, 1)),
     real(3, 2), differentiable=False)  # fmt: skip
case("subtract reduce where", lambda x: np.subtract.reduce(x, 1, initial=2, where=[True, False],
     keepdims=True), real(3, 2))  # fmt: skip
case("divide reduce dtype", lambda x: np.divide.reduce(x, 0, dtype=np.float32), integers(3, 2))
case("logical_and and logical_or of ufuncs",
     lambda x: [(u.accumulate(x, 1), u.reduce(x, initial=True))
                for u in (np.logical_and, np.logical_or)],
     integers(2, 3) - 3)  # fmt: skip
_RUNS = [0, 2, 2, 1]
for _ufuncs, _operand in (
    ((np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.logaddexp2, np.hypot, np.fmax,
      np.fmin, *_IN_ORDER), positive(3, 2)),
    ((np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_and, np.logical_or, np.logical_xor,
      np.gcd, np.lcm, np.left_shift, np.right_shift, np.nextafter), integers(3, 2)),
):  # fmt: skip
    case(f"reduceat of {_ufuncs[0].__name__} and others",
         lambda x, us=_ufuncs: [u.reduceat(x, _RUNS) for u in us], _operand)  # fmt: skip
case("reduceat along an axis",
     lambda x: (np.add.reduceat(x, [1, 0], 1, np.complex128), np.multiply.reduceat(x, [0, 2], -1),
                np.add.reduceat(x, [], 1)),
     real(2, 3))  # fmt: skip
case("reduceat at traced places", np.add.reduceat, real(4), np.array([0, 3, 1]), needs_values=True)

# Statistics

case("quantile of weights", lambda x, w: np.quantile(x, [0.2, 0.75], axis=1, weights=w,
     method="inverted_cdf"), real(2, 4), positive(2, 4))  # fmt: skip
case("quantile of weights along an axis", lambda x, w: np.quantile(x, 0.4, axis=0, weights=w,
     method="inverted_cdf", keepdims=True), real(4, 2), positive(4))  # fmt: skip
case("nanpercentile of weights", lambda x, w: np.nanpercentile(
     x + np.array([0, np.nan, 0, 0]), 60, weights=w, method="inverted_cdf"),
     real(4), positive(4))  # fmt: skip
for _rule in ("auto", "stone"):
    case(f"histogram by the rule {_rule}", lambda x, b=_rule: np.histogram(x, b), real(9),
         needs_values=True)  # fmt: skip
case("histogram by a rule in a range", lambda x: np.histogram_bin_edges(x, "fd", (-1, 1)), real(9),
     needs_values=True)  # fmt: skip

# Polynomials

case("poly of a matrix", np.poly, real(3, 3))
case("poly of a complex matrix", np.poly, complex_(2, 2))

# Single booleans as indices

case("single booleans as indices",
     lambda x: (x[True], x[False], x[0, True], x[:, None, True], x[[0, 1], np.True_], x[True, 1:]),
     real(2, 3))  # fmt: skip
case("a single boolean of one number", lambda x: (x[True], x[None, False]), real())
case("a traced boolean as an index", lambda x: x[x > -5], real(), needs_values=True)
case("assignment at single booleans",
     lambda x: (fnp.at(x)[True].set(1), fnp.at(x)[False].set(1), fnp.at(x)[True, 0].add(2)),
     real(2, 3))  # fmt: skip

# Arrays made with like=, and views of windows

case("arrays like another", lambda x: [
    np.array([x, x * 2], like=x), np.asarray([x, [1, 2]], like=x), np.asanyarray(x, like=x),
    np.ascontiguousarray(x, like=x), np.asfortranarray([x], like=x), np.require(x, like=x),
    np.full((3, 2), x, like=x), np.full(2, 3, like=x), np.zeros(2, like=x),
    np.ones((2, 1), like=x), np.empty(2, like=x) * 0, np.arange(3, like=x),
    np.eye(2, 3, 1, like=x), np.identity(2, like=x), np.tri(2, like=x),
], real(2))  # fmt: skip
case("sliding_window_view", lambda x: sliding_window_view(x, (2, 3), (0, -1)), real(3, 2, 4))
case("sliding_window_view of one axis twice", lambda x: sliding_window_view(x, (2, 2), (0, 0)),
     real(4))  # fmt: skip
case("sliding_window_view of all axes", lambda x: sliding_window_view(x, (2, 1)), integers(3, 2))

# Options of joining and of products

case("concatenate dtype casting", lambda x, y: (
    np.concatenate([x, y], dtype=np.complex128), np.stack([x, y], casting="no"),
    np.vstack([x, y], dtype=complex, casting="unsafe"), np.hstack([x, y], casting="same_kind"),
), real(2), real(2))  # fmt: skip
case("einsum dtype", lambda x, y: (
    np.einsum("i,i", x, y, dtype=np.complex128), np.einsum("i->", x, dtype=float, casting="unsafe",
    order="K"),
), real(2), real(2))  # fmt: skip
case("matrix_rank of a vector", lambda x: x * np.linalg.matrix_rank(x), real(3))
