"""The array stand-in that user code computes with.

A `Tracer` knows a type and the Var of one recorder, and nothing else. Everything done to it is a
call of a NumPy function (`dispatch.py`): an operator is a ufunc, a method is the function of that
name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .conversions import Convertible
from .dispatch import (
    FUNCTIONS,
    UFUNCS,
    VIEWS,
    demand_answer,
    missing_attribute,
    or_install,
    spelled,
    ufunc_answer,
)
from .errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    TracerAssignmentError,
)
from .ir import ArrayType, Var
from .nodes import STAND_INS
from .sharing import assign, copy_mode, indexed, is_number, renew, share, share_flat

if TYPE_CHECKING:
    from .recorder import Recorder

_SCALARS = (bool, int, float, complex)
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
Run = Callable[[Any, Sequence[Any], Mapping[str, Any]], Any]


class Tracer(Convertible):
    """A traced array: it has a shape and a dtype, and its value is computed later.

    Attributes:
        recorder: who records what is done with it.
        symbol: the Var it stands for.
        type: shape and dtype; `weak` while the value is a Python scalar.
        alias: how it shares memory with another tracer (see `sharing.py`).
        views: weak references to the tracers that are views of it.
        c_order: whether it is known to lie in memory in C order.

    Example:
        >>> import numpy as np, functrace as ft
        >>> ft.grad(lambda x: print(x, x.shape) or x[0])(np.array([1.0, 2.0]))
        Tracer(f64[2] = [1. 2.]) (2,)
        array([1., 0.])
    """

    __pandas_priority__ = 10_000  # pandas leaves operators to who has more than its 4,000
    __slots__ = ("__weakref__", "alias", "c_order", "recorder", "symbol", "type", "views")

    def __init__(self, recorder: Recorder, var: Var, type: ArrayType):
        self.recorder = recorder
        self.symbol = var
        self.type = type

    def __getattr__(self, name: str) -> Any:
        """What is not set: most tracers share no memory, and a view may have to be renewed."""
        if name == "symbol":
            return renew(self)
        if name in ("alias", "views"):
            return None
        if name == "c_order":
            return False
        raise missing_attribute(name)

    def __iter__(self) -> Iterator[Any]:
        if not self.type.shape:
            raise ArgumentError("iteration over a traced array with no axes")
        return (self[i] for i in range(self.type.shape[0]))

    def __copy__(self) -> Tracer:
        return copied(self)

    def __deepcopy__(self, memo: Any) -> Tracer:
        return copied(self)

    def __reduce__(self) -> Any:
        raise ArgumentError("a traced array cannot be pickled", "pickle the function's result")

    # NumPy's calls.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not kwargs and method == "__call__":
            front_end = UFUNCS.get(ufunc) or ufunc_answer(ufunc, method, kwargs)
            return self.recorder.memo.call(run_front_end, front_end, inputs, NO_OPTIONS, True)
        if kwargs.get("out") is not None:
            return _into(kwargs.pop("out"), ufunc, method, inputs, kwargs)
        return ufunc_answer(ufunc, method, kwargs)(*inputs, **kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        return self.recorder.memo.call(demanded_answer, function, args, kwargs)

    # The array API standard.

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The array itself; an error for another device than "cpu"."""
        return FUNCTIONS[np.ndarray.to_device](self, device, stream=stream)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return FUNCTIONS[np.ndarray.__array_namespace__](self, api_version=api_version)

    def __dlpack__(self, **options: Any) -> Any:
        self._demand_integer("exported by DLPack")
        return self.recorder.value(self, "it was exported by DLPack").__dlpack__(**options)

    # Indexing.

    def __getitem__(self, index: Any) -> Any:
        return self.recorder.memo.call(_item, operator.getitem, (self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        FUNCTIONS[operator.setitem](self, index, value)

    @property
    def at(self) -> Any:
        """Changed copies: `x.at[i].set(v)`, and `add`, `multiply`, `min`, `max` and more."""
        return FUNCTIONS[np.ufunc.at](self)

    def fill(self, value: Any) -> None:
        """Set all elements to a value."""
        self[...] = value

    def sort(self, axis: int = -1, **options: Any) -> None:
        """Sort in place, as `ndarray.sort` does."""
        overwrite(self, FUNCTIONS[np.sort](self, axis, **options), "x.sort()", "use np.sort(x)")

    def partition(self, kth: Any, axis: int = -1, **options: Any) -> None:
        """Partition in place, as `ndarray.partition` does."""
        parted = FUNCTIONS[np.partition](self, kth, axis, **options)
        overwrite(self, parted, "x.partition(kth)", "use np.partition(x, kth)")

    def __contains__(self, value: Any) -> bool:
        if is_number(self):
            raise ArgumentError(
                f"`in` asks a traced number of type {self.type}, which contains nothing",
                "compare with ==",
            )
        return bool(np.any(self == value))  # type: ignore[arg-type] -- a Tracer

    # Attributes and methods that need more than a function of the same name.

    @property
    def T(self) -> Any:  # noqa: N802 -- NumPy's name
        """The axes in reverse order."""
        return self.recorder.memo.call(answer, np.transpose, (self,))

    @property
    def mT(self) -> Any:  # noqa: N802 -- NumPy's name
        """The last two axes swapped."""
        return answer(np.matrix_transpose, (self,))

    @property
    def real(self) -> Any:
        """The real part."""
        return answer(np.real, (self,))

    @real.setter
    def real(self, value: Any) -> None:
        answer(np.real, (self,))[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return answer(np.imag, (self,))

    @imag.setter
    def imag(self, value: Any) -> None:
        answer(np.imag, (self,))[...] = value

    def reshape(self, *shape: Any, order: Any = "C", copy: Any = None) -> Any:
        """The same elements in another shape."""
        target = shape[0] if len(shape) == 1 else shape
        options = {"order": order, "copy": copy}
        return self.recorder.memo.call(answer, np.reshape, (self, target), options)

    def transpose(self, *axes: Any) -> Any:
        """The axes permuted."""
        permutation = axes[0] if len(axes) == 1 else axes or None
        return answer(np.transpose, (self, permutation))

    def astype(
        self,
        dtype: Any,
        order: Any = "K",  # noqa: ARG002 -- traced arrays have no memory layout, nor subclasses
        casting: Any = "unsafe",
        subok: bool = True,  # noqa: ARG002
        copy: bool = True,
    ) -> Any:
        """The values converted to a dtype; with `copy=False` the array itself where it has it."""
        converted = FUNCTIONS[np.ndarray.astype](self, dtype, casting=casting)
        return self if not copy_mode(copy) and converted.dtype == self.dtype else copied(converted)

    def flatten(self, order: Any = "C") -> Any:
        """All elements along one axis."""
        return copied(FUNCTIONS[np.ravel](self, order))

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        """The slices along an axis for which a condition holds."""
        return FUNCTIONS[np.compress](condition, self, axis, out)

    def copy(self, order: Any = "C") -> Any:
        """The same value in an array of its own, to which the traced function may assign."""
        result = copied(self)
        if order == "C" and result.type.shape:
            result.c_order = True
        return result

    def conjugate(self) -> Any:
        """The complex conjugate; the array itself where it is real, whatever its dtype."""
        if self.type.dtype.kind != "c" and not self.type.weak:
            return self
        return pythonic(UFUNCS[np.conjugate], self)

    conj = conjugate

    def __round__(self, digits: int | None = None) -> Any:
        kind = self.type.dtype.kind
        if self.type.shape or kind == "c" or (kind == "b" and not self.type.weak):
            raise ArgumentError(
                f"Python's round of a traced value of type {self.type}: it is for single real "
                "numbers",
                "use np.round(x, digits)",
            )
        rounded = FUNCTIONS[np.round](widened(self) if self.type.weak else self, digits or 0)
        if digits is None:  # Python's round then gives an int
            return weakened(FUNCTIONS[np.ndarray.astype](rounded, np.int64))
        return weakened(rounded) if self.type.weak else rounded

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    if TYPE_CHECKING:  # the operators and methods that the tables below install

        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __rmod__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __rmatmul__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __pos__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...


def run_front_end(
    front_end: Callable[..., Any],
    operands: Sequence[Any],
    options: Mapping[str, Any],
) -> Any:
    """Call the front end of an operator or ufunc."""
    return front_end(*operands)


def demanded_answer(
    function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]
) -> Any:
    """As `answer`, with an error where nobody answers for the function."""
    demand_answer(function)
    return answer(function, args, options)


def _item(
    getitem: Callable[..., Any],
    operands: Sequence[Any],
    options: Mapping[str, Any],
) -> Any:
    source, index = operands
    return indexed(FUNCTIONS[getitem](source, index), source, index)


def answer(
    function: Callable[..., Any],
    args: Sequence[Any],
    options: Mapping[str, Any] = NO_OPTIONS,
) -> Any:
    """The result of a NumPy function: a view where NumPy gives one, else an array of its own.

    `y = np.clip(x, None, None); y += 1` must not change x, and `y = np.ravel(x); y += 1` must.
    """
    if type(options.get("out")) is Tracer:
        result = answer(function, args, {k: v for k, v in options.items() if k != "out"})
        what = f"np.{function.__name__}(out=)"
        return overwrite(options["out"], result, what, "leave out= away")
    if function not in VIEWS:
        result = FUNCTIONS[function](*args, **options)
        if type(result) is Tracer and any(x is result for x in _tracers(args)):
            return copied(result)
        return result
    sources = _tracers((*args, *options.values()))
    start = len(sources[0].recorder.equations) if sources else 0
    result = FUNCTIONS[function](*args, **options)
    if function is np.ravel and sources:
        flat = share_flat(result, sources[0])
        return copied(result) if flat is None else flat
    if sources:
        share(_tracers((result,)), sources, start)
    return result


def _tracers(values: Iterable[Any]) -> list[Tracer]:
    """The tracers among values, and in the lists and tuples among them."""
    found = []
    for value in values:
        if type(value) is Tracer:
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend([x for x in value if type(x) is Tracer])
    return found


def overwrite(target: Tracer, result: Any, what: str, remedy: str) -> Tracer:
    """Put a result into the memory of a traced array, as NumPy's `out=` and `+=` do.

    Raises:
        TracerAssignmentError: when the memory is not the traced function's own.
        ShapeError: when the result does not fit.
        DTypeError: when NumPy would not cast the result.
    """
    if result.shape != target.shape:
        raise ShapeError(
            f"`{what}` into an array of shape {target.shape} of a result of shape {result.shape}",
            remedy,
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise DTypeError(
            f"`{what}` into an array of dtype {target.dtype} of a result of dtype {result.dtype}",
            remedy,
        )
    if type(result) is not Tracer:
        result = FUNCTIONS[np.ndarray.__setitem__](result)
    assign(target, FUNCTIONS[np.ndarray.astype](result, target.dtype), what, remedy)
    return target


def _into(
    out: Sequence[Any], ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: dict[str, Any]
) -> Any:
    """A ufunc with `out=`."""
    if any(type(target) in STAND_INS for target in out):
        return NotImplemented  # NumPy asks the array next
    name = spelled(ufunc) + ("" if method == "__call__" else f".{method}")
    if any(target is not None and type(target) is not Tracer for target in out):
        raise TracerAssignmentError(
            f"{name} was asked to write a traced value into a plain array (out=, or an operator "
            "such as +=)",
            "write `y = y + x` in place of `y += x`, and leave out= away; or make the array with "
            f"functrace.numpy.zeros{or_install()}",
        )
    where = options.pop("where", True)
    results = ufunc_answer(ufunc, method, options)(*inputs, **options)
    several = results if isinstance(results, tuple) else (results,)
    for target, result in zip(out, several, strict=True):
        if target is not None:
            chosen = result if where is True else FUNCTIONS[np.where](where, result, target)
            overwrite(target, chosen, f"{name}(out=)", "leave out= away")
    kept = [r if t is None else t for t, r in zip(out, several, strict=True)]
    return tuple(kept) if isinstance(results, tuple) else kept[0]


def copied(tracer: Tracer) -> Tracer:
    """The same value in an array of its own, which in-place operators change alone."""
    if tracer.type.shape:
        return FUNCTIONS[np.ndarray.copy](tracer)
    result = Tracer(tracer.recorder, tracer.symbol, tracer.type)
    result.c_order = not is_number(tracer)
    return result


def is_weak(operand: Any) -> bool:
    """Whether a value is a Python scalar, or a traced one."""
    kind = type(operand)
    return operand.type.weak if kind is Tracer else kind in _SCALARS


def weakened(result: Any) -> Any:
    """A traced result marked as the Python scalar that Python's own operator would give."""
    return Tracer(result.recorder, result.symbol, ArrayType((), result.dtype, weak=True))


def widened(operand: Any) -> Any:
    """Python counts with `True` as with 1; NumPy does not."""
    if type(operand) is Tracer:
        if operand.dtype.kind == "b":
            return weakened(FUNCTIONS[np.ndarray.astype](operand, np.int64))
        return operand
    return +operand  # an int for a bool; -0.0 stays what it is


def pythonic(function: Callable[..., Any], operand: Tracer) -> Any:
    """Apply a function as Python does: of a Python scalar it gives a Python scalar."""
    if operand.type.weak:
        return weakened(function(widened(operand)))
    return function(operand)
