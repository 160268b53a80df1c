"""SciPy's special functions, for traced arrays as well.

`scipy.special.erf(x)` of a traced array arrives here by NumPy's dispatch of ufuncs. This module has
all of `scipy.special`'s names. Each is SciPy's own function, but for those that SciPy writes in
Python, such as `logsumexp`, which take traced arrays only here.

Example:
    >>> import numpy as np, functrace as ft
    >>> import scipy.special
    >>> ft.grad(scipy.special.erf)(0.0)
    np.float64(1.1283791670955126)
    >>> from functrace.scipy.special import logsumexp
    >>> ft.grad(logsumexp)(np.zeros(4))
    array([0.25, 0.25, 0.25, 0.25])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.special as _sc

from ..numpy.elementwise import array
from ..ops import elementwise as ops
from ..ops import softmax as _softmax
from ..ops import (  # noqa: F401 -- they answer for SciPy's ufuncs from when they are imported
    special_elementary as _special_elementary,
)
from ..ops import special_error as _special_error  # noqa: F401
from ..ops import special_gamma as _special_gamma  # noqa: F401
from ..ops import special_incomplete as _special_incomplete  # noqa: F401
from ..ops.cast import astype, result_dtype
from ..ops.reduce import reduce_max
from ..ops.shape import (
    broadcast_shapes,
    broadcast_to,
    keep_axes,
    normalize_axes,
    reduce_sum,
    spread,
)
from ..ops.shape import reshape as _reshape
from ..tracer import Tracer

if TYPE_CHECKING:
    from scipy.special import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(_sc, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *dir(_sc)})


def _traced(*operands: Any) -> bool:
    return any(type(x) is Tracer for x in operands)


def _floating(*operands: Any) -> list[Any]:
    """Operands in their common dtype, floating-point, and at least one axis each."""
    dtype = result_dtype(*operands)
    dtype = dtype if dtype.kind in "fc" else np.dtype(np.float64)
    return [astype(array(x), dtype) for x in operands]


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """The logarithm of the sum of `b * exp(a)`, as `scipy.special.logsumexp`.

    Elements that share an infinite maximum share the derivative equally. Where a weight `b` is 0,
    `a` may be infinite or NaN.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.special import logsumexp
        >>> ft.grad(logsumexp)(np.array([-np.inf, 0.0, 0.0]))
        array([0. , 0.5, 0.5])
    """
    if not _traced(a, b):
        return _sc.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)
    operands = _floating(a) if b is None else _floating(a, b)
    shape = broadcast_shapes("logsumexp", [(1,), *(x.shape for x in operands)])
    operands = [broadcast_to(x, shape if x.ndim else (1,)) for x in operands]
    axes = normalize_axes(axis, len(shape))
    if b is None and operands[0].dtype.kind == "f":
        result = _softmax.logsumexp(operands[0], axes)
        sign = ops.where(ops.equal(result, -np.inf), 0, result.dtype.type(1))
    else:
        result, sign = _weighted(*operands, axes=axes, signed=return_sign)
    kept = keep_axes(shape, axes)
    outputs = [_reshape(x, kept) if keepdims else x for x in (result, sign)]
    return tuple(outputs) if return_sign else outputs[0]


def _weighted(x: Any, b: Any = 1, *, axes: tuple[int, ...], signed: bool) -> tuple[Any, Any]:
    """The logarithm of |Σ b e^x|, or of the sum itself unless `signed`, and the sum's sign."""
    real = ops.real(x)
    top = reduce_max(ops.where(ops.equal(b, 0), real.dtype.type(-np.inf), real), axes)
    top = ops.stop_gradient_op(ops.where(ops.isfinite(top), top, 0))
    shift = spread(top, x.shape, axes)
    # Beside a weight of 0 an element does not count; its power only has to stay finite.
    limit = ops.fmin(real, shift + float(np.log(np.finfo(real.dtype).max) / 2))
    x = ops.where(ops.equal(b, 0), limit, x)
    total = reduce_sum(ops.exp(x - shift) * b, axes)
    nothing = ops.equal(total, 0)
    size = ops.where(nothing, 1, total)
    if signed or total.dtype.kind == "f":
        size = ops.absolute(size)
    result = ops.where(nothing, -np.inf, ops.log(size) + top)
    if not signed and total.dtype.kind == "f":
        result = ops.where(ops.less(total, 0), np.nan, result)
    return result, ops.sign(total)


def softmax(x: Any, axis: Any = None) -> Any:
    """`exp(x)` over its sum along axes, as `scipy.special.softmax`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.special import softmax
        >>> ft.jacobian(softmax)(np.zeros(2))
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
    """
    if not _traced(x):
        return _sc.softmax(x, axis=axis)
    (x,) = _floating(x)
    axes = normalize_axes(axis, x.ndim)
    if x.dtype.kind == "f":
        return _softmax.softmax(x, axes)
    powers = ops.exp(x - spread(ops.stop_gradient_op(reduce_max(ops.real(x), axes)), x.shape, axes))
    return powers / spread(reduce_sum(powers, axes), x.shape, axes)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax(x)`, as `scipy.special.log_softmax`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.special import log_softmax
        >>> ft.grad(lambda x: log_softmax(x)[0])(np.zeros(2))
        array([ 0.5, -0.5])
    """
    if not _traced(x):
        return _sc.log_softmax(x, axis=axis)
    (x,) = _floating(x)
    axes = normalize_axes(axis, x.ndim)
    return x - spread(_softmax.logsumexp(x, axes), x.shape, axes)
