"""
Whether a code is of a value set: by ValueSets and CodeSystems in the store, and by the region's dictionary.

Three answers: yes, no, and that it cannot be said here, which is never taken for either.
https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from records.stored import Json
from records.validation.profiles import NO_VOCABULARY
from records.validation.profiles.vocabulary import member
from terminology.service import Terminology

BELOW = {"is-a": ("equivalent", "subsumes"), "descendent-of": ("subsumes",)}
DEEPEST = 10


@dataclass(slots=True)
class StoredTables:
    """ValueSets by address, and the codes of those CodeSystems that are there whole."""

    value_sets: dict[str, Json] = field(default_factory=dict)
    systems: dict[str, frozenset[str]] = field(default_factory=dict)

    def add_system(self, system: Json) -> None:
        """Take in a code system, where it lists all its codes."""
        if system.get("content") == "complete" and system.get("url"):
            self.systems[str(system["url"])] = frozenset(_codes(system.get("concept", ())))


def _codes(concepts: Iterable[Json]) -> Iterator[str]:
    for one in concepts:
        yield str(one.get("code"))
        yield from _codes(one.get("concept", ()))


@dataclass(frozen=True, slots=True)
class RegionVocabulary:
    """`records.validation.profiles.Vocabulary` over what is stored and what the dictionary knows."""

    words: Terminology
    tables: StoredTables = field(default_factory=StoredTables)

    def holds(self, value_set: str, system: str | None, code: str, /) -> bool | None:
        """Whether a code is of the set; None where that cannot be said."""
        return self._holds(value_set, system, code, 0)

    def _holds(self, value_set: str, system: str | None, code: str, depth: int) -> bool | None:
        stored = self.tables.value_sets.get(value_set.partition("|")[0])
        if stored is not None:
            return None if depth > DEEPEST else self._composed(stored, system, code, depth)
        found = self.words.value_set(value_set)
        if found is None:
            return member(NO_VOCABULARY, value_set, system, code) if depth else None
        systems = [part.system for part in found.include] if system is None else [system]
        return any(self.words.member(value_set, one, code) for one in systems)

    def _composed(self, stored: Json, system: str | None, code: str, depth: int) -> bool | None:
        compose = stored.get("compose") or {}
        if not compose.get("include"):
            return _expanded(stored, system, code)
        included = _any(self._part(one, system, code, depth) for one in compose["include"])
        excluded = _any(self._part(one, system, code, depth) for one in compose.get("exclude", ()))
        return _all([included, None if excluded is None else not excluded])

    def _part(self, part: Json, system: str | None, code: str, depth: int) -> bool | None:
        """All that a part asks: its system's codes, and being in each of its value sets."""
        answers = [self._holds(str(one), system, code, depth + 1) for one in part.get("valueSet", ())]
        if "system" in part:
            answers.append(self._of_system(part, system, code))
        return _all(answers) if answers else None

    def _of_system(self, part: Json, system: str | None, code: str) -> bool | None:
        own = str(part["system"])
        if system is not None and system != own:
            return False
        if "concept" in part:
            return any(one.get("code") == code for one in part["concept"])
        if filters := part.get("filter"):
            return _all([self._filtered(own, one, code) for one in filters])
        if own in self.tables.systems:
            return code in self.tables.systems[own]
        if self.words.code_system(own) is None:
            return None
        return self.words.validate_code(own, code).result

    def _filtered(self, system: str, one: Json, code: str) -> bool | None:
        if one.get("property") != "concept" or one.get("op") not in BELOW or self.words.code_system(system) is None:
            return None
        return self.words.subsumes(system, str(one.get("value")), code) in BELOW[one["op"]]


def _expanded(stored: Json, system: str | None, code: str) -> bool | None:
    """By its expansion, where a value set comes with nothing else, and with all of it."""
    expansion = stored.get("expansion") or {}
    contains = list(_contained(expansion.get("contains", ())))
    if any(one.get("code") == code and system in (None, one.get("system")) for one in contains):
        return True
    return False if contains and expansion.get("total", len(contains)) <= len(contains) else None


def _contained(found: Iterable[Json]) -> Iterator[Json]:
    for one in found:
        yield one
        yield from _contained(one.get("contains", ()))


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return True if True in found else None if None in found else False


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return False if False in found else None if None in found else True
