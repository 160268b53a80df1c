"""Between user code and Programs: arguments to leaves, outputs to trees, errors to the point."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from .. import tree
from ..errors import ArgumentError, FunctraceError
from ..gc_pause import PausedCollection
from ..ir import ArrayType
from ..memo.site import site_of
from ..memo.varying import with_varying_numbers
from ..operands import USUAL, check_arguments, labels_of
from ..ops.cast import converted
from ..recorder import record, type_of
from ..recording import Recording
from ..remade import Remade
from ..source import internal, ours
from ..tracer import Tracer
from ..tree import TreeDef
from ..values import operand
from ._hints import hint_at_lists

F = TypeVar("F", bound=Callable[..., Any])


def short_tracebacks(function: F) -> F:
    """Leave frames of functrace out of the traceback of an error that is the user's.

    The environment variable FUNCTRACE_TRACEBACK=full keeps them.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            shorten_traceback(error)
            raise

    return call  # type: ignore[return-value] -- it takes and returns what the function does


def shorten_traceback(error: Exception) -> None:
    """Leave out the frames that are not the user's.

    Of an error that is not functrace's, those of functrace are left out where the user's code was
    called by them; in all others they tell where the error is from.
    """
    if os.environ.get("FUNCTRACE_TRACEBACK") == "full":
        return
    entries = []
    traceback = error.__traceback__
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    if isinstance(error, FunctraceError):
        kept = [entry for entry in entries if not internal(_file(entry))]
    else:
        within = [entry for entry in entries if not internal(_file(entry)) or ours(_file(entry))]
        if not within or ours(_file(within[-1])):
            return
        kept = [entry for entry in entries if not ours(_file(entry))]
    chain = None
    for entry in reversed(kept):
        chain = TracebackType(chain, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    error.__traceback__ = chain


def _file(entry: TracebackType) -> str:
    return entry.tb_frame.f_code.co_filename


def remakes(maker: F) -> F:
    """Let what a transform makes know how it was made. A decorator of functions of modules."""

    @functools.wraps(maker)
    def make(*args: Any, **kwargs: Any) -> Any:
        try:
            made = maker(*args, **kwargs)
        except Exception as error:
            shorten_traceback(error)
            raise
        if isinstance(made, Remade):
            made.made_by = make, args, kwargs
        return made

    return make  # type: ignore[return-value] -- it takes and returns what the function does


def transformed(wrapper: Callable[..., Any], fun: Callable[..., Any], prefix: str) -> Remade:
    """Dress the function that a transform returns: its name and documentation, short tracebacks."""
    return dressed(short_tracebacks(wrapper), fun, f"{prefix}_{function_name(fun)}")


def dressed(call: Callable[..., Any], fun: Callable[..., Any], name: str) -> Remade:
    """A function with the documentation of another."""
    made: Any = Remade(call)
    functools.update_wrapper(made, fun, updated=())
    made.__name__ = name
    return made


def function_name(fun: Callable[..., Any]) -> str:
    """A name for a function that may be a lambda, a partial or an object."""
    name = getattr(fun, "__name__", "") or type(fun).__name__
    return name if name.isidentifier() else "function"


def parameter_names(fun: Callable[..., Any], count: int) -> list[str]:
    """The names of the first `count` positional parameters."""
    inner: Any = fun
    skip = 0
    while hasattr(inner, "__func__") or hasattr(inner, "__wrapped__"):
        if hasattr(inner, "__func__"):  # a bound method: the object itself is not given again
            inner, skip = inner.__func__, 1
        else:
            inner = inner.__wrapped__
    code = getattr(inner, "__code__", None)
    if code is None:
        return [f"arg{i}" for i in range(count)]
    names = list(code.co_varnames[skip : code.co_argcount])
    rest = (
        code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else "arg"
    )
    names += [f"{rest}[{i}]" for i in range(count - len(names))]
    return names[:count]


def leaf_names(structure: TreeDef, prefixes: Sequence[str]) -> list[str]:
    """A path for each leaf of a tuple of arguments."""
    names: list[str] = []
    for child, prefix in zip(structure.children, prefixes, strict=True):
        if child.kind is None:
            names.append(prefix)
        else:
            names.extend(tree.paths(child, prefix))
    return names


def call_names(fun: Callable[..., Any], structure: TreeDef) -> list[str]:
    """A path for each leaf of the tree `(args, kwargs)` of a call."""
    args, kwargs = structure.children
    names = leaf_names(args, parameter_names(fun, len(args.children)))
    return names + leaf_names(kwargs, list(kwargs.static))  # type: ignore[call-overload] -- a dict's keys


def leaf_types(leaves: list[Any], names: Sequence[str]) -> list[ArrayType]:
    """The type of each leaf of an argument. Arrays of other libraries become NumPy's in the list.

    Raises:
        LeafTypeError: naming the path of a leaf that is no array and no number.
        ArgumentError: for arrays with labels that do not align.
    """
    for i, leaf in enumerate(leaves):
        if type(leaf) is not Tracer and type(leaf) not in USUAL:
            leaves[i] = converted(leaf)
            check_arguments(leaves[: i + 1], names)
    return [_leaf_type(leaf, name, "argument") for leaf, name in zip(leaves, names, strict=True)]


def _leaf_type(leaf: Any, name: str, what: str) -> ArrayType:
    if type(leaf) is ArrayType:
        return leaf
    try:
        return type_of(leaf)
    except FunctraceError as error:
        raise type(error)(f"{what} {name}: {error.what}", error.remedy) from None


def trace_call(
    call: Callable[[Any], Any],
    structure: TreeDef,
    leaves: Sequence[Any],
    types: Sequence[ArrayType],
    names: Sequence[str],
    *,
    name: str,
    reason: str = "",
    reused: bool = False,
    code: Any = None,
) -> tuple[Recording, TreeDef]:
    """Trace a function of a tree.

    Args:
        call: the function.
        structure: the structure of its argument, with `leaves` of `types`.
        reason: the transform that withholds the leaves' values; without one, Python control flow
            may ask for values.
        reused: whether what comes of the trace is to be found again by its structure. Numbers that
            vary between calls are then captured inputs.
        code: the function's code, when a trace of the same code may be repeated (`memo/`).

    Returns:
        The recording, and the structure of the output.
    """
    out_structure: list[TreeDef] = []

    labels = [found for x in leaves if (found := labels_of(x))]

    def flat(tracers: list[Tracer]) -> list[Any]:
        if labels:
            tracers[0].recorder.labels = labels
        try:
            outputs, out_tree = flat_output(call(tree.unflatten(structure, tracers)))
        except (TypeError, AttributeError) as error:
            hint_at_lists(error, structure, names, types)
            raise
        out_structure.append(out_tree)
        return outputs

    values = None if reason else [operand(x) for x in leaves]
    options: Any = {"names": names, "values": values, "reason": reason, "name": name}
    with PausedCollection():
        if not reused:
            return record(flat, types, **options), out_structure[0]
        site = site_of(code, name, reason, structure, types, names)
        recorder = site.recorder(reason) if site else None
        recording = record(flat, types, recorder=recorder, **options)
        if site is None:
            return with_varying_numbers(recording), out_structure[0]
        return site.learned(recorder, recording), out_structure[0]


def flat_output(out: Any) -> tuple[list[Any], TreeDef]:
    """The leaves of what a traced function returned, and their structure.

    Raises:
        LeafTypeError: naming the path of a leaf that is no array and no number.
    """
    if type(out) is Tracer:
        return [out], tree.LEAF
    outputs, out_tree = tree.flatten(out)
    for i, leaf in enumerate(outputs):
        if type(leaf) is not Tracer:
            outputs[i] = converted(leaf)
            _leaf_type(outputs[i], tree.paths(out_tree, "")[i] or "itself", "the output")
    return outputs, out_tree


def to_user(values: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """Outputs as the plain function gives them: Python scalars where it computes with those."""
    return [
        _to_user(value, type) if type.weak else value
        for value, type in zip(values, types, strict=True)
    ]


def _to_user(value: Any, type_: ArrayType) -> Any:
    if type(value) is Tracer:
        return Tracer(value.recorder, value.symbol, type_)
    return value.item()


def positions(nums: int | Sequence[int], count: int, what: str) -> tuple[int, ...]:
    """Argument numbers counted from the front.

    Raises:
        ArgumentError: for one that the call does not have.
    """
    given = tuple(nums) if isinstance(nums, Iterable) else (nums,)
    found = []
    for number in given:
        if not isinstance(number, (int, np.integer)):
            raise ArgumentError(
                f"{what}: the position of an argument is an int, not {number!r}",
                "to choose an argument by its name, use argnames",
            )
        if not -count <= number < count:
            raise ArgumentError(
                f"{what} names argument {number}, but the function was called with {count} "
                f"positional argument{'' if count == 1 else 's'}",
                "pass that argument by position, or name it in argnames",
            )
        found.append(int(number) % count)
    return tuple(found)
