"""Tests of derivatives: `functrace.testing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import tree
from .api._border import function_name, leaf_names, leaf_types, parameter_names, short_tracebacks
from .api._checks import check_callable, float0
from .api.derivatives import jvp, vjp
from .errors import ArgumentError, GradientCheckError, OptionError
from .lists import select
from .recorder import plain, type_of

__all__ = ["check_grads"]

# Central differences are off by h²f'''/6 and by eps|f|/h, which is least near the cube root of eps.
_STEPS = {"e": 0.1, "f": 5e-3, "d": 6e-6}
_TOLERANCES = {"e": 0.2, "f": 2e-2, "d": 1e-6}
_SEED = 20

Leaves = Sequence[Any]


@short_tracebacks
def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: str | Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> None:
    """Compare derivatives with differences of values, along random directions.

    For a higher order, the same is done with the derivative as the function, in every order of
    modes.

    Args:
        f: a function of trees of arrays, real or complex. Integers and booleans stay as they are.
        args: the arguments, a tuple or list, away from kinks.
        order: up to which order; 1 for first derivatives.
        modes: "fwd", "rev", or both.
        atol, rtol: what a derivative may be off by: `atol + rtol * |expected|`. By default both
            are 1e-6 for float64 and 0.02 for float32.
        eps: the step of the differences. By default 6e-6 for float64 and 5e-3 for float32.

    Raises:
        GradientCheckError: an `AssertionError` that names mode, order and the leaf of the arguments
            whose derivative is wrong, with both numbers.

    Example:
        >>> import numpy as np
        >>> from functrace.testing import check_grads
        >>> check_grads(lambda W, x: np.tanh(W @ x), (np.eye(2), np.ones(2)), order=2)
    """
    check_callable(f, "check_grads")
    wanted = (modes,) if isinstance(modes, str) else tuple(modes)
    if not wanted or not set(wanted) <= {"fwd", "rev"}:
        raise OptionError(f"check_grads(modes={modes!r})", 'the modes are "fwd" and "rev"')
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 1:
        raise OptionError(f"check_grads(order={order!r})", "give an int of 1 or more")
    if not isinstance(args, (tuple, list)):
        raise ArgumentError("check_grads takes a tuple of the arguments", "write args=(x,)")
    problem = _problem(f, args)
    kinds = [np.finfo(x.dtype).dtype.char for x in map(type_of, problem.all_leaves()) if x.inexact]
    kind = max(kinds, key=lambda kind: _STEPS.get(kind, 0.0))
    limits = _Limits(
        _TOLERANCES.get(kind, 1e-6) if atol is None else atol,
        _TOLERANCES.get(kind, 1e-6) if rtol is None else rtol,
        _STEPS.get(kind, 6e-6) if eps is None else eps,
    )
    _check(problem, int(order), wanted, limits, 1)


class _Limits(NamedTuple):
    atol: float
    rtol: float
    step: float

    def allows(self, found: Any, expected: Any, scale: Any) -> Any:
        """Whether numbers are close, at the scale of what was summed up to the expected ones."""
        return np.abs(found - expected) <= self.atol + self.rtol * scale


class _Problem(NamedTuple):
    """A function of leaves that returns leaves, and where its derivatives are to be checked.

    Attributes:
        what: the function, in messages.
        names, outputs: a path for each leaf of the arguments, and for each that it returns.
    """

    what: str
    fun: Callable[[Leaves], list[Any]]
    leaves: list[Any]
    names: list[str]
    values: list[Any]
    outputs: list[str]

    @property
    def active(self) -> list[bool]:
        """Which arguments have a derivative."""
        return [type_of(leaf).inexact for leaf in self.leaves]

    def all_leaves(self) -> list[Any]:
        return [*self.leaves, *self.values]


def _problem(f: Callable[..., Any], args: Sequence[Any]) -> _Problem:
    leaves, structure = tree.flatten(tuple(args))
    names = leaf_names(structure, parameter_names(f, len(args)))
    if not any(type.inexact for type in leaf_types(leaves, names)):
        raise ArgumentError(
            "check_grads: no argument has a derivative", "pass floating-point numbers"
        )
    values, out_tree = tree.flatten(f(*args))
    outputs = [f"the output{path}" for path in tree.paths(out_tree)]
    leaf_types(values, outputs)
    fun = lambda given: tree.leaves(f(*tree.unflatten(structure, given)))
    return _Problem(function_name(f), fun, leaves, names, values, outputs)


def _check(
    problem: _Problem, order: int, modes: Sequence[str], limits: _Limits, number: int
) -> None:
    for mode in modes:
        (_check_forward if mode == "fwd" else _check_reverse)(problem, limits, number)
        if number < order:
            derivative = _forward(problem) if mode == "fwd" else _reverse(problem)
            _check(derivative, order, modes, limits, number + 1)


# Derivatives as functions of leaves


def _pushed(problem: _Problem, primals: Leaves, tangents: Leaves) -> list[Any]:
    """Tangents of the outputs that have one, of tangents of the active arguments."""
    found = _with_values(problem, primals, tangents)[1]
    return [t for t, y in zip(found, problem.values, strict=True) if type_of(y).inexact]


def _with_values(problem: _Problem, primals: Leaves, tangents: Leaves) -> tuple[Any, ...]:
    """All outputs and their tangents."""
    rest = iter(tangents)
    full = [
        next(rest) if on else _nothing(x) for x, on in zip(primals, problem.active, strict=True)
    ]
    return jvp(lambda *given: problem.fun(given), tuple(primals), tuple(full))


def _pulled(problem: _Problem, primals: Leaves, cotangents: Leaves) -> list[Any]:
    """Cotangents of the active arguments, of cotangents of the outputs that have one."""
    rest = iter(cotangents)
    full = [next(rest) if type_of(y).inexact else _nothing(y) for y in problem.values]
    found = vjp(lambda *given: problem.fun(given), *primals)[1](full)
    return select(found, problem.active)


def _nothing(value: Any) -> Any:
    return np.zeros(type_of(value).shape, float0)


def _forward(problem: _Problem) -> _Problem:
    """The tangents as a function of arguments and tangents."""
    count = len(problem.leaves)
    moved = _directions(_kept(problem.leaves), 1)
    names = [f"the tangent of {name}" for name in _kept_names(problem.names, problem.leaves)]
    fun = lambda given: _pushed(problem, given[:count], given[count:])
    leaves = [*problem.leaves, *moved]
    outputs = [f"the tangent of {n}" for n in _kept_names(problem.outputs, problem.values)]
    what = f"the forward derivative of {problem.what}"
    return _Problem(what, fun, leaves, [*problem.names, *names], fun(leaves), outputs)


def _reverse(problem: _Problem) -> _Problem:
    """The cotangents as a function of arguments and cotangents."""
    count = len(problem.leaves)
    given = _directions(_kept(problem.values), 1)
    names = [f"the cotangent of {name}" for name in _kept_names(problem.outputs, problem.values)]
    fun = lambda given: _pulled(problem, given[:count], given[count:])
    leaves = [*problem.leaves, *given]
    outputs = [f"the cotangent of {n}" for n in _kept_names(problem.names, problem.leaves)]
    what = f"the reverse derivative of {problem.what}"
    return _Problem(what, fun, leaves, [*problem.names, *names], fun(leaves), outputs)


def _kept(leaves: Leaves) -> list[Any]:
    return [x for x in leaves if type_of(x).inexact]


def _kept_names(names: Sequence[str], leaves: Leaves) -> list[str]:
    return [name for name, x in zip(names, leaves, strict=True) if type_of(x).inexact]


# Directions and differences


def _directions(leaves: Leaves, salt: int) -> list[Any]:
    """Random arrays like the leaves."""
    random = np.random.default_rng([_SEED, salt])
    found = []
    for leaf in leaves:
        type = type_of(leaf)
        value = random.standard_normal(type.shape)
        if type.dtype.kind == "c":
            value = value + 1j * random.standard_normal(type.shape)
        found.append(np.asarray(value, type.dtype)[()])
    return found


def _difference(problem: _Problem, directions: Leaves, step: float) -> list[Any]:
    """The derivative along directions of the active arguments, by central differences."""
    sides = []
    for sign in (1, -1):
        rest = iter(directions)
        moved = [
            _moved(x, next(rest), sign * step) if on else x
            for x, on in zip(problem.leaves, problem.active, strict=True)
        ]
        sides.append([plain(y) for y in _kept(problem.fun(moved))])
    return [(after - before) / (2 * step) for after, before in zip(*sides, strict=True)]


def _moved(x: Any, direction: Any, step: float) -> Any:
    """A leaf of the same dtype; a Python number stays one."""
    dtype = type_of(x).dtype
    new = np.asarray(x + dtype.type(step) * direction, dtype)[()]
    return new.item() if type_of(x).weak else new


def _alone(directions: Leaves) -> list[list[Any]]:
    """Each direction with zeros for the others."""
    return [
        [x if i == number else np.zeros_like(x) for i, x in enumerate(directions)]
        for number in range(len(directions))
    ]


# Checks


def _check_forward(problem: _Problem, limits: _Limits, order: int) -> None:
    directions = _directions(_kept(problem.leaves), 2)
    values = _with_values(problem, problem.leaves, directions)[0]
    for name, found, expected in zip(problem.outputs, values, problem.values, strict=True):
        if not np.all(limits.allows(found, expected, np.abs(expected))):
            raise GradientCheckError(
                f"{problem.what} gives {name} {expected}, and with its derivative (mode fwd, order "
                f"{order}) {found}",
                "let the rule give the output that the function gives",
            )
    if _wrong_tangent(problem, directions, limits) is None:
        return
    names = _kept_names(problem.names, problem.leaves)
    for name, alone in zip(names, _alone(directions), strict=True):
        wrong = _wrong_tangent(problem, alone, limits)
        if wrong is not None:
            raise _error(problem, f"by {name}", "fwd", order, wrong, limits)
    wrong = _wrong_tangent(problem, directions, limits)
    assert wrong is not None
    raise _error(problem, "by all arguments together", "fwd", order, wrong, limits)


def _wrong_tangent(
    problem: _Problem, directions: Leaves, limits: _Limits
) -> tuple[str, Any, Any] | None:
    """Where a tangent is off most, what it is, and what it should be; None where none is."""
    found = _pushed(problem, problem.leaves, directions)
    expected = _difference(problem, directions, limits.step)
    names = _kept_names(problem.outputs, problem.values)
    worst: tuple[str, Any, Any] | None = None
    for name, t, e in zip(names, found, expected, strict=True):
        off = np.asarray(~limits.allows(t, e, np.abs(e)))
        if off.any():
            distance = np.where(off, np.nan_to_num(np.abs(t - e), nan=np.inf), -1)
            place = np.unravel_index(np.argmax(distance), off.shape)
            index = [int(i) for i in place]
            worst = f"{name}{index if index else ''}", np.asarray(t)[place], np.asarray(e)[place]
            break
    return worst


def _check_reverse(problem: _Problem, limits: _Limits, order: int) -> None:
    given = _directions(_kept(problem.values), 3)
    directions = _directions(_kept(problem.leaves), 4)
    found = _pulled(problem, problem.leaves, given)
    if _wrong_product(problem, given, found, directions, limits) is None:
        return
    names = _kept_names(problem.names, problem.leaves)
    for name, alone in zip(names, _alone(directions), strict=True):
        wrong = _wrong_product(problem, given, found, alone, limits)
        if wrong is not None:
            raise _error(problem, f"by {name}", "rev", order, wrong, limits)
    wrong = _wrong_product(problem, given, found, directions, limits)
    assert wrong is not None
    raise _error(problem, "by all arguments together", "rev", order, wrong, limits)


def _wrong_product(
    problem: _Problem, given: Leaves, found: Leaves, directions: Leaves, limits: _Limits
) -> tuple[str, Any, Any] | None:
    """As `_wrong_tangent`, for the product of cotangents and directions.

    For complex numbers products are not conjugated: the pullback is the transpose.
    """
    moved = _difference(problem, directions, limits.step)
    product = sum(np.sum(ct * v).real for ct, v in zip(found, directions, strict=True))
    terms = [(ct * t).real for ct, t in zip(given, moved, strict=True)]
    expected = sum(np.sum(term) for term in terms)
    scale = sum(np.sum(np.abs(term)) for term in terms)
    if limits.allows(product, expected, scale):
        return None
    return "along a random direction, times random cotangents", product, expected


def _error(
    problem: _Problem, by: str, mode: str, order: int, wrong: tuple[str, Any, Any], limits: _Limits
) -> GradientCheckError:
    where, found, expected = wrong
    return GradientCheckError(
        f"the derivative of {problem.what} {by} is wrong (mode {mode}, order {order}): {where}, "
        f"it is {found}, and differences give {expected} (atol={limits.atol:g}, "
        f"rtol={limits.rtol:g}, eps={limits.step:g})",
        "look at the rules of what the function calls; near a kink, or where values are large, "
        "differences are wrong themselves: try other arguments, or eps= and rtol=",
    )
