"""Algebra: equations that become simpler ones, or none.

A rule looks at an equation and at the equations that made its operands, and gives a simpler value
for the same output, or None. Rules are code in functrace's own ops. They may change a result by
re-association of products and sums alone, as rounding does. They keep NaN and infinities: x * 0 is
not 0, x - x is not 0, and exp(log(x)) is not x. They keep the sign of zeros, too: x + 0 is not x,
as -0.0 + 0.0 is 0.0. Only the sign of a sum that comes to zero may change.

The rules are in `rules/`, by what they are about; those for every primitive are here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ir import UNKNOWN, Atom, Equation, Literal, Program, Shape, Var
from ..ops.shape import BROADCAST_TO, RESHAPE
from ..primitive import Primitive, remember
from ..recorder import Recorder, bind, rewriting
from .match import (
    CONSTANT,
    CONSTANTS,
    FOLDED,
    NUMBER,
    RULES,
    Condition,
    Match,
    Rule,
    full_scalar,
)
from .rules import arithmetic, select, shape, slicing

__all__ = ["RULES", "arithmetic", "select", "shape", "simplify", "slicing"]

_ROUNDS = 8  # rules that may be applied one after the other to one equation


def simplify(
    program: Program, fired: Counter[str] | None = None, settled: Program | None = None
) -> Program:
    """The Program with every rule applied, operands first.

    Args:
        fired: is to count how often each rule was applied.
        settled: an earlier Program. Equations that are in it, on operands that are, are as simple
            as they get.
    """
    looked_at: set[Equation] = set() if settled is None else set(settled.equations)
    fresh: set[Atom] = set()
    uses = program.uses()
    with rewriting(program) as recorder:
        makers: dict[Atom, Equation] = {}
        names: dict[Atom, Atom] = {}
        for equation in program.equations:
            equation = equation.renamed(names)
            known = equation in looked_at
            rules = () if known and fresh.isdisjoint(equation.inputs) else _rules(equation, makers)
            if not rules:
                recorder.equations.append(equation)
                for var in equation.outputs:
                    makers[var] = equation
                if not known:
                    fresh.update(equation.outputs)
                continue
            simpler = _simplest(recorder, equation, rules, makers, uses, fired)
            (old,) = equation.outputs
            if simpler is not old or not known:
                fresh.add(simpler)
            if simpler is not old:
                names[old] = simpler
                uses[simpler] += uses[old]
        return program.rewritten(recorder.equations, names) if names else program


def _rules(equation: Equation, makers: dict[Atom, Equation]) -> tuple[Rule, ...]:
    """The rules that may apply to an equation, by where its operands come from."""
    primitive, inputs = equation.primitive, equation.inputs
    twice = len(inputs) == 2 and inputs[0] is inputs[1]
    origins = [
        maker.primitive
        if (maker := makers.get(atom)) is not None
        else None
        if type(atom) is Var
        else CONSTANT
        if atom.type.shape
        else NUMBER
        for atom in inputs
    ]
    key = (primitive, twice, *origins)
    rules = _CHOSEN.get(key)
    if rules is None:
        rules = tuple([r for r, when in _rules_for(primitive) if when.holds(origins, twice)])
        remember(_CHOSEN, key, rules)
    return rules


_CHOSEN: dict[tuple[Any, ...], tuple[Rule, ...]] = {}


def _rules_for(primitive: Primitive) -> list[tuple[Rule, Condition]]:
    """All rules for a primitive; none for one of several outputs."""
    own = [] if primitive.multiple else RULES.get(primitive, [])
    if primitive.traits.foldable:
        return [*own, *_EVERYWHERE]
    return own


def _simplest(
    recorder: Recorder,
    equation: Equation,
    rules: tuple[Rule, ...],
    makers: dict[Atom, Equation],
    uses: Counter[Atom],
    fired: Counter[str] | None,
) -> Atom:
    """Record what an equation comes to when no rule finds more to do; its output."""
    equations = recorder.equations
    for _ in range(_ROUNDS):
        start = len(equations)
        simpler = _simpler(Match(recorder, equation, makers, uses), rules, fired)
        if simpler is None:
            break
        made = equations[start:]
        if not made or made[-1].outputs[0] is not simpler:
            makers.update([(var, e) for e in made for var in e.outputs])
            return simpler
        equation = equations.pop()  # to be looked at again
        makers.update([(var, e) for e in made[:-1] for var in e.outputs])
        rules = _rules(equation, makers)
        if not rules:
            break
    equations.append(equation)
    makers[equation.outputs[0]] = equation
    return equation.outputs[0]


def _simpler(match: Match, rules: tuple[Rule, ...], fired: Counter[str] | None) -> Atom | None:
    """What the first rule that applies makes of an equation; None where none does."""
    recorder, equation = match.recorder, match.equation
    type = equation.outputs[0].type
    if UNKNOWN in type.shape:
        return None
    start, recorder.position = len(recorder.equations), equation.position
    for rule in rules:
        value = rule(match)
        if value is not None:
            atom = recorder.atom(value)
            if atom.type is type:
                if fired is not None:
                    fired[rule.__name__] += 1
                return atom
        if len(recorder.equations) > start:
            del recorder.equations[start:]
    return None


# Everywhere


def drop_broadcast(match: Match) -> Any:
    """An elementwise op repeats its operands by itself."""
    equation = match.equation
    if not equation.primitive.elementwise or len(equation.inputs) < 2:
        return None
    target = equation.outputs[0].type.shape
    atoms = list(equation.inputs)
    for i, atom in enumerate(atoms):
        narrow = _unrepeated(match, atom)
        others = [a.type.shape for j, a in enumerate(atoms) if j != i]
        if narrow is not None and _spans([narrow.type.shape, *others], target):
            atoms[i] = narrow
    if all(new is old for new, old in zip(atoms, equation.inputs, strict=True)):
        return None
    return bind(equation.primitive, *map(match.value, atoms), **equation.params)


def _unrepeated(match: Match, atom: Atom) -> Atom | None:
    """What an atom repeats, if it does."""
    if isinstance(atom, Literal):
        number = full_scalar(atom) if atom.type.shape else None
        return None if number is None else Literal(number)
    inner = match.made_by(BROADCAST_TO, atom)
    return None if inner is None else inner.inputs[0]


def _spans(shapes: Iterable[Shape], target: Shape) -> bool:
    return np.broadcast_shapes(*shapes) == target


def fold(match: Match) -> Any:
    """Constants of constants are computed once."""
    equation = match.equation
    if not equation.primitive.traits.foldable:
        return None
    if equation.outputs[0].type.size > FOLDED:
        return None
    if not all(isinstance(atom, Literal) and atom.type.size <= FOLDED for atom in equation.inputs):
        return None
    with np.errstate(all="ignore"):
        value = equation.primitive.impl(
            *[atom.value for atom in equation.inputs if not isinstance(atom, Var)],
            **equation.params,
        )
    return value if np.all(np.isfinite(value)) else None  # else NumPy is to warn at every run


_EVERYWHERE = (
    (fold, Condition(every=CONSTANTS)),
    (drop_broadcast, Condition(some=(BROADCAST_TO, CONSTANT))),
    (shape.elementwise_of_reshape, Condition(some=(RESHAPE,))),
)
