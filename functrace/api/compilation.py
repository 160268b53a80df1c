"""`jit`: trace once for each kind of arguments, then run the finished plan."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..axes import names_in_scope
from ..errors import ArgumentError, LeafTypeError, StaticArgumentError
from ..ir import ArrayType, Program
from ..memo.site import THRESHOLDS
from ..memo.specialise import MISS, Specialised, holes
from ..memo.structural import CacheInfo
from ..memo.why import Retraces
from ..modes import chosen
from ..recording import Recording
from ..tree import TreeDef
from ._border import (
    call_names,
    dressed,
    function_name,
    leaf_types,
    remakes,
    shorten_traceback,
    to_user,
    trace_call,
    transformed,
)
from ._execute import Runner

_LIMIT = 256  # traces kept for one function


class _Compiled(NamedTuple):
    """A finished trace: the runner, and how its outputs become the user's."""

    runner: Runner
    out_tree: TreeDef
    out_types: tuple[ArrayType, ...]
    weak: bool


class _Static(NamedTuple):
    """The static arguments of a call: fixed values, part of the key.

    The exact values are there because 1, 1.0 and True are equal.
    """

    args: tuple[tuple[int, Any], ...]
    kwargs: tuple[tuple[str, Any], ...]
    exact: Hashable


@remakes
def jit(
    fun: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
) -> Callable[..., Any]:
    """A function that is traced once for each tree, shapes and dtypes of its arguments, and then
    runs optimised.

    The function must be pure. Arrays it takes from its closure or from globals are copied when it
    is traced; later changes to them are not seen: pass what changes as an argument. The
    traced arguments have no values for Python's `if` and `while`; use `np.where`, or mark an
    argument static.

    Args:
        fun: the function.
        static_argnums: positional arguments that are plain Python values, fixed for a trace;
            hashable.
        static_argnames: the same by name.

    Returns:
        A function of the same arguments. It has `trace(*args)`, which gives the Program,
        `cache_info()`, `clear_cache()`; `explain_retrace()`, which tells why the last trace was
        needed; and `explain(*args)`, which tells what optimising did to the Program.

    Raises:
        ConcretizationError: when Python needs the value of a traced argument.
        StaticArgumentError: when a static argument cannot be hashed.

    Example:
        >>> import numpy as np, functrace as ft
        >>> f = ft.jit(lambda x: np.sum(np.tanh(x) ** 2))
        >>> f(np.zeros(3))
        np.float64(0.0)
    """
    if fun is None:  # used as @jit(static_argnums=...)
        return lambda f: jit(f, static_argnums=static_argnums, static_argnames=static_argnames)
    if not callable(fun):
        raise ArgumentError(
            f"jit takes a function, and was given a {type(fun).__qualname__}",
            "write jit(f)(x), not jit(f(x))",
        )
    return _Jit(fun, static_argnums, static_argnames).wrapped()


class _Jit:
    def __init__(self, fun: Callable[..., Any], static_argnums: Any, static_argnames: Any):
        self.fun = fun
        self.name = function_name(fun)
        self.numbers, self.names = _static_arguments(fun, static_argnums, static_argnames)
        self.compiled: dict[Any, _Compiled] = {}
        self.warm = Specialised(THRESHOLDS.specialise_typed)
        self.hits = self.misses = 0
        self.retraces = Retraces()
        self.mutex = threading.Lock()

    def wrapped(self) -> Callable[..., Any]:
        general, warm = transformed(self.call, self.fun, "jit"), self.warm

        def call_(*args: Any, **kwargs: Any) -> Any:
            fast = warm.call
            if fast is not None and chosen() is None:
                result = fast(None, args, kwargs)
                if result is not MISS:
                    self.hits += 1
                    return result
            try:
                return general(*args, **kwargs)
            except Exception as error:
                shorten_traceback(error)
                raise

        call: Any = dressed(call_, self.fun, self.name)
        call.keeps_traces = True
        call.trace = self.trace
        call.cache_info = lambda: CacheInfo(self.hits, self.misses, len(self.compiled), _LIMIT)
        call.clear_cache = self.forget
        call.explain_retrace = self.retraces.explain
        call.explain = self.explain
        return call

    def explain(self, *args: Any, **kwargs: Any) -> Any:
        explanation = import_module(".explanation", __package__)  # few ask
        return explanation.explain(self.trace(*args, **kwargs))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        modes = chosen()
        if modes is not None and not modes.jit:
            return self.fun(*args, **kwargs)
        static = None
        if self.numbers or self.names:
            args, kwargs, static = self.separate(args, kwargs)
        leaves, structure = tree.flatten((args, kwargs))
        try:
            kinds = tuple([_key(leaf) for leaf in leaves])
        except _UnknownLeafError:
            kinds = self.converted(structure, leaves)
        key = (structure, kinds, static, names_in_scope())
        found = self.compiled.get(key)
        if found is not None:
            self.hits += 1
            if static is None:
                self.specialise(found, args, kwargs)
            return _finish(found, leaves)
        self.misses += 1
        return self.first(key, structure, leaves, static)

    def converted(self, structure: TreeDef, leaves: list[Any]) -> tuple[Any, ...]:
        """What a trace depends on, after arrays of other libraries became NumPy's in the list."""
        leaf_types(leaves, call_names(self.fun, structure))  # raises, naming the leaf
        try:
            return tuple([_key(leaf) for leaf in leaves])
        except _UnknownLeafError:
            raise LeafTypeError(
                f"{self.name} was called with a type in place of an array",
                "use functrace.trace or functrace.eval_shape to trace without values",
            ) from None

    def specialise(self, found: _Compiled, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Make code for the next call, once calls of the same kind keep coming."""
        runner = found.runner
        if names_in_scope() or runner.program.effects or not self.warm.due(found):
            return
        outputs = to_user(holes(len(found.out_types)), found.out_types)
        result = tree.unflatten(found.out_tree, outputs)
        self.warm.make((args, kwargs), runner.run, result, bails=False)

    def forget(self) -> None:
        self.compiled.clear()
        self.warm.forget()

    def first(self, key: Any, structure: TreeDef, leaves: list[Any], static: _Static | None) -> Any:
        """Trace; keep the trace unless it depends on tracers of a surrounding function."""
        recording, out_tree = self.record(structure, leaves, static)
        self.retraces.note("jit", recording.program, new=True)
        types = recording.output_types
        weak = any(type.weak for type in types)
        if recording.closed_over_tracers:
            once = _Compiled(Runner(recording.program), out_tree, types, weak)
            return _finish(once, [*leaves, *recording.captured])
        compiled = _Compiled(Runner(recording.closed()), out_tree, types, weak)
        with self.mutex:
            while len(self.compiled) >= _LIMIT:
                del self.compiled[next(iter(self.compiled))]
            self.compiled[key] = compiled
        return _finish(compiled, leaves)

    def record(
        self, structure: TreeDef, leaves: list[Any], static: _Static | None
    ) -> tuple[Recording, TreeDef]:
        names = call_names(self.fun, structure)
        types = leaf_types(leaves, names)

        def call(arguments: Any) -> Any:
            args, kwargs = arguments
            if static is not None:
                args, kwargs = _joined(args, kwargs, static)
            return self.fun(*args, **kwargs)

        return trace_call(call, structure, leaves, types, names, name=self.name, reason="jit")

    def separate(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any], _Static]:
        """The traced arguments, and the static ones, which must be hashable."""
        count = len(args)
        numbers = {n + count if n < 0 else n for n in self.numbers}
        by_number = tuple([(i, args[i]) for i in sorted(numbers) if 0 <= i < count])
        by_name = tuple([(name, kwargs[name]) for name in sorted(kwargs) if name in self.names])
        for where, value in (*by_number, *by_name):
            try:
                hash(value)
            except TypeError:
                raise StaticArgumentError(
                    f"static argument {where!r} of {self.name} is a {type(value).__qualname__}, "
                    "which cannot be hashed, and so not be told from another",
                    "pass a tuple for a list, or do not mark the argument static",
                ) from None
        static = _Static(by_number, by_name, tree.exact((by_number, by_name)))
        return (
            tuple([x for i, x in enumerate(args) if i not in numbers]),
            {name: x for name, x in kwargs.items() if name not in self.names},
            static,
        )

    def trace(self, *args: Any, **kwargs: Any) -> Program:
        """The Program that these arguments would run, before it is optimised."""
        static = None
        if self.numbers or self.names:
            args, kwargs, static = self.separate(args, kwargs)
        leaves, structure = tree.flatten((args, kwargs))
        return self.record(structure, leaves, static)[0].closed()


def _joined(
    args: Sequence[Any], kwargs: dict[str, Any], static: _Static
) -> tuple[list[Any], dict[str, Any]]:
    full = list(args)
    for number, value in static.args:
        full.insert(number, value)
    return full, {**kwargs, **dict(static.kwargs)}


def _finish(compiled: _Compiled, leaves: list[Any]) -> Any:
    outputs = compiled.runner(leaves)
    if compiled.weak:
        outputs = to_user(outputs, compiled.out_types)
    return tree.unflatten(compiled.out_tree, outputs)


class _UnknownLeafError(Exception):
    """A leaf that is no array and no number."""


_PYTHON_SCALARS = (bool, int, float, complex)


def _key(leaf: Any) -> Any:
    """What of a leaf a trace depends on."""
    kind = type(leaf)
    if kind is np.ndarray or isinstance(leaf, np.generic):
        return leaf.shape, leaf.dtype
    if kind in _PYTHON_SCALARS:
        return kind
    type_ = getattr(leaf, "type", None)  # a tracer
    if isinstance(type_, ArrayType):
        return type_
    if isinstance(leaf, (np.ndarray, *_PYTHON_SCALARS)):
        return kind, getattr(leaf, "shape", None), getattr(leaf, "dtype", None)
    raise _UnknownLeafError


def _static_arguments(
    fun: Callable[..., Any], numbers: Any, names: Any
) -> tuple[frozenset[int], frozenset[str]]:
    """Static arguments by number and by name: each known by the other where the signature tells."""
    found = set(numbers) if isinstance(numbers, Iterable) else {numbers}
    if not all(isinstance(n, (int, np.integer)) for n in found):
        raise ArgumentError(
            f"jit: static_argnums={numbers!r} are not positions of arguments, which are ints",
            "to mark an argument static by its name, use static_argnames",
        )
    called = {names} if isinstance(names, str) else set(names)
    if not found and not called:
        return frozenset(), frozenset()
    try:
        parameters = inspect.signature(fun).parameters
    except (TypeError, ValueError):
        return frozenset(found), frozenset(called)
    positional = [p.name for p in parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    unknown = called - set(parameters)
    if unknown and not any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        raise ArgumentError(
            f"jit: static_argnames {sorted(unknown)} are no parameters of {function_name(fun)}",
            f"its parameters are {', '.join(parameters)}",
        )
    by_number = {positional[n] for n in found if -len(positional) <= n < len(positional)}
    by_name = {positional.index(name) for name in called if name in positional}
    return frozenset(found | by_name), frozenset(called | by_number)
