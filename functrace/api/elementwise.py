"""The derivative of functions that work on each element alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ConcretizationError, NotElementwiseError
from ..ir import Equation, Program
from ..memo.structural import finished
from ..passes.inline import inline
from ..recorder import plain
from ..recording import Recording
from ..tracer import Tracer
from ..transforms.jvp import jvp as jvp_program
from ..transforms.transpose import value_and_gradient
from ..tree import TreeDef
from ._border import remakes, transformed
from ._checks import check_callable, check_outputs
from ._execute import Runner
from ._select import Selection
from ._transform import Finished, Transform
from .jacobians import select_active


@remakes
def elementwise_grad(fun: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The derivative of an elementwise function at each element, in one reverse pass.

    Args:
        fun: each element of its output depends on the same element of the argument alone.
        argnums: the argument, one array of the output's shape.

    Returns:
        A function of the same arguments, whose result has the argument's shape.

    Raises:
        NotElementwiseError: when the function mixes elements, naming the line that does.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.elementwise_grad(np.sin)(np.zeros(3))
        array([1., 1., 1.])
    """
    check_callable(fun, "elementwise_grad")

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        return select_active(fun, args, kwargs, argnums, None, "elementwise_grad", False)

    def finish(chosen: Selection, recording: Recording, out_tree: TreeDef) -> Finished:
        program, types = recording.program, chosen.types
        if len(types) != 1 or out_tree.kind is not None:
            raise NotElementwiseError(
                "elementwise_grad needs a function of one array (chosen by argnums) to one array"
            )
        if program.output_types[0].shape != types[0].shape:
            raise NotElementwiseError(
                f"elementwise_grad of a function from shape {types[0].shape} to shape "
                f"{program.output_types[0].shape}: an elementwise function keeps the shape",
                "use jacobian",
            )
        complex_ok = types[0].dtype.kind == "c"
        check_outputs(program.output_types, "elementwise_grad", complex_ok)
        mixing = _mixing_equation(inline(program))
        if mixing is not None:
            _check_by_value(program, [*chosen.leaves, *recording.captured], mixing)
        mask = (True, *[False] * len(recording.captured))
        seed = np.ones(types[0].shape, program.output_types[0].dtype)
        runner = finished(
            ("elementwise_grad", mask),
            program,
            lambda shorter: Runner(value_and_gradient(shorter, mask, seed), program),
            recording.guards,
        )
        return Finished(runner, lambda outputs: outputs[1], steady=mixing is None)

    options = ("elementwise_grad", argnums)
    return transformed(Transform(fun, options, choose, finish), fun, "elementwise_grad")


def _mixing_equation(program: Program) -> Equation | None:
    """The first equation by which an element could depend on another of the first input."""
    shape = program.inputs[0].type.shape
    reached: set[Any] = {program.inputs[0]}
    for equation in program.equations:
        touched = [atom for atom in equation.inputs if atom in reached]
        if touched and equation.outputs:
            output = equation.outputs[0]
            aligned = output.type.shape == shape and all(a.type.shape == shape for a in touched)
            if not (equation.primitive.elementwise and aligned):
                return equation
            reached.update(equation.outputs)
    return None


def _check_by_value(program: Program, operands: list[Any], mixing: Equation) -> None:
    """Test J v = diag(J 1) v for a random v, which fails almost surely when J is not diagonal.

    The structure of the Program could not show that the function is elementwise; its values at
    this point can.
    """
    where = f"{mixing.primitive.name} at {mixing.source}"
    if any(type(x) is Tracer for x in operands):
        raise ConcretizationError(
            f"elementwise_grad cannot tell under another transform whether {where} mixes elements",
            "use np.diagonal of jacobian, or vmap(grad(f))",
            mixing.source,
        )
    mask = (True, *[False] * (len(program.inputs) - 1))
    both, active = jvp_program(program, mask)
    if not active[0]:
        return
    run = Runner(both.silent())
    type_ = program.inputs[0].type
    direction = np.random.default_rng(0).standard_normal(type_.shape).astype(type_.dtype)
    values = [plain(x) for x in operands]
    ones, along = (run([*values, v])[-1] for v in (np.ones(type_.shape, type_.dtype), direction))
    largest = np.max(np.abs(along), initial=0, where=np.isfinite(along))
    tolerance = 100 * np.finfo(type_.dtype).eps * float(largest)
    if not np.allclose(along, ones * direction, rtol=1e-6, atol=tolerance, equal_nan=True):
        raise NotElementwiseError(
            f"elementwise_grad of a function that mixes elements: {where}",
            "use jacobian for all derivatives, or grad of the sum for its gradient",
            mixing.source,
        )
