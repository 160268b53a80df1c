"""NumPy's products, all of which are einsums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import AxisError, DTypeError, OptionError, ShapeError, UnsupportedFunctionError
from ..ops import contract
from ..ops import elementwise as ops
from ..ops.cast import astype, promote
from ..ops.contract import LETTERS
from ..ops.shape import normalize_axis
from ..tracer import UFUNCS, Tracer
from ._register import implements, refuse
from .elementwise import array
from .matrices import diagonal
from .reductions import sum
from .shaping import expand_dims, moveaxis, ravel

_ALPHABET = "".join(sorted(LETTERS))  # in the order in which implicit outputs are sorted


def _letters(count: int, avoid: str = "") -> str:
    free = [c for c in LETTERS if c not in avoid]
    if count > len(free):
        raise UnsupportedFunctionError(f"a product of arrays with {count} axes")
    return "".join(free[:count])


def matmul(x1: Any, x2: Any, /) -> Any:
    """As `np.matmul`."""
    x, y = promote(np.matmul, [x1, x2])
    if not x.ndim or not y.ndim:
        raise ShapeError(
            f"matmul of shapes {x.shape} and {y.shape}: an operand has no axes", "use * instead"
        )
    return contract.einsum(_matmul_spec(x.ndim, y.ndim), x, y, product=True)


@lru_cache(maxsize=256)
def _matmul_spec(left_ndim: int, right_ndim: int) -> str:
    batch = _letters(max(left_ndim, right_ndim, 2) - 2, avoid="ijk")
    left = batch[len(batch) - (left_ndim - 2) :] + "ij" if left_ndim > 1 else "j"
    right = batch[len(batch) - (right_ndim - 2) :] + "jk" if right_ndim > 1 else "j"
    output = batch + ("i" if left_ndim > 1 else "") + ("k" if right_ndim > 1 else "")
    return f"{left},{right}->{output}"


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """As `np.vecdot`: the first operand is conjugated."""
    x, y = promote(np.vecdot, [x1, x2])
    if axis != -1:
        x, y = moveaxis(x, axis, -1), moveaxis(y, axis, -1)
    x = ops.conjugate(x) if x.dtype.kind == "c" else x
    batch = _letters(max(x.ndim, y.ndim) - 1, avoid="j")
    left, right = (batch[len(batch) - (z.ndim - 1) :] for z in (x, y))
    return contract.einsum(f"{left}j,{right}j->{batch}", x, y, product=True)


def matvec(x1: Any, x2: Any, /) -> Any:
    """As `np.matvec`."""
    x, y = promote(np.matvec, [x1, x2])
    return _stacked_product("matvec", x, y, "ij", "j", "i")


def vecmat(x1: Any, x2: Any, /) -> Any:
    """As `np.vecmat`: the vector is conjugated."""
    x, y = promote(np.vecmat, [x1, x2])
    return _stacked_product("vecmat", ops.conjugate(x) if x.dtype.kind == "c" else x, y,
                            "i", "ij", "j")  # fmt: skip


def _stacked_product(name: str, x: Any, y: Any, left: str, right: str, output: str) -> Any:
    """A product of the last axes, with the others broadcast."""
    if x.ndim < len(left) or y.ndim < len(right):
        raise ShapeError(f"{name} of shapes {x.shape} and {y.shape}: an operand has too few axes")
    stacks = [x.ndim - len(left), y.ndim - len(right)]
    batch = _letters(max(stacks), avoid="ij")
    first, second = (batch[len(batch) - count :] for count in stacks)
    return contract.einsum(f"{first}{left},{second}{right}->{batch}{output}", x, y, product=True)


def _with_axes(ufunc: np.ufunc, product: Callable[..., Any]) -> Callable[..., Any]:
    """A product of the last axes, that takes the axes= of NumPy's ufuncs of whole axes.

    `axes` holds a tuple of axes for each operand, and one for the result. Where these are vectors
    alone, `axis` stands for all, and `keepdims` leaves it in the result.
    """
    name = ufunc.__name__

    def answer(
        x1: Any, x2: Any, /, *, axes: Any = None, axis: Any = None, keepdims: Any = False
    ) -> Any:
        if axes is None and axis is None and not keepdims:
            return product(x1, x2)
        if (axis is not None or keepdims) and ufunc is not np.vecdot:
            raise OptionError(f"{name}(axis=, keepdims=): it is not of vectors alone", "use axes=")
        if axes is not None and axis is not None:
            raise OptionError(f"{name}: axes= and axis= cannot both be given")
        given = [axis if axis is not None else -1] * 2 if axes is None else axes
        if not isinstance(given, list) or not (2 + (ufunc is not np.vecdot) <= len(given) <= 3):
            raise OptionError(f"{name}(axes={axes}): a tuple for each operand and the result")
        places = [tuple(a) if isinstance(a, (tuple, list)) else (a,) for a in given]
        x, y = (
            moveaxis(z, at, tuple(range(-len(at), 0)))
            for z, at in zip((array(x1), array(x2)), places, strict=False)
        )
        result = product(x, y)
        if keepdims:
            at = places[2] if len(places) > 2 else places[0]
            return expand_dims(result, at)
        last = places[2] if len(places) > 2 else ()
        return moveaxis(result, tuple(range(-len(last), 0)), last)

    answer.__name__, answer.__doc__ = name, product.__doc__
    return answer


for _ufunc, _product in (
    (np.matmul, matmul), (np.vecdot, vecdot),
    *([(np.matvec, matvec), (np.vecmat, vecmat)] if hasattr(np, "matvec") else []),  # NumPy 2.2
):  # fmt: skip
    UFUNCS[_ufunc] = _with_axes(_ufunc, _product)


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    refuse("dot", out=out)
    x, y = array(a), array(b)
    if not x.ndim or not y.ndim:
        return ops.multiply(x, y)
    left = _letters(x.ndim)
    right = _letters(y.ndim, avoid=left)
    at = max(y.ndim - 2, 0)
    right = right[:at] + left[-1] + right[at + 1 :]
    output = left[:-1] + right.replace(left[-1], "")
    return contract.einsum(f"{left},{right}->{output}", x, y, product=True)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    x, y = ravel(a), ravel(b)
    x = ops.conjugate(x) if x.dtype.kind == "c" else x
    return contract.einsum("i,i->", x, y, product=True)


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    x, y = array(a), array(b)
    if not x.ndim or not y.ndim:
        return ops.multiply(x, y)
    left = _letters(x.ndim)
    right = _letters(y.ndim - 1, avoid=left) + left[-1]
    return contract.einsum(f"{left},{right}->{left[:-1]}{right[:-1]}", x, y, product=True)


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    refuse("outer", out=out)
    return contract.einsum("i,j->ij", ravel(a), ravel(b))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    x, y = array(a), array(b)
    if isinstance(axes, (int, np.integer)):
        if not 0 <= axes <= min(x.ndim, y.ndim):
            raise AxisError(
                f"tensordot of shapes {x.shape} and {y.shape} over {axes} axes",
                "axes= is the number of axes to sum over, or the two lists of them",
            )
        pairs = [(x.ndim - int(axes) + i, i) for i in range(int(axes))]
    else:
        first, second = ([i] if isinstance(i, (int, np.integer)) else list(i) for i in axes)
        if len(first) != len(second):
            raise ShapeError(f"tensordot: axes {first} and {second} differ in number")
        pairs = [
            (normalize_axis(i, x.ndim), normalize_axis(j, y.ndim))
            for i, j in zip(first, second, strict=True)
        ]
    left = list(_letters(x.ndim))
    right = list(_letters(y.ndim, avoid="".join(left)))
    for i, j in pairs:
        right[j] = left[i]
    summed = {left[i] for i, _ in pairs}
    output = "".join(c for c in left + right if c not in summed)
    return contract.einsum(f"{''.join(left)},{''.join(right)}->{output}", x, y, product=True)


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:

    refuse("trace", out=out)
    return sum(diagonal(a, offset, axis1, axis2), -1, dtype)


@implements(np.einsum)
def einsum(
    *operands: Any, out: Any = None, dtype: Any = None, casting: str = "safe", order: str = "K",
    optimize: Any = None,
) -> Any:  # fmt: skip
    refuse("einsum", out=out)
    spec, arrays = _parse(operands)
    if dtype is not None:
        to = np.dtype(dtype)
        if not all(np.can_cast(x.dtype, to, casting) for x in arrays):  # type: ignore[arg-type]
            raise DTypeError(f"einsum: operands cannot be cast to {to} by the rule {casting!r}")
        arrays = [astype(x, to) for x in arrays]
    return contract.einsum(spec, *arrays)


@implements(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy", **options: Any) -> Any:
    shapes = [
        np.broadcast_to(x.dtype.type(0), x.shape) if type(x) is Tracer else x for x in operands
    ]
    return np.einsum_path(*shapes, optimize=optimize, **options)


def _parse(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """The explicit form, without ellipses, of all the ways to write an einsum."""
    if isinstance(operands[0], str):
        spec, arrays = operands[0].replace(" ", ""), [array(x) for x in operands[1:]]
    else:  # arrays and lists of integers in turn, then perhaps the output's list
        given = list(operands)
        output = _from_list(given.pop()) if len(given) % 2 else None
        arrays = [array(x) for x in given[::2]]
        spec = ",".join(_from_list(term) for term in given[1::2])
        spec = spec if output is None else f"{spec}->{output}"
    inputs, arrow, output = spec.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(arrays):
        raise OptionError(
            f"einsum {spec!r} names {len(terms)} operands, but {len(arrays)} were given"
        )
    extra = _letters(
        max([x.ndim - len(t.replace("...", "")) for t, x in zip(terms, arrays, strict=True)]),
        avoid=spec,
    ) if "..." in spec else ""  # fmt: skip
    terms = [_expand(t, x, extra, spec) for t, x in zip(terms, arrays, strict=True)]
    if arrow:
        if extra and "..." not in output:
            raise ShapeError(
                f"einsum {spec!r}: the ellipsis stands for axes that the output has to have",
                'write "..." in the output as well, and sum over those axes of the result',
            )
        output = output.replace("...", extra)
    else:
        letters = "".join(terms)
        once = sorted(c for c in set(letters) if letters.count(c) == 1 and c not in extra)
        output = extra + "".join(once)
    _check_output(spec, output, terms)
    return f"{','.join(terms)}->{output}", arrays


def _check_output(spec: str, output: str, terms: Sequence[str]) -> None:
    for letter in output:
        if output.count(letter) > 1 or not any(letter in term for term in terms):
            raise OptionError(
                f"einsum {spec!r}: the output's index {letter!r} must occur once in the output and "
                "in some operand"
            )


def _from_list(labels: Sequence[Any]) -> str:
    return "".join("..." if n is Ellipsis else _ALPHABET[int(n)] for n in labels)


def _expand(term: str, x: Any, extra: str, spec: str) -> str:
    named = len(term.replace("...", ""))
    if "..." in term:
        term = term.replace("...", extra[len(extra) - (x.ndim - named) :] if x.ndim > named else "")
    if len(term) != x.ndim:
        raise ShapeError(
            f"einsum {spec!r}: the term {term!r} names {named} axes, but its operand has shape "
            f"{x.shape}"
        )
    return term
