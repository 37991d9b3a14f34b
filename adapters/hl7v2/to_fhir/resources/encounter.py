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
from adapters.hl7v2.to_fhir.reconcile.encounter import Event, ordered, visit
from adapters.hl7v2.to_fhir.reconcile.moments import STATUS_AS_OF, stamp
from adapters.hl7v2.to_fhir.resources.movement import Movement, movement
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners, site_organization
from adapters.hl7v2.to_fhir.resources.places import places
from adapters.hl7v2.to_fhir.tables import V3_ACT_CODE, V3_PARTICIPATION, data, look_up, v2_system
from adapters.hl7v2.to_fhir.visit_events import CHANGES, DECISIVE, DISCHARGE_COUNTS, PLANS, STARTS, STATUSES

_CLASSES = data("tables.json")
_PARTICIPANTS = ((7, "ATND", "attender"), (8, "REF", "referrer"), (9, "CON", "consultant"), (17, "ADM", "admitter"))
# R5 elements that R4 carries as extensions.
_EXPECTED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter."
PLANNED_START, PLANNED_END = f"{_EXPECTED}plannedStartDate", f"{_EXPECTED}plannedEndDate"
# What `""` in a field of PV1 deletes.
_NULLABLE = {
    4: "type",
    7: "participant.ATND",
    8: "participant.REF",
    9: "participant.CON",
    10: "serviceType",
    13: "hospitalization.reAdmission",
    14: "hospitalization.admitSource",
    15: "hospitalization.specialArrangement",
    16: "hospitalization.specialCourtesy",
    17: "participant.ADM",
    36: "hospitalization.dischargeDisposition",
    37: "hospitalization.destination",
    38: "hospitalization.dietPreference",
}


def visit_identifiers(draft: Draft, pid: Segment, pv1: Segment) -> list[Json]:
    """PV1-19, PV1-50 and PID-18, in that order."""
    return unique([number for listed in _numbers(draft, pid, pv1).values() for number in listed])


def _numbers(draft: Draft, pid: Segment, pv1: Segment) -> dict[str, list[Json]]:
    """By the field that holds them."""
    fields = (("PV1-19", pv1, 19, "VN"), ("PV1-50", pv1, 50, "VN"), ("PID-18", pid, 18, "AN"))
    return {
        name: [prune(number) for v in segment.all(at) if (number := cx(v, draft.site, draft.times, kind=kind))]
        for name, segment, at, kind in fields
    }


def visit_id(draft: Draft, pid: Segment, pv1: Segment, patient: str) -> str:
    """The Encounter's id by the first field of the site's profile that names the visit; "" if none does."""
    numbers = _numbers(draft, pid, pv1)
    for field in draft.site.visit_by:
        if found := numbers.get(field):
            return number_id(found[0])
        if field == "PV1-44" and (admitted := draft.times.date_time(pv1.text(44))):
            return resource_id(patient, "Encounter", admitted)
    return ""


def number_id(identifier: Json) -> str:
    """The id of the Encounter that a visit number names."""
    return resource_id(identifier["system"], "Encounter", identifier["value"])


def encounter(
    draft: Draft, pid: Segment, pv1: Segment, patient: Subject, *, event: str = "", pv2: Segment | None = None
) -> Json:
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
    move = movement(draft, event) if event else Movement("")
    more = pv2 or draft.message.first("PV2")
    resource = _resource(draft, pid, pv1, more, identity, patient, move)
    return draft.add(resource, create_only, of=(pv1, more)) if not event else _event(draft, pv1, more, resource, move)


def _event(draft: Draft, pv1: Segment, pv2: Segment, resource: Json, move: Movement) -> Json:
    """What an ADT event makes of the visit."""
    resource = stamp(resource, draft.moment)
    if move.event in DECISIVE or resource["status"] == "finished":
        resource = stamp(resource, draft.moment, STATUS_AS_OF)
    told = Event(
        move.event,
        _happened(draft, pv1, move) or draft.moment.isoformat(),
        _removed(draft, pv1, move.event),
        draft.site.snapshot and move.event not in CHANGES,
        move.historic,
        move.event in STARTS and not (pv1.text(44) or move.at),
    )
    if move.event in CHANGES:
        draft.conditional.add(f"Encounter/{resource['id']}")
    return draft.add(resource, visit(told), of=(pv1, pv2))


def _removed(draft: Draft, pv1: Segment, event: str) -> tuple[str, ...]:
    listed = [element for field, element in _NULLABLE.items() if (pv1.number, field) in draft.nulls]
    return (*listed, f"extension.{PLANNED_END}") if event == "A25" else tuple(listed)


def _resource(
    draft: Draft, pid: Segment, pv1: Segment, pv2: Segment, identity: str, patient: Subject, move: Movement
) -> Json:
    period = _period(draft, pv1, move)
    return {
        "resourceType": "Encounter",
        "id": identity,
        "identifier": visit_identifiers(draft, pid, pv1),
        "status": _status(move.event, period),
        "class": _class(draft, pv1),
        "type": field_concepts(draft, pv1, 4, table="0007"),
        "serviceType": _service(draft, pv1),
        "subject": patient.reference,
        "participant": _participants(draft, pv1),
        "period": period,
        "reasonCode": [reason] if (reason := field_concept(draft, pv2, 3)) else [],
        "hospitalization": _hospitalization(draft, pv1),
        "location": places(draft, pv1, move, period.get("start", ""), _happened(draft, pv1, move)),
        "serviceProvider": site_organization(draft),
        "extension": _expected(draft, pv2, move.event),
    }


def _status(event: str, period: Json) -> str:
    if event in ("", "A08", "A01", "A04") and period.get("end"):
        return "finished"
    return STATUSES.get(event, "unknown")


def _happened(draft: Draft, pv1: Segment, move: Movement) -> str:
    """When the event took place: ZBE-2, else what PV1 says of it, else EVN-6, EVN-2, MSH-7."""
    evn = draft.message.first("EVN")
    told = {"A01": pv1.text(44), "A04": pv1.text(44), "A03": pv1.text(45)}.get(move.event, "")
    for text in (told, evn.text(6), evn.text(2), draft.message.header.text(7)):
        if when := move.at or draft.times.date_time(text):
            return when
    return ""


def _period(draft: Draft, pv1: Segment, move: Movement) -> Json:
    start = draft.date_time(pv1, 44) or (_happened(draft, pv1, move) if move.event in STARTS else "")
    end = draft.date_time(pv1, 45) if move.event in DISCHARGE_COUNTS else ""
    if move.event == "A03":
        end = move.at or end or _happened(draft, pv1, move)
    period = {key: text for key, text in (("start", start), ("end", end)) if text}
    if period != ordered(period):
        draft.remark("PV1-45 is before PV1-44")
    return ordered(period)


def _expected(draft: Draft, pv2: Segment, event: str) -> list[Json]:
    """When the patient is expected to come and to go: PV2-8 and PV2-9, else EVN-3 of a pending event."""
    planned = draft.times.date_time(draft.message.first("EVN").text(3))
    start = draft.date_time(pv2, 8) or (planned if event in PLANS else "")
    end = "" if event == "A25" else draft.date_time(pv2, 9) or (planned if event == "A16" else "")
    return [{"url": url, "valueDateTime": when} for url, when in ((PLANNED_START, start), (PLANNED_END, end)) if when]


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
