"""A call of plain Python code for what it does: printing, plotting, taking notes.

    act(*operands; callback, inputs, fixed, rows)

The callback takes NumPy arrays in the tree `inputs` of `(args, kwargs)`, together with the leaves
that are no arrays. It is called whenever the Program runs, in the order of the equations, and for
each example of a batch: `rows` has for each mapped axis, the outermost first, its length and which
operands have it.
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
from ..recorder import bind, plain, type_of
from ..tracer import Tracer
from ..tree import TreeDef
from .fixed import Fixed, Target

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
    leaves, inputs = tree.flatten((args, kwargs))
    operands: list[Any] = []
    fixed: list[Fixed | None] = []
    for leaf in leaves:
        is_array = _is_array(leaf)
        fixed.append(None if is_array else Fixed(leaf))
        if is_array:
            operands.append(leaf if type(leaf) is Tracer else plain(leaf))
    bind(ACT, *operands, callback=callback, inputs=inputs, fixed=tuple(fixed), rows=())


def _is_array(leaf: Any) -> bool:
    try:
        type_of(leaf)
    except LeafTypeError:
        return False
    return True


def _impl(
    *operands: Any, callback: Callable[..., Any], inputs: TreeDef,
    fixed: tuple[Fixed | None, ...], rows: Rows,
) -> tuple[()]:  # fmt: skip
    for values in _each(operands, rows):
        given = iter(values)
        leaves = [next(given) if leaf is None else leaf.value for leaf in fixed]
        args, kwargs = tree.unflatten(inputs, leaves)
        callback(*args, **kwargs)
    return ()


def _each(operands: Sequence[Any], rows: Rows) -> Iterator[list[Any]]:
    """The operands of each example."""
    if not rows:
        # Copies: the callback may keep what it gets, and memory is used again.
        yield [np.array(x)[()] for x in operands]
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
    prepare=lambda _, **params: partial(_impl, **params),  # types are not to be remembered
)
