"""Recording: how calls on tracers become the equations of a Program.

`bind` is the one way into an op. Without a tracer among the operands NumPy computes the value at
once; otherwise the innermost recorder of this thread appends an equation. A tracer of an outer
recorder, or an array of the surrounding code, becomes an extra input of the inner Program
(closure conversion). An op that has effects is recorded wherever there is a recorder.

Recording computes nothing. When Python needs a value (`if`, `while`, `range`), the recorder
evaluates what that value depends on, provided that its inputs have values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from sys import modules
from types import TracebackType
from typing import Any, Self

import numpy as np

from . import operators  # noqa: F401 -- gives tracers their operators
from .errors import ConcretizationError, LeakedTracerError
from .interop import introduce
from .ir import ACTS, ArrayType, Atom, Equation, Literal, Program, Var
from .locks import LOCKS
from .primitive import Primitive
from .recording import Recording
from .sharing import FOREIGN, FOREIGN_NUMBER
from .source import Place, Remark, user_position
from .tracer import NO_OPTIONS, Run, Tracer
from .translation import translate
from .unrolled import warn_of_unrolled
from .values import NUMERIC_KINDS as NUMERIC_KINDS
from .values import SCALAR_TYPES, same_bits
from .values import plain as plain
from .values import type_of as type_of

_COPY_BELOW = 1 << 16  # bytes; a captured array is copied below this size, and locked above it

CURRENT: ContextVar[Recorder | None] = ContextVar("functrace_recorder", default=None)
SCOPE: ContextVar[str] = ContextVar("functrace_scope", default="")
OBSERVERS: list[Any] = []  # told when recorders begin and end, by methods of these names


def bind(primitive: Primitive, *operands: Any, **params: Any) -> Any:
    """Apply a primitive to tracers or NumPy values.

    Args:
        operands: tracers, NumPy arrays or NumPy scalars, of the dtypes that the primitive takes.
        params: the static parameters, hashable.
    """
    for operand in operands:
        if type(operand) is Tracer:
            recorder = CURRENT.get()
            if recorder is None:
                raise _leaked(operand)
            return recorder.record(primitive, operands, params)
    if not primitive.pure:
        recorder = CURRENT.get()
        if recorder is not None and primitive.effects_of(params):
            return recorder.record(primitive, operands, params)
    if primitive.elementwise and rewriting_recorder() is not None:
        return _of_constants(primitive, operands, params)
    return primitive.impl(*operands, **params)


def _of_constants(primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """The value of an elementwise op; of arrays that repeat one number it is such an array."""
    if not all(x.size and not any(x.strides) for x in operands):
        return primitive.impl(*operands, **params)
    value = primitive.impl(*[x[(0,) * x.ndim] for x in operands], **params)
    return np.broadcast_to(value, np.broadcast_shapes(*[x.shape for x in operands]))[()]


def innermost() -> Recorder | None:
    """The innermost recorder of this thread."""
    return CURRENT.get()


def tracing() -> Recorder | None:
    """The innermost recorder, while a function of the user is traced."""
    recorder = CURRENT.get()
    return None if recorder is None or recorder.rewriting else recorder


def recorder_for(operands: Sequence[Any], program: Program | None = None) -> Recorder | None:
    """The innermost recorder when a tracer is among the operands, else None.

    Args:
        program: what is to be done with the operands; where it has effects, the recorder is wanted
            in any case.

    Raises:
        LeakedTracerError: when there is a tracer, but no recorder in this thread.
    """
    for operand in operands:
        if type(operand) is Tracer:
            recorder = CURRENT.get()
            if recorder is None:
                raise _leaked(operand)
            return recorder
    return CURRENT.get() if program is not None and program.effects else None


def rewriting_recorder() -> Recorder | None:
    """The innermost recorder when it is that of a transform or a rule, else None."""
    recorder = CURRENT.get()
    return recorder if recorder is not None and recorder.rewriting else None


class _NoMemo:
    """Stands where there are no guards: each call is run."""

    __slots__ = ()

    def call(
        self,
        run: Run,
        function: Any,
        operands: Sequence[Any],
        options: Mapping[str, Any] = NO_OPTIONS,
        by_type: bool = False,  # noqa: ARG002 -- as for guards
    ) -> Any:
        return run(function, operands, options)


NO_MEMO = _NoMemo()


class Recorder:
    """Collects equations while a function is traced or a Program rewritten.

    Attributes:
        parent: the recorder of the surrounding trace.
        reason: why inputs have no values ("jit", "vmap", ...), for error messages.
        rewriting: whether arrays become literals, as in a rule, rather than captured inputs.
        position: the source of recorded equations, when it is not the running user code.
        scope: the names that the running user code is under.
        labels: those of the arguments, where they come from arrays with labels (`operands.py`).
        memo: what answers when user code calls a function (see `memo/replay.py`).
    """

    __slots__ = (
        "_indexed", "_known", "_locked", "_producer", "_token", "alive", "captures", "equations",
        "inputs", "labels", "memo", "parent", "position", "reason", "rewriting", "scope",
    )  # fmt: skip

    def __init__(self, parent: Recorder | None, reason: str = ""):
        self.parent = parent
        self.reason = reason
        self.rewriting = False
        self.alive = True
        self.inputs: list[Var] = []
        self.equations: list[Equation] = []
        self.captures: dict[int, list[tuple[Var, Any, Any]]] = {}
        self.position: Place = None
        self.scope = SCOPE.get()
        self._known: dict[Var, Any] = {}  # values, and tracers of outer recorders to ask for one
        self._producer: dict[Var, Equation] = {}
        self._indexed = 0
        self._locked: list[np.ndarray] = []
        self.memo: Any = NO_MEMO

    @property
    def is_current(self) -> bool:
        """Whether this recorder is the innermost."""
        return CURRENT.get() is self

    def bail_out(self) -> None:
        """Compare with no guards from here on: what happens now is in none."""
        self.memo = NO_MEMO

    def enter(self, scope: str) -> None:
        """Note the names that the user's code is under from here on."""
        self.scope = scope

    # Inputs.

    def input(self, type: ArrayType, name: str = "", value: Any = None) -> Tracer:
        """A new input. With a `value` (an array, or a tracer that may have one) it is concrete."""
        var = Var(type.strong, name)
        self.inputs.append(var)
        if value is not None:
            self._known[var] = value
        tracer = Tracer(self, var, type)
        tracer.alias = FOREIGN if type.shape else FOREIGN_NUMBER
        return tracer

    def all_inputs(
        self, types: Sequence[ArrayType], names: Sequence[str], values: Sequence[Any] | None
    ) -> list[Tracer]:
        """The inputs of the traced function, concrete where there are values."""
        return [
            self.input(type, name, None if values is None else values[i])
            for i, (type, name) in enumerate(zip(types, names, strict=True))
        ]

    def atom(self, value: Any) -> Atom:
        """The Var or Literal for an operand.

        Raises:
            LeakedTracerError: for a tracer whose trace has ended.
        """
        if type(value) is Tracer:
            return value.symbol if value.recorder is self else self._capture_tracer(value)
        if isinstance(value, np.generic):
            return Literal(value, SCALAR_TYPES.get(value.dtype))
        if isinstance(value, np.ndarray) and value.ndim:
            return Literal(value) if self.rewriting else self._capture_array(value)
        value = plain(value)
        if isinstance(value, np.ndarray):
            value = value[()]
        return Literal(value)

    def _capture_tracer(self, tracer: Tracer) -> Var:
        entries = self.captures.get(id(tracer.symbol))
        if entries:
            return entries[0][0]
        if not tracer.recorder.alive or not self.inside(tracer.recorder):
            raise _leaked(tracer)
        var = Var(tracer.symbol.type, tracer.symbol.name)
        self._known[var] = tracer
        # Keyed by the Var: one traced value may be known through several Tracer objects.
        self.captures[id(tracer.symbol)] = [(var, tracer, None)]
        return var

    def inside(self, outer: Recorder) -> bool:
        """Whether the trace is made within another."""
        recorder = self.parent
        while recorder is not None:
            if recorder is outer:
                return True
            recorder = recorder.parent
        return False

    def _capture_array(self, array: np.ndarray) -> Var:
        """Capture an array of the surrounding code, as it is now."""
        entries = self.captures.setdefault(id(array), [])
        if entries:  # the newest alone, or a buffer changed at every step would take squared time
            var, snapshot, _ = entries[-1]
            if snapshot is array or same_bits(snapshot, array):
                return var
        var, value = Var(type_of(array)), self.snapshot(array)
        self._known[var] = value
        entries.append((var, value, array))  # holding the array keeps its id from being reused
        return var

    def snapshot(self, array: np.ndarray) -> np.ndarray:
        """An array as it is now, and stays until the trace ends.

        A small array is copied, so that code may go on to change it. A large one is used where it
        lies, and locked against changes.
        """
        value = plain(array)
        if value is array and LOCKS.changeable(array) and not self._held(array):
            value = array.copy()
        return value

    def _held(self, array: np.ndarray) -> bool:
        """Whether a large array is now locked, so that it need not be copied."""
        return array.nbytes >= _COPY_BELOW and LOCKS.lock(array, self._locked)

    # Equations.

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """Append an equation; its output tracer, or a tuple of them."""
        atoms = tuple(
            [
                x.symbol if type(x) is Tracer and x.recorder is self else self.atom(x)
                for x in operands
            ]
        )
        types = primitive.infer_types(tuple([atom.type for atom in atoms]), params)
        outputs = tuple([Var(type) for type in types])
        position = self.position or (
            Remark(user_position(), self.scope) if self.scope else user_position()
        )
        self.equations.append(Equation(primitive, atoms, params, outputs, position))
        if primitive.multiple:
            return tuple([Tracer(self, var, var.type) for var in outputs])
        var = outputs[0]
        return Tracer(self, var, var.type)

    def inline(self, program: Program, operands: Sequence[Any]) -> list[Any]:
        """Append a Program's equations with new Vars; tracers (or constants) for its outputs."""
        rename: dict[Var, Atom] = {
            var: self.atom(operand) for var, operand in zip(program.inputs, operands, strict=True)
        }
        for equation in program.equations:
            inputs = tuple([rename[a] if type(a) is Var else a for a in equation.inputs])
            outputs = tuple([Var(var.type) for var in equation.outputs])
            for old, new in zip(equation.outputs, outputs, strict=True):
                rename[old] = new
            self.equations.append(
                Equation(equation.primitive, inputs, equation.params, outputs, equation.position)
            )
        outputs = [
            self.value_of_atom(rename[atom] if isinstance(atom, Var) else atom)
            for atom in program.outputs
        ]
        # Constants are the Program's own; the caller may write to what it gets.
        return [np.array(x) if isinstance(x, np.ndarray) else x for x in outputs]

    def value_of_atom(self, atom: Atom) -> Any:
        """What rules and callers compute with: a tracer for a Var, the value of a Literal."""
        return Tracer(self, atom, atom.type) if isinstance(atom, Var) else atom.value

    # Values on demand.

    def value(self, tracer: Tracer, why: str, remedy: str = "") -> Any:
        """The value of a tracer, when the inputs it depends on have values.

        Raises:
            ConcretizationError: when they have not.
            LeakedTracerError: when the trace has ended.
        """
        if not self.alive:
            raise _leaked(tracer)
        for equation in self.equations[self._indexed :]:
            for var in equation.outputs:
                self._producer[var] = equation
        self._indexed = len(self.equations)
        known = self._known
        stack = [tracer.symbol]
        while stack:
            var = stack[-1]
            if var in known:
                if type(known[var]) is Tracer:
                    outer = known[var]
                    known[var] = outer.recorder.value(outer, why, remedy)
                stack.pop()
                continue
            equation = self._producer.get(var)
            if equation is None:
                raise self._no_value(tracer, why, remedy)
            waiting = [
                a
                for a in equation.inputs
                if isinstance(a, Var) and (a not in known or type(known[a]) is Tracer)
            ]
            if waiting:
                stack.extend(waiting)
                continue
            if not equation.primitive.pure:
                equation = self._without_effects(equation, tracer, why)
            values = [known[a] if isinstance(a, Var) else a.value for a in equation.inputs]
            known.update(zip(equation.outputs, self.evaluate(equation, values), strict=True))
            stack.pop()
        return known[tracer.symbol]

    def evaluate(self, equation: Equation, values: list[Any]) -> Sequence[Any]:
        """The outputs of an equation for values of its operands."""
        return equation.primitive.evaluate(values, equation.params)

    def look(
        self, tracer: Tracer, convert: Callable[[Any], Any], why: str, remedy: str = ""
    ) -> Any:
        """What Python asks of a value: whether it is true, which integer it is."""
        return convert(self.value(tracer, why, remedy))

    def _without_effects(self, equation: Equation, tracer: Tracer, why: str) -> Equation:
        """An equation as it can be evaluated now, and again when the Program runs."""
        if equation.effects - {ACTS}:
            raise self._no_value(tracer, why, "")  # it differs along an axis that is mapped
        return equation.with_programs(Program.silent)

    def _no_value(self, tracer: Tracer, why: str, remedy: str) -> ConcretizationError:
        return ConcretizationError(
            f"a traced value of type {tracer.type} has no value under "
            f"{self.reason or 'a transform'}, but {why}",
            remedy
            or "choose between values with np.where(condition, a, b), between computations with "
            "functrace.cond, repeat one with functrace.while_loop; for a flag or a size, mark the "
            "argument static: jit(f, static_argnums=...)",
        )

    # The end.

    def finish(self, outputs: Sequence[Any], name: str) -> Recording:
        """The Program recorded so far, with the given outputs."""
        atoms = [self.atom(value) for value in outputs]
        types = tuple([type_of(value) for value in outputs])
        flat = [entry for entries in self.captures.values() for entry in entries]
        inputs = self.inputs + [var for var, _, _ in flat]
        program = Program(inputs, self.equations, atoms, name)
        return Recording(program, tuple([operand for _, operand, _ in flat]), types)

    def __enter__(self) -> Self:
        """Become the innermost recorder."""
        self._token = CURRENT.set(self)
        for observer in OBSERVERS:
            observer.begin(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the trace: tracers are dead from here on, and arrays are unlocked."""
        CURRENT.reset(self._token)
        for observer in OBSERVERS:
            observer.end(self)
        self.alive = False
        self.memo = NO_MEMO
        locked = bool(self._locked)
        if locked:
            LOCKS.unlock(self._locked)
        if error is not None:
            translate(error, locked)


def recording(reason: str = "") -> Recorder:
    """A new recorder, to be innermost for the duration of a `with` block."""
    return Recorder(CURRENT.get(), reason)


@contextmanager
def rewriting(program: Program) -> Iterator[Recorder]:
    """A recorder in which a transform rewrites a Program: it has the Program's inputs."""
    with recording() as recorder:
        recorder.rewriting = True
        recorder.inputs.extend(program.inputs)
        yield recorder


def record(
    function: Callable[[list[Tracer]], Sequence[Any]],
    types: Sequence[ArrayType],
    *,
    names: Sequence[str],
    values: Sequence[Any] | None = None,
    reason: str = "",
    name: str = "program",
    recorder: Recorder | None = None,
) -> Recording:
    """Trace a function of a list of arrays that returns a sequence of arrays.

    Args:
        types: a type for each input.
        names: a name for each input.
        values: the inputs' values, when Python's `if` and `while` may ask for them.
        reason: the transform that withholds values, for error messages.
        name: the name of the Program.
        recorder: a recorder to use; without one it is a new one.
    """
    if "autoray" in modules:
        introduce()
    with recorder or recording(reason) as recorder:
        outputs = function(recorder.all_inputs(types, names, values))
        finished = recorder.finish(outputs, name)
    if finished.guards is None:  # else the trace was there before
        warn_of_unrolled(finished.program.equations)
    return finished


def _leaked(tracer: Tracer) -> LeakedTracerError:
    equation = next(
        (e for e in reversed(tracer.recorder.equations) if tracer.symbol in e.outputs), None
    )
    made = f"; it was made at {equation.source}" if equation is not None else ""
    if equation is None and tracer.symbol.name:
        made = f"; it is the argument {tracer.symbol.name}"
    elsewhere = " in another thread" if tracer.recorder.alive else ""
    return LeakedTracerError(
        f"a traced value of type {tracer.type} was used outside{elsewhere} of the traced function "
        f"that it belongs to{made}",
        "return it from the function instead of storing it in a global, an attribute or a list",
    )
