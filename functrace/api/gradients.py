"""Gradients of scalar functions: `grad` and `value_and_grad`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import tree
from ..errors import DerivativeTypeError, NonScalarOutputError
from ..ir import Program
from ..memo.structural import finished
from ..modes import chosen
from ..recording import Recording
from ..transforms.transpose import value_and_gradient
from ..tree import TreeDef
from ._border import remakes, to_user, transformed
from ._checks import active_inputs, check_callable, fill_integers
from ._execute import Runner
from ._select import ArgNames, ArgNums, Selection, frozen, select
from ._transform import Finished, Transform


@remakes
def grad(
    fun: Callable[..., Any],
    argnums: ArgNums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    *,
    argnames: ArgNames = None,
) -> Callable[..., Any]:
    """The gradient of a scalar function, by reverse mode.

    Args:
        fun: returns a scalar, or `(scalar, auxiliary)` with `has_aux`.
        argnums: the positional arguments to differentiate by; an int, or several. Default 0.
        has_aux: whether `fun` returns auxiliary data too; then the result is `(gradient,
            auxiliary)`.
        holomorphic: whether `fun` is complex-differentiable; inputs and output are then complex.
        allow_int: accept integer inputs, whose gradient is empty (dtype `float0`).
        argnames: arguments to differentiate by, by name; several give a dict.

    Returns:
        A function of the same arguments. The gradient has the tree, shapes and dtypes of the
        argument, or is a tuple of such for several `argnums`. For a real function of complex z
        the convention is JAX's: the gradient of |z|^2 is the conjugate of 2z.

    Raises:
        NonScalarOutputError: when the output is not a scalar.
        DerivativeTypeError: for integer inputs or output.
        NonDifferentiableError: when an op on the way has no derivative.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.grad(lambda x: np.sum(x ** 3))(np.array([1.0, 2.0]))
        array([ 3., 12.])
    """
    return _differentiated(fun, argnums, has_aux, holomorphic, allow_int, argnames, "grad")


@remakes
def value_and_grad(
    fun: Callable[..., Any],
    argnums: ArgNums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    *,
    argnames: ArgNames = None,
) -> Callable[..., Any]:
    """The value and the gradient of a scalar function. Arguments and errors as for `grad`.

    Returns:
        A function that returns `(value, gradient)`, or `((value, auxiliary), gradient)` with
        `has_aux`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.value_and_grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0]))
        (np.float64(5.0), array([2., 4.]))
    """
    return _differentiated(
        fun, argnums, has_aux, holomorphic, allow_int, argnames, "value_and_grad"
    )


def _differentiated(
    fun: Callable[..., Any],
    argnums: ArgNums,
    has_aux: bool,
    holomorphic: bool,
    allow_int: bool,
    argnames: ArgNames,
    transform: str,
) -> Callable[..., Any]:
    check_callable(fun, transform)
    argnums, argnames = frozen(argnums), frozen(argnames)
    with_value = transform == "value_and_grad"

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        picked = select(fun, args, kwargs, argnums, argnames, transform)
        active_inputs(picked.types, picked.names, transform, holomorphic, allow_int, picked.leaves)
        return picked

    def finish(picked: Selection, recording: Recording, out_tree: TreeDef) -> Finished:
        check_scalar(recording, out_tree, has_aux, holomorphic, transform)
        looked_at = chosen()  # then the value is too, though it may not be wanted
        whole = with_value or (looked_at is not None and looked_at.checks)
        active = [type.inexact for type in picked.types]
        wanted = recording.output_types if with_value else recording.output_types[1:]

        def assemble(outputs: Sequence[Any]) -> Any:
            outputs = outputs[1:] if whole and not with_value else outputs
            values = to_user(outputs[: len(wanted)], wanted)
            result = picked.result(fill_integers(outputs[len(wanted) :], active, picked.types))
            if with_value:
                return tree.unflatten(out_tree, values), result
            return (result, tree.unflatten(out_tree.children[1], values)) if has_aux else result

        return Finished(_finished(recording, active, whole), assemble)

    options = (transform, argnums, has_aux, holomorphic, allow_int, argnames)
    return transformed(Transform(fun, options, choose, finish), fun, transform)


def _finished(recording: Recording, active: Sequence[bool], with_value: bool) -> Runner:
    """The finished Program of the gradient: outputs of the function, then a gradient by input.

    Args:
        with_value: whether the function's value is wanted; else its first output is left out.
    """
    program = recording.program
    mask = (*active, *[False] * len(recording.captured))

    def make(shorter: Program) -> Runner:
        both = value_and_gradient(shorter, mask, program.outputs[0].type.dtype.type(1))
        if with_value:
            return Runner(both, program)
        return Runner(both.replace(outputs=both.outputs[1:]), program)

    kind = "value_and_grad" if with_value else "grad"
    return finished((kind, mask), program, make, recording.guards)


def check_scalar(
    recording: Recording, out_tree: TreeDef, has_aux: bool, holomorphic: bool, transform: str
) -> None:
    """Raise where a function did not return one number that has a gradient."""
    if has_aux:
        if out_tree.kind is not tuple or len(out_tree.children) != 2:
            one = out_tree.kind is None
            raise NonScalarOutputError(
                f"{transform}(has_aux=True) needs a function that returns (value, auxiliary), and "
                f"this one returned {'one number or array' if one else out_tree}",
                "return a pair, or omit has_aux=True" if one else "return a pair",
            )
        out_tree = out_tree.children[0]
    if out_tree.kind is not None:
        kind = "nothing (None)" if out_tree.kind is type(None) else f"a {out_tree.kind.__name__}"
        raise NonScalarOutputError(
            f"{transform} needs a function that returns one number, and this one returned {kind}"
            + (f" of {out_tree.size} values" if out_tree.size else ""),
            "return the loss alone; to return more, return (loss, others) and pass has_aux=True"
            if out_tree.size
            else "is a return statement missing?",
        )
    type_ = recording.output_types[0]
    if type_.shape:
        raise NonScalarOutputError(
            f"{transform} needs a function that returns one number, and this one returned an array "
            f"of shape {type_.shape}",
            "a shape of (1,) is an array with one element, not a scalar: return y[0], y.squeeze() "
            "or np.sum(y)"
            if type_.shape == (1,)
            else "return its np.sum or np.mean; for all derivatives of an array use jacobian, and "
            "for a function that works on each element alone elementwise_grad",
        )
    if not type_.inexact:
        raise DerivativeTypeError(
            f"{transform} of a function that returned {type_}, which has no derivative",
            "return a floating-point number",
        )
    if (type_.dtype.kind == "c") != holomorphic:
        raise DerivativeTypeError(
            f"{transform} of a function that returned {type_}"
            + (" with holomorphic=True" if holomorphic else ""),
            "return a complex number"
            if holomorphic
            else "return a real number such as np.abs(z) ** 2, or pass holomorphic=True",
        )
