"""What comes of a trace: a Program, and the operands that it captured."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .ir import ArrayType, Atom, Literal, Program
from .lists import split
from .tracer import Tracer


class Recording(NamedTuple):
    """A Program with the operands for the inputs that were captured.

    Attributes:
        program: its inputs are those of the function, then the captured ones.
        captured: outer tracers and arrays, one for each captured input.
        output_types: the outputs' types, weak where Python would give a scalar.
        guards: the recorded trace that this one repeated (see `memo/replay.py`), if any.
    """

    program: Program
    captured: tuple[Any, ...]
    output_types: tuple[ArrayType, ...]
    guards: Any = None

    @property
    def closed_over_tracers(self) -> bool:
        """Whether the function used tracers of an outer recorder."""
        return any(type(operand) is Tracer for operand in self.captured)

    def snapshot(self) -> list[Any]:
        """The captured operands, arrays copied, for use when the surrounding code has gone on."""
        return [
            Tracer(x.recorder, x.symbol, x.type) if type(x) is Tracer else np.array(x)
            for x in self.captured
        ]

    def closed(self) -> Program:
        """The Program with copies of the captured arrays as literals; outer tracers stay inputs."""
        program, count = self.program, len(self.program.inputs) - len(self.captured)
        constants: dict[Atom, Atom] = {
            var: Literal(np.array(value))
            for var, value in zip(program.inputs[count:], self.captured, strict=True)
            if type(value) is not Tracer
        }
        if not constants:
            return program
        equations = [equation.renamed(constants) for equation in program.equations]
        inputs = [var for var in program.inputs if var not in constants]
        return program.rewritten(equations, constants).replace(inputs=inputs)

    def captures_first(self) -> Program:
        """The Program with its captured inputs before those of the function."""
        function, captured = split(
            self.program.inputs, len(self.program.inputs) - len(self.captured)
        )
        return self.program.replace(inputs=[*captured, *function])
