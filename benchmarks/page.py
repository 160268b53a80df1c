"""The head of the tables, and the page that they stand on."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from functrace import machine

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SETTINGS = ("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "OMP_NUM_THREADS", "XLA_FLAGS")
PACKAGES = ("functrace", "numpy", "opt-einsum", "scipy", "jax", "jaxlib", "autograd", "torch")


def head(command: Sequence[str]) -> str:
    """What runs, and where."""
    blas = machine.blas()
    words = [f"{name}={os.environ[name]}" for name in SETTINGS if name in os.environ]
    words += ["python", "-m", "benchmarks", *command]
    versions = []
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions.append(f"{name} {version(name)}")
    lines = [
        f"- command: `{' '.join(words)}`",
        f"- processor: {processor()}, {cores()} cores; {platform.system()}",
        f"- BLAS of NumPy: {blas.name}; kernel: {blas.kernel or 'not told'}; "
        f"threads: {blas.threads or 'not told'}",
        f"- Python {platform.python_version()}; {', '.join(versions)}",
    ]
    return "\n".join(lines)


def cores() -> str:
    """How many there are, and how many this process may use if that is another number."""
    count = os.cpu_count() or 0
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    return str(count) if usable == count else f"{usable} of {count}"


def processor() -> str:
    """The model, as the system names it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def write(page: Path, tables: str) -> None:
    """Replace what stands between the marks of a page.

    Raises:
        ValueError: the page has no marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} needs the lines {BEGIN} and {END}, between which tables go")
    page.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", encoding="utf-8")
