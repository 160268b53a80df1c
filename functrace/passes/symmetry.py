"""Matrices that are symmetric by the way they are made: their transposes are themselves.

Matrices of kernels and covariances are made of differences of all pairs, or of products of an
array with itself, and of functions of these, element by element. Where this can be seen, a system
with the transpose, which reverse mode asks for, is the system that was solved before.

Elements that mirror each other come of the same operations on the same numbers, in sums perhaps in
another order: to take the one for the other is re-association.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..ir import Atom, Equation, Literal, Shape
from ..ops import elementwise as ops
from ..ops.contract import EINSUM, split
from ..ops.shape import BROADCAST_TO, REDUCE_SUM, RESHAPE, TRANSPOSE
from .match import FOLDED, Match

_MOST = 64  # values that are looked at for one transpose
_LARGEST = 64 * FOLDED  # elements; larger constants are not looked at


class _Goal(NamedTuple):
    """That a value is what it is with two axes exchanged, or minus that where signs do not matter.

    Attributes:
        any_sign: whether it may be minus that.
    """

    atom: Atom
    first: int
    second: int
    any_sign: bool = False


def symmetric(match: Match, atom: Atom, first: int, second: int) -> bool:
    """Whether a value is the same with two of its axes exchanged."""
    goals = [_Goal(atom, first, second)]
    seen = set(goals)
    while goals:
        reduced = _reduced(match, goals.pop())
        if reduced is None or len(seen) > _MOST:
            return False
        fresh = [goal for goal in reduced if goal not in seen]
        goals.extend(fresh)
        seen.update(fresh)
    return True


def _reduced(match: Match, goal: _Goal) -> list[_Goal] | None:
    """What a goal follows from; None where nothing is known."""
    atom, first, second, any_sign = goal
    shape = atom.type.shape
    if shape[first] != shape[second]:
        return None
    if shape[first] == 1:
        return []
    if isinstance(atom, Literal):
        turned = np.swapaxes(atom.value, first, second)
        known = atom.type.size <= _LARGEST and turned.tobytes() == atom.value.tobytes()
        return [] if known else None
    maker = match.maker(atom)
    if maker is None:
        return None
    (x, *others), primitive = maker.inputs, maker.primitive
    if primitive is REDUCE_SUM:
        kept = [i for i in range(x.type.ndim) if i not in maker.params["axes"]]
        return [_Goal(x, kept[first], kept[second], any_sign)]
    if primitive is TRANSPOSE:
        permutation = maker.params["permutation"]
        return [_Goal(x, permutation[first], permutation[second], any_sign)]
    if primitive is EINSUM:
        return _of_einsum(match, maker, first, second)
    if primitive.traits.even:  # of unsigned numbers, the absolute value of -x is -x
        return [_Goal(x, first, second, any_sign=x.type.dtype.kind != "u")]
    if not primitive.elementwise and primitive is not BROADCAST_TO:
        return None
    odd = primitive is ops.subtract.primitive and any_sign
    if (primitive.traits.commutative or odd) and _mirrored(match, x, others[0], goal):
        return []
    return _of_elementwise(maker, first, second)


def _of_elementwise(maker: Equation, first: int, second: int) -> list[_Goal] | None:
    """All operands are symmetric, or the same along both axes."""
    goals = []
    for atom in maker.inputs:
        lead = maker.outputs[0].type.ndim - atom.type.ndim
        lengths = [atom.type.shape[i - lead] if i >= lead else 1 for i in (first, second)]
        if lengths[0] != lengths[1]:
            return None
        if lengths[0] != 1:
            goals.append(_Goal(atom, first - lead, second - lead))
    return goals


def _of_einsum(match: Match, maker: Equation, first: int, second: int) -> list[_Goal] | None:
    """With two letters exchanged it is the same, its operands in another order perhaps."""
    terms, output = split(maker.params["spec"])
    exchange = str.maketrans(output[first] + output[second], output[second] + output[first])
    goals: list[_Goal] = []
    left = [_turned(match, term, x) for term, x in zip(terms, maker.inputs, strict=True)]
    while left:
        term, atom = left.pop()
        turned = term.translate(exchange)
        if turned == term:
            continue
        same = next((pair for pair in left if pair[1] is atom and pair[0] in (turned, term)), None)
        places = [term.find(output[i]) for i in (first, second)]
        if same is not None and same[0] == turned:
            left.remove(same)
        elif -1 in places or term.count(output[first]) + term.count(output[second]) > 2:
            return None
        else:
            if same is not None:
                left.remove(same)
            goals.append(_Goal(atom, *places, any_sign=same is not None))
    return goals


def _turned(match: Match, term: str, atom: Atom) -> tuple[str, Atom]:
    """A term of an einsum, and its operand, without a transpose of the operand."""
    maker = match.made_by(TRANSPOSE, atom)
    if maker is None:
        return term, atom
    letters = dict(zip(maker.params["permutation"], term, strict=True))
    return "".join([letters[i] for i in range(len(term))]), maker.inputs[0]


def _mirrored(match: Match, x: Atom, y: Atom, goal: _Goal) -> bool:
    """Whether the one operand of an op is the other with the axes exchanged."""
    ndim = goal.atom.type.ndim
    (x_from, x_shape), (y_from, y_shape) = (_source(match, atom, ndim) for atom in (x, y))
    order = list(range(ndim))
    order[goal.first], order[goal.second] = goal.second, goal.first
    if x_from is y_from and tuple([x_shape[i] for i in order]) == y_shape:
        low, high = sorted((goal.first, goal.second))
        moves_alone = all(n == 1 for n in x_shape[low + 1 : high])  # or axes change places
        return moves_alone and 1 in (x_shape[goal.first], x_shape[goal.second])
    for one, other in ((x, y), (y, x)):
        turned = match.made_by(TRANSPOSE, one)
        if turned is not None and turned.inputs[0] is other:
            return turned.params["permutation"] == tuple(order)
    return False


def _source(match: Match, atom: Atom, ndim: int) -> tuple[Atom, Shape]:
    """The value that an atom is, but for axes of length 1, and the atom's shape."""
    shape = (1,) * (ndim - atom.type.ndim) + atom.type.shape
    moved = match.made_by(RESHAPE, atom)
    while moved is not None and _long(moved.inputs[0]) == _long(atom):
        atom = moved.inputs[0]
        moved = match.made_by(RESHAPE, atom)
    return atom, shape


def _long(atom: Atom) -> list[int]:
    return [n for n in atom.type.shape if n != 1]
