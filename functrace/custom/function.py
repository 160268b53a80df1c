"""What functions with a rule have in common: without the rule they are their Program.

    name(*captured, *arguments, *extras; program, captured, extras, rule)

`program` takes all operands. It uses what the function captured, and its arguments; the extras are
for the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..control.programs import inline, reference_compile
from ..control.programs import pushed as pushed
from ..errors import ProgramError, RuleClosureError
from ..ir import ArrayType, Program
from ..lists import merge, select, split
from ..primitive import Linear, Primitive, Rule
from ..transforms.transpose import transpose as transpose_program
from .rules import place_of

T = TypeVar("T")


def ruled(name: str, jvp: Rule, batch: Rule) -> Primitive:
    """The primitive of functions with one kind of rule."""
    return Primitive(
        name,
        infer=_infer,
        impl=_impl,
        jvp=jvp,
        transpose=_transpose,
        batch=batch,
        text=lambda *operands, **_: f"{name}({', '.join(operands)})",
        multiple=True,
        joint=True,
        aliases=True,
        carries_programs=True,
        prepare=_prepare,
        expand=lambda *, program, **_: program,
    )


def grouped(values: Sequence[T], captured: int, extras: int) -> tuple[list[T], list[T], list[T]]:
    """What belongs to captured values, arguments and extras."""
    first, arguments, last = split(values, captured, len(values) - captured - extras)
    return first, arguments, last


def refuse_captured(tangents: Sequence[Any], captured: int, kind: str, name: str) -> None:
    """Check that nobody differentiates by what a function with a derivative of its own captured.

    Raises:
        RuleClosureError: when somebody does.
    """
    given = [t for t in tangents[:captured] if t is not None]
    if given:
        raise RuleClosureError(
            f"{name} is differentiated by a value that it takes from its closure, and its {kind} "
            "rule tells only how to differentiate by arguments",
            "make the value an argument, or cut its path with functrace.stop_gradient",
            place_of(given),
        )


def _infer(*types: ArrayType, program: Program, **_: Any) -> tuple[ArrayType, ...]:
    expected = tuple([type.strong for type in program.input_types])
    if tuple([type.strong for type in types]) != expected:
        raise ProgramError(f"{program.name} takes {expected}, not {types}")
    return tuple([type.strong for type in program.output_types])


def _impl(*operands: Any, program: Program, **_: Any) -> tuple[Any, ...]:
    return tuple(reference_compile(program)(operands))


def _prepare(compile: Callable[..., Any], *, program: Program, **_: Any) -> Callable[..., Any]:
    run = compile(program)
    return lambda *operands: run(operands)


def _transpose(
    cotangents: Sequence[Any], operands: Sequence[Any], *, program: Program, **_: Any
) -> list[Any]:
    linear = [isinstance(x, Linear) for x in operands]
    live = [ct is not None for ct in cotangents]
    own = program.replace(outputs=select(program.outputs, live))
    known = [x for x in operands if not isinstance(x, Linear)]
    given = [ct for ct in cotangents if ct is not None]
    return merge(inline(transpose_program(own, linear), [*known, *given]), linear)
