"""A checkpointed function: what its derivative needs of it is computed again, and not kept.

    checkpoint(*operands; program, policy, again)

In reverse mode the equation becomes two. The first gives the outputs, and those residuals that the
policy lets it keep. The second is linear in the tangents; it computes the other residuals again,
from the operands and what was kept. So does its transpose, at the moment when they are needed.

The second computation is in a Program that its equation carries, where no pass finds that it has
been done before. `again` marks such an equation. One without the mark gives way to what it computes
when nothing is left to be transformed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ProgramError
from ..ir import ACTS, ArrayType, Equation, Literal, Program, Var, fits
from ..lists import merge, select
from ..ops.contract import EINSUM, split
from ..passes.dead_code import dead_code
from ..passes.pipeline import clean
from ..primitive import Linear, Primitive, Shared
from ..recorder import bind
from ..transforms.jvp import jvp as jvp_program
from ..transforms.linearize import Linearized, linearize
from ..transforms.transpose import transpose as transpose_program
from ..transforms.vmap import vmap as vmap_program
from .programs import inline, reference_compile, used_inputs

Policy = Callable[[Equation], bool]

# Policies: whether what an equation gives may be kept


def everything(equation: Equation) -> bool:
    """Keep all: nothing is computed again."""
    return True


def nothing(equation: Equation) -> bool:
    """Keep the operands of the function alone."""
    return False


def dots(equation: Equation) -> bool:
    """Keep sums of products, which are products of matrices and vectors."""
    if equation.primitive is not EINSUM:
        return False
    terms, output = split(equation.params["spec"])
    return len(terms) > 1 and not set("".join(terms)) <= set(output)


POLICIES: dict[str, Policy] = {
    policy.__name__: policy for policy in (everything, nothing, dots)
}  # fmt: skip


def checkpointed(
    program: Program, operands: Sequence[Any], policy: Policy = nothing, again: bool = False
) -> list[Any]:
    """The outputs of a Program, by one equation that takes and gives no more than it must."""
    program = clean(program)
    known = dict(zip(program.inputs, operands, strict=True))
    made = list(dict.fromkeys(a for a in program.outputs if isinstance(a, Var) and a not in known))
    if made or ACTS in program.effects:
        own = _taking_used(program.replace(outputs=made))
        given = [known[var] for var in own.inputs]
        found = bind(CHECKPOINT, *given, program=own, policy=policy, again=again)
        known.update(zip(made, found, strict=True))
    return [a.value if isinstance(a, Literal) else known[a] for a in program.outputs]


def _taking_used(program: Program) -> Program:
    """A Program of those of its inputs that it uses."""
    inputs = select(program.inputs, used_inputs(program))
    return program.replace(inputs=inputs)


# Meaning


def _infer(*types: ArrayType, program: Program, **_: Any) -> tuple[ArrayType, ...]:
    expected = program.input_types
    if len(types) != len(expected) or not all(
        fits(x.shape, e.shape) and x.dtype == e.dtype for x, e in zip(types, expected, strict=True)
    ):
        raise ProgramError(f"checkpoint: {program.name} takes {expected}, not {types}")
    return tuple([type.strong for type in program.output_types])


def _impl(*operands: Any, program: Program, **_: Any) -> tuple[Any, ...]:
    return tuple(reference_compile(program)(operands))


def _prepare(compile: Callable[..., Any], *, program: Program, **_: Any) -> Callable[..., Any]:
    run = compile(program)
    return lambda *operands: run(operands)


def _prune(equation: Equation, live: Sequence[bool]) -> Equation:
    whole = equation.params["program"]
    smaller = dead_code(whole.replace(outputs=select(whole.outputs, live)))
    inputs = tuple(select(equation.inputs, used_inputs(smaller)))
    params = {**equation.params, "program": _taking_used(smaller)}
    outputs = tuple(select(equation.outputs, live))
    return equation.replace(inputs=inputs, params=params, outputs=outputs)


# Derivatives


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], separate: bool, *,
    program: Program, policy: Policy, again: bool,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    active = [t is not None for t in tangents]
    given = [t for t in tangents if t is not None]
    if separate:
        return _linearized(linearize(program, active), primals, given, policy, again)
    both, reached = jvp_program(program, active)
    found = checkpointed(both, [*primals, *given], policy, again)
    count = len(program.outputs)
    return found[:count], merge(found[count:], reached)


def _linearized(
    parts: Linearized, primals: Sequence[Any], tangents: Sequence[Any], policy: Policy, again: bool
) -> tuple[list[Any], list[Any]]:
    """The outputs, and from operands and what is kept their tangents."""
    primal, linear = parts.primal, parts.linear
    count = len(primal.outputs) - parts.residuals
    kept, repeated = _sorted(parts, policy)
    outputs = [*primal.outputs[:count], *kept]
    found = checkpointed(primal.replace(outputs=outputs), primals, policy, again)
    inputs = [*primal.inputs, *kept, *linear.inputs[parts.residuals :]]
    pushed = linear.replace(inputs=inputs, equations=[*repeated, *linear.equations])
    operands = [*primals, *found[count:], *tangents]
    if repeated:
        moved = checkpointed(pushed, operands, policy, again=True)
    else:
        moved = inline(pushed, operands)
    return found[:count], merge(moved, parts.active_outputs)


def _sorted(parts: Linearized, policy: Policy) -> tuple[list[Var], list[Equation]]:
    """What the first computation keeps, and what is computed again from it and the operands."""
    needed = set(parts.linear.inputs[: parts.residuals])
    kept: list[Var] = []
    repeated: list[Equation] = []
    for equation in reversed(parts.primal.equations):
        wanted = [var for var in equation.outputs if var in needed]
        if wanted and policy(equation):
            kept.extend(wanted)
        elif wanted:
            repeated.append(equation.with_programs(Program.silent))
            needed.update([atom for atom in equation.inputs if isinstance(atom, Var)])
    return kept, repeated[::-1]


def _transpose(
    cotangents: Sequence[Any], operands: Sequence[Any], *,
    program: Program, policy: Policy, again: bool,
) -> list[Any]:  # fmt: skip
    linear = [isinstance(x, Linear) for x in operands]
    live = [ct is not None for ct in cotangents]
    outputs = select(program.outputs, live)
    own = program.replace(outputs=outputs)
    pulled = transpose_program(own, linear)
    known = [x for x in operands if not isinstance(x, Linear)]
    found = checkpointed(pulled, [*known, *select(cotangents, live)], policy, again)
    reached = [None if _is_zero(a) else x for a, x in zip(pulled.outputs, found, strict=True)]
    return merge(reached, linear)


def _is_zero(atom: Any) -> bool:
    return isinstance(atom, Literal) and not atom.value.any()


# Batching


def _batch(
    size: int, operands: Sequence[Any], mapped: Sequence[bool], *,
    program: Program, policy: Policy, again: bool,
) -> tuple[Any, ...]:  # fmt: skip
    batched, reached = vmap_program(program, mapped, size)
    found = checkpointed(batched, operands, policy, again)
    return tuple([x if on else Shared(x) for x, on in zip(found, reached, strict=True)])


def _text(*operands: str, again: bool, **_: Any) -> str:
    return f"{'recompute' if again else 'checkpoint'}({', '.join(operands)})"


CHECKPOINT = Primitive(
    "checkpoint",
    infer=_infer,
    impl=_impl,
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    text=_text,
    multiple=True,
    joint=True,
    aliases=True,
    carries_programs=True,
    prepare=_prepare,
    prune=_prune,
    expand=lambda *, program, again, **_: None if again else program,
)
