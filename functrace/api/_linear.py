"""Linear functions that transforms return: pushforwards, pullbacks, transposes.

Each is a container of the values that it needs, its residuals. So it may be an argument and a
result of functions that are traced, and it can be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import tree
from ..errors import ArgumentError
from ..recorder import type_of
from ._border import function_name, short_tracebacks


class LinearFunction:
    """A linear function: what it does, and the residuals that it needs.

    Attributes:
        what: a hashable function of the residuals and the arguments. It has the residuals' `types`,
            and a `name`.
        residuals: arrays or tracers.
    """

    def __init__(self, what: Any, residuals: Sequence[Any], fun: Callable[..., Any] | None = None):
        self.what = what
        self.residuals = list(residuals)
        self._checked = fun is not None
        if fun is not None:
            self.__wrapped__ = fun

    @property
    def __name__(self) -> str:
        return self.what.name

    def __repr__(self) -> str:
        return f"<{self.what.name}>"

    @short_tracebacks
    def __call__(self, *args: Any) -> Any:
        if not self._checked:
            self._check()
        return self.what(self.residuals, *args)

    def _check(self) -> None:
        """Check residuals that somebody has put in, or that `vmap` has stacked."""
        found = tuple([type_of(x).strong for x in self.residuals])
        if found != self.what.residual_types:
            raise ArgumentError(
                f"{self.what.name} was called with residuals of types {found}, and it takes "
                f"{self.what.residual_types}",
                "call what vmap returned under vmap: vmap(lambda f, x: f(x))(functions, xs)",
            )
        self._checked = True

    def __getstate__(self) -> dict[str, Any]:
        return {"what": self.what, "residuals": self.residuals, "_checked": self._checked}


tree.register_node(
    LinearFunction,
    lambda f: (f.residuals, f.what),
    lambda what, residuals: LinearFunction(what, residuals),
)


def name_of(kind: str, fun: Callable[..., Any]) -> str:
    """What a linear function that was made of a function is called."""
    return f"{kind}_{function_name(fun)}"
