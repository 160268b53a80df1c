"""Plain arrays that a traced function made, and may fill with traced values.

`y = np.zeros(3); y[0] = t` needs an array that is plain as long as nothing traced is in it, with
memory and values that C code may read and write, and that is traced from then on. A `Fillable` is
an ndarray whose operations go to its `subject`: the plain array, until a traced value is assigned,
and a `Tracer` after that. Views of it know the call that made them. When the whole is filled, a
view's subject is the same call on the whole's tracer, so that `sharing.py` knows them as views.

NumPy's C functions read the memory of a subclass of ndarray without asking. The memory of an array
that was filled would be out of date, which is why filling turns it into an array of objects that
refuse to become numbers.
"""

from __future__ import annotations

import functools
import operator
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .errors import TracerAssignmentError, TracerConversionError, UnsupportedAttributeError
from .locks import LOCKS
from .nodes import STAND_INS
from .operands import USUAL, is_array_like
from .recorder import CURRENT, NUMERIC_KINDS, tracing
from .tracer import FUNCTIONS, NO_OPTIONS, Tracer


class _Memory:
    """The memory that an array and its views share.

    Attributes:
        plain: the array that owns it.
        recorder: the trace in which it was made.
        tracer: what the whole stands for, once it was filled.
        members: the arrays that lie in it.
    """

    __slots__ = ("members", "plain", "recorder", "tracer")

    def __init__(self, plain: np.ndarray, recorder: Any):
        self.plain = plain
        self.recorder = recorder
        self.tracer: Any = None
        self.members: weakref.WeakValueDictionary[int, Fillable] = weakref.WeakValueDictionary()


class Fillable(np.ndarray):
    """An array that is plain until a traced value is assigned to it."""

    _memory: Any = None  # None where C code made the array: then it stays plain
    _plain: Any = None
    _made: Any = None  # for a view: what it is a view of, and the call that gives it
    _view: Any = None  # the tracer of a view

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out", ())
        changed = inputs[:1] if method == "at" else out
        if changed:
            _prepare(changed, (inputs, kwargs), f"np.{ufunc.__name__}(out=)")
        result = getattr(ufunc, method)(*subjects(inputs), **subjects(kwargs))
        if out:
            return out[0] if len(out) == 1 else out
        return noted(result, inputs, ufunc)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        out = kwargs.get("out")
        changed = args[:1] if function in _WRITERS else (out,)
        _prepare(changed, (args, kwargs), f"np.{function.__name__}")
        result = function(*subjects(args), **subjects(kwargs))
        return out if type(out) is Fillable else noted(result, args, function, kwargs)

    def __getitem__(self, key: Any) -> Any:
        key = subjects(key)
        whole = subject(self)
        if type(whole) is not Tracer and _is_traced(key):
            whole = FUNCTIONS[np.ndarray.__setitem__](whole)
        return noted(whole[key], (self, key), operator.getitem)

    def __setitem__(self, key: Any, value: Any) -> None:
        _prepare((self,), (key, value), "x[...] = v")
        subject(self)[subjects(key)] = subjects(value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def flags(self) -> Any:  # type: ignore[override] -- NumPy's has no setter either
        """The layout in memory; of a filled array what it would be."""
        return np.ndarray.flags.__get__(self) if is_filled(self) else subject(self).flags

    @property
    def at(self) -> Any:
        """Changed copies, as of traced arrays: `x.at[i].set(v)`."""
        return FUNCTIONS[np.ufunc.at](self)


_WRITERS = {np.copyto, np.put, np.putmask, np.place, np.put_along_axis, np.fill_diagonal}


def fillable(array: Any) -> Any:
    """A new plain array as one that may be filled, while a function of the user is traced."""
    recorder = tracing()
    if recorder is None or type(array) is not np.ndarray or array.dtype.kind not in NUMERIC_KINDS:
        return array
    whole = array.view(Fillable)
    memory = whole._memory = _Memory(array, recorder)
    whole._plain = array
    memory.members[id(whole)] = whole
    return whole


def subject(array: Fillable) -> Any:
    """What an array stands for now: a plain array, or a tracer."""
    memory = array._memory
    if memory is None:  # made by C code
        return np.ndarray.view(array, np.ndarray)
    if memory.tracer is None:
        return array._plain
    if array._made is None:
        return memory.tracer
    if array._view is None:
        source, call = array._made
        array._view = call(subject(source))
    return array._view


def is_filled(array: Any) -> bool:
    """Whether a traced value was assigned to an array."""
    return (
        type(array) is Fillable and array._memory is not None and array._memory.tracer is not None
    )


STAND_INS[Fillable] = subject


def subjects(value: Any) -> Any:
    """Arguments with what their arrays stand for."""
    kind = type(value)
    if kind is Fillable:
        return subject(value)
    if kind is tuple or kind is list:
        return kind([subjects(part) for part in value])
    if kind is dict:
        return {name: subjects(part) for name, part in value.items()}
    return value


def leaves_of(value: Any) -> Iterator[Any]:
    """The parts of arguments that are not tuples, lists or dicts."""
    kind = type(value)
    if kind is tuple or kind is list:
        for part in value:
            yield from leaves_of(part)
    elif kind is dict:
        yield from leaves_of(tuple(value.values()))
    else:
        yield value


def _is_traced(value: Any) -> bool:
    return any(type(x) is Tracer or is_filled(x) for x in leaves_of(value))


def _replaced(args: Any, array: Fillable, by: Any) -> Any:
    """Arguments with another value for one array."""
    if args is array:
        return by
    if type(args) in (tuple, list):
        return type(args)([_replaced(part, array, by) for part in args])
    return subjects(args)


def noted(
    result: Any, args: Any, function: Callable[..., Any], kwargs: Mapping[str, Any] = NO_OPTIONS
) -> Any:
    """The result of `function(*args, **kwargs)` on what the arguments stand for.

    A new array may be filled in turn. A view knows its source, and the call that made it.
    """
    kind = type(result)
    if kind is tuple or kind is list:
        parts = [
            noted(part, args, lambda *given, i=i, **named: function(*given, **named)[i], kwargs)
            for i, part in enumerate(result)
        ]
        return kind(*parts) if hasattr(kind, "_fields") else kind(parts)
    if kind is not np.ndarray:
        return result
    for source in leaves_of(args):
        if type(source) is Fillable and source._memory is not None:
            if result is source._plain:
                return source
            if np.may_share_memory(result, source._memory.plain):
                call = functools.partial(_called, function, args, kwargs, source)
                return _view(result, source, call)
        elif isinstance(source, np.ndarray):
            if np.may_share_memory(result, source):
                return result
        elif result.base is not None and type(source) not in USUAL and is_array_like(source):
            return result  # which may lie in the memory of the other
    return fillable(result)


def _called(function: Callable[..., Any], args: Any, kwargs: Any, array: Fillable, by: Any) -> Any:
    return function(*_replaced(args, array, by), **subjects(kwargs))


def _view(plain: np.ndarray, source: Fillable, call: Callable[[Any], Any]) -> Fillable:
    view = plain.view(Fillable)
    memory = view._memory = source._memory
    view._plain, view._made = plain, (source, call)
    memory.members[id(view)] = view
    return view


# Filling


def _prepare(targets: Sequence[Any], operands: Any, what: str) -> None:
    """Fill arrays that traced values are about to be written into.

    Raises:
        TracerAssignmentError: for an array of another trace.
    """
    traced = _is_traced(operands)
    current = CURRENT.get()
    for target in targets:
        if type(target) is not Fillable or target._memory is None:
            continue
        memory = target._memory
        if memory.recorder is not current and current is not None and memory.recorder.alive:
            raise TracerAssignmentError(
                f"`{what}` changes an array that was made outside of the function that is traced",
                "make the array inside of that function, or return the new values from it",
            )
        locked = not memory.plain.flags.writeable and LOCKS.changeable(memory.plain)
        if memory.tracer is None and (traced or locked):
            _fill(memory, what)


def _fill(memory: _Memory, what: str) -> None:
    recorder = tracing()
    if recorder is None or memory.recorder is not recorder:
        raise TracerAssignmentError(
            f"`{what}` assigns a traced value to an array that was made when another function was "
            "traced",
            "make a new array for each call",
        )
    memory.tracer = FUNCTIONS[np.ndarray.__setitem__](memory.plain)
    for member in list(memory.members.values()):
        shape, size = member._plain.shape, member._plain.size
        state: Any = (1, shape, np.dtype(object), False, [_REFUSAL] * size)
        member.__setstate__(state)


class _Refusal:
    """Stands in memory for a traced element: C code that asks for the number gets an error."""

    def __repr__(self) -> str:
        return "<traced>"

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TracerConversionError(
            "an array that traced values were assigned to was converted to a plain NumPy array, "
            "by a function that reads its memory",
            "use NumPy's functions on the array itself, or functrace.scipy's",
        )


for _name in [
    "float",
    "int",
    "complex",
    "bool",
    "index",
    "array",
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "truediv",
    "rtruediv",
    "floordiv",
    "pow",
    "rpow",
    "mod",
    "neg",
    "pos",
    "abs",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "matmul",
    "rmatmul",
]:
    setattr(_Refusal, f"__{_name}__", _Refusal._refuse)
_Refusal.__hash__ = object.__hash__  # type: ignore[method-assign]
_REFUSAL = _Refusal()


# All other attributes and methods of arrays are those of the subject. Operators are ufuncs.

_CHANGING = {"fill", "put", "partition", "setfield", "sort", "itemset", "resize", "byteswap"}
_LAYOUT = {"shape", "dtype", "strides"}
_SPECIAL = [
    "array",
    "array_interface",
    "array_namespace",
    "array_struct",
    "bool",
    "complex",
    "contains",
    "copy",
    "deepcopy",
    "divmod",
    "dlpack",
    "dlpack_device",
    "float",
    "format",
    "index",
    "int",
    "len",
    "rdivmod",
    "reduce",
    "reduce_ex",
    "repr",
    "str",
]


def _attribute(name: str, original: Any) -> property:
    def get(self: Fillable) -> Any:
        result = getattr(subject(self), name)
        is_array = type(result) is np.ndarray
        return noted(result, (self,), operator.attrgetter(name)) if is_array else result

    def put(self: Fillable, value: Any) -> None:
        _prepare((self,), (value,), f"x.{name} = v")
        setattr(subject(self), name, subjects(value))
        if name in _LAYOUT and not is_filled(self):
            if self._memory is not None and len(self._memory.members) > 1:
                raise UnsupportedAttributeError(
                    f"x.{name} = {value!r} of an array that has views", "use x.reshape, x.view"
                )
            original.__set__(self, value)

    return property(get, put, doc=f"As `ndarray.{name}`.")


def _method(name: str, original: Any) -> Callable[..., Any]:
    def method(self: Fillable, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        _prepare((self,) if name in _CHANGING else (out,), (self, args, kwargs), f"x.{name}(...)")
        result = getattr(subject(self), name)(*subjects(args), **subjects(kwargs))
        if type(out) is Fillable:
            return out
        return noted(result, (self, *args), lambda x, *args: getattr(x, name)(*args, **kwargs))

    method.__name__, method.__doc__ = name, f"As `ndarray.{name}`."
    return method


def _delegate() -> None:
    names = [name for name in dir(np.ndarray) if not name.startswith("_")]
    for name in [*names, *[f"__{name}__" for name in _SPECIAL]]:
        original = getattr(np.ndarray, name, None)
        if original is not None and name not in vars(Fillable):
            make = _method if callable(original) else _attribute
            setattr(Fillable, name, make(name, original))


_delegate()
