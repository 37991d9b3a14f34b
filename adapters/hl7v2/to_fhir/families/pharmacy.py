"""
RDE^O11 and RDS^O13: what was prescribed, and what was handed over.

HL7 v2 chapter 4A
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families.orders import around_order
from adapters.hl7v2.to_fhir.families.oru import known_patient
from adapters.hl7v2.to_fhir.resources.medication import dispense, prescription
from adapters.hl7v2.to_fhir.resources.order_numbers import numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.sections import Order, PatientPart, orders, patients

READS = frozenset(
    {"PID", "PD1", "PV1", "PV2", "ORC", "RXE", "RXO", "RXR", "RXD", "TQ1", "NTE", "AL1", "IN1", "NK1", "DG1"}
)


def prescriptions(draft: Draft) -> bool:
    """RDE: every order."""
    done = [_part(draft, part) for part in patients(draft.message.segments)]
    return any(done)


def _part(draft: Draft, part: PatientPart) -> bool:
    known = known_patient(draft, part)
    if known is None:
        return False
    around_order(draft, part, *known)
    for at, order in enumerate(orders(part.segments), start=1):
        _order(draft, order, *known, at)
    return True


def _order(draft: Draft, order: Order, patient: Subject, visit: Json, at: int) -> None:
    named = numbers(draft, order.first("ORC"), order.first("RXE"), patient.id, f"{draft.message.control_id}/{at}")
    if order.has("RXD"):
        dispense(draft, order, patient, visit, named)
    elif order.has("ORC") or order.has("RXE"):
        prescription(draft, order, patient, visit, named)
