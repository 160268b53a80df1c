"""How much memory a gradient takes beside its operands: each in a process of its own.

The process first runs a small gradient, so that compilers are loaded. What counts is how far the
memory in use grows above that while the large one runs twice, its compilation included.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

from .fresh import child
from .libraries import MAKERS
from .workloads import all_workloads

WARM = "flow graph, minibatch in matrix form"
CHOSEN = (
    "network 784-512-256-10, batch 1024, float64",
    "log-sum-exp, n = 1000000",
    "option prices, n = 1000000",
    "gradients of 256 examples, 64-128-10",
    "their squared norms",
)
STATUS = Path("/proc/self/status")


def peaks() -> str:
    """A Markdown table of megabytes; empty where the system does not tell."""
    if not STATUS.exists():
        return ""
    names = [name for name, make in MAKERS.items() if name != "JAX" and make() is not None]
    lines = [f"| MB | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for workload in CHOSEN:
        print(f"  memory: {workload}", file=sys.stderr, flush=True)
        cells = [child("-m", __name__, name, workload).strip() for name in names]
        lines.append(f"| {workload} | {' | '.join(cells)} |")
    return "\n".join(lines)


def growth(name: str, workload: str) -> float | None:
    """The megabytes by which this process grows at most; None if the library cannot do it."""
    library = MAKERS[name]()
    assert library is not None
    prepare = {title: prepare for title, prepare, _ in all_workloads()}
    warm, call = prepare[WARM](library), prepare[workload](library)
    if warm is None or call is None:
        return None
    warm()
    with contextlib.suppress(AttributeError):  # free memory would be taken again without growth
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak starts again from here
    before = status("VmRSS")
    for _ in range(2):
        call()
    return (status("VmHWM") - before) / 1024


def status(field: str) -> int:
    """Kilobytes, as the system tells."""
    lines = STATUS.read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    found = growth(*sys.argv[1:])
    print("" if found is None else f"{found:.0f}")
