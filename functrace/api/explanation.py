"""What optimising a Program did: the rules that fired, and the work before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..executors.footprint import footprint
from ..ir import Program
from ..passes.absorb import absorb
from ..passes.contraction import contraction
from ..passes.cost import bytes_moved, flops
from ..passes.pipeline import OPTIMIZE, clean, optimize
from ..passes.signs import signs
from ..passes.simplify import simplify

# The passes that apply rules of algebra, and count them.
_COUNTED: dict[Any, Callable[[Program, Counter[str]], Program]] = {
    apply: apply for apply in (simplify, signs, absorb)
}


@dataclass(frozen=True)
class Work:
    """What a Program does in a call.

    Attributes:
        equations: their number.
        flops: arithmetic operations.
        bytes: what all equations read and write.
        peak: the bytes that a call allocates at most, outputs included.
    """

    equations: int
    flops: int
    bytes: int
    peak: int


@dataclass(frozen=True)
class Explanation:
    """How a Program was optimised. Printed, it is a table.

    Attributes:
        before, after: the Programs.
        work_before, work_after: what each does in a call.
        passes: for each pass that changed the Program its name and the number of equations after.
        rules: how often each rule of algebra was applied.
    """

    before: Program
    after: Program
    work_before: Work
    work_after: Work
    passes: tuple[tuple[str, int], ...]
    rules: dict[str, int]

    def __str__(self) -> str:
        old, new = self.work_before, self.work_after
        rows = [
            (name, f"{getattr(old, name):,}", f"{getattr(new, name):,}")
            for name in ("equations", "flops", "bytes", "peak")
        ]
        left, right = (max(len(row[i]) for row in rows) for i in (1, 2))
        lines = [f"{self.before.name}, before and after optimising"]
        lines += [f"  {name:<9}  {a:>{left}}  {b:>{right}}" for name, a, b in rows]
        for name, count in self.passes:
            lines.append(f"  {name} left {count} equations")
        for name, times in sorted(self.rules.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"  rule {name}: {times}")
        return "\n".join(lines)


def explain(program: Program) -> Explanation:
    """What optimising does to a Program."""
    before = clean(program)
    rules: Counter[str] = Counter()
    passes = []
    current = before
    for apply in OPTIMIZE:
        counted = _COUNTED.get(apply)
        changed = apply(current) if counted is None else counted(current, rules)
        if changed is not current:
            passes.append((apply.__name__, len(changed.equations)))
        current = changed
    after = optimize(before)
    return Explanation(
        before, after, _work(contraction(before)), _work(after), tuple(passes), dict(rules)
    )


def _work(program: Program) -> Work:
    equations = program.equations
    return Work(
        len(equations),
        sum(map(flops, equations)),
        sum(map(bytes_moved, equations)),
        footprint(program).peak,
    )
