"""
Reading FHIR's datatypes: words, codes, references, times. Pure.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]
# Where each type says when it happened, best first.
TIMES = {
    "Encounter": ("period",),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod", "issued"),
    "Observation": ("effectiveDateTime", "effectivePeriod", "issued"),
    "MedicationRequest": ("authoredOn",),
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "Immunization": ("occurrenceDateTime",),
    "DocumentReference": ("date",),
    "Condition": ("onsetDateTime", "recordedDate"),
    "AllergyIntolerance": ("onsetDateTime", "recordedDate"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "Appointment": ("start",),
    "Consent": ("dateTime",),
    "AuditEvent": ("recorded",),
}


def codings(concept: Json | None) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding."""
    for coding in (concept or {}).get("coding", ()):
        yield str(coding.get("system", "")), str(coding.get("code", ""))


def code_of(concepts: Json | Iterable[Json] | None) -> str:
    """The first code of a concept or of a list of them."""
    many = [concepts] if isinstance(concepts, dict) else list(concepts or ())
    return next((code for one in many for _, code in codings(one)), "")


def words(concept: Json | None) -> str:
    """What the sender calls it."""
    found = concept or {}
    displays = (str(coding["display"]) for coding in found.get("coding", ()) if coding.get("display"))
    return str(found.get("text") or next(displays, "") or next((code for _, code in codings(found)), ""))


def time_of(resource: Json) -> str:
    """When it happened, as FHIR writes it; empty where nobody says."""
    for name in TIMES.get(resource["resourceType"], ()):
        value = resource.get(name)
        text = (value.get("start") or value.get("end")) if isinstance(value, dict) else value
        if text:
            return str(text)
    return ""


def id_of(reference: Json | None) -> str:
    """The id of a literal reference."""
    return str((reference or {}).get("reference", "")).rpartition("/")[2]


def patient_of(resource: Json) -> str:
    """`Patient/id` that it is about."""
    return str((resource.get("subject") or resource.get("patient") or {}).get("reference", ""))


def facility_of(resource: Json) -> str:
    """The facility as the resource itself names it."""
    performers = [one.get("actor", one) for one in resource.get("performer", ()) if isinstance(one, dict)]
    candidates = [resource.get("serviceProvider"), resource.get("custodian"), *performers, resource.get("requester")]
    for one in candidates:
        if one and str(one.get("reference", "")).startswith("Organization/") and one.get("display"):
            return str(one["display"])
    return ""


def medication_of(resource: Json) -> Json:
    """The drug as a concept."""
    return resource.get("medicationCodeableConcept") or {
        "text": (resource.get("medicationReference") or {}).get("display", "")
    }


def person_name(resource: Json) -> str:
    """The official or first name."""
    names = sorted(resource.get("name", ()), key=lambda one: one.get("use") != "official")
    return str(names[0].get("text") or names[0].get("family", "")) if names else ""
