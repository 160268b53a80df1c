"""Running finished Programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from ..executors import checked, reference
from ..executors.engines import Run, engine_of
from ..executors.plan import make_plan
from ..executors.planned import LONGEST_CODE
from ..gc_pause import PausedCollection
from ..ir import Equation, Program
from ..memo import structural
from ..modes import chosen
from ..passes.pipeline import Log, Step, clean, optimize
from ..recorder import Recorder, plain, recorder_for
from ..source import Place, Remark

_NUMPY_ERRORS = (ValueError, IndexError, ArithmeticError)  # ArithmeticError under np.errstate


class Runner:
    """A finished Program: runs on arrays, and is replayed into a recorder on tracers.

    Args:
        program: the finished Program.
        origin: the trace it was made from, when it may be found again for another trace of the same
            structure.
    """

    __slots__ = ("_has_rules", "_origin", "_others", "_positions", "_run", "program")

    def __init__(self, program: Program, origin: Program | None = None):
        with PausedCollection():
            self.program = clean(program)
        self._has_rules = any("rule" in e.params for e in self.program.equations)
        self._origin = origin
        self._positions = list(_positions(origin)) if origin else []
        self._run: Run = self._first
        self._others: dict[str, Run] = {}  # of engines that have been chosen

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Runner) and self.program == other.program)

    def __hash__(self) -> int:
        return hash(self.program)

    def __reduce__(self) -> tuple[Any, ...]:
        return Runner, (self.program, self._origin)

    def __call__(self, operands: Sequence[Any], traced: Program | None = None) -> Sequence[Any]:
        """The outputs for arrays, scalars or tracers of the inputs' types.

        Args:
            traced: the trace at hand, whose lines errors and printed Programs are to show.
        """
        recorder = recorder_for(operands, self.program)
        if recorder is not None:
            if not self._has_rules:
                return recorder.inline(self._with_lines_of(traced), operands)
            start = len(recorder.equations)
            outputs = recorder.inline(self._with_lines_of(traced), operands)
            _settle(recorder, start)
            return outputs
        return self.run([plain(x) for x in operands], traced)

    def run(self, values: Sequence[Any], traced: Program | None = None) -> Sequence[Any]:
        """The outputs for arrays and NumPy scalars."""
        modes, run = chosen(), self._run
        if modes is not None:
            if modes.checks:
                return checked.run(self._with_lines_of(traced), values, modes)
            run = self._by(modes.engine)
        try:
            return run(values)
        except _NUMPY_ERRORS:
            # Raises again, noting the equation and its line.
            reference.run(self._with_lines_of(traced).silent(), values)
            raise

    def _first(self, operands: Sequence[Any]) -> Sequence[Any]:
        run = self._compiled("numpy")

        def warming(operands: Sequence[Any]) -> Sequence[Any]:
            outputs = run(operands)
            self._run = getattr(run, "quick", self._run)
            return outputs

        self._run = warming
        return warming(operands)

    def _by(self, engine: str) -> Run:
        """What runs the Program by an engine."""
        if engine == "numpy":
            return self._run
        if engine not in self._others:
            self._others[engine] = self._compiled(engine)
        return self._others[engine]

    def _compiled(self, engine: str) -> Run:
        with PausedCollection():
            return engine_of(engine).compile(make_plan(optimized(self.program)))

    def _with_lines_of(self, traced: Program | None) -> Program:
        """The Program as it would have been made from another trace of the same structure."""
        if traced is None or self._origin is None:
            return self.program
        positions = list(_positions(traced))
        if positions == self._positions and traced.name == self._origin.name:
            return self.program
        moved = {id(old): new for old, new in zip(self._positions, positions, strict=True)}
        name = self.program.name.removesuffix(self._origin.name) + traced.name
        return _moved(self.program, moved, name)


def _settle(recorder: Recorder, start: int) -> None:
    recorder.bail_out()
    import_module("..custom.record_rules", __package__).settle(recorder, start)


def _positions(program: Program) -> Iterator[Place]:
    """The positions of all equations, those of Programs that they carry included."""
    for equation in program.equations:
        yield equation.position
        for _, inner in equation.programs:
            yield from _positions(inner)


def _moved(program: Program, moved: dict[int, Any], name: str) -> Program:
    """The Program with other positions in place of its own."""
    equations = []
    for e in program.equations:
        carrying = e.with_programs(lambda inner: _moved(inner, moved, inner.name))
        equations.append(
            Equation(e.primitive, e.inputs, carrying.params, e.outputs, _place(e.position, moved))
        )
    return program.replace(equations=equations, name=name)


def _place(place: Place, moved: dict[int, Any]) -> Place:
    if type(place) is Remark and id(place) not in moved:  # a rule's, about a place of the trace
        return place._replace(place=_place(place.place, moved))
    return moved.get(id(place))


def optimized(program: Program, log: Log | None = None) -> Program:
    """A clean Program as it is planned.

    Args:
        log: is to tell what the passes did.
    """
    shorter = structural.rolled(program, LONGEST_CODE, to_run=True)
    if log is not None and shorter is not program:
        sizes = len(program.equations), len(shorter.equations)
        log.steps.append(Step("rolled", "", *sizes))
    return optimize(shorter, log)
