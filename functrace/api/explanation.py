"""What optimising a Program did: the rules that fired, and the work before and after."""

from __future__ import annotations

from dataclasses import dataclass

from ..executors.footprint import footprint
from ..executors.plan import make_plan
from ..ir import Program
from ..passes.contraction_order import contraction_order
from ..passes.cost import bytes_moved, flops
from ..passes.pipeline import Log, clean
from ._execute import optimized


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
        passes: for each pass that changed the Program, or one that an equation carries, its name
            and the number of equations after. The name tells of which equation, as in
            "simplify in scan.body".
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
    before, log = clean(program), Log()
    after = optimized(before, log)
    passes = [
        (f"{step.name} in {step.where}" if step.where else step.name, step.after)
        for step in log.steps
    ]
    return Explanation(
        before,
        after,
        _work(contraction_order(before)),
        _work(after),
        tuple(passes),
        dict(log.rules),
    )


def _work(program: Program) -> Work:
    equations = program.equations
    return Work(
        len(equations),
        sum(map(flops, equations)),
        sum(map(bytes_moved, equations)),
        footprint(make_plan(program)).peak,
    )
