"""
ADT: who the patient is, and where the visit stands.

HL7 v2 chapter 3; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-adt-a01-to-bundle.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.identifiers import RESIDENT_ID
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.patient import demographics
from adapters.hl7v2.to_fhir.resources.allergy import allergy
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.coverage import coverage
from adapters.hl7v2.to_fhir.resources.encounter import encounter
from adapters.hl7v2.to_fhir.resources.observation import loose_observations
from adapters.hl7v2.to_fhir.resources.patient import Subject, subject
from adapters.hl7v2.to_fhir.resources.related_person import related_person

VISITS = ("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A21", "A22")
PERSONS = ("A28", "A31")
READS = frozenset({"EVN", "PID", "PD1", "PV1", "PV2", "NK1", "AL1", "IAM", "DG1", "IN1", "OBX", "NTE"})
_NULLABLE = {
    5: "name",
    7: "birthDate",
    8: "gender",
    11: "address",
    13: "telecom.home",
    14: "telecom.work",
    15: "communication",
    16: "maritalStatus",
    24: "multipleBirthBoolean",
    25: "multipleBirthInteger",
    29: "deceasedDateTime",
    30: "deceasedBoolean",
    10: "extension.urn:hie:race",
    22: "extension.urn:hie:ethnic-group",
    19: f"identifier.{RESIDENT_ID}",
    20: "identifier.DL",
}


def removed(draft: Draft, pid: Segment) -> tuple[str, ...]:
    """Elements that the sender deletes by `""`."""
    return tuple(element for field, element in _NULLABLE.items() if (pid.number, field) in draft.nulls)


def state_patient(draft: Draft, pid: Segment, pd1: Segment | None) -> Subject | None:
    """Assert the Patient with demographics, as only ADT may."""
    patient = subject(draft, pid, pd1)
    if patient is not None:
        draft.add(stamp(patient.resource, draft.moment), demographics(removed(draft, pid)))
    return patient


def person(draft: Draft) -> bool:
    """A28, A31: the person, no visit."""
    message = draft.message
    patient = state_patient(draft, message.first("PID"), message.first("PD1"))
    if patient is None:
        return False
    _around(draft, patient, {})
    return True


def visit(draft: Draft) -> bool:
    """A01 to A13: the person and the visit."""
    message = draft.message
    pid, pv1 = message.first("PID"), message.first("PV1")
    patient = state_patient(draft, pid, message.first("PD1"))
    if patient is None:
        return False
    stay = encounter(draft, pid, pv1, patient, event=message.trigger)
    _around(draft, patient, stay)
    return True


def _around(draft: Draft, patient: Subject, stay: Json) -> None:
    """Next of kin, allergies, diagnoses, insurance and measurements of the message."""
    message = draft.message
    for nk1 in message.all("NK1"):
        related_person(draft, nk1, patient)
    for segment in (*message.all("AL1"), *message.all("IAM")):
        allergy(draft, segment, patient)
    for in1 in message.all("IN1"):
        coverage(draft, in1, patient)
    loose_observations(draft, message.segments, patient, stay)
    listed = [entry for dg1 in message.all("DG1") if (entry := diagnosis(draft, dg1, patient, stay))]
    if stay and listed:
        draft.amend(stay, {"diagnosis": listed})
