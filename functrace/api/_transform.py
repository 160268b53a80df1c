"""What a call of each transform is made of: choose, trace, finish, run, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from .. import tree
from ..memo.guards import Guards
from ..memo.replay import Replay
from ..memo.site import CallSite, code_of, site_of
from ..memo.specialise import (
    ANY,
    MISS,
    BailedOut,
    Specialised,
    built,
    define,
    holes,
    specialised,
    usual,
)
from ..memo.structural import FINISHED
from ..recording import Recording
from ..tracer import Tracer
from ..tree import TreeDef
from ..unrolled import warn_of_unrolled
from ._border import flat_output, function_name, trace_call
from ._execute import Runner
from ._hints import hint_at_lists
from ._select import Selection


class Finished(NamedTuple):
    """What comes after the trace of a call.

    Attributes:
        runner: the finished Program.
        assemble: from its outputs to the result. It moves them, and does not look at them.
        wrap: from the function and that to what the caller gets; None for the same.
        steady: whether nothing but the trace decides all this.
    """

    runner: Runner
    assemble: Callable[[Sequence[Any]], Any]
    wrap: Callable[[Any, Any], Any] | None = None
    steady: bool = True


Choose = Callable[[Sequence[Any], Mapping[str, Any]], Selection]
Finish = Callable[[Selection, Recording, TreeDef], Finished | Callable[..., Any]]


class Transform:
    """A function under a transform.

    Args:
        fun: the function.
        key: the transform, and the options on which its results depend; hashable, or code is not
            made for it.
        choose: from the arguments of a call to what is traced.
        finish: from a trace to the finished Program and the form of the result; or a function that
            is to be called in place of all this.
        reason: the transform that withholds values while the function is traced.
    """

    __slots__ = ("_choose", "_code", "_finish", "_fun", "_name", "_reason", "_specialised")

    def __init__(
        self, fun: Callable[..., Any], key: Any, choose: Choose, finish: Finish, reason: str = ""
    ):
        self._fun = fun
        self._name = function_name(fun)
        self._code = code_of(fun)
        self._choose = choose
        self._finish = finish
        self._reason = reason
        self._specialised = specialised(self._code, self._name, key)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        fun, special, traced = self._fun, self._specialised, None
        if special is not None and special.call is not None:
            found = special(fun, args, kwargs)
            if type(found) is BailedOut:
                traced = found.recording, found.out_tree
            elif found is not MISS:
                return found
        chosen = self._choose(args, kwargs)
        recording, out_tree = traced or trace_call(
            chosen.call, chosen.structure, chosen.leaves, chosen.types, chosen.names,
            name=self._name, reason=self._reason, reused=True, code=self._code,
        )  # fmt: skip
        finished = self._finish(chosen, recording, out_tree)
        if not isinstance(finished, Finished):
            return finished(*args, **kwargs)
        operands = chosen.arrange(chosen.leaves) if chosen.arrange else chosen.leaves
        outputs = finished.runner(
            [*operands, *recording.captured, *chosen.extra], recording.program
        )
        result = finished.assemble(outputs)
        if special is not None and finished.steady:
            self._specialise(special, args, kwargs, chosen, recording, out_tree, finished)
        return result if finished.wrap is None else finished.wrap(fun, result)

    def _specialise(
        self, special: Specialised, args: Sequence[Any], kwargs: dict[str, Any],
        chosen: Selection, recording: Recording, out_tree: TreeDef, finished: Finished,
    ) -> None:  # fmt: skip
        """Make code for calls like one whose trace was repeated, once they keep coming."""
        if recording.guards is None or not usual() or not special.due(recording.guards):
            return
        site = site_of(
            self._code, self._name, self._reason, chosen.structure, chosen.types, chosen.names
        )
        if site is not None:
            template = _template(args, kwargs, chosen)
            run = _run(site, template, chosen, recording, out_tree, finished, self._reason)
            stand_ins = holes(len(finished.runner.program.outputs))
            result = finished.assemble(stand_ins)
            special.make(template, run, result, True, finished.wrap)


def _template(args: Sequence[Any], kwargs: Mapping[str, Any], chosen: Selection) -> Any:
    """The arguments of a call, with ANY for those that are not traced."""
    positions = tuple(range(len(args)))
    names = {name: name for name in kwargs}
    used = {
        *tree.leaves(chosen.pick(positions, names)),
        *tree.leaves(chosen.pick_extra(positions, names)),
    }
    return (
        tuple([x if i in used else ANY for i, x in enumerate(args)]),
        {name: x if name in used else ANY for name, x in kwargs.items()},
    )


def _run(
    site: CallSite, template: Any, chosen: Selection, recorded: Recording, out_tree: TreeDef,
    finished: Finished, reason: str,
) -> Callable[[Any, Sequence[Any]], Any]:  # fmt: skip
    """From the function and the leaves of the arguments to the outputs of the finished Program."""
    guards, program, name = recorded.guards, recorded.program, recorded.program.name
    runner, arrange = finished.runner, chosen.arrange
    traced = chosen.structure, chosen.names, chosen.types  # `chosen` holds the arguments
    structure = tree.structure(template)
    numbers = tree.unflatten(structure, range(structure.size))
    places = tree.leaves(chosen.pick(*numbers))
    extra = tree.leaves(chosen.pick_extra(*numbers))
    args, kwargs = chosen.rebuilt(numbers[0], {name: numbers[1][name] for name in template[1]})
    call = _call(args, kwargs, places)
    pick_values, pick_extra = _picker(places, structure.size), _picker(extra, structure.size)

    def run(fun: Any, given: Sequence[Any]) -> Any:
        replay = Replay(guards, None, reason)
        values = pick_values(given) if pick_values else given
        with replay:
            tracers = replay.all_inputs((), (), None if reason else values)
            try:
                out = call(fun, given, tracers)
                if type(out) is Tracer:
                    outputs, found = [out], tree.LEAF
                else:
                    outputs, found = flat_output(out)
            except (TypeError, AttributeError) as error:
                hint_at_lists(error, *traced)
                raise
            captured = replay.repeated(outputs)
            if captured is None or found != out_tree:
                return _bailed_out(site, guards, replay, replay.finish(outputs, name), found)
        site.hits += 1
        FINISHED.hits += 1
        operands = arrange(values) if arrange else values
        if extra or captured:
            more = () if not extra else pick_extra(given) if pick_extra else given
            operands = [*operands, *captured, *more]
        return runner.run(operands, program)

    return run


def _picker(places: Sequence[int], count: int) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """From some values those at some places, in a call of a compiled function; None for all."""
    if list(places) == list(range(count)):
        return None
    if len(places) == 1:
        return itemgetter(slice(places[0], places[0] + 1))
    return itemgetter(*places) if places else itemgetter(slice(0))


def _bailed_out(
    site: CallSite, guards: Guards, replay: Replay, recorded: Recording, out_tree: TreeDef
) -> BailedOut:
    """What a trace recorded that was unlike some guards, or returned another tree."""
    if recorded.guards is None:
        warn_of_unrolled(recorded.program.equations)
    learned = site.learned(replay, recorded)
    return BailedOut(learned, out_tree, learned.guards is not None or site.guards is not guards)


def _call(
    args: Any, kwargs: Mapping[str, Any], places: Sequence[int]
) -> Callable[[Any, Sequence[Any], Sequence[Any]], Any]:
    """A function that calls a function with traced values in some places of its arguments.

    It takes the function, the leaves of all arguments, and the traced values.
    """
    bound: dict[str, Any] = {"unflatten": tree.unflatten}
    leaves = {place: f"tracers[{i}]" for i, place in enumerate(places)}

    def text(x: Any) -> str:
        numbers, structure = tree.flatten(x)
        return built(structure, iter([leaves.get(i, f"given[{i}]") for i in numbers]), bound)

    parts = [text(x) for x in args]
    parts += [f"**{{{name!r}: {text(x)}}}" for name, x in kwargs.items()]
    return define("call", "fun, given, tracers", [f"return fun({', '.join(parts)})"], bound)
