"""
RGS with its AIS, AIP, AIL and AIG: what is booked for an appointment, and what each segment does to the list.

HL7 v2 chapter 10.6.5 to 10.6.9, table 0206 (segment action code)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.resources.locations import location
from adapters.hl7v2.to_fhir.resources.people import practitioners
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import clean, whole

SERVICE = "AIS"
# The start of a resource; its offset and unit, duration and unit follow; then comes its status.
STARTS = {SERVICE: 4, "AIG": 8, "AIL": 6, "AIP": 6}
_LONGEST = 7 * 1440  # what lasts longer than a week is no appointment but a mistake
_MINUTES = {
    "S": 1 / 60, "SEC": 1 / 60, "M": 1, "MIN": 1, "MINUTES": 1, "MINUTE": 1, "分钟": 1, "": 1, "H": 60, "HR": 60,
    "HOUR": 60, "HOURS": 60, "小时": 60, "D": 1440,
}  # fmt: skip
_PARTICIPATION = {"cancelled": "declined", "waitlist": "tentative", "pending": "needs-action", "noshow": "declined"}


@dataclass(frozen=True, slots=True)
class Booked:
    """
    One service or resource of an appointment.

    `action` is A, U, D or X of AIx-2, else of RGS-2, "" where neither says; `item` is the serviceType or participant,
    whose element id (`AIP-1-2`: segment, RGS-1, AIx-1) names its place in the appointment.
    """

    kind: str
    action: str
    item: Json


def booked(draft: Draft, start: str = "") -> list[Booked]:
    """Every service and resource of the message, in order; `start` is the appointment's, for offsets."""
    found: list[Booked] = []
    group = Segment("RGS", ())
    for segment in draft.message.segments:
        if segment.name == "RGS":
            group = segment
            found += _whole_group(group)
        elif segment.name in STARTS:
            found += _of_segment(draft, group, segment, start)
    return _numbered(found)


def _whole_group(rgs: Segment) -> list[Booked]:
    """RGS-2 D takes the group away, whatever is listed below it."""
    return [Booked("RGS", "D", {"id": rgs.text(1) or "1"})] if _action(rgs) == "D" else []


def _of_segment(draft: Draft, rgs: Segment, segment: Segment, start: str) -> Iterator[Booked]:
    place = {"id": f"{segment.name}-{rgs.text(1) or '1'}-{segment.text(1) or '1'}".replace(" ", "")}
    action = _action(segment) or _action(rgs)
    if segment.name == SERVICE:
        service = field_concept(draft, segment, 3)
        if service:
            yield Booked(SERVICE, action, prune(place | service))
        return
    for actor in actors(draft, segment):
        yield Booked(segment.name, action, prune(place | _participant(draft, segment, actor, start)))


def _action(segment: Segment) -> str:
    sent = segment.text(2).strip().upper()
    return sent if sent in ("A", "U", "D", "X") else ""


def actors(draft: Draft, segment: Segment) -> list[Json]:
    """Who or what an AIP, AIL or AIG names, as references."""
    if segment.name == "AIP":
        return practitioners(draft, segment, 3)
    if segment.name == "AIL":
        return [place for value in segment.all(3) if (place := location(draft, value))]
    code, name = clean(segment.text(3)), segment.text(3, 2) or segment.text(3)
    number = {"system": f"{draft.authority}:resource", "value": code} if code else {}
    return [prune({"identifier": number, "display": name})] if name else []


def _participant(draft: Draft, segment: Segment, actor: Json, start: str) -> Json:
    kind, said = field_concept(draft, segment, 4), _said(draft, segment)
    return {
        "type": [kind] if kind else [],
        "actor": actor,
        "status": _PARTICIPATION.get(said, "accepted"),
        "period": period(draft, segment, start),
    }


def _said(draft: Draft, segment: Segment) -> str:
    """The status of this resource alone: AIG-14, AIL-12, AIP-12."""
    at = STARTS[segment.name] + 6
    sent = segment.text(at).strip()
    told = look_up("0278", sent)
    if sent and not told:
        draft.lost(segment, at, sent, v2_system("0278"))
    return told


def period(draft: Draft, segment: Segment, start: str = "") -> Json:
    """When a resource is needed: its own start, or its distance from the appointment's; its duration."""
    at = STARTS[segment.name]
    begin = draft.times.instant(segment.text(at)) or _plus(start, minutes(segment.text(at + 1), segment.text(at + 2)))
    length = minutes(segment.text(at + 3), segment.text(at + 4))
    return {"start": begin, "end": _plus(begin, length)} if begin else {}


def minutes(number: str, unit: str) -> int:
    """A duration in whole minutes, 0 when there is none or nobody would book it."""
    length = (whole(number) or 0) * _MINUTES.get(unit.strip().upper(), 1)
    return int(length) if length <= _LONGEST else 0


def _plus(start: str, length: int) -> str:
    return later(start, length) if start and length else ""


def later(start: str, length: int) -> str:
    """An instant some minutes after another."""
    return (datetime.fromisoformat(start) + timedelta(minutes=length)).isoformat()


def _numbered(found: list[Booked]) -> list[Booked]:
    """Places are told apart: senders repeat AIx-1, and one AIP may name several people."""
    seen: dict[str, int] = {}
    numbered = []
    for one in found:
        place = str(one.item["id"])
        seen[place] = seen.get(place, 0) + 1
        numbered.append(one if seen[place] == 1 else replace(one, item=one.item | {"id": f"{place}.{seen[place]}"}))
    return numbered
