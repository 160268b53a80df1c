"""Code made for the arguments that a call site sees: the last tier.

For arguments that are trees of arrays and numbers, what a transform does step by step becomes
straight-line code. It takes the leaves from where they are, compares their types, runs what is to
be run and builds the result. For a function under `jit` this is the plan. For other transforms it
is a trace that is compared with the guards of the site, and then the finished Program. Where the
trace turns out different the code bails out: it returns what was recorded, with which the general
way goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..modes import chosen
from ..recorder import CURRENT, SCOPE
from ..recording import Recording
from ..tree import TreeDef
from .lru import LRU
from .site import THRESHOLDS

MISS: Any = object()  # what the code gives for arguments that it was not made for
ANY: Any = object()  # stands among the leaves for an argument that may be anything


class BailedOut(NamedTuple):
    """What was recorded by a trace that took another course than the guards'.

    Attributes:
        dropped: whether the code is of no use any more, as the guards were given up.
    """

    recording: Recording
    out_tree: TreeDef
    dropped: bool


class Hole:
    """Stands for a value while a result is put together: an expression in the code."""

    __slots__ = ("convert", "text")

    def __init__(self, text: str, convert: Callable[[Any], Any] | None = None):
        self.text = text
        self.convert = convert

    def item(self) -> Hole:
        """What stands for the Python scalar of the value."""
        return Hole(f"{self.text}.item()")


def converted(convert: Callable[[Any], Any], value: Any) -> Any:
    """A function of a value, now or in the code."""
    return Hole(value.text, convert) if type(value) is Hole else convert(value)


def holes(number: int) -> list[Hole]:
    """What stands for the outputs of what is run."""
    return [Hole(f"out[{i}]") for i in range(number)]


class Specialised:
    """The code for one function under one transform, as soon as there is some.

    Attributes:
        call: from the function, the arguments and the keywords to the result, or to MISS, or to
            what the code bailed out with.
    """

    __slots__ = ("_after", "_kind", "_left", "_seen", "call", "code")

    def __init__(self, after: int = THRESHOLDS.specialise, code: Any = None):
        self.call: Callable[..., Any] | None = None
        self.code = code
        self._after = after
        self._kind: Any = None
        self._seen = 0
        self._left = THRESHOLDS.attempts

    def __reduce__(self) -> tuple[Any, ...]:
        return Specialised, (self._after,)

    def __call__(self, fun: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The result of a call; MISS where there is no code for it."""
        call = self.call
        # As `usual`, which would be one more call.
        if call is None or CURRENT.get() is not None or chosen() is not None or SCOPE.get():
            return MISS
        found = call(fun, args, kwargs)
        if type(found) is BailedOut and found.dropped:
            self.call = None
            self._seen = 0
            self._left -= 1
        return found

    def due(self, kind: Any) -> bool:
        """Whether to make code, after a call that found everything again.

        Args:
            kind: what it found; code is made where some calls in a row find the same.
        """
        if kind is not self._kind:
            self._kind, self._seen = kind, 0
        self._seen += 1
        return self._seen == self._after and self._left > 0

    def forget(self) -> None:
        """Forget the code, and what was seen."""
        self.call = self._kind = None
        self._seen = 0

    def make(
        self,
        arguments: Any,
        run: Callable[..., Any],
        result: Any,
        bails: bool,
        wrap: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        """Make code for arguments like some.

        Args:
            arguments: the tree `(args, kwargs)`, with ANY for what may be anything.
            run: from the leaves to what the result is made of.
            result: a tree with Holes for that.
            bails: whether `run` takes the function too, and may bail out.
            wrap: from the function and the result to what the caller gets; None for the same.
        """
        self.call = _code(arguments, run, result, bails, wrap)


def usual() -> bool:
    """Whether nothing surrounds a call that its code does not know of."""
    return CURRENT.get() is None and chosen() is None and not SCOPE.get()


_specialised: LRU[Specialised] = LRU(THRESHOLDS.transforms)


def specialised(code: Any, *key: Any) -> Specialised | None:
    """The specialised code of a function's code under a transform; None where there can be none."""
    if code is None:
        return None
    key = (id(code), *key)  # as code takes long to hash; the entry keeps it alive
    try:
        found = _specialised.get(key)
    except TypeError:  # an option that is not hashable
        return None
    return found or _specialised.add(key, Specialised(code=code))


def forget() -> None:
    """Forget all code."""
    for entry in _specialised.values():  # functions hold on to theirs
        entry.forget()
    _specialised.clear()


# The code


def _code(
    arguments: Any,
    run: Callable[..., Any],
    result: Any,
    bails: bool,
    wrap: Callable[[Any, Any], Any] | None,
) -> Callable[..., Any] | None:
    """A function of the function, its arguments and keywords; None for leaves of other kinds."""
    leaves, structure = tree.flatten(arguments)
    if structure.size > THRESHOLDS.leaves:
        return None
    bound: dict[str, Any] = {
        "run": run, "MISS": MISS, "BailedOut": BailedOut, "ndarray": np.ndarray,
        "flatten": tree.flatten, "unflatten": tree.unflatten, "float64": np.float64,
        "int64": np.int64, "complex128": np.complex128, "bool_": np.bool_,
    }  # fmt: skip
    lines: list[str] = []
    names = (f"x{i}" for i in count())
    positional, keyword = structure.children
    found = list(_taken(positional, "args", lines, names, bound))
    if keyword.children:
        bound["keywords"] = tuple(arguments[1])
        lines.append("if tuple(kwargs) != keywords: return MISS")  # a function may see their order
        found += _taken(keyword, "kwargs", lines, names, bound)
    else:
        lines.append("if kwargs: return MISS")
    given = []
    for i, (name, leaf) in enumerate(zip(found, leaves, strict=True)):
        unfit, value = _checked(name, leaf, i, bound)
        if unfit is None:
            return None
        if unfit:
            lines.append(f"if {unfit}: return MISS")
        given.append(value)
    outputs, out_tree = tree.flatten(result)
    expressions = [_expression(x, f"c{i}", bound) for i, x in enumerate(outputs)]
    if None in expressions:
        return None
    values = f"({''.join(f'{x}, ' for x in given)})"
    lines.append(f"out = run(fun, {values})" if bails else f"out = run({values})")
    if bails:
        lines.append("if type(out) is BailedOut: return out")
    put_together = built(out_tree, iter(expressions), bound)
    bound["wrap"] = wrap
    lines.append(f"return {put_together if wrap is None else f'wrap(fun, {put_together})'}")
    return define("fast", "fun, args, kwargs", lines, bound)


def define(
    name: str, parameters: str, lines: Sequence[str], bound: dict[str, Any]
) -> Callable[..., Any]:
    """A function of some lines."""
    source = f"def {name}({parameters}):\n" + "".join(f"  {line}\n" for line in lines)
    exec(compile(source, "<functrace call>", "exec"), bound)  # noqa: S102 -- our own text
    return bound[name]


def _taken(
    structure: TreeDef, name: str, lines: list[str], names: Iterator[str], bound: dict[str, Any]
) -> Iterator[str]:
    """Add the lines that take a tree apart; the names of its leaves."""
    kind = structure.kind
    if kind is None:
        yield name
        return
    if kind is type(None):
        lines.append(f"if {name} is not None: return MISS")
        return
    if kind not in (tuple, list, dict):
        yield from _flattened(structure, name, lines, names, bound)
        return
    size = len(structure.children)
    lines.append(f"if type({name}) is not {kind.__name__} or len({name}) != {size}: return MISS")
    parts = [next(names) for _ in range(size)]
    if kind is dict:
        for part, key in zip(parts, _keys(structure), strict=True):
            bound[f"k{part}"] = key
            lines.append(f"{part} = {name}.get(k{part}, MISS)")
    elif size:
        lines.append(f"{', '.join(parts)}, = {name}")
    for part, child in zip(parts, structure.children, strict=True):
        yield from _taken(child, part, lines, names, bound)


def _flattened(
    structure: TreeDef, name: str, lines: list[str], names: Iterator[str], bound: dict[str, Any]
) -> Iterator[str]:
    """Add the lines that take a container of another kind apart."""
    parts = [next(names) for _ in range(structure.size)]
    flat, seen = next(names), next(names)
    bound[f"t{seen}"], bound[f"k{seen}"] = structure, structure.kind
    lines.append(f"if type({name}) is not k{seen}: return MISS")
    lines.append(f"{flat}, {seen} = flatten({name})")
    lines.append(f"if {seen} != t{seen}: return MISS")
    if parts:
        lines.append(f"{', '.join(parts)}, = {flat}")
    yield from parts


_NUMBERS = {float: "float64", complex: "complex128", bool: "bool_"}


def _checked(name: str, leaf: Any, i: int, bound: dict[str, Any]) -> tuple[str | None, str]:
    """When a leaf is not like the one seen, and the value to run with, as expressions.

    The first is None for a leaf of a kind that the code does not know, and empty for one that may
    be anything.
    """
    if leaf is ANY:
        return "", name
    kind = type(leaf)
    bound[f"t{i}"] = kind
    if kind in _NUMBERS:
        return f"type({name}) is not t{i}", f"{_NUMBERS[kind]}({name})"
    if kind is int:
        return f"type({name}) is not int or not {-(2**63)} <= {name} < {2**63}", f"int64({name})"
    if isinstance(leaf, np.generic):
        return f"type({name}) is not t{i}", name
    if kind is not np.ndarray or not leaf.dtype.isnative:
        return None, ""
    bound[f"d{i}"], bound[f"s{i}"] = leaf.dtype, leaf.shape
    unfit = f"type({name}) is not ndarray or {name}.dtype is not d{i} or {name}.shape != s{i}"
    return unfit, name


def _expression(leaf: Any, name: str, bound: dict[str, Any]) -> str | None:
    """The expression of a leaf of the result; None for one that may not be given twice."""
    if type(leaf) is Hole:
        if leaf.convert is None:
            return leaf.text
        bound[name] = leaf.convert
        return f"{name}({leaf.text})"
    if not isinstance(leaf, (np.ndarray, np.generic)):
        return None
    bound[name] = leaf
    return f"{name}.copy()" if type(leaf) is np.ndarray else name


def _keys(structure: TreeDef) -> tuple[Any, ...]:
    return structure.static  # type: ignore[return-value] -- a dict's keys


def built(structure: TreeDef, leaves: Iterator[Any], bound: dict[str, Any]) -> str:
    """An expression that puts a tree together."""
    kind = structure.kind
    if kind is None:
        return next(leaves)
    if kind is type(None):
        return "None"
    if kind not in (tuple, list, dict):
        name = f"r{len(bound)}"
        bound[name] = structure
        return f"unflatten({name}, [{', '.join(next(leaves) for _ in range(structure.size))}])"
    parts = [built(child, leaves, bound) for child in structure.children]
    if kind is tuple:
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if kind is list:
        return f"[{', '.join(parts)}]"
    pairs = []
    for part, key in zip(parts, _keys(structure), strict=True):
        name = f"r{len(bound)}"
        bound[name] = key
        pairs.append(f"{name}: {part}")
    return f"{{{', '.join(pairs)}}}"
