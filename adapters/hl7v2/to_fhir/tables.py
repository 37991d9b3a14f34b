"""
Small dictionaries between HL7 tables and FHIR codes, read once from the data beside this file.

https://build.fhir.org/ig/HL7/v2-to-fhir/ (concept maps)
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

V3_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
V3_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
V3_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
UCUM = "http://unitsofmeasure.org"


def data(name: str) -> dict[str, Any]:
    """A JSON file of this package."""
    text = files("adapters.hl7v2.to_fhir").joinpath("data", name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


_TABLES = data("tables.json")
_SYSTEMS = {key.upper(): value for key, value in data("systems.json").items() if key != "source"}
_UNITS = {key.lower(): value for key, value in data("units.json").items() if key != "source"}
_UCUM = frozenset(_UNITS.values())


def look_up(table: str, code: str) -> str:
    """The FHIR code for a code of an HL7 table, "" when the table does not know it."""
    return str(_TABLES[table].get(code) or _TABLES[table].get(code.upper(), ""))


def v2_system(table: str) -> str:
    """The code system of an HL7 table."""
    return f"http://terminology.hl7.org/CodeSystem/v2-{table}"


def known_system(name: str) -> str:
    """The URI of a coding system named in CWE-3, "" when no table names it."""
    upper = name.upper()
    if upper.startswith("HL7") and upper[3:].isdecimal():
        return v2_system(upper[3:].zfill(4))
    return _SYSTEMS.get(upper) or (name if name.startswith(("http://", "https://", "urn:")) else "")


def ucum(unit: str) -> str:
    """The UCUM code of a unit as written, "" when unknown."""
    written = unit.replace(" ", "")
    return written if written in _UCUM else str(_UNITS.get(written.lower(), ""))
