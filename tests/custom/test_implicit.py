"""custom_root and custom_linear_solve: derivatives of solutions, against those of formulas."""

import numpy as np
import pytest
import scipy.optimize

import functrace as ft
from functrace.errors import (
    ArgumentError,
    ConcretizationError,
    CustomRuleError,
    MissingRuleError,
    ShapeError,
)

from ..helpers import assert_close, difference

A = np.array([[3.0, 0.5, -0.2], [0.3, 2.5, 0.4], [-0.6, 0.1, 3.5]])
B = np.array([0.4, -0.7, 1.1])
BATCH_A = A + np.linspace(-0.2, 0.2, 4)[:, None, None]
BATCH_B = B * np.linspace(0.5, 2.0, 4)[:, None]


# Roots: the cube root has a formula, and a system of equations has a solution by iteration


def newton(f, x):
    return ft.fori_loop(0, 30, lambda _, x: x - f(x) / ft.grad(f)(x), x)


def newton_while(f, x):
    return ft.while_loop(
        lambda x: abs(f(x)) > 1e-13, lambda x: x - f(x) / ft.grad(f)(x), x
    )  # fmt: skip


def newton_python(f, x):
    while abs(f(x)) > 1e-13:
        x = x - f(x) / ft.grad(f)(x)
    return x


def divide(g, y):
    return y / g(1.0)


def cube_root_by(solve):
    return lambda a: ft.custom_root(lambda x: x**3 - a, 1.0, solve, divide)


TRANSFORMS = {
    "value": lambda f: f,
    "grad": ft.grad,
    "jvp": lambda f: lambda a: ft.jvp(f, (a,), (2.0,)),
    "linearize": lambda f: lambda a: ft.linearize(f, a)[1](2.0),
    "grad of grad": lambda f: ft.grad(ft.grad(f)),
    "third": lambda f: ft.grad(ft.grad(ft.grad(f))),
    "hessian": ft.hessian,
    "jvp of grad": lambda f: lambda a: ft.jvp(ft.grad(f), (a,), (1.0,)),
    "grad of jvp": lambda f: ft.grad(lambda a: ft.jvp(f, (a,), (a,))[1]),
}
COMPILED = {
    "jit of grad": lambda f: ft.jit(ft.grad(f)),
    "vmap of grad": lambda f: lambda a: ft.vmap(ft.grad(f))(a * np.array([1.0, 2.0, 3.0])),
    "grad of vmap": lambda f: ft.grad(lambda a: np.sum(ft.vmap(f)(a * np.array([1.0, 2.0, 3.0])))),
    "scan": lambda f: ft.grad(lambda a: ft.scan(lambda c, x: (f(c + x), c), a, np.ones(3))[0]),
    "while": lambda f: ft.grad(lambda a: ft.while_loop(lambda c: c > 1.1, f, a)),
    "cond": lambda f: ft.grad(lambda a: ft.cond(a > 0, f, np.sin, a)),
    "checkpoint": lambda f: ft.grad(lambda a: ft.checkpoint(lambda a: f(f(a)))(a)),
}


@pytest.mark.parametrize("transform", {**TRANSFORMS, **COMPILED})
@pytest.mark.parametrize("solve", [newton, newton_while, newton_python])
def test_a_root_has_the_derivatives_of_its_formula(solve, transform):
    change = {**TRANSFORMS, **COMPILED}[transform]
    if solve is newton_python and transform in COMPILED and transform != "checkpoint":
        with pytest.raises(ConcretizationError):
            change(cube_root_by(solve))(8.0)
        return
    assert_close(change(cube_root_by(solve))(8.0), change(np.cbrt)(8.0), 1e-9)


def system(p, b):
    def f(x):
        u, v = x["u"], x["v"]
        return {"u": u + 0.1 * np.tanh(p @ v) - b, "v": v + 0.2 * np.sin(u * v) - 2 * b}

    def iterate(f, x):
        def step(_, x):
            return ft.tree.map(lambda x, y: x - 0.8 * y, x, f(x))

        return ft.fori_loop(0, 200, step, x), "done"

    def tangent(g, y):
        flat = lambda t: np.concatenate([t["u"], t["v"]])
        tree = lambda t: {"u": t[:3], "v": t[3:]}
        return tree(np.linalg.solve(ft.jacobian(lambda t: flat(g(tree(t))))(flat(y)), flat(y)))

    def with_state(f, x):
        x, _ = iterate(f, x)
        return x, {"largest": np.max(np.abs(f(x)["u"]))}

    start = {"u": np.zeros(3), "v": np.zeros(3)}
    return ft.custom_root(f, start, with_state, tangent, has_aux=True)


def norm(p, b):
    x, state = system(p, b)
    return np.sum(x["u"] ** 2 * x["v"]) + state["largest"]


def test_a_root_of_trees_has_the_derivatives_of_finite_differences():
    _, state = system(A, B)
    assert state["largest"] < 1e-13
    random = np.random.default_rng(0)
    dA, dB = random.normal(size=A.shape), random.normal(size=3)
    (expected,) = difference(lambda a, b: [norm(a, b)], [A, B], [dA, dB])
    assert_close(ft.jvp(norm, (A, B), (dA, dB))[1], expected, 1e-7)
    ga, gb = ft.grad(norm, (0, 1))(A, B)
    assert_close(np.sum(ga * dA) + np.sum(gb * dB), expected, 1e-7)
    expected = (ft.grad(norm)(A + 1e-6 * dA, B) - ft.grad(norm)(A - 1e-6 * dA, B)) / 2e-6
    assert_close(ft.hvp(lambda a: norm(a, B), (A,), (dA,)), expected, 1e-6)
    batched = ft.vmap(ft.grad(norm))(BATCH_A, BATCH_B)
    assert_close(batched, np.stack([ft.grad(norm)(a, b) for a, b in zip(BATCH_A, BATCH_B)]), 1e-10)


def test_a_root_may_be_found_by_compiled_code():
    def bracketed(a):
        find = lambda a: scipy.optimize.brentq(lambda x: x**3 - a, 0.0, 10.0, xtol=1e-14)
        return ft.pure_callback(find, ft.ArrayType((), float), a, vmap_method="sequential")

    def root(a):
        return ft.custom_root(lambda x: x**3 - a, 1.0, lambda f, x: bracketed(a), divide)

    for change in {**TRANSFORMS, **COMPILED}.values():
        assert_close(change(root)(8.0), change(np.cbrt)(8.0), 1e-9)


def test_the_solver_is_not_differentiated_and_its_start_does_not_matter():
    def lost(f, x):
        return ft.stop_gradient(newton(f, x))

    f = lambda a, start: ft.custom_root(lambda x: x**3 - a, start, lost, divide)
    assert_close(ft.grad(f, (0, 1))(8.0, 3.0), (1 / 12, 0.0))
    assert ft.grad(lambda a: ft.custom_root(lambda x: x - 2.0, a, newton, divide))(1.0) == 0.0


def test_plain_calls_are_calls_of_the_solver():
    seen = []
    solve = lambda f, x: seen.append(type(x)) or newton_python(f, x)
    assert_close(ft.custom_root(lambda x: x**3 - 8, 1.0, solve, divide), 2.0)
    assert_close(
        ft.grad(lambda a: a * ft.custom_root(lambda x: x**3 - 8, 1.0, solve, divide))(1.0), 2.0
    )
    assert seen[0] is float


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"f": lambda x: (x, x)}, r"what f returned has the tree \(\*, \*\)"),
        ({"f": lambda x: x[:1]}, r"what f returned has type f64\[1\], and it must be f64\[3\]"),
        ({"solve": lambda f, x: x[0]}, r"what solve returned has type f64, and it must be"),
        ({"solve": lambda f, x: x, "has_aux": True}, r"solve returned a (Tracer|ndarray)"),
        ({"tangent_solve": lambda g, y: [y]}, r"what tangent_solve returned has the tree \[\*\]"),
    ],
)
def test_what_functions_of_a_root_return_is_checked(options, message):
    given = {"f": lambda x: x, "solve": lambda f, x: x, "tangent_solve": lambda g, y: g(y)}
    given.update(options)
    f = given.pop("f")
    with pytest.raises(CustomRuleError, match="custom_root.*" + message) as error:
        ft.grad(lambda a: np.sum(ft.custom_root(lambda x: f(x - a), B, **given)))(B)
    assert error.value.source.filename == __file__
    with pytest.raises(ShapeError, match="the argument of g, the derivative of f"):
        ft.grad(lambda a: np.sum(
            ft.custom_root(lambda x: x - a, B, lambda f, x: x, lambda g, y: g(y[:2]))
        ))(B)  # fmt: skip
    with pytest.raises(ArgumentError, match="custom_root takes a function"):
        ft.custom_root(3, B, newton, divide)


# Linear equations


def jacobi(matvec, b):
    return ft.fori_loop(0, 80, lambda _, x: x + (b - matvec(x)) / np.diag(A), b)


def solve_dense(matvec, b):
    return np.linalg.solve(ft.jacobian(matvec)(b), b)


def by(solve):
    return lambda a, b: ft.custom_linear_solve(lambda x: a @ x, b, solve, solve)


USES = {
    "value": lambda f: f(A, B),
    "jacrev by b": lambda f: ft.jacrev(f, 1)(A, B),
    "jacfwd by b": lambda f: ft.jacfwd(f, 1)(A, B),
    "jacrev by A": lambda f: ft.jacrev(f)(A, B),
    "jacfwd by A": lambda f: ft.jacfwd(f)(A, B),
    "hessian": lambda f: ft.hessian(lambda a: np.sum(f(a, B) ** 3))(A),
    "mixed": lambda f: ft.jacfwd(ft.jacrev(f, 1), 0)(A, B),
    "transpose": lambda f: ft.linear_transpose(lambda b: f(A, b), B)(np.ones(3)),
    "double transpose": lambda f: ft.jacrev(ft.linear_transpose(lambda b: f(A, b), B))(B)[0],
    "jit": lambda f: ft.jit(ft.grad(lambda a: np.sum(np.sin(f(a, B)))))(A),
    "vmap of A": lambda f: ft.vmap(f, (0, None))(BATCH_A, B),
    "vmap of b": lambda f: ft.vmap(f, (None, 0))(A, BATCH_B),
    "vmap of grad": lambda f: ft.vmap(ft.grad(lambda a, b: np.sum(f(a, b) ** 2), (0, 1)))(
        BATCH_A, BATCH_B
    ),
    "grad of vmap": lambda f: ft.grad(
        lambda a, b: np.sum(ft.vmap(f, (0, None))(a, b) ** 2), (0, 1)
    )(BATCH_A, B),
    "scan": lambda f: ft.grad(
        lambda a: np.sum(ft.scan(lambda c, r: (f(a, c + r), c), B, BATCH_B)[1])
    )(A),
    "cond": lambda f: ft.grad(lambda a: np.sum(ft.cond(a[0, 0] > 0, f, lambda a, b: b, a, B)))(A),
    "checkpoint": lambda f: ft.grad(lambda a: np.sum(ft.checkpoint(lambda a: f(a, f(a, B)))(a)))(A),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("solve", [jacobi, solve_dense])
def test_a_solution_has_the_derivatives_of_numpys(solve, use):
    assert_close(USES[use](by(solve)), USES[use](np.linalg.solve), 1e-9)


def test_a_symmetric_equation_needs_one_solver():
    S = A + A.T

    def solution(a, b):
        return ft.custom_linear_solve(lambda x: a @ x, b, solve_dense, symmetric=True)

    for i in (0, 1):
        assert_close(ft.jacrev(solution, i)(S, B), ft.jacfwd(np.linalg.solve, i)(S, B), 1e-11)
    assert "scan" not in str(ft.trace(ft.grad(lambda b: np.sum(solution(S, b))))(B))


def test_solvers_may_tell_more_and_deal_in_trees():
    def solver(matvec, b):
        x = ft.fori_loop(
            0, 60, lambda _, x: ft.tree.map(lambda x, b, y: x + (b - y) / 4, x, b, matvec(x)), b
        )
        return x, {"steps": 60}

    def solution(c, b):
        x, info = ft.custom_linear_solve(
            lambda x: (4 * x[0] + c * x[1], 3 * x[1] - c * x[0]), b, solver, solver, has_aux=True
        )
        assert set(info) == {"steps"}
        return x[0] * info["steps"] / 60 + x[1]

    def formula(c, b):
        return np.sum(np.linalg.solve(ft.numpy.array([[4.0, c], [-c, 3.0]]), np.stack(b)))

    b = (1.0, 2.0)
    assert_close(ft.grad(solution, (0, 1))(0.5, b), ft.grad(formula, (0, 1))(0.5, b), 1e-10)
    assert_close(ft.hessian(solution)(0.5, b), ft.hessian(formula)(0.5, b), 1e-10)


def test_what_can_not_be_done_is_said_with_a_remedy():
    forward = lambda b: ft.custom_linear_solve(lambda x: A @ x, b, jacobi)
    assert_close(ft.jacfwd(forward)(B), np.linalg.inv(A), 1e-10)
    with pytest.raises(MissingRuleError, match="not told how to solve the transposed") as error:
        ft.grad(lambda b: np.sum(forward(b)))(B)
    assert "transpose_solve=" in error.value.remedy
    assert error.value.source.text.startswith("forward = lambda")

    def python_loop(matvec, b):
        x = b
        while np.max(np.abs(matvec(x) - b)) > 1e-12:
            x = x + (b - matvec(x)) / np.diag(A)
        return x

    assert_close(
        ft.custom_linear_solve(lambda x: A @ x, B, python_loop), np.linalg.solve(A, B), 1e-9
    )
    with pytest.raises(ConcretizationError, match="under custom_linear_solve"):
        ft.grad(lambda b: np.sum(by(python_loop)(A, b)))(B)
    for options, message in (
        ({"matvec": lambda x: x[:1]}, "what matvec returned has type"),
        ({"solve": lambda m, b: (b, b)}, "what solve returned has the tree"),
        ({"transpose_solve": lambda m, b: b[:1]}, "what transpose_solve returned has type"),
        ({"solve": lambda m, b: b, "has_aux": True}, "has_aux=True.: solve returned a Tracer"),
    ):
        given = {"matvec": lambda x: x, "solve": jacobi, "transpose_solve": jacobi, **options}
        with pytest.raises(CustomRuleError, match="custom_linear_solve.*" + message):
            ft.grad(lambda b, given=given: np.sum(ft.custom_linear_solve(b=b, **given)))(B)
    with pytest.raises(ShapeError, match="the argument of vecmat"):
        ft.grad(lambda b: np.sum(
            ft.custom_linear_solve(lambda x: x, b, jacobi, lambda v, b: v(b[:1]))
        ))(B)  # fmt: skip


def test_derivatives_are_taken_of_the_equation_and_not_of_the_solver():
    program = ft.trace(ft.grad(lambda a: np.sum(by(jacobi)(a, B))))(A)
    loops = [e for e in program.equations if e.primitive.name == "scan"]
    solutions = [e for e in program.equations if e.primitive.name == "linear_solve"]
    assert (len(loops), len(solutions)) == (0, 2)
