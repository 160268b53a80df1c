"""The recorder that writes guards: what a trace did, call by call.

A call is written down as a whole where its result depends only on the types of traced values and of
arrays, and on constants. Otherwise the equations that it recorded are there, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np

from ..dispatch import BY_TYPE
from ..ir import ArrayType, Equation, Program, Var
from ..primitive import Primitive
from ..recorder import CURRENT, SCOPE, Recorder
from ..recording import Recording
from ..sharing import Foreign, View, is_number
from ..source import user_frame
from ..tracer import NO_OPTIONS, Run, Tracer
from .guards import (
    END,
    Call,
    Constant,
    Fresh,
    Guards,
    Look,
    Outer,
    Parts,
    Retyped,
    Slot,
    is_constant,
)

_LONGEST = 20_000  # equations; the guards of a longer trace are not kept


class Guarding(Recorder):
    """A recorder that writes guards as well."""

    __slots__ = (
        "_calls", "_evaluated", "_given", "_inner", "_memory", "_nested", "_numbers",
        "_recorded", "_running", "written",
    )  # fmt: skip

    def __init__(self, parent: Recorder | None, reason: str = ""):
        super().__init__(parent, reason)
        self.memo = self
        self.written: Guards | None = None
        self._calls: list[Call] = []
        self._given: tuple[tuple[Var, ArrayType, Any], ...] = ()
        self._inner: list[Call] = []  # of the front end that is running
        self._memory: dict[Var, Any] = {}  # whose memory a traced value lies in
        self._running = False
        self._recorded = 0
        self._evaluated: list[Equation] = []  # for the look that is under way
        self._numbers: dict[int, int] = {}  # of the equations, by their identity
        self._nested = False  # whether an input has its value from a surrounding trace

    def all_inputs(
        self, types: Sequence[ArrayType], names: Sequence[str], values: Sequence[Any] | None
    ) -> list[Tracer]:
        tracers = super().all_inputs(types, names, values)
        self._given = tuple([(x.symbol, x.type, x.alias) for x in tracers])
        self._nested = any(type(x) is Tracer for x in values or ())
        return tracers

    def call(
        self,
        run: Run,
        function: Any,
        operands: Sequence[Any],
        options: Mapping[str, Any] = NO_OPTIONS,
        by_type: bool = False,
    ) -> Any:
        """Run a front end, and write the call, or what it recorded, down."""
        current = CURRENT.get()
        if current is not self and current is not None:  # a function inside is traced
            return current.memo.call(run, function, operands, options, by_type)
        if self._running or current is None:
            return run(function, operands, options)
        self._running = True
        try:
            result = run(function, operands, options)
        finally:
            self._running = False
        if not self._one_memory((*operands, *options.values(), result)):
            self.bail_out()
        if self.memo is self and (self._inner or type(result) is Tracer):
            call = self._whole(function, operands, options, result, by_type)
            self._calls += [call] if call else self._inner
            self._inner.clear()
        return result

    def _whole(
        self,
        function: Any,
        operands: Sequence[Any],
        options: Mapping[str, Any],
        result: Any,
        by_type: bool,
    ) -> Call | None:
        """The call, where nothing but what it was given decides what it does."""
        arrays = by_type or function in BY_TYPE  # whose numbers may be axes
        given = self._specs((*operands, *options.values()), arrays)
        made = self._result(result, operands)
        if given is None or made is None:
            return None
        used = {x.symbol for call in self._inner for x in call.operands if _captures(x)}
        if not used <= {x.symbol for x in _leaves(given) if _captures(x)}:
            return None  # an array that it made
        keywords = dict(zip(options, given[len(operands) :], strict=True))
        code, offset = _place()
        end = len(self.equations)
        given = given[: len(operands)]
        return Call(function, given, keywords, made, code, offset, end, by_type)

    def _one_memory(self, values: Iterable[Any]) -> bool:
        """Whether no traced value is known as two arrays of which one may be assigned to.

        Guards tell traced values apart by their Vars.
        """
        for x in values:
            kind = type(x)
            if kind is tuple or kind is list:
                if not self._one_memory(x):
                    return False
            elif kind is Tracer and x.recorder is self:
                now = is_number(x) or (x.c_order, type(x.alias) is Foreign, _certain(x.alias))
                if self._memory.setdefault(x.symbol, now) != now:
                    return False
        return True

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        result = super().record(primitive, operands, params)
        if self.memo is self:
            self._recorded += 1
            self._write(primitive, operands, params, result, _place())
        return result

    def inline(self, program: Program, operands: Sequence[Any]) -> list[Any]:
        outputs = super().inline(program, operands)
        if self.memo is self:
            self._recorded += len(program.equations)
            self._write(program, operands, {}, outputs, None)
        return outputs

    def _write(
        self,
        function: Any,
        operands: Sequence[Any],
        params: dict[str, Any],
        result: Any,
        place: Any,
    ) -> None:
        """Write down what was recorded: an equation at a place, or a Program's."""
        given, made = self._specs(operands, True), self._result(result, ())
        if given is None or made is None:
            self.bail_out()
            return
        keywords = {name: Constant(value) for name, value in params.items()}
        end = len(self.equations)
        code, offset = place or (None, -1)
        call = Call(function, given, keywords, made, code, offset, end, place is not None)
        (self._inner if self._running else self._calls).append(call)

    def enter(self, scope: str) -> None:
        super().enter(scope)
        if self.memo is self:
            end = len(self.equations)
            call = Call(SCOPE, (Constant(scope),), {}, None, None, -1, end, by_type=False)
            (self._inner if self._running else self._calls).append(call)

    def value(self, tracer: Tracer, why: str, remedy: str = "") -> Any:
        self.bail_out()  # where a value decides, the next trace may go another way
        return super().value(tracer, why, remedy)

    def evaluate(self, equation: Equation, values: list[Any]) -> Sequence[Any]:
        self._evaluated.append(equation)
        return super().evaluate(equation, values)

    def look(
        self, tracer: Tracer, convert: Callable[[Any], Any], why: str, remedy: str = ""
    ) -> Any:
        """Ask for a value, and write down the answer, where it depends on this trace alone."""
        alone = CURRENT.get() is self and tracer.recorder is self and not self._running
        if not alone or self._nested or self.memo is not self or self._captures_tracers():
            self.bail_out()
            return super().look(tracer, convert, why, remedy)
        self._evaluated.clear()
        try:
            answer = convert(super().value(tracer, why, remedy))
        except Exception:
            self.bail_out()
            raise
        numbers = self._numbers
        for i in range(len(numbers), len(self.equations)):
            numbers[id(self.equations[i])] = i
        rows = tuple([numbers.get(id(e), -1) for e in self._evaluated])
        if -1 in rows or not is_constant(answer):  # one without its effects
            self.bail_out()
        else:
            function, end = Look(convert, rows), len(self.equations)
            operands = (tracer.symbol,)
            call = Call(function, operands, {}, answer, None, -1, end, by_type=False)
            self._calls.append(call)
        return answer

    def _captures_tracers(self) -> bool:
        return any(array is None for entries in self.captures.values() for *_, array in entries)

    def _specs(self, operands: Sequence[Any], by_type: bool) -> tuple[Any, ...] | None:
        """What operands must be again; None where that cannot be said."""
        found = []
        for x in operands:
            spec = self._spec(x, by_type)
            if spec is None:
                return None
            found.append(spec)
        return tuple(found)

    def _spec(self, x: Any, by_type: bool) -> Any:
        kind = type(x)
        if kind is Tracer:
            if x.recorder is self:
                usual = x.type is x.symbol.type
                return x.symbol if usual else Retyped(x.symbol, x.type)
            entries = self.captures.get(id(x.symbol))
            return Outer(entries[0][0], x.type) if entries else None
        if kind is tuple or kind is list:
            parts = self._specs(x, by_type)
            return None if parts is None else Parts(kind, parts)
        if kind is np.ndarray and by_type:
            entries = self.captures.get(id(x))
            if not entries or entries[-1][2] is not x:
                return None
            return Slot(entries[-1][0], x.shape, x.dtype)
        return Constant(x) if is_constant(x) else None

    def _result(self, result: Any, operands: Sequence[Any]) -> Any:
        kind = type(result)
        if kind is tuple or kind is list:
            parts = [self._result(part, operands) for part in result]
            return None if None in parts else Parts(kind, tuple(parts))
        if kind is not Tracer or result.recorder is not self:
            return None
        for i, x in enumerate(operands):
            if x is result:
                return i
        alias, source = result.alias, -1
        if type(alias) is View:
            places = [i for i, x in enumerate(operands) if x is alias.source]
            if not places:
                return None
            source = places[0]
            alias = alias._replace(source=None, root=None)  # type: ignore[arg-type] -- a new one's
        elif alias is not None and type(alias) is not Foreign:
            return None
        special = alias is not None or result.c_order
        return Fresh(result.symbol, result.type, special, result.c_order, alias, source)

    def finish(self, outputs: Sequence[Any], name: str) -> Recording:
        recording = super().finish(outputs, name)
        given = self._specs(outputs, True)
        if (
            self.memo is self
            and given is not None
            and self._recorded == len(self.equations) == len(recording.program.equations)
            and self._recorded <= _LONGEST
        ):
            captured = recording.program.inputs[len(self.inputs) :]
            returned = tuple(zip(given, recording.output_types, strict=True))
            self.written = Guards(
                [*self._calls, END], recording._replace(captured=()), self._given, captured,
                (), returned, {},
            )  # fmt: skip
        return recording


def _place() -> tuple[CodeType | None, int]:
    """Where the user's code calls."""
    frame = user_frame()
    return (None, -1) if frame is None else (frame.f_code, frame.f_lasti)


def _certain(alias: Any) -> bool:
    return type(alias) is not View or alias.certain


def _captures(spec: Any) -> bool:
    return type(spec) in (Slot, Outer)


def _leaves(specs: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for spec in specs:
        found += _leaves(spec.parts) if type(spec) is Parts else [spec]
    return found
