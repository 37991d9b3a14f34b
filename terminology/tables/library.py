"""
Where a canonical address leads: to what was stored first, then to the region's dictionary, then to HL7's own tables.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import TypeVar
from urllib.parse import unquote

from terminology.service import ALIASES, Terminology
from terminology.tables import hl7, region
from terminology.tables.concept_map import ConceptMap
from terminology.tables.reading import supplemented
from terminology.tables.system import System
from terminology.tables.undecided import Contradicted
from terminology.tables.value_set import ValueSet

Table = TypeVar("Table", System, ValueSet, ConceptMap)
Grammar = Callable[[str], bool | None]


class Region:
    """The dictionary's tables in the compiled form, each compiled once."""

    def __init__(self, words: Terminology) -> None:
        self.words = words
        self._systems: dict[str, System] = {}
        self._value_sets: dict[str, ValueSet] = {}
        self._maps: dict[str, ConceptMap] = {}

    def system(self, url: str, version: str) -> System | None:
        """A code system; of what HL7 publishes whole and the region in part, the whole with the region's names."""
        table = self.words.code_system(f"{url}|{version}" if version else url)
        if table is None:
            return None
        key = table.edition.canonical
        if key not in self._systems:
            own = region.code_system(table)
            whole = hl7.code_system(own.url) if own.content == "fragment" else None
            self._systems[key] = supplemented(whole, own) if whole else own
        return self._systems[key]

    def value_set(self, url: str, version: str) -> ValueSet | None:
        """A value set."""
        table = self.words.value_set(f"{url}|{version}" if version else url)
        if table is None:
            return None
        key = table.edition.canonical
        if key not in self._value_sets:
            self._value_sets[key] = region.value_set(table)
        return self._value_sets[key]

    def concept_map(self, url: str, version: str) -> ConceptMap | None:
        """A concept map."""
        table = self.words.concept_map(f"{url}|{version}" if version else url)
        if table is None:
            return None
        key = table.edition.canonical
        if key not in self._maps:
            self._maps[key] = region.concept_map(table)
        return self._maps[key]

    def maps(self) -> list[ConceptMap]:
        """Every concept map in force."""
        return [found for url in self.words.concept_maps if (found := self.concept_map(url, ""))]


@dataclass(frozen=True, slots=True)
class Versions:
    """
    Which version of a code system is meant, as a request may say, by system: where a definition says none
    (`otherwise`), whatever it says (`forced`), and which may be found (`checked`).
    """

    otherwise: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)


NO_VERSIONS = Versions()


@dataclass(frozen=True)
class Library:
    """Every table that one request may come by; the stored ones by their address, the newest first."""

    region: Region
    systems: Mapping[str, Sequence[System]] = field(default_factory=dict)
    supplements: Mapping[str, Sequence[System]] = field(default_factory=dict)
    value_sets: Mapping[str, Sequence[ValueSet]] = field(default_factory=dict)
    maps: Mapping[str, Sequence[ConceptMap]] = field(default_factory=dict)
    grammars: Mapping[str, Grammar] = field(default_factory=dict)
    versions: Versions = NO_VERSIONS

    @cached_property
    def key(self) -> str:
        """Names the content of what is stored."""
        tables: Iterable[System | ValueSet] = (
            *(one for found in (*self.systems.values(), *self.supplements.values()) for one in found),
            *(one for found in self.value_sets.values() for one in found),
        )
        return f"{sorted(one.key for one in tables)} {self.versions}"

    def system(self, canonical: str, version: str = "") -> System | None:
        """A code system, at the version asked for or that the request wants; None where it is not held here."""
        url, named = divided(canonical)
        found = self._system(url, self._version(url, version or named))
        if found is not None and not fits(found.version, self.versions.checked.get(url, "")):
            raise Contradicted(f"{url}|{found.version}")
        return found

    def value_set(self, canonical: str) -> ValueSet | None:
        """A value set."""
        url, version = divided(canonical)
        stored = chosen(self.value_sets.get(url, ()), version)
        return stored or self.region.value_set(url, version) or _of(hl7.value_set(url), version)

    def concept_map(self, canonical: str) -> ConceptMap | None:
        """A concept map."""
        url, version = divided(canonical)
        stored = chosen(self.maps.get(url, ()), version)
        return stored or self.region.concept_map(url, version) or _of(hl7.concept_map(url), version)

    def _version(self, url: str, named: str) -> str:
        return self.versions.forced.get(url) or named or self.versions.otherwise.get(url, "")

    def _system(self, url: str, version: str) -> System | None:
        found = chosen(self.systems.get(url) or self.systems.get(same(url), ()), version)
        found = found or self.region.system(url, version) or _of(hl7.code_system(url), version)
        added = self.supplements.get(found.url, ()) if found else ()
        return reduce(supplemented, added, found) if found else None


def divided(canonical: str) -> tuple[str, str]:
    """Address and version of `url|version`; the version as it is written, also where it stands in a uri."""
    url, _, version = canonical.partition("|")
    return url, unquote(version)


def same(url: str) -> str:
    """One name for a code system that has several."""
    return ALIASES.get(url, url)


def fits(version: str, asked: str) -> bool:
    """Whether a version is the one asked for: `4.0` also asks for 4.0.1, and nothing for any."""
    return not asked or version == asked or version.startswith(f"{asked}.")


def chosen(found: Sequence[Table], version: str) -> Table | None:
    """The first of these at the version asked for."""
    return next((one for one in found if fits(one.version, version)), None)


def _of(found: Table | None, version: str) -> Table | None:
    return found if found is not None and fits(found.version, version) else None
