"""Loops with fewer operands, and with less to do at each step.

Operands that are the same become one, constants are put into the body, and what a body hands on
unchanged is a carry no more. What is computed from consts alone is computed before the loop, and
becomes one of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..ir import Atom, Equation, Literal, Program, Var
from ..passes.common_subexpressions import common_subexpressions, operand_key
from ..passes.loop_invariants import parted
from .loop import Loop
from .programs import used_inputs

_ROOM = 1 << 16  # bytes; results that are computed ahead may take these, besides what a loop takes


def hoist(equation: Equation) -> tuple[list[Equation], dict[Atom, Atom]]:
    """The equations that take a loop's place, and what takes the place of its outputs."""
    equation, renamed = _fewer_operands(equation)
    *ahead, equation = _moved_ahead(equation)
    if ahead:  # what the loop does not need any more
        equation, more = _fewer_operands(equation)
        renamed |= more
    return [*ahead, equation], renamed


def _fewer_operands(equation: Equation) -> tuple[Equation, dict[Atom, Atom]]:
    """The loop without operands that are needless, and what takes the place of its outputs."""
    loop, operands = Loop(**equation.params), equation.inputs
    n, first = loop.consts, loop.consts + loop.carry
    inputs, new = loop.body.inputs, loop.body.outputs
    carries = range(n, first)
    kept = {i for i in carries if not _handed_on(loop, equation, i)}
    renamed: dict[Atom, Atom] = {}
    for i in carries:
        if i not in kept:
            renamed[equation.outputs[i - n]] = _typed(operands[i], equation.outputs[i - n])
    consts = [*range(n), *[i for i in carries if i not in kept]]
    instead: dict[Atom, Atom] = {
        inputs[i]: _typed(operands[i], inputs[i])
        for i in consts
        if _constant(operands[i], inputs[i])
    }
    seen: dict[Hashable, int] = {}
    for i in [i for i in (*consts, *kept, *range(first, len(inputs))) if inputs[i] not in instead]:
        kind = new[i - n] if i in kept else i >= first
        same = seen.setdefault((kind, inputs[i].type, operand_key(operands[i])), i)
        if same != i:
            instead[inputs[i]] = inputs[same]
            if i in kept:
                renamed[equation.outputs[i - n]] = equation.outputs[same - n]
    changing = [i for i in carries if i in kept and inputs[i] not in instead]
    outputs = [*[i - n for i in changing], *range(loop.carry, len(new))]
    used = _used(loop, outputs, instead)
    consts = [i for i in consts if used[i] and inputs[i] not in instead]
    xs = [i for i in range(first, len(inputs)) if inputs[i] not in instead]
    order = [*consts, *changing, *xs]
    if order == list(range(len(inputs))) and len(changing) == loop.carry:
        return equation, {}
    fewer = loop._replace(
        body=_taking(loop, loop.body, order, instead, outputs),
        consts=len(consts),
        carry=len(changing),
        cond=None if loop.cond is None else _taking(loop, loop.cond, order, instead, [0]),
    )
    smaller = equation.replace(
        inputs=tuple([operands[i] for i in order]),
        params=fewer.params,
        outputs=tuple([equation.outputs[i] for i in outputs]),
    )
    return smaller, renamed


def _handed_on(loop: Loop, equation: Equation, i: int) -> bool:
    """Whether a carry stays as it is."""
    output, operand = equation.outputs[i - loop.consts], equation.inputs[i]
    return loop.body.outputs[i - loop.consts] is loop.body.inputs[i] and (
        operand.type is output.type or _constant(operand, output)
    )


def _constant(atom: Atom, var: Var) -> bool:
    """Whether an operand is a constant that may stand for a Var: one of unknown length is short."""
    return isinstance(atom, Literal) and atom.type.shape == var.type.shape


def _typed(atom: Atom, var: Var) -> Atom:
    """An operand in the type of what it stands for."""
    if atom.type is var.type or not isinstance(atom, Literal):
        return atom
    return Literal(atom.value, var.type)


def _used(loop: Loop, outputs: Sequence[int], instead: dict[Atom, Atom]) -> list[bool]:
    """Whether each operand is used for some outputs of the body, or to know if to go on."""
    body = loop.body
    used = used_inputs(Program(body.inputs, body.equations, [body.outputs[i] for i in outputs]))
    if loop.cond is not None:
        used = [a or b for a, b in zip(used, used_inputs(loop.cond), strict=True)]
    through = {instead.get(var) for var, on in zip(body.inputs, used, strict=True) if on}
    return [on or var in through for var, on in zip(body.inputs, used, strict=True)]


def _taking(
    loop: Loop, program: Program, order: Sequence[int], instead: dict[Atom, Atom],
    outputs: Sequence[int],
) -> Program:  # fmt: skip
    """A Program of the loop that takes some of its inputs, and gives some of its outputs."""
    by_number: dict[Atom, int] = {var: i for i, var in enumerate(loop.body.inputs)}
    own: dict[Atom, Atom] = {
        program.inputs[by_number[old]]: (
            program.inputs[by_number[new]] if new in by_number else new
        )
        for old, new in instead.items()
    }
    return common_subexpressions(
        Program(
            [program.inputs[i] for i in order],
            [e.renamed(own) for e in program.equations],
            [own.get(program.outputs[i], program.outputs[i]) for i in outputs],
            program.name,
        )
    )


def _moved_ahead(equation: Equation) -> list[Equation]:
    """The equations that are computed before the loop, and the loop."""
    loop = Loop(**equation.params)
    n = loop.consts
    sure = loop.cond is None and loop.length > 0
    atoms = (*equation.inputs, *equation.outputs)
    room = _ROOM + sum([max(a.type.size, 0) * a.type.dtype.itemsize for a in atoms])
    programs = [loop.body] if loop.cond is None else [loop.body, loop.cond]
    made: list[Equation] = []
    operands: list[Atom] = []
    found: list[tuple[Program, list[Equation], list[Var]]] = []
    for program in programs:
        # A condition is asked before the first step.
        parts = parted(program, program.inputs[:n], sure or program is loop.cond, room)
        names: dict[Atom, Atom] = dict(zip(program.inputs, equation.inputs, strict=True))
        for e in parts.ahead:
            outputs = tuple([Var(var.type) for var in e.outputs])
            inputs = tuple([names.get(atom, atom) for atom in e.inputs])
            made.append(e.replace(inputs=inputs, outputs=outputs))
            names.update(zip(e.outputs, outputs, strict=True))
        operands += [names[var] for var in parts.results]
        found.append((program, parts.rest, parts.results))
    if not operands:
        return [equation]
    more = [var for _, _, results in found for var in results]
    changed = []
    for program, rest, results in found:
        own = [var if var in results else Var(var.type) for var in more]
        inputs = [*program.inputs[:n], *own, *program.inputs[n:]]
        changed.append(program.replace(inputs=inputs, equations=rest))
    body, cond = changed if loop.cond is not None else (changed[0], None)
    loop = loop._replace(body=body, cond=cond, consts=n + len(more))
    inputs = (*equation.inputs[:n], *operands, *equation.inputs[n:])
    made.append(equation.replace(inputs=inputs, params=loop.params))
    return made
