"""Matrices of derivatives: Jacobians, Hessians, and products with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import (
    ArgumentError,
    DerivativeTypeError,
    OptionError,
)
from ..ir import ArrayType, Program
from ..memo.structural import finished
from ..ops.shape import moveaxis, reshape
from ..recorder import type_of
from ..recording import Recording
from ..tree import TreeDef
from ._accumulation import hessian_program, hvp_program, jacobian_program
from ._border import remakes, short_tracebacks, to_user, transformed
from ._checks import active_inputs, check_aux, check_callable, check_outputs, demand_count
from ._execute import Runner
from ._select import ArgNums, Selection, frozen, select
from ._transform import Finished, Transform
from .batching import vmap
from .derivatives import choose_direction, fill_zeros, jvp, linearize, vjp
from .gradients import check_scalar, grad


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

    def by_columns(*args: Any, **kwargs: Any) -> Any:
        chosen = select_active(fun, args, kwargs, argnums, argnames, "jacfwd", holomorphic)
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

    build = partial(jacobian_program, forward=True)
    options = Options("jacfwd", frozen(argnums), frozen(argnames), has_aux, holomorphic, chunk_size)
    return transformed(_whole(fun, options, build, 1, by_columns), fun, "jacfwd")


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

    def by_rows(*args: Any, **kwargs: Any) -> Any:
        chosen = select_active(fun, args, kwargs, argnums, argnames, "jacrev", holomorphic)
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

    build = partial(jacobian_program, forward=False)
    options = Options("jacrev", frozen(argnums), frozen(argnames), has_aux, holomorphic, chunk_size)
    return transformed(_whole(fun, options, build, 1, by_rows), fun, "jacrev")


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

    def otherwise(_: Program, types: Sequence[ArrayType], ends: Sequence[ArrayType]) -> Any:
        if any(t.dtype.kind == "c" for t in (*types, *ends)):
            return reverse
        if chunk_size is None:
            return None
        columns, rows = (sum(t.size for t in side) for side in (types, ends))
        return forward if columns < rows else reverse

    options = Options(
        "jacobian", frozen(argnums), frozen(argnames), has_aux, holomorphic, chunk_size
    )
    call = _by_program(fun, options, jacobian_program, 1, otherwise)
    return transformed(call, fun, "jacobian")


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
    same = {"argnames": argnames, "chunk_size": chunk_size}
    inner = jacrev(fun, argnums, has_aux, holomorphic, **same)
    outer = jacfwd(inner, argnums, has_aux, holomorphic, **same)
    options = Options(
        "hessian", frozen(argnums), frozen(argnames), has_aux, holomorphic, chunk_size
    )
    return transformed(_whole(fun, options, hessian_program, 2, outer), fun, "hessian")


class Options(NamedTuple):
    """The options of a transform to matrices of derivatives."""

    transform: str
    argnums: ArgNums
    argnames: Any
    has_aux: bool
    holomorphic: bool
    chunk_size: int | None


def _whole(
    fun: Callable[..., Any],
    options: Options,
    build: Callable[..., Program],
    order: int,
    in_parts: Callable[..., Any],
) -> Callable[..., Any]:
    """Matrices of derivatives, by one Program where there can be one.

    Args:
        build: from a traced Program to that.
        order: that of the derivatives.
        in_parts: computes the same for complex numbers, in chunks, and with rules of the user.
    """
    if options.holomorphic or options.chunk_size is not None:
        return in_parts

    def otherwise(program: Program, types: Sequence[ArrayType], ends: Sequence[ArrayType]) -> Any:
        complex_ = any(t.dtype.kind == "c" for t in (*types, *ends))
        return in_parts if complex_ or (order > 1 and _has_rules(program)) else None

    return _by_program(fun, options, build, order, otherwise)


def _by_program(
    fun: Callable[..., Any],
    options: Options,
    build: Callable[..., Program],
    order: int,
    otherwise: Callable[[Program, Sequence[ArrayType], Sequence[ArrayType]], Any],
) -> Transform:
    """Matrices of derivatives by one Program.

    Args:
        build: from a traced Program, the inputs and the number of outputs that are differentiated
            to a Program that has the auxiliary outputs and the derivatives as its last outputs.
        order: that of the derivatives.
        otherwise: what to call instead for a traced Program, with arguments and outputs of some
            types, or None.
    """
    transform, has_aux = options.transform, options.has_aux

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        argnums, argnames = options.argnums, options.argnames
        return select_active(fun, args, kwargs, argnums, argnames, transform, options.holomorphic)

    def finish(
        chosen: Selection, recording: Recording, out_tree: TreeDef
    ) -> Finished | Callable[..., Any]:
        program, width = recording.program, len(chosen.types)
        if has_aux:
            check_aux(out_tree)
        head = out_tree.children[0] if has_aux else out_tree
        instead = otherwise(program, chosen.types, program.output_types[: head.size])
        if instead is not None:
            return instead
        check_outputs(recording.output_types[: head.size], transform, complex_ok=False)
        mask = (*[True] * width, *[False] * len(recording.captured))
        runner = finished(
            (transform, mask, head.size),
            program,
            lambda shorter: Runner(build(shorter, mask, head.size), program),
            recording.guards,
        )
        blocks, rest = head.size * width**order, len(program.outputs) - head.size

        def assemble(outputs: Sequence[Any]) -> Any:
            start = len(outputs) - blocks
            rows = _cut(outputs[start:], head.size)
            result = tree.unflatten(head, [_nested(chosen, row, order) for row in rows])
            if not has_aux:
                return result
            auxiliary = to_user(outputs[start - rest : start], recording.output_types[head.size :])
            return result, tree.unflatten(out_tree.children[1], auxiliary)

        return Finished(runner, assemble)

    return Transform(fun, options, choose, finish)


def _nested(chosen: Selection, blocks: Sequence[Any], order: int) -> Any:
    """Derivatives of an order in the form that the chosen arguments have."""
    if order == 1:
        return chosen.result(blocks)
    parts = _cut(blocks, len(chosen.types))
    return chosen.result([_nested(chosen, part, order - 1) for part in parts])


def _cut(values: Sequence[Any], parts: int) -> list[Sequence[Any]]:
    """Values in some parts of one length."""
    each = len(values) // parts if parts else 0
    return [values[i * each : (i + 1) * each] for i in range(parts)]


def _has_rules(program: Program) -> bool:
    """Whether a Program calls functions with derivative rules of the user.

    A rule of second derivatives may look at values, which there are while it is recorded as
    derivatives are taken of derivatives one by one.
    """
    return any(
        "rule" in e.params or any(_has_rules(inner) for _, inner in e.programs)
        for e in program.equations
    )


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
    single = len(primals) == 1

    def one_by_one(primals: Any, tangents: Any) -> Any:
        product = jvp(grad(fun, tuple(range(len(primals)))), primals, tangents)[1]
        return product[0] if single else product

    def choose(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Selection:
        chosen = choose_direction(fun, args, "hvp")
        active_inputs(
            chosen.types, chosen.names, "hvp", holomorphic=False, allow_int=False,
            leaves=chosen.leaves,
        )  # fmt: skip
        return chosen

    def finish(
        chosen: Selection, recording: Recording, out_tree: TreeDef
    ) -> Finished | Callable[..., Any]:
        check_scalar(recording, out_tree, has_aux=False, holomorphic=False, transform="hvp")
        program, types = recording.program, chosen.types
        if _has_rules(program):
            return one_by_one
        mask = (*[True] * len(types), *[False] * len(recording.captured))

        def make(shorter: Program) -> tuple[Runner, list[bool]]:
            moving, reached = hvp_program(shorter, mask)
            return Runner(moving, program), reached

        runner, reached = finished(("hvp", mask), program, make, recording.guards)

        def assemble(outputs: Sequence[Any]) -> Any:
            product = tree.unflatten(chosen.structure, fill_zeros(outputs, reached, types))
            return product[0] if single else product

        return Finished(runner, assemble, steady=chosen.details)

    return Transform(fun, "hvp", choose, finish)(primals, tangents)


def select_active(
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
