"""Linear functions that transforms return: pushforwards, pullbacks, transposes.

Each is a container of the values that it needs, its residuals. So it may be an argument and a
result of functions that are traced, and it can be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import tree
from ..errors import ArgumentError
from ..memo.specialise import MISS, Specialised, holes, usual
from ..operands import USUAL
from ..recorder import type_of
from ._border import function_name, shorten_traceback

_NO_KEYWORDS: dict[str, Any] = {}


class LinearFunction:
    """A linear function: what it does, and the residuals that it needs.

    Attributes:
        what: what it does, hashable: `given(*args)` checks the arguments and has their leaves,
            `operands(given)` is what the `runner` of a finished Program takes after the residuals,
            and `assemble(outputs)` gives the result. It has the residuals' types, a `name`, and
            the `program` that was traced.
        residuals: arrays or tracers.
        warm: code for the arguments that keep coming, where linear functions share it.
    """

    def __init__(
        self,
        what: Any,
        residuals: Sequence[Any],
        fun: Callable[..., Any] | None = None,
        warm: Specialised | None = None,
    ):
        self.what = what
        self.warm = warm
        self.residuals = list(residuals)
        self._checked = fun is not None
        if fun is not None:
            self.__wrapped__ = fun

    @property
    def __name__(self) -> str:
        return self.what.name

    def __repr__(self) -> str:
        return f"<{self.what.name}>"

    def __call__(self, *args: Any) -> Any:
        try:
            if not self._checked:
                self._check()
            if self.warm is not None:
                result = self.warm(None, (self.residuals, *args), _NO_KEYWORDS)
                if result is not MISS:
                    return result
            return self._general(args)
        except Exception as error:
            shorten_traceback(error)
            raise

    def _general(self, args: Sequence[Any]) -> Any:
        what, warm = self.what, self.warm
        given = what.given(*args)
        outputs = what.runner([*self.residuals, *what.operands(given)], what.program)
        result = what.assemble(outputs)
        if warm is not None and warm.due(what) and usual() and same_dtypes(args, given):
            self._specialise(warm, args)
        return result

    def _specialise(self, warm: Specialised, args: Sequence[Any]) -> None:
        """Make code for calls with arguments like some."""
        what, count = self.what, len(self.residuals)

        def run(flat: Sequence[Any]) -> Sequence[Any]:
            operands = [*flat[:count], *what.operands(flat[count:])]
            return what.runner.run(operands, what.program)

        result = what.assemble(holes(len(what.runner.program.outputs)))
        warm.make(((self.residuals, *args), {}), run, result, bails=False)

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
        kept = {"what": self.what, "residuals": self.residuals, "_checked": self._checked}
        return {**kept, "warm": None}


tree.register_node(
    LinearFunction,
    lambda f: (f.residuals, f.what),
    lambda what, residuals: LinearFunction(what, residuals),
)


def same_dtypes(args: Sequence[Any], given: Sequence[Any]) -> bool:
    """Whether the leaves of arguments were taken as they are, none converted or omitted."""
    leaves = tree.leaves(args)
    return len(leaves) == len(given) and all(
        type(x) in USUAL and type_of(x).dtype == type_of(y).dtype
        for x, y in zip(leaves, given, strict=True)
    )


def name_of(kind: str, fun: Callable[..., Any]) -> str:
    """What a linear function that was made of a function is called."""
    return f"{kind}_{function_name(fun)}"
