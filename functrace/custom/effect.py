"""A call of plain Python code for what it does: printing, plotting, taking notes.

    act(*operands; callback, inputs, leaves, rows)

The callback takes NumPy arrays in the tree `inputs` of `(args, kwargs)`. Of the leaves, `leaves`
has those that are no arrays, and for the others whether they are Python numbers. It is called
whenever the Program runs, in the order of the equations, and for each example of a batch: `rows`
has for each mapped axis, the outermost first, its length and which operands have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import LeafTypeError
from ..ir import ACTS, ArrayType
from ..primitive import NOT_LINEAR, ZERO, Primitive
from ..recorder import bind, type_of
from ..tree import TreeDef
from ..values import operand
from .hashable_function import Fixed, Target

Leaves = tuple[Fixed | bool, ...]
Rows = tuple[tuple[int, tuple[bool, ...]], ...]


class Print(NamedTuple):
    """Prints values in a format."""

    format: str

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        print(self.format.format(*args, **kwargs), flush=True)

    def __repr__(self) -> str:
        return f"print({self.format!r})"


def act(callback: Print | Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Call back now, or where a function is traced, when its Program runs."""
    given, inputs = tree.flatten((args, kwargs))
    operands: list[Any] = []
    leaves: list[Fixed | bool] = []
    for leaf in given:
        try:
            leaves.append(type_of(leaf).weak)
        except LeafTypeError:
            leaves.append(Fixed(leaf))
        else:
            operands.append(operand(leaf))
    bind(ACT, *operands, callback=callback, inputs=inputs, leaves=tuple(leaves), rows=())


def _impl(
    *operands: Any, callback: Callable[..., Any], inputs: TreeDef, leaves: Leaves, rows: Rows
) -> tuple[()]:
    for values in _each(operands, rows):
        given = iter(values)
        full = [leaf.value if type(leaf) is Fixed else _shown(next(given), leaf) for leaf in leaves]
        args, kwargs = tree.unflatten(inputs, full)
        callback(*args, **kwargs)
    return ()


def _shown(value: Any, is_python_number: Any) -> Any:
    """A value as plain code has it, in memory of its own: memory of a plan is used again."""
    return value.item() if is_python_number else np.array(value)[()]


def _each(operands: Sequence[Any], rows: Rows) -> Iterator[Sequence[Any]]:
    """The operands of each example."""
    if not rows:
        yield operands
        return
    (size, mapped), *inner = rows
    for i in range(size):
        row = [x[i] if on else x for x, on in zip(operands, mapped, strict=True)]
        yield from _each(row, tuple(inner))


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *, rows: Rows, **params: Any
) -> Any:
    return bind(ACT, *operands, rows=((int(size), tuple(mapped)), *rows), **params)


def _infer(*_: ArrayType, **__: Any) -> tuple[()]:
    return ()


def _text(*operands: str, callback: Any, **_: Any) -> str:
    if type(callback) is Print:
        return f"print({', '.join([repr(callback.format), *operands])})"
    return f"callback({', '.join([repr(callback), *operands])})"


ACT = Primitive(
    "act",
    infer=_infer,
    impl=_impl,
    jvp=ZERO,
    transpose=NOT_LINEAR,
    batch=_batch,
    text=_text,
    multiple=True,
    effects=lambda **_: frozenset([ACTS]),
    cacheable=False,
    prepare=lambda _, **params: partial(_impl, **params),
)
