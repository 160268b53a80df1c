"""Cases for functions across the examples of a batch, and for calls that act.

A row has a function of one example; its case is the function mapped over a named axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import functrace as ft
from functrace.axes import scope

from .op_cases import booleans, case, complex_, integers, real

_EXAMPLES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []


def across(name: str, fun: Callable[..., Any], *operands: Any, **options: Any) -> None:
    """A case of a function that refers to the axis "i", over which its operands are mapped."""
    _EXAMPLES.append((fun, operands))
    case(name, ft.vmap(fun, axis_name="i"), *operands, **options)


def programs_of_examples() -> list[ft.Program]:
    """The Programs of the functions of one example, in which the ops are still there."""
    programs = []
    for fun, operands in _EXAMPLES:
        with scope((("i", len(operands[0])),)):
            programs.append(ft.trace(fun)(*[x[0] for x in operands]))
    return programs


across("psum", lambda x: np.sin(x) * ft.psum(x**2, "i"), real(3, 2))
across("psum of integers", lambda n: ft.psum(n, "i"), integers(3))
across("psum of booleans", lambda b: ft.psum(b, "i"), booleans(3))
across("psum of complex", lambda z: z * ft.psum(z, "i"), complex_(3))
across("psum of what examples share", lambda x: x * ft.psum(np.array([1.0, 2.0]), "i"), real(3, 2))
across("pmean", lambda x: x - ft.pmean(np.cos(x), "i"), real(3))
across("pmax", lambda x: x * ft.pmax(x, "i"), real(3, 2))
across("pmin", lambda x: np.sin(x) * ft.pmin({"a": x}, "i")["a"], real(3))
across("all_gather", lambda x: np.cos(ft.all_gather(x, "i", axis=1)) @ np.arange(3.0), real(3, 2))
across("all_gather tiled", lambda x: ft.all_gather(x * x, "i", tiled=True), real(2, 3))
across("psum_scatter", lambda x: x[0] * ft.psum_scatter(np.sin(x), "i"), real(3, 3))
across("psum_scatter tiled", lambda x: ft.psum_scatter(
    x * x, "i", scatter_dimension=1, tiled=True), real(2, 2, 4))  # fmt: skip
across("all_to_all", lambda x: ft.all_to_all(x * x, "i", 0, 1), real(3, 3, 2))
across("all_to_all tiled", lambda x: ft.all_to_all(
    np.sin(x), "i", 0, 1, tiled=True), real(2, 4, 3))  # fmt: skip
across("ppermute", lambda x: x * ft.ppermute(x, "i", [(0, 1), (1, 2), (2, 0)]), real(3, 2))
across("ppermute of some", lambda x: np.exp(ft.ppermute(x, "i", [(2, 0)])), real(3, 2))
across("axis_index", lambda x: x * ft.axis_index("i"), real(3))
across("axis_size", lambda x: x * ft.axis_size("i"), real(3))
across("psum in a scan", lambda x: ft.scan(
    lambda c, _: (np.sin(c) + ft.psum(c * c, "i"), c), x, length=3), real(2))  # fmt: skip
across("psum in a cond", lambda x: ft.cond(
    np.sum(x) > 0, lambda x: ft.psum(x, "i") * x, lambda x: x, x), real(3, 2))  # fmt: skip


def ignore(*_: Any) -> None:
    """Do nothing."""


def noted(x: Any) -> Any:
    ft.debug.callback(ignore, x, "a text")
    ft.debug.callback(ignore)
    return x * x


case("callback for what it does", noted, real(2))
case("callback in a scan", lambda c, xs: ft.scan(
    lambda c, x: (noted(c) * x, None), c, xs)[0], real(), real(3))  # fmt: skip
