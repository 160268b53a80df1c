"""Derivative rules recorded once.

The equations of a long program repeat: many differ in their Vars alone, above all where a loop is
unrolled. What a derivative rule records is the same for all of these. The first time the rule
runs; what it has recorded is kept as a `_Recipe`, by which the equations for the next ones are
written without calling it.

A rule may look at the types of its operands, at which of them have tangents, at parameters, at the
values of constants and at which operands are one: these are the key. It sees no other values, as
rules of primitives are recorded before there are any. Rules of the user (`define_op`) are run each
time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from ..ir import ArrayType, Atom, Equation, Literal, Var
from ..primitive import Linear, Masked, Primitive, remember
from ..recorder import Recorder
from ..tracer import Tracer

_LARGEST = 64  # elements of constants that are part of a key, or kept

Results = Sequence[Any]


class _Constant(NamedTuple):
    """A result that is no traced value."""

    value: Any


_Result = int | _Constant | Masked  # what a rule gives; numbers stand for Vars


class _Row(NamedTuple):
    """An equation, its operands and outputs by their numbers.

    Attributes:
        operands: gives those of an equation from the list of all values.
        types: those of the outputs.
    """

    primitive: Primitive
    operands: Callable[[list[Atom]], Any]
    alone: bool
    params: dict[str, Any]
    types: tuple[ArrayType, ...]


class _Recipe(NamedTuple):
    """What a rule recorded, and gave.

    The values are numbered: the Vars that the rule got, the constants, and what its equations make.
    """

    rows: list[_Row]
    constants: list[Atom]
    results: list[_Result]

    def write(self, recorder: Recorder, variables: list[Atom]) -> Results:
        """Record the equations for other Vars; what the rule would give."""
        values = variables + self.constants
        append, position = recorder.equations.append, recorder.position
        for primitive, operands, alone, params, types in self.rows:
            outputs = tuple([Var(type) for type in types])
            inputs = operands(values)
            append(Equation(primitive, (inputs,) if alone else inputs, params, outputs, position))
            values += outputs
        return [_given(recorder, values, result) for result in self.results]


_UNKNOWN = _Recipe([], [], [])  # of a key that has not been seen
_RECIPES: dict[tuple[Any, ...], _Recipe | None] = {}


def forget() -> None:
    """Forget what rules have recorded."""
    _RECIPES.clear()


def recall(
    recorder: Recorder,
    slot: str,
    equation: Equation,
    operands: Sequence[Atom | Linear],
    tracers: Sequence[Any],
    run: Callable[[], Results],
) -> Results:
    """What a rule gives, and records, for an equation.

    Args:
        slot: the kind of rule.
        operands: those of the equation; `Linear` where the rule gets no value.
        tracers: the tangents of the operands or the cotangents of the outputs; None for a zero.
        run: calls the rule.
    """
    primitive, outputs = equation.primitive, equation.outputs
    if not (primitive.cacheable and primitive.pure) or primitive.holds_objects:
        return run()
    try:
        parts = [
            x.type if type(x) is Var else (x.type,) if type(x) is Linear else _constant(x)
            for x in operands
        ]
        parts += [
            None if x is None else x.type if type(x) is Tracer else _number(x) for x in tracers
        ]
    except _Large:
        return run()
    symbols = [x.symbol for x in tracers if type(x) is Tracer and x.recorder is recorder]
    variables: list[Any] = [*operands, *symbols, *outputs]
    key = (
        slot, primitive, *parts, *[var.type for var in outputs], *equation.params.items()
    )  # fmt: skip
    if len(set(variables)) != len(variables):
        key = (*key, tuple([variables.index(var) for var in variables]))
    recipe = _RECIPES.get(key, _UNKNOWN)
    if recipe is _UNKNOWN:
        start = len(recorder.equations)
        results = run()
        recipe = _recipe(recorder, variables, recorder.equations[start:], results)
        remember(_RECIPES, key, recipe)
        return results
    return run() if recipe is None else recipe.write(recorder, variables)


class _Large(Exception):  # noqa: N818 -- never seen outside
    """A constant is too large to be part of a key."""


def _constant(atom: Atom | Linear) -> Hashable:
    """A constant as part of a key."""
    if atom.type.size > _LARGEST:
        raise _Large
    return atom.key  # type: ignore[union-attr] -- a Literal


def _number(value: Any) -> Hashable:
    """A constant tangent or cotangent as part of a key."""
    if (any(value.strides) and value.size > _LARGEST) or not value.size:
        raise _Large
    bits = value.tobytes() if any(value.strides) else value[(0,) * value.ndim].tobytes()
    return value.shape, value.strides, value.dtype, bits


def _recipe(
    recorder: Recorder, variables: list[Atom], equations: Sequence[Equation], results: Results
) -> _Recipe | None:
    """The recipe for what a rule has recorded; None where there is more to it."""
    known = set(variables)
    constants: dict[Atom, None] = {}
    for equation in equations:
        if equation.position is not recorder.position or not equation.inputs:
            return None
        for atom in equation.inputs:
            if type(atom) is Literal and _small(atom.value):
                constants[atom] = None
            elif atom not in known:
                return None
        known.update(equation.outputs)
    numbers = {atom: i for i, atom in enumerate([*variables, *constants])}
    rows = []
    total = len(variables) + len(constants)
    for equation in equations:
        places = [numbers[atom] for atom in equation.inputs]
        types = tuple([var.type for var in equation.outputs])
        alone = len(places) == 1
        rows.append(_Row(equation.primitive, itemgetter(*places), alone, equation.params, types))
        numbers.update(zip(equation.outputs, range(total, total + len(types)), strict=True))
        total += len(types)
    encoded = [_encoded(recorder, numbers, result) for result in results]
    kept = [result for result in encoded if result is not None]
    return _Recipe(rows, [*constants], kept) if len(kept) == len(encoded) else None


def _small(value: Any) -> bool:
    return value.size <= _LARGEST or not any(value.strides)


def _encoded(recorder: Recorder, numbers: dict[Atom, int], result: Any) -> _Result | None:
    """A result by numbers; None where it cannot be kept."""
    if type(result) is Tracer:
        mine = result.recorder is recorder and result.type is result.symbol.type
        return numbers.get(result.symbol) if mine else None
    if isinstance(result, Masked):
        value = _encoded(recorder, numbers, result.value)
        conditions = tuple(
            [(_encoded(recorder, numbers, array), taken) for array, taken in result.conditions]
        )
        unknown = value is None or any(array is None for array, _ in conditions)
        return None if unknown else Masked(value, conditions)
    kept = result is None or (isinstance(result, (np.generic, np.ndarray)) and _small(result))
    return _Constant(result) if kept else None


def _given(recorder: Recorder, values: list[Atom], result: _Result) -> Any:
    """A result for other Vars."""
    if type(result) is int:
        var = values[result]
        return Tracer(recorder, var, var.type)  # type: ignore[arg-type] -- Vars by how they are numbered
    if isinstance(result, Masked):
        conditions = [(_given(recorder, values, x), taken) for x, taken in result.conditions]
        return Masked(_given(recorder, values, result.value), tuple(conditions))
    return result.value  # type: ignore[union-attr] -- the one kind that is left
