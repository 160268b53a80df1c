"""A public way to add an op with all its rules in one place: `define_op`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..custom.batching import METHODS
from ..custom.hashable_function import defined_at
from ..custom.op import Definition, Op
from ..dispatch import UFUNCS
from ..errors import OpDefinitionError
from ..primitive import PRIMITIVES
from ..source import user_frame
from ._border import short_tracebacks

Rule = Callable[..., Any]
_WORDS = ("linear", "zero")
_SHAPES = {  # how each rule is called: positional arguments, and how to write them
    "jvp": (3, "(primals, tangents, output"),
    "vjp": (3, "(cotangent, primals, output"),
    "transpose": (2, "(cotangent, operands"),
    "batch": (3, "(size, operands, mapped"),
}


@short_tracebacks
def define_op(
    name: str,
    impl: Callable[..., Any],
    *,
    infer: Rule | None = None,
    jvp: Rule | Sequence[Rule | None] | str | None = None,
    vjp: Rule | None = None,
    transpose: Rule | None = None,
    batch: Rule | str | None = None,
    elementwise: bool = False,
    multiple: bool = False,
) -> Op:
    """A function of NumPy arrays, such as a compiled routine, as an op with rules of its own.

    Args:
        name: how the op prints.
        impl: computes the op, and tells its signature: positional parameters are arrays, those
            behind a `*` are static: numbers, strings or tuples, the same for a whole trace. Arrays
            that it gets cannot be changed. It may be a NumPy ufunc of one output: the op is then
            elementwise, and answers for the ufunc when traced arrays are among its operands.
        infer: `(*types, **params) -> ArrayType`: the type of the output. May be left out where
            `elementwise`: operands then broadcast, and are promoted, as NumPy's are.
        jvp: `(primals, tangents, output, **params) -> tangent`, the derivative along tangents,
            which are `None` where zero. Or a tuple with a partial derivative for each operand, a
            function `(tangent, output, *operands, **params) -> tangent` or `None`. Or "linear", for
            an op that is linear in all floating-point operands together, and "zero". Without it,
            a derivative is an error.
        vjp: `(cotangent, primals, output, **params) -> cotangents`, a tuple with an entry for each
            operand, `None` where zero: the derivative in reverse mode. Without it, reverse mode
            transposes what `jvp` does; with it and without `jvp`, forward mode is an error.
        transpose: `(cotangent, operands, **params) -> cotangents` for an op that is linear in some
            operands, where other rules use it so. The operands in which it is used linearly have a
            shape and a dtype, and no value; the tuple has a cotangent for each of these.
        batch: `(size, operands, mapped, **params) -> output`, for many examples at once: operands
            that are mapped have the axis of examples first, and so has the output. Or one of
            "sequential", "sequential_unrolled", "expand_dims" and "broadcast_all", as for
            `pure_callback`. Without it, `vmap` is an error.
        elementwise: whether each element of the output depends on the elements of the operands at
            that place alone.
        multiple: whether there are several outputs. `impl`, `infer` and the rules then deal in
            tuples where they have to do with outputs.

    Returns:
        The op, a function of arrays and parameters. Rules are code of NumPy and such ops, and get
        derivatives and batches of their own by that.

    Raises:
        OpDefinitionError: when a rule does not take what it will be called with.

    Example:
        >>> import numpy as np, functrace as ft
        >>> cube = ft.define_op(
        ...     "cube", lambda x: x * x * x, elementwise=True,
        ...     jvp=(lambda t, y, x: 3 * x**2 * t,))
        >>> ft.grad(cube)(2.0), ft.grad(ft.grad(cube))(2.0)
        (np.float64(12.0), np.float64(12.0))
        >>> ft.vmap(cube)(np.array([1.0, 2.0]))
        array([1., 8.])
    """
    check = _Check(name, impl)
    elementwise = elementwise or isinstance(impl, np.ufunc)
    check.rules(infer, jvp, vjp, transpose, batch, elementwise)
    own = Definition(
        name, impl, check.signature, infer, jvp, vjp, transpose, batch, elementwise, multiple
    )  # fmt: skip
    frame = user_frame()
    key = f"{frame.f_globals.get('__name__', '') if frame else ''}.{name}"
    # A definition that runs again takes the name; Programs that have the op keep it.
    again = PRIMITIVES.make_room(key)
    op = Op(own, key)
    op.primitive.holds_objects = again
    if isinstance(impl, np.ufunc):
        UFUNCS[impl] = op
    return op


class _Check:
    """The checks of a definition."""

    def __init__(self, name: str, impl: Any):
        self.name = name
        if not isinstance(name, str) or not name.isidentifier():
            raise OpDefinitionError(f"define_op: {name!r} is no name for an op")
        if not callable(impl):
            raise self.error(f"impl is a {type(impl).__name__}", "give a function of arrays")
        self.impl = impl
        self.signature = self._ufunc(impl) if isinstance(impl, np.ufunc) else self._signature(impl)
        kinds = [p.kind for p in self.signature.parameters.values()]
        self.operands = sum(kind is not inspect.Parameter.KEYWORD_ONLY for kind in kinds)
        self.variadic = inspect.Parameter.VAR_POSITIONAL in kinds
        self.params = [
            p.name for p in self.signature.parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        ]  # fmt: skip

    def error(self, what: str, remedy: str, rule: Any = None) -> OpDefinitionError:
        """What is wrong with the definition."""
        return OpDefinitionError(f"define_op({self.name!r}): {what}", remedy, defined_at(rule))

    def _ufunc(self, impl: np.ufunc) -> inspect.Signature:
        if impl.nout != 1 or impl.signature is not None:
            raise self.error(
                f"the ufunc {impl.__name__} has several outputs, or works on more than elements",
                "give a function that calls it, with infer= and batch=",
            )
        if impl in UFUNCS and not isinstance(UFUNCS[impl], Op):
            raise self.error(
                f"{impl.__name__} of traced arrays is known already", "use it as it is"
            )
        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature([inspect.Parameter(f"x{i}", kind) for i in range(impl.nin)])

    def _signature(self, impl: Any) -> inspect.Signature:
        try:
            signature = inspect.signature(impl)
        except (TypeError, ValueError):
            raise self.error(
                f"{impl!r} tells no signature",
                "wrap it: lambda x, *, axis: routine(x, axis)",
            ) from None
        for p in signature.parameters.values():
            if p.kind is inspect.Parameter.VAR_KEYWORD or (
                p.kind is not inspect.Parameter.KEYWORD_ONLY and p.default is not p.empty
            ):
                raise self.error(
                    f"the parameter {p} of impl is neither an array nor static",
                    "wrap it: arrays are positional and have no default, static parameters stand "
                    "behind a *: lambda x, *, axis=0: routine(x, axis)",
                    impl,
                )
        return signature

    def rules(
        self, infer: Any, jvp: Any, vjp: Any, transpose: Any, batch: Any, elementwise: bool
    ) -> None:
        """Check that rules can be called as they will be, and do not contradict each other."""
        if infer is None and not elementwise:
            raise self.error(
                "there is no infer", "give infer=lambda x: x, or what the output's type is"
            )
        if infer is not None:
            self._takes("infer", infer, self.operands, "(*types")
        given = {"jvp": jvp, "vjp": vjp, "transpose": transpose, "batch": batch}
        words = {"jvp": _WORDS, "batch": METHODS}
        for role, rule in given.items():
            if isinstance(rule, str):
                if rule not in words.get(role, ()):
                    known = ", ".join(repr(word) for word in words.get(role, ()))
                    raise self.error(f"{role}={rule!r}", f"known are {known}, and functions")
            elif role == "jvp" and isinstance(rule, (tuple, list)):
                self._partials(rule)
            elif rule is not None:
                self._takes(role, rule, *_SHAPES[role])
        if batch is not None and elementwise:
            raise self.error("an elementwise op is batched as it is", "leave batch= away")
        if vjp is not None and isinstance(jvp, str):
            raise self.error(f"jvp={jvp!r} says all, and vjp is given", "leave vjp= away")

    def _partials(self, partials: Sequence[Any]) -> None:
        if not self.variadic and len(partials) != self.operands:
            raise self.error(
                f"jvp has {len(partials)} partial derivatives, and there are {self.operands} "
                "operands",
                "give an entry for each operand, which may be None",
            )
        for partial in partials:
            if partial is not None:
                self._takes(
                    "a partial derivative", partial, 2 + self.operands,
                    "(tangent, output, *operands",
                )  # fmt: skip

    def _takes(self, role: str, rule: Any, number: int, shape: str) -> None:
        """Check that a rule can be called with some positional arguments and the parameters."""
        wanted = shape + "".join(f", {name}=" for name in self.params) + ")"
        if not callable(rule):
            raise self.error(f"{role} is a {type(rule).__name__}", f"give a function {wanted}")
        try:
            signature = inspect.signature(rule)
        except (TypeError, ValueError):
            return  # it does not tell
        try:
            signature.bind(*[None] * number, **dict.fromkeys(self.params))
        except TypeError as error:
            raise self.error(
                f"{role} has the signature {signature}: {error}",
                f"it will be called with {wanted}",
                rule,
            ) from None
