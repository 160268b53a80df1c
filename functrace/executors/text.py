"""How a plan reads.

    plan of loss(v0: f64[3]) -> v4
      workspace: 64 bytes
      v1: f64[3] = ufunc[tanh](v0) into 0
      v2: f64[3] = ufunc[square](v1) into 0; v1 is gone
      ...

A value has the number of its Program's; `into` names the buffer of the workspace that the result
lies in, and `in place` says that the first operand is changed. Plans that a step carries follow it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import ArrayType, programs_among
from .kernels import KERNELS

if TYPE_CHECKING:
    from .plan import Plan, Step


def format_plan(plan: Plan) -> str:
    """The text of a plan."""
    return "\n".join(_lines(plan, f"plan of {plan.name}"))


def _lines(plan: Plan, title: str) -> list[str]:
    layout = plan.layout
    inputs = ", ".join(_typed(plan, value) for value in plan.inputs)
    lines = [f"{title}({inputs}) -> {', '.join(f'v{value}' for value in plan.outputs) or '()'}"]
    if layout.buffers:
        lines.append(f"  workspace: {', '.join(map(str, layout.buffers))} bytes")
    for value, literal in plan.constants:
        lines.append(f"  {_typed(plan, value)} = {_constant(literal.value)}")
    for number, step in enumerate(plan.steps):
        results = ", ".join(_typed(plan, value) for value in step.results)
        call = f"{_called(step)}({', '.join(f'v{value}' for value in step.operands)})"
        line = f"  {results} = {call}" if results else f"  {call}"
        if number in layout.changes:
            line += " in place"
        elif layout.targets[number] is not None:
            line += f" into {_buffers(layout.targets[number])}"
        if step.gone:
            verb = "is" if len(step.gone) == 1 else "are"
            line += f"; {', '.join(f'v{value}' for value in sorted(step.gone))} {verb} gone"
        lines.append(line)
        if KERNELS[step.kernel].carries_plans:
            _, params, plans = step.params
            names = {id(program): name for name, program in programs_among(dict(params))}
            for program, inner in plans:
                lines += [f"    {text}" for text in _lines(inner, names[id(program)])]
    return lines


def _typed(plan: Plan, value: int) -> str:
    return f"v{value}: {ArrayType(plan.shapes[value], plan.dtypes[value])}"


def _buffers(targets: Any) -> str:
    several = targets if type(targets) is tuple else (targets,)
    return ", ".join("fresh memory" if part is None else str(part.buffer) for part in several)


def _called(step: Step) -> str:
    """The kernel with its parameters."""
    if KERNELS[step.kernel].carries_plans:
        primitive, params, _ = step.params
        shown = _named(params)
        return f"{primitive}[{shown}]" if shown else str(primitive)
    shown = [_shown(part) for part in step.params if part != ()]
    return f"{step.kernel}[{', '.join(shown)}]" if shown else step.kernel


def _named(params: tuple[tuple[str, Any], ...]) -> str:
    """The parameters of an op, but for Programs, whose plans follow."""
    carried = {name.partition("[")[0] for name, _ in programs_among(dict(params))}
    return ", ".join(f"{name}={_shown(value)}" for name, value in params if name not in carried)


def _shown(part: Any) -> str:
    if type(part) is tuple:
        if part and all(type(x) is tuple and len(x) == 2 and type(x[0]) is str for x in part):
            return _named(part)
        return f"({', '.join(map(_shown, part))}{',' if len(part) == 1 else ''})"
    if isinstance(part, np.generic):
        part = part.item()
    return getattr(part, "__name__", None) or str(part)


def _constant(value: Any) -> str:
    if value.size == 1:
        return str(value.item())
    same = not any(value.strides)
    return f"{value[(0,) * value.ndim]}, repeated" if same and value.size else "..."
