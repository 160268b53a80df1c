"""The front ends that nearly every function needs; the others are loaded when one is called."""

from importlib import import_module

# By their full names: `from . import` would ask the package, which would load all of them.
for _name in ("elementwise", "reductions", "shaping", "joining", "indexing", "contractions"):
    import_module(f"{__package__}.{_name}")
