"""What the functions of this package take: keys, shapes, dtypes and parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, KeyTypeError, ShapeError
from ..ir import Shape
from ..numpy.creation import asarray
from ..numpy.elementwise import array
from ..numpy.shaping import as_shape
from ..ops.cast import astype
from ..ops.shape import broadcast_shapes, reshape
from ..tracer import Tracer

_KEY_DTYPE = np.dtype(np.uint64)


def as_key(key: Any) -> Any:
    """A key, as an array or tracer of two words.

    Raises:
        KeyTypeError: for anything else.
    """
    if isinstance(key, (np.ndarray, Tracer)) and key.dtype == _KEY_DTYPE and key.shape == (2,):
        return key
    if isinstance(key, (np.ndarray, Tracer)):
        what = f"an array of dtype {key.dtype} and shape {key.shape}"
        if key.dtype == _KEY_DTYPE and key.shape[-1:] == (2,):
            remedy = "for an array of keys use functrace.vmap, or pass one of them: keys[i]"
        else:
            remedy = "make one with functrace.random.key(seed)"
    else:
        what = repr(key) if isinstance(key, (int, float)) else f"a {type(key).__qualname__}"
        remedy = "make one with functrace.random.key(seed)"
    raise KeyTypeError(
        f"a random key is an array of dtype uint64 and shape (2,), not {what}", remedy
    )


def shape_of(function: str, shape: Any) -> Shape:
    """A shape argument as a tuple.

    Raises:
        ShapeError: when a length is negative.
    """
    lengths = as_shape(shape)
    if any(n < 0 for n in lengths):
        raise ShapeError(f"{function}: shape {lengths} has a negative length")
    return lengths


def floating(function: str, dtype: Any) -> np.dtype[Any]:
    """A dtype argument that must be real floating point; None is float64.

    Raises:
        DTypeError: when it is not float16, float32 or float64.
    """
    found = np.dtype(float if dtype is None else dtype)
    if found not in (np.float16, np.float32, np.float64):
        raise DTypeError(
            f"{function}: dtype {found} is not float16, float32 or float64",
            "draw floats, and convert them with .astype",
        )
    return found


def integral(function: str, dtype: Any) -> np.dtype[Any]:
    """A dtype argument that must be an integer type; None is int64.

    Raises:
        DTypeError: when it is not.
    """
    found = np.dtype(int if dtype is None else dtype)
    if found.kind not in "iu":
        raise DTypeError(
            f"{function}: dtype {found} is not an integer type",
            "draw integers, and convert them with .astype",
        )
    return found


def values(given: Any) -> Any:
    """An array or tracer for a number, an array, or nested lists of them."""
    return array(asarray(given) if isinstance(given, (list, tuple)) else given)


def parameter(given: Any, dtype: Any) -> Any:
    """A parameter as an array or tracer of a dtype."""
    return astype(values(given), np.dtype(dtype))


def common_shape(function: str, shape: Any, *parameters: Any) -> Shape:
    """The shape of a sample: that of its parameters for None, else one they broadcast to.

    Raises:
        ShapeError: when the parameters do not broadcast to it.
    """
    shapes = [x.shape for x in parameters]
    if shape is None:
        return broadcast_shapes(function, shapes)
    wanted = shape_of(function, shape)
    if broadcast_shapes(function, [wanted, *shapes]) != wanted:
        raise ShapeError(
            f"{function}: parameters of shape {' and '.join(map(str, shapes))} do not broadcast to "
            f"shape={wanted}",
            "shape= is the whole shape of the result, that of the parameters included",
        )
    return wanted


def ranked(x: Any, shape: Shape) -> Any:
    """A parameter with as many axes as a shape that it broadcasts to."""
    return reshape(x, (1,) * (len(shape) - x.ndim) + x.shape)
