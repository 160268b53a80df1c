"""Systems of equations: a multiple of a right side has that multiple of its solution.

The gradient of `y @ solve(K, y) / 2` solves `K x = y / 2`, after the value has solved `K x = y`.
But for rounding, the two are the same unless something leaves the range of the dtype: so the
multiple is the fast way of a `guarded` equation.
"""

from __future__ import annotations

from typing import Any

from ..ir import Atom, Equation, Literal, Program, Shape, Var
from ..ops import elementwise as ops
from ..ops.linalg import SOLVE
from ..ops.shape import RESHAPE
from .guarded import GUARDED
from .match import scalar

_SMALL = 1e-30  # numbers below, and their reciprocals, are left alone
_MULTIPLY, _NEGATIVE = ops.multiply.primitive, ops.negative.primitive


def systems(program: Program) -> Program:
    """The Program in which multiples of solutions are not solved for."""
    if sum(e.primitive is SOLVE for e in program.equations) < 2:
        return program
    multiples: dict[Atom, tuple[Atom, Any]] = {}
    solved: dict[tuple[Atom, Atom, Shape], tuple[Var, Any]] = {}
    equations = []
    for equation in program.equations:
        if equation.primitive is SOLVE:
            matrix, side = equation.inputs
            source, number = multiples.get(side, (side, 1))
            key = (matrix, source, side.type.shape)
            solution, other = solved.setdefault(key, (equation.outputs[0], number))
            if solution is not equation.outputs[0] and _SMALL < abs(number / other) < 1 / _SMALL:
                equation = _multiple(equation, solution, number / other)
        elif equation.outputs and equation.outputs[0].type.dtype.kind == "f":
            found = _multiplied(equation)
            if found is not None:
                source, first = multiples.get(found[0], (found[0], 1))
                if _SMALL < abs(first * found[1]) < 1 / _SMALL:
                    multiples[equation.outputs[0]] = source, first * found[1]
        equations.append(equation)
    return program.replace(equations=equations)


def _multiplied(equation: Equation) -> tuple[Atom, Any] | None:
    """An operand of which the equation gives a multiple, reshaped perhaps, and the number."""
    if equation.primitive is RESHAPE:
        return equation.inputs[0], 1
    if equation.primitive is _NEGATIVE:
        return equation.inputs[0], -1
    if equation.primitive is _MULTIPLY:
        left, right = equation.inputs
        for x, number in ((left, scalar(right)), (right, scalar(left))):
            if number:
                return x, float(number)
    return None


def _multiple(equation: Equation, solution: Var, number: float) -> Equation:
    """The guarded equation of a system, a multiple of whose solution is known."""
    atoms = (*equation.inputs, solution)
    inputs = [Var(atom.type.strong) for atom in atoms]
    again, found = Var(solution.type), Var(solution.type)
    literal = Literal(solution.type.dtype.type(number))
    fast = Equation(_MULTIPLY, (inputs[2], literal), {}, (again,), equation.position)
    slow = Equation(SOLVE, tuple(inputs[:2]), equation.params, (found,), equation.position)
    size = abs(number)
    params = {
        "fast": Program(inputs, [fast], [again], "multiple"),
        "slow": Program(inputs, [slow], [found], "as written"),
        "degrees": (1, 1, 1),
        "factor": min(size, 1 / size),
        "extent": max(size, 1 / size),
    }
    return Equation(GUARDED, atoms, params, equation.outputs, equation.position)
