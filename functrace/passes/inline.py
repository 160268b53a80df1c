"""Expansion: an equation that stands for a Program gives way to the Program's equations.

A function with a rule of its own, such as a derivative that the user gave, is one equation as long
as a transform may ask for the rule. When all that is left is to run it, it is what it computes, and
the other passes see through it.
"""

from __future__ import annotations

from ..ir import Atom, Equation, Program, Var


def inline(program: Program) -> Program:
    """The Program with no equation, in it or in the Programs it carries, that can be expanded."""
    if not any(_changes(e) for e in program.equations):
        return program
    renamed: dict[Atom, Atom] = {}
    equations: list[Equation] = []
    for equation in program.equations:
        inputs = tuple([renamed.get(atom, atom) for atom in equation.inputs])
        equation = equation.replace(inputs=inputs)
        inner = equation.primitive.expand and equation.primitive.expand(**equation.params)
        if inner is None:
            equations.append(equation.with_programs(inline))
        else:
            outputs = _put_in(inline(inner), equation, equations)
            renamed.update(zip(equation.outputs, outputs, strict=True))
    outputs = [renamed.get(atom, atom) for atom in program.outputs]
    return program.replace(equations=equations, outputs=outputs)


def _changes(equation: Equation) -> bool:
    primitive = equation.primitive
    return primitive.expand is not None or primitive.carries_programs


def _put_in(inner: Program, place: Equation, equations: list[Equation]) -> list[Atom]:
    """Append a Program's equations, with Vars of their own; the atoms of its outputs."""
    names: dict[Atom, Atom] = dict(zip(inner.inputs, place.inputs, strict=True))
    for equation in inner.equations:
        inputs = tuple([names.get(atom, atom) for atom in equation.inputs])
        outputs = tuple([Var(var.type) for var in equation.outputs])
        names.update(zip(equation.outputs, outputs, strict=True))
        equations.append(equation.replace(inputs=inputs, outputs=outputs))
    return [names.get(atom, atom) for atom in inner.outputs]
