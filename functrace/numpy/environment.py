"""The environment variable FUNCTRACE_NUMPY, read when functrace is imported."""

from __future__ import annotations

import os

from ..errors import OptionError
from .installed import install

if os.environ["FUNCTRACE_NUMPY"] != "install":
    raise OptionError(
        f"the environment variable FUNCTRACE_NUMPY is {os.environ['FUNCTRACE_NUMPY']!r}",
        "the one value that it may have is 'install', which calls functrace.numpy.install()",
    )
install()
