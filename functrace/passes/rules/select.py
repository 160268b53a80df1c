"""Rules for choices and conditions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import elementwise as ops
from ...ops.shape import broadcast_to
from ..match import Match, full_scalar, rule, same

_EQUAL, _ISINF = ops.equal.primitive, ops.isinf.primitive
_AND = ops.logical_and.primitive, ops.bitwise_and.primitive
_OR = ops.logical_or.primitive, ops.bitwise_or.primitive
_NOT = ops.logical_not.primitive, ops.invert.primitive


@rule(ops.WHERE)
def where_of_one(match: Match) -> Any:
    """`where(c, x, x)`, `where(True, x, y)` and `where(False, y, x)` are x, repeated to the shape.

    The condition is boolean and cannot be NaN, and nothing is computed with the other branch.
    """
    condition, x, y = match.equation.inputs
    known = full_scalar(condition)
    if known is not None:
        chosen = x if known else y
    elif same(x, y):
        chosen = x
    else:
        return None
    return broadcast_to(match.value(chosen), match.equation.outputs[0].type.shape)


@rule(*_AND, *_OR)
def logical_of_constant(match: Match) -> Any:
    """`c and True`, `c or False` and `c and c` are c; `c and False` and `c or True` are constant.

    Of booleans alone: numbers become booleans, or meet bit by bit.
    """
    if any(atom.type.dtype.kind != "b" for atom in match.equation.inputs):
        return None
    left, right = match.equation.inputs
    neutral = match.equation.primitive in _AND
    for x, other in ((left, right), (right, left)):
        known = full_scalar(other)
        if known is not None or x is other:
            chosen = x if known is None or known == neutral else other
            return broadcast_to(match.value(chosen), match.equation.outputs[0].type.shape)
    return None


@rule(*_AND, every=(_EQUAL, _ISINF))
def finite_is_not_infinite(match: Match) -> Any:
    """`x == c and isinf(x)` is False for a finite c. It is for a NaN as well."""
    left, right = match.equation.inputs
    for one, other in ((left, right), (right, left)):
        equal, isinf = match.made_by(_EQUAL, one), match.made_by(_ISINF, other)
        if equal is None or isinf is None or isinf.inputs[0] not in equal.inputs:
            continue
        (x,) = isinf.inputs
        c = full_scalar(equal.inputs[1] if equal.inputs[0] is x else equal.inputs[0])
        if c is not None and np.isfinite(c):
            return np.broadcast_to(np.False_, match.equation.outputs[0].type.shape)[()]
    return None


@rule(*_NOT, some=_NOT)
def not_of_not(match: Match) -> Any:
    """`not not c` is c, of a boolean c."""
    (operand,) = match.equation.inputs
    for primitive in _NOT:
        inner = match.under(primitive, operand)
        if inner is not None and inner.dtype.kind == operand.type.dtype.kind == "b":
            return inner
    return None
