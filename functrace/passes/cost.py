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
from .contraction import pairings

CALL = 500.0  # of any NumPy function
_PRODUCTS = 4.0  # multiplications of matrix elements in the time of moving one element
_DENSE = {  # what takes a number of operations for each element that is like the last axis's length
    "cholesky", "solve", "inv", "qr", "eigh", "svd", "slogdet", "triangular_solve",
}  # fmt: skip


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
    inner = sum(program_cost(program) for _, program in equation.programs)
    steps = equation.params.get("length", 1)
    moved = float(sum(_size(a.type.shape) for a in (*equation.inputs, *equation.outputs)))
    if equation.primitive.name in _DENSE and equation.inputs[0].type.shape:
        moved *= 1 + equation.inputs[0].type.shape[-1] / _PRODUCTS
    return CALL + moved + inner * (steps if steps > 0 else 1)


def _size(shape: Shape) -> int:
    return math.prod([1 if n == UNKNOWN else n for n in shape])


@lru_cache(maxsize=4096)
def einsum_cost(spec: str, shapes: tuple[Shape, ...]) -> float:
    """The estimated cost of an einsum in the order that opt_einsum chooses."""
    steps, sizes = _products(spec, shapes)
    total = 0.0
    for inputs, output in steps:
        moved = sum(_size(tuple([sizes[c] for c in term])) for term in (*inputs, output))
        loop = _size(tuple([sizes[c] for c in set("".join(inputs))]))
        summed = not set("".join(inputs)) <= set(output)
        total += CALL + moved + (loop / _PRODUCTS if summed and len(inputs) == 2 else 0)
    return total


def flops(equation: Equation) -> int:
    """The arithmetic operations of an equation; a product of matrices counts two for each term."""
    if equation.primitive is EINSUM:
        return _einsum_flops(
            equation.params["spec"], tuple([atom.type.shape for atom in equation.inputs])
        )
    if equation.primitive in (TRANSPOSE, BROADCAST_TO, RESHAPE, SLICE):
        return 0
    inner = sum(flops(e) for _, program in equation.programs for e in program.equations)
    if inner:
        return inner * max(equation.params.get("length", 1), 1)
    sizes = [_size(atom.type.shape) for atom in (*equation.inputs, *equation.outputs)]
    dense = equation.primitive.name in _DENSE and equation.inputs[0].type.shape
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
    spec: str, shapes: tuple[Shape, ...]
) -> tuple[list[tuple[list[str], str]], dict[str, int]]:
    """The terms and the output of each product of an einsum, and the length of each index."""
    steps = [step for _, step in pairings(spec, shapes)] if len(shapes) > 2 else [spec]
    terms, _ = split(spec)
    sizes = {c: n for t, s in zip(terms, shapes, strict=True) for c, n in zip(t, s, strict=True)}
    return [split(step) for step in steps], sizes
