"""Python values as parameters of equations: functions of the user, and what they are called with.

A lambda that is made anew at every call is a new object, which does the same as the one before as
long as its code and its closure are the same. Programs that differ in such lambdas alone are equal.

Functions are called later than plain code would call them. So their closures are kept as they are
when the equation is recorded: the variable of a loop may go on.
"""

from __future__ import annotations

import copy
import dis
import weakref
from collections.abc import Hashable, Iterable
from functools import lru_cache, partial
from types import BuiltinMethodType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..remade import Remade
from ..source import Source
from ..tree import exact
from ..values import same_bits

_SCALARS = (type(None), bool, int, float, complex, str, bytes)
_LASTING = (CodeType, CellType, ModuleType, np.ufunc)  # what the program has anyway


class Fixed:
    """A Python value that can be a parameter: hashable, and equal to what does the same.

    Numbers, texts and tuples are compared by value, arrays too, and functions by their code and
    what they refer to. All else, such as a dict or an instance of a class, is the same only where
    it is the same object, for it may change later.
    """

    __slots__ = ("_hash", "value")
    by_content = True  # whether arrays with equal elements are the same

    def __init__(self, value: Any):
        self.value = _frozen(value, {})
        self._hash: int | None = None

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _same(self.value, other.value, set(), self.by_content)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(_digest(self.value, self.by_content))
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.value,)

    @property
    def code(self) -> Any:
        """What is the same of all functions that one piece of code makes."""
        return _mark(self.value)

    @property
    def has_closure(self) -> bool:
        """Whether it is anything but a function that refers to globals alone."""
        return type(self.value) is not FunctionType or bool(self.value.__closure__)

    @property
    def holds_objects(self) -> bool:
        """Whether it refers to arrays and other objects, which it would keep in memory."""
        return _holds_objects(self.value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.value(*args, **kwargs)

    def __repr__(self) -> str:
        return getattr(self.value, "__name__", None) or repr(self.value)


class Target(Fixed):
    """A Python function that is called for what it does, perhaps to an array."""

    __slots__ = ()
    by_content = False


class Bundle:
    """What is made of functions of the user, such as a function and its rules.

    Subclasses name the attributes that it is made of in `parts`, a function first.
    """

    parts: tuple[str, ...] = ()


_frozen_already: weakref.WeakSet[Any] = weakref.WeakSet()


def _frozen(value: Any, copies: dict[int, Any]) -> Any:
    """A function whose closure stays as it is now, but for variables that it sets itself."""
    known = copies.get(id(value))
    if known is not None:
        return known
    if type(value) is partial:
        inner = _frozen(value.func, copies)
        if inner is value.func:
            return value
        new = copies[id(value)] = partial(inner, *value.args, **value.keywords)
        return new
    if type(value) is Remade and not value.keeps_traces:
        maker, args, kwargs = value.made_by
        inner = tuple([_frozen(x, copies) for x in args])
        if all(x is y for x, y in zip(inner, args, strict=True)):
            return value
        new = copies[id(value)] = maker(*inner, **kwargs)
        return new
    if isinstance(value, Bundle):
        if value in _frozen_already:
            return value
        new = copies[id(value)] = copy.copy(value)
        _frozen_already.add(new)
        for name in value.parts:
            setattr(new, name, _frozen(getattr(value, name), copies))
        return new
    if type(value) is not FunctionType or not value.__closure__ or value in _frozen_already:
        return value
    own = _assigned(value.__code__)
    pairs = list(zip(value.__code__.co_freevars, value.__closure__, strict=True))
    live = [name in own or _contents(cell) is cell for name, cell in pairs]
    cells = tuple([c if on else CellType() for on, (_, c) in zip(live, pairs, strict=True)])
    new = FunctionType(value.__code__, value.__globals__, value.__name__, value.__defaults__, cells)
    copies[id(value)] = new
    if all(_contents(cell) is not cell for _, cell in pairs):
        _frozen_already.add(new)
    new.__kwdefaults__ = value.__kwdefaults__
    new.__qualname__, new.__module__ = value.__qualname__, value.__module__
    new.__dict__.update(value.__dict__)
    for on, mine, (_, cell) in zip(live, cells, pairs, strict=True):
        if not on:
            mine.cell_contents = _frozen(cell.cell_contents, copies)
    return new


@lru_cache(maxsize=1024)
def _assigned(code: CodeType) -> frozenset[str]:
    """The variables of surrounding functions that code sets, by `nonlocal`."""
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    own = {
        i.argval for i in dis.get_instructions(code) if i.opname in ("STORE_DEREF", "DELETE_DEREF")
    }
    return frozenset(own.union(*map(_assigned, inner)))


def _same(a: Any, b: Any, open_pairs: set[tuple[int, int]], by_content: bool) -> bool:
    if a is b or (id(a), id(b)) in open_pairs:  # a function may hold itself
        return True
    if type(a) is not type(b):
        return False
    if _is_value(a):
        return _value_of(a) == _value_of(b)
    if type(a) is np.ndarray and by_content:
        return same_bits(a, b)
    parts = _parts(a)
    pairs = open_pairs | {(id(a), id(b))}
    return parts is not None and _all_same(parts, _parts(b) or (), pairs, by_content)


def _all_same(
    a: Iterable[Any], b: Iterable[Any], open_pairs: set[tuple[int, int]], by_content: bool
) -> bool:
    left, right = tuple(a), tuple(b)
    return len(left) == len(right) and all(
        _same(x, y, open_pairs, by_content) for x, y in zip(left, right, strict=True)
    )


def _is_value(value: Any) -> bool:
    """Whether a value never changes, and can be compared and hashed."""
    kind = type(value)
    return kind in _SCALARS or isinstance(value, (np.generic, np.dtype, type))


def _value_of(value: Any) -> Hashable:
    if isinstance(value, np.generic):
        return value.dtype, value.tobytes()
    return exact(value)


def _parts(value: Any) -> tuple[Any, ...] | None:
    """What a function does depends on these alone, and on globals; None where nobody can tell."""
    kind = type(value)
    if kind is FunctionType:
        cells = tuple([_contents(cell) for cell in value.__closure__ or ()])
        options = tuple(sorted((value.__kwdefaults__ or {}).items()))
        own = tuple(sorted(value.__dict__.items()))
        return value.__code__, id(value.__globals__), value.__defaults__, options, own, cells
    if isinstance(value, Bundle):
        return tuple([getattr(value, name) for name in value.parts])
    if isinstance(value, tuple):
        return tuple(value)
    if kind is MethodType:
        return value.__func__, value.__self__
    if kind is BuiltinMethodType:  # such as the append of a list
        return value.__name__, value.__self__
    if kind is partial:
        return value.func, value.args, tuple(sorted(value.keywords.items()))
    if kind is Remade and not value.keeps_traces:
        maker, args, kwargs = value.made_by
        return maker, args, tuple(sorted(kwargs.items()))
    return None


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return cell


def _mark(value: Any) -> Any:
    """What is the same of all functions that one piece of code makes."""
    kind = type(value)
    if kind is FunctionType:
        return value.__code__
    if kind is MethodType:
        return _mark(value.__func__)
    if isinstance(value, Bundle):
        return kind, _mark(getattr(value, value.parts[0]))
    if kind is BuiltinMethodType:
        return value.__name__
    if kind is partial:
        return partial, _mark(value.func)
    if kind is Remade:
        return value.made_by[0], *map(_mark, value.made_by[1])
    return getattr(kind.__call__, "__code__", kind) if callable(value) else kind


def _digest(value: Any, by_content: bool, around: tuple[int, ...] = ()) -> Hashable:
    """A hashable part of what makes a value equal to another, in which unequal ones mostly differ.

    It stays as it is while objects change, so that it has no elements of arrays.
    """
    if id(value) in around:  # a function may hold itself
        return around.index(id(value))
    if _is_value(value):
        return _value_of(value)
    if type(value) is np.ndarray and by_content:
        return value.shape, value.dtype
    parts = _parts(value)
    if parts is None:
        return id(value)
    around = (*around, id(value))
    return type(value), tuple([_digest(x, by_content, around) for x in parts])


def _holds_objects(value: Any, around: tuple[int, ...] = ()) -> bool:
    if id(value) in around or _is_value(value) or isinstance(value, _LASTING):
        return False
    parts = _parts(value)
    if parts is None:
        return True
    around = (*around, id(value))
    return any(_holds_objects(x, around) for x in parts)


def defined_at(function: Any) -> Source | None:
    """Where a function is defined, for errors about what it returned."""
    while not isinstance(code := getattr(function, "__code__", None), CodeType):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        inner = inner or getattr(function, "__func__", None)
        if inner is None:
            return None
        function = inner
    return Source(code.co_filename, code.co_firstlineno, code.co_name)
