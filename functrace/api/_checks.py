"""What may be differentiated, and what its tangents and cotangents must look like."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from ..errors import ArgumentError, DerivativeTypeError, ShapeError
from ..ir import FLOAT0, ArrayType
from ..ops.cast import astype, converted
from ..recorder import type_of
from ..tree import TreeDef

float0 = FLOAT0


def check_callable(fun: Any, transform: str) -> None:
    """Raise when a value was given for a function."""
    if not callable(fun):
        raise ArgumentError(
            f"{transform} takes a function, and was given a {type(fun).__qualname__}",
            f"write {transform}(f)(x), not {transform}(f(x))",
        )


def active_inputs(
    types: Sequence[ArrayType],
    names: Sequence[str],
    transform: str,
    holomorphic: bool,
    allow_int: bool,
    leaves: Sequence[Any] = (),
) -> list[bool]:
    """Which inputs are differentiated by.

    Args:
        leaves: their values, for messages.
    """
    for type, name, leaf in zip_longest(types, names, leaves):
        kind = type.dtype.kind
        if kind in "biu" and not allow_int:
            raise DerivativeTypeError(
                f"{transform} by argument {name}, which is of integers or booleans ({type}): "
                "a derivative needs real numbers",
                f"{_as_float(leaf)}; to leave the argument out, use argnums; to accept it, "
                "allow_int=True",
            )
        if holomorphic and kind != "c":
            raise DerivativeTypeError(
                f"{transform}(holomorphic=True) by argument {name}, which is real ({type})",
                "pass a complex array",
            )
    return [type.inexact for type in types]


def _as_float(leaf: Any) -> str:
    usual = "pass floating-point numbers (1.0, or x.astype(float))"
    if not isinstance(leaf, int) or abs(leaf) > 10**6:
        return usual
    return f"pass {float(leaf)}, or float(x), as a floating-point number is written 1.0 and not 1"


def check_outputs(types: Sequence[ArrayType], transform: str, complex_ok: bool) -> None:
    """Raise for outputs without a derivative, or with one that the transform cannot give."""
    for type in types:
        if not type.inexact:
            raise DerivativeTypeError(
                f"{transform} of a function that returned {type}, which has no derivative",
                "return floating-point numbers",
            )
        if type.dtype.kind == "c" and not complex_ok:
            raise DerivativeTypeError(
                f"{transform} of a function that returned {type}",
                "return real numbers, such as real and imaginary parts; for complex-differentiable "
                "functions of complex numbers grad and jacobian take holomorphic=True",
            )


def fill_integers(
    values: Sequence[Any], active: Sequence[bool], types: Sequence[ArrayType]
) -> list[Any]:
    """Derivatives for all leaves, given those of the active ones."""
    given = iter(values)
    return [
        next(given) if is_active else np.zeros(type.shape, float0)
        for is_active, type in zip(active, types, strict=True)
    ]


def fit(value: Any, type: ArrayType, what: str) -> Any:
    """A tangent or cotangent in the dtype of what it belongs to.

    Raises:
        ShapeError: when its shape differs.
        DerivativeTypeError: when its dtype cannot become the primal's without loss of kind.
    """
    value = converted(value)
    given = type_of(value)
    if given.shape != type.shape:
        raise ShapeError(f"{what} has shape {given.shape}, and it must be {type.shape}")
    if not np.can_cast(given.dtype, type.dtype, "same_kind"):
        raise DerivativeTypeError(f"{what} has dtype {given.dtype}, and it must be {type.dtype}")
    return astype(value, type.dtype)


def check_aux(out_tree: TreeDef) -> None:
    """Check that a function returned a pair, as `has_aux` asks.

    Raises:
        ArgumentError: when it did not.
    """
    if out_tree.kind is not tuple or len(out_tree.children) != 2:
        raise ArgumentError(
            "has_aux=True needs a function that returns (output, auxiliary), and this one returned "
            f"{out_tree}"
        )


def demand_count(value: Any, what: str, of: str) -> None:
    """Check that a value is a number of things, one or more.

    Raises:
        ArgumentError: when it is not.
    """
    counts = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not (counts and value > 0):
        raise ArgumentError(f"{what}={value!r} is no number of {of}", "give an int of 1 or more")
