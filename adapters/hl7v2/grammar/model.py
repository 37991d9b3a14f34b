"""
What a compiled grammar is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

UNBOUNDED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Child:
    """A place in a message or group: a segment, or a group when `group` is given."""

    name: str
    least: int
    most: int
    group: Node | None = None

    @property
    def first(self) -> frozenset[str]:
        """Segments that it can begin with."""
        return self.group.first if self.group else frozenset((self.name,))

    @property
    def inside(self) -> frozenset[str]:
        """Segments that occur anywhere in it."""
        return self.group.inside if self.group else frozenset((self.name,))


@dataclass(frozen=True, slots=True)
class Node:
    """
    A message structure or a group.

    `starts` tells for a segment the places that can begin with it, `holds` those that contain it somewhere.
    `choice`: only one of the children occurs.
    """

    name: str
    children: tuple[Child, ...]
    choice: bool
    first: frozenset[str]
    inside: frozenset[str]
    starts: Mapping[str, tuple[int, ...]]
    holds: Mapping[str, tuple[int, ...]]
    required: tuple[Child, ...]
    limited: tuple[Child, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A primitive: `fits(text)` is truthy for good text, `condition` (table 0357) says what it is when not."""

    condition: str
    fits: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Datatype:
    """
    What can be checked in a data type: a leaf, or leaves inside it as (component, subcomponent, leaf), from 0.

    `simple`: a primitive, which has no components. `alone` is the leaf of the first part, for a value that is not
    divided.
    """

    name: str
    leaf: Leaf | None = None
    parts: tuple[tuple[int, int, Leaf], ...] = ()
    simple: bool = False
    alone: Leaf | None = None


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """`required` positions from 0, `most` repetitions and `datatypes` of each field; `open`: ends with any field."""

    name: str
    required: tuple[int, ...]
    most: tuple[int, ...]
    datatypes: tuple[Datatype | None, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class Grammar:
    """One version: message structures, groups by name, segments, data types by name."""

    version: str
    structures: Mapping[str, Node]
    groups: Mapping[str, Node]
    segments: Mapping[str, SegmentRule]
    datatypes: Mapping[str, Datatype]
