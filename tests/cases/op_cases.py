"""The one table of op cases that drives the property tests.

A row is plain NumPy code with operands to try it on. The tests compare what functrace makes of
it, traced, compiled, differentiated and batched, with what NumPy and finite differences say, and
`test_architecture` asks for a row for every primitive and every NumPy function that functrace
answers for. Operands stay away from kinks and branch cuts, so that finite differences apply.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import functrace as ft


@dataclass(frozen=True)
class Case:
    """A function of arrays and numbers, and operands for it.

    Attributes:
        differentiable: whether derivatives exist.
        needs_values: whether Python asks for a traced value, so that jit and vmap cannot trace it.
    """

    name: str
    fun: Callable[..., Any]
    operands: tuple[Any, ...]
    differentiable: bool = True
    needs_values: bool = False


CASES: list[Case] = []
_random = np.random.default_rng(20)


def case(name: str, fun: Callable[..., Any], *operands: Any, **options: bool) -> None:
    CASES.append(Case(name, fun, operands, **options))


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function without NumPy's warnings of what newer versions do."""

    def call(*operands: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return function(*operands)

    return call


def real(*shape: int) -> Any:
    return np.asarray(_random.uniform(-2, 2, shape))[()]


def positive(*shape: int) -> Any:
    return np.asarray(_random.uniform(0.5, 2, shape))[()]


def unit(*shape: int) -> Any:
    return np.asarray(_random.uniform(-0.8, 0.8, shape))[()]


def above_one(*shape: int) -> Any:
    return np.asarray(_random.uniform(1.5, 3, shape))[()]


def complex_(*shape: int) -> Any:
    return np.asarray(_random.uniform(0.3, 1.5, shape) + 1j * _random.uniform(0.3, 1.5, shape))[()]


def integers(*shape: int) -> Any:
    return np.asarray(_random.integers(1, 6, shape))[()]


def booleans(*shape: int) -> Any:
    mask = np.arange(int(np.prod(shape))) % 3 != 1
    return mask.reshape(shape)[()]


# Ufuncs of one operand

for _ufunc in (
    np.negative, np.positive, np.exp, np.exp2, np.expm1, np.sin, np.cos, np.arctan,
    np.sinh, np.cosh, np.tanh, np.arcsinh, np.deg2rad, np.rad2deg, np.radians, np.degrees,
    np.absolute, np.fabs, np.sign, np.square, np.reciprocal, np.tan, np.conjugate, np.floor,
    np.ceil, np.trunc, np.rint, np.isfinite, np.isinf, np.isnan, np.signbit, np.logical_not,
):  # fmt: skip
    case(_ufunc.__name__, _ufunc, real(2, 3))
for _ufunc in (np.log, np.log2, np.log10, np.log1p, np.sqrt):
    case(_ufunc.__name__, _ufunc, positive(2, 3))
for _ufunc in (np.arcsin, np.arccos, np.arctanh):
    case(_ufunc.__name__, _ufunc, unit(2, 3))
case("cbrt", np.cbrt, positive(2, 3))
case("arccosh", np.arccosh, above_one(2, 3))
case("spacing", np.spacing, real(3), differentiable=False)
case("invert of integers", np.invert, integers(3))
case("invert of booleans", np.invert, booleans(3))
for _ufunc in (
    np.negative, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.sin,
    np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh,
    np.arccosh, np.arctanh, np.reciprocal, np.square, np.absolute, np.sign, np.conjugate,
):  # fmt: skip
    case(f"{_ufunc.__name__} of complex", _ufunc, complex_(3))
case("exp of integers", np.exp, integers(3))
case("square of integers", np.square, integers(3))
case("absolute of booleans", np.absolute, booleans(3))
case("sin of a scalar", np.sin, real())
case("sin of a Python float", np.sin, 0.5)
case("sqrt of a Python int", np.sqrt, 2)
case("exp of no elements", np.exp, real(0, 3))

# Ufuncs of two operands

for _ufunc in (
    np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.remainder, np.fmod,
    np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.maximum, np.minimum, np.fmax, np.fmin,
    np.heaviside, np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor,
):  # fmt: skip
    case(_ufunc.__name__, _ufunc, real(2, 3), real(2, 3))
    case(f"{_ufunc.__name__} broadcast", _ufunc, real(2, 1), real(3))
case("power", np.power, positive(2, 3), real(2, 3))
case("power broadcast", np.power, positive(3, 1), real(2))
case("float_power", np.float_power, positive(3), real(3))
case("float_power of integers", np.float_power, integers(3), integers(3))
case("divmod", np.divmod, positive(2, 3), real(3))
case("nextafter", np.nextafter, real(3), real(3), differentiable=False)
for _ufunc in (
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift,
    np.floor_divide, np.remainder, np.fmod, np.power, np.divide, np.maximum,
):  # fmt: skip
    case(f"{_ufunc.__name__} of integers", _ufunc, integers(2, 3), integers(3))
for _ufunc in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.add, np.multiply, np.maximum):
    case(f"{_ufunc.__name__} of booleans", _ufunc, booleans(4), booleans(2, 2).ravel())
for _ufunc in (np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum):
    case(f"{_ufunc.__name__} of complex", _ufunc, complex_(2, 3), complex_(3))
    case(f"{_ufunc.__name__} of complex and real", _ufunc, complex_(2), positive(2, 1))
case("equal of complex", np.equal, complex_(2), complex_(2))
case("multiply of an empty array", np.multiply, real(0, 3), real(3))
case("add of a scalar and an array", np.add, real(), real(2, 3))
case("one operand twice", lambda x: np.multiply(x, x), real(3))
case("add of an array and a list", lambda x: np.add(x, [1.0, 2.0]), real(2))
case("subtract from a constant array", lambda x: np.arange(3.0) - x, real(2, 3))

# Operators, reflected ones and those with Python scalars

for _name, _operator in {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}.items():  # fmt: skip
    case(f"x {_name} y", _operator, positive(2, 3), positive(3))
    case(f"x {_name} float", lambda x, op=_operator: op(x, 1.75), positive(3))
    case(f"float {_name} x", lambda x, op=_operator: op(1.75, x), positive(3))
    case(f"x {_name} int", lambda x, op=_operator: op(x, 3), positive(3))
    case(f"int {_name} x", lambda x, op=_operator: op(3, x), positive(3))
    case(f"integer x {_name} int", lambda x, op=_operator: op(x, 3), integers(3))
    case(f"int {_name} integer x", lambda x, op=_operator: op(3, x), integers(3))
    case(f"integer x {_name} float", lambda x, op=_operator: op(x, 1.5), integers(3))
    case(f"x {_name} traced float", _operator, positive(3), 1.75)
    case(f"traced int {_name} x", _operator, 2, positive(3))
    case(f"float {_name} float", _operator, 3.5, 1.25)
    case(f"int {_name} int", _operator, 7, 2)
for _name, _operator in {
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift,
    ">>": operator.rshift,
}.items():  # fmt: skip
    case(f"x {_name} y", _operator, integers(2, 3), integers(3))
    case(f"x {_name} int", lambda x, op=_operator: op(x, 2), integers(3))
    case(f"int {_name} x", lambda x, op=_operator: op(2, x), integers(3))
    case(f"int {_name} int", _operator, 6, 3)
case("array <op> x", lambda x: np.ones(3) * x + np.arange(3) - x / np.full(3, 2.0), real(2, 3))
case("comparison with an array on the left", lambda x: np.zeros(3) < x, real(3))
case("numpy scalar * x", lambda x: np.float64(2) * x + np.float32(3), real(3))
case("list * x", lambda x: [1.0, 2.0] * x, real(2))
case("-x", operator.neg, real(3))
case("+x", operator.pos, real(3))
case("abs(x)", abs, real(3))
case("~x", operator.invert, integers(3))
case("-int", operator.neg, 3)
case("divmod(x, y)", divmod, positive(3), positive(3))
case("divmod(x, float)", lambda x: divmod(x, 0.75), positive(3))
case("divmod(float, x)", lambda x: divmod(5.5, x), positive(3))
case("round(scalar, 1)", lambda x: round(x, 1), real())
case("pow(x, y)", pow, positive(3), real(3))
case("sum of a generator", lambda x: sum(row * row for row in x), real(3, 2))
case("x @ y", operator.matmul, real(2, 3), real(3, 2))
case("array @ x", lambda x: np.ones((2, 3)) @ x, real(3))
for _exponent in (0, 1, 2, 3, -1, -2, 0.0, 0.5, 1.0, 2.0, 2.5, -0.5):
    case(f"x ** {_exponent!r}", lambda x, n=_exponent: x**n, positive(3))
for _exponent in (0, 1, 2, 3, 0.5, -1.0):
    case(f"integer x ** {_exponent!r}", lambda x, n=_exponent: x**n, integers(3))
for _exponent in (0, 1, 2, 3):
    case(f"x ** {_exponent} at negative x and 0", lambda x, n=_exponent: x**n, np.array([-1.5, 0]))
case("complex x ** 2", lambda x: x**2, complex_(3))
case("complex x ** 0.5", lambda x: x**0.5, complex_(3))
case("complex x * 1j", lambda x: x * 1j, complex_(3))
case("real x * 1j", lambda x: x * 1j, real(3))
case("2 ** x", lambda x: 2**x, real(3))
case("0 ** x", lambda x: 0.0**x, positive(3))

for _dtype in (np.int8, np.uint8, np.uint64):
    case(
        f"a Python int beside {_dtype.__name__}", operator.add, integers(3).astype(_dtype), 3,
        differentiable=False,
    )  # fmt: skip
case("sum of a value without axes along axis 0", partial(np.sum, axis=0), real())
case("max of a value without axes along axis -1", partial(np.max, axis=-1), real())

# Other elementwise functions

case("where", np.where, booleans(2, 3), real(2, 3), real(2, 3))
case("where broadcast", np.where, booleans(2, 1), real(3), real())
case("where of a float condition", lambda x: np.where([0.0, 1.5, 0], x, -x), real(3))
case("where with a Python scalar", lambda c, x: np.where(c, x, 0), booleans(3), real(3))
case("where with a comparison", lambda x: np.where(x > 0, x, 0.1 * x), real(4))
case("where of integers and floats", np.where, booleans(3), integers(3), real(3))
case("where of complex", np.where, booleans(3), complex_(3), real(3))
case("where of one traced branch", lambda x: np.where([True, False], x, [5.0, 6.0]), real(2))
case("clip", np.clip, real(5), -0.5, 0.5)
case("clip by arrays", np.clip, real(2, 3), np.array([-1.0, 0, -0.3]), np.array([1.0, 1.3, 0.4]))
case("clip below only", lambda x: np.clip(x, 0, None), real(4))
case("clip min= max=", lambda x: x.clip(min=-1, max=1), real(4))
case("clip of integers", lambda x: np.clip(x, 2, 4), integers(5))
case("real", np.real, complex_(3))
case("imag", np.imag, complex_(3))
case("real of real", np.real, real(3))
case("imag of real", np.imag, real(3))
case("round", np.round, real(4))
case("round to 2 decimals", lambda x: np.round(x, 2), real(4))
case("round to -1 decimals", lambda x: np.round(x * 100, -1), real(4))
case("round of integers", np.round, integers(3))
case("around", lambda x: np.around(x, 1), real(4))
case("astype", lambda x: x.astype(np.float32), real(3), differentiable=False)
case("astype to complex", lambda x: x.astype(complex), real(3))
case("astype to int", lambda x: x.astype(int), real(3))
case("astype from int", lambda x: x.astype(float), integers(3))
case("astype from bool", lambda x: x.astype(np.float64), booleans(3))
case("any and all of imaginary numbers", lambda z: (np.any(z, 0), np.all(z, 0)),
     np.array([[1j, 0], [0, 2j]]))  # fmt: skip
case("where of a complex condition", lambda z: np.where(z, 1.0, 2.0), np.array([1j, 0]))
case("astype to bool", lambda x: x.astype(bool), np.array([0.0, 0.5]))
if hasattr(np, "astype"):
    case("np.astype", lambda x: np.astype(x, np.complex128), real(3))
case("isclose", np.isclose, real(3), np.zeros(3))
case("isclose of booleans", np.isclose, np.array([True, False]), np.array([True, True]))
case("isclose equal_nan", lambda x: np.isclose(x, x * (1 + 1e-9), equal_nan=True), real(3))
case("add(dtype=)", lambda x: np.add(x, 1.0, dtype=np.float64), real(3))
case("allclose", lambda x: x * np.allclose(x, x), real(3))
case("array_equal", lambda x: x * np.array_equal(x, x), real(3))
case("array_equal of different shapes", lambda x: x * np.array_equal(x, x[1:]), real(3))
case("result_type", lambda x: x.astype(np.result_type(x, np.complex64)), real(3))
case("isrealobj", lambda x: x * np.isrealobj(x), real(3))
case("iscomplexobj", lambda x: x * np.iscomplexobj(x), complex_(3))
case("stop_gradient", lambda x: np.sin(ft.stop_gradient(x)), real(3), differentiable=False)
case("x and stopped x", lambda x: ft.stop_gradient(np.sign(x)) * x, real(3))
case("copysign by where", lambda x: np.where(np.signbit(x), -1.0, 1.0) * x, real(3))

# Reductions

_REDUCED = {
    "": {},
    " axis 0": {"axis": 0},
    " axis -1": {"axis": -1},
    " axes (0, 2)": {"axis": (0, 2)},
    " axes (-1, 1)": {"axis": (-1, 1)},
    " keepdims": {"keepdims": True},
    " axis 1 keepdims": {"axis": 1, "keepdims": True},
    " axes () ": {"axis": ()},
}
for _reduction in (np.sum, np.prod, np.mean, np.max, np.min, np.any, np.all):
    for _label, _options in _REDUCED.items():
        case(f"{_reduction.__name__}{_label}", partial(_reduction, **_options), real(2, 3, 2))
    case(f"{_reduction.__name__} of integers", _reduction, integers(2, 3))
    case(f"{_reduction.__name__} of booleans", _reduction, booleans(2, 3))
    case(f"{_reduction.__name__} of a scalar", _reduction, real())
for _reduction in (np.var, np.std):
    for _label, _options in _REDUCED.items():
        if _label != " axes () ":  # the standard deviation of one element has a kink there
            case(f"{_reduction.__name__}{_label}", partial(_reduction, **_options), real(2, 3, 2))
    case(f"{_reduction.__name__} ddof", partial(_reduction, axis=0, ddof=1), real(4, 2))
    case(f"{_reduction.__name__} of integers", partial(_reduction, axis=0), integers(3, 2))
    case(f"{_reduction.__name__} of complex", partial(_reduction, axis=0), complex_(3, 2))
    case(f"{_reduction.__name__} where", lambda x, m, r=_reduction: r(x, axis=0, where=m),
         real(4, 2), booleans(4, 2))  # fmt: skip
case("var with a given mean", lambda x: np.var(x, axis=0, mean=np.mean(x, 0, keepdims=True)),
     real(3, 2))  # fmt: skip
case("var correction", lambda x: np.var(x, correction=1), real(4))
# By itself it gives a Python int before NumPy 2.3, and a NumPy integer since.
case("count_nonzero", lambda x: np.add(np.count_nonzero(x), 0), real(2, 3))
for _reduction in (np.amax, np.amin, np.ptp):
    case(_reduction.__name__, _reduction, real(2, 3))
for _reduction in (np.amax, np.amin, np.ptp, np.count_nonzero):
    case(f"{_reduction.__name__} axis", partial(_reduction, axis=1), real(2, 3))
    case(f"{_reduction.__name__} keepdims", partial(_reduction, axis=0, keepdims=True), real(2, 3))
for _reduction in (np.argmax, np.argmin):
    case(_reduction.__name__, _reduction, real(2, 3))
    case(f"{_reduction.__name__} axis -1", partial(_reduction, axis=-1), real(2, 3))
    case(f"{_reduction.__name__} keepdims", partial(_reduction, axis=0, keepdims=True), real(2, 3))
    case(f"{_reduction.__name__} of all keepdims", partial(_reduction, keepdims=True), real(2, 3))
    case(f"{_reduction.__name__} of ties", partial(_reduction, axis=0), np.ones((2, 3)))
for _reduction in (
    np.add.reduce, np.multiply.reduce, np.maximum.reduce, np.minimum.reduce,
    np.logical_and.reduce, np.logical_or.reduce,
):  # fmt: skip
    _name = f"{_reduction.__self__.__name__}.reduce"
    case(f"{_name} axis 0", partial(_reduction, axis=0), real(2, 3))
    case(f"{_name} axis None", partial(_reduction, axis=None, keepdims=True), real(2, 3))
    case(_name, _reduction, real(2, 3))
for _reduction in (np.sum, np.prod, np.max, np.min):
    _name = _reduction.__name__
    case(f"{_name} initial", lambda x, r=_reduction: r(x, axis=0, initial=1.5), real(2, 3))
    case(f"{_name} where and initial", lambda x, m, r=_reduction: r(x, 0, initial=0.5, where=m),
         real(3, 2), booleans(3, 2))  # fmt: skip
    case(f"{_name} of no elements with initial",
         lambda x, r=_reduction: r(x, axis=0, initial=1.5), real(0, 2))  # fmt: skip
    case(f"{_name} of complex", partial(_reduction, axis=0), complex_(3, 2))
for _reduction in (np.sum, np.prod, np.mean, np.any, np.all):
    _name = _reduction.__name__
    case(f"{_name} where", lambda x, m, r=_reduction: r(x, axis=0, where=m),
         real(4, 2), booleans(4, 2))  # fmt: skip
    case(f"{_name} where broadcast", lambda x, r=_reduction: r(x, where=np.array([True, False])),
         real(3, 2))  # fmt: skip
for _reduction in (np.sum, np.prod, np.any, np.all):
    case(f"{_reduction.__name__} of no elements", partial(_reduction, axis=0), real(0, 2))
for _reduction in (np.max, np.argmax, np.mean):
    case(f"{_reduction.__name__} to no elements", partial(_reduction, axis=1), real(0, 2))
case("sum dtype", lambda x: np.sum(x, dtype=np.complex128), real(3))
case("sum of integers to float", lambda x: np.sum(x, dtype=float), integers(3))
case("mean of integers dtype", lambda x: np.mean(x, dtype=np.float64), integers(3))
case("mean of complex", np.mean, complex_(3))
case("prod with zeros", np.prod, np.array([2.0, 0.0, 3.0]))
case("prod with two zeros", partial(np.prod, axis=0), np.array([[2.0, 0.0], [0, 0], [3, 4]]))
for _cumulation in (np.cumsum, np.cumprod, np.add.accumulate, np.multiply.accumulate):
    _name = getattr(_cumulation, "__self__", None)
    _name = f"{_name.__name__}.accumulate" if isinstance(_name, np.ufunc) else _cumulation.__name__
    case(f"{_name} axis 0", partial(_cumulation, axis=0), real(5, 2))
    case(f"{_name} axis -1", partial(_cumulation, axis=-1), real(2, 3))
    case(f"{_name} default", _cumulation, real(2, 3))
    case(f"{_name} of integers", _cumulation, integers(3))
    case(f"{_name} of booleans", _cumulation, booleans(3))
    case(f"{_name} of complex", _cumulation, complex_(3))
    case(f"{_name} of no elements", partial(_cumulation, axis=0), real(0, 2))
case("cumsum dtype", lambda x: np.cumsum(x, dtype=float), integers(3))
case("cumprod with a zero", np.cumprod, np.array([2.0, 0.0, 3.0, 0.0, 5.0]))
for _order in (None, 1, 2, 3, np.inf, -np.inf, 0, -1, 0.5):
    case(f"norm ord {_order}", partial(np.linalg.norm, ord=_order), real(4))
for _order in (None, "fro", 1, -1, np.inf, -np.inf):
    case(f"matrix norm ord {_order}", partial(np.linalg.norm, ord=_order), real(2, 3))
    case(f"matrix norm ord {_order} axes", partial(np.linalg.norm, ord=_order, axis=(2, 0)),
         real(2, 3, 4))  # fmt: skip
case("norm axis", partial(np.linalg.norm, axis=-1), real(2, 3))
case("norm axis keepdims", partial(np.linalg.norm, axis=0, keepdims=True), real(2, 3))
case("norm ord 1 axis", partial(np.linalg.norm, ord=1, axis=-1, keepdims=True), real(2, 3))
case("norm of three axes", np.linalg.norm, real(2, 2, 2))
case("norm of complex", np.linalg.norm, complex_(3))
case("norm of integers", np.linalg.norm, integers(3))

# Products

for _shapes in (
    [(3,), (3,)], [(2, 3), (3,)], [(3,), (3, 2)], [(2, 3), (3, 4)], [(2, 2, 3), (2, 3, 2)],
    [(2, 2, 3), (3, 4)], [(2, 3), (4, 3, 2)], [(3,), (2, 3, 2)], [(2, 2, 3), (3,)],
    [(2, 1, 2, 3), (4, 3, 2)], [(2, 0), (0, 3)], [(0, 2), (2, 3)], [(1, 1), (1, 1)],
):  # fmt: skip
    case(f"matmul {_shapes[0]} {_shapes[1]}", np.matmul, *[real(*s) for s in _shapes])
for _shapes in (
    [(3,), (3,)], [(2, 3), (3,)], [(3,), (3, 2)], [(2, 3), (3, 4)], [(2, 2, 3), (2, 3, 4)],
    [(2, 3), ()], [(), (3,)],
):  # fmt: skip
    case(f"dot {_shapes[0]} {_shapes[1]}", np.dot, *[real(*s) for s in _shapes])
for _shapes in ([(3,), (3,)], [(2, 3), (4, 3)], [(2, 2, 3), (3,)], [(), (3,)]):
    case(f"inner {_shapes[0]} {_shapes[1]}", np.inner, *[real(*s) for s in _shapes])
for _shapes in ([(3,), (3,)], [(2, 3), (3,)], [(2, 1, 3), (4, 3)]):
    case(f"vecdot {_shapes[0]} {_shapes[1]}", np.vecdot, *[real(*s) for s in _shapes])
case("vecdot axis", lambda x, y: np.vecdot(x, y, axis=0), real(3, 2), real(3, 2))
case("vecdot of complex", np.vecdot, complex_(2, 3), complex_(3))
case("vdot", np.vdot, real(2, 3), real(3, 2))
case("vdot of complex", np.vdot, complex_(3), complex_(3))
case("outer", np.outer, real(2), real(3))
case("outer of matrices", np.outer, real(2, 2), real(3))
case("outer of one vector", lambda x: np.outer(x, x), real(3))
for _label, _axes in {
    "default": 2, "0": 0, "1": 1, "lists": ([0, 1], [1, 0]), "negative": ([-1], [0]),
}.items():  # fmt: skip
    _right = {"default": (3, 2, 2), "lists": (3, 2, 2)}.get(_label, (2, 3))
    _left = {"default": (4, 3, 2), "lists": (2, 3, 4)}.get(_label, (3, 2))
    case(f"tensordot {_label}", partial(np.tensordot, axes=_axes), real(*_left), real(*_right))
case("tensordot integer axes", lambda x, y: np.tensordot(x, y, (1, 0)), real(2, 3), real(3, 2))
case("multi_dot", lambda x, y, z: np.linalg.multi_dot([x, y, z]), real(2, 3), real(3, 2), real(2))
case("multi_dot of vectors and matrices", lambda x, y, z: np.linalg.multi_dot([x, y, z]),
     real(3), real(3, 2), real(2))  # fmt: skip
case("trace", np.trace, real(3, 3))
case("trace offset", lambda x: np.trace(x, 1), real(3, 4))
case("trace axes", lambda x: np.trace(x, 0, 0, 2), real(2, 3, 2))
case("matmul of integers", np.matmul, integers(2, 3), integers(3, 2))
case("matmul of integers and floats", np.matmul, integers(2, 3), real(3))
case("matmul of booleans", np.matmul, booleans(2, 3), booleans(3, 2))
case("matmul of complex", np.matmul, complex_(2, 3), complex_(3, 2))
case("matmul of one matrix", lambda x: x @ x.T, real(2, 3))
case("dot of integers", np.dot, integers(2, 3), integers(3))

for _spec, _shapes in {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ji,jk": [(2, 3), (2, 4)],
    "ij , kj -> ki": [(2, 3), (4, 3)],
    "ba,a": [(2, 3), (3,)],
    "ij,ij->ij": [(2, 3), (2, 3)],
    "ij,ij->i": [(2, 3), (2, 3)],
    "ij,ij->": [(2, 3), (2, 3)],
    "ij,i->ji": [(2, 3), (2,)],
    "i,j->ji": [(2,), (3,)],
    "i,->i": [(3,), ()],
    ",->": [(), ()],
    "ij->ji": [(2, 3)],
    "ij->j": [(2, 3)],
    "ij->": [(2, 3)],
    "ijk->ki": [(2, 3, 2)],
    "ba": [(2, 3)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "iij->j": [(2, 2, 3)],
    "iij->ij": [(2, 2, 3)],
    "iji->j": [(2, 3, 2)],
    "iijj->": [(2, 2, 3, 3)],
    "iii->i": [(2, 2, 2)],
    "ijj,jk->ik": [(2, 3, 3), (3, 2)],
    "ii,i->": [(3, 3), (3,)],
    "ii,jj->ij": [(2, 2), (3, 3)],
    "ik,jl->ij": [(2, 3), (2, 3)],
    "bij,bjk->bik": [(2, 2, 3), (2, 3, 2)],
    "bi,bi->b": [(2, 3), (2, 3)],
    "ibj,bjk->kib": [(2, 2, 3), (2, 3, 2)],
    "bi,bj->bij": [(2, 3), (2, 2)],
    "...ij,...jk->...ik": [(2, 2, 3), (3, 2)],
    "...ij,jk": [(2, 2, 3), (3, 2)],
    "i...,i...->...": [(3, 2), (3, 2)],
    "...i->...": [(2, 2, 3)],
    "i...->...i": [(2, 3, 2)],
    "...,...->...": [(2, 3), (3,)],
    "...i,...i": [(2, 1, 3), (4, 3)],
    "ij,jk->ki with size 1": [(2, 1), (3, 4)],
    "ij,ij->ij with size 1": [(2, 1), (1, 3)],
    "ij,kj->ik with size 1": [(2, 1), (2, 1)],
    "...i,...i->...i with size 1": [(2, 1), (1, 3)],
    "ij,jk,kl->il": [(2, 3), (3, 2), (2, 4)],
    "i,i,i->": [(3,), (3,), (3,)],
    "i,i,i->i": [(3,), (3,), (3,)],
    "a,b,c->cba": [(2,), (3,), (2,)],
    "ijk,jl,kl->il": [(2, 3, 2), (3, 2), (2, 2)],
    "bi,ij,bj->b": [(2, 3), (3, 2), (2, 2)],
    "ii,ij,j->i": [(2, 2), (2, 3), (3,)],
    "ij,jk,kl,lm->im": [(2, 3), (3, 2), (2, 2), (2, 3)],
    "...i,ij,...j->...": [(2, 3), (3, 2), (2,)],
    "ij,jk->ik of no elements": [(2, 0), (0, 3)],
}.items():
    _text = _spec.split(" with ")[0].split(" of ")[0]
    case(f"einsum {_spec}", partial(np.einsum, _text), *[real(*s) for s in _shapes])
case(
    "einsum of lists", lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2]), real(2, 3), real(3, 2)
)
case(
    "einsum of lists implicit", lambda x, y: np.einsum(x, [5, 1], y, [1, 2]), real(2, 3), real(3, 2)
)
case("einsum of lists ellipsis", lambda x: np.einsum(x, [..., 0], [0, ...]), real(2, 3, 2))
case(
    "einsum optimize", lambda x, y: np.einsum("ij,jk", x, y, optimize=True), real(2, 3), real(3, 2)
)
case("einsum of one operand twice", lambda x: np.einsum("ij,kj->ik", x, x), real(2, 3))
case("einsum of integers", partial(np.einsum, "ij,jk->ik"), integers(2, 3), integers(3, 2))
case("einsum of integers and floats", partial(np.einsum, "ij,j->i"), integers(2, 3), real(3))
case("einsum of complex", partial(np.einsum, "ij,jk,k->i"), complex_(2, 3), complex_(3, 2), real(2))
case("einsum with a constant", lambda x: np.einsum("ij,j->i", np.ones((2, 3)), x), real(3))

# Shapes

case("shape", lambda x: x * np.shape(x)[0], real(3, 2))
case("ndim", lambda x: x * np.ndim(x), real(3, 2))
case("size", lambda x: x * np.size(x) + np.size(x, 0), real(3, 2))
case("shapes as outputs", lambda x: (np.shape(x), x.ndim, x.size, len(x)), real(3, 2))
case("itemsize and nbytes", lambda x: (x, x.itemsize, x.nbytes), real(3, 2))
case("reshape", lambda x: np.reshape(x, (3, 2)), real(2, 3))
case("reshape -1", lambda x: np.reshape(x, (-1, 2)), real(2, 3))
case("reshape to an int", lambda x: np.reshape(x, 6), real(2, 3))
case("reshape order F", lambda x: np.reshape(x, (3, 2), order="F"), real(2, 3))
case("reshape to no axes", lambda x: np.reshape(x, ()), real(1, 1))
case("reshape of no elements", lambda x: np.reshape(x, (3, 0)), real(0, 2))
case(".reshape(2, -1)", lambda x: x.reshape(2, -1), real(3, 4))
case(".reshape((2, 3))", lambda x: x.reshape((2, 3)), real(6))
case(".reshape order", lambda x: x.reshape(3, 2, order="F"), real(2, 3))
case("ravel", np.ravel, real(2, 3))
case("ravel order F", lambda x: np.ravel(x, "F"), real(2, 3))
case("ravel of a scalar", np.ravel, real())
case("ravel of no elements", np.ravel, real(0, 3))
case(".ravel", lambda x: x.ravel(), real(2, 3))
case(".flatten", lambda x: x.flatten(), real(2, 3))
case(".flatten order", lambda x: x.flatten("F"), real(2, 3))
case("expand_dims", lambda x: np.expand_dims(x, 1), real(2, 3))
case("expand_dims several", lambda x: np.expand_dims(x, (0, -1)), real(2, 3))
case("squeeze", np.squeeze, real(1, 2, 1))
case("squeeze axis", lambda x: np.squeeze(x, -1), real(1, 2, 1))
case("squeeze axes", lambda x: x.squeeze((0, 2)), real(1, 2, 1))
case("atleast_1d", np.atleast_1d, real())
case("atleast_1d of several", np.atleast_1d, real(), real(2))
case("atleast_2d", np.atleast_2d, real(3))
case("atleast_2d of a scalar", np.atleast_2d, real())
case("transpose", np.transpose, real(2, 3, 4))
case("transpose axes", lambda x: np.transpose(x, (1, -1, 0)), real(2, 3, 4))
if hasattr(np, "permute_dims"):
    case("permute_dims", lambda x: np.permute_dims(x, (1, 0)), real(2, 3))
case("matrix_transpose", np.matrix_transpose, real(2, 3, 4))
case("swapaxes", lambda x: np.swapaxes(x, 0, -1), real(2, 3, 4))
case("moveaxis", lambda x: np.moveaxis(x, 0, -1), real(2, 3, 4))
case("moveaxis of several", lambda x: np.moveaxis(x, (0, 1), (-1, 0)), real(2, 3, 4))
case(".T", lambda x: x.T, real(2, 3, 4))
case(".T of a vector", lambda x: x.T, real(3))
case(".mT", lambda x: x.mT, real(2, 3, 4))
case(".transpose()", lambda x: x.transpose(), real(2, 3))
case(".transpose(1, 0)", lambda x: x.transpose(1, 0), real(2, 3))
case(".transpose((1, 0))", lambda x: x.transpose((1, 0)), real(2, 3))
case(".swapaxes", lambda x: x.swapaxes(0, 1), real(2, 3))
case("flip", np.flip, real(2, 3))
case("flip axis", lambda x: np.flip(x, 1), real(2, 3))
case("flip axes", lambda x: np.flip(x, (0, -1)), real(2, 3, 2))
case("fliplr", np.fliplr, real(2, 3))
case("flipud", np.flipud, real(2, 3))
case("flip of no elements", np.flip, real(0, 3))
case("roll", lambda x: np.roll(x, 1), real(2, 3))
case("roll axis", lambda x: np.roll(x, -1, 1), real(2, 3))
case("roll axes", lambda x: np.roll(x, (1, 5), (0, 1)), real(2, 3))
case("roll one shift for several axes", lambda x: np.roll(x, 1, (0, 1)), real(2, 3))
case("roll by several shifts", lambda x: (np.roll(x, (1, 2)), np.roll(x, (1, 1, 2), 1)),
     np.arange(6.0).reshape(2, 3))  # fmt: skip
case("roll twice along one axis", lambda x: np.roll(x, (1, 1), (0, 0)), real(3, 2))
case("concatenate", lambda x, y: np.concatenate([x, y]), real(2, 3), real(1, 3))
case("concatenate axis -1", lambda x, y: np.concatenate((x, y), axis=-1), real(2, 3), real(2, 1))
case("concatenate axis None", lambda x, y: np.concatenate((x, y), axis=None), real(2, 3), real(2))
case("concatenate of integers", lambda x, y: np.concatenate([x, y]), integers(2), real(3))
case("concatenate dtype", lambda x, y: np.concatenate([x, y], dtype=complex), real(2), real(3))
case("concatenate of an empty one", lambda x, y: np.concatenate([x, y]), real(0, 2), real(1, 2))
case("concatenate of one twice", lambda x: np.concatenate([x, x, np.ones(2)]), real(3))
case("concatenate of the rows of one", np.concatenate, real(2, 3))
if hasattr(np, "concat"):
    case("concat", lambda x, y: np.concat([x, y]), real(2), real(3))
case("stack", lambda x, y: np.stack([x, y]), real(2, 3), real(2, 3))
case("stack axis 1", lambda x, y: np.stack([x, y], axis=1), real(2, 3), real(2, 3))
case("stack axis -1", lambda x, y: np.stack([x, y], -1), real(3), real(3))
case("stack of scalars", lambda x, y: np.stack([x, y, x]), real(), real())
case("stack with Python scalars", lambda x: np.stack([x, 1.0]), real())
case("vstack", lambda x, y: np.vstack([x, y]), real(3), real(2, 3))
case("hstack", lambda x, y: np.hstack([x, y]), real(2, 3), real(2, 1))
case("hstack of vectors", lambda x, y: np.hstack([x, y]), real(2), real(3))
case("column_stack", lambda x, y: np.column_stack([x, y]), real(3), real(3, 2))
case("split", lambda x: np.split(x, 3), real(6, 2))
case("split axis", lambda x: np.split(x, 2, axis=-1), real(2, 4))
case("split at indices", lambda x: np.split(x, [1, 3]), real(5))
case("split at indices beyond", lambda x: np.split(x, [2, 1, 9]), real(5))
case("broadcast_to", lambda x: np.broadcast_to(x, (2, 4, 3)), real(4, 1))
case("broadcast_to of a scalar", lambda x: np.broadcast_to(x, (2, 3)), real())
case("broadcast_arrays", lambda x, y: tuple(np.broadcast_arrays(x, y)), real(2, 1), real(3))
case("tile", lambda x: np.tile(x, 2), real(2, 3))
case("tile reps", lambda x: np.tile(x, (2, 1, 3)), real(2, 3))
case("tile with less reps", lambda x: np.tile(x, 0), real(2, 3))
case("pad", lambda x: np.pad(x, 1), real(2, 3))
case("pad one side", lambda x: np.pad(x, (1, 0)), real(2, 3))
case("pad widths", lambda x: np.pad(x, ((0, 2), (1, 0))), real(2, 3))
case("pad with a value", lambda x: np.pad(x, 1, constant_values=2.5), real(2))
case("pad nothing", lambda x: np.pad(x, 0), real(2))
case("zeros_like", np.zeros_like, real(2, 3))
case("zeros_like of a type", lambda x: np.zeros_like(x, int, shape=(2,)) + x, real(2))
case("empty_like filled", lambda x: np.empty_like(x) * 0 + x, real(2))
case("ones_like", lambda x: x * np.ones_like(x), real(2, 3))
case("full_like", lambda x: np.full_like(x, 2.5) * x, real(2, 3))
case("full_like of a traced value", lambda x, v: np.full_like(x, v), real(2, 3), real())
case("tril", np.tril, real(3, 4))
case("tril k", lambda x: np.tril(x, -1), real(2, 3, 3))
case("triu", np.triu, real(3, 4))
case("triu k", lambda x: np.triu(x, 1), real(2, 3, 3))
case("tril of integers", np.tril, integers(3, 3))
case("tril of booleans", lambda x: (np.tril(x), np.triu(x)), np.ones((3, 3), bool))
case("diagonal", np.diagonal, real(3, 4))
case("diagonal offset", lambda x: np.diagonal(x, -1), real(3, 4))
case("diagonal axes", lambda x: np.diagonal(x, 1, 2, 0), real(3, 2, 3))
case("diagonal beyond", lambda x: np.diagonal(x, 5), real(3, 4))
case("diag of a vector", np.diag, real(3))
case("diag of a vector k", lambda x: np.diag(x, -2), real(3))
case("diag of a matrix", lambda x: np.diag(x, 1), real(3, 4))

# Methods and iteration

for _method, _arguments in {
    "sum": [(), (0,)], "mean": [(), (-1,)], "max": [(), (1,)], "min": [()], "prod": [(), (0,)],
    "argmax": [(), (0,)], "argmin": [(1,)], "any": [()], "all": [(0,)], "var": [()], "std": [(0,)],
    "cumsum": [(), (0,)], "cumprod": [(1,)], "squeeze": [()], "round": [(), (1,)],
    "take": [([0, 2],), ([0, 1], 1)], "diagonal": [(), (1,)], "trace": [()], "clip": [(-1, 1)],
    "dot": [(np.ones(3),)], "copy": [()], "conj": [()], "conjugate": [()], "ravel": [("C",)],
}.items():  # fmt: skip
    for _given in _arguments:
        _text = ", ".join("array" if isinstance(a, np.ndarray) else repr(a) for a in _given)
        case(f".{_method}({_text})", lambda x, m=_method, a=_given: getattr(x, m)(*a), real(2, 3))
case(".sum(keepdims)", lambda x: x.sum(axis=(0, 1), keepdims=True), real(2, 3))
case(".std(ddof)", lambda x: x.std(0, ddof=1), real(3, 2))
case(".dot(y)", lambda x, y: x.dot(y), real(2, 3), real(3))
case(".real and .imag", lambda x: x.real * x.imag, complex_(3))
case(".conj of complex", lambda x: x.conj(), complex_(3))
case("len and iteration", lambda x: [row.sum() for row in x] + [x[0] * len(x)], real(3, 2))
case("unpacking", lambda x: (lambda a, b: a * b)(*x), real(2, 3))
case("range(len)", lambda x: sum(x[i] * i for i in range(len(x))), real(3))

# Indexing

_MASK = np.array([True, False, True])
for _text, _key in {
    "1": 1, "-1": -1, "np.int64": np.int64(1), "0-d array": np.array(1), "()": (), "...": ...,
    "None": None, "1:": np.s_[1:], "::-1": np.s_[::-1], "::2": np.s_[::2],
    "-1:0:-1": np.s_[-1:0:-1],
    "5:1": np.s_[5:1], "-9:9": np.s_[-9:9], "..., 0": np.s_[..., 0], "1, ..., 2": np.s_[1, ..., 2],
    "None, ..., None": np.s_[None, ..., None], "1, 1": np.s_[1, 1], "0, 1, 2": np.s_[0, 1, 2],
    ":, 1:, ::-2": np.s_[:, 1:, ::-2], "1:2, None, -1": np.s_[1:2, None, -1],
    "list": [0, 2], "negative list": [-1, 0, -1], "nested list": [[0, 1], [2, 0]], "empty list": [],
    "uint8 array": np.array([0, 2], np.uint8), ":, list": np.s_[:, [0, 1, 1]],
    "..., list": np.s_[..., [3, 0]], "adjacent lists": np.s_[:, [0, 1], [3, 0]],
    "lists apart": np.s_[[0, 1], :, [3, 0]], "int and list apart": np.s_[0, :, [1, 0]],
    "list and int": np.s_[[2, 0], 1], ":, list, int": np.s_[:, [1, 0], 2],
    "broadcast lists": np.s_[[[0], [2]], [1, 0]], "lists around None": np.s_[[0, 1], None, [1, 0]],
    "None, list, :, list": np.s_[None, [0, 1], :, [2, 1]], "list, ::-1": np.s_[[2, 0], ::-1],
    "::-1, list, None": np.s_[::-1, [1, 0], None], "list, ..., list": np.s_[[0, 1], ..., [1, 0]],
    "mask": _MASK, ":, mask": np.s_[:, np.array([True, False])], "mask, 1": np.s_[_MASK, 1],
    "mask, list": np.s_[_MASK, [1, 0]], "mask, ..., list": np.s_[_MASK, ..., [1, 0]],
    "mask of two axes": np.eye(3, 2, dtype=bool), "..., mask": np.s_[..., np.arange(4) > 1],
    "mask of all axes": np.arange(24).reshape(3, 2, 4) % 5 == 0, "all false": np.zeros(3, bool),
    "list of booleans": [True, False, True], "tuple in a tuple": ((0, 2),),
}.items():  # fmt: skip
    case(f"x[{_text}]", lambda x, k=_key: x[k], real(3, 2, 4))
case("scalar[()]", lambda x: x[()], real())
case("scalar[None]", lambda x: x[None], real())
case("scalar[..., None]", lambda x: x[..., None], real())
case("x[i]", lambda x, i: x[i], real(3, 2), np.int64(1))
case("x[i] of a Python int", lambda x, i: x[i], real(3, 2), 1)
case("x[-i]", lambda x, i: x[-i], real(3, 2), np.int64(1))
case("x[:, i]", lambda x, i: x[:, i], real(3, 4), np.int64(2))
case("x[i, 1:]", lambda x, i: x[i, 1:], real(3, 4), np.int64(2))
case("x[i, j]", lambda x, i, j: x[i, j], real(3, 4), np.int64(2), np.int64(1))
case("x[i, :, j]", lambda x, i, j: x[i, :, j], real(3, 2, 4), np.int64(2), np.int64(1))
case("x[places]", lambda x, p: x[p], real(3, 2), np.array([2, 0, 2, 1]))
case("x[negative places]", lambda x, p: x[p], real(3, 2), np.array([-1, 0, -3]))
case("x[:, places]", lambda x, p: x[:, p], real(2, 3), np.array([[2, 0], [1, 1]]))
case(
    "x[places, other]", lambda x, p, q: x[p, q], real(3, 2), np.array([[2], [0]]), np.array([0, 1])
)
case("x[places, :, other]", lambda x, p, q: x[p, :, q], real(3, 2, 4), np.array([2, 0]),
     np.array([0, 1]))  # fmt: skip
case("x[arange, labels]", lambda x, y: x[np.arange(3), y], real(3, 4), np.array([3, 0, 1]))
case("constant[places]", lambda x, p: np.sin(x)[p] * 2, real(3), np.array([2, 0]))
case("integers[places]", lambda x, p: x[p], integers(3), np.array([2, 0]))
case("x[x > 0]", lambda x: x[x > 0], np.array([0.5, -1.0, 2.0]), needs_values=True)
case("x[mask] traced", lambda x, m: x[m], real(3, 2), _MASK, needs_values=True)
case("if on a value", lambda x: x if x.sum() > 100 else 2 * x, real(3), needs_values=True)
case("max of two", lambda x: max(x[0], x[1]) * x, np.array([1.0, 2.0]), needs_values=True)
case("take", lambda x: np.take(x, [0, 4, 0]), real(2, 3))
case("take axis", lambda x: np.take(x, [[0, 1], [1, -1]], axis=1), real(2, 3))
case("take traced places", lambda x, p: np.take(x, p, axis=0), real(3, 2), np.array([0, 2]))
case("take a scalar place", lambda x: np.take(x, 1, axis=-1), real(2, 3))
case("take clip", lambda x: np.take(x, [-5, 9, 1], axis=1, mode="clip"), real(2, 3))
case("take wrap", lambda x: np.take(x, [-5, 9, 1], axis=1, mode="wrap"), real(2, 3))
case("take_along_axis", lambda x, p: np.take_along_axis(x, p, axis=1), real(2, 3),
     np.array([[2, 0], [1, 1]]))  # fmt: skip
case("take_along_axis 0", lambda x: np.take_along_axis(x, np.array([[1, 0, 1]]), 0), real(2, 3))
case("take_along_axis None", lambda x: np.take_along_axis(x, np.array([1, 4]), None), real(2, 3))
case("take_along_axis of argmax",
     lambda x: np.take_along_axis(x, np.argmax(x, 1)[:, None], 1), real(2, 3))  # fmt: skip

# Outputs that are inputs, constants, or each other

case("identity", lambda x: x, real(2, 3))
case("output twice", lambda x: (x * 2, x * 2, x), real(2))
case("views of one value", lambda x: (lambda y: (y, y.T, y[0], y.ravel()))(np.sin(x)), real(2, 3))
case("constant output", lambda x: (x, np.arange(3.0), 2.5, 3, True), real(2))
case("dictionary output", lambda x, y: {"sum": x + y, "parts": [x, (y,)]}, real(2), real(2))
case("several operands", lambda W, x, b: np.tanh(W @ x + b), real(2, 3), real(3), real(2))
case("softmax cross-entropy",
     lambda z, y: -np.mean((z - np.log(np.sum(np.exp(z), axis=1, keepdims=True)))
                           [np.arange(3), y]), real(3, 4), np.array([1, 0, 3]))  # fmt: skip
