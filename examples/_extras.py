"""What the examples need beyond functrace itself."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def examples_extra() -> Iterator[None]:
    """Around the import of a package that only the examples need: say how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"this example needs {error.name}, which is not installed:\n"
            '    pip install "functrace[examples]"'
        ) from None
