"""A function with a derivative of its own: a rule from tangents to tangents.

The rule gives outputs and their tangents, and is code like any other: second derivatives are
derivatives of the rule. In reverse mode its tangents are linearized, which parts what depends on
the primals alone from what is linear in the tangents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..axes import scope
from ..control.programs import depends, inline, rows_program, used_inputs, with_zeros
from ..errors import ConcretizationError, CustomRuleError, FunctraceError
from ..ir import ACTS, FLOAT0, ArrayType, Equation, Program, zeros
from ..lists import merge, select
from ..passes.dead_code import dead_code
from ..recorder import bind
from ..recording import Recording
from ..source import Source
from ..transforms.linearize import linearize, split_equations
from ..transforms.vmap import vmap as vmap_program
from .function import grouped, refuse_captured, ruled
from .hashable_function import Fixed, defined_at
from .later import called_later
from .rules import (
    Rule,
    SteadyRule,
    SymbolicZero,
    closed,
    demand_pair,
    fitted,
    fitted_outputs,
    guarded,
    is_zero,
    matched,
    place_of,
    recording_rule,
)
from .signature import Call, Result, traced


class Pushforward(NamedTuple):
    """What a rule recorded.

    Attributes:
        program: from arguments, some tangents and extras to outputs and some tangents.
        takes: for each argument whether its tangent is an input; where there is none, it is zero.
        gives: for each output whether its tangent is an output; the others are zero.
    """

    program: Program
    takes: tuple[bool, ...]
    gives: tuple[bool, ...]


class JvpRule(SteadyRule):
    """A user's rule for one call.

    Attributes:
        function: takes what is not differentiated by, then primals and tangents.
        symbolic: whether it is to know which tangents are zero.
    """

    __slots__ = ("call", "function", "result", "symbolic")
    fields = ("function", "call", "result", "symbolic")
    functions = ("function",)
    function: Fixed
    call: Call
    result: Result
    symbolic: bool

    @property
    def what(self) -> str:
        """The rule, in messages."""
        return f"the jvp rule of {self.call.name}"

    @property
    def source(self) -> Source | None:
        """Where the rule is defined."""
        return defined_at(self.function.value)

    @property
    def steady(self) -> tuple[bool, ...] | None:
        return None if self.symbolic else self.call.active

    def situation(self, active: Sequence[bool]) -> tuple[bool, ...]:
        """Of what the rule's record depends on the arguments that have a tangent."""
        own = self.call.active
        return tuple([a and b for a, b in zip(active, own, strict=True)]) if self.symbolic else own

    def trace(self, situation: tuple[bool, ...]) -> Pushforward:
        recording, gives = self.record(situation)
        program = closed(recording, self.what, self.source)
        return Pushforward(program, situation, gives)

    def record(
        self, takes: tuple[bool, ...], values: Sequence[Any] | None = None, later: bool = False
    ) -> tuple[Recording, tuple[bool, ...]]:
        """Trace the rule; which outputs have a tangent.

        Args:
            values: those of the arguments, when Python's control flow may look at them.
            later: whether the rule may be called when it runs, if it asks for more.
        """
        call, count = self.call, len(self.call.types)
        found: list[Any] = []

        def flat(tracers: list[Any]) -> list[Any]:
            outputs, moved = self._push(takes, tracers)
            found.extend(moved)
            return [*outputs, *[t for t in moved if t is not None]]

        types = [*call.types, *select(call.types, takes)]
        try:
            with scope(call.axes), recording_rule(self):
                recording, _ = traced(
                    flat,
                    types,
                    [*call.names, *[f"d{name}" for name in select(call.names, takes)]],
                    values=None if values is None else [*values, *[None] * sum(takes)],
                    reason=self.what,
                    name=call.name,
                )
        except ConcretizationError:
            if not later:
                raise
            return self._called(types, takes)
        gives = tuple([t is not None for t in found])
        self._demand_apart(recording.program, count, takes)
        return recording, gives

    def _push(
        self, takes: tuple[bool, ...], operands: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """What the rule makes of arguments and tangents: outputs, and tangents of these."""
        call, count = self.call, len(self.call.types)
        aside, primals = call.parted(call.arguments(operands[:count]))
        tangents = [
            self._nothing(type) if t is None else t
            for t, type in zip(merge(operands[count:], takes), call.types, strict=True)
        ]
        directions = call.parted(call.arguments(tangents))[1]
        return self._checked(guarded(self.function, self.what)(*aside, primals, directions))

    def _called(
        self, types: Sequence[ArrayType], takes: tuple[bool, ...]
    ) -> tuple[Recording, tuple[bool, ...]]:
        """The Program that calls the rule."""
        outputs, gives = self.result.types, tuple(self.result.active)
        program = called_later(
            LateJvp(self, takes), types, [*outputs, *select(outputs, gives)], self.call.name,
            self.source,
        )  # fmt: skip
        return Recording(program, (), outputs), gives

    def _nothing(self, type: ArrayType) -> Any:
        """The tangent of what has none: an integer, or with symbolic zeros what does not move."""
        dtype = type.dtype if type.inexact else FLOAT0
        if self.symbolic:
            return SymbolicZero(type.shape, dtype)
        return np.zeros(type.shape, dtype)

    def _checked(self, pair: Any) -> tuple[list[Any], list[Any]]:
        """Outputs and tangents as the rule returned them, `None` for tangents that are zero."""
        structure, types = self.result.structure, self.result.types
        outputs, tangents = demand_pair(pair, self.what, "output, tangent", self.source)
        outputs = fitted_outputs(outputs, structure, types, f"{self.what}: the output", self.source)
        what = f"{self.what}: the tangent of the output"
        leaves = matched(tangents, structure, what, self.source)
        return outputs, [
            None
            if is_zero(t) or not type.inexact
            else fitted(t, type, f"{what}{path}", self.source)
            for t, type, path in zip(leaves, types, tree.paths(structure), strict=True)
        ]

    def _demand_apart(self, program: Program, count: int, takes: Sequence[bool]) -> None:
        """Check that no output depends on a tangent."""
        flags = [count <= i < count + sum(takes) for i in range(len(program.inputs))]
        outputs = len(self.result.types)
        if any(depends(program, flags)[:outputs]):
            alone = dead_code(program.replace(outputs=program.outputs[:outputs]))
            if any(select(used_inputs(alone), flags)):
                raise CustomRuleError(
                    f"{self.what}: the output depends on a tangent",
                    "return (output, tangent): the output is what the function returns",
                    self.source,
                )


class LateJvp(NamedTuple):
    """The rule, to be called when there are values.

    Attributes:
        takes: which arguments have a tangent.
    """

    rule: JvpRule
    takes: tuple[bool, ...]

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.rule.call.name

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        """Outputs, and tangents of those that may have one."""
        outputs, moved = self.rule._push(self.takes, arrays)
        return [*outputs, *select(moved, self.rule.result.active)]

    def refuse(self) -> FunctraceError:
        """The error for reverse mode, a second derivative, or a batch."""
        return ConcretizationError(
            f"{self.rule.what} looks at values of tangents, so that it is called when they are "
            "known; it serves forward mode without jit and vmap alone, and not reverse mode",
            "write it without looking at values: with np.where(condition, a, b), or functrace.cond",
            self.rule.source,
        )


class KnownJvp(Rule):
    """A rule that is recorded already."""

    __slots__ = ("known",)
    fields = ("known",)
    known: Pushforward

    def situation(self, active: Sequence[bool]) -> tuple[bool, ...]:  # noqa: ARG002 -- all rules'
        return self.known.takes

    def trace(self, situation: tuple[bool, ...]) -> Pushforward:  # noqa: ARG002 -- as above
        return self.known


class BatchedJvp(Rule):
    """A rule for many examples.

    Attributes:
        rule: that for one.
        arguments, extras: which of them have the mapped axis, of length `size`.
    """

    __slots__ = ("arguments", "extras", "rule", "size")
    fields = ("rule", "arguments", "extras", "size")
    rule: Any
    arguments: tuple[bool, ...]
    extras: tuple[bool, ...]
    size: int

    def situation(self, active: Sequence[bool]) -> tuple[bool, ...]:
        return self.rule.situation(active)

    def trace(self, situation: tuple[bool, ...]) -> Pushforward:
        one = self.rule.traced(situation)
        mapped = [*self.arguments, *select(self.arguments, one.takes), *self.extras]
        program, reached = vmap_program(one.program, mapped, self.size)
        wanted = [True] * len(reached)
        return one._replace(program=rows_program(program, reached, wanted, self.size))


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], separate: bool, *,
    program: Program, captured: int, extras: int, rule: Any,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    refuse_captured(tangents, captured, "jvp", program.name)
    _, arguments, more = grouped(primals, captured, extras)
    given = grouped(tangents, captured, extras)[1]
    found = rule.traced(rule.situation([t is not None for t in given]))
    outputs = len(program.outputs)
    if not any(t is not None for t in select(given, found.takes)):
        same = bind(
            CUSTOM_JVP, *primals, program=program, captured=captured, extras=extras, rule=rule
        )
        return same, [None] * outputs
    types = program.input_types[captured:]
    takes = found.takes
    moved = with_zeros(select(given, takes), select(types[: len(takes)], takes))
    if not separate:
        results = inline(found.program, [*arguments, *moved, *more])
        return results[:outputs], merge(results[outputs:], found.gives)
    return _parted(found, outputs, arguments, moved, more)


def _parted(
    found: Pushforward, outputs: int, arguments: list[Any], moved: list[Any], extras: list[Any]
) -> tuple[list[Any], list[Any]]:
    """Outputs and tangents, by equations for the one and equations for the other.

    Tangents that are linear in tangents are their own derivative, taken at zero.
    """
    whole, first, last = found.program, len(arguments), len(arguments) + len(moved)
    flags = [first <= i < last for i in range(len(whole.inputs))]
    parts = linearize(whole, flags)
    kept = [*parts.primal.outputs[:outputs], *parts.primal.outputs[len(whole.outputs) :]]
    equations = _quiet(parts.primal, flags)
    known = dead_code(Program(parts.primal.inputs, equations, kept, whole.name))
    if any(select(used_inputs(known), flags)):
        raise CustomRuleError(
            f"the jvp rule of {whole.name} is not linear in the tangents",
            "a tangent of the output is a sum of tangents, each times what depends on primals",
            place_of(moved),
        )
    nothing = [zeros(type) for type in select(whole.input_types, flags)]
    results = inline(known, [*arguments, *nothing, *extras])
    pushed = inline(parts.linear, [*results[outputs:], *moved])
    tangents = merge(pushed, parts.active_outputs)[outputs:]
    return results[:outputs], merge(tangents, found.gives)


def _quiet(program: Program, flags: Sequence[bool]) -> Sequence[Equation]:
    """A Program's equations, without what acts on tangents: these have no values here."""
    if ACTS not in program.effects:
        return program.equations
    moving = {id(e) for e in split_equations(program.equations, select(program.inputs, flags))[1]}
    return [
        e.with_programs(Program.silent) if id(e) in moving else e
        for e in program.equations
        if id(e) not in moving or e.outputs or ACTS not in e.effects
    ]


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *,
    program: Program, captured: int, extras: int, rule: Any,
) -> tuple[Any, ...]:  # fmt: skip
    batched, reached = vmap_program(program, mapped, size)
    wanted = [True] * len(reached)
    _, arguments, more = grouped(mapped, captured, extras)
    return bind(
        CUSTOM_JVP, *operands,
        program=rows_program(batched, reached, wanted, size), captured=captured, extras=extras,
        rule=BatchedJvp(rule, tuple(arguments), tuple(more), size),
    )  # fmt: skip


CUSTOM_JVP = ruled("custom_jvp", jvp=_jvp, batch=_batch)
