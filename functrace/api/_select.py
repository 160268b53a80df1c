"""Choosing the arguments with respect to which a function is differentiated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import tree
from ..errors import ArgumentError
from ..ir import ArrayType
from ._border import leaf_names, leaf_types, parameter_names, positions

ArgNums = int | Sequence[int] | None
ArgNames = str | Sequence[str] | None


Pick = Callable[[Sequence[Any], Mapping[str, Any]], Any]


class Selection(NamedTuple):
    """The traced arguments of one call, and how to call the function with others in their place.

    Attributes:
        call: takes the tree of the traced arguments.
        leaves: the leaves of that tree.
        structure: its structure.
        names: a path for each leaf.
        types: the type of each leaf in the trace.
        pick: from the positional and keyword arguments of the call to that tree.
        result: from as many values as there are leaves to the form that the caller asks for.
        rebuilt: from the arguments of the call to those of the function.
        arrange: from the leaves to what the finished Program takes for them; None for the same.
        extra: what it takes besides: values for further arguments.
        pick_extra: from the arguments of the call to the tree of these.
        details: what the transform wants to know of the call after the trace.
    """

    call: Callable[[Any], Any]
    leaves: list[Any]
    structure: tree.TreeDef
    names: list[str]
    types: list[ArrayType]
    pick: Pick
    result: Callable[[Sequence[Any]], Any]
    rebuilt: Pick = lambda args, kwargs: (args, kwargs)
    arrange: Callable[[Sequence[Any]], Sequence[Any]] | None = None
    extra: Sequence[Any] = ()
    pick_extra: Pick = lambda args, kwargs: ()
    details: Any = None


def frozen(chosen: Any) -> Any:
    """The choice of arguments as it is now, where it is a list."""
    return tuple(chosen) if isinstance(chosen, list) else chosen


def select(
    fun: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: ArgNums,
    argnames: ArgNames,
    transform: str,
) -> Selection:
    """The arguments that `argnums` and `argnames` choose in a call.

    Without either, the first argument. A name chooses an argument passed by position as well.

    Raises:
        ArgumentError: when the call has no such argument.
    """
    if argnums is None and argnames is None:
        argnums = 0
    if not args and argnames is None:
        raise ArgumentError(
            f"{transform} differentiates by positional arguments, and none was passed",
            f"pass the argument by position, or use {transform}(f, argnames=...)",
        )
    numbers = [] if argnums is None else list(positions(argnums, len(args), f"argnums={argnums}"))
    names = [argnames] if isinstance(argnames, str) else list(argnames or ())
    keywords = []
    for name in names:
        if name in kwargs:
            keywords.append(name)
        else:
            numbers.append(_position_of(fun, name, len(args), transform))
    if len({*numbers, *keywords}) < len(numbers) + len(keywords):
        raise _chosen_twice(transform, argnums, argnames)

    def pick(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return tuple([args[i] for i in numbers]), {name: kwargs[name] for name in keywords}

    def call(replaced: Any) -> Any:
        positional, named = replaced
        full = list(args)
        for i, value in zip(numbers, positional, strict=True):
            full[i] = value
        return fun(*full, **{**kwargs, **named}) if kwargs else fun(*full)

    leaves, structure = tree.flatten(pick(args, kwargs))
    labels = parameter_names(fun, len(args))
    first, second = structure.children
    paths = leaf_names(first, [labels[i] for i in numbers]) + leaf_names(second, sorted(keywords))
    one_number = not isinstance(argnums, Iterable) and not names
    one_name = isinstance(argnames, str) and argnums is None
    single = "named" if one_name and keywords else "positional" if one_number or one_name else ""

    def result(leaves: Sequence[Any]) -> Any:
        positional, named = tree.unflatten(structure, leaves)
        if single == "positional":
            return positional[0]
        if single == "named":
            return next(iter(named.values()))
        return (positional, named) if positional and named else named or positional

    types = leaf_types(leaves, paths)
    return Selection(call, leaves, structure, paths, types, pick, result)


def _chosen_twice(transform: str, argnums: ArgNums, argnames: ArgNames) -> ArgumentError:
    return ArgumentError(
        f"{transform} was told to differentiate by the same argument twice: "
        f"argnums={argnums}, argnames={argnames}",
        "name each argument once",
    )


def _position_of(fun: Callable[..., Any], name: str, count: int, transform: str) -> int:
    try:
        parameters = list(inspect.signature(fun).parameters)
    except (TypeError, ValueError):
        parameters = []
    if name not in parameters or parameters.index(name) >= count:
        raise ArgumentError(
            f"{transform} was told to differentiate by argument {name!r}, which the call does not "
            "pass",
            f"the function's parameters are: {', '.join(parameters)}",
        )
    return parameters.index(name)
