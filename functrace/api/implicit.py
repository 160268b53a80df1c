"""Derivatives of solutions, by the equations they solve: `custom_root`, `custom_linear_solve`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import tree
from ..control.programs import inline
from ..custom.hashable_function import defined_at
from ..custom.linear_solve import Equations
from ..custom.root import Root
from ..custom.rules import demand_pair, fitted_outputs
from ..custom.signature import traced
from ..ir import ArrayType, Program
from ..lists import merge
from ..recorder import recorder_for, tracing
from ..transforms.linearize import linearize
from ..transforms.transpose import transpose
from ..tree import TreeDef
from ..values import operand
from ._border import function_name, leaf_types, short_tracebacks, to_user
from ._checks import check_callable, fit

Function = Callable[..., Any]


class _Unknown(NamedTuple):
    """The tree of what is looked for.

    Attributes:
        caller: who looks for it, in messages.
        types: of the leaves.
    """

    caller: str
    structure: TreeDef
    types: list[ArrayType]

    def tree(self, leaves: Sequence[Any]) -> Any:
        return tree.unflatten(self.structure, leaves)

    def leaves(self, value: Any, role: str, fun: Function) -> list[Any]:
        """The leaves of what a function of the user returned, checked."""
        what = f"{self.caller}: what {role} returned"
        return fitted_outputs(value, self.structure, self.types, what, defined_at(fun))


class _Traced(NamedTuple):
    """A function as a Program that takes first what it captured."""

    program: Program
    captured: tuple[Any, ...]
    types: tuple[ArrayType, ...]
    aux: TreeDef | None


def _trace(
    call: Callable[[list[Any]], list[Any]], types: Sequence[ArrayType], fun: Function, reason: str,
    values: Sequence[Any] | None = None, aux: list[TreeDef] | None = None,
) -> _Traced:  # fmt: skip
    recording, result = traced(
        call, types, [""] * len(types), name=function_name(fun), reason=reason, values=values
    )
    program = recording.captures_first()
    return _Traced(program, recording.captured, result.types, aux[0] if aux else None)


def _solver(
    unknown: _Unknown, role: str, fun: Function, operator: Function, has_aux: bool, reason: str,
    values: Sequence[Any] | None = None,
) -> _Traced:  # fmt: skip
    """Trace a solver, which is called with a function and a start or a right side."""
    aux: list[TreeDef] = []

    def call(tracers: list[Any]) -> list[Any]:
        result, more = fun(operator, unknown.tree(tracers)), None
        if has_aux:
            what = f"{unknown.caller}(has_aux=True): {role}"
            result, more = demand_pair(result, what, "solution, auxiliary data", defined_at(fun))
        leaves, structure = tree.flatten(more)
        aux.append(structure)
        return [*unknown.leaves(result, role, fun), *leaves]

    return _trace(call, unknown.types, fun, reason, values, aux)


def _result(unknown: _Unknown, solver: _Traced, outputs: Sequence[Any], has_aux: bool) -> Any:
    values = to_user(outputs, solver.types)
    count = len(unknown.types)
    solution = unknown.tree(values[:count])
    if not has_aux:
        return solution
    assert solver.aux is not None
    return solution, tree.unflatten(solver.aux, values[count:])


@short_tracebacks
def custom_root(
    f: Function,
    initial_guess: Any,
    solve: Callable[[Function, Any], Any],
    tangent_solve: Callable[[Function, Any], Any],
    has_aux: bool = False,
) -> Any:
    """A root of a function, with the derivative that the implicit function theorem gives.

    The solver itself is not differentiated. Derivatives are by the values that `f` takes from its
    closure: with f(a, x) = 0, dx/da = -(df/dx)^-1 df/da.

    Args:
        f: a function of x, a tree of floating-point arrays, that returns the same tree.
        initial_guess: where the solver starts.
        solve: `(f, initial_guess) -> root`.
        tangent_solve: `(g, y) -> x` with g(x) = y, where g is the derivative of f at the root, a
            linear function. For a number, `lambda g, y: y / g(1.0)`; for an array,
            `lambda g, y: np.linalg.solve(functrace.jacobian(g)(y), y)`. In reverse mode it is
            transposed; `custom_linear_solve` can be.
        has_aux: whether `solve` returns `(root, auxiliary data)`; so does this function then.

    Raises:
        CustomRuleError: when a function returns another tree, shape or dtype than the guess has.

    Example:
        >>> import numpy as np, functrace as ft
        >>> def newton(f, x):
        ...     return ft.fori_loop(0, 20, lambda _, x: x - f(x) / ft.grad(f)(x), x)
        >>> def cube_root(a):
        ...     return ft.custom_root(lambda x: x**3 - a, 1.0, newton, lambda g, y: y / g(1.0))
        >>> ft.grad(cube_root)(8.0), 8.0 ** (-2 / 3) / 3
        (np.float64(0.08333333333333333), 0.08333333333333333)
    """
    for fun in (f, solve, tangent_solve):
        check_callable(fun, "custom_root")
    guess, structure = tree.flatten(initial_guess)
    if tracing() is None and recorder_for(guess) is None:
        return solve(f, initial_guess)
    names = [f"initial_guess{path}" for path in tree.paths(structure)]
    unknown = _Unknown("custom_root", structure, leaf_types(guess, names))
    given = [operand(x) for x in guess]
    equation = _trace(
        lambda x: unknown.leaves(f(unknown.tree(x)), "f", f), unknown.types, f, "custom_root"
    )
    solver = _solver(unknown, "solve", solve, f, has_aux, "custom_root", given)
    operands = [*equation.captured, *solver.captured]
    if recorder_for([*operands, *given]) is None:
        return solve(f, initial_guess)
    tangent = _tangent(unknown, equation, tangent_solve)
    counts = len(equation.captured), len(solver.captured), len(tangent.captured)
    root = Root(equation.program, solver.program, tangent.program, counts)
    outputs = root.bind(*operands, *tangent.captured, *given)
    return _result(unknown, solver, outputs, has_aux)


def _tangent(unknown: _Unknown, equation: _Traced, tangent_solve: Function) -> _Traced:
    """Trace the solution of the linear equation at the root, of the root and a right side."""
    n, captured = len(unknown.types), equation.captured
    active = [False] * len(captured) + [True] * n
    parts = linearize(equation.program, active)

    def call(tracers: list[Any]) -> list[Any]:
        residuals = inline(parts.primal, [*captured, *tracers[:n]])[n:]

        def g(x: Any) -> Any:
            found = _moved(unknown, x, "g, the derivative of f,")
            pushed = merge(inline(parts.linear, [*residuals, *found]), parts.active_outputs)
            return unknown.tree(
                [
                    type.dtype.type(0) * x if t is None else t
                    for t, x, type in zip(pushed, found, unknown.types, strict=True)
                ]
            )

        return unknown.leaves(
            tangent_solve(g, unknown.tree(tracers[n:])), "tangent_solve", tangent_solve
        )

    return _trace(call, [*unknown.types, *unknown.types], tangent_solve, "custom_root")


def _moved(unknown: _Unknown, x: Any, what: str) -> list[Any]:
    """The leaves of an argument of a linear function that we made."""
    leaves = tree.flatten_up_to(unknown.structure, x)
    return [
        fit(leaf, type.strong, f"{unknown.caller}: the argument{path} of {what}")
        for leaf, type, path in zip(
            leaves, unknown.types, tree.paths(unknown.structure), strict=True
        )
    ]


@short_tracebacks
def custom_linear_solve(
    matvec: Function,
    b: Any,
    solve: Callable[[Function, Any], Any],
    transpose_solve: Callable[[Function, Any], Any] | None = None,
    symmetric: bool = False,
    has_aux: bool = False,
) -> Any:
    """The solution x of a linear equation matvec(x) = b, with the derivative that this gives.

    The solver itself is not differentiated: from A x = b follows A x' = b' - A' x, which is solved
    by the same solver. Derivatives are by `b`, and by the values that `matvec` takes from its
    closure.

    Args:
        matvec: a linear function of a tree of floating-point arrays, that returns the same tree.
        b: the right side.
        solve: `(matvec, b) -> x`. It must do for every right side, so that Python's control flow
            cannot look at values: use `while_loop` to iterate.
        transpose_solve: `(vecmat, b) -> x`, which solves the equation of the transpose of `matvec`.
            Reverse mode needs it, unless `symmetric`.
        symmetric: whether `matvec` is its own transpose, so that `solve` serves for both.
        has_aux: whether the solvers return `(x, auxiliary data)`; so does this function then.

    Raises:
        CustomRuleError: when a function returns another tree, shape or dtype than `b` has.
        MissingRuleError: in reverse mode, when no solver for the transposed equation was given.

    Example:
        >>> import numpy as np, functrace as ft
        >>> A, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
        >>> def jacobi(matvec, b):
        ...     return ft.fori_loop(0, 60, lambda _, x: x + (b - matvec(x)) / np.diag(A), b)
        >>> def solution(A):
        ...     return ft.custom_linear_solve(lambda x: A @ x, b, jacobi, symmetric=True)
        >>> ft.jacobian(solution)(A).shape
        (2, 2, 2)
    """
    for fun in (matvec, solve, *[transpose_solve] * (transpose_solve is not None)):
        check_callable(fun, "custom_linear_solve")
    leaves, structure = tree.flatten(b)
    if tracing() is None and recorder_for(leaves) is None:
        return solve(matvec, b)
    names = [f"b{path}" for path in tree.paths(structure)]
    unknown = _Unknown("custom_linear_solve", structure, leaf_types(leaves, names))
    given = [operand(x) for x in leaves]
    reason = "custom_linear_solve"
    system = _trace(
        lambda x: unknown.leaves(matvec(unknown.tree(x)), "matvec", matvec),
        unknown.types, matvec, reason,
    )  # fmt: skip
    solver = _solver(unknown, "solve", solve, matvec, has_aux, reason)
    operands = [*system.captured, *solver.captured]
    if recorder_for([*operands, *given]) is None:
        return solve(matvec, b)
    program, captured = None, ()
    if transpose_solve is not None and not symmetric:
        vecmat = _transposed(unknown, system)
        other = _solver(unknown, "transpose_solve", transpose_solve, vecmat, has_aux, reason)
        program, captured = other.program, other.captured
    counts = len(system.captured), len(solver.captured), len(captured)
    equations = Equations(system.program, solver.program, program, counts, bool(symmetric))
    outputs = equations.bind(*operands, *captured, *given)
    return _result(unknown, solver, outputs, has_aux)


def _transposed(unknown: _Unknown, system: _Traced) -> Function:
    """The transpose of `matvec`, as a function for the user."""
    count = len(system.captured)
    linear = [i >= count for i in range(len(system.program.inputs))]
    program = transpose(system.program, linear)

    def vecmat(x: Any) -> Any:
        return unknown.tree(
            inline(program, [*system.captured, *_moved(unknown, x, "vecmat, the transpose,")])
        )

    return vecmat
