"""What the files of SciPy's special functions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import NonDifferentiableError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, PRIMITIVES, Primitive, Rule
from ..recorder import bind
from ..source import Source, resolve
from ..tracer import UFUNCS, Tracer, spelled
from ._families import ElementwiseOp, align_ranks
from .cast import loop_dtypes, promote
from .elementwise import equal, logical_and, where
from .shape import broadcast_shapes


def no_derivative(function: str, parameter: str, remedy: str = "") -> Rule:
    """A partial derivative that is not offered, which is an error and never a zero."""

    def partial(t: Any, *_: Any) -> Any:
        raise NonDifferentiableError(
            f"scipy.special.{function} has no derivative with respect to {parameter}",
            remedy
            or f"keep {parameter} out of the differentiated arguments, or cut the path to "
            "it with functrace.stop_gradient",
            _source(t),
        )

    return partial


def _source(t: Any) -> Source | None:
    """The line of the equation whose rule is running."""
    position = t.recorder.position if type(t) is Tracer else None
    return resolve(position)


def several(name: str, ufunc: np.ufunc, jvp: Rule) -> Callable[..., tuple[Any, ...]]:
    """An elementwise op of a ufunc with several outputs.

    Args:
        jvp: `(tangents, outputs, *operands)`, which gives a tangent for each output.
    """

    def infer(*types: ArrayType) -> tuple[ArrayType, ...]:
        dtypes = loop_dtypes(ufunc, tuple([type.dtype for type in types]))
        shape = broadcast_shapes(name, [type.shape for type in types])
        return tuple([ArrayType(shape, dtype) for dtype in dtypes[len(types) :]])

    primitive = Primitive(
        name,
        infer=infer,
        impl=ufunc.__call__,  # not the ufunc itself, which a plan takes to have one output
        jvp=lambda primals, tangents, outs: jvp(tangents, outs, *primals),
        transpose=NOT_LINEAR,
        batch=lambda size, operands, mapped: bind(
            PRIMITIVES[name], *align_ranks(size, operands, mapped)
        ),
        elementwise=True,
        multiple=True,
    )

    def op(*operands: Any) -> tuple[Any, ...]:
        return bind(primitive, *promote(ufunc, operands))

    op.__name__ = name
    op.__doc__ = f"As `{spelled(ufunc)}`."
    UFUNCS[ufunc] = op
    return op


def same(ufunc: np.ufunc, op: ElementwiseOp) -> None:
    """Answer for a ufunc with an op of equal values, by the ufunc's own promotion."""

    def promoted(*operands: Any) -> Any:
        return op(*promote(ufunc, operands))

    promoted.__name__ = ufunc.__name__
    promoted.__doc__ = f"As `{spelled(ufunc)}`."
    UFUNCS[ufunc] = promoted


def ratio(x: Any, y: Any) -> Any:
    """x / y, and 0 where both are 0."""
    nothing = logical_and(equal(x, 0), equal(y, 0))
    return x / where(nothing, 1, y)
