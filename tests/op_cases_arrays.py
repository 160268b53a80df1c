"""Cases of sorting, rearranging, indexing helpers and creation."""

from __future__ import annotations

from functools import partial

import numpy as np

from .op_cases import case, complex_, integers, real

# Sorting

case("sort", np.sort, real(2, 4))
case("sort axis 0", partial(np.sort, axis=0), real(4, 2))
case("sort axis None", partial(np.sort, axis=None), real(2, 3))
case("sort kinds", lambda x: (np.sort(x, kind="heapsort"), np.sort(x, stable=True)), real(5))
case("sort of integers", np.sort, integers(5))
case("sort of complex", np.sort, complex_(4))
case("sort of no elements", np.sort, real(2, 0))
case("argsort", np.argsort, real(2, 4))
case("argsort of ties", partial(np.argsort, stable=True), integers(5))
case("argsort axis None", partial(np.argsort, axis=None, kind="mergesort"), real(2, 3))
case("argsort of a scalar", np.argsort, real())
case(".argsort", lambda x: x[x.argsort()], real(4))
case("sorted twice", lambda x: np.sort(np.sort(x**2, axis=0)), real(3, 3))
case("partition", lambda x: np.partition(x, 2), real(2, 5))
case("partition of several", lambda x: np.partition(x, (-1, 1), axis=0), real(5, 2))
case("partition axis None", lambda x: np.partition(x, 3, axis=None), real(2, 3))
case("argpartition", lambda x: np.argpartition(x, 1), real(2, 4))
case("argpartition of a scalar", lambda x: np.argpartition(x, 0), real())
case(".argpartition", lambda x: x.argpartition(1, axis=0), real(3, 2))
case("lexsort", lambda x, y: np.lexsort((x, y)), real(6), integers(6))
case("lexsort axis 0", lambda x: np.lexsort(x, axis=0), integers(2, 4, 2))
case("sort_complex", np.sort_complex, complex_(4))
case("sort_complex of reals", np.sort_complex, real(4))
