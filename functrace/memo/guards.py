"""What a trace did, call by call, for comparison with a later one (`memo/replay.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..ir import ArrayType, Equation, Literal, Program, Var
from ..recording import Recording
from ..source import resolve
from ..tracer import Tracer
from ..values import same_bits


class Trace(Protocol):
    """A trace in progress that is compared with a recorded one.

    Attributes:
        captured: the captured arrays, and what is to be computed with; or the captured tracers.
        numbers: the numbers, of those that vary.
    """

    captured: dict[Var, tuple[Any, Any]]
    numbers: dict[Var, Any]

    def snapshot(self, array: np.ndarray) -> np.ndarray: ...

    def inside(self, outer: Any) -> bool: ...

    def fit(self, expected: Sequence[Any], operands: Sequence[Any]) -> bool: ...


# What is compared


class Constant(NamedTuple):
    """An operand that must be the same again: a number, a text, a dtype, a slice."""

    value: Any

    def fits(self, x: Any, trace: Trace) -> bool:  # noqa: ARG002 -- as the others
        return x is self.value or same_constant(x, self.value)


class Retyped(NamedTuple):
    """A traced value under another type than its Var's: one that Python counts with."""

    symbol: Var
    type: ArrayType

    def fits(self, x: Any, trace: Trace) -> bool:
        return (
            type(x) is Tracer
            and x.recorder is trace
            and x.symbol is self.symbol
            and x.type is self.type
        )


class Slot(NamedTuple):
    """An array of the surrounding code: one of the same type, whatever its values."""

    symbol: Var
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def fits(self, x: Any, trace: Trace) -> bool:
        if type(x) is not np.ndarray or x.dtype is not self.dtype or x.shape != self.shape:
            return False
        known = trace.captured.get(self.symbol)
        if known is None:
            trace.captured[self.symbol] = x, trace.snapshot(x)
            return True
        array, snapshot = known
        return array is x and (snapshot is x or same_bits(snapshot, x))


class Outer(NamedTuple):
    """A traced value of a surrounding trace: one of the same type."""

    symbol: Var
    type: ArrayType

    def fits(self, x: Any, trace: Trace) -> bool:
        if type(x) is not Tracer or x.type is not self.type:
            return False
        known = trace.captured.get(self.symbol)
        if known is not None:
            return known[0] is x.symbol
        if not x.recorder.alive or not trace.inside(x.recorder):
            return False
        trace.captured[self.symbol] = x.symbol, x
        return True


class Number(NamedTuple):
    """A number that varies from call to call: one of the same Python type.

    Attributes:
        symbol: the input of the Program that stands for it.
        convert: to the dtype with which it is computed.
    """

    symbol: Var
    kind: type
    convert: Callable[[Any], np.generic]

    def fits(self, x: Any, trace: Trace) -> bool:
        if type(x) is not self.kind:
            return False
        try:
            trace.numbers[self.symbol] = self.convert(x)
        except OverflowError:  # which the front end explains
            return False
        return True


class Parts(NamedTuple):
    """A tuple or list of operands, or of results."""

    kind: type
    parts: tuple[Any, ...]

    def fits(self, x: Any, trace: Trace) -> bool:
        return type(x) is self.kind and len(x) == len(self.parts) and trace.fit(self.parts, x)


def same_constant(x: Any, known: Any) -> bool:
    """Whether two constants are the same: in type, and bit for bit."""
    kind = type(known)
    if type(x) is not kind:
        return False
    if issubclass(kind, (float, complex)) and not issubclass(kind, np.generic):
        base = float if issubclass(kind, float) else complex  # -0.0 is not 0.0
        return base.__repr__(x) == base.__repr__(known)
    if kind is slice:
        return (
            same_constant(x.start, known.start)
            and same_constant(x.stop, known.stop)
            and same_constant(x.step, known.step)
        )
    if kind is tuple:
        return len(x) == len(known) and all(map(same_constant, x, known))
    if kind is Program:
        return x is known or (x == known and x.name == known.name and same_places(x, known))
    if issubclass(kind, np.generic):
        return x.dtype == known.dtype and x.tobytes() == known.tobytes()
    return x is known or x == known


def same_places(left: Program, right: Program) -> bool:
    """Whether equal Programs, and those in them, were recorded at the same lines."""
    for a, b in zip(left.equations, right.equations, strict=True):
        if a.position != b.position and resolve(a.position) != resolve(b.position):
            return False
        inner = zip(a.programs, b.programs, strict=True)
        if not all(same_places(one, other) for (_, one), (_, other) in inner):
            return False
    return True


_COMPARABLE = (int, float, complex, str, type(None), type(Ellipsis), type, np.dtype, np.generic)


def is_constant(x: Any) -> bool:
    if type(x) is slice:
        return is_constant(x.start) and is_constant(x.stop) and is_constant(x.step)
    return isinstance(x, _COMPARABLE)


class Fresh(NamedTuple):
    """The result of a call: a new tracer.

    Attributes:
        special: whether it lies in C order, or shares memory with another.
        alias: how it shares memory: None, Foreign, or a View.
        source: the operand that it is a view of, by its number.
    """

    symbol: Var
    type: ArrayType
    special: bool
    c_order: bool
    alias: Any
    source: int


class Call(NamedTuple):
    """One call of a trace.

    Attributes:
        function: what was called: a front end, a function of NumPy, or a primitive.
        operands: what its operands must be: a Var for a traced value, else a Constant and the like.
        options: the same for its keywords.
        result: what it gave: a Fresh, the number of an operand, or Parts of such.
        code, offset: the user's code that called it, and where; None where that is no matter.
        end: how many equations were recorded when it had returned.
        by_type: whether the values of plain numbers and arrays do not decide what is recorded.
    """

    function: Any
    operands: tuple[Any, ...]
    options: dict[str, Any]
    result: Any
    code: CodeType | None
    offset: int
    end: int
    by_type: bool


class Look(NamedTuple):
    """What Python asked of a value, which must have the same answer again.

    It stands for the function of a Call: the operand is the traced value, the result the answer.

    Attributes:
        convert: from the value to the answer, which is True or False where a branch depends on it.
        rows: the numbers of the equations by which the value was computed, in their order, but for
            those that were computed for an earlier look.
    """

    convert: Callable[[Any], Any]
    rows: tuple[int, ...]


END = Call(None, (), {}, None, None, -1, 0, by_type=False)


class Guards(NamedTuple):
    """What a trace did.

    Attributes:
        calls: the calls in their order, and a last one that is like none.
        recording: what was recorded, without the captured arrays.
        inputs: the tracers of the function's inputs: their Vars, types and aliases.
        captured: the Vars of what was captured.
        numbers: the Vars of the numbers that vary, which are captured after these.
        outputs: what was returned, and its types.
        finished: what has been made of the Program, for each transform.
    """

    calls: list[Call]
    recording: Recording
    inputs: tuple[tuple[Var, ArrayType, Any], ...]
    captured: tuple[Var, ...]
    numbers: tuple[Var, ...]
    outputs: tuple[tuple[Any, ArrayType], ...]
    finished: dict[Any, Any]

    def with_numbers(self, recording: Recording) -> Guards | None:
        """The guards of a recording in which numbers have become captured inputs.

        None where a number is not just as it was given to a call.
        """
        old, new = self.recording.program, recording.program
        calls, start, found = list(self.calls), 0, set()
        for i, call in enumerate(self.calls[:-1]):
            pairs = [(old.equations[j], new.equations[j]) for j in range(start, call.end)]
            changed = [(was, now) for was, now in pairs if was is not now]
            if changed:
                varying = _varying(call, *changed[0]) if len(changed) == 1 else None
                if varying is None:
                    return None
                calls[i] = call._replace(operands=varying)
                found |= {x.symbol for x in varying if type(x) is Number}
            start = call.end
        numbers = new.inputs[len(old.inputs) :]
        if found != set(numbers):
            return None
        return self._replace(
            calls=calls, recording=recording._replace(captured=()), numbers=numbers, finished={}
        )


def _varying(call: Call, was: Equation, now: Equation) -> tuple[Any, ...] | None:
    """The operands of a call, of whose equations one has a Var now in the place of a number."""
    if not call.by_type or (was.primitive.name == "power" and call.function is not was.primitive):
        return None  # some exponents are recorded in ways of their own
    changed = [(a, b) for a, b in zip(was.inputs, now.inputs, strict=True) if a is not b]
    numbers = [i for i, x in enumerate(call.operands) if type(x) is Constant]
    if len(changed) != 1 or len(numbers) != 1:
        return None
    ((literal, var),) = changed
    i = numbers[0]
    given, convert = call.operands[i].value, literal.type.dtype.type
    assert isinstance(literal, Literal)
    assert isinstance(var, Var)
    if not isinstance(given, _NUMBERS) or convert(given).tobytes() != literal.value.tobytes():
        return None
    number = Number(var, type(given), convert)
    return (*call.operands[:i], number, *call.operands[i + 1 :])


_NUMBERS = (int, float, complex, np.number)
