"""Functions that transforms made are stored and sent to other processes; pullbacks pass jit."""

import copy
import multiprocessing
import pickle
import subprocess
import sys
import textwrap
from functools import partial

import cloudpickle
import joblib
import numpy as np
import pytest

import functrace as ft
from functrace.errors import ArgumentError

X = np.array([0.5, 1.5])


def energy(x):
    return np.sum(np.sin(x) * x**2)


@ft.jit
def decorated(x):
    return np.sum(np.cos(x))


@partial(ft.jit, static_argnames="n")
def powered(x, n=2):
    return np.sum(x**n)


@ft.custom_jvp
def ruled(x):
    return np.sum(np.exp(x))


@ruled.defjvp
def _(primals, tangents):
    (x,), (t,) = primals, tangents
    return ruled(x), np.sum(2.0 * x * t)


@ft.custom_vjp
def pulled(x):
    return np.sum(np.exp(x))


pulled.defvjp(lambda x: (pulled(x), x), lambda x, ct: (3.0 * x * ct,))
gradient_by = ft.custom_gradient(lambda x: (np.sum(x), lambda ct: 5.0 * ct * x))
mapped_by = ft.custom_vmap(np.sin)
mapped_by.def_vmap(lambda size, mapped, x: (2.0 * x, True))
tripled = ft.define_op("tripled", lambda x: 3 * x, elementwise=True, jvp=(lambda t, y, x: 3 * t,))


class Model:
    def __init__(self, scale):
        self.scale = scale

    def loss(self, x):
        return self.scale * np.sum(x**2)

    @partial(ft.jit, static_argnums=0)
    def compiled(self, x):
        return np.sum(x) * 2.0


# Each is made of functions of this module, and called with X.
MADE = {
    "grad": ft.grad(energy),
    "value_and_grad": ft.value_and_grad(energy, argnums=0),
    "jit": ft.jit(energy),
    "jit of grad": ft.jit(ft.grad(energy)),
    "grad of jit": ft.grad(ft.jit(energy)),
    "vmap": ft.vmap(np.sin),
    "vmap of grad": ft.vmap(ft.grad(np.sin)),
    "jacobian": ft.jacobian(np.sin),
    "jacfwd": ft.jacfwd(np.sin),
    "jacrev": ft.jacrev(np.sin, chunk_size=1),
    "hessian": ft.hessian(energy),
    "checkpoint": ft.grad(ft.checkpoint(energy, policy="dots")),
    "elementwise_grad": ft.elementwise_grad(np.sin),
    "trace": ft.trace(energy),
    "decorated": decorated,
    "grad of decorated": ft.grad(decorated),
    "static argument": powered,
    "custom_jvp": ruled,
    "grad of custom_jvp": ft.grad(ruled),
    "grad of custom_vjp": ft.grad(pulled),
    "op": ft.vmap(ft.grad(tripled)),
    "bound method": ft.grad(Model(3.0).loss),
    "partial": ft.grad(partial(np.dot, X)),
    "pullback": lambda x: None,
    "vjp": ft.vjp(np.sin, X)[1],
    "linearize": ft.linearize(np.sin, X)[1],
    "linear_transpose": ft.linear_transpose(lambda x: X * x, X),
    "Partial": ft.tree.Partial(np.multiply, 2.0),
}  # fmt: skip
del MADE["pullback"]


def same(left, right):
    assert str(ft.tree.structure(left)) == str(ft.tree.structure(right))
    for a, b in zip(ft.tree.leaves(left), ft.tree.leaves(right), strict=True):
        if isinstance(a, ft.Program):
            assert a == b
        else:
            np.testing.assert_array_equal(a, b)


WAYS = {
    "pickle": lambda f: pickle.loads(pickle.dumps(f)),
    "cloudpickle": lambda f: pickle.loads(cloudpickle.dumps(f)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MADE)
def test_what_is_loaded_does_the_same(name, way):
    f = MADE[name]
    expected = f(X)
    loaded = WAYS[way](f)
    same(loaded(X), expected)
    same(WAYS[way](loaded)(X), expected)


@pytest.mark.parametrize("transform", [ft.grad, ft.jit, ft.hessian, ft.vmap, ft.value_and_grad])
def test_functions_without_a_name_go_by_cloudpickle(transform):
    scale = np.array([2.0, 3.0])
    f = transform(lambda x: np.sum(scale * x**2))
    x = np.stack([X, X]) if transform is ft.vmap else X
    same(pickle.loads(cloudpickle.dumps(f))(x), f(x))


def test_rules_made_in_a_function_go_by_cloudpickle():
    factor = {"a": 2.0}

    @ft.custom_jvp
    def f(x):
        return np.sum(factor["a"] * x)

    f.defjvp(lambda p, t: (f(*p), np.sum(7.0 * factor["a"] * t[0])))
    g = ft.custom_vjp(lambda x: np.sum(x))
    g.defvjp(lambda x: (g(x), None), lambda _, ct: (ct * factor["a"] * np.ones(2),))
    for made in (ft.grad(f), ft.grad(g), ft.jit(ft.grad(f))):
        same(pickle.loads(cloudpickle.dumps(made))(X), made(X))


def test_a_function_that_calls_itself_is_stored():
    @ft.jit
    def total(x):
        return x[0] + total(x[1:]) if x.shape[0] > 1 else x[0]

    same(pickle.loads(cloudpickle.dumps(total))(X), 2.0)


def test_decorated_functions_are_stored_by_their_names():
    for f in (decorated, powered, ruled, pulled, tripled):
        assert WAYS["pickle"](f) is f
        assert len(pickle.dumps(f)) < 100
    assert pickle.loads(pickle.dumps(Model(1.0).compiled))(X) == 4.0
    assert Model(1.0).compiled(X) == 4.0


def test_caches_are_left_behind():
    f = ft.jit(energy)
    f(X)
    assert pickle.loads(pickle.dumps(f)).cache_info().size == 0
    assert len(pickle.dumps(f)) < 500


def test_a_traced_value_is_not_stored():
    for way in (pickle.dumps, cloudpickle.dumps):
        with pytest.raises(ArgumentError, match="pickled"):
            ft.grad(lambda x, way=way: way(x) and x)(1.0)


def results(f):
    return f(X)


SENT = ["jit of grad", "decorated", "grad of custom_jvp", "vjp", "op", "bound method"]


def test_processes_of_joblib_call_them():
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(MADE[name])(X) for name in SENT)
    for value, name in zip(found, SENT, strict=True):
        same(value, MADE[name](X))


def test_processes_that_are_spawned_call_them():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for value, name in zip(pool.map(results, [MADE[n] for n in SENT]), SENT, strict=True):
            same(value, MADE[name](X))


def test_functions_of_a_script_are_sent(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import multiprocessing
        import joblib, numpy as np, functrace as ft

        @ft.jit
        def f(x):
            return np.sum(x**2)

        @ft.custom_jvp
        def g(x):
            return x

        g.defjvp(lambda p, t: (g(*p), 3.0 * t[0]))
        slope = ft.grad(f)

        if __name__ == "__main__":
            x = np.array([1.0, 2.0])
            calls = [joblib.delayed(h)(a) for h, a in ((f, x), (slope, x), (ft.grad(g), 1.0))]
            print(*joblib.Parallel(n_jobs=2)(calls))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(*pool.map(f, [x]), *pool.map(ft.grad(g), [1.0]), *pool.map(slope, [x]))
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "5.0 [2. 4.] 3.0\n5.0 3.0 [2. 4.]\n", done.stderr


# Linear functions leave and enter traced functions


def linear(x, y):
    return np.sin(x) * y, x * y**2


A, B = np.array([0.3, 0.7]), np.array([2.0, -1.0])


def test_a_pullback_leaves_and_enters_jit():
    expected = ft.vjp(linear, A, B)[1]((A, B))
    make = ft.jit(lambda x, y: ft.vjp(linear, x, y))
    value, pull = make(A, B)
    same(value, linear(A, B))
    same(pull((A, B)), expected)
    same(ft.jit(lambda f, ct: f(ct))(pull, (A, B)), expected)
    same(ft.jit(lambda ct: pull(ct))((A, B)), expected)
    call = ft.jit(lambda f, ct: f(ct))
    for scale in (1.0, 2.0):
        call(make(scale * A, B)[1], (A, B))
    assert call.cache_info().misses == 1


def test_a_pushforward_and_a_transpose_do():
    push = ft.jit(lambda x, y: ft.linearize(linear, x, y)[1])(A, B)
    same(push(A, B), ft.jvp(linear, (A, B), (A, B))[1])
    turned = ft.jit(lambda a: ft.linear_transpose(lambda x: a * x, A))(B)
    same(turned(A), (A * B,))


def test_pullbacks_are_mapped_carried_and_differentiated():
    pulls = ft.vmap(lambda x: ft.vjp(np.sin, x)[1])(A)
    same(ft.vmap(lambda f, ct: f(ct)[0])(pulls, B), np.cos(A) * B)
    with pytest.raises(ArgumentError, match="vmap"):
        pulls(1.0)
    pull = ft.vjp(np.sin, 0.3)[1]
    last, _ = ft.scan(lambda f, x: (f, f(x)[0]), pull, B)
    np.testing.assert_allclose(last(1.0)[0], np.cos(0.3))
    _, aux = ft.grad(lambda x: (np.sum(x), ft.vjp(np.sin, x)[1]), has_aux=True)(A)
    same(aux(B)[0], np.cos(A) * B)
    g = ft.grad(lambda x: np.sum(ft.jit(lambda x: ft.vjp(np.sin, x)[1])(x)(B)[0]))(A)
    np.testing.assert_allclose(g, -np.sin(A) * B)
