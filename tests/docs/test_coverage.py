"""docs/coverage.md says what functrace does, and errors say what the page says."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy
import scipy.linalg
import scipy.signal
import scipy.special
import scipy.stats

import functrace as ft
import functrace.numpy as fnp
from functrace.dispatch import FUNCTIONS, REASONS, UFUNCS

_DOCS = Path(__file__).parents[2] / "docs"
_spec = importlib.util.spec_from_file_location("coverage_page", _DOCS / "coverage.py")
assert _spec is not None
assert _spec.loader is not None
coverage = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(coverage)

TEXT = (_DOCS / "coverage.md").read_text(encoding="utf-8")
ROWS = coverage.rows()  # of the installed versions
PAGE = coverage.read(TEXT)
X = np.array([[2.0, 0.5], [0.5, 1.25]])


def test_the_page_says_of_every_name_what_functrace_does() -> None:
    page = {(row.section, row.name): row for row in PAGE}
    wrong = [row for row in ROWS if page.get((row.section, row.name)) != row]
    assert wrong == [], "run `make coverage`"


def test_the_page_is_what_the_script_writes() -> None:
    assert coverage.page(PAGE) == TEXT, "run `make coverage`"


def test_every_name_has_one_row() -> None:
    assert len({(row.section, row.name) for row in PAGE}) == len(PAGE)


@pytest.mark.parametrize("package", [np, scipy], ids=lambda package: package.__name__)
def test_every_module_is_served_or_named_with_a_reason(package: Any) -> None:
    reasons = {**coverage.numpy_unsupported.MODULES, **coverage.scipy_unsupported.MODULES}
    modules = [
        n
        for n in package.__all__
        if importlib.util.find_spec(f"{package.__name__}.{n}") is not None
    ]
    sections = {section.partition(".")[2] for section in coverage.INTRODUCTIONS}
    assert [name for name in modules if name not in reasons and name not in sections] == []


def test_every_function_that_answers_is_on_the_page() -> None:
    spelled = {row.name for row in PAGE if row.status != coverage.UNSUPPORTED}
    answered = [f for f in (*UFUNCS, *FUNCTIONS) if _module(f) in ("numpy", "numpy.linalg")]
    assert [f for f in answered if f.__name__ not in spelled] == []


def _module(function: Any) -> str | None:
    return "numpy" if isinstance(function, np.ufunc) and hasattr(np, function.__name__) else (
        getattr(function, "__module__", None)
    )  # fmt: skip


# Each row of what is supported


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.status.startswith("Through")],
    ids=lambda row: f"{row.section}.{row.name}",
)  # fmt: skip
def test_what_goes_through_functrace_is_there(row: Any) -> None:
    ours: Any = ft
    for part in row.section.split("."):
        ours = getattr(ours, part)
    assert getattr(ours, row.name) is not _original(row)


def _original(row: Any) -> Any:
    package, _, module = row.section.partition(".")
    home: Any = {"numpy": np, "scipy": scipy}[package]
    return vars(getattr(home, module) if module else home)[row.name]


@pytest.mark.parametrize("name", [n for r in ROWS if r.section == "ndarray" for n in [r.name]])
def test_a_traced_array_has_the_attributes_that_the_page_names(name: str) -> None:
    reason = REASONS.get(f"ndarray.{name}")

    def f(x: Any) -> Any:
        if reason is None:
            assert hasattr(x, name)
        else:
            with pytest.raises(ft.errors.UnsupportedAttributeError, match=reason[0]):
                getattr(x, name)
        return x

    ft.jit(f)(X)


# Each row of what is not

REFUSED = [row for row in ROWS if row.status == coverage.UNSUPPORTED]


def _exists(row: Any) -> bool:
    try:
        return callable(_original(row))
    except KeyError:  # of another version
        return False


def _is_dispatched(function: Any) -> bool:
    return isinstance(function, (np.ufunc, type(np.sum)))


ASKED = [
    row
    for row in REFUSED
    if row.section != "ndarray" and _exists(row) and _is_dispatched(_original(row))
]


@pytest.mark.parametrize("row", ASKED, ids=lambda row: f"{row.section}.{row.name}")
def test_what_is_not_supported_says_so_with_the_reason_of_the_page(row: Any, tmp_path: Any) -> None:
    function = _original(row)
    operands = getattr(function, "nin", 1)
    calls: list[Callable[[Any], Any]] = [
        lambda x: function(*(x,) * operands),
        lambda x: function(x, x),
        lambda x: function(tmp_path / "x.npy", x),
        lambda x: function("1", like=x),
        lambda x: function("1", "1", "f8", like=x),
    ]
    refusals = [_refusal(call) for call in calls]
    assert any(row.why in text and row.remedy in text for text in refusals)


def _refusal(call: Callable[[Any], Any]) -> str:
    try:
        ft.jit(call)(X)
    except ft.errors.UnsupportedFunctionError as error:
        return str(error)
    except (TypeError, ValueError):  # a call that this function does not take
        return ""
    return ""


CONVERTING = {
    "asarray_chkfinite": np.asarray_chkfinite,
    "asmatrix": np.asmatrix,
    "bmat": lambda x: np.bmat([[x, x]]),
    "broadcast": lambda x: np.broadcast(x, x),
    "format_float_positional": lambda x: np.format_float_positional(x[0, 0]),
    "format_float_scientific": lambda x: np.format_float_scientific(x[0, 0]),
    "fromiter": lambda x: np.fromiter([x[0, 0]], float),
    "isfortran": np.isfortran,
    "matrix": np.matrix,
    "ndenumerate": np.ndenumerate,
    "nditer": np.nditer,
    "object_": lambda x: np.object_(x) + np.array(x, object),
    "poly1d": lambda x: np.poly1d(x[0]),
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of np.matrix
@pytest.mark.parametrize("name", CONVERTING)
def test_what_converts_before_we_are_asked_cuts_no_derivative(name: str) -> None:
    assert f"np.{name}" in REASONS
    with pytest.raises((ft.errors.FunctraceError, TypeError)):
        ft.vjp(CONVERTING[name], X)


@pytest.mark.parametrize(
    ("function", "operands"),
    [
        (scipy.linalg.hessenberg, (X,)),
        (scipy.linalg.lstsq, (X, X)),
        (scipy.signal.lfilter, ([1.0], [1.0, 0.5], X)),
        (scipy.signal.hilbert, (X,)),
        (scipy.stats.zscore, (X,)),
        (scipy.stats.ttest_1samp, (X, 0.0)),
        (scipy.special.roots_jacobi, (2, 0.5, 0.5)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_scipys_python_functions_cut_no_derivative(function: Any, operands: Any) -> None:
    spelled = f"{function.__module__.partition('._')[0]}.{function.__name__}"
    assert spelled in REASONS
    with pytest.raises(ft.errors.FunctraceError):
        ft.vjp(lambda *xs: function(*xs), *operands)


@pytest.mark.parametrize("method", ["reduce", "accumulate", "reduceat", "at"])
def test_methods_of_ufuncs_are_refused_with_the_reason_of_the_page(method: str) -> None:
    for ufunc in {u for u in vars(np).values() if coverage._has_methods(u)}:
        bound = getattr(ufunc, method)
        if bound in FUNCTIONS:
            continue
        why, remedy = REASONS.get(f"np.{ufunc.__name__}.{method}") or REASONS[f"ufunc.{method}"]
        more = {"reduceat": ([0],), "at": ([0], 1.0)}.get(method, ())
        with pytest.raises(ft.errors.UnsupportedFunctionError) as caught:
            ft.jit(lambda x, f=bound, more=more: f(x, *more))(X)
        assert why in str(caught.value)
        assert remedy in str(caught.value)


def test_an_unknown_name_is_refused_with_the_nearest_that_are_known() -> None:
    unknown = np.frompyfunc(lambda x, y: x, 2, 1)
    with pytest.raises(ft.errors.UnsupportedFunctionError, match="not supported"):
        ft.jit(unknown)(X, X)
    assert fnp.frompyfunc is np.frompyfunc
