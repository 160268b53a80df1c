"""What a closure holds, made an argument: `closure_convert`, `custom_gradient`, `linear_call`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import tree
from ..control.programs import inline
from ..custom.hashable_function import defined_at
from ..custom.linear import KnownLinear
from ..custom.linear import linear_call as bind_linear_call
from ..custom.rules import demand_pair, fitted_outputs
from ..custom.signature import Result, traced
from ..errors import ArgumentError
from ..ir import ArrayType, Program
from ..recorder import recorder_for, type_of
from ..recording import Recording
from ..tracer import Tracer
from ..tree import TreeDef
from ..values import operand
from ._bodies import Body, with_captures
from ._border import (
    function_name,
    leaf_names,
    leaf_types,
    parameter_names,
    short_tracebacks,
    to_user,
)
from ._checks import check_callable
from .custom import custom_vjp


@short_tracebacks
def closure_convert(
    fun: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """A function without the traced values of its closure, and these values.

    A rule may not use traced values of the surrounding function; converted, it takes them as
    arguments.

    Args:
        example_args: arguments of the shapes and dtypes that the function will be called with.

    Returns:
        `(converted, values)`: `converted(*args, *values)` is what `fun(*args)` is. The values are
        the floating-point traced ones; others stay in the closure.

    Example:
        >>> import numpy as np, functrace as ft
        >>> def f(a):
        ...     converted, values = ft.closure_convert(lambda x: a * x, 1.0)
        ...     return converted(3.0, *values) * len(values)
        >>> ft.grad(f)(2.0)
        np.float64(3.0)
    """
    check_callable(fun, "closure_convert")
    leaves, structure = tree.flatten(example_args)
    names = leaf_names(structure, parameter_names(fun, len(example_args)))
    types = leaf_types(leaves, names)
    recording, result = traced(
        lambda tracers: fun(*tree.unflatten(structure, tracers)),
        types, names, name=function_name(fun), reason="closure_convert",
    )  # fmt: skip
    captured = recording.snapshot()
    moved = [i for i, x in enumerate(captured) if type(x) is Tracer and x.type.inexact]

    def converted(*args_and_values: Any) -> Any:
        count = len(structure.children)
        args, values = args_and_values[:count], args_and_values[count:]
        given, found = tree.flatten(args)
        if found != structure or len(values) != len(moved):
            raise ArgumentError(
                f"a converted function was called with {len(args_and_values)} arguments of the "
                f"tree {found}; it takes {structure}, then {len(moved)} values",
                "pass what closure_convert was given examples of, then the values it returned",
            )
        full = list(captured)
        for i, value in zip(moved, values, strict=True):
            full[i] = value
        outputs = inline(recording.program, [*given, *full])
        return tree.unflatten(result.structure, to_user(outputs, result.types))

    functools.update_wrapper(converted, fun, updated=())
    return converted, [captured[i] for i in moved]


@dataclasses.dataclass
class _Pull:
    """A pullback as a residual: its Program, and the values that it took from its closure."""

    captured: list[Any]
    program: Program = dataclasses.field(metadata={"static": True})
    structure: TreeDef = dataclasses.field(metadata={"static": True})


def custom_gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns its value and its pullback.

    Args:
        fun: returns `(output, pullback)`. The pullback takes a cotangent of the output's tree, and
            returns a tuple with a cotangent for each argument of `fun`, or the cotangent alone
            where there is one. It may use what `fun` has computed.

    Returns:
        A function of the same arguments that returns the output, to be differentiated in reverse
        mode.

    Example:
        >>> import numpy as np, functrace as ft
        >>> @ft.custom_gradient
        ... def f(x):
        ...     y = np.exp(x)
        ...     return y, lambda ct: ct * y
        >>> ft.grad(f)(0.0)
        np.float64(1.0)
    """
    check_callable(fun, "custom_gradient")
    what = f"{function_name(fun)}, to which custom_gradient was applied,"

    def pair(*args: Any) -> Any:
        return demand_pair(fun(*args), what, "output, pullback", defined_at(fun))

    @functools.wraps(fun)
    def output(*args: Any) -> Any:
        return pair(*args)[0]

    def fwd(*args: Any) -> tuple[Any, _Pull]:
        value, pull = pair(*args)
        leaves, structure = tree.flatten(value)
        recording, result = traced(
            lambda cts: pull(tree.unflatten(structure, cts)),
            [type_of(x) for x in leaves], [f"ct{path}" for path in tree.paths(structure)],
            name="pullback", reason="custom_gradient",
        )  # fmt: skip
        return value, _Pull(list(recording.captured), recording.program, result.structure)

    def bwd(residual: _Pull, cotangent: Any) -> tuple[Any, ...]:
        operands = [*tree.leaves(cotangent), *residual.captured]
        found = tree.unflatten(residual.structure, inline(residual.program, operands))
        return tuple(found) if isinstance(found, (tuple, list)) else (found,)

    function = custom_vjp(output)
    function.defvjp(fwd, bwd)
    return function


@short_tracebacks
def linear_call(
    fun: Callable[[Any, Any], Any],
    fun_transpose: Callable[[Any, Any], Any],
    residual_args: Any,
    linear_args: Any,
) -> Any:
    """The value of a linear function, with a transpose of its own.

    Args:
        fun: `(residual_args, linear_args) -> output`, linear in the second.
        fun_transpose: `(residual_args, cotangent) -> cotangent of linear_args`.
        residual_args: a tree of what both need.
        linear_args: a tree.

    Returns:
        `fun(residual_args, linear_args)`. Where a derivative is transposed for reverse mode,
        `fun_transpose` is used.

    Raises:
        CustomRuleError: when the transpose returns another tree, shape or dtype than `linear_args`.

    Example:
        >>> import functrace as ft
        >>> halve = lambda c, x: x / c
        >>> ft.grad(lambda x: ft.linear_call(halve, halve, 2.0, x))(3.0)
        np.float64(0.5)
    """
    check_callable(fun, "linear_call")
    check_callable(fun_transpose, "linear_call")
    first, residual_tree = tree.flatten(residual_args)
    second, linear_tree = tree.flatten(linear_args)
    if recorder_for([*first, *second]) is None:
        return fun(residual_args, linear_args)
    name, count = function_name(fun), len(first)
    names = [
        *[f"residual_args{path}" for path in tree.paths(residual_tree)],
        *[f"linear_args{path}" for path in tree.paths(linear_tree)],
    ]
    types = leaf_types([*first, *second], names)
    forward, result = traced(
        lambda tracers: fun(
            tree.unflatten(residual_tree, tracers[:count]),
            tree.unflatten(linear_tree, tracers[count:]),
        ),
        types, names, name=name, reason="linear_call",
    )  # fmt: skip
    backward, given = _transposed(fun_transpose, residual_tree, linear_tree, types, count, result)
    bodies = [
        Body(recording.captures_first(), recording.captured, found.types, found.structure)
        for recording, found in ((forward, result), (backward, given))
    ]
    programs, captured = with_captures(bodies)
    residuals = [*captured, *first]
    outputs = bind_linear_call(
        KnownLinear(name, *programs),
        [operand(x) for x in residuals],
        [operand(x) for x in second],
        tuple([type.strong for type in result.types]),
    )
    return tree.unflatten(result.structure, to_user(outputs, result.types))


def _transposed(
    fun: Callable[..., Any], residual_tree: TreeDef, linear_tree: TreeDef,
    types: Sequence[ArrayType], count: int, result: Result,
) -> tuple[Recording, Result]:  # fmt: skip
    """Trace the transpose, and check what it returns."""
    what = f"linear_call: what {function_name(fun)} returned"

    def flat(tracers: list[Any]) -> list[Any]:
        given = fun(
            tree.unflatten(residual_tree, tracers[:count]),
            tree.unflatten(result.structure, tracers[count:]),
        )
        return fitted_outputs(given, linear_tree, types[count:], what, defined_at(fun))

    return traced(
        flat, [*types[:count], *result.types], [""] * (count + len(result.types)),
        name=function_name(fun), reason="linear_call",
    )  # fmt: skip
