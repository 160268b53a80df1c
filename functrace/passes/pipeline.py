"""The passes, in their order."""

from __future__ import annotations

from ..ir import Program
from .common_subexpressions import common_subexpressions
from .contraction import contraction
from .dead_code import dead_code

CLEANUP = (dead_code, common_subexpressions)  # safe before further transforms
OPTIMIZE = (*CLEANUP, contraction)


def clean(program: Program) -> Program:
    """What every rewritten Program gets, before it is used or rewritten further."""
    for apply in CLEANUP:
        program = apply(program)
    return program


def optimize(program: Program) -> Program:
    """What a Program gets before it is run."""
    for apply in OPTIMIZE:
        program = apply(program)
    return program
