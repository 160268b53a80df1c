"""Rules that are called when their Program runs, because they look at values known only then.

    run_rule(*operands; rule, types)

A rule is recorded before there are values of cotangents and tangents. One that asks for such a
value (`if np.any(ct)`) cannot be recorded. Where there will be values, outside of `jit` and
`vmap`, its equation calls it: `rule.run` takes the operands, and gives outputs of `types`. The rule
of an op of the user is called under `jit` as well, as the op itself is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..ir import ArrayType, Equation, Program, Var
from ..primitive import NOT_LINEAR, Primitive
from ..recorder import Recorder, innermost
from ..source import Source

Types = tuple[ArrayType, ...]


def will_have_values(recorder: Recorder | None = None) -> bool:
    """Whether what is recorded now runs with values: no transform around withholds them."""
    recorder = recorder or innermost()
    while recorder is not None:
        if recorder.reason:
            return False
        recorder = recorder.parent
    return True


def called_later(
    rule: Any, inputs: Sequence[ArrayType], outputs: Sequence[ArrayType], name: str,
    source: Source | None,
) -> Program:  # fmt: skip
    """The Program that calls a rule.

    Args:
        rule: hashable; has `run(arrays)`, and `refuse()`, which raises the error for whoever wants
            to know more of the rule than its values.
    """
    given = [Var(type.strong) for type in inputs]
    made = tuple([Var(type.strong) for type in outputs])
    params = {"rule": rule, "types": tuple([var.type for var in made])}
    return Program(given, [Equation(RUN_RULE, tuple(given), params, made, source)], made, name)


def _impl(*operands: Any, rule: Any, types: Types) -> tuple[Any, ...]:
    # Copies: the rule may keep and change what it gets, and what it has returned.
    found = rule.run([np.array(x)[()] for x in operands])
    return tuple(
        [
            np.zeros(type.shape, type.dtype)[()] if x is None else np.array(x, type.dtype)[()]
            for x, type in zip(found, types, strict=True)
        ]
    )


def _refuse(*_: Any, rule: Any, **__: Any) -> Any:
    raise rule.refuse()


RUN_RULE = Primitive(
    "run_rule",
    infer=lambda *_, types, **__: types,
    impl=_impl,
    jvp=_refuse,
    transpose=NOT_LINEAR,
    batch=_refuse,
    text=lambda *operands, rule, **_: f"run_rule({', '.join([rule.name, *operands])})",
    multiple=True,
    cacheable=False,
    prepare=lambda _, **params: partial(_impl, **params),
)
