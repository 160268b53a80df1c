"""Names of mapped axes.

A function that `vmap` maps with `axis_name` can refer to the axis by that name, though in it no
array has the axis. Names are in scope while the function is traced; the equations that refer to
one have it among their effects, until `vmap` puts what it stands for in their place.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import UnboundAxisError
from .source import Source

Names = tuple[tuple[Hashable, int], ...]  # names and lengths, the innermost last

_scope: ContextVar[Names] = ContextVar("functrace_axes", default=())


class Axis(int):
    """The length of a mapped axis, which knows the axis's name.

    Batch rules take it for an int, and hand it on to `vmap` of the Programs that their equations
    carry.

    Attributes:
        name: None for an axis without a name.
    """

    name: Hashable

    def __new__(cls, size: int, name: Hashable = None) -> Axis:
        self = super().__new__(cls, size)
        self.name = name
        return self


def is_named(size: int, name: Hashable) -> bool:
    """Whether the axis of a batch rule is that of a name."""
    return isinstance(size, Axis) and size.name == name


def names_in_scope() -> Names:
    """The names that a function which is traced now can refer to."""
    return _scope.get()


@contextmanager
def scope(names: Names) -> Iterator[None]:
    """Names that take the place of those in scope."""
    token = _scope.set(names)
    try:
        yield
    finally:
        _scope.reset(token)


def with_name(name: Hashable, size: int) -> Names:
    """The names in scope, and one more."""
    return _scope.get() if name is None else (*_scope.get(), (name, size))


def length(name: Hashable, function: str, source: Source | None = None) -> int:
    """The length of the axis of a name.

    Raises:
        UnboundAxisError: when no axis in scope has the name.
    """
    for known, size in reversed(_scope.get()):
        if known == name:
            return size
    raise unbound(name, function, source)


def unbound(name: Hashable, function: str, source: Source | None = None) -> UnboundAxisError:
    """The error for a name that no axis has."""
    names = [f"{known!r} (length {size})" for known, size in _scope.get()]
    known = f"the axes in scope are {', '.join(names)}" if names else "no axis in scope has a name"
    return UnboundAxisError(
        f"{function}: no mapped axis is named {name!r} here; {known}",
        f"map the function that calls it with vmap(..., axis_name={name!r})",
        source,
    )
