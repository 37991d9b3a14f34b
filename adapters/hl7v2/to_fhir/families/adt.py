"""
ADT: who the patient is, and where the visit stands.

HL7 v2 chapter 3; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-adt-a01-to-bundle.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.patient import demographics, withdrawn
from adapters.hl7v2.to_fhir.resources.allergy import allergy
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.coverage import coverage
from adapters.hl7v2.to_fhir.resources.encounter import encounter
from adapters.hl7v2.to_fhir.resources.observation import loose_observations
from adapters.hl7v2.to_fhir.resources.patient import Subject, removed, subject
from adapters.hl7v2.to_fhir.resources.related_person import mother, related_person
from adapters.hl7v2.to_fhir.sections import PatientPart, patients
from adapters.hl7v2.to_fhir.visit_events import CHANGES

VISITS = (
    "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A10", "A11", "A12", "A13", "A14", "A15", "A16",
    "A17", "A21", "A22", "A23", "A25", "A26", "A27", "A32", "A33", "A38", "A52", "A53", "A54", "A55", "A61", "A62",
    "Z99",
)  # fmt: skip
PERSONS = ("A28", "A31", "A60")
DELETIONS = ("A29",)
READS = frozenset({"EVN", "PID", "PD1", "PV1", "PV2", "NK1", "AL1", "IAM", "DG1", "IN1", "OBX", "NTE", "ZBE"})


def state_patient(draft: Draft, pid: Segment, pd1: Segment | None) -> Subject | None:
    """Assert the Patient with demographics, as only ADT may."""
    patient = subject(draft, pid, pd1)
    if patient is not None:
        rule = demographics(removed(draft, pid), draft.site.snapshot)
        draft.add(stamp(patient.resource, draft.moment), rule, of=(pid, pd1) if pd1 else (pid,))
        mother(draft, pid, patient)
    return patient


def parts(draft: Draft) -> list[PatientPart]:
    """One part a PID; a message about one patient is his from end to end, whatever the order of its segments."""
    found = patients(draft.message.segments)
    if len(found) == 1:
        whole = PatientPart(found[0].pid)
        for segment in draft.message.segments:
            whole.append(segment)
        return [whole]
    return found


def person(draft: Draft) -> bool:
    """A28, A31, A60: the person, no visit."""
    done = [_person(draft, part) for part in parts(draft)]
    return any(done)


def _person(draft: Draft, part: PatientPart) -> bool:
    patient = state_patient(draft, part.pid, part.first("PD1"))
    if patient is None:
        return False
    _around(draft, part, patient, {})
    return True


def deletion(draft: Draft) -> bool:
    """A29: the record is used no more; what was done for the patient stays on record."""
    patient = subject(draft, draft.message.first("PID"))
    if patient is None:
        return False
    draft.conditional.add(f"Patient/{patient.id}")
    draft.add(stamp({**patient.resource, "active": False}, draft.moment), withdrawn)
    return True


def visit(draft: Draft) -> bool:
    """A01 to A62: the person and the visit; A17 speaks of two patients, who change beds."""
    done = [_visit(draft, part) for part in parts(draft)]
    return any(done)


def _visit(draft: Draft, part: PatientPart) -> bool:
    patient = state_patient(draft, part.pid, part.first("PD1"))
    if patient is None:
        return False
    trigger = draft.message.trigger
    stay = encounter(draft, part.pid, part.first("PV1"), patient, event=trigger, pv2=part.first("PV2"))
    _around(draft, part, patient, {} if trigger in CHANGES else stay)
    return True


def _around(draft: Draft, part: PatientPart, patient: Subject, stay: Json) -> None:
    """Next of kin, allergies, diagnoses, insurance and measurements of the message."""
    for nk1 in part.all("NK1"):
        related_person(draft, nk1, patient)
    for segment in (*part.all("AL1"), *part.all("IAM")):
        allergy(draft, segment, patient)
    for in1 in part.all("IN1"):
        coverage(draft, in1, patient)
    loose_observations(draft, part.segments, patient, stay)
    listed = [entry for dg1 in part.all("DG1") if (entry := diagnosis(draft, dg1, patient, stay))]
    if stay and listed:
        draft.amend(stay, {"diagnosis": listed})
