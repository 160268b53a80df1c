"""All exceptions of functrace.

One class for each situation, each also a subclass of the builtin that fits, so that code which
catches `TypeError` or `ValueError` keeps working. A message has three parts: what happened, the
line of the user's code where it happened, and what to do about it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .source import Source, user_source


class FunctraceError(Exception):
    """Base of all errors that functrace raises on purpose.

    Args:
        what: what happened, with the op, shapes and dtypes that matter.
        remedy: what the user can do.
        source: the line to blame; by default the user's line that is running now.
    """

    def __init__(self, what: str, remedy: str = "", source: Source | None = None):
        self.what = what
        self.remedy = remedy
        self.source = source or user_source()
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [self.what]
        if self.source is not None:
            place = f"  at {self.source.filename}:{self.source.line}, in {self.source.function}"
            if self.source.scope:
                place += f", under {self.source.scope}"
            lines.append(place)
            if self.source.text:
                lines.append(f"      {self.source.text}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)

    def amend(self, remedy: str) -> None:
        """Put a remedy before the one that there is."""
        self.remedy = f"{remedy}; or {self.remedy}" if self.remedy else remedy
        self.args = (self._message(),)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.remedy, self.source)


class ConcretizationError(FunctraceError, TypeError):
    """A Python value was needed of a tracer that has none, under `jit` or `vmap`."""


class TracerConversionError(FunctraceError, TypeError):
    """A tracer was converted to a plain number or array, which would cut the derivative."""


class TracerHashError(FunctraceError, TypeError):
    """A tracer was used as a key of a dict, in a set, or as the argument of a cached function."""


class TracerFormatError(FunctraceError, ValueError):
    """A tracer without a value was formatted as text."""


class TracerAssignmentError(FunctraceError, TypeError):
    """An assignment into a tracer, or of a tracer into a plain NumPy array."""


class LeakedTracerError(FunctraceError, RuntimeError):
    """A tracer was used after the function that it was tracing had returned."""


class CapturedArrayChangedError(FunctraceError, ValueError):
    """An array that a traced function uses was changed in place during the trace."""


class NonScalarOutputError(FunctraceError, TypeError):
    """`grad` of a function whose output is not one number."""


class DerivativeTypeError(FunctraceError, TypeError):
    """A derivative was asked for with respect to, or of, a value that cannot have one."""


class NonDifferentiableError(FunctraceError, TypeError):
    """An operation without a derivative lies on the path from input to output."""


class FreeColumnsError(NonDifferentiableError, np.linalg.LinAlgError):
    """The derivative of something that depends on how columns that a matrix determines up to a
    rotation were chosen.
    """


class MissingRuleError(FunctraceError, NotImplementedError):
    """A primitive lacks the rule that a transform needs."""


class UnsupportedFunctionError(FunctraceError, NotImplementedError):
    """A NumPy function, or an argument of it, that functrace cannot trace."""


class MissingExtraError(FunctraceError, ImportError):
    """A part of functrace was imported that needs a package which is not installed."""


class UnsupportedAttributeError(FunctraceError, AttributeError):
    """An attribute of NumPy's arrays that a traced array cannot have."""


class ShapeError(FunctraceError, ValueError):
    """Operand shapes that do not fit together."""


class MatrixShapeError(ShapeError, np.linalg.LinAlgError):
    """An operand of linear algebra that is no matrix, not square, or of the wrong size."""


class AsymmetricMatrixError(FunctraceError, np.linalg.LinAlgError):
    """A matrix that is symmetric by definition, such as a covariance, of which one triangle is not
    filled.
    """


class DTypeError(FunctraceError, TypeError):
    """Operand dtypes that an operation does not take."""


class IntegerRangeError(DTypeError, OverflowError):
    """A Python int that its dtype, or that of the array beside it, cannot hold."""


class KeyTypeError(FunctraceError, TypeError):
    """A random function was given something that is no key."""


class AxisError(FunctraceError, np.exceptions.AxisError):
    """An axis that an array does not have."""


class IndexingError(FunctraceError, IndexError):
    """An index that does not fit the array."""


class MappedAxisError(FunctraceError, ValueError):
    """`in_axes`, `out_axes` or axis sizes given to `vmap` that do not fit the arguments."""


class NonFiniteError(FunctraceError, FloatingPointError):
    """NaN or an infinity among the results of an operation, under `debug_nans`."""


class GradientCheckError(FunctraceError, AssertionError):
    """A derivative that differs from differences of values."""


class UnboundAxisError(FunctraceError, NameError):
    """A name of a mapped axis that no `vmap` around the function has given."""


class ArgumentError(FunctraceError, TypeError):
    """A transform was called with arguments it cannot use."""


class OptionError(FunctraceError, ValueError):
    """A value that an option of a function does not take."""


class AllNaNError(FunctraceError, ValueError):
    """The place of the largest or smallest number was asked of a slice that holds none."""


class ZeroWeightsError(FunctraceError, ZeroDivisionError):
    """An average with weights whose sum is zero."""


class CarryError(FunctraceError, TypeError):
    """A carry of a loop whose shape, dtype or tree changes from one step to the next."""


class BranchError(FunctraceError, TypeError):
    """Branches of a choice that return different trees, shapes or dtypes."""


class CustomRuleError(FunctraceError, TypeError):
    """A rule of the user that is missing, or that returned the wrong tree, shape or dtype."""


class RuleClosureError(FunctraceError, TypeError):
    """A function with a rule was differentiated by what it took from its closure, or a rule took
    a traced value from there.
    """


class ForwardModeError(FunctraceError, TypeError):
    """Forward mode through a function whose derivative is given for reverse mode alone."""


class CallbackError(FunctraceError, TypeError):
    """A callback that returned the wrong tree, shape or dtype."""


class OpDefinitionError(FunctraceError, TypeError):
    """An op whose rules do not fit its signature, or whose values do not fit its types."""


class LeafTypeError(FunctraceError, TypeError):
    """A leaf of an argument or output that is no array and no number."""


class TreeStructureError(FunctraceError, ValueError):
    """Two trees that had to have the same structure, and have not."""


class StaticArgumentError(FunctraceError, TypeError):
    """A static argument of `jit` that cannot be hashed."""


class NotElementwiseError(FunctraceError, ValueError):
    """`elementwise_grad` of a function that mixes the elements of its input."""


class ProgramError(FunctraceError, AssertionError):
    """A malformed Program. Unless you built it by hand, this is a bug in functrace."""


class UnrolledLoopWarning(UserWarning):
    """A Python loop that made a long trace, where a `scan` would be compiled in one step."""
