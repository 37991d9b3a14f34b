"""
A code system compiled for questions: by code, by parent, by property, by word; each index made when first asked for.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from terminology.tables.words import Words

Json = dict[str, Any]
Hierarchy = Literal["none", "tree", "prefix"]
Content = Literal["complete", "fragment"]


@dataclass(frozen=True, slots=True)
class Designation:
    """Another name of a concept."""

    value: str
    language: str = ""
    use: Json | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """Something said of a concept; `type` is the ending of its element in FHIR: `Code`, `String`, `Coding`, ..."""

    code: str
    type: str
    value: Any

    @property
    def text(self) -> str:
        """The value as filters compare it."""
        if isinstance(self.value, dict):
            return str(self.value.get("code", ""))
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One concept. `abstract` is only for grouping; `inactive` is no longer to be used."""

    code: str
    display: str = ""
    parents: tuple[str, ...] = ()
    designations: tuple[Designation, ...] = ()
    definition: str = ""
    properties: tuple[Property, ...] = ()
    abstract: bool = False
    inactive: bool = False

    @property
    def names(self) -> Iterator[str]:
        """Every name that it goes by."""
        yield from (one for one in (self.display, *(one.value for one in self.designations)) if one)


@dataclass(frozen=True, eq=False)
class System:
    """
    One release of a code system, as far as it is held here.

    `key` names exactly this content. In a hierarchy by prefix a code that begins with a known one lies below it, also
    where it is finer than anything that is held. `selected` keeps what filters have found.
    """

    key: str
    url: str
    entries: Mapping[str, Entry]
    version: str = ""
    title: str = ""
    language: str = ""
    content: Content = "complete"
    case_sensitive: bool = True
    hierarchy: Hierarchy = "none"
    selected: dict[Any, frozenset[str]] = field(default_factory=dict)

    @property
    def canonical(self) -> str:
        """`url|version`."""
        return f"{self.url}|{self.version}" if self.version else self.url

    def find(self, code: str) -> Entry | None:
        """The concept of a code, without regard to case where the system says so."""
        found = self.entries.get(code)
        if found is None and not self.case_sensitive:
            return self.entries.get(self._folded.get(code.casefold(), ""))
        return found

    def nearest(self, code: str) -> Entry | None:
        """In a hierarchy by prefix: the closest known concept that a finer code lies below."""
        if self.hierarchy != "prefix":
            return None
        return next((self.entries[one] for one in prefixes(code) if one in self.entries), None)

    def children(self, code: str) -> tuple[str, ...]:
        """The concepts directly below, in their order."""
        return self._children.get(code, ())

    def below(self, code: str) -> frozenset[str]:
        """All known concepts below a code, without itself."""
        found, fresh = set[str](), list(self.children(code))
        while fresh:
            one = fresh.pop()
            if one not in found:
                found.add(one)
                fresh += self.children(one)
        return frozenset(found - {code})

    def above(self, code: str) -> frozenset[str]:
        """All concepts above a code, without itself; of a finer code those above its nearest, and that one."""
        entry = self.entries.get(code)
        if entry is None:
            closest = self.nearest(code)
            return self.above(closest.code) | {closest.code} if closest else frozenset()
        found, fresh = set[str](), list(entry.parents)
        while fresh:
            one = fresh.pop()
            if one not in found and one in self.entries:
                found.add(one)
                fresh += self.entries[one].parents
        return frozenset(found - {code})

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each code in the system's own order."""
        return {code: place for place, code in enumerate(self.entries)}

    @cached_property
    def words(self) -> Words:
        """Concepts by what their codes and names contain."""
        return Words("\n".join((one.code, *one.names)) for one in self.entries.values())

    @cached_property
    def by_property(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """Codes by property and value."""
        found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for one in self.entries.values():
            for said in one.properties:
                found[said.code][said.text].add(one.code)
        return {name: {value: frozenset(codes) for value, codes in by.items()} for name, by in found.items()}

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for one in self.entries.values():
            for parent in one.parents:
                found[parent].append(one.code)
        return {code: tuple(codes) for code, codes in found.items()}

    @cached_property
    def _folded(self) -> Mapping[str, str]:
        return {code.casefold(): code for code in self.entries}


def prefixes(code: str) -> Iterator[str]:
    """Longer prefixes first: `A15.0` lies below `A15`; `J01CA04` below `J01CA`, `J01C`, `J01`."""
    for length in range(len(code) - 1, 0, -1):
        yield code[:length].rstrip(".")
