"""Arrays of pairs: what is computed for all pairs of short vectors has its longest axis last.

The differences of n points and m others are written as `X[:, None, :] - Y[None, :, :]`. Its last
axis, the coordinates, is short, and an elementwise op that broadcasts goes along the last axis in
its inner loop: n * m loops of two or three steps each. When only contractions use the values, to
which the order of axes is a matter of letters, the same op with the longest axis last takes a
fraction of the time.

Values are the same; sums of products are re-associated.
"""

from __future__ import annotations

import numpy as np

from ..ir import UNKNOWN, Atom, Equation, Literal, Program, Shape, Var
from ..ops.contract import EINSUM, canonical, split
from ..ops.shape import RESHAPE, TRANSPOSE

_SHORT = 16  # elements of a last axis for whose loops the pass is made
_LONGER = 4  # times as long must another axis be
_MANY = 2048  # elements, below which no loop matters


def axis_order(program: Program) -> Program:
    """The Program in which ops on pairs have their longest axis last."""
    chosen = _chosen(program)
    if not chosen:
        return program
    turned: dict[Atom, Var] = {}
    equations: list[Equation] = []
    for equation in program.equations:
        if id(equation) in chosen:
            (old,) = equation.outputs
            order = _order(old.type.shape)
            new = Var(old.type.with_shape([old.type.shape[i] for i in order]))
            inputs = tuple([turned.get(a) or _turned(a, order, equations) for a in equation.inputs])
            turned[old] = new
            equation = equation.replace(inputs=inputs, outputs=(new,))
        elif equation.primitive is EINSUM and not turned.keys().isdisjoint(equation.inputs):
            equation = _contracted(equation, turned)
        equations.append(equation)
    return program.replace(equations=equations)


def _order(shape: Shape) -> list[int]:
    """The axes with the longest of them last."""
    longest = max(range(len(shape)), key=lambda i: shape[i])
    return [*(i for i in range(len(shape)) if i != longest), longest]


def _chosen(program: Program) -> set[int]:
    """The equations that are computed in another order of axes, by their ids.

    All that uses their values is a contraction or one of them, and no operand is as large as the
    values unless it is one of theirs: such an operand would have to be read out of order.
    """
    makers: dict[Atom, Equation] = {e.outputs[0]: e for e in program.equations if _fits(e)}
    if not makers:
        return set()
    users: dict[Atom, list[Equation]] = {}
    for equation in program.equations:
        for atom in dict.fromkeys(equation.inputs):
            if atom in makers:
                users.setdefault(atom, []).append(equation)
    refused: set[Atom] = {atom for atom in program.outputs if atom in makers}
    waiting = list(makers.values())
    while waiting:
        equation = waiting.pop()
        (out,) = equation.outputs
        if out not in makers or (out not in refused and _may_turn(equation, makers, users)):
            continue
        del makers[out]
        neighbours = [*equation.inputs, *(v for user in users.get(out, ()) for v in user.outputs)]
        waiting += [makers[atom] for atom in neighbours if atom in makers]
    return {id(equation) for equation in makers.values()}


def _fits(equation: Equation) -> bool:
    if not equation.primitive.elementwise or len(equation.outputs) != 1:
        return False
    type_ = equation.outputs[0].type
    shape = type_.shape
    return (
        len(shape) > 1
        and UNKNOWN not in shape
        and 1 < shape[-1] <= _SHORT
        and max(shape) >= _LONGER * shape[-1]
        and type_.size >= _MANY
    )


def _may_turn(
    equation: Equation, makers: dict[Atom, Equation], users: dict[Atom, list[Equation]]
) -> bool:
    (out,) = equation.outputs
    shape, size = out.type.shape, out.type.size
    contracted = [user for user in users.get(out, ()) if user.outputs[0] not in makers]
    return (
        all(user.primitive is EINSUM for user in contracted)
        and all(user.outputs[0].type.shape == shape for user in users.get(out, ())
                if user.outputs[0] in makers)
        and bool(users.get(out))
        and all(
            (a in makers and a.type.shape == shape) or 2 * a.type.size <= size
            for a in equation.inputs
        )
    )  # fmt: skip


def _turned(atom: Atom, order: list[int], equations: list[Equation]) -> Atom:
    """An operand with its axes in an order of those of the result, to which it broadcasts."""
    shape = atom.type.shape
    if not shape:
        return atom
    full = (*[1] * (len(order) - len(shape)), *shape)
    if isinstance(atom, Literal):
        return Literal(np.transpose(atom.value.reshape(full), order))
    if full != shape:
        wide = Var(atom.type.with_shape(full))
        equations.append(Equation(RESHAPE, (atom,), {"shape": full}, (wide,)))
        atom = wide
    moved = Var(atom.type.with_shape([full[i] for i in order]))
    params = {"permutation": tuple(order)}
    equations.append(Equation(TRANSPOSE, (atom,), params, (moved,)))
    return moved


def _contracted(equation: Equation, turned: dict[Atom, Var]) -> Equation:
    """A contraction of operands whose axes are in another order."""
    terms, output = split(equation.params["spec"])
    letters = [
        "".join([term[i] for i in _order(atom.type.shape)]) if atom in turned else term
        for term, atom in zip(terms, equation.inputs, strict=True)
    ]
    params = {**equation.params, "spec": canonical(f"{','.join(letters)}->{output}")}
    inputs = tuple([turned.get(atom, atom) for atom in equation.inputs])
    return Equation(EINSUM, inputs, params, equation.outputs, equation.position)
