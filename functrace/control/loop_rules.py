"""Derivatives of loops.

In forward mode tangents are carried beside the primals. For reverse mode a loop becomes two: one
that also stacks the residuals of its steps, and a linear `scan` over them, whose transpose runs
from the last step to the first. What does not depend on the step is computed once, before the loop.

The linear `scan` of a `while` has a first slice that says whether there is a step at all. It is
always true, but for the rows of a batch that are finished, and where a stack was filled up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..ir import ACTS, UNKNOWN, Atom, Literal, Program, Var, zero, zeros
from ..lists import merge, select, split
from ..ops.elementwise import add
from ..passes.pipeline import clean
from ..primitive import Linear, NotLinearError
from ..recorder import type_of
from ..transforms.jvp import jvp as jvp_program
from ..transforms.linearize import Linearized, linearize, split_equations
from ..transforms.transpose import transpose as transpose_program
from .branch import choose
from .deferred_sums import Deferred, deferred, step_by_step
from .loop import Loop
from .programs import build, depends, fresh_inputs, inline, or_zero, select_rows, with_zeros
from .pruning import pruned

Values = Sequence[Any]


def jvp(
    primals: Values, tangents: Values, separate: bool, **params: Any
) -> tuple[list[Any], list[Any]]:
    """The outputs of a loop and their tangents."""
    loop = Loop(**params)
    active = [t is not None for t in tangents]
    return (_separate if separate else _together)(loop, primals, tangents, active)


def _given(loop: Loop, tangents: Values, active: Sequence[bool]) -> list[list[Any]]:
    """The tangents of active consts, carries and xs. A carry's may be zero at first."""
    full = [
        zeros(var.type) if t is None and on else t
        for t, on, var in zip(tangents, active, loop.body.inputs, strict=True)
    ]
    return [select(*group) for group in zip(loop.split(full), loop.split(active), strict=True)]


def _outputs(
    loop: Loop, atoms: Sequence[Atom | None], active: Sequence[bool]
) -> tuple[list[Atom], list[Atom]]:
    """Tangents that a body gives: those of the active carries, and those of ys that have one."""
    carries = loop.split(active)[1]
    types = loop.body.output_types
    new = [
        or_zero(atom, type)
        for atom, type, on in zip(atoms[: loop.carry], types, carries, strict=False)
        if on
    ]
    return new, [atom for atom in atoms[loop.carry :] if atom is not None]


def _found(
    loop: Loop, carries: Values, ys: Values, active: Sequence[bool], reached: Sequence[bool]
) -> list[Any]:
    """The tangents of the loop's outputs."""
    return merge(carries, loop.split(active)[1]) + merge(ys, reached[loop.carry :])


# Forward mode


def _together(
    loop: Loop, primals: Values, tangents: Values, active: Sequence[bool]
) -> tuple[list[Any], list[Any]]:
    both, active, reached = loop.settled(active, jvp_program)
    count, n = len(loop.body.outputs), len(loop.body.inputs)
    consts, carry, xs = loop.tangents(both.inputs[n:], active)
    own = loop.split(loop.body.inputs)
    new, more = _outputs(loop, merge(both.outputs[count:], reached), active)
    outputs = [*both.outputs[: loop.carry], *new, *both.outputs[loop.carry : count], *more]
    body = both.replace(inputs=[*own[0], *consts, *own[1], *carry, *own[2], *xs], outputs=outputs)
    joint = loop._replace(
        body=body,
        consts=loop.consts + len(consts),
        carry=loop.carry + len(carry),
        cond=loop.cond_with(consts, carry),
    )
    groups = zip(loop.split(primals), _given(loop, tangents, active), strict=True)
    last, ys = joint.bind(*[[*first, *second] for first, second in groups])
    k = count - loop.carry
    found = _found(loop, last[loop.carry :], ys[k:], active, reached)
    return [*last[: loop.carry], *ys[:k]], found


# Reverse mode


class _Parts(NamedTuple):
    """The residuals of a linearized body, by where a linear `scan` gets them from.

    Attributes:
        hoisted: a Program of consts to what does not depend on the step.
        equations: those that do.
        consts: residuals that do not depend on the step.
        slices: residuals that are slices of xs.
        outputs: residuals that the loop stacks anyhow, with their positions among the ys.
        stacked: those that have to be stacked besides.
    """

    hoisted: Program
    equations: list[Any]
    consts: list[Var]
    slices: list[Var]
    outputs: dict[Var, int]
    stacked: list[Var]


def _sorted(loop: Loop, linear: Linearized) -> _Parts:
    consts, carry, xs = loop.split(linear.primal.inputs)
    sliced = set(xs)
    residuals = linear.linear.inputs[: linear.residuals]
    steady, equations = split_equations(linear.primal.equations, [*carry, *xs], acts=True)
    before = set().union(*(e.outputs for e in steady)) if steady else set()
    used = dict.fromkeys(a for e in equations for a in e.inputs if a in before)
    used.update(dict.fromkeys(a for a in linear.primal.outputs if a in before))
    hoisted = Program(consts, steady, list(used), linear.primal.name)
    ys = linear.primal.outputs[loop.carry : len(loop.body.outputs)]
    known = {a: i for i, a in enumerate(ys) if isinstance(a, Var) and a not in before}
    steady_vars = {*consts, *used}
    rest = [v for v in residuals if v not in steady_vars and v not in sliced]
    return _Parts(
        hoisted,
        equations,
        [v for v in residuals if v in steady_vars],
        [v for v in residuals if v in sliced],
        {v: known[v] for v in rest if v in known},
        [v for v in rest if v not in known],
    )


def _linearized(body: Program, active: Sequence[bool]) -> tuple[Linearized, Sequence[bool]]:
    parts = linearize(body, active)
    return parts, parts.active_outputs


def _separate(
    loop: Loop, primals: Values, tangents: Values, active: Sequence[bool]
) -> tuple[list[Any], list[Any]]:
    linear, active, reached = loop.settled(active, _linearized)
    parts = _sorted(loop, linear)
    operands = loop.split(primals)
    hoisted = inline(parts.hoisted, operands[0])
    last, ys = _with_residuals(loop, linear, parts).bind(
        [*operands[0], *hoisted], operands[1], operands[2]
    )
    k = len(loop.body.outputs) - loop.carry
    own, stacks = ys[:k], ys[k:]
    steady = dict(zip(
        [*linear.primal.inputs[: loop.consts], *parts.hoisted.outputs],
        [*operands[0], *hoisted], strict=True,
    ))  # fmt: skip
    slices = dict(zip(linear.primal.inputs[loop.consts + loop.carry :], operands[2], strict=True))
    given = _given(loop, tangents, active)
    pushed = _pushed(loop, linear, parts, active, reached)
    moved, more = pushed.bind(
        [*[steady[v] for v in parts.consts], *given[0]],
        given[1],
        [*stacks, *[own[i] for i in parts.outputs.values()], *[slices[v] for v in parts.slices],
         *given[2]],
    )  # fmt: skip
    return [*last, *own], _found(loop, moved, more, active, reached)


def _with_residuals(loop: Loop, linear: Linearized, parts: _Parts) -> Loop:
    """The loop that also stacks residuals."""
    consts, carry, xs = loop.split(linear.primal.inputs)
    extra = [var for var in parts.hoisted.outputs if isinstance(var, Var)]
    flag = [] if loop.cond is None else [Literal(np.True_)]
    outputs = [*linear.primal.outputs[: len(loop.body.outputs)], *flag, *parts.stacked]
    body = Program([*consts, *extra, *carry, *xs], parts.equations, outputs, linear.primal.name)
    return loop._replace(
        body=body, consts=loop.consts + len(extra), cond=loop.cond_with(extra, [])
    )  # fmt: skip


def _pushed(
    loop: Loop, linear: Linearized, parts: _Parts, active: Sequence[bool], reached: Sequence[bool]
) -> Loop:
    """The linear `scan` over the residuals."""
    consts, carry, xs = loop.tangents(linear.linear.inputs[linear.residuals :], active)
    new, more = _outputs(loop, merge(linear.linear.outputs, reached), active)
    first = [*parts.consts, *consts]
    slices = [*parts.stacked, *parts.outputs, *parts.slices, *xs]
    step = linear.linear.replace(inputs=[*first, *carry, *slices], outputs=[*new, *more])
    if loop.cond is not None:
        step = _optional(step, len(first), len(carry))
    return Loop(step, len(first), len(carry), loop.length, loop.reverse)


def _optional(step: Program, consts: int, carry: int) -> Program:
    """A step that is made where the first slice is true, and else leaves the carry as it is."""
    types = step.input_types
    before = consts + carry
    inputs = fresh_inputs(types)
    ys = [zero(type) for type in step.output_types[carry:]]
    skip = Program(inputs, [], [*inputs[consts:before], *ys], "skip")

    def run(values: list[Any]) -> Sequence[Any]:
        flag, operands = values[before], [*values[:before], *values[before + 1 :]]
        if step.effects - {ACTS}:
            return _met(step, flag, operands, operands[consts:before])
        return choose(flag, operands, (skip, step))

    flag = Literal(np.True_).type
    return build(run, [*types[:before], flag, *types[before:]], step.name)


def _met(step: Program, flag: Any, operands: Values, carry: Values) -> Values:
    """An optional step in which rows meet: what a row that has ended adds to their sum counts.

    So it is made for all rows, and those that have ended keep their carry.
    """
    new = inline(step, operands)
    kept = [select_rows(flag, x, y, y.shape) for x, y in zip(new, carry, strict=False)]
    return [*kept, *new[len(carry) :]]


def transpose(cotangents: Values, operands: Values, **params: Any) -> list[Any]:
    """Cotangents of the linear operands of a loop."""
    loop, places, kept = pruned(Loop(**params), [ct is not None for ct in cotangents])
    found = _transposed(loop, select(cotangents, kept), [operands[i] for i in places])
    result: list[Any] = [None] * len(operands)
    for i, ct in zip(places, found, strict=True):
        result[i] = ct
    return result


def _transposed(loop: Loop, cotangents: Values, operands: Values) -> list[Any]:
    given = [isinstance(x, Linear) for x in operands]
    # A carry that starts as zero is linear, too, where a step makes it depend on what is.
    _, linear, _ = loop.settled(given, lambda body, on: (None, depends(body, on)))
    if loop.cond is not None or not all(loop.split(linear)[1]):
        return _of_linear_part(loop, cotangents, operands, given)
    pulled = clean(transpose_program(loop.body, linear))
    consts, _, xs = ([x for x in group if not isinstance(x, Linear)]
                     for group in loop.split(operands))  # fmt: skip
    sums, carries = (select(t, on) for t, on in zip(
        loop.split(loop.body.input_types)[:2], loop.split(linear)[:2], strict=True
    ))  # fmt: skip
    reverse, later = _reversed(loop, pulled, len(consts), len(sums), len(xs))
    kept = [bool(terms) for terms in later.terms]
    k, n = loop.carry, sum(kept)
    start = with_zeros([*[None] * n, *cotangents[:k]], [*select(sums, kept), *carries])
    last, ys = reverse.bind(consts, start, [*xs, *cotangents[k:]])
    count = len(ys) - len(later.stacked)
    inputs = dict(zip(pulled.inputs, [*consts, *xs, *[None] * k, *cotangents[k:]], strict=True))
    sliced = set(pulled.inputs[len(consts) :])
    totals = later.after(
        merge(last[:n], kept), lambda var: (inputs[var], var in sliced), ys[count:]
    )
    found = merge([*totals, *last[n:], *ys[:count]], linear)
    return [ct if on else None for ct, on in zip(found, given, strict=True)]


def _reversed(
    loop: Loop, pulled: Program, consts: int, sums: int, xs: int
) -> tuple[Loop, Deferred]:
    """The loop that runs backwards, and what is to be done after it.

    Args:
        pulled: the transposed body, from known consts, known slices of xs and the cotangents of
            carries and ys to those of consts, carries and slices of xs.
        consts, sums, xs: how many known consts, cotangents of consts, and known xs there are.
    """
    k = loop.carry
    fixed, slices, state, cotangents = split(pulled.inputs, consts, xs, k)
    if loop.length == UNKNOWN:  # stacks may be filled up with what is not to be summed
        later = step_by_step(pulled, sums)
    else:
        later = deferred(pulled, sums, set(fixed), {*slices, *cotangents})
    kept = [terms for terms in later.terms if terms]
    flat = [term for terms in kept for term in terms]
    outputs = [*flat, *pulled.outputs[sums:], *later.stacked]
    step = pulled.replace(outputs=outputs)

    def run(inputs: list[Any]) -> list[Any]:
        a, totals, b, c, d = split(inputs, consts, len(kept), k, xs)
        found = iter(inline(step, [*a, *c, *b, *d]))
        new = []
        for total, terms in zip(totals, kept, strict=True):
            for _ in terms:
                total = add(total, next(found))
            new.append(total)
        return [*new, *found]

    types = [[var.type for var in group] for group in (fixed, state, slices, cotangents)]
    totals = [terms[0].type for terms in kept]
    body = build(run, [*types[0], *totals, *types[1], *types[2], *types[3]], pulled.name)
    return Loop(body, consts, len(kept) + k, loop.length, not loop.reverse), later


def _of_linear_part(
    loop: Loop, cotangents: Values, operands: Values, linear: Sequence[bool]
) -> list[Any]:
    """Transpose a loop that also computes what is not linear, such as a counter.

    A linear function is its own derivative, at zero as anywhere.
    """
    loop = loop._replace(body=loop.body.silent(), cond=loop.cond and loop.cond.silent())
    _demand_linear(loop, linear)
    live = [ct is not None for ct in cotangents]

    def derivative(inputs: list[Any]) -> list[Any]:
        primals = [zeros(x.type) if on else x for x, on in zip(inputs, linear, strict=True)]
        tangents = [x if on else None for x, on in zip(inputs, linear, strict=True)]
        found = _separate(loop, primals, tangents, linear)[1]
        return select(with_zeros(found, loop.output_types), live)

    types = [x.type if isinstance(x, Linear) else type_of(x).strong for x in operands]
    pulled = transpose_program(build(derivative, types, loop.body.name), linear)
    known = [x for x in operands if not isinstance(x, Linear)]
    return merge(inline(pulled, [*known, *select(cotangents, live)]), linear)


def _demand_linear(loop: Loop, linear: Sequence[bool]) -> None:
    """Check that a loop is linear in some operands: that no residual depends on them."""
    parts = loop.settled(linear, _linearized)[0]
    whole = loop._replace(body=parts.primal)
    _, flags, reached = whole.settled(linear, lambda body, on: (None, depends(body, on)))
    bad = reached[len(loop.body.outputs) :]
    if loop.cond is not None:
        bad += depends(loop.cond, flags)
    if any(bad):
        raise NotLinearError(loop.body)
