"""What holds of an op, in the terms that passes and transforms ask in.

A trait is declared where the op is defined, as a keyword of its row, and read everywhere else as
`primitive.traits.commutative`; so no other file names an op to know a property of it. Without a
declaration nothing is assumed. `tests/ops/test_traits.py` tries the traits of elementwise ops with
numbers, those that are declared and those that were forgotten.
"""

from __future__ import annotations

from typing import NamedTuple


class Traits(NamedTuple):
    """The properties of an op.

    Attributes:
        commutative: whether operands exchanged give the same, to the last bit.
        even: whether the op of -x is that of x, to the last bit, for x with a sign.
        total: whether there is a value for all finite operands, up to overflow, so that the op may
            be computed where the program would not, without an error or a warning.
        partial_for_integers: whether some integers raise an error.
        never_minus_zero: whether no result for real operands is -0.0.
        nonnegative: whether no result for real operands is below 0.
        finite_slope: whether slopes are finite wherever operands are.
        foldable: whether the result of constants is worth being kept in place of them.
        moves: whether all elements of the result are elements of the operands.
        dense: whether each element takes operations by the length of the last axis.
        ambiguous: whether another result would be as right, as columns of another sign.
    """

    commutative: bool = False
    even: bool = False
    total: bool = False
    partial_for_integers: bool = False
    never_minus_zero: bool = False
    nonnegative: bool = False
    finite_slope: bool = False
    foldable: bool = False
    moves: bool = False
    dense: bool = False
    ambiguous: bool = False
