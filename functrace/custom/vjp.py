"""A function with a pullback of its own: a rule for reverse mode.

The rule has two parts. `fwd` gives the output and residuals, `bwd` takes residuals and cotangents
of the output to cotangents of the arguments. In reverse mode `fwd` takes the function's place, and
`bwd` is the transpose of a linear function of which nothing else is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..axes import scope
from ..control.programs import inline, or_zero, rows_program
from ..errors import ConcretizationError, CustomRuleError, FunctraceError
from ..ir import FLOAT0, Program
from ..lists import merge, select
from ..recorder import bind, type_of
from ..recording import Recording
from ..tracer import Tracer
from ..transforms.vmap import vmap as vmap_program
from .function import grouped, refuse_captured, ruled
from .hashable_function import Fixed, defined_at
from .later import called_later
from .linear import BatchedLinear, LinearRule, forward_error, linear_call
from .rules import (
    Rule,
    SteadyRule,
    checked_leaf,
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


class Pullback(NamedTuple):
    """What a rule recorded.

    Attributes:
        forward: from arguments and extras to outputs and residuals.
        backward: from residuals and cotangents of the outputs that have one to cotangents of
            arguments.
        gives: for each argument whether `backward` gives its cotangent; the others are zero.
    """

    forward: Program
    backward: Program
    gives: tuple[bool, ...]


class CustomVJPPrimal:
    """An argument as `fwd` sees it with `symbolic_zeros`.

    Attributes:
        value: the argument.
        perturbed: whether it is differentiated by.

    Example:
        >>> import functrace as ft
        >>> ft.CustomVJPPrimal(1.0, True).perturbed
        True
    """

    __slots__ = ("perturbed", "value")

    def __init__(self, value: Any, perturbed: bool):
        self.value = value
        self.perturbed = perturbed


class Known(Rule):
    """A rule whose record is a `Pullback`."""

    __slots__ = ()

    def forward(self, situation: Any) -> Program:
        """From arguments and extras to outputs and residuals."""
        return self.traced(situation).forward

    def linear(self, situation: Any, active: tuple[bool, ...]) -> LinearRule:
        """From residuals and tangents of the active arguments to tangents of outputs."""
        return Transposed(self, situation, active)


class VjpRule(SteadyRule, Known):
    """A user's rule for one call.

    Attributes:
        fwd: takes the arguments.
        bwd: takes what is not differentiated by, residuals and the output's cotangent.
        symbolic: whether `fwd` is to know which arguments have a tangent.
    """

    __slots__ = ("bwd", "call", "fwd", "result", "symbolic")
    fields = ("fwd", "bwd", "call", "result", "symbolic")
    functions = ("fwd", "bwd")
    fwd: Fixed
    bwd: Fixed
    call: Call
    result: Result
    symbolic: bool

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.call.name

    @property
    def function(self) -> Fixed:
        """What is recorded first."""
        return self.fwd

    @property
    def steady(self) -> tuple[bool, ...] | None:
        return None if self.symbolic else self.call.active

    def situation(self, active: Sequence[bool]) -> tuple[bool, ...]:
        """Of what the rule's record depends on the arguments that have a tangent."""
        own = self.call.active
        return tuple([a and b for a, b in zip(active, own, strict=True)]) if self.symbolic else own

    def trace(self, situation: tuple[bool, ...]) -> Pullback:
        recording, found = self.record(situation)
        what = f"the rule of {self.name}"
        return found._replace(forward=closed(recording, what, defined_at(self.fwd.value)))

    def record(
        self,
        perturbed: Sequence[bool],
        values: Sequence[Any] | None = None,
        later: bool = False,
    ) -> tuple[Recording, Pullback]:
        """Trace the rule. `bwd` is traced inside of `fwd`: what it uses of it becomes a residual.

        Args:
            values: those of the arguments, when Python's control flow may look at them.
            later: whether `bwd` may be called when it runs, if it asks for more.
        """
        call, result, source = self.call, self.result, defined_at(self.fwd.value)
        what = f"the fwd rule of {call.name}"
        found: list[Any] = []

        def flat(tracers: list[Any]) -> list[Any]:
            arguments = call.arguments(tracers)
            aside = call.parted(arguments)[0]
            if self.symbolic:
                arguments = self._marked(tracers, perturbed)
            pair = guarded(self.fwd, what)(*arguments)
            outputs, residual = demand_pair(pair, what, "output, residuals", source)
            outputs = fitted_outputs(
                outputs, result.structure, result.types, f"{what}: the output", source
            )
            leaves, structure = tree.flatten(residual)
            leaves = [
                checked_leaf(x, f"{what}: residual{path}", source)
                for x, path in zip(leaves, tree.paths(structure), strict=True)
            ]
            try:
                backward, captured, gives = self._pulled(aside, leaves, structure)
            except ConcretizationError:
                if not later or any(type(x) is Tracer for x in tree.leaves(aside)):
                    raise
                backward, captured, gives = self._called(leaves, structure), (), call.active
            found.append((backward, gives))
            return [*outputs, *leaves, *captured]

        with scope(call.axes), recording_rule(self):
            recording, _ = traced(
                flat, call.types, call.names, values=values, reason=what, name=call.name
            )
        backward, gives = found[0]
        return recording, Pullback(recording.program, backward, gives)

    def _marked(self, leaves: Sequence[Any], perturbed: Sequence[bool]) -> list[Any]:
        """The arguments, with marks on those that may have a tangent."""
        own = set(self.call.places)
        return self.call.arguments(
            [
                CustomVJPPrimal(x, on) if i in own else x
                for i, (x, on) in enumerate(zip(leaves, perturbed, strict=True))
            ]
        )

    def _pulled(
        self, aside: Sequence[Any], residuals: Sequence[Any], structure: tree.TreeDef
    ) -> tuple[Program, Sequence[Any], tuple[bool, ...]]:
        """Trace `bwd`: its Program, what it captured, which arguments it gives something for."""
        call, result, count = self.call, self.result, len(residuals)
        what = f"the bwd rule of {call.name}"
        found: list[Any] = []

        def flat(tracers: list[Any]) -> list[Any]:
            found.extend(self._pull(aside, structure, tracers))
            return [ct for ct in found if ct is not None]

        numbers = sum(result.active)
        recording, _ = traced(
            flat,
            [*[type_of(x) for x in residuals], *select(result.types, result.active)],
            [*[f"residual{path}" for path in tree.paths(structure)],
             *[f"ct{i}" for i in range(numbers)]],
            values=[*residuals, *[None] * numbers],
            reason=what,
            name=call.name,
        )  # fmt: skip
        gives = tuple([ct is not None for ct in found])
        return _captures_second(recording, count), recording.captured, gives

    def _pull(
        self, aside: Sequence[Any], structure: tree.TreeDef, operands: Sequence[Any]
    ) -> list[Any]:
        """What `bwd` makes of residuals and cotangents: a cotangent for each argument."""
        result, count = self.result, structure.size
        what = f"the bwd rule of {self.call.name}"
        cotangents = [
            np.zeros(type.shape, FLOAT0) if ct is None else ct
            for ct, type in zip(merge(operands[count:], result.active), result.types, strict=True)
        ]
        given = guarded(self.bwd, what)(
            *aside,
            tree.unflatten(structure, operands[:count]),
            tree.unflatten(result.structure, cotangents),
        )
        return self._cotangents(given, what)

    def _called(self, residuals: Sequence[Any], structure: tree.TreeDef) -> Program:
        """The Program that calls `bwd`."""
        call, result = self.call, self.result
        inputs = [*[type_of(x) for x in residuals], *select(result.types, result.active)]
        outputs = select(call.types, call.active)
        return called_later(
            LateBwd(self, structure), inputs, outputs, call.name, defined_at(self.bwd.value)
        )

    def _cotangents(self, given: Any, what: str) -> list[Any]:
        """A cotangent for each argument, as `bwd` returned them; `None` for those that are zero."""
        call, source = self.call, defined_at(self.bwd.value)
        structure, found = call.differentiated, [None] * len(call.types)
        count = len(structure.children)
        if not isinstance(given, (tuple, list)) or len(given) != count:
            kind = type(given).__name__
            if isinstance(given, (tuple, list)):
                kind += f" of {len(given)}"
            raise CustomRuleError(
                f"{what} returned a {kind}",
                f"return a tuple with a cotangent for each of {count} arguments; None is zero",
                source,
            )
        leaves = matched(tuple(given), structure, f"{what}: what it returned", source)
        for place, ct in zip(call.places, leaves, strict=True):
            if call.active[place] and not is_zero(ct):
                name = f"{what}: the cotangent of {call.names[place]}"
                found[place] = fitted(ct, call.types[place], name, source)
        return found


class LateBwd(NamedTuple):
    """`bwd`, to be called when there are values.

    Attributes:
        structure: the tree of residuals.
    """

    rule: VjpRule
    structure: tree.TreeDef

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.rule.name

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        """A cotangent for each argument that may have one, of residuals and cotangents."""
        call = self.rule.call
        aside = [value.value for _, value in call.fixed]
        return select(self.rule._pull(aside, self.structure, arrays), call.active)

    def refuse(self) -> FunctraceError:
        """The error for a second derivative, or a batch."""
        source = defined_at(self.rule.bwd.value)
        return ConcretizationError(
            f"the bwd rule of {self.name} looks at values of cotangents, so that it is called when "
            "they are known; it can be neither differentiated again nor mapped by vmap",
            "write it without looking at values: with np.where(condition, a, b), or functrace.cond",
            source,
        )


def _captures_second(recording: Recording, count: int) -> Program:
    """A Program of residuals, then what it captured, then cotangents."""
    program, captured = recording.program, len(recording.captured)
    inputs = program.inputs
    last = len(inputs) - captured
    order = [*inputs[:count], *inputs[last:], *inputs[count:last]]
    return program.replace(inputs=order)


class KnownVjp(Known):
    """A rule that is recorded already."""

    __slots__ = ("known", "name")
    fields = ("name", "known")
    name: str
    known: Pullback

    def situation(self, active: Sequence[bool]) -> tuple[bool, ...]:  # noqa: ARG002 -- all rules'
        return ()

    def trace(self, situation: Any) -> Pullback:  # noqa: ARG002 -- as above
        return self.known


class BatchedVjp(Rule):
    """A rule for many examples.

    Attributes:
        rule: that for one.
        mapped: which arguments and extras have the mapped axis, of length `size`.
        outputs: the number of outputs.
    """

    __slots__ = ("mapped", "outputs", "rule", "size")
    fields = ("rule", "mapped", "size", "outputs")
    rule: Any
    mapped: tuple[bool, ...]
    size: int
    outputs: int

    @property
    def name(self) -> str:
        return self.rule.name

    def situation(self, active: Sequence[bool]) -> Any:
        return self.rule.situation(active)

    def forward(self, situation: Any) -> Program:
        return self.traced(situation)[0]

    def linear(self, situation: Any, active: tuple[bool, ...]) -> LinearRule:
        one = self.rule.linear(situation, active)
        residuals = self.traced(situation)[1]
        tangents = select(self.mapped[: len(active)], active)
        return BatchedLinear(one, residuals, tuple(tangents), self.size)

    def trace(self, situation: Any) -> tuple[Program, tuple[bool, ...]]:
        """The forward part, and which residuals have the mapped axis."""
        one = self.rule.forward(situation)
        program, reached = vmap_program(one, self.mapped, self.size)
        residuals = reached[self.outputs :]
        wanted = [*[True] * self.outputs, *residuals]
        return rows_program(program, reached, wanted, self.size), residuals


class Transposed(LinearRule):
    """The linear function of which `bwd` is the transpose.

    Attributes:
        rule: the rule of the function.
        situation: that of the rule.
        active: which arguments have a tangent.
    """

    __slots__ = ("active", "rule", "situation")
    fields = ("rule", "situation", "active")
    rule: Any
    situation: Any
    active: tuple[bool, ...]

    @property
    def name(self) -> str:  # type: ignore[override] -- that of the rule
        return self.rule.name

    def trace(self, situation: str) -> Program | None:
        if situation == "forward":
            return None
        forward, backward, gives = self.rule.traced(self.situation)
        given = merge(backward.outputs, gives)
        types = forward.input_types
        outputs = [
            or_zero(ct, type) for ct, type, on in zip(given, types, self.active, strict=False) if on
        ]
        return backward.replace(outputs=outputs)


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], separate: bool, *,
    program: Program, captured: int, extras: int, rule: Any,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    refuse_captured(tangents, captured, "vjp", program.name)
    if not separate:
        raise forward_error(rule.name, place_of([t for t in tangents if t is not None]))
    given = grouped(tangents, captured, extras)[1]
    active = tuple([t is not None for t in given])
    situation = rule.situation(active)
    found = inline(rule.forward(situation), primals[captured:])
    outputs, residuals = found[: len(program.outputs)], found[len(program.outputs) :]
    types = [type.strong for type in program.output_types]
    moved = linear_call(
        rule.linear(situation, active), residuals, select(given, active),
        tuple([type for type in types if type.inexact]),
    )  # fmt: skip
    return outputs, merge(moved, [type.inexact for type in types])


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *,
    program: Program, captured: int, extras: int, rule: Any,
) -> tuple[Any, ...]:  # fmt: skip
    batched, reached = vmap_program(program, mapped, size)
    count = len(reached)
    return bind(
        CUSTOM_VJP, *operands,
        program=rows_program(batched, reached, [True] * count, size), captured=captured,
        extras=extras, rule=BatchedVjp(rule, tuple(mapped[captured:]), size, count),
    )  # fmt: skip


CUSTOM_VJP = ruled("custom_vjp", jvp=_jvp, batch=_batch)
