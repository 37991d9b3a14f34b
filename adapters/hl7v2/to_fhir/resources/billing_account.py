"""
The patient's account, with who pays for it: PID-18, PV1, IN1 and GT1 to Account, Coverage and RelatedPerson.

HL7 v2 chapter 6; https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pid-to-account.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx, unique
from adapters.hl7v2.to_fhir.names import display_name, human_name
from adapters.hl7v2.to_fhir.reconcile.accounts import account as account_rule
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.coverage import coverage
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import site_organization
from adapters.hl7v2.to_fhir.sections import PatientPart
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import clean, whole

# What says nothing of whether the account is open is not listed.
STATUSES = {"P01": "active", "P02": "inactive", "P06": "inactive"}
_PATIENT_ITSELF = frozenset({"SEL", "SELF", "S", "18", "本人"})


def billing_account(draft: Draft, part: PatientPart, patient: Subject, visit: Json) -> Json:
    """Assert the account that a BAR or DFT speaks of; returns a reference."""
    number = prune(cx(part.pid[18], draft.site, draft.times, kind="AN"))
    status = STATUSES.get(draft.message.trigger, "") if draft.message.code == "BAR" else ""
    resource = {
        "resourceType": "Account",
        "id": _identity(number, patient, visit),
        "identifier": unique([number]) if number else [],
        "status": status or "active",
        "subject": [patient.reference],
        "servicePeriod": _period(draft, part),
        "coverage": _coverages(draft, part, patient),
        "guarantor": [g for gt1 in _all(part, "GT1") if (g := _guarantor(draft, gt1, patient))],
        "owner": site_organization(draft),
    }
    return draft.add(stamp(resource, draft.moment), account_rule(bool(status)))


def _identity(number: Json, patient: Subject, visit: Json) -> str:
    """The account's number, else the visit's account, else the patient's."""
    if number:
        return resource_id(number["system"], "Account", number["value"])
    return resource_id(visit.get("reference", "") or patient.id, "Account")


def _all(part: PatientPart, name: str) -> list[Segment]:
    return [segment for segment in part.segments if segment.name == name]


def _period(draft: Draft, part: PatientPart) -> Json:
    """From admission to discharge; the end of the account itself (P06) is when that was said."""
    pv1 = part.first("PV1")
    start, end = draft.times.date_time(pv1.text(44)), draft.times.date_time(pv1.text(45))
    if draft.message.type == "BAR^P06":
        end = end or draft.moment.isoformat(timespec="seconds")
    return {"start": start, "end": end} if not (start and end) or start[:10] <= end[:10] else {"start": start}


def _coverages(draft: Draft, part: PatientPart, patient: Subject) -> list[Json]:
    """In the order of benefits: IN1-22 where it is a number, else as they are listed."""
    found: list[Json] = []
    for at, in1 in enumerate(_all(part, "IN1"), start=1):
        insured = coverage(draft, in1, patient)
        if insured and insured not in [one["coverage"] for one in found]:
            found.append({"coverage": insured, "priority": whole(in1.text(22), least=1) or at})
    return found


def _guarantor(draft: Draft, gt1: Segment, patient: Subject) -> Json:
    """Who answers for the bill: the patient, a person, or an organization."""
    begin, end = draft.date(gt1, 13), draft.date(gt1, 14)
    party = _party(draft, gt1, patient)
    return {"party": party, "period": {"start": begin, "end": end}} if party else {}


def _party(draft: Draft, gt1: Segment, patient: Subject) -> Json:
    if gt1.text(11).strip().upper() in _PATIENT_ITSELF:
        return patient.reference
    names = [n for v in gt1.all(3) if (n := prune(human_name(v, draft.times)))]
    numbers = unique([prune(cx(v, draft.site, draft.times)) for v in gt1.all(2)])
    if names:
        return _person(draft, gt1, patient, names, numbers)
    company = clean(gt1.text(21))
    return {"type": "Organization", "display": company} if company else {}


def _person(draft: Draft, gt1: Segment, patient: Subject, names: list[Json], numbers: list[Json]) -> Json:
    kind = field_concept(draft, gt1, 11, table="0063")
    points = [contact_point(v, "home") for v in gt1.all(6)] + [contact_point(v, "work") for v in gt1.all(7)]
    resource = {
        "resourceType": "RelatedPerson",
        # A guarantor's number is the billing office's; the name is what next of kin are known by, too.
        "id": resource_id(patient.id, "RelatedPerson", display_name(names[0])),
        "identifier": numbers,
        "active": True,
        "patient": patient.reference,
        "relationship": [kind] if kind else [],
        "name": names,
        "telecom": [point for point in points if point],
        "gender": look_up("0001", gt1.text(9)),
        "birthDate": draft.date(gt1, 8),
        "address": [a for v in gt1.all(5) if (a := address(v, draft.times))],
    }
    return draft.add(stamp(resource, draft.moment), latest, display=display_name(names[0]))
