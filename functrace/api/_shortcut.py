"""The short way through a call of `grad` or `value_and_grad` of a function whose traces repeat.

When traces of a function have been replays of one tape (`replay.py`), what is done before and after
the trace is the same each time as well. Code made for the arguments seen (`_fastpath.py`) then
checks their types, lets a replay take its course, runs the finished Program, and builds the result.
Where the trace takes another course, the general way goes on with what was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from .. import tree
from ..recorder import recording
from ..recording import Recording
from ..replay import Replay
from ..tree import LEAF, TreeDef
from ._border import flat_output
from ._execute import note_hit
from ._fastpath import ANY, make_builder, make_fast
from ._recent import Recent
from ._tapes import Place

_TRANSFORMS = 512  # that are remembered
_REPEATED = 2  # replays before code is made
_MADE = 8  # codes made for a transform before it is given up


class Diverged(Exception):  # noqa: N818 -- it never leaves the package
    """The trace took another course than the tape."""

    def __init__(self, recorded: Recording, out_tree: TreeDef):
        self.traced = recorded, out_tree


class Shortcut:
    """The short way for one function under one transform.

    Attributes:
        call: from the tuple `(fun, *args)` to the result, or MISS; None as long as there is none.
    """

    __slots__ = ("_left", "_seen", "call")

    def __init__(self) -> None:
        self.call: Callable[[tuple[Any, ...]], Any] | None = None
        self._seen = 0
        self._left = _MADE

    def due(self, recorded: Recording) -> bool:
        """Whether to make the code now, after a trace."""
        if recorded.tape is None or not self._left:
            return False
        self._seen += 1
        return self._seen % _REPEATED == 0

    def make(
        self,
        place: Place,
        recorded: Recording,
        runner: Any,
        args: Sequence[Any],
        numbers: Sequence[int],
        result: Any,
        with_value: bool,
    ) -> None:
        """Make the code for calls like one whose trace was a replay.

        Args:
            runner: the finished Program, whose outputs are the leaves of the result.
            numbers: the arguments that are differentiated by.
            result: what the call returned; with the value, or the gradient alone.
        """
        self._left -= 1
        template = tuple([x if i in numbers else ANY for i, x in enumerate(args)])
        leaves, structure = tree.flatten(((ANY, *template), {}))
        build = make_builder(structure.children[0])
        firsts = [0, *accumulate(child.size for child in structure.children[0].children)]
        places = [i for n in numbers for i in range(firsts[n + 1], firsts[n + 2])]
        if build is not None:
            run = _runner(place, recorded, runner, places, build, with_value)
            self.call = make_fast(structure, leaves, run, tree.flatten(result)[1])


def _runner(
    place: Place,
    recorded: Recording,
    runner: Any,
    places: Sequence[int],
    build: Callable[[Sequence[Any]], tuple[Any, ...]],
    with_value: bool,
) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """From the function and the leaves of its arguments to the leaves of the result."""
    tape, program, name = recorded.tape, recorded.program, recorded.program.name
    weak = with_value and recorded.output_types[0].weak

    def run(given: Sequence[Any]) -> Sequence[Any]:
        replay = Replay(tape)
        values = [given[i] for i in places]
        flat = list(given)
        with recording("", replay):
            for i, tracer in zip(places, replay.all_inputs((), (), values), strict=True):
                flat[i] = tracer
            fun, *args = build(flat)
            outputs, out_tree = flat_output(fun(*args))
            repeated = replay.finish(outputs, name)
        if repeated.tape is None or out_tree is not LEAF:
            raise Diverged(place.learned(replay, repeated), out_tree)
        place.hits += 1
        note_hit()
        results = runner.run([*values, *repeated.captured], program)
        return [results[0].item(), *results[1:]] if weak else results

    return run


_shortcuts: Recent[Shortcut] = Recent(_TRANSFORMS)


def shortcut_of(code: Any, *key: Any) -> Shortcut | None:
    """The shortcut of a function's code under a transform; None where there can be none."""
    try:
        hash(key)
    except TypeError:
        return None
    return None if code is None else _shortcuts.find((code, key), Shortcut)


def forget() -> None:
    """Forget all shortcuts."""
    for shortcut in _shortcuts.values():  # functions hold on to theirs
        shortcut.call = None
    _shortcuts.clear()
