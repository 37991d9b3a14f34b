"""
CodeableConcept to CE, CWE, IS and ID; FHIR codes to HL7 tables.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-cwe-to-codeableconcept.html, read backwards
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

from adapters.facts import Json
from adapters.hl7v2.from_fhir.writing import Repetition
from adapters.hl7v2.to_fhir.tables import data as incoming

LOCAL = "urn:hie:code-system:"
V2 = "http://terminology.hl7.org/CodeSystem/v2-"


@lru_cache(maxsize=1)
def tables() -> dict[str, Any]:
    """The dictionaries of this package."""
    text = files("adapters.hl7v2.from_fhir").joinpath("data", "tables.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def table_code(table: str, code: str, default: str = "") -> str:
    """The code of an HL7 table for a FHIR code."""
    return str(tables()[table].get(code, default))


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Systems to their names in table 0396: the first name of the incoming dictionary is HL7's own."""
    found: dict[str, str] = {}
    for name, system in incoming("systems.json").items():
        if name != "source":
            found.setdefault(system, name)
    return found


def system_name(system: str) -> str:
    """What stands in CE-3 for a code system: the name of table 0396, HL70001, the site's own name, else the URI."""
    if known := _names().get(system):
        return known
    if system.startswith(V2) and system.removeprefix(V2).isdecimal():
        return f"HL7{system.removeprefix(V2)}"
    if system.startswith(LOCAL):
        # urn:hie:code-system:SITE:NAME; a code without a name was the site's own.
        return unquote(system.removeprefix(LOCAL).partition(":")[2]) or "L"
    return system


def concept(found: Json | None, *, prefer: str = "") -> Repetition:
    """
    A CodeableConcept as CWE, "" when empty; a CE takes the first six components.

    `prefer` is the system whose coding comes first; what the source sent comes last in FHIR and is the alternate here.
    """
    if not found:
        return ""
    codings = sorted(found.get("coding", ()), key=lambda one: one.get("system") != prefer)[:2]
    text = str(found.get("text", ""))
    if not codings:
        return ("", text) if text else ""
    pairs = [part for one in (*codings, {})[:2] for part in _parts(one)]
    versions = [str(one.get("version", "")) for one in (*codings, {})[:2]]
    # A text that repeats the coding says nothing new, and would be read back the same without it.
    told = {codings[0].get("display") or codings[0].get("code")}
    return (*pairs, *versions, "" if text in told else text)


def _parts(coding: Json) -> tuple[str, str, str]:
    if not coding:
        return ("", "", "")
    code = str(coding.get("code", ""))
    return code, str(coding.get("display", "")), system_name(str(coding.get("system", ""))) if code else ""


def concepts(found: list[Json] | None) -> list[Repetition]:
    """Several."""
    return [one for item in found or () if (one := concept(item))]


def code_of(found: Json | None, system: str = "") -> str:
    """The bare code of a concept: of one system, else of its first coding, else its text."""
    codings = (found or {}).get("coding", ())
    chosen = next((c for c in codings if c.get("system") == system), codings[0] if codings else {})
    return str(chosen.get("code") or (found or {}).get("text", ""))
