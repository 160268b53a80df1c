"""Finding out what went wrong: `debug_nans`, `disable_jit`, `named_scope`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ArgumentError
from ..modes import Choosing
from ..recorder import SCOPE, tracing


def debug_nans(enable: bool = True, *, infs: bool = False) -> Choosing:
    """A `with` block, or a decorator, in which NaN is found where it comes up.

    Programs run one operation at a time, and the first that gives NaN raises. The error names the
    operation and the line that called it; for an operation of a derivative, the line whose
    derivative it is; in a loop, the step. This takes longer than a planned run. It looks at what
    runs inside the block: functions under `jit` as well, and those that transforms return. A NaN
    that a `np.where` goes on to leave aside is found, too.

    Args:
        enable: whether to look for NaN.
        infs: whether to look for infinities as well.

    Raises:
        NonFiniteError: a `FloatingPointError`, where something is found.

    Example:
        >>> import numpy as np, functrace as ft
        >>> with ft.debug_nans():
        ...     ft.grad(lambda x: np.sum(np.sqrt(x)))(np.array([1.0, 4.0]))
        array([0.5 , 0.25])
        >>> careful = ft.debug_nans()(ft.jit(lambda x: x / x))
        >>> careful(2.0)
        1.0
    """
    return Choosing(nans=bool(enable), infs=bool(infs))


def disable_jit(disable: bool = True) -> Choosing:
    """A `with` block, or a decorator, in which functions under `jit` run as plain Python.

    Their arrays are NumPy's own, so that `print` and a debugger show values. What other transforms
    are given is traced all the same.

    Args:
        disable: whether to; `False` undoes it for a block inside.

    Example:
        >>> import numpy as np, functrace as ft
        >>> f = ft.jit(lambda x: type(x).__name__)
        >>> with ft.disable_jit():
        ...     f(np.ones(3))
        'ndarray'
    """
    return Choosing(jit=not disable)


@contextmanager
def named_scope(name: str) -> Iterator[None]:
    """A `with` block, or a decorator, whose operations bear a name in printed Programs and errors.

    Scopes in scopes are joined by slashes. Operations of derivatives bear the name of what they
    are derived from.

    Args:
        name: a text of one line.

    Raises:
        ArgumentError: when it is none.

    Example:
        >>> import numpy as np, functrace as ft
        >>> def f(x):
        ...     with ft.named_scope("layer"):
        ...         y = np.tanh(x)
        ...     return y + 1
        >>> print(ft.trace(f)(0.0))
        f(x: f64) -> f64
          a: f64 = tanh(x)  # layer
          b: f64 = a + 1.0
          return b
    """
    if not isinstance(name, str) or not name or "\n" in name:
        raise ArgumentError(
            f"named_scope takes a text of one line, not {name!r}", 'write named_scope("layer")'
        )
    outer = SCOPE.get()
    scope = f"{outer}/{name}" if outer else name
    token = SCOPE.set(scope)
    recorder = tracing()
    if recorder is not None:
        recorder.enter(scope)
    try:
        yield
    finally:
        SCOPE.reset(token)
        if recorder is not None:
            recorder.enter(outer)
