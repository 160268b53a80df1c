"""Loops that Python unrolled, made loops again.

A trace of a Python loop has the equations of every step, and each is rewritten and planned by
itself. Where a long Program repeats a block of equations again and again, the repetitions become
one `scan`, before anything else is done with the Program: the block is then rewritten once.

What is made in a block and used in later ones is carried from step to step, what differs from
block to block is a row of xs (`repeats.py`). What is used after the blocks is the last carry, or an
element of ys (`stacks.py`).

The loop computes what the blocks compute, in the same order. Derivatives are those of a loop: no
rule looks across two steps. So Programs are left alone in which one would: the condition of a
choice goes backwards through all that made its operands, to meet an infinite slope perhaps; lengths
meet in products; factors of matrices are not unique. So are blocks that carry Programs or have
effects.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..errors import NonDifferentiableError
from ..ir import Atom, Equation, Literal, Program, Var, zero
from ..ops.elementwise import WHERE
from ..primitive import LINEAR, ZERO, Primitive
from ..recorder import Recorder, rewriting
from ..transforms.jvp import jvp
from ..transforms.products import Products, may_gain
from .loop import Loop
from .loops import SCAN
from .repeats import (
    Blocks,
    Earlier,
    Makers,
    Own,
    Part,
    Parts,
    Row,
    begun,
    computes,
    fewest_carries,
    parts_of,
    repetitions,
)
from .stacks import Columns, Element, Elements, with_elements

_LONG_BODY = 64


def rolled(program: Program, long: int, to_run: bool = False) -> Program:
    """The Program with blocks that repeat as loops, if it has at least so many equations.

    Args:
        to_run: whether it is only to be run, and no derivative taken of it.
    """
    if len(program.equations) < long or (not to_run and _looks_across_steps(program)):
        return program
    elements: Elements = {}
    shorter: Program | None = program
    rest = program
    while shorter is not None:
        rest, shorter = shorter, _rolled_once(shorter, elements)
    whole = with_elements(rest, elements) if elements else rest
    if 2 * len(whole.equations) > len(program.equations) or not (to_run or _unmasked(whole)):
        return program
    return whole


def _looks_across_steps(program: Program) -> bool:
    """Whether a derivative rule may look from one step to another."""
    if any(equation.primitive.traits.ambiguous for equation in program.equations):
        return True
    return may_gain(program) and bool(Products(program).gaining)


def _unmasked(program: Program) -> bool:
    """Whether no condition need go backwards from one step to another.

    A cotangent that is zero where a choice was not taken must not meet an infinite slope. In one
    Program, the condition goes with it (see `transforms/transpose.py`); into a loop it does not.
    """
    primitives = _primitives(program)
    if all(
        p.rules["jvp"] in (LINEAR, ZERO) or p.traits.finite_slope for p in primitives if not p.joint
    ):
        return True
    if WHERE in primitives:
        return False
    try:
        derivative, _ = jvp(program, [type.inexact for type in program.input_types])
    except NonDifferentiableError:
        return False
    return WHERE not in _primitives(derivative)


def _primitives(program: Program) -> set[Primitive]:
    """The primitives of a Program and of those that it carries."""
    found = {equation.primitive for equation in program.equations}
    inner = [program for equation in program.equations for _, program in equation.programs]
    return found.union(*map(_primitives, inner))


def _rolled_once(program: Program, elements: Elements) -> Program | None:
    """The Program with the longest repetition as a loop; None where there is none."""
    makers = {
        var: (i, j) for i, e in enumerate(program.equations) for j, var in enumerate(e.outputs)
    }
    for repeated in repetitions(program):
        for skipped in range(2):  # the first step may differ from the others
            blocks = begun(repeated, skipped * repeated.period)
            parts = parts_of(program, blocks, makers)
            if parts is None:
                continue
            blocks = begun(repeated, skipped * repeated.period + fewest_carries(blocks, parts))
            parts = parts_of(program, blocks, makers)
            if parts is None or not computes(program, blocks, parts):
                continue
            roller = _Roller(program, blocks, parts)
            shorter = roller.program(makers, elements)
            if len(shorter.equations) < len(program.equations):
                elements.update(roller.made)
                return shorter
    return None


class _Roller:
    """Makes a loop of blocks.

    Attributes:
        made: Vars of the blocks that the loop stacks, which are to be taken from there.
        values: the body's Vars, by place in the block and output.
        consts, carries, rows: the inputs of the body, by what they are in the Program. A carry has
            what it is before the first step, and what it is after a step.
    """

    def __init__(self, program: Program, blocks: Blocks, parts: Parts):
        self.made: Elements = {}
        self._program = program
        self._blocks = blocks
        self._parts = parts
        self._values: dict[tuple[int, int], Var] = {}
        self._consts: dict[Atom, Var] = {}
        self._carries: dict[Hashable, tuple[Var, Atom, Own | Var]] = {}
        self._rows: dict[tuple[Atom, ...], Var] = {}

    def program(self, makers: Makers, elements: Elements) -> Program:
        """The Program with the loop in place of the blocks.

        Args:
            elements: those of earlier loops.
        """
        blocks, equations = self._blocks, self._program.equations
        used = self._used_after(makers)
        with rewriting(self._program) as recorder:
            recorder.position = equations[blocks.start].position
            made = recorder.equations
            made.extend(equations[: blocks.start])
            steps = self._body_equations(recorder)
            stacked = dict.fromkeys(
                (place, j) for step, place, j in used if step < blocks.steps - 1
            )
            names: dict[Atom, int] = {
                old: self._last(Own(place, j))
                for (_, place, j), old in used.items()
                if (place, j) not in stacked
            }
            stacks_of = Columns(recorder, elements)
            columns = [stacks_of.column(atoms, atoms[0].type.shape) for atoms in self._rows]
            carries = list(self._carries.values())
            loop = self._loop(steps, list(stacked))
            operands = (*self._consts, *[first for _, first, _ in carries], *columns)
            outputs = tuple([Var(type) for type in loop.output_types])
            made.append(Equation(SCAN, operands, loop.params, outputs, recorder.position))
            stacks = dict(zip(stacked, outputs[len(carries) :], strict=True))
            for (step, place, j), old in used.items():
                if (place, j) in stacks:
                    self.made[old] = Element(stacks[place, j], step)
            renamed: dict[Atom, Atom] = {old: outputs[n] for old, n in names.items()}
            made.extend([e.renamed(renamed) for e in equations[blocks.end :]])
            return self._program.rewritten(made, renamed)

    def _used_after(self, makers: Makers) -> dict[tuple[int, int, int], Var]:
        """The blocks' Vars that are used after them, by block, place and output."""
        used: dict[tuple[int, int, int], Var] = {}
        blocks = self._blocks
        after = [atom for e in self._program.equations[blocks.end :] for atom in e.inputs]
        for atom in (*after, *self._program.outputs):
            if type(atom) is Var and atom in makers:
                i, output = makers[atom]
                if blocks.start <= i < blocks.end:
                    step, place = divmod(i - blocks.start, blocks.period)
                    if place not in self._parts.outside:
                        used[step, place, output] = atom
        return used

    def _body_equations(self, recorder: Recorder) -> list[Equation]:
        """The equations of the body; those that stay outside are recorded."""
        equations = []
        for place in range(self._blocks.period):
            first = self._program.equations[self._blocks.start + place]
            if place in self._parts.outside:
                row = [self._program.equations[i] for i in self._blocks.row(place)]
                recorder.equations.extend(row)
                for j in range(len(first.outputs)):
                    self._values[place, j] = self._row(tuple([e.outputs[j] for e in row]))
                continue
            inputs = tuple([self._operand(part) for part in self._parts.operands[place]])
            outputs = tuple([Var(var.type) for var in first.outputs])
            for j, var in enumerate(outputs):
                self._values[place, j] = var
            equations.append(first.replace(inputs=inputs, outputs=outputs))
        return equations

    def _loop(self, equations: list[Equation], stacked: list[tuple[int, int]]) -> Loop:
        carries = list(self._carries.values())
        new = [
            self._values[source.place, source.output] if isinstance(source, Own) else source
            for _, _, source in carries
        ]
        body = Program(
            [*self._consts.values(), *[var for var, _, _ in carries], *self._rows.values()],
            equations,
            [*new, *[self._values[key] for key in stacked]],
            "body",
        )
        body = rolled(body, _LONG_BODY, to_run=True)  # the whole may be, and so may a part
        return Loop(body, len(self._consts), len(carries), self._blocks.steps)

    def _operand(self, part: Part) -> Atom:
        """An operand of an equation in the body."""
        if isinstance(part, Own):
            return self._values[part.place, part.output]
        if isinstance(part, Earlier):
            return self._carry(part)
        if isinstance(part, Row):
            return self._row(part.atoms)
        if type(part) is Literal:
            return part
        return self._consts.setdefault(part, Var(part.type))

    def _row(self, atoms: tuple[Atom, ...]) -> Var:
        """The input for a value of each block."""
        return self._rows.setdefault(atoms, Var(atoms[0].type.strong))

    def _carry(self, part: Earlier) -> Var:
        """The input for a value of an earlier block; as many carries hand it on."""
        source: Own | Var = Own(part.place, part.output)
        for n in range(len(part.first) - 1, -1, -1):
            first = part.first[n:]
            key = (part.place, part.output, *[_key(atom) for atom in first])
            if key not in self._carries:
                self._carries[key] = Var(first[0].type.strong), first[0], source
            source = self._carries[key][0]
        assert isinstance(source, Var)
        return source

    def _last(self, value: Own) -> int:
        """The number of a carry that is a value of the last block when the loop has run."""
        for number, (_, _, source) in enumerate(self._carries.values()):
            if source == value:
                return number
        type = self._values[value.place, value.output].type
        self._carries[value] = Var(type), zero(type), value
        return len(self._carries) - 1


def _key(atom: Atom) -> Hashable:
    return atom if isinstance(atom, Var) else atom.key
