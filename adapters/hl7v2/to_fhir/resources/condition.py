"""
DG1 to Condition, and its place in the visit's list of diagnoses, which each snapshot replaces.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-dg1-to-condition.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.allergy import withdrawable
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import whole

_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"


def diagnosis(draft: Draft, dg1: Segment, patient: Subject, visit: Json) -> Json:
    """Assert the diagnosis of a DG1; returns an Encounter.diagnosis entry, {} when it says nothing or was withdrawn."""
    code = field_concept(draft, dg1, 3) or ({"text": dg1.text(4)} if dg1.text(4) else {})
    if not code:
        return {}
    code.setdefault("text", dg1.text(4))
    withdrawn = dg1.text(21).upper() == "D"
    condition = draft.add(
        stamp(_resource(draft, dg1, patient, visit, code, withdrawn), draft.moment), withdrawable, of=(dg1,)
    )
    return {} if withdrawn else {"condition": condition, "use": _role(dg1.text(6)), "rank": _rank(dg1.text(15))}


def _resource(draft: Draft, dg1: Segment, patient: Subject, visit: Json, code: Json, withdrawn: bool) -> Json:
    owner = visit.get("reference", "") or patient.id
    # A working diagnosis is not confirmed; clinicalStatus may not stand beside entered-in-error (R4 con-5).
    verification = "entered-in-error" if withdrawn else "provisional" if dg1.text(6).upper() == "W" else "confirmed"
    return {
        "resourceType": "Condition",
        "id": resource_id(owner, "Condition", dg1.text(3) or code["text"], dg1.text(6)),
        "clinicalStatus": {} if withdrawn else _coded(_CLINICAL, "active"),
        "verificationStatus": _coded(_VERIFICATION, verification),
        "category": [_coded(_CATEGORY, "encounter-diagnosis")],
        "code": code,
        "subject": patient.reference,
        "encounter": visit,
        "recordedDate": draft.date_time(dg1, 5) or draft.date_time(dg1, 19),
        "asserter": practitioner(draft, dg1[16]),
    }


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _role(kind: str) -> Json:
    code = look_up("0052", kind)
    return _coded(_ROLE, code) if code else {"text": kind} if kind else {}


def _rank(text: str) -> int | None:
    return whole(text, least=1)
