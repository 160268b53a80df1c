"""Rules for shapes, contractions and sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops.contract import EINSUM, canonical, split
from ...ops.shape import (
    BROADCAST_TO,
    REDUCE_SUM,
    RESHAPE,
    TRANSPOSE,
    broadcast_to,
    reduce_sum,
    remaining,
    reshape,
    transpose,
)
from ...recorder import bind
from ..match import NUMBER, Match, rule, scalar
from ..symmetry import symmetric
from .arithmetic import NEGATIVE

# Shapes


@rule(TRANSPOSE, some=(TRANSPOSE,))
def transpose_of_transpose(match: Match) -> Any:
    """One permutation for two."""
    (operand,) = match.equation.inputs
    inner = match.made_by(TRANSPOSE, operand)
    if inner is None:
        return None
    first, second = inner.params["permutation"], match.equation.params["permutation"]
    return transpose(match.value(inner.inputs[0]), tuple([first[i] for i in second]))


@rule(TRANSPOSE)
def transpose_of_symmetric(match: Match) -> Any:
    """The transpose of what is symmetric by the way it is made is itself."""
    (operand,) = match.equation.inputs
    permutation = match.equation.params["permutation"]
    moved = [i for i, axis in enumerate(permutation) if i != axis]
    if len(moved) != 2 or not symmetric(match, operand, *moved):
        return None
    return match.value(operand)


@rule(RESHAPE, some=(RESHAPE,))
def reshape_of_reshape(match: Match) -> Any:
    """One reshape for two, none for the shape that is there."""
    x = match.under(RESHAPE, match.equation.inputs[0])
    return None if x is None else reshape(x, match.equation.params["shape"])


@rule(BROADCAST_TO, some=(BROADCAST_TO, RESHAPE))
def broadcast_of_broadcast(match: Match) -> Any:
    """One broadcast for two; new axes of length 1 in front need no reshape."""
    (operand,) = match.equation.inputs
    shape = match.equation.params["shape"]
    x = match.under(BROADCAST_TO, operand)
    if x is None:
        x = match.under(RESHAPE, operand)
        if x is None or (1,) * (operand.type.ndim - x.ndim) + x.shape != operand.type.shape:
            return None
    return broadcast_to(x, shape)


# Contractions


@rule(EINSUM, some=(NUMBER,))
def einsum_with_number(match: Match) -> Any:
    """A number among the operands multiplies the one beside it, which is part of every term."""
    operands = [match.value(atom) for atom in match.equation.inputs]
    numbers = [scalar(atom) for atom in match.equation.inputs]
    terms, output = split(match.equation.params["spec"])
    place = next((i for i, number in enumerate(numbers) if number is not None), None)
    if place is None or len(operands) < 2 or match.equation.outputs[0].type.dtype.kind != "f":
        return None
    other = max(place - 1, 0)
    product = operands.pop(place)
    product = operands[other] * product if place else product * operands[0]
    terms.pop(place)
    operands[other] = product
    moved = _moved(terms, output, operands)
    params = {**match.equation.params, "spec": canonical(f"{','.join(terms)}->{output}")}
    return bind(EINSUM, *operands, **params) if moved is None else moved


@rule(EINSUM)
def einsum_that_moves(match: Match) -> Any:
    """An einsum of one operand that sums nothing is a transpose."""
    if len(match.equation.inputs) > 1:
        return None
    terms, output = split(match.equation.params["spec"])
    return _moved(terms, output, [match.value(atom) for atom in match.equation.inputs])


def _moved(terms: Sequence[str], output: str, operands: Sequence[Any]) -> Any:
    """The einsum of one operand whose axes it exchanges; None for others."""
    (term, *others) = terms
    if others or sorted(term) != sorted(output) or len(set(term)) != len(term):
        return None
    return transpose(operands[0], tuple([term.index(c) for c in output]))


# Sums


@rule(REDUCE_SUM, some=(REDUCE_SUM,))
def sum_of_sum(match: Match) -> Any:
    """One sum for two."""
    inner = match.made_by(REDUCE_SUM, match.equation.inputs[0])
    if inner is None:
        return None
    first = inner.params["axes"]
    left = [i for i in range(inner.inputs[0].type.ndim) if i not in first]
    axes = (*first, *[left[i] for i in match.equation.params["axes"]])
    return reduce_sum(match.value(inner.inputs[0]), tuple(sorted(axes)))


@rule(REDUCE_SUM, some=(BROADCAST_TO,))
def sum_of_broadcast(match: Match) -> Any:
    """The sum of n equal elements is n times one."""
    (operand,) = match.equation.inputs
    inner = match.made_by(BROADCAST_TO, operand)
    if inner is None or operand.type.dtype.kind != "f" or not operand.type.size:
        return None  # complex infinities times a number become NaN
    x, shape = match.value(inner.inputs[0]), operand.type.shape
    axes = match.equation.params["axes"]
    x = reshape(x, (1,) * (len(shape) - x.ndim) + x.shape)
    repeated = [i for i in axes if x.shape[i] != shape[i]]
    if not repeated:
        return None
    count = math.prod([shape[i] for i in repeated])
    if count > np.finfo(x.dtype).max:
        return None
    total = reduce_sum(x, tuple([i for i in axes if x.shape[i] != 1]))
    total = reshape(total, remaining(x.shape, axes))
    return broadcast_to(total, remaining(shape, axes)) * x.dtype.type(count)


@rule(REDUCE_SUM, some=(NEGATIVE,))
def sum_of_negative(match: Match) -> Any:
    """The sum of -x is minus the sum.

    Other numbers stay in the sum: one that scales its terms may be what keeps them in range.
    """
    negated = match.under(NEGATIVE, match.equation.inputs[0])
    return None if negated is None else -reduce_sum(negated, match.equation.params["axes"])


# Everywhere


def elementwise_of_reshape(match: Match) -> Any:
    """An op element by element waits for no reshape, which then meets others.

    Results without axes stay so, as they are computed several times as fast.
    """
    equation = match.equation
    if not equation.primitive.elementwise or not equation.outputs[0].type.shape:
        return None
    operands, shapes = [], set()
    for atom in equation.inputs:
        if not atom.type.shape:
            operands.append(match.value(atom))
            continue
        maker = match.made_by(RESHAPE, atom)
        if maker is None or not match.alone(maker):
            return None
        operands.append(match.value(maker.inputs[0]))
        shapes.add((maker.inputs[0].type.shape, atom.type.shape))
    if len(shapes) != 1:
        return None
    result = bind(equation.primitive, *operands, **equation.params)
    return reshape(result, equation.outputs[0].type.shape)
