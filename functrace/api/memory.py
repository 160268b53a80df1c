"""`memory`: what a function's plan takes of memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import tree
from ..executors.footprint import footprint
from ..executors.plan import make_plan
from ..ir import ArrayType
from ..passes.pipeline import clean
from ..tracer import Tracer
from ._arrays import arrays_of
from ._border import function_name, leaf_types, remakes, trace_call, transformed
from ._checks import check_callable, demand_count
from ._execute import optimized


@dataclass(frozen=True)
class MemoryReport:
    """Bytes of memory that one call takes. Printed, it is a table.

    Attributes:
        name: the function.
        inputs: the arguments.
        constants: arrays of the closure, and other constants.
        outputs: what is returned.
        temporaries: the peak of all that is computed on the way and not returned.
        workspace: the part of the temporaries that is kept for the next call.
        peak: the peak of temporaries and outputs together: what a call allocates.
        bounded: whether all is known beforehand. If not, there are loops whose number of steps is
            known only when they run, and `steps` is what they were taken to make.
        steps: that number.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.memory(lambda x: np.sum(np.exp(x)))(np.ones(1000)).temporaries
        8000
    """

    name: str
    inputs: int
    constants: int
    outputs: int
    temporaries: int
    workspace: int
    peak: int
    bounded: bool
    steps: int

    def __str__(self) -> str:
        rows = {
            "inputs": self.inputs,
            "constants": self.constants,
            "outputs": self.outputs,
            "temporaries": self.temporaries,
            "of these workspace": self.workspace,
            "peak of a call": self.peak,
        }
        width = max(len(f"{n:,}") for n in rows.values())
        lines = [f"  {what:<18}  {n:>{width},}  {_short(n)}".rstrip() for what, n in rows.items()]
        if not self.bounded:
            lines.append(f"  for loops of unknown length that make {self.steps} steps")
        return "\n".join([f"memory of {self.name}, in bytes", *lines])


def _short(count: int) -> str:
    """A large number of bytes in the unit that fits."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return ""


@remakes
def memory(
    fun: Callable[..., Any], *, steps: int = 1, static_argnums: int | Sequence[int] = ()
) -> Callable[..., MemoryReport]:
    """How much memory a function takes, from its plan, without running it.

    The figures are those of `jit(fun)`: pass `grad(loss)` to see what training takes. Without
    `jit`, `grad` and the other transforms run the same plans. Counted are arrays, not what NumPy's
    own functions allocate for themselves.

    Args:
        fun: a function of trees of arrays.
        steps: what to count for each loop whose number of steps is known only when it runs.
        static_argnums: positional arguments to be handed on as they are.

    Returns:
        A function of the same arguments, where an `ArrayType` may stand for an array. It returns
        a `MemoryReport`.

    Example:
        >>> import numpy as np, functrace as ft
        >>> print(ft.memory(lambda x: np.tanh(x @ x.T) + 1)(np.ones((500, 1000))))
        memory of function, in bytes
          inputs              4,000,000  4.0 MB
          constants                   8
          outputs             2,000,000  2.0 MB
          temporaries         2,000,000  2.0 MB
          of these workspace  2,000,000  2.0 MB
          peak of a call      4,000,000  4.0 MB
    """
    check_callable(fun, "memory")
    demand_count(steps, "memory: steps", "steps")

    def wrapper(*args: Any, **kwargs: Any) -> MemoryReport:
        arrays = arrays_of(fun, args, kwargs, static_argnums, _is_array, "memory")
        leaves, names = arrays.leaves, arrays.names
        valued = not any(type(leaf) is ArrayType for leaf in leaves)
        recording, _ = trace_call(
            arrays.call, tree.structure(leaves), leaves, leaf_types(leaves, names), names,
            name=function_name(fun), reason="" if valued else "memory",
        )  # fmt: skip
        program = recording.program
        found = footprint(make_plan(optimized(clean(program))), steps)
        captured = program.input_types[len(leaves) :]
        taken = sum(type.size * type.dtype.itemsize for type in captured)
        return MemoryReport(
            program.name,
            found.inputs - taken,
            found.constants + taken,
            found.outputs,
            found.temporaries,
            found.workspace,
            found.peak,
            found.bounded,
            steps,
        )

    return transformed(wrapper, fun, "memory")


def _is_array(leaf: Any) -> bool:
    kinds = (Tracer, ArrayType, np.ndarray, np.generic, bool, int, float, complex)
    return isinstance(leaf, kinds)
