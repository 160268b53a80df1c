"""The text form of a Program, made to be read.

    loss(W: f64[4,3], x: f64[3], y: f64) -> f64
      a: f64[4] = W @ x
      ...
      return b

A line is the Var that an equation defines, its type, and the op as one would write it in Python.
Inputs keep the names they have in the function's signature. The Programs that a loop or a choice
carries follow its line, indented. An equation that was recorded in a `named_scope` has the name at
the end of its line.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from .source import scope_of

if TYPE_CHECKING:
    from .ir import Equation, Literal, Program

_WIDTH = 96
_COLUMN = 40  # what is defined in longer lines, as by a loop, does not move the others' column


def format_program(program: Program) -> str:
    """The text of a Program."""
    names = _Names(program)
    rows = [_row(equation, names) for equation in program.equations]
    width = max([len(left) for left, _ in rows if len(left) <= _COLUMN], default=0)
    body = [
        f"  {_line(left.ljust(width), right, equation)}{_nested(equation)}"
        for (left, right), equation in zip(rows, program.equations, strict=True)
    ]
    results = ", ".join(names[atom] for atom in program.outputs)
    constants = [f"  {name} = {text}" for name, text in names.constants]  # now all are known
    return "\n".join([*_header(program, names), *constants, *body, f"  return {results}".rstrip()])


def equation_text(program: Program, equation: Equation) -> tuple[str, list[str]]:
    """The text of one of a Program's equations, and what its operands are called there."""
    names = _Names(program)
    row = "", ""
    for other in program.equations:
        row = _row(other, names)
        if other is equation:
            break
    return " = ".join(row), [names[atom] for atom in equation.inputs]


def _header(program: Program, names: _Names) -> list[str]:
    inputs = [f"{names[var]}: {var.type}" for var in program.inputs]
    types = ", ".join(str(type) for type in program.output_types)
    result = types if len(program.outputs) == 1 else f"({types})"
    line = f"{program.name}({', '.join(inputs)}) -> {result}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{program.name}(", *(f"    {text}," for text in inputs), f") -> {result}"]


def _row(equation: Equation, names: _Names) -> tuple[str, str]:
    operands = [names[atom] for atom in equation.inputs]
    text = equation.primitive.text
    if text is not None:
        right = text(*operands, **equation.params)
    else:
        carried = {name.partition("[")[0] for name, _ in equation.programs}
        params = [f"{name}={value}" for name, value in equation.params.items()
                  if name not in carried]  # fmt: skip
        right = f"{equation.primitive.name}({', '.join(operands + params)})"
    left = ", ".join(f"{names.new(var)}: {var.type}" for var in equation.outputs)
    return left, right


def _line(left: str, right: str, equation: Equation) -> str:
    scope = scope_of(equation.position)
    text = f"{left} = {right}" if equation.outputs else right
    return f"{text}  # {scope}" if scope else text


def _nested(equation: Equation) -> str:
    texts = [textwrap.indent(f"\n{program}", "    ") for _, program in equation.programs]
    return "".join(texts)


class _Names:
    """A name for each Var, the digits of each scalar literal, and a name for each array literal."""

    def __init__(self, program: Program):
        self.constants: list[tuple[str, str]] = []
        self._names: dict[Any, str] = {}
        self._taken: set[str] = set()
        self._letters = _letters()
        for var in program.inputs:
            self._names[var] = self._unique(var.name) if var.name else ""
            self._taken.add(re.split(r"\W", var.name, maxsplit=1)[0])  # no `p` beside `p[0]`
        for var in program.inputs:
            self._names[var] = self._names[var] or self._fresh()

    def __getitem__(self, atom: Any) -> str:
        known = self._names.get(atom)
        if known is None:
            known = self._names[atom] = self._literal(atom)
        return known

    def new(self, var: Any) -> str:
        name = self._names[var] = self._fresh()
        return name

    def _fresh(self) -> str:
        return self._unique(next(n for n in self._letters if n not in self._taken))

    def _unique(self, name: str) -> str:
        if name in self._taken:
            name = next(f"{name}_{i}" for i in count(2) if f"{name}_{i}" not in self._taken)
        self._taken.add(name)
        return name

    def _literal(self, literal: Literal) -> str:
        if not literal.type.shape:
            return _digits(literal.value)
        if literal.value.size and not any(literal.value.strides):  # one number, repeated
            return f"full({literal.type.shape}, {_digits(literal.value.flat[0])})"
        name = self._unique(f"c{len(self.constants)}")
        text = np.array2string(literal.value, threshold=8, edgeitems=2, precision=4, separator=", ")
        self.constants.append((f"{name}: {literal.type}", " ".join(text.split())))
        return name


def _digits(value: Any) -> str:
    return repr(value.item())


def _letters() -> Iterator[str]:
    """a, b, ..., z, aa, ab, ..."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    for size in count(1):
        for number in range(26**size):
            name = ""
            for _ in range(size):
                number, digit = divmod(number, 26)
                name = alphabet[digit] + name
            yield name
