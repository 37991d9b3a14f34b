"""Profiles in the style of national, IPS and vital-signs guides, and what the tests ask of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from records.validation import validate
from records.validation.profiles import Known, Version, check_profile
from records.validation.profiles.vocabulary import NO_VOCABULARY, Vocabulary

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "http://example.org/StructureDefinition/"
ID_CARD, PASSPORT = "urn:oid:2.16.156.10011.1.3", "urn:oid:2.16.156.10011.1.5"
UCUM, LOINC = "http://unitsofmeasure.org", "http://loinc.org"

PATIENT: Json = {
    "resourceType": "Patient", "id": "p1",
    "identifier": [{"system": ID_CARD, "value": "A1"}],
    "name": [{"family": "王", "given": ["晓梅"]}],
    "gender": "female", "birthDate": "1985-06-12",
    "contact": [{"name": {"text": "王强"}}],
}  # fmt: skip
OBSERVATION: Json = {
    "resourceType": "Observation", "id": "o1", "status": "final",
    "category": [{"coding": [{"system": "http://example.org/category", "code": "lab"}]}],
    "code": {"coding": [{"system": LOINC, "code": "718-7"}], "text": "血红蛋白"},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-11-02T08:00:00+08:00",
    "valueQuantity": {"value": 131, "unit": "g/L", "system": UCUM, "code": "g/L"},
}  # fmt: skip


def element(path: str, /, **said: Any) -> Json:
    """One element of a differential; `path` is an id, from which path and slice name follow."""
    names = [part.partition(":") for part in path.split(".")]
    found: Json = {"id": path, "path": ".".join(name for name, _, _ in names), **said}
    return found | ({"sliceName": names[-1][2]} if names[-1][2] else {})


def slicing(*discriminators: str, rules: str = "open", ordered: bool = False) -> Json:
    """`value:code` and the like."""
    told = [{"type": kind, "path": path} for kind, _, path in (one.partition(":") for one in discriminators)]
    return {"discriminator": told, "rules": rules, "ordered": ordered}


def profile(name: str, of: str, *elements: Json, base: str = "", **said: Any) -> Json:
    """A constraint on a type, as an operator writes it."""
    asked = {"differential": {"element": list(elements)}} if elements else {}
    return {
        "resourceType": "StructureDefinition", "url": f"{OWN}{name}", "version": "1.0.0", "name": name,
        "status": "active", "kind": "resource", "abstract": False, "type": of, "derivation": "constraint",
        "baseDefinition": base or f"{BASE}{of}", **asked, **said,
    }  # fmt: skip


def extension(name: str, *elements: Json, on: str = "Patient", **said: Any) -> Json:
    """The definition of an extension."""
    url = element("Extension.url", fixedUri=f"{OWN}{name}")
    context = [{"type": "element", "expression": on}]
    return profile(name, "Extension", *elements, url, kind="complex-type", context=context, **said)


def known(*definitions: Json, vocabulary: Vocabulary = NO_VOCABULARY) -> Known:
    """These definitions, and the core's."""
    return Known.of([Version(one, repr(one)) for one in definitions], vocabulary)


def checked(resource: Json, *definitions: Json, **options: Any) -> list[tuple[str, str, str]]:
    """Severity, code and place of everything that the first of these definitions finds; the resource is valid R4."""
    assert validate(resource) == []
    found = check_profile(resource, str(definitions[0]["url"]), known(*definitions, **options))
    return [(one.severity, one.code, one.expression) for one in found]


def errors(resource: Json, *definitions: Json, **options: Any) -> list[tuple[str, str]]:
    """Code and place of the errors alone."""
    return [(code, place) for how, code, place in checked(resource, *definitions, **options) if how == "error"]


def changed(resource: Json, **elements: Any) -> Json:
    """A copy with these elements put in; None takes one out."""
    copied = copy.deepcopy(resource) | elements
    return {name: value for name, value in copied.items() if value is not None}


class Listed:
    """A vocabulary of a few value sets."""

    def __init__(self, sets: Mapping[str, Mapping[str, set[str]]]) -> None:
        self._sets = sets

    def holds(self, value_set: str, system: str | None, code: str, /) -> bool | None:
        found = self._sets.get(value_set)
        if found is None:
            return None
        return any(code in one for one in found.values()) if system is None else code in found.get(system, ())
