"""What distributions of one variable share: SciPy's parameters, location and scale, the support.

A distribution is a row of functions of the standard variable, the one of location 0 and scale 1:

    expon = Continuous(
        "expon", support=(0, inf),
        logpdf=lambda x: -x, sf=lambda x: np.exp(-x), logsf=lambda x: -x, ...)

They are plain NumPy and SciPy code, and are only ever called within the support: elsewhere a value
of it stands in, so that neither a value nor a derivative from outside can be NaN or warn. What a
row leaves out follows from what it has. Parameters that are not allowed become NaN, and with them
the result. All is computed in double precision, as in SciPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from inspect import Parameter, Signature
from typing import Any

import numpy as np
import scipy.stats

from ...errors import ArgumentError, DTypeError, UnsupportedFunctionError
from ...numpy.creation import asarray
from ...ops import cast
from ...tracer import Tracer
from .. import special as _special  # noqa: F401 -- answers for the ufuncs of scipy.special

Function = Callable[..., Any]
Support = tuple[Any, Any]

inf = np.inf


def double(x: Any) -> Any:
    """A real array in double precision.

    Raises:
        DTypeError: for complex numbers.
    """
    given = asarray(x)
    if given.dtype.kind not in "biuf":
        raise DTypeError(f"scipy.stats takes real numbers, not {given.dtype}")
    return cast.astype(given, np.dtype(np.float64))


def log(p: Any) -> Any:
    """The logarithm, and without a warning -inf for 0."""
    zero = p == 0
    return np.where(zero, -inf, np.log(np.where(zero, 1.0, p)))


def _always(*_: Any) -> bool:
    return True


def _middle(low: Any, high: Any) -> Any:
    """A finite point between two bounds."""
    low = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - 2, -1.0))
    return (low + np.where(np.isfinite(high), high, low + 2)) / 2


def _endless(bound: Any) -> bool:
    """Whether a bound of the support is known to be none."""
    return isinstance(bound, float) and math.isinf(bound)


def _is(condition: Any) -> bool:
    """Whether a condition holds everywhere, and is known to."""
    return type(condition) is not Tracer and bool(np.all(condition))


class Named:
    """A distribution by SciPy's name. Methods that are not here are SciPy's own."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, *args: Any, **kwds: Any) -> Frozen:
        """The distribution with its parameters fixed, whose methods take the variable alone."""
        return Frozen(self, args, kwds)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        plain = getattr(getattr(scipy.stats, self.name), name)
        return self._of_plain(name, plain) if callable(plain) else plain

    def _of_plain(self, name: str, method: Function) -> Function:
        """SciPy's own method, which is not for traced values: it converts them, or draws."""

        def call(*args: Any, **kwds: Any) -> Any:
            if any(type(x) is Tracer for x in (*args, *kwds.values())):
                raise UnsupportedFunctionError(
                    f"stats.{self.name}.{name} of a traced array is not supported",
                    "use functrace.random, whose functions are traced as others are"
                    if name == "rvs"
                    else f"call SciPy's outside of the traced function; {self!r} has densities",
                )
            return method(*args, **kwds)

        return call

    def __repr__(self) -> str:
        return f"<functrace.scipy.stats.{self.name}>"


class Distribution(Named):
    """A distribution of one variable.

    Args:
        name: SciPy's name.
        shapes: the names of the shape parameters, separated by spaces.
        valid: tells for shape parameters whether they are allowed.
        support: the least and the greatest value, or a function of the shape parameters that gives
            them.
        functions: by the names of methods, of the standard variable and the shape parameters.
    """

    _variable = "x"
    _scaling = ("loc",)

    def __init__(
        self,
        name: str,
        shapes: str = "",
        *,
        valid: Function = _always,
        support: Support | Callable[..., Support] = (-inf, inf),
        **functions: Function,
    ):
        super().__init__(name)
        self._valid = valid
        self._support = support
        self._functions = _completed(functions)
        defaults = {"loc": 0, "scale": 1}
        self._signatures = {
            variable: Signature([
                Parameter(p, Parameter.POSITIONAL_OR_KEYWORD,
                          default=defaults.get(p, Parameter.empty))
                for p in (variable, *shapes.split(), *self._scaling)
            ])
            for variable in (self._variable, "q")
        }  # fmt: skip

    def _arguments(self, method: str, variable: str, args: Any, kwds: Any) -> Any:
        """The variable, shape parameters, location and scale; NaN for what is not allowed."""
        signature = self._signatures[variable]
        try:
            bound = signature.bind(*args, **kwds)
        except TypeError as error:
            raise ArgumentError(
                f"stats.{self.name}.{method}: {error}", f"its parameters are {signature}"
            ) from None
        bound.apply_defaults()
        x, *parameters = [double(value) for value in bound.arguments.values()]
        if "scale" not in self._scaling:
            parameters.append(1.0)
        *shapes, loc, scale = parameters
        allowed = scale > 0
        if shapes:
            allowed = np.logical_and(allowed, self._valid(*shapes))
        if not _is(allowed):
            *shapes, scale = (np.where(allowed, p, np.nan) for p in (*shapes, scale))
        return x, shapes, loc, scale

    def _bounds(self, shapes: Any) -> Support:
        return self._support(*shapes) if callable(self._support) else self._support

    def _within(
        self, method: str, x: Any, shapes: Any, below: float, above: float, closed: bool = False
    ) -> Any:
        """A function within the support, and constants below and above it.

        Args:
            closed: whether the ends belong to the support.
        """
        low, high = self._bounds(shapes)
        parts = []
        if not _endless(low):
            parts.append((x < low if closed else x <= low, below))
        if not _endless(high):
            parts.append((x > high if closed else x >= high, above))
        return self._apart(method, x, shapes, parts, _middle(low, high))

    def _apart(
        self, method: str, x: Any, shapes: Any, parts: list[tuple[Any, float]], inside: Any
    ) -> Any:
        """A function, and constants where conditions hold."""
        safe = x
        for outside, _ in parts:
            safe = np.where(outside, inside, safe)
        value = self._functions[method](safe, *shapes)
        for outside, constant in parts:
            value = np.where(outside, constant, value)
        return value[()]


def _completed(functions: dict[str, Function]) -> dict[str, Function]:
    """The functions of a row, and those that follow from them."""
    f = dict(functions)
    for density in ("pdf", "pmf"):
        logarithm = f.get(f"log{density}")
        if logarithm is not None:
            f.setdefault(density, _then(np.exp, logarithm))
    for name, other in (("cdf", "sf"), ("sf", "cdf")):
        if name not in f and f"log{name}" in f:
            f[name] = _then(np.exp, f[f"log{name}"])
        if name not in f and other in functions:
            f[name] = _then(lambda p: 1.0 - p, f[other])
    for name, other in (("cdf", "sf"), ("sf", "cdf")):
        if name in f:
            both = name in functions and other in functions
            f.setdefault(f"log{name}", _log_of(f[name], f[other]) if both else _then(log, f[name]))
    if "ppf" in f:
        f.setdefault("isf", lambda q, *shapes: f["ppf"](1.0 - q, *shapes))
    return f


def _log_of(function: Function, complement: Function) -> Function:
    """The logarithm of a probability, by that of its complement where it is near 1."""

    def logarithm(*operands: Any) -> Any:
        p, q = function(*operands), complement(*operands)
        large = p > 0.5
        return np.where(large, np.log1p(-np.where(large, q, 0.0)), log(np.where(large, 1.0, p)))

    return logarithm


def _then(outer: Function, inner: Function) -> Function:
    return lambda *operands: outer(inner(*operands))


_ENDS = {"cdf": (0.0, 1.0), "sf": (1.0, 0.0), "logcdf": (-inf, 0.0), "logsf": (0.0, -inf)}


def _cumulative(name: str, text: str) -> Function:
    def method(self: Any, *args: Any, **kwds: Any) -> Any:
        if name not in self._functions:
            return self.__getattr__(name)(*args, **kwds)
        x, shapes, loc, scale = self._arguments(name, self._variable, args, kwds)
        return self._cumulated(name, (x - loc) / scale, shapes, *_ENDS[name])

    method.__name__ = name
    method.__doc__ = text
    return method


def _inverse(name: str, text: str) -> Function:
    def method(self: Any, *args: Any, **kwds: Any) -> Any:
        if name not in self._functions:
            return self.__getattr__(name)(*args, **kwds)
        q, shapes, loc, scale = self._arguments(name, "q", args, kwds)
        first, last = self._bounds(shapes)[:: 1 if name == "ppf" else -1]
        parts = [(q == 0, first), (q == 1, last), (np.logical_or(q < 0, q > 1), np.nan)]
        return self._apart(name, q, shapes, parts, 0.5) * scale + loc

    method.__name__ = name
    method.__doc__ = text
    return method


class Continuous(Distribution):
    """A distribution with a density.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.stats import norm
        >>> ft.grad(norm.logpdf, argnums=(1, 2))(3.0, 1.0, 2.0)  # by location and scale
        (np.float64(0.5), np.float64(0.0))
        >>> norm(1.0, 2.0).cdf(1.0)
        np.float64(0.5)
    """

    _scaling = ("loc", "scale")

    def logpdf(self, *args: Any, **kwds: Any) -> Any:
        """The logarithm of the density; -inf outside of the support."""
        x, shapes, loc, scale = self._arguments("logpdf", "x", args, kwds)
        return self._within("logpdf", (x - loc) / scale, shapes, -inf, -inf, True) - np.log(scale)

    def pdf(self, *args: Any, **kwds: Any) -> Any:
        """The density; 0 outside of the support."""
        x, shapes, loc, scale = self._arguments("pdf", "x", args, kwds)
        return self._within("pdf", (x - loc) / scale, shapes, 0.0, 0.0, True) / scale

    _cumulated = Distribution._within
    cdf = _cumulative("cdf", "The probability of at most x.")
    sf = _cumulative("sf", "The probability of more than x.")
    logcdf = _cumulative("logcdf", "The logarithm of `cdf`.")
    logsf = _cumulative("logsf", "The logarithm of `sf`.")
    ppf = _inverse("ppf", "The x at which `cdf` is q.")
    isf = _inverse("isf", "The x at which `sf` is q.")


class Discrete(Distribution):
    """A distribution on whole numbers.

    With respect to k, `logpmf` and `pmf` have the derivative of their formula, which holds between
    whole numbers as well, and `cdf`, `sf` and their logarithms have none, being steps.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.stats import poisson
        >>> ft.grad(lambda mu: poisson.logpmf(np.array([2, 4]), mu).sum())(3.0)
        np.float64(0.0)
    """

    _variable = "k"

    def _mass(self, name: str, args: Any, kwds: Any, otherwise: float) -> Any:
        k, shapes, loc, scale = self._arguments(name, "k", args, kwds)
        k = (k - loc) / scale  # which is NaN where parameters are not allowed
        low, high = self._bounds(shapes)
        outside = np.logical_or(np.logical_or(k < low, k > high), np.floor(k) < k)
        return self._apart(name, k, shapes, [(outside, otherwise)], low)

    def logpmf(self, *args: Any, **kwds: Any) -> Any:
        """The logarithm of the probability of k; -inf for what has none."""
        return self._mass("logpmf", args, kwds, -inf)

    def pmf(self, *args: Any, **kwds: Any) -> Any:
        """The probability of k."""
        return self._mass("pmf", args, kwds, 0.0)

    def _cumulated(self, name: str, k: Any, shapes: Any, below: float, above: float) -> Any:
        low, high = self._bounds(shapes)
        return self._apart(name, np.floor(k), shapes, [(k < low, below), (k >= high, above)], low)

    cdf = _cumulative("cdf", "The probability of at most k.")
    sf = _cumulative("sf", "The probability of more than k.")
    logcdf = _cumulative("logcdf", "The logarithm of `cdf`.")
    logsf = _cumulative("logsf", "The logarithm of `sf`.")


class Frozen:
    """A distribution with its parameters fixed."""

    def __init__(self, distribution: Named, args: Any, kwds: Any):
        self.dist = distribution
        self.args = args
        self.kwds = kwds

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _OF_PARAMETERS and hasattr(type(self.dist), name):
            return partial(getattr(self.dist, name), *self.args, **self.kwds)
        if name not in _OURS:
            plain = getattr(scipy.stats, self.dist.name)(*self.args, **self.kwds)
            return getattr(plain, name)
        method = getattr(self.dist, name)
        return lambda x: method(x, *self.args, **self.kwds)


_OURS = {"logpdf", "pdf", "logpmf", "pmf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf"}
_OF_PARAMETERS = {"mean", "var", "cov", "entropy"}
