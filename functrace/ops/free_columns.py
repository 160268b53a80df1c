"""Columns that are free up to a rotation: those of a null space, or that complete a basis.

A matrix determines the space that they span, and LAPACK chooses them in it. Derivative rules let
them turn no more than the determined columns make them. Of what does not depend on the choice,
such as their projector, that gives the derivative; all else is refused. In reverse mode the
cotangent of the columns tells (the transpose of `free`). In forward mode results are compared with
those for columns that turn (`transforms/free_columns.py`).
"""

from __future__ import annotations

import enum
import functools
from typing import Any

import numpy as np

from ..errors import FreeColumnsError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, ZERO, Linear, NotLinearError, Primitive
from ..recorder import bind
from .checks import require
from .index import concatenate
from .linalg import adjoint, product, repeated

_MESSAGE = (
    "the derivative of columns that are free up to a rotation: those of a null space, or that "
    "complete a basis; what is computed from them depends on the choice that LAPACK makes"
)
_REMEDY = (
    "use their projector N @ N.conj().T, or only the columns that the matrix determines: "
    'np.linalg.svd(x, full_matrices=False), np.linalg.qr(x, mode="reduced")'
)
_ROUNDING = 32.0  # times the root of the precision: dependence that is smaller is not seen


def completed(q1: Any, dq1: Any, q2: Any) -> Any:
    """The tangent of unitary columns (Q1 Q2), where Q2 turns no more than Q1 makes it."""
    dq2 = -product(q1, adjoint(dq1), q2)
    return concatenate([dq1, dq2], dq1.ndim - 1)


def unchanged(x: Any, condition: Any) -> Any:
    """A derivative; where it depends on the choice of columns, an error when it runs."""
    return require(x, condition, _MESSAGE, FreeColumnsError, _REMEDY)


def tolerance(dtype: np.dtype[Any]) -> Any:
    """The share of a derivative that may be due to rounding."""
    return dtype.type(_ROUNDING * np.sqrt(np.finfo(dtype).eps))


def _turned(x: Any) -> Any:
    return np.swapaxes(np.conjugate(x), -1, -2)


def _all_determined(kept: Any) -> bool:
    return bool((kept == 1).all())


def _free_part(x: Any, v: Any, kept: Any) -> Any:
    """The part of a change of columns that makes another choice of them: a projection.

    That is a change of free columns in the space that is free, but for what would not leave them
    orthonormal. Where that space has one dimension, the column is determined but for its sign.
    """
    determined = v * kept[..., None, :]
    chosen = v - determined
    x = x * (1 - kept[..., None, :])
    x = x - determined @ (_turned(determined) @ x)
    inside = _turned(chosen) @ x
    part = x - chosen @ ((inside + _turned(inside)) / 2)
    dimension = v.shape[-2] - kept.sum(-1)
    return np.where((dimension > 1.5)[..., None, None], part, 0).astype(v.dtype)


# free


class Role(enum.Enum):
    """What an equation of `free` gives."""

    OPEN = "the tangent, of which forward mode has still to see whether it is determined"
    SEEN = "the tangent, of which it has"
    TURNED = "the tangent, and one that makes the free columns turn among themselves"
    OTHER = "the tangent, and one without any meaning"


def free(tangent: Any, v: Any, kept: Any, role: Role = Role.OPEN) -> Any:
    """The tangent of orthonormal columns, some of which are free up to a rotation.

    Args:
        kept: 1 for columns that are determined, and 0 for the free ones, along the last axis.
    """
    return bind(FREE, tangent, v, kept, role=role)


def _free_impl(tangent: Any, v: Any, kept: Any, *, role: Role) -> Any:
    if _all_determined(kept):
        return np.array(tangent)
    if role in (Role.OPEN, Role.SEEN):
        return np.array(tangent)
    direction = _any_direction(v.shape, v.dtype)
    if role is Role.TURNED:
        direction = _free_part(direction, v, kept) * _growth(tangent, v, kept)
    return tangent + direction


def _growth(tangent: Any, v: Any, kept: Any) -> Any:
    """How large a tangent is that was divided by singular values that are rounding; at least 1.

    With it, rounding in what should not depend on the choice is as large as in the tangent.
    """
    part = np.max(np.abs(_free_part(tangent, v, kept)), (-2, -1), keepdims=True)
    rest = np.max(np.abs(tangent * kept[..., None, :]), (-2, -1), keepdims=True)
    return np.where(part * tolerance(part.dtype) > rest + 1, part, 1)


@functools.lru_cache(maxsize=16)
def _any_direction(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Numbers that are fixed, and bear no relation to anything."""
    random = np.random.default_rng(len(shape))
    numbers = random.standard_normal(shape)
    if dtype.kind == "c":
        numbers = numbers + 1j * random.standard_normal(shape)
    return numbers.astype(dtype)


def _free_jvp(primals: Any, tangents: Any, out: Any, *, role: Role) -> Any:
    return None if tangents[0] is None else free(tangents[0], *primals[1:])


def _free_transpose(ct: Any, operands: Any, *, role: Role) -> Any:
    _, v, kept = operands
    if isinstance(v, Linear):
        raise NotLinearError(v)
    return unchanged(settled(ct, v, kept), bind(INDEPENDENT, ct, v, kept)), None, None


FREE = Primitive(
    "free_columns",
    infer=lambda tangent, v, kept, *, role: tangent,
    impl=_free_impl,
    jvp=_free_jvp,
    transpose=_free_transpose,
    batch=lambda size, operands, mapped, *, role: bind(
        FREE, *repeated(size, operands, mapped), role=role
    ),
)

# A cotangent of the columns without what is rounding in it, and would be divided by rounding


def settled(ct: Any, v: Any, kept: Any) -> Any:
    """The cotangent, whose part that depends on the choice is 0 in columns where it is rounding."""
    return bind(SETTLED, ct, v, kept)


def _settled_impl(ct: Any, v: Any, kept: Any) -> Any:
    if not ct.size or _all_determined(kept):
        return np.array(ct)
    part = np.conjugate(_free_part(np.conjugate(ct), v, kept))
    sizes, whole = (np.max(np.abs(x), -2, keepdims=True) for x in (part, ct))
    return ct - np.where(sizes <= tolerance(whole.dtype) * whole, part, 0)


SETTLED = Primitive(
    "settled_cotangent",
    infer=lambda ct, v, kept: ct,
    impl=_settled_impl,
    jvp=lambda primals, tangents, out: (
        None if tangents[0] is None else settled(tangents[0], *primals[1:])
    ),
    transpose=lambda ct, operands: (settled(ct, *operands[1:]), None, None),
    batch=lambda size, operands, mapped: settled(*repeated(size, operands, mapped)),
)

# Whether a cotangent of the columns is the same for every choice of them, for each matrix


def _independent_impl(ct: Any, v: Any, kept: Any) -> Any:
    lead = v.shape[:-2]
    if not ct.size or _all_determined(kept):
        return np.ones(lead, bool)[()]
    part = _free_part(np.conjugate(ct), v, kept)  # a cotangent acts without conjugation
    part, whole = (np.max(np.abs(x), (-2, -1)) for x in (part, ct))
    return np.logical_not(part > tolerance(whole.dtype) * whole)


INDEPENDENT = Primitive(
    "independent_of_choice",
    infer=lambda ct, v, kept: ArrayType(v.shape[:-2], np.bool_),
    impl=_independent_impl,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped: bind(INDEPENDENT, *repeated(size, operands, mapped)),
)
