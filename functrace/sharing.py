"""Which traced arrays share memory, and what a change of one means for the others.

In NumPy `row = x[2]; row += 1` changes `x`. Traced values never change, but a `Tracer` may come to
stand for another one. A tracer that is a view knows its source and the equations between the two.
To change it is to compute its new value, to write that back through those equations into its
source, the source of that, and so on to the array that owns the memory (the root), and to
make all other views of the root forget their Vars. A view that has none gets one when it is used,
from the source as it then is. Nothing is recorded for views that are not used again.

Two kinds of arrays cannot be changed: those of the caller (arguments, and what belongs to the
code around the traced function), and read-only views. Where NumPy's memory layout, which traced
arrays do not have, would decide whether an array is a view or a copy, a change of one leaves the
other unusable, with an error that says so.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .errors import TracerAssignmentError
from .ir import Equation, Shape, Var
from .source import Source, user_source

if TYPE_CHECKING:
    from .tracer import Tracer


class View(NamedTuple):
    """How a tracer is a view of another.

    Attributes:
        source: what it is a view of.
        root: the array at the end of the chain of sources.
        steps: the equations from the source to the view.
        certain: whether NumPy makes a view here whatever the memory layout of the source.
    """

    source: Tracer
    root: Tracer
    steps: tuple[Equation, ...]
    certain: bool


class Severed(NamedTuple):
    """Stands for the View of a tracer that may or may not have changed with another."""

    source: Source | None


class Foreign(NamedTuple):
    """Stands for the View of a tracer whose memory belongs to the caller.

    Attributes:
        number: whether it is a number, so that `x += 1` gives the name x another value.
    """

    number: bool


FOREIGN, FOREIGN_NUMBER = Foreign(number=False), Foreign(number=True)


def is_number(tracer: Tracer) -> bool:
    """Whether a tracer stands for a NumPy or Python scalar, and not for an array without axes."""
    if tracer.type.shape:
        return False
    alias = tracer.alias
    return alias is FOREIGN_NUMBER or (alias is None and not tracer.c_order)


def share(results: Iterable[Tracer], arguments: Sequence[Tracer], start: int) -> None:
    """Note which results of a view function are views of which arguments.

    Args:
        start: the number of equations of the first argument's recorder before the call.
    """
    recorder = arguments[0].recorder
    produced = {var: e for e in recorder.equations[start:] for var in e.outputs}
    sources = {argument.symbol: argument for argument in arguments}
    for result in results:
        if sources.get(result.symbol) is not result:
            _attach(result, sources, produced, diagonals=True)


def indexed(result: Tracer, source: Tracer, index: Any) -> Tracer:
    """What `source[index]` gives, just recorded: a number, or an array that may be a view.

    An index that leaves no axes gives a number, but an array where there is an ellipsis in it. What
    is taken of a number is an array of its own.
    """
    is_array = bool(result.type.shape) or index is ... or _has_ellipsis(index)
    if result is source and is_number(source) == is_array:
        result = type(source)(source.recorder, source.symbol, source.type)
    if is_array and is_number(source):
        result.c_order = True
    elif is_array and result is not source:
        _share_one(result, source)
    return result


def _has_ellipsis(index: Any) -> bool:
    return type(index) is tuple and any(part is ... for part in index)


def _share_one(result: Tracer, source: Tracer) -> None:
    equations = result.recorder.equations
    last = equations[-1]
    if last.outputs[0] is not result.symbol:  # nothing was recorded: another name
        return
    first = last.inputs[0]
    if first is source.symbol and source.recorder is result.recorder:  # the usual case
        if shares(last):
            _link(result, source, (last,))
        return
    _attach(result, {source.symbol: source}, {e.outputs[0]: e for e in equations[-3:]})


def shares(equation: Equation) -> bool:
    """Whether the output of an equation is a view of its first operand in NumPy."""
    if equation.primitive.name == "einsum":
        inputs, _, output = equation.params["spec"].partition("->")
        return "," not in inputs and set(inputs) == set(output)
    return equation.primitive.view is not None and not _picks(equation)


def _picks(equation: Equation) -> bool:
    """Whether an equation takes elements at places that arrays name."""
    return any(atom.type.shape for atom in equation.inputs[1:])


def _attach(
    result: Tracer,
    sources: dict[Var, Tracer],
    produced: dict[Var, Equation],
    diagonals: bool = False,
) -> None:
    steps: list[Equation] = []
    var = result.symbol
    while var not in sources:
        equation = produced.get(var)
        if equation is None:  # captured: a view of what belongs to the surrounding code
            result.alias = FOREIGN
            return
        first = equation.inputs[0]
        is_view = shares(equation) or (diagonals and equation.primitive.name == "gather")
        if not is_view or not isinstance(first, Var):
            return
        steps.append(equation)
        var = first
    _link(result, sources[var], tuple(steps[::-1]))


def _link(result: Tracer, source: Tracer, steps: tuple[Equation, ...]) -> None:
    if result.type.size == 1 and is_number(source):  # NumPy makes an array of the number
        result.c_order = True
        return
    known = _is_view(source, steps) if any(_merges(step) for step in steps) else True
    if known is not False:
        note_view(result, source, steps, certain=known is True)


def note_view(result: Tracer, source: Tracer, steps: tuple[Equation, ...], certain: bool) -> None:
    """Note that a new tracer is a view of another."""
    alias = source.alias
    if isinstance(alias, Foreign):
        result.alias = FOREIGN
        return
    root = alias.root if isinstance(alias, View) else source
    result.alias = View(source, root, steps, certain)
    _watch(root, result)


def share_flat(result: Tracer, source: Tracer) -> Tracer | None:
    """What `np.ravel` gives: a view of what is contiguous. None for a copy of what is not."""
    array = _layout(source)
    if array is not None and not array.flags.c_contiguous:
        return None
    if result is source and array is not None:
        return result
    if result is source:
        result = type(source)(source.recorder, source.symbol, source.type)
        note_view(result, source, (), certain=False)
        return result
    last = result.recorder.equations[-1]
    if last.inputs[0] is source.symbol and source.recorder is result.recorder:
        note_view(result, source, (last,), certain=array is not None)
    elif source.recorder is not result.recorder:
        result.alias = FOREIGN
    else:  # another order than C
        share((result,), (source,), len(result.recorder.equations) - 3)
    return result


def _watch(root: Tracer, view: Tracer) -> None:
    views = root.views
    if views is None:
        views = root.views = []
    views.append(weakref.ref(view))


# Whether a reshape copies


def _merges(equation: Equation) -> bool:
    """Whether a reshape joins axes, for which NumPy copies unless they lie together in memory."""
    if equation.primitive.name != "reshape" or not equation.outputs[0].type.size:
        return False
    return not _splits(equation.inputs[0].type.shape, equation.params["shape"])


def _splits(shape: Shape, target: Shape) -> bool:
    """Whether each axis of a shape becomes one or more of a target's, so that no two are joined."""
    rest = [n for n in target if n != 1]
    for length in [n for n in shape if n != 1]:
        product = 1
        while product < length and rest:
            product *= rest.pop(0)
        if product != length:
            return False
    return not rest


def _is_view(source: Tracer, steps: tuple[Equation, ...]) -> bool | None:
    """Whether NumPy makes a view, asked of NumPy itself; None when the layout is not known."""
    array = _layout(source)
    for step in steps if array is not None else ():
        view = _like(step, array)
        if not np.may_share_memory(array, view):
            return False
        array = view
    return None if array is None else True


def _layout(tracer: Tracer) -> np.ndarray | None:
    """An array that lies in memory as a tracer's would, or None when that is not known."""
    chain: list[Equation] = []
    while isinstance(tracer.alias, View):
        if not tracer.alias.certain:
            return None
        chain[:0] = tracer.alias.steps
        tracer = tracer.alias.source
    if not tracer.c_order and len(tracer.type.shape) > 1:
        return None
    array = np.empty(tracer.type.shape, np.bool_)
    for step in chain:
        if step.primitive.elementwise or step.primitive.name == "einsum" or _picks(step):
            return None  # the real parts of complex numbers, and diagonals
        array = _like(step, array)
    return array


def _like(step: Equation, array: Any) -> Any:
    if not array.size:
        return np.empty(step.outputs[0].type.shape, np.bool_)
    if step.inputs[1:]:  # elements at positions, wherever they are
        array = np.moveaxis(array, step.params["axes"], range(len(step.params["axes"])))
        return array[(0,) * len(step.params["axes"])]
    return np.asarray(step.primitive.impl(array, **step.params))


# Changing and renewing


def assign(target: Tracer, value: Tracer, what: str, remedy: str = "") -> None:
    """Let a tracer and all that shares its memory stand for a changed array.

    Args:
        value: the new value, of the target's shape and dtype.
        what: how the user wrote it, for messages.

    Raises:
        TracerAssignmentError: when the memory is not the traced function's own, or read-only.
    """
    target.recorder.bail_out()
    demand_own(target, what, remedy)
    if not _is_fresh(target):
        renew(target)  # so that it is watched
    changed = [target]
    while isinstance(alias := changed[-1].alias, View):
        if not alias.certain:
            _sever(changed[-1], alias.root)
            break
        changed.append(alias.source)
    new: Any = value
    variables = [value.symbol]
    for view in changed[:-1]:
        new = _written(view, new, what)
        variables.append(new.symbol)
    for tracer, var in zip(changed, variables, strict=True):
        tracer.symbol = var
    _forget(changed[-1], changed)


def demand_own(target: Tracer, what: str, remedy: str = "") -> None:
    """Check that an array belongs to the traced function.

    Raises:
        TracerAssignmentError: for an argument, or what belongs to the surrounding code.
    """
    root = target.alias.root if isinstance(target.alias, View) else target
    if isinstance(root.alias, Foreign) or not root.recorder.is_current:
        raise TracerAssignmentError(
            f"`{what}` changes a traced array of type {target.type} in place that is an argument, "
            "or part of one, or belongs to the surrounding code",
            f"{remedy or 'use a new array'}, or change a copy: x = x.copy()",
        )


def _written(view: Tracer, new: Any, what: str) -> Any:
    """The new value of a view's source."""
    source, steps = view.alias.source, view.alias.steps
    recorder = view.recorder
    values = [source]
    unchanged = steps and steps[0].inputs[0] is source.symbol
    for step, following in pairwise(steps):
        values.append(
            recorder.value_of_atom(following.inputs[0])
            if unchanged
            else _again(recorder, step, values[-1])
        )
    for step, before in zip(reversed(steps), reversed(values), strict=True):
        positions = [recorder.value_of_atom(atom) for atom in step.inputs[1:]]
        if not _picks(step):
            new = step.primitive.view(before, new, *positions, **step.params)
        if new is None or _picks(step):
            raise TracerAssignmentError(
                f"`{what}` writes to the result of {step.primitive.name}, a view that is read-only",
                "change a copy: x = x.copy()",
            )
    return new


def _again(recorder: Any, step: Equation, operand: Any) -> Any:
    others = [recorder.value_of_atom(atom) for atom in step.inputs[1:]]
    return recorder.record(step.primitive, [operand, *others], step.params)


def _forget(root: Tracer, fresh: list[Tracer]) -> None:
    """Make the views of a root forget their Vars, but for those that have new ones."""
    kept = []
    for reference in root.views or ():
        view = reference()
        if view is None:
            continue
        if any(view is tracer for tracer in fresh):
            kept.append(reference)
        elif isinstance(view.alias, View):
            del view.symbol
    root.views = kept or None


def _sever(part: Tracer, root: Tracer) -> None:
    """Part a view, of which nobody knows whether it is one, from its root before it is changed.

    It becomes the root of its own views. All others may or may not change with it.
    """
    severed = Severed(user_source())
    others = [*(root.views or ()), weakref.ref(root)]
    part.alias = root.views = None
    for reference in others:
        other = reference()
        if other is None or other is part:
            continue
        if _is_view_of(other, part):
            other.alias = other.alias._replace(root=part)
            _watch(part, other)
        else:
            other.alias = severed
            del other.symbol


def _is_view_of(tracer: Tracer, root: Tracer) -> bool:
    while isinstance(tracer.alias, View):
        tracer = tracer.alias.source
    return tracer is root


def renew(tracer: Tracer) -> Var:
    """The Var of a tracer that has none: of a view, from its source as it is now.

    Raises:
        TracerAssignmentError: when it depends on the memory layout what the value would be.
    """
    stale = []
    while not _is_fresh(tracer):
        if not isinstance(tracer.alias, View) or not tracer.alias.certain:
            raise _layout_decides(tracer)
        stale.append(tracer)
        tracer = tracer.alias.source
    for view in reversed(stale):
        value = view.alias.source
        for step in view.alias.steps:
            value = _again(view.recorder, step, value)
        view.symbol = value.symbol
        _watch(view.alias.root, view)
    return stale[0].symbol


def _is_fresh(tracer: Tracer) -> bool:
    try:
        type(tracer).symbol.__get__(tracer)  # type: ignore[attr-defined] -- the slot itself
    except AttributeError:
        return False
    return True


def _layout_decides(tracer: Tracer) -> TracerAssignmentError:
    where = ""
    if isinstance(tracer.alias, Severed) and tracer.alias.source is not None:
        where = f" at {tracer.alias.source}"
    return TracerAssignmentError(
        f"a traced array of type {tracer.type} is used after an array was changed in place{where} "
        "that NumPy's reshape makes a view of it, or a copy, depending on the memory layout",
        "make what is changed a copy (y = x.reshape(...).copy()), or reshape a copy in C order "
        "(x.copy().reshape(...))",
    )


def copy_mode(copy: Any) -> bool | None:
    """What `copy=` asks for: a copy always, never, or, for None, where one is needed.

    `np._CopyMode` has names for these, by which array libraries ask for them.
    """
    if copy is None or copy is np._CopyMode.IF_NEEDED:  # type: ignore[attr-defined]
        return None
    return bool(copy)
