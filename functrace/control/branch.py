"""The choice: one of several Programs runs on the same operands.

    cond(index, *operands; branches)

The index is an integer, where one that is out of range means the nearest that is not, or a boolean,
which chooses the second branch where it is true.

Examples of a batch can meet in a branch, in a sum over all of them. Where they choose differently,
all take part, those included that do not take the branch's result. So the derivative of such a
choice is that of all branches and a selection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ProgramError
from ..ir import ACTS, UNKNOWN, ArrayType, Atom, Equation, Program, Var, fits
from ..lists import merge, select, split
from ..ops.elementwise import less_equal, logical_not
from ..passes.dead_code import dead_code
from ..primitive import Linear, NotLinearError, Primitive, Shared
from ..recorder import bind
from ..tracer import Tracer
from ..transforms.jvp import jvp as jvp_program
from ..transforms.linearize import linearize
from ..transforms.transpose import transpose as transpose_program
from ..transforms.vmap import vmap as vmap_program
from .programs import (
    build,
    filler,
    inline,
    or_zero,
    pushed,
    reference_compile,
    rows_program,
    select_rows,
    used_inputs,
)

Branches = tuple[Program, ...]


def choose(index: Any, operands: Sequence[Any], branches: Branches) -> tuple[Any, ...]:
    """The outputs of the branch that an index names."""
    if type(index) is not Tracer:
        index = min(max(int(index), 0), len(branches) - 1)
        return tuple(inline(branches[index], operands))
    return bind(COND, index, *operands, branches=branches)


# Meaning


def _infer(index: ArrayType, *operands: ArrayType, branches: Branches) -> tuple[ArrayType, ...]:
    if index.shape or index.dtype.kind not in "bi":
        raise ProgramError(f"cond chooses by one integer or boolean, not by {index}")
    for branch in branches:
        expected = branch.input_types
        if len(expected) != len(operands) or not all(
            fits(x.shape, e.shape) and x.dtype == e.dtype
            for x, e in zip(operands, expected, strict=True)
        ):
            raise ProgramError(f"cond: a branch takes {expected}, not {operands}")
    columns = zip(*[branch.output_types for branch in branches], strict=True)
    return tuple([_common(column) for column in columns])


def _common(types: Sequence[ArrayType]) -> ArrayType:
    """The type of an output of several branches, which may differ where a length is unknown."""
    found = next((t for t in types if UNKNOWN in t.shape), types[0]).strong
    for type in types:
        if not fits(type.shape, found.shape) or type.dtype != found.dtype:
            raise ProgramError(f"cond: branches give {type} and {found} for one output")
    return found


def _prepare(compile: Callable[[Program], Any], *, branches: Branches) -> Callable[..., Any]:
    runs = [compile(branch) for branch in branches]
    last = len(runs) - 1

    def run(index: Any, *operands: Any) -> Any:
        return runs[min(max(int(index), 0), last)](operands)

    return run


def _impl(*operands: Any, branches: Branches) -> Any:
    return _prepare(reference_compile, branches=branches)(*operands)


def _prune(equation: Equation, live: Sequence[bool]) -> Equation:
    """Keep the live outputs, and the operands that these need in some branch."""
    branches = []
    for branch in equation.params["branches"]:
        branches.append(dead_code(branch.replace(outputs=select(branch.outputs, live))))
    index, *operands = equation.inputs
    used = [any(column) for column in zip(*map(used_inputs, branches), strict=True)]
    branches = [branch.replace(inputs=select(branch.inputs, used)) for branch in branches]
    return equation.replace(
        inputs=(index, *select(operands, used)),
        params={"branches": tuple(branches)},
        outputs=tuple(select(equation.outputs, live)),
    )


# Derivatives


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], separate: bool, *, branches: Branches
) -> tuple[Sequence[Any], Sequence[Any]]:
    if _meet(primals[0], branches):
        return pushed(_selection(primals[0].type, branches), primals, tangents, separate)
    active = [t is not None for t in tangents[1:]]
    given = [t for t in tangents if t is not None]
    types = branches[0].output_types
    if separate:
        return _linearized(primals, active, given, branches)
    found = [jvp_program(branch, active) for branch in branches]
    reached = [any(column) for column in zip(*[flags for _, flags in found], strict=True)]
    joint = []
    for branch, flags in found:
        outputs, parts = split(branch.outputs, len(types))
        outputs += _wanted(merge(parts, flags), reached, types)
        joint.append(branch.replace(outputs=outputs))
    results = choose(primals[0], [*primals[1:], *given], tuple(joint))
    outputs, parts = split(results, len(types))
    return outputs, merge(parts, reached)


def _wanted(
    atoms: Sequence[Atom | None], wanted: Sequence[bool], types: Sequence[ArrayType]
) -> list[Atom]:
    return [
        or_zero(atom, type) for atom, on, type in zip(atoms, wanted, types, strict=True) if on
    ]  # fmt: skip


def _linearized(
    primals: Sequence[Any], active: Sequence[bool], given: Sequence[Any], branches: Branches
) -> tuple[Sequence[Any], Sequence[Any]]:
    """A choice that gives the residuals of all branches, and a choice of linear branches.

    Residuals of branches that are not taken are any numbers. What is an operand already is none.
    """
    parts = [linearize(branch, active) for branch in branches]
    types = branches[0].output_types
    reached = [any(column) for column in zip(*[p.active_outputs for p in parts], strict=True)]
    residuals = [
        [v for v in p.linear.inputs[: p.residuals] if v not in set(p.primal.inputs)] for p in parts
    ]
    flat = [var for own in residuals for var in own]
    firsts = [
        p.primal.replace(
            outputs=[
                *p.primal.outputs[: len(types)],
                *[var if var in own else filler(var.type) for var in flat],
            ]
        )
        for p, own in zip(parts, map(set, residuals), strict=True)
    ]
    index, *operands = primals
    found = choose(index, operands, tuple(firsts))
    seconds = []
    for p, own in zip(parts, map(set, residuals), strict=True):
        stored = [var if var in own else Var(var.type) for var in flat]
        outputs = merge(p.linear.outputs, p.active_outputs)
        second = p.linear.replace(
            inputs=[*p.primal.inputs, *stored, *p.linear.inputs[p.residuals :]],
            outputs=_wanted(outputs, reached, types),
        )
        seconds.append(second)
    tangents = (
        choose(index, [*operands, *found[len(types) :], *given], tuple(seconds))
        if any(reached)
        else ()
    )
    return found[: len(types)], merge(tangents, reached)


def _transpose(cotangents: Sequence[Any], operands: Sequence[Any], *, branches: Branches) -> Any:
    index, *rest = operands
    if isinstance(index, Linear):
        raise NotLinearError(index)
    linear = [isinstance(x, Linear) for x in rest]
    live = [ct is not None for ct in cotangents]
    if _meet(index, branches):
        whole = _selection(index.type, branches)
        own = whole.replace(outputs=select(whole.outputs, live))
        known = [x for x in operands if not isinstance(x, Linear)]
        given = [ct for ct in cotangents if ct is not None]
        found = inline(transpose_program(own, [False, *linear]), [*known, *given])
        return (None, *merge(found, linear))
    transposed = []
    for branch in branches:
        own = branch.replace(outputs=select(branch.outputs, live))
        transposed.append(transpose_program(own, linear))
    known = [x for x in rest if not isinstance(x, Linear)]
    given = [ct for ct in cotangents if ct is not None]
    return (None, *merge(choose(index, [*known, *given], tuple(transposed)), linear))


# Batching


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *, branches: Branches
) -> tuple[Any, ...]:
    """A choice of batched branches; where each row chooses, all branches, and a selection."""
    index, *rest = operands
    found = [vmap_program(branch, mapped[1:], size) for branch in branches]
    if not mapped[0]:
        wanted = [any(column) for column in zip(*[flags for _, flags in found], strict=True)]
        batched = tuple([rows_program(b, flags, wanted, size) for b, flags in found])
        results = choose(index, rest, batched)
        return tuple([x if on else Shared(x) for x, on in zip(results, wanted, strict=True)])
    return tuple(_selected(index, [inline(program, rest) for program, _ in found], branches))


def _selected(index: Any, results: Sequence[Sequence[Any]], branches: Branches) -> Sequence[Any]:
    """Of the outputs of all branches those of the branch that the index, or each row's, names."""
    shapes = [type.shape for type in _infer_outputs(branches)]
    chosen = results[-1]
    for number in reversed(range(len(branches) - 1)):
        here = less_equal(index, number) if index.dtype.kind == "i" else logical_not(index)
        chosen = [
            select_rows(here, x, y, shape)
            for x, y, shape in zip(results[number], chosen, shapes, strict=True)
        ]
    return chosen


def _meet(index: Any, branches: Branches) -> bool:
    """Whether examples of a batch, which may choose differently, meet in a branch."""
    return type(index) is Tracer and any(branch.effects - {ACTS} for branch in branches)


def _selection(type: ArrayType, branches: Branches) -> Program:
    """The Program of an index and the operands that runs all branches."""

    def run(inputs: list[Any]) -> Sequence[Any]:
        index, *operands = inputs
        return _selected(index, [inline(branch, operands) for branch in branches], branches)

    return build(run, [type, *branches[0].input_types], branches[0].name)


def _infer_outputs(branches: Branches) -> list[ArrayType]:
    return [_common(column) for column in zip(*[b.output_types for b in branches], strict=True)]


def _text(index: str, *operands: str, branches: Branches) -> str:
    return f"cond({', '.join([index, *operands])})"


COND = Primitive(
    "cond",
    infer=_infer,
    impl=_impl,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    text=_text,
    multiple=True,
    joint=True,
    aliases=True,
    carries_programs=True,
    prepare=_prepare,
    prune=_prune,
)
