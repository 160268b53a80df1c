"""Derivatives along directions: `jvp`, `linearize`, `vjp`, `linear_transpose`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import ArgumentError, DerivativeTypeError, TreeStructureError
from ..ir import ArrayType, Program
from ..lists import select
from ..memo.site import THRESHOLDS
from ..memo.specialise import Specialised
from ..memo.structural import finished
from ..recording import Recording
from ..transforms.free_columns import guarded
from ..transforms.jvp import jvp as jvp_program
from ..transforms.linearize import Linearized
from ..transforms.linearize import linearize as linearize_program
from ..transforms.transpose import pullback, transpose
from ..tree import TreeDef
from ._border import (
    function_name,
    leaf_names,
    leaf_types,
    parameter_names,
    short_tracebacks,
    to_user,
    trace_call,
)
from ._checks import (
    active_inputs,
    check_aux,
    check_callable,
    check_outputs,
    fill_integers,
    fit,
    float0,
)
from ._execute import Runner
from ._linear import LinearFunction, name_of, same_dtypes
from ._select import Selection
from ._transform import Finished, Transform

# Forward mode


@short_tracebacks
def jvp(
    fun: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """The value of a function and its derivative along a direction, by forward mode.

    Args:
        primals: the arguments, as a tuple or list.
        tangents: a direction for each argument, of the same trees and shapes.
        has_aux: whether `fun` returns `(output, auxiliary)`.

    Returns:
        `(output, output tangent)`, and the auxiliary data with `has_aux`.

    Raises:
        TreeStructureError, ShapeError, DerivativeTypeError: when a tangent does not fit its primal.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.jvp(np.sin, (0.0,), (2.0,))
        (np.float64(0.0), np.float64(2.0))
    """
    check_callable(fun, "jvp")

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        return choose_direction(fun, args, "jvp")

    def finish(chosen: Selection, recording: Recording, out_tree: TreeDef) -> Finished:
        program, mask = recording.program, _mask(chosen, recording)

        def make(shorter: Program) -> tuple[Runner, tuple[bool, ...]]:
            both, active_outputs = jvp_program(shorter, mask)
            both = guarded(both, len(program.inputs), program)
            return Runner(both, program), active_outputs

        runner, active_outputs = finished(("jvp", mask), program, make, recording.guards)
        count = len(program.outputs)

        def assemble(outputs: Sequence[Any]) -> tuple[Any, ...]:
            values = to_user(outputs[:count], recording.output_types)
            tangents_out = fill_zeros(outputs[count:], active_outputs, program.output_types)
            return _pair(out_tree, values, tangents_out, has_aux)

        return Finished(runner, assemble, steady=chosen.details)

    return Transform(fun, ("jvp", has_aux), choose, finish)(primals, tangents)


@short_tracebacks
def linearize(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of a function, and its derivative as a linear function to be called many times.

    Returns:
        `(output, pushforward)`, and the auxiliary data with `has_aux`. The pushforward takes a
        tangent for each argument and returns the output's tangent, without computing the output
        again.

    Example:
        >>> import numpy as np, functrace as ft
        >>> y, push = ft.linearize(np.sin, 0.0)
        >>> push(3.0)
        np.float64(3.0)
    """
    check_callable(fun, "linearize")

    def finish(chosen: Selection, recording: Recording, out_tree: TreeDef) -> Finished:
        program, mask = recording.program, _mask(chosen, recording)

        def make(shorter: Program) -> tuple[Linearized, Runner, Runner]:
            parts = linearize_program(shorter, mask)
            linear = guarded(parts.linear, parts.residuals)
            return parts, Runner(parts.primal, program), Runner(linear, program)

        parts, primal, linear = finished(("linearize", mask), program, make, recording.guards)
        count = len(program.outputs)
        what = _Pushforward(
            name_of("pushforward", fun), linear, program, chosen.structure, tuple(chosen.types),
            tuple(chosen.names), parts.active_outputs, out_tree, has_aux,
            linear.program.input_types[: parts.residuals],
        )  # fmt: skip
        warm = Specialised(THRESHOLDS.specialise_typed)

        def assemble(outputs: Sequence[Any]) -> tuple[Any, ...]:
            values = to_user(outputs[:count], recording.output_types)
            value, _, *aux = _pair(out_tree, values, values, has_aux)
            return value, list(outputs[count:]), *aux

        def wrap(fun: Any, result: tuple[Any, ...]) -> tuple[Any, ...]:
            value, residuals, *aux = result
            return value, LinearFunction(what, residuals, fun, warm), *aux

        return Finished(primal, assemble, wrap)

    choose = partial(_choose_primals, fun, "linearize")
    return Transform(fun, ("linearize", has_aux), choose, finish)(*primals)


class _Pushforward(NamedTuple):
    """From tangents of the arguments to tangents of the output."""

    name: str
    runner: Runner
    program: Program
    structure: TreeDef
    types: tuple[ArrayType, ...]
    names: tuple[str, ...]
    active_outputs: tuple[bool, ...]
    out_tree: TreeDef
    has_aux: bool
    residual_types: tuple[ArrayType, ...]

    def given(self, *tangents: Any) -> list[Any]:
        return _tangent_leaves(self, tangents, "the pushforward")

    def operands(self, given: Sequence[Any]) -> Sequence[Any]:
        return given

    def assemble(self, outputs: Sequence[Any]) -> Any:
        found = fill_zeros(outputs, self.active_outputs, self.program.output_types)
        return _pair(self.out_tree, found, found, self.has_aux)[1]


def _choose_primals(
    fun: Callable[..., Any], transform: str, primals: Any, _: Mapping[str, Any] | None = None
) -> Selection:
    """A call all of whose arguments are differentiated by."""
    if not isinstance(primals, (tuple, list)):
        raise ArgumentError(
            f"{transform} takes the arguments as a tuple, and was given a "
            f"{type(primals).__qualname__}",
            f"write {transform}(f, (x,), ...)",
        )
    leaves, structure = tree.flatten(tuple(primals))
    names = leaf_names(structure, parameter_names(fun, len(primals)))
    types = leaf_types(leaves, names)
    return Selection(
        lambda args: fun(*args), leaves, structure, names, types, lambda args, _: tuple(args), list
    )


def choose_direction(fun: Callable[..., Any], args: Sequence[Any], transform: str) -> Selection:
    """A call by the arguments `primals, tangents`. Details: whether tangents are as they were."""
    primals, tangents = args
    chosen = _choose_primals(fun, transform, primals)
    given = _tangent_leaves(chosen, tangents, transform)
    return chosen._replace(
        pick=lambda args, _: args[0],
        rebuilt=lambda args, kwargs: (args[0], kwargs),
        extra=given,
        pick_extra=lambda args, _: args[1],
        details=same_dtypes(tuple(tangents), given),
    )


def _mask(chosen: Selection, recording: Recording) -> tuple[bool, ...]:
    """The inputs of the Program that are differentiated by."""
    return (*[t.inexact for t in chosen.types], *[False] * len(recording.captured))


def _tangent_leaves(
    traced: Selection | _Pushforward, tangents: Sequence[Any], what: str
) -> list[Any]:
    """The tangents of the active leaves, checked against their primals."""
    if not isinstance(tangents, (tuple, list)):
        raise ArgumentError(
            f"{what} takes the tangents as a tuple, and was given a {type(tangents).__qualname__}",
            "write (v,) for one tangent",
        )
    leaves, structure = tree.flatten(tuple(tangents))
    if structure != traced.structure:
        raise TreeStructureError(
            f"{what}: tangents have the tree {structure}, and primals {traced.structure}",
            "give one tangent for each argument, of the same structure",
        )
    given = []
    for leaf, type_, name in zip(leaves, traced.types, traced.names, strict=True):
        if type_.inexact:
            given.append(fit(leaf, type_, f"{what}: the tangent of {name}"))
        elif getattr(leaf, "dtype", None) != float0:
            raise DerivativeTypeError(
                f"{what}: {name} is of integers or booleans ({type_}), which have no tangent",
                "pass floating-point numbers (1.0, or x.astype(float)); to leave the argument "
                "alone, give np.zeros(shape, functrace.float0) as its tangent",
            )
    return given


def fill_zeros(
    values: Sequence[Any], active_outputs: Sequence[bool], types: Sequence[ArrayType]
) -> list[Any]:
    """A tangent for every output: zeros where there is none."""
    given = iter(values)
    return [
        next(given)
        if is_active
        else np.zeros(type.shape, type.dtype if type.inexact else float0)[()]
        for is_active, type in zip(active_outputs, types, strict=True)
    ]


def _pair(
    out_tree: TreeDef, values: Sequence[Any], tangents: Sequence[Any], has_aux: bool
) -> tuple[Any, ...]:
    value, tangent = tree.unflatten(out_tree, values), tree.unflatten(out_tree, tangents)
    if not has_aux:
        return value, tangent
    check_aux(out_tree)
    return value[0], tangent[0], value[1]


# Reverse mode


@short_tracebacks
def vjp(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of a function, and its pullback: from an output's cotangent to the inputs', by
    reverse mode.

    Returns:
        `(output, pullback)`, and the auxiliary data with `has_aux`. The pullback takes a
        cotangent of the output's tree and shapes, and returns a tuple with a cotangent for each
        argument.

    Raises:
        NonDifferentiableError: when an op on the way has no derivative.

    Example:
        >>> import numpy as np, functrace as ft
        >>> y, pull = ft.vjp(lambda x, y: x * y, 2.0, 3.0)
        >>> pull(1.0)
        (np.float64(3.0), np.float64(2.0))
    """
    check_callable(fun, "vjp")

    def finish(chosen: Selection, recording: Recording, out_tree: TreeDef) -> Finished:
        program, mask = recording.program, _mask(chosen, recording)

        def make(shorter: Program) -> tuple[Linearized, Runner, Runner]:
            parts = linearize_program(shorter, mask)
            return parts, Runner(parts.primal, program), Runner(pullback(parts), program)

        parts, primal, backward = finished(("vjp", mask), program, make, recording.guards)
        count = len(program.outputs)
        if has_aux:
            check_aux(out_tree)
        head = out_tree.children[0] if has_aux else out_tree
        what = _Pullback(
            name_of("pullback", fun), backward, program, chosen.structure, tuple(chosen.types),
            mask[: len(chosen.types)], parts.active_outputs, head,
            recording.output_types[: head.size], backward.program.input_types[: parts.residuals],
        )  # fmt: skip
        warm = Specialised(THRESHOLDS.specialise_typed)

        def assemble(outputs: Sequence[Any]) -> tuple[Any, ...]:
            value = tree.unflatten(out_tree, to_user(outputs[:count], recording.output_types))
            value, *aux = value if has_aux else (value,)
            return value, list(outputs[count:]), *aux

        def wrap(fun: Any, result: tuple[Any, ...]) -> tuple[Any, ...]:
            value, residuals, *aux = result
            return value, LinearFunction(what, residuals, fun, warm), *aux

        return Finished(primal, assemble, wrap)

    choose = partial(_choose_primals, fun, "vjp")
    return Transform(fun, ("vjp", has_aux), choose, finish)(*primals)


class _Pullback(NamedTuple):
    """From cotangents of the output to cotangents of the arguments."""

    name: str
    runner: Runner
    program: Program
    structure: TreeDef
    types: tuple[ArrayType, ...]
    active: tuple[bool, ...]
    active_outputs: tuple[bool, ...]
    out_tree: TreeDef
    out_types: tuple[ArrayType, ...]
    residual_types: tuple[ArrayType, ...]

    def given(self, cotangent: Any) -> list[Any]:
        return _cotangent_leaves(cotangent, self.out_tree, self.out_types)

    def operands(self, given: Sequence[Any]) -> Sequence[Any]:
        rest = self.program.outputs[len(given) :]
        full = [*given, *[np.zeros(a.type.shape, a.type.dtype) for a in rest]]
        return select(full, self.active_outputs)

    def assemble(self, outputs: Sequence[Any]) -> tuple[Any, ...]:
        return tree.unflatten(self.structure, fill_integers(outputs, self.active, self.types))


def _cotangent_leaves(cotangent: Any, out_tree: TreeDef, types: Sequence[ArrayType]) -> list[Any]:
    leaves, structure = tree.flatten(cotangent)
    if structure != out_tree:
        raise TreeStructureError(
            f"the cotangent has the tree {structure}, and the output {out_tree}",
            "give a cotangent for each output, of the same structure",
        )
    names = [f"the cotangent{path}" for path in tree.paths(out_tree)]
    return [
        fit(leaf, type, name) if type.inexact else leaf
        for leaf, type, name in zip(leaves, types, names, strict=True)
    ]


@short_tracebacks
def linear_transpose(fun: Callable[..., Any], *primals: Any) -> Callable[..., Any]:
    """The transpose of a linear function.

    Args:
        fun: linear in all its arguments.
        primals: arrays, or anything with their shapes and dtypes such as an `ArrayType`.

    Returns:
        A function from a cotangent of the output to a tuple of cotangents, one for each argument.

    Raises:
        MissingRuleError: when the function is not linear.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.linear_transpose(lambda x: 3.0 * x, 1.0)(2.0)
        (np.float64(6.0),)
    """
    check_callable(fun, "linear_transpose")
    leaves, structure = tree.flatten(primals)
    names = leaf_names(structure, parameter_names(fun, len(primals)))
    types = [type.strong for type in leaf_types(leaves, names)]
    active_inputs(
        types, names, "linear_transpose", holomorphic=False, allow_int=False, leaves=leaves
    )
    recording, out_tree = trace_call(
        lambda args: fun(*args), structure, leaves, types, names,
        name=function_name(fun), reason="linear_transpose",
    )  # fmt: skip
    check_outputs(recording.output_types, "linear_transpose", complex_ok=True)
    mask = (*[True] * len(types), *[False] * len(recording.captured))
    program, captured = recording.program, recording.snapshot()
    runner = finished(
        ("transpose", mask), program, lambda shorter: Runner(transpose(shorter, mask), program)
    )

    what = _Transpose(
        name_of("transpose", fun), runner, program, structure, out_tree, recording.output_types,
        program.input_types[len(types) :],
    )  # fmt: skip
    return LinearFunction(what, captured, fun, Specialised(THRESHOLDS.specialise_typed))


class _Transpose(NamedTuple):
    """From cotangents of the output of a linear function to cotangents of its arguments."""

    name: str
    runner: Runner
    program: Program
    structure: TreeDef
    out_tree: TreeDef
    out_types: tuple[ArrayType, ...]
    residual_types: tuple[ArrayType, ...]

    def given(self, cotangent: Any) -> list[Any]:
        return _cotangent_leaves(cotangent, self.out_tree, self.out_types)

    def operands(self, given: Sequence[Any]) -> Sequence[Any]:
        return given

    def assemble(self, outputs: Sequence[Any]) -> tuple[Any, ...]:
        return tree.unflatten(self.structure, outputs)
