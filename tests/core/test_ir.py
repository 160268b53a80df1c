"""Programs as data: their text, pickling, equality, and the checks that find malformed ones."""

import copy
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import functrace as ft
from functrace.errors import MissingRuleError, ProgramError
from functrace.ir import ArrayType, Equation, Literal, Program, Var
from functrace.primitive import PRIMITIVES

from ..numerical import assert_close

F64 = ArrayType((), np.float64)
VECTOR = ArrayType((3,), np.float64)
ADD, SIN, SUM = PRIMITIVES["add"], PRIMITIVES["sin"], PRIMITIVES["sum"]


def text(f, *args, **kwargs):
    return str(ft.trace(f)(*args, **kwargs))


def lines(expected):
    return textwrap.dedent(expected).strip()


# Text


def network(params, x, y):
    W, b, w, b0 = params
    return (w @ np.maximum(W @ x + b, 0) + b0 - y) ** 2


PARAMS = (np.ones((4, 3)), np.ones(4), np.ones(4), 0.5)


def test_a_network_reads_as_it_was_written():
    assert text(network, PARAMS, np.ones(3), 1.0) == lines(
        """
        network(
            params[0]: f64[4,3],
            params[1]: f64[4],
            params[2]: f64[4],
            params[3]: f64,
            x: f64[3],
            y: f64,
        ) -> f64
          a: f64[4] = params[0] @ x
          b: f64[4] = a + params[1]
          c: f64[4] = maximum(b, 0.0)
          d: f64    = params[2] @ c
          e: f64    = d + params[3]
          f: f64    = e - y
          g: f64    = f ** 2
          return g
        """
    )


def test_a_minibatch_is_one_matrix_product():
    def batch(p, X, Y):
        return np.mean(ft.vmap(network, in_axes=(None, 0, 0))(p, X, Y))

    assert text(batch, PARAMS, np.ones((5, 3)), np.ones(5)) == lines(
        """
        batch(p[0]: f64[4,3], p[1]: f64[4], p[2]: f64[4], p[3]: f64, X: f64[5,3], Y: f64[5]) -> f64
          a: f64[5,4] = X @ p[0].T
          b: f64[5,4] = a + p[1]
          c: f64[5,4] = maximum(b, 0.0)
          d: f64[5]   = c @ p[2]
          e: f64[5]   = d + p[3]
          f: f64[5]   = e - Y
          g: f64[5]   = f ** 2
          h: f64      = sum(g, axis=0)
          i: f64      = h / 5.0
          return i
        """
    )


def test_products_print_as_such():
    def products(A, B, v):
        return A @ B, A @ v, v @ A, v @ v, np.outer(v, v), np.einsum("ij,kj->ik", A, B)

    assert text(products, np.ones((3, 3)), np.ones((3, 3)), np.ones(3)) == lines(
        """
        products(
            A: f64[3,3],
            B: f64[3,3],
            v: f64[3],
        ) -> (f64[3,3], f64[3], f64[3], f64, f64[3,3], f64[3,3])
          a: f64[3,3] = A @ B
          b: f64[3]   = A @ v
          c: f64[3]   = v @ A
          d: f64      = v @ v
          e: f64[3,3] = outer(v, v)
          f: f64[3,3] = A @ B.T
          return a, b, c, d, e, f
        """
    )


def test_dtypes_constants_slices_and_casts_print():
    def mixed(x, n, flag):
        c = np.array([1.0, 2.0, 3.0], np.float32)
        m = np.where(x > 0, x, c)
        return m[1:] * 2, m[::-1], n // 2, flag & True, m * 1j, np.concatenate([x, c]).max()

    x = np.ones(3, np.float32)
    assert text(mixed, x, np.int64(3), np.True_) == lines(
        """
        mixed(x: f32[3], n: i64, flag: bool) -> (f32[2], f32[3], i64, bool, c64[3], f32)
          c0: f32[3] = [1., 2., 3.]
          a: bool[3] = x > 0.0
          b: f32[3]  = where(a, x, c0)
          c: f32[2]  = b[1:3]
          d: f32[2]  = c * 2.0
          e: f32[3]  = b[2::-1]
          f: i64     = n // 2
          g: bool    = flag & True
          h: c64[3]  = b.astype(c64)
          i: c64[3]  = h * 1j
          j: f32[6]  = concatenate([x, c0], axis=0)
          k: f32     = max(j, axis=0)
          return d, e, f, g, i, k
        """
    )


def test_outputs_may_be_inputs_constants_or_nothing():
    assert text(lambda x: x, 1.0) == "function(x: f64) -> f64\n  return x"
    assert text(lambda x: 2.5, 1.0) == "function(x: f64) -> f64\n  return 2.5"
    assert text(lambda x: (), 1.0) == "function(x: f64) -> ()\n  return"
    assert text(lambda: np.array([1.0, 2.0])) == lines(
        """
        function() -> f64[2]
          c0: f64[2] = [1., 2.]
          return c0
        """
    )


def test_names_of_arguments_are_kept_and_never_given_twice():
    def f(a, b, d, *rest, k):
        return a * b + d["a"] * rest[0] * k

    assert text(f, 1.0, 2.0, {"a": 3.0}, 4.0, k=5.0) == lines(
        """
        f(a: f64, b: f64, d['a']: f64, rest[0]: f64, k: f64) -> f64
          c: f64 = a * b
          e: f64 = d['a'] * rest[0]
          f: f64 = e * k
          g: f64 = c + f
          return g
        """
    )


def test_a_long_constant_prints_its_ends():
    shown = text(lambda x: x + np.arange(100.0), 1.0)
    assert "c0: f64[100] = [ 0., 1., ..., 98., 99.]" in shown


def test_numbers_print_all_their_digits():
    shown = text(lambda x: x * 0.1 + 1e-300 - np.inf, 1.0)
    assert "a: f64 = x * 0.1\n" in shown
    assert "b: f64 = a + 1e-300\n" in shown
    assert "c: f64 = b - inf\n" in shown


# Pickling


PROGRAMS = {
    "network": lambda: ft.trace(network)(PARAMS, np.ones(3), 1.0),
    "gradient": lambda: ft.trace(ft.grad(network))(PARAMS, np.ones(3), 1.0),
    "hessian": lambda: ft.trace(ft.hessian(lambda x: np.sum(x**3)))(np.ones(3)),
    "batched": lambda: ft.trace(ft.vmap(np.cumsum))(np.ones((2, 3))),
    "indexing": lambda: ft.trace(lambda x: x[np.array([0, 2, 0])].astype(np.float32))(np.ones(3)),
    "constant": lambda: ft.trace(lambda x: np.array([1.0, 2.0]))(1.0),
    "empty": lambda: ft.trace(lambda: ())(),
}


def test_a_number_that_is_repeated_is_stored_once():
    literal = Literal(np.broadcast_to(2.0, (1000, 1000)))
    stored = pickle.dumps(literal)
    assert len(stored) < 1000
    back = pickle.loads(stored)
    assert back.key == literal.key
    assert not any(back.value.strides)
    assert not back.value.flags.writeable


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_survives_pickling(name):
    program = PROGRAMS[name]()
    back = pickle.loads(pickle.dumps(program))
    assert back == program
    assert hash(back) == hash(program)
    assert str(back) == str(program)
    assert back.name == program.name
    back.check()
    assert [e.source for e in back.equations] == [e.source for e in program.equations]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_survives_copying(name):
    program = PROGRAMS[name]()
    assert copy.copy(program) == program
    assert copy.deepcopy(program) == program


def test_a_pickled_program_runs():
    back = pickle.loads(pickle.dumps(PROGRAMS["network"]()))
    inputs = (*PARAMS, np.ones(3), 1.0)
    assert_close(ft.evaluate(back, *inputs), network(PARAMS, np.ones(3), 1.0))


def test_equations_remember_the_line_that_recorded_them():
    def f(x):
        y = np.sin(x)
        return y * 2

    for program in (ft.trace(f)(1.0), pickle.loads(pickle.dumps(ft.trace(f)(1.0)))):
        sources = [e.source for e in program.equations]
        assert [s.text for s in sources] == ["y = np.sin(x)", "return y * 2"]
        assert {s.function for s in sources} == {"f"}
        assert all(s.filename == __file__ for s in sources)


def test_equations_of_a_derivative_have_the_line_of_what_they_derive_from():
    def one(x):
        return np.sin(x) * x

    def other(y):
        return np.sin(y) * y

    for f in (one, other):  # the derivative of the second is found again, from the first
        program = ft.trace(ft.grad(f))(1.0)
        assert {e.source.filename for e in program.equations} == {__file__}
        assert {e.source.function for e in program.equations} == {f.__name__}


def test_a_program_runs_in_another_process(tmp_path):
    program = ft.trace(lambda x: np.sum(np.sin(x)) + np.float64(1.0))(np.ones(3))
    path = tmp_path / "program.pickle"
    path.write_bytes(pickle.dumps(program))
    code = (
        "import pickle, sys, numpy as np, functrace as ft\n"
        f"program = pickle.load(open({str(path)!r}, 'rb'))\n"
        "program.check()\n"
        "print(float(ft.evaluate(program, np.zeros(3))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1.0"


def test_a_stored_program_with_an_unknown_primitive_says_so():
    program = ft.trace(np.sin)(1.0)
    stored = pickle.dumps(program).replace(b"\x03sin", b"\x03sni")
    with pytest.raises(MissingRuleError, match="sni"):
        pickle.loads(stored)


# Equality


def test_programs_are_equal_by_structure_whatever_their_names():
    f = ft.trace(lambda x, y: np.sin(x) * y)(1.0, 2.0)
    g = ft.trace(lambda a, b: np.sin(a) * b)(3.0, 4.0)
    assert f == g
    assert hash(f) == hash(g)
    assert len({f, g}) == 1


DIFFERENT = {
    "base": lambda: ft.trace(lambda x, y: x * y)(1.0, 2.0),
    "order": lambda: ft.trace(lambda x, y: y * x)(1.0, 2.0),
    "op": lambda: ft.trace(lambda x, y: x + y)(1.0, 2.0),
    "operand": lambda: ft.trace(lambda x, y: x * x)(1.0, 2.0),
    "shape": lambda: ft.trace(lambda x, y: x * y)(np.ones(2), 2.0),
    "dtype": lambda: ft.trace(lambda x, y: x * y)(np.float32(1), np.float32(2)),
    "outputs": lambda: ft.trace(lambda x, y: (x * y, x))(1.0, 2.0),
    "output order": lambda: ft.trace(lambda x, y: (x, x * y))(1.0, 2.0),
    "inputs": lambda: ft.trace(lambda x, y, z: x * y)(1.0, 2.0, 3.0),
    "literal": lambda: ft.trace(lambda x, y: x * 2.0)(1.0, 2.0),
    "other literal": lambda: ft.trace(lambda x, y: x * 3.0)(1.0, 2.0),
    "zero": lambda: ft.trace(lambda x, y: x * 0.0)(1.0, 2.0),
    "negative zero": lambda: ft.trace(lambda x, y: x * -0.0)(1.0, 2.0),
    "param": lambda: ft.trace(lambda x, y: np.sum(x, 0))(np.ones((2, 2)), 2.0),
    "other param": lambda: ft.trace(lambda x, y: np.sum(x, 1))(np.ones((2, 2)), 2.0),
    "array": lambda: ft.trace(lambda x, y: x * np.array([1.0, 2.0]))(1.0, 2.0),
    "other array": lambda: ft.trace(lambda x, y: x * np.array([1.0, 3.0]))(1.0, 2.0),
}


def test_any_difference_of_structure_makes_programs_unequal():
    programs = [make() for make in DIFFERENT.values()]
    again = [make() for make in DIFFERENT.values()]
    for i, one in enumerate(programs):
        assert [one == other for other in again] == [i == j for j in range(len(again))]
    assert len(set(programs)) == len(programs)
    assert programs[0] != "a string"


def test_literals_are_equal_by_type_and_bits():
    keys = [
        Literal(value).key
        for value in (
            np.float64(0.0), np.float64(-0.0), np.float32(0.0), np.int64(0), np.bool_(False),
            np.float64(np.nan), np.zeros(1), np.zeros((1, 1)), np.complex128(0),
        )
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert Literal(np.float64(np.nan)).key == Literal(np.float64(np.nan)).key
    assert Literal(np.zeros((2, 3))[:, ::2]).key == Literal(np.zeros((2, 2))).key
    assert Literal(np.array([[1.0, 2.0], [3.0, 4.0]]).T).key == (
        Literal(np.array([[1.0, 3.0], [2.0, 4.0]])).key
    )


def test_constants_are_shared_only_when_their_bits_are_equal():
    f = ft.jit(lambda x: (x * 0.0, x * -0.0, x * np.float64(-0.0)))
    assert [bool(np.signbit(zero)) for zero in f(1.0)] == [False, True, True]
    assert [bool(np.signbit(zero)) for zero in f(np.float64(1.0))] == [False, True, True]


# ArrayType


def test_array_types_are_interned():
    assert ArrayType((3, 4), np.float32) is ArrayType([3, 4], "f4")
    assert ArrayType((), float) is ArrayType((), np.float64)
    assert ArrayType((), float, weak=True) is not ArrayType((), float)
    assert ArrayType((), float, weak=True).strong is ArrayType((), float)
    for type in (ArrayType((3,), np.int8), ArrayType((), float, weak=True)):
        assert pickle.loads(pickle.dumps(type)) is type
        assert copy.deepcopy(type) is type


def test_array_types_know_shape_dtype_rank_and_size():
    type = ArrayType((2, 0, 3), np.complex64)
    assert (type.shape, type.ndim, type.size, type.dtype) == ((2, 0, 3), 3, 0, np.complex64)
    assert type.inexact
    assert not ArrayType((), int).inexact
    assert repr(type) == "c64[2,0,3]"
    assert repr(ArrayType((), bool)) == "bool"
    assert repr(ArrayType((), float, weak=True)) == "f64~"
    assert type.with_shape((1,)) is ArrayType((1,), np.complex64)


# check


def equation(primitive, inputs, outputs, **params):
    return Equation(primitive, tuple(inputs), params, tuple(outputs))


def test_a_well_formed_program_passes():
    x, y = Var(VECTOR), Var(F64)
    Program([x], [equation(SUM, [x], [y], axes=(0,))], [y, x, Literal(np.float64(1))]).check()


X, Y, Z = Var(VECTOR, "x"), Var(VECTOR), Var(VECTOR)
MALFORMED = {
    "two inputs are the same": Program([X, X], [], [X]),
    "before its definition": Program([X], [equation(SIN, [Z], [Y]), equation(SIN, [X], [Z])], [Y]),
    "uses a Var": Program([X], [equation(SIN, [Y], [Y])], [Y]),
    "a second time": Program([X], [equation(SIN, [X], [Y]), equation(SIN, [X], [Y])], [Y]),
    "defines a Var a second": Program([X], [equation(SIN, [X], [X])], [X]),
    "output is not defined": Program([X], [], [Y]),
    "has type": Program([X], [equation(SIN, [X], [Var(F64)])], [X]),
    "has type (f64[3],)": Program([X], [equation(SIN, [X], [Var(ArrayType((3,), "f4"))])], [X]),
    "equation 1": Program([X], [equation(SIN, [X], [Y]), equation(SIN, [Y], [Var(F64)])], [Y]),
}


@pytest.mark.parametrize("words", MALFORMED)
def test_check_finds_what_is_malformed(words):
    with pytest.raises(ProgramError) as error:
        MALFORMED[words].check()
    assert words in str(error.value)


def test_check_finds_operands_that_do_not_fit():
    bad = Program([X], [equation(ADD, [X, Literal(np.ones(2))], [Y])], [Y])
    with pytest.raises(ValueError, match="broadcast"):
        bad.check()
    mixed = Program([X], [equation(ADD, [X, Literal(np.float32(1))], [Y])], [Y])
    with pytest.raises(TypeError, match="mixed dtypes"):
        mixed.check()


def test_evaluate_wants_the_types_of_the_inputs():
    program = ft.trace(lambda x, y: (x + y, x))(np.ones(3), 1.0)
    total, same = ft.evaluate(program, np.ones(3), 2.0)
    assert_close(total, [3.0, 3.0, 3.0])
    assert_close(same, [1.0, 1.0, 1.0])
    for bad in [(np.ones(3),), (np.ones(4), 1.0), (np.ones(3, np.float32), 1.0), (1.0, 1.0, 1.0)]:
        with pytest.raises(TypeError):
            ft.evaluate(program, *bad)
