"""The passes, in their order, and what runs them.

With FUNCTRACE_CHECK=1 in the environment every Program is checked before and after each pass, so
that a rewrite which makes a malformed one is caught where it happens.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..ir import Program
from .axis_order import axis_order
from .common_subexpressions import common_subexpressions
from .contraction_order import contraction_order
from .dead_code import dead_code
from .einsum_fusion import einsum_fusion
from .inline import inline
from .loop_invariants import loop_invariants
from .signs import signs
from .simplify import simplify
from .systems import systems

Pass = Callable[[Program], Program]

CLEANUP: tuple[Pass, ...] = (dead_code, common_subexpressions)  # safe before further transforms
# What a Program gets before it is run, stage by stage. In each stage, the Programs that equations
# carry come before the Program around them. Loops are looked at before the products in a body take
# in what may be computed ahead of the loop.
OPTIMIZE: tuple[tuple[Pass, ...], ...] = (
    (inline,),
    (loop_invariants,),
    (
        *(simplify, *CLEANUP),
        *(loop_invariants, signs, simplify),
        *(systems, einsum_fusion, simplify, signs, simplify),
        *(axis_order, contraction_order, *CLEANUP),
    ),
)


class Step(NamedTuple):
    """What a pass did.

    Attributes:
        name: that of the pass.
        where: the equations and parameters that carry the Program, such as "scan.body"; empty for
            the Program itself.
        before, after: the numbers of equations.
    """

    name: str
    where: str
    before: int
    after: int


@dataclass
class Log:
    """What passes did to a Program, and to those that it carries.

    Attributes:
        steps: the passes that changed a Program, in the order in which they ran.
        rules: how often each rule of algebra was applied.
    """

    steps: list[Step] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)


def clean(program: Program) -> Program:
    """What every rewritten Program gets, before it is used or rewritten further."""
    return run(CLEANUP, program)


def optimize(program: Program, log: Log | None = None) -> Program:
    """What a Program gets before it is run.

    Args:
        log: is to tell what the passes did.
    """
    for stage in OPTIMIZE:
        program = run(stage, program, log)
    return program


def run(
    passes: Sequence[Pass], program: Program, log: Log | None = None, where: str = ""
) -> Program:
    """Apply passes to a Program, and before that to the Programs that its equations carry.

    A pass is not applied to what it gave itself, as it has nothing left to find there.

    Args:
        log: is to tell what the passes did.
        where: what carries the Program, for the log.
    """
    checking = os.environ.get("FUNCTRACE_CHECK") == "1"
    if checking:
        program.check()
    program = _inside(passes, program, log, where)
    simple: Program | None = None  # what `simplify` gave last
    for apply in passes:
        if apply in program.settled:
            continue
        if apply is simplify:
            changed = simple = simplify(program, None if log is None else log.rules, simple)
        else:
            changed = apply(program)
        changed.settled.add(apply)
        if checking:
            changed.check()
        if log is not None and changed is not program:
            sizes = len(program.equations), len(changed.equations)
            log.steps.append(Step(apply.__name__, where, *sizes))
        program = changed
    return program


def _inside(passes: Sequence[Pass], program: Program, log: Log | None, where: str) -> Program:
    """The Program with the passes applied to those that its equations carry."""
    if not any(e.primitive.carries_programs for e in program.equations):
        return program
    equations = []
    for e in program.equations:
        names = {id(inner): f"{e.primitive.name}.{name}" for name, inner in e.programs}
        equations.append(
            e.with_programs(
                lambda inner, names=names: run(
                    passes, inner, log, f"{where}/{names[id(inner)]}".lstrip("/")
                )
            )
        )
    if all(new is old for new, old in zip(equations, program.equations, strict=True)):
        return program
    return program.replace(equations=equations)
