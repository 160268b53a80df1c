"""PyTorch as a rival: its functions by NumPy's names, and its transforms.

PyTorch's functions take NumPy's keywords, so most names stand for themselves. Where PyTorch has
several ways, this is the fastest that its users write, as measured: `torch.autograd.grad` for the
gradient of a scalar and not `torch.func.grad`, `relu` and `softplus` for what `maximum(x, 0)` and
`logaddexp(0, x)` mean, and `max` and `min` along an axis, whose derivatives are cheaper than those
of `amax` and `amin`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional

from .libraries import Library, same, scan_in_python

torch.set_default_dtype(torch.float64)


def extreme(whole: Callable[..., Any], along: Callable[..., Any]) -> Callable[..., Any]:
    """`np.max` or `np.min`."""

    def function(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        return whole(x) if axis is None else along(x, axis, keepdims).values

    return function


def maximum(x: Any, least: float) -> Any:
    return torch.relu(x) if least == 0.0 else torch.clamp_min(x, least)


def logaddexp(x: float, y: Any) -> Any:
    if x != 0.0:
        return torch.logaddexp(torch.as_tensor(x, dtype=y.dtype), y)
    return functional.softplus(y, threshold=50)  # from where on it is y, to the last digit


NAMESPACE = SimpleNamespace(
    sum=torch.sum, mean=torch.mean, exp=torch.exp, log=torch.log, sin=torch.sin, tanh=torch.tanh,
    dot=torch.matmul, einsum=torch.einsum, reshape=torch.reshape, stack=torch.stack,
    zeros=torch.zeros, eye=torch.eye, linalg=torch.linalg,
    max=extreme(torch.amax, torch.max), min=extreme(torch.amin, torch.min),
    maximum=maximum, logaddexp=logaddexp,
)  # fmt: skip


def flat(params: Any) -> list[Any]:
    """The tensors of a tree of lists and tuples."""
    if isinstance(params, (list, tuple)):
        return [leaf for part in params for leaf in flat(part)]
    return [params]


def value_and_gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    def transformed(params: Any, *rest: Any) -> Any:
        if isinstance(params, torch.Tensor) and not params.requires_grad:
            params = params.detach().requires_grad_()
        value = fun(params, *rest)
        return value.detach(), torch.autograd.grad(value, flat(params))

    return transformed


def gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    transformed = value_and_gradient(fun)

    def grad(params: Any, *rest: Any) -> Any:
        found = transformed(params, *rest)[1]
        return found[0] if isinstance(params, torch.Tensor) else found

    return grad


def hessian(fun: Callable[..., Any]) -> Callable[..., Any]:
    """By reverse mode twice, which is faster here than `torch.func.hessian`."""
    return torch.func.jacrev(torch.func.jacrev(fun))


def hvp(fun: Callable[..., Any], params: Any, vectors: Any) -> Any:
    """By reverse mode twice, which is faster here than forward mode over `torch.func.grad`."""
    leaves = flat(params)
    first = torch.autograd.grad(fun(params), leaves, create_graph=True)
    return torch.autograd.grad(first, leaves, flat(vectors))


def vmap(fun: Callable[..., Any], in_axes: Any = 0) -> Callable[..., Any]:
    return torch.func.vmap(fun, in_dims=in_axes)


def parameter(x: Any) -> Any:
    return torch.as_tensor(x).requires_grad_()


LIBRARY = Library(
    name="PyTorch", xp=NAMESPACE, special=torch.special, array=torch.as_tensor, wait=same,
    grad=gradient, value_and_grad=value_and_gradient, vmap=vmap, jit=same,
    jacfwd=torch.func.jacfwd, jacrev=torch.func.jacrev,
    hessian=hessian, hvp=hvp,
    scan=scan_in_python, parameter=parameter, inner_grad=torch.func.grad,
)  # fmt: skip
