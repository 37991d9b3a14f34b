"""
VXU^V04: vaccinations, given, refused, reported from elsewhere, or taken back.

HL7 v2 chapter 4A; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-vxu-v04-to-bundle.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families.orders import around_order
from adapters.hl7v2.to_fhir.known import Known, of_each_known
from adapters.hl7v2.to_fhir.resources.immunization import immunization
from adapters.hl7v2.to_fhir.resources.observation import Around, loose_observations, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers, numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.sections import PatientPart, orders

READS = frozenset({"PID", "PD1", "PV1", "PV2", "NK1", "AL1", "DG1", "IN1", "ORC", "RXA", "RXR", "OBX", "NTE"})


def vaccinations(draft: Draft) -> bool:
    """Every vaccination of every patient part."""
    return of_each_known(draft, _part)


def _part(draft: Draft, part: PatientPart, known: Known) -> bool:
    around_order(draft, part, *known)
    loose_observations(draft, part.segments, *known)
    for at, order in enumerate(orders(part.segments), start=1):
        named = numbers(draft, order.first("ORC"), order.first("RXA"), known[0].id, f"{draft.message.control_id}/{at}")
        if order.has("RXA"):
            immunization(draft, order, *known, named)
        else:
            observations(draft, order.results, Around(*_about(known, named), effective=draft.moment.isoformat()))
    return True


def _about(known: tuple[Subject, Json], named: Numbers) -> tuple[Subject, Numbers, Json]:
    return known[0], named, known[1]
