"""Traces that repeat: nearly every call of a function does the same as the one before.

Without jit a function is traced at every call, because its closures, or what it asks of values,
may have changed. Mostly they have not. A `Guards` holds what a trace did: which functions were
called, on which operands, and what came of it. A `Replay` is the recorder of a later trace of the
same code. It compares each call with the next one on the tape, operand by operand and constant by
constant. While they are the same, the calls' results are known, and nothing is inferred, checked or
recorded again. At the first call that differs, or when the code does something that no tape holds,
it goes on as a recorder that has recorded all equations so far. So a replay is a trace in all that
can be seen but its speed.

A call is on the tape as a whole where its result depends only on the types of traced values and of
arrays, and on constants. Otherwise the equations that it recorded are there, one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np

from ..dispatch import BY_TYPE
from ..ir import ArrayType, Atom, Equation, Literal, Program, Var
from ..primitive import Primitive
from ..recorder import CURRENT, SCOPE, Recorder
from ..recording import Recording
from ..sharing import Foreign, View, is_number, note_view
from ..source import resolve, user_frame
from ..tracer import NO_OPTIONS, Run, Tracer
from ..values import type_of
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
    same_constant,
)

_LONGEST = 20_000  # equations; the tape of a longer trace is not kept


class Guarding(Recorder):
    """A recorder that writes a tape as well."""

    __slots__ = (
        "_calls", "_evaluated", "_given", "_inner", "_memory", "_nested", "_numbers",
        "_recorded", "_running", "written",
    )  # fmt: skip

    def __init__(self, parent: Recorder | None, reason: str = ""):
        super().__init__(parent, reason)
        self.tape = self
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
        """Run a front end, and write the call, or what it recorded, on the tape."""
        current = CURRENT.get()
        if current is not self and current is not None:  # a function inside is traced
            return current.tape.call(run, function, operands, options, by_type)
        if self._running or current is None:
            return run(function, operands, options)
        self._running = True
        try:
            result = run(function, operands, options)
        finally:
            self._running = False
        if not self._one_memory((*operands, *options.values(), result)):
            self.leave()
        if self.tape is self and (self._inner or type(result) is Tracer):
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

        The tape tells traced values apart by their Vars.
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
        if self.tape is self:
            self._recorded += 1
            self._write(primitive, operands, params, result, _place())
        return result

    def inline(self, program: Program, operands: Sequence[Any]) -> list[Any]:
        outputs = super().inline(program, operands)
        if self.tape is self:
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
        """Write on the tape what was recorded: an equation at a place, or a Program's."""
        given, made = self._specs(operands, True), self._result(result, ())
        if given is None or made is None:
            self.leave()
            return
        keywords = {name: Constant(value) for name, value in params.items()}
        end = len(self.equations)
        code, offset = place or (None, -1)
        call = Call(function, given, keywords, made, code, offset, end, place is not None)
        (self._inner if self._running else self._calls).append(call)

    def enter(self, scope: str) -> None:
        super().enter(scope)
        if self.tape is self:
            end = len(self.equations)
            call = Call(SCOPE, (Constant(scope),), {}, None, None, -1, end, by_type=False)
            (self._inner if self._running else self._calls).append(call)

    def value(self, tracer: Tracer, why: str, remedy: str = "") -> Any:
        self.leave()  # where a value decides, the next trace may go another way
        return super().value(tracer, why, remedy)

    def evaluate(self, equation: Equation, values: list[Any]) -> Sequence[Any]:
        self._evaluated.append(equation)
        return super().evaluate(equation, values)

    def look(
        self, tracer: Tracer, convert: Callable[[Any], Any], why: str, remedy: str = ""
    ) -> Any:
        """Ask for a value, and write down the answer, where it depends on this trace alone."""
        alone = CURRENT.get() is self and tracer.recorder is self and not self._running
        if not alone or self._nested or self.tape is not self or self._captures_tracers():
            self.leave()
            return super().look(tracer, convert, why, remedy)
        self._evaluated.clear()
        try:
            answer = convert(super().value(tracer, why, remedy))
        except Exception:
            self.leave()
            raise
        numbers = self._numbers
        for i in range(len(numbers), len(self.equations)):
            numbers[id(self.equations[i])] = i
        rows = tuple([numbers.get(id(e), -1) for e in self._evaluated])
        if -1 in rows or not is_constant(answer):  # one without its effects
            self.leave()
        else:
            function, end = Look(convert, rows), len(self.equations)
            operands = (tracer.symbol,)
            call = Call(function, operands, {}, answer, None, -1, end, by_type=False)
            self._calls.append(call)
        return answer

    def _captures_tracers(self) -> bool:
        return any(array is None for entries in self.captures.values() for *_, array in entries)

    def _specs(self, operands: Sequence[Any], by_type: bool) -> tuple[Any, ...] | None:
        """What operands must be again; None where that can not be said."""
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
            self.tape is self
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


def _with_literals(equation: Equation, numbers: dict[Var, Any]) -> Equation:
    """An equation with the numbers that vary as the constants that they are now."""
    given: list[Atom] = [Literal(numbers[a]) if a in numbers else a for a in equation.inputs]
    return Equation(
        equation.primitive, tuple(given), equation.params, equation.outputs, equation.position
    )


_LATER = {"_indexed", "_known", "_producer", "captures", "equations", "inputs", "scope"}


class Replay(Recorder):
    """The recorder of a trace that so far does what a tape holds.

    Attributes:
        captured: the captured arrays so far, and what is to be computed with; or the tracers.
        numbers: the numbers so far, of those that vary.
    """

    __slots__ = ("_looked", "_next", "_on", "_values", "captured", "numbers")

    def __init__(self, on: Guards, parent: Recorder | None = None, reason: str = ""):
        self._on = on
        self._next = 0
        self._values: Sequence[Any] | None = None
        self._locked = []
        self._looked: dict[Var, Any] | None = None  # the values that were computed for looks
        self.captured: dict[Var, tuple[Any, Any]] = {}
        self.numbers: dict[Var, Any] = {}
        self.parent = parent
        self.position = None
        self.reason = reason
        self.rewriting = False
        self.alive = True
        self.tape = self

    def __getattr__(self, name: str) -> Any:
        """Become what a recorder is that has recorded all so far."""
        if name not in _LATER:
            raise AttributeError(name)
        self.leave()
        program = self._on.recording.program
        done = self._on.calls[self._next - 1].end if self._next else 0
        self.inputs = [var for var, _, _ in self._on.inputs]
        self.equations = list(program.equations[:done])
        if self._on.numbers:
            self.equations = [_with_literals(e, self.numbers) for e in self.equations]
        self.scope = SCOPE.get()
        self._producer, self._indexed = {}, 0
        self._known = dict(zip(self.inputs, self._values or (), strict=self._values is not None))
        self._known.update(self._looked or ())
        self.captures = {}
        for var, (of, value) in self.captured.items():
            self._known[var] = value
            array = None if type(value) is Tracer else of
            self.captures.setdefault(id(of), []).append((var, value, array))
        return getattr(self, name)

    def all_inputs(
        self,
        types: Sequence[ArrayType],  # noqa: ARG002 -- the tape's are equal
        names: Sequence[str],  # noqa: ARG002
        values: Sequence[Any] | None,
    ) -> list[Tracer]:
        self._values = values
        found = []
        for var, type, alias in self._on.inputs:
            tracer = Tracer(self, var, type)
            tracer.alias = alias
            found.append(tracer)
        return found

    def call(
        self,
        run: Run,
        function: Any,
        operands: Sequence[Any],
        options: Mapping[str, Any] = NO_OPTIONS,
        by_type: bool = False,
    ) -> Any:
        """The result of a call: the next one's on the tape, or what the front end gives."""
        current = CURRENT.get()
        if current is not self:
            if current is None:
                return run(function, operands, options)
            return current.tape.call(run, function, operands, options, by_type)
        expected, given, keywords, result, code, offset, _, _ = self._on.calls[self._next]
        if expected is function and len(operands) == len(given):
            caller = sys._getframe(2)
            if ((caller.f_code is code and caller.f_lasti == offset) or self._there()) and (
                not (options or keywords) or self._fit_keywords(keywords, options)
            ):
                for want, x in zip(given, operands):  # noqa: B905 -- as `fit`; a call less is a fifth
                    if type(want) is Var:
                        if (
                            type(x) is not Tracer
                            or x.recorder is not self
                            or x.symbol is not want
                            or x.type is not want.type
                        ):
                            break
                    elif not want.fits(x, self):
                        break
                else:
                    self._next += 1
                    return self._made(result, operands)
        before = self._next
        made = run(function, operands, options)
        if type(made) is Tracer and self._next == before and self.tape is self:
            self._note_name(made, operands)
        return made

    def _note_name(self, made: Tracer, operands: Sequence[Any]) -> None:
        """Leave the tape where a value that it knows has got another name, or another type."""
        if not any(x is made for x in operands):
            self.leave()

    def enter(self, scope: str) -> None:
        call = self._on.calls[self._next]
        if self.tape is self and call.function is SCOPE and call.operands == (Constant(scope),):
            self._next += 1
            return
        self.leave()
        super().enter(scope)

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        if self.tape is not self:
            return super().record(primitive, operands, params)
        call = self._on.calls[self._next]
        if (
            call.function is primitive
            and len(operands) == len(call.operands)
            and self.fit(call.operands, operands)
            and self._fit_keywords(call.options, params)
            and self._there()
        ):
            self._next += 1
            return self._made(call.result, operands)
        self.leave()
        return super().record(primitive, operands, params)

    def _there(self) -> bool:
        """Whether the user's code is at the place of the next call, or in the same line.

        Python's interpreter comes to count the places of some calls differently in code that has
        run a few times. The tape then learns the place.
        """
        call, frame = self._on.calls[self._next], user_frame()
        if frame is None or frame.f_code is not call.code:
            return frame is None and call.code is None
        if frame.f_lasti == call.offset:
            return True
        if resolve((frame.f_code, call.offset)) != resolve((frame.f_code, frame.f_lasti)):
            return False
        self._on.calls[self._next] = call._replace(offset=frame.f_lasti)
        return True

    def inline(self, program: Program, operands: Sequence[Any]) -> list[Any]:
        call = self._on.calls[self._next]
        if (
            self.tape is self
            and call.function is program
            and len(operands) == len(call.operands)
            and self.fit(call.operands, operands)
        ):
            self._next += 1
            return self._made(call.result, operands)
        self.leave()
        return super().inline(program, operands)

    def look(
        self, tracer: Tracer, convert: Callable[[Any], Any], why: str, remedy: str = ""
    ) -> Any:
        """Ask for a value; the trace goes on as a replay if the answer is the same."""
        if self.tape is self and CURRENT.get() is self and tracer.recorder is self:
            call = self._on.calls[self._next]
            look = call.function
            if type(look) is Look and look.convert is convert and tracer.symbol is call.operands[0]:
                answer = convert(self._value(call.operands[0], look.rows))
                if same_constant(answer, call.result):
                    self._next += 1
                else:
                    self.leave()
                return answer
        self.leave()
        return super().look(tracer, convert, why, remedy)

    def _value(self, symbol: Var, rows: Sequence[int]) -> Any:
        """The value of a Var, computed by some equations."""
        known = self._looked
        if known is None:
            inputs = [var for var, _, _ in self._on.inputs]
            known = self._looked = dict(zip(inputs, self._values or (), strict=True))
        equations = self._on.recording.program.equations
        for i in rows:
            equation = equations[i]
            primitive, values = equation.primitive, []
            for a in equation.inputs:  # loops, as comprehensions are calls in Python 3.11
                if isinstance(a, Var):
                    values.append(known[a] if a in known else self._outside(a))
                else:
                    values.append(a.value)
            result = primitive.impl(*values, **equation.params)
            if primitive.multiple:
                known.update(zip(equation.outputs, result, strict=True))
            else:
                known[equation.outputs[0]] = result
        return known[symbol] if symbol in known else self._outside(symbol)

    def _outside(self, var: Var) -> Any:
        """The value of a captured array, or of a number that varies."""
        return self.numbers[var] if var in self.numbers else self.captured[var][1]

    def fit(self, expected: Sequence[Any], operands: Sequence[Any]) -> bool:
        """Whether as many operands are what they were."""
        for want, x in zip(expected, operands, strict=True):
            if type(want) is not Var:
                if not want.fits(x, self):
                    return False
            elif (
                type(x) is not Tracer
                or x.recorder is not self
                or x.symbol is not want
                or x.type is not want.type
            ):
                return False
        return True

    def _fit_keywords(self, expected: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
        if len(options) != len(expected):
            return False
        for name, want in expected.items():
            if name not in options or not self.fit((want,), (options[name],)):
                return False
        return True

    def _made(self, result: Any, operands: Sequence[Any]) -> Any:
        if type(result) is int:
            return operands[result]
        if type(result) is Parts:
            return result.kind([self._made(part, operands) for part in result.parts])
        variable, type_, special, c_order, alias, source = result
        tracer = Tracer(self, variable, type_)
        if special:
            if c_order:
                tracer.c_order = True
            if type(alias) is View:
                note_view(tracer, operands[source], alias.steps, alias.certain)
            elif alias is not None:
                tracer.alias = alias
        return tracer

    def finish(self, outputs: Sequence[Any], name: str) -> Recording:
        on = self._on
        if self.tape is not self or on.calls[self._next].function is not None:
            return super().finish(outputs, name)
        if len(outputs) != len(on.outputs):
            return super().finish(outputs, name)
        for x, (want, type_) in zip(outputs, on.outputs, strict=True):
            if type_of(x) is not type_ or not self.fit((want,), (x,)):
                return super().finish(outputs, name)
        captured = []
        for var in on.captured:
            if var not in self.captured:
                return super().finish(outputs, name)
            captured.append(self.captured[var][1])
        captured += [self.numbers[var] for var in on.numbers]  # all calls were compared
        return Recording(on.recording.program, tuple(captured), on.recording.output_types, on)
