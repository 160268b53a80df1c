"""Who answers for a NumPy function when a traced array is among its arguments.

Two tables say so; the ops and `functrace.numpy` fill them.
"""

from __future__ import annotations

import contextlib
import difflib
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from .errors import UnsupportedAttributeError, UnsupportedFunctionError
from .source import calls_into, user_frame


class _Answers(dict[Any, Callable[..., Any]]):
    """A table that loads the front ends of NumPy's functions when an entry is missing."""

    def __missing__(self, key: Any) -> Callable[..., Any]:
        plain = getattr(key, "__wrapped__", None)  # of what stands in for NumPy's own
        if plain is not None and plain in self:
            return self[plain]
        for stage in _FRONT_ENDS:
            import_module(stage)
            if key in self:
                return self[key]
        raise KeyError(key)


_FRONT_ENDS = (f"{__package__}.numpy._common", f"{__package__}.numpy._namespace")

UFUNCS: dict[np.ufunc, Callable[..., Any]] = _Answers()
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = _Answers()
# Why nobody answers for a function, and what to do instead, by the name that users write.
REASONS: dict[str, tuple[str, str]] = {}
# Whose ufuncs are answered for by a module of ours that is imported when one is first met.
LATE = {"scipy.special": f"{__package__}.scipy.special"}

_LOOP_OPTIONS = {"dtype", "casting", "order", "subok"}

# What lets NumPy's own functions take traced values meanwhile.
INSTALLED: list[object] = []

# The functions whose results are views of their arguments, in NumPy and here.
VIEWS = {
    getattr(np, name)
    for name in (
        "reshape", "ravel", "transpose", "permute_dims", "matrix_transpose", "swapaxes", "moveaxis",
        "rollaxis", "squeeze", "expand_dims", "atleast_1d", "atleast_2d", "atleast_3d",
        "broadcast_to", "broadcast_arrays", "real", "imag", "flip", "fliplr", "flipud", "rot90",
        "split", "array_split", "hsplit", "vsplit", "dsplit", "unstack", "trim_zeros", "diagonal",
        "diag", "einsum",
    )
    if hasattr(np, name)
} | {np.linalg.diagonal, np.lib.stride_tricks.sliding_window_view}  # fmt: skip

# Functions whose front ends look at the types of plain arrays, and never at their values. Those of
# ufuncs are all such.
BY_TYPE: set[Any] = {
    np.dot, np.inner, np.outer, np.vdot, np.tensordot, np.einsum, np.where, np.concatenate,
    np.stack,
}  # fmt: skip


def ufunc_answer(ufunc: np.ufunc, method: str, options: dict[str, Any]) -> Callable[..., Any]:
    """Who answers for a call of a ufunc, or of one of its methods.

    Raises:
        UnsupportedFunctionError: when nobody does, or for an option that has no meaning for
            traced values.
    """
    if method != "__call__":
        try:
            return FUNCTIONS[getattr(ufunc, method)]
        except KeyError:
            raise _unsupported_method(ufunc, method) from None
    if options.pop("where", True) is not True:
        raise UnsupportedFunctionError(
            f"{spelled(ufunc)}(..., where=) leaves elements undefined, which a traced value can "
            "not be",
            f"use np.where(condition, {spelled(ufunc)}(...), other)",
        )
    for option in {"signature", "sig"} & options.keys():
        raise UnsupportedFunctionError(
            f"{spelled(ufunc)}(..., {option}=) of a traced array is not supported",
            "use dtype=, or convert operands with .astype",
        )
    front_end = UFUNCS.get(ufunc) or _late(ufunc)
    loop = {name: options.pop(name) for name in _LOOP_OPTIONS & options.keys()}
    if loop.keys() <= {"order", "subok"}:  # of memory and subclasses, which traced arrays have not
        return front_end
    return FUNCTIONS[np.ufunc.resolve_dtypes](ufunc, front_end, **loop)


def _unsupported_method(ufunc: np.ufunc, method: str) -> UnsupportedFunctionError:
    name = f"{spelled(ufunc)}.{method}"
    why, remedy = REASONS.get(name) or REASONS.get(f"ufunc.{method}") or (
        "", "use the function that does the same, such as np.sum for np.add.reduce"
    )  # fmt: skip
    return UnsupportedFunctionError(
        f"{name} of a traced array is not supported" + (f": {why}" if why else ""), remedy
    )


def demand_answer(function: Callable[..., Any]) -> None:
    """Check that somebody answers for a function of NumPy that is not a ufunc.

    Raises:
        UnsupportedFunctionError: with the nearest names that are supported.
    """
    try:
        FUNCTIONS[function]
    except KeyError:
        module = (getattr(function, "__module__", "") or "").removeprefix("numpy").strip(".")
        module = "emath" if "scimath" in module else module  # where users find these
        name = f"{module}.{function.__name__}".strip(".")
        known = [known.__name__ for known in FUNCTIONS]
        raise unsupported(f"np.{name}", known) from None


def unsupported(name: str, known: list[str]) -> UnsupportedFunctionError:
    """The error for a function that has no implementation: why, or the nearest that has."""
    if name in REASONS:
        why, remedy = REASONS[name]
        return UnsupportedFunctionError(f"{name} of a traced array is not supported: {why}", remedy)
    near = difflib.get_close_matches(name.rpartition(".")[2], known, n=3, cutoff=0.7)
    return UnsupportedFunctionError(
        f"{name} of a traced array is not supported",
        f"supported names that are near: {', '.join(near)}"
        if near
        else "write it with functions that are supported, or make it an op with "
        "functrace.define_op, as docs/add_an_op.md tells",
    )


def missing_attribute(name: str) -> AttributeError:
    """The error for an attribute that traced arrays have not."""
    import_module(_FRONT_ENDS[-1])  # which knows the reasons
    if f"ndarray.{name}" in REASONS:
        why, remedy = REASONS[f"ndarray.{name}"]
        return UnsupportedAttributeError(f"a traced array has no {name}: {why}", remedy)
    return AttributeError(f"a traced array has no attribute {name!r}", name=name)


def instead() -> str:
    """What to call in place of the function that makes a traced array a plain one, if anything."""
    for module, name in calls_into("numpy")[:1]:
        if module.startswith("numpy.polynomial"):
            public = module.partition("._")[0]
            return f"use functrace.{public}, whose functions and classes take traced arrays"
        if module.startswith("numpy.ma."):
            return "numpy.ma's own methods take plain values: write t * m for m * t"
        if name in import_module(_FRONT_ENDS[-1]).NAMES:
            return f"use functrace.numpy.{name}, which takes traced arrays{or_install()}"
    for module, name in calls_into("scipy"):
        part = f"{__package__}.{'.'.join(module.split('.')[:2])}"
        if name in _names_of(part):
            return f"use {part}.{name}, which takes traced arrays"
        if _names_of(part):
            return f"see whether {part} has it; SciPy's own function takes plain arrays alone"
    frame = user_frame()
    module = "" if frame is None else str(frame.f_globals.get("__name__")).partition(".")[0]
    if module in ("pandas", "xarray"):
        return f"{module}'s own methods take plain values: write x.to_numpy() @ t for x @ t"
    return ""


def or_install() -> str:
    """The second remedy where an array is made: that for code of others."""
    if INSTALLED:
        return ""
    return (
        "; or, for code that you cannot change, call functrace.numpy.install() before, which lets "
        "NumPy's own functions do the same"
    )


def _names_of(module: str) -> Mapping[str, Any]:
    """What a module of ours defines, and nothing where there is none."""
    return vars(import_module(module)) if find_spec(module) else {}


def spelled(ufunc: np.ufunc) -> str:
    """A ufunc as users write it: `np.sin`, `scipy.special.erf`."""
    name = ufunc.__name__
    for module, prefix in (("numpy", "np."), ("scipy.special", "scipy.special.")):
        if getattr(sys.modules.get(module), name, None) is ufunc:
            return prefix + name
    return name


def _late(ufunc: np.ufunc) -> Callable[..., Any]:
    """Who answers for a ufunc that nobody answered for so far.

    Raises:
        UnsupportedFunctionError: with the nearest ufuncs of the same library.
    """
    with contextlib.suppress(KeyError):
        return UFUNCS[ufunc]  # when all front ends are loaded
    for library, module in LATE.items():
        if library in sys.modules:
            import_module(module)
    if ufunc not in UFUNCS:
        name = spelled(ufunc)
        owner = name.rpartition(".")[0]
        known = [k.__name__ for k in UFUNCS if spelled(k).rpartition(".")[0] == owner]
        raise unsupported(name, known)
    return UFUNCS[ufunc]
