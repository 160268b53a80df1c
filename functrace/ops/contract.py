"""The one contraction: einsum.

`matmul`, `dot`, `tensordot`, `outer`, `trace` and their kin are spellings of it. It is closed
under all rewrites: its jvp is a sum of einsums, its transpose is an einsum, and `vmap` adds a
letter. So the product `W @ x` of one example,
`ij,j->i`, becomes that of a minibatch, `ij,bj->bi`, by renaming alone.

The parameter `spec` is explicit (`inputs->output`), without ellipses, its letters renamed in the
order of their appearance, so that equal contractions have equal parameters. Letters have one size
each: axes of length 1 that NumPy would broadcast are dropped by the front end.

Where a pass makes an einsum of a product and a sum, it has the parameter `summed=True`: executors
compute it as accurately as the sum that was written, and not as BLAS would.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedFunctionError
from ..ir import ArrayType, Shape
from ..primitive import Linear, NotLinearError, Primitive
from ..recorder import bind
from .cast import promote_together
from .index import scatter_set
from .shape import broadcast_to, reshape

LETTERS = "ijklmnopqrstuvwxyzabcdefghABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SMALL = 1 << 14  # elements; below, NumPy's plain loop beats looking for a path


def split(spec: str) -> tuple[list[str], str]:
    """The letters of each operand, and those of the output."""
    inputs, output = spec.split("->")
    return inputs.split(","), output


@lru_cache(maxsize=4096)
def canonical(spec: str) -> str:
    """The spec with its letters renamed in the order of their appearance."""
    letters = dict.fromkeys(c for c in spec if c not in ",->")
    if len(letters) > len(LETTERS):
        raise UnsupportedFunctionError(f"an einsum of more than {len(LETTERS)} indices: {spec}")
    return spec.translate({ord(c): LETTERS[i] for i, c in enumerate(letters)})


def einsum(spec: str, *operands: Any, product: bool = False) -> Any:
    """Sum products of operands over the indices that the output does not have.

    Args:
        spec: an explicit specification such as "ij,jk->ik"; any characters may be letters.
        operands: arrays of any dtypes; lengths of 1 broadcast.
        product: whether indices that are summed over must have one length, as in products of
            matrices.
    """
    strict = promote_together(*operands)
    shapes, form = _one_size_each(spec, tuple([x.shape for x in strict]), product)
    return bind(
        EINSUM, *[reshape(x, shape) for x, shape in zip(strict, shapes, strict=True)], spec=form
    )


@lru_cache(maxsize=4096)
def _one_size_each(spec: str, shapes: tuple[Shape, ...], product: bool) -> tuple[list[Shape], str]:
    """Drop the axes of length 1 that broadcast; the remaining shapes, and the canonical spec."""
    inputs, output = split(canonical(spec))
    sizes: dict[str, int] = {}
    for term, shape in zip(inputs, shapes, strict=True):
        for letter, length in zip(term, shape, strict=True):
            if product and letter not in output and sizes.get(letter, length) != length:
                types = [ArrayType(x, np.float64) for x in shapes]
                raise _size_error(canonical(spec), inputs, types, letter)
            if sizes.get(letter, 1) == 1:
                sizes[letter] = length
    kept, terms = [], []
    for term, shape in zip(inputs, shapes, strict=True):
        axes = [i for i, c in enumerate(term) if shape[i] != 1 or sizes[c] == 1]
        kept.append(tuple([shape[i] for i in axes]))
        terms.append("".join([term[i] for i in axes]))
    return kept, canonical(f"{','.join(terms)}->{output}")


def _infer(*types: ArrayType, spec: str, summed: bool = False) -> ArrayType:
    inputs, output = split(spec)
    sizes: dict[str, int] = {}
    for term, x in zip(inputs, types, strict=True):
        for letter, length in zip(term, x.shape, strict=True):
            if sizes.setdefault(letter, length) != length:
                raise _size_error(spec, inputs, types, letter)
    return ArrayType([sizes[c] for c in output], types[0].dtype)


def _size_error(
    spec: str, inputs: Sequence[str], types: Sequence[ArrayType], letter: str
) -> ShapeError:
    shapes = " and ".join(str(x.shape) for x in types)
    rows = [
        f"      operand {i} has shape {x.shape} for {term!r}: {letter} = "
        + " and ".join(str(n) for c, n in zip(term, x.shape, strict=True) if c == letter)
        for i, (term, x) in enumerate(zip(inputs, types, strict=True))
        if letter in term
    ]
    product = _product_text(spec, ["A", "B"])
    named = f"the product {product}" if product else f"einsum {spec!r}"
    return ShapeError(
        f"{named} of shapes {shapes}: index {letter} must have one length\n" + "\n".join(rows),
        "transpose one operand: X @ W.T, where rows of X are examples and rows of W outputs"
        if any(x.ndim > 1 for x in types)
        else "",
    )


def _impl(*operands: Any, spec: str, summed: bool = False) -> Any:
    if len(operands) == 1:
        return np.array(np.einsum(spec, *operands))[()]  # NumPy may give a view
    small = len(operands) < 3 and max(x.size for x in operands) <= _SMALL
    return np.einsum(spec, *operands, optimize=not small)


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], out: Any, *, spec: str) -> Any:
    total = None
    for i, tangent in enumerate(tangents):
        if tangent is not None:
            term = bind(EINSUM, *primals[:i], tangent, *primals[i + 1 :], spec=spec)
            total = term if total is None else total + term
    return total


def _transpose(ct: Any, operands: Sequence[Any], *, spec: str) -> tuple[Any, ...]:
    inputs, output = split(spec)
    k, *further = [i for i, x in enumerate(operands) if isinstance(x, Linear)]
    if further:
        raise NotLinearError(operands[k])
    others = [x for i, x in enumerate(operands) if i != k]
    terms = [output, *(term for i, term in enumerate(inputs) if i != k)]
    target, deltas, eyes = _distinct(inputs[k], operands[k], spec)
    known = set("".join(terms + deltas))
    # An index that only this operand has was summed over: its cotangent is the same everywhere.
    present = "".join(c for c in target if c in known)
    result = bind(
        EINSUM, ct, *others, *eyes, spec=canonical(f"{','.join(terms + deltas)}->{present}")
    )
    shape = operands[k].shape
    lengths = tuple(n if c in known else 1 for c, n in zip(target, shape, strict=True))
    cotangent = broadcast_to(reshape(result, lengths), shape)
    return tuple(cotangent if i == k else None for i in range(len(operands)))


def _distinct(term: str, operand: Any, spec: str) -> tuple[str, list[str], list[Any]]:
    """Replace repeated indices of a term (a diagonal) by new ones, tied by identity matrices."""
    target, deltas, eyes = "", [], []
    free = iter(c for c in LETTERS if c not in spec)
    for letter, length in zip(term, operand.shape, strict=True):
        if letter in target:
            fresh = next(free)
            deltas.append(letter + fresh)
            eyes.append(np.eye(length, dtype=operand.dtype))
            letter = fresh
        target += letter
    return target, deltas, eyes


def _batch(size: int, operands: Sequence[Any], mapped: Sequence[bool], *, spec: str) -> Any:
    inputs, output = split(spec)
    letter = next(c for c in LETTERS if c not in spec)
    terms = [letter + t if m else t for t, m in zip(inputs, mapped, strict=True)]
    return bind(EINSUM, *operands, spec=canonical(f"{','.join(terms)}->{letter}{output}"))


def _product_text(spec: str, names: Sequence[str]) -> str:
    """`A @ B.T` and the like, where the einsum is the product of two matrices or vectors."""
    inputs, output = split(spec)
    if len(inputs) != 2 or any(len(set(term)) != len(term) for term in inputs):
        return ""
    if all(output.endswith(term) for term in inputs) and output in inputs:
        return f"{names[0]} * {names[1]}"  # nothing is summed; right-aligned as NumPy broadcasts
    if inputs[0] == inputs[1] and len(inputs[0]) == 1 and not output:
        return f"{names[0]} @ {names[1]}"
    shared = [c for c in inputs[0] if c in inputs[1]]
    if not shared and len(inputs[0]) == len(inputs[1]) == 1 and len(output) == 2:
        ordered = names if output == inputs[0] + inputs[1] else names[::-1]
        return f"outer({', '.join(ordered)})"
    summed = [c for c in shared if c not in output]
    batch = "".join(c for c in shared if c in output)
    if len(summed) != 1 or not all(term.startswith(batch) for term in (*inputs, output)):
        return ""
    cores = [term[len(batch) :] for term in inputs]
    if {*cores[0], *cores[1]} != {*output[len(batch) :], *summed} or max(map(len, cores)) > 2:
        return ""
    if batch and min(map(len, cores)) < 2:
        return ""
    free = [core.replace(summed[0], "") for core in cores]
    mark = ".mT" if batch else ".T"
    readings = []
    for a, b in ((0, 1), (1, 0)):
        if output[len(batch) :] == free[a] + free[b]:
            left = names[a] + mark * (len(cores[a]) == 2 and cores[a][0] == summed[0])
            right = names[b] + mark * (len(cores[b]) == 2 and cores[b][1] == summed[0])
            readings.append(f"{left} @ {right}")
    return min(readings, key=len)  # with a vector there are two: W @ x says it shorter than x @ W.T


def _text(*names: str, spec: str, summed: bool = False) -> str:
    return _product_text(spec, names) or f'einsum("{spec}", {", ".join(names)})'


def _with_moved(x: Any, new: Any, *, spec: str) -> Any:
    """The operand of an einsum that only moves elements, or takes a diagonal, with others there."""
    (term,), output = split(spec)
    grids = np.indices(new.shape, sparse=True)
    places = [grids[output.index(letter)] for letter in term]
    return scatter_set(x, new, places, tuple(range(len(term))))


EINSUM = Primitive(
    "einsum",
    infer=_infer,
    impl=_impl,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    text=_text,
    view=_with_moved,
    total=True,
    finite_slope=True,
)
