"""
Answers about codes, in memory: lookup, validate-code, expand, translate, subsumes.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

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


@dataclass(frozen=True, slots=True)
class Terminology:
    """The dictionary; build it with `terminology()` or, in tests, with tables of your own."""

    code_systems: Mapping[str, CodeSystem]
    value_sets: Mapping[str, ValueSet]
    concept_maps: Mapping[str, ConceptMap]

    def editions(self) -> tuple[Edition, ...]:
        """What is loaded: every table with its release, source and whether it was verified."""
        tables: list[CodeSystem | ValueSet | ConceptMap] = [*self.code_systems.values(), *self.value_sets.values()]
        tables += self.concept_maps.values()
        return tuple(table.edition for table in tables)

    def lookup(self, system: str, code: str) -> Concept | None:
        """The concept, or None where the system or the code is not ours."""
        table = self.code_systems.get(ALIASES.get(system, system))
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
        if ALIASES.get(system, system) not in self.code_systems:
            return Validation(False, message="The code system is not known here.")
        concept = self.lookup(system, code)
        if concept is None:
            return Validation(False, message="The code is not in the code system.")
        if display is not None and display not in (concept.zh, concept.en):
            return Validation(False, concept.zh, "The display is not a name of the code.")
        return Validation(True, concept.zh)

    def member(self, value_set: str, system: str, code: str) -> bool:
        """Whether a code is in a value set; codes finer than ours count where the set takes all below a code."""
        found = self.value_sets.get(value_set)
        return found is not None and any(self._takes(part, system, code) for part in found.include)

    def expand(self, value_set: str, text: str = "", *, offset: int = 0, count: int = 1000) -> tuple[Coded, ...]:
        """The codes of a value set whose code or name contains `text`; KeyError where there is no such set."""
        members = dict.fromkeys(self._members(self.value_sets[value_set]))
        coded = [Coded(system, self.code_systems[system].concepts[code]) for system, code in members]
        wanted = text.casefold()
        return tuple([item for item in coded if wanted in _words(item.concept)][offset : offset + count])

    def translate(self, concept_map: str, code: str) -> tuple[Target, ...]:
        """What a code means in the target system; empty where the map does not say."""
        found = self.concept_maps.get(concept_map)
        return found.targets.get(code, ()) if found else ()

    def subsumes(self, system: str, a: str, b: str) -> Subsumption:
        """How two codes of a system are related; KeyError where the system is not ours."""
        if a == b:
            return "equivalent"
        if a in self._ancestors(system, b):
            return "subsumes"
        return "subsumed-by" if b in self._ancestors(system, a) else "not-subsumed"

    def _ancestor(self, system: str, code: str) -> Concept | None:
        table = self.code_systems.get(ALIASES.get(system, system))
        if table is None or table.hierarchy != "prefix":
            return None
        return next((table.concepts[part] for part in _prefixes(code) if part in table.concepts), None)

    def _ancestors(self, system: str, code: str) -> tuple[str, ...]:
        table = self.code_systems[ALIASES.get(system, system)]
        if table.hierarchy == "prefix":
            return tuple(_prefixes(code))
        return tuple(_parents(table, code)) if table.hierarchy == "parent" else ()

    def _takes(self, part: Include, system: str, code: str) -> bool:
        if part.system != ALIASES.get(system, system):
            return False
        if code in part.codes or any(self.subsumes(system, top, code) in _BELOW for top in part.is_a):
            return True
        concept = self.lookup(system, code)
        return bool(part.properties) and concept is not None and _has(concept, part)

    def _members(self, value_set: ValueSet) -> Iterator[tuple[str, str]]:
        for part in value_set.include:
            codes = part.codes or self.code_systems[part.system].concepts
            for code in codes:
                if code in self.code_systems[part.system].concepts and self._takes(part, part.system, code):
                    yield part.system, code


_BELOW = frozenset({"equivalent", "subsumes"})


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


@lru_cache(maxsize=1)
def terminology() -> Terminology:
    """The dictionary of the package, read once."""
    return Terminology(loading.code_systems(), loading.value_sets(), loading.concept_maps())
