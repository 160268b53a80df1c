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
PACKAGES = ("functrace", "numpy", "opt-einsum", "scipy", "jax", "jaxlib", "autograd", "torch")


def head(command: Sequence[str]) -> str:
    """What runs, and where."""
    blas = machine.blas()
    versions = []
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions.append(f"{name} {version(name)}")
    lines = [
        f"- command: `{' '.join(('python', '-m', 'benchmarks', *command))}`",
        f"- processor: {processor()}, {os.cpu_count()} cores; {platform.system()}",
        f"- BLAS of NumPy: {blas.name}, kernel {blas.kernel or 'not told'}, "
        f"{blas.threads or 'unknown number of'} threads",
        f"- Python {platform.python_version()}; {', '.join(versions)}",
    ]
    return "\n".join(lines)


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
