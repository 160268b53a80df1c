"""The traits of ops hold, and none is forgotten: both are tried with numbers."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import functrace.numpy
from functrace.primitive import PRIMITIVES, Primitive

ELEMENTWISE = [  # NumPy's ufuncs of one result; SciPy's are undefined for many of the numbers
    p for p in PRIMITIVES.values()
    if p.elementwise and getattr(np, getattr(p.impl, "__name__", ""), None) is p.impl
]  # fmt: skip
NUMBERS = np.array(
    [
        0.0,
        -0.0,
        1,
        -1,
        0.5,
        -0.5,
        2,
        -2,
        3.7,
        -3.7,
        1e-300,
        -1e-300,
        40,
        -40,
        1e5,
        np.inf,
        -np.inf,
        np.nan,
    ]
)
INTEGERS = np.array([0, 1, -1, 2, -2, 3, 5, -7, 12])
# Where numbers show a trait that is not declared.
EXCEPTIONS = {
    "commutative": {
        "maximum": "of 0.0 and -0.0 some processors give the second",
        "minimum": "as maximum", "fmax": "as maximum", "fmin": "as maximum",
    },
}  # fmt: skip


def _operands(primitive: Primitive) -> tuple[np.ndarray, ...] | None:
    """Operands of the first inner loop of a ufunc that takes any of ours: all pairs of numbers."""
    ufunc: Any = primitive.impl
    for numbers in (NUMBERS, INTEGERS, NUMBERS > 0):
        dtypes = [numbers.dtype] * ufunc.nin
        try:
            *inputs, _ = ufunc.resolve_dtypes((*dtypes, None))
        except TypeError:
            continue
        if inputs == dtypes:
            return tuple(np.meshgrid(*[numbers] * ufunc.nin, indexing="ij"))
    return None


def _value(primitive: Primitive, *operands: Any) -> Any:
    with np.errstate(all="ignore"):
        return primitive.impl(*operands)


def _same(x: Any, y: Any) -> bool:
    """Equal to the last bit, NaN as NaN."""
    kind = x.dtype.kind
    signs = kind != "f" or np.array_equal(np.signbit(x)[x == x], np.signbit(y)[x == x])
    return bool(np.array_equal(x, y, equal_nan=kind in "fc") and signs)


def _holds(trait: str, primitive: Primitive) -> bool | None:
    """Whether numbers show a trait; None where they cannot tell."""
    operands = _operands(primitive)
    if operands is None:
        return None
    result = _value(primitive, *operands)
    if trait == "commutative":
        return _same(result, _value(primitive, *operands[::-1])) if len(operands) == 2 else None
    signed = operands[0].dtype.kind in "if"
    if trait == "even":
        alone = len(operands) == 1 and signed
        return _same(result, _value(primitive, -operands[0])) if alone else None
    if result.dtype.kind != "f":
        return None
    if trait == "never_minus_zero":
        return not np.any((result == 0) & np.signbit(result))
    if trait == "nonnegative":
        return not np.any(result < 0)
    finite = np.all([np.abs(x) <= 40 for x in operands], axis=0)  # nothing overflows
    return bool(np.all(np.isfinite(result[finite])))


TRAITS = ["commutative", "even", "total", "never_minus_zero", "nonnegative"]


@pytest.mark.parametrize("trait", TRAITS)
@pytest.mark.parametrize("primitive", ELEMENTWISE, ids=str)
def test_a_ufunc_declares_the_traits_that_it_has(primitive: Primitive, trait: str) -> None:
    declared, shown = getattr(primitive.traits, trait), _holds(trait, primitive)
    if shown is None or primitive.name in EXCEPTIONS.get(trait, {}):
        return
    assert declared == shown, f"{trait} is declared {declared}, and numbers show {shown}"


PACKAGE = Path(functrace.__file__).parent
# The files outside `ops` that still tell ops by their names.
NAMING = {"memo/guards.py", "numpy/assignment.py", "sharing.py"}


def _names_ops(path: Path) -> bool:
    """Whether a file compares the name of a primitive with strings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare) and ast.unparse(node.left).endswith("primitive.name"):
            return True
    return False


def test_files_outside_ops_name_no_op_to_know_a_property_of_it() -> None:
    files = [p for p in PACKAGE.rglob("*.py") if "ops" not in p.relative_to(PACKAGE).parts]
    assert {str(p.relative_to(PACKAGE)) for p in files if _names_ops(p)} == NAMING
