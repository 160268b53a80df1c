"""A rule of the user as a parameter of an equation: called when a transform needs it.

What a rule records depends on its situation, such as which arguments have a tangent, and on all
that its code refers to. It remembers what it recorded. Two rules are equal when they are the same
functions and record the same in every situation that one of them was in: so a finished Program that
a rule went into is found again for as long as the rule does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import numpy as np

from .. import tree
from ..errors import CustomRuleError, FunctraceError, LeakedTracerError, RuleClosureError
from ..ir import FLOAT0, ArrayType, Literal, Program, holds_objects
from ..ops.cast import astype, converted, promotion_value
from ..recorder import Recorder, plain, type_of
from ..recording import Recording
from ..source import Source, resolve
from ..tracer import Tracer
from ..tree import TreeDef


class Rule:
    """A rule, and what it recorded in the situations it was in.

    Subclasses name the attributes that make up their identity in `fields`, and have a method
    `trace(situation)`.
    """

    __slots__ = ("_seen",)
    fields: tuple[str, ...] = ()

    def __init__(self, *values: Any):
        for name, value in zip(self.fields, values, strict=True):
            setattr(self, name, value)
        self._seen: dict[Hashable, Any] = {}

    def trace(self, situation: Any) -> Any:
        """What the rule records in a situation."""
        raise NotImplementedError

    def traced(self, situation: Any) -> Any:
        """The same, remembered."""
        found = self._seen.get(situation)
        if found is None:
            found = self._seen[situation] = self.trace(situation)
        return found

    @property
    def identity(self) -> tuple[Any, ...]:
        """What equal rules have in common."""
        return tuple([getattr(self, name) for name in self.fields])

    @property
    def holds_objects(self) -> bool:
        """Whether the rule refers to objects of the user, which it would keep in memory."""
        return holds_objects(self.identity)

    def or_open(self) -> Rule:
        """The same rule, where that is being recorded now (see `SteadyRule`)."""
        return self

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Rule) or type(self) is not type(other):
            return False
        return self.identity == other.identity and all(
            self._agrees(other, situation) for situation in {*self._seen, *other._seen}
        )

    def _agrees(self, other: Rule, situation: Hashable) -> bool:
        try:
            return self.traced(situation) == other.traced(situation)
        except Exception:  # the rule's error is raised where the rule is needed
            return False

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.identity))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.identity

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class SteadyRule(Rule):
    """A rule that is in one situation only, `steady`, unless that is None.

    What it records there is all that it does: rules that record the same are equal, whatever
    functions they are, and whatever these refer to. A rule that calls its own function is part of
    what it records (`or_open`), and taken to be equal there.

    Subclasses name the attributes that are functions of the user, the first ones, in `functions`.
    """

    __slots__ = ("_summary",)
    functions: tuple[str, ...] = ()

    @property
    def steady(self) -> Hashable:
        """The only situation of the rule, None where there are several."""
        raise NotImplementedError

    @property
    def kin(self) -> tuple[Any, ...]:
        """What equal rules have in common besides what they record."""
        return tuple([getattr(self, name) for name in self.fields if name not in self.functions])

    def summary(self) -> Hashable:
        """The operations and numbers of what the rule records.

        None where the rule has to be told from others by its functions: where it records several
        things, or fails to; and where the functions have no closure, so that they last.
        """
        if not hasattr(self, "_summary"):
            self._summary = None
            functions = [getattr(self, name) for name in self.functions]
            if self.steady is not None and any(f.has_closure for f in functions):
                with suppress(Exception):  # raised where the rule is needed
                    self._summary = summary_of(self.traced(self.steady))
        return self._summary

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or self.kin != other.kin:  # type: ignore[union-attr]
            return False
        assert isinstance(other, SteadyRule)
        mine, others = self.summary(), other.summary()
        if mine is None or others is None:
            return super().__eq__(other)
        if mine != others:
            return False
        compared, codes = _compared.get(), self._codes()
        if (id(self), id(other)) in compared:
            return True
        if codes in compared:  # each makes another of its kind: these are told by their functions
            return self.identity == other.identity
        token = _compared.set(compared | {(id(self), id(other)), codes})
        try:
            return self._agrees(other, self.steady)
        finally:
            _compared.reset(token)

    def _codes(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name).code for name in self.functions])

    def or_open(self) -> Rule:
        if self.steady is not None:
            for rule in _open.get():
                if type(rule) is type(self) and rule._is(self):
                    return rule
        return self

    def _is(self, other: SteadyRule) -> bool:
        return self.kin == other.kin and all(
            getattr(self, name).value is getattr(other, name).value for name in self.functions
        )

    def __hash__(self) -> int:
        summary = self.summary()
        if summary is None:
            return super().__hash__()
        return hash((type(self).__name__, self._codes(), self.kin, summary))


# The pairs of rules that are being compared, and the codes of their functions.
_compared: ContextVar[frozenset[Any]] = ContextVar("functrace_compared", default=frozenset())


def summary_of(record: Any) -> Hashable:
    """The operations and numbers of recorded Programs, without those of rules in them."""
    if isinstance(record, tuple):
        return tuple([summary_of(part) for part in record])
    if not isinstance(record, Program):
        return record
    return record.input_types, tuple(
        [
            (
                e.primitive,
                tuple([a.key for a in e.inputs if isinstance(a, Literal)]),
                tuple([summary_of(inner) for _, inner in e.programs]),
            )
            for e in record.equations
        ]
    )


# The rules that are being recorded

_open: ContextVar[tuple[Any, ...]] = ContextVar("functrace_rules", default=())


@contextmanager
def recording_rule(rule: Rule) -> Iterator[None]:
    """Around the record of a rule."""
    token = _open.set((*_open.get(), rule))
    try:
        yield
    finally:
        _open.reset(token)


def may_record(rule: Any, recorder: Recorder) -> bool:
    """Whether a rule can be recorded now: not inside of itself, and of others only as they ask."""
    own = _open.get()
    if not own:
        return True
    code = rule.function.code
    return not recorder.reason and all(code != other.function.code for other in own)


# What a rule may use


def closed(recording: Recording, what: str, source: Source | None) -> Program:
    """The Program of a rule, with captured arrays as constants.

    Raises:
        RuleClosureError: when the rule used traced values other than its arguments.
    """
    if recording.closed_over_tracers:
        raise closure_error(what, source)
    return recording.closed()


def guarded(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    """A rule's function whose use of traced values that are gone is explained."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except LeakedTracerError as error:
            raise closure_error(what, error.source) from None

    return call


def closure_error(what: str, source: Source | None) -> RuleClosureError:
    """The error for a rule that uses what may be gone when it is called."""
    return RuleClosureError(
        f"{what} uses a traced value of the surrounding function, which may be gone when the rule "
        "is needed",
        "make the value an argument of the function that has the rule",
        source,
    )


def place_of(values: Sequence[Any]) -> Source | None:
    """The user's line whose equation is being rewritten, of tracers of the rewriting recorder."""
    for x in values:
        if type(x) is Tracer:
            return resolve(x.recorder.position)
    return None


# What a rule returned


def demand_pair(value: Any, what: str, parts: str, source: Source | None) -> Any:
    """A pair that a rule returned.

    Raises:
        CustomRuleError: when it is none.
    """
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value
    kind = type(value).__name__
    if isinstance(value, (tuple, list)):
        kind += f" of {len(value)}"
    raise CustomRuleError(f"{what} returned a {kind}", f"return a pair ({parts})", source)


def matched(value: Any, structure: TreeDef, what: str, source: Source | None) -> list[Any]:
    """The leaves of a tree that has a structure, where `None` may stand for a whole branch.

    Raises:
        CustomRuleError: for another structure.
    """
    found: list[Any] = []
    if not _descend(value, structure, found):
        raise CustomRuleError(
            f"{what} has the tree {tree.structure(value)}, and it must be {structure}",
            "return a tree of that structure",
            source,
        )
    return found


def _descend(value: Any, structure: TreeDef, found: list[Any]) -> bool:
    if value is None:
        found.extend([None] * structure.size)
        return True
    children, own = tree.flatten(value, is_leaf=lambda part: part is not value)
    if structure.kind is None:
        found.append(value)
        return own.kind is None
    if not structure.is_like(own.kind, own.static, len(children)):
        return False
    return all(
        _descend(child, part, found)
        for child, part in zip(children, structure.children, strict=True)
    )


def fitted(
    value: Any, type: ArrayType, what: str, source: Source | None, casting: bool = True
) -> Any:
    """A leaf that a rule returned, in the type that it must have.

    Args:
        casting: whether another dtype of the same kind will do, as it does for a tangent or
            cotangent; if not, a Python scalar will.

    Raises:
        CustomRuleError: naming both types.
    """
    value = converted(value)
    checked_leaf(value, what, source)
    given = type_of(value)
    if given.shape == type.shape:
        if given.dtype == type.dtype:
            return value if isinstance(value, Tracer) else plain(value)
        loose = given.weak and np.result_type(promotion_value(given), type.dtype) == type.dtype
        if loose or (casting and np.can_cast(given.dtype, type.dtype, "same_kind")):
            return astype(value, type.dtype)
    remedy = (
        f"cast it with .astype(np.{type.dtype})"
        if given.shape == type.shape
        else "return an array of the shape that it belongs to"
    )
    raise CustomRuleError(
        f"{what} has type {given.strong}, and it must be {type.strong}", remedy, source
    )


def checked_leaf(value: Any, what: str, source: Source | None) -> Any:
    """A leaf that a rule returned: a tracer, or a NumPy value.

    Raises:
        CustomRuleError: when it is no array and no number.
    """
    try:
        return value if isinstance(value, Tracer) else plain(value)
    except FunctraceError as error:
        raise CustomRuleError(f"{what}: {error.what}", error.remedy, source) from None


def fitted_outputs(
    value: Any, structure: TreeDef, types: Sequence[ArrayType], what: str, source: Source | None
) -> list[Any]:
    """The leaves of an output that a rule returned beside a derivative."""
    leaves, found = tree.flatten(value)
    if found != structure:
        raise CustomRuleError(
            f"{what} has the tree {found}, and that of the function {structure}",
            "return what the function returns",
            source,
        )
    return [
        fitted(x, type, f"{what}{path}", source, casting=False)
        for x, type, path in zip(leaves, types, tree.paths(structure), strict=True)
    ]


def is_zero(value: Any) -> bool:
    """Whether a tangent or cotangent that a rule returned says that it is zero."""
    return value is None or isinstance(value, SymbolicZero) or no_tangent(value)


def no_tangent(value: Any) -> bool:
    """Whether a value is the tangent of an integer, which holds nothing."""
    return getattr(value, "dtype", None) == FLOAT0


class SymbolicZero:
    """A tangent that is zero for certain, for rules that asked for these with `symbolic_zeros`.

    Attributes:
        shape, dtype: those of the tangent.

    Example:
        >>> import functrace as ft
        >>> ft.SymbolicZero((3,), float)
        SymbolicZero(f64[3])
    """

    __slots__ = ("type",)

    def __init__(self, shape: Sequence[int], dtype: Any):
        self.type = ArrayType(shape, dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.type.dtype

    def __repr__(self) -> str:
        return f"SymbolicZero({self.type})"
