"""What equations cost to run: an estimate, from shapes alone.

The unit is the time of moving one element through memory, a quarter of a nanosecond or so. A
product of matrices does several multiplications in that time, and a call of NumPy takes as long as
hundreds of elements.
"""

from __future__ import annotations

import math
from functools import lru_cache

from ..ir import UNKNOWN, Equation, Program, Shape
from ..ops.contract import EINSUM, split
from ..ops.index import SLICE
from ..ops.shape import BROADCAST_TO, RESHAPE, TRANSPOSE
from .contraction_order import pairings, summed_first
from .guarded import usual

CALL = 500.0  # of any NumPy function
_PRODUCTS = 4.0  # multiplications of matrix elements in the time of moving one element


def program_cost(program: Program) -> float:
    """The estimated cost of a run."""
    return sum(map(cost, program.equations))


def cost(equation: Equation) -> float:
    """The estimated cost of an equation as it stands, those of Programs it carries included."""
    if equation.primitive is EINSUM:
        return einsum_cost(
            equation.params["spec"], tuple([atom.type.shape for atom in equation.inputs])
        )
    if equation.primitive in (TRANSPOSE, BROADCAST_TO, RESHAPE):
        return CALL
    inner = sum(program_cost(program) for program in usual(equation))
    steps = equation.params.get("length", 1)
    moved = float(sum(_size(a.type.shape) for a in (*equation.inputs, *equation.outputs)))
    if equation.primitive.traits.dense and equation.inputs[0].type.shape:
        moved *= 1 + equation.inputs[0].type.shape[-1] / _PRODUCTS
    return CALL + moved + inner * (steps if steps > 0 else 1)


def _size(shape: Shape) -> int:
    return math.prod([1 if n == UNKNOWN else n for n in shape])


@lru_cache(maxsize=4096)
def einsum_cost(spec: str, shapes: tuple[Shape, ...], exchanged: bool = False) -> float:
    """The estimated cost of an einsum, that of more than two operands in opt_einsum's order.

    Args:
        exchanged: whether one of two operands is summed first over the indices that it alone has,
            as one of more operands is.
    """
    steps, sizes = _products(spec, shapes, exchanged)
    total = 0.0
    for inputs, output in steps:
        lone = _lone(inputs, output)
        if lone:  # which the product has, and is summed over then
            total += CALL + _size(tuple([sizes[c] for c in output + lone]))
            output += lone
        moved = sum(_size(tuple([sizes[c] for c in term])) for term in (*inputs, output))
        loop = _size(tuple([sizes[c] for c in set("".join(inputs))]))
        summed = not set("".join(inputs)) <= set(output)
        total += CALL + moved + (loop / _PRODUCTS if summed and len(inputs) == 2 else 0)
    return total


def _lone(inputs: list[str], output: str) -> str:
    """The indices summed over that one of two operands alone has."""
    if len(inputs) != 2:
        return ""
    return "".join([c for c in dict.fromkeys("".join(inputs))
                    if c not in output and not (c in inputs[0] and c in inputs[1])])  # fmt: skip


def flops(equation: Equation) -> int:
    """The arithmetic operations of an equation; a product of matrices counts two for each term."""
    if equation.primitive is EINSUM:
        return _einsum_flops(
            equation.params["spec"], tuple([atom.type.shape for atom in equation.inputs])
        )
    if equation.primitive in (TRANSPOSE, BROADCAST_TO, RESHAPE, SLICE):
        return 0
    inner = sum(flops(e) for program in usual(equation) for e in program.equations)
    if inner:
        return inner * max(equation.params.get("length", 1), 1)
    sizes = [_size(atom.type.shape) for atom in (*equation.inputs, *equation.outputs)]
    dense = equation.primitive.traits.dense and equation.inputs[0].type.shape
    return max(sizes) * (equation.inputs[0].type.shape[-1] if dense else 1)


def bytes_moved(equation: Equation) -> int:
    """The bytes that an equation reads and writes; views move none."""
    if equation.primitive in (TRANSPOSE, BROADCAST_TO, RESHAPE, SLICE):
        return 0
    return sum(
        _size(atom.type.shape) * atom.type.dtype.itemsize
        for atom in (*equation.inputs, *equation.outputs)
    )


def _einsum_flops(spec: str, shapes: tuple[Shape, ...]) -> int:
    steps, sizes = _products(spec, shapes)
    total = 0
    for inputs, output in steps:
        letters = set("".join(inputs))
        products = len(inputs) - 1 + (not letters <= set(output))
        total += _size(tuple([sizes[c] for c in letters])) * products
    return total


def _products(
    spec: str, shapes: tuple[Shape, ...], exchanged: bool = False
) -> tuple[list[tuple[list[str], str]], dict[str, int]]:
    """The terms and the output of each step of an einsum, and the length of each index."""
    terms, _ = split(spec)
    sizes = {c: n for t, s in zip(terms, shapes, strict=True) for c, n in zip(t, s, strict=True)}
    if len(shapes) < 3 and not exchanged:
        return [split(spec)], sizes
    spec, alone = summed_first(spec)
    steps = [split(one) for one in alone if one is not None]
    terms, _ = split(spec)
    if len(terms) < 3:
        return [*steps, split(spec)], sizes
    left = tuple([tuple([sizes[c] for c in term]) for term in terms])
    return [*steps, *[split(step) for _, step in pairings(spec, left)]], sizes
