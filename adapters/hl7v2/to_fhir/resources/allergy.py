"""
AL1 and IAM to AllergyIntolerance: one record a patient and substance, updated, never repeated.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-al1-to-allergyintolerance.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, mapped_code
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import clean

_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def allergy(draft: Draft, segment: Segment, patient: Subject) -> Json:
    """Assert the allergy of an AL1 or IAM; {} when it names no substance."""
    substance = field_concept(draft, segment, 3)
    if not substance:
        return {}
    withdrawn = segment.name == "IAM" and segment.text(6).upper() == "D"
    # One of the two statuses must stand: what was entered in error has no clinical status (R4 ait-1, ait-2).
    status = _status(_VERIFICATION, "entered-in-error") if withdrawn else _status(_CLINICAL, "active")
    resource = {
        "resourceType": "AllergyIntolerance",
        "id": resource_id(patient.id, "AllergyIntolerance", segment.text(3) or substance["text"]),
        ("verificationStatus" if withdrawn else "clinicalStatus"): status,
        "type": "allergy" if segment.text(2).upper() in ("DA", "FA", "MA", "EA", "AA", "PA", "LA") else "",
        "category": [category] if (category := look_up("0127", segment.text(2))) else [],
        "criticality": {"severe": "high", "mild": "low"}.get(look_up("0128", segment.text(4)), ""),
        "code": substance,
        "patient": patient.reference,
        "recordedDate": draft.date_time(segment, 13) if segment.name == "IAM" else "",
        "onsetDateTime": draft.date_time(segment, 11 if segment.name == "IAM" else 6),
        "reaction": _reaction(draft, segment),
    }
    return draft.add(stamp(resource, draft.moment), withdrawable, of=(segment,))


def withdrawable(current: Json | None, incoming: Json) -> Json | None:
    """The later statement stands; what was entered in error loses its clinical status, and the other way round."""
    outcome = latest(current, incoming)
    if outcome is None or current is None:
        return outcome
    said = incoming if outcome.get("extension") == incoming.get("extension") else current
    statuses = {key: said[key] for key in ("clinicalStatus", "verificationStatus") if key in said}
    return {k: v for k, v in outcome.items() if k not in ("clinicalStatus", "verificationStatus")} | statuses


def _status(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _reaction(draft: Draft, segment: Segment) -> list[Json]:
    manifestations = [{"text": text} for v in segment.all(5) if (text := clean(v[2]) or clean(v[1]))]
    if not manifestations:
        return []
    return [{"manifestation": manifestations, "severity": mapped_code(draft, segment, 4, "0128")}]
