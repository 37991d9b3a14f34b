"""
ORM, OML, OMG, OMI and OMP: orders for services, for images and for drugs.

HL7 v2 chapters 4 and 4A; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-message-oml-o21-to-bundle.html
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.facts import Json
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families.oru import ResultPart, report_of
from adapters.hl7v2.to_fhir.known import known_patient
from adapters.hl7v2.to_fhir.resources.allergy import allergy
from adapters.hl7v2.to_fhir.resources.condition import diagnosis
from adapters.hl7v2.to_fhir.resources.coverage import coverage
from adapters.hl7v2.to_fhir.resources.imaging_study import imaging_study
from adapters.hl7v2.to_fhir.resources.medication import prescription
from adapters.hl7v2.to_fhir.resources.observation import Around, loose_observations, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers, all_numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.related_person import related_person
from adapters.hl7v2.to_fhir.resources.service_request import ordered_service
from adapters.hl7v2.to_fhir.resources.specimen import specimens
from adapters.hl7v2.to_fhir.sections import Order, PatientPart, orders, patients

# OMD, OMS, OMN and OMB (diets, supplies, blood) are kept: what they order has no resource here.
TYPES = ("ORM^O01", "OML^O21", "OML^O33", "OML^O35", "OML^O39", "OMG^O19", "OMI^O23", "OMP^O09")
READS = frozenset(
    "PID PD1 PV1 PV2 ORC OBR OBX NTE SPM SAC TQ1 DG1 AL1 IAM IN1 NK1 RXO RXE RXR RXC IPC".split()  # noqa: SIM905
)
SERVICE, DRUG, EITHER = frozenset({"service"}), frozenset({"drug"}), frozenset({"service", "drug"})
# An order that is being replaced, and the one that takes its place (HL7 v2 chapter 4.5.1.1.1, RP and RO).
_REPLACED = frozenset({"RP", "RQ", "RU"})


def services(draft: Draft) -> bool:
    """Every patient part, every order; a further patient part of an order holds prior results of the same patient."""
    parts = patients(draft.message.segments)
    done = [_part(draft, part, further=at > 0) for at, part in enumerate(parts)]
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


def _part(draft: Draft, part: PatientPart, *, further: bool) -> bool:
    known = known_patient(draft, part)
    if known is None:
        return False
    around_order(draft, part, *known)
    loose_observations(draft, part.segments, *known)
    found = orders(part.segments)
    ordered = list(zip(found, all_numbers(draft, found, known[0].id), strict=True))
    for order, named in ordered if further else ():
        if _prior(order):
            report_of(draft, order, ResultPart(*known, named))
    kinds = EITHER if draft.message.code == "ORM" else DRUG if draft.message.code == "OMP" else SERVICE
    state_orders(draft, [(o, n) for o, n in ordered if not (further and _prior(o))], *known, kinds=kinds)
    return True


def _prior(order: Order) -> bool:
    """PRIOR_RESULT: results of an earlier order, sent along with a new one."""
    return bool(order.results) and order.first("ORC").text(1).strip().upper() in ("", "PR", "RE")


def state_orders(
    draft: Draft,
    ordered: Iterable[tuple[Order, Numbers]],
    patient: Subject | None,
    visit: Json,
    *,
    kinds: frozenset[str] = SERVICE,
) -> None:
    """
    Assert each order; a replacement names what it replaces, told just before it.

    `kinds` is what an ORC alone may be about.
    """
    replaced: list[Json] = []
    for order, named in ordered:
        code = order.first("ORC").text(1).strip().upper()
        stands_for = tuple(replaced) if code == "RO" else ()
        request = _order(draft, order, patient, visit, named, stands_for, kinds)
        if code in _REPLACED:
            replaced.append(request)
        elif code != "RO":
            replaced = []


def _order(
    draft: Draft,
    order: Order,
    patient: Subject | None,
    visit: Json,
    named: Numbers,
    replaces: tuple[Json, ...],
    kinds: frozenset[str],
) -> Json:
    drug = order.has("RXO") or order.has("RXE")
    if drug or kinds == DRUG:
        return prescription(draft, order, patient, visit, named, replaces=replaces)
    if kinds == EITHER and not order.has("OBR"):
        prescription(draft, order, patient, visit, named, existing_only=True)
    samples = specimens(draft, order, order.first("OBR"), patient, named) if patient else []
    request = ordered_service(draft, order, patient, visit, named, samples=tuple(samples), replaces=replaces)
    if patient is not None:
        _around_service(draft, order, patient, visit, named, request)
    return request


def _around_service(draft: Draft, order: Order, patient: Subject, visit: Json, named: Numbers, request: Json) -> None:
    """Answers to the questions of an order (OBX) hold when it was placed, unless OBX-14 says otherwise; its images."""
    when = draft.moment.isoformat(timespec="seconds")
    around = Around(patient, named, visit, based_on=(request,), status="final", effective=when)
    if answers := observations(draft, order.results, around):
        draft.amend(request, {"supportingInfo": answers})
    imaging_study(draft, order, patient, visit, request)
