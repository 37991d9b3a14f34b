"""
ORM^O01, OML^O21, OMG^O19: orders for services; an order for a drug is a prescription.

HL7 v2 chapter 4; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-oml-o21-to-bundle.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families.oru import known_patient
from adapters.hl7v2.to_fhir.resources.allergy import allergy
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.coverage import coverage
from adapters.hl7v2.to_fhir.resources.medication import prescription
from adapters.hl7v2.to_fhir.resources.observation import Around, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.related_person import related_person
from adapters.hl7v2.to_fhir.resources.service_request import ordered_service
from adapters.hl7v2.to_fhir.resources.specimen import specimens
from adapters.hl7v2.to_fhir.sections import Order, PatientPart, orders, patients

READS = frozenset(
    {
        "PID",
        "PD1",
        "PV1",
        "PV2",
        "ORC",
        "OBR",
        "OBX",
        "NTE",
        "SPM",
        "TQ1",
        "DG1",
        "AL1",
        "IN1",
        "NK1",
        "RXO",
        "RXE",
        "RXR",
    }
)


def services(draft: Draft) -> bool:
    """Every patient part, every order."""
    done = [_part(draft, part) for part in patients(draft.message.segments)]
    return any(done)


def around_order(draft: Draft, part: PatientPart, patient: Subject, visit: Json) -> None:
    """Allergies, diagnoses, insurance and next of kin that an order carries along."""
    for segment in part.segments:
        if segment.name in ("AL1", "IAM"):
            allergy(draft, segment, patient)
        elif segment.name == "IN1":
            coverage(draft, segment, patient)
        elif segment.name == "NK1":
            related_person(draft, segment, patient)
        elif segment.name == "DG1":
            diagnosis(draft, segment, patient, visit)


def _part(draft: Draft, part: PatientPart) -> bool:
    known = known_patient(draft, part)
    if known is None:
        return False
    around_order(draft, part, *known)
    for at, order in enumerate(orders(part.segments), start=1):
        _order(draft, order, *known, at)
    return True


def _order(draft: Draft, order: Order, patient: Subject, visit: Json, at: int) -> None:
    item = order.first("OBR")
    named = numbers(draft, order.first("ORC"), item, patient.id, f"{draft.message.control_id}/{at}")
    if order.has("RXO") or order.has("RXE"):
        prescription(draft, order, patient, visit, named)
        return
    samples = specimens(draft, order, item, patient, named)
    request = ordered_service(draft, order, patient, visit, named, samples)
    observations(
        draft,
        order.results,
        Around(patient, named, visit, based_on=(request,), status="final", effective=_asked(draft)),
    )


def _asked(draft: Draft) -> str:
    """Answers to the questions of an order (OBX under OBR) hold when it was placed, unless OBX-14 says otherwise."""
    return draft.moment.isoformat(timespec="seconds")
