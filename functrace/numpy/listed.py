"""NumPy's functions, of lists with traced values in them: `sum([x, y])`.

NumPy asks the arrays among a function's arguments who answers, and not those in a list. The
functions of `functrace.numpy` other than ufuncs look into lists themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..fillable import noted, subjects
from ..ops.cast import converted
from ..recorder import tracing
from ..tracer import FUNCTIONS, demanded_answer
from .creation import has_tracer


def listed(value: Any) -> Any:
    """What takes the place of something of NumPy's namespaces: itself where nothing is added."""
    if isinstance(value, (type, np.ufunc)) or not callable(value):
        return value  # ufuncs are NumPy's own, with all their methods
    try:
        FUNCTIONS[value]
    except (KeyError, TypeError):
        return value
    return _function(value)


def _function(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        recorder = tracing()
        if recorder is not None and (_lists_traced(args) or _lists_traced(kwargs.values())):
            return recorder.memo.call(demanded_answer, function, args, kwargs)
        return function(*args, **kwargs)

    return call


def of_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function all of whose arguments are arrays or options, of lists as well."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _lists_traced(args):
            args = tuple([converted(x) for x in args])
        return function(*args, **kwargs)

    return call


def creating(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's that creates arrays: a traced function may fill them."""
    create = listed(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if tracing() is None:
            return function(*args, **kwargs)
        return noted(create(*subjects(args), **subjects(kwargs)), args, function, kwargs)

    return call


def _lists_traced(args: Any) -> bool:
    return any(isinstance(x, (list, tuple)) and has_tracer(x) for x in args)
