"""Every Program is checked after every rewrite and pass while the tests run."""

import os

os.environ["FUNCTRACE_CHECK"] = "1"

from . import op_cases_arrays  # noqa: F401 -- adds to the table of cases
