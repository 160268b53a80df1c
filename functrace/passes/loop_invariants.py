"""Loops: what is the same at every step is computed once, before the first.

Each primitive that runs a Program again and again knows which operands stay as they are (its slot
`hoist`). What may be computed from these ahead of the steps is decided here.

The results are kept from the first step to the last, where a step would have had them for a moment.
So they may take no more memory than they are given. Broadcasts stay where they are, as they cost
nothing and other passes see through them; so do transposes, which einsums take in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ..ir import UNKNOWN, Atom, Equation, Literal, Program, Var
from ..ops.cast import ASTYPE
from ..ops.contract import EINSUM
from ..ops.shape import BROADCAST_TO, TRANSPOSE


def loop_invariants(program: Program) -> Program:
    """The Program whose loops have fewer operands, and less to do at each step."""
    renamed: dict[Atom, Atom] = {}
    equations: list[Equation] = []
    for equation in program.equations:
        equation = equation.renamed(renamed)
        hoist = equation.primitive.hoist
        if hoist is None:
            equations.append(equation)
        else:
            made, others = hoist(equation)
            equations.extend(made)
            renamed.update(others)
    if len(equations) == len(program.equations) and all(
        new is old for new, old in zip(equations, program.equations, strict=True)
    ):
        return program
    return program.rewritten(equations, renamed)


class Parted(NamedTuple):
    """The equations of a Program that runs again and again.

    Attributes:
        ahead: those to be computed once.
        results: what of these the others need.
        rest: those to be computed at every step. Some may stand among those ahead as well.
    """

    ahead: list[Equation]
    results: list[Var]
    rest: list[Equation]


def parted(program: Program, fixed: Collection[Var], sure: bool, room: int) -> Parted:
    """Part a Program into what is computed once, and what at every step.

    Args:
        fixed: the inputs that are the same at every step.
        sure: whether there is a step at all. If not, nothing is computed ahead that is undefined
            for some numbers, as it might raise an error or warn.
        room: the bytes that results may take.
    """
    known = set(fixed)
    candidates: list[Equation] = []
    rest: list[Equation] = []
    for equation in program.equations:
        if _may_move(equation, sure) and all(
            isinstance(atom, Literal) or atom in known for atom in equation.inputs
        ):
            known.update(equation.outputs)
            candidates.append(equation)
        else:
            rest.append(equation)
    if not candidates:
        return Parted([], [], rest)
    inside: set[Atom] = {atom for e in rest for atom in e.inputs}.union(program.outputs)
    products = {atom for e in rest if e.primitive is EINSUM for atom in e.inputs}
    before: set[Atom] = set()  # needed by what is computed ahead
    ahead, results, staying = [], [], set()
    for equation in reversed(candidates):
        (var,) = equation.outputs
        moves = var in before
        if var in inside:
            size = var.type.size * var.type.dtype.itemsize
            if size > room or _costs_nothing(equation, var in products):
                staying.add(equation)
                inside.update(equation.inputs)
                if equation.primitive is EINSUM:
                    products.update(equation.inputs)
            else:
                room -= size
                results.append(var)
                moves = True
        if moves:
            ahead.append(equation)
            before.update(equation.inputs)
    moving = set(candidates) - staying
    return Parted(ahead[::-1], results, [e for e in program.equations if e not in moving])


def _may_move(equation: Equation, sure: bool) -> bool:
    """Whether an equation may be computed ahead: without effects, and without errors."""
    primitive = equation.primitive
    atoms = (*equation.inputs, *equation.outputs)
    if len(equation.outputs) != 1 or any(UNKNOWN in atom.type.shape for atom in atoms):
        return False
    if primitive.traits.total:
        return True
    if primitive is ASTYPE:
        dtypes = [atom.type.dtype for atom in atoms]
        return sure or np.can_cast(dtypes[0], dtypes[1], "safe")
    raises = primitive.traits.partial_for_integers and atoms[-1].type.dtype.kind in "iu"
    return sure and isinstance(primitive.impl, np.ufunc) and not raises


def _costs_nothing(equation: Equation, in_product: bool) -> bool:
    """Whether an equation is better left to the passes that do without it."""
    return equation.primitive is BROADCAST_TO or (equation.primitive is TRANSPOSE and in_product)
