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

from ..control.programs import zeros_of
from ..errors import MissingRuleError, ProgramError
from ..ir import ArrayType, Program
from ..ops.elementwise import negative, subtract
from ..primitive import Linear, NotLinearError
from ..recorder import bind
from ..transforms.transpose import transpose as transpose_program
from .function import pushed
from .rules import place_of
from .solution import Counts, parted, solution, strong


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
    first, second, _, b = parted(equations.counts, strong(types))
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
    consts = parted(equations.counts, primals)[0]
    moved, _, _, right = parted(equations.counts, tangents)
    if any(t is not None for t in moved):
        system = [*consts, *outputs[:n]]
        changes = pushed(equations.matvec, system, [*moved, *[None] * n], separate=True)[1]
        right = [_difference(a, b) for a, b in zip(right, changes, strict=True)]
    if all(t is None for t in right):
        return [None] * len(outputs)
    full = [zeros_of(type) if t is None else t for t, type in zip(right, types, strict=True)]
    found = equations.bind(*primals[:count], *full)[:n]
    return [*found, *[None] * (len(outputs) - n)]


def _difference(a: Any, b: Any) -> Any:
    if b is None:
        return a
    return negative(b) if a is None else subtract(a, b)


def _transpose(cotangents: Sequence[Any], operands: Sequence[Any], **params: Any) -> list[Any]:
    equations = Equations(**params)
    first, second, third, _ = parted(equations.counts, operands)
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
    full = [
        zeros_of(type) if ct is None else ct for ct, type in zip(cotangents, types, strict=False)
    ]
    if not equations.symmetric:
        second, third = third, second
    found = transposed.bind(*first, *second, *third, *full)[: len(types)]
    return [*[None] * sum(equations.counts), *found]


LINEAR_SOLVE = solution("linear_solve", Equations, _infer, _jvp, _transpose)
