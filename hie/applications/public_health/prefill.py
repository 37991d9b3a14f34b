"""
What is known of a person already, put on the card: the record that was reported first, gaps from the person's others.

Specification: region-1251 section 6, PUB-02 (prefilled card). https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hie.applications.fhir import ZONE, day, name_of
from hie.applications.public_health.card import DIVISION
from hie.applications.public_health.recognition import Suspicion
from hie.identity.id_number import SYSTEM as ID_NUMBER
from records.stored import Json
from terminology.service import Terminology

CITY = "370300"


@dataclass(frozen=True, slots=True)
class Known:
    """What the exchange knows around a suspicion: records of the person (the reporting one first), who reported it."""

    trigger: Json
    patients: Sequence[Json]
    encounter: Json = field(default_factory=dict)
    organization: Json = field(default_factory=dict)


def prefilled(known: Known, suspicion: Suspicion, terminology: Terminology) -> dict[str, str]:
    """The fields that can be filled in; empty where nobody knows."""
    first = known.patients[0] if known.patients else {}
    district = district_of(known, terminology)
    return {
        "kind": "1",
        "name": name_of(first) or next(filter(None, map(name_of, known.patients)), ""),
        "parent": next(_parents(known.patients), ""),
        "id_number": next(_numbers(known.patients), ""),
        "sex": {"male": "1", "female": "2"}.get(_first(known.patients, "gender"), ""),
        "birth": _first(known.patients, "birthDate") if len(_first(known.patients, "birthDate")) == 10 else "",
        "phone": next(_phones(known.patients), ""),
        "address": next((text for one in known.patients if (text := _address(one))), ""),
        "district": district,
        "case_class": suspicion.case_class,
        "onset": _onset(known.trigger),
        "diagnosed": suspicion.diagnosed.astimezone(ZONE).isoformat(timespec="minutes"),
        "facility": str(known.organization.get("name", "")),
        "doctor": _doctor(known),
    }


def district_of(known: Known, terminology: Terminology) -> str:
    """Where the person lives, as far as an address says; else where the reporting institution is."""
    for resource in (*known.patients, known.organization):
        for address in resource.get("address", ()):
            if code := _district(address, terminology):
                return code
    return ""


def districts(terminology: Terminology) -> list[tuple[str, str]]:
    """Code and name of each district of the city."""
    table = terminology.code_systems[DIVISION].concepts.values()
    return [(concept.code, concept.zh) for concept in table if concept.parent == CITY]


def _district(address: Json, terminology: Terminology) -> str:
    written = [str(address.get(name, "")) for name in ("district", "text", "city")] + list(address.get("line", ()))
    for code, name in districts(terminology):
        if any(code in text or name in text for text in written):
            return code
    return ""


def _address(patient: Json) -> str:
    for address in patient.get("address", ()):
        parts = [address.get("city", ""), address.get("district", ""), *address.get("line", ())]
        if text := str(address.get("text") or "".join(parts)):
            return text
    return ""


def _numbers(patients: Iterable[Json]) -> Iterator[str]:
    for patient in patients:
        for identifier in patient.get("identifier", ()):
            if identifier.get("system") == ID_NUMBER and identifier.get("value"):
                yield str(identifier["value"])


def _phones(patients: Iterable[Json]) -> Iterator[str]:
    for patient in patients:
        for contact in patient.get("telecom", ()):
            if contact.get("system", "phone") == "phone" and contact.get("value"):
                yield str(contact["value"])


def _parents(patients: Iterable[Json]) -> Iterator[str]:
    for patient in patients:
        for contact in patient.get("contact", ()):
            if name := name_of({"name": [contact["name"]]} if "name" in contact else {}):
                yield name


def _first(patients: Iterable[Json], element: str) -> str:
    return next((str(one[element]) for one in patients if one.get(element)), "")


def _onset(trigger: Json) -> str:
    found = day(trigger.get("onsetDateTime"))
    return found.isoformat() if found else ""


def _doctor(known: Known) -> str:
    for name in ("asserter", "recorder"):
        if display := known.trigger.get(name, {}).get("display"):
            return str(display)
    seen = [one.get("individual", {}) for one in known.encounter.get("participant", ())]
    people = [one for one in (*known.trigger.get("performer", ()), *seen) if "Practitioner" in one.get("reference", "")]
    return next((str(one["display"]) for one in people if one.get("display")), "")
