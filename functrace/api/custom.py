"""Functions with derivatives of their own: `custom_jvp`, `custom_vjp`, `custom_gradient`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import tree
from ..custom.hashable_function import Bundle, Fixed
from ..custom.jvp import CUSTOM_JVP, JvpRule
from ..custom.record_rules import settle
from ..custom.rules import Rule
from ..custom.signature import Call, Result, describe, positional, signature_of, traced
from ..custom.vjp import CUSTOM_VJP, VjpRule
from ..errors import ArgumentError, CustomRuleError
from ..primitive import Primitive
from ..recorder import bind, recorder_for
from ..remade import global_name
from ._border import function_name, parameter_names, positions, short_tracebacks, to_user
from ._checks import check_callable


class Ruled(Bundle):
    """A function with a rule. Without traced arguments it is the function itself."""

    primitive: Primitive

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: int | Sequence[int] = (),
        nondiff_argnames: str | Sequence[str] = (),
    ):
        kind = type(self).__name__
        check_callable(fun, kind)
        self.fun = fun
        self._kind = kind
        self._aside = nondiff_argnums
        self._aside_names = (
            (nondiff_argnames,) if isinstance(nondiff_argnames, str) else tuple(nondiff_argnames)
        )
        self._signature = signature_of(fun)
        functools.update_wrapper(self, fun, updated=())
        self.__name__ = function_name(fun)

    def __repr__(self) -> str:
        return f"{self._kind}({self.__name__})"

    def __copy__(self) -> Ruled:
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new

    def __reduce_ex__(self, protocol: Any) -> Any:
        return global_name(self) or super().__reduce_ex__(protocol)

    @short_tracebacks
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._demand_rule()
        arguments = positional(self.__name__, self._signature, args, kwargs)
        if recorder_for(tree.leaves(arguments)) is None:
            return self.fun(*arguments)
        call, leaves = self._described(arguments)
        return apply(
            self.primitive, self.fun, call, leaves, lambda result: self._rule(call, result)
        )

    def _described(self, arguments: list[Any]) -> tuple[Call, list[Any]]:
        parameters = parameter_names(self.fun, len(arguments))
        name = self.__name__
        what = f"{self._kind}: nondiff_argnums={self._aside}"
        aside = positions(self._aside, len(arguments), what)
        for label in self._aside_names:
            if label not in parameters:
                raise ArgumentError(
                    f"{self._kind}: nondiff_argnames {label!r} is no parameter of {name}",
                    f"its parameters are {', '.join(parameters)}",
                )
            aside += (parameters.index(label),)
        return describe(name, parameters, arguments, sorted({*aside}))

    def _demand_rule(self) -> None:
        raise NotImplementedError

    def _rule(self, call: Call, result: Result) -> Rule:
        raise NotImplementedError

    def _missing(self, method: str) -> CustomRuleError:
        name = self.__name__
        return CustomRuleError(
            f"{name} is a {self._kind} function, and has no rule", f"give it one: {name}.{method}"
        )


def apply(
    primitive: Primitive, fun: Callable[..., Any], call: Call, leaves: list[Any],
    rule: Callable[[Result], Rule],
) -> Any:  # fmt: skip
    """Trace a function and record it with its rule, as one equation."""
    recording, result = traced(
        lambda tracers: fun(*call.arguments(tracers)),
        call.types, call.names, values=leaves, reason=f"{call.name}, which has a rule",
        name=call.name,
    )  # fmt: skip
    recorder = recorder_for(leaves)
    start = 0 if recorder is None else len(recorder.equations)
    outputs = bind(
        primitive, *recording.captured, *leaves, program=recording.captures_first(),
        captured=len(recording.captured), extras=0, rule=rule(result).or_open(),
    )  # fmt: skip
    if recorder is not None:
        settle(recorder, start)
    return tree.unflatten(result.structure, to_user(outputs, result.types))


class custom_jvp(Ruled):  # noqa: N801 -- JAX's name
    """A function whose derivative is given by a rule, for forward and reverse mode.

    The rule takes primals and tangents, each a tuple with an entry for each argument, and returns
    the output and its tangent, which must be linear in the tangents. It is code like any other:
    second derivatives are derivatives of the rule.

    Args:
        fun: a function of arrays, trees of them, and what `nondiff_argnums` names. Keyword
            arguments and defaults are passed by position.
        nondiff_argnums: arguments that are not differentiated by, and may be anything. The rule
            gets them first, one by one.
        nondiff_argnames: the same by name.

    Raises:
        CustomRuleError: when there is no rule, or it returned the wrong trees, shapes or dtypes.
        RuleClosureError: for a derivative by what `fun` takes from its closure.

    Example:
        >>> import numpy as np, functrace as ft
        >>> @ft.custom_jvp
        ... def log1pexp(x):
        ...     return np.log(1.0 + np.exp(x))
        >>> @log1pexp.defjvp
        ... def log1pexp_jvp(primals, tangents):
        ...     (x,), (t,) = primals, tangents
        ...     return log1pexp(x), t * (1 - 1 / (1 + np.exp(x)))
        >>> ft.grad(log1pexp)(100.0)
        np.float64(1.0)
    """

    primitive = CUSTOM_JVP
    parts = ("fun", "jvp", "symbolic_zeros", "_aside", "_aside_names")

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: int | Sequence[int] = (),
        nondiff_argnames: str | Sequence[str] = (),
    ):
        super().__init__(fun, nondiff_argnums, nondiff_argnames)
        self.jvp: Callable[..., Any] | None = None
        self.symbolic_zeros = False

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Give the rule. Can be used as a decorator.

        Args:
            jvp: `(*nondiff, primals, tangents) -> (output, tangent)`. A tangent of `None` is zero.
            symbolic_zeros: whether tangents that are zero for certain are `SymbolicZero`s, and not
                arrays of zeros.

        Returns:
            The rule.
        """
        check_callable(jvp, "defjvp")
        self.jvp = jvp
        self.symbolic_zeros = symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Give a rule for each argument; the output's tangent is the sum of theirs.

        Args:
            jvps: `(tangent, output, *arguments) -> tangent of the output`, or `None` where the
                derivative is zero.
        """
        if self._aside or self._aside_names:
            raise ArgumentError("defjvps has no place for nondiff_argnums", "use defjvp")
        for rule in jvps:
            if rule is not None:
                check_callable(rule, "defjvps")

        def jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
            if len(jvps) != len(primals):
                raise CustomRuleError(
                    f"{self.__name__} was called with {len(primals)} arguments, and "
                    f"defjvps was given {len(jvps)} rules",
                    "give a rule for each argument, or None",
                )
            output = self(*primals)
            given = [
                rule(t, output, *primals)
                for rule, t in zip(jvps, tangents, strict=True)
                if rule is not None
            ]
            if not given:
                return output, None
            return output, tree.map(lambda *parts: functools.reduce(_add, parts), *given)

        self.defjvp(jvp)

    def _demand_rule(self) -> None:
        if self.jvp is None:
            raise self._missing("defjvp(rule)")

    def _rule(self, call: Call, result: Result) -> Rule:
        return JvpRule(Fixed(self.jvp), call, result, self.symbolic_zeros)


def _add(a: Any, b: Any) -> Any:
    return a + b


class custom_vjp(Ruled):  # noqa: N801 -- JAX's name
    """A function whose derivative in reverse mode is given by a rule of two parts.

    Args:
        fun: a function of arrays, trees of them, and what `nondiff_argnums` names. Keyword
            arguments and defaults are passed by position.
        nondiff_argnums: arguments that are not differentiated by, and may be anything. `bwd` gets
            them first, one by one.
        nondiff_argnames: the same by name.

    Raises:
        CustomRuleError: when there is no rule, or it returned the wrong trees, shapes or dtypes.
        ForwardModeError: in forward mode, for which `custom_jvp` serves.
        RuleClosureError: for a derivative by what `fun` takes from its closure.

    Example:
        >>> import numpy as np, functrace as ft
        >>> @ft.custom_vjp
        ... def clip_gradient(x, limit):
        ...     return x
        >>> clip_gradient.defvjp(
        ...     lambda x, limit: (x, limit),
        ...     lambda limit, ct: (np.clip(ct, -limit, limit), None))
        >>> ft.grad(lambda x: 10.0 * clip_gradient(x, 1.0))(3.0)
        np.float64(1.0)
    """

    primitive = CUSTOM_VJP
    parts = ("fun", "fwd", "bwd", "symbolic_zeros", "_aside", "_aside_names")

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: int | Sequence[int] = (),
        nondiff_argnames: str | Sequence[str] = (),
    ):
        super().__init__(fun, nondiff_argnums, nondiff_argnames)
        self.fwd: Callable[..., Any] | None = None
        self.bwd: Callable[..., Any] | None = None
        self.symbolic_zeros = False

    def defvjp(
        self,
        fwd: Callable[..., Any],
        bwd: Callable[..., Any],
        symbolic_zeros: bool = False,
        optimize_remat: bool = False,  # noqa: ARG002 -- JAX's
    ) -> None:
        """Give the rule.

        Args:
            fwd: takes the arguments of the function, and returns its output and residuals, a tree
                of arrays.
            bwd: `(*nondiff, residuals, cotangent)`, which returns a tuple with a cotangent for each
                argument. `None` stands for a cotangent, or a branch of it, that is zero; integers
                have no other.
            symbolic_zeros: whether `fwd` gets `CustomVJPPrimal`s, which tell the arguments that
                are differentiated by.
            optimize_remat: accepted for likeness to JAX's method.
        """
        check_callable(fwd, "defvjp")
        check_callable(bwd, "defvjp")
        self.fwd, self.bwd = fwd, bwd
        self.symbolic_zeros = symbolic_zeros

    def _demand_rule(self) -> None:
        if self.fwd is None:
            raise self._missing("defvjp(fwd, bwd)")

    def _rule(self, call: Call, result: Result) -> Rule:
        return VjpRule(Fixed(self.fwd), Fixed(self.bwd), call, result, self.symbolic_zeros)
