"""Threads and coroutines: tracing is local to each, and finished Programs are shared safely."""

import asyncio
import contextvars
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import functrace as ft
from functrace.errors import LeakedTracerError
from functrace.gc_pause import PausedCollection

from ..numerical import assert_close

THREADS, ROUNDS = 8, 25


@pytest.fixture(autouse=True)
def frequent_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def in_threads(work):
    """Run `work(i)` in several threads that start together; their results."""
    barrier = threading.Barrier(THREADS)

    def start(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


def network(W, x):
    return np.sum(np.tanh(W @ x) ** 2)


def gradient_of_network(W, x):
    hidden = np.tanh(W @ x)
    return np.outer(2 * hidden * (1 - hidden**2), x)


W = np.random.default_rng(0).normal(size=(3, 4))


def test_one_jitted_function_is_traced_and_run_by_many_threads():
    for _ in range(5):
        f = ft.jit(ft.grad(network))

        def work(i, f=f):
            for n in range(ROUNDS):
                x = np.arange(4.0) + i + n / 10
                assert_close(f(W, x), gradient_of_network(W, x))
            return True

        assert all(in_threads(work))


def test_threads_that_trace_at_once_do_not_mix_equations():
    def work(i):
        for n in range(ROUNDS):
            size = 2 + (i + n) % 5

            def f(x, size=size):
                for _ in range(size):
                    x = np.sin(x) * 2
                return np.sum(x)

            program = ft.trace(f)(np.ones(size))
            program.check()
            assert len(program.equations) == 2 * size + 1
            assert_close(ft.grad(lambda x, i=i: x**2 * i)(3.0), 6.0 * i)
            assert_close(ft.vmap(ft.grad(np.sin))(np.ones(size)), np.full(size, np.cos(1.0)))
        return True

    assert all(in_threads(work))


def test_different_types_are_traced_into_one_cache_by_many_threads():
    f = ft.jit(lambda x: np.sum(x * 2))

    def work(i):
        for n in range(ROUNDS):
            x = np.ones(1 + (i * n) % 7)
            assert_close(f(x), 2.0 * x.size)
        return True

    assert all(in_threads(work))
    assert f.cache_info().size == len({(i * n) % 7 for i in range(THREADS) for n in range(ROUNDS)})


def test_the_cache_of_finished_programs_is_shared_and_cleared_under_load():
    def work(i):
        for n in range(ROUNDS):
            if i == 0:
                ft.clear_cache()
            scale = np.full(2 + n % 3, float(i))
            assert_close(ft.grad(lambda x, s=scale: np.sum(x * s))(np.ones(scale.size)), scale)
        return True

    assert all(in_threads(work))


def test_a_full_cache_is_shared_by_threads():
    f = ft.jit(lambda x, n: x + n, static_argnums=1)
    limit = f.cache_info().limit

    def work(i):
        return all(f(1.0, i * 100 + n) == 1.0 + i * 100 + n for n in range(limit // 4))

    assert all(in_threads(work))
    assert f.cache_info().size <= limit


def test_a_large_array_may_be_traced_by_many_threads_and_is_unlocked_after():
    big = np.linspace(0, 1, 30_000)
    x = np.ones(big.size)

    def work(i):
        for _ in range(5):
            assert_close(ft.grad(lambda x: np.sum(x * big))(x), big)
            assert_close(ft.jit(lambda x, i=i: np.sum(x * big) * i)(x), np.sum(big) * i)
        return True

    assert all(in_threads(work))
    assert big.flags.writeable


def test_a_large_array_stays_locked_while_any_thread_traces_with_it():
    big = np.ones(30_000)
    second_uses_it, first_is_done = threading.Event(), threading.Event()
    seen = []

    def second(x):
        y = np.sum(x * big)
        second_uses_it.set()
        assert first_is_done.wait(10)
        seen.append(big.flags.writeable)
        return y

    def first(x):
        y = np.sum(x * big)
        thread.start()
        assert second_uses_it.wait(10)
        return y

    thread = threading.Thread(target=lambda: ft.grad(second)(np.ones(big.size)))
    ft.grad(first)(np.ones(big.size))
    first_is_done.set()
    thread.join(10)
    assert seen == [False]
    assert big.flags.writeable


def test_plans_run_at_once_without_sharing_workspaces():
    f = ft.jit(lambda x: np.cumsum(np.exp(x) @ np.exp(x).T, 0) * np.sum(x))
    inputs = [np.random.default_rng(i).normal(size=(30, 30)) for i in range(THREADS)]
    expected = [f(x) for x in inputs]
    f(inputs[0])

    def work(i):
        return all(np.array_equal(f(inputs[i]), expected[i]) for _ in range(ROUNDS))

    assert all(in_threads(work))


def test_a_tracer_used_in_another_thread_raises():
    errors = []

    def f(x):
        def use():
            try:
                np.sin(x)
            except LeakedTracerError as error:
                errors.append(str(error))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        return x

    ft.grad(f)(1.0)
    assert len(errors) == 1
    assert "in another thread" in errors[0]


def test_a_tracer_used_in_a_trace_of_another_thread_raises():
    errors = []

    def f(x):
        def use():
            try:
                ft.grad(lambda y: y * x)(1.0)
            except LeakedTracerError as error:
                errors.append(error)

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        return x

    ft.grad(f)(1.0)
    assert len(errors) == 1


def test_a_thread_may_trace_while_another_function_is_traced():
    results = []

    def f(x):
        thread = threading.Thread(target=lambda: results.append(ft.grad(np.sin)(0.0)))
        thread.start()
        thread.join()
        return x * 2

    assert_close(ft.grad(f)(1.0), 2.0)
    assert_close(results, [1.0])


def test_a_thread_with_a_copied_context_still_records_for_its_function():
    def f(x):
        context = contextvars.copy_context()
        results = []
        thread = threading.Thread(target=lambda: results.append(context.run(np.sin, x)))
        thread.start()
        thread.join()
        return results[0] * 2

    assert_close(ft.grad(f)(0.0), 2.0)


def test_coroutines_trace_in_turns():
    async def work(i):
        total = 0.0
        for n in range(10):
            total += ft.grad(lambda x, n=n: x**2 * n)(float(i))
            await asyncio.sleep(0)
            total += ft.jit(lambda x: x * i)(1.0)
        return total

    async def main():
        return await asyncio.gather(*[work(i) for i in range(5)])

    assert_close(asyncio.run(main()), [2 * i * 45 + 10 * i for i in range(5)])


def test_coroutines_and_worker_threads_trace_side_by_side():
    steps = []

    def traced_by_hand(coroutine_name):
        def f(x):
            steps.append(coroutine_name)
            return x * 2

        return f

    async def work(name):
        gradient = ft.grad(traced_by_hand(name))
        await asyncio.sleep(0)
        return gradient(1.0)

    async def main():
        return await asyncio.gather(work("a"), work("b"), asyncio.to_thread(ft.grad(np.exp), 0.0))

    assert_close(asyncio.run(main()), [2.0, 2.0, 1.0])
    assert steps == ["a", "b"]


def test_a_generator_may_be_suspended_between_uses_of_a_tracer():
    def f(x):
        def powers():
            y = x
            while True:
                yield y
                y = y * x

        source = powers()
        return next(source) + next(source) + ft.grad(lambda z: z * next(source))(2.0)

    assert_close(ft.grad(f)(2.0), 1 + 4 + 12)


def test_overlapping_pauses_leave_the_cycle_collector_on() -> None:
    assert gc.isenabled()
    first, second = PausedCollection(), PausedCollection()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert gc.isenabled()

    def trace_often() -> None:
        for n in range(1, 40):
            ft.trace(lambda x: np.sin(x) * x)(np.ones(n))

    threads = [threading.Thread(target=trace_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()
