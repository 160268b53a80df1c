"""Where a Program repeats a block of equations, and what the operands of the blocks are.

Two blocks are the same when their equations have the same primitives, parameters and types, and
each operand plays the same part in all of them:

| part     | the operand                                             | in the loop    |
|----------|---------------------------------------------------------|----------------|
| own      | is made in the block                                    | a value        |
| earlier  | is made in the same place of the block, n blocks before | n carries      |
| constant | is one value from before the blocks                     | a const        |
| row      | is another value from before the blocks in each of them | a slice of xs  |

An equation whose parameters differ from block to block, such as `x[t]`, but whose operands are
from before the blocks, stays outside and gives a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from ..ir import UNKNOWN, Atom, Literal, Program, Var
from ..primitive import Primitive

_STEPS = 8  # as many at least make a loop
_PART = 1 / 16  # of all equations is to be in a loop; to look for one takes time for all
_LARGEST = 1 << 14  # elements; work on larger arrays takes longer than to rewrite what does it
_PERIODS = 12  # lengths of blocks that are tried

Makers = dict[Var, tuple[int, int]]  # the equation that makes a Var, and which of its outputs it is


class Repeated(NamedTuple):
    """Equations that may be the same as those a period before, from the second period on."""

    start: int
    period: int
    length: int


class Blocks(NamedTuple):
    """Equations that repeat: the first, how many make a block, and how many blocks there are."""

    start: int
    period: int
    steps: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.steps

    def row(self, place: int) -> range:
        """The equations in one place of all blocks."""
        return range(self.start + place, self.end, self.period)


def _kinds(program: Program) -> np.ndarray:
    """A number for each equation, the same for those that may be the same in two blocks."""
    numbers: dict[Hashable, int] = {}
    kinds = []
    for i, equation in enumerate(program.equations):
        types = tuple([atom.type for atom in equation.inputs])
        outputs = tuple([var.type for var in equation.outputs])
        fit = _fits_loop(equation.primitive) and all(
            type.size <= _LARGEST and UNKNOWN not in type.shape for type in outputs
        )
        key = (equation.primitive, types, outputs) if fit else i
        kinds.append(numbers.setdefault(key, len(numbers)))
    return np.array(kinds)


def _fits_loop(primitive: Primitive) -> bool:
    return primitive.pure and primitive.cacheable and not primitive.holds_objects


def begun(repeated: Repeated, skipped: int) -> Blocks:
    """The blocks of a repetition without its first equations."""
    start, period, length = repeated
    return Blocks(start + skipped, period, (length - skipped) // period)


def repetitions(program: Program) -> list[Repeated]:
    """Where blocks may be the same: the longest repetition first, but for those before it."""
    kinds = _kinds(program)
    gaps: Counter[int] = Counter()
    last: dict[Hashable, int] = {}
    for i, (kind, equation) in enumerate(zip(kinds.tolist(), program.equations, strict=True)):
        place = equation.position
        key = kind, place if type(place) is not tuple else (id(place[0]), place[1])
        if key in last:
            gaps[i - last[key]] += 1
        last[key] = i
    found = []
    for period, _ in gaps.most_common(_PERIODS):
        same = np.concatenate([[False], kinds[period:] == kinds[:-period], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            length = end - begin + period
            if length // period > _STEPS and length >= _PART * len(kinds):
                found.append(Repeated(begin, period, length))
    if not found:
        return []
    # Of blocks and pairs of blocks, the former.
    found.sort(key=lambda one: (-_rounded(one.length), one.period))
    return sorted(found, key=lambda one: not _before(one, found[0]))


def _before(one: Repeated, other: Repeated) -> bool:
    """Whether a repetition ends before another. Its results are then rows of that."""
    return one.start + one.length <= other.start


def _rounded(length: int) -> int:
    """Lengths that differ by little are the same."""
    return round(8 * np.log2(length))


# What each operand is


class Own(NamedTuple):
    """Made in the block, in a place, as one of the outputs there."""

    place: int
    output: int


class Earlier(NamedTuple):
    """Made in a place of an earlier block.

    Attributes:
        first: what stands for it in the first blocks, the one before the first block last.
    """

    place: int
    output: int
    first: tuple[Atom, ...]


class Row(NamedTuple):
    """A value for each block, from before them."""

    atoms: tuple[Atom, ...]


Part = Own | Earlier | Row | Atom  # an atom is a constant


class Parts(NamedTuple):
    """What the operands of a block are.

    Attributes:
        operands: for each equation of the block that is in the loop.
        outside: the places of equations that stay outside.
    """

    operands: dict[int, list[Part]]
    outside: list[int]


def parts_of(program: Program, blocks: Blocks, makers: Makers) -> Parts | None:
    """What the operands of the blocks are; None where the blocks are not the same."""
    operands: dict[int, list[Part]] = {}
    outside: list[int] = []
    for place in range(blocks.period):
        row = [program.equations[i] for i in blocks.row(place)]
        first = row[0]
        parts = []
        for atoms in zip(*[e.inputs for e in row], strict=True):
            part = _part(program, blocks, place, atoms, makers)
            if part is None:
                return None
            parts.append(part)
        if all(e.params is first.params or e.params == first.params for e in row):
            operands[place] = parts
        elif any(isinstance(part, (Own, Earlier)) for part in parts):
            return None
        else:
            outside.append(place)
    return Parts(operands, outside)


def _part(
    program: Program,
    blocks: Blocks,
    place: int,
    atoms: tuple[Atom, ...],
    makers: Makers,
) -> Part | None:
    """What an operand is, given what it is in each block; None where it is not the same."""
    start, period = blocks.start, blocks.period
    made = [makers.get(atom, (-1, 0)) if type(atom) is Var else (-1, 0) for atom in atoms]
    if any(i >= blocks.end for i, _ in made):
        return None
    last, output = made[-1]
    if last < start:
        if any(i >= start for i, _ in made):
            return None
        first = atoms[0]
        if all(atom is first for atom in atoms) or _same_literals(atoms):
            return first
        return Row(atoms)
    distance = start + place + (blocks.steps - 1) * period - last
    before = 0  # blocks for which the operand comes from before all blocks
    for step, (i, j) in enumerate(made):
        expected = start + place + step * period - distance
        if expected < start:
            if i >= start:
                return None
            before += 1
        elif i != expected or j != output:
            return None
    source = (last - start) % period
    return Earlier(source, output, atoms[:before]) if before else Own(source, output)


def computes(program: Program, blocks: Blocks, parts: Parts) -> bool:
    """Whether the blocks do more than to move elements about."""
    return any(
        program.equations[blocks.start + place].primitive.view is None for place in parts.operands
    )


def fewest_carries(blocks: Blocks, parts: Parts) -> int:
    """Where in a block to begin, so that the fewest values go from block to block."""
    reach: dict[tuple[int, int], int] = {}  # how many equations later a value is used at last
    for place, operands in parts.operands.items():
        for part in operands:
            if isinstance(part, (Own, Earlier)):
                before = len(part.first) if isinstance(part, Earlier) else 0
                distance = place - part.place + before * blocks.period
                key = part.place, part.output
                reach[key] = max(reach.get(key, 0), distance)
    changes = [0] * (blocks.period + 1)  # in the number of values, from one place to the next
    for (place, _), distance in reach.items():
        rest = distance % blocks.period
        first, end = place + 1, place + 1 + rest
        changes[first] += 1
        changes[min(end, blocks.period)] -= 1
        if end > blocks.period:
            changes[0] += 1
            changes[end - blocks.period] -= 1
    counts = list(accumulate(changes[:-1]))
    return counts.index(min(counts))


def _same_literals(atoms: Sequence[Atom]) -> bool:
    first = atoms[0]
    return type(first) is Literal and all(
        type(atom) is Literal and atom.key == first.key for atom in atoms
    )
