"""A root of a function, found by code of the user; its derivative is that of an implicit function.

    root(*f consts, *solve consts, *tangent consts, *guess; f, solve, tangent, counts)

`f` is a Program of its consts and x, `solve` one of its consts and a guess, which gives x and then
what it tells besides. `tangent` is a Program of its consts, the root and a right side v, and gives
the y along which f's derivative at the root is v. From f(a, x) = 0 follows df/dx x' = - df/da a'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..control.programs import inline, with_zeros
from ..errors import ProgramError
from ..ir import ArrayType, Program
from ..lists import split
from ..ops.elementwise import negative
from ..primitive import NOT_LINEAR
from ..recorder import bind
from .function import pushed
from .solution import Counts, solution, strong


class Root(NamedTuple):
    """The parameters of a `root` (see the head of this file)."""

    f: Program
    solve: Program
    tangent: Program
    counts: Counts

    def bind(self, *operands: Any) -> tuple[Any, ...]:
        """The root, and what the solver tells besides."""
        return bind(ROOT, *operands, **self._asdict())


def _infer(*types: ArrayType, **params: Any) -> tuple[ArrayType, ...]:
    root = Root(**params)
    first, second, third, x = split(strong(types), *root.counts)
    groups = ([*first, *x], [*second, *x], [*third, *x, *x])
    for program, given in zip(root[:3], groups, strict=True):
        found = strong(program.output_types)[: len(x)]
        if strong(program.input_types) != given or found != x:
            raise ProgramError(f"root: {program.name} has to go from {given} to {x}")
    return tuple(strong(root.solve.output_types))


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], outputs: Sequence[Any], **params: Any
) -> list[Any]:
    root = Root(**params)
    types = root.f.output_types
    n = len(types)
    x, nothing = outputs[:n], [None] * len(outputs)
    first, _, third, _ = split(primals, *root.counts)
    moved = split(tangents, *root.counts)[0]
    if all(t is None for t in moved):
        return nothing
    changes = pushed(root.f, [*first, *x], [*moved, *[None] * n], separate=True)[1]
    if all(t is None for t in changes):
        return nothing
    found = inline(root.tangent, [*third, *x, *with_zeros(changes, types)])
    return [*[negative(t) for t in found], *nothing[n:]]


ROOT = solution("root", Root, _infer, _jvp, NOT_LINEAR)
