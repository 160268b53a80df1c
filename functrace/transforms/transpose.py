"""Reverse mode's second half: the transpose of a linear Program.

Equations are visited backwards. Each hands the cotangent of its output on to the operands in
which it is linear; where several equations use a value, its cotangents add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import MissingRuleError
from ..ir import Atom, Equation, Program, Shape, Var, zeros
from ..lists import select
from ..ops.elementwise import add, unmasked
from ..ops.shape import unbroadcast
from ..primitive import Linear, Masked, NotLinearError
from ..recorder import Recorder, bind, rewriting
from ..source import derived
from ..tracer import Tracer
from .chain_rule import check_type
from .linearize import Linearized, linearize, split_equations
from .recalled import recall


def transpose(
    program: Program, linear: Sequence[bool], seeds: Sequence[Any] | None = None
) -> Program:
    """The transpose of a Program that is linear in some of its inputs.

    Args:
        linear: for each input whether it is one of those.
        seeds: constant cotangents of the outputs, in place of inputs for them.

    Returns:
        A Program from the other inputs and the outputs' cotangents to the linear inputs'
        cotangents.

    Raises:
        MissingRuleError: when an op is not linear in an operand that depends on a linear input.
    """
    arguments = select(program.inputs, linear)
    known, dependent = split_equations(program.equations, arguments)
    unknown = set(arguments).union(*(equation.outputs for equation in dependent))
    with rewriting(program) as recorder:
        recorder.inputs[:] = [v for v in program.inputs if v not in unknown]
        recorder.equations.extend(known)
        cotangents: dict[Var, Any] = {}
        for i, atom in enumerate(program.outputs):
            ct = recorder.input(atom.type, f"ct{i}") if seeds is None else seeds[i]
            if isinstance(atom, Var) and atom in unknown:
                _accumulate(cotangents, atom, ct)
        for equation in reversed(dependent):
            if not cotangents.keys().isdisjoint(equation.outputs):
                _pull(recorder, equation, unknown, cotangents)
        outputs = [
            recorder.atom(unmasked(cotangents[var]) if var in cotangents else zeros(var.type))
            for var in arguments
        ]
        return Program(recorder.inputs, recorder.equations, outputs, f"transpose_{program.name}")


def _accumulate(cotangents: dict[Var, Any], var: Var, ct: Any) -> None:
    cotangents[var] = _added(cotangents[var], ct) if var in cotangents else ct


def _added(left: Any, right: Any) -> Any:
    """The sum of two cotangents. Conditions that both are under are left to be applied later."""
    if type(left) is type(right) is Tracer and left.type is right.type:
        return bind(add.primitive, left, right)
    if not (isinstance(left, Masked) and isinstance(right, Masked)):
        return unmasked(left) + unmasked(right)
    known = {_key(condition) for condition in right.conditions}
    shared = tuple([condition for condition in left.conditions if _key(condition) in known])
    value = _without(left, shared) + _without(right, shared)
    return Masked(value, shared) if shared else value


def _without(ct: Masked, shared: Sequence[tuple[Any, bool]]) -> Any:
    """The cotangent with those conditions applied that are not shared."""
    known = {_key(condition) for condition in shared}
    own = tuple([condition for condition in ct.conditions if _key(condition) not in known])
    return unmasked(Masked(ct.value, own))


def _key(condition: tuple[Any, bool]) -> tuple[Any, bool]:
    value, taken = condition
    return (value.symbol if type(value) is Tracer else id(value)), taken


def _pull(
    recorder: Recorder, equation: Equation, unknown: set[Var], cotangents: dict[Var, Any]
) -> None:
    """Hand the cotangents of an equation's outputs on to its linear operands."""
    recorder.position = derived(equation.position, equation.primitive.name, again=False)
    operands = [
        Linear(atom.type) if isinstance(atom, Var) and atom in unknown else atom
        for atom in equation.inputs
    ]
    found = [cotangents.pop(var, None) for var in equation.outputs]
    if isinstance(found[0], Masked) and _passes(equation, found[0]):
        given = _masked_pull(recorder, equation, operands, found[0])
    else:
        given = _apply_rule(recorder, equation, operands, [unmasked(ct) for ct in found])
    for atom, operand, ct in zip(equation.inputs, operands, given, strict=True):
        if ct is not None and isinstance(operand, Linear) and isinstance(atom, Var):
            _accumulate(cotangents, atom, ct)


def _apply_rule(
    recorder: Recorder,
    equation: Equation,
    operands: Sequence[Atom | Linear],
    found: Sequence[Any],
) -> Sequence[Any]:
    """The cotangents of the operands for those of the outputs."""
    run = lambda: _run(recorder, equation, operands, found)
    return recall(recorder, "transpose", equation, operands, found, run)


def _run(
    recorder: Recorder,
    equation: Equation,
    operands: Sequence[Atom | Linear],
    found: Sequence[Any],
) -> Sequence[Any]:
    """The cotangents, by calling the rule."""
    rule = equation.primitive.rule("transpose", "reverse mode")
    values = [x if isinstance(x, Linear) else recorder.value_of_atom(x) for x in operands]
    try:
        ct = tuple(found) if equation.primitive.multiple else found[0]
        given = rule(ct, values, **equation.params)
    except NotLinearError:
        raise MissingRuleError(
            f"{equation.primitive.name} is not linear here: it has no transpose with respect to "
            "the operands that depend on the argument",
            "linear_transpose takes linear functions only; for others use vjp",
            equation.source,
        ) from None
    for operand, part in zip(operands, given, strict=True):
        if part is not None and isinstance(operand, Linear):
            value = part.value if isinstance(part, Masked) else part
            check_type(equation, "transpose", "cotangent", value, "operand", operand.type)
    return given


def _passes(equation: Equation, ct: Masked) -> bool:
    """Whether conditions on the output's cotangent hold for those of the operands as well.

    They do not where examples of a batch meet, each of which has a condition of its own.
    """
    if equation.primitive.elementwise:
        return True
    alone = equation.primitive.pure and not equation.primitive.multiple
    return alone and not any(condition.shape for condition, _ in ct.conditions)


def _masked_pull(
    recorder: Recorder, equation: Equation, operands: Sequence[Atom | Linear], ct: Masked
) -> list[Any]:
    """Hand on the unmasked value; elementwise, apply the conditions before summing anything."""
    if not equation.primitive.elementwise:
        given = _apply_rule(recorder, equation, operands, [ct.value])
        return [None if part is None else _under(part, ct.conditions) for part in given]
    shape = equation.outputs[0].type.shape
    wide = [Linear(x.type.with_shape(shape)) if isinstance(x, Linear) else x for x in operands]
    given = _apply_rule(recorder, equation, wide, [ct.value])
    return [
        None if part is None else _narrowed(part, ct.conditions, x.type.shape)
        for x, part in zip(operands, given, strict=True)
    ]


def _under(part: Any, conditions: tuple[Any, ...]) -> Masked:
    """A cotangent under further conditions."""
    if isinstance(part, Masked):
        return Masked(part.value, part.conditions + conditions)
    return Masked(part, conditions)


def _narrowed(part: Any, conditions: tuple[Any, ...], shape: Shape) -> Masked:
    """A cotangent under further conditions, summed to the shape of its operand.

    A condition that is the same along the axes summed over holds for the sum as well.
    """
    ct = _under(part, conditions)
    value = ct.value if ct.value.shape == shape else unbroadcast(unmasked(ct), shape)
    return Masked(value, tuple([c for c in ct.conditions if _fits(c[0].shape, shape)]))


def _fits(condition: Shape, shape: Shape) -> bool:
    return len(condition) <= len(shape) and all(
        m in (1, n) for m, n in zip(condition[::-1], shape[::-1], strict=False)
    )


def pullback(linearized: Linearized, seeds: Sequence[Any] | None = None) -> Program:
    """From the residuals and the cotangents of active outputs to those of active inputs.

    Args:
        seeds: constant cotangents of the active outputs, in place of inputs for them.
    """
    linear = linearized.linear
    count = linearized.residuals
    mask = [False] * count + [True] * (len(linear.inputs) - count)
    return transpose(linear, mask, seeds)


def value_and_gradient(program: Program, active: Sequence[bool], seed: Any) -> Program:
    """One Program from the inputs to the outputs and the gradient of the first output.

    Args:
        active: the inputs with respect to which to differentiate; their gradients come last.
        seed: the cotangent of the first output; the other outputs are auxiliary.
    """
    first = program.replace(outputs=program.outputs[:1])
    parts = linearize(first, active)
    reverse = pullback(parts, [seed] if parts.active_outputs[0] else [])
    # The reverse Program's inputs are the residuals' own Vars, so its equations can simply follow.
    return Program(
        program.inputs,
        [*parts.primal.equations, *reverse.equations],
        [*program.outputs, *reverse.outputs],
        f"grad_{program.name}",
    )
