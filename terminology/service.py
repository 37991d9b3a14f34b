"""
Answers about codes, in memory: lookup, validate-code, expand, translate, subsumes.

Every table may be asked for as `url`, which is its current release, or as `url|release`, which is exactly that one.
https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from terminology import loading
from terminology.concepts import (
    Coded,
    CodeSystem,
    Concept,
    ConceptMap,
    Edition,
    Include,
    Subsumption,
    Target,
    Validation,
    ValueSet,
)

LOINC = "http://loinc.org"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ATC = "http://www.whocc.no/atc"
DRUG = "urn:hie:drug"
NOTIFIABLE = "urn:hie:notifiable-disease"
# The clinical and the insurance edition of the nation refine ICD-10; hospitals also name it by its OID.
ALIASES = {
    "urn:oid:2.16.156.10011.2.3.3.11": ICD_10,
    "http://hl7.org/fhir/sid/icd-10-cn": ICD_10,
    "urn:oid:2.16.840.1.113883.6.3": ICD_10,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
}


Table = CodeSystem | ValueSet | ConceptMap
Kind = TypeVar("Kind", CodeSystem, ValueSet, ConceptMap)
UNKNOWN_SYSTEM = "The code system is not known here."
UNKNOWN_CODE = "The code is not in the code system."
WRONG_DISPLAY = "The display is not a name of the code."
NOT_A_MEMBER = "The code is not in the value set."


@dataclass(frozen=True, slots=True)
class Terminology:
    """
    The dictionary; build it with `terminology()` or, in tests, with tables of your own.

    The three mappings hold the current release of each table by its URL, `older` all others by `url|release`.
    """

    code_systems: Mapping[str, CodeSystem]
    value_sets: Mapping[str, ValueSet]
    concept_maps: Mapping[str, ConceptMap]
    older: Mapping[str, Table] = field(default_factory=dict)

    def editions(self) -> tuple[Edition, ...]:
        """What is loaded: every table with its release, source and whether it was verified."""
        tables: list[Table] = [*self.code_systems.values(), *self.value_sets.values()]
        tables += [*self.concept_maps.values(), *self.older.values()]
        return tuple(table.edition for table in tables)

    def code_system(self, system: str) -> CodeSystem | None:
        """A code system at the release asked for, also by another name of it; None where it is not ours."""
        url, bar, release = system.partition("|")
        return _release(self.code_systems, self.older, f"{ALIASES.get(url, url)}{bar}{release}", CodeSystem)

    def value_set(self, value_set: str) -> ValueSet | None:
        """A value set at the release asked for."""
        return _release(self.value_sets, self.older, value_set, ValueSet)

    def concept_map(self, concept_map: str) -> ConceptMap | None:
        """A concept map at the release asked for."""
        return _release(self.concept_maps, self.older, concept_map, ConceptMap)

    def lookup(self, system: str, code: str) -> Concept | None:
        """The concept, or None where the system or the code is not ours."""
        table = self.code_system(system)
        return table.concepts.get(code) if table else None

    def display(self, system: str, code: str, lang: str = "zh-CN") -> str | None:
        """The name of a code; a finer ICD-10 or ATC code takes the name of its nearest known ancestor."""
        concept = self.lookup(system, code) or self._ancestor(system, code)
        return concept.display(lang) if concept else None

    def plain(self, system: str, code: str, lang: str = "zh-CN") -> str | None:
        """One sentence for a resident, where there is one."""
        concept = self.lookup(system, code)
        sentence = concept.properties.get("plain_en" if lang.startswith("en") else "plain_zh") if concept else None
        return str(sentence) if sentence else None

    def validate_code(self, system: str, code: str, display: str | None = None) -> Validation:
        """Whether the code exists and, where a display is given, whether it is one of its names."""
        if self.code_system(system) is None:
            return Validation(False, message=UNKNOWN_SYSTEM)
        concept = self.lookup(system, code)
        if concept is None:
            return Validation(False, message=UNKNOWN_CODE)
        if display is not None and display not in (concept.zh, concept.en):
            return Validation(False, concept.zh, WRONG_DISPLAY)
        return Validation(True, concept.zh)

    def validate_member(self, value_set: str, system: str, code: str, display: str | None = None) -> Validation:
        """The same for a value set; KeyError where there is no such set."""
        if self.value_set(value_set) is None:
            raise KeyError(value_set)
        if not self.member(value_set, system, code):
            return Validation(False, self.display(system, code) or "", NOT_A_MEMBER)
        # A code finer than our table is a member by its ancestor; its own name is not ours to judge.
        return self.validate_code(system, code, display) if self.lookup(system, code) else Validation(True)

    def member(self, value_set: str, system: str, code: str) -> bool:
        """Whether a code is in a value set; codes finer than ours count where the set takes all below a code."""
        found = self.value_set(value_set)
        return found is not None and any(self._takes(part, system, code) for part in found.include)

    def expand(self, value_set: str, text: str = "", *, offset: int = 0, count: int = 1000) -> tuple[Coded, ...]:
        """The codes of a value set whose code or name contains `text`; KeyError where there is no such set."""
        found = self.value_set(value_set)
        if found is None:
            raise KeyError(value_set)
        wanted = text.casefold()
        members = dict.fromkeys((part.system, concept.code) for part, concept in self._members(found))
        coded = [Coded(_url(system), concept) for system, code in members if (concept := self.lookup(system, code))]
        return tuple([item for item in coded if wanted in _words(item.concept)][offset : offset + count])

    def translate(self, concept_map: str, code: str) -> tuple[Target, ...]:
        """What a code means in the target system; empty where the map does not say."""
        found = self.concept_map(concept_map)
        return found.targets.get(code, ()) if found else ()

    def maps(self, source: str, target: str = "") -> tuple[ConceptMap, ...]:
        """The current maps that lead from one system to another, or to any."""
        return tuple(
            found
            for found in self.concept_maps.values()
            if found.source_system == ALIASES.get(source, source) and target in ("", *_target_systems(found))
        )

    def subsumes(self, system: str, a: str, b: str) -> Subsumption:
        """How two codes of a system are related; KeyError where the system is not ours."""
        table = self.code_system(system)
        if table is None:
            raise KeyError(system)
        if a == b:
            return "equivalent"
        if a in _ancestors(table, b):
            return "subsumes"
        return "subsumed-by" if b in _ancestors(table, a) else "not-subsumed"

    def _ancestor(self, system: str, code: str) -> Concept | None:
        table = self.code_system(system)
        if table is None or table.hierarchy != "prefix":
            return None
        return next((table.concepts[part] for part in _prefixes(code) if part in table.concepts), None)

    def _takes(self, part: Include, system: str, code: str) -> bool:
        if _url(part.system) != ALIASES.get(_url(system), _url(system)):
            return False
        concept = self.lookup(part.system, code)
        if not (part.codes or part.is_a or part.properties):
            return concept is not None
        if code in part.codes or any(self.subsumes(part.system, top, code) in _BELOW for top in part.is_a):
            return True
        return bool(part.properties) and concept is not None and _has(concept, part)

    def _members(self, value_set: ValueSet) -> Iterator[tuple[Include, Concept]]:
        for part in value_set.include:
            table = self.code_system(part.system)
            for concept in table.concepts.values() if table else ():
                if self._takes(part, part.system, concept.code):
                    yield part, concept


_BELOW = frozenset({"equivalent", "subsumes"})


def _release(current: Mapping[str, Kind], older: Mapping[str, Table], asked: str, kind: type[Kind]) -> Kind | None:
    url, _, release = asked.partition("|")
    found = current.get(url)
    if not release or (found and found.edition.release == release):
        return found
    past = older.get(asked)
    return past if isinstance(past, kind) else None


def _url(canonical: str) -> str:
    return canonical.partition("|")[0]


def _target_systems(found: ConceptMap) -> frozenset[str]:
    return frozenset(target.system for targets in found.targets.values() for target in targets)


def _ancestors(table: CodeSystem, code: str) -> tuple[str, ...]:
    if table.hierarchy == "prefix":
        return tuple(_prefixes(code))
    return tuple(_parents(table, code)) if table.hierarchy == "parent" else ()


def _prefixes(code: str) -> Iterator[str]:
    """Longer prefixes first: `A15.0` lies below `A15`; `J01CA04` below `J01CA`, `J01C`, `J01`."""
    for length in range(len(code) - 1, 0, -1):
        yield code[:length].rstrip(".")


def _parents(table: CodeSystem, code: str) -> Iterator[str]:
    concept = table.concepts.get(code)
    while concept and concept.parent:
        yield concept.parent
        concept = table.concepts.get(concept.parent)


def _has(concept: Concept, part: Include) -> bool:
    return all(concept.properties.get(name) == value for name, value in part.properties.items())


def _words(concept: Concept) -> str:
    return f"{concept.code} {concept.zh} {concept.en}".casefold()


def build(systems: Iterable[CodeSystem], sets: Iterable[ValueSet], maps: Iterable[ConceptMap]) -> Terminology:
    """The dictionary out of tables; of several releases of one table the last one is the current."""
    older: dict[str, Table] = {}
    return Terminology(_current(systems, older), _current(sets, older), _current(maps, older), older)


def _current(tables: Iterable[Kind], older: dict[str, Table]) -> dict[str, Kind]:
    newest: dict[str, Kind] = {}
    for table in tables:
        if past := newest.get(table.edition.url):
            older[past.edition.canonical] = past
        newest[table.edition.url] = table
    return newest


@lru_cache(maxsize=1)
def terminology() -> Terminology:
    """The dictionary of the package, read once."""
    return build(loading.code_systems(), loading.value_sets(), loading.concept_maps())
