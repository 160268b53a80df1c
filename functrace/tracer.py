"""The array stand-in that user code computes with.

A `Tracer` knows a type and the Var of one recorder, and nothing else. Everything done to it is a
call of a NumPy function: an operator is a ufunc, a method is the function of that name. Two
tables say who answers for a NumPy function; the ops and `functrace.numpy` fill them.
"""

from __future__ import annotations

import difflib
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import (
    ArgumentError,
    TracerAssignmentError,
    TracerConversionError,
    UnsupportedFunctionError,
)
from .ir import ArrayType, Var
from .source import user_operation

if TYPE_CHECKING:
    from .recorder import Recorder

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
REFUSED: dict[Callable[..., Any], str] = {}  # what changes its argument in place: what to do
# Whose ufuncs are answered for by a module of ours that is imported when one is first met.
LATE = {"scipy.special": f"{__package__}.scipy.special"}

_SCALARS = (bool, int, float, complex)
_LOOP_OPTIONS = {"dtype", "signature", "casting", "order", "subok"}


class Tracer:
    """A traced array: it has a shape and a dtype, and its value is computed later.

    Attributes:
        recorder: who records what is done with it.
        variable: the Var it stands for.
        type: shape and dtype; `weak` while the value is a Python scalar.

    Example:
        >>> import numpy as np, functrace as ft
        >>> program = ft.trace(lambda x: print(x, x.T.shape) or x)(np.ones((2, 3)))
        Tracer(f64[2,3]) (3, 2)
    """

    __slots__ = ("recorder", "type", "variable")
    __hash__ = None  # type: ignore[assignment] -- == is elementwise, as for ndarray

    def __init__(self, recorder: Recorder, var: Var, type: ArrayType):
        self.recorder = recorder
        self.variable = var
        self.type = type

    # What it is.

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, a tuple of ints."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.type.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.type.size

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self.type.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.type.size * self.type.dtype.itemsize

    def __len__(self) -> int:
        if not self.type.shape:
            raise ArgumentError("len() of a traced array with no axes")
        return self.type.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.type.shape:
            raise ArgumentError("iteration over a traced array with no axes")
        return (self[i] for i in range(self.type.shape[0]))

    def __repr__(self) -> str:
        return f"Tracer({self.type})"

    def __format__(self, spec: str) -> str:
        if spec:
            raise TracerConversionError(
                f"a traced value of type {self.type} has no digits to format as {spec!r}",
                "return it from the function (grad and value_and_grad take has_aux=True) and "
                "format the result",
            )
        return repr(self)

    def __copy__(self) -> Tracer:
        return copied(self)

    def __deepcopy__(self, memo: Any) -> Tracer:
        return copied(self)

    def __reduce__(self) -> Any:
        raise ArgumentError("a traced array can not be pickled", "pickle the function's result")

    # NumPy's calls.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if out is not None and any(target is not None for target in out):
            raise TracerAssignmentError(
                f"{spelled(ufunc)} was asked to write a traced value into an existing array "
                "(out=, or an operator such as +=)",
                "write `y = y + x` in place of `y += x`, and leave out= away",
            )
        if method != "__call__":
            function = FUNCTIONS.get(getattr(ufunc, method))
            if function is None:
                raise UnsupportedFunctionError(
                    f"{spelled(ufunc)}.{method} of a traced array is not supported",
                    "use the function that does the same, such as np.sum for np.add.reduce",
                )
            return function(*inputs, **kwargs)
        if kwargs.pop("where", True) is not True:
            raise UnsupportedFunctionError(
                f"{spelled(ufunc)}(..., where=) leaves elements undefined, which a traced "
                "value can not be",
                f"use np.where(condition, {spelled(ufunc)}(...), other)",
            )
        for option in _LOOP_OPTIONS & kwargs.keys():
            raise UnsupportedFunctionError(
                f"{spelled(ufunc)}(..., {option}=) of a traced array is not supported",
                "leave it away, and convert operands or result with .astype",
            )
        function = UFUNCS.get(ufunc) or _late(ufunc)
        return function(*inputs, **kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        implementation = FUNCTIONS.get(function)
        if implementation is None and function in REFUSED:
            raise TracerAssignmentError(
                f"np.{function.__name__} changes its argument in place; a traced array can not "
                "change, and a plain one can not hold traced values",
                REFUSED[function],
            )
        if implementation is None:
            module = (getattr(function, "__module__", "") or "").removeprefix("numpy").strip(".")
            name = f"{module}.{function.__name__}".strip(".")
            raise unsupported(f"np.{name}", [known.__name__ for known in FUNCTIONS])
        return apart(implementation(*args, **kwargs), function, args)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if user_operation() == "store":
            raise self._assigned()
        raise TracerConversionError(
            f"a traced value of type {self.type} was converted to a plain NumPy array, which "
            "would cut its derivative (np.asarray, np.array, or a function that calls them)",
            "use NumPy's functions on the traced value itself; to build an array of traced "
            "values use np.stack or functrace.numpy.array",
        )

    # Values on demand.

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ArgumentError(
                f"the truth value of an array with {self.size} elements is ambiguous",
                "use .any() or .all()",
            )
        return bool(self.recorder.value(self, "its truth value was asked for (if, while, and, or)"))

    def __index__(self) -> int:
        self._demand_integer("used as an index")
        if user_operation() == "load":
            return int(
                self.recorder.value(
    # The array API standard.

    @property
    def device(self) -> str:
        """Where the values will be: "cpu"."""
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The array itself; an error for another device than "cpu"."""
        return FUNCTIONS[np.ndarray.to_device](self, device, stream=stream)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return FUNCTIONS[np.ndarray.__array_namespace__](self, api_version=api_version)

    def __dlpack__(self, **options: Any) -> Any:
        self._demand_integer("exported by DLPack")
        return self.recorder.value(self, "it was exported by DLPack").__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # DLPack's number of the CPU, and the first of them

                    self,
                    "it was used as the index of a list or tuple",
                    "make one array of the list with np.stack, and index that",
                )
            )
        return int(self.recorder.value(self, "it was used as a Python integer (range, a shape)"))

    def __int__(self) -> int:
        self._demand_integer("converted by int()")
        return int(self.recorder.value(self, "int() was called on it"))

    def __float__(self) -> float:
        self._demand_integer("converted by float(), or by a function of the math module")
        return float(self.recorder.value(self, "float() was called on it"))

    def __complex__(self) -> complex:
        self._demand_integer("converted by complex()")
        return complex(self.recorder.value(self, "complex() was called on it"))

    def item(self, *index: Any) -> Any:
        """The Python scalar of an integer or boolean; an error for others, as for `float`."""
        self._demand_integer("converted by .item()")
        return self.recorder.value(self, ".item() was called on it").item(*index)

    def tolist(self) -> Any:
        """Nested lists of an integer or boolean array; an error for others, as for `float`."""
        self._demand_integer("converted by .tolist()")
        return self.recorder.value(self, ".tolist() was called on it").tolist()

    def _demand_integer(self, done: str) -> None:
        """Integers and booleans carry no derivative, so that a plain number can stand for them."""
        if not self.type.inexact:
            return
        if user_operation() == "store":
            raise self._assigned()
        raise TracerConversionError(
            f"a traced value of type {self.type} was {done}: a plain number would cut its "
            "derivative",
            "use NumPy's function of the same name (np.sin for math.sin), or compute with the "
            "value as it is",
        )

    def _assigned(self) -> TracerAssignmentError:
        return TracerAssignmentError(
            f"a traced value of type {self.type} was assigned into a plain NumPy array, which "
            "can hold numbers only",
            "build the array from its parts with np.stack or np.concatenate, or choose elements "
            "with np.where",
        )

    # Indexing.

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[operator.getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TracerAssignmentError(
            f"assignment into a traced array of type {self.type}, which can not change",
            "use np.where(mask, new, old), or build the array with np.concatenate or np.stack",
        )

    def sort(self, *_options: Any, **_more: Any) -> None:
        """Sorts an ndarray in place, which a traced array can not do."""
        raise TracerAssignmentError(
            f".sort() of a traced array of type {self.type}, which can not change",
            "use np.sort(x), which gives a new array",
        )

    def partition(self, *_options: Any, **_more: Any) -> None:
        """Partitions an ndarray in place, which a traced array can not do."""
        raise TracerAssignmentError(
            f".partition() of a traced array of type {self.type}, which can not change",
            "use np.partition(x, kth), which gives a new array",
        )

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    # Attributes and methods that need more than a function of the same name.

    @property
    def T(self) -> Any:  # noqa: N802 -- NumPy's name
        """The axes in reverse order."""
        return FUNCTIONS[np.transpose](self)

    @property
    def mT(self) -> Any:  # noqa: N802 -- NumPy's name
        """The last two axes swapped."""
        return FUNCTIONS[np.matrix_transpose](self)

    @property
    def real(self) -> Any:
        """The real part."""
        return FUNCTIONS[np.real](self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return FUNCTIONS[np.imag](self)

    def reshape(self, *shape: Any, order: Any = "C", copy: Any = None) -> Any:
        """The same elements in another shape."""
        target = shape[0] if len(shape) == 1 else shape
        return FUNCTIONS[np.reshape](self, target, order=order, copy=copy)

    def transpose(self, *axes: Any) -> Any:
        """The axes permuted."""
        permutation = axes[0] if len(axes) == 1 else axes or None
        return FUNCTIONS[np.transpose](self, permutation)

    def astype(self, dtype: Any, *_ordering: Any, **_layout: Any) -> Any:
        """The values converted to a dtype."""
        return copied(FUNCTIONS[np.ndarray.astype](self, dtype))

    def flatten(self, order: Any = "C") -> Any:
        """All elements along one axis."""
        return copied(FUNCTIONS[np.ravel](self, order))

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        """The slices along an axis for which a condition holds."""
        return FUNCTIONS[np.compress](condition, self, axis, out)

    def copy(self, _order: Any = "C") -> Any:
        """The same value; in-place operators change the copy alone."""
        return copied(self)

    def conjugate(self) -> Any:
        """The complex conjugate."""
        return pythonic(UFUNCS[np.conjugate], self)

    conj = conjugate

    def __round__(self, digits: int | None = None) -> Any:
        rounded = FUNCTIONS[np.round](self, digits or 0)
        if digits is None and not self.type.shape:  # Python's round then gives an int
            return weakened(FUNCTIONS[np.ndarray.astype](rounded, np.int64))
        return weakened(rounded) if self.type.weak else rounded

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    if TYPE_CHECKING:  # the operators and methods that the tables below install

        def __getattr__(self, name: str) -> Any: ...
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


_VIEWS = {
    getattr(np, name)
    for name in (
        "reshape", "ravel", "transpose", "permute_dims", "matrix_transpose", "swapaxes", "moveaxis",
        "rollaxis", "squeeze", "expand_dims", "atleast_1d", "atleast_2d", "atleast_3d",
        "broadcast_to", "broadcast_arrays", "real", "flip", "fliplr", "flipud", "rot90", "split",
        "array_split", "hsplit", "vsplit", "dsplit", "unstack",
    )
    if hasattr(np, name)
}  # fmt: skip


def apart(result: Any, function: Any, args: Sequence[Any]) -> Any:
    """A result that is an argument itself as an object of its own, unless NumPy gives a view.

    `y = np.clip(x, None, None); y += 1` must not change x.
    """
    if type(result) is Tracer and function not in _VIEWS:
        for arg in args:
            if arg is result or (isinstance(arg, (list, tuple)) and any(x is result for x in arg)):
                return copied(result)
    return result


def copied(tracer: Tracer) -> Tracer:
    """The same value in an array of its own, which in-place operators change alone."""
    return FUNCTIONS[np.ndarray.copy](tracer) if tracer.type.shape else tracer


def unsupported(name: str, known: list[str]) -> UnsupportedFunctionError:
    """The error for a function that has no implementation, with the nearest that has."""
    near = difflib.get_close_matches(name.rpartition(".")[2], known, n=3, cutoff=0.7)
    return UnsupportedFunctionError(
        f"{name} of a traced array is not supported",
        f"supported names that are near: {', '.join(near)}"
        if near
        else "write it with functions that are supported; docs/architecture.md tells how to "
        "add one",
    )


def spelled(ufunc: np.ufunc) -> str:
    """A ufunc as users write it: `np.sin`, `scipy.special.erf`."""
    name = ufunc.__name__
    for module, prefix in (("numpy", "np."), ("scipy.special", "scipy.special.")):
        if getattr(sys.modules.get(module), name, None) is ufunc:
            return prefix + name
    return name


def _late(ufunc: np.ufunc) -> Callable[..., Any]:
    """Who answers for a ufunc that nobody answered for so far.

    Raises:
        UnsupportedFunctionError: with the nearest ufuncs of the same library.
    """
    for library, module in LATE.items():
        if library in sys.modules:
            import_module(module)
    if ufunc not in UFUNCS:
        name = spelled(ufunc)
        owner = name.rpartition(".")[0]
        known = [k.__name__ for k in UFUNCS if spelled(k).rpartition(".")[0] == owner]
        raise unsupported(name, known)
    return UFUNCS[ufunc]


def is_weak(operand: Any) -> bool:
    """Whether a value is a Python scalar, or a traced one."""
    kind = type(operand)
    return operand.type.weak if kind is Tracer else kind in _SCALARS


def weakened(result: Any) -> Any:
    """A traced result marked as the Python scalar that Python's own operator would give."""
    return Tracer(result.recorder, result.variable, ArrayType((), result.dtype, weak=True))


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
