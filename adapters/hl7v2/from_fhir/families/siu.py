"""
Appointment to SIU^S12, S13, S14, S15, S17, S26.

HL7 v2 chapter 10
"""

from __future__ import annotations

from datetime import datetime

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import concept, concepts, table_code
from adapters.hl7v2.from_fhir.families.oru import said
from adapters.hl7v2.from_fhir.identifiers import ei, of_type
from adapters.hl7v2.from_fhir.names import Resources, xcn
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.segments.obx import notes
from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.segments.pv1 import pl
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.writing import Envelope, Field, Line, Repetition, write

_MINUTES = ("min", "minutes", "ISO+")
_ENDS = {"cancelled": "S15", "entered-in-error": "S17", "noshow": "S26"}


def event(current: Json, previous: Json | None) -> str:
    """The trigger of a changed appointment; "" for one that says nothing new."""
    status, before = str(current.get("status", "")), (previous or {}).get("status")
    if status in _ENDS:
        return _ENDS[status] if status != before else ""
    if previous is None or before in _ENDS:
        return "S12"
    if any(current.get(name) != previous.get(name) for name in ("start", "end")):
        return "S13"
    return "S14" if said(current) != said(previous) else ""


def schedule(
    receiver: Receiver, envelope: Envelope, trigger: str, patient: Json, found: Json, resources: Resources
) -> bytes:
    """SIU of one appointment."""
    lines = [_sch(found, resources, receiver)]
    if "start" in found:
        lines.append(Line("TQ1", {1: "1", 7: dtm(found["start"]), 8: dtm(found.get("end", ""))}))
    lines += [*notes([{"text": found.get("comment", "")}]), pid(patient, receiver), Line("RGS", {1: "1"})]
    return write(receiver, envelope, "SIU", trigger, [*lines, *_resources(found, resources, receiver)])


def _sch(found: Json, resources: Resources, receiver: Receiver) -> Line:
    listed = found.get("identifier", [])
    placer, filler = of_type(listed, "PLAC"), of_type(listed, "FILL")
    own = placer or filler or listed or [{"system": "urn:hie:authority:HIE", "value": found["id"]}]
    reason = concept(found.get("cancelationReason")) or concept(next(iter(found.get("reasonCode", ())), None))
    span = (dtm(found.get("start", "")), dtm(found.get("end", "")))
    minutes = str(found.get("minutesDuration", ""))
    return Line(
        "SCH",
        {
            1: ei(own[0], receiver) if own is not filler else "",
            2: ei(filler[0], receiver) if filler else "",
            6: concept(found.get("cancelationReason")) or ("", "appointment"),
            7: reason or ("", str(found.get("description", ""))),
            8: concept(found.get("appointmentType")),
            9: minutes,
            10: _MINUTES if minutes else "",
            11: ("", "", minutes and f"M{minutes}", *span),
            16: _person(found, "urn:hie:filler-contact", resources, receiver),
            20: _person(found, "urn:hie:entered-by", resources, receiver),
            25: _status(found),
        },
    )


def _person(found: Json, url: str, resources: Resources, receiver: Receiver) -> Repetition:
    """Required of every SCH: whom the source named, else the exchange."""
    named = [one["valueReference"] for one in found.get("extension", ()) if one.get("url") == url]
    return (xcn(named[0], resources, receiver) if named else "") or ("", receiver.sending_application)


def _status(found: Json) -> Repetition:
    code = table_code("0278", found.get("status", ""))
    return (code, "", "HL70278") if code else ""


def _resources(found: Json, resources: Resources, receiver: Receiver) -> list[Line]:
    """Services, other resources, places and persons."""
    start, minutes = dtm(found.get("start", "")), str(found.get("minutesDuration", ""))
    length: dict[int, Field] = {7: minutes, 8: _MINUTES if minutes else ""}
    services = enumerate(concepts(found.get("serviceType")), 1)
    lines = [Line("AIS", {1: str(at), 3: service, 4: start, **length}) for at, service in services]
    booked = [one for one in found.get("participant", ()) if _kind(one) != "Patient"]
    for at, one in enumerate((one for one in booked if _kind(one) not in ("Location", "Practitioner")), 1):
        named = ("", str(one["actor"].get("display", "")))
        lines.append(Line("AIG", {1: str(at), 3: named, 4: _role(one) or ("", "resource"), 8: _start(one)}))
    # Required until 2.4.
    place_role, person_role = ("", "") if receiver.since("2.5") else ("place", "person")
    for at, one in enumerate((one for one in booked if _kind(one) == "Location"), 1):
        place = pl(one["actor"], resources, receiver)
        lines.append(Line("AIL", {1: str(at), 3: place, 4: _role(one) or ("", place_role), **_span(one)}))
    for at, one in enumerate((one for one in booked if _kind(one) == "Practitioner"), 1):
        person = xcn(one["actor"], resources, receiver)
        lines.append(Line("AIP", {1: str(at), 3: person, 4: _role(one) or ("", person_role), **_span(one)}))
    return lines


def _role(participant: Json) -> Repetition:
    return concept(next(iter(participant.get("type", ())), None))


def _kind(participant: Json) -> str:
    return str(participant.get("actor", {}).get("reference", "")).partition("/")[0]


def _start(participant: Json) -> str:
    return dtm(participant.get("period", {}).get("start", ""))


def _span(participant: Json) -> dict[int, Field]:
    """When this person or place is booked, where that is said."""
    period = participant.get("period", {})
    if "start" not in period or "end" not in period:
        return {6: _start(participant)}
    length = datetime.fromisoformat(period["end"]) - datetime.fromisoformat(period["start"])
    return {6: _start(participant), 9: str(int(length.total_seconds() // 60)), 10: _MINUTES}
