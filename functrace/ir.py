"""The intermediate representation: typed, in single-assignment form.

    Program   ::= inputs: Var*  equations: Equation*  outputs: Atom*
    Equation  ::= outputs: Var+ = primitive[params] inputs: Atom*
    Atom      ::= Var | Literal
    Var       ::= a name for one value of one ArrayType
    Literal   ::= a constant NumPy value of any rank
    ArrayType ::= dtype[shape]          printed as f64[3,4]; a trailing ~ marks a Python scalar

A parameter may be a Program or a tuple of Programs: the body of a loop, the branches of a choice.
Such a Program is closed: it uses no Vars but its own.

A Var is assigned once: it is an input of the Program or an output of one equation before its first
use. Operands are positional, static parameters are keywords, hashable, and part of an equation's
meaning. Programs are plain data: they are picklable, never change, and share Vars and equations
with the Programs they were made from. Two Programs are equal when they have the same structure,
with the same parameters, types and literals, whatever their Vars are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from .array_type import UNKNOWN as UNKNOWN
from .array_type import ArrayType as ArrayType
from .array_type import Shape as Shape
from .array_type import fits as fits
from .errors import ProgramError
from .pretty import format_program
from .source import Place, Source, resolve

if TYPE_CHECKING:
    from .primitive import Primitive


ACTS: Hashable = object()  # the effect of an equation that does something outside: it prints
Effects = frozenset[Hashable]  # ACTS, and names of mapped axes
NO_EFFECTS: Effects = frozenset()

FLOAT0 = np.dtype([("float0", np.void, 0)])  # the dtype of an integer's tangent: it holds nothing


class Var:
    """A value of a Program. Compared by identity; `name` is set for inputs only.

    Example:
        >>> import functrace as ft
        >>> ft.trace(lambda x: x + 1)(2.0).inputs
        (Var(x: f64),)
    """

    __slots__ = ("name", "type")

    def __init__(self, type: ArrayType, name: str = ""):
        self.type = type
        self.name = name

    def __repr__(self) -> str:
        return f"Var({self.name + ': ' if self.name else ''}{self.type})"


class Literal:
    """A constant: a NumPy scalar or a read-only array.

    Example:
        >>> import functrace as ft
        >>> ft.trace(lambda x: x + 1)(2.0).equations[0].inputs[1]
        Literal(np.float64(1.0))
    """

    __slots__ = ("_key", "type", "value")

    def __init__(self, value: Any, type: ArrayType | None = None):
        self.value = value
        self.type = type or ArrayType(value.shape, value.dtype)
        self._key: Hashable = None

    @property
    def key(self) -> Hashable:
        """What makes two literals equal: type and bits, so that -0.0 is not 0.0."""
        if self._key is not None:
            return self._key
        key = self.type, self.value.tobytes()
        if self.type.size <= _KEPT_KEY:
            self._key = key
        return key

    def __reduce__(self) -> tuple[Any, ...]:
        value = self.value
        if value.size > 1 and not any(value.strides):  # one number, repeated
            return _repeated, (value[(0,) * value.ndim], self.type)
        return Literal, (value, self.type)

    def __repr__(self) -> str:
        return f"Literal({self.value!r})"


def _repeated(number: Any, type: ArrayType) -> Literal:
    """A Literal that repeats a number, which costs no memory."""
    return Literal(np.broadcast_to(number, type.shape), type)


Atom = Var | Literal
_KEPT_KEY = 64  # elements of literals that keep their keys, as most are numbers


def zeros(like: Any) -> Any:
    """Zeros that cost no memory, of the shape and dtype of a type, an array or a tracer.

    Along an axis of unknown length they have length 1, so that they broadcast to what they meet.
    """
    shape = [1 if length == UNKNOWN else length for length in like.shape]
    return np.broadcast_to(like.dtype.type(0), shape)[()]


def zero(type: ArrayType) -> Literal:
    """A constant of `zeros`."""
    return Literal(zeros(type), type.strong)


class Equation:
    """One application of a primitive.

    Attributes:
        primitive: the operation.
        inputs: the operands.
        params: static keyword parameters, all hashable.
        outputs: the Vars it defines.
        position: where the user's code recorded it; `source` gives file and line.

    Example:
        >>> import functrace as ft
        >>> ft.trace(lambda x: x + 1)(2.0).equations
        (Equation(add: f64, f64 -> f64),)
    """

    __slots__ = ("inputs", "outputs", "params", "position", "primitive")

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Atom, ...],
        params: dict[str, Any],
        outputs: tuple[Var, ...],
        position: Place = None,
    ):
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.outputs = outputs
        self.position = position

    @property
    def programs(self) -> list[tuple[str, Program]]:
        """The Programs among the parameters, and what they are called."""
        return programs_among(self.params) if self.primitive.carries_programs else []

    @property
    def effects(self) -> Effects:
        """What the equation does, or depends on, besides its outputs and operands."""
        return self.primitive.effects_of(self.params)

    def replace(
        self,
        *,
        inputs: tuple[Atom, ...] | None = None,
        params: dict[str, Any] | None = None,
        outputs: tuple[Var, ...] | None = None,
    ) -> Equation:
        """The equation with other operands, parameters or outputs."""
        return Equation(
            self.primitive,
            self.inputs if inputs is None else inputs,
            self.params if params is None else params,
            self.outputs if outputs is None else outputs,
            self.position,
        )

    def renamed(self, names: dict[Atom, Atom]) -> Equation:
        """The equation with other operands in the place of those that have been renamed."""
        inputs = self.inputs
        if not names or names.keys().isdisjoint(inputs):
            return self
        return self.replace(inputs=tuple([names.get(atom, atom) for atom in inputs]))

    def with_programs(self, change: Callable[[Program], Program]) -> Equation:
        """The equation with other Programs among its parameters."""
        changed = {id(program): change(program) for _, program in self.programs}
        if all(id(new) == old for old, new in changed.items()):
            return self
        params = {
            name: tuple([changed.get(id(part), part) for part in value])
            if type(value) is tuple
            else changed.get(id(value), value)
            for name, value in self.params.items()
        }
        return self.replace(params=params)

    @property
    def source(self) -> Source | None:
        """The user's line that recorded this equation."""
        return resolve(self.position)

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.primitive, self.inputs, self.params, self.outputs, self.source)
        return Equation, fields

    def __repr__(self) -> str:
        from_types = ", ".join(str(atom.type) for atom in self.inputs)
        to_types = ", ".join(str(var.type) for var in self.outputs)
        return f"Equation({self.primitive.name}: {from_types} -> {to_types})"


def programs_among(params: dict[str, Any]) -> list[tuple[str, Program]]:
    """The Programs among parameters, and what they are called."""
    found = []
    for name, value in params.items():
        if type(value) is Program:
            found.append((name, value))
        elif type(value) is tuple and any(type(part) is Program for part in value):
            found.extend([(f"{name}[{i}]", part) for i, part in enumerate(value)])
    return found


def holds_objects(value: Any) -> bool:
    """Whether a parameter refers to objects of the user, and would keep these in memory."""
    if isinstance(value, tuple):
        return any(holds_objects(part) for part in value)
    return getattr(value, "holds_objects", False)


class Program:
    """A traced function: inputs, equations in the order of evaluation, outputs.

    Attributes:
        name: the traced function's name, for printing.
        settled: the passes that gave this Program, and have nothing left to change.

    Example:
        >>> import functrace as ft
        >>> program = ft.trace(lambda x: x + 1)(2.0)
        >>> len(program.equations), program == ft.trace(lambda y: y + 1)(3.0)
        (1, True)
    """

    __slots__ = (
        "_effects", "_key", "_structure", "equations", "inputs", "name", "outputs", "settled",
    )  # fmt: skip

    def __init__(
        self,
        inputs: Sequence[Var],
        equations: Sequence[Equation],
        outputs: Sequence[Atom],
        name: str = "program",
    ):
        self.inputs = tuple(inputs)
        self.equations = tuple(equations)
        self.outputs = tuple(outputs)
        self.name = name
        self._key: Hashable = None
        self._effects: Effects | None = None
        self._structure: tuple[Form, tuple[Any, ...]] | None = None
        self.settled: set[Callable[[Program], Program]] = set()

    @property
    def input_types(self) -> tuple[ArrayType, ...]:
        """The types of the inputs."""
        return tuple(var.type for var in self.inputs)

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        """The types of the outputs."""
        return tuple(atom.type for atom in self.outputs)

    @property
    def key(self) -> Hashable:
        """The structure as a hashable value: equal keys mean equal Programs."""
        if self._key is None:
            form, numbers = self.structure
            self._key = form, tuple([number.tobytes() for number in numbers])
        return self._key

    @property
    def structure(self) -> tuple[Form, tuple[Any, ...]]:
        """What the Program has in common with those that differ in numbers alone, and its numbers.

        The numbers are the constants without axes among the operands, in their order.
        """
        if self._structure is None:
            self._structure = _structure(self)
        return self._structure

    @property
    def effects(self) -> Effects:
        """The effects of all equations."""
        if self._effects is None:
            impure = [e.effects for e in self.equations if not e.primitive.pure]
            self._effects = NO_EFFECTS.union(*impure)
        return self._effects

    def replace(
        self,
        *,
        inputs: Sequence[Var] | None = None,
        equations: Sequence[Equation] | None = None,
        outputs: Sequence[Atom] | None = None,
        name: str | None = None,
    ) -> Program:
        """The Program with other inputs, equations, outputs or another name."""
        return Program(
            self.inputs if inputs is None else inputs,
            self.equations if equations is None else equations,
            self.outputs if outputs is None else outputs,
            self.name if name is None else name,
        )

    def rewritten(self, equations: Sequence[Equation], names: dict[Atom, Atom]) -> Program:
        """The Program with other equations, and outputs by their new names."""
        return self.replace(
            equations=equations, outputs=[names.get(atom, atom) for atom in self.outputs]
        )

    def uses(self) -> Counter[Atom]:
        """How often each atom is an operand or an output."""
        used = chain.from_iterable([equation.inputs for equation in self.equations])
        return Counter(chain(used, self.outputs))

    @property
    def holds_objects(self) -> bool:
        """Whether functions that it carries refer to objects of the user (see `holds_objects`)."""
        return any(
            e.primitive.holds_objects or any(holds_objects(x) for x in e.params.values())
            for e in self.equations
        )

    def silent(self) -> Program:
        """The Program without equations that act on the world outside, which have no outputs."""
        if ACTS not in self.effects:
            return self
        equations = [
            e.with_programs(Program.silent)
            for e in self.equations
            if e.outputs or ACTS not in e.effects
        ]
        return self.replace(equations=equations)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Program) and self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self.inputs, self.equations, self.outputs, self.name)

    def __str__(self) -> str:
        return format_program(self)

    __repr__ = __str__

    def check(self) -> None:
        """Verify single assignment, definition before use, and every type by inferring it anew.

        Raises:
            ProgramError: naming the equation that is wrong.
        """
        defined = set(self.inputs)
        if len(defined) != len(self.inputs):
            raise _malformed("two inputs are the same Var")
        for number, equation in enumerate(self.equations):
            _check_equation(equation, defined, f"equation {number} ({equation!r})")
            defined.update(equation.outputs)
        for atom in self.outputs:
            if isinstance(atom, Var) and atom not in defined:
                raise _malformed("an output is not defined")


def _check_equation(equation: Equation, defined: set[Var], where: str) -> None:
    for atom in equation.inputs:
        if isinstance(atom, Var) and atom not in defined:
            raise _malformed(f"{where} uses a Var before its definition", equation.source)
    for _, program in equation.programs:
        program.check()
    inferred = equation.primitive.infer_types(
        tuple(atom.type for atom in equation.inputs), equation.params
    )
    declared = tuple(var.type.strong for var in equation.outputs)
    if inferred != declared:
        raise _malformed(f"{where} has type {inferred}, not {declared}", equation.source)
    if any(var in defined for var in equation.outputs):
        raise _malformed(f"{where} defines a Var a second time", equation.source)


def _malformed(what: str, source: Source | None = None) -> ProgramError:
    return ProgramError(
        f"malformed Program: {what}",
        "a Program that functrace made is never malformed: please report this as a bug",
        source,
    )


class Form:
    """What Programs that differ in numbers alone have in common. Its hash is computed once."""

    __slots__ = ("_hash", "_rows")

    def __init__(self, rows: tuple[Hashable, ...]):
        self._rows = rows
        self._hash = hash(rows)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Form) and self._hash == other._hash and self._rows == other._rows
        )

    def __hash__(self) -> int:
        return self._hash


def is_number(atom: Atom) -> bool:
    """Whether an atom is a constant without axes, real or complex or an integer."""
    return type(atom) is Literal and not atom.type.shape and atom.type.dtype.kind in "iufc"


def _structure(program: Program) -> tuple[Form, tuple[Any, ...]]:
    """The form of a Program, and the numbers among its operands, in their order."""
    place: dict[Var, int] = {var: i for i, var in enumerate(program.inputs)}
    numbers: list[Any] = []
    rows: list[Hashable] = [program.input_types]
    for equation in program.equations:
        row: list[Hashable] = [equation.primitive]
        if equation.params:
            row.append(tuple(equation.params.items()))
        for atom in equation.inputs:
            if isinstance(atom, Var):
                row.append(place[atom])
            elif is_number(atom):
                numbers.append(atom.value)
                row.append(atom.type)
            else:
                row.append(atom.key)
        rows.append(tuple(row))
        for var in equation.outputs:
            place[var] = len(place)
    rows.append(tuple([place[a] if isinstance(a, Var) else a.key for a in program.outputs]))
    return Form(tuple(rows)), tuple(numbers)
