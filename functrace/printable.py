"""How a traced array reads as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ConcretizationError, LeakedTracerError, TracerFormatError, TracerHashError
from .typed import Typed


class Printable(Typed):
    """What prints: the type, and the value where it is known while tracing.

    Text cuts no derivative, so that every value may be shown.
    """

    __slots__ = ()
    recorder: Any

    def __hash__(self) -> int:
        raise TracerHashError(
            f"a traced value of type {self.type} was hashed: used as a key of a dict, in a set, or "
            "as the argument of a function with a cache",
            "use what is known while tracing as the key, such as a position or a name; call "
            "cached functions with plain values, outside of the traced function",
        )

    def __repr__(self) -> str:
        """The type, and the value where it is known while tracing."""
        value, missing = self._shown()
        start = f"Tracer({self.type}"
        if missing:
            return f"{start}, {missing})"
        text = np.array2string(value, prefix=f"{start} = ") if self.type.shape else str(value)
        return f"{start} = {text})"

    def __format__(self, spec: str) -> str:
        return format(self.known("formatted"), spec) if spec else repr(self)

    def known(self, done: str) -> Any:
        """The value, to be shown.

        Raises:
            TracerFormatError: where it is not known while tracing.
        """
        value, missing = self._shown()
        if missing:
            raise TracerFormatError(
                f"a traced value of type {self.type} was {done}, but has {missing}",
                'use functrace.debug.print("{x:.3f}", x=x), which prints when the Program runs; or '
                "return the value from the function and format the result",
            )
        return value

    def _shown(self) -> tuple[Any, str]:
        """The value, or else why it is not known while tracing."""
        try:
            with np.errstate(all="ignore"):
                return self.recorder.value(self, "it was printed"), ""
        except LeakedTracerError:
            return None, "of a trace that has ended"
        except ConcretizationError:
            reason = self.recorder.reason or "a transform"
            return None, f"no value under {reason}: functrace.debug.print shows it"
        except Exception as error:  # what the function itself would raise
            return None, f"no value: {error}"
