"""
SCH, AIS, AIP, AIL and AIG to Appointment.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-sch-to-appointment.html
"""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei, unique
from adapters.hl7v2.to_fhir.reconcile.appointments import booking
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.locations import location
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners
from adapters.hl7v2.to_fhir.sections import note_text
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import whole

STATUSES = {
    "S12": "booked",
    "S13": "booked",
    "S14": "booked",
    "S15": "cancelled",
    "S16": "cancelled",
    "S17": "entered-in-error",
    "S26": "noshow",
}
_MINUTES = {
    "S": 1 / 60,
    "SEC": 1 / 60,
    "M": 1,
    "MIN": 1,
    "MINUTES": 1,
    "MINUTE": 1,
    "分钟": 1,
    "": 1,
    "H": 60,
    "HR": 60,
    "HOUR": 60,
    "HOURS": 60,
    "小时": 60,
    "D": 1440,
}
_LONGEST = 7 * 1440  # what lasts longer than a week is no appointment but a mistake
_STARTS = {"AIS": 4, "AIG": 8, "AIL": 6, "AIP": 6}  # AIx start; its duration and units are 3 and 4 fields on


def appointment(draft: Draft, sch: Segment, patient: Subject) -> Json:
    """Assert the appointment of an SIU; {} (with a remark) when it has no number."""
    numbers = [prune(ei(sch[2 - first], draft.site, kind=kind)) for first, kind in ((1, "PLAC"), (0, "FILL"))]
    own: Json = next(filter(None, numbers), {})
    if not own:
        draft.remark("SCH-1 and SCH-2 are both empty")
        return {}
    message, status = draft.message, _status(draft, sch)
    text = note_text(message.all("NTE"))
    services = [service for ais in message.all("AIS") if (service := field_concept(draft, ais, 3))]
    reason = field_concept(draft, sch, 6)
    resource = {
        "resourceType": "Appointment",
        "id": resource_id(own["system"], "Appointment", own["value"], patient.id),
        "identifier": unique(numbers),
        "status": status,
        "cancelationReason": reason if status in ("cancelled", "noshow") else {},
        "serviceType": services,
        "appointmentType": field_concept(draft, sch, 8, table="0277"),
        "reasonCode": field_concepts(draft, sch, 7),
        "description": sch.text(7, 2) or sch.text(7),
        **_when(draft, sch),
        "comment": text,
        "participant": _participants(draft, patient),
    }
    return draft.add(stamp(resource, draft.moment), booking)


def _status(draft: Draft, sch: Segment) -> str:
    """The trigger decides what it is about; for a booking, SCH-25 says how far it has come."""
    status = STATUSES[draft.message.trigger]
    sent = sch.text(25).strip()
    told = look_up("0278", sent)
    if sent and not told:
        draft.lost(sch, 25, sent, v2_system("0278"))
    return told if status == "booked" and told else status


def _when(draft: Draft, sch: Segment) -> Json:
    """Start and end stand together or not at all (R4 app-2); an unknown end follows from the duration."""
    tq1, minutes = draft.message.first("TQ1"), _duration(draft, sch)
    for begin, finish in ((tq1.text(7), tq1.text(8)), (sch.text(11, 4), sch.text(11, 5)), (_resource_start(draft), "")):
        if start := draft.times.instant(begin):
            end = draft.times.instant(finish) or _plus(start, minutes)
            end = end if datetime.fromisoformat(end) >= datetime.fromisoformat(start) else start
            return {"start": start, "end": end, "minutesDuration": minutes or None}
    return {"minutesDuration": minutes or None}


def _resource_start(draft: Draft) -> str:
    return next(
        (text for name, field in _STARTS.items() for s in draft.message.all(name) if (text := s.text(field))), ""
    )


def _duration(draft: Draft, sch: Segment) -> int:
    listed = [(sch.text(9), sch.text(10))]
    listed += [(s.text(at + 3), s.text(at + 4)) for name, at in _STARTS.items() for s in draft.message.all(name)]
    return next((_minutes(number, unit) for number, unit in listed if _minutes(number, unit)), 0)


def _minutes(number: str, unit: str) -> int:
    length = (whole(number) or 0) * _MINUTES.get(unit.strip().upper(), 1)
    return int(length) if length <= _LONGEST else 0


def _plus(start: str, minutes: int) -> str:
    return (datetime.fromisoformat(start) + timedelta(minutes=minutes)).isoformat()


def _participants(draft: Draft, patient: Subject) -> list[Json]:
    actors = [patient.reference]
    for aip in draft.message.all("AIP"):
        actors += practitioners(draft, aip, 3) if aip.text(2) != "D" else []
    for ail in draft.message.all("AIL"):
        actors += [place] if ail.text(2) != "D" and (place := location(draft, ail[3])) else []
    for aig in draft.message.all("AIG"):
        name = aig.text(3, 2) or aig.text(3)
        actors += [{"display": name}] if aig.text(2) != "D" and name else []
    return [{"actor": actor, "status": "accepted"} for actor in actors]
