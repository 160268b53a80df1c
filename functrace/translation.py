"""Errors of other libraries, in functrace's words.

Code that takes plain numbers, and is given a traced value, fails in ways of its own: the `json`
module, SciPy's compiled solvers, NumPy's generators. When such an error leaves a traced function,
it becomes one that names the user's line and a remedy. An error that the user's code raises by a
`raise` statement stays as it is.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import FrameType, TracebackType

from .dispatch import REASONS
from .errors import (
    CapturedArrayChangedError,
    ConcretizationError,
    FunctraceError,
    TracerAssignmentError,
    TracerConversionError,
)
from .source import internal, raised_at
from .tracer import Tracer

_CONVERSIONS = (TracerConversionError, TracerAssignmentError, ConcretizationError)

_RETURN = (
    "return the value from the function (grad and value_and_grad take has_aux=True) and use the "
    "result; for a function of NumPy's use that in place of Python's"
)
# What the messages of compiled code say of a traced value that they do not name, and the remedy.
_SIGNS = {
    "is not JSON serializable": _RETURN,
    "Iterator operand is flagged as writeable": "np.nditer",
    "bytes-like object is required, not 'Tracer'": "np.frombuffer",
    "required argument is not a float": _RETURN,
    "not a proper array of floats": (
        "a solver of SciPy's computes with plain numbers: differentiate its solution with "
        "functrace.custom_root, or compute it outside of the traced function"
    ),
}
_PLAIN_PYTHON = ("unsupported operand", "not supported between", "'Tracer' object")


def translate(error: BaseException, locked: bool) -> None:
    """Raise an error of functrace's for a foreign one that a traced value has caused.

    Args:
        error: an error that leaves a traced function.
        locked: whether the trace has locked arrays against changes.
    """
    if isinstance(error, FunctraceError):
        _translate_draw(error)
        return
    if isinstance(error, ValueError) and locked and "read-only" in str(error):
        raise _changed(error) from error
    frames = list(_frames(error.__traceback__))
    if not frames or _raised_by_user(*frames[-1]):
        return
    hidden = _hidden(error)
    if hidden is not None:
        raise hidden.with_traceback(error.__traceback__) from None
    _translate_draw(error)
    remedy = _remedy(error, frames[-1][1])
    if remedy:
        raise TracerConversionError(
            f"a function that takes plain numbers was given a traced value: {error}",
            remedy,
            raised_at(error.__traceback__)[0],
        ).with_traceback(error.__traceback__) from error


def _frames(traceback: TracebackType | None) -> Iterator[tuple[TracebackType, FrameType]]:
    while traceback is not None:
        yield traceback, traceback.tb_frame
        traceback = traceback.tb_next


def _raised_by_user(place: TracebackType, frame: FrameType) -> bool:
    """Whether a `raise` of the user's code raised the error, rather than what the code calls."""
    instruction = dis.opname[frame.f_code.co_code[place.tb_lasti]]
    return instruction in ("RAISE_VARARGS", "RERAISE") and not internal(frame.f_code.co_filename)


def _hidden(error: BaseException) -> FunctraceError | None:
    """The error of functrace that a library has replaced by one of its own."""
    seen = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if isinstance(link, FunctraceError):
            first = next(_frames(link.__traceback__), None)  # where it was caught
            caught_by_user = first and not internal(first[1].f_code.co_filename)
            return None if caught_by_user else link
        seen.add(id(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return None


def _remedy(error: BaseException, frame: FrameType) -> str:
    """What to do about an error that a traced value has caused; empty for any other."""
    text = str(error)
    for sign, remedy in _SIGNS.items():
        if sign in text:
            return REASONS[remedy][1] if remedy in REASONS else remedy
    if not isinstance(error, TypeError) or any(words in text for words in _PLAIN_PYTHON):
        return ""
    given = any(isinstance(x, Tracer) for x in frame.f_locals.values())
    in_library = internal(frame.f_code.co_filename)
    return _RETURN if "Tracer" in text or (in_library and given) else ""


def _translate_draw(error: BaseException) -> None:
    """Raise the error for a traced value given to one of NumPy's generators."""
    if isinstance(error, TypeError):
        source, drawn_by = raised_at(error.__traceback__)
        if drawn_by and (isinstance(error, _CONVERSIONS) or "Tracer" in str(error)):
            raise TracerConversionError(
                f"{drawn_by} was given a traced value; NumPy's generators take and give plain "
                "numbers, and draw while a function is traced, not when it runs",
                "use functrace.random, whose functions take a key and are traced as others are: "
                "mean + scale * functrace.random.normal(functrace.random.key(seed), shape)",
                source,
            ).with_traceback(error.__traceback__) from None


def _changed(error: ValueError) -> CapturedArrayChangedError:
    return CapturedArrayChangedError(
        "an array was changed in place while a traced function that uses it was running",
        "change a copy: b = a.copy(); b[...] = ...",
        raised_at(error.__traceback__)[0],
    )
