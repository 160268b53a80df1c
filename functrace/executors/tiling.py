"""Elementwise calls on large arrays, run block by block.

NumPy runs an elementwise call on one core, and on an array that is larger than the caches it waits
for memory. So where calls on arrays of one shape take long, they are gathered into one step, which
computes all of them for one block of the first axis after another. Several threads take blocks in
turns, and what only these calls use is a block in size and stays in the cache.

    Chain ::= links: Link*  results: number+
    Link  ::= number = kernel[params](number*)

Operands have the first numbers, and each link the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..ir import UNKNOWN, Shape
from .kernels import KERNELS, Kernel
from .threads import share, threads

if TYPE_CHECKING:
    from .lowering import Lowering

_BLOCK = 1 << 15  # elements
# To wake a thread, and wait for it, takes a tenth of a millisecond or two. Nanoseconds:
_WORTH = 2e6  # of a chain, as estimated, for which that pays
_LONGEST = 128  # calls of a chain, which is worth it then, and is compared result by operand
_QUICK, _SLOW = 0.5, 4.0  # for an element, where it is next to nothing to compute, or is a series
_QUICK_UFUNCS = {
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.maximum, np.minimum,
    np.absolute, np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
    np.logical_and, np.logical_or, np.logical_not, np.positive, np.sign, np.sqrt,
}  # fmt: skip


class KernelCall(NamedTuple):
    """results = kernel[params](operands), on numbered values.

    Attributes:
        origin: the number of the equation that the call came from; -1 where it is for an output.
    """

    kernel: str
    params: tuple[Any, ...]
    operands: tuple[int, ...]
    results: tuple[int, ...]
    origin: int


class Link(NamedTuple):
    """One call of a chain."""

    kernel: str
    params: tuple[Any, ...]
    operands: tuple[int, ...]
    dtype: np.dtype[Any]


class Chain(NamedTuple):
    """What a step does for each block (see the head of this file).

    Attributes:
        results: the links whose values are the step's results.
        over: for each of them the operands that it may be written over.
        sliced: for each operand whether a block needs the part of it that belongs to the block, or
            all of it.
        shape: that of the results.
    """

    links: tuple[Link, ...]
    results: tuple[int, ...]
    over: tuple[tuple[int, ...], ...]
    sliced: tuple[bool, ...]
    shape: Shape


# Gathering


def gather(lowered: Lowering) -> list[KernelCall]:
    """The calls of a Program, with those that are worth it gathered into steps of blocks."""
    if threads() == 1 or not any(_divisible(shape) for shape in set(lowered.shapes)):
        return lowered.calls
    gathering = _Gathering(lowered)
    return gathering.calls if gathering.steps else lowered.calls


def _divisible(shape: Shape) -> bool:
    """Whether arrays of a shape have several blocks of the first axis."""
    return (
        bool(shape) and UNKNOWN not in shape and prod(shape) > _BLOCK and prod(shape[1:]) <= _BLOCK
    )


def _nanoseconds(call: KernelCall, size: int) -> float:
    """An estimate of the time of a call on so many elements."""
    slow = call.kernel == "ufunc" and call.params[0] not in _QUICK_UFUNCS
    return size * (_SLOW if slow else _QUICK)


class _Gathering:
    """Calls in an order in which chains are together.

    Attributes:
        calls: those that are done with.
        steps: how many of them are chains.
    """

    def __init__(self, lowered: Lowering):
        self.calls: list[KernelCall] = []
        self.steps = 0
        self._lowered = lowered
        self._open: dict[Shape, list[KernelCall]] = {}
        self._waiting: dict[int, Shape] = {}  # values of open chains
        self._users = Counter(v for call in lowered.calls for v in call.operands)
        self._users.update(lowered.outputs)
        for call in lowered.calls:
            self._take(call)
        for shape in list(self._open):
            self._close(shape)

    def _take(self, call: KernelCall) -> None:
        shape = self._shape(call)
        for value in call.operands:
            owner = self._waiting.get(value)
            if owner is not None and owner != shape:
                self._close(owner)
        if shape is None:
            self.calls.append(call)
        else:
            self._open.setdefault(shape, []).append(call)
            self._waiting[call.results[0]] = shape
            if len(self._open[shape]) == _LONGEST:
                self._close(shape)

    def _shape(self, call: KernelCall) -> Shape | None:
        """The shape that a call of a chain has; None for one that cannot be in a chain."""
        lowered = self._lowered
        if len(call.results) != 1 or lowered.dtypes[call.results[0]] is None:
            return None
        if call.kernel == "call":
            primitive = call.params[0]
            if not primitive.elementwise or primitive.into is None:
                return None
        elif call.kernel not in ("ufunc", "astype"):
            return None
        shape = lowered.shapes[call.results[0]]
        return shape if _divisible(shape) else None

    def _close(self, shape: Shape) -> None:
        chain = self._open.pop(shape)
        for call in chain:
            del self._waiting[call.results[0]]
        if sum(_nanoseconds(call, prod(shape)) for call in chain) < _WORTH:
            self.calls += chain
        else:
            self.steps += 1
            self.calls.append(self._step(chain, shape))

    def _step(self, chain: Sequence[KernelCall], shape: Shape) -> KernelCall:
        lowered = self._lowered
        made = {call.results[0] for call in chain}
        outer = list(dict.fromkeys(v for call in chain for v in call.operands if v not in made))
        numbers = {value: i for i, value in enumerate([*outer, *(c.results[0] for c in chain)])}
        inside = Counter(v for call in chain for v in call.operands)
        links = []
        for call in chain:
            operands = tuple([numbers[v] for v in call.operands])
            dtype = lowered.dtypes[call.results[0]]
            assert dtype is not None
            links.append(Link(call.kernel, call.params, operands, dtype))
        results = [v for v in numbers if v in made and self._users[v] > inside[v]]
        sliced = [
            len(lowered.shapes[v]) == len(shape) and lowered.shapes[v][0] == shape[0] for v in outer
        ]
        places = tuple([numbers[v] for v in results])
        alone = Counter(lowered.roots[v] for v in outer)
        last = {n: k for k, link in enumerate(links) for n in link.operands}
        over = []
        for place in places:
            k = place - len(outer)
            until = k if KERNELS[links[k].kernel].over_operand else k - 1
            fitting = [i for i in range(len(outer)) if sliced[i] and last[i] <= until]
            over.append(tuple([i for i in fitting if alone[lowered.roots[outer[i]]] == 1]))
        whole = Chain(tuple(links), places, tuple(over), tuple(sliced), shape)
        return KernelCall("blocks", (whole,), tuple(outer), tuple(results), chain[0].origin)


# Running


def run_in_blocks(chain: Chain) -> Callable[..., Any]:
    """A function of the operands that gives a list of the results."""
    return _Blocks(chain).run


class _Blocks:
    """Runs a chain: code for one thread, and memory for what no block needs from another."""

    def __init__(self, chain: Chain):
        self._chain = chain
        length, rest = chain.shape[0], chain.shape[1:]
        self._rows = max(1, _BLOCK // prod(rest))
        self._count = -(-length // self._rows)
        self._dtypes = [chain.links[n - len(chain.sliced)].dtype for n in chain.results]
        self._scratch: list[np.dtype[Any]] = []
        self._work = self._compiled()
        self._ready: list[list[np.ndarray]] = []

    def run(self, *operands: Any, out: Sequence[Any] | None = None) -> list[Any]:
        results = [
            np.empty(self._chain.shape, dtype) if target is None else target
            for target, dtype in zip(out or [None] * len(self._dtypes), self._dtypes, strict=True)
        ]

        def work(take: Callable[[], int]) -> None:
            scratch = self._ready.pop() if self._ready else self._new()
            self._work(take, scratch, *operands, *results)
            self._ready.append(scratch)

        share(work, self._count)
        return results

    def _new(self) -> list[np.ndarray]:
        shape = (self._rows, *self._chain.shape[1:])
        return [np.empty(shape, dtype) for dtype in self._scratch]

    def _compiled(self) -> Callable[..., None]:
        """The code of one thread: for each block a line for each link."""
        chain, count = self._chain, len(self._chain.sliced)
        bound: dict[str, Any] = {}
        names = [f"a{i}" if cut else f"x{i}" for i, cut in enumerate(chain.sliced)]
        lines = [f"a{i} = x{i}[i:j]" for i, cut in enumerate(chain.sliced) if cut]
        lines += [f"a{n} = x{n}[i:j]" for n in chain.results]
        places = self._places()
        for k, link in enumerate(chain.links):
            make = KERNELS[link.kernel].make_into
            assert make is not None
            bound[f"k{k}"] = make(*link.params)
            names.append(f"a{count + k}" if count + k in chain.results else f"s{places[count + k]}")
            given = ", ".join(names[i] for i in link.operands)
            lines.append(f"k{k}({given}, out={names[-1]})")
        scratch = [f"s{i}" for i in range(len(self._scratch))]
        shorter = [f"{s} = {s}[: j - i]" for s in scratch]
        external = [f"x{i}" for i in (*range(count), *chain.results)]
        body = "".join(f"    {line}\n" for line in [*lines, "n = take()"])
        source = (
            f"def work(take, scratch, {', '.join(external)}):\n"
            f"  {''.join(f'{s}, ' for s in scratch)}*_, = scratch\n"
            "  n = take()\n"
            f"  while n < {self._count}:\n"
            f"    i = n * {self._rows}; j = i + {self._rows}\n"
            f"    if j > {chain.shape[0]}:\n"
            f"      j = {chain.shape[0]}\n" + "".join(f"      {line}\n" for line in shorter) + body
        )
        exec(compile(source, "<functrace blocks>", "exec"), bound)  # noqa: S102 -- our own text
        return bound["work"]

    def _places(self) -> dict[int, int]:
        """Where in the scratch memory the values lie that are no results."""
        chain, count = self._chain, len(self._chain.sliced)
        last = {n: k for k, link in enumerate(chain.links) for n in link.operands}
        places: dict[int, int] = {}
        free: list[int] = []
        for k, link in enumerate(chain.links):
            number = count + k
            over = [places[n] for n in dict.fromkeys(link.operands) if n in places and last[n] == k]
            if KERNELS[link.kernel].over_operand:
                free += over
            if number not in chain.results:
                fitting = [s for s in free if self._scratch[s] == link.dtype]
                if fitting:
                    places[number] = fitting[-1]
                    free.remove(fitting[-1])
                else:
                    places[number] = len(self._scratch)
                    self._scratch.append(link.dtype)
            if not KERNELS[link.kernel].over_operand:
                free += over
            if number in places and number not in last:
                free.append(places[number])
        return places


KERNELS["blocks"] = Kernel(run_in_blocks, make_into=run_in_blocks, several=True)
