"""An operation and all its rules.

| slot        | called as                               | gives                                |
|-------------|-----------------------------------------|--------------------------------------|
| `infer`     | `(*types, **params)`                    | the output's `ArrayType`, or a tuple |
| `impl`      | `(*arrays, **params)`                   | NumPy's value: what the op means     |
| `text`      | `(*operand names, **params)`            | how the op reads in print            |
| `effects`   | `(**params)`                            | what the op does, or depends on,     |
|             |                                         | besides its outputs and operands:    |
|             |                                         | `ACTS`, names of mapped axes         |

What a transform or an analysis needs to know of an op is a rule in the table `rules`, under the
name of the transform. The table is open: a new transform is a file that adds rows by `register`.

| rule        | called as                               | gives                                |
|-------------|-----------------------------------------|--------------------------------------|
| `jvp`       | `(primals, tangents, output, **params)` | the output's tangent                 |
| `transpose` | `(cotangent, operands, **params)`       | a cotangent for each linear operand  |
| `batch`     | `(size, operands, mapped, **params)`    | the output, its mapped axis first    |

An op that carries Programs among its parameters (a loop, a choice) has more slots:

| slot        | called as                               | gives                                |
|-------------|-----------------------------------------|--------------------------------------|
| `prepare`   | `(compile, **params)`                   | a function of the operands;          |
|             |                                         | `compile(program, often=False)` makes|
|             |                                         | one of a Program                     |
| `prune`     | `(equation, live)`                      | the equation without the outputs     |
|             |                                         | that are not live, if it can         |
| `expand`    | `(**params)`                            | the Program that takes the op's      |
|             |                                         | place before it runs, or None        |
| `hoist`     | `(equation)`                            | for an op that runs a Program again  |
|             |                                         | and again: the equations that take   |
|             |                                         | its place, some computed once, and   |
|             |                                         | what stands for some of its outputs  |

The `jvp` of a `joint` op replaces the equation: it is called as `(primals, tangents, separate,
**params)` and gives the outputs and their tangents. With `separate`, which reverse mode asks for,
no equation that it records both makes an output and uses a tangent.

Rules are ordinary traceable code in functrace's own ops. A tangent or cotangent of `None` is a
zero, which is not computed. In `transpose`, a linear operand is given as `Linear(type)` and
the others as values; a mapped operand of `batch` has its mapped axis first. In place of a rule
stands what makes one unnecessary: `LINEAR` (jointly linear in all floating-point operands: the jvp
is the op itself), `ZERO` (the derivative is zero wherever it exists), `NONDIFFERENTIABLE`, or
`NOT_LINEAR` (no transform ever transposes the op).
"""

from __future__ import annotations

import contextlib
import enum
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from .errors import MissingRuleError
from .ir import NO_EFFECTS, ArrayType, Effects, programs_among
from .traits import Traits


class Declared(enum.Enum):
    """What stands in a slot in place of a rule."""

    LINEAR = "the op is its own derivative"
    NONDIFFERENTIABLE = "the derivative does not exist"
    ZERO = "the derivative is zero wherever it exists"
    NOT_LINEAR = "the op is linear in none of its operands"
    MISSING = "there is no rule yet"


LINEAR = Declared.LINEAR
NONDIFFERENTIABLE = Declared.NONDIFFERENTIABLE
ZERO = Declared.ZERO
NOT_LINEAR = Declared.NOT_LINEAR
MISSING = Declared.MISSING

Rule = Callable[..., Any]


class _Primitives(dict[str, "Primitive"]):
    """All primitives by name; those whose name has been taken as long as a Program has them."""

    def __init__(self) -> None:
        super().__init__()
        self._replaced: weakref.WeakValueDictionary[str, Primitive] = weakref.WeakValueDictionary()
        self._numbers: dict[str, int] = {}

    def __missing__(self, name: str) -> Primitive:
        return self._replaced[name]

    def make_room(self, name: str) -> bool:
        """Give the primitive of a name another one, if there is any; whether there was."""
        before = self.pop(name, None)
        if before is None:
            return False
        self._numbers[name] = self._numbers.get(name, 0) + 1
        before.name = f"{name}#{self._numbers[name]}"
        self._replaced[before.name] = before
        return True


PRIMITIVES = _Primitives()


class Shared(NamedTuple):
    """An output that a batch rule gives without a mapped axis: it is the same for all examples."""

    value: Any


class Linear:
    """Stands for an operand, of a known type, in which a transposed equation is linear."""

    __slots__ = ("dtype", "shape", "type")

    def __init__(self, type: ArrayType):
        self.type = type
        self.shape = type.shape
        self.dtype = type.dtype

    def __repr__(self) -> str:
        return f"Linear({self.type})"

    def _used(self, *_: Any) -> Any:
        raise NotLinearError(self)

    __mul__ = __rmul__ = __rtruediv__ = __bool__ = __array__ = _used


class NotLinearError(Exception):
    """A transpose rule needs the value of an operand in which the equation was to be linear."""


class Masked:
    """A cotangent that is zero except where conditions hold, which are applied as late as can be.

    The cotangent of a branch of `np.where` is zero for the elements not chosen. Those may go on to
    meet an infinite slope, as in `np.where(x > 0, np.log(x), 0)`, where 0 * inf must be 0.
    Elementwise ops therefore hand on the unmasked value, and the conditions with it.
    """

    __slots__ = ("conditions", "value")

    def __init__(self, value: Any, conditions: tuple[tuple[Any, bool], ...]):
        self.value = value
        self.conditions = conditions  # arrays, and whether elements count where they are true


class Primitive:
    """An operation: a name, its meaning, and its rules (see the head of this file).

    Attributes:
        elementwise: whether each output element depends on the operands' elements there alone.
        view: where NumPy's result shares the memory of the first operand: the rule
            `(operand, new, *others, **params)` that gives the operand after the result was changed
            to `new`, or `None` where it is read-only. Other operands are positions; a result is a
            view only where these have no axes.
        multiple: whether the op has several outputs. Then `infer`, `impl` and the rules deal in
            tuples.
        into: as `impl`, with a further keyword `out`, an array to write the result into.
        joint: whether the jvp rule gives the outputs as well.
        aliases: whether an output may be an operand, or another output.
        carries_programs: whether there are Programs among its parameters.
        pure: whether no equation of the op has effects. An op that acts has no outputs.
        cacheable: whether parameters may be kept as keys of a table. Programs are too long for
            that, and a table would keep functions of the user in memory.
        traits: what holds of the op, given as keywords (see `traits.py`).
        holds_objects: whether it was defined anew, perhaps by functions that refer to objects.
    """

    __slots__ = (
        "__weakref__", "_inferred", "aliases", "cacheable", "carries_programs", "effects",
        "elementwise", "expand", "hoist", "holds_objects", "impl", "infer", "into", "joint",
        "multiple", "name", "prepare", "prune", "pure", "rules", "text", "traits", "view",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        infer: Rule,
        impl: Rule,
        jvp: Rule | Declared = MISSING,
        transpose: Rule | Declared = MISSING,
        batch: Rule | Declared = MISSING,
        text: Rule | None = None,
        elementwise: bool = False,
        view: Rule | None = None,
        into: Rule | None = None,
        multiple: bool = False,
        joint: bool = False,
        aliases: bool = False,
        carries_programs: bool = False,
        cacheable: bool = True,
        prepare: Rule | None = None,
        prune: Rule | None = None,
        expand: Rule | None = None,
        hoist: Rule | None = None,
        effects: Rule | None = None,
        **traits: Any,
    ):
        if name in PRIMITIVES:
            raise ValueError(f"there is a primitive named {name!r} already")
        self.name = name
        self.infer = infer
        self.impl = impl
        self.rules: dict[str, Rule | Declared] = {
            "jvp": jvp, "transpose": transpose, "batch": batch,
        }  # fmt: skip
        self.text = text
        self.elementwise = elementwise
        self.view = view
        self.into = into
        self.multiple = multiple
        self.joint = joint
        self.aliases = aliases
        self.prepare = prepare
        self.prune = prune
        self.expand = expand
        self.hoist = hoist
        self.effects = effects
        self.carries_programs = carries_programs
        self.cacheable = cacheable and not carries_programs
        self.pure = effects is None and not carries_programs
        self.holds_objects = False
        self.traits = Traits(**traits)
        self._inferred: dict[Any, tuple[ArrayType, ...]] = {}
        PRIMITIVES[name] = self

    def infer_types(
        self, types: tuple[ArrayType, ...], params: dict[str, Any]
    ) -> tuple[ArrayType, ...]:
        """The types of the outputs, remembered for operand types and parameters seen before."""
        if not self.cacheable:
            result = self.infer(*types, **params)
            return result if self.multiple else (result,)
        key = (types, tuple(params.items())) if params else types
        known = self._inferred.get(key)
        if known is None:
            result = self.infer(*types, **params)
            known = result if self.multiple else (result,)
            remember(self._inferred, key, known, _FEW if self.holds_objects else _MANY)
        return known

    def effects_of(self, params: dict[str, Any]) -> Effects:
        """The effects of an equation with some parameters: its own, and those of its Programs."""
        if self.effects is not None:
            return self.effects(**params)
        if self.pure:
            return NO_EFFECTS
        return NO_EFFECTS.union(*[program.effects for _, program in programs_among(params)])

    def evaluate(self, values: list[Any], params: dict[str, Any]) -> tuple[Any, ...]:
        """The outputs for NumPy operands."""
        result = self.impl(*values, **params)
        return result if self.multiple else (result,)

    def rule(self, name: str, needed_for: str) -> Rule:
        """The rule of a name, which a transform calls.

        Raises:
            MissingRuleError: when there is none.
        """
        rule = self.rules.get(name, MISSING)
        if isinstance(rule, Declared):
            raise MissingRuleError(
                f"{self.name} has no {name} rule, which {needed_for} needs: {rule.value}",
                f"give the primitive {self.name!r} a {name} rule",
            )
        return rule

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_name, (self.name,)


def register(primitive: Primitive, name: str, rule: Rule | Declared) -> None:
    """Give a primitive its rule for a transform.

    Raises:
        ValueError: when it has one already.
    """
    if primitive.rules.get(name, MISSING) is not MISSING:
        raise ValueError(f"the primitive {primitive.name!r} has a {name} rule already")
    primitive.rules[name] = rule


_MANY, _FEW = 4096, 64


def remember(table: dict[Any, Any], key: Any, value: Any, limit: int = _MANY) -> None:
    """Store in a table that starts anew when it has grown large."""
    if len(table) >= limit:
        table.clear()
    table[key] = value


# What defines primitives, and is imported on demand: where a stored Program may have them from.
_DEFINERS = (
    "numpy._namespace", "control", "api.custom", "api.callbacks", "api.closures", "api.implicit",
    "api.custom_batching", "api.checkpoint", "nn", "random", "scipy.special", "scipy.linalg",
)  # fmt: skip


def _by_name(name: str) -> Primitive:
    for module in _DEFINERS:
        if name in PRIMITIVES:
            break
        with contextlib.suppress(ImportError):  # of an extra that is not installed
            import_module(f"{__package__}.{module}")
    try:
        return PRIMITIVES[name]
    except KeyError:
        raise MissingRuleError(
            f"a stored Program uses a primitive {name!r} that is not defined",
            "import the module that defines it before loading the Program",
        ) from None
