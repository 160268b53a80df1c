"""functrace: derivatives, batching and speed for plain NumPy code.

import numpy as np
import functrace as ft

ft.grad(lambda x: np.sum(np.tanh(x)))(np.ones(3))
"""

from importlib import import_module as _import_module
from os import environ as _environ
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import debug as debug
    from . import errors, nn, tree
    from . import numpy as numpy
    from . import random as random
    from . import scipy as scipy
    from . import testing as testing
    from .api._checks import float0
    from .api.associative import associative_scan
    from .api.batching import vmap
    from .api.caches import cache_info, clear_cache, explain_retrace
    from .api.callbacks import pure_callback
    from .api.checkpoint import checkpoint, remat
    from .api.closures import closure_convert, custom_gradient, linear_call
    from .api.collectives import (
        all_gather,
        all_to_all,
        axis_index,
        axis_size,
        pmax,
        pmean,
        pmin,
        ppermute,
        psum,
        psum_scatter,
    )
    from .api.compilation import jit
    from .api.control import cond, fori_loop, map, scan, switch, while_loop
    from .api.custom import custom_jvp, custom_vjp
    from .api.custom_batching import custom_vmap, sequential_vmap
    from .api.debugging import debug_nans, disable_jit, named_scope
    from .api.define import define_op
    from .api.derivatives import jvp, linear_transpose, linearize, vjp
    from .api.elementwise import elementwise_grad
    from .api.gradients import grad, value_and_grad
    from .api.implicit import custom_linear_solve, custom_root
    from .api.inspection import eval_shape, evaluate, stop_gradient, trace
    from .api.jacobians import hessian, hvp, jacfwd, jacobian, jacrev
    from .api.memory import MemoryReport, memory
    from .custom.rules import SymbolicZero
    from .custom.vjp import CustomVJPPrimal
    from .ir import ArrayType, Equation, Literal, Program, Var
    from .tracer import Tracer
else:  # on demand: what a script does not use costs it no time
    _MODULES = ("debug", "errors", "nn", "numpy", "random", "scipy", "testing", "tree")
    _NAMES = {
        ".api._checks": "float0",
        ".api.caches": "cache_info clear_cache explain_retrace",
        ".api.associative": "associative_scan",
        ".api.batching": "vmap",
        ".api.callbacks": "pure_callback",
        ".api.checkpoint": "checkpoint remat",
        ".api.closures": "closure_convert custom_gradient linear_call",
        ".api.collectives": "all_gather all_to_all axis_index axis_size pmax pmean pmin ppermute "
        "psum psum_scatter",
        ".api.compilation": "jit",
        ".api.control": "cond fori_loop map scan switch while_loop",
        ".api.custom": "custom_jvp custom_vjp",
        ".api.custom_batching": "custom_vmap sequential_vmap",
        ".api.debugging": "debug_nans disable_jit named_scope",
        ".api.define": "define_op",
        ".api.derivatives": "jvp linear_transpose linearize vjp",
        ".api.gradients": "grad value_and_grad",
        ".api.implicit": "custom_linear_solve custom_root",
        ".api.inspection": "eval_shape evaluate stop_gradient trace",
        ".api.elementwise": "elementwise_grad",
        ".api.jacobians": "hessian hvp jacfwd jacobian jacrev",
        ".api.memory": "MemoryReport memory",
        ".custom.rules": "SymbolicZero",
        ".custom.vjp": "CustomVJPPrimal",
        ".ir": "ArrayType Equation Literal Program Var",
        ".tracer": "Tracer",
    }
    _HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return _import_module(f".{name}", __name__)
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(_HOMES[name], __name__), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

    if _environ.get("FUNCTRACE_NUMPY"):
        _import_module(".numpy.environment", __name__)


__version__ = "0.1.0"

__all__ = [
    "ArrayType", "CustomVJPPrimal", "Equation", "Literal", "MemoryReport", "Program",
    "SymbolicZero", "Tracer", "Var", "all_gather", "all_to_all", "associative_scan", "axis_index",
    "axis_size", "cache_info", "checkpoint", "clear_cache", "closure_convert", "cond",
    "custom_gradient", "custom_jvp", "custom_linear_solve", "custom_root", "custom_vjp",
    "custom_vmap", "debug", "debug_nans", "define_op", "disable_jit", "elementwise_grad", "errors",
    "eval_shape", "evaluate", "explain_retrace", "float0", "fori_loop", "grad", "hessian", "hvp",
    "jacfwd", "jacobian", "jacrev", "jit", "jvp", "linear_call", "linear_transpose", "linearize",
    "map", "memory", "named_scope", "nn", "numpy", "pmax", "pmean", "pmin", "ppermute", "psum",
    "psum_scatter", "pure_callback", "random", "remat", "scan", "sequential_vmap", "stop_gradient",
    "switch", "testing", "trace", "tree", "value_and_grad", "vjp", "vmap", "while_loop",
]  # fmt: skip
