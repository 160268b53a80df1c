"""Where the results of a plan's steps lie in memory.

New memory is dear: the system hands out large pieces page by page, at the first touch of each. So
results that are not outputs are written into a workspace, which is kept between calls. A
buffer of it serves one result after another; an elementwise step whose operand is not needed any
more writes over it. Assignments (`set_slice` and others) change an array in place when it
is not used again as it was. Outputs have fresh memory.

Values that share memory (an array and views of it) form a group, named by its root; a group's
memory is free after the last use of any of its values.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .kernels import KERNELS

if TYPE_CHECKING:
    from .lowering import Lowering

_ALIGNMENT = 64  # bytes; that of a cache line
_WASTE = 2  # how many times as large as needed a buffer may be


class Target(NamedTuple):
    """The part of a buffer that holds a result."""

    buffer: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


Targets = Target | None | tuple[Target | None, ...]  # the tuple for a step of several results


class Layout(NamedTuple):
    """The memory of a plan.

    Attributes:
        buffers: the bytes of each buffer.
        targets: for each step where its results go; None for fresh memory.
        changes: the steps that change their first operand in place.
    """

    buffers: tuple[int, ...]
    targets: tuple[Targets, ...]
    changes: frozenset[int]

    @property
    def parts(self) -> list[Target]:
        """The parts of buffers that results go to, in the order of the steps."""
        found: list[Target] = []
        for target in self.targets:
            several = (target,) if target is None or isinstance(target, Target) else target
            found += [part for part in several if part is not None]
        return found


def lay_out(lowered: Lowering) -> Layout:
    """Decide for each step where its result lies."""
    groups = _Groups(lowered)
    changes = frozenset(
        [k for k, call in enumerate(lowered.calls) if _changes(lowered, groups, k, call)]
    )
    buffers = _Buffers()
    over: dict[int, list[int]] = {}  # the buffers that are free after a step
    held: dict[int, int] = {}  # the buffer of a group
    targets: list[Targets] = []
    for k, call in enumerate(lowered.calls):
        parts: list[Target | None] = []
        dying = over.pop(k, [])
        for result in call.results if KERNELS[call.kernel].can_write(call.params) else ():
            if not groups.inside(result):
                parts.append(None)
                continue
            shape, dtype = lowered.shapes[result], lowered.dtypes[result]
            assert dtype is not None
            buffer = _taken_over(lowered, held, dying, call, result) if dying else None
            if buffer is None:
                buffer = buffers.take(prod(shape) * dtype.itemsize)
            else:
                dying.remove(buffer)
            held[result] = buffer
            last = groups.last[result]
            (dying if last == k else over.setdefault(last, [])).append(buffer)
            parts.append(Target(buffer, shape, dtype))
        if KERNELS[call.kernel].several:
            targets.append(tuple(parts) if any(parts) else None)
        else:
            targets.append(parts[0] if len(parts) == 1 else None)
        for buffer in dying:
            buffers.give(buffer)
    return Layout(tuple(buffers.sizes), tuple(targets), changes)


class _Groups:
    """Which values share memory, and until when it is needed.

    Attributes:
        root: the root of each value's group.
        last: the last step that needs a group, by its root; `len(calls)` for outputs.
    """

    def __init__(self, lowered: Lowering):
        self.lowered = lowered
        self.root = list(lowered.roots)
        self.members: dict[int, list[int]] = {}
        for value, root in enumerate(self.root):
            self.members.setdefault(root, []).append(value)
        self.whole = set(lowered.roots)  # values that are all of their group's memory, as it lies
        self.end = len(lowered.calls)
        self.last: dict[int, int] = {}
        self.kept: set[int] = {self.root[v] for v in lowered.outputs} | lowered.foreign
        root, last = self.root, self.last
        for k, call in enumerate(lowered.calls):
            for value in call.operands:
                last[root[value]] = k
            for value in call.results:
                last[root[value]] = k
        self.last.update(dict.fromkeys([self.root[v] for v in lowered.outputs], self.end))
        foreign = lowered.foreign
        for call in reversed(lowered.calls):
            if not foreign.isdisjoint(call.results):  # may be operands themselves
                self._bind(call)

    def _bind(self, call: Any) -> None:
        """Keep the operands of a step for as long as its results, which may be operands."""
        last = max(self.last[self.root[v]] for v in call.results)
        for root in [self.root[v] for v in call.operands]:
            self.kept.add(root)
            self.last[root] = max(self.last[root], last)

    def inside(self, value: int) -> bool:
        """Whether a value has memory of its own and is no output."""
        lowered = self.lowered
        return (
            self.root[value] == value
            and value not in self.kept
            and min(lowered.shapes[value], default=0) > 0
            and lowered.dtypes[value] is not None
        )

    def join(self, value: int, root: int) -> None:
        """Let a value, and what shares its memory, lie where a group lies."""
        moved = self.members.pop(value)
        for member in moved:
            self.root[member] = root
        self.members[root].extend(moved)
        self.last[root] = max(self.last[root], self.last[value])
        if value in self.kept:
            self.kept.add(root)


def _changes(lowered: Lowering, groups: _Groups, k: int, call: Any) -> bool:
    """Whether the call of an op can change its first operand, and if so, note that it does."""
    if not KERNELS[call.kernel].can_change(call.params):
        return False
    target, others, result = call.operands[0], call.operands[1:], call.results[0]
    root = groups.root[target]
    if (
        target not in groups.whole
        or root in lowered.foreign
        or groups.last[root] != k
        or any(groups.root[v] == root for v in others)
    ):
        return False
    groups.join(result, root)
    return True


def _taken_over(
    lowered: Lowering,
    held: dict[int, int],
    dying: Sequence[int],
    call: Any,
    result: int,
) -> int | None:
    """The buffer of an operand that an elementwise step may write a result over.

    Args:
        held: the buffers of values.
        dying: the buffers that are not used after the step.
    """
    if KERNELS[call.kernel].several:
        operands = [call.operands[i] for i in call.params[0].over[call.results.index(result)]]
    elif KERNELS[call.kernel].over_operand:
        operands = call.operands
    else:
        return None
    for value in operands:
        if (
            held.get(value) in dying
            and lowered.shapes[value] == lowered.shapes[result]
            and lowered.dtypes[value] == lowered.dtypes[result]
        ):
            return held[value]
    return None


class _Buffers:
    """Buffers, and which of them are free, by size."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._free: list[tuple[int, int]] = []  # size and number, in order

    def take(self, size: int) -> int:
        """The smallest free buffer that is large enough, but not much too large; else a new one."""
        size += -size % _ALIGNMENT
        at = bisect_left(self._free, (size, 0))
        if at < len(self._free) and self._free[at][0] <= _WASTE * size:
            return self._free.pop(at)[1]
        self.sizes.append(size)
        return len(self.sizes) - 1

    def give(self, buffer: int) -> None:
        """Make a buffer free."""
        insort(self._free, (self.sizes[buffer], buffer))
