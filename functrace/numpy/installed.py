"""`install`: NumPy's own constructors take traced values, for code that you cannot change.

While installed, `np.zeros` and the others of the table `CONSTRUCTORS` are stand-ins: each a
`functools.partial` of NumPy's function, which costs next to nothing. When the first trace begins,
in any thread, a stand-in gets another function, which looks whether this thread traces. When the
last trace ends it gets NumPy's own again. Names that modules imported from NumPy are replaced as
well, as `from numpy import zeros` is as common as `np.zeros`.

Code of functrace always gets plain arrays. What other code gets is a `Fillable`: an ndarray with
the same values, which may be filled with traced ones.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from ..dispatch import INSTALLED
from ..fillable import leaves_of, noted, subjects
from ..recorder import OBSERVERS, Recorder, innermost, tracing
from ..sharing import is_number
from ..source import asked_by_user
from ..tracer import Tracer
from . import creation, indexing, like, shorthand
from .listed import listed

Function = Callable[..., Any]


def _of_array(function: Function) -> Function:
    """A function of an array, also of nested lists with traced values."""
    return lambda a, *args, **kwargs: function(creation.asarray(a), *args, **kwargs)


def _of_values(function: Function) -> Function:
    """A check of plain arrays, made with the values that traced arrays have."""

    def checked(*args: Any, **kwargs: Any) -> Any:
        return function(*_values(args, function), **_values(kwargs, function))

    return checked


def _values(given: Any, function: Function) -> Any:
    kind = type(given)
    if kind is Tracer:
        return given.recorder.value(given, f"np.testing.{function.__name__} looks at it")
    if kind is tuple or kind is list:
        return kind([_values(part, function) for part in given])
    if kind is dict:
        return {name: _values(part, function) for name, part in given.items()}
    return given


def isscalar(element: Any) -> bool:
    """As `np.isscalar`: whether a traced value stands for a number, rather than for an array."""
    return is_number(element) if type(element) is Tracer else False


# NumPy's functions that create arrays or look at them, and what takes their place where arguments
# are traced. Without such a function NumPy's own dispatch does it, and the name is here since it is
# given lists of traced values, or makes arrays of plain arguments that can be filled.
CONSTRUCTORS: dict[str, Function | None] = {
    **{name: getattr(creation, name, None) or getattr(like, name) for name in like.NAMES},
    "asarray_chkfinite": creation.asarray_chkfinite,
    "fromiter": creation.fromiter,
    "isscalar": isscalar,
    "kaiser": creation.kaiser,
    "take": indexing.take_any,
    **{name: _of_array(getattr(np, name)) for name in ("ndim", "shape", "size")},
    **dict.fromkeys(
        [
            "zeros_like",
            "ones_like",
            "empty_like",
            "full_like",
            "copy",
            "linspace",
            "logspace",
            "geomspace",
            "fromfunction",
            "indices",
            "meshgrid",
            "diag",
            "diagflat",
            "tril",
            "triu",
            "vander",
            "block",
            "tile",
            "repeat",
            *("sum", "prod", "max", "min", "amax", "amin", "ptp", "mean", "average", "median"),
            *("std", "var", "quantile", "percentile", "any", "all", "argmax", "argmin", "argsort"),
            *("sort", "cumsum", "cumprod", "diff", "clip", "where", "interp", "trapezoid"),
            *("nansum", "nanmean", "nanmax", "nanmin", "dot", "vdot", "inner", "outer", "cross"),
            *("kron", "append", "concatenate", "stack", "hstack", "vstack", "dstack"),
            *("column_stack", "roll"),
        ]
    ),
}
# Objects that make arrays by an index or a call: what their classes do.
_CLASSES: dict[type, tuple[str, Function | None]] = {
    type(np.r_): ("__getitem__", lambda _, key: shorthand.r_[key]),
    type(np.c_): ("__getitem__", lambda _, key: shorthand.c_[key]),
    type(np.mgrid): ("__getitem__", None),
    type(np.ogrid): ("__getitem__", None),
}


def _traced(original: Function, ours: Function | None) -> Function:
    """What stands in for one of NumPy's functions while any thread traces."""
    answer = listed(original) if ours is None else original

    def constructor(*args: Any, **kwargs: Any) -> Any:
        if tracing() is None:
            return original(*args, **kwargs)
        given, named = subjects(args), subjects(kwargs)
        if ours is not None and "like" not in kwargs and _may_trace((given, named)):
            return ours(*given, **named)
        if "out" in kwargs or not asked_by_user(2):
            return answer(*args, **kwargs)  # arrays that are filled answer for `out` themselves
        return noted(answer(*given, **named), args, original, kwargs)

    return constructor


def _may_trace(given: Any) -> bool:
    """Whether traced values are among arguments, or may come from an iterator."""
    return any(type(x) is Tracer or isinstance(x, Iterator) for x in leaves_of(given))


# Stand-ins

_Partial: Any = functools.partial
if sys.version_info >= (3, 14):  # there, a partial in a class becomes a method

    class _Partial(functools.partial):
        __slots__ = ()

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            return self


class _StandIn:
    """What replaces a function of NumPy by its name.

    Attributes:
        plain: NumPy's own.
        callable: the stand-in, with the name and documentation of NumPy's function.
    """

    def __init__(self, owner: str, name: str, plain: Any, ours: Function | None):
        self.owner = owner
        self.name = name
        self.plain = plain
        self.home = _home(plain, owner)
        self.callable: Any = _Partial(plain)
        functools.update_wrapper(self.callable, plain)
        self.callable.__qualname__ = name
        self.callable.__module__ = __name__
        # NumPy's functions are pickled by name, and are the same object when copied.
        self.callable.__reduce_ex__ = lambda _: name
        self.callable.__deepcopy__ = lambda _: self.callable
        self.traced = _traced(plain, ours)

    def call(self, function: Function) -> None:
        """Call another function from here on."""
        self.callable.__setstate__((function, (), {}, vars(self.callable)))

    def swap(self, modules: list[dict[str, Any]], installed: bool) -> None:
        """Put the stand-in in the place of NumPy's function, or NumPy's function back.

        Which of them is not at its owner's name has to say another module, to be pickled.
        """
        before, after = self.plain, self.callable
        self.plain.__module__ = self.home if installed else self.owner
        self.callable.__module__ = self.owner if installed else __name__
        if not installed:
            before, after = after, before
        for names in modules:
            if names.get(self.name) is before:
                names[self.name] = after


def _home(function: Any, owner: str) -> str:
    """A module other than `numpy` where a function of NumPy's is found by its name."""
    inner = getattr(function, "_implementation", function)
    names = getattr(inner, "__globals__", {}).get("__name__"), "numpy._core.multiarray"
    for module in filter(None, names):
        if getattr(sys.modules.get(module), function.__name__, None) is function:
            return module
    return owner


_stand_ins: dict[str, _StandIn] = {}
_OF_FUNCTIONS = {"assert_raises", "assert_raises_regex", "assert_warns", "assert_no_warnings",
                 "assert_no_gc_cycles", "assert_"}  # fmt: skip


def _make_stand_ins() -> list[_StandIn]:
    """Those that were not made yet. The checks are made once `numpy.testing` is imported."""
    owners = {"numpy": CONSTRUCTORS} if "zeros" not in _stand_ins else {}
    testing = sys.modules.get("numpy.testing")
    if testing is not None and "assert_equal" not in _stand_ins:
        names = [name for name in testing.__all__ if name.startswith("assert_")]
        checks = {name: getattr(testing, name) for name in {*names} - _OF_FUNCTIONS}
        owners["numpy.testing"] = {name: _of_values(check) for name, check in checks.items()}
    made = [
        _StandIn(owner, name, getattr(sys.modules[owner], name), ours)
        for owner, table in owners.items()
        for name, ours in table.items()
    ]
    _stand_ins.update({stand_in.name: stand_in for stand_in in made})
    return made


def __getattr__(name: str) -> Any:
    """A stand-in that is not installed, for those who kept it, or pickled it."""
    if name in CONSTRUCTORS or name.startswith("assert_"):
        return _stand_ins[name].callable
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _modules() -> Iterator[dict[str, Any]]:
    """The names of all modules that may have imported some of NumPy's."""
    for name, module in list(sys.modules.items()):
        inside = name.startswith(("numpy.", "functrace.")) and name != "numpy.testing"
        if isinstance(module, ModuleType) and not inside and name != "functrace":
            yield vars(module)


# Installing


class _Switch:
    """How often install was called, and which traces run meanwhile."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.count = 0
        self.traces: set[int] = set()
        self.methods: list[tuple[type, str]] = []

    def install(self) -> None:
        with self.lock:
            self.count += 1
            if self.count > 1:
                return
            self.swap(installed=True)
            OBSERVERS.append(self)
            INSTALLED.append(self)
            recorder = innermost()
            while recorder is not None:  # installed by a function that is traced
                self.begin(recorder)
                recorder = recorder.parent

    def uninstall(self) -> None:
        with self.lock:
            self.count = max(self.count - 1, 0)
            if self.count or self not in OBSERVERS:
                return
            OBSERVERS.remove(self)
            INSTALLED.remove(self)
            self.traces.clear()
            self.turn(traced=False)
            self.swap(installed=False)

    def swap(self, installed: bool) -> None:
        _make_stand_ins()
        modules = list(_modules())
        for stand_in in _stand_ins.values():
            stand_in.swap(modules, installed)

    def begin(self, recorder: Recorder) -> None:
        """A trace begins."""
        with self.lock:
            self.traces.add(id(recorder))
            if len(self.traces) == 1:
                self.turn(traced=True)

    def end(self, recorder: Recorder) -> None:
        """A trace ends."""
        with self.lock:
            self.traces.discard(id(recorder))
            if not self.traces:
                self.turn(traced=False)

    def turn(self, traced: bool) -> None:
        """Let stand-ins and objects look for traces, or not any more."""
        for stand_in in _make_stand_ins() if traced else ():
            stand_in.swap(list(_modules()), installed=True)
        for stand_in in _stand_ins.values():
            stand_in.call(stand_in.traced if traced else stand_in.plain)
        for kind, name in self.methods:
            delattr(kind, name)
        self.methods = []
        if traced:
            for kind, (name, ours) in _CLASSES.items():
                setattr(kind, name, _traced(getattr(kind, name), ours))
                self.methods.append((kind, name))


_SWITCH = _Switch()


class Installation:
    """What `install` returns: a context manager that undoes it."""

    def __init__(self) -> None:
        self._done = False
        _SWITCH.install()

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._done:
            self._done = True
            _SWITCH.uninstall()


def install() -> Installation:
    """Let NumPy's own constructors take traced values, for code that you cannot change.

    From then on `np.array([s, t])`, `np.zeros(3)` and others create arrays of traced values, or
    that can be filled with them, where a function is traced in the thread that calls. Everywhere
    else they are what they were. Names that modules imported from NumPy before are replaced too.

    Returns:
        A context manager that undoes it. Calls are counted: as many calls of `uninstall`, or ends
        of `with` blocks, undo them. The environment variable FUNCTRACE_NUMPY=install calls it when
        functrace is imported.

    Example:
        >>> import numpy as np, functrace as ft
        >>> def rhs(y):
        ...     dy = np.zeros(2)
        ...     dy[0], dy[1] = y[1], -np.sin(y[0])
        ...     return dy
        >>> with ft.numpy.install():
        ...     ft.jacobian(rhs)(np.zeros(2))
        array([[ 0.,  1.],
               [-1., -0.]])
    """
    return Installation()


def uninstall() -> None:
    """Undo one call of `install`. NumPy is as it was when all are undone."""
    _SWITCH.uninstall()
