"""Lowering an einsum of one or two operands to BLAS products, multiplications and views.

The indices of a product fall into four groups: batch (in both operands and the output), summed
(in both operands only), and those free in the left or the right operand. With the operands
transposed to (batch, free, summed) and (batch, summed, free), and each group one axis, the
product is that of matrices.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..ir import ArrayType
from ..ops.contract import split

if TYPE_CHECKING:
    from .lowering import Lowering


def lower_einsum(lowering: Lowering, spec: str, operands: list[int], result: ArrayType) -> int:
    """Emit the steps of an einsum; the number of its value."""
    terms, output = split(spec)
    product = _Product(lowering, result.dtype)
    values = [product.named(number, term) for number, term in zip(operands, terms, strict=True)]
    for i, value in enumerate(values):
        others = "".join(v.letters for j, v in enumerate(values) if j != i)
        values[i] = product.alone(value, output + others)
    if len(values) == 2:
        return product.of(values[0], values[1], output)
    return product.ordered(values[0], output).number


class _Value:
    """A numbered value whose axes are named by letters."""

    __slots__ = ("letters", "number")

    def __init__(self, number: int, letters: str):
        self.number = number
        self.letters = letters


class _Product:
    def __init__(self, lowering: Lowering, dtype: np.dtype):
        self.lowering = lowering
        self.dtype = dtype
        self.sizes: dict[str, int] = {}

    def named(self, number: int, letters: str) -> _Value:
        self.sizes.update(zip(letters, self.lowering.shapes[number], strict=True))
        return _Value(number, letters)

    def shape(self, letters: str) -> tuple[int, ...]:
        return tuple([self.sizes[c] for c in letters])

    def alone(self, value: _Value, needed: str) -> _Value:
        """Take diagonals, and sum over the letters that nothing else needs."""
        letters, number = value.letters, value.number
        while len(set(letters)) < len(letters):
            repeated = next(c for c in letters if letters.count(c) > 1)
            first = letters.index(repeated)
            second = letters.index(repeated, first + 1)
            letters = (
                letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + repeated
            )
            number = self.lowering.emit("diagonal", [number], self.shape(letters), first, second)
        summed = [i for i, c in enumerate(letters) if c not in needed]
        if summed:
            letters = "".join(c for c in letters if c in needed)
            number = self.lowering.emit(
                "reduce", [number], self.shape(letters), np.add, tuple(summed), self.dtype
            )
        return _Value(number, letters)

    def ordered(self, value: _Value, letters: str) -> _Value:
        """Transpose to an order of letters."""
        if value.letters == letters:
            return value
        permutation = tuple([value.letters.index(c) for c in letters])
        number = self.lowering.emit("transpose", [value.number], self.shape(letters), permutation)
        return _Value(number, letters)

    def reshaped(self, number: int, shape: tuple[int, ...]) -> int:
        if self.lowering.shapes[number] == shape:
            return number
        return self.lowering.emit("reshape", [number], shape, shape)

    def of(self, left: _Value, right: _Value, output: str) -> int:
        shared = [c for c in left.letters if c in right.letters]
        summed = "".join(c for c in shared if c not in output)
        if not summed:
            return self.multiplied(left, right, output)
        batch = "".join(c for c in output if c in shared)
        free = "".join(c for c in output if c not in batch)
        if free and free[0] in right.letters:
            left, right = right, left
        rows = "".join(c for c in free if c in left.letters)
        columns = "".join(c for c in free if c in right.letters)
        larger = max(left, right, key=lambda v: math.prod(self.shape(v.letters)))
        summed = "".join(c for c in larger.letters if c in summed)
        number = self.matrix_product(
            self.ordered(left, batch + rows + summed).number,
            self.ordered(right, batch + summed + columns).number,
            *(self.shape(group) for group in (batch, rows, columns, summed)),
        )
        number = self.reshaped(number, self.shape(batch + rows + columns))
        return self.ordered(_Value(number, batch + rows + columns), output).number

    def matrix_product(
        self,
        left: int,
        right: int,
        batch: tuple[int, ...],
        rows: tuple[int, ...],
        columns: tuple[int, ...],
        summed: tuple[int, ...],
    ) -> int:
        """The product of (batch, rows, summed) and (batch, summed, columns)."""
        m, n, k = math.prod(rows), math.prod(columns), math.prod(summed)
        if not batch:  # np.dot takes vectors as they are
            left = self.reshaped(left, (m, k) if rows else (k,))
            right = self.reshaped(right, (k, n) if columns else (k,))
            shape = ((m,) if rows else ()) + ((n,) if columns else ())
            return self.lowering.emit("dot", [left, right], shape)
        if not rows and not columns and self.dtype.kind == "f":
            left = self.reshaped(left, (*batch, k))
            right = self.reshaped(right, (*batch, k))
            return self.lowering.emit("vecdot", [left, right], batch)
        left = self.reshaped(left, (*batch, m, k))
        right = self.reshaped(right, (*batch, k, n))
        return self.lowering.emit("matmul", [left, right], (*batch, m, n))

    def multiplied(self, left: _Value, right: _Value, output: str) -> int:
        """A product without a sum: multiply views that broadcast."""
        operands = []
        for value in (left, right):
            present = "".join(c for c in output if c in value.letters)
            number = self.ordered(value, present).number
            first = output.index(present[0]) if present else len(output)
            shape = tuple([self.sizes[c] if c in present else 1 for c in output[first:]])
            operands.append(self.reshaped(number, shape))
        return self.lowering.emit("ufunc", operands, self.shape(output), np.multiply)
