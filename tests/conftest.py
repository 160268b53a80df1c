"""Every Program is checked after every rewrite and pass while the tests run."""

import os

os.environ["FUNCTRACE_CHECK"] = "1"
