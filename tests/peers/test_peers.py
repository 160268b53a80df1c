"""Values and derivatives against those of JAX; where JAX is not installed, nothing is collected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import jax.scipy.special
import jax.scipy.stats
import numpy as np
import pytest

import functrace as ft
import functrace.scipy.linalg
import functrace.scipy.special
import functrace.scipy.stats

from ..cases import peer_cases_scipy  # noqa: F401 -- it adds to the table
from ..cases.peer_cases import CONVENTIONS, ROWS, Convention, Row
from ..helpers import is_inexact, pairing, random_like

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


def _known(**options: Any) -> dict[str, Any]:
    """Those of some compiler options that this version of JAX has."""
    known = {}
    for name, value in options.items():
        try:
            jax.jit(lambda x: x, compiler_options={name: value})(0.0)
        except Exception:
            continue
        known[name] = value
    return known


# Nearly all of the time is the compiler's, and nearly all of that goes into optimising.
_QUICK = _known(xla_backend_optimization_level=0, xla_cpu_use_fusion_emitters=False)
_TOGETHER = 8  # rows


class Library:
    """The names of one library: NumPy's own, and further namespaces."""

    def __init__(self, transforms: ModuleType, numpy: Any, **further: Any) -> None:
        self.transforms = transforms
        self._numpy = numpy
        self.__dict__.update(further)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)


def _their_conv(x: Any, w: Any, stride: int = 1, padding: str = "VALID", groups: int = 1) -> Any:
    strides = (stride,) * (w.ndim - 2)
    return jax.lax.conv_general_dilated(x, w, strides, padding, feature_group_count=groups)


def _our_conv(x: Any, w: Any, stride: int = 1, padding: str = "VALID", groups: int = 1) -> Any:
    return ft.nn.conv(x, w, stride=stride, padding=padding, groups=groups)


def _their_pool(x: Any, window: tuple[int, ...]) -> Any:
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


OURS = Library(
    ft, np, special=functrace.scipy.special, stats=functrace.scipy.stats,
    slinalg=functrace.scipy.linalg, nn=ft.nn, conv=_our_conv, max_pool=ft.nn.max_pool,
    at=ft.numpy.at,
)  # fmt: skip
THEIRS = Library(
    jax, jnp, special=jax.scipy.special, stats=jax.scipy.stats,
    slinalg=jax.scipy.linalg, nn=jax.nn, conv=_their_conv, max_pool=_their_pool,
    at=lambda x: x.at,
)  # fmt: skip


def _outputs(library: Library, r: Row) -> Callable[..., list[Any]]:
    """A row as a function of its floating-point operands to its floating-point outputs."""
    active = [i for i, x in enumerate(r.operands) if is_inexact(x)]

    def function(*chosen: Any) -> list[Any]:
        operands = list(r.operands)
        for i, x in zip(active, chosen, strict=True):
            operands[i] = x
        result = r.fun(library, *operands)
        several = list(result) if isinstance(result, (tuple, list)) else [result]
        return [y for y in several if np.dtype(y.dtype).kind in "fc"]

    return function


def _derivatives(library: Library, r: Row) -> Callable[..., Any]:
    """A function to the outputs, the gradients, and their derivative along a direction."""
    function, transforms = _outputs(library, r), library.transforms

    def gradients(*operands: Any, cotangents: Sequence[Any]) -> Any:
        values, pull = transforms.vjp(function, *operands)
        return pull(list(cotangents)), values

    def derivatives(operands: Any, directions: Any, cotangents: Any) -> Any:
        def pulled(*operands: Any) -> Any:
            return gradients(*operands, cotangents=cotangents)

        if r.second:
            found, second, values = transforms.jvp(
                pulled, tuple(operands), tuple(directions), has_aux=True
            )
            return values, found, second
        found, values = pulled(*operands)
        return values, found

    return derivatives


def _name(r: Any) -> str:
    return r.name


@cache
def _inputs(place: int) -> tuple[list[Any], list[Any], list[Any]]:
    """The operands of a row, with directions for them and cotangents of the outputs."""
    random = np.random.default_rng(4)
    operands = [x for x in ROWS[place].operands if is_inexact(x)]
    outputs = _outputs(OURS, ROWS[place])(*operands)
    return (
        operands,
        [random_like(x, random) for x in operands],
        [random_like(y, random) for y in outputs],
    )


@cache
def _of_jax(chunk: int) -> list[Any]:
    """What JAX finds for some rows, compiled together."""
    places = range(chunk * _TOGETHER, min((chunk + 1) * _TOGETHER, len(ROWS)))
    functions = [_derivatives(THEIRS, ROWS[place]) for place in places]

    def all_of_them(inputs: Any) -> Any:
        return [function(*each) for function, each in zip(functions, inputs, strict=True)]

    return jax.jit(all_of_them, compiler_options=_QUICK)([_inputs(place) for place in places])


@pytest.mark.parametrize("place", range(len(ROWS)), ids=lambda place: ROWS[place].name)
def test_values_and_derivatives_in_both_modes_are_those_of_jax(place: int) -> None:
    with np.errstate(all="ignore"):
        operands, directions, cotangents = _inputs(place)
        ours = _derivatives(OURS, ROWS[place])(operands, directions, cotangents)
        function = _outputs(OURS, ROWS[place])
        _, tangents = ft.jvp(function, tuple(operands), tuple(directions))
        theirs = _of_jax(place // _TOGETHER)[place % _TOGETHER]
        expected = pairing(theirs[1], directions)
    for what, actual, desired in zip(("values", "gradients", "second"), ours, theirs, strict=False):
        _assert_close(actual, desired, what)
    if np.isfinite(expected):
        assert pairing(cotangents, tangents) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def _assert_close(actual: Sequence[Any], desired: Sequence[Any], what: str) -> None:
    assert len(actual) == len(desired)
    for a, b in zip(actual, desired, strict=True):
        assert (np.shape(a), np.asarray(a).dtype) == (np.shape(b), b.dtype)
        tolerance = 1e-9 if np.finfo(b.dtype).bits == 64 else 2e-5
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=what)


@pytest.mark.parametrize("c", CONVENTIONS, ids=_name)
def test_where_conventions_differ_from_those_of_jax_they_are_as_documented(c: Convention) -> None:
    def gradient(library: Library, x: Any) -> Any:
        y, pull = library.transforms.vjp(lambda x: c.fun(library, x), x)
        return pull(np.ones(y.shape, y.dtype))[0]

    with np.errstate(all="ignore"):
        np.testing.assert_allclose(gradient(OURS, c.operand), c.ours, atol=1e-12)
        theirs = jax.jit(lambda x: gradient(THEIRS, x), compiler_options=_QUICK)(c.operand)
    np.testing.assert_allclose(theirs, c.theirs, atol=1e-12)
