"""
RDE, RDS, RAS and RGV: what was prescribed, handed over, given, and told to be given.

HL7 v2 chapter 4A
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families.orders import around_order
from adapters.hl7v2.to_fhir.known import Known, of_each_known
from adapters.hl7v2.to_fhir.resources.medication import give, prescription
from adapters.hl7v2.to_fhir.resources.medication_events import administration, dispense
from adapters.hl7v2.to_fhir.resources.observation import Around, loose_observations, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.sections import Order, PatientPart, orders

# Before version 2.4 each of them had the event O01.
TYPES = ("RDE^O11", "RDE^O25", "RDE^O01", "RDS^O13", "RDS^O01", "RAS^O17", "RAS^O01", "RGV^O15", "RGV^O01")
READS = frozenset(
    "PID PD1 PV1 PV2 ORC RXE RXO RXR RXC RXD RXA RXG TQ1 NTE OBX AL1 IAM IN1 NK1 DG1".split()  # noqa: SIM905
)


def prescriptions(draft: Draft) -> bool:
    """Every order of every patient."""
    return of_each_known(draft, _part)


def _part(draft: Draft, part: PatientPart, known: Known) -> bool:
    around_order(draft, part, *known)
    loose_observations(draft, part.segments, *known)
    for at, order in enumerate(orders(part.segments), start=1):
        _order(draft, order, *known, at)
    return True


def _order(draft: Draft, order: Order, patient: Subject, visit: Json, at: int) -> None:
    named = numbers(draft, order.first("ORC"), order.first("RXE"), patient.id, f"{draft.message.control_id}/{at}")
    if order.has("RXD"):
        dispense(draft, order, patient, visit, named)
    elif order.has("RXA"):
        administration(draft, order, patient, visit, named)
    elif order.has("RXG"):
        give(draft, order, patient, visit, named)
    elif order.has("ORC") or order.has("RXE"):
        request = prescription(draft, order, patient, visit, named)
        when = draft.moment.isoformat(timespec="seconds")
        seen = observations(draft, order.results, Around(patient, named, visit, effective=when, status="final"))
        if seen:
            draft.amend(request, {"supportingInformation": seen})
