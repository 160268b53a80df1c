"""Traces that repeat: nearly every call of a function does the same as the one before.

Without jit a function is traced at every call, because its closures, or what it asks of values,
may have changed. Mostly they have not. A `Guards` holds what a trace did: which functions were
called, on which operands, and what came of it. A `Replay` is the recorder of a later trace of the
same code. It compares each call with the next of the guards, operand by operand and constant by
constant. While they are the same, the calls' results are known, and nothing is inferred, checked or
recorded again. At the first call that differs, or when the code does something that no guards hold,
it bails out: it goes on as a recorder that has recorded all equations so far. So a replay is a
trace in all that can be seen but its speed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..ir import ArrayType, Atom, Equation, Literal, Program, Var
from ..primitive import Primitive
from ..recorder import CURRENT, SCOPE, Recorder
from ..recording import Recording
from ..sharing import View, note_view
from ..source import resolve, user_frame
from ..tracer import NO_OPTIONS, Run, Tracer
from ..values import type_of
from .guards import (
    Constant,
    Fresh,
    Guards,
    Look,
    Parts,
    same_constant,
)


def _with_literals(equation: Equation, numbers: dict[Var, Any]) -> Equation:
    """An equation with the numbers that vary as the constants that they are now."""
    given: list[Atom] = [Literal(numbers[a]) if a in numbers else a for a in equation.inputs]
    return Equation(
        equation.primitive, tuple(given), equation.params, equation.outputs, equation.position
    )


_LATER = {"_indexed", "_known", "_producer", "captures", "equations", "inputs", "scope"}


_new: Callable[[type[Tracer]], Tracer] = Tracer.__new__


class Replay(Recorder):
    """The recorder of a trace that so far does what guards hold.

    Attributes:
        captured: the captured arrays so far, and what is to be computed with; or the tracers.
        numbers: the numbers so far, of those that vary.
    """

    __slots__ = ("_calls", "_looked", "_next", "_on", "_values", "captured", "numbers")

    def __init__(self, on: Guards, parent: Recorder | None = None, reason: str = ""):
        self._on = on
        self._calls = on.calls
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
        self.memo = self

    def __getattr__(self, name: str) -> Any:
        """Become what a recorder is that has recorded all so far."""
        if name not in _LATER:
            raise AttributeError(name)
        self.bail_out()
        program = self._on.recording.program
        done = self._calls[self._next - 1].end if self._next else 0
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
        types: Sequence[ArrayType],  # noqa: ARG002 -- the guards' are equal
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
        """The result of a call: the next guard's, or what the front end gives.

        Each line here counts: it runs for all that a warm function does.
        """
        current = CURRENT.get()
        if current is not self:
            if current is None:
                return run(function, operands, options)
            return current.memo.call(run, function, operands, options, by_type)
        before = self._next
        expected, given, keywords, result, code, offset, _, _ = self._calls[before]
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
                    self._next = before + 1
                    if type(result) is not Fresh or result[2]:
                        return self._made(result, operands)
                    tracer = _new(Tracer)
                    tracer.recorder, tracer.symbol, tracer.type = self, result[0], result[1]
                    return tracer
        made = run(function, operands, options)
        if type(made) is Tracer and self._next == before and self.memo is self:
            self._note_name(made, operands)
        return made

    def _note_name(self, made: Tracer, operands: Sequence[Any]) -> None:
        """Bail out where a value that it knows has got another name, or another type."""
        if not any(x is made for x in operands):
            self.bail_out()

    def enter(self, scope: str) -> None:
        call = self._calls[self._next]
        if self.memo is self and call.function is SCOPE and call.operands == (Constant(scope),):
            self._next += 1
            return
        self.bail_out()
        super().enter(scope)

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        if self.memo is not self:
            return super().record(primitive, operands, params)
        call = self._calls[self._next]
        if (
            call.function is primitive
            and len(operands) == len(call.operands)
            and self.fit(call.operands, operands)
            and self._fit_keywords(call.options, params)
            and self._there()
        ):
            self._next += 1
            return self._made(call.result, operands)
        self.bail_out()
        return super().record(primitive, operands, params)

    def _there(self) -> bool:
        """Whether the user's code is at the place of the next call, or in the same line.

        Python's interpreter comes to count the places of some calls differently in code that has
        run a few times. The guards then learn the place.
        """
        call, frame = self._calls[self._next], user_frame()
        if frame is None or frame.f_code is not call.code:
            return frame is None and call.code is None
        if frame.f_lasti == call.offset:
            return True
        if resolve((frame.f_code, call.offset)) != resolve((frame.f_code, frame.f_lasti)):
            return False
        self._calls[self._next] = call._replace(offset=frame.f_lasti)
        return True

    def inline(self, program: Program, operands: Sequence[Any]) -> list[Any]:
        call = self._calls[self._next]
        if (
            self.memo is self
            and call.function is program
            and len(operands) == len(call.operands)
            and self.fit(call.operands, operands)
        ):
            self._next += 1
            return self._made(call.result, operands)
        self.bail_out()
        return super().inline(program, operands)

    def look(
        self, tracer: Tracer, convert: Callable[[Any], Any], why: str, remedy: str = ""
    ) -> Any:
        """Ask for a value; the trace goes on as a replay if the answer is the same."""
        if self.memo is self and CURRENT.get() is self and tracer.recorder is self:
            call = self._calls[self._next]
            look = call.function
            if type(look) is Look and look.convert is convert and tracer.symbol is call.operands[0]:
                answer = convert(self._value(call.operands[0], look.rows))
                if same_constant(answer, call.result):
                    self._next += 1
                else:
                    self.bail_out()
                return answer
        self.bail_out()
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
        captured = self.repeated(outputs)
        if captured is None:
            return super().finish(outputs, name)
        on = self._on
        return Recording(on.recording.program, captured, on.recording.output_types, on)

    def repeated(self, outputs: Sequence[Any]) -> tuple[Any, ...] | None:
        """What was captured by a trace that did what the guards hold; None if it did not."""
        on = self._on
        if self.memo is not self or self._calls[self._next].function is not None:
            return None
        if len(outputs) != len(on.outputs):
            return None
        for x, (want, type_) in zip(outputs, on.outputs, strict=True):
            known = x.type if type(x) is Tracer else type_of(x)
            if known is not type_ or not self.fit((want,), (x,)):
                return None
        if not (on.captured or on.numbers):
            return ()
        captured = []
        for var in on.captured:
            if var not in self.captured:
                return None
            captured.append(self.captured[var][1])
        captured += [self.numbers[var] for var in on.numbers]  # all calls were compared
        return tuple(captured)
