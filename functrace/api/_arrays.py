"""The arguments of a call, arrays apart from what is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import tree
from ._border import call_names, positions


class Arrays(NamedTuple):
    """The arrays among the arguments of a call.

    Attributes:
        leaves: the arrays.
        names: a path for each.
        call: the function of a list of other arrays in their place; the rest is as it was given.
    """

    leaves: list[Any]
    names: list[str]
    call: Callable[[Sequence[Any]], Any]


def arrays_of(
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    static_argnums: int | Sequence[int],
    is_array: Callable[[Any], bool],
    what: str,
) -> Arrays:
    """Take a call apart.

    Args:
        static_argnums: positional arguments in which no array is looked for.
        is_array: which leaves count as arrays.
        what: the transform, for error messages.
    """
    static = positions(static_argnums, len(args), f"{what}: static_argnums")
    rest = tuple([None if i in static else x for i, x in enumerate(args)])
    leaves, structure = tree.flatten((rest, kwargs))
    places = [i for i, leaf in enumerate(leaves) if is_array(leaf)]
    names = call_names(fun, structure)

    def call(given: Sequence[Any]) -> Any:
        full = list(leaves)
        for i, x in zip(places, given, strict=True):
            full[i] = x
        positional, keyword = tree.unflatten(structure, full)
        return fun(*[args[i] if i in static else x for i, x in enumerate(positional)], **keyword)

    return Arrays([leaves[i] for i in places], [names[i] for i in places], call)
