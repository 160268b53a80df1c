"""Families of ops: given what is particular to an op, they derive the rest.

`elementwise` derives type inference, broadcasting, transposition and batching from a row of partial
derivatives. A partial derivative is a function `(t, out, *operands)` that gives the tangent of
the output when `t` is the tangent of one operand; `ZERO` where it is zero wherever it exists. For
an operand in which the op is linear the same function is its transpose: the map is diagonal.

    sin = unary("sin", np.sin, lambda t, y, x: t * cos(x))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..ir import ArrayType
from ..primitive import (
    NONDIFFERENTIABLE,
    NOT_LINEAR,
    PRIMITIVES,
    ZERO,
    Declared,
    Linear,
    Primitive,
    Rule,
    remember,
)
from ..recorder import bind, type_of
from ..tracer import UFUNCS, Tracer, spelled
from .cast import astype, comparable, limits_of, loop_dtypes, operands_of
from .shape import broadcast_shapes, broadcast_to, reshape, unbroadcast

Partial = Rule | Declared
Types = tuple[ArrayType, ...]
Dtypes = tuple[np.dtype[Any], ...]
Loops = dict[Types, Dtypes]


class ElementwiseOp:
    """The front end of a ufunc: promotes its operands as NumPy does and binds the primitive."""

    __slots__ = ("__dict__", "_loops", "primitive", "ufunc")

    def __init__(self, ufunc: np.ufunc, primitive: Primitive):
        self.ufunc = ufunc
        self.primitive = primitive
        self._loops: Loops = {}
        self.__name__ = ufunc.__name__
        self.__doc__ = f"As `{spelled(ufunc)}`."

    def __call__(self, *operands: Any) -> Any:
        operands = operands_of(operands)  # type: ignore[assignment] -- a list where one is new
        types = tuple([x.type if type(x) is Tracer else type_of(x) for x in operands])
        dtypes = self._loops.get(types)
        if dtypes is None:
            operands, types, dtypes = self._find_loop(operands, types)
        strict = [
            x if type(x) is Tracer and t.dtype is d and not t.weak else astype(x, d)
            for x, t, d in zip(operands, types, dtypes, strict=False)
        ]
        return bind(self.primitive, *strict)

    def _find_loop(self, operands: Any, types: Types) -> tuple[Any, Types, Dtypes]:
        """The loop for types that are new, with the operands that it takes and their types."""
        dtypes = loop_dtypes(self.ufunc, tuple([t.promotion for t in types]))
        remember(self._loops, types, dtypes)
        return operands, types, dtypes

    def __repr__(self) -> str:
        return f"<op {self.primitive.name}>"


class Comparison(ElementwiseOp):
    """The front end of a comparison, which NumPy makes exact for integers and Python ints."""

    __slots__ = ("_exact_loops", "_fitting")

    def __init__(self, ufunc: np.ufunc, primitive: Primitive):
        super().__init__(ufunc, primitive)
        self._exact_loops: Loops = {}
        # For a Python int beside an array: the numbers that its dtype holds, and the loop of these.
        self._fitting: dict[Types, tuple[int, int, Dtypes]] = {}

    def _find_loop(self, operands: Any, types: Types) -> tuple[Any, Types, Dtypes]:
        x, y = operands
        number = y if type(y) is int else x
        if types in self._fitting and type(number) is int:
            least, greatest, dtypes = self._fitting[types]
            if least <= number <= greatest:
                return operands, types, dtypes
        if not _of_python_ints(types):
            return super()._find_loop(operands, types)
        # What stands for a Python int depends on its value, so that no loop is known by its type.
        exact = comparable(x, y), comparable(y, x)
        given, types = types, tuple([type_of(z) for z in exact])
        dtypes = self._exact_loops.get(types)
        if dtypes is None:
            dtypes = loop_dtypes(self.ufunc, tuple([t.promotion for t in types]))
            remember(self._exact_loops, types, dtypes)
        array = given[0] if given[0].promotion is not int else given[1]
        if array.promotion is not int and types[0].dtype is types[1].dtype is array.dtype:
            remember(self._fitting, given, (*limits_of(array.dtype), dtypes))
        return exact, types, dtypes


def _of_python_ints(types: Types) -> bool:
    """Whether integers are compared, one of them a Python int."""
    x, y = types
    return (
        x.dtype.kind in "iu" and y.dtype.kind in "iu" and (x.promotion is int or y.promotion is int)
    )


def unary(name: str, ufunc: np.ufunc, partial: Partial, **options: Any) -> ElementwiseOp:
    """An op of one operand. For options see `ufunc_op`."""
    return ufunc_op(name, ufunc, (partial,), **options)


def binary(
    name: str, ufunc: np.ufunc, first: Partial, second: Partial, **options: Any
) -> ElementwiseOp:
    """An op of two operands. For options see `ufunc_op`."""
    return ufunc_op(name, ufunc, (first, second), **options)


def ufunc_op(
    name: str,
    ufunc: np.ufunc,
    partials: Sequence[Partial],
    *,
    linear: Sequence[int] = (),
    text: str = "",
    front_end: type[ElementwiseOp] = ElementwiseOp,
    **traits: Any,
) -> ElementwiseOp:
    """The primitive and front end of a NumPy ufunc with one output.

    Args:
        front_end: what calls the primitive.
        partials: a partial derivative for each operand.
        linear: the operands in which the op is linear.
        text: how it reads, as a format of its operands, such as "{} + {}".
        traits: what holds of it (see `traits.py`).
    """

    def result(*types: ArrayType) -> np.dtype[Any]:
        given = tuple([type.dtype for type in types])
        *inputs, output = loop_dtypes(ufunc, given)
        if tuple(inputs) != given:
            raise DTypeError(f"{name} of mixed dtypes {given}: operands must be promoted first")
        return output

    primitive = elementwise(name, ufunc, result, partials, linear=linear, text=text, **traits)
    op = front_end(ufunc, primitive)
    UFUNCS[ufunc] = op
    return op


def elementwise(
    name: str,
    impl: Callable[..., Any],
    result: Callable[..., np.dtype[Any]],
    partials: Sequence[Partial],
    *,
    linear: Sequence[int] = (),
    text: str = "",
    jvp: Rule | Declared | None = None,
    transpose: Rule | Declared | None = None,
    view: Rule | None = None,
    into: Rule | None = None,
    **traits: Any,
) -> Primitive:
    """An elementwise primitive.

    Args:
        result: gives the output's dtype for the operands' types.
        jvp, transpose: rules where the derived ones would not do.
        view, into: see `Primitive`.
        traits: what holds of it (see `traits.py`).
    """

    def infer(*types: ArrayType) -> ArrayType:
        return ArrayType(broadcast_shapes(name, [type.shape for type in types]), result(*types))

    return Primitive(
        name,
        infer=infer,
        impl=impl,
        jvp=jvp or _elementwise_jvp(partials),
        transpose=transpose or (_elementwise_transpose(partials) if linear else NOT_LINEAR),
        batch=lambda size, operands, mapped: bind(
            PRIMITIVES[name], *align_ranks(size, operands, mapped)
        ),
        text=(lambda *operands: text.format(*operands)) if text else None,
        elementwise=True,
        view=view,
        into=into,
        foldable=True,
        **traits,
    )


def _elementwise_jvp(partials: Sequence[Partial]) -> Rule | Declared:
    for everywhere in (ZERO, NONDIFFERENTIABLE):
        if all(partial is everywhere for partial in partials):
            return everywhere
    if NONDIFFERENTIABLE in partials:
        raise ValueError("a partial derivative that does not exist is a function that raises")

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], out: Any) -> Any:
        total = None
        for tangent, partial in zip(tangents, partials, strict=True):
            if tangent is None or isinstance(partial, Declared):
                continue
            term = partial(tangent, out, *primals)
            if term is not None:
                total = term if total is None else total + term
        return total if total is None else broadcast_to(total, out.shape)

    return jvp


def _elementwise_transpose(partials: Sequence[Partial]) -> Rule:
    def transpose(ct: Any, operands: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            [
                unbroadcast(partial(ct, None, *operands), x.shape)
                if isinstance(x, Linear) and not isinstance(partial, Declared)
                else None
                for x, partial in zip(operands, partials, strict=True)
            ]
        )

    return transpose


def align_ranks(size: int, operands: Sequence[Any], mapped: Sequence[bool]) -> list[Any]:
    """Give mapped operands, whose mapped axis is first, one rank, so that they broadcast."""
    rank = max(x.ndim - is_mapped for x, is_mapped in zip(operands, mapped, strict=True))
    return [
        reshape(x, (size, *(1,) * (rank - x.ndim + 1), *x.shape[1:])) if is_mapped else x
        for x, is_mapped in zip(operands, mapped, strict=True)
    ]
