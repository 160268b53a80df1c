"""The operators and methods of traced arrays.

An operator is a ufunc and a method is NumPy's function of the same name. Between Python scalars
an operator gives a Python scalar, as Python's own does. An in-place operator changes the array
that a tracer stands for, and those that share its memory (`sharing.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import DTypeError, UnsupportedAttributeError
from .operands import is_array_like
from .sharing import demand_own, is_number
from .tracer import (
    FUNCTIONS,
    NO_OPTIONS,
    UFUNCS,
    Tracer,
    demanded_answer,
    is_weak,
    overwrite,
    pythonic,
    run_front_end,
    weakened,
    widened,
)

_OPERANDS = (np.ndarray, np.generic, bool, int, float, complex, list, tuple)
_ARITHMETIC = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>", "matmul": "@",
}  # fmt: skip
_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}
_METHOD_FUNCTIONS = (
    np.sum, np.mean, np.max, np.min, np.prod, np.argmax, np.argmin, np.any, np.all, np.var, np.std,
    np.cumsum, np.cumprod, np.ravel, np.squeeze, np.swapaxes, np.dot, np.clip, np.round, np.take,
    np.repeat, np.diagonal, np.trace, np.ptp, np.argsort, np.searchsorted, np.nonzero,
    np.choose, np.argpartition, np.put,
)  # fmt: skip


def _is_operand(other: Any) -> bool:
    """Whether an operator takes a value, rather than to leave it to the value's own operator."""
    if isinstance(other, _OPERANDS):
        return True
    return getattr(other, "__array_ufunc__", True) is not None and is_array_like(other)


def _demand_order(left: Any, right: Any) -> None:
    """Python, unlike NumPy, does not order complex numbers."""
    for operand in (left, right):
        if isinstance(operand, complex) or (type(operand) is Tracer and operand.dtype.kind == "c"):
            raise DTypeError(
                "Python's complex numbers have no order", "compare their real parts or abs()"
            )


def _install_binary(name: str, ufunc: np.ufunc, arithmetic: bool) -> None:
    def forward(self: Tracer, other: Any) -> Any:
        return _binary(self, other, self, other)

    def reflected(self: Tracer, other: Any) -> Any:
        return _binary(other, self, self, other)

    def _binary(left: Any, right: Any, self: Tracer, other: Any) -> Any:
        if type(other) is Tracer and not self.type.weak:
            return UFUNCS[ufunc](left, right)
        if type(other) is not Tracer and not _is_operand(other):
            return _never_equal(self, other, name)
        if name == "mul" and isinstance(other, (list, tuple)) and is_number(self):
            return NotImplemented  # n * [0] repeats the list, and asks for the integer n
        if self.type.weak and is_weak(other):
            if arithmetic and name not in ("and", "or", "xor"):
                left, right = widened(left), widened(right)
            if name in ("lt", "le", "gt", "ge"):
                _demand_order(left, right)
            return weakened(UFUNCS[ufunc](left, right))
        if name == "pow" and type(right) is int and right == 2 and not is_number(left):
            return UFUNCS[np.square](left)  # as NumPy's operator: int8 of booleans
        return UFUNCS[ufunc](left, right)

    setattr(Tracer, f"__{name}__", _binary_operator(forward))
    if arithmetic:
        setattr(Tracer, f"__r{name}__", _binary_operator(reflected))


def _never_equal(self: Tracer, other: Any, name: str) -> Any:
    """What an operator gives for no number: NumPy compares each element with None and text."""
    if name in ("eq", "ne") and self.type.shape and (other is None or isinstance(other, str)):
        return np.full(self.type.shape, name == "ne")
    return NotImplemented


def _install_in_place(name: str, ufunc: np.ufunc) -> None:
    symbol = _SYMBOLS[name]
    what, remedy = f"x {symbol}= y", f"write `x = x {symbol} y`"

    def method(self: Tracer, other: Any) -> Any:
        if is_number(self):  # Python takes x = x + y
            return NotImplemented
        if type(other) is not Tracer and not _is_operand(other):
            return NotImplemented
        demand_own(self, what, remedy)
        return overwrite(self, UFUNCS[ufunc](self, other), what, remedy)

    setattr(Tracer, f"__i{name}__", method)


def _install_unary(name: str, ufunc: np.ufunc) -> None:
    def unary(self: Tracer) -> Any:
        return pythonic(UFUNCS[ufunc], self)

    def method(self: Tracer) -> Any:
        return self.recorder.memo.call(run_front_end, unary, (self,))

    setattr(Tracer, f"__{name}__", method)


def _binary_operator(plain: Callable[[Tracer, Any], Any]) -> Callable[[Tracer, Any], Any]:
    """An operator that asks the guards first."""

    def method(self: Tracer, other: Any) -> Any:
        recorder = self.recorder
        if recorder.rewriting:  # by rules, of which no guards are written
            return plain(self, other)
        return recorder.memo.call(run_front_end, plain, (self, other), NO_OPTIONS, True)

    return method


def _matmul(self: Tracer, other: Any) -> Any:
    return UFUNCS[np.matmul](self, other)


def _rmatmul(self: Tracer, other: Any) -> Any:
    return UFUNCS[np.matmul](other, self)


def _install_method(function: Callable[..., Any]) -> None:
    def method(self: Tracer, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.memo.call(demanded_answer, function, (self, *args), kwargs)

    method.__name__ = function.__name__
    method.__doc__ = f"As `np.{function.__name__}`."
    setattr(Tracer, function.__name__, method)


def _install_property(descriptor: Any) -> None:
    def read(self: Tracer) -> Any:
        return FUNCTIONS[descriptor](self)

    setattr(Tracer, descriptor.__name__, property(read, doc=f"As `ndarray.{descriptor.__name__}`."))


def _assign_flat(self: Tracer, value: Any) -> None:
    FUNCTIONS[np.ndarray.flat](self)[:] = value  # type: ignore[index] -- a descriptor, as a key


def _refuse_shape(self: Tracer, shape: Any) -> None:
    raise UnsupportedAttributeError(
        f"x.shape = {shape!r} of a traced array: it keeps its shape",
        f"write x = x.reshape({shape!r})",
    )


Tracer.shape = Tracer.shape.setter(_refuse_shape)  # type: ignore[method-assign] -- as below
for _name, _ufunc in _ARITHMETIC.items():
    _install_binary(_name, _ufunc, arithmetic=True)
for _name, _ufunc in {**_ARITHMETIC, "matmul": np.matmul}.items():
    _install_in_place(_name, _ufunc)
for _name, _ufunc in _COMPARISONS.items():
    _install_binary(_name, _ufunc, arithmetic=False)
for _name, _ufunc in _UNARY.items():
    _install_unary(_name, _ufunc)
for _function in _METHOD_FUNCTIONS:
    _install_method(_function)
for _descriptor in (np.ndarray.flat, np.ndarray.flags, np.ndarray.strides):
    _install_property(_descriptor)
Tracer.flat = Tracer.flat.setter(_assign_flat)  # type: ignore[attr-defined]
Tracer.__matmul__ = _binary_operator(_matmul)  # type: ignore[method-assign] -- as the tables above
Tracer.__rmatmul__ = _binary_operator(_rmatmul)  # type: ignore[method-assign]
