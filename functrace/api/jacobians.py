"""Matrices of derivatives: Jacobians, Hessians, and products with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..errors import (
    ArgumentError,
    ConcretizationError,
    DerivativeTypeError,
    NotElementwiseError,
    OptionError,
)
from ..ir import Equation, Program
from ..memo.structural import finished
from ..ops.shape import moveaxis, reshape
from ..passes.expansion import expansion
from ..recorder import plain, type_of
from ..recording import Recording
from ..tracer import Tracer
from ..transforms.jvp import jvp as jvp_program
from ..transforms.transpose import value_and_gradient
from ..tree import TreeDef
from ._accumulation import jacobian_program
from ._border import remakes, short_tracebacks, to_user, transformed
from ._checks import active_inputs, check_aux, check_callable, check_outputs, demand_count
from ._execute import Runner
from ._select import ArgNums, Selection, select
from ._transform import Finished, Transform
from .batching import vmap
from .derivatives import jvp, linearize, vjp
from .gradients import grad


@remakes
def jacfwd(
    fun: Callable[..., Any],
    argnums: ArgNums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Any = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The Jacobian, column by column in forward mode; for fewer inputs than outputs.

    Args:
        chunk_size: compute so many columns at once, one chunk after the other, which bounds the
            memory of what is computed on the way. The result is the same.

    Returns:
        A function of the same arguments. The result has the output's tree, in each leaf the
        argument's tree, and there an array of shape `output.shape + input.shape`; with `has_aux`
        a pair with the auxiliary data.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.jacfwd(lambda x: x ** 2)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
    """
    check_callable(fun, "jacfwd")
    _demand_chunk(chunk_size, "jacfwd")

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen = _chosen(fun, args, kwargs, argnums, argnames, "jacfwd", holomorphic)
        if not holomorphic:
            _demand_real(chosen)
        value, push, *aux = linearize(
            lambda leaves: _call(chosen, leaves), chosen.leaves, has_aux=has_aux
        )
        check_outputs([type_of(y) for y in tree.leaves(value)], "jacfwd", complex_ok=True)
        sizes = [type_of(leaf).size for leaf in chosen.leaves]
        columns = _along_basis(push, chosen.leaves, chunk_size)
        shapes = [type_of(leaf).shape for leaf in chosen.leaves]

        def blocks(column: Any) -> Any:
            parts, start = [], 0
            for size, shape in zip(sizes, shapes, strict=True):
                last = moveaxis(column[start : start + size], 0, column.ndim - 1)
                parts.append(reshape(last, last.shape[:-1] + shape))
                start += size
            return chosen.result(parts)

        result = tree.map(blocks, columns)
        return (result, *aux) if has_aux else result

    return transformed(wrapper, fun, "jacfwd")


@remakes
def jacrev(
    fun: Callable[..., Any],
    argnums: ArgNums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Any = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The Jacobian, row by row in reverse mode; for fewer outputs than inputs. As `jacfwd`
    otherwise.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.jacrev(lambda x: np.sum(x) * x)(np.array([1.0, 2.0]))
        array([[4., 1.],
               [2., 5.]])
    """
    check_callable(fun, "jacrev")
    _demand_chunk(chunk_size, "jacrev")

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen = _chosen(fun, args, kwargs, argnums, argnames, "jacrev", holomorphic)
        value, pull, *aux = vjp(
            lambda leaves: _call(chosen, leaves), chosen.leaves, has_aux=has_aux
        )
        outputs, out_tree = tree.flatten(value)
        types = [type_of(output) for output in outputs]
        check_outputs(types, "jacrev", complex_ok=holomorphic)
        rows = _along_basis(
            lambda basis: pull(tree.unflatten(out_tree, basis))[0], outputs, chunk_size
        )
        blocks, start = [], 0
        for type_ in types:
            parts = [row[start : start + type_.size] for row in rows]
            blocks.append(chosen.result([_split_first(part, type_.shape) for part in parts]))
            start += type_.size
        result = tree.unflatten(out_tree, blocks)
        return (result, *aux) if has_aux else result

    return transformed(wrapper, fun, "jacrev")


_MODES = ("auto", "forward", "reverse")


@remakes
def jacobian(
    fun: Callable[..., Any],
    argnums: ArgNums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Any = None,
    mode: str = "auto",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The Jacobian, in the order of multiplication that is estimated to cost least.

    Args:
        mode: "forward" as `jacfwd`, "reverse" as `jacrev`; "auto" counts what either, or reverse
            mode up to a narrow place of the computation and forward mode from there, would cost,
            and takes the cheapest. Of complex numbers "auto" is "reverse".
        chunk_size: as for `jacfwd`. "auto" is then the mode with fewer columns or rows.

    Returns:
        As `jacfwd` and `jacrev`.

    Raises:
        OptionError: for another mode.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.jacobian(lambda x: np.sum(x) * x)(np.array([1.0, 2.0]))
        array([[4., 1.],
               [2., 5.]])
    """
    check_callable(fun, "jacobian")
    if mode not in _MODES:
        raise OptionError(f"jacobian(mode={mode!r})", f"the modes are {', '.join(_MODES)}")
    if mode != "auto":
        given = jacfwd if mode == "forward" else jacrev
        return given(fun, argnums, has_aux, holomorphic, argnames=argnames, chunk_size=chunk_size)
    forward, reverse = (
        given(fun, argnums, has_aux, holomorphic, argnames=argnames, chunk_size=chunk_size)
        for given in (jacfwd, jacrev)
    )

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        return _chosen(fun, args, kwargs, argnums, argnames, "jacobian", holomorphic)

    def finish(
        chosen: Selection, recording: Recording, out_tree: TreeDef
    ) -> Finished | Callable[..., Any]:
        program, types = recording.program, chosen.types
        if has_aux:
            check_aux(out_tree)
        head = out_tree.children[0] if has_aux else out_tree
        if any(t.dtype.kind == "c" for t in (*types, *program.output_types[: head.size])):
            return reverse
        if chunk_size is not None:
            columns, rows = (
                sum(t.size for t in side) for side in (types, program.output_types[: head.size])
            )
            return forward if columns < rows else reverse
        check_outputs(recording.output_types[: head.size], "jacobian", complex_ok=False)
        mask = (*[True] * len(types), *[False] * len(recording.captured))
        runner = finished(
            ("jacobian", mask, head.size),
            program,
            lambda shorter: Runner(jacobian_program(shorter, mask, head.size), program),
            recording.guards,
        )
        count, width = len(program.outputs), len(types)

        def assemble(outputs: Sequence[Any]) -> Any:
            rows = [outputs[i : i + width] for i in range(count, len(outputs), width)]
            result = tree.unflatten(head, [chosen.result(row) for row in rows])
            if not has_aux:
                return result
            rest = to_user(outputs[head.size : count], recording.output_types[head.size :])
            return result, tree.unflatten(out_tree.children[1], rest)

        return Finished(runner, assemble)

    options = ("jacobian", argnums, has_aux, holomorphic, argnames, chunk_size)
    return transformed(Transform(fun, options, choose, finish), fun, "jacobian")


@remakes
def hessian(
    fun: Callable[..., Any],
    argnums: ArgNums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Any = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The matrix of second derivatives, by forward over reverse mode.

    Args:
        chunk_size: compute so many columns at once, one chunk after the other, which bounds the
            memory of what is computed on the way. The result is the same.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """
    options = {"argnames": argnames, "chunk_size": chunk_size}
    inner = jacrev(fun, argnums, has_aux, holomorphic, **options)
    outer = jacfwd(inner, argnums, has_aux, holomorphic, **options)
    return transformed(outer, fun, "hessian")


@short_tracebacks
def hvp(fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The product of the Hessian of a scalar function with a vector, without the Hessian.

    Args:
        primals: the arguments, as a tuple.
        tangents: the vector: a tangent for each argument.

    Returns:
        The product, in the tree of the argument; a tuple of them for several arguments.

    Example:
        >>> import numpy as np, functrace as ft
        >>> x, v = np.array([1.0, 2.0]), np.array([1.0, 0.0])
        >>> ft.hvp(lambda x: x[0] ** 2 * x[1], (x,), (v,))
        array([4., 2.])
    """
    check_callable(fun, "hvp")
    if not isinstance(primals, (tuple, list)):
        raise ArgumentError(
            f"hvp takes the arguments as a tuple, and was given a {type(primals).__qualname__}",
            "write hvp(f, (x,), (v,))",
        )
    argnums = tuple(range(len(primals)))
    product = jvp(grad(fun, argnums), primals, tangents)[1]
    return product[0] if len(primals) == 1 else product


def _chosen(
    fun: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: ArgNums,
    argnames: Any,
    transform: str,
    holomorphic: bool,
) -> Selection:
    chosen = select(fun, args, kwargs, argnums, argnames, transform)
    active_inputs(
        chosen.types, chosen.names, transform, holomorphic, allow_int=False, leaves=chosen.leaves
    )
    return chosen


def _demand_real(chosen: Selection) -> None:
    for leaf, name in zip(chosen.leaves, chosen.names, strict=True):
        if type_of(leaf).dtype.kind == "c":
            raise DerivativeTypeError(
                f"jacfwd by argument {name}, which is complex ({type_of(leaf)})",
                "for a function that is complex-differentiable pass holomorphic=True; for others "
                "make the real and imaginary parts arguments",
            )


def _call(chosen: Selection, leaves: Sequence[Any]) -> Any:
    return chosen.call(tree.unflatten(chosen.structure, leaves))


def _basis(leaves: Sequence[Any]) -> list[Any]:
    """The unit vectors of the space of some arrays, along a new first axis of each."""
    types = [type_of(leaf) for leaf in leaves]
    total = sum(type.size for type in types)
    basis, start = [], 0
    for type in types:
        vectors = np.zeros((total, type.size), type.dtype)
        vectors[np.arange(start, start + type.size), np.arange(type.size)] = 1
        basis.append(vectors.reshape(total, *type.shape))
        start += type.size
    return basis


def _along_basis(
    function: Callable[[list[Any]], Any], leaves: Sequence[Any], chunk_size: int | None
) -> Any:
    """A function of the unit vectors of the space of some arrays, along a new first axis."""
    types = [type_of(leaf) for leaf in leaves]
    total = sum(type.size for type in types)
    if chunk_size is None or chunk_size >= total:
        return vmap(function, axis_size=total)(_basis(leaves))

    def at(number: Any) -> Any:  # so that no more unit vectors are made than belong to a chunk
        parts, start = [], 0
        for type in types:
            marks = np.arange(start, start + type.size) == number
            parts.append(marks.astype(type.dtype).reshape(type.shape))
            start += type.size
        return function(parts)

    return vmap(at, chunk_size=chunk_size)(np.arange(total))


def _demand_chunk(chunk_size: int | None, transform: str) -> None:
    if chunk_size is not None:
        demand_count(chunk_size, f"{transform}: chunk_size", "columns or rows")


def _split_first(x: Any, shape: tuple[int, ...]) -> Any:
    return reshape(x, shape + x.shape[1:])


# Elementwise functions


@remakes
def elementwise_grad(fun: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The derivative of an elementwise function at each element, in one reverse pass.

    Args:
        fun: each element of its output depends on the same element of the argument alone.
        argnums: the argument, one array of the output's shape.

    Returns:
        A function of the same arguments, whose result has the argument's shape.

    Raises:
        NotElementwiseError: when the function mixes elements, naming the line that does.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.elementwise_grad(np.sin)(np.zeros(3))
        array([1., 1., 1.])
    """
    check_callable(fun, "elementwise_grad")

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        return _chosen(fun, args, kwargs, argnums, None, "elementwise_grad", False)

    def finish(chosen: Selection, recording: Recording, out_tree: TreeDef) -> Finished:
        program, types = recording.program, chosen.types
        if len(types) != 1 or out_tree.kind is not None:
            raise NotElementwiseError(
                "elementwise_grad needs a function of one array (chosen by argnums) to one array"
            )
        if program.output_types[0].shape != types[0].shape:
            raise NotElementwiseError(
                f"elementwise_grad of a function from shape {types[0].shape} to shape "
                f"{program.output_types[0].shape}: an elementwise function keeps the shape",
                "use jacobian",
            )
        complex_ok = types[0].dtype.kind == "c"
        check_outputs(program.output_types, "elementwise_grad", complex_ok)
        mixing = _mixing_equation(expansion(program))
        if mixing is not None:
            _check_by_value(program, [*chosen.leaves, *recording.captured], mixing)
        mask = (True, *[False] * len(recording.captured))
        seed = np.ones(types[0].shape, program.output_types[0].dtype)
        runner = finished(
            ("elementwise_grad", mask),
            program,
            lambda shorter: Runner(value_and_gradient(shorter, mask, seed), program),
            recording.guards,
        )
        return Finished(runner, lambda outputs: outputs[1], steady=mixing is None)

    options = ("elementwise_grad", argnums)
    return transformed(Transform(fun, options, choose, finish), fun, "elementwise_grad")


def _mixing_equation(program: Program) -> Equation | None:
    """The first equation by which an element could depend on another of the first input."""
    shape = program.inputs[0].type.shape
    reached: set[Any] = {program.inputs[0]}
    for equation in program.equations:
        touched = [atom for atom in equation.inputs if atom in reached]
        if touched and equation.outputs:
            output = equation.outputs[0]
            aligned = output.type.shape == shape and all(a.type.shape == shape for a in touched)
            if not (equation.primitive.elementwise and aligned):
                return equation
            reached.update(equation.outputs)
    return None


def _check_by_value(program: Program, operands: list[Any], mixing: Equation) -> None:
    """Test J v = diag(J 1) v for a random v, which fails almost surely when J is not diagonal.

    The structure of the Program could not show that the function is elementwise; its values at
    this point can.
    """
    where = f"{mixing.primitive.name} at {mixing.source}"
    if any(type(x) is Tracer for x in operands):
        raise ConcretizationError(
            f"elementwise_grad can not tell under another transform whether {where} mixes elements",
            "use np.diagonal of jacobian, or vmap(grad(f))",
            mixing.source,
        )
    mask = (True, *[False] * (len(program.inputs) - 1))
    both, active = jvp_program(program, mask)
    if not active[0]:
        return
    run = Runner(both.silent())
    type_ = program.inputs[0].type
    direction = np.random.default_rng(0).standard_normal(type_.shape).astype(type_.dtype)
    values = [plain(x) for x in operands]
    ones, along = (run([*values, v])[-1] for v in (np.ones(type_.shape, type_.dtype), direction))
    largest = np.max(np.abs(along), initial=0, where=np.isfinite(along))
    tolerance = 100 * np.finfo(type_.dtype).eps * float(largest)
    if not np.allclose(along, ones * direction, rtol=1e-6, atol=tolerance, equal_nan=True):
        raise NotElementwiseError(
            f"elementwise_grad of a function that mixes elements: {where}",
            "use jacobian for all derivatives, or grad of the sum for its gradient",
            mixing.source,
        )
