"""functrace: derivatives, batching and speed for plain NumPy code.

import numpy as np
import functrace as ft

ft.grad(lambda x: np.sum(np.tanh(x)))(np.ones(3))
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from . import errors, nn, tree
from . import numpy as numpy
from .api._checks import float0
from .api._execute import cache_info, clear_cache
from .api.associative import associative_scan
from .api.batching import vmap
from .api.compilation import jit
from .api.control import cond, fori_loop, map, scan, switch, while_loop
from .api.derivatives import jvp, linear_transpose, linearize, vjp
from .api.gradients import grad, value_and_grad
from .api.inspection import eval_shape, evaluate, stop_gradient, trace
from .api.jacobians import elementwise_grad, hessian, hvp, jacfwd, jacobian, jacrev
from .ir import ArrayType, Equation, Literal, Program, Var
from .tracer import Tracer

if TYPE_CHECKING:
    from . import random as random
else:  # on demand: NumPy's own generators are slow to import

    def __getattr__(name: str) -> Any:
        if name == "random":
            return _import_module(".random", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__version__ = "0.1.0"

__all__ = [
    "ArrayType", "Equation", "Literal", "Program", "Tracer", "Var", "associative_scan",
    "cache_info", "clear_cache", "cond", "elementwise_grad", "errors", "eval_shape", "evaluate",
    "float0", "fori_loop", "grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jit", "jvp",
    "linear_transpose", "linearize", "map", "nn", "numpy", "random", "scan", "stop_gradient",
    "switch", "trace", "tree", "value_and_grad", "vjp", "vmap", "while_loop",
]  # fmt: skip
