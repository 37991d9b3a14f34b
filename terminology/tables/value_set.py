"""
A value set as its definition: parts that are taken in, parts that are taken out, or the expansion that it came with.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from terminology.tables.filters import Filter
from terminology.tables.system import Designation

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A code that a part names, with the names that it is given there."""

    code: str
    display: str = ""
    designations: tuple[Designation, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """
    The codes of a system (those named, those that meet every filter, or all) that are in each of the value sets.

    Without a system, whatever is in each of the value sets.
    """

    system: str = ""
    version: str = ""
    listed: tuple[Listed, ...] = ()
    filters: tuple[Filter, ...] = ()
    value_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contained:
    """A code of an expansion that a value set came with."""

    system: str
    listed: Listed
    version: str = ""
    abstract: bool = False
    inactive: bool = False


@dataclass(frozen=True, eq=False)
class ValueSet:
    """
    One version of a value set; `key` names exactly this content, `raw` is the resource as it can be shown.

    `contained` is used only where there is no definition; `whole` says that it is all of the expansion.
    """

    key: str
    url: str
    version: str = ""
    title: str = ""
    language: str = ""
    include: tuple[Part, ...] = ()
    exclude: tuple[Part, ...] = ()
    inactive: bool = True
    contained: tuple[Contained, ...] = ()
    whole: bool = True
    raw: Json = field(default_factory=dict)

    @property
    def canonical(self) -> str:
        """`url|version`."""
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that it is composed of."""
        return self.include + self.exclude

    @property
    def systems(self) -> Iterator[str]:
        """Every code system that it names, with the version where there is one."""
        for part in self.parts:
            if part.system:
                yield f"{part.system}|{part.version}" if part.version else part.system
        yield from dict.fromkeys(one.system for one in self.contained)

    @property
    def value_sets(self) -> Iterator[str]:
        """Every value set that it names."""
        for part in self.parts:
            yield from part.value_sets
