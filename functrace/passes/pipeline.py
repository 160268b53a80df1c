"""The passes, in their order.

With FUNCTRACE_CHECK=1 in the environment every Program is checked before and after each pass, so
that a rewrite which makes a malformed one is caught where it happens.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from ..ir import Program
from .absorb import absorb
from .common_subexpressions import common_subexpressions
from .contraction import contraction
from .dead_code import dead_code
from .expansion import expansion
from .loops import has_loops, loops
from .orientation import orientation
from .signs import signs
from .simplify import simplify
from .systems import systems

CLEANUP = (dead_code, common_subexpressions)  # safe before further transforms
OPTIMIZE = (simplify, *CLEANUP, loops, signs, systems, absorb, orientation, contraction, *CLEANUP)


def clean(program: Program) -> Program:
    """What every rewritten Program gets, before it is used or rewritten further."""
    return _apply(CLEANUP, program)


def optimize(program: Program) -> Program:
    """What a Program gets before it is run."""
    program = expansion(program)
    if has_loops(program):  # before products in a body take in what may be computed ahead of them
        program = _apply((loops,), program)
    return _apply(OPTIMIZE, program)


def _apply(passes: Sequence[Callable[[Program], Program]], program: Program) -> Program:
    checking = os.environ.get("FUNCTRACE_CHECK") == "1"
    if checking:
        program.check()
    program = _inside(passes, program)
    given: dict[Callable[[Program], Program], Program] = {}
    for apply in passes:
        if given.get(apply) is program:  # what a cleanup gave has nothing left for it to find
            continue
        program = given[apply] = apply(program)
        if checking:
            program.check()
    return program


def _inside(passes: Sequence[Callable[[Program], Program]], program: Program) -> Program:
    """The Program with the passes applied to those that its equations carry."""
    if all(e.primitive.prepare is None for e in program.equations):
        return program
    equations = [e.with_programs(lambda inner: _apply(passes, inner)) for e in program.equations]
    if all(new is old for new, old in zip(equations, program.equations, strict=True)):
        return program
    return program.replace(equations=equations)
