"""
Where a patient lay, in order of time: a late transfer finds its place, a cancelled one is taken back.

HL7 v2 chapter 3 (A02, A12); https://hl7.org/fhir/R4/encounter-definitions.html#Encounter.location
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adapters.facts import Json
from adapters.hl7v2.to_fhir.times import as_datetime

_ARRIVALS = frozenset({"A01", "A02", "A04", "A06", "A07"})
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


def history(before: list[Json], incoming: Json, event: str, status: str, period: Json) -> list[Json]:
    """The visit's places after `event`: `incoming["location"]` is where the message says the patient is."""
    said = incoming.get("location", [])
    if event in _ARRIVALS:
        places = _arrive(before, said)
    elif event == "A12":
        places = _take_back(before, said)
    else:
        places = _correct(before, said)
    return _timed(places, status, period)


def _place(entry: Json) -> Any:
    return entry["location"].get("reference")


def _start(entry: Json) -> datetime:
    return as_datetime(entry.get("period", {}).get("start", "")) or _EARLIEST


def _arrive(before: list[Json], said: list[Json]) -> list[Json]:
    """Add what is new, in its place in time; being where one was is no move."""
    stayed = [entry for entry in before if entry["status"] != "planned"]
    for entry in said:
        if entry["status"] == "completed":
            stayed = stayed if any(_place(e) == _place(entry) for e in stayed) else [entry, *stayed]
        elif (place := _last_before(stayed, entry)) is None or _place(place) != _place(entry):
            stayed = [*stayed, entry]
    return sorted(stayed, key=_start)


def _last_before(places: list[Json], entry: Json) -> Json | None:
    earlier = [place for place in places if _start(place) <= _start(entry)]
    return earlier[-1] if earlier else None


def _take_back(before: list[Json], said: list[Json]) -> list[Json]:
    if len(before) > 1 and said and _place(before[-1]) != _place(said[-1]):
        return before[:-1]
    return before or said


def _correct(before: list[Json], said: list[Json]) -> list[Json]:
    """An update that names another place corrects the present one; a move would have been A02."""
    if not before or not said:
        return before or said
    return [*before[:-1], {**before[-1], "location": said[-1]["location"]}]


def _timed(places: list[Json], status: str, period: Json) -> list[Json]:
    """Each place ends when the next begins, the last one with the visit."""
    ends = [place.get("period", {}).get("start") for place in places[1:]]
    timed = [_closed(place, end) for place, end in zip(places, ends, strict=False)]
    return timed + [_last(place, status, period) for place in places[-1:]]


def _closed(place: Json, end: str | None) -> Json:
    span = {k: v for k, v in (("start", place.get("period", {}).get("start")), ("end", end)) if v}
    return _with({**place, "status": "completed"}, span)


def _last(place: Json, status: str, period: Json) -> Json:
    start = place.get("period", {}).get("start")
    if status == "finished":
        return _closed(place, _after(start, period.get("end")))
    held = {"planned": "planned", "cancelled": "completed"}.get(status, "active")
    return _with({**place, "status": held}, {"start": start} if start else {})


def _after(start: str | None, end: str | None) -> str | None:
    first, last = as_datetime(start or ""), as_datetime(end or "")
    return end if not (first and last) or first <= last else None


def _with(place: Json, span: Json) -> Json:
    rest = {key: value for key, value in place.items() if key != "period"}
    return {**rest, "period": span} if span else rest
