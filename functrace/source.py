"""Where in the user's code something happened.

Every equation remembers the line of user code that recorded it. Remembering must cost next to
nothing while tracing, so a place is kept as a `Position`, the code object and the offset of its
current instruction, and is turned into a file, line and text only when somebody asks.
"""

from __future__ import annotations

import dis
import importlib
import linecache
import os
import sys
from dataclasses import dataclass, replace
from types import CodeType, FrameType, TracebackType
from typing import NamedTuple

import numpy

Position = tuple[CodeType, int]

_PACKAGE, _NUMPY = (
    os.path.dirname(os.path.abspath(str(module.__file__)))
    for module in (sys.modules[__package__ or "functrace"], numpy)
)
_SCIPY = os.path.join(os.path.dirname(_NUMPY), "scipy")  # where it is installed, if it is
_CALLING = os.path.join(_PACKAGE, "api", "")  # calls functions of the user
_IMPORTING = os.path.dirname(os.path.abspath(str(importlib.__file__)))
_STANDARD = os.path.dirname(_IMPORTING)  # Python's own library
_OURS = (_PACKAGE + os.sep, "<functrace")
_INTERNAL_ROOTS = (*_OURS, _NUMPY + os.sep, _SCIPY + os.sep, "<frozen")
_INSTALLED = f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}"
_is_internal: dict[str, bool] = {}


@dataclass(frozen=True)
class Source:
    """A line of code: where an equation was recorded, or an error raised.

    Attributes:
        scope: the names that the line ran under, joined by slashes.
        derivative_of: the ops of whose derivatives an equation is part, the op of the line last.
    """

    filename: str
    line: int
    function: str
    scope: str = ""
    derivative_of: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The line itself, stripped, or an empty string where the file cannot be read."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        return f"{os.path.basename(self.filename)}:{self.line}"


class Remark(NamedTuple):
    """The place of an equation, and what is to be said about it.

    Attributes:
        scope: the names that the user's code was under.
        derivative_of: the op whose derivative the equation is part of.
    """

    place: Place
    scope: str = ""
    derivative_of: str = ""


Place = Position | Source | Remark | None


def derived(place: Place, op: str, again: bool = True) -> Place:
    """The place of an equation that is part of an op's derivative.

    Args:
        again: whether to say so where the op is part of a derivative itself.
    """
    if not again and type(place) is Remark and place.derivative_of:
        return place
    return Remark(place, derivative_of=op)


def scope_of(place: Place) -> str:
    """The names that the code of an equation was under."""
    while type(place) is Remark:
        if place.scope:
            return place.scope
        place = place.place
    return place.scope if isinstance(place, Source) else ""


def internal(filename: str) -> bool:
    """Whether a file belongs to functrace, NumPy, SciPy or Python rather than to the user."""
    known = _is_internal.get(filename)
    if known is None:
        standard = filename.startswith(_STANDARD + os.sep)  # which packages are installed below
        known = filename.startswith(_INTERNAL_ROOTS) or (
            standard and not any(folder in filename for folder in _INSTALLED)
        )
        _is_internal[filename] = known
    return known


def ours(filename: str) -> bool:
    """Whether a file belongs to functrace."""
    return filename.startswith(_OURS)


def user_frame(depth: int = 1) -> FrameType | None:
    """The innermost frame that is not ours, or None when there is none."""
    frame: FrameType | None = sys._getframe(depth)
    known = _is_internal
    while frame is not None:
        filename = frame.f_code.co_filename
        if not (known[filename] if filename in known else internal(filename)):
            return frame
        frame = frame.f_back
    return None


def calls_into(library: str) -> list[tuple[str, str]]:
    """The modules and names of a library's functions that run now for the user, outermost first.

    A method is named by its class.
    """
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and internal(frame.f_code.co_filename):
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(library + "."):
            found.append((module, frame.f_code.co_qualname.partition(".")[0]))
        frame = frame.f_back
    return found[::-1]


def user_position() -> Position | None:
    """The place in the user's code that is running now."""
    frame = user_frame(2)
    return None if frame is None else (frame.f_code, frame.f_lasti)


def resolve(place: Place) -> Source | None:
    """Turn the place of an equation into file, line and function."""
    if place is None or isinstance(place, Source):
        return place
    if isinstance(place, Remark):
        source = resolve(place.place)
        if source is None:
            return None
        ops = (place.derivative_of, *source.derivative_of)
        return replace(
            source,
            scope=place.scope or source.scope,
            derivative_of=ops if place.derivative_of else source.derivative_of,
        )
    code, offset = place
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            line = number
            break
    return Source(code.co_filename, line, code.co_name)


def asked_by_user(depth: int = 1) -> bool:
    """Whether it is user code that calls, itself or by way of NumPy or SciPy, and not ours.

    A function of SciPy that is traced itself is user code. What runs while a module is imported is
    not part of what is traced.
    """
    frame: FrameType | None = sys._getframe(depth)
    found = False
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith((_PACKAGE + os.sep, "<functrace")):
            return found or filename.startswith(_CALLING)
        if frame.f_code.co_name == "<module>":
            return False
        found = found or not internal(filename)
        frame = frame.f_back
    return found


def user_source() -> Source | None:
    """The line of the user's code that is running now."""
    return resolve(user_position())


def raised_at(traceback: TracebackType | None) -> tuple[Source | None, str]:
    """The line of the user's code that an error came from, and what of `np.random` raised it."""
    source, drawn_by = None, ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_name.startswith("numpy."):  # compiled; the name is that with all its modules
            if code.co_name.startswith("numpy.random.") and not drawn_by:
                owner, _, name = code.co_name.rpartition(".")
                drawn_by = f"{'Generator' if owner.endswith('.Generator') else 'np.random'}.{name}"
        elif not internal(code.co_filename):
            source = Source(code.co_filename, traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next
    return source, drawn_by


def user_operation() -> str:
    """What the user's current instruction does.

    It is "store" for `a[i] = x`, "load" for `a[i]`, and "format" for `"%d" % x`. NumPy converts a
    value in the same way for `np.asarray(x)` and for `a[i] = x`. Only the instruction tells which
    one the user wrote, and the two want different advice.
    """
    position = user_position()
    if position is None:
        return ""
    code, offset = position
    instruction = dis.opname[code.co_code[offset]]
    if instruction == "BINARY_OP":
        return _BINARY.get(code.co_code[offset + 1], "")
    return {"STORE_SUBSCR": "store", "BINARY_SUBSCR": "load"}.get(instruction, "")


_BINARY = {6: "format", 19: "format", 26: "load"}  # %, %=, and from Python 3.14 on []
