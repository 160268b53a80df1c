"""Truncated Taylor series in two small variables, for derivatives of high and mixed order.

A jet is a table of the coefficients: `jet[i][j]` belongs to δ^i ε^j. Entries are arrays, traced
or not, or numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

Jet = list[list[Any]]


def product(left: Jet, right: Jet) -> Jet:
    """The series of a product, as long as the factors."""
    rows, columns = len(left), len(left[0])
    return [
        [
            _sum_of_products(
                (left[k][m], right[i - k][j - m]) for k in range(i + 1) for m in range(j + 1)
            )
            for j in range(columns)
        ]
        for i in range(rows)
    ]


def exponential(exponent: Jet) -> Jet:
    """The series of e^f, over its value e^f(0)."""
    rows, columns = len(exponent), len(exponent[0])
    found: Jet = [[1.0] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            if i:  # from the derivative along the first variable: y' = f' y
                found[i][j] = _sum_of_products(
                    (exponent[k][m], found[i - k][j - m] * (k / i))
                    for k in range(1, i + 1)
                    for m in range(j + 1)
                )
            elif j:
                found[i][j] = _sum_of_products(
                    (exponent[0][m], found[0][j - m] * (m / j)) for m in range(1, j + 1)
                )
    return found


def _sum_of_products(pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Without the terms that are zero because a coefficient is the number 0."""
    terms = [x * y for x, y in pairs if _present(x) and _present(y)]
    return sum(terms[1:], terms[0]) if terms else 0.0


def _present(x: Any) -> bool:
    return not (type(x) is float and x == 0)


def table(rows: int, columns: int, entry: Any) -> Jet:
    """The jet of up to rows - 1 and columns - 1 derivatives, from `entry(i, j)`."""
    return [[entry(i, j) for j in range(columns)] for i in range(rows)]


def derivative(jet: Jet) -> Any:
    """The derivative of the highest order in both variables."""
    rows, columns = len(jet), len(jet[0])
    return jet[-1][-1] * float(math.factorial(rows - 1) * math.factorial(columns - 1))
