"""The rivals: for each, the namespace that workloads compute with, and its transforms."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np


class Library(NamedTuple):
    """A rival. What it has not is None.

    Attributes:
        xp: the namespace that workloads compute with.
        special: that of special functions.
        array: makes an array of its own of a NumPy array.
        wait: waits for a result.
        grad, value_and_grad: by the first argument, a tree, of which torch's are a flat list.
        jacfwd, jacrev: Jacobians, column by column or row by row if it has the choice.
        hvp: `hvp(fun, params, vectors)`, the product of the Hessian and vectors.
        scan: with the signature of `jax.lax.scan`; the same loop in Python for who has none.
        parameter: makes an array by which a derivative is taken.
        inner_grad: the gradient that `vmap` maps.
    """

    name: str
    xp: Any
    special: Any
    array: Callable[[Any], Any]
    wait: Callable[[Any], Any]
    grad: Any
    value_and_grad: Any
    vmap: Any
    jit: Any
    jacfwd: Any
    jacrev: Any
    hessian: Any
    hvp: Any
    scan: Any
    parameter: Callable[[Any], Any]
    inner_grad: Any


def optional(name: str) -> Any:
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def same(x: Any) -> Any:
    return x


def scan_in_python(
    step: Callable[[Any, Any], Any], carry: Any, xs: Iterable[Any] | None, length: int = 0
) -> tuple[Any, None]:
    """The loop that users of libraries without loops write."""
    for x in [None] * length if xs is None else xs:
        carry, _ = step(carry, x)
    return carry, None


def functrace_library(jit: bool) -> Library:
    import scipy.special

    import functrace as ft

    return Library(
        name="functrace jit" if jit else "functrace",
        xp=np, special=scipy.special, array=same, wait=same,
        grad=ft.grad, value_and_grad=ft.value_and_grad, vmap=ft.vmap, jit=ft.jit if jit else same,
        jacfwd=ft.jacobian, jacrev=ft.jacobian, hessian=ft.hessian,
        hvp=lambda fun, params, vectors: ft.hvp(fun, (params,), (vectors,)),
        scan=ft.scan, parameter=same, inner_grad=ft.grad,
    )  # fmt: skip


def jax_library(jit: bool) -> Library | None:
    jax = optional("jax")
    if jax is None:
        return None
    import jax.numpy as jnp
    import jax.scipy.special as special

    jax.config.update("jax_enable_x64", True)
    return Library(
        name="JAX jit" if jit else "JAX",
        xp=jnp, special=special, array=jnp.asarray, wait=jax.block_until_ready,
        grad=jax.grad, value_and_grad=jax.value_and_grad, vmap=jax.vmap,
        jit=jax.jit if jit else same,
        jacfwd=jax.jacfwd, jacrev=jax.jacrev, hessian=jax.hessian,
        hvp=lambda fun, params, vectors: jax.jvp(jax.grad(fun), (params,), (vectors,))[1],
        scan=jax.lax.scan, parameter=jnp.asarray, inner_grad=jax.grad,
    )  # fmt: skip


def autograd_library() -> Library | None:
    autograd = optional("autograd")
    if autograd is None:
        return None
    import autograd.numpy as anp
    import autograd.scipy.special as special

    def hvp(fun: Callable[[Any], Any], params: Any, vectors: Any) -> Any:
        def along(p: Any) -> Any:
            return inner(anp, autograd.grad(fun)(p), vectors)

        return autograd.grad(along)(params)

    return Library(
        name="autograd", xp=anp, special=special, array=same, wait=same,
        grad=autograd.grad, value_and_grad=autograd.value_and_grad, vmap=None, jit=same,
        jacfwd=autograd.jacobian, jacrev=autograd.jacobian, hessian=autograd.hessian,
        hvp=hvp, scan=scan_in_python, parameter=same, inner_grad=autograd.grad,
    )  # fmt: skip


def inner(xp: Any, a: Any, b: Any) -> Any:
    """The inner product of two trees of lists and tuples."""
    if isinstance(b, (list, tuple)):  # a may be autograd's own kind of list
        return sum(inner(xp, x, y) for x, y in zip(a, b, strict=True))
    return xp.sum(a * b)


def torch_library() -> Library | None:
    if optional("torch") is None:
        return None
    from . import pytorch

    return pytorch.LIBRARY


MAKERS: dict[str, Callable[[], Library | None]] = {
    "functrace jit": lambda: functrace_library(True),
    "functrace": lambda: functrace_library(False),
    "JAX jit": lambda: jax_library(True),
    "JAX": lambda: jax_library(False),
    "autograd": autograd_library,
    "PyTorch": torch_library,
}


def libraries() -> list[Library]:
    """Those that are installed, functrace under jit first."""
    found = [make() for make in MAKERS.values()]
    return [library for library in found if library is not None]
