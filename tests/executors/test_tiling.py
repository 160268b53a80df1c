"""Elementwise chains on large arrays, run in blocks by several threads."""

import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import functrace as ft
from functrace.executors import threads, tiling
from functrace.executors.plan import make_plan
from functrace.passes.pipeline import optimize

N = 200_003  # not a multiple of a block
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def several_threads(monkeypatch):
    monkeypatch.setenv("FUNCTRACE_NUM_THREADS", "3")
    ft.clear_cache()
    yield
    ft.clear_cache()


def steps_of(function, *args):
    return make_plan(optimize(ft.trace(function)(*args))).steps


def activation(x):
    return np.exp(np.sin(x)) * np.tanh(x) + x


def with_masks(x):
    return np.where(x > 0.5, np.log(np.abs(x)), np.maximum(x, -1.0) ** 3) + np.expm1(-(x**2))


def with_results_between(x):
    y = np.sin(x) * np.exp(x)
    return y, np.cos(y) + np.sum(y), np.max(np.log1p(np.exp(y)))


def with_rows(x):
    z = x.reshape(-1, 7) if x.size % 7 == 0 else x[: x.size // 7 * 7].reshape(-1, 7)
    y = np.exp(z - z.mean(axis=1, keepdims=True)) / (1.0 + np.cos(z[0]) ** 2)
    return np.log(y.sum(axis=1)), np.sin(y).T, np.arctan(y[::-1])


def of_types(x):
    y = x.astype(np.float32)
    return (
        np.exp(y) * np.sin(y),
        (np.sqrt(x + 0j) * np.exp(1j * x)).imag,
        np.floor(x * 9).astype(int),
    )


def of_slices(x):
    return np.exp(x[1:] * x[:-1]) + np.sin(x[1:]), np.sum(np.tanh(np.sin(x[::2])))


FUNCTIONS = (activation, with_masks, with_results_between, with_rows, of_types, of_slices)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_values_are_those_of_the_plain_function(function, dtype, monkeypatch):
    monkeypatch.setattr(tiling, "_WORTH", 5e5)
    x = RNG.normal(size=N).astype(dtype)
    assert any(step.kernel == "blocks" for step in steps_of(function, x))
    jitted = ft.jit(function)
    for _ in range(12):  # interpreted at first, then as code
        for found, expected in zip(
            ft.tree.leaves(jitted(x)), ft.tree.leaves(function(x)), strict=True
        ):
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, rtol=3e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("function", [activation, with_masks, of_slices], ids=lambda f: f.__name__)
def test_gradients_are_those_of_small_pieces(function):
    x = RNG.normal(size=N)

    def total(x):
        return sum(np.sum(leaf) for leaf in ft.tree.leaves(function(x)))

    found = ft.grad(total)(x)
    if function is not of_slices:
        pieces = [ft.grad(total)(part) for part in np.array_split(x, 20)]
        np.testing.assert_allclose(found, np.concatenate(pieces), rtol=1e-12)
    direction = RNG.normal(size=N)
    slope = ft.jvp(total, (x,), (direction,))[1]
    np.testing.assert_allclose(np.dot(found, direction), slope, rtol=1e-8)


def test_small_or_quick_work_is_left_as_it_is():
    for function, size in ((activation, 1000), (lambda x: x * 2 + 1, N), (activation, 40_000)):
        assert all(step.kernel != "blocks" for step in steps_of(function, np.ones(size)))
    assert all(step.kernel != "blocks" for step in steps_of(activation, np.ones((2, 200_000))))


def test_a_chain_has_so_many_calls_at_most():
    many = 3 * tiling._LONGEST

    def momentum(gradients):
        means = [0.1 * g for g in gradients]
        return [(m, np.sqrt(m * m + 1)) for m in means]

    given = [np.broadcast_to(np.float64(i), (300, 300)) for i in range(many)]
    calls = [step.params[0] for step in steps_of(momentum, given) if step.kernel == "blocks"]
    assert max(len(chain.links) for chain in calls) == tiling._LONGEST
    assert sum(len(chain.links) for chain in calls) == 4 * many
    few = [np.full((200, 200), float(i)) for i in range(tiling._LONGEST)]
    for found, expected in zip(ft.jit(momentum)(few), momentum(few), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_one_thread_runs_no_blocks(monkeypatch):
    for name in ("FUNCTRACE_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv("FUNCTRACE_NUM_THREADS", raising=False)
        monkeypatch.setenv(name, "1")
        assert threads.threads() == 1
        assert all(step.kernel != "blocks" for step in steps_of(activation, np.ones(N)))


def test_results_and_operands_are_nobody_elses():
    x = RNG.normal(size=N)
    before = x.copy()
    jitted = ft.jit(with_results_between)
    first = jitted(x)
    kept = [np.array(leaf) for leaf in first]
    for _ in range(12):
        again = jitted(x * 0.5)
        for leaf in again[:2]:
            assert leaf.flags.writeable
            leaf[...] = 0
    np.testing.assert_array_equal(x, before)
    for leaf, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(leaf, copy)


def test_a_result_is_not_written_over_what_another_block_needs(monkeypatch):
    monkeypatch.setattr(tiling, "_WORTH", 1e5)

    def f(A, B):
        y = A @ B
        return np.sum(np.exp(np.sin(y)) * y[::-1], axis=0), np.sum(np.cos(A @ A) + (A @ A).T)

    A, B = RNG.normal(size=(2, 400, 400))
    chains = [step.params[0] for step in steps_of(f, A, B) if step.kernel == "blocks"]
    assert len(chains) == 2
    jitted = ft.jit(f)
    for _ in range(12):
        for found, expected in zip(jitted(A, B), f(A, B), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_calls_from_several_threads_at_once_do_not_mix():
    jitted = ft.jit(activation)
    inputs = [RNG.normal(size=N) for _ in range(4)]
    expected = [activation(x) for x in inputs]
    wrong = []

    def call(i):
        for _ in range(10):
            if not np.allclose(jitted(inputs[i]), expected[i], rtol=1e-12):
                wrong.append(i)

    running = [threading.Thread(target=call, args=(i,)) for i in range(4)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not wrong


def test_the_callers_errstate_holds_in_all_threads():
    jitted = ft.jit(lambda x: np.exp(np.log(x)) + np.sin(x))
    x = np.ones(N)
    for place in (0, N // 2, N - 1):
        bad = x.copy()
        bad[place] = -1.0
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isnan(jitted(bad)[place])
        with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
            jitted(bad)
        np.testing.assert_allclose(jitted(x), 1 + np.sin(1.0))


def test_an_error_in_any_thread_is_raised_when_all_have_ended():
    at_work = []

    def work(take):
        while (n := take()) < 50:
            at_work.append(n)
            if n == 7:
                raise KeyError("seven")
            at_work.remove(n)

    with pytest.raises(KeyError, match="seven"):
        threads.share(work, 50)
    assert at_work == [7]


def test_each_piece_is_taken_once():
    taken = []

    def work(take):
        while (n := take()) < 500:
            taken.append(n)

    threads.share(work, 500)
    assert sorted(taken) == list(range(500))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_has_threads_of_its_own():
    program = """
import os, sys, warnings, numpy as np, functrace as ft
warnings.simplefilter("ignore")  # Python 3.12 warns of fork with threads
f = ft.jit(lambda x: np.exp(np.sin(x)) * np.tanh(x))
x = np.linspace(0, 1, 200_000)
expected = f(x)
child = os.fork()
if child == 0:
    os._exit(0 if np.allclose(f(x), expected) else 1)
sys.exit(os.waitpid(child, 0)[1])
"""
    run = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert run.returncode == 0


@pytest.mark.parametrize("first", ["", "f(x)"])
def test_when_the_interpreter_ends_one_thread_does_all(first):
    code = f"""
import threading
import numpy as np, functrace as ft
f, x = ft.jit(lambda x: np.exp(np.sin(x)) + np.cos(x)), np.zeros(600_000)
{first}
def work():
    threading.main_thread().join()
    print(np.all(f(x) == 2))
threading.Thread(target=work).start()
"""
    environment = os.environ | {"FUNCTRACE_NUM_THREADS": "3"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert (run.stdout.strip(), run.stderr) == (b"True", b"")


def test_what_only_a_chain_uses_takes_no_memory_but_blocks():
    x = np.ones(1_000_000)

    def long_chain(x):
        for _ in range(5):
            x = np.sin(x) * np.exp(-x) + x
        return x

    assert ft.memory(long_chain)(x).temporaries < 1e6
    (step,) = steps_of(long_chain, x)
    assert step.kernel == "blocks"
    chain = step.params[0]
    assert isinstance(chain, tiling.Chain)
    assert len(chain.links) >= 20
