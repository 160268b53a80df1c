"""Every Program is checked after every rewrite and pass while the tests run."""

import gc
import os
from importlib.util import find_spec

os.environ["FUNCTRACE_CHECK"] = "1"

import functrace
import functrace.numpy._namespace

from . import (  # noqa: F401 -- they add to the table of cases
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

collect_ignore = [] if find_spec("jax") else ["test_peers.py"]  # JAX is in the extra `peers`


def pytest_collection_finish() -> None:
    """Keep the cycle collector from walking over all collected tests again and again."""
    gc.collect()
    gc.freeze()
