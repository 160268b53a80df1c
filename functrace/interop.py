"""What libraries that look for an array's functions by its class are told.

autoray, which PennyLane and quimb use, takes the first part of the class's module, `functrace`,
for the name of the namespace. It is told the right one when the first trace begins after it was
imported.
"""

from __future__ import annotations

import sys

# By the name that autoray makes of module and function, longer ones first.
_PLACES = {
    "functrace.linalg": "numpy.linalg",
    "functrace.fft": "numpy.fft",
    "functrace.scipy": "functrace.scipy",
    "functrace.random": "numpy.random",
    "functrace": "functrace.numpy",
}


def introduce() -> None:
    """Tell autoray where the functions of traced arrays are, if it is imported."""
    autoray = sys.modules.get("autoray.autoray")
    aliases = getattr(autoray, "_MODULE_ALIASES", None)
    if isinstance(aliases, dict) and "functrace" not in aliases:
        aliases.update(_PLACES)
