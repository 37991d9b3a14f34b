"""
Where a patient lay, in order of time: a late transfer finds its place, a cancelled one is taken back.

HL7 v2 chapter 3 (A02, A09, A10, A12); https://hl7.org/fhir/R4/encounter-definitions.html#Encounter.location
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adapters.facts import Json
from adapters.hl7v2.to_fhir.times import as_datetime
from adapters.hl7v2.to_fhir.visit_events import ARRIVALS, REOPENS, TAKES_BACK

MOVEMENT = "urn:hie:movement"
LEFT = "urn:hie:left"
_BEFORE = "urn:hie:corrected-place"
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_HELD = {"planned": "planned", "cancelled": "completed", "entered-in-error": "completed", "onleave": "reserved"}


def history(before: list[Json], incoming: Json, event: str, status: str, period: Json) -> list[Json]:
    """The visit's places after `event`: `incoming["location"]` is where the message says the patient is."""
    said = incoming.get("location", [])
    stayed = [entry for entry in before if entry["status"] != "planned"]
    coming = [entry for entry in before if entry["status"] == "planned"]
    if event in ARRIVALS:
        return _timed(_arrive(stayed, said), [], status, period)
    if event in TAKES_BACK:
        return _timed(_take_back(stayed, said), [], status, period, reopened=True)
    if event == "A09":
        return _timed(_leave(stayed, said), _planned(said) or coming, status, period)
    if event in ("A05", "A14", "A15"):
        return _timed(stayed or _real(said), coming if stayed and event != "A15" else _planned(said), status, period)
    if event in ("A26", "A33"):
        return _timed(stayed, [], status, period, reopened=event in REOPENS)
    if not stayed and coming and status == "planned":
        return _timed([], _correct(coming, said), status, period)
    return _timed(_correct(stayed, said), coming, status, period, reopened=event in REOPENS)


def _planned(said: list[Json]) -> list[Json]:
    return [entry for entry in said if entry["status"] == "planned"]


def _real(said: list[Json]) -> list[Json]:
    return [entry for entry in said if entry["status"] != "planned"]


def _place(entry: Json) -> Any:
    return entry["location"].get("reference")


def _start(entry: Json) -> datetime:
    return as_datetime(entry.get("period", {}).get("start", "")) or _EARLIEST


def _movement(entry: Json) -> str:
    return next((e.get("valueString", "") for e in entry.get("extension", ()) if e.get("url") == MOVEMENT), "")


def _without(places: list[Json], said: list[Json]) -> list[Json]:
    """Without those of the movements that are told anew: IHE's UPDATE."""
    told = {movement for entry in said if (movement := _movement(entry))}
    return [place for place in places if _movement(place) not in told]


def _arrive(stayed: list[Json], said: list[Json]) -> list[Json]:
    """Add what is new, in its place in time; being where one was is no move."""
    places = _without(stayed, said)
    for entry in said:
        if entry["status"] == "completed":
            places = places if any(_place(e) == _place(entry) for e in places) else [entry, *places]
        elif entry["status"] == "active":
            places = _moved(places, entry)
    return sorted(places, key=_start)


def _moved(places: list[Json], entry: Json) -> list[Json]:
    """Being where one was is no move; whoever left a place and comes to it again has moved."""
    at = max((n for n, place in enumerate(places) if _start(place) <= _start(entry)), default=-1)
    if at < 0 or _place(places[at]) != _place(entry) or _has_left(places[at]):
        return [*places, entry]
    there = places[at]
    if _start(there) == _EARLIEST:
        span = {**entry.get("period", {}), **there.get("period", {})}
        return [*places[:at], {**there, "period": span} if span else there, *places[at + 1 :]]
    former = next((e["valueReference"] for e in there.get("extension", ()) if e.get("url") == _BEFORE), None)
    if former is None or _start(entry) == _start(there):
        return places
    # An update had put the patient there before the move was told.
    return [*places[:at], _less(there, _BEFORE) | {"location": former}, *places[at + 1 :], entry]


def _less(place: Json, url: str) -> Json:
    marks = [mark for mark in place.get("extension", ()) if mark.get("url") != url]
    return {key: value for key, value in place.items() if key != "extension"} | ({"extension": marks} if marks else {})


def _has_left(entry: Json) -> bool:
    """A09 was told: the place has an end of its own, whatever comes next."""
    return any(e.get("url") == LEFT for e in entry.get("extension", ()))


def _take_back(stayed: list[Json], said: list[Json]) -> list[Json]:
    """IHE names the movement that is taken back; others name the place where the patient is again."""
    named = _without(stayed, said)
    if len(named) < len(stayed):
        return named
    if len(stayed) > 1 and said and _place(stayed[-1]) != _place(said[-1]):
        return stayed[:-1]
    return stayed or [_unmarked(entry) for entry in said]


def _unmarked(entry: Json) -> Json:
    return {key: value for key, value in entry.items() if key != "extension"}


def _leave(stayed: list[Json], said: list[Json]) -> list[Json]:
    """The last place has an end; where the patient is now, nobody says."""
    gone = next((entry for entry in said if entry["status"] == "completed"), None)
    if not stayed or gone is None:
        return stayed or _real(said)
    span = {**stayed[-1].get("period", {}), "end": gone["period"]["end"]}
    last = _less(stayed[-1], LEFT)
    marks = [*last.get("extension", ()), *gone["extension"]]
    return [*stayed[:-1], {**last, "status": "completed", "period": span, "extension": marks}]


def _correct(before: list[Json], said: list[Json]) -> list[Json]:
    """An update that names another place corrects the present one; a move would have been A02."""
    if not before or not said:
        return before or said
    last = before[-1]
    if _place(last) == _place(said[-1]):
        return [*before[:-1], {**last, "location": said[-1]["location"]}]
    marks = [*_less(last, _BEFORE).get("extension", ()), {"url": _BEFORE, "valueReference": last["location"]}]
    return [*before[:-1], {**last, "location": said[-1]["location"], "extension": marks}]


def _timed(places: list[Json], coming: list[Json], status: str, period: Json, *, reopened: bool = False) -> list[Json]:
    """Each place ends when the next begins, the last one with the visit; what is planned comes behind them."""
    ends = [place.get("period", {}).get("start") for place in places[1:]]
    timed = [_closed(place, end) for place, end in zip(places, ends, strict=False)]
    last = [_last(place, status, period, reopened=reopened) for place in places[-1:]]
    return timed + last + (coming if status not in ("finished", "cancelled", "entered-in-error") else [])


def _closed(place: Json, end: str | None) -> Json:
    if _has_left(place):
        return place
    span = {k: v for k, v in (("start", place.get("period", {}).get("start")), ("end", end)) if v}
    return _with({**place, "status": "completed"}, span)


def _last(place: Json, status: str, period: Json, *, reopened: bool) -> Json:
    start = place.get("period", {}).get("start")
    if status == "finished":
        return _closed(place, _after(start, period.get("end")))
    if _has_left(place) and not reopened:
        return place
    return _with({**_less(place, LEFT), "status": _HELD.get(status, "active")}, {"start": start} if start else {})


def _after(start: str | None, end: str | None) -> str | None:
    first, last = as_datetime(start or ""), as_datetime(end or "")
    return end if not (first and last) or first <= last else None


def _with(place: Json, span: Json) -> Json:
    rest = {key: value for key, value in place.items() if key != "period"}
    return {**rest, "period": span} if span else rest
