"""Cases of writing into arrays: each works on a copy, which is NumPy's own without a trace."""

import numpy as np

import functrace.numpy as fnp
from functrace.ops.elementwise import balance
from functrace.ops.index import add_slice
from functrace.ops.lengths import radical, times_power

from .op_cases import booleans, case, complex_, integers, positive, real


def changed(change):
    """A function of an array that changes a copy of it."""

    def function(x, *operands):
        y = np.copy(x)
        change(y, *operands)
        return y

    return function


def assigned(key):
    """A function that assigns its second operand to a part of its first."""
    return changed(lambda y, v: y.__setitem__(key, v))


case("setitem row", assigned(1), real(2, 3), real(3))
case("setitem scalar", assigned((0, -1)), real(2, 3), real())
case("setitem steps", assigned((slice(None), slice(None, None, -2))), real(2, 3), real(2, 2))
case("setitem broadcast", assigned(slice(0, 1)), real(2, 3), real(1, 1, 3))
case("setitem complex", assigned(slice(1, None)), complex_(3), complex_(2))
case("setitem casts", lambda x, v: assigned(slice(1, None))(x.astype(np.float32), v), real(3),
     real(2), differentiable=False)  # fmt: skip
case("setitem into integers", assigned(slice(1, None)), integers(3), integers(2))
case("setitem empty", assigned(slice(0, 0)), real(3), real(0))
case("setitem arrays", assigned(([0, 1, 0], [1, 2, 1])), real(2, 3), real(3))
case("setitem arrays apart", assigned(([0, 1], slice(None), [1, 0])), real(2, 2, 2), real(2, 2))
case("setitem mask", assigned(np.array([True, False])), real(2, 3), real(3))
case("setitem mask of values", assigned(np.array([True, False, True])), real(3), real(2))
case("setitem traced place", changed(lambda y, i, v: y.__setitem__(i, v)), real(3, 2), np.int64(1),
     real(2))  # fmt: skip
case("setitem traced mask", changed(lambda y, m: y.__setitem__(m, 2.0)), real(3), booleans(3))
case("view of a traced place", changed(lambda y, i: y[i].fill(2.0)), real(3, 2), np.int64(1))

_TWICE = np.array([0, 2, 0])
case("at set", lambda x, v: fnp.at(x)[_TWICE].set(v), real(3), real(3))
case("at add", lambda x, v: fnp.at(x)[_TWICE].add(v), real(3, 2), real(3, 1))
case("at multiply", lambda x, v: fnp.at(x)[_TWICE].multiply(v), real(3), real(3))
case("at multiply traced", lambda x, i: fnp.at(x)[i].multiply(x), real(3), np.array([2, 0, 2]))
case("at max", lambda x, v: fnp.at(x)[_TWICE].max(v), real(3), real(3))

_PLACES = ([0, 1, 0], [1, 2, 1])
for _u in (np.add, np.subtract, np.multiply, np.maximum, np.minimum):
    case(f"{_u.__name__}.at", changed(lambda y, v, u=_u: u.at(y, _PLACES, v)), real(2, 3), real(3))
case("copyto", changed(np.copyto), real(2, 3), real(3))
case("copyto where", changed(lambda y, v: np.copyto(y, v, where=[True, False, True])), real(2, 3),
     real(3))  # fmt: skip
case("put", changed(lambda y, v: np.put(y, [0, 4], v)), real(2, 3), real(2))
case("put clip", changed(lambda y, v: np.put(y, [-9, 9], v, mode="clip")), real(2, 3), real(2))
case("place", changed(lambda y, v: np.place(y, [[True, False, True]] * 2, v)), real(2, 3), real(3))
case("putmask", changed(lambda y, v: np.putmask(y, [[True, False, True]] * 2, v)), real(2, 3),
     real(2, 3))  # fmt: skip
case("put_along_axis", changed(lambda y, v: np.put_along_axis(y, np.array([[1], [0]]), v, 1)),
     real(2, 3), real(2, 1))  # fmt: skip
case("fill_diagonal", changed(lambda y, v: np.fill_diagonal(y, v)), real(3, 3), real(3))
case("fill_diagonal tall", changed(lambda y, v: np.fill_diagonal(y, v)), real(4, 2), real())
case("fill_diagonal wrap", changed(lambda y, v: np.fill_diagonal(y, v, wrap=True)), real(5, 2),
     real())  # fmt: skip
case("fill_diagonal cube", changed(lambda y, v: np.fill_diagonal(y, v)), real(2, 2, 2), real(2))
case("sort in place", changed(lambda y: y.sort(0)), real(3, 2))
case("partition in place", changed(lambda y: y.partition(1)), real(3))


def _filled(x):
    y = fnp.zeros((2, 3))
    y[0] = x
    z = fnp.array([1.0, 2.0, 3.0])
    z *= x
    y[1, 1:] = z[:2]
    return y


case("fill zeros", _filled, real(3))


def _method(x, v):
    return (x.at if hasattr(x, "at") else fnp.at(x))[1:].set(v)


case("x.at", _method, real(3), real(2))
case("out= of plain operands", changed(lambda y: np.multiply([1.0, 2.0, 3.0], 2.0, out=y)), real(3))

# Ops that derivatives and passes make of others

case("balance", lambda x, y: balance(x, y), np.array([1.0, 2.0, 3.0]), np.array([[2.5], [1.5]]))
for _power, _order in ((-1.0, 0.5), (-1.0, -1.0), (-2.0, 0.0), (1.0, 2.0), (0.5, 1.5), (-1.5, 0.5)):
    case(f"times_power {_power:g}, order {_order:g}",
         lambda t, r, power=_power, order=_order: times_power(t, r, power, order),
         real(2, 3), positive(3))  # fmt: skip
case("radical", lambda x: radical(x, 0.5) * radical(x, 0.3), positive(3))
case("add_slice", lambda x, v: add_slice(x, v, ((1, 2, 1), (2, 2, -2))), real(3, 3), real(2, 2))


def assign_flat(y, v):
    y.flat = v


case("flat element", lambda x: x.flat[4], real(2, 3))
case("flat slice", lambda x: x.flat[1:5:2], real(2, 3))
case("flat assignment", changed(assign_flat), real(2, 3), real(3))
case("flat assignment to places", changed(lambda y, v: y.flat.__setitem__([4, 0, 3], v)),
     real(2, 3), real(2))  # fmt: skip
case("item", lambda x: x.item(4) * x, real(2, 3))
case("flags", lambda x: x * x.flags.aligned, real(3))
case("strides", lambda x: x * (x.copy().strides[0] // x.itemsize), real(3))
