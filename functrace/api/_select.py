"""Choosing the arguments with respect to which a function is differentiated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .. import tree
from ..errors import ArgumentError
from ._border import leaf_names, parameter_names, positions

ArgNums = int | Sequence[int] | None
ArgNames = str | Sequence[str] | None


class Selection(NamedTuple):
    """The chosen arguments of one call, and how to call the function with others in their place.

    Attributes:
        call: takes the tree `(chosen positional arguments, chosen keyword arguments)`.
        leaves: the leaves of that tree.
        structure: its structure.
        names: a path for each leaf.
        numbers: the positions of the chosen arguments.
        single: "positional" or "named" when one argument was asked for, and not a tuple or dict.
    """

    call: Callable[[Any], Any]
    leaves: list[Any]
    structure: tree.TreeDef
    names: list[str]
    numbers: list[int]
    single: str

    def result(self, leaves: Sequence[Any]) -> Any:
        """Gradients in the form that `argnums` and `argnames` ask for."""
        positional, named = tree.unflatten(self.structure, leaves)
        if self.single == "positional":
            return positional[0]
        if self.single == "named":
            return next(iter(named.values()))
        return (positional, named) if positional and named else named or positional


def select(
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
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
    chosen = (tuple([args[i] for i in numbers]), {name: kwargs[name] for name in keywords})

    def call(replaced: Any) -> Any:
        positional, named = replaced
        full = list(args)
        for i, value in zip(numbers, positional, strict=True):
            full[i] = value
        return fun(*full, **{**kwargs, **named}) if kwargs else fun(*full)

    leaves, structure = tree.flatten(chosen)
    labels = parameter_names(fun, len(args))
    first, second = structure.children
    paths = leaf_names(first, [labels[i] for i in numbers]) + leaf_names(second, sorted(keywords))
    one_number = not isinstance(argnums, Iterable) and not names
    one_name = isinstance(argnames, str) and argnums is None
    single = "named" if one_name and keywords else "positional" if one_number or one_name else ""
    return Selection(call, leaves, structure, paths, numbers, single)


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
