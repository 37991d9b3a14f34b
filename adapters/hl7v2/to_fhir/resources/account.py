"""
PID-18 and what surrounds it to Account: whom it is for, which visits, since when, who pays.

HL7 v2 chapter 6; https://hl7.org/fhir/R4/account.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx
from adapters.hl7v2.to_fhir.names import display_name, human_name
from adapters.hl7v2.to_fhir.reconcile import accounts as rules
from adapters.hl7v2.to_fhir.reconcile.encounter import ordered
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.coverage import coverage
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import site_organization
from adapters.hl7v2.to_fhir.sections import PatientPart

# P01 opens an account, P06 ends it, P02 takes it away.
_DECIDES = {"BAR^P01": "active", "BAR^P06": "inactive", "BAR^P02": "entered-in-error"}


def account(draft: Draft, part: PatientPart, patient: Subject, visit: Json) -> Json:
    """Assert the account of a patient's part; without an account number it is the patient's own."""
    number = prune(cx(part.pid[18], draft.site, draft.times, kind="AN"))
    status = _DECIDES.get(draft.message.type, "")
    resource = {
        "resourceType": "Account",
        "id": resource_id(number["system"], "Account", number["value"])
        if number
        else resource_id(patient.id, "Account", visit.get("reference", "")),
        "identifier": [number] if number else [],
        "status": status or "active",
        "subject": [patient.reference, *([visit] if visit else [])],
        "servicePeriod": _period(draft, part),
        "coverage": _coverage(draft, part, patient),
        "owner": site_organization(draft),
        "guarantor": [{"party": {"display": name}} for gt1 in part.all("GT1") if (name := _name(draft, gt1))],
    }
    return draft.add(stamp(resource, draft.moment), rules.account(bool(status)))


def _name(draft: Draft, gt1: Segment) -> str:
    return display_name(prune(human_name(gt1[3], draft.times))) or gt1.text(21)


def _period(draft: Draft, part: PatientPart) -> Json:
    pv1 = part.first("PV1")
    found = (("start", draft.date_time(pv1, 44)), ("end", draft.date_time(pv1, 45)))
    return ordered({key: text for key, text in found if text})


def _coverage(draft: Draft, part: PatientPart, patient: Subject) -> list[Json]:
    found = [coverage(draft, in1, patient) for in1 in part.all("IN1")]
    return [{"coverage": one, "priority": at} for at, one in enumerate(found, start=1) if one]
