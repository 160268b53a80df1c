"""What the solutions of equations by code of the user have in common.

    name(*first consts, *solve consts, *third consts, *start; first, solve, third, counts, ...)

Three Programs share the operands: each takes its own consts and then `start`, or what has its
types. `solve` gives what the equation gives. The other two, of which the third may be None, tell
its derivative. `counts` are the numbers of consts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..control.programs import fresh_inputs, reference_compile, rows, rows_program
from ..ir import ArrayType, Program
from ..lists import split
from ..primitive import Declared, Primitive, Rule
from ..recorder import bind
from ..transforms.vmap import vmap as vmap_program

Counts = tuple[int, int, int]


def solution(
    name: str, kind: Callable[..., Any], infer: Rule, jvp: Rule, transpose: Rule | Declared
) -> Primitive:
    """A primitive of the form at the head of this file.

    Args:
        kind: makes a named tuple of the parameters: the three Programs come first.
    """

    def prepare(compile: Callable[..., Any], **params: Any) -> Callable[..., Any]:
        run = compile(kind(**params).solve)

        def solve(*operands: Any) -> Any:
            _, consts, _, start = split(operands, *params["counts"])
            return run([*consts, *start])

        return solve

    def expand(**params: Any) -> Program:
        first, solve, third, *_ = kind(**params)
        a, b, c = params["counts"]
        after = [] if third is None else fresh_inputs(third.input_types[:c])
        before = fresh_inputs(first.input_types[:a])
        inputs = [*before, *solve.inputs[:b], *after, *solve.inputs[b:]]
        return solve.replace(inputs=inputs)

    def batch(
        size: int, operands: Sequence[Any], mapped: Sequence[bool], **params: Any
    ) -> tuple[Any, ...]:
        """All examples are solved together."""
        counts = params["counts"]
        *flags, starts = split(mapped, *counts)
        wide = [
            rows(size, x, on) for x, on in zip(split(operands, *counts)[3], starts, strict=True)
        ]
        system = kind(**params)
        many = [
            p if p is None else _batched(p, own, size)
            for p, own in zip(system[:3], flags, strict=True)
        ]
        new = kind(*many, *system[3:])
        return bind(primitive, *operands[: sum(counts)], *wide, **new._asdict())

    primitive = Primitive(
        name,
        infer=infer,
        impl=lambda *operands, **params: tuple(prepare(reference_compile, **params)(*operands)),
        jvp=jvp,
        transpose=transpose,
        batch=batch,
        text=lambda *operands, **_: f"{name}({', '.join(operands)})",
        multiple=True,
        aliases=True,
        carries_programs=True,
        prepare=prepare,
        expand=expand,
    )
    return primitive


def _batched(program: Program, consts: Sequence[bool], size: int) -> Program:
    """A Program of many examples: all but some consts are mapped, and so are all outputs."""
    every = [*consts, *[True] * (len(program.inputs) - len(consts))]
    many, reached = vmap_program(program, every, size)
    return rows_program(many, reached, [True] * len(reached), size)


def strong(types: Sequence[ArrayType]) -> list[ArrayType]:
    """Types without the mark of Python scalars."""
    return [type.strong for type in types]
