"""Rewrites that are proved each time they run.

To exchange sums with products, as in `v * sum(x)` for `sum(v * x)` or `A @ (B @ v)` for
`(A @ B) @ v`, changes nothing but rounding as long as all numbers on both ways stay within the
range of their dtype. Otherwise one way may overflow, or multiply an infinity by 0, and the other
not. Whether numbers stay within the range is not known before there are operands.

    guarded(*operands; fast, slow, degrees, factor, extent)

runs the Program `fast` where the norms of the operands show that nothing can leave the range, and
`slow`, what was written, where they do not. The proof: all that either computes is a sum of
products of elements, and every index that it has summed over is in two of the factors or more, or
counted in the extent. By the inequality of Cauchy and Schwarz no such sum, nor any part of one, is
larger than the product of the norms, each as often as the operand is a factor, and the extent.
Norms below 1 are left out of that product, as some of the factors may not have been multiplied yet.
Together they must not be so small that what is lost by underflow matters beside rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log2
from typing import Any

import numpy as np

from ..errors import ProgramError
from ..ir import ArrayType, Equation, Literal, Program
from ..primitive import NONDIFFERENTIABLE, NOT_LINEAR, Primitive


def in_range(operands: Sequence[Any], degrees: Sequence[int], factor: float, extent: float) -> bool:
    """Whether sums of products of operands stay in range, however they are put together.

    Args:
        degrees: how often each operand is a factor; 0 for those that only `slow` takes.
        factor: the product of the numbers among the factors that are below 1.
        extent: what else multiplies the product of the norms; 1 at least.
    """
    limit = _limit(operands[0].dtype)
    if not factor:
        return False
    above, below = log2(extent), log2(factor)
    for x, degree in zip(operands, degrees, strict=True):
        if not degree:
            continue
        flat = x.ravel(order="K")
        square = float(np.vdot(flat, flat).real)
        if square >= _trusted(x.dtype):  # not NaN, and no underflow to speak of
            height = log2(square) * degree / 2
            above, below = above + max(height, 0.0), below + min(height, 0.0)
        elif square != 0 or x.any():
            return False
    return above <= limit and below >= -limit


def _limit(dtype: np.dtype[Any]) -> float:
    """The logarithm of the largest number to be met: 80 for single precision, 640 for double."""
    return 5 / 8 * np.finfo(dtype).maxexp


def _trusted(dtype: np.dtype[Any]) -> float:
    """The least sum of squares that has not lost digits to underflow."""
    return float(np.finfo(dtype).smallest_normal) * 2.0**40


def _prepare(
    compile: Callable[..., Any], *, fast: Program, slow: Program, **proof: Any
) -> Callable[..., Any]:
    quick, known = compile(fast), []

    def run(*operands: Any) -> Any:
        if in_range(operands, **proof):
            return quick(operands)
        if not known:  # which it seldom is
            known.append(compile(slow))
        return known[0](operands)

    return run


def _impl(*operands: Any, slow: Program, **_: Any) -> Any:
    values: dict[Any, Any] = dict(zip(slow.inputs, operands, strict=True))
    for equation in slow.equations:
        inputs = [a.value if isinstance(a, Literal) else values[a] for a in equation.inputs]
        results = equation.primitive.evaluate(inputs, equation.params)
        values.update(zip(equation.outputs, results, strict=True))
    return tuple([values[atom] for atom in slow.outputs])


def _infer(*_: ArrayType, slow: Program, **__: Any) -> tuple[ArrayType, ...]:
    return slow.output_types


def _batch(*_: Any, **__: Any) -> Any:
    raise ProgramError("a Program that was optimised to be run is not rewritten further")


GUARDED = Primitive(
    "guarded",
    infer=_infer,
    impl=_impl,
    jvp=NONDIFFERENTIABLE,
    transpose=NOT_LINEAR,
    batch=_batch,
    multiple=True,
    aliases=True,
    carries_programs=True,
    prepare=_prepare,
)


def usual(equation: Equation) -> list[Program]:
    """The Programs that an equation runs, but for one that it seldom does."""
    if equation.primitive is GUARDED:
        return [equation.params["fast"]]
    return [program for _, program in equation.programs]
