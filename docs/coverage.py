"""Write docs/coverage.md: what functrace has of NumPy and SciPy, name by name.

    python docs/coverage.py

Nothing is typed in that functrace knows: a function is supported when it answers, and whether it
has a derivative is seen by differentiating a call of it. The reasons for what is not supported are
those that the errors give.
"""

from __future__ import annotations

import re
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy
import scipy.linalg
import scipy.signal
import scipy.special
import scipy.stats

import functrace as ft
import functrace.scipy.linalg
import functrace.scipy.signal
import functrace.scipy.special
import functrace.scipy.stats
from functrace import tree
from functrace.dispatch import FUNCTIONS, REASONS, UFUNCS
from functrace.errors import FunctraceError
from functrace.numpy import like, standard_fft
from functrace.numpy import unsupported as numpy_unsupported
from functrace.numpy._namespace import NAMES
from functrace.numpy.standard import LATER
from functrace.recorder import record, type_of
from functrace.scipy import unsupported as scipy_unsupported
from functrace.transforms.jvp import jvp

PAGE = Path(__file__).with_name("coverage.md")


class Row(NamedTuple):
    """What is said of a name.

    Attributes:
        status: a heading of the page.
        why, remedy: for what is not supported.
    """

    section: str
    name: str
    status: str
    why: str = ""
    remedy: str = ""


# What the page says of itself

HEAD = """\
# What is supported

Every public name of NumPy and of SciPy's `linalg`, `signal`, `special` and `stats`, and where it
stands. This page is made by `make coverage`, and the tests compare it with what functrace does.

- **Differentiable**: called on traced arrays as it is, with derivatives to any order in both modes.
- **Without a derivative**: called on traced arrays as it is. Its results are integers, booleans,
  steps, or answers such as a shape, through which no derivative flows.
- **Through `functrace...`**: the function of the same name there takes traced arrays, which the
  original, whose calls do not reach us, does not.
- **As it is**: it takes no traced arrays, or hands them to functions above.
- **Not supported**: an error says why, and what to do instead. A function that converts its
  arguments before we are asked raises a `TracerConversionError`.

SciPy's own functions that follow the array API standard, such as `scipy.stats.zscore`, take traced
arrays as well when the environment variable `SCIPY_ARRAY_API` is `1` before SciPy is imported.
"""
DIFFERENTIABLE, CONSTANT = "Differentiable", "Without a derivative"
SUPPORTED, PLAIN, UNSUPPORTED = "Supported", "As it is", "Not supported"
INTRODUCTIONS = {
    "numpy": "Functions, ufuncs, classes and constants of the main namespace.",
    "numpy.linalg": "",
    "numpy.fft": "",
    "numpy.emath": "",
    "ndarray": "Attributes and methods of arrays, which traced arrays have as well.",
    "scipy.special": "",
    "scipy.linalg": "",
    "scipy.signal": "",
    "scipy.stats": "Densities, probabilities and their logarithms, as methods of distributions.",
}

# What takes no traced arrays

AS_IT_IS = {
    "numpy": (
        "bartlett blackman broadcast_shapes diag_indices fromfunction get_include get_printoptions "
        "getbufsize geterr geterrcall hamming hanning indices info isdtype isscalar issubdtype "
        "iterable mask_indices mintypecode printoptions promote_types row_stack set_printoptions "
        "setbufsize seterr seterrcall show_config show_runtime trapz tril_indices triu_indices "
        "typename dtype errstate finfo iinfo ndarray ndindex ufunc"
    ),
    "scipy.special": "errstate geterr seterr",
    "scipy.linalg": (
        "dft find_best_blas_type get_blas_funcs get_lapack_funcs hadamard helmert hilbert "
        "invhilbert invpascal pascal"
    ),
    "scipy.signal": (
        "choose_conv_method correlation_lags get_window max_len_seq unit_impulse"
    ),
    "scipy.stats": "",
}  # fmt: skip
OTHER_VERSIONS = [  # names that work, and that the newest versions lack
    Row("numpy", "in1d", CONSTANT),
    Row("numpy", "trapz", PLAIN),
    Row("ndarray", "ptp", SUPPORTED),
]

# Whether a function has a derivative, by trial

_X = np.array([[2.0, 0.5], [0.5, 1.25]])
_V, _K, _S = np.array([0.3, 0.6, 0.9]), np.array([1, 0, 2]), np.float64(0.5)
CALLS: list[tuple[Any, ...]] = [
    (_X,), (_V,), (_S,), (_K,), (_X, _X), (_V, _V), (_V, _K), (_K, _K), (_X, 1), (_X, 0, 1),
    (_V, _V, _V), (_X, _V[:2]), ([_X, _X],), (_V > 0.5, _V), (_S, _S, 3), (_X, (0, 1)),
    ("ij,jk", _X, _X), (_K, (4, 4)), (_K, [_V, _V, _V]), ([_V > 0.5], [_V]), (np.sin, 0, _X),
    (np.sum, _X, 0), (_X, (2, 2)), (_V, _V, 1), (_V > 0.5, _V, _V), (_V, 3), (_V, 0, 1),
    (_X[None], 2), ([_K, _K], (4, 4)), (_X, np.eye(2, dtype=int), 1),
    (_K.astype(np.uint8),), (_V, [_V > 0.5], [np.sin, 0]),
]  # fmt: skip


def _is_operand(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic))


def trial(function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> str | None:
    """Whether a function of traced arrays has a derivative; None when no call of it succeeds."""
    found = None
    for call in calls:
        try:
            differentiable = _differentiates(function, call)
        except Exception:  # noqa: S112 -- most calls are not meant for this function
            continue
        if differentiable:
            return DIFFERENTIABLE
        found = CONSTANT
    return found


def _differentiates(function: Callable[..., Any], call: tuple[Any, ...]) -> bool:
    operands = [x for x in tree.leaves(call) if _is_operand(x)]
    if not operands:
        raise ValueError("a call without an array says nothing")

    def traced(tracers: list[Any]) -> list[Any]:
        rest = iter(tracers)
        result = function(*tree.map(lambda x: next(rest) if _is_operand(x) else x, call))
        return [y for y in tree.leaves(result) if isinstance(y, ft.Tracer)]

    names = [""] * len(operands)
    types_ = [type_of(x) for x in operands]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        program = record(traced, types_, names=names, values=operands).program
        _, has_tangent = jvp(program, [type.inexact for type in program.input_types])
    return any(has_tangent)


def _in_place(write: Callable[..., Any]) -> Callable[[Any], Any]:
    """A function that changes its argument, as one that returns a changed copy."""

    def changed(x: Any) -> Any:
        y = np.copy(x)
        write(y, x)
        return y

    return changed


WRITES: dict[str, Callable[..., Any]] = {
    "copyto": lambda f: _in_place(lambda y, x: f(y, 2 * x)),
    "fill_diagonal": lambda f: _in_place(lambda y, x: f(y, x[0])),
    "place": lambda f: _in_place(lambda y, x: f(y, x > 1, x[0])),
    "put": lambda f: _in_place(lambda y, x: f(y, [0], x[0])),
    "put_along_axis": lambda f: _in_place(lambda y, x: f(y, np.array([[0], [1]]), x[:, :1], 1)),
    "putmask": lambda f: _in_place(lambda y, x: f(y, x > 1, 2 * x)),
}

# The rows


def rows() -> list[Row]:
    """What there is to say of each name of the installed versions, and of names of others."""
    found = [*_numpy_rows(), *_ndarray_rows(), *_scipy_rows()]
    known = {(row.section, row.name) for row in found}
    found += [row for row in OTHER_VERSIONS if (row.section, row.name) not in known]
    for spelled, (why, remedy) in REASONS.items():
        section, _, name = spelled.replace("np.", "numpy.", 1).rpartition(".")
        if section in INTRODUCTIONS and (section, name) not in known:
            found.append(Row(section, name, UNSUPPORTED, why, remedy))
    return sorted(found)


def _numpy_rows() -> Iterator[Row]:
    for section, module, ours in (
        ("numpy", np, NAMES),
        ("numpy.linalg", np.linalg, {}),
        ("numpy.fft", np.fft, vars(standard_fft)),
    ):
        for name in _names(module):
            original = getattr(module, name)
            yield _row(section, name, original, ours.get(name, original))


def _names(module: types.ModuleType) -> list[str]:
    """The public names that are no modules and no classes of errors."""
    values = {name: getattr(module, name) for name in module.__all__ if not name.startswith("_")}
    return [
        name
        for name, value in values.items()
        if not isinstance(value, types.ModuleType)
        and not (isinstance(value, type) and issubclass(value, Exception))
    ]


def _row(section: str, name: str, original: Any, ours: Any) -> Row:
    """A function that NumPy's dispatch hands on, or one of ours that has its name."""
    spelled = f"{section}.{name}".replace("numpy.", "np.", 1)
    status = _supported(section, name, original, ours)
    if spelled in REASONS:
        if status is not None:
            raise LookupError(f"{spelled} is supported by now: take it out of the table of reasons")
        return Row(section, name, UNSUPPORTED, *REASONS[spelled])
    if status is None and (name in AS_IT_IS.get(section, "").split() or _is_data(original)):
        status = PLAIN
    if status is None:
        raise LookupError(f"{spelled}: nobody answers, and the table of reasons does not say why")
    return Row(section, name, status)


def _supported(section: str, name: str, original: Any, ours: Any) -> str | None:
    """How a name is supported, or None."""
    answered = _hashed(original) in UFUNCS or _hashed(original) in FUNCTIONS
    if answered and not (section == "numpy" and name in like.NAMES):
        return _status(name, original)
    if ours is not original and name not in LATER:
        return f"Through `functrace.{section}`"
    if section == "scipy.special" and isinstance(original, types.FunctionType):
        status = _status(name, original)  # it may be made of ufuncs that answer
        return status if status == DIFFERENTIABLE else None
    return None


def _hashed(value: Any) -> Any:
    """What a table can be asked for: the value, or None where it cannot be hashed."""
    try:
        hash(value)
    except TypeError:
        return None
    return value


def _status(name: str, function: Any) -> str | None:
    if name in WRITES:
        return trial(WRITES[name](function), [(_X,)])
    numbers = product((np.float64(0.4), np.float64(2.0), 1), repeat=getattr(function, "nin", 2))
    return trial(function, [*CALLS, *numbers])


def _is_data(value: Any) -> bool:
    """Constants and dtypes of numbers."""
    if isinstance(value, type):
        return issubclass(value, np.generic)
    return not callable(value)


def _ndarray_rows() -> Iterator[Row]:
    for name in dir(np.ndarray):
        if name.startswith("_"):
            continue
        if hasattr(ft.Tracer, name):
            yield Row("ndarray", name, SUPPORTED)
        else:
            yield Row("ndarray", name, UNSUPPORTED, *REASONS[f"ndarray.{name}"])


def _scipy_rows() -> Iterator[Row]:
    for name in ("special", "linalg", "signal", "stats"):
        module, ours = getattr(scipy, name), getattr(functrace.scipy, name)
        for member in _names(module):
            yield _row(f"scipy.{name}", member, getattr(module, member), getattr(ours, member))


# The page


def page(rows: Sequence[Row]) -> str:
    """The page's text."""
    parts = [HEAD]
    for section, introduction in INTRODUCTIONS.items():
        own = [row for row in rows if row.section == section]
        parts.append(f"## {section}\n")
        if introduction:
            parts.append(introduction + "\n")
        for status in (
            DIFFERENTIABLE,
            CONSTANT,
            SUPPORTED,
            f"Through `functrace.{section}`",
            PLAIN,
        ):
            names = [f"`{row.name}`" for row in own if row.status == status]
            if names:
                text = textwrap.fill(" ".join(names), 100, break_on_hyphens=False)
                parts.append(f"**{status}:**\n{text}\n")
        parts.append(_refused([row for row in own if row.status == UNSUPPORTED]))
        if section == "ndarray":
            parts.append(_ufunc_methods())
    parts.append(_arguments())
    parts.append(_modules("numpy", numpy_unsupported.MODULES))
    parts.append(_modules("scipy", scipy_unsupported.MODULES))
    return "\n".join(part for part in parts if part)


def _refused(rows: Sequence[Row]) -> str:
    """A table of what is not supported, with a line for each reason."""
    if not rows:
        return ""
    lines = [f"**{UNSUPPORTED}:**\n", "| name | why | instead |", "|---|---|---|"]
    for why, remedy in dict.fromkeys((row.why, row.remedy) for row in rows):
        names = " ".join(f"`{row.name}`" for row in rows if (row.why, row.remedy) == (why, remedy))
        lines.append(f"| {names} | {why} | {remedy} |")
    return "\n".join(lines) + "\n"


METHODS = ("reduce", "accumulate", "reduceat", "outer", "at")


def _ufunc_methods() -> str:
    """A table of the methods of NumPy's ufuncs of two operands."""
    ufuncs = {u.__name__: u for u in vars(np).values() if _has_methods(u)}
    lines = ["## Methods of ufuncs\n", "Those of NumPy's ufuncs of two operands.\n",
             "| method | supported for | not for | why |", "|---|---|---|---|"]  # fmt: skip
    for method in METHODS:
        there = {n for n, u in ufuncs.items() if getattr(u, method) in FUNCTIONS}
        missing = sorted(set(ufuncs) - there)
        few = len(there) < len(missing)
        reasons = {
            (REASONS.get(f"np.{n}.{method}") or REASONS[f"ufunc.{method}"])[0] for n in missing
        }
        supported = _listed(sorted(there)) if few else "all others" if missing else "all"
        refused = "all others" if few else _listed(missing)
        lines.append(f"| `{method}` | {supported} | {refused} | {'; '.join(sorted(reasons))} |")
    return "\n".join(lines) + "\n"


def _has_methods(value: Any) -> bool:
    return (
        isinstance(value, np.ufunc)
        and (value.nin, value.nout) == (2, 1)
        and value.signature is None
    )


def _listed(names: Sequence[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


# Arguments of functions that are supported without them: what is written, why it is refused, and a
# call, whose error gives the remedy.
ARGUMENTS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("`out=` of functions of `numpy`", "a traced array has no place that is written to",
     lambda x: np.sum(x, out=np.zeros(()))),
    ("`where=` of ufuncs", "elements where it is false have no value",
     lambda x: np.exp(x, where=_X > 1)),
    ("`signature=` of ufuncs", "the loop is that of the dtypes",
     lambda x: np.exp(x, signature="d->d")),
    ("a function as `mode=` of `pad`", "it writes into arrays",
     lambda x: np.pad(x, 1, mode=print)),  # type: ignore[call-overload]
    ("`linalg.qr(mode=\"raw\")`", "LAPACK's reflectors have no rule",
     lambda x: np.linalg.qr(x, mode="raw")),
    ("`left=` and `homogeneous_eigvals=` of `scipy.linalg.eig`", "they have no rule",
     lambda x: ft.scipy.linalg.eig(x, left=True)),
    ("`subset_by_value=` of `scipy.linalg.eigh`", "the shape of the result depends on values",
     lambda x: ft.scipy.linalg.eigh(x, subset_by_value=[0, 1])),
    ("`sort=` of `scipy.linalg.schur`", "the order depends on values",
     lambda x: ft.scipy.linalg.schur(x, sort="lhp")),
]  # fmt: skip


def _arguments() -> str:
    lines = [
        "## Arguments that are not supported\n",
        "| argument | why | instead |",
        "|---|---|---|",
    ]
    for argument, why, call in ARGUMENTS:
        try:
            ft.trace(call)(_X)
        except FunctraceError as error:
            lines.append(f"| {argument} | {why} | {error.remedy} |")
        else:
            raise AssertionError(f"{argument} is supported: take it out of ARGUMENTS")
    return "\n".join(lines) + "\n"


def _modules(package: str, reasons: dict[str, str]) -> str:
    lines = [f"## Other modules of {package}\n", "| module | why |", "|---|---|"]
    lines += [f"| `{package}.{name}` | {why} |" for name, why in reasons.items()]
    return "\n".join(lines) + "\n"


def read(text: str) -> list[Row]:
    """The rows of a page."""
    found = []
    for section in re.split(r"(?m)^## ", text)[1:]:
        title = section.partition("\n")[0]
        if title not in INTRODUCTIONS:
            continue
        for block in re.finditer(r"(?ms)^\*\*(.+?):\*\*\n(.*?)(?=^\*\*|\Z)", section):
            status, body = block.groups()
            lines = body.splitlines()
            cells = [line.strip("|").split(" | ") for line in lines if line.startswith("| `")]
            for names, why, remedy in cells:
                found += [
                    Row(title, name, status, why.strip(), remedy.strip())
                    for name in re.findall(r"`([^`]+)`", names)
                ]
            if not cells:
                found += [Row(title, name, status) for name in re.findall(r"`([^`]+)`", body)]
    return sorted(found)


if __name__ == "__main__":
    PAGE.write_text(page(rows()), encoding="utf-8")
