"""Stacks of the values of steps, and what takes the values from them or puts them together.

A value that each step of a loop gives is an element of a stack. In a later loop the values of all
steps are wanted together again, often in reverse. That is a slice of the stack, so that elements
are taken from it only for other uses.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..ir import Atom, Equation, Literal, Program, Var
from ..ops.index import CONCATENATE, SLICE, Ranges, whole
from ..ops.shape import RESHAPE
from ..passes.dead_code import dead_code
from ..primitive import Primitive
from ..recorder import Recorder, rewriting


class Element(NamedTuple):
    """The value of one step, in a stack of all."""

    stack: Var
    step: int


Elements = dict[Atom, Element]


class Columns:
    """Puts values together along a new first axis.

    Args:
        recorder: who records it.
        elements: Vars that are elements of stacks, and not computed yet.
    """

    def __init__(self, recorder: Recorder, elements: Elements):
        self._recorder = recorder
        self._elements = elements
        self._moved: dict[Atom, Equation] = {}
        self.see(recorder.equations)

    def see(self, equations: list[Equation]) -> None:
        """Note the equations that take arrays apart."""
        for equation in equations:
            if equation.primitive in (SLICE, RESHAPE):
                self._moved[equation.outputs[0]] = equation

    def column(self, atoms: tuple[Atom, ...], shape: tuple[int, ...]) -> Atom:
        """Values one after the other, each of a shape."""
        if all(type(atom) is Literal for atom in atoms):
            values = [np.reshape(atom.value, shape) for atom in atoms if type(atom) is Literal]
            return Literal(np.stack(values))
        parts: list[Atom] = []
        start = 0
        while start < len(atoms):
            end, part = self._run(atoms, start)
            parts.append(self._reshaped(part, (end - start, *shape)))
            start = end
        if len(parts) == 1:
            return parts[0]
        return record(self._recorder, CONCATENATE, tuple(parts), axis=0)

    def one_array(self, atoms: tuple[Atom, ...]) -> bool:
        """Whether values are elements of one array that follow one another."""
        return self._end(atoms, 0)[0] == len(atoms)

    def _reshaped(self, atom: Atom, shape: tuple[int, ...]) -> Atom:
        if atom.type.shape == shape:
            return atom
        if type(atom) is Literal:
            return Literal(np.reshape(atom.value, shape))
        return record(self._recorder, RESHAPE, (atom,), shape=shape)

    def _run(self, atoms: tuple[Atom, ...], start: int) -> tuple[int, Atom]:
        """Where elements of one array end that follow one another, and what has them all."""
        end, step = self._end(atoms, start)
        origin = self._origin(atoms[start])
        if origin is None:
            return end, atoms[start]
        array, index, rest = origin
        ranges = ((index, end - start, step), *rest)
        if ranges == whole(array.type.shape):
            return end, array
        return end, record(self._recorder, SLICE, (array,), ranges=ranges)

    def _end(self, atoms: tuple[Atom, ...], start: int) -> tuple[int, int]:
        """Where elements of one array end that follow one another, and the step between them."""
        first = self._origin(atoms[start])
        second = self._origin(atoms[start + 1]) if start + 1 < len(atoms) else None
        if first is None or second is None or second[1] == first[1]:
            return start + 1, 1
        array, index, rest = first
        step = second[1] - index
        end = start + 1
        while end < len(atoms) and self._origin(atoms[end]) == (
            array, index + step * (end - start), rest,
        ):  # fmt: skip
            end += 1
        return end, step if end > start + 1 else 1

    def _origin(self, atom: Atom) -> tuple[Atom, int, Ranges] | None:
        """The array of which an atom is an element along the first axis, which one, and of what
        along the others.
        """
        maker = self._moved.get(atom)
        if maker is not None and maker.primitive is RESHAPE:
            atom = maker.inputs[0]
            maker = self._moved.get(atom)
        element = self._elements.get(atom)
        if element is not None:
            return element.stack, element.step, whole(element.stack.type.shape)[1:]
        if maker is None or maker.primitive is not SLICE or not maker.params["ranges"]:
            return None
        (index, length, _), *rest = maker.params["ranges"]
        return (maker.inputs[0], index, tuple(rest)) if length == 1 else None


def with_elements(program: Program, elements: Elements) -> Program:
    """The Program with equations for the elements of stacks that it uses one by one."""
    program = _joined(program, elements)
    wanted: dict[Var, list[Atom]] = {}
    for atom in program.uses():
        if atom in elements:
            wanted.setdefault(elements[atom].stack, []).append(atom)
    with rewriting(program) as recorder:
        for equation in program.equations:
            recorder.equations.append(equation)
            recorder.position = equation.position
            for stack in equation.outputs:
                for atom in wanted.get(stack, ()):
                    _take(recorder, stack, elements[atom].step, atom)
        return dead_code(program.replace(equations=recorder.equations))


def _joined(program: Program, elements: Elements) -> Program:
    """The Program with slices of stacks for elements that are put together."""
    names: dict[Atom, Atom] = {}
    with rewriting(program) as recorder:
        columns = Columns(recorder, elements)
        for equation in program.equations:
            equation = equation.renamed(names)
            atoms = equation.inputs
            if (
                equation.primitive is CONCATENATE
                and equation.params["axis"] == 0
                and all(atom.type.shape[0] == 1 for atom in atoms)
                and columns.one_array(atoms)
            ):
                recorder.position = equation.position
                names[equation.outputs[0]] = columns.column(atoms, atoms[0].type.shape[1:])
            else:
                columns.see([equation])
                recorder.equations.append(equation)
        return program.rewritten(recorder.equations, names)


def _take(recorder: Recorder, stack: Var, step: int, out: Atom) -> None:
    """Record that a Var is the element of a stack for a step."""
    assert isinstance(out, Var)
    _, *rest = whole(stack.type.shape)
    part = record(recorder, SLICE, (stack,), ranges=((step, 1, 1), *rest))
    shape = {"shape": out.type.shape}
    recorder.equations.append(Equation(RESHAPE, (part,), shape, (out,), recorder.position))


def record(
    recorder: Recorder, primitive: Primitive, inputs: tuple[Atom, ...], **params: Any
) -> Var:
    """Record an equation of one output; its Var."""
    (type,) = primitive.infer_types(tuple([atom.type for atom in inputs]), params)
    var = Var(type)
    recorder.equations.append(Equation(primitive, inputs, params, (var,), recorder.position))
    return var
