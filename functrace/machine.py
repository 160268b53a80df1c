"""What the machine and its libraries are, as far as it matters for speed.

`python -m functrace info` prints it. Advice rests on a short measurement: products of matrices are
timed in new processes, with and without an environment variable of OpenBLAS.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .executors.threads import threads

_PACKAGES = ("functrace", "numpy", "opt-einsum", "scipy")
_GAIN = 1.15  # from which on a setting is worth while
_WIDE_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")  # those that use AVX-512
_REPEATS = 3  # measurements of each setting, of which the best counts

# What a new process runs: the seconds of a product of matrices, for a large and a small size.
_MEASUREMENT = """
import sys, time
import numpy as np
for size, rounds in ((768, 4), (96, 400)):
    a = np.random.default_rng(0).normal(size=(size, size))
    np.dot(a, a)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            np.dot(a, a)
        best = min(best, (time.perf_counter() - start) / rounds)
    print(best)
"""


class Blas(NamedTuple):
    """The library that multiplies matrices.

    Attributes:
        name: as NumPy's build says.
        kernel: the processor family whose kernels it chose; empty where it does not tell.
        threads: how many it uses; 0 where it does not tell.
    """

    name: str
    kernel: str
    threads: int


class Advice(NamedTuple):
    """A setting that makes products of matrices faster here, by how much, and for what."""

    setting: str
    gain: float
    what: str


def blas() -> Blas:
    """The BLAS library of NumPy, and the kernel it runs.

    Example:
        >>> from functrace.machine import blas
        >>> isinstance(blas().name, str)
        True
    """
    build: Any = np.show_config(mode="dicts")
    name = build.get("Build Dependencies", {}).get("blas", {}).get("name", "unknown")
    for library in _loaded("openblas"):
        for prefix in ("scipy_", ""):
            for suffix in ("64_", ""):
                with contextlib.suppress(AttributeError):
                    core = getattr(library, f"{prefix}openblas_get_corename{suffix}")
                    core.restype = ctypes.c_char_p
                    number = getattr(library, f"{prefix}openblas_get_num_threads{suffix}")
                    return Blas(name, core().decode(), int(number()))
    return Blas(name, "", 0)


def _loaded(name: str) -> list[ctypes.CDLL]:
    """The shared libraries beside NumPy, or loaded by it, whose names contain a word."""
    package = Path(np.__file__).parent
    found = {*package.parent.glob("numpy.libs/*"), *package.glob(".dylibs/*")}
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/maps").read_text().splitlines()
        found |= {Path(line.split()[-1]) for line in lines if name in line}
    libraries = []
    for path in sorted(found):
        if name in path.name:
            with contextlib.suppress(OSError):
                libraries.append(ctypes.CDLL(str(path)))
    return libraries


def simd() -> list[str]:
    """The instruction sets that NumPy's own loops found."""
    build: Any = np.show_config(mode="dicts")
    extensions = build.get("SIMD Extensions", {})
    return [*extensions.get("baseline", []), *extensions.get("found", [])]


def advice() -> list[Advice]:
    """The settings that were measured to make products of matrices faster on this machine.

    It takes a few seconds.
    """
    library = blas()
    if "openblas" not in library.name.lower():
        return []
    candidates = {}
    wide = any("AVX512" in name or name == "X86_V4" for name in simd())
    if wide and library.kernel not in _WIDE_KERNELS:
        candidates["OPENBLAS_CORETYPE=SKYLAKEX"] = "large products of matrices"
    if library.threads > 1 and "OPENBLAS_NUM_THREADS" not in os.environ:
        candidates["OPENBLAS_NUM_THREADS=1"] = "many small products of matrices"
    if not candidates:
        return []
    plain = _measured("")
    found = []
    for setting, what in candidates.items():
        size = 0 if what.startswith("large") else 1
        gain = plain[size] / _measured(setting)[size]
        if gain >= _GAIN:
            found.append(Advice(setting, gain, what))
    return found


def _measured(setting: str) -> list[float]:
    """The best seconds for a large and a small product, under an environment variable."""
    environment = dict(os.environ)
    if setting:
        key, _, value = setting.partition("=")
        environment[key] = value
    runs = []
    for _ in range(_REPEATS):
        run = subprocess.run(  # noqa: S603 -- our own text, by this Python
            [sys.executable, "-c", _MEASUREMENT],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        runs.append([float(line) for line in run.stdout.split()])
    return [min(column) for column in zip(*runs, strict=True)]


def report() -> str:
    """The lines that `python -m functrace info` prints."""
    library = blas()
    lines = [f"python      {platform.python_version()}"]
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            lines.append(f"{name:<12}{version(name)}")
    lines += [
        f"processors  {os.cpu_count()}; functrace uses {threads()} (FUNCTRACE_NUM_THREADS)",
        f"BLAS        {library.name}",
        f"  kernel    {library.kernel or 'not told'}",
        f"  threads   {library.threads or 'not told'}",
        f"SIMD        {' '.join(simd()) or 'not told'}",
    ]
    found = advice()
    for setting, gain, what in found:
        lines.append(f"advice      set {setting}: {what} ran {gain:.1f} times as fast (measured)")
    if not found:
        lines.append("advice      none: no setting that was tried made products faster (measured)")
    return "\n".join(lines)
