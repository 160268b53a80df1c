"""A function with a batching rule of its own.

The rule gives the outputs of many examples at once. Derivatives are those of the function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import tree
from ..control.programs import inline
from ..errors import CustomRuleError, RuleClosureError
from ..ir import ArrayType, Program
from ..primitive import Shared
from ..recorder import bind
from .function import grouped, pushed, ruled
from .hashable_function import Fixed, defined_at
from .rules import Rule, closed, demand_pair, fitted_outputs, guarded, place_of
from .signature import Call, Result, traced


class Batched(NamedTuple):
    """What a rule recorded: a Program of all examples, and which outputs have the mapped axis."""

    program: Program
    mapped: tuple[bool, ...]


class VmapRule(Rule):
    """A user's rule for one call.

    Attributes:
        function: takes the number of examples, a tree that tells what is mapped, and arguments.
    """

    __slots__ = ("call", "function", "result")
    fields = ("function", "call", "result")
    function: Fixed
    call: Call
    result: Result

    def trace(self, situation: tuple[int, tuple[bool, ...]]) -> Batched:
        size, mapped = situation
        call, source = self.call, defined_at(self.function.value)
        what = f"the vmap rule of {call.name}"
        found: list[bool] = []

        def flat(tracers: list[Any]) -> list[Any]:
            flags = tuple(call.arguments(mapped))
            pair = guarded(self.function, what)(size, flags, *call.arguments(tracers))
            outputs, batched = demand_pair(pair, what, "output, which of it is mapped", source)
            found.extend(self._flags(batched, what))
            return fitted_outputs(
                outputs, self.result.structure, _wide(self.result.types, found, size),
                f"{what}: the output", source,
            )  # fmt: skip

        recording, _ = traced(
            flat, _wide(call.types, mapped, size), call.names, reason=what, name=call.name
        )
        return Batched(closed(recording, what, source), tuple(found))

    def _flags(self, batched: Any, what: str) -> list[bool]:
        """Which outputs are mapped, of a tree that may stop where a whole branch is."""
        try:
            flags = tree.broadcast_prefix(
                batched, self.result.structure, is_leaf=lambda x: isinstance(x, bool)
            )
        except Exception:
            raise CustomRuleError(
                f"{what} returned {batched!r} to tell which outputs are mapped",
                "return a bool, or a tree of bools of the output's structure",
                defined_at(self.function.value),
            ) from None
        return flags


def _wide(types: Sequence[ArrayType], mapped: Sequence[bool], size: int) -> list[ArrayType]:
    return [
        type.with_shape((size, *type.shape)) if on else type
        for type, on in zip(types, mapped, strict=True)
    ]


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], separate: bool, *,
    program: Program, captured: int, extras: int, rule: Any,
) -> tuple[Sequence[Any], list[Any]]:  # fmt: skip
    """The outputs keep the rule. What the tangents need is computed by the function's equations."""
    outputs = bind(
        CUSTOM_VMAP, *primals, program=program, captured=captured, extras=extras, rule=rule
    )
    return outputs, pushed(program, primals, tangents, separate)[1]


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *,
    program: Program, captured: int, extras: int, rule: VmapRule,
) -> list[Any]:  # fmt: skip
    if any(mapped[:captured]):
        raise RuleClosureError(
            f"{program.name} takes a mapped value from its closure, and its vmap rule tells only "
            "what to do with arguments",
            "make the value an argument",
            place_of(operands),
        )
    _, flags, _ = grouped(mapped, captured, extras)
    found = rule.traced((size, tuple(flags)))
    outputs = inline(found.program, operands[captured:])
    return [x if on else Shared(x) for x, on in zip(outputs, found.mapped, strict=True)]


CUSTOM_VMAP = ruled("custom_vmap", jvp=_jvp, batch=_batch)
