"""Looking into traced functions while they run: `functrace.debug`.

While a function is traced its arrays have no values, and under `jit` its Python code does not run
again. What is printed, or handed to a callback, from here is part of the Program: it happens
whenever the Program runs, with the values of that run, in the order of the code. Results do not
depend on it.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

from .api._border import short_tracebacks
from .api._checks import check_callable
from .custom.effect import Print, act
from .custom.hashable_function import Target
from .errors import OptionError

__all__ = ["callback", "print"]


@short_tracebacks
def print(fmt: str, *args: Any, ordered: bool = False, **kwargs: Any) -> None:
    """Print values whenever the traced function runs.

    Under `vmap` there is a line for each example, or one where no value depends on the example.
    A derivative prints once, when it computes the function's value. In a loop there is a line for
    each step. Under `vmap`, a `cond` whose examples choose differently runs all its branches for
    all examples, and a `while_loop` goes on for all until the last has ended; both print what
    they run.

    Args:
        fmt: a format as for `str.format`, such as `"loss {}"` or `"x = {x}"`. Not an f-string,
            which Python would fill in while the function is traced.
        args, kwargs: trees of arrays and other values for the format.
        ordered: accepted for likeness to JAX's function: all lines come in the order of the code.

    Raises:
        OptionError: when the format and the values do not fit each other.

    Example:
        >>> import numpy as np, functrace as ft
        >>> @ft.jit
        ... def f(x):
        ...     y = np.sin(x)
        ...     ft.debug.print("sin({}) = {y:.2f}", x, y=y)
        ...     return 2 * y
        >>> f(1.0)
        sin(1.0) = 0.84
        np.float64(1.682941969615793)
    """
    _check_format(fmt, args, kwargs)
    act(Print(fmt), args, kwargs)


@short_tracebacks
def callback(
    callback: Callable[..., Any], *args: Any, ordered: bool = False, **kwargs: Any
) -> None:
    """Call plain Python code whenever the traced function runs, for what it does.

    It is called as often as `functrace.debug.print` would print. What it returns is ignored; for a
    value, there is `functrace.pure_callback`.

    Args:
        callback: takes NumPy arrays, which it may keep and change.
        args, kwargs: trees of arrays and other values for the callback.
        ordered: accepted for likeness to JAX's function: all calls come in the order of the code.

    Raises:
        ArgumentError: when `callback` is no function.

    Example:
        >>> import numpy as np, functrace as ft
        >>> seen = []
        >>> def step(x, a):
        ...     ft.debug.callback(seen.append, x)
        ...     return x * a, None
        >>> last, _ = ft.scan(step, 1.0, np.array([2.0, 3.0]))
        >>> seen
        [np.float64(1.0), np.float64(2.0)]
    """
    check_callable(callback, "debug.callback")
    act(Target(callback), args, kwargs)


class _Strict(string.Formatter):
    """Fills in a format, and demands that all values are used."""

    def check_unused_args(self, used_args: Any, args: Any, kwargs: Any) -> None:
        unused = [i for i in range(len(args)) if i not in used_args]
        unused += [name for name in kwargs if name not in used_args]
        if unused:
            raise ValueError(f"nothing in it takes {', '.join(map(repr, unused))}")


class _Anything:
    """Stands for a value, of which the format may show any part in any way."""

    def __format__(self, spec: str) -> str:
        return ""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __getitem__(self, key: Any) -> _Anything:
        return self


def _check_format(fmt: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = _Anything()
    try:
        _Strict().vformat(fmt, [given] * len(args), dict.fromkeys(kwargs, given))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        what = f"it names {error}, which is not given" if type(error) is KeyError else error
        raise OptionError(
            f"debug.print: the format {fmt!r} and the values do not fit: {what}",
            'write debug.print("x = {x}", x=x) or debug.print("{} {}", x, y); not an f-string, '
            "which is filled in while the function is traced",
        ) from None
