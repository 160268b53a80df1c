"""What rules of algebra look at, and the table that they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..ir import Atom, Equation, Literal
from ..primitive import Primitive
from ..recorder import Recorder
from .common_subexpressions import operand_key

FOLDED = 1024  # elements; results of constants up to this size are computed once and for all

Rule = Callable[["Match"], Any]
# Where an operand comes from: the primitive of the equation that made it, a constant without axes
# or with axes, or None for an input.
Origin = Primitive | str | None
NUMBER, CONSTANT = "number", "constant"
CONSTANTS = (NUMBER, CONSTANT)


class Condition(NamedTuple):
    """What a rule asks of the operands' origins, so that it is not tried in vain.

    Attributes:
        some: the origins of which one operand must be.
        every: the origins of which all operands must be.
        twice: whether both operands must be the same.
    """

    some: tuple[Origin, ...] = ()
    every: tuple[Origin, ...] = ()
    twice: bool = False

    def holds(self, origins: Sequence[Origin], twice: bool) -> bool:
        """Whether a rule may apply to operands of some origins, which may be one value twice."""
        return (
            (not self.some or any(origin in self.some for origin in origins))
            and (not self.every or all(origin in self.every for origin in origins))
            and (twice or not self.twice)
        )


RULES: dict[Primitive, list[tuple[Rule, Condition]]] = {}


def rule(
    *primitives: Primitive,
    some: Iterable[Origin] = (),
    every: Iterable[Origin] = (),
    twice: bool = False,
) -> Callable[[Rule], Rule]:
    """Add a rule for some primitives, with what it asks of the operands' origins."""
    condition = Condition(tuple(some), tuple(every), twice)

    def register(function: Rule) -> Rule:
        for primitive in primitives:
            RULES.setdefault(primitive, []).append((function, condition))
        return function

    return register


class Match:
    """An equation that a rule looks at.

    Attributes:
        equation: the equation, its operands simplified.
        recorder: who records what rules compute.
    """

    __slots__ = ("_makers", "_uses", "equation", "recorder")

    def __init__(
        self,
        recorder: Recorder,
        equation: Equation,
        makers: dict[Atom, Equation],
        uses: Mapping[Atom, int],
    ):
        self.recorder = recorder
        self._makers = makers
        self._uses = uses
        self.equation = equation

    def value(self, atom: Atom) -> Any:
        """An atom as rules compute with it."""
        return self.recorder.value_of_atom(atom)

    def made_by(self, primitive: Primitive, atom: Atom) -> Equation | None:
        """The equation that made an atom, if it is one of a primitive."""
        maker = self._makers.get(atom)
        return maker if maker is not None and maker.primitive is primitive else None

    def maker(self, atom: Atom) -> Equation | None:
        """The equation that made an atom, if there is one."""
        return self._makers.get(atom)

    def alone(self, maker: Equation) -> bool:
        """Whether only the equation looked at uses what another one made."""
        return self._uses.get(maker.outputs[0], 1) == 1

    def under(self, primitive: Primitive, atom: Atom) -> Any:
        """The operand of the equation of a primitive that made an atom, if that is how it is."""
        maker = self.made_by(primitive, atom)
        return None if maker is None else self.value(maker.inputs[0])


def same(left: Atom, right: Atom) -> bool:
    """Whether two operands are the same, literals bit for bit; large ones by identity."""
    return left is right or (left.type is right.type and operand_key(left) == operand_key(right))


# Numbers


def scalar(atom: Atom) -> Any:
    """The number that an atom is; None for anything else."""
    return atom.value if type(atom) is Literal and not atom.type.shape else None


def full_scalar(atom: Atom) -> Any:
    """The number that an atom is, or repeats; None for anything else."""
    if not isinstance(atom, Literal) or atom.type.size == 0:
        return None
    value = atom.value
    if not atom.type.shape:
        return value
    first = value[(0,) * value.ndim]
    if not any(value.strides):
        return first
    if value.size <= FOLDED:
        bits = np.ascontiguousarray(value).tobytes()
        return first if bits == first.tobytes() * value.size else None
    # Data differ soon; what was computed of repeated numbers while a rule ran does not.
    alike = first != 0 and first == value[(-1,) * value.ndim] and bool(np.all(value == first))
    return first if alike else None


def is_bits(value: Any, number: float) -> bool:
    """Whether a value is a number, zeros with their signs."""
    return value == number and value.tobytes() == value.dtype.type(number).tobytes()


def may_wait(factor: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a number may multiply a sum of products rather than each term.

    Users scale large numbers down, and small ones up, to stay within the range of their dtype. So a
    number that takes a large part of that range stays where it is.
    """
    most = _range(dtype)
    return 1 / most <= abs(factor) <= most


@cache
def _range(dtype: np.dtype[Any]) -> float:
    return 2.0 ** ((np.finfo(dtype).maxexp - 16) // 8)  # 126 for double precision, 14 for single


@cache
def least_normal(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).smallest_normal)
