"""
Read the dictionary's data files: one JSON file a code system, value set or concept map.

https://hl7.org/fhir/R4/terminology-module.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.resources import files
from typing import Any

from terminology.concepts import CodeSystem, Concept, ConceptMap, Edition, Include, Target, ValueSet

Raw = dict[str, Any]


def code_systems() -> list[CodeSystem]:
    """Every release of every code system of the package, the current one of each last."""
    return [_code_system(raw) for raw in _read("code_systems")]


def value_sets() -> list[ValueSet]:
    """Every release of every value set, the current one last."""
    return [_value_set(raw) for raw in _read("value_sets")]


def concept_maps() -> list[ConceptMap]:
    """Every release of every concept map, the current one last."""
    return [_concept_map(raw) for raw in _read("concept_maps")]


def _read(folder: str) -> list[Raw]:
    """The files of a folder; of two releases of one table the later one is last."""
    found = sorted(files("terminology").joinpath("data", folder).iterdir(), key=lambda entry: entry.name)
    raws = [json.loads(file.read_text(encoding="utf-8")) for file in found if file.name.endswith(".json")]
    return sorted(raws, key=lambda raw: str(raw.get("valid_from", "")))


def _edition(raw: Raw) -> Edition:
    name = raw["name"]
    return Edition(
        raw.get("system") or raw["url"], name["zh"], name["en"], raw["release"], raw["source"], raw["verified"],
        raw.get("valid_from", ""),
    )  # fmt: skip


def _code_system(raw: Raw) -> CodeSystem:
    concepts = (
        Concept(row["code"], row["zh"], row["en"], row.get("parent", ""), row.get("properties", {}))
        for row in raw["concepts"]
    )
    by_code = {concept.code: concept for concept in concepts}
    return CodeSystem(_edition(raw), raw["hierarchy"], by_code, raw.get("content", "complete"))


def _value_set(raw: Raw) -> ValueSet:
    return ValueSet(_edition(raw), tuple(_include(part) for part in raw["include"]))


def _include(raw: Raw) -> Include:
    return Include(raw["system"], tuple(raw.get("codes", ())), tuple(raw.get("is_a", ())), raw.get("property", {}))


def _concept_map(raw: Raw) -> ConceptMap:
    targets: defaultdict[str, list[Target]] = defaultdict(list)
    for row in raw["elements"]:
        targets[row["code"]].append(Target(raw["to"], row["target"], row["equivalence"]))
    return ConceptMap(_edition(raw), raw["from"], {code: tuple(found) for code, found in targets.items()})
