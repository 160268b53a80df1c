"""Lowering an einsum of one or two operands to BLAS products, multiplications and views.

The indices of a product fall into four groups: batch (in both operands and the output), summed
(in both operands only), and those free in the left or the right operand. With the operands
transposed to (batch, free, summed) and (batch, summed, free), and each group one axis, the
product is that of matrices. NumPy's `matmul` repeats one matrix over the batch of another, and BLAS
takes matrices with rows and columns exchanged; both save moving elements about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import ArrayType, Shape
from ..ops.contract import LETTERS, split
from .accurate import BLOCK, LONG, runs

if TYPE_CHECKING:
    from .lowering import Lowering

# Many products by one matrix are faster than one product, for which elements have to be moved, from
# so many columns on, and up to so many multiplications, which BLAS does in a single thread.
_LONG_VECTOR = 32  # elements from which on a call of BLAS for each item pays
_MANY = 2048  # elements from which on the longer call of NumPy's einsum does not matter
_WIDE = 4
_MOST = 16  # times as many terms as elements, beyond which terms are not all held at once
_SMALL = 1 << 18


class _Steps:
    """The steps of an einsum on operands of some shapes, whichever they are.

    It numbers values as a lowering does: the operands first, then a value for each step.

    Attributes:
        shapes: the shape of each value.
        taken: for each step whether it is a sum, and what the method of a lowering is given.
    """

    def __init__(self, shapes: Sequence[Shape]):
        self.shapes = list(shapes)
        self.taken: list[tuple[bool, tuple[Any, ...]]] = []

    def emit(self, kernel: str, operands: Sequence[int], shape: Shape, *params: Any) -> int:
        return self._note(False, shape, (kernel, operands, shape, *params))

    def sum(self, value: int, axes: tuple[int, ...], shape: Shape, dtype: np.dtype[Any]) -> int:
        return self._note(True, shape, (value, axes, shape, dtype))

    def _note(self, sums: bool, shape: Shape, given: tuple[Any, ...]) -> int:
        self.taken.append((sums, given))
        self.shapes.append(shape)
        return len(self.shapes) - 1


def lower_einsum(
    lowering: Lowering, operands: list[int], result: ArrayType, *, spec: str, summed: bool = False
) -> int:
    """Emit the steps of an einsum; the number of its value."""
    shapes = tuple([lowering.shapes[value] for value in operands])
    steps, last = _steps(spec, shapes, result.dtype, summed)
    values = list(operands)
    for sums, given in steps:
        if sums:
            value, *how = given
            values.append(lowering.sum(values[value], *how))
        else:
            kernel, numbers, *how = given
            values.append(lowering.emit(kernel, [values[n] for n in numbers], *how))
    return values[last]


@lru_cache(maxsize=4096)
def _steps(
    spec: str, shapes: tuple[Shape, ...], dtype: np.dtype[Any], summed: bool
) -> tuple[list[tuple[bool, tuple[Any, ...]]], int]:
    """The steps of an einsum, and the number of the value that they come to."""
    steps = _Steps(shapes)
    last = _last(_Product(steps, dtype, summed), spec, dtype)
    return steps.taken, last


def _last(product: _Product, spec: str, dtype: np.dtype[Any]) -> int:
    """Take the steps of a product; the number of its value."""
    terms, output = split(spec)
    values = [product.named(number, term) for number, term in enumerate(terms)]
    if len(values) == 1:
        return product.ordered(product.alone(values[0], output), output).number
    inexact = dtype.kind in "fc"
    for i in (0, 1):  # of integers, what one operand alone has is summed first
        others = values[i if inexact else 1 - i].letters
        values[i] = product.alone(values[i], output + others)
    number = product.with_lone(values[0], values[1], output)
    inner = not output and set(values[0].letters) == set(values[1].letters)
    if product.accurate and not inner:  # whose kernel does the same
        return product.as_written(number, values[0], values[1], output)
    return number


class _Value:
    """A numbered value whose axes are named by letters."""

    __slots__ = ("letters", "number")

    def __init__(self, number: int, letters: str):
        self.number = number
        self.letters = letters


class _Product:
    """The steps of one product.

    Attributes:
        accurate: whether sums are to be as accurate as NumPy's.
        sizes: the length of each index.
    """

    def __init__(self, steps: _Steps, dtype: np.dtype, accurate: bool):
        self.steps = steps
        self.dtype = dtype
        self.accurate = accurate
        self.sizes: dict[str, int] = {}

    def named(self, number: int, letters: str) -> _Value:
        self.sizes.update(zip(letters, self.steps.shapes[number], strict=True))
        return _Value(number, letters)

    def shape(self, letters: str) -> tuple[int, ...]:
        return tuple([self.sizes[c] for c in letters])

    def with_lone(self, left: _Value, right: _Value, output: str) -> int:
        """The product of two operands, summed afterwards over what one of them alone has.

        To sum that operand before is to exchange a sum with a product, and gives infinity for
        `inf * (0 + 1)` where the sum of the products is NaN.
        """
        lone = [c for c in left.letters if c not in right.letters and c not in output]
        lone += [c for c in right.letters if c not in left.letters and c not in output]
        if not lone:
            return self.of(left, right, output)
        wanted = {*output, *lone}
        larger, other = sorted((left, right), key=self.size, reverse=True)
        order = "".join(c for c in dict.fromkeys(larger.letters + other.letters) if c in wanted)
        if math.prod(self.shape(order)) > _MOST * (self.size(left) + self.size(right)):
            spec = f"{left.letters},{right.letters}->{output}"
            return self.steps.emit("einsum", [left.number, right.number], self.shape(output), spec)
        terms = _Value(self.of(left, right, order), order)
        return self.ordered(self.alone(terms, output), output).number

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
            number = self.steps.emit("diagonal", [number], self.shape(letters), first, second)
        summed = [i for i, c in enumerate(letters) if c not in needed]
        if summed:
            letters = "".join(c for c in letters if c in needed)
            number = self.steps.sum(number, tuple(summed), self.shape(letters), self.dtype)
        return _Value(number, letters)

    def ordered(self, value: _Value, letters: str) -> _Value:
        """Transpose to an order of letters."""
        if value.letters == letters:
            return value
        permutation = tuple([value.letters.index(c) for c in letters])
        number = self.steps.emit("transpose", [value.number], self.shape(letters), permutation)
        return _Value(number, letters)

    def size(self, value: _Value) -> int:
        return math.prod(self.shape(value.letters))

    def reshaped(self, number: int, shape: tuple[int, ...]) -> int:
        if self.steps.shapes[number] == shape:
            return number
        return self.steps.emit("reshape", [number], shape, shape)

    def of(self, left: _Value, right: _Value, output: str) -> int:
        shared = [c for c in left.letters if c in right.letters]
        summed = "".join(c for c in shared if c not in output)
        if not summed:
            return self.multiplied(left, right, output)
        larger = max(left, right, key=self.size)
        summed = "".join(c for c in larger.letters if c in summed)
        batch = "".join(c for c in output if c in shared)
        free = "".join(c for c in output if c not in batch)
        if free and free[0] in right.letters:
            left, right = right, left
        if any(c in right.letters for c in free) and free[-1] in left.letters:
            left, right = right, left  # the output's last index is then last in memory as well
            lead = self.repeated(left, right, output, summed)
            if lead:
                batch, free = lead, output[len(lead) :]
        rows = "".join(c for c in free if c in left.letters)
        columns = "".join(c for c in free if c in right.letters)
        if self.accurate and math.prod(self.shape(summed)) > LONG and batch + free:
            number = self.long(left, right, output, batch, free, summed)
            if number is not None:
                return number
        number = self.matrix_product(left, right, batch, rows, columns, summed)
        number = self.reshaped(number, self.shape(batch + rows + columns))
        return self.ordered(_Value(number, batch + rows + columns), output).number

    def long(
        self, left: _Value, right: _Value, output: str, batch: str, free: str, summed: str
    ) -> int | None:
        """A product that sums many terms, in blocks; None where their sums would take too much."""
        matrices = set(free) & set(left.letters) and set(free) & set(right.letters)
        ends = left.letters.endswith(summed) and right.letters.endswith(summed)
        if ends and not matrices:
            shapes = []
            for value in (left, right):
                order = "".join(c for c in batch + free if c in value.letters) + summed
                lengths = [self.sizes[c] if c in value.letters else 1 for c in batch + free]
                shape = (*lengths, math.prod(self.shape(summed)))
                shapes.append(self.reshaped(self.ordered(value, order).number, shape))
            number = self.steps.emit("rows", shapes, self.shape(batch + free))
            return self.ordered(_Value(number, batch + free), output).number
        letter = max(summed, key=self.sizes.__getitem__)
        block = BLOCK // 4 if matrices else BLOCK  # BLAS adds up each product of rows in one sum
        if self.dtype.char in "dD":  # which have digits to spare
            block *= 8
        count = self.sizes[letter] // block
        room = self.size(left) + self.size(right)
        if count < 2 or count * math.prod(self.shape(output)) > room:
            return None
        return self.in_blocks(left, right, output, letter, count, block)

    def in_blocks(
        self, left: _Value, right: _Value, output: str, letter: str, count: int, length: int
    ) -> int:
        """The sum of the products of blocks along an index that is summed over."""
        whole = self.sizes[letter]
        rest = whole - count * length
        block = next(c for c in LETTERS if c not in self.sizes)
        ends = [self.part(value, letter, whole - rest, rest) for value in (left, right)]
        heads = [self.part(value, letter, 0, whole - rest) for value in (left, right)]
        self.sizes[block], self.sizes[letter] = count, length
        for head in heads:
            head.letters = head.letters.replace(letter, block + letter)
            head.number = self.reshaped(head.number, self.shape(head.letters))
        number = self.of(heads[0], heads[1], block + output)
        number = self.steps.sum(number, (0,), self.shape(output), self.dtype)
        if rest:
            self.sizes[letter] = rest
            last = self.of(ends[0], ends[1], output)
            number = self.steps.emit("ufunc", [number, last], self.shape(output), np.add)
        del self.sizes[block]
        self.sizes[letter] = whole
        return number

    def part(self, value: _Value, letter: str, start: int, length: int) -> _Value:
        """The part of a value along one axis."""
        ranges = tuple([(start, length, 1) if c == letter else (0, self.sizes[c], 1)
                        for c in value.letters])  # fmt: skip
        shape = tuple([length for _, length, _ in ranges])
        if shape == self.steps.shapes[value.number]:
            return _Value(value.number, value.letters)
        return _Value(self.steps.emit("slice", [value.number], shape, ranges), value.letters)

    def as_written(self, number: int, left: _Value, right: _Value, output: str) -> int:
        """The product, computed anew as products and their sum where it is not finite."""
        summed = "".join(c for c in dict.fromkeys(left.letters + right.letters) if c not in output)
        if not summed:
            return number
        letters = output + summed
        form: list[Any] = []
        for value in (left, right):
            order = tuple([value.letters.index(c) for c in letters if c in value.letters])
            shape = tuple([self.sizes[c] if c in value.letters else 1 for c in letters])
            form.append((order, shape))
        axes = tuple(range(len(output), len(letters)))
        operands = [number, left.number, right.number]
        return self.steps.emit("as_written", operands, self.shape(output), (*form, axes))

    def repeated(self, one: _Value, many: _Value, output: str, summed: str) -> str:
        """The leading indices over which small products of one matrix with many give the output.

        There are some where the output's indices are in groups that belong to `many`, to `one` and
        to `many` again: then both `many` and the product stay as they lie in memory.
        """
        lead = "".join(takewhile(lambda c: c in many.letters, output))
        columns = "".join(dropwhile(lambda c: c not in many.letters, output[len(lead) :]))
        own = set(many.letters) - set(one.letters)
        fits = not own.isdisjoint(lead) and own.issuperset(columns)
        each = math.prod(self.shape(output[len(lead) :] + summed))
        return lead if fits and math.prod(self.shape(columns)) >= _WIDE and each <= _SMALL else ""

    def matrix_product(
        self, left: _Value, right: _Value, batch: str, rows: str, columns: str, summed: str
    ) -> int:
        """The product of (batch, rows, summed) and (batch, summed, columns)."""
        if self.accurate and not batch + rows + columns:
            return self.inner(left, right, summed)
        if not batch:  # np.dot takes vectors as they are
            left_number = self.merged(left, "", *(group for group in (rows, summed) if group))
            right_number = self.merged(right, "", *(group for group in (summed, columns) if group))
            shape = [math.prod(self.shape(group)) for group in (rows, columns) if group]
            # np.dot scales by an operand of one element in BLAS, where 0 times NaN is 0
            kernel = "matmul" if 1 in (self.size(left), self.size(right)) else "dot"
            return self.steps.emit(kernel, [left_number, right_number], tuple(shape))
        if not rows and not columns and self.dtype.kind == "f":
            if self.in_short_runs(left, right, summed):
                lying = "".join(c for c in left.letters if c in batch)  # as the operands lie
                spec = f"{left.letters},{right.letters}->{lying}"
                number = self.steps.emit(
                    "einsum", [left.number, right.number], self.shape(lying), spec
                )
                return self.ordered(_Value(number, lying), batch).number
            numbers = [self.merged(value, batch, summed) for value in (left, right)]
            return self.steps.emit("vecdot", numbers, self.shape(batch))
        numbers = [
            self.merged(left, batch, rows, summed),
            self.merged(right, batch, summed, columns),
        ]
        m, n = (math.prod(self.shape(group)) for group in (rows, columns))
        return self.steps.emit("matmul", numbers, (*self.shape(batch), m, n))

    def inner(self, left: _Value, right: _Value, summed: str) -> int:
        """The sum of all products, which these kernels check themselves."""
        count = runs(math.prod(self.shape(summed)), self.dtype)
        if count == 1 and self.dtype.kind == "f" and left.letters == right.letters:
            return self.steps.emit("inner", [left.number, right.number], ())  # flattened by NumPy
        numbers = [self.merged(value, "", summed) for value in (left, right)]
        if count == 1:
            return self.steps.emit("inner", numbers, ())
        return self.steps.emit("inner_in_runs", numbers, (), count)

    def in_short_runs(self, left: _Value, right: _Value, summed: str) -> bool:
        """Whether NumPy's einsum is faster than a product of vectors for each item.

        It is where vectors are short, or their elements are far from each other in memory.
        """
        size = math.prod(self.shape("".join(dict.fromkeys(left.letters + right.letters))))
        neighbours = left.letters.endswith(summed) and right.letters.endswith(summed)
        short = math.prod(self.shape(summed)) < _LONG_VECTOR
        return size >= _MANY and (short or not neighbours)

    def merged(self, value: _Value, batch: str, *groups: str) -> int:
        """A value in the order (batch, groups), with one axis for each group.

        Batch indices that it does not have are axes of length 1, or none at the front.
        Its last axis stays last where elements have to move, because they then move in long runs.
        Exchanging the two groups afterwards moves none.
        """
        exchanged = len(groups) == 2 and value.letters[-1] in groups[0]
        if exchanged:
            groups = groups[::-1]
        batch = "".join(dropwhile(lambda c: c not in value.letters, batch))
        lead = tuple([self.sizes[c] if c in value.letters else 1 for c in batch])
        order = "".join([c for c in batch if c in value.letters]) + "".join(groups)
        shape = (*lead, *[math.prod(self.shape(group)) for group in groups])
        number = self.reshaped(self.ordered(value, order).number, shape)
        if not exchanged:
            return number
        n = len(batch)
        swapped = (*lead, shape[n + 1], shape[n])
        return self.steps.emit("transpose", [number], swapped, (*range(n), n + 1, n))

    def multiplied(self, left: _Value, right: _Value, output: str) -> int:
        """A product without a sum: multiply views that broadcast.

        NumPy's einsum is quicker for outer products in the caches, but adds them to zeros: it makes
        0.0 of -0.0, and does not warn of overflow.
        """
        operands = []
        for value in (left, right):
            present = "".join(c for c in output if c in value.letters)
            number = self.ordered(value, present).number
            first = output.index(present[0]) if present else len(output)
            shape = tuple([self.sizes[c] if c in present else 1 for c in output[first:]])
            operands.append(self.reshaped(number, shape))
        return self.steps.emit("ufunc", operands, self.shape(output), np.multiply)
