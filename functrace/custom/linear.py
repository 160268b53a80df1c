"""A linear function with a transpose of its own.

    linear_call(*residuals, *tangents; residuals, types, rule)

`rule.forward()` is a Program from residuals and tangents to outputs of `types`, or None where only
the transpose is known. `rule.backward()` is a Program from residuals and cotangents of the outputs
to cotangents of the tangents.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..control.programs import build, inline, reference_compile, rows, rows_program, with_zeros
from ..errors import ForwardModeError
from ..ir import ArrayType, Program
from ..ops.elementwise import add
from ..ops.shape import reduce_sum
from ..primitive import Linear, NotLinearError, Primitive
from ..recorder import bind, type_of
from ..source import Source
from ..transforms.vmap import vmap as vmap_program
from .function import pushed
from .rules import Rule, place_of

Types = tuple[ArrayType, ...]


class LinearRule(Rule):
    """Both directions of a linear function.

    Attributes:
        name: what it is the derivative of, in messages.
    """

    __slots__ = ()
    name: str

    def forward(self) -> Program | None:
        """The function, where it is known."""
        return self.traced("forward")

    def backward(self) -> Program:
        """Its transpose."""
        return self.traced("backward")


class KnownLinear(LinearRule):
    """Two Programs that are known."""

    __slots__ = ("first", "name", "second")
    fields = ("name", "first", "second")
    name: str
    first: Program
    second: Program

    def trace(self, situation: str) -> Program:
        return self.first if situation == "forward" else self.second


class BatchedLinear(LinearRule):
    """A linear function of many examples.

    Attributes:
        rule: that of one.
        residuals, tangents: which of them have the mapped axis, of length `size`.
    """

    __slots__ = ("residuals", "rule", "size", "tangents")
    fields = ("rule", "residuals", "tangents", "size")
    rule: LinearRule
    residuals: tuple[bool, ...]
    tangents: tuple[bool, ...]
    size: int

    @property
    def name(self) -> str:  # type: ignore[override] -- that of the rule for one
        return self.rule.name

    def trace(self, situation: str) -> Program | None:
        return self._forward() if situation == "forward" else self._backward()

    def _forward(self) -> Program | None:
        one = self.rule.forward()
        if one is None:
            return None
        program, reached = vmap_program(one, [*self.residuals, *self.tangents], self.size)
        return rows_program(program, reached, [True] * len(reached), self.size)

    def _backward(self) -> Program:
        """A tangent that all examples share gets the sum of their cotangents."""
        one = self.rule.backward()
        count = len(one.inputs) - len(self.residuals)
        program, reached = vmap_program(one, [*self.residuals, *[True] * count], self.size)

        def summed(inputs: list[Any]) -> list[Any]:
            found = [
                rows(self.size, ct, on)
                for ct, on in zip(inline(program, inputs), reached, strict=True)
            ]
            return [
                ct if on else reduce_sum(ct, (0,))
                for ct, on in zip(found, self.tangents, strict=True)
            ]

        return build(summed, program.input_types, program.name)


def linear_call(
    rule: LinearRule, residuals: Sequence[Any], tangents: Sequence[Any], types: Types
) -> tuple[Any, ...]:
    """The outputs of a linear function."""
    return bind(
        LINEAR_CALL, *residuals, *tangents, residuals=len(residuals), types=types, rule=rule
    )


def forward_error(name: str, source: Source | None = None) -> ForwardModeError:
    """The error for forward mode where only the pullback is known."""
    return ForwardModeError(
        f"forward mode (jvp, jacfwd, hessian, linearize) through {name}, whose derivative is given "
        "for reverse mode alone",
        "give the derivative by custom_jvp, which serves both modes; or use reverse mode (grad, "
        "vjp, jacrev)",
        source,
    )


def reverse_only(program: Program) -> bool:
    """Whether a linear Program has a function of which only the transpose is known."""
    return any(
        (e.primitive is LINEAR_CALL and e.params["rule"].forward() is None)
        or any(reverse_only(inner) for _, inner in e.programs)
        for e in program.equations
    )


def _infer(*operands: ArrayType, residuals: int, types: Types, rule: LinearRule) -> Types:
    return types


def _impl(*operands: Any, residuals: int, types: Types, rule: LinearRule) -> tuple[Any, ...]:
    program = rule.forward()
    if program is None:
        raise forward_error(rule.name)
    return tuple(reference_compile(program)(operands))


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], outputs: Sequence[Any], *,
    residuals: int, types: Types, rule: LinearRule,
) -> list[Any]:  # fmt: skip
    """The function of the tangents, and what comes of residuals that move."""
    known, moved = primals[:residuals], tangents[:residuals]
    found: list[Any] = [None] * len(types)
    if any(t is not None for t in tangents[residuals:]):
        full = with_zeros(tangents[residuals:], [type_of(x) for x in primals[residuals:]])
        found = list(linear_call(rule, known, full, types))
    if any(t is not None for t in moved):
        program = rule.forward()
        if program is None:
            raise forward_error(rule.name, place_of(moved))
        given = [*moved, *[None] * (len(primals) - residuals)]
        changes = pushed(program, primals, given, separate=True)[1]
        found = [_sum(a, b) for a, b in zip(found, changes, strict=True)]
    return found


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else add(a, b)


def _transpose(
    cotangents: Sequence[Any], operands: Sequence[Any], *,
    residuals: int, types: Types, rule: LinearRule,
) -> list[Any]:  # fmt: skip
    known = list(operands[:residuals])
    for x in known:
        if isinstance(x, Linear):
            raise NotLinearError(x)
    found = inline(rule.backward(), [*known, *with_zeros(cotangents, types)])
    return [*[None] * residuals, *found]


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *,
    residuals: int, types: Types, rule: LinearRule,
) -> tuple[Any, ...]:  # fmt: skip
    batched = BatchedLinear(rule, tuple(mapped[:residuals]), tuple(mapped[residuals:]), size)
    wide = tuple([type.with_shape((size, *type.shape)) for type in types])
    return linear_call(batched, operands[:residuals], operands[residuals:], wide)


LINEAR_CALL = Primitive(
    "linear_call",
    infer=_infer,
    impl=_impl,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    text=lambda *operands, rule, **_: f"linear_call({', '.join([rule.name, *operands])})",
    multiple=True,
    aliases=True,
    cacheable=False,
    prepare=lambda _, **params: partial(_impl, **params),
    expand=lambda *, rule, **_: rule.forward(),
)
