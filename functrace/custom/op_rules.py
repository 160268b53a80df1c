"""The rules of an op that a user defines, as the slots of its primitive.

A rule is traced each time that a transform needs it, and what it returned is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..control.programs import inline, or_zero
from ..errors import ConcretizationError, CustomRuleError, FunctraceError
from ..ir import ArrayType, Program
from ..lists import merge, partition, select
from ..ops._families import align_ranks
from ..ops.shape import broadcast_to
from ..primitive import Linear
from ..recorder import bind, type_of
from .batching import batched
from .hashable_function import defined_at
from .later import called_later
from .linear import LinearRule, linear_call
from .rules import closed, fitted, guarded, is_zero
from .signature import traced

if TYPE_CHECKING:
    from .op import Op

Slot = Callable[..., Any]
Types = tuple[ArrayType, ...]


def _program(
    call: Callable[[list[Any]], Sequence[Any]], types: Sequence[ArrayType], what: str, rule: Any
) -> tuple[Program, list[bool]]:
    """A rule as a Program, and which of what it returned is not None."""
    gives: list[bool] = []

    def flat(tracers: list[Any]) -> list[Any]:
        found = call(tracers)
        gives.extend([x is not None for x in found])
        return [x for x in found if x is not None]

    recording, _ = traced(flat, types, [""] * len(types), name=what.replace(" ", "_"), reason=what)
    return closed(recording, what, defined_at(rule)), gives


def _run(
    call: Callable[[list[Any]], Sequence[Any]], operands: Sequence[Any], what: str, rule: Any
) -> list[Any]:
    """What a rule returned, recorded where the primitive's equation is rewritten."""
    program, gives = _program(call, [type_of(x).strong for x in operands], what, rule)
    return merge(inline(program, operands), gives)


def _checked(
    found: Sequence[Any], types: Sequence[ArrayType], what: str, kind: str, rule: Any
) -> list[Any]:
    """Tangents or cotangents that a rule returned, None for zeros."""
    if len(found) != len(types):
        raise CustomRuleError(
            f"{what} returned {len(found)} {kind}s, and there must be {len(types)}",
            "None stands for zero",
            defined_at(rule),
        )
    name = kind if len(types) == 1 else f"{kind} {{}}"
    return [
        None
        if is_zero(x) or not type.inexact
        else fitted(x, type, f"{what}: the {name.format(i)}", defined_at(rule))
        for i, (x, type) in enumerate(zip(found, types, strict=True))
    ]


# Derivatives


def jvp(op: Op) -> Slot:
    """The slot for a derivative in forward mode, which reverse mode transposes."""
    own = op.definition

    def slot(primals: Any, tangents: Any, out: Any, **params: Any) -> Any:
        outputs = own.several(out, own.name)
        call = _forward(op, len(primals), outputs, [t is not None for t in tangents], params)
        given = [t for t in tangents if t is not None]
        return own.alone(_run(call, [*primals, *outputs, *given], *_named(op, "jvp")))

    return slot


def _named(op: Op, slot: str) -> tuple[str, Any]:
    return f"the {slot} rule of {op.definition.name}", getattr(op.definition, slot)


def _forward(
    op: Op, n: int, outputs: Sequence[Any], active: Sequence[bool], params: dict[str, Any]
) -> Callable[[list[Any]], list[Any]]:
    """From operands, outputs and some tangents to tangents of the outputs."""
    own, (what, rule), m = op.definition, _named(op, "jvp"), len(outputs)
    types = [type_of(y) if not isinstance(y, ArrayType) else y for y in outputs]
    function = rule if callable(rule) else _sum_of(op, rule)

    def call(tracers: list[Any]) -> list[Any]:
        tangents = tuple(merge(tracers[n + m :], active))
        out = own.alone(tracers[n : n + m])
        found = guarded(function, what)(tuple(tracers[:n]), tangents, out, **params)
        found = [None] * m if found is None else own.several(found, what)
        return _checked(found, types, what, "tangent", rule)

    return call


def _sum_of(op: Op, partials: Sequence[Slot | None]) -> Slot:
    """A rule that adds up partial derivatives."""
    own = op.definition

    def rule(primals: Any, tangents: Any, out: Any, **params: Any) -> Any:
        if len(partials) != len(primals):
            raise CustomRuleError(
                f"{own.name} has {len(partials)} partial derivatives, and {len(primals)} operands",
                "give jvp= an entry for each operand, which may be None",
            )
        terms = [
            own.several(partial(t, out, *primals, **params), f"a partial derivative of {own.name}")
            for partial, t in zip(partials, tangents, strict=True)
            if partial is not None and t is not None
        ]
        if not terms:
            return None
        sums = [sum(column[1:], start=column[0]) for column in zip(*terms, strict=True)]
        if own.elementwise:
            sums = [
                broadcast_to(t, y.shape)
                for t, y in zip(sums, own.several(out, own.name), strict=True)
            ]
        return own.alone(sums)

    return rule


def jvp_and_vjp(op: Op) -> Slot:
    """The slot where reverse mode has a rule of its own."""
    own = op.definition

    def slot(primals: Any, tangents: Any, out: Any, **params: Any) -> Any:
        outputs = own.several(out, own.name)
        inputs, types = [tuple([type_of(x).strong for x in xs]) for xs in (primals, outputs)]
        active = tuple([t is not None for t in tangents])
        both = OpLinear(op, tuple(params.items()), inputs, types, active)
        inexact = [type.inexact for type in types]
        moved = linear_call(
            both, [*primals, *outputs], select(tangents, active), tuple(select(types, inexact))
        )
        return own.alone(merge(moved, inexact))

    return slot


class OpLinear(LinearRule):
    """The derivative of an op that has a rule for each mode, or for reverse mode alone.

    Attributes:
        params: its parameters.
        inputs, outputs: the types of operands and outputs, which are the residuals.
        active: which operands have a tangent.
    """

    __slots__ = ("active", "inputs", "op", "outputs", "params")
    fields = ("op", "params", "inputs", "outputs", "active")
    op: Op
    params: tuple[tuple[str, Any], ...]
    inputs: Types
    outputs: Types
    active: tuple[bool, ...]

    @property
    def name(self) -> str:  # type: ignore[override] -- that of the op
        return self.op.definition.name

    def trace(self, situation: str) -> Program | None:
        residuals = [*self.inputs, *self.outputs]
        inexact = [type.inexact for type in self.outputs]
        if situation == "backward":
            types = [*residuals, *select(self.outputs, inexact)]
            outputs = select(self.inputs, self.active)
            try:
                program, gives = _program(self._backward, types, *_named(self.op, "vjp"))
            except ConcretizationError:
                source = defined_at(self.op.definition.vjp)
                return called_later(self, types, outputs, self.name, source)
            return _filled(program, gives, outputs)
        if self.op.definition.jvp is None:
            return None
        call = _forward(self.op, len(self.inputs), self.outputs, self.active, dict(self.params))
        types = [*residuals, *select(self.inputs, self.active)]
        program, gives = _program(call, types, *_named(self.op, "jvp"))
        return _filled(program, select(gives, inexact), select(self.outputs, inexact))

    def run(self, arrays: list[Any]) -> list[Any]:
        """Cotangents of operands, of operands, outputs and their cotangents."""
        return self._backward(arrays)

    def refuse(self) -> FunctraceError:
        """The error for a second derivative, or a batch, of a rule that looks at cotangents."""
        what, rule = _named(self.op, "vjp")
        return ConcretizationError(
            f"{what} looks at values of cotangents, so that it is called when they are known; it "
            "can be neither differentiated again nor mapped by vmap",
            "write it without looking at values: with np.where(condition, a, b), or functrace.cond",
            defined_at(rule),
        )

    def _backward(self, tracers: list[Any]) -> list[Any]:
        own, (what, rule), n = self.op.definition, _named(self.op, "vjp"), len(self.inputs)
        m = n + len(self.outputs)
        cts = merge(tracers[m:], [type.inexact for type in self.outputs])
        found = guarded(rule, what)(
            own.alone(cts), tuple(tracers[:n]), own.alone(tracers[n:m]), **dict(self.params)
        )
        given = _for_operands(found, n)
        return select(_checked(given, self.inputs, what, "cotangent", rule), self.active)


def _filled(program: Program, gives: Sequence[bool], types: Sequence[ArrayType]) -> Program:
    """A Program with zeros for the outputs that it does not give."""
    outputs = [
        or_zero(atom, type) for atom, type in zip(merge(program.outputs, gives), types, strict=True)
    ]
    return program.replace(outputs=outputs)


def _for_operands(found: Any, count: int) -> Sequence[Any]:
    """Cotangents of the operands; of one operand, the cotangent alone will do."""
    if isinstance(found, (tuple, list)):
        return found
    return [None] * count if found is None else [found]


def transpose(op: Op) -> Slot:
    """The slot for the transpose."""
    own = op.definition

    def slot(ct: Any, operands: Sequence[Any], **params: Any) -> list[Any]:
        what, rule = _named(op, "transpose")
        linear = [isinstance(x, Linear) for x in operands]
        known = partition(operands, linear)[1]
        types = [x.type if isinstance(x, Linear) else type_of(x) for x in operands]
        cts = own.several(ct, what)
        live = [c is not None for c in cts]

        def call(tracers: list[Any]) -> list[Any]:
            rest = iter(tracers)
            values = tuple(
                [x if on else next(rest) for x, on in zip(operands, linear, strict=True)]
            )
            given = own.alone(merge(list(rest), live))
            found = _for_operands(guarded(rule, what)(given, values, **params), len(values))
            checked = _checked(found, types, what, "cotangent", rule)
            return [x if on else None for x, on in zip(checked, linear, strict=True)]

        return _run(call, [*known, *select(cts, live)], what, rule)

    return slot


# Batching


def batch(op: Op) -> Slot:
    """The slot for many examples at once."""
    own = op.definition

    def slot(size: int, operands: Sequence[Any], mapped: Sequence[bool], **params: Any) -> Any:
        if own.elementwise:
            return bind(op.primitive, *align_ranks(size, operands, mapped), **params)
        what, rule = _named(op, "batch")
        single = [type_of(x).strong for x in operands]
        one = [
            type.with_shape(type.shape[1:]) if on else type
            for type, on in zip(single, mapped, strict=True)
        ]
        types = op.primitive.infer_types(tuple(one), params)

        def many(rows: Sequence[Any]) -> tuple[Any, ...]:
            return own.several(bind(op.primitive, *rows, **params), what)

        def call(tracers: list[Any]) -> list[Any]:
            found = guarded(rule, what)(size, tuple(tracers), tuple(mapped), **params)
            return _wide(own.several(found, what), types, size, what, rule)

        if callable(rule):
            return own.alone(_run(call, operands, what, rule))
        found = batched(rule, size, operands, mapped, types, one=many, many=many)
        return own.alone(_wide(found, types, size, f"batch={rule!r} of {own.name}", own.impl))

    return slot


def _wide(
    found: Sequence[Any], types: Sequence[ArrayType], size: int, what: str, rule: Any
) -> list[Any]:
    """Outputs for all examples, checked."""
    return [
        fitted(
            y,
            type.with_shape((size, *type.shape)),
            f"{what}: the output",
            defined_at(rule),
            casting=False,
        )
        for y, type in zip(found, types, strict=True)
    ]
