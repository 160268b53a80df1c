"""Every Program is checked after every rewrite and pass while the tests run."""

import gc
import os
import random
from importlib.util import find_spec

os.environ["FUNCTRACE_CHECK"] = "1"

import functrace
import functrace.numpy._namespace
from functrace.primitive import PRIMITIVES

from .cases import (  # noqa: F401 -- they add to the table of cases
    op_cases_arrays,
    op_cases_assignment,
    op_cases_checkpoint,
    op_cases_collectives,
    op_cases_control,
    op_cases_custom,
    op_cases_fft,
    op_cases_linalg,
    op_cases_nn,
    op_cases_numeric,
    op_cases_random,
    op_cases_scipy_linalg,
    op_cases_scipy_signal,
    op_cases_special,
    op_cases_standard,
    op_cases_stats,
)

for _name in functrace.__all__:  # what is imported on demand, so that all tables are full
    getattr(functrace, _name)

_SAMPLED = 30  # in a quick run, one test in so many is drawn of what is not one case of an op
_WHOLE = ("test_examples.py", "test_large_programs.py", "test_peers.py", "test_stored.py")


def pytest_addoption(parser) -> None:
    parser.addoption(
        "--quick",
        nargs="?",
        type=int,
        const=0,
        help="run a sample, drawn by a seed if one is given",
    )


def pytest_configure(config) -> None:
    if config.option.quick == 0:  # all workers inherit the environment, and draw the same
        drawn = str(random.SystemRandom().randrange(1, 10_000))
        config.option.quick = int(os.environ.setdefault("PYTEST_QUICK_SEED", drawn))


def pytest_terminal_summary(terminalreporter, config) -> None:
    if config.option.quick is not None:
        terminalreporter.write_line(f"a sample of the tests; again: --quick={config.option.quick}")


def pytest_collection_modifyitems(config, items) -> None:
    """For a quick run, keep a case of each primitive, and some tests of each file."""
    if config.option.quick is None:
        return
    groups: dict[str, list] = {}
    for item in items:
        _, _, case = item.nodeid.partition("[")
        op = case.split()[0].rstrip("]") if case else ""  # cases are named by the op first
        if item.path.name in _WHOLE:
            continue
        primitive = item.path.name.startswith("test_op_") and op in PRIMITIVES
        groups.setdefault(f"primitive {op}" if primitive else item.path.name, []).append(item)
    draw = random.Random(config.option.quick)
    kept = set()
    for group in sorted(groups):
        few = 1 if group.startswith("primitive ") else 3 + len(groups[group]) // _SAMPLED
        kept.update(draw.sample(groups[group], min(few, len(groups[group]), 40)))
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


collect_ignore = [] if find_spec("jax") else ["peers/test_peers.py"]  # JAX is in the extra `peers`


def pytest_collection_finish() -> None:
    """Keep the cycle collector from walking over all collected tests again and again."""
    gc.collect()
    gc.freeze()
