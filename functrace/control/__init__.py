"""Primitives that carry Programs: a choice of branches, and loops. Their rules call transforms."""

from . import loops  # noqa: F401 -- defines the primitives
