"""The shape of the package: who imports whom, and that nothing is left without rule or test."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace import conversions, dispatch, operators, tracer
from functrace.custom.op import Op
from functrace.passes.pipeline import optimize
from functrace.primitive import (
    LINEAR,
    NONDIFFERENTIABLE,
    NOT_LINEAR,
    PRIMITIVES,
    ZERO,
    Declared,
    Primitive,
)

from .cases.op_cases import CASES
from .cases.op_cases_collectives import programs_of_examples
from .helpers import TRACEABLE

PACKAGE = Path(ft.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Each row imports only from itself and the rows above it.
LAYERS: list[set[str]] = [
    {"source", "gc_pause", "remade"},
    {"errors"},
    {"keys", "static", "nodes"},
    {"tree", "axes", "modes"},
    {"ir", "pretty", "array_type", "lists"},
    {"primitive", "traits"},
    {"dispatch", "interop", "operands", "sharing", "typed"},
    {"printable"},
    {"conversions"},
    {"tracer"},
    {"operators", "translation"},
    {"values", "recording", "unrolled"},
    {"recorder", "locks"},
    {"fillable"},
    {"ops"},
    {"passes"},
    {"transforms", "numpy"},
    {"scipy"},
    {"executors"},
    {"control"},
    {"custom"},
    {"memo"},
    {"api"},
    {"nn", "random", "debug", "testing"},
    {"__init__", "machine", "__main__"},
]
# What is imported only when SciPy is there, and may import it.
OF_SCIPY = {*PACKAGE.glob("scipy/**/*.py"), *PACKAGE.glob("ops/special_*.py"),
            *PACKAGE.glob("ops/matrix_*.py")}  # fmt: skip
# Within a row, these never import each other.
APART = {("transforms", "numpy"), ("numpy", "transforms")}


def _unit(path: Path) -> str:
    """The module of the package, or the subpackage, that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _layer(unit: str) -> int:
    return next(i for i, units in enumerate(LAYERS) if unit in units)


def _is_typing_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _running_imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of a module that are not for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not _is_typing_block(child):
            yield from _running_imports(child)


def _imported_units(path: Path) -> Iterator[str]:
    """The parts of the package that a file imports."""
    package = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in _running_imports(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("functrace") for alias in node.names)
        elif node.level:
            target = [*package[: len(package) - node.level + 1]]
            target += node.module.split(".") if node.module else []
            for alias in node.names:
                full = [*target, alias.name]
                if len(full) > 1 and full[0] == "functrace":
                    yield full[1]
        else:
            assert not (node.module or "").startswith("functrace")


def test_every_file_belongs_to_a_layer() -> None:
    assert {_unit(path) for path in FILES} == set().union(*LAYERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_up_the_layers_only(path: Path) -> None:
    unit = _unit(path)
    for imported in _imported_units(path):
        assert _layer(imported) <= _layer(unit), f"{unit} imports {imported}"
        assert (unit, imported) not in APART, f"{unit} imports {imported}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_function_imports(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inner = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
            assert not inner, f"line {node.lineno} imports inside a function"


def test_every_package_has_its_tests() -> None:
    packages = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    assert len(packages) > 10
    for name in packages:
        assert list((Path(__file__).parent / name).glob("test_*.py")), f"tests/{name} has no test"


def test_only_the_contraction_pass_imports_opt_einsum() -> None:
    importers = [path for path in FILES if "opt_einsum" in _external_imports(path)]
    assert importers == [PACKAGE / "passes" / "contraction_order.py"]


def test_numpy_and_opt_einsum_are_the_only_dependencies() -> None:
    external = set().union(*map(_external_imports, set(FILES) - OF_SCIPY))
    assert external - sys.stdlib_module_names == {"numpy", "opt_einsum"}


def test_scipy_is_imported_by_its_own_part_alone() -> None:
    importers = {path for path in FILES if "scipy" in _external_imports(path)}
    assert importers
    assert importers <= OF_SCIPY


def _external_imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module":
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else "."
            found.update({name.partition(".")[0]} - {"", "functrace"})  # others are our own
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_hold_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 530


_USED = """
import sys
import numpy as np
import functrace as ft
print(*[name for name in sys.modules if name.startswith("functrace.")])
ft.grad(lambda w: np.sum(np.maximum(np.ones((3, 3)) @ w, 0)))(np.ones(3))
print(*[name for name in sys.modules if name.startswith("functrace.")])
"""


def test_what_is_not_used_is_not_imported() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _USED], capture_output=True, text=True, check=True, env=os.environ
    )
    at_first, used = (set(line.split()) for line in run.stdout.splitlines())
    assert at_first == set()
    parts = {name.split(".")[1] for name in used}
    assert parts.isdisjoint({"control", "custom", "nn", "random", "scipy"})
    assert "functrace.numpy.linalg" not in used


# Primitives and their rules

_ALLOWED = {
    "infer": set(),
    "impl": set(),
    "jvp": {LINEAR, ZERO, NONDIFFERENTIABLE},
    "transpose": {NOT_LINEAR},
    "batch": set(),
}


@pytest.mark.parametrize("primitive", list(PRIMITIVES.values()), ids=str)
def test_every_primitive_has_a_rule_or_a_declaration_in_every_slot(primitive: Primitive) -> None:
    for slot, declarations in _ALLOWED.items():
        rule = primitive.rules.get(slot) or getattr(primitive, slot)
        if isinstance(rule, Declared):
            assert rule in declarations, f"{slot} is {rule.name}"
        else:
            assert callable(rule)


@pytest.mark.parametrize("primitive", list(PRIMITIVES.values()), ids=str)
def test_a_linear_primitive_can_be_transposed(primitive: Primitive) -> None:
    if primitive.rules["jvp"] is LINEAR:
        assert primitive.rules["transpose"] is not NOT_LINEAR


# The table of cases


def test_case_names_are_unique() -> None:
    assert [name for name, count in Counter(c.name for c in CASES).items() if count > 1] == []


def test_every_primitive_has_a_case() -> None:
    programs = [ft.trace(c.fun)(*c.operands) for c in TRACEABLE] + programs_of_examples()
    chain = ft.trace(lambda A, v: (A @ A) @ v)(np.ones((60, 60)), np.ones(60))
    programs.append(optimize(chain))  # what passes alone make
    looking = ft.define_op(
        "looks_at_cotangents", lambda x: x, elementwise=True,
        vjp=lambda ct, primals, out: (ct if ct > 0 else -ct,),
    )  # fmt: skip
    programs.append(ft.trace(ft.grad(looking))(1.0))  # what cannot be mapped
    used = {equation.primitive.name for program in programs for equation in program.equations}
    own = {name for name in PRIMITIVES if "." not in name}  # others have the name of a module
    assert own - used == set()


class _Watched(dict[Any, Any]):
    """A table that notes which of its entries are asked for."""

    def __init__(self, table: dict[Any, Any]):
        super().__init__(table)
        self.asked: set[Any] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: Any) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)


def _label(function: Callable[..., Any]) -> str:
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", str(function))
    return f"{owner.__name__}.{name}" if isinstance(owner, np.ufunc) else name


def test_every_numpy_function_that_is_answered_for_has_a_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ufuncs, functions = _Watched(dispatch.UFUNCS), _Watched(dispatch.FUNCTIONS)
    for module in (dispatch, tracer, operators, conversions):
        monkeypatch.setattr(module, "UFUNCS", ufuncs, raising=False)
        monkeypatch.setattr(module, "FUNCTIONS", functions)
    for c in CASES:
        ft.vjp(c.fun, *c.operands) if c.needs_values else ft.trace(c.fun)(*c.operands)
    own = {f for f, answer in ufuncs.items() if not isinstance(answer, Op)}
    assert {_label(f) for f in own - ufuncs.asked} == set()
    assert {_label(f) for f in set(functions) - functions.asked} == set()


# Documentation

_PUBLIC = {name: getattr(ft, name) for name in ft.__all__}


@pytest.mark.parametrize("name", [n for n, v in _PUBLIC.items() if callable(v)])
def test_public_names_have_a_docstring_with_an_example(name: str) -> None:
    text = inspect.getdoc(_PUBLIC[name]) or ""
    assert ">>>" in text


@pytest.mark.parametrize("name", [n for n, v in _PUBLIC.items() if isinstance(v, ModuleType)])
def test_public_modules_have_a_docstring(name: str) -> None:
    assert (_PUBLIC[name].__doc__ or "").strip()


def test_all_public_functions_of_the_tree_module_are_documented() -> None:
    for name, value in vars(ft.tree).items():
        if not name.startswith("_") and inspect.isfunction(value):
            assert value.__doc__, name
