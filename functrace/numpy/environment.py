"""The environment variable FUNCTRACE_NUMPY, read when functrace is imported."""

from __future__ import annotations

import os

from ..errors import OptionError
from .installed import install

_WANTED = os.environ.get("FUNCTRACE_NUMPY")
if _WANTED not in (None, "install"):
    raise OptionError(
        f"the environment variable FUNCTRACE_NUMPY is {_WANTED!r}",
        "the one value that it may have is 'install', which calls functrace.numpy.install()",
    )
if _WANTED:
    install()
