"""
REF^I12 to I15 and the replies RRI: a patient referred, the referral changed, cancelled, asked after and answered.

HL7 v2 chapter 11.5
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.known import known_patient
from adapters.hl7v2.to_fhir.resources.allergy import allergy
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.coverage import coverage
from adapters.hl7v2.to_fhir.resources.order_numbers import numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.procedure import procedure
from adapters.hl7v2.to_fhir.resources.referral import Around, provider, referral
from adapters.hl7v2.to_fhir.resources.related_person import related_person
from adapters.hl7v2.to_fhir.resources.report import report
from adapters.hl7v2.to_fhir.sections import PatientPart, orders, patients

TRIGGERS = ("I12", "I13", "I14", "I15")
READS = frozenset(
    {
        "MSA", "RF1", "AUT", "PRD", "PID", "PD1", "PV1", "PV2", "DG1", "AL1", "IN1", "NK1", "PR1", "ORC", "OBR", "OBX",
        "NTE", "SPM", "TQ1",
    }
)  # fmt: skip


def referrals(draft: Draft) -> bool:
    """The referral of the message: one patient, one RF1."""
    part = next(iter(patients(draft.message.segments)), None)
    known = known_patient(draft, part) if part else None
    if part is None or known is None:
        return False
    around = Around(_around(draft, part, *known), _reports(draft, part, *known), _providers(draft))
    return bool(referral(draft, draft.message.first("RF1"), *known, around))


def _around(draft: Draft, part: PatientPart, patient: Subject, visit: Json) -> list[Json]:
    """The diagnoses that are the reason; what else is told of the patient is asserted on the way."""
    for segment in part.segments:
        if segment.name == "AL1":
            allergy(draft, segment, patient)
        elif segment.name == "IN1":
            coverage(draft, segment, patient)
        elif segment.name == "NK1":
            related_person(draft, segment, patient)
        elif segment.name == "PR1":
            procedure(draft, segment, patient, visit)
    listed = [diagnosis(draft, s, patient, visit) for s in part.segments if s.name == "DG1"]
    return [entry["condition"] for entry in listed if entry]


def _reports(draft: Draft, part: PatientPart, patient: Subject, visit: Json) -> list[Json]:
    """Results that the referral carries along."""
    found = []
    for at, order in enumerate(orders(part.segments), start=1):
        if order.has("OBR") or order.results:
            key = f"{draft.message.control_id}/{at}"
            named = numbers(draft, order.first("ORC"), order.first("OBR"), patient.id, key)
            found.append(report(draft, order, patient, visit, named))
    return found


def _providers(draft: Draft) -> dict[str, list[Json]]:
    """By the role of PRD-1; a role that a referral has no place for is counted."""
    found: dict[str, list[Json]] = {}
    for prd in draft.message.all("PRD"):
        role, person = prd.text(1).strip().upper(), provider(draft, prd)
        if role not in ("RP", "RT", "CP"):
            draft.lost(prd, 1, role, "http://terminology.hl7.org/CodeSystem/v2-0286", prd.text(1, 2))
        elif person:
            found.setdefault(role, []).append(person)
    return found
