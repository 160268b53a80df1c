"""The solution of a linear equation, by code of the user; its derivative solves the same equation.

    linear_solve(*matvec consts, *solve consts, *transpose_solve consts, *b;
                 matvec, solve, transpose_solve, counts, symmetric)

`matvec` is a Program of its consts and x, `solve` one of its consts and b, which gives x and then
what it tells besides. `transpose_solve` is the same for the transpose of `matvec`, or None. From
A x = b follows A x' = b' - A' x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..control.programs import with_zeros
from ..errors import MissingRuleError, ProgramError
from ..ir import ArrayType, Program
from ..lists import split
from ..ops.elementwise import negative, subtract
from ..primitive import Linear, NotLinearError
from ..recorder import bind
from ..transforms.transpose import transpose as transpose_program
from .function import pushed
from .rules import place_of
from .solution import Counts, solution, strong


class Equations(NamedTuple):
    """The parameters of a `linear_solve` (see the head of this file)."""

    matvec: Program
    solve: Program
    transpose_solve: Program | None
    counts: Counts
    symmetric: bool = False

    def bind(self, *operands: Any) -> tuple[Any, ...]:
        """The solution, and what the solver tells besides."""
        return bind(LINEAR_SOLVE, *operands, **self._asdict())

    def transposed(self) -> Equations | None:
        """The equation of the transpose, where somebody told how to solve it."""
        if self.symmetric:
            return self
        if self.transpose_solve is None:
            return None
        first, second, third = self.counts
        linear = [i >= first for i in range(len(self.matvec.inputs))]
        matvec = transpose_program(self.matvec, linear)
        return Equations(matvec, self.transpose_solve, self.solve, (first, third, second))


def _infer(*types: ArrayType, **params: Any) -> tuple[ArrayType, ...]:
    equations = Equations(**params)
    first, second, _, b = split(strong(types), *equations.counts)
    for program, given in ((equations.matvec, [*first, *b]), (equations.solve, [*second, *b])):
        found = strong(program.output_types)[: len(b)]
        if strong(program.input_types) != given or found != b:
            raise ProgramError(f"linear_solve: {program.name} has to go from {given} to {b}")
    return tuple(strong(equations.solve.output_types))


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], outputs: Sequence[Any], **params: Any
) -> list[Any]:
    equations = Equations(**params)
    types = equations.matvec.output_types
    n, count = len(types), sum(equations.counts)
    consts = split(primals, *equations.counts)[0]
    moved, _, _, right = split(tangents, *equations.counts)
    if any(t is not None for t in moved):
        system = [*consts, *outputs[:n]]
        changes = pushed(equations.matvec, system, [*moved, *[None] * n], separate=True)[1]
        right = [_difference(a, b) for a, b in zip(right, changes, strict=True)]
    if all(t is None for t in right):
        return [None] * len(outputs)
    found = equations.bind(*primals[:count], *with_zeros(right, types))[:n]
    return [*found, *[None] * (len(outputs) - n)]


def _difference(a: Any, b: Any) -> Any:
    if b is None:
        return a
    return negative(b) if a is None else subtract(a, b)


def _transpose(cotangents: Sequence[Any], operands: Sequence[Any], **params: Any) -> list[Any]:
    equations = Equations(**params)
    first, second, third, _ = split(operands, *equations.counts)
    for x in [*first, *second, *third]:
        if isinstance(x, Linear):
            raise NotLinearError(x)
    transposed = equations.transposed()
    if transposed is None:
        raise MissingRuleError(
            "custom_linear_solve was not told how to solve the transposed equation, which reverse "
            "mode needs",
            "give transpose_solve=, or symmetric=True where the matrix is symmetric",
            place_of([*cotangents, *operands]),
        )
    types = equations.matvec.output_types
    full = with_zeros(cotangents[: len(types)], types)
    if not equations.symmetric:
        second, third = third, second
    found = transposed.bind(*first, *second, *third, *full)[: len(types)]
    return [*[None] * sum(equations.counts), *found]


LINEAR_SOLVE = solution("linear_solve", Equations, _infer, _jvp, _transpose)
