"""
RF1, PRD and AUT to ServiceRequest and Task: what is asked of whom, and where the answer stands.

HL7 v2 chapter 11.6 (RF1, AUT, PRD), tables 0280, 0281, 0283; https://hl7.org/fhir/R4/servicerequest.html
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.facts import Json, create_only, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import default_authority, ei, typed, unique
from adapters.hl7v2.to_fhir.names import display_name, human_name
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.referrals import progress
from adapters.hl7v2.to_fhir.reconcile.referrals import referral as referral_rule
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import clean

_REFERRAL = {"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}
_FULFIL = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
_CANCEL = "I14"
_ASK = "I15"


@dataclass(frozen=True, slots=True)
class Around:
    """What comes with a referral: reasons (Conditions), reports, and the providers by their role of table 0286."""

    reasons: list[Json]
    reports: list[Json]
    providers: dict[str, list[Json]]


def referral(draft: Draft, rf1: Segment, patient: Subject, visit: Json, around: Around) -> Json:
    """Assert the referral of a REF or RRI; {} (with a remark) when neither RF1-6 nor RF1-11 numbers it."""
    numbers = unique([prune(ei(rf1[at], draft.site, kind=kind)) for at, kind in ((6, "PLAC"), (11, "FILL"))])
    if not numbers:
        draft.remark("RF1-6 and RF1-11 are both empty")
        return {}
    reply, status = draft.message.code == "RRI", _status(draft, rf1)
    resource = {
        "resourceType": "ServiceRequest",
        "id": resource_id(numbers[0]["system"], "ServiceRequest", "referral", numbers[0]["value"]),
        "identifier": numbers,
        "status": look_up("0283", status) if status else "active",
        "intent": "order",
        **_asked(draft, rf1),
        "subject": patient.reference,
        "encounter": visit,
        "requester": next(iter(around.providers.get("RP", [])), {}),
        "performer": [*around.providers.get("RT", []), *around.providers.get("CP", [])],
        "reasonReference": around.reasons,
        "supportingInfo": around.reports,
        "insurance": _authorizations(draft),
    }
    if draft.message.trigger == _ASK and not reply:
        return draft.add(resource, create_only)
    target = draft.add(stamp(resource, draft.moment), referral_rule(reply, bool(status)))
    _task(draft, target, resource, status)
    return target


def _status(draft: Draft, rf1: Segment) -> str:
    """A, P, R, E or C of table 0283; I14 cancels whatever RF1-1 says."""
    if draft.message.trigger == _CANCEL:
        return "C"
    sent = rf1.text(1).strip().upper()
    if sent and not look_up("0283", sent):
        draft.lost(rf1, 1, sent, v2_system("0283"), rf1.text(1, 2))
        return ""
    return sent


def _asked(draft: Draft, rf1: Segment) -> Json:
    """What, how urgent, why and in which time; RF1-3 is the kind of service, RF1-4 what the receiver shall do."""
    start, end = draft.date_time(rf1, 7), draft.date_time(rf1, 8)
    priority = look_up("0280", rf1.text(2).strip())
    if rf1.text(2) and not priority:
        draft.lost(rf1, 2, rf1.text(2).strip(), v2_system("0280"))
    return {
        "category": [{"coding": [_REFERRAL]}, field_concept(draft, rf1, 5, table="0284")],
        "priority": priority,
        "code": field_concept(draft, rf1, 3, table="0281"),
        "orderDetail": field_concepts(draft, rf1, 4, table="0282") if rf1.text(3) else [],
        "occurrencePeriod": {"start": start, "end": end if not start or end[:10] >= start[:10] else ""},
        "authoredOn": draft.date_time(rf1, 9) or draft.moment.isoformat(timespec="seconds"),
        "reasonCode": field_concepts(draft, rf1, 10, table="0336"),
    }


def _task(draft: Draft, target: Json, resource: Json, status: str) -> None:
    """Where the answer stands: requested, accepted, rejected, failed (expired), cancelled."""
    if not status:
        return
    task = {
        "resourceType": "Task",
        "id": resource_id(resource["id"], "Task"),
        "status": look_up("0283-task", status),
        "intent": "order",
        "code": {"coding": [_FULFIL]},
        "focus": target,
        "for": resource["subject"],
        "authoredOn": resource["authoredOn"],
        "lastModified": draft.moment.isoformat(timespec="seconds"),
        "requester": resource["requester"],
        "owner": next(iter(resource["performer"]), {}),
    }
    draft.add(stamp(task, draft.moment), progress(draft.message.code == "RRI"))


def _authorizations(draft: Draft) -> list[Json]:
    """AUT: the payer's authorization, by its number and the time it holds."""
    found = []
    for aut in draft.message.all("AUT"):
        number = prune(ei(aut[6], draft.site))
        period = {"start": draft.date(aut, 4), "end": draft.date(aut, 5)}
        payer = clean(aut.text(3)) or clean(aut.text(1, 2)) or clean(aut.text(1)) or clean(aut.text(2))
        if number or payer:
            found.append({"identifier": {**number, "period": period} if number else {}, "display": payer})
    return found


def provider(draft: Draft, prd: Segment) -> Json:
    """A PRD as a Practitioner (asserted if absent); one without a number stays a name."""
    names = [n for v in prd.all(2) if (n := prune(human_name(v, draft.times)))]
    number, kind = clean(prd.text(7)), clean(prd.text(7, 2))
    display = display_name(names[0]) if names else prd[4][9] or number
    if not number:
        return {"display": display} if display else {}
    system = default_authority(draft.site)
    resource = {
        "resourceType": "Practitioner",
        "id": resource_id(system, "Practitioner", number),
        "identifier": [{"system": system, "value": number, "type": typed(kind)}],
        "name": names,
        "address": [a for v in prd.all(3) if (a := address(v, draft.times))],
        "telecom": [p for v in prd.all(5) if (p := contact_point(v, "work"))],
    }
    return draft.add(resource, create_only, display=display)
