"""A remedy for lists of numbers that were meant as arrays.

A list is a tree: its numbers are traced one by one. Code that expects an array then fails in
Python, or where NumPy makes an array of the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import FunctraceError, TracerConversionError
from ..ir import ArrayType
from ..tree import TreeDef


def hint_at_lists(
    error: Exception, structure: TreeDef, names: Sequence[str], types: Sequence[ArrayType]
) -> None:
    """Add to an error of a traced function that an argument is a list of numbers, if one is.

    Args:
        structure: the structure of the arguments.
        names, types: of their leaves.
    """
    words = ("'list'", "'tuple'", "List[", "sequence")
    if not isinstance(error, TracerConversionError) and not any(w in str(error) for w in words):
        return
    found = list(_lists(structure, names, types))
    if not found:
        return
    path, kind, count = found[0]
    hint = (
        f"the argument {path} is a {kind}, which is a tree of {count} number"
        f"{'s' if count != 1 else ''} and not an array: pass np.array(...)"
    )
    if isinstance(error, FunctraceError):
        error.amend(hint)
    else:
        error.add_note(f"functrace: {hint}")


def _lists(
    structure: TreeDef, names: Sequence[str], types: Sequence[ArrayType]
) -> Iterator[tuple[str, str, int]]:
    """The path, the kind and the length of each list or tuple of numbers."""
    waiting = [(structure, 0)]
    while waiting:
        node, start = waiting.pop()
        end = start + len(node.children)
        if _flat(node) and names[start].endswith("[0]"):  # else they are the arguments
            if not any(type.shape for type in types[start:end]):
                kind = "list" if node.kind is list else "tuple"
                yield names[start].removesuffix("[0]"), kind, end - start
            continue
        for child in node.children:
            waiting.append((child, start))
            start += child.size


def _flat(node: TreeDef) -> bool:
    """Whether a node is a list or tuple of leaves."""
    leaves = bool(node.children) and all(child.kind is None for child in node.children)
    return leaves and node.kind in (list, tuple)
