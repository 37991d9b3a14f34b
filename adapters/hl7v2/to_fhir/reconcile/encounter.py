"""
The life of a visit: planned, in progress, on leave, finished, cancelled, and never reopened but by A13.

HL7 v2 chapter 3 (A01 to A17, A21 to A27, A38, A52 to A55); https://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.errors import NotUnderstood
from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.doctors import doctors, role
from adapters.hl7v2.to_fhir.reconcile.location_history import history
from adapters.hl7v2.to_fhir.reconcile.moments import (
    AS_OF,
    STATUS_AS_OF,
    by_key,
    extension_value,
    fill,
    is_older,
    overlay,
    stamp,
)
from adapters.hl7v2.to_fhir.reconcile.status import next_status
from adapters.hl7v2.to_fhir.times import as_datetime
from adapters.hl7v2.to_fhir.visit_events import ARRIVALS, CHANGES, CLASS_CHANGES

# What a whole snapshot of a visit replaces, where it is silent.
_STATED = ("type", "serviceType", "reasonCode", "participant", "hospitalization")


@dataclass(frozen=True, slots=True)
class Event:
    """
    What an ADT message says happened to a visit: `trigger`, and `at` when (FHIR dateTime).

    `removed` are elements that the sender deletes (`serviceType`, `participant.ATND`, `extension.<url>`); `snapshot`:
    what the message does not have is gone; `historic`: it tells of the past and says nothing of the present;
    `implied`: no field says when the visit began, only that this was its beginning.
    """

    trigger: str
    at: str
    removed: tuple[str, ...] = ()
    snapshot: bool = False
    historic: bool = False
    implied: bool = False


def visit(event: Event) -> Reconcile:
    """The rule of an ADT trigger."""

    def rule(current: Json | None, incoming: Json) -> Json | None:
        return _first(event, incoming) if current is None else _next(event, current, incoming)

    return rule


def is_merged(current: Json) -> bool:
    """True for a visit whose number was given up for another: A42, A50."""
    return current.get("status") == "entered-in-error" and "partOf" in current


def superseded(current: Json | None, incoming: Json) -> Json | None:
    """The visit whose number was given up: it says which one it is now."""
    if current is None or is_merged(current):
        return None
    at = extension_value(incoming, AS_OF)
    gone = stamp(stamp({**current, "status": "entered-in-error", "partOf": incoming["partOf"]}, at), at, STATUS_AS_OF)
    return gone | _status_history(current, "entered-in-error", at) | {"meta": _meta(current, incoming)}


def _meta(current: Json, incoming: Json) -> Json:
    return {**current.get("meta", {}), **incoming.get("meta", {})}


def _first(event: Event, incoming: Json) -> Json | None:
    """A visit that nobody has told of; what only changes a visit asserts none."""
    if event.trigger in CHANGES:
        return None
    places = history([], incoming, event.trigger, incoming["status"], incoming.get("period", {}))
    return _with_places(incoming, places)


def _with_places(resource: Json, places: list[Json]) -> Json:
    rest = {key: value for key, value in resource.items() if key != "location"}
    return rest | ({"location": places} if places else {})


def _next(event: Event, current: Json, incoming: Json) -> Json | None:
    _refuse_reuse(event, current, incoming)
    if is_merged(current):
        return None
    older = is_older(current, incoming) or event.historic
    status = next_status(event.trigger, current, incoming)
    merged = _gaps(current, incoming) if older else _content(event, current, incoming)
    merged |= _people(event, current, incoming, older)
    merged |= {"status": status, **_period(event, current, incoming, status, older)}
    merged |= _status_history(current, status, event.at) | _class(event, current, incoming, older)
    merged = _with_places(merged, _located(event, current, incoming, merged, older))
    merged = {key: value for key, value in merged.items() if value != {}}
    return _stamped(merged if older else _remove(merged, event.removed), current, incoming, status)


def _refuse_reuse(event: Event, current: Json, incoming: Json) -> None:
    """A visit number used again for somebody else would move a stay from one record into another."""
    moved = current.get("subject") != incoming.get("subject")
    if moved and event.trigger in ("A01", "A04", "A05") and current.get("status") == "finished":
        raise NotUnderstood(
            "the visit number belongs to a finished visit of another patient", location="PV1^1^19", condition="205"
        )


def _content(event: Event, current: Json, incoming: Json) -> Json:
    under = {key: value for key, value in current.items() if not (event.snapshot and key in _STATED)}
    merged = overlay(under, incoming) | _identifiers(current, incoming) | _diagnoses(current, incoming)
    stays = {} if event.snapshot else current.get("hospitalization", {})
    merged["hospitalization"] = {**stays, **incoming.get("hospitalization", {})}
    return {key: value for key, value in merged.items() if value != {}}


def _gaps(current: Json, incoming: Json) -> Json:
    merged = fill(current, incoming) | _identifiers(incoming, current)
    merged["hospitalization"] = {**incoming.get("hospitalization", {}), **current.get("hospitalization", {})}
    return {key: value for key, value in merged.items() if value != {}}


def _identifiers(under: Json, over: Json) -> Json:
    listed = by_key(
        under.get("identifier", []), over.get("identifier", []), lambda i: (i.get("system"), i.get("value"))
    )
    return {"identifier": listed} if listed else {}


def _diagnoses(current: Json, incoming: Json) -> Json:
    """A snapshot of diagnoses replaces the ones before of the same kinds (admitting, working, final)."""
    said = incoming.get("diagnosis", [])
    kept = by_key(current.get("diagnosis", []), said, lambda entry: str(entry.get("use")))
    return {"diagnosis": kept} if kept else {}


def _people(event: Event, current: Json, incoming: Json, older: bool) -> Json:
    before = [] if event.snapshot and not older else current.get("participant", [])
    found = doctors(event.trigger, event.at, before, incoming.get("participant", []), older=older)
    return {"participant": found} if found else {}


def _remove(resource: Json, removed: tuple[str, ...]) -> Json:
    """Without what `""` deletes: a whole element, or one part of it."""
    kept = dict(resource)
    for element in removed:
        name, _, part = element.partition(".")
        if not part:
            kept.pop(name, None)
        elif name in kept:
            left = _less(kept.pop(name), part)
            kept |= {name: left} if left else {}
    return kept


def _less(value: object, part: str) -> object:
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if key != part}
    items = value if isinstance(value, list) else []
    return [item for item in items if item.get("url") != part and role(item) != part]


def _period(event: Event, current: Json, incoming: Json, status: str, older: bool) -> Json:
    """The end belongs to a finished visit only: a reopened one has none."""
    was, said = current.get("period", {}), incoming.get("period", {})
    keep = older or (event.implied and current.get("status") in ("in-progress", "onleave", "finished"))
    start = was.get("start") or said.get("start") if keep else said.get("start") or was.get("start")
    ends = (
        (was.get("end"), said.get("end"))
        if is_older(current, incoming, STATUS_AS_OF)
        else (said.get("end"), was.get("end"))
    )
    end = next(filter(None, ends), None) if status == "finished" else None
    return {"period": ordered({key: text for key, text in (("start", start), ("end", end)) if text})}


def ordered(period: Json) -> Json:
    """A period that ends before it starts has no end that could be believed."""
    start, end = as_datetime(period.get("start", "")), as_datetime(period.get("end", ""))
    if start and end and end < start and period["end"] != period["start"][: len(period["end"])]:
        return {"start": period["start"]}
    return period


def _status_history(current: Json, status: str, at: str) -> Json:
    was = current.get("status", "unknown")
    if was in (status, "unknown"):
        return {}
    before = current.get("statusHistory", [])
    start = before[-1]["period"].get("end") if before else current.get("period", {}).get("start")
    return {"statusHistory": [*before, {"status": was, "period": _span(start, at)}]}


def _class(event: Event, current: Json, incoming: Json, older: bool) -> Json:
    """A06 and A07 change the class of the same visit; the class before goes into its history."""
    was, said = current["class"], incoming["class"]
    if (older and current.get("status") != "unknown") or said.get("code") == "U":
        return {"class": was}
    if was.get("code") == said.get("code") or event.trigger not in CLASS_CHANGES or current.get("status") == "unknown":
        return {"class": said}
    before = current.get("classHistory", [])
    start = before[-1]["period"].get("end") if before else current.get("period", {}).get("start")
    return {"class": said, "classHistory": [*before, {"class": was, "period": _span(start, event.at)}]}


def _span(start: str | None, end: str) -> Json:
    first, last = as_datetime(start or ""), as_datetime(end)
    return {"start": start, "end": end} if first and last and first <= last else {"end": end}


def _located(event: Event, current: Json, incoming: Json, merged: Json, older: bool) -> list[Json]:
    """An older message moves nobody now; a move that it tells of finds its place in time."""
    before = current.get("location", [])
    late = is_older(current, incoming) and event.trigger not in ARRIVALS and before
    said, trigger = ({"location": []}, "") if late else (incoming, event.trigger)
    return history(before, said, trigger, merged["status"], merged["period"])


def _stamped(merged: Json, current: Json, incoming: Json, status: str) -> Json:
    """The later of both moments, and the moment of the status that was accepted."""
    latest = current if is_older(current, incoming) else incoming
    merged = stamp(merged, extension_value(latest, AS_OF))
    decided = extension_value(incoming, STATUS_AS_OF)
    if decided and status == incoming["status"] and not is_older(current, incoming, STATUS_AS_OF):
        return stamp(merged, decided, STATUS_AS_OF)
    kept = extension_value(current, STATUS_AS_OF)
    others = [e for e in merged["extension"] if e["url"] != STATUS_AS_OF]
    return {**merged, "extension": [*others, {"url": STATUS_AS_OF, "valueDateTime": kept}] if kept else others}
