"""
Blocked and opened time of a resource to Slot, in the Schedule of that resource.

HL7 v2 chapter 10.4.12 (S23, S24); https://hl7.org/fhir/R4/slot.html
"""

from __future__ import annotations

from adapters.facts import Json, create_only, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei, unique
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.appointment_resources import SERVICE, STARTS, actors, later, minutes, period
from adapters.hl7v2.to_fhir.sections import note_text

STATUSES = {"S23": "busy-unavailable", "S24": "free"}


def slots(draft: Draft, sch: Segment) -> list[Json]:
    """Assert one Slot for each person, place and device that the message names, at the time it names."""
    found = []
    for segment in draft.message.segments:
        if segment.name in STARTS and segment.name != SERVICE:
            when = _when(draft, sch, segment)
            found += [_slot(draft, sch, actor, when) for actor in actors(draft, segment) if when]
    if not found:
        draft.remark("no resource with a start and an end is named")
    return found


def _slot(draft: Draft, sch: Segment, actor: Json, when: Json) -> Json:
    schedule = _schedule(draft, sch, actor)
    numbers = [prune(ei(sch[at], draft.site, kind=kind)) for at, kind in ((2, "FILL"), (1, "PLAC"))]
    resource = {
        "resourceType": "Slot",
        "id": resource_id(schedule["reference"], "Slot", when["start"], when["end"]),
        "identifier": unique(numbers),
        "schedule": schedule,
        "status": STATUSES[draft.message.trigger],
        **when,
        "comment": note_text(draft.message.all("NTE")) or sch.text(6, 2) or sch.text(7, 2),
    }
    return draft.add(stamp(resource, draft.moment), latest)


def _schedule(draft: Draft, sch: Segment, actor: Json) -> Json:
    """One schedule a resource; SCH-5 names it where a resource has several."""
    name = sch.text(5)
    owner = actor.get("reference") or actor.get("identifier", {}).get("value") or actor["display"]
    resource = {
        "resourceType": "Schedule",
        "id": resource_id(draft.authority, "Schedule", owner, name),
        "identifier": [{"system": f"{draft.authority}:schedule", "value": name}] if name else [],
        "active": True,
        "serviceType": [service for ais in draft.message.all(SERVICE) if (service := field_concept(draft, ais, 3))],
        "actor": [actor],
    }
    return draft.add(resource, create_only)


def _when(draft: Draft, sch: Segment, segment: Segment) -> Json:
    """The resource's own time, else the message's: TQ1, SCH-11."""
    own = period(draft, segment)
    tq1 = draft.message.first("TQ1")
    listed = [(own.get("start", ""), own.get("end", ""))]
    listed += [
        (draft.times.instant(a), draft.times.instant(b))
        for a, b in ((tq1.text(7), tq1.text(8)), (sch.text(11, 4), sch.text(11, 5)))
    ]
    start = next((begin for begin, _ in listed if begin), "")
    end = next((finish for _, finish in listed if finish), "")
    length = minutes(sch.text(9), sch.text(10))
    end = end or (later(start, length) if start and length else "")
    return {"start": start, "end": end} if start and end and start <= end else {}
