"""A trace that repeats an earlier one is a trace in all but its speed."""

import threading

import numpy as np
import pytest

import functrace as ft
from functrace.memo import specialise
from functrace.memo.replay import Replay

X = np.array([0.5, 1.5, -0.3])
CALLS = 8  # the first records, the second writes the tape, and a shortcut is made at the fourth


@pytest.fixture(autouse=True)
def empty_cache():
    ft.clear_cache()
    yield
    ft.clear_cache()


@pytest.fixture
def replays(monkeypatch):
    """Counts the traces that were replays from their first call to their last."""
    count = []
    repeated = Replay.repeated

    def counted(self, outputs):
        captured = repeated(self, outputs)
        count.append(captured is not None)
        return captured

    monkeypatch.setattr(Replay, "repeated", counted)
    return count


W = np.linspace(-1, 1, 9).reshape(3, 3)


def views_and_pieces(x):
    y = x.reshape(3, 1).T * 2
    first, second = np.split(np.concatenate([y, y]), 2)
    return np.sum(first * second.T) + np.mean(y, axis=0).sum() + np.dot(W, x).sum()


def with_arrays(x):
    return np.sum(np.where(W > 0, W * x, x @ W)) + np.max(np.abs(x)) + np.var(x)


def of_scipy(x):
    import scipy.special

    return np.sum(scipy.special.erf(x))


def taken(x):
    return np.sum(x[np.array([0, 2])] ** 3) + x[..., -1] * x[1:][0]


def with_nn(x):
    return np.sum(ft.nn.softmax(W @ x) ** 2) + ft.nn.relu(x).sum()


def in_place(x):
    y = np.zeros_like(x)
    y[1:] = x[:-1] ** 2
    y += x
    return np.sum(y**2)


def by_value(x):
    return np.sum(x**2) if x[0] > 0 else np.sum(x**3)


def of_examples(x):
    return np.mean(ft.vmap(lambda row: np.tanh(row @ x) * x[0])(W)) + np.sum(x)


def with_a_gradient(x):
    scale = np.sum(x**2)
    inner = ft.grad(lambda y: scale * np.sum(np.sin(y) * x))(x)
    return np.sum(inner * ft.grad(lambda y: np.sum(y**3))(inner)) + np.sum(inner)


def with_a_loop(x):
    def step(carry, w):
        return np.sin(carry) * w + x, np.sum(carry)

    carry, sums = ft.scan(step, x, W)
    return np.sum(carry) + ft.cond(np.sum(sums) > 0, np.sum, lambda s: np.sum(s**2), sums)


@ft.jit
def jitted(y):
    return np.exp(y) * W[0]


def with_jit(x):
    y = np.sum(jitted(x))
    return y * np.sum(ft.checkpoint(lambda y: np.sin(y @ W))(x))


def with_a_jacobian(x):
    J = ft.jacobian(lambda y: np.sin(y) * np.sum(y * x))(x)
    return np.sum(J**2) + ft.hvp(lambda y: np.sum(y**4), (x,), (x**2,)).sum()


@ft.custom_jvp
def doubled(x):
    return x * 2


doubled.defjvp(lambda primals, tangents: (doubled(primals[0]), tangents[0] * 2))


def with_a_rule(x):
    return np.sum(doubled(x) ** 2) + np.sum(ft.vmap(doubled)(np.stack([x, x])))


FUNCTIONS = (
    of_examples, with_a_gradient, with_a_loop, with_jit, with_a_jacobian, with_a_rule,
    views_and_pieces, with_arrays, of_scipy, taken, with_nn, in_place, by_value,
    lambda x: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    lambda x: np.linalg.norm(np.einsum("i,ij->j", x, W)) + np.linalg.det(np.outer(x, x) + W @ W.T),
)  # fmt: skip
TRANSFORMS = {
    "grad": ft.grad,
    "value_and_grad": ft.value_and_grad,
    "grad by name": lambda f: lambda x: ft.grad(lambda *, x: f(x), argnames="x")(x=x),
    "jacfwd": ft.jacfwd,
    "jacobian": ft.jacobian,
    "hessian": ft.hessian,
    "vjp": lambda f: lambda x: ft.vjp(f, x)[1](1.0),
    "jvp": lambda f: lambda x: ft.jvp(f, (x,), (x,)),
    "vmap": lambda f: lambda x: f(x) if f is by_value else ft.vmap(f)(np.stack([x, x * 2, 1 - x])),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_each_of_many_calls_gives_what_a_first_call_gives(function, transform):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(CALLS, 3))
    inputs[CALLS // 2 :, 0] *= -1
    found = [transform(function)(x) for x in inputs]
    for x, value in zip(inputs, found, strict=True):
        ft.clear_cache()
        for one, other in zip(
            ft.tree.leaves(transform(function)(x)), ft.tree.leaves(value), strict=True
        ):
            assert type(one) is type(other)
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)


# An index array is looked at, an array assigned to, a value asked for, a rule recorded.
OTHERS = (taken, in_place, by_value, with_a_rule)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f not in OTHERS])
def test_repeated_traces_are_replays(function, replays):
    for _ in range(CALLS):
        ft.grad(function)(X)
    assert replays[-2:] == [True] * 2


def test_a_closure_that_changes_is_seen():
    settings = {"power": 2, "weights": np.ones(3), "sine": False, "extra": 0}

    def f(x):
        y = np.sin(x) if settings["sine"] else x
        for _ in range(settings["extra"]):
            y = y * 2.0
        return np.sum(settings["weights"] * y ** settings["power"])

    gradient = ft.grad(f)
    for change in (
        {}, {}, {}, {}, {}, {"weights": np.full(3, 2.0)}, {"power": 3}, {}, {}, {}, {},
        {"weights": np.full(3, 2.0, np.float32)}, {"weights": 3.0}, {}, {}, {}, {"weights": -0.0},
        {"weights": 0.0}, {"sine": True, "weights": np.ones(3)}, {}, {}, {}, {}, {"extra": 2}, {},
        {}, {}, {"extra": 1}, {"extra": 0},
    ):  # fmt: skip
        settings.update(change)
        y = np.sin(X) if settings["sine"] else X
        slope = np.cos(X) if settings["sine"] else 1.0
        n, scale = settings["power"], 2.0 ** settings["extra"]
        expected = settings["weights"] * n * (y * scale) ** (n - 1) * slope * scale
        found = gradient(X)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert found.tobytes() == ft.jit(lambda x: ft.grad(f)(x))(X).tobytes()  # zeros' signs too


@pytest.mark.parametrize("kind", [float, int, np.float64, np.float32, complex])
def test_a_number_that_varies_is_no_other_trace(kind, replays):
    def f(x, number, power):
        y = number * np.sum(np.sin(x)) + np.sum(x / (number + 2)) - np.maximum(x, number)[0]
        return np.real(np.sum(y) ** power + np.sum(x**power))

    gradient = ft.grad(f)
    for call in range(CALLS):
        number = kind(call)
        expected = ft.jit(ft.grad(lambda x, n=number: f(x, n, 2)))(X)
        found = gradient(X, number, 2)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert replays[-3:] == [True] * 3
    # The numbers so far are constants of a trace that then goes another way.
    expected = ft.jit(ft.grad(lambda x: f(x, kind(11), 3)))(X)
    np.testing.assert_allclose(gradient(X, kind(11), 3), expected, rtol=1e-6)
    np.testing.assert_allclose(
        gradient(X, 2.5, 2), ft.jit(ft.grad(lambda x: f(x, 2.5, 2)))(X), rtol=1e-6
    )


def test_an_axis_is_no_number_that_varies():
    numbers = [
        (0.0, 0),
        (1.0, 0),
        (0.0, 0),
        (0.0, 0),
        (0.0, 0),
        (0.0, 0),
        (0.0, 1),
        (1.0, 1),
        (2.0, 0),
    ]
    for number, axis in numbers * 2:

        def f(x, number=number, axis=axis):
            return np.sum(np.stack([x, np.full(3, number)], axis) * np.arange(6).reshape(2, 3)[:1])

        def g(x, number=number, axis=axis):
            return np.sum(np.stack([np.sum(x), number], axis - 1) * np.array([2.0, 3.0])) * x[axis]

        for function in (f, g):
            if function is f and axis:
                continue
            expected = ft.jit(lambda x, function=function: ft.grad(function)(x))(X)
            np.testing.assert_allclose(ft.grad(function)(X), expected)


def test_an_exponent_that_varies_is_seen():
    for power in (2, 2, 2, 2, 3, 4, 5, 2, 0.5, 1, 3, 3.0, 2.5, 3.5, 4.5, 2, 2.0):
        found = ft.grad(lambda x, p: np.sum(x**p))(np.abs(X), power)
        np.testing.assert_allclose(found, power * np.abs(X) ** (power - 1), rtol=1e-14)


def test_a_trace_that_ends_early_or_goes_on_is_seen():
    length = [3]

    def f(x):
        y = x
        for _ in range(length[0]):
            y = np.sin(y)
        return np.sum(y)

    gradient = ft.grad(f)
    for count in (3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 3, 0, 5):
        length[0] = count
        slope, y = np.ones(3), X
        for _ in range(count):
            slope, y = slope * np.cos(y), np.sin(y)
        np.testing.assert_allclose(gradient(X), slope, rtol=1e-14)


def test_another_output_or_tree_is_seen():
    choice = [0]

    def f(x):
        a, b = np.sum(x), np.sum(x**2)
        return (a, b, (b,), a.astype(int))[choice[0]]

    gradient = ft.grad(f)
    for _ in range(CALLS):
        np.testing.assert_array_equal(gradient(X), np.ones(3))
    choice[0] = 1
    np.testing.assert_array_equal(gradient(X), 2 * X)
    for wrong, error in ((2, ft.errors.NonScalarOutputError), (3, ft.errors.DerivativeTypeError)):
        choice[0] = 0
        for _ in range(CALLS):
            gradient(X)
        choice[0] = wrong
        with pytest.raises(error):
            gradient(X)


def test_functions_of_one_code_with_different_closures_do_not_mix():
    def power(n):
        return lambda x: np.sum(x**n)

    for _ in range(CALLS):
        for n in (2, 3, 4):
            np.testing.assert_allclose(ft.grad(power(n))(X), n * X ** (n - 1))


def test_arrays_of_the_surroundings_are_used_as_they_are_at_each_call():
    weights, other = np.ones(3), np.arange(3.0)

    def f(x):
        y = np.sum(weights * x)
        weights[0] += 1  # after its use
        return y + np.sum(weights * x) + np.sum(other * x)

    gradient = ft.grad(f)
    for call in range(CALLS):
        other[1] = call
        expected = 2 * weights + other
        expected[0] += 1
        np.testing.assert_array_equal(gradient(X), expected)


def test_two_arrays_in_the_place_of_one_are_told_apart():
    pair = [W, W]

    def f(x):
        return np.sum(pair[0] @ x) + np.sum(pair[1] @ x)

    for _ in range(CALLS):
        np.testing.assert_allclose(ft.grad(f)(X), 2 * W.sum(0))
    pair[1] = 2 * W
    np.testing.assert_allclose(ft.grad(f)(X), 3 * W.sum(0))


def test_a_large_array_is_locked_during_a_replay_and_free_after_it():
    large = np.ones(20_000)

    def f(x):
        y = np.sum(large * x)
        if change:
            large[0] = 2.0
        return y

    change = False
    for _ in range(CALLS):
        ft.grad(f)(2.0)
    assert large.flags.writeable
    change = True
    with pytest.raises(ft.errors.CapturedArrayChangedError):
        ft.grad(f)(2.0)
    assert large.flags.writeable


def test_results_are_the_callers_own():
    gradient = ft.grad(lambda x: np.sum(2.0 * x))
    found = [gradient(X) for _ in range(CALLS)]
    for g in found:
        g += 1
    np.testing.assert_array_equal(gradient(X), np.full(3, 2.0))


def test_side_effects_happen_once_for_each_call():
    seen, mode = [], [False]

    def f(x):
        seen.append(1)
        y = np.sum(np.sin(x))
        seen.append(2)
        return np.sum(x) * y if mode[0] else y

    for call in range(CALLS):
        ft.grad(f)(X)
        assert len(seen) == 2 * (call + 1)
    mode[0] = True
    ft.grad(f)(X)
    assert len(seen) == 2 * (CALLS + 1)


def test_an_error_of_the_function_passes_and_the_next_call_is_right():
    broken = [False]

    def f(x):
        y = np.sum(x**2)
        if broken[0]:
            raise KeyError("mine")
        return y

    for _ in range(CALLS):
        ft.grad(f)(X)
    broken[0] = True
    with pytest.raises(KeyError, match="mine"):
        ft.grad(f)(X)
    broken[0] = False
    np.testing.assert_array_equal(ft.grad(f)(X), 2 * X)
    np.testing.assert_array_equal(ft.jit(np.square)(X), X**2)  # no trace is open


def test_a_tracer_of_an_earlier_call_is_refused():
    kept = []

    def f(x):
        kept.append(np.sin(x))
        return np.sum(kept[0] * x)

    ft.grad(f)(X)
    for _ in range(CALLS):
        with pytest.raises(ft.errors.LeakedTracerError):
            ft.grad(f)(X)
    use_old = [False]

    def g(x):
        y = np.sin(x)
        kept.append(y)
        return np.sum((kept[-2] if use_old[0] else y) * x)

    for _ in range(CALLS):
        ft.grad(g)(X)
    use_old[0] = True
    with pytest.raises(ft.errors.LeakedTracerError, match="test_replay"):
        ft.grad(g)(X)


def test_a_tracer_in_another_thread_is_refused():
    errors, elsewhere = [], [False]

    def f(x):
        def use():
            try:
                np.sin(x)
            except ft.errors.LeakedTracerError as error:
                errors.append(error)

        if elsewhere[0]:
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
        return np.sum(np.sin(x))

    for _ in range(CALLS):
        ft.grad(f)(X)
    elsewhere[0] = True
    np.testing.assert_allclose(ft.grad(f)(X), np.cos(X))
    assert len(errors) == 1


def test_a_transform_inside_is_seen_whole():
    for scale in (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, np.ones(3), np.ones(3), 4.0):

        def f(x, scale=scale):
            return np.sum(x * ft.grad(lambda y: np.sum(scale * y**3))(x))

        def g(x, scale=scale):
            return np.sum(ft.vmap(lambda y: np.sum(scale * y**2))(x))

        np.testing.assert_allclose(ft.grad(f)(X), 9 * scale * X**2)
        np.testing.assert_allclose(ft.grad(g)(X), 2 * np.sum(scale) * X)


def test_a_function_inside_itself_does_not_mix_its_traces():
    def power(x, n):
        return np.sum(x * ft.grad(power)(x, n - 1)) if n else np.sum(x**2)

    for _ in range(CALLS):
        for n in range(4):
            np.testing.assert_allclose(ft.grad(power)(X, n), 2.0 ** (n + 1) * X)


def test_traced_values_of_the_surroundings_are_those_of_each_call():
    which = [0]

    def f(x):
        a, b = np.sin(x), np.cos(x)
        first, second = ((a, b), (b, a), (a, a), (x, b))[which[0]]
        return np.sum(ft.vmap(lambda y: y * np.sum(first) + np.sum(second**2))(x))

    for choice in (0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 0, 1, 2, 3):
        which[0] = choice
        np.testing.assert_allclose(ft.grad(f)(X), ft.jit(lambda x: ft.grad(f)(x))(X))


def test_values_asked_for_are_those_of_this_call():
    def f(x):
        y = np.sum(np.sin(x))
        if y > 0:
            return y
        return 3.0 * y

    for sign in (1, 1, 1, 1, 1, 1, -1, -1, 1, -1, -1, -1):
        x = sign * np.abs(X)
        np.testing.assert_allclose(ft.grad(f)(x), (1 if sign > 0 else 3) * np.cos(x))


def test_what_is_assigned_to_is_this_calls_own():
    change = [False]

    def f(x):
        y = x * 2
        row = y[1:]
        z = np.sum(y**2)
        if change[0]:
            row += 1
        return z + np.sum(y)

    for _ in range(CALLS):
        np.testing.assert_allclose(ft.grad(f)(X), 8 * X + 2)
    change[0] = True

    def g(x):  # of the same code, so that the view of a replayed call is changed
        y = x * 2
        row = y[1:]
        if change[0]:
            row *= 3
        return np.sum(y**2)

    np.testing.assert_allclose(ft.grad(f)(X), 8 * X + 2)
    change[0] = False
    for _ in range(CALLS):
        np.testing.assert_allclose(ft.grad(g)(X), 8 * X)
    change[0] = True
    np.testing.assert_allclose(ft.grad(g)(X), 8 * X * np.array([1, 9, 9]))


@pytest.mark.parametrize("argnums", [0, 1, (0, 2), (2, 0), -1])
def test_shortcuts_take_trees_numbers_and_other_arguments(argnums):
    def f(params, scale, x, label=None):
        y = params["W"] @ x + params["b"][0] * scale
        return np.sum(np.tanh(y)) + (0.0 if label is None else label)

    rng = np.random.default_rng(1)
    gradient = ft.value_and_grad(f, argnums)
    for call in range(CALLS):
        params = {"b": [np.full(1, rng.normal())], "W": rng.normal(size=(2, 3))}
        args = (params, rng.normal() if argnums == 1 else 0.7, rng.normal(size=3))
        found = gradient(*args)
        ft_again = ft.jit(gradient)(*args)
        assert str(ft.tree.structure(found)) == str(ft.tree.structure(ft_again))
        for a, b in zip(ft.tree.leaves(found), ft.tree.leaves(ft_again), strict=True):
            np.testing.assert_allclose(a, b)
        if call == 5:
            assert any(s.call is not None for s in specialise._specialised.values())
        if call > 5:  # arguments of other types and trees take the general way
            other = {**params, "W": params["W"].astype(np.float32)}
            assert gradient(other, *args[1:])[0] == pytest.approx(f(other, *args[1:]))
            assert gradient(*args, label=2.0)[0] == pytest.approx(f(*args, label=2.0))
            with pytest.raises(TypeError):
                gradient(*args, 1.0, 2.0)


def test_a_function_that_never_repeats_is_traced_anew_each_time(replays):
    count = [0]

    def f(x):
        count[0] += 1
        return np.sum(x * np.ones((count[0], 1)))

    for call in range(20):
        np.testing.assert_array_equal(ft.grad(f)(X), np.full(3, call + 1.0))
    assert replays.count(True) == 0
    assert len(replays) < 6  # it was given up


def test_errors_name_the_line_of_this_call():
    second = [False]

    def f(x):
        if second[0]:
            return np.sum(np.linalg.inv(x))
        return np.sum(np.linalg.inv(x))

    for _ in range(CALLS):
        ft.grad(f)(np.eye(2))
    first = f.__code__.co_firstlineno
    for other, line in ((False, first + 3), (True, first + 2)):
        second[0] = other
        with pytest.raises(np.linalg.LinAlgError) as caught:
            ft.grad(f)(np.zeros((2, 2)))
        assert f"test_replay.py:{line}" in str(caught.value.__notes__)


def compare_with_first_calls(f, choice, settings, x):
    """Check that with each setting a call gives, in types and values, what a first call gives."""
    found = []
    for choice[0] in settings:
        found.append(ft.value_and_grad(f)(x))
    for choice[0], got in zip(settings, found, strict=True):
        ft.clear_cache()
        for one, other in zip(ft.value_and_grad(f)(x), got, strict=True):
            assert type(one) is type(other)
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("usual", range(5))
def test_a_number_and_the_array_without_axes_of_its_value_are_told_apart(usual):
    narrow, choice = np.array([1, 2, 3], np.float32), [usual]

    def f(x):  # a Python float gives way to float32, an array's float64 does not
        same = (x, np.real(x), x.astype(float), x.copy(), np.sum(x))[choice[0]]
        return np.sum(same * narrow * 0.1)

    compare_with_first_calls(f, choice, [usual] * 6 + list(range(5)), 0.3)


def test_a_number_that_python_counts_with_is_not_its_sum():
    narrow, choice = np.array([1, 2, 3], np.float32), [0]

    def f(x):  # both are on the tape, and have one Var
        both = x, np.sum(x)
        return np.sum(both[choice[0]] * narrow * 0.1)

    compare_with_first_calls(f, choice, [0] * 6 + [1], 0.3)
    compare_with_first_calls(f, choice, [1] * 6 + [0], 0.3)


@pytest.mark.parametrize("made_anyway", [False, True])
def test_a_number_and_an_array_made_of_it_are_told_apart_when_they_are_changed(made_anyway):
    choice = [(False, False)]

    def f(x):
        of_array, change = choice[0]
        array = x[...] if made_anyway or of_array else x
        part = np.reshape(array if of_array else x, (1,))
        if change:
            part += 1  # and with it the array that it is a view of
        return np.sum(part) * array * x

    compare_with_first_calls(
        f,
        choice,
        [(False, False)] * 6 + [(True, True), (False, True), (True, False)],
        np.float64(2),
    )


def test_numbers_of_classes_of_their_own_keep_the_sign_of_zero():
    class Number(float):
        pass

    choice = [Number(0.0)]

    def f(x):
        return np.sum(np.copysign(x, choice[0]))

    compare_with_first_calls(f, choice, [Number(0.0)] * 6 + [Number(-0.0), Number(0.0)], X)


def through_a_function_of_ours(x, second):
    if second:
        return ft.nn.softmax(x)
    return ft.nn.softmax(x)


def with_an_array_of_the_surroundings(x, second):
    if second:
        return np.linalg.solve(ZEROS, x)
    return np.linalg.solve(ZEROS, x)


def in_the_body_of_a_loop(x, second):
    if second:
        return ft.fori_loop(0, 2, lambda i, carry: np.sqrt(carry) - W[0], x)
    return ft.fori_loop(0, 2, lambda i, carry: np.sqrt(carry) - W[0], x)


ZEROS = np.zeros((3, 3))
FAILING = (
    through_a_function_of_ours, with_an_array_of_the_surroundings, in_the_body_of_a_loop,
)  # fmt: skip


@pytest.mark.parametrize("function", FAILING, ids=lambda f: f.__name__)
def test_errors_name_the_line_of_the_user_whatever_was_called_there(function):
    def notes(second):
        with np.errstate(invalid="raise"), pytest.raises((ArithmeticError, ValueError)) as caught:
            ft.grad(lambda x: np.sum(function(x, second)))(np.array([np.inf, -np.inf, -1.0]))
        return caught.value.__notes__

    found = [notes(False) for _ in range(CALLS)][-1], notes(True)
    first = function.__code__.co_firstlineno
    for second, line in ((False, first + 3), (True, first + 2)):
        assert f"test_replay.py:{line}" in str(found[second])
        ft.clear_cache()
        assert notes(second) == found[second]


def test_errors_name_the_scope_of_this_call():
    names = ["a", "a"]

    def f(x):
        with ft.named_scope(names[1]):
            return np.sum(np.sqrt(x))

    for names[:] in [["a", "a"]] * CALLS + [["b", "a"], ["a", "b"]]:
        with ft.named_scope(names[0]):
            ft.grad(f)(np.ones(3))
            with ft.debug_nans(), pytest.raises(ft.errors.FunctraceError) as caught:
                ft.grad(f)(-np.ones(3))
        assert f"under {names[0]}/{names[1]}" in str(caught.value)


# Values that Python looks at


def root(a):
    x = a
    while np.abs(x * x - a) > 1e-12:
        x = x - (x * x - a) / (2.0 * x)
    return x


def test_a_branch_that_stays_the_same_is_a_replay(replays):
    for call in range(CALLS):
        assert ft.grad(root)(2.0 + call / 100) == pytest.approx(0.5 / np.sqrt(2.0 + call / 100))
    assert replays == [True] * (CALLS - 2)


def test_a_branch_that_differs_is_followed_at_once(replays):
    for _ in range(CALLS):
        ft.grad(root)(2.0)
    replays.clear()
    for a in (100.0, 1e-3, 2.0, 30.0, 1e4):
        assert ft.grad(root)(a) == pytest.approx(0.5 / np.sqrt(a))
    assert not any(replays)


@pytest.mark.parametrize("change", ["array", "in place", "number", "argument"])
def test_what_a_look_depends_on_may_change(change, replays):
    limits, factor, x = np.array([1.0, 2.0, 3.0]), 1.0, X

    def f(x):
        y = np.sum(x * limits) * factor
        return np.sum(x**2) * (2.0 if y > 2.0 else 3.0) + (y if bool(y < -100.0) else 0.0)

    for _ in range(CALLS):
        assert np.allclose(ft.grad(f)(x), 4 * x)
    assert replays.count(True) == CALLS - 2
    for small in (True, False, True, False, False, False):
        if change == "array":
            limits = np.array([1.0, 2.0, 3.0]) * (0.1 if small else 1.0)
        elif change == "in place":
            limits[:] = np.array([1.0, 2.0, 3.0]) * (0.1 if small else 1.0)
        elif change == "number":
            factor = 0.1 if small else 1.0
        else:
            x = X * (0.1 if small else 1.0)
        assert np.allclose(ft.grad(f)(x), (6 if small else 4) * x)


@pytest.mark.parametrize("ask", [int, lambda t: t.item(), lambda t: range(t).stop, bool,
                                 lambda t: [0, 1, 2][t]])  # fmt: skip
def test_integers_and_truths_are_guards(ask, replays):
    def f(x):
        return np.sum(x) * (ask(np.argmax(x)) + 1)

    for _ in range(CALLS):
        assert np.allclose(ft.grad(f)(X), 2)
    assert replays.count(True) == CALLS - 2
    for i, x in enumerate(np.eye(3)):
        assert np.allclose(ft.grad(f)(x), ask(np.int64(i)) + 1)


def test_looks_within_a_derivative_of_a_derivative():
    def f(x):
        y = x * x
        if y > 1.0:
            return y * x
        return y

    def slope(x):
        inner = ft.grad(f)(x)
        return inner * (2.0 if inner > 2.5 else 1.0)

    for _ in range(CALLS):
        assert ft.grad(slope)(2.0) == 24.0
    for x, expected in ((0.5, 2.0), (2.0, 24.0), (1.1, 6.6 * 2), (0.1, 2.0)):
        assert ft.grad(slope)(x) == pytest.approx(expected)
        assert ft.hessian(f)(x) == pytest.approx(6 * x if x > 1 else 2.0)


def test_a_look_that_fails_fails_again_and_says_where():
    under = [True]

    def f(x):
        y = np.sum(x**2)
        return y if under[0] or y > 0 else -y

    for _ in range(CALLS):
        ft.vmap(f)(np.eye(3))
    under[0] = False
    for _ in range(CALLS):
        with pytest.raises(ft.errors.ConcretizationError, match="in f"):
            ft.vmap(f)(np.eye(3))


def test_looks_do_not_hold_what_acts_or_was_caught():
    seen = []

    def f(x):
        try:
            if float(x[0]) > 0:
                return np.sum(x)
        except ft.errors.TracerConversionError:
            seen.append(1)
        return np.sum(x**2)

    for call in range(CALLS):
        assert np.allclose(ft.grad(f)(X), 2 * X)
        assert len(seen) == call + 1


def test_a_branch_that_differs_once_in_a_while_costs_one_trace(replays):
    for call in range(24):
        a = 100.0 if call % 4 == 3 else 2.0
        assert ft.grad(root)(a) == pytest.approx(0.5 / np.sqrt(a))
    assert replays.count(True) >= 15
