"""Choices and loops that a Program keeps: `cond`, `switch`, `scan`, `map`, `while_loop` and others.

Python's own `if` and `for` leave in a Program what they did once. These leave the choice, or the
loop, whatever its length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..control.loop import Loop
from ..errors import ArgumentError, CarryError, DTypeError, ShapeError
from ..ir import ArrayType
from ..ops.cast import astype
from ..ops.elementwise import not_equal
from ..recorder import type_of
from ..tracer import Tracer
from ..values import operand
from ._bodies import (
    Start,
    run_branches,
    run_loop,
    start,
    trace_body,
    trace_step,
    with_captures,
)
from ._border import function_name, leaf_types, short_tracebacks
from ._checks import demand_count
from .batching import vmap

_COUNTER = ArrayType((), np.int64, weak=True)


@short_tracebacks
def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any
) -> Any:
    """The output of one of two functions. Only that one is computed.

    Under `vmap`, with a condition that differs between examples, both are computed and each example
    takes its own.

    Args:
        pred: one boolean or number.
        true_fun: is called with the operands when the condition is true; may use outer values.
        false_fun: the same when it is false. Both return the same tree, shapes and dtypes.
        operands: trees of arrays.

    Raises:
        BranchError: when the branches return different trees, shapes or dtypes.

    Example:
        >>> import numpy as np, functrace as ft
        >>> f = ft.jit(lambda x: ft.cond(x > 0, np.sqrt, lambda x: 0.0 * x, x))
        >>> f(4.0), f(-4.0)
        (np.float64(2.0), np.float64(-0.0))
    """
    chosen = _scalar(pred, "cond: the condition")
    index = chosen if chosen.dtype.kind == "b" else not_equal(chosen, 0)
    functions = {"the false branch": false_fun, "the true branch": true_fun}
    return run_branches(index, functions, operands, "cond")


@short_tracebacks
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """The output of one of several functions, as for `cond`.

    Args:
        index: one integer; out of range, it counts as the nearest that is in range.
        branches: functions of the operands that return the same tree, shapes and dtypes.

    Raises:
        BranchError: when they do not.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.switch(1, [np.sin, np.cos, np.tan], 0.0)
        np.float64(1.0)
    """
    functions = {f"branch {i}": branch for i, branch in enumerate(branches)}
    if not functions:
        raise ArgumentError("switch: there are no branches", "give at least one function")
    chosen = _scalar(index, "switch: the index")
    if chosen.dtype.kind not in "iu":
        raise DTypeError(
            f"switch: the index is an integer, not {type_of(chosen)}",
            "use cond for a boolean, or convert with .astype(int)",
        )
    return run_branches(astype(chosen, np.dtype(np.int64)), functions, operands, "switch")


def _scalar(value: Any, what: str) -> Any:
    type_ = type_of(value)
    if type_.shape:
        raise ShapeError(
            f"{what} has shape {type_.shape}, and it must be one number",
            "to choose for each element use np.where; for each example, vmap",
        )
    return operand(value)[()]


@short_tracebacks
def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    *,
    checkpoint_every: int | None = None,
) -> tuple[Any, Any]:
    """Carry a value from step to step over the first axis of arrays.

    As the Python loop `for x in xs: carry, y = f(carry, x)`, with the ys stacked. The function is
    traced once, however long the loop.

    Args:
        f: from the carry and one slice of xs to the new carry and a y, which may be `None`. The
            carry keeps its tree, shapes and dtypes.
        init: the first carry.
        xs: a tree of arrays of one length, or `None`.
        length: the number of steps, needed when there are no xs.
        reverse: go from the last slice to the first; ys stay with their slices.
        unroll: accepted for likeness to JAX's function; the loop runs as it is.
        checkpoint_every: for reverse mode, keep the carry of every k-th step alone, and make the
            steps again, k at a time. For n steps memory is least with k near the square root of
            n, and grows as that does; the steps take about twice the time.

    Returns:
        `(carry, ys)`: the last carry, and the ys, stacked along a new first axis.

    Raises:
        CarryError: when a step changes the tree, a shape or a dtype of the carry.
        ShapeError: when xs have no axis, or differ in length.
        ArgumentError: when `checkpoint_every` is no positive int.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.scan(lambda total, x: (total + x, total), 0.0, np.array([1.0, 2.0, 3.0]))
        (np.float64(6.0), array([0., 1., 3.]))
    """
    if checkpoint_every is not None:
        demand_count(checkpoint_every, "scan: checkpoint_every", "steps")
    leaves, structure = tree.flatten(xs)
    leaves = [operand(x) for x in leaves]
    types = leaf_types(leaves, [f"scan: xs{path}" for path in tree.paths(structure)])
    count = _length(types, tree.paths(structure), length)
    slices = tree.unflatten(structure, [type.with_shape(type.shape[1:]) for type in types])
    return _scan(
        f, start(init, "scan"), leaves, slices, count, bool(reverse), "scan", checkpoint_every
    )


def _scan(
    f: Callable[[Any, Any], Any], begin: Start, leaves: Sequence[Any], slices: Any, length: int,
    reverse: bool, what: str, every: int | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    body, types = trace_step(
        f, begin, lambda types: (tree.unflatten(begin.structure, types), slices), what, _pair
    )
    loop = Loop(body.program, len(body.captured), len(types), length, reverse)
    last, ys = run_loop(loop, body.captured, begin, types, leaves, every)
    return tree.unflatten(begin.structure, last), tree.unflatten(body.structure, ys)


def _pair(output: Any) -> tuple[Any, Any]:
    if not isinstance(output, tuple) or len(output) != 2:
        kind = f"a tuple of {len(output)}" if isinstance(output, tuple) else type(output).__name__
        raise CarryError(
            f"scan: a step returns (carry, y), and this one returned {kind}",
            "return a pair; y may be None",
        )
    return output


def _length(types: Sequence[ArrayType], paths: Sequence[str], given: Any) -> int:
    """The number of steps, on which all must agree."""
    if given is not None and not (isinstance(given, (int, np.integer)) and given >= 0):
        raise ArgumentError(
            f"scan: length={given!r} is no number of steps",
            "give an int; for a number that is known only when it runs, use fori_loop",
        )
    lengths = {type.shape[0] for type in types if type.shape}
    if given is not None:
        lengths.add(int(given))
    if len(lengths) == 1 and all(type.shape for type in types):
        return lengths.pop()
    if not lengths and not types:
        raise ArgumentError("scan: there are no xs, so nothing tells the length", "give length=")
    rows = [f"      xs{path}: shape {type.shape}" for type, path in zip(types, paths, strict=True)]
    if given is not None:
        rows.append(f"      length={given}")
    raise ShapeError(
        "scan: xs must have a first axis of one length, but\n" + "\n".join(rows),
        "what is the same at every step comes from the closure",
    )


@short_tracebacks
def map(f: Callable[[Any], Any], xs: Any, batch_size: int | None = None) -> Any:
    """Apply a function to each slice along the first axis, one after the other.

    `vmap` computes all at once, which is faster and needs more memory.

    Args:
        f: a function of one slice.
        xs: a tree of arrays of one length.
        batch_size: compute that many slices at once, as `vmap` does with `chunk_size`.

    Returns:
        The outputs, stacked along a new first axis.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.map(lambda x: x**2, np.array([1.0, 2.0, 3.0]))
        array([1., 4., 9.])
    """
    if batch_size is None:
        return scan(lambda _, x: (None, f(x)), None, xs)[1]
    demand_count(batch_size, "map: batch_size", "slices")
    leaves, structure = tree.flatten(xs)
    paths = tree.paths(structure)
    _length(leaf_types(leaves, [f"map: xs{path}" for path in paths]), paths, None)
    return vmap(f, chunk_size=batch_size)(xs)


@short_tracebacks
def while_loop(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any
) -> Any:
    """Repeat a step while a condition holds.

    As the Python loop `while cond_fun(value): value = body_fun(value)`. Both functions are traced
    once. Derivatives work in both modes: reverse mode keeps what it needs of each step, so that its
    memory grows with the number of steps. Under `vmap` the loop goes on until the last example is
    done, and those that are done stay as they are.

    Args:
        cond_fun: from the value to one boolean.
        body_fun: from the value to the next, of the same tree, shapes and dtypes.
        init_val: the first value, a tree of arrays.

    Returns:
        The value for which the condition does not hold.

    Raises:
        CarryError: when a step changes the tree, a shape or a dtype of the value.

    Example:
        >>> import functrace as ft
        >>> root = lambda a: ft.while_loop(
        ...     lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)
        >>> round(ft.grad(root)(4.0), 9)
        np.float64(0.25)
    """
    return _while(cond_fun, body_fun, start(init_val, "while_loop"), "while_loop")


def _while(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], begin: Start, what: str
) -> Any:
    body, types = trace_step(
        body_fun, begin, lambda types: (tree.unflatten(begin.structure, types),), what,
        lambda output: (output, None),
    )  # fmt: skip
    structure = tree.structure((tree.unflatten(begin.structure, types),))
    test = trace_body(cond_fun, structure, types, what, _truth)
    (condition, step), captured = with_captures([test, body])
    loop = Loop(step, len(captured), len(types), cond=condition)
    last, _ = run_loop(loop, captured, begin, types, [])
    return tree.unflatten(begin.structure, last)


def _truth(value: Any) -> Any:
    leaves, structure = tree.flatten(value)
    if structure.kind is not None:
        raise ArgumentError(
            f"while_loop: the condition returns one boolean, and this one returned {structure}"
        )
    return astype(_scalar(leaves[0], "while_loop: the condition"), np.dtype(bool))


@short_tracebacks
def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any,
    *, unroll: int | bool | None = None,
) -> Any:  # fmt: skip
    """Repeat a step for the integers from `lower` to `upper`, which is not included.

    As the Python loop `for i in range(lower, upper): value = body_fun(i, value)`.

    Args:
        lower: an integer, which may be traced.
        upper: the same.
        body_fun: from the counter and the value to the next value, of the same tree, shapes and
            dtypes.
        init_val: the first value, a tree of arrays.
        unroll: accepted for likeness to JAX's function; the loop runs as it is.

    Raises:
        CarryError: when a step changes the tree, a shape or a dtype of the value.

    Example:
        >>> import functrace as ft
        >>> ft.fori_loop(1, 5, lambda i, product: product * i, 1)
        24
    """
    limits = [_scalar(x, "fori_loop: a limit") for x in (lower, upper)]
    if any(x.dtype.kind not in "iu" for x in limits):
        raise DTypeError("fori_loop: the limits are integers", "convert them with .astype(int)")

    def step(value: Any, i: Any) -> Any:
        return body_fun(i, value)

    step.__name__ = function_name(body_fun)
    if not any(type(x) is Tracer for x in limits):
        first, last = (int(x) for x in limits)
        numbers = np.arange(first, max(first, last), dtype=np.int64)
        return _scan(
            lambda value, i: (step(value, i), None), start(init_val, "fori_loop"), [numbers],
            _COUNTER, len(numbers), False, "fori_loop",
        )[0]  # fmt: skip
    first, last = [astype(x, _COUNTER.dtype) for x in limits]
    begin = start((0, init_val), "fori_loop")
    begin.leaves[0] = first
    return _while(
        lambda value: value[0] < last,
        lambda value: (value[0] + 1, step(value[1], value[0])),
        begin,
        "fori_loop",
    )[1]
