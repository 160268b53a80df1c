"""A call of plain Python code when a Program runs.

    pure_callback(*operands; callback, inputs, outputs, types, method)

The callback takes NumPy arrays in the tree `inputs` of `(args, kwargs)`, and returns them in the
tree `outputs`, of `types`. It is pure: equal calls are one, and a call whose
results are not used is omitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import tree
from ..errors import CallbackError, FunctraceError, MissingRuleError, NonDifferentiableError
from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Primitive
from ..recorder import bind, plain, type_of
from ..tree import TreeDef
from .batching import METHODS, batched
from .hashable_function import Fixed, defined_at
from .rules import place_of

Types = tuple[ArrayType, ...]


def call_back(operands: Sequence[Any], callback: Fixed, **params: Any) -> tuple[Any, ...]:
    """The callback's outputs."""
    return bind(PURE_CALLBACK, *operands, callback=callback, **params)


def _infer(*_: ArrayType, types: Types, **__: Any) -> Types:
    return types


def _impl(
    *operands: Any, callback: Fixed, inputs: TreeDef, outputs: TreeDef, types: Types,
    method: str | None,
) -> tuple[Any, ...]:  # fmt: skip
    # Copies: the callback may keep and change what it gets, and what it has returned.
    args, kwargs = tree.unflatten(inputs, [np.array(x)[()] for x in operands])
    leaves, found = tree.flatten(callback(*args, **kwargs))
    if found != outputs:
        raise CallbackError(
            f"the callback {callback} returned the tree {found}, and result_shape_dtypes has "
            f"{outputs}",
            "return the tree that was announced",
            defined_at(callback.value),
        )
    return tuple(
        [
            _checked(x, type, path, callback)
            for x, type, path in zip(leaves, types, tree.paths(outputs), strict=True)
        ]
    )


def _checked(value: Any, type: ArrayType, path: str, callback: Fixed) -> Any:
    """A leaf that the callback returned, in memory of its own."""
    what = f"the callback {callback} returned{path and ' at '}{path}"
    source = defined_at(callback.value)
    try:
        given = type_of(value)
    except FunctraceError as error:
        raise CallbackError(f"{what}: {error.what}", error.remedy, source) from None
    weak = given.weak and np.result_type(plain(value).dtype, type.dtype).kind == type.dtype.kind
    if given.shape != type.shape or not (given.dtype == type.dtype or weak):
        raise CallbackError(
            f"{what} {given.strong}, and result_shape_dtypes says {type}",
            f"cast it with .astype(np.{type.dtype})"
            if given.shape == type.shape
            else "return an array of the shape that was announced",
            source,
        )
    return np.array(value, type.dtype)[()]


def _jvp(primals: Any, tangents: Any, out: Any, *, callback: Fixed, **_: Any) -> Any:
    raise NonDifferentiableError(
        f"the callback {callback} has no derivative, and lies on the path that is differentiated",
        "give pure_callback a rule, jvp= or vjp=; or cut the path with functrace.stop_gradient",
        place_of([t for t in tangents if t is not None]),
    )


# Batching


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *,
    callback: Fixed, inputs: TreeDef, outputs: TreeDef, types: Types, method: str | None,
) -> Sequence[Any]:  # fmt: skip
    if method is None:
        raise MissingRuleError(
            f"vmap of the callback {callback}, which does not say how it is batched",
            f"give pure_callback vmap_method=, one of {', '.join(METHODS)}",
            place_of(operands),
        )
    params = {"inputs": inputs, "outputs": outputs, "method": method}
    wide = tuple([type.with_shape((size, *type.shape)) for type in types])
    return batched(
        method, size, operands, mapped, types,
        one=lambda row: call_back(row, callback, types=types, **params),
        many=lambda rows: call_back(rows, callback, types=wide, **params),
    )  # fmt: skip


def _text(*operands: str, callback: Fixed, **_: Any) -> str:
    return f"pure_callback({', '.join([repr(callback), *operands])})"


PURE_CALLBACK = Primitive(
    "pure_callback",
    infer=_infer,
    impl=_impl,
    jvp=_jvp,
    transpose=NOT_LINEAR,
    batch=_batch,
    text=_text,
    multiple=True,
    cacheable=False,
    prepare=lambda _, **params: partial(_impl, **params),
)
