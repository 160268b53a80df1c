"""A loop taken apart: what the rules of `scan` and `while` have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from ..ir import UNKNOWN, ArrayType, Program, Var
from ..lists import merge, split
from ..primitive import PRIMITIVES
from ..recorder import bind, rewriting_recorder

T = TypeVar("T")


class Loop(NamedTuple):
    """The parameters of a `scan`, or with `cond` of a `while` (see the head of `loops.py`)."""

    body: Program
    consts: int
    carry: int
    length: int = UNKNOWN
    reverse: bool = False
    cond: Program | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the equation."""
        params: dict[str, Any] = {"body": self.body, "consts": self.consts, "carry": self.carry}
        if self.cond is None:
            return {**params, "length": self.length, "reverse": self.reverse}
        return {"cond": self.cond, **params}

    def split(self, values: Sequence[T]) -> list[list[T]]:
        """What belongs to consts, carry and xs, of values for the operands."""
        return split(values, self.consts, self.carry)

    def tangents(
        self, inputs: Sequence[Var], active: Sequence[bool]
    ) -> tuple[list[Var], list[Var], list[Var]]:
        """Inputs for tangents, split by what they are tangents of."""
        groups = self.split(merge(inputs, active))
        consts, carry, xs = ([var for var in group if var is not None] for group in groups)
        return consts, carry, xs

    @property
    def output_types(self) -> list[ArrayType]:
        """The types of the last carry and of the ys."""
        types = self.body.output_types
        carry = self.body.input_types[self.consts : self.consts + self.carry]
        return [*carry, *[t.with_shape((self.length, *t.shape)) for t in types[self.carry :]]]

    def settled(
        self, flags: Sequence[bool], rewrite: Callable[[Program, list[bool]], Any]
    ) -> tuple[Any, list[bool], list[bool]]:
        """Rewrite the body with flags that carries keep from step to step.

        Args:
            flags: for each operand, whether it has what `rewrite` is about: a tangent, an axis.
            rewrite: for the body and flags of its inputs gives a result and flags of its outputs.

        Returns:
            What `rewrite` gave at last, with flags of inputs and outputs. A carry that has a flag
            as an output has it as an input, too.
        """
        flags = list(flags)
        while True:
            result, reached = rewrite(self.body, flags)
            grown = list(flags)
            for i in range(self.carry):
                grown[self.consts + i] |= reached[i]
            if grown == flags:
                return result, flags, list(reached)
            flags = grown

    def cond_with(self, consts: Sequence[Var], carry: Sequence[Var]) -> Program | None:
        """The condition with more inputs, which it does not use."""
        cond = self.cond
        if cond is None:
            return None
        own, rest = cond.inputs[: self.consts], cond.inputs[self.consts :]
        more = [[Var(var.type) for var in group] for group in (consts, carry)]
        inputs = [*own, *more[0], *rest, *more[1]]
        return cond.replace(inputs=inputs)

    def bind(
        self, consts: Sequence[Any], carry: Sequence[Any], xs: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """Run or record the loop; the last carry, and the ys."""
        primitive = PRIMITIVES["scan" if self.cond is None else "while"]
        operands = [*consts, *carry, *xs]
        recorder = rewriting_recorder()  # a rule must not run a loop, even one of constants
        outputs = (
            bind(primitive, *operands, **self.params)
            if recorder is None
            else recorder.record(primitive, operands, self.params)
        )
        return list(outputs[: self.carry]), list(outputs[self.carry :])
