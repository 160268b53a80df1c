"""Numbers that differ from call to call: a step size that decays, a count of steps.

A Python number in a traced function is a constant of its Program, which lets the passes compute
with it; but a Program with another number is another Program, to be rewritten and planned anew. So
the numbers of each Program are compared with those that a Program of the same form had before, and
those that have changed become inputs from then on. Exponents of lengths do not: derivatives depend
on whether they are 2 or 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ir import Literal, Program, Var, is_number
from ..recording import Recording
from ..transforms.products import Products
from .lru import LRU

_LIMIT = 1024  # forms that are remembered


class _Seen:
    """The numbers that Programs of one form have had, and the places where these differed.

    Attributes:
        fixed: the places of numbers that stay constants; None as long as no number differed.
    """

    __slots__ = ("fixed", "numbers", "varying")

    def __init__(self, numbers: tuple[bytes, ...]):
        self.numbers = numbers
        self.varying: frozenset[int] = frozenset()
        self.fixed: frozenset[int] | None = None


_seen: LRU[_Seen] = LRU(_LIMIT)


def with_varying_numbers(recording: Recording) -> Recording:
    """The recording with the numbers that vary between calls as captured inputs."""
    program = recording.program
    form, numbers = program.structure
    if not numbers:
        return recording
    bits = tuple([number.tobytes() for number in numbers])
    seen = _seen.get(form) or _seen.add(form, _Seen(bits), holding=program.holds_objects)
    if seen.numbers != bits:
        changed = {i for i, (a, b) in enumerate(zip(seen.numbers, bits, strict=True)) if a != b}
        if seen.fixed is None:
            seen.fixed = frozenset(_exponents(program))
        seen.varying |= changed - seen.fixed
    varying = seen.varying
    if not varying:
        return recording
    holes = {i: Var(Literal(numbers[i]).type) for i in sorted(varying)}
    return Recording(
        _with_holes(program, holes),
        (*recording.captured, *[numbers[i] for i in holes]),
        recording.output_types,
    )


def forget() -> None:
    """Forget which numbers vary."""
    _seen.clear()


def _exponents(program: Program) -> Iterator[int]:
    """The places of the numbers that decide whether a power of a length has a kink."""
    decisive = Products(program).decisive
    atoms = [(e, atom) for e in program.equations for atom in e.inputs if is_number(atom)]
    return (i for i, (e, _) in enumerate(atoms) if decisive.intersection(e.outputs))


def _with_holes(program: Program, holes: dict[int, Var]) -> Program:
    """The Program in which some numbers are inputs, that come last."""
    numbers = _numbered(holes)
    equations = []
    for e in program.equations:
        inputs = tuple([next(numbers) or a if is_number(a) else a for a in e.inputs])
        if any(new is not old for new, old in zip(inputs, e.inputs, strict=True)):
            e = e.replace(inputs=inputs)
        equations.append(e)
    inputs = [*program.inputs, *holes.values()]
    return program.replace(inputs=inputs, equations=equations)


def _numbered(holes: dict[int, Var]) -> Iterator[Var | None]:
    i = 0
    while True:
        yield holes.get(i)
        i += 1
