"""How a function of ours comes to answer for one of NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import OptionError, UnsupportedFunctionError
from ..tracer import FUNCTIONS

F = TypeVar("F", bound=Callable[..., Any])


def implements(*functions: Any) -> Callable[[F], F]:
    """Answer for NumPy functions when a tracer is among their arguments."""

    def register(function: F) -> F:
        for original in functions:
            FUNCTIONS[original] = function
        if not function.__doc__:
            function.__doc__ = f"As `np.{functions[0].__name__}`."
        return function

    return register


def refuse(function: str, **options: Any) -> None:
    """Raise when an option that has no meaning for traced values was given.

    Raises:
        UnsupportedFunctionError: naming the option.
    """
    for name, value in options.items():
        if value is not None:
            raise UnsupportedFunctionError(
                f"np.{function}(..., {name}={value!r}) of a traced array is not supported",
                f"leave {name}= away; a traced function returns its results",
            )


def demand_cpu(function: str, device: Any) -> None:
    """Check a `device=`, as the array API standard has it.

    Raises:
        OptionError: for another device than "cpu".
    """
    if device not in (None, "cpu"):
        raise OptionError(f"{function}(device={device!r})", 'the only device is "cpu"')
