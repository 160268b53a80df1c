"""Every wrong call raises its own typed error, which names the user's line and a remedy."""

import decimal
import fractions
import functools
import json
import math
import os
import pickle
import statistics
import traceback

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq, fsolve, minimize

import functrace as ft
from functrace import errors

X = np.arange(3.0) + 1
W, BATCH = np.ones((4, 3)), np.ones((5, 3))


def branch(x):
    if x.sum() > 0:  # here
        return x.sum()
    return -x.sum()


def assign_scalar(x):
    out = np.zeros(3)
    out[0] = x[0]  # here
    return out.sum()


def assign_row(x):
    out = np.zeros((2, 3))
    out[0] = x  # here
    return out.sum()


def assign_into_argument(x):
    x[0] = 1.0  # here
    return x.sum()


def accumulate_in_place(x):
    total = np.zeros(3)
    total += x  # here
    return total.sum()


def flow_graph(params, x):
    return params["W"] @ x.T + params["b"]  # here


@functools.lru_cache
def cached(x):
    return x * x


LIST = [1.0, 2.0, 3.0]

# name: (call, class, builtin, words of the message)
WRONG = {
    "if under jit": (lambda: ft.jit(branch)(X), errors.ConcretizationError, TypeError,
        ["truth value", "under jit", "np.where", "static_argnums"]),
    "if under vmap": (lambda: ft.vmap(branch)(BATCH), errors.ConcretizationError, TypeError,
        ["truth value", "under vmap", "np.where"]),
    "range under jit": (
        lambda: ft.jit(lambda n: sum(range(n)))(3),  # here
        errors.ConcretizationError, TypeError, ["range", "static_argnums"]),
    "list index under jit": (
        lambda: ft.jit(lambda i: LIST[i])(1),  # here
        errors.ConcretizationError, TypeError, ["index of a list", "np.stack"]),
    "mask under jit": (
        lambda: ft.jit(lambda x: x[x > 0].sum())(X),  # here
        errors.ConcretizationError, TypeError, ["boolean mask", "np.where(mask, x, other)"]),
    "float": (
        lambda: ft.grad(lambda x: float(x[0]))(X),  # here
        errors.TracerConversionError, TypeError, ["float()", "derivative", "NumPy's function"]),
    "math.sin": (
        lambda: ft.grad(lambda x: math.sin(x))(1.0),  # here
        errors.TracerConversionError, TypeError, ["math module", "np.sin for math.sin"]),
    "item": (
        lambda: ft.grad(lambda x: x[0].item())(X),  # here
        errors.TracerConversionError, TypeError, [".item()"]),
    "np.asarray": (
        lambda: ft.grad(lambda x: np.asarray(x).sum())(X),  # here
        errors.TracerConversionError, TypeError, ["plain NumPy array", "derivative", "np.stack"]),
    "np.array of tracers": (
        lambda: ft.grad(lambda x: np.array([x[0], x[1]]).sum())(X),  # here
        errors.TracerConversionError, TypeError, ["np.stack"]),
    "float list index": (
        lambda: ft.grad(lambda i: LIST[i])(1.0),  # here
        errors.TracerConversionError, TypeError, ["used as an index"]),
    "format": (
        lambda: ft.jit(lambda x: len(f"{x:.3f}") * x)(1.0),  # here
        errors.TracerFormatError, ValueError, ["no value under jit", "debug.print"]),
    "percent sign": (
        lambda: ft.vmap(lambda x: len("%d" % x) * x)(X),  # here
        errors.TracerFormatError, ValueError, ["no value under vmap", "debug.print"]),
    "percent sign, a float as hexadecimal": (
        lambda: ft.grad(lambda x: len("%x" % x) * x)(1.0),  # here
        errors.TracerConversionError, TypeError, ["an integer is required"]),
    "key of a dict": (
        lambda: ft.grad(lambda x: {x[0]: 1.0}[x[0]])(X),  # here
        errors.TracerHashError, TypeError, ["f64", "key of a dict", "position"]),
    "element of a set": (
        lambda: ft.jit(lambda x: len({x[0]}))(X),  # here
        errors.TracerHashError, TypeError, ["in a set"]),
    "cached function": (
        lambda: ft.grad(lambda x: cached(x))(1.0),  # here
        errors.TracerHashError, TypeError, ["cache", "outside of the traced function"]),
    "json": (
        lambda: ft.grad(lambda x: (json.dumps({"x": x}), x)[1])(1.0),  # here
        errors.TracerConversionError, TypeError, ["not JSON serializable", "has_aux=True"]),
    "statistics": (
        lambda: ft.grad(lambda x: statistics.mean(list(x)))(X),  # here
        errors.TracerConversionError, TypeError, ["numerator/denominator", "NumPy"]),
    "fractions": (
        lambda: ft.jit(lambda x: fractions.Fraction(x))(1.0),  # here
        errors.TracerConversionError, TypeError, ["Rational", "has_aux=True"]),
    "decimal": (
        lambda: ft.jit(lambda x: decimal.Decimal(x))(1.0),  # here
        errors.TracerConversionError, TypeError, ["Decimal"]),
    "join": (
        lambda: ft.grad(lambda x: len(", ".join(x)))(X),  # here
        errors.TracerConversionError, TypeError, ["expected str"]),
    "nditer": (
        lambda: ft.grad(lambda x: sum(e * e for e in np.nditer(x)))(X),  # here
        errors.TracerConversionError, TypeError, ["Iterator", "np.ndindex"]),
    "frombuffer": (
        lambda: ft.grad(lambda x: np.frombuffer(x).sum())(X),  # here
        errors.TracerConversionError, TypeError, ["bytes-like", "as an argument"]),
    "scalar type": (
        lambda: ft.grad(lambda x: np.int64(x) * x)(1.0),  # here
        errors.TracerConversionError, TypeError, ["x.astype("]),
    "list in place of an array": (
        lambda: ft.grad(lambda x: np.sum(x))([1.0, 2.0]),  # here
        errors.TracerConversionError, TypeError, ["x is a list", "tree of 2 numbers"]),
    "list in place of an array in a tree": (
        lambda: ft.jit(lambda p: np.sum(p["a"][0]))({"a": [(1.0,)], "b": X}),  # here
        errors.TracerConversionError, TypeError, ["p['a'][0] is a tuple", "tree of 1 number "]),
    "minimize": (
        lambda: ft.grad(lambda a: minimize(lambda z: np.sum((z - a) ** 2), X).fun)(1.0),  # here
        errors.TracerConversionError, TypeError, ["plain NumPy array", "derivative"]),
    "brentq": (
        lambda: ft.grad(lambda a: brentq(lambda z: z**2 - a, 0, 2))(1.0),  # here
        errors.TracerConversionError, TypeError, ["float()", "derivative"]),
    "quad": (
        lambda: ft.grad(lambda a: quad(lambda z: z * a, 0, 2)[0])(1.0),  # here
        errors.TracerConversionError, TypeError, ["float()", "derivative"]),
    "assign a scalar": (lambda: ft.grad(assign_scalar)(X), errors.TracerAssignmentError, TypeError,
        ["assigned into a plain NumPy array", "np.stack", "functrace.numpy.zeros"]),
    "assign a row": (lambda: ft.grad(assign_row)(X), errors.TracerAssignmentError, TypeError,
        ["assigned into a plain NumPy array", "np.stack"]),
    "assign into a tracer": (lambda: ft.grad(assign_into_argument)(X),
        errors.TracerAssignmentError, TypeError, ["is an argument", "np.where", "x.copy()"]),
    "add in place": (lambda: ft.grad(accumulate_in_place)(X), errors.TracerAssignmentError,
        TypeError, ["+=", "y = y + x"]),
    "out=": (
        lambda: ft.jit(lambda x: np.sin(x, out=np.zeros(3)))(X),  # here
        errors.TracerAssignmentError, TypeError, ["np.sin", "out="]),
    "where= of a ufunc": (
        lambda: ft.jit(lambda x: np.sin(x, where=x > 0))(X),  # here
        errors.UnsupportedFunctionError, NotImplementedError, ["np.sin", "np.where"]),
    "unknown function": (
        lambda: ft.jit(lambda x: np.busday_count(x, x))(X),  # here
        errors.UnsupportedFunctionError, NotImplementedError, ["np.busday_count", "supported"]),
    "array output": (
        lambda: ft.grad(lambda x: x**2)(X),  # here
        errors.NonScalarOutputError, TypeError, ["shape (3,)", "np.sum", "jacobian"]),
    "output of one element": (
        lambda: ft.grad(lambda x: x[:1])(X),  # here
        errors.NonScalarOutputError, TypeError, ["(1,)", "squeeze", "not a scalar"]),
    "tuple output": (
        lambda: ft.grad(lambda x: (x.sum(), x))(X),  # here
        errors.NonScalarOutputError, TypeError, ["a tuple of 2 values", "has_aux=True"]),
    "no output": (
        lambda: ft.grad(lambda x: None)(X),  # here
        errors.NonScalarOutputError, TypeError, ["None", "return statement"]),
    "has_aux without a pair": (
        lambda: ft.grad(lambda x: x.sum(), has_aux=True)(X),  # here
        errors.NonScalarOutputError, TypeError, ["(value, auxiliary)", "omit has_aux"]),
    "integer input": (
        lambda: ft.grad(lambda x: x**2)(2),  # here
        errors.DerivativeTypeError, TypeError, ["argument x", "integers", "1.0", "allow_int"]),
    "integer leaf": (
        lambda: ft.grad(lambda p: p["a"].sum())({"a": np.arange(3)}),  # here
        errors.DerivativeTypeError, TypeError, ["p['a']", "i64[3]"]),
    "integer output": (
        lambda: ft.grad(lambda x: np.argmax(x))(X),  # here
        errors.DerivativeTypeError, TypeError, ["i64", "no derivative"]),
    "complex output": (
        lambda: ft.grad(lambda z: z * z)(1j),  # here
        errors.DerivativeTypeError, TypeError, ["c128", "holomorphic=True"]),
    "no derivative on the path": (
        lambda: ft.grad(lambda x: np.nextafter(x, 0.0).sum())(X),  # here
        errors.NonDifferentiableError, TypeError, ["nextafter", "stop_gradient"]),
    "mapped lengths": (
        lambda: ft.vmap(lambda p, x, y: x, (None, 0, 0))({"W": W}, BATCH, np.ones(4)),  # here
        errors.MappedAxisError, ValueError,
        ["p['W']: shape (4, 3), not mapped", "x: shape (5, 3), axis 0, length 5",
         "y: shape (4,), axis 0, length 4", "in_axes=None"]),
    "mapped axis that is not there": (
        lambda: ft.vmap(lambda x: x, in_axes=2)(BATCH),  # here
        errors.MappedAxisError, ValueError, ["axis 2", "2 axes does not have"]),
    "in_axes of another length": (
        lambda: ft.vmap(lambda x: x, in_axes=(0, 0))(BATCH),  # here
        errors.MappedAxisError, ValueError, ["2 entries for 1 positional"]),
    "nothing mapped": (
        lambda: ft.vmap(lambda x: x, in_axes=None)(BATCH),  # here
        errors.MappedAxisError, ValueError, ["no argument is mapped", "axis_size"]),
    "out_axes=None of a mapped output": (
        lambda: ft.vmap(lambda x: x, out_axes=None)(BATCH),  # here
        errors.MappedAxisError, ValueError, ["out_axes is None"]),
    "broadcasting": (lambda: ft.jit(flow_graph)({"W": W, "b": np.ones(4)}, BATCH),
        errors.ShapeError, ValueError,
        ["(4, 5) and (4,)", "aligned at the right", "      4 5\n        4\n        ^",
         "b[:, None]", "X @ W.T + b"]),
    "matrix product": (
        lambda: ft.jit(lambda w, x: w @ x)(W, BATCH),  # here
        errors.ShapeError, ValueError, ["A @ B", "(4, 3) and (5, 3)", "j = 3", "j = 5", "X @ W.T"]),
    "einsum": (
        lambda: ft.jit(lambda a, b: np.einsum("ij,ijk->k", a, b))(W, np.ones((4, 2, 2))),  # here
        errors.ShapeError, ValueError, ["einsum 'ij,ijk->k'", "j = 3", "j = 2"]),
    "leaf that is no array": (
        lambda: ft.grad(lambda p: p["w"].sum())({"w": X, "layers": [{"name": "relu"}]}),  # here
        errors.LeafTypeError, TypeError, ["p['layers'][0]['name']", "a str ('relu')"]),
    "output leaf that is no array": (
        lambda: ft.jit(lambda x: {"a": x, "b": "text"})(X),  # here
        errors.LeafTypeError, TypeError, ["['b']", "a str ('text')"]),
    "array of objects": (
        lambda: ft.grad(lambda x: x.sum())(np.array([1, None])),  # here
        errors.DTypeError, TypeError, ["dtype object", "astype"]),
    "masked array": (
        lambda: ft.grad(lambda x: x.sum())(np.ma.array([1.0, 2.0], mask=[0, 1])),  # here
        errors.LeafTypeError, TypeError, ["masked", "filled"]),
    "unhashable static argument": (
        lambda: ft.jit(lambda x, n: x, static_argnums=1)(X, [1]),  # here
        errors.StaticArgumentError, TypeError, ["static argument 1", "list", "tuple"]),
    "unknown static name": (
        lambda: ft.jit(lambda x: x, static_argnames="mode"),  # here
        errors.ArgumentError, TypeError, ["mode", "parameters are x"]),
    "argument by keyword": (
        lambda: ft.grad(lambda x: x)(x=1.0),  # here
        errors.ArgumentError, TypeError, ["by position", "argnames"]),
    "argnums out of range": (
        lambda: ft.grad(lambda x: x, argnums=1)(1.0),  # here
        errors.ArgumentError, TypeError, ["argument 1", "1 positional argument"]),
    "value for a function": (
        lambda: ft.grad(3.0),  # here
        errors.ArgumentError, TypeError, ["takes a function", "grad(f)(x)"]),
    "tangent of another shape": (
        lambda: ft.jvp(np.sin, (X,), (np.ones(4),)),  # here
        errors.ShapeError, ValueError, ["tangent", "(4,)", "(3,)"]),
    "tangent of another tree": (
        lambda: ft.jvp(np.sin, (X,), ([X],)),  # here
        errors.TreeStructureError, ValueError, ["tangents have the tree ([*],)"]),
    "cotangent of another shape": (
        lambda: ft.vjp(np.sin, X)[1](np.ones(4)),  # here
        errors.ShapeError, ValueError, ["cotangent", "(4,)", "(3,)"]),
    "mixing elements": (
        lambda: ft.elementwise_grad(lambda x: x * x.sum())(X),  # here
        errors.NotElementwiseError, ValueError, ["sum at test_errors.py", "jacobian"]),
    "not linear": (
        lambda: ft.linear_transpose(lambda x: np.sin(x), X)(X),  # here
        errors.MissingRuleError, NotImplementedError, ["sin", "linear"]),
    "index out of bounds": (
        lambda: ft.grad(lambda x: x[5])(X),  # here
        errors.IndexingError, IndexError, ["index 5", "length 3"]),
    "reshape": (
        lambda: ft.grad(lambda x: x.reshape(2, 2).sum())(X),  # here
        errors.ShapeError, ValueError, ["(3,)", "(2, 2)"]),
    "axis": (
        lambda: ft.grad(lambda x: np.sum(x, axis=3))(X),  # here
        errors.AxisError, IndexError, ["axis 3", "1 axes"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_raises_its_error_with_the_users_line_and_a_remedy(name):
    call, kind, builtin, words = WRONG[name]
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert isinstance(error, builtin)
    for word in words:
        assert word in str(error)
    assert error.source is not None
    assert error.source.filename == __file__
    assert "# here" in error.source.text
    assert error.source.text in str(error)


@pytest.mark.parametrize("name", WRONG)
def test_internal_frames_do_not_bury_the_error(name):
    call, kind, *_ = WRONG[name]
    with pytest.raises(kind) as caught:
        call()
    frames = traceback.extract_tb(caught.value.__traceback__)
    package = os.path.dirname(ft.__file__)
    assert sum(frame.filename.startswith(package) for frame in frames) <= 3


def fails(x):
    raise ValueError("mine")


def refused(x):
    try:
        return float(x)
    except TypeError:
        return float("text")


def raises_from_a_refusal(x):
    try:
        return float(x)
    except TypeError as error:
        raise KeyError("mine") from error


USERS = {
    "raise": (fails, ValueError, "mine"),
    "call": (lambda x: fails(x), ValueError, "mine"),
    "key": (lambda x: {}["mine"], KeyError, "mine"),
    "NumPy": (lambda x: np.linalg.inv(np.zeros((2, 2))) * x, np.linalg.LinAlgError, "Singular"),
    "operand": (lambda x: x + "text", TypeError, "unsupported operand"),
    "handled refusal": (refused, ValueError, "could not convert"),
    "raise of a refusal": (raises_from_a_refusal, KeyError, "mine"),
}
CALLS = {
    "grad": lambda f: ft.grad(f)(1.0),
    "jit": lambda f: ft.jit(f)(1.0),
    "vmap": lambda f: ft.vmap(f)(X),
    "jvp": lambda f: ft.jvp(f, (1.0,), (1.0,)),
    "grad of jit": lambda f: ft.grad(ft.jit(f))(1.0),
    "scan": lambda f: ft.scan(lambda c, _: (f(c), None), 1.0, length=2),
    "jacobian": lambda f: ft.jacobian(f)(1.0),
    "hessian": lambda f: ft.hessian(f)(1.0),
}


@pytest.mark.parametrize("transform", CALLS)
@pytest.mark.parametrize("name", USERS)
def test_an_exception_of_the_users_stays_itself_and_shows_no_frames_of_functrace(name, transform):
    function, kind, words = USERS[name]
    with pytest.raises(kind, match=words) as caught:
        CALLS[transform](function)
    assert not isinstance(caught.value, errors.FunctraceError)
    frames = traceback.extract_tb(caught.value.__traceback__)
    package = os.path.dirname(ft.__file__)
    # An operator of a traced value is functrace's own frame below the user's.
    assert not [f for f in frames[:-1] if f.filename.startswith((package, "<functrace"))]


def test_the_error_of_functrace_is_the_one_that_is_seen_in_a_solver_that_prints_its_own(capsys):
    with pytest.raises(errors.TracerConversionError, match="custom_root"):
        ft.grad(lambda a: fsolve(lambda z: z - a, 0.0)[0])(1.0)
    capsys.readouterr()


def test_a_list_in_place_of_an_array_is_noted_on_pythons_own_error():
    for function in (lambda x: np.sum(x**2), lambda x: x.sum()):
        with pytest.raises((TypeError, AttributeError), match="list") as caught:
            ft.grad(function)([1.0, 2.0])
        assert "x is a list, which is a tree of 2 numbers" in caught.value.__notes__[0]
    with pytest.raises(TypeError) as caught:  # no list is to blame
        ft.grad(lambda x, y: x + "text")(1.0, 2.0)
    assert not hasattr(caught.value, "__notes__")


def test_an_unknown_name_lists_those_that_are_near():
    from functrace.dispatch import unsupported

    assert "near: arctan" in str(unsupported("arctn", ["arctan", "sin"]))


def test_a_full_traceback_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("FUNCTRACE_TRACEBACK", "full")
    with pytest.raises(errors.ConcretizationError) as caught:
        ft.jit(branch)(X)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "record" in names


def test_a_leaked_tracer_raises_and_names_the_line_that_made_it():
    kept = []

    def leaky(x):
        kept.append(x * 2)  # made here
        return x.sum()

    ft.grad(leaky)(X[:1])
    with pytest.raises(errors.LeakedTracerError, match=r"made at test_errors.py:\d+") as caught:
        kept[0] + 1
    assert isinstance(caught.value, RuntimeError)
    with pytest.raises(errors.LeakedTracerError):
        ft.grad(lambda y: (y * kept[0]).sum())(X[:1])
    with pytest.raises(errors.LeakedTracerError):
        bool(kept[0])


def test_a_leaked_argument_is_named():
    kept = []
    ft.jit(lambda weights: kept.append(weights) or weights)(X)
    with pytest.raises(errors.LeakedTracerError, match="the argument weights"):
        kept[0] + 1


def test_a_large_captured_array_can_not_change_while_it_is_traced():
    large = np.ones(100_000)

    def changes(x):
        y = (x * large).sum()
        large[0] = 5.0  # here
        return y

    with pytest.raises(errors.CapturedArrayChangedError, match="copy") as caught:
        ft.grad(changes)(1.0)
    assert "# here" in caught.value.source.text
    assert large.flags.writeable
    assert large[0] == 1.0


def test_a_primitive_without_a_rule_says_which_rule_is_missing():
    from functrace.primitive import PRIMITIVES, Primitive
    from functrace.recorder import bind

    primitive = Primitive("ruleless", infer=lambda x: x, impl=lambda x: x + 0)
    try:
        for transform, slot in (
            (lambda: ft.grad(lambda x: bind(primitive, x * 1.0))(1.0), "jvp"),
            (lambda: ft.vmap(lambda x: bind(primitive, x * 1.0))(X), "batch"),
        ):
            with pytest.raises(errors.MissingRuleError, match=f"ruleless has no {slot} rule"):
                transform()
    finally:
        del PRIMITIVES["ruleless"]


def test_the_line_of_a_derivative_error_is_the_forward_line():
    def f(x):
        y = np.nextafter(x, 0.0)  # forward
        return (y * 2).sum()

    with pytest.raises(errors.NonDifferentiableError) as caught:
        ft.hessian(f)(X)
    assert "# forward" in caught.value.source.text


def test_errors_are_picklable():
    with pytest.raises(errors.ShapeError) as caught:
        ft.jit(lambda w, x: w @ x)(W, BATCH)
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is errors.ShapeError
    assert str(error) == str(caught.value)
    assert error.source == caught.value.source


def test_every_error_is_a_functrace_error_and_a_builtin():
    builtins = (
        TypeError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        IndexError,
        AssertionError,
        ArithmeticError,
        AttributeError,
        ImportError,
        NameError,
    )
    for name in dir(errors):
        kind = getattr(errors, name)
        if (
            isinstance(kind, type)
            and issubclass(kind, Exception)
            and not issubclass(kind, Warning)
            and kind is not errors.FunctraceError
        ):
            assert issubclass(kind, errors.FunctraceError), name
            assert issubclass(kind, builtins), name
            assert kind.__doc__
