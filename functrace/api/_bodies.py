"""Tracing the bodies of loops and the branches of choices, and running what was made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..control.branch import choose
from ..control.checkpointed import bind_in_blocks
from ..control.loop import Loop
from ..control.programs import build, inline
from ..errors import BranchError, CarryError
from ..ir import ArrayType, Equation, Program, Var
from ..memo.structural import finished
from ..ops.cast import astype, promotion_value
from ..recorder import recorder_for, type_of
from ..source import Source
from ..tracer import Tracer, copied
from ..tree import TreeDef
from ._border import function_name, leaf_names, leaf_types, parameter_names, to_user, trace_call
from ._execute import Runner


class Body(NamedTuple):
    """A traced function of a tree: its Program takes what it captured first.

    Attributes:
        captured: operands for the captured inputs.
        types: the outputs' types, weak where Python would give a scalar.
        structure: the outputs' tree.
    """

    program: Program
    captured: tuple[Any, ...]
    types: tuple[ArrayType, ...]
    structure: TreeDef


def trace_body(
    fun: Callable[..., Any], structure: TreeDef, types: Sequence[ArrayType], reason: str,
    change: Callable[[Any], Any] = lambda output: output,
) -> Body:  # fmt: skip
    """Trace a function of arguments of some trees and types.

    Args:
        structure: the tree of its tuple of arguments.
        reason: what the function is for: its arguments have no values.
        change: is applied to what the function returns.
    """
    names = leaf_names(structure, parameter_names(fun, len(structure.children)))
    recording, out_tree = trace_call(
        lambda args: change(fun(*args)), structure, types, types, names,
        name=function_name(fun), reason=reason,
    )  # fmt: skip
    program = recording.captures_first()
    return Body(program, recording.captured, recording.output_types, out_tree)


def with_captures(bodies: Sequence[Body]) -> tuple[list[Program], list[Any]]:
    """Programs that all take the captured operands of all, and these operands."""
    groups = [b.program.inputs[: len(b.captured)] for b in bodies]
    programs = []
    for number, (body, own) in enumerate(zip(bodies, groups, strict=True)):
        program, count = body.program, len(own)
        given = [[Var(var.type) for var in group] for group in groups]
        given[number] = list(program.inputs[:count])
        inputs = [*(var for group in given for var in group), *program.inputs[count:]]
        programs.append(program.replace(inputs=inputs))
    return programs, [x for body in bodies for x in body.captured]


# Running


def perform(call: Callable[[list[Any]], Sequence[Any]], operands: Sequence[Any]) -> Sequence[Any]:
    """Record a loop or a choice where there is a tracer, and run it by a plan where there is none.

    Args:
        call: binds the primitive.
    """
    if recorder_for(operands) is not None:
        return call(list(operands))
    program = build(call, [type_of(x).strong for x in operands], "control")
    runner = finished("control", program, lambda shorter: Runner(shorter, program))
    return runner(operands, program)


# Carries


class Start(NamedTuple):
    """The carry before the first step: leaves, their types, which steps may promote, and tree."""

    leaves: list[Any]
    types: list[ArrayType]
    structure: TreeDef

    @property
    def names(self) -> list[str]:
        """A path for each leaf."""
        return [f"the carry{path}" for path in tree.paths(self.structure)]

    def cast(self, types: Sequence[ArrayType]) -> list[Any]:
        """The leaves in the types that the carry has got."""
        return [astype(x, type.dtype) for x, type in zip(self.leaves, types, strict=True)]


def start(init: Any, what: str) -> Start:
    """The start of a carry.

    Raises:
        LeafTypeError: naming the path of a leaf that is no array and no number.
    """
    leaves, structure = tree.flatten(init)
    names = [f"{what}: the carry{path}" for path in tree.paths(structure)]
    return Start(leaves, leaf_types(leaves, names), structure)


def trace_step(
    fun: Callable[..., Any], begin: Start, arguments: Callable[[list[ArrayType]], Any], what: str,
    parts: Callable[[Any], tuple[Any, Any]],
) -> tuple[Body, list[ArrayType]]:  # fmt: skip
    """Trace a step of a loop with the types that the carry keeps from step to step.

    A Python scalar at the start becomes what the first step makes of it, as NumPy promotes it.

    Args:
        arguments: the tree of arguments for types of the carry.
        parts: the new carry, and a slice of the ys, of what the function returns.

    Returns:
        The body, and the types of the carry.
    """
    types = begin.types
    while True:
        leaves, structure = tree.flatten(arguments(types))

        def check(output: Any, types: list[ArrayType] = types) -> Any:
            new, ys = parts(output)
            carry, out_tree = tree.flatten(new)
            if out_tree != begin.structure:
                raise CarryError(
                    f"{what}: the carry has the tree {begin.structure} at the start, and "
                    f"{out_tree} after a step",
                    "return a new carry of the same structure",
                )
            fitted = [_fitted(x, type) for x, type in zip(carry, types, strict=True)]
            return fitted, ys

        body = trace_body(fun, structure, leaves, what, check)
        rest = body.structure.children[1]
        count = len(types)
        found = body.types[:count]
        new = [
            _kept(old, given, name, what, partial(_changed_at, body, i, count))
            for i, (old, given, name) in enumerate(zip(types, found, begin.names, strict=True))
        ]
        if new == types:
            return Body(body.program, body.captured, body.types, rest), types
        types = new


def _fitted(x: Any, type: ArrayType) -> Any:
    """A Python scalar that is to be the new carry in the dtype that the carry has."""
    given = type_of(x)
    if not given.weak or given.dtype == type.dtype:
        return x
    common = np.result_type(promotion_value(given), promotion_value(type))
    return astype(x, type.dtype) if common == type.dtype else x


def _kept(
    old: ArrayType, new: ArrayType, name: str, what: str,
    changed_at: Callable[[ArrayType], Source | None],
) -> ArrayType:  # fmt: skip
    """The type of a carry that was of one type before a step and of another after it."""
    if old.shape == new.shape:
        if old.dtype == new.dtype:
            return old if new.weak else old.strong
        promoted = np.result_type(promotion_value(old), promotion_value(new))
        if old.weak and promoted == new.dtype:
            return new
    raise CarryError(
        f"{what}: {name} has type {old} at the start, and {new} after a step",
        _mend(old, new),
        changed_at(old),
    )


def _changed_at(body: Body, number: int, count: int, old: ArrayType) -> Source | None:
    """The line that gave a new carry a type other than the old one.

    It is looked for from the output back to the carries, as long as what depends on these has the
    wrong dtype, or where the dtype is right, the wrong shape.
    """
    program, captured = body.program, len(body.captured)
    reached: set[Any] = set(program.inputs[captured : captured + count])
    makers: dict[Any, Equation] = {}
    for equation in program.equations:
        makers.update(dict.fromkeys(equation.outputs, equation))
        if any(atom in reached for atom in equation.inputs):
            reached.update(equation.outputs)
    of_dtype = program.outputs[number].type.dtype != old.dtype
    wrong = lambda t: t.dtype != old.dtype if of_dtype else t.shape != old.shape
    atom, found = program.outputs[number], None
    while atom in makers:
        found = makers[atom]
        guilty = [a for a in found.inputs if a in reached and wrong(a.type)]
        if not guilty:
            break
        atom = guilty[0]
    return None if found is None else found.source


def _mend(old: ArrayType, new: ArrayType) -> str:
    if old.shape != new.shape:
        return "a carry keeps its shape: start with an array of the shape that each step returns"
    return (
        f"cast what the step returns with .astype(np.{old.dtype}), or start with a value of dtype "
        f"{new.dtype}: np.asarray(x, np.{new.dtype})"
    )


def run_loop(
    loop: Loop, consts: Sequence[Any], begin: Start, types: Sequence[ArrayType], xs: Sequence[Any],
    every: int | None = None,
) -> tuple[list[Any], Sequence[Any]]:  # fmt: skip
    """The last carry, as Python scalars where it started as such, and the ys.

    What no step changes is no carry.

    Args:
        every: the number of steps to be checkpointed together.
    """
    own, carry, rest = loop.split(loop.body.inputs)
    changes = [a is not var for a, var in zip(loop.body.outputs, carry, strict=False)]
    steady = [i for i, change in enumerate(changes) if not change]
    moving = [i for i, change in enumerate(changes) if change]
    first = begin.cast(types)
    count = len(first)

    def reordered(program: Program, outputs: Sequence[Any], tail: Sequence[Var]) -> Program:
        head = program.inputs[: loop.consts]
        state = program.inputs[loop.consts : loop.consts + count]
        inputs = [*head, *[state[i] for i in steady], *[state[i] for i in moving], *tail]
        return program.replace(inputs=inputs, outputs=outputs)

    body = loop.body
    outputs = [*[body.outputs[i] for i in moving], *body.outputs[count:]]
    smaller = loop._replace(
        body=reordered(body, outputs, rest),
        consts=len(own) + len(steady),
        carry=len(moving),
        cond=loop.cond and reordered(loop.cond, loop.cond.outputs, ()),
    )

    def call(operands: list[Any]) -> list[Any]:
        groups = smaller.split(operands)
        if every is None or every >= smaller.length:
            last, ys = smaller.bind(*groups)
        else:
            last, ys = bind_in_blocks(smaller, every, *groups)
        return [*last, *ys]

    fixed = [*consts, *[first[i] for i in steady]]
    found = perform(call, [*fixed, *[first[i] for i in moving], *xs])
    last: list[Any] = [None] * count
    for i in steady:
        x = first[i]
        last[i] = copied(x) if type(x) is Tracer else np.array(x)[()]
    for i, value in zip(moving, found, strict=False):
        last[i] = value
    return to_user(last, types), found[len(moving) :]


# Branches


def run_branches(
    index: Any, functions: dict[str, Callable[..., Any]], operands: Sequence[Any], what: str
) -> Any:
    """The output of the function that an index names; all give the same types.

    Args:
        functions: the branches, by what messages call them.

    Raises:
        BranchError: when they do not, naming the path, and both types.
    """
    leaves, structure = tree.flatten(tuple(operands))
    types = leaf_types(leaves, [f"{what}: operand{path}" for path in tree.paths(structure)])
    bodies = [trace_body(fun, structure, types, what) for fun in functions.values()]
    first = bodies[0]
    labels = list(functions)
    for label, body in zip(labels, bodies, strict=True):
        if body.structure != first.structure:
            raise BranchError(
                f"{what}: {labels[0]} returns the tree {first.structure}, and {label} "
                f"{body.structure}",
                "let all branches return the same structure",
            )
    names = [f"the output{path}" for path in tree.paths(first.structure)]
    common = [
        _common(dict(zip(labels, column, strict=True)), name, what)
        for column, name in zip(zip(*[b.types for b in bodies], strict=True), names, strict=True)
    ]
    programs, captured = with_captures(bodies)
    branches = tuple([_casting(program, common) for program in programs])
    call = lambda given: choose(given[0], given[1:], branches)
    outputs = perform(call, [index, *captured, *leaves])
    return tree.unflatten(first.structure, to_user(outputs, common))


def _common(types: dict[str, ArrayType], name: str, what: str) -> ArrayType:
    """The type of an output: Python scalars become what the other branches return."""
    dtype = np.result_type(*[promotion_value(type) for type in types.values()])
    given = list(types.items())
    for i, (label, type) in enumerate(given):
        for other_label, other in given[:i]:
            both_strong = not type.weak and not other.weak
            if type.shape == other.shape and (type.dtype == other.dtype or not both_strong):
                continue
            raise BranchError(
                f"{what}: {name} has type {other} in {other_label}, and {type} in {label}",
                "return one shape from all branches"
                if type.shape != other.shape
                else f"cast one of them, with .astype(np.{dtype})",
            )
    strong = [type for type in types.values() if not type.weak]
    if strong and strong[0].dtype != dtype:
        weak = next(label for label, type in given if type.weak)
        raise BranchError(
            f"{what}: {name} has type {strong[0]} in one branch, which {types[weak]} in {weak} "
            "does not fit",
            f"cast the first, with .astype(np.{dtype})",
        )
    return ArrayType(given[0][1].shape, dtype, not strong)


def _casting(program: Program, types: Sequence[ArrayType]) -> Program:
    """A branch with its Python scalars cast to what the other branches return."""
    if all(a.type.dtype == t.dtype for a, t in zip(program.outputs, types, strict=True)):
        return program
    return build(
        lambda inputs: [
            astype(x, t.dtype) for x, t in zip(inline(program, inputs), types, strict=True)
        ],
        program.input_types,
        program.name,
    )
