"""Functions that were made of functions, and can be stored: a store has what they were made of.

Caches, and code that was made on the way, stay behind.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import MethodType
from typing import Any


class Remade(functools.partial):
    """A function that a transform made, and how to make it again.

    Python calls it as fast as the function that it is a `partial` of.

    Attributes:
        made_by: a function of a module, and what it was called with.
        keeps_traces: whether it goes on with what it has once seen, so that one that was made again
            may do something else.
    """

    keeps_traces = False
    made_by: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)  # as a function in a class

    def __repr__(self) -> str:
        return f"<function {getattr(self, '__name__', '')} at {id(self):#x}>"

    def __copy__(self) -> Remade:
        maker, args, kwargs = self.made_by
        return maker(*args, **kwargs)

    def __reduce__(self) -> Any:
        return global_name(self) or (_empty, (type(self),), self.made_by)

    def __setstate__(self, made_by: Any) -> None:
        maker, args, kwargs = made_by
        made = maker(*args, **kwargs)
        state = made.func, made.args, made.keywords, made.__dict__
        super().__setstate__(state)  # type: ignore[misc] -- typeshed has it not


def _empty(kind: type[Remade]) -> Remade:
    """What is filled in later: a function may refer to itself."""
    return kind(_unfinished)


def _unfinished(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a stored function was called before it was loaded")


def global_name(value: Any) -> str:
    """The name by which a module has a value, as a function decorated in it; "" where none has.

    What belongs to the main module is stored by value where that is how its functions are stored.
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    found: Any = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value or (module == "__main__" and _stored_by_value()):
        return ""
    return name


def _stored_by_value() -> bool:
    """Whether a package is at work that stores functions of the main module by value."""
    frame = sys._getframe(2)
    while frame is not None:
        names = str(frame.f_globals.get("__name__", "")).split(".")
        if "cloudpickle" in names or "dill" in names:
            return True
        frame = frame.f_back
    return False
