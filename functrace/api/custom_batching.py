"""Functions with a batching rule of their own: `custom_vmap`, `sequential_vmap`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import tree
from ..custom.hashable_function import Fixed
from ..custom.rules import Rule
from ..custom.signature import Call, Result
from ..custom.vmap import CUSTOM_VMAP, VmapRule
from ..lists import select
from ._checks import check_callable
from .control import map as loop_map
from .custom import Ruled


class custom_vmap(Ruled):  # noqa: N801 -- JAX's name
    """A function that says itself what `vmap` makes of it.

    Derivatives are those of the function: in `vmap(grad(f))` the value comes from the rule, and
    what the derivative needs besides is batched as usual.

    Args:
        fun: a function of arrays and trees of them.

    Raises:
        CustomRuleError: when there is no rule, or it returned the wrong tree, shapes or dtypes.

    Example:
        >>> import numpy as np, functrace as ft
        >>> @ft.custom_vmap
        ... def solve(A, b):
        ...     return np.linalg.solve(A, b)
        >>> @solve.def_vmap
        ... def solve_many(axis_size, in_batched, A, b):
        ...     if in_batched == (False, True):  # one factorization for all right-hand sides
        ...         return np.linalg.solve(A, b.T).T, True
        ...     return ft.vmap(np.linalg.solve, [0 if m else None for m in in_batched])(A, b), True
        >>> ft.vmap(solve, (None, 0))(np.eye(2) * 2, np.ones((3, 2))).shape
        (3, 2)
    """

    primitive = CUSTOM_VMAP
    parts = ("fun", "vmap_rule")

    def __init__(self, fun: Callable[..., Any]):
        super().__init__(fun)
        self.vmap_rule: Callable[..., Any] | None = None

    def def_vmap(self, vmap_rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule. Can be used as a decorator.

        Args:
            vmap_rule: `(axis_size, in_batched, *args) -> (output, out_batched)`. `in_batched` is a
                tuple with a tree of bools for each argument: whether it has the mapped axis, which
                is then its first. `out_batched` tells the same of the output.

        Returns:
            The rule.
        """
        check_callable(vmap_rule, "def_vmap")
        self.vmap_rule = vmap_rule
        return vmap_rule

    def _demand_rule(self) -> None:
        if self.vmap_rule is None:
            raise self._missing("def_vmap(rule)")

    def _rule(self, call: Call, result: Result) -> Rule:
        return VmapRule(Fixed(self.vmap_rule), call, result)


def sequential_vmap(f: Callable[..., Any]) -> custom_vmap:
    """A function that `vmap` applies to one example after the other, in a loop.

    That is slower, and needs less memory.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.vmap(ft.sequential_vmap(np.linalg.inv))(np.ones((4, 1, 1))).shape
        (4, 1, 1)
    """
    function = custom_vmap(f)
    function.def_vmap(functools.partial(_one_by_one, f))
    return function


def _one_by_one(
    f: Callable[..., Any], axis_size: int, in_batched: Any, *args: Any
) -> tuple[Any, bool]:
    leaves, structure = tree.flatten(args)
    mapped = tree.leaves(in_batched)

    def one(row: list[Any]) -> Any:
        rest = iter(row)
        full = [next(rest) if on else x for x, on in zip(leaves, mapped, strict=True)]
        return f(*tree.unflatten(structure, full))

    return loop_map(one, select(leaves, mapped)), True
