"""Lengths, and what is made of them when they are differentiated.

    radical(x; exponent) = x ** exponent,  with 0 < exponent < 1

is the root of what is never negative: a length is the root of a sum of squares. By convention its
first derivative is 0 at 0, where it is infinite or depends on the direction. Its second derivative
has no such convention.

    times_power(t, r; power, order) = t * r ** power

is what derivatives of a length r, and of its powers, consist of. They are sums of terms in which
negative powers of r meet factors of t that vanish with r, so that at r = 0 a term is 0 though a
power in it is infinite. The `order` tells: the term vanishes as fast as r ** order. So

- it is 0 at r = 0 where the order is positive;
- it is what NumPy gives, infinite or NaN, where the order is not;
- each derivative by r lowers the order by 1.

The n-th derivative of r ** p has the order p - n. It is 0 at r = 0 for n below p, and not finite
from n = p on, unless p is even, when no power is ever negative. The order of the first derivative
of r itself would be 0; it is given as `CONVENTION`, and is not positive from the second on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import ArrayType
from ..primitive import NOT_LINEAR, Linear, NotLinearError, Primitive
from ..recorder import bind
from ._families import align_ranks
from .shape import broadcast_shapes, broadcast_to, unbroadcast

CONVENTION = 0.5  # the order of a derivative that is 0 by convention, and of no further one


def times_power(t: Any, r: Any, power: float, order: float) -> Any:
    """The product t * r ** power; 0 where r is 0 and the order positive."""
    return bind(TIMES_POWER, t, r, power=float(power), order=float(order))


def _times_power_impl(t: Any, r: Any, *, power: float, order: float) -> Any:
    if power < 0 < order:
        r = np.where(r == 0, r.dtype.type(np.inf), r)[()]  # t / inf is 0, and NaN for a NaN in t
    return _product(t, r, power)


def _product(t: Any, r: Any, power: float) -> Any:
    for divisor in divisors(r, power, np.power):
        t = t / divisor
    return t if power < 0 else t * np.power(r, r.dtype.type(power))


def divisors(r: Any, power: float, raised: Callable[[Any, Any], Any]) -> list[Any]:
    """What to divide by, one after the other, as a negative power alone may be out of range.

    Args:
        raised: gives a power.
    """
    whole, rest = divmod(max(0.0, -power), 1)
    return [r] * int(whole) + ([raised(r, r.dtype.type(rest))] if rest else [])


def _times_power_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], out: Any, *, power: float, order: float
) -> Any:
    (t, r), (dt, dr) = primals, tangents
    total = None if dt is None else times_power(dt, r, power, order)
    if dr is not None:
        by_r = times_power(t, r, power - 1, order - 1) * power * dr
        total = by_r if total is None else total + by_r
    return total if total is None else broadcast_to(total, out.shape)


def _times_power_transpose(
    ct: Any, operands: Sequence[Any], *, power: float, order: float
) -> tuple[Any, ...]:
    t, r = operands
    if isinstance(r, Linear):
        raise NotLinearError(r)
    return unbroadcast(times_power(ct, r, power, order), t.shape), None


def _times_power_batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *, power: float, order: float
) -> Any:
    t, r = align_ranks(size, operands, mapped)
    return times_power(t, r, power, order)


TIMES_POWER = Primitive(
    "times_power",
    infer=lambda t, r, **_: ArrayType(broadcast_shapes("times_power", [t.shape, r.shape]), t.dtype),
    impl=_times_power_impl,
    jvp=_times_power_jvp,
    transpose=_times_power_transpose,
    batch=_times_power_batch,
    text=lambda t, r, *, power, order: f"{t} * {r} ** {power:g}, order {order:g}",
    elementwise=True,
)


def radical(x: Any, exponent: float) -> Any:
    """A root of what is not negative: x ** exponent; the derivative is 0 where x is 0."""
    return bind(RADICAL, x, exponent=float(exponent))


def root_of_squares(x: Any) -> Any:
    """The square root of a sum of squares; the derivative is 0 where that is 0."""
    return radical(x, 0.5)


def _radical_impl(x: Any, *, exponent: float) -> Any:
    return np.sqrt(x) if exponent == 0.5 else np.power(x, x.dtype.type(exponent))


def _radical_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], out: Any, *, exponent: float
) -> Any:
    (x,), (t,) = primals, tangents
    if exponent == 0.5:
        return times_power(t / 2, out, -1, CONVENTION)
    return times_power(t * exponent, x, exponent - 1, CONVENTION)


RADICAL = Primitive(
    "radical",
    infer=lambda x, *, exponent: x.strong,
    impl=_radical_impl,
    jvp=_radical_jvp,
    transpose=NOT_LINEAR,
    batch=lambda size, operands, mapped, *, exponent: radical(operands[0], exponent),
    text=lambda x, *, exponent: (
        f"length({x})" if exponent == 0.5 else f"radical({x}, {exponent:g})"
    ),
    elementwise=True,
)
