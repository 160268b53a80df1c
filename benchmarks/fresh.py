"""From a fresh process to the first gradient: importing, tracing, compiling, and peak memory."""

from __future__ import annotations

import statistics
import subprocess
import sys

from .harness import clock
from .libraries import optional

ROUNDS = 5
_NETWORK = """
sizes = (784, 512, 256, 10)
rng = np.random.default_rng(0)
params = [(rng.normal(size=(m, n)) / m**0.5, np.zeros(n)) for m, n in zip(sizes, sizes[1:])]
X, Y = rng.normal(size=(32, 784)), np.eye(10)[rng.integers(10, size=32)]
def loss(params, X, Y):
    for i, (W, b) in enumerate(params):
        X = xp.dot(X, W) + b
        if i < 2:
            X = xp.maximum(X, 0.0)
    top = xp.max(X, axis=1, keepdims=True)
    return xp.mean(xp.log(xp.sum(xp.exp(X - top), axis=1)) + top[:, 0] - xp.sum(X * Y, axis=1))
"""
_END = """
seconds = time.perf_counter() - start
try:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
except OSError:  # another system than Linux
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(seconds, peak)
"""
_PROGRAMS = {
    "numpy alone": "import numpy as np\n" + _NETWORK.replace("xp.", "np.") + "loss(params, X, Y)",
    "functrace jit": "import numpy as np, functrace as ft\nxp = np\n" + _NETWORK
    + "ft.jit(ft.grad(loss))(params, X, Y)",
    "functrace": "import numpy as np, functrace as ft\nxp = np\n" + _NETWORK
    + "ft.grad(loss)(params, X, Y)",
    "JAX jit": "import numpy as np, jax, jax.numpy as xp\n" + _NETWORK
    + "jax.block_until_ready(jax.jit(jax.grad(loss))(params, X, Y))",
    "JAX": "import numpy as np, jax, jax.numpy as xp\n" + _NETWORK
    + "jax.block_until_ready(jax.grad(loss)(params, X, Y))",
    "autograd": "import numpy as np, autograd, autograd.numpy as xp\n" + _NETWORK
    + "autograd.grad(loss)(params, X, Y)",
    "PyTorch": "import numpy as np, torch\n"
    + _NETWORK.replace("xp.dot", "torch.matmul").replace("xp.max(X, axis=1", "torch.amax(X, axis=1")
    .replace("xp.maximum(X, 0.0)", "torch.relu(X)").replace("xp.", "torch.")
    + "X, Y = torch.from_numpy(X), torch.from_numpy(Y)\n"
    + "leaves = [torch.from_numpy(leaf).requires_grad_() for pair in params for leaf in pair]\n"
    + "params = list(zip(leaves[::2], leaves[1::2]))\n"
    + "torch.autograd.grad(loss(params, X, Y), leaves)",
    "import numpy": "import numpy",
    "import numpy, functrace": "import numpy, functrace",
}  # fmt: skip
_MODULES = {"JAX jit": "jax", "JAX": "jax", "autograd": "autograd", "PyTorch": "torch"}


def fresh_process() -> str:
    """A Markdown table: seconds and peak memory of whole processes, in turns."""
    present = {
        name: program for name, program in _PROGRAMS.items()
        if name not in _MODULES or optional(_MODULES[name]) is not None
    }  # fmt: skip
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in present}
    for number in range(ROUNDS):
        print(f"  fresh processes, round {number + 1}", file=sys.stderr, flush=True)
        for name, program in present.items():
            text = f"import time\nstart = time.perf_counter()\n{program}\n{_END}"
            seconds, kilobytes = map(float, child("-c", text).split())
            found[name].append((seconds, kilobytes / 1024))
    lines = ["| program | to the first result | peak memory |", "|---|---|---|"]
    for name, runs in found.items():
        seconds, megabytes = (statistics.median(column) for column in zip(*runs, strict=True))
        lines.append(f"| {name} | {clock(seconds)} | {megabytes:.0f} MB |")
    return "\n".join(lines)


def child(*arguments: str) -> str:
    """What another Python prints.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    run = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr)
    return run.stdout
