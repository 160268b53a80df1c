"""What Python asks of traced values, it gets as from NumPy's, or is refused as by NumPy's.

Python asks by special methods: `range(n)`, `values[i]`, `int(x)`, `1 in x`, `round(x)`. A method
that answers for a dtype or shape that it should refuse gives wrong results silently.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import functrace as ft
from functrace.errors import FunctraceError, TracerConversionError

PLAIN = np.array([10.0, 20.0, 30.0])
ASKED: dict[str, Callable[[Any], Any]] = {
    "index": operator.index,
    "int": int,
    "float": float,
    "complex": complex,
    "bool": bool,
    "len": len,
    "iteration": lambda t: len(list(t)),
    "reversed": lambda t: len(list(reversed(t))),
    "1 in t": lambda t: 1 in t,
    "7 in t": lambda t: 7 in t,
    "None in t": lambda t: None in t,
    "round": lambda t: round(t) if np.ndim(t) else round(t) + 0,
    "range": lambda t: list(range(t)),
    "list[t]": lambda t: [1, 2, 3][t],
    "tuple[t]": lambda t: (1, 2, 3)[t],
    "str[t]": lambda t: "abc"[t],
    "shape[t]": lambda t: np.ones((1, 2, 3)).shape[t],
    "list[:t]": lambda t: [1, 2, 3][:t],
    "array[t]": lambda t: PLAIN[t],
    "array[0, t]": lambda t: PLAIN[None][0, t],
    "array[..., None, t]": lambda t: PLAIN[..., None, t] if np.ndim(t) else PLAIN[t, ...],
    "array[:t]": lambda t: PLAIN[:t],
    "array[::t]": lambda t: PLAIN[::t],
    "list * t": lambda t: [1, 2] * t,
    "t * tuple": lambda t: t * (1, 2),
    "hex": hex,
    "chr": chr,
    "factorial": math.factorial,
    "zeros(t)": np.zeros,
    "reshape(t)": lambda t: PLAIN[:1].reshape(t),
    "t == None": lambda t: t == None,  # noqa: E711 -- as people write it
    "t != None": lambda t: t != None,  # noqa: E711
    "t == text": lambda t: t == "a",
    "t < text": lambda t: t < "a",
    "divmod text": lambda t: divmod(t, "a"),
    "pow of three": lambda t: pow(t, 2, 3),
}
KINDS = (np.bool_, np.int32, np.uint8, np.float64, np.complex128)
VALUES = {
    f"{kind.__name__}{list(shape) if shape else ''}": np.ones(shape, kind)[()]
    for kind in KINDS
    for shape in ((), (1,), (0,), (3,))
}


def _outcome(ask: Callable[[Any], Any], value: Any) -> Any:
    """What an answer is, or the class of the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ask(value)
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        return error


def _alike(got: Any, expected: Any) -> bool:
    if hasattr(got, "recorder"):  # a traced answer
        got = got.recorder.value(got, "it was compared")
    if isinstance(expected, np.ndarray):
        return got.dtype == expected.dtype and np.array_equal(got, expected)
    return bool(type(got) is type(expected) or np.isscalar(got)) and bool(got == expected)


def _traced(value: Any, x: Any) -> Any:
    """A traced value equal to a plain one, whose value is known under `grad`."""
    return (np.ones(np.shape(value)) * x)[()].astype(value.dtype)


@pytest.mark.parametrize("asked", list(ASKED))
def test_what_has_a_value_answers_and_refuses_as_numpy(asked: str) -> None:
    def function(x: Any) -> Any:
        for name, plain in VALUES.items():
            expected = _outcome(ASKED[asked], plain)
            got = _outcome(ASKED[asked], _traced(plain, x))
            exact = plain.dtype.kind in "biu"
            # What would cut a derivative says so, in place of what NumPy says.
            if not exact and isinstance(got, TracerConversionError):
                continue
            if isinstance(expected, Exception):
                builtin = TypeError if isinstance(expected, TypeError) else type(expected)
                assert isinstance(got, builtin), (name, got)
            else:
                assert _alike(got, expected), (name, got)
        return x

    assert ft.grad(function)(1.0) == 1.0


@pytest.mark.parametrize("asked", list(ASKED))
def test_what_has_no_value_refuses_what_numpy_refuses(asked: str) -> None:
    def function(*traced: Any) -> Any:
        for plain, t in zip(VALUES.values(), traced, strict=True):
            got = _outcome(ASKED[asked], t)
            if isinstance(_outcome(ASKED[asked], plain), Exception):
                assert isinstance(got, (TypeError, ValueError, IndexError)), got
        return 0.0

    assert ft.jit(function)(*VALUES.values()) == 0.0


@pytest.mark.parametrize("condition", [True, False])
@pytest.mark.parametrize("wrap", [ft.grad, ft.value_and_grad, ft.checkpoint])
def test_a_boolean_is_a_mask_of_a_plain_array(wrap: Any, condition: bool) -> None:
    def loss(x: Any) -> Any:
        chosen = PLAIN[x >= 0]
        assert chosen.shape == (int(condition), 3)
        assert PLAIN.reshape(1, 3)[0, x >= 0].shape == (int(condition), 3)
        return x * np.sum(chosen)

    x = 1.0 if condition else -1.0
    gradient = ft.grad(loss if wrap is ft.grad else lambda x: loss(x))(x)
    assert gradient == (60.0 if condition else 0.0)
    assert wrap(loss)(np.float64(x)) is not None


@pytest.mark.parametrize("transform", [ft.jit, ft.vmap])
def test_a_mask_without_a_value_is_refused_with_a_remedy(transform: Any) -> None:
    with pytest.raises(FunctraceError, match=r"np\.where"):
        transform(lambda x: PLAIN[x >= 0])(np.ones(2) if transform is ft.vmap else 1.0)


def test_a_mask_of_a_plain_array_can_be_assigned_to() -> None:
    def loss(x: Any) -> Any:
        values = PLAIN.copy()
        values[x < 0] = 7.0
        values[x >= 2] = 0.0
        return x * values.sum()

    assert [ft.grad(loss)(x) for x in (-1.0, 1.0, 2.0)] == [21.0, 60.0, 0.0]


@pytest.mark.parametrize("use", [operator.index, range, [1, 2, 3].__getitem__, "abc".__getitem__])
def test_a_boolean_is_no_index_of_a_list(use: Any) -> None:
    with pytest.raises(TypeError, match=r"booleans do not stand[\s\S]*remedy"):
        ft.grad(lambda x: use(x >= 0) and x)(1.0)


@pytest.mark.parametrize("ask", [int, float, complex, operator.index])
def test_an_array_with_an_axis_is_no_number(ask: Any) -> None:
    with pytest.raises(TracerConversionError, match=r"i64\[1\][\s\S]*x\[0\]"):
        ft.jit(ask)(np.array([1]))


def test_lists_are_repeated_by_traced_integers_and_multiplied_by_arrays() -> None:
    def loss(x: Any) -> Any:
        count = x.astype(int)
        assert [1, 2] * count == [1, 2, 1, 2] == count * [1, 2]
        return np.sum(np.stack([x, x]) * [3.0, 4.0])

    assert ft.grad(loss)(np.float64(2.0)) == 7.0
    with pytest.raises(FunctraceError):
        ft.grad(lambda x: sum([x] * x))(2.0)


def test_bytes_of_an_array_are_refused_rather_than_made_of_its_elements() -> None:
    with pytest.raises(TracerConversionError, match="bytes"):
        ft.jit(lambda x: bytes(x))(np.arange(3))


def test_rounding_to_an_int_is_for_single_real_numbers() -> None:
    assert ft.jit(round)(2.5) == 2
    assert type(ft.jit(lambda x: round(x, 1))(2.55)) is float
    assert ft.jit(round)(True) == 1
    for value in (np.ones(2), np.bool_(True), 1j, np.complex64(1)):
        with pytest.raises(TypeError, match=r"np\.round"):
            ft.jit(round)(value)
