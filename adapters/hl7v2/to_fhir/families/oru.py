"""
ORU^R01: results; they never write demographics, and a visit or an order only if nobody has told of it.

HL7 v2 chapter 7; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-oru-r01-to-bundle.html
"""

from __future__ import annotations

from adapters.facts import Json, create_only
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.resources.encounter import encounter
from adapters.hl7v2.to_fhir.resources.observation import loose_observations
from adapters.hl7v2.to_fhir.resources.order_numbers import numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject, subject
from adapters.hl7v2.to_fhir.resources.report import report
from adapters.hl7v2.to_fhir.sections import Order, PatientPart, orders, patients

READS = frozenset({"PID", "PD1", "PV1", "PV2", "ORC", "OBR", "OBX", "NTE", "SPM", "TQ1"})


def known_patient(draft: Draft, part: PatientPart) -> tuple[Subject, Json] | None:
    """The patient and visit of a message that is not ADT: created if absent, never rewritten."""
    patient = subject(draft, part.pid, part.first("PD1"))
    if patient is None:
        return None
    draft.add(patient.resource, create_only)
    return patient, encounter(draft, part.pid, part.first("PV1"), patient)


def results(draft: Draft) -> bool:
    """Every patient part, every order, every result."""
    done = [_part(draft, part) for part in patients(draft.message.segments)]
    return any(done)


def _part(draft: Draft, part: PatientPart) -> bool:
    known = known_patient(draft, part)
    if known is None:
        return False
    loose_observations(draft, part.segments, *known)
    for at, order in enumerate(orders(part.segments), start=1):
        if order.has("OBR") or order.results:
            _report(draft, order, *known, at)
    return True


def _report(draft: Draft, order: Order, patient: Subject, visit: Json, at: int) -> None:
    named = numbers(draft, order.first("ORC"), order.first("OBR"), patient.id, f"{draft.message.control_id}/{at}")
    report(draft, order, patient, visit, named)
