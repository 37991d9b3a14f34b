"""
Read the dictionary's data files: one JSON file a code system, value set or concept map.

https://hl7.org/fhir/R4/terminology-module.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from terminology.concepts import CodeSystem, Concept, ConceptMap, Edition, Include, Target, ValueSet

Raw = dict[str, Any]


def code_systems() -> dict[str, CodeSystem]:
    """Every code system of the package, by its URI."""
    systems = (_code_system(raw) for raw in _read("code_systems"))
    return {system.edition.url: system for system in systems}


def value_sets() -> dict[str, ValueSet]:
    """Every value set, by its URL."""
    sets = (ValueSet(_edition(raw), tuple(_include(part) for part in raw["include"])) for raw in _read("value_sets"))
    return {value_set.edition.url: value_set for value_set in sets}


def concept_maps() -> dict[str, ConceptMap]:
    """Every concept map, by its URL."""
    maps = (_concept_map(raw) for raw in _read("concept_maps"))
    return {concept_map.edition.url: concept_map for concept_map in maps}


def _read(folder: str) -> Iterator[Raw]:
    for file in sorted(files("terminology").joinpath("data", folder).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            yield json.loads(file.read_text(encoding="utf-8"))


def _edition(raw: Raw) -> Edition:
    name = raw["name"]
    return Edition(
        raw.get("system") or raw["url"], name["zh"], name["en"], raw["release"], raw["source"], raw["verified"]
    )


def _code_system(raw: Raw) -> CodeSystem:
    concepts = (
        Concept(row["code"], row["zh"], row["en"], row.get("parent", ""), row.get("properties", {}))
        for row in raw["concepts"]
    )
    return CodeSystem(_edition(raw), raw["hierarchy"], {concept.code: concept for concept in concepts})


def _include(raw: Raw) -> Include:
    return Include(raw["system"], tuple(raw.get("codes", ())), tuple(raw.get("is_a", ())), raw.get("property", {}))


def _concept_map(raw: Raw) -> ConceptMap:
    targets: defaultdict[str, list[Target]] = defaultdict(list)
    for row in raw["elements"]:
        targets[row["code"]].append(Target(raw["to"], row["target"], row["equivalence"]))
    return ConceptMap(_edition(raw), raw["from"], {code: tuple(found) for code, found in targets.items()})
