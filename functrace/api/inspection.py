"""Looking at functions without running them, and running Programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..errors import ArgumentError
from ..executors import reference
from ..ir import Program, fits
from ..ops.elementwise import stop_gradient_op
from ..recorder import plain
from ..tracer import Tracer
from ._border import (
    call_names,
    function_name,
    leaf_types,
    remakes,
    short_tracebacks,
    trace_call,
    transformed,
)
from .compilation import jit


@remakes
def trace(fun: Callable[..., Any], **options: Any) -> Callable[..., Program]:
    """The Program of a function, to be read, compared or run.

    Args:
        options: `static_argnums` and `static_argnames`, as for `jit`.

    Returns:
        A function of the same arguments that returns a `Program`. Arrays of the closure are copied
        into it.

    Example:
        >>> import numpy as np, functrace as ft
        >>> print(ft.trace(lambda x: np.sin(x) * 2)(1.0))
        function(x: f64) -> f64
          a: f64 = sin(x)
          b: f64 = a * 2.0
          return b
    """
    jitted: Any = jit(fun, **options)
    return transformed(jitted.trace, fun, "trace")


@short_tracebacks
def evaluate(program: Program, *inputs: Any) -> Any:
    """Run a Program by the reference executor, one NumPy call an equation.

    Args:
        inputs: an array for each input.

    Returns:
        The output, or a tuple when there are several.

    Raises:
        ArgumentError: when the number of inputs or a type differs.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.evaluate(ft.trace(np.square)(3.0), 4.0)
        np.float64(16.0)
    """
    if len(inputs) != len(program.inputs):
        raise ArgumentError(
            f"{program.name} has {len(program.inputs)} inputs, and {len(inputs)} were given"
        )
    values = [plain(x) for x in inputs]
    for value, var in zip(values, program.inputs, strict=True):
        if not fits(value.shape, var.type.shape) or value.dtype != var.type.dtype:
            raise ArgumentError(
                f"input {var.name} of {program.name} has type {var.type}, and an array of "
                f"shape {value.shape} and dtype {value.dtype} was given"
            )
    outputs = [np.array(x)[()] for x in reference.run(program, values)]
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


@short_tracebacks
def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes that a function returns, without computing anything.

    Args:
        args: arrays, numbers, or `ArrayType`s in their place.

    Returns:
        The output's tree with an `ArrayType` for each leaf; it has `shape` and `dtype`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.eval_shape(lambda A, x: A @ x, ft.ArrayType((2, 3), float), np.ones(3))
        f64[2]
    """
    leaves, structure = tree.flatten((args, kwargs))
    names = call_names(fun, structure)
    types = leaf_types(leaves, names)
    recording, out_tree = trace_call(
        lambda call: fun(*call[0], **call[1]), structure, leaves, types, names,
        name=function_name(fun), reason="eval_shape",
    )  # fmt: skip
    return tree.unflatten(out_tree, recording.output_types)


def stop_gradient(x: Any) -> Any:
    """The same value, with a derivative of zero.

    Args:
        x: an array, or a tree of them.

    Example:
        >>> import functrace as ft
        >>> ft.grad(lambda x: x * ft.stop_gradient(x))(3.0)
        np.float64(3.0)
    """
    return tree.map(
        lambda leaf: stop_gradient_op(leaf) if type(leaf) is Tracer and leaf.type.inexact else leaf,
        x,
    )
