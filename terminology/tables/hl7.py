"""
HL7's own tables of R4, one file each in an archive: what nobody asks for costs no memory.

`python -m terminology.build` makes the archive. https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from terminology.tables import reading
from terminology.tables.concept_map import ConceptMap
from terminology.tables.system import System
from terminology.tables.value_set import ValueSet

Json = dict[str, Any]
MOST_KEPT = 256


@cache
def index(kind: str) -> Mapping[str, tuple[str, str]]:
    """Version and file of each table of a kind (CodeSystem, ValueSet, ConceptMap), by its address."""
    rows = json.loads(_archive().read("index.json"))
    return {url: (version, number) for found, url, version, number in rows if found == kind}


@cache
def _archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(files("terminology").joinpath("data", "hl7.zip").open("rb"))


def _raw(kind: str, url: str) -> Json | None:
    found = index(kind).get(url)
    if found is None:
        return None
    raw: Json = json.loads(_archive().read(f"{found[1]}.json"))
    return raw


@lru_cache(maxsize=MOST_KEPT)
def code_system(url: str) -> System | None:
    """A code system of HL7's."""
    raw = _raw("CodeSystem", url)
    return None if raw is None else reading.code_system(raw, f"hl7 {url}")


@lru_cache(maxsize=MOST_KEPT)
def value_set(url: str) -> ValueSet | None:
    """A value set of R4's specification."""
    raw = _raw("ValueSet", url)
    return None if raw is None else reading.value_set(raw, f"hl7 {url}")


@lru_cache(maxsize=MOST_KEPT)
def concept_map(url: str) -> ConceptMap | None:
    """A concept map of R4's specification."""
    raw = _raw("ConceptMap", url)
    return None if raw is None else reading.concept_map(raw, f"hl7 {url}")
