"""
PV1 and PV2 to Encounter: the visit number is its identity through every trigger.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pv1-to-encounter.html
"""

from __future__ import annotations

from adapters.facts import Json, create_only, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx, unique
from adapters.hl7v2.to_fhir.reconcile.encounter import DECISIVE, ordered, visit
from adapters.hl7v2.to_fhir.reconcile.moments import STATUS_AS_OF, stamp
from adapters.hl7v2.to_fhir.resources.locations import location
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners, site_organization
from adapters.hl7v2.to_fhir.tables import V3_ACT_CODE, V3_PARTICIPATION, data, look_up, v2_system

_CLASSES = data("tables.json")
_PARTICIPANTS = ((7, "ATND", "attender"), (8, "REF", "referrer"), (9, "CON", "consultant"), (17, "ADM", "admitter"))
STATUSES = {
    "A01": "in-progress",
    "A02": "in-progress",
    "A03": "finished",
    "A04": "in-progress",
    "A05": "planned",
    "A06": "in-progress",
    "A07": "in-progress",
    "A11": "cancelled",
    "A12": "in-progress",
    "A13": "in-progress",
    "A21": "onleave",
    "A22": "in-progress",
}
_DISCHARGE_COUNTS = frozenset({"", "A01", "A03", "A04", "A08"})
_STARTS = frozenset({"A01", "A04"})
_MOVES = frozenset({"A01", "A02", "A03", "A04", "A06", "A07", "A08", "A12", "A13"})


def visit_identifiers(draft: Draft, pid: Segment, pv1: Segment) -> list[Json]:
    """PV1-19, PV1-50 and PID-18, in that order."""
    numbers = [cx(v, draft.site, draft.times, kind="VN") for v in pv1.all(19)]
    numbers += [cx(v, draft.site, draft.times, kind="VN") for v in pv1.all(50)]
    account = [cx(v, draft.site, draft.times, kind="AN") for v in pid.all(18)]
    return unique([prune(number) for number in (*numbers, *account) if number])


def visit_id(draft: Draft, pid: Segment, pv1: Segment, patient: str) -> str:
    """The Encounter's id: by visit number, else account number, else patient and admission time; "" if none tells."""
    numbers = visit_identifiers(draft, pid, pv1)
    if numbers:
        return resource_id(numbers[0]["system"], "Encounter", numbers[0]["value"])
    admitted = draft.times.date_time(pv1.text(44))
    return resource_id(patient, "Encounter", admitted) if admitted else ""


def encounter(draft: Draft, pid: Segment, pv1: Segment, patient: Subject, *, event: str = "") -> Json:
    """
    Assert the visit of a PV1; returns a reference, {} when there is none to speak of.

    `event` is the ADT trigger; without one (orders, results) the visit is only created if absent.
    """
    if not pv1.fields or (pv1.text(2) == "N" and not pv1.all(19)):
        return {}
    identity = visit_id(draft, pid, pv1, patient.id)
    if not identity:
        if event:
            draft.remark("PV1 has neither visit number nor admission time")
        return {}
    resource = _resource(draft, pid, pv1, identity, patient, event)
    if not event:
        return draft.add(resource, create_only)
    resource = stamp(resource, draft.moment)
    if event in DECISIVE or resource["status"] == "finished":
        resource = stamp(resource, draft.moment, STATUS_AS_OF)
    return draft.add(resource, visit(event, _happened(draft, pv1, event) or draft.moment.isoformat()))


def _resource(draft: Draft, pid: Segment, pv1: Segment, identity: str, patient: Subject, event: str) -> Json:
    pv2 = draft.message.first("PV2")
    period = _period(draft, pv1, event)
    return {
        "resourceType": "Encounter",
        "id": identity,
        "identifier": visit_identifiers(draft, pid, pv1),
        "status": _status(event, period),
        "class": _class(draft, pv1),
        "type": field_concepts(draft, pv1, 4, table="0007"),
        "serviceType": _service(draft, pv1),
        "subject": patient.reference,
        "participant": _participants(draft, pv1),
        "period": period,
        "reasonCode": [reason] if (reason := field_concept(draft, pv2, 3)) else [],
        "hospitalization": _hospitalization(draft, pv1),
        "location": _locations(draft, pv1, event, period),
        "serviceProvider": site_organization(draft),
    }


def _status(event: str, period: Json) -> str:
    if event in ("", "A08", "A01", "A04") and period.get("end"):
        return "finished"
    return STATUSES.get(event, "unknown")


def _happened(draft: Draft, pv1: Segment, event: str) -> str:
    """When the event took place: EVN-6, else what PV1 says of it, else EVN-2, else MSH-7."""
    evn = draft.message.first("EVN")
    told = {"A01": pv1.text(44), "A04": pv1.text(44), "A03": pv1.text(45)}.get(event, "")
    for text in (told, evn.text(6), evn.text(2), draft.message.header.text(7)):
        if when := draft.times.date_time(text):
            return when
    return ""


def _period(draft: Draft, pv1: Segment, event: str) -> Json:
    start = draft.date_time(pv1, 44) or (_happened(draft, pv1, event) if event in _STARTS else "")
    end = draft.date_time(pv1, 45) if event in _DISCHARGE_COUNTS else ""
    if event == "A03":
        end = end or _happened(draft, pv1, event)
    period = {key: text for key, text in (("start", start), ("end", end)) if text}
    if period != ordered(period):
        draft.remark("PV1-45 is before PV1-44")
    return ordered(period)


def _class(draft: Draft, pv1: Segment) -> Json:
    """Encounter.class is required: a class nobody knows keeps the sender's word."""
    sent = pv1.text(2).strip()
    mapped = draft.site.code_maps.get("HL70004", {}).get(sent)
    if mapped:
        return dict(zip(("system", "code", "display"), mapped, strict=True))
    if code := look_up("0004", sent):
        return {"system": V3_ACT_CODE, "code": code, "display": _CLASSES["0004-display"][code]}
    if sent and sent not in _CLASSES["0004-v2"]:
        draft.lost(pv1, 2, sent, v2_system("0004"))
    return {
        "system": v2_system("0004"),
        "code": " ".join(sent.split()) or "U",
        "display": _CLASSES["0004-v2"].get(sent or "U", sent),
    }


def _service(draft: Draft, pv1: Segment) -> Json:
    return field_concept(draft, pv1, 10, table="0069")


def _participants(draft: Draft, pv1: Segment) -> list[Json]:
    found = []
    for field, code, display in _PARTICIPANTS:
        kind = {"coding": [{"system": V3_PARTICIPATION, "code": code, "display": display}]}
        found += [{"type": [kind], "individual": person} for person in practitioners(draft, pv1, field)]
    return found


def _hospitalization(draft: Draft, pv1: Segment) -> Json:
    return {
        "preAdmissionIdentifier": prune(cx(pv1[5], draft.site, draft.times)),
        "admitSource": field_concept(draft, pv1, 14, table="0023"),
        "reAdmission": field_concept(draft, pv1, 13, table="0092"),
        "specialArrangement": field_concepts(draft, pv1, 15, table="0009"),
        "specialCourtesy": field_concepts(draft, pv1, 16, table="0099"),
        "dischargeDisposition": field_concept(draft, pv1, 36, table="0112"),
        "dietPreference": field_concepts(draft, pv1, 38, table="0114"),
        "destination": {"display": pv1.text(37)} if pv1.text(37) else {},
    }


def _locations(draft: Draft, pv1: Segment, event: str, period: Json) -> list[Json]:
    """Where the patient is by this message; the history is made when it meets what is stored."""
    place = location(draft, pv1[3]) if event in _MOVES or event in ("", "A05") else {}
    if not place:
        return []
    if event == "A05":
        return [{"location": place, "status": "planned"}]
    start = (
        period.get("start", "")
        if event in ("A01", "A04")
        else _happened(draft, pv1, event)
        if event in ("A02", "A06", "A07")
        else ""
    )
    return [
        *_prior(draft, pv1, event),
        {"location": place, "status": "active", "period": {"start": start} if start else {}},
    ]


def _prior(draft: Draft, pv1: Segment, event: str) -> list[Json]:
    """A02 names where the patient came from (PV1-6): worth keeping when the admission was never seen."""
    place = location(draft, pv1[6]) if event == "A02" else {}
    return [{"location": place, "status": "completed"}] if place else []
