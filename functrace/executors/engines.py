"""Engines: what runs a plan, chosen by name.

An engine makes a function of a plan. It gets all that it needs from the plan: the values with their
types and whose memory they share, the steps, and where results lie. `KERNELS` has what NumPy does
for a step; an engine may do it otherwise. The engine `numpy` is the one of `planned.py`.

Example:
    >>> import numpy as np, functrace as ft
    >>> from functrace.executors import engines
    >>> from functrace.executors.planned import interpreter
    >>> class Loud:
    ...     def compile(self, plan):
    ...         print(len(plan.steps), "steps")
    ...         return interpreter(plan)
    >>> engines.register("loud", Loud())
    >>> with engines.using("loud"):
    ...     ft.grad(lambda x: np.sum(x**2))(np.ones(3))
    1 steps
    array([2., 2., 2.])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..errors import OptionError
from ..modes import Choosing
from .plan import Plan
from .planned import adaptive

Run = Callable[[Sequence[Any]], Sequence[Any]]  # from the values of a plan's inputs to its outputs


class Engine(Protocol):
    """What runs plans.

    The function that `compile` gives may get an attribute `quick` when it has run often: another
    function, which takes its place.
    """

    def compile(self, plan: Plan) -> Run:
        """A function that runs a plan."""
        ...


class _NumPy:
    """One call of NumPy for each step, and after some runs code that makes these calls."""

    def compile(self, plan: Plan) -> Run:
        return adaptive(plan)


ENGINES: dict[str, Engine] = {"numpy": _NumPy()}


def register(name: str, engine: Engine) -> None:
    """Let an engine be chosen by a name, in place of one that has the name."""
    ENGINES[name] = engine


def engine_of(name: str) -> Engine:
    """The engine of a name.

    Raises:
        OptionError: when there is none.
    """
    if name not in ENGINES:
        raise OptionError(
            f"there is no engine {name!r}",
            f"choose one of {', '.join(map(repr, ENGINES))}, or register it first",
        )
    return ENGINES[name]


def using(name: str) -> Choosing:
    """A `with` block, or a decorator, in which plans are run by an engine.

    Raises:
        OptionError: when there is no engine of that name.
    """
    engine_of(name)
    return Choosing(engine=name)
