"""
A concept map compiled for questions from both of its sides.

https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Json = dict[str, Any]
Mode = Literal["", "provided", "fixed", "other-map"]
# Read from the other side, what is wider is narrower.
INVERSE = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
# These say that there is no translation.
NONE = frozenset({"unmatched", "disjoint"})


@dataclass(frozen=True, slots=True)
class Dependency:
    """What else must hold (`dependsOn`), or comes along (`product`)."""

    property: str
    value: str
    system: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a code means on the other side; `equivalence` in FHIR's words, the code is empty where nothing does."""

    code: str
    equivalence: str
    display: str = ""
    comment: str = ""
    depends_on: tuple[Dependency, ...] = ()
    product: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmapped:
    """What is done with a code that the group does not name."""

    mode: Mode = ""
    code: str = ""
    display: str = ""
    url: str = ""


@dataclass(frozen=True)
class Group:
    """The codes of one system with their meanings in another."""

    source: str
    target: str
    elements: Mapping[str, tuple[Target, ...]]
    source_version: str = ""
    target_version: str = ""
    unmapped: Unmapped = Unmapped()

    @cached_property
    def reverse(self) -> Mapping[str, Sequence[Target]]:
        """Codes of the source by what they lead to."""
        found: defaultdict[str, list[Target]] = defaultdict(list)
        for code, targets in self.elements.items():
            for one in targets:
                if one.code and one.equivalence not in NONE:
                    equivalence = INVERSE.get(one.equivalence, one.equivalence)
                    found[one.code].append(Target(code, equivalence, "", one.comment, (), one.depends_on))
        return found


@dataclass(frozen=True, eq=False)
class ConceptMap:
    """One version of a concept map; `source` and `target` are the value sets that it leads between, where it says."""

    key: str
    url: str
    groups: tuple[Group, ...]
    version: str = ""
    title: str = ""
    source: str = ""
    target: str = ""

    @property
    def canonical(self) -> str:
        """`url|version`."""
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def others(self) -> tuple[str, ...]:
        """The maps that unmapped codes are sent on to."""
        return tuple(one.unmapped.url for one in self.groups if one.unmapped.mode == "other-map" and one.unmapped.url)
