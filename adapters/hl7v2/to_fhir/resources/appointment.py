"""
SCH, with what is booked for it, to Appointment.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-sch-to-appointment.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei, unique
from adapters.hl7v2.to_fhir.reconcile.appointments import Statement, booking
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.appointment_resources import SERVICE, STARTS, Booked, booked, later, minutes
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.sections import note_text
from adapters.hl7v2.to_fhir.tables import look_up, v2_system

# "" states nothing: a modification, or a change of one service or resource, leaves the booking where it stands.
STATUSES = {
    "S12": "booked", "S13": "booked", "S14": "", "S15": "cancelled", "S16": "cancelled", "S17": "entered-in-error",
    "S18": "", "S19": "", "S20": "", "S21": "", "S22": "", "S26": "noshow", "S27": "booked",
}  # fmt: skip
# What a segment without an action code means in a message about single services and resources.
_MEANT = {"S18": "A", "S19": "U", "S20": "D", "S21": "D", "S22": "D"}


def appointment(draft: Draft, sch: Segment, patient: Subject) -> Json:
    """Assert the appointment of an SIU; {} (with a remark) when it has no number."""
    numbers = [prune(ei(sch[at], draft.site, kind=kind)) for at, kind in ((2, "FILL"), (1, "PLAC"), (4, "PGN"))]
    own: Json = next(filter(None, numbers[:2]), {})
    if not own:
        draft.remark("SCH-1 and SCH-2 are both empty")
        return {}
    when = _when(draft, sch)
    listed = _listed(draft, when.get("start", ""))
    stated = [one for one in listed if one.kind != "RGS" and one.action != "D"]
    status = _status(draft, sch)
    resource = {
        "resourceType": "Appointment",
        "id": resource_id(own["system"], "Appointment", own["value"], patient.id),
        "identifier": unique(numbers),
        **_content(draft, sch, status),
        **when,
        "serviceType": [one.item for one in stated if one.kind == SERVICE],
        "participant": [
            {"actor": patient.reference, "status": "accepted"},
            *(one.item for one in stated if one.kind != SERVICE),
        ],
    }
    changes = tuple((one.kind, one.action, one.item) for one in listed)
    statement = Statement(changes, bool(status), draft.message.trigger in _MEANT)
    return draft.add(stamp(resource, draft.moment), booking(statement), of=(sch,))


def _listed(draft: Draft, start: str) -> list[Booked]:
    """
    The services and resources, with what is to be done with each.

    A new booking names everything, and its action codes say no more than that.
    """
    listed, trigger = booked(draft, start), draft.message.trigger
    if trigger in _MEANT and not any(one.action for one in listed):
        return [replace(one, action=_MEANT[trigger]) for one in listed]
    return [replace(one, action="") if trigger == "S12" and one.action != "D" else one for one in listed]


def _content(draft: Draft, sch: Segment, status: str) -> Json:
    reason = field_concept(draft, sch, 6)
    return {
        "status": status or "booked",
        "cancelationReason": reason if status in ("cancelled", "noshow") else {},
        "appointmentType": field_concept(draft, sch, 8, table="0277"),
        "reasonCode": field_concepts(draft, sch, 7),
        "description": sch.text(7, 2) or sch.text(7),
        "basedOn": _orders(draft, sch),
        "comment": note_text(draft.message.all("NTE")),
    }


def _status(draft: Draft, sch: Segment) -> str:
    """The trigger decides what it is about; for a booking, SCH-25 says how far it has come."""
    status = STATUSES[draft.message.trigger]
    sent = sch.text(25).strip()
    told = look_up("0278", sent)
    if sent and not told:
        draft.lost(sch, 25, sent, v2_system("0278"))
    return told if status in ("booked", "") and told else status


def _orders(draft: Draft, sch: Segment) -> list[Json]:
    """SCH-26 and SCH-27: the orders that are carried out, by their numbers."""
    numbers = [ei(value, draft.site, kind="PLAC") for value in sch.all(26)]
    numbers += [ei(value, draft.site, kind="FILL") for value in sch.all(27)]
    return [{"type": "ServiceRequest", "identifier": number} for number in unique([prune(n) for n in numbers])]


def _when(draft: Draft, sch: Segment) -> Json:
    """Start and end stand together or not at all (R4 app-2); an unknown end follows from the duration."""
    tq1, length = draft.message.first("TQ1"), _duration(draft, sch)
    for begin, finish in ((tq1.text(7), tq1.text(8)), (sch.text(11, 4), sch.text(11, 5)), (_resource_start(draft), "")):
        if start := draft.times.instant(begin):
            end = draft.times.instant(finish) or later(start, length)
            end = end if datetime.fromisoformat(end) >= datetime.fromisoformat(start) else start
            return {"start": start, "end": end, "minutesDuration": length or None}
    return {"minutesDuration": length or None}


def _resource_start(draft: Draft) -> str:
    return next((text for name, at in STARTS.items() for s in draft.message.all(name) if (text := s.text(at))), "")


def _duration(draft: Draft, sch: Segment) -> int:
    listed = [(sch.text(9), sch.text(10) or sch.text(9, 2))]
    listed += [(s.text(at + 3), s.text(at + 4)) for name, at in STARTS.items() for s in draft.message.all(name)]
    return next((minutes(number, unit) for number, unit in listed if minutes(number, unit)), 0)
