"""Dead code elimination for loops: unused outputs and carries are removed."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir import UNKNOWN, Equation, Program
from ..lists import select
from ..passes.dead_code import dead_code
from .loop import Loop
from .programs import used_inputs


def pruned(loop: Loop, live: Sequence[bool]) -> tuple[Loop, list[int], list[bool]]:
    """A loop that gives the live outputs.

    Returns:
        The loop, the numbers of the operands that it takes, and for each output whether it gives
        it: those that are live, and the carries that these need.
    """
    body, k = loop.body, loop.carry
    nothing = [False] * len(body.inputs)
    tested = nothing if loop.cond is None else used_inputs(loop.cond)
    needed = [on or test for on, test in zip(live, loop.split(tested)[1], strict=False)]
    while True:
        kept = [*needed, *live[k:]]
        smaller = dead_code(body.replace(outputs=select(body.outputs, kept)))
        used = [a or b for a, b in zip(used_inputs(smaller), tested, strict=True)]
        grown = [a or b for a, b in zip(needed, loop.split(used)[1], strict=True)]
        if grown == needed:
            break
        needed = grown
    first = loop.consts + k
    consts = [i for i in range(loop.consts) if used[i]]
    xs = [i for i in range(first, len(body.inputs)) if used[i]]
    if not xs and loop.cond is None and loop.length == UNKNOWN:
        xs = [first]  # it tells the number of steps
    places = [*consts, *[loop.consts + i for i in range(k) if needed[i]], *xs]
    new = loop._replace(
        body=_taking(smaller, places),
        consts=len(consts),
        carry=sum(needed),
        cond=None if loop.cond is None else _taking(loop.cond, places),
    )
    return new, places, kept


def _taking(program: Program, places: Sequence[int]) -> Program:
    """A Program of some of its inputs. It uses no others."""
    inputs = [program.inputs[i] for i in places]
    return program.replace(inputs=inputs)


def prune(equation: Equation, live: Sequence[bool]) -> Equation:
    """A loop's equation that gives the live outputs."""
    loop, places, kept = pruned(Loop(**equation.params), live)
    inputs = tuple([equation.inputs[i] for i in places])
    outputs = tuple(select(equation.outputs, kept))
    return equation.replace(inputs=inputs, params=loop.params, outputs=outputs)
