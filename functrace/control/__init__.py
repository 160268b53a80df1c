"""Primitives that carry Programs: choices, loops, checkpoints. Their rules call transforms."""

from . import loops  # noqa: F401 -- defines the primitives
