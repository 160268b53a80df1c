"""Plain Python code in a Program: `pure_callback`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import tree
from ..custom.batching import METHODS
from ..custom.callback import call_back
from ..custom.hashable_function import Fixed
from ..errors import ArgumentError, OptionError
from ..ir import ArrayType
from ..values import operand
from ._border import leaf_types, short_tracebacks
from ._checks import check_callable
from .custom import custom_jvp, custom_vjp


@short_tracebacks
def pure_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    vmap_method: str | None = None,
    jvp: Callable[..., Any] | None = None,
    vjp: tuple[Callable[..., Any], Callable[..., Any]] | None = None,
    **kwargs: Any,
) -> Any:
    """Call plain Python code on arrays whenever the traced function runs.

    This is the way to code that cannot be traced: compiled routines, solvers of other libraries,
    tables. To wrap such code once and for all, with all its rules, there is `define_op`.

    Args:
        callback: a pure function of NumPy arrays; equal calls may become one, and a call whose
            result nobody uses is left out. It gets copies that it may keep and change.
        result_shape_dtypes: a tree whose leaves have `shape` and `dtype` (arrays, `ArrayType`s):
            what the callback returns.
        args, kwargs: trees of arrays for the callback.
        sharding: accepted for likeness to JAX's function; must be `None`.
        vmap_method: what `vmap` does. "sequential" calls back for one example after the other, in a
            loop; "sequential_unrolled" without one; "expand_dims" calls back once, with the mapped
            axis first, of length 1 where an argument is shared; "broadcast_all" once, with
            the axis at full length.
        jvp: a derivative, as for `custom_jvp`: `(primals, tangents) -> (output, tangent)`, in
            terms of traceable code, which may call back, too. There must be no kwargs.
        vjp: a pair `(fwd, bwd)` as for `custom_vjp`.

    Returns:
        What the callback returns.

    Raises:
        CallbackError: when the callback returns another tree, shape or dtype.
        NonDifferentiableError: for a derivative, where none is given.
        MissingRuleError: under `vmap`, without `vmap_method`.

    Example:
        >>> import math, numpy as np, functrace as ft
        >>> def gamma(x):
        ...     return ft.pure_callback(math.gamma, ft.ArrayType((), float), x,
        ...                             vmap_method="sequential")
        >>> ft.vmap(gamma)(np.array([3.0, 4.0]))
        array([2., 6.])
    """
    check_callable(callback, "pure_callback")
    if sharding is not None:
        raise OptionError("pure_callback(sharding=...) has no meaning here", "leave it away")
    if vmap_method is not None and vmap_method not in METHODS:
        raise OptionError(
            f"pure_callback(vmap_method={vmap_method!r})", f"the methods are {', '.join(METHODS)}"
        )
    announced, outputs = tree.flatten(result_shape_dtypes)
    types = tuple(
        [_announced(x, path) for x, path in zip(announced, tree.paths(outputs), strict=True)]
    )

    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, inputs = tree.flatten((args, kwargs))
        leaf_types(leaves, [f"{path} of the callback" for path in tree.paths(inputs)])
        found = call_back(
            [operand(x) for x in leaves], Fixed(callback),
            inputs=inputs, outputs=outputs, types=types, method=vmap_method,
        )  # fmt: skip
        return tree.unflatten(outputs, found)

    if jvp is None and vjp is None:
        return call(*args, **kwargs)
    return _with_rule(call, callback, jvp, vjp, kwargs)(*args)


def _announced(leaf: Any, path: str) -> ArrayType:
    try:
        return ArrayType(tuple(leaf.shape), leaf.dtype)
    except AttributeError:
        raise ArgumentError(
            f"pure_callback: result_shape_dtypes{path} is a {type(leaf).__name__}, which has no "
            "shape and dtype",
            "write functrace.ArrayType((3, 4), float), or give an array like the result",
        ) from None


def _with_rule(
    call: Callable[..., Any], callback: Callable[..., Any], jvp: Any, vjp: Any, kwargs: Any
) -> Callable[..., Any]:
    """The call as a function with a derivative of its own."""
    if kwargs:
        raise ArgumentError(
            "pure_callback: a rule takes arguments by position, and the callback was given "
            f"{', '.join(kwargs)} by keyword",
            "pass them by position",
        )
    call.__name__ = getattr(callback, "__name__", "callback")
    if jvp is not None and vjp is not None:
        raise ArgumentError(
            "pure_callback was given jvp= and vjp=", "jvp= serves both modes: leave vjp= away"
        )
    if jvp is not None:
        function = custom_jvp(call)
        function.defjvp(jvp)
        return function
    if not isinstance(vjp, Sequence) or len(vjp) != 2:
        raise ArgumentError("pure_callback: vjp= is a pair of functions", "write vjp=(fwd, bwd)")
    function = custom_vjp(call)
    function.defvjp(*vjp)
    return function
