"""The executor that looks for NaN and infinities: one NumPy call an equation, and a look at each.

It finds the first equation that gives one, in the Programs that loops and choices carry as well,
and tells where the user wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import NonFiniteError
from ..ir import UNKNOWN, Equation, Literal, Program, Var
from ..modes import Modes
from ..passes.inline import inline
from ..pretty import equation_text
from ..source import Source


def run(program: Program, inputs: Sequence[Any], modes: Modes) -> list[Any]:
    """The outputs of a Program for NumPy inputs.

    Raises:
        NonFiniteError: when the result of an equation has an element that is looked for.
    """
    quiet: dict[str, Any] = {"invalid": "ignore"} if modes.nans else {}
    if modes.infs:
        quiet |= {"divide": "ignore", "over": "ignore"}
    with np.errstate(**quiet):  # an error takes the place of NumPy's warning
        return _run(inline(program), inputs, modes, ())


def _run(
    program: Program, inputs: Sequence[Any], modes: Modes, around: tuple[str, ...]
) -> list[Any]:
    """Run a Program that equations carry, which `around` describes."""
    values: dict[Var, Any] = dict(zip(program.inputs, inputs, strict=True))
    first: Equation | None = None  # to give an infinity or NaN that is not looked for
    for equation in program.equations:
        operands = [
            atom.value if isinstance(atom, Literal) else values[atom] for atom in equation.inputs
        ]
        results = _evaluate(equation, operands, modes, around)
        for result in results:
            found = _found(result, modes)
            if found:
                what = f"{found} in {_count(result, found)}"
                raise _error(program, equation, operands, what, around, first)
            if first is None and _finite_part(result) is not None:
                first = equation
        values.update(zip(equation.outputs, results, strict=True))
    return [atom.value if isinstance(atom, Literal) else values[atom] for atom in program.outputs]


def _evaluate(
    equation: Equation, operands: list[Any], modes: Modes, around: tuple[str, ...]
) -> Sequence[Any]:
    primitive, params = equation.primitive, equation.params
    if primitive.prepare is None:
        return primitive.evaluate(operands, params)

    def compile(program: Program, often: bool = False) -> Callable[[Sequence[Any]], list[Any]]:
        counted = program is params.get("body")
        number = -1

        def run(inputs: Sequence[Any]) -> list[Any]:
            nonlocal number
            number += 1
            step = f"{_step(params, number)} of " if counted else ""
            where = f"in {step}the {primitive.name}{_at(equation.source)}"
            return _run(program, inputs, modes, (where, *around))

        return run

    return primitive.prepare(compile, **params)(*operands)


def _step(params: dict[str, Any], number: int) -> str:
    if not params.get("reverse"):
        return f"step {number}"
    if params["length"] == UNKNOWN:
        return f"the step {number} before the last"
    return f"step {params['length'] - 1 - number}"


def _found(value: Any, modes: Modes) -> str:
    """What is looked for and found: "NaN", "infinity", or nothing."""
    if np.asarray(value).dtype.kind not in "fc" or np.isfinite(value).all():
        return ""
    if modes.nans and np.isnan(value).any():
        return "NaN"
    return "infinity" if modes.infs and np.isinf(value).any() else ""


# Errors


def _error(
    program: Program, equation: Equation, operands: Sequence[Any], what: str,
    around: tuple[str, ...], first: Equation | None,
) -> NonFiniteError:  # fmt: skip
    text, names = equation_text(program, equation)
    lines = [f"{equation.primitive.name} gave {what}", f"      {text}"]
    lines += [
        f"      {name}: {_summary(value)}"
        for name, value, atom in zip(names, operands, equation.inputs, strict=True)
        if isinstance(atom, Var) or np.ndim(value)
    ]
    lines += [f"  {where}" for where in around]
    source = equation.source
    before = [name for name, x in zip(names, operands, strict=True) if _finite_part(x) is not None]
    if before:
        lines.append(f"  {' and '.join(before)} held NaN or infinities already")
        if first is not None:
            lines.append(f"  the first came up as {first.primitive.name}{_place(first.source)}")
    if source is None or not source.derivative_of:
        return NonFiniteError("\n".join(lines), _remedy(before), source)
    lines.append(f" {_place(source)}")
    return NonFiniteError("\n".join(lines), _remedy(before, source.derivative_of[-1]))


def _remedy(before: Sequence[str], differentiated: str = "") -> str:
    if before:
        return "look where the first came up; debug_nans(infs=True) stops there"
    if differentiated:
        return (
            f"keep the operands of {differentiated} away from where its derivative is infinite or "
            "undefined, with np.where(ok, x, 1.0) before it: a np.where behind it comes too late"
        )
    return "look at the operands: where they can be out of range, use np.where(ok, x, 1.0) on them"


def _place(source: Source | None) -> str:
    """The line of an equation, and whether it is part of a derivative."""
    ops = source.derivative_of if source is not None else ()
    order = "derivative" if len(ops) == 1 else "higher derivative"
    return f"{f' in the {order} of {ops[-1]}' if ops else ''}{_at(source)}"


def _at(source: Source | None) -> str:
    if source is None:
        return ""
    place = f" at {source.filename}:{source.line}, in {source.function}"
    return f"{place}\n        {source.text}" if source.text else place


def _count(value: Any, found: str) -> str:
    number = np.count_nonzero(np.isnan(value) if found == "NaN" else np.isinf(value))
    size = np.size(value)
    return f"{number} of {size} element{'' if size == 1 else 's'}"


def _summary(value: Any) -> str:
    """A number, or the range of an array's elements."""
    if not np.ndim(value):
        return str(value)
    finite = _finite_part(value)
    elements = np.ravel(value) if finite is None else finite
    parts = []
    if elements.size and elements.dtype.kind in "iuf":
        parts.append(f"from {elements.min()} to {elements.max()}")
    if finite is not None:
        parts.append(f"{np.size(value) - finite.size} NaN or infinite")
    return ", ".join(parts) or f"{np.size(value)} elements"


def _finite_part(value: Any) -> Any:
    """The finite elements, where there are others; else None."""
    value = np.ravel(value)
    if value.dtype.kind not in "fc":
        return None
    finite = np.isfinite(value)
    return None if finite.all() else value[finite]
