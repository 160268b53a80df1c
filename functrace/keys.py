"""The steps of a path to a leaf of a tree, with JAX's names. As text they read as in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SequenceKey:
    """An item of a tuple or list."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx}]"


@dataclass(frozen=True)
class DictKey:
    """An item of a dict."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True)
class GetAttrKey:
    """A field of a named tuple or dataclass."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True)
class FlattenedIndexKey:
    """A child of a node that was registered without names for its children."""

    key: int

    def __str__(self) -> str:
        return f".children[{self.key}]"


Key = SequenceKey | DictKey | GetAttrKey | FlattenedIndexKey
Path = tuple[Key, ...]
