"""An op that a user defines: a primitive, and the function that records it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, CustomRuleError, OpDefinitionError, StaticArgumentError
from ..ir import ArrayType
from ..ops.cast import converted, loop_dtypes, promote
from ..ops.shape import broadcast_shapes
from ..primitive import (
    LINEAR,
    MISSING,
    NONDIFFERENTIABLE,
    NOT_LINEAR,
    PRIMITIVES,
    ZERO,
    Declared,
    Primitive,
)
from ..recorder import bind, type_of
from ..remade import global_name
from ..tracer import Tracer
from ..values import operand
from . import op_rules
from .hashable_function import defined_at

Rule = Callable[..., Any]


class Definition(NamedTuple):
    """What an op is made of (see `define_op`)."""

    name: str
    impl: Any
    signature: inspect.Signature
    infer: Rule | None
    jvp: Rule | Sequence[Rule | None] | str | None
    vjp: Rule | None
    transpose: Rule | None
    batch: Rule | str | None
    elementwise: bool
    multiple: bool

    def several(self, value: Any, what: str) -> tuple[Any, ...]:
        """Outputs, or what belongs to them, as a tuple."""
        if not self.multiple:
            return (value,)
        if isinstance(value, (tuple, list)):
            return tuple(value)
        raise CustomRuleError(
            f"{what} returned a {type(value).__name__}, and {self.name} has several outputs",
            "return a tuple with an entry for each output",
        )

    def alone(self, values: Sequence[Any]) -> Any:
        """The reverse."""
        return tuple(values) if self.multiple else values[0]


class Op:
    """An op that was made by `define_op`: a function of arrays and static parameters.

    Attributes:
        primitive: what its equations are of.
    """

    def __init__(self, own: Definition, key: str):
        self.definition = own
        self.__name__ = self.__qualname__ = own.name
        self.__module__ = key.rpartition(".")[0]
        self.__doc__ = getattr(own.impl, "__doc__", None)
        self.__signature__ = own.signature
        self.primitive = Primitive(
            key,
            infer=self._infer,
            impl=self._impl,
            jvp=_jvp_slot(self),
            transpose=op_rules.transpose(self) if own.transpose else _no_transpose(own),
            batch=op_rules.batch(self) if own.batch or own.elementwise else MISSING,
            text=self._text,
            elementwise=own.elementwise,
            multiple=own.multiple,
        )

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """The op of arrays, which are operands, and of static parameters, which are keywords."""
        own = self.definition
        try:
            bound = own.signature.bind(*operands, **params)
        except TypeError as error:
            raise ArgumentError(f"{own.name}{own.signature}: {error}") from None
        bound.apply_defaults()
        for name, value in bound.kwargs.items():
            _demand_static(own, name, value)
        values = [converted(x) for x in bound.args]
        if isinstance(own.impl, np.ufunc):
            return bind(self.primitive, *promote(own.impl, values))
        return bind(self.primitive, *[operand(x) for x in values], **bound.kwargs)

    def __repr__(self) -> str:
        return f"<op {self.definition.name}>"

    def __deepcopy__(self, memo: Any) -> Op:
        return self

    def __reduce__(self) -> Any:
        return global_name(self) or (_stored, (self.definition, self.primitive.name))

    def _infer(self, *types: ArrayType, **params: Any) -> Any:
        own = self.definition
        if own.infer is None:
            shape = broadcast_shapes(own.name, [type.shape for type in types])
            dtypes = tuple([type.dtype for type in types])
            ufunc = isinstance(own.impl, np.ufunc)
            return ArrayType(
                shape, loop_dtypes(own.impl, dtypes)[-1] if ufunc else np.result_type(*dtypes)
            )
        found = own.several(own.infer(*types, **params), f"infer of {own.name}")
        if not all(isinstance(type, ArrayType) for type in found):
            raise OpDefinitionError(
                f"infer of {own.name} returned {own.alone(found)}",
                "return functrace.ArrayType(shape, dtype), or x.with_shape(shape) of an operand",
                defined_at(own.infer),
            )
        return own.alone([type.strong for type in found])

    def _impl(self, *arrays: Any, **params: Any) -> Any:
        """What the user's code gives, if it has the type that was announced.

        That code sees operands which it cannot change. What it gives is memory of its own.
        """
        own = self.definition
        results = own.several(
            own.impl(*[_shown(x) for x in arrays], **params), f"impl of {own.name}"
        )
        types = self.primitive.infer_types(tuple([type_of(x) for x in arrays]), params)
        values = [np.asarray(y) for y in results]
        found = [ArrayType(y.shape, y.dtype) for y in values]
        if tuple(found) != types:
            raise OpDefinitionError(
                f"{own.name} computed {own.alone(found)}, and its infer says {own.alone(types)}",
                "mend infer, or let impl give what it says",
                defined_at(own.impl),
            )
        return own.alone([(y if _owned(y) else y.copy())[()] for y in values])

    def _text(self, *operands: str, **params: Any) -> str:
        parts = [*operands, *[f"{name}={value!r}" for name, value in params.items()]]
        return f"{self.definition.name}({', '.join(parts)})"


def _stored(own: Definition, key: str) -> Op:
    """The op of a definition that was stored, unless it is there."""
    known = PRIMITIVES.get(key)
    op = getattr(known.infer, "__self__", None) if known else None
    return op if isinstance(op, Op) else Op(own, key)


def _shown(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view


def _owned(y: np.ndarray) -> bool:
    return y.flags.owndata and y.flags.writeable


def _demand_static(own: Definition, name: str, value: Any) -> None:
    try:
        hash(value)
    except TypeError:
        kind = "traced array" if type(value) is Tracer else type(value).__qualname__
        raise StaticArgumentError(
            f"the parameter {name} of {own.name} is a {kind}, which cannot be hashed",
            "pass numbers, strings and tuples; what is an array is an operand, and stands before "
            "the * in the signature of impl",
        ) from None


def _jvp_slot(op: Op) -> Rule | Declared:
    own = op.definition
    if own.vjp is not None:
        return op_rules.jvp_and_vjp(op)
    if own.jvp is None:
        return NONDIFFERENTIABLE
    if isinstance(own.jvp, str):
        return {"linear": LINEAR, "zero": ZERO}[own.jvp]
    return op_rules.jvp(op)


def _no_transpose(own: Definition) -> Declared:
    return MISSING if own.jvp == "linear" else NOT_LINEAR
