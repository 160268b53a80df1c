"""`checkpoint`: a function whose derivative computes again what it needs, rather than keep it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..control.checkpoint import POLICIES, Policy, checkpointed, nothing
from ..custom.hashable_function import Fixed
from ..errors import OptionError
from ..ir import Equation
from ..recorder import Recorder, tracing
from ..tracer import Tracer
from ._arrays import arrays_of
from ._border import function_name, leaf_types, remakes, to_user, trace_call, transformed
from ._checks import check_callable


@remakes
def checkpoint(
    fun: Callable[..., Any] | None = None,
    *,
    prevent_cse: bool = True,
    policy: str | Callable[[Equation], bool] | None = None,
    static_argnums: int | Sequence[int] = (),
) -> Callable[..., Any]:
    """A function whose derivative in reverse mode takes less memory, and more time.

    Reverse mode keeps what it needs of each step of a computation until the way back. Of a
    checkpointed function it keeps the arguments alone, and computes the rest again on the way back.
    Values and derivatives are the same. `remat` is another name.

    Around each layer of a network, or the body of a `scan`, it is the peak of memory that shrinks.
    Around a whole function it saves nothing, because then all is computed again at once.

    Args:
        fun: a pure function of trees of arrays. What is no array, such as a number, a string or a
            function, is handed on as it is.
        prevent_cse: accepted for likeness to JAX's function: what is computed again is never
            shared with the first computation.
        policy: what is kept besides the arguments. "nothing"; "everything"; "dots", products of
            matrices and vectors; or a function that is called with an `Equation` and tells
            whether its outputs may be kept. A loop is one equation.
        static_argnums: positional arguments to be handed on as they are, trees of arrays included.

    Returns:
        A function of the same arguments with the same results.

    Raises:
        OptionError: for a policy of another name.

    Example:
        >>> import numpy as np, functrace as ft
        >>> layer = ft.checkpoint(lambda W, x: np.tanh(W @ x))
        >>> ft.grad(lambda W: np.sum(layer(W, layer(W, np.ones(2)))))(np.zeros((2, 2)))
        array([[0., 0.],
               [0., 0.]])
    """
    chosen = _policy(policy)
    if fun is None:  # used as @checkpoint(policy=...)
        return lambda f: checkpoint(f, policy=policy, static_argnums=static_argnums)
    check_callable(fun, "checkpoint")

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recorder = tracing()
        if recorder is None:
            return fun(*args, **kwargs)
        return _recorded(fun, args, kwargs, chosen, static_argnums, recorder)

    return transformed(wrapper, fun, "checkpoint")


remat = checkpoint


def _policy(given: Any) -> Policy:
    if given is None:
        return nothing
    if callable(given):
        return Fixed(given)
    if isinstance(given, str) and given in POLICIES:
        return POLICIES[given]
    raise OptionError(
        f"checkpoint(policy={given!r})",
        f"the policies are {', '.join(POLICIES)}, or a function of an Equation",
    )


def _recorded(
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    policy: Policy,
    static_argnums: int | Sequence[int],
    recorder: Recorder,
) -> Any:
    """Trace the function, and record one equation for it."""
    arrays = arrays_of(fun, args, kwargs, static_argnums, _is_array, "checkpoint")
    leaves = arrays.leaves
    recording, out_tree = trace_call(
        arrays.call, tree.structure(leaves), leaves, leaf_types(leaves, arrays.names), arrays.names,
        name=function_name(fun), reused=not recorder.reason,
    )  # fmt: skip
    outputs = checkpointed(recording.program, [*leaves, *recording.captured], policy)
    return tree.unflatten(out_tree, to_user(outputs, recording.output_types))


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (Tracer, np.ndarray, np.generic))
