"""A call of a function that has rules: which of its arguments are arrays, and what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..axes import Names, names_in_scope
from ..errors import ArgumentError, FunctraceError, LeafTypeError
from ..ir import ArrayType
from ..recorder import record, type_of
from ..recording import Recording
from ..tracer import Tracer
from ..tree import TreeDef
from ..values import operand
from .hashable_function import Fixed


class Call(NamedTuple):
    """The arguments of a call.

    Attributes:
        name: what the function is called.
        fixed: arguments that are plain Python values, by position.
        aside: the positions of arguments that the rules do not differentiate by.
        structure: the tree of the tuple of the arguments that are not fixed.
        types: the types of its leaves, weak where they are Python scalars.
        names: a path for each.
        active: whether each has a tangent.
        axes: the names of mapped axes that its rules can refer to.
    """

    name: str
    fixed: tuple[tuple[int, Fixed], ...]
    aside: tuple[int, ...]
    structure: TreeDef
    types: tuple[ArrayType, ...]
    names: tuple[str, ...]
    active: tuple[bool, ...]
    axes: Names

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """All arguments, of leaves of those that are not fixed."""
        found = list(tree.unflatten(self.structure, leaves))
        for position, value in self.fixed:
            found.insert(position, value.value)
        return found

    def parted(self, arguments: Sequence[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        """The arguments that are not differentiated by, and the others."""
        aside = set(self.aside)
        return (
            [arguments[i] for i in self.aside],
            tuple([x for i, x in enumerate(arguments) if i not in aside]),
        )

    @property
    def differentiated(self) -> TreeDef:
        """The tree of the tuple of the arguments that are differentiated by."""
        marks = self.arguments(range(len(self.types)))
        return tree.structure(self.parted(marks)[1])

    @property
    def places(self) -> list[int]:
        """For each leaf of `differentiated` its number among all leaves."""
        return tree.leaves(self.parted(self.arguments(range(len(self.types))))[1])


class Result(NamedTuple):
    """What a function returned: its tree, and the types of its leaves."""

    structure: TreeDef
    types: tuple[ArrayType, ...]

    @property
    def active(self) -> list[bool]:
        """Whether each leaf has a tangent."""
        return [type.inexact for type in self.types]

    @property
    def names(self) -> list[str]:
        """A path for each leaf."""
        return [f"the output{path}" for path in tree.paths(self.structure)]


def signature_of(fun: Callable[..., Any]) -> inspect.Signature | None:
    """A function's signature, or None where it tells none that is of use."""
    try:
        return None if isinstance(fun, np.ufunc) else inspect.signature(fun)
    except ValueError:
        return None


def positional(
    name: str, signature: inspect.Signature | None, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[Any]:
    """The arguments of a call in the order of the signature, defaults included.

    Raises:
        ArgumentError: for keyword arguments without a position.
    """
    if signature is None or (not kwargs and len(args) == len(signature.parameters)):
        if kwargs:
            raise ArgumentError(
                f"{name} has no signature, so that keyword arguments have no position",
                "pass all arguments by position",
            )
        return list(args)
    bound = signature.bind(*args, **kwargs)
    if bound.kwargs:
        raise ArgumentError(
            f"{name}: the arguments {', '.join(bound.kwargs)} can be passed by keyword alone, and "
            "a function with rules takes arguments by position",
            "give them a position in the signature",
        )
    bound.apply_defaults()
    return list(bound.args)


def describe(
    name: str, parameters: Sequence[str], arguments: Sequence[Any], aside: Sequence[int]
) -> tuple[Call, list[Any]]:
    """A call, and the leaves of the arguments that are not fixed.

    An argument that is not differentiated by is fixed, unless it has a traced leaf.
    """
    fixed, kept, names = [], [], []
    for i, argument in enumerate(arguments):
        if i in aside and not any(type(x) is Tracer for x in tree.leaves(argument)):
            fixed.append((i, Fixed(_snapshot(argument))))
        else:
            kept.append((i, argument))
            label = parameters[i] if i < len(parameters) else f"args[{i}]"
            names += tree.paths(tree.structure(argument), label)
    leaves, structure = tree.flatten(tuple([argument for _, argument in kept]))
    types = tuple([_type(x, f"argument {n} of {name}") for x, n in zip(leaves, names, strict=True)])
    steady = [i in aside for i, argument in kept for _ in tree.leaves(argument)]
    active = [t.inexact and not s for t, s in zip(types, steady, strict=True)]
    call = Call(
        name, tuple(fixed), tuple(sorted(aside)), structure, types, tuple(names), tuple(active),
        names_in_scope(),
    )  # fmt: skip
    return call, [operand(x) for x in leaves]


def _snapshot(argument: Any) -> Any:
    """An argument as it is now, arrays copied."""
    if any(type(x) is np.ndarray for x in tree.leaves(argument)):
        return tree.map(lambda x: x.copy() if type(x) is np.ndarray else x, argument)
    return argument


def _type(leaf: Any, what: str) -> ArrayType:
    try:
        return type_of(leaf)
    except FunctraceError as error:
        remedy = error.remedy
        if isinstance(error, LeafTypeError) and what.startswith("argument"):
            remedy = "name the argument in nondiff_argnums if it is no array"
        raise type(error)(f"{what}: {error.what}", remedy) from None


def traced(
    function: Callable[[list[Tracer]], Any],
    types: Sequence[ArrayType],
    names: Sequence[str],
    *,
    name: str,
    reason: str,
    values: Sequence[Any] | None = None,
) -> tuple[Recording, Result]:
    """Trace a function of leaves that returns a tree.

    Args:
        values: what Python's control flow may look at, one for each input, or `None`.
        reason: why there are none, for error messages.
    """
    structure: list[TreeDef] = []

    def flat(tracers: list[Tracer]) -> list[Any]:
        leaves, found = tree.flatten(function(tracers))
        structure.append(found)
        for path, leaf in zip(tree.paths(found), leaves, strict=True):
            _type(leaf, f"the output{path} of {name}")
        return leaves

    recording = record(flat, types, names=names, values=values, reason=reason, name=name)
    return recording, Result(structure[0], recording.output_types)
